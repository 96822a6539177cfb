"""Donors, their contributions, and the imports that brought them.

One ``Contribution`` is one allocation of one instalment, as in the agency's own books. The public
sees the lines of released imports, grouped; a line that changed is replaced, never overwritten.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from decimal import Decimal
from typing import Any, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, Count, Exists, F, Max, OuterRef, Q, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce, Upper
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


class ImportSource(models.Model):
    """How the files of one source are read: kept by name, and proposed for its next file."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    reading = models.JSONField(default=dict)
    mapping = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    saved_at = models.DateTimeField(_("saved"), auto_now=True)
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("saved by")
    )

    class Meta:
        verbose_name = _("source of imports")
        verbose_name_plural = _("sources of imports")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ImportBatchQuerySet(models.QuerySet):
    def of_contributions(self) -> ImportBatchQuerySet:
        return self.filter(table=Contribution._meta.label_lower)

    def imported(self) -> ImportBatchQuerySet:
        """Those whose lines are in the books: stored, and not undone since."""
        return self.filter(state=ImportBatch.State.IMPORTED, withdrawn_at__isnull=True)


class ImportBatch(models.Model):
    """One import: the file as it was, what it held, who loaded it, and when it became public.

    The row is also the job. ``state`` says how far the file has come; ``job`` says what is to be done
    with it next without a person, if anything.
    """

    class State(models.TextChoices):
        NEW = "new", _("uploaded")
        ASKING = "asking", _("has questions")
        PLANNED = "planned", _("ready to be confirmed")
        IMPORTED = "imported", _("imported")
        KNOWN = "known", _("changed nothing")
        FAILED = "failed", _("failed")
        GIVEN_UP = "given_up", _("given up")

    class Job(models.TextChoices):
        NONE = "", _("nothing")
        PLAN = "plan", _("read and compare")
        IMPORT = "import", _("import")

    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.IMPORTED)
    job = models.CharField(_("to do"), max_length=10, choices=Job.choices, blank=True, default=Job.NONE)
    queued_at = models.DateTimeField(null=True, blank=True, editable=False)
    beat_at = models.DateTimeField(null=True, blank=True, editable=False)  # the last sign of life of its work
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)  # begun, of the work that waits
    progress = models.PositiveIntegerField(_("lines read"), default=0, editable=False)
    problem = models.TextField(_("what went wrong"), blank=True)
    table = models.CharField(
        _("table"), max_length=60, help_text=_("What was imported, such as contributions.contribution.")
    )
    file = models.FileField(_("file"), upload_to=import_path, blank=True)
    file_name = models.CharField(_("file name"), max_length=255)
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    source = models.ForeignKey(
        ImportSource,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="imports",
        verbose_name=_("source"),
        help_text=_("The kept way of reading that was used."),
    )
    mapping = models.JSONField(
        _("columns"), default=dict, help_text=_("Which column of the file was read as what.")
    )
    reading = models.JSONField(
        _("reading"), default=dict, help_text=_("Encoding, delimiter, sheet and header line of the file.")
    )
    options = models.JSONField(
        _("decisions"), default=dict, help_text=_("What the person who imported it decided.")
    )
    plan = models.JSONField(
        default=dict, editable=False, help_text=_("What the preview shows besides the staged lines.")
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
    withdrawn_at = models.DateTimeField(_("undone"), null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("undone by"),
    )
    withdrawn_because = models.TextField(_("why it was undone"), blank=True)

    objects = ImportBatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-made_at"]
        permissions = [("release_importbatch", "Can release and undo imports")]
        constraints = [
            models.CheckConstraint(
                name="batch_released_is_imported",
                condition=Q(released_at__isnull=True) | Q(state="imported"),
            )
        ]
        indexes = [
            # “This very file was imported before.”
            models.Index(fields=["table", "sha256"], name="batch_by_file"),
            # The newest import that readers see.
            models.Index(fields=["table", "released_at"], name="batch_by_release"),
            # What waits to be done.
            models.Index(fields=["queued_at"], name="batch_queue", condition=~Q(job="")),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({timezone.localtime(self.made_at):%Y-%m-%d %H:%M})"


def newest_import(at: dt.datetime) -> dt.datetime | None:
    """When the newest import of contributions that readers see was released, until ``at``."""
    public = ImportBatch.objects.filter(
        table=Contribution._meta.label_lower, withdrawn_at__isnull=True, released_at__lte=at
    )
    return public.aggregate(newest=Max("released_at"))["newest"]


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
        """Sums by operation, None where the source does not say, largest first."""
        return self.summed("operation").order_by("-amount", "operation")

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


class ContributionQuerySet(SummedQuerySet):
    def released(self, at: dt.datetime | None = None) -> Self:
        """The lines that the public sees of those released at ``at`` (default: now). The one release rule of the money.

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
    parts = (
        f"{reference.casefold()}\x1f{donor}\x1f{date}\x1f{operation or ''}\x1f{budget_year}\x1f{earmarking}"
    )
    return uuid.UUID(bytes=hashlib.blake2b(parts.encode(), digest_size=16).digest())


class StagedLineQuerySet(models.QuerySet):
    def new(self) -> StagedLineQuerySet:
        return self.filter(state=StagedLine.State.NEW)

    def changed(self) -> StagedLineQuerySet:
        return self.filter(state=StagedLine.State.CHANGED)

    def with_previous(self) -> StagedLineQuerySet:
        """With the line that each replaces, its donor and its operation."""
        return self.select_related("batch", "previous__donor", "previous__operation")


class StagedLine(models.Model):
    """A line of a file on its way: cleaned, with what it refers to, and what an import would do with it.

    Rows live as long as the import is not done with. They have no constraints, for what is wrong in a file is
    told by its ``ImportProblem`` rows, and what is stored at last is checked by ``Contribution``.
    """

    class State(models.TextChoices):
        NEW = "n", _("new")
        ADDED = "a", _("another one")
        CHANGED = "c", _("replaces")
        KEPT = "k", _("left as it is")
        UNCHANGED = "u", _("unchanged")
        WITHDRAWN = "w", _("to be withdrawn")

    batch = models.ForeignKey(ImportBatch, models.CASCADE, related_name="staged", db_constraint=False)
    line = models.PositiveIntegerField()
    state = models.CharField(max_length=1, choices=State.choices)
    reference = models.CharField(max_length=60)
    donor_token = models.UUIDField()
    date = models.DateField()
    operation = models.ForeignKey(
        Operation, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    budget_year = models.PositiveSmallIntegerField()
    amount_usd = CentsField()
    currency = models.CharField(max_length=3)
    amount = CentsField(null=True)
    earmarking = models.CharField(max_length=20)
    description = models.CharField(max_length=500)
    key = models.UUIDField()
    occurrence = models.PositiveIntegerField(default=1)
    previous = models.ForeignKey(
        Contribution, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    decision = models.CharField(max_length=1, default="")

    objects = StagedLineQuerySet.as_manager()

    class Meta:
        verbose_name = _("staged line")
        verbose_name_plural = _("staged lines")
        ordering = ["line", "id"]

    def __str__(self) -> str:
        return f"{self.batch_id}: {self.line}"

    @property
    def differences(self) -> list[tuple[str, Any, Any]]:
        """What it would change of the line that it replaces: column, old and new, of the columns of its file."""
        names = [name for name in COMPARED if name in self.batch.plan.get("columns", COMPARED)]
        pairs = [(name, getattr(self.previous, name), getattr(self, name)) for name in names]
        return [(name, old, new) for name, old, new in pairs if old != new]


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
    donor = models.ForeignKey(
        Donor, models.DO_NOTHING, related_name="sums", db_constraint=False, db_index=False
    )
    operation = models.ForeignKey(
        Operation, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    budget_year = models.PositiveSmallIntegerField()
    date = models.DateField()
    earmarking = models.CharField(max_length=20)
    amount_usd = CentsField()
    lines = models.IntegerField()

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


class ImportProblem(models.Model):
    """What is wrong with a cell of a file: where, what stands there, and what to do about it."""

    batch = models.ForeignKey(ImportBatch, models.CASCADE, related_name="problems")
    line = models.PositiveIntegerField(_("line"))
    column = models.CharField(_("column"), max_length=60, blank=True)
    value = models.CharField(_("value"), max_length=80, blank=True)
    message = models.TextField(_("what is wrong, and what to do"))

    class Meta:
        verbose_name = _("problem of an import")
        verbose_name_plural = _("problems of an import")
        ordering = ["line", "id"]

    def __str__(self) -> str:
        return f"{self.line} {self.column}: {self.message}"


# What two lines of one key are compared by.
COMPARED = ("amount_usd", "currency", "amount", "description")


def donor_class(kind: str) -> str:
    """The words under a donor's name that tell the class; empty for a government."""
    return "" if kind == Donor.Kind.GOVERNMENT else gettext(str(Donor.Kind(kind).label))
