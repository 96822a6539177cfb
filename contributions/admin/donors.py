"""Donors: their names, families, spellings; two that are one, and the record of how they became so."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from operations.admin.editions import ReadOnlyAdmin
from operations.admin.rights import Discreet, everywhere
from operations.asked import asked_number
from operations.forms import RowFormSet
from operations.import_admin import TableAdmin
from operations.models import Operation

from .. import private_sums
from ..merging import CannotMerge, Outlook, merge, nearest, twins
from ..models import OTHER_COUNTRIES, Contribution, Donor, DonorAlias, DonorMerge, ImportBatch
from ..resources import DonorResource

TWINS_AT_ONCE = 200
WAITING_AT_ONCE = 1000
READ_LINES = ("contributions.view_contribution", "contributions.change_contribution")


def may_merge(request: HttpRequest) -> bool:
    """A merge changes a donor and deletes one, and moves lines of every operation."""
    return all(everywhere(request, f"contributions.{action}_donor") for action in ("change", "delete"))


class DonorAliasInline(admin.TabularInline):
    model = DonorAlias
    formset = RowFormSet
    extra = 1
    verbose_name_plural = gettext_lazy("other spellings, as files write the name")


class FamilyFilter(admin.SimpleListFilter):
    title = gettext_lazy("family")
    parameter_name = "family"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list:
        return [
            ("has", _("has members")),
            ("in", _("belongs to another")),
            ("none", _("stands alone")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return {
            "has": queryset.filter(pk__in=in_families().values("parent")),
            "in": queryset.filter(parent__isnull=False),
            "none": queryset.filter(parent__isnull=True).exclude(pk__in=in_families().values("parent")),
        }.get(self.value(), queryset)


def in_families() -> QuerySet:
    return Donor.objects.filter(parent__isnull=False).order_by()


class ChooseForm(forms.Form):
    """The donor that another one becomes."""

    into = forms.ModelChoiceField(
        Donor.objects.none(),
        label=gettext_lazy("The donor that it becomes"),
        empty_label=gettext_lazy("choose a donor"),
        help_text=gettext_lazy("Type the first letters of the name to find it in the list."),
        error_messages={"invalid_choice": gettext_lazy("This donor is not there any more.")},
    )

    def __init__(self, *args: Any, donor: Donor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["into"].queryset = Donor.objects.exclude(pk=donor.pk).order_by("name_en")


class MergeForm(forms.Form):
    """Why, and that it is meant."""

    seen = forms.CharField(widget=forms.HiddenInput(), required=False)
    why = forms.CharField(
        label=gettext_lazy("Why they are the same"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("It is kept with the record of the merge; readers do not see it."),
        error_messages={"required": gettext_lazy("Say why: the record is all that is left of the donor.")},
    )
    takes_kind = forms.BooleanField(
        error_messages={"required": gettext_lazy("Tick this if it is so; otherwise do not merge them.")}
    )
    is_meant = forms.BooleanField(
        label=gettext_lazy("I have looked at what changes. It cannot be taken back here."),
        error_messages={"required": gettext_lazy("Tick this to merge them.")},
    )

    def __init__(self, *args: Any, outlook: Outlook, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.outlook = outlook
        if outlook.kinds_differ:
            self.fields["takes_kind"].label = _(
                "The lines of “%(donor)s” (%(old)s) are those of the kind “%(new)s” from now on."
            ) % {
                "donor": outlook.donor.name_en,
                "old": outlook.donor.get_kind_display(),
                "new": outlook.into.get_kind_display(),
            }
        else:
            del self.fields["takes_kind"]
        for name in ("why", *(["takes_kind"] if outlook.kinds_differ else []), "is_meant"):
            if self.is_bound and name in self.errors:
                self.fields[name].widget.attrs["aria-invalid"] = "true"

    def clean_seen(self) -> str:
        if self.cleaned_data["seen"] != self.outlook.seen:
            raise forms.ValidationError(
                _("The books changed while you looked at this page. Look at it again, then confirm.")
            )
        return self.outlook.seen


@admin.register(Donor)
class DonorAdmin(Discreet, TableAdmin, admin.ModelAdmin):
    resource_classes = [DonorResource]
    change_list_template = "admin/contributions/donor/list.html"
    list_display = ["name", "kind", "country", "parent", "members_count", "has_footnote", "spellings"]
    empty_value_display = "–"
    list_filter = ["kind", FamilyFilter, "may_be_named", "is_class"]
    list_select_related = ["parent"]
    search_fields = ["name_en", "name_fr", "name_es", "name_ar", "aliases__name", "iati_reference"]
    inlines = [DonorAliasInline]
    fieldsets = [
        (None, {"fields": ["name_en", "kind", "country", "parent"]}),
        (gettext_lazy("Private donors"), {"fields": ["is_class", "may_be_named", "consent"]}),
        (
            gettext_lazy("Footnote"),
            {
                "fields": ["footnote_en"],
                "description": gettext_lazy("A footnote appears wherever the donor is named, in every list."),
            },
        ),
        (gettext_lazy("For amounts per person"), {"fields": ["population", "population_year"]}),
        (
            gettext_lazy("Other languages and references"),
            {
                "classes": ["collapse"],
                "fields": ["name_fr", "name_es", "name_ar", "footnote_fr", "footnote_es", "footnote_ar",
                           "iati_reference", "slug"],
            },
        ),
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        donors = super().get_queryset(request).annotate(members_count=Count("members", distinct=True))
        return donors.prefetch_related("aliases")

    @admin.display(description=gettext_lazy("members"), ordering="members_count")
    def members_count(self, donor: Donor) -> int | str:
        return donor.members_count or "–"

    @admin.display(description=gettext_lazy("other spellings"))
    def spellings(self, donor: Donor) -> str:
        return ", ".join(alias.name for alias in donor.aliases.all()) or "–"

    @admin.display(description=gettext_lazy("footnote"), boolean=True)
    def has_footnote(self, donor: Donor) -> bool:
        return bool(donor.footnote_en)

    def get_readonly_fields(self, request: HttpRequest, obj: Donor | None = None) -> Sequence[str]:
        """The class of all other countries has none to choose."""
        is_other = obj is not None and obj.country == OTHER_COUNTRIES
        return ["country"] if is_other else []

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "parent":
            kwargs["queryset"] = Donor.objects.filter(parent__isnull=True)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def view_on_site(self, donor: Donor) -> str | None:
        """The public page; unnamed donors and those that belong to another have none."""
        return donor.get_absolute_url() if Donor.objects.families().filter(pk=donor.pk).exists() else None

    # --- Two that are one ---

    def get_urls(self) -> list:
        view = self.admin_site.admin_view
        return [
            path("waiting/", view(self.waiting_view), name="contributions_donor_waiting"),
            path("twins/", view(self.twins_view), name="contributions_donor_twins"),
            path("<int:pk>/merge/", view(self.merge_view), name="contributions_donor_merge"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        may = {"may_merge": may_merge(request), "sees_lines": everywhere(request, *READ_LINES)}
        return super().changelist_view(request, {**may, **(extra_context or {})})

    def render_change_form(self, request: HttpRequest, context: dict, **kwargs: Any) -> HttpResponse:
        if context.get("original") and may_merge(request):
            context["merge_url"] = reverse("admin:contributions_donor_merge", args=[context["original"].pk])
        return super().render_change_form(request, context, **kwargs)

    def page(self, request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
        shown = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, f"admin/contributions/donor/{template}.html", shown)

    def waiting_view(self, request: HttpRequest) -> HttpResponse:
        """Gifts of private donors, and corrections of them, that are in no public total yet."""
        if not everywhere(request, *READ_LINES):
            raise PermissionDenied
        waiting = sorted(private_sums.formed()[1], key=lambda part: -abs(part.cents))
        shown = waiting[:WAITING_AT_ONCE]
        donors = Donor.objects.in_bulk({part.donor for part in shown})
        operations = Operation.objects.in_bulk({part.cell.operation for part in shown} - {None})
        earmarkings = dict(Contribution.Earmarking.choices)
        rows = [
            {
                "donor": donors[part.donor],
                "operation": operations.get(part.cell.operation),
                "cell": part.cell,
                "earmarking": earmarkings.get(part.cell.earmarking, ""),
                "amount": Decimal(part.cents).scaleb(-2),
                "is_first": part.is_first,
            }
            for part in shown
        ]
        return self.page(
            request,
            "waiting",
            title=_("Private gifts that wait"),
            rows=rows,
            count=len(waiting),
            donors=len({part.donor for part in waiting}),
            total=Decimal(sum(part.cents for part in waiting)).scaleb(-2),
            fewest=settings.PRIVATE_FEWEST_DONORS,
            largest_share=settings.PRIVATE_LARGEST_SHARE,
        )

    def twins_view(self, request: HttpRequest) -> HttpResponse:
        if not may_merge(request):
            raise PermissionDenied
        found = twins()
        return self.page(
            request,
            "twins",
            title=_("Likely twins"),
            twins=found[:TWINS_AT_ONCE],
            more=max(0, len(found) - TWINS_AT_ONCE),
        )

    def merge_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """First which donor it becomes, then what that would do, then that it is done."""
        if not may_merge(request):
            raise PermissionDenied
        donors = Donor.objects.select_related("parent")
        donor = donors.filter(pk=pk).first()
        if donor is None:
            raise Http404
        choose = ChooseForm(request.GET if "into" in request.GET else None, donor=donor)
        into = donors.filter(pk=asked_number(request, "into")).first() if choose.is_valid() else None
        words = {"title": _("Merge “%s” into another donor") % donor.name_en, "original": donor}
        if into is None:
            return self.page(request, "choose", form=choose, near=nearest(donor), **words)
        outlook = Outlook.of(donor, into)
        form = MergeForm(request.POST or None, outlook=outlook, initial={"seen": outlook.seen})
        if request.method == "POST" and not outlook.refusal and form.is_valid():
            try:
                record = merge(
                    donor,
                    into,
                    user=request.user,
                    why=form.cleaned_data["why"],
                    as_kind=into.kind if form.cleaned_data.get("takes_kind") else "",
                )
            except CannotMerge as error:
                form.add_error(None, str(error))
            else:
                self.log_merge(request, record)
                return HttpResponseRedirect(reverse("admin:contributions_donor_change", args=[into.pk]))
        words["title"] = _("Merge “%(donor)s” into “%(into)s”") % {
            "donor": donor.name_en,
            "into": into.name_en,
        }
        if "seen" in form.errors:  # what is confirmed next is what is shown now
            form.data = {**form.data.dict(), "seen": outlook.seen, "is_meant": ""}
        return self.page(
            request, "merge", form=form, outlook=outlook, **words, **self.seen_by(request, outlook)
        )

    def seen_by(self, request: HttpRequest, outlook: Outlook) -> dict[str, Any]:
        """What of it this person may see: imports are named to who sees them, lines are counted likewise."""
        imports = self.admin_site.get_model_admin(ImportBatch).get_queryset(request)
        mine = set(
            imports.filter(pk__in=[batch.pk for batch in outlook.imports]).values_list("pk", flat=True)
        )
        shown = [batch for batch in outlook.imports if batch.pk in mine]
        return {
            "imports": shown,
            "other_imports": len(outlook.imports) - len(shown),
            "sees_lines": everywhere(request, *READ_LINES),
            "rows": [
                (outlook.donor.name_en, outlook.was, False),
                (outlook.into.name_en, outlook.theirs, False),
                (_("%s after the merge") % outlook.into.name_en, outlook.after, True),
            ],
        }

    def log_merge(self, request: HttpRequest, record: DonorMerge) -> None:
        words = {"donor": record.name, "into": record.donor.name_en}
        self.log_change(request, record.donor, _("Merged “%(donor)s” into it.") % words)
        self.log_deletions(request, [Donor(pk=record.was["id"], name_en=record.name)])
        said = ngettext(
            "“%(donor)s” is merged into “%(into)s”: %(lines)d line moved.",
            "“%(donor)s” is merged into “%(into)s”: %(lines)d lines moved.",
            record.lines,
        )
        record_url = reverse("admin:contributions_donormerge_change", args=[record.pk])
        messages.success(
            request,
            format_html(
                '{} <a href="{}">{}</a>',
                said % (words | {"lines": record.lines}),
                record_url,
                _("The record"),
            ),
        )


@admin.register(DonorMerge)
class DonorMergeAdmin(ReadOnlyAdmin):
    """Which donors became part of which: seen by who sees donors."""

    list_display = ["name", "donor", "lines", "merged_at", "merged_by"]
    list_select_related = ["donor", "merged_by"]
    search_fields = ["name", "donor__name_en", "because"]
    date_hierarchy = "merged_at"
    fields = ["name", "donor", "because", "lines", "merged_at", "merged_by", "what_it_was"]
    readonly_fields = ["what_it_was"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).defer("was")

    def has_view_permission(self, request: HttpRequest, obj: DonorMerge | None = None) -> bool:
        return self.admin_site.get_model_admin(Donor).has_view_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    @admin.display(description=gettext_lazy("what was stored of it"))
    def what_it_was(self, record: DonorMerge) -> str:
        return record_table(record.was)


def record_table(was: dict[str, Any]) -> str:
    """What was stored of a donor, as a list of terms; what was empty is left out."""
    hidden = {"parent_id", "lines", "merges"}
    named = {field.attname: field.verbose_name for field in Donor._meta.concrete_fields}
    named |= {
        "aliases": _("other spellings"),
        "members": _("members"),
        "imports": _("imports that were read again"),
        "spellings": _("names that became spellings"),
        "parent": _("belonged to"),
    }
    rows = [
        (named.get(name, name), shown_value(name, value))
        for name, value in was.items()
        if name not in hidden and value not in (None, "", [])
    ]
    return format_html("<dl>{}</dl>", format_html_join("", "<dt>{}</dt><dd>{}</dd>", rows))


def shown_value(name: str, value: Any) -> str:
    if name == "members":
        return ", ".join(member for _pk, member in value)
    if name == "kind":
        return str(Donor.Kind(value).label)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
