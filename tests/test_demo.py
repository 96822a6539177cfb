"""The demonstration shows what the reference page showed, and better: the figures, exactly."""

import re
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from contributions.models import Contribution, Donor, ImportBatch
from operations.drafts import checked_many
from operations.models import Edition, KeyFigure, Narrative, Operation
from tests import factories
from tests.reading import words


@pytest.fixture
def demo(loaded_demo, db, settings):
    settings.DEMO = True


def test_the_demonstration_needs_to_be_asked_for(db, settings):
    settings.DEMO = False
    with pytest.raises(CommandError, match="known password"):
        call_command("load_demo")


def test_loading_it_again_keeps_the_data(demo, capsys):
    Operation.objects.filter(code="PER").update(zoom=6)
    call_command("load_demo")
    assert "is there already" in capsys.readouterr().out
    assert Operation.objects.get(code="PER").zoom == 6


def test_perus_page_shows_the_figures_of_the_reference(demo, client):
    text = words(client.get("/operations/peru/2020/"))
    for expected in (
        "1,557,276 people at the end of 2020; 867,821 a year before, in 2019: an increase of 79%.",
        "4,332",
        "537,552",
        "500,353",
        "515,039",
        "In 2020 the operation spent US$ 20,154,483.57, 41% of its budget of US$ 48,625,534.17.",
        "20,496,332.32",
        "14,173,697.75",
        "60,913,280.08",
        "Before 2019, Peru was reported under Argentina Multi-Country Office.",
        "The boundaries and names shown and the designations used on this map do not imply official "
        "endorsement or acceptance by the United Nations.",
    ):
        assert expected in text


def test_perus_charts_draw_the_millions_and_nothing_for_what_is_missing(demo, client):
    page = client.get("/operations/peru/2020/")
    chart = page.context["money_chart"]
    labels = [text.text for text in chart.wide.texts if text.css.startswith(("value", "small"))]
    assert sorted(labels) == ["14.2", "20.2", "20.5", "48.6", "60.9"]
    assert len(chart.wide.bars) == 5
    assert [[cell.text or cell.missing_reason for cell in row] for row in chart.table.rows] == [
        ["2016", "The operation did not exist", "The operation did not exist"],
        ["2017", "The operation did not exist", "The operation did not exist"],
        ["2018", "The operation did not exist", "The operation did not exist"],
        ["2019", "20,496,332.32", "14,173,697.75"],
        ["2020", "48,625,534.17", "20,154,483.57"],
        ["2021", "60,913,280.08", "Not yet known"],
    ]


def test_perus_page_has_seven_sections_and_thirteen_key_figures(demo, client):
    page = client.get("/operations/peru/2020/").context["page"]
    assert [section["heading"] for section in page.year_end.sections + page.plan.sections] == [
        "Operational context",
        "Population trends",
        "Key achievements",
        "Unmet needs",
        "Use of flexible funding",
        "Working environment",
        "Key priorities",
    ]
    assert [figure["value"] for text in page.key_figure_texts for figure in text.key_figures] == [
        "300,000", "70,000", "52,996", "50,000", "9,400", "1,200", "125",
        "200,000", "40,000", "7,678", "600", "25", "15",
    ]  # fmt: skip


def test_the_mistyped_figure_has_a_note_that_only_editors_see(demo, client):
    assert "52,9960" in KeyFigure.objects.get(value="52,996").editor_note
    assert "52,9960" not in client.get("/operations/peru/2020/").content.decode()


def test_the_twenty_contributions_came_through_the_real_import(demo, client):
    assert Contribution.objects.count() == 20
    assert Contribution.objects.released().total() == Decimal("127635003.00")
    batch = ImportBatch.objects.get(table="contributions.contribution")
    assert (batch.file_name, batch.counts["new"], batch.made_by.username) == (
        "contributions.csv",
        20,
        "finance",
    )
    text = words(client.get("/operations/peru/2020/"))
    for line in (
        "Norway $1,614,205",
        "Germany $91,743,119",
        "United States of America private donors $3,186,984",
    ):
        assert line in text


def body(response) -> str:
    """The body without what names the edition: banner, citation, addresses of languages and files, the running head."""
    html = response.content.decode().partition("<body>")[2]
    parts = r'<li class="pdf">.*?</li>|<div class="take">.*?</div>|<div class="running".*?</div></div>|<aside class="moment".*?</aside>|<p class="citation">.*?</p>|<nav class="languages".*?</nav>'
    return re.sub(r"\s+", " ", re.sub(parts, "", html, flags=re.DOTALL))


@pytest.mark.once
def test_every_page_is_cited_with_an_address_that_shows_it_again(demo, client):
    """Of the demonstration's pages some are newer than its import, others older; and then comes another import."""
    profiles = Edition.objects.released().profiles().select_related("operation")
    addresses = [profile.operation.get_absolute_url() for profile in profiles]
    years = {address: client.get(address).context["page"].years for address in addresses}
    pages = [f"{address}{year}/" for address in addresses for year in years[address]]
    assert len(pages) > len(addresses) > 3
    of_now = [cited_again(client, page) for page in pages]
    assert {"?as_of=" in address for address in of_now} == {True, False}
    moment = timezone.now().replace(microsecond=0)
    factories.contribution(factories.donor("Cuba"), batch=factories.batch(released_at=moment))
    for address in addresses:
        said = f"?as_of={moment:%Y-%m-%dT%H:%M:%SZ}"
        assert cited_again(client, f"{address}{years[address][0]}/").endswith(said)


def cited_again(client, address: str) -> str:
    """The permanent address of the page, which shows it again."""
    page = client.get(address)
    permanent = page.context["permanent"]
    assert body(client.get(permanent)) == body(page), permanent
    return permanent


def test_the_contributions_of_18_november_are_five_and_serbia_has_its_footnote(demo, client):
    page = client.get("/contributions/")
    days = {date.isoformat(): lines for date, lines in page.context["days"]}
    assert [(line.name, line.donor_class, line.amount) for line in days["2021-11-18"]] == [
        ("United Kingdom of Great Britain and Northern Ireland", "", Decimal("8764391.00")),
        ("Japan", "private donors", Decimal("595413.00")),
        ("Qatar", "", Decimal("136000.00")),
        ("Argentina", "", Decimal("53550.00")),
        ("Romania", "", Decimal("53397.00")),
    ]
    html = page.content.decode()
    assert 'Serbia<a class="mark" href="#footnote-1" aria-describedby="footnote-1"' in html
    assert '<li id="footnote-1" value="1"><span aria-hidden="true">*</span> Serbia: ' in html
    assert Donor.objects.get(name_en="Serbia").footnote


def test_the_years_and_the_own_address_of_peru(demo, client):
    own, newest = client.get("/operations/peru/"), client.get("/operations/peru/2021/")
    assert own.context["page"].years == [2021, 2020, 2019]
    assert own.context["page"].year == 2021
    assert words(own) == words(newest)
    assert client.get("/operations/peru/2018/").status_code == 404


def test_the_predecessor_refers_to_peru(demo, client):
    text = words(client.get("/operations/argentina-multi-country-office/2019/"))
    assert "Since 2019, Peru is reported on a page of its own." in text


def test_every_operation_of_the_demonstration_has_a_page_for_each_of_its_years(demo, client):
    released = Edition.objects.released().profiles()
    assert {edition.operation.code for edition in released} == {
        "PER", "COL", "ECU", "JOR", "TCD", "BGD", "LBN", "SSD", "ARGMCO",
    }  # fmt: skip
    for edition in released:
        years = client.get(f"/operations/{edition.operation.slug}/").context["page"].years
        for year in years:
            assert client.get(f"/operations/{edition.operation.slug}/{year}/").status_code == 200
    corrected = Edition.objects.exclude(kind="profile").filter(is_correction=True)
    assert Narrative.objects.count() + 1 == Edition.objects.exclude(kind="profile").count()
    assert [(edition.operation.code, edition.year) for edition in corrected] == [("PER", 2020)]


def test_nothing_of_the_demonstration_waits_for_an_answer_or_a_correction(demo):
    for found in checked_many([*Operation.objects.all(), *Narrative.objects.select_related("operation")]):
        assert (found.errors, found.open) == ([], [])


def test_every_page_says_that_it_is_a_demonstration(demo, client):
    for address in (
        "/",
        "/operations/",
        "/operations/peru/2020/",
        "/contributions/",
        "/donors/",
        "/methodology/",
    ):
        assert "A demonstration, built on figures that UNHCR published" in words(client.get(address))
