"""No single gift of a private donor can be told, or calculated from what is shown."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contributions.privacy import OTHER, WITHHELD, Cell, Part, last_of_month, shown_in

DAY = dt.date(2021, 11, 24)


def part(gift, cents=100, *, country="JP", day=DAY, operation=1, earmarking="earmarked", year=2021):
    return Part(gift, Cell(day, country, year, operation, earmarking), cents)


def test_enough_gifts_are_shown_as_their_country():
    parts = [part(gift) for gift in "abc"]
    assert shown_in(parts, fewest=3, largest_share=0.8) == [parts[0].cell] * 3


@pytest.mark.parametrize(
    ("parts", "cell"),
    [
        (
            [part("a"), part("b", country="FR"), part("c", country="FR")],
            Cell(DAY, OTHER, 2021, 1, "earmarked"),
        ),
        ([part("a"), part("b", earmarking=""), part("c")], Cell(DAY, OTHER, 2021, 1, WITHHELD)),
        ([part("a"), part("b", operation=None), part("c")], Cell(DAY, OTHER, 2021, WITHHELD, WITHHELD)),
        (
            [part("a"), part("b", day=dt.date(2021, 3, 1)), part("c")],
            Cell(dt.date(2021, 12, 31), OTHER, 2021, WITHHELD, WITHHELD),
        ),
        ([part("a"), part("b", year=2022), part("c")], None),
        ([part("a"), part("b")], None),
        ([part("a"), part("a"), part("b")], None),  # two lines of one gift are one gift
        ([part("a", 900), part("b"), part("c", -10)], None),  # one gift dominates
    ],
)
def test_too_few_go_into_a_coarser_cell_or_are_not_shown(parts, cell):
    assert shown_in(parts, fewest=3, largest_share=0.8) == [cell] * 3 if len(parts) == 3 else [cell] * 2


def test_where_nothing_is_to_be_hidden_each_is_shown_as_it_is():
    parts = [part("a"), part("b", country="")]
    assert shown_in(parts, fewest=1, largest_share=0.8) == [p.cell for p in parts]


PARTS = st.lists(
    st.builds(
        part,
        st.integers(0, 9),
        st.integers(-50, 500).filter(bool),
        country=st.sampled_from(["JP", "FR", ""]),
        day=st.sampled_from([DAY, dt.date(2021, 11, 30)]),
        operation=st.sampled_from([1, 2, None]),
        earmarking=st.sampled_from(["", "earmarked"]),
        year=st.sampled_from([2021, 2022]),
    ),
    max_size=40,
)


@given(PARTS, st.integers(2, 4))
def test_every_cell_holds_several_gifts_of_which_none_dominates(parts, fewest):
    cells = defaultdict(lambda: defaultdict(int))
    for given_part, cell in zip(parts, shown_in(parts, fewest=fewest, largest_share=0.8), strict=True):
        if cell:
            cells[cell][given_part.gift] += abs(given_part.cents)
    for gifts in cells.values():
        assert len(gifts) >= fewest
        assert max(gifts.values()) <= 0.8 * sum(gifts.values())


@given(PARTS)
def test_the_order_of_gifts_means_nothing(parts):
    there = shown_in(parts, fewest=3, largest_share=0.8)
    back = shown_in(parts[::-1], fewest=3, largest_share=0.8)
    assert there == back[::-1]


def test_a_month_is_shown_by_its_last_day():
    assert [last_of_month(dt.date(2020, month, 3)).day for month in (1, 2, 4, 12)] == [31, 29, 30, 31]
