"""The operations, their figures and texts as staff edit them, and the editions that the public reads.

Staff edit *working copies* (an ``Operation`` with its offices and figures; a ``Narrative`` with its
sections and key figures). What is public is an ``Edition``: a frozen copy that is never changed.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from .cells import clean_text
from .fields import CentsField, RichTextField
from .figures import parse_figure

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


class OperationQuerySet(models.QuerySet):
    def editable_by(self, user: Any) -> OperationQuerySet:
        """The operations that this member of staff works on.

        The one rule of rights per operation: administrators, and those whose group may edit every
        operation, have them all; others have those they were given.
        """
        if not user.is_active or not user.is_staff:
            return self.none()
        if user.is_superuser or user.has_perm("operations.edit_every_operation"):
            return self
        return self.filter(editors=user)

    def for_freezing(self) -> OperationQuerySet:
        """With everything that a profile edition holds, in a fixed number of queries."""
        return self.select_related("region", "predecessor").prefetch_related(
            "offices", "population_figures__type", "financial_figures__pillar"
        )


class Operation(models.Model):
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
    editors = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="operations",
        verbose_name=_("editors"),
        help_text=_("The members of staff who edit this operation's page."),
    )

    objects = OperationQuerySet.as_manager()

    class Meta:
        verbose_name = _("operation")
        verbose_name_plural = _("operations")
        ordering = ["name"]
        permissions = [
            ("import_operation", "Can import operations"),
            ("edit_every_operation", "Edits every operation, not only those given to them"),
        ]
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


class PopulationType(Validity):
    code = models.CharField(_("code"), max_length=20, unique=True, validators=[CODE])
    name = models.CharField(_("name"), max_length=120)

    class Meta(Validity.Meta):
        verbose_name = _("population type")
        verbose_name_plural = _("population types")

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

    @property
    def short_name(self) -> str:
        """“Pillar 1” of “Pillar 1: refugee programme”."""
        return self.name.partition(":")[0].strip()


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


class NarrativeQuerySet(models.QuerySet):
    def editable_by(self, user: Any) -> NarrativeQuerySet:
        return self.filter(operation__in=Operation.objects.editable_by(user))

    def for_freezing(self) -> NarrativeQuerySet:
        return self.select_related("operation").prefetch_related("sections__type", "key_figures")


class Narrative(models.Model):
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
        return gettext("%(operation)s: %(kind)s %(year)s") % {
            "operation": self.operation,
            "kind": self.get_kind_display(),
            "year": self.year,
        }

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
    editor_note = models.CharField(
        _("note to editors"), max_length=400, blank=True, help_text=_("Only staff see this note.")
    )

    class Meta:
        verbose_name = _("key figure")
        verbose_name_plural = _("key figures")
        ordering = ["order", "id"]

    def __str__(self) -> str:
        return f"{self.value} {self.text}"

    def clean(self) -> None:
        for name, read in (("text", self.read_text), ("value", self.read_value)):
            try:
                read()
            except ValueError as error:
                raise ValidationError({name: str(error)}) from None

    def read_text(self) -> None:
        self.text = clean_text(self.text)

    def read_value(self) -> None:
        figure = parse_figure(self.value)
        self.value, self.number = figure.text, figure.number

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.read_value()  # ValueError before a figure that cannot be read reaches the database
        super().save(*args, **kwargs)


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

    def for_operation_page(self, slug: str, year: int | None, language: str) -> EditionQuerySet:
        """The profile, and the texts of the year and of the next, in the language or in English."""
        texts = Q() if year is None else Q(year__in=[year, year + 1], language__in={language, "en"})
        return self.filter(Q(kind=Edition.Kind.PROFILE) | texts, operation__slug=slug).order_by(
            "kind", "year"
        )

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
