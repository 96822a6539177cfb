"""When the texts of a year are due, and of which operations they are asked."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from .models import Operation, TextKind

SOON = dt.timedelta(days=14)
OVERDUE_FOR = dt.timedelta(
    days=366
)  # what was due before that is missing, and nobody is asked for it any more


class Due(TextChoices):
    LATER = "later", _("not yet due")
    SOON = "soon", _("due within 14 days")
    OVERDUE = "overdue", _("overdue")


def due_day(kind: str, year: int) -> dt.date:
    """The last day on which the text is in time: of the year before for a plan, of the year after for a report."""
    if kind == TextKind.PLAN:
        return dt.date(year - 1, *settings.DUE_PLAN)
    return dt.date(year + 1, *settings.DUE_YEAR_END)


def due(kind: str, year: int, today: dt.date) -> Due | None:
    """None where it was due more than a year ago."""
    left = due_day(kind, year) - today
    if left < -OVERDUE_FOR:
        return None
    if left < dt.timedelta():
        return Due.OVERDUE
    return Due.SOON if left <= SOON else Due.LATER


def is_past(kind: str, year: int, today: dt.date) -> bool:
    """Whether its day has passed, however long ago."""
    return due_day(kind, year) < today


def years_due(today: dt.date) -> list[int]:
    """The years of which a text can be overdue or due soon, newest first."""
    first, last = (today - OVERDUE_FOR).year - 1, (today + SOON).year + 1
    return [*range(last, first - 1, -1)]


def is_asked(operation: Operation, year: int) -> bool:
    """Whether the texts of this year are expected of the operation; a closed one, or one to come, owes none."""
    return operation.is_active and operation.existed_in(year)


def can_begin(kind: str, year: int, today: dt.date) -> bool:
    """A plan can be written at any time, a report once its year has ended."""
    return kind == TextKind.PLAN or today.year > year
