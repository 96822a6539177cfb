"""A step in a process of its own: ``python -m benchmarks.pages.steps publish`` or ``… pages`` (prints JSON)."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time

import django

REQUESTS, ENOUGH = 7, 10.0  # of a page at most, and seconds after which one more is not asked for
BIG = ("contributions_contribution", "contributions_dailysum")


def publish() -> None:
    """Readers see every operation, with figures of one year."""
    from decimal import Decimal

    from operations.editions import release
    from operations.models import FinancialFigure, Operation

    for operation in Operation.objects.all():
        FinancialFigure.objects.create(
            operation=operation, year=2021, measure="budget", amount_usd=Decimal("1000000.00")
        )
        release(operation, None)


def pages() -> None:
    from django.conf import settings
    from django.db import connection
    from django.test import Client

    settings.DEBUG, settings.ALLOWED_HOSTS = False, ["*"]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")  # as the server would by itself soon after
    client, found = Client(), {}
    for name, address in addresses().items():
        answer, seconds = client.get(address), []
        assert answer.status_code == 200, (address, answer.status_code)
        while len(seconds) < REQUESTS and sum(seconds) < ENOUGH:
            started = time.perf_counter()
            client.get(address)
            seconds.append(time.perf_counter() - started)
        found[name] = {"seconds": statistics.median(seconds), "scanned": scanned(client, address)}
    sys.stdout.write(json.dumps(found) + "\n")


def addresses() -> dict[str, str]:
    from contributions.models import Contribution, DailySum, Donor
    from operations.models import Operation

    largest = Donor.objects.get(pk=DailySum.objects.by_donor().first()["family"])
    busiest = Operation.objects.get(pk=DailySum.objects.by_operation().first()["operation"])
    gift = Contribution.objects.filter(donor=largest).order_by("pk").values_list("reference", flat=True)[0]
    return {
        "home page": "/",
        "contributions": "/contributions/",
        "of a year": "/contributions/?year=2021",
        "to the largest operation": f"/contributions/?operation={busiest.slug}",
        "of the largest donor": f"/contributions/?donor={largest.slug}",
        "a page far back": "/contributions/?before=2017-06-01",
        "oldest first": "/contributions/?sort=oldest",
        "largest first": "/contributions/?sort=largest",
        "by donor, page 100": "/contributions/?sort=donor&page=100",
        "words that few lines hold": "/contributions/?q=65123",
        "words that many lines hold": "/contributions/?q=shelter",
        "a donor's name": "/contributions/?q=sample+17",
        "donors": "/donors/",
        "donors of a year": "/donors/?year=2021",
        "the largest donor": f"/donors/{largest.slug}/",
        "a gift": f"/contributions/{largest.slug}/{gift}/",
        "the largest operation's year": f"/operations/{busiest.slug}/2021/",
    }


def scanned(client: object, address: str) -> list[str]:
    """The big tables that a query of the page reads from end to end."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        client.get(address)
    explain, sign = (
        ("EXPLAIN QUERY PLAN ", "SCAN {}")
        if connection.vendor == "sqlite"
        else ("EXPLAIN ", "Seq Scan on {}")
    )
    found = set()
    with connection.cursor() as cursor:
        for query in asked.captured_queries:
            if not any(table in query["sql"] for table in BIG):
                continue
            cursor.execute(explain + query["sql"])
            for *_, step in cursor.fetchall():
                found |= {table for table in BIG if sign.format(table) in step and " USING " not in step}
    return sorted(found)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    {"publish": publish, "pages": pages}[sys.argv[1]]()
