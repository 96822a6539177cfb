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
from collections import Counter
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
from openpyxl.utils.escape import unescape

from .cells import INVISIBLE

# What a spreadsheet would run as a formula; an apostrophe before it says “this is text”.
FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠]")
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")

MOST_COLUMNS = 200
MOST_BLANK_ROWS = 50_000  # in the admin; each takes as long to read as a full one
MOST_LINES = 1_048_576  # of a sheet; a row may name itself the billionth

# A workbook of 200,000 lines unpacks to about 150 MB and to 20 times its size; bombs to 1,000 times.
UNPACKED_LIMIT = 200 * 1024**2
UNPACKED_RATIO, SMALL = 100, 20 * 1024**2
# Excel writes no document type; one is only needed to make a few bytes unfold to gigabytes.
DOCUMENT_TYPE = re.compile(rb"<\0?!\0?D\0?O\0?C\0?T\0?Y\0?P\0?E")
SHOWN_CURRENCY = re.compile(r"[€£]|(?<=\[\$)[A-Z]{3}")


class Unreadable(str):
    """A cell that has no value of its own, and why: ``reason`` is a sentence for the user."""

    reason: str

    def __new__(cls, text: str, reason: str) -> Unreadable:
        cell = super().__new__(cls, text)
        cell.reason = reason
        return cell


def plain_cell(value: Any) -> str:
    """A value as text without locale, safe to open in a spreadsheet: "=1+1" becomes "'=1+1"."""
    if value is None:
        return ""
    text = (
        value.isoformat()
        if isinstance(value, dt.date)
        else f"{value:f}"
        if isinstance(value, Decimal)
        else str(value)
    )
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def given_cell(value: Any) -> Any:
    """A cell as it was before ``plain_cell`` made it safe."""
    return value[1:] if type(value) is str and value[:1] == "'" and FORMULA.match(value) else value


def make_dataset(rows: Iterable[tuple[int, list[Any]]], raw: bytes, most_rows: int | None) -> tablib.Dataset:
    """A dataset with the line of every row in ``lines``; blank rows are left out, short ones filled."""
    dataset = tablib.Dataset()
    dataset.raw, dataset.sha256 = raw, hashlib.sha256(raw).hexdigest()
    dataset.lines, dataset.notes = [], []
    width = blank = 0
    for line, row in rows:
        cells = [given_cell(cell) for cell in row]
        while cells and (cells[-1] is None or str(cells[-1]).strip() == ""):
            cells.pop()
        if not cells:
            blank += 1
            if most_rows is not None and blank > MOST_BLANK_ROWS:
                raise ValidationError(
                    _("The file has more than %(rows)d blank rows. Delete them.") % {"rows": MOST_BLANK_ROWS}
                )
            continue
        if len(cells) > MOST_COLUMNS:
            raise ValidationError(
                _("The file has more than %(columns)d columns (line %(line)d). Delete those of no use.")
                % {"columns": MOST_COLUMNS, "line": line}
            )
        if not dataset.headers:
            dataset.headers = read_headers(cells)
            width = len(cells)
            continue
        if len(cells) > width:
            raise ValidationError(
                _(
                    "Line %(line)d has %(cells)d cells, but the header has %(width)d. Is a comma or quote missing?"
                )
                % {"line": line, "cells": len(cells), "width": width}
            )
        dataset.append(cells + [None] * (width - len(cells)))
        dataset.lines.append(line)
        if most_rows is not None and len(dataset.lines) > most_rows:
            raise ValidationError(
                _("The file has more than %(rows)d rows, the most that this site takes at once.")
                % {"rows": most_rows}
            )
    if not dataset.headers:
        raise ValidationError(_("The file is empty."))
    if not dataset.lines:
        raise ValidationError(_("The file has a header, but no lines under it."))
    return dataset


def read_headers(cells: list[Any]) -> list[str]:
    headers = [" ".join(INVISIBLE.sub("", str(cell or "")).split()) for cell in cells]
    counts = Counter(header.replace("_", " ").casefold() for header in headers if header)
    twice = sorted(header for header, count in counts.items() if count > 1)
    if twice:
        raise ValidationError(
            _("The header names a column twice: %s. Rename one of them.") % ", ".join(twice)
        )
    return headers


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
        return self.read(in_stream, most_rows=settings.IMPORT_MAX_ROWS)

    def read(self, raw: bytes, *, most_rows: int | None = None) -> tablib.Dataset:
        """The table of a file; ``ValidationError`` where it is none. Without a limit unless one is given."""
        raise NotImplementedError


class PlainCSV(PlainFormat):
    title = gettext_lazy("CSV (commas, semicolons or tabs, UTF-8)")
    extension = "csv"
    content_type = "text/csv; charset=utf-8"

    def read(self, raw: bytes, *, most_rows: int | None = None) -> tablib.Dataset:
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
        return make_dataset(self.rows(text), raw, most_rows)

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


def check_archive(raw: bytes) -> None:
    """Refuse what is no plain workbook before any of its XML is parsed: bombs, macros, other documents."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members = archive.infolist()
        size = sum(member.file_size for member in members)
        if size > UNPACKED_LIMIT or size > max(SMALL, UNPACKED_RATIO * len(raw)):
            raise ValidationError(
                _("The workbook unpacks to more than this site takes. Save the sheet as CSV UTF-8.")
            )
        names = [member.filename for member in members]
        if "xl/vbaProject.bin" in names:
            raise ValidationError(_("The workbook has macros. Save it without them, as .xlsx or CSV UTF-8."))
        if "xl/workbook.xml" not in names or any(".." in name or name[:1] in "/\\" for name in names):
            raise ValidationError(_("This is not an XLSX workbook. Save it again as .xlsx, or as CSV UTF-8."))
        for member in members:
            check_member(archive, member)


def check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Read it to its end, so that its checksum is compared, and look for a document type."""
    before = b""
    with archive.open(member) as stream:
        while chunk := stream.read(1024**2):
            if not member.filename.startswith("xl/media/") and DOCUMENT_TYPE.search(before + chunk):
                raise ValidationError(_("The workbook is damaged. Save it again, or as CSV UTF-8."))
            before = chunk[-32:]


class PlainXLSX(PlainFormat):
    title = gettext_lazy("XLSX (Excel, LibreOffice; the first sheet)")
    extension = "xlsx"
    content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    def read(self, raw: bytes, *, most_rows: int | None = None) -> tablib.Dataset:
        try:
            check_archive(raw)
            book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True)
            try:
                return self.read_book(book, raw, most_rows)
            finally:
                book.close()
        except ValidationError:
            raise
        except zipfile.BadZipFile:
            raise ValidationError(
                _("This is not an XLSX workbook. Save it again as .xlsx, or as CSV UTF-8.")
            ) from None
        except Exception:  # the parsers raise whatever they stumble over in a damaged file
            raise ValidationError(_("The workbook is damaged. Save it again, or as CSV UTF-8.")) from None

    def read_book(self, book: Any, raw: bytes, most_rows: int | None) -> tablib.Dataset:
        visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        if not visible:
            raise ValidationError(_("The workbook has no visible sheet."))
        sheet = visible[0]
        sheet.reset_dimensions()  # a wrong <dimension> would lose rows
        dataset = make_dataset(self.rows(sheet), raw, most_rows)
        if len(book.worksheets) > 1:
            dataset.notes.append(
                _("The workbook has %(count)d sheets; only “%(name)s” was read.")
                % {"count": len(book.worksheets), "name": sheet.title}
            )
        return dataset

    def rows(self, sheet: Any) -> Iterable[tuple[int, list[Any]]]:
        """The rows to their last value. A gap between two rows is one row of openpyxl many times over."""
        gap = None
        for line, row in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS + 1), 1):
            if line > MOST_LINES:
                raise ValidationError(
                    _("The sheet has more than %(lines)d lines, the most of a spreadsheet.")
                    % {"lines": MOST_LINES}
                )
            if row is gap:
                continue
            width = len(row)
            while width and row[width - 1].value is None:
                width -= 1
            gap = None if width else row
            yield line, [self.cell(cell) for cell in row[:width]]

    def cell(self, cell: Any) -> Any:
        value, kind = cell.value, cell.data_type
        if value is None:
            return None
        if kind == "f":
            text = value if isinstance(value, str) else "=…"
            return Unreadable(
                text, _("The cell holds a formula, whose result may be out of date. Paste it as a value.")
            )
        if kind == "e":
            return Unreadable(str(value), _("The cell holds the error %s of a spreadsheet.") % value)
        if isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return self.number(cell, value)
        if isinstance(value, dt.datetime) and value.time() == dt.time():
            return value.date()
        return unescape(value) if isinstance(value, str) and "_x" in value else value  # _x000D_ is a line end

    def number(self, cell: Any, value: float) -> str:
        """The digits, to the fifteen that a spreadsheet keeps; with the currency that the cell shows."""
        text = f"{Decimal(f'{value:.15g}'):f}" if isinstance(value, float) else str(value)
        shown = SHOWN_CURRENCY.search(cell.number_format)
        if not shown:
            return text
        return f"-{shown[0]} {text[1:]}" if text.startswith("-") else f"{shown[0]} {text}"

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
