"""When two numbers are near each other, and figures in an order in which the near ones are found at once."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from .reading import Number

NEAR = Decimal("0.02")  # 52,000 and 52,996 are 1.9 per cent apart
ALIKE = Decimal("0.1")  # 9,000 and 9,400 are 4.3 per cent apart
SMALLEST = 1000  # below it, numbers are near one another by chance


@dataclass(frozen=True)
class Known:
    """A figure that stands elsewhere: a key figure, or one of the profile."""

    value: Decimal
    text: str  # as it is printed, with what it counts
    is_money: bool
    place: str  # "key_figures.1", "population" or "finance"


def is_rounding(number: Number, value: Decimal) -> bool:
    """Whether the text rounds the value, as 1.6 million and 1,557,000 round 1,557,276; 2 digits or a unit."""
    if not rounds(number):
        return False
    return abs(value - number.value) * 2 < number.step or value + number.step / 2 == number.value


def rounds(number: Number) -> bool:
    return number.has_unit or significant(number.value) >= 2


def is_near(first: Decimal, second: Decimal) -> bool:
    """Differing, but within two per cent or by a slip of the fingers; both at least a thousand."""
    if first == second or min(first, second) < SMALLEST:
        return False
    return abs(first - second) <= NEAR * max(first, second) or has_slip(first, second)


def has_slip(first: Decimal, second: Decimal) -> bool:
    """Whole numbers of four digits that count that differ in one digit, two swapped, or one too many."""
    if min(first, second) < SMALLEST or first == second or not (can_slip(first) and can_slip(second)):
        return False
    a, b = sorted((str(int(first)), str(int(second))), key=len)
    if len(a) == len(b):
        return not wildcards(a).isdisjoint(wildcards(b)) or b in swaps(a)
    return len(b) == len(a) + 1 and a in cuts(b)


def can_slip(value: Decimal) -> bool:
    return value == int(value) and significant(value) >= 4


def wildcards(digits: str) -> set[str]:
    """The number with any one digit left open: 52,996 and 52,966 share 529?6."""
    return {f"{digits[:i]}?{digits[i + 1 :]}" for i in range(len(digits))}


def swaps(digits: str) -> set[str]:
    return {f"{digits[:i]}{digits[i + 1]}{digits[i]}{digits[i + 2 :]}" for i in range(len(digits) - 1)}


def cuts(digits: str) -> set[str]:
    """The number without any one digit."""
    return {f"{digits[:i]}{digits[i + 1 :]}" for i in range(len(digits))}


def look_alike(first: Decimal, second: Decimal) -> bool:
    """9,400 and 9,000: the rounder one is the other cut off or rounded, and they are not near."""
    rounder, finer = sorted((first, second), key=significant)
    if is_near(first, second) or min(first, second) < SMALLEST or first == second:
        return False
    if significant(rounder) > 2 or significant(rounder) == significant(finer):
        return False
    step = Decimal(10) ** (rounder.adjusted() + 1 - significant(rounder))
    is_cut = rounder <= finer < rounder + step or abs(rounder - finer) * 2 <= step
    same_start = str(rounder)[0] == str(finer)[0] and rounder.adjusted() == finer.adjusted()
    return is_cut and same_start and abs(first - second) <= ALIKE * max(first, second)


def significant(value: Decimal) -> int:
    return len(value.normalize().as_tuple().digits)


class Values:
    """Values in their order, of which those between two others are found at once."""

    def __init__(self, values: Iterable[Decimal]) -> None:
        self.known = set(values)
        self.sorted = sorted(self.known)

    def between(self, low: Decimal, high: Decimal) -> list[Decimal]:
        return self.sorted[bisect_left(self.sorted, low) : bisect_right(self.sorted, high)]

    def holds(self, number: Number) -> bool:
        """Whether the number is one of them, or a word such as “million” makes it round one."""
        if not number.values.isdisjoint(self.known):
            return True
        half = number.step / 2
        at = bisect_left(self.sorted, number.value - half)
        return number.has_unit and at < len(self.sorted) and self.sorted[at] < number.value + half


class Figures:
    """Known figures, of which those that a number may have been meant for are found at once."""

    def __init__(self, figures: Iterable[Known]) -> None:
        self.of: dict[Decimal, list[tuple[int, Known]]] = defaultdict(list)  # with their place in the list
        for count, figure in enumerate(figures):
            if figure.value >= SMALLEST:
                self.of[figure.value].append((count, figure))
        self.values = Values(self.of)
        self.round = Values(value for value in self.of if significant(value) <= 2)
        self.slips: dict[str, set[Decimal]] = defaultdict(set)  # by what is written when a finger slips
        for value in filter(can_slip, self.of):
            digits = str(int(value))
            for written in {digits} | wildcards(digits) | {f"{cut}+" for cut in cuts(digits)}:
                self.slips[written].add(value)

    def slipped(self, value: Decimal) -> set[Decimal]:
        """Those that differ from the value by a slip."""
        if not can_slip(value):
            return set()
        digits = str(int(value))
        written = wildcards(digits) | swaps(digits) | cuts(digits) | {f"{digits}+"}
        found = (self.slips.get(each, ()) for each in written)
        return {other for each in found for other in each if has_slip(value, other)}

    def near(self, value: Decimal) -> Iterator[tuple[int, Known]]:
        """Those that are near the value, in their order."""
        window = self.values.between(value * (1 - NEAR), value / (1 - NEAR))
        found = {other for other in window if is_near(value, other)} | self.slipped(value)
        yield from sorted((pair for other in found for pair in self.of[other]), key=lambda pair: pair[0])

    def closest(self, number: Number, where: str) -> Known | None:
        """The one that is nearest to a number of the text at ``where``, differs from it and is not rounded by it."""
        found = {value for value in self.slipped(number.value) if not is_rounding(number, value)}
        half = number.step / 2 if rounds(number) else Decimal(0)
        ordered = self.values.sorted
        below = bisect_left(ordered, number.value - half)
        above = (bisect_left if half else bisect_right)(ordered, number.value + half)
        for side in (reversed(range(below)), range(above, len(ordered))):
            for i in side:
                if not is_near(number.value, ordered[i]):
                    break
                found.add(ordered[i])
                if self.elsewhere(ordered[i], where):
                    break
        pairs = [pair for value in found for pair in self.elsewhere(value, where)]
        _count, figure = min(pairs, key=lambda p: (abs(p[1].value - number.value), p[0]), default=(0, None))
        return figure

    def alike(self, number: Number, where: str) -> list[Known]:
        """The key figures that look like a number of the text at ``where``, in their order."""
        width = ALIKE * 2
        low, high = number.value * (1 - width), number.value * (1 + width)
        among = self.values if significant(number.value) <= 2 else self.round
        found = [
            pair
            for value in among.between(low, high)
            if look_alike(number.value, value) and not is_rounding(number, value)
            for pair in self.elsewhere(value, where)
            if pair[1].place.startswith("key_figures.")
        ]
        return [figure for _count, figure in sorted(found, key=lambda pair: pair[0])]

    def elsewhere(self, value: Decimal, where: str) -> list[tuple[int, Known]]:
        return [pair for pair in self.of[value] if pair[1].place != where]
