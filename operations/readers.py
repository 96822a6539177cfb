"""What holds for every public page: one moment, for reading alone, and words where nothing stands there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from . import moments
from .models import Edition
from .profiles import Profile

View = Callable[..., HttpResponse]


class Withdrawn(Exception):
    """What stood at the address was taken back: these editions, each with its reason and notice."""

    def __init__(self, editions: Sequence[Edition]) -> None:
        self.editions = editions


class NotYet(Exception):
    """Nothing stood at the address at the moment that was asked for, but did from ``first`` on."""

    def __init__(self, first: dt.datetime) -> None:
        self.first = first


def public_page(view: View) -> View:
    """For reading alone, at one moment, and asked for anew each time.

    ``request.now`` is the web server's clock, ``request.at`` the moment that is shown and ``request.as_of`` the
    same where it is in the past, else None; ``request.is_to_come`` says that the moment asked for has not come.
    Every other method is answered with 405, without asking for a CSRF
    token first. What a reader keeps is checked before it is shown again: a release is public at its second.
    """

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        request.now = timezone.now()
        return ask_anew(_answer(view, request, *args, **kwargs))

    return csrf_exempt(require_safe(page))


def ask_anew(response: HttpResponse) -> HttpResponse:
    patch_cache_control(response, no_cache=True)
    return response


def _answer(view: View, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    request.at, request.as_of, request.is_to_come = request.now, None, False
    try:
        if asked := request.GET.get("as_of", "").strip():
            request.at = moments.as_of(asked, request.now, settings.TIME_ZONE)
            request.is_to_come = moments.is_to_come(asked, request.now, settings.TIME_ZONE)
    except ValueError as error:
        return render(request, "operations/bad_moment.html", {"why": str(error)}, status=400)
    if request.at < request.now:
        request.as_of = request.at
    try:
        return view(request, *args, **kwargs)
    except Withdrawn as gone:
        context = {"editions": gone.editions, "operation": operation_of(gone.editions, request.at)}
        return render(request, "410.html", context, status=410)
    except NotYet as nothing:
        return render(request, "404.html", {"first": nothing.first}, status=404)


def operation_of(editions: Sequence[Edition], at: dt.datetime) -> Profile | None:
    """The operation by the name that readers know it by; ``None`` where they no longer see it."""
    profiles = Edition.objects.released(at).profiles()
    profile = profiles.filter(operation=editions[0].operation_id).first()
    return profile and Profile(profile.public)


def at_first(request: HttpRequest, found: Any, first: Callable[[], dt.datetime | None]) -> None:
    """``NotYet`` where a list of the past is empty and something was released later; asks only then."""
    if request.as_of and not found and (moment := first()) and moment > request.at:
        raise NotYet(moment)
