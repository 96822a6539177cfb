"""Every public page for search engines, in every language, with the day on which it last changed."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import override

from .asked import asked_number
from .models import Edition, TextKind
from .overview import Overview
from .readers import public_page
from .regions import Tree

AT_ONCE = 2_500  # pages in one file; each is listed once a language, with a link to all the others


@dataclass(frozen=True)
class SitePage:
    """A public page: the name and parts of its address, and when something on it was last released or withdrawn."""

    name: str
    parts: tuple[Any, ...] = ()
    changed_at: dt.datetime | None = None


Pages = Callable[[dt.datetime], Iterable[SitePage]]


@public_page
def sitemap(request: HttpRequest, sources: list[Pages]) -> HttpResponse:
    """The pages that ``sources`` know of at the moment of the request; an index of files where they are many."""
    files = Paginator([page for source in sources for page in source(request.at)], AT_ONCE)
    asked = asked_number(request, "file")
    if "file" in request.GET and asked not in files.page_range:
        raise Http404
    here = f"{request.scheme}://{request.get_host()}"
    if not asked and files.num_pages > 1:
        template, context = "operations/sitemap_index.xml", {"here": here, "files": files.page_range}
    else:
        starts = [(code, here + start) for code, start in first_parts()]
        context = {"pages": [entry(page, starts) for page in files.page(asked or 1)]}
        template = "operations/sitemap.xml"
    return render(request, template, context, content_type="application/xml")


def first_parts() -> list[tuple[str, str]]:
    """What the addresses begin with in each language; they differ in nothing else."""
    found = []
    for code, _name in settings.LANGUAGES:
        with override(code):
            found.append((code, reverse("operations:home")))
    return found


def entry(page: SitePage, starts: list[tuple[str, str]]) -> dict[str, Any]:
    """The page's address in each language with the links to all of them, and when it changed."""
    path = reverse(page.name, args=page.parts).removeprefix(reverse("operations:home"))
    addresses = [(code, start + path) for code, start in starts]
    links = format_html_join(
        "",
        '<xhtml:link rel="alternate" hreflang="{}" href="{}"/>',
        [*addresses, ("x-default", addresses[0][1])],
    )
    return {
        "addresses": addresses,
        "links": links,
        "changed_at": page.changed_at and page.changed_at.isoformat(),
    }


def pages(at: dt.datetime) -> list[SitePage]:
    """The pages of this app, each operation's years and their history: three queries, and one after a release."""
    shown = Edition.objects.released(at) | Edition.objects.withdrawn(at)
    by_slug: dict[str, list[Any]] = defaultdict(list)
    fields = ("operation__slug", "kind", "year", "released_at", "withdrawn_at")
    for row in shown.values_list(*fields, named=True):
        by_slug[row.operation__slug].append(row)
    overview = Overview.load(at, keep=False)
    profiles, tree = overview.profiles, Tree.load(overview)
    newest = max((changed(rows, {None}) for rows in by_slug.values() if has_profile(rows)), default=None)
    found = [SitePage("operations:home", (), newest), SitePage("operations:operations", (), newest)]
    found += map(
        SitePage,
        (
            "operations:methodology",
            "operations:about_data",
            "operations:data",
            "operations:api",
            "operations:changes",
            "operations:accessibility",
        ),
    )
    for code in tree.order:
        within = overview.within(tree.within(code)).profiles
        at_region = max(
            filter(None, (changed(by_slug[profile.slug], {None}) for profile in within)), default=None
        )
        found.append(SitePage("operations:region", (code.lower(),), at_region))
    for profile in profiles:
        rows = by_slug[profile.slug]
        years = {row.year for row in rows if row.year and not row.withdrawn_at} | set(profile.years)
        if not years:
            found.append(SitePage("operations:operation", (profile.slug,), changed(rows, {None})))
        has_pillars = profile.has_pillars and any(
            map(profile.has_measure, ("budget", "funds_available", "expenditure"))
        )
        for year in sorted(years):
            parts = (profile.slug, year)
            at_year = changed(
                rows, {None, (year, TextKind.YEAR_END), (year, TextKind.PLAN), (year + 1, TextKind.PLAN)}
            )
            found += [
                SitePage("operations:year", parts, at_year),
                SitePage("operations:history", parts, at_year),
            ]
            if has_pillars:
                found.append(SitePage("operations:pillars", parts, changed(rows, {None})))
    return found


def has_profile(rows: list[Any]) -> bool:
    return any(row.year is None for row in rows)


def changed(rows: list[Any], on_page: set) -> dt.datetime | None:
    """When the newest of the texts of a page (None: the profile) was released or withdrawn."""
    times = (
        row.withdrawn_at or row.released_at
        for row in rows
        if ((row.year, row.kind) if row.year else None) in on_page
    )
    return max(times, default=None)
