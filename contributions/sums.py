"""Sums of the books by donor, operation, budget year, day and earmarking: kept by import, so that time can choose.

An import adds what its lines make and takes away what they replaced. As long as a line's forms are released in the
order in which they came (``releasing.check_order``), what readers see at a time is the sum over the imports that
are public then; a test compares the two.
"""

from __future__ import annotations

from . import staging
from .models import DailySum, ImportBatch

SUMS = DailySum._meta.db_table


def make(batch: ImportBatch) -> None:
    """The sums of an import, anew."""
    forget(batch)
    books, batches = staging.BOOKS, ImportBatch._meta.db_table
    columns = "donor_id, operation_id, budget_year, date, earmarking"
    before = ", ".join(f"p.{name}" for name in columns.split(", "))
    staging.run(
        f"INSERT INTO {SUMS} (batch_id, donor_id, operation_id, budget_year, date, earmarking, amount_usd, lines) "
        f"SELECT {batch.pk:d}, donor_id, operation_id, budget_year, date, earmarking, SUM(usd), SUM(lines) FROM ("
        f"SELECT {columns}, amount_usd AS usd, 1 AS lines FROM {books} WHERE batch_id = %s AND NOT withdraws "
        f"UNION ALL SELECT {before}, -p.amount_usd, -1 FROM {books} AS p WHERE NOT p.withdraws AND p.id IN ("
        f"SELECT MAX(o.id) FROM {books} AS c "
        f"JOIN {books} AS o ON o.key = c.key AND o.occurrence = c.occurrence AND o.id < c.id "
        f"AND NOT o.is_current JOIN {batches} AS b ON b.id = o.batch_id AND b.withdrawn_at IS NULL "
        f"WHERE c.batch_id = %s GROUP BY c.id)"
        f") AS changes GROUP BY donor_id, operation_id, budget_year, date, earmarking "
        f"HAVING SUM(usd) <> 0 OR SUM(lines) <> 0",
        batch.pk,
        batch.pk,
    )


def forget(batch: ImportBatch) -> None:
    DailySum.objects.filter(batch=batch).delete()
