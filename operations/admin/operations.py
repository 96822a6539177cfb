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
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from modeltranslation.admin import TranslationAdmin

from .. import editions
from ..asked import whole_number
from ..forms import (
    RowFormSet,
    SeenForm,
)
from ..grids import FiguresForm, clean_year
from ..import_admin import TableAdmin
from ..models import (
    Edition,
    FinancialFigure,
    Office,
    Operation,
    PopulationFigure,
)
from ..profiles import in_language
from ..releases import Candidate, release_ready
from ..resources import FinancialFigureResource, OfficeResource, OperationResource, PopulationFigureResource
from ..states import operations_with_state
from .presence import left
from .rights import (
    READ_PROFILES,
    READ_TEXTS,
    RELEASE,
    PartPerOperation,
    PerOperation,
    allowed,
    everywhere,
    is_mine,
    permission,
)
from .stamps import Stamped
from .two_editors import Note, TwoEditors, is_newer, overtaking
from .working_copies import StateFilter, StatefulList, WorkingCopyAdmin

# What releasing a profile makes public: the keys of its content, in words.
CONTENT_LABELS = {
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


class OfficeInline(PartPerOperation, admin.TabularInline):
    model = Office
    formset = RowFormSet
    extra = 0
    fields = ["name", "kind", "latitude", "longitude", "is_public", "is_approximate", "description_en"]
    show_change_link = True
    classes = ["compact"]
    formfield_overrides = {models.TextField: {"widget": forms.Textarea(attrs={"rows": 2})}}


@admin.register(Operation)
class OperationAdmin(TableAdmin, StatefulList, WorkingCopyAdmin, TranslationAdmin):
    locked_by = "pk"
    resource_classes = [OperationResource]
    form = SeenForm
    inlines = [OfficeInline]
    change_form_template = "admin/operations/operation/change_form.html"
    list_display = ["name", "code", "kind", "region", "state", "is_active"]
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
        return operations_with_state(super().get_queryset(request)).with_fixed_address()

    def get_fieldsets(self, request: HttpRequest, obj: Operation | None = None) -> list:
        fieldsets = super().get_fieldsets(request, obj)
        if self.sees_predecessor(request, obj):
            return fieldsets
        names = {"predecessor": "predecessor_name"}
        return [
            (title, {**options, "fields": [names.get(str(name), name) for name in options["fields"]]})
            for title, options in fieldsets
        ]

    def sees_predecessor(self, request: HttpRequest, obj: Operation | None) -> bool:
        return not (obj and obj.predecessor_id) or is_mine(request, obj.predecessor_id, *READ_PROFILES)

    @admin.display(description=gettext_lazy("predecessor"))
    def predecessor_name(self, obj: Operation) -> str:
        """The name that readers know of an operation that this editor does not see."""
        public = Edition.objects.released().profiles().filter(operation=obj.predecessor_id).first()
        return in_language(public.content["name"]) if public else _("an operation that is not yet public")

    def get_readonly_fields(self, request: HttpRequest, obj: Operation | None = None) -> list[str]:
        fixed = [*super().get_readonly_fields(request, obj)]
        if obj and obj.has_fixed_address:
            fixed.append("slug")
        if obj and not self.has_add_permission(request):
            fixed.append("code")
        if not everywhere(request, self.permission("change")):
            fixed.append("region")  # roles in a region reach the operations that are in it
        if not self.sees_predecessor(request, obj):
            fixed.append("predecessor_name")
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
        with_texts = allowed(request, *READ_TEXTS)

        @admin.display(description=_("go to"))
        def links(obj: Operation) -> str:
            figures = reverse("admin:operations_operation_figures", args=[obj.pk])
            link = format_html('<a href="{}">{}</a>', figures, _("Figures"))
            if obj.pk not in with_texts:
                return link
            texts = f"{reverse('admin:operations_narrative_changelist')}?operation__id__exact={obj.pk}"
            return format_html('{} · <a href="{}">{}</a>', link, texts, _("Texts"))

        return [*super().get_list_display(request), links]

    def standing(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        reads = obj is not None and is_mine(request, obj.pk, *READ_TEXTS)
        return {**super().standing(request, obj), "may_read_texts": reads}

    @admin.action(
        description=gettext_lazy("Release the profile of the selected operations"), permissions=["release"]
    )
    def release_profiles(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Those without an error and an open warning; the others are named, each with a link to its release page."""
        if not queryset:
            self.message_user(request, _("No operation was chosen: nothing is released."), messages.WARNING)
            return
        mine = {operation.pk for operation in queryset if self.has_release_permission(request, operation)}
        with transaction.atomic():
            outcome = release_ready(queryset, request.user, may_release=mine)
            for edition in outcome.released:
                self.log_change(request, edition.operation, _("Released edition %s.") % edition.number)
        if number := len(outcome.released):
            said = ngettext(
                "The profile of %d operation is released; readers see it now.",
                "The profiles of %d operations are released; readers see them now.",
                number,
            )
            self.message_user(request, said % number, messages.SUCCESS)
        if number := len(outcome.unchanged):
            said = ngettext(
                "Nothing has changed in %d profile since its release.",
                "Nothing has changed in %d profiles since their release.",
                number,
            )
            self.message_user(request, said % number, messages.INFO)
        if outcome.held:
            self.message_user(request, self.held_back(outcome.held), messages.WARNING)

    def held_back(self, held: list[tuple[Operation, str]]) -> str:
        said = ngettext("%d profile is not released:", "%d profiles are not released:", len(held)) % len(held)
        lines = [(self.url("release", operation), operation, why) for operation, why in held]
        return format_html(
            '{}<ul class="held">{}</ul>',
            said,
            format_html_join("", '<li><a href="{}">{}</a>: {}</li>', lines),
        )

    # --- Figures -------------------------------------------------------------------------------------

    def get_urls(self) -> list:
        figures = path(
            "<path:object_id>/figures/",
            self.admin_site.admin_view(self.figures_view),
            name="operations_operation_figures",
        )
        return [figures, *super().get_urls()]

    def form_url(self, request: HttpRequest, obj: Operation) -> str:
        return self.url("change" if self.has_release_permission(request, obj) else "figures", obj)

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
            "overtaking": getattr(request, "overtaking", None),
            "is_bound": request.method == "POST",
            "draft_name": self.figures_draft(operation, form),
            **self.presence(request, operation, f"figures/{operation.pk}"),
            "may_release": self.may_open_release(request, operation),
        }
        return TemplateResponse(request, "admin/operations/operation/figures.html", context)

    def figures_form(self, request: HttpRequest, operation: Operation, data: Any = None) -> FiguresForm:
        may_edit_people, may_edit_money = may_edit_figures(request, operation)
        return FiguresForm(
            operation,
            first=clean_year(request.GET.get("from")),
            data=data,
            may_edit_people=may_edit_people,
            may_edit_money=may_edit_money,
        )

    def save_figures(
        self, request: HttpRequest, operation: Operation
    ) -> tuple[HttpResponse | None, FiguresForm]:
        """Save the whole page or nothing; without a response the form is shown again, with its errors."""
        form = self.figures_form(request, operation)
        if not (form.may_edit_people or form.may_edit_money):
            raise PermissionDenied
        if "_release" in request.POST and not self.may_open_release(request, operation):
            raise PermissionDenied
        if self.merge_figures(request, operation, form) or form.errors:
            return None, form
        if changed := form.save():
            labels = ", ".join(cell.label for cell in changed)
            self.log_change(request, operation, _("Changed figures: %s.") % labels)
        self.keep(request, operation)
        left(request.user, f"figures/{operation.pk}")
        request.saved_draft = self.figures_draft(operation, form)
        response = HttpResponseRedirect(request.get_full_path())
        if "_release" in request.POST:
            response = self.on_to_release(request, operation)
        return self.told_as_saved(request, response), form

    def figures_draft(self, operation: Operation, form: FiguresForm) -> str:
        return (
            f"figures/{operation.pk}/{form.years[0]}" if form.may_edit_people or form.may_edit_money else ""
        )

    def edits(self, request: HttpRequest, obj: Operation, form: str) -> bool:
        if form.startswith("figures/"):
            return any(may_edit_figures(request, obj))
        return super().edits(request, obj, form)

    def forms_of(self, obj: Operation) -> list[str]:
        return [*super().forms_of(obj), f"figures/{obj.pk}"]

    def merge_figures(self, request: HttpRequest, operation: Operation, form: FiguresForm) -> bool:
        """Read what was typed; whether it had to be merged with what somebody else saved meanwhile."""
        seen = request.POST.get("seen", "")
        newest = Edition.objects.of(operation).defer("content").first()
        merged = form.merge(request.POST, is_behind=is_newer(newest, seen))
        form.read(merged.fields if merged else request.POST)
        if merged:
            form.show_what_was_merged(merged)
            told = request.overtaking = overtaking(request, operation, seen)
            told.conflicts = [
                Note(cell.label, cell.name) for cell in form.cells if cell.name in merged.conflicts
            ]
            told.taken = [Note(cell.label, cell.name) for cell in form.cells if cell.name in merged.taken]
        return merged is not None

    def may_open_release(self, request: HttpRequest, obj: Operation) -> bool:
        """Who may change figures may release them too: with nothing else, see ``refuses_figures``."""
        return super().may_open_release(request, obj) or any(may_edit_figures(request, obj, RELEASE))

    def refusal(self, request: HttpRequest, candidate: Candidate) -> str:
        return super().refusal(request, candidate) or self.refuses_figures(request, candidate)

    def refuses_figures(self, request: HttpRequest, candidate: Candidate) -> str:
        """Why these figures are not released: with them would go what this person may not change."""
        if self.has_release_permission(request, candidate.working_copy):
            return ""
        public = candidate.public
        may_release_people, may_release_money = may_edit_figures(request, candidate.working_copy, RELEASE)
        if public is None:
            return _(
                "Readers see no profile of this operation, and releasing it would show them all of it. "
                "A reviewer of the operation can release it."
            )
        own = {"shape", "private"}  # readers see neither
        own |= {"population", "population_types"} if may_release_people else set()
        own |= {"finance", "pillars"} if may_release_money else set()
        if others := changed_parts(public.content, candidate.content, own):
            said = _(
                "This would also release what was changed in: %s. A reviewer of the operation can release it."
            )
            return said % others
        if candidate.waiting and (others := changed_parts(public.content, candidate.waiting.content, own)):
            said = _(
                "Edition %(number)s, which is set to be released, also holds what was changed in: %(parts)s. "
                "A reviewer of the operation can take back or change its time, and release this one instead."
            )
            return said % {"number": candidate.waiting.number, "parts": others}
        return ""


def changed_parts(public: dict[str, Any], content: dict[str, Any], but: set[str]) -> str:
    """In words, what differs from what readers see; the keys in ``but`` aside."""
    others = [key for key in content if key not in but and content[key] != public.get(key)]
    return ", ".join(dict.fromkeys(str(CONTENT_LABELS.get(key, key)) for key in others))


def may_edit_figures(request: HttpRequest, operation: Operation, *more: str) -> tuple[bool, bool]:
    """The people, and the money, of this operation: whether one role lets its user fill, change and empty their
    cells, and do ``more``."""
    people, money = (
        operation.pk
        in allowed(
            request,
            *(permission(model, action) for action in ("add", "change", "delete")),
            *more,
            by_one_role=True,
        )
        for model in (PopulationFigure, FinancialFigure)
    )
    return people, money


LONGEST_URL = 6000  # which every server takes


class PartOfProfile(Stamped, TwoEditors, TableAdmin, PerOperation):
    """Rows that belong to an operation's profile: a change of them makes a new edition of it."""

    form = SeenForm
    change_form_template = "admin/operations/part_of_profile.html"
    list_select_related = ["operation"]
    list_per_page = 100

    @property
    def locked_by(self) -> str:
        return self.model._meta.get_field("operation").related_query_name()

    def whole(self, obj: Any) -> Operation:
        return obj.operation

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Of two who add the same row at once, the second is told by the form that it exists."""
        chosen = whole_number(request.POST.get("operation"))
        if object_id is not None or chosen is None:
            return super().changeform_view(request, object_id, *args, **kwargs)
        with transaction.atomic():
            Operation.objects.lock(pk=chosen)
            return super().changeform_view(request, object_id, *args, **kwargs)

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        """What was entered for a row that somebody deleted meanwhile stands in the form of a new one."""
        names = {field.name for field in opts.concrete_fields} | {"operation"}
        given = QueryDict(mutable=True)
        for name in names & request.POST.keys():
            given[name] = request.POST[name]
        given.setdefault("operation", request.POST.get("of", ""))
        for field in opts.concrete_fields:
            if isinstance(field, models.BooleanField):
                given.setdefault(field.name, "")  # a box without a tick is not sent
        url = f"{reverse(f'admin:{opts.app_label}_{opts.model_name}_add')}?{given.urlencode()}"
        if request.method != "POST" or not self.has_add_permission(request) or len(url) > LONGEST_URL:
            return super()._get_obj_does_not_exist_redirect(request, opts, object_id)
        said = _(
            "Somebody deleted this row while you had it open. What you entered stands here; saving adds it anew."
        )
        self.message_user(request, said, messages.WARNING)
        return HttpResponseRedirect(url)

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
