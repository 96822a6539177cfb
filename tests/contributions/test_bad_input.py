"""The hostile and broken files of ``../shared/data/bad-input``, each with the outcome that is expected of it.

Those files are no part of the project; where they are not at hand, these tests are left out.
"""

from __future__ import annotations

import csv
import html
import json
import re
import resource as machine
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core.exceptions import ValidationError

from contributions.models import Contribution, Donor
from contributions.resources import ContributionResource
from operations.cells import clean_name, fold_name
from operations.models import Operation
from operations.richtext import clean_html
from operations.tables import PlainCSV, PlainXLSX
from tests import factories

FOLDER = Path(settings.BASE_DIR).parent / "shared" / "data" / "bad-input"
EXPECTED = FOLDER / "EXPECTED.json"
DATA = json.loads(EXPECTED.read_text(encoding="utf-8")) if EXPECTED.exists() else {"cases": [], "policy": {}}
CASES = {case["id"]: case for case in DATA["cases"]}
TABLES = [case for case in DATA["cases"] if case["file"].startswith(("csv/", "xlsx/"))]
FRAGMENTS = [case for case in DATA["cases"] if case["group"] == "html"]

pytestmark = pytest.mark.skipif(not CASES, reason=f"{FOLDER.parent.name}/{FOLDER.name} is not at hand")

OUR_FORM = "this site reads it, and says so in its preview"
NOT_YET = "for the import engine to come"

# What is not compared, and why.
LEFT_OUT = {
    "C002": f"mapping seed_text: {NOT_YET}",
    "C003": f"mapping grouped: {NOT_YET}",
    "C016": f"mapping flat_dmy: {NOT_YET}",
    "C032": f"mapping flat_eu: {NOT_YET}",
    "X011": f"mapping grouped: {NOT_YET}",
    "C060": f"the delimiter is detected: {OUR_FORM}",
    "X047": f"a header below blank lines is found: {OUR_FORM}",
    "C110": "the same file again is no error here: it changes nothing (see test_importing)",
    "C114": "a reference is no key: equal lines stay repeated, as in the agency's own books",
    "C118": "a reference is no key: two lines of one reference stay two",
    "X013": f"hidden columns: {NOT_YET}",
}
# Errors that are expected of another product, by line and column, and why they are none here.
NO_ERROR_HERE = {"operation": "a contribution may be for no operation: the source does not always say"}
# Errors that this site has in addition.
ERROR_HERE = {"C038": {(8, "amount")}}  # €5 needs its amount in US dollars beside it: column amount_usd


def read(case: dict[str, Any]) -> Any:
    path = FOLDER / case["file"]
    file_format = PlainXLSX() if path.suffix in {".xlsx", ".xlsm", ".xls"} else PlainCSV()
    return file_format.create_dataset(path.read_bytes())


def outcome(case: dict[str, Any], *, dry_run: bool = False, **options: Any) -> tuple[str, set, Any]:
    """What becomes of the file: “accept”, “reject_rows” or “reject_file”, the places of its errors, the plan."""
    try:
        dataset = read(case)
    except ValidationError as error:
        place = re.match(r"Line (\d+) has", error.messages[0])
        return "reject_file", {(int(place[1]), "")} if place and case["errors"] else set(), None
    resource = ContributionResource(**options)
    plan = resource.import_data(dataset, dry_run=dry_run, file_name=case["file"]).plan
    if any(error.line <= 1 for error in plan.errors):
        return "reject_file", set(), plan
    return (
        "reject_rows" if plan.errors else "accept",
        {(error.line, error.column) for error in plan.errors},
        plan,
    )


@pytest.fixture
def known(db, settings):
    """The site of the policy: its operations, its limits and its day; and the donors of a case."""
    limits = DATA["policy"]["limits"]
    settings.IMPORT_MAX_ROWS, settings.IMPORT_MAX_BYTES = limits["rows"], limits["file_bytes"]
    for number, name in enumerate(DATA["policy"]["operations"]):
        factories.operation(f"O{number}", name_en=name)

    usual = [row for name in ("C001", "C003", "C007") for row in CASES[name]["rows"]]

    def know_donors(case: dict[str, Any]) -> None:
        for row in usual + case["rows"]:
            name = clean_name(row["donor"])[0]
            match = re.fullmatch(r"private donors in (.+)", name)
            if match and not Donor.objects.filter(name_en=match[1]).exists():
                factories.donor(match[1])
            if not match and fold_name(name) not in {fold_name(d.name_en) for d in Donor.objects.all()}:
                factories.donor(
                    name, kind=row["donor_type"] if row["donor_type"] == "private" else "government"
                )

    factories.donor("Private donors", kind="private")
    with time_machine.travel(f"{DATA['policy']['today']}T12:00:00Z", tick=False):
        yield know_donors


@pytest.mark.parametrize("new_donors", [False, True], ids=["known donors", "new donors"])
@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"{case['id']} {case['title'][:60]}") for case in TABLES]
)
def test_the_file_is_taken_or_refused_as_expected(case, new_donors, known):
    if reason := LEFT_OUT.get(case["id"]):
        pytest.skip(reason)
    for before in case["setup"]:
        known(CASES[before])
        assert outcome(CASES[before])[0] == "accept"
    if not new_donors:
        known(case)
    stored = Contribution.objects.count()

    got, places, plan = outcome(case, new_donors=new_donors)

    expected = {
        (error["line"], error["column"])
        for error in case["errors"]
        if not (error["code"].endswith("_missing") and error["column"] in NO_ERROR_HERE)
    }
    expected |= ERROR_HERE.get(case["id"], set())
    if case["id"] == "C066":  # a line that does not fit its header is an error of the file
        assert (got, places) == ("reject_file", expected)
    else:
        assert (got, places) == (case["expect"], expected)
    assert Contribution.objects.count() == stored + case["created_if_strict"]
    if got == "accept":
        assert plan.unchanged == case["already_present"]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in TABLES])
def test_no_file_breaks_or_holds_up_the_site(case, db):
    """With the limits as they are set by default, and as a file of any table."""
    started, before = time.monotonic(), machine.getrusage(machine.RUSAGE_SELF).ru_maxrss
    outcome(case, dry_run=True, new_donors=True)
    assert time.monotonic() - started < 10
    assert machine.getrusage(machine.RUSAGE_SELF).ru_maxrss - before < 300 * 1024
