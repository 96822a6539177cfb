"""Make the public sums of contributions anew from the books, as the settings say that private donors are shown."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from contributions import sums


class Command(BaseCommand):
    help = (
        "Make the public sums of contributions anew: after a change of how gifts of private donors are shown."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        waiting = sums.make_all()
        donors = len({part.donor for part in waiting})
        self.stdout.write(
            f"Done. Lines that wait until they can be shown with others: {len(waiting)}, of donors: {donors}."
        )
