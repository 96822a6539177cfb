"""A case through Openfield's own import: read, its questions answered as the case says, planned and imported."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.utils import timezone

from contributions.deciding import decide_all
from contributions.importing import import_planned, read_file, receive
from contributions.models import Contribution, Donor, ImportBatch
from contributions.resources import ContributionResource
from operations.cells import clean_name, fold_name, read_amount
from operations.models import Operation
from operations.reading import open_table

from .cases import ACCEPT, BAD, FILE, POLICY, ROWS, Line, Outcome, Reading, folded

# What each mapping of EXPECTED.json says of a file; the rest is found out, or asked.
READINGS = {
    "flat": {"layout": "flat"},
    "flat_dmy": {"layout": "flat"},
    "flat_eu": {"layout": "flat"},
    "grouped": {"layout": "grouped"},
    "seed_text": {"layout": "block"},
}
ANSWERS = {
    "flat": {"dates": "plain", "decimal": "."},
    "flat_dmy": {"dates": "dmy", "decimal": "."},
    "flat_eu": {"dates": "plain", "decimal": ","},
    "grouped": {"dates": "plain", "decimal": "."},
    "seed_text": {"dates": "plain", "decimal": "."},
}
CONSTANTS = {"seed_text": {"operation": "Peru", "currency": "USD"}}
KEPT = ["dates", "decimal", "footer", "total", "repeated_header"]
CODES = {
    "footnote": "donor_footnote",
    "formula": "donor_formula_like",
    "scripts": "donor_mixed_script",
}
LIMITS = {"most_rows": POLICY["limits"]["rows"], "most_bytes": POLICY["limits"]["file_bytes"]} if BAD else {}


def make_operations() -> None:
    """Those of the policy, and the class of all private donors."""
    Operation.objects.bulk_create(
        Operation(code=f"O{n}", slug=f"o{n}", name_en=name, kind=Operation.Kind.COUNTRY)
        for n, name in enumerate(POLICY["operations"])
    )
    Donor.objects.create(name_en="Private donors", kind=Donor.Kind.PRIVATE, slug="private-donors")


def know_donors(rows: Iterable[dict[str, str]]) -> None:
    """Make the donors that the rows name, where there are none yet; of private donors, their country."""
    known = {fold_name(name) for name in Donor.objects.values_list("name_en", flat=True)}
    made: list[Donor] = []
    for row in rows:
        name = clean_name(row["donor"])[0]
        private_in = re.fullmatch(r"private donors in (.+)", name)
        name = private_in[1] if private_in else name
        if fold_name(name) in known:
            continue
        known.add(fold_name(name))
        is_private = row["donor_type"] == "private" and not private_in
        kind = Donor.Kind.PRIVATE if is_private else Donor.Kind.GOVERNMENT
        made.append(Donor(name_en=name, kind=kind, slug=f"d{len(known)}", may_be_named=not is_private))
    Donor.objects.bulk_create(made)


def run(case: dict[str, Any], path: Path, *, new_donors: bool = False) -> tuple[Outcome, ImportBatch]:
    mapping = case["mapping"]
    options: dict[str, Any] = {"new_donors": new_donors, "constants": CONSTANTS.get(mapping, {})}
    batch = receive(path.read_bytes(), path.name, None, reading=dict(READINGS[mapping]), options=options)
    asked = read(batch)
    wanted = ANSWERS[mapping]
    if batch.state == ImportBatch.State.ASKING or not agrees(batch.options, wanted):
        batch.options |= wanted | {"answered": KEPT}
        batch.state = ImportBatch.State.NEW
        read(batch)
    return finish(batch, asked), batch


def read(batch: ImportBatch) -> list[str]:
    """What is asked."""
    read_file(batch, ContributionResource(), **LIMITS)
    if batch.state != ImportBatch.State.ASKING:
        return []
    return [question["name"] for question in batch.plan["survey"]["questions"]]


def agrees(found: dict[str, Any], wanted: dict[str, str]) -> bool:
    """Whether what was found out is what the case says, or says nothing."""
    return all(not found.get(name) or found[name] == wanted[name] for name in wanted)


def finish(batch: ImportBatch, asked: list[str] | None = None) -> Outcome:
    """Import what was planned without errors; what became of the file."""
    outcome = Outcome(ACCEPT, asked=asked or [])
    if batch.state == ImportBatch.State.FAILED:
        outcome.state, outcome.said = FILE, batch.problem
        if place := re.match(r"Line (\d+) has", batch.problem):
            outcome.places = {(int(place[1]), "")}
        return outcome
    assert batch.state == ImportBatch.State.PLANNED, batch.plan["survey"]["questions"]
    outcome.warnings = warnings_of(batch)
    outcome.known, outcome.left_out = batch.counts["unchanged"], batch.counts["left_out"]
    outcome.places = set(batch.problems.values_list("line", "column"))
    if outcome.places:
        outcome.state = FILE if min(outcome.places)[0] <= 1 else ROWS
        outcome.said = batch.problems.first().message
        return outcome
    decide_all(batch)
    import_planned(batch, None, release_at=timezone.now())
    outcome.lines = [line_of(line) for line in stored(batch)]
    return outcome


def stored(batch: ImportBatch) -> Any:
    return (
        Contribution.objects.filter(batch=batch).select_related("donor", "operation").order_by("line", "pk")
    )


def line_of(line: Contribution) -> Line:
    operation = line.operation.name_en if line.operation else ""
    amount = line.amount_usd if line.amount is None else line.amount
    donor = folded(line.donor.name_en)
    return (line.date.isoformat(), donor, operation, amount, line.currency, line.reference.casefold())


def warnings_of(batch: ImportBatch) -> set[tuple[int, str, str]]:
    """As EXPECTED.json names them; a repeated line and a sheet that is left out have no line with us."""
    plan = batch.plan
    found = {(line, column, CODES[code]) for code, line, column, _value, _said in plan["warnings"]}
    found |= {(1, header, "column_unknown") for header in plan["left_out"]}
    found |= {(0, "", "row_possible_duplicate")} if plan["repeated"] else set()
    found |= {(0, "", "sheet_ignored")} if any("only “" in note for note in plan["notes"]) else set()
    return found


# --- The awkward files ------------------------------------------------------------------------------

HALF_A_CENT = Decimal("0.005")


def receive_reading(reading: Reading, *, without: str = "", refused: bool = True) -> ImportBatch:
    """Its batch with what a person decided: but for the answer to one question, or with what is no contribution."""
    options, how = reading.decided(refused=refused), dict(reading.reading)
    if without == "footer":
        how["leave_out"] = []
    elif without:
        del options["constants"][without]
    given = {"mapping": dict(reading.mapping), "options": options, "reading": how}
    return receive(reading.path.read_bytes(), reading.file, None, **given)


def run_reading(reading: Reading) -> Outcome:
    batch = receive_reading(reading)
    read_file(batch, ContributionResource())
    return finish(batch)


def no_contributions(reading: Reading) -> list[tuple[int, dict[str, str]]]:
    """The lines that EXPECTED.csv counts and that are no contributions here: an amount of zero, no donor."""
    if not reading.refused:
        return []
    table = open_table(reading.path)
    records = [(line, dict(zip(table.headers, row, strict=True))) for line, row in table.rows()]
    return [
        (line, record)
        for line, record in records
        if any(record[header] in cells for header, cells in reading.refused.items())
        and all(record[header] not in cells for header, cells in reading.other.items())
    ]


def wanted_sums(reading: Reading) -> dict[str, tuple[int, Decimal]]:
    """Lines and sum by currency, without what is no contribution."""
    sums = dict(reading.sums)
    header = reading.expected[0]["amount_field"]
    given = next((header for header, column in reading.mapping.items() if column == "currency"), "")
    for _line, record in no_contributions(reading):
        code = record[given] if given else next(iter(sums))
        count, total = sums[code]
        sums[code] = (count - 1, total - (read_amount(record[header], decimal=",") or 0))
    return sums
