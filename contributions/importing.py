"""The life of a file of contributions: received, read, compared with the books, imported, released, undone.

Each step leaves an ``ImportBatch`` that says how far it came. What is read waits in the stage; nothing is in the
books before ``import_planned``, which is one transaction, and stores exactly what was planned.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain, compress, islice
from typing import Any, Protocol

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile, File
from django.db import IntegrityError, transaction
from django.db.models import Max, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from operations.cells import collapsed, fold_name, free_slug
from operations.evidence import AmountEvidence, AmountVerdict, DateEvidence
from operations.headings import known_headers, propose
from operations.importing import CellError, Overtaken, shown
from operations.layouts import Places, fold_label, grouped
from operations.reading import NoTable, Reading, TableFile, open_table

from . import private_sums, staging, sums
from .cleaning import LineCleaner, Warned
from .deciding import (
    control_problem,
    count_alike,
    decide_all,
    told_alike,
    totals,
    undecided,
    undecided_alike,
)
from .models import (
    NAMES,
    Contribution,
    Donor,
    DonorAlias,
    DonorMerge,
    ImportBatch,
    ImportProblem,
    contribution_key,
)

CHUNK = 5000  # rows that are cleaned at a time
AMOUNTS = ("amount_usd", "amount")
BEATS = 10_000  # rows between two signs of life
STAGED_AT_A_TIME = 20_000  # lines of one COPY; SQLite lets others write between two
# In a file that was taken from this site: what a line does not show (see ``dictionary``).
WITHHELD = "withheld"
MOST_NOTED = 20  # warnings of each kind that are told among the notes
SAMPLE = 8  # rows of a file that are shown
# Decisions that change what the lines of a file mean.
MEANING = ("constants", "dates", "decimal", "stands_for", "leave_out_where", "complete_years")
TABLE = Contribution._meta.label_lower


class Source(Protocol):
    """A table as a file holds it, read from its beginning as often as one likes."""

    headers: Sequence[str]
    notes: list[str]

    def batches(self) -> Iterator[tuple[Sequence[int], Sequence[Sequence[Any]]]]:
        """Rows, with the line on which each begins, many at a time."""


class PlanIsDead(Exception):
    """A donor, an operation or a line is gone that a plan refers to."""


READ_AGAIN = gettext_lazy(
    "Donors or operations changed since the file was read. Nothing was imported: read it again."
)


class CannotImport(Exception):
    """The step is not to be had as things stand; the message says why."""


# --- Received ---------------------------------------------------------------------------------------


def receive(file: File | bytes, name: str, user: Any, **fields: Any) -> ImportBatch:
    """Keep a file, and open its batch."""
    name = shown(name.replace("\\", "/").rpartition("/")[2]) or "import"
    content = ContentFile(file) if isinstance(file, bytes) else file
    digest = hashlib.sha256()
    for part in content.chunks():
        digest.update(part)
    batch = ImportBatch(
        table=TABLE,
        state=ImportBatch.State.NEW,
        file_name=name,
        sha256=digest.hexdigest(),
        made_by=user,
        **fields,
    )
    content.seek(0)
    batch.file.save(name, content, save=False)
    try:
        batch.save()
    except Exception:
        batch.file.delete(save=False)
        raise
    return batch


def same_file(batch: ImportBatch) -> ImportBatch | None:
    """The import that brought this very file into the books, if it still stands and nothing else was decided now.

    To be asked before the file is read, while the batch has only what was decided. Where an import was undone since,
    lines that this one had only confirmed may be gone: the file is to be compared again.
    """
    others = (
        ImportBatch.objects.of_contributions().imported().filter(sha256=batch.sha256).exclude(pk=batch.pk)
    )
    undone = ImportBatch.objects.of_contributions().aggregate(last=Max("withdrawn_at"))["last"]
    if undone:
        others = others.filter(made_at__gt=undone)
    for other in others.order_by("-pk"):
        later = ImportBatch.objects.of_contributions().imported().filter(pk__gt=other.pk)
        if any(
            counts.get("changed") or counts.get("withdrawn")
            for counts in later.values_list("counts", flat=True)
        ):
            continue  # its lines may have been replaced since
        decided = [(batch.mapping, other.mapping), (batch.reading, other.reading)]
        decided += [({n: batch.options.get(n) for n in MEANING}, {n: other.options.get(n) for n in MEANING})]
        if all(
            not value or mine.get(name) == value for given, mine in decided for name, value in given.items()
        ):
            return other
    return None


# --- Read -------------------------------------------------------------------------------------------


def open_file(batch: ImportBatch, resource: Any, **limits: Any) -> TableFile:
    """The table of its file, read as was decided; ``ValidationError`` where it is none."""
    is_named = known_headers([f.column_name for f in resource.get_import_fields()], resource.aliases)
    mapped = {fold_label(header) for header in batch.mapping} - {""}
    return open_table(
        batch.file,
        name=batch.file_name,
        choices=Reading.from_json(batch.reading),
        known=lambda header: is_named(header) or fold_label(header) in mapped,
        **limits,
    )


Beat = Callable[[int, int], None]  # told of the lines read, and of how many there are


def read_file(batch: ImportBatch, resource: Any, *, beat: Beat | None = None, **limits: Any) -> None:
    """Read the file as far as it goes without a person: to its plan, or to questions, or to why it is no table."""
    try:
        table = open_file(batch, resource, **limits)
        batch.reading = table.reading.to_json()
        if not batch.mapping:
            columns = [f.column_name for f in resource.get_import_fields()]
            batch.mapping = propose(table.headers, columns, resource.aliases, hxl=table.hxl)
        survey = look_over(batch, table, resource)
        batch.plan = {"survey": survey}
        if survey["questions"]:
            batch.state, batch.job = ImportBatch.State.ASKING, ImportBatch.Job.NONE
            keep(batch)
            return
        make_plan(batch, table, resource, beat)
    except ValidationError as error:
        batch.state, batch.job = ImportBatch.State.FAILED, ImportBatch.Job.NONE
        batch.problem = " ".join(error.messages)
        if isinstance(error, NoTable):
            batch.reading["sheets"] = list(error.sheets)
        keep(batch)


def look_over(batch: ImportBatch, table: TableFile, resource: Any) -> dict[str, Any]:
    """What the columns prove about dates and amounts, which lines may be no records, and what has to be asked."""
    options, place = (
        batch.options,
        {c: table.headers.index(h) for h, c in batch.mapping.items() if h in table.headers},
    )
    dates, amounts = DateEvidence(), {name: AmountEvidence() for name in AMOUNTS}
    rows, sample = 0, []
    for lines, cells in table.batches():
        if rows // BEATS < (rows + len(cells)) // BEATS:
            sign_of_life(batch, 0)
        if "date" in place:
            dates.add([row[place["date"]] for row in cells], lines)
        for name in AMOUNTS:
            if name in place:
                amounts[name].add([row[place[name]] for row in cells], lines)
        sample = sample or [
            [line, [*map(shown, row)]] for line, row in zip(lines[:SAMPLE], cells, strict=False)
        ]
        rows += len(cells)
    date, amount = dates.verdict(), of_both([amounts[name].verdict() for name in AMOUNTS if name in place])
    survey = {
        "rows": rows,
        "headers": list(table.headers),
        "sample": sample,
        "notes": list(table.notes),
        "set_aside": [list(aside) for aside in table.set_aside],
        "found": dict(table.found),
        "dates": {"order": date.order, "proof": date.proof, "contradiction": date.contradiction},
        "amounts": {"decimal": amount.decimal, "proof": amount.proof, "contradiction": amount.contradiction},
        "moved": moved_columns(batch, table, resource),
    }
    answered = set(options.get("answered", ()))
    if "dates" not in answered:
        options["dates"] = date.order if date.is_proven else ""
    if "decimal" not in answered:
        options["decimal"] = amount.decimal if amount.is_proven and amount.decimal != "plain" else ""
    survey["questions"] = list(questions(batch, survey, date.must_ask, amount.must_ask))
    return survey


def of_both(verdicts: Sequence[AmountVerdict]) -> AmountVerdict:
    """One answer for all columns of amounts: what is proven for one is not for another that might mean the other."""
    if not verdicts:
        return AmountEvidence().verdict()
    if asked := next((verdict for verdict in verdicts if verdict.must_ask), None):
        return asked
    marks = [verdict for verdict in verdicts if verdict.decimal != "plain"]
    if len({verdict.decimal for verdict in marks}) > 1:
        said = " ".join(verdict.proof for verdict in marks)
        return AmountVerdict("", is_proven=False, contradiction=said)
    return marks[0] if marks else verdicts[0]


def moved_columns(batch: ImportBatch, table: TableFile, resource: Any) -> dict[str, Any]:
    """Where columns that were decided for another file do not fit this one; nothing once somebody looked at them."""
    options, known = batch.options, [f.column_name for f in resource.get_import_fields()]
    if "columns" in options.get("answered", ()):
        return {"missing": [], "alike": {}}
    decided = [*batch.mapping, *(rule["header"] for rule in options.get("leave_out_where", ()))]
    present = {column for header, column in batch.mapping.items() if header in table.headers}
    # What somebody saw in the other file, and left unused, is left so.
    seen = {*batch.mapping, *options.get("headers_seen", ())}
    new = ["" if header in seen else header for header in table.headers]
    tags = [tag if header else "" for tag, header in zip(table.hxl, new, strict=False)]
    alike = propose(new, [column for column in known if column not in present], resource.aliases, hxl=tags)
    if batch.mapping == propose(table.headers, known, resource.aliases, hxl=table.hxl):
        alike = {}  # the columns were proposed for this file, or might have been
    missing = dict.fromkeys(header for header in decided if header not in table.headers)
    return {"missing": list(missing), "alike": alike}


def told_of_moved(moved: dict[str, Any], constants: dict[str, str]) -> Iterator[str]:
    if moved["missing"]:
        names = ", ".join(f"“{shown(header)}”" for header in moved["missing"])
        yield _("Columns were decided that this file does not have: %s.") % names
    for header, column in moved["alike"].items():
        told = {"header": shown(header), "column": column, "cell": shown(constants.get(column, ""))}
        if column in constants:
            said = _("“%(header)s” looks like “%(column)s”, for which every line was to say “%(cell)s”.")
        else:
            said = _("“%(header)s” looks like “%(column)s”, and is not used.")
        yield said % told
    yield _("Look at what each column holds.")


def questions(
    batch: ImportBatch, survey: dict[str, Any], ask_dates: bool, ask_amounts: bool
) -> Iterator[dict[str, str]]:
    """What only a person can say; what was answered is not asked again."""
    answered = set(batch.options.get("answered", ()))
    has = {*batch.mapping.values(), *constants_of(batch)}
    if said := asked_of_sheets(batch.reading):
        yield {"name": "sheet", "said": said}
    if any(survey["moved"].values()):
        said = " ".join(told_of_moved(survey["moved"], constants_of(batch)))
        yield {"name": "columns", "said": said}
    for name in ("donor", "date"):
        if name not in has:
            yield {"name": name, "said": _("No column is known as “%s”. Which one is it?") % name}
    if not has & {"amount_usd", "amount"}:
        yield {"name": "amount", "said": _("No column is known to hold the amounts. Which one is it?")}
    elif "amount_usd" not in has and "currency" not in has:
        yield {"name": "currency", "said": _("The file does not say in which currency its amounts are.")}
    # A kept answer tells which of two days is meant; it does not settle what this file says against itself.
    of_source = set(batch.options.get("answered_before", ()))
    if survey["dates"]["contradiction"]:
        answered -= of_source & {"dates"}
    if ask_dates and "dates" not in answered and "date" in batch.mapping.values():
        yield {"name": "dates", "said": survey["dates"]["contradiction"] or survey["dates"]["proof"]}
    if ask_amounts and "decimal" not in answered:
        yield {"name": "decimal", "said": survey["amounts"]["contradiction"] or survey["amounts"]["proof"]}
    for reason, said in (
        ("footer", _("The file ends with lines that look like no contributions.")),
        ("total", _("Some lines look like totals: imported, they would count everything twice.")),
        ("repeated_header", _("The header stands in the file again.")),
    ):
        if (
            survey["found"].get(reason)
            and reason not in batch.reading["leave_out"]
            and reason not in answered
        ):
            yield {"name": reason, "said": said}


def asked_of_sheets(reading: dict[str, Any]) -> str:
    """Which of the sheets is to be read; empty where one was chosen, or there is but one."""
    others, passed_over = reading["sheets_alike"], reading.get("passed_over")
    if not others and not passed_over:
        return ""
    if passed_over and others:
        said = _(
            "The first sheet, “%(first)s”, holds no such table. Only “%(name)s” was read, but others hold one "
            "too: %(sheets)s. Choose one."
        )
    elif passed_over:
        said = _(
            "The first sheet, “%(first)s”, holds no such table, and “%(name)s” was read. Choose the sheet that "
            "is to be read."
        )
    else:
        said = _(
            "Only the sheet “%(name)s” was read, but others hold such a table too: %(sheets)s. Choose one."
        )
    sheets = ", ".join(f"“{shown(sheet)}”" for sheet in others)
    return said % {"first": shown(passed_over or ""), "name": shown(reading["sheet"]), "sheets": sheets}


# --- Planned ----------------------------------------------------------------------------------------


def basis() -> str:
    """What the books rest on: the same until an import is stored or undone, or donors are merged."""
    batches = ImportBatch.objects.of_contributions().filter(state=ImportBatch.State.IMPORTED)
    undone = batches.filter(withdrawn_at__isnull=False)
    return f"{batches.count()}-{undone.count()}-{DonorMerge.objects.count()}"


def make_plan(batch: ImportBatch, source: Source, resource: Any, beat: Beat | None = None) -> None:
    """Read the lines, stage them, compare them with the books; the batch says what came of it."""
    staging.clear(batch)
    batch.problems.all().delete()
    resource.decide(batch.options)
    resource.prepare()
    batch.mapping, left_out = match(batch, source, resource)
    batch.progress, batch.problem = 0, ""
    has = {*batch.mapping.values(), *constants_of(batch)}
    missing = list(missing_columns(resource, has))
    if batch.options.get("complete_years") and not resource.may_everywhere:
        said = _("You may import lines of some operations alone, so no file of yours is complete for a year.")
        missing.append(CellError(1, "", "", said))
    missing += missing_rules(batch, source)
    read = Read() if missing else read_lines(batch, source, resource, beat)
    missing += [] if missing else incomplete_years(batch)
    keep_problems(batch, missing)
    columns = compared_columns(has)
    batch.plan |= {"basis": basis(), "columns": sorted(columns), "left_out": left_out}
    repeated = staging.compare(batch, columns, batch.options.get("complete_years", ()), is_first=True)
    tally = staging.tally(batch)
    batch.counts = {
        "rows": read.rows,
        **tally.counts,
        "in_error": read.bad_lines,
        "left_out": read.left_out,
    }
    batch.totals = read.totals and read.totals | {"new_and_changed_usd": f"{tally.stored:f}"}
    batch.plan |= {
        "fingerprint": tally.fingerprint,
        "totals": {},
        "notes": [*source.notes, *notes(resource, read, has), *note_of_hidden(batch, resource)],
        "warnings": [list(warning) for warning in read.warnings],
        "warned": read.warned,
        "donors": [planned(donor) for donor in resource.planned.values()],
        "aliases": resource.new_aliases(),
        "unknown": resource.unknown(),
        "errors": len(missing) + read.problems_kept,
    }
    batch.plan |= {"totals": totals(batch), "repeated": repeated, "alike": count_alike(batch)}
    batch.state, batch.job = ImportBatch.State.PLANNED, ImportBatch.Job.NONE
    keep(batch)


def match(batch: ImportBatch, source: Source, resource: Any) -> tuple[dict[str, str], list[str]]:
    """Which header is which column, as it was decided or else by name; and the headers that are not used."""
    if batch.mapping:
        mapping = {header: column for header, column in batch.mapping.items() if header in source.headers}
        return mapping, [header for header in source.headers if header and header not in mapping]
    columns = {f.column_name: f for f in resource.get_import_fields()}
    return resource.match_headers(list(source.headers), columns)


def constants_of(batch: ImportBatch) -> dict[str, str]:
    return batch.options.get("constants", {})


def missing_columns(resource: Any, has: set[str]) -> Iterable[CellError]:
    for name in resource.required:
        if name not in has:
            yield CellError(1, name, "", _("The file has no column “%(name)s”.") % {"name": name})
    if not has & {"amount_usd", "amount"}:
        yield CellError(1, "amount_usd", "", _("The file has no column “amount_usd” or “amount”."))


def missing_rules(batch: ImportBatch, source: Source) -> Iterator[CellError]:
    for rule in batch.options.get("leave_out_where", ()):
        if rule["header"] not in source.headers:
            said = _("The file has no column “%s”, by which lines are to be left out.")
            yield CellError(1, rule["header"], "", said % rule["header"])


def incomplete_years(batch: ImportBatch) -> Iterator[CellError]:
    for year in batch.options.get("complete_years", ()):
        if not batch.staged.filter(budget_year=year).exists():
            said = _("The file is said to be complete for %(year)d, and has no good line of it.")
            yield CellError(1, "budget_year", "", said % {"year": year})


def compared_columns(has: set[str]) -> set[str]:
    """Those that the file says something about."""
    pair = {"amount", "currency"}  # kept or replaced together
    return (has | {"amount_usd"}) - pair | (pair if "amount" in has else set())


@dataclass
class Read:
    """What reading a file came to."""

    rows: int = 0
    bad_lines: int = 0
    left_out: int = 0
    withheld: int = 0  # of those, the lines that readers are not shown whole
    rounded: int = 0
    problems_kept: int = 0
    warnings: list[Warned] = field(default_factory=list)
    warned: dict[str, int] = field(default_factory=dict)  # lines of each kind of warning, those not kept too
    totals: dict[str, str] = field(default_factory=dict)
    stored: Decimal = Decimal(0)
    difference: Decimal = Decimal(0)


def read_lines(batch: ImportBatch, source: Source, resource: Any, beat: Beat | None) -> Read:
    read, waiting, problems = Read(), [], []
    cleaner = LineCleaner(
        resource,
        source.headers,
        batch.mapping,
        constants=constants_of(batch),
        decimal=batch.options.get("decimal") or ".",
        typed=is_typed(source),
    )
    for lines, rows in left_in(batch, source, read):
        cleaned = cleaner.clean(lines, rows)
        read.bad_lines += cleaned.bad_lines
        waiting += cleaned.staged
        problems += cleaned.problems
        read.warnings += cleaned.warnings
        if len(waiting) >= STAGED_AT_A_TIME:
            staging.stage(batch, waiting)
            waiting = []
        if len(problems) >= CHUNK:
            read.problems_kept += keep_problems(batch, problems)
            problems = []
        sign_of_life(batch, read.rows)
        if beat:
            beat(read.rows, batch.plan.get("survey", {}).get("rows", read.rows))
    staging.stage(batch, waiting)
    read.problems_kept += keep_problems(batch, problems)
    for reason in batch.reading.get("leave_out", ()):
        count = getattr(source, "found", {}).get(reason, 0)
        read.left_out, read.rows = read.left_out + count, read.rows + count
    if instead := resource.settle_planned():
        give_to_others(batch, instead)
    read.warned, sums = dict(cleaner.warned), cleaner.sums
    read.rounded, read.stored, read.difference = sums.rounded, sums.stored, sums.stored - sums.exact
    read.totals = {"in_file_usd": f"{sums.exact:f}"}
    if sums.rounded:
        read.totals |= {
            "rounded_lines": str(sums.rounded),
            "rounded_total_usd": f"{sums.stored:f}",
            "rounding_difference_usd": f"{read.difference:f}",
        }
    return read


def is_typed(source: Source) -> bool:
    """Whether its cells may be other than text, as in a workbook."""
    return bool(
        getattr(source, "typed", False) or (getattr(source, "reading", None) and source.reading.sheet)
    )


def left_in(
    batch: ImportBatch, source: Source, read: Read
) -> Iterator[tuple[Sequence[int], Sequence[Sequence[Any]]]]:
    """The rows without those that are left out by what a column says; grouped ones with what they repeat."""
    rules = [
        (source.headers.index(rule["header"]), {fold_cell(cell) for cell in rule["cells"]}, rule["keep"])
        for rule in batch.options.get("leave_out_where", ())
        if rule["header"] in source.headers
    ]
    parts = in_chunks(source.batches())
    if batch.reading.get("layout") == "grouped":
        flat = chain.from_iterable(zip(lines, rows, strict=True) for lines, rows in source.batches())
        rows_and_lines = grouped(flat, Places.of(source.headers, batch.mapping), width=len(source.headers))
        parts = (
            tuple(zip(*part, strict=True)) for part in iter(lambda: list(islice(rows_and_lines, CHUNK)), [])
        )
    withheld = source.headers.index(WITHHELD) if WITHHELD in source.headers else None
    for lines, rows in parts:
        count = len(rows)
        if withheld is not None:
            stays = [not str(row[withheld] or "").strip() for row in rows]
            read.withheld += count - sum(stays)
            lines, rows = list(compress(lines, stays)), list(compress(rows, stays))
        for place, cells, keep in rules:
            stays = [(fold_cell(str(row[place] or "")) in cells) == keep for row in rows]
            lines, rows = list(compress(lines, stays)), list(compress(rows, stays))
        read.rows, read.left_out = read.rows + count, read.left_out + count - len(rows)
        if rows:
            yield lines, rows


def fold_cell(cell: str) -> str:
    """A cell for comparing with those that a person named; unlike a header's, its signs count."""
    return collapsed(cell.replace("_", " ")).casefold()


def in_chunks(
    parts: Iterable[tuple[Sequence[int], Sequence[Sequence[Any]]]],
) -> Iterator[tuple[list[int], list[Sequence[Any]]]]:
    """Joins parts until they are worth cleaning at once."""
    lines, rows = [], []
    for more_lines, more_rows in parts:
        lines += more_lines
        rows += more_rows
        if len(rows) >= CHUNK:
            yield lines, rows
            lines, rows = [], []
    if rows:
        yield lines, rows


def sign_of_life(batch: ImportBatch, rows: int) -> None:
    """A sign of life, for who watches the progress."""
    batch.progress = rows
    staging.hold(batch, progress=rows)


def keep(batch: ImportBatch) -> None:
    """Save what the work on it came to."""
    with transaction.atomic():
        staging.hold(batch)
        batch.save()


def keep_problems(batch: ImportBatch, problems: Sequence[CellError]) -> int:
    """How many."""
    ImportProblem.objects.bulk_create(
        (
            ImportProblem(batch=batch, line=e.line, column=e.column, value=e.value, message=e.message)
            for e in problems
        ),
        batch_size=1000,
    )
    return len(problems)


def give_to_others(batch: ImportBatch, instead: dict[uuid.UUID, uuid.UUID]) -> None:
    """Staged lines of one donor become those of another, under their new keys."""
    lines = list(batch.staged.filter(donor_token__in=instead))
    for line in lines:
        line.donor_token = instead[line.donor_token]
        line.key = contribution_key(
            line.reference, line.donor_token, line.date, line.operation_id, line.budget_year, line.earmarking
        )
    type(lines[0]).objects.bulk_update(lines, ["donor_token", "key"], batch_size=1000) if lines else None


def notes(resource: Any, read: Read, has: set[str]) -> Iterator[str]:
    if read.rounded:
        yield _(
            "%(count)d amounts are finer than a cent and are rounded half-up, each on its own; "
            "the total becomes US$ %(total)s (difference %(difference)s)."
        ) % {"count": read.rounded, "total": f"{read.stored:,}", "difference": read.difference}
    if read.withheld:
        said = ngettext(
            "%d line says in its column “withheld” that it does not show everything, and is left out.",
            "%d lines say in their column “withheld” that they do not show everything, and are left out.",
            read.withheld,
        )
        yield said % read.withheld
    if "budget_year" not in has:
        yield _("The file has no column “budget_year”: the year of each line's date is taken.")
    for code in sorted(read.warned.keys() - {"footnote"}):  # which is as it should be
        yield from warnings_of(code, read)
    for donor in resource.planned.values():
        yield _("New donor: %(name)s (%(kind)s).") % {
            "name": donor.name_en,
            "kind": donor.get_kind_display(),
        }


def warnings_of(code: str, read: Read) -> Iterator[str]:
    """The first warnings of a kind, each once with the first of its lines, and how many lines more there are."""
    lines: dict[str, list[int]] = {}
    for warning in read.warnings:
        if warning.code == code:
            lines.setdefault(warning.message, []).append(warning.line)
    more = read.warned[code]
    for message, found in islice(lines.items(), MOST_NOTED):
        more -= len(found)
        yield _("Line %(line)d: %(said)s") % {"line": found[0], "said": message}
    if more:
        yield (
            ngettext("… and %d more line with such a name.", "… and %d more lines with such a name.", more)
            % more
        )


def note_of_hidden(batch: ImportBatch, resource: Any) -> Iterator[str]:
    """That readers will not see all its lines one by one, if so."""
    planned = [donor.token for donor in resource.planned.values() if donor.is_hidden]
    hidden = Donor.objects.hidden().order_by().values("token")
    if not planned and not hidden.exists():
        return
    lines = batch.staged.filter(Q(donor_token__in=planned) | Q(donor_token__in=hidden)).count()
    if lines:
        yield (
            ngettext(
                "%d line is of a private donor who may not be named: readers see it only added up with those of others, "
                "once there are enough.",
                "%d lines are of private donors who may not be named: readers see them only added up with those of "
                "others, once there are enough.",
                lines,
            )
            % lines
        )


def planned(donor: Donor) -> dict[str, Any]:
    """A donor that the import makes, as its batch keeps it."""
    return {
        "token": donor.token.hex,
        "name": donor.name_en,
        "kind": donor.kind,
        "country": str(donor.country or ""),
        "may_be_named": donor.may_be_named,
        "is_class": donor.is_class,
        "parent": donor.parent.token.hex if donor.parent else "",
    }


# --- Imported ---------------------------------------------------------------------------------------


def import_planned(batch: ImportBatch, user: Any, *, release_at: dt.datetime | None = None) -> None:
    """Store what was planned, whole, or nothing.

    ``Overtaken`` where the books changed so that the plan is another one now; the batch then holds the new plan.
    ``CannotImport`` where there is nothing that could be imported.
    """
    try:
        with transaction.atomic():
            staging.lock_books()
            stored = ImportBatch.objects.select_for_update().get(pk=batch.pk)
            check_can_be_imported(stored)
            check_names(stored.plan)
            overtaken = stored.plan["basis"] != (now := basis()) and not plan_holds(stored)
            stored.plan["basis"] = now
            if not overtaken:
                store(stored)
                if stored.state == ImportBatch.State.IMPORTED and release_at is not None:
                    # What was public at a time that has passed stays as it was.
                    release_at = max(release_at, timezone.now())
                    check_order(stored, release_at)
                    stored.released_at = release_at
            stored.job = ImportBatch.Job.NONE
            stored.save()
            if stored.released_at is not None:
                private_sums.make()
    except (PlanIsDead, Donor.DoesNotExist, IntegrityError):  # what it refers to is gone
        overtaken = True
        batch.state, batch.job, batch.problem = ImportBatch.State.NEW, ImportBatch.Job.NONE, READ_AGAIN
        batch.save(update_fields=["state", "job", "problem"])
    batch.refresh_from_db()
    if overtaken:
        raise Overtaken


def check_can_be_imported(batch: ImportBatch) -> None:
    if batch.state == ImportBatch.State.NEW:
        raise CannotImport(batch.problem or READ_AGAIN)
    if batch.state != ImportBatch.State.PLANNED:
        raise CannotImport(_("This import is not waiting to be confirmed: %s.") % batch.get_state_display())
    if batch.plan["errors"]:
        raise CannotImport(_("The file has errors. Nothing was imported."))
    if problem := control_problem(batch):
        raise CannotImport(problem)
    if count := undecided_alike(batch):
        raise CannotImport(told_alike(count))
    if count := undecided(batch):
        raise CannotImport(
            ngettext(
                "Say of %d changed line whether it replaces the known one.",
                "Say of %d changed lines whether they replace the known ones.",
                count,
            )
            % count
        )


def check_names(plan: dict[str, Any]) -> None:
    """``PlanIsDead`` where a name that was unknown when the file was read is known by now, or is another's."""
    new = {fold_name(donor["name"]) for donor in plan["donors"]}
    spelled = {fold_name(name): uuid.UUID(token) for name, token in plan["aliases"]}
    if not new and not spelled:
        return
    known = {
        fold_name(name): token
        for token, *found in Donor.objects.values_list("token", *NAMES)
        for name in found
        if name
    } | dict(DonorAlias.objects.values_list("folded", "donor__token"))
    if new & known.keys() or any(known.get(name, token) != token for name, token in spelled.items()):
        raise PlanIsDead


def check_order(batch: ImportBatch, at: dt.datetime) -> None:
    """A line's forms are released in the order in which they came; ``CannotImport`` names what is in the way."""
    earlier = ImportBatch.objects.filter(pk__in=staging.imports_of_older_forms(batch))
    if other := earlier.exclude(released_at__lte=at).first():
        said = _(
            "It replaces lines of “%(other)s”, which readers will not see by then. Release that one first."
        )
        raise CannotImport(said % {"other": other})
    later = ImportBatch.objects.filter(pk__in=staging.imports_of_newer_forms(batch))
    if other := later.filter(released_at__lt=at).first():
        said = _("“%(other)s” replaces lines of it and is released earlier. Release this one before it.")
        raise CannotImport(said % {"other": other})


def plan_and_import(batch: ImportBatch, source: Source, resource: Any, user: Any) -> None:
    """Without anybody to look at the plan: whatever the books are by then, all of the file or nothing of it."""
    while True:
        make_plan(batch, source, resource)
        if batch.plan["errors"]:
            return
        decide_all(batch)
        batch.options["alike"] = batch.plan["alike"]
        batch.save(update_fields=["options"])
        try:
            import_planned(batch, user, release_at=timezone.now())
        except Overtaken:
            continue
        return


def plan_holds(batch: ImportBatch) -> bool:
    """Whether the import, compared with the books as they are now, would do the same; the batch keeps the new plan."""
    staging.compare(batch, batch.plan["columns"], batch.options.get("complete_years", ()))
    tally = staging.tally(batch)
    before, batch.plan["fingerprint"] = batch.plan["fingerprint"], tally.fingerprint
    batch.counts |= tally.counts
    batch.plan |= {"totals": totals(batch), "alike": count_alike(batch)}
    return before == batch.plan["fingerprint"] and not undecided_alike(batch)


def store(batch: ImportBatch) -> None:
    found = staging.tally(batch).counts
    if found["new"] or found["changed"] or found["withdrawn"]:
        make_donors(batch.plan["donors"])
        make_aliases(batch.plan["aliases"])
        replaced, stored = staging.store(batch, batch.plan["columns"])
        if (replaced, stored) != (
            found["changed"] + found["withdrawn"],
            found["new"] + found["changed"] + found["withdrawn"],
        ):
            raise PlanIsDead
        sums.make(batch)
        batch.state = ImportBatch.State.IMPORTED
    else:
        batch.state = ImportBatch.State.KNOWN
    staging.clear(batch)


def make_aliases(aliases: list[list[str]]) -> None:
    """Keep the names that were decided to be another spelling of a donor's."""
    known = set(DonorAlias.objects.values_list("folded", flat=True))
    for name, token in aliases:
        if fold_name(name) not in known:
            known.add(fold_name(name))
            DonorAlias.objects.create(name=name, donor=Donor.objects.get(token=uuid.UUID(token)))


def make_donors(planned: list[dict[str, Any]]) -> None:
    slugs = set(Donor.objects.values_list("slug", flat=True))
    for given in sorted(planned, key=lambda given: given["parent"] != ""):
        Donor.objects.create(
            token=uuid.UUID(given["token"]),
            name_en=given["name"],
            kind=given["kind"],
            country=given["country"],
            may_be_named=given["may_be_named"],
            is_class=given.get("is_class", False),
            parent=Donor.objects.get(token=uuid.UUID(given["parent"])) if given["parent"] else None,
            slug=free_slug(given["name"], slugs),
        )
