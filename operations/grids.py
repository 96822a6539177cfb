"""Grids of yearly figures: people by type and money by pillar, a column a year, a cell a figure.

A cell takes a number, the words of a reason why it is missing, or nothing; one wrong cell saves none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _

from . import calculations
from .cells import clean_amount, clean_count, clean_text
from .merging import Merged, Rules, Sheet, dumps, loads, merge, shown
from .models import (
    YEAR,
    FinancialFigure,
    MissingReason,
    Operation,
    Pillar,
    PopulationFigure,
    PopulationType,
)

COLUMNS = 8

Value = int | Decimal | MissingReason | None


@dataclass(slots=True)
class Cell:
    """One figure of one year: what is kept, what was typed, and what is wrong with it."""

    name: str
    label: str  # such as “Refugees 2020”
    year: int
    identity: dict[str, Any]
    is_open: bool = True  # False where the row does not exist in that year
    instance: Model | None = None
    kept: Value = None
    typed: str | None = None
    value: Value = None
    error: str = ""
    note: str = ""

    @property
    def text(self) -> str:
        return written(self.kept) if self.typed is None else self.typed

    @property
    def status(self) -> str:
        """The status that readers see, where it is not the usual one."""
        status = getattr(self.instance, "status", "current")
        return "" if status == FinancialFigure.Status.CURRENT else self.instance.get_status_display()

    @property
    def has_changed(self) -> bool:
        return self.value != self.kept


@dataclass(slots=True)
class Row:
    label: str
    cells: list[Cell]


@dataclass(slots=True)
class Group:
    """Rows of a grid under one heading; the first is the total of the others where ``totals`` says so."""

    label: str
    rows: list[Row] = field(default_factory=list)


def written(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, MissingReason):
        return str(value.label)
    return f"{value:,.2f}" if isinstance(value, Decimal) else f"{value:,}"


def reasons() -> dict[str, MissingReason]:
    """The words that a cell may hold instead of a number."""
    return {str(reason.label).casefold(): reason for reason in MissingReason} | {
        reason.value.replace("_", " "): reason for reason in MissingReason
    }


class FiguresForm:
    """The figures of an operation in a few years: people, money, and money by pillar.

    It reads everything in four queries and writes only the cells that changed, all of them or none.
    """

    def __init__(
        self,
        operation: Operation,
        *,
        first: int | None = None,
        data: Any = None,
        may_edit_people: bool = False,
        may_edit_money: bool = False,
    ) -> None:
        self.operation, self.data = operation, data
        self.may_edit_people, self.may_edit_money = may_edit_people, may_edit_money
        self.population = list(operation.population_figures.select_related("type"))
        self.finance = list(operation.financial_figures.select_related("pillar"))
        self.years = self._years(first)
        self.cells: list[Cell] = []
        self._people_by_key = {(f.year, f.type_id): f for f in self.population}
        self._money_by_key = self._visible_money()
        self.people = self._people()
        self.totals, self.pillars = self._money()
        self.reasons = [reason.label for reason in MissingReason]
        if data is not None:
            self.read(data)

    def read(self, data: Any) -> None:
        """Take what was typed."""
        self.data = data
        for cell in self.cells:
            self._read(cell)

    def _years(self, first: int | None) -> list[int]:
        used = [figure.year for figure in (*self.population, *self.finance)]
        this_year = timezone.now().year
        start = min(used, default=this_year - 1)
        end = max(used, default=this_year) + 1
        if first is None:
            first = max(start, end - COLUMNS + 1)
        else:
            end = max(end, first)
        first = min(max(first, 1950), 2199)
        return list(range(first, min(first + COLUMNS - 1, end, 2199) + 1))

    @property
    def earlier(self) -> int | None:
        return max(self.years[0] - COLUMNS, 1950) if self.years[0] > 1950 else None

    @property
    def later(self) -> int | None:
        return self.years[-1] + 1 if self.years[-1] < timezone.now().year + 1 or self._goes_on() else None

    def _goes_on(self) -> bool:
        return any(figure.year >= self.years[-1] for figure in (*self.population, *self.finance))

    def _visible_money(self) -> dict[tuple, FinancialFigure]:
        """Of the figures of one year, measure and pillar, the one that readers see."""
        visible: dict[tuple, FinancialFigure] = {}
        for figure in self.finance:
            key = (figure.year, figure.measure, figure.pillar_id)
            other = visible.get(key)
            if other is None or figure.status == calculations.shown_status(
                {each.status: each.amount_usd for each in (figure, other)}
            ):
                visible[key] = figure
        return visible

    def _people(self) -> list[Row]:
        used = {figure.type_id for figure in self.population}
        types = [
            type
            for type in PopulationType.objects.all()
            if type.pk in used or any(type.is_valid_in(year) for year in self.years)
        ]
        return [
            self._row(_("All people") if type is None else str(type), "people", type, "type")
            for type in [None, *types]
        ]

    def _money(self) -> tuple[list[Row], list[Group]]:
        used = {figure.pillar_id for figure in self.finance}
        pillars = [
            pillar
            for pillar in Pillar.objects.all()
            if pillar.pk in used or any(pillar.is_valid_in(year) for year in self.years)
        ]
        totals, groups = [], []
        for measure in FinancialFigure.Measure:
            label = str(measure.label).capitalize()
            totals.append(self._row(label, measure.value, None, "pillar"))
            rows = [self._row(str(pillar), measure.value, pillar, "pillar", label) for pillar in pillars]
            groups.append(Group(label, [row for row in rows if any(cell.is_open for cell in row.cells)]))
        return totals, groups

    def _row(self, label: str, measure: str, part: Any, part_name: str, group: str = "") -> Row:
        cells = []
        for year in self.years:
            identity = {"operation": self.operation, "year": year, part_name: part}
            key = part and part.pk
            if measure == "people":
                figure, kept = self._people_by_key.get((year, key)), None
            else:
                identity["measure"] = measure
                figure, kept = self._money_by_key.get((year, measure, key)), None
            if figure is not None:
                kept = figure.people if measure == "people" else figure.amount_usd
                kept = MissingReason(figure.missing_reason) if kept is None else kept
            cell = Cell(
                name=f"{measure}-{year}-{part.code if part else 'total'}",
                label=" ".join(filter(None, [group, label, str(year)])),
                year=year,
                identity=identity,
                is_open=part is None or figure is not None or part.is_valid_in(year),
                instance=figure,
                kept=kept,
                value=kept,
            )
            cells.append(cell)
        self.cells += cells
        return Row(label, cells)

    def _read(self, cell: Cell) -> None:
        if not self._is_editable(cell) or cell.name not in self.data:
            return
        is_people = "measure" not in cell.identity
        cell.typed = self.data[cell.name]
        try:
            cell.value = read_figure(cell.typed, clean_count if is_people else clean_amount)
        except ValueError as error:
            cell.error = str(error)

    def _is_editable(self, cell: Cell) -> bool:
        is_people = "measure" not in cell.identity
        return cell.is_open and (self.may_edit_people if is_people else self.may_edit_money)

    @property
    def sheet(self) -> Sheet:
        """What is stored, as the cells show it to who may edit them."""
        return Sheet({cell.name: written(cell.kept) for cell in self.cells if self._is_editable(cell)})

    @property
    def shown(self) -> str:
        """What the page was shown with, for the merge with what somebody else saves meanwhile."""
        return dumps(shown(self.sheet, Rules()))

    def merge(self, data: Any, *, is_behind: bool) -> Merged | None:
        """What was typed merged with what is stored; ``None`` where nobody else changed a cell of this page.

        ``is_behind``: the page does not say what it was shown with, but was opened before the newest edition.
        """
        base, theirs = loads(data.get("shown", "")), self.sheet
        if base is None and not is_behind:
            return None
        typed = Sheet({name: data.get(name, stored) for name, stored in theirs.fields.items()})
        merged = merge(base, theirs, typed)
        return merged if merged.is_overtaken else None

    @property
    def errors(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.error]

    @property
    def changes(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.has_changed]

    @property
    def pillars_need_a_look(self) -> bool:
        return any(
            cell.error or cell.note for group in self.pillars for row in group.rows for cell in row.cells
        )

    def show_what_was_merged(self, merged: Merged) -> None:
        """Beside each cell that somebody else changed, what they made of it."""
        for cell in self.cells:
            if cell.name in merged.conflicts:
                cell.note = _("saved now: %s") % (written(cell.kept) or _("nothing"))
            elif cell.name in merged.taken:
                cell.note = _("taken over")

    def save(self) -> list[Cell]:
        """Write the cells that changed; the caller holds the transaction."""
        changed = self.changes
        for model, name in ((PopulationFigure, "people"), (FinancialFigure, "amount_usd")):
            new, old, gone = [], [], []
            for cell in changed:
                if ("measure" in cell.identity) != (model is FinancialFigure):
                    continue
                if cell.value is None:
                    gone.append(cell.instance.pk)
                    continue
                is_missing = isinstance(cell.value, MissingReason)
                figure = cell.instance or model(**cell.identity)
                setattr(figure, name, None if is_missing else cell.value)
                figure.missing_reason = cell.value if is_missing else ""
                (old if cell.instance else new).append(figure)
            model.objects.filter(pk__in=gone).delete()
            model.objects.bulk_create(new)
            model.objects.bulk_update(old, [name, "missing_reason"])
        return changed

    @property
    def notes(self) -> list[str]:
        """Totals that their parts miss. It is said, not forbidden: not every figure is broken down."""
        notes = list(_missed(_("People"), self.people[0], self.people[1:]))
        for total, group in zip(self.totals, self.pillars, strict=True):
            notes += _missed(total.label, total, group.rows)
        return notes


def read_figure(typed: str, clean: Any) -> Value:
    """A number, a reason why there is none, or ``None`` for an empty cell; ``ValueError`` says what is wrong."""
    text = clean_text(typed)
    known = reasons()
    if text.casefold() in known:
        return known[text.casefold()]
    if text and text not in {"-", "–", "—"} and not any(character.isdigit() for character in text):
        raise ValueError(
            _(
                "“%(text)s” is neither a number nor a reason. Write a number such as 1,557,276, or one of: %(reasons)s."
            )
            % {"text": text, "reasons": ", ".join(str(reason.label) for reason in MissingReason)}
        )
    return clean(text)


def _missed(label: str, total: Row, parts: Iterable[Row]) -> Iterator[str]:
    def numbers(cells: Iterable[Cell]) -> list:
        return [None if isinstance(cell.value, MissingReason) else cell.value for cell in cells]

    parts = list(parts)
    for index, stated in enumerate(numbers(total.cells)):
        column = numbers(row.cells[index] for row in parts)
        missed = calculations.not_broken_down(stated, column)
        if missed and any(part is not None for part in column):
            words = _("%(label)s %(year)s: the total is %(by)s more than its parts together, %(sum)s.")
            if missed < 0:
                words = _("%(label)s %(year)s: the total is %(by)s less than its parts together, %(sum)s.")
            yield words % {
                "label": label,
                "year": total.cells[index].year,
                "by": written(abs(missed)),
                "sum": written(stated - missed),
            }


def clean_year(text: str | None) -> int | None:
    """A year in an address; ``None`` where there is none or it is not one."""
    try:
        year = int(text or "")
        for validator in YEAR:
            validator(year)
    except (ValueError, ValidationError):
        return None
    return year
