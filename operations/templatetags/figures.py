"""Figures in templates: grouped by the reader's locale, rounded half-up, “–” for what is missing."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django import template
from django.utils.dateparse import parse_date
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from ..profiles import in_language
from ..richtext import clean_html
from ..rounding import compact, half_up, percent

register = template.Library()

MISSING = "–"


@register.filter
def number(value: Decimal | int | None) -> str:
    """1557276 → 1,557,276."""
    return MISSING if value is None else number_format(value, force_grouping=True)


@register.filter
def usd(value: Decimal | None) -> str:
    """Whole dollars: 127635003.00 → $127,635,003."""
    if value is None:
        return MISSING
    sign = "−" if value < 0 else ""
    return f"{sign}${number_format(abs(half_up(value)), force_grouping=True)}"


@register.filter
def usd_cents(value: Decimal | None) -> str:
    """Exact: 48625534.17 → $48,625,534.17."""
    if value is None:
        return MISSING
    sign = "−" if value < 0 else ""
    return f"{sign}${number_format(abs(value), decimal_pos=2, force_grouping=True)}"


@register.filter
def usd_short(value: Decimal | None) -> str:
    """One decimal in millions: 48625534.17 → $48.6 million."""
    if value is None:
        return MISSING
    rounded, unit = compact(value)
    printed = number_format(rounded, force_grouping=True)
    return {
        "billion": _("$%s billion"),
        "million": _("$%s million"),
        "thousand": _("$%s thousand"),
    }.get(unit, "$%s") % printed


@register.filter
def share_of(part: Decimal | None, whole: Decimal | None) -> str:
    """A share in per cent to one decimal: 12.5%; “–” where either is missing."""
    value = percent(part, whole, 1)
    return MISSING if value is None else f"{number_format(value)}%"


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
        value = value.date()
    return date_format(value, "j F Y")


@register.simple_tag
def value_or_reason(value: Any, printed: str) -> str:
    """A figure as ``printed``; where it is missing, “–” with the reason in words beside it."""
    if value.number is not None:
        return printed
    return format_html('<span class="missing">{} <small>{}</small></span>', MISSING, value.reason)
