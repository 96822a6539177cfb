"""The money on other apps' pages: they show it through these tags and import nothing of this app."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import template
from django.conf import settings
from django.db.models import Max, Min, Sum
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _

from operations.calculations import gap
from operations.drawings import print_cents, print_less, print_number
from operations.pages import OperationPage
from operations.profiles import MoneyYear
from operations.rounding import half_up
from operations.templatetags.figures import MISSING, minus, usd

from ..filters import Filters
from ..lines import by_day, latest, number_footnotes, public_lines
from ..models import Contribution, DailySum
from ..received import Received

register = template.Library()


@register.inclusion_tag("contributions/latest.html", takes_context=True)
def latest_contributions(context: dict[str, Any], count: int = 20, level: int = 2) -> dict[str, Any]:
    """The agency's newest public lines, grouped by day, each opening to its allocations."""
    request = context.get("request")
    at = getattr(request, "at", None)
    newest = latest(DailySum.objects.released(at), count)
    lines = public_lines(newest, Contribution.objects.released(at), at)
    return {
        "request": request,
        "days": by_day(lines),
        "footnotes": number_footnotes(lines),
        "count": len(lines),
        "level": level,
    }


@register.simple_tag(takes_context=True)
def contributions_counted(context: dict[str, Any]) -> dict[str, Any]:
    """How many lines readers see, and the days of the first and the last: ``lines``, ``first``, ``last``."""
    sums = DailySum.objects.released(getattr(context.get("request"), "at", None))
    return sums.aggregate(lines=Sum("lines"), first=Min("date"), last=Max("date"))


@register.inclusion_tag("contributions/received.html", takes_context=True)
def contributions_received(context: dict[str, Any], page: OperationPage) -> dict[str, Any]:
    """What an operation received for the year of its page, by donor and earmarking, and what cannot be attributed."""
    request = context.get("request")
    return {
        "request": request,
        "page": page,
        "edition": context.get("edition"),
        "received": Received.load(page, getattr(request, "at", None)),
    }


@register.inclusion_tag("contributions/side_by_side.html", takes_context=True)
def money_side_by_side(context: dict[str, Any], money: MoneyYear) -> dict[str, Any]:
    """Budget, funds available, gap and expenditure of an operation's year, each with how it is calculated."""
    budget, funds = money.budget.number, money.funds_available.number
    missing = [value.reason for value in (money.budget, money.funds_available) if value.number is None]
    return {
        "request": context.get("request"),
        "money": money,
        "gap": gap(budget, funds),
        "gap_reason": missing[0] if missing else "",
    }


@register.inclusion_tag("contributions/private_gifts.html", takes_context=True)
def private_gifts(context: dict[str, Any]) -> dict[str, Any]:
    """What a total may leave out: said wherever the site sums private gifts, for whether some wait would tell of them."""
    return {"request": context.get("request"), "are_summed": settings.PRIVATE_FEWEST_DONORS > 1}


@register.filter
def signed_usd(value: Decimal | None) -> str:
    """A difference in whole dollars with its sign: +$1,614,205, −$5."""
    if value is None:
        return MISSING
    sign = "\u200e+" if get_language_bidi() else "+"  # as in ``minus``
    return sign + usd(value) if half_up(value) > 0 else usd(value)


@register.filter
def per_head(value: Decimal | None) -> str:
    """US dollars to the cent; less than half a cent is said to be so."""
    if value is None:
        return MISSING
    if value and not half_up(value, 2):
        return print_less(_("$%s") % print_cents(Decimal("0.01")))
    return minus(value) + _("$%s") % print_cents(half_up(abs(value), 2))


@register.filter
def in_currency(value: Decimal | None, currency: str) -> str:
    """EUR 1,234.50: the code first, then the amount to the cent."""
    if value is None:
        return MISSING
    return _("%(currency)s %(amount)s") % {"currency": currency, "amount": print_cents(value)}


@register.filter
def exchange(value: Decimal | None) -> str:
    """A rate to four decimals."""
    return MISSING if value is None else print_number(half_up(value, 4), 4)


@register.simple_tag(takes_context=True)
def neighbour(context: dict[str, Any], changes: dict[str, Any]) -> str:
    """The query of a page before or after this one in a list."""
    query = context["request"].GET.copy()
    for name in ("before", "after", "page"):
        query.pop(name, None)
    for name, value in changes.items():
        if value:
            query[name] = value
    return f"?{query.urlencode()}" if query else context["request"].path


@register.simple_tag
def data_url(filters: Filters, part: str = "") -> str:
    """The list in this state, or a part beside it, as ``data_address`` takes it."""
    path, mark, query = filters.url(sort="").partition("?")
    return f"{path}{part}{mark}{query}"
