from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from operations.admin.editions import ReadOnlyAdmin
from operations.admin.rights import READ_OFFICES, Discreet, PerOperation, everywhere
from operations.forms import RowFormSet
from operations.import_admin import TableAdmin
from operations.templatetags.figures import usd_cents

from .models import Contribution, Donor, DonorAlias, ImportBatch
from .resources import ContributionResource, DonorResource


class DonorAliasInline(admin.TabularInline):
    model = DonorAlias
    formset = RowFormSet
    extra = 1
    verbose_name_plural = gettext_lazy("other spellings, as files write the name")


@admin.register(Donor)
class DonorAdmin(Discreet, TableAdmin, admin.ModelAdmin):
    resource_classes = [DonorResource]
    list_display = ["name", "kind", "country", "parent", "may_be_named"]
    list_filter = ["kind", "may_be_named"]
    list_select_related = ["parent"]
    search_fields = ["name_en", "name_fr", "name_es", "name_ar", "aliases__name", "iati_reference"]
    inlines = [DonorAliasInline]
    fieldsets = [
        (None, {"fields": ["name_en", "kind", "country", "parent", "may_be_named"]}),
        (
            gettext_lazy("Footnote"),
            {
                "fields": ["footnote_en"],
                "description": gettext_lazy("A footnote appears wherever the donor is named, in every list."),
            },
        ),
        (
            gettext_lazy("Other languages and references"),
            {
                "classes": ["collapse"],
                "fields": ["name_fr", "name_es", "name_ar", "footnote_fr", "footnote_es", "footnote_ar",
                           "iati_reference", "slug"],
            },
        ),
    ]  # fmt: skip

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "parent":
            kwargs["queryset"] = Donor.objects.filter(parent__isnull=True)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def view_on_site(self, donor: Donor) -> str | None:
        """The public page; unnamed donors and those that belong to another have none."""
        return donor.get_absolute_url() if Donor.objects.families().filter(pk=donor.pk).exists() else None


class ReplacedFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("replaced", _("replaced by a newer line")), ("all", _("all"))]

    def choices(self, changelist: Any) -> Any:
        choices = list(super().choices(changelist))
        choices[0]["display"] = _("current")
        return choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "replaced":
            return queryset.filter(replaced_in__isnull=False)
        return queryset if self.value() == "all" else queryset.filter(replaced_in__isnull=True)


@admin.register(Contribution)
class ContributionAdmin(PerOperation, TableAdmin, ReadOnlyAdmin):
    """The lines of the operations that their user sees; those of none for who sees every one."""

    resource_classes = [ContributionResource]
    list_display = [
        "date",
        "donor",
        "donor_kind",
        "dollars",
        "operation",
        "budget_year",
        "earmarking",
        "reference",
    ]
    list_filter = [ReplacedFilter, "budget_year", "donor__kind", "earmarking"]
    list_select_related = ["donor", "operation"]
    search_fields = ["reference", "donor__name_en", "description"]
    date_hierarchy = "date"
    show_full_result_count = False

    def import_options(self, request: HttpRequest) -> tuple[str, ...]:
        options = super().import_options(request)
        may_add = request.user.has_perm("contributions.add_donor")
        return options if may_add else tuple(name for name in options if name != "new_donors")

    @admin.display(description=gettext_lazy("class"), ordering="donor__kind")
    def donor_kind(self, line: Contribution) -> str:
        return line.donor.get_kind_display()

    @admin.display(description=gettext_lazy("US dollars"), ordering="amount_usd")
    def dollars(self, line: Contribution) -> str:
        return usd_cents(line.amount_usd)


@admin.register(ImportBatch)
class ImportBatchAdmin(ReadOnlyAdmin):
    """What was imported, with its file: one's own, and everybody's for who sees the imports of every operation."""

    list_display = ["made_at", "file_name", "table", "lines", "made_by", "released_at"]
    list_filter = ["table"]
    list_select_related = ["made_by"]
    search_fields = ["file_name", "sha256"]
    date_hierarchy = "made_at"
    fields = ["table", "original", "sha256", "mapping", "counts", "totals", "made_at", "made_by",
              "released_at", "withdrawn_at"]  # fmt: skip
    readonly_fields = ["original"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        imports = super().get_queryset(request)
        if everywhere(request, "contributions.view_importbatch"):
            if everywhere(request, *READ_OFFICES):
                return imports
            return imports.exclude(~Q(made_by=request.user), table="operations.office")  # some are not public
        return imports.filter(made_by=request.user)

    @admin.display(description=gettext_lazy("lines"))
    def lines(self, batch: ImportBatch) -> str:
        return _("%(new)d new, %(changed)d changed, %(unchanged)d unchanged") % {
            name: batch.counts.get(name, 0) for name in ("new", "changed", "unchanged")
        }

    @admin.display(description=gettext_lazy("file"))
    def original(self, batch: ImportBatch) -> str:
        if not batch.file:
            return batch.file_name
        return format_html(
            '<a href="{}">{}</a>',
            reverse("admin:contributions_importbatch_file", args=[batch.pk]),
            batch.file_name,
        )

    def get_urls(self) -> list:
        download = self.admin_site.admin_view(self.download)
        return [path("<int:pk>/file/", download, name="contributions_importbatch_file"), *super().get_urls()]

    def download(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The file as it was uploaded, for staff who may see imports; it has no public address."""
        batch = self.get_object(request, str(pk))
        if batch is None or not batch.file or not self.has_view_permission(request, batch):
            raise Http404
        return FileResponse(batch.file.open("rb"), as_attachment=True, filename=batch.file_name)
