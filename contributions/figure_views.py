"""The charts of the money, each at an address of its own: to embed, and as a file."""

from __future__ import annotations

from typing import Any

from csp.decorators import csp_replace
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_exempt

from operations import charts
from operations.asked import asked_year
from operations.drawings import isolated, print_day
from operations.figure_files import Figure
from operations.figure_views import demo_line, file_response
from operations.models import Agency
from operations.readers import public_page
from operations.templatetags.readers import keep

from .filters import Filters, given_families, public_places
from .models import Contribution, DailySum, Donor, merged_slug
from .models.batch import newest_import
from .views import donor_charts, filtered_charts, named_sums


def figure_of_list(request: HttpRequest, name: str) -> tuple[charts.Chart, str, str]:
    """A chart of the list of contributions that the query asks for, what it is of, and the address of the list."""
    released = Contribution.objects.released(request.at)
    filters = Filters(request.GET, public_places(request.at), given_families(released, request.at), released)
    if not filters.year:
        raise Http404
    rows = filters.narrow(released if filters.has_text else DailySum.objects.released(request.at))
    donors = named_sums(list(rows.by_donor()), filters.families.values())
    drawn = filtered_charts(rows, filters, donors) if donors else []
    chart = next((chart for _kind, chart in drawn if chart.name == name), None)
    if chart is None:
        raise Http404(_("No figure of this name is released for this page."))
    told = [isolated(each.value) for each in filters.told if each.name != "year"]
    return chart, " · ".join([_("Contributions"), *told]), filters.url(sort="")


def figure_of_donor(request: HttpRequest, donor: Donor, name: str) -> tuple[charts.Chart, str, str]:
    """A chart of a donor's page, the donor's name, and the address of the page."""
    rows = DailySum.objects.released(request.at).of_family(donor)
    years = list(rows.by_year())
    drawn = donor_charts(donor, rows, years).values() if years else ()
    chart = next((chart for chart in drawn if chart and chart.name == name), None)
    if chart is None:
        raise Http404(_("No figure of this name is released for this page."))
    return chart, donor.name, donor.get_absolute_url()


def figure_from(request: HttpRequest, chart: charts.Chart, place: str, path: str) -> Figure:
    return Figure(
        name=chart.name,
        place=place,
        title=chart.title,
        sentence=chart.say,
        drawing=chart.wide,
        table=chart.table,
        source=source_lines(request),
        address=request.build_absolute_uri(keep({"request": request}, path)),
        key=chart.key,
        unit=chart.unit,
        colour=Agency.current().colour,
    )


def source_lines(request: HttpRequest) -> list[str]:
    newest = newest_import(request.at)
    words = {
        "source": isolated(Agency.current().shown_name),
        "day": newest and print_day(timezone.localtime(newest).date()),
    }
    lines = [_("Source: %(source)s, as of %(day)s") % words] if newest else []
    if settings.PRIVATE_FEWEST_DONORS > 1:
        lines.append(
            _("Gifts of private donors that would tell who gave them are in no total until others join them.")
        )
    return [*lines, *([demo_line()] if settings.DEMO else [])]


def shown_alone(request: HttpRequest, chart: charts.Chart, place: str, path: str) -> HttpResponse:
    context: dict[str, Any] = {
        "figure": figure_from(request, chart, place, path),
        "chart": chart,
        "address": keep({"request": request}, path),
        "canonical": path,
    }
    return render(request, "operations/figure.html", context)


@xframe_options_exempt
@csp_replace({"frame-ancestors": ["*"]})
@public_page
def figure(request: HttpRequest, name: str) -> HttpResponse:
    """A chart of the list of contributions alone, for a frame on a page of any site."""
    return shown_alone(request, *figure_of_list(request, name))


@public_page
def figure_file(request: HttpRequest, name: str, kind: str) -> HttpResponse:
    chart, place, path = figure_of_list(request, name)
    file_name = f"contributions-{asked_year(request)}-{name}"
    return file_response(request, figure_from(request, chart, place, path), kind, file_name)


@xframe_options_exempt
@csp_replace({"frame-ancestors": ["*"]})
@public_page
def donor_figure(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """A chart of a donor alone, for a frame on a page of any site."""
    donor = Donor.objects.families().filter(slug=slug).first()
    if donor is None:
        return at_merged(slug, "contributions:donor_figure", name)
    return shown_alone(request, *figure_of_donor(request, donor, name))


@public_page
def donor_figure_file(request: HttpRequest, slug: str, name: str, kind: str) -> HttpResponse:
    donor = Donor.objects.families().filter(slug=slug).first()
    if donor is None:
        return at_merged(slug, "contributions:donor_figure_file", name, kind)
    chart, place, path = figure_of_donor(request, donor, name)
    return file_response(request, figure_from(request, chart, place, path), kind, f"{slug}-{name}")


def at_merged(slug: str, view: str, *parts: str) -> HttpResponse:
    """What another site embeds goes on where its donor was merged into another one."""
    if found := merged_slug(slug):
        return redirect(view, found.slug, *parts)
    raise Http404
