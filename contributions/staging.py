"""The lines of a file beside the books: staged, compared with them set-wise, and stored.

All of it is SQL over ``StagedLine`` and ``Contribution``, the same on PostgreSQL and SQLite but for how rows get
in (COPY there, executemany here). Every line starts as new and first of its key; what is known or repeated is
found by comparing, and marked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from .cleaning import Staged
from .models import COMPARED, Contribution, ImportBatch, StagedLine

STAGED = StagedLine._meta.db_table
BOOKS = Contribution._meta.db_table

# As ``cleaning.LineCleaner`` makes them.
COLUMNS = ("line", "reference", "donor_token", "date", "operation_id", "budget_year", "amount_usd", "currency",
           "amount", "earmarking", "description", "key")  # fmt: skip
MANY = 1000  # lines
LOCK = 5_041_201  # of the books, among PostgreSQL's advisory locks
STORED = ("n", "a", "c")  # the states of lines that an import adds to the books
ALWAYS = ("batch_id", "state", "occurrence", "decision")

# Joined to the books as ``c``; those without ``m`` are matched by no staged line of the batch that it is given.
NOT_MATCHED = f"LEFT JOIN {STAGED} AS m ON m.previous_id = c.id AND +m.batch_id = %s"


def is_postgres() -> bool:
    return connection.vendor == "postgresql"


def is_same() -> str:
    """The operator that compares, and takes NULL for a value."""
    return "IS NOT DISTINCT FROM" if is_postgres() else "IS"


def run(sql: str, *parameters: Any) -> int:
    """How many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.rowcount


def rows(sql: str, *parameters: Any) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def lock_books() -> None:
    """One at a time changes the books; on SQLite one transaction at a time writes at all."""
    if is_postgres():
        run("SELECT pg_advisory_xact_lock(%s)", LOCK)


class TakenOver(Exception):
    """Another worker does the job of this batch by now: nothing of it may be touched any more."""


def hold(batch: ImportBatch, **fields: Any) -> None:
    """A sign of life, in the transaction of what it is the life of; ``TakenOver`` where the job is another's by now."""
    ours = ImportBatch.objects.filter(pk=batch.pk, attempts=batch.attempts, queued_at=batch.queued_at)
    if not ours.update(beat_at=timezone.now(), **fields):
        raise TakenOver


# --- In ---------------------------------------------------------------------------------------------


def stage(batch: ImportBatch, lines: Sequence[Staged]) -> None:
    """Add lines to the stage, in a transaction of their own."""
    if not lines:
        return
    always = (batch.pk, StagedLine.State.NEW.value, 1, "")
    with transaction.atomic(), connection.cursor() as cursor:
        hold(batch)
        if is_postgres():
            names = ", ".join((*ALWAYS, *COLUMNS))
            before = "\t".join(map(str, always)) + "\t"
            with cursor.copy(f"COPY {STAGED} ({names}) FROM STDIN") as copy:
                copy.write("".join(copied(before, lines)))
        else:
            names, marks = ", ".join((*ALWAYS, *COLUMNS)), ", ".join(["%s"] * (len(ALWAYS) + len(COLUMNS)))
            many = f"INSERT INTO {STAGED} ({names}) VALUES ({marks})"
            cursor.executemany(many, [always + line for line in lines])


def copied(before: str, lines: Iterable[Staged]) -> Iterator[str]:
    """In PostgreSQL's text form. Cleaned text holds no tab and no line end; a backslash it may hold."""
    for line in lines:
        text = "\t".join(["\\N" if value is None else str(value) for value in line])
        yield f"{before}{text}\n" if "\\" not in text else f"{before}{escaped(line)}\n"


def escaped(line: Staged) -> str:
    return "\t".join("\\N" if value is None else str(value).replace("\\", "\\\\") for value in line)


def clear(batch: ImportBatch) -> None:
    """Forget the staged lines of a batch."""
    with transaction.atomic():
        hold(batch)
        StagedLine.objects.filter(batch=batch).delete()


# --- Compared ---------------------------------------------------------------------------------------


def compare(
    batch: ImportBatch, columns: Iterable[str], complete_years: Iterable[int] = (), *, is_first: bool = False
) -> int:
    """Mark each staged line as new, replacing, or unchanged; with ``complete_years``, add what is to be withdrawn.

    Answers how many different lines stand in the file more than once, word for word.

    ``columns``: those that the file has; the others are kept from the known line and not compared. Equal lines of
    a key match first, so that the order of a file means nothing; what is left over is paired in order. What was
    decided of a line stands as long as it differs from the same known line.
    """
    compared = [name for name in COMPARED if name in set(columns)]
    with transaction.atomic():
        hold(batch)
        if not is_first:
            forget_comparison(batch)
        if is_postgres():
            run(f"ANALYZE {STAGED}")
            # A table that was counted while it was empty would be searched once for each line.
            run("SET LOCAL enable_nestloop = off")
            run("SET LOCAL work_mem = '64MB'")
        shared = find_shared_keys(batch)
        if Contribution.objects.current().exists():
            match_single(batch, compared, shared)
        if shared:
            match_shared(batch, compared)
        repeated = 0
        if shared:
            number_repeated(batch)
            repeated = len(repeated_lines(batch))
        run("DROP TABLE IF EXISTS shared_keys")
        if not is_first:
            decide_again(batch)
        for year in complete_years:
            withdraw_missing(batch, year)
    return repeated


def forget_comparison(batch: ImportBatch) -> None:
    """Take every line for new; what was decided of them is kept aside for ``decide_again``."""
    run("DROP TABLE IF EXISTS decided_lines")
    run(
        f"CREATE TEMPORARY TABLE decided_lines AS SELECT id, previous_id, decision FROM {STAGED} "
        f"WHERE batch_id = {batch.pk:d} AND decision <> ''"
    )
    run(f"DELETE FROM {STAGED} WHERE batch_id = %s AND state = 'w'", batch.pk)
    run(
        f"UPDATE {STAGED} SET state = 'n', previous_id = NULL, occurrence = 1, decision = '' "
        "WHERE batch_id = %s AND (state <> 'n' OR occurrence <> 1 OR decision <> '')",
        batch.pk,
    )


def decide_again(batch: ImportBatch) -> None:
    """Take the decisions that were kept aside, where a line still differs from the known line that they are about."""
    # What a known line says never changes: what differs from the same one differs as it did.
    run(
        f"UPDATE {STAGED} AS s SET decision = d.decision, "
        "state = CASE WHEN d.decision = 'r' THEN 'c' ELSE d.decision END FROM decided_lines AS d "
        "WHERE s.id = d.id AND s.previous_id = d.previous_id AND s.state = 'c'"
    )
    run("DROP TABLE decided_lines")
    number_added(batch)


def repeated_lines(batch: ImportBatch) -> list[tuple]:
    return rows(
        f"SELECT COUNT(*) FROM {STAGED} WHERE batch_id = %s AND key IN (SELECT key FROM shared_keys) "
        f"GROUP BY key, {', '.join(COMPARED)} HAVING COUNT(*) > 1",
        batch.pk,
    )


def find_shared_keys(batch: ImportBatch) -> bool:
    """Keep the keys that are not one line here and at most one there; whether there are any."""
    run("DROP TABLE IF EXISTS shared_keys")
    run(
        f"CREATE TEMPORARY TABLE shared_keys AS "
        f"SELECT key FROM {STAGED} WHERE batch_id = {batch.pk:d} GROUP BY key HAVING COUNT(*) > 1 "
        f"UNION SELECT key FROM {BOOKS} WHERE is_current AND occurrence > 1"
    )
    run("CREATE INDEX shared_key ON shared_keys (key)")
    return bool(rows("SELECT 1 FROM shared_keys LIMIT 1"))


def match_single(batch: ImportBatch, compared: Sequence[str], shared: bool) -> None:
    equal = " AND ".join(f"s.{name} {is_same()} c.{name}" for name in compared) or "1 = 1"
    apart = "AND NOT EXISTS (SELECT 1 FROM shared_keys AS k WHERE k.key = s.key)" if shared else ""
    run(
        f"UPDATE {STAGED} AS s SET previous_id = c.id, occurrence = c.occurrence, "
        f"state = CASE WHEN {equal} THEN 'u' ELSE 'c' END "
        f"FROM {BOOKS} AS c WHERE c.key = s.key AND c.is_current AND s.batch_id = %s {apart}",
        batch.pk,
    )


def match_shared(batch: ImportBatch, compared: Sequence[str]) -> None:
    """Lines of keys that several share: equal ones first, then the others in order of line and occurrence."""
    for names, state in ((compared, "u"), ((), "c")):
        by, theirs = ", ".join(("key", *names)), ", ".join(f"c.{name}" for name in ("key", *names))
        join = "a.key = b.key AND a.place = b.place" + "".join(
            f" AND a.{name} {is_same()} b.{name}" for name in names
        )
        run(
            f"UPDATE {STAGED} AS s SET previous_id = pair.known, occurrence = pair.occurrence, state = '{state}' "
            f"FROM (SELECT a.id AS id, b.id AS known, b.occurrence AS occurrence FROM "
            f"(SELECT id, {by}, ROW_NUMBER() OVER (PARTITION BY {by} ORDER BY line) AS place "
            f" FROM {STAGED} WHERE batch_id = %s AND state = 'n' AND key IN (SELECT key FROM shared_keys)) AS a "
            f"JOIN (SELECT c.id, c.occurrence, {theirs}, "
            f" ROW_NUMBER() OVER (PARTITION BY {theirs} ORDER BY c.occurrence) AS place "
            f" FROM {BOOKS} AS c {NOT_MATCHED} "
            f" WHERE m.id IS NULL AND c.is_current AND c.key IN (SELECT key FROM shared_keys)) AS b "
            f"ON {join}) AS pair WHERE s.id = pair.id",
            batch.pk,
            batch.pk,
        )


def number_repeated(batch: ImportBatch) -> None:
    """Give new lines of a shared key the lowest occurrences that no current line of it has."""
    new = rows(
        f"SELECT id, key FROM {STAGED} WHERE batch_id = %s AND state = 'n' "
        "AND key IN (SELECT key FROM shared_keys) ORDER BY key, line",
        batch.pk,
    )
    known = rows(
        f"SELECT key, occurrence FROM {BOOKS} WHERE is_current AND key IN (SELECT key FROM shared_keys)"
    )
    taken: dict[Any, set[int]] = {}
    for key, occurrence in known:
        taken.setdefault(key, set()).add(occurrence)
    numbered, free, last = [], 1, None
    for pk, key in new:
        free = free + 1 if key == last else 1
        while free in taken.get(key, ()):
            free += 1
        last = key
        if free > 1:
            numbered.append((free, pk))
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {STAGED} SET occurrence = %s WHERE id = %s", numbered)


def number_added(batch: ImportBatch) -> None:
    """Give the lines that were decided to be gifts of their own occurrences that no other line of their key has."""
    added = rows(f"SELECT id, key FROM {STAGED} WHERE batch_id = %s AND state = 'a'", batch.pk)
    for pk, key in added:
        taken = rows(
            f"SELECT occurrence FROM {BOOKS} WHERE is_current AND key = %s "
            f"UNION SELECT occurrence FROM {STAGED} WHERE batch_id = %s AND key = %s AND id <> %s",
            *(key, batch.pk, key, pk),
        )
        free = next(number for number in count(1) if (number,) not in taken)
        run(f"UPDATE {STAGED} SET occurrence = %s WHERE id = %s", free, pk)


def withdraw_missing(batch: ImportBatch, year: int) -> None:
    """Stage the withdrawal of each current line of a budget year that the file does not have."""
    copied = ", ".join(f"c.{name}" for name in ("reference", "date", "operation_id", "budget_year", "amount_usd",
                                                "currency", "amount", "earmarking", "description", "key",
                                                "occurrence"))  # fmt: skip
    names = copied.replace("c.", "")
    run(
        f"INSERT INTO {STAGED} (batch_id, line, state, decision, previous_id, donor_token, {names}) "
        f"SELECT {batch.pk:d}, 0, 'w', '', c.id, d.token, {copied} FROM {BOOKS} AS c "
        f"JOIN contributions_donor AS d ON d.id = c.donor_id {NOT_MATCHED} "
        f"WHERE m.id IS NULL AND c.is_current AND c.budget_year = %s",
        batch.pk,
        year,
    )


def find_alike(batch: ImportBatch) -> None:
    """Keep the donor, day and US dollars of the known lines that the file does not have, of the days of its new ones."""
    run("DROP TABLE IF EXISTS known_lines")
    days = f"SELECT {{}}(date) FROM {STAGED} WHERE batch_id = %s AND state = 'n'"
    run(
        f"CREATE TEMPORARY TABLE known_lines AS SELECT d.token, c.date, c.amount_usd, MIN(c.id) AS id FROM {BOOKS} AS c "
        f"JOIN contributions_donor AS d ON d.id = c.donor_id {NOT_MATCHED} WHERE m.id IS NULL AND c.is_current "
        f"AND c.date BETWEEN ({days.format('MIN')}) AND ({days.format('MAX')}) GROUP BY d.token, c.date, c.amount_usd",
        *[batch.pk] * 3,
    )
    run("CREATE INDEX known_line ON known_lines (token, date, amount_usd)")


def alike(batch: ImportBatch, columns: str, rest: str = "") -> list[tuple]:
    """These columns of new lines (``s``) with the donor, day and US dollars of a known one (``k``)."""
    with transaction.atomic():
        find_alike(batch)
        found = rows(
            f"SELECT {columns} FROM {STAGED} AS s JOIN known_lines AS k ON k.token = s.donor_token "
            f"AND k.date = s.date AND k.amount_usd = s.amount_usd WHERE s.batch_id = %s AND s.state = 'n' {rest}",
            batch.pk,
        )
        run("DROP TABLE known_lines")
    return found


def count_alike(batch: ImportBatch) -> int:
    """New lines with the donor, day and US dollars of a known one that the file does not have."""
    return alike(batch, "COUNT(*)")[0][0]


def first_alike(batch: ImportBatch, most: int) -> list[tuple[int, int]]:
    """Of the first of these the keys of the staged and of the known line."""
    return alike(batch, "s.id, k.id", f"ORDER BY s.line LIMIT {most:d}")


# --- Out --------------------------------------------------------------------------------------------


def store(batch: ImportBatch, columns: Iterable[str]) -> tuple[int, int]:
    """Replace and add the lines as they were staged: how many were replaced or withdrawn, and how many stored.

    Within a transaction of the caller, who has made sure that nothing changed since they were compared. A column
    that the file does not have is kept from the line that is replaced.
    """
    replaced = run(
        f"UPDATE {BOOKS} SET is_current = %s, replaced_in_id = %s WHERE is_current AND id IN "
        f"(SELECT previous_id FROM {STAGED} WHERE batch_id = %s AND state IN ('c', 'w'))",
        False,
        batch.pk,
        batch.pk,
    )
    kept = [name for name in COMPARED if name not in set(columns)]
    known = {name: f"s.{name}" for name in (*COMPARED, "reference")}
    known |= {name: f"CASE WHEN s.state = 'c' THEN o.{name} ELSE s.{name} END" for name in kept}
    names = ("date", "operation_id", "budget_year", "earmarking", "key", "occurrence", "line")
    join = f"LEFT JOIN {BOOKS} AS o ON o.id = s.previous_id" if kept else ""
    stored = run(
        f"INSERT INTO {BOOKS} (batch_id, donor_id, is_current, withdraws, replaced_in_id, "
        f"{', '.join(known)}, {', '.join(names)}) "
        f"SELECT {batch.pk:d}, d.id, s.state <> 'w', s.state = 'w', NULL, "
        f"{', '.join(known.values())}, {', '.join(f's.{name}' for name in names)} "
        f"FROM {STAGED} AS s JOIN contributions_donor AS d ON d.token = s.donor_token {join} "
        f"WHERE s.batch_id = {batch.pk:d} AND s.state IN ('n', 'a', 'c', 'w') ORDER BY s.line, s.id"
    )
    if is_postgres() and stored >= MANY:
        run(f"ANALYZE {BOOKS}")  # what comes next would be planned for the books as they were
    return replaced, stored


@dataclass(frozen=True)
class Tally:
    """What the staged lines of a batch come to."""

    counts: dict[str, int]  # by state: new, changed, unchanged, withdrawn, kept
    stored: Decimal  # US dollars of the lines that the import would store
    fingerprint: str  # the same as long as it would add, replace and withdraw the same lines


def tally(batch: ImportBatch) -> Tally:
    found = rows(
        "SELECT state, COUNT(*), SUM(amount_usd), SUM(previous_id %% 1000003 * (line %% 1009 + 1)), SUM(occurrence) "
        f"FROM {STAGED} WHERE batch_id = %s GROUP BY state ORDER BY state",
        batch.pk,
    )
    states = StagedLine.State
    counts = {state: count for state, count, *_sums in found}
    cents = sum(int(sum_) for state, _count, sum_, *_marks in found if state in STORED)
    marks = [[state, *(None if number is None else int(number) for number in row)] for state, *row in found]
    return Tally(
        {
            "new": counts.get(states.NEW, 0) + counts.get(states.ADDED, 0),
            "changed": counts.get(states.CHANGED, 0),
            "unchanged": counts.get(states.UNCHANGED, 0),
            "withdrawn": counts.get(states.WITHDRAWN, 0),
            "kept": counts.get(states.KEPT, 0),
        },
        Decimal(cents).scaleb(-2),
        hashlib.blake2b(repr(marks).encode(), digest_size=12).hexdigest(),
    )


def imports_of_older_forms(batch: ImportBatch) -> list[int]:
    """The standing imports that brought an older form of a line of this one."""
    return _imports_of_other_forms(batch, "o.id < c.id AND NOT o.is_current")


def imports_of_newer_forms(batch: ImportBatch) -> list[int]:
    """The standing imports that brought a newer form of a line of this one, or withdrew it."""
    return _imports_of_other_forms(batch, "o.id > c.id AND NOT c.is_current")


def _imports_of_other_forms(batch: ImportBatch, which: str) -> list[int]:
    if not Contribution.objects.filter(is_current=False).exists():
        return []
    found = rows(
        f"SELECT DISTINCT o.batch_id FROM {BOOKS} AS c JOIN {BOOKS} AS o "
        f"ON o.key = c.key AND o.occurrence = c.occurrence AND o.batch_id <> c.batch_id AND {which} "
        f"JOIN {ImportBatch._meta.db_table} AS b ON b.id = o.batch_id AND b.withdrawn_at IS NULL "
        f"WHERE c.batch_id = %s",
        batch.pk,
    )
    return [pk for (pk,) in found]


# --- Back -------------------------------------------------------------------------------------------


def take_back(batch: ImportBatch) -> None:
    """Make current, of each line of an undone import, the newest form that another standing one gave it."""
    batches = ImportBatch._meta.db_table
    run(f"UPDATE {BOOKS} SET is_current = %s WHERE batch_id = %s AND is_current", False, batch.pk)
    run(
        f"UPDATE {BOOKS} SET is_current = %s WHERE NOT withdraws AND id IN ("
        f"SELECT MAX(c.id) FROM {BOOKS} AS c JOIN {batches} AS b ON b.id = c.batch_id "
        f"JOIN {BOOKS} AS mine ON mine.key = c.key AND mine.occurrence = c.occurrence AND mine.batch_id = %s "
        f"WHERE b.withdrawn_at IS NULL GROUP BY c.key, c.occurrence)",
        True,
        batch.pk,
    )
