from decimal import Decimal

import pytest

from operations.rounding import Change, change, compact, half_up, millions, percent

D = Decimal


@pytest.mark.parametrize(
    ("value", "places", "rounded"),
    [
        ("0.5", 0, "1"),
        ("1.5", 0, "2"),
        ("2.5", 0, "3"),
        ("2.4999", 0, "2"),
        ("-0.5", 0, "-1"),
        ("-0.4", 0, "0"),
        ("-2.5", 0, "-3"),
        ("0.005", 2, "0.01"),
        ("1.005", 2, "1.01"),
        ("-1.005", 2, "-1.01"),
        ("12345678901234.565", 2, "12345678901234.57"),
        ("12345678901234.56", 0, "12345678901235"),
        ("9" * 30 + ".5", 0, "1" + "0" * 30),
        ("1557276", 0, "1557276"),
        ("150", -2, "2E+2"),
    ],
)
def test_halves_go_away_from_zero(value, places, rounded):
    assert str(half_up(D(value), places)) == rounded


def test_there_is_no_negative_zero():
    assert str(half_up(D("-0.04"), 1)) == "0.0"


@pytest.mark.parametrize("value", [0.5, 1e6, "12", True, None])
def test_only_exact_numbers_are_rounded(value):
    with pytest.raises(TypeError):
        half_up(value)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_what_is_not_a_number_is_not_rounded(value):
    with pytest.raises(ValueError, match="not a figure"):
        half_up(D(value))


@pytest.mark.parametrize(
    ("part", "whole", "places", "share"),
    [
        (D("20154483.57"), D("48625534.17"), 0, "41"),
        (D("20154483.57"), D("48625534.17"), 1, "41.4"),
        (D(1), D(8), 0, "13"),
        (D(1), D(3), 2, "33.33"),
        (D(0), D(5), 0, "0"),
        (D(-1), D(8), 0, "-13"),
        (D("12345678901234.56"), D("12345678901234.56"), 0, "100"),
        (1, 200, 0, "1"),
    ],
)
def test_a_share_is_in_per_cent_of_the_whole(part, whole, places, share):
    assert str(percent(part, whole, places)) == share


@pytest.mark.parametrize(
    ("part", "whole"), [(None, D(1)), (D(1), None), (None, None), (D(1), D(0)), (D(0), D(0))]
)
def test_there_is_no_share_of_a_missing_or_zero_whole(part, whole):
    assert percent(part, whole) is None


def test_a_share_refuses_floats():
    with pytest.raises(TypeError):
        percent(D(1), 3.0)


@pytest.mark.parametrize(
    ("new", "old", "direction", "in_percent"),
    [
        (1557276, 867821, "increase", "79"),
        (D("48625534.17"), D("20496332.32"), "increase", "137"),
        (867821, 1557276, "decrease", "44"),
        (D(5), D(5), "no_change", "0"),
        (D(0), D(0), "no_change", "0"),
        (D(0), D(5), "decrease", "100"),
        (D("100.5"), D(100), "increase", "1"),
        (D("100.49"), D(100), "increase", "0.5"),
        (D("99.96"), D(100), "decrease", "0.04"),
        (D(1000001), D(1000000), "increase", "0.0001"),
        (D("100.0096"), D(100), "increase", "0.01"),
        (D(-5), D(-10), "increase", "50"),
        (D(-15), D(-10), "decrease", "50"),
        (D("12345678901234.56"), D("6172839450617.28"), "increase", "100"),
    ],
)
def test_a_change_is_in_per_cent_of_the_old_figure(new, old, direction, in_percent):
    assert change(new, old) == Change(direction, D(in_percent))


def test_a_change_never_prints_as_none_while_there_is_one():
    assert str(change(D(10001), D(10000)).percent) == "0.01"


def test_a_change_from_zero_has_a_direction_and_no_percentage():
    assert change(D(5), D(0)) == Change("increase", None)
    assert change(D(-5), D(0)) == Change("decrease", None)


@pytest.mark.parametrize(("new", "old"), [(None, D(1)), (D(1), None), (None, None)])
def test_there_is_no_change_from_or_to_a_missing_figure(new, old):
    assert change(new, old) is None


@pytest.mark.parametrize(
    ("value", "shown"),
    [("48625534.17", "48.6"), ("20154483.57", "20.2"), ("49999", "0.0"), ("50000", "0.1"), ("-250000", "-0.3"),
     ("-49999", "0.0"), ("12345678901234.56", "12345678.9")],
)  # fmt: skip
def test_millions_have_one_decimal(value, shown):
    assert str(millions(D(value))) == shown


@pytest.mark.parametrize(
    ("value", "shown", "unit"),
    [
        ("48625534.17", "48.6", "million"),
        ("1234567890", "1.2", "billion"),
        ("12345678901234.56", "12345.7", "billion"),
        ("15600", "15.6", "thousand"),
        ("950000", "950.0", "thousand"),
        ("999949", "999.9", "thousand"),
        ("999950", "1.0", "million"),
        ("999949999", "999.9", "million"),
        ("999950000", "1.0", "billion"),
        ("950", "950", ""),
        ("0", "0", ""),
        ("0.44", "0.4", ""),
        ("999.95", "1.0", "thousand"),
        ("-48625534.17", "-48.6", "million"),
    ],
)
def test_a_compact_figure_never_reaches_a_thousand_of_its_unit(value, shown, unit):
    figure, name = compact(D(value))
    assert (str(figure), name) == (shown, unit)
