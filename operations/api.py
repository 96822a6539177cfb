"""The read-only API, ``/api/v1/``: every dataset as pages of rows and row by row, and the search.

What is released at the moment of the request, by the same queries as the pages. docs/api.md tells readers of it.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Callable
from functools import wraps
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.http import http_date
from django.utils.translation import get_supported_language_variant, override
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views.decorators.csrf import csrf_exempt

from . import moments, openapi
from .dataset_files import json_row
from .datasets import REGISTRY, Asked, Dataset, UnknownValue
from .models import Agency, Edition
from .search import Found, Search
from .search_words import LONGEST_QUERY

USUAL, MOST = 100, 1000  # rows of a page
OF_EVERY = ("limit", "cursor", "fields", "as_of", "language")
METHODS = "GET, HEAD, OPTIONS"


class Anything:
    """In an address: whatever is left of it, line breaks included."""

    regex = "(?s:.+)"

    def to_python(self, value: str) -> str:
        return value

    to_url = to_python


# When something other than an edition last changed what readers see; other apps add theirs.
CHANGED: list[Callable[[dt.datetime], dt.datetime | None]] = []


# --- What holds for every answer ---------------------------------------------------------------------


def problem(status: int, title: str, detail: str, **more: Any) -> JsonResponse:
    """What is wrong and how to mend it (RFC 9457)."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return JsonResponse(body, status=status, content_type="application/problem+json")


def endpoint(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For reading alone, by any site, in the language and at the moment that is asked for."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "OPTIONS":
            response = HttpResponse(status=204)
            response["Access-Control-Allow-Methods"] = METHODS
            response["Access-Control-Allow-Headers"] = (
                "Accept, Accept-Language, If-None-Match, If-Modified-Since"
            )
            response["Access-Control-Max-Age"] = "86400"
        elif request.method not in ("GET", "HEAD"):
            response = problem(405, "Method not allowed", "This API is for reading: use GET.")
        else:
            response = read(view, request, *args, **kwargs)
        if response.status_code in (204, 405):
            response["Allow"] = METHODS
        response["Access-Control-Allow-Origin"] = "*"
        response["Access-Control-Expose-Headers"] = "ETag, Last-Modified, Link, Content-Language"
        patch_cache_control(response, no_cache=True)
        patch_vary_headers(response, ["Accept-Language"])
        return response

    return csrf_exempt(answered)


def read(view: Callable[..., HttpResponse], request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    request.now = timezone.now()
    try:
        for name in request.GET:
            if len(request.GET.getlist(name)) > 1:
                raise UnknownValue(name, f"“{name}” is given several times. Give it once.")
        request.at = moment_asked(request)
        language = language_asked(request)
        with override(language):
            response = view(request, *args, **kwargs)
            response["Content-Language"] = language
            return response
    except UnknownValue as error:
        status, title = (404, "Not published") if error.is_absent else (400, "Cannot be answered")
        return problem(status, title, str(error), parameter=error.name)
    except Http404 as error:
        return problem(404, "Not found", str(error) or "Nothing is published at this address.")


def moment_asked(request: HttpRequest) -> dt.datetime:
    if "as_of" not in request.GET:
        return request.now
    try:
        with override("en"):
            return moments.as_of(request.GET["as_of"].strip(), request.now, settings.TIME_ZONE)
    except ValueError as error:
        raise UnknownValue("as_of", str(error)) from None


def language_asked(request: HttpRequest) -> str:
    """That of the parameter, else the first of the header that the site has, else English."""
    codes = [code for code, _name in settings.LANGUAGES]
    if "language" in request.GET:
        asked = request.GET["language"]
        if asked not in codes:
            raise UnknownValue("language", f"“{asked}” is none of: {', '.join(codes)}.")
        return asked
    for code, _weight in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        try:
            return get_supported_language_variant(code)
        except LookupError:
            continue
    return "en"


def newest_change(at: dt.datetime) -> dt.datetime | None:
    """When what readers see last changed until ``at``; ``None`` within the same second, which no header tells apart."""
    # A text of an operation that has no profile yet is seen by nobody.
    profiles = (Edition.objects.released(at) | Edition.objects.withdrawn(at)).profiles()
    seen = Edition.objects.filter(released_at__lte=at, operation__in=profiles.order_by().values("operation"))
    seen = seen.order_by()
    times = list(seen.aggregate(released=Max("released_at"), withdrawn=Max("withdrawn_at")).values())
    times += [changed(at) for changed in CHANGED]
    newest = max(filter(None, times), default=None)
    return newest if newest and (timezone.now() - newest).total_seconds() > 1 else None


def meta(request: HttpRequest, **more: Any) -> dict[str, Any]:
    agency = Agency.current()
    found = {
        "source": agency.shown_name,
        "licence": agency.licence or None,
        "licence_url": agency.licence_url or None,
        "as_of": request.GET.get("as_of"),
        "documentation": request.build_absolute_uri(reverse("operations:api")),
        **more,
    }
    return {name: value for name, value in found.items() if value is not None}


# --- The start, the document -------------------------------------------------------------------------


def only(request: HttpRequest, *names: str) -> None:
    """``UnknownValue`` for a parameter that an address has not."""
    for name in request.GET:
        if name not in names:
            options = ", ".join(names) or "none"
            raise UnknownValue(name, f"“{name}” is no parameter of this address. Its parameters: {options}.")


@endpoint
def start(request: HttpRequest) -> HttpResponse:
    """Where everything is."""
    only(request, "language")
    return JsonResponse(
        {
            "datasets": [
                {"name": one.name, "title": one.title, "url": absolute(request, one.name)} for one in REGISTRY
            ],
            "search": absolute(request, "search"),
            "openapi": request.build_absolute_uri(reverse("api_document")),
            "meta": meta(request),
        }
    )


def absolute(request: HttpRequest, name: str) -> str:
    return request.build_absolute_uri(reverse("api_dataset", args=[name]))


@endpoint
def document(request: HttpRequest) -> HttpResponse:
    only(request, "language")
    return JsonResponse(openapi.document(REGISTRY, Agency.current().shown_name))


@endpoint
def nothing(request: HttpRequest, rest: str = "") -> HttpResponse:
    raise Http404(f"There is no such address. What there is stands at {reverse('api')}.")


# --- Datasets ----------------------------------------------------------------------------------------


@endpoint
def dataset(request: HttpRequest, name: str) -> HttpResponse:
    """A page of its rows."""
    found = dataset_named(name)
    filters = {key: value.strip() for key, value in request.GET.items() if key not in OF_EVERY}
    found.check(filters)
    for key, value in filters.items():
        if not value:
            raise UnknownValue(key, f"“{key}” is empty. Give a value, or leave it out.")
    limit, names = limit_asked(request), fields_asked(request, found)
    asked = Asked(request.at, filters, request.build_absolute_uri("/")[:-1])
    rows = found.rows_after(asked, cursor_asked(request)) if "cursor" in request.GET else found.rows(asked)
    page = list(islice(rows, limit + 1))
    shown, more = page[:limit], len(page) > limit
    following = next_page(request, found.identify(shown[-1])) if more else None
    body = {
        "data": [chosen(json_row(found, row), names) for row in shown],
        "next": following,
        "meta": meta(request, dataset=found.name, description=found.description),
    }
    response = dated(JsonResponse(body), found, request)
    if following:
        response["Link"] = f'<{following}>; rel="next"'
    return response


@endpoint
def row(request: HttpRequest, name: str, key: str) -> HttpResponse:
    """One row, by its key."""
    found = dataset_named(name)
    only(request, "fields", "as_of", "language")
    names = fields_asked(request, found)
    asked = Asked(request.at, {}, request.build_absolute_uri("/")[:-1])
    one = found.row(asked, key) if "\0" not in key else None
    if one is None:
        raise Http404(f"No row of {name} has this key.")
    body = {"data": chosen(json_row(found, one), names), "meta": meta(request, dataset=found.name)}
    return dated(JsonResponse(body), found, request)


def dataset_named(name: str) -> Dataset:
    if found := REGISTRY.get(name):
        return found
    raise Http404(f"There is no dataset “{name}”. Those that there are stand at {reverse('api')}.")


def dated(response: HttpResponse, of: Dataset, request: HttpRequest) -> HttpResponse:
    if of.is_dated and (changed := newest_change(request.at)):
        response["Last-Modified"] = http_date(changed.timestamp())
    return response


def limit_asked(request: HttpRequest) -> int:
    text = request.GET.get("limit", str(USUAL))
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and 1 <= int(text) <= MOST):
        raise UnknownValue("limit", f"Write a whole number from 1 to {MOST}.")
    return int(text)


def fields_asked(request: HttpRequest, of: Dataset) -> list[str]:
    """The names of the fields that are wanted; all of them without a wish."""
    if "fields" not in request.GET:
        return list(of.names)
    names = [name.strip() for name in request.GET["fields"].split(",")]
    for name in names:
        if name not in of.names:
            raise UnknownValue(
                "fields", f"“{name}” is no field of {of.name}. Its fields: {', '.join(of.names)}."
            )
    return names


def chosen(row: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def cursor_asked(request: HttpRequest) -> str:
    """The key of the row behind which the page begins."""
    text = request.GET["cursor"]
    try:
        key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        key = "\0"
    if "\0" in key or cursor_of(key) != text:
        raise UnknownValue(
            "cursor", "This cursor is none that the API gave. Begin anew, without a cursor.", True
        )
    return key


def cursor_of(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def next_page(request: HttpRequest, key: str) -> str:
    query = {name: value for name, value in request.GET.items() if name != "cursor"}
    query["cursor"] = cursor_of(key)
    return request.build_absolute_uri(f"{quote(request.path)}?{urlencode(query)}")


# --- Search ------------------------------------------------------------------------------------------


@endpoint
def search(request: HttpRequest) -> HttpResponse:
    """What the site's search finds."""
    only(request, "q", "page", "as_of", "language")
    asked = request.GET.get("q", "")
    query = " ".join(asked.replace("\0", " ").split())
    if not asked or len(asked) > LONGEST_QUERY:
        raise UnknownValue("q", f"Write the words to look for, at most {LONGEST_QUERY} letters.")
    text = request.GET.get("page", "1")
    if not (text.isascii() and text.isdecimal() and len(text) < 5 and int(text) >= 1):
        raise UnknownValue("page", "Write a whole number from 1 to 9999.")
    found = Search.load(query, request.at, int(text), keep="as_of" not in request.GET)
    body = {
        "data": [result(request, one) for one in found.results],
        "next": search_page(request, found.next) if found.next else None,
        "meta": meta(request),
    }
    return JsonResponse(body)


def search_page(request: HttpRequest, number: int) -> str:
    query = {**request.GET.dict(), "page": str(number)}
    return request.build_absolute_uri(f"{request.path}?{urlencode(query)}")


def result(request: HttpRequest, found: Found) -> dict[str, Any]:
    pieces = found.snippet.pieces if found.snippet else []
    return {
        "kind": found.kind,
        "title": "".join(text for text, _is_match in found.title),
        "url": request.build_absolute_uri(found.url),
        "year": found.year,
        "snippet": "".join(text for text, _is_match in pieces) or None,
    }
