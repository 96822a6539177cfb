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
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from . import calculations
from .due import can_begin, is_asked, is_past
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
from .models.edition import is_behind_its_source
from .reviews import Inbox

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
    OUT_OF_DATE = "out_of_date", _("out of date")  # stands beside one of the others, see ``is_out_of_date``

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
            "out_of_date": "◒",
        }[self.value]


# What each state means, below the start page's title.
KEY = [
    (State.MISSING, _("missing: not yet written")),
    (State.DRAFT, _("draft: readers do not see it")),
    (State.IN_REVIEW, _("in review: a reviewer looks at it")),
    (State.CHANGES_REQUESTED, _("changes requested: back with its editors")),
    (State.SCHEDULED, _("release set for a time")),
    (State.RELEASED, _("released: readers see it")),
    (State.CHANGED, _("released, newer draft: readers see the older text")),
    (State.WITHDRAWN, _("withdrawn: readers see a notice")),
    (State.OUT_OF_DATE, _("out of date: what it was translated from was changed or withdrawn since")),
]


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


def is_out_of_date(row: Any) -> bool:
    """Of a row of ``narratives_with_state``. It may be released all the same."""
    return is_behind_its_source(row.source_number, row.source_withdrawn_at, row.source_public)


def states_of(row: Any) -> list[State]:
    """The state of a text of ``narratives_with_state``, and beside it whether it is out of date."""
    return [state_of(row), *([State.OUT_OF_DATE] if is_out_of_date(row) else [])]


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
    """The rows of ``with_edition_numbers`` that are in this state; all where it is none. Agrees with ``states_of``."""
    if state == State.OUT_OF_DATE:  # of translations, which profiles have none of
        is_behind = Q(source_public__gt=F("source_number")) | Q(source_withdrawn_at__isnull=False)
        return queryset.filter(is_behind) if queryset.model is Narrative else queryset.none()
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
    """And of what it was translated from ``source_number`` and ``source_withdrawn_at``; ``source_public``: the number
    of what readers see of that now."""
    keys = ("operation", "kind", "year", "language")
    source = {key: OuterRef(f"translated_from__{key}") for key in keys}
    released = Edition.objects.released().filter(**source).values("number")
    return with_edition_numbers(queryset, **{key: OuterRef(key) for key in keys}).annotate(
        source_number=F("translated_from__number"),
        source_withdrawn_at=F("translated_from__withdrawn_at"),
        source_public=Subquery(released[:1]),
    )


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
        from .admin.roles import roles_view  # the admin imports this module
        from .admin.worklist import work_list

        own = [
            path("roles/", self.admin_view(roles_view), name="roles"),
            path("operations/work/", self.admin_view(work_list), name="work_list"),
        ]
        return [*own, *(url for url in super().get_urls() if getattr(url, "name", "") != "view_on_site")]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().index(request, {**start_page(request), **(extra_context or {})})


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
