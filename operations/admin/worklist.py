"""The page of the work list, and its file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from tablib import Dataset

from ..due import Due, years_due
from ..models import Edition, Operation, Region, TextKind
from ..start_page import known_years
from ..states import State
from ..tables import PlainCSV
from ..worklist import MOST_YEARS, Asked, Cell, Line, Rights, WorkList, told, years_to_show
from .rights import READ_PROFILES, READ_TEXTS, RELEASE, allowed

AT_ONCE = 25  # operations on one page
KINDS = [(Edition.Kind.PROFILE.value, Edition.Kind.PROFILE.label), *TextKind.choices]
HEADINGS = {TextKind.PLAN.value: gettext_lazy("Plan"), TextKind.YEAR_END.value: gettext_lazy("Year-end")}
ANY = gettext_lazy("any")


class WorkListForm(forms.Form):
    """What the table shows. What is not there, or is not known, narrows nothing."""

    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=[("", ANY), *KINDS], required=False)
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        choices=[("", gettext_lazy("in use")), *settings.LANGUAGES],
        required=False,
    )
    state = forms.ChoiceField(
        label=gettext_lazy("State"), choices=[("", ANY), *((s.value, s.label) for s in State)], required=False
    )
    due = forms.ChoiceField(
        label=gettext_lazy("Due"), choices=[("", ANY), *((d.value, d.label) for d in Due)], required=False
    )
    review = forms.BooleanField(label=gettext_lazy("Waiting for my review"), required=False)
    year = forms.MultipleChoiceField(
        label=gettext_lazy("Years"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, data: Any, *, operations: list[Operation], years: list[int]) -> None:
        """Of regions and operations there are those that somebody sees."""
        super().__init__(data, auto_id="work_%s")
        self.fields["region"] = one_of(gettext_lazy("Region"), regions_of(operations))
        self.fields["operation"] = one_of(gettext_lazy("Operation"), operations)
        self.fields["year"].choices = [(year, year) for year in years]
        self.order_fields(["region", "operation", "kind", "language", "state", "due", "year", "review"])

    def asked(self, years: list[int]) -> Asked:
        self.is_valid()
        given = self.cleaned_data
        return Asked(
            years=years,
            region=given.get("region"),
            operation=given.get("operation"),
            kinds=frozenset(filter(None, [given.get("kind")])),
            languages=frozenset(filter(None, [given.get("language")])),
            state=given.get("state", ""),
            due=given.get("due", ""),
            for_my_review=bool(given.get("review")),
        )


def one_of(label: Any, rows: Iterable[Operation | Region]) -> forms.TypedChoiceField:
    names = {str(row.pk): row for row in rows}
    return forms.TypedChoiceField(
        label=label,
        choices=[("", ANY), *((key, row.name) for key, row in names.items())],
        coerce=names.get,
        empty_value=None,
        required=False,
    )


def regions_of(operations: Iterable[Operation]) -> list[Region]:
    """Their regions, and those that these are part of, in the order of regions."""
    regions = {region.pk: region for region in Region.objects.all()}
    found: set[int] = set()
    for operation in operations:
        key = operation.region_id
        while key in regions and key not in found:
            found.add(key)
            key = regions[key].parent_id
    return [region for region in regions.values() if region.pk in found]


def work_list(request: HttpRequest) -> HttpResponse:
    """Operations × years × kinds × languages, in a fixed number of queries; ``?format=csv`` for all pages in a file."""
    rights = Rights(
        read=allowed(request, *READ_TEXTS),
        add=allowed(request, "operations.add_narrative"),
        release=allowed(request, RELEASE, "operations.change_narrative", by_one_role=True),
        read_profile=allowed(request, *READ_PROFILES),
        release_profile=allowed(request, RELEASE, "operations.change_operation", by_one_role=True),
    )
    if not rights.read:
        raise PermissionDenied
    mine = Operation.objects.filter(pk__in=rights.read)
    given, today = years_of(request), timezone.localdate()
    years = sorted({*known_years(mine), *years_due(today), *given}, reverse=True)
    form = WorkListForm(request.GET, operations=list(mine.order_by("name")), years=years)
    asked = form.asked(given)
    if not given:
        asked = replace(asked, years=years_to_show(mine, asked, today))
    table = WorkList.of(mine, asked, rights, request.user, today)
    if request.GET.get("format") == "csv":
        return file_response(request, told(table.lines))
    page = Paginator(table.lines, AT_ONCE).get_page(request.GET.get("page"))
    shown_columns = columns(asked)
    has_profiles = not asked.due and (not asked.kinds or Edition.Kind.PROFILE in asked.kinds)
    return TemplateResponse(
        request,
        "admin/worklist.html",
        {
            **admin.site.each_context(request),
            "title": _("Work list"),
            "form": form,
            "page": page,
            "regions": by_region(page, shown_columns),
            "columns": shown_columns,
            "totals": totals(request, table, asked),
            "all_languages": len(table.languages) > 1,
            "has_profiles": has_profiles,
            "width": 1 + has_profiles + sum(len(kinds) for _year, kinds in shown_columns),
            "csv_url": address(request, format="csv"),
            "page_url": address(request),
            "is_narrowed": bool(request.GET.keys() - {"page", "format"}),
        },
    )


def years_of(request: HttpRequest) -> list[int]:
    """The years that are asked for, newest first."""
    given = {text for text in request.GET.getlist("year") if text.isascii() and text.isdecimal()}
    years = {int(text) for text in given if len(text) == 4}
    return sorted(years & {*range(1950, 2200)}, reverse=True)[:MOST_YEARS]


def by_region(page: Page, columns: list) -> list[tuple[str, list[Any]]]:
    """The lines of a page under the names of their regions, each with its cells in the order of the columns."""
    regions: dict[str, list[Any]] = {}
    slots = [(kind, year) for year, kinds in columns for kind, _label in kinds]
    for line in told(page):
        region = line.operation.region.name if line.operation.region else _("No region")
        profile = line.slots.get((Edition.Kind.PROFILE.value, None), [])
        cells = [line.slots.get(slot, []) for slot in slots]
        regions.setdefault(region, []).append((line.operation, profile, cells))
    return list(regions.items())


def columns(asked: Asked) -> list[tuple[int, list[tuple[str, Any]]]]:
    """Each year with its kinds of text."""
    kinds = [(kind, label) for kind, label in HEADINGS.items() if not asked.kinds or kind in asked.kinds]
    return [(year, kinds) for year in asked.years] if kinds else []


def totals(request: HttpRequest, table: WorkList, asked: Asked) -> list[dict[str, Any]]:
    """How many of what is shown are in each state, or due, each with the address that shows these alone.

    A chosen one leads back. One that stands beside the chosen of its kind (out of date, released) leads nowhere.
    """
    counted = [
        *(("state", state.value, state.mark, state.label) for state in State),
        *(("due", due.value, "!", due.label) for due in (Due.SOON, Due.OVERDUE)),
        ("review", "on", "◑", _("waiting for my review")),
    ]
    now = {"state": asked.state, "due": asked.due, "review": "on" if asked.for_my_review else ""}
    result = []
    for name, value, mark, label in counted:
        is_current = now[name] == value
        number = table.totals[f"{name} {value}"]
        if number or is_current:
            other = "" if is_current else value
            result.append(
                {
                    "mark": mark,
                    "label": label,
                    "number": number,
                    "is_current": is_current,
                    "url": address(request, **{name: other}) if is_current or not now[name] else "",
                    "class": f"state-{value}" if name == "state" else name,
                }
            )
    return result


def address(request: HttpRequest, **changes: str) -> str:
    """This page's query with other filters, from its first page on."""
    query = request.GET.copy()
    for name in ("page", "format"):
        query.pop(name, None)
    for name, value in changes.items():
        query.pop(name, None)
        if value:
            query[name] = value
    return f"?{query.urlencode()}"


# --- The file -----------------------------------------------------------------------------------------


def file_response(request: HttpRequest, lines: list[Line]) -> HttpResponse:
    table = Dataset(
        headers=["region", "code", "operation", "year", "kind", "language", "state", "out_of_date", "due_on",
                 "due", "since", "by", "address"]
    )  # fmt: skip
    for line in lines:
        for cell in line.cells:
            if cell.state:
                table.append(file_row(request, cell))
    response = HttpResponse(PlainCSV().export_data(table), content_type=PlainCSV.content_type)
    response["Content-Disposition"] = (
        f'attachment; filename="work-list-{timezone.localdate().isoformat()}.csv"'
    )
    return response


def file_row(request: HttpRequest, cell: Cell) -> list[Any]:
    operation = cell.operation
    return [
        operation.region.name if operation.region else "",
        operation.code,
        operation.name,
        cell.year,
        dict(KINDS)[cell.kind],
        cell.language,
        cell.state.label,
        "yes" if cell.is_out_of_date else "no",
        cell.due_day,
        cell.due.label if cell.due else "",
        localtime(cell.since).replace(microsecond=0) if cell.since else None,
        cell.by.get_username() if cell.by else "",
        request.build_absolute_uri(form_address(cell)) if cell.row else "",
    ]


def form_address(cell: Cell) -> str:
    return reverse(f"admin:operations_{cell.row._meta.model_name}_change", args=[cell.row.pk])
