"""The charts and the map of an operation's page, each at an address of its own: to embed, and as a file; and its card."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from functools import partial
from typing import Any

from csp.decorators import csp_replace
from django.conf import settings
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import get_language, get_language_bidi
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_exempt

from . import charts, figure_files, maps
from .drawings import (
    isolated,
    locator_options,
    money_chart,
    office_list,
    operation_maps,
    people_chart,
    people_years_chart,
    pillar_chart,
    print_day,
    print_number,
)
from .figure_files import Card, Figure
from .models import Agency
from .pages import OperationPage
from .profiles import MEASURES, Value
from .readers import public_page
from .tables import PlainXLSX
from .templatetags.figures import usd_short
from .templatetags.readers import keep
from .views import load_page

# By the name in its address what draws it, from a page; None where the page has none.
CHARTS = {
    "people": lambda page: people_chart(page.profile.people(page.year)),
    "people-years": people_years_chart,
    "money": money_chart,
} | {f"pillars-{m.replace('_', '-')}": partial(pillar_chart, measure=m) for m in MEASURES}
KEPT_FOR = 7 * 24 * 3600  # seconds
TABLE_FILES = {
    "csv": (lambda found: figure_files.csv(found.table), "text/csv; charset=utf-8"),
    "xlsx": (lambda found: figure_files.xlsx(found.table), PlainXLSX.content_type),
    "json": (figure_files.json, "application/json"),
}

Chart = charts.Chart | None


# --- Figures -----------------------------------------------------------------------------------------


def figure_of(request: HttpRequest, page: OperationPage, name: str) -> tuple[Figure, Chart]:
    """The figure of this name as a file shows it and, for a page, its chart; ``Http404`` where there is none."""
    chart: Chart = None
    if name == "map":
        drawn, table = locator(page, *figure_files.MAP_SIZE), office_table(page)
        title, sentence = map_title(page), ""
        key, unit = (), ""
    else:
        chart = CHARTS[name](page) if name in CHARTS else None
        if chart:
            drawn, table, title, sentence = chart.wide, chart.table, chart.title, chart.say
            key, unit = chart.key, chart.unit
        else:
            drawn = None
    if drawn is None:
        raise Http404(_("No figure of this name is released for this page."))
    figure = Figure(
        name=name,
        place=place(page),
        title=title,
        sentence=sentence,
        drawing=drawn,
        table=table,
        source=[
            *source_lines(page, name, drawn),
            edition_line(page),
            *([demo_line()] if settings.DEMO else []),
        ],
        address=page_address(request, page),
        key=key,
        unit=unit,
        colour=Agency.current().colour,
    )
    return figure, chart


def place(page: OperationPage) -> str:
    return f"{page.profile.name} {page.year}"


def page_address(request: HttpRequest, page: OperationPage) -> str:
    path = reverse("operations:year", args=[page.profile.slug, page.year])
    return request.build_absolute_uri(keep({"request": request}, path))


def source_lines(page: OperationPage, name: str, drawn: charts.Drawing | maps.LocatorMap) -> list[str]:
    if name == "map":
        words = _(
            "The boundaries and names shown and the designations used on this map do not imply official endorsement "
            "or acceptance by the United Nations."
        )
        dashed = _("A dashed border marks a shape whose status is disputed.")
        return [dashed, words] if drawn.has_disputed else [words]
    if name in ("people", "people-years"):
        return [source_line(page.profile.people(page.year).total)]
    measure = name.removeprefix("pillars-").replace("-", "_") if name.startswith("pillars-") else "budget"
    return [source_line(page.profile.amount(page.year, measure))]


def source_line(value: Value) -> str:
    """Empty where no source is given, and then no line."""
    if not value.source:
        return ""
    words = {"source": isolated(value.source), "day": value.as_of and print_day(parse_date(value.as_of))}
    return (_("Source: %(source)s, as of %(day)s") if value.as_of else _("Source: %(source)s")) % words


def edition_line(page: OperationPage) -> str:
    day = timezone.localtime(page.profile_edition.released_at).date()
    return f"{Agency.current().shown_name} · {_('Edition of %(day)s') % {'day': print_day(day)}}"


def demo_line() -> str:
    return _(
        "A demonstration, built on figures that UNHCR published between 2015 and November 2021. It is not a site of "
        "UNHCR, and its texts were written for the demonstration."
    )


def map_title(page: OperationPage) -> str:
    return _("Map of %(name)s with its offices") % {"name": page.profile.name}


def locator(page: OperationPage, width: int, height: int) -> maps.LocatorMap | None:
    options = locator_options(page.profile, office_list(page.profile))
    return options and maps.locator(width=width, height=height, **options)


def office_table(page: OperationPage) -> charts.Table | None:
    """The offices; ``None`` without any. Of an approximate place as much as is meant: some 10 kilometres."""
    offices = office_list(page.profile)
    if not offices:
        return None

    def degrees(office: dict[str, Any], axis: str) -> charts.Cell:
        if not office["has_place"]:
            return charts.Cell("", numeric=True)
        value = Decimal(str(office[axis]))
        value = round(value, 1) if office["is_approximate"] else value
        return charts.Cell(str(value), numeric=True, value=value)

    rows = [
        [
            charts.Cell(office["name"]),
            charts.Cell(office["kind_label"]),
            degrees(office, "longitude"),
            degrees(office, "latitude"),
            charts.Cell("yes" if office["is_approximate"] else "no"),
        ]
        for office in offices
    ]
    keys = ["name", "kind", "longitude", "latitude", "is_approximate"]
    return charts.Table(map_title(page), keys, rows, keys)


def card_of(page: OperationPage) -> Card:
    people, money = page.profile.people(page.year).total, page.profile.money(page.year)
    figures = [
        (people, print_number, Agency.current().shown_people),
        (money.budget, usd_short, _("Budget")),
        (money.expenditure, usd_short, _("Expenditure")),
    ]
    return Card(
        agency=Agency.current().shown_name,
        name=page.profile.name,
        year=str(page.year),
        figures=[
            ("–", f"{label} ({value.reason})" if value.reason else label)
            if value.number is None
            else (printed(value.number), label)
            for value, printed, label in figures
        ],
        map=locator(page, *figure_files.CARD_MAP),
        colour=Agency.current().colour,
    )


class FileKind:
    """In the address of a file."""

    regex = "svg|png|csv|xlsx|json"

    def to_python(self, value: str) -> str:
        return value

    to_url = to_python


# --- Views -------------------------------------------------------------------------------------------


@xframe_options_exempt
@csp_replace({"frame-ancestors": ["*"]})
@public_page
def figure(request: HttpRequest, slug: str, year: int, name: str) -> HttpResponse:
    """The figure alone, for a frame on a page of any site: it has links, and nothing to press or to send."""
    page = load_page(request, slug, year)
    found, chart = figure_of(request, page, name)
    offices = office_list(page.profile) if name == "map" else []
    path = reverse("operations:year", args=[slug, year])
    context = {
        "figure": found,
        "chart": chart,
        "address": keep({"request": request}, path),
        "canonical": path,
        "offices": [office for office in offices if office["has_place"]],
        "maps": operation_maps(page.profile, offices) if name == "map" else None,
    }
    return render(request, "operations/figure.html", context)


@public_page
def figure_file(request: HttpRequest, slug: str, year: int, name: str, kind: str) -> HttpResponse:
    found, _chart = figure_of(request, load_page(request, slug, year), name)
    return file_response(request, found, kind, f"{slug}-{year}-{name}")


def file_response(request: HttpRequest, found: Figure, kind: str, file_name: str) -> HttpResponse:
    """The figure as a file of this kind; ``file_name`` is without its ending."""
    if kind in TABLE_FILES:
        if found.table is None:
            raise Http404(_("This figure has no table."))
        make, content_type = TABLE_FILES[kind]
        content = make(found)
    else:
        content, content_type = figure_files.figure_svg(found, *writing()).encode(), "image/svg+xml"
        if kind == "png":
            content, content_type = kept_png(request, content.decode()), "image/png"
    response = HttpResponse(content, content_type=content_type)
    shown = "attachment" if kind in TABLE_FILES else "inline"
    response["Content-Disposition"] = f'{shown}; filename="{file_name}.{kind}"'
    return response


@public_page
def card(request: HttpRequest, slug: str, year: int) -> HttpResponse:
    """The picture of the page for where its address is shared."""
    page = load_page(request, slug, year)
    svg = figure_files.card_svg(card_of(page), *writing())
    return HttpResponse(kept_png(request, svg, scale=1), content_type="image/png")


def writing() -> tuple[str, bool]:
    return get_language() or "en", get_language_bidi()


def kept_png(request: HttpRequest, svg: str, scale: int = figure_files.PNG_SCALE) -> bytes:
    """The dots of the drawing, kept under what they were drawn from; not those of the past."""
    if request.as_of:
        return figure_files.png(svg, scale)
    key = f"figure:{figure_files.VERSION}:{scale}:{hashlib.sha256(svg.encode()).hexdigest()}"
    return cache.get_or_set(key, lambda: figure_files.png(svg, scale), KEPT_FOR)
