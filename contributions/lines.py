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

from django.conf import settings
from django.db.models import Case, IntegerField, Q, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django_countries import countries

from operations.profiles import other_language

from .filters import NONE, list_url, simple
from .models import Contribution, ContributionQuerySet, Donor, donor_class

# More allocations than these have their own address instead of being opened in the line.
OPENED = 30


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
        return self.list_url(date=self.date.isoformat())

    def list_url(self, **query: Any) -> str:
        """The list of this donor class, narrowed further."""
        query |= {"kind": self.kind}
        return list_url(**query, **{"donor": self.slug} if self.slug else {"country": self.country or NONE})

    @property
    def sort_key(self) -> tuple[str, str]:
        return simple(self.name), self.donor_class

    def lines(self) -> Q:
        """The contributions that it sums."""
        donor = (
            Q(donor=self.family) | Q(donor__parent=self.family)
            if self.family
            else Q(donor__parent__isnull=True, donor__may_be_named=False, donor__country=self.country)
        )
        return Q(date=self.date, donor__kind=self.kind) & donor


def latest(lines: ContributionQuerySet, count: int = 20) -> ContributionQuerySet:
    """The newest ``count`` public lines of ``lines``: one query that reads only as far back as it must."""
    return in_days(lines, count)[:count]


def in_days(lines: ContributionQuerySet, count: int, oldest_first: bool = False) -> ContributionQuerySet:
    """The public lines of the newest (or oldest) ``count`` days that have any.

    Every day has at least one line, so the newest ``count`` lines stand on the newest ``count`` days.
    """
    order = "date" if oldest_first else "-date"
    days = lines.order_by(order).values("date").distinct()
    last = Subquery(days[count - 1 : count])
    if oldest_first:
        within = lines.filter(date__lte=Coalesce(last, Value(dt.date.max)))
        return within.grouped().order_by("date", "-amount", "family", "kind", "country")
    return lines.filter(date__gte=Coalesce(last, Value(dt.date.min))).grouped()


@dataclass
class Stretch:
    """A page of a list: groups of ``ContributionQuerySet.grouped``, and what the addresses of its neighbours ask for."""

    groups: list[dict[str, Any]]
    previous: dict[str, Any] | None = None
    next: dict[str, Any] | None = None


def stretch_of_days(
    lines: ContributionQuerySet, size: int, start: dt.date | None = None, oldest_first: bool = False
) -> Stretch:
    """Whole days, as many as hold ``size`` lines, before the day ``start`` (after it, where the oldest come first).

    It costs what its days cost, however long the list is: one query, and one more where ``start`` is given.
    """
    name = "after" if oldest_first else "before"
    if start is None:
        groups, more = whole_days(in_days(lines, size + 1, oldest_first), size)
        return Stretch(groups, None, {name: groups[-1]["date"].isoformat()} if more else None)
    ahead, behind = Q(date__lt=start), Q(date__gte=start)
    if oldest_first:
        ahead, behind = Q(date__gt=start), Q(date__lte=start)
    page = stretch_of_days(lines.filter(ahead), size, None, oldest_first)
    before, more = whole_days(in_days(lines.filter(behind), size + 1, not oldest_first), size)
    if before:
        day = before[-1]["date"] + dt.timedelta(days=-1 if oldest_first else 1)
        page.previous = {name: day.isoformat() if more else ""}
    return page


def whole_days(found: ContributionQuerySet, size: int) -> tuple[list[dict[str, Any]], bool]:
    """The groups of the first days that hold ``size`` of them, and whether others follow."""
    groups: list[dict[str, Any]] = []
    for group in found:
        if len(groups) >= size and group["date"] != groups[-1]["date"]:
            return groups, True
        groups.append(group)
    return groups, False


def stretch_of_order(found: ContributionQuerySet, size: int, number: int) -> Stretch:
    """The page of this number of a list in any other order, without counting the list."""
    first = (number - 1) * size
    groups = list(found[first : first + size + 1])
    return Stretch(
        groups[:size],
        {"page": number - 1 if number > 2 else ""} if number > 1 else None,
        {"page": number + 1} if len(groups) > size else None,
    )


def in_order_of_donors(lines: ContributionQuerySet, donors: Sequence[PublicLine], reversed: bool) -> Any:
    """Public lines by donor in the order of ``donors``, the newest first of each."""
    places = [
        When(family=donor.family, then=place)
        if donor.family
        else When(family__isnull=True, country=donor.country, then=place)
        for place, donor in enumerate(donors)
    ]
    grouped = lines.grouped()
    if not places:
        return grouped
    place = Case(*places, default=len(places), output_field=IntegerField())
    return grouped.annotate(place=place).order_by(
        "-place" if reversed else "place", "-date", "-amount", "kind"
    )


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
