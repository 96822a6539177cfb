"""Every saved version of a text or profile: listed, compared, restored."""

import datetime as dt
from decimal import Decimal

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from operations.admin.pages import ZONE_COOKIE
from operations.admin.versions import as_readers_saw
from operations.editions import freeze, record, release, request_changes, send_for_review, withdraw
from operations.models import Edition, PopulationType, Section, SectionType, Step
from operations.states import State
from tests import factories
from tests.operations.test_admin import filled
from tests.reading import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def peru():
    return factories.operation("PER", slug="peru")


@pytest.fixture
def chad():
    """Not one of Ana's operations."""
    return factories.operation("TCD", slug="chad", name_en="Chad")


@pytest.fixture
def ana(peru):
    return factories.user("ana", groups=("Field editors",), on=[peru])


@pytest.fixture
def rosa():
    return factories.user("rosa", groups=("Reviewers",))


@pytest.fixture
def editor(client, ana):
    client.force_login(ana)
    return client


@pytest.fixture
def report(peru):
    text = factories.narrative(peru, sections={"unmet-needs": "<p>Nine schools have no roof.</p>"})
    factories.key_figure(text, "52,996", text="people given cash", editor_note="From the partners.")
    return text


def url(obj, page="versions"):
    return reverse(f"admin:operations_{obj._meta.model_name}_{page}", args=[obj.pk])


def write(text, body, figure=None):
    text.sections.update(body=f"<p>{body}</p>")
    if figure:
        row = text.key_figures.first()
        row.value = figure
        row.save()


def rows(response):
    return [
        (version.edition.number, version.state, version.shown) for version in response.context["versions"]
    ]


# --- The list ----------------------------------------------------------------------------------------


def test_every_saved_version_is_listed_with_who_when_and_what_became_of_it(editor, ana, rosa, report, peru):
    release(peru, rosa)
    release(report, rosa)
    write(report, "Eleven schools have no roof.", "52,960")
    send_for_review(report, ana, "Please check the cash figure.")
    request_changes(report, rosa, "It is 52,996.")
    write(report, "Twelve schools have no roof.", "52,996")
    release(report, rosa, note="The number of schools was wrong.", is_correction=True)
    page = words(editor.get(url(report)))
    assert "3 versions, the newest first" in page
    assert "Sent for review ana" in page
    assert "Please check the cash figure." in page
    assert "Changes requested rosa" in page
    assert "Correction. The number of schools was wrong." in page
    response = editor.get(url(report))
    shown = rows(response)
    assert [(number, state) for number, state, _words in shown] == [
        (3, State.RELEASED),
        (2, State.DRAFT),
        (1, None),
    ]
    assert shown[0][2].startswith("public since ")
    assert shown[1][2] == ""
    assert shown[2][2].startswith("was public from ")


DAY = dt.timedelta(days=1)
NOW = dt.datetime(2026, 6, 10, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("number", "released", "withdrawn", "expected"),
    [
        (3, None, None, (State.DRAFT, "")),
        (3, NOW + DAY, None, (State.SCHEDULED, "set for 11 June 2026, 12:00 UTC")),
        (3, NOW - DAY, None, (State.RELEASED, "public since 9 June 2026, 12:00 UTC")),
        (3, NOW, None, (State.RELEASED, "public since 10 June 2026, 12:00 UTC")),
        (
            1,
            NOW - 3 * DAY,
            None,
            (None, "was public from 7 June 2026, 12:00 UTC to 8 June 2026, 12:00 UTC"),
        ),
        (1, NOW - DAY, None, (None, "never public: another edition had taken its place")),
        (
            3,
            NOW - 2 * DAY,
            NOW - DAY,
            (State.WITHDRAWN, "was public from 8 June 2026, 12:00 UTC to 9 June 2026, 12:00 UTC"),
        ),
        (
            1,
            NOW - 3 * DAY,
            NOW - DAY,
            (State.WITHDRAWN, "was public from 7 June 2026, 12:00 UTC to 8 June 2026, 12:00 UTC"),
        ),
    ],
)
def test_an_edition_says_from_when_to_when_readers_saw_it(number, released, withdrawn, expected):
    edition = Edition(number=number, released_at=released, withdrawn_at=withdrawn)
    assert as_readers_saw(edition, [(2, NOW - 2 * DAY)], NOW, "UTC") == expected


def test_times_stand_in_the_zone_of_who_reads_them_and_in_utc(editor, rosa, report):
    edition = release(report, rosa)
    Edition.objects.filter(pk=edition.pk).update(released_at=dt.datetime(2026, 1, 5, 8, tzinfo=dt.UTC))
    editor.cookies[ZONE_COOKIE] = "Europe/Zurich"
    assert "public since 5 January 2026, 09:00 CET (08:00 UTC)" in words(editor.get(url(report)))


def test_an_edition_stays_public_until_the_time_that_a_newer_one_is_set_for():
    edition = Edition(number=1, released_at=NOW - DAY)
    assert as_readers_saw(edition, [(2, NOW + DAY)], NOW, "UTC")[0] == State.RELEASED


def test_a_withdrawn_version_says_why_and_what_readers_are_told(editor, rosa, report):
    release(report, rosa)
    withdraw(report, rosa, reason="no_longer_true", notice="The schools have roofs now.")
    page = words(editor.get(url(report)))
    assert ": no longer true. The schools have roofs now." in page


def test_the_log_tells_beside_a_version_what_its_save_changed(editor, ana, rosa, report):
    record(report, ana)
    kind = ContentType.objects.get_for_model(report)
    for message in ("Changed Text for section Unmet needs.", ""):
        LogEntry.objects.create(
            user=ana, content_type=kind, object_id=str(report.pk), action_flag=CHANGE, change_message=message
        )
    write(report, "Ten.")
    record(report, rosa)
    newest, first = editor.get(url(report)).context["versions"]
    assert [entry.change_message for entry in first.log] == ["Changed Text for section Unmet needs."]
    assert newest.log == []


def test_the_log_names_no_office_to_who_may_not_see_offices(client, peru):
    """An office that is added in the form stands in the log by its name; the rest of the same save is told."""
    boss = factories.user("boss", is_superuser=True)
    record(peru, boss)
    client.force_login(boss)
    office = {
        "offices-TOTAL_FORMS": "1",
        "offices-0-name": "Zqhidden",
        "offices-0-kind": "field_office",
        "offices-0-operation": str(peru.pk),
    }
    page = client.get(url(peru, "change"))
    client.post(url(peru, "change"), filled(page, notice_en="The border is closed.", **office))
    page = client.get(url(peru, "change"))
    client.post(url(peru, "change"), filled(page, **{"offices-0-name": "Zqhidden store"}))
    assert [office.is_public for office in peru.offices.all()] == [False]

    told = words(client.get(url(peru)))
    assert "Changed Notice [en]. Added office “Zqhidden”." in told
    assert "Changed Name for office “Zqhidden store”." in told
    for name, groups, sees in (("fin", ("Finance",), False), ("vera", ("Viewers",), True)):
        client.force_login(factories.user(name, groups=groups, on=[peru]))
        told = words(client.get(url(peru)))
        assert ("Zqhidden" in told) == sees
        assert "Changed Notice [en]." in told


def test_hundreds_of_versions_are_paged_and_cost_the_same_as_three(editor, ana, report):
    for number in range(3):
        write(report, f"Version {number}.")
        record(report, ana)
    editor.get(url(report))
    with CaptureQueriesContext(connection) as few:
        editor.get(url(report))
    for number in range(3, 60):
        write(report, f"Version {number}.")
        send_for_review(report, ana, f"Comment {number}.")
    with CaptureQueriesContext(connection) as many:
        response = editor.get(url(report))
    assert len(many) <= len(few)
    assert [line.edition.number for line in response.context["versions"]] == list(range(60, 40, -1))
    last = editor.get(url(report), {"p": 3})
    assert [line.edition.number for line in last.context["versions"]] == list(range(20, 0, -1))
    assert "content" in response.context["versions"][0].edition.get_deferred_fields()


def test_two_versions_of_different_pages_are_compared_and_stay_chosen(editor, ana, report):
    for number in range(30):
        write(report, f"Version {number}.")
        record(report, ana)
    page = editor.get(url(report), {"p": 2, "a": 1, "b": 30})
    assert "Edition 30, on another page of this list" in words(page)
    assert "From edition 1 to edition 30" in words(page)
    assert "?p=1&amp;a=1&amp;b=30" in page.content.decode()


def test_the_history_of_a_form_is_its_versions(editor, report, peru):
    for obj in (report, peru):
        response = editor.get(url(obj, "history"))
        assert (response.status_code, response["Location"]) == (302, url(obj))
        record(obj, None)
        form = editor.get(url(obj, "change")).content.decode()
        assert f'href="{url(obj)}"' in form
        assert url(obj, "history") not in form


def test_an_edition_leads_to_the_versions_of_its_text_for_who_sees_it(editor, client, report, peru):
    for obj in (report, peru):
        edition = record(obj, None)
        page = editor.get(reverse("admin:operations_edition_change", args=[edition.pk]))
        assert f'href="{url(obj)}"' in page.content.decode()


# --- Compare -----------------------------------------------------------------------------------------


def test_the_public_version_is_compared_with_the_newest_unless_others_are_chosen(editor, rosa, report):
    release(report, rosa)
    for body, figure in (("Ten schools.", "52,960"), ("Eleven schools.", "52,996")):
        write(report, body, figure)
        record(report, rosa)
    usual = words(editor.get(url(report)))
    assert "From edition 1 to edition 3" in usual
    assert "52,960" not in usual
    chosen = words(editor.get(url(report), {"a": "2", "b": "3"}))
    assert "From edition 2 to edition 3" in chosen
    assert "Key figure: people given cash 52,960 52,996" in chosen


def test_the_newest_version_is_compared_with_the_one_before_where_it_is_public(editor, rosa, report):
    record(report, rosa)
    write(report, "Ten schools.")
    release(report, rosa)
    assert "From edition 1 to edition 2" in words(editor.get(url(report)))


def test_staff_compare_what_readers_never_see_too(editor, ana, report):
    record(report, ana)
    report.key_figures.update(editor_note="From the ministry.")
    record(report, ana)
    page = words(editor.get(url(report)))
    assert "From the partners. From the ministry." in page


def test_staff_compare_the_name_of_the_operation_before_only_where_they_see_it(editor, ana, rosa, peru, chad):
    record(peru, ana)
    peru.predecessor = chad
    peru.save()
    record(peru, rosa)
    assert "TCD" not in words(editor.get(url(peru)))
    assert "TCD" not in words(editor.get(f"{url(peru, 'restore')}?edition=1"))
    release(chad, rosa)
    assert "TCD" in words(editor.get(url(peru)))
    withdraw(chad, rosa)
    assert "TCD" not in words(editor.get(url(peru)))
    editor.force_login(rosa)
    assert "TCD" in words(editor.get(url(peru)))


def test_nothing_is_compared_where_there_is_one_version_or_none(editor, report, peru):
    assert "Nothing has been saved yet." in words(editor.get(url(report)))
    record(report, None)
    assert "There is only one version" in words(editor.get(url(report)))


@pytest.mark.parametrize(
    "query", [{"a": "3"}, {"b": "9" * 30}, {"a": "x"}, {"a": "-1"}, {"a": "1", "b": "²"}]
)
def test_what_is_no_version_of_this_text_cannot_be_compared(editor, ana, report, chad, query):
    other = factories.narrative(chad, sections={"unmet-needs": "<p>Secret.</p>"})
    for text in (report, other):
        record(text, ana)
    for _ in range(5):
        write(other, f"Secret {_}.")
        record(other, ana)
    assert editor.get(url(report), query).status_code == 404


@pytest.mark.parametrize("page", ["versions", "restore", "history"])
def test_texts_and_operations_of_others_have_no_versions_to_read(editor, ana, chad, page):
    text = factories.narrative(chad, sections={"unmet-needs": "<p>Secret.</p>"})
    for obj in (text, chad):
        record(obj, None)
        for response in (
            editor.get(url(obj, page) + "?edition=1"),
            editor.post(url(obj, page) + "?edition=1"),
        ):
            assert response.status_code == 404


def test_finance_reads_no_versions_of_texts(client, report):
    client.force_login(factories.user("fin", groups=("Finance",)))
    record(report, None)
    assert client.get(url(report)).status_code in (403, 404)


# --- Restore -----------------------------------------------------------------------------------------


def test_an_older_version_is_restored_as_the_draft_with_its_sections_and_figures(
    editor, ana, rosa, report, peru
):
    release(peru, rosa)
    first = release(report, rosa)
    write(report, "Nothing is left of it.", "1")
    factories.key_figure(report, "9", text="wells dug")
    second = record(report, rosa)
    asked = editor.get(url(report, "restore") + "?edition=1")
    page = words(asked)
    assert "Restore edition 1 as the draft?" in page
    assert "Key figure: people given cash 1 52,996" in page
    assert freeze(report) == second.content
    answer = editor.post(url(report, "restore") + "?edition=1", {"seen": "2"}, follow=True)
    assert freeze(report) == first.content
    third = Edition.objects.of(report).first()
    assert (third.number, third.content, third.made_by, third.released_at) == (3, first.content, ana, None)
    assert (
        "Edition 1 is restored: it is the draft again, as edition 3. "
        "It is not released: readers go on seeing edition 1." in words(answer)
    )
    report.refresh_from_db()
    assert report.updated_by == ana
    step = Step.objects.get(kind=Step.Kind.RESTORED)
    assert (step.edition, step.by, step.text) == (third, ana, "Edition 1")


def test_restoring_asks_again_where_somebody_saved_meanwhile(editor, rosa, report):
    for body in ("One.", "Two.", "Three."):
        write(report, body)
        record(report, rosa)
    answer = editor.post(url(report, "restore") + "?edition=1", {"seen": "2"})
    assert answer.status_code == 200
    assert "Nothing was restored: rosa saved edition 3 meanwhile." in words(answer)
    assert report.sections.get().body == "<p>Three.</p>"
    assert 'name="seen" value="3"' in answer.content.decode()


def test_without_what_was_seen_nothing_is_restored(editor, rosa, report):
    record(report, rosa)
    write(report, "Two.")
    record(report, rosa)
    editor.post(url(report, "restore") + "?edition=1")
    assert report.sections.get().body == "<p>Two.</p>"


def test_a_version_whose_heading_is_gone_is_not_restored_and_nothing_changes(editor, rosa, report):
    heading = SectionType.objects.create(code="old-heading", heading_en="Old heading", in_year_end=True)
    Section.objects.create(narrative=report, type=heading, body="<p>Old.</p>")
    record(report, rosa)
    report.sections.filter(type=heading).delete()
    heading.delete()
    write(report, "New.")
    draft = record(report, rosa)
    answer = editor.post(url(report, "restore") + "?edition=1", {"seen": "2"})
    assert "Nothing was restored. The section heading “old-heading” no longer exists." in words(answer)
    assert freeze(report) == draft.content
    assert Edition.objects.of(report).count() == 2
    assert not Step.objects.exists()


def test_the_draft_itself_is_not_restored(editor, rosa, report):
    record(report, rosa)
    page = words(editor.get(url(report, "restore") + "?edition=1"))
    assert "The draft holds the same as edition 1: there is nothing to restore." in page


def test_who_only_reads_restores_nothing(client, report, rosa):
    record(report, rosa)
    write(report, "Two.")
    record(report, rosa)
    client.force_login(factories.user("vera", groups=("Viewers",)))
    assert "Restore as the draft" not in words(client.get(url(report)))
    for answer in (
        client.get(url(report, "restore") + "?edition=1"),
        client.post(url(report, "restore") + "?edition=1", {"seen": "2"}),
    ):
        assert answer.status_code == 403
        assert "You may not do all of that with: narratives, sections and key figures." in words(answer)
    assert report.sections.get().body == "<p>Two.</p>"


@pytest.fixture
def profile(peru, rosa):
    """Two versions of Peru's profile, the first released."""
    factories.office(peru, name="Lima")
    factories.office(peru, name="Hidden", is_public=False)
    factories.population(peru, 2020, "REF", people=4332)
    factories.finance(peru, amount_usd=Decimal("48625534.17"))
    first = release(peru, rosa)
    peru.offices.all().delete()
    peru.population_figures.update(people=4302)
    peru.financial_figures.all().delete()
    peru.notice_en, peru.code = "A new notice.", "PERU"
    peru.save()
    return first, record(peru, rosa)


def test_an_operation_gets_its_offices_and_figures_back(client, rosa, peru, profile):
    first, _second = profile
    client.force_login(rosa)
    page = words(client.get(url(peru)))
    assert "4,332 4,302" in page
    assert "Hidden" in page
    client.post(url(peru, "restore") + "?edition=1", {"seen": "2"})
    peru.refresh_from_db()
    restored = freeze(peru)
    assert {**restored, "code": "PER"} == first.content
    assert restored["code"] == "PERU"  # the code stays
    assert sorted(office.name for office in peru.offices.all()) == ["Hidden", "Lima"]
    assert peru.population_figures.get().people == 4332
    assert peru.financial_figures.get().amount_usd == Decimal("48625534.17")
    assert Edition.objects.of(peru).released().get() == first


@pytest.mark.parametrize(
    ("group", "missing"),
    [
        ("Finance", "operations, offices and population figures"),
        ("Field editors", "financial figures"),
    ],
)
def test_a_profile_is_restored_only_by_who_may_change_everything_in_it(client, peru, profile, group, missing):
    client.force_login(factories.user("someone", groups=(group,), on=[peru]))
    assert f"You may not do all of that with: {missing}." in words(client.get(url(peru)))
    answer = client.post(url(peru, "restore") + "?edition=1", {"seen": "2"})
    assert answer.status_code == 403
    assert f"You may not do all of that with: {missing}." in words(answer)
    assert freeze(peru) == profile[1].content


def test_who_may_change_rows_but_neither_add_nor_delete_them_restores_nothing(client, peru, profile):
    models = ("operation", "office", "populationfigure", "financialfigure")
    named = [f"{action}_{model}" for model in models for action in ("view", "change")]
    changers = factories.group("Changers", *named, "delete_office", "add_office", "add_populationfigure")
    account = factories.user("someone")
    factories.role(account, changers, [peru])
    client.force_login(account)
    answer = client.post(url(peru, "restore") + "?edition=1", {"seen": "2"})
    assert answer.status_code == 403
    assert "You may not do all of that with: population figures and financial figures." in words(answer)
    assert freeze(peru) == profile[1].content


def test_a_region_that_is_gone_leaves_the_profile_as_it_is(client, rosa, peru):
    kind = PopulationType.objects.create(code="OLD", name_en="Old type")
    factories.population(peru, 2020, "OLD", people=5)
    record(peru, rosa)
    peru.population_figures.all().delete()
    kind.delete()
    factories.office(peru)
    record(peru, rosa)
    client.force_login(rosa)
    answer = client.post(url(peru, "restore") + "?edition=1", {"seen": "2"})
    assert "“OLD” no longer exists" in words(answer)
    assert [office.name for office in peru.offices.all()] == ["Lima"]


def test_a_set_time_stays_and_is_said(editor, rosa, report):
    record(report, rosa)
    write(report, "Two.")
    release(report, rosa, at=timezone.now() + DAY)
    answer = editor.post(url(report, "restore") + "?edition=1", {"seen": "2"}, follow=True)
    assert "It is not released: readers see nothing of it. Edition 2 stays set to be released on " in words(
        answer
    )
