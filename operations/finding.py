"""``/operations/``: all operations of a year, narrowed and sorted as the address asks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from .drawings import CIRCLES, print_number, world_maps
from .models import Operation
from .overview import OperationRow, Overview, Total, chosen_year, load_overview, simple, totals_of
from .readers import public_page
from .regions import Group, Tree, groups_of

COLUMNS = ("name", "people", "budget", "expenditure", "spent")
# The sizes to choose from: a measure and the least of it.
SIZES = {
    f"{measure}-{least}": (measure, least)
    for measure, steps in (
        ("people", (10_000, 100_000, 1_000_000)),
        ("budget", (1_000_000, 10_000_000, 100_000_000)),
    )
    for least in steps
}
LONGEST = 100  # letters of what is looked for


def tidied(request: HttpRequest) -> str:
    """The address without the fields that a form left empty; empty where there are none."""
    query = QueryDict(mutable=True)
    for name, values in request.GET.lists():
        if kept := [value for value in values if value.strip()]:
            query.setlist(name, kept)
    if query == request.GET:
        return ""
    return request.path + (f"?{query.urlencode()}" if query else "")


@dataclass(frozen=True)
class Column:
    """A heading of the table: the address that sorts by it, or by it the other way round."""

    label: str
    query: str
    order: str  # ascending, descending or empty


@dataclass(frozen=True)
class Told:
    """One filter in words, and the address of the list without it."""

    label: str
    value: str
    without: str


@dataclass(frozen=True)
class Asked:
    """What an address asks for, as far as it makes sense; ``unknown`` names the rest."""

    year: int | None
    query: dict[str, str] = field(default_factory=dict)  # the other fields
    unknown: Sequence[str] = ()

    @classmethod
    def read(
        cls, given: QueryDict, year: int | None, regions: Collection[str], kinds: Collection[str]
    ) -> Asked:
        values = {
            "q": " ".join(given.get("q", "").replace("\0", "").split())[:LONGEST],
            "region": given.get("region", ""),
            "kind": given.get("kind", ""),
            "size": given.get("size", ""),
            "sort": given.get("sort", ""),
            "circles": given.get("circles", ""),
        }
        known = {
            "q": bool(simple(values["q"])),
            "region": values["region"] in regions,
            "kind": values["kind"] in kinds,
            "size": values["size"] in SIZES,
            "sort": values["sort"].removeprefix("-") in COLUMNS,
            "circles": values["circles"] in CIRCLES,
        }
        unknown = [name for name, value in values.items() if value and not known[name]]
        if given.get("year") and given["year"] != str(year):
            unknown.append("year")
        return cls(year, {name: value for name, value in values.items() if value and known[name]}, unknown)

    @property
    def sort(self) -> str:
        return self.query.get("sort", "")

    @property
    def is_narrowed(self) -> bool:
        return bool(self.query.keys() - {"sort", "circles"})

    def url(self, **changes: str) -> str:
        """The address with these fields changed; an empty one is left out."""
        query = {"year": str(self.year or "")} | self.query | changes
        query = {name: value for name, value in query.items() if value}
        return reverse("operations:operations") + (f"?{urlencode(query)}" if query else "")

    def narrow(self, overview: Overview, tree: Tree) -> list[OperationRow]:
        """The rows of the year that are asked for, in their order."""
        if self.year is None:
            return []
        region = self.query.get("region")
        rows = overview.rows(
            self.year,
            None if region is None else tree.within(region),
            self.query.get("q", ""),
            self.query.get("kind", ""),
        )
        if size := self.query.get("size"):
            measure, least = SIZES[size]
            rows = [row for row in rows if (getattr(row, measure).number or 0) >= least]
        return sorted_by(rows, self.sort)

    def told(self, tree: Tree) -> list[Told]:
        said = {
            "q": (_("Name"), lambda text: f"“{text}”"),
            "region": (_("Region"), lambda code: tree.names[code]),
            "kind": (_("Kind"), kind_label),
            "size": (_("Size"), size_label),
        }
        return [
            Told(label, say(self.query[name]), self.url(**{name: ""}))
            for name, (label, say) in said.items()
            if name in self.query
        ]

    def columns(self) -> list[Column]:
        labels = [_("Operation"), _("People"), _("Budget"), _("Expenditure"), _("Spent")]
        found = []
        for name, label in zip(COLUMNS, labels, strict=True):
            order = ""
            if self.sort.removeprefix("-") == name:
                order = "ascending" if self.sort.startswith("-") != (name == "name") else "descending"
            found.append(Column(label, self.url(sort=f"-{name}" if self.sort == name else name), order))
        return found


def sorted_by(rows: Iterable[OperationRow], sort: str) -> list[OperationRow]:
    """By name from A to Z, by a figure from the largest; “-” turns the order round, missing figures stay last."""
    column, is_reversed = sort.removeprefix("-"), sort.startswith("-")
    by_name = sorted(rows, key=lambda row: simple(row.profile.name), reverse=sort == "-name")
    if column in ("", "name"):
        return by_name

    def value(row: OperationRow) -> Any:
        return row.share_spent if column == "spent" else getattr(row, column).number

    filled = [row for row in by_name if value(row) is not None]
    return sorted(filled, key=value, reverse=not is_reversed) + [row for row in by_name if value(row) is None]


def kind_label(kind: str) -> str:
    return capfirst(str(Operation.Kind(kind).label))


def size_label(size: str) -> str:
    measure, least = SIZES[size]
    if measure == "people":
        return _("at least %(number)s people") % {"number": print_number(least)}
    return _("a budget of at least %(amount)s") % {"amount": _("$%s") % print_number(least)}


@public_page
def operations(request: HttpRequest) -> HttpResponse:
    if tidy := tidied(request):
        return HttpResponseRedirect(tidy)
    overview = load_overview(request)
    tree = Tree.load(overview)
    kinds = {profile.content["kind"] for profile in overview.profiles}
    asked = Asked.read(request.GET, chosen_year(request, overview), tree.used, kinds)
    rows = asked.narrow(overview, tree)
    regions = groups_of(rows, tree) if not asked.sort else [Group("", "", rows)] if rows else []
    totals: dict[str, Total] = totals_of(rows)
    return render(
        request,
        "operations/operations.html",
        {
            "asked": asked,
            "year": asked.year,
            "years": overview.years,
            "told": asked.told(tree),
            "region_choices": tree.choices,
            "kind_choices": [(kind, kind_label(kind)) for kind in Operation.Kind.values if kind in kinds],
            "size_choices": [(size, size_label(size)) for size in SIZES],
            "columns": asked.columns(),
            "by_region_url": asked.url(sort=""),
            "all_url": Asked(asked.year).url(),
            "regions": regions,
            "totals": totals,
            "maps": world_maps(rows, asked.query.get("circles", CIRCLES[0])),
            "circle_urls": {name: asked.url(circles=name) for name in CIRCLES},
        },
    )
