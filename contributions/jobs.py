"""The work on imports that nobody waits for: the batch row is the job, and any worker takes the next one.

No broker: ``queue`` marks the row, ``manage.py work`` takes it. A worker that is killed leaves the row marked; its
sign of life grows old, and the next worker begins again, for until the last moment nothing was imported.
"""

from __future__ import annotations

import datetime as dt
import logging

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from operations.importing import Overtaken

from . import staging
from .importing import CannotImport, import_planned, read_file
from .models import ImportBatch
from .resources import ContributionResource

logger = logging.getLogger(__name__)

SILENT = dt.timedelta(seconds=180)  # without a sign of life: the worker is gone
MOST_ATTEMPTS = 3


class Interrupted(Exception):
    """The work was begun as often as is sensible, and never came to an end."""


def queue(batch: ImportBatch, job: ImportBatch.Job) -> None:
    """Have a worker do it."""
    batch.job, batch.queued_at, batch.beat_at, batch.attempts = job, timezone.now(), None, 0
    batch.save(update_fields=["job", "queued_at", "beat_at", "attempts"])


def waiting() -> Q:
    """Jobs that nobody is at."""
    return ~Q(job="") & (Q(beat_at__isnull=True) | Q(beat_at__lt=timezone.now() - SILENT))


def take(pk: int | None = None) -> ImportBatch | None:
    """The longest waiting job (or that of a batch), now ours; ``None`` where there is none.

    An import that is being stored has its row locked, and is skipped however old its last sign of life is.
    """
    jobs = ImportBatch.objects.filter(waiting()).order_by("queued_at", "pk")
    if pk is not None:
        jobs = jobs.filter(pk=pk)
    if not jobs.exists():  # asked first, for a transaction of SQLite's keeps all others from writing
        return None
    with transaction.atomic():
        batch = jobs.select_for_update(
            skip_locked=connection.features.has_select_for_update_skip_locked
        ).first()
        if batch is not None:
            batch.beat_at, batch.attempts = timezone.now(), batch.attempts + 1
            batch.save(update_fields=["beat_at", "attempts"])
    return batch


def run(batch: ImportBatch) -> None:
    """Do the job of a batch that was taken; whatever happens, the batch says so."""
    try:
        if batch.attempts > MOST_ATTEMPTS:
            raise Interrupted
        work_on(batch)
    except Overtaken:
        pass  # the batch holds the new plan, to be looked at again
    except staging.TakenOver:
        logger.warning("Import %s is in the hands of another worker by now.", batch.pk)
    except Exception as error:
        logger.exception("The work on import %s failed.", batch.pk)
        fail(batch, reason(error), is_final=not isinstance(error, CannotImport))


def work_on(batch: ImportBatch) -> None:
    if batch.job == ImportBatch.Job.PLAN:
        limits = {"most_rows": settings.IMPORT_MAX_ROWS, "most_bytes": settings.IMPORT_MAX_BYTES}
        read_file(batch, ContributionResource(user=batch.made_by), **limits)
    elif batch.job == ImportBatch.Job.IMPORT:
        import_planned(batch, batch.made_by, release_at=release_time(batch))


def release_time(batch: ImportBatch) -> dt.datetime | None:
    """When readers are to see it by what was decided: now, at a time, or (``None``) when somebody releases it."""
    wanted = batch.options.get("release", "now")
    if wanted == "later" or settings.FOUR_EYES:
        return None
    return timezone.now() if wanted == "now" else dt.datetime.fromisoformat(wanted)


def fail(batch: ImportBatch, problem: str, *, is_final: bool) -> None:
    """Say what went wrong; a plan that only cannot be confirmed as it stands stays a plan."""
    connection.close_if_unusable_or_obsolete()
    waiting = ImportBatch.objects.filter(pk=batch.pk).exclude(state=ImportBatch.State.IMPORTED)
    waiting.update(job="", problem=problem, **({"state": ImportBatch.State.FAILED} if is_final else {}))


def reason(error: Exception) -> str:
    """What went wrong, and what to do, for the person who waits."""
    said = str(error)
    if isinstance(error, Interrupted):
        return _("The work was interrupted %(times)d times and came to no end. Ask your administrator.") % {
            "times": MOST_ATTEMPTS
        }
    if isinstance(error, OSError) or "disk" in said.casefold() or "No space" in said:
        return _(
            "The disk is full, or a file could not be read. Nothing was imported. Ask your administrator."
        )
    if isinstance(error, DatabaseError):
        return _(
            "The database could not be reached, or could not store the lines. Nothing was imported. Try again."
        )
    return said or type(error).__name__


def clear_away() -> dict[str, int]:
    """Delete what is kept for a time alone: files of old imports, and whole imports that came to nothing.

    The record of an import stays, with the hash of its file (see the settings ``IMPORT_KEEP_*``).
    """
    now = timezone.now()
    abandoned = now - dt.timedelta(days=settings.IMPORT_KEEP_UNFINISHED_DAYS)
    batches = ImportBatch.objects.exclude(state=ImportBatch.State.IMPORTED).filter(
        made_at__lt=abandoned, job=""
    )
    unfinished = 0
    for batch in batches.iterator():
        staging.clear(batch)
        batch.file.delete(save=False)
        batch.delete()
        unfinished += 1
    files = 0
    if settings.IMPORT_KEEP_FILES_DAYS:
        old = now - dt.timedelta(days=settings.IMPORT_KEEP_FILES_DAYS)
        for batch in ImportBatch.objects.filter(made_at__lt=old).exclude(file="").iterator():
            batch.file.delete(save=False)
            ImportBatch.objects.filter(pk=batch.pk).update(file="")
            files += 1
    return {"unfinished imports": unfinished, "files of old imports": files}
