from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import markdown
from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from .drawings import (
    lead_sentence,
    money_chart,
    office_list,
    operation_maps,
    people_chart,
    pillar_chart,
    world_maps,
)
from .models import TextKind
from .overview import Overview, by_region, sum_rows
from .pages import OperationPage, Text


def public_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For reading alone: every other method is answered with 405, without asking for a CSRF token first."""
    return csrf_exempt(require_safe(view))


@public_page
def home(request: HttpRequest) -> HttpResponse:
    overview = Overview.load()
    rows = overview.rows(overview.usual_year) if overview.usual_year else []
    return render(
        request,
        "operations/home.html",
        {
            "year": overview.usual_year,
            "totals": {measure: sum_rows(rows, measure) for measure in ("people", "budget", "expenditure")},
            "regions": by_region(rows),
            "maps": world_maps(rows),
        },
    )


@public_page
def operations(request: HttpRequest) -> HttpResponse:
    overview = Overview.load()
    year = chosen_year(request, overview)
    region = request.GET.get("region", "")
    words = request.GET.get("q", "").replace("\0", "").strip()[:100]
    if region not in dict(overview.regions):
        region = ""
    rows = overview.rows(year, region, words) if year else []
    return render(
        request,
        "operations/operations.html",
        {
            "year": year,
            "years": overview.years,
            "region": region,
            "words": words,
            "region_choices": overview.regions,
            "regions": by_region(rows),
            "totals": {measure: sum_rows(rows, measure) for measure in ("people", "budget", "expenditure")},
            "maps": world_maps(rows),
        },
    )


def chosen_year(request: HttpRequest, overview: Overview) -> int | None:
    """The year asked for, if it has any figure; else the usual one."""
    asked = asked_year(request)
    return asked if asked in overview.years else overview.usual_year


def asked_year(request: HttpRequest) -> int | None:
    """The year in an address such as ``?year=2021``; ``None`` where there is none or it is not one."""
    asked = request.GET.get("year", "")
    return int(asked) if asked.isdecimal() and len(asked) == 4 else None


@public_page
def operation(request: HttpRequest, slug: str, year: int | None = None) -> HttpResponse:
    return show_operation(request, load_page(slug, year))


def show_operation(
    request: HttpRequest, page: OperationPage, template: str = "operations/operation.html", **more: Any
) -> HttpResponse:
    """A page of an operation: as released, as it once stood, or with a draft in it."""
    profile = page.profile
    people = profile.people(page.year)
    offices = office_list(profile)
    context = {
        "page": page,
        "profile": profile,
        "lead": lead_sentence(page, people),
        "key_figures": [(key_figures_title(text), text) for text in page.key_figure_texts],
        "people": people,
        "people_chart": people_chart(people),
        "people_not_broken_down": profile.people_not_broken_down(page.year),
        "money": profile.money(page.year),
        "money_chart": money_chart(page),
        "offices": offices,
        "maps": operation_maps(profile, offices),
    }
    return render(request, template, {**context, **more})


def key_figures_title(text: Text) -> str:
    words = {"year": text.edition.year}
    return (
        _("Year-end %(year)s") % words
        if text.edition.kind == TextKind.YEAR_END
        else _("Planned for %(year)s") % words
    )


@public_page
def pillars(request: HttpRequest, slug: str, year: int) -> HttpResponse:
    page = load_page(slug, year)
    drawn = [pillar_chart(page, measure) for measure in ("budget", "funds_available", "expenditure")]
    if not any(drawn):
        raise Http404(_("No figures by pillar are released for this operation."))
    return render(
        request,
        "operations/pillars.html",
        {"page": page, "profile": page.profile, "charts": [chart for chart in drawn if chart]},
    )


def load_page(slug: str, year: int | None) -> OperationPage:
    page = OperationPage.load(slug, year, get_language() or "en")
    if page is None:
        raise Http404(_("Nothing is released at this address."))
    return page


@public_page
def methodology(request: HttpRequest) -> HttpResponse:
    text = (Path(settings.BASE_DIR) / "docs" / "calculations.md").read_text(encoding="utf-8")
    body = markdown.markdown(text, extensions=["tables", "toc", "attr_list"], output_format="html")
    return render(request, "operations/methodology.html", {"body": mark_safe(body)})  # noqa: S308 — our own file


def healthz(request: HttpRequest) -> HttpResponse:
    """200 where the process runs and its database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok", content_type="text/plain")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    return render(request, "500.html", status=500)
