"""Lines of a file on their way into the books."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from operations.fields import CentsField
from operations.models import Operation

from .batch import ImportBatch
from .contribution import Contribution

# What two lines of one key are compared by.
COMPARED = ("amount_usd", "currency", "amount", "description")


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
