from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Exists, Min, OuterRef, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.dateparse import parse_date
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _
from django_countries import countries

from operations import charts
from operations.asked import asked_year
from operations.drawings import number_cell, print_cents, print_dollars, print_number, unit_words
from operations.models import Edition
from operations.profiles import Profile, Value
from operations.readers import at_first, public_page

from .lines import NO_COUNTRY, by_day, number_footnotes, public_line, public_lines
from .models import Contribution, ContributionQuerySet, Donor

PAGE_SIZE = 50


@public_page
def contributions(request: HttpRequest) -> HttpResponse:
    years = list(Contribution.objects.released(request.at).by_year())
    at_first(request, years, lambda: first_release(request))
    lines, filters = filtered(request)
    page = Paginator(lines.grouped(), PAGE_SIZE).get_page(request.GET.get("page"))
    shown = public_lines(list(page.object_list), lines, request.at)
    return render(
        request,
        "contributions/contributions.html",
        {
            "years": years,
            "filters": filters,
            "total": lines.total(),
            "page": page,
            "days": by_day(shown),
            "footnotes": number_footnotes(shown),
        },
    )


def filtered(request: HttpRequest) -> tuple[ContributionQuerySet, dict[str, Any]]:
    """The released lines that the address asks for, and what it asks for; what makes no sense is left out."""
    lines, filters = Contribution.objects.released(request.at), {}
    asked = {name: value.replace("\0", "")[:120] for name, value in request.GET.items()}
    if (year := asked_year(request)) is not None:
        filters["year"] = year
        lines = lines.for_year(year)
    if asked.get("donor") and (donor := public_donor(asked["donor"], lines)):
        filters["donor"] = donor
        lines = lines.of_family(donor)
    if asked.get("operation") and (operation := public_operation(asked["operation"], request.at)):
        filters["operation"] = operation
        lines = lines.filter(operation__slug=operation.slug)
    if asked.get("kind") in Donor.Kind.values:
        filters["kind"] = Donor.Kind(asked["kind"])
        lines = lines.filter(donor__kind=asked["kind"])
    if (country := asked.get("country", "")) == NO_COUNTRY or country in countries:
        code = "" if country == NO_COUNTRY else country
        filters["country"] = countries.name(code)
        lines = lines.of_class(code)
    if date := day(asked.get("date", "")):
        filters["date"] = date
        lines = lines.filter(date=date)
    return lines, filters


def first_release(request: HttpRequest, donor: Donor | None = None) -> dt.datetime | None:
    """When the first line (of a donor) that readers still see was released."""
    lines = Contribution.objects.released(request.now)
    if donor:
        lines = lines.of_family(donor)
    return lines.aggregate(first=Min("batch__released_at"))["first"]


def public_donor(slug: str, lines: ContributionQuerySet) -> Donor | None:
    """The donor of an address, if readers may know the name and one of the lines is theirs."""
    own = lines.filter(Q(donor=OuterRef("pk")) | Q(donor__parent=OuterRef("pk")))
    return Donor.objects.named().filter(Exists(own), slug=slug).first()


def public_operation(slug: str, at: dt.datetime) -> Profile | None:
    """The operation of an address, as released."""
    edition = Edition.objects.released(at).profiles().filter(operation__slug=slug).first()
    return edition and Profile(edition.public)


def day(text: str) -> Any:
    try:
        return parse_date(text)
    except ValueError:
        return None


@public_page
def donors(request: HttpRequest) -> HttpResponse:
    released = Contribution.objects.released(request.at)
    years = list(released.by_year())
    at_first(request, years, lambda: first_release(request))
    known = [row["budget_year"] for row in years]
    asked = asked_year(request)
    year = asked if asked in known else next(iter(known), None)
    lines = released.for_year(year) if year else released.none()
    groups = list(lines.by_donor())
    families = Donor.objects.in_bulk({group["family"] for group in groups if group["family"]})
    shown = [public_line(group, families) for group in groups]
    return render(
        request,
        "contributions/donors.html",
        {
            "years": known,
            "year": year,
            "rows": shown,
            "total": sum(line.amount for line in shown),
            "footnotes": number_footnotes(shown),
        },
    )


@public_page
def donor(request: HttpRequest, slug: str) -> HttpResponse:
    donor = get_object_or_404(Donor.objects.families(), slug=slug)
    lines = Contribution.objects.released(request.at).of_family(donor)
    page = Paginator(lines.grouped(), PAGE_SIZE).get_page(request.GET.get("page"))
    if not page.object_list:
        at_first(request, None, lambda: first_release(request, donor))
        raise Http404
    shown = public_lines(list(page.object_list), lines, request.at)
    return render(
        request,
        "contributions/donor.html",
        {
            "donor": donor,
            "chart": donor_chart(donor, list(lines.by_year())),
            "total": lines.total(),
            "page": page,
            "days": by_day(shown),
            "footnotes": number_footnotes(shown),
        },
    )


def donor_chart(donor: Donor, rows: list[dict[str, Any]]) -> charts.Chart | None:
    """What a donor family gave, by budget year; ``None`` where a single year leaves nothing to compare."""
    if len(rows) < 2:
        return None
    amounts = {row["budget_year"]: row["amount"] for row in rows}
    years = list(range(min(amounts), max(amounts) + 1))
    values = [Value(amounts.get(year), "" if year in amounts else _("no contribution")) for year in years]
    series = [charts.Series(_("Contributions"), "s-main", [value.number for value in values])]
    unit, word = charts.unit_of(series[0].values)
    options = {"unit": unit, "number": print_number, "rtl": get_language_bidi()}
    names = [str(year) for year in years]
    largest = max(rows, key=lambda row: row["amount"])
    say = _("The largest sum was given for %(year)s: %(amount)s.") % {
        "year": largest["budget_year"],
        "amount": print_dollars(largest["amount"]),
    }
    return charts.Chart(
        title=_("Contributions by budget year"),
        summary=say,
        wide=charts.year_bars(names, series, **options),
        narrow=charts.year_rows(names, series, **options),
        table=charts.Table(
            _("Contributions of %(donor)s, US dollars") % {"donor": donor.name},
            [_("Budget year"), _("Contributions")],
            [[charts.Cell(name), number_cell(values[i], print_cents)] for i, name in enumerate(names)],
        ),
        say=say,
        unit=unit_words(word),
    )
