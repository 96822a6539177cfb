"""What the pages of an import show: its state in words, its sums and lines, how its file was read."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.http import (
    HttpRequest,
)
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from operations.text_files import ENCODINGS

from .. import staging
from ..deciding import DECIDED, control_problem, repeated
from ..import_forms import (
    COLUMNS,
    DELIMITERS,
    LAYOUTS,
    NO_RECORDS,
    ORDERS,
)
from ..models import COMPARED, Contribution, Donor, ImportBatch, StagedLine

LINES_OF_A_PAGE = 50
FOOTNOTES = 20  # names that are shown
FEW = 20  # lines that look like known ones
KEYED = ("reference", "operation", "budget_year", "earmarking")

State, Job = ImportBatch.State, ImportBatch.Job


# --- In words ---------------------------------------------------------------------------------------


def standing(batch: ImportBatch) -> tuple[str, str, Any]:
    """Where an import stands: its colour, its mark, and words."""
    if batch.job:
        words = _("is being imported") if batch.job == Job.IMPORT else _("is being read")
        return "scheduled", "◔", words
    if batch.state == State.PLANNED and batch.plan.get("errors"):
        return "changes_requested", "↺", _("has errors")
    if batch.state != State.IMPORTED:
        return {
            State.NEW: ("draft", "◐"),
            State.ASKING: ("changes_requested", "↺"),
            State.PLANNED: ("in_review", "◑"),
            State.KNOWN: ("missing", "○"),
            State.FAILED: ("withdrawn", "⊘"),
            State.GIVEN_UP: ("missing", "○"),
        }[State(batch.state)] + (batch.get_state_display(),)
    if batch.withdrawn_at:
        return "withdrawn", "⊘", _("undone")
    if batch.released_at is None:
        return "draft", "◐", _("imported, not released")
    if batch.released_at > timezone.now():
        return "scheduled", "◔", _("imported, release set for a time")
    return "released", "●", _("readers see it")


def state_tag(batch: ImportBatch) -> str:
    return format_html(
        '<span class="state state-{}"><span aria-hidden="true">{}</span> {}</span>', *standing(batch)
    )


def printed(amount: Any) -> str:
    """1614205.5 → 1,614,205.50, whatever the language of the page."""
    if amount is None or amount == "":
        return "–"
    amount = Decimal(amount)
    return f"{amount:,.2f}".replace("-", "−") if amount.as_tuple().exponent >= -2 else f"{amount:,f}"


def printed_value(column: str, value: Any) -> str:
    return printed(value) if column in ("amount_usd", "amount") else str(value) or "–"


def sum_of(batch: ImportBatch) -> list[tuple[str, int]]:
    """How the rows of the file divide: their sum is the rows that were read."""
    counts = batch.counts
    parts = [
        (_("new"), "new"),
        (_("replaced"), "changed"),
        (_("unchanged"), "unchanged"),
        (_("left as they are"), "kept"),
        (_("in error"), "in_error"),
        (_("left out"), "left_out"),
    ]
    return [(words, counts.get(name, 0)) for words, name in parts if name != "kept" or counts.get(name)]


def totals_of(batch: ImportBatch, *, with_books: bool) -> list[dict[str, Any]]:
    """Before and after by group; without ``with_books`` only what the file adds."""
    headings = {
        "currency": _("By currency, in it"),
        "class": _("By donor class, US dollars"),
        "donor": _("By donor, US dollars"),
        "year": _("By budget year, US dollars"),
    }
    kinds = dict(Donor.Kind.choices)
    groups = []
    for name, heading in headings.items():
        rows = (batch.plan.get("totals") or {}).get(name, [])
        if name == "year":
            rows = sorted(rows, key=lambda row: row["name"])
        if rows:
            names = [kinds.get(row["name"], row["name"]) if name == "class" else row["name"] for row in rows]
            columns = ("before", "change", "after") if with_books else ("change",)
            cells = [[printed(row[column]) for column in columns] for row in rows]
            groups.append(
                {
                    "name": name,
                    "heading": heading,
                    "rows": list(zip(names, cells, strict=True)),
                    "books": with_books,
                }
            )
    return groups


def how_it_was_read(batch: ImportBatch) -> list[tuple[str, str]]:
    """The decisions about a file, as facts."""
    reading, options, survey = batch.reading, batch.options, batch.plan.get("survey", {})
    facts = [
        (_("Encoding"), ENCODINGS.get(reading.get("encoding", ""), "")),
        (_("Between cells stands"), str(DELIMITERS.get(reading.get("delimiter", ""), ""))),
        (_("Sheet"), reading.get("sheet", "")),
        (_("Line of the header"), str(reading.get("header_line") or "")),
        (_("Layout"), str(LAYOUTS.get(reading.get("layout", ""), ""))),
        (_("Dates"), dates_of(options, survey)),
        (_("Decimal mark"), options.get("decimal") or ""),
        (
            _("Left out"),
            ", ".join(str(NO_RECORDS[n]) for n in reading.get("leave_out", ()) if n in NO_RECORDS),
        ),
        (
            _("The same in every line"),
            ", ".join(f"{COLUMNS[n]}: {c}" for n, c in options.get("constants", {}).items()),
        ),
        (_("Rounded to whole cents"), _("yes") if options.get("round_to_cents") else ""),
        (_("Complete for budget years"), ", ".join(map(str, options.get("complete_years", ())))),
    ]
    for rule in options.get("leave_out_where", ()):
        said = _("only where “%(header)s” says: %(cells)s") if rule["keep"] else _("not where “%(header)s” says: %(cells)s")  # fmt: skip
        facts.append((_("Lines"), said % {"header": rule["header"], "cells": ", ".join(rule["cells"])}))
    return [(label, text) for label, text in facts if text]


def dates_of(options: dict[str, Any], survey: dict[str, Any]) -> str:
    order = options.get("dates") or ""
    if not order or ("date" not in options.get("constants", {}) and not survey):
        return ""
    said = str(ORDERS.get(order, order))
    if order in ("month", "year"):
        last = _("each stands for its last day") if options.get("stands_for") != "first" else _("each stands for its first day")  # fmt: skip
        said = f"{said}; {last}"
    proof = survey.get("dates", {}).get("proof", "")
    return f"{said}. {proof}" if proof and "dates" not in options.get("answered", ()) else said


# --- Lines ------------------------------------------------------------------------------------------


def cells_of(line: Any, donor: str, operation: Any) -> list[str]:
    earmarking = dict(Contribution.Earmarking.choices).get(line.earmarking, line.earmarking)
    original = f"{line.currency} {printed(line.amount)}" if line.amount is not None else line.currency
    return [
        str(line.line or "–"), line.date.isoformat(), donor, str(operation or "–"), str(line.budget_year),
        printed(line.amount_usd), original, str(earmarking or "–"), line.reference or "–", line.description or "–",
    ]  # fmt: skip


def line_heads() -> list[str]:
    return [
        _("Line"), _("Date"), _("Donor"), _("Operation"), _("Budget year"), _("US dollars"), _("Original"),
        _("Earmarking"), _("Reference"), _("Description"),
    ]  # fmt: skip


def staged_rows(batch: ImportBatch, lines: Iterable[StagedLine]) -> list[dict[str, Any]]:
    """Lines of the stage for a table; with what each would change."""
    lines = list(lines)
    planned = {uuid.UUID(d["token"]): _("%s (new)") % d["name"] for d in batch.plan.get("donors", ())}
    known = Donor.objects.filter(token__in={line.donor_token for line in lines})
    names = planned | dict(known.values_list("token", "name_en"))
    rows = []
    for line in lines:
        line.batch = batch
        differences = line.differences if line.previous_id and line.state in DECIDED else []
        rows.append(
            {
                "pk": line.pk,
                "cells": cells_of(line, names.get(line.donor_token, "–"), line.operation),
                "line": line,
                "what": line.get_state_display(),
                "differences": [
                    (capfirst(COLUMNS[name]), printed_value(name, old), printed_value(name, new))
                    for name, old, new in differences
                ],
            }
        )
    return rows


def alike_rows(batch: ImportBatch, with_books: bool) -> list[dict[str, Any]]:
    """The first new lines that look like known ones; ``with_books``, what tells the two apart."""
    pairs = staging.first_alike(batch, FEW)
    known = Contribution.objects.select_related("operation").in_bulk([pk for _new, pk in pairs])
    lines = batch.staged.select_related("operation").in_bulk([pk for pk, _known in pairs])
    rows = staged_rows(batch, [lines[pk] for pk, _known in pairs])
    for row, (pk, old) in zip(rows, pairs, strict=True):
        both = [(name, getattr(known[old], name), getattr(lines[pk], name)) for name in KEYED]
        row["differences"] = [
            (capfirst(COLUMNS[name]), printed_value(name, was or ""), printed_value(name, now or ""))
            for name, was, now in both
            if was != now and with_books
        ]
    return rows


def stored_rows(batch: ImportBatch, lines: Iterable[Contribution]) -> list[dict[str, Any]]:
    """Lines that an import brought; with the form that each had before it."""
    lines = list(lines)
    before: dict[tuple[Any, int], list[Contribution]] = {}
    forms = Contribution.objects.exclude(batch=batch).filter(
        Q(batch__withdrawn_at__isnull=True) | Q(batch__withdrawn_at__gt=batch.made_at), withdraws=False
    )
    for is_current in (True, False):  # asked apart, each by its own index
        for form in forms.filter(key__in={line.key for line in lines}, is_current=is_current):
            before.setdefault((form.key, form.occurrence), []).append(form)
    rows = []
    for line in lines:
        older = [form for form in before.get((line.key, line.occurrence), ()) if form.pk < line.pk]
        old = max(older, key=lambda form: form.pk) if older else None
        pairs = [(name, getattr(old, name), getattr(line, name)) for name in COMPARED] if old else []
        what = _("withdrawn") if line.withdraws else _("replaced") if old else _("new")
        rows.append(
            {
                "cells": cells_of(line, line.donor.name_en, line.operation),
                "line": line,
                "what": what,
                "differences": []
                if line.withdraws
                else [
                    (capfirst(COLUMNS[name]), printed_value(name, was), printed_value(name, now))
                    for name, was, now in pairs
                    if was != now
                ],
            }
        )
    return rows


def page_of(request: HttpRequest, rows: Any, name: str = "page") -> Any:
    """The page of a list that the address asks for; the nearest one where there is none of this number."""
    return Paginator(rows, LINES_OF_A_PAGE).get_page(request.GET.get(name))


def public_after_undo(batch: ImportBatch) -> dict[str, Any]:
    """What readers see now, and would see without the import: lines and US dollars."""
    now = timezone.now()

    def told(lines: QuerySet) -> tuple[int, Decimal]:
        found = lines.order_by().aggregate(lines=Count("pk"), usd=Sum("amount_usd"))
        return found["lines"], found["usd"] or Decimal("0.00")

    mine = Contribution.objects.filter(batch=batch).order_by().values("key")
    is_public = Q(batch__withdrawn_at__isnull=True, batch__released_at__lte=now) & ~Q(batch=batch)
    newer = Contribution.objects.filter(
        is_public, key=OuterRef("key"), occurrence=OuterRef("occurrence"), pk__gt=OuterRef("pk")
    )
    without = Contribution.objects.filter(is_public, withdraws=False, key__in=mine).exclude(
        Exists(newer.filter(is_current=True)) | Exists(newer.filter(is_current=False))
    )
    before = told(Contribution.objects.counted(now))
    mine_before, mine_after = told(Contribution.objects.counted(now).filter(key__in=mine)), told(without)
    after = tuple(all_ - old + new for all_, old, new in zip(before, mine_before, mine_after, strict=True))
    return {
        "before": (before[0], printed(before[1])),
        "after": (after[0], printed(after[1])),
        "same": before == after,
    }


class Compared:
    """The lines that two imports brought: the same in both, different, or in one alone."""

    def __init__(self, mine: QuerySet, theirs: QuerySet) -> None:
        self.mine, self.theirs = mine, theirs

    def other(self, of: QuerySet, *same: Any) -> Any:
        """Whether the other one has the line, asked for current and older forms apart, each by its own index."""
        lines = of.order_by().filter(key=OuterRef("key"), occurrence=OuterRef("occurrence"))
        if same:
            lines = lines.filter(**{name: OuterRef(name) for name in same})
        return Exists(lines.filter(is_current=True)) | Exists(lines.filter(is_current=False))

    @property
    def groups(self) -> dict[str, QuerySet]:
        no_amount = self.theirs.filter(amount__isnull=True)
        plain = ("amount_usd", "currency", "description", "withdraws")
        is_equal = self.other(self.theirs, *plain, "amount") | (
            Q(amount__isnull=True) & self.other(no_amount, *plain)
        )
        in_both = self.mine.filter(self.other(self.theirs))
        return {
            "equal": in_both.filter(is_equal),
            "different": in_both.exclude(is_equal),
            "mine": self.mine.exclude(self.other(self.theirs)),
            "theirs": self.theirs.exclude(self.other(self.mine)),
        }


# --- The plan ---------------------------------------------------------------------------------------


def is_large(batch: ImportBatch) -> bool:
    """Whether its work is left to a worker."""
    try:
        return batch.file.size > settings.IMPORT_BACKGROUND_BYTES
    except (OSError, ValueError):  # the work itself will say that the file is gone
        return False


def control_of(batch: ImportBatch) -> dict[str, str]:
    """The total that was typed, the one that was found, and whether they are the same."""
    found = batch.totals.get("in_file_usd")
    typed = Decimal(batch.options["control_total"])
    return {
        "typed": printed(typed),
        "found": printed(found),
        "difference": printed(Decimal(found) - typed) if found else "–",
        "problem": control_problem(batch) if batch.totals else "",
    }


def notes_of(batch: ImportBatch) -> list[str]:
    """What was noted of the file; but for its new donors, which stand last and have a list of their own."""
    notes = batch.plan.get("notes", [])
    return notes[: len(notes) - len(batch.plan.get("donors", ()))]


def new_donors_of(batch: ImportBatch) -> list[tuple[str, str]]:
    kinds = dict(Donor.Kind.choices)
    return sorted((donor["name"], kinds[donor["kind"]]) for donor in batch.plan.get("donors", ()))


def footnotes_of(batch: ImportBatch) -> dict[str, Any]:
    """The names that stand in the file with a footnote mark: how many, and the first of them, with their lines."""
    warnings = batch.plan.get("warnings", ())
    lines: dict[str, list[int]] = {}
    for code, line, _column, _value, said in warnings:
        if code == "footnote":
            lines.setdefault(said, []).append(line)
    shown = [(found[0], said, len(found) - 1) for said, found in lines.items()][:FOOTNOTES]
    kept = sum(map(len, lines.values()))
    uncounted = batch.plan.get("warned", {}).get("footnote", kept) - kept  # lines whose names were not kept
    return {"names": len(lines), "shown": shown, "more": len(lines) - len(shown), "uncounted": uncounted}


def repeated_rows(batch: ImportBatch) -> list[list[str]]:
    return [
        [f"{row['times']}", row["date"].isoformat(), str(row["budget_year"]), printed(row["amount_usd"]),
         row["reference"] or "–", row["description"] or "–"]
        for row in repeated(batch)
    ]  # fmt: skip


def paired_rows(lines: list[Contribution], theirs: QuerySet | None) -> list[dict[str, Any]]:
    """Lines of one import; with ``theirs``, what differs in the other one."""
    found: dict[tuple[Any, int], Contribution] = {}
    if theirs is not None:
        found = {
            (line.key, line.occurrence): line for line in theirs.filter(key__in={line.key for line in lines})
        }
    rows = []
    for line in lines:
        other = found.get((line.key, line.occurrence))
        pairs = [(name, getattr(line, name), getattr(other, name)) for name in COMPARED] if other else []
        rows.append(
            {
                "cells": cells_of(line, line.donor.name_en, line.operation),
                "line": line,
                "what": _("withdrawn") if line.withdraws else "",
                "differences": [
                    (capfirst(COLUMNS[name]), printed_value(name, mine), printed_value(name, its))
                    for name, mine, its in pairs
                    if mine != its
                ],
            }
        )
    return rows
