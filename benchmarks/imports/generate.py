"""Contribution lines as an agency's books would export them: made up, and the same at every call.

``lines(count)`` yields rows of ``HEADER``. About one line in a hundred is repeated word for word, as in real books.
"""

from __future__ import annotations

import csv
import datetime as dt
import random
from collections.abc import Iterator
from pathlib import Path

HEADER = ["reference", "donor", "donor_type", "date", "operation", "budget_year", "amount_usd", "currency", "amount",
          "earmarking", "description"]  # fmt: skip
DONORS, OPERATIONS, YEARS = 300, 174, range(2016, 2027)
AGREEMENTS = 30_000  # each of a donor, an operation and a year, paid on a few days
RATES = {"USD": 1.0, "EUR": 1.1, "SEK": 0.095, "JPY": 0.0068, "GBP": 1.27, "CHF": 1.12}
EARMARKINGS = ["unearmarked", "softly_earmarked", "earmarked", "tightly_earmarked"]
WORDS = ["shelter", "cash", "protection", "education", "response", "winter", "emergency", "core relief items"]


def donor(number: int) -> str:
    return f"Donor of the sample {number}"


def operation(number: int) -> str:
    return f"OP{number:03d}"


def agreements(pick: random.Random) -> list[tuple[str, str, int, list[str], str, str]]:
    """Donor, operation, budget year, days of payment, currency and earmarking of each."""
    found = []
    for _number in range(AGREEMENTS):
        year = pick.choice(YEARS)
        first = dt.date(year, 1, 1)
        days = [(first + dt.timedelta(days=pick.randrange(360))).isoformat() for _day in range(3)]
        giver = donor(min(int(pick.paretovariate(0.8)), DONORS) - 1)
        place = operation(min(int(pick.paretovariate(0.5)), OPERATIONS) - 1)
        found.append((giver, place, year, days, pick.choice(list(RATES)), pick.choice(EARMARKINGS)))
    return found


def lines(count: int, *, changed: float = 0, bad: float = 0) -> Iterator[list[str]]:
    """``changed`` and ``bad``: the share of lines with another amount, or with a cell that cannot be taken."""
    pick, chance = random.Random(1), random.Random(2)
    known, last = agreements(pick), []
    for number in range(count):
        if last and pick.random() < 0.01:
            line = list(last)
        else:
            giver, place, year, days, currency, earmarking = pick.choice(known)
            cents = int(pick.lognormvariate(16, 2)) + 100
            usd = int(cents * RATES[currency]) or 1
            line = [
                f"{65000 + number // 3}", giver, "government", pick.choice(days), place, str(year),
                f"{usd // 100}.{usd % 100:02d}", currency, f"{cents // 100}.{cents % 100:02d}", earmarking,
                f"{pick.choice(WORDS)} {pick.choice(WORDS)} {number % 97}",
            ]  # fmt: skip
        last = line
        if changed and chance.random() < changed:
            original = "9" + line[8] if line[7] == "USD" else line[8]  # dollars are dollars in both columns
            line = [*line[:6], "9" + line[6], line[7], original, *line[9:]]
        if bad and chance.random() < bad:
            column, cell = chance.choice(
                [(3, "2021-02-30"), (6, "2134O.63"), (4, "Atlantis"), (7, "dollars"), (9, "loosely")]
            )
            line = [*line[:column], cell, *line[column + 1 :]]
        yield line


def write(path: Path, count: int, *, order: str = "", **options: float) -> None:
    """A file of ``count`` lines; ``order="other"``: the same lines from the last to the first."""
    rows = lines(count, **options)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(reversed(list(rows)) if order else rows)
