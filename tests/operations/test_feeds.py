"""What programs read: the feed of releases, and the sitemap."""

import datetime as dt
import re
from xml.etree import ElementTree

import pytest
import time_machine
from django.core.cache import cache

from operations import sitemap
from operations.editions import record, release, withdraw
from operations.models import Operation, Region
from tests import factories

pytestmark = pytest.mark.django_db

ATOM = "{http://www.w3.org/2005/Atom}"
MAPS = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
XHTML = "{http://www.w3.org/1999/xhtml}"
START = dt.datetime(2021, 3, 5, 9, tzinfo=dt.UTC)
NOW = dt.datetime(2021, 6, 1, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _now():
    cache.clear()
    with time_machine.travel(NOW, tick=False):
        yield


def publish(working_copy, day=0, **options):
    with time_machine.travel(START + dt.timedelta(days=day), tick=False):
        return release(working_copy, None, **options)


@pytest.fixture
def peru():
    peru = factories.operation(name_fr="Pérou")
    factories.population(peru)
    publish(peru)
    return peru


def feed(client, address="/feeds/releases.atom"):
    response = client.get(address)
    assert response["Content-Type"] == "application/atom+xml; charset=utf-8"
    return ElementTree.fromstring(response.content)


def events(client, address="/feeds/releases.atom"):
    return [
        (
            entry.findtext(f"{ATOM}title"),
            entry.findtext(f"{ATOM}summary") or "",
            entry.find(f"{ATOM}link").get("href"),
        )
        for entry in feed(client, address).iter(f"{ATOM}entry")
    ]


def listed(client):
    """Address → day of the last change."""
    root = ElementTree.fromstring(client.get("/sitemap.xml").content)
    return {url.findtext(f"{MAPS}loc"): url.findtext(f"{MAPS}lastmod") for url in root.iter(f"{MAPS}url")}


# --- The feed -------------------------------------------------------------------------------------


def test_the_feed_tells_releases_corrections_and_withdrawals_newest_first(client, peru):
    text = factories.narrative(peru)
    first = publish(text, 1)
    factories.key_figure(text)
    second = publish(text, 2, note="52,996 & not <52,000>.", is_correction=True)
    plan = factories.narrative(peru, 2021, "plan", language="fr")
    gone = publish(plan, 3)
    withdraw(plan, None, reason="in_error", notice="Wrong numbers.")
    here = "http://testserver/editions"
    assert events(client) == [
        (
            "Withdrawn: Peru, Plan for 2021 (French)",
            "Published in error. Wrong numbers.",
            f"{here}/{gone.pk}/",
        ),
        (
            "Corrected: Peru, Year-end report 2020, edition 2",
            "52,996 &amp; not &lt;52,000&gt;.",
            f"{here}/{second.pk}/",
        ),
        ("Released: Peru, Year-end report 2020, edition 1", "", f"{here}/{first.pk}/"),
        (
            "Released: Peru, Profile and figures, edition 1",
            "",
            f"{here}/{peru.editions.get(kind='profile').pk}/",
        ),
    ]
    assert feed(client).findtext(f"{ATOM}updated") == "2021-06-01T12:00:00+00:00"
    assert events(client, "/fr/feeds/releases.atom")[1][0].count("Pérou") == 1


def test_a_feed_is_narrowed_to_an_operation_a_region_and_to_corrections(client, peru):
    colombia = factories.operation("COL", region=Region.objects.get(code="AME"))
    publish(colombia, 1)
    text = factories.narrative(peru)
    publish(text, 2)
    factories.key_figure(text)
    publish(text, 3, note="Counted again.", is_correction=True)
    withdraw(text, None, notice="It was wrong.")

    def titles(query, name="releases"):
        return [title for title, _summary, _link in events(client, f"/feeds/{name}.atom{query}")]

    assert (
        titles("?operation=col")
        == titles("?region=AME")
        == ["Released: Colombia, Profile and figures, edition 1"]
    )
    assert titles("?operation=per")[0] == "Withdrawn: Peru, Year-end report 2020"
    assert titles("", "corrections") == ["Withdrawn: Peru, Year-end report 2020"]
    assert titles("?operation=col", "corrections") == []
    [link] = [link for link in feed(client, "/feeds/releases.atom?operation=col").iter(f"{ATOM}link")
              if link.get("rel") == "self"]  # fmt: skip
    assert link.get("href") == "http://testserver/feeds/releases.atom?operation=col"
    for query in ("?operation=nowhere", "?region=XX", "?operation="):
        assert client.get(f"/feeds/releases.atom{query}").status_code == 404
    page = client.get("/operations/col/").content.decode()
    assert 'href="/feeds/releases.atom?operation=col"' in page
    assert 'href="/feeds/releases.json?region=AME"' in client.get("/regions/ame/").content.decode()


def test_the_json_feed_has_the_items_of_the_other(client, peru):
    publish(factories.narrative(peru), 2, note="With the figures of June.")
    response = client.get("/feeds/releases.json?operation=per")
    assert response["Content-Type"] == "application/feed+json"
    told = response.json()
    assert told["version"] == "https://jsonfeed.org/version/1.1"
    assert told["feed_url"] == "http://testserver/feeds/releases.json?operation=per"
    assert [(one["title"], one["url"]) for one in told["items"]] == [
        (title, link) for title, _summary, link in events(client)
    ]
    assert told["items"][0]["content_text"] == "With the figures of June."
    assert told["items"][0]["date_published"] == "2021-03-07T09:00:00+00:00"


def test_the_feed_holds_nothing_that_is_not_public(client, peru):
    before = events(client)
    record(factories.narrative(peru, 2019), None)
    release(factories.narrative(peru, 2018), None, at=NOW + dt.timedelta(seconds=1))
    publish(factories.narrative(factories.operation("COL"), 2018))  # whose profile nobody released
    assert events(client) == before
    with time_machine.travel(NOW + dt.timedelta(seconds=1), tick=False):
        assert len(events(client)) == len(before) + 1


def test_a_withdrawn_operation_is_told_once_and_by_its_address_alone(client, peru):
    peru.name_en = "Republic of Peru"
    peru.save()
    publish(peru, 1)
    publish(factories.narrative(peru), 2)
    withdraw(peru, None, notice="Closed.")
    ((title, summary, _link),) = events(client)
    assert (title, summary) == ("Withdrawn: per, Profile and figures", "Published in error. Closed.")


def test_the_feed_of_the_past_knows_no_later_withdrawal(client, peru):
    text = factories.narrative(peru)
    publish(text, 1)
    withdraw(text, None)
    assert [title for title, *_rest in events(client, "/feeds/releases.atom?as_of=2021-04-01")] == [
        "Released: Peru, Profile and figures, edition 1"
    ]


def test_the_feed_is_the_same_until_something_happens(client):
    first = client.get("/feeds/releases.atom")
    with time_machine.travel(NOW + dt.timedelta(days=1), tick=False):
        assert client.get("/feeds/releases.atom").content == first.content


def test_every_page_leads_to_the_feed_of_its_language(client, peru):
    html = client.get("/fr/operations/per/").content.decode()
    assert re.search(
        r'<link rel="alternate" type="application/atom\+xml" title="[^"]+" href="/fr/feeds/releases.atom">',
        html,
    )


@pytest.mark.parametrize("editions", [1, 60])
def test_the_feed_costs_the_same_for_one_event_and_for_many(
    client, peru, editions, django_assert_num_queries
):
    for year in range(1950, 1950 + editions):
        publish(factories.narrative(peru, year), 1)
    with django_assert_num_queries(3):  # releases, withdrawals, names
        assert len(events(client)) == min(editions + 1, 50)


# --- The sitemap ----------------------------------------------------------------------------------


def test_the_sitemap_lists_every_public_page_in_every_language(client, peru):
    factories.finance(peru, 2019, pillar="P1")
    publish(peru)
    publish(factories.operation("COL"))
    publish(factories.narrative(peru, 2021, "plan"))
    factories.contribution(factories.donor(), batch=factories.batch(released_at=START))
    member = factories.donor("Norad", parent=factories.donor("Sweden"))
    factories.contribution(member, batch=factories.batch(released_at=START))
    factories.contribution(
        factories.donor("A person", kind="private"), batch=factories.batch(released_at=START)
    )
    paths = [
        "/", "/operations/", "/operations/col/", "/methodology/", "/contributions/", "/donors/", "/donors/norway/",
        "/donors/sweden/", "/about/data/", "/data/", "/api/", "/changes/", "/accessibility/",
        *(f"/operations/per/{year}/{more}" for year in (2019, 2020, 2021) for more in ("", "history/", "pillars/")),
    ]  # fmt: skip
    here = "http://testserver"
    assert set(listed(client)) == {
        f"{here}{prefix}{path}" for path in paths for prefix in ("", "/fr", "/es", "/ar")
    }
    assert {client.get(address.removeprefix(here)).status_code for address in listed(client)} == {200}


def test_an_entry_names_its_other_languages(client, peru):
    root = ElementTree.fromstring(client.get("/sitemap.xml").content)
    urls = {url.findtext(f"{MAPS}loc"): url for url in root.iter(f"{MAPS}url")}
    links = urls["http://testserver/fr/operations/per/2020/"].iter(f"{XHTML}link")
    assert {link.get("hreflang"): link.get("href") for link in links} == {
        "en": "http://testserver/operations/per/2020/",
        "fr": "http://testserver/fr/operations/per/2020/",
        "es": "http://testserver/es/operations/per/2020/",
        "ar": "http://testserver/ar/operations/per/2020/",
        "x-default": "http://testserver/operations/per/2020/",
    }


def test_the_day_of_an_entry_is_that_of_its_last_release_or_withdrawal(client, peru):
    factories.population(peru, 2019)
    publish(peru, 1)
    text = factories.narrative(peru)
    publish(text, 2)
    factories.contribution(factories.donor(), batch=factories.batch(released_at=START + dt.timedelta(days=9)))

    def day(path):
        return listed(client)[f"http://testserver{path}"][:10]

    assert (day("/operations/per/2019/"), day("/operations/per/2020/")) == ("2021-03-06", "2021-03-07")
    assert (day("/"), day("/contributions/"), day("/donors/norway/")) == (
        "2021-03-06",
        "2021-03-14",
        "2021-03-14",
    )
    before = listed(client)
    factories.key_figure(text)
    record(text, None)
    release(text, None, at=NOW + dt.timedelta(days=1))
    assert listed(client) == before
    withdraw(text, None)
    assert (day("/operations/per/2019/"), day("/operations/per/2020/")) == ("2021-03-06", "2021-06-01")
    publish(factories.operation("COL"), 3)
    assert day("/") == "2021-03-08"


def test_the_sitemap_stands_where_an_address_was_changed_by_other_means(client, peru):
    Operation.objects.update(slug="piru")
    cache.clear()
    assert "http://testserver/operations/" in listed(client)


def test_many_pages_come_in_several_files(client, peru, monkeypatch):
    monkeypatch.setattr(sitemap, "AT_ONCE", 2)
    root = ElementTree.fromstring(client.get("/sitemap.xml").content)
    files = [entry.findtext(f"{MAPS}loc") for entry in root.iter(f"{MAPS}sitemap")]
    assert files == [f"http://testserver/sitemap.xml?file={number}" for number in (1, 2, 3, 4, 5, 6)]
    found = set()
    for file in files:
        root = ElementTree.fromstring(client.get(file.removeprefix("http://testserver")).content)
        found |= {url.findtext(f"{MAPS}loc") for url in root.iter(f"{MAPS}url")}
    monkeypatch.undo()
    assert found == set(listed(client))
    for file in ("7", "0", "x", "-1", "9" * 5000):
        assert client.get("/sitemap.xml", {"file": file}).status_code == 404


@pytest.mark.parametrize("operations", [1, 5])
def test_the_sitemap_costs_the_same_for_one_operation_and_for_many(
    client, operations, django_assert_num_queries
):
    for number in range(operations):
        operation = factories.operation(f"OP{number}")
        factories.population(operation)
        publish(operation)
        factories.contribution(factories.donor(f"Donor {number}"), batch=factories.batch(released_at=START))
    with django_assert_num_queries(6):  # editions, profiles (2), regions, newest import, donors
        client.get("/sitemap.xml")
