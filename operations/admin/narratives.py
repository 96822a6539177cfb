"""Texts with their sections and key figures, one form each."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import RelatedOnlyFieldListFilter
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from .. import editions
from ..forms import (
    KeyFigureForm,
    KeyFigureFormSet,
    NarrativeChoiceForm,
    NarrativeForm,
    SectionForm,
    SectionFormSet,
)
from ..models import (
    Edition,
    KeyFigure,
    Narrative,
    Section,
)
from ..states import narratives_with_state
from .rights import PartPerOperation, allowed
from .translating import Translating
from .working_copies import StateFilter, StatefulList, WorkingCopyAdmin


class SectionInline(PartPerOperation, admin.StackedInline):
    model = Section
    form = SectionForm
    formset = SectionFormSet
    template = "admin/operations/narrative/sections.html"
    can_delete = False


class KeyFigureInline(PartPerOperation, admin.TabularInline):
    model = KeyFigure
    form = KeyFigureForm
    formset = KeyFigureFormSet
    template = "admin/operations/narrative/key_figures.html"
    extra = 3

    def has_add_permission(self, request: HttpRequest, obj: Narrative | None = None) -> bool:
        """A translation has the rows of its source."""
        return super().has_add_permission(request, obj) and not (obj and obj.translated_from_id)

    def has_delete_permission(self, request: HttpRequest, obj: Narrative | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.translated_from_id)


@admin.register(Narrative)
class NarrativeAdmin(Translating, StatefulList, WorkingCopyAdmin, admin.ModelAdmin):
    locked_by = "narratives"
    form = NarrativeForm
    inlines = [SectionInline, KeyFigureInline]
    change_form_template = "admin/operations/narrative/change_form.html"
    list_display = ["operation", "kind", "year", "language", "state", "updated_at", "updated_by"]
    list_display_links = ["operation", "kind"]
    list_filter = [("operation", RelatedOnlyFieldListFilter), "year", "kind", StateFilter, "language"]
    list_select_related = ["operation", "updated_by"]
    list_per_page = 50
    search_fields = ["operation__name_en", "operation__code"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return narratives_with_state(super().get_queryset(request).select_related("operation"))

    def get_fieldsets(self, request: HttpRequest, obj: Narrative | None = None) -> list:
        return []

    def get_form(
        self, request: HttpRequest, obj: Narrative | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if obj is None:
            return type(form.__name__, (form,), {"identity": getattr(request, "narrative", {})})
        return form

    def get_urls(self) -> list:
        copy = path(
            "copy-last-year/",
            self.admin_site.admin_view(require_POST(self.copy_view)),
            name="operations_narrative_copy",
        )
        return [copy, *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """First which text it is; then, at an address that says so, its sections and key figures."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        is_named = {"operation", "year", "kind"} <= request.GET.keys()
        choice = NarrativeChoiceForm(
            request.GET if is_named else None, initial=request.GET.dict(), user=request.user
        )
        if not choice.is_valid():
            return self.choice_response(request, choice)
        chosen = choice.cleaned_data
        if request.method != "POST":
            return self.laid_out(request, chosen, form_url, extra_context)
        with transaction.atomic():  # of two who begin the same text, the second changes that of the first
            editions.lock(Narrative(**chosen))
            return self.laid_out(request, chosen, form_url, extra_context)

    def laid_out(
        self, request: HttpRequest, chosen: dict[str, Any], form_url: str, extra_context: dict | None
    ) -> HttpResponse:
        existing = Narrative.objects.filter(**chosen).first()
        if existing and request.method == "POST":
            return self.change_view(request, str(existing.pk), form_url, extra_context)
        if existing:
            self.message_user(request, _("This text exists already. Here it is."), messages.INFO)
            return HttpResponseRedirect(reverse("admin:operations_narrative_change", args=[existing.pk]))
        request.narrative = chosen
        text = Narrative(**chosen)
        context = {
            "title": _("New: %s") % text,
            "copy": self.copy_offer(request, text, text.year),
            "sources": self.sources_offer(request, text),
            "new_language": text.language,
        }
        return super().add_view(request, form_url, {**context, **(extra_context or {})})

    def choice_response(self, request: HttpRequest, form: NarrativeChoiceForm) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Which text do you want to write?"),
            "opts": self.opts,
            "form": form,
        }
        return TemplateResponse(request, "admin/operations/narrative/choose.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        text = self.get_object(request, unquote(object_id))
        context: dict[str, Any] = {}
        if text is not None:
            context = {
                "copy": self.copy_offer(request, text, text.year + 1),
                **self.translation_context(request, text),
            }
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def copy_offer(self, request: HttpRequest, text: Narrative, year: int) -> dict[str, Any] | None:
        """What “Copy last year” sends to make the text of ``year``; ``None`` where it would be refused."""
        same = Narrative.objects.filter(operation=text.operation_id, kind=text.kind, language=text.language)
        found = dict(same.filter(year__in=[year - 1, year]).values_list("year", "translated_from"))
        # What was translated from last year's text is no translation of this year's.
        if found != {year - 1: None} or text.operation_id not in allowed(request, self.permission("add")):
            return None
        return {"operation": text.operation_id, "kind": text.kind, "year": year, "language": text.language}

    def copy_view(self, request: HttpRequest) -> HttpResponse:
        """A new text with the sections and key figures of the same text of the year before."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        choice = NarrativeChoiceForm(request.POST, user=request.user)
        if not choice.is_valid():
            raise PermissionDenied
        with transaction.atomic():
            editions.lock(Narrative(**choice.cleaned_data))
            return self.copied(request, choice.cleaned_data)

    def copied(self, request: HttpRequest, chosen: dict[str, Any]) -> HttpResponse:
        if existing := Narrative.objects.filter(**chosen).first():
            self.message_user(
                request, _("Nothing was copied: this text exists already. Here it is."), messages.WARNING
            )
            return HttpResponseRedirect(reverse("admin:operations_narrative_change", args=[existing.pk]))
        source = self.get_queryset(request).filter(**{**chosen, "year": chosen["year"] - 1}).first()
        if source is None:
            self.message_user(
                request, _("Nothing was copied: the year before has no such text."), messages.WARNING
            )
            return HttpResponseRedirect(reverse("admin:index"))
        if source.translated_from_id:
            said = _("Nothing was copied: the text of %s is a translation. Translate the text of this year.")
            self.message_user(request, said % source.year, messages.WARNING)
            return HttpResponseRedirect(self.url("change", source))
        with transaction.atomic():
            text = Narrative.objects.create(**chosen, updated_by=request.user)
            editions.thaw(editions.freeze(source), text)
            edition = editions.record(text, request.user)
            self.log_addition(request, text, _("Copied from %s.") % source.year)
        said = _(
            "Copied from %(year)s and saved as edition %(number)s, not yet released. Change what is new."
        )
        self.message_user(request, said % {"year": source.year, "number": edition.number}, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:operations_narrative_change", args=[text.pk]))

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict | None = None
    ) -> HttpResponse:
        with transaction.atomic():  # nobody releases it meanwhile
            if text := self.get_object(request, unquote(object_id)):
                editions.lock(text)
            return super().delete_view(request, object_id, extra_context)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple:
        """What readers see, or will see, is withdrawn first: without its text nobody could."""
        to_delete, counts, needed, protected = super().get_deleted_objects(objs, request)
        return to_delete, counts, needed, [*protected, *(said for text in objs for said in self.kept(text))]

    def kept(self, text: Narrative) -> list[str]:
        """Why this text cannot be deleted, with a link to where that is undone."""
        made = Edition.objects.of(text).select_related("operation").defer("content")
        reasons = [
            (made.released(), _("Readers see it."), "withdraw", _("Withdraw it first.")),
            (made.scheduled(), _("It is set to be released."), "release", _("Take back its time first.")),
        ]
        return [
            format_html('{}. {} <a href="{}">{}</a>', edition, why, self.url(page, text), todo)
            for found, why, page, todo in reasons
            for edition in found
        ]

    def save_model(self, request: HttpRequest, obj: Narrative, form: Any, change: bool) -> None:
        obj.updated_by = request.user
        super().save_model(request, obj, form, change)
