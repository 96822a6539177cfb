"""What staff do in the admin, from login to release, and what a reader then sees."""

from playwright.sync_api import expect

from contributions.management.commands.load_demo import PASSWORD
from operations.models import Narrative, Section

from .editor import write_at_end


def sign_in(page, name: str) -> None:
    page.goto("/admin/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def test_a_reviewer_releases_what_the_field_editor_wrote_and_a_visitor_without_scripts_reads_it(
    demo, new_page
):
    editor, reviewer, visitor = new_page(), new_page(), new_page(java_script_enabled=False)
    sign_in(editor, "peru")
    expect(editor.get_by_role("heading", name="My operations")).to_be_visible()
    table = editor.get_by_role("table").first
    table.get_by_role("row", name="Year-end report").get_by_role("link", name="released").first.click()
    text = editor.locator("[contenteditable]").nth(3)  # the fourth section: unmet needs
    text.click()
    write_at_end(editor, " Two thousand families went without a shelter kit.")
    assert editor.get_by_role("button", name="Save and release…").count() == 0
    editor.get_by_role("button", name="Save", exact=True).click()

    visitor.goto("/operations/peru/2020/")
    assert "shelter kit" not in visitor.inner_text("main")

    text = Narrative.objects.get(operation__code="PER", year=2020, kind="year_end", language="en")
    sign_in(reviewer, "reviewer")
    reviewer.goto(f"/admin/operations/narrative/{text.pk}/change/")
    reviewer.get_by_role("button", name="Save and release…").click()
    assert "Two thousand families" in reviewer.locator(".comparison ins").inner_text()
    for reason in reviewer.get_by_label("Why it is right as it stands").all():
        reason.fill("It is what the sources say.")
    reviewer.get_by_role("button", name="Release", exact=True).click()
    assert "readers see it now" in reviewer.locator(".messagelist").inner_text()

    visitor.reload()
    needs = visitor.locator("#year_end-unmet-needs")
    assert "Two thousand families went without a shelter kit." in needs.inner_text()


def test_a_pasted_table_keeps_its_cells_apart(demo, new_page):
    editor = new_page()
    sign_in(editor, "peru")
    editor.get_by_role("row", name="Year-end report").get_by_role("link", name="released").first.click()
    text = editor.locator("[contenteditable]").nth(3)
    text.click()
    editor.keyboard.press("Control+a")
    text.evaluate(
        """(element) => {
            const data = new DataTransfer();
            data.setData("text/html", "<table><tr><td>2019</td><td>300</td></tr><tr><td>2020</td><td>400</td></tr></table>");
            element.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
        }"""
    )
    editor.get_by_role("button", name="Save", exact=True).click()
    editor.wait_for_url("**/admin/**")
    body = Section.objects.get(
        narrative__operation__code="PER", narrative__year=2020, type__code="unmet-needs"
    ).body
    assert body == "<p>2019 | 300</p><p>2020 | 400</p>"


def test_a_wrong_key_figure_is_refused_at_its_field_with_what_might_have_been_meant(demo, new_page):
    editor = new_page()
    sign_in(editor, "peru")
    editor.get_by_role("row", name="Year-end report").get_by_role("link", name="released").first.click()
    editor.locator("input[name$='-value']").nth(2).fill("52,9960")
    editor.get_by_role("button", name="Save", exact=True).click()
    error = editor.locator(".errorlist", has_text="52,9960")
    assert "Did you mean 529,960 or 52,996?" in error.inner_text()
