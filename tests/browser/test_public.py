"""What a reader does, with JavaScript and without, by pointer and by keyboard."""

from playwright.sync_api import expect
from pypdf import PdfReader


def test_an_offices_details_open_by_keyboard_without_a_script(demo, new_page):
    page = new_page(java_script_enabled=False)
    page.goto("/operations/peru/2020/")
    card = page.locator("#office-lima")
    expect(card).to_be_hidden()
    page.locator("svg a[href='#office-lima']:visible").focus()
    page.keyboard.press("Enter")
    expect(card).to_be_visible()
    assert "Country office in Lima." in card.inner_text()
    card.get_by_role("link", name="Close").click()
    expect(card).to_be_hidden()


def test_a_contribution_opens_to_its_allocations_by_keyboard_without_a_script(demo, new_page):
    page = new_page(java_script_enabled=False)
    page.goto("/operations/peru/2020/")
    line = page.locator("summary", has_text="1 allocation · Norway")
    allocation = page.get_by_text("$1,614,205.00")
    expect(allocation).to_be_hidden()
    line.focus()
    page.keyboard.press("Enter")
    expect(allocation).to_be_visible()


def test_a_reader_comes_from_the_start_page_to_perus_pillars_and_back(demo, new_page):
    page = new_page(java_script_enabled=False)
    page.goto("/")
    page.locator("table").get_by_role("link", name="Peru").click()
    assert page.url.endswith("/operations/peru/2020/")
    page.get_by_role("link", name="By pillar").click()
    assert page.url.endswith("/operations/peru/2020/pillars/")
    page.get_by_role("link", name="Back to the totals").click()
    page.get_by_role("navigation", name="Choose a year").get_by_role("link", name="2019").click()
    assert "867,821" in page.locator("#people").inner_text()


def test_the_first_tab_skips_to_the_content(demo, new_page):
    page = new_page()
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_nothing_is_lost_on_paper(demo, new_page, tmp_path):
    page = new_page()
    page.goto("/operations/peru/2020/")
    for size in ("A4", "Letter"):
        page.pdf(path=tmp_path / "page.pdf", format=size)
        printed = "".join(sheet.extract_text() for sheet in PdfReader(tmp_path / "page.pdf").pages)
        for amount in ("$3,186,984", "$74,541", "$177,513", "$51,874", "Tumbes", "1,557,276"):
            assert amount in printed


def test_the_page_prints_without_its_navigation(demo, new_page):
    page = new_page()
    page.goto("/operations/peru/2020/")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    expect(page.get_by_role("heading", name="Unmet needs")).to_be_visible()
