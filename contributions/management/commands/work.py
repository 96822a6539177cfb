"""Do what waits: read and import the large files that were uploaded, and clear away what is out of date.

Runs until it is stopped: a service in production (one is enough; several do not hinder each other). With ``--once``,
ends when nothing waits; with ``--with-parent``, when the process that started it does.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections

from contributions import jobs

PAUSE = 2  # seconds between two looks
CLEARED_EVERY = 3600  # seconds


class Command(BaseCommand):
    help = "Read and import the large files that were uploaded, until stopped."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--once", action="store_true", help="End when nothing waits.")
        parser.add_argument("--with-parent", action="store_true", help="End when the parent process does.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stopped = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        parent, cleared = os.getppid(), 0.0
        while not self.stopped:
            if options["with_parent"] and os.getppid() != parent:
                return
            close_old_connections()
            if not cleared or time.monotonic() - cleared > CLEARED_EVERY:
                self.say(jobs.clear_away())
                cleared = time.monotonic()
            batch = jobs.take()
            if batch is not None:
                self.stdout.write(f"{batch.get_job_display()}: {batch}")
                jobs.run(batch)
            elif options["once"]:
                return
            else:
                time.sleep(PAUSE)

    def say(self, cleared: dict[str, int]) -> None:
        for what, count in cleared.items():
            if count:
                self.stdout.write(f"Cleared away: {count} {what}")

    def stop(self, *args: Any) -> None:
        """After the work at hand."""
        self.stopped = True
