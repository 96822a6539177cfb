"""Editions: what is frozen, what is public, and when."""

import datetime as dt
import json
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from operations.editions import freeze, record, release, thaw, withdraw
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
    Region,
    Section,
    SectionType,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def peru():
    before = Operation.objects.create(
        code="ARGRO", slug="argentina", name_en="Argentina Regional Office", kind="regional"
    )
    operation = Operation.objects.create(
        code="PER", slug="peru", name_en="Peru", name_fr="Pérou", countries="PE", region=Region.objects.get(code="AME"),
        latitude=Decimal("-10"), longitude=Decimal("-75.5"), zoom=5, first_year=2019, predecessor=before,
        notice_en="A notice.",
    )  # fmt: skip
    Office.objects.create(
        operation=operation, name="Lima", latitude=Decimal("-12.0487"), longitude=Decimal("-77.0303")
    )
    Office.objects.create(
        operation=operation, name="Safe house", is_public=False, description_en="Where it is"
    )
    refugees = PopulationType.objects.get(code="REF")
    PopulationFigure.objects.create(
        operation=operation, year=2020, people=1_557_276, as_of=dt.date(2020, 12, 31)
    )
    PopulationFigure.objects.create(
        operation=operation, year=2020, type=refugees, people=4332, source="Registry"
    )
    PopulationFigure.objects.create(operation=operation, year=2021, missing_reason="not_yet_known")
    FinancialFigure.objects.create(
        operation=operation, year=2020, measure="budget", amount_usd=Decimal("48625534.17")
    )
    FinancialFigure.objects.create(
        operation=operation,
        year=2020,
        measure="budget",
        amount_usd=Decimal("0.01"),
        pillar=Pillar.objects.get(code="P1"),
    )
    FinancialFigure.objects.create(
        operation=operation, year=2021, measure="expenditure", missing_reason="withheld"
    )
    return operation


@pytest.fixture
def report(peru):
    narrative = Narrative.objects.create(operation=peru, year=2020, kind="year_end")
    needs, context = (SectionType.objects.get(code=code) for code in ("unmet-needs", "operational-context"))
    Section.objects.create(narrative=narrative, type=needs, body="<p>Needs.</p>")
    Section.objects.create(narrative=narrative, type=context, body="<p>Context.</p>")
    KeyFigure.objects.create(narrative=narrative, order=2, value="125", text="units")
    KeyFigure.objects.create(
        narrative=narrative, order=1, value=">221,000", text="people", editor_note="check"
    )
    return narrative


def test_what_is_frozen_is_plain_json_and_thaws_to_the_same(peru, report):
    for working_copy in (peru, report):
        content = freeze(working_copy)
        assert json.loads(json.dumps(content)) == content
        thaw(content, type(working_copy).objects.get(pk=working_copy.pk))
        assert freeze(working_copy) == content


def test_a_restored_text_has_its_sections_and_figures_back(report):
    content = freeze(report)
    report.sections.all().delete()
    report.key_figures.all().delete()
    thaw(content, report)
    assert [(s.type.code, s.body) for s in report.sections.all()] == [
        ("operational-context", "<p>Context.</p>"),
        ("unmet-needs", "<p>Needs.</p>"),
    ]
    assert [(f.value, f.number, f.text, f.editor_note) for f in report.key_figures.all()] == [
        ("> 221,000", Decimal("221000"), "people", "check"),
        ("125", Decimal("125"), "units", ""),
    ]


def test_a_measure_is_frozen_and_an_edition_from_before_there_were_any_is_restored(report):
    assert [figure.keys() for figure in freeze(report)["key_figures"]] == [
        {"value", "number", "text", "source"},
        {"value", "number", "text", "source"},
    ]
    before = record(report, None)
    figure = report.key_figures.first()
    figure.measure = " People reached "
    figure.save()
    after = record(report, None)
    assert [figure.get("measure") for figure in after.content["key_figures"]] == ["people-reached", None]
    thaw(before.content, report)
    assert [figure.measure for figure in report.key_figures.all()] == ["", ""]
    thaw(after.content, report)
    assert [figure.measure for figure in report.key_figures.all()] == ["people-reached", ""]
    assert (before.number, after.number, freeze(report)) == (1, 2, after.content)


def test_a_measure_stands_once_in_a_text(report):
    plan = Narrative.objects.create(operation=report.operation, year=2020, kind="plan")
    KeyFigure.objects.create(narrative=plan, value="1", text="people", measure="people-reached")
    report.key_figures.filter(order=1).update(measure="people-reached")
    with pytest.raises(IntegrityError), transaction.atomic():
        report.key_figures.filter(order=2).update(measure="people-reached")
    figure = KeyFigure(narrative=report, value="1", text="people", measure="People reached")
    with pytest.raises(ValidationError, match="Another key figure of this text has this measure already"):
        figure.full_clean()


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("!?", "“!\\?” has no letter or digit. Write a short name such as people-registered."),
        ("\ufdfa" * 20, "A measure has at most 60 characters."),
    ],
)
def test_a_measure_is_a_short_name(report, typed, message):
    with pytest.raises(ValidationError, match=message):
        KeyFigure(narrative=report, value="1", text="people", measure=typed).full_clean()


def test_a_restored_profile_has_its_offices_and_figures_back(peru):
    content = freeze(peru)
    peru.offices.all().delete()
    peru.population_figures.all().delete()
    peru.financial_figures.all().delete()
    Operation.objects.filter(pk=peru.pk).update(latitude=None, longitude=None, name_en="Other", zoom=None)
    thaw(content, Operation.objects.get(pk=peru.pk))
    assert freeze(peru) == content
    assert list(peru.offices.values_list("name", "is_public")) == [("Lima", True), ("Safe house", False)]


def test_what_is_private_is_not_in_the_public_content(peru, report):
    profile, text = record(peru, None), record(report, None)
    assert "Safe house" in json.dumps(profile.content)
    assert "Safe house" not in json.dumps(profile.public)
    assert "check" in json.dumps(text.content)
    assert "check" not in json.dumps(text.public)


def test_every_save_makes_an_edition_unless_nothing_changed(report):
    first = record(report, None)
    assert record(report, None) == first
    report.key_figures.filter(order=2).delete()
    second = record(report, None)
    assert (first.number, second.number, second.released_at) == (1, 2, None)


def test_nothing_is_public_before_its_release(report):
    record(report, None)
    assert list(Edition.objects.released()) == []


def test_the_newest_released_edition_is_the_public_one(report):
    first = release(report, None)
    report.key_figures.filter(order=2).delete()
    second = record(report, None)
    assert list(Edition.objects.released()) == [first]
    assert release(report, None) == second
    assert list(Edition.objects.released()) == [second]


def test_an_embargo_ends_when_the_clock_passes_it(report):
    now = timezone.now()
    old = release(report, None, at=now - dt.timedelta(days=1))
    report.key_figures.filter(order=2).delete()
    new = release(report, None, at=now + dt.timedelta(hours=1))
    moment = now + dt.timedelta(hours=1)
    assert list(Edition.objects.released(moment - dt.timedelta(seconds=1))) == [old]
    assert list(Edition.objects.released(moment)) == [new]


def test_a_page_can_be_asked_for_as_it_stood(report):
    now = timezone.now()
    old = release(report, None, at=now - dt.timedelta(days=10))
    report.key_figures.filter(order=2).delete()
    new = release(report, None, at=now - dt.timedelta(days=2))
    assert list(Edition.objects.released(now - dt.timedelta(days=5))) == [old]
    assert list(Edition.objects.released()) == [new]
    assert list(Edition.objects.released(now - dt.timedelta(days=20))) == []


def test_a_withdrawn_text_does_not_give_way_to_an_older_edition(report):
    release(report, None)
    report.key_figures.filter(order=2).delete()
    newer = release(report, None)
    assert withdraw(report, None) == newer
    assert list(Edition.objects.released()) == []
    assert withdraw(report, None) is None


def test_a_withdrawn_text_can_be_released_again_as_a_new_edition(report):
    release(report, None)
    withdraw(report, None)
    again = release(report, None)
    assert again.number == 2
    assert list(Edition.objects.released()) == [again]


def test_texts_of_other_years_kinds_and_languages_are_told_apart(peru, report):
    others = [
        Narrative.objects.create(operation=peru, year=2020, kind="plan"),
        Narrative.objects.create(operation=peru, year=2021, kind="year_end"),
        Narrative.objects.create(operation=peru, year=2020, kind="year_end", language="fr"),
    ]
    released = [release(working_copy, None) for working_copy in (peru, report, *others)]
    assert {edition.number for edition in released} == {1}
    assert set(Edition.objects.released()) == set(released)
    assert list(Edition.objects.released().profiles()) == released[:1]


def test_an_edition_cannot_be_changed_or_deleted(report):
    edition = release(report, None)
    for attempt in (
        lambda: Edition.objects.update(content={}),
        lambda: Edition.objects.all().delete(),
        edition.delete,
    ):
        with pytest.raises(TypeError, match="append-only"):
            attempt()
    edition.content = {}
    edition.number = 9
    edition.save()
    assert Edition.objects.get().number == 1
    assert Edition.objects.get().content != {}


def test_the_database_itself_refuses_to_change_an_edition(report):
    from django.db import connection

    release(report, None)
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE operations_edition SET content = '{}'")


def test_the_database_refuses_what_makes_no_sense(peru):
    edition = record(peru, None)
    with pytest.raises(IntegrityError), transaction.atomic():
        Edition.objects.create(operation=peru, kind="profile", number=edition.number, content={})
    with pytest.raises(IntegrityError), transaction.atomic():
        Edition.objects.create(operation=peru, kind="plan", number=1, content={})
    with pytest.raises(IntegrityError), transaction.atomic():
        Edition.objects.create(
            operation=peru, kind="profile", number=7, content={}, withdrawn_at=timezone.now()
        )


@pytest.mark.parametrize("figures", [1, 40])
def test_freezing_costs_the_same_for_few_and_for_many_figures(peru, figures, django_assert_num_queries):
    for year in range(1980, 1980 + figures):
        PopulationFigure.objects.create(operation=peru, year=year, people=year)
        FinancialFigure.objects.create(operation=peru, year=year, measure="budget", amount_usd=Decimal(year))
    # the operation with region and predecessor; offices; people; types; money; pillars
    with django_assert_num_queries(6):
        freeze(peru)


@pytest.mark.parametrize(("model", "code"), [(PopulationType, "REF"), (Pillar, "P1")])
def test_what_cannot_be_restored_is_an_error_and_never_a_total(peru, model, code):
    content = freeze(peru)
    peru.population_figures.filter(type__isnull=False).delete()
    peru.financial_figures.filter(pillar__isnull=False).delete()
    model.objects.filter(code=code).delete()
    with pytest.raises(ValidationError, match=f"“{code}” no longer exists"):
        thaw(content, Operation.objects.get(pk=peru.pk))
    assert peru.offices.count() == 2
