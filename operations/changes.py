"""What on a page of an operation has changed since the moment that it is shown at."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from .comparison import compare
from .models import Edition
from .pages import OperationPage
from .templatetags.readers import text_name

Newest = Callable[[dt.datetime], dt.datetime | None]

# What other apps show on the page: its name there, and when readers last saw it change until a moment.
PARTS: list[tuple[Any, Newest]] = []


@dataclass(frozen=True)
class Change:
    name: str  # of the part, for readers
    at: dt.datetime
    what: str  # "corrected", "changed" or "added"


def changed_until(page: OperationPage, at: dt.datetime) -> dt.datetime | None:
    """When the page, as it stood at ``at``, last changed; the editions are asked no more, each other part once."""
    moments = [page.changed_at, page.editions[0].released_at, *(newest(at) for _name, newest in PARTS)]
    return max((moment for moment in moments if moment), default=None)


def permanent_address(page: OperationPage, at: dt.datetime) -> str:
    """Where this very page can be read for ever; empty where a draft is on it."""
    if not page.permanent:
        return ""
    return with_moment(reverse("operations:edition", args=page.permanent), page.editions[0], page, at)


def with_moment(address: str, edition: Edition, page: OperationPage, at: dt.datetime) -> str:
    """The edition's address; with ?as_of=2021-11-25T12:00:00Z, to the microsecond, where the page changed after it."""
    moment = changed_until(page, at)
    if moment is None or moment <= edition.released_at:
        return address
    return f"{address}?as_of={moment.astimezone(dt.UTC).replace(tzinfo=None).isoformat()}Z"


# --- Since then ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Since:
    """What became of a page since the moment that it is shown at."""

    changes: list[Change]
    is_same: bool  # nothing at all is different, be it a year to choose from


def since(page: OperationPage, shown: Edition, moment: dt.datetime, language: str, now: dt.datetime) -> Since:
    """What is different on the page of today, ``shown`` and its later editions apart."""
    today = OperationPage.load(shown.operation.slug, page.year or None, language, now)
    changes = [*_of_editions(page, today, shown)] if today else []
    for name, newest in PARTS:
        changed_at = newest(now)
        if changed_at and changed_at > moment:
            changes.append(Change(str(name), changed_at, "changed"))
    return Since(changes, not changes and today is not None and _around(page) == _around(today))


def _of_editions(page: OperationPage, today: OperationPage, shown: Edition) -> Iterator[Change]:
    before = {_part(edition): edition for edition in page.made_of}
    for edition in today.made_of:
        old = before.get(_part(edition))
        if _part(edition) == _part(shown) or (old and old.pk == edition.pk):
            continue
        if old and edition.kind == Edition.Kind.PROFILE and not compare(old.public, edition.public):
            continue
        what = "corrected" if edition.is_correction else "changed" if old else "added"
        yield Change(text_name(edition), edition.released_at, what)


def _part(edition: Edition) -> tuple[str, int | None]:
    return edition.kind, edition.year


def _around(page: OperationPage) -> tuple:
    """What is on the page beside its editions: other years, other operations, notices of what was withdrawn."""
    others = [page.predecessor, *page.successors]
    names = [other and (other.slug, other.name, other.first_year) for other in others]
    slots = [(page.year, "year_end"), (page.year, "plan"), (page.year + 1, "plan")]
    return page.years, names, [page.withdrawn.get(slot) for slot in slots], {*map(_part, page.made_of)}
