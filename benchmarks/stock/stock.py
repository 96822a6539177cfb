"""A case through django-import-export as it comes: a plain model, a plain resource, the library's own formats.

The model has the columns of the cases; a line is known by its reference. Donors and operations are found by name, and
all that a case names are there. Each case runs in a process of its own, whose work is undone.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import resource as machine
import time
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import connection, models, transaction
from import_export import fields, resources, widgets
from import_export.formats import base_formats

from contributions.models import Contribution, Donor
from operations.cells import fold_name
from operations.models import Operation

from .cases import ACCEPT, FILE, ROWS, Line, Outcome, Reading, folded

MOST_SECONDS, MOST_BYTES = 30, 4 * 1024**3


class Gift(models.Model):
    date = models.DateField()
    donor = models.ForeignKey(Donor, models.PROTECT, related_name="+")
    donor_type = models.CharField(max_length=20, blank=True, choices=Donor.Kind.choices)
    operation = models.ForeignKey(Operation, models.PROTECT, null=True, blank=True, related_name="+")
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    currency = models.CharField(max_length=3)
    earmarking = models.CharField(max_length=20, blank=True, choices=Contribution.Earmarking.choices)
    reference = models.CharField(max_length=60, blank=True)

    class Meta:
        app_label = "contributions"  # in this process alone
        db_table = "stock_gift"

    def __str__(self) -> str:
        return self.reference


class GiftResource(resources.ModelResource):
    donor = fields.Field("donor", "donor", widgets.ForeignKeyWidget(Donor, "name_en"))
    operation = fields.Field("operation", "operation", widgets.ForeignKeyWidget(Operation, "name_en"))

    class Meta:
        model = Gift
        import_id_fields = ("reference",)
        fields = ("date", "donor", "donor_type", "operation", "amount", "currency", "earmarking", "reference")


class NumberedGiftResource(GiftResource):
    """For a file without references: each of its lines is a new one."""

    class Meta(GiftResource.Meta):
        import_id_fields = ["id"]
        fields = (*GiftResource.Meta.fields, "id")


def make_table() -> None:
    with connection.schema_editor() as editor:
        editor.create_model(Gift)


# --- What the library does --------------------------------------------------------------------------


def dataset_of(path: Path) -> Any:
    if path.suffix in {".xlsx", ".xlsm"}:
        return base_formats.XLSX().create_dataset(path.read_bytes())
    if path.suffix == ".xls" and base_formats.XLS.is_available():
        return base_formats.XLS().create_dataset(path.read_bytes())
    return base_formats.CSV("utf-8-sig").create_dataset(path.read_bytes())


def imported(
    path: Path, prepare: Callable[[Any], Any] = lambda dataset: dataset, *, with_preview: bool
) -> Outcome:
    """As its admin does it, ``with_preview``: what has errors there cannot be confirmed. Or ``import_data`` alone."""
    before = set(Gift.objects.values_list("pk", flat=True))
    old = {gift.pk: line_of(gift) for gift in gifts()}
    try:
        dataset = prepare(dataset_of(path))
    except Exception as error:  # its admin shows the exception's own words in the form
        return Outcome(FILE, said=f"{type(error).__name__}: {error}")
    if not dataset:
        return Outcome(FILE, said="No valid data to import." if with_preview else "")
    is_numbered = hasattr(dataset, "mapped") and "reference" not in dataset.headers
    resource = NumberedGiftResource if is_numbered else GiftResource
    try:
        result = resource().import_data(dataset, dry_run=with_preview)
        if with_preview and not (result.has_errors() or result.has_validation_errors()):
            result = resource().import_data(dataset, dry_run=False)
    except Exception as error:
        return Outcome(FILE, crash=f"{type(error).__name__}: {error}")
    outcome = outcome_of(result)
    outcome.lines = [
        line_of(gift) for gift in gifts() if gift.pk not in before or line_of(gift) != old[gift.pk]
    ]
    outcome.known = sum(row.import_type in ("skip", "update") for row in result.rows)
    return outcome


def gifts() -> Any:
    return Gift.objects.select_related("donor", "operation").order_by("pk")


def line_of(gift: Gift) -> Line:
    operation = gift.operation.name_en if gift.operation else ""
    return (
        gift.date.isoformat(),
        folded(gift.donor.name_en),
        operation,
        gift.amount,
        gift.currency,
        gift.reference.strip().casefold(),
    )


def outcome_of(result: Any) -> Outcome:
    """A record's number is taken for its line, and an error of a field for one that names the column."""
    places: set[tuple[int, str]] = set()
    said = [str(error.error) for error in result.base_errors]
    for row in result.invalid_rows:
        names = row.field_specific_errors or {"": row.error}
        places |= {(row.number + 1, name) for name in names}
        said += [str(message) for messages in row.field_specific_errors.values() for message in messages]
    for number, errors in result.row_errors():
        places.add((number + 1, ""))
        said += [f"{type(error.error).__name__}: {error.error}" for error in errors]
    if result.base_errors:
        return Outcome(FILE, said=said[0], places=places)
    return Outcome(ROWS if places else ACCEPT, said=said[0] if said else "", places=places)


# --- Each in a process of its own -------------------------------------------------------------------


def apart(work: Callable[[], Outcome]) -> Outcome:
    """What it comes to, with its work undone: in a child process, whose memory and time are limited."""
    connection.close()
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=in_child, args=(work, theirs))
    started = time.perf_counter()
    child.start()
    theirs.close()
    outcome = Outcome(FILE, crash=f"no end in {MOST_SECONDS} seconds")
    if ours.poll(MOST_SECONDS):
        try:
            outcome = ours.recv()
        except EOFError:
            outcome = Outcome(FILE, crash="the process was gone")
    if outcome.crash and not outcome.megabytes:
        outcome.megabytes = peak(child.pid) - peak(os.getpid())
    child.kill()
    child.join()
    outcome.seconds = time.perf_counter() - started
    return outcome


def peak(pid: int | None) -> float:
    """The most memory that a process held, in MB."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def in_child(work: Callable[[], Outcome], pipe: Any) -> None:
    machine.setrlimit(machine.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    before = machine.getrusage(machine.RUSAGE_SELF).ru_maxrss
    try:
        with transaction.atomic():
            outcome = work()
            transaction.set_rollback(True)
    except BaseException as error:
        outcome = Outcome(FILE, crash=f"{type(error).__name__}: {error}")
    outcome.megabytes = (machine.getrusage(machine.RUSAGE_SELF).ru_maxrss - before) / 1024
    pipe.send(outcome)


# --- The awkward files ------------------------------------------------------------------------------


def prepared(reading: Reading) -> Callable[[Any], Any]:
    """What a person who writes a resource for this file alone would do before its rows are imported."""

    def prepare(dataset: Any) -> Any:
        headers = list(dataset.headers)
        columns = {reading.mapping.get(header, header): header for header in headers}
        if "amount" not in columns:
            columns["amount"] = columns.pop("amount_usd")
        names = [name for name in ("date", "donor", "amount", "currency", "reference") if name in columns]
        constants = {"currency": "USD"} | reading.constants
        extra = [name for name in constants if name not in names]
        made = type(dataset)(headers=[*names, *extra])
        made.mapped = True
        rules = {
            headers.index(header): cells for header, cells in {**reading.other, **reading.refused}.items()
        }
        for row in dataset:
            if not any(str(row[place] or "") in cells for place, cells in rules.items()):
                cells = [row[headers.index(columns[name])] for name in names]
                made.append([*cells, *(constants[name] for name in extra)])
        return made

    return prepare


def make_donors(names: Iterable[str]) -> None:
    """One of each name; two that differ by case alone are one donor here."""
    known = {fold_name(name) for name in Donor.objects.values_list("name_en", flat=True)}
    donors = {fold_name(name): name for name in names if fold_name(name) not in known}.values()
    Donor.objects.bulk_create(
        Donor(name_en=name, kind=Donor.Kind.GOVERNMENT, slug=f"stock-{place}")
        for place, name in enumerate(donors)
    )


def know_donors_of(path: Path, reading: Reading) -> None:
    """Make all the donors that the file names, word for word."""
    try:
        dataset = prepared(reading)(dataset_of(path))
        names = {str(name) for name in dataset["donor"] if name}
    except Exception:
        return
    make_donors(sorted(names))


def sums(outcome: Outcome) -> dict[str, tuple[int, Decimal]]:
    found: dict[str, tuple[int, Decimal]] = {}
    for _date, _donor, _operation, amount, currency, _reference in outcome.lines:
        count, total = found.get(currency, (0, Decimal(0)))
        found[currency] = (count + 1, total + amount)
    return found
