"""Imports: one engine for every table, inside django-import-export's upload, preview and confirm.

The library's row-by-row engine is replaced by a set-wise one: all cells are cleaned by the columns'
rules, references and known rows are looked up in a few queries, and the result is a ``Plan`` (new,
changed, unchanged, errors). The preview shows the plan; a plan with any error writes nothing.
"""

from __future__ import annotations

import copy
import hashlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import tablib
from django.contrib.auth import get_permission_codename
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import DatabaseError, IntegrityError, models, transaction
from django.dispatch import Signal
from django.utils.translation import gettext as _
from import_export import resources, widgets
from import_export.results import Error, Result, RowResult
from rapidfuzz import process

from . import cells
from .headings import propose, same_heading
from .models import Operation
from .rights import has_everywhere
from .tables import Unreadable

logger = logging.getLogger(__name__)

# Sent first in the transaction that writes: ``resource``, ``plan``, ``dataset``, ``file_name``, ``user``.
# What the receiver returns is the import's batch; its exception undoes the import.
import_begins = Signal()

BATCH = 1000
SHOWN_ERRORS = 100  # in the library's own words; the plan has them all
MOST_SUGGESTIONS = 300  # searches for the nearest names in one import; each takes a while


class Overtaken(Exception):
    """Somebody else changed the lines of an import between its plan and its writing."""


class Cell(widgets.Widget):
    """A column's rule: how its text is cleaned and how its value is written."""

    def __init__(self, clean: Callable[..., Any], **options: Any) -> None:
        super().__init__()
        self.rule, self.options = clean, options

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        return self.rule(value, **self.options)

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> Any:
        return int(value) if isinstance(value, bool) else value


class Lookup(widgets.Widget):
    """A reference to another table by code or name; looked up once for the whole file.

    Each of ``names`` is an attribute or a function of the instance; the first ones win over the later
    ones, and a name that two instances share is refused.
    """

    def __init__(
        self,
        model: type[models.Model],
        *names: str | Callable[[Any], str],
        blank: Iterable[str] = (),
    ) -> None:
        super().__init__()
        self.model, self.names = model, names
        self.blank = {value.casefold() for value in blank}  # texts that mean “none”
        self.known: dict[str, models.Model] = {}
        self.shared: set[str] = set()
        self.hint = Suggestions(self.known)

    def load(self, instances: Iterable[models.Model]) -> None:
        self.known, self.shared = {}, set()
        instances = list(instances)
        for name in self.names:
            found: dict[str, list[models.Model]] = {}
            for instance in instances:
                text = name(instance) if callable(name) else getattr(instance, name)
                if text and (folded := fold_reference(text)) not in self.known:
                    found.setdefault(folded, []).append(instance)
            self.known |= {folded: named[0] for folded, named in found.items()}
            self.shared |= {folded for folded, named in found.items() if len(set(named)) > 1}
        self.hint = Suggestions(self.known)

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> models.Model | None:
        text = cells.clean_text(value)
        folded = fold_reference(text)
        if not folded or folded in self.blank:
            return None
        if folded not in self.known:
            raise ValueError(
                _("There is no %(what)s “%(text)s”.%(hint)s")
                % {
                    "what": self.model._meta.verbose_name,
                    "text": shown(text),
                    "hint": self.hint(folded),
                }
            )
        if folded in self.shared:
            raise ValueError(
                _("Several bear the name “%(text)s”. Give the %(column)s instead.")
                % {"text": shown(text), "column": self.names[0]}
            )
        return self.known[folded]

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "" if value is None else getattr(value, self.names[0])


class Suggestions:
    """“ Did you mean …?” with the names nearest to a text; empty where none is near.

    Each text is searched once, and a file of nothing but unknown names only for its first ones.
    """

    def __init__(self, known: dict[str, Any]) -> None:
        self.known = known
        self.found: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        if text not in self.found and len(self.found) < MOST_SUGGESTIONS:
            self.found[text] = self.search(text)
        return self.found.get(text, "")

    def nearest(self, text: str) -> list[Any]:
        """What bears the names nearest to a text, nearest first."""
        found = process.extract(text[:200], self.known.keys(), limit=3, score_cutoff=75)
        return list(dict.fromkeys(self.known[name] for name, _score, _index in found))

    def search(self, text: str) -> str:
        names = list(dict.fromkeys(map(str, self.nearest(text))))
        return " " + _("Did you mean %s?") % _(" or ").join(f"“{name}”" for name in names) if names else ""


@dataclass(slots=True)
class Row:
    """One row of the file: its line, its cells as typed, and its values as cleaned."""

    line: int
    raw: dict[str, Any]
    values: dict[str, Any] = field(default_factory=dict)
    instance: Any = None  # the row in the database, if it is known
    differences: list[tuple[str, Any, Any]] = field(default_factory=list)  # column, old, new


@dataclass(frozen=True, slots=True)
class CellError:
    line: int
    column: str
    value: str
    message: str

    @property
    def sentence(self) -> str:
        """With its place: “Line 3, people: “12,34” groups …”."""
        if not self.line:
            return self.message
        place = _("Line %(line)d") % {"line": self.line} + (f", {self.column}" if self.column else "")
        return f"{place}: {self.message}"


@dataclass(slots=True)
class Plan:
    """What an import would do. ``rows = new + changed + unchanged + rows in error``."""

    rows: int = 0
    new: list[Row] = field(default_factory=list)
    changed: list[Row] = field(default_factory=list)
    unchanged: int = 0
    errors: list[CellError] = field(default_factory=list)
    mapping: dict[str, str] = field(default_factory=dict)  # header → column
    left_out: list[str] = field(default_factory=list)  # headers that no column takes
    notes: list[str] = field(default_factory=list)
    totals: dict[str, str] = field(default_factory=dict)
    held: list[str] = field(default_factory=list)  # profiles that were written and not released, and why

    # What would be done is no longer what its preview showed; nothing was written.
    is_overtaken: bool = False

    @property
    def fingerprint(self) -> str:
        """The same as long as the import would add and change the same lines, from the same values."""
        lines = [(row.line, None) for row in self.new]
        lines += [
            (row.line, [(name, str(old)) for name, old, _new in row.differences]) for row in self.changed
        ]
        return hashlib.blake2b(repr(lines).encode(), digest_size=12).hexdigest()

    @property
    def counts(self) -> dict[str, int]:
        return {
            "rows": self.rows,
            "new": len(self.new),
            "changed": len(self.changed),
            "unchanged": self.unchanged,
            "in_error": len({error.line for error in self.errors if error.line}),
        }


class TableResource(resources.ModelResource):
    """A table that can be imported and exported. Subclasses declare columns, identity and aliases."""

    #: Other headers under which a column is known.
    aliases: dict[str, str] = {}
    #: Columns that the file must have and every row must fill.
    required: tuple[str, ...] = ()
    #: Options that a person may give (keyword arguments of the resource).
    options: tuple[str, ...] = ()
    #: Columns that say which row of the database a row of the file is.
    identity: tuple[str, ...] = ()

    def __init__(self, *, user: Any = None, round_to_cents: bool = False, **kwargs: Any) -> None:
        """``user``: the person whose rights count; without one, as on the command line, nothing is barred."""
        super().__init__(**kwargs)
        self.user = user
        self.round_to_cents = round_to_cents
        for column in self.fields.values():
            if isinstance(column.widget, Cell) and column.widget.rule is cells.clean_amount:
                column.widget.options["round_to_cents"] = round_to_cents

    def get_queryset(self) -> models.QuerySet:
        return super().get_queryset().order_by("pk")  # the same file in every language

    # --- from the file to a plan ---

    def import_data_inner(
        self,
        dataset: tablib.Dataset,
        dry_run: bool,
        raise_errors: bool,
        using_transactions: bool,
        collect_failed_rows: bool,
        **kwargs: Any,
    ) -> Result:
        plan = self.plan(dataset)
        planned = kwargs.get("planned")
        plan.is_overtaken = bool(planned and (plan.new or plan.changed)) and plan.fingerprint != planned
        if not (plan.errors or plan.is_overtaken or dry_run) and (plan.new or plan.changed):
            batch = None
            try:
                with transaction.atomic():
                    answers = import_begins.send(
                        sender=type(self),
                        resource=self,
                        plan=plan,
                        dataset=dataset,
                        file_name=kwargs.get("file_name") or "",
                        user=kwargs.get("user"),
                    )
                    batch = answers[0][1] if answers else None
                    self.write(plan, batch=batch, user=kwargs.get("user"))
            except Exception as error:
                if batch is not None:
                    batch.file.delete(save=False)  # a file is no part of the transaction
                if isinstance(error, Overtaken | IntegrityError):
                    said = _("Somebody else changed the same lines in the meantime. Upload the file again.")
                elif isinstance(error, DatabaseError):
                    said = _("The database could not store the lines. Try again later.")
                else:
                    raise
                logger.exception("An import of %s was undone.", self._meta.model._meta.label)
                plan.errors.append(CellError(0, "", "", said))
        if plan.errors and raise_errors:
            raise ValidationError([error.sentence for error in plan.errors[:SHOWN_ERRORS]])
        return self.result(plan, dataset)

    def plan(self, dataset: tablib.Dataset) -> Plan:
        plan = Plan(rows=len(dataset))
        columns = {f.column_name: f for f in self.get_import_fields()}
        for f in columns.values():
            if isinstance(f.widget, Lookup):
                f.widget.load(self.referred(f.widget.model))
        plan.mapping, plan.left_out = self.match_headers(dataset.headers or [], columns)
        for name in self.required:
            if name not in plan.mapping.values():
                plan.errors.append(
                    CellError(1, name, "", _("The file has no column “%(name)s”.") % {"name": name})
                )
        if plan.errors:
            return plan
        self.prepare(plan)
        if plan.errors:
            return plan
        plan.notes += getattr(dataset, "notes", [])
        lines = getattr(dataset, "lines", None) or range(2, len(dataset) + 2)
        rows = []
        for line, values in zip(lines, dataset, strict=True):
            cells_of = dict(zip(dataset.headers, values, strict=True))
            row = Row(line, {column: cells_of[header] for header, column in plan.mapping.items()})
            found = repeated_header(row, plan.mapping) or self.clean_row(row, columns)
            plan.errors += found
            if not found:
                rows.append(row)
        self.compare(rows, plan)
        order = {column: place for place, column in enumerate(plan.mapping.values())}
        plan.errors.sort(key=lambda error: (error.line, order.get(error.column, -1)))
        self.sum_up(plan)
        return plan

    def referred(self, model: type[models.Model]) -> models.QuerySet:
        """The rows of another table that this one may refer to: of operations, those where its user may import it."""
        return self.allowed("import") if model is Operation else model._default_manager.all()

    def allowed(self, action: str) -> models.QuerySet:
        """The operations where the person whose rights count may do this with the rows of this table."""
        if self.user is None:
            return Operation.objects.all()
        return Operation.objects.allowed(self.user, self.permission(action)).order_by()

    def has_everywhere(self, action: str) -> bool:
        return self.user is None or has_everywhere(self.user, self.permission(action))

    def permission(self, action: str) -> str:
        opts = self._meta.model._meta
        return f"{opts.app_label}.{get_permission_codename(action, opts)}"

    def match_headers(self, headers: list[str], columns: dict[str, Any]) -> tuple[dict[str, str], list[str]]:
        """Which header is which column, by name or alias; and the headers that are not used."""
        mapping = propose(headers, columns, self.aliases, only_own=True)
        return mapping, [h for h in headers if h and h not in mapping]

    def prepare(self, plan: Plan) -> None:
        """Load what the rows need; runs once, after the header is known."""

    def clean_row(self, row: Row, columns: dict[str, Any]) -> list[CellError]:
        errors = []
        for name, value in row.raw.items():
            try:
                if isinstance(value, Unreadable):
                    raise ValueError(value.reason)
                cleaned = columns[name].widget.clean(value, row.raw)
                if cleaned in (None, "") and name in self.required:
                    raise ValueError(_("This cell is empty, but every line needs it."))
                row.values[columns[name].attribute] = cleaned
            except ValueError as error:
                errors.append(CellError(row.line, name, shown(value), str(error)))
        if not errors:
            broken = self.check_row(row)
            errors += [CellError(row.line, name, shown(row.raw.get(name)), said) for name, said in broken]
        return errors

    def check_row(self, row: Row) -> Iterable[tuple[str, str]]:
        """Rules over several cells of a row: (column, message) of each that is broken."""
        return ()

    def identify(self, values: dict[str, Any]) -> tuple:
        return tuple(_plain(values.get(name)) for name in self.identity)

    def known_rows(self, rows: list[Row]) -> dict[tuple, models.Model]:
        instances = self._meta.model.objects.all()
        if related := sorted(self.relations() & {f.attribute for f in self.get_import_fields()}):
            instances = instances.select_related(*related)
        return {self.identify({n: getattr(i, n) for n in self.identity}): i for i in instances}

    def compare(self, rows: list[Row], plan: Plan) -> None:
        known = self.known_rows(rows)
        first_line: dict[tuple, int] = {}
        for row in rows:
            identity = self.identify(row.values)
            if identity in first_line:
                plan.errors.append(
                    CellError(
                        row.line,
                        "",
                        "",
                        _("This line repeats line %(line)d.") % {"line": first_line[identity]},
                    )
                )
                continue
            first_line[identity] = row.line
            row.instance = known.get(identity)
            row.differences = [
                (name, getattr(row.instance, name), value)
                for name, value in row.values.items()
                if row.instance and not same(getattr(row.instance, name), value)
            ]
            if row.instance and not row.differences:
                plan.unchanged += 1
            elif errors := self.check_instance(row):
                plan.errors += errors
            else:
                (plan.changed if row.instance else plan.new).append(row)

    def defaults(self) -> dict[str, Any]:
        return {}

    def check_instance(self, row: Row) -> list[CellError]:
        """The model's own rules on what the row would store."""
        if row.instance is None:
            instance = self._meta.model(**self.defaults(), **row.values)
        else:
            instance = copy.copy(row.instance)
            for name, _old, new in row.differences:
                setattr(instance, name, new)
        asked = {NON_FIELD_ERRORS, *row.values}
        try:
            instance.clean_fields(exclude={f.name for f in instance._meta.fields} - asked | self.relations())
            instance.clean()
        except ValidationError as error:
            names = {f.attribute: f.column_name for f in self.get_import_fields()}
            return [
                CellError(
                    row.line, names.get(name, ""), shown(row.raw.get(names.get(name, ""))), " ".join(said)
                )
                for name, said in error.message_dict.items()
            ]
        return []

    def relations(self) -> set[str]:
        return {f.name for f in self._meta.model._meta.fields if f.is_relation}

    def sum_up(self, plan: Plan) -> None:
        """Control totals of the file."""

    # --- from the plan to the database ---

    def write(self, plan: Plan, *, batch: Any, user: Any) -> None:
        model = self._meta.model
        model.objects.bulk_create(
            (model(**self.defaults(), **row.values) for row in plan.new), batch_size=BATCH
        )
        for row in plan.changed:
            for name, _old, new in row.differences:
                setattr(row.instance, name, new)
        names = {name for row in plan.changed for name, _old, _new in row.differences}
        if names:
            model.objects.bulk_update([row.instance for row in plan.changed], sorted(names), batch_size=BATCH)

    def result(self, plan: Plan, dataset: tablib.Dataset) -> Result:
        """The plan in the library's words."""
        result = Result()
        result.plan = plan
        result.diff_headers = self.get_diff_headers()
        result.total_rows = plan.rows
        # Every error is a “base” one: the library's command ends with an exit code only for those.
        for error in plan.errors[:SHOWN_ERRORS]:
            result.append_base_error(Error(ValueError(error.sentence)))
        if not plan.errors:
            result.totals[RowResult.IMPORT_TYPE_NEW] = len(plan.new)
            result.totals[RowResult.IMPORT_TYPE_UPDATE] = len(plan.changed)
            result.totals[RowResult.IMPORT_TYPE_SKIP] = plan.unchanged
        result.totals[RowResult.IMPORT_TYPE_INVALID] = plan.counts["in_error"]
        return result


def fold_reference(text: str) -> str:
    return cells.fold_name(text).replace("_", " ").replace("-", " ")


def repeated_header(row: Row, mapping: dict[str, str]) -> list[CellError]:
    """An error where the row is the header once more, as where two files were joined."""
    headers = {column: header for header, column in mapping.items()}
    filled = {column: str(value) for column, value in row.raw.items() if value not in (None, "")}
    if not filled or not all(same_heading(value, headers[column]) for column, value in filled.items()):
        return []
    return [CellError(row.line, "", "", _("This line repeats the header. Take it out of the file."))]


def same(old: Any, new: Any) -> bool:
    """Whether a cell says what is stored: nothing is nothing, white space is white space, countries are codes."""
    old, new = (
        ",".join(str(getattr(item, "code", item)) for item in value)
        if isinstance(value, Iterable) and not isinstance(value, str)
        else value
        for value in (old, new)
    )
    if isinstance(old, str) and isinstance(new, str):
        return [line.split() for line in old.strip().splitlines()] == [
            line.split() for line in new.splitlines()
        ]
    return (old if old is not None else "") == (new if new is not None else "")


def shown(value: Any) -> str:
    """A cell as an error message repeats it."""
    text = "" if value is None else str(value)
    # What a database cannot hold: no character, and halves of one.
    text = text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    return text if len(text) <= 80 else text[:79] + "…"


def _plain(value: Any) -> Any:
    return value.pk if isinstance(value, models.Model) else value
