"""Import a CSV or XLSX file into a table, by the same rules as in the admin: all lines or none.

For every table but the contributions, which have a command of their own (``import_contributions``).

Exit codes: 0 imported or nothing to do, 1 the file has errors (they are printed), 2 wrong usage.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from contributions.resources import TABLES as MONEY
from operations.resources import TABLES as FIELD
from operations.tables import PlainCSV, PlainXLSX

TABLES = FIELD | MONEY


class Command(BaseCommand):
    help = "Import a CSV or XLSX file into a table: all of its lines or none."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("table", choices=TABLES)
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="Only say what the import would do.")
        parser.add_argument(
            "--round-to-cents", action="store_true", help="Round amounts finer than a cent, half-up."
        )
        parser.add_argument(
            "--release",
            action="store_true",
            help="Release the profiles that the file changes, where no check holds them back.",
        )
        parser.add_argument("--user", help="Name of the account that the import is kept under.")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        path: Path = options["file"]
        resource = TABLES[options["table"]](**self.resource_options(options))
        try:
            file_format = PlainXLSX() if path.suffix.lower() == ".xlsx" else PlainCSV()
            dataset = file_format.read(path.read_bytes())
        except OSError as error:
            raise CommandError(str(error), returncode=2) from None
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        result = resource.import_data(
            dataset, dry_run=options["dry_run"], file_name=path.name, user=self.user(options["user"])
        )
        self.report(result.plan, options["dry_run"], time.monotonic() - started)

    def resource_options(self, options: dict[str, Any]) -> dict[str, Any]:
        taken = TABLES[options["table"]].options
        given = {}
        for name, option in (
            ("round_to_cents", "round_to_cents"),
            ("release_profiles", "release"),
        ):
            if name in taken:
                given[name] = options[option]
            elif options[option]:
                flag = option.replace("_", "-")
                raise CommandError(f"The table {options['table']} takes no --{flag}.", returncode=2)
        return given

    def user(self, name: str | None) -> Any:
        if name is None:
            return None
        user = get_user_model().objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no account “{name}”.", returncode=2)
        return user

    def report(self, plan: Any, dry_run: bool, seconds: float) -> None:
        alike: dict[tuple[str, str], list[Any]] = {}
        for error in plan.errors:
            alike.setdefault((error.column, error.message), []).append(error)
        for (column, message), errors in alike.items():
            place = f"line {errors[0].line}" + (f", {column}" if column else "")
            more = f" (and {len(errors) - 1} more lines)" if len(errors) > 1 else ""
            self.stderr.write(f"{place}: {errors[0].value!r}: {message}{more}")
        if plan.errors:
            self.stderr.write(f"Nothing was imported: {len(plan.errors)} errors in {plan.rows} lines.")
            sys.exit(1)
        for note in plan.notes:
            self.stdout.write(note)
        if plan.left_out:
            self.stdout.write(f"Columns not used: {', '.join(plan.left_out)}.")
        for name, value in plan.totals.items():
            self.stdout.write(f"{name}: {value}")
        counts = plan.counts
        if not counts["new"] and not counts["changed"]:
            self.stdout.write(f"Nothing to do: all {counts['rows']} lines are known ({seconds:.1f} s).")
            return
        if plan.held:
            self.stdout.write(f"Saved as drafts and not released: {len(plan.held)} profiles.")
        for line in plan.held:
            self.stdout.write(f"  {line}")
        self.stdout.write(
            f"{'Would import' if dry_run else 'Imported'} {counts['rows']} lines in {seconds:.1f} s: "
            f"{counts['new']} new, {counts['changed']} changed, {counts['unchanged']} unchanged."
        )
