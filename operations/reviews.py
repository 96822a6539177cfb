"""The review of a draft: what may be done with it now, what was said about it, and for whom it waits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.urls import reverse
from django.utils.translation import gettext as _

from .models import Edition, Narrative, Operation, Step, WorkingCopy
from .moments import with_zone

RELEASE = "operations.release_edition"
CHANGE = {Operation: "operations.change_operation", Narrative: "operations.change_narrative"}
AT_ONCE = 30  # of each kind on the start page


# --- What may be done now -----------------------------------------------------------------------------


def possible_steps(
    working_copy: Operation | Narrative,
    newest: Edition | None,
    public: Edition | None,
    waiting: Edition | None,
) -> set[str]:
    """The kinds of step that the state of the draft allows; whether somebody may take them is another question."""
    if working_copy.review == WorkingCopy.Review.IN_REVIEW:
        return {Step.Kind.COMMENT, Step.Kind.CHANGES_REQUESTED, Step.Kind.TAKEN_BACK}
    settled = {edition.pk for edition in (public, waiting) if edition}
    if newest and newest.pk in settled:
        return {Step.Kind.COMMENT}
    return {Step.Kind.COMMENT, Step.Kind.SENT}


def refusal(working_copy: Operation | Narrative, kind: str, zone: str) -> str:
    """Why this step cannot be taken as the draft stands now, in a sentence; empty where it can."""
    made = Edition.objects.of(working_copy).defer("content")
    newest, public, waiting = made.first(), made.released().first(), made.scheduled().first()
    if kind in possible_steps(working_copy, newest, public, waiting):
        return ""
    if kind != Step.Kind.SENT:
        last = Step.objects.of(working_copy).exclude(kind=Step.Kind.COMMENT).select_related("by").last()
        return (
            _("It is no longer in review: %(step)s.") % {"step": said(last, zone)}
            if last
            else _("It is not in review.")
        )
    if working_copy.review == WorkingCopy.Review.IN_REVIEW:
        last = Step.objects.of(working_copy).filter(kind=Step.Kind.SENT).select_related("by").last()
        return (
            _("It is in review already: %(step)s.") % {"step": said(last, zone)}
            if last
            else _("It is in review already.")
        )
    if public and newest == public:
        return _("Readers see edition %(number)d, and nothing has changed since.") % {"number": public.number}
    return _("Edition %(number)d is set to be released, and nothing has changed since.") % {
        "number": newest.number
    }


def said(step: Step, zone: str) -> str:
    """ana, sent for review, 25 November 2026, 09:00 CET (08:00 UTC)"""
    return f"{step.by or _('somebody')}, {step.get_kind_display()}, {with_zone(step.at, zone)}"


# --- What was said ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Thread:
    """The steps of a text, oldest first; ``earlier`` are those before its last release."""

    earlier: list[Step] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    @classmethod
    def of(cls, working_copy: Operation | Narrative, zone: str) -> Thread:
        steps = list(Step.objects.of(working_copy).select_related("by", "edition").defer("edition__content"))
        for step in steps:
            step.when = with_zone(step.at, zone)
        released = [count for count, step in enumerate(steps) if _is_release(step)]
        last = released[-1] if released else 0
        return cls(steps[:last], steps[last:])

    def last(self, kind: str) -> Step | None:
        return next((step for step in reversed(self.steps) if step.kind == kind), None)


def _is_release(step: Step) -> bool:
    is_set = step.kind == Step.Kind.SCHEDULED and step.edition.is_released()
    return is_set or step.kind == Step.Kind.RELEASED


# --- Whom it waits for --------------------------------------------------------------------------------


@dataclass
class Inbox:
    """What waits for somebody: to be reviewed, and to be changed. Each has ``url`` and the ``step`` that began it."""

    to_review: list[Operation | Narrative] = field(default_factory=list)
    to_change: list[Operation | Narrative] = field(default_factory=list)

    @classmethod
    def of(cls, user: Any, zone: str) -> Inbox:
        """In three queries. Changes are asked of who may not release, and of who made the last edition."""
        inbox = cls()
        waiting = [*_waiting(Operation, user), *_waiting(Narrative, user)]
        steps = Step.objects.select_related("by").in_bulk([row.last_step for row in waiting if row.last_step])
        for row in waiting:
            row.step = steps.get(row.last_step)
            if row.step:
                row.step.when = with_zone(row.step.at, zone)
            row.url = f"{reverse(f'admin:operations_{row._meta.model_name}_change', args=[row.pk])}#review"
            is_own = row.author == user.pk
            if row.review == WorkingCopy.Review.CHANGES_REQUESTED:
                inbox.to_change.append(row)
            elif not (settings.FOUR_EYES and is_own):
                inbox.to_review.append(row)
        return inbox


def _waiting(model: type[Operation] | type[Narrative], user: Any) -> QuerySet:
    """The working copies in review or with changes requested that concern this user, the longest waiting first."""
    text: dict[str, Any] = {"operation": OuterRef("pk"), "kind": Edition.Kind.PROFILE}
    if model is Narrative:
        text = {name: OuterRef(name) for name in ("operation", "kind", "year", "language")}
    made = Edition.objects.filter(**text).order_by("-number")
    steps = Step.objects.filter(
        kind__in=[Step.Kind.SENT, Step.Kind.CHANGES_REQUESTED],
        **{f"edition__{name}": value for name, value in text.items()},
    ).order_by("-at", "-pk")
    here = "pk__in" if model is Operation else "operation__in"
    mine = Operation.objects.allowed(user, CHANGE[model]).order_by()
    releasing = mine.allowed(user, RELEASE, CHANGE[model], by_one_role=True).values("pk")
    asked = ~Q(**{here: releasing}) | Q(author=user.pk)
    rows = model.objects.annotate(
        author=Subquery(made.values("made_by")[:1]), last_step=Subquery(steps.values("pk")[:1])
    ).filter(
        Q(review=WorkingCopy.Review.IN_REVIEW, **{here: releasing})
        | Q(asked, review=WorkingCopy.Review.CHANGES_REQUESTED, **{here: mine.values("pk")})
    )
    if model is Narrative:
        rows = rows.select_related("operation")
    return rows.order_by("last_step")[: 2 * AT_ONCE]
