"""The OpenAPI 3.1 document of the API, made of the datasets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings

from .datasets import Dataset, Field, Filter

TYPES = {"integer": "integer", "decimal": "number", "year": "integer", "yes/no": "boolean"}
FORMATS = {"day": "date", "moment": "date-time", "url": "uri"}
# A day of which there can be something, as simple as a pattern can say it.
DAY = "^20[0-9][0-9]-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$"
WORD = "^[A-Za-z0-9-]+$"


def document(datasets: Iterable[Dataset], agency: str) -> dict[str, Any]:
    datasets = list(datasets)
    paths: dict[str, Any] = {
        "/": operation("start", "Where everything is", [language()], {"$ref": "#/components/schemas/Start"}),
        "/openapi.json": operation("document", "This document", [language()], {"type": "object"}),
        "/search": operation("search", "What the site’s search finds", searched(), page_of(ref("Result"))),
    }
    for dataset in datasets:
        paths[f"/{dataset.name}"] = operation(
            dataset.name,
            dataset.description,
            parameters(dataset),
            page_of(row(dataset)),
            is_dated=dataset.is_dated,
        )
        key = path_key(dataset)
        paths[f"/{dataset.name}/{{key}}"] = operation(
            f"{dataset.name}-row",
            f"One row of {dataset.name}",
            [key, *own(dataset)],
            {**whole("data", "meta"), "properties": {"data": row(dataset), "meta": {"type": "object"}}},
            is_dated=dataset.is_dated,
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{agency}: data",
            "version": "1",
            "description": "Operations, their figures and texts, donors and contributions, as far as they are released.",
        },
        "servers": [{"url": "/api/v1"}],
        "paths": paths,
        "components": {
            "schemas": {
                **{name_of(dataset): row_schema(dataset) for dataset in datasets},
                "Result": RESULT,
                "Start": START,
                "Problem": PROBLEM,
            }
        },
    }


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def name_of(dataset: Dataset) -> str:
    return dataset.name.title().replace("-", "")


def whole(*names: str) -> dict[str, Any]:
    return {"type": "object", "required": list(names), "additionalProperties": False}


# --- Answers -----------------------------------------------------------------------------------------


def operation(
    name: str, summary: str, parameters: list[dict[str, Any]], schema: dict[str, Any], is_dated: bool = False
) -> dict[str, Any]:
    wrong = {"application/problem+json": {"schema": ref("Problem")}}
    headers: dict[str, Any] = {"ETag": {"schema": {"type": "string"}}}
    if is_dated:
        headers["Last-Modified"] = {"schema": {"type": "string"}}
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "parameters": parameters,
            "responses": {
                "200": {
                    "description": "What is released",
                    "headers": headers,
                    "content": {"application/json": {"schema": schema}},
                },
                "304": {"description": "Nothing has changed since"},
                "400": {"description": "Cannot be answered; the sentence says why", "content": wrong},
                "404": {"description": "Nothing of this is published", "content": wrong},
            },
        }
    }


def page_of(schema: dict[str, Any]) -> dict[str, Any]:
    properties = {
        "data": {"type": "array", "items": schema},
        "next": {
            "type": ["string", "null"],
            "format": "uri",
            "description": "The next page; null on the last.",
        },
        "meta": {"type": "object"},
    }
    return {**whole("data", "next", "meta"), "properties": properties}


def row(dataset: Dataset) -> dict[str, Any]:
    return ref(name_of(dataset))


def row_schema(dataset: Dataset) -> dict[str, Any]:
    """A row; where ``fields`` chooses some, the others are left out."""
    return {
        "type": "object",
        "description": dataset.description,
        "additionalProperties": False,
        "properties": {field.name: property_of(field) for field in dataset.fields},
    }


def property_of(field: Field) -> dict[str, Any]:
    kind = TYPES.get(field.kind, "string")
    found: dict[str, Any] = {
        "type": kind if field.is_required else [kind, "null"],
        "description": field.description,
    }
    if field.kind in FORMATS:
        found["format"] = FORMATS[field.kind]
    if field.choices:
        found["enum"] = [*field.choices, *([] if field.is_required else [None])]
    return found | ({"x-unit": field.unit} if field.unit else {})


# --- Questions ---------------------------------------------------------------------------------------


def query(name: str, description: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema, **more}


def language() -> dict[str, Any]:
    codes = [code for code, _name in settings.LANGUAGES]
    return query(
        "language", "Of names and labels; else that of Accept-Language.", {"type": "string", "enum": codes}
    )


def own(dataset: Dataset) -> list[dict[str, Any]]:
    """What an answer with rows can be asked for."""
    some = {"type": "string", "enum": list(dataset.names)}
    return [
        query("as_of", "What was public at the end of this day; times such as 2021-11-25T09:00Z too.", {"type": "string", "pattern": DAY}),
        query("fields", "Only these, with commas between them.", {"type": "array", "items": some, "minItems": 1}, style="form", explode=False),
        *([] if any(one.name == "language" for one in dataset.filters) else [language()]),
    ]  # fmt: skip


def parameters(dataset: Dataset) -> list[dict[str, Any]]:
    return [
        *(of_filter(one) for one in dataset.filters),
        query("limit", "Rows of a page.", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}),
        query("cursor", "Where the page begins: from “next” of the page before.", {"type": "string", "pattern": "^[A-Za-z0-9_-]+$", "minLength": 2}),
        *own(dataset),
    ]  # fmt: skip


def of_filter(one: Filter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "pattern": WORD, "maxLength": 60}
    if one.choices:
        schema = {"type": "string", "enum": list(one.choices)}
    elif one.kind == "year":
        schema = {"type": "integer", "minimum": 1900, "maximum": 2199}
    elif one.kind == "day":
        schema = {"type": "string", "pattern": DAY}
    elif one.kind == "yes/no":
        schema = {"type": "boolean"}
    elif one.kind == "text":
        schema = {"type": "string", "pattern": "^[A-Za-z0-9 .-]+$", "minLength": 1, "maxLength": 100}
    return query(one.name, one.description, schema, **({"example": one.example} if one.example else {}))


def path_key(dataset: Dataset) -> dict[str, Any]:
    said = f"{' ~ '.join(dataset.key)}, with ~ between them; empty for none."
    schema = {"type": "string", "pattern": "^[A-Za-z0-9~_-]+$"}
    return {"name": "key", "in": "path", "required": True, "description": said, "schema": schema}


def searched() -> list[dict[str, Any]]:
    words = {"type": "string", "minLength": 1, "maxLength": 200}
    return [
        query("q", "The words to look for.", words, required=True, example="peru"),
        query("page", "Which page of twenty results.", {"type": "integer", "minimum": 1, "maximum": 9999}),
        query("as_of", "What was public at the end of this day.", {"type": "string", "pattern": DAY}),
        language(),
    ]


RESULT = {
    **whole("kind", "title", "url", "year", "snippet"),
    "properties": {
        "kind": {"type": "string", "description": "What was found: operation, region, donor or a text."},
        "title": {"type": "string"},
        "url": {"type": "string", "format": "uri"},
        "year": {"type": ["integer", "null"], "description": "The year of a text."},
        "snippet": {
            "type": ["string", "null"],
            "description": "The place of a text in which the words stand.",
        },
    },
}
START = {
    **whole("datasets", "search", "openapi", "meta"),
    "properties": {
        "datasets": {
            "type": "array",
            "items": {
                **whole("name", "title", "url"),
                "properties": {
                    "name": {"type": "string"},
                    "title": {"type": "string"},
                    "url": {"type": "string", "format": "uri"},
                },
            },
        },
        "search": {"type": "string", "format": "uri"},
        "openapi": {"type": "string", "format": "uri"},
        "meta": {"type": "object"},
    },
}
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, and what to do."},
        "parameter": {"type": "string", "description": "The parameter that it is about."},
    },
}
