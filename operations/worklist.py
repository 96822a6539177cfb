"""The work list: where every text of every operation stands, with who changed it when, and what is due."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import F, Max, OuterRef, Q, QuerySet, Subquery

from .due import Due, due, due_day, is_asked, is_past, years_due
from .models import Edition, Narrative, Operation, Region, Step, TextKind, WorkingCopy
from .states import State, is_out_of_date, narratives_with_state, operations_with_state, state_of

PROFILE = Edition.Kind.PROFILE
LANGUAGES = [code for code, _name in settings.LANGUAGES]


@dataclass(frozen=True)
class Rights:
    """The keys of the operations where somebody may do each of these."""

    read: set[int]
    add: set[int]
    release: set[int]
    read_profile: set[int]
    release_profile: set[int]


@dataclass(frozen=True)
class Asked:
    """What the table shows; what is empty is not narrowed."""

    years: list[int]  # newest first
    region: Region | None = None
    operation: Operation | None = None
    kinds: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()  # empty: those in which anything is written, and English
    state: str = ""
    due: str = ""
    for_my_review: bool = False


MOST_YEARS = 12


def years_to_show(operations: QuerySet, asked: Asked, today: dt.date) -> list[int]:
    """Where no year is chosen: those that can hold what is asked for, newest first.

    Else the next year, this and the last one, and the newest in which any of these operations has a text.
    """
    if asked.due in {Due.OVERDUE, Due.SOON}:
        return years_due(today)
    texts = Narrative.objects.filter(operation__in=_narrowed(operations, asked).order_by()).order_by()
    step = WorkingCopy.Review.IN_REVIEW if asked.for_my_review else asked.state
    if step in {WorkingCopy.Review.IN_REVIEW, WorkingCopy.Review.CHANGES_REQUESTED}:
        years = texts.filter(review=step).values_list("year", flat=True).distinct()
        if found := sorted(years, reverse=True):
            return found[:MOST_YEARS]
    always = [today.year + 1, today.year, today.year - 1]
    newest = texts.aggregate(newest=Max("year"))["newest"]
    return [*always, newest] if newest and newest < always[-1] else always


@dataclass(slots=True)
class Cell:
    """One text in one language, or the profile, written or not."""

    operation: Operation
    kind: str
    year: int | None
    language: str
    state: State | None  # None: a translation that nobody began or asked for; it can be made
    row: Operation | Narrative | None = None
    is_out_of_date: bool = False
    due_day: dt.date | None = None  # None where nothing is owed: it was released, in this language or another
    due: Due | None = None  # None, too, where it was due more than a year ago
    may_write: bool = False
    translate_from: Narrative | None = None
    waits_for_me: bool = False
    since: dt.datetime | None = None
    by: Any = None

    @property
    def states(self) -> list[State]:
        own = [self.state] if self.state else []
        return [*own, *([State.OUT_OF_DATE] if self.is_out_of_date else [])]

    @property
    def language_name(self) -> Any:
        return dict(settings.LANGUAGES).get(self.language, self.language)

    @property
    def counted(self) -> Iterator[str]:
        """What it counts as, by the name and value of the filter that shows it."""
        yield from (f"state {state.value}" for state in self.states)
        if self.due:
            yield f"due {self.due.value}"
        if self.waits_for_me:
            yield "review on"

    def is_wanted(self, asked: Asked) -> bool:
        return (
            (not asked.state or asked.state in self.states)
            and (not asked.due or asked.due == self.due)
            and (not asked.for_my_review or self.waits_for_me)
        )


@dataclass(slots=True)
class Line:
    """An operation with its cells by kind and year."""

    operation: Operation
    slots: dict[tuple[str, int | None], list[Cell]] = field(default_factory=lambda: defaultdict(list))

    @property
    def cells(self) -> Iterator[Cell]:
        for cells in self.slots.values():
            yield from cells


@dataclass
class WorkList:
    lines: list[Line]  # by region and name; of their cells those that are wanted
    totals: Counter[str]  # see ``Cell.counted``; of the cells of these lines
    languages: list[str]  # the columns of each text

    @classmethod
    def of(cls, operations: QuerySet, asked: Asked, rights: Rights, user: Any, today: dt.date) -> WorkList:
        """Two queries: the operations, and their texts of these years. Without who changed what, see ``told``."""
        rows = list(_operations(operations, asked, rights))
        texts: dict[tuple, list[Narrative]] = defaultdict(list)
        for text in _narratives(rows, asked.years):
            texts[text.operation_id, text.kind, text.year].append(text)
        used = {text.language for found in texts.values() for text in found}
        languages = [
            code for code in LANGUAGES if code in (asked.languages or used | {settings.LANGUAGE_CODE})
        ]
        table = _Table(asked, rights, user, today, languages)
        lines = [table.line(operation, texts) for operation in rows]
        for line in lines:
            for slot, cells in line.slots.items():
                line.slots[slot] = [cell for cell in cells if cell.is_wanted(asked)]
        totals = Counter(name for line in lines for cell in line.cells for name in cell.counted)
        is_narrowed = asked.state or asked.due or asked.for_my_review
        return cls([line for line in lines if not is_narrowed or any(line.cells)], totals, languages)


@dataclass
class _Table:
    asked: Asked
    rights: Rights
    user: Any
    today: dt.date
    languages: list[str]

    def line(self, operation: Operation, texts: dict[tuple, list[Narrative]]) -> Line:
        line = Line(operation)
        kinds = self.asked.kinds or {PROFILE, *TextKind}
        if PROFILE in kinds and operation.pk in self.rights.read_profile:
            waits = self.waits(operation, self.rights.release_profile, operation.pk)
            line.slots[PROFILE.value, None] = [
                Cell(operation, PROFILE.value, None, "en", state_of(operation), operation, waits_for_me=waits)
            ]
        for year in self.asked.years:
            for kind in TextKind:
                if kind in kinds:
                    found = texts.get((operation.pk, kind.value, year), [])
                    line.slots[kind.value, year] = self.texts(operation, kind.value, year, found)
        return line

    def texts(self, operation: Operation, kind: str, year: int, found: list[Narrative]) -> list[Cell]:
        """The text in each language: as it stands, else to be written or to be translated."""
        is_owed = is_asked(operation, year) and not any(text.public is not None for text in found)
        written = {text.language: text for text in found}
        is_begun = any(not text.translated_from_id for text in found)
        may_add = operation.pk in self.rights.add
        cells = []
        for language in self.languages:
            cell = Cell(operation, kind, year, language, None)
            if row := written.get(language):
                cell.state, cell.row, cell.is_out_of_date = state_of(row), row, is_out_of_date(row)
                cell.waits_for_me = self.waits(row, self.rights.release, operation.pk)
                if is_owed and not row.translated_from_id:
                    self.set_due(cell, year)
            elif is_begun:
                source = _source(found)
                cell.translate_from = source if may_add else None
                if language in self.asked.languages:
                    cell.state = State.MISSING if source else State.LATER
            elif is_owed and language == settings.LANGUAGE_CODE:
                cell.state = State.MISSING if is_past(kind, year, self.today) else State.LATER
                cell.may_write = may_add
                self.set_due(cell, year)
            if cell.state or cell.translate_from:
                cells.append(cell)
        return cells

    def set_due(self, cell: Cell, year: int) -> None:
        cell.due_day, cell.due = due_day(cell.kind, year), due(cell.kind, year, self.today)

    def waits(self, row: Operation | Narrative, may_release: set[int], operation: int) -> bool:
        if row.review != WorkingCopy.Review.IN_REVIEW or operation not in may_release:
            return False
        return not (settings.FOUR_EYES and row.author == self.user.pk)


def _source(found: list[Narrative]) -> Narrative | None:
    """What readers see and no translation of anything: English, if there is such a text in English."""
    originals = [text for text in found if text.public is not None and not text.translated_from_id]
    return min(originals, key=lambda text: LANGUAGES.index(text.language), default=None)


def _narrowed(operations: QuerySet, asked: Asked) -> QuerySet:
    """Those of the region, with the regions in it, or the one that is asked for."""
    if asked.operation:
        operations = operations.filter(pk=asked.operation.pk)
    if asked.region:
        levels = ["region" + "__parent" * level for level in range(Region.LEVELS)]
        operations = operations.filter(Q(*((level, asked.region) for level in levels), _connector=Q.OR))
    return operations


def _operations(operations: QuerySet, asked: Asked, rights: Rights) -> QuerySet:
    found = _narrowed(operations.filter(pk__in=rights.read), asked)
    authors = (
        Edition.objects.profiles().filter(operation=OuterRef("pk")).order_by("-number").values("made_by")
    )
    found = operations_with_state(found.select_related("region")).annotate(author=Subquery(authors[:1]))
    return found.order_by(F("region__order").asc(nulls_last=True), "region__name", "name", "pk")


def _narratives(operations: list[Operation], years: list[int]) -> QuerySet:
    keys = {name: OuterRef(name) for name in ("operation", "kind", "year", "language")}
    authors = Edition.objects.filter(**keys).order_by("-number").values("made_by")
    texts = Narrative.objects.filter(operation__in=[operation.pk for operation in operations], year__in=years)
    return narratives_with_state(texts).annotate(author=Subquery(authors[:1])).order_by("pk")


# --- Since when, and by whom ----------------------------------------------------------------------------


def told(lines: Iterable[Line]) -> list[Line]:
    """The lines with who brought each text to its state, and when: two queries for however many."""
    lines = list(lines)
    cells = [cell for line in lines for cell in line.cells if cell.row is not None]
    rows = {(c.operation.pk, c.kind, c.year, c.language): c.row for c in cells}
    numbers = {number for row in rows.values() for number in _numbers(row)}
    made = Edition.objects.filter(
        Q(year__in={cell.year for cell in cells if cell.year}) | Q(year__isnull=True),
        operation__in={cell.operation.pk for cell in cells},
        number__in=numbers,
    ).select_related("made_by", "released_by", "withdrawn_by")
    editions = {
        (e.operation_id, e.kind, e.year, e.language, e.number): e for e in made.defer("content").order_by()
    }
    steps: dict[tuple, Step] = {}
    kinds = [Step.Kind.SENT, Step.Kind.CHANGES_REQUESTED]
    asked = Step.objects.filter(kind__in=kinds, edition__operation__in={c.operation.pk for c in cells})
    for step in asked.select_related("by", "edition").defer("edition__content").order_by("at", "pk"):
        e = step.edition
        steps[e.operation_id, e.kind, e.year, e.language] = step
    for cell in cells:
        text = (cell.operation.pk, cell.kind, cell.year, cell.language)
        edition = editions.get((*text, _number(cell)))
        cell.since, cell.by = _since(cell, edition, steps.get(text))
    return lines


def _numbers(row: Any) -> set[int]:
    return {row.newest, row.public, row.scheduled, row.last_released} - {None}


def _number(cell: Cell) -> int | None:
    name = {State.RELEASED: "public", State.SCHEDULED: "scheduled", State.WITHDRAWN: "last_released"}
    return getattr(cell.row, name.get(cell.state, "newest"))


def _since(cell: Cell, edition: Edition | None, step: Step | None) -> tuple[dt.datetime | None, Any]:
    if cell.state in {State.IN_REVIEW, State.CHANGES_REQUESTED} and step:
        return step.at, step.by
    if edition is None:
        return None, None
    if cell.state in {State.RELEASED, State.SCHEDULED}:
        return edition.released_at, edition.released_by
    if cell.state is State.WITHDRAWN:
        return edition.withdrawn_at, edition.withdrawn_by
    return edition.made_at, edition.made_by
