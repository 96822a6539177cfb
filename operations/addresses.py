"""Which addresses of this site lead readers to a page: asked of the routes, and of what is released."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import Resolver404, resolve
from django.utils import translation
from django.utils.translation import get_language_from_path

from .models import Edition, Narrative, Operation
from .overview import Overview
from .pages import OperationPage
from .regions import Tree

Page = tuple[str, int]  # slug of the operation, year

# By the name space of an app's addresses, whether a match of one of them is a page now. An app without an entry has
# a page at every address.
PAGES: dict[str, Callable[[Any], bool]] = {}


def own_hosts() -> tuple[str, ...]:
    """The host names that mean this site, in lower case."""
    named = [host.lstrip(".") for host in settings.ALLOWED_HOSTS if host != "*"]
    return tuple(
        dict.fromkeys(host.lower() for host in [*named, urlsplit(settings.SITE_URL).hostname or ""] if host)
    )


class Addresses:
    """Whether a path leads readers somewhere now. Each operation is looked up once."""

    def __init__(self) -> None:
        self.page = cache(OperationPage.load)

    def __call__(self, path: str, own: Page | None = None) -> bool:
        """``own``: the page of the text that holds the link, which is there once the text is."""
        match, language = matched(path)
        return match is not None and (is_own(match, own) or self.is_public(match, language))

    def is_to_come(self, path: str) -> bool:
        """Whether there is only a draft of the page so far."""
        match, _language = matched(path)
        return match is not None and is_draft(match)

    def is_public(self, match: Any, language: str) -> bool:
        kwargs, app = match.kwargs, match.app_names[0] if match.app_names else ""
        if match.view_name == "operations:preview" or app == "admin":
            return False  # a page for few
        if app in PAGES:
            return PAGES[app](match)
        if app != "operations":
            return True
        if match.url_name == "edition":
            return Edition.objects.ever_public().filter(pk=kwargs["pk"]).exists()
        if match.url_name == "region":
            return Tree.load(Overview.load()).named(kwargs["code"]) is not None
        if "slug" not in kwargs:
            return True
        page = self.page(kwargs["slug"], None, language)
        if page is None or kwargs.get("year", page.year) not in page.years:
            return "year" not in kwargs and page is not None
        if match.url_name != "pillars":
            return True
        rows = page.profile.content["finance"]
        return any(row["pillar"] and row["year"] == kwargs["year"] for row in rows)


def matched(path: str) -> tuple[Any, str]:
    """What the routes find at a path, as written or with the slash that is added, and in which language."""
    path = urlsplit(path).path
    language = get_language_from_path(path) or settings.LANGUAGE_CODE
    with translation.override(language):
        for address in dict.fromkeys([path, path.rstrip("/") + "/"]):
            with suppress(Resolver404):
                return resolve(address), language
    return None, language


def is_own(match: Any, own: Page | None) -> bool:
    if own is None or match.view_name not in (
        "operations:operation",
        "operations:year",
        "operations:history",
    ):
        return False
    return own == (match.kwargs["slug"], match.kwargs.get("year", own[1]))


def is_draft(match: Any) -> bool:
    """Whether somebody has begun the page of an operation or of its year."""
    if match.view_name not in ("operations:operation", "operations:year", "operations:history"):
        return False
    operations = Operation.objects.filter(slug=match.kwargs["slug"])
    if year := match.kwargs.get("year"):
        return Narrative.objects.filter(operation__in=operations.order_by(), year=year).exists()
    return operations.exists()
