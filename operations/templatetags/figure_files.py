"""Where a figure of a page can be taken from, and what a page says of itself to other sites."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any
from urllib.parse import urlencode

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from ..charts import Chart
from ..models import Agency
from .readers import keep

register = template.Library()

# What stands in a frame around the drawing, in pixels: title, sentence, source.
AROUND = 270
# In a script no “<” may stand, whatever it begins.
IN_SCRIPT = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}


@register.simple_tag(takes_context=True)
def figure_address(context: dict[str, Any], name: str, kind: str = "", base: str = "") -> str:
    """The address of a figure of this page, or of its file, in the same past; on an edition's page in that past.

    ``base`` is the address of a figure that is not one of an operation's year, with its query.
    """
    if base:
        path, _mark, query = base.partition("?")
        return in_same_past(
            context, (f"{path.rstrip('/')}.{kind}" if kind else path) + (query and f"?{query}")
        )
    page = context["page"]
    place = [page.profile.slug, page.year, name]
    path = (
        reverse("operations:figure_file", args=[*place, kind])
        if kind
        else reverse("operations:figure", args=place)
    )
    return in_same_past(context, path)


@register.simple_tag(takes_context=True)
def card_address(context: dict[str, Any]) -> str:
    page = context["page"]
    return in_same_past(context, reverse("operations:card", args=[page.profile.slug, page.year]))


@register.simple_tag(takes_context=True)
def pdf_address(context: dict[str, Any]) -> str:
    """The address of this page as a PDF; empty where the site makes none. An edition's is permanent as its page is."""
    if not settings.PDF_BROWSER:
        return ""
    request, page = context["request"], context["page"]
    if not context.get("edition"):
        return keep(context, reverse("operations:brief", args=[page.profile.slug, page.year]))
    query = f"?{urlencode({'as_of': context['asked']})}" if context["asked"] else ""
    return f"{request.path}brief.pdf{query}"


def in_same_past(context: dict[str, Any], path: str) -> str:
    request = context["request"]
    if context.get("edition") and request.at < request.now:
        moment = request.at.astimezone(dt.UTC).replace(tzinfo=None).isoformat()
        return f"{path}{'&' if '?' in path else '?'}{urlencode({'as_of': f'{moment}Z'})}"
    return keep(context, path)


@register.simple_tag(takes_context=True)
def data_address(context: dict[str, Any], kind: str, path: str = "") -> str:
    """Where the data of this page, or of the one at ``path``, are as a file; in the same past as this page, on an edition's page in that past."""
    request = context["request"]
    is_own = not path
    if is_own:
        query = request.GET.copy()
        for name in ("as_of", "page", "before", "after", "circles"):
            query.pop(name, None)
        path = request.path + (f"?{query.urlencode()}" if query else "")
    here, _mark, query = path.partition("?")
    found = f"{here.rstrip('/')}.{kind}" + (f"?{query}" if query else "")
    return keep(context, found) if is_own else in_same_past(context, found)


@register.simple_tag
def table_path(page: Any, name: str) -> str:
    """Where one table of an operation's year stands, as ``data_address`` takes it."""
    return reverse("operations:year", args=[page.profile.slug, page.year]) + f"{name}/"


@register.simple_tag(takes_context=True)
def embed_code(context: dict[str, Any], name: str, title: str, height: float, base: str = "") -> str:
    """The element for a page of another site that shows the figure, as text: to be escaped like any other."""
    address = context["request"].build_absolute_uri(figure_address(context, name, "", base))
    words = title if base else f"{context['page'].profile.name} {context['page'].year}: {title}"
    return (
        f'<iframe src="{escape(address)}" title="{escape(words)}" width="100%" height="{round(height) + AROUND}" '
        'loading="lazy" style="border:0"></iframe>'
    )


@register.simple_tag(takes_context=True)
def structured_data(context: dict[str, Any]) -> SafeString:
    """The page in the words of schema.org, for search engines: a set of data, with its files."""
    request, page = context["request"], context["page"]
    profile, agency = page.profile, Agency.current()
    absolute = request.build_absolute_uri
    url = absolute(reverse("operations:year", args=[profile.slug, page.year]))
    place: dict[str, Any] = {"@type": "Place", "name": profile.name}
    if profile.content["latitude"] is not None:
        geo = {axis: float(profile.content[axis]) for axis in ("latitude", "longitude")}
        place["geo"] = {"@type": "GeoCoordinates", **geo}
    shown: list[Chart] = [
        chart for chart in map(context.get, ("people_chart", "people_years_chart", "money_chart")) if chart
    ]
    publisher = {
        "@type": "Organization",
        "name": agency.shown_name,
        "url": absolute(reverse("operations:home")),
    }
    data = {
        "@context": "https://schema.org",
        "@type": "Dataset",
        "name": f"{profile.name} {page.year}",
        "description": context["lead"] or f"{profile.name} {page.year}",
        "url": url,
        "mainEntityOfPage": {"@type": "WebPage", "@id": url},
        "inLanguage": get_language(),
        "temporalCoverage": str(page.year),
        "dateModified": page.editions[0].released_at.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "isAccessibleForFree": True,
        "creator": publisher,
        "publisher": publisher,
        "spatialCoverage": place,
        "image": absolute(card_address(context)),
        "distribution": [
            {
                "@type": "DataDownload",
                "name": chart.title,
                "encodingFormat": "text/csv",
                "contentUrl": absolute(figure_address(context, chart.name, "csv")),
            }
            for chart in shown
        ],
    }
    if licence := agency.licence_url or agency.licence:
        data["license"] = licence
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(IN_SCRIPT)
    return mark_safe(f'<script type="application/ld+json">{text}</script>')  # noqa: S308 — escaped for a script
