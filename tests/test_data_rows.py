"""What the public tables say of a site of few rows, and what they do not say."""

from __future__ import annotations

import io
import json
from decimal import Decimal

import openpyxl
import pytest

from operations.datasets import REGISTRY
from operations.editions import record, release
from operations.models import Operation, Region
from operations.tables import PlainCSV
from tests import factories
from tests.data_files import body, table, taken_back
from tests.reading import words

pytestmark = pytest.mark.django_db


def test_a_text_that_a_spreadsheet_would_run_is_made_harmless(client):
    peru = factories.operation()
    factories.office(peru, name="=1+1")
    factories.population(peru, source="@SUM(A1)")
    release(peru, None)
    [office] = table(client, "/data/offices.csv")
    assert office["name"] == "'=1+1"
    [figure] = table(client, "/data/population.csv")
    assert figure["source"] == "'@SUM(A1)"
    assert json.loads(body(client, "/data/offices.json"))["data"][0]["name"] == "=1+1"
    sheet = openpyxl.load_workbook(io.BytesIO(body(client, "/data/offices.xlsx"))).worksheets[0]
    assert sheet["B2"].value == "'=1+1"
    assert sheet["B2"].data_type == "s"


def test_an_approximate_place_is_published_roughly_and_taken_back_as_it_was(client):
    peru = factories.operation()
    office = factories.office(peru, is_approximate=True, latitude=Decimal("-12.046400"))
    release(peru, None)
    [row] = table(client, "/data/offices.csv")
    assert (row["latitude"], row["longitude"]) == ("-12.0", "-77.0")
    plan = taken_back("offices", body(client, "/data/offices.csv"), PlainCSV)
    assert (plan.counts["unchanged"], plan.counts["changed"]) == (1, 0)
    office.refresh_from_db()
    assert office.latitude == Decimal("-12.046400")


def test_lines_that_are_not_shown_whole_are_published_without_what_is_hidden_and_left_out_of_an_import(
    client,
):
    peru, hidden = factories.operation(), factories.operation("COL")
    release(peru, None)
    norway, japan = factories.donor(), factories.donor("Japan", country="JP")
    gifts = factories.donor("Private donors, Japan", kind="private", country="JP", parent=japan)
    batch = factories.batch()
    factories.contribution(norway, batch=batch, operation=peru, reference="N1")
    factories.contribution(norway, batch=batch, operation=hidden, reference="N2")
    factories.contribution(gifts, batch=batch, operation=peru, reference="SECRET", description="Of Mr Sato")
    content = body(client, "/contributions.csv")
    assert b"SECRET" not in content and b"Sato" not in content and b"COL" not in content
    rows = {(row["donor"], row["withheld"]): row for row in table(client, "/contributions.csv")}
    assert set(rows) == {("Norway", ""), ("Norway", "operation"), ("Japan", "donor")}
    assert rows["Japan", "donor"]["donor_type"] == "private"
    plan = taken_back("contributions", content, PlainCSV)
    assert (plan.counts["unchanged"], plan.counts["new"], plan.counts["left_out"]) == (1, 0, 2)
    assert any("“withheld”" in note for note in plan.notes)


def test_changes_say_the_old_and_the_new_value(client):
    peru = factories.operation(region=Region.objects.get(code="AME"))
    figure = factories.population(peru, people=52_000)
    text = factories.narrative(peru, sections={"unmet-needs": "<p>We reached 52,000 people.</p>"})
    release(peru, None)
    release(text, None)
    assert table(client, "/data/changes.csv") == []
    figure.people = 52_996
    figure.save()
    text.sections.update(body="<p>We reached 52,996 people.</p>")
    release(peru, None, note="Counted again.", is_correction=True)
    release(text, None)
    found = [(r["what"], r["year"], r["before"], r["after"], r["is_correction"], r["note"])
             for r in table(client, "/data/changes.csv")]  # fmt: skip
    assert found == [
        ("text", "2020", "We reached 52,000 people.", "We reached 52,996 people.", "false", ""),
        ("people", "2020", "52,000", "52,996", "true", "Counted again."),
    ]
    assert len(table(client, "/data/changes.csv?is_correction=true")) == 1
    assert table(client, "/data/changes.csv?since=2199-01-01") == []
    page = words(client.get("/changes/"))
    assert "Peru · Profile and figures Correction" in page
    assert "Counted again." in page
    assert "All people, 2020 52,000 52,996" in page
    assert "We reached 52,000 people. We reached 52,996 people." in page
    assert "52,000 people" not in words(client.get("/changes/?is_correction=true"))
    assert "No change is known" in words(client.get("/changes/?since=2199-01-01"))
    assert "“yesterday” is no day" in words(client.get("/changes/?since=yesterday"))


def test_a_changed_line_of_the_books_says_its_old_and_new_amount(client):
    norway = factories.donor()
    line = factories.contribution(norway, batch=factories.batch(), reference="N1")
    newer = factories.batch()
    line.replaced_in, line.is_current = newer, False
    line.save()
    factories.contribution(norway, batch=newer, reference="N1", amount_usd=Decimal("2000.00"))
    [row] = table(client, "/data/contribution-changes.csv")
    assert (row["what"], row["amount_usd_before"], row["amount_usd_after"]) == (
        "changed",
        "1000.00",
        "2000.00",
    )


def test_nothing_that_is_not_released_is_in_any_table(client):
    peru = factories.operation()
    factories.population(peru)
    record(peru, None)
    assert Operation.objects.count() == 1
    for dataset in REGISTRY:
        if dataset.name not in ("donors",):
            assert table(client, f"/data/{dataset.name}.csv") == []
