"""What a whole column says about its own form: which of 03/04 is the month, and what the comma of 1,234 means.

One cell rarely says it; often another of its column does. Where none does, the user is asked: a verdict that
``must_ask`` has no answer, only the reason why. Columns are looked at part by part, and nothing is kept but
the first cell of each kind, so that the memory does not grow with the file.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from .cells import BLANKS, MONTHS, NAMED_DAY, NUMERIC_DAY, YEAR_ALONE, collapsed, fold_month, read_month

ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class Verdict:
    """How a column is to be read, the sentence that proves it, and whether it contradicts itself."""

    answer: str
    is_proven: bool
    proof: str = ""
    contradiction: str = ""

    @property
    def must_ask(self) -> bool:
        return not self.is_proven


@dataclass(frozen=True)
class DateVerdict(Verdict):
    """``order``: "dmy", "mdy", "plain" (no order is needed), "year", "month", or "" where nothing proves one."""

    @property
    def order(self) -> str:
        return self.answer


@dataclass(frozen=True)
class AmountVerdict(Verdict):
    """``decimal``: ".", ",", "plain" (there are neither decimals nor groups), or "" where nothing proves one."""

    @property
    def decimal(self) -> str:
        return self.answer


class DateEvidence:
    def __init__(self) -> None:
        self.first: dict[str, tuple[int, str]] = {}  # of each kind, the line and the cell
        self.counts: Counter[str] = Counter()
        # Of the days that a workbook keeps as such: whether one is no month, and the first that may be a swapped one.
        self.has_late_day, self.turned = False, (0, "")

    def add(self, cells: Sequence[Any], lines: Sequence[int]) -> None:
        """Cells of the column, and the lines on which they stand."""
        for cell, count in Counter(cells).items():
            text = str(cell)
            kind = "plain" if isinstance(cell, dt.date) else date_kind(text) if len(text) < 60 else "other"
            self.counts[kind] += count
            if isinstance(cell, dt.date):
                self.has_late_day = self.has_late_day or cell.day > 12
                if not self.turned[0] and cell.day <= 12 and cell.day != cell.month:
                    self.turned = (lines[cells.index(cell)], text)
            if kind not in self.first:
                self.first[kind] = (lines[cells.index(cell)], text)

    def verdict(self) -> DateVerdict:
        if "dmy" in self.first and "mdy" in self.first:
            said = _("Line %(a)d has the day first (%(day)s), line %(b)d the month (%(month)s).")
            (a, day), (b, month) = self.first["dmy"], self.first["mdy"]
            return DateVerdict("", False, "", said % {"a": a, "day": day, "b": b, "month": month})
        for order, said in (
            ("dmy", _("Line %(line)d: %(cell)s can only be day first.")),
            ("mdy", _("Line %(line)d: %(cell)s can only be month first.")),
        ):
            if order in self.first and self.turned[0] and not self.has_late_day:
                return DateVerdict("", False, "", self.swapped(order))
            if order in self.first:
                return DateVerdict(order, True, told(said, self.first[order]))
        if "either" in self.first:
            said = _("Line %(line)d: %(cell)s can be read as two days, and no other line tells which.")
            return DateVerdict("", False, told(said, self.first["either"]))
        found = [kind for kind in ("plain", "month", "year") if kind in self.first]
        if len(found) > 1:
            (a, exact), (b, vague) = self.first[found[0]], self.first[found[-1]]
            said = _("Line %(a)d says %(exact)s, line %(b)d only %(vague)s.")
            return DateVerdict("", False, said % {"a": a, "exact": exact, "b": b, "vague": vague})
        if found == ["month"]:
            return DateVerdict(
                "month", True, told(_("Line %(line)d: %(cell)s is a month."), self.first["month"])
            )
        if found == ["year"]:
            return DateVerdict(
                "year", True, told(_("Line %(line)d: %(cell)s is a year."), self.first["year"])
            )
        return DateVerdict("plain", True)

    def swapped(self, order: str) -> str:
        """Of texts and days side by side: a spreadsheet of another country leaves the text that it cannot read."""
        said = _(
            "Line %(a)d has a date as a text (%(text)s), line %(b)d one as a day of the workbook (%(day)s), and none of "
            "those is after the 12th: a spreadsheet may have swapped their day and month. If so, correct them at the "
            "source. If not, choose how the texts are read."
        )
        (a, text), (b, day) = self.first[order], self.turned
        return said % {"a": a, "text": text, "b": b, "day": day}


@lru_cache(maxsize=4096)
def date_kind(text: str) -> str:
    """ "blank", "plain", "year", "month", "dmy", "mdy", "either" (a day in both orders) or "other" (no date)."""
    text = collapsed(text)
    if ISO.fullmatch(text):
        return "plain"
    if match := NUMERIC_DAY.fullmatch(text):
        first, second = int(match[1]), int(match[3])
        if max(first, second) > 12:
            return (
                "dmy" if second <= 12 and first <= 31 else "mdy" if first <= 12 and second <= 31 else "other"
            )
        return "either"
    if YEAR_ALONE.fullmatch(text):
        return "year"
    if match := NAMED_DAY.fullmatch(text):
        return "plain" if fold_month(match[2]) in MONTHS else "other"
    if found := read_month(text):
        return "month" if 1 <= found[1] <= 12 else "other"
    return "blank" if text.casefold() in BLANKS else "other"


# A number with its sign, currency and brackets; one group for what its marks tell.
AROUND = r"^[ \t]*[-−(]{{0,2}}(?:[A-Z]{{2,3}}\$?|[$€£])?[ \t\u00a0\u202f]*[-−]?({})[ \t\u00a0\u202f]*(?:[A-Z]{{3}}|[$€£])?[ \t]*\)?[ \t]*$"


def around(number: str) -> re.Pattern[str]:
    return re.compile(AROUND.format(number), re.MULTILINE)


def decimal_forms(mark: str, group: str) -> str:
    """What can only be written where ``mark`` stands before decimals and ``group`` between thousands.

    1234.5 and 1.50 (one or two digits behind the mark), 0.125 and 1234.567 (no group before it), 1,234.567
    and 1,234,567. Not 52.9960, which is as likely a slip in 529.960.
    """
    spaced = r"[0-9]{1,3}(?:[ \u00a0\u202f][0-9]{3})+"
    return "|".join(
        (
            rf"(?:[0-9]*|{spaced}){mark}[0-9]{{1,2}}",
            rf"(?:0[0-9]*|[0-9]{{4,}}|{spaced}){mark}[0-9]+",
            rf"[0-9]{{1,3}}(?:{group}[0-9]{{3}})+{mark}[0-9]+",
            rf"[0-9]{{1,3}}(?:{group}[0-9]{{3}}){{2,}}",
        )
    )


PROVES = {".": around(decimal_forms(r"\.", ",")), ",": around(decimal_forms(",", r"\."))}
EITHER = {mark: around(rf"[1-9][0-9]{{0,2}}{mark}[0-9]{{3,}}") for mark in (r"\.", ",")}


PATTERNS = {**PROVES, "either.": EITHER[r"\."], "either,": EITHER[","]}


class AmountEvidence:
    def __init__(self) -> None:
        # A proof of ".", of ",", and what may be either: with a dot ("either."), with a comma ("either,").
        self.first: dict[str, tuple[int, str]] = {}

    def add(self, cells: Sequence[Any], lines: Sequence[int]) -> None:
        """Cells of the column, and the lines on which they stand; numbers of a workbook need no reading."""
        if all(name in self.first for name in (".", ",")):
            return
        texts = ["" if type(cell) is not str else cell for cell in cells]
        joined = "\n".join(texts)
        if "." not in joined and "," not in joined:
            return
        if joined.count("\n") >= len(texts):  # a cell with a line end is no amount
            texts = ["" if "\n" in text else text for text in texts]
            joined = "\n".join(texts)
        for name, pattern in PATTERNS.items():
            if name not in self.first and (match := pattern.search(joined)):
                place = joined.count("\n", 0, match.start())
                self.first[name] = (lines[place], texts[place].strip())

    def verdict(self) -> AmountVerdict:
        if "." in self.first and "," in self.first:
            said = _("Line %(a)d has a decimal point (%(dot)s), line %(b)d a decimal comma (%(comma)s).")
            (a, dot), (b, comma) = self.first["."], self.first[","]
            return AmountVerdict("", False, "", said % {"a": a, "dot": dot, "b": b, "comma": comma})
        if "." in self.first:
            said = _("Line %(line)d: in %(cell)s the decimal mark can only be a point.")
            return AmountVerdict(".", True, told(said, self.first["."]))
        if "," in self.first and "either," in self.first:  # thousands, and a slip in one of them?
            said = _(
                "Line %(a)d has a decimal comma (%(comma)s), but line %(b)d would be finer than a cent (%(fine)s)."
            )
            (a, comma), (b, fine) = self.first[","], self.first["either,"]
            return AmountVerdict("", False, "", said % {"a": a, "comma": comma, "b": b, "fine": fine})
        if "," in self.first:
            said = _("Line %(line)d: in %(cell)s the decimal mark can only be a comma.")
            return AmountVerdict(",", True, told(said, self.first[","]))
        if either := [self.first[name] for name in ("either.", "either,") if name in self.first]:
            said = _("Line %(line)d: %(cell)s can be thousands or decimals, and no other line tells which.")
            return AmountVerdict("", False, told(said, min(either)))
        return AmountVerdict("plain", True)


def told(said: str, first: tuple[int, str]) -> str:
    return said % {"line": first[0], "cell": first[1]}
