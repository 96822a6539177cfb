"""No single gift of a private donor can be told, or calculated from what is shown."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contributions.privacy import OTHER, WITHHELD, Cell, Event, Part, cells_of, last_of_month, shown_in
from tests.contributions.test_private_sums import reduced

DAY = dt.date(2021, 11, 24)


def part(donor, cents=100, *, country="JP", day=DAY, operation=1, earmarking="earmarked", year=2021):
    return Part(donor, Cell(day, country, year, operation, earmarking), cents)


def test_enough_gifts_are_shown_as_their_country():
    parts = [part(donor) for donor in "abc"]
    assert shown_in(parts, fewest=3, largest_share=80) == [parts[0].cell] * 3


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
            Cell(DAY, OTHER, 2021, WITHHELD, WITHHELD),
        ),
        ([part("a"), part("b", year=2022), part("c")], None),
        ([part("a"), part("b")], None),
        ([part("a"), part("a"), part("b")], None),  # two lines of one donor are of one
        ([part("a", 900), part("b"), part("c", -10)], None),  # one gift dominates
    ],
)
def test_too_few_go_into_a_coarser_cell_or_are_not_shown(parts, cell):
    assert shown_in(parts, fewest=3, largest_share=80) == [cell] * 3 if len(parts) == 3 else [cell] * 2


def test_where_nothing_is_to_be_hidden_each_is_shown_as_it_is():
    parts = [part("a"), part("b", country="")]
    assert shown_in(parts, fewest=1, largest_share=80) == [p.cell for p in parts]


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
    for given_part, cell in zip(parts, shown_in(parts, fewest=fewest, largest_share=80), strict=True):
        if cell:
            cells[cell][given_part.donor] += abs(given_part.cents)
    for gave in cells.values():
        assert len(gave) >= fewest
        assert max(gave.values()) * 100 <= 80 * sum(gave.values())


@given(PARTS)
def test_the_order_of_gifts_means_nothing(parts):
    there = shown_in(parts, fewest=3, largest_share=80)
    back = shown_in(parts[::-1], fewest=3, largest_share=80)
    assert there == back[::-1]


BOOKS = st.lists(
    st.lists(st.tuples(PARTS.map(lambda parts: parts[:8]), st.randoms()), max_size=2), max_size=4
)


def history(books):
    """Imports that bring lines, and take some of the earlier ones away."""
    known, found = [], []
    for number, parts in enumerate(books):
        events = []
        for parts_of_file, pick in parts:
            for line in [line for line in known if pick.random() < 0.3]:
                known.remove(line)
                new = None
                if pick.random() < 0.5:
                    new = Part(line.part.donor, line.part.cell, line.part.cents + pick.choice([0, 1, 500]))
                    known.append(Event(line.line, new))
                events.append(Event(line.line, new, line.part))
            for given_part in parts_of_file:
                known.append(Event((number, len(events)), given_part))
                events.append(known[-1])
        found.append((number, events))
    return found, known


@given(BOOKS)
def test_what_is_shown_and_what_waits_is_all_there_is(books):
    imports, known = history(books)
    cells, waiting = cells_of(imports, fewest=3, largest_share=80)
    shown = sum(cents for of_import in cells.values() for cents in of_import.values())
    assert shown + sum(part.cents for part in waiting) == sum(event.part.cents for event in known)


@given(BOOKS, st.integers(0, 4))
def test_a_later_import_never_changes_the_cells_of_those_before_it(books, count):
    imports, _known = history(books)
    all_of_them, _waiting = cells_of(imports, fewest=3, largest_share=80)
    first, _waiting = cells_of(imports[:count], fewest=3, largest_share=80)
    assert first == {number: cells for number, cells in all_of_them.items() if number < count}


def test_what_came_and_went_while_it_waited_is_never_shown():
    imports = [
        (1, [Event("line", part("a"))]),
        (2, [Event("line", None, part("a")), Event("b", part("b")), Event("c", part("c"))]),
    ]
    assert cells_of(imports, fewest=2, largest_share=80) == ({2: {part("b").cell: 200}}, [])


FIRST = (1, [Event(donor, part(donor)) for donor in "abc"])
MORE = (3, [Event(donor, part(donor, 70)) for donor in "def"])
TOO_FEW = (3, [Event(donor, part(donor, 70)) for donor in "de"])


@pytest.mark.parametrize(
    ("events", "change"),
    [
        ([Event("a", None, part("a"))], -100),
        ([Event("a", part("a", 130), part("a"))], 30),
        ([Event(donor, None, part(donor)) for donor in "abc"], -300),  # b and c would be a, less the first cell
        ([Event(donor, part(donor, 101), part(donor)) for donor in "abc"], 3),  # corrections are no company
        # All but one come back under another reference: what is less would be that one.
        ([Event(donor, None, part(donor)) for donor in "abc"] + [Event(f"{donor}2", part(donor)) for donor in "ab"], -100),
    ],
)  # fmt: skip
def test_what_changes_waits_for_first_gifts_of_several_others(events, change):
    cell = part("a").cell
    for more in ([], [TOO_FEW]):
        cells, waiting = cells_of([FIRST, (2, events), *more], fewest=3, largest_share=80)
        assert cells == {1: {cell: 300}}
        assert sum(part.cents for part in waiting) == change + 140 * len(more)
    cells, waiting = cells_of([FIRST, (2, events), MORE], fewest=3, largest_share=80)
    assert (cells, waiting) == ({1: {cell: 300}, 3: {cell: 210 + change}}, [])


def test_a_correction_that_changes_no_figure_is_none():
    cells, waiting = cells_of([FIRST, (2, [Event("a", part("a"), part("a"))])], fewest=3, largest_share=80)
    assert (cells, waiting) == ({1: {part("a").cell: 300}}, [])


def test_a_line_that_comes_back_is_no_company():
    """Or what the first cell has and the second has not would be the gift that stays away."""
    away = (2, [Event(donor, None, part(donor)) for donor in "abc"] + MORE[1])
    back = (4, [Event(donor, part(donor)) for donor in "ab"] + [Event("g", part("g"))])
    cells, waiting = cells_of([FIRST, away, back], fewest=3, largest_share=80)
    assert (list(cells), len(waiting)) == ([1, 2], 3)


BASE = 7  # a line's cents are a power of it, so that a sum tells how often each line is in it


def made_of(cents, count):
    row = []
    for _ in range(count):
        digit = (cents + BASE // 2) % BASE - BASE // 2
        row.append(digit)
        cents = (cents - digit) // BASE
    return row


def history_of_corrections(pick):
    """Imports whose lines are corrected, withdrawn, sent again as they were and under another reference."""
    amounts, numbers = (BASE**n for n in count()), count()
    known, imports = {}, []
    for number in range(pick.randint(1, 5)):
        events = []
        for line in [line for line in known if pick.random() < 0.35]:
            was = known.pop(line)
            what = pick.choice(["withdrawn", "corrected", "same", "back", "back"])
            if what in ("corrected", "same"):
                known[line] = replace(was, cents=next(amounts)) if what == "corrected" else was
                events.append(Event(line, known[line], was))
                continue
            events.append(Event(line, None, was))
            if what == "back":
                back = replace(was, cell=replace(was.cell, earmarking=pick.choice(["", "earmarked"])))
                known[new := next(numbers)] = back
                events.append(Event(new, back))
        for _ in range(pick.randint(0, 6)):
            given_part = part(
                pick.randint(0, 5), next(amounts), country=pick.choice(["JP", "FR"]),
                day=pick.choice([DAY, dt.date(2021, 11, 30)]), operation=pick.choice([None, 1]),
                earmarking=pick.choice(["", "earmarked"]),
            )  # fmt: skip
            known[new := next(numbers)] = given_part
            events.append(Event(new, given_part))
        pick.shuffle(events)
        imports.append((number, events))
    return imports


@pytest.mark.parametrize("seed", range(0, 200, 20))
def test_no_sum_of_multiples_of_cells_is_one_gift(seed):
    shown = 0
    for number in range(seed, seed + 20):
        imports = history_of_corrections(random.Random(number))
        cells, _waiting = cells_of(imports, fewest=3, largest_share=100)
        sums = [cents for of_import in cells.values() for cents in of_import.values()]
        rows = reduced({tuple(made_of(cents, 60)) for cents in sums})
        shown += len(rows)
        for line in range(60):
            alone = [int(line == other) for other in range(60)]
            assert not rows or len(reduced([*rows, alone])) > len(rows), f"line {line} of history {number}"
    assert shown > 10


def test_a_month_is_shown_by_its_last_day():
    assert [last_of_month(dt.date(2020, month, 3)).day for month in (1, 2, 4, 12)] == [31, 29, 30, 31]
