import re
from dataclasses import replace
from decimal import Decimal
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations import charts
from operations.charts import (
    Cell,
    Drawing,
    Item,
    Series,
    Table,
    Text,
    balanced,
    rows,
    stacked,
    text_width,
    ticks,
    unit_of,
    wrap,
    year_bars,
    year_rows,
)

D = Decimal
CSS = Path(__file__).resolve().parents[2] / "static/site/site.css"

PERU_YEARS = ["2016", "2017", "2018", "2019", "2020", "2021"]
PERU = [
    Series("Budget", "s-budget", [None, None, None, D("20496332.32"), D("48625534.17"), D("60913280.08")]),
    Series("Expenditure", "s-expenditure", [None, None, None, D("14173697.75"), D("20154483.57"), None]),
]
BEFORE = "before 2019: see Argentina Multi-Country Office"
GAPS = [BEFORE, BEFORE, BEFORE, None, None, None]


def budget(*values):
    return [Series("Budget", "s-budget", [None if v is None else D(v) for v in values])]


def said(drawing: Drawing, *css: str) -> list[str]:
    return [t.text for t in drawing.texts if t.css in css]


def overlapping(drawing: Drawing) -> list[tuple[str, str]]:
    def touch(a: Text, b: Text) -> bool:
        (l1, t1, r1, b1), (l2, t2, r2, b2) = a.box, b.box
        return l1 < r2 and l2 < r1 and t1 < b2 and t2 < b1

    return [(a.text, b.text) for a, b in combinations(drawing.texts, 2) if touch(a, b)]


def outside(drawing: Drawing) -> list[object]:
    """The bars and texts that leave the view box, with a hundredth of a pixel for rounding and one for text."""
    bars = [
        b
        for b in drawing.bars
        if b.x < -0.01
        or b.y < -0.01
        or b.x + b.width > drawing.width + 0.02
        or b.y + b.height > drawing.height + 0.02
    ]
    texts = [
        t
        for t in drawing.texts
        if t.box[0] < -1 or t.box[2] > drawing.width + 1 or t.box[1] < 0 or t.box[3] > drawing.height
    ]
    return [*bars, *texts]


# -- scale


@pytest.mark.parametrize(
    ("maximum", "marks"),
    [
        ("60.9", ["0", "20", "40", "60", "80"]),
        ("100", ["0", "25", "50", "75", "100"]),
        ("4", ["0", "1", "2", "3", "4"]),
        ("1", ["0", "0.25", "0.50", "0.75", "1.00"]),
        ("0.7", ["0", "0.2", "0.4", "0.6", "0.8"]),
        ("96640000", ["0", "25000000", "50000000", "75000000", "100000000"]),
        ("0", ["0", "1"]),
    ],
)
def test_ticks_are_round_numbers_from_zero_to_beyond_the_maximum(maximum, marks):
    assert ticks(D(maximum)) == [D(m) for m in marks]


def test_ticks_reach_below_a_negative_minimum_and_keep_zero():
    assert ticks(D("5.2"), minimum=D("-1.2")) == [D(-2), D(0), D(2), D(4), D(6)]
    assert ticks(D(0), minimum=D(-8)) == [D(-8), D(-6), D(-4), D(-2), D(0)]


@given(st.decimals(0, 10**14, places=2), st.decimals(-(10**14), 0, places=2))
def test_ticks_always_hold_the_extent_and_zero_and_are_few(maximum, minimum):
    marks = ticks(maximum, minimum=minimum)
    assert marks[0] <= minimum and marks[-1] >= maximum and 0 in marks
    assert 2 <= len(marks) <= 7
    assert len({b - a for a, b in pairwise(marks)}) == 1


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ([D(4332), None, D(537552)], (D(1000), "thousand")),
        ([D("60913280.08"), None], (D(10**6), "million")),
        ([D(-(10**9)), D(3)], (D(10**9), "billion")),
        ([D(950)], (D(1), "")),
        ([None], (D(1), "")),
        ([], (D(1), "")),
    ],
)
def test_one_unit_serves_a_whole_chart(values, unit):
    assert unit_of(values) == unit


# -- words


def test_a_wide_letter_takes_more_room_than_a_narrow_one():
    assert text_width("MMM", "note") > text_width("123", "note") > text_width("lil", "note")


def test_text_is_wrapped_between_words_and_a_long_word_stays_whole():
    assert wrap("one two three", 50, "note") == ["one two", "three"]
    assert wrap("antidisestablishmentarianism a", 20, "note") == ["antidisestablishmentarianism", "a"]
    assert wrap("", 50, "note") == []


def test_wrapped_lines_are_balanced():
    assert wrap(BEFORE, 300, "note") == ["before 2019: see Argentina Multi-Country", "Office"]
    assert balanced(BEFORE, 300, "note") == ["before 2019: see Argentina", "Multi-Country Office"]


def test_the_style_sheet_sets_the_font_sizes_the_geometry_counts_on():
    styles = dict(re.findall(r"^  \.chart \.(\w+) \{ font-size: (\d+)px", CSS.read_text(), re.MULTILINE))
    assert {k: int(v) for k, v in styles.items()} == charts.SIZES


# -- standing bars


def test_bars_stand_on_the_line_in_exact_proportion():
    drawing = year_bars(["2019", "2020"], budget(50, 100), width=420, height=250)
    assert [(b.y, b.height) for b in drawing.bars] == [(122, 100), (22, 200)]
    assert {b.y + b.height for b in drawing.bars} == {222}
    assert {b.width for b in drawing.bars} == {40}
    assert [t.text for t in drawing.texts] == ["0", "25", "50", "75", "100", "2020", "2019", "100", "50"]


def test_a_figure_stands_centred_over_its_bar():
    drawing = year_bars(["2020"], budget(100), width=420, height=250)
    (bar,), text = drawing.bars, drawing.texts[-1]
    assert (text.x, text.y, text.anchor) == (bar.x + 20, bar.y - 5, "middle")


def test_peru_shows_five_figures_in_millions_and_no_bar_for_what_is_missing():
    drawing = year_bars(PERU_YEARS, PERU, unit=D(10**6), gaps=GAPS, current="2020")
    assert [(b.css, b.title) for b in drawing.bars] == [
        ("s-budget", "Budget, 2019: 20.5"),
        ("s-expenditure", "Expenditure, 2019: 14.2"),
        ("s-budget", "Budget, 2020: 48.6"),
        ("s-expenditure", "Expenditure, 2020: 20.2"),
        ("s-budget", "Budget, 2021: 60.9"),
    ]
    assert said(drawing, "value") == ["60.9", "48.6", "20.5", "20.2", "14.2"]
    assert said(drawing, "axis now") == ["2020"]


def test_the_missing_years_are_named_in_the_chart_under_one_span():
    drawing = year_bars(PERU_YEARS, PERU, unit=D(10**6), gaps=GAPS)
    assert said(drawing, "note")[::-1] == ["before 2019: see Argentina", "Multi-Country Office"]
    (span,) = [n for n in drawing.lines if n.css == "gap"]
    assert span.x1 > 0 and span.x2 < min(b.x for b in drawing.bars)


def test_a_caption_too_long_for_its_years_stands_whole_under_the_chart():
    caption = "the operation was closed and its figures are with the Regional Bureau for Southern Africa"
    years = [str(y) for y in range(2012, 2022)]
    values = [1, None, *[1] * 8]
    drawing = year_bars(years, budget(*values), gaps=["", caption], height=260)
    assert said(drawing, "note") == ["–", f"2013: {caption}"]
    assert drawing.height == 276
    assert outside(drawing) == []


def test_missing_years_without_a_caption_have_a_dash():
    assert said(year_bars(["2019", "2020", "2021"], budget(1, None, None)), "note") == ["–", "–"]


def test_missing_years_with_different_reasons_are_different_spans():
    drawing = year_bars(
        ["2018", "2019", "2020", "2021"], budget(None, None, 1, None), gaps=["a", "a", "", "b"]
    )
    assert said(drawing, "note") == ["a", "b"]


def test_zero_is_a_hairline_labelled_0_and_missing_is_nothing():
    drawing = year_bars(["2019", "2020", "2021"], budget(0, None, 8), height=250)
    assert [(b.y, b.height, b.css) for b in drawing.bars] == [
        (221, 1, "s-budget none"),
        (22, 200, "s-budget"),
    ]
    assert said(drawing, "value") == ["8", "0"]


def test_an_amount_too_small_for_the_unit_is_not_called_zero():
    drawing = year_bars(["2019", "2020"], budget(20_000, 50_000_000), unit=D(10**6))
    assert said(drawing, "value") == ["50.0", "<0.1"]
    assert drawing.bars[0].height == 1


def test_a_negative_figure_hangs_under_the_line_with_its_label_below():
    drawing = year_bars(["2019", "2020"], budget(-5, 5), height=268)
    down, up = drawing.bars
    (zero,) = [n for n in drawing.lines if n.css == "zero"]
    assert (down.y, up.y + up.height) == (zero.y1, zero.y1)
    assert down.height == up.height == 100
    (label,) = [t for t in drawing.texts if t.css == "value" and t.text == "−5"]
    assert label.box[1] > down.y + down.height


def test_without_any_figure_there_is_a_baseline_and_the_reason():
    drawing = year_bars(
        ["2019", "2020"], budget(None, None), gaps=["not yet known", "not yet known"], unit=D(10**6)
    )
    assert drawing.bars == []
    assert [t.text for t in drawing.texts] == ["0", "2020", "2019", "not yet known"]


def test_a_chart_of_nothing_at_all_is_empty_and_not_an_error():
    assert year_bars([], []).bars == year_rows([], []).bars == rows([]).bars == stacked([], []).bars == []


def test_where_years_do_not_fit_the_last_one_is_named():
    years = [str(y) for y in range(1990, 2022)]
    names = said(year_bars(years, budget(*range(32)), width=340), "axis")
    assert "2021" in names and "2020" not in names


def test_figures_are_printed_by_the_readers_language():
    drawing = year_bars(
        ["2020"], budget("48625534.17"), unit=D(10**6), number=lambda v: f"{v:f}".replace(".", ",")
    )
    assert said(drawing, "value") == ["48,6"]


# -- lying bars


def test_on_a_narrow_screen_years_are_rows_and_missing_years_one_row():
    drawing = year_rows(PERU_YEARS, PERU, unit=D(10**6), gaps=GAPS, current="2020")
    assert said(drawing, "axis", "axis now") == ["2016–2018", "2019", "2020", "2021"]
    assert said(drawing, "note") == ["before 2019: see Argentina", "Multi-Country Office", "–"]
    assert said(drawing, "value") == ["20.5", "14.2", "48.6", "20.2", "60.9"]
    assert len({b.x for b in drawing.bars}) == 1
    assert overlapping(drawing) == outside(drawing) == []


def test_lying_bars_are_as_long_as_their_figures():
    first, second = year_rows(["2019", "2020"], budget(25, 100)).bars
    assert second.width == pytest.approx(first.width * 4, abs=0.03)


def test_people_by_type_keep_their_labels_figures_and_notes():
    drawing = rows(
        [
            Item("Refugees", D(4332)),
            Item("Asylum-seekers", D(537552), "s-2"),
            Item("Stateless persons", None, note="not yet known"),
            Item("Returnees", D(0)),
            Item("Others", D(1), note="an estimate"),
        ],
        width=340,
    )
    assert said(drawing, "label") == [
        "Refugees",
        "Asylum-seekers",
        "Stateless persons",
        "Returnees",
        "Others",
    ]
    assert said(drawing, "value") == ["4,332", "537,552", "0", "1"]
    assert said(drawing, "note") == ["– not yet known", "an estimate"]
    assert [b.css for b in drawing.bars] == ["s-main", "s-2", "s-main none", "s-main"]
    assert [b.width for b in drawing.bars][2:] == [1, 1]
    assert overlapping(drawing) == outside(drawing) == []


# -- piles


def test_segments_pile_up_without_a_break_and_are_parted_by_a_line():
    series = [Series("A", "s-1", [D(60)]), Series("B", "s-2", [None]), Series("C", "s-3", [D(40)])]
    drawing = stacked(["2020"], series, height=250, totals=[D(100)])
    assert [(b.css, b.y, b.height) for b in drawing.bars] == [("s-1", 102, 120), ("s-3", 22, 80)]
    assert [(n.y1, n.css) for n in drawing.cuts] == [(102, "cut")]
    assert said(drawing, "value") == ["100"]
    assert said(drawing, "inside on-s-1", "inside on-s-3") == ["60", "40"]


def test_a_thin_segment_has_no_figure_and_is_not_eaten_by_the_gap():
    series = [Series("A", "s-1", [D(99)]), Series("B", "s-2", [D(1)])]
    drawing = stacked(["2020"], series, height=250)
    assert drawing.bars[1].height == 2
    assert drawing.cuts == []
    assert said(drawing, "inside on-s-1", "inside on-s-2") == ["99"]


def test_a_total_is_printed_only_when_it_is_given():
    series = [Series("A", "s-1", [D(60), D(1)])]
    assert said(stacked(["2019", "2020"], series), "value", "small") == []
    assert said(stacked(["2019", "2020"], series, totals=[None, D(1)]), "value") == ["1"]


def test_negative_segments_pile_downwards():
    series = [Series("A", "s-1", [D(50)]), Series("B", "s-2", [D(-25)]), Series("C", "s-3", [D(-25)])]
    a, b, c = stacked(["2020"], series, height=268).bars
    assert (a.height, b.height, c.height) == (100, 50, 50)
    assert (b.y, c.y) == (a.y + 100, b.y + 50)


# -- right to left


def test_right_to_left_mirrors_bars_and_keeps_numbers_left_to_right():
    left, right = (year_bars(PERU_YEARS, PERU, unit=D(10**6), gaps=GAPS, rtl=rtl) for rtl in (False, True))
    assert [b.x for b in right.bars] == [pytest.approx(720 - b.x - b.width, abs=0.011) for b in left.bars]
    assert {t.direction for t in right.texts if t.css in {"axis", "value"}} == {"ltr"}
    assert {t.direction for t in right.texts if t.css == "note"} == {"rtl"}


def test_right_to_left_words_begin_at_the_right_edge():
    (text,) = [t for t in rows([Item("اللاجئون", D(4))], width=340, rtl=True).texts if t.css == "label"]
    assert (text.x, text.anchor, text.direction, text.box[2]) == (340, "start", "rtl", 340)


def test_right_to_left_figures_end_where_their_bars_end():
    drawing = rows([Item("اللاجئون", D(4))], width=340, rtl=True)
    (bar,), (value,) = drawing.bars, [t for t in drawing.texts if t.css == "value"]
    assert (value.anchor, value.direction, value.x) == ("end", "ltr", pytest.approx(bar.x - 6))


def test_a_drawing_mirrored_twice_is_where_it_was():
    drawing = stacked(["2019", "2020"], budget(3, 4), totals=[D(3), D(4)])
    twice = drawing.mirrored().mirrored()
    assert twice == replace(drawing, bars=list(drawing.bars), lines=list(drawing.lines))


# -- tables


def test_missing_cells_are_numbered_by_their_reasons():
    table = Table(
        "Budget",
        ["Year", "Budget", "Spent"],
        [
            [Cell("2018"), Cell("", True, "Not known"), Cell("", True, "Withheld")],
            [Cell("2019"), Cell("5", True), Cell("", True, "Not known")],
        ],
    )
    assert table.notes == ["Not known", "Withheld"]
    assert [[mark for _, mark in row] for row in table.body] == [[None, 1, 2], [None, None, 1]]
    assert table.head == [("Year", False), ("Budget", True), ("Spent", True)]


# -- whatever the figures

amounts = st.none() | st.decimals(-(10**9), 10**11, places=2) | st.sampled_from([D(0), D("0.01"), D(10**7)])


@st.composite
def figures(draw):
    count = draw(st.integers(1, 12))
    years = [str(2010 + i) for i in range(count)]
    one = st.lists(amounts, min_size=count, max_size=count)
    values = draw(st.lists(one, min_size=1, max_size=3))
    series = [Series(f"S{i}", f"s-{i + 1}", v) for i, v in enumerate(values)]
    gaps = draw(st.lists(st.sampled_from([None, "not yet known", BEFORE]), min_size=count, max_size=count))
    return years, series, gaps, unit_of(v for s in series for v in s.values)[0], draw(st.booleans())


@given(figures(), st.sampled_from([720, 340]))
def test_standing_bars_stay_inside_and_their_texts_apart(chart, width):
    years, series, gaps, unit, rtl = chart
    drawing = year_bars(years, series, width=width, gaps=gaps, unit=unit, rtl=rtl)
    assert outside(drawing) == []
    assert overlapping(drawing) == []
    assert len(drawing.bars) == sum(v is not None for s in series for v in s.values)


@given(figures())
def test_lying_bars_stay_inside_and_their_texts_apart(chart):
    years, series, gaps, unit, rtl = chart
    drawing = year_rows(years, series, gaps=gaps, unit=unit, rtl=rtl)
    assert outside(drawing) == []
    assert overlapping(drawing) == []
    known = sum(v is not None for s in series for v in s.values)
    assert len(drawing.bars) == len(said(drawing, "value")) == known


@given(figures(), st.sampled_from([720, 340]))
def test_piles_stay_inside_and_their_texts_apart(chart, width):
    years, series, gaps, unit, rtl = chart
    totals = [sum((s.values[i] or 0 for s in series), D(0)) for i in range(len(years))]
    unit = max(unit, unit_of(totals)[0])
    drawing = stacked(years, series, width=width, totals=totals, gaps=gaps, unit=unit, rtl=rtl)
    assert outside(drawing) == []
    assert overlapping(drawing) == []


@given(figures())
def test_heights_are_in_proportion_to_the_figures(chart):
    years, series, gaps, unit, _ = chart
    drawing = year_bars(years, series, gaps=gaps, unit=unit)
    known = [s.values[i] for i in range(len(years)) for s in series if s.values[i] is not None]
    pairs = [(float(abs(v)), b.height) for v, b in zip(known, drawing.bars, strict=True) if b.height > 1]
    if pairs:
        value, height = max(pairs)
        assert all(h == pytest.approx(v * height / value, abs=0.03) for v, h in pairs)


@given(
    st.lists(amounts.filter(lambda v: v is None or v >= 0), min_size=1, max_size=8),
    st.sampled_from([720, 340]),
)
def test_every_row_is_seen_however_large_the_largest(values, width):
    items = [Item(f"Type {i}", v, note="not yet known") for i, v in enumerate(values)]
    drawing = rows(items, width=width)
    assert outside(drawing) == []
    assert overlapping(drawing) == []
    assert all(b.width >= 1 for b in drawing.bars)
    assert len(drawing.bars) == sum(v is not None for v in values)
