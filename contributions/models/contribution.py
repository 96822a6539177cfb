"""The books: one line is one allocation of one instalment; a line that changed is replaced, never overwritten."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from typing import Self

from django.db import models
from django.db.models import Count, Exists, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from operations.fields import CentsField
from operations.models import YEAR, Edition, Operation

from .batch import ImportBatch
from .donor import Donor
from .sums import SummedQuerySet


class ContributionQuerySet(SummedQuerySet):
    def released(self, at: dt.datetime | None = None) -> Self:
        """The lines that readers may see one by one at ``at`` (default: now).

        The others that count then are those of private donors; readers see them in sums alone (``DailySum``).
        """
        return self.counted(at).exclude(donor__in=Donor.objects.without_lines().order_by().values("pk"))

    def counted(self, at: dt.datetime | None = None) -> Self:
        """The lines of which public sums are made at ``at`` (default: now). The one release rule of the money.

        Of each line (its ``key``) the newest form whose import was released by then and not withdrawn since.
        """
        at = at or timezone.now()
        is_public = Q(batch__withdrawn_at__isnull=True, batch__released_at__lte=at)
        newer = Contribution.objects.filter(
            is_public, key=OuterRef("key"), occurrence=OuterRef("occurrence"), pk__gt=OuterRef("pk")
        )
        is_newest = Q(replaced_in__isnull=True) | ~(
            Exists(newer.filter(is_current=True)) | Exists(newer.filter(is_current=False))
        )  # asked apart, each by its own index
        return self.filter(is_public, is_newest, withdraws=False)

    def current(self) -> Self:
        """The newest form of every line, public or not; what an import compares with."""
        return self.filter(is_current=True)

    def of_named(self) -> Self:
        """The lines of donors whom the public may see by name (see ``Donor.is_named``)."""
        return self.filter(~Q(donor__kind=Donor.Kind.PRIVATE) | Q(donor__may_be_named=True))

    def of_gift(self, donor: Donor, reference: str) -> Self:
        """The lines of a donor family with this reference; never those of a donor who may not be named."""
        same = self.alias(folded=Upper("reference")).filter(folded=Upper(Value(reference)))
        return same.of_family(donor).of_named()

    def with_operation_names(self, at: dt.datetime | None = None) -> Self:
        """With ``operation_slug`` and ``operation_names`` (by language) as released at ``at``; None before that."""
        profile = Edition.objects.released(at).profiles().filter(operation=OuterRef("operation"))
        return self.annotate(
            operation_slug=Subquery(profile.values("operation__slug")[:1]),
            operation_names=Subquery(profile.values("content__name")[:1]),
        )

    def by_currency(self) -> Self:
        """Sums by original currency: dicts of currency, original, usd and allocations.

        Of those, ``given`` give an original amount, and ``given_usd`` is what they are in US dollars.
        """
        has_both = Q(amount__isnull=False)
        return (
            self.values("currency")
            .annotate(
                original=Sum("amount"),
                given=Count("id", filter=has_both),
                given_usd=Sum("amount_usd", filter=has_both),
                usd=Sum("amount_usd"),
                allocations=Count("id"),
            )
            .order_by("currency")
        )

    def summed(self, *fields: str) -> Self:
        return self.values(*fields).annotate(amount=Sum("amount_usd"), allocations=Count("id"))


class Contribution(models.Model):
    class Earmarking(models.TextChoices):
        UNEARMARKED = "unearmarked", _("unearmarked")
        SOFTLY = "softly_earmarked", _("softly earmarked")
        EARMARKED = "earmarked", _("earmarked")
        TIGHTLY = "tightly_earmarked", _("tightly earmarked")

    reference = models.CharField(_("reference"), max_length=60, blank=True)
    donor = models.ForeignKey(
        Donor, models.PROTECT, related_name="contributions", verbose_name=_("donor"), db_index=False
    )
    date = models.DateField(_("date"))
    operation = models.ForeignKey(
        Operation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="contributions",
        verbose_name=_("operation"),
        help_text=_("Empty where the source does not say."),
        db_index=False,
    )
    budget_year = models.PositiveSmallIntegerField(_("budget year"), validators=YEAR)
    amount_usd = CentsField(_("US dollars"))
    currency = models.CharField(_("currency"), max_length=3, default="USD")
    amount = CentsField(_("amount in the original currency"), null=True, blank=True)
    earmarking = models.CharField(_("earmarking"), max_length=20, choices=Earmarking.choices, blank=True)
    description = models.CharField(_("description"), max_length=500, blank=True)
    key = models.UUIDField(_("key"), help_text=_("Identifies the line across files (see contribution_key)."))
    occurrence = models.PositiveIntegerField(
        _("occurrence"), default=1, help_text=_("Tells lines apart that share their key.")
    )
    batch = models.ForeignKey(
        ImportBatch, models.PROTECT, related_name="contributions", verbose_name=_("import")
    )
    line = models.PositiveIntegerField(_("line of the file"), null=True, blank=True)
    replaced_in = models.ForeignKey(
        ImportBatch,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="replaced",
        verbose_name=_("replaced in"),
        help_text=_("The last import that brought a newer form; it stays when that import is undone."),
        db_index=False,
    )
    is_current = models.BooleanField(
        _("is current"),
        default=True,
        help_text=_("Whether this is the newest form of its line, of all imports that were not undone."),
    )
    withdraws = models.BooleanField(
        _("withdraws the line"),
        default=False,
        help_text=_("Says that the line is no longer in the agency's books; nothing is counted."),
    )

    objects = ContributionQuerySet.as_manager()

    class Meta:
        verbose_name = _("contribution")
        verbose_name_plural = _("contributions")
        ordering = ["-date", "id"]
        permissions = [("import_contribution", "Can import contributions")]
        constraints = [
            models.UniqueConstraint(
                "key", "occurrence", condition=Q(is_current=True), name="contribution_key_once"
            ),
            models.CheckConstraint(
                name="contribution_earmarking_is_known",
                condition=Q(
                    earmarking__in=["", "unearmarked", "softly_earmarked", "earmarked", "tightly_earmarked"]
                ),
            ),
            models.CheckConstraint(
                name="contribution_withdrawal_is_not_current",
                condition=Q(withdraws=False) | Q(is_current=False),
            ),
        ]
        indexes = [
            # The older forms of one line; the newest has the unique key.
            models.Index(fields=["key", "id"], name="contribution_forms", condition=Q(is_current=False)),
            # Keys that several lines share.
            models.Index(
                fields=["key"], name="contribution_repeated", condition=Q(is_current=True, occurrence__gt=1)
            ),
            models.Index(
                fields=["replaced_in"], name="contribution_replaced", condition=Q(replaced_in__isnull=False)
            ),
            # The latest lines: of the agency, an operation, a donor and a year.
            models.Index(fields=["-date", "id"], name="contribution_latest"),
            models.Index(fields=["operation", "-date"], name="contribution_by_operation"),
            models.Index(fields=["donor", "-date"], name="contribution_by_donor"),
            models.Index(fields=["budget_year", "-date"], name="contribution_by_year"),
            # One gift.
            models.Index(Upper("reference"), name="contribution_by_reference"),
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.donor} {self.amount_usd}"


def contribution_key(
    reference: str,
    donor: uuid.UUID,
    date: dt.date | str,
    operation: int | None,
    budget_year: int,
    earmarking: str,
) -> uuid.UUID:
    """What identifies a line across files; lines that share it all differ in their occurrence alone.

    ``donor`` is the donor's token. 128 bits of a digest: that two of a million lines meet by chance has odds
    of 1 to 10²⁶.
    """
    return uuid.UUID(line_digest(reference, donor, date, operation, budget_year, earmarking))


def line_digest(
    reference: str,
    donor: uuid.UUID | str,
    date: dt.date | str,
    operation: int | None,
    budget_year: int,
    earmarking: str,
) -> str:
    """The key of a line as 32 hexadecimal digits (see ``contribution_key``), for a million of them."""
    parts = (
        f"{reference.casefold()}\x1f{donor}\x1f{date}\x1f{operation or ''}\x1f{budget_year}\x1f{earmarking}"
    )
    return hashlib.blake2b(parts.encode(), digest_size=16).hexdigest()
