"""The public tables: what each column means, and where its rows come from.

A ``Dataset`` is defined once. Its files, its API, their documents and the dictionary for readers are made of it
(``dataset_files``, ``api``, ``openapi``, ``data_views``), so that none of them can say something else. Its rows come from
what is released at the moment that is asked for, by the same queries as the pages.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

Value = str | int | Decimal | bool | dt.date | dt.datetime | None
Row = dict[str, Value]


@dataclass(frozen=True)
class Field:
    """One column, described once for every file, answer and document.

    ``kind``: “text”, “code”, “integer”, “decimal”, “year”, “day”, “moment”, “yes/no”, “url” or “html”. ``unit``:
    what a number counts. ``source``: who says it, where that is not the agency itself. ``choices``: every code that may stand there.
    ``calculation``: where ``docs/calculations.md`` tells how it is made.
    """

    name: str
    kind: str
    description: str
    unit: str = ""
    source: str = ""
    hxl: str = ""
    choices: tuple[str, ...] = ()
    is_required: bool = False  # never empty
    calculation: str = ""

    @property
    def is_number(self) -> bool:
        return self.kind in ("integer", "decimal", "year")


@dataclass(frozen=True)
class Filter:
    """What an address may narrow a dataset by."""

    name: str
    description: str
    kind: str = "code"
    choices: tuple[str, ...] = ()
    example: str = ""


class UnknownValue(Exception):
    """A filter asks for what cannot be, or (``is_absent``) for what is not published; ``name`` is the filter.

    The message says what to do.
    """

    def __init__(self, name: str, said: str, is_absent: bool = False) -> None:
        super().__init__(said)
        self.name, self.is_absent = name, is_absent


@dataclass
class Asked:
    """Of which moment, by which filters, and what all datasets of one answer share."""

    at: dt.datetime
    filters: Mapping[str, str] = field(default_factory=dict)
    here: str = ""  # scheme and host, before the addresses of pages
    shared: dict[Any, Any] = field(default_factory=dict)

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """What ``make`` answers, asked once for all datasets of an answer."""
        if key not in self.shared:
            self.shared[key] = make()
        return self.shared[key]

    def narrowed(self, **filters: Any) -> Asked:
        """With these filters besides; an empty one takes a filter away."""
        found = {**self.filters, **{name: str(value) for name, value in filters.items()}}
        return Asked(self.at, {n: v for n, v in found.items() if v}, self.here, self.shared)

    def url(self, path: str) -> str:
        return f"{self.here}{path}"


Rows = Callable[[Asked], Iterable[Row]]


@dataclass(frozen=True)
class Dataset:
    """``key``: the fields that name a row for good. Rows come in one order that does not change by itself."""

    name: str  # in addresses: with hyphens
    title: str
    description: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    rows: Rows
    filters: tuple[Filter, ...] = ()
    # Which table of the admin's import takes the file back, with nothing changed; empty for none.
    imported_as: str = ""
    # The rows behind the one of a key, and the row of a key; where None, all are gone through.
    after: Callable[[Asked, str], Iterable[Row]] | None = None
    find: Callable[[Asked, str], Row | None] | None = None
    is_dated: bool = True  # whether it changes with releases alone

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    def identify(self, row: Row) -> str:
        """The key of a row as one text."""
        return "~".join("" if row[name] is None else str(row[name]) for name in self.key)

    def row(self, asked: Asked, key: str) -> Row | None:
        """The row of this key."""
        if self.find:
            return self.find(asked, key)
        return next((row for row in self.rows(asked) if self.identify(row) == key), None)

    def rows_after(self, asked: Asked, key: str) -> Iterable[Row]:
        """The rows behind the one of this key; ``UnknownValue`` where it is gone."""
        if self.after:
            return self.after(asked, key)
        rows = iter(self.rows(asked))
        for row in rows:
            if self.identify(row) == key:
                return rows
        raise UnknownValue(
            "cursor", "The row that this cursor names is gone. Begin anew, without a cursor.", True
        )

    def check(self, filters: Mapping[str, str]) -> None:
        """``UnknownValue`` for a filter that the dataset has not, or a value that it cannot have."""
        known = {one.name: one for one in self.filters}
        for name, value in filters.items():
            if name not in known:
                options = ", ".join(known) or "none"
                raise UnknownValue(name, f"“{name}” is no filter of {self.name}. Its filters: {options}.")
            check_value(known[name], value)


def check_value(of: Filter, value: str) -> None:
    if of.choices and value not in of.choices:
        raise UnknownValue(of.name, f"“{value}” is none of: {', '.join(of.choices)}.")
    if of.kind == "year" and not (value.isascii() and value.isdecimal() and len(value) == 4):
        raise UnknownValue(of.name, f"“{value}” is no year. Write four digits, such as 2021.")
    if of.kind == "integer" and not (value.isascii() and value.isdecimal() and len(value) < 19):
        raise UnknownValue(of.name, f"“{value}” is no whole number.")
    if of.kind == "yes/no" and value not in ("true", "false"):
        raise UnknownValue(of.name, f"“{value}” is neither true nor false.")
    if of.kind == "day":
        try:
            dt.date.fromisoformat(value)
        except ValueError:
            raise UnknownValue(of.name, f"“{value}” is no day. Write it as 2021-11-25.") from None
    if "\0" in value or len(value) > 200:
        raise UnknownValue(of.name, "The value is too long, or holds a sign that no name has.")


class Registry:
    """All datasets of the site, in the order in which readers see them; each app adds its own."""

    def __init__(self) -> None:
        self.by_name: dict[str, Dataset] = {}

    def add(self, *datasets: Dataset) -> None:
        for dataset in datasets:
            if dataset.name in self.by_name:
                raise ValueError(f"Two datasets are called {dataset.name}.")
            self.by_name[dataset.name] = dataset

    def __iter__(self) -> Iterator[Dataset]:
        return iter(self.by_name.values())

    def __getitem__(self, name: str) -> Dataset:
        return self.by_name[name]

    def get(self, name: str) -> Dataset | None:
        return self.by_name.get(name)


REGISTRY = Registry()


def plain(value: Value) -> str:
    """A value as text without locale; a moment in UTC to the second or finer."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)
