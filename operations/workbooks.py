"""XLSX workbooks as rows: checked before any XML is parsed, then read cell by cell and never all at once."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, BinaryIO

import openpyxl
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE
from openpyxl.utils import coordinate_to_tuple, get_column_letter
from openpyxl.utils.escape import unescape
from openpyxl.worksheet._reader import FORMULA_TAG, INLINE_STRING, SHEET_MAIN_NS, WorkSheetParser

from .cells import Digits

MOST_COLUMNS = 200
MOST_LINES = 1_048_576  # of a sheet; a row may name itself the billionth

# A workbook of 200,000 lines unpacks to about 150 MB and to 20 times its size; bombs to 1,000 times.
UNPACKED_LIMIT = 200 * 1024**2
UNPACKED_RATIO, SMALL = 100, 20 * 1024**2
# Excel writes no document type; one is only needed to make a few bytes unfold to gigabytes.
DOCUMENT_TYPE = re.compile(rb"<\0?!\0?D\0?O\0?C\0?T\0?Y\0?P\0?E")
TEXT, RUN = f"{{{SHEET_MAIN_NS}}}t", f"{{{SHEET_MAIN_NS}}}r"
INLINE_TEXTS = (f"{INLINE_STRING}/{TEXT}", f"{INLINE_STRING}/{RUN}/{TEXT}")  # in one font, in several
SHOWN_CURRENCY = re.compile(r"[€£]|(?<=\[\$)[A-Z]{3}")


class Unreadable(str):
    """A cell that has no value of its own, and why: ``reason`` is a sentence for the user."""

    reason: str

    def __new__(cls, text: str, reason: str) -> Unreadable:
        cell = super().__new__(cls, text)
        cell.reason = reason
        return cell


def check_archive(source: BinaryIO, size: int, *, is_limited: bool = True) -> None:
    """Refuse what is no plain workbook before any of its XML is parsed: bombs, macros, other documents.

    ``is_limited``: whether what unpacks to more than the site takes is refused; what unpacks to far more
    than its own size always is.
    """
    with zipfile.ZipFile(source) as archive:
        members = archive.infolist()
        unpacked = sum(member.file_size for member in members)
        if (is_limited and unpacked > UNPACKED_LIMIT) or unpacked > max(SMALL, UNPACKED_RATIO * size):
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


@contextmanager
def understood() -> Iterator[None]:
    """Whatever the parsers stumble over in a damaged workbook becomes a sentence."""
    try:
        yield
    except ValidationError:
        raise
    except zipfile.BadZipFile:
        raise ValidationError(
            _("This is not an XLSX workbook. Save it again as .xlsx, or as CSV UTF-8.")
        ) from None
    except Exception:
        raise ValidationError(_("The workbook is damaged. Save it again, or as CSV UTF-8.")) from None


@contextmanager
def opened_book(source: BinaryIO) -> Iterator[Any]:
    book = openpyxl.load_workbook(source, read_only=True)
    try:
        yield book
    finally:
        book.close()


def visible_sheets(book: Any) -> list[str]:
    return [sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible"]


def sheet_rows(book: Any, title: str, *, is_glance: bool = False) -> Iterator[tuple[int, list[Any]]]:
    """The rows of a sheet that the file names, each with its line and its cells to the last that has a value.

    A cell is "" (empty), a text, ``Digits``, a day, a bool or ``Unreadable``. What someone who looks at the
    sheet would not see is refused: hidden columns and rows with values, columns beyond the two hundredth.
    ``is_glance``: nothing is refused, for the rows are only looked at to see what the sheet holds.
    """
    sheet = book[title]
    shown = [shown_currency(number_format(book, style.numFmtId)) for style in book._cell_styles]
    with sheet._get_source() as xml:
        parser = SheetParser(
            xml,
            sheet._shared_strings,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        parser.is_glance = is_glance
        for line, found in parser.parse():
            if line > MOST_LINES:
                raise ValidationError(
                    _("The sheet has more than %(lines)d lines, the most of a spreadsheet.")
                    % {"lines": MOST_LINES}
                )
            yield line, parser.full_row(line, found, shown)


class SheetParser(WorkSheetParser):
    """openpyxl's parser of a sheet, which also knows what is hidden and keeps no rows."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hidden_columns: list[tuple[int, int]] = []
        self.is_hidden_row = self.is_glance = False

    def parse_column_dimensions(self, col: Any) -> None:
        if is_true(col.get("hidden")) or float(col.get("width") or 1) == 0:
            self.hidden_columns.append((int(col.get("min")), int(col.get("max"))))

    def parse_cell(self, element: Any) -> dict[str, Any]:
        """A text within the sheet, as our own exports have it, is read without openpyxl's models of its fonts."""
        if element.get("t") != "inlineStr" or element.find(FORMULA_TAG) is not None:
            return super().parse_cell(element)
        coordinate = element.get("r")
        column = coordinate_to_tuple(coordinate)[1] if coordinate else self.col_counter + 1
        self.col_counter = column
        texts = [part.text or "" for path in INLINE_TEXTS for part in element.iterfind(path)]
        style = int(element.get("s", 0))
        return {"column": column, "value": "".join(texts), "data_type": "s", "style_id": style}

    def parse_row(self, row: Any) -> tuple[int, list[dict[str, Any]]]:
        self.is_hidden_row = is_true(row.get("hidden")) or float(row.get("ht") or 1) == 0
        parsed = super().parse_row(row)
        self.row_dimensions.clear()
        return parsed

    def full_row(self, line: int, found: list[dict[str, Any]], shown: list[str]) -> list[Any]:
        row: list[Any] = []
        for cell in found:
            if cell["value"] is None or cell["value"] == "":
                continue
            column = cell["column"]
            if self.is_glance and column > MOST_COLUMNS:
                break
            if column > MOST_COLUMNS:
                raise ValidationError(
                    _("The file has more than %(columns)d columns (line %(line)d). Delete those of no use.")
                    % {"columns": MOST_COLUMNS, "line": line}
                )
            if self.is_hidden_row and not self.is_glance:
                raise ValidationError(
                    _("Line %(line)d of the sheet is hidden. Show it (remove any filter), or delete it.")
                    % {"line": line}
                )
            if not self.is_glance and any(first <= column <= last for first, last in self.hidden_columns):
                raise ValidationError(
                    _("Column %(column)s of the sheet is hidden. Show it, or delete it.")
                    % {"column": get_column_letter(column)}
                )
            row += [""] * (column - len(row))
            row[column - 1] = cell_value(cell["value"], cell["data_type"], shown[cell["style_id"]])
        return row


def is_true(text: str | None) -> bool:
    return text in ("1", "true")


def cell_value(value: Any, kind: str, currency: str) -> Any:
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
        return digits(value, currency)
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date()
    return unescape(value) if isinstance(value, str) and "_x" in value else value  # _x000D_ is a line end


def digits(value: float, currency: str) -> Digits:
    """The digits, to the fifteen that a spreadsheet keeps; with the currency that the cell shows."""
    text = f"{Decimal(f'{value:.15g}'):f}" if isinstance(value, float) else str(value)
    if not currency:
        return Digits(text)
    return Digits(f"-{currency} {text[1:]}" if text.startswith("-") else f"{currency} {text}")


def number_format(book: Any, number: int) -> str:
    if number < BUILTIN_FORMATS_MAX_SIZE:
        return BUILTIN_FORMATS.get(number, "General")
    formats = book._number_formats
    place = number - BUILTIN_FORMATS_MAX_SIZE
    return formats[place] if place < len(formats) else "General"


def shown_currency(text: str) -> str:
    found = SHOWN_CURRENCY.search(text)
    return found[0] if found else ""
