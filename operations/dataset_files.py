"""Datasets as files: CSV, XLSX and JSON, row by row, and what describes them.

Rows hold data alone. Licence, source, address, moment and the meaning of each column stand in a companion of the CSV
(CSV on the Web, https://www.w3.org/TR/tabular-metadata/), on a sheet of its own, or in the head of the JSON.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, BinaryIO

import xlsxwriter

from .datasets import Dataset, Field, Row, Value, plain
from .tables import plain_cell

AT_A_TIME = 500  # rows that are sent together
MOST_SHEET_ROWS = 1_048_576
# CSV on the Web's and Frictionless' names of our kinds.
CSVW = {"integer": "integer", "decimal": "decimal", "year": "gYear", "day": "date", "moment": "dateTime",
        "yes/no": "boolean", "url": "anyURI", "html": "html"}  # fmt: skip
FRICTIONLESS = {"integer": "integer", "decimal": "number", "year": "year", "day": "date", "moment": "datetime",
                "yes/no": "boolean"}  # fmt: skip


@dataclass(frozen=True)
class About:
    """What a file says of itself."""

    title: str
    description: str
    address: str  # of this very file
    page: str  # where readers see the same
    publisher: str
    licence: str
    licence_url: str
    at: dt.datetime  # the moment that it shows
    is_past: bool
    editions: str = ""  # what it was made of, in words
    notes: str = ""
    dictionary: str = ""  # where each column is explained


class TooManyRows(Exception):
    """More rows than a sheet holds."""


# --- CSV ---------------------------------------------------------------------------------------------


class Line:
    """What ``csv.writer`` writes to; gives each line back."""

    def write(self, line: str) -> str:
        return line


def csv_lines(dataset: Dataset, rows: Iterable[Row], hxl: bool = False) -> Iterator[str]:
    """The lines of the file, some hundred at a time; ``hxl``: with the tags in the second."""
    writer = csv.writer(Line())
    names = dataset.names
    yield writer.writerow(names)
    if hxl:
        yield writer.writerow([field.hxl for field in dataset.fields])
    lines: list[str] = []
    for row in rows:
        lines.append(writer.writerow([csv_cell(row[name]) for name in names]))
        if len(lines) >= AT_A_TIME:
            yield "".join(lines)
            lines = []
    yield "".join(lines)


def csv_cell(value: Value) -> str:
    """Without locale; a text that a spreadsheet would run begins with an apostrophe."""
    return plain_cell(value) if isinstance(value, str) else plain(value)


# --- JSON --------------------------------------------------------------------------------------------


def json_value(value: Value) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value if isinstance(value, bool | int | str | None) else plain(value)


def json_row(dataset: Dataset, row: Row) -> dict[str, Any]:
    return {name: json_value(row[name]) for name in dataset.names}


def written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def json_lines(dataset: Dataset, rows: Iterable[Row], about: About, hxl: bool = False) -> Iterator[str]:
    """One object: ``meta``, ``fields``, and in ``data`` an object a row, each on a line of its own."""
    fields = [described(field, hxl) for field in dataset.fields]
    yield f'{{"meta": {written(meta(dataset, about))},\n"fields": {written(fields)},\n"data": ['
    yield from objects(dataset, rows)
    yield "\n]}\n"


def objects(dataset: Dataset, rows: Iterable[Row]) -> Iterator[str]:
    lines: list[str] = []
    comma = "\n"
    for row in rows:
        lines.append(comma + written(json_row(dataset, row)))
        comma = ",\n"
        if len(lines) >= AT_A_TIME:
            yield "".join(lines)
            lines = []
    yield "".join(lines)


def described(field: Field, hxl: bool = True) -> dict[str, Any]:
    found = {"name": field.name, "type": field.kind, "description": field.description}
    found |= {"unit": field.unit} if field.unit else {}
    found |= {"choices": list(field.choices)} if field.choices else {}
    return found | ({"hxl": field.hxl} if hxl and field.hxl else {})


def meta(dataset: Dataset | None, about: About) -> dict[str, Any]:
    found = {
        "dataset": dataset and dataset.name,
        "title": about.title,
        "description": about.description,
        "address": about.address,
        "page": about.page,
        "source": about.publisher,
        "licence": about.licence or None,
        "licence_url": about.licence_url or None,
        "shows": plain(about.at) if about.is_past else None,
        "taken": plain(about.at.replace(microsecond=0)),
        "editions": about.editions or None,
        "notes": about.notes or None,
        "dictionary": about.dictionary or None,
    }
    return {name: value for name, value in found.items() if value is not None}


# --- What describes a CSV ----------------------------------------------------------------------------


def csvw(dataset: Dataset, about: About) -> dict[str, Any]:
    """The companion of a CSV file, by the W3C's vocabulary."""
    found: dict[str, Any] = {
        "@context": "http://www.w3.org/ns/csvw",
        "url": about.address,
        "dc:title": about.title,
        "dc:description": about.description,
        "dc:publisher": about.publisher,
        "dc:source": about.page,
        "dc:modified": plain(about.at.replace(microsecond=0)),
        "rdfs:seeAlso": about.dictionary,
        "dialect": {"encoding": "utf-8", "header": True, "delimiter": ",", "quoteChar": '"'},
        "tableSchema": {
            "columns": [column(field) for field in dataset.fields],
            "primaryKey": list(dataset.key),
        },
    }
    found |= {"dc:license": about.licence_url or about.licence} if about.licence_url or about.licence else {}
    return found | (
        {"rdfs:comment": " ".join(filter(None, [about.editions, about.notes]))}
        if about.editions or about.notes
        else {}
    )


def column(field: Field) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": field.name,
        "titles": field.name,
        "dc:description": field.description,
        "datatype": CSVW.get(field.kind, "string"),
    }
    found |= {"required": True} if field.is_required else {}
    found |= {"schema:unitText": field.unit} if field.unit else {}
    return found | ({"hxl:tag": field.hxl} if field.hxl else {})


def table_schema(dataset: Dataset) -> dict[str, Any]:
    """The columns in the words of Frictionless (https://datapackage.org/standard/table-schema/)."""

    def of(field: Field) -> dict[str, Any]:
        bounds = {"required": True} if field.is_required else {}
        bounds |= {"enum": list(field.choices)} if field.choices else {}
        return {
            "name": field.name,
            "type": FRICTIONLESS.get(field.kind, "string"),
            "description": field.description,
            **({"unit": field.unit} if field.unit else {}),
            **({"constraints": bounds} if bounds else {}),
        }

    return {
        "fields": [of(field) for field in dataset.fields],
        "primaryKey": list(dataset.key),
        "missingValues": [""],
    }


# --- XLSX --------------------------------------------------------------------------------------------


def workbook(parts: Iterable[tuple[Dataset, Iterable[Row]]], about: About, hxl: bool = False) -> BinaryIO:
    """A file with a sheet for each part and one about them; a row at a time, whatever their number."""
    stream = tempfile.TemporaryFile(suffix=".xlsx")  # noqa: SIM115 — the answer closes it
    # Never a formula or a link of its own making: cells are text, numbers, days.
    book = xlsxwriter.Workbook(
        stream, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    bold = book.add_format({"bold": True})
    shown = []
    for dataset, rows in parts:
        write_sheet(book.add_worksheet(dataset.title[:31].replace(":", "")), dataset, rows, bold, hxl)
        shown.append(dataset)
    write_about(book.add_worksheet("About"), shown, about, bold)
    book.close()
    stream.seek(0)
    return stream


def write_sheet(sheet: Any, dataset: Dataset, rows: Iterable[Row], bold: Any, hxl: bool) -> None:
    sheet.freeze_panes(1, 0)
    for place, field in enumerate(dataset.fields):
        sheet.set_column(place, place, 36 if field.kind in ("text", "html", "url") else 14)
        sheet.write_string(0, place, field.name, bold)
    line = 0
    if hxl:
        line = 1
        for place, field in enumerate(dataset.fields):
            sheet.write_string(1, place, field.hxl)
    for row in rows:
        line += 1
        if line >= MOST_SHEET_ROWS:
            raise TooManyRows
        for place, name in enumerate(dataset.names):
            write_cell(sheet, line, place, row[name])


def write_cell(sheet: Any, line: int, place: int, value: Value) -> None:
    if value is None:
        return
    text = csv_cell(value)
    if isinstance(value, int | Decimal) and not isinstance(value, bool) and len(text) <= 15:
        sheet.write_number(line, place, float(text))
    else:
        sheet.write_string(line, place, text[:32_767])


def write_about(sheet: Any, datasets: list[Dataset], about: About, bold: Any) -> None:
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 4, 60)
    line = 0
    for name, value in meta(None, about).items():
        sheet.write_string(line, 0, name, bold)
        sheet.write_string(line, 1, plain_cell(value))
        line += 1
    for dataset in datasets:
        line += 1
        sheet.write_string(line, 0, dataset.title, bold)
        sheet.write_string(line, 1, dataset.description)
        for field in dataset.fields:
            line += 1
            for place, text in enumerate((field.name, field.description, field.unit, field.kind)):
                sheet.write_string(line, place, plain_cell(text))
        line += 1
