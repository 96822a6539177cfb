"""Fill an empty site with the demonstration: nine operations, their texts, and twenty contributions."""

from __future__ import annotations

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

from contributions.resources import ContributionResource, DonorResource
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
ACCOUNTS = {
    "admin": ("administrator", None),
    "reviewer": ("reviewer at headquarters", "Reviewers"),
    "peru": ("field editor of Peru", "Field editors"),
    "finance": ("finance", "Finance"),
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
        for name, (role, _group) in ACCOUNTS.items():
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
            release(operation, users["reviewer"])
            for text in fact["narratives"]:
                release(self.load_narrative(operation, text, users["admin"]), users["reviewer"])
        self.load_roles(users)
        self.say("Donors and contributions …")
        folder = Path(apps.get_app_config("contributions").path) / "demo"
        self.load_table(DonorResource(), folder / "donors.csv", users["finance"])
        self.load_table(ContributionResource(), folder / "contributions.csv", users["finance"])

    def load_accounts(self) -> dict[str, Any]:
        users = {}
        for name, (_role, group) in ACCOUNTS.items():
            user = get_user_model().objects.create_user(name, password=PASSWORD, is_staff=True)
            user.is_superuser = group is None
            user.save()
            users[name] = user
        return users

    def load_roles(self, users: dict[str, Any]) -> None:
        for name, (_role, group) in ACCOUNTS.items():
            if group:
                operation = Operation.objects.get(code="PER") if name == "peru" else None
                Role.objects.create(
                    user=users[name], group=Group.objects.get(name=group), operation=operation
                )

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

    def load_table(self, resource: Any, path: Path, user: Any) -> None:
        dataset = PlainCSV().create_dataset(path.read_bytes())
        resource.import_data(dataset, raise_errors=True, file_name=path.name, user=user)
