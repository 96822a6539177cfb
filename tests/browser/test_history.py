"""What a reader does with editions: sees what was corrected, reads the page as it stood, cites it."""

import datetime as dt

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from operations.editions import release, withdraw
from operations.models import Edition, Narrative, Operation


@pytest.fixture
def corrected(demo):
    """Peru's report of 2020 corrected, its next plan and an operation withdrawn; the addresses to look at."""
    peru, chad = Operation.objects.get(slug="peru"), Operation.objects.get(slug="chad")
    before = timezone.now().astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    report = Narrative.objects.get(operation=peru, year=2020, kind="year_end", language="en")
    figure = report.key_figures.get(value="52,996")
    figure.value = "52,997"
    figure.save()
    section = report.sections.first()
    section.body += "<p>One person more was given cash: 52,997 in all.</p>"
    section.save()
    release(report, None, note="The report had left one person out.", is_correction=True)
    peru.population_figures.filter(year=2020, type=None).update(people=1_557_277)
    release(peru, None)
    plan = Narrative.objects.get(operation=peru, year=2020, kind="plan", language="en")
    withdraw(plan, None, reason="in_error", notice="It was not yet agreed.", replaced_by="/operations/peru/")
    withdraw(chad, None, reason="no_longer_true", notice="The figures are being counted again.")
    old = Edition.objects.of(report)[1]
    return [
        "/operations/peru/2020/",
        "/operations/peru/2020/history/",
        "/ar/operations/peru/2020/history/",
        f"/editions/{old.pk}/",
        f"/ar/editions/{old.pk}/",
        f"/operations/peru/2020/?as_of={before}",
        f"/?as_of={before}",
        "/operations/chad/2017/",
        "/operations/peru/2020/?as_of=2010-01-01",
        "/?as_of=yesterday",
    ]


@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (1280, "light")])
def test_pages_of_the_past_fit_the_screen_and_please_axe(corrected, new_page, width, scheme):
    page = new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    found = {}
    for address in corrected:
        page.goto(address)
        page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
        violations = Axe().run(page).response["violations"]
        problems = [f"{v['id']}: {node['html'][:160]}" for v in violations for node in v["nodes"]]
        if (actual := page.evaluate("document.documentElement.scrollWidth")) > width:
            problems.append(f"{actual} pixels wide")
        if problems:
            found[address] = problems
    assert found == {}


def test_a_reader_finds_a_correction_and_reads_the_page_as_it_stood_without_a_script(corrected, new_page):
    new, old = Edition.objects.filter(operation__slug="peru", kind="year_end", year=2020, language="en")[:2]
    page = new_page(java_script_enabled=False)
    page.goto("/operations/peru/2020/")
    expect(page.get_by_text("The report had left one person out.")).to_be_visible()
    expect(page.get_by_text("It was not yet agreed.")).to_be_visible()
    page.get_by_role("link", name="History of this page").focus()
    page.keyboard.press("Enter")
    report = page.get_by_role("region", name=f"Year-end report 2020, edition {new.number} Correction")
    summary = report.locator("summary").first
    summary.focus()
    page.keyboard.press("Enter")
    added = report.get_by_text("One person more was given cash: 52,997 in all.")
    expect(added).to_be_visible()
    expect(report.get_by_role("row", name="52,996").get_by_text("52,997")).to_be_visible()
    older = page.get_by_role("region", name=f"Year-end report 2020, edition {old.number}")
    older.get_by_role("link", name="The page as it stood then").focus()
    page.keyboard.press("Enter")
    banner = page.get_by_role("complementary", name="The edition that this page shows")
    assert f"Year-end report 2020, edition {old.number}, released on" in banner.inner_text()
    expect(page.get_by_text("52,997")).to_be_hidden()
    expect(page.get_by_text("1,557,276").first).to_be_visible()
    banner.get_by_role("link", name="A newer edition").click()
    expect(page.get_by_text("52,997").first).to_be_visible()
    said = page.locator(".moment").inner_text()
    assert "This is still the current edition of its part of the page." in said
    assert "Other parts were changed since: Profile and figures, changed on" in said


def test_a_reader_cites_a_page_and_comes_back_to_it(corrected, new_page):
    page = new_page()
    page.goto("/operations/peru/2020/")
    shown = page.locator("main section:not(#cite):not(#contributions)").all_inner_texts()
    page.get_by_role("link", name="Cite this page").first.click()
    citation = page.locator(".citation").inner_text()
    address = citation.partition("http://")[2].split()[0]
    page.goto(f"http://{address}")
    assert page.locator("main section:not(#cite):not(#contributions)").all_inner_texts() == shown


def test_a_reader_walks_in_the_past_and_back_to_the_present(corrected, new_page):
    page = new_page()
    page.goto(corrected[6])
    page.get_by_role("link", name="Peru", exact=True).last.click()
    expect(page.locator(".moment")).to_be_visible()
    expect(page.get_by_text("1,557,276").first).to_be_visible()
    page.get_by_role("link", name="2019", exact=True).first.click()
    expect(page.locator(".moment")).to_be_visible()
    page.get_by_role("link", name="Français").click()
    expect(page.locator(".moment")).to_be_visible()
    page.locator(".moment a").click()
    assert page.url.endswith("/fr/operations/peru/2019/")
    expect(page.locator(".moment")).to_be_hidden()


def test_a_history_prints_with_all_its_changes(corrected, new_page, tmp_path):
    page = new_page()
    page.goto("/operations/peru/2020/history/")
    page.emulate_media(media="print")
    expect(page.get_by_text("One person more was given cash: 52,997 in all.")).to_be_visible()
