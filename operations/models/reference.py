"""What changes with time or agency and is therefore data: regions, population types, pillars, headings."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

YEAR = [MinValueValidator(1950), MaxValueValidator(2199)]
CODE = RegexValidator(r"^[A-Z0-9][A-Z0-9-]*$", _("Use capital letters, digits and hyphens, for example PER."))


class MissingReason(models.TextChoices):
    """Why a figure is missing. Missing is not zero: it prints as “–” with this reason."""

    NOT_YET_KNOWN = "not_yet_known", _("not yet known")
    DID_NOT_EXIST = "did_not_exist", _("the operation did not exist")
    WITHHELD = "withheld", _("withheld")
    NOT_PUBLISHED = "not_published", _("not published")


class Validity(models.Model):
    """Reference data change with time and agency: each entry has an order and the years it is used in."""

    order = models.PositiveSmallIntegerField(
        _("order"), default=0, help_text=_("Smaller numbers come first.")
    )
    first_year = models.PositiveSmallIntegerField(
        _("first year"),
        null=True,
        blank=True,
        validators=YEAR,
        help_text=_("Leave empty if it was always used."),
    )
    last_year = models.PositiveSmallIntegerField(
        _("last year"),
        null=True,
        blank=True,
        validators=YEAR,
        help_text=_("Leave empty if it is still used."),
    )

    class Meta:
        abstract = True
        ordering = ["order", "code"]

    def is_valid_in(self, year: int) -> bool:
        return (self.first_year or year) <= year <= (self.last_year or year)


class Region(models.Model):
    LEVELS = 3  # a region, one that it is part of, and one that that is part of

    code = models.CharField(_("code"), max_length=20, unique=True, validators=[CODE])
    name = models.CharField(_("name"), max_length=120)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, verbose_name=_("part of"))
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("region")
        verbose_name_plural = _("regions")
        ordering = ["order", "name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Roles in a region hold in the regions of it, which are therefore few levels deep and no circle."""
        parents = dict(Region.objects.exclude(pk=self.pk).values_list("pk", "parent_id"))
        parents[self.pk or "new"] = self.parent_id
        for region in parents:
            levels = 0
            while region in parents and levels <= self.LEVELS:
                region, levels = parents[region], levels + 1
            if levels > self.LEVELS:
                said = _("A region cannot be part of itself, and regions are at most three levels deep.")
                raise ValidationError({"parent": said})


class PopulationType(Validity):
    code = models.CharField(_("code"), max_length=20, unique=True, validators=[CODE])
    name = models.CharField(_("name"), max_length=120)

    class Meta(Validity.Meta):
        verbose_name = _("population type")
        verbose_name_plural = _("population types")

    def __str__(self) -> str:
        return self.name


class Pillar(Validity):
    class Scheme(models.TextChoices):
        PILLAR = "pillar", _("pillar")
        IMPACT_AREA = "impact_area", _("impact area")

    code = models.CharField(_("code"), max_length=20, unique=True, validators=[CODE])
    name = models.CharField(_("name"), max_length=120)
    scheme = models.CharField(_("scheme"), max_length=20, choices=Scheme.choices, default=Scheme.PILLAR)

    class Meta(Validity.Meta):
        verbose_name = _("pillar")
        verbose_name_plural = _("pillars and impact areas")
        constraints = [
            models.CheckConstraint(
                name="pillar_scheme_is_known", condition=Q(scheme__in=["pillar", "impact_area"])
            )
        ]

    def __str__(self) -> str:
        return self.name


class WorkingCopy(models.Model):
    """What staff edit: the text or profile from which editions are made."""

    class Review(models.TextChoices):
        """How far the newest draft is on its way to release."""

        DRAFT = "draft", _("draft")
        IN_REVIEW = "in_review", _("in review")
        CHANGES_REQUESTED = "changes_requested", _("changes requested")

    review = models.CharField(
        _("review"), max_length=20, choices=Review.choices, default=Review.DRAFT, editable=False
    )

    class Meta:
        abstract = True


class TextKind(models.TextChoices):
    """The two texts of an operation's year."""

    PLAN = "plan", _("plan")
    YEAR_END = "year_end", _("year-end report")


class SectionType(Validity):
    """A heading under which operations write, such as “Unmet needs”."""

    code = models.SlugField(_("code"), max_length=50, unique=True)
    heading = models.CharField(_("heading"), max_length=200)
    in_plan = models.BooleanField(_("in plans"), default=False)
    in_year_end = models.BooleanField(_("in year-end reports"), default=False)
    required_since = models.PositiveSmallIntegerField(
        _("required since"),
        null=True,
        blank=True,
        validators=YEAR,
        help_text=_(
            "From this year on, a text without this section cannot be released. Leave empty if it may be missing."
        ),
    )
    guidance = models.TextField(
        _("guidance"), blank=True, help_text=_("A sentence for editors: what belongs in this section.")
    )

    class Meta(Validity.Meta):
        verbose_name = _("section heading")
        verbose_name_plural = _("section headings")
        constraints = [
            models.CheckConstraint(
                name="section_type_is_used",
                condition=Q(in_plan=True) | Q(in_year_end=True),
                violation_error_message=_("Tick at least one kind of text."),
            )
        ]

    def __str__(self) -> str:
        return self.heading

    def belongs_to(self, kind: str, year: int) -> bool:
        return (self.in_plan if kind == TextKind.PLAN else self.in_year_end) and self.is_valid_in(year)

    def is_required_in(self, kind: str, year: int) -> bool:
        return self.required_since is not None and self.required_since <= year and self.belongs_to(kind, year)
