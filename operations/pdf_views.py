"""The page of an operation as a PDF: of its year, as it once stood, and of an edition for ever."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.utils.translation import get_language

from . import pdf
from .pages import OperationPage
from .readers import public_page
from .views import edition_of, load_page, show_operation

AGAIN = 10  # seconds after which a reader may ask again where another PDF is being made


@public_page
def brief(request: HttpRequest, slug: str, year: int) -> HttpResponse:
    at_its_page(request)
    if not settings.PDF_BROWSER:
        return no_pdf(request, 404)
    page = load_page(request, slug, year)
    return pdf_response(request, page, show_operation(request, page), [request.GET.get("as_of", "")])


@public_page
def edition_brief(request: HttpRequest, pk: int, year: int | None = None) -> HttpResponse:
    at_its_page(request)
    if not settings.PDF_BROWSER:
        return no_pdf(request, 404)
    page, more = edition_of(request, pk, year)
    shown = show_operation(request, page, "operations/edition.html", **more)
    return pdf_response(request, page, shown, [f"edition-{pk}", request.GET.get("as_of", "")])


def at_its_page(request: HttpRequest) -> None:
    """What the page says of its own address is that of the page, not of its PDF."""
    request.path = request.path.removesuffix("brief.pdf")
    request.path_info = request.path_info.removesuffix("brief.pdf")


def pdf_response(
    request: HttpRequest, page: OperationPage, shown: HttpResponse, named: list[str]
) -> HttpResponse:
    """The PDF of the page that is ``shown``; 304 before a browser is started for it."""
    address = request.build_absolute_uri(request.get_full_path())
    html = shown.content.decode()
    paper = pdf.on_paper(html, address)
    key = pdf.key_of(paper)
    tag = f'W/"{key}"'  # made anew, the same page is not the same bytes
    if kept := get_conditional_response(request, etag=tag):
        return kept
    newest = max(edition.released_at for edition in page.editions if edition.released_at)
    try:
        content = pdf.pdf_of(paper, key, newest.astimezone(dt.UTC).strftime("%Y%m%d%H%M%S"))
    except pdf.NoPdf as none:
        return no_pdf(request, 503, is_busy=none.is_busy)
    response = HttpResponse(content, content_type="application/pdf")
    response["ETag"] = tag
    response["Content-Disposition"] = f'attachment; filename="{file_name(page, named)}"'
    if '<meta name="robots" content="noindex">' in html:
        response["X-Robots-Tag"] = "noindex"
    return response


def file_name(page: OperationPage, named: list[str]) -> str:
    """peru-2020.pdf; peru-2020-edition-12-fr.pdf; peru-2020-2021-11-25.pdf, of a moment as much as its day."""
    language = get_language() or "en"
    moment = "".join(letter for letter in named[-1].strip()[:10] if letter.isdigit() or letter == "-")
    parts = [
        page.profile.slug,
        str(page.year or ""),
        *named[:-1],
        moment,
        language if language != "en" else "",
    ]
    return "-".join(filter(None, parts)) + ".pdf"


def no_pdf(request: HttpRequest, status: int, *, is_busy: bool = False) -> HttpResponse:
    response = render(request, "operations/no_pdf.html", {"is_busy": is_busy}, status=status)
    if is_busy:
        response["Retry-After"] = str(AGAIN)
    return response
