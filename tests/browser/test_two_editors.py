"""Two people in one form, in two browsers; a session that ends; a tab that is closed."""

import pytest
from django.urls import reverse

from operations.editions import record
from operations.models import Narrative, OpenForm, PopulationFigure
from tests import factories
from tests.signing_in import be_signed_in

from .editor import write_at_end


@pytest.fixture
def peru(transactional_db):
    return factories.operation()


@pytest.fixture
def report(peru):
    text = factories.narrative(
        peru,
        sections={
            "unmet-needs": "<p>Needs.</p><ul><li>shelter</li><li>water</li></ul>",
            "key-achievements": "<p>Achieved.</p>",
        },
    )
    factories.key_figure(text, "300,000", text="people helped", order=1)
    factories.key_figure(text, "70,000", text="calls answered", order=2)
    record(text, factories.user("zoe"))
    return text


@pytest.fixture
def ann(peru):
    return factories.user("ann", groups=("Field editors",), on=[peru])


@pytest.fixture
def bo(peru):
    return factories.user("bo", groups=("Field editors",), on=[peru])


def change(obj, page="change"):
    return reverse(f"admin:operations_{obj._meta.model_name}_{page}", args=[obj.pk])


def sign_in(page, name):
    page.goto("/admin/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/login/" not in url)


def editor_of(page, heading):
    return page.locator(".narrative-section", has_text=heading).locator("[contenteditable]")


def write(page, heading, words):
    editor = editor_of(page, heading)
    editor.click()
    write_at_end(page, words)


def save(page):
    page.get_by_role("button", name="Save", exact=True).click()


def bodies(report):
    return dict(report.sections.values_list("type__code", "body"))


def copies(page):
    return page.evaluate(
        "Object.keys(localStorage).filter((key) => key.startsWith('openfield.draft.')).length"
    )


def wait_for_a_copy(page):
    for _wait in range(100):
        if copies(page):
            return
        page.wait_for_timeout(50)
    raise AssertionError("Nothing was kept in the browser.")


def test_two_people_write_in_one_text_and_neither_loses_a_word(peru, report, ann, bo, new_page):
    first, second = new_page(), new_page()
    be_signed_in(first, "ann", change(report))
    be_signed_in(second, "bo", change(report))
    assert "ann has had this form open since" in second.locator("#presence").inner_text()

    write(first, "Unmet needs", " and schools")
    first.locator("#id_key_figures-0-value").fill("310,000")
    save(first)
    first.wait_for_url("**/admin/")

    write(second, "Unmet needs", " and latrines")
    write(second, "Key achievements", " And more.")
    save(second)
    told = second.locator("#overtaking")
    assert "ann saved edition 2 while this form was open." in told.inner_text()
    assert told.locator(".overtaking-conflicts").inner_text() == "Unmet needs"
    assert "Key figure “people helped”: Figure" in told.inner_text()
    section = second.locator(".narrative-section", has_text="Unmet needs")
    assert "water and schools" in section.locator(".conflict-other .prose").inner_text()
    assert "water and latrines" in editor_of(second, "Unmet needs").inner_text()
    assert second.locator("#id_key_figures-0-value").input_value() == "310,000"
    assert "latrines" not in bodies(report)["unmet-needs"]

    write(second, "Unmet needs", ", and schools")
    save(second)
    second.wait_for_url("**/admin/")
    assert bodies(report)["unmet-needs"].count("water and latrines, and schools") == 1
    assert bodies(report)["key-achievements"] == "<p>Achieved. And more.</p>"
    assert list(report.key_figures.values_list("value", flat=True)) == ["310,000", "70,000"]


def test_what_the_editor_makes_of_a_text_that_was_touched_and_not_changed_is_no_change(
    peru, report, ann, bo, new_page
):
    page = new_page()
    be_signed_in(page, "ann", change(report))
    write(page, "Unmet needs", "x")
    page.keyboard.press("Backspace")
    assert "<li><p>" in page.locator("#id_sections-1-body, #id_sections-0-body").evaluate_all(
        "(all) => all.map((each) => each.value).join()"
    )
    section = report.sections.get(type__code="unmet-needs")
    section.body = "<p>Bo’s needs.</p>"
    section.save()
    record(report, bo)
    save(page)
    told = page.locator("#overtaking")
    assert "Both of you changed" not in told.inner_text()
    assert editor_of(page, "Unmet needs").inner_text().strip() == "Bo’s needs."
    save(page)
    page.wait_for_url("**/admin/")
    assert bodies(report)["unmet-needs"] == "<p>Bo’s needs.</p>"


def test_nothing_is_lost_with_a_session_that_ended(peru, report, ann, new_page):
    page = new_page()
    be_signed_in(page, "ann", change(report))
    write(page, "Unmet needs", " and schools")
    page.locator("#id_key_figures-1-value").fill("71,000")
    page.locator("#id_key_figures-2-value").fill("12")
    page.locator("#id_key_figures-2-text").fill("schools built")
    page.locator("#key_figures-group .add-row a").click()
    page.locator("#id_key_figures-5-value").fill("13")
    page.locator("#id_key_figures-5-text").fill("wells dug")
    page.context.clear_cookies(name="sessionid")
    save(page)
    page.wait_for_url("**/login/**")
    assert "schools" not in bodies(report)["unmet-needs"]

    page.get_by_label("Username").fill("ann")
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"**{change(report)}")
    offer = page.locator(".draft-offer")
    assert "You left changes here on" in offer.inner_text()
    offer.get_by_role("button", name="Put them back").click()
    assert "water and schools" in editor_of(page, "Unmet needs").inner_text()
    save(page)
    page.wait_for_url("**/admin/")
    assert "water and schools" in bodies(report)["unmet-needs"]
    assert list(report.key_figures.values_list("value", "text")) == [
        ("300,000", "people helped"),
        ("71,000", "calls answered"),
        ("12", "schools built"),
        ("13", "wells dug"),
    ]
    assert copies(page) == 0
    page.goto(change(report))
    page.wait_for_load_state("load")
    assert page.locator(".draft-offer").count() == 0


def test_a_closed_tab_leaves_what_was_typed_and_others_see_that_nobody_is_there(
    peru, report, ann, bo, new_page
):
    page = new_page()
    be_signed_in(page, "ann", change(report))
    write(page, "Unmet needs", " and schools")
    assert OpenForm.objects.get().user == ann
    context = page.context
    page.close(run_before_unload=True)
    other = context.new_page()
    other.goto("/admin/")
    other.wait_for_timeout(300)
    assert OpenForm.objects.count() == 0
    report.sections.filter(type__code="key-achievements").update(body="<p>Bo’s.</p>")
    record(report, bo)

    other.goto(change(report))
    other.locator(".draft-offer").get_by_role("button", name="Put them back").click()
    save(other)
    assert "bo saved edition 2 while this form was open." in other.locator("#overtaking").inner_text()
    save(other)
    other.wait_for_url("**/admin/")
    assert "water and schools" in bodies(report)["unmet-needs"]
    assert bodies(report)["key-achievements"] == "<p>Bo’s.</p>"


def test_changes_are_thrown_away_on_request_and_when_one_signs_out(peru, report, ann, new_page):
    page = new_page()
    be_signed_in(page, "ann", change(report))
    for _again in range(2):
        page.locator("#id_key_figures-0-value").fill("999")
        wait_for_a_copy(page)
        page.goto(change(report))
        offer = page.locator(".draft-offer")
        offer.wait_for()
        if not _again:
            offer.get_by_role("button", name="Throw them away").click()
            assert copies(page) == 0
            page.reload()
            page.wait_for_load_state("load")
            assert offer.count() == 0
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/logout/")
    assert copies(page) == 0
    assert list(report.key_figures.values_list("value", flat=True)) == ["300,000", "70,000"]


def test_a_save_that_was_refused_keeps_what_was_typed(peru, report, ann, new_page):
    page = new_page()
    be_signed_in(page, "ann", change(report))
    page.locator("#id_key_figures-0-value").fill("52,9960")
    save(page)
    page.locator(".errorlist").first.wait_for()
    wait_for_a_copy(page)
    page.goto(change(report))
    page.locator(".draft-offer").get_by_role("button", name="Put them back").click()
    assert page.locator("#id_key_figures-0-value").input_value() == "52,9960"
    page.locator("#id_key_figures-0-value").fill("52,996")
    save(page)
    page.wait_for_url("**/admin/")
    assert copies(page) == 0


def test_the_cells_of_a_grid_and_the_countries_of_an_operation_are_kept_too(peru, new_page):
    factories.user("root", is_superuser=True)
    factories.population(peru, 2020, people=1000)
    page = new_page()
    be_signed_in(page, "root", change(peru, "figures"))
    page.locator("#people-2020-total").fill("1,234")
    wait_for_a_copy(page)
    page.goto(change(peru, "figures"))
    page.locator(".draft-offer").get_by_role("button", name="Put them back").click()
    save(page)
    page.locator(".messagelist").wait_for()
    assert PopulationFigure.objects.get().people == 1234
    assert copies(page) == 0

    page.goto(change(peru))
    page.locator("#id_countries_from").select_option("BO")
    page.locator("#id_countries_add, #id_countries_add_link").first.click()
    wait_for_a_copy(page)
    page.goto(change(peru))
    page.locator(".draft-offer").get_by_role("button", name="Put them back").click()
    save(page)
    page.wait_for_url("**/admin/")
    peru.refresh_from_db()
    assert [country.code for country in peru.countries] == ["BO", "PE"]


def test_an_open_form_learns_who_comes_who_saves_and_that_the_session_ended(peru, report, ann, bo, new_page):
    page = new_page()
    page.clock.install()
    be_signed_in(page, "ann", change(report))
    other = new_page()
    be_signed_in(other, "bo", change(report))
    page.clock.run_for(31_000)
    presence = page.locator("#presence")
    presence.get_by_text("bo has had this form open since").wait_for()
    other.locator("#id_key_figures-0-value").fill("310,000")
    save(other)
    other.wait_for_url("**/admin/")
    page.clock.run_for(31_000)
    presence.get_by_text("Your form shows edition 1: saving will compare them.").wait_for()
    assert "bo saved edition 2 at" in presence.inner_text()
    page.context.clear_cookies(name="sessionid")
    page.clock.run_for(31_000)
    presence.get_by_text("You are signed out. What you typed is kept in this browser").wait_for()


def test_after_signing_in_in_another_tab_the_form_saves(peru, report, ann, new_page):
    page = new_page()
    be_signed_in(page, "ann", change(report))
    page.locator("#id_key_figures-0-value").fill("310,000")
    page.context.clear_cookies(name="sessionid")
    sign_in(page.context.new_page(), "ann")
    save(page)
    page.wait_for_url("**/admin/")
    assert Narrative.objects.get().key_figures.first().value == "310,000"


def test_copies_of_others_and_of_long_ago_are_forgotten(peru, report, ann, new_page):
    page = new_page()
    be_signed_in(page, "ann", "/admin/")
    page.evaluate(
        """([user, old]) => {
            const copy = (at) => JSON.stringify([{at, fields: {a: "1"}, rows: {}}]);
            localStorage.setItem(`openfield.draft.${user}.narrative/998`, copy(Date.now()));
            localStorage.setItem(`openfield.draft.${user}.narrative/999`, copy(Date.now() - old));
            localStorage.setItem(`openfield.draft.${user + 1}.narrative/998`, copy(Date.now()));
            localStorage.setItem("another", "stays");
        }""",
        [ann.pk, 15 * 24 * 3600 * 1000],
    )
    page.goto(change(report))
    page.wait_for_load_state("load")
    assert page.evaluate("Object.keys(localStorage).filter((key) => key !== 'theme').sort()") == [
        "another",
        f"openfield.draft.{ann.pk}.narrative/998",
    ]


@pytest.mark.parametrize("is_kept", [True, False])
def test_the_browser_asks_only_where_what_was_typed_cannot_be_kept(peru, report, ann, new_page, is_kept):
    page = new_page()
    if not is_kept:
        page.add_init_script(
            """const set = Storage.prototype.setItem;
            Storage.prototype.setItem = function (key, value) {
                if (key.startsWith("openfield.")) throw new DOMException("full", "QuotaExceededError");
                set.call(this, key, value);
            };"""
        )
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    be_signed_in(page, "ann", change(report))
    page.locator("#id_key_figures-0-value").fill("310,000")
    page.goto("/admin/")
    assert asked == ([] if is_kept else ["beforeunload"])
