"""The operations of a site as documents, and back: what readers ever saw of them, and nothing else.

Part of the package of ``manage.py export_data``. Beside the tables for readers it has each released edition whole, under
its own number, so that a site made of it has the same pages at the same addresses, today's and those of the past.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.dateparse import parse_datetime

from .datasets import Asked, plain
from .dictionary import LANGUAGES, all_released, pillar_rows, public_editions, region_rows, type_rows
from .editions import thaw
from .models import (
    Agency,
    Edition,
    Narrative,
    Operation,
    Pillar,
    PopulationType,
    Region,
    SearchEntry,
    SectionType,
)
from .profiles import published_place

Document = dict[str, Any]
AGENCY = ("name", "line", "people", "colour", "colour_dark", "logo_version", "logo_width", "logo_height", "contact",
          "website", "licence", "licence_url")  # fmt: skip
OF_EDITION = ("kind", "year", "language", "number", "note", "is_correction", "withdrawal_reason",
              "withdrawal_notice", "replaced_by")  # fmt: skip
TIMES = ("released_at", "withdrawn_at")
TABLES = {"region": Region, "population_type": PopulationType, "pillar": Pillar, "section_type": SectionType}


# --- Out ---------------------------------------------------------------------------------------------


def agency_documents(asked: Asked) -> Iterator[Document]:
    """One, or none where the site has the look and name that it began with."""
    agency = Agency.objects.first()
    if agency is None:
        return
    fields = [f for name in AGENCY for f in localized(agency, name)]
    logo = base64.b64encode(bytes(agency.logo)).decode() if agency.logo else None
    yield {name: getattr(agency, name) for name in fields} | {"logo": logo}


def localized(of: Any, name: str) -> list[str]:
    own = [f"{name}_{code}" for code in LANGUAGES if hasattr(of, f"{name}_{code}")]
    return own or [name]


def reference_documents(asked: Asked) -> Iterator[Document]:
    """The entries that a released profile or text names, in their order."""
    for name, rows in (("region", region_rows), ("population_type", type_rows), ("pillar", pillar_rows)):
        orders = dict(TABLES[name].objects.values_list("code", "order"))
        for row in rows(asked):
            order = orders.get(row["code"], row["order"])
            yield {
                "table": name,
                **{key: value for key, value in row.items() if key != "url"},
                "order": order,
            }
    used = {
        section["type"]
        for edition in public_editions(asked)
        if edition.year and not edition.withdrawn_at
        for section in Edition.objects.only("content").get(pk=edition.pk).content["sections"]
    }
    for row in SectionType.objects.filter(code__in=used):
        texts = {f"heading_{code}": getattr(row, f"heading_{code}") for code in LANGUAGES}
        same = {name: getattr(row, name) for name in ("code", "order", "in_plan", "in_year_end")}
        yield {"table": "section_type", **same, **texts}


def edition_documents(asked: Asked) -> Iterator[Document]:
    """Every edition that readers saw, the oldest first; of those withdrawn since, only that they were there."""
    editions = public_editions(asked)
    codes = {one.code for one in all_released(asked)}
    gone = of_withdrawn_operations(asked, editions)
    for edition in [*editions, *gone]:
        whole = Edition.objects.get(pk=edition.pk)
        is_gone = edition.withdrawn_at is not None or edition in gone
        yield {
            "id": edition.pk,
            "operation": whole.content.get("code") or whole.content["operation"]["code"],
            **{name: getattr(edition, name) for name in OF_EDITION},
            **({"note": "", "is_correction": False} if is_gone else {}),
            **{name: (time := getattr(edition, name)) and plain(time) for name in TIMES},
            "content": skeleton(whole.public) if is_gone else readers_see(whole.public, codes),
        }


def of_withdrawn_operations(asked: Asked, known: Iterable[Edition]) -> list[Edition]:
    """The editions of operations whose profile was taken back, texts that stand included: their addresses say so."""
    withdrawn = Edition.objects.withdrawn(asked.at)
    every = Edition.objects.ever_public(asked.at) | withdrawn
    shown = {edition.pk for edition in known}
    operations = withdrawn.profiles().order_by().values("operation")
    return [
        e for e in every.filter(operation__in=operations).order_by("released_at", "pk") if e.pk not in shown
    ]


def readers_see(content: Document, codes: set[str]) -> Document:
    """Approximate places as far as they are published; no name of an operation that is not."""
    if "offices" not in content:
        return content
    offices = []
    for office in content["offices"]:
        latitude, longitude = (
            value if value is None else f"{value:.6f}" for value in published_place(office)
        )
        same = (
            office
            if not office["is_approximate"]
            else {**office, "latitude": latitude, "longitude": longitude}
        )
        offices.append(same)
    before = content["predecessor"] if (content["predecessor"] or {}).get("code") in codes else None
    return {**content, "offices": offices, "predecessor": before}


def skeleton(content: Document) -> Document:
    """Of what was withdrawn the address and its years."""
    if "sections" in content:
        same = {name: content[name] for name in ("shape", "operation", "year", "kind", "language")}
        return {**same, "translated_from": None, "sections": [], "key_figures": []}
    years = sorted({figure["year"] for table in ("population", "finance") for figure in content[table]})
    empty = {
        "year": None,
        "type": None,
        "people": None,
        "missing_reason": "withheld",
        "as_of": None,
        "source": "",
    }
    return {
        **{name: content[name] for name in ("shape", "code", "slug", "first_year", "last_year", "kind")},
        "name": {"en": content["slug"]},
        "countries": [], "region": None, "latitude": None, "longitude": None, "zoom": None, "predecessor": None,
        "notice": {}, "is_active": content["is_active"], "offices": [], "population_types": [], "pillars": [],
        "finance": [], "population": [{**empty, "year": year} for year in years],
    }  # fmt: skip


# --- In ----------------------------------------------------------------------------------------------


def take_agency(documents: Iterable[Document]) -> None:
    for document in documents:
        logo = document.pop("logo")
        document["logo"] = base64.b64decode(logo) if logo else None
        Agency.objects.update_or_create(id=1, defaults=document)


def take_reference(documents: Iterable[Document]) -> None:
    parents: list[tuple[str, str]] = []
    for document in documents:
        model = TABLES[document.pop("table")]
        if parent := document.pop("parent", None):
            parents.append((document["code"], parent))
        texts = {("name_en" if name == "name" else name): value for name, value in document.items()}
        if "heading" in texts:
            texts["heading_en"] = texts.pop("heading")
        code = texts.pop("code")
        model.objects.update_or_create(code=code, defaults={n: v for n, v in texts.items() if v is not None})
    for code, parent in parents:
        Region.objects.filter(code=code).update(parent=Region.objects.get(code=parent))


def take_editions(documents: Iterable[Document]) -> None:
    """Each edition under its number, and working copies from the newest that readers see."""
    documents = list(documents)
    operations: dict[str, Operation] = {}
    for document in documents:
        slug = document["content"].get("slug") or document["content"]["operation"]["slug"]
        if document["operation"] not in operations:
            made = Operation.objects.create(code=document["operation"], slug=slug, name_en=slug)
            operations[document["operation"]] = made
    Edition.objects.bulk_create(
        Edition(
            pk=document["id"],
            operation=operations[document["operation"]],
            content=document["content"] | {"private": nothing_private(document["content"])},
            **{name: document[name] for name in OF_EDITION},
            **{name: document[name] and parse_datetime(document[name]) for name in TIMES},
            made_at=parse_datetime(document["released_at"]),
        )
        for document in documents
    )
    for edition in Edition.objects.released().select_related("operation").order_by("year", "pk"):
        if edition.kind == Edition.Kind.PROFILE:
            thaw(edition.content, operations[edition.operation.code])
    for edition in Edition.objects.released().exclude(kind=Edition.Kind.PROFILE).order_by("pk"):
        same = {name: getattr(edition, name) for name in ("operation", "year", "kind", "language")}
        thaw(edition.content, Narrative.objects.create(**same))
    SearchEntry.objects.keep(Edition.objects.order_by("pk"))


def nothing_private(content: Document) -> Document:
    if "sections" in content:
        return {"editor_notes": [""] * len(content["key_figures"])}
    return {"offices": []}
