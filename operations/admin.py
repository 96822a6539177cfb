"""The admin of the operations: for field editors first, then for those who keep the reference data."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import RelatedOnlyFieldListFilter
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.utils import quote, unquote
from django.contrib.admin.widgets import FilteredSelectMultiple, RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from js_asset import Media
from modeltranslation.admin import TranslationAdmin

from . import editions
from .forms import (
    FiguresForm,
    KeyFigureForm,
    KeyFigureFormSet,
    NarrativeChoiceForm,
    NarrativeForm,
    RowFormSet,
    SectionForm,
    SectionFormSet,
    SeenForm,
    clean_year,
    overtaken,
)
from .import_admin import TableAdmin
from .models import (
    Edition,
    FinancialFigure,
    KeyFigure,
    MissingReason,
    Narrative,
    Office,
    Operation,
    Pillar,
    PopulationFigure,
    PopulationType,
    Region,
    Section,
    SectionType,
)
from .profiles import in_language
from .resources import FinancialFigureResource, OfficeResource, OperationResource, PopulationFigureResource
from .sites import State, narratives_with_state, operations_with_state, state_of

RELEASE = "operations.release_edition"


def state_tag(state: State) -> str:
    return format_html(
        '<span class="state state-{}"><span aria-hidden="true">{}</span> {}</span>',
        state,
        state.mark,
        state.label,
    )


# --- Rights per operation ----------------------------------------------------------------------------


class PerOperation:
    """A ModelAdmin that shows and changes only what belongs to the operations that its user edits."""

    def editable(self, request: HttpRequest) -> set[int]:
        """The keys of the user's operations, asked once a request."""
        if not hasattr(request, "editable_operations"):
            mine = Operation.objects.editable_by(request.user).order_by()
            request.editable_operations = set(mine.values_list("pk", flat=True))
        return request.editable_operations

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        mine = Operation.objects.editable_by(request.user).order_by()
        name = "pk__in" if self.model is Operation else "operation__in"
        return super().get_queryset(request).filter(**{name: mine})

    def is_mine(self, request: HttpRequest, obj: models.Model | None) -> bool:
        if obj is None:
            return True
        key = obj.pk if self.model is Operation else obj.operation_id
        return key in self.editable(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and self.is_mine(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self.is_mine(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self.is_mine(request, obj)

    def has_release_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(RELEASE) and self.is_mine(request, obj)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(getattr(field, "widget", None), RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget  # without links that open another form in a window
        return field

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.remote_field.model is Operation:
            kwargs["queryset"] = Operation.objects.editable_by(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


# --- Working copies and their editions ---------------------------------------------------------------


class WorkingCopyAdmin(PerOperation):
    """A ModelAdmin whose every save records an edition, and whose form can release and withdraw."""

    view_on_site = False  # the forms have a link of their own, see ``public_url``

    def get_urls(self) -> list:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        withdraw = path(
            "<path:object_id>/withdraw/",
            self.admin_site.admin_view(self.withdraw_view),
            name=f"{name}_withdraw",
        )
        return [withdraw, *super().get_urls()]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kw: Any
    ) -> Any:
        if "_release" in request.POST and not request.user.has_perm(RELEASE):
            raise PermissionDenied
        return super().changeform_view(request, object_id, *args, **kw)

    def render_change_form(
        self, request: HttpRequest, context: dict, *args: Any, obj: Any = None, **kw: Any
    ) -> Any:
        context["media"] = Media.from_media(context["media"], nonce=request.csp_nonce)
        context |= self.standing(request, obj)
        if obj is not None:
            context |= {"title": str(obj), "subtitle": None}
        return super().render_change_form(request, context, *args, obj=obj, **kw)

    def standing(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """Where a working copy stands, for the line above its form and the buttons under it."""
        newest = public = None
        if obj is not None and obj.pk:
            made = (
                Edition.objects.of(obj).defer("content").select_related("made_by", "released_by", "operation")
            )
            newest, public = made.first(), made.released().first()
        return {
            "newest": newest,
            "public": public,
            "may_release": self.has_release_permission(request, obj),
            "public_url": self.public_url(obj) if obj is not None and obj.pk else None,
        }

    def public_url(self, obj: Any) -> str | None:
        """The public page; ``None`` while the operation has none. Drafts are not shown there."""
        operation = obj if isinstance(obj, Operation) else obj.operation_id
        has_page = Edition.objects.released().profiles().filter(operation=operation).exists()
        return obj.get_absolute_url() if has_page else None

    def save_related(self, request: HttpRequest, form: Any, formsets: list, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        self.keep(request, form.instance)

    def keep(self, request: HttpRequest, obj: Any) -> Edition:
        """Record what was saved, release it if that was asked, and say in a sentence what happened."""
        before = Edition.objects.of(obj).values_list("number", flat=True).first() or 0
        if "_release" in request.POST and self.has_release_permission(request, obj):
            if refusal := self.refuses_release(obj):
                edition = editions.record(obj, request.user)
                said = _("Saved as edition %(number)s, but not released: %(why)s")
                self.message_user(
                    request, said % {"number": edition.number, "why": refusal}, messages.WARNING
                )
                return edition
            was_public = Edition.objects.of(obj).released().values_list("number", flat=True).first()
            edition = editions.release(obj, request.user)
            url = self.public_url(obj)
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
        edition = editions.record(obj, request.user)
        if edition.number > before:
            said = _("Saved as edition %s, not yet released.")
        elif edition.is_released():
            said = _("Nothing has changed: readers see edition %s.")
        else:
            said = _("Nothing has changed since edition %s, which is not yet released.")
        self.message_user(request, said % edition.number, messages.SUCCESS)
        return edition

    def refuses_release(self, obj: Any) -> str:
        """Why this cannot be released, in a sentence; empty where it can."""
        return ""

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        if IS_POPUP_VAR in request.POST:
            return super().response_add(request, obj, post_url_continue)
        return self.after_saving(request, obj)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        if IS_POPUP_VAR in request.POST:
            return super().response_change(request, obj)
        return self.after_saving(request, obj)

    def after_saving(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Back to where the form was opened: the list with its filters, else the start page."""
        filters = self.get_preserved_filters(request)
        if "_continue" in request.POST:
            url = reverse(f"admin:operations_{self.opts.model_name}_change", args=[quote(obj.pk)])
            return HttpResponseRedirect(f"{url}?{filters}" if filters else url)
        return (
            self._response_post_save(request, obj)
            if filters
            else HttpResponseRedirect(reverse("admin:index"))
        )

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


class StateFilter(admin.SimpleListFilter):
    """By what readers see of a row that has the numbers of its editions (see ``sites``)."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list:
        return [(state.value, state.label) for state in State if state not in {State.MISSING, State.LATER}]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return {
            State.DRAFT: queryset.filter(last_released__isnull=True),
            State.RELEASED: queryset.filter(public=F("newest")),
            State.CHANGED: queryset.filter(public__lt=F("newest")),
            State.WITHDRAWN: queryset.filter(public__isnull=True, last_released__isnull=False),
        }.get(self.value(), queryset)


class StatefulList:
    @admin.display(description=gettext_lazy("state"))
    def state(self, obj: Any) -> str:
        return state_tag(state_of(obj.newest, obj.last_released, obj.public))


# --- Operations --------------------------------------------------------------------------------------


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
        (
            gettext_lazy("Who edits it"),
            {
                "classes": ["editors"],
                "description": gettext_lazy(
                    "These members of staff see the operation on their start page and may change it."
                ),
                "fields": ["editors"],
            },
        ),
    ]
    filter_horizontal = ["editors"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return operations_with_state(super().get_queryset(request))

    def get_fieldsets(self, request: HttpRequest, obj: Operation | None = None) -> list:
        fieldsets = super().get_fieldsets(request, obj)
        return (
            fieldsets
            if request.user.is_superuser
            else [f for f in fieldsets if f[1]["fields"] != ["editors"]]
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Operation | None = None) -> list[str]:
        fixed = [*super().get_readonly_fields(request, obj)]
        if obj and obj.last_released is not None:
            fixed.append("slug")
        if obj and not self.has_add_permission(request):
            fixed.append("code")
        if not request.user.is_superuser and not request.user.has_perm("operations.edit_every_operation"):
            fixed.append("predecessor")  # it may be an operation that this editor does not see
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

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "editors":
            kwargs["queryset"] = db_field.remote_field.model.objects.filter(is_staff=True).order_by(
                "username"
            )
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @admin.display(description=gettext_lazy("go to"))
    def links(self, obj: Operation) -> str:
        return format_html(
            '<a href="{}">{}</a> · <a href="{}?operation__id__exact={}">{}</a>',
            reverse("admin:operations_operation_figures", args=[obj.pk]),
            _("Figures"),
            reverse("admin:operations_narrative_changelist"),
            obj.pk,
            _("Texts"),
        )

    @admin.action(
        description=gettext_lazy("Release the profile of the selected operations"), permissions=["release"]
    )
    def release_profiles(self, request: HttpRequest, queryset: QuerySet) -> None:
        with transaction.atomic():
            for operation in queryset:
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
                Operation.objects.select_for_update().filter(pk=operation.pk).first()
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
        if "_release" in request.POST and not self.has_release_permission(request, operation):
            raise PermissionDenied
        newest = Edition.objects.of(operation).defer("content").select_related("made_by").first()
        if newest and request.POST.get("seen", "").isdecimal() and newest.number > int(request.POST["seen"]):
            form.show_what_was_saved()
            self.message_user(request, overtaken(newest), messages.ERROR)
            return None, form
        if form.errors:
            return None, form
        if changed := form.save():
            labels = ", ".join(cell.label for cell in changed)
            self.log_change(request, operation, _("Changed figures: %s.") % labels)
        self.keep(request, operation)
        return HttpResponseRedirect(request.get_full_path()), form


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


# --- Narratives --------------------------------------------------------------------------------------


class SectionInline(admin.StackedInline):
    model = Section
    form = SectionForm
    formset = SectionFormSet
    template = "admin/operations/narrative/sections.html"
    can_delete = False


class KeyFigureInline(admin.TabularInline):
    model = KeyFigure
    form = KeyFigureForm
    formset = KeyFigureFormSet
    template = "admin/operations/narrative/key_figures.html"
    extra = 3


@admin.register(Narrative)
class NarrativeAdmin(StatefulList, WorkingCopyAdmin, admin.ModelAdmin):
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
        existing = Narrative.objects.filter(**chosen).first()
        if existing and request.method != "POST":
            self.message_user(request, _("This text exists already. Here it is."), messages.INFO)
            return HttpResponseRedirect(reverse("admin:operations_narrative_change", args=[existing.pk]))
        request.narrative = chosen
        text = Narrative(**chosen)
        context = {"title": _("New: %s") % text, "copy": self.copy_offer(request, text, text.year)}
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
        context = {"copy": text and self.copy_offer(request, text, text.year + 1)}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def copy_offer(self, request: HttpRequest, text: Narrative, year: int) -> dict[str, Any] | None:
        """What “Copy last year” sends to make the text of ``year``; ``None`` where it would be refused."""
        same = Narrative.objects.filter(operation=text.operation_id, kind=text.kind, language=text.language)
        years = set(same.filter(year__in=[year - 1, year]).values_list("year", flat=True))
        if years != {year - 1} or not self.has_add_permission(request):
            return None
        return {"operation": text.operation_id, "kind": text.kind, "year": year, "language": text.language}

    def copy_view(self, request: HttpRequest) -> HttpResponse:
        """A new text with the sections and key figures of the same text of the year before."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        choice = NarrativeChoiceForm(request.POST, user=request.user)
        if not choice.is_valid():
            raise PermissionDenied
        chosen = choice.cleaned_data
        if existing := Narrative.objects.filter(**chosen).first():
            self.message_user(
                request, _("Nothing was copied: this text exists already. Here it is."), messages.WARNING
            )
            return HttpResponseRedirect(reverse("admin:operations_narrative_change", args=[existing.pk]))
        source = Narrative.objects.filter(**{**chosen, "year": chosen["year"] - 1}).first()
        if source is None:
            self.message_user(
                request, _("Nothing was copied: the year before has no such text."), messages.WARNING
            )
            return HttpResponseRedirect(reverse("admin:index"))
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

    def save_model(self, request: HttpRequest, obj: Narrative, form: Any, change: bool) -> None:
        obj.updated_by = request.user
        super().save_model(request, obj, form, change)

    def refuses_release(self, obj: Narrative) -> str:
        if obj.sections.exclude(body="").exists() or obj.key_figures.exists():
            return ""
        return _("the text is empty. Write at least one section or one key figure.")


# --- Editions ----------------------------------------------------------------------------------------


class EditionStateFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list:
        return [
            ("public", _("readers see it")),
            ("replaced", _("replaced by a newer one")),
            ("withdrawn", _("withdrawn")),
            ("draft", _("not released")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return {
            "public": queryset.filter(is_public=True),
            "replaced": queryset.filter(
                is_public=False, released_at__isnull=False, withdrawn_at__isnull=True
            ),
            "withdrawn": queryset.filter(withdrawn_at__isnull=False),
            "draft": queryset.filter(released_at__isnull=True),
        }.get(self.value(), queryset)


@admin.register(Edition)
class EditionAdmin(PerOperation, admin.ModelAdmin):
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
        released = Edition.objects.released().filter(pk=OuterRef("pk"))
        return super().get_queryset(request).defer("content").annotate(is_public=Exists(released))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("state"))
    def state(self, obj: Edition) -> str:
        if obj.withdrawn_at:
            return state_tag(State.WITHDRAWN)
        if obj.released_at is None:
            return state_tag(State.DRAFT)
        return state_tag(State.RELEASED) if obj.is_public else _("replaced by a newer edition")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        edition = self.get_object(request, unquote(object_id))
        context = {"edition": edition, "state": edition and self.state(edition), **(extra_context or {})}
        if edition:
            show = profile_tables if edition.kind == Edition.Kind.PROFILE else narrative_parts
            context |= {"title": str(edition), "subtitle": None, **show(edition.content)}
        return super().change_view(request, object_id, form_url, context)


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
        for is_public, listed in ((True, content["offices"]), (False, content["private"]["offices"]))
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


# --- Reference data ----------------------------------------------------------------------------------


@admin.register(Region)
class RegionAdmin(TranslationAdmin):
    list_display = ["name", "code", "parent", "order"]
    list_select_related = ["parent"]
    search_fields = ["code", "name_en"]
    fields = [("code", "order", "parent"), ("name_en", "name_fr"), ("name_es", "name_ar")]


@admin.register(PopulationType)
class PopulationTypeAdmin(TranslationAdmin):
    list_display = ["name", "code", "order", "first_year", "last_year"]
    search_fields = ["code", "name_en"]
    fields = [
        ("code", "order"),
        ("name_en", "name_fr"),
        ("name_es", "name_ar"),
        ("first_year", "last_year"),
    ]


@admin.register(Pillar)
class PillarAdmin(TranslationAdmin):
    list_display = ["name", "code", "scheme", "order", "first_year", "last_year"]
    list_filter = ["scheme"]
    search_fields = ["code", "name_en"]
    fields = [
        ("code", "scheme", "order"),
        ("name_en", "name_fr"),
        ("name_es", "name_ar"),
        ("first_year", "last_year"),
    ]


@admin.register(SectionType)
class SectionTypeAdmin(TranslationAdmin):
    list_display = ["heading", "code", "in_plan", "in_year_end", "order", "first_year", "last_year"]
    list_filter = ["in_plan", "in_year_end"]
    search_fields = ["code", "heading_en"]
    fields = [
        ("code", "order"),
        ("heading_en", "heading_fr"),
        ("heading_es", "heading_ar"),
        ("in_plan", "in_year_end"),
        "guidance",
        ("first_year", "last_year"),
    ]
    formfield_overrides = {models.TextField: {"widget": forms.Textarea(attrs={"rows": 3})}}
