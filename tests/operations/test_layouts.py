"""Rows in groups and in a block of text become plain rows; none is lost, and nothing else is filled in."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.layouts import (
    SIGNS_OF_TOTALS,
    TOTALS,
    Places,
    detect_block,
    grouped,
    is_total,
    looks_grouped,
    read_block,
)

HEADERS = ["date", "donor", "donor_type", "operation", "amount", "reference"]
PLACES = Places.of(HEADERS, {name: name for name in HEADERS})


def rows(*cells: str) -> list[tuple[int, list[str]]]:
    """Rows of cells that are separated by bars, from line 2."""
    return [(line, [part.strip() for part in text.split("|")]) for line, text in enumerate(cells, 2)]


# --- Groups ---------------------------------------------------------------------------------------


def test_an_empty_date_or_operation_repeats_the_one_above_and_nothing_else_does():
    given_rows = rows(
        "24-NOV-2021 | Norway  | government | Chad | 5 | R-1",
        "            | Germany |            |      | 6 |    ",
        "25-NOV-2021 |         |            | Mali |   |    ",
        "            | Spain   |            |      | 7 | R-4",
    )
    assert list(grouped(given_rows, PLACES)) == rows(
        "24-NOV-2021 | Norway  | government | Chad | 5 | R-1",
        "24-NOV-2021 | Germany |            | Chad | 6 |    ",
        "25-NOV-2021 |         |            | Mali |   |    ",
        "25-NOV-2021 | Spain   |            | Mali | 7 | R-4",
    )
    assert given_rows[1][1][0] == ""  # the rows that came in are as they were


def test_a_day_of_a_workbook_is_carried_down_too():
    day = dt.date(2021, 11, 24)
    places = Places(donor=1, date=0, amounts=(2,))
    assert list(grouped([(2, [day, "Norway", "5"]), (3, ["", "Spain", "6"])], places)) == [
        (2, [day, "Norway", "5"]),
        (3, [day, "Spain", "6"]),
    ]


def test_private_donors_complete_the_line_above_that_has_no_amount():
    assert list(
        grouped(
            rows(
                "24-NOV-2021 | Japan  |         | Chad |   |    ",
                "            | private donors |   |      | 5 | R-2",
                "            | Italy  |         |      |   |    ",
                "            | Private donors in Italy ||  | 6 |    ",
                "            | private donors |   |      | 7 |    ",
            ),
            PLACES,
        )
    ) == [
        (2, ["24-NOV-2021", "Japan", "private", "Chad", "5", "R-2"]),
        (4, ["24-NOV-2021", "Italy", "private", "Chad", "6", ""]),
        (6, ["24-NOV-2021", "private donors", "", "Chad", "7", ""]),
    ]


def test_without_a_column_for_the_type_the_donor_says_it():
    headers = ["donor", "amount"]
    places = Places.of(headers, {"donor": "donor", "amount": "amount_usd"})
    assert list(grouped([(2, ["Japan", ""]), (3, ["private donors", "5"])], places)) == [
        (2, ["private donors in Japan", "5"])
    ]


@pytest.mark.parametrize(
    "second",
    [
        "            | private donors in Spain | | | 5 |",
        "            | Spain                   | | | 5 |",
        "25-NOV-2021 | private donors          | | | 5 |",
        "            | Total                   | | | 5 |",
    ],
)
def test_a_line_that_does_not_complete_the_one_above_leaves_it_without_amount(second):
    first, other = grouped(rows("24-NOV-2021 | Japan | | Chad | | R-1", second), PLACES)
    assert first == (2, ["24-NOV-2021", "Japan", "", "Chad", "", "R-1"])
    assert (other[0], other[1][1], other[1][4]) == (3, second.split("|")[1].strip(), "5")


def test_a_total_is_not_given_the_date_above():
    _gift, total = grouped(rows("24-NOV-2021 | Japan | | Chad | 5 |", " | Total | | | 5 |"), PLACES)
    assert total == (3, ["", "Total", "", "", "5", ""])


def test_a_donor_at_the_end_without_amount_stays():
    assert list(grouped(rows("24-NOV-2021 | Japan | | Chad | |"), PLACES)) == rows(
        "24-NOV-2021 | Japan | | Chad | |"
    )


@given(st.lists(st.tuples(st.sampled_from(["", "2021-11-24"]), st.sampled_from(["", "A", "Total"]),
                          st.sampled_from(["", "5"]))))  # fmt: skip
def test_no_row_is_lost_where_there_are_no_private_donors(cells):
    given_rows = [(line, list(row)) for line, row in enumerate(cells, 2)]
    out = list(grouped(given_rows, Places(donor=1, date=0, amounts=(2,))))
    assert [(line, row[1:]) for line, row in out] == [(line, row[1:]) for line, row in given_rows]


def test_groups_are_recognised():
    assert looks_grouped(rows("24-NOV-2021 | A | | | 5 |", "| B | | | 6 |", "| C | | | 7 |"), PLACES)
    assert looks_grouped(rows("24-NOV-2021 | A | | | |", "| private donors | | | 6 |"), PLACES)
    plain = ["24-NOV-2021 | A | | | 5 |"] * 9
    assert not looks_grouped(rows(*plain), PLACES)
    assert not looks_grouped(rows(*plain, "| B | | | 6 |"), PLACES)


# --- Totals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "label",
    ["Total", "TOTAL:", "Grand total", "Sub-total", "Subtotal (USD)", "Total 2021", "Total général", "Totaux",
     "Sous-total", "Somme", "Total general", "Suma total", "المجموع", "الإجمالي", "  total  "],
)  # fmt: skip
def test_a_total_is_recognised_in_four_languages(label):
    assert is_total(["", label, "5"])


@pytest.mark.parametrize(
    "name",
    ["TotalEnergies", "Total SE", "Fondation Total", "Totally", "Sumitomo", "Dakota", "5", "", None, 7],
)
def test_a_name_with_a_total_in_it_is_none(name):
    assert not is_total(["Norway", name])


@pytest.mark.parametrize("word", sorted(TOTALS))
def test_every_word_for_a_total_is_seen_by_its_signs(word):
    """The reader looks for the signs in whole blocks of a file, and only then at cells."""
    for written in (word, word.capitalize(), word.upper()):
        assert is_total([written])
        assert any(sign in written for sign in SIGNS_OF_TOTALS)


# --- The block ------------------------------------------------------------------------------------

BLOCK = """Chad

Some text, and a list:
  • of one thing
  • and of another

Latest contributions
  • 05-MAR-2020
    Norway
    $1,500
  • Italy

    private donors

    $20.50
  • 01-MAR-2020
    Republic
    of Korea*
    US$ 7
  • Private donors in Spain
    $ 3

View all
"""


def read(text: str):
    return read_block(enumerate(text.splitlines(), 1))


def test_the_block_of_a_page_becomes_rows():
    found, before, after = read(BLOCK)
    assert found == [
        (9, ["05-MAR-2020", "Norway", "", "$1,500"]),
        (11, ["05-MAR-2020", "Italy", "private", "$20.50"]),
        (17, ["01-MAR-2020", "Republic of Korea*", "", "US$ 7"]),
        (20, ["01-MAR-2020", "Spain", "private", "$ 3"]),
    ]
    assert [line for line, _text in before] == [1, 3, 4, 5, 7]
    assert after == [(23, "View all")]


def test_what_is_no_contribution_within_the_block_comes_out_without_an_amount():
    found, _before, _after = read("• 1 May 2020\nNorway\n$5\nstray text\n• Italy\n• Spain\n$6")
    assert found == [
        (2, ["1 May 2020", "Norway", "", "$5"]),
        (4, ["", "stray text", "", ""]),
        (5, ["1 May 2020", "Italy", "", ""]),
        (6, ["1 May 2020", "Spain", "", "$6"]),
    ]


def test_a_gift_before_the_first_date_has_none():
    assert read("• Norway\n$5\n• 2020-05-01\nSpain\n$6")[0] == [
        (1, ["", "Norway", "", "$5"]),
        (4, ["2020-05-01", "Spain", "", "$6"]),
    ]


@pytest.mark.parametrize(
    ("text", "is_block"),
    [
        (BLOCK, True),
        ("• Norway\n$5\n• Spain\n$6", True),
        ("• Norway\n$5", False),
        ("• Norway\n• Spain", False),
        ("date,donor,amount\n2020-01-01,• Norway,$5\n", False),
        ("", False),
    ],
)
def test_a_block_is_recognised(text, is_block):
    assert detect_block(text) is is_block


@given(st.text(alphabet="•$5 \nabc,-2020"))
def test_no_text_of_a_block_is_lost(text):
    found, before, after = read(text)
    kept = "".join("".join(cells[1:]) for _line, cells in found)
    kept += "".join(line for _line, line in [*before, *after])
    assert all(kept.count(letter) >= text.count(letter) for letter in "abc")
