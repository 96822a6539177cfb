"""A released profile, asked: who, how many, how much, and why a figure is missing.

Reads the frozen content of an edition (see ``editions``) and touches no database.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.utils.translation import get_language

from .calculations import not_broken_down, share, shown_status, total
from .models import MissingReason
from .rounding import Change, change

MEASURES = ("budget", "funds_available", "expenditure")


def in_language(texts: dict[str, str] | None) -> str:
    """The text in the reader's language, else in English, else in any."""
    texts = texts or {}
    return texts.get(get_language() or "en") or texts.get("en") or next(iter(texts.values()), "")


def other_language(texts: dict[str, str] | None) -> str:
    """The language that ``in_language`` falls back to; empty where the text is in the reader's, or there is none."""
    given = [code for code, text in (texts or {}).items() if text]
    reader = get_language() or "en"
    return "" if reader in given or not given else "en" if "en" in given else given[0]


@dataclass(frozen=True, slots=True)
class Value:
    """A published figure, or the reason why it is missing (in words)."""

    number: Decimal | int | None
    reason: str = ""
    as_of: str | None = None
    source: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One line of a breakdown. ``share`` is in per cent of the total, or None."""

    code: str  # empty for what was not broken down
    label: str
    value: Value
    share: Decimal | None


@dataclass(frozen=True, slots=True)
class People:
    year: int
    total: Value
    before: Value  # of the year before
    change: Change | None
    parts: list[Part]

    @property
    def before_year(self) -> int:
        return self.year - 1


@dataclass(frozen=True, slots=True)
class MoneyYear:
    year: int
    budget: Value
    funds_available: Value
    expenditure: Value

    @property
    def spent(self) -> Decimal | None:
        """Expenditure in per cent of the budget."""
        return share(self.expenditure.number, self.budget.number)


class Profile:
    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self.code: str = content["code"]
        self.slug: str = content["slug"]
        self.first_year: int | None = content["first_year"]
        self.last_year: int | None = content["last_year"]

    @property
    def name(self) -> str:
        return in_language(self.content["name"])

    @property
    def region(self) -> dict[str, Any] | None:
        return self.content["region"]

    @property
    def region_name(self) -> str:
        return in_language(self.region["name"]) if self.region else ""

    @property
    def notice(self) -> str:
        return in_language(self.content["notice"])

    @property
    def notice_language(self) -> str:
        return other_language(self.content["notice"])

    @cached_property
    def years(self) -> list[int]:
        """The years with any figure, oldest first."""
        return sorted({entry["year"] for entry in self.content["population"] + self.content["finance"]})

    def existed_in(self, year: int) -> bool:
        return (self.first_year or year) <= year <= (self.last_year or year)

    def reason(self, year: int) -> str:
        """Why a figure that nobody entered is missing."""
        reason = MissingReason.NOT_PUBLISHED if self.existed_in(year) else MissingReason.DID_NOT_EXIST
        return str(reason.label)

    # --- people ---

    @cached_property
    def _population(self) -> dict[tuple[int, str | None], dict[str, Any]]:
        return {(entry["year"], entry["type"]): entry for entry in self.content["population"]}

    @cached_property
    def people_years(self) -> list[int]:
        """From the first to the last year with a number of people, those between included."""
        known = [year for year, _type in self._population if self._people_total(year).number is not None]
        return list(range(min(known), max(known) + 1)) if known else []

    def people(self, year: int) -> People:
        now, before = self._people_total(year), self._people_total(year - 1)
        parts = []
        for entry in self.content["population_types"]:
            figure = self._population.get((year, entry["code"]))
            if figure is not None:
                value = _value(figure, figure["people"])
                parts.append(
                    Part(entry["code"], in_language(entry["name"]), value, share(value.number, now.number, 1))
                )
        return People(year, now, before, change(now.number, before.number), parts)

    def _people_total(self, year: int) -> Value:
        stated = self._population.get((year, None))
        entries = [e for (y, code), e in self._population.items() if y == year and code is not None]
        if stated:  # a total that is withheld stays withheld, whatever its parts say
            return _value(stated, stated["people"])
        number = total(None, (entry["people"] for entry in entries))
        return Value(None, self.reason(year)) if number is None else _value(entries[0], number)

    def people_not_broken_down(self, year: int) -> int | None:
        stated = self._population.get((year, None))
        parts = [e["people"] for (y, code), e in self._population.items() if y == year and code is not None]
        return not_broken_down(stated and stated["people"], parts) if parts else None

    # --- money ---

    @cached_property
    def _finance(self) -> dict[tuple[int, str, str | None], dict[str, Any]]:
        """By year, measure and pillar the figure that readers see: see ``shown_status``."""
        by_status: dict[tuple, dict[str, dict]] = {}
        for entry in self.content["finance"]:
            by_status.setdefault((entry["year"], entry["measure"], entry["pillar"]), {})[entry["status"]] = (
                entry
            )
        return {
            key: given[shown_status({status: _decimal(e["amount_usd"]) for status, e in given.items()})]
            for key, given in by_status.items()
        }

    def amount(self, year: int, measure: str, pillar: str | None = None) -> Value:
        if entry := self._finance.get((year, measure, pillar)):
            return _value(entry, _decimal(entry["amount_usd"]))
        parts = self._pillar_entries(year, measure) if pillar is None else []
        number = total(None, (_decimal(part["amount_usd"]) for part in parts))
        return Value(None, self.reason(year)) if number is None else Value(number)

    def money(self, year: int) -> MoneyYear:
        return MoneyYear(year, *(self.amount(year, measure) for measure in MEASURES))

    @cached_property
    def money_years(self) -> list[int]:
        """From the first to the last year with a financial figure, without gaps."""
        years = [entry["year"] for entry in self.content["finance"]]
        return list(range(min(years), max(years) + 1)) if years else []

    def has_measure(self, measure: str) -> bool:
        return any(entry["measure"] == measure and entry["amount_usd"] for entry in self.content["finance"])

    @property
    def has_pillars(self) -> bool:
        return any(entry["pillar"] for entry in self.content["finance"])

    def _pillar_entries(self, year: int, measure: str) -> list[dict[str, Any]]:
        return [
            e
            for (y, m, pillar), e in self._finance.items()
            if (y, m) == (year, measure) and pillar is not None
        ]

    @property
    def pillars(self) -> list[tuple[str, str]]:
        """Code and name of the pillars with any figure, in order."""
        return [(entry["code"], in_language(entry["name"])) for entry in self.content["pillars"]]

    def money_not_broken_down(self, year: int, measure: str) -> Decimal | None:
        entry = self._finance.get((year, measure, None))
        stated = _decimal(entry["amount_usd"]) if entry else None
        return not_broken_down(
            stated, (_decimal(e["amount_usd"]) for e in self._pillar_entries(year, measure))
        )


def published_place(office: dict[str, Any]) -> tuple[Decimal | None, Decimal | None]:
    """Latitude and longitude of an office; of an approximate place as much as is meant: some 10 kilometres."""
    latitude, longitude = _decimal(office["latitude"]), _decimal(office["longitude"])
    if latitude is None or longitude is None or not office["is_approximate"]:
        return latitude, longitude
    return round(latitude, 1), round(longitude, 1)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _value(entry: dict[str, Any], number: Decimal | int | None) -> Value:
    reason = (
        str(MissingReason(entry["missing_reason"]).label)
        if number is None and entry["missing_reason"]
        else ""
    )
    return Value(number, reason, entry["as_of"], entry["source"], entry.get("status", ""))
