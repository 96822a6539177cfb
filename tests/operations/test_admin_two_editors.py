"""Who saves second is told, sees what was merged, and loses nothing: forms, grids, lists and imports."""

import re
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from operations.editions import freeze, record, restore, thaw
from operations.importing import import_begins
from operations.models import (
    Edition,
    Narrative,
    Office,
    Operation,
    PopulationFigure,
)
from tests import factories
from tests.operations.test_admin import add_url, change_url, filled, said, section_field, typed
from tests.reading import words

pytestmark = pytest.mark.django_db


def signed_in(account):
    client = Client()
    client.force_login(account)
    return client


@pytest.fixture
def peru():
    return factories.operation(name_fr="Pérou")


@pytest.fixture
def ann(peru):
    return signed_in(factories.user("ann", groups=("Field editors",), on=[peru]))


@pytest.fixture
def bo(peru):
    return signed_in(factories.user("bo", groups=("Field editors", "Reviewers"), on=[peru]))


@pytest.fixture
def report(peru):
    text = factories.narrative(
        peru, sections={"unmet-needs": "<p>Needs.</p>", "key-achievements": "<p>Achieved.</p>"}
    )
    for order, name in enumerate(("helped", "called", "housed"), 1):
        factories.key_figure(text, f"{order}00", text=f"people {name}", order=order)
    record(text, None)
    return text


def figures_of(text):
    return list(text.key_figures.values_list("text", "value"))


def bodies(text):
    return dict(text.sections.values_list("type__code", "body"))


def told(response):
    return response.context["overtaking"]


def labels(notes):
    return [note.label for note in notes]


# --- A text --------------------------------------------------------------------------------------------


def test_what_the_second_did_not_touch_takes_the_others_value_and_is_shown_before_it_is_saved(
    ann, bo, report
):
    mine, theirs = ann.get(change_url(report)), bo.get(change_url(report))
    bo.post(change_url(report), filled(theirs, **{section_field(theirs, "unmet-needs"): "<p>Bo’s.</p>"}))
    ours = {section_field(mine, "key-achievements"): "<p>Ann’s.</p>"}
    response = ann.post(change_url(report), filled(mine, **ours))
    assert response.status_code == 200
    assert "bo saved edition 2 while this form was open." in words(response)
    assert (labels(told(response).taken), told(response).conflicts) == (["Unmet needs"], [])
    assert [change.code for change in told(response).comparison.texts] == ["unmet-needs"]
    assert "Please correct the error" not in words(response)
    assert bodies(report) == {"unmet-needs": "<p>Bo’s.</p>", "key-achievements": "<p>Achieved.</p>"}
    again = ann.post(change_url(report), filled(response))
    assert again.status_code == 302
    assert bodies(report) == {"unmet-needs": "<p>Bo’s.</p>", "key-achievements": "<p>Ann’s.</p>"}


def test_a_section_that_both_changed_keeps_the_seconds_words_with_the_others_beside_it(ann, bo, report):
    mine, theirs = ann.get(change_url(report)), bo.get(change_url(report))
    name = section_field(mine, "unmet-needs")
    bo.post(change_url(report), filled(theirs, **{name: "<p>Needs of shelter.</p>"}))
    response = ann.post(change_url(report), filled(mine, **{name: "<p>Needs of water.</p>"}))
    (note,) = told(response).conflicts
    assert (note.label, note.theirs) == ("Unmet needs", "<p>Needs of shelter.</p>")
    (change,) = note.comparison.texts
    assert [(run.kind, run.text) for run in change.blocks[0].runs] == [
        ("same", "Needs of "),
        ("removed", "shelter"),
        ("added", "water"),
        ("same", "."),
    ]
    html = response.content.decode()
    assert "<p>Needs of shelter.</p>" in html and "&lt;p&gt;Needs of water.&lt;/p&gt;" in html
    assert bodies(report)["unmet-needs"] == "<p>Needs of shelter.</p>"
    ann.post(change_url(report), filled(response))
    assert bodies(report)["unmet-needs"] == "<p>Needs of water.</p>"


def test_a_section_that_was_emptied_meanwhile_is_not_brought_back_unseen(ann, bo, report):
    mine, theirs = ann.get(change_url(report)), bo.get(change_url(report))
    bo.post(change_url(report), filled(theirs, **{section_field(theirs, "unmet-needs"): ""}))
    response = ann.post(
        change_url(report), filled(mine, **{section_field(mine, "key-achievements"): "<p>Ann’s.</p>"})
    )
    ann.post(change_url(report), filled(response))
    assert bodies(report) == {"key-achievements": "<p>Ann’s.</p>"}


def test_rows_of_two_people_come_together(ann, bo, report):
    mine, theirs = ann.get(change_url(report)), bo.get(change_url(report))
    bo.post(
        change_url(report),
        filled(
            theirs,
            **{
                "key_figures-0-DELETE": "on",
                "key_figures-1-DELETE": "on",
                "key_figures-3-value": "400",
                "key_figures-3-text": "people taught",
            },
        ),
    )
    assert figures_of(report) == [("people housed", "300"), ("people taught", "400")]
    response = ann.post(
        change_url(report),
        filled(
            mine,
            **{
                "key_figures-1-value": "222",
                "key_figures-2-order": "1",
                "key_figures-3-value": "500",
                "key_figures-3-text": "people fed",
                "key_figures-3-order": "4",
            },
        ),
    )
    assert labels(told(response).added) == ["Key figure “people taught”"]
    assert told(response).gone == ["Key figure “people helped”"]
    assert labels(told(response).kept) == ["Key figure “people called”"]
    assert told(response).conflicts == []
    assert figures_of(report) == [("people housed", "300"), ("people taught", "400")]
    assert ann.post(change_url(report), filled(response)).status_code == 302
    assert dict(figures_of(report)) == {
        "people housed": "300",
        "people taught": "400",
        "people called": "222",
        "people fed": "500",
    }


def test_an_order_that_both_changed_is_no_error(ann, bo, report):
    mine, theirs = ann.get(change_url(report)), bo.get(change_url(report))
    bo.post(change_url(report), filled(theirs, **{"key_figures-2-order": "1"}))
    assert [text for text, _value in figures_of(report)] == [
        "people housed",
        "people helped",
        "people called",
    ]
    response = ann.post(change_url(report), filled(mine, **{"key_figures-1-order": "1"}))
    assert told(response).conflicts == []
    ann.post(change_url(report), filled(response))
    assert [text for text, _value in figures_of(report)] == [
        "people called",
        "people housed",
        "people helped",
    ]


def test_a_row_that_both_added_is_one_row_with_both_values(ann, bo, report):
    mine, theirs = ann.get(change_url(report)), bo.get(change_url(report))
    new = {"key_figures-3-text": "people taught", "key_figures-3-value": "400"}
    bo.post(change_url(report), filled(theirs, **new))
    response = ann.post(change_url(report), filled(mine, **new | {"key_figures-3-value": "444"}))
    assert [(note.label, note.theirs) for note in told(response).conflicts] == [
        ("Key figure “people taught”: Figure", "400")
    ]
    ann.post(change_url(report), filled(response))
    assert figures_of(report)[3:] == [("people taught", "444")]


def test_a_deleted_row_that_the_other_changed_is_asked_about(ann, bo, report):
    mine, theirs = ann.get(change_url(report)), bo.get(change_url(report))
    bo.post(change_url(report), filled(theirs, **{"key_figures-0-value": "111"}))
    response = ann.post(change_url(report), filled(mine, **{"key_figures-0-DELETE": "on"}))
    assert labels(told(response).kept) == ["Key figure “people helped”"]
    assert "bo changed this row, which you want to delete. Saving again deletes it." in words(response)
    assert len(figures_of(report)) == 3
    ann.post(change_url(report), filled(response))
    assert [text for text, _value in figures_of(report)] == ["people called", "people housed"]


def test_rows_that_a_restore_made_anew_are_still_known(ann, bo, report):
    mine = ann.get(change_url(report))
    report.key_figures.filter(order=2).update(value="250")
    thaw(freeze(report), report)
    record(report, None)
    response = ann.post(change_url(report), filled(mine, **{"key_figures-0-value": "111"}))
    assert response.status_code == 200
    ann.post(change_url(report), filled(response))
    assert figures_of(report) == [
        ("people helped", "111"),
        ("people called", "250"),
        ("people housed", "300"),
    ]


def test_a_restored_edition_is_not_undone_by_an_open_form(ann, report):
    first = Edition.objects.of(report).get()
    page = ann.get(change_url(report))
    ann.post(change_url(report), filled(page, **{"key_figures-0-value": "111"}))
    mine = ann.get(change_url(report))
    restore(first, report, None)
    response = ann.post(change_url(report), filled(mine, **{"key_figures-1-value": "222"}))
    ann.post(change_url(report), filled(response))
    assert figures_of(report)[:2] == [("people helped", "100"), ("people called", "222")]


def test_all_who_saved_meanwhile_are_named(ann, bo, peru, report):
    mine = ann.get(change_url(report))
    for client, name in (
        (bo, "key_figures-0-value"),
        (ann, "key_figures-1-value"),
        (bo, "key_figures-2-value"),
    ):
        client.post(change_url(report), filled(client.get(change_url(report)), **{name: "999"}))
    response = ann.post(change_url(report), filled(mine, **{"key_figures-1-value": "222"}))
    assert told(response).newest.number == 4
    assert [line.partition(" at ")[0] for line in told(response).before] == [
        "ann saved edition 3",
        "bo saved edition 2",
    ]
    assert "Somebody else saved here: 999" in words(response)


def test_an_error_and_a_conflict_are_both_shown_and_what_was_typed_stays(ann, bo, report):
    mine, theirs = ann.get(change_url(report)), bo.get(change_url(report))
    bo.post(change_url(report), filled(theirs, **{"key_figures-0-value": "111"}))
    response = ann.post(
        change_url(report), filled(mine, **{"key_figures-0-value": "112", "key_figures-1-value": "52,9960"})
    )
    assert "Please correct the error" in words(response)
    html = response.content.decode()
    assert 'value="112"' in html and 'value="52,9960"' in html
    assert "bo saved here: 111" in words(response)
    assert figures_of(report)[0] == ("people helped", "111")


def test_the_second_is_told_even_by_a_form_that_says_only_which_edition_it_saw(ann, bo, report):
    mine, theirs = ann.get(change_url(report)), bo.get(change_url(report))
    bo.post(change_url(report), filled(theirs, **{"key_figures-0-value": "111"}))
    response = ann.post(change_url(report), filled(mine, shown="", **{"key_figures-0-value": "112"}))
    assert [(note.label, note.theirs) for note in told(response).conflicts] == [
        ("Key figure “people helped”: Figure", "111")
    ]


@pytest.mark.parametrize("shown", ["{", "[[],[]]", '[{"a":[]},{}]', "[" * 5000])
def test_a_broken_record_of_what_was_shown_is_no_fault_of_the_server(ann, report, shown):
    page = ann.get(change_url(report))
    assert ann.post(change_url(report), filled(page, shown=shown)).status_code == 302


def test_of_two_who_begin_the_same_text_the_second_sees_what_the_first_wrote(ann, bo, peru):
    mine, theirs = ann.get(add_url(peru)), bo.get(add_url(peru))
    bo.post(add_url(peru), filled(theirs, **{section_field(theirs, "unmet-needs"): "<p>Bo’s.</p>"}))
    new = {
        section_field(mine, "unmet-needs"): "<p>Ann’s.</p>",
        section_field(mine, "key-achievements"): "<p>More.</p>",
        "key_figures-0-value": "7",
        "key_figures-0-text": "people",
    }
    response = ann.post(add_url(peru), filled(mine, **new))
    assert labels(told(response).conflicts) == ["Unmet needs"]
    assert ann.post(add_url(peru), filled(response)).status_code == 302
    text = Narrative.objects.get()
    assert bodies(text) == {"unmet-needs": "<p>Ann’s.</p>", "key-achievements": "<p>More.</p>"}
    assert figures_of(text) == [("people", "7")]
    assert [edition.number for edition in Edition.objects.of(text)] == [2, 1]


def test_copying_last_year_overwrites_nothing_of_a_text_that_was_begun_meanwhile(ann, bo, peru, report):
    offer = ann.get(add_url(peru)).context["copy"]
    page = bo.get(add_url(peru))
    bo.post(add_url(peru), filled(page, **{section_field(page, "unmet-needs"): "<p>Bo’s.</p>"}))
    response = ann.post(reverse("admin:operations_narrative_copy"), offer, follow=True)
    assert said(response) == ["Nothing was copied: this text exists already. Here it is."]
    assert bodies(Narrative.objects.get(year=2021)) == {"unmet-needs": "<p>Bo’s.</p>"}


def test_the_text_begun_by_copying_is_not_overwritten_by_an_open_empty_form(ann, bo, peru, report):
    mine = ann.get(add_url(peru))
    bo.post(reverse("admin:operations_narrative_copy"), mine.context["copy"])
    response = ann.post(add_url(peru), filled(mine, **{section_field(mine, "unmet-needs"): "<p>Ann’s.</p>"}))
    assert labels(told(response).conflicts) == ["Unmet needs"]
    assert labels(told(response).taken) == ["Key achievements"]
    assert len(told(response).added) == 3
    ann.post(add_url(peru), filled(response))
    text = Narrative.objects.get(year=2021)
    assert bodies(text) == {"unmet-needs": "<p>Ann’s.</p>", "key-achievements": "<p>Achieved.</p>"}
    assert len(figures_of(text)) == 3


# --- An operation with its offices -------------------------------------------------------------------------


def test_an_operation_of_two_people_keeps_what_both_wrote(ann, bo, peru):
    lima = factories.office(peru)
    mine, theirs = ann.get(change_url(peru)), bo.get(change_url(peru))
    bo.post(
        change_url(peru),
        filled(
            theirs,
            countries=["PE", "BO"],
            name_fr="Pérou de Bo",
            **{"offices-0-name": "Lima Centro", "offices-0-is_public": ""},
        ),
    )
    response = ann.post(
        change_url(peru),
        filled(mine, name_fr="Pérou d’Ann", notice_en="Ann’s.", **{"offices-0-latitude": "-12.5"}),
    )
    assert [(note.label, note.theirs) for note in told(response).conflicts] == [("Name [fr]", "Pérou de Bo")]
    assert labels(told(response).taken) == [
        "Countries",
        "Office “Lima Centro”: Name",
        "Office “Lima Centro”: Public",
    ]
    assert ann.post(change_url(peru), filled(response)).status_code == 302
    peru, lima = Operation.objects.get(), Office.objects.get(pk=lima.pk)
    assert (peru.name_fr, peru.notice_en) == ("Pérou d’Ann", "Ann’s.")
    assert sorted(country.code for country in peru.countries) == ["BO", "PE"]
    assert (lima.name, lima.is_public, lima.latitude) == ("Lima Centro", False, Decimal("-12.5"))


def test_an_office_that_the_other_deleted_and_one_edited_stays_as_a_new_row(ann, bo, peru):
    factories.office(peru)
    mine, theirs = ann.get(change_url(peru)), bo.get(change_url(peru))
    bo.post(change_url(peru), filled(theirs, **{"offices-0-DELETE": "on"}))
    assert not Office.objects.exists()
    response = ann.post(change_url(peru), filled(mine, **{"offices-0-description_en": "Ann’s."}))
    assert labels(told(response).kept) == ["Office “Lima”"]
    assert ann.post(change_url(peru), filled(response)).status_code == 302
    assert [(office.name, office.description_en) for office in Office.objects.all()] == [("Lima", "Ann’s.")]


def test_a_newer_edition_that_changed_nothing_in_the_form_holds_nothing_up(ann, bo, peru):
    record(peru, None)
    page = ann.get(change_url(peru))
    figures = bo.get(change_url(peru, "figures"))
    bo.post(
        change_url(peru, "figures"),
        typed(figures, **{f"people__{figures.context['form'].years[0]}__total": "7"}),
    )
    response = ann.post(change_url(peru), filled(page, notice_en="Ann’s."), follow=True)
    assert "bo saved edition 2 meanwhile, which changed nothing in this form." in said(response)
    assert Operation.objects.get().notice_en == "Ann’s."
    assert PopulationFigure.objects.get().people == 7


# --- Figures -----------------------------------------------------------------------------------------------


def cell(year, people):
    return {f"people__{year}__total": people}


def test_cells_of_two_people_come_together(ann, bo, peru):
    for year in (2019, 2020, 2021):
        factories.population(peru, year, people=year)
    url = change_url(peru, "figures")
    mine, theirs = ann.get(url), bo.get(url)
    base = {"shown": mine.context["form"].shown, "seen": 0}
    bo.post(url, typed(theirs, **base, **cell(2019, "1"), **cell(2020, "1")))
    response = ann.post(url, typed(mine, **base, **cell(2020, "2"), **cell(2021, "2")))
    assert "bo saved edition 1 while this form was open." in words(response)
    form = response.context["form"]
    shown = {
        each.year: (each.text, each.note) for each in form.people[0].cells if each.note or each.has_changed
    }
    assert shown == {2019: ("1", "taken over"), 2020: ("2", "saved now: 1"), 2021: ("2", "")}
    assert (labels(told(response).conflicts), labels(told(response).taken)) == (
        ["All people 2020"],
        ["All people 2019"],
    )
    assert list(PopulationFigure.objects.order_by("year").values_list("people", flat=True)) == [1, 1, 2021]
    again = {"shown": form.shown, "seen": 1}
    assert ann.post(url, typed(response, **again)).status_code == 302
    assert list(PopulationFigure.objects.order_by("year").values_list("people", flat=True)) == [1, 2, 2]


def test_figures_that_somebody_else_saved_meanwhile_are_not_overwritten_unseen(ann, peru):
    factories.population(peru, 2020, people=1000)
    page = ann.get(change_url(peru, "figures"))
    PopulationFigure.objects.update(people=900_000)
    record(peru, factories.user("cy"))
    response = ann.post(change_url(peru, "figures"), typed(page, seen=0, **cell(2020, "7")))
    assert "cy saved edition 1 while this form was open." in words(response)
    assert "saved now: 900,000" in words(response)
    assert PopulationFigure.objects.get().people == 900_000


# --- Single rows -------------------------------------------------------------------------------------------


@pytest.fixture
def finance(peru):
    return signed_in(factories.user("fay", groups=("Finance staff", "Finance"), is_superuser=True))


def test_what_others_changed_names_no_office_that_is_not_public_to_who_may_not_see_offices(ann, peru):
    """In the form of an operation for who may change that and no offices, and in the figures of Finance."""
    factories.finance(peru, 2020, amount_usd=1000)
    record(peru, None)
    fred = factories.user("fred")
    factories.role(fred, factories.group("Names", "view_operation", "change_operation"), [peru])
    fay = signed_in(factories.user("fay", groups=("Finance",), on=[peru]))
    forms = [signed_in(fred), ann]
    sent = [filled(client.get(change_url(peru)), notice_en="Mine.") for client in forms]
    figures = change_url(peru, "figures")
    page = fay.get(figures)
    cells = typed(page, seen=1, shown=page.context["form"].shown, budget__2020__total="5000")
    factories.office(peru, name="Zqhidden", is_public=False)
    peru.financial_figures.update(amount_usd=7000)
    peru.notice_en = "Of somebody else."
    peru.save()
    record(peru, None)
    shown = [client.post(change_url(peru), data) for client, data in zip(forms, sent, strict=True)]
    shown.append(fay.post(figures, cells))
    assert [told(page).comparison is not None for page in shown] == [True, True, True]
    assert ["Of somebody else." in page.content.decode() for page in shown] == [True, True, True]
    assert ["Zqhidden" in page.content.decode() for page in shown] == [False, True, False]


def test_a_single_row_is_compared_with_what_the_other_saved(ann, bo, finance, peru):
    for row, field, theirs, mine, other in (
        (factories.office(peru), "name", "Lima Sur", "Lima Norte", {"description_en": "Bo’s."}),
        (factories.population(peru), "people", "1001", "1002", {"source": "Registry"}),
        (factories.finance(peru), "amount_usd", "1,001.00", "1,002.00", {"source": "Ledger"}),
    ):
        url = change_url(row)
        first, second = finance.get(url), finance.get(url)
        assert finance.post(url, filled(first, **{field: theirs}, **other)).status_code == 302
        response = finance.post(url, filled(second, **{field: mine}))
        assert response.status_code == 200
        assert [note.theirs for note in told(response).conflicts] == [theirs]
        assert len(told(response).taken) == 1
        assert finance.post(url, filled(response)).status_code == 302
        row.refresh_from_db()
        ((name, value),) = other.items()
        assert getattr(row, name) == value
        assert str(getattr(row, field)).replace(",", "") == mine.replace(",", "")


def test_what_was_entered_for_a_row_that_was_deleted_meanwhile_stands_in_a_new_one(finance, peru):
    office = factories.office(peru, is_public=False)
    page = finance.get(change_url(office))
    office.delete()
    given = filled(page, name="Lima Sur", description_en="Two\nlines & more", of=peru.pk)
    response = finance.post(change_url(office), given, follow=True)
    assert said(response) == [
        "Somebody deleted this row while you had it open. What you entered stands here; saving adds it anew."
    ]
    finance.post(response.request["PATH_INFO"], filled(response))
    new = Office.objects.get()
    assert (new.operation, new.name, new.description_en.split("\r\n"), new.is_public) == (
        peru,
        "Lima Sur",
        ["Two\nlines & more"],
        False,
    )
    assert new.latitude == office.latitude


def test_an_import_against_the_open_form_of_a_row_comes_first(finance, peru):
    figure = factories.population(peru, 2020, people=1000)
    page = finance.get(change_url(figure))
    run_import(finance, "populationfigure", "operation,year,people\nPER,2020,1500\n")
    response = finance.post(change_url(figure), filled(page, people="1200", source="Registry"))
    assert [(note.label, note.theirs) for note in told(response).conflicts] == [("People", "1500")]
    assert PopulationFigure.objects.get().people == 1500


# --- Imports -----------------------------------------------------------------------------------------------


def preview(client, table, text):
    url = reverse(f"admin:operations_{table}_import")
    page = client.post(url, {"import_file": SimpleUploadedFile("file.csv", text.encode()), "format": "0"})
    return {
        name: field.value()
        for name, field in ((f.name, f) for f in page.context["confirm_form"])
        if field.value()
    }


def confirm(client, table, form):
    return client.post(reverse(f"admin:operations_{table}_process_import"), form)


def run_import(client, table, text):
    return confirm(client, table, preview(client, table, text))


def test_an_import_against_an_open_form_of_an_operation_and_its_grid_comes_first(ann, finance, peru):
    factories.population(peru, 2020, people=1000)
    factories.office(peru)
    form, grid = ann.get(change_url(peru)), ann.get(change_url(peru, "figures"))
    run_import(finance, "office", "operation,name,description\nPER,Lima,Imported.\n")
    run_import(finance, "populationfigure", "operation,year,people\nPER,2020,1500\n")
    response = ann.post(change_url(peru), filled(form, **{"offices-0-description_en": "Ann’s."}))
    assert [note.theirs for note in told(response).conflicts] == ["Imported."]
    base = {"shown": grid.context["form"].shown, "seen": 0}
    response = ann.post(change_url(peru, "figures"), typed(grid, **base, **cell(2020, "1200")))
    assert labels(told(response).conflicts) == ["All people 2020"]
    assert PopulationFigure.objects.get().people == 1500
    assert Office.objects.get().description_en == "Imported."


def test_an_import_that_was_previewed_before_somebody_saved_is_shown_again(bo, finance, peru):
    factories.population(peru, 2020, people=1000)
    factories.population(peru, 2019, people=900)
    text = "operation,year,people\nPER,2019,901\nPER,2020,1500\n"
    form = preview(finance, "populationfigure", text)
    PopulationFigure.objects.filter(year=2020).update(people=1200)
    response = confirm(finance, "populationfigure", form)
    assert response.status_code == 200
    assert "Somebody else saved while you looked at the preview, and nothing was imported." in words(response)
    old = {
        row.line: [(name, before) for name, before, _after in row.differences]
        for row in response.context["changed_rows"]
    }
    assert old == {2: [("people", 900)], 3: [("people", 1200)]}
    assert list(PopulationFigure.objects.order_by("year").values_list("people", flat=True)) == [900, 1200]
    again = {f.name: f.value() for f in response.context["confirm_form"] if f.value()}
    assert confirm(finance, "populationfigure", again).status_code == 302
    assert list(PopulationFigure.objects.order_by("year").values_list("people", flat=True)) == [901, 1500]


def test_a_line_that_changes_between_the_plan_and_its_writing_is_not_overwritten(finance, peru):
    factories.population(peru, 2020, people=1000)
    form = preview(finance, "populationfigure", "operation,year,people\nPER,2020,1500\n")

    def be_quicker(**_kwargs):
        PopulationFigure.objects.update(people=1200)

    import_begins.connect(be_quicker)
    try:
        response = confirm(finance, "populationfigure", form)
    finally:
        import_begins.disconnect(be_quicker)
    assert response.status_code == 302
    assert PopulationFigure.objects.get().people == 1000  # the import is undone, and in it what was quicker
    assert not Edition.objects.exists()
    assert said(finance.get(response.url, follow=True)) == [
        "Nothing was imported: Somebody else changed the same lines in the meantime. Upload the file again."
    ]


def test_an_import_whose_preview_still_holds_is_done(finance, peru):
    factories.population(peru, 2020, people=1000)
    form = preview(finance, "populationfigure", "operation,year,people\nPER,2020,1500\n")
    factories.population(peru, 2018, people=1)
    assert confirm(finance, "populationfigure", form).status_code == 302
    assert PopulationFigure.objects.get(year=2020).people == 1500


# --- Lists -------------------------------------------------------------------------------------------------


def stamps(page):
    html = page.content.decode()
    return {
        "stamp": re.findall(r'name="stamp" value="([^"]+)"', html),
        "listed": (re.findall(r'name="listed" value="(\d+)"', html) or [""])[0],
    }


def acts(client, model, action, rows, given, **more):
    url = reverse(f"admin:operations_{model}_changelist")
    keys = [row.pk for row in rows]
    return client.post(url, {"action": action, "_selected_action": keys, **given, **more}, follow=True)


def test_a_row_that_somebody_changed_since_the_list_was_shown_is_not_deleted(finance, bo, peru):
    lima, cusco = factories.office(peru), factories.office(peru, name="Cusco")
    page = finance.get(reverse("admin:operations_office_changelist"))
    Office.objects.filter(pk=lima.pk).update(description_en="New.")
    response = acts(finance, "office", "delete_selected", [lima, cusco], stamps(page))
    assert "Left out, because somebody else changed it since this list was shown." in words(response)
    asked = stamps(response)
    assert list(response.context["queryset"]) == [cusco]
    Office.objects.filter(pk=cusco.pk).update(description_en="New, too.")
    response = acts(finance, "office", "delete_selected", [cusco], {"stamp": asked["stamp"]}, post="yes")
    assert "Cusco" in words(response) and Office.objects.count() == 2
    page = finance.get(reverse("admin:operations_office_changelist"))
    asked = stamps(acts(finance, "office", "delete_selected", [lima, cusco], stamps(page)))
    acts(finance, "office", "delete_selected", [lima, cusco], {"stamp": asked["stamp"]}, post="yes")
    assert not Office.objects.exists()


def test_a_profile_that_somebody_changed_since_the_list_was_shown_is_not_released(finance, bo, peru):
    chad = factories.operation("TCD", name_en="Chad", countries="TD")
    for operation in (peru, chad):
        record(operation, None)
    page = finance.get(reverse("admin:operations_operation_changelist"))
    form = bo.get(change_url(peru))
    bo.post(change_url(peru), filled(form, notice_en="Bo’s."))
    response = acts(finance, "operation", "release_profiles", [peru, chad], stamps(page))
    assert "Left out, because somebody else changed it since this list was shown." in words(response)
    assert [edition.operation for edition in Edition.objects.released()] == [chad]


def test_all_rows_of_a_list_chosen_at_once_are_held_against_the_time_it_was_shown(finance, bo, peru):
    chad = factories.operation("TCD", name_en="Chad", countries="TD")
    for operation in (peru, chad):
        record(operation, None)
    page = finance.get(reverse("admin:operations_operation_changelist"))
    form = bo.get(change_url(peru))
    bo.post(change_url(peru), filled(form, notice_en="Bo’s."))
    given = {"listed": stamps(page)["listed"], "select_across": "1"}
    acts(finance, "operation", "release_profiles", [peru], given)
    assert [edition.operation for edition in Edition.objects.released()] == [chad]


# --- What a browser is told --------------------------------------------------------------------------------


def test_a_save_tells_the_browser_which_form_it_need_not_keep_and_a_refusal_does_not(ann, report):
    page = ann.get(change_url(report))
    assert page.context["draft_name"] == f"narrative/{report.pk}"
    refused = ann.post(change_url(report), filled(page, **{"key_figures-0-value": "52,9960"}))
    assert "openfield_saved" not in refused.cookies
    done = ann.post(change_url(report), filled(page))
    assert done.cookies["openfield_saved"].value == f"narrative%2F{report.pk}"


def test_the_log_of_a_change_names_no_hidden_field(ann, report):
    page = ann.get(change_url(report))
    ann.post(change_url(report), filled(page, **{"key_figures-0-value": "111"}))
    assert "hown" not in LogEntry.objects.latest("pk").get_change_message()
