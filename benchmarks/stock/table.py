"""The table of the cases in docs/import.md: written by ``python -m benchmarks.stock --write``, read by the tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from operations.cells import shortened

from .cases import FILE, RIGHT, ROWS, WORDS, Expected, Outcome, Reading

DOCUMENT = Path(__file__).resolve().parent.parent.parent / "docs" / "import.md"
BEGIN, END = "<!-- begin: python -m benchmarks.stock --write -->", "<!-- end -->"
HEADER = ["case", "file", "expected", "Openfield", "django-import-export as it comes"]


def rows(document: str) -> list[list[str]]:
    """The rows of the table of cases, without its header."""
    if BEGIN not in document:
        return []
    inside = document.partition(BEGIN)[2].partition(END)[0]
    lines = [line for line in inside.splitlines() if line.startswith("| ")]
    found = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [cells for cells in found if len(cells) == len(HEADER) and cells != HEADER]


def replaced(document: str, inside: str) -> str:
    before, _begin, rest = document.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{inside}\n\n{END}{rest.partition(END)[2]}"


def markdown(header: list[str], lines: Iterable[Iterable[str]]) -> str:
    """``lines``: of cells as ``plain`` has them."""
    return "\n".join(
        [
            "| " + " | ".join(header) + " |",
            "|" + "---|" * len(header),
            *("| " + " | ".join(cells) + " |" for cells in lines),
        ]
    )


def plain(text: str) -> str:
    """As a cell of Markdown."""
    for sign in "\\|<*`":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


def counted(count: int, noun: str = "line") -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def said_of(expected: Expected) -> str:
    """What has to become of a file."""
    if expected.state == FILE:
        said = "refuse the file"
    elif expected.state == ROWS:
        said = f"refuse, naming {named(expected.places)}"
    else:
        said = taken(len(expected.lines), expected.known)
    return f"{said} ({expected.why})" if expected.why else said


def named(places: Iterable[tuple[int, str]]) -> str:
    """ "6 lines (date, amount)"."""
    places = list(places)
    columns = Counter(column for _line, column in places)
    names = ", ".join(sorted(name for name in columns if name))
    return counted(len({line for line, _column in places})) + (f" ({names})" if names else "")


def taken(new: int, known: int) -> str:
    if not new:
        return f"nothing new, {counted(known)} known"
    return f"{counted(new)} taken" + (f", {known:,} known" if known else "")


def shown(case: dict[str, Any], outcome: Outcome) -> str:
    """What became of a file, in a few words."""
    return plain(asked(outcome) + what_became(outcome))


def asked(outcome: Outcome) -> str:
    return f"asks about {' and '.join(outcome.asked)}; then " if outcome.asked else ""


def what_became(outcome: Outcome) -> str:
    if outcome.crash:
        return shortened(outcome.crash, 90)
    if outcome.state == FILE:
        return f"refused: “{shortened(outcome.said, 110)}”" if outcome.said else "refused without a word"
    if outcome.state == ROWS and outcome.lines:
        return f"{counted(len(outcome.lines))} taken, though {named(outcome.places)} had errors"
    if outcome.state == ROWS:
        return f"refused, naming {named(outcome.places)}"
    return taken(len(outcome.lines), outcome.known)


def with_verdict(found: str, said: str) -> str:
    return said if found == RIGHT else f"{WORDS[found]}: {said}"


def expected_of_reading(reading: Reading) -> str:
    if reading.expected[0]["importable"] == "0":
        return f"refuse, naming {counted(int(reading.expected[0]['data_records']))}"
    count = sum(int(line["rows_in_currency"]) for line in reading.expected)
    sums = [f"{line['currency']} {line['sum']}" for line in reading.expected if len(reading.expected) == 1]
    return f"{counted(count)}" + (f", {sums[0]}" if sums else f", {len(reading.expected)} currencies")


def shown_reading(reading: Reading, outcome: Outcome) -> str:
    """What became of an awkward file, in a few words."""
    if reading.why:
        return plain(reading.why)
    left = outcome.left_out
    said = what_became(outcome)
    if len(codes := {line[4] for line in outcome.lines}) == 1:
        said += f", {codes.pop()} {sum(line[3] for line in outcome.lines)}"
    return plain(said + (f", {left:,} left out" if left else ""))
