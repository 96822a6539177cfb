"""The working copy of one text: its sections and its key figures."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..cells import clean_text
from ..fields import RichTextField
from ..figures import parse_figure
from .operation import Operation
from .reference import YEAR, SectionType, TextKind, WorkingCopy


class NarrativeQuerySet(models.QuerySet):
    def editable_by(self, user: Any) -> NarrativeQuerySet:
        return self.filter(operation__in=Operation.objects.editable_by(user))

    def for_freezing(self) -> NarrativeQuerySet:
        return self.select_related("operation").prefetch_related("sections__type", "key_figures")


class Narrative(WorkingCopy):
    """The working copy of one text: one operation, year, kind and language."""

    operation = models.ForeignKey(
        Operation, models.PROTECT, related_name="narratives", verbose_name=_("operation")
    )
    year = models.PositiveSmallIntegerField(_("year"), validators=YEAR)
    kind = models.CharField(
        _("kind"),
        max_length=20,
        choices=TextKind.choices,
        help_text=_("A plan says what will be done in the year; a year-end report says what happened in it."),
    )
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES, default="en")
    translated_from = models.ForeignKey(
        "Edition",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="translations",
        verbose_name=_("translated from"),
        editable=False,
    )
    updated_at = models.DateTimeField(_("last changed"), auto_now=True)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )

    objects = NarrativeQuerySet.as_manager()

    class Meta:
        verbose_name = _("narrative")
        verbose_name_plural = _("narratives")
        ordering = ["operation", "-year", "kind", "language"]
        constraints = [
            models.UniqueConstraint(
                "operation",
                "year",
                "kind",
                "language",
                name="narrative_once",
                violation_error_message=_(
                    "This text exists already. Open it in the list of narratives instead."
                ),
            ),
            models.CheckConstraint(
                name="narrative_kind_is_known", condition=Q(kind__in=["plan", "year_end"])
            ),
        ]

    def __str__(self) -> str:
        name = gettext("%(operation)s: %(kind)s %(year)s") % {
            "operation": self.operation,
            "kind": self.get_kind_display(),
            "year": self.year,
        }
        is_default = self.language == settings.LANGUAGE_CODE
        return name if is_default else f"{name} ({self.get_language_display()})"

    def get_absolute_url(self) -> str:
        return reverse("operations:year", args=[self.operation.slug, self.year])


class Section(models.Model):
    """The text under one heading. It is part of its narrative and goes with it."""

    narrative = models.ForeignKey(Narrative, models.CASCADE, related_name="sections")
    type = models.ForeignKey(SectionType, models.PROTECT, verbose_name=_("heading"))
    body = RichTextField(_("text"), blank=True)

    class Meta:
        verbose_name = _("section")
        verbose_name_plural = _("sections")
        ordering = ["type__order"]
        constraints = [models.UniqueConstraint("narrative", "type", name="section_once_in_narrative")]

    def __str__(self) -> str:
        return str(self.type)


class KeyFigure(models.Model):
    """A number and what it counts. It is part of its narrative and goes with it."""

    narrative = models.ForeignKey(Narrative, models.CASCADE, related_name="key_figures")
    order = models.PositiveSmallIntegerField(_("order"), default=0)
    value = models.CharField(
        _("figure"), max_length=40, help_text=_("A number such as 300,000, > 221,000, 0.5% or 226.8 million.")
    )
    number = models.DecimalField(max_digits=20, decimal_places=4, editable=False)
    text = models.CharField(
        _("what it counts"), max_length=400, help_text=_("Without the number: “people given cash”.")
    )
    source = models.CharField(_("source"), max_length=200, blank=True)
    measure = models.CharField(
        _("measure"),
        max_length=60,
        blank=True,
        help_text=_(
            "A short name of what is measured, such as people-registered. Where the plan and the year-end report of a year have a figure of the same measure, readers see the two side by side."
        ),
    )
    editor_note = models.CharField(
        _("note to editors"), max_length=400, blank=True, help_text=_("Only staff see this note.")
    )

    class Meta:
        verbose_name = _("key figure")
        verbose_name_plural = _("key figures")
        ordering = ["order", "id"]
        constraints = [
            models.UniqueConstraint(
                "narrative",
                "measure",
                condition=~Q(measure=""),
                name="measure_once_in_narrative",
                violation_error_message=_("Another key figure of this text has this measure already."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.value} {self.text}"

    def clean(self) -> None:
        for name, read in (
            ("text", self.read_text),
            ("value", self.read_value),
            ("measure", self.read_measure),
        ):
            try:
                read()
            except ValueError as error:
                raise ValidationError({name: str(error)}) from None

    def read_text(self) -> None:
        self.text = clean_text(self.text)

    def read_value(self) -> None:
        figure = parse_figure(self.value)
        self.value, self.number = figure.text, figure.number

    def read_measure(self) -> None:
        """“People registered” is people-registered: the plan and the year-end report write it alike."""
        typed, name = self.measure.strip(), slugify(self.measure, allow_unicode=True)
        if typed and not name:
            raise ValueError(
                gettext("“%(text)s” has no letter or digit. Write a short name such as people-registered.")
                % {"text": typed}
            )
        if len(name) > (longest := self._meta.get_field("measure").max_length):
            raise ValueError(gettext("A measure has at most %d characters.") % longest)
        self.measure = name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.read_measure()
        self.read_value()  # ValueError before a figure that cannot be read reaches the database
        super().save(*args, **kwargs)
