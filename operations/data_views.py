"""The data beside the pages: the same address with ``.csv``, ``.xlsx`` or ``.json``; and the list of all tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, groupby, islice
from typing import Any

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from . import comparing, dataset_files, finding
from .dataset_files import About, TooManyRows
from .datasets import REGISTRY, Asked, Dataset, Row, UnknownValue
from .dictionary import (
    CHANGES,
    EDITIONS,
    FIGURES,
    FINANCE,
    KEY_FIGURES,
    OFFICES,
    OPERATION_YEARS,
    POPULATION,
    TEXTS,
    all_released,
    year_row,
)
from .models import Agency, Edition
from .overview import OperationRow, chosen_year, load_overview, row_of
from .pages import OperationPage
from .readers import public_page
from .regions import Tree
from .views import edition_of, load_page

KINDS = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv-metadata.json": "application/csvm+json",
}
# What an address says besides its filters.
NO_FILTERS = ("as_of", "hxl", "sort", "page", "before", "after", "circles", "language")
MOST_CHANGES = 300  # that the page shows; the file has them all
Part = tuple[Dataset, Iterable[Row]]


class DataKind:
    """In an address: the form in which data are asked for."""

    regex = "csv-metadata\\.json|csv|json|xlsx"

    def to_python(self, value: str) -> str:
        return value

    to_url = to_python


# --- Answers -----------------------------------------------------------------------------------------


def asked_of(request: HttpRequest, **filters: Any) -> Asked:
    """What an address asks for, with these filters besides."""
    given = {name: value.strip() for name, value in request.GET.items() if name not in NO_FILTERS}
    given |= {name: str(value) for name, value in filters.items() if value}
    return Asked(request.at, {n: v for n, v in given.items() if v}, request.build_absolute_uri("/")[:-1])


def about(request: HttpRequest, title: str, description: str, page: str, notes: str = "") -> About:
    agency = Agency.current()
    return About(
        title=title,
        description=description,
        address=request.build_absolute_uri(),
        page=request.build_absolute_uri(page),
        publisher=agency.shown_name,
        licence=agency.licence,
        licence_url=agency.licence_url,
        at=request.at,
        is_past=request.as_of is not None,
        notes=notes,
        dictionary=request.build_absolute_uri(reverse("operations:data")),
    )


def refused(error: UnknownValue) -> HttpResponse:
    """What an address asks for and nobody has: in the words that the API uses (RFC 9457)."""
    body = {
        "type": "about:blank",
        "title": "Unknown filter",
        "status": 400,
        "detail": str(error),
        "parameter": error.name,
    }
    return JsonResponse(body, status=400, content_type="application/problem+json")


def answer(
    request: HttpRequest, kind: str, name: str, parts: Sequence[Part], described: About
) -> HttpResponse:
    """Of the first part as CSV, of all as XLSX or JSON. ``name``: of the file, without its ending."""
    hxl = request.GET.get("hxl") in ("1", "true")
    dataset = parts[0][0]
    try:
        if kind == "csv-metadata.json":
            described = replace(described, address=described.address.replace(".csv-metadata.json", ".csv", 1))
            response: Any = JsonResponse(dataset_files.csvw(dataset, described), content_type=KINDS[kind])
        elif kind == "xlsx":
            response = FileResponse(dataset_files.workbook(parts, described, hxl), content_type=KINDS[kind])
        elif kind == "csv":
            lines = dataset_files.csv_lines(dataset, begun(parts[0][1]), hxl)
            response = StreamingHttpResponse(lines, content_type=KINDS[kind])
            path = request.path.removesuffix("csv") + "csv-metadata.json"
            query = request.META.get("QUERY_STRING", "")
            companion = path + (f"?{query}" if query else "")
            response["Link"] = f'<{companion}>; rel="describedby"; type="application/csvm+json"'
        elif len(parts) == 1:
            lines = dataset_files.json_lines(dataset, begun(parts[0][1]), described, hxl)
            response = StreamingHttpResponse(lines, content_type=KINDS[kind])
        else:
            response = StreamingHttpResponse(several(parts, described), content_type=KINDS[kind])
    except UnknownValue as error:
        return refused(error)
    except TooManyRows:
        said = "A spreadsheet holds 1,048,575 lines, and these are more. Take the CSV, or narrow the list by year."
        return refused(UnknownValue("kind", said))
    shown = "inline" if kind == "csv-metadata.json" else "attachment"
    response["Content-Disposition"] = f'{shown}; filename="{name}.{kind}"'
    response["Access-Control-Allow-Origin"] = "*"
    patch_vary_headers(response, ["Accept-Encoding"])
    return response


def begun(rows: Iterable[Row]) -> Iterator[Row]:
    """The same rows, asked for the first now: what is wrong with the question is said before an answer begins."""
    rows = iter(rows)
    first = list(next_of(rows))
    return chain(first, rows)


def next_of(rows: Iterator[Row]) -> Iterator[Row]:
    for row in rows:
        yield row
        return


def several(parts: Sequence[Part], described: About) -> Iterator[str]:
    """One object: ``meta``, and under the name of each dataset its rows."""
    yield f'{{"meta": {dataset_files.written(dataset_files.meta(None, described))}'
    for dataset, rows in parts:
        yield f',\n"{dataset.name}": ['
        yield from dataset_files.objects(dataset, rows)
        yield "\n]"
    yield "}\n"


def of_dataset(
    request: HttpRequest, dataset: Dataset, kind: str, name: str, page: str, **filters: Any
) -> HttpResponse:
    """A dataset as the address narrows it."""
    asked = asked_of(request, **filters)
    try:
        dataset.check(asked.filters)
    except UnknownValue as error:
        return refused(error)
    described = about(request, dataset.title, dataset.description, page)
    return answer(request, kind, name, [(dataset, dataset.rows(asked))], described)


# --- All tables --------------------------------------------------------------------------------------


@public_page
def data(request: HttpRequest) -> HttpResponse:
    """Every table with its columns: the dictionary."""
    has_archive = bool(settings.DATA_ARCHIVE and settings.DATA_ARCHIVE.is_file())
    return render(request, "operations/data.html", {"datasets": list(REGISTRY), "has_archive": has_archive})


@public_page
def archive(request: HttpRequest) -> HttpResponse:
    """All tables as one file, as ``export_data`` last left it."""
    if not settings.DATA_ARCHIVE or not settings.DATA_ARCHIVE.is_file():
        raise Http404
    return FileResponse(settings.DATA_ARCHIVE.open("rb"), as_attachment=True, filename="openfield.zip")


@public_page
def changes(request: HttpRequest) -> HttpResponse:
    """What later releases changed, with the old and the new value; since a day, where one is asked for."""
    since = request.GET.get("since", "").strip()
    asked = Asked(request.at, {"since": since} if since else {})
    problem = ""
    try:
        CHANGES.check(asked.filters)
    except UnknownValue:
        asked, problem = Asked(request.at), since[:20]
    corrections_only = request.GET.get("is_correction") == "true"
    if corrections_only:
        asked = asked.narrowed(is_correction="true")
    rows = list(islice(CHANGES.rows(asked), MOST_CHANGES + 1))
    known = {one.code: one.profile for one in all_released(asked)}
    by_release = groupby(rows[:MOST_CHANGES], key=lambda row: (row["edition"], row["changed_at"]))
    groups = [change_group(list(group), known) for _release, group in by_release]
    context = {
        "groups": groups, "since": asked.filters.get("since", ""), "problem": problem,
        "corrections_only": corrections_only, "is_cut": len(rows) > MOST_CHANGES, "most": MOST_CHANGES,
    }  # fmt: skip
    return render(request, "operations/changes.html", context)


def change_group(rows: list[Row], known: dict[str, Any]) -> dict[str, Any]:
    """What one release changed, and of which text."""
    first = rows[0]
    text = Edition(kind=first["kind"], year=first["year"])
    return {**first, "profile": known[str(first["operation"])], "text": text, "rows": rows}


@public_page
def changes_file(request: HttpRequest, kind: str) -> HttpResponse:
    return of_dataset(request, CHANGES, kind, "changes", reverse("operations:changes"))


@public_page
def dataset(request: HttpRequest, name: str, kind: str) -> HttpResponse:
    found = REGISTRY.get(name)
    if found is None:
        raise Http404
    page = f"{reverse('operations:data')}#{name}"
    return of_dataset(request, found, kind, name, page)


# --- Beside the pages --------------------------------------------------------------------------------


@public_page
def operations(request: HttpRequest, kind: str) -> HttpResponse:
    """The list of a year, narrowed and sorted as the page is; 400 for what the page would leave out."""
    overview = load_overview(request)
    tree = Tree.load(overview)
    kinds = {profile.content["kind"] for profile in overview.profiles}
    asked = finding.Asked.read(request.GET, chosen_year(request, overview), tree.used, kinds)
    if asked.unknown:
        name = asked.unknown[0]
        return refused(UnknownValue(name, f"Nothing is published for the {name} “{request.GET[name]}”."))
    return of_rows(request, kind, f"operations-{asked.year}", asked.narrow(overview, tree), asked.url())


@public_page
def region(request: HttpRequest, code: str, kind: str) -> HttpResponse:
    """The operations of a region in the year that its page shows."""
    overview = load_overview(request)
    tree = Tree.load(overview)
    known = tree.named(code)
    if known is None:
        raise Http404
    here = overview.within(tree.within(known))
    asked = chosen_year(request, overview)
    year = asked if asked in here.years else here.usual_year
    page = reverse("operations:region", args=[known.lower()]) + (f"?year={year}" if year else "")
    return of_rows(request, kind, f"{known.lower()}-{year}", here.rows(year) if year else [], page)


@public_page
def compare(request: HttpRequest, kind: str) -> HttpResponse:
    """The years of the operations that are compared, in the order of the page."""
    sides = comparing.sides_asked(request, load_overview(request))
    rows = [row_of(side.profile, side.year) for side in sides]
    return of_rows(request, kind, "compared", rows, reverse("operations:compare"))


def of_rows(
    request: HttpRequest, kind: str, name: str, rows: Sequence[OperationRow], page: str
) -> HttpResponse:
    """The rows of a list of operations, as they stand on its page."""
    asked = Asked(request.at, {}, request.build_absolute_uri("/")[:-1])
    released = {one.code: one for one in all_released(asked)}
    found = [year_row(asked, released[row.profile.code], row.year) for row in rows]
    described = about(request, OPERATION_YEARS.title, OPERATION_YEARS.description, page)
    return answer(request, kind, name, [(OPERATION_YEARS, found)], described)


# What belongs to the page of an operation's year; other apps add theirs.
OF_PAGE: list[Dataset] = [POPULATION, FINANCE, KEY_FIGURES, TEXTS, OFFICES, EDITIONS]
WITHOUT_YEAR = ("offices", "editions")


@public_page
def operation(request: HttpRequest, slug: str, kind: str, year: int | None = None) -> HttpResponse:
    return of_page(request, load_page(request, slug, year), kind)


@public_page
def edition(request: HttpRequest, pk: int, kind: str, year: int | None = None) -> HttpResponse:
    """Of an edition's page, as it stood."""
    page, _more = edition_of(request, pk, year)
    return of_page(request, page, kind, f"edition-{pk}")


def of_page(request: HttpRequest, page: OperationPage, kind: str, name: str = "") -> HttpResponse:
    """All tables of a page: as CSV its figures by year and as XLSX or JSON each table by itself."""
    slug, year = page.profile.slug, page.year
    asked = asked_of(request, operation=slug, year=year)
    datasets = OF_PAGE if kind in ("xlsx", "json") else [FIGURES]
    parts = [(dataset, rows_of_page(dataset, asked)) for dataset in datasets]
    title = f"{page.profile.name} {year or ''}".strip()
    path = (
        reverse("operations:year", args=[slug, year])
        if year
        else reverse("operations:operation", args=[slug])
    )
    described = replace(
        about(request, title, "The figures and texts of the page of an operation's year.", path),
        editions="Editions: " + ", ".join(str(edition.pk) for edition in page.editions) + ".",
    )
    return answer(request, kind, name or f"{slug}-{year}", parts, described)


def rows_of_page(dataset: Dataset, asked: Asked) -> Iterable[Row]:
    filters = {} if dataset.name not in WITHOUT_YEAR else {"year": ""}
    return dataset.rows(asked.narrowed(**filters))


@public_page
def table(request: HttpRequest, slug: str, year: int, name: str, kind: str) -> HttpResponse:
    """One table of a page."""
    page = load_page(request, slug, year)
    found = next((dataset for dataset in [*OF_PAGE, CHANGES] if dataset.name == name), None)
    if found is None:
        raise Http404
    path = reverse("operations:year", args=[slug, year])
    filters = {"operation": page.profile.slug} | ({} if name in WITHOUT_YEAR else {"year": year})
    return of_dataset(request, found, kind, f"{slug}-{year}-{name}", path, **filters)
