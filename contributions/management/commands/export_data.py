"""All that is released, as a data package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from contributions import packages


class Command(BaseCommand):
    help = (
        "Write all released tables, with their dictionary, as a Frictionless data package into a new folder. Without one: "
        "as a ZIP file to where DATA_ARCHIVE says, which readers find under /data/. Let cron do that once a night."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", nargs="?", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        folder = options["folder"]
        if folder is None and not settings.DATA_ARCHIVE:
            raise CommandError("Name a folder, or set DATA_ARCHIVE to the file that readers are to find.")
        try:
            if folder:
                counts = packages.export(folder, timezone.now())
            else:
                counts = packages.publish(settings.DATA_ARCHIVE, timezone.now())
        except (packages.NotAPackage, OSError) as error:
            raise CommandError(str(error)) from None
        for name, count in counts.items():
            self.stdout.write(f"{name}: {count}")
        self.stdout.write(f"Done: {folder or settings.DATA_ARCHIVE}")
