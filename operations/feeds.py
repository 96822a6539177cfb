"""What was released, corrected and withdrawn, newest first, for programs that follow the site."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.syndication.views import Feed
from django.db.models import Exists, OuterRef, Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from .models import Agency, Edition
from .models.edition import EditionQuerySet
from .overview import Overview
from .profiles import in_language
from .readers import public_page
from .regions import Tree
from .templatetags.readers import language_name, text_name

NEWEST = 50


@dataclass(frozen=True)
class Event:
    """A release, a correction or a withdrawal."""

    edition: Edition
    at: dt.datetime
    name: str  # of the operation; empty where its profile was withdrawn

    @property
    def title(self) -> str:
        words = {"name": self.name or self.edition.operation.slug, "text": text_name(self.edition)}
        words["number"] = self.edition.number
        if self.edition.language != get_language() and self.edition.year:
            words["text"] += f" ({language_name(self.edition.language)})"
        if self.edition.withdrawn_at:
            return _("Withdrawn: %(name)s, %(text)s") % words
        if self.edition.is_correction:
            return _("Corrected: %(name)s, %(text)s, edition %(number)s") % words
        return _("Released: %(name)s, %(text)s, edition %(number)s") % words

    @property
    def note(self) -> str:
        if self.edition.withdrawn_at:
            reason = self.edition.get_withdrawal_reason_display()
            return " ".join(
                filter(None, [f"{capfirst(reason)}." if reason else "", self.edition.withdrawal_notice])
            )
        return self.edition.note


def events(
    at: dt.datetime, slugs: Collection[str] | None = None, corrections_only: bool = False
) -> list[Event]:
    """The newest events until ``at``, of the operations that readers see or saw: two queries, and one for names.

    ``slugs``: of these operations alone; ``corrections_only``: without releases that say nothing was wrong.
    """
    profiles, gone = Edition.objects.released(at).profiles(), Edition.objects.withdrawn(at)
    shown = profiles.values("operation")
    known = (Edition.objects.released(at) | gone).profiles().values("operation")
    released = Edition.objects.ever_public(at).filter(operation__in=shown)
    withdrawn = last_of_each(gone).filter(withdrawn_at__lte=at, operation__in=known)
    if slugs is not None:
        released, withdrawn = (some.filter(operation__slug__in=slugs) for some in (released, withdrawn))
    if corrections_only:
        released = released.filter(is_correction=True)
    found = [*_newest(released, "released_at"), *_newest(withdrawn, "withdrawn_at")]
    found = sorted(found, key=lambda edition: (_moment(edition), edition.pk), reverse=True)[:NEWEST]
    of_these = profiles.filter(operation__in={edition.operation_id for edition in found})
    names = dict(of_these.values_list("operation", "content__name"))
    return [Event(e, _moment(e), in_language(names.get(e.operation_id))) for e in found]


def _moment(edition: Edition) -> dt.datetime:
    return edition.withdrawn_at or edition.released_at


def last_of_each(withdrawn: EditionQuerySet) -> EditionQuerySet:
    """One edition of each withdrawal, which takes back all editions of a text at once."""
    later = Edition.objects.filter(
        Q(year=OuterRef("year")) | Q(kind=Edition.Kind.PROFILE),
        operation=OuterRef("operation"),
        kind=OuterRef("kind"),
        language=OuterRef("language"),
        withdrawn_at=OuterRef("withdrawn_at"),
        number__gt=OuterRef("number"),
    )
    return withdrawn.filter(~Exists(later))


def _newest(editions: EditionQuerySet, when: str) -> list[Edition]:
    return list(editions.select_related("operation").defer("content").order_by(f"-{when}", "-pk")[:NEWEST])


class StableAtom(Atom1Feed):
    """Says the same until something happens: Django's takes the clock's time where there is no event."""

    def latest_post_date(self) -> dt.datetime:
        return super().latest_post_date() if self.items else dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Releases(Feed):
    feed_type = StableAtom

    def get_object(self, request: HttpRequest) -> HttpRequest:
        return request

    def title(self) -> str:
        return _("%(agency)s: releases, corrections and withdrawals") % {
            "agency": Agency.current().shown_name
        }

    def link(self) -> str:
        return reverse("operations:home")

    def feed_url(self, request: HttpRequest) -> str:
        return own_address(request)

    def author_name(self) -> str:
        return Agency.current().shown_name

    def items(self, request: HttpRequest) -> list[Event]:
        return request.events

    def item_title(self, event: Event) -> str:
        return event.title

    def item_description(self, event: Event) -> str | None:
        return escape(event.note) or None

    def item_link(self, event: Event) -> str:
        return reverse("operations:edition", args=[event.edition.pk])

    def item_pubdate(self, event: Event) -> dt.datetime:
        return event.at

    item_updateddate = item_pubdate


def own_address(request: HttpRequest) -> str:
    """That of the feed, without the moment that is asked for."""
    query = {name: request.GET[name] for name in ("operation", "region") if name in request.GET}
    return request.path + (f"?{urlencode(query)}" if query else "")


def slugs_asked(request: HttpRequest) -> set[str] | None:
    """The operations that ``?operation=peru`` or ``?region=AME`` names; ``None`` for all; ``Http404`` for none."""
    if "operation" not in request.GET and "region" not in request.GET:
        return None
    overview = Overview.load(request.at, keep=not request.as_of)
    if "operation" in request.GET:
        found = {p.slug for p in overview.profiles if p.slug == request.GET["operation"]}
    else:
        tree = Tree.load(overview)
        code = tree.named(request.GET["region"])
        found = {profile.slug for profile in overview.within(tree.within(code)).profiles} if code else set()
    if not found:
        raise Http404
    return found


@public_page
def releases(request: HttpRequest, kind: str, corrections_only: bool = False) -> HttpResponse:
    """As Atom or as JSON Feed: of the site, of a region or of an operation."""
    request.events = events(request.at, slugs_asked(request), corrections_only)
    if kind == "json":
        return json_feed(request)
    response = Releases()(request)
    # Two things may happen within a second: only the ETag tells them apart.
    del response.headers["Last-Modified"]
    return response


def json_feed(request: HttpRequest) -> HttpResponse:
    """https://www.jsonfeed.org/version/1.1/"""
    feed, absolute = Releases(), request.build_absolute_uri
    body = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title(),
        "home_page_url": absolute(feed.link()),
        "feed_url": absolute(own_address(request)),
        "language": get_language(),
        "authors": [{"name": feed.author_name()}],
        "items": [
            {
                "id": absolute(feed.item_link(event)),
                "url": absolute(feed.item_link(event)),
                "title": event.title,
                "content_text": event.note or event.title,
                "date_published": event.at.isoformat(),
            }
            for event in request.events
        ],
    }
    return JsonResponse(body, content_type="application/feed+json")
