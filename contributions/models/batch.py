"""Imports: the file, how it is read, how far it has come, and when readers saw what it brought."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import Max, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

CONTRIBUTIONS = "contributions.contribution"  # the table of their imports


def import_path(batch: ImportBatch, name: str) -> str:
    return f"imports/{batch.sha256[:16]}{'.xlsx' if name.lower().endswith('.xlsx') else '.csv'}"


class ImportSource(models.Model):
    """How the files of one source are read: kept by name, and proposed for its next file."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    reading = models.JSONField(default=dict)
    mapping = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    saved_at = models.DateTimeField(_("saved"), auto_now=True)
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("saved by")
    )

    class Meta:
        verbose_name = _("source of imports")
        verbose_name_plural = _("sources of imports")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ImportBatchQuerySet(models.QuerySet):
    def of_contributions(self) -> ImportBatchQuerySet:
        return self.filter(table=CONTRIBUTIONS)

    def imported(self) -> ImportBatchQuerySet:
        """Those whose lines are in the books: stored, and not undone since."""
        return self.filter(state=ImportBatch.State.IMPORTED, withdrawn_at__isnull=True)


class ImportBatch(models.Model):
    """One import: the file as it was, what it held, who loaded it, and when it became public.

    The row is also the job. ``state`` says how far the file has come; ``job`` says what is to be done
    with it next without a person, if anything.
    """

    class State(models.TextChoices):
        NEW = "new", _("uploaded")
        ASKING = "asking", _("has questions")
        PLANNED = "planned", _("ready to be confirmed")
        IMPORTED = "imported", _("imported")
        KNOWN = "known", _("changed nothing")
        FAILED = "failed", _("failed")
        GIVEN_UP = "given_up", _("given up")

    class Job(models.TextChoices):
        NONE = "", _("nothing")
        PLAN = "plan", _("read and compare")
        IMPORT = "import", _("import")

    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.IMPORTED)
    job = models.CharField(_("to do"), max_length=10, choices=Job.choices, blank=True, default=Job.NONE)
    queued_at = models.DateTimeField(null=True, blank=True, editable=False)
    beat_at = models.DateTimeField(null=True, blank=True, editable=False)  # the last sign of life of its work
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)  # begun, of the work that waits
    progress = models.PositiveIntegerField(_("lines read"), default=0, editable=False)
    problem = models.TextField(_("what went wrong"), blank=True)
    table = models.CharField(
        _("table"), max_length=60, help_text=_("What was imported, such as contributions.contribution.")
    )
    file = models.FileField(_("file"), upload_to=import_path, blank=True)
    file_name = models.CharField(_("file name"), max_length=255)
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    source = models.ForeignKey(
        ImportSource,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="imports",
        verbose_name=_("source"),
        help_text=_("The kept way of reading that was used."),
    )
    mapping = models.JSONField(
        _("columns"), default=dict, help_text=_("Which column of the file was read as what.")
    )
    reading = models.JSONField(
        _("reading"), default=dict, help_text=_("Encoding, delimiter, sheet and header line of the file.")
    )
    options = models.JSONField(
        _("decisions"), default=dict, help_text=_("What the person who imported it decided.")
    )
    plan = models.JSONField(
        default=dict, editable=False, help_text=_("What the preview shows besides the staged lines.")
    )
    counts = models.JSONField(_("counts"), default=dict)
    totals = models.JSONField(_("control totals"), default=dict)
    made_at = models.DateTimeField(_("imported"), default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("imported by")
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("approved by"),
    )
    released_at = models.DateTimeField(_("released"), null=True, blank=True)
    withdrawn_at = models.DateTimeField(_("undone"), null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("undone by"),
    )
    withdrawn_because = models.TextField(_("why it was undone"), blank=True)

    objects = ImportBatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-made_at"]
        permissions = [("release_importbatch", "Can release and undo imports")]
        constraints = [
            models.CheckConstraint(
                name="batch_released_is_imported",
                condition=Q(released_at__isnull=True) | Q(state="imported"),
            )
        ]
        indexes = [
            # “This very file was imported before.”
            models.Index(fields=["table", "sha256"], name="batch_by_file"),
            # The newest import that readers see.
            models.Index(fields=["table", "released_at"], name="batch_by_release"),
            # What waits to be done.
            models.Index(fields=["queued_at"], name="batch_queue", condition=~Q(job="")),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({timezone.localtime(self.made_at):%Y-%m-%d %H:%M})"


class ImportProblem(models.Model):
    """What is wrong with a cell of a file: where, what stands there, and what to do about it."""

    batch = models.ForeignKey(ImportBatch, models.CASCADE, related_name="problems")
    line = models.PositiveIntegerField(_("line"))
    column = models.CharField(_("column"), max_length=60, blank=True)
    value = models.CharField(_("value"), max_length=80, blank=True)
    message = models.TextField(_("what is wrong, and what to do"))

    class Meta:
        verbose_name = _("problem of an import")
        verbose_name_plural = _("problems of an import")
        ordering = ["line", "id"]

    def __str__(self) -> str:
        return f"{self.line} {self.column}: {self.message}"


def newest_import(at: dt.datetime) -> dt.datetime | None:
    """When the newest import of contributions that readers see was released, until ``at``."""
    public = ImportBatch.objects.filter(table=CONTRIBUTIONS, withdrawn_at__isnull=True, released_at__lte=at)
    return public.aggregate(newest=Max("released_at"))["newest"]


def newest_change_of_books(at: dt.datetime) -> dt.datetime | None:
    """When readers last saw the contributions change until ``at``: by a release, or because one was undone."""
    seen = ImportBatch.objects.filter(table=CONTRIBUTIONS, released_at__lte=at).order_by()
    times = seen.aggregate(released=Max("released_at"), undone=Max("withdrawn_at")).values()
    return max(filter(None, times), default=None)
