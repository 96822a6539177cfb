"""What the pages of the money compute: pure functions, each with its entry in docs/calculations.md.

``None`` is a missing value and never counted as zero. Nothing is rounded here but shares and changes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from operations.rounding import EXACT, Change, change

Row = TypeVar("Row")
Key = TypeVar("Key", bound=Hashable)

# So many stand by name in a chart or a short table; the others are one sum.
LARGEST = 10


def count_donors(rows: Iterable[Mapping[str, Any]]) -> int:
    """Of rows of ``by_donor``: a family counts once, and so do the private donors of a country without one."""
    return len({row["family"] or (row["kind"], row["country"]) for row in rows})


def largest_and_others(
    rows: Sequence[Row], amounts: Sequence[Decimal], count: int = LARGEST
) -> tuple[list[Row], Decimal | None]:
    """The first ``count`` of rows in order, and the sum of the others; ``None`` where there are none."""
    if len(rows) <= count + 1:  # one alone is not hidden behind “1 other”
        return list(rows), None
    return list(rows[:count]), sum(amounts[count:], Decimal(0))


def ranks(amounts: Sequence[Decimal]) -> list[int]:
    """The place of each amount, the largest first; equal amounts share a place."""
    ordered = sorted(amounts, reverse=True)
    places: dict[Decimal, int] = {}
    for place, amount in enumerate(ordered, 1):
        places.setdefault(amount, place)
    return [places[amount] for amount in amounts]


@dataclass(frozen=True)
class Moved:
    """Against the year before: the difference, and the change in per cent where there is one."""

    difference: Decimal
    change: Change | None


def moved(now: Decimal, before: Decimal | None, is_known: bool) -> Moved | None:
    """``before`` is None for one who gave nothing; ``is_known``: anything is published for the year before."""
    if not is_known:
        return None
    return Moved(now - (before or 0), None if before is None else change(now, before))


def per_person(amount: Decimal | None, people: int | None) -> Decimal | None:
    """US dollars per inhabitant, exact; ``None`` where either is missing or nobody lives there."""
    return EXACT.divide(amount, Decimal(people)) if amount is not None and people else None


def rate(usd: Decimal | None, original: Decimal | None) -> Decimal | None:
    """US dollars per unit of the original currency, exact; ``None`` without both, or for an amount of zero."""
    return EXACT.divide(usd, original) if usd is not None and original else None


def not_explained(funds: Decimal | None, received: Decimal | None) -> Decimal | None:
    """The funds available to an operation beyond the contributions given to it; negative where those are more."""
    return None if funds is None or received is None else funds - received


@dataclass(frozen=True)
class Attributed:
    """Where the money of a year was given to, seen from one operation; the parts make the total."""

    own: Decimal
    others: Decimal  # other operations of one or several countries
    regional: Decimal
    situations: Decimal
    world: Decimal
    hidden: Decimal  # operations without a public page
    not_said: Decimal
    withheld: Decimal  # to protect private donors

    @property
    def total(self) -> Decimal:
        return self.own + self.others + self.unattributed

    @property
    def unattributed(self) -> Decimal:
        """What was given to no operation of a country: nobody can say for which of them it was."""
        return self.regional + self.situations + self.world + self.hidden + self.not_said + self.withheld


def attribute(
    amounts: Mapping[Key | None, Decimal],
    kinds: Mapping[Key, str],
    own: Key | None,
    withheld: Key | None = None,
) -> Attributed:
    """From the sums by operation (``None``: the source does not say; ``withheld``) and the kind of each public operation."""
    part = {"country": "others", "multi_country": "others", "regional": "regional", "situation": "situations"}
    part |= {"global": "world"}
    sums = dict.fromkeys(
        ("own", "others", "regional", "situations", "world", "hidden", "not_said", "withheld"), Decimal(0)
    )
    for operation, amount in amounts.items():
        if operation is None:
            sums["not_said"] += amount
        elif operation == withheld:
            sums["withheld"] += amount
        elif operation == own:
            sums["own"] += amount
        else:
            sums[part.get(kinds.get(operation, ""), "hidden")] += amount
    return Attributed(**sums)
