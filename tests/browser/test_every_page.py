"""What holds for every public page: axe in every language, 320 pixels, targets, outline, keyboard, and no script."""

from __future__ import annotations

import re

import pytest
from django.conf import settings

from tests.public_pages import in_language, pages_in_other_states, public_pages

from .judging import too_wide, violations

# The pages that a script adds nothing to but the button of the zoomed map.
TEXT = """() => { const body = document.body.cloneNode(true);
  for (const one of body.querySelectorAll('.map-zoom, [data-added], script')) one.remove();
  return body.textContent.replace(/\\s+/g, ' ').trim(); }"""
SHIFTED = """() => new Promise(done => { let sum = 0;
  new PerformanceObserver(list => { for (const one of list.getEntries()) sum += one.value; })
    .observe({ type: 'layout-shift', buffered: true });
  requestAnimationFrame(() => requestAnimationFrame(() => done(sum))); })"""
# WCAG 2.2, 2.5.8: 24 by 24 pixels; or in a line of text; or with room for a circle of 24 pixels around its middle.
# What is pressed on a map has to stand in its place, and stands in a list beside the map as well.
TARGETS = """() => {
  const pressed = 'a[href], button, input:not([type=hidden]), select, textarea, summary';
  const all = [...document.querySelectorAll(pressed)].filter(one => one.checkVisibility({ visibilityProperty: true }) && !one.closest('svg'));
  const places = all.flatMap(one => [...one.getClientRects()].map(box => ({ one, box,
    x: box.x + box.width / 2, y: box.y + box.height / 2, small: box.width < 23.9 || box.height < 23.9 })))
    .filter(place => place.box.width > 1 && place.box.bottom > 0);
  const inText = one => { const parent = one.parentElement;
    return getComputedStyle(one).display === 'inline' && [...parent.childNodes].some(node =>
      node !== one && node.nodeType === 3 && node.textContent.trim().length > 1); };
  const near = (place, other) => {
    if (other.small) return Math.hypot(place.x - other.x, place.y - other.y) < 23.9;
    const dx = Math.max(other.box.left - place.x, 0, place.x - other.box.right);
    const dy = Math.max(other.box.top - place.y, 0, place.y - other.box.bottom);
    return Math.hypot(dx, dy) < 11.9; };
  return places.filter(place => place.small && !inText(place.one) && places.some(other =>
      !place.one.contains(other.one) && !other.one.contains(place.one) && near(place, other)))
    .map(place => 'small target: ' + place.one.outerHTML.slice(0, 120)); }"""
OUTLINE = """() => { const found = [];
  const heads = [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].filter(one => one.checkVisibility());
  const ones = heads.filter(one => one.tagName === 'H1');
  if (ones.length !== 1) found.push(`${ones.length} headings of level 1`);
  heads.reduce((before, one) => { const level = +one.tagName[1];
    if (level > before + 1) found.push(`level ${before} to ${level}: ${one.textContent.trim()}`);
    return level; }, 0);
  const inMain = heads.filter(one => one.closest('main') && one.getBoundingClientRect().width > 2);
  inMain.reduce((before, one) => { const y = one.getBoundingClientRect().top;
    if (y < before - 1) found.push(`stands above what is read before it: ${one.textContent.trim()}`);
    return y; }, -Infinity);
  const ids = [...document.querySelectorAll('[id]')].map(one => one.id);
  for (const id of ids.filter((id, i) => ids.indexOf(id) !== i)) found.push(`id twice: ${id}`);
  const names = [...document.querySelectorAll('nav')].filter(one => one.checkVisibility())
    .map(one => one.getAttribute('aria-label') || one.getAttribute('aria-labelledby'));
  if (names.some(name => !name) || new Set(names).size < names.length) found.push(`navigation: ${names}`);
  return found; }"""
# Elements whose text is cut off by their own edge.
CUT = """() => [...document.querySelectorAll('main *, header *, footer *')].filter(one => {
    const style = getComputedStyle(one), box = one.getBoundingClientRect();
    return one.checkVisibility() && box.width > 2 && /hidden|clip/.test(style.overflowX)
      && one.scrollWidth > one.clientWidth + 1 && one.textContent.trim() && !one.closest('svg'); })
  .map(one => 'cut off: ' + one.outerHTML.slice(0, 120))"""
STOPS = """() => { const stops = [...document.querySelectorAll(
    'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')]
    .filter(one => one.checkVisibility({ visibilityProperty: true }) && !one.disabled
      && !(one.closest('details:not([open])') && !one.matches('details:not([open]) > summary')));
  stops.forEach((one, i) => one.setAttribute('data-stop', i));
  return stops.length; }"""
FOCUSED = """() => { const one = document.activeElement;
  if (!one || one === document.body) return null;
  const seen = style => (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none';
  const parts = [one, ...one.querySelectorAll('*')];
  return { stop: one.getAttribute('data-stop'), html: one.outerHTML.slice(0, 120),
    seen: parts.some(part => seen(getComputedStyle(part))) || (one.closest('svg') !== null
      && parts.some(part => getComputedStyle(part).strokeWidth !== '0px' && getComputedStyle(part).stroke !== 'none')) }; }"""


@pytest.fixture
def pages(demo) -> list[str]:
    return [*public_pages(), *pages_in_other_states()]


@pytest.mark.parametrize(
    ("language", "width", "scheme"),
    [("en", 1280, "light"), ("fr", 768, "dark"), ("es", 360, "light"), ("ar", 360, "dark")],
)
def test_axe_finds_nothing_on_any_page_in_any_language(pages, new_page, language, width, scheme):
    page = new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    found = {}
    for address in pages:
        page.goto(in_language(address, language))
        if problems := [*violations(page), *too_wide(page, width)]:
            found[address] = problems
    assert found == {}


@pytest.mark.parametrize("language", [code for code, _name in settings.LANGUAGES])
def test_at_four_times_the_size_nothing_is_lost_and_everything_can_be_pressed(pages, new_page, language):
    """1280 pixels at 400% are 320."""
    page = new_page(viewport={"width": 320, "height": 640})
    found = {}
    for address in pages:
        page.goto(in_language(address, language))
        problems = too_wide(page, 320)
        for script in (TARGETS, OUTLINE, CUT):
            problems += page.evaluate(script)
        if (shifted := page.evaluate(SHIFTED)) > 0.001:
            problems.append(f"layout shift {shifted:.3f}")
        if problems:
            found[address] = problems
    assert found == {}


def test_every_page_says_the_same_without_a_script(pages, new_page):
    with_script, without = new_page(), new_page(java_script_enabled=False)
    found = {}
    for address in pages:
        said = []
        for page in (with_script, without):
            page.goto(address)
            said.append(page.evaluate(TEXT))
        if said[0] != said[1]:
            found[address] = said
    assert found == {}


def test_the_keyboard_comes_to_everything_in_its_order_and_out_again(pages, new_page):
    page = new_page(viewport={"width": 1280, "height": 800})
    found = {}
    for address in pages:
        page.goto(address)
        count = page.evaluate(STOPS)
        problems, stops = [], []
        for _press in range(count + 1):
            page.keyboard.press("Tab")
            focused = page.evaluate(FOCUSED)
            if focused is None or focused["stop"] is None:
                break
            stops.append(int(focused["stop"]))
            if not focused["seen"]:
                problems.append(f"focus is not seen: {focused['html']}")
        if stops != list(range(count)):
            problems.append(f"of {count} stops: {stops}")
        if problems:
            found[address] = problems
    assert found == {}


def test_a_screen_reader_gets_skip_link_banner_main_and_footer_in_this_order(pages, new_page):
    page = new_page(viewport={"width": 1280, "height": 800})
    found = {}
    for address in pages:
        if "/figures/" in address:
            continue  # alone in a frame of another page
        page.goto(address)
        tree = page.locator("body").aria_snapshot()
        order = re.findall(r"^- (link|banner|complementary|main|contentinfo)\b", tree, re.MULTILINE)
        if [part for part in order if part != "complementary"] != ["link", "banner", "main", "contentinfo"]:
            found[address] = order
        if not re.search(r'heading "[^"]+" \[level=1\]', tree.partition("- main")[2]):
            found[address] = "no heading of level 1 in main"
    assert found == {}
