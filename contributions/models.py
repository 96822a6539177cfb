"""Donors, their contributions, and the imports that brought them.

One ``Contribution`` is one allocation of one instalment, as in the agency's own books. The public
sees the lines of released imports, grouped; a line that changed is replaced, never overwritten.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, Count, Exists, F, Max, OuterRef, Q, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from operations.cells import fold_name, free_slug
from operations.fields import CentsField
from operations.models import YEAR, Edition, Operation


class DonorQuerySet(models.QuerySet):
    def named(self) -> DonorQuerySet:
        """Those whom the public may see by name: all but private donors who did not agree to it."""
        return self.filter(~Q(kind=Donor.Kind.PRIVATE) | Q(may_be_named=True))

    def families(self) -> DonorQuerySet:
        """The named donors that belong to no other: their pages show all their members' lines."""
        return self.named().filter(parent__isnull=True)


class Donor(models.Model):
    class Kind(models.TextChoices):
        GOVERNMENT = "government", _("government")
        INTERGOVERNMENTAL = "intergovernmental", _("intergovernmental")
        POOLED_FUND = "pooled_fund", _("pooled fund")
        FOUNDATION = "foundation", _("foundation")
        PRIVATE = "private", _("private donors")
        NATIONAL_PARTNER = "national_partner", _("national partner")

    name = models.CharField(_("name"), max_length=200, unique=True)
    slug = models.SlugField(_("address"), max_length=120, unique=True, blank=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    country = CountryField(_("country"), blank=True)
    parent = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="members",
        verbose_name=_("belongs to"),
        help_text=_(
            "Norad belongs to Norway; private donors in Japan belong to Japan. Public totals add them up."
        ),
    )
    iati_reference = models.CharField(_("IATI reference"), max_length=60, blank=True)
    footnote = models.TextField(
        _("footnote"),
        blank=True,
        help_text=_("Readers see it under every list that names the donor, marked with *."),
    )
    may_be_named = models.BooleanField(
        _("may be named"),
        default=False,
        help_text=_("Private donors are shown as a class of their country unless they agreed to be named."),
    )

    objects = DonorQuerySet.as_manager()

    class Meta:
        verbose_name = _("donor")
        verbose_name_plural = _("donors")
        ordering = ["name"]
        permissions = [("import_donor", "Can import donors")]
        constraints = [
            models.CheckConstraint(
                name="donor_kind_is_known",
                condition=Q(
                    kind__in=[
                        "government",
                        "intergovernmental",
                        "pooled_fund",
                        "foundation",
                        "private",
                        "national_partner",
                    ]
                ),
            ),
            models.CheckConstraint(
                name="donor_not_its_own_parent",
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")),
                violation_error_message=_("A donor cannot belong to itself."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.parent and self.parent.parent_id:
            raise ValidationError(
                {"parent": _("%s belongs to another donor itself. Choose that one.") % self.parent}
            )
        if self.parent_id and self.pk and self.members.exists():
            raise ValidationError(
                {"parent": _("Other donors belong to this one, so it cannot belong to another.")}
            )

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.slug:
            self.slug = free_slug(
                self.name, set(Donor.objects.exclude(pk=self.pk).values_list("slug", flat=True))
            )
        super().save(*args, **kwargs)

    @property
    def is_named(self) -> bool:
        return self.kind != self.Kind.PRIVATE or self.may_be_named

    def get_absolute_url(self) -> str:
        return reverse("contributions:donor", args=[self.slug])


class DonorAlias(models.Model):
    """Another spelling of a donor's name, as some system writes it."""

    donor = models.ForeignKey(Donor, models.CASCADE, related_name="aliases", verbose_name=_("donor"))
    name = models.CharField(_("other spelling"), max_length=200)
    folded = models.CharField(max_length=200, unique=True, editable=False)

    class Meta:
        verbose_name = _("other spelling")
        verbose_name_plural = _("other spellings")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.folded = fold_name(self.name)
        if DonorAlias.objects.filter(folded=self.folded).exclude(pk=self.pk).exists():
            raise ValidationError({"name": _("This spelling belongs to a donor already.")})
        if any(fold_name(name) == self.folded for name in Donor.objects.values_list("name_en", flat=True)):
            raise ValidationError({"name": _("A donor has this very name.")})

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.folded = fold_name(self.name)
        super().save(*args, **kwargs)


def import_path(batch: ImportBatch, name: str) -> str:
    return f"imports/{batch.sha256[:16]}{'.xlsx' if name.lower().endswith('.xlsx') else '.csv'}"


class ImportBatch(models.Model):
    """One import: the file as it was, what it held, who loaded it, and when it became public."""

    table = models.CharField(
        _("table"), max_length=60, help_text=_("What was imported, such as contributions.contribution.")
    )
    file = models.FileField(_("file"), upload_to=import_path, blank=True)
    file_name = models.CharField(_("file name"), max_length=255)
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    mapping = models.JSONField(
        _("columns"), default=dict, help_text=_("Which column of the file was read as what.")
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
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-made_at"]
        constraints = [
            models.CheckConstraint(
                name="batch_withdrawn_after_release",
                condition=Q(withdrawn_at__isnull=True) | Q(released_at__isnull=False),
            )
        ]
        indexes = [
            # “This very file was imported before.”
            models.Index(fields=["table", "sha256"], name="batch_by_file"),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({timezone.localtime(self.made_at):%Y-%m-%d %H:%M})"


def newest_import(at: dt.datetime) -> dt.datetime | None:
    """When the newest import of contributions that readers see was released, until ``at``."""
    public = ImportBatch.objects.filter(
        table=Contribution._meta.label_lower, withdrawn_at__isnull=True, released_at__lte=at
    )
    return public.aggregate(newest=Max("released_at"))["newest"]


class ContributionQuerySet(models.QuerySet):
    def released(self, at: dt.datetime | None = None) -> ContributionQuerySet:
        """The lines that the public sees of those released at ``at`` (default: now). The one release rule of the money.

        Of each line (its ``key``) the newest form whose import was released by then and not withdrawn since.
        """
        at = at or timezone.now()
        is_public = Q(batch__withdrawn_at__isnull=True)
        newer = Contribution.objects.filter(
            is_public, key=OuterRef("key"), pk__gt=OuterRef("pk"), batch__released_at__lte=at
        )
        return self.filter(
            is_public, Q(replaced_in__isnull=True) | ~Exists(newer), batch__released_at__lte=at
        )

    def current(self) -> ContributionQuerySet:
        """The newest form of every line, public or not; what an import compares with."""
        return self.filter(replaced_in__isnull=True)

    def for_year(self, year: int) -> ContributionQuerySet:
        return self.filter(budget_year=year)

    def of_class(self, country: str) -> ContributionQuerySet:
        """The lines of private donors of a country (or, with "", of none) who have no family and no name."""
        private = {"donor__kind": Donor.Kind.PRIVATE, "donor__may_be_named": False}
        return self.filter(donor__parent__isnull=True, donor__country=country, **private)

    def of_family(self, donor: Donor) -> ContributionQuerySet:
        return self.filter(Q(donor=donor) | Q(donor__parent=donor))

    def with_family(self) -> ContributionQuerySet:
        """With ``family``: the donor's parent or itself; NULL for one who may not be named and has none.

        ``country`` tells those without a family apart; it is empty for all others.
        """
        has_family = (
            ~Q(donor__kind=Donor.Kind.PRIVATE) | Q(donor__may_be_named=True) | Q(donor__parent__isnull=False)
        )
        return self.annotate(
            family=Case(
                When(has_family, then=Coalesce("donor__parent_id", "donor_id")),
                output_field=models.BigIntegerField(null=True),
            ),
            kind=F("donor__kind"),
            country=Case(
                When(has_family, then=Value("")), default=F("donor__country"), output_field=models.CharField()
            ),
        )

    def grouped(self) -> ContributionQuerySet:
        """Public lines: sums over donor family, donor class and day, newest first, larger first.

        Rows are dicts of date, family, kind, country (see ``with_family``), amount and allocations.
        """
        return (
            self.with_family()
            .values("date", "family", "kind", "country")
            .annotate(amount=Sum("amount_usd"), allocations=Count("id"))
            .order_by("-date", "-amount", "family", "kind", "country")
        )

    def with_operation_names(self, at: dt.datetime | None = None) -> ContributionQuerySet:
        """With ``operation_slug`` and ``operation_names`` (by language) as released at ``at``; None before that."""
        profile = Edition.objects.released(at).profiles().filter(operation=OuterRef("operation"))
        return self.annotate(
            operation_slug=Subquery(profile.values("operation__slug")[:1]),
            operation_names=Subquery(profile.values("content__name")[:1]),
        )

    def by_donor(self) -> ContributionQuerySet:
        """Sums over donor family and class, largest first: dicts as of ``grouped``, without a date."""
        return (
            self.with_family()
            .values("family", "kind", "country")
            .annotate(amount=Sum("amount_usd"), allocations=Count("id"))
            .order_by("-amount", "family", "kind", "country")
        )

    def by_year(self) -> ContributionQuerySet:
        """Sums by budget year, newest first: dicts of budget_year, amount and allocations."""
        return (
            self.values("budget_year")
            .annotate(amount=Sum("amount_usd"), allocations=Count("id"))
            .order_by("-budget_year")
        )

    def total(self) -> Decimal:
        """US dollars in all; 0.00 where there is no line."""
        return self.aggregate(total=Sum("amount_usd"))["total"] or Decimal("0.00")


class Contribution(models.Model):
    class Earmarking(models.TextChoices):
        UNEARMARKED = "unearmarked", _("unearmarked")
        SOFTLY = "softly_earmarked", _("softly earmarked")
        EARMARKED = "earmarked", _("earmarked")
        TIGHTLY = "tightly_earmarked", _("tightly earmarked")

    reference = models.CharField(_("reference"), max_length=60, blank=True)
    donor = models.ForeignKey(Donor, models.PROTECT, related_name="contributions", verbose_name=_("donor"))
    date = models.DateField(_("date"))
    operation = models.ForeignKey(
        Operation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="contributions",
        verbose_name=_("operation"),
        help_text=_("Empty where the source does not say."),
    )
    budget_year = models.PositiveSmallIntegerField(_("budget year"), validators=YEAR)
    amount_usd = CentsField(_("US dollars"))
    currency = models.CharField(_("currency"), max_length=3, default="USD")
    amount = CentsField(_("amount in the original currency"), null=True, blank=True)
    earmarking = models.CharField(_("earmarking"), max_length=20, choices=Earmarking.choices, blank=True)
    description = models.CharField(_("description"), max_length=500, blank=True)
    key = models.CharField(_("key"), max_length=64, help_text=_("Identifies the line across files."))
    batch = models.ForeignKey(
        ImportBatch, models.PROTECT, related_name="contributions", verbose_name=_("import")
    )
    replaced_in = models.ForeignKey(
        ImportBatch,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="replaced",
        verbose_name=_("replaced in"),
    )

    objects = ContributionQuerySet.as_manager()

    class Meta:
        verbose_name = _("contribution")
        verbose_name_plural = _("contributions")
        ordering = ["-date", "id"]
        permissions = [("import_contribution", "Can import contributions")]
        constraints = [
            models.UniqueConstraint(
                "key", condition=Q(replaced_in__isnull=True), name="contribution_key_once"
            ),
            models.CheckConstraint(
                name="contribution_earmarking_is_known",
                condition=Q(
                    earmarking__in=["", "unearmarked", "softly_earmarked", "earmarked", "tightly_earmarked"]
                ),
            ),
        ]
        indexes = [
            # The forms of one line.
            models.Index(fields=["key", "id"], name="contribution_forms"),
            # The latest lines, of the agency and of one operation.
            models.Index(fields=["-date", "id"], name="contribution_latest"),
            models.Index(fields=["operation", "-date"], name="contribution_by_operation"),
            # Totals of a year.
            models.Index(fields=["budget_year", "donor"], name="contribution_by_year"),
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.donor} {self.amount_usd}"


def contribution_key(
    reference: str,
    donor: int,
    date: dt.date,
    operation: int | None,
    budget_year: int,
    earmarking: str,
    occurrence: int,
) -> str:
    """What identifies a line across files; lines that share all but amounts differ in ``occurrence``."""
    parts = (
        reference.casefold(),
        donor,
        date.isoformat(),
        operation or "",
        budget_year,
        earmarking,
        occurrence,
    )
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()


def donor_class(kind: str) -> str:
    """The words under a donor's name that tell the class; empty for a government."""
    return "" if kind == Donor.Kind.GOVERNMENT else gettext(str(Donor.Kind(kind).label))
