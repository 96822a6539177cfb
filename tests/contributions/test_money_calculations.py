"""The worked examples of the money in docs/calculations.md: each heading's inputs give its bold results."""

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.translation import override

from contributions import calculations
from contributions.drawings import donors_sentence, earmarking_sentence, months_chart, years_chart
from contributions.lines import PublicLine
from contributions.models import Contribution
from contributions.templatetags.contributions import per_head
from operations import calculations as shared
from operations.calculations import share_of_sum
from operations.rounding import half_up
from operations.templatetags.figures import share_of
from tests import factories

DOCUMENT = (Path(settings.BASE_DIR) / "docs" / "calculations.md").read_text(encoding="utf-8")


def example_of(heading: str) -> str:
    """The worked example under a heading, on one line."""
    _before, _heading, entry = DOCUMENT.partition(f"\n### {heading}\n")
    return " ".join(re.findall(r"^> ?(.*)$", re.split(r"^##", entry, flags=re.MULTILINE)[0], re.MULTILINE))


def numbers(example: str) -> list[Decimal]:
    """The numbers before the first bold result."""
    return [Decimal(n.replace(",", "")) for n in re.findall(r"\d[\d,]*(?:\.\d+)?", example.split("**")[0])]


def gap(example: str) -> list[str]:
    return [f"{shared.gap(*numbers(example)):,}"]


def donors_counted(example: str) -> list[str]:
    of_one = {"batch": factories.batch()}
    norway = factories.donor("Norway", country="NO")
    for donor in (
        norway,
        factories.donor("Norad", parent=norway),
        factories.donor("Private donors in Norway", kind="private", parent=norway),
        factories.donor("Ann", kind="private", country="FR"),
        factories.donor("Bo", kind="private", country="FR"),
    ):
        factories.contribution(donor, **of_one)
    return [str(calculations.count_donors(Contribution.objects.released().by_donor()))]


def rank(example: str) -> list[str]:
    return [str(place) for place in calculations.ranks(numbers(example)[:4])]


def change_of_a_donor(example: str) -> list[str]:
    found = calculations.moved(*numbers(example)[:2], is_known=True)
    return [f"{found.difference:,}", f"an {found.change.direction} of {found.change.percent}%"]


def per_inhabitant(example: str) -> list[str]:
    amount, people = numbers(example)[:2]
    return [f"${half_up(calculations.per_person(amount, int(people)), 2)}"]


def largest_and_others(example: str) -> list[str]:
    amounts = numbers(example)
    shown, others = calculations.largest_and_others(amounts, amounts)
    return [str(len(amounts) - len(shown)), str(others)]


def months(example: str) -> list[str]:
    batch, donor = factories.batch(), factories.donor()
    for amount, day in re.findall(r"(\d+) on (\d+ \w+ \d{4})", example):
        date = dt.datetime.strptime(day, "%d %B %Y").date()
        factories.contribution(donor, date=date, amount_usd=Decimal(amount), batch=batch)
    chart = months_chart("", Contribution.objects.released().by_month(), 2021)
    return [row[1].text.removesuffix(".00") for row in chart.table.rows if row[1].text]


def rate(example: str) -> list[str]:
    return [str(half_up(calculations.rate(*numbers(example)[:2]), 4))]


def not_explained(example: str) -> list[str]:
    return [f"{calculations.not_explained(*numbers(example)):,}"]


def unattributed(example: str) -> list[str]:
    _total, peru, others, region, situation, world, not_said = numbers(example)
    amounts = {1: peru, 2: others, 3: region, 4: situation, 5: world, None: not_said}
    kinds = {1: "country", 2: "multi_country", 3: "regional", 4: "situation", 5: "global"}
    found = calculations.attribute(amounts, kinds, own=1)
    return [str(found.unattributed), str(found.total)]


CALCULATIONS: dict[str, Callable[[str], list[str]]] = {
    "Gap": gap,
    "Donors that a sum counts": donors_counted,
    "Rank of a donor": rank,
    "Change of a donor against the year before": change_of_a_donor,
    "Per inhabitant": per_inhabitant,
    "The largest and the others": largest_and_others,
    "Months of a year": months,
    "Rate of a gift": rate,
    "Not explained by contributions": not_explained,
    "Given to no operation of a country": unattributed,
}


@pytest.mark.django_db
@pytest.mark.parametrize("heading", CALCULATIONS)
def test_the_worked_example_comes_out_as_the_document_says(heading):
    example = example_of(heading)
    assert CALCULATIONS[heading](example) == re.findall(r"\*\*(.+?)\*\*", example) != []


def test_missing_is_not_zero():
    five = Decimal("5.00")
    assert shared.gap(None, five) is shared.gap(five, None) is None
    assert calculations.not_explained(None, five) is None
    assert calculations.rate(five, None) is calculations.rate(None, five) is None
    assert calculations.per_person(five, None) is calculations.per_person(None, 5) is None
    assert calculations.moved(five, None, is_known=False) is None


def test_nothing_is_divided_by_nothing():
    assert calculations.rate(Decimal("5.00"), Decimal("0.00")) is None
    assert calculations.per_person(Decimal("5.00"), 0) is None
    found = calculations.moved(Decimal("5.00"), Decimal("0.00"), is_known=True)
    assert (found.difference, found.change.direction, found.change.percent) == (
        Decimal("5.00"),
        "increase",
        None,
    )


def test_who_gave_nothing_before_is_new_and_has_no_percentage():
    assert calculations.moved(Decimal(5), None, is_known=True) == calculations.Moved(Decimal(5), None)


def test_a_gap_and_what_is_not_explained_can_be_negative():
    assert shared.gap(Decimal("5.00"), Decimal("5.01")) == Decimal("-0.01")
    assert calculations.not_explained(Decimal("5.00"), Decimal("7.50")) == Decimal("-2.50")


@pytest.mark.parametrize(
    ("count", "shown", "others"), [(0, 0, None), (10, 10, None), (11, 11, None), (12, 10, 3)]
)
def test_one_alone_is_never_other(count, shown, others):
    amounts = [Decimal(amount) for amount in range(count, 0, -1)]
    found, rest = calculations.largest_and_others(amounts, amounts)
    assert (found, rest) == (amounts[:shown], others)


def test_an_operation_that_readers_do_not_see_is_no_operation_of_a_country():
    found = calculations.attribute(
        {1: Decimal(1), 2: Decimal(2), 3: Decimal(4)}, {1: "country", 3: "situation"}, own=3
    )
    assert (found.own, found.others, found.hidden) == (4, 1, 2)
    assert (found.unattributed, found.total) == (2, 7)


def test_a_rate_is_exact_until_it_is_shown():
    assert str(calculations.rate(Decimal("1.00"), Decimal("3.00"))).startswith(
        "0.33333333333333333333333333333333333"
    )


# --- What is said of sums ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amounts", "said"),
    [
        ([], ""),
        ([60, 20], "The largest donor is Donor 1 with US$ 60.00, 75.0% of the total."),
        ([20, -60], "The largest donor is Donor 1 with US$ 20.00."),  # the total is negative
        ([60, -60], "The largest donor is Donor 1 with US$ 60.00."),
        ([60, -20], "The largest donor is Donor 1 with US$ 60.00."),  # which is more than the total
        ([-20, -40], ""),
        ([0, -40], ""),
        ([10] * 20, "The largest donor is Donor 1 with US$ 10.00, 5.0% of the total; the ten largest together gave 50.0%."),
        ([10] * 15 + [-70], "The largest donor is Donor 1 with US$ 10.00, 12.5% of the total."),
    ],
)  # fmt: skip
def test_the_largest_donor_has_a_share_only_of_a_total_that_it_is_a_part_of(amounts, said):
    lines = [
        PublicLine(dt.date(2021, 1, 1), f"Donor {n}", "", Decimal(amount), 1)
        for n, amount in enumerate(amounts, 1)
    ]
    assert donors_sentence(lines).replace("\u00a0", " ") == said


FREE = "Unearmarked and softly earmarked money, which the agency can use where needs are greatest, is US$ "


@pytest.mark.parametrize(
    ("amounts", "said"),
    [
        ({"unearmarked": 30, "tightly_earmarked": 10}, f"{FREE}30.00 or 75.0% of the total."),
        ({"tightly_earmarked": 10}, f"{FREE}0.00 or 0.0% of the total."),
        ({"unearmarked": 30, "tightly_earmarked": -40}, f"{FREE}30.00."),
        ({"unearmarked": 30, "tightly_earmarked": -10}, f"{FREE}30.00."),
        ({"unearmarked": -30, "tightly_earmarked": 40}, ""),
        ({"unearmarked": -30, "": 5}, "For US$ 5.00 the source does not give the earmarking."),
        ({"tightly_earmarked": 10, "": -5}, f"{FREE}0.00 or 0.0% of the total."),
    ],
)
def test_free_money_has_a_share_only_of_a_total_that_it_is_a_part_of(amounts, said):
    sums = {code: Decimal(amount) for code, amount in amounts.items()}
    assert earmarking_sentence(sums).replace("\u00a0", " ") == said


@pytest.mark.parametrize(("largest", "is_said"), [(5, True), (0, False), (-5, False)])
def test_no_month_or_year_is_said_to_have_the_largest_sum_where_all_are_negative(largest, is_said):
    amounts = [Decimal(largest), Decimal(-9)]
    months = [{"month": dt.date(2021, n, 1), "amount": amount} for n, amount in enumerate(amounts, 1)]
    years = [{"budget_year": 2020 + n, "amount": amount} for n, amount in enumerate(amounts)]
    said = [months_chart("", months, 2021).say, years_chart("", years).say]
    assert [text.replace("\u00a0", " ") for text in said] == (
        ["The largest sum: January 2021, US$ 5.00.", "The largest sum was given for 2020: US$ 5.00."]
        if is_said
        else ["", ""]
    )


def test_a_part_that_is_no_part_of_its_sum_has_no_share():
    for part, whole in ((5, -10), (-5, 10), (-5, -10), (11, 10), (0, 0), (None, 10), (5, None)):
        assert (share_of_sum(part, whole), share_of(part, whole)) == (None, "–")
    assert (share_of_sum(10, 10), share_of(10, 10)) == (100, "100.0%")


def test_less_than_is_never_mirrored_beside_digits():
    one, many = Decimal(1), Decimal(100_000)
    assert (share_of(one, many), per_head(Decimal("0.001"))) == ("< 0.1%", "< $0.01")
    with override("ar"):
        assert share_of(one, many) == "\u200e< 0.1\u200e%\u200e"
        assert per_head(Decimal("0.001")) == "\u200e< 0.01\u00a0دولار"
