"""What a person decides on a preview, and what the preview tells to decide by."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import Case, Count, F, Q, Sum, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from operations.cells import clean_amount

from . import staging
from .models import Contribution, Donor, ImportBatch, StagedLine

REPLACE, KEEP, ADD = "r", "k", "a"
DECIDED = ["c", "k", "a"]  # the states of lines that differ from a known one


# --- Replacements -----------------------------------------------------------------------------------


def undecided(batch: ImportBatch) -> int:
    """Lines that would replace another, and of which nobody has said so yet."""
    return batch.staged.changed().filter(decision="").count()


def decide_all(batch: ImportBatch) -> None:
    """Every line that differs from a known one replaces it."""
    batch.staged.changed().update(decision=REPLACE)


def decide(batch: ImportBatch, decisions: dict[int, str]) -> None:
    """For staged lines (by key) that differ from a known one: it replaces, the known one stays, or both are gifts."""
    lines = batch.staged.filter(pk__in=decisions, state__in=DECIDED).with_previous().in_bulk()
    for pk, line in lines.items():
        line.decision = decisions[pk]
        line.state = {
            REPLACE: StagedLine.State.CHANGED,
            KEEP: StagedLine.State.KEPT,
            ADD: StagedLine.State.ADDED,
        }[line.decision]
        line.occurrence = line.previous.occurrence if line.decision != ADD else 0
    StagedLine.objects.bulk_update(lines.values(), ["decision", "state", "occurrence"], batch_size=1000)
    staging.number_added(batch)
    tally = staging.tally(batch)
    batch.counts |= tally.counts
    batch.plan |= {"fingerprint": tally.fingerprint, "totals": totals(batch)}
    batch.save(update_fields=["counts", "plan"])


# --- Totals -----------------------------------------------------------------------------------------


def control_problem(batch: ImportBatch) -> str:
    """Why the total of the file is not the one that was typed; empty where it is, or none was."""
    typed = batch.options.get("control_total")
    if not typed or not batch.totals:
        return ""
    wanted = clean_amount(typed, round_to_cents=True)
    exact = Decimal(batch.totals["in_file_usd"])
    if wanted in (exact, clean_amount(f"{exact:f}", round_to_cents=True)):
        return ""
    return _(
        "The lines make US$ %(found)s, and not US$ %(typed)s as was typed: a difference of %(difference)s."
    ) % {
        "found": f"{exact:,}",
        "typed": f"{wanted:,}",
        "difference": f"{exact - wanted:,}",
    }


GROUPS = {
    "currency": "given_in",
    "class": "donor__kind",
    "donor": "donor__name_en",
    "year": "budget_year",
}


# A line without an amount in its own currency was given in US dollars alone.
GIVEN_IN = Case(When(amount__isnull=True, then=Value("USD")), default=F("currency"))


def totals(batch: ImportBatch) -> dict[str, list[dict[str, Any]]]:
    """By currency (in it), and by donor class, donor and budget year (in US dollars): before, after, and the change.

    Only what the import touches; amounts as texts, for the batch keeps them.
    """
    tokens = {token: donor for *donor, token in Donor.objects.values_list("name_en", "kind", "token")}
    tokens |= {donor["token"]: [donor["name"], donor["kind"]] for donor in batch.plan["donors"]}
    tokens = {str(token).replace("-", ""): donor for token, donor in tokens.items()}
    found = {}
    for name, column in GROUPS.items():
        change: dict[Any, Decimal] = {}
        amount = "amount" if name == "currency" else "amount_usd"

        def add(group: Any, amount: Decimal | None, sign: int, change: dict[Any, Decimal] = change) -> None:
            change[group] = change.get(group, Decimal("0.00")) + sign * (amount or Decimal("0.00"))

        mine = {"currency": "given_in", "year": "budget_year"}.get(name, "donor_token")
        coming = batch.staged.filter(state__in=staging.STORED).order_by().annotate(given_in=GIVEN_IN)
        for group, sum_ in coming.values_list(mine).annotate(sum=Sum(of(amount))):
            if mine == "donor_token":
                group = tokens.get(group.hex, ["?", "?"])[0 if name == "donor" else 1]  # merged meanwhile
            add(group, sum_, 1)
        going = (
            Contribution.objects.filter(
                pk__in=batch.staged.filter(state__in=["c", "w"]).order_by().values("previous")
            )
            .order_by()
            .annotate(given_in=GIVEN_IN)
        )
        for group, sum_ in going.values_list(column).annotate(sum=Sum(of(amount))):
            add(group, sum_, -1)
        books = (
            Contribution.objects.current()
            .order_by()
            .annotate(given_in=GIVEN_IN)
            .filter(**{f"{column}__in": list(change)})
        )
        before = dict(books.values_list(column).annotate(sum=Sum(of(amount))))
        found[name] = [
            {
                "name": str(group),
                "before": f"{before.get(group) or Decimal('0.00'):f}",
                "change": f"{change[group]:f}",
                "after": f"{(before.get(group) or Decimal('0.00')) + change[group]:f}",
            }
            for group in sorted(change, key=lambda group: (-abs(change[group]), str(group)))
        ]
    return found


def of(amount: str) -> Any:
    return Coalesce("amount", "amount_usd") if amount == "amount" else F("amount_usd")


def repeated(batch: ImportBatch) -> list[dict[str, Any]]:
    """Lines that stand in the file more than once, word for word: how often, and one of each."""
    same = ("key", "amount_usd", "currency", "amount", "description")
    return list(
        batch.staged.filter(~Q(state="w")).order_by().values(*same, "reference", "date", "budget_year")
        .annotate(times=Count("pk")).filter(times__gt=1).order_by("-times", "date")[:100]
    )  # fmt: skip
