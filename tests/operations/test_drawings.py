"""The charts of an operation's page: what they draw of the released figures, and what their tables say."""

import csv
import io
from decimal import Decimal

import pytest
from django.core.cache import cache

from operations import charts
from operations.editions import release
from operations.models import Agency, PopulationType, SectionType
from tests import factories

PAGE = "/operations/per/2020/"
D = Decimal


@pytest.fixture(autouse=True)
def _nothing_kept(db):
    SectionType.objects.update(required_since=None)
    cache.clear()


def chart_of(client, name: str, page: str = PAGE) -> charts.Chart | None:
    return client.get(page).context[name]


def table_of(client, name: str) -> list[dict[str, str]]:
    content = client.get(f"{PAGE}figures/{name}.csv").content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(content)))


# --- The gap ---


def money(budget, funds, year: int = 2020):
    of = factories.operation()
    factories.population(of)
    for measure, amount in (("budget", budget), ("funds_available", funds)):
        if amount is not None:
            factories.finance(of, year, measure, amount_usd=D(amount))
    release(of, None)


def test_the_gap_hangs_between_the_funds_and_the_budget(client):
    money(1000, 250)
    chart = chart_of(client, "money_chart")
    assert [series.label for series in chart.key] == ["Budget", "Funds available", "Gap"]
    budget, funds, gap = (
        next(bar for bar in chart.wide.bars if bar.css == css) for css in ("s-budget", "s-funds", "s-gap")
    )
    assert gap.y == budget.y
    assert gap.y + gap.height == pytest.approx(funds.y, abs=0.2)
    assert gap.height == pytest.approx(3 * funds.height, abs=0.5)
    lying = {bar.css: bar for bar in chart.narrow.bars}
    assert lying["s-gap"].x == pytest.approx(lying["s-funds"].x + lying["s-funds"].width, abs=0.2)
    assert lying["s-gap"].x + lying["s-gap"].width == pytest.approx(
        lying["s-budget"].x + lying["s-budget"].width, abs=0.2
    )


def test_the_table_and_the_file_have_the_gap(client):
    money(1000, 250)
    row = table_of(client, "money")[-1]
    assert (row["budget_usd"], row["funds_available_usd"], row["gap_usd"]) == ("1000.00", "250.00", "750.00")


def test_more_funds_than_budget_are_no_gap_to_be_drawn(client):
    money(1000, 1250)
    chart = chart_of(client, "money_chart")
    assert [series.css for series in chart.key] == ["s-budget", "s-funds"]
    assert table_of(client, "money")[-1]["gap_usd"] == "-250.00"


def test_a_gap_that_cannot_be_known_says_why(client):
    of = factories.operation()
    factories.finance(of, 2019, amount_usd=D(1000))
    factories.finance(of, 2020, missing_reason="not_yet_known")
    factories.finance(of, 2020, "funds_available", amount_usd=D(250))
    release(of, None)
    row = table_of(client, "money")[-1]
    assert row["gap_usd"] == ""
    assert "gap_usd: Not yet known" in row["missing"]


def test_without_funds_available_nothing_is_said_of_a_gap(client):
    money(1000, None)
    assert [series.css for series in chart_of(client, "money_chart").key] == ["s-budget"]
    assert "gap_usd" not in table_of(client, "money")[-1]


def test_the_file_draws_the_gap_hollow(client):
    money(1000, 250)
    svg = client.get(f"{PAGE}figures/money.svg").content.decode()
    assert svg.count('stroke-dasharray="2 2.5"') == 2  # the bar and its place in the key


# --- People by type and year ---


def people(of, year: int, **types: int):
    for code, number in types.items():
        factories.population(of, year, None if code == "total" else code, people=number)


def test_people_by_type_are_piled_up_over_the_years(client):
    of = factories.operation()
    people(of, 2018, total=900)
    people(of, 2019, REF=400, ASY=300)
    people(of, 2020, REF=300, ASY=400, total=800)
    release(of, None)
    chart = chart_of(client, "people_years_chart")
    assert chart.title == "People by type and year"
    assert [series.label for series in chart.key] == ["Refugees", "Asylum-seekers", "Not broken down"]
    assert [[bar.title for bar in chart.wide.bars if bar.css == f"s-{i}"] for i in (1, 2, 3)] == [
        ["Refugees, 2019: 400", "Refugees, 2020: 300"],
        ["Asylum-seekers, 2019: 300", "Asylum-seekers, 2020: 400"],
        ["Not broken down, 2018: 900", "Not broken down, 2020: 100"],
    ]
    assert chart.say == "The most: 900 at the end of 2018. The fewest: 700 at the end of 2019."
    assert [(row["year"], row["ref"], row["asy"], row["not_broken_down"], row["total"])
            for row in table_of(client, "people-years")] == [
        ("2018", "", "", "900", "900"),
        ("2019", "400", "300", "", "700"),
        ("2020", "300", "400", "100", "800"),
    ]  # fmt: skip


def test_one_year_with_types_is_no_comparison(client):
    of = factories.operation()
    people(of, 2019, total=900)
    people(of, 2020, REF=500)
    release(of, None)
    assert chart_of(client, "people_years_chart") is None
    assert client.get(f"{PAGE}figures/people-years.svg").status_code == 404


def test_a_year_without_a_number_stays_in_its_place(client):
    of = factories.operation()
    people(of, 2018, REF=400)
    people(of, 2020, REF=500)
    release(of, None)
    chart = chart_of(client, "people_years_chart")
    assert [row[0].text for row in chart.table.rows] == ["2018", "2019", "2020"]
    assert chart.table.rows[1][-1].missing_reason == "Not published"
    assert [text.text for text in chart.wide.texts if "published" in text.text.lower()] == ["Not published"]


def test_types_that_make_more_than_the_total_leave_nothing_over(client):
    of = factories.operation()
    people(of, 2019, REF=400)
    people(of, 2020, REF=500, total=450)
    release(of, None)
    chart = chart_of(client, "people_years_chart")
    assert [series.label for series in chart.key] == ["Refugees"]
    assert [bar.height >= 0 for bar in chart.wide.bars] == [True, True]


def test_more_types_than_colours_are_added_up(client):
    of = factories.operation()
    codes = [f"T{number}" for number in range(10)]
    for number, code in enumerate(codes):
        PopulationType.objects.create(code=code, name=code, order=100 + number)
        for year in (2019, 2020):
            factories.population(of, year, code, people=1000 - number)
    release(of, None)
    chart = chart_of(client, "people_years_chart")
    assert [series.label for series in chart.key] == [*codes[:7], "Other types"]
    assert chart.key[-1].values == [993 + 992 + 991] * 2


def test_the_charts_name_the_people_as_the_agency_does(client):
    Agency.objects.create(people_en="People we serve")
    of = factories.operation()
    for year in (2019, 2020):
        people(of, year, REF=400)
    release(of, None)
    assert chart_of(client, "people_chart").title == "People we serve by type at the end of 2020"
    assert chart_of(client, "people_years_chart").title == "People we serve by type and year"
