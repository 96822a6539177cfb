"""The hostile and broken files of ``../shared/data/bad-input``, each with the outcome that is expected of it.

Those files are no part of the project; where they are not at hand, these tests are left out.
"""

from __future__ import annotations

import csv
import datetime as dt
import html
import re
import resource as machine
import time
from decimal import Decimal
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError

from benchmarks.stock import ours, table
from benchmarks.stock.cases import (
    ACCEPT,
    BAD,
    BAD_INPUT,
    DATA,
    FILE,
    MESSY,
    MESSY_FILES,
    ROWS,
    Outcome,
    expected_of,
)
from benchmarks.stock.table import shown
from contributions.importing import read_file, receive, same_file
from contributions.models import Contribution, Donor, ImportBatch
from contributions.resources import ContributionResource
from operations.resources import TABLES as FIELD
from operations.richtext import clean_html
from operations.tables import PlainCSV, PlainXLSX

FRAGMENTS = [case for case in DATA["cases"] if case["group"] == "html"]

pytestmark = pytest.mark.skipif(not BAD, reason=f"{BAD_INPUT.parent.name}/{BAD_INPUT.name} is not at hand")

# They do not say what each of their donors is, which has to be said of a new one.
WITHOUT_CLASSES = {"C002", "C003", "C004"}
# What is told of the file and not of a line.
OF_THE_FILE = {"row_possible_duplicate", "sheet_ignored"}


@pytest.fixture
def site(db):
    """The site of the policy: its operations and its day."""
    ours.make_operations()
    with time_machine.travel(f"{DATA['policy']['today']}T12:00:00Z", tick=False):
        yield


def known(*cases: dict[str, Any]) -> None:
    """The donors of the cases, and the usual ones."""
    ours.know_donors(row for case in (BAD["C001"], BAD["C003"], BAD["C007"], *cases) for row in case["rows"])


def imported(case: dict[str, Any], **options: Any) -> tuple[Outcome, ImportBatch]:
    return ours.run(case, BAD_INPUT / case["file"], **options)


@pytest.mark.parametrize("new_donors", [False, True], ids=["known donors", "new donors"])
@pytest.mark.parametrize("case", [pytest.param(c, id=f"{c['id']} {c['title'][:60]}") for c in BAD.values()])
def test_the_file_is_taken_or_refused_as_expected(case, new_donors, site):
    for before in case["setup"]:
        known(BAD[before])
        assert imported(BAD[before])[0].state == ACCEPT
    expected = expected_of(case)
    if not new_donors:
        known(case, BAD["C001"])
    before = Contribution.objects.count()

    outcome, batch = imported(case, new_donors=new_donors)

    if case["id"] in WITHOUT_CLASSES and new_donors:
        assert {place for place in outcome.places if place[1] != "donor_type"} == expected.places
        assert (outcome.state, Contribution.objects.count()) == (ROWS, 0)
        return
    assert (outcome.state, outcome.places if expected.state != FILE or expected.places else set()) == (
        expected.state,
        expected.places,
    )
    assert sorted(outcome.lines) == sorted(expected.lines)
    assert Contribution.objects.count() == before + len(expected.lines)
    assert outcome.known == expected.known
    if not expected.why:
        assert len(outcome.lines) == case["created_if_strict"]
        assert warned(outcome.warnings) == warned(
            {(w["line"], w["column"], w["code"]) for w in case["warnings"]}
        )
    if outcome.state != FILE and not expected.why:  # no line is lost: each is valid, or an error, or blank
        assert batch.counts["rows"] == case["valid_rows"] + case["error_rows"]
    if outcome.state == ROWS and expected.places == expected_of(case, as_given=True).places:
        assert valid(batch) == (
            case["valid_rows"],
            {c: Decimal(sum_) for c, sum_ in case.get("totals", {}).items()},
        )
    if expected.state == ACCEPT and not new_donors:
        again, batch = imported(case)
        assert (again.lines, again.known, batch.state) == (
            [],
            len(expected.lines) + expected.known,
            ImportBatch.State.KNOWN,
        )
    if not new_donors:
        assert shown(case, outcome) == ours_of_the_table().get(case["id"])


def valid(batch: ImportBatch) -> tuple[int, dict[str, Decimal]]:
    """The lines without errors, and their sums by currency."""
    sums: dict[str, Decimal] = {}
    for line in batch.staged.all():
        amount = line.amount_usd if line.amount is None else line.amount
        sums[line.currency] = sums.get(line.currency, Decimal(0)) + amount
    return batch.staged.count(), sums


def warned(warnings: set[tuple[int, str, str]]) -> set[tuple[int, str, str]]:
    return {(0, "", code) if code in OF_THE_FILE else (line, column, code) for line, column, code in warnings}


@cache
def ours_of_the_table() -> dict[str, str]:
    """Of each case of the table in docs/import.md, what it says of this site."""
    return {cells[0]: cells[3] for cells in table.rows(table.DOCUMENT.read_text(encoding="utf-8"))}


def test_the_table_has_a_row_for_each_case_and_no_other():
    assert [*ours_of_the_table()] == [*BAD, *map(table.plain, MESSY)]


def test_what_the_file_proves_is_asked_or_told_and_never_decided_against_the_case(site):
    """Nobody answered: what is stored then is right, or nothing is."""
    known(*BAD.values())
    for case in BAD.values():
        batch = receive((BAD_INPUT / case["file"]).read_bytes(), case["file"], None)
        read_file(batch, ContributionResource(), **ours.LIMITS)
        if batch.state != ImportBatch.State.PLANNED or batch.plan["errors"] or batch.counts["changed"]:
            continue
        expected = expected_of(case)
        assert expected.state == ACCEPT, case["id"]
        staged = sorted(batch.staged.values_list("date", "amount_usd"))
        alone = BAD["C001"] if case["id"] == "C110" else case | {"setup": []}
        rows = sorted((dt.date.fromisoformat(line[0]), line[3]) for line in expected_of(alone).lines)
        assert staged == rows, case["id"]


def test_names_that_look_like_another_or_like_a_formula_are_told_in_the_preview_by_line(site):
    known(BAD["C090"], BAD["C094"])
    for case_id, said in (("C090", "begins like a formula"), ("C094", "(Cyrillic, Latin)")):
        _outcome, batch = imported(BAD[case_id])
        lines = [warning["line"] for warning in BAD[case_id]["warnings"]]
        notes = [note for note in batch.plan["notes"] if said in note]
        assert [note.partition(":")[0] for note in notes] == [f"Line {line}" for line in lines]
        assert BAD[case_id]["rows"][0]["donor"] in notes[0]


def test_the_very_file_is_known_by_its_bytes_under_another_name(site):
    known(BAD["C001"])
    imported(BAD["C001"])
    again = receive((BAD_INPUT / BAD["C110"]["file"]).read_bytes(), "another name.csv", None)
    assert same_file(again) == ImportBatch.objects.earliest("pk")


ANY_FILE = [BAD_INPUT / case["file"] for case in BAD.values()] + sorted(
    path for path in MESSY_FILES.glob("*") if path.suffix != ".md"
)


@pytest.mark.once
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


def test_private_columns_are_named_and_not_taken(site):
    known(BAD["C074"])
    _outcome, batch = imported(BAD["C074"])
    assert batch.plan["left_out"] == ["donor_email", "iban"]
    assert "jane@example.org" not in str(list(Contribution.objects.values()))


def test_donors_that_a_spreadsheet_would_run_are_stored_and_come_back_as_they_are(site):
    case = BAD["C090"]
    assert imported(case, new_donors=True)[0].state == ACCEPT
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
    raw = (BAD_INPUT / case["file"]).read_text(encoding="utf-8")
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
