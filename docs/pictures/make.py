"""Pictures of every public page: ``python docs/pictures/make.py`` (``--only operation donor`` for some).

The demonstration in Debian's Chromium, served as in production: at 360, 768 and 1280 pixels, on a dark screen, in
French and in Arabic as whole pages, and as it is printed (needs ``pdftoppm`` of Debian's poppler-utils). They come to
docs/pictures/pages as WebP, with docs/pictures/README.md as their list.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from benchmarks.weight import site  # noqa: E402 — the project is not installed

PAGES = {
    "start": "/",
    "operations": "/operations/",
    "operations-found": "/operations/?year=2019&region=AME",
    "operation": "/operations/peru/2020/",
    "pillars": "/operations/chad/2017/pillars/",
    "history": "/operations/peru/2020/history/",
    "figure": "/operations/peru/2020/figures/people/",
    "region": "/regions/ame/",
    "compare": "/compare/?with=peru-2020&with=colombia-2020",
    "contributions": "/contributions/?year=2021",
    "donors": "/donors/",
    "donor": "/donors/norway/",
    "search": "/search/?q=tumbes",
    "methodology": "/methodology/",
    "about-data": "/about/data/",
    "accessibility": "/accessibility/",
    "not-found": "/operations/perou/",
}


@dataclass(frozen=True)
class Shot:
    """How a page is taken: what it is called, how wide, in which language and colours."""

    name: str
    width: int
    start: str = ""
    is_dark: bool = False


SHOTS = (
    Shot("360", 360),
    Shot("768", 768),
    Shot("1280", 1280),
    Shot("dark", 1280, is_dark=True),
    Shot("fr", 768, start="/fr"),
    Shot("ar", 1280, start="/ar"),
)
HIGHEST = 16_000  # pixels; WebP ends at 16,383


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PAGES, metavar="PAGE", help=", ".join(PAGES))
    parser.add_argument("--to", type=Path, default=HERE / "pages", help="the folder they come to")
    options = parser.parse_args()
    if not (pdftoppm := shutil.which("pdftoppm")):
        sys.exit("pdftoppm is missing: apt install poppler-utils")
    options.to.mkdir(exist_ok=True)
    chromium = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium"))), None)
    with site() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name in options.only or PAGES:
            for shot in SHOTS:
                keep(
                    taken(browser, address + shot.start + PAGES[name], shot),
                    options.to / f"{name}-{shot.name}",
                )
            if name == "operation" and options.to == HERE / "pages":
                picture = Image.open(options.to / "operation-1280.webp")
                picture.crop((0, 0, picture.width, 900)).save(HERE / "operation.webp", quality=80, method=6)
            keep(printed(browser, address + PAGES[name], pdftoppm), options.to / f"{name}-print")
        browser.close()
    if options.to == HERE / "pages":
        (HERE / "README.md").write_text(index(), encoding="utf-8")


def taken(browser: Browser, address: str, shot: Shot) -> Image.Image:
    context = browser.new_context(
        viewport={"width": shot.width, "height": 800}, color_scheme="dark" if shot.is_dark else "light"
    )
    page = context.new_page()
    page.goto(address, wait_until="networkidle")
    content = page.screenshot(full_page=True)
    context.close()
    return Image.open(io.BytesIO(content))


def printed(browser: Browser, address: str, pdftoppm: str) -> Image.Image:
    """The sheets of A4 side by side."""
    page = browser.new_page()
    page.goto(address, wait_until="networkidle")
    with tempfile.TemporaryDirectory() as folder:
        page.pdf(path=f"{folder}/page.pdf", prefer_css_page_size=True)
        subprocess.run(  # noqa: S603 — its own file
            [pdftoppm, "-r", "60", "-l", "8", "-png", f"{folder}/page.pdf", f"{folder}/sheet"], check=True
        )
        sheets = [Image.open(path).convert("RGB") for path in sorted(Path(folder).glob("sheet*.png"))]
    page.close()
    gap = 12
    whole = Image.new(
        "RGB", (sum(sheet.width + gap for sheet in sheets) + gap, sheets[0].height + 2 * gap), "#8a949e"
    )
    for number, sheet in enumerate(sheets):
        whole.paste(sheet, (gap + number * (sheet.width + gap), gap))
    return whole


def keep(picture: Image.Image, path: Path) -> None:
    """As small as can still be read; wide ones at seven tenths."""
    kept = picture.convert("RGB").crop((0, 0, picture.width, min(picture.height, HIGHEST)))
    if kept.width > 1000 and not path.name.endswith("-print"):
        kept = kept.resize((round(kept.width * 0.7), round(kept.height * 0.7)), Image.Resampling.LANCZOS)
    kept.save(path.with_suffix(".webp"), quality=20, method=6)


def index() -> str:
    kinds = [*(shot.name for shot in SHOTS), "print"]
    rows = (
        f"| `{address}` | " + " | ".join(f"[{kind}](pages/{name}-{kind}.webp)" for kind in kinds) + " |"
        for name, address in PAGES.items()
    )
    return (
        "# Pictures\n\n"
        "Every public page of the demonstration, made by `python docs/pictures/make.py`: at three widths, on a dark\n"
        "screen (1280), in French (768), in Arabic (1280), and on A4.\n\n"
        f"| page |{' |' * len(kinds)}\n|---|{'---|' * len(kinds)}\n" + "\n".join(rows) + "\n"
    )


if __name__ == "__main__":
    main()
