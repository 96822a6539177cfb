"""The one place where published figures are rounded: half-up, from exact decimals, once, for display."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Literal

Direction = Literal["increase", "decrease", "no_change"]

# Wide enough that no sum of money or people is ever rounded before the rounding asked for.
EXACT = Context(prec=60)
UNITS = ((Decimal(10**9), "billion"), (Decimal(10**6), "million"), (Decimal(10**3), "thousand"))


@dataclass(frozen=True)
class Change:
    """How a figure moved. `percent` is never negative: `direction` carries the sign."""

    direction: Direction
    percent: Decimal | None


def exact(value: Decimal | int) -> Decimal:
    """The value as a Decimal. A float raises TypeError, a NaN or an infinity ValueError."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        raise TypeError(f"figures are Decimal or int, not {type(value).__name__}")
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError(f"{number} is not a figure")
    return number


def half_up(value: Decimal | int, places: int = 0) -> Decimal:
    """Rounded to `places` decimals, halves away from zero; never −0."""
    rounded = exact(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=EXACT)
    return rounded.copy_abs() if rounded.is_zero() else rounded


def percent(part: Decimal | int | None, whole: Decimal | int | None, places: int = 0) -> Decimal | None:
    """`part` in per cent of `whole`; None when either is missing or the whole is zero."""
    if part is None or whole is None or exact(whole) == 0:
        return None
    return half_up(_ratio(exact(part), exact(whole)), places)


def change(new: Decimal | int | None, old: Decimal | int | None) -> Change | None:
    """From `old` to `new`, in whole per cent of the size of `old`.

    None when either is missing; without a percentage when `old` is zero and `new` is not. A change that would
    round to 0% keeps its first significant decimal (0.04%), so that a change is never printed as none.
    """
    if new is None or old is None:
        return None
    before, difference = exact(old), EXACT.subtract(exact(new), exact(old))
    if difference == 0:
        return Change("no_change", Decimal(0))
    direction: Direction = "increase" if difference > 0 else "decrease"
    if before == 0:
        return Change(direction, None)
    ratio = abs(_ratio(difference, before))
    return Change(direction, half_up(ratio) or half_up(ratio, -ratio.adjusted()).normalize())


def millions(value: Decimal | int) -> Decimal:
    """In millions, to one decimal."""
    return half_up(EXACT.divide(exact(value), Decimal(10**6)), 1)


def compact(value: Decimal | int) -> tuple[Decimal, str]:
    """A short figure and its unit: 48.6 million, 1.2 billion, 15.6 thousand, 950 and no unit.

    The unit is chosen after rounding: 999,950 is 1.0 million and never 1,000.0 thousand.
    """
    number = exact(value)
    for size, name in UNITS:
        if abs(number) >= size * Decimal("0.99995"):
            return half_up(EXACT.divide(number, size), 1), name
    return half_up(number, 0 if number == number.to_integral_value() else 1), ""


def _ratio(part: Decimal, whole: Decimal) -> Decimal:
    return EXACT.divide(EXACT.multiply(part, Decimal(100)), whole)
