"""Editions, to be read by staff and changed by nobody."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import RelatedOnlyFieldListFilter
from django.contrib.admin.utils import unquote
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import (
    Edition,
    FinancialFigure,
    MissingReason,
    Narrative,
    Office,
    Operation,
)
from ..profiles import in_language
from ..states import State
from .pages import scheduled
from .rights import READ_PROFILES, READ_TEXTS, PerOperation, content_for
from .working_copies import state_tag


class EditionStateFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list:
        return [
            ("public", _("readers see it")),
            ("replaced", _("replaced by a newer one")),
            ("scheduled", _("released at a later time")),
            ("withdrawn", _("withdrawn")),
            ("draft", _("not released")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return {
            "public": queryset.filter(is_public=True),
            "replaced": queryset.filter(
                is_public=False, released_at__lte=timezone.now(), withdrawn_at__isnull=True
            ),
            "scheduled": queryset.filter(released_at__gt=timezone.now(), withdrawn_at__isnull=True),
            "withdrawn": queryset.filter(withdrawn_at__isnull=False),
            "draft": queryset.filter(released_at__isnull=True),
        }.get(self.value(), queryset)


class ReadOnlyAdmin(admin.ModelAdmin):
    """What is looked at and never typed in."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Edition)
class EditionAdmin(PerOperation, ReadOnlyAdmin):
    """What was saved and what was released, to read: nobody changes an edition."""

    change_form_template = "admin/operations/edition/change_form.html"
    list_display = ["operation", "kind", "year", "language", "number", "state", "made_at", "made_by"]
    list_display_links = ["operation", "number"]
    list_filter = [("operation", RelatedOnlyFieldListFilter), "kind", EditionStateFilter, "year", "language"]
    list_select_related = ["operation", "made_by"]
    list_per_page = 50
    search_fields = ["operation__name_en", "operation__code"]
    ordering = ["-made_at", "-pk"]
    date_hierarchy = "made_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """The profiles of the operations that their user sees, and the texts of those whose texts they read."""
        released = Edition.objects.released().filter(pk=OuterRef("pk"))
        readable = Q(
            kind=Edition.Kind.PROFILE, operation__in=Operation.objects.allowed(request.user, *READ_PROFILES)
        ) | Q(
            ~Q(kind=Edition.Kind.PROFILE), operation__in=Operation.objects.allowed(request.user, *READ_TEXTS)
        )
        return (
            super()
            .get_queryset(request)
            .filter(readable)
            .defer("content")
            .annotate(is_public=Exists(released))
        )

    def has_view_permission(self, request: HttpRequest, obj: Edition | None = None) -> bool:
        readers = READ_TEXTS if obj and obj.kind != Edition.Kind.PROFILE else READ_PROFILES
        return super().has_view_permission(request, obj) and self.is_mine(request, obj, *readers)

    @admin.display(description=gettext_lazy("state"))
    def state(self, obj: Edition) -> str:
        if obj.withdrawn_at:
            return state_tag(State.WITHDRAWN)
        if obj.released_at is None:
            return state_tag(State.DRAFT)
        if when := scheduled(obj):
            return _("released on %s") % when
        return state_tag(State.RELEASED) if obj.is_public else _("replaced by a newer edition")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        edition = self.get_object(request, unquote(object_id))
        context = {"edition": edition, "state": edition and self.state(edition), **(extra_context or {})}
        if edition:
            show = profile_tables if edition.kind == Edition.Kind.PROFILE else narrative_parts
            content = content_for(request, edition, edition.content)
            context |= {"title": str(edition), "subtitle": None, **show(content)}
            context["versions_url"] = self.versions_url(request, edition)
        return super().change_view(request, object_id, form_url, context)

    def versions_url(self, request: HttpRequest, edition: Edition) -> str | None:
        """The list of all versions of its text; ``None`` for who does not see the text."""
        if edition.kind == Edition.Kind.PROFILE:
            model, texts = Operation, Operation.objects.filter(pk=edition.operation_id)
        else:
            same = {name: getattr(edition, name) for name in ("operation", "kind", "year", "language")}
            model, texts = Narrative, Narrative.objects.filter(**same)
        text = texts.first()
        of = self.admin_site.get_model_admin(model)
        seen = text and of.has_view_or_change_permission(request, text)
        return of.url("versions", text) if seen else None


def narrative_parts(content: dict[str, Any]) -> dict[str, Any]:
    notes = content["private"]["editor_notes"]
    return {
        "sections": [
            {"heading": in_language(section["heading"]), "body": section["body"]}
            for section in content["sections"]
        ],
        "key_figures": [
            {**figure, "note": note} for figure, note in zip(content["key_figures"], notes, strict=True)
        ],
        "language": content["language"],
    }


def profile_tables(content: dict[str, Any]) -> dict[str, Any]:
    """A profile's content as labelled facts and two tables of years."""
    types = {type["code"]: in_language(type["name"]) for type in content["population_types"]}
    pillars = {pillar["code"]: in_language(pillar["name"]) for pillar in content["pillars"]}
    measures = dict(FinancialFigure.Measure.choices)
    people = [
        (
            types.get(figure["type"], _("All people")),
            figure["year"],
            figure["people"],
            figure["missing_reason"],
        )
        for figure in content["population"]
    ]
    money = [
        (
            " · ".join(
                str(part)
                for part in (
                    capfirst(measures[figure["measure"]]),
                    pillars.get(figure["pillar"]),
                    figure["status"] if figure["status"] != "current" else None,
                )
                if part
            ),
            figure["year"],
            figure["amount_usd"],
            figure["missing_reason"],
        )
        for figure in content["finance"]
    ]
    kinds = dict(Office.Kind.choices)
    offices = [
        {**office, "kind": kinds[office["kind"]], "is_public": is_public}
        for is_public, listed in (
            (True, content["offices"]),
            (False, content.get("private", {}).get("offices", [])),
        )
        for office in listed
    ]
    return {
        "profile": {**content, "names": content["name"], "name": in_language(content["name"])},
        "offices": offices,
        "tables": [(_("People"), *by_year(people)), (_("Money, in US dollars"), *by_year(money))],
    }


def by_year(figures: list[tuple]) -> tuple[list[int], list[tuple[str, list[str]]]]:
    """Years, and for each label its figures in them as text."""
    reasons = dict(MissingReason.choices)
    years = sorted({year for _label, year, _value, _reason in figures})
    rows: dict[str, dict[int, str]] = {}
    for label, year, value, reason in figures:
        if value is None:
            text = f"– {reasons.get(reason, '')}"
        elif isinstance(value, str):
            whole, _dot, cents = value.partition(".")
            text = f"{int(whole):,}.{cents or '00'}"
        else:
            text = f"{value:,}"
        rows.setdefault(label, {})[year] = text
    return years, [(label, [row.get(year, "") for year in years]) for label, row in rows.items()]
