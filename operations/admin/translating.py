"""Translations of a text: made from what readers see, beside it, and kept up with it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from .. import editions
from ..models import Edition, Narrative
from ..translating import Source, changes_to_follow, languages_to_come, take_over, translate
from .pages import Pages
from .rights import allowed


class Translating(Pages):
    """A mixin of the admin of narratives."""

    def get_urls(self) -> list:
        return [
            self.path("translate", require_POST(self.translate_view)),
            self.path("take_over", require_POST(self.take_over_view)),
            *super().get_urls(),
        ]

    # --- A new language --------------------------------------------------------------------------------

    def translation_context(self, request: HttpRequest, text: Narrative) -> dict[str, Any]:
        """What the form of a text shows of its languages, and of its source where it is a translation."""
        same = {"operation": text.operation_id, "kind": text.kind, "year": text.year}
        others = self.get_queryset(request).filter(**same).exclude(pk=text.pk)
        return {
            "languages": [(other, self.url("change", other)) for other in others.order_by("language")],
            "translate": self.translate_offer(request, text),
            "translate_url": self.url("translate", text),
            "source": Source.of(text),
            "source_changes": changes_to_follow(text),
            "take_over_url": self.url("take_over", text),
            "may_take_over": self.has_change_permission(request, text),
        }

    def translate_offer(self, request: HttpRequest, text: Narrative) -> list[tuple[str, Any]]:
        """The languages that this text can be translated into now, by this person."""
        if text.translated_from_id or text.operation_id not in allowed(request, self.permission("add")):
            return []
        is_released = Edition.objects.of(text).released().exists()
        return languages_to_come(text) if is_released else []

    def sources_offer(self, request: HttpRequest, text: Narrative) -> list[tuple[Narrative, str]]:
        """The released texts that a new text could be a translation of, each with where that is asked for."""
        same = {"operation": text.operation_id, "kind": text.kind, "year": text.year}
        originals = self.get_queryset(request).filter(
            **same, translated_from__isnull=True, public__isnull=False
        )
        return [(other, self.url("translate", other)) for other in originals.order_by("language")]

    def translate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        source = self.found(request, object_id)
        if source.operation_id not in allowed(request, self.permission("add")):
            raise PermissionDenied
        try:
            text, is_new = translate(source, request.POST.get("language", ""), request.user)
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.WARNING)
            return HttpResponseRedirect(self.url("change", source))
        if not is_new:
            self.message_user(request, _("This text exists already. Here it is."), messages.INFO)
            return HttpResponseRedirect(self.url("change", text))
        values = {"number": text.translated_from.number, "language": source.get_language_display()}
        self.log_addition(request, text, _("Begun from edition %(number)s in %(language)s.") % values)
        said = _(
            "Begun from edition %(number)s in %(language)s and saved as a draft: its figures are carried over, "
            "its words are still to be translated."
        )
        self.message_user(request, said % values, messages.SUCCESS)
        return HttpResponseRedirect(self.url("change", text))

    # --- A newer edition of the source -------------------------------------------------------------------

    def take_over_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Only what the page showed is taken over, into what the page showed."""
        text = self.found(request, object_id)
        if not self.has_change_permission(request, text):
            raise PermissionDenied
        with transaction.atomic():
            editions.lock(text)
            text.refresh_from_db()
            said, level = self.taken_over(request, text)
        self.message_user(request, said, level)
        return HttpResponseRedirect(self.url("change", text))

    def taken_over(self, request: HttpRequest, text: Narrative) -> tuple[str, int]:
        source, newest = Source.of(text), Edition.objects.of(text).defer("content").first()
        if source is None or source.newer is None:
            return _("Nothing was taken over: the translation is of what readers see now."), messages.INFO
        if newest and request.POST.get("seen") != str(newest.number):
            said = _("Nothing was taken over: {who} saved edition {number} while the page was open.")
            who = newest.made_by or _("somebody")
            return format_html(said, who=who, number=newest.number), messages.WARNING
        if request.POST.get("edition") != str(source.newer.number):
            said = _("Nothing was taken over: edition %s has been released since. Look at the changes again.")
            return said % source.newer.number, messages.WARNING
        try:
            edition = take_over(text, request.user)
        except ValidationError as error:
            return " ".join(error.messages), messages.ERROR
        values = {"source": source.newer.number, "number": edition.number if edition else ""}
        self.log_change(request, text, _("Took over edition %s of its source.") % source.newer.number)
        said = _(
            "Edition %(source)s of the source is taken over and saved as edition %(number)s, not yet released. "
            "Translate what is new; the checks name it."
        )
        return said % values, messages.SUCCESS
