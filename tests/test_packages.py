"""The whole site as data: a package of all that is released, and a site made of it that has the same pages."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection

from contributions.models import Contribution, Donor
from operations.datasets import REGISTRY
from operations.editions import record, release
from operations.models import Agency, Edition, Narrative, Operation
from tests import factories
from tests.public_pages import pages_of_a_correction, pages_of_a_gift, pages_of_a_withdrawal

pytestmark = pytest.mark.django_db
WORLD = Path(__file__).parents[2] / "shared" / "data" / "world"
LOC = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"


def exported(folder: Path) -> dict[str, Any]:
    call_command("export_data", folder, verbosity=0, stdout=open("/dev/null", "w"))  # noqa: SIM115
    return json.loads((folder / "datapackage.json").read_text())


def emptied() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else what waits to be checked bars the emptying
    call_command("flush", interactive=False, verbosity=0)
    cache.clear()
    Agency.keep(Agency(), seconds=1_000_000)


def pages(client, some: int = 1) -> dict[str, tuple[int, str]]:
    """What readers get: every page of the sitemap (or each so manyth), in its languages, of today and of the past."""
    listed = [loc.text or "" for loc in ElementTree.fromstring(client.get("/sitemap.xml").content).iter(LOC)]
    found = [address.removeprefix("http://testserver") for address in listed][::some]
    found += [f"/editions/{pk}/" for pk in range(1, 70)][:: min(some, 5)]
    found += [f"{address}?as_of=2019-06-01" for address in found if address.startswith("/operations/")][::3]
    found += ["/search/?q=peru", "/contributions/?q=japan", "/contributions/?kind=private",
              "/feeds/releases.atom", "/sitemap.xml", "/operations/south-sudan/"]  # fmt: skip
    found += [f"/data/{dataset.name}.csv" for dataset in REGISTRY]
    return {address: answer(client, address) for address in found}


def answer(client, address: str) -> tuple[int, str]:
    response = client.get(address)
    return response.status_code, re.sub(r'nonce[-="]+[\w+/=-]+', "", response.getvalue().decode())


def test_a_site_made_of_a_package_has_the_same_pages_byte_for_byte(client, loaded_demo, settings, tmp_path):
    settings.DEMO = True
    pages_of_a_correction(), pages_of_a_withdrawal(), pages_of_a_gift()
    private = [factories.donor(f"Ms {name}", kind="private", is_class=False, country="JP") for name in "ABC"]
    batch = factories.batch()
    for donor in private:
        factories.contribution(donor, batch=batch, amount_usd=Decimal("10.00"))
    from contributions import private_sums

    private_sums.make()
    agency = Agency.objects.create(
        name_en="Relief Agency", colour="#0b5cad", licence="CC BY 4.0", contact="a@example.org"
    )
    Agency.keep(agency, seconds=1_000_000)
    before = pages(client, 4)
    exported(tmp_path / "package")
    everything = b"".join(path.read_bytes() for path in (tmp_path / "package").rglob("*") if path.is_file())
    assert b"Ms A" not in everything
    emptied()
    assert client.get("/operations/peru/2020/").status_code == 404
    call_command("import_data", tmp_path / "package", verbosity=0)
    Agency.keep(Agency.objects.get(), seconds=1_000_000)
    after = pages(client, 4)
    assert [address for address in before if before[address] != after.get(address)] == []
    assert before.keys() == after.keys()
    # Staff go on from there: nothing changed, and the next edition gets the next number.
    peru, newest = Operation.objects.get(code="PER"), Edition.objects.order_by("-pk").first()
    assert record(peru, None).is_released()
    peru.notice_en = "New."
    peru.save()
    assert release(peru, None).pk > newest.pk


def test_the_package_is_described_as_frictionless_says(client, loaded_demo, tmp_path):
    package = exported(tmp_path / "package")
    assert {resource["name"] for resource in package["resources"]} >= {dataset.name for dataset in REGISTRY}
    for resource in package["resources"]:
        content = (tmp_path / "package" / resource["path"]).read_bytes()
        assert resource["bytes"] == len(content)
        assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        if resource["format"] != "csv":
            continue
        [head, *rows] = csv.reader(content.decode().splitlines(keepends=True))
        fields = resource["schema"]["fields"]
        assert head == [field["name"] for field in fields]
        assert all(field["description"] for field in fields)
        places = [head.index(name) for name in resource["schema"]["primaryKey"]]
        assert len({tuple(row[place] for place in places) for row in rows}) == len(rows)
        for row in rows:
            for cell, field in zip(row, fields, strict=True):
                check_cell(cell, field)


def check_cell(cell: str, field: dict[str, Any]) -> None:
    bounds = field.get("constraints", {})
    assert cell or not bounds.get("required"), field
    if not cell:
        return
    assert "enum" not in bounds or cell in bounds["enum"]
    read = {"integer": int, "number": Decimal, "year": int, "date": dt.date.fromisoformat,
            "datetime": dt.datetime.fromisoformat, "boolean": ["true", "false"].index, "string": str}  # fmt: skip
    read[field["type"]](cell)


def test_nothing_that_is_not_released_is_in_a_package(loaded_demo, tmp_path):
    hidden = factories.operation("HID", name_en="Hidden Land")
    factories.office(hidden, name="Hidden Town")
    record(hidden, None)
    text = Narrative.objects.filter(operation__slug="peru").first()
    section = text.sections.first()
    section.body += "<p>A sentence of the draft.</p>"
    section.save()
    record(text, None)
    gift = factories.donor("Mr Hidden", kind="private", is_class=False, country="JP")
    factories.contribution(gift, reference="HID1", operation=hidden)
    norway = Donor.objects.get(slug="norway")
    factories.contribution(norway, batch=factories.batch(released_at=None), reference="HID2")
    exported(tmp_path / "package")
    everything = b"".join(path.read_bytes() for path in (tmp_path / "package").rglob("*") if path.is_file())
    for word in (b"Hidden", b"HID", b"sentence of the draft"):
        assert word not in everything


def test_a_package_is_taken_whole_or_not_at_all(loaded_demo, tmp_path):
    folder = tmp_path / "package"
    exported(folder)
    with pytest.raises(CommandError, match="not empty"):
        call_command("export_data", folder)
    with pytest.raises(CommandError, match="taken by an empty one"):
        call_command("import_data", folder)
    emptied()
    with pytest.raises(CommandError, match="no data package"):
        call_command("import_data", tmp_path)
    lines = folder / "archive" / "lines.jsonl"
    lines.write_text(lines.read_text().replace("Germany", "Germania").replace("0.00", "1.00", 1))
    with pytest.raises(CommandError, match="not as it was written"):
        call_command("import_data", folder)
    lines.unlink()
    with pytest.raises(CommandError, match="has no file"):
        call_command("import_data", folder)
    assert not Operation.objects.exists()


def test_readers_find_the_package_of_the_night_as_one_file(client, loaded_demo, settings, tmp_path):
    assert client.get("/data/archive.zip").status_code == 404
    with pytest.raises(CommandError, match="DATA_ARCHIVE"):
        call_command("export_data")
    settings.DATA_ARCHIVE = tmp_path / "public" / "openfield.zip"
    call_command("export_data", verbosity=0)
    assert 'href="/data/archive.zip"' in client.get("/data/").content.decode()
    assert client.get("/data/archive.zip").getvalue()[:4] == b"PK\x03\x04"
    assert [path.name for path in (tmp_path / "public").iterdir()] == ["openfield.zip"]


@pytest.mark.skipif(not WORLD.exists(), reason="needs the shared data of the world")
def test_the_world_taken_out_and_in_again_is_equal(client, tmp_path):
    quiet = {"verbosity": 0}
    call_command("import_table", "operations", WORLD / "operations.csv", release=True, **quiet)
    finance = WORLD / "budget_expenditure_2016_2021.csv"
    call_command("import_table", "finance", finance, round_to_cents=True, release=True, **quiet)
    lines = WORLD / "contributions_2016_2021.csv"
    call_command("import_contributions", lines, round_to_cents=True, new_donors=True, **quiet)
    total = sum(Contribution.objects.released().values_list("amount_usd", flat=True))
    first = exported(tmp_path / "first")
    before = {
        address: answer(client, address)
        for address in ("/", "/operations/", "/contributions/?year=2021", "/donors/")
    }
    emptied()
    call_command("import_data", tmp_path / "first", **quiet)
    assert {address: answer(client, address) for address in before} == before
    assert sum(Contribution.objects.released().values_list("amount_usd", flat=True)) == total
    second = exported(tmp_path / "second")
    same = [{r["name"]: r["hash"] for r in package["resources"]} for package in (first, second)]
    assert {name for name in same[0] if same[0][name] != same[1][name]} == set()
