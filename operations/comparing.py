"""``/compare/``: up to four operations or years side by side, ``?with=peru-2020&with=colombia-2020``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _

from . import charts
from .asked import whole_number
from .calculations import gap
from .drawings import (
    SERIES_CSS,
    measure_label,
    number_cell,
    print_cents,
    print_number,
    print_percent,
    unit_words,
)
from .finding import tidied
from .overview import Overview, load_overview, simple
from .profiles import MoneyYear, People, Profile, Value
from .readers import public_page
from .rounding import Change
from .templatetags.figures import usd

MOST = 4


@dataclass(frozen=True)
class Side:
    """An operation in a year."""

    profile: Profile
    year: int
    people: People
    money: MoneyYear
    without: str = ""  # the address of the comparison without it

    @classmethod
    def of(cls, profile: Profile, year: int) -> Side:
        return cls(profile, year, profile.people(year), profile.money(year))

    @property
    def key(self) -> str:
        return f"{self.profile.slug}-{self.year}"

    @property
    def name(self) -> str:
        return f"{self.profile.name} {self.year}"

    @property
    def has_page(self) -> bool:
        return self.year in self.profile.years


@dataclass(frozen=True)
class Cell:
    printed: str = ""
    reason: str = ""  # why there is nothing to print
    change: Change | None = None
    before: int | None = None  # the year that the change is against


@dataclass(frozen=True)
class Row:
    label: str
    cells: list[Cell]
    is_part: bool = False


@dataclass(frozen=True)
class Block:
    label: str
    rows: list[Row] = field(default_factory=list)


def url_of(keys: Sequence[str]) -> str:
    query = urlencode([("with", key) for key in keys])
    return reverse("operations:compare") + (f"?{query}" if query else "")


def side_named(overview: Overview, key: str) -> Side | None:
    """The side that an address calls “peru-2020”; ``None`` where no such operation or year is published."""
    slug, _hyphen, text = key.rpartition("-")
    year = whole_number(text) if len(text) == 4 else None
    profile = next((profile for profile in overview.profiles if profile.slug == slug), None)
    if profile is None or year not in overview.years:
        return None
    return Side.of(profile, year)


def named_sides(overview: Overview, keys: Sequence[str]) -> list[tuple[str, Side | None]]:
    return [(key, side_named(overview, key)) for key in dict.fromkeys(keys)]


def sides_asked(request: HttpRequest, overview: Overview) -> list[Side]:
    """What is compared at an address."""
    keys = [key.replace("\0", "") for key in request.GET.getlist("with")]
    return [side for _key, side in named_sides(overview, keys) if side][:MOST]


@public_page
def compare(request: HttpRequest) -> HttpResponse:
    if tidy := tidied(request):
        return HttpResponseRedirect(tidy)
    overview = load_overview(request)
    keys = [key.replace("\0", "") for key in request.GET.getlist("with")]
    if "add" in request.GET:
        added = f"{request.GET['add']}-{request.GET.get('year') or overview.usual_year}"
        moment = urlencode({"as_of": request.GET["as_of"]}) if "as_of" in request.GET else ""
        return HttpResponseRedirect(url_of([*keys, added]) + (f"&{moment}" if moment else ""))
    found = named_sides(overview, keys)
    known = [side for _key, side in found if side]
    shown = known[:MOST]
    sides = [
        Side(
            side.profile, side.year, side.people, side.money, url_of([s.key for s in shown if s is not side])
        )
        for side in shown
    ]
    kept = [side.key for side in sides]
    return render(
        request,
        "operations/compare.html",
        {
            "sides": sides,
            "unknown": [key for key, side in found if side is None],
            "is_too_many": len(known) > MOST,
            "most": MOST,
            "is_full": len(sides) >= MOST,
            "blocks": [people_block(sides), money_block(sides), offices_block(sides)] if sides else [],
            "charts": [chart for chart in (people_chart(sides), money_chart(sides)) if chart],
            "before_url": before_url(overview, sides, kept),
            "operations": sorted(overview.profiles, key=lambda profile: simple(profile.name)),
            "years": overview.years,
            "year": sides[-1].year if sides else overview.usual_year,
        },
    )


def before_url(overview: Overview, sides: Sequence[Side], kept: list[str]) -> str:
    """With one operation alone: the comparison with its year before, where that has any figure."""
    if len(sides) == 1 and sides[0].year - 1 in sides[0].profile.years:
        return url_of([*kept, f"{sides[0].profile.slug}-{sides[0].year - 1}"])
    return ""


# --- The table ------------------------------------------------------------------------------------


def cell(value: Value, printed: Callable[[Any], str]) -> Cell:
    return Cell(reason=value.reason) if value.number is None else Cell(printed(value.number))


def people_block(sides: Sequence[Side]) -> Block:
    types = {part.code: part.label for side in sides for part in side.people.parts}
    rows = [
        Row(_("Total at the end of the year"), [cell(side.people.total, print_number) for side in sides]),
        Row(_("Change since the year before"), [change_cell(side.people) for side in sides]),
    ]
    for code, label in types.items():
        values = [
            next(
                (part.value for part in side.people.parts if part.code == code),
                Value(None, side.profile.reason(side.year)),
            )
            for side in sides
        ]
        rows.append(Row(label, [cell(value, print_number) for value in values], is_part=True))
    return Block(_("People"), rows)


def change_cell(people: People) -> Cell:
    if people.change:
        return Cell(change=people.change, before=people.before_year)
    missing = people.total if people.total.number is None else people.before
    year = people.year if missing is people.total else people.before_year
    return Cell(reason=_("%(year)s: %(reason)s") % {"year": year, "reason": missing.reason})


def money_block(sides: Sequence[Side]) -> Block:
    rows = [
        Row(measure_label(measure), [cell(getattr(side.money, measure), usd) for side in sides])
        for measure in ("budget", "expenditure")
    ]
    rows.append(
        Row(
            _("Share spent"),
            [
                Cell(print_percent(side.money.spent))
                if side.money.spent is not None
                else Cell(reason=missing_of(side, "budget", "expenditure"))
                for side in sides
            ],
        )
    )
    rows.append(
        Row(measure_label("funds_available"), [cell(side.money.funds_available, usd) for side in sides])
    )
    gaps = [gap(side.money.budget.number, side.money.funds_available.number) for side in sides]
    rows.append(
        Row(
            _("Gap"),
            [
                Cell(usd(amount))
                if amount is not None
                else Cell(reason=missing_of(side, "budget", "funds_available"))
                for side, amount in zip(sides, gaps, strict=True)
            ],
        )
    )
    return Block(_("Money, US dollars"), rows)


def missing_of(side: Side, *measures: str) -> str:
    """Which of the figures is missing and why: “Expenditure: not published”; what is none has no share."""
    for measure in measures:
        value = getattr(side.money, measure)
        if value.number is None:
            return _("%(figure)s: %(reason)s") % {"figure": measure_label(measure), "reason": value.reason}
    return _("there was no budget")


def offices_block(sides: Sequence[Side]) -> Block:
    counts = [Cell(print_number(len(side.profile.content["offices"]))) for side in sides]
    return Block(_("Presence"), [Row(_("Offices named today"), counts)])


# --- The charts -----------------------------------------------------------------------------------


def people_chart(sides: Sequence[Side]) -> charts.Chart | None:
    return bars(
        _("People at the end of the year"),
        sides,
        [(_("People"), "s-main", [side.people.total for side in sides])],
        print_number,
    )


def money_chart(sides: Sequence[Side]) -> charts.Chart | None:
    measures = ("budget", "expenditure")
    return bars(
        _("Budget and expenditure"),
        sides,
        [(measure_label(m), SERIES_CSS[m], [getattr(side.money, m) for side in sides]) for m in measures],
        print_cents,
        is_money=True,
    )


def bars(
    title: str,
    sides: Sequence[Side],
    measures: Sequence[tuple[str, str, list[Value]]],
    exact: Callable[[Any], str],
    is_money: bool = False,
) -> charts.Chart | None:
    """Lying bars on one scale, those of an operation's year one under the other."""
    if all(value.number is None for _label, _css, values in measures for value in values):
        return None
    series = [
        charts.Series(label, css, [value.number for value in values]) for label, css, values in measures
    ]
    numbers = [number for one in series for number in one.values]
    unit, word = charts.unit_of(numbers) if is_money else charts.unit_of([])
    items = [
        charts.Item(side.name if j == 0 else "", values[i].number, css, note=missing_note(label, values[i]))
        for i, side in enumerate(sides)
        for j, (label, css, values) in enumerate(measures)
    ]
    options = {"unit": unit, "number": print_number, "rtl": get_language_bidi()}
    said = sentence(sides, measures[0][2], is_money)
    return charts.Chart(
        title=title,
        summary=said or title,
        wide=charts.rows(items, **options),
        narrow=charts.rows(items, width=charts.NARROW, **options),
        table=charts.Table(
            _("%(title)s, US dollars") % {"title": title} if is_money else title,
            [_("Operation and year"), *(label for label, _css, _values in measures)],
            [
                [
                    charts.Cell(side.name),
                    *(number_cell(values[i], exact) for _label, _css, values in measures),
                ]
                for i, side in enumerate(sides)
            ],
        ),
        say=said,
        key=series if is_money else (),
        unit=unit_words(word) if is_money else "",
    )


def missing_note(label: str, value: Value) -> str:
    if value.number is not None:
        return ""
    return _("%(figure)s: %(reason)s") % {"figure": label, "reason": value.reason}


def sentence(sides: Sequence[Side], values: Sequence[Value], is_money: bool) -> str:
    """The largest of those that are compared, and how many times the smallest it is."""
    known = [
        (value.number, side.name)
        for value, side in zip(values, sides, strict=True)
        if value.number is not None
    ]
    if len(known) < 2:
        return ""
    (most, largest), (least, smallest) = max(known), min(known)
    if most == least:
        return ""
    words = {
        "largest": largest,
        "smallest": smallest,
        "most": usd(most) if is_money else print_number(most),
        "least": usd(least) if is_money else print_number(least),
    }
    if is_money:
        return (
            _("The largest budget: %(largest)s (%(most)s); the smallest: %(smallest)s (%(least)s).") % words
        )
    return _("Most people: %(largest)s (%(most)s); fewest: %(smallest)s (%(least)s).") % words
