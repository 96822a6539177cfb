"""From the books to the public and back: release of an import, at once or at a time, and its undoing."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from . import private_sums, staging, sums
from .importing import CannotImport, check_order
from .models import ImportBatch


def release(batch: ImportBatch, user: Any, at: dt.datetime | None = None) -> ImportBatch:
    """Let readers see its lines, from ``at`` on (default: now). ``CannotImport`` says why not."""
    at = max(at, timezone.now()) if at else timezone.now()
    with transaction.atomic():
        staging.lock_books()
        batch = ImportBatch.objects.select_for_update().get(pk=batch.pk)
        check_in_books(batch)
        if batch.released_at and batch.released_at <= timezone.now():
            raise CannotImport(_("Readers see this import already."))
        if settings.FOUR_EYES and user is not None and loaded(batch, user):
            raise CannotImport(_("You loaded this file. Somebody else has to release it."))
        check_order(batch, at)
        batch.released_at, batch.approved_by = at, user
        batch.save(update_fields=["released_at", "approved_by"])
        private_sums.make()
    return batch


def loaded(batch: ImportBatch, user: Any) -> bool:
    """Whether a person uploaded the file, or confirmed its import."""
    return user.pk in (batch.made_by_id, batch.options.get("confirmed_by"))


def check_in_books(batch: ImportBatch) -> None:
    if batch.state != ImportBatch.State.IMPORTED or batch.withdrawn_at:
        raise CannotImport(_("This import is not in the books."))


def replaced_imports(batch: ImportBatch) -> QuerySet[ImportBatch]:
    """Standing imports of which this one replaced or withdrew lines."""
    return ImportBatch.objects.filter(pk__in=staging.imports_of_older_forms(batch))


def replacing_imports(batch: ImportBatch) -> QuerySet[ImportBatch]:
    """Standing imports that replaced or withdrew lines of this one."""
    return ImportBatch.objects.filter(pk__in=staging.imports_of_newer_forms(batch))


def stop_release(batch: ImportBatch) -> ImportBatch:
    """Take back a release whose time has not come."""
    with transaction.atomic():
        staging.lock_books()
        batch = ImportBatch.objects.select_for_update().get(pk=batch.pk)
        check_in_books(batch)
        if batch.released_at is None or batch.released_at <= timezone.now():
            raise CannotImport(_("There is no release to come."))
        if other := replacing_imports(batch).filter(released_at__isnull=False).first():
            raise CannotImport(
                _("“%(other)s” replaces lines of it and is to be released.") % {"other": other}
            )
        batch.released_at = batch.approved_by = None
        batch.save(update_fields=["released_at", "approved_by"])
        private_sums.make()
    return batch


def undo(batch: ImportBatch, user: Any, why: str = "") -> ImportBatch:
    """Take an import back: readers see what they would see had it never been, at any date.

    Each of its lines makes room for the newest form that another standing import gave the line, if one did.
    """
    with transaction.atomic():
        staging.lock_books()
        batch = ImportBatch.objects.select_for_update().get(pk=batch.pk)
        check_in_books(batch)
        touched = list(replacing_imports(batch))
        batch.withdrawn_at, batch.withdrawn_by, batch.withdrawn_because = timezone.now(), user, why
        batch.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_because"])
        staging.take_back(batch)
        sums.forget(batch)
        for other in touched:
            sums.make(other)
        private_sums.make()
    return batch
