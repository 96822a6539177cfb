"""How gifts of private donors are shown: in cells of several, so that no single one can be told or calculated.

Every public figure is a sum of whole cells. So it is enough that no cell is one gift, or nearly: whatever readers add
and subtract across pages, totals, downloads and editions, what comes out is again a sum of cells. A gift that is too
alone in its cell (a period, country, budget year, operation and earmarking) goes into a coarser one, step by step; one
that is alone in the coarsest is not shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

OTHER = "other"  # countries
WITHHELD = "withheld"  # earmarking, or operation


@dataclass(frozen=True, slots=True)
class Cell:
    """What readers see of the gifts in it, besides their sum."""

    period: date  # the day, or the last day of the month or year
    country: str  # the code, "" where it is not known, or ``OTHER``
    budget_year: int
    operation: Hashable  # a key, ``None`` where the source gives none, or ``WITHHELD``
    earmarking: str


@dataclass(frozen=True, slots=True)
class Part:
    """A line of a gift: its cents, and what tells the gift from others."""

    gift: Hashable
    cell: Cell  # the finest that it may be shown in
    cents: int


# From fine to coarse. What a step keeps apart, later ones do not join again with what was shown before.
STEPS: tuple[Callable[[Cell], Cell], ...] = (
    lambda cell: cell,
    lambda cell: replace(cell, country=OTHER),
    lambda cell: replace(cell, country=OTHER, earmarking=WITHHELD),
    lambda cell: replace(cell, country=OTHER, earmarking=WITHHELD, operation=WITHHELD),
    lambda cell: replace(
        cell, country=OTHER, earmarking=WITHHELD, operation=WITHHELD, period=date(cell.period.year, 12, 31)
    ),
)


def shown_in(parts: Iterable[Part], *, fewest: int, largest_share: float) -> list[Cell | None]:
    """The cell of each part, ``None`` where it is not shown.

    ``fewest``: how many gifts a cell has at least; with 1 there is nothing to hide. ``largest_share``: of all that
    the gifts of a cell make (without regard to sign), at most so much may be one gift's.
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
                for place in places:
                    found[place] = cell
            else:
                left += places
    return found


def is_safe(parts: list[Part], fewest: int, largest_share: float) -> bool:
    if fewest <= 1:
        return True
    gifts: dict[Hashable, int] = defaultdict(int)
    for part in parts:
        gifts[part.gift] += abs(part.cents)
    return len(gifts) >= fewest and max(gifts.values()) <= largest_share * sum(gifts.values())


def last_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
