"""Public lines: what a donor family gave on a day, as one sum with the allocations behind it."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any

from django.conf import settings
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from operations.profiles import other_language

from .filters import NONE, country_name, list_url, simple
from .models import (
    OTHER_COUNTRIES,
    Contribution,
    ContributionQuerySet,
    Donor,
    SummedQuerySet,
    donor_class,
)

# More allocations than these have their own address instead of being opened in the line.
OPENED = 30
# And so have the further ones of a page that has opened so many: what a page costs does not grow with the books.
OPENED_IN_ALL = 150
# At that address the line stands alone, and so many of its largest are opened; the others are one sum.
OPENED_ALONE = 500


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
    others: int = 0  # allocations beyond those that are opened
    others_amount: Decimal = Decimal(0)
    is_sealed: bool = False  # holds gifts of private donors that are only shown added up
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


def latest(rows: SummedQuerySet, count: int = 20) -> list[dict[str, Any]]:
    """The newest ``count`` public lines."""
    return first_days(rows, count)[0][:count]


def first_days(
    rows: SummedQuerySet, size: int, oldest_first: bool = False
) -> tuple[list[dict[str, Any]], bool]:
    """The public lines of the newest (or oldest) days that hold ``size`` of them, and whether others follow.

    It reads only as far as it must, in the order of an index: until the day of the row that stands three times as far
    down as the list is long, which holds them all unless many rows make one line; then further.
    """
    order = "date" if oldest_first else "-date"
    reach = 3 * size
    while True:
        last = list(rows.order_by(order).values_list("date", flat=True)[reach - 1 : reach])
        within = rows.filter(**{"date__lte" if oldest_first else "date__gte": last[0]}) if last else rows
        groups, more = whole_days(
            within.grouped().order_by(order, "-amount", "family", "kind", "country"), size
        )
        if more or not last:
            return groups, more
        reach *= 8


@dataclass
class Stretch:
    """A page of a list: groups of ``grouped``, and what the addresses of its neighbours ask for."""

    groups: list[dict[str, Any]]
    previous: dict[str, Any] | None = None
    next: dict[str, Any] | None = None


def stretch_of_days(
    rows: SummedQuerySet, size: int, start: dt.date | None = None, oldest_first: bool = False
) -> Stretch:
    """Whole days, as many as hold ``size`` lines, before the day ``start`` (after it, where the oldest come first).

    It costs what its days cost, however long the list is: two queries, and two more where ``start`` is given.
    """
    name = "after" if oldest_first else "before"
    if start is None:
        groups, more = first_days(rows, size, oldest_first)
        return Stretch(groups, None, {name: groups[-1]["date"].isoformat()} if more else None)
    ahead, behind = Q(date__lt=start), Q(date__gte=start)
    if oldest_first:
        ahead, behind = Q(date__gt=start), Q(date__lte=start)
    page = stretch_of_days(rows.filter(ahead), size, None, oldest_first)
    before, more = first_days(rows.filter(behind), size, not oldest_first)
    if before:
        day = before[-1]["date"] + dt.timedelta(days=-1 if oldest_first else 1)
        page.previous = {name: day.isoformat() if more else ""}
    return page


def whole_days(found: Iterable[dict[str, Any]], size: int) -> tuple[list[dict[str, Any]], bool]:
    """The groups of the first days that hold ``size`` of them, and whether others follow."""
    groups: list[dict[str, Any]] = []
    for group in found:
        if len(groups) >= size and group["date"] != groups[-1]["date"]:
            return groups, True
        groups.append(group)
    return groups, False


def stretch_of_order(found: SummedQuerySet, size: int, number: int) -> Stretch:
    """The page of this number of a list in any other order, without counting the list."""
    first = (number - 1) * size
    groups = list(found[first : first + size + 1])
    return numbered(groups[:size], number, len(groups) > size)


def numbered(groups: list[dict[str, Any]], number: int, more: bool) -> Stretch:
    before = {"page": number - 1 if number > 2 else ""} if number > 1 else None
    return Stretch(groups, before, {"page": number + 1} if more else None)


def stretch_of_donors(rows: SummedQuerySet, donors: Sequence[PublicLine], size: int, number: int) -> Stretch:
    """The page of this number by donor in the order of ``donors``, the newest first of each: two queries.

    Each donor has as many places in the list as days with rows of it. A day on which nothing is left of them keeps an
    empty place, so that no line is on two pages.
    """
    places = Counter()
    for row in (
        rows.with_family().values("family", "kind", "country").annotate(days=Count("date", distinct=True))
    ):
        places[row["family"], row["country"]] += row["days"]
    first, taken, start = (number - 1) * size, {}, 0
    for donor in donors:
        key = donor.family, donor.country
        count = places.pop(key, 0)
        skipped = max(first - start, 0)
        if count > skipped and start < first + size:
            taken[key] = skipped, min(count, first + size - start)
        start += count
    own = family_lines([family for family, _ in taken], [country for family, country in taken if not family])
    found = defaultdict(list)
    for group in rows.filter(own).grouped().order_by("-date", "-amount", "kind"):
        found[group["family"], group["country"]].append(group)
    groups = [group for key, (begin, end) in taken.items() for group in found[key][begin:end]]
    return numbered(groups, number, start > first + size)


def family_lines(families: Sequence[int | None], countries: Sequence[str]) -> Q:
    """What donor families gave, and the private donors of countries who have no family and no name."""
    known = [family for family in families if family]
    found = Q(donor__in=known) | Q(donor__parent__in=known)
    if countries:
        private = {"donor__kind": Donor.Kind.PRIVATE, "donor__may_be_named": False}
        found |= Q(donor__parent__isnull=True, donor__country__in=countries, **private)
    return found


def public_lines(
    groups: Sequence[dict[str, Any]], lines: ContributionQuerySet, at: dt.datetime | None = None
) -> list[PublicLine]:
    """Groups of ``grouped`` with names, footnotes and allocations: two queries."""
    families = Donor.objects.in_bulk({group["family"] for group in groups if group["family"]})
    found = [public_line(group, families) for group in groups]
    if len(found) == 1 and found[0].count > OPENED:
        open_alone(found[0], lines, at)
        return found
    small, opened = [], 0
    for line in found:
        if line.count <= min(OPENED, OPENED_IN_ALL - opened):
            small.append(line)
            opened += line.count
    if small:
        behind = defaultdict(list)
        allocations = lines.filter(of_days(small)).select_related("donor").with_operation_names(at)
        for allocation in allocations.order_by("-amount_usd", "pk"):
            behind[group_of(allocation)].append(allocation)
        for line in small:
            own = behind[line.date, line.kind, line.family, line.country]
            # A sum of which readers see no single gift, or not all of them, is not opened.
            line.is_sealed = line.kind == Donor.Kind.PRIVATE and line.amount != sum(
                (one.amount_usd for one in own), Decimal(0)
            )
            line.allocations = [] if line.is_sealed else own
    return found


def open_alone(line: PublicLine, lines: ContributionQuerySet, at: dt.datetime | None) -> None:
    """Open the largest allocations of a line that has too many for a list. Two queries."""
    own = lines.filter(of_days([line]), donor__kind=line.kind)
    if own.total() != line.amount:
        line.is_sealed = True
        return
    largest = own.select_related("donor").with_operation_names(at).order_by("-amount_usd", "pk")
    line.allocations = list(largest[:OPENED_ALONE])
    line.others = line.count - len(line.allocations)
    line.others_amount = line.amount - sum((one.amount_usd for one in line.allocations), Decimal(0))


def of_days(lines: Sequence[PublicLine]) -> Q:
    """All that their donors gave on their days, and perhaps more of it than they sum."""
    days = defaultdict(list)
    for line in lines:
        days[line.date].append(line)
    found = (
        Q(date=day)
        & family_lines([line.family for line in of_day], [line.country for line in of_day if not line.family])
        for day, of_day in days.items()
    )
    return Q(date__in=list(days)) & reduce(or_, found)  # the days once more, for an index


def public_line(group: dict[str, Any], families: dict[int, Donor]) -> PublicLine:
    family = families.get(group["family"])
    is_other = not family and group["country"] == OTHER_COUNTRIES
    country = "" if family else str(group["country"] or "")
    if family and family.is_named:
        name = family.name
    else:
        name = country_name(country) or _("Private donors")
        family = None
    return PublicLine(
        date=group.get("date"),
        name=name,
        donor_class=donor_class(group["kind"]) if family or country else "",
        amount=group["amount"],
        count=group["allocations"],
        slug=family.slug if family else "",
        footnote=family.footnote if family else why_other() if is_other else "",
        footnote_language=other_language(footnotes(family)) if family else "",
        family=group["family"],
        kind=group["kind"],
        country=country,
    )


def why_other() -> str:
    return _(
        "Gifts of private donors that would be too few on their day and in their country to be shown without telling "
        "who gave them. Operation and earmarking are left out where they would tell it, and the day may be that of "
        "the latest of them in a year."
    )


def footnotes(donor: Donor) -> dict[str, str]:
    """By language."""
    return {code: getattr(donor, f"footnote_{code}") or "" for code, _name in settings.LANGUAGES}


def group_of(line: Contribution) -> tuple:
    """The group of ``grouped`` that a line is in."""
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
