"""Tables as files: CSV and XLSX, read strictly and written plainly.

Reading keeps the line number of every row and never guesses: a row that has more cells than the
header, an encoding that is not UTF-8, a workbook that unpacks to too much are errors that say where.
Writing uses no locale, and no text cell can run as a formula in a spreadsheet.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import re
import zipfile
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import openpyxl
import tablib
import xlsxwriter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export.formats import base_formats

FORMULA = re.compile(r"[=+\-@\t\r]")
NUMBER = re.compile(r"-?\d+(\.\d+)?")
ESCAPED = re.compile(r"'(?=[=+\-@\t\r])")
UNPACKED_LIMIT = 400 * 1024 * 1024


def plain_cell(value: Any) -> str:
    """A value as text without locale, safe to open in a spreadsheet: "=1+1" becomes "'=1+1"."""
    if value is None:
        return ""
    text = value.isoformat() if isinstance(value, dt.date) else f"{value:f}" if isinstance(value, Decimal) else str(value)
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def given_cell(value: Any) -> Any:
    """A cell as it was before ``plain_cell`` made it safe."""
    return ESCAPED.sub("", value, count=1) if isinstance(value, str) else value


def make_dataset(rows: Iterable[tuple[int, list[Any]]], raw: bytes) -> tablib.Dataset:
    """A dataset with the line of every row in ``lines``; blank rows are left out, short ones filled."""
    dataset = tablib.Dataset()
    dataset.raw, dataset.sha256, dataset.lines = raw, hashlib.sha256(raw).hexdigest(), []
    width = 0
    for line, row in rows:
        cells = [given_cell(cell) for cell in row]
        while cells and (cells[-1] is None or str(cells[-1]).strip() == ""):
            cells.pop()
        if not cells:
            continue
        if not dataset.headers:
            dataset.headers = [str(cell or "").strip() for cell in cells]
            width = len(cells)
            check_headers(dataset.headers)
            continue
        if len(cells) > width:
            raise ValidationError(
                _("Line %(line)d has %(cells)d cells, but the header has %(width)d. Is a comma or quote missing?")
                % {"line": line, "cells": len(cells), "width": width}
            )
        dataset.append(cells + [None] * (width - len(cells)))
        dataset.lines.append(line)
        if len(dataset.lines) > settings.IMPORT_MAX_ROWS:
            raise ValidationError(
                _("The file has more than %(rows)d rows, the most that this site takes at once.")
                % {"rows": settings.IMPORT_MAX_ROWS}
            )
    if not dataset.headers:
        raise ValidationError(_("The file is empty."))
    return dataset


def check_headers(headers: list[str]) -> None:
    folded = [header.casefold() for header in headers if header]
    twice = sorted({header for header in folded if folded.count(header) > 1})
    if twice:
        raise ValidationError(_("The header names a column twice: %s. Rename one of them.") % ", ".join(twice))


class PlainFormat(base_formats.Format):
    title: Any = ""
    extension = ""
    content_type = ""

    def __init__(self, encoding: str | None = None) -> None:
        self.encoding = encoding

    def get_title(self) -> Any:
        return self.title

    def get_extension(self) -> str:
        return self.extension

    def get_content_type(self) -> str:
        return self.content_type

    def can_import(self) -> bool:
        return True

    def can_export(self) -> bool:
        return True

    def create_dataset(self, in_stream: bytes) -> tablib.Dataset:
        if len(in_stream) > settings.IMPORT_MAX_BYTES:
            raise ValidationError(
                _("The file is larger than %(megabytes)d MB, the most that this site takes.")
                % {"megabytes": settings.IMPORT_MAX_BYTES // 1024**2}
            )
        return self.read(in_stream)

    def read(self, raw: bytes) -> tablib.Dataset:
        raise NotImplementedError


class PlainCSV(PlainFormat):
    title = gettext_lazy("CSV (commas, semicolons or tabs, UTF-8)")
    extension = "csv"
    content_type = "text/csv; charset=utf-8"

    def read(self, raw: bytes) -> tablib.Dataset:
        if raw[:4] == b"PK\x03\x04":
            raise ValidationError(_("This is a workbook, not a CSV file. Choose the format XLSX."))
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise ValidationError(
                _("Line %(line)d is not UTF-8. Save the file again as “CSV UTF-8”.") % {"line": line}
            ) from None
        if "\0" in text:
            raise ValidationError(_("The file holds NUL characters; it is not a CSV file in UTF-8."))
        return make_dataset(self.rows(text), raw)

    def rows(self, text: str) -> Iterable[tuple[int, list[str]]]:
        first = text.split("\n", 1)[0]
        delimiter = max(",;\t", key=first.count)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        line = 1
        try:
            for row in reader:
                yield line, row
                line = reader.line_num + 1
        except csv.Error as error:
            raise ValidationError(
                _("Line %(line)d cannot be read: %(reason)s.") % {"line": line, "reason": error}
            ) from None

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> str:
        stream = io.StringIO(newline="")
        writer = csv.writer(stream)
        writer.writerow(dataset.headers)
        writer.writerows([plain_cell(cell) for cell in row] for row in dataset)
        return stream.getvalue()

    def is_binary(self) -> bool:
        return True


class PlainXLSX(PlainFormat):
    title = gettext_lazy("XLSX (Excel, LibreOffice; the first sheet)")
    extension = "xlsx"
    content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    def read(self, raw: bytes) -> tablib.Dataset:
        try:
            with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                size = sum(member.file_size for member in archive.infolist())
                names = archive.namelist()
                damaged = size <= UNPACKED_LIMIT and archive.testzip()
        except zipfile.BadZipFile:
            raise ValidationError(_("This is not an XLSX workbook. Save it again as .xlsx, or as CSV UTF-8.")) from None
        if size > UNPACKED_LIMIT:
            raise ValidationError(_("The workbook unpacks to more than this site takes. Save the sheet as CSV UTF-8."))
        if damaged or "xl/workbook.xml" not in names:
            raise ValidationError(_("The workbook is damaged, or is not an XLSX workbook. Save it again."))
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
        try:
            sheet = book[next(name for name in book.sheetnames if book[name].sheet_state == "visible")]
            sheet.reset_dimensions()  # a wrong <dimension> would lose rows
            return make_dataset(self.rows(sheet), raw)
        finally:
            book.close()

    def rows(self, sheet: Any) -> Iterable[tuple[int, list[Any]]]:
        blank = 0
        for line, row in enumerate(sheet.iter_rows(values_only=True), 1):
            cells = [self.cell(cell) for cell in row]
            blank = 0 if any(cell not in (None, "") for cell in cells) else blank + 1
            if blank > 10_000:  # a formatted empty cell far below the table
                return
            yield line, cells

    def cell(self, value: Any) -> Any:
        if isinstance(value, float):
            return repr(value) if value != int(value) else str(int(value))
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return value

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> bytes:
        stream = io.BytesIO()
        book = xlsxwriter.Workbook(stream, {"constant_memory": True})
        sheet = book.add_worksheet()
        for line, row in enumerate([dataset.headers, *dataset]):
            for column, cell in enumerate(row):
                text = plain_cell(cell)
                if isinstance(cell, int | Decimal) and not isinstance(cell, bool) and len(text) <= 15:
                    sheet.write_number(line, column, float(text))
                else:
                    sheet.write_string(line, column, text)
        book.close()
        return stream.getvalue()
