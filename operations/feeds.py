"""What was released, corrected and withdrawn, newest first, for programs that follow the site."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.contrib.syndication.views import Feed
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from .models import Agency, Edition
from .models.edition import EditionQuerySet
from .profiles import in_language
from .readers import public_page
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


def events(at: dt.datetime) -> list[Event]:
    """The newest events until ``at``, of the operations that readers see or saw: two queries, and one for names."""
    profiles, gone = Edition.objects.released(at).profiles(), Edition.objects.withdrawn(at)
    shown = profiles.values("operation")
    known = (Edition.objects.released(at) | gone).profiles().values("operation")
    found = [
        *_newest(Edition.objects.ever_public(at).filter(operation__in=shown), "released_at"),
        *_newest(last_of_each(gone).filter(withdrawn_at__lte=at, operation__in=known), "withdrawn_at"),
    ]
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

    def feed_url(self) -> str:
        return reverse("operations:releases")

    def author_name(self) -> str:
        return Agency.current().shown_name

    def items(self, request: HttpRequest) -> list[Event]:
        return events(request.at)

    def item_title(self, event: Event) -> str:
        return event.title

    def item_description(self, event: Event) -> str | None:
        return escape(event.note) or None

    def item_link(self, event: Event) -> str:
        return reverse("operations:edition", args=[event.edition.pk])

    def item_pubdate(self, event: Event) -> dt.datetime:
        return event.at

    item_updateddate = item_pubdate


@public_page
def releases(request: HttpRequest) -> HttpResponse:
    response = Releases()(request)
    # Two things may happen within a second: only the ETag tells them apart.
    del response.headers["Last-Modified"]
    return response
