"""Release, withdrawal, and the times that releases are set for."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from .. import editions
from ..models import Edition
from .pages import Pages, scheduled


class Releasing(Pages):
    """A ModelAdmin of working copies that releases and withdraws them."""

    def get_urls(self) -> list:
        return [self.path("withdraw", self.withdraw_view), *super().get_urls()]

    def release(self, request: HttpRequest, obj: Any, refusal: str) -> Edition:
        """Record and release, or only record and say why it is not released; a sentence says what happened."""
        if refusal:
            edition = editions.record(obj, request.user)
            said = _("Saved as edition %(number)s, but not released: %(why)s")
            self.message_user(request, said % {"number": edition.number, "why": refusal}, messages.WARNING)
            return edition
        was_public = Edition.objects.of(obj).released().values_list("number", flat=True).first()
        edition = editions.release(obj, request.user)
        url = self.public_url(obj)
        if waits := self.waits(edition):
            self.message_user(request, waits, messages.SUCCESS)
            return edition
        if edition.number == was_public:
            said = _("Nothing has changed since edition {number}, which is released.")
        elif url:
            said = _("Released as edition {number}; readers see it now.")
        else:
            said = _(
                "Released as edition {number}. Readers see it once the operation’s profile is released too."
            )
        link = format_html(' <a href="{}">{}</a>', url, _("View on site")) if url else ""
        self.message_user(request, format_html(said, number=edition.number) + link, messages.SUCCESS)
        return edition

    def waits(self, edition: Edition) -> str:
        """Says when readers will see an edition that nothing has changed since; empty where that is not set."""
        when = scheduled(edition)
        said = _("Nothing has changed since edition %(number)s, which is released on %(when)s.")
        return said % {"number": edition.number, "when": when} if when else ""

    def refuses_release(self, obj: Any) -> str:
        """Why this cannot be released, in a sentence; empty where it can."""
        return ""

    def withdraw_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_release_permission(request, obj) or not self.has_view_or_change_permission(
            request, obj
        ):
            raise PermissionDenied
        change_url = reverse(f"admin:operations_{self.opts.model_name}_change", args=[quote(obj.pk)])
        if request.method == "POST":
            if edition := editions.withdraw(obj, request.user):
                said = _("Edition %s is withdrawn; readers no longer see it.") % edition.number
                self.log_change(request, obj, said)
                self.message_user(request, said, messages.SUCCESS)
                newest = Edition.objects.of(obj).first()
                if when := scheduled(newest):
                    said = _("Edition %(number)s is still set to be released on %(when)s.")
                    self.message_user(
                        request, said % {"number": newest.number, "when": when}, messages.WARNING
                    )
            else:
                self.message_user(
                    request, _("Nothing was withdrawn: no edition is public."), messages.WARNING
                )
            return HttpResponseRedirect(change_url)
        context = {
            **self.admin_site.each_context(request),
            **self.standing(request, obj),
            "title": _("Take back what was released?"),
            "opts": self.opts,
            "original": obj,
            "change_url": change_url,
        }
        return TemplateResponse(request, "admin/operations/withdraw.html", context)
