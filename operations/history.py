"""The editions that a page was made of, each against the one before it; and each as it stood.

Only what readers saw: editions that were public at some time, and of those that were taken back no more than that.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from django.db.models import Q

from .comparison import Comparison, compare
from .models import Edition, TextKind
from .pages import OperationPage

LISTED = 10  # editions on one page of a history
LOOKED_AT = 40  # editions that are compared for it: many of a profile change nothing for the year


@dataclass(frozen=True)
class Entry:
    edition: Edition
    before: Edition | None = None  # the edition of the same text that it took the place of
    comparison: Comparison | None = None  # with the one before; None for the first and for a withdrawn one
    is_again: bool = False  # what readers saw before it had been withdrawn


@dataclass(frozen=True)
class History:
    entries: list[Entry]
    older_than: int | None  # the edition after which the next page begins; None on the last page


def history(slug: str, year: int, at: dt.datetime, older_than: int | None = None) -> History:
    """The released editions of a year's page, newest first, from the one released before ``older_than`` on.

    A profile's edition that changed nothing for this year is left out. Two queries; a third where a profile names
    the operation before it.
    """
    editions = of_page(slug, year, at)
    before, again = predecessors(editions), released_again(editions)
    places = {edition.pk: place for place, edition in enumerate(editions, 1)}
    rest = editions[places.get(older_than, 0) :]
    looked_at = rest[:LOOKED_AT]
    shown = [edition for edition in looked_at if not edition.withdrawn_at]
    needed = {e.pk for edition in shown for e in (edition, before.get(edition.pk)) if e}
    contents = {pk: edition.public for pk, edition in Edition.objects.in_bulk(needed).items()}
    contents = without_unreleased_names(contents, at)
    entries: list[Entry] = []
    last = None
    for last in looked_at:
        found = entry_of(last, before.get(last.pk), contents, year)
        entries += [replace(entry, is_again=last.pk in again) for entry in found]
        if len(entries) == LISTED:
            break
    is_last = last is None or last.pk == rest[-1].pk
    return History(entries, None if is_last else last.pk)


def without_unreleased_names(contents: dict[int, dict], at: dt.datetime) -> dict[int, dict]:
    """The contents by their keys; a profile names the operation before it only where readers see that one."""
    codes = {
        pk: content["predecessor"]["code"] for pk, content in contents.items() if content.get("predecessor")
    }
    if not codes:
        return contents
    released = Edition.objects.released(at).profiles().filter(content__code__in=set(codes.values()))
    known = set(released.values_list("content__code", flat=True))
    hidden = {pk for pk, code in codes.items() if code not in known}
    return {pk: {**c, "predecessor": None} if pk in hidden else c for pk, c in contents.items()}


def of_page(slug: str, year: int, at: dt.datetime) -> list[Edition]:
    """Without their contents, newest first: what the page of the year was made of, in every language."""
    profiles, texts = Q(kind=Edition.Kind.PROFILE), Q(kind=TextKind.YEAR_END, year=year)
    plans = Q(kind=TextKind.PLAN, year__in=(year, year + 1))
    editions = Edition.objects.ever_public(at) | Edition.objects.withdrawn(at)
    found = editions.filter(profiles | texts | plans, operation__slug=slug).defer("content")
    return list(found.order_by("-released_at", "-pk"))


def predecessors(editions: Iterable[Edition]) -> dict[int, Edition]:
    """For each edition that is still to be read the one of the same text that readers saw before it."""

    shown = (edition for edition in editions if not edition.withdrawn_at)
    return {newer.pk: older for older, newer in _successions(shown)}


def released_again(editions: Iterable[Edition]) -> set[int]:
    """The editions at whose release readers saw the notice of a withdrawal."""
    return {
        newer.pk
        for older, newer in _successions(editions)
        if older.withdrawn_at and older.withdrawn_at < newer.released_at
    }


def _successions(editions: Iterable[Edition]) -> Iterator[tuple[Edition, Edition]]:
    """Each edition after the one of the same text before it."""

    def text(edition: Edition) -> tuple:
        return (edition.kind, edition.year or 0, edition.language)

    for _text, group in groupby(sorted(editions, key=lambda e: (text(e), e.number)), key=text):
        yield from pairwise(group)


def entry_of(edition: Edition, before: Edition | None, contents: dict[int, dict], year: int) -> list[Entry]:
    if edition.withdrawn_at or before is None:
        return [Entry(edition)]
    changes = compare(contents[before.pk], contents[edition.pk], year)
    is_idle = edition.kind == Edition.Kind.PROFILE and not changes
    return [] if is_idle else [Entry(edition, before, changes)]


# --- An edition as it stood -----------------------------------------------------------------------


def released_edition(pk: int, at: dt.datetime) -> Edition | None:
    """The edition, if readers saw it until ``at``, be it withdrawn since."""
    found = Edition.objects.ever_public(at) | Edition.objects.withdrawn(at)
    return found.filter(pk=pk).select_related("operation").first()


def replacement(edition: Edition, at: dt.datetime) -> Edition | None:
    """The next edition of the same text, if it was released until ``at``."""
    later = Edition.objects.ever_public(at).filter(
        operation=edition.operation_id,
        kind=edition.kind,
        year=edition.year,
        language=edition.language,
        number__gt=edition.number,
    )
    return later.defer("content").order_by("number").first()


def page_of(
    edition: Edition,
    newer: Edition | None,
    year: int | None,
    language: str,
    at: dt.datetime,
    asked: dt.datetime | None = None,
) -> tuple[OperationPage | None, dt.datetime]:
    """The page with this edition as it stood when it was released, or when it is ``asked`` for; and that moment.

    A text that was released before the profile of its operation could be read from the profile's release on, if
    no ``newer`` edition had taken its place by then.
    """
    slug, year, moment = edition.operation.slug, year or edition.year, edition.released_at
    if asked and asked > moment:
        page = OperationPage.load(slug, year, language, asked, [edition])
        return (page if page and edition in page.made_of and was_read(edition, newer) else None), asked
    page = OperationPage.load(slug, year, language, moment, [edition])
    if page is None and edition.kind != Edition.Kind.PROFILE:
        profiles = Edition.objects.ever_public(at).profiles().filter(operation=edition.operation_id)
        later = profiles.filter(released_at__gt=moment).order_by("released_at")
        first = later.values_list("released_at", flat=True).first()
        if first and not (newer and newer.released_at <= first):
            moment = first
            page = OperationPage.load(slug, year, language, moment, [edition])
    return (page if page and edition in page.made_of else None), moment


def was_read(edition: Edition, newer: Edition | None) -> bool:
    """Whether the operation had a profile before the ``newer`` edition of this text took its place."""
    if newer is None or edition.kind == Edition.Kind.PROFILE:
        return True
    profiles = Edition.objects.profiles().filter(operation=edition.operation_id, withdrawn_at__isnull=True)
    return profiles.filter(released_at__lt=newer.released_at).exists()
