"""A draft in frames of two widths, as a browser that keeps to the content security policy shows them."""

from playwright.sync_api import expect

from operations.editions import record, release
from tests import factories


def test_staff_look_at_a_draft_in_the_width_of_a_phone_without_a_script(transactional_db, new_page):
    peru = factories.operation("PER", slug="peru")
    ana = factories.user("ana", groups=("Field editors",), on=[peru])
    report = factories.narrative(peru, sections={"unmet-needs": "<p>Nine schools have no roof.</p>"})
    release(peru, ana)
    record(report, ana)
    page = new_page(java_script_enabled=False, viewport={"width": 1280, "height": 800})
    page.goto("/admin/")
    page.get_by_label("Username").fill("ana")
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.goto(f"/admin/operations/narrative/{report.pk}/change/")
    page.get_by_role("link", name="Preview", exact=True).click()
    page.get_by_role("link", name="360", exact=True).click()
    for width in (360, 768):
        if width == 768:
            page.get_by_role("link", name="768 pixels").click()
        frame = page.frame_locator("iframe")
        frame.get_by_text("Nine schools have no roof.").wait_for()
        assert page.locator("iframe").bounding_box()["width"] == width + 2  # with its lines
    page.get_by_role("link", name="العربية").click()
    frame = page.frame_locator("iframe")
    frame.locator("html[dir=rtl]").wait_for()
    expect(frame.get_by_text("Nine schools have no roof.")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "en"
