"""What Lighthouse (mobile) says of every kind of public page: ``python -m benchmarks.lighthouse`` (a table in Markdown).

The demonstration, served as in production, in Debian's Chromium. Lighthouse comes from the npm registry, once, to
var/lighthouse; it needs Node.js and npm. Its mobile profile is a slow 4G line and a processor four times slower.
What costs a page a point is named under the table.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from .weight import ROOT, say, site

VERSION = "12.8.2"
FOLDER = ROOT / "var" / "lighthouse"
PAGES = {
    "start": "/",
    "operations": "/operations/",
    "operation": "/operations/peru/2020/",
    "operation, French": "/fr/operations/peru/2020/",
    "operation, Arabic": "/ar/operations/peru/2020/",
    "pillars": "/operations/chad/2017/pillars/",
    "history": "/operations/peru/2020/history/",
    "region": "/regions/ame/",
    "compare": "/compare/?with=peru-2020&with=colombia-2020",
    "contributions": "/contributions/",
    "donors": "/donors/",
    "donor": "/donors/germany/",
    "methodology": "/methodology/",
    "about the data": "/about/data/",
    "accessibility": "/accessibility/",
}
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
TIMES = (
    "first-contentful-paint",
    "largest-contentful-paint",
    "total-blocking-time",
    "cumulative-layout-shift",
)


def main() -> None:
    lighthouse = installed()
    lost: dict[str, list[str]] = {}
    say(
        "| page | performance | accessibility | best practices | search | first paint | largest | blocking | shift |"
    )
    say("|---|---|---|---|---|---|---|---|---|")
    with site() as address:
        for name, path in PAGES.items():
            report = measured(lighthouse, address + path)
            scores = [round(100 * report["categories"][category]["score"]) for category in CATEGORIES]
            times = [report["audits"][audit]["displayValue"].replace("\u00a0", " ") for audit in TIMES]
            say(f"| {name} | {' | '.join(map(str, scores))} | {' | '.join(times)} |")
            for reason in what_it_costs(report):
                lost.setdefault(reason, []).append(name)
    for reason, names in lost.items():
        say(f"\n- {reason}: {', '.join(names)}")


def installed() -> Path:
    """The program, installed where it is not yet."""
    if not (npm := shutil.which("npm")):
        sys.exit("Lighthouse needs Node.js and npm: apt install nodejs npm")
    package = FOLDER / "node_modules" / "lighthouse"
    if not package.exists() or json.loads((package / "package.json").read_text())["version"] != VERSION:
        FOLDER.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--prefix", str(FOLDER), "--no-audit", "--no-fund", "--silent"]
        subprocess.run([*command, f"lighthouse@{VERSION}"], check=True)
    return FOLDER / "node_modules" / ".bin" / "lighthouse"


def measured(lighthouse: Path, address: str) -> dict[str, Any]:
    """The report of one run."""
    chromium = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium"))), None)
    if not chromium:
        sys.exit("There is no Chromium: apt install chromium-headless-shell")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [str(lighthouse), address, "--quiet", "--output=json", f"--output-path={report}"]
        flags = f"--headless --no-sandbox --disable-gpu --user-data-dir={folder}/browser"
        subprocess.run(
            [*command, f"--chrome-flags={flags}"], check=True, env={**os.environ, "CHROME_PATH": chromium}
        )
        found: dict[str, Any] = json.loads(report.read_text())
    if found.get("runtimeError"):
        sys.exit(f"{address}: {found['runtimeError']['message']}")
    return found


def what_it_costs(report: dict[str, Any]) -> list[str]:
    """The audits that take something from a score below 100."""
    found = []
    for name in CATEGORIES:
        category = report["categories"][name]
        for of in category["auditRefs"] if category["score"] < 1 else ():
            audit = report["audits"][of["id"]]
            if of["weight"] and audit["score"] is not None and audit["score"] < 0.9:
                found.append(f"{name}: {audit['title']} ({audit.get('displayValue') or of['id']})")
    return found


if __name__ == "__main__":
    main()
