"""The money on other apps' pages: they show it through these tags and import nothing of this app."""

from __future__ import annotations

from typing import Any

from django import template

from ..lines import by_day, latest, number_footnotes, public_lines
from ..models import Contribution

register = template.Library()


@register.inclusion_tag("contributions/latest.html")
def latest_contributions(count: int = 20, level: int = 2) -> dict[str, Any]:
    """The agency's newest public lines, grouped by day, each opening to its allocations."""
    released = Contribution.objects.released()
    lines = public_lines(list(latest(released, count)), released)
    return {"days": by_day(lines), "footnotes": number_footnotes(lines), "count": len(lines), "level": level}
