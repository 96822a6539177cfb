"""The charts and maps of our pages: a profile's figures handed to the pure geometry, with their words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.formats import date_format, number_format
from django.utils.text import capfirst, slugify
from django.utils.translation import get_language_bidi, ngettext, pgettext
from django.utils.translation import gettext as _
from django_countries import countries

from . import charts, maps
from .calculations import gap, share_of_sum, total
from .models import Agency, FinancialFigure, MissingReason, Office
from .overview import OperationRow
from .pages import OperationPage
from .profiles import MEASURES, People, Profile, Value, in_language, other_language, published_place
from .rounding import millions

SERIES_CSS = {"budget": "s-budget", "funds_available": "s-funds", "expenditure": "s-expenditure"}
YEARS_DRAWN = 10
MOST_TYPES = 8  # of people in one pile: as many as there are colours


def print_number(value: Decimal | int, places: int | None = None) -> str:
    """1557276 → 1,557,276 in English, 1 557 276 in French."""
    return number_format(value, places, use_l10n=True, force_grouping=True)


def print_cents(value: Decimal) -> str:
    return print_number(value, 2)


def print_percent(value: Decimal | int) -> str:
    return _("%(share)s%%") % {"share": print_number(value)}


def print_less(printed: str) -> str:
    """“< 0.1%”: in Arabic a mark keeps the sign left of the digits, and from being mirrored to its opposite."""
    return f"\u200e< {printed}" if get_language_bidi() else f"< {printed}"


def print_share(part: Decimal | None, whole: Decimal | None) -> str:
    """A part of a sum in per cent to one decimal: 12.5%; empty where it is no part of it."""
    share = share_of_sum(part, whole)
    if share == 0 and part:
        return print_less(print_percent(Decimal("0.1")))
    return "" if share is None else print_percent(share)


def print_dollars(value: Decimal) -> str:
    """In a sentence, exact: US$ 48,625,534.17."""
    return _("US$ %s") % print_cents(value)


def print_millions(value: Decimal) -> str:
    """In a sentence, to one decimal: US$ 48.6 million."""
    number = millions(value)
    return ngettext("US$ %s million", "US$ %s million", int(number)) % print_number(number)


def print_day(value: dt.date) -> str:
    """25 November 2021."""
    return date_format(value, pgettext("format of a day", "j F Y"))


def isolated(name: str) -> str:
    """A name for a sentence that reads from the right: one in Latin letters then stays together."""
    return f"\u2068{name}\u2069" if get_language_bidi() else name


def unit_words(word: str) -> str:
    """What the axis counts, such as “million US dollars”."""
    return {
        "billion": _("billion US dollars"),
        "million": _("million US dollars"),
        "thousand": _("thousand US dollars"),
    }.get(word, _("US dollars"))


def number_cell(value: Value, printed: Any = print_number) -> charts.Cell:
    if value.number is None:
        return charts.Cell("", numeric=True, missing_reason=capfirst(value.reason))
    return charts.Cell(printed(value.number), numeric=True, value=value.number)


def share_cell(share: Decimal | int | None) -> charts.Cell:
    return charts.Cell("" if share is None else print_percent(share), numeric=True, value=share)


def measure_label(measure: str) -> str:
    return capfirst(str(FinancialFigure.Measure(measure).label))


def gap_captions(page: OperationPage, years: Sequence[int]) -> list[str | None]:
    """For each year the words that stand in the chart where nothing can be drawn."""
    profile, captions = page.profile, []
    for year in years:
        if profile.existed_in(year):
            captions.append(None)
        elif page.predecessor and profile.first_year and year < profile.first_year:
            captions.append(
                _("before %(year)s: see %(name)s")
                % {"year": profile.first_year, "name": page.predecessor.name}
            )
        else:
            captions.append(_("the operation did not exist"))
    return captions


def chart_years(page: OperationPage) -> list[int]:
    """At least six years up to the last with a figure, so that what came before is seen to be missing."""
    years = page.profile.money_years
    return list(range(min(years[0], years[-1] - 5), years[-1] + 1)) if years else []


def money_chart(page: OperationPage) -> charts.Chart | None:
    """Budget, funds available and expenditure by year, with the exact amounts in the table."""
    profile, years = page.profile, chart_years(page)
    measures = [measure for measure in MEASURES if profile.has_measure(measure)]
    if not years or not measures:
        return None
    values = {measure: [profile.amount(year, measure) for year in years] for measure in measures}
    series = [charts.Series(measure_label(m), SERIES_CSS[m], [v.number for v in values[m]]) for m in measures]
    heads, keys = [s.label for s in series], [f"{measure}_usd" for measure in measures]
    cells = {m: [number_cell(value, print_cents) for value in values[m]] for m in measures}
    if {"budget", "funds_available"} <= set(measures):
        after = measures.index("funds_available") + 1
        gaps = [money_gap(*pair) for pair in zip(values["budget"], values["funds_available"], strict=True)]
        cells["gap"] = [number_cell(value, print_cents) for value in gaps]
        measures.insert(after, "gap")
        heads.insert(after, _("Gap"))
        keys.insert(after, "gap_usd")
        if any(is_short(value) for value in gaps):
            short = [value.number if is_short(value) else None for value in gaps]
            funds = [v.number for v in values["funds_available"]]
            series.insert(after, charts.Series(_("Gap"), "s-gap", short, funds))
    unit, word = charts.unit_of(value for line in series for value in line.values)
    options = {
        "gaps": gap_captions(page, years),
        "current": str(page.year),
        "unit": unit,
        "number": print_number,
        "rtl": get_language_bidi(),
    }
    names = [str(year) for year in years]
    return charts.Chart(
        title=_("Budget and expenditure by year") if "expenditure" in measures else _("Budget by year"),
        summary=money_sentence(page),
        wide=charts.year_bars(names, series, **options),
        narrow=charts.year_rows(names, series, **options),
        table=charts.Table(
            _("Budget and expenditure, US dollars"),
            [_("Year"), *heads],
            [[charts.Cell(name), *(cells[m][i] for m in measures)] for i, name in enumerate(names)],
            ["year", *keys],
        ),
        say=money_sentence(page),
        key=series,
        unit=unit_words(word),
        name="money",
    )


def money_gap(budget: Value, funds: Value) -> Value:
    """What is missing to the budget; where one of them is not there, with its reason."""
    number = gap(budget.number, funds.number)
    return Value(number, "" if number is not None else budget.reason or funds.reason)


def is_short(value: Value) -> bool:
    return value.number is not None and value.number > 0


def money_sentence(page: OperationPage) -> str:
    """The year's money in one sentence; empty where the year has none."""
    money = page.profile.money(page.year)
    budget, spent = money.budget.number, money.expenditure.number
    words = {
        "year": page.year,
        "budget": budget is not None and print_dollars(budget),
        "spent": spent is not None and print_dollars(spent),
        "share": money.spent is not None and print_number(money.spent),
        "reason": money.expenditure.reason,
    }
    if budget is None and spent is None:
        return _("No budget or expenditure is published for %(year)s.") % words
    if budget is None:
        return _("In %(year)s the operation spent %(spent)s; its budget is not published.") % words
    if spent is None:
        return _("The budget for %(year)s is %(budget)s; the expenditure is missing (%(reason)s).") % words
    if money.spent is None:
        return _("In %(year)s the operation spent %(spent)s; its budget was %(budget)s.") % words
    return _("In %(year)s the operation spent %(spent)s, %(share)s%% of its budget of %(budget)s.") % words


def pillar_chart(page: OperationPage, measure: str) -> charts.Chart | None:
    """One measure by pillar over the years, stacked; what was not broken down is a part of its own."""
    profile, years = page.profile, chart_years(page)
    if not profile.has_pillars or not profile.has_measure(measure):
        return None
    parts: list[tuple[str, str, list[Value]]] = [
        (code, name, [profile.amount(year, measure, code) for year in years])
        for code, name in profile.pillars
    ]
    parts = [part for part in parts if any(v.number is not None for v in part[2])]
    totals = [profile.amount(year, measure) for year in years]
    rest = [Value(profile.money_not_broken_down(year, measure)) for year in years]
    shown = list(parts)
    if any(value.number for value in rest):
        shown.append(("not_broken_down", _("Not broken down"), rest))
    series = [
        charts.Series(
            name, f"s-{i}", [v.number if v.number is None or v.number > 0 else None for v in values]
        )
        for i, (_code, name, values) in enumerate(shown, 1)
    ]
    unit, word = charts.unit_of(total.number for total in totals)
    options = {
        "totals": [total.number for total in totals],
        "gaps": gap_captions(page, years),
        "current": str(page.year),
        "unit": unit,
        "number": print_number,
        "rtl": get_language_bidi(),
    }
    names = [str(year) for year in years]
    title = _("%(measure)s by pillar and year") % {"measure": measure_label(measure)}
    return charts.Chart(
        title=title,
        summary=pillar_sentence(page, measure),
        wide=charts.stacked(names, series, **options),
        narrow=charts.stacked(names, series, width=charts.NARROW, **options),
        table=charts.Table(
            _("%(title)s, US dollars") % {"title": title},
            [_("Year"), *(name for _code, name, _values in shown), _("Total")],
            [
                [
                    charts.Cell(name),
                    *(number_cell(values[i], print_cents) for _code, _label, values in shown),
                    number_cell(totals[i], print_cents),
                ]
                for i, name in enumerate(names)
            ],
            ["year", *(f"{slugify(code).replace('-', '_')}_usd" for code, *_rest in shown), "total_usd"],
        ),
        say=pillar_sentence(page, measure),
        key=series,
        unit=unit_words(word),
        name=f"pillars-{measure.replace('_', '-')}",
    )


def pillar_sentence(page: OperationPage, measure: str) -> str:
    profile = page.profile
    amounts = [(profile.amount(page.year, measure, code).number, name) for code, name in profile.pillars]
    known = [(number, name) for number, name in amounts if number]
    whole = profile.amount(page.year, measure).number
    if not known or not whole:
        return _("%(measure)s of %(year)s is not broken down by pillar.") % {
            "measure": measure_label(measure),
            "year": page.year,
        }
    number, name = max(known)
    return _("%(measure)s of %(year)s: %(amount)s, the largest part (%(part)s) for “%(name)s”.") % {
        "measure": measure_label(measure),
        "year": page.year,
        "amount": print_dollars(whole),
        "part": print_dollars(number),
        "name": name,
    }


def people_chart(people: People) -> charts.Chart | None:
    """The people of a year by type, as lying bars."""
    if not people.parts:
        return None
    items = [
        charts.Item(part.label, part.value.number, note=capfirst(part.value.reason)) for part in people.parts
    ]
    options = {"number": print_number, "rtl": get_language_bidi()}
    as_of = [part.value.as_of for part in people.parts if part.value.as_of]
    return charts.Chart(
        title=_("%(people)s by type at the end of %(year)s")
        % {"people": Agency.current().shown_people, "year": people.year},
        summary=people_types_sentence(people),
        wide=charts.rows(items, **options),
        narrow=charts.rows(items, width=charts.NARROW, **options),
        table=charts.Table(
            _("People by type, %(day)s") % {"day": print_day(parse_date(max(as_of)))}
            if as_of
            else _("People by type"),
            [_("Type"), _("People"), _("Share of the total")],
            [
                [
                    charts.Cell(part.label),
                    number_cell(part.value),
                    share_cell(part.share),
                ]
                for part in people.parts
            ]
            + [
                [
                    charts.Cell(_("Total")),
                    number_cell(people.total),
                    share_cell(100 if people.total.number else None),
                ]
            ],
            ["type", "people", "share_percent"],
        ),
        say=people_types_sentence(people),
        name="people",
    )


def people_years_chart(page: OperationPage) -> charts.Chart | None:
    """The people of the newest years by type, piled up; ``None`` where no two years have types to compare."""
    every = [page.profile.people(year) for year in page.profile.people_years[-YEARS_DRAWN:]]
    if sum(any(part.value.number for part in people.parts) for people in every) < 2:
        return None
    totals, piled = [people.total for people in every], people_parts(page.profile, every)
    names = [str(people.year) for people in every]
    series = [
        charts.Series(name, f"s-{i}", [v.number if (v.number or 0) > 0 else None for v in values])
        for i, (_code, name, values) in enumerate(piled, 1)
    ]
    unit, word = charts.unit_of(total.number for total in totals)
    options = {
        "totals": [total.number for total in totals],
        "gaps": [None if total.number is not None else capfirst(total.reason) for total in totals],
        "current": str(page.year),
        "unit": unit,
        "number": print_number,
        "rtl": get_language_bidi(),
    }
    title = _("%(people)s by type and year") % {"people": Agency.current().shown_people}
    say = people_years_sentence(every)
    return charts.Chart(
        title=title,
        summary=say,
        wide=charts.stacked(names, series, **options),
        narrow=charts.stacked(names, series, width=charts.NARROW, **options),
        table=charts.Table(
            _("%(title)s, at the end of each year") % {"title": title},
            [_("Year"), *(name for _code, name, _values in piled), _("Total")],
            [
                [
                    charts.Cell(name),
                    *(number_cell(values[i]) for _code, _name, values in piled),
                    number_cell(totals[i]),
                ]
                for i, name in enumerate(names)
            ],
            ["year", *(slugify(code).replace("-", "_") for code, *_rest in piled), "total"],
        ),
        say=say,
        key=series,
        unit=people_words(word),
        name="people-years",
    )


def people_parts(profile: Profile, every: Sequence[People]) -> list[tuple[str, str, list[Value]]]:
    """Code, name and figure of each year, by type; at last what was not broken down.

    Where there are more types than colours, the smallest are added up.
    """
    none = str(MissingReason.NOT_PUBLISHED.label)
    figures = [{part.code: part.value for part in people.parts} for people in every]
    names = {part.code: part.label for people in every for part in people.parts}
    found = {
        code: [of.get(code, Value(None, none)) for of in figures]
        for code in (entry["code"] for entry in profile.content["population_types"])
        if any(code in of and of[code].number for of in figures)
    }
    rest = [
        Value(profile.people_not_broken_down(people.year) if people.parts else people.total.number, none)
        for people in every
    ]
    has_rest = any(value.number and value.number > 0 for value in rest)
    if len(found) > MOST_TYPES - has_rest:
        by_size = sorted(found, key=lambda code: max(value.number or 0 for value in found[code]))
        small = [found.pop(code) for code in by_size[: len(found) - MOST_TYPES + has_rest + 1]]
        sums = [total(None, (values[i].number for values in small)) for i in range(len(every))]
        found["others"], names["others"] = [Value(number, none) for number in sums], _("Other types")
    parts = [(code, names[code], values) for code, values in found.items()]
    return [*parts, ("not_broken_down", _("Not broken down"), rest)] if has_rest else parts


def people_years_sentence(every: Sequence[People]) -> str:
    known = [(people.total.number, people.year) for people in every if people.total.number is not None]
    (most, most_year), (fewest, fewest_year) = max(known), min(known)
    return _(
        "The most: %(most)s at the end of %(most_year)s. The fewest: %(fewest)s at the end of %(fewest_year)s."
    ) % {
        "most": print_number(most),
        "most_year": most_year,
        "fewest": print_number(fewest),
        "fewest_year": fewest_year,
    }


def people_words(word: str) -> str:
    """What the axis counts, such as “million people”."""
    return {
        "billion": _("billion people"),
        "million": _("million people"),
        "thousand": _("thousand people"),
    }.get(word, _("people"))


def people_types_sentence(people: People) -> str:
    known = [part for part in people.parts if part.value.number is not None]
    if not known:
        return ""
    largest = max(known, key=lambda part: part.value.number)
    words = {
        "label": largest.label,
        "number": print_number(largest.value.number),
        "share": largest.share and print_number(largest.share),
    }
    if largest.share is None:
        return _("The largest group: %(label)s (%(number)s).") % words
    return _("The largest group: %(label)s, %(number)s people or %(share)s%% of the total.") % words


def lead_sentence(page: OperationPage, people: People) -> str:
    """The page's argument in a sentence or two, made from the released figures; empty without any."""
    words: dict[str, Any] = {"name": isolated(page.profile.name), "year": page.year}
    money = page.profile.money(page.year)
    said = []
    if people.total.number is not None:
        words["people"] = print_number(Decimal(people.total.number))
        said.append(
            _("At the end of %(year)s, %(people)s people in %(name)s were of concern to the agency.") % words
        )
    if money.spent is not None:
        words["share"] = print_number(money.spent)
        said.append(_("Of every 100 dollars budgeted for the year, it spent %(share)s.") % words)
    elif money.budget.number is not None:
        words["budget"] = print_millions(money.budget.number)
        said.append(_("The budget for %(year)s is %(budget)s.") % words)
    return " ".join(said)


# --- maps ---


def office_list(profile: Profile) -> list[dict[str, Any]]:
    """The public offices in the order of their importance, with the keys that the map links to."""
    ranks = [kind.value for kind in Office.Kind]
    offices = sorted(profile.content["offices"], key=lambda o: (ranks.index(o["kind"]), o["name"].casefold()))
    taken: set[str] = set()
    listed = []
    for office in offices:
        key = base = slugify(office["name"]) or "office"
        number = 1
        while key in taken:
            number += 1
            key = f"{base}-{number}"
        taken.add(key)
        latitude, longitude = published_place(office)
        listed.append(
            {
                **office,
                "latitude": latitude,
                "longitude": longitude,
                "key": key,
                "kind_label": str(Office.Kind(office["kind"]).label),
                "text": in_language(office["description"]),
                "language": other_language(office["description"]),
                "has_place": office["latitude"] is not None,
            }
        )
    return listed


def operation_maps(profile: Profile, offices: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The locator drawn for a wide and for a narrow screen; ``None`` where there is no place to show."""
    options = locator_options(profile, offices)
    return options and {
        "wide": maps.locator(width=560, height=400, **options),
        "narrow": maps.locator(width=340, height=300, **options),
        "marked": options["countries"],
    }


def locator_options(profile: Profile, offices: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What the locator shows, for every size of it; ``None`` where there is no place to show."""
    content = profile.content
    codes = [countries.alpha3(code) for code in content["countries"]]
    if not codes and content["latitude"] is None:
        return None
    markers = [
        maps.Office(
            key=office["key"],
            name=office["name"],
            kind=office["kind_label"],
            longitude=float(office["longitude"]),
            latitude=float(office["latitude"]),
            rank=0 if i == 0 else 1,
            approximate=office["is_approximate"],
        )
        for i, office in enumerate(o for o in offices if o["has_place"])
    ]
    return {
        "countries": codes,
        "longitude": content["longitude"] and float(content["longitude"]),
        "latitude": content["latitude"] and float(content["latitude"]),
        "zoom": content["zoom"] or None,
        "offices": markers,
        "names": country_names(),
        "outlines": settings.MAP_OUTLINES,
        "shapes": map_shapes(),
    }


def country_names() -> dict[str, str]:
    """Names of countries in the reader's language by their codes of three letters; an outline without one has "".

    Its name in the file is in one language alone, and is no country's name. What a name adds in brackets, such as
    “(Plurinational State of)”, has no room on a map; a reference to a resolution stays.
    """
    unnamed = dict.fromkeys(maps.load_outlines(settings.MAP_OUTLINES), "")
    return unnamed | {countries.alpha3(code): for_map(str(name)) for code, name in countries}


def for_map(name: str) -> str:
    short, _bracket, more = name.partition(" (")
    return name if any(letter.isdigit() for letter in more) else short


def map_shapes() -> maps.Shapes:
    """The outlines that this site shows as disputed or leaves out."""
    return maps.load_shapes(settings.MAP_SHAPES) if settings.MAP_SHAPES else maps.Shapes()


CIRCLES = (
    "budget",
    "people",
)  # what the circles of the world map can be sized by; the first where nobody asked


def world_maps(rows: Sequence[OperationRow], measure: str = CIRCLES[0]) -> dict[str, Any]:
    """The operations on a world map, as circles of the size of their budget or people (of ``CIRCLES``)."""
    points, marked = [], set()
    for row in rows:
        content, value = row.profile.content, getattr(row, measure)
        marked |= {countries.alpha3(code) for code in content["countries"]}
        if content["latitude"] is None:
            continue
        text = value.reason
        if value.number is not None:
            text = (
                _("budget of %s") % print_millions(value.number)
                if measure == "budget"
                else _("%s people") % print_number(value.number)
            )
        points.append(
            maps.Point(
                key=row.profile.slug,
                name=row.profile.name,
                longitude=float(content["longitude"]),
                latitude=float(content["latitude"]),
                value=None if value.number is None else float(value.number),
                url=reverse("operations:operation", args=[row.profile.slug]),
                text=text,
            )
        )
    options = {
        "marked": sorted(marked),
        "outlines": settings.MAP_OUTLINES_WORLD,
        "shapes": map_shapes(),
    }
    return {
        "wide": maps.world(points, **options),
        "narrow": maps.world(points, width=400, height=200, largest=14, **options),
        "marked": options["marked"],
        "measure": measure,
    }
