"""The real awkward files of ``../shared/data/messy``, read, told their form and cleaned, cell by cell.

Those files are no part of the project; where they are not at hand, these tests are left out. The importer
itself is no part of this: which lines of a file are of a kind that is asked for is said here, file by file.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.conf import settings

from contributions.resources import ContributionResource
from operations.cells import clean_amount, clean_date, clean_name, read_amount
from operations.evidence import AmountEvidence, DateEvidence
from operations.headings import known_headers, propose
from operations.layouts import Places, grouped, looks_grouped
from operations.reading import TableFile, open_table

FOLDER = Path(settings.BASE_DIR).parent / "shared" / "data" / "messy"
EXPECTED = FOLDER / "EXPECTED.csv"
TODAY = dt.date(2026, 11, 23)
LINES = list(csv.DictReader(EXPECTED.open(encoding="utf-8", newline=""))) if EXPECTED.exists() else []
READINGS = [(key, list(lines)) for key, lines in groupby(LINES, lambda line: (line["file"], line["mapping"]))]

pytestmark = pytest.mark.skipif(not LINES, reason=f"{FOLDER.parent.name}/{FOLDER.name} is not at hand")

Record = dict[str, Any]


class Asked(NamedTuple):
    """What a reading asks of a file besides its amount: the column of its dates, and which lines count."""

    date: str = ""
    order: str = "plain"
    decimal: str = "plain"
    currency: str = ""
    counts: Callable[[Record], bool] = lambda record: True


def of_kind(kind: str) -> Callable[[Record], bool]:
    return lambda record: record["Transaction type"] == kind


def is_contribution(record: Record) -> bool:
    return record["transaction_type_code"] not in {"3", "4"}


ASKED = {
    ("01_fts_jordan_2020_hxl.csv", "A: amountUSD"): Asked("date"),
    ("01_fts_jordan_2020_hxl.csv", "B: original currency"): Asked("date", currency="originalCurrency"),
    ("04_unhcr_iati_2016_text_numbers.xlsx", "A: transaction_value_USD"): Asked(
        "transaction_date", decimal=".", counts=is_contribution
    ),
    ("04_unhcr_iati_2016_text_numbers.xlsx", "B: transaction_value + currency"): Asked(
        "transaction_date", decimal=".", currency="transaction_value_currency", counts=is_contribution
    ),
    ("06_cbpf_contributions_2006_2028.csv", "ContributionAmt, USD assumed"): Asked("FiscalYear", "year", "."),
    ("08_iati_covid_hxl_negative.csv", "Net money, commitments"): Asked(
        "Month", "month", counts=of_kind("commitments")
    ),
    ("08_iati_covid_hxl_negative.csv", "Net money, spending"): Asked(
        "Month", "month", counts=of_kind("spending")
    ),
    ("10_reserve_2015_semicolon_multiline.csv", "montant, EUR assumed"): Asked(decimal="."),
    ("12_parteispenden_eu_decimals.csv", "Betrag, EUR assumed"): Asked("Jahr", "year", ","),
    ("14_raf_semicolon_decimal_comma_wide.csv", "Contracted in 2019"): Asked("Start date", decimal=","),
    ("14_raf_semicolon_decimal_comma_wide.csv", "Contracted in 2020"): Asked("Start date", decimal=","),
    ("14_raf_semicolon_decimal_comma_wide.csv", "Re-granted amount"): Asked("Start date", decimal=","),
    ("16_ukraine_oda_html_cells.csv", "A: as it is"): Asked(),
    ("18_fts_covid_requirements_us_dates.csv", "funding by startDate"): Asked("startDate", "mdy"),
    ("20_axis_expenses_triple_hash.txt", "AMOUNT"): Asked("PLANNINGYEAR", "year"),
    ("22_unhcr_popstats_preamble_masked.csv", "population, year 2000"): Asked(),
    ("22_unhcr_popstats_preamble_masked.csv", "population, year 2006"): Asked(),
    ("22_unhcr_popstats_preamble_masked.csv", "population, year 2013"): Asked(),
}
# The rule that takes the number before “>>” is a person's, and no part of the reading.
LEFT_OUT = {("16_ukraine_oda_html_cells.csv", 'B: number before ">>"')}


def columns() -> list[str]:
    return [field.column_name for field in ContributionResource().get_import_fields()]


@cache
def table(name: str) -> tuple[TableFile, list[tuple[int, Record]]]:
    opened = open_table(FOLDER / name, known=known_headers(columns(), ContributionResource.aliases))
    rows = [(line, dict(zip(opened.headers, cells, strict=True))) for line, cells in opened.rows()]
    return opened, rows


def told(evidence: Any, rows: list[tuple[int, Record]], header: str) -> Any:
    evidence.add([record[header] for _line, record in rows], [line for line, _record in rows])
    return evidence.verdict()


@pytest.mark.parametrize(
    ("key", "lines"),
    [pytest.param(key, lines, id=" ".join(key)) for key, lines in READINGS if key not in LEFT_OUT],
)
def test_a_real_file_gives_the_rows_sums_and_dates_that_two_others_agreed_on(key, lines):
    opened, rows = table(key[0])
    asked, expected = ASKED[key], lines[0]
    records = [record for _line, record in rows]

    assert opened.reading.encoding == ("" if expected["sheet"] else expected["encoding"])
    assert opened.reading.sheet == expected["sheet"]
    assert opened.reading.delimiter == expected["delimiter"]
    assert opened.reading.header_line == int(expected["header_line"][0])
    empty = 1 if key[0].startswith("12_") else 0  # a record of nothing but commas counts there as rejected
    assert len(rows) + empty == int(expected["data_records"])

    amount = told(AmountEvidence(), rows, expected["amount_field"])
    assert (amount.decimal, amount.contradiction) == (asked.decimal, "")
    order = asked.order
    if asked.date:
        date = told(DateEvidence(), rows, asked.date)
        assert (date.order, date.is_proven) == (order, True)

    sums: dict[str, list[Decimal]] = {}
    days: dict[str, list[dt.date]] = {}
    rejected = empty
    for record in records:
        currency = record[asked.currency] if asked.currency else expected["currency"]
        try:
            value = read_amount(record[expected["amount_field"]], currency=currency, decimal=amount.decimal)
            date = clean_date(record[asked.date], order=order, today=TODAY) if asked.date else None
        except ValueError:
            value = None
        if value is None or not asked.counts(record) or (asked.date and not date):
            rejected += 1
            continue
        sums.setdefault(currency, []).append(value)
        days.setdefault(currency, []).append(date)
    assert rejected == int(expected["rejected"])
    assert {code: (len(found), sum(found)) for code, found in sums.items()} == {
        line["currency"]: (int(line["rows_in_currency"]), Decimal(line["sum"]))
        for line in lines
        if int(line["rows_in_currency"])
    }
    negative = sum(value < 0 for found in sums.values() for value in found)
    assert negative == int(expected["negative_rows"])
    length = {"year": 4, "month": 7}.get(order, 10)
    if asked.date:
        spans = {c: (min(d).isoformat()[:length], max(d).isoformat()[:length]) for c, d in days.items()}
        assert spans == {line["currency"]: (line["min_date"], line["max_date"]) for line in lines}


def test_what_stands_around_the_tables_is_found_and_shown():
    found = {
        name: [(aside.line, aside.reason) for aside in table(name)[0].set_aside]
        for name in sorted({key[0] for key, _lines in READINGS})
    }
    assert {name: lines for name, lines in found.items() if lines} == {
        "01_fts_jordan_2020_hxl.csv": [(2, "hxl")],
        "08_iati_covid_hxl_negative.csv": [(2, "hxl")],
        "10_reserve_2015_semicolon_multiline.csv": [(516, "footer")],
        "12_parteispenden_eu_decimals.csv": [
            (703, "footer"),
            (704, "footer"),
            (705, "footer"),
            (706, "footer"),
        ],
        "22_unhcr_popstats_preamble_masked.csv": [(1, "title"), (2, "title"), (4, "title")],
    }


def test_their_headers_are_known_and_what_is_not_is_left_to_a_person():
    def proposed(name: str) -> dict[str, str]:
        opened = table(name)[0]
        return propose(opened.headers, columns(), ContributionResource.aliases, hxl=opened.hxl)

    assert proposed("01_fts_jordan_2020_hxl.csv") == {
        "date": "date",
        "budgetYear": "budget_year",
        "description": "description",
        "amountUSD": "amount_usd",
        "srcOrganization": "donor",
        "srcOrganizationTypes": "donor_type",
        "destLocations": "operation",
        "originalAmount": "amount",
        "originalCurrency": "currency",
        "refCode": "reference",
    }
    assert proposed("04_unhcr_iati_2016_text_numbers.xlsx") == {
        "transaction_ref": "reference",
        "transaction_date": "date",
        "transaction_value_currency": "currency",
        "transaction_value": "amount",
        "transaction_description": "description",
        "transaction_provider_org_type": "donor_type",
        "transaction_provider_org": "donor",
        "transaction_value_USD": "amount_usd",
    }
    assert proposed("06_cbpf_contributions_2006_2028.csv") == {
        "PooledFundName": "operation",
        "FiscalYear": "budget_year",
        "DonorName": "donor",
        "ContributionAmt": "amount",
    }
    assert proposed("12_parteispenden_eu_decimals.csv") == {}


def test_the_dates_of_one_column_prove_the_order_of_it_and_not_of_another():
    """12/31/2022 stands among the end dates; of the start dates another cell has to say it."""
    _opened, rows = table("18_fts_covid_requirements_us_dates.csv")
    start, end = (told(DateEvidence(), rows, header) for header in ("startDate", "endDate"))
    assert (start.order, end.order) == ("mdy", "mdy")
    assert end.proof.startswith("Line 2: 12/31/2022")


def test_withheld_figures_are_never_zero():
    _opened, rows = table("22_unhcr_popstats_preamble_masked.csv")
    cells = [cell for _line, record in rows for cell in record.values() if cell == "*"]
    assert len(cells) == 182
    with pytest.raises(ValueError, match="is not a number"):
        read_amount("*")


# --- The layouts of ../shared/data/bad-input --------------------------------------------------------

CASES = FOLDER.parent / "bad-input" / "EXPECTED.json"
BAD = {c["id"]: c for c in json.loads(CASES.read_text(encoding="utf-8"))["cases"]} if CASES.exists() else {}
LAID_OUT = {
    "C002": ("block", {}),
    "C003": ("grouped", {}),
    "X011": ("grouped", {}),
    "C016": ("flat", {"order": "dmy"}),
    "C032": ("flat", {"decimal": ","}),
    "C004": ("flat", {}),
}


@pytest.mark.skipif(not BAD, reason="bad-input is not at hand")
@pytest.mark.parametrize("case_id", LAID_OUT)
def test_a_layout_gives_the_rows_that_are_expected_of_it(case_id):
    case, (layout, said) = BAD[case_id], LAID_OUT[case_id]
    opened = open_table(
        CASES.parent / case["file"], known=known_headers(columns(), ContributionResource.aliases)
    )
    assert opened.reading.layout == ("block" if layout == "block" else "flat")
    mapping = propose(opened.headers, columns(), ContributionResource.aliases)
    places = Places.of(opened.headers, mapping)
    assert looks_grouped(opened.rows(), places) is (case_id in {"C003", "C004", "X011"})
    rows = grouped(opened.rows(), places) if layout == "grouped" else opened.rows()

    found, errors, footnotes = [], set(), []
    for line, cells in rows:
        record: Record = dict(zip(opened.headers, cells, strict=True))
        rules = {
            "date": lambda cell: clean_date(cell, order=said.get("order", ""), today=TODAY),
            "amount": lambda cell: clean_amount(cell, decimal=said.get("decimal", ".")),
            "donor": lambda cell: clean_name(cell)[0],
            "operation": lambda cell: cell,
        }
        cleaned = {}
        for column in rules.keys() & record.keys():
            try:
                cleaned[column] = rules[column](record[column])
            except ValueError:
                cleaned[column] = None
            if not cleaned[column]:
                errors.add((line, column))
        footnotes += [line] if clean_name(record["donor"])[1] else []
        is_private = record["donor_type"] == "private"
        if all(cleaned.values()):
            donor = f"private donors in {cleaned['donor']}" if is_private else cleaned["donor"]
            found.append((cleaned["date"].isoformat(), donor, record["donor_type"], str(cleaned["amount"])))

    assert found == [(r["date"], r["donor"], r["donor_type"], r["amount"]) for r in case["rows"]]
    assert errors == {(error["line"], error["column"]) for error in case["errors"]}
    assert footnotes == [warning["line"] for warning in case["warnings"]]
