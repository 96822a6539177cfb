"""The public pages of operations: exact figures, nothing unreleased, a fixed number of queries."""

import datetime as dt
import re
from decimal import Decimal
from uuid import UUID

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.formats import date_format

from contributions import sums
from contributions.models import Contribution, Donor, ImportBatch
from operations.editions import record, release, withdraw
from operations.models import (
    FinancialFigure,
    KeyFigure,
    Narrative,
    Office,
    Operation,
    PopulationFigure,
    PopulationType,
    Region,
    Section,
    SectionType,
)
from tests.reading import words, words_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept():
    cache.clear()


def make_operation(code="PER", name="Peru", **more):
    return Operation.objects.create(
        **{
            "code": code,
            "slug": name.lower().replace(" ", "-"),
            "name_en": name,
            "region": Region.objects.get(code="AME"),
            "countries": "PE",
            "latitude": Decimal("-10"),
            "longitude": Decimal("-75"),
            **more,
        }
    )


def make_text(operation, year=2020, kind="year_end", language="en", body="<p>Needs of the year.</p>"):
    narrative = Narrative.objects.create(operation=operation, year=year, kind=kind, language=language)
    code = "unmet-needs" if kind == "year_end" else "key-priorities"
    Section.objects.create(narrative=narrative, type=SectionType.objects.get(code=code), body=body)
    KeyFigure.objects.create(narrative=narrative, order=1, value="125", text=f"units of {year}")
    return narrative


def make_contributions(count):
    batch = ImportBatch.objects.create(table="contributions.contribution", released_at=timezone.now())
    for number in range(count):
        donor = Donor.objects.create(name_en=f"Donor {number}", kind="government", may_be_named=True)
        Contribution.objects.create(
            donor=donor, date=dt.date(2021, 1, 1) + dt.timedelta(days=number), budget_year=2021, key=UUID(int=number),
            amount_usd=Decimal(100 + number), batch=batch, operation=Operation.objects.first(),
        )  # fmt: skip
    sums.make(batch)


# --- What is public -------------------------------------------------------------------------------


def test_an_operation_without_a_released_profile_is_not_found(client):
    operation = make_operation()
    release(make_text(operation), None)
    record(operation, None)
    assert client.get("/operations/peru/2020/").status_code == 404
    assert client.get("/operations/peru/").status_code == 404
    assert "Peru" not in words(client.get("/operations/"))
    assert "Peru" not in words(client.get("/"))


def test_an_unreleased_draft_is_not_shown_and_its_year_is_not_found(client):
    operation = make_operation()
    release(operation, None)
    release(make_text(operation, 2020), None)
    record(make_text(operation, 2021, body="<p>Secret of 2021</p>"), None)
    page = client.get("/operations/peru/2020/")
    assert page.context["page"].years == [2020]
    assert client.get("/operations/peru/2021/").status_code == 404
    assert "Secret" not in page.content.decode()


def test_what_was_changed_after_the_release_is_not_shown(client):
    operation = make_operation()
    PopulationFigure.objects.create(operation=operation, year=2020, people=10)
    text = make_text(operation)
    release(operation, None)
    release(text, None)
    operation.population_figures.update(people=11)
    Operation.objects.update(name_en="Renamed")
    text.sections.all().delete()
    record(operation, None)
    record(text, None)
    shown = words(client.get("/operations/peru/2020/"))
    assert "10 people at the end of 2020" in shown
    assert "Needs of the year." in shown
    assert "Renamed" not in shown
    assert "Renamed" not in words(client.get("/operations/?year=2020"))


def test_a_private_office_and_a_note_to_editors_are_on_no_page(client):
    operation = make_operation()
    Office.objects.create(operation=operation, name="Lima", latitude=Decimal("-12"), longitude=Decimal("-77"))
    Office.objects.create(operation=operation, name="Hidden house", is_public=False)
    text = make_text(operation)
    text.key_figures.update(editor_note="Hidden note")
    release(operation, None)
    release(text, None)
    shown = client.get("/operations/peru/2020/").content.decode()
    assert "Lima" in shown
    assert "Hidden" not in shown


def test_a_withdrawn_text_is_gone_at_once(client):
    operation = make_operation()
    release(operation, None)
    text = make_text(operation)
    release(text, None)
    assert client.get("/operations/peru/2020/").status_code == 200
    withdraw(text, None)
    assert client.get("/operations/peru/2020/").status_code == 410


def test_a_release_shows_on_the_start_page_at_once(client):
    operation = make_operation()
    PopulationFigure.objects.create(operation=operation, year=2020, people=10)
    FinancialFigure.objects.create(operation=operation, year=2020, measure="budget", amount_usd=Decimal(7))
    release(operation, None)
    assert "$7 for 2020" in words(client.get("/"))
    operation.financial_figures.update(amount_usd=Decimal(8))
    release(operation, None)
    assert "$8 for 2020" in words(client.get("/"))


def test_a_predecessor_is_named_as_it_was_released_and_not_at_all_before(client):
    before = make_operation("ARG", "Argentina", countries="AR")
    peru = make_operation(predecessor=before, first_year=2019)
    release(peru, None)
    assert "Argentina" not in client.get("/operations/peru/").content.decode()
    release(before, None)
    Operation.objects.filter(pk=before.pk).update(name_en="Draft name")
    release(peru, None)
    assert "Before 2019, Peru was reported under Argentina." in words(client.get("/operations/peru/"))
    assert "Since 2019, Peru is reported on a page of its own." in words(client.get("/operations/argentina/"))
    withdraw(before, None)
    shown = client.get("/operations/peru/").content.decode()
    assert "Argentina" not in shown
    assert "Draft name" not in shown


# --- The page of a year ---------------------------------------------------------------------------


def test_the_own_address_shows_the_newest_year(client):
    operation = make_operation()
    for year in (2019, 2021):
        release(make_text(operation, year), None)
    FinancialFigure.objects.create(operation=operation, year=2022, measure="budget", amount_usd=Decimal(5))
    release(operation, None)
    page = client.get("/operations/peru/").context["page"]
    assert (page.year, page.years) == (2022, [2022, 2021, 2019])


def test_key_figures_are_the_years_and_the_next_plans(client):
    operation = make_operation()
    release(operation, None)
    for year, kind in ((2020, "year_end"), (2020, "plan"), (2021, "plan"), (2021, "year_end")):
        release(make_text(operation, year, kind), None)
    shown = client.get("/operations/peru/2020/").context["key_figures"]
    assert [(title, [f["text"] for f in figures]) for title, _text, figures in shown] == [
        ("Year-end 2020", ["units of 2020"]),
        ("Planned for 2021", ["units of 2021"]),
    ]


def measured(operation, kind, *figures, year=2020, language="en"):
    """A text with key figures, each of a measure, a value and what it counts."""
    text = make_text(operation, year, kind, language)
    text.key_figures.all().delete()
    for order, (measure, value, counts) in enumerate(figures, 1):
        KeyFigure.objects.create(narrative=text, order=order, measure=measure, value=value, text=counts)
    return text


def key_figures_of(client, address="/operations/peru/2020/"):
    page = client.get(address).content.decode()
    return words_of(page[page.index('<section id="key-figures"') : page.index('<section id="people"')])


def test_plan_and_year_end_of_one_measure_are_a_pair(client):
    operation = make_operation()
    release(operation, None)
    plan = measured(
        operation,
        "plan",
        ("cash", "4,000", "households to be given cash"),
        ("schools", "90%", "of children to be in school"),
        ("wells", "12", "wells to be dug"),
        ("", "30", "agreements"),
    )
    plan.key_figures.filter(measure="cash").update(source="Plan of Lima")
    release(plan, None)
    release(
        measured(
            operation,
            "year_end",
            ("", "30", "agreements"),
            ("schools", "87.5%", "of children were in school"),
            ("cash", "4,364", "households given cash"),
            ("camps", "7", "camps"),
        ),
        None,
    )
    assert key_figures_of(client) == (
        "Key figures Plan and year-end 2020"
        " of children were in school Planned 90% of children to be in school Year-end 87.5%"
        " 2.5 percentage points below the plan"
        " households given cash Planned 4,000 households to be given cash Source: Plan of Lima Year-end 4,364"
        " 109% of the plan"
        " How this is calculated"
        " Year-end 2020 30 agreements 7 camps"
    )
    release(make_text(operation, 2019), None)
    assert key_figures_of(client, "/operations/peru/2019/") == (
        "Key figures Year-end 2019 125 units of 2019 Planned for 2020 4,000 households to be given cash Source: Plan of Lima"
        " 90% of children to be in school 12 wells to be dug 30 agreements"
    )


def test_a_pair_needs_both_texts_released(client):
    operation = make_operation()
    release(operation, None)
    plan = measured(operation, "plan", ("cash", "4,000", "households to be given cash"))
    report = measured(operation, "year_end", ("cash", "4,364", "households given cash"))
    record(plan, None)
    release(report, None)
    alone = "Key figures Year-end 2020 4,364 households given cash"
    assert key_figures_of(client) == alone
    release(plan, None)
    assert key_figures_of(client) == (
        "Key figures Plan and year-end 2020 households given cash"
        " Planned 4,000 households to be given cash Year-end 4,364 109% of the plan How this is calculated"
    )
    withdraw(plan, None)
    assert key_figures_of(client) == alone


@pytest.mark.parametrize(
    ("planned", "reached", "said"),
    [
        ("4,000", "4,000", "100% of the plan"),
        ("4,000", "0", "0% of the plan"),
        ("US$2 million", "$3,000,000", "150% of the plan"),
        ("90%", "90%", "as planned"),
        ("90%", "91%", "1 percentage point above the plan"),
        ("90%", "110%", "20 percentage points above the plan"),
        ("0%", "0.5%", "0.5 percentage points above the plan"),
        ("> 4,000", "4,364", "– not compared: a figure is not exact"),
        ("4,000", "~ 4,364", "– not compared: a figure is not exact"),
        ("4,000", "40%", "– not compared: the units differ"),
        ("4,000", "US$4,000", "– not compared: the units differ"),
        ("0", "12", "– not compared: none was planned"),
    ],
)
def test_a_pair_says_how_the_year_end_stands_to_the_plan(client, planned, reached, said):
    operation = make_operation()
    release(operation, None)
    release(measured(operation, "plan", ("cash", planned, "given")), None)
    release(measured(operation, "year_end", ("cash", reached, "given")), None)
    assert key_figures_of(client).endswith(f" {said} How this is calculated")


def test_a_pair_is_printed_in_the_language_of_its_texts(client):
    operation = make_operation()
    release(operation, None)
    release(measured(operation, "plan", ("cash", "40,000", "households to be given cash")), None)
    for language in ("en", "fr"):
        counts = {"en": "households", "fr": "ménages"}[language]
        release(measured(operation, "year_end", ("cash", "43,640", counts), language=language), None)
    page = client.get("/fr/operations/peru/2020/").content.decode()
    assert '<bdi lang="en" dir="ltr">40,000</bdi>' in page
    assert '<span lang="en" dir="auto">households to be given cash</span>' in page
    assert '<p class="measured"><bdi>ménages</bdi></p>' in page
    assert '<dd class="value"><bdi>43\xa0640</bdi></dd>' in page
    assert "109\u202f% du plan" in page


def test_a_corrected_plan_is_told_of_where_its_figures_are_paired(client):
    operation = make_operation()
    release(operation, None)
    plan = measured(operation, "plan", ("cash", "4,000", "households"))
    release(plan, None)
    release(measured(operation, "year_end", ("cash", "4,364", "households")), None)
    plan.key_figures.update(value="4,100", number=4100)
    release(plan, None, is_correction=True)
    today = date_format(timezone.now(), "j F Y")
    assert key_figures_of(client) == (
        f"Key figures Plan and year-end 2020 Planned for 2020 · Corrected on {today}."
        " households Planned 4,100 Year-end 4,364 106% of the plan How this is calculated"
    )


def test_an_empty_section_does_not_appear(client):
    operation = make_operation()
    release(operation, None)
    text = make_text(operation)
    context = SectionType.objects.get(code="operational-context")
    Section.objects.create(narrative=text, type=context, body="<p> </p>")
    release(text, None)
    shown = words(client.get("/operations/peru/2020/"))
    assert "Unmet needs" in shown
    assert "Operational context" not in shown


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (150, 100, "150 people at the end of 2020; 100 a year before, in 2019: an increase of 50%."),
        (50, 100, "50 people at the end of 2020; 100 a year before, in 2019: a decrease of 50%."),
        (100, 100, "100 people at the end of 2020; 100 a year before, in 2019: no change."),
        (5, 0, "5 people at the end of 2020; 0 a year before, in 2019: an increase from none."),
        (100, None, "100 people at the end of 2020."),
        (0, None, "0 people at the end of 2020."),
    ],
)
def test_the_change_in_people_is_said_in_words(client, now, before, said):
    operation = make_operation()
    PopulationFigure.objects.create(operation=operation, year=2020, people=now)
    if before is not None:
        PopulationFigure.objects.create(operation=operation, year=2019, people=before)
    release(operation, None)
    assert said in words(client.get("/operations/peru/2020/"))


def test_zero_is_zero_and_missing_says_why(client):
    operation = make_operation(first_year=2019)
    FinancialFigure.objects.create(operation=operation, year=2020, measure="budget", amount_usd=Decimal(0))
    FinancialFigure.objects.create(
        operation=operation, year=2020, measure="expenditure", missing_reason="withheld"
    )
    FinancialFigure.objects.create(
        operation=operation, year=2019, measure="expenditure", amount_usd=Decimal(3)
    )
    release(operation, None)
    table = client.get("/operations/peru/2020/").context["money_chart"].table
    assert [[cell.text or cell.missing_reason for cell in row] for row in table.rows[-3:]] == [
        ["2018", "The operation did not exist", "The operation did not exist"],
        ["2019", "Not published", "3.00"],
        ["2020", "0.00", "Withheld"],
    ]


def test_the_final_figure_is_shown_rather_than_the_current_or_the_original(client):
    operation = make_operation()
    for status, amount in (("original", 1), ("final", 3), ("current", 2)):
        FinancialFigure.objects.create(
            operation=operation, year=2020, measure="budget", status=status, amount_usd=Decimal(amount)
        )
    release(operation, None)
    assert client.get("/operations/peru/2020/").context["money"].budget.number == Decimal("3.00")


def test_a_text_in_the_readers_language_is_preferred_to_english(client):
    operation = make_operation(name_fr="Pérou")
    release(operation, None)
    release(make_text(operation), None)
    release(make_text(operation, language="fr", body="<p>Les besoins.</p>"), None)
    french, spanish = (
        words(client.get("/fr/operations/peru/2020/")),
        words(client.get("/es/operations/peru/2020/")),
    )
    assert "Les besoins." in french
    assert "Pérou" in french
    assert "Needs of the year." in spanish
    assert '<div lang="en" dir="ltr">' in client.get("/es/operations/peru/2020/").content.decode()
    assert "Les besoins." not in words(client.get("/operations/peru/2020/"))


def test_the_page_by_pillar_has_its_own_address_and_leads_back(client):
    operation = make_operation()
    FinancialFigure.objects.create(operation=operation, year=2020, measure="budget", amount_usd=Decimal(5))
    release(operation, None)
    assert client.get("/operations/peru/2020/pillars/").status_code == 404
    assert "By pillar" not in words(client.get("/operations/peru/2020/"))
    pillar = FinancialFigure._meta.get_field("pillar").related_model.objects.get(code="P1")
    FinancialFigure.objects.create(
        operation=operation, year=2020, measure="budget", amount_usd=Decimal("3.5"), pillar=pillar
    )
    release(operation, None)
    assert 'href="/operations/peru/2020/pillars/"' in client.get("/operations/peru/2020/").content.decode()
    shown = words(client.get("/operations/peru/2020/pillars/"))
    assert "2020 3.50 1.50 5.00" in shown
    assert "Back to the totals" in shown


def test_an_operation_with_nothing_but_a_name_has_a_page(client):
    release(make_operation(latitude=None, longitude=None, countries="", region=None), None)
    for address in ("/", "/operations/", "/operations/peru/"):
        assert client.get(address).status_code == 200


def test_what_editors_type_cannot_become_markup(client):
    operation = make_operation(name_en="<script>alert(1)</script>", slug="x")
    operation.notice_en = "<img src=x onerror=alert(1)>"
    operation.save()
    Office.objects.create(
        operation=operation, name="<b>Lima</b>", latitude=Decimal("-12"), longitude=Decimal("-77")
    )
    type_ = PopulationType.objects.get(code="REF")
    PopulationFigure.objects.create(
        operation=operation, year=2020, people=3, type=type_, source="<i>source</i>"
    )
    release(operation, None)
    release(make_text(operation, body='<p onclick="x()">Hello<script>alert(2)</script></p>'), None)
    html = client.get("/operations/x/2020/").content.decode()
    assert "<script>" not in html
    assert "<img" not in html
    assert "<b>Lima" not in html
    assert "<i>source" not in html
    assert "onclick" not in html
    assert "<p>Hello</p>" in html


# --- Lists ----------------------------------------------------------------------------------------


def test_the_list_filters_by_year_region_and_name(client):
    peru = make_operation()
    chad = make_operation("TCD", "Chad", region=Region.objects.get(code="WCA"), countries="TD")
    for operation, people in ((peru, 10), (chad, 20)):
        PopulationFigure.objects.create(operation=operation, year=2020, people=people)
        PopulationFigure.objects.create(operation=operation, year=2019, people=people + 1)
        release(operation, None)

    def names(query):
        regions = client.get(f"/operations/?{query}").context["regions"]
        return [
            (group.name, [(row.profile.name, row.people.number) for row in group.rows]) for group in regions
        ]

    assert names("year=2020") == [
        ("West and Central Africa", [("Chad", 20)]),
        ("The Americas", [("Peru", 10)]),
    ]
    assert names("year=2019&region=AME") == [("The Americas", [("Peru", 11)])]
    assert names("year=2020&q=cha") == [("West and Central Africa", [("Chad", 20)])]
    assert names("year=2020&q=%00xyz") == []
    assert names("year=bad&region=bad") == names("year=2020")
    assert names("year=%D9%A2%D9%A0%D9%A2%D9%A0") == names("year=2020")  # 2020 in Arabic digits


def test_totals_say_how_many_operations_they_count(client):
    for code, name, people in (("PER", "Peru", 10), ("TCD", "Chad", None)):
        operation = make_operation(code, name)
        PopulationFigure.objects.create(
            operation=operation, year=2020, people=people, missing_reason="" if people else "withheld"
        )
        release(operation, None)
    assert "10 end of 2020, published for 1 of 2 operations" in words(client.get("/operations/?year=2020"))


def test_an_empty_site_has_pages(client):
    for address in ("/", "/operations/", "/contributions/", "/donors/", "/methodology/"):
        assert client.get(address).status_code == 200
    assert "No operation has been released yet." in words(client.get("/"))
    assert "No contribution has been released yet." in words(client.get("/"))


# --- The cost -------------------------------------------------------------------------------------


# How many queries each address takes.
COSTS = {
    # what is released, its content, successors; the money of the year: donors (and their names, where there
    # are any), earmarking, operations and their kinds; latest contributions and until when, their donors, their
    # allocations
    "/operations/peru/2000/": 12,
    "/operations/peru/": 12,
    # the same without contributions
    "/operations/peru/2000/pillars/": 3,
    # newest profiles, their content; latest contributions and until when, their donors, their allocations
    "/": 6,
    # and the regions
    "/operations/": 3,
    "/operations/?region=AME&sort=-budget&q=o": 3,
    "/regions/ame/": 3,
    # newest profiles, their content
    "/compare/?with=peru-2000&with=peru-2001": 2,
    # operations, donors and regions of the form; years, sums by donor; lines and until when, their donors,
    # allocations
    "/contributions/": 9,
    # and sums by earmarking and by day
    "/contributions/?year=2021": 11,
    # years, sums by donor and by member, donors, sums by earmarking and by day
    "/donors/": 6,
    # the donor; lines and until when, their donors, allocations; years, classes, members and their names, first, last,
    # earmarking, operations and their names
    "/donors/donor-0/": 14,
    "/methodology/": 0,
    # what the list of operations asks, less its map; the newest release; the lines
    "/about/data/": 4,
    "/accessibility/": 0,
    "/opensearch.xml": 0,
    "/nowhere/": 0,
    "/healthz": 1,
}


@pytest.mark.parametrize("rows", [1, 30])
def test_a_page_costs_the_same_for_one_row_and_for_many(client, rows):
    pillar = FinancialFigure._meta.get_field("pillar").related_model.objects.get(code="P1")
    for number in range(rows):
        operation = make_operation(
            *(("PER", "Peru") if number == 0 else (f"OP{number}", f"Operation {number}"))
        )
        if number:
            operation.predecessor = Operation.objects.get(code="PER")
            operation.save()
        Office.objects.create(
            operation=operation, name="Lima", latitude=Decimal("-12"), longitude=Decimal("-77")
        )
        for year in range(2000, 2000 + min(rows, 5)):
            PopulationFigure.objects.create(operation=operation, year=year, people=year)
            FinancialFigure.objects.create(
                operation=operation, year=year, measure="budget", amount_usd=Decimal(year), pillar=pillar
            )
        release(operation, None)
    for year in range(2000, 2000 + rows):
        release(make_text(Operation.objects.get(code="PER"), year), None)
    make_contributions(rows)
    found = {}
    for address in COSTS:
        cache.clear()
        with CaptureQueriesContext(connection) as asked:
            client.get(address)
        found[address] = len(asked)
    assert found == COSTS


def test_a_second_visit_to_a_list_reads_the_profiles_from_memory(client, django_assert_num_queries):
    release(make_operation(), None)
    client.get("/operations/")
    with django_assert_num_queries(2):  # which there are, and the regions
        client.get("/operations/")


# --- The frame ------------------------------------------------------------------------------------


def test_a_public_page_sets_no_cookie_and_forbids_inline_scripts_and_styles(client):
    release(make_operation(), None)
    response = client.get("/operations/peru/")
    assert not response.cookies
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    html = response.content.decode()
    assert "map.js" in html
    assert re.findall(r"<script(?![^>]* src=)", html) == []
    assert " style=" not in html


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options", "trace"])
def test_public_pages_are_for_reading_alone(method):
    strict = Client(enforce_csrf_checks=True)
    for address in ("/", "/operations/", "/operations/peru/", "/contributions/", "/donors/", "/methodology/"):
        assert getattr(strict, method)(address).status_code == 405


def test_a_page_is_compressed_for_a_poor_line(client):
    release(make_operation(), None)
    page = client.get("/operations/peru/", headers={"accept-encoding": "gzip"})
    assert page["Content-Encoding"] == "gzip"


def test_an_unknown_address_is_told_so_politely(client):
    response = client.get("/operations/atlantis/")
    assert response.status_code == 404
    assert "Page not found" in words(response)


def test_the_methodology_is_the_document_of_the_calculations(client):
    html = client.get("/methodology/").content.decode()
    assert '<h2 id="people">People</h2>' in html
    assert "an increase of 79%" in html


def test_the_health_check_answers_when_the_database_does(client):
    response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok")


# --- What a missing figure may not become -----------------------------------------------------------


def test_a_total_that_is_withheld_stays_withheld_whatever_its_parts_say(client):
    operation = make_operation()
    pillar = FinancialFigure._meta.get_field("pillar").related_model.objects.get(code="P1")
    money = {"operation": operation, "year": 2020, "measure": "budget"}
    FinancialFigure.objects.create(**money, missing_reason="withheld")
    FinancialFigure.objects.create(**money, amount_usd=Decimal(5), pillar=pillar)
    PopulationFigure.objects.create(operation=operation, year=2020, missing_reason="withheld")
    PopulationFigure.objects.create(
        operation=operation, year=2020, people=12, type=PopulationType.objects.get(code="REF")
    )
    release(operation, None)
    page = client.get("/operations/peru/2020/")
    assert (page.context["money"].budget.number, page.context["money"].budget.reason) == (None, "withheld")
    assert (page.context["people"].total.number, page.context["people"].total.reason) == (None, "withheld")


def test_an_amount_is_shown_before_a_final_figure_that_is_missing(client):
    operation = make_operation()
    money = {"operation": operation, "year": 2020, "measure": "budget"}
    FinancialFigure.objects.create(**money, amount_usd=Decimal(5), status="current")
    FinancialFigure.objects.create(**money, missing_reason="not_yet_known", status="final")
    release(operation, None)
    assert client.get("/operations/peru/2020/").context["money"].budget.number == Decimal("5.00")


def test_a_list_does_not_open_with_a_year_whose_budgets_are_missing(client):
    operation = make_operation()
    for year, amount in ((2020, Decimal(5)), (2021, None)):
        FinancialFigure.objects.create(
            operation=operation, year=year, measure="budget", amount_usd=amount,
            missing_reason="" if amount else "not_yet_known",
        )  # fmt: skip
    release(operation, None)
    assert client.get("/operations/").context["year"] == 2020


def test_nothing_left_over_is_zero_in_the_table_by_pillar(client):
    operation = make_operation()
    pillar = FinancialFigure._meta.get_field("pillar").related_model.objects.get(code="P1")
    for year, amount, part in ((2019, 20, 15), (2020, 20, 20)):
        money = {"operation": operation, "year": year, "measure": "budget"}
        FinancialFigure.objects.create(**money, amount_usd=Decimal(amount))
        FinancialFigure.objects.create(**money, amount_usd=Decimal(part), pillar=pillar)
    release(operation, None)
    (chart,) = client.get("/operations/peru/2020/pillars/").context["charts"]
    assert [[cell.text for cell in row] for row in chart.table.rows[-2:]] == [
        ["2019", "15.00", "5.00", "20.00"],
        ["2020", "20.00", "0.00", "20.00"],
    ]


def test_a_profile_without_any_year_speaks_of_no_year(client):
    release(make_operation(), None)
    assert "end of 0" not in words(client.get("/operations/peru/"))


def test_lists_follow_a_withdrawal_and_a_correction_at_once(client):
    peru, chad = make_operation(), make_operation("TCD", "Chad", countries="TD")
    for operation in (peru, chad):
        PopulationFigure.objects.create(operation=operation, year=2020, people=10)
        release(operation, None)
    assert "20 end of 2020" in words(client.get("/operations/"))
    withdraw(chad, None)
    assert "10 end of 2020" in words(client.get("/operations/"))
    assert "Chad" not in words(client.get("/"))
