"""Import a file of contributions, by the same rules as in the admin: all of its lines or none.

Exit codes: 0 imported, or nothing to do; 1 the file has errors (they are printed); 2 wrong usage; 3 something has to
be decided first (it is printed, with the option that decides it).
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from contributions import importing
from contributions.deciding import control_problem, decide_all, told_alike, undecided, undecided_alike
from contributions.errors import errors_file
from contributions.import_forms import clean_control_total
from contributions.models import ImportBatch, ImportSource
from contributions.resources import ContributionResource
from operations.importing import Overtaken

# The option that answers each question.
ANSWERS = {
    "sheet": "--sheet …",
    "columns": "--mapping, or --columns-as-given",
    "donor": "--set donor=…, or --mapping",
    "date": "--set date=…, or --mapping",
    "amount": "--mapping",
    "currency": "--set currency=USD",
    "dates": "--dates dmy, mdy or plain",
    "decimal": "--decimal . or ,",
    "footer": "--leave-out footer, or --keep footer",
    "total": "--leave-out total, or --keep total",
    "repeated_header": "--leave-out repeated_header, or --keep repeated_header",
}
SHOWN_SUMS = 10


class Command(BaseCommand):
    help = "Import a file of contributions: all of its lines or none."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="Only say what the import would do.")
        parser.add_argument(
            "--mapping",
            help="A kept source by its name, or a JSON file: {“header of the file”: “column”, …}.",
        )
        parser.add_argument(
            "--columns-as-given",
            action="store_true",
            help="Go by --mapping and --set even where the file lacks such a column, or has another that looks like one.",
        )
        parser.add_argument(
            "--again", action="store_true", help="Compare the lines even if this very file was imported."
        )
        parser.add_argument(
            "--errors-to", type=Path, help="Write the file there with a column of its errors."
        )
        parser.add_argument(
            "--replace", action="store_true", help="Let changed lines replace the known ones."
        )
        parser.add_argument(
            "--gifts-of-their-own", action="store_true",
            help="New lines with the donor, day and amount of a known one are no repetitions of it.",
        )  # fmt: skip
        parser.add_argument("--round-to-cents", action="store_true", help="Round finer amounts, half-up.")
        parser.add_argument("--new-donors", action="store_true", help="Make donors that are not yet known.")
        parser.add_argument(
            "--dates", choices=["dmy", "mdy", "plain"], help="What comes first in 03/04/2021."
        )
        parser.add_argument(
            "--stands-for", choices=["first", "last"], help="The day of a bare month or year."
        )
        parser.add_argument("--decimal", choices=[".", ","], help="The decimal mark of the amounts.")
        parser.add_argument(
            "--layout", choices=["flat", "grouped", "block"], help="How the lines are laid out."
        )
        parser.add_argument("--encoding", default="", help="The encoding, where it is found out wrongly.")
        parser.add_argument("--delimiter", default="", help="What stands between cells, likewise.")
        parser.add_argument("--sheet", default="", help="The sheet of a workbook, by name.")
        for name, said in (("leave-out", "Leave such lines out."), ("keep", "Take such lines for records.")):
            kinds = ["footer", "total", "repeated_header"]
            parser.add_argument(f"--{name}", choices=kinds, action="append", default=[], help=said)
        for name, said in (("leave-out-where", "Leave out the lines"), ("keep-where", "Take only the lines")):
            parser.add_argument(
                f"--{name}", metavar="HEADER=CELL;…", action="append", default=[],
                help=f"{said} whose column says one of these; nothing after “;” is an empty cell.",
            )  # fmt: skip
        parser.add_argument(
            "--set", metavar="COLUMN=CELL", action="append", default=[], help="What stands in every line."
        )
        parser.add_argument(
            "--complete", type=int, action="append", default=[], metavar="YEAR",
            help="The file has all lines of this budget year; what it lacks is withdrawn.",
        )  # fmt: skip
        parser.add_argument("--control-total", help="US dollars that the lines have to make.")
        parser.add_argument(
            "--release",
            help="When readers see it: now (default), later, or a time (ISO 8601). Where FOUR_EYES is set, later.",
        )
        parser.add_argument("--user", help="Name of the account that the import is kept under.")

    def handle(self, *args: Any, **options: Any) -> None:
        started, path = time.monotonic(), options["file"]
        release_at = self.release_at(options["release"])
        fields = self.decided(options)
        user = self.user(options["user"])
        try:
            with path.open("rb") as file:
                batch = importing.receive(File(file), path.name, user, **fields)
        except OSError as error:
            raise CommandError(str(error), returncode=2) from None
        try:
            self.work(batch, options, release_at, started)
        finally:
            batch.refresh_from_db()
            if batch.state != ImportBatch.State.IMPORTED:
                batch.staged.all().delete()
                batch.file.delete(save=False)
                batch.delete()

    def work(self, batch: ImportBatch, options: dict[str, Any], release_at: Any, started: float) -> None:
        if not (options["dry_run"] or options["again"]) and (other := importing.same_file(batch)):
            self.stdout.write(
                f"Nothing to do: this very file was imported as “{other}” (--again compares it)."
            )
            return
        resource = ContributionResource()
        while True:
            importing.read_file(batch, resource, beat=self.progress(batch))
            self.stop_where_needed(batch, resource, options)
            if options["dry_run"]:
                self.report(batch, "Would import", started)
                return
            if options["replace"]:
                decide_all(batch)
            try:
                importing.import_planned(batch, batch.made_by, release_at=release_at)
            except Overtaken:
                continue
            except importing.CannotImport as error:
                raise CommandError(str(error), returncode=3) from None
            self.report(batch, "Imported", started)
            if settings.FOUR_EYES and batch.state == ImportBatch.State.IMPORTED:
                self.stdout.write("Readers do not see it yet: somebody else releases it in the admin.")
            return

    def stop_where_needed(self, batch: ImportBatch, resource: Any, options: dict[str, Any]) -> None:
        """Say what is in the way of the import, and end with its exit code."""
        if batch.state == ImportBatch.State.FAILED:
            which = f" ({ANSWERS['sheet']})" if len(batch.reading.get("sheets", ())) > 1 else ""
            raise CommandError(batch.problem + which)
        if batch.state == ImportBatch.State.ASKING:
            for question in batch.plan["survey"]["questions"]:
                self.stderr.write(f"{question['said']} ({ANSWERS[question['name']]})")
            sys.exit(3)
        if batch.plan["errors"]:
            self.tell_errors(batch)
            if options["errors_to"]:
                self.write_errors(batch, resource, options["errors_to"])
            sys.exit(1)
        if problem := control_problem(batch):
            raise CommandError(problem)
        if not options["dry_run"] and (count := undecided_alike(batch)):
            self.stderr.write(f"{told_alike(count)} (--gifts-of-their-own)")
            sys.exit(3)
        if not options["dry_run"] and not options["replace"] and (count := undecided(batch)):
            self.stderr.write(
                f"{count} lines differ from known ones. Look at them with --dry-run, then --replace."
            )
            sys.exit(3)

    def release_at(self, said: str | None) -> Any:
        """The time from which readers see it; ``None``: from when somebody releases it."""
        if settings.FOUR_EYES and said not in (None, "later"):
            raise CommandError(
                "FOUR_EYES is set: another person than who loads a file releases it. Import it without "
                "--release; then somebody else releases it in the admin.",
                returncode=2,
            )
        if said == "later" or settings.FOUR_EYES:
            return None
        if said in (None, "now"):
            return timezone.now()
        try:
            at = parse_datetime(said)
        except ValueError:
            at = None
        if at is None:
            raise CommandError(
                "--release takes now, later, or a time such as 2027-01-31T09:00Z.", returncode=2
            )
        at = at if timezone.is_aware(at) else timezone.make_aware(at)
        if at < timezone.now():
            raise CommandError(
                "--release: this time has passed, and readers have seen what was public then. Leave it out to "
                "release now.",
                returncode=2,
            )
        return at

    def decided(self, options: dict[str, Any]) -> dict[str, Any]:
        """What the options decide, as fields of the batch."""
        reading, mapping, decisions = {}, {}, {}
        if given := options["mapping"]:
            source = ImportSource.objects.filter(name=given).first()
            if source:
                reading, mapping, decisions = source.reading, source.mapping, dict(source.options)
                answered = decisions.get("answered", [])
                decisions["answered_before"] = [name for name in answered if not options.get(name)]
            else:
                mapping = self.mapping_of(Path(given))
        decisions |= {
            "round_to_cents": options["round_to_cents"] or decisions.get("round_to_cents", False),
            "new_donors": options["new_donors"],
            "alike": sys.maxsize if options["gifts_of_their_own"] else 0,
            "constants": decisions.get("constants", {}) | self.constants(options["set"]),
            "answered": [*decisions.get("answered", []), *options["keep"]],
        }
        if options["columns_as_given"]:
            decisions["answered"].append("columns")
        rules = [(text, False) for text in options["leave_out_where"]]
        rules += [(text, True) for text in options["keep_where"]]
        if rules:
            parts = [(*text.partition("=")[::2], keep) for text, keep in rules]
            decisions["leave_out_where"] = [
                {"header": header, "cells": cells.split(";"), "keep": keep} for header, cells, keep in parts
            ]
        for name in ("dates", "decimal", "stands_for"):
            if options[name]:
                decisions[name] = options[name]
                decisions["answered"].append(name)
        try:
            control_total = clean_control_total(options["control_total"] or "")
        except ValidationError as error:
            raise CommandError(f"--control-total: {' '.join(error.messages)}", returncode=2) from None
        decisions |= {"complete_years": options["complete"], "control_total": control_total}
        chosen = {name: options[name] for name in ("encoding", "delimiter", "sheet") if options[name]}
        reading = reading | chosen | ({"layout": options["layout"]} if options["layout"] else {})
        reading["leave_out"] = sorted({*reading.get("leave_out", []), *options["leave_out"]})
        return {"reading": reading, "mapping": mapping, "options": decisions}

    def mapping_of(self, path: Path) -> dict[str, str]:
        try:
            mapping = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CommandError(
                f"--mapping: neither a kept source nor a JSON file: {error}", returncode=2
            ) from None
        columns = {f.column_name for f in ContributionResource().get_import_fields()}
        if not isinstance(mapping, dict) or not set(mapping.values()) <= columns:
            raise CommandError(
                f"--mapping gives each header one of: {', '.join(sorted(columns))}.", returncode=2
            )
        if len(set(mapping.values())) < len(mapping):
            raise CommandError("--mapping gives one column to two headers.", returncode=2)
        return mapping

    def constants(self, given: list[str]) -> dict[str, str]:
        columns = {f.column_name for f in ContributionResource().get_import_fields()}
        pairs = [text.partition("=")[::2] for text in given]
        if wrong := [name for name, _cell in pairs if name not in columns]:
            raise CommandError(f"--set: there is no column “{wrong[0]}”.", returncode=2)
        return dict(pairs)

    def user(self, name: str | None) -> Any:
        if name is None:
            return None
        user = get_user_model().objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no account “{name}”.", returncode=2)
        return user

    def progress(self, batch: ImportBatch) -> Any:
        """Shows, on a terminal, how many lines have been read."""

        def show(rows: int, of: int) -> None:
            if self.stderr.isatty():
                self.stderr.write(f"\r{rows:,} of {of:,} lines read", ending="")
                if rows >= of:
                    self.stderr.write("")

        return show

    def tell_errors(self, batch: ImportBatch) -> None:
        alike: dict[tuple[str, str], list[Any]] = {}
        for error in batch.problems.order_by("line", "pk").iterator():
            alike.setdefault((error.column, error.message), []).append((error.line, error.value))
        for (column, message), places in alike.items():
            (line, value), more = places[0], len(places) - 1
            place = f"line {line}" + (f", {column}" if column else "")
            self.stderr.write(
                f"{place}: {value!r}: {message}" + (f" (and {more} more lines)" if more else "")
            )
        self.stderr.write(
            f"Nothing was imported: {batch.plan['errors']} errors in {batch.counts['in_error']} "
            f"of {batch.counts['rows']} lines."
        )

    def write_errors(self, batch: ImportBatch, resource: Any, path: Path) -> None:
        try:
            with path.open("w", encoding="utf-8", newline="") as file:
                file.writelines(errors_file(batch, importing.open_file(batch, resource)))
        except OSError as error:
            raise CommandError(f"--errors-to: {error}", returncode=1) from None
        self.stderr.write(f"The file with its errors: {path}")

    def report(self, batch: ImportBatch, did: str, started: float) -> None:
        seconds, counts = time.monotonic() - started, batch.counts
        for note in batch.plan["notes"]:
            self.stdout.write(note)
        if batch.plan["left_out"]:
            self.stdout.write(f"Columns not used: {', '.join(batch.plan['left_out'])}.")
        for name, value in batch.totals.items():
            self.stdout.write(f"{name}: {value}")
        for group, found in batch.plan["totals"].items():
            for row in found[:SHOWN_SUMS]:
                self.stdout.write(f"  {group} {row['name']}: {row['before']} → {row['after']}")
        if not counts["new"] and not counts["changed"] and not counts["withdrawn"]:
            self.stdout.write(f"Nothing to do: all {counts['rows']} lines are known ({seconds:.1f} s).")
            return
        withdrawn = f", {counts['withdrawn']} withdrawn" if counts["withdrawn"] else ""
        self.stdout.write(
            f"{did} {counts['rows']} lines in {seconds:.1f} s: {counts['new']} new, {counts['changed']} changed, "
            f"{counts['unchanged']} unchanged{withdrawn}."
        )
