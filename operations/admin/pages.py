"""The pages of one working copy beside its form: their addresses, and what all of them show."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from ..models import Edition, Operation
from ..moments import with_zone, zone_label, zone_named, zones
from .rights import PerOperation

ZONE_COOKIE = "openfield_zone"


def zone_of(request: HttpRequest) -> str:
    """The time zone in which this person last entered a time, else that of the site."""
    name = request.COOKIES.get(ZONE_COOKIE, "")
    return name if name in zones() else settings.TIME_ZONE


def scheduled(edition: Edition | None, zone: str = "") -> str:
    """The time at which the edition will be public, with its zone; empty unless its release is set for later."""
    if (
        not edition
        or not edition.released_at
        or edition.withdrawn_at
        or edition.released_at <= timezone.now()
    ):
        return ""
    return with_zone(edition.released_at, zone or settings.TIME_ZONE)


def clock(moment: dt.datetime, zone: str) -> str:
    """14:02 (CET) of today, and with its day of another."""
    local, now = (at.astimezone(zone_named(zone)) for at in (moment, timezone.now()))
    if local.date() != now.date():
        return with_zone(moment, zone)
    return _("%(time)s (%(zone)s)") % {"time": local.strftime("%H:%M"), "zone": zone_label(local)}


class Pages(PerOperation):
    """The base of the mixins that ``WorkingCopyAdmin`` is made of."""

    def path(self, name: str, view: Any) -> Any:
        """The route of a page of one working copy: …/<key>/<name>/."""
        return path(
            f"<path:object_id>/{name}/",
            self.admin_site.admin_view(view),
            name=f"{self.opts.app_label}_{self.opts.model_name}_{name}",
        )

    def url(self, name: str, obj: Any) -> str:
        """The address of such a page, or of the form itself (“change”)."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{name}", args=[quote(obj.pk)])

    def found(self, request: HttpRequest, object_id: str) -> Any:
        """The working copy that an address names, for who may see it: 404 and 403 for others."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        return obj

    def page_context(self, request: HttpRequest, obj: Any, title: str) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            **self.standing(request, obj),
            "title": title,
            "opts": self.opts,
            "original": obj,
            "change_url": self.url("change", obj),
        }

    def standing(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """Where a working copy stands. A mixin adds what the form shows of its own: ``super().standing(…)`` and more."""
        newest = public = waiting = None
        if obj is not None and obj.pk:
            made = (
                Edition.objects.of(obj)
                .defer("content")
                .select_related("made_by", "released_by", "withdrawn_by", "operation")
            )
            newest, public, waiting = made.first(), made.released().first(), made.scheduled().first()
        return {
            "newest": newest,
            "public": public,
            "waiting": waiting,
            "scheduled": scheduled(waiting, zone_of(request)),
            "may_release": self.has_release_permission(request, obj),
            "public_url": self.public_url(obj) if obj is not None and obj.pk else None,
        }

    def public_url(self, obj: Any) -> str | None:
        """The public page; ``None`` while the operation has none. Drafts are not shown there."""
        operation = obj if isinstance(obj, Operation) else obj.operation_id
        has_page = Edition.objects.released().profiles().filter(operation=operation).exists()
        return obj.get_absolute_url() if has_page else None
