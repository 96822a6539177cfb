"""The work list on screens of three widths, without scripts."""

from django.utils import timezone

from operations.editions import record, send_for_review
from operations.models import Operation
from operations.translating import translate
from tests import factories
from tests.signing_in import be_signed_in

REACH = """() => {
    const box = document.querySelector(".scroll"), edge = box.getBoundingClientRect()
    const last = [...box.querySelectorAll("tbody tr:last-child td")].at(-1).getBoundingClientRect()
    const name = box.querySelector("tbody th.name").getBoundingClientRect()
    const fade = getComputedStyle(box.querySelector(".sheet"), "::after")
    return {
        hidden: Math.round(box.scrollWidth - box.clientWidth), beyond: Math.round(last.right - edge.right),
        name: Math.round(name.left - edge.left), fade: parseFloat(fade.width),
        page: document.documentElement.scrollWidth - window.innerWidth,
    }
}"""


def test_three_years_fit_a_wide_screen_and_a_narrow_one_scrolls_beside_the_names(demo, new_page):
    peru = Operation.objects.get(slug="peru")
    year = timezone.localdate().year
    text = factories.narrative(peru, year, "plan", sections={"unmet-needs": "<p>Needs.</p>"})
    record(text, None)
    send_for_review(text, None)
    source = peru.narratives.filter(year=2020, kind="year_end", language="en").get()
    translate(source, "fr", None)
    page = new_page(viewport={"width": 1280, "height": 900}, java_script_enabled=False)
    be_signed_in(page, "peru")
    page.goto(f"/admin/operations/work-list/?year={year}&year=2020&year=2019")
    wide = page.evaluate(REACH)
    assert (wide["hidden"], wide["page"]) == (0, 0) and wide["beyond"] <= 0

    page.set_viewport_size({"width": 360, "height": 900})
    narrow = page.evaluate(REACH)
    assert narrow["hidden"] > 0 and narrow["fade"] == 40 and narrow["page"] == 0
    page.evaluate("document.querySelector('.scroll').scrollLeft = 9999")
    at_its_end = page.evaluate(REACH)
    assert at_its_end["name"] == 0
    assert at_its_end["beyond"] == -40  # the fade stands beside the last column, not over it
