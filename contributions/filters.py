"""What the address of the list of contributions asks for: read, told in words, and applied to the lines."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.http import QueryDict
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django_countries import countries

from operations.asked import whole_number
from operations.cells import fold_name
from operations.drawings import print_day
from operations.models import Edition, Region
from operations.profiles import in_language

from .models import (
    OTHER_COUNTRIES,
    WITHHELD_OPERATION,
    Contribution,
    ContributionQuerySet,
    DailySum,
    Donor,
    DonorAlias,
    SummedQuerySet,
    merged_slug,
)
from .privacy import WITHHELD

# How an address says “of no country”, “of no region”, “to no operation”, “no earmarking given”.
NONE = "none"
LONGEST = 120  # letters of a value
MOST_WORDS = 6
FEW = 1000  # lines that are found by words and then known by their keys

Rows = TypeVar("Rows", bound=SummedQuerySet)
Narrow = Callable[[SummedQuerySet], SummedQuerySet]


@dataclass(frozen=True)
class Place:
    """An operation as released."""

    pk: int
    slug: str
    names: dict[str, str]
    kind: str
    region: str  # code; empty for none

    @property
    def name(self) -> str:
        return in_language(self.names)


def list_url(**query: Any) -> str:
    """The list of contributions with this query; what is empty is left out."""
    query = {name: value for name, value in query.items() if value}
    return reverse("contributions:contributions") + (f"?{urlencode(query)}" if query else "")


def public_places(at: dt.datetime | None = None) -> dict[int, Place]:
    """The operations that readers see, by their keys: one query."""
    fields = ("operation_id", "operation__slug", "content__name", "content__kind", "content__region__code")
    profiles = Edition.objects.released(at).profiles().order_by()
    return {pk: Place(pk, slug, names, kind, region or "") for pk, slug, names, kind, region in
            profiles.values_list(*fields)}  # fmt: skip


def given_families(lines: ContributionQuerySet, at: dt.datetime | None = None) -> list[Donor]:
    """The named donor families of which there are lines, or sums of private gifts, by name: one query."""
    own = Exists(lines.filter(donor=OuterRef("pk")))
    members = Exists(lines.filter(donor__parent=OuterRef("pk")))
    classes = Exists(DailySum.objects.filter(donor__parent=OuterRef("pk"), lines__gt=0).released(at))
    known = Donor.objects.families().filter(own | members | classes)
    return sorted(known, key=lambda donor: fold_name(donor.name))


def country_name(code: str) -> str:
    """Empty for none."""
    return _("Other countries") if code == OTHER_COUNTRIES else str(countries.name(code))


def earmarking_label(code: str) -> str:
    if code == WITHHELD:
        return _("earmarking withheld")
    return str(Contribution.Earmarking(code).label) if code else _("earmarking not given")


@dataclass(frozen=True)
class Told:
    """One filter in words, and the address of the list without it."""

    name: str
    label: str
    value: str
    without: str


SORTS = ("newest", "oldest", "largest", "smallest", "donor", "donor-reversed")


def sort_label(sort: str) -> str:
    return {
        "newest": _("newest first"),
        "oldest": _("oldest first"),
        "largest": _("largest first"),
        "smallest": _("smallest first"),
        "donor": _("donors from A to Z"),
        "donor-reversed": _("donors from Z to A"),
    }[sort]


class Filters:
    """The filters of an address, as far as they make sense; ``unknown`` names those that do not.

    ``places`` and ``families`` are what readers may choose from; ``lines`` are the released ones.
    """

    def __init__(
        self,
        asked: QueryDict,
        places: Mapping[int, Place],
        families: Iterable[Donor],
        lines: ContributionQuerySet,
    ) -> None:
        self.places, self.lines = places, lines
        self.families = {donor.slug: donor for donor in families}
        self.query: dict[str, str] = {}  # the address of this state
        self.unknown: list[str] = []
        self._values: dict[str, str] = {}
        self._narrow: dict[str, Narrow] = {}
        readers = {
            "q": self._words, "year": self._year, "donor": self._donor, "kind": self._kind,
            "country": self._country, "region": self._region, "operation": self._operation,
            "earmarking": self._earmarking, "date": self._date,
        }  # fmt: skip
        for name, read in readers.items():
            text = " ".join(asked.get(name, "").replace("\0", "").split())[:LONGEST]
            if not text:
                continue
            if found := read(text):
                self._values[name], self._narrow[name] = found
                self.query[name] = text
            else:
                self.unknown.append(self.label(name))
        sort = asked.get("sort", "")
        self.sort = sort if sort in SORTS else SORTS[0]
        if self.sort != SORTS[0]:
            self.query["sort"] = self.sort

    @staticmethod
    def label(name: str) -> str:
        return {
            "q": _("Words"),
            "year": _("Budget year"),
            "donor": _("Donor"),
            "kind": _("Class of donor"),
            "country": _("Private donors of"),
            "region": _("Region"),
            "operation": _("Operation"),
            "earmarking": _("Earmarking"),
            "date": _("Day"),
        }[name]

    def __bool__(self) -> bool:
        return bool(self._narrow)

    @property
    def has_text(self) -> bool:
        """Whether words are looked for: those of a line are in no sum."""
        return "q" in self._narrow

    def narrow(self, rows: Rows, without: str = "") -> Rows:
        """Lines; or, unless words are looked for, their kept sums."""
        for name, narrow in self._narrow.items():
            if name != without:
                rows = narrow(rows)
        return rows

    def url(self, **changes: Any) -> str:
        """The list in this state but for the changes; an empty value takes a filter away."""
        return list_url(**self.query | changes)

    @property
    def told(self) -> list[Told]:
        return [
            Told(name, self.label(name), value, self.url(**{name: ""}))
            for name, value in self._values.items()
        ]

    @property
    def year(self) -> int | None:
        return int(self.query["year"]) if "year" in self.query else None

    @property
    def sort_label(self) -> str:
        return sort_label(self.sort)

    # --- What the form offers ---

    @property
    def donors(self) -> list[Donor]:
        return list(self.families.values())

    @property
    def is_detailed(self) -> bool:
        """Whether a filter is on that stands in the folded part of the form."""
        return bool(self.query.keys() & {"donor", "kind", "region", "operation", "earmarking"})

    @cached_property
    def operations(self) -> list[Place]:
        return sorted(self.places.values(), key=lambda place: (fold_name(place.name), place.slug))

    @cached_property
    def regions(self) -> list[tuple[str, str, int]]:
        """Code, name and depth of the regions that have public operations in them, parents before their parts."""
        used = {place.region for place in self.places.values()}
        below: dict[int | None, list[Region]] = {}
        for region in self._regions.values():
            below.setdefault(region.parent_id, []).append(region)
        found: list[tuple[str, str, int]] = []

        def add(parent: int | None, depth: int) -> None:
            for region in sorted(below.get(parent, []), key=attrgetter("order", "name")):
                if self._within(region.code) & used:
                    found.append((region.code, region.name, depth))
                    add(region.pk, depth + 1)

        add(None, 0)
        return found

    @cached_property
    def _regions(self) -> dict[str, Region]:
        return {region.code: region for region in Region.objects.all()}

    def _within(self, code: str) -> set[str]:
        """The codes of a region and of those in it."""
        found, parents = {code}, {self._regions[code].pk}
        for _level in range(Region.LEVELS):
            parts = [region for region in self._regions.values() if region.parent_id in parents]
            found |= {region.code for region in parts}
            parents = {region.pk for region in parts}
        return found

    # --- One filter each: its words, and what it leaves of the lines ---

    def _words(self, text: str) -> tuple[str, Narrow]:
        q = Q()
        donors = searched_donors()
        for word in text.split(" ")[:MOST_WORDS]:
            q &= holding(word, donors)
        # What few lines hold is looked for once; sums and lists are then of those lines.
        few = list(self.lines.filter(q).order_by().values_list("pk", flat=True)[: FEW + 1])
        found = q if len(few) > FEW else Q(pk__in=few)
        return f"“{text}”", lambda lines: lines.filter(found)

    def _year(self, text: str) -> tuple[str, Narrow] | None:
        year = whole_number(text) if len(text) == 4 else None
        if year is None or not 1900 <= year <= 2199:
            return None
        return str(year), lambda lines: lines.for_year(year)

    def _donor(self, text: str) -> tuple[str, Narrow] | None:
        donor = self.families.get(text) or self._member(text) or merged_slug(text)
        return donor and (donor.name, lambda lines: lines.of_family(donor))

    def _member(self, slug: str) -> Donor | None:
        """A donor whom readers may know by name, and of whom there is a line."""
        own = Exists(self.lines.filter(donor=OuterRef("pk")))
        return Donor.objects.named().filter(own, slug=slug).first()

    def _kind(self, text: str) -> tuple[str, Narrow] | None:
        if text not in Donor.Kind.values:
            return None
        return str(Donor.Kind(text).label), lambda lines: lines.filter(donor__kind=text)

    def _country(self, text: str) -> tuple[str, Narrow] | None:
        if text not in (NONE, OTHER_COUNTRIES) and text not in countries:
            return None
        code = "" if text == NONE else text
        return country_name(code) or _("no country"), lambda lines: lines.of_class(code)

    def _region(self, text: str) -> tuple[str, Narrow] | None:
        if text == NONE:
            placed = [place.pk for place in self.places.values() if place.region]
            is_outside = Q(operation__isnull=True) | ~Q(operation__in=placed)
            return _("no region"), lambda lines: lines.filter(is_outside)
        named = {code: name for code, name, _depth in self.regions}
        if text not in named:
            return None
        within = self._within(text)
        inside = [place.pk for place in self.places.values() if place.region in within]
        return named[text], lambda lines: lines.filter(operation__in=inside)

    def _operation(self, text: str) -> tuple[str, Narrow] | None:
        if text == NONE:
            not_given = Q(operation__isnull=True) & ~WITHHELD_OPERATION
            return no_operation_label(None), lambda lines: lines.filter(not_given)
        if text == WITHHELD:
            return no_operation_label(WITHHELD), lambda lines: lines.filter(WITHHELD_OPERATION)
        place = next((place for place in self.places.values() if place.slug == text), None)
        return place and (place.name, lambda lines: lines.filter(operation=place.pk))

    def _earmarking(self, text: str) -> tuple[str, Narrow] | None:
        if text not in (NONE, WITHHELD) and text not in Contribution.Earmarking.values:
            return None
        code = "" if text == NONE else text
        return earmarking_label(code), lambda lines: lines.filter(earmarking=code)

    def _date(self, text: str) -> tuple[str, Narrow] | None:
        date = asked_day(text)
        return date and (print_day(date), lambda lines: lines.filter(date=date))


def asked_day(text: str | None) -> dt.date | None:
    try:
        return parse_date(text or "")
    except ValueError:
        return None


# --- Words ----------------------------------------------------------------------------------------


def simple(text: str) -> str:
    """The form in which words are looked for: no case, no accents."""
    letters = unicodedata.normalize("NFKD", fold_name(text))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


@dataclass(frozen=True)
class SearchedDonor:
    """What readers are shown of a donor; no names where it may not be named."""

    pk: int
    parent: int | None
    kind: str
    country: str
    is_named: bool
    names: Sequence[str]  # in every language, and other spellings, as of ``simple``

    @property
    def is_class(self) -> bool:
        return not self.is_named and self.parent is None


def searched_donors() -> list[SearchedDonor]:
    """Two queries."""
    spellings = defaultdict(list)
    for pk, name in DonorAlias.objects.order_by().values_list("donor_id", "name"):
        spellings[pk].append(name)
    found = []
    fields = [f"name_{code}" for code, _name in settings.LANGUAGES]
    for donor in Donor.objects.order_by().only("pk", "parent", "kind", "country", "may_be_named", *fields):
        names = [getattr(donor, field) for field in fields] + spellings[donor.pk] if donor.is_named else []
        found.append(
            SearchedDonor(donor.pk, donor.parent_id, donor.kind, str(donor.country or ""), donor.is_named,
                          [simple(name) for name in names if name])
        )  # fmt: skip
    return found


def holding(word: str, donors: Sequence[SearchedDonor]) -> Q:
    """The lines in which a word stands: in what readers are shown of the donor, in reference or description.

    Of private donors who may not be named only class and country are looked at.
    """
    wanted = simple(word)
    called = {donor.pk for donor in donors if wanted and any(wanted in name for name in donor.names)}
    kinds = {kind for kind, label in Donor.Kind.choices if wanted and wanted in simple(str(label))}
    codes = {code for code, name in countries if wanted and wanted in simple(str(name))}
    found = {
        donor.pk
        for donor in donors
        if donor.pk in called
        or donor.parent in called
        or donor.kind in kinds
        or (donor.is_class and donor.country in codes)
    }
    if len(found) == len(donors):
        return Q()
    text = Q(reference__icontains=word) | Q(description__icontains=word)
    named = {donor.pk for donor in donors if donor.is_named}
    if len(named) < len(donors):
        text &= Q(donor__in=named)
    return Q(donor__in=found) | text if found else text


def no_operation_label(given: Any) -> str:
    """``given``: ``WITHHELD``, or ``None`` where the source gives none."""
    return _("operation withheld") if given == WITHHELD else _("operation not given")
