"""Moments in templates, with their zone and in UTC."""

from __future__ import annotations

import datetime as dt

from django import template

from ..moments import with_zone

register = template.Library()


@register.filter
def in_zone(moment: dt.datetime | None, zone: str) -> str:
    """25 November 2026, 09:00 CET (08:00 UTC); empty for none."""
    return with_zone(moment, zone) if moment else ""
