"""The map that a reader moves about in and zooms: loaded on the reader's word, and left again."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

PERU = "/operations/peru/2020/"
OPEN, BACK = "Zoom this map", "Back to the drawn map"


def opened(page, address=PERU, name=OPEN):
    page.goto(address)
    page.get_by_role("button", name=name).click()
    expect(page.locator(".zoom")).to_be_focused()
    return page


def violations(page) -> list[str]:
    # It is not to load the style sheets again itself, from addresses that it takes to be the page's.
    found = Axe().run(page, options={"preload": False}).response["violations"]
    return [f"{v['id']}: {node['html'][:160]}" for v in found for node in v["nodes"]]


def zoom_of(page) -> float:
    """How wide the country is drawn, in pixels."""
    page.wait_for_timeout(500)  # the map glides
    return page.locator(".zoom-marked").first.bounding_box()["width"]


def test_nothing_of_it_is_loaded_before_and_without_a_script_there_is_no_button(demo, new_page):
    asked = []
    page = new_page()
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    page.goto(PERU)
    expect(page.get_by_role("button", name=OPEN)).to_be_visible()
    assert [name for name in asked if name.startswith(("zoom", "leaflet")) or "geojson" in name] == []
    assert "map.js" in asked
    plain = new_page(java_script_enabled=False)
    plain.goto(PERU)
    expect(plain.get_by_role("button", name=OPEN)).to_have_count(0)
    expect(plain.locator("svg.map-wide")).to_be_visible()


def test_the_button_moves_nothing_on_the_page(demo, new_page):
    page = new_page()
    page.add_init_script(
        "window.shifts = 0; new PerformanceObserver(list => { for (const each of list.getEntries())"
        " window.shifts += each.value; }).observe({type: 'layout-shift', buffered: true});"
    )
    page.goto(PERU)
    expect(page.get_by_role("button", name=OPEN)).to_be_visible()
    page.wait_for_timeout(300)
    assert page.evaluate("window.shifts") == 0


def test_a_reader_zooms_by_button_and_key_and_comes_back(demo, page):
    opened(page)
    expect(page.locator("svg.map-wide")).to_be_hidden()
    expect(page.get_by_role("region", name="Map of Peru with its offices")).to_be_visible()
    expect(page.get_by_text("do not imply official endorsement")).to_be_visible()
    first = zoom_of(page)
    page.get_by_role("button", name="Zoom in").click()
    second = zoom_of(page)
    page.locator(".zoom").focus()
    page.keyboard.press("-")
    assert second > 1.8 * first
    assert zoom_of(page) == pytest.approx(first, abs=2)
    before = page.locator(".zoom-point").first.bounding_box()["x"]
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(500)
    assert page.locator(".zoom-point").first.bounding_box()["x"] < before
    page.get_by_role("button", name=BACK).click()
    expect(page.locator(".zoom")).to_have_count(0)
    expect(page.locator("svg.map-wide")).to_be_visible()
    expect(page.get_by_role("button", name=OPEN)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".zoom")).to_be_focused()


def test_a_keyboard_reaches_every_office_and_reads_what_the_list_says(demo, page):
    opened(page)
    names = []
    for _press in range(12):
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.getAttribute('aria-label')")
        if page.evaluate("document.activeElement.classList.contains('zoom-point')"):
            names.append(name)
    assert names == [
        "Lima, country office",
        "Arequipa, field office (approximate place)",
        "Cusco, field office (approximate place)",
        "Tacna, field office (approximate place)",
        "Tumbes, field office (approximate place)",
    ]
    lima = page.get_by_role("button", name="Lima, country office")
    lima.press("Enter")
    card = page.locator(".zoom-card")
    expect(card).to_be_focused()
    assert card.inner_text().split("\n\n") == ["Lima, country office", "Country office in Lima."]
    page.keyboard.press("Escape")
    expect(card).to_have_count(0)
    expect(lima).to_be_focused()


def test_every_office_can_be_hit_on_24_pixels(demo, page):
    opened(page)
    sizes = page.locator(".zoom-point, .zoom .leaflet-bar a").evaluate_all(
        "parts => parts.map(part => Math.min(part.offsetWidth, part.offsetHeight))"
    )
    assert len(sizes) == 7
    assert min(sizes) >= 24


@pytest.mark.parametrize("address", [PERU, "/operations/"])
@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_axe_finds_nothing_on_a_map_that_is_zoomed(demo, new_page, address, width, scheme):
    page = opened(new_page(viewport={"width": width, "height": 800}, color_scheme=scheme), address)
    assert violations(page) == []
    page.locator(".zoom-point").first.press("Enter")
    page.wait_for_timeout(400)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_world_leads_to_an_operation_in_the_past_that_the_page_shows(demo, page):
    opened(page, "/operations/?as_of=2026-11-25")
    page.get_by_role("button", name="Peru: ").press("Enter")
    link = page.locator(".zoom-card a")
    assert link.get_attribute("href") == page.locator("svg.map-wide a[href*='/peru/']").get_attribute("href")
    link.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Peru")


def test_names_on_the_map_are_in_the_readers_language(demo, page):
    page.goto("/ar/operations/peru/2020/")
    page.locator(".map-zoom").click()
    expect(page.locator(".zoom-name.is-marked")).to_have_text("بيرو")
    assert page.locator(".zoom").get_attribute("dir") == "ltr"


def test_a_map_that_cannot_be_loaded_leaves_the_drawn_one(demo, page):
    page.route("**/*.geojson", lambda route: route.fulfill(status=503, body=""))
    page.goto(PERU)
    page.get_by_role("button", name=OPEN).click()
    again = page.get_by_role("button", name="The map could not be loaded. Try again.")
    expect(again).to_be_visible()
    expect(page.locator("svg.map-wide")).to_be_visible()
    page.unroute("**/*.geojson")
    again.click()
    expect(page.locator(".zoom")).to_be_focused()


def test_without_motion_the_map_does_not_glide(demo, new_page):
    page = opened(new_page(reduced_motion="reduce"))
    page.get_by_role("button", name="Zoom in").click()
    assert page.evaluate("document.querySelector('.leaflet-zoom-anim, .leaflet-fade-anim') === null")


def test_on_paper_the_drawn_map_stands(demo, page):
    opened(page)
    page.emulate_media(media="print")
    expect(page.locator("svg.map-wide")).to_be_visible()
    expect(page.locator(".zoom")).to_be_hidden()
    expect(page.locator(".map-zoom")).to_be_hidden()
