"""Imports: from the upload to the books, and from the books to readers and back."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from operations.admin.editions import ReadOnlyAdmin
from operations.admin.rights import READ_OFFICES, everywhere

from ..models import ImportBatch


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
