"""Figures in templates: grouped by the reader's locale, rounded half-up, “–” for what is missing."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse, translate_url
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import get_language, get_language_bidi, get_language_info, ngettext, override
from django.utils.translation import gettext as _

from ..drawings import print_cents, print_day, print_number, print_share
from ..figures import counted, print_figure
from ..pages import Pair
from ..profiles import in_language
from ..richtext import clean_html
from ..rounding import compact, half_up

register = template.Library()

MISSING = "–"
OWN_NAMES = {"ar": "العربية"}  # Django writes a vowel sign with it


def minus(value: Decimal) -> str:
    """The sign of an amount, which stands before the currency; the mark keeps it left of the digits in Arabic."""
    return "" if value >= 0 else "\u200e−" if get_language_bidi() else "−"


@register.filter
def number(value: Decimal | int | None) -> str:
    """1557276 → 1,557,276."""
    return MISSING if value is None else print_number(value)


@register.filter
def usd(value: Decimal | None) -> str:
    """Whole dollars: 127635003.00 → $127,635,003."""
    if value is None:
        return MISSING
    return minus(value) + _("$%s") % print_number(abs(half_up(value)))


@register.filter
def usd_cents(value: Decimal | None) -> str:
    """Exact: 48625534.17 → $48,625,534.17."""
    if value is None:
        return MISSING
    return minus(value) + _("$%s") % print_cents(abs(value))


@register.filter
def usd_short(value: Decimal | None) -> str:
    """One decimal in millions: 48625534.17 → $48.6 million."""
    if value is None:
        return MISSING
    rounded, unit = compact(value)
    whole = counted(rounded)
    words = {
        "billion": ngettext("$%s billion", "$%s billion", whole),
        "million": ngettext("$%s million", "$%s million", whole),
        "thousand": ngettext("$%s thousand", "$%s thousand", whole),
    }.get(unit, _("$%s"))
    return minus(value) + words % print_number(abs(rounded))


@register.filter
def share_of(part: Decimal | None, whole: Decimal | None) -> str:
    """A share in per cent to one decimal: 12.5%; “–” where there is none."""
    return print_share(part, whole) or MISSING


@register.filter
def key_figure(value: str, language: str) -> str:
    """The value of a key figure as the language of its text writes it."""
    with override(language):
        return print_figure(value)


@register.filter
def against_plan(pair: Pair) -> str:
    """How the year-end stands to the plan, of two figures that can be compared."""
    if pair.points is None:
        return _("%(share)s%% of the plan") % {"share": number(pair.share)}
    apart = Decimal(f"{abs(pair.points).normalize():f}")
    if not apart:
        return _("as planned")
    said = (
        ngettext(
            "%(points)s percentage point above the plan",
            "%(points)s percentage points above the plan",
            counted(apart),
        )
        if pair.points > 0
        else ngettext(
            "%(points)s percentage point below the plan",
            "%(points)s percentage points below the plan",
            counted(apart),
        )
    )
    return said % {"points": print_number(apart)}


@register.filter
def in_reader_language(texts: dict[str, str] | None) -> str:
    return in_language(texts)


@register.filter
def rich(fragment: str) -> SafeString:
    """HTML of a narrative, cleaned once more before it is shown."""
    return mark_safe(clean_html(fragment))  # noqa: S308 — clean_html allows a short list of tags


@register.filter
def day(value: Any) -> str:
    """25 November 2021, from a date or its ISO text, in the reader's language."""
    value = parse_date(value) if isinstance(value, str) else value
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        value = timezone.localtime(value).date()
    return print_day(value)


@register.simple_tag
def value_or_reason(value: Any, printed: str) -> str:
    """A figure as ``printed``; where it is missing, “–” with the reason in words beside it."""
    if value.number is not None:
        return printed
    return format_html('<span class="missing">{} <small>{}</small></span>', MISSING, value.reason)


@register.simple_tag(takes_context=True)
def language_links(context: dict[str, Any]) -> list[dict[str, Any]]:
    """This page in every language of the site: its code, its own name, its address, and whether it is this one."""
    request = context["request"]
    return [
        {
            "code": code,
            "name": OWN_NAMES.get(code) or capfirst(get_language_info(code)["name_local"]),
            "url": address_in(request, code),
            "is_current": code == get_language(),
        }
        for code, _name in settings.LANGUAGES
    ]


def address_in(request: HttpRequest, code: str) -> str:
    """The page with its query in another language; where there is no page, its address in that language."""
    address = request.get_full_path()
    if request.resolver_match:
        return translate_url(address, code)
    here = reverse("operations:home")
    with override(code):
        return reverse("operations:home") + address.removeprefix(here)
