"""Numbers that a request asks for: a year, a key, a page."""

from __future__ import annotations

from django.http import HttpRequest


def whole_number(text: str | None) -> int | None:
    """The number that a request names; ``None`` where it is none, or larger than any key of a row."""
    return int(text) if text and text.isdecimal() and len(text) < 19 else None


def asked_number(request: HttpRequest, name: str) -> int | None:
    """A whole number in the address; ``None`` where there is none or no row could have it."""
    return whole_number(request.GET.get(name))


def asked_year(request: HttpRequest) -> int | None:
    """The year in an address such as ``?year=2021``; ``None`` where there is none or it is not one."""
    asked = request.GET.get("year", "")
    return whole_number(asked) if len(asked) == 4 else None
