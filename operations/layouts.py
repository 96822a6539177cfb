"""The shapes in which people lay out a table: plain lines, lines in groups, the text block of an old page.

Pure functions over rows, which never lose one: what does not fit its shape comes out as it is, and the cell
rules then say by its line what is wrong with it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from .cells import collapsed, shortened

FLAT, GROUPED, BLOCK = "flat", "grouped", "block"

# --- Totals -----------------------------------------------------------------------------------------

TOTALS = frozenset(
    fold
    for language in (
        "total|totals|grand total|grand totals|sub total|subtotal|subtotals|sum|overall total|total amount",
        "total general|totaux|sous total|sous totaux|somme|montant total|total global",
        "suma|suma total|totales|subtotales|total parcial|importe total",
        "summe",
        "المجموع|مجموع|المجموع الكلي|المجموع العام|المجموع الفرعي|الاجمالي|اجمالي|الاجمالي العام",
    )
    for fold in language.split("|")
)
# A year or a currency after it: “Total 2021”, “Total (USD)”.
TOTAL_OF = re.compile(r"(.+?) (?:(?:en |in )?(?:usd|eur|us)|(?:19|20)[0-9]{2})")
#: What the cell of a total holds of them, in small letters, in capitals, or with one: a text without any has none.
SIGNS_OF_TOTALS = ("ota", "OTA", "omme", "OMME", "sum", "Sum", "SUM", "مجموع", "جمال")


def fold_label(text: str) -> str:
    """A label for comparing: no case, accents, punctuation or underscores; "Sous-total :" → "sous total"."""
    text = unicodedata.normalize("NFKD", collapsed(text).casefold())
    return " ".join(re.sub(r"[\W_]", " ", "".join(c for c in text if not unicodedata.combining(c))).split())


def is_total(cells: Iterable[Any]) -> bool:
    """Whether a cell of the row says that its amounts are a sum of others."""
    return any(type(cell) is str and is_total_label(cell) for cell in cells)


def is_total_label(text: str) -> bool:
    """Whether a text is a word for a sum, in any of the languages, alone or with a year or a currency."""
    if len(text) >= 40:
        return False
    lowered = text.casefold()
    if not any(sign in lowered for sign in SIGNS_OF_TOTALS):
        return False
    folded = fold_label(text)
    match = TOTAL_OF.fullmatch(folded)
    return folded in TOTALS or bool(match and match[1] in TOTALS)


# --- Kinds of cells ---------------------------------------------------------------------------------

YEAR = re.compile(r"(?:19|20)[0-9]{2}")
AMOUNT = re.compile(
    r"[-−(]{0,2}\s*(?:US\$|[$€£]|[A-Z]{3}\s)?\s*[-−]?[0-9][0-9.,'’\s]*%?\s*(?:[$€£]|[A-Z]{3})?\)?"
)
DAY = re.compile(r"[0-9]{1,4}[-/. ](?:[0-9]{1,2}|[^\W\d_]{3,12}\.?)(?:[-/. ][0-9]{2,4})?(?:[T ].*)?")


def is_empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and (not cell or cell.isspace()))


def is_value(cell: Any) -> bool:
    """Whether a cell is a number, an amount or a day, and so neither a label nor a name."""
    if type(cell) is not str:
        return cell is not None
    text = cell.strip()
    return len(text) < 60 and bool(AMOUNT.fullmatch(text) or DAY.fullmatch(text))


# --- Lines in groups --------------------------------------------------------------------------------

PRIVATE = re.compile(r"private donors?(?: in (?:the )?(.+))?", re.IGNORECASE)
Row = tuple[int, list[Any]]


class Places(NamedTuple):
    """Where in a row the columns are that a group concerns; ``None`` for one that the file has not."""

    donor: int | None = None
    donor_type: int | None = None
    date: int | None = None
    operation: int | None = None
    amounts: tuple[int, ...] = ()

    @classmethod
    def of(cls, headers: Sequence[str], mapping: Mapping[str, str]) -> Places:
        """By the mapping of headers to columns, as ``headings.propose`` has it."""
        found = {mapping[header]: place for place, header in enumerate(headers) if header in mapping}
        amounts = tuple(found[name] for name in ("amount_usd", "amount") if name in found)
        return cls(
            found.get("donor"), found.get("donor_type"), found.get("date"), found.get("operation"), amounts
        )


def grouped(rows: Iterable[Row], places: Places, *, width: int = 0) -> Iterator[Row]:
    """Rows of which an empty date or operation repeats the one above, and only those columns.

    A line of “private donors” (or “private donors in X”) completes the line above it that names a donor and
    no amount: both are one row then, of donor X and type private, with the line of the first. Where the file
    has no column for the type, the donor is “private donors in X”. A line of totals takes no part.
    """
    filled = [place for place in (places.date, places.operation) if place is not None]
    above: dict[int, Any] = {}
    waiting: Row | None = None
    for line, cells in rows:
        if is_total(cells):
            if waiting:
                yield waiting
                waiting = None
            yield line, cells
            continue
        cells = list(cells)
        for place in filled:
            if is_empty(cells[place]):
                cells[place] = above.get(place, cells[place])
            else:
                above[place] = cells[place]
        if waiting:
            joined = completed(waiting[1], cells, places)
            if joined is not None:
                yield waiting[0], joined
                waiting = None
                continue
            yield waiting
            waiting = None
        if lacks_amount(cells, places):
            waiting = (line, cells)
        else:
            yield line, cells
    if waiting:
        yield waiting


def lacks_amount(cells: list[Any], places: Places) -> bool:
    donor = "" if places.donor is None else cells[places.donor]
    return bool(
        not is_empty(donor)
        and not PRIVATE.fullmatch(collapsed(str(donor)))
        and places.amounts
        and all(is_empty(cells[place]) for place in places.amounts)
    )


def completed(first: list[Any], second: list[Any], places: Places) -> list[Any] | None:
    """Both lines as one row; ``None`` where the second does not complete the first."""
    assert places.donor is not None  # noqa: S101 - a line waits only where there are donors
    name = collapsed(str(first[places.donor]))
    match = PRIVATE.fullmatch(collapsed(str(second[places.donor] or "")))
    if not match or (match[1] and match[1].casefold() != name.casefold()):
        return None
    ours = {places.donor} | ({places.donor_type} if places.donor_type is not None else set())
    joined = []
    for place, (a, b) in enumerate(zip(first, second, strict=True)):
        if place not in ours and not (is_empty(a) or is_empty(b) or a == b):
            return None
        joined.append(b if is_empty(a) else a)
    if places.donor_type is None:
        joined[places.donor] = f"private donors in {name}"
    else:
        joined[places.donor_type] = "private"
    return joined


def looks_grouped(rows: Iterable[Row], places: Places) -> bool:
    """Whether the first rows read as groups: some leave out their date below one that has it, or are completed."""
    undated = dated = whole = 0
    for _line, cells in islice(rows, 500):
        donor = collapsed(str(cells[places.donor])) if places.donor is not None else ""
        if PRIVATE.fullmatch(donor) and whole:
            return True
        whole = not is_empty(donor) and lacks_amount(cells, places)
        if places.date is not None:
            dated += not is_empty(cells[places.date])
            undated += is_empty(cells[places.date]) and dated > 0
    return undated > 0 and undated >= dated / 4


# --- The text block ---------------------------------------------------------------------------------

BLOCK_HEADERS = ["date", "donor", "donor_type", "amount"]
BULLET = re.compile(r"\s*[•·▪‣●]\s*(.*)")
MONEY = re.compile(r"[-−(]?\s*(?:US\$|[$€£]|[A-Z]{3}\s)\s*[0-9][0-9.,\s]*\)?")
DATE = re.compile(
    r"[0-9]{1,2}[-/. ](?:[0-9]{1,2}|[^\W\d_]{3,12}\.?)[-/. ][0-9]{2,4}|[0-9]{4}-[0-9]{2}-[0-9]{2}"
)
LONGEST_ITEM = 6  # lines with text; a paragraph under a bullet is no contribution


class Item(NamedTuple):
    """What stands under one bullet: its lines with text, up to and with an amount."""

    lines: list[tuple[int, str]]

    @property
    def is_whole(self) -> bool:
        return len(self.lines) > 1 and bool(MONEY.fullmatch(self.lines[-1][1]))


def detect_block(text: str) -> bool:
    """Whether the text holds bullets with a donor and an amount in dollars, at least two of them."""
    items, _others = block_items(enumerate(text.splitlines(), 1))
    return sum(item.is_whole for item in items) >= 2


def block_items(lines: Iterable[tuple[int, str]]) -> tuple[list[Item], list[tuple[int, str]]]:
    """The bullets of a text, and the lines with text that are under none of them, each with its line."""
    items: list[Item] = []
    others: list[tuple[int, str]] = []
    current: Item | None = None
    for line, text in lines:
        if match := BULLET.match(text):
            current = Item([])
            items.append(current)
            text = match[1]
        text = collapsed(text)
        if not text:
            continue
        if current is not None and not current.is_whole and len(current.lines) < LONGEST_ITEM:
            current.lines.append((line, text))
        else:
            others.append((line, text))
    return items, others


def read_block(
    lines: Iterable[tuple[int, str]],
) -> tuple[list[Row], list[tuple[int, str]], list[tuple[int, str]]]:
    """The rows of the block (as ``BLOCK_HEADERS``), and the lines of text before it and after it.

    The date is carried down from bullet to bullet; “private donors” on a line of its own is the type of the
    donor above it. A bullet or a line within the block that is no contribution comes out as a row without
    an amount. Footnote marks stay on the names. A row has the line of its donor.
    """
    items, others = block_items(lines)
    whole = [place for place, item in enumerate(items) if item.is_whole]
    if not whole:
        return [], others + [line for item in items for line in item.lines], []
    within = items[whole[0] : whole[-1] + 1]
    first, last = within[0].lines[0][0], within[-1].lines[-1][0]
    outside = sorted(
        [*others, *(line for item in items[: whole[0]] + items[whole[-1] + 1 :] for line in item.lines)]
    )
    rows: list[Row] = []
    date = ""
    for item in within:
        given, row = block_row(item, date)
        date = given or date
        rows.append(row)
    rows += [(line, ["", text, "", ""]) for line, text in outside if first < line < last]
    before = [(line, text) for line, text in outside if line < first]
    return sorted(rows, key=lambda row: row[0]), before, [(n, text) for n, text in outside if n > last]


def block_row(item: Item, date: str) -> tuple[str, Row]:
    """The date that the item gives itself, and its row."""
    lines = list(item.lines)
    amount = lines.pop()[1] if item.is_whole else ""
    given = ""
    line = lines[0][0] if lines else 0
    if lines and DATE.fullmatch(lines[0][1]):
        given = lines.pop(0)[1]
    kind = ""
    if lines and (match := PRIVATE.fullmatch(lines[-1][1])) and (len(lines) > 1 or match[1]):
        kind = "private"
        lines = lines[:-1] or [(lines[-1][0], match[1])]
    donor = " ".join(text for _line, text in lines)
    return given, (lines[0][0] if lines else line, [given or date, donor, kind, amount])


def shown_line(cells: Iterable[Any]) -> str:
    """A row in one line, as a person is shown it."""
    texts = (collapsed(str(cell)) for cell in cells if not is_empty(cell))
    return shortened(" · ".join(text for text in texts if text), longest=200)
