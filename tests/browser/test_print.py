"""What comes out of the printer: a brief of a few pages that says on each what it is and where it stands."""

import re
import unicodedata

import pytest
from playwright.sync_api import expect
from pypdf import PdfReader


def printed(page, address, path, size="A4"):
    page.goto(address)
    page.pdf(path=path, format=size, tagged=True)
    texts = [sheet.extract_text() for sheet in PdfReader(path).pages]
    return [" ".join(unicodedata.normalize("NFKC", text).split()) for text in texts]  # ligatures apart


@pytest.mark.parametrize("size", ["A4", "Letter"])
@pytest.mark.parametrize("language", ["", "/fr", "/es", "/ar"])
def test_the_page_of_an_operation_prints_as_a_brief_of_two_to_four_pages(
    demo, new_page, tmp_path, language, size
):
    page = new_page()
    sheets = printed(page, f"{language}/operations/peru/2020/", tmp_path / "page.pdf", size)
    assert 2 <= len(sheets) <= 4
    address = page.locator(".running bdi").last.text_content()
    assert "/editions/" in address
    for number, sheet in enumerate(sheets, 1):
        assert "Openfield" in sheet
        assert address in sheet.replace(" ", "")
        assert {str(number), str(len(sheets))} <= set(sheet.replace("/", " ").split())
    for figure in ("1,557,276", "867,821") if language in ("", "/ar") else ("52", "125"):
        assert figure in " ".join(sheets)


def test_each_printed_page_names_the_operation_its_year_and_the_day_of_its_edition(demo, new_page, tmp_path):
    sheets = printed(new_page(), "/operations/peru/2020/", tmp_path / "page.pdf")
    for number, sheet in enumerate(sheets, 1):
        assert "Openfield · Peru 2020 Edition of 2 December 2021 · http://" in sheet
        assert f"{number} / {len(sheets)}" in sheet


def test_other_pages_print_with_the_site_their_address_and_page_numbers(demo, new_page, tmp_path):
    for address in ("/contributions/", "/donors/", "/donors/germany/", "/operations/", "/methodology/"):
        sheets = printed(new_page(), address, tmp_path / "page.pdf")
        for number, sheet in enumerate(sheets, 1):
            assert "Openfield" in sheet
            assert address in sheet
            assert f"{number} / {len(sheets)}" in sheet


def test_the_running_title_is_on_paper_alone(demo, new_page):
    page = new_page()
    page.goto("/operations/peru/2020/")
    expect(page.locator(".running")).to_be_hidden()
    page.emulate_media(media="print")
    expect(page.locator(".running")).to_be_visible()


@pytest.mark.parametrize("language", ["", "/fr", "/es"])
def test_every_number_that_is_shown_for_print_is_on_the_paper(demo, new_page, tmp_path, language):
    page = new_page()
    sheets = printed(page, f"{language}/operations/peru/2020/", tmp_path / "page.pdf")
    page.emulate_media(media="print")
    shown = set(re.findall(r"[0-9]+", page.locator("main").inner_text()))
    assert shown - set(re.findall(r"[0-9]+", " ".join(sheets))) == set()
