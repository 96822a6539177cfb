"""All released operations at a glance: the lists and totals of the start page and of ``/operations/``."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from django.core.cache import cache

from .calculations import total
from .models import Edition
from .profiles import Profile, Value


@dataclass(frozen=True)
class OperationRow:
    profile: Profile
    year: int
    people: Value
    budget: Value
    expenditure: Value


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

    def rows(self, year: int, region: str = "", words: str = "") -> list[OperationRow]:
        words = words.casefold()
        return [
            OperationRow(
                profile,
                year,
                profile.people(year).total,
                profile.amount(year, "budget"),
                profile.amount(year, "expenditure"),
            )
            for profile in self.profiles
            if (not region or (profile.region or {}).get("code") == region)
            and (not words or words in profile.name.casefold())
        ]


def sum_rows(rows: Sequence[OperationRow], measure: str) -> Total:
    """The total of ``people``, ``budget`` or ``expenditure`` over the rows that have one."""
    values = [getattr(row, measure).number for row in rows]
    return Total(total(None, values), sum(value is not None for value in values), len(values))


def by_region(rows: Sequence[OperationRow]) -> list[tuple[str, list[OperationRow]]]:
    """The rows under the names of their regions; those of no region last."""
    order = {row.profile.region["code"]: row.profile.region["order"] for row in rows if row.profile.region}
    grouped: dict[str, list[OperationRow]] = {}
    for row in rows:
        grouped.setdefault(row.profile.region["code"] if row.profile.region else "", []).append(row)
    codes = sorted(grouped, key=lambda code: (code == "", order.get(code, 0)))
    return [(grouped[code][0].profile.region_name, grouped[code]) for code in codes]
