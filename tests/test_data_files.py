"""The data beside the pages: every table in every form, read by other programs, and taken back by our own imports."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import hxl
import openpyxl
import pandas
import pytest

from contributions.models import Contribution, Donor, ImportBatch
from operations.datasets import REGISTRY
from operations.models import Edition, Office
from operations.tables import PlainCSV, PlainXLSX
from tests.data_files import body, table, taken_back
from tests.reading import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def demo(loaded_demo, settings):
    settings.DEMO = True


# --- Every table, every form ----------------------------------------------------------------------


@pytest.mark.parametrize("name", [dataset.name for dataset in REGISTRY])
def test_a_table_says_the_same_in_every_form(client, demo, name):
    dataset, address = REGISTRY[name], f"/data/{name}"
    rows = table(client, f"{address}.csv")
    assert rows or name == "contribution-changes"
    answer = json.loads(body(client, f"{address}.json"))
    assert [field["name"] for field in answer["fields"]] == list(dataset.names)
    assert [{n: as_text(v) for n, v in row.items()} for row in answer["data"]] == [
        {n: number_text(v) for n, v in row.items()} for row in rows
    ]
    book = openpyxl.load_workbook(io.BytesIO(body(client, f"{address}.xlsx")))
    sheet = list(book.worksheets[0].values)
    assert list(sheet[0]) == list(dataset.names)
    assert [[as_text(cell) for cell in row] for row in sheet[1:]] == [
        [number_text(row[n]) for n in dataset.names] for row in rows
    ]
    assert book.sheetnames[-1] == "About"
    frame = pandas.read_csv(io.BytesIO(body(client, f"{address}.csv")), dtype=str, keep_default_na=False)
    assert list(frame.columns) == list(dataset.names)
    assert len(frame) == len(rows)
    keys = ["~".join(row[n] for n in dataset.key) for row in rows]
    assert len(set(keys)) == len(keys)


def as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return number_text(str(value))


def number_text(text: str) -> str:
    """A number without the zeros that its form adds or drops."""
    try:
        return f"{Decimal(text).normalize():f}" if text.strip() and text[0] in "-0123456789." else text
    except ArithmeticError:
        return text


@pytest.mark.parametrize("name", [dataset.name for dataset in REGISTRY])
def test_hxl_programs_read_the_tags_in_the_second_line(client, demo, name, tmp_path):
    (tmp_path / "table.csv").write_bytes(body(client, f"/data/{name}.csv?hxl=1"))
    source = hxl.data(str(tmp_path / "table.csv"), hxl.InputOptions(allow_local=True))
    tags = {column.header: column.display_tag for column in source.columns}
    told = {field.name: field.hxl for field in REGISTRY[name].fields}
    assert {n: t.split("+")[0] for n, t in tags.items() if t} == {
        n: t.split("+")[0] for n, t in told.items() if t
    }
    assert len(source.values) == len(table(client, f"/data/{name}.csv"))


@pytest.mark.parametrize("name", [dataset.name for dataset in REGISTRY])
def test_a_companion_describes_every_column_and_nothing_of_it_stands_in_the_rows(client, demo, name):
    response = client.get(f"/data/{name}.csv")
    assert (
        response["Link"]
        == f'</data/{name}.csv-metadata.json>; rel="describedby"; type="application/csvm+json"'
    )
    # Read to its end: rows that wait would be asked for in the middle of another test.
    assert response.getvalue()
    told = json.loads(body(client, f"/data/{name}.csv-metadata.json"))
    assert told["url"] == f"http://testserver/data/{name}.csv"
    columns = told["tableSchema"]["columns"]
    assert [column["name"] for column in columns] == list(REGISTRY[name].names)
    assert all(column["dc:description"] for column in columns)
    assert told["tableSchema"]["primaryKey"] == list(REGISTRY[name].key)


def test_what_is_never_empty_is_never_empty_and_a_code_is_one_of_its_choices(client, demo):
    for dataset in REGISTRY:
        for row in table(client, f"/data/{dataset.name}.csv"):
            for field in dataset.fields:
                assert row[field.name] or not field.is_required, (dataset.name, field.name)
                if field.choices and row[field.name]:
                    assert row[field.name] in field.choices, (dataset.name, field.name)


# --- What pages show ------------------------------------------------------------------------------


def test_the_figures_of_a_page_stand_in_its_data(client, demo):
    page = words(client.get("/operations/peru/2020/"))
    people = {row["type"]: row["people"] for row in table(client, "/operations/peru/2020/population.csv")}
    assert f"{int(people['']):,} people at the end of 2020" in page
    budgets = [
        r["amount_usd"]
        for r in table(client, "/operations/peru/2020/finance.csv")
        if r["measure"] == "budget"
    ]
    assert any(f"{round(Decimal(amount) / 10**6, 1)} million" in page for amount in budgets)
    for figure in table(client, "/operations/peru/2020/key-figures.csv"):
        if figure["kind"] == "year_end" and figure["language"] == "en":
            assert figure["value"] in page
            assert figure["text"] in page
    every = json.loads(body(client, "/operations/peru/2020.json"))
    assert set(every) == {
        "meta",
        "population",
        "finance",
        "key-figures",
        "texts",
        "offices",
        "editions",
        "contributions",
    }
    assert {row["year"] for row in every["finance"]} == {2020}
    book = openpyxl.load_workbook(io.BytesIO(body(client, "/operations/peru/2020.xlsx")))
    assert len(book.sheetnames) == 8
    long = table(client, "/operations/peru/2020.csv")
    assert {row["number"] for row in long if row["table"] == "population"} == set(people.values())


def test_a_list_and_its_data_have_the_same_rows_in_the_same_order(client, demo):
    for query in ("", "?year=2019&region=AME", "?q=o&sort=-budget", "?kind=country&size=budget-10000000"):
        rows = table(client, f"/operations.csv{query}")
        page = client.get(f"/operations/{query}")
        shown = [row.profile.code for group in page.context["regions"] for row in group.rows]
        assert sorted(row["operation"] for row in rows) == sorted(shown)
        if "sort" in query:
            assert [row["operation"] for row in rows] == shown


def test_the_sums_of_contributions_equal_the_page(client, demo):
    for query in ("", "?year=2021", "?donor=germany", "?kind=private", "?q=japan"):
        total = sum(Decimal(row["amount_usd"]) for row in table(client, f"/contributions.csv{query}"))
        page = client.get(f"/contributions/{query}")
        assert total == page.context["total"]
        by_day = table(client, f"/contributions/days.csv{query}")
        assert sum(Decimal(row["amount_usd"]) for row in by_day) == total
    ranking = client.get("/donors/").context["ranking"]
    rows = table(client, "/donors.csv")
    assert [Decimal(row["amount_usd"]) for row in rows] == [row.line.amount for row in ranking.rows]


def test_every_button_of_every_page_leads_to_a_file(client, demo):
    import re

    for page in ("/", "/operations/", "/operations/peru/2020/", "/operations/peru/2020/history/", "/regions/ame/",
                 "/compare/?with=peru-2020", "/contributions/?year=2021", "/donors/", "/donors/germany/", "/data/",
                 "/fr/operations/peru/2020/?as_of=2021-11-25", "/editions/1/", "/operations/chad/2017/pillars/"):  # fmt: skip
        response = client.get(page)
        if response.status_code != 200:
            continue
        links = set(re.findall(r'href="([^"]+)" download', response.content.decode()))
        assert links, page
        for link in links - {link for link in links if ".png" in link}:
            body(client, link.replace("&amp;", "&"))


# --- What is asked for and not there --------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "parameter"),
    [
        ("/contributions.csv?year=1800", "year"),
        ("/contributions.json?foo=1", "foo"),
        ("/contributions.xlsx?donor=nobody", "donor"),
        ("/data/population.csv?operation=nowhere", "operation"),
        ("/data/population.csv?year=20x1", "year"),
        ("/data/finance.json?measure=money", "measure"),
        ("/data/changes.csv?since=yesterday", "since"),
        ("/data/offices.csv?region=XX", "region"),
        ("/operations.csv?kind=moon", "kind"),
        ("/operations.csv?year=1999", "year"),
    ],
)
def test_a_filter_that_cannot_be_met_is_refused_in_words(client, demo, address, parameter):
    response = client.get(address)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    said = json.loads(response.content)
    assert said["parameter"] == parameter
    assert len(said["detail"]) > 10


def test_a_table_that_is_none_is_not_found(client, demo):
    for address in ("/data/nothing.csv", "/operations/nowhere/2020.csv", "/operations/peru/2020/nothing.csv",
                    "/donors/nobody.csv", "/regions/zz.csv", "/editions/99999.json"):  # fmt: skip
        assert client.get(address).status_code == 404, address


def test_a_file_of_the_past_says_what_was_public_then(client, demo):
    then = table(client, "/data/editions.csv?as_of=2018-06-01")
    assert len(then) < len(table(client, "/data/editions.csv"))
    meta = json.loads(body(client, "/data/editions.json?as_of=2018-06-01"))["meta"]
    assert meta["shows"].startswith("2018-06-01")


# --- And back again -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [dataset.name for dataset in REGISTRY if dataset.imported_as])
@pytest.mark.parametrize(
    ("ending", "form"), [("csv", PlainCSV), ("csv?hxl=1", PlainCSV), ("xlsx", PlainXLSX)]
)
def test_a_file_of_the_demonstration_imported_again_changes_nothing(client, demo, name, ending, form):
    content = body(client, f"/data/{name}.{ending}")
    before = state()
    plan = taken_back(name, content, form)
    assert plan.counts["new"] == plan.counts["changed"] == plan.counts["in_error"] == 0
    assert plan.counts["unchanged"] > 0
    assert state() == before


def state() -> list[Any]:
    return [
        list(Contribution.objects.order_by("pk").values()),
        list(Donor.objects.order_by("pk").values()),
        list(Office.objects.order_by("pk").values()),
        Edition.objects.count(),
        ImportBatch.objects.count(),
    ]
