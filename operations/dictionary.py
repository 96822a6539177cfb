"""The data dictionary of the operations: every public table of this app, its columns, and its released rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby, pairwise
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.dateparse import parse_date

from . import calculations
from .comparison import FigureChange, TextChange, compare
from .datasets import REGISTRY, Asked, Dataset, Field, Filter, Row, UnknownValue
from .figures import unit_of
from .history import without_unreleased_names
from .models import (
    Edition,
    FinancialFigure,
    MissingReason,
    Office,
    Operation,
    Pillar,
    PopulationType,
    Region,
    SectionType,
    TextKind,
)
from .overview import Overview, row_of
from .profiles import Profile, in_language, published_place
from .profiles import Value as Published
from .regions import Tree
from .word_diff import parse

LANGUAGES = [code for code, _name in settings.LANGUAGES]
OTHERS = [code for code in LANGUAGES if code != "en"]

# --- Columns that several tables have ----------------------------------------------------------------

OPERATION = Field(
    "operation",
    "code",
    "The agency's short code of the operation.",
    hxl="#country+code+operation",
    is_required=True,
)
YEAR = Field("year", "year", "The calendar year that the figure is of.", hxl="#date+year", is_required=True)
EDITION = Field(
    "edition",
    "integer",
    "The edition that says it: its page is /editions/ and this number, and shows for ever what was released.",
    hxl="#meta+id+edition",
    is_required=True,
)
URL = Field("url", "url", "The address of its page.", hxl="#meta+url")
MISSING = Field(
    "missing_reason",
    "code",
    "Why the figure is missing; empty where there is one. Missing is never zero.",
    choices=tuple(MissingReason.values),
    hxl="#meta+missing",
)
AS_OF = Field("as_of", "day", "The day on which the figure was true.", hxl="#date+asof")
SOURCE = Field("source", "text", "Who says so, as the operation gives it.", hxl="#meta+source")


def names(what: str, hxl: str, is_required: bool = True) -> tuple[Field, ...]:
    """A name in each language of the site; in English always."""
    said = {"en": "English", "fr": "French", "es": "Spanish", "ar": "Arabic"}
    return tuple(
        Field(
            name if code == "en" else f"{name}_{code}",
            "text",
            f"{text} in {said.get(code, code)}"
            + ("." if code == "en" else "; empty where there is none of its own."),
            hxl=f"{hxl}+i_{code}",
            is_required=is_required and code == "en",
        )
        for name, text in [what.split(":")]
        for code in LANGUAGES
    )


BY_OPERATION = Filter("operation", "The operation of this code, or of this address.", example="PER")
BY_REGION = Filter(
    "region", "The operations of the region of this code, and of the regions in it.", example="AME"
)
BY_YEAR = Filter("year", "The year.", kind="year", example="2020")
BY_LANGUAGE = Filter("language", "Texts in this language.", choices=tuple(LANGUAGES), example="en")
BY_KIND = Filter("kind", "Plans or year-end reports.", choices=tuple(TextKind.values), example="plan")


# --- What is released --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Released:
    """An operation as readers see it, and the edition that says so."""

    pk: int
    operation_id: int
    released_at: dt.datetime
    profile: Profile

    @property
    def code(self) -> str:
        return self.profile.code


def all_released(asked: Asked) -> list[Released]:
    """By code; one query for all datasets of an answer."""

    def load() -> list[Released]:
        editions = Edition.objects.released(asked.at).profiles()
        found = [Released(e.pk, e.operation_id, e.released_at, Profile(e.public)) for e in editions]
        return sorted(found, key=lambda one: one.code)

    return asked.once("profiles", load)


def released(asked: Asked) -> list[Released]:
    """The operations that the filters leave."""
    found = all_released(asked)
    if text := asked.filters.get("operation", "").casefold():
        found = [one for one in found if text in (one.code.casefold(), one.profile.slug.casefold())]
        if not found:
            said = f"No released operation has the code or address “{asked.filters['operation']}”."
            raise UnknownValue("operation", said, is_absent=True)
    if text := asked.filters.get("region", ""):
        tree = tree_of(asked)
        code = tree.named(text)
        if code is None:
            said = f"No region with released operations has the code “{text}”."
            raise UnknownValue("region", said, is_absent=True)
        within = set(tree.within(code))
        found = [one for one in found if one.profile.region and one.profile.region["code"] in within]
    return found


def tree_of(asked: Asked) -> Tree:
    return asked.once("tree", lambda: Tree.load(Overview([one.profile for one in all_released(asked)])))


def year_asked(asked: Asked) -> int | None:
    return int(asked.filters["year"]) if asked.filters.get("year") else None


def reason_code(value: Published) -> str | None:
    """Why a figure is missing, as a code."""
    if value.number is not None:
        return None
    by_label = {str(reason.label): str(reason.value) for reason in MissingReason}
    return by_label.get(value.reason, MissingReason.NOT_PUBLISHED.value)


def decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def in_languages(name: str, texts: dict[str, str] | None) -> Row:
    texts = texts or {}
    return {name if code == "en" else f"{name}_{code}": texts.get(code) or None for code in LANGUAGES}


def year_url(asked: Asked, profile: Profile, year: int) -> str:
    return asked.url(reverse("operations:year", args=[profile.slug, year]))


# --- Operations --------------------------------------------------------------------------------------


def operation_rows(asked: Asked) -> Iterator[Row]:
    public = {one.code for one in all_released(asked)}
    kind = asked.filters.get("kind")
    for one in released(asked):
        content = one.profile.content
        if kind not in (None, content["kind"]):
            continue
        before = (content["predecessor"] or {}).get("code")
        yield {
            "code": one.code,
            "slug": one.profile.slug,
            **in_languages("name", content["name"]),
            "kind": content["kind"],
            "countries": ",".join(content["countries"]) or None,
            "region": content["region"] and content["region"]["code"],
            "latitude": decimal(content["latitude"]),
            "longitude": decimal(content["longitude"]),
            "zoom": content["zoom"],
            "first_year": content["first_year"],
            "last_year": content["last_year"],
            "predecessor": before if before in public else None,
            "is_active": content["is_active"],
            **in_languages("notice", content["notice"]),
            "edition": one.pk,
            "released_at": one.released_at,
            "url": asked.url(reverse("operations:operation", args=[one.profile.slug])),
        }


OPERATIONS = Dataset(
    name="operations",
    title="Operations",
    description="Where the agency works: countries, groups of countries, regions, situations, the whole world.",
    key=("code",),
    fields=(
        Field("code", "code", "The agency's short code of the operation.", hxl="#country+code+operation", is_required=True),
        Field("slug", "code", "The last part of the address of its page. It never changes.", is_required=True),
        *names("name:The name", "#country+name"),
        Field("kind", "code", "What it is for.", choices=tuple(Operation.Kind.values), hxl="#meta+kind", is_required=True),
        Field("countries", "code", "Its countries by ISO 3166-1 code of two letters, separated by commas.", hxl="#country+code+v_iso2"),
        Field("region", "code", "The code of the agency's region that it belongs to.", hxl="#region+code"),
        Field("latitude", "decimal", "Middle of the map; negative in the south.", unit="degrees", hxl="#geo+lat"),
        Field("longitude", "decimal", "Middle of the map; negative in the west.", unit="degrees", hxl="#geo+lon"),
        Field("zoom", "integer", "How near the map is: 3 shows a continent, 5 a country, 8 a small country."),
        Field("first_year", "year", "The first year that it was reported on its own; empty if it always was.", hxl="#date+year+start"),
        Field("last_year", "year", "The last year; empty while it goes on.", hxl="#date+year+end"),
        Field("predecessor", "code", "The operation under which earlier years were reported.", hxl="#country+code+predecessor"),
        Field("is_active", "yes/no", "Whether it goes on.", is_required=True),
        *names("notice:What readers are told at the top of its page", "#description+notice", is_required=False),
        EDITION,
        Field("released_at", "moment", "When this edition of its facts and figures was released.", hxl="#date+released", is_required=True),
        URL,
    ),
    rows=operation_rows,
    filters=(BY_OPERATION, BY_REGION, Filter("kind", "What it is for.", choices=tuple(Operation.Kind.values))),
    imported_as="operations",
)  # fmt: skip


# --- Figures by year ---------------------------------------------------------------------------------

MEASURES = ("people", "budget", "funds_available", "expenditure")


def year_rows(asked: Asked) -> Iterator[Row]:
    wanted = year_asked(asked)
    for one in released(asked):
        for year in one.profile.years:
            if wanted in (None, year):
                yield year_row(asked, one, year)


def year_row(asked: Asked, one: Released, year: int) -> Row:
    profile, row = one.profile, row_of(one.profile, year)
    funds = profile.amount(year, "funds_available")
    values = {
        "people": row.people,
        "budget": row.budget,
        "funds_available": funds,
        "expenditure": row.expenditure,
    }
    found: Row = {
        "operation": one.code,
        "year": year,
        "name": in_language(profile.content["name"]),
        "kind": profile.content["kind"],
        "region": profile.region and profile.region["code"],
    }
    for name, value in values.items():
        found[name] = value.number
        found[f"{name}_missing"] = reason_code(value)
    gap = calculations.gap(row.budget.number, funds.number)
    return found | {
        "share_spent": row.spent,
        "gap": gap,
        "edition": one.pk,
        "url": year_url(asked, profile, year),
    }


def measured(name: str, text: str, unit: str, hxl: str, calculation: str) -> tuple[Field, Field]:
    kind = "integer" if unit == "people" else "decimal"
    return (
        Field(name, kind, text, unit=unit, hxl=hxl, calculation=calculation),
        Field(f"{name}_missing", "code", "Why that is missing; empty where it is not.", choices=tuple(MissingReason.values)),
    )  # fmt: skip


OPERATION_YEARS = Dataset(
    name="operation-years",
    title="Operations by year",
    description="Of each operation and year the totals that readers see: people, budget, funds available, expenditure.",
    key=("operation", "year"),
    fields=(
        OPERATION,
        YEAR,
        Field("name", "text", "The name of the operation, in the language asked for.", hxl="#country+name", is_required=True),
        Field("kind", "code", "What the operation is for.", choices=tuple(Operation.Kind.values), is_required=True),
        Field("region", "code", "The code of the agency's region.", hxl="#region+code"),
        *measured("people", "People at the end of the year.", "people", "#affected+total", "total-of-a-year"),
        *measured("budget", "What was needed.", "US dollars", "#value+budget+usd", "which-figure-is-shown"),
        *measured("funds_available", "What was there to be spent.", "US dollars", "#value+available+usd", "which-figure-is-shown"),
        *measured("expenditure", "What was spent.", "US dollars", "#value+spent+usd", "which-figure-is-shown"),
        Field("share_spent", "decimal", "Expenditure ÷ budget × 100, in whole per cent.", unit="per cent", hxl="#value+spent+pct", calculation="share-spent"),
        Field("gap", "decimal", "Budget − funds available.", unit="US dollars", hxl="#value+gap+usd", calculation="gap"),
        EDITION,
        URL,
    ),
    rows=year_rows,
    filters=(BY_OPERATION, BY_REGION, BY_YEAR),
)  # fmt: skip


def population_rows(asked: Asked) -> Iterator[Row]:
    wanted, of_type = year_asked(asked), asked.filters.get("type")
    for one in released(asked):
        for f in one.profile.content["population"]:
            if wanted in (None, f["year"]) and of_type in (None, f["type"] or "total"):
                yield {
                    "operation": one.code,
                    "year": f["year"],
                    "type": f["type"],
                    "people": f["people"],
                    "missing_reason": f["missing_reason"] or None,
                    "as_of": f["as_of"] and parse_date(f["as_of"]),
                    "source": f["source"] or None,
                    "edition": one.pk,
                }


POPULATION = Dataset(
    name="population",
    title="People",
    description="People by operation, year and type, at the end of the year, as each was published.",
    key=("operation", "year", "type"),
    fields=(
        OPERATION,
        YEAR,
        Field("type", "code", "The code of the population type; empty for the total of all types.", hxl="#indicator+code+population"),
        Field("people", "integer", "How many people.", unit="people", hxl="#affected+num"),
        MISSING,
        AS_OF,
        SOURCE,
        EDITION,
    ),
    rows=population_rows,
    filters=(BY_OPERATION, BY_REGION, BY_YEAR, Filter("type", "The code of a population type, or total.", example="REF")),
    imported_as="population",
)  # fmt: skip


def finance_rows(asked: Asked) -> Iterator[Row]:
    wanted, measure, pillar = year_asked(asked), asked.filters.get("measure"), asked.filters.get("pillar")
    for one in released(asked):
        for f in one.profile.content["finance"]:
            if (
                wanted in (None, f["year"])
                and measure in (None, f["measure"])
                and pillar in (None, f["pillar"] or "total")
            ):
                yield {
                    "operation": one.code,
                    "year": f["year"],
                    "measure": f["measure"],
                    "pillar": f["pillar"],
                    "status": f["status"],
                    "amount_usd": decimal(f["amount_usd"]),
                    "missing_reason": f["missing_reason"] or None,
                    "as_of": f["as_of"] and parse_date(f["as_of"]),
                    "source": f["source"] or None,
                    "edition": one.pk,
                }


FINANCE = Dataset(
    name="finance",
    title="Budget, funds available and expenditure",
    description="Money by operation, year, measure and pillar, in every state in which it was published.",
    key=("operation", "year", "measure", "pillar", "status"),
    fields=(
        OPERATION,
        YEAR,
        Field("measure", "code", "What the amount is.", choices=tuple(FinancialFigure.Measure.values), hxl="#indicator+code+measure", is_required=True),
        Field("pillar", "code", "The code of the pillar or impact area; empty for the total.", hxl="#sector+code+pillar"),
        Field("status", "code", "Readers see the final one, else the current, else the original.", choices=tuple(FinancialFigure.Status.values), hxl="#status+budget", is_required=True, calculation="which-figure-is-shown"),
        Field("amount_usd", "decimal", "The amount, to the cent.", unit="US dollars", hxl="#value+usd"),
        MISSING,
        AS_OF,
        SOURCE,
        EDITION,
    ),
    rows=finance_rows,
    filters=(
        BY_OPERATION,
        BY_REGION,
        BY_YEAR,
        Filter("measure", "What the amount is.", choices=tuple(FinancialFigure.Measure.values), example="budget"),
        Filter("pillar", "The code of a pillar, or total.", example="total"),
    ),
    imported_as="finance",
)  # fmt: skip


def office_rows(asked: Asked) -> Iterator[Row]:
    for one in released(asked):
        for office in one.profile.content["offices"]:
            latitude, longitude = published_place(office)
            yield {
                "operation": one.code,
                "name": office["name"],
                "kind": office["kind"],
                "latitude": latitude,
                "longitude": longitude,
                "is_approximate": office["is_approximate"],
                **in_languages("description", office["description"]),
                "edition": one.pk,
            }


OFFICES = Dataset(
    name="offices",
    title="Offices",
    description="The offices of each operation that are public.",
    key=("operation", "name"),
    fields=(
        OPERATION,
        Field("name", "text", "The name, mostly of its town.", hxl="#loc+name", is_required=True),
        Field("kind", "code", "What it is.", choices=tuple(Office.Kind.values), hxl="#loc+type", is_required=True),
        Field("latitude", "decimal", "Negative in the south; of an approximate place to a tenth of a degree.", unit="degrees", hxl="#geo+lat"),
        Field("longitude", "decimal", "Negative in the west; of an approximate place to a tenth of a degree.", unit="degrees", hxl="#geo+lon"),
        Field("is_approximate", "yes/no", "Whether the exact position is not shown.", is_required=True),
        *names("description:What the office does", "#description+office", is_required=False),
        EDITION,
    ),
    rows=office_rows,
    filters=(BY_OPERATION, BY_REGION),
    imported_as="offices",
)  # fmt: skip


# --- Texts -------------------------------------------------------------------------------------------


def text_editions(asked: Asked, *kinds: str) -> list[Edition]:
    """The texts that readers see, of the operations that they see, in a fixed order: one query."""
    slugs = {one.profile.slug: one.code for one in released(asked)}
    found = Edition.objects.released(asked.at).filter(kind__in=kinds or TextKind.values)
    if len(slugs) < len(all_released(asked)):
        found = found.filter(operation__slug__in=slugs)
    if year := year_asked(asked):
        found = found.filter(year=year)
    for name in ("kind", "language"):
        if asked.filters.get(name):
            found = found.filter(**{name: asked.filters[name]})
    editions = [e for e in found.select_related("operation").order_by() if e.operation.slug in slugs]
    return sorted(
        editions, key=lambda e: (slugs[e.operation.slug], e.year, e.kind, LANGUAGES.index(e.language))
    )


def of_text(edition: Edition) -> Row:
    return {
        "operation": edition.content["operation"]["code"],
        "year": edition.year,
        "kind": edition.kind,
        "language": edition.language,
    }


OF_TEXT = (
    OPERATION,
    Field("year", "year", "The year that the text is of.", hxl="#date+year", is_required=True),
    Field("kind", "code", "A plan for the year, or the report at its end.", choices=tuple(TextKind.values), hxl="#meta+kind", is_required=True),
    Field("language", "code", "The language of the text, by ISO 639-1 code.", choices=tuple(LANGUAGES), hxl="#meta+lang", is_required=True),
)  # fmt: skip
OF_TEXTS = (BY_OPERATION, BY_REGION, BY_YEAR, BY_KIND, BY_LANGUAGE)


def key_figure_rows(asked: Asked) -> Iterator[Row]:
    for edition in text_editions(asked):
        for order, figure in enumerate(edition.public["key_figures"], 1):
            yield {
                **of_text(edition),
                "order": order,
                "value": figure["value"],
                "number": decimal(figure["number"]),
                "unit": unit_of(figure["value"]) or None,
                "text": figure["text"],
                "measure": figure.get("measure") or None,
                "source": figure["source"] or None,
                "edition": edition.pk,
            }


KEY_FIGURES = Dataset(
    name="key-figures",
    title="Key figures",
    description="The numbers that plans and year-end reports put first, each with what it counts.",
    key=("operation", "year", "kind", "language", "order"),
    fields=(
        *OF_TEXT,
        Field("order", "integer", "Its place in the text, from 1.", is_required=True),
        Field("value", "text", "The figure as it is printed, such as “> 221,000” or “0.5%”.", hxl="#indicator+value", is_required=True),
        Field("number", "decimal", "The same written out: 226.8 million is 226800000.", hxl="#indicator+num", is_required=True),
        Field("unit", "text", "% or US$; empty where it counts what the text says, and where it is not exact.", hxl="#indicator+unit"),
        Field("text", "text", "What it counts.", hxl="#indicator+name", is_required=True),
        Field("measure", "code", "Pairs the figures of the plan and the year-end report of a year.", hxl="#indicator+code", calculation="plan-and-year-end"),
        SOURCE,
        EDITION,
    ),
    rows=key_figure_rows,
    filters=OF_TEXTS,
)  # fmt: skip


def section_rows(asked: Asked) -> Iterator[Row]:
    for edition in text_editions(asked):
        written = [section for section in edition.public["sections"] if section["body"]]
        for order, section in enumerate(written, 1):
            if asked.filters.get("section") not in (None, section["type"]):
                continue
            yield {
                **of_text(edition),
                "order": order,
                "section": section["type"],
                "heading": section["heading"].get(edition.language) or in_language(section["heading"]),
                "html": section["body"],
                "text": plain_text(section["body"]),
                "edition": edition.pk,
            }


def plain_text(html: str) -> str:
    return "\n\n".join(block.text for block in parse(html))


TEXTS = Dataset(
    name="texts",
    title="Texts",
    description="The sections of plans and year-end reports: context, achievements, unmet needs, priorities.",
    key=("operation", "year", "kind", "language", "section"),
    fields=(
        *OF_TEXT,
        Field("order", "integer", "Its place in the text, from 1.", is_required=True),
        Field("section", "code", "The code of the heading.", hxl="#meta+section", is_required=True),
        Field("heading", "text", "The heading in the language of the text.", is_required=True),
        Field("html", "html", "The text with its paragraphs, lists and links.", hxl="#description+html", is_required=True),
        Field("text", "text", "The same without them; an empty line between paragraphs.", hxl="#description+text", is_required=True),
        EDITION,
    ),
    rows=section_rows,
    filters=(*OF_TEXTS, Filter("section", "The code of a heading.", example="unmet-needs")),
)  # fmt: skip


# --- All figures in one table ------------------------------------------------------------------------


def figure_rows(asked: Asked) -> Iterator[Row]:
    """People, money and key figures, one number a line."""
    empty: Row = dict.fromkeys(field.name for field in FIGURES.fields)
    for row in population_rows(asked):
        same = {
            name: row[name] for name in ("operation", "year", "missing_reason", "as_of", "source", "edition")
        }
        yield (
            empty
            | same
            | {"table": "population", "item": row["type"], "number": row["people"], "unit": "people"}
        )
    for row in finance_rows(asked):
        same = {
            name: row[name]
            for name in ("operation", "year", "missing_reason", "as_of", "source", "edition", "status")
        }
        item = {
            "item": row["measure"],
            "part": row["pillar"],
            "number": row["amount_usd"],
            "unit": "US dollars",
        }
        yield empty | same | item | {"table": "finance"}
    for row in key_figure_rows(asked):
        same = {
            name: row[name]
            for name in ("operation", "year", "kind", "language", "number", "text", "source", "edition")
        }
        yield (
            empty
            | same
            | {"table": "key-figures", "item": str(row["order"]), "part": row["measure"], "unit": row["unit"]}
        )


FIGURES = Dataset(
    name="figures",
    title="All figures",
    description="People, money and key figures of each operation and year in one table, one number a line.",
    key=("operation", "year", "table", "item", "part", "status", "kind", "language"),
    fields=(
        OPERATION,
        YEAR,
        Field("table", "code", "The table that has more of it.", choices=("population", "finance", "key-figures"), hxl="#meta+table", is_required=True),
        Field("item", "code", "The population type (empty: all), the measure, or the place of the key figure.", hxl="#indicator+code"),
        Field("part", "code", "Of money the pillar (empty: in all); of a key figure its measure.", hxl="#indicator+code+part"),
        Field("status", "code", "Of money: original, current or final.", choices=tuple(FinancialFigure.Status.values), hxl="#status"),
        Field("kind", "code", "Of a key figure: the text that it stands in.", choices=tuple(TextKind.values), hxl="#meta+kind"),
        Field("language", "code", "The language of that text.", choices=tuple(LANGUAGES), hxl="#meta+lang"),
        Field("text", "text", "What a key figure counts.", hxl="#indicator+name"),
        Field("number", "decimal", "The number; empty where it is missing.", hxl="#indicator+num"),
        Field("unit", "text", "What the number counts: people, US dollars, %, US$; empty where the text says it.", hxl="#indicator+unit"),
        MISSING,
        AS_OF,
        SOURCE,
        EDITION,
    ),
    rows=figure_rows,
    filters=(BY_OPERATION, BY_REGION, BY_YEAR),
)  # fmt: skip


# --- Editions and what they changed ------------------------------------------------------------------


def public_editions(asked: Asked) -> list[Edition]:
    """All that readers ever saw, of the operations that they see, without contents: the oldest release first."""
    codes = {one.profile.slug: one.code for one in released(asked)}
    editions = Edition.objects.ever_public(asked.at) | Edition.objects.withdrawn(asked.at)
    found = editions.filter(operation__slug__in=codes) if "operation" in asked.filters else editions
    if year := year_asked(asked):
        found = found.filter(year=year)
    for name in ("kind", "language"):
        if asked.filters.get(name):
            found = found.filter(**{name: asked.filters[name]})
    rows = list(found.select_related("operation").defer("content").order_by("released_at", "pk"))
    kept = [edition for edition in rows if edition.operation.slug in codes]
    for edition in kept:
        edition.code = codes[edition.operation.slug]
    return kept


def edition_row(asked: Asked, edition: Edition) -> Row:
    is_gone = edition.withdrawn_at is not None
    return {
        "id": edition.pk,
        "operation": edition.code,
        "kind": edition.kind,
        "year": edition.year,
        "language": edition.language if edition.year else None,
        "number": edition.number,
        "released_at": edition.released_at,
        "is_correction": edition.is_correction and not is_gone,
        "note": None if is_gone else edition.note or None,
        "withdrawn_at": edition.withdrawn_at,
        "withdrawal_reason": edition.withdrawal_reason or None,
        "withdrawal_notice": edition.withdrawal_notice or None,
        "url": asked.url(reverse("operations:edition", args=[edition.pk])),
    }


def edition_rows(asked: Asked) -> Iterator[Row]:
    for edition in public_editions(asked):
        yield edition_row(asked, edition)


EDITIONS = Dataset(
    name="editions",
    title="Editions",
    description="Every release of a text or of an operation's facts and figures, corrections and withdrawals included.",
    key=("id",),
    fields=(
        Field("id", "integer", "Its number for good; its page is /editions/ and this number.", hxl="#meta+id+edition", is_required=True),
        OPERATION,
        Field("kind", "code", "The profile (facts and figures of the operation), a plan, or a year-end report.", choices=tuple(Edition.Kind.values), is_required=True),
        Field("year", "year", "The year that the text is of; empty for a profile, which has all years.", hxl="#date+year"),
        Field("language", "code", "The language of the text, by ISO 639-1 code; empty for a profile.", choices=tuple(LANGUAGES), hxl="#meta+lang"),
        Field("number", "integer", "Counts the editions of one text; numbers that were never released are left out.", is_required=True),
        Field("released_at", "moment", "When readers first saw it.", hxl="#date+released", is_required=True),
        Field("is_correction", "yes/no", "Whether it corrects what was wrong.", is_required=True),
        Field("note", "text", "What readers are told of it.", hxl="#description+note"),
        Field("withdrawn_at", "moment", "When it was taken back; empty where it stands.", hxl="#date+withdrawn"),
        Field("withdrawal_reason", "code", "Why it was taken back.", choices=tuple(Edition.WithdrawalReason.values)),
        Field("withdrawal_notice", "text", "What readers are told of the withdrawal."),
        URL,
    ),
    rows=edition_rows,
    filters=(
        BY_OPERATION,
        BY_REGION,
        BY_YEAR,
        Filter("kind", "What the edition is of.", choices=tuple(Edition.Kind.values)),
        BY_LANGUAGE,
    ),
)  # fmt: skip


def change_rows(asked: Asked) -> Iterator[Row]:
    """What differs between each edition and the one of the same text that readers saw before it; and what was withdrawn."""
    editions = public_editions(asked.narrowed(year="") if year_asked(asked) else asked)
    before = earlier_editions(editions)
    since = since_asked(asked)
    corrections_only = asked.filters.get("is_correction")
    events = [(e.released_at, e) for e in editions if e.pk in before and not e.withdrawn_at]
    events += [(e.withdrawn_at, e) for e in last_withdrawn(editions)]
    for at, edition in sorted(events, key=lambda event: (event[0], event[1].pk), reverse=True):
        if since and at < since:
            continue
        row = {
            "edition": edition.pk,
            "changed_at": at,
            "operation": edition.code,
            "kind": edition.kind,
            "language": edition.language if edition.year else None,
            "is_correction": edition.is_correction and not edition.withdrawn_at,
            "url": asked.url(reverse("operations:edition", args=[edition.pk])),
        }
        if corrections_only and str(row["is_correction"]).lower() != corrections_only:
            continue
        year = year_asked(asked)
        if edition.withdrawn_at:
            if year in (None, edition.year):
                yield row | {
                    "id": f"{edition.pk}-withdrawn",
                    "year": edition.year,
                    "what": "withdrawn",
                    "label": None,
                    "before": None,
                    "after": None,
                    "note": edition.withdrawal_notice or None,
                }
            continue
        for number, change in enumerate(changes_of(before[edition.pk], edition, asked.at), 1):
            if year in (None, change["year"] or edition.year):
                change_year = change.pop("year") or edition.year
                yield (
                    row
                    | {"id": f"{edition.pk}-{number}", "year": change_year, "note": edition.note or None}
                    | change
                )


def since_asked(asked: Asked) -> dt.datetime | None:
    if not (day := asked.filters.get("since")):
        return None
    return dt.datetime.combine(dt.date.fromisoformat(day), dt.time(), dt.UTC)


def earlier_editions(editions: Sequence[Edition]) -> dict[int, int]:
    """Of each edition that stands the key of the one of the same text that stood before it."""

    def text(edition: Edition) -> tuple:
        return (edition.operation_id, edition.kind, edition.year or 0, edition.language)

    shown = sorted((e for e in editions if not e.withdrawn_at), key=lambda e: (text(e), e.number))
    return {
        newer.pk: older.pk for _text, group in groupby(shown, key=text) for older, newer in pairwise(group)
    }


def last_withdrawn(editions: Sequence[Edition]) -> list[Edition]:
    """One edition of each withdrawal, which takes back all editions of a text at once."""
    last: dict[tuple, Edition] = {}
    for e in editions:
        if e.withdrawn_at:
            text = (e.operation_id, e.kind, e.year, e.language, e.withdrawn_at)
            if text not in last or last[text].number < e.number:
                last[text] = e
    return list(last.values())


def changes_of(before: int, edition: Edition, at: dt.datetime) -> list[Row]:
    found = {pk: e.public for pk, e in Edition.objects.in_bulk([before, edition.pk]).items()}
    contents = without_unreleased_names(found, at)
    compared = compare(contents[before], contents[edition.pk])
    rows = [figure_change(change) for change in compared.figures]
    return rows + [text_change(change, edition.year) for change in compared.texts]


def figure_change(change: FigureChange) -> Row:
    return {
        "year": change.year,
        "what": change.what,
        "label": without_marks(change.label),
        "before": without_marks(change.before) or None,
        "after": without_marks(change.after) or None,
    }


def text_change(change: TextChange, year: int | None) -> Row:
    def side(gone: str) -> str:
        said = ("".join(run.text for run in block.runs if run.kind != gone) for block in change.blocks)
        return "\n\n".join(text for text in said if text)

    return {
        "year": year,
        "what": "text",
        "label": change.heading,
        "before": side("added") or None,
        "after": side("removed") or None,
    }


def without_marks(text: str) -> str:
    """Without the signs that set off words of another direction on a page."""
    return text.translate({0x2066: None, 0x2067: None, 0x2068: None, 0x2069: None})


CHANGES = Dataset(
    name="changes",
    title="Changes",
    description="What a later release changed, with the old and the new value, and what was withdrawn. The newest first.",
    key=("id",),
    fields=(
        Field("id", "code", "Its name for good: the edition, and which of its changes.", is_required=True),
        Field("changed_at", "moment", "When readers first saw the change.", hxl="#date+updated", is_required=True),
        OPERATION,
        Field("year", "year", "The year of the figure or text; empty for facts of no year.", hxl="#date+year"),
        Field("kind", "code", "Where it stands: in the profile, a plan or a year-end report.", choices=tuple(Edition.Kind.values), is_required=True),
        Field("language", "code", "The language of the text; empty for a profile.", choices=tuple(LANGUAGES), hxl="#meta+lang"),
        Field("is_correction", "yes/no", "Whether the release says that it corrects what was wrong.", is_required=True),
        Field("what", "code", "What changed.", choices=("people", "money", "key_figure", "fact", "text", "withdrawn"), is_required=True),
        Field("label", "text", "What the figure, fact or text is, in the language asked for; empty for a withdrawal."),
        Field("before", "text", "The old value as readers saw it; empty where there was none.", hxl="#meta+before"),
        Field("after", "text", "The new value; empty where there is none any more.", hxl="#meta+after"),
        Field("note", "text", "What readers were told of the release or withdrawal.", hxl="#description+note"),
        EDITION,
        URL,
    ),
    rows=change_rows,
    filters=(
        BY_OPERATION,
        BY_REGION,
        BY_YEAR,
        Filter("since", "Changes of this day (in UTC) and later.", kind="day", example="2021-11-25"),
        Filter("is_correction", "Corrections alone, or all else.", kind="yes/no", example="true"),
    ),
)  # fmt: skip


# --- Reference tables --------------------------------------------------------------------------------


def labels(of: Any, name: str) -> Row:
    return {
        name if code == "en" else f"{name}_{code}": getattr(of, f"{name}_{code}", None) or None
        for code in LANGUAGES
    }


def region_rows(asked: Asked) -> Iterator[Row]:
    tree = tree_of(asked)
    known = {region.code: region for region in Region.objects.select_related("parent")}
    names_of = {
        one.profile.region["code"]: one.profile.region["name"]
        for one in all_released(asked)
        if one.profile.region
    }
    for order, code in enumerate(tree.order, 1):
        region = known.get(code)
        texts = names_of.get(code) or (
            {language: getattr(region, f"name_{language}") or "" for language in LANGUAGES} if region else {}
        )
        yield {
            "code": code,
            **in_languages("name", texts),
            "parent": tree.parents[code],
            "order": order,
            "url": asked.url(reverse("operations:region", args=[code.lower()])),
        }


REGIONS = Dataset(
    name="regions",
    title="Regions",
    description="The agency's regions that have released operations in them.",
    key=("code",),
    fields=(
        Field("code", "code", "The code of the region.", hxl="#region+code", is_required=True),
        *names("name:The name", "#region+name"),
        Field("parent", "code", "The region that it is part of; empty for none.", hxl="#region+code+parent"),
        Field("order", "integer", "Its place in lists.", is_required=True),
        URL,
    ),
    rows=region_rows,
    is_dated=False,
)


def used(asked: Asked, table: str) -> dict[str, dict[str, Any]]:
    """The entries of reference data that released profiles name, as released."""
    return {entry["code"]: entry for one in all_released(asked) for entry in one.profile.content[table]}


def type_rows(asked: Asked) -> Iterator[Row]:
    yield from reference_rows(used(asked, "population_types"), PopulationType)


def pillar_rows(asked: Asked) -> Iterator[Row]:
    for row in reference_rows(used(asked, "pillars"), Pillar):
        known = Pillar.objects.filter(code=row["code"]).first()
        yield row | {"scheme": known.scheme if known else None}


def reference_rows(entries: dict[str, dict[str, Any]], model: Any) -> Iterator[Row]:
    known = {row.code: row for row in model.objects.filter(code__in=entries)}
    in_order = sorted(entries, key=lambda code: (known[code].order if code in known else 999, code))
    for order, code in enumerate(in_order, 1):
        row = known.get(code)
        yield {
            "code": code,
            **in_languages("name", entries[code]["name"]),
            "first_year": row and row.first_year,
            "last_year": row and row.last_year,
            "order": order,
        }


OF_REFERENCE = (
    Field("code", "code", "The code by which other tables name it.", is_required=True),
    *names("name:The name", "#indicator+name"),
    Field("first_year", "year", "The first year in which it is used; empty if it always was."),
    Field("last_year", "year", "The last year; empty if it still is."),
    Field("order", "integer", "Its place in lists.", is_required=True),
)
POPULATION_TYPES = Dataset(
    name="population-types",
    title="Population types",
    description="Whom the figures of people count, as far as a released figure names them.",
    key=("code",),
    fields=OF_REFERENCE,
    rows=type_rows,
    is_dated=False,
)
PILLARS = Dataset(
    name="pillars",
    title="Pillars and impact areas",
    description="What money is divided into, as far as a released figure names it.",
    key=("code",),
    fields=(
        *OF_REFERENCE,
        Field("scheme", "code", "Pillars were used until 2021, impact areas are since.", choices=tuple(Pillar.Scheme.values)),
    ),
    rows=pillar_rows,
    is_dated=False,
)  # fmt: skip


def heading_rows(asked: Asked) -> Iterator[Row]:
    found: dict[str, dict[str, str]] = {}
    for edition in text_editions(asked):
        for section in edition.public["sections"]:
            if section["body"]:
                found.setdefault(section["type"], section["heading"])
    known = {row.code: row for row in SectionType.objects.filter(code__in=found)}
    in_order = sorted(found, key=lambda code: (known[code].order if code in known else 999, code))
    for order, code in enumerate(in_order, 1):
        row = known.get(code)
        yield {
            "code": code,
            **in_languages("heading", found[code]),
            "in_plan": row.in_plan if row else None,
            "in_year_end": row.in_year_end if row else None,
            "order": order,
        }


SECTIONS = Dataset(
    name="sections",
    title="Headings of texts",
    description="Under which headings operations write, as far as a released text has them.",
    key=("code",),
    fields=(
        Field("code", "code", "The code by which texts name it.", is_required=True),
        *names("heading:The heading", "#meta+heading"),
        Field("in_plan", "yes/no", "Whether plans have it."),
        Field("in_year_end", "yes/no", "Whether year-end reports have it."),
        Field("order", "integer", "Its place in a text.", is_required=True),
    ),
    rows=heading_rows,
    is_dated=False,
)

DATASETS = (
    OPERATION_YEARS,
    OPERATIONS,
    FIGURES,
    POPULATION,
    FINANCE,
    KEY_FIGURES,
    TEXTS,
    OFFICES,
    EDITIONS,
    CHANGES,
    REGIONS,
    POPULATION_TYPES,
    PILLARS,
    SECTIONS,
)


def register() -> None:
    REGISTRY.add(*DATASETS)
