"""Where a text or profile stands, as staff see it: one rule for lists, filters, the start page and the work list."""

from __future__ import annotations

from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery, TextChoices
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .models import (
    Edition,
    Narrative,
    WorkingCopy,
)
from .models.edition import is_behind_its_source


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
