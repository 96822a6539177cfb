"""The page that shows every element: who sees it, and what axe says of it."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from operations import brand
from operations.models import Agency
from tests import factories
from tests.signing_in import be_signed_in

WIDTHS = [(360, "dark"), (360, "light"), (1280, "dark"), (1280, "light")]


@pytest.fixture
def staff(transactional_db):
    factories.user("designer")


@pytest.mark.parametrize(("width", "scheme"), WIDTHS)
@pytest.mark.parametrize("colour", ["", "#8a1538"])
def test_axe_finds_nothing_on_any_element_in_any_state(staff, new_page, width, scheme, colour):
    Agency(colour=colour).save()
    page = new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    be_signed_in(page, "designer", "/admin/design/")
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    found = Axe().run(page).response["violations"]
    assert [f"{v['id']}: {node['html'][:160]}" for v in found for node in v["nodes"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_agencys_colour_is_that_of_links_and_bars(staff, new_page, scheme):
    Agency(colour="#8a1538").save()
    page = new_page(color_scheme=scheme)
    be_signed_in(page, "designer", "/admin/design/")
    wanted = {"light": "#8a1538", "dark": brand.dark_enough("#8a1538")}[scheme]
    rgb = f"rgb({', '.join(map(str, brand.channels(wanted)))})"
    link, bar = page.locator("#links p a").first, page.locator("#charts .s-budget:visible").first
    assert link.evaluate("each => getComputedStyle(each).color") == rgb
    assert bar.evaluate("each => getComputedStyle(each).fill") == rgb


def test_the_design_is_for_staff_alone(client, db):
    assert client.get("/admin/design/").url == "/admin/login/?next=/admin/design/"
    client.force_login(factories.user("designer"))
    assert client.get("/admin/design/").status_code == 200
