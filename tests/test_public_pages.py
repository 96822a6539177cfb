"""The list of public pages is whole: whoever checks each of its addresses checks every public page."""

import pytest
from django.urls import get_resolver, resolve

from tests.public_pages import every_page

from .test_access import routes

pytestmark = pytest.mark.once

# What readers get that is no page: files, feeds, and what programs ask for.
NO_PAGES = {
    "healthz", "brand_stylesheet", "brand_logo", "sitemap", "releases", "outlines", "opensearch", "card",
    "figure_file", "donor_figure_file", "brief", "edition_brief",
}  # fmt: skip


@pytest.fixture
def pages(loaded_demo, db, settings):
    settings.DEMO = True
    return every_page()


def test_every_route_that_gives_a_page_is_met_by_an_address(pages):
    known = {(route, name) for route, name in routes(get_resolver()) if not route.startswith("admin/")}
    found = [resolve(address.partition("?")[0]) for address, status in pages.items() if status == 200]
    missing = known - {(match.route, match.url_name) for match in found}
    assert {name for _route, name in missing} == NO_PAGES


def test_each_address_gives_a_page_in_every_state_it_is_listed_for(pages, client):
    answers = {address: client.get(address) for address in pages}
    assert {address: answer.status_code for address, answer in answers.items()} == pages
    assert {answer["Content-Type"] for answer in answers.values()} == {"text/html; charset=utf-8"}
