"""Donors: who they are, to whom they belong, how files spell them, and what became of two that were one."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F, Q
from django.dispatch import Signal
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from operations.cells import fold_name, free_slug, shortened
from operations.models import YEAR

NAMES = ("name_en", "name_fr", "name_es", "name_ar")
OTHER_COUNTRIES = (
    "ZZ"  # which ISO 3166 leaves to users: the class of gifts that would stand alone in their country
)
# What decides how the gifts of private donors are shown; the signal says of which donors it changed.
SHOWN_BY = ("kind", "may_be_named", "is_class", "country", "parent_id")
shown_otherwise = Signal()
CLASS_NAMES = tuple(map(fold_name, ("private donors", "donateurs privés", "donantes privados")))


class DonorQuerySet(models.QuerySet):
    def named(self) -> DonorQuerySet:
        """Those whom the public may see by name: all but private donors who did not agree to it."""
        return self.filter(~Q(kind=Donor.Kind.PRIVATE) | Q(may_be_named=True))

    def families(self) -> DonorQuerySet:
        """The named donors that belong to no other: their pages show all their members' lines."""
        return self.named().filter(parent__isnull=True)

    def unnamed(self) -> DonorQuerySet:
        """Private donors who did not agree to be named, and classes of them."""
        return self.filter(kind=Donor.Kind.PRIVATE, may_be_named=False)

    def hidden(self) -> DonorQuerySet:
        """Those whose gifts readers see only added up with those of others (see ``privacy``)."""
        return self.unnamed().filter(is_class=False)

    def without_lines(self) -> DonorQuerySet:
        """Those of whom readers see sums, and no single line: where the site shows months, classes as well."""
        return self.unnamed() if settings.PRIVATE_GIFTS_BY == "month" else self.hidden()


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
    token = models.UUIDField(
        default=uuid.uuid4,
        unique=True,
        editable=False,
        help_text=_("Names the donor in the keys of its lines."),
    )
    iati_reference = models.CharField(_("IATI reference"), max_length=60, blank=True)
    population = models.PositiveBigIntegerField(
        _("people in the country"),
        null=True,
        blank=True,
        help_text=_("How many people live there, for amounts per person; empty where that makes no sense."),
    )
    population_year = models.PositiveSmallIntegerField(
        _("in the year"), null=True, blank=True, validators=YEAR
    )
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
    consent = models.CharField(
        _("consent"),
        max_length=200,
        blank=True,
        help_text=_(
            "When and how a private donor agreed to be named, such as “letter of 3 May 2021”. Readers do not see it."
        ),
    )
    is_class = models.BooleanField(
        _("stands for many"),
        default=False,
        help_text=_(
            "For “private donors in Japan”, whose lines are sums of many gifts already: each is shown as it is. The "
            "gifts of a single private donor are only shown added up with those of others."
        ),
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
        indexes = [
            # Those of whom readers see no single line.
            models.Index(
                fields=["is_class", "id"],
                name="donor_unnamed",
                condition=Q(kind="private", may_be_named=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        is_private = self.kind == self.Kind.PRIVATE
        if self.is_class and not (is_private and not self.may_be_named):
            raise ValidationError({"is_class": _("Only private donors without a name stand for many.")})
        if is_private and self.may_be_named and not self.consent.strip():
            raise ValidationError({"consent": _("Say when and how this private donor agreed to be named.")})
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
        with transaction.atomic():
            was = Donor.objects.filter(pk=self.pk).values(*SHOWN_BY).first() if self.pk else None
            super().save(*args, **kwargs)
            if was and was != {name: getattr(self, name) for name in SHOWN_BY}:
                shown_otherwise.send(Donor, donors=[self.pk])

    @property
    def is_named(self) -> bool:
        return self.kind != self.Kind.PRIVATE or self.may_be_named

    @property
    def is_hidden(self) -> bool:
        """Whether its gifts are shown only added up with those of others."""
        return not (self.is_named or self.is_class)

    def get_absolute_url(self) -> str:
        return reverse("contributions:donor", args=[self.slug])


class DonorAlias(models.Model):
    """Another spelling of a donor's name, as some system writes it."""

    donor = models.ForeignKey(Donor, models.CASCADE, related_name="aliases", verbose_name=_("donor"))
    name = models.CharField(_("other spelling"), max_length=200)
    # No letter folds to more than three, as “ﬃ” does.
    folded = models.CharField(max_length=600, unique=True, editable=False)

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


class DonorMerge(models.Model):
    """The record of a donor that became part of another: whose lines they were, and who said so."""

    donor = models.ForeignKey(Donor, models.PROTECT, related_name="merges", verbose_name=_("became"))
    name = models.CharField(_("was called"), max_length=200)
    token = models.UUIDField(editable=False)
    was = models.JSONField(_("was"), default=dict, help_text=_("All that was stored of the donor."))
    lines = models.PositiveIntegerField(_("lines moved"), default=0)
    merged_at = models.DateTimeField(_("merged"), default=timezone.now)
    merged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("merged by")
    )
    because = models.TextField(_("why"), blank=True)

    class Meta:
        verbose_name = _("merge of donors")
        verbose_name_plural = _("merges of donors")
        ordering = ["-merged_at"]

    def __str__(self) -> str:
        return f"{self.name} → {self.donor}"


def merged_slug(slug: str) -> Donor | None:
    """The donor whose public page has what that of a merged one had, by the address that it had.

    ``None`` where there was no such page, as for those who may not be named, or is none now.
    """
    record = DonorMerge.objects.filter(was__slug=slug).order_by("-pk").only("donor").first()
    if record is None or not was_named(record):
        return None
    donor = record.donor
    return Donor.objects.families().filter(pk=donor.parent_id or donor.pk).first() if donor.is_named else None


def was_named(record: DonorMerge) -> bool:
    return record.was["kind"] != Donor.Kind.PRIVATE or record.was["may_be_named"]


def names_a_class(name: str) -> bool:
    """Whether a name is that of private donors together, as “Private donors in Japan” and “donateurs privés”."""
    return fold_name(name).startswith(CLASS_NAMES)


def class_name(country: Donor) -> str:
    """What the class of a country's private donors is called where it has no other name, as long as one may be."""
    return shortened(f"Private donors, {country.name_en}", 200)


def donor_class(kind: str) -> str:
    """The words under a donor's name that tell the class; empty for a government."""
    return "" if kind == Donor.Kind.GOVERNMENT else gettext(str(Donor.Kind(kind).label))
