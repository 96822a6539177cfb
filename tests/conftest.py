"""Settings of the tests, and the browser.

The tests run on the settings of production, over plain HTTP, in a temporary folder, on the database that
``DATABASE_URL`` names (SQLite without it). They are named here and not in pyproject.toml, because pytest-django
loads a module that is named there before it reads this file.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import settings as hypothesis_settings


def _in_memory() -> str | None:
    """The file system in memory, where there is one with room: the tests write much and keep nothing."""
    place = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a folder of its own there
    return str(place) if os.access(place, os.W_OK) and shutil.disk_usage(place).free > 2**31 else None


# A worker process of pytest-xdist has its folder inside that of the process that started it.
_parent = os.environ["DATA_DIR"] if "PYTEST_XDIST_WORKER" in os.environ else _in_memory()
DATA_DIR = Path(tempfile.mkdtemp(prefix="openfield-tests-", dir=_parent))
for name in ("SECRET_KEY_FILE", "DATABASE_URL_FILE", "BEHIND_PROXY", "CSRF_TRUSTED_ORIGINS", "TIME_ZONE"):
    os.environ.pop(name, None)
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "DATA_DIR": str(DATA_DIR),
    "SECRET_KEY": "only-for-the-tests",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "DEBUG": "0",
    "DEMO": "0",
    "HTTPS": "0",
    "PDF_SANDBOX": "0",  # the tests may run as root, or in a container
}

import django  # noqa: E402
from django.core.cache import cache  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import transaction  # noqa: E402
from django.test import override_settings  # noqa: E402
from django.utils import translation  # noqa: E402

from config import settings as site  # noqa: E402

site.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
site.STATIC_ROOT.mkdir()
site.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # type: ignore[attr-defined]
if site.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file as in production, not Django's database in memory, which one connection holds alone.
    site.DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}

django.setup()
# The worker processes of pytest-xdist inherit the environment; with this name in it they would load the settings
# before they read this file.
del os.environ["DJANGO_SETTINGS_MODULE"]

# A whole site makes many objects that live as long as it does; looking through them at every turn is a tenth of the time.
gc.set_threshold(100_000, 50, 50)

hypothesis_settings.register_profile("openfield", deadline=None, print_blob=True)
hypothesis_settings.load_profile("openfield")


def pytest_configure() -> None:
    # Being told to end is as orderly as Ctrl-C: no browser or worker process stays.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_unconfigure() -> None:
    shutil.rmtree(DATA_DIR, ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the browser's tests; and on PostgreSQL leave out what SQLite's run has shown already.

    That is a test without a database, what a page does in the browser, and what is marked ``once``.
    """
    again, once = [], []
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if "browser" in fixtures:
            item.add_marker("browser")
        has_database = item.get_closest_marker("django_db") or fixtures & {"db", "transactional_db"}
        is_once = "browser" in fixtures or item.get_closest_marker("once") or not has_database
        (once if is_once else again).append(item)
    if site.DATABASES["default"]["ENGINE"].endswith("postgresql"):
        config.hook.pytest_deselected(items=once)
        items[:] = again


@pytest.fixture(autouse=True)
def _in_english() -> None:
    """A request leaves its language behind in the thread; the next test begins in English."""
    translation.activate("en")


@pytest.fixture(autouse=True)
def _of_no_agency() -> None:
    """What a process knows of the agency outlives a test; the next one begins with the look of the site."""
    from operations.models import Agency

    Agency.keep(Agency(), seconds=1_000_000)


# --- The demonstration ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def loaded_demo(django_db_setup: None, django_db_blocker) -> Iterator[None]:
    """The demonstration, loaded once for the tests of a module; each test leaves it as it was."""
    with django_db_blocker.unblock(), override_settings(DEMO=True), transaction.atomic():
        cache.clear()
        call_command("load_demo", verbosity=0)
        yield
        transaction.set_rollback(True)
    cache.clear()


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    """What a test of before left in the cache goes by keys that this test uses again."""
    cache.clear()


# --- The browser ----------------------------------------------------------------------------------

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Debian's Chromium, started once; a missing one fails the test that asks for it."""
    from playwright.sync_api import sync_playwright

    names = ("chromium-headless-shell", "chromium", "chromium-browser")
    executable = next(filter(None, map(shutil.which, names)), None)
    if not executable:
        pytest.fail(
            "There is no Chromium on this machine: install Debian’s package “chromium-headless-shell”.",
            pytrace=False,
        )
    # Playwright keeps an event loop in this thread, which Django would take for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def new_page(browser, live_server) -> Iterator[Callable[..., object]]:
    """Opens pages of the live site, each in a fresh context: ``new_page(java_script_enabled=False)``.

    At the end it fails the test where a page raised a script error, broke the content security policy, or asked
    another host for anything: no request leaves the site.
    """
    contexts, problems = [], []
    own = urlsplit(live_server.url).netloc

    def watch_request(request) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"http", "https", "ws", "wss"} and address.netloc != own:
            problems.append(f"request to another host: {request.url}")

    def watch_console(message) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            problems.append(message.text)

    def open_page(**options):
        context = browser.new_context(**{"base_url": live_server.url, **options})
        context.set_default_timeout(10_000)
        contexts.append(context)
        context.on("request", watch_request)
        context.on("console", watch_console)
        context.on("weberror", lambda error: problems.append(f"script error: {error.error}"))
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def page(new_page):
    """One page of the live site, 1280 pixels wide."""
    return new_page(viewport={"width": 1280, "height": 800})
