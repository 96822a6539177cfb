"""Three states of one form merged: what it was shown with, what is stored now, and what was sent.

Pure: values are texts, as a browser sends them. What the form was shown with is kept as fingerprints of its
values: to tell who changed what, a merge only asks whether two values are the same.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .richtext import clean_html
from .word_diff import parse

Value = str | tuple[str, ...]  # several where a field takes several
Values = dict[str, Value]
Prints = dict[str, str]

STRUCTURE = re.compile(r"</?(?:ul|ol|li|h4|blockquote)\b")


@dataclass(frozen=True)
class Row:
    """A row of a table in the form."""

    values: Values
    key: str = ""  # which row it is; empty for one that is not stored yet
    pk: str = ""  # its key in the database
    is_deleted: bool = False


@dataclass(frozen=True)
class Sheet:
    """What stands in a form: its fields, and the rows of its tables."""

    fields: Values
    rows: dict[str, list[Row]] = field(default_factory=dict)


@dataclass(frozen=True)
class Shown:
    """The fingerprints of a sheet; its rows by their keys."""

    fields: Prints
    rows: dict[str, dict[str, Prints]] = field(default_factory=dict)


@dataclass(frozen=True)
class Rules:
    """What is particular to the fields of a form; those of rows are named “table-field”."""

    rich: frozenset[str] = frozenset()  # fields that hold HTML
    free: frozenset[str] = (
        frozenset()
    )  # fields in which two changes are no conflict, such as the place of a row
    named_by: dict[str, str] = field(
        default_factory=dict
    )  # by table, the field that tells rows apart like a key


@dataclass(frozen=True)
class MergedRow:
    values: Values
    key: str = ""
    pk: str = ""
    is_deleted: bool = False
    conflicts: Values = field(default_factory=dict)  # both changed these: what the others made of them
    taken: frozenset[str] = frozenset()  # fields that take the value of the others
    is_theirs: bool = False  # the others added it
    is_kept: bool = False  # the others deleted it, and the sender changed it: it is a new row
    is_deletion_against: bool = False  # the sender deletes what the others changed


@dataclass(frozen=True)
class Merged:
    fields: Values
    rows: dict[str, list[MergedRow]]
    conflicts: Values = field(default_factory=dict)
    taken: frozenset[str] = frozenset()
    gone: dict[str, list[Values]] = field(default_factory=dict)  # rows that the others deleted
    is_overtaken: bool = False  # the others changed something in the form


# --- Whether two values are the same -----------------------------------------------------------------


def fold(value: Value, *, rich: bool = False) -> str:
    """Equal for values that say the same: line ends, white space at the ends, and how an editor writes HTML."""
    if isinstance(value, tuple):
        return json.dumps(sorted(value)) if value else ""
    text = value.replace("\r\n", "\n").strip()
    if not (rich and text):
        return text
    clean = clean_html(text).replace("<br>", "⏎")  # a line break is none of the words
    blocks = [(block.text, block.shape, sorted(block.spans)) for block in parse(clean)]
    return repr((blocks, STRUCTURE.findall(clean))) if blocks else ""


def fingerprint(value: Value, *, rich: bool = False) -> str:
    folded = fold(value, rich=rich)
    return hashlib.blake2b(folded.encode(), digest_size=9).hexdigest() if folded else ""


def prints(values: Values, rules: Rules, table: str = "") -> Prints:
    return {name: _print(value, name, rules, table) for name, value in values.items()}


def shown(sheet: Sheet, rules: Rules) -> Shown:
    return Shown(
        prints(sheet.fields, rules),
        {
            table: {row.key: prints(row.values, rules, table) for row in rows if row.key}
            for table, rows in sheet.rows.items()
        },
    )


def dumps(state: Shown) -> str:
    return json.dumps([state.fields, state.rows], separators=(",", ":"))


def loads(text: str) -> Shown | None:
    """What ``dumps`` wrote; ``None`` for anything else. It comes back from a browser."""
    try:
        fields, rows = json.loads(text)
        if not (_are_prints(fields) and isinstance(rows, dict)):
            return None
        if not all(isinstance(t, dict) and all(map(_are_prints, t.values())) for t in rows.values()):
            return None
    except (ValueError, TypeError, RecursionError):
        return None
    return Shown(fields, rows)


def _are_prints(given: Any) -> bool:
    return isinstance(given, dict) and all(isinstance(value, str) for value in given.values())


def _print(value: Value, name: str, rules: Rules, table: str) -> str:
    return fingerprint(value, rich=_full(table, name) in rules.rich)


def _full(table: str, name: str) -> str:
    return f"{table}-{name}" if table else name


# --- The merge ---------------------------------------------------------------------------------------


def merge(base: Shown | None, theirs: Sheet, mine: Sheet, rules: Rules = Rules()) -> Merged:
    """What only one side changed is as that side made it; where both did, mine stands and is a conflict.

    ``base`` is what the form was shown with when ``mine`` was written, ``theirs`` what is stored now. Without a
    ``base`` nobody can tell who changed what: then all that differs is a conflict.
    """
    fields, conflicts, taken = _merge_values(base and base.fields, theirs.fields, mine.fields, rules)
    rows, gone = {}, {}
    is_overtaken = bool(conflicts or taken)
    for table in theirs.rows:
        known = base.rows.get(table, {}) if base else {}
        merging = _Table(table, rules, known, theirs.rows[table], mine.rows.get(table, []), base is None)
        rows[table], gone[table] = merging.merged(), merging.gone
        is_overtaken |= merging.is_overtaken
    if base:
        now = prints(theirs.fields, rules)
        is_overtaken |= any(now[name] != was for name, was in base.fields.items() if name in now)
    return Merged(fields, rows, conflicts, taken, gone, is_overtaken)


def _merge_values(
    base: Prints | None, theirs: Values, mine: Values, rules: Rules, table: str = ""
) -> tuple[Values, Values, frozenset[str]]:
    """The values, those of theirs that conflict, and the names that take theirs."""
    values, conflicts, taken = {}, {}, set()
    for name, their in theirs.items():
        my = mine.get(name, their)
        was = None if base is None else base.get(name)
        their_print, my_print = _print(their, name, rules, table), _print(my, name, rules, table)
        values[name] = my
        if their_print in (my_print, was):
            continue
        if my_print == was:
            values[name] = their
            taken.add(name)
        elif _full(table, name) not in rules.free:
            conflicts[name] = their
    return values, conflicts, frozenset(taken)


class _Table:
    """The merge of the rows of one table. The stored rows keep their order; new ones stand behind them."""

    def __init__(
        self,
        table: str,
        rules: Rules,
        base: dict[str, Prints],
        theirs: list[Row],
        mine: list[Row],
        is_without_base: bool,
    ) -> None:
        self.table, self.rules, self.base = table, rules, base
        self.theirs, self.mine = theirs, mine
        self.is_without_base = is_without_base
        self.gone: list[Values] = []
        self.is_overtaken = not is_without_base and (
            {row.key: self.prints(row) for row in theirs if row.key} != base
        )
        self.partners = self._partners()

    def prints(self, row: Row) -> Prints:
        return prints(row.values, self.rules, self.table)

    def _partners(self) -> dict[int, int]:
        """Which of their rows is which of mine, by places: by key, else (where a row was made anew) by content."""
        places = {row.key: place for place, row in enumerate(self.theirs) if row.key}
        partners = {i: places[row.key] for i, row in enumerate(self.mine) if row.key in places}
        taken = set(partners.values())
        unknown = [i for i, row in enumerate(self.theirs) if i not in taken and row.key not in self.base]
        for likeness in (self._is_same, self._has_same_name):
            for i, row in enumerate(self.mine):
                if i in partners:
                    continue
                found = next((place for place in unknown if likeness(row, self.theirs[place])), None)
                if found is not None:
                    partners[i] = found
                    unknown.remove(found)
        return partners

    def _is_same(self, mine: Row, theirs: Row) -> bool:
        was = self.base.get(mine.key)
        return self._without_free(was or self.prints(mine)) == self._without_free(self.prints(theirs))

    def _without_free(self, given: Prints) -> Prints:
        return {
            name: value for name, value in given.items() if _full(self.table, name) not in self.rules.free
        }

    def _has_same_name(self, mine: Row, theirs: Row) -> bool:
        if (name := self.rules.named_by.get(self.table)) is None:
            return False
        names = {self.prints(mine).get(name), self.base.get(mine.key, {}).get(name)} - {None, ""}
        return self.prints(theirs).get(name) in names

    def merged(self) -> list[MergedRow]:
        senders = {place: self.mine[i] for i, place in self.partners.items()}
        rows = []
        for place, their in enumerate(self.theirs):
            if place in senders:
                rows.append(self._pair(their, senders[place]))
            else:
                is_theirs = bool(their.key) and their.key not in self.base
                rows.append(MergedRow(their.values, their.key, their.pk, is_theirs=is_theirs))
                self.is_overtaken |= is_theirs
        alone = [row for i, row in enumerate(self.mine) if i not in self.partners]
        return rows + list(self._alone(alone))

    def _pair(self, their: Row, my: Row) -> MergedRow:
        was = self.base.get(my.key)
        values, conflicts, taken = _merge_values(was, their.values, my.values, self.rules, self.table)
        self.is_overtaken |= bool(conflicts or taken)
        against = False
        if my.is_deleted:
            changed = was is not None and self._without_free(was) != self._without_free(self.prints(their))
            against, conflicts, values = changed, {}, their.values
        return MergedRow(
            values, their.key, their.pk, my.is_deleted, conflicts, taken, is_deletion_against=against
        )

    def _alone(self, rows: Iterable[Row]) -> Iterable[MergedRow]:
        for row in rows:
            was = self.base.get(row.key)
            untouched = was is not None and self._without_free(was) == self._without_free(self.prints(row))
            if row.key and (untouched or row.is_deleted):
                self.gone.append(row.values)
                self.is_overtaken = True
            elif not row.is_deleted:
                self.is_overtaken |= bool(row.key)
                yield MergedRow(row.values, is_kept=bool(row.key))
