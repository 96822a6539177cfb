"""Every public figure that is computed: one pure function, one entry in docs/calculations.md, one test.

``None`` is a missing value. It is never counted as zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from .rounding import percent

Number = TypeVar("Number", int, Decimal)

# Which of several figures of one year and measure readers see.
STATUS_ORDER = ("final", "current", "original")


def total(stated: Number | None, parts: Iterable[Number | None]) -> Number | None:
    """The total as stated; where none was stated, the sum of the parts that are known."""
    if stated is not None:
        return stated
    known = [part for part in parts if part is not None]
    return sum(known[1:], known[0]) if known else None


def not_broken_down(stated: Number | None, parts: Iterable[Number | None]) -> Number | None:
    """What a stated total holds beyond its known parts; ``None`` where no total was stated.

    Negative where the parts make more than the total.
    """
    if stated is None:
        return None
    return stated - sum(part for part in parts if part is not None)


def share(part: Decimal | int | None, whole: Decimal | int | None, places: int = 0) -> Decimal | None:
    """``part`` in per cent of ``whole``, rounded half-up to ``places``; ``None`` if either is missing or none."""
    if part is None or whole is None:
        return None
    return percent(Decimal(part), Decimal(whole), places)


def share_of_sum(part: Decimal | int | None, whole: Decimal | int | None) -> Decimal | None:
    """``part`` in per cent of a sum, to one decimal; ``None`` unless it is a part: from nothing to all of it.

    Money that was paid back is negative, and may leave a sum smaller than what it is made of.
    """
    if part is None or whole is None or not 0 <= part <= whole:
        return None
    return share(part, whole, 1)


def gap(budget: Decimal | int | None, funds: Decimal | int | None) -> Decimal | int | None:
    """What the funds available leave of the budget; negative where they are more."""
    return None if budget is None or funds is None else budget - funds


def points(reached: Decimal | None, planned: Decimal | None) -> Decimal | None:
    """How many percentage points a share is above the one that was planned; negative where it is below."""
    return None if reached is None or planned is None else reached - planned


def newest_status(statuses: Sequence[str]) -> str | None:
    """The status that readers see where a figure was given as original, current and final."""
    return min(statuses, key=STATUS_ORDER.index, default=None)


def shown_status(given: Mapping[str, Decimal | int | None]) -> str | None:
    """The status that readers see of the amounts given by status: one with an amount before one without."""
    known = [status for status, amount in given.items() if amount is not None]
    return newest_status(known or list(given))
