from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from .asked import asked_number
from .readers import public_page
from .search import Search
from .search_words import LONGEST_QUERY


@public_page
def search(request: HttpRequest) -> HttpResponse:
    """What readers find by words; the form alone where there are none."""
    query = " ".join(request.GET.get("q", "").replace("\0", " ").split())[:LONGEST_QUERY]
    number = min(max(asked_number(request, "page") or 1, 1), 10**6)
    found = Search.load(query, request.at, number, keep=not request.as_of) if query else None
    return render(request, "operations/search.html", {"query": query, "search": found})
