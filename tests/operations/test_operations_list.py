"""``/operations/``: sorted, filtered, each state with an address of its own."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import pytest
from django.core.cache import cache

from operations.editions import record, release
from operations.models import Operation, Region
from tests import factories
from tests.reading import words

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept():
    cache.clear()


@pytest.fixture
def world():
    """Four operations, a draft, and a region in a region."""
    andes = Region.objects.create(code="ANDES", name_en="The Andes", parent=Region.objects.get(code="AME"))
    figures = {
        "PER": (andes, "Peru", 20_000, "50000000", "25000000"),
        "CIV": (Region.objects.get(code="WCA"), "Côte d’Ivoire", 300, "2000000", "1900000"),
        "BRA": (Region.objects.get(code="AME"), "Brazil", 400_000, None, "7"),
        "TCD": (Region.objects.get(code="WCA"), "Chad", None, "120000000", None),
    }
    for code, (region, name, people, budget, spent) in figures.items():
        operation = factories.operation(code, name_en=name, region=region)
        if people:
            factories.population(operation, people=people)
        for measure, amount in (("budget", budget), ("expenditure", spent)):
            if amount:
                factories.finance(operation, measure=measure, amount_usd=Decimal(amount))
        release(operation, None)
    Operation.objects.filter(code="PER").update(name_es="Perú", kind="multi_country")
    release(Operation.objects.get(code="PER"), None)
    hidden = factories.operation("SEC", name_en="Secret land", region=andes)
    factories.population(hidden, people=10**9)
    record(hidden, None)


def codes(client, query):
    response = client.get(f"/operations/?{query}")
    assert response.status_code == 200
    return [[row.profile.code for row in group.rows] for group in response.context["regions"]]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("name", ["BRA", "TCD", "CIV", "PER"]),
        ("-name", ["PER", "CIV", "TCD", "BRA"]),
        ("people", ["BRA", "PER", "CIV", "TCD"]),
        ("-people", ["CIV", "PER", "BRA", "TCD"]),
        ("budget", ["TCD", "PER", "CIV", "BRA"]),
        ("-expenditure", ["BRA", "CIV", "PER", "TCD"]),
        ("spent", ["CIV", "PER", "BRA", "TCD"]),
        ("-spent", ["PER", "CIV", "BRA", "TCD"]),
    ],
)
def test_a_sorted_list_is_one_list_with_missing_figures_last(client, world, sort, order):
    assert codes(client, f"sort={sort}") == [order]


def test_without_a_sort_it_is_by_region_each_heading_leading_to_its_page(client, world):
    response = client.get("/operations/?year=2020")
    assert [(group.name, group.code) for group in response.context["regions"]] == [
        ("West and Central Africa", "WCA"),
        ("The Americas", "AME"),
        ("The Andes", "ANDES"),
    ]
    assert '<a href="/regions/andes/?year=2020"><bdi>The Andes</bdi></a>' in response.content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("region=AME", ["BRA", "PER"]),  # with the regions in it
        ("region=ANDES", ["PER"]),
        ("kind=multi_country", ["PER"]),
        ("size=people-10000", ["BRA", "PER"]),
        ("size=people-100000", ["BRA"]),
        ("size=budget-10000000", ["PER", "TCD"]),
        ("q=cote+ivoire", ["CIV"]),  # accents folded, each word by itself
        ("q=PERÚ", ["PER"]),  # in another language
        ("q=tcd", ["TCD"]),
        ("q=Secret", []),
        ("region=WCA&size=budget-1000000&q=ch", ["TCD"]),
        ("size=people-1&kind=moon&region=SEC&sort=size", ["BRA", "TCD", "CIV", "PER"]),  # make no sense
    ],
)
def test_it_is_narrowed_by_region_kind_size_and_words(client, world, query, found):
    assert sorted(code for group in codes(client, f"year=2020&{query}") for code in group) == sorted(found)


def test_the_total_is_that_of_what_is_listed(client, world):
    response = client.get("/operations/?year=2020&region=AME")
    assert {name: (t.number, t.counted, t.of) for name, t in response.context["totals"].items()} == {
        "people": (420_000, 2, 2),
        "budget": (Decimal("50000000.00"), 1, 2),
        "expenditure": (Decimal("25000007.00"), 2, 2),
    }
    assert "Total 420,000 $50,000,000 $25,000,007" in words(response)


def test_empty_fields_are_tidied_from_the_address(client, world):
    response = client.get("/operations/?q=&region=AME&kind=&size=&year=2020")
    assert (response.status_code, response["Location"]) == (302, "/operations/?region=AME&year=2020")
    assert client.get("/operations/?q=+&size=")["Location"] == "/operations/"


def test_what_makes_no_sense_is_told(client, world):
    said = words(client.get("/operations/?kind=moon&size=7&year=1900"))
    assert (
        "What the address asks for under “kind, size, year” is not published here, and was left out." in said
    )
    assert "was left out" not in words(client.get("/operations/?kind=country&year=2020"))


def test_each_filter_can_be_removed_and_the_headings_keep_the_others(client, world):
    response = client.get("/operations/?year=2020&region=AME&size=people-10000&sort=budget")
    assert [(told.value, told.without) for told in response.context["told"]] == [
        ("The Americas", "/operations/?year=2020&size=people-10000&sort=budget"),
        ("at least 10,000 people", "/operations/?year=2020&region=AME&sort=budget"),
    ]
    assert [(column.query.rpartition("=")[2], column.order) for column in response.context["columns"]] == [
        ("name", ""),
        ("people", ""),
        ("-budget", "descending"),
        ("expenditure", ""),
        ("spent", ""),
    ]
    assert response.content.decode().count('aria-sort="descending"') == 1


def test_the_past_is_kept_in_every_link(client):
    peru = factories.operation("PER", region=Region.objects.get(code="AME"))
    factories.population(peru)
    release(peru, None, at=dt.datetime(2021, 1, 1, tzinfo=dt.UTC))
    main = client.get("/operations/?sort=name&as_of=2021-06-01").content.decode().partition("<main")[2]
    links = re.findall(r'href="([^"]+)"', main.partition("</main>")[0])
    assert [link for link in links if "as_of=2021-06-01" not in link] == ["#map-title"]
    assert client.get("/operations/?as_of=2001-01-01").status_code == 404


@pytest.mark.parametrize("path", ["/", "/operations/"])
def test_the_circles_of_the_world_map_are_sized_by_budget_or_by_people(world, client, path):
    def radii(query):
        context = client.get(path + query).context
        return {circle.name: circle.radius for circle in context["maps"]["wide"].circles}

    Operation.objects.update(latitude=1, longitude=1)
    for operation in Operation.objects.exclude(code="SEC"):
        release(operation, None)
    by_budget = radii("?year=2020")
    assert by_budget["Chad"] == 24  # the largest budget
    assert by_budget["Brazil"] == 4  # none is published
    by_people = radii("?year=2020&circles=people")
    assert by_people["Brazil"] == 24
    assert by_people["Chad"] == 4
    assert radii("?year=2020&circles=noise") == by_budget


def test_the_choice_of_circles_is_said_and_stays_with_the_filters(world, client):
    response = client.get("/operations/?circles=people&region=WCA")
    assert "The area of a circle is the number of people at the end of 2020" in words(response)
    page = response.content.decode()
    assert '<input type="hidden" name="circles" value="people">' in page
    assert 'circles=people#map-title" aria-current="true"' in page
    assert "circles=budget#map-title" in page
