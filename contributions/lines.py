"""Public lines: what a donor family gave on a day, as one sum with the allocations behind it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext as _
from django_countries import countries

from operations.profiles import other_language

from .models import Contribution, ContributionQuerySet, Donor, donor_class

# More allocations than these have their own address instead of being opened in the line.
OPENED = 30

# How an address says “of no country”.
NO_COUNTRY = "none"


@dataclass
class PublicLine:
    date: dt.date
    name: str  # of the family, the country, or “Private donors”
    donor_class: str  # such as “private donors”; empty for a government
    amount: Decimal
    count: int  # of allocations
    slug: str = ""  # of the donor's page, where there is one
    footnote: str = ""
    footnote_language: str = ""  # where it is not the reader's
    note_number: int = 0
    allocations: list[Contribution] = field(default_factory=list)
    family: int | None = None
    kind: str = ""
    country: str = ""

    @property
    def url(self) -> str:
        """Where all its allocations stand."""
        query = {"date": self.date.isoformat(), "kind": self.kind}
        query |= {"donor": self.slug} if self.slug else {"country": self.country or NO_COUNTRY}
        return f"{reverse('contributions:contributions')}?{urlencode(query)}"

    def lines(self) -> Q:
        """The contributions that it sums."""
        donor = (
            Q(donor=self.family) | Q(donor__parent=self.family)
            if self.family
            else Q(donor__parent__isnull=True, donor__may_be_named=False, donor__country=self.country)
        )
        return Q(date=self.date, donor__kind=self.kind) & donor


def latest(lines: ContributionQuerySet, count: int = 20) -> ContributionQuerySet:
    """The newest ``count`` public lines of ``lines``: one query that reads only as far back as it must.

    Every day has at least one line, so the newest lines stand on the newest ``count`` days.
    """
    days = lines.order_by("-date").values("date").distinct()
    first_day = Coalesce(Subquery(days[count - 1 : count]), Value(dt.date.min))
    return lines.filter(date__gte=first_day).grouped()[:count]


def public_lines(
    groups: Sequence[dict[str, Any]], lines: ContributionQuerySet, at: dt.datetime | None = None
) -> list[PublicLine]:
    """Groups of ``ContributionQuerySet.grouped`` with names, footnotes and allocations: two queries."""
    families = Donor.objects.in_bulk({group["family"] for group in groups if group["family"]})
    found = [public_line(group, families) for group in groups]
    small = [line for line in found if line.count <= OPENED]
    if small:
        behind = defaultdict(list)
        wanted = reduce(or_, (line.lines() for line in small))
        allocations = lines.filter(wanted).select_related("donor").with_operation_names(at)
        for allocation in allocations.order_by("-amount_usd", "pk"):
            behind[group_of(allocation)].append(allocation)
        for line in small:
            line.allocations = behind[line.date, line.kind, line.family, line.country]
    return found


def public_line(group: dict[str, Any], families: dict[int, Donor]) -> PublicLine:
    family = families.get(group["family"])
    country = "" if family else str(group["country"] or "")
    if family and family.is_named:
        name = family.name
    else:
        name = str(countries.name(country)) if country else _("Private donors")
        family = None
    return PublicLine(
        date=group.get("date"),
        name=name,
        donor_class=donor_class(group["kind"]) if family or country else "",
        amount=group["amount"],
        count=group["allocations"],
        slug=family.slug if family else "",
        footnote=family.footnote if family else "",
        footnote_language=other_language(footnotes(family)) if family else "",
        family=group["family"],
        kind=group["kind"],
        country=country,
    )


def footnotes(donor: Donor) -> dict[str, str]:
    """By language."""
    return {code: getattr(donor, f"footnote_{code}") or "" for code, _name in settings.LANGUAGES}


def group_of(line: Contribution) -> tuple:
    """The group of ``ContributionQuerySet.grouped`` that a line is in."""
    donor = line.donor
    if donor.is_named or donor.parent_id:
        return (line.date, donor.kind, donor.parent_id or donor.pk, "")
    return (line.date, donor.kind, None, str(donor.country or ""))


def number_footnotes(lines: Sequence[PublicLine]) -> list[tuple[int, str, str, str]]:
    """Give each line its footnote's number; the footnotes as (number, donor, text, other language) in order."""
    notes: dict[str, tuple[int, str, str, str]] = {}
    for line in lines:
        if line.footnote:
            note = (len(notes) + 1, line.name, line.footnote, line.footnote_language)
            notes.setdefault(line.name, note)
            line.note_number = notes[line.name][0]
    return list(notes.values())


def by_day(lines: Sequence[PublicLine]) -> list[tuple[dt.date, list[PublicLine]]]:
    days: dict[dt.date, list[PublicLine]] = {}
    for line in lines:
        days.setdefault(line.date, []).append(line)
    return list(days.items())
