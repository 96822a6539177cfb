"""Rows to test with: plain functions with boring fixed defaults; name what a test is about, leave the rest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from contributions import sums
from contributions.models import Contribution, Donor, ImportBatch, contribution_key
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

PASSWORD = "a password of the tests"


def user(
    username: str = "editor",
    *,
    groups: tuple[str, ...] = (),
    on: Sequence[Operation | Region] | None = None,
    **fields: Any,
) -> Any:
    """A member of staff with the roles of these names on operations or regions; everywhere without ``on``.

    ``is_superuser=True`` for an administrator.
    """
    account = get_user_model().objects.create_user(
        username, password=PASSWORD, **{"is_staff": True, **fields}
    )
    for group in Group.objects.filter(name__in=groups):
        role(account, group, on)
    return account


def role(account: Any, group: Group | str, on: Sequence[Operation | Region] | None = None) -> None:
    group = Group.objects.get(name=group) if isinstance(group, str) else group
    if on is None:
        Role.objects.create(user=account, group=group)
    for place in on or []:
        where = {"operation" if isinstance(place, Operation) else "region": place}
        Role.objects.create(user=account, group=group, **where)


def group(name: str, *permissions: str) -> Group:
    """With the permissions of these codenames, such as “change_narrative”."""
    made = Group.objects.create(name=name)
    made.permissions.set(Permission.objects.filter(codename__in=permissions))
    return made


def operation(code: str = "PER", **fields: Any) -> Operation:
    defaults = {
        "slug": code.lower(),
        "name_en": {"PER": "Peru", "COL": "Colombia"}.get(code, code.title()),
        "kind": Operation.Kind.COUNTRY,
        "countries": {"PER": "PE", "COL": "CO"}.get(code, ""),
    }
    return Operation.objects.create(code=code, **defaults | fields)


def office(of: Operation, **fields: Any) -> Office:
    defaults = {"name": "Lima", "latitude": Decimal("-12.046400"), "longitude": Decimal("-77.042800")}
    return Office.objects.create(operation=of, **defaults | fields)


def population(of: Operation, year: int = 2020, type: str | None = None, **fields: Any) -> PopulationFigure:
    """Of the type of this code; without one, of all types together."""
    found = type and PopulationType.objects.get(code=type)
    people = None if fields.get("missing_reason") else 1000
    return PopulationFigure.objects.create(operation=of, year=year, type=found, **{"people": people} | fields)


def finance(
    of: Operation, year: int = 2020, measure: str = "budget", pillar: str | None = None, **fields: Any
) -> FinancialFigure:
    """Of the pillar of this code; without one, in all."""
    found = pillar and Pillar.objects.get(code=pillar)
    amount = None if fields.get("missing_reason") else Decimal("1000.00")
    return FinancialFigure.objects.create(
        operation=of, year=year, measure=measure, pillar=found, **{"amount_usd": amount} | fields
    )


def narrative(
    of: Operation,
    year: int = 2020,
    kind: str = "year_end",
    sections: dict[str, str] | None = None,
    **fields: Any,
) -> Narrative:
    """With ``sections``: code of the heading → HTML."""
    text = Narrative.objects.create(operation=of, year=year, kind=kind, **fields)
    for code, body in (sections or {}).items():
        Section.objects.create(narrative=text, type=SectionType.objects.get(code=code), body=body)
    return text


def key_figure(of: Narrative, value: str = "300,000", **fields: Any) -> KeyFigure:
    return KeyFigure.objects.create(narrative=of, value=value, **{"text": "people given cash"} | fields)


def donor(name: str = "Norway", **fields: Any) -> Donor:
    """A private one stands for many, as in the books of most agencies; ``is_class=False`` for one person."""
    kind = fields.get("kind", Donor.Kind.GOVERNMENT)
    is_named = fields.get("may_be_named", kind != Donor.Kind.PRIVATE)
    defaults = {"kind": kind, "may_be_named": is_named, "is_class": not is_named}
    return Donor.objects.create(name_en=name, **defaults | fields)


def batch(**fields: Any) -> ImportBatch:
    """A released import."""
    defaults = {
        "table": "contributions.contribution",
        "file_name": "contributions.csv",
        "sha256": "0" * 64,
        "released_at": timezone.now(),
    }
    return ImportBatch.objects.create(**defaults | fields)


def contribution(of: Donor, **fields: Any) -> Contribution:
    """A public line; name a ``batch`` to have several in one, and an ``occurrence`` where they are equal."""
    line = Contribution(
        donor=of,
        **{
            "reference": "",
            "date": dt.date(2021, 11, 24),
            "operation": None,
            "budget_year": 2021,
            "amount_usd": Decimal("1000.00"),
            "earmarking": "",
        }
        | fields,
    )
    line.batch_id = line.batch_id or batch().pk
    line.key = fields.get("key") or contribution_key(
        line.reference, of.token, line.date, line.operation_id, line.budget_year, line.earmarking
    )
    if line.replaced_in_id:
        line.is_current = False
    line.save()
    sums.make(line.batch)
    return line
