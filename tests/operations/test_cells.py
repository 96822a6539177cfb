"""What a cell may say, and what it then means: the same in every interface language."""

import datetime as dt
import re
import time
from contextlib import suppress
from decimal import Decimal

import pytest
from django.utils import translation
from hypothesis import assume, given
from hypothesis import strategies as st

from contributions.models import Contribution
from operations import cells
from operations.models import MissingReason, Office

LANGUAGES = ["en", "fr", "es", "ar"]
TODAY = dt.date(2026, 11, 23)

whole_numbers = st.integers(0, 10**12 - 1)
amounts = st.decimals(0, 999_999_999_999, places=2, allow_nan=False, allow_infinity=False)
days = st.dates(cells.EARLIEST_DATE, TODAY + dt.timedelta(days=366))
languages = st.sampled_from(LANGUAGES)
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


# --- Text -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        (None, ""),
        ("  Lima ", "Lima"),
        ("\u00a0Holy\u202fSee\u00a0", "Holy See"),
        ("Nor\u200bway\ufeff", "Norway"),
        ("Norway\u2028", "Norway"),
        ("two\nlines\tand  spaces", "two lines and spaces"),
        ("Co\u0302te d’Ivoire", "Côte d’Ivoire"),
        (2020, "2020"),
        ("‏العربية", "‏العربية"),
    ],
)
def test_text_is_trimmed_collapsed_and_composed(typed, text):
    assert cells.clean_text(typed) == text


@pytest.mark.parametrize("control", ["\u0007", "\u001b[31m", "\u202e", "\u2066", "\u0000"])
def test_a_control_character_is_refused_by_its_code(control):
    with pytest.raises(ValueError, match=f"U\\+{ord(control[0]):04X}"):
        cells.clean_text(f"Nor{control}way")


@pytest.mark.parametrize("error", ["#REF!", "#N/A", "#DIV/0!", "#VALUE!", "#NAME?", "########"])
@pytest.mark.parametrize("clean", [cells.clean_text, cells.clean_amount, cells.clean_date, cells.clean_name])
def test_an_error_of_a_spreadsheet_is_no_value(error, clean):
    with pytest.raises(ValueError, match=f"“{re.escape(error)}” is an error that a spreadsheet shows"):
        clean(error)


def test_a_hash_in_a_text_is_no_error():
    assert cells.clean_text("Project #12") == "Project #12"


def test_a_text_that_is_too_long_says_how_long_it_is():
    with pytest.raises(ValueError, match="61 characters; at most 60"):
        cells.clean_text("x" * 61, longest=60)


@pytest.mark.parametrize(
    ("typed", "name", "mark"),
    [
        ("Serbia*", "Serbia", "*"),
        ("Serbia *", "Serbia", "*"),
        ("Türkiye**", "Türkiye", "**"),
        ("Serbia", "Serbia", ""),
        ("Bolivia\n(Plurinational\nState of)", "Bolivia (Plurinational State of)", ""),
    ],
)
def test_a_footnote_mark_is_no_part_of_a_name(typed, name, mark):
    assert cells.clean_name(typed) == (name, mark)


@pytest.mark.parametrize(
    ("broken", "meant"),
    [("CÃ´te dâ€™Ivoire", "Côte d’Ivoire"), ("SociÃ©tÃ© GÃ©nÃ©rale", "Société Générale")],
)
def test_a_name_in_the_wrong_encoding_is_refused_with_the_right_one(broken, meant):
    with pytest.raises(ValueError, match=f"Did you mean “{meant}”"):
        cells.clean_name(broken)


@pytest.mark.parametrize(
    "name", ["Côte d’Ivoire", "Türkiye Diyanet Vakfı", "難民を助ける会", "Ñuñoa", "Āé", "São Tomé"]
)
def test_a_foreign_name_is_not_taken_for_a_broken_one(name):
    assert cells.clean_name(name) == (name, "")


def test_names_are_compared_without_case_mark_and_curly_apostrophes():
    assert cells.fold_name("Côte d’Ivoire *") == cells.fold_name("CÔTE  D'IVOIRE")
    assert cells.fold_name("Cote d'Ivoire") != cells.fold_name("Côte d'Ivoire")


@given(st.text())
def test_comparing_names_never_fails(name):
    assert cells.fold_name(cells.fold_name(name)) == cells.fold_name(name)


# --- Numbers --------------------------------------------------------------------------------------


@given(st.one_of(whole_numbers, amounts), st.sampled_from([",", " ", ""]), languages)
def test_a_number_printed_with_right_grouping_reads_back(number, mark, language):
    with translation.override(language):
        printed = f"{number:,}".replace(",", mark)
        assert cells.number(printed) == Decimal(number)
        assert cells.clean_amount(printed) == Decimal(number)
        assert cells.clean_amount(f"-${printed}") == -Decimal(number)
        assert cells.clean_amount(f"(US$ {printed})") == -Decimal(number)
        assert cells.clean_amount(f"{printed} USD") == Decimal(number)


@given(
    st.integers(0, 10**12).map(str),
    st.sets(st.integers(0, 13), min_size=1),
    st.sampled_from([",", " "]),
    languages,
)
def test_a_number_with_wrong_grouping_is_refused(digits, places, mark, language):
    printed = "".join((mark if place in places else "") + digit for place, digit in enumerate(digits))
    assume(printed != digits and printed.strip() != digits)
    assume(not re.fullmatch(rf"\d{{1,3}}({mark}\d{{3}})+", printed.strip()))
    with translation.override(language), pytest.raises(ValueError, match=r"[.?؟]$"):
        cells.clean_amount(printed)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("52,9960", "529,960 or 52,996"),
        ("1,23,456", "123,456"),
        ("12,34", "1,234 or 12.34"),
        ("1,234,56", "123,456 or 1,234.56"),
        (",234", "234"),
        ("1,,234", "1,234"),
    ],
)
def test_a_wrongly_grouped_number_is_refused_with_what_might_be_meant(typed, meant):
    with pytest.raises(ValueError, match=f"“{typed}”.*Did you mean {re.escape(meant)}"):
        cells.clean_amount(typed)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("1.234.567,89", "decimal comma"),
        ("91.743.119", "dots between thousands"),
        ("1234,5", "Did you mean"),
        ("1E5", "scientific notation"),
        ("1.6e+06", "scientific notation"),
        ("1'234'567", "is not a number"),
        ("1.2.3", "is not a number"),
        ("5 6", "is not a number"),
        ("$$5", "is not a number"),
        ("$", "is not a number"),
        ("()", "is not a number"),
        ("--5", "is not a number"),
        ("(-5)", "is not a number"),
        ("79%", "is not a number"),
        ("20.5 million", "is not a number"),
        ("NaN", "is not a number"),
        ("Infinity", "is not a number"),
        ("١٢٣", "digits 0 to 9"),
        ("１２３", "digits 0 to 9"),
        ("²", "is not a number"),
        ("9" * 41, "too long to be a number"),
        ("9" * 10_000, "too long to be a number"),
        ("1,000,000,000,000", "larger than any amount"),
        ("12345678901234.56", "larger than any amount"),
        ("€500", "names EUR, but .* in USD"),
        ("5 EUR", "names EUR, but .* in USD"),
        (True, "is not an amount"),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_no_amount_is_refused_in_a_sentence(typed, sentence, language):
    with (
        translation.override(language),
        pytest.raises(ValueError, match=sentence if language == "en" else ".") as error,
    ):
        cells.clean_amount(typed)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("typed", ["", None, "  ", "-", "–", "n/a", "NULL"])
@pytest.mark.parametrize("clean", [cells.clean_amount, cells.clean_count, cells.clean_year, cells.clean_date])
def test_nothing_is_none_and_not_zero(typed, clean):
    assert clean(typed) is None


@pytest.mark.parametrize(
    ("typed", "currency", "amount"),
    [
        ("$91,743,119", "USD", "91743119.00"),
        ("$1\u00a0614\u00a0205", "USD", "1614205"),
        ("1\u202f614\u202f205.50", "USD", "1614205.50"),
        ("−5", "USD", "-5"),
        ("(1,000.50)", "USD", "-1000.50"),
        ("0", "USD", "0"),
        ("-0.00", "USD", "0"),
        ("10.500", "USD", "10.50"),
        ("007", "USD", "7"),
        ("EUR 80,000,000", "EUR", "80000000"),
        ("€5", "EUR", "5"),
        ("5 NOK", "NOK", "5"),
        ("999,999,999,999.99", "USD", "999999999999.99"),
    ],
)
def test_the_forms_of_an_amount(typed, currency, amount):
    assert cells.clean_amount(typed, currency=currency) == Decimal(amount)


@given(st.one_of(whole_numbers, amounts), st.sampled_from([".", " ", "\u202f", ""]), languages)
def test_a_number_with_a_decimal_comma_reads_back_where_the_column_has_one(number, mark, language):
    with translation.override(language):
        printed = f"{number:,}".replace(",", "_").replace(".", ",").replace("_", mark)
        assert cells.clean_amount(printed, decimal=",") == Decimal(number)
        assert cells.clean_amount(f"-€{printed}", decimal=",", currency="EUR") == -Decimal(number)
        assert cells.clean_amount(f"({printed} EUR)", decimal=",", currency="EUR") == -Decimal(number)


@pytest.mark.parametrize(
    ("typed", "amount"),
    [("1.234.567,89", "1234567.89"), ("1.234", "1234"), ("91.743.119", "91743119"), ("1234,5", "1234.50"),
     ("7", "7"), (",96", "0.96"), ("-0,5", "-0.50")],
)  # fmt: skip
def test_the_forms_of_an_amount_with_a_decimal_comma(typed, amount):
    assert cells.clean_amount(typed, decimal=",") == Decimal(amount)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("1,234,567.89", "does not fit a column with decimal commas"),
        ("1234.5", "does not fit a column with decimal commas"),
        ("12.34", "does not fit a column with decimal commas"),
        ("1.234,567,8", "does not fit a column with decimal commas"),
        ("1,234", "finer than a cent"),
        ("1,6e+06", "scientific notation"),
        ("1'234", "is not a number"),
        (",", "is not a number"),
        ("١٢٣", "digits 0 to 9"),
    ],
)
def test_what_does_not_fit_a_column_with_decimal_commas_is_refused(typed, sentence):
    with pytest.raises(ValueError, match=sentence):
        cells.clean_amount(typed, decimal=",")


def test_a_number_of_a_workbook_has_a_point_whatever_its_column_has():
    assert cells.clean_amount(cells.Digits("1234.5"), decimal=",") == Decimal("1234.5")
    assert cells.read_amount(cells.Digits("€ 1.234"), decimal=",", currency="EUR") == Decimal("1.234")


def test_cents_alone_are_an_amount():
    assert (cells.clean_amount(".96"), cells.clean_amount("-$.5")) == (Decimal("0.96"), Decimal("-0.50"))
    with pytest.raises(ValueError, match=r"“\.123” is not a number"):
        cells.clean_amount(".123")


def test_an_amount_finer_than_a_cent_is_refused_unless_rounding_is_asked_for():
    with pytest.raises(ValueError, match=r"“0\.005” is finer than a cent"):
        cells.clean_amount("0.005")
    assert cells.clean_amount("0.005", round_to_cents=True) == Decimal("0.01")
    assert cells.clean_amount("-0.005", round_to_cents=True) == Decimal("-0.01")
    assert cells.clean_amount("0.0049", round_to_cents=True) == 0


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("-5", "negative"),
        ("1.5", "whole number"),
        ("10,000,000,001", "live on Earth"),
        ("52,9960", "Did you mean"),
        (True, "number of people"),
    ],
)
def test_people_are_counted_in_whole_numbers_from_zero(typed, sentence):
    with pytest.raises(ValueError, match=sentence):
        cells.clean_count(typed)
    assert (cells.clean_count("0"), cells.clean_count("1,557,276"), cells.clean_count("5.0")) == (
        0,
        1557276,
        5,
    )


@pytest.mark.parametrize("typed", ["21", "20211", "1899", "2200", "twenty", "٢٠٢١"])
def test_a_year_has_four_digits_of_three_centuries(typed):
    with pytest.raises(ValueError, match="is not a year"):
        cells.clean_year(typed)
    assert (cells.clean_year("2021"), cells.clean_year(2021), cells.clean_year("2021.0")) == (
        2021,
        2021,
        2021,
    )


@pytest.mark.parametrize("typed", ["12,5", "N 12.5", "90.0000001", "-91", "1e1", "12°"])
def test_a_position_outside_the_earth_or_in_another_form_is_refused(typed):
    with pytest.raises(ValueError, match="degrees"):
        cells.clean_coordinate(typed, limit=90) if typed != "90.0000001" else cells.clean_coordinate(
            "91", limit=90
        )


def test_positions_keep_six_decimals():
    assert cells.clean_coordinate("-12.04640049", limit=90) == Decimal("-12.046400")
    assert cells.clean_coordinate("−77.0428", limit=180) == Decimal("-77.042800")
    assert cells.clean_coordinate("", limit=90) is None


# --- Dates ----------------------------------------------------------------------------------------


@given(days, languages, st.sampled_from([str, str.lower, str.upper]))
def test_every_day_reads_the_same_in_every_form_and_language(day, language, case):
    month = MONTHS[day.month - 1]
    forms = [
        day.isoformat(),
        f"{day.day:02}-{month[:3].upper()}-{day.year}",
        f"{day.day}-{month[:3]}-{day.year}",
        f"{day.day} {month[:3]} {day.year}",
        case(f"{day.day} {month} {day.year}"),
        f"\u00a0{day.day}\u00a0{month}\u00a0{day.year}\u200b",
        day,
        dt.datetime.combine(day, dt.time()),
    ]
    with translation.override(language):
        assert [cells.clean_date(form, today=TODAY) for form in forms] == [day] * len(forms)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("03/04/2021", "two different days"),
        ("3.4.2021", "two different days"),
        ("03-04-2021", "two different days"),
        ("25-NOV-21", "year of two digits"),
        ("25/11/21", "year of two digits"),
        ("2021-11-25T23:30:00-05:00", "time as well as a day"),
        ("2021-11-25 00:00:00", "time as well as a day"),
        ("25-NOV-2021 23:59", "time as well as a day"),
        ("2006", "not a date that we can read"),
        ("2020-01", "not a date that we can read"),
        ("25 jui 2021", "names no month that we know"),
        ("3/4.2021", "two different days"),
        (dt.datetime(2021, 11, 25, 23, 30), "time as well as a day"),
        ("25 brumaire 2021", "names no month that we know"),
        ("29-FEB-2021", "does not exist"),
        ("2021-13-01", "does not exist"),
        ("44525", "not a date that we can read"),
        ("٢٠٢١-١١-٢٥", "not a date that we can read"),
        ("1950-12-31", "before 1951-01-01"),
        ("0001-01-01", "before 1951-01-01"),
        ("2027-11-25", "more than a year in the future"),
        ("9999-12-31", "more than a year in the future"),
    ],
)
def test_a_doubtful_day_is_refused_in_every_language(typed, sentence, language):
    with (
        translation.override(language),
        pytest.raises(ValueError, match=sentence if language == "en" else r"[.؟]$"),
    ):
        cells.clean_date(typed, today=TODAY)


@pytest.mark.parametrize("language", LANGUAGES)
def test_months_are_known_by_their_names_in_four_languages(language):
    names = {
        1: "janvier janv. enero ENE يناير|كانون الثاني",
        2: "février fevrier fév. febrero فبراير شباط",
        3: "mars marzo مارس آذار",
        4: "avril avr. abril ABR أبريل ابريل نيسان",
        5: "mai mayo مايو أيار",
        6: "juin junio يونيو حزيران",
        7: "juillet juil. julio يوليو تموز",
        8: "août aout agosto AGO أغسطس آب",
        9: "septembre septiembre setiembre سبتمبر أيلول",
        10: "octobre octubre أكتوبر|تشرين الأول",
        11: "novembre noviembre نوفمبر|تشرين الثاني",
        12: "décembre déc. diciembre DIC ديسمبر|كانون الأول",
    }
    with translation.override(language):
        for month, texts in names.items():
            first, _bar, second = texts.partition("|")
            for name in [*first.split(), *filter(None, [second])]:
                assert cells.clean_date(f"5 {name} 2021", today=TODAY) == dt.date(2021, month, 5)
    assert cells.clean_date("1er août 2021", today=TODAY) == dt.date(2021, 8, 1)
    assert cells.clean_date("5 de agosto de 2021", today=TODAY) == dt.date(2021, 8, 5)


@given(days, st.sampled_from("/.-"), st.booleans(), languages)
def test_a_numeric_day_is_read_in_the_order_that_was_said_of_its_column(day, mark, padded, language):
    first, second = (f"{day.day:02}", f"{day.month:02}") if padded else (str(day.day), str(day.month))
    with translation.override(language):
        assert cells.clean_date(f"{first}{mark}{second}{mark}{day.year}", order="dmy", today=TODAY) == day
        assert cells.clean_date(f"{second}{mark}{first}{mark}{day.year}", order="mdy", today=TODAY) == day
        for order in ("dmy", "mdy", "year", "month", "plain"):
            assert cells.clean_date(day.isoformat(), order=order, today=TODAY) == day


@pytest.mark.parametrize(
    ("typed", "order", "sentence"),
    [
        ("11/25/2021", "dmy", "a day that does not exist"),
        ("25/11/2021", "mdy", "a day that does not exist"),
        ("30/02/2021", "dmy", "a day that does not exist"),
        ("03/04/21", "dmy", "year of two digits"),
        ("03/04/2021", "plain", "two different days"),
        ("03/04/2021", "year", "two different days"),
        ("2006", "dmy", "not a date that we can read"),
        ("2021-13", "month", "a month that does not exist"),
        ("2032", "year", "2032 is more than 5 years in the future"),
        ("1950", "year", "before 1951-01-01"),
        ("2028-01", "month", "more than a year in the future"),
    ],
)
def test_what_does_not_fit_the_order_of_its_column_is_refused(typed, order, sentence):
    with pytest.raises(ValueError, match=sentence):
        cells.clean_date(typed, order=order, today=TODAY)


@pytest.mark.parametrize(
    ("typed", "order", "last", "first"),
    [
        ("2006", "year", "2006-12-31", "2006-01-01"),
        ("2031", "year", "2031-12-31", "2031-01-01"),
        ("2020.0", "year", "2020-12-31", "2020-01-01"),
        ("2020-02", "month", "2020-02-29", "2020-02-01"),
        ("2/2021", "month", "2021-02-28", "2021-02-01"),
        ("NOV-2021", "month", "2021-11-30", "2021-11-01"),
        ("novembre 2021", "month", "2021-11-30", "2021-11-01"),
        ("noviembre de 2021", "month", "2021-11-30", "2021-11-01"),
    ],
)
def test_a_year_or_month_stands_for_its_last_day_or_its_first(typed, order, last, first):
    assert cells.clean_date(typed, order=order, today=TODAY) == dt.date.fromisoformat(last)
    assert cells.clean_date(typed, order=order, stands_for="first", today=TODAY) == dt.date.fromisoformat(
        first
    )


@given(st.text(), st.sampled_from(["", "plain", "dmy", "mdy", "year", "month"]))
def test_any_text_is_a_day_nothing_or_refused(text, order):
    with suppress(ValueError):
        day = cells.clean_date(text, order=order, today=TODAY)
        assert day is None or isinstance(day, dt.date)


# --- Choices --------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("typed", "choices", "value"),
    [
        ("Softly earmarked", Contribution.Earmarking, "softly_earmarked"),
        ("softly-earmarked", Contribution.Earmarking, "softly_earmarked"),
        ("UNEARMARKED", Contribution.Earmarking, "unearmarked"),
        ("Sub-office", Office.Kind, "sub_office"),
        ("the operation did not exist", MissingReason, "did_not_exist"),
        ("", MissingReason, ""),
        (None, MissingReason, ""),
    ],
)
def test_a_choice_is_found_by_value_or_english_label_in_every_language(typed, choices, value, language):
    with translation.override(language):
        assert cells.clean_choice(typed, dict(choices.choices)) == value


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_label_of_another_language_is_refused_in_every_language(language):
    with translation.override(language):
        for code in ("fr", "es", "ar"):
            with translation.override(code):
                label = str(MissingReason.DID_NOT_EXIST.label)
            if label == "the operation did not exist":
                continue
            with pytest.raises(ValueError, match="did_not_exist"):
                cells.clean_choice(label, dict(MissingReason.choices))
        with pytest.raises(ValueError, match="“soft”"):
            cells.clean_choice("soft", dict(Contribution.Earmarking.choices))


def test_aliases_are_found_without_regard_to_case_and_hyphens():
    aliases = {"multi-country office": "multi_country"}
    assert (
        cells.clean_choice("Multi Country Office", {"multi_country": "multi"}, aliases=aliases)
        == "multi_country"
    )


@pytest.mark.parametrize(
    ("typed", "value"), [("1", True), ("Yes", True), (True, True), ("0", False), (False, False), ("", None)]
)
def test_yes_and_no(typed, value):
    assert cells.clean_bool(typed) is value


def test_neither_yes_nor_no():
    with pytest.raises(ValueError, match="neither yes nor no"):
        cells.clean_bool("maybe")


def test_a_name_of_nothing_but_marks_takes_no_time():
    """Marks within a name are part of it."""
    assert cells.clean_name("Serbia *†") == ("Serbia", "*†")
    assert cells.fold_name("A*b **") == "a*b"
    started = time.perf_counter()
    assert cells.fold_name("*" * 100_000 + "x") == "*" * 100_000 + "x"
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    ("text", "scripts"),
    [
        ("N\u043erway", ("Cyrillic", "Latin")),
        ("Bank of \u0391merica", ("Greek", "Latin")),
        ("\u0420\u043e\u0441\u0441\u0438\u044f", ()),
        ("\u0424\u043e\u043d\u0434 ACF", ()),  # a word of each
        ("Türkiye", ()),
        ("اليابان JICA", ()),
        ("日本Japan", ()),  # not alike
        ("Norway", ()),
        ("", ()),
    ],
)
def test_letters_that_only_look_alike_are_noticed_within_a_word(text, scripts):
    assert cells.mixed_script(text) == scripts
