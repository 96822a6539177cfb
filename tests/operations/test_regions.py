"""Pages of regions: totals that equal their parts, and nothing that is not released."""

from __future__ import annotations

import csv
import datetime as dt
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.utils import timezone

from operations.addresses import Addresses
from operations.editions import record, release, withdraw
from operations.models import Operation, Region
from tests import factories
from tests.reading import words

pytestmark = pytest.mark.django_db

WORLD = Path(settings.BASE_DIR).parent / "shared" / "data" / "world"


@pytest.fixture(autouse=True)
def _nothing_kept():
    cache.clear()


@pytest.fixture
def andes():
    return Region.objects.create(code="ANDES", name_en="The Andes", parent=Region.objects.get(code="AME"))


def published(code, region="AME", *, people=None, budget=None, spent=None, at=None, year=2020, **fields):
    found = region if isinstance(region, Region) else region and Region.objects.get(code=region)
    operation = factories.operation(code, region=found, **fields)
    if people is not None:
        factories.population(operation, year, people=people)
    for measure, amount in (("budget", budget), ("expenditure", spent)):
        if amount is not None:
            factories.finance(operation, year, measure, amount_usd=Decimal(amount))
    release(operation, None, at=at)
    return operation


def named(groups):
    return [(group.name, [row.profile.code for row in group.rows]) for group in groups]


def test_the_totals_are_the_sums_of_its_operations_and_of_those_in_its_regions(client, andes):
    published("BRA", people=7, budget="10.10", spent="1.01")
    published("PER", andes, people=5, budget="20.20")
    published("TCD", "WCA", people=1000, budget="1000")
    response = client.get("/regions/ame/?year=2020")
    totals = response.context["totals"]
    assert {measure: (total.number, total.counted, total.of) for measure, total in totals.items()} == {
        "people": (12, 2, 2),
        "budget": (Decimal("30.30"), 2, 2),
        "expenditure": (Decimal("1.01"), 1, 2),
    }
    assert named(response.context["groups"]) == [("", ["BRA"]), ("The Andes", ["PER"])]
    assert [(code, sums["people"].number) for code, _name, sums in response.context["parts"]] == [
        ("ANDES", 5)
    ]
    assert "published for 1 of 2 operations" in words(response)
    assert "Chad" not in words(response)
    assert 'href="/contributions/?region=AME&amp;year=2020"' in response.content.decode()
    inner = client.get("/regions/andes/?year=2020")
    assert inner.context["above"] == [("AME", "The Americas")]
    assert inner.context["totals"]["people"].number == 5


def test_regional_operations_and_situations_stand_under_their_own_headings(client):
    published("BRA", people=7)
    published("BUR", name_en="Bureau", kind=Operation.Kind.REGIONAL, budget="5")
    published("VEN", name_en="Venezuela situation", kind=Operation.Kind.SITUATION, budget="6")
    published("OLD", name_en="Closed office", last_year=2018)
    published("GLO", None, name_en="Headquarters", kind=Operation.Kind.GLOBAL, budget="7")
    own = [("Regional operations", ["BUR"]), ("Situations", ["VEN"])]
    closed = ("Not in operation in 2020", ["OLD"])
    response = client.get("/regions/ame/")
    assert named(response.context["groups"]) == [("", ["BRA"]), *own, closed]
    assert response.context["totals"]["budget"].of == 3  # the closed one is not missing
    response = client.get("/operations/?year=2020")
    assert named(response.context["regions"]) == [
        ("The Americas", ["BRA"]),
        *own,
        ("Global operations", ["GLO"]),
        closed,
    ]
    assert "Venezuela situation" in words(client.get("/operations/ven/"))


def test_other_spellings_lead_to_its_address(client):
    published("PER", people=7)
    response = client.get("/regions/AME/?year=2020")
    assert (response.status_code, response["Location"]) == (301, "/regions/ame/?year=2020")
    assert client.get("/fr/regions/Ame/")["Location"] == "/fr/regions/ame/"


def test_a_region_without_a_released_operation_is_not_found(client):
    record(factories.operation("PER", region=Region.objects.get(code="AME")), None)
    published("TCD", "WCA", people=1)
    withdraw(published("KEN", "EHGL", people=1), None)
    for address in ("/regions/ame/", "/regions/ehgl/", "/regions/nowhere/"):
        assert client.get(address).status_code == 404
    assert client.get("/regions/wca/").status_code == 200


def test_a_region_shows_what_stood_in_the_past(client):
    published("PER", people=7, at=dt.datetime(2021, 1, 1, tzinfo=dt.UTC))
    published("BRA", people=5, at=dt.datetime(2021, 6, 1, tzinfo=dt.UTC))
    published("COL", people=9, at=timezone.now() + dt.timedelta(days=1))
    assert client.get("/regions/ame/").context["totals"]["people"].number == 12
    then = client.get("/regions/ame/?as_of=2021-03-01")
    assert then.context["totals"]["people"].number == 7
    assert "/operations/per/2020/?as_of=2021-03-01" in then.content.decode()
    before = client.get("/regions/ame/?as_of=2020-03-01")
    assert before.status_code == 404
    assert "1 January 2021" in words(before)


def test_the_charts_show_each_year_with_how_many_operations_it_counts(client):
    peru = published("PER", people=7, budget="10", spent="5")
    factories.population(peru, 2019, people=3)
    release(peru, None)
    published("BRA", people=5)
    people, money = client.get("/regions/ame/?year=2020").context["charts"]
    assert [[cell.text for cell in row] for row in people.table.rows] == [
        ["2019", "3", "1"],
        ["2020", "12", "2"],
    ]
    assert people.say == (
        "At the end of 2020, 12 people were of concern to the agency, as 2 operations published it. "
        "For 2019, 1 operation is counted."
    )
    assert [[cell.text for cell in row] for row in money.table.rows] == [["2020", "10.00", "1", "5.00", "1"]]
    assert money.say.replace("\u00a0", " ") == (
        "The budget of 1 operation for 2020 makes US$ 10.00. The expenditure of 1 operation in 2020 makes US$ 5.00."
    )


def test_a_year_without_figures_is_told(client):
    published("PER", people=7)
    assert "No figure of this region is published" in words(client.get("/regions/ame/?year=1999"))
    assert "No figure of this region is published" not in words(client.get("/regions/ame/?year=2020"))


def test_an_operation_leads_to_its_region_and_back(client):
    published("PER", people=7)
    assert 'href="/regions/ame/?year=2020"' in client.get("/operations/per/2020/").content.decode()
    shown = client.get("/regions/ame/").content.decode()
    assert 'href="/operations/per/2020/"' in shown
    assert 'hreflang="fr" href="http://testserver/fr/regions/ame/"' in shown


@pytest.mark.skipif(not WORLD.exists(), reason="shared/data/world is not at hand")
def test_the_totals_of_the_world_equal_its_files(client):
    """Of budget and expenditure; each region's operations are read from the file of operations."""
    regions = {
        row["operation_key"]: row["region_last"]
        for row in csv.DictReader((WORLD / "operations.csv").open(encoding="utf-8-sig", newline=""))
    }
    sums: dict[tuple, Decimal] = defaultdict(Decimal)
    for row in csv.DictReader(
        (WORLD / "budget_expenditure_2016_2021.csv").open(encoding="utf-8-sig", newline="")
    ):
        if row["dimension"] == "total" and row["year"] == "2020":
            amount = Decimal(row["amount"]).quantize(Decimal("0.01"), ROUND_HALF_UP)
            for place in ("", regions[row["operation_key"]] or None):
                sums[place, row["measure"]] += amount
    call_command("import_table", "operations", WORLD / "operations.csv", "--release")
    finance = WORLD / "budget_expenditure_2016_2021.csv"
    call_command("import_table", "finance", finance, "--round-to-cents", "--release")
    for operation in Operation.objects.all():
        release(operation, None)  # those with a jump between years, which somebody has to look at first

    def totals(address):
        found = client.get(address).context["totals"]
        return {measure: found[measure].number for measure in ("budget", "expenditure")}

    def in_files(place):
        return {measure: sums[place, measure] for measure in ("budget", "expenditure")}

    assert totals("/operations/?year=2020") == in_files("")
    home = client.get("/")
    year = home.context["year"]
    assert home.context["totals"] == client.get(f"/operations/?year={year}").context["totals"]
    for measure in ("budget", "expenditure"):
        parts = [own[measure].number for _code, _name, _rows, own in home.context["regions"]]
        assert sum(filter(None, parts)) == home.context["totals"][measure].number
    for region in Region.objects.all():
        if sums[region.name, "budget"]:
            assert totals(f"/regions/{region.code.lower()}/?year=2020") == in_files(region.name)
    assert {place for place, _measure in sums} - {"", None} <= {
        region.name for region in Region.objects.all()
    }


def test_the_sitemap_and_the_checks_of_links_know_the_regions_with_operations(client):
    published("PER", people=7)
    record(factories.operation("TCD", region=Region.objects.get(code="WCA")), None)
    listed = client.get("/sitemap.xml").content.decode()
    assert "http://testserver/fr/regions/ame/" in listed
    assert "/regions/wca/" not in listed
    leads = Addresses()
    assert [leads(f"/regions/{code}/") for code in ("ame", "AME", "wca", "nowhere")] == [
        True,
        True,
        False,
        False,
    ]
    assert leads("/compare/?with=per-2020")
