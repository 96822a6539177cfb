"""The search as a reader uses it: by keyboard, without a script, on every screen."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from .judging import too_wide, violations


def test_a_reader_searches_from_any_page_by_keyboard_without_a_script(demo, new_page):
    page = new_page(java_script_enabled=False, viewport={"width": 1280, "height": 800})
    page.goto("/donors/?as_of=2022-01-01")
    field = page.get_by_role("search", name="This site").get_by_label("Search this site")
    field.fill("tumbes")
    field.press("Enter")
    expect(page).to_have_url(re.compile(re.escape("/search/?as_of=2022-01-01&q=tumbes") + "$"))
    expect(page.get_by_role("heading", level=2)).to_have_text("1 result")
    result = page.get_by_role("main").get_by_role("listitem")
    expect(result).to_contain_text("Office: Tumbes")
    result.get_by_role("link", name="Peru").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(re.escape("/operations/peru/?as_of=2022-01-01") + "$"))


def test_on_a_narrow_screen_a_link_leads_to_the_search(demo, new_page):
    page = new_page(viewport={"width": 360, "height": 740})
    page.goto("/ar/donors/")
    expect(page.locator("form.find")).to_be_hidden()
    page.locator(".to-find a").click()
    expect(page).to_have_url(re.compile(re.escape("/ar/search/") + "$"))
    assert page.locator("#q").bounding_box()["height"] >= 24


@pytest.mark.parametrize("language", ["", "/fr", "/ar"])
def test_axe_finds_nothing_on_the_search_in_any_state(demo, new_page, language):
    page = new_page(viewport={"width": 360, "height": 740}, color_scheme="dark")
    found = {}
    for query in ("", "?q=peru", "?q=Colombai", "?q=refugees", "?q=🙂"):
        page.goto(f"{language}/search/{query}")
        if problems := [*violations(page), *too_wide(page, 360)]:
            found[query] = problems
    assert found == {}
