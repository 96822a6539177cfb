"""Where the agency works, its offices, and its figures by year: the working copy of a profile."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from ..fields import CentsField
from .reference import CODE, YEAR, MissingReason, Pillar, PopulationType, Region, WorkingCopy
from .role import Role


class OperationQuerySet(models.QuerySet):
    def allowed(self, user: Any, *permissions: str, by_one_role: bool = False) -> OperationQuerySet:
        """The operations on which this member of staff has one of the permissions.

        The one rule of rights per operation: an administrator has them on all; others by their roles,
        each for one operation, for a region with the regions in it, or for every operation. Where
        ``by_one_role``, one of the roles gives all of the permissions: what a role releases is what it changes.
        """
        if not user.is_active or not user.is_staff:
            return self.none()
        if user.is_superuser:
            return self
        giving = Role.objects.giving_all if by_one_role else Role.objects.giving
        return self.reached_by(giving(user, *permissions))

    def reached_by(self, roles: models.QuerySet) -> OperationQuerySet:
        """The operations that one of these roles is for, by itself or by its region."""
        regions = ["region" + "__parent" * level for level in range(Region.LEVELS)]
        return self.filter(Exists(roles.reaching(OuterRef("pk"), map(OuterRef, regions))))

    def editable_by(self, user: Any) -> OperationQuerySet:
        """The operations that this member of staff sees and works on, whatever they may do there."""
        return self.allowed(user, "operations.view_operation", "operations.change_operation")

    def lock(self, **which: Any) -> Operation | None:
        """The operation, to be changed by one transaction at a time; others wait for its end."""
        return self.select_for_update(of=("self",), no_key=True).filter(**which).first()

    def lock_all(self, keys: Iterable[int]) -> list[Operation]:
        """The operations, locked in one order, so that no two who lock several wait for each other."""
        locked = self.select_for_update(of=("self",), no_key=True)
        return list(locked.filter(pk__in=list(keys)).order_by("pk"))

    def with_fixed_address(self) -> OperationQuerySet:
        """``has_fixed_address``: an edition was released under its address, or is set to be."""
        released = self.model.objects.filter(pk=OuterRef("pk"), editions__released_at__isnull=False)
        return self.annotate(has_fixed_address=Exists(released))

    def for_freezing(self) -> OperationQuerySet:
        """With everything that a profile edition holds, in a fixed number of queries."""
        return self.select_related("region", "predecessor").prefetch_related(
            "offices", "population_figures__type", "financial_figures__pillar"
        )


class Operation(WorkingCopy):
    """Where the agency works: a country, several countries, a region, a situation or the whole world."""

    class Kind(models.TextChoices):
        COUNTRY = "country", _("country")
        MULTI_COUNTRY = "multi_country", _("multi-country")
        REGIONAL = "regional", _("regional")
        SITUATION = "situation", _("situation")
        GLOBAL = "global", _("global")

    code = models.CharField(
        _("code"),
        max_length=20,
        unique=True,
        validators=[CODE],
        help_text=_("The agency's own short code, such as PER. Files that are imported refer to it."),
    )
    slug = models.SlugField(
        _("address"),
        max_length=120,
        unique=True,
        help_text=_(
            "The last part of the page's address. It cannot change once a profile has been released."
        ),
    )
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices, default=Kind.COUNTRY)
    countries = CountryField(
        _("countries"),
        multiple=True,
        max_length=750,  # fixed, so that a changed list of countries needs no migration
        blank=True,
        help_text=_("The countries that the map marks. Hold Ctrl (or ⌘) to choose several."),
    )
    region = models.ForeignKey(
        Region, models.PROTECT, null=True, blank=True, related_name="operations", verbose_name=_("region")
    )
    latitude = models.DecimalField(
        _("latitude"),
        max_digits=9,
        decimal_places=6,
        null=True,
        blank=True,
        help_text=_("Middle of the map, in degrees; negative in the south."),
    )
    longitude = models.DecimalField(
        _("longitude"),
        max_digits=9,
        decimal_places=6,
        null=True,
        blank=True,
        help_text=_("Middle of the map, in degrees; negative in the west."),
    )
    zoom = models.PositiveSmallIntegerField(
        _("zoom"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(12)],
        help_text=_(
            "How near the map is: 3 shows a continent, 5 a country, 8 a small country. Leave empty to fit the countries."
        ),
    )
    first_year = models.PositiveSmallIntegerField(
        _("first year"),
        null=True,
        blank=True,
        validators=YEAR,
        help_text=_("The first year that the operation was reported on its own."),
    )
    last_year = models.PositiveSmallIntegerField(
        _("last year"),
        null=True,
        blank=True,
        validators=YEAR,
        help_text=_("Leave empty while the operation goes on."),
    )
    predecessor = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="successors",
        verbose_name=_("predecessor"),
        help_text=_(
            "The operation under which earlier years were reported. Both pages then refer to each other."
        ),
    )
    notice = models.TextField(
        _("notice"),
        blank=True,
        help_text=_("One or two sentences that readers see at the top of the page. Usually empty."),
    )
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Untick when the operation has been closed.")
    )

    objects = OperationQuerySet.as_manager()

    class Meta:
        verbose_name = _("operation")
        verbose_name_plural = _("operations")
        ordering = ["name"]
        permissions = [("import_operation", "Can import operations")]
        constraints = [
            models.CheckConstraint(
                name="operation_kind_is_known",
                condition=Q(kind__in=["country", "multi_country", "regional", "situation", "global"]),
            ),
            models.CheckConstraint(
                name="operation_position_is_whole",
                condition=Q(latitude__isnull=True, longitude__isnull=True)
                | Q(latitude__gte=-90, latitude__lte=90, longitude__gte=-180, longitude__lte=180),
                violation_error_message=_(
                    "Give both latitude (-90 to 90) and longitude (-180 to 180), or neither."
                ),
            ),
            models.CheckConstraint(
                name="operation_years_in_order",
                condition=Q(first_year__isnull=True)
                | Q(last_year__isnull=True)
                | Q(last_year__gte=F("first_year")),
                violation_error_message=_("The last year is before the first."),
            ),
            models.CheckConstraint(
                name="operation_not_its_own_predecessor",
                condition=Q(predecessor__isnull=True) | ~Q(predecessor=F("id")),
                violation_error_message=_("An operation cannot be its own predecessor."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("operations:operation", args=[self.slug])

    def existed_in(self, year: int) -> bool:
        return (self.first_year or year) <= year <= (self.last_year or year)


class Office(models.Model):
    class Kind(models.TextChoices):
        REGIONAL = "regional_office", _("regional office")
        COUNTRY = "country_office", _("country office")
        SUB = "sub_office", _("sub-office")
        FIELD = "field_office", _("field office")
        UNIT = "field_unit", _("field unit")

    operation = models.ForeignKey(
        Operation, models.PROTECT, related_name="offices", verbose_name=_("operation")
    )
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices, default=Kind.FIELD)
    latitude = models.DecimalField(_("latitude"), max_digits=9, decimal_places=6, null=True, blank=True)
    longitude = models.DecimalField(_("longitude"), max_digits=9, decimal_places=6, null=True, blank=True)
    description = models.TextField(
        _("description"), blank=True, help_text=_("What readers see when they open the marker.")
    )
    is_public = models.BooleanField(
        _("public"), default=True, help_text=_("Untick to keep the office off every public page.")
    )
    is_approximate = models.BooleanField(
        _("approximate"),
        default=False,
        help_text=_("Tick where the exact position must not or need not be shown."),
    )

    class Meta:
        verbose_name = _("office")
        verbose_name_plural = _("offices")
        ordering = ["name"]
        permissions = [("import_office", "Can import offices")]
        constraints = [
            models.UniqueConstraint("operation", "name", name="office_once_in_operation"),
            models.CheckConstraint(
                name="office_kind_is_known",
                condition=Q(
                    kind__in=["regional_office", "country_office", "sub_office", "field_office", "field_unit"]
                ),
            ),
            models.CheckConstraint(
                name="office_position_is_whole",
                condition=Q(latitude__isnull=True, longitude__isnull=True)
                | Q(latitude__gte=-90, latitude__lte=90, longitude__gte=-180, longitude__lte=180),
                violation_error_message=_(
                    "Give both latitude (-90 to 90) and longitude (-180 to 180), or neither."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PopulationFigure(models.Model):
    """People of one type (or, with no type, of all types together) at the end of a year."""

    operation = models.ForeignKey(
        Operation, models.PROTECT, related_name="population_figures", verbose_name=_("operation")
    )
    year = models.PositiveSmallIntegerField(_("year"), validators=YEAR)
    type = models.ForeignKey(
        PopulationType,
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("type"),
        help_text=_("Leave empty for the total of all types."),
    )
    people = models.PositiveBigIntegerField(_("people"), null=True, blank=True)
    missing_reason = models.CharField(
        _("why it is missing"), max_length=20, choices=MissingReason.choices, blank=True
    )
    as_of = models.DateField(_("as of"), null=True, blank=True)
    source = models.CharField(_("source"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("population figure")
        verbose_name_plural = _("population figures")
        ordering = ["operation", "-year", F("type__order").asc(nulls_first=True)]
        permissions = [("import_populationfigure", "Can import population figures")]
        constraints = [
            models.UniqueConstraint("operation", "year", "type", name="population_figure_once"),
            models.UniqueConstraint(
                "operation", "year", condition=Q(type__isnull=True), name="population_total_once"
            ),
            models.CheckConstraint(
                name="population_missing_says_why",
                condition=(Q(people__isnull=False) & Q(missing_reason=""))
                | (Q(people__isnull=True) & ~Q(missing_reason="")),
                violation_error_message=_("Give a number of people, or say why it is missing – not both."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.year} {self.type or gettext('total')}"


class FinancialFigure(models.Model):
    """US dollars of one measure in a year: of one pillar or, with no pillar, in all."""

    class Measure(models.TextChoices):
        BUDGET = "budget", _("budget")
        FUNDS_AVAILABLE = "funds_available", _("funds available")
        EXPENDITURE = "expenditure", _("expenditure")

    class Status(models.TextChoices):
        ORIGINAL = "original", _("original")
        CURRENT = "current", _("current")
        FINAL = "final", _("final")

    operation = models.ForeignKey(
        Operation, models.PROTECT, related_name="financial_figures", verbose_name=_("operation")
    )
    year = models.PositiveSmallIntegerField(_("year"), validators=YEAR)
    measure = models.CharField(_("measure"), max_length=20, choices=Measure.choices)
    pillar = models.ForeignKey(
        Pillar,
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("pillar"),
        help_text=_("Leave empty for the total."),
    )
    amount_usd = CentsField(_("US dollars"), null=True, blank=True)
    missing_reason = models.CharField(
        _("why it is missing"), max_length=20, choices=MissingReason.choices, blank=True
    )
    status = models.CharField(
        _("status"),
        max_length=20,
        choices=Status.choices,
        default=Status.CURRENT,
        help_text=_(
            "Where several are given, readers see the final one, else the current, else the original."
        ),
    )
    as_of = models.DateField(_("as of"), null=True, blank=True)
    source = models.CharField(_("source"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("financial figure")
        verbose_name_plural = _("financial figures")
        ordering = ["operation", "-year", "measure", F("pillar__order").asc(nulls_first=True)]
        permissions = [("import_financialfigure", "Can import financial figures")]
        constraints = [
            models.UniqueConstraint(
                "operation", "year", "measure", "pillar", "status", name="financial_figure_once"
            ),
            models.UniqueConstraint(
                "operation",
                "year",
                "measure",
                "status",
                condition=Q(pillar__isnull=True),
                name="financial_total_once",
            ),
            models.CheckConstraint(
                name="financial_measure_is_known",
                condition=Q(measure__in=["budget", "funds_available", "expenditure"])
                & Q(status__in=["original", "current", "final"]),
            ),
            models.CheckConstraint(
                name="financial_missing_says_why",
                condition=(Q(amount_usd__isnull=False) & Q(missing_reason=""))
                | (Q(amount_usd__isnull=True) & ~Q(missing_reason="")),
                violation_error_message=_("Give an amount, or say why it is missing – not both."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.year} {self.get_measure_display()} {self.pillar or gettext('total')}"
