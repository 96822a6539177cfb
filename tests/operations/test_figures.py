"""Key figures: text with a strict grammar, so that "52,9960" cannot be published."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from operations.figures import parse_figure
from operations.models import KeyFigure
from tests import factories


@pytest.mark.parametrize(
    ("typed", "text", "number"),
    [
        ("300,000", "300,000", "300000"),
        (">221,000", "> 221,000", "221000"),
        ("> 221,000", "> 221,000", "221000"),
        ("≥ 5", "≥ 5", "5"),
        ("~40", "~ 40", "40"),
        ("0.5 %", "0.5%", "0.5"),
        ("79%", "79%", "79"),
        ("226.8 Million", "226.8 million", "226800000"),
        ("1.2 billion", "1.2 billion", "1200000000"),
        ("3 thousand", "3 thousand", "3000"),
        ("us$ 4,500", "US$4,500", "4500"),
        ("$4.5 million", "$4.5 million", "4500000"),
        ("1 234 567", "1 234 567", "1234567"),
        (" 300,000\u00a0", "300,000", "300000"),
    ],
)
@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_the_forms_of_a_figure(typed, text, number, language):
    with translation.override(language):
        figure = parse_figure(typed)
        assert (figure.text, figure.number) == (text, Decimal(number))
        assert parse_figure(figure.text) == figure


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "needs a number"),
        ("52,9960", "Did you mean 529,960 or 52,996"),
        ("1.234.567", "dots between thousands"),
        ("many", "is not a figure"),
        ("300,000 people", "is not a figure"),
        ("5-10", "is not a figure"),
        ("<b>5</b>", "is not a figure"),
        ("5 6", "is not a number"),
        ("٣٠٠", "digits 0 to 9"),
        ("99999999999999999999", "larger than any figure"),
        ("9,999,999,999 billion", "larger than any figure"),
        ("0.00001%", "more than 4 decimals"),
    ],
)
def test_what_is_no_figure_is_refused_in_a_sentence(typed, sentence):
    with pytest.raises(ValueError, match=sentence):
        parse_figure(typed)


@given(st.text(max_size=40))
def test_any_text_is_a_figure_or_a_sentence(typed):
    figure = sentence = None
    try:
        figure = parse_figure(typed)
    except ValueError as error:
        sentence = str(error)
    assert sentence.endswith((".", "?")) if figure is None else parse_figure(figure.text) == figure


@given(
    st.decimals(0, 10**12, places=4, allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "%", " thousand"]),
)
def test_the_number_of_a_figure_is_exact(number, unit):
    factor = 1000 if unit == " thousand" else 1
    assert parse_figure(f"{number:,}{unit}").number == number * factor


@pytest.mark.django_db
def test_a_figure_is_stored_as_it_is_printed_with_its_number():
    text = factories.narrative(factories.operation())
    stored = factories.key_figure(text, ">9,999,999,999.1234")
    stored.refresh_from_db()
    assert (stored.value, stored.number) == ("> 9,999,999,999.1234", Decimal("9999999999.1234"))


@pytest.mark.django_db
def test_a_figure_that_cannot_be_read_never_reaches_the_database():
    text = factories.narrative(factories.operation())
    with pytest.raises(ValueError, match="Did you mean"):
        factories.key_figure(text, "52,9960")
    with pytest.raises(ValidationError, match="Did you mean"):
        KeyFigure(narrative=text, value="52,9960", text="people").full_clean()
    assert KeyFigure.objects.count() == 0
