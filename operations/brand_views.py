"""The agency's colours and logo at addresses that change with them, and the page that shows every element."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from . import brand, charts, maps
from .drawings import print_number
from .models import Agency

YEAR = 31_536_000  # seconds


@require_safe
def stylesheet(request: HttpRequest, version: str) -> HttpResponse:
    agency = current(version, "stylesheet_version")
    if not agency.colour:
        raise Http404
    return kept(
        HttpResponse(agency.stylesheet, content_type="text/css"), version == agency.stylesheet_version
    )


@require_safe
def logo(request: HttpRequest, version: str) -> HttpResponse:
    agency = current(version, "logo_version")
    if not agency.logo_version:
        raise Http404
    image = Agency.objects.values_list("logo", flat=True).get()
    return kept(HttpResponse(bytes(image), content_type="image/webp"), version == agency.logo_version)


def current(version: str, name: str) -> Agency:
    """Read anew where the address is not of what this process knows: another one may know better."""
    agency = Agency.current()
    return agency if getattr(agency, name) == version else Agency.current(fresh=True)


def kept(response: HttpResponse, is_newest: bool) -> HttpResponse:
    """An address names its content; at an old one stands what is there now, and is not kept."""
    if is_newest:
        patch_cache_control(response, public=True, immutable=True, max_age=YEAR)
    else:
        patch_cache_control(response, no_cache=True)
    return response


# --- The page of the design -----------------------------------------------------------------------

SCALE = ["step--1", "step-0", "step-1", "step-2", "step-3"]
SPACES = [("s1", 6), ("s2", 11), ("s3", 18), ("s4", 28), ("s5", 44), ("s6", 68)]  # px where 1rem is 16
SAMPLE_YEARS = ["2017", "2018", "2019", "2020", "2021"]


def design(request: HttpRequest) -> HttpResponse:
    """Every element in every state, by the site's own templates and stylesheet; for staff, in English."""
    css = (settings.BASE_DIR / "static/site/site.css").read_text(encoding="utf-8")
    light, dark = brand.tokens(css)
    context = {
        "tokens": [(name, light[name], dark[name]) for name in light],
        "pairs": [
            (text, ground, _pair(light, text, ground), _pair(dark, text, ground))
            for text, grounds in brand.TEXT.items()
            for ground in grounds
        ],
        "scale": SCALE,
        "spaces": SPACES,
        "charts": {"bars": _bars(), "rows": _rows(), "stacked": _stacked()},
        "map": _map(),
    }
    return render(request, "operations/design.html", context)


def _pair(colours: dict[str, str], text: str, ground: str) -> tuple[str, str, str]:
    return colours[text], colours[ground], brand.printed(brand.contrast(colours[text], colours[ground]))


def _chart(title: str, wide: Any, narrow: Any, heads: list[str], rows: list, key: list | None = None) -> Any:
    cells = [[charts.Cell(row[0]), *(_cell(value) for value in row[1:])] for row in rows]
    table = charts.Table(title, heads, cells, heads)
    said = "A sentence made from the figures says what the drawing shows."
    return charts.Chart(
        title=title, summary=said, wide=wide, narrow=narrow, table=table, say=said, key=key or []
    )


def _cell(value: int | None) -> charts.Cell:
    if value is None:
        return charts.Cell("", numeric=True, missing_reason="Not yet known")
    return charts.Cell(print_number(Decimal(value)), numeric=True, value=Decimal(value))


def _numbers(*values: int | None) -> list[Decimal | None]:
    return [None if value is None else Decimal(value) for value in values]


def _bars() -> charts.Chart:
    budget, spent = (None, None, 20, 49, 61), (None, None, 14, 20, None)
    series = [
        charts.Series("Budget", "s-budget", _numbers(*budget)),
        charts.Series("Expenditure", "s-expenditure", _numbers(*spent)),
    ]
    gap = "the operation did not exist"
    options = {"gaps": [gap, gap, None, None, None], "current": "2020", "number": print_number}
    return _chart(
        "Bars by year, with a gap",
        charts.year_bars(SAMPLE_YEARS, series, **options),
        charts.year_rows(SAMPLE_YEARS, series, **options),
        ["Year", "Budget", "Expenditure"],
        list(zip(SAMPLE_YEARS, budget, spent, strict=True)),
        series,
    )


def _rows() -> charts.Chart:
    people = [("Asylum-seekers", 496095), ("Others of concern", 554365), ("Stateless people", None)]
    items = [
        charts.Item(name, None if n is None else Decimal(n), note="" if n else "Not yet known")
        for name, n in people
    ]
    return _chart(
        "Lying bars, one missing",
        charts.rows(items, number=print_number),
        charts.rows(items, width=charts.NARROW, number=print_number),
        ["Type", "People"],
        people,
    )


def _stacked() -> charts.Chart:
    values = [[9 - n + year for year in range(5)] for n in range(8)]
    series = [charts.Series(f"Part {n}", f"s-{n}", _numbers(*values[n - 1])) for n in range(1, 9)]
    totals = _numbers(*(sum(line[year] for line in values) for year in range(5)))
    options = {"totals": totals, "current": "2020", "number": print_number}
    return _chart(
        "Parts of a whole, in eight series",
        charts.stacked(SAMPLE_YEARS, series, **options),
        charts.stacked(SAMPLE_YEARS, series, width=charts.NARROW, **options),
        ["Year", *(one.label for one in series)],
        [[year, *(line[i] for line in values)] for i, year in enumerate(SAMPLE_YEARS)],
        series,
    )


def _map() -> maps.LocatorMap:
    offices = [
        maps.Office("lima", "Lima", -77.03, -12.05, "country office", 0),
        maps.Office("tacna", "Tacna", -70.25, -18.01, "field office", 1, True),
    ]
    return maps.locator(
        longitude=None,
        latitude=None,
        zoom=None,
        width=560,
        height=400,
        countries=["PER"],
        offices=offices,
        names={},
        outlines=settings.MAP_OUTLINES,
    )
