"""The charts of the money at addresses of their own: as a page to embed, and as SVG, PNG and CSV."""

import csv
import io
import re
from decimal import Decimal
from html import unescape

import pytest
from django.core.cache import cache
from PIL import Image

from contributions.merging import merge
from contributions.models import Donor
from operations.editions import release
from operations.models import Agency
from tests import factories
from tests.reading import words


@pytest.fixture
def money(db):
    """Norway and Chad gave to Peru for two years, Chad for no operation."""
    cache.clear()
    peru = factories.operation()
    factories.population(peru)
    release(peru, None)
    batch = factories.batch()
    norway, chad = factories.donor(), factories.donor("Chad", name_fr="Tchad")
    gifts = [
        (norway, 2020, peru, "100.25", "earmarked"),
        (norway, 2021, peru, "300", "unearmarked"),
        (chad, 2021, None, "99.5", "earmarked"),
    ]
    for number, (donor, year, operation, amount, earmarking) in enumerate(gifts, 1):
        factories.contribution(
            donor, batch=batch, operation=operation, budget_year=year, amount_usd=Decimal(amount),
            earmarking=earmarking, occurrence=number,
        )  # fmt: skip
    return peru


def table(client, address: str) -> list[list[str]]:
    response = client.get(address)
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))


def test_the_file_of_a_year_has_exact_amounts_under_keys(client, money):
    assert table(client, "/contributions/figures/donors.csv?year=2021") == [
        ["donor", "amount_usd", "share_percent", "missing"],
        ["Norway", "300.00", "75.1", ""],
        ["Chad", "99.50", "24.9", ""],
        ["Total", "399.50", "100.0", ""],
    ]
    assert table(client, "/fr/contributions/figures/donors.csv?year=2021")[2][:2] == ["Tchad", "99.50"]


def test_the_figure_shows_what_the_list_shows(client, money):
    rows = table(client, "/contributions/figures/earmarking.csv?year=2021&operation=per")
    assert rows[1:] == [["Unearmarked", "300.00", "100.0", ""], ["Total", "300.00", "100.0", ""]]
    page = client.get("/contributions/figures/earmarking/?year=2021&operation=per")
    assert "Contributions · Peru" in words(page)
    assert 'href="/contributions/?year=2021&amp;operation=per" target="_top"' in page.content.decode()


@pytest.mark.parametrize("start", ["", "/fr", "/ar"])
def test_every_chart_of_the_money_leads_to_its_files(client, money, start):
    pages = ["/contributions/?year=2021", "/donors/?year=2021", "/donors/norway/", "/operations/per/2021/"]
    found = set()
    for page in pages:
        html = client.get(start + page).content.decode()
        for address in re.findall(r'href="([^"]+/figures/[^"]+)"', html):
            found.add(unescape(address))
    kinds = {address: client.get(address) for address in found if "operations/" not in address}
    assert {response.status_code for response in kinds.values()} == {200}
    names = {re.sub(r"\?.*|^/(fr|ar)(?=/)", "", address) for address in kinds}
    assert names == {
        *(f"/contributions/figures/{name}{end}" for name in ("donors", "earmarking", "months")
          for end in ("/", ".svg", ".png", ".csv")),
        *(f"/donors/norway/figures/{name}{end}" for name in ("years", "earmarking")
          for end in ("/", ".svg", ".png", ".csv")),
    }  # fmt: skip
    png = next(response for address, response in kinds.items() if "years.png" in address)
    assert Image.open(io.BytesIO(png.content)).width == 2 * 768
    svg = next(response for address, response in kinds.items() if "years.svg" in address)
    assert "http" not in re.sub(r'xmlns="[^"]+"|http://testserver[^<]+', "", svg.content.decode())


def test_a_figure_can_be_framed_and_the_page_it_is_from_cannot(client, money):
    figure, page = client.get("/donors/norway/figures/years/"), client.get("/donors/norway/")
    assert "frame-ancestors *" in figure.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in figure.headers
    assert "frame-ancestors *" not in page.headers["Content-Security-Policy"]
    assert '<link rel="canonical" href="http://testserver/donors/norway/">' in figure.content.decode()
    assert '<iframe src="http://testserver/donors/norway/figures/years/"' in unescape(page.content.decode())


def test_a_figure_of_the_past_is_of_the_past(client, money):
    factories.contribution(
        factories.donor("Late"), batch=factories.batch(), budget_year=2021, amount_usd=Decimal(5)
    )
    assert len(table(client, "/contributions/figures/donors.csv?year=2021")) == 5
    assert client.get("/contributions/figures/donors.csv?year=2021&as_of=2001-01-01").status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        "/contributions/figures/donors.csv",
        "/contributions/figures/donors.csv?year=1999",
        "/contributions/figures/donors.csv?year=x",
        "/contributions/figures/nothing.csv?year=2021",
        "/donors/nobody/figures/years.svg",
        "/donors/chad/figures/years.svg",
        "/donors/norway/figures/nothing/",
    ],
)
def test_there_is_nothing_where_nothing_is_drawn(client, money, address):
    assert client.get(address).status_code == 404


def test_a_source_says_whose_figures_they_are_and_of_which_day(client, money):
    Agency.objects.create(name_en="Relief")
    page = words(client.get("/contributions/figures/donors/?year=2021"))
    assert re.search(r"Source: .?Relief.?, as of \d+ \w+ \d{4}", page)
    assert "Gifts of private donors that would tell who gave them" in page


def test_a_file_with_a_name_of_its_own_is_saved(client, money):
    disposition = client.get("/contributions/figures/donors.csv?year=2021").headers["Content-Disposition"]
    assert disposition == 'attachment; filename="contributions-2021-donors.csv"'
    disposition = client.get("/donors/norway/figures/years.svg").headers["Content-Disposition"]
    assert disposition == 'inline; filename="norway-years.svg"'


def test_what_another_site_embeds_goes_on_where_its_donor_was_merged(client, money):
    merge(factories.donor("Norge"), Donor.objects.get(slug="norway"), user=None)
    assert client.get("/donors/norge/figures/years/").url == "/donors/norway/figures/years/"
    assert client.get("/donors/norge/figures/years.png").url == "/donors/norway/figures/years.png"
