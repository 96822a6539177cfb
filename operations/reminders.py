"""Reminders: what each member of staff should know of their operations, as one message a day."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from .due import Due, due, due_day, is_asked, years_due
from .models import Agency, Edition, Narrative, Operation, Role, TextKind
from .reviews import Inbox

CHANGE = "operations.change_narrative"


@dataclass(frozen=True)
class Owed:
    """A text that no reader sees yet, and that is overdue or soon due."""

    operation: Operation
    kind: str
    year: int
    narrative: int | None  # its key, where somebody has begun it

    @property
    def day(self) -> dt.date:
        return due_day(self.kind, self.year)

    @property
    def path(self) -> str:
        if self.narrative:
            return reverse("admin:operations_narrative_change", args=[self.narrative])
        chosen = {"operation": self.operation.pk, "year": self.year, "kind": self.kind}
        return f"{reverse('admin:operations_narrative_add')}?{urlencode(chosen)}"

    def __str__(self) -> str:
        return str(Narrative(operation=self.operation, kind=self.kind, year=self.year))


@dataclass
class Reminder:
    """What one person is told; each row is what it says and the path of its form."""

    user: Any
    overdue: list[tuple[str, str]] = field(default_factory=list)
    soon: list[tuple[str, str]] = field(default_factory=list)
    to_change: list[tuple[str, str]] = field(default_factory=list)
    to_review: list[tuple[str, str]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.overdue or self.soon or self.to_change or self.to_review)

    @property
    def subject(self) -> str:
        rows = [*self.overdue, *self.soon, *self.to_change, *self.to_review]
        return _("%(agency)s: what waits for you (%(number)d)") % {
            "agency": Agency.current().shown_name,
            "number": len(rows),
        }

    @property
    def body(self) -> str:
        parts = [
            (_("Overdue"), self.overdue, "due=overdue"),
            (_("Due within 14 days"), self.soon, "due=soon"),
            (_("Changes were requested"), self.to_change, "state=changes_requested"),
            (_("Waiting for your review"), self.to_review, "review=on"),
        ]
        work_list = f"{settings.SITE_URL}{reverse('admin:work_list')}"
        lines = []
        for heading, rows, query in parts:
            if rows:
                lines += [heading, ""]
                lines += [f"- {said}\n  {settings.SITE_URL}{path}" for said, path in rows] + [""]
                lines += [_("In the work list: %s") % f"{work_list}?{query}", ""]
        return "\n".join([*lines, _("The whole work list: %s") % work_list, ""])


def reminders(today: dt.date, *, for_everyone: bool = False) -> list[Reminder]:
    """For each member of staff with an address whom anything waits for; all links are to the English admin.

    Of what is due are told those whose roles name the operation or its region; ``for_everyone`` also those who
    may change texts everywhere, and administrators.
    """
    with translation.override(settings.LANGUAGE_CODE):
        owed: dict[int, list[Owed]] = defaultdict(list)
        for text in texts_owed(today):
            owed[text.operation.pk].append(text)
        told = [remind(user, owed, today, for_everyone) for user in recipients(for_everyone)]
    return [reminder for reminder in told if reminder]


def recipients(for_everyone: bool) -> Any:
    """The staff who can sign in and have an address; administrators have a task here only by a role."""
    found = get_user_model().objects.filter(is_active=True, is_staff=True).exclude(email="")
    if not for_everyone:
        found = found.filter(roles__isnull=False)
    return found.order_by("username").distinct()


def texts_owed(today: dt.date) -> list[Owed]:
    """The overdue and soon due texts of all operations, in two queries."""
    years = sorted(years_due(today))
    released = set(
        Edition.objects.released().filter(year__in=years).order_by().values_list("operation", "kind", "year")
    )
    begun = {
        (operation, kind, year): pk
        for operation, kind, year, pk in Narrative.objects.filter(
            year__in=years, translated_from__isnull=True
        )
        .order_by("-language")
        .values_list("operation", "kind", "year", "pk")
    }
    return [
        Owed(operation, kind.value, year, begun.get((operation.pk, kind.value, year)))
        for operation in Operation.objects.order_by("name")
        for year in years
        for kind in TextKind
        if is_asked(operation, year) and (operation.pk, kind.value, year) not in released
        if due(kind, year, today) in {Due.OVERDUE, Due.SOON}
    ]


def remind(user: Any, owed: dict[int, list[Owed]], today: dt.date, for_everyone: bool) -> Reminder:
    reminder = Reminder(user)
    mine = Operation.objects.allowed(user, CHANGE).order_by("name")
    if not for_everyone:
        mine = mine.filter(pk__in=named_operations(user))
    for key in mine.values_list("pk", flat=True):
        for text in sorted(owed.get(key, []), key=lambda text: text.day):
            is_late = text.day < today
            rows = reminder.overdue if is_late else reminder.soon
            said = _("%(text)s, was due by %(day)s") if is_late else _("%(text)s, due by %(day)s")
            rows.append((said % {"text": text, "day": date_format(text.day, "j F Y")}, text.path))
    if user.is_superuser and not for_everyone:
        return reminder
    inbox = Inbox.of(user, settings.TIME_ZONE)
    for rows, waiting in ((reminder.to_change, inbox.to_change), (reminder.to_review, inbox.to_review)):
        for row in waiting:
            said = f"{row}, {row.step.by or _('somebody')}, {row.step.when}" if row.step else str(row)
            rows.append((capfirst(said), row.url))
    return reminder


def named_operations(user: Any) -> Any:
    """The operations that a role by which this person changes texts names, or whose region it names."""
    roles = Role.objects.giving(user, CHANGE).exclude(operation__isnull=True, region__isnull=True)
    return Operation.objects.reached_by(roles).order_by().values("pk")


# --- Once a day -----------------------------------------------------------------------------------------


class Sent:
    """Who has been told on a day: an empty file each, made before the message goes out.

    A file that exists cannot be made again, so two runs at once do not both send; it is kept for a day.
    """

    def __init__(self, day: dt.date) -> None:
        self.root = Path(settings.DATA_DIR) / "reminders"
        self.folder = self.root / day.isoformat()

    def claim(self, user: Any) -> bool:
        """Whether this person is still to be told today; from now on they are not."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            (self.folder / str(user.pk)).open("x").close()
        except FileExistsError:
            return False
        return True

    def release(self, user: Any) -> None:
        """The message did not go out: the next run tries again."""
        (self.folder / str(user.pk)).unlink(missing_ok=True)

    def forget_older(self) -> None:
        for folder in self.root.glob("*"):
            if folder.name < self.folder.name:
                rmtree(folder, ignore_errors=True)
