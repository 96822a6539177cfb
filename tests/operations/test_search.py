"""The site's search: what it finds, in which order, and what it never finds."""

from __future__ import annotations

import datetime as dt
import re
from urllib.parse import quote

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.utils import timezone
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from operations.editions import release, unschedule, withdraw
from operations.models import Edition, SearchEntry
from operations.search import PAGE_SIZE, Search
from operations.search_words import fold, indexed, plain_text, snippet, spans, terms
from operations.templatetags.search import marks, words_of_address
from tests import factories
from tests.reading import words

LATER = dt.timedelta(days=3)


@pytest.fixture(autouse=True)
def _fresh():
    cache.clear()


@pytest.fixture
def peru(db):
    region = factories.Region.objects.create(code="AMX", name_en="The Americas", name_fr="Amériques")
    of = factories.operation(name_fr="Pérou", name_es="Perú", name_ar="بيرو", region=region)
    factories.office(of, name="Tumbes")
    factories.office(of, name="Secretville", is_public=False)
    release(of, None)
    return of


def text(of, body="People were given cash.", year=2020, kind="year_end", heading=None, **fields):
    heading = heading or ("unmet-needs" if kind == "year_end" else "key-priorities")
    made = factories.narrative(of, year, kind, {heading: f"<p>{body}</p>"} if body else {}, **fields)
    release(made, None)
    return made


def found(query, at=None, language="en", number=1):
    """Of each result its kind, name and year."""
    with override(language):
        search = Search.load(query, at or timezone.now(), number)
    return [(each.kind, "".join(piece for piece, _hit in each.title), each.year) for each in search.results]


PERU = ("operation", "Peru", None)
REPORT = ("year_end", "Peru", 2020)


# --- Words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("Perú", "peru"), ("PÉROU", "perou"), ("Straße", "strasse"), ("Œuvre", "oeuvre"), ("Øst", "ost"),
        ("300,000", "300000"), ("1.234.567", "1234567"), ("٣٠٠", "300"), ("مُحَمَّد", "محمد"), ("أيضاً", "ايضا"),
        ("اللاجئين", "لاجيين"), ("لاجئين", "لاجيين"), ("مدينة", "مدينه"), ("ﬃ", "ffi"), ("½", "12"),
    ],
)  # fmt: skip
def test_a_word_is_folded(word, form):
    assert fold(word) == form


def test_numbers_keep_their_thousands_together_and_other_signs_part_words():
    assert terms("300,000 people: l’eau & self-reliance, 2020–2021") == [
        "300000", "people", "l", "eau", "self", "reliance", "2020", "2021",
    ]  # fmt: skip


def test_a_query_is_read_up_to_twelve_words_and_two_hundred_letters():
    assert terms(" ".join(map(str, range(40)))) == [str(number) for number in range(12)]
    assert terms("x" * 10_000) == ["x" * 60]
    assert terms("\0 * ( ) \" ' 🙂 ——") == []


@given(st.text(max_size=300))
def test_every_word_of_an_index_stands_in_the_text_in_the_same_place(text):
    assert indexed(text).split(" ") == ([word for _a, _b, word in spans(text)] or [""])
    assert all(word.isalnum() and len(word) <= 60 for word in terms(text))


def test_the_words_of_a_section_are_those_that_readers_see():
    assert (
        plain_text("<p>H<sub>2</sub>O &amp; &lt;b&gt;</p><ul><li>one</li><li>two</li></ul>")
        == "H2O & <b> one two"
    )


def test_a_snippet_shows_where_the_most_words_stand_and_its_heading():
    lines = f"Context\tCash. {'Filler words. ' * 40}\nNeeds\t{'Other things. ' * 30}Cash in an emergency. {'More. ' * 90}"
    hits = [number for number, (_a, _b, word) in enumerate(spans(lines)) if word in ("cash", "emergency")]
    shown = snippet(lines, hits)
    assert (shown.heading, shown.is_cut_before, shown.is_cut_after) == ("Needs", True, True)
    assert [piece for piece, is_hit in shown.pieces if is_hit] == ["Cash", "emergency"]
    assert "".join(piece for piece, _hit in shown.pieces) in lines.replace("\n", " ").replace("\t", " ")


@given(st.text(alphabet="ab \t\n<&é", max_size=400), st.sets(st.integers(0, 60)))
def test_a_snippet_is_always_a_part_of_its_text(text, hits):
    shown = snippet(text, hits)
    assert "".join(piece for piece, _hit in shown.pieces) in text


def test_what_matched_is_marked_and_every_letter_escaped():
    assert marks([("<b> & ", False), ("<i>", True)]) == "&lt;b&gt; &amp; <mark>&lt;i&gt;</mark>"


# --- What is found --------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["Peru", "peru", "PERÚ", "Pérou", "بيرو", "per", "PER"])
def test_an_operation_is_found_by_its_name_in_every_language(peru, query):
    assert found(query)[0] == PERU


def test_an_operation_is_found_by_its_public_offices_countries_and_region(peru):
    assert found("tumbes") == [PERU]
    assert found("peru tumbes") == [PERU]
    assert found("secretville") == []
    assert found("Amériques") == [("region", "The Americas", None)]
    assert Search.load("americas", timezone.now()).results[0].url == "/regions/amx/"
    chile = factories.operation("ARGMCO", name_en="Southern Cone", countries="AR,CL")
    release(chile, None)
    assert found("chile") == [("operation", "Southern Cone", None)]
    assert found("chili", language="fr") == [("operation", "Southern Cone", None)]


def test_an_operation_is_found_by_a_former_name_once_it_was_public_and_says_so(client, peru):
    peru.name_en = "Peru and neighbours"
    peru.save()
    release(peru, None, timezone.now() + LATER)
    assert found("neighbours") == []
    assert found("neighbours", timezone.now() + LATER * 2) == [("operation", "Peru and neighbours", None)]
    unschedule(peru, None)
    peru.name_en = "Andes"
    peru.save()
    release(peru, None)
    assert found("neighbours") == []
    assert found("peru")[0] == ("operation", "Andes", None)
    peru.name_fr = peru.name_es = "Andes"
    peru.save()
    release(peru, None)
    assert "Formerly: Pérou" in words(client.get("/search/?q=perou"))


def test_a_predecessor_leads_to_the_operation_that_followed(peru):
    after = factories.operation("NEW", name_en="Andean office", predecessor=peru)
    release(after, None)
    assert found("peru") == [PERU, ("operation", "Andean office", None)]


def test_texts_are_found_by_their_words_whatever_their_form(peru):
    text(peru, "Families fled; 52,996 refugees were helped in Tacna.")
    for query in ("refugee", "REFUGEES", "family", "52996", "52,996", "tacna families", "refug"):
        assert found(query) == [REPORT], query
    assert found("tacna nothing") == []
    assert found("peru tacna") == [REPORT]
    assert found("peru 2020 tacna") == [REPORT]


def test_key_figures_and_headings_are_found(peru):
    report = factories.narrative(peru, sections={"unmet-needs": "<p>Shelter.</p>"})
    factories.key_figure(report, "221,000", text="people vaccinated", editor_note="hushhush")
    release(report, None)
    assert found("221,000 vaccinated") == [REPORT]
    assert found("unmet needs") == [REPORT]
    assert found("hushhush") == []


def test_names_come_before_texts_and_among_equals_the_newest_year_first(peru):
    for year in (2018, 2020, 2019):
        text(peru, "Boats came.", year)
    text(peru, "Boats came.", 2020, "plan")
    texts = [REPORT, ("plan", "Peru", 2020), ("year_end", "Peru", 2019), ("year_end", "Peru", 2018)]
    assert found("peru") == [PERU, *texts]
    assert sorted(found("boats")) == sorted(texts)
    reports = [year for kind, _name, year in found("boats") if kind == "year_end"]
    assert reports == [2020, 2019, 2018]
    assert found("peru 2019")[0] == ("year_end", "Peru", 2019)


def test_texts_are_in_the_readers_language_else_marked_as_english(client, peru):
    text(peru, "Shelter for families.")
    french = factories.narrative(
        peru, language="fr", year=2019, sections={"unmet-needs": "<p>Des réfugiés.</p>"}
    )
    text(peru, "Refugees.", 2019)
    assert found("shelter", language="fr") == [("year_end", "Pérou", 2020)]
    page = client.get("/fr/search/?q=shelter").content.decode()
    assert re.search(r'<p class="said" lang="en" dir="ltr">.*<mark>Shelter</mark> for families', page)
    assert found("refugees", language="fr") == [("year_end", "Pérou", 2019)]
    release(french, None)
    assert found("refugees", language="fr") == []  # their own text has another word
    for query in ("refugie", "réfugiés", "REFUGIES"):
        assert found(query, language="fr") == [("year_end", "Pérou", 2019)], query
    assert found("réfugiés") == []


def test_arabic_is_found_with_and_without_vowel_signs_and_article(peru):
    text(peru, "قُدِّمت المساعدات إلى اللاجئين أيضاً.", language="ar")
    for query in ("قدمت", "قُدِّمت", "لاجئين", "اللاجئين", "ايضا", "الى"):
        assert found(query, language="ar") == [("year_end", "بيرو", 2020)], query


# --- The release rule -----------------------------------------------------------------------------


def test_an_embargo_ends_because_the_clock_passes_it(peru):
    report = factories.narrative(peru, sections={"unmet-needs": "<p>Embargoed.</p>"})
    at = timezone.now() + LATER
    release(report, None, at)
    assert found("embargoed") == []
    assert found("embargoed", at - dt.timedelta(seconds=1)) == []
    assert found("embargoed", at) == [REPORT]


def test_what_was_replaced_withdrawn_or_never_released_is_not_found(peru):
    report = text(peru, "First words.")
    section = report.sections.get()
    section.body = "<p>Second words.</p>"
    section.save()
    assert (found("second"), found("first")) == ([], [REPORT])
    before = timezone.now()
    release(report, None)
    assert (found("second"), found("first")) == ([REPORT], [])
    assert found("first", before) == [REPORT]
    withdraw(report, None)
    assert found("second") == found("first") == found("first", before) == []
    assert (
        Edition.objects.filter(kind="year_end").count()
        == SearchEntry.objects.exclude(text="Peru").count() - 1
    )


def test_the_texts_of_an_operation_without_a_page_are_not_found(peru):
    text(peru, "Boats.")
    withdraw(peru, None)
    assert found("boats") == found("peru") == found("tumbes") == found("americas") == []


def test_the_past_is_searched_as_it_was(client, peru):
    before = timezone.now() - dt.timedelta(days=2)
    text(peru, "Boats.")
    page = client.get(f"/search/?q=boats&as_of={before:%Y-%m-%d}").content.decode()
    assert "Nothing was found" in page
    assert f'<input type="hidden" name="as_of" value="{before:%Y-%m-%d}">' in page


# --- What people type -----------------------------------------------------------------------------

HOSTILE = [
    '"', "'", '""', "peru\"", "'; DROP TABLE x; --", "NEAR(a b, 5)", "NEAR", "AND", "OR NOT", "peru OR", "*", "per*",
    "place:opper", "^peru", "{words}: x", "a\0b", "\0", "x" * 10_000, "é" * 10_000, "🙂", "🙂 peru", "<script>alert(1)</script>",
    "%s %(x)s %", "\\", "peru\\", "&|!:*<->", "a:*", "' & !'", "ﷺ" * 200, "قُدِّم", "\ud7ff\u202e", "1e5", "0x41", "-1", "½ ²",
    "http://example.org/a?b=c", "a@example.org", "the", "the of and", "[peru]", "é́́", "日本語", "ประเทศ", "\u200f\u061c",
]  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE)
def test_whatever_is_typed_is_answered_and_printed_as_text(client, peru, query):
    text(peru, "People, the elderly too, were given cash.")
    for prefix in ("", "/fr", "/ar"):
        response = client.get(f"{prefix}/search/", {"q": query})
        assert response.status_code == 200
        assert "<script>alert" not in response.content.decode()


def test_what_is_typed_is_never_a_query_language(peru):
    text(peru, "Boats came near the shore.")
    assert found("boats NOT shore") == []  # “not” is a word like any other
    assert found("boats OR nothing") == []
    assert found('"boats"') == found("(boats)") == found("boats*") == found("-boats") == [REPORT]
    assert found("op boats") == found("pe boats") == []


@pytest.mark.parametrize("page", ["0", "-1", "2", "999999999", "9" * 30, "x", ""])
def test_a_page_that_is_not_there_is_the_first(client, peru, page):
    assert "1 result" in words(client.get("/search/", {"q": "tumbes", "page": page}))


def test_results_come_in_pages_that_lead_on_and_say_how_many_there_are(client, peru):
    for year in range(1990, 2015):
        text(peru, "Boats.", year)
    response = client.get("/search/?q=boats")
    assert "25 results" in words(response)
    assert response.context["search"].results[0].year == 2014
    assert 'href="/search/?q=boats&amp;page=2" rel="next"' in response.content.decode()
    second = client.get("/search/?q=boats&page=2")
    assert [result.year for result in second.context["search"].results] == [1994, 1993, 1992, 1991, 1990]
    assert 'rel="next"' not in second.content.decode()
    assert '<ol class="results" start="21"' in second.content.decode()
    mixed = [*found("peru"), *found("peru", number=2)]
    assert len(mixed) == len(set(mixed)) == 26 > PAGE_SIZE


def test_where_nothing_is_found_a_name_that_is_written_alike_is_offered(client, peru):
    response = client.get("/search/?q=Perru")
    assert 'Did you mean: <a href="/search/?q=Peru"><bdi>Peru</bdi></a>' in response.content.decode()
    assert "Did you mean" not in words(client.get("/search/?q=zanzibar"))
    peru.name_en = "Perruland"
    peru.save()
    release(peru, None, timezone.now() + LATER)
    assert found("Perrulan") == []
    assert "Perruland" not in words(client.get("/search/?q=Perrulan"))


# --- The page -------------------------------------------------------------------------------------


def test_the_page_shows_what_matched(client, peru):
    text(peru, "Tom &amp; Ann had &lt;b&gt; cash.")
    page = client.get("/search/?q=cash").content.decode()
    assert "Tom &amp; Ann had &lt;b&gt; <mark>cash</mark>." in page
    assert '<a href="/operations/per/2020/"><bdi>Peru</bdi> <span class="year">2020</span></a>' in page
    assert "<b>Unmet needs</b>" in page
    assert '<meta name="robots" content="noindex">' in page


@pytest.mark.parametrize("texts", [1, 30])
def test_a_search_costs_the_same_for_few_and_for_many_texts(client, peru, texts, django_assert_num_queries):
    for year in range(1990, 1990 + texts):
        text(peru, "Boats.", year)
    client.get("/search/?q=boats")
    # Released profiles, former names, donors and their spellings, texts, their ranks, what matched in them.
    with django_assert_num_queries(7):
        client.get("/search/?q=boats")


def test_every_page_has_a_field_or_a_link_to_search_in_the_past_that_it_shows(client, peru):
    page = client.get("/?as_of=2199-01-01").content.decode()
    assert '<form class="find" method="get" action="/search/" role="search"' in page
    day = timezone.now().date().isoformat()
    page = client.get(f"/donors/?as_of={day}T00:00:01Z").content.decode()
    assert f'<input type="hidden" name="as_of" value="{day}T00:00:01Z">' in page


def test_a_page_that_is_not_there_offers_to_look_for_its_words(client, db):
    page = client.get("/fr/operations/burkina-faso/2020/achievements.html").content.decode()
    assert 'name="q" value="burkina faso achievements"' in page
    page = client.get(f"/{quote('<script>')}/{quote('é%')}/").content.decode()
    assert 'value="script é"' in page


def test_the_words_of_a_long_address_are_cut(rf):
    request = rf.get("/" + "word-" * 100)
    assert len(words_of_address({"request": request})) == 100


# --- The entries ----------------------------------------------------------------------------------


def test_the_index_can_be_made_anew(peru, capsys):
    text(peru, "Boats.")
    factories.narrative(peru, 2019, sections={"unmet-needs": "<p>Draft.</p>"})
    before = sorted(SearchEntry.objects.values_list("edition", "text", "place", "words"))
    SearchEntry.objects.all().delete()
    assert found("boats") == []
    call_command("rebuild_search")
    assert capsys.readouterr().out == "Done. Editions that can be found once they are public: 2.\n"
    assert sorted(SearchEntry.objects.values_list("edition", "text", "place", "words")) == before
    assert found("boats") == [REPORT]


def test_a_very_long_text_can_be_released_and_its_beginning_is_found(peru):
    text(peru, "Beginning " + " ".join(f"word{number}" for number in range(60_000)))
    assert found("beginning word77") == [REPORT]
