"""The money on other apps' pages: they show it through these tags and import nothing of this app."""

from __future__ import annotations

from typing import Any

from django import template

from ..lines import by_day, latest, number_footnotes, public_lines
from ..models import Contribution

register = template.Library()


@register.inclusion_tag("contributions/latest.html", takes_context=True)
def latest_contributions(context: dict[str, Any], count: int = 20, level: int = 2) -> dict[str, Any]:
    """The agency's newest public lines, grouped by day, each opening to its allocations."""
    request = context.get("request")
    at = getattr(request, "at", None)
    released = Contribution.objects.released(at)
    lines = public_lines(list(latest(released, count)), released, at)
    return {
        "request": request,
        "days": by_day(lines),
        "footnotes": number_footnotes(lines),
        "count": len(lines),
        "level": level,
    }
