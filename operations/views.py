from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import markdown
from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from .asked import asked_number
from .changes import permanent_address, since, with_moment
from .drawings import (
    CIRCLES,
    lead_sentence,
    money_chart,
    office_list,
    operation_maps,
    people_chart,
    people_years_chart,
    pillar_chart,
    world_maps,
)
from .history import history as history_of
from .history import page_of, released_edition, replacement
from .models import TextKind
from .overview import by_region, load_overview, totals_of
from .pages import OperationPage, Text, first_moment, withdrawn_from_address
from .readers import Withdrawn, ask_anew, at_first, public_page


@public_page
def home(request: HttpRequest) -> HttpResponse:
    overview = load_overview(request)
    rows = overview.rows(overview.usual_year) if overview.usual_year else []
    rows = [row for row in rows if row.was_there]
    circles = request.GET.get("circles")
    return render(
        request,
        "operations/home.html",
        {
            "year": overview.usual_year,
            "totals": totals_of(rows),
            "regions": [(code, name, own, totals_of(own)) for code, name, own in by_region(rows)],
            "maps": world_maps(rows, circles if circles in CIRCLES else CIRCLES[0]),
            "circle_urls": {name: f"{request.path}?circles={name}" for name in CIRCLES},
        },
    )


@public_page
def operation(request: HttpRequest, slug: str, year: int | None = None) -> HttpResponse:
    return show_operation(request, load_page(request, slug, year))


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
        "key_figures": [
            (key_figures_title(text), text, figures)
            for text in page.key_figure_texts
            if (figures := page.unpaired(text))
        ],
        "paired_texts": [(key_figures_title(text), text) for text in (page.plan, page.year_end) if text]
        if page.pairs
        else [],
        "people": people,
        "people_chart": people_chart(people),
        "people_years_chart": people_years_chart(page),
        "people_not_broken_down": profile.people_not_broken_down(page.year),
        "money": profile.money(page.year),
        "money_chart": money_chart(page),
        "offices": offices,
        "maps": operation_maps(profile, offices),
    }
    if "permanent" not in more:
        context["permanent"] = permanent_address(page, request.at)
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
    page = load_page(request, slug, year)
    drawn = [pillar_chart(page, measure) for measure in ("budget", "funds_available", "expenditure")]
    if not any(drawn):
        raise Http404(_("No figures by pillar are released for this operation."))
    return render(
        request,
        "operations/pillars.html",
        {"page": page, "profile": page.profile, "charts": [chart for chart in drawn if chart]},
    )


@public_page
def history(request: HttpRequest, slug: str, year: int) -> HttpResponse:
    page = load_page(request, slug, year)
    older_than = asked_number(request, "older_than")
    found = history_of(slug, year, request.at, older_than)
    context = {"page": page, "profile": page.profile, "history": found, "is_newest": older_than is None}
    return render(request, "operations/history.html", context)


@public_page
def edition(request: HttpRequest, pk: int, year: int | None = None) -> HttpResponse:
    """The page as it stood when this edition was released, or at ``?as_of=`` after it, at its permanent address."""
    page, more = edition_of(request, pk, year)
    return show_operation(request, page, "operations/edition.html", **more)


def edition_of(request: HttpRequest, pk: int, year: int | None) -> tuple[OperationPage, dict[str, Any]]:
    """The page of an edition, and what it says of it; the request is from here on at that moment."""
    found = released_edition(pk, request.at)
    if found is None:
        raise Http404
    if found.withdrawn_at:
        raise Withdrawn([found])
    language, asked = get_language() or "en", request.GET.get("as_of", "").strip()
    newer = replacement(found, request.now)
    page, moment = page_of(found, newer, year, language, request.at, request.at if asked else None)
    if page is None:
        raise nothing_left(found.operation.slug, year or found.year, request.at)
    request.at, request.as_of = moment, None  # as it stood then; its links lead to the pages of today
    more: dict[str, Any] = {"permanent": with_moment(request.path, found, page, moment)} if asked else {}
    later = since(page, found, moment, language, request.now)
    return page, more | {"edition": found, "newer": newer, "since": later, "asked": asked}


def load_page(request: HttpRequest, slug: str, year: int | None) -> OperationPage:
    page = OperationPage.load(slug, year, get_language() or "en", request.at)
    if page is None:
        nothing = nothing_left(slug, year, request.at)
        if isinstance(nothing, Http404):
            at_first(request, None, lambda: first_moment(slug, year, request.now))
        raise nothing
    return page


def nothing_left(slug: str, year: int | None, at: dt.datetime) -> Exception:
    """Why there is no page: what stood there was withdrawn, or nothing ever did."""
    withdrawn = withdrawn_from_address(slug, year, get_language() or "en", at)
    return Withdrawn(withdrawn) if withdrawn else Http404()


@public_page
def methodology(request: HttpRequest) -> HttpResponse:
    return render(request, "operations/methodology.html", {"body": read_doc("calculations.md")})


@public_page
def api(request: HttpRequest) -> HttpResponse:
    """How programs ask for the data."""
    return render(request, "operations/api.html", {"body": read_doc("api.md")})


def read_doc(name: str) -> SafeString:
    """A document of the project as HTML."""
    text = (Path(settings.BASE_DIR) / "docs" / name).read_text(encoding="utf-8")
    extensions = ["tables", "toc", "attr_list", "fenced_code"]
    body = markdown.markdown(text, extensions=extensions, output_format="html")
    return mark_safe(body)  # noqa: S308 — our own file


def healthz(request: HttpRequest) -> HttpResponse:
    """200 where the process runs and its database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok", content_type="text/plain")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return ask_anew(render(request, "404.html", status=404))


def server_error(request: HttpRequest) -> HttpResponse:
    return render(request, "500.html", status=500)
