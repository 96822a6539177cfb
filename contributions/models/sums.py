"""Sums of the books that are kept beside them, and what they answer in the same way as the lines."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, Self

from django.db import models
from django.db.models import Case, F, Q, Sum, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from operations.fields import CentsField
from operations.models import Operation

from ..privacy import WITHHELD
from .batch import ImportBatch
from .donor import Donor

# Where the operation of private gifts is withheld, so is their earmarking (see ``privacy``).
WITHHELD_OPERATION = Q(operation__isnull=True, earmarking=WITHHELD)


def given_to(row: dict[str, Any]) -> int | str | None:
    """Of a row of ``by_operation``: the key of the operation, ``WITHHELD``, or ``None`` where the source gives none."""
    return WITHHELD if row["is_withheld"] else row["operation"]


class SummedQuerySet(models.QuerySet):
    """What the lines and their kept sums answer in the same way: filters, and sums with their allocations."""

    def for_year(self, year: int) -> Self:
        return self.filter(budget_year=year)

    def of_class(self, country: str) -> Self:
        """Of private donors of a country (or, with "", of none) who have no family and no name."""
        private = {"donor__kind": Donor.Kind.PRIVATE, "donor__may_be_named": False}
        return self.filter(donor__parent__isnull=True, donor__country=country, **private)

    def of_family(self, donor: Donor) -> Self:
        members = Donor.objects.filter(Q(pk=donor.pk) | Q(parent=donor)).order_by()
        return self.filter(donor__in=members.values("pk"))

    def with_family(self) -> Self:
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

    def grouped(self) -> Self:
        """Public lines: sums over donor family, donor class and day, newest first, larger first.

        Rows are dicts of date, family, kind, country (see ``with_family``), amount and allocations.
        """
        found = self.with_family().summed("date", "family", "kind", "country")
        return found.order_by("-date", "-amount", "family", "kind", "country")

    def by_donor(self) -> Self:
        """Sums over donor family and class, largest first: dicts as of ``grouped``, without a date."""
        found = self.with_family().summed("family", "kind", "country")
        return found.order_by("-amount", "family", "kind", "country")

    def by_member(self) -> Self:
        """As ``by_donor``, and by the donor itself where it may be named: ``member``, else NULL."""
        is_named = ~Q(donor__kind=Donor.Kind.PRIVATE) | Q(donor__may_be_named=True)
        member = Case(When(is_named, then=F("donor_id")), output_field=models.BigIntegerField(null=True))
        found = self.with_family().annotate(member=member).summed("family", "kind", "country", "member")
        return found.order_by("-amount", "member")

    def by_class(self) -> Self:
        """Sums by donor class, largest first: dicts of kind, amount and allocations."""
        return self.annotate(kind=F("donor__kind")).summed("kind").order_by("-amount", "kind")

    def by_year(self) -> Self:
        """Sums by budget year, newest first: dicts of budget_year, amount and allocations."""
        return self.summed("budget_year").order_by("-budget_year")

    def by_earmarking(self) -> Self:
        """Sums by earmarking, "" where the source does not say: dicts of earmarking, amount and allocations."""
        return self.summed("earmarking").order_by("earmarking")

    def by_operation(self) -> Self:
        """Sums by operation, largest first: dicts of operation, is_withheld, amount and allocations.

        The operation is None where the source does not say, and where it is withheld (of private gifts).
        """
        is_withheld = Case(
            When(WITHHELD_OPERATION, then=True), default=False, output_field=models.BooleanField()
        )
        found = self.annotate(is_withheld=is_withheld).summed("operation", "is_withheld")
        return found.order_by("-amount", "operation", "is_withheld")

    def by_day(self) -> Self:
        """Sums by day, oldest first: dicts of date, amount and allocations."""
        return self.summed("date").order_by("date")

    def by_month(self) -> list[dict[str, Any]]:
        """Sums by the month of the date, oldest first: dicts of month (its first day) and amount.

        The days are summed by the database; SQLite has no months.
        """
        months: dict[dt.date, Decimal] = {}
        for row in self.by_day():
            month = row["date"].replace(day=1)
            months[month] = months.get(month, Decimal(0)) + row["amount"]
        return [{"month": month, "amount": amount} for month, amount in months.items()]

    def summed(self, *fields: str) -> Self:
        """``amount`` and ``allocations`` by these fields."""
        raise NotImplementedError

    def total(self) -> Decimal:
        """US dollars in all; 0.00 where there is nothing."""
        return self.aggregate(total=Sum("amount_usd"))["total"] or Decimal("0.00")


class DailySumQuerySet(SummedQuerySet):
    def released(self, at: dt.datetime | None = None) -> Self:
        """What the lines that readers see at ``at`` (default: now) make; the same imports as theirs."""
        public = ImportBatch.objects.filter(withdrawn_at__isnull=True, released_at__lte=at or timezone.now())
        return self.filter(batch__in=public.order_by().values("pk"))

    def summed(self, *fields: str) -> Self:
        """Where nothing is left of what imports brought and took, there is no row."""
        found = self.values(*fields).annotate(amount=Sum("amount_usd"), allocations=Sum("lines"))
        return found.filter(allocations__gt=0)


class DailySum(models.Model):
    """What one import added to (or took from) a donor, operation, budget year, day and earmarking.

    The sum over the imports that readers see is what the lines make; ``sums`` keeps it so. No foreign keys in the
    database: they would cost more than the sums save, and what they would hold is held by ``Contribution``.
    """

    batch = models.ForeignKey(
        ImportBatch, models.CASCADE, related_name="sums", db_constraint=False, db_index=False
    )
    donor = models.ForeignKey(Donor, models.PROTECT, related_name="sums", db_constraint=False, db_index=False)
    operation = models.ForeignKey(
        Operation, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    budget_year = models.PositiveSmallIntegerField()
    date = models.DateField()
    earmarking = models.CharField(max_length=20)
    amount_usd = CentsField()
    lines = models.IntegerField()
    is_cell = models.BooleanField(default=False)  # of gifts of several private donors (see ``private_sums``)

    objects = DailySumQuerySet.as_manager()

    class Meta:
        verbose_name = _("daily sum")
        verbose_name_plural = _("daily sums")
        indexes = [
            # Public lines and sums, read from the index alone: of the agency, a year, a donor and an operation.
            models.Index(fields=["-date", "donor", "batch", "amount_usd", "lines"], name="sum_latest"),
            models.Index(
                fields=["budget_year", "-date", "donor", "batch", "amount_usd", "lines"], name="sum_by_year"
            ),
            models.Index(
                fields=[
                    "donor",
                    "-date",
                    "budget_year",
                    "operation",
                    "earmarking",
                    "batch",
                    "amount_usd",
                    "lines",
                ],
                name="sum_by_donor",
            ),
            models.Index(
                fields=["operation", "-date", "budget_year", "donor", "batch", "amount_usd", "lines"],
                name="sum_by_operation",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.donor_id} {self.date}: {self.amount_usd}"
