"""The worked examples of docs/calculations.md, read from it: each heading's inputs give its bold results."""

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings

from contributions import private_sums
from contributions.filters import country_name
from contributions.models import Contribution, DailySum, Donor
from operations import calculations, cells
from operations.overview import Overview
from operations.pages import Pair
from operations.profiles import Profile
from operations.rounding import change, compact, half_up, percent
from operations.templatetags.figures import against_plan
from tests import factories
from tests.contributions.test_money_calculations import CALCULATIONS as OF_THE_MONEY

DOCUMENT = (Path(settings.BASE_DIR) / "docs" / "calculations.md").read_text(encoding="utf-8")


def entries() -> dict[str, str]:
    """Under each heading, as “section: heading”, the worked example on one line."""
    found = {}
    for section in re.split(r"^## ", DOCUMENT, flags=re.MULTILINE)[1:]:
        name = section.partition("{")[0].strip()
        for entry in re.split(r"^### ", section, flags=re.MULTILINE)[1:]:
            quoted = re.findall(r"^> ?(.*)$", entry, flags=re.MULTILINE)
            found[f"{name}: {entry.splitlines()[0].strip()}"] = " ".join(quoted)
    return found


def results(example: str) -> list[str]:
    return re.findall(r"\*\*(.+?)\*\*", example)


def numbers(example: str) -> list[Decimal]:
    """The numbers before the first bold result, years and the like included."""
    return [Decimal(n.replace(",", "")) for n in re.findall(r"\d[\d,]*(?:\.\d+)?", example.split("**")[0])]


def whole(number: Decimal | int | None) -> str:
    return f"{number:,}"


# --- One function a heading: from the example to its results ----------------------------------------


def people_total(example: str) -> list[str]:
    return [whole(calculations.total(None, [int(n) for n in numbers(example)[1:]]))]


def people_change(example: str) -> list[str]:
    this_year, year_before = (int(n) for n in numbers(example)[:2])
    found = change(this_year, year_before)
    return [f"an {found.direction} of {found.percent}%"]


def share(example: str) -> list[str]:
    part, total = (int(n) for n in numbers(example)[:2])
    return [f"{calculations.share(part, total, 1)}%"]


def figure_shown(example: str) -> list[str]:
    given = dict(
        zip(
            re.findall(r"original|current|final", example), re.findall(r"[\d,]+\.\d\d", example), strict=False
        )
    )
    return [given[calculations.newest_status(list(given))]]


def money_total(example: str) -> list[str]:
    return [whole(calculations.total(None, numbers(example)[1::2]))]


def not_broken_down(example: str) -> list[str]:
    _year, total, part, _pillar = numbers(example)
    return [whole(calculations.not_broken_down(total, [part]))]


def share_spent(example: str) -> list[str]:
    _year, spent, budget = numbers(example)[:3]
    return [f"{calculations.share(spent, budget)}%"]


def short_amounts(example: str) -> list[str]:
    given = [Decimal(n.replace(",", "")) for n in re.findall(r"([\d,.]*\d) →", example)]
    return ["${} {}".format(*compact(amount)) for amount in given]


def list_total(example: str) -> list[str]:
    return [whole(calculations.total(None, [*numbers(example), None]))]


def opening_year(example: str) -> list[str]:
    said = re.split(r", (?:and )?for ", example.split("→")[0].partition(" for ")[2])
    years = [[int(year) for year in re.findall(r"\d{4}", part)] for part in said]
    return [str(Overview([profile(published) for published in years]).usual_year)]


def profile(years: list[int]) -> Profile:
    budget = {
        "measure": "budget",
        "pillar": None,
        "status": "current",
        "amount_usd": "1.00",
        "missing_reason": "",
    }
    finance = [{**budget, "year": year, "as_of": None, "source": ""} for year in years]
    content = {"code": "X", "slug": "x", "name": {"en": "X"}, "first_year": None, "last_year": None}
    return Profile({**content, "finance": finance, "population": [], "region": None})


def line(example: str) -> list[str]:
    norway, norad = numbers(example)[:2]
    day, of_day = dt.date(2021, 11, 24), {"batch": factories.batch(), "date": dt.date(2021, 11, 24)}
    assert f"{day:%-d %B %Y}" in example
    country = factories.donor("Norway")
    factories.contribution(country, amount_usd=norway, **of_day)
    factories.contribution(factories.donor("Norad", parent=country), amount_usd=norad, **of_day)
    factories.contribution(factories.donor("Sweden"), amount_usd=norad, **of_day)
    factories.contribution(
        factories.donor("Private donors, Norway", kind="private", parent=country), **of_day
    )
    factories.contribution(country, **of_day | {"date": dt.date(2021, 11, 25)})
    rows = [
        row
        for row in Contribution.objects.released().grouped()
        if (row["date"], row["family"], row["kind"]) == (day, country.pk, "government")
    ]
    return [f"${half_up(row['amount']):,}" for row in rows]


def gifts_of_private_donors(example: str) -> list[str]:
    japan, anywhere, unequal = re.findall(r"\$([\d,]+), \$([\d,]+) and \$([\d,]+)", example)
    found = []
    for number, (amounts, countries) in enumerate(
        [(japan, "JP JP JP"), (anywhere, "JP FR KE"), (unequal, "JP JP JP")]
    ):
        Contribution.objects.all().delete()
        batch = factories.batch()
        for amount, country in zip(amounts, countries.split(), strict=True):
            name = f"{number} {country} {amount}"
            while Donor.objects.filter(name_en=name).exists():
                name += "."
            donor = factories.donor(name, kind="private", country=country, is_class=False)
            factories.contribution(donor, amount_usd=Decimal(amount.replace(",", "")), batch=batch)
        private_sums.make()
        (row,) = DailySum.objects.released().by_donor() or [None]
        whose = row and country_name(row["country"])
        assert whose is None or f"of {whose}".casefold() in example.casefold()
        found.append(f"${half_up(row['amount']):,}" if row else "nothing")
    return found


def share_of_a_donor(example: str) -> list[str]:
    donor, everyone = numbers(example)[:2]
    return [f"{percent(donor, everyone, 1)}%"]


def finer_than_a_cent(example: str) -> list[str]:
    given = re.findall(r"([\d,.]*\d) →", example)
    return [whole(cells.clean_amount(amount, round_to_cents=True)) for amount in given]


def plan_and_year_end(example: str) -> list[str]:
    counts, shares = example.split("**.", 1)
    planned, reached = numbers(counts)[:2]
    planned_share, reached_share = numbers(shares)[:2]
    count, part = (
        Pair(
            {"value": f"{before}{unit}", "number": str(before)},
            {"value": f"{after}{unit}", "number": str(after)},
        )
        for before, after, unit in ((planned, reached, ""), (planned_share, reached_share, "%"))
    )
    return [against_plan(count), against_plan(part)]


CALCULATIONS: dict[str, Callable[[str], list[str]]] = {
    "People: Total of a year": people_total,
    "People: Change against the year before": people_change,
    "People: Share of a type": share,
    "Budget, funds available and expenditure: Which figure is shown": figure_shown,
    "Budget, funds available and expenditure: Total of a year": money_total,
    "Budget, funds available and expenditure: Not broken down": not_broken_down,
    "Budget, funds available and expenditure: Share spent": share_spent,
    "Budget, funds available and expenditure: Short amounts": short_amounts,
    "Key figures: Plan and year-end": plan_and_year_end,
    "Totals of several operations: Total of a list": list_total,
    "Totals of several operations: The year that a list opens with": opening_year,
    "Contributions: A line": line,
    "Contributions: Gifts of private donors": gifts_of_private_donors,
    "Contributions: Share of a donor": share_of_a_donor,
    "Contributions: Amounts finer than a cent": finer_than_a_cent,
}


def test_every_heading_of_the_document_is_tested():
    of_the_money = [heading for heading in entries() if heading.partition(": ")[2] in OF_THE_MONEY]
    assert sorted(entries()) == sorted([*CALCULATIONS, *of_the_money])
    assert len(of_the_money) == len(OF_THE_MONEY)


@pytest.mark.django_db
@pytest.mark.parametrize("heading", CALCULATIONS)
def test_the_worked_example_comes_out_as_the_document_says(heading):
    example = entries()[heading]
    assert CALCULATIONS[heading](example) == results(example) != []


def test_a_total_as_stated_wins_over_its_parts():
    assert calculations.total(10, [1, None]) == 10
    assert calculations.total(0, [1]) == 0
    assert calculations.total(None, [1, None, 2]) == 3
    assert calculations.total(None, [None]) is None
    assert calculations.total(None, []) is None


def test_missing_is_not_zero():
    money = Decimal("5.00")
    assert calculations.not_broken_down(None, [money]) is None
    assert calculations.share(None, money) is None
    assert calculations.share(money, None) is None
    assert calculations.share(money, Decimal(0)) is None
    assert calculations.share(Decimal(0), money) == 0
    assert calculations.newest_status([]) is None


def test_parts_that_make_more_than_the_total_leave_a_negative_rest():
    assert calculations.not_broken_down(Decimal("5.00"), [Decimal("3.00"), Decimal("2.01"), None]) == Decimal(
        "-0.01"
    )


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (["original", "current", "final"], "final"),
        (["current", "original"], "current"),
        (["original"], "original"),
    ],
)
def test_the_newest_status_is_shown(given, shown):
    assert calculations.newest_status(given) == shown
