"""A page of the past: at one moment, walked in from page to page, and never mistaken for today's."""

import datetime as dt
import re
from decimal import Decimal

import pytest
import time_machine
from django.core.cache import cache

from operations.editions import record, release, withdraw
from operations.models import Operation, Region
from tests import factories
from tests.reading import words

pytestmark = pytest.mark.django_db

MARCH = dt.datetime(2021, 3, 5, 9, tzinfo=dt.UTC)
MAY = dt.datetime(2021, 5, 2, 9, tzinfo=dt.UTC)
LATER = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _now():
    cache.clear()
    with time_machine.travel(LATER, tick=False):
        yield


@pytest.fixture
def peru():
    """Figures and a report of March 2021, corrected in May; a donor's line of each month."""
    peru = factories.operation(region=Region.objects.get(code="AME"))
    figure = factories.population(peru, people=52_000)
    factories.finance(peru, pillar="P1")
    report = factories.narrative(peru, sections={"unmet-needs": "<p>We reached 52,000 people.</p>"})
    released(peru, report, at=MARCH)
    line = {"batch": factories.batch(released_at=MARCH), "operation": peru}
    factories.contribution(factories.donor("Norway"), **line)
    figure.people = 52_996
    figure.save()
    report.sections.update(body="<p>We reached 52,996 people.</p>")
    peru.name_en = "Republic of Peru"
    peru.save()
    released(peru, report, at=MAY)
    line = {"batch": factories.batch(released_at=MAY), "operation": peru}
    factories.contribution(factories.donor("Chile"), **line)
    return peru


def released(*working_copies, at):
    with time_machine.travel(at, tick=False):
        return [release(working_copy, None) for working_copy in working_copies]


EVERY_PAGE = [
    "/", "/operations/", "/operations/per/", "/operations/per/2020/", "/operations/per/2020/pillars/",
    "/operations/per/2020/history/", "/contributions/", "/donors/", "/donors/norway/", "/about/data/", "/data/",
    "/methodology/", "/accessibility/",
    "/feeds/releases.atom", "/sitemap.xml",
]  # fmt: skip


# --- What it shows --------------------------------------------------------------------------------


def test_the_page_of_a_year_reads_as_it_stood(client, peru):
    now, then = (words(client.get(f"/operations/per/2020/{query}")) for query in ("", "?as_of=2021-03-31"))
    assert "We reached 52,996 people." in now
    assert "52,996 people at the end of 2020." in now
    assert "We reached 52,000 people." in then
    assert "52,000 people at the end of 2020." in then
    assert "52,996" not in then
    assert "Republic" not in then
    assert "Norway" in then
    assert "Chile" not in then


def test_lists_totals_and_money_read_as_they_stood(client, peru):
    assert "52,000 end of 2020" in words(client.get("/?as_of=2021-03-31"))
    assert "52,996 end of 2020" in words(client.get("/"))
    assert "Republic" not in words(client.get("/operations/?as_of=2021-03-31"))
    assert "$1,000 in all" in words(client.get("/contributions/?as_of=2021-03-31"))
    assert "$2,000 in all" in words(client.get("/contributions/"))
    assert "Chile" not in words(client.get("/donors/?as_of=2021-03-31"))
    assert "Republic" not in words(client.get("/contributions/?as_of=2021-03-31&operation=per"))
    assert "Republic" not in words(client.get("/donors/norway/?as_of=2021-03-31"))
    assert "Republic" in words(client.get("/donors/norway/"))
    assert "Republic" not in words(client.get("/operations/per/2020/pillars/?as_of=2021-03-31"))


def test_a_predecessor_is_named_as_it_was_called_then(client):
    before = factories.operation("COL", name_en="Old name")
    peru = factories.operation(predecessor=before, first_year=2019)
    factories.population(peru)
    released(before, peru, at=MARCH)
    before.name_en = "New name"
    before.save()
    released(before, at=MAY)
    assert "Old name" in words(client.get("/operations/per/?as_of=2021-04-01"))
    assert "New name" in words(client.get("/operations/per/"))


def test_a_second_before_a_release_the_old_edition_is_shown(client, peru):
    assert "52,000 people" in words(client.get("/operations/per/2020/?as_of=2021-05-02T08:59:59Z"))
    assert "52,996 people" in words(client.get("/operations/per/2020/?as_of=2021-05-02T09:00Z"))


@pytest.mark.parametrize("asked", ["2099-01-01", "2026-11-23", "", "+", "9999-12-31T23:59Z"])
def test_the_future_and_an_empty_moment_show_now(client, peru, asked):
    response = client.get(f"/operations/per/2020/?as_of={asked}")
    assert response.wsgi_request.as_of is None
    assert "as it stood" not in words(response)
    assert "52,996 people" in words(response)


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ("2030-01-01", "day"), ("9999-12-31", "day"), ("2026-11-24", "day"), ("2026-11-23T12:00:01Z", "time"),
        ("2026-11-23", ""), ("2026-11-23T12:00:00Z", ""), ("2026-11-22", ""),
    ],
)  # fmt: skip
def test_what_has_not_come_yet_says_so_over_the_page_of_now(client, peru, asked, what):
    response = client.get(f"/operations/per/2020/?as_of={asked}")
    html = response.content.decode()
    assert ("noindex" in html) == bool(what or asked == "2026-11-22")
    assert ("has not come yet" in html) == bool(what)
    if what:
        said = f"That {what} has not come yet: this is the page as it is now. See the page as it is now"
        assert said in words(response)
        assert '<a href="/operations/per/2020/">See the page as it is now</a>' in html
        now = client.get("/operations/per/2020/").content.decode()
        assert (
            "".join(re.split(r'<aside class="moment".*?</aside>', html)).partition("<main")[2]
            == (now.partition("<main")[2])
        )


def test_what_has_not_come_yet_stays_the_same_until_it_does(client, peru):
    tags = set()
    for address in ("/operations/per/2020/", f"/editions/{peru.editions.last().pk}/2020/"):
        for seconds in (0, 1, 3600):
            with time_machine.travel(LATER + dt.timedelta(seconds=seconds), tick=False):
                tags.add((address, client.get(f"{address}?as_of=2030-01-01")["ETag"]))
    assert len(tags) == 2


def test_what_was_withdrawn_since_is_on_no_page_of_the_past(client, peru):
    withdraw(peru.narratives.get(), None, notice="It was wrong.")
    then = words(client.get("/operations/per/2020/?as_of=2021-03-31"))
    assert "We reached" not in then
    assert "It was wrong." in then
    withdraw(peru, None)
    assert client.get("/operations/per/2020/?as_of=2021-03-31").status_code == 410
    assert client.get("/?as_of=2021-03-31").context["regions"] == []


def test_a_draft_and_a_scheduled_edition_change_no_page_of_the_past(client, peru):
    before = {page: client.get(f"{page}?as_of=2021-03-31").content for page in EVERY_PAGE}
    report = peru.narratives.get()
    report.sections.update(body="<p>Sentinel</p>")
    record(report, None)
    release(report, None, at=LATER + dt.timedelta(days=1))
    factories.contribution(factories.donor("Peru"), batch=factories.batch(released_at=None))
    assert {page: client.get(f"{page}?as_of=2021-03-31").content for page in EVERY_PAGE} == before


# --- What it says ---------------------------------------------------------------------------------


@pytest.mark.parametrize("page", EVERY_PAGE[:-5])
def test_every_page_of_the_past_says_so_and_leads_to_the_present(client, peru, page):
    response = client.get(f"{page}?as_of=2021-05-25")
    assert "This is the page as it stood on 25 May 2021. See it as it is now" in words(response)
    html = response.content.decode()
    assert '<meta name="robots" content="noindex">' in html
    current = "/operations/per/2020/" if page == "/operations/per/" else page
    assert re.findall(r'<link rel="canonical" href="([^"]*)">', html) == [f"http://testserver{current}"]
    assert f'<a href="{page}">See it as it is now</a>' in html
    assert 'rel="alternate" hreflang' not in html


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_every_page_of_today_says_nothing_of_it(client, peru, page):
    html = client.get(page).content.decode()
    assert "as it stood on" not in html
    assert "noindex" not in html
    assert "as_of" not in html.replace("?as_of=2021-06-30", "").replace(
        "<code>as_of</code>", ""
    )  # how to ask for it


def test_a_time_is_shown_with_its_zone_and_the_rest_of_the_address_stays(client, peru):
    response = client.get("/operations/?year=2020&as_of=2021-05-25T10:30%2B02:00")
    assert "as it stood on 25 May 2021, 08:30 UTC." in words(response)
    html = response.content.decode()
    assert '<a href="/operations/?year=2020">See it as it is now</a>' in html
    assert "as_of=2021-05-25T10%3A30%2B02%3A00" in html


@pytest.mark.parametrize("page", EVERY_PAGE[:-2])
def test_every_link_to_a_page_of_this_site_stays_in_the_past(client, peru, page):
    html = client.get(f"{page}?as_of=2021-05-25").content.decode()
    links = set(re.findall(r'<a\b[^>]* href="([^"#?]*)(\?[^"#]*)?[^"]*"', html))
    here = [(path, query) for path, query in links if path.startswith("/") and (path, query) != (page, "")]
    lost = {path for path, query in here if "as_of=2021-05-25" not in query}
    permanent = {path for path in lost if path.startswith("/editions/")}
    assert lost - permanent <= {"/feeds/releases.atom", "/sitemap.xml"}
    assert len(here) > 5


def test_filters_and_pages_stay_in_the_past(client, peru):
    html = client.get("/operations/?as_of=2021-05-25").content.decode()
    assert '<input type="hidden" name="as_of" value="2021-05-25">' in html
    donor = factories.donor("Cuba")
    for number in range(60):
        factories.contribution(
            donor, batch=factories.batch(released_at=MARCH), date=dt.date(2021, 1, 1) + dt.timedelta(number)
        )
    html = client.get("/contributions/?as_of=2021-05-25").content.decode()
    assert re.findall(r'rel="next" href="([^"]*)"', html) == ["?as_of=2021-05-25&amp;before=2021-01-13"]


# --- Where there is nothing -----------------------------------------------------------------------


@pytest.mark.parametrize("page", [page for page in EVERY_PAGE[:-5] if "2020" not in page or "20/" in page])
def test_before_the_first_release_the_page_names_the_first_day(client, peru, page):
    response = client.get(f"{page}?as_of=2021-03-04")
    assert response.status_code == 404
    assert "The first day that shows something is 5 March 2021." in words(response)
    assert '<a href="?as_of=2021-03-05">' in response.content.decode()
    assert "as it stood" not in words(response)
    assert client.get(f"{page}?as_of=2021-03-05").status_code == 200


def test_the_first_day_of_a_year_is_that_of_its_first_figure_or_text(client, peru):
    factories.finance(peru, 2022, amount_usd=Decimal(5))
    released(peru, at=MAY + dt.timedelta(days=10))
    released(factories.narrative(peru, 2023, "plan"), at=MAY + dt.timedelta(days=20))
    for year, day in ((2022, "12 May 2021"), (2023, "22 May 2021")):
        response = client.get(f"/operations/per/{year}/?as_of=2021-03-31")
        assert response.status_code == 404
        assert f"The first day that shows something is {day}." in words(response)
    response = client.get("/operations/per/2030/?as_of=2021-03-31")
    assert response.status_code == 404
    assert "first day" not in words(response)


def test_an_empty_site_is_empty_at_every_moment(client):
    assert client.get("/?as_of=2021-03-04").status_code == 200
    assert client.get("/contributions/?as_of=2021-03-04").status_code == 200


@pytest.mark.parametrize(
    "asked",
    ["yesterday", "2021-13-01", "2021-2-3", "25.11.2021", "2021-11-25T25:00", "1800-01-01", "\0", "x" * 5000],
)
@pytest.mark.parametrize("page", ["/", "/operations/per/2020/", "/donors/", "/methodology/", "/sitemap.xml"])
def test_what_is_no_moment_is_told_how_to_write_one(client, peru, asked, page):
    response = client.get(page, {"as_of": asked})
    assert response.status_code == 400
    assert "Write as_of as a day such as 2021-11-25" in words(response)
    assert response["Cache-Control"] == "no-cache"


def test_a_page_of_the_past_costs_as_much_as_todays(client, peru, django_assert_num_queries):
    assert Operation.objects.count() == 1
    for page, queries in (
        ("/", 6),
        ("/operations/per/2020/", 12),
        ("/contributions/", 9),
        ("/donors/norway/", 14),
    ):
        cache.clear()
        with django_assert_num_queries(queries):
            client.get(f"{page}?as_of=2021-03-31")


def test_a_moment_of_the_past_is_not_kept_in_memory(client, peru, django_assert_num_queries):
    for _visit in range(2):
        with django_assert_num_queries(3):
            client.get("/operations/?as_of=2021-03-31")
    client.get("/operations/")
    with django_assert_num_queries(2):
        client.get("/operations/")


def test_the_methodology_is_that_of_today_and_does_not_say_otherwise(client):
    response = client.get("/methodology/?as_of=2021-03-31")
    assert response.status_code == 200
    assert "as it stood" not in words(response)
    assert '<link rel="canonical" href="http://testserver/methodology/">' in response.content.decode()
