"""What a person decides on a preview, and what the preview tells to decide by."""

from __future__ import annotations

import uuid
from collections import defaultdict
from decimal import Decimal
from typing import Any

from django.db.models import Case, Count, F, Q, Sum, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from operations.cells import clean_amount

from . import staging
from .models import Contribution, Donor, ImportBatch, StagedLine

REPLACE, KEEP, ADD = "r", "k", "a"
NOTHING = Decimal("0.00")
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


# --- Lines that may be known under another key ------------------------------------------------------


def count_alike(batch: ImportBatch) -> int:
    """How many new lines look like known ones (see ``staging.count_alike``), as its plan keeps it."""
    if not batch.counts["new"] or not Contribution.objects.current().exists():
        return 0
    return staging.count_alike(batch)


def undecided_alike(batch: ImportBatch) -> int:
    """Those of which nobody has said that they are gifts of their own."""
    count = batch.plan.get("alike", 0)
    return count if count > batch.options.get("alike", 0) else 0


def told_alike(count: int) -> str:
    return ngettext(
        "%(count)s new line has the donor, day and amount of a known one, under another reference, operation, budget "
        "year or earmarking. Say that it is a gift of its own, or correct the file.",
        "%(count)s new lines have the donor, day and amount of known ones, under another reference, operation, budget "
        "year or earmarking. Say that they are gifts of their own, or correct the file.",
        count,
    ) % {"count": f"{count:,}"}


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


# A line without an amount in its own currency was given in US dollars alone.
GIVEN_IN = Case(When(amount__isnull=True, then=Value("USD")), default=F("currency"))

Sums = dict[str, dict[Any, Decimal]]  # by what, then by its value


def totals(batch: ImportBatch) -> dict[str, list[dict[str, Any]]]:
    """By currency (in it), and by donor class, donor and budget year (in US dollars): before, after, and the change.

    Only what the import touches; amounts as texts, for the batch keeps them. Each table is read once.
    """
    known = list(Donor.objects.values_list("pk", "token", "name_en", "kind"))
    by_key = {pk: (name, kind) for pk, _token, name, kind in known}
    by_token = {token: (name, kind) for _pk, token, name, kind in known}
    by_token |= {uuid.UUID(new["token"]): (new["name"], new["kind"]) for new in batch.plan["donors"]}
    replaced = batch.staged.filter(state__in=["c", "w"]).order_by().values("previous")
    staged = batch.staged.filter(state__in=staging.STORED)
    coming = sums_of(staged, "donor_token", by_token)
    if "amount" not in batch.plan["columns"]:
        coming["currency"] = currencies_of(staged)
    going = sums_of(Contribution.objects.filter(pk__in=replaced), "donor", by_key)
    books = (
        sums_of(Contribution.objects.current(), "donor", by_key)
        if any(coming.values()) or any(going.values())
        else {}
    )
    found = {}
    for name in coming:
        change = {
            group: coming[name].get(group, NOTHING) - going[name].get(group, NOTHING)
            for group in coming[name].keys() | going[name].keys()
        }
        found[name] = [
            {
                "name": str(group),
                "before": f"{(before := books[name].get(group, NOTHING)):f}",
                "change": f"{change[group]:f}",
                "after": f"{before + change[group]:f}",
            }
            for group in sorted(change, key=lambda group: (-abs(change[group]), str(group)))
        ]
    return found


def currencies_of(staged: Any) -> dict[str, Decimal]:
    """By currency, in it, where the file does not say: what replaces a known line keeps its original amount."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    is_kept = Q(state=StagedLine.State.CHANGED, previous__amount__isnull=False)
    new = staged.exclude(is_kept).order_by().aggregate(usd=Sum("amount_usd"))["usd"]
    if new:
        found["USD"] = new
    kept = staged.filter(is_kept).order_by().values_list("previous__currency")
    for currency, amount in kept.annotate(sum=Sum("previous__amount")):
        found[currency] += amount
    return found


def sums_of(rows: Any, donor: str, donors: dict[Any, tuple[str, str]]) -> Sums:
    """One query; ``donors`` are name and class of those that the column ``donor`` holds."""
    found: Sums = {name: defaultdict(Decimal) for name in ("currency", "class", "donor", "year")}
    groups = rows.order_by().annotate(given_in=GIVEN_IN).values_list("given_in", donor, "budget_year")
    for currency, who, year, original, usd in groups.annotate(
        original=Sum(Coalesce("amount", "amount_usd")), usd=Sum("amount_usd")
    ):
        name, kind = donors.get(who, ("?", "?"))  # merged meanwhile
        found["currency"][currency] += original
        found["class"][kind] += usd
        found["donor"][name] += usd
        found["year"][year] += usd
    return found


def repeated(batch: ImportBatch) -> list[dict[str, Any]]:
    """Lines that stand in the file more than once, word for word: how often, and one of each."""
    same = ("key", "amount_usd", "currency", "amount", "description")
    return list(
        batch.staged.filter(~Q(state="w")).order_by().values(*same, "reference", "date", "budget_year")
        .annotate(times=Count("pk")).filter(times__gt=1).order_by("-times", "date")[:100]
    )  # fmt: skip
