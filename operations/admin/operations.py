"""Operations with their offices and their figures."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import RelatedOnlyFieldListFilter
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from modeltranslation.admin import TranslationAdmin

from .. import editions
from ..forms import (
    RowFormSet,
    SeenForm,
    overtaken,
)
from ..grids import FiguresForm, clean_year
from ..import_admin import TableAdmin
from ..models import (
    Edition,
    FinancialFigure,
    Office,
    Operation,
    PopulationFigure,
    Role,
)
from ..resources import FinancialFigureResource, OfficeResource, OperationResource, PopulationFigureResource
from ..sites import may_read_texts, operations_with_state
from .rights import RELEASE, PerOperation
from .working_copies import StateFilter, StatefulList, WorkingCopyAdmin

# What releasing a profile makes public, by the keys of its content.
PARTS = {
    "code": gettext_lazy("code"),
    "slug": gettext_lazy("address"),
    "name": gettext_lazy("name"),
    "kind": gettext_lazy("kind"),
    "countries": gettext_lazy("countries"),
    "region": gettext_lazy("region"),
    "latitude": gettext_lazy("map"),
    "longitude": gettext_lazy("map"),
    "zoom": gettext_lazy("map"),
    "first_year": gettext_lazy("years"),
    "last_year": gettext_lazy("years"),
    "predecessor": gettext_lazy("predecessor"),
    "notice": gettext_lazy("notice"),
    "is_active": gettext_lazy("whether it is active"),
    "offices": gettext_lazy("offices"),
    "population_types": gettext_lazy("people"),
    "population": gettext_lazy("people"),
    "pillars": gettext_lazy("money"),
    "finance": gettext_lazy("money"),
}


class OfficeInline(admin.TabularInline):
    model = Office
    formset = RowFormSet
    extra = 0
    fields = ["name", "kind", "latitude", "longitude", "is_public", "is_approximate", "description_en"]
    show_change_link = True
    classes = ["compact"]
    formfield_overrides = {models.TextField: {"widget": forms.Textarea(attrs={"rows": 2})}}


@admin.register(Operation)
class OperationAdmin(TableAdmin, StatefulList, WorkingCopyAdmin, TranslationAdmin):
    resource_classes = [OperationResource]
    form = SeenForm
    inlines = [OfficeInline]
    change_form_template = "admin/operations/operation/change_form.html"
    list_display = ["name", "code", "kind", "region", "state", "is_active", "links"]
    list_filter = [("region", RelatedOnlyFieldListFilter), StateFilter, "kind", "is_active"]
    list_select_related = ["region"]
    list_per_page = 50
    search_fields = ["code", "slug", "name_en", "name_fr", "name_es", "name_ar"]
    prepopulated_fields = {"slug": ["name_en"]}
    actions = ["release_profiles"]
    formfield_overrides = {models.TextField: {"widget": forms.Textarea(attrs={"rows": 3})}}
    fieldsets = [
        (
            gettext_lazy("What it is"),
            {
                "description": gettext_lazy(
                    "The name as it stands at the top of the page. Readers of a language without a name see the "
                    "English one."
                ),
                "fields": [
                    ("name_en", "name_fr"),
                    ("name_es", "name_ar"),
                    ("code", "slug"),
                    ("kind", "region"),
                    ("first_year", "last_year", "is_active"),
                    "predecessor",
                ],
            },
        ),
        (
            gettext_lazy("On the map"),
            {
                "description": gettext_lazy(
                    "The map marks the countries and the offices. Without a middle it shows the countries as a whole."
                ),
                "fields": ["countries", ("latitude", "longitude", "zoom")],
            },
        ),
        (
            gettext_lazy("Notice"),
            {
                "classes": ["collapse"],
                "description": gettext_lazy(
                    "A notice stands above everything else on the page until it is removed. Most operations have none."
                ),
                "fields": [("notice_en", "notice_fr"), ("notice_es", "notice_ar")],
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return operations_with_state(super().get_queryset(request))

    def get_fieldsets(self, request: HttpRequest, obj: Operation | None = None) -> list:
        fieldsets = super().get_fieldsets(request, obj)
        if self.sees_every_operation(request):
            return fieldsets
        names = {"predecessor": "predecessor_name"}
        return [
            (title, {**options, "fields": [names.get(str(name), name) for name in options["fields"]]})
            for title, options in fieldsets
        ]

    def sees_every_operation(self, request: HttpRequest) -> bool:
        everywhere = Role.objects.giving(
            request.user, "operations.view_operation", "operations.change_operation"
        )
        return (
            request.user.is_superuser
            or everywhere.filter(operation__isnull=True, region__isnull=True).exists()
        )

    @admin.display(description=gettext_lazy("predecessor"))
    def predecessor_name(self, obj: Operation) -> str:
        """In place of a link to an operation that this editor may not open."""
        return str(obj.predecessor or "–")

    def get_readonly_fields(self, request: HttpRequest, obj: Operation | None = None) -> list[str]:
        fixed = [*super().get_readonly_fields(request, obj)]
        if obj and obj.last_released is not None:
            fixed.append("slug")
        if obj and not self.has_add_permission(request):
            fixed.append("code")
        if not self.sees_every_operation(request):
            fixed.append("predecessor_name")  # it may be an operation that this editor does not see
        return fixed

    def get_prepopulated_fields(self, request: HttpRequest, obj: Operation | None = None) -> dict:
        return {} if obj else super().get_prepopulated_fields(request, obj)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "countries":
            field.widget = FilteredSelectMultiple(_("countries"), is_stacked=False)
            field.widget.choices = field.choices
            field.help_text = _("The countries that the map marks.")
        return field

    def get_list_display(self, request: HttpRequest) -> list[str]:
        columns = super().get_list_display(request)
        return columns if may_read_texts(request.user) else [*columns[:-1], "figures_link"]

    @admin.display(description=gettext_lazy("go to"))
    def figures_link(self, obj: Operation) -> str:
        url = reverse("admin:operations_operation_figures", args=[obj.pk])
        return format_html('<a href="{}">{}</a>', url, _("Figures"))

    @admin.display(description=gettext_lazy("go to"))
    def links(self, obj: Operation) -> str:
        return format_html(
            '{} · <a href="{}?operation__id__exact={}">{}</a>',
            self.figures_link(obj),
            reverse("admin:operations_narrative_changelist"),
            obj.pk,
            _("Texts"),
        )

    def standing(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        return {**super().standing(request, obj), "may_read_texts": may_read_texts(request.user)}

    @admin.action(
        description=gettext_lazy("Release the profile of the selected operations"), permissions=["release"]
    )
    def release_profiles(self, request: HttpRequest, queryset: QuerySet) -> None:
        if not queryset:
            self.message_user(request, _("No operation was chosen: nothing is released."), messages.WARNING)
            return
        with transaction.atomic():
            for operation in queryset.order_by("pk"):  # in one order, so that no two wait for each other
                editions.release(operation, request.user)
        said = ngettext(
            "The profile of %d operation is released; readers see it now.",
            "The profiles of %d operations are released; readers see them now.",
            len(queryset),
        )
        self.message_user(request, said % len(queryset), messages.SUCCESS)

    # --- Figures -------------------------------------------------------------------------------------

    def get_urls(self) -> list:
        figures = path(
            "<path:object_id>/figures/",
            self.admin_site.admin_view(self.figures_view),
            name="operations_operation_figures",
        )
        return [figures, *super().get_urls()]

    def figures_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        operation = self.get_object(request, unquote(object_id))
        if operation is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_or_change_permission(request, operation):
            raise PermissionDenied
        if request.method == "POST":
            with transaction.atomic():
                Operation.objects.lock(pk=operation.pk)
                response, form = self.save_figures(request, operation)
            if response:
                return response
        else:
            form = self.figures_form(request, operation)
        context = {
            **self.admin_site.each_context(request),
            **self.standing(request, operation),
            "title": _("Figures"),
            "subtitle": str(operation),
            "opts": self.opts,
            "original": operation,
            "form": form,
            "may_save": form.may_edit_people or form.may_edit_money,
            "may_release": self.may_release_figures(request, operation, form),
        }
        return TemplateResponse(request, "admin/operations/operation/figures.html", context)

    def figures_form(self, request: HttpRequest, operation: Operation, data: Any = None) -> FiguresForm:
        return FiguresForm(
            operation,
            first=clean_year(request.GET.get("from")),
            data=data,
            may_edit_people=request.user.has_perm("operations.change_populationfigure"),
            may_edit_money=request.user.has_perm("operations.change_financialfigure"),
        )

    def save_figures(
        self, request: HttpRequest, operation: Operation
    ) -> tuple[HttpResponse | None, FiguresForm]:
        """Save the whole page or nothing; without a response the form is shown again, with its errors."""
        form = self.figures_form(request, operation, request.POST)
        if not (form.may_edit_people or form.may_edit_money):
            raise PermissionDenied
        if "_release" in request.POST and not self.may_release_figures(request, operation, form):
            raise PermissionDenied
        newest = Edition.objects.of(operation).defer("content").select_related("made_by").first()
        seen = request.POST.get("seen", "")
        if newest and seen.isdecimal() and len(seen) < 10 and newest.number > int(seen):
            form.show_what_was_saved()
            self.message_user(request, overtaken(newest), messages.ERROR)
            return None, form
        if form.errors:
            return None, form
        if changed := form.save():
            labels = ", ".join(cell.label for cell in changed)
            self.log_change(request, operation, _("Changed figures: %s.") % labels)
        if "_release" in request.POST:
            self.release(request, operation, self.refuses_figures(request, operation, form))
        else:
            self.keep(request, operation)
        return HttpResponseRedirect(request.get_full_path()), form

    def may_release_figures(self, request: HttpRequest, operation: Operation, form: FiguresForm) -> bool:
        """Who may change figures may release them: with nothing else, see ``refuses_figures``."""
        return (
            request.user.has_perm(RELEASE)
            and self.is_mine(request, operation, RELEASE)
            and (form.may_edit_people or form.may_edit_money)
        )

    def refuses_figures(self, request: HttpRequest, operation: Operation, form: FiguresForm) -> str:
        """Why these figures are not released: with them would go what this person may not change."""
        if self.has_release_permission(request, operation):
            return self.refuses_release(operation)
        public = Edition.objects.of(operation).released().first()
        if public is None:
            return _(
                "readers see no profile of this operation, and releasing it would show them all of it. "
                "A reviewer or an editor of the operation can release it."
            )
        own = {"shape", "private"}  # readers see neither
        own |= {"population", "population_types"} if form.may_edit_people else set()
        own |= {"finance", "pillars"} if form.may_edit_money else set()
        draft = editions.freeze(operation)
        others = [key for key in draft if key not in own and draft[key] != public.content.get(key)]
        if not others:
            return ""
        return _(
            "this would also release what was changed in: %s. "
            "A reviewer or an editor of the operation can release it."
        ) % ", ".join(dict.fromkeys(str(PARTS.get(key, key)) for key in others))


class PartOfProfile(TableAdmin, PerOperation):
    """Rows that belong to an operation's profile: a change of them makes a new edition of it."""

    list_select_related = ["operation"]
    list_per_page = 100

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fixed = [*super().get_readonly_fields(request, obj)]
        return [*fixed, "operation"] if obj else fixed

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        self.record(request, [obj.operation])

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        self.record(request, [obj.operation])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet) -> None:
        touched = list(Operation.objects.filter(pk__in=queryset.order_by().values("operation")))
        super().delete_queryset(request, queryset)
        self.record(request, touched)

    def record(self, request: HttpRequest, touched: list[Operation]) -> None:
        for operation in touched:
            edition = editions.record(operation, request.user)
            if edition.released_at is None:
                url = reverse("admin:operations_operation_change", args=[operation.pk])
                said = _(
                    'The profile of <a href="{url}">{operation}</a> now has edition {number}, which is not yet released.'
                )
                self.message_user(
                    request,
                    format_html(said, url=url, operation=operation, number=edition.number),
                    messages.INFO,
                )


@admin.register(Office)
class OfficeAdmin(PartOfProfile, TranslationAdmin):
    resource_classes = [OfficeResource]
    list_display = ["name", "operation", "kind", "is_public", "is_approximate"]
    list_filter = [("operation", RelatedOnlyFieldListFilter), "kind", "is_public"]
    search_fields = ["name", "operation__name_en", "operation__code"]
    formfield_overrides = {models.TextField: {"widget": forms.Textarea(attrs={"rows": 3})}}
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "operation",
                    ("name", "kind"),
                    ("latitude", "longitude"),
                    "is_public",
                    "is_approximate",
                ]
            },
        ),
        (
            gettext_lazy("Description"),
            {"fields": [("description_en", "description_fr"), ("description_es", "description_ar")]},
        ),
    ]


class FigureAdmin(PartOfProfile):
    search_fields = ["operation__name_en", "operation__code", "source"]

    @admin.display(description=gettext_lazy("figure"))
    def figure(self, obj: Any) -> str:
        value = obj.people if isinstance(obj, PopulationFigure) else obj.amount_usd
        if value is None:
            return f"– ({obj.get_missing_reason_display()})"
        return f"{value:,}" if isinstance(obj, PopulationFigure) else f"{value:,.2f}"


@admin.register(PopulationFigure)
class PopulationFigureAdmin(FigureAdmin, admin.ModelAdmin):
    resource_classes = [PopulationFigureResource]
    list_display = ["operation", "year", "part", "figure", "as_of", "source"]
    list_filter = [("operation", RelatedOnlyFieldListFilter), "year", "type"]
    list_select_related = ["operation", "type"]
    fields = ["operation", ("year", "type"), ("people", "missing_reason"), ("as_of", "source")]

    @admin.display(description=gettext_lazy("type"), ordering="type__order")
    def part(self, obj: PopulationFigure) -> str:
        return str(obj.type or _("total"))


@admin.register(FinancialFigure)
class FinancialFigureAdmin(FigureAdmin, admin.ModelAdmin):
    resource_classes = [FinancialFigureResource]
    list_display = ["operation", "year", "measure", "part", "figure", "status", "as_of"]
    list_filter = [("operation", RelatedOnlyFieldListFilter), "year", "measure", "status", "pillar"]
    list_select_related = ["operation", "pillar"]
    fields = [
        "operation",
        ("year", "measure", "pillar"),
        ("amount_usd", "missing_reason"),
        ("status", "as_of", "source"),
    ]

    @admin.display(description=gettext_lazy("pillar"), ordering="pillar__order")
    def part(self, obj: FinancialFigure) -> str:
        return str(obj.pillar or _("total"))
