"""The pages about the data and about accessibility, and the search that a browser can add."""

import datetime as dt
from xml.etree import ElementTree

import pytest
import time_machine
from django.core.cache import cache

from contributions.models import Contribution
from operations.editions import release
from operations.models import Agency, Edition
from tests import factories
from tests.reading import words

OPENSEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"
DAY = dt.datetime(2021, 3, 5, 9, tzinfo=dt.UTC)


@pytest.fixture
def peru(db):
    cache.clear()
    peru = factories.operation()
    for year in (2019, 2020):
        factories.population(peru, year)
    for month in (3, 9):
        batch = factories.batch(released_at=DAY)
        factories.contribution(factories.donor(f"D{month}"), batch=batch, date=dt.date(2020, month, 2))
    with time_machine.travel(DAY, tick=False):
        release(peru, None)
    return peru


def test_the_page_about_the_data_counts_what_is_there(client, peru):
    page = words(client.get("/about/data/"))
    assert "Operations 1 with the years 2019 to 2020" in page
    assert "Contributions 2 from 2 March 2020 to 2 September 2020" in page
    assert "Latest release 5 March 2021" in page


def test_it_counts_what_was_there_on_another_day(client, peru):
    late = factories.batch(released_at=DAY + dt.timedelta(days=9))
    factories.contribution(factories.donor("Late"), batch=late, date=dt.date(2021, 1, 1))
    assert Contribution.objects.released().count() == 3
    assert "Contributions 3 from 2 March 2020 to 1 January 2021" in words(client.get("/about/data/"))
    assert "Contributions 2 from" in words(client.get("/about/data/?as_of=2021-03-06"))


def test_a_text_of_an_operation_that_has_no_page_is_no_release(client, peru):
    narrative = factories.narrative(factories.operation("COL"), 2020, "plan")
    with time_machine.travel(DAY + dt.timedelta(days=9), tick=False):
        release(narrative, None)
    assert "Latest release 5 March 2021" in words(client.get("/about/data/"))


def test_it_counts_nothing_before_anything_was_released(client, db):
    page = words(client.get("/about/data/"))
    assert Edition.objects.count() == 0
    assert "Latest release" not in page
    assert "Where it comes from" in page


def test_the_licence_is_the_agencys_or_said_to_be_missing(client, peru):
    assert "Openfield has not named a licence here." in words(client.get("/about/data/"))
    Agency.objects.create(name_en="Relief", licence="CC BY 4.0", licence_url="https://example.org/by")
    response = client.get("/about/data/")
    assert "CC BY 4.0. It holds for the figures and texts of Relief on this site." in words(response)
    assert '<p><a href="https://example.org/by" rel="license"><bdi>CC BY 4.0</bdi></a>.' in (
        response.content.decode()
    )


def test_who_is_kept_out_is_told_whom_to_write_to(client, db):
    page = words(client.get("/accessibility/"))
    assert "please tell Openfield, with the address of the page" in page
    assert "@" not in page
    Agency.objects.create(name_en="Relief", contact="data@example.org")
    page = client.get("/accessibility/").content.decode()
    assert page.count('<a href="mailto:data@example.org" dir="ltr">data@example.org</a>') == 2


def test_the_pages_speak_of_pdfs_only_where_the_site_makes_them(client, db, settings):
    for browser, speaks in (("/usr/bin/chromium", True), ("", False)):
        settings.PDF_BROWSER = browser
        assert ["PDF" in words(client.get(address)) for address in ("/about/data/", "/accessibility/")] == [
            speaks
        ] * 2


@pytest.mark.parametrize("start", ["", "/fr"])
def test_a_browser_can_add_the_search_of_the_site(client, db, start):
    page = client.get(f"{start}/methodology/").content.decode()
    assert (
        '<link rel="search" type="application/opensearchdescription+xml" title="Openfield" '
        f'href="{start}/opensearch.xml">'
    ) in page
    response = client.get(f"{start}/opensearch.xml")
    assert response.headers["Content-Type"] == "application/opensearchdescription+xml"
    root = ElementTree.fromstring(response.content)
    url = root.find(f"{OPENSEARCH}Url[@type='text/html']")
    assert url.get("template") == f"http://testserver{start}/search/?q={{searchTerms}}"
    assert root.findtext(f"{OPENSEARCH}ShortName") == "Openfield"
    assert client.get(f"{start}/search/?q=x").status_code == 200


def test_every_page_leads_to_both(client, db):
    page = client.get("/fr/methodology/").content.decode()
    assert '<a href="/fr/about/data/">À propos des données</a>' in page
    assert '<a href="/fr/accessibility/">Accessibilité</a>' in page
