"""Sums of the books by donor, operation, budget year, day and earmarking: kept by import, so that time can choose.

An import adds what its lines make and takes away what they replaced. As long as a line's forms are released in the
order in which they came (``importing.check_order``), what readers see at a time is the sum over the imports that
are public then; a test compares the two. The gifts of hidden donors are in sums of several of them (``private_sums``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import transaction

from . import private_sums, staging
from .models import Contribution, DailySum, Donor, ImportBatch
from .privacy import Part

SUMS = DailySum._meta.db_table
DONORS = Donor._meta.db_table
UNNAMED = f"SELECT id FROM {DONORS} WHERE kind = 'private' AND NOT may_be_named"
HIDDEN = f"{UNNAMED} AND NOT is_class"


def make(batch: ImportBatch) -> None:
    """The sums of an import, anew; its cells come with its release."""
    forget(batch)
    books, batches = staging.BOOKS, ImportBatch._meta.db_table
    columns = "donor_id, operation_id, budget_year, {day}, earmarking"
    now, before = columns.format(day=shown_day("date", "donor_id")), columns.format(day="date")
    old = ", ".join(f"p.{name}" for name in before.split(", ")).replace(
        "p.date", shown_day("p.date", "p.donor_id")
    )
    staging.run(
        f"INSERT INTO {SUMS} (batch_id, {before}, amount_usd, lines, is_cell) "
        f"SELECT {batch.pk:d}, {before}, SUM(usd), SUM(lines), {'FALSE' if staging.is_postgres() else 0} FROM ("
        f"SELECT {now.replace(', earmarking', ' AS date, earmarking')}, amount_usd AS usd, 1 AS lines FROM {books} "
        f"WHERE batch_id = %s AND NOT withdraws AND donor_id NOT IN ({HIDDEN}) "
        f"UNION ALL SELECT {old}, -p.amount_usd, -1 FROM {books} AS p "
        f"WHERE NOT p.withdraws AND p.donor_id NOT IN ({HIDDEN}) AND p.id IN ("
        f"SELECT MAX(o.id) FROM {books} AS c "
        f"JOIN {books} AS o ON o.key = c.key AND o.occurrence = c.occurrence AND o.id < c.id "
        f"AND NOT o.is_current JOIN {batches} AS b ON b.id = o.batch_id AND b.withdrawn_at IS NULL "
        f"WHERE c.batch_id = %s GROUP BY c.id)"
        f") AS changes GROUP BY {before} HAVING SUM(usd) <> 0 OR SUM(lines) <> 0",
        batch.pk,
        batch.pk,
    )


def shown_day(day: str, donor: str) -> str:
    """The expression of the day on which a sum shows a line: where the site shows months, of unnamed donors the last."""
    if settings.PRIVATE_GIFTS_BY != "month":
        return day
    if staging.is_postgres():
        last = f"(date_trunc('month', {day}) + interval '1 month' - interval '1 day')::date"
    else:
        last = f"date({day}, 'start of month', '+1 month', '-1 day')"
    return f"CASE WHEN {donor} IN ({UNNAMED}) THEN {last} ELSE {day} END"


def forget(batch: ImportBatch) -> None:
    DailySum.objects.filter(batch=batch, is_cell=False).delete()


def make_all() -> list[Part]:
    """Of all imports, anew, after a change of how private donors are shown; the parts that wait for company."""
    with transaction.atomic():
        staging.lock_books()
        for batch in ImportBatch.objects.of_contributions().imported():
            make(batch)
        return private_sums.make()


def follow_donors(sender: Any, donors: Iterable[int], **kwargs: Any) -> None:
    """Sums of the imports that brought or replaced lines of these donors, after a change of how they are shown."""
    with transaction.atomic():
        staging.lock_books()
        theirs = Contribution.objects.filter(donor__in=list(donors)).order_by()
        touched = set(theirs.values_list("batch", flat=True)) | set(
            theirs.values_list("replaced_in", flat=True)
        )
        for batch in ImportBatch.objects.imported().filter(pk__in=touched - {None}):
            make(batch)
        private_sums.make()
