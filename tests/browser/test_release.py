"""The whole way of a text through people's hands: draft, review, release, correction, history, citation, withdrawal."""

import datetime as dt
import re

import pytest
import time_machine
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from contributions.management.commands.load_demo import PASSWORD
from operations.drafts import checked
from operations.editions import record, request_changes, send_for_review, withdraw
from operations.models import Edition, Narrative, Region
from tests import factories
from tests.signing_in import be_signed_in

from .editor import write_at_end

FRIDAY = dt.datetime(2026, 3, 27, 10, tzinfo=dt.UTC)  # two days before Europe's clocks go forward
PERU = "/operations/peru/2020/"


@pytest.fixture
def clock():
    """Moves the clock of the server, which runs in this process; it goes on from there."""
    with time_machine.travel(FRIDAY) as traveller:
        yield traveller


@pytest.fixture
def report(demo):
    return Narrative.objects.get(operation__code="PER", year=2020, kind="year_end", language="en")


def form_of(report, page="change"):
    return f"/admin/operations/narrative/{report.pk}/{page}/"


def write(page, heading, words):
    page.locator(".narrative-section", has_text=heading).locator("[contenteditable]").focus()
    write_at_end(page, words)


def save(page):
    page.get_by_role("button", name="Save", exact=True).click()
    page.locator(".messagelist").wait_for()


def said(page):
    return page.locator(".messagelist").inner_text()


def shown(page, address=PERU):
    page.goto(address)
    return page.inner_text("main")


def set_time(page, day, time, zone):
    page.get_by_label("At a time").check()
    page.get_by_label("Day", exact=True).fill(day)
    page.get_by_label("Time", exact=True).fill(time)
    page.get_by_label("Time zone", exact=True).select_option(zone)
    with page.expect_navigation():
        page.get_by_role("button", name="Release", exact=True).click()


def give_reasons(page, reason):
    for field in page.get_by_label("Why it is right as it stands").all():
        field.fill(reason)


# --- By pointer, and what readers see of it --------------------------------------------------------


def test_a_text_goes_from_its_draft_to_review_release_correction_history_citation_and_withdrawal(
    clock, report, new_page
):
    editor, reviewer, visitor = new_page(), new_page(), new_page(java_script_enabled=False)
    be_signed_in(editor, "peru", "/admin/")
    be_signed_in(reviewer, "americas", "/admin/")

    # A field editor writes, answers what the checks ask, and sends it for review.
    peru = editor.get_by_role("row", name="Year-end report")
    peru.get_by_role("link", name="released").first.click()
    write(editor, "Unmet needs", " Cash reached 52,969 people. Many families went without a shelter kit.")
    save(editor)
    editor.locator(".messagelist").get_by_role("link", name=re.compile("1 warning to answer")).click()
    checks = editor.get_by_role("region", name="Checks")
    assert "52,996" in checks.locator(".findings.warnings").inner_text()
    checks.locator("summary", has_text="It is right as it stands").click()
    checks.get_by_label("Why?").fill("It is the number before the last count.")
    checks.get_by_role("button", name="Answer").click()
    checks.get_by_text("Nothing to correct and nothing to answer.").wait_for()
    editor.get_by_label("Comment").fill("The number of families is not known yet.")
    editor.get_by_role("button", name="Send for review").click()
    editor.locator(".standing .state-in_review").wait_for()

    # The reviewer of the region finds it, looks at it in two widths, and asks for a change.
    reviewer.goto("/admin/")
    inbox = reviewer.get_by_role("region", name="Waiting for your review")
    assert "The number of families is not known yet." in inbox.inner_text()
    inbox.get_by_role("link", name="Peru: year-end report 2020").click()
    form = reviewer.url
    reviewer.get_by_role("link", name="Preview", exact=True).click()
    assert (
        "Many families went without a shelter kit." in reviewer.locator("#year_end-unmet-needs").inner_text()
    )
    reviewer.get_by_role("link", name="360", exact=True).click()
    for width in (360, 768):
        if width == 768:
            reviewer.get_by_role("link", name="768 pixels").click()
        frame = reviewer.frame_locator("iframe")
        frame.get_by_text("Many families went without a shelter kit.").wait_for()
        assert frame.locator("html").evaluate("(page) => innerWidth") == width
        assert frame.locator("html").evaluate("(page) => page.scrollWidth") <= width
    reviewer.goto(form)
    reviewer.get_by_label("Comment").fill("Say how many families.")
    reviewer.get_by_role("button", name="Request changes").click()
    reviewer.locator(".standing .state-changes_requested").wait_for()

    # The editor sees that, changes it, and sends it again.
    editor.goto("/admin/")
    back = editor.get_by_role("region", name="Changes were requested")
    assert "Say how many families." in back.inner_text()
    back.get_by_role("link", name="Peru: year-end report 2020").click()
    write(editor, "Unmet needs", " They were two thousand.")
    save(editor)
    editor.get_by_role("region", name="Changes were requested").get_by_role("link").click()
    editor.get_by_role("button", name="Send for review").click()
    editor.locator(".standing .state-in_review").wait_for()

    # The reviewer sets its release for a time on the clocks of Zurich.
    reviewer.goto("/admin/")
    reviewer.get_by_role("region", name="Waiting for your review").get_by_role("link").click()
    reviewer.get_by_role("link", name="Release…").click()
    added = reviewer.locator(".comparison ins").inner_text()
    assert "Many families went without a shelter kit. They were two thousand." in added
    assert "It is the number before the last count." in reviewer.locator("ul.answered").inner_text()
    set_time(reviewer, "2026-03-29", "02:30", "Europe/Zurich")
    assert reviewer.locator(".release-at .errorlist").inner_text() == (
        "02:30 on 29 March 2026 does not exist in Europe/Zurich: the clock goes from 02:00 to 03:00. "
        "Write 01:30 or 03:30."
    )
    set_time(reviewer, "2026-10-25", "02:30", "Europe/Zurich")
    question = reviewer.get_by_role("group", name="Which 02:30?")
    question.wait_for()
    assert [label.strip() for label in question.locator("label").all_inner_texts()] == [
        "the first 02:30, CEST, UTC+2",
        "the second 02:30, CET, UTC+1",
    ]
    set_time(reviewer, "2026-03-27", "15:00", "Europe/Zurich")
    reviewer.wait_for_url(f"**{form_of(report)}")
    assert "27 March 2026, 15:00 CET (14:00 UTC)" in said(reviewer)
    standing = reviewer.locator(".standing").inner_text()
    assert "Edition 4 will be released on 27 March 2026, 15:00 CET (14:00 UTC)" in standing
    assert "until then readers see edition 2" in standing

    # Nothing but the clock makes it public.
    assert "shelter kit" not in shown(visitor)
    clock.move_to(FRIDAY.replace(hour=13, minute=59))
    assert "shelter kit" not in shown(visitor)
    clock.move_to(FRIDAY.replace(hour=14))
    assert "They were two thousand." in shown(visitor)
    visitor.get_by_role("link", name="Permanent address of this edition").click()
    cited = visitor.url
    assert cited.endswith(f"/editions/{Edition.objects.of(report).get(number=4).pk}/")

    # A figure is corrected, which readers are told.
    clock.move_to(FRIDAY + dt.timedelta(days=1))
    reviewer.goto(form)
    assert reviewer.locator("#id_key_figures-2-value").input_value() == "52,996"
    reviewer.locator("#id_key_figures-2-value").fill("53,112")
    reviewer.get_by_role("button", name="Save and release…").click()
    reviewer.get_by_label("This corrects an error in what readers see now").check()
    give_reasons(reviewer, "Both numbers stand in the source.")
    reviewer.get_by_role("button", name="Release", exact=True).click()
    reviewer.locator(".errorlist", has_text="Tell readers what was wrong and is now right.").wait_for()
    reviewer.get_by_label("Note to readers").fill("A part of December had not been counted.")
    reviewer.get_by_role("button", name="Release", exact=True).click()
    assert "Released as edition 5; readers see it now." in said(reviewer)

    # A reader is told, finds both numbers in the history, and the page as it stood.
    visitor.goto(PERU)
    visitor.locator("#key-figures").get_by_role("link", name="Corrected on 28 March 2026.").click()
    assert visitor.url.endswith("#year-end")
    year_end = visitor.locator("#year-end")
    assert "Corrected on 28 March 2026. A part of December had not been counted." in year_end.inner_text()
    year_end.get_by_role("link", name="What was changed").click()
    newest = visitor.get_by_role("region", name="Year-end report 2020, edition 5 Correction")
    assert newest.get_by_role("row", name="people given cash").get_by_role("cell").all_inner_texts() == [
        "52,996",
        "53,112",
    ]
    older = visitor.get_by_role("region", name="Year-end report 2020, edition 4")
    older.get_by_role("link", name="The page as it stood then").click()
    assert visitor.url == cited
    banner = visitor.get_by_role("complementary", name="The edition that this page shows").inner_text()
    assert "Year-end report 2020, edition 4, released on 27 March 2026, 14:00 UTC." in banner
    assert "52,996" in visitor.locator("#key-figures").inner_text()
    assert "53,112" not in visitor.inner_text("main")
    visitor.goto(PERU)
    now = visitor.locator("#key-figures, #year-end").all_inner_texts()
    address = visitor.locator(".citation").inner_text().partition("http://")[2].split()[0]
    visitor.goto(f"http://{address}")
    assert visitor.locator("#key-figures, #year-end").all_inner_texts() == now

    # It is withdrawn, and every address of it says so.
    reviewer.get_by_role("link", name="Withdraw", exact=True).click()
    reviewer.get_by_label("published in error").check()
    reviewer.get_by_label("Notice to readers").fill("The count of December is being made again.")
    reviewer.get_by_role("button", name="Withdraw it").click()
    assert "It is withdrawn: readers no longer see it" in said(reviewer)
    expect(reviewer.locator(".standing .state-withdrawn")).to_be_visible()
    for gone in (cited, f"http://{address}"):
        assert visitor.goto(gone).status == 410
        notice = visitor.inner_text("main")
        expect(visitor.locator("main").get_by_role("link", name="Peru", exact=True)).to_be_visible()
        assert "Reason: published in error." in notice
        assert "The count of December is being made again." in notice
    assert visitor.goto(PERU).status == 200
    assert "The count of December is being made again." in visitor.locator("#year-end").inner_text()
    for address in (PERU, f"{PERU}history/", f"{PERU}?as_of=2026-03-27T15:00Z", "/feeds/releases.atom"):
        body = visitor.request.get(address)
        assert body.status == 200
        assert [word for word in ("shelter kit", "53,112", "52,996") if word in body.text()] == [], address

    # Every save and step is kept for staff.
    reviewer.get_by_role("link", name="Versions", exact=True).click()
    versions = reviewer.locator("table.versions tbody tr")
    versions.first.wait_for()
    assert [row.get_by_role("rowheader").inner_text() for row in versions.all()] == [
        f"Edition {number}" for number in (5, 4, 3, 2, 1)
    ]
    assert "Changes requested americas" in versions.nth(2).inner_text().replace("\n", " ")


def test_an_edition_stays_byte_for_byte_what_the_page_was_before_its_figure_was_corrected(
    clock, report, new_page
):
    def main(address):
        text = visitor.request.get(address).text()
        (found,) = re.findall(r"<main.*</main>", text, re.DOTALL)
        # Which edition it is, and where its files are, the page says of itself.
        own = r'<li class="pdf">.*?</li>|<section id="cite".*?</section>|<div class="take">.*?</div>'
        return re.sub(own, "", found, flags=re.DOTALL)

    visitor, reviewer = new_page(java_script_enabled=False), new_page(java_script_enabled=False)
    old = Edition.objects.of(report).released().get()
    before = main(PERU)
    assert ">52,996<" in before
    be_signed_in(reviewer, "reviewer", form_of(report))
    reviewer.locator("#id_key_figures-2-value").fill("52,969")
    reviewer.get_by_role("button", name="Save and release…").click()
    reviewer.get_by_label("This corrects an error in what readers see now").check()
    reviewer.get_by_label("Note to readers").fill("Two digits had changed places.")
    give_reasons(reviewer, "Both numbers stand in the source.")
    reviewer.get_by_role("button", name="Release", exact=True).click()
    assert "readers see it now" in said(reviewer)

    after = main(PERU)
    assert (">52,969<" in after, "52,996" in after) == (True, False)
    assert main(f"/editions/{old.pk}/") == before
    visitor.goto(f"/editions/{old.pk}/")
    canonical = visitor.locator("link[rel=canonical]").get_attribute("href")
    assert canonical.endswith(PERU)
    visitor.goto(f"{PERU}history/")
    newest = visitor.locator(".history > section").first
    assert [line for line in newest.inner_text().splitlines() if line] == [
        "Year-end report 2020, edition 3 Correction",
        "Released on 27 March 2026, 10:00 UTC · The page as it stood then",
        "· Year-end report 2020 · 3",
        "Two digits had changed places.",
        "What changed against edition 2",
        "· Year-end report 2020 · 3",
        "Figures and facts, before and after",
        "What\tBefore\tAfter",
        "Key figure: people given cash in an emergency for their basic needs\t52,996\t52,969",
    ]


# --- With the keyboard alone -----------------------------------------------------------------------

FOCUS = """() => {
    const element = document.activeElement, style = getComputedStyle(element), box = element.getBoundingClientRect();
    const heading = document.getElementById(element.getAttribute("aria-labelledby"));
    const name = [heading?.innerText, element.ariaLabel, element.labels?.[0]?.innerText, element.innerText, element.value]
        .find((text) => text?.trim()) ?? element.id;
    const [left, right] = [Math.max(box.left, 0), Math.min(box.right, innerWidth)];
    const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
    const isSeen = [0.1, 0.5, 0.9].some((x) => [0.1, 0.5, 0.9].some((y) => {
        const hit = document.elementFromPoint(left + x * (right - left), top + y * (bottom - top));
        return hit && (element.contains(hit) || hit.contains(element) && hit !== document.body);
    }));
    const outline = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    return {
        name: name.trim().slice(0, 60),
        isMarked: outline || style.boxShadow !== "none",
        isSeen: right > left && bottom > top && isSeen,
        html: element.outerHTML.slice(0, 120),
        isBody: element === document.body,
    };
}"""


def tab_to(page, name, tabs=200):
    """Press Tab until what has the focus is called so; every stop on the way is marked and can be seen."""
    passed = []
    for _tab in range(tabs):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        if focus["isBody"]:
            continue
        assert focus["isMarked"], f"The focus cannot be seen: {focus['html']}"
        assert focus["isSeen"], f"Something covers what has the focus: {focus['html']}"
        if focus["name"].startswith(name):
            return
        passed.append(focus["name"])
    raise AssertionError(f"{tabs} tabs never reach “{name}”: {passed}")


def enter_by_keyboard(page, name, address):
    page.goto(address)
    if page.evaluate("document.activeElement.name") != "username":
        tab_to(page, "Username")
    page.keyboard.type(name)
    tab_to(page, "Password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login/" not in url)


def press(page, key, address):
    """The key leads to another page."""
    with page.expect_navigation(url=address):
        page.keyboard.press(key)
    page.wait_for_load_state("load")


def test_a_text_is_written_sent_and_released_with_the_keyboard_alone(report, new_page):
    editor, reviewer = new_page(), new_page()
    enter_by_keyboard(editor, "peru", form_of(report))
    tab_to(editor, "Operational context")
    write_at_end(editor, " It rained for weeks.")
    tab_to(editor, "Save and continue editing")
    press(editor, "Enter", "**/change/**")
    tab_to(editor, "Comment")
    editor.keyboard.type("A sentence about the rain.")
    tab_to(editor, "Send for review")
    press(editor, "Enter", "**/change/**")
    expect(editor.locator(".standing .state-in_review")).to_be_visible()

    enter_by_keyboard(reviewer, "americas", "/admin/")
    tab_to(reviewer, "Peru: year-end report 2020")
    press(reviewer, "Enter", "**/change/**")
    tab_to(reviewer, "Release…")
    press(reviewer, "Enter", "**/release/")
    assert "It rained for weeks." in reviewer.locator(".comparison ins").inner_text()
    tab_to(reviewer, "This corrects an error")
    reviewer.keyboard.press("Space")
    tab_to(reviewer, "Note to readers")
    reviewer.keyboard.type("The rain had been left out.")
    tab_to(reviewer, "Now")
    reviewer.keyboard.press("ArrowDown")
    assert reviewer.get_by_label("At a time").is_checked()
    reviewer.keyboard.press("ArrowUp")
    tab_to(reviewer, "Release")
    press(reviewer, "Enter", "**/change/**")
    assert "readers see it now" in said(reviewer)
    newest = Edition.objects.of(report).released().get()
    assert (newest.number, newest.is_correction, newest.note) == (3, True, "The rain had been left out.")
    assert "It rained for weeks." in shown(new_page(java_script_enabled=False))


# --- For everybody, and for nobody else ------------------------------------------------------------


@pytest.fixture
def stages(report):
    """A draft with a warning and comments; an edition that was corrected; a plan that was withdrawn."""
    section = report.sections.get(type__code="unmet-needs")
    section.body += "<p>Cash reached 52,969 people.</p>"
    section.save()
    peru, americas = (factories.get_user_model().objects.get(username=name) for name in ("peru", "americas"))
    record(report, peru)
    send_for_review(report, peru, "Please look at the cash.")
    request_changes(report, americas, "Which of the two numbers is right?")
    assert [finding.check for finding in checked(report).open] == ["number-near-key-figure"]
    plan = Narrative.objects.get(operation__code="PER", year=2021, kind="plan", language="en")
    withdraw(plan, americas, reason="in_error", notice="It was not yet agreed.")
    return report, Edition.objects.of(plan).get()


def problems_of(page, narrow):
    """What axe finds, narrow and dark, wide and light; and whether something is wider than the window."""
    found = set()
    for width, scheme in ((narrow, "dark"), (1280, "light")):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        page.evaluate("Promise.all(document.getAnimations().map((change) => change.finished))")
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.add(f"wider than {width} pixels")
        # What axe would load again it would put into the page, which its policy forbids.
        looked = Axe().run(page, options={"preload": False, "resultTypes": ["violations"]})
        for violation in looked.response["violations"]:
            found |= {f"{violation['id']}: {node['html'][:200]}" for node in violation["nodes"]}
    return found


def test_axe_finds_nothing_where_staff_review_and_release(stages, new_page):
    report, _withdrawn = stages
    page = new_page()
    found = {}
    be_signed_in(page, "admin")
    for address in (
        form_of(report),
        form_of(report, "release"),
        f"{form_of(report, 'versions')}?before=2&after=3",
        form_of(report, "withdraw"),
        "/admin/operations/work-list/",
        "/admin/roles/",
    ):
        assert page.goto(address).status == 200
        page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
        if problems := problems_of(page, 360):
            found[address] = problems
    assert found == {}


def test_axe_finds_nothing_where_readers_are_told_of_a_withdrawal(stages, new_page):
    _report, withdrawn = stages
    page = new_page()
    found = {}
    for address, status in ((f"/editions/{withdrawn.pk}/", 410), (PERU, 200), (f"{PERU}history/", 200)):
        assert page.goto(address).status == status
        assert "It was not yet agreed." in page.inner_text("main")
        if problems := problems_of(page, 320):
            found[address] = problems
    assert found == {}


def test_nobody_gets_by_an_address_what_they_may_not_do(stages, new_page):
    report, _withdrawn = stages
    factories.user("asia", groups=("Reviewers",), on=[Region.objects.get(code="MENA")])
    pages = ("change", "preview", "versions", "links", "release", "withdraw")
    seen = {}
    for name in ("viewer", "finance", "asia"):
        page = new_page()
        be_signed_in(page, name)
        seen[name] = [page.request.get(form_of(report, to), max_redirects=0).status for to in pages]
        if name == "viewer":
            page.goto(form_of(report))
            assert page.locator("#content").get_by_role("button").all_inner_texts() == ["Comment"]
    assert seen == {
        "viewer": [200, 200, 200, 403, 403, 403],
        "finance": [403, 404, 404, 404, 404, 404],
        "asia": [302, 404, 404, 404, 404, 404],  # to the start page, which says that there is no such text
    }
