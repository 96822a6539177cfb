"""The regions that readers see, as a tree, and the page of one: its operations, their totals, its years."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import get_language_bidi, ngettext
from django.utils.translation import gettext as _
from django_countries import countries

from . import charts, maps
from .drawings import (
    SERIES_CSS,
    country_names,
    isolated,
    measure_label,
    number_cell,
    people_words,
    print_cents,
    print_dollars,
    print_millions,
    print_number,
    unit_words,
)
from .models import Edition, MissingReason, Operation, Region
from .overview import IN_COUNTRIES, OperationRow, Overview, Total, chosen_year, load_overview, totals_of
from .profiles import Value
from .readers import at_first, public_page

MOST_YEARS = 12  # in a chart


@dataclass(frozen=True)
class Group:
    """Rows of a table under a heading; ``code`` is that of a region with a page of its own."""

    name: str
    code: str
    rows: list[OperationRow]


class Tree:
    """The regions that have released operations in them, each with those it is part of.

    Which region is part of which is asked of today's table; a region has the name that its operations were released
    with, or that of the table where there is none directly in it.
    """

    def __init__(self, regions: Iterable[Region], overview: Overview) -> None:
        self.names, self.parents, orders = {}, {}, {}
        known = {region.pk: region for region in regions}
        for region in known.values():
            parent = known.get(region.parent_id)
            self.names[region.code], self.parents[region.code] = region.name, parent and parent.code
            orders[region.code] = region.order
        for profile in overview.profiles:
            if profile.region:
                code = profile.region["code"]
                self.names[code] = profile.region_name
                self.parents.setdefault(code, None)
                orders.setdefault(code, profile.region["order"])
        direct = {profile.region["code"] for profile in overview.profiles if profile.region}
        self.used = {code for used in direct for code in [used, *self.above(used)]}
        self.order = sorted(self.used, key=lambda code: (orders[code], self.names[code]))

    @classmethod
    def load(cls, overview: Overview) -> Tree:
        """One query."""
        return cls(Region.objects.all(), overview)

    def named(self, code: str) -> str | None:
        """The code of the region with operations that an address names, in whatever letters."""
        return next((own for own in self.order if own.casefold() == code.casefold()), None)

    def above(self, code: str) -> list[str]:
        """The regions that this one is part of, the nearest first."""
        found: list[str] = []
        while (code := self.parents.get(code) or "") and code not in found:
            found.append(code)
        return found

    def parts(self, code: str | None) -> list[str]:
        """The regions directly in this one, or those that are in none; only those with operations."""
        return [part for part in self.order if self.parents[part] == code]

    def within(self, code: str) -> list[str]:
        """A region and all in it, each before its parts."""
        return [code, *(inner for part in self.parts(code) for inner in self.within(part))]

    @cached_property
    def choices(self) -> list[tuple[str, str, int]]:
        """Code, name and depth of each region, parents before their parts."""
        codes = [code for top in self.parts(None) for code in self.within(top)]
        return [(code, self.names[code], len(self.above(code))) for code in codes]


def groups_of(rows: Sequence[OperationRow], tree: Tree, here: str = "") -> list[Group]:
    """The operations by region, then those for several countries, then those of other years, under headings.

    ``here``: the region whose page it is, which needs no heading.
    """
    groups = []
    elsewhen = [row for row in rows if not row.was_there]
    rows = [row for row in rows if row.was_there]
    local = [row for row in rows if row.kind in IN_COUNTRIES]
    for code in [*(code for code, _name, _depth in tree.choices), ""]:
        if own := [row for row in local if row.region == code]:
            name = "" if code and code == here else tree.names[code] if code else _("In no region")
            groups.append(Group(name, "" if code == here else code, own))
    for kind, name in kind_headings().items():
        if own := [row for row in rows if row.kind == kind]:
            groups.append(Group(name, "", own))
    if elsewhen:
        name = _("Not in operation in %(year)s") % {"year": elsewhen[0].year}
        groups.append(Group(name, "", elsewhen))
    return groups


def kind_headings() -> dict[str, str]:
    return {
        Operation.Kind.REGIONAL: _("Regional operations"),
        Operation.Kind.SITUATION: _("Situations"),
        Operation.Kind.GLOBAL: _("Global operations"),
    }


@public_page
def region(request: HttpRequest, code: str) -> HttpResponse:
    overview = load_overview(request)
    tree = Tree.load(overview)
    known = tree.named(code)
    if known is None:
        at_first(request, None, lambda: first_release(request, code))
        raise Http404
    if code != known.lower():
        query = request.GET.urlencode()
        address = reverse("operations:region", args=[known.lower()])
        return HttpResponsePermanentRedirect(address + (f"?{query}" if query else ""))
    here = overview.within(tree.within(known))
    # The year that most of the site opens with, so that regions can be compared; their own where they have none of it.
    asked = chosen_year(request, overview)
    year = asked if asked in here.years else here.usual_year
    rows = here.rows(year) if year else []
    return render(
        request,
        "operations/region.html",
        {
            "region": known,
            "name": tree.names[known],
            "above": [(up, tree.names[up]) for up in reversed(tree.above(known))],
            "parts": [
                (part, tree.names[part], totals_of([row for row in rows if row.region in tree.within(part)]))
                for part in tree.parts(known)
            ],
            "year": year,
            "years": here.years,
            "asked_in_vain": "year" in request.GET and request.GET["year"] != str(year),
            "totals": totals_of(rows),
            "groups": groups_of(rows, tree, known),
            "operations": here.profiles,
            "maps": region_maps(rows),
            "charts": year_charts(here, tree.names[known], year),
            "year_query": f"&year={year}",
        },
    )


def first_release(request: HttpRequest, code: str) -> Any:
    """When an operation that stands directly in the region was first released."""
    editions = Edition.objects.ever_public(request.now).profiles().filter(content__region__code=code.upper())
    return editions.order_by("released_at").values_list("released_at", flat=True).first()


# --- Its map --------------------------------------------------------------------------------------


def region_maps(rows: Sequence[OperationRow]) -> dict[str, Any] | None:
    """The countries of the operations and their places; ``None`` where no operation has a place."""
    placed = [row for row in rows if row.profile.content["latitude"] is not None]
    codes = {countries.alpha3(code) for row in rows for code in row.profile.content["countries"]}
    if not placed:
        return None
    by_size = sorted(placed, key=lambda row: row.budget.number or 0, reverse=True)
    markers = [
        maps.Office(
            key=row.profile.slug,
            name=row.profile.name,
            kind=_("budget of %s") % print_millions(row.budget.number)
            if row.budget.number is not None
            else row.budget.reason,
            longitude=float(row.profile.content["longitude"]),
            latitude=float(row.profile.content["latitude"]),
            rank=number,
        )
        for number, row in enumerate(by_size)
    ]
    options = {
        "countries": sorted(codes),
        "longitude": None,
        "latitude": None,
        "zoom": None,
        "offices": markers,
        "names": dict.fromkeys(country_names(), ""),  # the operations are named
        "outlines": maps.WORLD_OUTLINES,
    }
    return {
        "wide": maps.locator(width=560, height=400, **options),
        "narrow": maps.locator(width=340, height=300, **options),
    }


# --- Its years ------------------------------------------------------------------------------------


def year_charts(overview: Overview, name: str, current: int | None) -> list[charts.Chart]:
    """The sums of each year: people, then budget and expenditure."""
    years = sorted(overview.years)[-MOST_YEARS:]
    if not years:
        return []
    years = list(range(years[0], years[-1] + 1))
    totals = {year: totals_of(overview.rows(year)) for year in years}
    words = {"name": isolated(name)}
    drawn = [
        sums_chart(_("People in %(name)s by year") % words, totals, ["people"], current),
        sums_chart(
            _("Budget and expenditure in %(name)s by year") % words,
            totals,
            ["budget", "expenditure"],
            current,
        ),
    ]
    return [chart for chart in drawn if chart]


def sums_chart(
    title: str, totals: dict[int, dict[str, Total]], measures: Sequence[str], current: int | None
) -> charts.Chart | None:
    """Standing bars of sums, with the exact sums and how many operations each counts in the table."""
    known = [year for year in totals if any(totals[year][m].number is not None for m in measures)]
    if not known:
        return None
    totals = {year: of for year, of in totals.items() if known[0] <= year <= known[-1]}
    is_money = measures[0] != "people"
    series = [
        charts.Series(sum_label(m), SERIES_CSS.get(m, "s-main"), [of[m].number for of in totals.values()])
        for m in measures
    ]
    unit, word = charts.unit_of(value for line in series for value in line.values)
    options = {
        "current": str(current or ""),
        "unit": unit,
        "number": print_number,
        "rtl": get_language_bidi(),
    }
    names = [str(year) for year in totals]
    headers = [_("Year")]
    for measure in measures:
        headers += [sum_label(measure), _("Operations counted")]
    missing = str(MissingReason.NOT_PUBLISHED.label)

    def cells(total: Total) -> list[charts.Cell]:
        printed = print_cents if is_money else print_number
        return [
            number_cell(Value(total.number, missing), printed),
            charts.Cell(print_number(total.counted), numeric=True),
        ]

    said = (
        sums_sentence(totals[current], totals.get(current - 1), current, is_money)
        if current in totals
        else ""
    )
    return charts.Chart(
        title=title,
        summary=said or title,
        wide=charts.year_bars(names, series, **options),
        narrow=charts.year_rows(names, series, **options),
        table=charts.Table(
            _("%(title)s, US dollars") % {"title": title} if is_money else title,
            headers,
            [[charts.Cell(str(year)), *(cell for m in measures for cell in cells(of[m]))]
             for year, of in totals.items()],
        ),
        say=said,
        key=series if is_money else (),
        unit=unit_words(word) if is_money else people_words(word),
    )  # fmt: skip


def sum_label(measure: str) -> str:
    return capfirst(_("People")) if measure == "people" else measure_label(measure)


def sums_sentence(
    totals: dict[str, Total], before: dict[str, Total] | None, year: int, is_money: bool
) -> str:
    """The sums of a year in a sentence or two, with how many operations they count; and where ``before``, the year before, counts others."""
    said = []
    for measure in ["budget", "expenditure"] if is_money else ["people"]:
        total = totals[measure]
        if total.number is None:
            continue
        words = {
            "year": year,
            "counted": print_number(total.counted),
            "sum": print_dollars(total.number) if is_money else print_number(total.number),
        }
        if measure == "people":
            sentence = ngettext(
                "At the end of %(year)s, %(sum)s people were of concern to the agency, as %(counted)s operation published it.",
                "At the end of %(year)s, %(sum)s people were of concern to the agency, as %(counted)s operations published it.",
                total.counted,
            )
        elif measure == "budget":
            sentence = ngettext(
                "The budget of %(counted)s operation for %(year)s makes %(sum)s.",
                "The budgets of %(counted)s operations for %(year)s make %(sum)s.",
                total.counted,
            )
        else:
            sentence = ngettext(
                "The expenditure of %(counted)s operation in %(year)s makes %(sum)s.",
                "The expenditure of %(counted)s operations in %(year)s makes %(sum)s.",
                total.counted,
            )
        said.append(sentence % words)
        if before and before[measure].number is not None and before[measure].counted != total.counted:
            counted = ngettext(
                "For %(year)s, %(counted)s operation is counted.",
                "For %(year)s, %(counted)s operations are counted.",
                before[measure].counted,
            )
            said.append(counted % {"year": year - 1, "counted": print_number(before[measure].counted)})
    return " ".join(said)
