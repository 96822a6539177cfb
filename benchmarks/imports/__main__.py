"""How long an import takes, and how much memory: ``python -m benchmarks.imports`` (a table in Markdown).

On SQLite and on a PostgreSQL of its own, in one run beside the two things to compare with: the rows that the import
stored, copied with their ids resolved into the same empty table with its keys and indexes; and django-import-export
as it comes (10,000 lines only).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.postgres import server

from .generate import lines, write

ROOT = Path(__file__).resolve().parent.parent.parent
STOCK_LINES = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    options = parser.parse_args()
    say("| database | lines | step | seconds | times COPY | peak MB | what it said |")
    say("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="openfield-benchmark-") as folder:
        for count in options.lines:
            files = make_files(Path(folder), count)
            for database in options.databases:
                measure(database, count, files)


def make_files(folder: Path, count: int) -> dict[str, Path]:
    files = {name: folder / f"{name}-{count}.csv" for name in ("first", "other", "changed", "bad")}
    write(files["first"], count)
    write(files["other"], count, order="other")
    write(files["changed"], count, changed=0.01)
    write(files["bad"], count, bad=0.01)
    return files


def measure(database: str, count: int, files: dict[str, Path]) -> None:
    rows: list[tuple[str, dict[str, Any]]] = []
    with fresh(database) as run:
        rows.append(("1% bad lines", run("ours", files["bad"])))
        wrong = sum(good != bad for good, bad in zip(lines(count), lines(count, bad=0.01), strict=True))
        assert f"errors in {wrong} of {count} lines" in rows[-1][1]["said"]
        rows.append(("first", run("ours", files["first"])))
        rows.append(("the same file", run("same_bytes", files["first"])))
        rows.append(("the same lines, last to first", run("ours", files["other"])))
        rows.append(("1% changed", run("ours", files["changed"])))
        assert " 0 new, " in rows[-1][1]["said"], rows[-1][1]["said"]
    with fresh(database) as run:
        run("ours", files["first"])
        copy = run("copy")
        rows.append(
            ("COPY of resolved ids" if database == "postgresql" else "executemany of resolved ids", copy)
        )
    if count == STOCK_LINES:
        with fresh(database) as run:
            rows.append(("django-import-export as it comes", run("stock", files["first"])))
    for step, found in rows:
        times = found["seconds"] / copy["seconds"]
        say(
            f"| {database} | {count:,} | {step} | {found['seconds']:.2f} | {times:.2f} | "
            f"{found['megabytes']:.0f} | {found['said']} |"
        )


@contextmanager
def fresh(database: str) -> Iterator[Callable[..., dict[str, Any]]]:
    """A migrated database with the donors and operations of the sample; gives what runs a step in it."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="openfield-benchmark-"))
        env = {**os.environ, "DATA_DIR": folder, "DEBUG": "1", "PYTHONPATH": str(ROOT)}
        env.pop("DATABASE_URL", None)
        if database == "postgresql":
            env["DATABASE_URL"] = stack.enter_context(server())

        def run(step: str, *arguments: Path) -> dict[str, Any]:
            command = [sys.executable, "-m", "benchmarks.imports.steps", step, *map(str, arguments)]
            done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(done.stderr)
            return json.loads(done.stdout.splitlines()[-1])

        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=ROOT, env=env, check=True)
        run("seed")
        yield run


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


main()
