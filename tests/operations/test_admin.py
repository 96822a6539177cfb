"""The admin as its users know it: field editors, reviewers and finance staff."""

import datetime as dt
import re
from decimal import Decimal

import pytest
import time_machine
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from operations.editions import record, release, unschedule, withdraw
from operations.grids import COLUMNS
from operations.models import (
    Edition,
    FinancialFigure,
    KeyFigure,
    Narrative,
    Office,
    Operation,
    Pillar,
    PopulationFigure,
    PopulationType,
    Section,
    SectionType,
)
from tests import factories

pytestmark = pytest.mark.django_db


def staff(name, group, *operations):
    """With the role on these operations; without any, everywhere, but a field editor has none then."""
    return factories.user(
        name, groups=(group,), on=operations if operations or group == "Field editors" else None
    )


@pytest.fixture
def peru():
    return Operation.objects.create(code="PER", slug="peru", name_en="Peru", countries="PE")


@pytest.fixture
def chad():
    """Not one of the field editor's operations."""
    return Operation.objects.create(code="TCD", slug="chad", name_en="Chad")


@pytest.fixture
def ana(peru):
    return staff("ana", "Field editors", peru)


@pytest.fixture
def editor(client, ana):
    client.force_login(ana)
    return client


@pytest.fixture
def report(peru):
    narrative = Narrative.objects.create(operation=peru, year=2020, kind="year_end")
    needs = SectionType.objects.get(code="unmet-needs")
    Section.objects.create(narrative=narrative, type=needs, body="<p>Needs.</p>")
    KeyFigure.objects.create(narrative=narrative, order=1, value="300,000", text="people helped")
    KeyFigure.objects.create(narrative=narrative, order=2, value="70,000", text="calls answered")
    return narrative


def change_url(obj, page="change"):
    return reverse(f"admin:operations_{obj._meta.model_name}_{page}", args=[obj.pk])


def add_url(operation, year=2021, kind="year_end"):
    return f"{reverse('admin:operations_narrative_add')}?operation={operation.pk}&year={year}&kind={kind}"


def filled(response, **changes):
    """What the browser would send from the form of this page, with ``changes``."""
    context = response.context
    forms = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    data = {}
    for form in forms:
        for field in form:
            value = field.value()
            if value is not None and value is not False:
                data[field.html_name] = value
    return data | changes


def section_field(response, code):
    """The name of the field of one section in the form of this page."""
    formset = response.context["inline_admin_formsets"][0].formset
    return next(form["body"].html_name for form in formset if form.section_type.code == code)


def said(response):
    return [str(message) for message in response.context["messages"]]


def left_to_do(obj, what):
    return f"Before its release: <a href='{change_url(obj)}#checks'>{what}</a>."


def words(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


# --- The start page ----------------------------------------------------------------------------------


def test_the_start_page_says_what_is_there_and_what_is_left_to_do(editor, ana, peru, chad, report):
    Narrative.objects.create(operation=peru, year=2021, kind="plan")
    Narrative.objects.create(operation=chad, year=2017, kind="plan")  # another's year is no column
    PopulationFigure.objects.create(operation=peru, year=2020, people=1_557_276)
    FinancialFigure.objects.create(
        operation=peru, year=2020, measure="budget", amount_usd=Decimal("48625534.17")
    )
    FinancialFigure.objects.create(
        operation=peru, year=2021, measure="expenditure", missing_reason="not_yet_known"
    )
    release(report, ana)
    release(peru, ana)
    response = editor.get(reverse("admin:index"))

    assert response.context["years"] == [2022, 2021, 2020]
    (line,) = response.context["lines"]
    assert (str(line.operation), line.profile) == ("Peru", "released")
    assert [
        (year.year, [text.state for text in year.plan], [text.state for text in year.year_end])
        for year in line.years
    ] == [
        (2022, ["missing"], ["missing"]),
        (2021, ["draft"], ["missing"]),
        (2020, ["missing"], ["released"]),
    ]
    assert [(year.people, year.budget, year.expenditure) for year in line.years] == [
        (None, None, None),
        (None, None, None),
        (1_557_276, Decimal("48625534.17"), None),
    ]
    text = words(response.content.decode())
    assert "Expenditure – not entered Peru 2022 – not yet known Peru 2021 – not entered Peru 2020" in text
    assert "Chad" not in text
    assert text.count("Copy last year") == 2  # the plan of 2022 from 2021, the report of 2021 from 2020
    assert add_url(peru, 2021).replace("&", "&amp;") in response.content.decode()


def test_the_start_page_tells_released_changed_and_withdrawn_apart(editor, ana, peru, report):
    states = []

    def state():
        (line,) = editor.get(reverse("admin:index")).context["lines"]
        return line.years[1].year_end[0].state

    states.append(state())
    release(report, ana)
    states.append(state())
    report.key_figures.first().delete()
    record(report, ana)
    states.append(state())
    withdraw(report, ana)
    states.append(state())
    assert states == ["draft", "released", "changed", "withdrawn"]


def test_an_operation_is_not_asked_for_years_in_which_it_did_not_exist(editor, peru, report):
    Operation.objects.filter(pk=peru.pk).update(first_year=2021)
    (line,) = editor.get(reverse("admin:index")).context["lines"]
    assert [(year.year, [text.state for text in year.plan]) for year in line.years] == [
        (2021, ["missing"]),
        (2020, []),
    ]


@pytest.mark.parametrize("operations", [1, 30])
def test_the_start_page_costs_the_same_for_one_operation_and_for_thirty(
    client, django_assert_num_queries, operations
):
    mine = [
        Operation.objects.create(code=f"OP{number}", slug=f"op-{number}", name_en=f"Operation {number}")
        for number in range(operations)
    ]
    ana = staff("ana", "Field editors", *mine)
    for operation in mine:
        for year in (2019, 2020):
            release(Narrative.objects.create(operation=operation, year=year, kind="plan"), ana)
            PopulationFigure.objects.create(operation=operation, year=year, people=5)
            FinancialFigure.objects.create(
                operation=operation, year=year, measure="budget", amount_usd=Decimal(7)
            )
        release(operation, ana)
    client.force_login(ana)
    # Session, user, her rights, her groups' rights; the number of her operations, the same to page them, this page's;
    # the years; profiles and texts that wait for her; texts, people and money; where she reads and writes texts.
    with django_assert_num_queries(15):
        response = client.get(reverse("admin:index"))
    assert len(response.context["lines"]) == min(operations, 15)
    assert response.context["is_compact"] is (operations > 15)


def test_many_operations_are_found_by_a_part_of_their_name(admin_client):
    for number in range(20):
        Operation.objects.create(code=f"OP{number}", slug=f"op-{number}", name_en=f"Office {number}")
    Operation.objects.create(code="PER", slug="peru", name_en="Peru", name_fr="Pérou")
    start = reverse("admin:index")
    for wanted in ("PER", "eru", "Péro"):
        lines = admin_client.get(start, {"q": wanted}).context["lines"]
        assert [str(line.operation) for line in lines] == ["Peru"]
    assert (
        words(admin_client.get(start, {"q": "nowhere"}).content.decode()).count("None of your operations")
        == 1
    )
    assert admin_client.get(start, {"q": "\x00\x07\u202e"}).status_code == 200
    assert len(admin_client.get(start, {"page": 2}).context["lines"]) == 6


# --- Rights ------------------------------------------------------------------------------------------


@pytest.fixture
def others(chad, ana):
    """One of everything of an operation that is not the field editor's."""
    plan = Narrative.objects.create(operation=chad, year=2020, kind="plan")
    return [
        chad,
        plan,
        Office.objects.create(operation=chad, name="N’Djamena"),
        PopulationFigure.objects.create(operation=chad, year=2020, people=5),
        record(plan, ana),
    ]


def test_other_operations_are_in_no_list_and_no_filter(editor, others, report):
    for other in others:
        response = editor.get(reverse(f"admin:operations_{other._meta.model_name}_changelist"))
        assert response.status_code == 200
        assert other not in list(response.context["cl"].result_list)
        assert "Chad" not in response.content.decode()
    assert list(editor.get(reverse("admin:operations_narrative_changelist")).context["cl"].result_list) == [
        report
    ]


def test_other_operations_cannot_be_opened_or_changed(editor, others):
    for other in others:
        for page in ("change", "history", "delete"):
            response = editor.get(change_url(other, page))
            assert response.status_code in (302, 403, 404), (other, page)
        assert editor.post(change_url(other), {}).status_code in (302, 403, 404)
    chad, plan = others[:2]
    figures = change_url(chad, "figures")
    assert (
        editor.get(figures).status_code == editor.post(figures, {"people-2020-total": "9"}).status_code == 302
    )
    for url in [change_url(other, page) for other in (chad, plan) for page in ("release", "withdraw")]:
        assert (
            editor.get(url).status_code == editor.post(url, {"seen": "1", "when": "now"}).status_code == 404
        )
    assert list(PopulationFigure.objects.values_list("people")) == [(5,)]


def test_texts_cannot_be_added_to_or_copied_for_other_operations(editor, others):
    chad = others[0]
    response = editor.get(add_url(chad))
    assert "adminform" not in response.context
    assert response.context["form"].errors.keys() == {"operation"}
    copy = {"operation": chad.pk, "year": 2021, "kind": "plan", "language": "en"}
    assert editor.post(reverse("admin:operations_narrative_copy"), copy).status_code == 403
    assert Narrative.objects.count() == 1


def test_autocomplete_and_forms_offer_only_ones_own_operations(editor, others, peru):
    query = {"app_label": "operations", "model_name": "narrative", "field_name": "operation"}
    response = editor.get(reverse("admin:autocomplete"), query)
    assert [found["text"] for found in response.json()["results"]] == ["Peru"]
    for model in ("office", "populationfigure"):
        form = editor.get(reverse(f"admin:operations_{model}_add")).context["adminform"].form
        assert list(form.fields["operation"].queryset) == [peru]
    response = editor.post(
        reverse("admin:operations_populationfigure_add"),
        {"operation": others[0].pk, "year": 2021, "people": 1},
    )
    assert response.context["adminform"].form.errors.keys() == {"operation"}


def test_the_address_of_an_operation_is_fixed_once_it_was_released(admin_client, admin_user, peru):
    assert "slug" in admin_client.get(change_url(peru)).context["adminform"].form.fields
    release(peru, admin_user)
    withdraw(peru, admin_user)
    assert "slug" not in admin_client.get(change_url(peru)).context["adminform"].form.fields


def test_the_address_is_fixed_once_a_release_is_set_and_readers_find_it_there_at_that_time(
    admin_client, client, admin_user, peru
):
    """A form that was opened before does not change it either."""
    factories.population(peru, 2020)
    page = admin_client.get(change_url(peru))
    at = timezone.now() + dt.timedelta(hours=1)
    release(peru, admin_user, at)
    sent = filled(page, slug="piru", notice_en="Saved all the same.", seen="")
    assert admin_client.post(change_url(peru), sent).status_code == 302
    assert "slug" not in admin_client.get(change_url(peru)).context["adminform"].form.fields
    peru.refresh_from_db()
    assert (peru.slug, peru.notice_en) == ("peru", "Saved all the same.")
    with time_machine.travel(at + dt.timedelta(seconds=1)):
        assert 'href="/operations/peru/2020/"' in client.get("/operations/").content.decode()
        assert client.get("/operations/peru/2020/").status_code == 200
        assert "/operations/peru/2020/</loc>" in client.get("/sitemap.xml").content.decode()


@pytest.fixture
def finance(client):
    """Who enters the money of every operation, and may change nothing else of it."""
    client.force_login(staff("fin", "Finance"))
    return client


def test_finance_neither_withdraws_nor_releases_a_profile(finance, ana, peru):
    page = finance.get(change_url(peru))
    assert page.status_code == 200
    assert b"_release" not in page.content and b"/withdraw/" not in page.content
    action = {"action": "release_profiles", "_selected_action": [peru.pk]}
    finance.post(reverse("admin:operations_operation_changelist"), action)
    assert finance.post(change_url(peru), {"_release": "1"}).status_code == 403
    release(peru, ana)
    assert finance.get(change_url(peru, "withdraw")).status_code == 403
    assert finance.post(change_url(peru, "withdraw")).status_code == 403
    assert [(e.number, e.released_by) for e in Edition.objects.released()] == [(1, ana)]


def test_finance_is_led_to_no_page_that_it_may_not_open(finance, ana, peru, report):
    release(peru, ana)
    release(report, ana)
    start = finance.get(reverse("admin:index"))
    (line,) = start.context["lines"]
    assert [text.state for text in line.years[1].year_end] == ["released"]
    pages = [
        start,
        finance.get(change_url(peru)),
        finance.get(change_url(peru, "figures")),
        finance.get(reverse("admin:operations_operation_changelist")),
    ]
    for page in pages:
        links = set(re.findall(r'href="(/admin/[^"]*)"', page.content.decode().replace("&amp;", "&")))
        assert [url for url in links if "/narrative/" in url] == []
        assert [url for url in links if finance.get(url).status_code != 200] == []


def test_a_field_editor_reads_the_name_of_a_predecessor_without_a_link(editor, client, peru, chad):
    peru.predecessor = chad
    peru.save()
    release(chad, None)
    page = editor.get(change_url(peru))
    assert "Predecessor: Chad" in words(page.content.decode())
    assert change_url(chad) not in page.content.decode()
    editor.post(change_url(peru), filled(page, countries=["PE"], name_en="Perú"))
    peru.refresh_from_db()
    assert (peru.name_en, peru.predecessor) == ("Perú", chad)
    client.force_login(staff("rev", "Reviewers"))
    assert "predecessor" in client.get(change_url(peru)).context["adminform"].form.fields


def test_the_admin_leads_to_no_address_by_a_number(admin_client, peru):
    kind = ContentType.objects.get_for_model(Operation)
    response = admin_client.get(f"/admin/r/{kind.pk}/{peru.pk}/")
    assert (response.status_code, b"peru" in response.content) == (404, False)


@pytest.mark.parametrize(
    ("group", "tables"),
    [
        ("Finance", ["operations_financialfigure", "contributions_donor", "contributions_contribution"]),
        ("Reviewers", ["operations_operation", "operations_office", "operations_populationfigure"]),
        ("Field editors", ["operations_operation", "operations_office", "operations_populationfigure"]),
    ],
)
def test_who_changes_a_table_may_export_it(client, group, tables, peru):
    client.force_login(staff("somebody", group, peru))
    for table in tables:
        assert client.get(reverse(f"admin:{table}_export")).status_code == 200, table


def test_a_refused_request_is_answered_in_the_frame_of_the_site(finance, report):
    refused = finance.get(change_url(report))
    assert refused.status_code == 403
    assert "Not allowed This page needs a right that your account does not have." in words(
        refused.content.decode()
    )
    refused = Client(enforce_csrf_checks=True).post(reverse("admin:login"), {})
    assert refused.status_code == 403
    assert "Please try again" in words(refused.content.decode())
    refused = Client().get("/", headers={"host": "elsewhere.example"})
    assert (refused.status_code, b"The request was not understood" in refused.content) == (400, True)
    assert b"style" not in refused.content


def test_days_and_times_are_written_as_most_of_the_world_writes_them(admin_client, report):
    Narrative.objects.update(updated_at=dt.datetime(2026, 11, 23, 7, 41, tzinfo=dt.UTC))
    page = admin_client.get(reverse("admin:operations_narrative_changelist"))
    assert "23 November 2026, 07:41" in words(page.content.decode())


# --- Narratives --------------------------------------------------------------------------------------


def test_a_new_text_asks_which_it_is_and_then_lays_out_its_sections(editor, peru):
    first = editor.get(reverse("admin:operations_narrative_add"), {"operation": peru.pk})
    assert list(first.context["form"].fields) == ["operation", "year", "kind", "language"]
    assert first.context["form"]["operation"].value() == str(peru.pk)

    response = editor.get(add_url(peru, 2021, "year_end"))
    html = response.content.decode()
    headings = re.findall(r"<h2 id=\"id_sections-\d-body_heading\"><label[^>]*>([^<]+)<", html)
    assert headings == [
        "Operational context",
        "Population trends",
        "Key achievements",
        "Unmet needs",
        "Use of flexible funding",
    ]
    assert "What could not be done for want of funds, and who went without." in html
    assert html.count("data-django-prose-editor-configurable") == 5
    response = editor.get(add_url(peru, 2021, "plan"))
    assert "Key priorities" in response.content.decode() and "Unmet needs" not in response.content.decode()


def test_a_text_that_exists_is_opened_instead_of_added(editor, peru, report):
    response = editor.get(add_url(peru, 2020), follow=True)
    assert response.redirect_chain == [(change_url(report), 302)]
    assert said(response) == ["This text exists already. Here it is."]


def test_saving_a_new_text_makes_an_edition_that_readers_do_not_see(editor, ana, peru):
    page = editor.get(add_url(peru))
    changes = {
        section_field(page, "unmet-needs"): "<p>Half went without.</p>",
        "key_figures-0-value": "> 221000",
        "key_figures-0-text": "people reached",
    }
    response = editor.post(add_url(peru), filled(page, **changes), follow=True)
    assert response.redirect_chain == [(reverse("admin:index"), 302)]
    narrative = Narrative.objects.get()
    assert said(response) == ["Saved as edition 1, not yet released."]
    assert (narrative.operation, narrative.year, narrative.kind, narrative.language) == (
        peru,
        2021,
        "year_end",
        "en",
    )
    assert narrative.updated_by == ana
    assert [(section.type.code, section.body) for section in narrative.sections.all()] == [
        ("unmet-needs", "<p>Half went without.</p>")
    ]
    edition = Edition.objects.get()
    assert [section["body"] for section in edition.content["sections"]] == ["<p>Half went without.</p>"]
    assert [figure["value"] for figure in edition.content["key_figures"]] == ["> 221,000"]
    assert list(Edition.objects.released()) == []


def test_a_section_that_is_emptied_is_gone_and_can_be_written_again(editor, report):
    page = editor.get(change_url(report))
    name = section_field(page, "unmet-needs")
    editor.post(change_url(report), filled(page, **{name: ""}))
    assert report.sections.count() == 0
    page = editor.get(change_url(report))
    assert len(page.context["inline_admin_formsets"][0].formset.forms) == 5
    editor.post(change_url(report), filled(page, **{section_field(page, "unmet-needs"): "<p>Again.</p>"}))
    assert [section.body for section in report.sections.all()] == ["<p>Again.</p>"]


def test_a_forged_section_is_refused(editor, report):
    plans_only = SectionType.objects.get(code="key-priorities")
    page = editor.get(change_url(report))
    for forged in (plans_only.pk, "x", ""):
        changes = {"sections-1-type": forged, "sections-1-body": "<p>Forged.</p>"}
        assert editor.post(change_url(report), filled(page, **changes)).status_code == 200
    assert [section.body for section in report.sections.all()] == ["<p>Needs.</p>"]


def test_copy_last_year_begins_a_text_with_that_of_the_year_before(editor, ana, peru, report):
    assert editor.get(add_url(peru)).context["copy"] == editor.get(change_url(report)).context["copy"]
    copy = {"operation": peru.pk, "year": 2021, "kind": "year_end", "language": "en"}
    response = editor.post(reverse("admin:operations_narrative_copy"), copy, follow=True)
    new = Narrative.objects.get(year=2021)
    assert response.redirect_chain == [(change_url(new), 302)]
    assert said(response) == [
        "Copied from 2020 and saved as edition 1, not yet released. Change what is new."
    ]
    assert [(section.type.code, section.body) for section in new.sections.all()] == [
        ("unmet-needs", "<p>Needs.</p>")
    ]
    assert [(figure.value, figure.text) for figure in new.key_figures.all()] == [
        ("300,000", "people helped"),
        ("70,000", "calls answered"),
    ]
    assert new.updated_by == ana
    assert Edition.objects.get().released_at is None


def test_copy_last_year_overwrites_nothing_and_needs_a_year_before(editor, peru, report):
    Narrative.objects.create(operation=peru, year=2021, kind="year_end")
    url = reverse("admin:operations_narrative_copy")
    copy = {"operation": peru.pk, "year": 2021, "kind": "year_end", "language": "en"}
    assert said(editor.post(url, copy, follow=True)) == [
        "Nothing was copied: this text exists already. Here it is."
    ]
    assert said(editor.post(url, copy | {"kind": "plan"}, follow=True)) == [
        "Nothing was copied: the year before has no such text."
    ]
    assert editor.get(url).status_code == 405
    assert Section.objects.count() == 1


def test_a_text_that_readers_see_or_will_see_is_not_deleted_before_it_is_withdrawn(
    admin_client, admin_user, peru, report
):
    """Neither by its form nor in the list; nobody could withdraw it any more."""
    draft = factories.narrative(peru, 2019)
    later = factories.narrative(peru, 2021, kind="plan")
    release(report, admin_user)
    record(draft, admin_user)
    release(later, admin_user, timezone.now() + dt.timedelta(days=1))
    texts = {report: ("withdraw", "Withdraw it first."), later: ("release", "Take back its time first.")}
    for text, (page, todo) in texts.items():
        url = reverse("admin:operations_narrative_delete", args=[text.pk])
        for answer in (admin_client.get(url), admin_client.post(url, {"post": "yes"})):
            assert f'<a href="{change_url(text, page)}">{todo}</a>' in answer.content.decode()
    several = {"action": "delete_selected", "post": "yes", "_selected_action": [report.pk, draft.pk]}
    answer = admin_client.post(reverse("admin:operations_narrative_changelist"), several)
    assert "Readers see it." in answer.content.decode()
    assert Narrative.objects.count() == 3

    withdraw(report, admin_user)
    unschedule(later, admin_user)
    for text in (report, draft, later):
        url = reverse("admin:operations_narrative_delete", args=[text.pk])
        assert admin_client.post(url, {"post": "yes"}).status_code == 302
    assert Narrative.objects.count() == 0


def test_an_operation_with_editions_is_not_deleted(admin_client, admin_user, peru):
    release(peru, admin_user)
    url = reverse("admin:operations_operation_delete", args=[peru.pk])
    assert "Cannot delete operation" in admin_client.post(url, {"post": "yes"}).content.decode()
    several = {"action": "delete_selected", "post": "yes", "_selected_action": [peru.pk]}
    admin_client.post(reverse("admin:operations_operation_changelist"), several)
    assert Operation.objects.filter(pk=peru.pk).exists()


def test_a_wrong_key_figure_is_refused_at_its_field_with_what_might_be_meant(editor, report):
    page = editor.get(change_url(report))
    changes = {"key_figures-1-value": "52,9960", section_field(page, "unmet-needs"): "<p>New.</p>"}
    response = editor.post(change_url(report), filled(page, **changes))
    formset = response.context["inline_admin_formsets"][1].formset
    assert formset.forms[1].errors == {
        "value": [
            "“52,9960” groups its digits in a way that could mean several numbers: a comma stands before every "
            "three digits. Did you mean 529,960 or 52,996?"
        ]
    }
    html = response.content.decode()
    assert 'value="52,9960"' in html and "&lt;p&gt;New.&lt;/p&gt;" in html
    assert "Did you mean 529,960 or 52,996?" in html
    assert Edition.objects.count() == 0
    assert [figure.value for figure in report.key_figures.all()] == ["300,000", "70,000"]


def test_what_is_pasted_from_word_comes_out_clean(editor, report):
    pasted = (
        '<p class="MsoNormal" style="margin:0"><b>Half</b>\u00a0went <span lang="EN-GB">without</span>.<o:p></o:p></p>'
        "<p>·\u00a0\u00a0 one</p><p>·\u00a0\u00a0 two</p><p>&nbsp;</p>"
    )
    page = editor.get(change_url(report))
    changes = {
        section_field(page, "unmet-needs"): pasted,
        "key_figures-0-value": "\u00a0300,000 ",
        "key_figures-0-text": "people\u00a0helped\r\nwith\u200b cash ",
        "key_figures-0-source": " Registry\u00a0office",
    }
    editor.post(change_url(report), filled(page, **changes))
    assert report.sections.get().body == (
        "<p><strong>Half</strong> went without.</p><ul><li>one</li><li>two</li></ul>"
    )
    figure = report.key_figures.first()
    assert (figure.value, figure.text, figure.source) == (
        "300,000",
        "people helped with cash",
        "Registry office",
    )


@pytest.mark.parametrize(
    ("moves", "order"),
    [
        ({"key_figures-1-order": 1}, ["b", "a", "c"]),
        ({"key_figures-0-order": 3}, ["b", "c", "a"]),
        ({"key_figures-1-order": ""}, ["a", "c", "b"]),
        ({"key_figures-3-value": "4", "key_figures-3-text": "d"}, ["a", "b", "c", "d"]),
        (
            {"key_figures-3-value": "4", "key_figures-3-text": "d", "key_figures-3-order": 2},
            ["a", "d", "b", "c"],
        ),
        ({"key_figures-0-DELETE": "on"}, ["b", "c"]),
    ],
)
def test_a_key_figure_goes_where_its_number_says(editor, report, moves, order):
    report.key_figures.all().delete()
    for number, text in enumerate("abc", 1):
        KeyFigure.objects.create(narrative=report, order=number, value=str(number), text=text)
    page = editor.get(change_url(report))
    editor.post(change_url(report), filled(page, **moves))
    assert [figure.text for figure in report.key_figures.all()] == order
    if "key_figures-0-DELETE" not in moves:
        assert [figure.order for figure in report.key_figures.all()] == list(range(1, len(order) + 1))


def measures(text):
    return [(figure.text, figure.measure) for figure in text.key_figures.all()]


@pytest.fixture
def measured(report):
    report.key_figures.all().delete()
    for number, (text, measure) in enumerate((("a", "cash"), ("b", "relief"), ("c", "")), 1):
        KeyFigure.objects.create(
            narrative=report, order=number, value=str(number), text=text, measure=measure
        )
    return report


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ({"key_figures-2-measure": " Legal Aid "}, [("a", "cash"), ("b", "relief"), ("c", "legal-aid")]),
        (
            {"key_figures-0-measure": "relief", "key_figures-1-measure": "cash"},
            [("a", "relief"), ("b", "cash"), ("c", "")],
        ),
        (
            {"key_figures-0-measure": "", "key_figures-2-measure": "cash"},
            [("a", ""), ("b", "relief"), ("c", "cash")],
        ),
        ({"key_figures-0-DELETE": "on", "key_figures-2-measure": "cash"}, [("b", "relief"), ("c", "cash")]),
        (
            {"key_figures-0-measure": "relief", "key_figures-1-DELETE": "on"},
            [("a", "relief"), ("c", "")],
        ),
    ],
)
def test_a_key_figure_is_given_a_measure(editor, measured, typed, kept):
    editor.post(change_url(measured), filled(editor.get(change_url(measured)), **typed))
    assert measures(measured) == kept


@pytest.mark.parametrize(
    ("typed", "row", "said"),
    [
        ({"key_figures-2-measure": "Cash"}, 2, "Another key figure of this text has this measure already."),
        (
            {"key_figures-3-value": "4", "key_figures-3-text": "d", "key_figures-3-measure": "relief"},
            3,
            "Another key figure of this text has this measure already.",
        ),
        (
            {"key_figures-2-measure": "–"},
            2,
            "“–” has no letter or digit. Write a short name such as people-registered.",
        ),
    ],
)
def test_a_measure_that_cannot_be_kept_is_an_error_in_its_field(editor, measured, typed, row, said):
    before = measures(measured)
    page = editor.post(change_url(measured), filled(editor.get(change_url(measured)), **typed))
    formset = page.context["inline_admin_formsets"][1].formset
    assert formset.forms[row].errors == {"measure": [said]}
    assert [form.errors for number, form in enumerate(formset.forms) if number != row and form.errors] == []
    assert measures(measured) == before


def test_measures_of_the_operation_are_offered(editor, measured):
    plan = factories.narrative(measured.operation, year=2021, kind="plan")
    factories.key_figure(plan, measure="cash")
    factories.key_figure(plan, measure="schools")
    other = factories.narrative(factories.operation("TCD"))
    factories.key_figure(other, measure="wells")
    page = editor.get(change_url(plan)).content.decode()
    assert re.findall(r'<option value="([^"]*)"', page[page.index('<datalist id="measures"') :])[:3] == [
        "cash",
        "relief",
        "schools",
    ]
    assert '<option value="wells"' not in page
    assert page.count('list="measures"') == 6  # two rows, three empty ones, and the one that is copied


# --- Editions that are released later ----------------------------------------------------------------


@pytest.fixture
def later():
    return timezone.now() + dt.timedelta(days=3)


def test_a_text_that_is_released_later_says_when_and_what_readers_see_until_then(
    editor, ana, peru, report, later
):
    release(peru, ana)
    release(report, ana)
    report.key_figures.first().delete()
    release(report, ana, at=later)
    when = f"{date_format(later, 'j F Y')}, {date_format(later, 'H:i')} UTC"
    page = editor.get(change_url(report))
    assert f"Edition 2 will be released on {when}; until then readers see edition 1." in words(
        page.content.decode()
    )
    response = editor.post(change_url(report), filled(page), follow=True)
    assert said(response) == [f"Nothing has changed since edition 2, which will be released on {when}."]
    editions = editor.get(reverse("admin:operations_edition_changelist"), {"state": "scheduled"})
    assert [edition.number for edition in editions.context["cl"].result_list] == [2]
    assert f"released on {when}" in words(editions.content.decode())


# --- Operations --------------------------------------------------------------------------------------


def test_saving_an_operation_with_its_offices(editor, peru):
    page = editor.get(change_url(peru))
    office = {
        "offices-0-name": "Lima",
        "offices-0-kind": "country_office",
        "offices-0-is_public": "on",
        "offices-TOTAL_FORMS": 1,
    }
    response = editor.post(change_url(peru), filled(page, countries=["PE"], **office), follow=True)
    assert said(response) == ["Saved as edition 1, not yet released."]
    assert [office["name"] for office in Edition.objects.get().content["offices"]] == ["Lima"]
    assert [str(country.code) for country in Operation.objects.get().countries] == ["PE"]


def test_a_changed_office_makes_an_edition_of_the_profile(editor, peru):
    office = Office.objects.create(operation=peru, name="Lima")
    page = editor.get(change_url(office))
    editor.post(change_url(office), filled(page, name="Lima Centro"))
    editor.post(change_url(office, "delete"), {"post": "yes"})
    made = Edition.objects.order_by("number")
    assert [[office["name"] for office in edition.content["offices"]] for edition in made] == [
        ["Lima Centro"],
        [],
    ]


# --- The grids of figures ----------------------------------------------------------------------------


@pytest.fixture
def figures(peru):
    refugees = PopulationType.objects.get(code="REF")
    PopulationFigure.objects.create(operation=peru, year=2019, people=867_821)
    PopulationFigure.objects.create(operation=peru, year=2019, type=refugees, people=4332, source="Registry")
    pillar = Pillar.objects.get(code="P1")
    for amount, status in (("100", "original"), ("20496332.32", "final"), ("200", "current")):
        FinancialFigure.objects.create(
            operation=peru, year=2019, measure="budget", amount_usd=Decimal(amount), status=status
        )
    FinancialFigure.objects.create(
        operation=peru, year=2019, measure="budget", pillar=pillar, amount_usd=Decimal("20496332.00")
    )
    return change_url(peru, "figures")


@pytest.fixture
def reviewer(client, peru):
    client.force_login(staff("rev", "Reviewers"))
    return client


def typed(response, **changes):
    form = response.context["form"]
    return {cell.name: cell.text for cell in form.cells if cell.is_open} | {
        name.replace("__", "-"): value for name, value in changes.items()
    }


def test_the_grids_show_people_and_money_by_year(reviewer, figures):
    form = reviewer.get(figures).context["form"]
    assert form.years == [2019, 2020]
    assert [cell.text for cell in form.people[0].cells] == ["867,821", ""]
    assert [(row.label, [cell.text for cell in row.cells]) for row in form.totals] == [
        ("Budget", ["20,496,332.32", ""]),
        ("Funds available", ["", ""]),
        ("Expenditure", ["", ""]),
    ]
    assert form.totals[0].cells[0].status == "final"
    assert [row.label for row in form.pillars[0].rows][:2] == [
        "Pillar 1: refugee programme",
        "Pillar 2: stateless programme",
    ]
    assert form.notes == [
        "People 2019: the total is 863,489 more than its parts together, 4,332.",
        "Budget 2019: the total is 0.32 more than its parts together, 20,496,332.00.",
    ]


def test_the_grids_save_numbers_reasons_and_empty_cells(reviewer, figures, peru):
    data = typed(
        reviewer.get(figures),
        **{
            "people__2019__total": "",
            "people__2020__total": "1557276",
            "people__2019__REF": "4,400",
            "budget__2019__total": "Withheld",
            "budget__2020__total": "$48,625,534.17",
            "expenditure__2020__total": "not yet known",
        },
    )
    response = reviewer.post(figures, data, follow=True)
    assert said(response) == [
        "Saved as edition 1, not yet released.",
        left_to_do(peru, "3 warnings to answer"),
    ]
    people = PopulationFigure.objects.order_by("year", "type")
    assert list(people.values_list("year", "type__code", "people", "source")) == [
        (2019, "REF", 4400, "Registry"),
        (2020, None, 1_557_276, ""),
    ]
    money = FinancialFigure.objects.filter(pillar=None).order_by("year", "measure", "status")
    assert list(money.values_list("year", "measure", "status", "amount_usd", "missing_reason")) == [
        (2019, "budget", "current", Decimal(200), ""),
        (2019, "budget", "final", None, "withheld"),
        (2019, "budget", "original", Decimal(100), ""),
        (2020, "budget", "current", Decimal("48625534.17"), ""),
        (2020, "expenditure", "current", None, "not_yet_known"),
    ]


def test_one_wrong_cell_saves_nothing_and_keeps_all_that_was_typed(reviewer, figures):
    data = typed(
        reviewer.get(figures),
        people__2020__total="52,9960",
        people__2020__REF="soon",
        budget__2020__total="1.234",
        expenditure__2020__total="5,000",
    )
    before = list(FinancialFigure.objects.values_list())
    response = reviewer.post(figures, data)
    errors = {cell.name: cell.error for cell in response.context["form"].errors}
    assert errors.keys() == {"people-2020-total", "people-2020-REF", "budget-2020-total"}
    assert errors["people-2020-total"].endswith("Did you mean 529,960 or 52,996?")
    assert errors["people-2020-REF"] == (
        "“soon” is neither a number nor a reason. Write a number such as 1,557,276, or one of: "
        "not yet known, the operation did not exist, withheld, not published."
    )
    html = response.content.decode()
    assert 'id="people-2020-total" value="52,9960"' in html and 'value="5,000"' in html
    assert 'aria-describedby="people-2020-total-error"' in html
    assert list(FinancialFigure.objects.values_list()) == before
    assert Edition.objects.count() == 0


def test_field_editors_enter_people_and_only_read_money(editor, figures):
    page = editor.get(figures)
    assert b'name="people-2019-total"' in page.content
    assert b'name="budget-2019-total"' not in page.content and b"20,496,332.32" in page.content
    editor.post(figures, typed(page, people__2020__total="5", budget__2019__total="1"))
    assert PopulationFigure.objects.filter(year=2020, people=5).exists()
    assert not FinancialFigure.objects.filter(amount_usd=Decimal(1)).exists()


@pytest.mark.parametrize("number", ["9" * 5000, "٩" * 5000, "9" * 20])
def test_numbers_of_thousands_of_digits_are_no_fault_of_the_server(
    reviewer, figures, ana, peru, report, number
):
    record(peru, ana)
    assert reviewer.post(figures, typed(reviewer.get(figures), seen=number)).status_code == 302
    page = reviewer.get(change_url(report))
    data = filled(page, **{"sections-0-type": number, "seen": number})
    response = reviewer.post(change_url(report), data)
    assert response.status_code == 200
    assert response.context["errors"]


def test_long_histories_are_paged_by_years(reviewer, peru):
    for year in range(2005, 2021):
        PopulationFigure.objects.create(operation=peru, year=year, people=year)
    url = change_url(peru, "figures")
    form = reviewer.get(url).context["form"]
    assert (form.years, form.earlier) == (list(range(2014, 2022)), 2006)
    form = reviewer.get(url, {"from": "2006"}).context["form"]
    assert form.years == list(range(2006, 2006 + COLUMNS))
    assert (form.earlier, form.later) == (1998, 2014)
    assert reviewer.get(url, {"from": "soon"}).context["form"].years == list(range(2014, 2022))


@pytest.mark.parametrize("years", [1, 8])
def test_the_grids_cost_the_same_for_few_and_many_figures(reviewer, django_assert_num_queries, peru, years):
    for year in range(2013, 2013 + years):
        PopulationFigure.objects.create(operation=peru, year=year, people=year)
        for kind in PopulationType.objects.all():
            PopulationFigure.objects.create(operation=peru, year=year, people=1, type=kind)
        for measure in FinancialFigure.Measure:
            FinancialFigure.objects.create(operation=peru, year=year, measure=measure, amount_usd=Decimal(1))
    # Session, user, rights, groups' rights; the operation; six times on which operations the user may do what; people,
    # money, types, pillars; the newest edition, the public one, one to come, whether there is a public page; who has the
    # form open (three); the checks (the profile with its parts, what is public, answers); the steps of its review.
    with django_assert_num_queries(30):
        reviewer.get(change_url(peru, "figures"))


# --- Editions ----------------------------------------------------------------------------------------


def test_an_edition_is_read_and_never_changed(editor, admin_client, ana, peru, report, figures):
    for edition, expected in (
        (release(report, ana), ["Unmet needs", "Needs.", "300,000", "people helped", "released"]),
        (record(peru, ana), ["867,821", "20,496,332.32", "Budget", "draft"]),
    ):
        for client in (editor, admin_client):
            response = client.get(change_url(edition))
            text = words(response.content.decode())
            assert [word for word in expected if word not in text] == []
            assert client.post(change_url(edition), {}).status_code == 403
            assert client.get(change_url(edition, "delete")).status_code == 403
        assert editor.get(reverse("admin:operations_edition_add")).status_code == 403


@pytest.mark.parametrize(
    ("state", "numbers"), [("public", [2]), ("replaced", [1]), ("draft", [3]), ("withdrawn", [])]
)
def test_editions_are_filtered_by_what_readers_see(editor, ana, report, state, numbers):
    for number in range(3):
        report.sections.update(body=f"<p>{number}</p>")
        (release if number < 2 else record)(report, ana)
    response = editor.get(reverse("admin:operations_edition_changelist"), {"state": state})
    assert [edition.number for edition in response.context["cl"].result_list] == numbers


@pytest.mark.parametrize(
    "model", ["operation", "narrative", "edition", "populationfigure", "financialfigure", "office"]
)
def test_lists_cost_the_same_for_one_row_and_for_many(
    admin_client, admin_user, django_assert_max_num_queries, model, peru, chad, report, figures
):
    url = reverse(f"admin:operations_{model}_changelist")
    for operation in (peru, chad):
        Office.objects.create(operation=operation, name="Main")
        release(operation, admin_user)
    with django_assert_max_num_queries(30) as first:
        assert admin_client.get(url).status_code == 200
    for operation in (peru, chad):
        for year in range(2010, 2019):
            text = Narrative.objects.create(operation=operation, year=year, kind="plan")
            release(text, admin_user)
            Office.objects.create(operation=operation, name=f"Office {year}")
            PopulationFigure.objects.create(operation=operation, year=year, people=5)
            FinancialFigure.objects.create(
                operation=operation, year=year, measure="budget", amount_usd=Decimal(5)
            )
    before = len(first)
    with django_assert_max_num_queries(before):
        assert admin_client.get(url).status_code == 200


# --- In a browser ------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_reviewer_signs_in_writes_and_releases(page):
    peru = Operation.objects.create(code="PER", slug="peru", name_en="Peru", first_year=2020)
    PopulationFigure.objects.create(operation=peru, year=2020, people=1_557_276)
    release(peru, staff("rev", "Reviewers", peru))
    page.goto("/admin/")
    page.get_by_label("Username").fill("rev")
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Write Peru 2020").nth(1).click()
    editor = page.locator(".tiptap").and_(page.get_by_role("textbox", name="Operational context"))
    editor.click()
    page.keyboard.type("Half of them went without in 2020.")
    page.get_by_role("textbox", name="Figure", exact=True).first.fill("52,9960")
    page.get_by_role("textbox", name="What it counts").first.fill("people given cash")
    page.get_by_role("button", name="Save and release…").click()
    assert "Did you mean 529,960 or 52,996?" in page.get_by_role("main").inner_text()
    page.get_by_role("textbox", name="Figure", exact=True).first.fill("52,996")
    page.get_by_role("button", name="Save and release…").click()
    assert "Half of them went without in 2020." in page.locator(".first-release").text_content()
    page.get_by_role("button", name="Release", exact=True).click()
    assert "Released as edition 1; readers see it now." in page.get_by_role("main").inner_text()
    (edition,) = Edition.objects.released().filter(kind="year_end")
    assert [section["body"] for section in edition.content["sections"]] == [
        "<p>Half of them went without in 2020.</p>"
    ]
    assert [figure["value"] for figure in edition.content["key_figures"]] == ["52,996"]


@pytest.mark.django_db(transaction=True)
def test_the_figures_are_entered_without_a_script(new_page):
    peru = Operation.objects.create(code="PER", slug="peru", name_en="Peru")
    staff("ana", "Field editors", peru)
    page = new_page(java_script_enabled=False, viewport={"width": 360, "height": 740})
    page.goto("/admin/")
    page.get_by_label("Username").fill("ana")
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Figures Peru").click()
    page.get_by_label("All people 2026").or_(page.locator("#people-2026-total")).first.fill("not yet known")
    page.get_by_role("button", name="Save", exact=True).click()
    assert "Saved as edition 1, not yet released." in page.get_by_role("main").inner_text()
    assert PopulationFigure.objects.get().missing_reason == "not_yet_known"


def test_staff_and_readers_are_shown_the_same_of_several_figures(admin_client, client, peru):
    money = {"operation": peru, "year": 2020, "measure": "budget"}
    FinancialFigure.objects.create(**money, status="current", amount_usd=Decimal("5.00"))
    FinancialFigure.objects.create(**money, status="final", missing_reason="not_yet_known")
    release(peru, None)
    assert client.get("/operations/peru/2020/").context["money"].budget.number == Decimal("5.00")
    (line,) = admin_client.get(reverse("admin:index")).context["lines"]
    assert [year.budget for year in line.years if year.year == 2020] == [Decimal("5.00")]
    form = admin_client.get(change_url(peru, "figures")).context["form"]
    assert [cell.text for cell in form.cells if cell.instance] == ["5.00"]
