"""A chart or map of a page at an address of its own: as a page to embed and as SVG, PNG and CSV; and the page's card."""

import csv
import datetime as dt
import io
import json
import re
import xml.etree.ElementTree as ET
from decimal import Decimal
from html import unescape

import pytest
from django.core.cache import cache
from django.utils import timezone
from PIL import Image

from operations import charts, figure_files
from operations.editions import record, release, withdraw
from operations.models import SectionType
from tests import factories
from tests.reading import words

SVG = "{http://www.w3.org/2000/svg}"
KINDS = ["svg", "png", "csv"]
PAGE = "/operations/per/2020/"
FIGURES = f"{PAGE}figures/"
FILES = ["figures/people/", "figures/people.svg", "figures/money.png", "figures/map.csv", "card.png"]
SEPTEMBER, OCTOBER = (dt.datetime(2021, month, 1, 12, tzinfo=dt.UTC) for month in (9, 10))


@pytest.fixture(autouse=True)
def _nothing_kept(db):
    SectionType.objects.update(required_since=None)
    cache.clear()


@pytest.fixture
def ana():
    return factories.user("ana")


def operation():
    of = factories.operation(
        latitude=Decimal("-10"),
        longitude=Decimal("-75"),
        name_fr="Pérou",
        name_es="Perú",
        name_ar="بيرو",
        first_year=2019,
    )
    factories.population(of, 2020, "REF", people=1234, source="Register", as_of=dt.date(2020, 12, 31))
    factories.population(of, 2020, "ASY", people=8766, source="Register", as_of=dt.date(2020, 12, 31))
    factories.finance(of, 2019, amount_usd=Decimal("1000000.50"))
    factories.finance(of, 2020, amount_usd=Decimal("2500000.25"), source="Ledger")
    factories.finance(of, 2020, "expenditure", missing_reason="not_yet_known")
    factories.finance(of, 2019, "expenditure", amount_usd=Decimal("900000"))
    factories.office(of)
    factories.office(
        of, name="Tacna", latitude=Decimal("-18.014600"), longitude=Decimal("-70.253600"), is_approximate=True
    )
    return of


@pytest.fixture
def peru(ana):
    of = operation()
    release(of, ana)
    return of


def rows(response):
    assert response.status_code == 200
    return list(csv.reader(io.StringIO(response.content.decode(), newline="")))


def texts(svg):
    return [element.text.strip("\u2066\u2067\u2069") for element in ET.fromstring(svg).iter(f"{SVG}text")]


# --- CSV ---------------------------------------------------------------------------------------------


def test_the_csv_of_the_people_is_the_table_with_plain_numbers(client, peru):
    response = client.get(f"{FIGURES}people.csv")
    assert rows(response) == [
        ["type", "people", "share_percent", "missing"],
        ["Refugees", "1234", "12.3", ""],
        ["Asylum-seekers", "8766", "87.7", ""],
        ["Total", "10000", "100", ""],
    ]
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="per-2020-people.csv"'


def test_the_csv_of_the_money_is_exact_and_says_why_a_figure_is_missing(client, peru):
    found = rows(client.get(f"{FIGURES}money.csv"))
    assert found[0] == ["year", "budget_usd", "expenditure_usd", "missing"]
    assert [row for row in found if row[0] in ("2019", "2020")] == [
        ["2019", "1000000.50", "900000.00", ""],
        ["2020", "2500000.25", "", "expenditure_usd: Not yet known"],
    ]


@pytest.mark.parametrize("name", ["people", "money"])
@pytest.mark.parametrize("language", ["", "/fr", "/ar"])
def test_the_csv_holds_the_rows_of_the_table_on_the_page_in_its_language(client, peru, name, language):
    html = client.get(f"{language}/operations/per/2020/").content.decode()
    shown = html.partition(f'id="figure-{name}"')[2].partition("<tbody>")[2].partition("</tbody>")[0]
    table = [re.findall(r"<bdi>(.*?)</bdi>", row) for row in shown.split("</tr>")[:-1]]
    found = rows(client.get(f"{language}{FIGURES}{name}.csv"))
    digits = [[re.sub(r"[^\d.]", "", cell.replace(",", ".")) for cell in row[1:]] for row in table]
    written = [[re.sub(r"[^\d.]", "", cell) for cell in row[1 : len(found[0]) - 1]] for row in found[1:]]
    assert [row[0] for row in found[1:]] == [row[0] for row in table]
    plain = [[cell.replace(".", "") for cell in row] for row in written]
    assert [[cell.replace(".", "") for cell in row] for row in digits] == plain
    assert rows(client.get(f"{FIGURES}{name}.csv"))[0] == found[0]  # the heads are the same in every language


def test_an_approximate_place_is_given_to_a_tenth_of_a_degree(client, peru):
    assert rows(client.get(f"{FIGURES}map.csv")) == [
        ["name", "kind", "longitude", "latitude", "is_approximate", "missing"],
        ["Lima", "field office", "-77.042800", "-12.046400", "no", ""],
        ["Tacna", "field office", "-70.3", "-18.0", "yes", ""],
    ]


def test_a_name_that_looks_like_a_formula_is_text_in_a_spreadsheet(client, ana):
    of = operation()
    of.offices.filter(name="Lima").update(name="=1+1")
    release(of, ana)
    assert [row[0] for row in rows(client.get(f"{FIGURES}map.csv"))] == ["name", "'=1+1", "Tacna"]


# --- SVG and PNG -------------------------------------------------------------------------------------


def test_the_svg_says_what_it_shows_of_what_and_from_where(client, peru):
    response = client.get(f"{FIGURES}people.svg")
    assert response["Content-Type"] == "image/svg+xml"
    said = texts(response.content)
    assert said[:2] == ["Peru 2020", "People by type at the end of 2020"]
    assert [text for text in said if text in ("Refugees", "1,234", "Asylum-seekers", "8,766")] == [
        "Refugees", "Asylum-seekers", "1,234", "8,766",
    ]  # fmt: skip
    assert "Source: Register, as of 31 December 2020" in said
    assert said[-1] == "http://testserver/operations/per/2020/"
    root = ET.fromstring(response.content)
    assert root.find(f"{SVG}title").text == "Peru 2020: People by type at the end of 2020"
    assert (
        root.find(f"{SVG}desc").text
        == "The largest group: Asylum-seekers, 8,766 people or 87.7% of the total."
    )


@pytest.mark.parametrize("name", ["people", "money", "map"])
def test_an_svg_names_no_other_file_and_needs_no_stylesheet(client, peru, name):
    svg = client.get(f"{FIGURES}{name}.svg").content.decode()
    assert re.findall(r"(href|url\(|<style|<script|<image|@import| style=| class=)", svg) == []


def test_a_name_cannot_break_out_of_the_svg(client, ana):
    of = operation()
    of.name_en = '</text><script>alert("1")</script>&'
    of.save()
    release(of, ana)
    svg = client.get(f"{FIGURES}people.svg").content
    assert texts(svg)[0] == '</text><script>alert("1")</script>& 2020'
    assert list(ET.fromstring(svg).iter(f"{SVG}script")) == []


def test_what_no_xml_may_hold_is_left_out():
    drawn = charts.rows([charts.Item("a\x00b\x0bc", Decimal(1))])
    figure = figure_files.Figure("x", "Peru\x01", "T", "", drawn, None)
    assert texts(figure_files.figure_svg(figure, "en"))[:2] == ["Peru", "T"]
    assert "abc" in texts(figure_files.figure_svg(figure, "en"))


@pytest.mark.parametrize("language", ["", "/ar"])
@pytest.mark.parametrize("name", ["people", "money", "map"])
def test_the_png_is_the_svg_twice_as_large_in_its_colours(client, peru, name, language):
    svg = ET.fromstring(client.get(f"{language}{FIGURES}{name}.svg").content)
    response = client.get(f"{language}{FIGURES}{name}.png")
    assert response["Content-Type"] == "image/png"
    picture = Image.open(io.BytesIO(response.content)).convert("RGB")
    assert picture.format is None and picture.size == (1536, round(float(svg.get("height")) * 2))
    colours = {colour for _count, colour in picture.getcolors(1_000_000)}
    token = figure_files.tokens()
    assert {rgb(token["paper"]), rgb(token["brand"])} <= colours


def rgb(colour):
    colour = colour if len(colour) == 7 else "#" + "".join(2 * digit for digit in colour[1:])
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def ink(letters):
    """How many dots of a picture are dark in which these letters are written alone."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="40"><rect width="300" height="40" fill="#fff"/>'
        f'<text x="10" y="30" font-size="24" font-family="{figure_files.FAMILIES}">{letters}</text></svg>'
    )
    picture = Image.open(io.BytesIO(figure_files.png(svg, 1))).convert("L")
    return picture.point(lambda value: 255 * (value < 128)).getbbox()


def test_the_letters_of_every_language_of_the_site_are_in_the_fonts():
    letters = (
        "AZaz09 .,:;()%–−·“”«»’àâçéèêëîïôœùûü ñáíóú¿¡ ığşİ łŁčřžőđ ệ ابتثجحخدذرزسشصضطظعغفقكلمنهويءآأؤإئىةًٌٍَُِّْ،؛؟"
    )
    box = ink("\U0001f5fa")  # one that is in none of them is an empty box
    assert box is not None
    assert [letter for letter in letters if not letter.isspace() and ink(letter) == box] == []


def test_arabic_letters_are_joined():
    apart, joined = ink("ل\u200cا\u200cج\u200cئ"), ink("لاجئ")
    assert joined[2] - joined[0] < apart[2] - apart[0]


def test_a_picture_is_drawn_once_for_what_was_released(client, peru, ana, monkeypatch):
    drawn = []
    real = figure_files.png
    monkeypatch.setattr(figure_files, "png", lambda *args: drawn.append(1) or real(*args))
    first = client.get(f"{FIGURES}people.png").content
    assert client.get(f"{FIGURES}people.png").content == first
    assert len(drawn) == 1
    peru.population_figures.filter(type__code="REF").update(people=4321)
    release(peru, ana)
    assert client.get(f"{FIGURES}people.png").content != first
    assert len(drawn) == 2


def test_the_agencys_colour_is_that_of_the_drawing():
    drawn = charts.rows([charts.Item("a", Decimal(1))])
    figure = figure_files.Figure("x", "Peru", "T", "", drawn, None, colour="#7a1f5c")
    svg = figure_files.figure_svg(figure, "en")
    assert "#7a1f5c" in svg and figure_files.tokens()["brand"] not in svg


# --- What is public ----------------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES)
def test_what_is_not_released_is_not_found(client, ana, file):
    record(operation(), ana)
    assert client.get(PAGE + file).status_code == 404


@pytest.mark.parametrize("file", FILES)
def test_what_was_withdrawn_is_gone(client, peru, ana, file):
    withdraw(peru, ana, reason="in_error", notice="Wrong, all of it.")
    assert client.get(PAGE + file).status_code == 410


@pytest.mark.parametrize(
    "address",
    [
        f"{FIGURES}nothing/", f"{FIGURES}nothing.svg", f"{FIGURES}people.gif", f"{FIGURES}pillars-budget.svg",
        "/operations/per/2018/figures/people.svg", "/operations/per/2019/figures/people/", "/operations/col/2020/card.png",
    ],
)  # fmt: skip
def test_what_the_page_does_not_show_is_not_found(client, peru, address):
    assert client.get(address).status_code == 404


def test_a_draft_changes_no_file(client, peru, ana):
    before = [client.get(f"{FIGURES}people.{kind}").content for kind in KINDS]
    peru.population_figures.filter(type__code="REF").update(people=999_999)
    record(peru, ana)
    assert [client.get(f"{FIGURES}people.{kind}").content for kind in KINDS] == before


def test_the_files_of_the_past_are_as_they_stood(client, ana):
    of = operation()
    release(of, ana, at=SEPTEMBER)
    of.population_figures.filter(type__code="REF").update(people=5678)
    release(of, ana, at=OCTOBER)
    assert rows(client.get(f"{FIGURES}people.csv?as_of=2021-09-15"))[1][:2] == ["Refugees", "1234"]
    assert rows(client.get(f"{FIGURES}people.csv"))[1][:2] == ["Refugees", "5678"]
    said = texts(client.get(f"{FIGURES}people.svg?as_of=2021-09-15").content)
    assert said[-1] == "http://testserver/operations/per/2020/?as_of=2021-09-15"
    html = client.get("/operations/per/2020/?as_of=2021-09-15").content.decode()
    assert f'href="{FIGURES}people.csv?as_of=2021-09-15"' in html


def test_on_an_editions_page_the_files_are_of_that_edition_for_ever(client, ana):
    of = operation()
    first = release(of, ana, at=SEPTEMBER)
    of.population_figures.filter(type__code="REF").update(people=5678)
    release(of, ana, at=OCTOBER)
    html = client.get(f"/editions/{first.pk}/2020/").content.decode()
    address = re.search(r'href="([^"]*people\.csv[^"]*)"', html)[1]
    assert rows(client.get(address))[1][:2] == ["Refugees", "1234"]


@pytest.mark.parametrize(
    ("address", "queries"),
    [(f"{FIGURES}people/", 3), (f"{FIGURES}money.csv", 3), (f"{FIGURES}map.svg", 3), ("/operations/per/2020/card.png", 3)],
)  # fmt: skip
def test_a_figure_costs_the_queries_of_its_page_alone(
    client, peru, address, queries, django_assert_num_queries
):
    client.get(address)
    with django_assert_num_queries(queries):  # what is released, its content, the operations that followed
        client.get(address)


# --- To embed ----------------------------------------------------------------------------------------


def test_a_figure_alone_may_stand_in_a_frame_of_any_site_and_no_other_page_may(client, peru):
    alone = client.get(f"{FIGURES}people/")
    assert "X-Frame-Options" not in alone
    assert "frame-ancestors *;" in alone["Content-Security-Policy"] + ";"
    assert "script-src 'self'" in alone["Content-Security-Policy"]
    for address in (
        "/operations/per/2020/",
        f"{FIGURES}people.svg",
        "/",
        "/admin/login/",
        f"{FIGURES}nothing/",
    ):
        answer = client.get(address)
        assert answer["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]


def test_a_figure_alone_has_its_table_its_source_and_the_way_to_its_page(client, peru):
    response = client.get(f"{FIGURES}people/")
    html, said = response.content.decode(), words(response)
    assert "Peru 2020" in said and "Source: Register, as of 31 December 2020" in said
    assert "8,766" in said.partition("Asylum-seekers")[2]
    assert re.findall(r'<a href="([^"]+)" target="_top">', html) == 2 * ["/operations/per/2020/"]
    assert re.findall(r"<(form|script|button|input)\b", html) == []
    assert '<meta name="robots" content="noindex">' in html


def test_the_page_offers_each_figure_with_the_code_to_embed_it(client, peru):
    html = client.get("/operations/per/2020/").content.decode()
    for name, kinds in {"people": KINDS, "money": KINDS, "map": KINDS}.items():
        assert re.findall(rf'href="{FIGURES}{name}\.(\w+)" download', html) == kinds
    codes = [unescape(code) for code in re.findall(r"<textarea[^>]*>([^<]*)</textarea>", html)]
    assert codes[1] == (
        '<iframe src="http://testserver/operations/per/2020/figures/people/" '
        'title="Peru 2020: People by type at the end of 2020" width="100%" height="364" loading="lazy" '
        'style="border:0"></iframe>'
    )
    assert len(codes) == 3


def test_a_name_cannot_break_out_of_the_code_nor_of_the_page_it_is_put_into(client, ana):
    of = operation()
    of.name_en = '"></textarea><script>x()</script>'
    of.save()
    release(of, ana)
    html = client.get("/operations/per/2020/").content.decode()
    assert "<script>x" not in html
    codes = [unescape(code) for code in re.findall(r"<textarea[^>]*>([^<]*)</textarea>", html)]
    assert len(codes) == 3 and ["<script" in code or '""' in code for code in codes] == [False] * 3
    assert 'title="&quot;&gt;&lt;/textarea&gt;&lt;script' in codes[1]


def test_a_preview_of_a_draft_offers_no_file_and_no_card(client, peru, ana):
    peru.notice_en = "A draft."
    peru.save()
    record(peru, ana)
    client.force_login(factories.user("chief", is_superuser=True))
    html = client.get(f"/admin/operations/operation/{peru.pk}/preview/", follow=True).content.decode()
    assert "A draft." in html
    assert re.findall(r"figures/\w+\.\w+|card\.png|og:|ld\+json", html) == []


# --- Shared ------------------------------------------------------------------------------------------


def meta(html):
    return dict(re.findall(r'<meta (?:property|name)="((?:og|twitter):[\w:]+)" content="([^"]*)">', html))


def test_a_page_says_how_it_looks_where_its_address_is_shared(client, peru):
    said = meta(client.get("/fr/operations/per/2020/").content.decode())
    assert said["og:title"] == "Pérou 2020"
    assert said["og:url"] == "http://testserver/fr/operations/per/2020/"
    assert said["og:image"] == "http://testserver/fr/operations/per/2020/card.png"
    assert said["twitter:card"] == "summary_large_image"
    assert "10" in said["og:description"]


@pytest.mark.parametrize("language", ["", "/ar"])
def test_the_card_is_a_picture_of_1200_by_630(client, peru, language):
    response = client.get(f"{language}/operations/per/2020/card.png")
    assert response["Content-Type"] == "image/png"
    picture = Image.open(io.BytesIO(response.content)).convert("RGB")
    assert picture.size == (1200, 630)
    assert len(picture.getcolors(1_000_000)) > 50


def test_the_card_holds_the_three_figures_and_why_one_is_missing(client, peru):
    card = figure_files.Card(
        "Agency", "Peru", "2020", [("10,000", "People"), ("–", "Expenditure (not yet known)")], None
    )
    assert texts(figure_files.card_svg(card, "en")) == [
        "Agency", "Peru", "2020", "–", "Expenditure (not yet known)", "10,000", "People",
    ]  # fmt: skip


def test_a_long_name_stays_on_its_card():
    name = "The situation of the people of the islands and of the mainland coast of the south-western region"
    svg = figure_files.card_svg(figure_files.Card("A", name, "2020", [("1", "People")] * 3, None), "en")
    lines = [(float(text.get("y")), text.text) for text in ET.fromstring(svg).iter(f"{SVG}text")]
    year = next(y for y, text in lines if text == "2020")
    assert year < min(y for y, text in lines if text == "1") - 20


def test_the_data_for_search_engines_is_whole_json_that_no_name_can_break(client, ana):
    of = operation()
    of.name_en = "</script><b>Peru & others"
    of.save()
    release(of, ana)
    html = client.get("/operations/per/2020/").content.decode()
    (found,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', html)
    data = json.loads(found)
    assert data["@type"] == "Dataset" and data["name"] == "</script><b>Peru & others 2020"
    assert data["url"] == "http://testserver/operations/per/2020/"
    assert data["temporalCoverage"] == "2020"
    assert data["spatialCoverage"]["geo"] == {
        "@type": "GeoCoordinates",
        "latitude": -10.0,
        "longitude": -75.0,
    }
    assert [file["contentUrl"] for file in data["distribution"]] == [
        f"http://testserver{FIGURES}people.csv",
        f"http://testserver{FIGURES}money.csv",
    ]
    assert dt.datetime.fromisoformat(data["dateModified"]) <= timezone.now()


# --- Colours -----------------------------------------------------------------------------------------


def test_every_colour_that_is_drawn_with_is_a_token_of_the_stylesheets():
    token = figure_files.tokens()
    wanted = {"ink", "ink-2", "ink-3", "paper", "line", "line-2", "brand", "brand-ink", "brand-wash", "land", "spent",
              "funds", "on-dark", "on-mid", *(f"series-{number}" for number in range(1, 9))}  # fmt: skip
    assert wanted - token.keys() == set()
    assert (token["paper"], token["ink"]) == ("#fff", "#16212b")  # in light
