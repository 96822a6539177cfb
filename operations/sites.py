"""The admin site: its name, and the start page of *my operations*."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.paginator import Page, Paginator
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, TextChoices
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from . import calculations
from .models import (
    Edition,
    FinancialFigure,
    MissingReason,
    Narrative,
    Operation,
    PopulationFigure,
    TextKind,
    WorkingCopy,
)

AT_ONCE = 15  # operations on one page; from more on, the list is compact


class State(TextChoices):
    """Where a text or profile stands, as staff see it."""

    MISSING = "missing", _("missing")
    LATER = "later", _("not yet due")
    DRAFT = "draft", _("draft")
    IN_REVIEW = "in_review", _("in review")
    CHANGES_REQUESTED = "changes_requested", _("changes requested")
    SCHEDULED = "scheduled", _("release set for a time")
    RELEASED = "released", _("released")
    CHANGED = "changed", _("released, newer draft")
    WITHDRAWN = "withdrawn", _("withdrawn")

    @property
    def mark(self) -> str:
        return {
            "missing": "○",
            "later": "·",
            "draft": "◐",
            "in_review": "◑",
            "changes_requested": "↺",
            "scheduled": "◔",
            "released": "●",
            "changed": "◕",
            "withdrawn": "⊘",
        }[self.value]


def state_of(row: Any) -> State:
    """The state of a working copy that ``with_edition_numbers`` was asked about."""
    if row.scheduled is not None:
        return State.SCHEDULED
    if row.public is not None and row.public == row.newest:
        return State.RELEASED
    if row.review != WorkingCopy.Review.DRAFT:
        return State(row.review)
    if row.public is not None:
        return State.CHANGED
    return State.DRAFT if row.last_released is None else State.WITHDRAWN


def with_edition_numbers(queryset: QuerySet, **text: Any) -> QuerySet:
    """``newest``, ``scheduled``, ``last_released`` and ``public``: numbers of editions of each row's text."""
    editions = Edition.objects.filter(**text).order_by("-number")
    return queryset.annotate(
        newest=Subquery(editions.values("number")[:1]),
        scheduled=Subquery(editions.scheduled().values("number")[:1]),
        last_released=Subquery(editions.filter(released_at__lte=timezone.now()).values("number")[:1]),
        public=Subquery(editions.released().values("number")[:1]),
    )


def in_state(queryset: QuerySet, state: str) -> QuerySet:
    """The rows of ``with_edition_numbers`` that are in this state; all where it is none. Agrees with ``state_of``."""
    unset = queryset.filter(scheduled__isnull=True)
    unreleased = unset.filter(Q(public__isnull=True) | Q(public__lt=F("newest")))
    draft = unreleased.filter(review=WorkingCopy.Review.DRAFT)
    return {
        State.SCHEDULED: queryset.filter(scheduled__isnull=False),
        State.RELEASED: unset.filter(public=F("newest")),
        State.IN_REVIEW: unreleased.filter(review=WorkingCopy.Review.IN_REVIEW),
        State.CHANGES_REQUESTED: unreleased.filter(review=WorkingCopy.Review.CHANGES_REQUESTED),
        State.CHANGED: draft.filter(public__isnull=False),
        State.WITHDRAWN: draft.filter(public__isnull=True, last_released__isnull=False),
        State.DRAFT: draft.filter(last_released__isnull=True),
    }.get(state, queryset)


def operations_with_state(queryset: QuerySet) -> QuerySet:
    return with_edition_numbers(queryset, operation=OuterRef("pk"), kind=Edition.Kind.PROFILE)


def narratives_with_state(queryset: QuerySet) -> QuerySet:
    keys = ("operation", "kind", "year", "language")
    return with_edition_numbers(queryset, **{key: OuterRef(key) for key in keys})


@dataclass(slots=True)
class Text:
    """A plan or year-end report of one year on the start page."""

    state: State
    url: str = ""
    language: str = ""  # named where it is not English
    copy: dict[str, Any] = field(default_factory=dict)  # what “Copy last year” sends, where there is one


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


class OpenfieldAdminSite(admin.AdminSite):
    index_template = "admin/start.html"
    index_title = _("My operations")
    enable_nav_sidebar = True

    @property
    def site_header(self) -> str:
        return settings.AGENCY_NAME

    @property
    def site_title(self) -> str:
        return settings.AGENCY_NAME

    def get_urls(self) -> list:
        """Without the redirect to any object's page, which tells the addresses of what is not public."""
        return [url for url in super().get_urls() if getattr(url, "name", "") != "view_on_site"]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().index(request, {**start_page(request), **(extra_context or {})})


def may_read_texts(user: Any) -> bool:
    return user.has_perm("operations.view_narrative") or user.has_perm("operations.change_narrative")


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
    years = years_to_show(mine)[: 3 if total > AT_ONCE else None]
    return {
        "years": years,
        "lines": lines(page, years, request.user),
        "may_read_texts": may_read_texts(request.user),
        "page": page,
        "total": total,
        "is_compact": total > AT_ONCE,
        "wanted": wanted,
    }


def years_to_show(operations: QuerySet) -> list[int]:
    """The coming year, and the last four that have anything; newest first."""
    this_year = timezone.now().year
    used = [
        model.objects.filter(operation__in=operations.order_by()).order_by().values_list("year")
        for model in (Narrative, PopulationFigure, FinancialFigure)
    ]
    known = sorted({year for (year,) in used[0].union(*used[1:]).order_by()})[-4:] or [this_year]
    return [*([] if known[-1] > this_year else [known[-1] + 1]), *reversed(known)]


def lines(page: Page, years: list[int], user: Any) -> list[Line]:
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
        line = Line(operation, state_of(operation), [])
        figures_url = reverse("admin:operations_operation_figures", args=[operation.pk])
        for year in years:
            shown_year = YearOfOperation(
                year,
                figures_url,
                plan=year_of_texts(texts, operation, year, TextKind.PLAN, user),
                year_end=year_of_texts(texts, operation, year, TextKind.YEAR_END, user),
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


def year_of_texts(texts: dict, operation: Operation, year: int, kind: TextKind, user: Any) -> list[Text]:
    """The texts of one kind, one a language; a missing one says where it can be written or copied from."""
    written = [
        Text(
            state_of(narrative),
            reverse("admin:operations_narrative_change", args=[narrative.pk]) if may_read_texts(user) else "",
            "" if narrative.language == "en" else narrative.get_language_display(),
        )
        for narrative in texts[operation.pk, year, kind]
    ]
    if written or not operation.existed_in(year):
        return written
    if not user.has_perm("operations.add_narrative"):
        return [Text(State.MISSING)]
    state = State.MISSING
    if kind == TextKind.YEAR_END and year >= timezone.now().year:
        state = State.LATER
    identity = {"operation": operation.pk, "year": year, "kind": kind.value}
    query = QueryDict(mutable=True)
    query.update(identity)
    last_year = texts[operation.pk, year - 1, kind]
    copy = {**identity, "language": last_year[0].language} if last_year and state is State.MISSING else {}
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
