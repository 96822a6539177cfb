"""How gifts of private donors are shown: in cells of several, so that no single one can be told or calculated.

Every public figure is a sum of whole cells. A gift that is too alone in its cell (a period, country, budget year,
operation and earmarking) goes into a coarser one, step by step; one that is alone in the coarsest waits for the company
of later imports. A line that is corrected or withdrawn later stays in its cell, which was public; what that changes goes
along with later gifts, and waits for them.

So each cell holds first gifts of several donors, of whom none dominates, that are in no cell before it. Hence no sum of
multiples of cells is one gift: of the cells in it the last has gifts of several donors that the others do not have, or
only take away later, when their cell is not in the sum. What only corrects is no company: its size may be guessed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

OTHER = "other"  # countries
WITHHELD = "withheld"  # earmarking, or operation


@dataclass(frozen=True, slots=True)
class Cell:
    """What readers see of the gifts in it, besides their sum."""

    period: date  # the day, the last day of the month, or the latest of these in a year
    country: Hashable  # whatever tells classes of donors apart, or ``OTHER``
    budget_year: int
    operation: Hashable  # a key, ``None`` where the source gives none, or ``WITHHELD``
    earmarking: str


@dataclass(frozen=True, slots=True)
class Part:
    """A line: its cents (less than zero where it is taken back), and who gave it."""

    donor: Hashable
    cell: Cell  # the finest that it may be shown in
    cents: int
    is_first: bool = True  # whether it is a gift that was never shown, and so company for others


@dataclass(frozen=True, slots=True)
class Event:
    """A line came into the books (``part``), changed (``part`` and ``was``), or went (``was``)."""

    line: Hashable
    part: Part | None
    was: Part | None = None


# From fine to coarse. What a step keeps apart, later ones do not join again with what was shown before.
STEPS: tuple[Callable[[Cell], Cell], ...] = (
    lambda cell: cell,
    lambda cell: replace(cell, country=OTHER),
    lambda cell: replace(
        cell,
        country=OTHER,
        earmarking=WITHHELD,
        # One without an operation is not told apart from those whose operation is withheld next.
        operation=WITHHELD if cell.operation is None else cell.operation,
    ),
    lambda cell: replace(cell, country=OTHER, earmarking=WITHHELD, operation=WITHHELD),
    lambda cell: replace(
        cell, country=OTHER, earmarking=WITHHELD, operation=WITHHELD, period=date(cell.period.year, 12, 31)
    ),
)


def shown_in(parts: Iterable[Part], *, fewest: int, largest_share: int) -> list[Cell | None]:
    """The cell of each part, ``None`` where it is not shown.

    ``fewest``: of how many donors a cell has a first gift at least; with 1 there is nothing to hide.
    ``largest_share``: of all that they gave (without regard to sign), at most so many per cent may be one donor's.
    """
    parts = list(parts)
    found: list[Cell | None] = [None] * len(parts)
    left = list(range(len(parts)))
    for step in STEPS:
        groups: dict[Cell, list[int]] = defaultdict(list)
        for place in left:
            groups[step(parts[place].cell)].append(place)
        left = []
        for cell, places in groups.items():
            if is_safe([parts[place] for place in places], fewest, largest_share):
                # The day of a sum of a year is that of its latest gift.
                cell = replace(cell, period=max(parts[place].cell.period for place in places))
                for place in places:
                    found[place] = cell
            else:
                left += places
    return found


def is_safe(parts: Sequence[Part], fewest: int, largest_share: int) -> bool:
    if fewest <= 1:
        return True
    given: dict[Hashable, int] = defaultdict(int)
    for part in parts:
        if part.is_first:
            given[part.donor] += abs(part.cents)
    return len(given) >= fewest and max(given.values()) * 100 <= largest_share * sum(given.values())


def cells_of(
    imports: Iterable[tuple[Hashable, Sequence[Event]]], *, fewest: int, largest_share: int
) -> tuple[dict[Hashable, dict[Cell, int]], list[Part]]:
    """Of each import, in the order of their release, the cells that it makes public with their cents; and what waits.

    What came and went while it waited was never seen, and never is.
    """
    waiting: dict[tuple[Hashable, int], Part] = {}
    changes: dict[Hashable, int] = defaultdict(int)  # how many there were of a line
    gone: set[tuple[Hashable, int]] = set()  # donor and cents of what was shown and is no more
    found: dict[Hashable, dict[Cell, int]] = {}
    for key, events in imports:
        for event in events:
            first = (event.line, 0)
            if first in waiting or not event.was:  # it was never shown, as it was
                waiting.pop(first, None)
                if event.part:
                    waiting[first] = event.part
                continue
            if event.part and (event.part.cell, event.part.cents) == (event.was.cell, event.was.cents):
                continue
            gone.add((event.was.donor, event.was.cents))
            changed = [replace(event.was, cents=-event.was.cents), *([event.part] if event.part else [])]
            for part in changed:
                changes[event.line] += 1
                waiting[event.line, changes[event.line]] = replace(part, is_first=False)
        # Lines that come back under another reference are no new gifts; nor is it certain of who corrects others.
        corrected = {part.donor for part in waiting.values() if not part.is_first}
        parts = [
            replace(part, is_first=False)
            if part.donor in corrected or (part.donor, part.cents) in gone
            else part
            for part in waiting.values()
        ]
        cells: dict[Cell, int] = defaultdict(int)
        shown = shown_in(parts, fewest=fewest, largest_share=largest_share)
        for (place, part), cell in zip(list(waiting.items()), shown, strict=True):
            if cell is not None:
                cells[cell] += part.cents
                del waiting[place]
        if cells:
            found[key] = dict(cells)
    return found, list(waiting.values())


def last_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
