"""One measured step, in a process of its own: ``python -m benchmarks.imports.steps STEP [FILE]``.

Prints a line of JSON: the seconds of the step, without the start of Python and Django, and the process's peak memory.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import django

from .generate import DONORS, HEADER, OPERATIONS, donor, operation

CHUNK = 1 << 20


def seed() -> None:
    from contributions.models import Donor
    from operations.models import Operation

    donors = [Donor(name_en=donor(n), slug=f"donor-{n}", kind="government") for n in range(DONORS)]
    Donor.objects.bulk_create(donors)
    Operation.objects.bulk_create(
        Operation(code=operation(n), slug=operation(n).lower(), name_en=f"Operation {n}", kind="country")
        for n in range(OPERATIONS)
    )


def ours(path: str) -> dict:
    """What ``manage.py import_contributions FILE --replace`` does, all of it."""
    from django.core.management import call_command

    from contributions.models import Contribution

    before = Contribution.objects.count()
    said, told = io.StringIO(), io.StringIO()
    started = time.perf_counter()
    with contextlib.suppress(SystemExit):
        call_command("import_contributions", path, "--replace", "--again", stdout=said, stderr=told)
    seconds = time.perf_counter() - started
    lines = (said.getvalue() or told.getvalue()).splitlines()
    return {"seconds": seconds, "said": lines[-1], "stored": Contribution.objects.count() - before}


def same_bytes(path: str) -> dict:
    from django.core.management import call_command

    said = io.StringIO()
    started = time.perf_counter()
    call_command("import_contributions", path, stdout=said)
    return {"seconds": time.perf_counter() - started, "said": said.getvalue().strip()}


def copy() -> dict:
    """The rows that an import stored, with their ids resolved, straight into the same table once it is empty."""
    from django.db import connection, transaction

    table = "contributions_contribution"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} LIMIT 1")
        names = ", ".join(column[0] for column in cursor.description if column[0] != "id")
        query = f"SELECT {names} FROM {table} ORDER BY id"
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY ({query}) TO STDOUT") as out:
                data = b"".join(bytes(part) for part in out)
            cursor.execute(f"TRUNCATE {table} CASCADE")
            started = time.perf_counter()
            with transaction.atomic(), cursor.copy(f"COPY {table} ({names}) FROM STDIN") as into:
                for start in range(0, len(data), CHUNK):
                    into.write(data[start : start + CHUNK])
        else:
            rows = cursor.execute(query).fetchall()
            cursor.execute(f"DELETE FROM {table}")
            marks = ", ".join(["%s"] * len(rows[0]))
            started = time.perf_counter()
            with transaction.atomic():
                cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)
        return {"seconds": time.perf_counter() - started, "said": "COPY of resolved ids"}


def stock(path: str) -> dict:
    """django-import-export as it comes, its foreign keys by name, its rows looked up by what identifies a line."""
    import tablib
    from import_export import fields, resources, widgets

    from contributions.models import Contribution, Donor, ImportBatch, contribution_key
    from operations.models import Operation

    batch = ImportBatch.objects.create(table="contributions.contribution", file_name="stock")

    class Stock(resources.ModelResource):
        donor = fields.Field("donor", "donor", widgets.ForeignKeyWidget(Donor, "name_en"))
        operation = fields.Field("operation", "operation", widgets.ForeignKeyWidget(Operation, "code"))

        class Meta:
            model = Contribution
            import_id_fields = (
                "reference",
                "donor",
                "date",
                "operation",
                "budget_year",
                "earmarking",
                "amount_usd",
            )
            fields = ("reference", "donor", "date", "operation", "budget_year", "amount_usd", "currency", "amount",
                      "earmarking", "description")  # fmt: skip
            use_transactions = True

        def before_save_instance(self, line: Contribution, row: dict, **kwargs: object) -> None:
            line.batch = batch
            line.key = contribution_key(
                line.reference,
                line.donor.token,
                line.date,
                line.operation_id,
                line.budget_year,
                line.earmarking,
            )
            line.occurrence = 1 + Contribution.objects.filter(key=line.key).count()

    dataset = tablib.Dataset().load(Path(path).read_text(encoding="utf-8"), format="csv")
    started = time.perf_counter()
    result = Stock().import_data(dataset, dry_run=False, raise_errors=True)
    return {"seconds": time.perf_counter() - started, "said": str(dict(result.totals))}


STEPS: dict[str, Callable[..., dict | None]] = {
    "seed": seed, "ours": ours, "same_bytes": same_bytes, "copy": copy, "stock": stock}  # fmt: skip


def peak() -> float:
    """Megabytes of this process alone; ``getrusage`` would begin with those of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    assert len(HEADER) == 11
    found = STEPS[sys.argv[1]](*sys.argv[2:]) or {}
    found["megabytes"] = peak()
    sys.stdout.write(json.dumps(found) + "\n")
