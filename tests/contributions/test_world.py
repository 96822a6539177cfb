"""The agency's own files of six years, imported whole; left out where ``../shared/data/world`` is not at hand."""

from __future__ import annotations

import csv
import html
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db.models import Q, Sum

from contributions import releasing
from contributions.models import Contribution, DailySum, Donor, ImportBatch
from operations.editions import release
from operations.models import Edition, FinancialFigure, Operation, Region

FOLDER = Path(settings.BASE_DIR).parent / "shared" / "data" / "world"
OPERATIONS = FOLDER / "operations.csv"
FINANCE = FOLDER / "budget_expenditure_2016_2021.csv"
CONTRIBUTIONS = FOLDER / "contributions_2016_2021.csv"

pytestmark = [
    pytest.mark.skipif(not OPERATIONS.exists(), reason=f"{FOLDER.parent.name}/{FOLDER.name} is not at hand"),
    pytest.mark.django_db,
]


def rows(path: Path) -> Iterable[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def cents(text: str) -> Decimal:
    return Decimal(text).quantize(Decimal("0.01"), ROUND_HALF_UP)


def sums(path: Path, amount: str, key: Callable[[dict[str, str]], Any]) -> dict[Any, Decimal]:
    """Sums of a file's column, each amount rounded on its own, by the csv module alone."""
    found: dict[Any, Decimal] = defaultdict(Decimal)
    for row in rows(path):
        found[key(row)] += cents(row[amount])
    return dict(found)


def imported(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The last line that the command printed."""
    call_command(*map(str, arguments))
    return capsys.readouterr().out.splitlines()[-1].partition(": ")[2]


def test_six_years_of_the_world(client, capsys):
    counts = {path: sum(1 for _row in rows(path)) for path in (OPERATIONS, FINANCE, CONTRIBUTIONS)}
    steps = [
        (OPERATIONS, "import_table", "operations", OPERATIONS, "--release"),
        (FINANCE, "import_table", "finance", FINANCE, "--round-to-cents", "--release"),
        (CONTRIBUTIONS, "import_contributions", CONTRIBUTIONS, "--round-to-cents", "--new-donors"),
    ]
    for path, *command in steps:
        assert imported(capsys, *command) == f"{counts[path]} new, 0 changed, 0 unchanged."

    assert Operation.objects.count() == Edition.objects.released().profiles().count() == counts[OPERATIONS]

    figures = FinancialFigure.objects.order_by().annotate(is_total=Q(pillar__isnull=True))
    by_measure = figures.values_list("year", "measure", "is_total")
    assert {row[:3]: row[3] for row in by_measure.annotate(sum=Sum("amount_usd"))} == sums(
        FINANCE, "amount", lambda row: (int(row["year"]), row["measure"], row["dimension"] == "total")
    )
    by_year = Contribution.objects.order_by().values_list("budget_year", "operation__code")
    assert {row[:2]: row[2] for row in by_year.annotate(sum=Sum("amount_usd"))} == sums(
        CONTRIBUTIONS, "amount_usd", lambda row: (int(row["budget_year"]), row["operation_key"])
    )
    exact = sum(Decimal(row["amount_usd"]) for row in rows(CONTRIBUTIONS))
    totals = ImportBatch.objects.get(table="contributions.contribution").totals
    assert Decimal(totals["in_file_usd"]) == exact
    assert Decimal(totals["in_file_usd"]) + Decimal(totals["rounding_difference_usd"]) == (
        Contribution.objects.counted().total()
    )
    by_year = sums(CONTRIBUTIONS, "amount_usd", lambda row: int(row["budget_year"]))
    assert {row["budget_year"]: row["amount"] for row in Contribution.objects.counted().by_year()} == by_year
    # One line is of a private donor by name who did not agree to it: readers see all the others.
    (waits,) = Contribution.objects.filter(donor__in=Donor.objects.hidden())
    by_year[waits.budget_year] -= waits.amount_usd
    assert {row["budget_year"]: row["amount"] for row in DailySum.objects.released().by_year()} == by_year
    kinds = {"Private Sector": "private", "Government": "government", "Multilateral": "intergovernmental",
             "Other Public Sector": "intergovernmental", "Foundation": "foundation", "National NGO": "national_partner"}  # fmt: skip
    by_class = sums(CONTRIBUTIONS, "amount_usd", lambda row: kinds.get(row["donor_type"], row["donor_type"]))
    found = {row["kind"]: row["amount"] for row in Contribution.objects.counted().by_class()}
    assert {kind: found.get(kind) for kind in kinds.values()} == {
        kind: by_class[kind] for kind in kinds.values()
    }

    # The same files again change nothing.
    editions = Edition.objects.count()
    steps[-1] = (CONTRIBUTIONS, *steps[-1][1:], "--again")
    for path, *command in steps:
        assert imported(capsys, *command).startswith(f"all {counts[path]} lines are known")
    assert (ImportBatch.objects.count(), Edition.objects.count()) == (3, editions)

    peru = Operation.objects.get(code="PER")
    release(peru, None)  # its budget more than doubled, which somebody has to look at first
    page = client.get(f"/operations/{peru.slug}/2020/").content.decode()
    words = html.unescape(re.sub(r"<[^>]+>", " ", page)).replace("\u00a0", " ")
    assert "48,625,534.17" in words or "48,625,534" in words
    assert "20,154,483.57" in words or "20,154,484" in words
    assert client.get("/contributions/").status_code == client.get("/donors/").status_code == 200

    # Undone, it is as before.
    releasing.undo(ImportBatch.objects.get(table="contributions.contribution"), None)
    assert not Contribution.objects.counted().exists()
    assert not DailySum.objects.released().exists()
    assert client.get("/donors/").text.count("<tbody") == 0

    # With every operation released, the totals of the list and of each region's page are those of the files.
    for operation in Operation.objects.exclude(code="PER"):
        release(operation, None)
    region_of = {row["operation_key"]: row["region_last"] for row in rows(OPERATIONS)}
    by_region: dict[tuple[int, str, str], Decimal] = defaultdict(Decimal)
    for row in rows(FINANCE):
        if row["dimension"] == "total":
            key = (int(row["year"]), region_of[row["operation_key"]], row["measure"])
            by_region[key] += cents(row["amount"])
    for year in (2016, 2019, 2021):
        whole = client.get(f"/operations/?year={year}").context["totals"]
        for measure in ("budget", "expenditure"):
            assert whole[measure].number == sum(
                amount for (of, _region, name), amount in by_region.items() if (of, name) == (year, measure)
            )
        for code, name in Region.objects.values_list("code", "name_en"):
            if (year, name, "budget") in by_region:
                own = client.get(f"/regions/{code.lower()}/?year={year}").context["totals"]
                assert [own[measure].number for measure in ("budget", "expenditure")] == [
                    by_region[year, name, measure] for measure in ("budget", "expenditure")
                ]
