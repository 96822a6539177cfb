"""Two contents compared: word by word, figure by figure."""

from __future__ import annotations

import copy
import random
import time
from collections import Counter
from dataclasses import replace

import pytest
from django.template.loader import render_to_string
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from operations.comparison import Comparison, FigureChange, TextChange, compare
from operations.editions import freeze
from operations.richtext import clean_html
from operations.word_diff import Block, Run, parse, words
from tests import factories


def narrative(body: str = "", *, language: str = "en", key_figures: list | None = None, **fields) -> dict:
    return {
        "shape": 1,
        "operation": {"code": "PER", "slug": "peru"},
        "year": 2020,
        "kind": "year_end",
        "language": language,
        "translated_from": None,
        "sections": [section("achievements", body)] if body else [],
        "key_figures": key_figures or [],
    } | fields


def section(code: str, body: str, **heading: str) -> dict:
    return {"type": code, "heading": heading or {"en": code.title()}, "body": body}


def key_figure(value: str, text: str, source: str = "") -> dict:
    return {"value": value, "number": "1", "text": text, "source": source}


def label(code: str, **name: str) -> dict:
    return {"code": code, "order": 1, "name": name}


def people(year: int, type: str | None, people: int | None, **fields) -> dict:
    reason = "" if people is not None else "not_yet_known"
    figure = {"year": year, "type": type, "people": people, "missing_reason": reason}
    return figure | {"as_of": None, "source": ""} | fields


def money(year: int, measure: str, amount: str | None, **fields) -> dict:
    reason = "" if amount is not None else "withheld"
    figure = {"year": year, "measure": measure, "pillar": None, "amount_usd": amount}
    return figure | {"missing_reason": reason, "status": "current", "as_of": None, "source": ""} | fields


def office(name: str = "Lima", **fields) -> dict:
    where = {"latitude": "-12.048700", "longitude": "-77.030300", "is_approximate": False}
    return {"name": name, "kind": "country_office", "description": {}} | where | fields


def profile(**fields) -> dict:
    return {
        "shape": 1,
        "code": "PER",
        "slug": "peru",
        "name": {"en": "Peru"},
        "kind": "country",
        "countries": ["PE"],
        "region": label("AME", en="The Americas", fr="Amériques"),
        "latitude": "-10.000000",
        "longitude": "-75.000000",
        "zoom": 5,
        "first_year": 2019,
        "last_year": None,
        "predecessor": None,
        "notice": {},
        "is_active": True,
        "offices": [],
        "population_types": [label("REF", en="Refugees", fr="Réfugiés")],
        "population": [],
        "pillars": [label("P1", en="Refugee programme")],
        "finance": [],
    } | fields


def blocks(before: str, after: str) -> list[Block]:
    """Of one section, unchanged ones included; none where the texts are the same."""
    texts = compare(narrative(before), narrative(after)).texts
    return texts[0].blocks if texts else []


def marked(before: str, after: str) -> list[str]:
    """Each block as text with [-removed-] and {+added+} words."""
    marks = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
    return ["".join(marks[run.kind].format(run.text) for run in b.runs) for b in blocks(before, after)]


def figures(before: dict | None, after: dict | None, year: int | None = None) -> list[tuple]:
    return [(f.label, f.before, f.after) for f in compare(before, after, year).figures]


# --- words ----------------------------------------------------------------------------------------


def test_a_number_is_replaced_as_a_whole():
    before, after = "<p>Cash reached 52,996 people.</p>", "<p>Cash reached 52,000 people.</p>"
    assert compare(narrative(before), narrative(after)) == Comparison(
        [
            TextChange(
                "achievements",
                "Achievements",
                [
                    Block(
                        "p",
                        "changed",
                        [
                            Run("same", "Cash reached "),
                            Run("removed", "52,996"),
                            Run("added", "52,000"),
                            Run("same", " people."),
                        ],
                    )
                ],
            )
        ],
        [],
        "en",
    )


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("of 1 557 276 people", "of 1 557 376 people", "of [-1\u00a0557\u00a0276-]{+1\u00a0557\u00a0376+} people"),
        ("(41%), or 226.8 million", "(42%), or 226.9 million", "([-41-]{+42+}%), or [-226.8-]{+226.9+} million"),
        ("US$ 48.6 million.", "US$ 48.6 million!", "US$ 48.6 million[-.-]{+!+}"),
        ("2019–2020, asylum-seekers", "2019–2021, asylum-seekers", "[-2019–2020-]{+2019–2021+}, asylum-seekers"),
        ("l’accès au pays", "l’entrée au pays", "[-l’accès-]{+l’entrée+} au pays"),
        ("in Peru", "late in Peru", "{+late +}in Peru"),
        ("people in Peru", "people", "people[- in Peru-]"),
        ("of cash—and food", "of cash—and water", "of cash—and [-food-]{+water+}"),
        ("ten per cent of all", "ten percent of all", "ten [-per cent-]{+percent+} of all"),
        ("so, 12 %", "so, 12%", "so, 12[- -]%"),
        ("في عام ٢٠٢٠ بَلَغَ العدد", "في عام ٢٠٢١ بَلَغَ العدد", "في عام [-٢٠٢٠-]{+٢٠٢١+} بَلَغَ العدد"),
        ("كَتَبَ النص", "كُتِبَ النص", "[-كَتَبَ-]{+كُتِبَ+} النص"),
        ("می‌خواهند بروند", "می‌خواهند بمانند", "می‌خواهند [-بروند-]{+بمانند+}"),
        ("Cafe\u0301 noir", "Cafe noir", "[-Cafe\u0301-]{+Cafe+} noir"),
    ],
)  # fmt: skip
def test_words_numbers_and_punctuation_change_apart(before, after, expected):
    assert marked(f"<p>{before}</p>", f"<p>{after}</p>") == [expected]


def test_a_passage_written_anew_is_not_shown_as_confetti():
    assert marked(
        "<p>Staff met people at the border and in the towns of the north, every week.</p>",
        "<p>Staff met families of three camps along the coast of our southern province, every week.</p>",
    ) == [
        "Staff met [-people at the border and in the towns of the north-]"
        "{+families of three camps along the coast of our southern province+}, every week."
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<p>ten  people\nleft</p>", "<p>ten people left </p>"),
        ("<p>ten people<br>left</p>", "<p>ten people left</p>"),
        ("<p>1&nbsp;557&nbsp;276</p>", "<p>1\u202f557\u202f276</p>"),
        ("<p>a</p>\n<p>b</p>", "<p>a</p><p>b</p>"),
        ("<ul><li><p>a</p></li></ul>", "<ul><li>a</li></ul>"),
        ("<p><strong>a </strong>b</p>", "<p><strong>a</strong> b</p>"),
        ("<p><b>a</b> <b>b</b></p>", "<p><strong>a b</strong></p>"),
        ("", "<p> </p>"),
    ],
)
def test_white_space_and_tags_that_look_the_same_are_no_change(before, after):
    assert not compare(narrative(before), narrative(after))


@pytest.mark.parametrize(
    ("before", "after", "note"),
    [
        (
            '<p>See <a href="https://a.example">the report</a>.</p>',
            '<p>See <a href="https://b.example">the report</a>.</p>',
            "The link “the report” led to https://a.example; now it leads to https://b.example.",
        ),
        ("<p>a b</p>", '<p>a <a href="/b">b</a></p>', "“b” is now a link to /b."),
        ('<p>a <a href="/b">b</a></p>', "<p>a b</p>", "“b” was a link to /b."),
        ('<p><a href="/b">a</a> b</p>', '<p>a <a href="/b">b</a></p>', "The words are the same; their formatting changed: link."),
        ("<p>a b</p>", "<p>a <strong>b</strong></p>", "The words are the same; their formatting changed: bold."),
        ("<p><em>a</em> b</p>", "<p>a <sub>b</sub></p>", "The words are the same; their formatting changed: italics · subscript."),
        ("<p>a b</p>", "<h4>a b</h4>", "The words are the same; their formatting changed: kind of paragraph or list."),
        ("<ul><li>a b</li></ul>", "<ol><li>a b</li></ol>", "The words are the same; their formatting changed: kind of paragraph or list."),
    ],
)  # fmt: skip
def test_a_change_that_the_words_do_not_show_is_told(before, after, note):
    (block,) = blocks(before, after)
    assert (block.kind, block.note) == ("changed", note)
    assert [run.kind for run in block.runs] == ["same"]


def test_a_link_that_leads_elsewhere_is_told_where_words_changed_too():
    (block,) = blocks(
        '<p>See <a href="/a">it</a> of May</p>', '<p>See <a href="/b">it</a> of <b>June</b></p>'
    )
    assert block.note == "The link “it” led to /a; now it leads to /b."
    assert block.runs == [Run("same", "See it of "), Run("removed", "May"), Run("added", "June")]


def test_the_words_of_a_link_may_change_without_a_note():
    (block,) = blocks('<p>See <a href="/a">the report</a></p>', '<p>See <a href="/a">our report</a></p>')
    assert block.note == ""


def test_a_paragraph_that_is_put_between_two_is_added_alone():
    assert [
        (b.tag, b.kind) for b in blocks("<p>One.</p><p>Two.</p>", "<p>One.</p><h4>New.</h4><p>Two.</p>")
    ] == [
        ("p", "same"),
        ("h4", "added"),
        ("p", "same"),
    ]


def test_changed_blocks_are_paired_with_what_they_were():
    before = "<ul><li>Cash for 8,370 households</li><li>Advice to 250 survivors of violence</li></ul>"
    after = (
        "<ul><li>Counselling is open to all</li><li>Cash for 8,400 households</li>"
        "<li>Legal advice to 250 survivors of violence</li></ul>"
    )
    assert marked(before, after) == [
        "{+Counselling is open to all+}",
        "Cash for [-8,370-]{+8,400+} households",
        "[-Advice-]{+Legal advice+} to 250 survivors of violence",
    ]


def test_unlike_paragraphs_are_removed_and_added():
    assert [b.kind for b in blocks("<p>Schools stayed open.</p>", "<p>Water ran short in May.</p>")] == [
        "removed",
        "added",
    ]


def test_unchanged_blocks_are_folded_but_for_those_beside_a_change():
    body = "".join(f"<p>Paragraph {letter}</p>" for letter in "abcdefg")
    (text,) = compare(narrative(body), narrative(body.replace("h e", "h eh"))).texts
    assert [(s.is_folded, len(s.blocks)) for s in text.stretches] == [(True, 3), (False, 3), (False, 1)]


pieces = st.lists(
    st.one_of(
        st.sampled_from(
            ["<p>", "</p>", "<ul><li>", "</li></ul>", "<li>", "<br>", "<b>", "</b>", '<a href="/x">', "</a>", "<h4>", "</h4>",
             "52,996", "52,000", "1 557 276", "per cent", "percent", " ", "  ", "&nbsp;", "\u202f", "the", "the ", "cash ", ", ",
             ". ", "—", "(", ")", "%", "عدد ", "بَلَغَ", "می‌خواهند ", "e\u0301", "\u200f", "&amp;", "x"]
        ),
        st.text(max_size=6),
    ),
    max_size=60,
).map("".join)  # fmt: skip


def kept(found: list[Block], kind: str) -> list[str]:
    """The text of each block from its runs that are the same or of this kind."""
    texts = ("".join(run.text for run in block.runs if run.kind in {"same", kind}) for block in found)
    return [text for text in texts if text]


@given(pieces, pieces)
def test_the_runs_make_the_old_and_the_new_text_exactly(before, after):
    before, after = clean_html(before), clean_html(after)
    found = blocks(before, after)
    if found:
        assert kept(found, "removed") == [block.text for block in parse(before)]
        assert kept(found, "added") == [block.text for block in parse(after)]
    else:
        assert parse(before) == parse(after)
    for block in found:
        assert {run.kind for run in block.runs} <= {"same", block.kind} or block.kind == "changed"
        assert all(run.text for run in block.runs)


@given(pieces)
def test_a_text_does_not_differ_from_itself(body):
    content = narrative(clean_html(body))
    assert not compare(content, copy.deepcopy(content))


@given(st.text(max_size=60))
def test_words_lose_nothing(text):
    text = " ".join(text.split())
    assert "".join(word.space + word.text for word in words(text)) == text


def test_the_plain_text_of_a_body_keeps_every_word():
    body = "<h4>A</h4><p>b<br>c &lt; <strong>d</strong></p><ul><li>e<ul><li>f</li></ul>g</li></ul><blockquote>h</blockquote>"
    assert [(b.tag, b.text) for b in parse(body)] == [
        ("h4", "A"), ("p", "b c < d"), ("li", "e"), ("li", "f"), ("li", "g"), ("blockquote", "h"),
    ]  # fmt: skip


def _numbered(word: str) -> list[str]:
    return [f"{word}{n}" for n in range(20_000)]


def _of_few_words(seed: int, count: int) -> list[str]:
    chosen = random.Random(seed)
    return [f"w{chosen.randrange(count)}" for _ in range(20_000)]


@pytest.mark.parametrize("length", [20_000, 100, 4])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (_numbered("a"), _numbered("b")),
        (_numbered("a"), _numbered("a")[::-1]),
        (_of_few_words(1, 2), _of_few_words(2, 2)),
        (_of_few_words(1, 300), _of_few_words(2, 300)),
    ],
    ids=["different", "reversed", "two words", "three hundred words"],
)
def test_twenty_thousand_words_take_seconds_at_most(before, after, length):
    bodies = [
        "".join(f"<p>{' '.join(all_words[i : i + length])}</p>" for i in range(0, 20_000, length))
        for all_words in (before, after)
    ]
    started = time.perf_counter()
    found = blocks(*bodies)
    assert time.perf_counter() - started < 5
    assert kept(found, "added") == [block.text for block in parse(bodies[1])]


# --- texts as a whole -----------------------------------------------------------------------------


def test_sections_come_in_the_order_of_the_newer_text_with_removed_ones_in_their_place():
    before = narrative(
        sections=[section("a", "<p>1</p>"), section("b", "<p>2</p>"), section("c", "<p>3</p>")]
    )
    after = narrative(sections=[section("a", "<p>x</p>"), section("c", "<p>y</p>"), section("d", "<p>z</p>")])
    assert [(t.code, t.kind) for t in compare(before, after).texts] == [
        ("a", "changed"), ("b", "removed"), ("c", "changed"), ("d", "added"),
    ]  # fmt: skip


def test_everything_is_new_where_there_was_nothing_and_gone_where_nothing_is_left():
    content = narrative("<p>One.</p>", key_figures=[key_figure("300", "people given cash", "Registry")])
    new, gone = compare(None, content), compare(content, None)
    assert [text.kind for text in new.texts] == ["added"]
    assert [text.kind for text in gone.texts] == ["removed"]
    label, said = "Key figure: people given cash", "people given cash"
    assert new.figures == [FigureChange(label, "", "300", 2020, "key_figure", "en", said)]
    assert gone.figures == [FigureChange(label, "300", "", 2020, "key_figure", "en", said)]
    assert (new.language, gone.language) == ("en", "en")


def test_nothing_against_nothing_is_no_change():
    assert compare(None, None) == Comparison([], [], "")
    assert not compare(None, None)


def test_a_profile_and_a_text_cannot_be_compared():
    with pytest.raises(ValueError, match="A profile and a text cannot be compared with each other"):
        compare(profile(), narrative())


def test_headings_are_in_the_language_of_the_reader():
    before, after = (
        narrative(sections=[section("a", body, en="Achievements", fr="Réalisations")])
        for body in ("<p>1</p>", "<p>2</p>")
    )
    with override("fr"):
        assert compare(before, after).texts[0].heading == "Réalisations"


def test_a_new_heading_and_a_new_order_of_sections_are_told():
    a, b = section("a", "<p>1</p>", en="Context"), section("b", "<p>2</p>", en="Needs")
    renamed = section("a", "<p>1</p>", en="Situation")
    assert figures(narrative(sections=[a, b]), narrative(sections=[b, renamed])) == [
        ("Heading (English)", "Context", "Situation"),
        ("Order of the sections", "Context; Needs", "Needs; Situation"),
    ]


# --- key figures ----------------------------------------------------------------------------------


def compared(before: list, after: list) -> list[tuple]:
    return figures(narrative(key_figures=before), narrative(key_figures=after))


def test_key_figures_are_matched_by_what_they_count():
    cash, food = key_figure("52,000", "people given cash"), key_figure("9,000", "people given food")
    corrected = key_figure("52,996", "people given cash")
    assert compared([cash, food], [food, corrected]) == [
        ("Key figure: people given cash", "52,000", "52,996"),
        ("Order of the key figures", "52,000 people given cash; 9,000 people given food", "9,000 people given food; 52,996 people given cash"),
    ]  # fmt: skip


def test_a_key_figure_that_counts_something_else_is_matched_by_its_value():
    assert compared([key_figure("300", "people")], [key_figure("300", "households")]) == [
        ("Key figure: 300", "people", "households")
    ]


def test_a_key_figure_of_which_both_changed_is_matched_where_it_stands_if_it_is_alike():
    assert compared(
        [key_figure("52,000", "children in school"), key_figure("3", "centres")],
        [key_figure("52,996", "children enrolled in school"), key_figure("9", "boats bought")],
    ) == [
        ("Key figure", "52,000 children in school", "52,996 children enrolled in school"),
        ("Key figure: centres", "3", ""),
        ("Key figure: boats bought", "", "9"),
    ]


def test_the_same_count_given_twice_is_matched_by_its_value():
    assert compared(
        [key_figure("1", "centres"), key_figure("2", "centres")], [key_figure("2", "centres")]
    ) == [("Key figure: centres", "1", "")]


def test_a_source_of_a_key_figure_is_a_change_of_its_own():
    assert compared([key_figure("1", "centres", "A")], [key_figure("1", "centres", "B")]) == [
        ("Key figure: centres: source", "A", "B")
    ]


def test_a_measure_is_a_change_of_its_own():
    cash = key_figure("1", "centres")
    label = "Key figure: centres: measure that pairs plan and year-end"
    assert compared([cash], [{**cash, "measure": "centres-open"}]) == [(label, "", "centres-open")]
    assert compared([{**cash, "measure": "centres-open"}], [cash]) == [(label, "centres-open", "")]
    assert compared([cash], [{**cash, "measure": ""}]) == []


def test_notes_to_editors_are_compared_where_both_contents_hold_them():
    cash = [key_figure("1", "centres")]
    before = narrative(key_figures=cash, private={"editor_notes": ["ask Lima"]})
    after = narrative(key_figures=cash, private={"editor_notes": ["asked"]})
    assert figures(before, after) == [
        ("Key figure: centres: note to editors (not public)", "ask Lima", "asked")
    ]
    assert not compare(before, narrative(key_figures=cash))


# --- profiles -------------------------------------------------------------------------------------


def test_people_and_money_are_compared_by_what_they_are():
    before = profile(
        population=[people(2019, None, 867821), people(2020, "REF", 4302), people(2021, None, None)],
        finance=[money(2020, "budget", "48625534.17"), money(2021, "expenditure", None)],
    )
    after = profile(
        population=[people(2020, None, 1557276), people(2020, "REF", 4332), people(2021, None, 0)],
        finance=[
            money(2020, "budget", "48625534.71"),
            money(2020, "budget", "50000000", status="original", pillar="P1"),
            money(2021, "expenditure", "-12.5"),
        ],
    )
    assert compare(before, after).figures == [
        FigureChange("All people, 2019", "867,821", "", 2019, "people"),
        FigureChange("All people, 2020", "", "1,557,276", 2020, "people"),
        FigureChange("Refugees, 2020", "4,302", "4,332", 2020, "people"),
        FigureChange("All people, 2021", "– not yet known", "0", 2021, "people"),
        FigureChange("Budget, 2020", "$48,625,534.17", "$48,625,534.71", 2020, "money"),
        FigureChange("Budget (original) · Refugee programme, 2020", "", "$50,000,000.00", 2020, "money"),
        FigureChange("Expenditure, 2021", "– withheld", "−$12.50", 2021, "money"),
    ]


def test_an_amount_written_otherwise_is_the_same():
    before = profile(finance=[money(2020, "budget", "1000.5")])
    assert not compare(before, profile(finance=[money(2020, "budget", "1000.50")]))


def test_a_missing_figure_says_its_new_reason():
    before, after = (
        profile(population=[people(2020, None, None, missing_reason=reason)])
        for reason in ("not_yet_known", "withheld")
    )
    assert figures(before, after) == [("All people, 2020", "– not yet known", "– withheld")]


def test_the_day_and_the_source_of_a_figure_come_last_and_not_for_a_new_figure():
    before = profile(population=[people(2020, "REF", 1, as_of="2020-06-30", source="A")])
    after = profile(
        population=[people(2020, None, 5, source="C"), people(2020, "REF", 2, as_of="2020-12-31", source="B")]
    )
    assert figures(before, after) == [
        ("All people, 2020", "", "5"),
        ("Refugees, 2020", "1", "2"),
        ("Refugees, 2020: as of", "30 June 2020", "31 December 2020"),
        ("Refugees, 2020: source", "A", "B"),
    ]


def test_figures_are_printed_in_the_language_of_the_reader():
    before, after = (
        profile(population=[people(2020, "REF", n)], finance=[money(2020, "budget", f"{n}.00")])
        for n in (1302, 1332)
    )
    with override("fr"):
        changes = compare(before, after).figures
    assert (changes[0].label, changes[0].before) == ("Réfugiés, 2020", "1\u00a0302")
    assert changes[1].label == "Budget, 2020"


def test_a_year_keeps_its_figures_and_the_facts_without_a_year():
    before = profile(population=[people(2019, None, 1, source="A"), people(2020, None, 1, source="A")])
    after = profile(
        population=[people(2019, None, 2, source="B"), people(2020, None, 2, source="B")], slug="perou"
    )
    assert figures(before, after, 2020) == [
        ("All people, 2020", "1", "2"),
        ("All people, 2020: source", "A", "B"),
        ("Address", "peru", "perou"),
    ]


def test_the_facts_of_an_operation_are_compared_one_by_one():
    after = profile(
        name={"en": "Perú", "fr": "Pérou"}, notice={"fr": "Avis"}, kind="situation", countries=["PE", "BO"],
        region=label("AFR", en="Africa"), latitude="-9.500000", zoom=6, first_year=None, last_year=2022,
        predecessor={"code": "ARG"}, slug="perou", is_active=False,
    )  # fmt: skip
    assert figures(profile(), after) == [
        ("Name (English)", "Peru", "Perú"),
        ("Name (French)", "", "Pérou"),
        ("Notice (French)", "", "Avis"),
        ("Kind", "country", "situation"),
        ("Countries", "Peru", "Peru · Bolivia (Plurinational State of)"),
        ("Region", "The Americas", "Africa"),
        ("Middle of the map", "-10, -75", "-9.5, -75"),
        ("Zoom", "5", "6"),
        ("First year", "2019", ""),
        ("Last year", "", "2022"),
        ("Predecessor", "", "ARG"),
        ("Address", "peru", "perou"),
        ("Active", "yes", "no"),
    ]


def test_a_renamed_type_is_one_change_whatever_figures_it_has():
    before = profile(population=[people(2020, "REF", 1)], region=label("AME", en="The Americas"))
    after = copy.deepcopy(before)
    after["population_types"][0]["name"]["en"] = "Refugees and others"
    after["region"]["name"]["en"] = "Americas"
    assert figures(before, after) == [
        ("Name of “REF” (English)", "Refugees", "Refugees and others"),
        ("Name of “AME” (English)", "The Americas", "Americas"),
    ]


def test_offices_are_compared_by_name_and_private_ones_where_both_contents_hold_them():
    before = profile(
        offices=[office(), office("Cusco", description={"en": "In the hills."})],
        private={"offices": [office("Safe house", latitude=None, longitude=None)]},
    )
    after = profile(
        offices=[office(latitude="-12.1", is_approximate=True, description={"fr": "Bureau"}, kind="field_office"), office("Tacna")],
        private={"offices": []},
    )  # fmt: skip
    public = [
        ("Offices: Lima, kind", "country office", "field office"),
        ("Offices: Lima, position", "-12.0487, -77.0303", "-12.1, -77.0303"),
        ("Offices: Lima, approximate", "no", "yes"),
        ("Offices: Lima, description (French)", "", "Bureau"),
        ("Offices: Cusco", "country office · -12.0487, -77.0303 · In the hills.", ""),
        ("Offices: Tacna", "", "country office · -12.0487, -77.0303"),
    ]
    private = [("Offices (not public): Safe house", "country office", "")]
    assert sorted(figures(before, after)) == sorted(public + private)
    readers = {key: value for key, value in before.items() if key != "private"}
    assert sorted(figures(readers, after)) == sorted(public)


def test_latitude_and_longitude_keep_their_order_and_signs_between_arabic_words():
    with override("ar"):
        ((_label, _before, after),) = figures(profile(), profile(offices=[office()]))
    assert after.endswith(" · \u2068-12.0487, -77.0303\u2069")


texts = st.sampled_from(["cash", "food", "children in school", "children enrolled in school"])
key_figures = st.lists(
    st.builds(key_figure, st.sampled_from(["1", "2", "3"]), texts, st.sampled_from(["", "A"])), max_size=5
)
numbers = st.none() | st.integers(0, 9)
populations = st.dictionaries(
    st.tuples(st.sampled_from([2019, 2020]), st.sampled_from([None, "REF"])), numbers
).map(lambda given: [people(*key, n, source=str(n)) for key, n in given.items()])
budgets = st.dictionaries(
    st.tuples(st.sampled_from([2019, 2020]), st.sampled_from(["budget", "expenditure"])), numbers
).map(lambda given: [money(*key, None if n is None else f"{n}.00") for key, n in given.items()])
offices = st.dictionaries(st.sampled_from(["Lima", "Cusco"]), st.sampled_from(["1", "2.50"])).map(
    lambda given: [office(name, latitude=where) for name, where in given.items()]
)
contents = st.one_of(
    st.builds(lambda **f: ("text", narrative(**f)), key_figures=key_figures),
    st.builds(
        lambda **f: ("profile", profile(**f)),
        population=populations,
        finance=budgets,
        offices=offices,
        name=st.dictionaries(st.sampled_from(["en", "fr"]), st.sampled_from(["Peru", "Pérou"])),
        region=st.sampled_from([None, label("AME", en="Americas"), label("AFR", en="Africa")]),
    ),
)


@given(contents, contents | st.just((None, None)))
def test_the_figures_of_a_comparison_the_other_way_round_are_its_mirror(one, other):
    (kind, before), (other_kind, after) = one, other
    if other_kind not in (None, kind):
        return
    forth, back = compare(before, after).figures, compare(after, before).figures
    mirrored = [replace(f, before=f.after, after=f.before) for f in back]
    assert Counter(forth) == Counter(mirrored)
    assert all(change.before != change.after for change in forth)
    assert not compare(before, copy.deepcopy(before))


@pytest.mark.django_db
def test_what_was_frozen_can_be_compared():
    peru = factories.operation(notice_en="A notice.")
    factories.office(peru)
    factories.population(peru, type="REF", people=4302)
    figure = factories.finance(peru, pillar="P1")
    text = factories.narrative(peru, sections={"operational-context": "<p>Cash reached 52,000 people.</p>"})
    cash = factories.key_figure(text, "52,000", editor_note="check")
    before = freeze(peru), freeze(text)
    assert not compare(before[0], freeze(peru))
    assert not compare(before[1], freeze(text))

    peru.population_figures.update(people=4332)
    figure.delete()
    text.sections.update(body="<p>Cash reached 52,996 people.</p>")
    cash.value = "52,996"
    cash.save()
    after = freeze(peru), freeze(text)
    assert [(f.before, f.after, f.what) for f in compare(before[0], after[0]).figures] == [
        ("4,302", "4,332", "people"),
        ("$1,000.00", "", "money"),
    ]
    change = compare(before[1], after[1])
    assert change.texts[0].blocks[0].runs[1:3] == [Run("removed", "52,000"), Run("added", "52,996")]
    assert change.figures == [
        FigureChange(
            "Key figure: people given cash", "52,000", "52,996", 2020, "key_figure", "en", "people given cash"
        )
    ]


# --- the page -------------------------------------------------------------------------------------


def rendered(before: dict | None, after: dict | None) -> str:
    return render_to_string("operations/comparison.html", {"comparison": compare(before, after)})


def test_the_page_says_so_where_nothing_differs():
    page = rendered(narrative("<p>a</p>"), narrative("<p>a</p>"))
    assert "No word and no figure differs." in page
    assert "<table" not in page and "<section" not in page


def test_the_page_marks_words_for_eyes_and_for_screen_readers():
    page = rendered(narrative("<p>of 52,996 &lt;all&gt;</p>"), narrative("<p>of 52,000 &lt;all&gt;</p>"))
    assert (
        'lang="en" dir="ltr"><div class="comparison-p">of <del><span class="comparison-said" lang="en">[removed: </span>52,996'
        '<span class="comparison-said">] </span></del><ins><span class="comparison-said" lang="en">[added: </span>'
        '52,000<span class="comparison-said">] </span></ins> &lt;all&gt;</div>'
    ) in page


def test_the_page_says_once_that_a_whole_text_is_new():
    page = rendered(None, narrative("<p>One.</p><p>Two.</p>"))
    assert page.count("This text is new.") == 1
    assert "[added:" not in page
    assert page.count("<ins>") == 2


def test_the_page_folds_long_unchanged_stretches():
    body = "".join(f"<p>Paragraph {letter}</p>" for letter in "abcdefg")
    page = rendered(narrative(body), narrative(body.replace("h e", "h eh")))
    assert page.count("<details") == 1
    assert "… 3 unchanged paragraphs …" in page


def test_a_text_keeps_its_own_direction_and_the_page_its_language():
    page = rendered(narrative("<p>عدد ٢</p>", language="ar"), narrative("<p>عدد ٣</p>", language="ar"))
    assert '<div class="comparison-block comparison-changed" lang="ar" dir="rtl">' in page
    assert '<span class="comparison-said" lang="en">[added: </span>' in page


def test_the_table_names_its_columns_and_rows_and_says_none():
    page = rendered(profile(), profile(population=[people(2020, "REF", 4332)]))
    assert "<caption>Figures and facts, before and after</caption>" in page
    assert '<th scope="row" role="rowheader"><bdi>Refugees, 2020</bdi></th>' in page
    assert '<span class="comparison-none">none</span>' in page
    assert "<ins><bdi>4,332</bdi></ins>" in page
