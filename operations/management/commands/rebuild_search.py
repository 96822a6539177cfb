"""Make the entries of the search anew, from every edition that has a time of release."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from operations.models import Edition, SearchEntry

AT_ONCE = 50


class Command(BaseCommand):
    help = "Make the entries of the search anew: after an update that changed how words are read."

    def handle(self, *args: Any, **options: Any) -> None:
        editions = Edition.objects.filter(released_at__isnull=False).order_by("pk")
        with transaction.atomic():
            SearchEntry.objects.all().delete()
            keys = list(editions.values_list("pk", flat=True))
            for start in range(0, len(keys), AT_ONCE):
                SearchEntry.objects.keep(editions.filter(pk__in=keys[start : start + AT_ONCE]))
        self.stdout.write(f"Done. Editions that can be found once they are public: {len(keys)}.")
