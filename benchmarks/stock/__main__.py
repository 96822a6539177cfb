"""The awkward and broken files through this site's import and through django-import-export as it comes.

``python -m benchmarks.stock`` prints a table in Markdown, with how often each was right; ``--write`` renews it in
docs/import.md. Every word of it is measured, on SQLite in a folder of its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="Renew the table in docs/import.md.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="openfield-benchmark-") as folder:
        os.environ |= {"DATA_DIR": folder, "DEBUG": "1", "DJANGO_SETTINGS_MODULE": "config.settings"}
        os.environ.pop("DATABASE_URL", None)
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=ROOT, check=True)
        import django

        django.setup()
        said = measured()
    sys.stdout.write(said + "\n")
    if options.write:
        from .table import DOCUMENT, replaced

        DOCUMENT.write_text(replaced(DOCUMENT.read_text(encoding="utf-8"), said), encoding="utf-8")


def measured() -> str:
    import time_machine

    from . import compared, ours, stock, table
    from .cases import BAD, MESSY, POLICY

    ours.make_operations()
    stock.make_table()
    with time_machine.travel(f"{POLICY['today']}T12:00:00Z", tick=False):
        cases = [compared.case(case) for case in BAD.values()]
        readings = [compared.reading(reading) for reading in MESSY.values()]
    return "\n\n".join(
        [
            compared.summary(cases, "broken and hostile files"),
            compared.summary(readings, "readings of awkward files"),
            table.markdown(table.HEADER, [row.cells for row in [*cases, *readings]]),
        ]
    )


if __name__ == "__main__":
    main()
