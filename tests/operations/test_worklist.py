"""The work list: what is due, where each text stands, whose it is, and its file."""

import csv
import datetime as dt
import io
import re

import pytest
from django.urls import reverse
from django.utils import timezone

from operations.due import Due, can_begin, due, due_day, is_asked, years_due
from operations.editions import record, release, request_changes, send_for_review, withdraw
from operations.models import Operation, Region
from operations.states import State
from operations.translating import translate
from tests import factories

URL = "/admin/operations/work-list/"
NEEDS = {"unmet-needs": "<p>Needs.</p>"}


# --- What is due ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "today", "expected"),
    [
        ("plan", dt.date(2026, 12, 16), Due.LATER),
        ("plan", dt.date(2026, 12, 17), Due.SOON),
        ("plan", dt.date(2026, 12, 31), Due.SOON),
        ("plan", dt.date(2027, 1, 1), Due.OVERDUE),
        ("year_end", dt.date(2028, 3, 16), Due.LATER),
        ("year_end", dt.date(2028, 3, 17), Due.SOON),
        ("year_end", dt.date(2028, 3, 31), Due.SOON),
        ("year_end", dt.date(2028, 4, 1), Due.OVERDUE),
        ("year_end", dt.date(2029, 4, 1), Due.OVERDUE),
        ("year_end", dt.date(2029, 4, 2), None),
    ],
)
def test_the_texts_of_2027_are_due_at_the_end_of_the_year_before_and_in_the_year_after(kind, today, expected):
    assert due(kind, 2027, today) is expected


@pytest.mark.parametrize("plan", [(1, 5), (12, 31)])
@pytest.mark.parametrize("year_end", [(1, 1), (3, 31), (12, 31)])
@pytest.mark.parametrize("today", [dt.date(2026, 1, 1), dt.date(2026, 6, 1), dt.date(2026, 12, 31)])
def test_no_text_of_another_year_is_overdue_or_due_soon(settings, plan, year_end, today):
    settings.DUE_PLAN, settings.DUE_YEAR_END = plan, year_end
    found = {
        year
        for year in range(2010, 2040)
        for kind in ("plan", "year_end")
        if due(kind, year, today) in {Due.OVERDUE, Due.SOON}
    }
    assert found <= set(years_due(today)) and len(years_due(today)) <= 5


def test_the_days_are_those_of_the_settings(settings):
    settings.DUE_PLAN, settings.DUE_YEAR_END = (11, 15), (2, 28)
    assert due_day("plan", 2027) == dt.date(2026, 11, 15)
    assert due_day("year_end", 2027) == dt.date(2028, 2, 28)


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({}, [2019, 2020, 2021, 2022]),
        ({"first_year": 2020, "last_year": 2021}, [2020, 2021]),
        ({"first_year": 2021}, [2021, 2022]),
        ({"last_year": 2019}, [2019]),
        ({"is_active": False}, []),
    ],
)
def test_an_operation_is_asked_for_the_years_in_which_it_existed(fields, asked):
    operation = Operation(code="PER", **fields)
    assert [year for year in range(2019, 2023) if is_asked(operation, year)] == asked


def test_a_plan_can_begin_at_any_time_and_a_report_after_its_year():
    new_year = dt.date(2027, 1, 1)
    assert [can_begin(kind, 2026, new_year) for kind in ("plan", "year_end")] == [True, True]
    assert [can_begin(kind, 2027, new_year) for kind in ("plan", "year_end")] == [True, False]


# --- The table ------------------------------------------------------------------------------------------

pytestmark = pytest.mark.django_db


@pytest.fixture
def peru():
    return factories.operation()


@pytest.fixture
def rosa(peru):
    return factories.user("rosa", groups=("Reviewers",), on=[peru])


@pytest.fixture
def reviewer(client, rosa):
    client.force_login(rosa)
    return client


def text(operation, year=2020, kind="year_end", language="en", by=None):
    narrative = factories.narrative(operation, year, kind, sections=NEEDS, language=language)
    record(narrative, by)
    return narrative


def rows(client, **query):
    """The file: (operation, year, kind, language) → (state, out of date, due)."""
    response = client.get(URL, {"format": "csv", **query})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    return {
        (row["code"], row["year"], row["kind"], row["language"]): (
            row["state"],
            row["out_of_date"],
            row["due"],
        )
        for row in csv.DictReader(io.StringIO(response.content.decode()))
    }


def states(client, **query):
    return {key[1:]: state for key, (state, _out, _due) in rows(client, **query).items()}


def test_each_text_has_its_state_and_what_is_missing_is_said(reviewer, peru, rosa):
    release(peru, rosa)
    release(text(peru, 2020), rosa)
    send_for_review(text(peru, 2021, "plan"), rosa)
    returned = text(peru, 2021)
    send_for_review(returned, rosa)
    request_changes(returned, rosa, "Name the source.")
    gone = text(peru, 2019)
    release(gone, rosa)
    withdraw(gone, rosa)
    later = timezone.now() + dt.timedelta(days=3)
    release(text(peru, 2019, "plan"), rosa, later)
    changed = text(peru, 2020, "plan")
    release(changed, rosa)
    changed.sections.update(body="<p>New.</p>")
    record(changed, rosa)
    assert states(reviewer, year=["2019", "2020", "2021"]) == {
        ("", "profile", "en"): "released",
        ("2021", "plan", "en"): "in review",
        ("2021", "year-end report", "en"): "changes requested",
        ("2020", "plan", "en"): "released, newer draft",
        ("2020", "year-end report", "en"): "released",
        ("2019", "plan", "en"): "release set for a time",
        ("2019", "year-end report", "en"): "withdrawn",
    }


def test_what_nobody_wrote_is_missing_once_it_is_due_and_not_yet_due_before(reviewer, peru):
    year = timezone.localdate().year
    assert rows(reviewer, year=[str(year - 3), str(year), str(year + 2)], kind="plan") == {
        ("PER", str(year + 2), "plan", "en"): ("not yet due", "no", "not yet due"),
        ("PER", str(year), "plan", "en"): ("missing", "no", "overdue"),
        ("PER", str(year - 3), "plan", "en"): ("missing", "no", ""),
    }


def test_what_was_due_more_than_a_year_ago_is_missing_without_a_red_mark(reviewer, peru):
    text(peru, 2019)
    page = reviewer.get(URL, {"year": ["2018", "2019"], "kind": "year_end"})
    assert [(t["number"], str(t["label"])) for t in page.context["totals"]] == [(1, "missing"), (1, "draft")]
    assert "overdue" not in re.sub(r"<form.*?</form>", "", page.content.decode(), flags=re.DOTALL)
    (line,) = csv.DictReader(
        io.StringIO(reviewer.get(URL, {"year": "2018", "kind": "year_end", "format": "csv"}).content.decode())
    )
    assert (line["due_on"], line["due"]) == ("2019-03-31", "")


def test_the_list_begins_with_next_year_this_and_last_and_the_newest_of_its_texts_before(client, peru):
    client.force_login(factories.user("vi", groups=("Viewers",)))
    year = timezone.localdate().year
    first = [year + 1, year, year - 1]

    def years(**query):
        return [year for year, _kinds in client.get(URL, query).context["columns"]]

    assert years() == first
    text(peru, 2018)
    text(peru, 2019, "plan")
    colombia = factories.operation("COL")
    assert (years(), years(operation=colombia.pk)) == ([*first, 2019], first)
    text(peru, year, "plan")  # such as a copy of last year’s
    assert years() == first
    assert years(year="2018") == [2018]
    assert years(due="soon") == years(due="overdue") == years_due(timezone.localdate())
    assert {*first, year - 2} <= set(years(due="overdue"))
    assert years(due="later") == first
    assert years(state="in_review") == years(review="on") == first
    send_for_review(text(peru, 2010), None)
    assert years(state="in_review") == years(review="on") == [2010]
    assert years(state="in_review", operation=colombia.pk) == first


def test_an_operation_is_not_asked_for_years_before_it_began(reviewer, peru):
    Operation.objects.update(first_year=2020, last_year=2020)
    assert set(states(reviewer, year=["2019", "2020", "2021"], kind="plan")) == {("2020", "plan", "en")}


def test_a_draft_of_what_is_due_is_overdue_and_what_is_released_in_any_language_is_not(reviewer, peru, rosa):
    year = timezone.localdate().year
    operation = factories.operation("COL")
    factories.role(rosa, "Reviewers", [operation])
    text(peru, year, "plan")
    release(text(operation, year, "plan", language="es"), rosa)
    assert rows(reviewer, year=[str(year)], kind="plan") == {
        ("PER", str(year), "plan", "en"): ("draft", "no", "overdue"),
        ("COL", str(year), "plan", "es"): ("released", "no", ""),
    }


def test_languages_are_those_in_use_unless_one_is_asked_for(reviewer, peru, rosa):
    release(text(peru), rosa)
    shown = {"year": "2020", "kind": "year_end"}
    assert states(reviewer, **shown) == {("2020", "year-end report", "en"): "released"}
    assert states(reviewer, **shown, language="ar") == {("2020", "year-end report", "ar"): "missing"}
    source = text(peru, 2018)
    release(source, rosa)
    translate(source, "fr", rosa)
    assert {key[2] for key in states(reviewer, year=["2018", "2020"], kind="year_end")} == {"en", "fr"}


def test_a_translation_that_nobody_began_is_offered_and_missing_only_where_its_language_is_asked_for(
    reviewer, peru, rosa
):
    release(text(peru, 2019), rosa)
    source = text(peru, 2020)
    release(source, rosa)
    text(peru, 2018)
    query = {"year": ["2018", "2019", "2020"], "kind": "year_end"}
    released = {("2018", "year-end report", "en"): "draft"} | {
        (year, "year-end report", "en"): "released" for year in ("2019", "2020")
    }
    assert states(reviewer, **query) == released
    assert "Translate into" not in reviewer.get(URL, query).content.decode()
    translate(source, "fr", rosa)
    assert states(reviewer, **query) == released | {("2020", "year-end report", "fr"): "draft"}
    page = reviewer.get(URL, query)
    assert page.content.decode().count(">Translate into French<") == 1
    assert {str(t["label"]): t["number"] for t in page.context["totals"]} == {"draft": 2, "released": 2}
    assert "Translate into" not in reviewer.get(URL, {**query, "state": "released"}).content.decode()
    assert states(reviewer, **query, language="fr") == {
        ("2018", "year-end report", "fr"): "not yet due",
        ("2019", "year-end report", "fr"): "missing",
        ("2020", "year-end report", "fr"): "draft",
    }


def test_a_translation_that_is_behind_its_source_is_out_of_date_beside_its_state(reviewer, peru, rosa):
    source = text(peru)
    release(source, rosa)
    french, _new = translate(source, "fr", rosa)
    release(french, rosa)
    source.sections.update(body="<p>New.</p>")
    release(source, rosa)
    shown = {"year": "2020", "kind": "year_end"}
    assert rows(reviewer, **shown)["PER", "2020", "year-end report", "fr"] == ("released", "yes", "")
    assert set(rows(reviewer, **shown, state="out_of_date")) == {("PER", "2020", "year-end report", "fr")}
    assert len(rows(reviewer, **shown, state="released")) == 2


def test_only_the_operations_whose_texts_somebody_reads_are_there(client, peru):
    hidden = factories.operation("COL")
    secret = text(hidden, 2020, language="ar")
    client.force_login(factories.user("ana", groups=("Field editors",), on=[peru]))
    page = client.get(URL, {"operation": hidden.pk, "year": "2020"})
    assert {code for code, *_rest in rows(client)} == {"PER"}
    html = page.content.decode()
    assert (
        "Colombia" not in html and reverse("admin:operations_narrative_change", args=[secret.pk]) not in html
    )
    assert page.context["page"].paginator.count == 1
    assert "Arabic</span>" not in html  # what is in use elsewhere is nobody's business


def test_who_reads_no_texts_has_no_work_list(client, peru):
    client.force_login(factories.user("fin", groups=("Finance",)))
    assert client.get(URL).status_code == 403
    assert URL not in client.get("/admin/").content.decode()
    client.logout()
    assert client.get(URL).status_code == 302


def test_the_start_page_leads_to_it(reviewer):
    assert (
        f'<a href="{URL}">Work list: every text, year and language</a>'
        in reviewer.get("/admin/").content.decode()
    )


def test_each_cell_leads_to_its_form_or_to_writing_or_translating_it(reviewer, peru, rosa):
    source = text(peru, 2020)
    release(source, rosa)
    html = reviewer.get(URL, {"year": ["2019", "2020"], "kind": "year_end"}).content.decode()
    assert f'href="{reverse("admin:operations_narrative_change", args=[source.pk])}"' in html
    assert f"?operation={peru.pk}&amp;year=2019&amp;kind=year_end&amp;language=en" in html
    html = reviewer.get(URL, {"year": "2020", "kind": "year_end", "language": "fr"}).content.decode()
    action = reverse("admin:operations_narrative_translate", args=[source.pk])
    assert re.search(
        rf'action="{action}".*?name="language" value="fr">Translate into French<', html, re.DOTALL
    )


def test_who_only_reads_is_offered_nothing_to_write(client, peru, rosa):
    release(text(peru, 2020), rosa)
    client.force_login(factories.user("vi", groups=("Viewers",), on=[peru]))
    html = client.get(URL, {"year": ["2019", "2020"], "language": "fr"}).content.decode()
    assert ">Write<" not in html and "Translate into" not in html


def test_each_cell_says_since_when_and_by_whom(reviewer, peru, rosa):
    ana = factories.user("ana")
    waiting = text(peru, 2020, by=ana)
    send_for_review(waiting, ana)
    release(text(peru, 2020, "plan", by=ana), rosa)
    response = reviewer.get(URL, {"year": "2020", "format": "csv"})
    found = {row["kind"]: row for row in csv.DictReader(io.StringIO(response.content.decode()))}
    assert {kind: row["by"] for kind, row in found.items()} == {
        "profile": "",
        "plan": "rosa",
        "year-end report": "ana",
    }
    assert found["plan"]["since"].startswith(timezone.now().strftime("%Y-%m-%dT"))
    html = reviewer.get(URL, {"year": "2020"}).content.decode()
    day = timezone.now().strftime("%-d %b %Y")
    assert re.findall(r"<small>([^<]+)</small>", html) == [f"{day}, rosa", f"{day}, ana"]


# --- Filters and totals -----------------------------------------------------------------------------------


def shown(client, **query):
    return [
        operation.code
        for _region, lines in client.get(URL, query).context["regions"]
        for operation, *_ in lines
    ]


@pytest.fixture
def world(client):
    """Three operations of two regions, and a viewer of all."""
    client.force_login(factories.user("vi", groups=("Viewers",)))
    first, second = Region.objects.all()[:2]
    inner = Region.objects.create(code="INNER", name_en="Inner", parent=second, order=999)
    made = [
        factories.operation("TCD", name_en="Chad", region=first),
        factories.operation("PER", region=second),
        factories.operation("ARG", name_en="Argentina", region=second),
        factories.operation("COL", region=inner),
        factories.operation("GLO", name_en="Global", region=None),
    ]
    return {operation.code: operation for operation in made}


def test_operations_stand_by_region_and_name(client, world):
    assert shown(client) == ["TCD", "ARG", "PER", "COL", "GLO"]


def test_a_region_has_the_operations_of_the_regions_in_it(client, world):
    assert shown(client, region=world["PER"].region_id) == ["ARG", "PER", "COL"]
    assert shown(client, region=world["COL"].region_id) == ["COL"]
    assert shown(client, operation=world["TCD"].pk) == ["TCD"]


def test_states_and_what_is_due_narrow_the_operations_to_those_that_have_such_a_text(client, world):
    release(text(world["PER"], 2020), None)
    text(world["COL"], 2020)
    year = {"year": "2020"}
    assert shown(client, **year, state="released") == ["PER"]
    assert shown(client, **year, state="draft", kind="year_end") == ["COL"]
    assert shown(client, **year, due="overdue", kind="year_end") == []
    last = {"year": str(timezone.localdate().year), "kind": "plan", "due": "overdue"}
    release(text(world["PER"], int(last["year"]), "plan"), None)
    assert shown(client, **last) == ["TCD", "ARG", "COL", "GLO"]
    assert shown(client, **year, state="scheduled") == []
    assert set(rows(client, **year, state="released")) == {("PER", "2020", "year-end report", "en")}


def test_totals_count_what_is_shown_and_each_leads_to_what_it_counts(client, world):
    year = timezone.localdate().year
    release(text(world["PER"], year, "plan"), None)
    text(world["COL"], year, "plan")
    query = {"year": str(year), "kind": "plan"}

    def counted(address, query=None):
        totals = client.get(address, query).context["totals"]
        return {str(total["label"]): total["number"] for total in totals}, totals

    all_of_it, totals = counted(URL, query)
    assert all_of_it == {"missing": 3, "draft": 1, "released": 1, "overdue": 4}
    expected = [
        (["TCD", "ARG", "GLO"], {"missing": 3, "overdue": 3}),
        (["COL"], {"draft": 1, "overdue": 1}),
        (["PER"], {"released": 1}),
        (["TCD", "ARG", "COL", "GLO"], {"missing": 3, "draft": 1, "overdue": 4}),
    ]
    for total, (codes, then) in zip(totals, expected, strict=True):
        response = client.get(URL + total["url"])
        found = [operation.code for _region, lines in response.context["regions"] for operation, *_ in lines]
        assert found == codes
        narrowed, here = counted(URL + total["url"])
        assert narrowed == then
        (chosen,) = [t for t in here if t["is_current"]]
        assert counted(URL + chosen["url"])[0] == all_of_it
    overdue_drafts = client.get(URL, {**query, "due": "overdue", "state": "draft"}).context["totals"]
    assert [(t["number"], t["is_current"]) for t in overdue_drafts] == [(1, True), (1, True)]


def test_a_total_beside_the_chosen_state_leads_nowhere(reviewer, peru, rosa):
    source = text(peru)
    release(source, rosa)
    release(translate(source, "fr", rosa)[0], rosa)
    source.sections.update(body="<p>New.</p>")
    release(source, rosa)
    totals = reviewer.get(URL, {"year": "2020", "kind": "year_end", "state": "released"}).context["totals"]
    assert [(str(t["label"]), t["number"], bool(t["url"])) for t in totals] == [
        ("released", 2, True),
        ("out of date", 1, False),
    ]


def test_the_regions_to_choose_from_are_those_of_the_operations_that_somebody_sees(client, world):
    inner = world["COL"].region
    client.force_login(factories.user("ana", groups=("Field editors",), on=[world["COL"]]))
    choices = client.get(URL).context["form"].fields["region"].choices
    assert choices == [("", "any"), (str(inner.parent_id), inner.parent.name), (str(inner.pk), "Inner")]
    client.force_login(factories.user("gil", groups=("Field editors",), on=[world["GLO"]]))
    assert client.get(URL).context["form"].fields["region"].choices == [("", "any")]


def test_what_waits_for_my_review_is_what_i_may_release(client, peru, rosa, settings):
    other = factories.operation("COL")
    ana = factories.user("ana", groups=("Field editors",), on=[peru, other])
    factories.role(rosa, "Viewers")
    for operation in (peru, other):
        send_for_review(text(operation, by=ana), ana)
    own = text(peru, 2020, "plan", by=rosa)
    send_for_review(own, rosa)
    send_for_review(text(other, 2020, "plan", by=ana), ana)
    client.force_login(rosa)
    totals = client.get(URL, {"year": "2020", "review": "on"}).context["totals"]
    assert [(str(t["label"]), t["number"]) for t in totals] == [
        ("in review", 2),
        ("waiting for my review", 2),
    ]
    waiting = {("PER", "2020", "year-end report", "en"), ("PER", "2020", "plan", "en")}
    assert set(rows(client, year="2020", review="on")) == waiting
    settings.FOUR_EYES = True
    assert set(rows(client, year="2020", review="on")) == {("PER", "2020", "year-end report", "en")}
    client.force_login(ana)
    assert rows(client, year="2020", review="on") == {}


@pytest.mark.parametrize(
    "query",
    [
        "year=x",
        "year=99999",
        "state=gone",
        "operation=0",
        "region=abc",
        "page=99",
        "kind=%00",
        "language=tlh",
        "due=1",
    ],
)
def test_what_is_not_known_narrows_nothing(reviewer, query):
    response = reviewer.get(f"{URL}?{query}")
    assert (response.status_code, response.context["page"].paginator.count) == (200, 1)


def test_the_file_is_safe_to_open_and_has_all_pages(client):
    client.force_login(factories.user("vi", groups=("Viewers",)))
    for count in range(30):
        factories.operation(f"C{count}", name_en="=1+1" if count == 0 else f"Operation {count}")
    response = client.get(URL, {"format": "csv", "kind": "profile"})
    found = list(csv.DictReader(io.StringIO(response.content.decode())))
    assert len(found) == 30
    assert next(row["operation"] for row in found if row["code"] == "C0") == "'=1+1"
    assert re.search(r'filename="work-list-\d{4}-\d\d-\d\d\.csv"', response["Content-Disposition"])
    assert [len(shown(client, page=page)) for page in (1, 2)] == [25, 5]


def test_the_key_of_the_states_has_a_mark_for_each():
    assert len({state.mark for state in State}) == len(State)


@pytest.mark.parametrize("operations", [1, 40])
def test_it_costs_the_same_for_one_operation_and_for_many(client, operations, django_assert_num_queries):
    made = [factories.operation(f"C{count}") for count in range(operations)]
    ana = factories.user("ana", groups=("Field editors", "Reviewers"), on=made)
    for operation in made:
        source = text(operation, by=ana)
        release(source, ana)
        send_for_review(translate(source, "fr", ana)[0], ana)
    client.force_login(ana)
    for query in ({}, {"format": "csv"}):
        # session, user, five rights, years, choices of operations and regions, the newest year, operations, texts,
        # editions, steps
        with django_assert_num_queries(15 if query else 17):
            client.get(URL, query)
