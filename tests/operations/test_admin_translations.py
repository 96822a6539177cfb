"""Translations in the admin: begun with a button, written beside their source, kept up with it."""

import re

import pytest
from django.urls import reverse

from operations.editions import freeze, record, release, withdraw
from operations.models import Edition, Narrative
from operations.translating import take_over, translate
from tests import factories

pytestmark = pytest.mark.django_db

NEEDS = "unmet-needs"
ENGLISH = "<p>Needs remained high in all of the regions.</p>"
FRENCH = "<p>Les besoins sont restés importants dans toutes les régions.</p>"


@pytest.fixture
def peru():
    return factories.operation()


@pytest.fixture
def ana(peru):
    return factories.user("ana", groups=("Field editors",), on=[peru])


@pytest.fixture
def editor(client, ana):
    client.force_login(ana)
    return client


@pytest.fixture
def report(peru, ana):
    """In English, released."""
    text = factories.narrative(peru, sections={NEEDS: ENGLISH})
    factories.key_figure(text, "300,000", order=1, source="UNHCR")
    factories.key_figure(text, "70,000", order=2, text="calls answered")
    release(text, ana)
    return text


@pytest.fixture
def french(report, ana):
    return translate(report, "fr", ana)[0]


def url(obj, page="change"):
    return reverse(f"admin:operations_narrative_{page}", args=[obj.pk])


def said(response):
    return [str(message) for message in response.context["messages"]]


def fields_of(client, text):
    """What a browser would send of its form."""
    return fields_shown(client.get(url(text)))


def fields_shown(response):
    form = response.context["adminform"].form
    data = {name: form[name].value() for name in form.fields}
    for inline in response.context["inline_admin_formsets"]:
        formset = inline.formset
        for one in [formset.management_form, *formset.forms]:
            for bound in one:
                if not bound.field.disabled:
                    data[bound.html_name] = bound.value()
    return {name: "" if value is None else value for name, value in data.items()}


def values(text):
    return [(f["value"], f["text"], f["source"]) for f in freeze(text)["key_figures"]]


def correct(report, ana, value="52,996", body=None):
    """A new edition of the source."""
    figure = report.key_figures.first()
    figure.value = value
    figure.save()
    if body:
        report.sections.update(body=body)
    return release(report, ana)


# --- A new language --------------------------------------------------------------------------------


def test_the_form_of_a_released_text_offers_the_languages_that_do_not_exist_yet(editor, report, ana):
    offered = re.compile(r'name="language" value="(\w+)">(Translate into [^<]+)<')
    text = editor.get(url(report)).content.decode()
    assert offered.findall(text) == [
        ("fr", "Translate into French"),
        ("es", "Translate into Spanish"),
        ("ar", "Translate into Arabic"),
    ]
    french, _new = translate(report, "fr", ana)
    text = editor.get(url(report)).content.decode()
    assert [code for code, _label in offered.findall(text)] == ["es", "ar"]
    assert f'<li><a href="{url(french)}">French</a></li>' in text
    assert offered.findall(editor.get(url(french)).content.decode()) == []


def test_the_button_makes_the_translation_and_opens_it(editor, report, ana):
    response = editor.post(url(report, "translate"), {"language": "fr"}, follow=True)
    french = Narrative.objects.get(language="fr")
    assert response.redirect_chain == [(url(french), 302)]
    assert said(response)[0].startswith("Begun from edition 1 in English and saved as a draft")
    assert (french.updated_by, values(french)) == (ana, values(report))
    again = editor.post(url(report, "translate"), {"language": "fr"}, follow=True)
    assert said(again) == ["This text exists already. Here it is."]
    assert Edition.objects.of(french).count() == 1


def test_a_text_that_readers_do_not_see_is_not_translated_and_that_is_said(editor, report, ana):
    withdraw(report, ana)
    assert "Translate into" not in editor.get(url(report)).content.decode()
    response = editor.post(url(report, "translate"), {"language": "fr"}, follow=True)
    assert said(response) == [
        "Nothing was made: a translation starts with what readers see, and this text is not released."
    ]
    assert Narrative.objects.count() == 1


def test_a_translation_is_made_by_who_may_add_texts_there_and_by_a_button_alone(client, report, peru):
    other = factories.user("bo", groups=("Field editors",), on=[factories.operation("COL")])
    client.force_login(other)
    assert client.post(url(report, "translate"), {"language": "fr"}).status_code == 404
    viewer = factories.user("vi", groups=("Viewers",), on=[peru])
    client.force_login(viewer)
    assert "Translate into" not in client.get(url(report)).content.decode()
    assert client.post(url(report, "translate"), {"language": "fr"}).status_code == 403
    assert client.get(url(report, "translate")).status_code == 405
    assert Narrative.objects.count() == 1


def test_who_adds_a_text_whose_original_is_released_is_offered_to_translate_it(editor, report, peru):
    address = (
        f"{reverse('admin:operations_narrative_add')}?operation={peru.pk}&year=2020&kind=year_end&language=fr"
    )
    text = editor.get(address).content.decode()
    assert f'action="{url(report, "translate")}"' in text
    assert 'name="language" value="fr">Translate the text in English</button>' in text


def test_a_translation_is_not_copied_to_the_next_year(editor, french, peru):
    assert "Copy to 2021" not in editor.get(url(french)).content.decode()
    chosen = {"operation": peru.pk, "kind": "year_end", "year": 2021, "language": "fr"}
    response = editor.post(reverse("admin:operations_narrative_copy"), chosen, follow=True)
    assert said(response) == [
        "Nothing was copied: the text of 2020 is a translation. Translate the text of this year."
    ]
    assert not Narrative.objects.filter(year=2021).exists()


# --- Beside its source -------------------------------------------------------------------------------


def test_the_form_of_a_translation_shows_its_source_beside_each_section_and_figure(editor, report, ana):
    arabic, _new = translate(report, "ar", ana)
    text = editor.get(url(arabic)).content.decode()
    assert "<summary>English, edition 1</summary>" in text
    assert re.search(r'<div class="prose" lang="en" dir="auto"><p>Needs remained high', text)
    assert re.search(r'<textarea[^>]* lang="ar" dir="auto"', text)
    assert re.findall(r'<p class="source" lang="en" dir="auto">(.*?)</p>', text) == [
        "people given cash",
        "UNHCR",
        "calls answered",
    ]


def test_figures_are_printed_as_the_language_writes_them_and_are_no_fields(editor, french):
    text = editor.get(url(french)).content.decode()
    assert re.findall(r"<h3[^>]*><bdi>(.*?)</bdi></h3>", text) == ["300\xa0000", "70\xa0000"]
    assert not re.search(r'name="key_figures-\d-(value|order|DELETE)"', text)
    assert "key_figures-2-" not in text and "key_figures-__prefix__" not in text


def test_the_sections_of_a_translation_are_those_of_its_source(editor, report, french):
    headings = re.compile(r'id="section-([\w-]+)"')
    assert headings.findall(editor.get(url(french)).content.decode()) == [NEEDS]
    assert len(headings.findall(editor.get(url(report)).content.decode())) > 1


def test_words_are_saved_and_what_is_carried_cannot_be_changed_by_any_request(editor, french):
    first, second = french.key_figures.all()
    data = fields_of(editor, french) | {
        "key_figures-0-text": "personnes aidées",
        "key_figures-0-value": "999,999",
        "key_figures-0-order": "2",
        "key_figures-1-DELETE": "on",
        "sections-0-body": FRENCH,
        "_continue": "1",
    }
    response = editor.post(url(french), data)
    assert response.status_code == 302
    assert values(french) == [("300,000", "personnes aidées", "UNHCR"), ("70,000", "calls answered", "")]
    assert list(french.key_figures.values_list("pk", "order")) == [(first.pk, 1), (second.pk, 2)]
    assert freeze(french)["sections"][0]["body"] == FRENCH


@pytest.mark.parametrize("initial", ["2", "0"])
def test_no_row_can_be_added_to_a_translation(editor, french, initial):
    data = fields_of(editor, french) | {
        "key_figures-TOTAL_FORMS": "3",
        "key_figures-INITIAL_FORMS": initial,
        "key_figures-2-value": "5",
        "key_figures-2-text": "tents",
        "key_figures-2-order": "1",
        "key_figures-2-narrative": french.pk,
        "_continue": "1",
    }
    editor.post(url(french), data)
    assert values(french) == [("300,000", "people given cash", "UNHCR"), ("70,000", "calls answered", "")]


def test_no_section_can_be_added_that_its_source_has_not(editor, french):
    trends = factories.SectionType.objects.get(code="population-trends")
    data = fields_of(editor, french) | {
        "sections-TOTAL_FORMS": "2",
        "sections-1-type": trends.pk,
        "sections-1-body": "<p>More.</p>",
        "sections-1-narrative": french.pk,
        "_continue": "1",
    }
    editor.post(url(french), data)
    assert [section["type"] for section in freeze(french)["sections"]] == [NEEDS]


def test_an_original_keeps_its_rows_and_headings_to_itself(editor, report):
    data = fields_of(editor, report) | {"key_figures-0-value": "52,996", "_continue": "1"}
    editor.post(url(report), data)
    assert values(report)[0] == ("52,996", "people given cash", "UNHCR")


# --- Out of date --------------------------------------------------------------------------------------


def test_editors_see_that_a_translation_is_out_of_date_wherever_they_meet_it(editor, report, french, ana):
    release(french, ana)
    mark = '<span class="state state-out_of_date">'
    pages = [url(french), reverse("admin:index"), reverse("admin:operations_narrative_changelist")]
    pages.append(f"{pages[-1]}?state=out_of_date")
    assert [mark in editor.get(page).content.decode() for page in pages] == [False] * 4
    correct(report, ana)
    assert [mark in editor.get(page).content.decode() for page in pages] == [True] * 4
    found = editor.get(pages[-1]).context["cl"].queryset
    assert list(found) == [french]


def test_editors_see_that_the_source_of_a_translation_was_withdrawn(editor, report, french, ana):
    assert "withdrawn" not in editor.get(url(french)).content.decode().split('class="translation')[1][:600]
    withdraw(report, ana)
    page = editor.get(url(french)).content.decode()
    part = page.split('<div class="translation is-out-of-date">')[1].split("</div>")[0]
    assert "Out of date." in part
    assert "This is a translation of edition 1 in English. That text was withdrawn on " in part
    assert "Take over" not in part
    listed = editor.get(f"{reverse('admin:operations_narrative_changelist')}?state=out_of_date")
    assert list(listed.context["cl"].queryset) == [french]


def test_the_form_compares_the_two_editions_of_the_source(editor, report, french, ana):
    correct(report, ana, body="<p>Needs remained high in Lima.</p>")
    text = editor.get(url(french)).content.decode()
    assert "What changed from edition 1 to edition 2" in text
    assert re.search(r"<del>.*?all of the regions", text, re.DOTALL)
    changed = r'<del><bdi lang="en">300,000</bdi></del>.*?<ins><bdi lang="en">52,996</bdi></ins>'
    assert re.search(changed, text, re.DOTALL)
    assert "Take over the source’s edition 2" in text


def asked(client, text):
    """What the button sends."""
    html = client.get(url(text)).content.decode()
    form = re.search(rf'<form method="post" action="{url(text, "take_over")}">(.*?)</form>', html, re.DOTALL)[
        1
    ]
    return dict(re.findall(r'name="(seen|edition)" value="(\d+)"', form))


def test_the_button_takes_over_what_changed_and_keeps_what_is_translated(editor, report, french, ana):
    french.sections.update(body=FRENCH)
    record(french, ana)
    second = correct(report, ana)
    sent = asked(editor, french)
    assert sent == {"seen": "2", "edition": "2"}
    response = editor.post(url(french, "take_over"), sent, follow=True)
    assert said(response)[0].startswith(
        "Edition 2 of the source is taken over and saved as edition 3, not yet released."
    )
    french.refresh_from_db()
    assert (french.translated_from, french.updated_by, values(french)[0][0]) == (second, ana, "52,996")
    assert freeze(french)["sections"][0]["body"] == FRENCH
    again = editor.post(url(french, "take_over"), sent, follow=True)
    assert said(again) == ["Nothing was taken over: the translation is of what readers see now."]


def test_what_changed_in_the_source_stands_beside_a_section_until_it_is_changed_too(
    editor, report, french, ana
):
    french.sections.update(body=FRENCH)
    record(french, ana)
    correct(report, ana, body="<p>Needs remained high in Lima.</p>")
    note = "What changed in it since this was translated"
    assert note not in editor.get(url(french)).content.decode()
    take_over(french, ana)
    text = editor.get(url(french)).content.decode()
    assert re.search(rf"{note}.*?<del>.*?all of the regions.*?<ins>.*?Lima", text, re.DOTALL)
    french.sections.update(body="<p>Les besoins sont restés importants à Lima.</p>")
    record(french, ana)
    assert note not in editor.get(url(french)).content.decode()


def test_nothing_is_taken_over_into_a_text_that_somebody_saved_meanwhile(editor, report, french, ana):
    correct(report, ana)
    sent = asked(editor, french)
    french.sections.update(body=FRENCH)
    record(french, factories.user("<b>bo</b>"))
    response = editor.post(url(french, "take_over"), sent, follow=True)
    assert said(response) == [
        "Nothing was taken over: &lt;b&gt;bo&lt;/b&gt; saved edition 2 while the page was open."
    ]
    assert values(french)[0][0] == "300,000"


def test_who_translates_while_another_takes_over_loses_no_word_and_gets_the_new_figures(
    editor, report, french, ana
):
    data = fields_of(editor, french) | {
        "sections-0-body": FRENCH,
        "key_figures-0-text": "personnes aidées",
        "_continue": "1",
    }
    correct(report, ana)
    take_over(french, factories.user("bo"))
    response = editor.post(url(french), data)
    if response.status_code == 200:  # what was merged is shown before it is saved
        editor.post(url(french), fields_shown(response) | {"_continue": "1"})
    assert values(french)[0] == ("52,996", "personnes aidées", "UNHCR")
    assert freeze(french)["sections"][0]["body"] == FRENCH


def test_nothing_is_taken_over_that_the_page_did_not_show(editor, report, french, ana):
    correct(report, ana)
    sent = asked(editor, french)
    correct(report, ana, "52,997")
    response = editor.post(url(french, "take_over"), sent, follow=True)
    assert said(response) == [
        "Nothing was taken over: edition 3 has been released since. Look at the changes again."
    ]
    assert values(french)[0][0] == "300,000"


def test_who_reads_a_translation_does_not_take_over(client, report, french, peru, ana):
    correct(report, ana)
    client.force_login(factories.user("vi", groups=("Viewers",), on=[peru]))
    text = client.get(url(french)).content.decode()
    assert "has been released since" in text and "Take over the source" not in text
    assert client.post(url(french, "take_over"), {"seen": "1", "edition": "2"}).status_code == 403
    assert client.get(url(french, "take_over")).status_code == 405
    assert values(french)[0][0] == "300,000"


def test_a_copy_that_nobody_translated_is_not_released(client, report, french, peru):
    client.force_login(factories.user("rosa", groups=("Reviewers",), on=[peru]))
    data = fields_of(client, french) | {"_release": "1"}
    page = client.post(url(french), data, follow=True).content.decode()
    assert "is still word for word the text that it is to be a translation of" in page
    now = {"seen": "1", "when": "now"}
    client.post(reverse("admin:operations_narrative_release", args=[french.pk]), now)
    assert not Edition.objects.of(french).filter(released_at__isnull=False).exists()


# --- What readers get ----------------------------------------------------------------------------------


def test_readers_see_the_carried_figure_as_their_language_writes_it(client, report, french, ana, peru):
    release(peru, ana)
    release(french, ana)
    assert "<dt>300,000</dt>" in client.get("/operations/per/2020/").content.decode()
    assert "<dt>300\xa0000</dt>" in client.get("/fr/operations/per/2020/").content.decode()
    # Spanish has no text yet: the figures of the English one are printed as English is.
    assert "<dt>300,000</dt>" in client.get("/es/operations/per/2020/").content.decode()


@pytest.mark.parametrize("rows", [1, 12])
def test_the_form_of_a_translation_costs_the_same_for_any_number_of_figures(
    editor, report, ana, rows, django_assert_num_queries
):
    for count in range(2, rows + 1):
        factories.key_figure(report, "5", order=count)
    release(report, ana)
    french, _new = translate(report, "fr", ana)
    record(report, ana)
    editor.get(url(french))  # which reads the types of content, once a process
    with django_assert_num_queries(51):
        editor.get(url(french))
