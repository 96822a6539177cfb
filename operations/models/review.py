"""The way of a draft to its release: steps and comments, answered warnings, previews, open forms."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .edition import Edition
from .narrative import Narrative
from .operation import Operation


class OfTextQuerySet(models.QuerySet):
    """Rows that were made about an edition, and are asked for by the text that the edition is of."""

    def of(self, working_copy: Operation | Narrative) -> OfTextQuerySet:
        return self.filter(edition__in=Edition.objects.of(working_copy).order_by().values("pk"))


class Step(models.Model):
    """What somebody did with a draft, or said about it. Steps are kept, and never changed."""

    class Kind(models.TextChoices):
        COMMENT = "comment", _("comment")
        SENT = "sent", _("sent for review")
        CHANGES_REQUESTED = "changes_requested", _("changes requested")
        TAKEN_BACK = "taken_back", _("taken back from review")
        RELEASED = "released", _("released")
        SCHEDULED = "scheduled", _("release set for a time")
        UNSCHEDULED = "unscheduled", _("set time taken back")
        WITHDRAWN = "withdrawn", _("withdrawn")
        RESTORED = "restored", _("restored from an older edition")

    edition = models.ForeignKey(
        Edition, models.PROTECT, related_name="steps", verbose_name=_("edition")
    )  # the newest one at that time
    kind = models.CharField(_("step"), max_length=20, choices=Kind.choices)
    text = models.TextField(_("comment"), blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("by")
    )
    at = models.DateTimeField(_("at"), default=timezone.now)

    objects = OfTextQuerySet.as_manager()

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.edition}"


class Answer(models.Model):
    """Why a warning of the checks is right to be left as it is. It holds for the text as long as the facts do."""

    edition = models.ForeignKey(
        Edition, models.PROTECT, related_name="answers", verbose_name=_("edition")
    )  # the newest one when it was answered
    check_code = models.CharField(_("check"), max_length=60)
    key = models.CharField(_("key"), max_length=200)  # of the finding, see ``checks``
    message = models.TextField(_("warning"))
    reason = models.TextField(_("reason"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("by")
    )
    at = models.DateTimeField(_("at"), default=timezone.now)

    objects = OfTextQuerySet.as_manager()

    class Meta:
        verbose_name = _("answer to a warning")
        verbose_name_plural = _("answers to warnings")
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.message} – {self.reason}"


class PreviewLinkQuerySet(OfTextQuerySet):
    def open(self, at: dt.datetime | None = None) -> PreviewLinkQuerySet:
        """Those that still lead somewhere."""
        at = at or timezone.now()
        return self.filter(revoked_at__isnull=True, expires_at__gt=at)


class PreviewLink(models.Model):
    """Shows one draft to someone without an account, for at most a day."""

    LONGEST = dt.timedelta(hours=24)

    edition = models.ForeignKey(Edition, models.PROTECT, related_name="preview_links")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = PreviewLinkQuerySet.as_manager()

    class Meta:
        verbose_name = _("preview link")
        verbose_name_plural = _("preview links")
        ordering = ["-made_at"]
        constraints = [
            models.CheckConstraint(
                name="preview_link_at_most_a_day",
                condition=Q(expires_at__lte=F("made_at") + dt.timedelta(hours=24)),
            )
        ]

    def __str__(self) -> str:
        return str(self.edition)


class OpenForm(models.Model):
    """Somebody has a form open; each sign of life moves ``seen_at``."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    form = models.CharField(max_length=80)  # such as “narrative/12” or “figures/3”
    opened_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("open form")
        verbose_name_plural = _("open forms")
        constraints = [models.UniqueConstraint("form", "user", name="open_form_once")]

    def __str__(self) -> str:
        return f"{self.form}: {self.user}"
