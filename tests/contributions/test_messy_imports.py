"""The real awkward files of ``../shared/data/messy``, imported by mapping alone, and imported again.

Those files are no part of the project; where they are not at hand, these tests are left out.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

import pytest
import time_machine
from django.urls import reverse
from django.utils.html import escape

from benchmarks.stock import ours, table
from benchmarks.stock.cases import MESSY, MESSY_FILES, Reading
from contributions.importing import CannotImport, import_planned, read_file, receive
from contributions.models import Contribution, ImportBatch
from contributions.resources import ContributionResource
from operations.cells import read_amount
from tests import factories

pytestmark = [
    pytest.mark.skipif(not MESSY, reason=f"{MESSY_FILES.parent.name}/{MESSY_FILES.name} is not at hand"),
    pytest.mark.django_db,
]

IMPORTED = [reading for reading in MESSY.values() if not reading.why and reading.sums]


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False):
        yield


def read(batch: ImportBatch) -> ImportBatch:
    read_file(batch, ContributionResource())
    return batch


def ours_of_the_table() -> dict[str, str]:
    """Of each reading in the table of docs/import.md, what it says of this site."""
    rows = {cells[0]: cells[3] for cells in table.rows(table.DOCUMENT.read_text(encoding="utf-8"))}
    return {reading: rows[table.plain(reading)] for reading in MESSY}


def test_what_is_not_imported_is_said_in_the_table():
    said = {reading.id: table.plain(reading.why) for reading in MESSY.values() if reading.why}
    assert {name: text for name, text in ours_of_the_table().items() if name in said} == said


@pytest.mark.parametrize("reading", [pytest.param(r, id=r.id) for r in IMPORTED])
def test_a_real_file_is_imported_by_mapping_alone_and_the_second_time_changes_nothing(reading):
    for question in reading.asked:
        asking = read(ours.receive_reading(reading, without=question))
        assert [q["name"] for q in asking.plan["survey"]["questions"]] == [question]
    refused = ours.no_contributions(reading)
    if refused:
        errors = read(ours.receive_reading(reading, refused=False)).problems.values_list("line", flat=True)
        assert sorted(set(errors)) == [line for line, _record in refused]

    batch = read(ours.receive_reading(reading))
    assert (batch.state, list(batch.problems.values_list("line", "message"))) == ("planned", [])

    # Every record of the file is a line, or was left out for a reason that was given.
    first = reading.expected[0]
    lines = sum(count for count, _sum in reading.sums.values()) - len(refused)
    counts, records = batch.counts, int(first["data_records"]) - reading.blank
    assert (counts["new"], counts["in_error"], counts["rows"]) == (lines, 0, records)
    assert counts["left_out"] == int(first["rejected"]) - reading.blank + len(refused)

    outcome = ours.finish(batch)
    assert ours_of_the_table()[reading.id] == table.shown_reading(reading, outcome)
    found: dict[str, list[Decimal]] = defaultdict(list)
    for _date, _donor, _operation, amount, currency, _reference in outcome.lines:
        found[currency].append(amount)
    fine = "amount" not in reading.mapping.values() and reading.options.get("round_to_cents")
    if fine:  # the sum of the file is exact, that of the books is of cents
        exact = Decimal(batch.totals["in_file_usd"])
        assert exact.quantize(Decimal("0.01"), ROUND_HALF_UP) == reading.sums["USD"][1]
        assert exact + Decimal(batch.totals["rounding_difference_usd"]) == sum(found["USD"])
    else:
        without = sum(read_amount(record[first["amount_field"]], decimal=",") for _line, record in refused)
        sums = {code: sum(amounts) for code, amounts in found.items()}
        assert sums == {
            code: total - without * (code == "USD") for code, (_count, total) in reading.sums.items()
        }
    negative = sum(amount < 0 for amounts in found.values() for amount in amounts)
    assert negative == int(first["negative_rows"])
    assert span([day for day, *_rest in outcome.lines], reading, refused) == (
        min(line["min_date"] for line in reading.expected) or first["min_date"],
        max(line["max_date"] for line in reading.expected),
    )

    before = list(Contribution.objects.order_by("pk").values())
    again = read(ours.receive_reading(reading))
    assert (again.counts["unchanged"], again.counts["new"], again.counts["changed"]) == (lines, 0, 0)
    ours.finish(again)
    assert again.state == ImportBatch.State.KNOWN
    assert list(Contribution.objects.order_by("pk").values()) == before


def span(days: list[str], reading: Reading, refused: list[tuple[int, dict[str, str]]]) -> tuple[str, str]:
    """The first and the last day, as long as EXPECTED.csv has them; those of refused lines count there too."""
    length = len(reading.expected[0]["min_date"])
    header = next((header for header, column in reading.mapping.items() if column == "date"), "")
    days = days + [record[header] for _line, record in refused]
    return min(days)[:length], max(days)[:length]


def test_numbers_glued_to_html_are_thirty_errors_and_nothing_of_them_is_rendered(client):
    reading = next(reading for reading in MESSY.values() if reading.expected[0]["importable"] == "0")
    batch = read(ours.receive_reading(reading))
    problems = list(batch.problems.order_by("line").values_list("line", "column", "value", "message"))
    assert [problem[0] for problem in problems] == list(range(2, 32))
    assert {problem[1] for problem in problems} == {"amount_usd"}
    assert all("is not a number" in message or "too long" in message for *_place, message in problems)
    assert any("<b>" in value for _line, _column, value, _message in problems)
    assert (batch.state, batch.counts["in_error"], batch.counts["new"]) == ("planned", 30, 0)
    with pytest.raises(CannotImport):
        import_planned(batch, None)
    assert Contribution.objects.count() == 0

    client.force_login(factories.user("root", is_superuser=True))
    page = client.get(reverse("admin:contributions_importbatch_change", args=[batch.pk]), follow=True)
    shown = page.content.decode()
    assert page.status_code == 200
    cell = next(value for _line, _column, value, _message in problems if "<b>" in value)
    assert escape(cell) in shown and cell not in shown


def test_a_table_of_people_or_of_expenditure_is_read_and_is_no_import_of_contributions():
    for reading in MESSY.values():
        if not reading.why or reading.file.startswith("16_"):
            continue
        batch = read(receive(reading.path.read_bytes(), reading.file, None))
        assert batch.state == ImportBatch.State.ASKING
        assert "donor" in [question["name"] for question in batch.plan["survey"]["questions"]]
