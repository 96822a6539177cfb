"""A request has one moment: at T−1 s all is as before, at T all is new, and nothing is kept across a release."""

import datetime as dt
import gzip
import re

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver

from operations.editions import record, release
from operations.models import Region
from tests import factories
from tests.reading import words

pytestmark = pytest.mark.django_db

PAGES = [
    "/", "/operations/", "/operations/per/", "/operations/per/2020/", "/operations/per/2020/history/",
    "/operations/per/2020/pillars/", "/contributions/", "/donors/", "/donors/norway/", "/fr/operations/per/2020/",
    "/feeds/releases.atom", "/sitemap.xml",
]  # fmt: skip
SECOND = dt.timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _nothing_kept():
    cache.clear()


def publish(moment):
    """An operation with its figures, text and money, and all of them anew from ``moment`` on."""
    with time_machine.travel(moment - dt.timedelta(days=3), tick=False):
        peru = factories.operation(name_en="Old", region=Region.objects.get(code="AME"))
        factories.population(peru, people=111)
        factories.finance(peru, pillar="P1", amount_usd=111)
        text = factories.narrative(peru, sections={"unmet-needs": "<p>Old text.</p>"})
        release(peru, None)
        release(text, None)
        factories.contribution(factories.donor(), operation=peru, batch=factories.batch())
    with time_machine.travel(moment - dt.timedelta(days=2), tick=False):
        peru.name_en = "New"
        peru.save()
        peru.population_figures.update(people=222)
        peru.financial_figures.update(amount_usd=222)
        text.sections.update(body="<p>New text.</p>")
        release(peru, None, at=moment)
        release(text, None, at=moment)
        factories.contribution(
            factories.donor("Chile"), operation=peru, batch=factories.batch(released_at=moment)
        )
    return peru


# The web server's clock against the database's: far behind it, beside it, far ahead of it.
CLOCKS = [dt.timedelta(days=-4000), dt.timedelta(), dt.timedelta(days=4000)]


@pytest.mark.parametrize("skew", CLOCKS, ids=["behind", "beside", "ahead"])
def test_a_release_is_public_at_its_second_on_every_page(client, skew):
    moment = (dt.datetime.now(dt.UTC) + skew).replace(microsecond=0)
    publish(moment)
    seen = {}
    for name, now in (("old", moment - SECOND), ("new", moment), ("old again", moment - SECOND)):
        with time_machine.travel(now, tick=False):
            seen[name] = {page: client.get(page) for page in PAGES}
    for page in PAGES:
        old, new, again = (seen[name][page] for name in ("old", "new", "old again"))
        assert old.status_code == new.status_code == 200
        assert old["ETag"] != new["ETag"], page
        assert (again.content, again["ETag"]) == (old.content, old["ETag"]), page  # nothing was kept
        before, after = old.content.decode(), new.content.decode()
        assert "New" not in before, page
        assert "Chile" not in before, page
        assert "222" not in words(old), page
        said = {"/donors/": "Chile", "/sitemap.xml": "/donors/chile/"}.get(page, "New")
        assert said in after, page


def test_a_request_that_began_before_a_release_never_shows_a_part_of_it(client, monkeypatch):
    """The clock passes the release between the first and the last query of the page."""
    moment = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    publish(moment)
    for page in PAGES:
        cache.clear()
        with time_machine.travel(moment - SECOND, tick=False) as clock:

            def pass_the_release(execute, *args, clock=clock):
                clock.move_to(moment + SECOND)
                return execute(*args)

            with connection.execute_wrapper(pass_the_release):
                shown = client.get(page).content.decode()
        assert "New" not in shown, page
        assert "222" not in re.sub(r"<[^>]*>", "", shown), page
        assert "Chile" not in shown, page


def test_nothing_asks_the_databases_clock(client):
    publish(dt.datetime(2021, 1, 1, tzinfo=dt.UTC))
    with CaptureQueriesContext(connection) as queries:
        for page in PAGES:
            client.get(page)
    asked = " ".join(query["sql"].upper() for query in queries)
    assert not re.search(r"\bNOW\(|CURRENT_TIME|CURRENT_DATE|STATEMENT_TIMESTAMP|STRFTIME\('NOW'", asked)


def test_every_public_view_gives_its_request_a_moment():
    def views_of(patterns):
        for pattern in patterns:
            if hasattr(pattern, "url_patterns"):
                if getattr(pattern, "app_name", "") != "admin":
                    yield from views_of(pattern.url_patterns)
            else:
                yield pattern

    names = {
        pattern.name for pattern in views_of(get_resolver().url_patterns) if _is_public(pattern.callback)
    }
    every = {pattern.name for pattern in views_of(get_resolver().url_patterns)}
    assert every - names == {"healthz", "preview", "brand_stylesheet", "brand_logo"}


def _is_public(view):
    while view is not None:
        names = getattr(getattr(view, "__code__", None), "co_names", ())
        if "_answer" in names or (view.__module__ == "operations.api" and "read" in names):
            return True
        view = getattr(view, "__wrapped__", None)
    return False


# --- What a draft may change: nothing -------------------------------------------------------------


def test_drafts_scheduled_editions_and_unreleased_imports_change_no_byte(client):
    with time_machine.travel(dt.datetime(2030, 1, 1, tzinfo=dt.UTC), tick=False):
        peru = publish(dt.datetime(2021, 1, 1, tzinfo=dt.UTC))
        before = {page: (client.get(page).content, client.get(page)["ETag"]) for page in PAGES}
        peru.name_en = "Sentinel"
        peru.save()
        record(peru, None)
        release(peru, None, at=dt.datetime(2031, 1, 1, tzinfo=dt.UTC))
        record(factories.narrative(peru, 2035, "plan"), None)
        sentinel = factories.donor("Sentinel donor")
        factories.contribution(sentinel, operation=peru, batch=factories.batch(released_at=None))
        assert {page: (client.get(page).content, client.get(page)["ETag"]) for page in PAGES} == before
        unknown = client.get("/donors/nobody/").content.replace(b"nobody", b"")
        assert (
            client.get("/donors/sentinel-donor/")
            .content.replace(b"sentinel-donor", b"")
            .replace(b"sentinel donor", b"")
            == unknown
        )
        assert "Sentinel" not in client.get("/contributions/?donor=sentinel-donor").content.decode()


# --- HTTP -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [*PAGES, "/methodology/", "/operations/per/2020/?as_of=2020-12-31"])
def test_a_page_that_has_not_changed_is_answered_with_304(client, page):
    with time_machine.travel(dt.datetime(2030, 1, 1, tzinfo=dt.UTC), tick=False):
        publish(dt.datetime(2021, 1, 1, tzinfo=dt.UTC))
        zipped = {"accept-encoding": "gzip"}
        first, second = client.get(page, headers=zipped), client.get(page, headers=zipped)
        assert first["ETag"] == second["ETag"]
        plain = client.get(page)
        assert first["ETag"].removeprefix("W/") == plain["ETag"]
        if first.has_header("Content-Encoding"):
            assert gzip.decompress(first.content) == plain.content
        for tag in (first["ETag"], plain["ETag"]):
            again = client.get(page, headers={**zipped, "if-none-match": tag})
            assert (again.status_code, again.content) == (304, b"")
        assert client.get(page, headers={"if-none-match": '"another"'}).status_code == 200


@pytest.mark.parametrize(
    "page", [*PAGES, "/methodology/", "/nowhere/", "/operations/nowhere/", "/editions/9/"]
)
def test_nothing_is_shown_from_a_memory_without_asking(client, page):
    publish(dt.datetime(2021, 1, 1, tzinfo=dt.UTC))
    response = client.get(page, headers={"accept-encoding": "gzip"})
    assert response["Cache-Control"] == "no-cache"
    assert "Last-Modified" not in response
    assert "Expires" not in response
    vary = {name.strip().lower() for name in response.get("Vary", "").split(",")}
    assert "accept-encoding" in vary or not response.has_header("Content-Encoding")
    assert "cookie" not in vary
    assert not response.cookies


def test_an_address_that_was_empty_is_not_remembered_as_such(client):
    moment = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    with time_machine.travel(moment - SECOND, tick=False):
        peru = factories.operation()
        release(peru, None, at=moment)
        missing = client.get("/operations/per/")
        assert (missing.status_code, missing["Cache-Control"]) == (404, "no-cache")
    with time_machine.travel(moment, tick=False):
        assert (
            client.get("/operations/per/", headers={"if-none-match": missing.get("ETag", "")}).status_code
            == 200
        )
