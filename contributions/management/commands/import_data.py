"""A site made of a data package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from contributions import packages


class Command(BaseCommand):
    help = (
        "Make a site of a package that export_data wrote: the same public pages at the same addresses, on an empty "
        "database of either kind. All of it or nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            counts = packages.take(options["folder"])
        except packages.NotAPackage as error:
            raise CommandError(str(error)) from None
        for name, count in counts.items():
            self.stdout.write(f"{name}: {count}")
