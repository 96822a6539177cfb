"""Do what waits: read and import the large files that were uploaded. Runs until it is stopped.

A service in production (one is enough; several do not hinder each other). With ``--once``, ends when nothing waits.
"""

from __future__ import annotations

import signal
import time
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections

from contributions import jobs

PAUSE = 2  # seconds between two looks


class Command(BaseCommand):
    help = "Read and import the large files that were uploaded, until stopped."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--once", action="store_true", help="End when nothing waits.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stopped = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        while not self.stopped:
            close_old_connections()
            batch = jobs.take()
            if batch is not None:
                self.stdout.write(f"{batch.get_job_display()}: {batch}")
                jobs.run(batch)
            elif options["once"]:
                return
            else:
                time.sleep(PAUSE)

    def stop(self, *args: Any) -> None:
        """After the work at hand."""
        self.stopped = True
