"""The pages about the site itself: its data, whether everybody can use it, and how a browser searches it."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from .models import Edition
from .overview import load_overview
from .readers import public_page


@public_page
def about_data(request: HttpRequest) -> HttpResponse:
    """What is here at the moment of the request, where it comes from, and what may be done with it."""
    overview = load_overview(request)
    released = Edition.objects.released(request.at)
    # The text of an operation that has no page is on no page either.
    released = released.filter(operation__in=released.profiles().values("operation"))
    context = {
        "operations": len(overview.profiles),
        "years": overview.years,
        "newest": released.order_by("-released_at").values_list("released_at", flat=True).first(),
        "makes_pdf": bool(settings.PDF_BROWSER),
    }
    return render(request, "operations/about_data.html", context)


@public_page
def accessibility(request: HttpRequest) -> HttpResponse:
    """The statement, with the parts that the W3C's generator of statements asks for."""
    return render(request, "operations/accessibility.html", {"makes_pdf": bool(settings.PDF_BROWSER)})


@public_page
def opensearch(request: HttpRequest) -> HttpResponse:
    """The site's search as a browser adds it to its own (OpenSearch 1.1)."""
    return render(
        request,
        "operations/opensearch.xml",
        content_type="application/opensearchdescription+xml",
    )
