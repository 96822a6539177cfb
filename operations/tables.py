"""Tables as files, in django-import-export's terms: CSV and XLSX, read by ``reading`` and written plainly.

Writing uses no locale, and no text cell can run as a formula in a spreadsheet.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from decimal import Decimal
from typing import Any

import tablib
import xlsxwriter
from django.conf import settings
from django.utils.translation import gettext_lazy
from import_export.formats import base_formats

from .layouts import FLAT
from .reading import FORMULA, Reading, open_table
from .workbooks import Unreadable

__all__ = ["PlainCSV", "PlainXLSX", "Unreadable", "plain_cell"]

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


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


class PlainFormat(base_formats.Format):
    title: Any = ""
    kind = ""  # of ``open_table``
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
        limits = {"most_rows": settings.IMPORT_MAX_ROWS, "most_bytes": settings.IMPORT_MAX_BYTES}
        return self.read(in_stream, **limits)

    def read(
        self, raw: bytes, *, most_rows: int | None = None, most_bytes: int | None = None
    ) -> tablib.Dataset:
        """The table of a file; ``ValidationError`` where it is none. Without limits unless they are given.

        The dataset also has the ``lines`` of its rows, ``notes`` for the user, and the file: ``raw``, ``sha256``.
        """
        table = open_table(
            io.BytesIO(raw),
            choices=Reading(layout=FLAT),
            kind=self.kind,
            most_rows=most_rows,
            most_bytes=most_bytes,
        )
        dataset = tablib.Dataset(headers=table.headers)
        dataset.raw, dataset.sha256, dataset.lines = raw, table.sha256, []
        for line, cells in table.rows():
            dataset.append([None if cell == "" else cell for cell in cells])
            dataset.lines.append(line)
        dataset.notes = table.notes
        return dataset


class PlainCSV(PlainFormat):
    kind = "text"
    title = gettext_lazy("CSV (commas, semicolons or tabs, UTF-8)")
    extension = "csv"
    content_type = "text/csv; charset=utf-8"

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> str:
        stream = io.StringIO(newline="")
        writer = csv.writer(stream)
        writer.writerow(dataset.headers)
        writer.writerows([plain_cell(cell) for cell in row] for row in dataset)
        return stream.getvalue()

    def is_binary(self) -> bool:
        return True


class PlainXLSX(PlainFormat):
    kind = "workbook"
    title = gettext_lazy("XLSX (Excel, LibreOffice; the first sheet)")
    extension = "xlsx"
    content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

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
