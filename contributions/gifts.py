"""One gift: the lines of a donor family with one reference, by instalment and by currency."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .calculations import rate
from .models import Contribution, ContributionQuerySet, Donor


@dataclass(frozen=True)
class Instalment:
    date: dt.date
    lines: Sequence[Contribution]

    @property
    def amount(self) -> Decimal:
        return sum((line.amount_usd for line in self.lines), Decimal(0))


@dataclass(frozen=True)
class CurrencySum:
    """What a gift says in one original currency; ``original`` is None where no line gives it."""

    currency: str
    original: Decimal | None
    usd: Decimal
    given: int
    given_usd: Decimal | None
    allocations: int

    @property
    def is_partial(self) -> bool:
        """Whether some of its lines do not give the original amount."""
        return 0 < self.given < self.allocations

    @property
    def rate(self) -> Decimal | None:
        """US dollars per unit, from the lines that give both."""
        return None if self.currency == "USD" else rate(self.given_usd, self.original)


@dataclass(frozen=True)
class Gift:
    donor: Donor
    reference: str
    instalments: Sequence[Instalment]
    currencies: Sequence[CurrencySum]

    @classmethod
    def load(cls, lines: ContributionQuerySet, donor: Donor, at: dt.datetime | None = None) -> Gift | None:
        """Of the lines of one gift; ``None`` where there are none. Two queries."""
        found: dict[dt.date, list[Contribution]] = {}
        rows = lines.select_related("donor").with_operation_names(at).order_by("date", "-amount_usd", "pk")
        for line in rows:
            found.setdefault(line.date, []).append(line)
        if not found:
            return None
        reference = next(iter(found.values()))[0].reference
        currencies = [CurrencySum(**row) for row in lines.by_currency()]
        return cls(donor, reference, [Instalment(*of_day) for of_day in found.items()], currencies)

    @property
    def total(self) -> Decimal:
        return sum((row.usd for row in self.currencies), Decimal(0))

    @property
    def lines(self) -> list[Contribution]:
        return [line for instalment in self.instalments for line in instalment.lines]

    @property
    def allocations(self) -> int:
        return len(self.lines)

    @property
    def descriptions(self) -> list[str]:
        return list(dict.fromkeys(line.description for line in self.lines if line.description))

    @property
    def givers(self) -> list[str]:
        """The members of the family that gave it, where it is not the family itself."""
        names = dict.fromkeys(line.donor.name for line in self.lines)
        return [] if list(names) == [self.donor.name] else list(names)

    @property
    def context(self) -> dict[str, Any]:
        return {
            "gift": self,
            "donor": self.donor,
            "is_foreign": any(row.currency != "USD" for row in self.currencies),
        }
