"""Frozen copies of texts and profiles, and the one release rule."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .narrative import Narrative
from .operation import Operation

NEVER = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


def newer(at: Any) -> EditionQuerySet:
    """The editions of the same text as the outer row that have a higher number and were released by ``at``."""
    # Not a plain comparison: SQLite would look among all that was ever released of the kind, for every row.
    released_at = Coalesce("released_at", Value(NEVER))
    return Edition.objects.annotate(public_from=released_at).filter(
        Q(year=OuterRef("year")) | Q(kind=Edition.Kind.PROFILE),
        operation=OuterRef("operation"),
        kind=OuterRef("kind"),
        language=OuterRef("language"),
        number__gt=OuterRef("number"),
        public_from__lte=at,
    )


def is_behind_its_source(made_from: int | None, withdrawn_at: dt.datetime | None, public: int | None) -> bool:
    """Whether readers see a newer edition of what a text was translated from, or that was withdrawn.

    ``made_from``: the number of the edition that it was translated from, ``None`` for a text that is no translation;
    ``withdrawn_at``: when that edition was; ``public``: the number of the one that readers see instead.
    """
    return made_from is not None and (withdrawn_at is not None or (public or 0) > made_from)


class EditionQuerySet(models.QuerySet):
    def released(self, at: dt.datetime | None = None) -> EditionQuerySet:
        """What the public sees of what was released at ``at`` (default: now). The one release rule.

        Of each text (operation, kind, year, language) the newest edition whose time of release had
        come, unless it was withdrawn since: what is withdrawn is gone from every date, and does not
        give way to an older edition. The time is the web server's, never the database's.
        """
        at = at or timezone.now()
        return self.filter(~Exists(newer(at)), withdrawn_at__isnull=True, released_at__lte=at)

    def ever_public(self, at: dt.datetime | None = None) -> EditionQuerySet:
        """The editions that readers saw at some time until ``at``, without those withdrawn since.

        One whose time came after that of a newer edition was never seen.
        """
        return self.filter(
            ~Exists(newer(OuterRef("released_at"))),
            withdrawn_at__isnull=True,
            released_at__lte=at or timezone.now(),
        )

    def withdrawn(self, at: dt.datetime | None = None) -> EditionQuerySet:
        """The editions that readers saw at some time until ``at``, and that were taken back since."""
        return self.filter(
            ~Exists(newer(OuterRef("released_at"))),
            withdrawn_at__isnull=False,
            released_at__lte=at or timezone.now(),
        )

    def scheduled(self, at: dt.datetime | None = None) -> EditionQuerySet:
        """Those whose release is set for later than ``at`` (default: now)."""
        return self.filter(released_at__gt=at or timezone.now(), withdrawn_at__isnull=True)

    def profiles(self) -> EditionQuerySet:
        return self.filter(kind=Edition.Kind.PROFILE)

    def of(self, working_copy: Operation | Narrative) -> EditionQuerySet:
        """All editions of the text that this is the working copy of, newest first."""
        if isinstance(working_copy, Operation):
            return self.filter(operation=working_copy, kind=Edition.Kind.PROFILE).order_by("-number")
        return self.filter(
            operation=working_copy.operation,
            kind=working_copy.kind,
            year=working_copy.year,
            language=working_copy.language,
        ).order_by("-number")

    def delete(self) -> Any:
        raise TypeError("Editions are append-only.")

    def update(self, **kwargs: Any) -> int:
        if frozen := set(kwargs) - Edition.MUTABLE:
            raise TypeError(f"Editions are append-only; {', '.join(sorted(frozen))} cannot change.")
        return super().update(**kwargs)


class Edition(models.Model):
    """One frozen copy of a text or of an operation's profile. Its content never changes.

    ``content`` is what ``editions.freeze`` made. Its ``private`` part is for staff alone; public
    pages read ``public``.
    """

    MUTABLE = {
        "released_at",
        "released_by",
        "note",
        "is_correction",
        "withdrawn_at",
        "withdrawn_by",
        "withdrawal_reason",
        "withdrawal_notice",
        "replaced_by",
    }

    class Kind(models.TextChoices):
        PROFILE = "profile", _("profile")
        PLAN = "plan", _("plan")
        YEAR_END = "year_end", _("year-end report")

    class WithdrawalReason(models.TextChoices):
        IN_ERROR = "in_error", _("published in error")
        REPLACED = "replaced", _("replaced by another page")
        NO_LONGER_TRUE = "no_longer_true", _("no longer true")

    operation = models.ForeignKey(
        Operation, models.PROTECT, related_name="editions", verbose_name=_("operation")
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    year = models.PositiveSmallIntegerField(_("year"), null=True, blank=True)
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES, default="en")
    number = models.PositiveIntegerField(_("number"))
    content = models.JSONField(_("content"))
    note = models.TextField(_("note to readers"), blank=True)
    is_correction = models.BooleanField(_("correction"), default=False)
    made_at = models.DateTimeField(_("made"), default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("made by")
    )
    released_at = models.DateTimeField(_("released"), null=True, blank=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("released by")
    )
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("withdrawn by")
    )
    withdrawal_reason = models.CharField(
        _("reason"), max_length=20, choices=WithdrawalReason.choices, blank=True
    )
    withdrawal_notice = models.TextField(_("notice to readers"), blank=True)
    # The path of a page of this site.
    replaced_by = models.CharField(_("replaced by"), max_length=300, blank=True)

    objects = EditionQuerySet.as_manager()

    class Meta:
        verbose_name = _("edition")
        verbose_name_plural = _("editions")
        ordering = ["operation", "kind", "year", "language", "-number"]
        permissions = [("release_edition", "Can release and withdraw editions")]
        constraints = [
            models.UniqueConstraint(
                "operation", "kind", "year", "language", "number", name="edition_number_once"
            ),
            models.UniqueConstraint(
                "operation", "language", "number", condition=Q(kind="profile"), name="profile_number_once"
            ),
            models.CheckConstraint(
                name="edition_kind_and_year_agree",
                condition=Q(kind="profile", year__isnull=True)
                | Q(kind__in=["plan", "year_end"], year__isnull=False),
            ),
            models.CheckConstraint(
                name="edition_withdrawn_after_release",
                condition=Q(withdrawn_at__isnull=True) | Q(released_at__isnull=False),
            ),
        ]
        indexes = [
            # The newest released profiles: start page, list of operations, totals.
            models.Index(fields=["kind", "released_at"], name="edition_by_kind_and_release"),
        ]

    def __str__(self) -> str:
        kind = f"{self.get_kind_display()} {self.year}" if self.year else self.get_kind_display()
        return gettext("%(operation)s: %(kind)s, edition %(number)s") % {
            "operation": self.operation,
            "kind": kind,
            "number": self.number,
        }

    @property
    def public(self) -> dict[str, Any]:
        """The content without what only staff may see."""
        return {key: value for key, value in self.content.items() if key != "private"}

    def is_released(self, at: dt.datetime | None = None) -> bool:
        """Its time has come and it was not withdrawn; a newer edition may have taken its place."""
        at = at or timezone.now()
        return self.released_at is not None and self.released_at <= at and self.withdrawn_at is None

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            kwargs["update_fields"] = set(kwargs.get("update_fields") or self.MUTABLE) & self.MUTABLE
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("Editions are append-only.")
