"""Reads the tables that people have, as they are: CSV in any form, workbooks, the text block of an old page.

``open_table`` finds out how a file is to be read (encoding, delimiter, sheet, header), shows it as a
``Reading`` that a person can correct, and gives a ``TableFile`` that streams the rows: as often as asked,
in the memory of a few blocks. What is found is shown and never acted on in silence: a footer or a line of
totals comes out with the other rows until someone says to leave it out.
"""

from __future__ import annotations

import hashlib
import os
import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import chain, islice
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from .cells import INVISIBLE, collapsed, shortened
from .headings import same_heading
from .layouts import (
    BLOCK,
    BLOCK_HEADERS,
    FLAT,
    GROUPED,
    PRIVATE,
    SIGNS_OF_TOTALS,
    YEAR,
    detect_block,
    fold_label,
    is_empty,
    is_total,
    is_value,
    read_block,
    shown_line,
)
from .text_files import (
    BATCH,
    ENCODINGS,
    SAMPLE_BYTES,
    SAMPLE_LINES,
    Batch,
    Facts,
    Lines,
    Source,
    batches,
    check_delimiter,
    check_encoding,
    find_delimiter,
    find_encoding,
    look_over,
    shown_words,
)
from .workbooks import MOST_COLUMNS, check_archive, opened_book, sheet_rows, understood, visible_sheets

TITLE, HXL, FOOTER, TOTAL, REPEATED_HEADER = "title", "hxl", "footer", "total", "repeated_header"

MOST_BLANK_ROWS = 50_000  # where there is a limit of rows; each takes as long to read as a full one
GLANCE = 100  # lines of another sheet in which its header is looked for
MOST_PENDING = 500  # lines at the end of a file that may be a footer
MOST_SHOWN = 200  # lines of each kind that are kept to be shown; ``TableFile.found`` counts them all
LONGEST_BLOCK_FILE = 5 * 1024**2

# What a spreadsheet would run as a formula; an apostrophe before it says “this is text”.
FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠]")
HXL_TAG = re.compile(r"#[A-Za-z]\w*(?:\s*\+\s*\w+)*")

Row = tuple[int, list[Any]]
Known = Callable[[str], bool] | Collection[str] | None


@dataclass(frozen=True)
class Reading:
    """How a file is read. What is empty is to be found out; what is not, someone decided.

    ``layout``: "flat", "block", or "grouped", whose rows come out flat, for ``layouts.grouped`` needs the
    mapping. ``leave_out`` holds the kinds of lines that are no records: "footer", "total", "repeated_header".
    ``sheets_alike``: other sheets that hold such a table too, where nobody chose one. ``passed_over``: the
    first sheet, where nobody chose one and it holds no such table, but another does.
    """

    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    sheets_alike: tuple[str, ...] = ()
    passed_over: str = ""
    header_line: int = 0
    hxl_line: int = 0
    layout: str = ""
    leave_out: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Reading:
        """Of what ``to_json`` gave, or a part of it; names that it does not have are passed over."""
        known = {name: value for name, value in data.items() if name in cls.__dataclass_fields__}
        return cls(**{n: tuple(v) if isinstance(v, list) else v for n, v in known.items()})


class NoTable(ValidationError):
    """A sheet that is no table; ``sheets`` are those of its workbook, of which another may be one."""

    def __init__(self, error: ValidationError, sheets: tuple[str, ...]) -> None:
        said = _("The workbook has several sheets: %s. Choose the one that is to be read.")
        super().__init__([*error.messages, said % ", ".join(f"“{shortened(sheet)}”" for sheet in sheets)])
        self.sheets = sheets


class SetAside(NamedTuple):
    """A line that is no record, or does not look like one, and why."""

    line: int
    reason: str
    text: str


def open_table(
    source: Any,
    *,
    name: str = "",
    choices: Reading = Reading(),
    known: Known = None,
    kind: str = "",
    most_rows: int | None = None,
    most_bytes: int | None = None,
) -> TableFile:
    """The table of a file; ``ValidationError`` with a sentence where it is none.

    ``source``: a path, or a binary file that can seek. ``name``: what the file is called, where it is a
    file of an upload. ``choices``: what someone decided about its reading. ``known``: whether a header is
    one that the table may have, or all of those as ``layouts.fold_label`` has them. ``kind``: "text" or
    "workbook", if it may be no other. Without limits unless they are given.
    """
    source = Source(source)
    with source.opened() as stream:
        head = stream.read(4096)
        size = stream.seek(0, os.SEEK_END)
    if most_bytes is not None and size > most_bytes:
        raise ValidationError(
            _("The file is larger than %(megabytes)d MB, the most that this site takes.")
            % {"megabytes": most_bytes // 1024**2}
        )
    suffix = os.path.splitext(
        name or (source.source if isinstance(source.source, str | os.PathLike) else "")
    )[1]
    is_workbook = kind == "workbook" or head.startswith(b"PK\x03\x04") or suffix.lower() in {".xlsx", ".xlsm"}
    if is_workbook and (kind == "text" or suffix.lower() in {".csv", ".tsv", ".txt"}):
        raise ValidationError(_("This is a workbook, not a CSV file. Choose the format XLSX."))
    table = (BookTable if is_workbook else TextTable)(source, choices, most_rows, most_bytes, size)
    is_known = None if known is None else partial(knows, known)
    if isinstance(table, TextTable):
        if head.startswith(b"\xd0\xcf\x11\xe0"):
            raise ValidationError(
                _("This is a file of Excel 97 or older. Save it again as .xlsx, or as CSV UTF-8.")
            )
        if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:9].lower().startswith((b"<html", b"<!doctype")):
            raise ValidationError(
                _("This is a web page, not a table. Open it in a spreadsheet, and save it as .xlsx.")
            )
        return table.find_out(head, is_known)
    with understood():
        return table.find_out(is_known)


def knows(known: Any, cell: Any) -> bool:
    if type(cell) is not str or not cell or len(cell) > 100:
        return False
    return known(cell) if callable(known) else fold_label(cell) in known


@dataclass
class TableFile:
    """A table that was opened: what was found out about it, and its rows.

    ``set_aside`` has the titles above the header and the HXL tags from the start; footers, totals and
    repeated headers are known once the rows were read to the end, and counted in ``found``.
    """

    source: Source
    reading: Reading
    most_rows: int | None
    most_bytes: int | None
    size: int
    sha256: str = ""
    headers: list[str] = field(default_factory=list)
    hxl: list[str] = field(default_factory=list)  # the tag of each header, where the file has tags
    notes: list[str] = field(default_factory=list)
    set_aside: list[SetAside] = field(default_factory=list)
    found: Counter[str] = field(default_factory=Counter)
    blank: int = 0  # lines without a value, once the rows were read to the end
    given_headers: list[Any] = field(default_factory=list)  # as they stand in the file

    def given(self) -> Iterator[Batch]:
        """Every line of the file as it stands, many at a time."""
        raise NotImplementedError

    def may_have_signs(self) -> bool:
        """Whether the lines that were read last may hold a total or a cell that was marked as text."""
        return True

    def chunks(self, size: int) -> Iterator[list[Row]]:
        """Lists of so many ``rows``."""
        chunk: list[Row] = []
        for numbers, rows in self.batches():
            chunk += zip(numbers, rows, strict=True)
            while len(chunk) > size:
                yield chunk[:size]
                chunk = chunk[size:]
            if len(chunk) == size:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    def rows(self) -> Iterator[Row]:
        """The rows below the header, each with the line on which it begins and as wide as the header.

        A cell is a text ("" where it is empty) or what ``workbooks.sheet_rows`` says. Read one at a time.
        """
        for numbers, rows in self.batches():
            yield from zip(numbers, rows, strict=True)

    def batches(self) -> Iterator[Batch]:
        """The rows, with their lines, as many at a time as were read at once."""
        self.start()
        width, first = len(self.headers), self.given_headers[0]
        few = max(1, width // 4)  # so few cells may be a footer
        begin = max(self.reading.header_line, self.reading.hxl_line)
        count = 0
        pending: list[tuple[int, list[Any], str]] = []
        for numbers, rows in self.given():
            # Most rows are as wide as the header and begin with a text; they need no closer look.
            is_plain = numbers[0] > begin and not pending and not self.may_have_signs()
            if not is_plain or any(needs_look(row, width, width - few, first) for row in rows):
                kept = list(self.looked_through(zip(numbers, rows, strict=True), begin, few, pending))
                numbers, rows = [line for line, _row in kept], [row for _line, row in kept]
            count = self.counted(count + len(rows))
            if rows:
                yield numbers, rows
        kept = list(self.settled(pending, is_end=True))
        count = self.counted(count + len(kept))
        if kept:
            yield [line for line, _row in kept], [row for _line, row in kept]
        if not count:
            raise ValidationError(_("The file has a header, but no lines under it."))

    def counted(self, count: int) -> int:
        if self.most_rows is not None and count > self.most_rows:
            raise ValidationError(
                _("The file has more than %(rows)d rows, the most that this site takes at once.")
                % {"rows": self.most_rows}
            )
        return count

    def looked_through(
        self, rows: Iterable[Row], begin: int, few: int, pending: list[tuple[int, list[Any], str]]
    ) -> Iterator[Row]:
        """The rows that are kept; those at the end that may be a footer wait in ``pending``."""
        for line, row in rows:
            if line <= begin:
                continue
            row, reason = self.looked_at(line, row, few)
            if not row:
                continue
            if (pending and reason) or reason == FOOTER:
                if len(pending) < MOST_PENDING:
                    pending.append((line, row, reason))
                    continue
                reason = "" if reason == FOOTER else reason
            if pending:
                yield from self.settled(pending, is_end=False)
                pending.clear()
            if reason:
                self.put_aside(line, reason, row)
                if reason in self.reading.leave_out:
                    continue
            yield line, row

    def start(self) -> None:
        """Forget what the last reading of the rows found."""
        self.set_aside = [aside for aside in self.set_aside if aside.reason in (TITLE, HXL)]
        self.found = Counter(aside.reason for aside in self.set_aside)
        self.blank = 0

    def looked_at(self, line: int, row: list[Any], few: int) -> tuple[list[Any], str]:
        """The row at its width (empty for a blank one), and why it may be no record."""
        width, has_signs = len(self.headers), self.may_have_signs()
        if has_signs:
            row = [given_cell(cell) for cell in row]
        filled = [place for place, cell in enumerate(row) if not is_empty(cell)]
        if not filled:
            self.blank += 1
            if self.most_rows is not None and self.blank > MOST_BLANK_ROWS:
                raise ValidationError(
                    _("The file has more than %(rows)d blank rows. Delete them.") % {"rows": MOST_BLANK_ROWS}
                )
            return [], ""
        if filled[-1] >= width:
            raise ValidationError(
                _(
                    "Line %(line)d has %(cells)d cells, but the header has %(width)d. Is a comma or quote missing?"
                )
                % {"line": line, "cells": filled[-1] + 1, "width": width}
            )
        row = row[:width] if len(row) >= width else row + [""] * (width - len(row))
        if self.repeats_header(row, filled):
            return row, REPEATED_HEADER
        if has_signs and is_total(row):
            return row, TOTAL
        if len(filled) <= few and width > 2 and not any(is_value(row[place]) for place in filled):
            return row, "" if self.completes(row, filled) else FOOTER
        return row, ""

    def completes(self, row: list[Any], filled: list[int]) -> bool:
        """Whether it says of the line above, in groups, that its donors are private ones."""
        return self.reading.layout == GROUPED and any(
            PRIVATE.fullmatch(collapsed(str(row[place]))) for place in filled
        )

    def repeats_header(self, row: list[Any], filled: list[int]) -> bool:
        """Whether the row is the header once more, as where two files were joined."""
        return row[filled[0]] == self.given_headers[filled[0]] and all(
            same_heading(str(row[place]), self.headers[place]) for place in filled
        )

    def settled(self, pending: list[tuple[int, list[Any], str]], *, is_end: bool) -> Iterator[Row]:
        """What was held back as a possible footer; it is one only at the end of the file."""
        for line, row, reason in pending:
            if reason != FOOTER or is_end:
                self.put_aside(line, reason, row)
                if reason in self.reading.leave_out:
                    continue
            yield line, row

    def put_aside(self, line: int, reason: str, row: Iterable[Any]) -> None:
        self.found[reason] += 1
        if self.found[reason] <= MOST_SHOWN:
            self.set_aside.append(SetAside(line, reason, shown_line(row)))

    def find_header(self, is_known: Callable[[str], bool] | None) -> None:
        """The header among the first rows, what stands above it, and the row of HXL tags under it."""
        lines = chain.from_iterable(zip(*batch, strict=True) for batch in self.given())
        sample = [(line, row) for line, row in islice(lines, SAMPLE_LINES) if not all(map(is_empty, row))]
        for line, row in sample:
            check_width(line, row)
        if not sample:
            raise ValidationError(_("The file is empty."))
        if chosen := self.reading.header_line:
            places = [place for place, (line, _row) in enumerate(sample) if line == chosen]
            if not places:
                raise ValidationError(
                    _("Line %(line)d cannot be the header: it is blank, or far below the top.")
                    % {"line": chosen}
                )
            place = places[0]
        else:
            place = header_place([row for _line, row in sample], is_known)
        line, row = sample[place]
        while is_empty(row[-1]):
            row = row[:-1]
        self.given_headers, self.headers = row, read_headers(row)
        below = sample[place + 1 :]
        hxl_line = below[0][0] if below and is_hxl(below[0][1]) else 0
        self.reading = replace(self.reading, header_line=line, hxl_line=hxl_line)
        for number, titles in sample[:place]:
            self.put_aside(number, TITLE, titles)
        if place:
            self.notes.append(
                _("The header is on line %(line)d. What stands above it is left out: %(text)s")
                % {"line": line, "text": shortened(shown_line(c for _n, r in sample[:place] for c in r), 200)}
            )
        if hxl_line:
            tags = [collapsed(str(cell)) for cell in below[0][1][: len(row)]]
            self.hxl = tags + [""] * (len(row) - len(tags))
            self.put_aside(hxl_line, HXL, below[0][1])
            below = below[1:]
        if not below and len(sample) < SAMPLE_LINES:
            next(self.rows())  # a header alone is no table, but the rows may begin far below
            self.start()


def check_width(line: int, row: list[Any]) -> None:
    if len(row) > MOST_COLUMNS and not all(map(is_empty, row[MOST_COLUMNS:])):
        raise ValidationError(
            _("The file has more than %(columns)d columns (line %(line)d). Delete those of no use.")
            % {"columns": MOST_COLUMNS, "line": line}
        )


class TextTable(TableFile):
    """A text with delimiters, or with a block of contributions."""

    lines: Lines

    def find_out(self, head: bytes, is_known: Callable[[str], bool] | None) -> TableFile:
        choices = self.reading
        if choices.encoding:
            check_encoding(choices.encoding)
        facts = look_over(self.source)
        self.sha256 = facts.sha256
        encoding = choices.encoding or find_encoding(head, facts)
        if encoding == "utf-8" and head.startswith(BOM_UTF8):
            encoding = "utf-8-sig"
        self.reading = replace(choices, encoding=encoding)
        self.note_encoding(facts)
        sample = self.sample()
        if choices.layout == BLOCK or (not choices.layout and detect_block("".join(sample))):
            return BlockTable(**vars(self)).find_block()
        if choices.delimiter:
            check_delimiter(choices.delimiter)
        delimiter = choices.delimiter or find_delimiter(sample, is_known, len(sample) < SAMPLE_LINES)
        self.reading = replace(self.reading, delimiter=delimiter, layout=choices.layout or FLAT)
        self.lines = Lines(self.source, self.reading.encoding, SIGNS_OF_TOTALS)
        self.find_header(is_known)
        return self

    def note_encoding(self, facts: Facts) -> None:
        encoding = self.reading.encoding
        if encoding in {"utf-8", "utf-8-sig"}:
            return
        words = shown_words(facts.sample, encoding) if not encoding.startswith("utf-16") else []
        self.notes.append(
            _("The file is not in UTF-8; it was read as %(encoding)s%(example)s.")
            % {
                "encoding": ENCODINGS.get(encoding, encoding),
                "example": f": {', '.join(f'“{word}”' for word in words)}" if words else "",
            }
        )

    def sample(self) -> list[str]:
        """The first lines; fewer where one of them cannot be decoded, which the reading of the rows will say."""
        lines: list[str] = []
        size = 0
        try:
            for line in Lines(self.source, self.reading.encoding):
                lines.append(line)
                size += len(line)
                if len(lines) >= SAMPLE_LINES or size > SAMPLE_BYTES:
                    break
        except ValidationError:
            if not lines:
                raise
        return lines

    def given(self) -> Iterator[Batch]:
        return batches(self.lines, self.reading.delimiter, self.lines.forget)

    def may_have_signs(self) -> bool:
        return self.lines.has_signs


class BlockTable(TextTable):
    """The block of contributions of an old page, wherever it stands in a text."""

    def find_block(self) -> TableFile:
        if self.size > LONGEST_BLOCK_FILE:
            raise ValidationError(
                _("The file is too large for a block of text. Give a table with a line for each gift.")
            )
        self.reading = replace(self.reading, layout=BLOCK, delimiter="", header_line=0, hxl_line=0)
        self.headers = list(BLOCK_HEADERS)
        rows, before, _after = self.parts()
        if not rows:
            raise ValidationError(
                _("The file has no block of contributions: bullets with a donor and an amount in dollars.")
            )
        for line, text in before:
            self.put_aside(line, TITLE, [text])
        self.notes.append(
            _(
                "The file is read as a block of text: the date of a bullet holds for those below it that have none."
            )
        )
        return self

    def parts(self) -> tuple[list[Row], list[tuple[int, str]], list[tuple[int, str]]]:
        return read_block(enumerate(Lines(self.source, self.reading.encoding), 1))

    def batches(self) -> Iterator[Batch]:
        self.start()
        rows, _before, after = self.parts()
        self.counted(len(rows))
        for line, text in after:
            self.put_aside(line, FOOTER, [text])
        yield [line for line, _row in rows], [row for _line, row in rows]


class BookTable(TableFile):
    """A sheet of a workbook."""

    book: Any = None  # open while its header is looked for

    def find_out(self, is_known: Callable[[str], bool] | None) -> TableFile:
        digest = hashlib.sha256()
        for block in self.source.blocks():
            digest.update(block)
        self.sha256 = digest.hexdigest()
        with self.source.opened() as stream:
            check_archive(stream, self.size, is_limited=self.most_bytes is not None)
            with opened_book(stream) as self.book:
                is_chosen = bool(self.reading.sheet)
                self.find_sheet(is_known)
                try:
                    self.find_header(is_known)
                except ValidationError as error:
                    if is_known is None or len(self.reading.sheets) == 1:
                        raise
                    raise NoTable(error, self.reading.sheets) from None
                if not is_chosen:
                    alike = tuple(self.sheets_alike(is_known))
                    self.reading = replace(self.reading, sheets_alike=alike)
        self.book = None
        return self

    def find_sheet(self, is_known: Callable[[str], bool] | None) -> None:
        sheets = visible_sheets(self.book)
        if not sheets:
            raise ValidationError(_("The workbook has no visible sheet."))
        chosen = self.reading.sheet or self.likely_sheet(sheets, is_known)
        if not self.reading.sheet and chosen != sheets[0]:
            self.reading = replace(self.reading, passed_over=sheets[0])
        if chosen not in sheets:
            raise ValidationError(
                _("The workbook has no visible sheet “%(name)s”. Choose one of: %(sheets)s.")
                % {"name": shortened(chosen), "sheets": ", ".join(sheets)}
            )
        self.reading = replace(
            self.reading, sheet=chosen, sheets=tuple(sheets), layout=self.reading.layout or FLAT
        )
        if len(self.book.worksheets) > 1:
            self.notes.append(
                _("The workbook has %(count)d sheets; only “%(name)s” was read.")
                % {"count": len(self.book.worksheets), "name": chosen}
            )

    def sheets_alike(self, is_known: Callable[[str], bool] | None) -> Iterator[str]:
        """Other visible sheets that hold a table of this kind: a header that is known or the same, and a row."""
        own = {fold_label(header) for header in self.headers} - {""}

        def is_alike(name: str) -> bool:
            return fold_label(name) in own or bool(is_known and is_known(name))

        for title in self.reading.sheets:
            if title != self.reading.sheet and has_header(self.glance(title), is_alike):
                yield title

    def likely_sheet(self, sheets: list[str], is_known: Callable[[str], bool] | None) -> str:
        """The first with a known header; where none has one, the first that looks like a table at all."""
        if is_known is None or len(sheets) == 1:
            return sheets[0]
        rows = {title: self.glance(title) for title in sheets}
        likely = [title for title in sheets if has_header(rows[title], is_known)]
        likely += [title for title in sheets if looks_like_table(rows[title])]
        return likely[0] if likely else sheets[0]

    def glance(self, title: str) -> list[list[Any]]:
        """The first rows of a sheet that hold something; what cannot be read is no table."""
        try:
            with understood():
                rows = [row for _line, row in islice(sheet_rows(self.book, title, is_glance=True), GLANCE)]
        except ValidationError:
            return []
        return [row for row in rows if not all(map(is_empty, row))]

    def given(self) -> Iterator[Batch]:
        with understood():
            if self.book is not None:
                yield from in_batches(sheet_rows(self.book, self.reading.sheet))
                return
            with self.source.opened() as stream, opened_book(stream) as book:
                yield from in_batches(sheet_rows(book, self.reading.sheet))


def in_batches(rows: Iterator[Row]) -> Iterator[Batch]:
    while batch := list(islice(rows, BATCH)):
        yield [line for line, _row in batch], [row for _line, row in batch]


def needs_look(row: list[Any], width: int, enough: int, first: Any) -> bool:
    """Whether a row may be blank, short, long, a footer or the header again; most are none of them."""
    if len(row) != width:
        return True
    lead = row[0]
    return not lead or lead == first or lead.isspace() or row.count("") >= enough


# --- The header -------------------------------------------------------------------------------------


def header_place(rows: list[list[Any]], is_known: Callable[[str], bool] | None) -> int:
    """Which of the first rows is the header: names that are known, or else labels as wide as the table."""
    lengths = [max(place for place, cell in enumerate(row) if not is_empty(cell)) + 1 for row in rows]
    widths = Counter(length for length in lengths if length > 1)
    width = max(widths, key=lambda length: (widths[length], length)) if widths else 1
    if is_known:
        counts = [0 if any(map(is_figure, row)) else sum(map(is_known, row)) for row in rows]
        best = max(counts)
        if best > 1 or (best and width == 1):
            return counts.index(best)
    places = [place for place, row in enumerate(rows) if is_label_row(row, width)]
    full = [place for place in places if sum(not is_empty(cell) for cell in rows[place]) >= width]
    if places and full and full[0] > places[0] and have_figures(rows[full[0] + 1 :]):
        return full[0]  # what stands above it is a title of several cells
    if places:
        return places[0]
    raise ValidationError(
        _("No line of the file looks like a header. Write the names of the columns above the first line.")
    )


def has_header(rows: list[list[Any]], is_known: Callable[[str], bool]) -> bool:
    """Whether one of the rows but the last has several names that are known, and no figures."""

    def is_header(row: list[Any]) -> bool:
        names = [cell for cell in row if type(cell) is str and len(cell) <= 100]
        return sum(map(is_known, names)) > 1 and not any(map(is_figure, row))

    return any(map(is_header, rows[:-1]))


def looks_like_table(rows: list[list[Any]]) -> bool:
    """Whether the rows have something like a header, and a row under it."""
    try:
        return header_place(rows, None) < len(rows) - 1 if rows else False
    except ValidationError:
        return False


def is_label_row(row: list[Any], width: int) -> bool:
    """Whether a row has labels and no figures, and for at least half of the columns."""
    filled = [cell for cell in row if not is_empty(cell)]
    is_wide = len(filled) * 2 >= width and (len(filled) > 1 or width == 1)
    return is_wide and not any(map(is_figure, filled)) and not all(map(is_value, filled))


def have_figures(rows: list[list[Any]]) -> bool:
    with_figures = sum(any(map(is_figure, row)) for row in rows)
    return with_figures > 0 and with_figures * 10 >= len(rows) * 9


def is_figure(cell: Any) -> bool:
    """Whether a cell is a number or a day; a year may be the name of a column."""
    return not is_empty(cell) and is_value(cell) and not YEAR.fullmatch(str(cell).strip())


def read_headers(cells: list[Any]) -> list[str]:
    headers = [" ".join(INVISIBLE.sub("", str(given_cell(cell))).split()) for cell in cells]
    counts = Counter(header.replace("_", " ").casefold() for header in headers if header)
    twice = sorted(header for header, count in counts.items() if count > 1)
    if twice:
        raise ValidationError(
            _("The header names a column twice: %s. Rename one of them.") % ", ".join(twice)
        )
    return headers


def is_hxl(row: list[Any]) -> bool:
    """Whether the row tags the columns, as “#date+year” (hxlstandard.org), and holds nothing else."""
    filled = [str(cell).strip() for cell in row if not is_empty(cell)]
    return all(HXL_TAG.fullmatch(cell) for cell in filled) and len(filled) * 3 >= len(row)


def given_cell(value: Any) -> Any:
    """A cell as it was before ``tables.plain_cell`` made it safe."""
    return value[1:] if type(value) is str and value[:1] == "'" and FORMULA.match(value) else value
