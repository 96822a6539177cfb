"""How long the pages of the money take, with few lines and with many: ``python -m benchmarks.pages`` (a table in Markdown).

On SQLite and on a PostgreSQL of its own. Each page is asked for in one warm process, as a reader asks for it; what
stands in the table is the median. The last column names the big tables that a query of the page reads from end to end,
without an index.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.imports.generate import write
from tests.postgres import server

ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, nargs="+", default=[25_000, 1_000_000])
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    options = parser.parse_args()
    counts = sorted(options.lines)
    heads = [f"{count:,} lines, s" for count in counts]
    say(f"| database | page | {' | '.join(heads)} | ratio | read from end to end |")
    say("|---|---|" + "---|" * (len(counts) + 2))
    with tempfile.TemporaryDirectory(prefix="openfield-benchmark-") as folder:
        files = {count: Path(folder) / f"{count}.csv" for count in counts}
        for count, path in files.items():
            write(path, count)
        for database in options.databases:
            found = [measure(database, files[count]) for count in counts]
            for page in found[-1]:
                seconds = [times[page]["seconds"] for times in found]
                ratio = f"{seconds[-1] / seconds[0]:.2f}" if seconds[0] else "–"
                scanned = ", ".join(found[-1][page]["scanned"]) or "–"
                cells = " | ".join(f"{number:.3f}" for number in seconds)
                say(f"| {database} | {page} | {cells} | {ratio} | {scanned} |")


def measure(database: str, path: Path) -> dict[str, dict]:
    """The pages of a fresh site with the lines of the file."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="openfield-benchmark-"))
        env = {**os.environ, "DATA_DIR": folder, "DEBUG": "1", "HTTPS": "0", "PYTHONPATH": str(ROOT)}
        env |= {"IMPORT_MAX_ROWS": "10000000", "IMPORT_MAX_BYTES": "10000000000", "LOG_LEVEL": "ERROR"}
        env.pop("DATABASE_URL", None)
        if database == "postgresql":
            env["DATABASE_URL"] = stack.enter_context(server())

        def run(*command: str) -> str:
            done = subprocess.run(
                [sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True, check=False
            )
            if done.returncode:
                sys.exit(done.stderr or done.stdout)
            return done.stdout

        run("manage.py", "migrate", "--verbosity", "0")
        run("-m", "benchmarks.imports.steps", "seed")
        run("-m", "benchmarks.pages.steps", "publish")
        run("manage.py", "import_contributions", str(path))
        return json.loads(run("-m", "benchmarks.pages.steps", "pages").splitlines()[-1])


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


main()
