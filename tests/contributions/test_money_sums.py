"""The kept sums answer what the lines answer, filter by filter; and what readers ask for is found by an index."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import Sum
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contributions import sums
from contributions.filters import Filters, given_families, public_places
from contributions.lines import latest, stretch_of_days, stretch_of_donors
from contributions.models import Contribution, DailySum, Donor
from contributions.views import named_sums
from operations.editions import release
from operations.models import Operation, Region
from tests import factories

pytestmark = pytest.mark.django_db

DAY = dt.date(2020, 11, 20)
EARMARKINGS = ["", "unearmarked", "earmarked"]


@pytest.fixture
def books():
    """Lines of every class of donor by three imports: the second replaces and withdraws lines of the first, the third
    is public tomorrow."""
    pick = random.Random(7)
    norway, japan = factories.donor(), factories.donor("Japan", country="JP")
    givers = [
        norway, japan, factories.donor("Norad", parent=norway), factories.donor("The Fund", kind="foundation"),
        factories.donor("Ola Secret", kind="private", parent=norway), factories.donor("Jane", kind="private", country="FR"),
        factories.donor("Joe", kind="private", country="FR"), factories.donor("Ann", kind="private"),
        factories.donor("Good Company", kind="private", may_be_named=True, country="FR"),
    ]  # fmt: skip
    places = [None]
    for code, region in (("PER", "AME"), ("COL", "AME"), ("TCD", "AFR"), ("XXX", "AFR")):
        place = factories.operation(code, region=Region.objects.get(code=region))
        places.append(place)
        if code != "XXX":
            release(place, None)
    now = timezone.now()
    first, second, third = (
        factories.batch(released_at=now + dt.timedelta(hours=hours)) for hours in (-48, -24, 24)
    )

    def line(batch, number, **fields):
        return Contribution(
            batch=batch,
            **{
                "donor": pick.choice(givers),
                "date": DAY + dt.timedelta(pick.randrange(60)),
                "operation": pick.choice(places),
                "budget_year": pick.choice([2020, 2021]),
                "amount_usd": Decimal(pick.randrange(-500, 5000)) / 100,
                "earmarking": pick.choice(EARMARKINGS),
                "key": f"00000000-0000-4000-8000-{number:012d}",
            }
            | fields,
        )

    old = Contribution.objects.bulk_create(line(first, number) for number in range(120))
    for batch, forms in ((second, old[:30]), (third, old[30:50])):
        Contribution.objects.filter(pk__in=[form.pk for form in forms]).update(
            replaced_in=batch, is_current=False
        )
        Contribution.objects.bulk_create(
            line(batch, int(str(form.key)[-12:]), withdraws=number % 3 == 0, is_current=number % 3 != 0)
            for number, form in enumerate(forms)
        )
    # All that this donor gave was moved to another.
    gone = factories.donor("Gone")
    moved = line(first, 900, donor=gone, replaced_in=second, is_current=False)
    moved.save()
    line(second, 900, donor=japan).save()
    for batch in (first, second, third):
        sums.make(batch)


MOMENTS = [dt.timedelta(hours=hours) for hours in (-72, -36, 0, 48)]
QUERIES = [
    "", "year=2021", "donor=norway", "donor=norad", "kind=private", "kind=government", "country=FR", "country=none",
    "region=AME", "region=none", "operation=per", "operation=none", "earmarking=earmarked", "earmarking=none",
    "date=2020-12-01", "year=2020&kind=private&region=AME", "donor=norway&operation=per&earmarking=unearmarked",
]  # fmt: skip


@pytest.mark.parametrize("moment", MOMENTS)
def test_kept_sums_answer_what_the_lines_answer(books, moment):
    at = timezone.now() + moment
    lines, kept = Contribution.objects.released(at), DailySum.objects.released(at)
    assert (lines.count() or 0) == (kept.aggregate(lines=Sum("lines"))["lines"] or 0)
    filters = [Filters(QueryDict(query), public_places(), given_families(lines), lines) for query in QUERIES]
    for query, narrowed in zip(QUERIES, filters, strict=True):
        assert narrowed.unknown == [] or not lines.exists(), query
        mine, theirs = narrowed.narrow(kept), narrowed.narrow(lines)
        assert mine.total() == theirs.total(), query
        for name in ("grouped", "by_donor", "by_member", "by_class", "by_year", "by_earmarking", "by_operation",
                     "by_day", "by_month"):  # fmt: skip
            found, expected = list(getattr(mine, name)()), list(getattr(theirs, name)())
            assert in_any_order(found) == in_any_order(expected), (query, name)
            assert [row["amount"] for row in found] == [row["amount"] for row in expected], (query, name)
        assert latest(mine, 5) == latest(theirs, 5)
        assert stretch_of_days(mine, 5, dt.date(2020, 12, 15)) == stretch_of_days(
            theirs, 5, dt.date(2020, 12, 15)
        )


def in_any_order(rows):
    return sorted((sorted(row.items()) for row in rows), key=str)


def test_a_list_by_donor_holds_every_line_once_though_nothing_is_left_of_some(books):
    kept = DailySum.objects.released()
    donors = sorted(named_sums(list(kept.by_donor())), key=lambda line: line.sort_key)
    found, number = [], 1
    while True:
        page = stretch_of_donors(kept, donors, 7, number)
        found += page.groups
        if not page.next:
            break
        number = page.next["page"]
    assert number > 5
    assert in_any_order(found) == in_any_order(Contribution.objects.released().grouped())
    assert "Gone" not in {line.name for line in donors}


def test_the_newest_lines_are_found_however_many_rows_make_one(books):
    """A day on which nothing is left, and days whose lines are all of one donor."""
    batch = factories.batch()
    norway = Donor.objects.get(name_en="Norway")
    for day in range(3):
        Contribution.objects.bulk_create(
            Contribution(donor=norway, batch=batch, date=dt.date(2021, 5, 1 + day), budget_year=2021, amount_usd=1,
                         key="00000000-0000-4000-8000-000000000999", occurrence=100 * day + number)
            for number in range(40)
        )  # fmt: skip
    sums.make(batch)
    for rows in (Contribution.objects.released(), DailySum.objects.released()):
        groups = latest(rows, 5)
        assert [(row["date"].day, row["allocations"]) for row in groups[:3]] == [(3, 40), (2, 40), (1, 40)]
        assert len(groups) == 5


# --- Plans ----------------------------------------------------------------------------------------


@pytest.fixture
def many():
    """So many lines that reading a table from end to end would be the dearer way."""
    batch = factories.batch()
    donors = [factories.donor(f"Donor {number}") for number in range(20)]
    places = [factories.operation(f"OP{number}") for number in range(10)]
    Contribution.objects.bulk_create(
        Contribution(
            donor=donors[number % 20], operation=places[number % 7], batch=batch, budget_year=2016 + number % 5,
            date=dt.date(2016, 1, 1) + dt.timedelta(number // 4), amount_usd=number, reference=f"R{number // 3}",
            key=f"00000000-0000-4000-8000-{number:012d}",
        )
        for number in range(4000)
    )  # fmt: skip
    sums.make(batch)
    with connection.cursor() as cursor:
        for table in ("contribution", "dailysum", "importbatch", "donor"):
            cursor.execute(f"ANALYZE contributions_{table}")
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
    for place in places[:2]:
        factories.finance(place, 2018)
        release(place, None)


def read_whole(sql):
    """The big tables that a query reads from end to end, and not by an index."""
    with connection.cursor() as cursor:
        cursor.execute(("EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN ") + sql)
        plan = [str(row[-1]) for row in cursor.fetchall()]
    big = ("contributions_contribution", "contributions_dailysum")
    sign = "SCAN {}" if connection.vendor == "sqlite" else "Seq Scan on {}"
    return [
        step
        for step in plan
        for table in big
        if sign.format(table) in step and "USING" not in step.split(table, 1)[1]
    ]


@pytest.mark.parametrize(
    "address",
    [
        "/", "/contributions/", "/contributions/?year=2018", "/contributions/?operation=op1", "/contributions/?donor=donor-3",
        "/contributions/?before=2017-03-01", "/contributions/?sort=oldest", "/contributions/?sort=largest",
        "/contributions/?sort=donor", "/contributions/?date=2017-03-01", "/donors/", "/donors/?year=2017",
        "/donors/donor-3/", "/contributions/donor-3/r1/", "/operations/op1/2018/",
    ],
)  # fmt: skip
def test_no_page_reads_a_big_table_from_end_to_end(client, many, address):
    with CaptureQueriesContext(connection) as found:
        assert client.get(address).status_code == 200
    asked = [query["sql"] for query in found if "contributions_" in query["sql"]]
    assert asked
    assert [step for sql in asked for step in read_whole(sql)] == []


def plan_of(rows):
    with connection.cursor() as cursor:
        sql, parameters = rows.query.sql_with_params()
        cursor.execute(
            ("EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN ") + sql, parameters
        )
        return " · ".join(str(row[-1]) for row in cursor.fetchall())


def test_the_latest_lines_and_the_sums_of_a_year_come_from_their_indexes(many):
    kept = DailySum.objects.released()
    place = Operation.objects.get(code="OP1")
    donor = Donor.objects.get(slug="donor-3")
    newest = kept.order_by("-date").values_list("date")
    for rows, index in (
        (newest[150:151], "sum_latest"),
        (newest.filter(budget_year=2018)[150:151], "sum_by_year"),
        (newest.filter(donor=donor)[150:151], "sum_by_donor"),
        (newest.filter(operation=place)[150:151], "sum_by_operation"),
        (kept.for_year(2018).by_donor(), "sum_by_year"),
        (Contribution.objects.released().of_gift(donor, "R1"), "contribution_by_reference"),
    ):
        assert index in plan_of(rows)
    plan = plan_of(newest[150:151])
    assert "SORT" not in plan.upper().replace("SORT KEY", "")
    assert "TEMP B-TREE" not in plan
