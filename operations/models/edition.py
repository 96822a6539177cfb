"""Frozen copies of texts and profiles, and the one release rule."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .narrative import Narrative
from .operation import Operation


class EditionQuerySet(models.QuerySet):
    def released(self, at: dt.datetime | None = None) -> EditionQuerySet:
        """What the public sees at ``at`` (default: now). The one release rule; every public page uses it.

        Of each text (operation, kind, year, language) the newest edition whose time of release has
        come, unless it was withdrawn: a withdrawn text does not give way to an older edition of it.
        """
        at = at or timezone.now()
        newer = Edition.objects.filter(
            Q(year=OuterRef("year")) | Q(kind=Edition.Kind.PROFILE),
            operation=OuterRef("operation"),
            kind=OuterRef("kind"),
            language=OuterRef("language"),
            number__gt=OuterRef("number"),
            released_at__lte=at,
        )
        return self.filter(
            Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gt=at), ~Exists(newer), released_at__lte=at
        )

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

    MUTABLE = {"released_at", "released_by", "withdrawn_at", "withdrawn_by", "note", "is_correction"}

    class Kind(models.TextChoices):
        PROFILE = "profile", _("profile")
        PLAN = "plan", _("plan")
        YEAR_END = "year_end", _("year-end report")

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
        at = at or timezone.now()
        return (
            self.released_at is not None
            and self.released_at <= at
            and (self.withdrawn_at is None or self.withdrawn_at > at)
        )

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            kwargs["update_fields"] = set(kwargs.get("update_fields") or self.MUTABLE) & self.MUTABLE
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("Editions are append-only.")
