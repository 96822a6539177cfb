"""Who sees what: every address of the site, as everyone, in every state.

The site of ``scene`` holds a word or a number of its own in each field. ``TABLE`` says of every route at which
addresses it is asked; a route that is missing there fails the build. What comes back, in whatever form, may hold no
word that ``may_see`` does not allow.
"""

from __future__ import annotations

import difflib
import io
import json
import logging
import re
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote_plus
from zlib import crc32

import pytest
from django.apps import apps
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models, transaction
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.urls.resolvers import LocalePrefixPattern
from pypdf import PdfReader

from contributions.models import Contribution, Donor
from operations.datasets import REGISTRY
from operations.drafts import answer, checked
from operations.models import (
    Edition,
    FinancialFigure,
    Narrative,
    Office,
    Operation,
    PopulationFigure,
    Region,
)

from .scene import LANGUAGES, STATES, Place, Scene, Sentinel, add_elsewhere, add_here, begin, sentinels

# --- The rule ----------------------------------------------------------------------------------------

# What each group shows of the operations that it is given for.
SEES = {
    "Viewers": {"profile", "office", "text"},
    "Field editors": {"profile", "office", "text"},
    "Reviewers": {"profile", "office", "text", "line"},
    "Finance": {"profile", "line"},
}
# The group of each role, and whether it is given for the place of this name; “” is what belongs to no operation.
ROLES: dict[str, tuple[str, Callable[[str], bool]]] = {
    "viewer": ("Viewers", lambda place: place not in ("elsewhere", "")),
    "editor": ("Field editors", lambda place: place not in ("elsewhere", "")),
    "editor of another": ("Field editors", lambda place: place == "elsewhere"),
    "finance": ("Finance", lambda place: place not in ("elsewhere", "")),
    "finance of another": ("Finance", lambda place: place == "elsewhere"),
    "finance everywhere": ("Finance", lambda place: True),
    "reviewer": ("Reviewers", lambda place: place not in ("elsewhere", "")),
    "reviewer of another region": ("Reviewers", lambda place: place == "elsewhere"),
}
EVERYONE = ["anonymous", *ROLES, "administrator"]


def may_see(role: str, what: Sentinel) -> bool:
    if what.is_public or role == "administrator":
        return True
    if role == "anonymous" or what.kind == "address":
        return False
    if what.kind == "account":
        return True
    group, is_given_for = ROLES[role]
    if what.kind == "donor":  # belongs to no operation: a role anywhere gives the sight
        return group in ("Reviewers", "Finance")
    if what.kind == "batch":
        return role == "finance everywhere"
    return what.kind in SEES[group] and is_given_for(what.place)


# --- The routes --------------------------------------------------------------------------------------


def routes(resolver: Any = None, before: str = "") -> Iterator[tuple[str, str]]:
    """Of every route of the project its whole pattern, and the name of its view."""
    for pattern in (resolver or get_resolver()).url_patterns:
        own = "" if isinstance(pattern.pattern, LocalePrefixPattern) else str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            view = pattern.callback
            yield before + own, pattern.name or getattr(view, "__qualname__", type(view).__name__)
        else:
            yield from routes(pattern, before + own)


@dataclass(frozen=True)
class Pages:
    """The addresses at which a route is asked: for each of ``of`` each of ``queries``, and what is sent there.

    ``of`` gives the parts of the address, and as “place” whose page it is; ``sent`` is what the page answers with
    data.
    """

    of: Callable[[Scene], Iterable[dict[str, Any]]] = lambda scene: [{}]
    queries: Callable[[Scene], Iterable[str]] | tuple[str, ...] = ("",)
    sent: Callable[[Scene], Iterable[dict[str, Any]]] = lambda scene: []

    def addresses(self, route: str, scene: Scene) -> Iterator[tuple[str, str]]:
        """Each address, and the place whose page it is."""
        queries = self.queries(scene) if callable(self.queries) else self.queries
        for parts in self.of(scene):
            for query in [*queries, *parts.get("queries", ())]:
                yield path(route, parts) + query, parts.get("place", "")


def path(route: str, parts: dict[str, Any]) -> str:
    route = re.sub(r"^(.*)\^(.*)\$$", r"\1\2", route).replace("$", "")
    route = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"<\1>", route)
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(parts[match[1]]), route)


def in_language(address: str, language: str) -> str:
    is_one = address in UNTRANSLATED or address.startswith("/api/v1")
    return address if language == "en" or is_one else f"/{language}{address}"


UNTRANSLATED = {
    "/healthz",
    "/brand/0.css",
    "/brand/0.webp",
    "/sitemap.xml",
    "/sitemap.xml?file=1",
    "/sitemap.xml?file=2",
}

# --- What the addresses are made of ------------------------------------------------------------------


OF_ONE_STATE = (*STATES, "elsewhere")


def texts(scene: Scene) -> list[Narrative]:
    return [text for name in OF_ONE_STATE if name in scene.places for text in scene.places[name].narratives]


def operations_of(scene: Scene) -> list[Operation]:
    return [scene.places[name].operation for name in OF_ONE_STATE if name in scene.places]


def keys(objects: Callable[[Scene], Iterable[models.Model]], *queries: str) -> Callable[[Scene], Any]:
    return lambda scene: [
        {"object_id": each.pk, "place": place_of(scene, each), "queries": queries} for each in objects(scene)
    ]


def place_of(scene: Scene, of: Any) -> str:
    key = of.pk if isinstance(of, Operation) else getattr(of, "operation_id", None)
    return next((place.name for place in scene.places.values() if place.operation.pk == key), "")


def rows_of(model: type[models.Model], each: int = 2) -> Callable[[Scene], list[models.Model]]:
    """Some rows of every place, the newest first."""

    def rows(scene: Scene) -> list[models.Model]:
        return [
            row
            for place in scene.places.values()
            if place.name in OF_ONE_STATE
            for row in model._default_manager.filter(operation=place.operation).order_by("-pk")[:each]
        ]

    return rows


def years_of(place: Place) -> list[int]:
    return sorted({2020, 2021} | {text.year for text in place.narratives})


def slugs(scene: Scene) -> list[dict[str, Any]]:
    return [{"slug": place.operation.slug} for place in scene.places.values()]


def slugs_and_years(scene: Scene) -> list[dict[str, Any]]:
    return [
        {"slug": place.operation.slug, "year": year}
        for place in scene.places.values()
        for year in years_of(place)
    ]


def figures(scene: Scene) -> list[dict[str, Any]]:
    return [{**page, "name": name} for page in slugs_and_years(scene) for name in ("people", "map")]


def figure_files(scene: Scene) -> list[dict[str, Any]]:
    """Words are found in the drawings, which the pictures are made from."""
    files = [
        ("people", "csv"),
        ("people", "svg"),
        ("money", "svg"),
        ("map", "csv"),
        ("pillars-budget", "svg"),
    ]
    pages = slugs_and_years(scene)
    asked = [{**page, "name": name, "kind": kind} for page in pages for name, kind in files]
    return [*asked, *({**page, "name": "money", "kind": "png"} for page in pages[::5])]


def every_edition(scene: Scene) -> list[dict[str, Any]]:
    return [{"pk": pk} for pk in Edition.objects.order_by("pk").values_list("pk", flat=True)]


def tokens(scene: Scene) -> list[dict[str, Any]]:
    found = [token for place in scene.places.values() for token, _edition in place.tokens]
    return [{"token": token} for token in [*found, *scene.dead_tokens, "forged:token"]]


MOMENTS = ("", "?as_of=2021-11-25", "?as_of=2199-01-01", "?as_of=2026-11-25T12:00:00%2B01:00")


def searches(scene: Scene) -> list[str]:
    """Of a list: for a word that all names hold, for a hidden name, and by what it can be filtered by."""
    hidden = scene.places["draft"].operation
    return [
        "",
        "?q=Land&_facets=True",
        f"?q={hidden.name_en}",
        f"?operation__id__exact={hidden.pk}",
    ]


def by_state(*states: str) -> Callable[[Scene], list[str]]:
    return lambda scene: [*searches(scene), *(f"?state={state}" for state in states)]


def work_lists(scene: Scene) -> list[str]:
    hidden = scene.places["draft"].operation
    return [
        "",
        f"?q={hidden.name_en}",
        "?q=Land",
        "?year=2020",
        "?state=draft",
        "?region=AME",
        "?language=fr",
    ]


DATA_FORMS = ("csv", "json", "xlsx", "csv-metadata.json")


def forms(scene: Scene) -> list[dict[str, Any]]:
    return [{"kind": kind} for kind in DATA_FORMS]


def every_table(scene: Scene) -> list[dict[str, Any]]:
    return [{"name": dataset.name, "kind": kind} for dataset in REGISTRY for kind in DATA_FORMS]


MONEY_CHARTS = ("donors", "earmarking", "months")


def donor_charts(scene: Scene) -> list[dict[str, Any]]:
    slugs = Donor.objects.order_by("pk").values_list("slug", flat=True)[:12]
    return [{"slug": slug, "name": name} for slug in slugs for name in ("years", "earmarking")]


def contributions_asked(scene: Scene) -> list[str]:
    names = ("released", "draft", "elsewhere")
    donors = Donor.objects.order_by("pk").values_list("slug", flat=True)[:6]
    return [
        *MOMENTS,
        *(f"?operation={scene.places[name].operation.slug}" for name in names),
        *(f"?donor={slug}" for slug in donors),
        *(f"?q={quote(name)}" for name in Donor.objects.order_by("pk").values_list("name_en", flat=True)[:6]),
        "?region=AME&sort=donor&q=zq",
        "?year=2021&page=2",
        "?kind=private&country=JP&date=2021-11-24",
    ]


def charts_asked(scene: Scene) -> list[str]:
    return [f"?year=2021{query.replace('?', '&')}" for query in contributions_asked(scene)[::3]]


def searched(scene: Scene) -> list[str]:
    """For every word of the site that is not public, with it and with what stands beside it; and in the past."""
    hidden = [word for word, what in scene.sentinels.items() if not what.is_public and what.kind != "account"]
    offices = Office.objects.order_by("pk").values_list("name", flat=True)
    donors = Donor.objects.order_by("pk").values_list("name_en", flat=True)
    return [
        *MOMENTS,
        *(f"?q={word}" for word in hidden),
        *(f"?q={quote(name)}" for name in [*offices, *donors]),
        *(f"?q={quote(name[:-1])}x" for name in donors),
        *(f"?q={word}" for word in ("Land", "Land+2020", "year-end", "plan+2021", "zq", "918")),
        "?q=Land&page=2",
        "?q=Land&as_of=2021-11-25",
    ]


def gifts(scene: Scene) -> list[dict[str, Any]]:
    """Of every line, whatever its state, and whether or not the donor may be named."""
    rows = Contribution.objects.order_by("pk").values_list("donor__slug", "reference").distinct()
    return [{"slug": slug, "reference": reference} for slug, reference in rows if reference]


def autocompletes(scene: Scene) -> list[str]:
    """For every reference of every table to another one: everything, and by a hidden name."""
    asked = []
    for model in apps.get_models():
        for own in model._meta.get_fields():
            if isinstance(own, models.ForeignKey) and own.remote_field.model._meta.app_label in OURS:
                here = f"app_label={model._meta.app_label}&model_name={model._meta.model_name}&field_name={own.name}"
                asked += [f"?{here}&term=", f"?{here}&term={scene.places['draft'].operation.name_en}"]
    return asked


OURS = {"operations", "contributions", "auth"}

# The lines of a file to import; each names the operation of every place.
LINES = {
    "operation": ("code,name", "{code},Renamed"),
    "office": ("operation,name,kind", "{code},Anywhere,field_office"),
    "populationfigure": ("operation,year,people", "{code},2020,5"),
    "financialfigure": ("operation,year,measure,amount_usd", "{code},2020,budget,5"),
    "donor": ("name,kind", "Somebody in {code},government"),
    "contribution": ("donor,date,operation,budget_year,amount_usd", "Zq,2021-11-24,{code},2021,5"),
}


def files(model: str) -> Callable[[Scene], list[dict[str, Any]]]:
    def uploads(scene: Scene) -> list[dict[str, Any]]:
        head, line = LINES[model]
        lines = [line.format(code=operation.code) for operation in operations_of(scene)]
        return [
            {"import_file": SimpleUploadedFile("lines.csv", "\n".join([head, *each]).encode())}
            for each in (lines, *[[one] for one in lines[:4]])
        ]

    return uploads


# --- The table ---------------------------------------------------------------------------------------


def of_model(name: str, objects: Callable, lists: Any = searches) -> dict[str, Pages]:
    """The pages that Django's admin has for every table."""
    here = f"admin/{name}/"
    return {
        here: Pages(queries=lists),
        f"{here}add/": Pages(),
        f"{here}<path:object_id>/history/": Pages(keys(objects)),
        f"{here}<path:object_id>/delete/": Pages(keys(objects)),
        f"{here}<path:object_id>/change/": Pages(keys(objects)),
        f"{here}<path:object_id>/": Pages(keys(objects)),
    }


def of_table(name: str) -> dict[str, Pages]:
    """The pages of a table that can be imported and exported."""
    here = f"admin/{name}/"
    return {
        f"{here}import/": Pages(sent=files(name.partition("/")[2])),
        f"{here}process_import/": Pages(),
        f"{here}export/": Pages(
            queries=("", "?q=Land"), sent=lambda scene: [{"format": "0", "resource": ""}, {"format": "1"}]
        ),
    }


def of_working_copy(name: str, objects: Callable) -> dict[str, Pages]:
    """The pages beside the form of a text or a profile."""
    here = f"admin/{name}/<path:object_id>/"
    return {
        f"{here}release/": Pages(keys(objects)),
        f"{here}withdraw/": Pages(keys(objects)),
        f"{here}versions/": Pages(keys(objects, "?a=1&b=1")),
        f"{here}restore/": Pages(keys(objects, "?edition=1"), queries=()),
        f"{here}preview/": Pages(keys(objects, "?edition=1&year=2021")),
        f"{here}widths/": Pages(keys(objects)),
        f"{here}links/": Pages(keys(objects)),
        f"{here}answer/": Pages(keys(objects)),
        f"{here}review/": Pages(keys(objects)),
        f"{here}presence/": Pages(keys(objects)),
    }


def accounts(scene: Scene) -> list[Any]:
    return [scene.author, scene.roles["editor of another"]]


def some(model: type[models.Model], count: int = 1) -> Callable[[Scene], Any]:
    return lambda scene: model._default_manager.order_by("pk")[:count]


def model(name: str) -> type[models.Model]:
    return apps.get_model(*name.split("/"))


TABLE: dict[str, Pages] = {
    "healthz": Pages(),
    "brand/<slug:version>.css": Pages(lambda scene: [{"version": "0"}]),
    "brand/<slug:version>.webp": Pages(lambda scene: [{"version": "0"}]),
    "sitemap.xml": Pages(queries=("", "?file=1", "?file=2")),
    # For readers.
    "": Pages(queries=MOMENTS),
    "operations/": Pages(
        queries=lambda scene: [
            *MOMENTS,
            "?year=2021",
            "?q=Land",
            "?region=AME",
            "?kind=country&size=people-10000&sort=-budget",
            f"?q={scene.places['draft'].operation.name_en}",
        ]
    ),
    "regions/<slug:code>/": Pages(
        lambda scene: [{"code": code.lower()} for code in Region.objects.values_list("code", flat=True)],
        queries=(*MOMENTS[:2], "?year=2020"),
    ),
    "compare/": Pages(
        queries=lambda scene: [
            "",
            *(
                f"?with={operation.slug}-2020&with={operation.slug}-2021"
                for operation in operations_of(scene)
            ),
        ]
    ),
    "operations/<slug:slug>/": Pages(slugs, queries=MOMENTS[:2]),
    "operations/<slug:slug>/<year:year>/": Pages(slugs_and_years),
    "operations/<slug:slug>/<year:year>/pillars/": Pages(slugs_and_years),
    "operations/<slug:slug>/<year:year>/history/": Pages(slugs_and_years),
    "operations/<slug:slug>/<year:year>/figures/<slug:name>/": Pages(figures),
    "operations/<slug:slug>/<year:year>/figures/<slug:name>.<filekind:kind>": Pages(figure_files),
    "operations/<slug:slug>/<year:year>/brief.pdf": Pages(lambda scene: slugs_and_years(scene)[::4]),
    "editions/<int:pk>/brief.pdf": Pages(lambda scene: every_edition(scene)[::6]),
    "editions/<int:pk>/<year:year>/brief.pdf": Pages(
        lambda scene: [{**edition, "year": 2020} for edition in every_edition(scene)[::15]]
    ),
    "operations/<slug:slug>/<year:year>/card.png": Pages(lambda scene: slugs_and_years(scene)[::5]),
    "editions/<int:pk>/": Pages(every_edition),
    "editions/<int:pk>/<year:year>/": Pages(
        lambda scene: [{**each, "year": 2021} for each in every_edition(scene)]
    ),
    **{
        f"feeds/{name}": Pages(
            queries=lambda scene: [
                *MOMENTS,
                "?region=AME",
                *(f"?operation={operation.slug}" for operation in operations_of(scene)),
            ]
        )
        for name in ("releases.atom", "releases.json", "corrections.atom", "corrections.json")
    },
    "data/": Pages(),
    "data/archive.zip": Pages(),
    "changes/": Pages(queries=(*MOMENTS, "?since=2020-01-01", "?is_correction=true")),
    "changes.<datakind:kind>": Pages(forms, ("", "?since=2020-01-01")),
    "api/": Pages(),
    "api/v1/": Pages(),
    "api/v1/openapi.json": Pages(),
    "api/v1/search": Pages(queries=lambda scene: [query for query in searched(scene)[::4] if "q=" in query]),
    "api/v1/<slug:name>": Pages(
        lambda scene: [{"name": dataset.name} for dataset in REGISTRY],
        lambda scene: [
            "?limit=1000",
            "?limit=1000&as_of=2021-11-25",
            "?as_of=2199-01-01&language=fr",
            *(f"?operation={operation.code}" for operation in operations_of(scene)),
            *(f"?donor={slug}" for slug in Donor.objects.order_by("pk").values_list("slug", flat=True)[:6]),
        ],
    ),
    "api/v1/<slug:name>/<path:key>": Pages(
        lambda scene: [
            *({"name": "operations", "key": operation.code} for operation in operations_of(scene)),
            *({"name": "editions", "key": edition["pk"]} for edition in every_edition(scene)),
            *(
                {"name": "contributions", "key": f"{line.key.hex}-{line.occurrence}"}
                for line in Contribution.objects.order_by("pk")
            ),
            *({"name": "donors", "key": donor.slug} for donor in Donor.objects.order_by("pk")),
        ]
    ),
    "api/v1/<anything:rest>": Pages(lambda scene: [{"rest": "a/b/"}]),
    "data/<slug:name>.<datakind:kind>": Pages(every_table, MOMENTS),
    "operations.<datakind:kind>": Pages(forms, (*MOMENTS, "?year=2021&sort=-budget", "?q=Land")),
    "operations/<slug:slug>.<datakind:kind>": Pages(
        lambda scene: [{**page, "kind": "json"} for page in slugs(scene)], MOMENTS[:2]
    ),
    "operations/<slug:slug>/<year:year>.<datakind:kind>": Pages(
        lambda scene: [
            {**page, "kind": ("json", "xlsx", "csv")[number % 3]}
            for number, page in enumerate(slugs_and_years(scene))
        ]
    ),
    "operations/<slug:slug>/<year:year>/<slug:name>.<datakind:kind>": Pages(
        lambda scene: [
            {**page, "name": name, "kind": "csv"}
            for page in slugs_and_years(scene)[::3]
            for name in (
                "population",
                "key-figures",
                "texts",
                "contributions",
                "changes",
                "editions",
                "offices",
            )
        ]
    ),
    "regions/<slug:code>.<datakind:kind>": Pages(
        lambda scene: [
            {"code": code.lower(), "kind": "csv"} for code in Region.objects.values_list("code", flat=True)
        ]
    ),
    "compare.<datakind:kind>": Pages(
        lambda scene: [{"kind": "json"}],
        lambda scene: [
            f"?with={operation.slug}-2020&with={operation.slug}-2021" for operation in operations_of(scene)
        ],
    ),
    "editions/<int:pk>.<datakind:kind>": Pages(
        lambda scene: [{**edition, "kind": "json"} for edition in every_edition(scene)]
    ),
    "editions/<int:pk>/<year:year>.<datakind:kind>": Pages(
        lambda scene: [{**edition, "year": 2021, "kind": "csv"} for edition in every_edition(scene)[::3]]
    ),
    "contributions.<datakind:kind>": Pages(forms, contributions_asked),
    "contributions/days.<datakind:kind>": Pages(lambda scene: [{"kind": "csv"}], contributions_asked),
    "contributions/<slug:slug>/<reference:reference>.<datakind:kind>": Pages(
        lambda scene: [{**gift, "kind": "json"} for gift in gifts(scene)]
    ),
    "donors.<datakind:kind>": Pages(forms, (*MOMENTS, "?year=2021")),
    "donors/<slug:slug>.<datakind:kind>": Pages(
        lambda scene: [{"slug": donor.slug, "kind": "csv"} for donor in Donor.objects.order_by("pk")[:12]]
    ),
    "maps/outlines/<sheet:sheet>.geojson": Pages(
        lambda scene: [{"sheet": "-90,-30,-60,5"}, {"sheet": "-170,-60,190,85"}, {"sheet": "1,2,3,4"}]
    ),
    "methodology/": Pages(),
    "about/data/": Pages(queries=MOMENTS),
    "accessibility/": Pages(),
    "opensearch.xml": Pages(),
    "search/": Pages(queries=searched),
    "preview/<str:token>/": Pages(tokens),
    "contributions/": Pages(queries=contributions_asked),
    "contributions/<slug:slug>/<reference:reference>/": Pages(gifts, MOMENTS),
    "contributions/figures/<slug:name>/": Pages(
        lambda scene: [{"name": name} for name in MONEY_CHARTS], charts_asked
    ),
    "contributions/figures/<slug:name>.<filekind:kind>": Pages(
        lambda scene: [{"name": name, "kind": "csv"} for name in MONEY_CHARTS], charts_asked
    ),
    "donors/<slug:slug>/figures/<slug:name>/": Pages(donor_charts),
    "donors/<slug:slug>/figures/<slug:name>.<filekind:kind>": Pages(
        lambda scene: [{**chart, "kind": "svg"} for chart in donor_charts(scene)[:12]]
    ),
    "donors/": Pages(queries=(*MOMENTS, "?year=2021")),
    "donors/<slug:slug>/": Pages(
        lambda scene: [{"slug": donor.slug} for donor in Donor.objects.order_by("pk")[:12]]
    ),
    # For staff.
    "admin/": Pages(
        queries=lambda scene: ["", "?q=Land", f"?q={scene.places['draft'].operation.name_en}", "?page=2"]
    ),
    "admin/roles/": Pages(queries=("", "?q=e", "?user=1")),
    "admin/operations/work-list/": Pages(queries=work_lists),
    "admin/login/": Pages(queries=("", "?next=/admin/operations/operation/")),
    "admin/logout/": Pages(),
    "admin/password_change/": Pages(),
    "admin/password_change/done/": Pages(),
    "admin/autocomplete/": Pages(queries=autocompletes),
    "admin/jsi18n/": Pages(),
    "admin/^(?P<app_label>auth|operations|contributions)/$": Pages(
        lambda scene: [{"app_label": label} for label in OURS]
    ),
    "admin/(?P<url>.*)$": Pages(lambda scene: [{"url": "nowhere/"}]),
    **of_model("auth/group", some(model("auth/Group"))),
    **of_model("auth/user", accounts),
    "admin/auth/user/<id>/password/": Pages(
        lambda scene: [{"id": account.pk} for account in accounts(scene)]
    ),
    **of_model("operations/region", some(model("operations/Region"))),
    **of_model("operations/populationtype", some(model("operations/PopulationType"))),
    **of_model("operations/pillar", some(model("operations/Pillar"))),
    **of_model("operations/agency", some(model("operations/Agency"))),
    "admin/design/": Pages(),
    **of_model("operations/sectiontype", some(model("operations/SectionType"))),
    **of_model(
        "operations/operation",
        operations_of,
        by_state("draft", "in_review", "changes_requested", "scheduled", "released", "changed", "withdrawn"),
    ),
    **of_table("operations/operation"),
    **of_working_copy("operations/operation", operations_of),
    "admin/operations/operation/<path:object_id>/figures/": Pages(keys(operations_of, "?from=2019")),
    **of_model(
        "operations/narrative",
        texts,
        by_state("draft", "in_review", "changes_requested", "scheduled", "released", "changed", "withdrawn"),
    ),
    **of_working_copy("operations/narrative", texts),
    "admin/operations/narrative/copy-last-year/": Pages(),
    "admin/operations/narrative/<path:object_id>/translate/": Pages(keys(texts, "?language=fr")),
    "admin/operations/narrative/<path:object_id>/take_over/": Pages(keys(texts)),
    **of_model(
        "operations/edition",
        rows_of(Edition, 3),
        by_state("public", "replaced", "scheduled", "withdrawn", "draft"),
    ),
    **of_model("operations/office", rows_of(Office)),
    **of_table("operations/office"),
    **of_model("operations/populationfigure", rows_of(PopulationFigure)),
    **of_table("operations/populationfigure"),
    **of_model("operations/financialfigure", rows_of(FinancialFigure)),
    **of_table("operations/financialfigure"),
    **of_model("contributions/donor", some(Donor, 5)),
    **of_table("contributions/donor"),
    "admin/contributions/donor/twins/": Pages(),
    "admin/contributions/donor/waiting/": Pages(),
    "admin/contributions/donor/<int:pk>/merge/": Pages(
        lambda scene: [{"pk": donor.pk} for donor in Donor.objects.order_by("pk")[:3]]
    ),
    **of_model("contributions/donormerge", lambda scene: []),
    **of_model("contributions/contribution", rows_of(Contribution, 3), by_state("all", "replaced")),
    **of_table("contributions/contribution"),
    **of_model("contributions/importbatch", lambda scene: scene.batches[:7]),
    **{
        f"admin/contributions/importbatch/<int:pk>/{page}": Pages(
            lambda scene: [{"pk": batch.pk} for batch in scene.batches[:9]]
        )
        for page in (
            "file/",
            "columns/",
            "decide/",
            "confirm/",
            "release/",
            "undo/",
            "give-up/",
            "again/",
            "lines/",
            "errors.csv",
        )
    },
    "admin/contributions/importbatch/<int:pk>/compare/<int:other>/": Pages(
        lambda scene: [
            {"pk": one.pk, "other": other.pk}
            for one, other in zip(scene.batches[:8], scene.batches[1:9], strict=True)
        ]
    ),
}


# --- The site ----------------------------------------------------------------------------------------

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture(scope="module")
def site(django_db_setup: None, django_db_blocker: Any) -> Iterator[Scene]:
    """The scene, made once; every test leaves it as it was."""
    logging.getLogger("django.request").disabled = True  # it says each refusal
    with django_db_blocker.unblock(), transaction.atomic():
        cache.clear()
        made = begin()
        add_elsewhere(made)
        made.before = {role: lists_of(made, role) for role in COUNTED}
        add_here(made)
        yield made
        transaction.set_rollback(True)
    logging.getLogger("django.request").disabled = False
    cache.clear()


@pytest.fixture
def scene(site: Scene, db: None) -> Scene:
    return site


# Who of the others sees every table: whose lists are compared.
COUNTED = ["reviewer of another region"]
ELSEWHERE = ["editor of another", "finance of another", "reviewer of another region"]


def client_of(scene: Scene, role: str) -> Client:
    client = Client(raise_request_exception=True)
    if account := scene.roles[role]:
        client.force_login(account)
    return client


def said(response: Any) -> str:
    """All that an answer says: its head, its messages, its body (unpacked)."""
    body = response.getvalue()
    if body[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(body)) as workbook:
            body = b"\n".join(workbook.read(name) for name in workbook.namelist())
    if body[:5] == b"%PDF-":
        sheets = [sheet.extract_text() for sheet in PdfReader(io.BytesIO(body)).pages]
        body = unicodedata.normalize("NFKC", "\n".join(sheets)).encode()
    head = [f"{name}: {value}" for name, value in response.items()]
    head += [cookie.OutputString() for cookie in response.cookies.values()]
    request = response.wsgi_request
    told = (
        [str(message) for message in request._messages._queued_messages]
        if hasattr(request, "_messages")
        else []
    )
    return "\n".join([*head, *told, body.decode(errors="replace")])


def chance(*words: str) -> int:
    """The same number for the same words."""
    return crc32(" ".join(words).encode())


# Where readers ask in every language; at all other addresses everyone asks in one of the four.
IN_EVERY_LANGUAGE = {
    "",
    "operations/",
    "operations/<slug:slug>/",
    "operations/<slug:slug>/<year:year>/",
    "operations/<slug:slug>/<year:year>/history/",
    "feeds/releases.atom",
    "contributions/",
    "donors/",
    "search/",
}


FORMS = {f"admin/operations/{name}/<path:object_id>/change/" for name in ("operation", "narrative")}


def part_of(role: str, route: str, place: str) -> int:
    """Of how many addresses like this one a role asks at one.

    All, where something could leak by the state of a text. Of a place that a role sees whole nothing of its own can,
    and readers' pages are the same for everyone: there a few are enough, spread over the pages and the states. Who is
    refused for the place is refused at the first question, whatever the state: of those, one role asks at each third.
    """
    is_for_staff = route.startswith("admin/")
    if role == "anonymous":
        return 8 if is_for_staff else 1
    if not is_for_staff:
        return 40
    if not place:
        return {"reviewer of another region": 1, "finance everywhere": 3}.get(role, 12)
    kinds = ("profile", "office", "text")
    if all(may_see(role, Sentinel(kind, place, False, "")) for kind in kinds):
        return 1 if route in FORMS and place in ("elsewhere", "changed", "in_review") else 20
    if role == "finance":
        return 2 if "operations/operation" in route else 12
    return 3 if role == "editor of another" else 12


def asked(scene: Scene, role: str) -> Iterator[tuple[str, str]]:
    """The addresses at which a role asks, each in its language, and the route of each.

    At every route for staff some of the roles ask at its first address, so that none stays unasked.
    """
    some = EVERYONE.index(role) % 3
    for route, pages in TABLE.items():
        for number, (address, place) in enumerate(pages.addresses(route, scene)):
            is_first = number == 0 and route.startswith("admin/") and chance(route) % 3 == some
            if not is_first and chance(role, address) % part_of(role, route, place):
                continue
            if role == "anonymous" and route in IN_EVERY_LANGUAGE and "?" not in address:
                yield from ((in_language(address, language), route) for language in LANGUAGES)
            else:
                yield in_language(address, LANGUAGES[chance(address) % 4]), route


# Letters and digits by chance, among which a number of the scene can stand by chance too.
RANDOM = re.compile(
    r"""name="csrfmiddlewaretoken"\ value="\w+"|nonce-[\w+/=-]+|nonce="[\w+/=-]*"|"nonce":\ "[^"]*"
    |csrftoken=\w+|sessionid=\w+|^ETag:.*$|/preview/[\w-]+""",
    re.VERBOSE | re.MULTILINE,
)


def leaks(scene: Scene, role: str, response: Any, own: str, shown: set[str], opened: set[str]) -> list[str]:
    """What an answer says that the role may not see; what it may goes to ``shown``. Asked words are no secret."""
    found = sentinels(RANDOM.sub("", said(response))) & scene.sentinels.keys() - sentinels(own)
    allowed = {word for word in found if word in opened or may_see(role, scene.sentinels[word])}
    shown |= allowed
    return sorted({scene.sentinels[word].about for word in found - allowed})


def by_link(scene: Scene) -> dict[str, set[str]]:
    """The words and numbers that each signed link shows: those of its draft, without what is for staff alone."""
    return {
        token: sentinels(json.dumps([edition.public, edition.note], ensure_ascii=False))
        for place in scene.places.values()
        for token, edition in place.tokens
    }


def lists_of(scene: Scene, role: str) -> dict[str, str]:
    """What this role is told by every list and every form, those of its own operation among them."""
    client, told = client_of(scene, role), {}
    for route, pages in TABLE.items():
        if not route.startswith("admin/") or "donor" in route:  # donors belong to no operation
            continue
        if "<" not in route:
            addresses = [path(route, {}) + query for query in ("", "?q=Land&_facets=True")]
        elif route.endswith(("change/", "figures/")):
            addresses = [address for address, place in pages.addresses(route, scene) if place == "elsewhere"]
        else:
            continue
        for address in addresses:
            told[address] = constant(said(client.get(address)))
        for number, data in enumerate(pages.sent(scene) if "/export/" in route else ()):
            told[f"{path(route, {})} {number}"] = constant(said(client.post(path(route, {}), data)))
    return told


RUNNING = re.compile(r'<div class="running".*?</div></div>', re.DOTALL)
CHANGING = re.compile(
    rf"""{RANDOM.pattern}
    |expires=[^;]*;|^(?:Expires|Date|Last-Modified|Content-Length):.*$
    |messages=[^;]*;|<div\ class="presence".*</div>
    |name="listed"\ value="\d+"  # the newest edition of all: their keys are one sequence, and public addresses
    |filename="?[^"]*"?|data-[\w-]*(?:at|time|token)="[^"]*"|<dcterms:\w+[^>]*>[^<]*<""",
    re.VERBOSE | re.MULTILINE,
)


def constant(text: str) -> str:
    """Without what differs from one answer to the next, and the address that was asked for, which paper names."""
    return RUNNING.sub("", CHANGING.sub("", text))


# --- What is asked -----------------------------------------------------------------------------------


def test_every_route_has_its_entry_in_the_table_and_every_entry_its_route():
    known = dict(routes())
    missing = [f"{route!r} ({name})" for route, name in known.items() if route not in TABLE]
    assert not missing, (
        "These routes are in no test of access. Add each to TABLE in tests/test_access.py, with the addresses at "
        f"which everyone asks for it: {', '.join(missing)}"
    )
    assert sorted(set(TABLE) - set(known)) == []


@pytest.mark.parametrize("role", EVERYONE)
def test_nobody_is_told_what_they_may_not_see_and_everyone_what_they_may(scene, role):
    client, found, shown, links = client_of(scene, role), [], set(), by_link(scene)
    for address, route in asked(scene, role):
        own = unquote_plus(address)
        opened = links.get(own.strip("/").rpartition("/")[2], set()) if "token" in route else set()
        response = client.get(address)
        told = leaks(scene, role, response, own, shown, opened)
        if chance(address) % 10 == 0:
            head = client.head(address)
            assert (head.status_code, head.getvalue()) == (response.status_code, b""), address
            told += leaks(scene, role, head, own, shown, opened)
        found += [f"{address} ({response.status_code}): {about}" for about in told]
    for route, pages in TABLE.items():
        for data in pages.sent(scene):
            response = client.post(path(route, {}), data)
            told = leaks(scene, role, response, written(data), shown, set())
            found += [f"POST {route} ({response.status_code}): {about}" for about in told]
    assert not found, f"{role} is told what they may not see:\n" + "\n".join(found)

    what_is_shown = {scene.sentinels[word] for word in shown}
    expected = {part_for(role, what) for what in scene.sentinels.values() if expects(role, what)}
    seen = {part_for(role, what) for what in what_is_shown if expects(role, what)}
    assert sorted(expected - seen) == [], f"{role} sees this nowhere, so that nothing here could have leaked"


def part_for(role: str, what: Sentinel) -> str:
    """For readers each field; for staff, who are asked at a part of the addresses, what a right is given for."""
    return field_of(what) if role == "anonymous" else what.kind


def written(data: dict[str, Any]) -> str:
    """What the asker sent, which is no secret to them."""
    texts = []
    for value in data.values():
        if hasattr(value, "seek"):
            value.seek(0)
            texts.append(value.read().decode())
        else:
            texts.append(str(value))
    return " ".join(texts)


def field_of(what: Sentinel) -> str:
    """Such as “notice”, of whichever place, language and year."""
    return re.sub(r"_(en|fr|es|ar)\b| 20\d\d", "", what.about.rpartition(", ")[2])


# Shown on none of the pages that are looked at: a warning is answered only while it stands, and the charts of the
# money give the source of the budget.
NOWHERE = {"warning", "answer", "source of expenditure"}


def expects(role: str, what: Sentinel) -> bool:
    if field_of(what) in NOWHERE or what.kind == "address":
        return False
    if role == "anonymous":
        return (
            what.is_public
            and "tude" not in what.about
            and what.about.startswith(("profile", "year_end", "released"))
        )
    return not what.is_public and may_see(role, what)


@pytest.mark.parametrize("role", COUNTED)
def test_what_belongs_to_others_changes_no_count_no_filter_and_no_choice(scene, role):
    changed = []
    for address, after in lists_of(scene, role).items():
        before = scene.before[role][address]
        if before != after:
            changed.append(address)
            changed += [
                line
                for line in difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
            ][:12]
    assert not changed, "\n".join(changed)


@pytest.mark.parametrize("role", ["anonymous", *ELSEWHERE])
def test_what_is_hidden_answers_like_what_is_not_there(scene, role):
    """At every address with a key or a name in it, and for every question by one."""
    client, told = client_of(scene, role), []
    here = scene.places["draft"]
    edition = Edition.objects.of(here.operation).first()
    donor = Donor.objects.get(
        name_en__in=[
            w for w, what in scene.sentinels.items() if what.about == "unreleased line of “draft”, donor"
        ]
    )
    hidden = {
        "operations/operation": here.operation.pk,
        "operations/narrative": here.narratives[0].pk,
        "operations/edition": edition.pk,
        "operations/office": here.operation.offices.first().pk,
        "operations/populationfigure": here.operation.population_figures.first().pk,
        "operations/financialfigure": here.operation.financial_figures.first().pk,
        "contributions/contribution": here.operation.contributions.first().pk,
        "contributions/importbatch": scene.batches[-1].pk,
    }
    pairs = [
        ("/operations/{}/", here.operation.slug, "zqnowherezq"[: len(here.operation.slug)]),
        ("/operations/{}/2020/", here.operation.slug, "zqnothing"),
        ("/operations/?q={}", here.operation.code, "ZQNOTHING"),
        ("/editions/{}/", edition.pk, 987_654),
        ("/donors/{}/", donor.slug, "zqnothing"),
        ("/contributions/?donor={}", donor.slug, "zqnothing"),
        ("/contributions/?operation={}", here.operation.slug, "zqnothing"),
        ("/admin/operations/operation/?q={}", here.operation.code, "ZQNOTHING"),
        ("/admin/operations/narrative/?operation__id__exact={}", here.operation.pk, 987_654),
        ("/admin/operations/edition/?q={}", here.operation.code, "ZQNOTHING"),
        ("/admin/operations/work-list/?q={}", here.operation.code, "ZQNOTHING"),
        ("/admin/?q={}", here.operation.code, "ZQNOTHING"),
    ]
    for route in TABLE:
        if "<path:object_id>" in route or "importbatch/<int:pk>" in route:
            name = "/".join(route.split("/")[1:3])
            if name in hidden:
                address = "/" + re.sub(r"<(path:object_id|int:pk)>", "{}", route)
                pairs.append((address, hidden[name], 987_654))
    for address, there, nowhere in pairs:
        answers = []
        for own in (there, nowhere):
            response = client.get(address.format(own))
            before = (
                ["=", "%3D", 'name="q" value="', '__exact" value="', "“"]
                if "?" in address
                else ["/", "“", 'name="q" value="']
            )
            named = re.compile(
                rf"""(?:{"|".join(f"(?<={each})" for each in before)}){re.escape(str(own))}(?=[/&”"\s]|$)""",
                re.IGNORECASE | re.MULTILINE,
            )
            answers.append((response.status_code, named.sub("…", constant(said(response)))))
        if answers[0] != answers[1]:
            told.append(f"{address} {answers[0][0]} {answers[1][0]}")
            told += list(
                difflib.unified_diff(answers[0][1].splitlines(), answers[1][1].splitlines(), n=0, lineterm="")
            )[:8]
    assert not told, "\n".join(told)


# --- What is sent ------------------------------------------------------------------------------------


def filled(response: Any) -> dict[str, Any]:
    """What the browser would send from the form of this page."""
    forms = [response.context["adminform"].form]
    for inline in response.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    fields = [field for form in forms for field in form]
    return {field.html_name: field.value() for field in fields if field.value() not in (None, False)}


def changes(scene: Scene) -> dict[str, tuple[str, dict[str, Any]]]:
    """What would change something, if it were sent by who may: a name, the address, and what is sent there."""
    text, of = scene.places["changed"].narratives[0], scene.places["changed"].operation
    waiting, reviewed = scene.places["rescheduled"].narratives[0], scene.places["in_review"].narratives[0]
    client = client_of(scene, "administrator")
    finding = checked(text).open[0]
    link = Edition.objects.of(scene.places["draft"].operation).first().preview_links.open().first()

    def form_of(of: Any) -> dict[str, Any]:
        return filled(client.get(at(of, "change")))

    def at(of: Any, page: str) -> str:
        return f"/admin/operations/{of._meta.model_name}/{of.pk}/{page}/"

    body = next(
        name for name, value in form_of(text).items() if name.startswith("sections-") and "<p>" in str(value)
    )
    seen = Edition.objects.of(text).first().number
    for open_warning in checked(of).open:
        answer(of, open_warning.key, "Right as it stands.", scene.author)
    form = client.get(at(text, "release")).context["form"]
    to_release = {field.html_name: field.value() for field in form if field.value() not in (None, False)}
    to_release |= dict.fromkeys(form.warnings, "Both numbers are right.")
    return {
        "save a text": (at(text, "change"), {**form_of(text), body: "<p>Mine.</p>"}),
        "save a profile": (at(of, "change"), {**form_of(of), "notice_en": "Mine."}),
        "release a text": (at(text, "release"), to_release),
        "withdraw a text": (
            at(text, "withdraw"),
            {"reason": "in_error", "notice": "It was wrong, all of it."},
        ),
        "withdraw a profile": (
            at(of, "withdraw"),
            {"reason": "in_error", "notice": "It was wrong, all of it."},
        ),
        "take back a time": (at(waiting, "release"), {"_unschedule": "1"}),
        "restore a text": (f"{at(text, 'restore')}?edition=1", {"seen": seen}),
        "answer a warning": (at(text, "answer"), {"key": finding.key, "reason": "Both numbers are right."}),
        "send for review": (at(text, "review"), {"do": "sent", "text": "Please."}),
        "comment": (at(text, "review"), {"do": "comment", "text": "Mine."}),
        "request changes": (at(reviewed, "review"), {"do": "changes_requested", "text": "No."}),
        "make a link": (at(text, "links"), {"hours": "4"}),
        "revoke a link": (at(scene.places["draft"].operation, "links"), {"revoke": str(link.pk)}),
        "copy a text": (
            "/admin/operations/narrative/copy-last-year/",
            {"operation": of.pk, "kind": "year_end", "year": 2021, "language": "en"},
        ),
        "delete an office": (f"/admin/operations/office/{of.offices.first().pk}/delete/", {"post": "yes"}),
        "release profiles": (
            "/admin/operations/operation/",
            {"action": "release_profiles", "_selected_action": [str(of.pk)], "select_across": "0"},
        ),
    }


# What each role may send all the same: on the places of this test, which are all “here”.
MAY_SEND = {
    "viewer": {"comment"},
    "editor": {
        "save a text", "save a profile", "restore a text", "answer a warning", "send for review", "comment",
        "make a link", "revoke a link", "copy a text", "delete an office",
    },
}  # fmt: skip


def rows_of_all() -> dict[str, list[tuple]]:
    """Everything in the tables of this project that somebody could have changed."""
    kept = [model for model in apps.get_models() if model._meta.app_label in OURS]
    return {model._meta.label: sorted(map(repr, model._default_manager.values_list())) for model in kept}


def test_each_of_these_changes_something_when_it_is_sent_by_who_may(scene):
    client, idle = client_of(scene, "administrator"), []
    for name, (address, data) in changes(scene).items():
        before = rows_of_all()
        with transaction.atomic():
            client.post(address, data)
            if rows_of_all() == before:
                idle.append(name)
            transaction.set_rollback(True)
    assert idle == []


@pytest.mark.parametrize("role", [role for role in EVERYONE if role not in ("administrator", "reviewer")])
def test_who_may_not_changes_nothing(scene, role):
    asked, client, done = changes(scene), client_of(scene, role), []
    before = rows_of_all()
    for name, (address, data) in asked.items():
        if name in MAY_SEND.get(role, ()):
            continue
        response = client.post(address, data)
        after = rows_of_all()
        if after != before:
            changed = [table for table in after if after[table] != before[table]]
            done.append(f"{name} ({response.status_code}): {', '.join(changed)}")
            before = after
    assert not done, f"{role} may not, and did: {'; '.join(done)}"
