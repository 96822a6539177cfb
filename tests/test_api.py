"""The read-only API: what it answers, what it refuses, and that its document says so."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import time_machine
from django.conf import settings as site
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from config.wsgi import application
from operations.datasets import REGISTRY
from tests.data_files import table

pytestmark = pytest.mark.django_db


@pytest.fixture
def demo(loaded_demo, settings):
    settings.DEMO = True


def ask(client, address: str, status: int = 200, **headers: str) -> dict[str, Any]:
    response = client.get(address, headers=headers)
    assert response.status_code == status, (address, response.content[:400])
    assert response["Access-Control-Allow-Origin"] == "*"
    kind = "application/json" if status == 200 else "application/problem+json"
    assert response["Content-Type"] == kind
    return json.loads(response.content)


# --- The examples that readers are told -----------------------------------------------------------

DOC = (Path(site.BASE_DIR) / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```\nGET (\S+)\n```\n\n```json\n(.+?)\n```", DOC, re.DOTALL)


@pytest.mark.parametrize(("address", "said"), EXAMPLES)
def test_an_example_of_the_documentation_is_answered_as_it_stands_there(client, demo, address, said):
    said = json.loads(said)
    found = ask(client, address, said.get("status", 200))
    assert told(said, found) == said


def told(said: Any, found: Any) -> Any:
    """Of an answer what the example shows of it."""
    if isinstance(said, dict):
        return {name: told(value, found.get(name)) for name, value in said.items()}
    if isinstance(said, list) and said:
        return [told(*pair) for pair in zip(said, found, strict=False)]
    return found


def test_every_address_of_the_documentation_is_run(client, demo):
    assert len(EXAMPLES) == DOC.count("\nGET ") == 8
    page = client.get("/api/").content.decode()
    assert all(address.replace("&", "&amp;") in page for address, _said in EXAMPLES)


# --- Rows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [dataset.name for dataset in REGISTRY])
def test_the_pages_of_a_dataset_have_all_rows_of_its_file_once(client, demo, name):
    rows, address = [], f"/api/v1/{name}?limit=7"
    for _page in range(200):
        answer = ask(client, address)
        rows += answer["data"]
        if answer["next"] is None:
            break
        assert len(answer["data"]) == 7
        address = answer["next"].removeprefix("http://testserver")
    dataset = REGISTRY[name]
    of_file = json.loads(client.get(f"/data/{name}.json").getvalue())["data"]
    assert rows == of_file[: len(rows)]
    assert len(rows) == min(len(of_file), 1400)
    for row in rows[:3]:
        key = "~".join("" if row[n] is None else str(row[n]) for n in dataset.key)
        assert ask(client, f"/api/v1/{name}/{key}")["data"] == row


def test_rows_that_come_meanwhile_are_neither_lost_nor_twice(client, demo):
    first = ask(client, "/api/v1/contributions?limit=5")
    rest = ask(
        client, first["next"].removeprefix("http://testserver") + "&limit=1000".replace("&limit=1000", "")
    )
    ids = [row["id"] for row in first["data"] + rest["data"]]
    assert len(set(ids)) == len(ids)
    assert ids == [row["id"] for row in table(client, "/contributions.csv")][: len(ids)]


def test_names_come_in_the_language_that_is_asked_for(client, demo):
    address = "/api/v1/operation-years?operation=PER&year=2020&fields=name"
    assert ask(client, address)["data"] == [{"name": "Peru"}]
    assert ask(client, f"{address}&language=es")["data"] == [{"name": "Perú"}]
    french = client.get(address, headers={"accept-language": "de;q=0.9, fr;q=0.8"})
    assert (french["Content-Language"], french.json()["data"]) == ("fr", [{"name": "Pérou"}])
    assert "Accept-Language" in french["Vary"]


def test_nothing_changed_is_304_and_a_release_is_seen_at_once(client, demo):
    later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=10)
    with time_machine.travel(later, tick=False):
        first = client.get("/api/v1/population?operation=PER")
        assert {"ETag", "Last-Modified"} <= first.headers.keys()
        again = client.get("/api/v1/population?operation=PER", headers={"if-none-match": first["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        since = client.get(
            "/api/v1/population?operation=PER", headers={"if-modified-since": first["Last-Modified"]}
        )
        assert since.status_code == 304
    from operations.editions import release
    from operations.models import Operation

    with time_machine.travel(later + dt.timedelta(seconds=10), tick=False):
        peru = Operation.objects.get(code="PER")
        figure = peru.population_figures.filter(type__isnull=True).first()
        figure.people += 1
        figure.save()
        release(peru, None)
    with time_machine.travel(later + dt.timedelta(seconds=20), tick=False):
        new = client.get(
            "/api/v1/population?operation=PER",
            headers={"if-none-match": first["ETag"], "if-modified-since": first["Last-Modified"]},
        )
        assert new.status_code == 200
        assert new["Last-Modified"] > first["Last-Modified"]


def test_another_site_may_ask_from_a_browser(client, demo):
    response = client.options("/api/v1/operations", headers={"origin": "https://example.org"})
    assert response.status_code == 204
    assert response["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert client.head("/api/v1/operations").status_code == 200


# --- What is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "status", "parameter"),
    [
        ("/api/v1/nothing", 404, None),
        ("/api/v1/operations/XXX", 404, None),
        ("/api/v1/operations/", 404, None),
        ("/api/v1/operations/a%0Ab", 404, None),
        ("/api/v1/a/b/c/", 404, None),
        ("/api/v1/operations?colour=red", 400, "colour"),
        ("/api/v1/operations?kind=moon", 400, "kind"),
        ("/api/v1/operations?kind=country&kind=global", 400, "kind"),
        ("/api/v1/operations?operation=ZZZ", 404, "operation"),
        ("/api/v1/operations?operation=", 400, "operation"),
        ("/api/v1/operations?limit=0", 400, "limit"),
        ("/api/v1/operations?limit=1001", 400, "limit"),
        ("/api/v1/operations?limit=²", 400, "limit"),
        ("/api/v1/operations?fields=code,colour", 400, "fields"),
        ("/api/v1/operations?cursor=%20", 404, "cursor"),
        ("/api/v1/operations?cursor=QUJD", 404, "cursor"),
        ("/api/v1/contributions?cursor=QUJD", 404, "cursor"),
        ("/api/v1/operations?as_of=yesterday", 400, "as_of"),
        ("/api/v1/operations?language=tlh", 400, "language"),
        ("/api/v1/contributions?donor=nobody", 404, "donor"),
        ("/api/v1/contributions?date=2021-02-30", 400, "date"),
        ("/api/v1/population?operation=%00", 400, "operation"),
        ("/api/v1/contributions/%00", 404, None),
        ("/api/v1/contribution-days/2021-11-24~x~y~z", 404, None),
        ("/api/v1/search", 400, "q"),
        ("/api/v1/search?q=peru&page=0", 400, "page"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_sentence(client, demo, address, status, parameter):
    said = ask(client, address, status)
    assert (said["status"], said.get("parameter")) == (status, parameter)
    assert len(said["detail"]) > 15


def test_only_reading_is_answered(client, demo):
    for method in ("post", "put", "patch", "delete"):
        response = getattr(client, method)("/api/v1/operations")
        assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, OPTIONS")
        assert response.json()["status"] == 405


@pytest.mark.parametrize("name", [dataset.name for dataset in REGISTRY])
def test_the_cost_of_a_page_does_not_grow_with_its_rows(client, demo, name, django_assert_max_num_queries):
    client.get(f"/api/v1/{name}?limit=1")
    with django_assert_max_num_queries(80 if name == "changes" else 20):
        client.get(f"/api/v1/{name}?limit=1000")


# --- The document ---------------------------------------------------------------------------------


def test_the_document_has_every_dataset_and_describes_every_field(client, demo):
    document = ask(client, "/api/v1/openapi.json")
    assert document["openapi"] == "3.1.0"
    assert {f"/{dataset.name}" for dataset in REGISTRY} < document["paths"].keys()
    start = ask(client, "/api/v1/")
    assert [one["name"] for one in start["datasets"]] == [dataset.name for dataset in REGISTRY]
    for schema in document["components"]["schemas"].values():
        for name, field in schema["properties"].items():
            assert field.get("description") or name in ("type", "title", "status", "url", "datasets", "search",
                                                        "openapi", "meta")  # fmt: skip


@pytest.fixture
def schema(demo):
    # A request must not close the connection that has the demonstration, in a transaction, behind it.
    ends = (request_started, request_finished)
    for signal in ends:
        signal.disconnect(close_old_connections)
    yield schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
    for signal in ends:
        signal.connect(close_old_connections)


ADDRESSES = ["/", "/openapi.json", "/search"] + [
    f"/{dataset.name}{key}" for dataset in REGISTRY for key in ("", "/{key}")
]


@pytest.mark.once
@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("address", ADDRESSES)
def test_the_running_site_keeps_to_its_document(schema, address, mode):
    """Every check of schemathesis, with what the document allows and with what it does not."""
    operation = schema[address]["GET"]
    try:
        cases = operation.as_strategy(generation_mode=mode)

        @settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(cases)
        def ask_all(case):
            case.call_and_validate(headers={"Accept-Encoding": "identity"})  # the checker unpacks nothing

        ask_all()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE
