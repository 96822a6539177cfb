"""Warnings about figures of a text that differ from one another, or only look alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from ..cells import LONGEST_NUMBER
from .draft import Draft, Level, Remark, check, key_figures, narrative_texts
from .languages import MONEY_AFTER
from .reading import Number, folded, is_year, numbers, plain, western

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


@dataclass(frozen=True)
class Dated:
    item: Known
    year: int | None = None


@check("number-near-key-figure", Level.WARNING)
def number_near_key_figure(draft: Draft) -> Iterator[Remark]:
    for where, place, number, comparable in _compared(draft):
        closest = _closest(number, comparable)
        if closest:
            message = _(
                "“%(number)s” is near %(known)s but differs. Correct the one that is wrong, or say why they differ."
            )
            yield Remark(
                where,
                message % {"number": number.text, "known": _quoted(closest)},
                (number.text, str(closest.value), folded(closest.text)),
                place,
            )
    yield from _near_key_figures(draft, [figure.item for figure in _known_key_figures(draft)])


def _closest(number: Number, comparable: list[Known]) -> Known | None:
    near = [
        known
        for known in comparable
        if is_near(number.value, known.value) and not _is_rounding(number, known.value)
    ]
    return min(near, key=lambda known: abs(known.value - number.value), default=None)


def _near_key_figures(draft: Draft, figures: list[Known]) -> Iterator[Remark]:
    """Two key figures that are near each other and count nearly the same, or differ in a digit alone."""
    for count, second in enumerate(figures):
        for first in figures[:count]:
            if first.value == second.value or first.is_money != second.is_money:
                continue
            is_close = is_near(first.value, second.value) and _share_words(first.text, second.text)
            if is_close or has_slip(first.value, second.value):
                message = _(
                    "%(second)s and %(first)s are near each other but differ. Correct the one that is wrong, or say why they differ."
                ) % {"second": _quoted(second, capital=True), "first": _quoted(first)}
                facts = sorted([folded(first.text), folded(second.text)])
                yield Remark(second.place, message, tuple(facts), "key figures")


def _share_words(first: str, second: str) -> bool:
    words = [{word for word in re.findall(r"[^\W\d_]{3,}", folded(text))} for text in (first, second)]
    both, either = words[0] & words[1], words[0] | words[1]
    return bool(either) and len(both) * 2 >= len(either)


@check("figures-look-alike", Level.WARNING)
def figures_look_alike(draft: Draft) -> Iterator[Remark]:
    for where, place, number, comparable in _compared(draft):
        if _closest(number, comparable):
            continue
        for known in comparable:
            if not known.place.startswith("key_figures.") or _is_rounding(number, known.value):
                continue
            if look_alike(number.value, known.value):
                message = _(
                    "“%(number)s” and %(known)s: do they only look alike? If they count different things, answer that they do. If they are the same figure, write it the same way in both places."
                ) % {"number": number.text, "known": _quoted(known)}
                yield Remark(where, message, (number.text, str(known.value), folded(known.text)), place)


def _quoted(known: Known, *, capital: bool = False) -> str:
    if known.place == "population":
        text = _("the number of people “%(figure)s” of the operation’s profile")
    elif known.place == "finance":
        text = _("the amount “%(figure)s” of the operation’s profile")
    else:
        text = _("the key figure “%(figure)s”")
    text %= {"figure": known.text}
    return text[:1].upper() + text[1:] if capital else text


def _known_key_figures(draft: Draft) -> list[Dated]:
    found = []
    for count, figure in key_figures(draft.content):
        value, printed = decimal(figure.get("number")), str(figure.get("value") or "")
        if value is None or "%" in printed or is_year(printed):
            continue
        text = plain(figure.get("text"))
        is_money = "$" in printed or bool(MONEY_AFTER.match(text))
        found.append(Dated(Known(value, f"{printed} {text}".strip(), is_money, f"key_figures.{count}")))
    return found


def _known_of_profile(draft: Draft) -> Iterator[Dated]:
    profile = draft.profile or {}
    for row in profile.get("population") or []:
        if (people := decimal(row.get("people"))) is not None:
            yield Dated(Known(people, f"{people:,} ({row['year']})", False, "population"), row["year"])
    for row in profile.get("finance") or []:
        if (amount := decimal(row.get("amount_usd"))) is not None:
            yield Dated(Known(amount, f"US$ {amount:,} ({row['year']})", True, "finance"), row["year"])


def _is_of_year(known: Dated, draft: Draft) -> bool:
    """A plan begins with the people counted at the end of the year before."""
    years = {draft.year}
    if draft.kind == "plan" and known.item.place == "population":
        years.add(draft.year - 1)
    return known.year in years


def _compared(draft: Draft) -> Iterator[tuple[str, str, Number, list[Known]]]:
    """The numbers of the text that count something and are no figure known exactly, each with the figures
    that it could have been meant for: where, the place's name for keys, number, figures."""
    figures, published = _known_key_figures(draft), [*_known_of_profile(draft)]
    exact = [dated.item.value for dated in (*figures, *published)]
    candidates = [
        dated.item for dated in (*figures, *(known for known in published if _is_of_year(known, draft)))
    ]
    for where, place, text in narrative_texts(draft):
        for number in map(_without_thousandths, numbers(text, draft.language)):
            if number.is_year or number.is_percent or number.value < SMALLEST:
                continue
            if any(v in number.values or (number.has_unit and _is_rounding(number, v)) for v in exact):
                continue
            comparable = [k for k in candidates if k.place != where and k.is_money == number.is_money]
            yield where, place, number, comparable


def _without_thousandths(number: Number) -> Number:
    """Nobody counts in thousandths: 52,9960 in a French text was meant for 529,960 or 52,996."""
    if number.has_unit or number.step > Decimal("0.001"):
        return number
    digits = Decimal(re.sub(r"[^0-9]", "", western(number.text)))
    return replace(number, values=frozenset({digits}), step=Decimal(1))


def _is_rounding(number: Number, value: Decimal) -> bool:
    """Whether the text rounds the value, as 1.6 million and 1,557,000 round 1,557,276; 2 digits or a unit."""
    if not number.has_unit and _significant(number.value) < 2:
        return False
    return abs(value - number.value) * 2 < number.step or value + number.step / 2 == number.value


def is_near(first: Decimal, second: Decimal) -> bool:
    """Differing, but within two per cent or by a slip of the fingers; both at least a thousand."""
    if first == second or min(first, second) < SMALLEST:
        return False
    return abs(first - second) <= NEAR * max(first, second) or has_slip(first, second)


def has_slip(first: Decimal, second: Decimal) -> bool:
    """Whole numbers of four digits that count that differ in one digit, two swapped, or one too many."""
    if min(first, second) < SMALLEST or first != int(first) or second != int(second) or first == second:
        return False
    if min(_significant(first), _significant(second)) < 4:
        return False
    a, b = sorted((str(int(first)), str(int(second))), key=len)
    if len(a) == len(b):
        differing = [i for i in range(len(a)) if a[i] != b[i]]
        if len(differing) == 1:
            return True
        return (
            len(differing) == 2
            and differing[1] == differing[0] + 1
            and a[differing[0]] == b[differing[1]]
            and a[differing[1]] == b[differing[0]]
        )
    return len(b) == len(a) + 1 and any(b[:i] + b[i + 1 :] == a for i in range(len(b)))


def look_alike(first: Decimal, second: Decimal) -> bool:
    """9,400 and 9,000: the rounder one is the other cut off or rounded, and they are not near."""
    rounder, finer = sorted((first, second), key=_significant)
    if is_near(first, second) or min(first, second) < SMALLEST or first == second:
        return False
    if _significant(rounder) > 2 or _significant(rounder) == _significant(finer):
        return False
    step = Decimal(10) ** (rounder.adjusted() + 1 - _significant(rounder))
    is_cut = rounder <= finer < rounder + step or abs(rounder - finer) * 2 <= step
    same_start = str(rounder)[0] == str(finer)[0] and rounder.adjusted() == finer.adjusted()
    return is_cut and same_start and abs(first - second) <= ALIKE * max(first, second)


def _significant(value: Decimal) -> int:
    return len(value.normalize().as_tuple().digits)


def decimal(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < LONGEST_NUMBER else None
