"""What a column proves about its own form; and what it does not prove, so that someone is asked."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.cells import Digits, clean_date, read_amount
from operations.evidence import AmountEvidence, DateEvidence

DAYS = st.dates(dt.date(1960, 1, 1), dt.date(2026, 1, 1))


def dates(*cells, size: int = 2):
    return told(DateEvidence(), cells, size)


def amounts(*cells, size: int = 2):
    return told(AmountEvidence(), cells, size)


def told(evidence, cells, size):
    """The verdict on cells that stand on line 2 and below, added part by part."""
    for start in range(0, len(cells), size):
        part = cells[start : start + size]
        evidence.add(part, range(start + 2, start + 2 + len(part)))
    return evidence.verdict()


@pytest.mark.parametrize(
    ("cells", "order", "proof"),
    [
        (["03/04/2021", "1/2/2021", "25/11/2021"], "dmy", "Line 4: 25/11/2021 can only be day first."),
        (["03.04.2021", "12-31-2021", "x"], "mdy", "Line 3: 12-31-2021 can only be month first."),
        (["2021-11-25", "25-NOV-2021", "25 août 2021", dt.date(2021, 1, 2), ""], "plain", ""),
        (["2021-11-25", "25/11/2021"], "dmy", "Line 3: 25/11/2021 can only be day first."),
        (["2006", "", "2028"], "year", "Line 2: 2006 is a year."),
        (["", "2020-01", "NOV-2021", "3/2021"], "month", "Line 3: 2020-01 is a month."),
        (["", "n/a", "no date", "32/13/2021", "25/11/21"], "plain", ""),
        ([], "plain", ""),
    ],
)
def test_a_column_proves_the_order_of_its_dates(cells, order, proof):
    verdict = dates(*cells)
    assert (verdict.order, verdict.proof, verdict.must_ask, verdict.contradiction) == (
        order,
        proof,
        False,
        "",
    )


def test_a_column_of_dates_that_can_be_read_twice_proves_nothing():
    verdict = dates("", "03/04/2021", "2021-04-03", "05/05/2021")
    assert (verdict.order, verdict.must_ask) == ("", True)
    assert verdict.proof == "Line 3: 03/04/2021 can be read as two days, and no other line tells which."


def test_a_column_with_both_orders_contradicts_itself():
    verdict = dates("1/2/2021", "25/11/2021", "11/25/2021")
    assert (verdict.order, verdict.must_ask) == ("", True)
    assert verdict.contradiction == ("Line 3 has the day first (25/11/2021), line 4 the month (11/25/2021).")


@pytest.mark.parametrize(
    ("cells", "proof"),
    [
        (["2021-11-25", "2006"], "Line 2 says 2021-11-25, line 3 only 2006."),
        (["2006", "2020-01"], "Line 3 says 2020-01, line 2 only 2006."),
    ],
)
def test_days_and_years_in_one_column_are_a_question(cells, proof):
    verdict = dates(*cells)
    assert (verdict.order, verdict.must_ask, verdict.proof) == ("", True, proof)


def test_days_of_a_workbook_beside_texts_that_it_could_not_read_may_be_swapped():
    verdict = dates(dt.date(2021, 5, 5), dt.date(2021, 3, 4), "25/04/2021", "13/04/2021")
    assert (verdict.order, verdict.must_ask, verdict.proof) == ("", True, "")
    assert verdict.contradiction.startswith(
        "Line 4 has a date as a text (25/04/2021), line 3 one as a day of the workbook (2021-03-04), and none of "
        "those is after the 12th"
    )
    assert dates("04/25/2021", dt.date(2021, 4, 3)).must_ask


@pytest.mark.parametrize("day", [dt.date(2021, 3, 13), dt.date(2021, 5, 5)])
def test_days_of_a_workbook_that_cannot_be_swapped_are_fine(day):
    assert dates("25/04/2021", day).order == "dmy"
    late = dates(dt.date(2021, 3, 4), "25/04/2021", dt.date(2021, 3, 31))
    assert (late.order, late.must_ask) == ("dmy", False)


@given(st.lists(DAYS, min_size=1), st.sampled_from(["dmy", "mdy"]), st.integers(1, 5))
def test_a_proven_order_reads_every_date_of_its_column_as_it_was_written(days, order, size):
    form = "%d/%m/%Y" if order == "dmy" else "%m/%d/%Y"
    cells = [day.strftime(form) for day in days]
    verdict = dates(*cells, size=size)
    if all(day.day <= 12 for day in days):
        assert verdict.must_ask
    else:
        assert verdict.order == order
        assert [clean_date(cell, order=order, today=dt.date(2026, 1, 1)) for cell in cells] == days


@pytest.mark.parametrize(
    ("cells", "decimal", "proof"),
    [
        (["1,234", "1,234.56"], ".", "Line 3: in 1,234.56 the decimal mark can only be a point."),
        (["$3,186,984"], ".", "Line 2: in $3,186,984 the decimal mark can only be a point."),
        (["5", "(0.125)"], ".", "Line 3: in (0.125) the decimal mark can only be a point."),
        (["1234.567"], ".", "Line 2: in 1234.567 the decimal mark can only be a point."),
        (["", "16.872,57"], ",", "Line 3: in 16.872,57 the decimal mark can only be a comma."),
        (["EUR 15000,00"], ",", "Line 2: in EUR 15000,00 the decimal mark can only be a comma."),
        (["91.743.119"], ",", "Line 2: in 91.743.119 the decimal mark can only be a comma."),
        (["1 234,5 €"], ",", "Line 2: in 1 234,5 € the decimal mark can only be a comma."),
        (["5", "-17", "1 234 567", ""], "plain", ""),
        (["2,496.7>><b>x", "1.5\n2,5", "1.2.3"], "plain", ""),
        ([Digits("1.234"), Digits("1234.5")], "plain", ""),
        ([], "plain", ""),
    ],
)
def test_a_column_proves_its_decimal_mark(cells, decimal, proof):
    verdict = amounts(*cells)
    assert (verdict.decimal, verdict.proof, verdict.must_ask) == (decimal, proof, False)


@pytest.mark.parametrize(
    "cells",
    [["5", "1.234"], ["5", "$53,397", "12"], ["5", "1.234", "1,234"], ["5", "52,9960"], ["5", "52.9960"]],
)
def test_a_column_of_thousands_or_decimals_proves_nothing(cells):
    verdict = amounts(*cells)
    assert (verdict.decimal, verdict.must_ask) == ("", True)
    assert verdict.proof == f"Line 3: {cells[1]} can be thousands or decimals, and no other line tells which."


def test_a_slip_among_thousands_is_no_proof_of_a_decimal_comma():
    """Read with a comma, 1,614 would be one dollar and 61.4 cents; money has no tenths of a cent."""
    verdict = amounts("1,614", "12,34", "2,000")
    assert (verdict.decimal, verdict.must_ask) == ("", True)
    assert verdict.contradiction == (
        "Line 3 has a decimal comma (12,34), but line 2 would be finer than a cent (1,614)."
    )
    assert amounts("1,614", "52,9960", "3,186,984").decimal == "."


def test_a_column_with_both_marks_contradicts_itself():
    verdict = amounts("1,5", "2.5", "1.234,5")
    assert (verdict.decimal, verdict.must_ask) == ("", True)
    assert verdict.contradiction == "Line 3 has a decimal point (2.5), line 2 a decimal comma (1,5)."


@given(
    st.lists(st.decimals(0, 10**9, places=2, allow_nan=False), min_size=1),
    st.sampled_from([(",", "."), (".", ","), ("", "."), ("", ","), (" ", ",")]),
    st.integers(1, 5),
)
def test_a_proven_mark_reads_every_amount_of_its_column_as_it_was_written(numbers, marks, size):
    group, mark = marks
    cells = [f"{n:,.2f}".replace(",", "_").replace(".", mark).replace("_", group) for n in numbers]
    verdict = amounts(*cells, size=size)
    assert verdict.decimal == mark
    assert [read_amount(cell, decimal=mark) for cell in cells] == numbers
