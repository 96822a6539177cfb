"""Fill an empty site with the demonstration: nine operations, their texts, and twenty contributions."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from contributions.models import ImportBatch
from contributions.resources import ContributionResource, DonorResource
from operations.drafts import answer, checked_many
from operations.editions import release
from operations.models import (
    FinancialFigure,
    KeyFigure,
    Narrative,
    Office,
    Operation,
    Pillar,
    PopulationFigure,
    PopulationType,
    Region,
    Role,
    Section,
    SectionType,
)
from operations.tables import PlainCSV

PASSWORD = "openfield-demo"  # noqa: S105 — of the demonstration's accounts alone
# When it all became public, and when Peru's number of people given cash was corrected.
RELEASED = dt.datetime(2021, 11, 20, 9, tzinfo=dt.UTC)
IMPORTED = dt.datetime(2021, 11, 25, 12, tzinfo=dt.UTC)
CORRECTED = dt.datetime(2021, 12, 2, 9, tzinfo=dt.UTC)
# Why what the checks ask about is left as it is.
REASONS = {
    "number-near-key-figure": "The source gives both numbers: one is rounded or of another time.",
    "funded-share": "The source gives this share, and not what it was calculated from.",
    "parts-miss-total": "Total and parts stand as printed in the source.",
    "jump": "Both years stand as printed in the source.",
}
# What each account is, its role, and where: a region, an operation, or (without either) everywhere.
ACCOUNTS = {
    "admin": ("administrator", None, {}),
    "reviewer": ("reviewer at headquarters", "Reviewers", {}),
    "americas": ("reviewer of the Americas", "Reviewers", {"region": "AME"}),
    "peru": ("field editor of Peru", "Field editors", {"operation": "PER"}),
    "finance": ("finance", "Finance", {}),
    "viewer": ("reads everything, changes nothing", "Viewers", {}),
}


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--accounts", action="store_true", help="Only print the accounts of the demonstration."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["accounts"]:
            self.print_accounts()
            return
        if not settings.DEMO:
            raise CommandError(
                "The demonstration has accounts with a known password. Set DEMO=1 if that is what you want."
            )
        if Operation.objects.exists():
            self.stdout.write("The demonstration is there already; its data are kept.")
            return
        self.verbosity = options["verbosity"]
        with transaction.atomic():
            self.load()

    def say(self, text: str) -> None:
        if self.verbosity:
            self.stdout.write(text)

    def print_accounts(self) -> None:
        for name, (role, _group, _where) in ACCOUNTS.items():
            self.stdout.write(f"  {name:<10} {PASSWORD}   {role}")

    def load(self) -> None:
        self.say("Accounts …")
        users = self.load_accounts()
        self.types = {type.code: type for type in PopulationType.objects.all()}
        self.pillars = {pillar.code: pillar for pillar in Pillar.objects.all()}
        self.sections = {section.code: section for section in SectionType.objects.all()}
        folder = Path(apps.get_app_config("operations").path) / "demo"
        facts = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
        for fact in sorted(facts, key=lambda fact: fact["predecessor"] is not None):
            self.say(f"{fact['name']['en']} …")
            operation = self.load_operation(fact)
            release(operation, users["reviewer"], at=RELEASED)
            for text in fact["narratives"]:
                narrative = self.load_narrative(operation, text, users["admin"])
                if "correction" in text:
                    self.release_corrected(narrative, text["correction"], users["reviewer"])
                else:
                    release(narrative, users["reviewer"], at=RELEASED)
        self.load_roles(users)
        self.answer_warnings(users["reviewer"])
        self.say("Donors and contributions …")
        folder = Path(apps.get_app_config("contributions").path) / "demo"
        self.load_table(DonorResource(), folder / "donors.csv", users["finance"])
        self.load_table(ContributionResource(), folder / "contributions.csv", users["finance"])
        ImportBatch.objects.update(released_at=IMPORTED)

    def load_accounts(self) -> dict[str, Any]:
        users = {}
        for name, (_role, group, _where) in ACCOUNTS.items():
            user = get_user_model().objects.create_user(name, password=PASSWORD, is_staff=True)
            user.is_superuser = group is None
            user.save()
            users[name] = user
        return users

    def load_roles(self, users: dict[str, Any]) -> None:
        models = {"region": Region, "operation": Operation}
        for name, (_role, group, where) in ACCOUNTS.items():
            if group:
                places = {key: models[key].objects.get(code=code) for key, code in where.items()}
                Role.objects.create(user=users[name], group=Group.objects.get(name=group), **places)

    def load_operation(self, fact: dict[str, Any]) -> Operation:
        names = {f"name_{language}": name for language, name in fact["name"].items()}
        notices = {f"notice_{language}": notice for language, notice in fact["notice"].items()}
        operation = Operation.objects.create(
            code=fact["code"],
            slug=fact["slug"],
            kind=fact["kind"],
            countries=",".join(fact["countries"]),
            region=Region.objects.get(code=fact["region"]),
            latitude=fact["latitude"] and Decimal(fact["latitude"]),
            longitude=fact["longitude"] and Decimal(fact["longitude"]),
            zoom=fact["zoom"],
            first_year=fact["first_year"],
            last_year=fact["last_year"],
            predecessor=fact["predecessor"] and Operation.objects.get(code=fact["predecessor"]),
            is_active=fact["active"],
            **names,
            **notices,
        )
        for office in fact["offices"]:
            Office.objects.create(
                operation=operation,
                name=office["name"],
                kind=office["kind"],
                latitude=Decimal(office["latitude"]),
                longitude=Decimal(office["longitude"]),
                is_approximate=office["approximate"],
                **{f"description_{language}": text for language, text in office["description"].items()},
            )
        for row in fact["population"]:
            PopulationFigure.objects.create(
                operation=operation,
                year=row["year"],
                type=self.types[row["type"]] if row["type"] else None,
                people=row["people"],
                as_of=row["as_of"],
                source=row["source"],
            )
        for row in fact["finance"]:
            FinancialFigure.objects.create(
                operation=operation,
                year=row["year"],
                measure=row["measure"],
                pillar=self.pillars[row["pillar"]] if row["pillar"] else None,
                amount_usd=None if row["amount"] is None else Decimal(row["amount"]),
                missing_reason=row.get("reason", ""),
                status=row.get("status", FinancialFigure.Status.CURRENT),
                source=row.get("source", "UNHCR Global Focus"),
            )
        return operation

    def load_narrative(self, operation: Operation, text: dict[str, Any], user: Any) -> Narrative:
        narrative = Narrative.objects.create(
            operation=operation,
            year=text["year"],
            kind=text["kind"],
            language=text["language"],
            updated_by=user,
        )
        for code, body in text["sections"].items():
            Section.objects.create(narrative=narrative, type=self.sections[code], body=body)
        for order, figure in enumerate(text["key_figures"], 1):
            KeyFigure.objects.create(narrative=narrative, order=order, **figure)
        return narrative

    def release_corrected(self, narrative: Narrative, correction: dict[str, str], user: Any) -> None:
        """Release the text with the figure as it first stood, and correct it."""
        figure = narrative.key_figures.get(value=correction["figure"])
        figure.value = correction["first"]
        figure.save()
        release(narrative, user, at=RELEASED)
        figure.value = correction["figure"]
        figure.save()
        release(narrative, user, at=CORRECTED, note=correction["note"], is_correction=True)

    def answer_warnings(self, user: Any) -> None:
        """What the checks ask about stands so in the source."""
        working_copies = [*Operation.objects.all(), *Narrative.objects.select_related("operation")]
        for working_copy, found in zip(working_copies, checked_many(working_copies), strict=True):
            for finding in found.open:
                answer(working_copy, finding.key, REASONS[finding.check], user)

    def load_table(self, resource: Any, path: Path, user: Any) -> None:
        dataset = PlainCSV().create_dataset(path.read_bytes())
        resource.import_data(dataset, raise_errors=True, file_name=path.name, user=user)
