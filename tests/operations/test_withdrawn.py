"""What was taken back: 410 with its notice at every address, and in no list, total, feed or sitemap."""

import datetime as dt

import pytest
import time_machine
from django.core.cache import cache

from operations.editions import release, withdraw
from operations.models import Edition
from tests import factories
from tests.reading import words

pytestmark = pytest.mark.django_db

START = dt.datetime(2021, 3, 5, 9, tzinfo=dt.UTC)
GONE = dt.datetime(2021, 6, 1, 12, tzinfo=dt.UTC)
NOTICE = {"reason": "in_error", "notice": "These were the numbers of another country."}
SAID = "withdrawn on 1 June 2021, 12:00 UTC Reason: published in error. These were the numbers of another country."


@pytest.fixture(autouse=True)
def _now():
    cache.clear()
    with time_machine.travel(GONE, tick=False):
        yield


@pytest.fixture
def peru():
    peru = factories.operation()
    factories.population(peru)
    factories.finance(peru, pillar="P1")
    publish(peru)
    return peru


def publish(working_copy, day=0, **options):
    with time_machine.travel(START + dt.timedelta(days=day), tick=False):
        return release(working_copy, None, **options)


def report(peru, body="Sentinel of the text.", year=2020, **fields):
    return factories.narrative(peru, year, sections={"unmet-needs": f"<p>{body}</p>"}, **fields)


# --- A profile ------------------------------------------------------------------------------------


def test_a_withdrawn_operation_is_gone_from_every_address_with_its_notice(client, peru):
    publish(report(peru))
    edition = Edition.objects.of(peru).first()
    text = Edition.objects.get(kind="year_end")
    withdraw(peru, None, **NOTICE)
    for address in (
        "/operations/per/", "/operations/per/2020/", "/operations/per/2020/pillars/", "/operations/per/2020/history/",
        "/operations/per/?as_of=2021-04-01", "/operations/per/2020/?as_of=2021-04-01",
        f"/editions/{edition.pk}/", f"/editions/{edition.pk}/2020/", f"/editions/{edition.pk}/?as_of=2021-04-01",
        f"/editions/{text.pk}/", "/fr/operations/per/",
    ):  # fmt: skip
        response = client.get(address)
        assert response.status_code == 410, address
        html = response.content.decode()
        assert "These were the numbers of another country." in html
        assert "Sentinel" not in html
        assert "1,000" not in html
        assert '<meta name="robots" content="noindex">' in html
        assert "canonical" not in html
        assert response["Cache-Control"] == "no-cache"
    response = client.get("/operations/per/")
    assert f"Profile and figures: {SAID}" in words(response)
    assert "This page was withdrawn Profile and figures – per What stood here" in words(response)
    assert "<title>Profile and figures – per · Withdrawn · Openfield</title>" in response.content.decode()


def test_a_year_that_never_had_anything_of_a_withdrawn_operation_is_unknown(client, peru):
    factories.finance(peru, 2017)
    publish(peru, 1)
    peru.financial_figures.filter(year=2017).delete()
    publish(peru, 2)
    publish(report(peru, year=2015))
    gone = report(peru, year=2014)
    publish(gone)
    withdraw(gone, None)
    release(report(peru, year=2013), None, at=GONE + dt.timedelta(days=1))
    withdraw(peru, None, **NOTICE)
    found = {year: client.get(f"/operations/per/{year}/").status_code for year in range(2012, 2022)}
    assert {year for year, status in found.items() if status == 410} == {2014, 2015, 2017, 2020}
    assert set(found.values()) == {404, 410}
    assert client.get("/operations/per/1990/history/").status_code == 404


def test_a_withdrawn_operation_is_in_no_list_total_feed_or_sitemap_at_once(client, peru):
    chad = factories.operation("TCD", name_en="Chad")
    factories.population(chad, people=7)
    publish(chad)
    factories.contribution(factories.donor(), operation=peru, batch=factories.batch(released_at=START))
    pages = (
        "/",
        "/operations/",
        "/contributions/",
        "/donors/norway/",
        "/feeds/releases.atom",
        "/sitemap.xml",
    )
    before = {page: client.get(page).content.decode() for page in pages}
    assert all("per/" in html or "Peru" in html for html in before.values())
    withdraw(peru, None, **NOTICE)
    for page in pages:
        html = client.get(page).content.decode()
        assert "Peru" not in html
        assert "/operations/per/" not in html
    assert "7 end of 2020, published for 1 of 1 operations" in words(client.get("/"))


def test_an_operation_that_was_never_public_stays_unknown(client):
    peru = factories.operation()
    text = report(peru)
    publish(text)
    withdraw(text, None, **NOTICE)
    for address in ("/operations/per/", "/operations/per/2020/", "/operations/per/2020/history/"):
        assert client.get(address).status_code == 404


def test_a_profile_that_was_released_again_is_back_and_its_older_editions_are_not(client, peru):
    first = Edition.objects.of(peru).first()
    withdraw(peru, None, **NOTICE)
    with time_machine.travel(GONE + dt.timedelta(days=1), tick=False):
        again = release(peru, None)
        assert client.get("/operations/per/2020/").status_code == 200
        assert client.get(f"/editions/{again.pk}/2020/").status_code == 200
        assert client.get(f"/editions/{first.pk}/2020/").status_code == 410
        assert client.get("/operations/per/2020/?as_of=2021-04-01").status_code == 410


# --- A text ---------------------------------------------------------------------------------------


def test_every_edition_of_a_withdrawn_text_is_gone_with_its_notice(client, peru):
    text = report(peru, "Sentinel one.")
    first = publish(text)
    text.sections.update(body="<p>Sentinel two.</p>")
    second = publish(text, 1)
    withdraw(text, None, **NOTICE, replaced_by="/operations/per/2020/")
    for edition in (first, second):
        response = client.get(f"/editions/{edition.pk}/")
        assert response.status_code == 410
        assert f"Year-end report 2020: {SAID} The page that takes its place" in words(response)
        assert '<a href="/operations/per/2020/">The page that takes its place' in response.content.decode()
        assert "Sentinel" not in response.content.decode()


def test_a_year_that_still_has_figures_shows_the_notice_in_the_place_of_the_text(client, peru):
    text = report(peru)
    publish(text)
    withdraw(text, None, **NOTICE)
    for address in ("/operations/per/2020/", "/operations/per/2020/?as_of=2021-04-01"):
        response = client.get(address)
        assert response.status_code == 200
        assert f"Year-end report 2020 Year-end report 2020: {SAID}" in words(response)
        assert "1,000 people at the end of 2020" in words(response)
        assert "Sentinel" not in response.content.decode()
    # Before it was released there is nothing to tell.
    withdrawn_later = words(client.get("/operations/per/2020/?as_of=2021-03-05T09:00Z"))
    assert SAID in withdrawn_later


def test_a_year_that_has_nothing_else_is_gone_with_the_notice(client, peru):
    text = report(peru, year=2015)
    publish(text)
    assert client.get("/operations/per/2015/").status_code == 200
    withdraw(text, None, **NOTICE)
    for address in (
        "/operations/per/2015/",
        "/operations/per/2015/history/",
        "/operations/per/2015/?as_of=2021-04-01",
    ):
        response = client.get(address)
        assert response.status_code == 410
        assert f"Year-end report 2015: {SAID}" in words(response)
        assert "Year-end report 2015 – Peru What stood here" in words(response)
        assert "<title>Year-end report 2015 – Peru · Withdrawn · " in response.content.decode()
    assert "/2015/" not in client.get("/sitemap.xml").content.decode()
    assert client.get("/operations/per/2016/").status_code == 404


def test_a_withdrawn_plan_of_the_next_year_leaves_its_notice_beside_the_key_figures(client, peru):
    plan = factories.narrative(peru, 2021, "plan")
    factories.key_figure(plan, text="a sentinel")
    publish(plan)
    assert "a sentinel" in words(client.get("/operations/per/2020/"))
    withdraw(plan, None, **NOTICE)
    shown = words(client.get("/operations/per/2020/"))
    assert f"Plan for 2021: {SAID}" in shown
    assert "a sentinel" not in shown


def test_a_text_that_was_written_again_takes_the_place_of_the_notice(client, peru):
    text = report(peru)
    publish(text)
    withdraw(text, None, **NOTICE)
    with time_machine.travel(GONE + dt.timedelta(days=1), tick=False):
        text.sections.update(body="<p>A new beginning.</p>")
        release(text, None)
        shown = words(client.get("/operations/per/2020/"))
        assert "A new beginning." in shown
        assert "withdrawn" not in shown
        assert SAID in words(client.get("/operations/per/2020/?as_of=2021-04-01"))


def test_a_withdrawn_translation_gives_way_to_english_with_its_notice(client, peru):
    publish(report(peru, "English text."))
    french = report(peru, "Sentinel en français.", language="fr")
    publish(french)
    withdraw(french, None, **NOTICE)
    shown = words(client.get("/fr/operations/per/2020/"))
    assert "English text." in shown
    assert "These were the numbers of another country." in shown
    assert "Sentinel" not in shown
    assert "These were the numbers" not in words(client.get("/operations/per/2020/"))
    assert "These were the numbers" not in words(client.get("/es/operations/per/2020/"))


def test_a_link_to_another_site_is_never_shown(client, peru):
    for target in ("https://example.org/", "//example.org/", "javascript:alert(1)", "/\\example.org/"):
        Edition.objects.update(withdrawn_at=GONE, replaced_by=target)
        html = client.get("/operations/per/").content.decode()
        assert "The page that takes its place" not in html
        assert "example.org" not in html
        assert "alert" not in html


def test_what_staff_write_in_a_notice_cannot_become_markup(client, peru):
    withdraw(peru, None, notice="<script>alert(1)</script>")
    html = client.get("/operations/per/").content.decode()
    assert "<script" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize(("prefix", "name"), [("", ""), ("/es", " (inglés)"), ("/ar", " (الإنجليزية)")])
@pytest.mark.parametrize("has_figures", [True, False])
def test_no_translation_stands_in_for_an_english_text_that_was_withdrawn(
    client, peru, prefix, name, has_figures
):
    year = 2020 if has_figures else 2015
    english = report(peru, "Sentinel.", year)
    source = publish(english)
    french = publish(report(peru, "Texte français.", year, language="fr", translated_from=source), 1)
    withdraw(english, None, **NOTICE)
    response = client.get(f"{prefix}/operations/per/{year}/")
    assert response.status_code == 200
    assert "These were the numbers of another country." in words(response)
    assert name in words(response)
    assert "Texte français" not in words(response)
    assert response.context["page"].year_end is None
    assert "Texte français." in words(client.get(f"/fr/operations/per/{year}/"))
    # Who asks for the French edition gets it.
    assert "Texte français." in words(client.get(f"{prefix}/editions/{french.pk}/"))


# --- Languages ------------------------------------------------------------------------------------


def test_where_there_is_no_english_the_text_stands_in_the_language_there_is(client, peru):
    publish(report(peru, "نص عربي.", language="ar"))
    for prefix in ("", "/fr"):
        response = client.get(f"{prefix}/operations/per/2020/")
        assert '<div lang="ar" dir="rtl"><p>نص عربي.</p></div>' in response.content.decode()
    assert (
        "This text is not yet available in your language or in English. It is shown in this language: Arabic."
        in words(client.get("/operations/per/2020/"))
    )
    publish(report(peru, "Texto.", language="es"))
    assert "Texto." in words(client.get("/operations/per/2020/"))
    publish(report(peru, "English text."))
    assert "English text." in words(client.get("/fr/operations/per/2020/"))


@pytest.mark.parametrize(("is_correction", "said"), [(True, "corrected"), (False, "changed")])
def test_a_translation_tells_that_its_source_has_changed_since(client, peru, is_correction, said):
    english = report(peru, "52,000 people.")
    source = publish(english)
    publish(report(peru, "52 000 personnes.", language="fr", translated_from=source), 1)
    assert "52 000 personnes." in words(client.get("/fr/operations/per/2020/"))
    assert "Cette traduction" not in words(client.get("/fr/operations/per/2020/"))
    english.sections.update(body="<p>52,996 people.</p>")
    publish(english, 2, is_correction=is_correction)
    response = client.get("/fr/operations/per/2020/")
    html = response.content.decode()
    assert '<a href="/operations/per/2020/" hreflang="en">' in html
    assert "Cette traduction a été faite à partir du texte du" in words(response)
    text = response.context["page"].year_end
    assert text.is_out_of_date
    assert (text.source.pk, text.source_now.is_correction) == (source.pk, is_correction)
    with time_machine.travel(START + dt.timedelta(days=1, hours=1)):
        assert not client.get("/fr/operations/per/2020/").context["page"].year_end.is_out_of_date
    # In English, of a text that was translated from Spanish:
    spanish = report(peru, "Texto.", 2019, language="es")
    publish(report(peru, "A text.", 2019, translated_from=publish(spanish, 3)), 4)
    spanish.sections.update(body="<p>Otro texto.</p>")
    publish(spanish, 5, is_correction=is_correction)
    assert (
        f"This translation was made from the text of 8 March 2021 (Spanish), which was {said} on 10 March 2021. "
        "Its numbers may be out of date. Read the newer text (Spanish)"
        in words(client.get("/operations/per/2019/"))
    )


def test_a_translation_tells_that_its_source_was_withdrawn(client, peru):
    english = report(peru, "52,000 people.")
    source = publish(english)
    publish(report(peru, "52 000 personnes.", language="fr", translated_from=source), 1)
    assert not client.get("/fr/operations/per/2020/").context["page"].year_end.is_out_of_date
    withdraw(english, None, **NOTICE)
    response = client.get("/fr/operations/per/2020/")
    assert response.context["page"].year_end.is_out_of_date
    said = "Le texte à partir duquel celui-ci a été traduit (anglais) a été retiré le 1 juin 2021."
    assert f"{said} These were the numbers of another country." in words(response)
    assert '<span lang="en" dir="auto">These were the numbers' in response.content.decode()
    assert "52 000 personnes." in words(response)
    assert 'class="note withdrawn"' not in response.content.decode()
    with time_machine.travel(GONE + dt.timedelta(days=1), tick=False):
        english.sections.update(body="<p>52,996 people.</p>")
        release(english, None)
        french = client.get("/fr/operations/per/2020/")
    text = french.context["page"].year_end
    assert (text.is_out_of_date, text.source_now.number) == (True, 2)


@pytest.mark.parametrize("translations", [1, 3])
def test_what_translations_were_made_from_is_one_query(client, peru, translations, django_assert_num_queries):
    for year, kind in ((2020, "year_end"), (2020, "plan"), (2021, "plan"))[:translations]:
        source = publish(factories.narrative(peru, year, kind))
        publish(factories.narrative(peru, year, kind, language="fr", translated_from=source), 1)
    # the page (3), the sources, the contributions (2), of which there is none, and their newest import; the money
    # of the year (4)
    with django_assert_num_queries(11):
        client.get("/fr/operations/per/2020/")
