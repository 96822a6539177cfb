"""The money as readers follow it: the list and its filters, the ranking, a donor, a gift, an operation's year."""

import datetime as dt
import html
import re
from decimal import Decimal
from urllib.parse import quote

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contributions.models import Contribution, Donor, DonorAlias, ImportBatch
from operations.editions import release
from operations.models import Edition, Operation, Region
from tests import factories
from tests.reading import words

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_memory():
    cache.clear()


@pytest.fixture
def batch():
    return factories.batch()


@pytest.fixture
def give(batch):
    def give(donor, usd=1, day="2021-11-24", year=2021, **more):
        number = Contribution.objects.count() + 1
        fields = {"amount_usd": Decimal(usd), "date": dt.date.fromisoformat(day), "budget_year": year}
        return factories.contribution(donor, batch=batch, occurrence=number, **fields | more)

    return give


def public(code="PER", **fields):
    operation = factories.operation(code, **fields)
    release(operation, None)
    return operation


def shown(page):
    """The lines of a list in order: day, donor, US dollars."""
    return [
        (line.date.isoformat(), line.name, line.amount)
        for _day, lines in page.context["days"]
        for line in lines
    ]


def told(page):
    return [f"{each.label}: {each.value}" for each in page.context["filters"].told]


def total(client, query):
    return client.get(f"/contributions/?{query}").context["total"]


# --- The filters ----------------------------------------------------------------------------------


def test_the_list_is_narrowed_by_region_with_the_regions_in_it(client, give):
    americas = Region.objects.get(code="AME")
    andes = Region.objects.create(code="AND", name_en="Andes", parent=americas)
    peru, cuba = public("PER", region=andes), public("CUB", region=americas)
    chad, world = public("TCD", region=Region.objects.get(code="AFR")), public("WLD", kind="global")
    norway = factories.donor()
    for amount, operation in ((1, peru), (2, cuba), (4, chad), (8, world), (16, None)):
        give(norway, amount, operation=operation)
    assert [total(client, f"region={code}") for code in ("AND", "AME", "AFR", "none")] == [1, 3, 4, 24]
    page = client.get("/contributions/?region=AND")
    assert told(page) == ["Region: Andes"]
    assert [region[::2] for region in page.context["filters"].regions] == [("AFR", 0), ("AME", 0), ("AND", 1)]


def test_a_region_is_that_of_the_released_profile(client, give):
    peru = public("PER", region=Region.objects.get(code="AME"))
    give(factories.donor(), 5, operation=peru)
    Operation.objects.update(region=Region.objects.get(code="AFR"))
    assert total(client, "region=AME") == 5
    assert told(client.get("/contributions/?region=AFR")) == []


def test_the_list_is_narrowed_by_operation_and_by_earmarking(client, give):
    peru = public()
    hidden = factories.operation("XXX", name_en="Hidden operation")
    norway = factories.donor()
    give(norway, 1, operation=peru, earmarking="earmarked")
    give(norway, 2, operation=hidden, earmarking="unearmarked")
    give(norway, 4)
    for query, expected in (
        ("operation=per", 1),
        ("operation=none", 4),
        ("operation=xxx", 7),
        ("earmarking=earmarked", 1),
        ("earmarking=none", 4),
        ("operation=per&earmarking=unearmarked", 0),
    ):
        assert total(client, query) == expected, query
    assert "Hidden operation" not in words(client.get("/contributions/?operation=xxx"))


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("cote", 1), ("CÔTE d’ivoire", 1), ("Elfenbein", 1), ("Costa de", 1), ("ref-77", 1), ("shelter", 1),
        ("cote shelter", 1), ("cote ref-88", 0), ("ref-88", 2), ("foundation", 2), ("FRANCE", 4), ("private", 4),
        ("secret", 0), ("SECRET-REF", 0), ("Jane", 0), ("hush", 0), ("100%_", 0), ("%", 0), ("\\", 0), ("xyz", 0),
    ],
)  # fmt: skip
def test_words_are_looked_for_in_what_readers_are_shown(client, give, text, amount):
    ivory = factories.donor("Côte d’Ivoire", name_es="Costa de Marfil")
    DonorAlias.objects.create(donor=ivory, name="Elfenbeinküste")
    secret = factories.donor("Jane Secret", kind="private", country="FR")
    DonorAlias.objects.create(donor=secret, name="Hush")
    give(ivory, 1, reference="REF-77", description="Shelter for all")
    give(factories.donor("The Good Fund", kind="foundation"), 2, reference="REF-88")
    give(secret, 4, reference="SECRET-REF", description="Secret gift")
    assert total(client, f"q={quote(text)}") == amount


def test_words_find_the_private_donors_of_a_family_by_its_name(client, give):
    japan = factories.donor("Japan")
    give(factories.donor("Tanaka", kind="private", parent=japan, country="JP"), 3)
    assert (total(client, "q=japan"), total(client, "q=tanaka")) == (3, 0)


def test_each_filter_is_told_with_an_address_without_it(client, give):
    give(factories.donor(), 1)
    page = client.get("/contributions/?year=2021&donor=norway&sort=largest&as_of=2199-01-01")
    assert [(each.name, each.without) for each in page.context["filters"].told] == [
        ("year", "/contributions/?donor=norway&sort=largest"),
        ("donor", "/contributions/?year=2021&sort=largest"),
    ]
    assert "Remove Donor: Norway" in words(page)


def test_an_address_has_no_empty_fields(client):
    response = client.get("/contributions/?q=&year=2021&donor=&sort=newest&as_of=2021-11-25")
    assert (response.status_code, response["Location"]) == (302, "/contributions/?year=2021&as_of=2021-11-25")
    assert client.get("/fr/contributions/?q=+")["Location"] == "/fr/contributions/"


NONSENSE = [
    "\0",
    "0000",
    "9" * 40,
    "-1",
    "99999999",
    "2021-02-30",
    "0000-00-00",
    "2021-13-01",
    "'\"<b>",
    "é" * 500,
]
NAMES = [
    "year",
    "donor",
    "kind",
    "country",
    "region",
    "operation",
    "earmarking",
    "date",
    "sort",
    "page",
    "before",
    "after",
]


@pytest.mark.parametrize("value", NONSENSE)
def test_what_makes_no_sense_is_left_out(client, give, value):
    give(factories.donor(), 7)
    for name in NAMES:
        page = client.get("/contributions/", {name: value})
        assert (page.status_code, page.context["total"]) == (200, 7), name
    for address, name in (
        ("contributions", "q"),
        ("donors", "year"),
        ("donors", "sort"),
        ("donors/norway", "before"),
    ):
        assert client.get(f"/{address}/", {name: value}).status_code == 200
    assert client.get("/contributions/", dict.fromkeys(NAMES, value)).context["total"] == 7


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_the_calendar_are_days_like_others(client, give, day):
    give(factories.donor(), 7)
    assert total(client, f"date={day}") == 0
    for query in (f"before={day}", f"sort=oldest&after={day}"):
        assert shown(client.get(f"/contributions/?{query}")) == [("2021-11-24", "Norway", 7)]


def test_the_page_says_which_filter_was_left_out(client, give):
    give(factories.donor(), 7)
    text = words(client.get("/contributions/?donor=nobody&region=XXX"))
    assert "What the address asks for under “Donor, Region” is not published here, and was left out." in text


def test_the_totals_are_those_of_what_is_listed(client, give):
    norway = factories.donor()
    norad = factories.donor("Norad", parent=norway)
    for donor, amount in ((norway, 1), (norad, 2), (norad, 4), (factories.donor("Japan"), 8)):
        give(donor, amount)
    page = client.get("/contributions/?donor=norway")
    assert [page.context[name] for name in ("total", "allocations", "donors")] == [7, 3, 1]
    assert "$7 3 allocations · 1 donor · newest first" in words(page)
    page = client.get("/contributions/?donor=norad")
    assert (page.context["total"], told(page)) == (6, ["Donor: Norad"])


def test_nothing_that_matches_is_said_to_be_so(client, give):
    give(factories.donor(), 7)
    assert "No contribution matches. Take a filter away." in words(client.get("/contributions/?year=1999"))


# --- The order, and the pages -----------------------------------------------------------------------


def test_the_list_is_sorted_both_ways_by_day_amount_and_donor(client, give):
    for name, amount, day in (
        ("Øst", 5, "2021-01-02"),
        ("Ålesund", 9, "2021-01-01"),
        ("Bø", 7, "2021-01-03"),
    ):
        give(factories.donor(name), amount, day)
    orders = {}
    for sort in ("newest", "oldest", "largest", "smallest", "donor", "donor-reversed"):
        query = "" if sort == "newest" else f"?sort={sort}"
        orders[sort] = "".join(line[1][0] for line in shown(client.get(f"/contributions/{query}")))
    assert orders == {
        "newest": "BØÅ", "oldest": "ÅØB", "largest": "ÅBØ", "smallest": "ØBÅ", "donor": "ÅBØ", "donor-reversed": "ØBÅ",
    }  # fmt: skip


def test_private_donors_of_countries_are_sorted_among_the_donors(client, give):
    give(factories.donor("Denmark"), 1)
    give(factories.donor("Ann", kind="private", country="FR"), 2)
    give(factories.donor("Norway"), 3)
    lines = shown(client.get("/contributions/?sort=donor"))
    assert [name for _day, name, _amount in lines] == ["Denmark", "France", "Norway"]


def test_the_pages_hold_every_line_once_and_lead_back(client, give):
    donors = [factories.donor(name) for name in ("A", "B", "C")]
    for number in range(130):
        day = dt.date(2021, 1, 1) + dt.timedelta(number // 2)
        give(donors[number % 3], number + 1, day.isoformat())
    found = {}
    for sort in ("newest", "oldest", "largest", "smallest", "donor", "donor-reversed"):
        cache.clear()
        query = "" if sort == "newest" else f"?sort={sort}"
        everything, back, address = [], [], f"/contributions/{query}"
        pages = []
        while address:
            page = client.get(address)
            pages.append(address)
            everything += shown(page)
            address = neighbour(page, "next")
        while page:
            back = [*shown(page), *back]
            address = neighbour(page, "prev")
            page = address and client.get(address)
        amounts = sorted(amount for _day, _name, amount in everything)
        found[sort] = (len(pages), amounts == list(range(1, 131)), back == everything)
    assert found == dict.fromkeys(found, (3, True, True))


def neighbour(page, rel):
    found = re.search(rf'rel="{rel}" href="([^"]*)"', page.content.decode())
    address = found and html.unescape(found[1])
    return address and ("/contributions/" + address if address.startswith("?") else address)


def test_a_day_is_never_cut_in_two(client, give):
    for number in range(60):
        give(factories.donor(f"Donor {number}"), number + 1, "2021-11-24")
    give(factories.donor("Late"), 1, "2021-11-23")
    page = client.get("/contributions/")
    assert {day for day, _name, _amount in shown(page)} == {"2021-11-24"}
    assert neighbour(page, "next") == "/contributions/?before=2021-11-24"


def test_a_page_that_is_not_there_is_the_first(client, give):
    give(factories.donor(), 7)
    for query in (
        "before=1990-01-01",
        "sort=oldest&after=2030-01-01",
        "sort=largest&page=99",
        "sort=donor&page=0",
    ):
        assert shown(client.get(f"/contributions/?{query}")) == [("2021-11-24", "Norway", 7)]


def test_a_year_has_charts_of_what_is_listed(client, give):
    give(factories.donor(), 3, "2020-12-01", earmarking="unearmarked")
    give(factories.donor("Japan"), 1, "2021-03-01", earmarking="tightly_earmarked")
    give(factories.donor("Peru"), 9, "2021-03-01", 2020)
    charts = dict(client.get("/contributions/?year=2021").context["charts"][1:])
    kinds = [kind for kind, _chart in client.get("/contributions/?year=2021").context["charts"]]
    assert kinds == ["rows", "rows", "bars"]
    assert client.get("/contributions/").context["charts"] == []
    assert charts["rows"].say == (
        "Unearmarked and softly earmarked money, which the agency can use where needs are greatest,"
        " is US$\u00a03.00 or 75.0% of the total."
    )
    months = [[cell.text for cell in row] for row in charts["bars"].table.rows]
    assert [row for row in months if row[1]] == [["before 2021", "3.00"], ["March 2021", "1.00"]]
    assert charts["bars"].say == "The largest sum: before 2021, US$\u00a03.00."


# --- The ranking ------------------------------------------------------------------------------------


def ranking(page):
    return [
        (row.rank, row.line.name, row.line.amount, row.moved and row.moved.difference)
        for row in page.context["rows"]
    ]


@pytest.fixture
def two_years(give):
    norway, japan = factories.donor(), factories.donor("Japan")
    for donor, before, now in (
        (norway, 4, 6), (japan, 9, 6), (factories.donor("Cuba"), None, 1), (factories.donor("Peru"), 2, None),
    ):  # fmt: skip
        if before:
            give(donor, before, year=2020)
        if now:
            give(donor, now)
    Donor.objects.filter(pk=norway.pk).update(country="NO")


def test_donors_are_ranked_with_their_change(client, two_years):
    page = client.get("/donors/?year=2021")
    assert sorted(ranking(page)) == [(1, "Japan", 6, -3), (1, "Norway", 6, 2), (3, "Cuba", 1, 1)]
    text = words(page)
    assert "Norway $6 46.2% +$2 increase + 50%" in text
    assert "Japan $6 46.2% −$3 decrease − 33%" in text
    assert "3 Cuba $1 7.7% +$1 new" in text
    assert "1 donor of 2020 without a contribution for 2021 $0 0.0% −$2" in text
    assert "Total $13 100.0% −$2 decrease − 13%" in text


def test_the_differences_add_up_to_that_of_the_total(client, two_years):
    found = client.get("/donors/?year=2021").context["ranking"]
    assert sum(row.moved.difference for row in found.rows) + found.gone_total == found.moved.difference == -2


def test_without_a_year_before_there_is_nothing_to_compare(client, two_years):
    page = client.get("/donors/?year=2020")
    assert [row[3] for row in ranking(page)] == [None, None, None]
    assert "No contribution is published for 2019, so there is nothing to compare with." in words(page)
    assert "Against" not in words(page)


def test_the_ranking_is_sorted_by_each_column_both_ways(client, two_years):
    orders = {}
    for sort in ("-amount", "donor", "-donor", "difference", "-difference", "change", "-change", "nonsense"):
        page = client.get(f"/donors/?year=2021&sort={sort}")
        orders[sort] = [row.line.name for row in page.context["rows"]]
    assert orders["-amount"][0] == "Cuba"
    assert orders["donor"] == ["Cuba", "Japan", "Norway"] == orders["-donor"][::-1]
    assert orders["difference"] == ["Norway", "Cuba", "Japan"] == orders["-difference"][::-1]
    assert orders["change"] == ["Norway", "Japan", "Cuba"]
    assert orders["-change"] == ["Japan", "Norway", "Cuba"]
    assert orders["nonsense"][2] == "Cuba"
    html_of = client.get("/donors/?year=2021&sort=donor").content.decode()
    assert html_of.count("aria-sort") == 1
    assert 'aria-sort="ascending"><a href="/donors/?year=2021&amp;sort=-donor">Donor' in html_of


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("language", ["", "/ar"])
def test_on_a_phone_the_rank_stands_before_the_name(new_page, two_years, language):
    page = new_page(viewport={"width": 360, "height": 800})
    page.goto(f"{language}/donors/?year=2021")
    for row in page.locator("table.ranking tbody tr").all():
        rank, name = row.locator("td.rank"), row.locator("th bdi")
        assert rank.inner_text() in ("1", "3")
        of_rank, of_name = rank.bounding_box(), name.bounding_box()
        assert abs(of_rank["y"] - of_name["y"]) < 6
        first, second = (of_name, of_rank) if language else (of_rank, of_name)
        assert first["x"] + first["width"] <= second["x"]
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_amounts_per_inhabitant_where_the_population_is_known(client, give):
    give(factories.donor(population=4, population_year=2020), 10)
    give(factories.donor("Japan"), 20)
    text = words(client.get("/donors/?year=2021"))
    assert "1 Japan $20 66.7% –" in text
    assert "2 Norway $10 33.3% $2.50 4 inhabitants (2020)" in text
    page = client.get("/donors/?year=2021&sort=person")
    assert [row.line.name for row in page.context["rows"]] == ["Norway", "Japan"]


def test_a_family_opens_to_its_members_and_names_nobody_who_may_not_be(client, give):
    norway = factories.donor()
    give(norway, 1)
    give(factories.donor("Norad", parent=norway), 2)
    give(factories.donor("Ola Secret", kind="private", parent=norway), 4)
    give(factories.donor("Good Company", kind="private", parent=norway, may_be_named=True), 8)
    page = client.get("/donors/?year=2021")
    assert {row.line.donor_class: row.members for row in page.context["rows"]} == {
        "private donors": [("Good Company", 8), ("donors who are not named", 4)],
        "": [("Norad", 2), ("Norway", 1)],
    }
    assert "Secret" not in words(page)


def test_another_year_than_asked_for_is_said_to_be_so(client, give):
    give(factories.donor())
    text = words(client.get("/donors/?year=1999"))
    assert "No contribution is published for the year that the address asks for. This is 2021." in text


# --- A donor ----------------------------------------------------------------------------------------


def test_a_donor_is_shown_by_operation_class_member_and_its_first_and_latest_gift(client, give):
    peru, hidden = public(), factories.operation("XXX", name_en="Hidden operation")
    norway = factories.donor(footnote_en="A footnote.")
    give(norway, 1, "2019-05-01", 2019, operation=peru, earmarking="earmarked")
    give(factories.donor("Norad", parent=norway), 2, "2020-05-01", 2020, operation=hidden)
    give(factories.donor("Ola Secret", kind="private", parent=norway), 4, "2021-05-01", operation=peru)
    give(factories.donor("Japan"), 100)
    page = client.get("/donors/norway/")
    text = words(page)
    assert "First contribution $1 1 May 2019 Latest contribution $4 1 May 2021" in text
    parts = {name: page.context[name].largest for name in ("operations", "classes", "members")}
    assert {
        name: [(part.label, part.amount, part.lines_url) for part in found] for name, found in parts.items()
    } == {
        "operations": [
            ("Peru", 5, "/contributions/?donor=norway&operation=per"),
            ("Operations without a public page", 2, ""),
        ],
        "classes": [
            ("Private donors", 4, "/contributions/?donor=norway&kind=private"),
            ("Government", 3, "/contributions/?donor=norway&kind=government"),
        ],
        "members": [
            ("Private donors", 4, "/contributions/?donor=norway&kind=private"),
            ("Norad", 2, "/contributions/?donor=norad"),
            ("Norway", 1, ""),
        ],
    }
    assert "A footnote." in text
    assert "Secret" not in text
    assert "Hidden" not in text


def test_a_donors_chart_holds_the_newest_ten_years(client, give):
    norway = factories.donor()
    for year in range(2005, 2022):
        give(norway, year, f"{year}-01-01", year)
    rows = client.get("/donors/norway/").context["years_chart"].table.rows
    assert [row[0].text for row in rows] == [str(year) for year in range(2012, 2022)]


# --- A gift -----------------------------------------------------------------------------------------


@pytest.fixture
def gift(give):
    swiss = factories.donor("Switzerland")
    peru = public()
    francs = {"reference": "SDC/21 4", "currency": "CHF"}
    give(
        swiss,
        "110",
        "2021-01-05",
        2021,
        amount=Decimal("100"),
        operation=peru,
        earmarking="earmarked",
        **francs,
    )
    give(swiss, "55", "2021-01-05", 2022, amount=Decimal("50"), description="Winter", **francs)
    give(swiss, "112", "2021-06-30", 2021, amount=Decimal("100"), operation=peru, **francs)
    give(swiss, "5", "2021-06-30", 2021, reference="SDC/21 4", currency="EUR")
    give(swiss, "1000", reference="OTHER")
    return swiss


GIFT = "/contributions/switzerland/SDC~2F21~204/"


def test_a_gift_shows_its_instalments_allocations_and_rate(client, gift):
    page = client.get(GIFT)
    text = words(page)
    assert "Gift SDC/21 4" in text
    assert "$282 from Switzerland in 2 instalments · 4 allocations" in text
    assert "CHF CHF 250.00 $277.00 1.1080 EUR – not given by the source $5.00 – Total $282.00" in text
    assert "5 January 2021 $165.00 Peru 2021 earmarked CHF 100.00 $110.00" in text
    assert "operation not given 2022 earmarking not given CHF 50.00 $55.00" in text
    assert "30 June 2021 $117.00" in text
    assert "Winter" in text
    assert "$1,000" not in text


def test_allocations_lead_to_their_gift(client, gift):
    assert f'href="{GIFT}"' in client.get("/contributions/").content.decode()
    assert f'href="{GIFT}"' in client.get("/donors/switzerland/").content.decode()


def test_a_rate_comes_from_the_lines_that_give_both_amounts(client, give):
    swiss = factories.donor("Switzerland")
    give(swiss, "110", reference="A", currency="CHF", amount=Decimal("100"))
    give(swiss, "55", reference="A", currency="CHF")
    text = words(client.get("/contributions/switzerland/A/"))
    assert "CHF 100.00 given for 1 of 2 allocations $165.00 1.1000" in text


@pytest.mark.parametrize(
    "reference", ["65337", "a/b", "..", "a b", "É~%/?#&=", "ref.csv", "‏مرجع‎", "A-1_2", "x" * 60, "//", "~41"]
)
def test_a_gift_has_an_address_whatever_its_reference(client, give, reference):
    line = give(factories.donor(), 5, reference=reference)
    found = re.search(r'href="(/contributions/norway/[^"]*)"', client.get("/contributions/").content.decode())
    assert re.fullmatch(r"/contributions/norway/[A-Za-z0-9._~-]+/", found[1])
    for prefix in ("", "/ar"):
        page = client.get(prefix + found[1])
        assert page.status_code == 200
        assert page.context["gift"].lines == [line]
    assert f'href="/fr{found[1]}"' in page.content.decode()


@pytest.mark.parametrize("part", ["~00", "~FF", "~4", "~41", "a~2fb", "nothing", "a%00", "%2e%2e", "a%0Ab"])
def test_what_is_no_reference_has_no_page(client, give, part):
    give(factories.donor(), 5, reference="A")
    assert client.get(f"/contributions/norway/{part}/").status_code == 404


def test_a_gift_keeps_its_address_when_it_is_corrected(client, give, gift):
    newer = factories.batch()
    old = Contribution.objects.get(amount_usd=Decimal("112.00"))
    Contribution.objects.filter(pk=old.pk).update(replaced_in=newer, is_current=False)
    factories.contribution(
        gift, key=old.key, occurrence=old.occurrence, batch=newer, reference="sdc/21 4", currency="CHF",
        amount=Decimal("100"), amount_usd=Decimal("113"), date=old.date, operation=old.operation,
    )  # fmt: skip
    assert "$283 from Switzerland" in words(client.get(GIFT))


def test_nobody_who_may_not_be_named_has_the_page_of_a_gift(client, give):
    japan = factories.donor("Japan")
    secret = factories.donor("Jane Secret", kind="private", country="FR")
    child = factories.donor("Tanaka", kind="private", parent=japan)
    give(secret, 1, reference="S1")
    give(child, 2, reference="S2")
    give(japan, 4, reference="S3")
    give(child, 8, reference="S3", description="Tanaka’s own")
    for address in ("jane-secret/S1", "japan/S1", "japan/S2", "tanaka/S2", "tanaka/S3"):
        assert client.get(f"/contributions/{address}/").status_code == 404, address
    text = words(client.get("/contributions/japan/S3/"))
    assert "$4 from Japan in 1 instalment · 1 allocation" in text
    assert "Tanaka" not in text
    page = client.get("/contributions/").content.decode()
    assert set(re.findall(r'href="(/contributions/[a-z-]+/[^"]*)"', page)) == {"/contributions/japan/S3/"}


def test_the_gift_of_an_agency_names_it_under_its_government(client, give):
    norway = factories.donor()
    give(factories.donor("Norad", parent=norway), 2, reference="N1")
    assert "Given by: Norad" in words(client.get("/contributions/norway/N1/"))
    assert client.get("/contributions/norad/N1/").status_code == 404


def test_a_gift_before_its_release_names_the_first_day(client, give):
    give(factories.donor(), 5, reference="A")
    ImportBatch.objects.update(released_at=dt.datetime(2021, 5, 2, 9, tzinfo=dt.UTC))
    response = client.get("/contributions/norway/A/?as_of=2021-03-04")
    assert response.status_code == 404
    assert "The first day that shows something is 2 May 2021." in words(response)
    assert client.get("/contributions/norway/A/?as_of=2021-05-03").status_code == 200


# --- An operation's year ----------------------------------------------------------------------------


@pytest.fixture
def money_of_peru(give):
    peru = factories.operation(region=Region.objects.get(code="AME"))
    for measure, amount in (("budget", "100"), ("funds_available", "60"), ("expenditure", "50")):
        factories.finance(peru, 2021, measure, amount_usd=Decimal(amount))
    release(peru, None)
    colombia, americas = public("COL"), public("AME", kind="regional")
    give(factories.donor(), 30, operation=peru, earmarking="earmarked")
    give(factories.donor("Japan"), 10, operation=peru, earmarking="unearmarked")
    give(factories.donor("Cuba"), 20, operation=colombia)
    give(factories.donor("Chile"), 25, operation=americas)
    give(factories.donor("Fiji"), 15)
    give(factories.donor("Mali"), 500, year=2020, operation=peru)
    return peru


def test_an_operation_shows_what_it_received_for_the_year(client, money_of_peru):
    text = words(client.get("/operations/per/2021/"))
    assert "$40.00 from 2 donors was given to Peru for 2021." in text
    assert (
        "Contributions to Peru for 2021 by donor, US dollars Donor Amount Share Norway $30 75.0% Japan $10 25.0%"
        in text
    )
    assert "Contributions to Peru for 2021 by earmarking" in text
    assert (
        'href="/contributions/?year=2021&amp;operation=per"'
        in client.get("/operations/per/2021/").content.decode()
    )


def test_budget_funds_gap_and_expenditure_stand_side_by_side_with_their_formulas(client, money_of_peru):
    text = words(client.get("/operations/per/2021/"))
    assert (
        "Gap $40 40.0% of the budget Formula · Gap Budget − funds available. $100.00 − $60.00 = $40.00"
        in text
    )
    assert "$50.00 ÷ $100.00 Methodology" in text


def test_the_parts_of_the_years_money_make_its_total(client, money_of_peru):
    text = words(client.get("/operations/per/2021/"))
    assert (
        "$40.00 of the contributions for 2021, 40.0% of all, was given to no operation of a country that is named here"
        in text
    )
    assert (
        "Given to Amount Share Peru $40 40.0% Other operations of a country or several countries $20 20.0%"
        " Regions $25 25.0% Operation not given $15 15.0% Total $100 100.0%" in text
    )


def test_what_contributions_do_not_explain_of_the_funds_is_named(client, money_of_peru):
    text = words(client.get("/operations/per/2021/"))
    assert (
        "Contributions given to this operation $40.00 Not explained by contributions given to this operation $20.00"
        " Funds available $60.00" in text
    )


def test_where_funds_are_not_published_nothing_is_said_of_them(client, give):
    peru = factories.operation()
    factories.finance(peru, 2021, amount_usd=Decimal("100"))
    release(peru, None)
    give(factories.donor(), 30)
    text = words(client.get("/operations/per/2021/"))
    assert "Not explained" not in text
    assert "Gap – not published" in text
    assert "No contribution that was given to Peru for 2021 is published." in text


def test_the_eleventh_donor_and_on_are_one_sum_that_opens(client, give):
    peru = factories.operation()
    factories.finance(peru, 2021)
    release(peru, None)
    for number in range(1, 13):
        give(factories.donor(f"Donor {number}"), number, operation=peru)
    text = words(client.get("/operations/per/2021/"))
    assert "Donor 3 $3 3.8% 2 other donors $3 3.8% Total $78 100.0%" in text


def pages_of_the_site(client):
    """Every page of the site in English that can be reached from the start page, by its path."""
    found, waiting = {}, ["/"]
    while waiting:
        path = waiting.pop()
        response = client.get(path)
        assert response.status_code == 200, path
        found[path] = response.content.decode()
        links = re.findall(r'href="(/[^"?#]*/)["?#]', found[path])
        is_elsewhere = re.compile("/(fr|es|ar|admin|static|contributions/figures)/")
        waiting += {link for link in links if not is_elsewhere.match(link)} - {*found, *waiting}
    return found


def test_every_formula_that_a_page_links_to_is_there(client, money_of_peru, give):
    give(factories.donor("Switzerland"), 1, reference="A", currency="CHF", amount=Decimal(1))
    factories.finance(money_of_peru, 2021, pillar="P1")
    factories.population(money_of_peru, 2021)
    release(money_of_peru, None)
    for kind in ("plan", "year_end"):
        text = factories.narrative(money_of_peru, 2021, kind)
        factories.key_figure(text, measure="cash")
        release(text, None)
    pages = pages_of_the_site(client)
    expected = {
        "/", "/operations/", "/operations/per/2021/", "/operations/per/2021/pillars/", "/operations/per/2021/history/",
        "/regions/ame/", "/compare/", "/contributions/", "/contributions/switzerland/A/", "/donors/", "/donors/norway/",
        "/search/", "/methodology/", "/about/data/", "/accessibility/",
    }  # fmt: skip
    assert expected - pages.keys() == set()
    pages["/fr/operations/per/2021/"] = client.get("/fr/operations/per/2021/").content.decode()
    links = {
        anchor: path
        for path, page in pages.items()
        for anchor in re.findall(r'/methodology/[^"#]*#([^"]+)"', page)
    }
    assert links.keys() == {
        "people", "money", "key-figures", "totals", "contributions", "which-figure-is-shown", "gap", "share-spent",
        "not-explained-by-contributions", "rate-of-a-gift", "gifts-of-private-donors", "total-of-a-year",
        "plan-and-year-end", "a-line", "rank-of-a-donor", "share-of-a-donor", "per-inhabitant",
        "change-of-a-donor-against-the-year-before",
    }  # fmt: skip
    ids = set(re.findall(r'id="([^"]+)"', pages["/methodology/"]))
    assert {anchor: path for anchor, path in links.items() if anchor not in ids} == {}


# --- Moments and cost -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "/contributions/?year=2021&sort=donor",
        "/donors/?year=2021",
        "/donors/norway/",
        "/contributions/norway/A/",
    ],
)
def test_every_link_of_a_page_of_the_past_stays_in_the_past(client, give, address):
    norway = factories.donor()
    give(norway, 1, reference="A", operation=public())
    give(factories.donor("Norad", parent=norway), 2)
    give(factories.donor("Ann", kind="private", country="FR"), 2)
    for model in (ImportBatch, Edition):
        model.objects.update(released_at=dt.datetime(2021, 5, 2, 9, tzinfo=dt.UTC))
    page = client.get(address + ("&" if "?" in address else "?") + "as_of=2021-06-01").content.decode()
    main = page[page.index("<main") : page.index("</main>")]
    links = [html.unescape(link) for link in re.findall(r'href="(/[^"]*|\?[^"]*)"', main)]
    assert len(links) > 2
    assert [link for link in links if "as_of=2021-06-01" not in link] == []


# How many queries each address takes.
COSTS = {
    # operations, donors of the form, years, sums by donor, the day to read until, lines, their donors,
    # allocations, regions
    "/contributions/": 9,
    # without the day
    "/contributions/?sort=largest": 8,
    # with the days of each donor
    "/contributions/?sort=donor": 9,
    # and the lines before
    "/contributions/?before=2021-12-01": 11,
    # and sums by earmarking and by day
    "/contributions/?year=2021": 11,
    # and names and other spellings of donors, and which few lines hold the words
    "/contributions/?year=2021&q=donor&region=AME&operation=per": 14,
    # where none holds them, nothing more is asked of the lines
    "/contributions/?q=nothing+of+it": 6,
    # years, sums by donor, the year before, by member, donors, by earmarking, by day
    "/donors/": 7,
    # the donor, the day to read until, lines, their donors, allocations, years, classes, members and their names,
    # first, last, earmarking, operations and their names
    "/donors/donor-0/": 14,
    # the donor, lines, currencies
    "/contributions/donor-0/A/": 3,
    # the page (3), the money of the year: donors and their names, earmarking, operations and their kinds; the
    # latest contributions (4), the newest import
    "/operations/per/2021/": 13,
}


@pytest.mark.parametrize("rows", [1, 40])
def test_a_page_costs_the_same_for_one_row_and_for_many(client, give, rows):
    region = Region.objects.get(code="AME")
    donor = None
    for number in range(rows):
        operation = factories.operation("PER" if number == 0 else f"OP{number}", region=region)
        factories.finance(operation, 2021)
        release(operation, None)
        donor = factories.donor(f"Donor {number}")
        day = dt.date(2021, 1, 1) + dt.timedelta(number)
        for year in (2020, 2021):
            give(donor, number + 1, day.isoformat(), year, operation=operation, reference="A", currency="CHF")
    found = {}
    for address in COSTS:
        cache.clear()
        with CaptureQueriesContext(connection) as asked:
            assert client.get(address).status_code == 200, address
        found[address] = len(asked)
    assert found == COSTS
