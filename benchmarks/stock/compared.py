"""Each case through both imports, and how often each of them was right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from . import ours, stock, table
from .cases import (
    BAD,
    BAD_INPUT,
    CRASH,
    GOOD_REFUSED,
    RIGHT,
    UNCLEAR,
    WORDS,
    WRONG,
    Outcome,
    Reading,
    best_verdict,
    expected_of,
    verdict,
)

SITE, PREVIEWED, ALONE = (
    "Openfield",
    "django-import-export, as its admin does it: what has errors in the preview cannot be confirmed",
    "django-import-export, `import_data()` without a preview",
)


@dataclass
class Row:
    """A case in the table, and how each import did."""

    cells: list[str]
    verdicts: dict[str, str]
    outcomes: dict[str, Outcome]


def case(given: dict[str, Any]) -> Row:
    outcomes = {
        SITE: stock.apart(partial(through_ours, given)),
        PREVIEWED: stock.apart(partial(through_stock, given, with_preview=True)),
        ALONE: stock.apart(partial(through_stock, given, with_preview=False)),
    }
    verdicts = {
        SITE: verdict(expected_of(given), outcomes[SITE]),
        PREVIEWED: best_verdict(given, outcomes[PREVIEWED]),
        ALONE: best_verdict(given, outcomes[ALONE]),
    }
    cells = [
        given["id"],
        table.plain(given["title"]),
        table.plain(table.said_of(expected_of(given))),
        table.with_verdict(verdicts[SITE], table.shown(given, outcomes[SITE])),
        both(outcomes, verdicts),
    ]
    return Row(cells, verdicts, outcomes)


def both(outcomes: dict[str, Outcome], verdicts: dict[str, str]) -> str:
    """What the library did; and what it does without its preview, where that is worse."""
    said = table.with_verdict(verdicts[PREVIEWED], table.plain(table.what_became(outcomes[PREVIEWED])))
    if verdicts[ALONE] == verdicts[PREVIEWED]:
        return said
    alone = table.with_verdict(verdicts[ALONE], table.plain(table.what_became(outcomes[ALONE])))
    return f"{said}; without a preview {alone}"


def through_ours(given: dict[str, Any]) -> Outcome:
    ours.know_donors(donors_of(given))
    for before in given["setup"]:
        ours.run(BAD[before], BAD_INPUT / BAD[before]["file"])
    return ours.run(given, BAD_INPUT / given["file"])[0]


def through_stock(given: dict[str, Any], *, with_preview: bool) -> Outcome:
    stock.make_donors(row["donor"] for row in donors_of(given))
    for before in given["setup"]:
        stock.imported(BAD_INPUT / BAD[before]["file"], with_preview=with_preview)
    return stock.imported(BAD_INPUT / given["file"], with_preview=with_preview)


def donors_of(given: dict[str, Any]) -> list[dict[str, str]]:
    return [row for each in (BAD["C001"], BAD["C003"], BAD["C007"], given) for row in each["rows"]]


# --- The awkward files ------------------------------------------------------------------------------


def reading(given: Reading) -> Row:
    expected = table.plain(table.expected_of_reading(given))
    cells = [table.plain(given.id), table.plain(given.file), expected]
    if given.why:
        return Row([*cells, table.plain(given.why), "–"], {}, {})
    outcomes = {
        SITE: stock.apart(partial(ours.run_reading, given)),
        PREVIEWED: stock.apart(partial(reading_through_stock, given, with_preview=True)),
        ALONE: stock.apart(partial(reading_through_stock, given, with_preview=False)),
    }
    verdicts = {name: verdict_of_reading(given, outcome) for name, outcome in outcomes.items()}
    said = table.with_verdict(verdicts[SITE], table.shown_reading(given, outcomes[SITE]))
    return Row([*cells, said, both(outcomes, verdicts)], verdicts, outcomes)


def reading_through_stock(given: Reading, *, with_preview: bool) -> Outcome:
    stock.know_donors_of(given.path, given)
    return stock.imported(given.path, stock.prepared(given), with_preview=with_preview)


def verdict_of_reading(given: Reading, outcome: Outcome) -> str:
    if outcome.crash:
        return CRASH
    if not given.sums:
        lines = {line for line, _column in outcome.places}
        if outcome.lines:
            return WRONG
        return RIGHT if len(lines) == int(given.expected[0]["rejected"]) else UNCLEAR
    if not outcome.lines:
        return GOOD_REFUSED
    fine = given.options.get("round_to_cents", False)
    found, wanted = stock.sums(outcome), ours.wanted_sums(given)
    is_right = found.keys() == wanted.keys() and all(
        found[code][0] == count and abs(found[code][1] - total) <= fine * count * ours.HALF_A_CENT
        for code, (count, total) in wanted.items()
    )
    return RIGHT if is_right else WRONG


# --- How often --------------------------------------------------------------------------------------


def summary(rows: Iterable[Row], what: str) -> str:
    rows = [row for row in rows if row.verdicts]
    lines = []
    for name in (SITE, PREVIEWED, ALONE):
        counts = Counter(row.verdicts[name] for row in rows)
        seconds = max(row.outcomes[name].seconds for row in rows)
        megabytes = max(row.outcomes[name].megabytes for row in rows)
        figures = [str(counts[found]) for found in WORDS]
        lines.append([name, *figures, f"{seconds:.1f}", f"{megabytes:.0f}"])
    return table.markdown([f"{len(rows)} {what}", *WORDS.values(), "longest, s", "most memory, MB"], lines)
