"""``/compare/``: operations and years side by side, by plain addresses and a plain form."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.core.cache import cache

from operations.editions import record, release
from tests import factories
from tests.reading import words

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept():
    cache.clear()


@pytest.fixture
def two():
    peru, chad = factories.operation("PER", first_year=2019), factories.operation("TCD", name_en="Chad")
    for year, people in ((2019, 100), (2020, 150)):
        factories.population(peru, year, people=people)
    factories.population(chad, 2020, "REF", people=40)
    factories.population(chad, 2018, people=5)
    factories.finance(peru, 2020, "budget", amount_usd=Decimal("50.50"))
    factories.finance(peru, 2020, "funds_available", amount_usd=Decimal("20.25"))
    factories.finance(peru, 2020, "expenditure", amount_usd=Decimal("10.10"))
    factories.finance(chad, 2020, "budget", amount_usd=Decimal("200"))
    factories.finance(chad, 2020, "expenditure", missing_reason="withheld")
    factories.office(peru)
    for operation in (peru, chad):
        release(operation, None, at=dt.datetime(2021, 1, 1, tzinfo=dt.UTC))
    return peru, chad


def shown(response):
    return {
        row.label: [
            f"{cell.change.direction} {cell.change.percent}"
            if cell.change
            else cell.printed or f"({cell.reason})"
            for cell in row.cells
        ]
        for block in response.context["blocks"]
        for row in block.rows
    }


def test_each_row_sets_the_same_figure_of_each_side_by_side(client, two):
    response = client.get("/compare/?with=per-2020&with=tcd-2020&with=per-2018")
    assert [side.name for side in response.context["sides"]] == ["Peru 2020", "Chad 2020", "Peru 2018"]
    assert shown(response) == {
        "Total at the end of the year": ["150", "40", "(the operation did not exist)"],
        "Change since the year before": [
            "increase 50",
            "(2019: not published)",
            "(2018: the operation did not exist)",
        ],
        "Refugees": ["(not published)", "40", "(the operation did not exist)"],
        "Budget": ["$51", "$200", "(the operation did not exist)"],
        "Expenditure": ["$10", "(withheld)", "(the operation did not exist)"],
        "Share spent": ["20%", "(Expenditure: withheld)", "(Budget: the operation did not exist)"],
        "Funds available": ["$20", "(not published)", "(the operation did not exist)"],
        "Gap": ["$30", "(Funds available: not published)", "(Budget: the operation did not exist)"],
        "Offices named today": ["1", "0", "1"],
    }


def test_the_bars_of_a_measure_are_on_one_scale(client, two):
    people, money = client.get("/compare/?with=per-2020&with=tcd-2020").context["charts"]
    widths = [bar.width for bar in people.wide.bars]
    assert round(widths[0] / widths[1], 2) == 3.75  # 150 to 40
    budget, spent, other = (bar.width for bar in money.wide.bars)
    assert (round(other / budget, 2), round(budget / spent, 2)) == (3.96, 5.0)
    assert people.say == "Most people: Peru 2020 (150); fewest: Chad 2020 (40)."


def test_what_the_address_names_wrongly_is_told(client, two):
    record(factories.operation("COL"), None)
    said = words(
        client.get(
            "/compare/?with=per-2020&with=col-2020&with=per-1999&with=per-20201&with=x&with=-2020&with=%00"
        )
    )
    assert (
        "What the address names “col-2020, per-1999, per-20201, x, -2020, ” is no published operation" in said
    )
    assert "Colombia" not in said
    assert client.get("/compare/?with=per-2020&with=per-2020").context["sides"][1:] == []


def test_of_more_than_four_the_first_four_are_shown(client, two):
    factories.population(two[1], 2019, people=5)
    for operation in two:
        release(operation, None)
    keys = ["per-2020", "per-2019", "tcd-2020", "tcd-2019", "per-2018"]
    response = client.get("/compare/?" + "&".join(f"with={key}" for key in keys))
    assert [side.key for side in response.context["sides"]] == keys[:4]
    assert "The address names more than 4. The first 4 are shown." in words(response)
    assert 'name="add"' not in response.content.decode()


def test_the_form_adds_one_and_a_link_removes_one(client, two):
    html = client.get("/compare/?with=per-2020").content.decode()
    assert '<input type="hidden" name="with" value="per-2020">' in html
    response = client.get("/compare/?with=per-2020&add=tcd&year=2020")
    assert (response.status_code, response["Location"]) == (302, "/compare/?with=per-2020&with=tcd-2020")
    both = client.get(response["Location"])
    assert [side.without for side in both.context["sides"]] == [
        "/compare/?with=tcd-2020",
        "/compare/?with=per-2020",
    ]


def test_one_alone_is_offered_beside_its_year_before(client, two):
    address = client.get("/compare/?with=per-2020").context["before_url"]
    assert address == "/compare/?with=per-2020&with=per-2019"
    assert client.get("/compare/?with=tcd-2020").context["before_url"] == ""


def test_it_is_reached_from_an_operation_and_from_the_list(client, two):
    assert 'href="/compare/?with=per-2020"' in client.get("/operations/per/2020/").content.decode()
    assert 'href="/compare/"' in client.get("/operations/").content.decode()
    assert client.get("/compare/").status_code == 200


def test_the_past_is_compared_as_it_stood(client, two):
    peru = two[0]
    peru.population_figures.filter(year=2020).update(people=151)
    release(peru, None)
    response = client.get("/compare/?with=per-2020&as_of=2021-06-01")
    assert response.context["sides"][0].people.total.number == 150
    html = response.content.decode()
    assert 'href="/compare/?as_of=2021-06-01"' in html
    assert '<input type="hidden" name="as_of" value="2021-06-01">' in html
    added = client.get("/compare/?with=per-2020&as_of=2021-06-01&add=tcd&year=2020")
    assert added["Location"] == "/compare/?with=per-2020&with=tcd-2020&as_of=2021-06-01"
    assert client.get("/compare/?with=per-2020").context["sides"][0].people.total.number == 151
    assert (
        'hreflang="fr" href="http://testserver/fr/compare/?with=per-2020"'
        in client.get("/compare/?with=per-2020").content.decode()
    )


def test_what_was_never_released_is_compared_nowhere(client, two):
    hidden = factories.operation("COL", name_en="Hidden land")
    factories.population(hidden, 2020)
    record(hidden, None)
    assert "Hidden land" not in client.get("/compare/?with=per-2020").content.decode()
