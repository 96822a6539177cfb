"""The lines of the books, to look at; they come from imports alone."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from operations.admin.editions import ReadOnlyAdmin
from operations.admin.rights import PerOperation, everywhere
from operations.import_admin import TableAdmin
from operations.templatetags.figures import usd_cents

from .. import importing, jobs
from ..import_forms import COLUMNS, UploadForm
from ..models import Contribution, ImportBatch
from ..resources import ContributionResource
from .imports import IMPORT


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
            return queryset.filter(is_current=False)
        return queryset if self.value() == "all" else queryset.filter(is_current=True)


@admin.register(Contribution)
class ContributionAdmin(PerOperation, TableAdmin, ReadOnlyAdmin):
    """The lines of the operations that their user sees; those of none for who sees every one."""

    resource_classes = [ContributionResource]
    import_form_class = UploadForm
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

    def create_import_form(self, request: HttpRequest) -> UploadForm:
        form = super().create_import_form(request)
        if not everywhere(request, IMPORT):  # a year's lines are of every operation
            del form.fields["complete_years"]
        return form

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """The upload; from then on the page of the import shows what comes next."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        form = self.create_import_form(request)
        if request.method == "POST" and form.is_valid():
            try:
                return self.receive(request, form)
            except OSError:
                said = _(
                    "The file could not be kept: the disk is full, or not to be written to. Ask your administrator."
                )
                form.add_error("import_file", said)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Import %(name)s") % {"name": self.opts.verbose_name_plural},
            "opts": self.opts,
            "form": form,
            "fields_list": [("", list(COLUMNS))],
            "is_of_contributions": True,
        }
        return TemplateResponse(request, [self.import_template_name], context)

    def receive(self, request: HttpRequest, form: UploadForm) -> HttpResponse:
        """Keep the file, and read it unless this very one is in the books."""
        upload = form.cleaned_data["import_file"]
        batch = importing.receive(upload, upload.name, request.user, **form.fields_of_batch())
        imports = self.admin_site.get_model_admin(ImportBatch)
        imports.log_addition(request, batch, _("Uploaded."))
        if importing.same_file(batch) is not None:
            return imports.to_page(batch.pk)
        jobs.queue(batch, ImportBatch.Job.PLAN)
        return imports.go_on(request, batch.pk)

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Nothing is imported by the library's confirmation: that is a step of the import's own page."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect("../import/")

    @admin.display(description=gettext_lazy("class"), ordering="donor__kind")
    def donor_kind(self, line: Contribution) -> str:
        return line.donor.get_kind_display()

    @admin.display(description=gettext_lazy("US dollars"), ordering="amount_usd")
    def dollars(self, line: Contribution) -> str:
        return usd_cents(line.amount_usd)
