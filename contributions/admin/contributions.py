"""The lines of the books, to look at; they come from imports alone."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from operations.admin.editions import ReadOnlyAdmin
from operations.admin.rights import PerOperation
from operations.import_admin import TableAdmin
from operations.templatetags.figures import usd_cents

from ..models import Contribution
from ..resources import ContributionResource


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
