"""The cases that imports are held against: files of ``../shared/data``, what has to become of each, and a verdict.

Those files are no part of the project; where they are not at hand, ``BAD`` and ``MESSY`` are empty.
"""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

SHARED = Path(__file__).resolve().parent.parent.parent.parent / "shared" / "data"
BAD_INPUT, MESSY_FILES = SHARED / "bad-input", SHARED / "messy"
EXPECTED, READINGS = BAD_INPUT / "EXPECTED.json", MESSY_FILES / "EXPECTED.csv"

DATA: dict[str, Any] = (
    json.loads(EXPECTED.read_text(encoding="utf-8")) if EXPECTED.exists() else {"cases": [], "policy": {}}
)
BAD = {case["id"]: case for case in DATA["cases"] if case["file"].startswith(("csv/", "xlsx/"))}
POLICY: dict[str, Any] = DATA["policy"]

# A line of the books as it is compared: date, donor, operation, amount, currency and reference.
Line = tuple[str, str, str, Decimal, str, str]
Place = tuple[int, str]  # the line and the column of an error

ACCEPT, ROWS, FILE = "accept", "reject_rows", "reject_file"
RIGHT, UNCLEAR, GOOD_REFUSED, WRONG, CRASH = "right", "unclear", "refused", "wrong", "crash"
WORDS = {
    RIGHT: "right",
    UNCLEAR: "refused, but not which cells and why",
    GOOD_REFUSED: "a good file refused",
    WRONG: "silently wrong",
    CRASH: "error 500, or no end in 30 s",
}

# What is to become of a case otherwise than EXPECTED.json says, and why. ``like``: with the rows of that case;
# ``more``: with its first row once more, but for this.
DIFFERENCES: dict[str, tuple[str, dict[str, Any]]] = {
    "C060": ("the delimiter is found out, and shown", {"expect": ACCEPT, "like": "C001"}),
    "C066": ("a line longer than the header is an error of the whole file", {"expect": FILE}),
    "C110": ("the same file again is no error; it changes nothing", {"expect": ACCEPT, "already_present": 3}),
    "C114": (
        "one reference covers several lines, as in the agency's own books; equal ones are shown as repeated",
        {"expect": ACCEPT, "errors": [], "more": {}},
    ),
    "C118": (
        "one reference covers several lines, as in the agency's own books; both stay",
        {"expect": ACCEPT, "errors": [], "more": {"amount": "2.00"}},
    ),
    "X047": ("the header is found where it stands, and shown", {"expect": ACCEPT, "like": "C001"}),
}
# Errors that are expected of another product, by column, and why they are none here.
NO_ERROR_HERE = {"operation": "a contribution may be for no operation: the source does not always say"}
# Errors that this site has in addition.
ERROR_HERE = {"C038": {(8, "amount")}}  # €5 needs its amount in US dollars beside it: column amount_usd


@dataclass
class Expected:
    """What is to become of a file."""

    state: str
    places: set[Place] = field(default_factory=set)
    lines: list[Line] = field(default_factory=list)  # that are in the books afterwards and were not before
    known: int = 0  # lines that are in the books already
    why: str = ""  # why it is not what EXPECTED.json says


@dataclass
class Outcome:
    """What became of a file."""

    state: str
    said: str = ""
    places: set[Place] = field(default_factory=set)
    lines: list[Line] = field(default_factory=list)
    known: int = 0
    asked: list[str] = field(default_factory=list)
    warnings: set[tuple[int, str, str]] = field(default_factory=set)
    crash: str = ""
    left_out: int = 0  # lines, on the word of a person
    seconds: float = 0
    megabytes: float = 0  # by which the process grew


def expected_of(case: dict[str, Any], *, strictly: bool = False, as_given: bool = False) -> Expected:
    """``strictly``: without our reasoned differences of policy; ``as_given``: with every error of EXPECTED.json."""
    why, other = DIFFERENCES.get(case["id"], ("", {}))
    if strictly:
        why, other = "", {}
    case = case | {name: BAD[other["like"]][name] for name in ("rows",) if "like" in other} | other
    places = {
        (error["line"], error["column"])
        for error in case["errors"]
        if as_given or not (error["code"].endswith("_missing") and error["column"] in NO_ERROR_HERE)
    } | (set() if as_given else ERROR_HERE.get(case["id"], set()))
    rows = case["rows"] + ([case["rows"][0] | other["more"]] if "more" in other else [])
    lines = [line_of(row) for row in rows] if case["expect"] == ACCEPT else []
    known = case["already_present"] if case["expect"] == ACCEPT else 0
    for before in case["setup"]:  # the lines that were there before
        for row in BAD[before]["rows"]:
            if line_of(row) in lines:
                lines.remove(line_of(row))
    return Expected(case["expect"], places, lines, known, why)


def line_of(row: dict[str, str]) -> Line:
    amount = Decimal(row["amount"])
    return (
        row["date"],
        folded(row["donor"]),
        row["operation"],
        amount,
        row["currency"],
        row["reference"].casefold(),
    )


def folded(donor: str) -> str:
    """“private donors in Japan” and “Private donors, Japan” are one."""
    name = " ".join(donor.casefold().replace("’", "'").split())
    return re.sub(r"^private donors, ", "private donors in ", name)


def verdict(expected: Expected, outcome: Outcome) -> str:
    if outcome.crash:
        return CRASH
    if sorted(outcome.lines) != sorted(expected.lines):
        return GOOD_REFUSED if not outcome.lines and outcome.state != ACCEPT else WRONG
    if expected.state == ACCEPT:
        return RIGHT if outcome.state == ACCEPT else GOOD_REFUSED
    if outcome.state == ACCEPT or not (outcome.said or outcome.places):
        return UNCLEAR
    return RIGHT if expected.state == FILE or expected.places <= outcome.places else UNCLEAR


def best_verdict(case: dict[str, Any], outcome: Outcome) -> str:
    """By EXPECTED.json, or by what this site does otherwise: whichever is kinder."""
    found = [verdict(expected_of(case, strictly=strictly), outcome) for strictly in (True, False)]
    return min(found, key=list(WORDS).index)


# --- The awkward files ------------------------------------------------------------------------------


@dataclass
class Reading:
    """A reading of an awkward file: how a person maps it, and what it has to give."""

    file: str
    name: str
    expected: list[dict[str, str]]  # its lines of EXPECTED.csv
    mapping: dict[str, str] = field(default_factory=dict)  # header → column
    constants: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    reading: dict[str, Any] = field(default_factory=dict)
    other: dict[str, list[str]] = field(default_factory=dict)  # header → cells of lines of another kind
    refused: dict[str, list[str]] = field(default_factory=dict)  # and of lines that are no contribution here
    asked: tuple[str, ...] = ()  # what the file does not say, and ``options`` answers
    blank: int = 0  # records of nothing but delimiters, which EXPECTED.csv counts as rejected
    why: str = ""  # why it is no import of contributions

    @property
    def id(self) -> str:
        return f"{self.file[:2]} {self.name}"

    @property
    def path(self) -> Path:
        return MESSY_FILES / self.file

    @property
    def sums(self) -> dict[str, tuple[int, Decimal]]:
        """Lines and sum by currency."""
        return {
            self.currency_of(line): (int(line["rows_in_currency"]), Decimal(line["sum"]))
            for line in self.expected
            if int(line["rows_in_currency"])
        }

    def decided(self, *, refused: bool = True) -> dict[str, Any]:
        """The options of its import; ``refused``: whether the lines that are no contributions are left out."""
        cells = [*self.other.items(), *(self.refused.items() if refused else ())]
        rules = [{"header": header, "cells": given, "keep": False} for header, given in cells]
        return self.options | {
            "constants": dict(self.constants),
            "leave_out_where": rules,
            "new_donors": True,
            "answered": ["columns"],  # whoever mapped them looked at all of them
        }

    def currency_of(self, line: dict[str, str]) -> str:
        return line["currency"] if re.fullmatch("[A-Z]{3}", line["currency"]) else "USD"


def mapped(donor: str, date: str, amount: str, /, **constants: str) -> dict[str, Any]:
    """A mapping of three headers; "" for one that the file has not. All donors are of one class."""
    columns = {donor: "donor", date: "date", amount: "amount_usd"}
    return {
        "mapping": {header: column for header, column in columns.items() if header},
        "constants": {"donor_type": "government"} | constants,
    }


def and_mapped(given: dict[str, Any], **more: str) -> dict[str, Any]:
    """The same with more columns: column=header."""
    return given | {"mapping": given["mapping"] | {header: column for column, header in more.items()}}


FTS = mapped("srcOrganization", "date", "amountUSD")
UNHCR = mapped("transaction_provider_org", "transaction_date", "transaction_value_USD") | {
    "other": {"transaction_type_code": ["3", "4"]},
    "options": {"round_to_cents": True},
}
MONEY = mapped("Reporting org name", "Month", "Net money") | {"refused": {"Net money": ["0"]}}
GRANTS = mapped("", "Start date", "", donor="The foundation", currency="USD") | {"asked": ("currency",)}
FOOTER = {"reading": {"leave_out": ["footer"]}, "asked": ("footer",)}
NOT_MONEY = {
    "why": "a table of people with a column for each year: it is read, and no import takes it as it is"
}

MAPPED: dict[tuple[str, str], dict[str, Any]] = {
    ("01_fts_jordan_2020_hxl.csv", "A: amountUSD"): FTS
    | {"refused": {"amountUSD": ["0"], "srcOrganization": [""]}},
    ("01_fts_jordan_2020_hxl.csv", "B: original currency"): and_mapped(
        FTS, amount="originalAmount", currency="originalCurrency"
    )
    | {"other": {"originalAmount": [""]}, "refused": {"amountUSD": ["0"]}},
    ("04_unhcr_iati_2016_text_numbers.xlsx", "A: transaction_value_USD"): UNHCR,
    ("04_unhcr_iati_2016_text_numbers.xlsx", "B: transaction_value + currency"): and_mapped(
        UNHCR, amount="transaction_value", currency="transaction_value_currency", reference="transaction_ref"
    ),
    ("06_cbpf_contributions_2006_2028.csv", "ContributionAmt, USD assumed"): mapped(
        "DonorName", "FiscalYear", "ContributionAmt"
    ),
    ("08_iati_covid_hxl_negative.csv", "Net money, commitments"): MONEY
    | {"other": {"Transaction type": ["spending"]}},
    ("08_iati_covid_hxl_negative.csv", "Net money, spending"): MONEY
    | {"other": {"Transaction type": ["commitments"]}},
    ("10_reserve_2015_semicolon_multiline.csv", "montant, EUR assumed"): mapped(
        "nom", "", "montant", date="2015-12-31", currency="EUR"
    )
    | FOOTER,
    ("12_parteispenden_eu_decimals.csv", "Betrag, EUR assumed"): mapped(
        "Spender", "Jahr", "Betrag", currency="EUR"
    )
    | FOOTER
    | {"blank": 1},
    **{
        ("14_raf_semicolon_decimal_comma_wide.csv", header): and_mapped(GRANTS, amount=header)
        | {"other": {header: [""]}, "refused": {header: ["0,00"]}}
        for header in ("Contracted in 2019", "Contracted in 2020", "Re-granted amount")
    },
    ("16_ukraine_oda_html_cells.csv", "A: as it is"): mapped(
        "Donor", "", "Estimated ODA pledged to Ukraine (USD millions)", date="2022-10-31"
    ),
    ("16_ukraine_oda_html_cells.csv", 'B: number before ">>"'): {
        "why": "no rule takes a number out of a longer text: the column is to be cleaned first"
    },
    ("18_fts_covid_requirements_us_dates.csv", "funding by startDate"): mapped(
        "name", "startDate", "funding"
    ),
    ("20_axis_expenses_triple_hash.txt", "AMOUNT"): {
        "why": "a table of expenditure without donors: it is read, and is no contribution"
    },
    **{
        ("22_unhcr_popstats_preamble_masked.csv", f"population, year {year}"): NOT_MONEY
        for year in (2000, 2006, 2013)
    },
}


def readings() -> list[Reading]:
    """Those of EXPECTED.csv, with how a person would map each."""
    if not READINGS.exists():
        return []
    with READINGS.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    found = groupby(lines, lambda line: (line["file"], line["mapping"]))
    return [Reading(*key, list(group), **MAPPED[key]) for key, group in found]


MESSY = {reading.id: reading for reading in readings()}
