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
from operations.resources import TABLES as FIELD
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

OUR_FORM = "this site reads it"
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


def outcome(case: dict[str, Any], **options: Any) -> tuple[str, set, Any]:
    """What becomes of the file: “accept”, “reject_rows” or “reject_file”, the places of its errors, the plan."""
    try:
        dataset = read(case)
    except ValidationError as error:
        place = re.match(r"Line (\d+) has", error.messages[0])
        return "reject_file", {(int(place[1]), "")} if place and case["errors"] else set(), None
    resource = ContributionResource(**options)
    plan = resource.import_data(dataset, file_name=case["file"]).plan
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
    if case["id"] == "C004" and new_donors:  # the file has no column that says what its new donors are
        places = {place for place in places if place[1] != "donor_type"}
    if case["id"] == "C066":  # a line that does not fit its header is an error of the file
        assert (got, places) == ("reject_file", expected)
    else:
        assert (got, places) == (case["expect"], expected)
    assert Contribution.objects.count() == stored + case["created_if_strict"]
    if got == "accept":
        assert plan.unchanged == case["already_present"]


ANY_FILE = [FOLDER / case["file"] for case in TABLES] + sorted(
    path for path in (FOLDER.parent / "messy").glob("*") if path.suffix != ".md"
)


@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in ANY_FILE])
def test_no_file_breaks_or_holds_up_the_site(path, db):
    """With the limits as they are set by default, and as a file of any table and of either format."""
    before = machine.getrusage(machine.RUSAGE_SELF).ru_maxrss
    raw = path.read_bytes()
    for file_format in (PlainCSV(), PlainXLSX()):
        started = time.monotonic()
        try:
            dataset = file_format.create_dataset(raw)
        except ValidationError:
            continue
        assert dataset.lines == sorted(set(dataset.lines))
        for resource in (
            ContributionResource(new_donors=True, round_to_cents=True),
            *(t() for t in FIELD.values()),
        ):
            plan = resource.import_data(dataset, dry_run=True).plan
            assert plan.rows == len(dataset) or plan.errors[0].line == 1
            assert all(
                error.message.endswith((".", "?")) and len(error.message) < 1500 for error in plan.errors
            )
        assert time.monotonic() - started < 10
    assert machine.getrusage(machine.RUSAGE_SELF).ru_maxrss - before < 300 * 1024


def test_private_columns_are_named_and_not_taken(known):
    known(CASES["C074"])
    _got, _places, plan = outcome(CASES["C074"])
    assert plan.left_out == ["donor_email", "iban"]
    assert "jane@example.org" not in str(list(Contribution.objects.values()))


def test_donors_that_a_spreadsheet_would_run_are_stored_and_come_back_as_they_are(known):
    case = CASES["C090"]
    assert outcome(case, new_donors=True)[0] == "accept"
    names = [row["donor"] for row in case["rows"]]
    assert (
        list(Donor.objects.exclude(name_en="Private donors").order_by("pk").values_list("name_en", flat=True))
        == names
    )
    first = tuple(case["export_check"]["text_cells_must_not_start_with"])
    exported = ContributionResource().export()
    for row in csv.reader(PlainCSV().export_data(exported).splitlines()):
        assert not any(cell.startswith(first) for cell in row)
    for file_format in (PlainCSV, PlainXLSX):
        written = file_format().export_data(exported)
        dataset = file_format().read(written.encode() if isinstance(written, str) else written)
        plan = ContributionResource().import_data(dataset, dry_run=True).plan
        assert (plan.errors, plan.unchanged, plan.new, plan.changed) == ([], len(names), [], [])


# --- Rich text --------------------------------------------------------------------------------------


class Attributes(HTMLParser):
    def __init__(self, fragment: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.feed(fragment)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names += [name for name, _value in attrs]


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"{case['id']} {case['title']}") for case in FRAGMENTS]
)
def test_hostile_html_is_text_and_nothing_else(case):
    raw = (FOLDER / case["file"]).read_text(encoding="utf-8")
    started = time.monotonic()
    cleaned = clean_html(raw)
    assert time.monotonic() - started < case.get("limits", {}).get("max_seconds", 1)
    for pattern in case["must_not_match"]:
        if pattern == "@no-on-attrs":
            assert not [name for name in Attributes(cleaned).names if name.startswith("on")]
        else:
            assert not re.search(pattern, cleaned, re.IGNORECASE)
    shown = " ".join(html.unescape(re.sub(r"<[^>]*>", "", cleaned)).split())
    assert [text for text in case["must_contain_text"] if text not in shown] == []
    assert clean_html(cleaned) == cleaned
    if case["id"] == "H031":
        assert len(shown) == len(re.sub(r"<[^>]*>", "", raw).strip())  # stored whole, never cut
