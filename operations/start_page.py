"""The start page of *my operations*: what is there, and what is left to do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils import timezone

from . import calculations
from .due import can_begin, is_asked, is_past
from .models import (
    FinancialFigure,
    MissingReason,
    Narrative,
    Operation,
    PopulationFigure,
    TextKind,
)
from .reviews import Inbox
from .states import KEY, State, narratives_with_state, operations_with_state, state_of, states_of

AT_ONCE = 15  # operations on one page; from more on, the list is compact


@dataclass(slots=True)
class Text:
    """A plan or year-end report of one year on the start page."""

    state: State
    url: str = ""
    language: str = ""  # named where it is not English
    copy: dict[str, Any] = field(default_factory=dict)  # what “Copy last year” sends, where there is one
    also: list[State] = field(default_factory=list)  # what is to be said beside its state


@dataclass(slots=True)
class YearOfOperation:
    year: int
    figures_url: str
    plan: list[Text]
    year_end: list[Text]
    people: int | None = None
    budget: Decimal | None = None
    expenditure: Decimal | None = None
    reasons: dict[str, str] = field(default_factory=dict)  # why a figure is missing, in words


@dataclass(slots=True)
class Line:
    """One operation on the start page."""

    operation: Operation
    profile: State
    years: list[YearOfOperation]
    may_read_texts: bool


@dataclass(frozen=True, slots=True)
class TextRights:
    """The keys of the operations whose texts a member of staff reads, and of those where they write new ones."""

    read: set[int]
    add: set[int]

    @classmethod
    def of(cls, user: Any) -> TextRights:
        def keys(*permissions: str) -> set[int]:
            mine = Operation.objects.allowed(user, *permissions).order_by()
            return set(mine.values_list("pk", flat=True))

        read = keys("operations.view_narrative", "operations.change_narrative")
        return cls(read, keys("operations.add_narrative") & read)


def start_page(request: HttpRequest) -> dict[str, Any]:
    """What is left to do, for the operations of the member of staff, in a fixed number of queries."""
    mine = Operation.objects.editable_by(request.user)
    wanted = "".join(
        character for character in request.GET.get("q", "")[:200] if character.isprintable()
    ).strip()
    total = mine.count()
    found = mine
    if wanted:
        names = Q(code__iexact=wanted)
        for code, _name in settings.LANGUAGES:
            names |= Q(**{f"name_{code}__icontains": wanted})
        found = mine.filter(names)
    page = Paginator(operations_with_state(found.select_related("region")), AT_ONCE).get_page(
        request.GET.get("page")
    )
    rights = TextRights.of(request.user)
    years = years_to_show(known_years(mine))[: 3 if total > AT_ONCE else None]
    return {
        "inbox": Inbox.of(request.user, settings.TIME_ZONE),
        "states": KEY,
        "years": years,
        "lines": lines(page, years, rights),
        "reads_texts": bool(rights.read),
        "page": page,
        "total": total,
        "is_compact": total > AT_ONCE,
        "wanted": wanted,
    }


def known_years(operations: QuerySet) -> list[int]:
    """Those in which anything of the operations was entered, oldest first."""
    used = [
        model.objects.filter(operation__in=operations.order_by()).order_by().values_list("year")
        for model in (Narrative, PopulationFigure, FinancialFigure)
    ]
    return sorted({year for (year,) in used[0].union(*used[1:]).order_by()})


def years_to_show(known: list[int]) -> list[int]:
    """The coming year, and the last four that have anything; newest first."""
    this_year = timezone.now().year
    last = known[-4:] or [this_year]
    return [*([] if last[-1] > this_year else [last[-1] + 1]), *reversed(last)]


def lines(page: Page, years: list[int], rights: TextRights) -> list[Line]:
    operations = list(page)
    here = {"operation__in": operations}
    texts: dict[tuple, list[Narrative]] = defaultdict(list)
    shown = narratives_with_state(Narrative.objects.filter(**here, year__in=[*years, years[-1] - 1]))
    for narrative in shown.order_by("language"):
        texts[narrative.operation_id, narrative.year, narrative.kind].append(narrative)
    people: dict[tuple, list[PopulationFigure]] = defaultdict(list)
    for figure in PopulationFigure.objects.filter(**here, year__in=years).order_by():
        people[figure.operation_id, figure.year].append(figure)
    money: dict[tuple, list[FinancialFigure]] = defaultdict(list)
    for figure in FinancialFigure.objects.filter(**here, year__in=years).order_by():
        money[figure.operation_id, figure.year, figure.measure].append(figure)

    result = []
    for operation in operations:
        line = Line(operation, state_of(operation), [], operation.pk in rights.read)
        figures_url = reverse("admin:operations_operation_figures", args=[operation.pk])
        for year in years:
            shown_year = YearOfOperation(
                year,
                figures_url,
                plan=year_of_texts(texts, operation, year, TextKind.PLAN, rights),
                year_end=year_of_texts(texts, operation, year, TextKind.YEAR_END, rights),
            )
            for name, figures in (
                ("people", people[operation.pk, year]),
                ("budget", money[operation.pk, year, "budget"]),
                ("expenditure", money[operation.pk, year, "expenditure"]),
            ):
                value, reason = total_of(figures)
                setattr(shown_year, name, value)
                if value is None and reason:
                    shown_year.reasons[name] = MissingReason(reason).label
                elif not operation.existed_in(year):
                    shown_year.reasons[name] = " "
            line.years.append(shown_year)
        result.append(line)
    return result


def year_of_texts(
    texts: dict, operation: Operation, year: int, kind: TextKind, rights: TextRights
) -> list[Text]:
    """The texts of one kind, one a language; a missing one says where it can be written or copied from."""
    written = [
        Text(
            state_of(narrative),
            reverse("admin:operations_narrative_change", args=[narrative.pk])
            if operation.pk in rights.read
            else "",
            "" if narrative.language == "en" else narrative.get_language_display(),
            also=states_of(narrative)[1:],
        )
        for narrative in texts[operation.pk, year, kind]
    ]
    if written or not is_asked(operation, year):
        return written
    today = timezone.localdate()
    state = State.MISSING if is_past(kind, year, today) else State.LATER
    if operation.pk not in rights.add:
        return [Text(state)]
    identity = {"operation": operation.pk, "year": year, "kind": kind.value}
    query = QueryDict(mutable=True)
    query.update(identity)
    last_year = [text for text in texts[operation.pk, year - 1, kind] if not text.translated_from_id]
    can_copy = last_year and can_begin(kind, year, today)
    copy = {**identity, "language": last_year[0].language} if can_copy else {}
    return [Text(state, f"{reverse('admin:operations_narrative_add')}?{query.urlencode()}", copy=copy)]


def total_of(figures: Iterable[PopulationFigure | FinancialFigure]) -> tuple[int | Decimal | None, str]:
    """The total that readers see of one year's figures, or the reason why there is none."""
    given: dict[int | None, dict[str, Any]] = defaultdict(dict)  # by part (None: in all) and status
    for figure in figures:
        part = figure.type_id if isinstance(figure, PopulationFigure) else figure.pillar_id
        given[part][getattr(figure, "status", "final")] = figure
    shown = {
        part: by_status[calculations.shown_status({s: value_of(f) for s, f in by_status.items()})]
        for part, by_status in given.items()
    }
    if stated := shown.pop(None, None):
        return value_of(stated), stated.missing_reason
    return calculations.total(None, map(value_of, shown.values())), ""


def value_of(figure: PopulationFigure | FinancialFigure) -> int | Decimal | None:
    return figure.people if isinstance(figure, PopulationFigure) else figure.amount_usd
