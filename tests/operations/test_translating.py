"""Translations: a copy of what is released, its figures carried, and what it takes over from a newer edition."""

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from operations.drafts import checked
from operations.editions import freeze, record, release, withdraw
from operations.figures import parse_figure, print_figure
from operations.models import Edition, Narrative, Section
from operations.states import State, in_state, narratives_with_state, states_of
from operations.translating import Source, carried, languages_to_come, sources_read, take_over, translate
from tests import factories

NEEDS, TRENDS = "unmet-needs", "population-trends"
ENGLISH = "<p>Needs remained high in all of the regions.</p>"
FRENCH = "<p>Les besoins sont restés importants dans toutes les régions.</p>"


@pytest.fixture
def ana(db):
    return factories.user("ana")


@pytest.fixture
def report(db):
    text = factories.narrative(factories.operation(), sections={NEEDS: ENGLISH})
    factories.key_figure(text, "300,000", order=1, source="UNHCR", editor_note="Ask Bo.")
    factories.key_figure(text, "226.8 million", order=2, text="dollars spent")
    return text


def parts_of(text):
    """Its sections and its key figures, as they would be printed."""
    content = freeze(text)
    return (
        {section["type"]: section["body"] for section in content["sections"]},
        [(figure["value"], figure["text"]) for figure in content["key_figures"]],
    )


def write(text, code, body):
    section = text.sections.filter(type__code=code).first()
    if section is None:
        section = Section(narrative=text, type=factories.SectionType.objects.get(code=code))
    section.body = body
    section.save()


def name(text, place, words):
    figure = text.key_figures.all()[place]
    figure.text = words
    figure.save()


# --- From one language to another ---------------------------------------------------------------------


def test_a_translation_is_a_draft_of_what_readers_see(report, ana):
    released = release(report, ana)
    write(report, NEEDS, "<p>Not yet released.</p>")
    record(report, ana)
    text, is_new = translate(report, "fr", ana)
    assert (is_new, text.language, text.translated_from, text.updated_by) == (True, "fr", released, ana)
    assert parts_of(text) == (
        {NEEDS: ENGLISH},
        [("300,000", "people given cash"), ("226.8 million", "dollars spent")],
    )
    edition = Edition.objects.of(text).get()
    assert (edition.released_at, edition.made_by, edition.content) == (None, ana, freeze(text))
    assert edition.content["translated_from"] == released.pk


def test_a_translation_has_the_measures_of_its_source(report, ana):
    first, second = report.key_figures.all()
    first.measure = "cash"
    first.save()
    release(report, ana)
    text, _new = translate(report, "fr", ana)
    name(text, 0, "personnes aidées")
    assert [figure.measure for figure in text.key_figures.all()] == ["cash", ""]
    first.measure, second.measure = "", "cash"
    first.save()
    second.save()
    release(report, ana)
    take_over(text, ana)
    assert [(figure.text, figure.measure) for figure in text.key_figures.all()] == [
        ("personnes aidées", ""),
        ("dollars spent", "cash"),
    ]


def test_notes_to_the_editors_of_the_source_are_not_carried(report, ana):
    release(report, ana)
    text, _new = translate(report, "fr", ana)
    assert freeze(text)["private"] == {"editor_notes": ["", ""]}


def test_a_text_that_is_not_released_is_not_translated(report, ana):
    record(report, ana)
    with pytest.raises(ValidationError, match="this text is not released"):
        translate(report, "fr", ana)
    release(report, ana)
    withdraw(report, ana)
    with pytest.raises(ValidationError, match="this text is not released"):
        translate(report, "fr", ana)
    assert Narrative.objects.get() == report


def test_a_translation_that_exists_is_opened_and_stays_as_it_is(report, ana):
    release(report, ana)
    text, _new = translate(report, "fr", ana)
    write(text, NEEDS, FRENCH)
    again, is_new = translate(report, "fr", ana)
    assert (again, is_new) == (text, False)
    assert parts_of(again)[0] == {NEEDS: FRENCH}
    assert translate(report, "en", ana) == (report, False)


def test_a_language_that_the_site_has_not_is_refused(report, ana):
    release(report, ana)
    with pytest.raises(ValidationError, match="no such language"):
        translate(report, "tlh", ana)


def test_a_translation_is_not_translated_further(report, ana):
    release(report, ana)
    text, _new = translate(report, "fr", ana)
    release(text, ana)
    with pytest.raises(ValidationError, match="is a translation itself"):
        translate(text, "ar", ana)


def test_the_languages_to_come_are_those_not_yet_written(report, ana):
    release(report, ana)
    translate(report, "es", ana)
    assert [code for code, _name in languages_to_come(report)] == ["fr", "ar"]


# --- Out of date --------------------------------------------------------------------------------------


def shown(text):
    return states_of(narratives_with_state(Narrative.objects.filter(pk=text.pk)).get())


def test_a_translation_is_out_of_date_once_readers_see_a_newer_edition_of_its_source(report, ana):
    first = release(report, ana)
    text, _new = translate(report, "fr", ana)
    release(text, ana)
    assert shown(text) == [State.RELEASED]
    write(report, NEEDS, "<p>A draft.</p>")
    record(report, ana)
    assert (shown(text), Source.of(text).newer) == ([State.RELEASED], None)
    second = release(report, ana)
    assert shown(text) == [State.RELEASED, State.OUT_OF_DATE]
    assert (Source.of(text).edition, Source.of(text).newer) == (first, second)
    assert [change.code for change in Source.of(text).comparison.texts] == [NEEDS]
    take_over(text, ana)
    assert shown(text) == [State.CHANGED]


def test_a_translation_of_a_withdrawn_text_is_out_of_date(report, ana):
    release(report, ana)
    text, _new = translate(report, "fr", ana)
    assert not Source.of(text).is_out_of_date
    withdraw(report, ana)
    assert shown(text) == [State.DRAFT, State.OUT_OF_DATE]
    text.refresh_from_db()
    source = Source.of(text)
    assert (source.public, source.newer, source.is_out_of_date) == (None, None, True)
    third = release(report, ana)
    assert shown(text) == [State.DRAFT, State.OUT_OF_DATE]
    assert Source.of(text).newer == third
    take_over(text, ana)
    assert shown(text) == [State.DRAFT]


def test_a_translation_of_a_text_that_was_never_released_is_not_out_of_date(report, ana):
    text = factories.narrative(report.operation, language="fr", translated_from=record(report, ana))
    assert (shown(text), Source.of(text).is_out_of_date) == ([State.DRAFT], False)


def test_a_text_that_is_no_translation_has_no_source(report):
    assert Source.of(report) is None
    assert shown(report) == [State.DRAFT]


@pytest.mark.parametrize("state", [state for state in State if state not in {State.MISSING, State.LATER}])
def test_the_filter_by_state_finds_what_is_shown_as_such(report, ana, state):
    other = factories.narrative(report.operation, year=2021, sections={NEEDS: ENGLISH})
    release(report, ana)
    release(other, ana)
    gone = factories.narrative(report.operation, year=2019, sections={NEEDS: ENGLISH})
    release(gone, ana)
    drafts = [translate(report, "fr", ana)[0], translate(other, "es", ana)[0], translate(gone, "es", ana)[0]]
    withdraw(gone, ana)
    release(drafts[1], ana)
    write(other, NEEDS, "<p>Other needs.</p>")
    release(other, ana)
    rows = narratives_with_state(Narrative.objects.all())
    assert set(in_state(rows, state)) == {row for row in rows if state in states_of(row)}
    assert set(in_state(rows, State.OUT_OF_DATE)) == {drafts[1], drafts[2]}


def test_profiles_are_never_out_of_date():
    from operations.models import Operation
    from operations.states import operations_with_state

    assert in_state(operations_with_state(Operation.objects.all()), State.OUT_OF_DATE).query.is_empty()


# --- A newer edition of the source --------------------------------------------------------------------


def test_what_is_translated_stays_and_what_is_new_comes_in_the_language_of_the_source(report, ana):
    release(report, ana)
    text, _new = translate(report, "fr", ana)
    write(text, NEEDS, FRENCH)
    name(text, 0, "personnes aidées en espèces")
    record(text, ana)

    figures = list(report.key_figures.all())
    figures[0].value, figures[1].order = "52,996", 3
    figures[0].save()
    figures[1].save()
    factories.key_figure(report, "70,000", order=2, text="calls answered")
    write(report, NEEDS, "<p>Needs remained high in Lima.</p>")
    write(report, TRENDS, "<p>More people came to the country.</p>")
    second = release(report, ana)

    rows = dict(text.key_figures.values_list("value", "pk")) | {"52,996": text.key_figures.first().pk}
    edition = take_over(text, ana)
    text.refresh_from_db()
    kept = dict(text.key_figures.values_list("value", "pk"))
    assert (kept["52,996"], kept["226.8 million"]) == (rows["52,996"], rows["226.8 million"])
    assert (text.translated_from, edition.number, edition.released_at) == (second, 3, None)
    assert parts_of(text) == (
        {NEEDS: FRENCH, TRENDS: "<p>More people came to the country.</p>"},
        [
            ("52,996", "personnes aidées en espèces"),
            ("70,000", "calls answered"),
            ("226.8 million", "dollars spent"),
        ],
    )


def test_what_is_not_translated_yet_follows_its_source(report, ana):
    release(report, ana)
    text, _new = translate(report, "fr", ana)
    write(report, NEEDS, "<p>Needs remained high in Lima.</p>")
    name(report, 0, "people given cash or vouchers")
    release(report, ana)
    take_over(text, ana)
    sections, figures = parts_of(text)
    assert sections == {NEEDS: "<p>Needs remained high in Lima.</p>"}
    assert figures[0] == ("300,000", "people given cash or vouchers")


def test_sections_and_rows_that_are_gone_go_and_what_was_left_out_stays_out(report, ana):
    write(report, TRENDS, "<p>More people came to the country.</p>")
    release(report, ana)
    text, _new = translate(report, "fr", ana)
    text.sections.filter(type__code=TRENDS).delete()
    record(text, ana)
    report.sections.filter(type__code=NEEDS).delete()
    report.key_figures.all()[0].delete()
    release(report, ana)
    take_over(text, ana)
    assert parts_of(text) == ({}, [("226.8 million", "dollars spent")])


def test_notes_of_the_translators_stay_with_their_row(report, ana):
    release(report, ana)
    text, _new = translate(report, "fr", ana)
    last = text.key_figures.all()[1]
    last.editor_note = "À vérifier."
    last.save()
    record(text, ana)
    report.key_figures.all()[0].delete()
    release(report, ana)
    take_over(text, ana)
    assert freeze(text)["private"] == {"editor_notes": ["À vérifier."]}


def test_a_heading_that_is_needed_and_gone_is_said_and_nothing_changes(report, ana):
    release(report, ana)
    text, _new = translate(report, "fr", ana)
    write(report, TRENDS, "<p>More people came to the country.</p>")
    release(report, ana)
    report.sections.filter(type__code=TRENDS).delete()
    factories.SectionType.objects.get(code=TRENDS).delete()
    with pytest.raises(ValidationError, match="“population-trends” no longer exists"):
        take_over(text, ana)
    assert Narrative.objects.get(pk=text.pk).translated_from.number == 1


def test_there_is_nothing_to_take_over_from_the_same_edition(report, ana):
    release(report, ana)
    text, _new = translate(report, "fr", ana)
    assert (take_over(text, ana), take_over(report, ana)) == (None, None)
    assert Edition.objects.of(text).count() == 1


figures = st.lists(
    st.tuples(st.sampled_from(["1,000", "2,000", "3,000"]), st.sampled_from(["cash", "calls", "tents"])),
    max_size=4,
    unique_by=lambda figure: figure[1],
)
sections = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["one", "two", "three"]), max_size=3)


def state(sections, figures, translated_from=None):
    return {
        "translated_from": translated_from,
        "sections": [{"type": code, "heading": {}, "body": body} for code, body in sections.items()],
        "key_figures": [
            {"value": value, "number": value.replace(",", ""), "text": text, "source": ""}
            for value, text in figures
        ],
        "private": {"editor_notes": [""] * len(figures)},
    }


@given(sections, figures, sections, figures)
def test_the_figures_of_a_translation_are_always_those_of_its_source(old, old_figures, new, new_figures):
    """And a part whose source stayed keeps its translation."""
    mine = state(
        {code: f"fr {body}" for code, body in old.items()}, [(v, f"fr {t}") for v, t in old_figures], 1
    )
    found = carried(mine, state(old, old_figures), state(new, new_figures), 2)
    assert [figure["value"] for figure in found["key_figures"]] == [value for value, _text in new_figures]
    assert {s["type"]: s["body"] for s in found["sections"]} == {
        code: f"fr {old[code]}" if code in old else body for code, body in new.items()
    }
    kept = {
        text: figure["text"] for figure, (_v, text) in zip(found["key_figures"], new_figures, strict=True)
    }
    assert all(kept[text] == f"fr {text}" for _v, text in old_figures if text in kept)


# --- What the source said -----------------------------------------------------------------------------


def test_a_part_is_of_the_source_as_it_was_when_it_was_last_changed():
    sources = {
        1: state({"a": "one", "b": "one"}, [("5", "cash")]),
        2: state({"a": "two", "b": "two"}, [("6", "money")]),
    }
    history = [
        state({"a": "un", "b": "deux"}, [("6", "argent")], 2),  # b was revised
        state({"a": "un", "b": "un"}, [("6", "argent")], 2),  # taken over
        state({"a": "un", "b": "un"}, [("5", "argent")], 1),
        state({"a": "one", "b": "one"}, [("5", "cash")], 1),
    ]
    assert sources_read(history[0], history, sources) == {"a": "one", "b": "two", "key_figures.1": "cash"}


def found(text):
    """The checks of a translation that found something, and where."""
    now = checked(text)
    return [(finding.check, finding.where) for finding in [*now.errors, *now.open]]


def test_the_checks_ask_until_everything_is_translated_and_again_when_the_source_has_changed(report, ana):
    release(report, ana)
    text, _new = translate(report, "fr", ana)
    untranslated = [
        ("not-translated", NEEDS),
        ("partly-translated", "key_figures.1"),
        ("partly-translated", "key_figures.2"),
    ]
    assert [one for one in found(text) if "translated" in one[0]] == untranslated
    write(text, NEEDS, FRENCH)
    name(text, 0, "personnes aidées en espèces")
    name(text, 1, "dollars dépensés")
    release(text, ana)
    mine = {"not-translated", "partly-translated", "source-changed"}
    assert not mine & {check for check, _where in found(text)}

    write(report, NEEDS, "<p>Needs remained high in all of the regions but Lima.</p>")
    name(report, 1, "dollars spent or set aside")
    release(report, ana)
    take_over(text, ana)
    asked = [("source-changed", NEEDS), ("source-changed", "key_figures.2")]
    assert [one for one in found(text) if one[0] in mine] == asked
    write(text, NEEDS, FRENCH.replace("régions", "régions sauf Lima"))
    record(text, ana)
    assert [one for one in found(text) if one[0] in mine] == asked[1:]


def test_the_checks_of_a_translation_cost_the_same_however_often_it_was_saved(
    report, ana, django_assert_num_queries
):
    release(report, ana)
    text, _new = translate(report, "fr", ana)
    with django_assert_num_queries(10) as few:
        checked(text)
    for count in range(5):
        write(text, NEEDS, f"<p>{count}</p>")
        record(text, ana)
    with django_assert_num_queries(len(few)):
        checked(text)


# --- How a figure is printed ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "french", "arabic"),
    [
        ("300,000", "300\xa0000", "300,000"),
        ("> 221,000", ">\xa0221\xa0000", "\u2066>\xa0221,000\u2069"),
        ("0.5%", "0,5\u202f%", "0.5\u200e%\u200e"),
        ("2019", "2019", "2019"),
        ("4,302", "4\xa0302", "4,302"),
        ("1,234.5", "1\xa0234,5", "1,234.5"),
        ("US$3.2 million", "3,2\xa0millions de dollars", "3.2\xa0مليون دولار"),
    ],
)
def test_a_key_figure_is_printed_as_the_language_of_its_text_writes_it(value, french, arabic):
    value = parse_figure(value).text
    printed = []
    for language in ("en", "fr", "ar"):
        with translation.override(language):
            printed.append(print_figure(value))
    assert printed == [value, french, arabic]


@pytest.mark.parametrize("value", ["", "about 5", "52,9960"])
def test_a_value_that_cannot_be_read_is_printed_as_it_stands(value):
    with translation.override("fr"):
        assert print_figure(value) == value
