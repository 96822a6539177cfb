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
from .nearness import SMALLEST, Figures, Known, Values, has_slip, is_near
from .reading import Number, folded, is_year, numbers, plain, sentence_at, western


@dataclass(frozen=True)
class Dated:
    item: Known
    year: int | None = None


@dataclass(frozen=True)
class Compared:
    """A number of the text that counts something, and the figures that it could have been meant for."""

    where: str
    place: str  # its name for keys
    sentence: str  # in which it stands: what it counts
    number: Number
    figures: Figures

    def remark(self, message: str, known: Known) -> Remark:
        message %= {"number": self.number.text, "known": _quoted(known)}
        facts = (self.number.text, self.sentence, str(known.value), folded(known.text))
        return Remark(self.where, message, facts, self.place)


@check("number-near-key-figure", Level.WARNING)
def number_near_key_figure(draft: Draft) -> Iterator[Remark]:
    for each in _compared(draft):
        if closest := each.figures.closest(each.number, each.where):
            message = _(
                "“%(number)s” is near %(known)s but differs. Correct the one that is wrong, or say why they differ."
            )
            yield each.remark(message, closest)
    yield from _near_key_figures([figure.item for figure in _known_key_figures(draft)])


def _near_key_figures(figures: list[Known]) -> Iterator[Remark]:
    """Two key figures that are near each other and count nearly the same, or differ in a digit alone."""
    known = Figures(figures)
    words = [{*re.findall(r"[^\W\d_]{3,}", folded(figure.text))} for figure in figures]
    for count, second in enumerate(figures):
        for at, first in known.near(second.value):
            if at >= count or first.is_money != second.is_money:
                continue
            is_close = is_near(first.value, second.value) and _share_words(words[at], words[count])
            if is_close or has_slip(first.value, second.value):
                message = _(
                    "%(second)s and %(first)s are near each other but differ. Correct the one that is wrong, or say why they differ."
                ) % {"second": _quoted(second, capital=True), "first": _quoted(first)}
                facts = sorted([folded(first.text), folded(second.text)])
                yield Remark(second.place, message, tuple(facts), "key figures")


def _share_words(first: set[str], second: set[str]) -> bool:
    both, either = first & second, first | second
    return bool(either) and len(both) * 2 >= len(either)


@check("figures-look-alike", Level.WARNING)
def figures_look_alike(draft: Draft) -> Iterator[Remark]:
    for each in _compared(draft):
        if each.figures.closest(each.number, each.where):
            continue
        for known in each.figures.alike(each.number, each.where):
            message = _(
                "“%(number)s” and %(known)s: do they only look alike? If they count different things, answer that they do. If they are the same figure, write it the same way in both places."
            )
            yield each.remark(message, known)


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


def _compared(draft: Draft) -> Iterator[Compared]:
    """The numbers of the text that count something and are no figure known exactly."""
    figures, published = _known_key_figures(draft), [*_known_of_profile(draft)]
    exact = Values(dated.item.value for dated in (*figures, *published))
    candidates = [
        dated.item for dated in (*figures, *(known for known in published if _is_of_year(known, draft)))
    ]
    comparable = {money: Figures(k for k in candidates if k.is_money is money) for money in (False, True)}
    for where, place, text in narrative_texts(draft):
        for number in map(_without_thousandths, numbers(text, draft.language)):
            if number.is_year or number.is_percent or number.value < SMALLEST or exact.holds(number):
                continue
            sentence = folded(sentence_at(text, number.start))
            yield Compared(where, place, sentence, number, comparable[number.is_money])


def _without_thousandths(number: Number) -> Number:
    """Nobody counts in thousandths: 52,9960 in a French text was meant for 529,960 or 52,996."""
    if number.has_unit or number.step > Decimal("0.001"):
        return number
    digits = Decimal(re.sub(r"[^0-9]", "", western(number.text)))
    return replace(number, values=frozenset({digits}), step=Decimal(1))


def decimal(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < LONGEST_NUMBER else None
