"""A file with what is wrong in it: its own columns and rows, and one more column that says so."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from operations.tables import plain_cell

from .models import ImportBatch


def errors_file(batch: ImportBatch, table: Any) -> Iterator[str]:
    """CSV in parts: the rows of the file, with ``errors`` as their last column."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)

    def written() -> str:
        text = buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        return text

    problems = batch.problems.order_by("line", "pk").values_list("line", "column", "message").iterator()
    problem = next(problems, None)
    while problem and problem[0] <= 1:  # of the header
        problem = next(problems, None)
    writer.writerow([*table.headers, "errors"])
    yield "\ufeff" + written()
    for lines, rows in table.batches():
        for line, cells in zip(lines, rows, strict=True):
            said = []
            while problem and problem[0] <= line:
                said.append(f"{problem[1]}: {problem[2]}" if problem[1] else problem[2])
                problem = next(problems, None)
            writer.writerow([*map(plain_cell, cells), " ".join(said)])
        yield written()
