"""Who else has a form open, and whether somebody saved meanwhile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from ..models import Edition, OpenForm
from .pages import Pages, clock, zone_of

# How long a form counts as open without a sign of life: without a script there is none after the opening.
OPEN = dt.timedelta(minutes=15)


def opened(user: Any, form: str) -> dt.datetime:
    """Note that this person has the form open, and forget what is long closed.

    It is a courtesy: where the database is too busy to write it, the page is shown without.
    """
    now = timezone.now()
    with suppress(OperationalError), briefly():
        note(user, form, now)
    return now


@contextmanager
def briefly() -> Iterator[None]:
    """SQLite has one writer at a time: a page that is only looked at does not wait for a long import."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    sqlite = connection.connection
    usual = sqlite.execute("PRAGMA busy_timeout").fetchone()[0]
    sqlite.execute("PRAGMA busy_timeout = 200")
    try:
        yield
    finally:
        sqlite.execute(f"PRAGMA busy_timeout = {usual}")


def note(user: Any, form: str, now: dt.datetime) -> None:
    OpenForm.objects.filter(seen_at__lt=now - OPEN).delete()
    OpenForm.objects.bulk_create(
        [OpenForm(user=user, form=form, opened_at=now, seen_at=now)],
        update_conflicts=True,
        unique_fields=["form", "user"],
        update_fields=["seen_at"],
    )


def left(user: Any, form: str, life: dt.datetime | None = None) -> None:
    """It is closed; where ``life`` is given, not if it was opened again since that sign of life."""
    gone = OpenForm.objects.filter(user=user, form=form)
    (gone.filter(seen_at__lte=life) if life else gone).delete()


def others(user: Any, form: str, zone: str) -> list[str]:
    """A sentence for each of the others who have the form open."""
    now = timezone.now()
    found = OpenForm.objects.filter(form=form, seen_at__gte=now - OPEN).exclude(user=user)
    return [
        _("%(who)s has had this form open since %(since)s; last sign of life %(ago)s.")
        % {"who": each.user, "since": clock(each.opened_at, zone), "ago": ago(now - each.seen_at)}
        for each in found.select_related("user").order_by("opened_at", "pk")
    ]


def ago(span: dt.timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    if minutes < 1:
        return _("a moment ago")
    return ngettext("a minute ago", "%d minutes ago", minutes) % ({} if minutes == 1 else minutes)


def newer(request: HttpRequest, edition: Edition | None, seen: int) -> str:
    """What to tell who shows edition ``seen``: “Bo saved edition 7 at 14:05 (UTC). …”; empty for nothing."""
    if edition is None or edition.number <= seen:
        return ""
    said = _(
        "%(who)s saved edition %(number)s at %(when)s. Your form shows edition %(seen)s: saving will compare them."
    )
    if edition.made_by_id == request.user.pk:
        said = _(
            "You saved edition %(number)s at %(when)s in another window. This form shows edition %(seen)s: "
            "saving will compare them."
        )
    when = clock(edition.made_at, zone_of(request))
    return said % {
        "who": edition.made_by or _("Somebody"),
        "number": edition.number,
        "when": when,
        "seen": seen,
    }


def moment(text: str) -> dt.datetime | None:
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


class Presence(Pages):
    """A mixin of ``WorkingCopyAdmin``: its forms tell who else has them open."""

    def get_urls(self) -> list:
        return [self.path("presence", require_POST(self.presence_view)), *super().get_urls()]

    def form_name(self, obj: Any) -> str:
        return f"{self.opts.model_name}/{obj.pk}"

    def edits(self, request: HttpRequest, obj: Any, form: str) -> bool:
        """Whether this person edits in that form: who only reads there is nobody's second editor."""
        return self.has_change_permission(request, obj)

    def forms_of(self, obj: Any) -> list[str]:
        return [self.form_name(obj)]

    def presence(self, request: HttpRequest, obj: Any, form: str) -> dict[str, Any]:
        """For a page that opens the form: note it, and tell who else is there."""
        context = {"form_name": form, "presence_url": self.url("presence", obj)}
        if not self.edits(request, obj, form):
            return {}
        life = opened(request.user, form) if request.method == "GET" else timezone.now()
        return {"presence": {**context, "life": life, "others": others(request.user, form, zone_of(request))}}

    def render_change_form(
        self, request: HttpRequest, context: dict, *args: Any, obj: Any = None, **kwargs: Any
    ) -> HttpResponse:
        if obj is not None:
            context |= self.presence(request, obj, self.form_name(obj))
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def presence_view(self, request: HttpRequest, object_id: str) -> JsonResponse:
        """A sign of life of an open form (or, with “leave”, its end), answered with what happened beside it."""
        obj = self.found(request, object_id)
        form = request.POST.get("form", "")
        if form not in self.forms_of(obj) or not self.edits(request, obj, form):
            raise PermissionDenied
        if "leave" in request.POST:
            left(request.user, form, moment(request.POST.get("life", "")))
            return JsonResponse({})
        life = opened(request.user, form)
        seen = request.POST.get("seen", "")
        number = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else 0
        edition = Edition.objects.of(obj).defer("content").select_related("made_by").first()
        return JsonResponse(
            {
                "life": life.isoformat(),
                "others": others(request.user, form, zone_of(request)),
                "newer": newer(request, edition, number) if number else "",
            }
        )
