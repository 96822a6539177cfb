"""Send each member of staff one message about what is due, to be changed or to be reviewed. For cron, once a day.

Exit codes: 0 all were sent, or there was nothing to send; 1 some could not be sent (they are named).
"""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.management.base import BaseCommand
from django.utils import timezone

from operations.reminders import Reminder, Sent, reminders


class Command(BaseCommand):
    help = "Send each member of staff one message about what is due, to be changed or to be reviewed."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Print the messages; send nothing.")
        parser.add_argument(
            "--everyone",
            action="store_true",
            help="Also tell those whose roles are for every operation, and administrators, what is due.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        today = timezone.localdate()
        found = reminders(today, for_everyone=options["everyone"])
        if options["dry_run"]:
            for reminder in found:
                self.stdout.write(
                    f"To: {reminder.user.email}\nSubject: {reminder.subject}\n\n{reminder.body}"
                )
            return
        if not settings.REMINDERS:
            self.stdout.write(
                "Nothing was sent: reminders are off. Set REMINDERS=1 and SITE_URL to switch them on."
            )
            return
        sent = Sent(today)
        sent.forget_older()
        counts = {"sent": 0, "told before": 0, "failed": 0}
        for reminder in found:
            counts[self.send(reminder, sent)] += 1
        self.stdout.write(
            f"{counts['sent']} sent, {counts['told before']} told before today, {counts['failed']} failed."
        )
        if counts["failed"]:
            sys.exit(1)

    def send(self, reminder: Reminder, sent: Sent) -> str:
        if not sent.claim(reminder.user):
            return "told before"
        message = EmailMessage(reminder.subject, reminder.body, to=[reminder.user.email])
        try:
            message.send()
        except (OSError, ValueError) as error:  # one address that fails does not stop the others
            sent.release(reminder.user)
            self.stderr.write(f"{reminder.user.email}: {error}")
            return "failed"
        return "sent"
