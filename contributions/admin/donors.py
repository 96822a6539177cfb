"""Donors: their names, families, spellings."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from operations.admin.rights import Discreet
from operations.forms import RowFormSet
from operations.import_admin import TableAdmin

from ..models import Donor, DonorAlias
from ..resources import DonorResource


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
