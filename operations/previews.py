"""Drafts on the public page: what stands around them, and the signed links for people without an account."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt

from .asked import asked_year
from .models import Edition, Operation, PreviewLink
from .moments import with_zone
from .pages import OperationPage
from .views import show_operation

SIGNER = signing.Signer(salt="operations.previews.link")
BARE = {
    "shape": 1,
    "kind": Operation.Kind.COUNTRY.value,
    "countries": [],
    "region": None,
    "latitude": None,
    "longitude": None,
    "zoom": None,
    "first_year": None,
    "last_year": None,
    "predecessor": None,
    "notice": {},
    "is_active": True,
    "offices": [],
    "population_types": [],
    "population": [],
    "pillars": [],
    "finance": [],
    "private": {"offices": []},
}  # a profile that tells nothing


def bare_profile(draft: Edition) -> Edition:
    """In place of a profile that nobody released: the operation's code for a name, and no figures. Not saved."""
    named = draft.content["operation"]
    content = {**BARE, "code": named["code"], "slug": named["slug"], "name": {"en": named["code"]}}
    return Edition(operation=draft.operation, kind=Edition.Kind.PROFILE, number=0, content=content)


def preview_page(
    draft: Edition,
    profile: Callable[[Edition], Edition],
    year: int | None = None,
    at: dt.datetime | None = None,
) -> OperationPage | None:
    """The public page with this edition in it, and around it what is released.

    ``profile`` makes the one that stands in where none is released. ``year`` is for the preview of a profile:
    without it, or where the profile has no such year, its newest.
    """
    showing = [draft]
    if draft.year:
        year = draft.year
        if not Edition.objects.released(at).profiles().filter(operation=draft.operation_id).exists():
            showing.append(profile(draft))
    slug, language = draft.operation.slug, get_language() or "en"
    page = OperationPage.load(slug, year, language, at, showing=showing)
    return page or OperationPage.load(slug, None, language, at, showing=showing)


def in_the_present(request: HttpRequest) -> None:
    """What ``readers.public_page`` gives a request: a preview shows no past, whatever its address asks for."""
    request.now = request.at = timezone.now()
    request.as_of = None


def kept_private(response: HttpResponse) -> HttpResponse:
    """Neither stored on the way nor found by a search, and no other site is told its address."""
    response["Cache-Control"] = "no-store, private"
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"
    return response


# --- Signed links ------------------------------------------------------------------------------------


def token_of(link: PreviewLink) -> str:
    return SIGNER.sign_object([link.pk, link.edition_id])


def opened(token: str, at: dt.datetime) -> PreviewLink | None:
    """The link that this token was made for, while it leads somewhere."""
    try:
        link, edition = SIGNER.unsign_object(token)
    except signing.BadSignature:
        return None
    links = PreviewLink.objects.open(at).filter(pk=link, edition=edition, edition__withdrawn_at__isnull=True)
    return links.select_related("edition__operation").first()


@csrf_exempt
def preview(request: HttpRequest, token: str) -> HttpResponse:
    """One draft for who was given its address. What has expired, was revoked or never was looks the same."""
    if request.method not in ("GET", "HEAD"):
        return kept_private(HttpResponseNotAllowed(["GET", "HEAD"]))
    in_the_present(request)
    link = opened(token, request.at)
    response = shown(request, link) if link else None
    return kept_private(response or render(request, "operations/preview_gone.html", status=410))


def shown(request: HttpRequest, link: PreviewLink) -> HttpResponse | None:
    draft, at = link.edition, request.at
    if draft.is_released(at):
        profiles = Edition.objects.profiles().filter(operation=draft.operation_id)
        if profiles.released(at).exists():
            return HttpResponseRedirect(public_address(draft))
        if profiles.filter(withdrawn_at__isnull=False).exists():
            return None
    page = preview_page(draft, bare_profile, asked_year(request), at)
    if page is None:
        return None
    expires = with_zone(link.expires_at, settings.TIME_ZONE)
    return show_preview(request, page, draft, expires=expires)


def public_address(edition: Edition) -> str:
    if edition.year:
        return reverse("operations:year", args=[edition.operation.slug, edition.year])
    return edition.operation.get_absolute_url()


def show_preview(request: HttpRequest, page: OperationPage, draft: Edition, **more: Any) -> HttpResponse:
    """``more`` is what the banner tells staff, or until when a link holds."""
    return show_operation(request, page, "operations/preview.html", draft=draft, permanent="", **more)
