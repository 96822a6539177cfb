"""All released operations at a glance: the lists and totals of the start page, of ``/operations/`` and of regions."""

from __future__ import annotations

import datetime as dt
import hashlib
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from django.core.cache import cache
from django.http import HttpRequest

from .asked import asked_year
from .calculations import share, total
from .cells import fold_name
from .models import Edition, Operation
from .profiles import Profile, Value
from .readers import at_first

MEASURES = ("people", "budget", "expenditure")
# The kinds of operations that belong to one place of a region; the others stand under headings of their own.
IN_COUNTRIES = (Operation.Kind.COUNTRY, Operation.Kind.MULTI_COUNTRY)


@dataclass(frozen=True)
class OperationRow:
    profile: Profile
    year: int
    people: Value
    budget: Value
    expenditure: Value

    @property
    def spent(self) -> Decimal | None:
        """Expenditure in per cent of the budget."""
        return share(self.expenditure.number, self.budget.number)

    @property
    def share_spent(self) -> Decimal | None:
        """The same, fine enough to sort by."""
        return share(self.expenditure.number, self.budget.number, 9)

    @property
    def region(self) -> str:
        """Code; empty for none."""
        return self.profile.region["code"] if self.profile.region else ""

    @property
    def was_there(self) -> bool:
        """Whether the operation existed in the year, or has a figure of it all the same."""
        figures = (self.people, self.budget, self.expenditure)
        return self.profile.existed_in(self.year) or any(value.number is not None for value in figures)

    @property
    def kind(self) -> str:
        return self.profile.content["kind"]


@dataclass(frozen=True)
class Total:
    """A sum over operations, and of how many: a missing figure is not counted as zero."""

    number: Decimal | int | None
    counted: int
    of: int


class Overview:
    def __init__(self, profiles: Sequence[Profile]) -> None:
        self.profiles = sorted(profiles, key=lambda profile: profile.name.casefold())

    @classmethod
    def load(cls, at: dt.datetime | None = None, keep: bool = True) -> Overview:
        """From the released profiles: one query, and a second where a release changed them since.

        What is kept is named by the very editions that it was made of, so that nothing has to be
        invalidated. ``keep=False`` is for moments of the past: there are too many of them for the memory.
        """
        released = Edition.objects.released(at).profiles()
        keys = list(released.order_by("pk").values_list("pk", flat=True))
        key = "profiles-" + hashlib.sha256(repr(keys).encode()).hexdigest()
        contents = cache.get(key)
        if contents is None:
            contents = [edition.public for edition in Edition.objects.filter(pk__in=keys)]
            if keep:
                cache.set(key, contents, 24 * 3600)
        return cls([Profile(content) for content in contents])

    @cached_property
    def years(self) -> list[int]:
        """The years with any figure, newest first."""
        return sorted({year for profile in self.profiles for year in profile.years}, reverse=True)

    def within(self, regions: Collection[str]) -> Overview:
        """The operations of these regions alone."""
        return Overview([p for p in self.profiles if p.region and p.region["code"] in regions])

    @cached_property
    def usual_year(self) -> int | None:
        """The newest year for which at least half of the operations with budgets published theirs."""
        budgets = [
            {year for year in p.money_years if p.amount(year, "budget").number is not None}
            for p in self.profiles
        ]
        budgets = [years for years in budgets if years]
        counts = Counter(year for years in budgets for year in years)
        return max((year for year, count in counts.items() if 2 * count >= len(budgets)), default=None) or (
            self.years[0] if self.years else None
        )

    @cached_property
    def regions(self) -> list[tuple[str, str]]:
        """Code and name of the regions that have operations, in order."""
        found = {p.region["code"]: (p.region["order"], p.region_name) for p in self.profiles if p.region}
        return [(code, name) for code, (_order, name) in sorted(found.items(), key=lambda item: item[1])]

    def rows(
        self, year: int, regions: Collection[str] | None = None, words: str = "", kind: str = ""
    ) -> list[OperationRow]:
        """The figures of a year; of the operations in regions of these codes, of a kind, that the words name."""
        return [
            row_of(profile, year)
            for profile in self.profiles
            if (regions is None or (profile.region or {}).get("code") in regions)
            and (not kind or profile.content["kind"] == kind)
            and is_named(profile, words)
        ]


def row_of(profile: Profile, year: int) -> OperationRow:
    return OperationRow(
        profile,
        year,
        profile.people(year).total,
        profile.amount(year, "budget"),
        profile.amount(year, "expenditure"),
    )


def simple(text: str) -> str:
    """The form in which words are looked for: no case, no accents."""
    letters = unicodedata.normalize("NFKD", fold_name(text))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def is_named(profile: Profile, words: str) -> bool:
    """Whether every word stands in the name, in one of its languages, or in the code."""
    names = " ".join([*profile.content["name"].values(), profile.code])
    return all(word in simple(names) for word in simple(words).split())


def sum_rows(rows: Sequence[OperationRow], measure: str) -> Total:
    """The total of ``people``, ``budget`` or ``expenditure`` over the rows that have one, of those that were there."""
    values = [getattr(row, measure).number for row in rows if row.was_there]
    return Total(total(None, values), sum(value is not None for value in values), len(values))


def totals_of(rows: Sequence[OperationRow]) -> dict[str, Total]:
    return {measure: sum_rows(rows, measure) for measure in MEASURES}


def by_region(rows: Iterable[OperationRow]) -> list[tuple[str, str, list[OperationRow]]]:
    """Code and name of each region with its rows; those of no region last, under an empty code."""
    grouped: dict[str, list[OperationRow]] = {}
    for row in rows:
        grouped.setdefault(row.region, []).append(row)

    def place(code: str) -> tuple[bool, int, str]:
        region = grouped[code][0].profile.region
        return code == "", region["order"] if region else 0, code

    return [
        (code, grouped[code][0].profile.region_name, grouped[code]) for code in sorted(grouped, key=place)
    ]


def load_overview(request: HttpRequest) -> Overview:
    overview = Overview.load(request.at, keep=not request.as_of)
    profiles = Edition.objects.ever_public(request.now).profiles().order_by("released_at")
    at_first(request, overview.profiles, profiles.values_list("released_at", flat=True).first)
    return overview


def chosen_year(request: HttpRequest, overview: Overview) -> int | None:
    """The year asked for, if it has any figure; else the usual one."""
    asked = asked_year(request)
    return asked if asked in overview.years else overview.usual_year
