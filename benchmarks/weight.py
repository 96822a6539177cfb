"""What a first visit costs a reader: ``python -m benchmarks.weight`` (a table in Markdown; ``--each`` names every request).

The demonstration, served as in production (gunicorn, WhiteNoise, files with a hash in their name), in a Chromium with
nothing kept. Bytes are those over the wire, with the heads of the answers. The icon, which a browser without a window
does not ask for, is asked for beside it and counted. Layout shift is the sum that the browser saw in a second; the last
columns are a phone on a 2G line.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    "start": "/",
    "operations": "/operations/",
    "operation": "/operations/peru/2020/",
    "contributions": "/contributions/",
    "donor": "/donors/norway/",
}
MOST_BYTES, MOST_REQUESTS = 30 * 1024, 4  # of an operation's page
SHIFTS = """() => { window.shifted = 0; new PerformanceObserver(list => {
  for (const one of list.getEntries()) window.shifted += one.value;
}).observe({ type: 'layout-shift', buffered: true }) }"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", action="store_true", help="name every request with its bytes")
    options = parser.parse_args()
    with site() as address, sync_playwright() as playwright:
        names = ("chromium-headless-shell", "chromium", "chromium-browser")
        executable = next(filter(None, map(shutil.which, names)))
        browser = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu"]
        )
        say(
            "| page | requests | bytes | of them the page | shift, 360 px | shift, 1280 px | 2G: text | 2G: all |"
        )
        say("|---|---|---|---|---|---|---|---|")
        too_much = []
        for name, path in PAGES.items():
            asked, narrow = visit(browser, address, path, 360)
            _asked, wide = visit(browser, address, path, 1280)
            text, everything = over_2g(browser, address + path)
            total = sum(asked.values())
            own = asked[path]
            say(
                f"| {name} | {len(asked)} | {total:,} | {own:,} | {narrow:.3f} | {wide:.3f} | {text:.1f} s | {everything:.1f} s |"
            )
            for one, size in asked.items() if options.each else ():
                say(f"|   {one} | | {size:,} | | | | | |")
            if name == "operation" and (total > MOST_BYTES or len(asked) > MOST_REQUESTS):
                too_much.append(name)
        browser.close()
    if too_much:
        sys.exit(f"Heavier than {MOST_BYTES:,} bytes in {MOST_REQUESTS} requests: {', '.join(too_much)}")


def visit(browser: Browser, address: str, path: str, width: int) -> tuple[dict[str, int], float]:
    """The bytes of each request by its path, and the layout shift, of a first visit."""
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    session = context.new_cdp_session(page)
    paths: dict[str, str] = {}
    sizes: dict[str, int] = {}

    def begun(event: dict[str, Any]) -> None:
        paths[event["requestId"]] = urlsplit(event["request"]["url"]).path

    def done(event: dict[str, Any]) -> None:
        sizes[paths[event["requestId"]]] = int(event["encodedDataLength"])

    session.on("Network.requestWillBeSent", begun)
    session.on("Network.loadingFinished", done)
    session.send("Network.enable")
    page.goto(address + path, wait_until="networkidle")
    page.evaluate(SHIFTS)
    page.wait_for_timeout(1000)
    shifted = page.evaluate("window.shifted")
    icon = page.locator("link[rel=icon]").evaluate("each => each.href")
    context.close()
    sizes = {name: size for name, size in sizes.items() if name.startswith("/")}
    if icon.startswith(address) and (place := urlsplit(icon).path) not in sizes:
        sizes[place] = over_the_wire(address, place)
    return sizes, shifted


def over_2g(browser: Browser, address: str) -> tuple[float, float]:
    """Seconds until the first text is seen, and until all is there, on a phone with nothing kept.

    The line is what Chromium's tools call 2G: 250 kbit/s to the phone, 50 from it, 300 ms there and back; the
    processor is four times slower.
    """
    context = browser.new_context(viewport={"width": 360, "height": 800})
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    line = {"downloadThroughput": 250_000 / 8, "uploadThroughput": 50_000 / 8, "latency": 300}
    session.send("Network.emulateNetworkConditions", {"offline": False, **line})
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(address, wait_until="load", timeout=60_000)
    page.wait_for_timeout(500)
    seen, done = page.evaluate(
        "[performance.getEntriesByName('first-contentful-paint')[0].startTime,"
        " performance.getEntriesByType('navigation')[0].loadEventEnd]"
    )
    context.close()
    return seen / 1000, done / 1000


def over_the_wire(address: str, path: str) -> int:
    connection = HTTPConnection(urlsplit(address).netloc)
    connection.request("GET", path, headers={"Accept-Encoding": "gzip, br"})
    answer = connection.getresponse()
    heads = sum(len(f"{name}: {value}\r\n") for name, value in answer.getheaders())
    return heads + len(answer.read()) + len("HTTP/1.1 200 OK\r\n\r\n")


@contextmanager
def site() -> Iterator[str]:
    """The demonstration on a free port; its address."""
    with tempfile.TemporaryDirectory(prefix="openfield-benchmark-") as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        env = {
            **os.environ,
            "DATA_DIR": folder,
            "DEBUG": "0",
            "DEMO": "1",
            "HTTPS": "0",
            "LOG_LEVEL": "ERROR",
        }
        env |= {"SECRET_KEY": secrets.token_urlsafe(64), "ALLOWED_HOSTS": "127.0.0.1"}
        for name in ("DATABASE_URL", "DATABASE_URL_FILE", "SECRET_KEY_FILE"):
            env.pop(name, None)
        for command in (("migrate", "-v0"), ("load_demo", "-v0"), ("collectstatic", "--noinput", "-v0")):
            subprocess.run(
                [sys.executable, "manage.py", *command],
                cwd=ROOT,
                env=env,
                check=True,
                stdout=subprocess.DEVNULL,
            )
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}"),
                *(
                    "--worker-class",
                    "gthread",
                    "--threads",
                    "4",
                    "--no-control-socket",
                    "--log-level",
                    "error",
                ),
            ],
            cwd=ROOT,
            env=env,
        )
        try:
            wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


def wait_for(port: int) -> None:
    for _attempt in range(150):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    sys.exit("The site did not start.")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
