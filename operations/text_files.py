"""Text files as lines and records: which encoding, which delimiter, and a strict reading of both.

A file is read in blocks and never whole; it can be read again and again. Nothing is replaced or skipped:
bytes that the encoding does not have are an error with their line.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

from charset_normalizer import from_bytes
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

BLOCK = 1 << 18  # bytes read at a time
BATCH = 1000  # records
LONGEST_LINE = 8 * 1024**2  # characters; a cell has at most 131,072 (the csv module's limit)
SAMPLE_LINES, SAMPLE_BYTES = 400, BLOCK

#: The encodings that a person may choose, by their names in Python, and what they are called.
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 (BOM)",
    "utf-16": "UTF-16 (BOM)",
    "utf-16-le": "UTF-16 LE",
    "utf-16-be": "UTF-16 BE",
    "cp1252": "Windows-1252",
    "iso8859-1": "ISO 8859-1",
    "iso8859-15": "ISO 8859-15",
    "mac_roman": "Mac Roman",
    "cp850": "DOS 850",
    "cp437": "DOS 437",
    "cp1250": "Windows-1250",
    "iso8859-2": "ISO 8859-2",
    "cp1251": "Windows-1251",
    "koi8_r": "KOI8-R",
    "cp1253": "Windows-1253",
    "cp1254": "Windows-1254",
    "cp1255": "Windows-1255",
    "cp1256": "Windows-1256",
    "iso8859-6": "ISO 8859-6",
    "cp1257": "Windows-1257",
    "shift_jis": "Shift JIS",
    "euc_jp": "EUC-JP",
    "gb18030": "GB 18030",
    "big5": "Big5",
    "euc_kr": "EUC-KR",
}
LOOKED_FOR = ["cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257",
              "mac_roman", "cp850", "shift_jis", "gb18030", "big5", "euc_kr"]  # fmt: skip
NEAR_WESTERN = {"cp1250", "cp1254", "cp1257"}  # differ from Windows-1252 in some letters
BYTE_ORDER_MARKS = [
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
]

DELIMITERS = [",", ";", "\t", "|", "###"]
SEPARATOR = "\x1f"  # stands for a delimiter of several characters while the csv module reads

# An apostrophe that our own exports put before a text which a spreadsheet would run.
MARKED = re.compile("'[=+\\-@\t\r＝＋－＠']")


class Source:
    """Bytes that can be read from their start any number of times: a path, or a binary file that can seek."""

    def __init__(self, source: str | Path | Any) -> None:
        self.source = source

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        if isinstance(self.source, str | Path):
            with open(self.source, "rb") as stream:
                yield stream
        else:
            self.source.seek(0)
            yield self.source

    def blocks(self) -> Iterator[bytes]:
        with self.opened() as stream:
            while block := stream.read(BLOCK):
                yield block


@dataclass
class Facts:
    """What one pass over the bytes tells: ``is_utf8`` up to its end; some lines that are not ASCII."""

    size: int = 0
    sha256: str = ""
    is_utf8: bool = True
    sample: bytes = b""


NOT_ASCII = re.compile(rb"[\x80-\xff]")
MOST_SAMPLE = 16 * 1024


def look_over(source: Source) -> Facts:
    """Size, hash, and what the bytes beyond ASCII look like, wherever in the file they stand."""
    facts, digest = Facts(), hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    sample = bytearray()
    for block in source.blocks():
        facts.size += len(block)
        digest.update(block)
        was_utf8 = facts.is_utf8
        if facts.is_utf8:
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                facts.is_utf8 = False
        room = (
            MOST_SAMPLE if facts.is_utf8 == was_utf8 else 2 * MOST_SAMPLE
        )  # the first fault is always in it
        if len(sample) < room and not block.isascii():
            sample += lines_beyond_ascii(block, room - len(sample))
    if facts.is_utf8:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            facts.is_utf8 = False
    facts.sha256, facts.sample = digest.hexdigest(), bytes(sample)
    return facts


def lines_beyond_ascii(block: bytes, room: int) -> bytes:
    """Lines with bytes beyond ASCII, or what of them stands near those bytes, until there are so many bytes."""
    lines, place = bytearray(), 0
    while len(lines) < room and (match := NOT_ASCII.search(block, place)):
        near = max(place, match.start() - 100)
        start = max(near, block.rfind(b"\n", near, match.start()) + 1)
        end = block.find(b"\n", match.start(), match.start() + 200)
        place = end if end > 0 else match.start() + 200
        lines += block[start:place] + b"\n"
    return bytes(lines)


# --- Encoding ---------------------------------------------------------------------------------------


def find_encoding(head: bytes, facts: Facts) -> str:
    """The encoding of a file by its first bytes and by those beyond ASCII; ``ValidationError`` if none is clear."""
    for mark, name in BYTE_ORDER_MARKS:
        if head.startswith(mark) and not head.startswith(codecs.BOM_UTF32_LE):
            return name
    if facts.is_utf8 or mostly_utf8(facts.sample) or b"\0" in head:
        return "utf-8"
    sample = facts.sample
    found = {match.encoding: match for match in from_bytes(sample, cp_isolation=LOOKED_FOR)}
    best = max(found.values(), key=lambda match: (match.coherence, -match.chaos), default=None)
    if plausible_western(sample):
        near = max(
            (m for m in found.values() if m.encoding in NEAR_WESTERN), key=lambda m: m.coherence, default=None
        )
        mine = found.get("cp1252")
        return near.encoding if near and mine and near.coherence > mine.coherence else "cp1252"
    if best and (len(found) == 1 or best.coherence >= 0.2):
        return best.encoding
    raise ValidationError(
        _(
            "The file is not in UTF-8, and its encoding cannot be told. Choose it, or save the file as “CSV UTF-8”."
        )
    )


def mostly_utf8(sample: bytes) -> bool:
    """Whether the text is UTF-8 with a fault in it, rather than in another encoding."""
    right = sum(
        len(match) for match in re.findall(rb"(?:[\xc2-\xdf][\x80-\xbf]|[\xe0-\xf4][\x80-\xbf]{2,3})", sample)
    )
    return right > len(re.findall(rb"[\x80-\xff]", sample)) / 2


def plausible_western(sample: bytes) -> bool:
    """Whether the bytes, read as Windows-1252, are words of a western language.

    In those an accented letter stands among plain ones, hardly ever three in a row, never a capital after a
    small letter; and no sign but an apostrophe stands inside a word.
    """
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    odd = len(
        re.findall(
            r"(?<=[^\W\d_])[^\x00-\x7f\w’‘´·\u00a0\u00ad](?=[^\W\d_])|[a-zß-ÿ][À-ÞŠŽŒŸ](?=[a-zß-ÿ])", text
        )
    )
    odd += sum(len(run) for run in re.findall(r"[À-ÿŠŽŒŸšžœƒ]{3,}", text))
    return odd * 10 <= len(re.findall(r"[^\x00-\x7f]", text))


def shown_words(sample: bytes, encoding: str) -> list[str]:
    """A few words beyond ASCII, by which a person sees whether the encoding is right."""
    words = re.findall(r"\w*[^\x00-\x7f\s]+[\w’]*", sample.decode(encoding, "ignore"))
    return list(dict.fromkeys(words))[:3]


def check_encoding(name: str) -> None:
    if name not in ENCODINGS:
        raise ValidationError(
            _("“%(name)s” is no encoding that this site reads. Choose one of: %(known)s.")
            % {"name": name, "known": ", ".join(ENCODINGS)}
        )


# --- Lines ------------------------------------------------------------------------------------------


class Lines:
    """The lines of a file with their ends, decoded strictly; and whether some lately read hold a sign."""

    def __init__(self, source: Source, encoding: str, signs: Iterable[str] = ()) -> None:
        """``signs``: texts of which ``has_signs`` says whether one was read since ``forget``."""
        self.source, self.encoding = source, encoding
        self.signs = tuple(signs)
        self.has_signs = self.is_signed_block = False
        self.count = 0  # lines of the blocks before

    def forget(self) -> None:
        self.has_signs = self.is_signed_block

    def __iter__(self) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(self.encoding)()
        rest, self.count = "", 0
        self.has_signs = self.is_signed_block = False
        for block in chain(self.source.blocks(), [b""]):
            try:
                text = rest + decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                yield from self.up_to(error, rest)
            check_nul(text)
            lines = io.StringIO(text, newline="").readlines()
            rest = ""
            if block and lines and not lines[-1].endswith("\n"):
                rest = lines.pop()  # it may go on; after "\r" there may come "\n"
                if len(rest) > LONGEST_LINE:
                    raise ValidationError(
                        _("Line %(line)d is longer than any line of a table.")
                        % {"line": self.count + len(lines) + 1}
                    )
            self.is_signed_block = any(sign in text for sign in self.signs) or bool(MARKED.search(text))
            self.has_signs = self.has_signs or self.is_signed_block
            yield from lines
            self.count += len(lines)

    @property
    def byte_order(self) -> str:
        with self.source.opened() as stream:
            return "utf-16-le" if stream.read(2) == codecs.BOM_UTF16_LE else "utf-16-be"

    def up_to(self, error: UnicodeDecodeError, rest: str) -> Iterator[str]:
        """The lines before the fault, and then the error with its line."""
        encoding = {"utf-8-sig": "utf-8", "utf-16": self.byte_order}.get(self.encoding, self.encoding)
        text = rest + error.object[: error.start].decode(encoding, "ignore")
        check_nul(text)
        lines = io.StringIO(text, newline="").readlines()
        if lines and not lines[-1].endswith(("\n", "\r")):
            lines.pop()
        yield from lines
        label = ENCODINGS.get(self.encoding, self.encoding).partition(" (")[0]
        raise ValidationError(
            _(
                "Line %(line)d is not %(encoding)s. Choose another encoding, or save the file again as “CSV UTF-8”."
            )
            % {"line": self.count + len(lines) + 1, "encoding": label}
        )


def check_nul(text: str) -> None:
    if "\0" in text:
        raise ValidationError(
            _(
                "The file holds NUL characters; it is not a text in UTF-8. Choose its encoding, which may be UTF-16."
            )
        )


# --- Records ----------------------------------------------------------------------------------------


Batch = tuple[Sequence[int], list[list[Any]]]


def batches(
    lines: Iterable[str], delimiter: str, before: Callable[[], None] = lambda: None
) -> Iterator[Batch]:
    """The records of a delimited text, many at a time, with the lines on which they begin.

    ``before`` is called before each batch is read. A fault is raised after the records above it.
    """
    if len(delimiter) > 1:
        for at, found in batches(separated(lines, delimiter), SEPARATOR, before):
            yield at, [[cell.replace(SEPARATOR, delimiter) for cell in row] for row in found]
        return
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    line = 1
    rows: list[list[Any]] = [[]]
    fault: Exception | None = None
    while rows and fault is None:
        rows = []
        before()
        try:
            rows.extend(islice(reader, BATCH))
        except (csv.Error, ValidationError) as error:
            fault = error
        numbers: Sequence[int] = range(line, line + len(rows))
        if reader.line_num >= line + len(rows):  # some have line ends within a cell, or there is a fault
            numbers = beginnings(line, rows)
            line = numbers.pop()
        else:
            line += len(rows)
        if rows:
            yield numbers, rows
    if isinstance(fault, csv.Error):
        raise ValidationError(said_of(fault, line))
    if fault:
        raise fault


def said_of(fault: csv.Error, line: int) -> str:
    """What the csv module means."""
    said = str(fault)
    if "field limit" in said:
        reason = _("A cell that begins there has more than %(count)d characters. Is a quote not closed?")
        reason %= {"count": csv.field_size_limit()}
    elif "unexpected end" in said:
        reason = _("A quote is opened there and not closed.")
    elif "expected after" in said:
        reason = _("A quote ends within a cell. Write a quote that is part of a text twice.")
    else:
        reason = f"{said[:1].upper()}{said[1:]}."
    return _("Line %(line)d cannot be read. %(reason)s") % {"line": line, "reason": reason}


def beginnings(line: int, rows: list[list[str]]) -> list[int]:
    """The line on which each of the records begins, and the one that follows them."""
    numbers = [line]
    for row in rows:
        line += 1
        for cell in row:
            if "\n" in cell or "\r" in cell:
                line += cell.count("\n") + cell.count("\r") - cell.count("\r\n")
        numbers.append(line)
    return numbers


def separated(lines: Iterable[str], delimiter: str) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if SEPARATOR in line:
            raise ValidationError(
                _("Line %(line)d holds an invisible control character (U+001F). Take it out.")
                % {"line": number}
            )
        yield line.replace(delimiter, SEPARATOR)


def check_delimiter(delimiter: str) -> None:
    if len(delimiter) > 10 or any(c in delimiter for c in '"\r\n\0' + SEPARATOR):
        raise ValidationError(_("Cells cannot be separated by “%s”. Give another delimiter.") % delimiter)


def find_delimiter(sample: list[str], is_known: Callable[[str], bool] | None, is_whole: bool) -> str:
    """What separates the cells of most lines into the same number, outside of quotes.

    A line with names of columns that are known says more than all the others.
    """
    best, best_score = DELIMITERS[0], (0, 0.0, 0)
    for delimiter in DELIMITERS:
        if not any(delimiter in line for line in sample):
            continue
        widths: Counter[int] = Counter()
        known = read_to = 0
        try:
            for line, row in chain.from_iterable(
                zip(*batch, strict=True) for batch in batches(iter(sample), delimiter)
            ):
                read_to = line
                width = next((n for n in range(len(row), 0, -1) if row[n - 1].strip()), 0)
                if width:
                    widths[len(row)] += 1
                    known = max(known, sum(map(is_known, row)) if is_known and width > 1 else 0)
        except ValidationError:
            unread = len(sample) - read_to
            if is_whole or unread > 50:  # a fault, and not a record that the sample ends in
                widths[1] += unread + 1
        several = [(count, width) for width, count in widths.items() if width > 1]
        if several:
            count, width = max(several)
            score = (known, round(count / sum(widths.values()), 2), width)
            if score > best_score:
                best, best_score = delimiter, score
    return best
