"""The data beside the pages of the money: the same address with ``.csv``, ``.xlsx`` or ``.json``."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from operations.data_views import about, answer, asked_of, of_dataset
from operations.datasets import Row
from operations.readers import public_page

from .dictionary import CONTRIBUTION_DAYS, CONTRIBUTIONS, DONOR_YEARS, donors_by_key, line_rows_of_gift
from .models import Contribution, DailySum, Donor, merged_slug


@public_page
def contributions(request: HttpRequest, kind: str) -> HttpResponse:
    """Every allocation that the list shows, with its filters."""
    return of_dataset(request, CONTRIBUTIONS, kind, "contributions", reverse("contributions:contributions"))


@public_page
def days(request: HttpRequest, kind: str) -> HttpResponse:
    """The lines of the list as they stand there: by donor and day."""
    name, page = "contributions-by-day", reverse("contributions:contributions")
    return of_dataset(request, CONTRIBUTION_DAYS, kind, name, page)


@public_page
def donors(request: HttpRequest, kind: str) -> HttpResponse:
    """The donors of the year that the page shows."""
    asked = asked_of(request)
    known = [row["budget_year"] for row in DailySum.objects.released(request.at).by_year()]
    year = asked.filters.get("year") or str(next(iter(known), ""))
    return of_dataset(
        request, DONOR_YEARS, kind, f"donors-{year}", reverse("contributions:donors"), year=year
    )


@public_page
def donor(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """Every allocation of a donor with all that belong to it."""
    found = family(slug)
    if not isinstance(found, Donor):
        return found and redirect("contributions:donor_data", found, kind)
    if not DailySum.objects.released(request.at).of_family(found).by_day().exists():
        raise Http404
    page = reverse("contributions:donor", args=[slug])
    return of_dataset(request, CONTRIBUTIONS, kind, slug, page, donor=slug)


def family(slug: str) -> Donor | str:
    """The donor of an address; the address of the one that it became part of; 404 for none."""
    found = Donor.objects.families().filter(slug=slug).first()
    if found is None and (merged := merged_slug(slug)):
        return merged.slug
    if found is None:
        raise Http404
    return found


@public_page
def contribution(request: HttpRequest, slug: str, reference: str, kind: str) -> HttpResponse:
    """The allocations of one gift."""
    found = family(slug)
    if not isinstance(found, Donor):
        return redirect("contributions:contribution_data", found, reference, kind)
    asked = asked_of(request)
    lines = Contribution.objects.released(request.at).of_gift(found, reference)
    rows: list[Row] = list(line_rows_of_gift(asked, lines, donors_by_key(asked)))
    if not rows:
        raise Http404
    page = reverse("contributions:contribution", args=[slug, reference])
    described = about(request, f"{found.name_en}: {reference}", CONTRIBUTIONS.description, page)
    return answer(request, kind, f"{slug}-gift", [(CONTRIBUTIONS, rows)], described)
