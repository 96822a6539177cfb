"""A page of this site as a PDF, printed by Debian's headless Chromium: nothing of a network or a disk loads in it."""

from __future__ import annotations

import contextlib
import hashlib
import html
import logging
import os
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from .models import Agency

VERSION = 1  # of what this module makes of a page: another one leaves the kept files behind
SECONDS = 30  # that the browser has for a page; Peru's takes less than two on a small server
WAIT = 10  # seconds that a reader waits for the one before
KEPT_FILES = 400  # of some 500 KB each

# Nothing is asked of anybody: the style stands in the page, drawings are parts of it, and scripts do not run.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
FLAGS = [
    "--headless",
    "--no-pdf-header-footer",
    "--export-tagged-pdf",
    "--generate-pdf-document-outline",
    "--disable-gpu",
    "--disable-dev-shm-usage",  # which containers make too small
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
]

log = logging.getLogger(__name__)
_one = threading.Lock()  # browser at a time in this process
_asking = threading.BoundedSemaphore(2)  # one is served, one waits; other threads stay free for pages


class NoPdf(Exception):
    """There is no PDF now: another one is being made (``is_busy``), or the browser failed."""

    def __init__(self, *, is_busy: bool) -> None:
        self.is_busy = is_busy


# --- The page on paper ---------------------------------------------------------------------------


def on_paper(page: str, address: str) -> str:
    """The page's HTML with its style in it, without scripts, and with links to this site where they lead from paper.

    Without the citation, which the print leaves out too: it names the day of reading, and would make of each day
    another file.
    """
    page = re.sub(r"<script\b.*?</script>|<link\b[^>]*>", "", page, flags=re.DOTALL)
    page = re.sub(r'<section id="cite".*?</section>', "", page, flags=re.DOTALL)
    css = (Path(settings.BASE_DIR) / "static/site/site.css").read_text(encoding="utf-8")
    head = (
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><base href="{html.escape(address)}">'
        f"<style>{css}{Agency.current().stylesheet}@page{{size:A4}}</style>"
    )
    return page.replace('<meta charset="utf-8">', f'<meta charset="utf-8">{head}', 1)


def key_of(page: str) -> str:
    """The same for the same page on paper."""
    return hashlib.sha256(f"{VERSION}:{page}".encode()).hexdigest()[:40]


# --- Kept files ----------------------------------------------------------------------------------


def pdf_of(page: str, key: str, made_at: str) -> bytes:
    """The file of this page on paper, made now where it is not kept; ``NoPdf`` where that cannot be.

    ``made_at`` is 20211125120000, in UTC: what the file says of itself, as the page does.
    """
    if kept := read(key):
        return kept
    with in_turn():
        if kept := read(key):  # made while this thread waited
            return kept
        content = dated(printed(page), made_at)
    keep(key, content)
    return content


@contextlib.contextmanager
def in_turn() -> Iterator[None]:
    if not _asking.acquire(blocking=False):
        raise NoPdf(is_busy=True)
    try:
        if not _one.acquire(timeout=WAIT):
            raise NoPdf(is_busy=True)
        try:
            yield
        finally:
            _one.release()
    finally:
        _asking.release()


def folder() -> Path:
    return Path(settings.DATA_DIR) / "pdf"


def read(key: str) -> bytes | None:
    path = folder() / f"{key}.pdf"
    try:
        content = path.read_bytes()
        os.utime(path)  # the least read go first
    except OSError:
        return None
    return content


def keep(key: str, content: bytes) -> None:
    """Whole or not at all; a reader gets the file also where none can be kept."""
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder(), suffix=".new", delete=False) as file:
            file.write(content)
        Path(file.name).replace(folder() / f"{key}.pdf")
        forget()
    except OSError:
        log.exception("A PDF could not be kept.")


def forget() -> None:
    """All but the files that were read last; and what a stopped process left behind goes as any old file does."""
    found = []
    for path in folder().iterdir():
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            found.append((path.stat().st_mtime, path))
    for _time, path in sorted(found, reverse=True)[KEPT_FILES:]:
        path.unlink(missing_ok=True)


# --- The browser ---------------------------------------------------------------------------------


def printed(page: str) -> bytes:
    """The page as the browser prints it."""
    with tempfile.TemporaryDirectory(prefix="openfield-pdf-", ignore_cleanup_errors=True) as name:
        place = Path(name)
        (place / "page.html").write_text(page, encoding="utf-8")
        run(command(place), place)
        try:
            content = (place / "page.pdf").read_bytes()
        except OSError:
            content = b""
    if not content.startswith(b"%PDF-"):
        log.error("The browser made no PDF.")
        raise NoPdf(is_busy=False)
    return content


def command(place: Path) -> list[str]:
    sandbox = [] if settings.PDF_SANDBOX else ["--no-sandbox"]
    profile, result = f"--user-data-dir={place / 'profile'}", f"--print-to-pdf={place / 'page.pdf'}"
    return [settings.PDF_BROWSER, *FLAGS, *sandbox, profile, result, (place / "page.html").as_uri()]


def run(arguments: list[str], place: Path) -> None:
    """With none of the site's environment, which holds its secrets; all its processes end with it or are ended."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(place), "LANG": "C.UTF-8"}
    with (place / "said").open("w+b") as said:
        try:
            browser = subprocess.Popen(  # noqa: S603 - the program is a setting, the rest our own
                arguments,
                cwd=place,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        except OSError as error:
            log.exception("The browser %s did not start.", settings.PDF_BROWSER)
            raise NoPdf(is_busy=False) from error
        try:
            code: int | str = browser.wait(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            code = f"nothing in {SECONDS} seconds"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(browser.pid, signal.SIGKILL)
            browser.wait()
        if code != 0:
            said.seek(0)
            words = said.read()[-2000:].decode(errors="replace")
            log.error("The browser made no PDF (%s); see PDF_SANDBOX in docs/print.md: %s", code, words)
            raise NoPdf(is_busy=False)


def dated(content: bytes, made_at: str) -> bytes:
    """Of this moment instead of that of its making; every part of the file stays at its place."""
    when = made_at.encode()
    return re.sub(rb"(/(?:Creation|Mod)Date \(D:)\d{14}", lambda found: found[1] + when, content)
