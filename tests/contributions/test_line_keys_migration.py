"""The books of an older version keep their lines, forms and sums when lines get their keys."""

import datetime as dt

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

BEFORE = [("operations", "0004_roles"), ("contributions", "0001_initial")]


@pytest.fixture
def before(transactional_db):
    """The models as they stood; the tables go back to today's at the end, whatever happens."""
    executor = MigrationExecutor(connection)
    executor.migrate([("contributions", None)])
    executor = MigrationExecutor(connection)
    executor.migrate(BEFORE[1:])  # newer tables of operations stay: no lines are in them
    yield executor.loader.project_state(BEFORE).apps
    migrate_to_the_newest()


def migrate_to_the_newest():
    executor = MigrationExecutor(connection)
    executor.migrate([key for key in executor.loader.graph.leaf_nodes() if key[0] == "contributions"])


def test_lines_of_the_older_version_are_known_by_the_newer(before):
    Batch, Donor, Line = (
        before.get_model("contributions", name) for name in ("ImportBatch", "Donor", "Contribution")
    )
    first, second, undone = (
        Batch.objects.create(table="contributions.contribution", file_name=name, released_at=timezone.now())
        for name in ("first", "second", "undone")
    )
    Batch.objects.filter(pk=undone.pk).update(withdrawn_at=timezone.now())
    norway = Donor.objects.create(name="Norway", name_en="Norway", slug="norway", kind="government")

    def line(key, amount, batch, **fields):
        return Line.objects.create(
            key=key, amount_usd=amount, batch=batch, donor=norway, date=dt.date(2021, 11, 24), budget_year=2021,
            reference="R1", **fields,
        )  # fmt: skip

    line("a", 5, first, replaced_in=second)
    line("a", 6, second, replaced_in=undone)
    line("a", 7, undone)
    line("b", 5, first)
    migrate_to_the_newest()

    from contributions.models import Contribution, DailySum, contribution_key
    from tests.contributions.test_books import counts, load

    found = Contribution.objects.order_by("pk")
    assert [(line.amount_usd, line.occurrence, line.is_current) for line in found] == [
        (5, 1, False), (6, 1, True), (7, 1, False), (5, 2, True)]  # fmt: skip
    key = contribution_key("R1", found[0].donor.token, "2021-11-24", None, 2021, "")
    assert {line.key for line in found} == {key}
    assert Contribution.objects.released().total() == 11
    assert sum(DailySum.objects.released().values_list("amount_usd", flat=True)) == 11
    again = load(*["R1,Norway,2021-11-24,2021,5,", "R1,Norway,2021-11-24,2021,6,"])
    assert (counts(again), again.state) == ((0, 0, 2, 0), "known")
