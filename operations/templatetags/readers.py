"""Addresses, moments and names of editions on public pages."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils.html import conditional_escape, format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.utils.translation import get_language_info, override
from django.utils.translation import gettext as _

from ..comparison import FigureChange
from ..drawings import print_day
from ..models import Edition, TextKind
from ..moments import with_zone, zone_named

register = template.Library()


def asked_moment(context: dict[str, Any]) -> str:
    """What ``?as_of=`` asks for, where that is in the past."""
    request = context.get("request")
    return request.GET["as_of"].strip() if getattr(request, "as_of", None) else ""


@register.simple_tag(takes_context=True)
def address(context: dict[str, Any], name: str, *args: Any, **query: Any) -> str:
    """The address of a public page with this query, in the same past as this page."""
    return keep(context, reverse(name, args=args) + (f"?{urlencode(query)}" if query else ""))


@register.simple_tag(takes_context=True)
def keep(context: dict[str, Any], url: str) -> str:
    """The address, in the same past as this page."""
    if asked := asked_moment(context):
        url += ("&" if "?" in url else "?") + urlencode({"as_of": asked})
    return url


@register.simple_tag(takes_context=True)
def present(context: dict[str, Any]) -> str:
    """This page's address as it is now."""
    request = context["request"]
    query = request.GET.copy()
    query.pop("as_of", None)
    return request.path + (f"?{query.urlencode()}" if query else "")


@register.simple_tag(takes_context=True)
def shown_moment(context: dict[str, Any]) -> str:
    """The moment that a page of the past shows: 25 November 2021, or with its time where one was asked for."""
    asked, moment = asked_moment(context), context["request"].at
    if "T" in asked:
        return with_zone(moment, settings.TIME_ZONE)
    return print_day(moment.astimezone(zone_named(settings.TIME_ZONE)))


@register.filter
def moment(value: dt.datetime | None) -> str:
    """25 November 2021, 09:00 UTC."""
    return with_zone(value, settings.TIME_ZONE) if value else ""


@register.filter
def iso_day(value: dt.datetime) -> str:
    """2021-11-25, as ``?as_of=`` reads it."""
    return value.astimezone(zone_named(settings.TIME_ZONE)).date().isoformat()


@register.filter
def text_name(edition: Edition) -> str:
    """Year-end report 2020; Plan for 2021; Profile."""
    if edition.kind == Edition.Kind.PROFILE:
        return _("Profile and figures")
    words = {"year": edition.year}
    report, plan = _("Year-end report %(year)s") % words, _("Plan for %(year)s") % words
    return report if edition.kind == TextKind.YEAR_END else plan


@register.filter
def language_name(code: str) -> str:
    """French, in the reader's language."""
    return str(get_language_info(code)["name_translated"])


@register.filter
def marked(text: str, language: str) -> SafeString:
    """The text marked as being in this language, where one is given."""
    return format_html('<bdi lang="{}">{}</bdi>', language, text) if language else conditional_escape(text)


@register.filter
def marked_label(change: FigureChange) -> SafeString:
    """The label, what it quotes from a text marked as being in the language of that text."""
    if not change.said:
        return conditional_escape(change.label)
    ours = len(_("Key figure: %(text)s").partition("%(text)s")[0])
    before, said, after = change.label[ours:].partition(change.said)
    return format_html(
        '{}<span lang="{}">{}</span>{}', change.label[:ours] + before, change.language, said, after
    )


@register.simple_tag
def address_in_language(code: str, name: str, *args: Any) -> str:
    """The address of a public page in another language."""
    with override(code):
        return reverse(name, args=args)


@register.filter
def on_this_site(address: str) -> str:
    """The address of a page of this site; empty for any other."""
    is_ours = address.startswith("/") and url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return address if is_ours else ""
