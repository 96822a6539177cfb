from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.db.models import Min
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from operations import charts
from operations.asked import asked_number, asked_year
from operations.drawings import isolated
from operations.profiles import other_language
from operations.readers import at_first, public_page

from .calculations import count_donors
from .drawings import donors_chart, earmarking_chart, months_chart, years_chart
from .filters import (
    SORTS,
    Filters,
    asked_day,
    earmarking_label,
    given_families,
    list_url,
    public_places,
    sort_label,
)
from .gifts import Gift
from .lines import (
    PublicLine,
    Stretch,
    by_day,
    footnotes,
    number_footnotes,
    public_line,
    public_lines,
    stretch_of_days,
    stretch_of_donors,
    stretch_of_order,
)
from .models import Contribution, DailySum, Donor, SummedQuerySet, merged_slug
from .parts import class_parts, member_parts, operation_parts
from .ranking import Ranking, against

PAGE_SIZE = 50


@public_page
def contributions(request: HttpRequest) -> HttpResponse:
    if tidy := tidied(request):
        return HttpResponseRedirect(tidy)
    released = Contribution.objects.released(request.at)
    filters = Filters(request.GET, public_places(request.at), given_families(released, request.at), released)
    lines = filters.narrow(released)
    rows = released if filters.has_text else DailySum.objects.released(request.at)
    years = list(filters.narrow(rows, without="year").by_year())
    at_first(request, years, lambda: first_release(request))
    rows = filters.narrow(rows)
    sums = list(rows.by_donor())
    donors = named_sums(sums, filters.families.values())
    page = stretch(request, rows, filters.sort, donors)
    shown = public_lines(page.groups, lines, request.at)
    return render(
        request,
        "contributions/contributions.html",
        {
            "filters": filters,
            "sorts": [(sort, sort_label(sort)) for sort in SORTS],
            "earmarkings": [(code, earmarking_label(code)) for code in Contribution.Earmarking.values],
            "kinds": Donor.Kind.choices,
            "years": [
                (row["budget_year"], row["amount"], filters.url(year=row["budget_year"])) for row in years
            ],
            "year_is_known": filters.year in [row["budget_year"] for row in years],
            "total": sum((row["amount"] for row in sums), Decimal(0)),
            "allocations": sum(row["allocations"] for row in sums),
            "donors": count_donors(sums),
            "charts": filtered_charts(rows, filters, donors) if filters.year and sums else [],
            "page": page,
            "days": by_day(shown)
            if filters.sort in ("newest", "oldest")
            else [(None, shown)]
            if shown
            else [],
            "footnotes": number_footnotes(shown),
        },
    )


def tidied(request: HttpRequest) -> str:
    """The address without the fields that a form left empty; empty where there are none."""
    query = request.GET.copy()
    for name in [
        name
        for name, value in request.GET.items()
        if not str(value).strip() or (name, value) == ("sort", SORTS[0])
    ]:
        del query[name]
    if len(query) == len(request.GET):
        return ""
    return request.path + (f"?{query.urlencode()}" if query else "")


def named_sums(sums: Sequence[dict[str, Any]], known: Any = ()) -> list[PublicLine]:
    """Rows of ``by_donor`` with names; one query for the families that are not ``known``."""
    families = {donor.pk: donor for donor in known}
    missing = {row["family"] for row in sums if row["family"]} - families.keys()
    if missing:
        families |= Donor.objects.in_bulk(missing)
    return [public_line(row, families) for row in sums]


def stretch(
    request: HttpRequest, rows: SummedQuerySet, sort: str = "newest", donors: Sequence[PublicLine] = ()
) -> Stretch:
    """The page of a list that the address asks for; the first where it asks for what is not there."""
    if sort in ("newest", "oldest"):
        oldest_first = sort == "oldest"
        start = asked_day(request.GET.get("after" if oldest_first else "before"))
        if start and dt.date.min < start < dt.date.max:
            page = stretch_of_days(rows, PAGE_SIZE, start, oldest_first)
            if page.groups:
                return page
        return stretch_of_days(rows, PAGE_SIZE, None, oldest_first)
    number = min(max(asked_number(request, "page") or 1, 1), 10**6)
    page = stretch_of_number(rows, sort, donors, number)
    return page if page.groups or number == 1 else stretch_of_number(rows, sort, donors, 1)


def stretch_of_number(rows: SummedQuerySet, sort: str, donors: Sequence[PublicLine], number: int) -> Stretch:
    if sort in ("largest", "smallest"):
        amount = "-amount" if sort == "largest" else "amount"
        found = rows.grouped().order_by(amount, "-date", "family", "kind", "country")
        return stretch_of_order(found, PAGE_SIZE, number)
    in_order = sorted(donors, key=lambda line: line.sort_key, reverse=sort == "donor-reversed")
    return stretch_of_donors(rows, in_order, PAGE_SIZE, number)


def filtered_charts(
    rows: SummedQuerySet, filters: Filters, donors: Sequence[PublicLine]
) -> list[tuple[str, charts.Chart]]:
    """The charts of what a list shows of a budget year."""
    return year_charts(rows, filters.year, donors, filters.url(sort=""), len(filters.told) > 1)


def year_charts(
    rows: SummedQuerySet, year: int, donors: Sequence[PublicLine], url: str, is_narrowed: bool = False
) -> list[tuple[str, charts.Chart]]:
    """Kind and chart of a budget year's money: by donor, by earmarking, by month; ``url`` is that of its lines."""
    if is_narrowed:
        titles = [
            _("The contributions for %(year)s that are listed here, by donor"),
            _("The contributions for %(year)s that are listed here, by earmarking"),
            _("The contributions for %(year)s that are listed here, by month"),
        ]
    else:
        titles = [
            _("Contributions for %(year)s by donor"),
            _("Contributions for %(year)s by earmarking"),
            _("Contributions for %(year)s by month"),
        ]
    by_donor, by_earmarking, by_month = (title % {"year": year} for title in titles)
    found = [
        ("rows", donors_chart(by_donor, donors)),
        ("rows", earmarking_chart(by_earmarking, list(rows.by_earmarking()))),
        ("bars", months_chart(by_month, rows.by_month(), year)),
    ]
    return [(kind, alone_at(chart, "contributions:figure", url=url)) for kind, chart in found if chart]


def alone_at(chart: charts.Chart, view: str, *place: str, url: str = "") -> charts.Chart:
    """The chart with its own address, with the query of ``url``."""
    query = url.partition("?")[2]
    return replace(chart, address=reverse(view, args=[*place, chart.name]) + (query and f"?{query}"))


def first_release(
    request: HttpRequest, donor: Donor | None = None, reference: str | None = None
) -> dt.datetime | None:
    """When the first line (of a donor, of a gift) that readers still see was released."""
    if donor and reference is not None:
        lines = Contribution.objects.released(request.now).of_gift(donor, reference)
    else:
        lines = DailySum.objects.released(request.now).filter(lines__gt=0, batch__released_at__gt=request.at)
        lines = lines.of_family(donor) if donor else lines
    return lines.aggregate(first=Min("batch__released_at"))["first"]


@public_page
def donors(request: HttpRequest) -> HttpResponse:
    if tidy := tidied(request):
        return HttpResponseRedirect(tidy)
    released = DailySum.objects.released(request.at)
    years = list(released.by_year())
    at_first(request, years, lambda: first_release(request))
    known = [row["budget_year"] for row in years]
    asked = asked_year(request)
    year = asked if asked in known else next(iter(known), None)
    if year is None:
        return render(request, "contributions/donors.html", {"year": None})
    rows = released.for_year(year)
    ranking = Ranking.load(rows, released.for_year(year - 1), year, is_known=year - 1 in known)
    in_order, sort = ranking.sorted_by(request.GET.get("sort", ""))
    return render(
        request,
        "contributions/donors.html",
        {
            "years": known,
            "year": year,
            "before": year - 1,
            "asked_in_vain": "year" in request.GET and asked != year,
            "ranking": ranking,
            "rows": in_order,
            "columns": ranking.columns(year, sort),
            "before_label": against(year - 1),
            "lines_url": list_url(year=year),
            "charts": year_charts(rows, year, ranking.lines, list_url(year=year)),
            "footnotes": number_footnotes([row.line for row in in_order]),
        },
    )


@public_page
def donor(request: HttpRequest, slug: str) -> HttpResponse:
    donor = Donor.objects.families().filter(slug=slug).first()
    if donor is None:
        if found := merged_slug(slug):
            return redirect(found)
        raise Http404
    lines = Contribution.objects.released(request.at).of_family(donor)
    rows = DailySum.objects.released(request.at).of_family(donor)
    page = stretch(request, rows)
    if not page.groups:
        at_first(request, None, lambda: first_release(request, donor))
        raise Http404
    shown = public_lines(page.groups, lines, request.at)
    context = {"donor": donor, "page": page, "days": by_day(shown), "footnotes": number_footnotes(shown)}
    return render(request, "contributions/donor.html", context | donor_sums(donor, rows, request.at))


def donor_sums(donor: Donor, rows: SummedQuerySet, at: dt.datetime) -> dict[str, Any]:
    """What a donor family gave: by year, earmarking, operation, class and member; the first and the latest day."""
    years, classes, members = list(rows.by_year()), list(rows.by_class()), list(rows.by_member())
    names = Donor.objects.in_bulk({row["member"] for row in members if row["member"]})
    return donor_charts(donor, rows, years) | {
        "total": sum((row["amount"] for row in years), Decimal(0)),
        "first": rows.by_day().first(),
        "last": rows.by_day().last(),
        "operations": operation_parts(
            _("Operation"), list(rows.by_operation()), public_places(at), donor=donor.slug
        ),
        "classes": class_parts(classes, donor) if len(classes) > 1 else None,
        "members": member_parts(members, names, donor),
        "footnote_language": other_language(footnotes(donor)),
    }


def donor_charts(
    donor: Donor, rows: SummedQuerySet, years: Sequence[dict[str, Any]]
) -> dict[str, charts.Chart | None]:
    """A donor's years and earmarking, by the names that its page calls them."""
    words = {"donor": isolated(donor.name)}
    by_earmarking = list(rows.by_earmarking())
    drawn = {
        "years_chart": years_chart(_("Contributions of %(donor)s by budget year") % words, years),
        "earmarking_chart": earmarking_chart(
            _("Contributions of %(donor)s by earmarking") % words, by_earmarking
        ),
    }
    return {
        name: chart and alone_at(chart, "contributions:donor_figure", donor.slug)
        for name, chart in drawn.items()
    }


@public_page
def contribution(request: HttpRequest, slug: str, reference: str) -> HttpResponse:
    donor = Donor.objects.families().filter(slug=slug).first()
    if donor is None:
        if found := merged_slug(slug):
            return redirect("contributions:contribution", found.slug, reference)
        raise Http404
    gift = Gift.load(Contribution.objects.released(request.at).of_gift(donor, reference), donor, request.at)
    if gift is None:
        at_first(request, None, lambda: first_release(request, donor, reference))
        raise Http404
    return render(request, "contributions/contribution.html", gift.context)
