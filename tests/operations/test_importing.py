"""Imports of the operations' tables: the plan, all lines or none, who may, and what comes back out."""

from __future__ import annotations

import datetime as dt
import html
import io
import os
import re
from decimal import Decimal

import pytest
import xlsxwriter
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError
from django.urls import reverse
from django.utils import timezone, translation

from contributions.models import ImportBatch
from operations import importing
from operations.editions import release, unschedule
from operations.models import Edition, FinancialFigure, Office, Operation, Pillar, PopulationFigure, Region
from operations.resources import (
    TABLES,
    FinancialFigureResource,
    OfficeResource,
    OperationResource,
    PopulationFigureResource,
)
from operations.tables import PlainCSV, PlainXLSX
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def peru(db):
    return factories.operation(
        region=Region.objects.get(code="AME"), latitude=Decimal("-10.000000"), longitude=Decimal("-76.000000")
    )


@pytest.fixture
def colombia(db):
    return factories.operation("COL")


def load(resource, text, *, dry_run=False, file_format=PlainCSV, **options):
    """The plan of an import of the text (or bytes), and whatever it stored."""
    raw = text.encode() if isinstance(text, str) else text
    dataset = file_format().create_dataset(raw)
    return resource.import_data(dataset, dry_run=dry_run, file_name="table.csv", **options).plan


def told(plan):
    return [(error.line, error.column, error.value, error.message) for error in plan.errors]


def counted(plan):
    return tuple(plan.counts[name] for name in ("new", "changed", "unchanged"))


def differences(plan):
    return [(row.line, column, old, new) for row in plan.changed for column, old, new in row.differences]


# --- Each table: new, changed, unchanged, and errors by line and column -----------------------------


def test_operations_are_new_changed_or_unchanged(peru, colombia):
    plan = load(
        OperationResource(),
        "code,name,kind,countries,region,latitude,longitude,first_year\n"
        "PER,Peru,country,PER,The Americas,-10,-76,\n"
        "COL,República de Colombia,country,CO,AME,4,-72,1998\n"
        "SLV-HND,El Salvador & Honduras,multi-country office,HN SV,Amériques,,,2016\n",
    )
    assert (told(plan), counted(plan)) == ([], (1, 1, 1))
    assert differences(plan) == [
        (3, "name_en", "Colombia", "República de Colombia"),
        (3, "region", None, Region.objects.get(code="AME")),
        (3, "latitude", None, Decimal("4.000000")),
        (3, "longitude", None, Decimal("-72.000000")),
        (3, "first_year", None, 1998),
    ]
    new = Operation.objects.get(code="SLV-HND")
    assert (new.name_en, new.slug, new.kind, [c.code for c in new.countries], new.first_year) == (
        "El Salvador & Honduras", "el-salvador-honduras", "multi_country", ["HN", "SV"], 2016)  # fmt: skip
    colombia.refresh_from_db()
    assert (colombia.name_en, colombia.slug, colombia.latitude) == (
        "República de Colombia",
        "col",
        Decimal("4"),
    )


def test_errors_of_operations_name_line_column_and_value(peru, colombia):
    factories.operation("ECU", slug="ecuador")
    plan = load(
        OperationResource(),
        "code,name,kind,countries,region,latitude,longitude,zoom,first_year,last_year,slug\n"
        "per,Peru,country,,,,,,,,\n"
        ",Peru,country,,,,,,,,\n"
        "CHL,Chile,island,CH1,Ameriques,91,,,21,,\n"
        "ARG,Argentina,country,AR,,-38,,,,,\n"
        "BOL,Bolivia,country,BO,,,,99,,,\n"
        "PER,Peru,country,PE,,,,13,2020,2019,\n"
        "COL,Colombia,country,CO,,,,13,,,\n"
        "VEN,Venezuela,country,VE,,,,,,,ecuador\n",
    )
    assert [error[:3] for error in told(plan)] == [
        (2, "code", "per"),
        (3, "code", ""),
        (4, "kind", "island"),
        (4, "countries", "CH1"),
        (4, "region", "Ameriques"),
        (4, "latitude", "91"),
        (4, "first_year", "21"),
        (5, "latitude", "-38"),
        (6, "zoom", "99"),
        (7, "last_year", "2019"),
        (8, "zoom", "13"),
        (9, "slug", "ecuador"),
    ]
    messages = {(line, column): message for line, column, _value, message in told(plan)}
    assert messages[3, "code"] == "This cell is empty, but every line needs it."
    assert "Did you mean" in messages[4, "region"]
    assert "“The Americas”" in messages[4, "region"]
    assert messages[5, "latitude"] == "Give both latitude and longitude, or neither."
    assert messages[9, "slug"] == "Another operation has this address."
    assert Operation.objects.count() == 3
    assert plan.counts == {"rows": 8, "new": 0, "changed": 0, "unchanged": 0, "in_error": 8}


def test_the_address_of_a_released_profile_cannot_change(peru, colombia):
    OperationResource(release_profiles=True).write(
        load(OperationResource(), TABLE_OF_PERU, dry_run=True), batch=None, user=None
    )
    plan = load(
        OperationResource(), "code,name,kind,slug\nPER,Peru,country,piru\nCOL,Colombia,country,kolumbien\n"
    )
    assert [error[:3] for error in told(plan)] == [(2, "slug", "piru")]
    assert load(OperationResource(), "code,name,kind,slug\nCOL,Colombia,country,kolumbien\n").changed


def test_the_address_of_a_profile_whose_release_is_set_cannot_change(peru):
    release(peru, None, timezone.now() + dt.timedelta(hours=1))
    table = "code,name,kind,slug\nPER,Peru,country,piru\n"
    assert [error[:3] for error in told(load(OperationResource(), table))] == [(2, "slug", "piru")]
    unschedule(peru, None)
    assert load(OperationResource(), table).changed


TABLE_OF_PERU = "code,name,kind,zoom\nPER,Peru,country,5\n"


def test_offices(peru, colombia):
    factories.office(peru)
    factories.office(peru, name="Tumbes", is_public=False)
    plan = load(
        OfficeResource(),
        "operation,name,kind,lat,lon,description,public\n"
        "PER,Lima,,-12.0464,-77.0428,,\n"
        "per,Tumbes,sub-office,-3.5669,-80.4515,Near the border,\n"
        "Colombia,Lima,country_office,,,,0\n",
    )
    assert (told(plan), counted(plan)) == ([], (1, 1, 1))
    tumbes, other = Office.objects.get(name="Tumbes"), Office.objects.get(operation=colombia)
    assert (tumbes.kind, tumbes.latitude, tumbes.description_en, tumbes.is_public) == (
        "sub_office", Decimal("-3.566900"), "Near the border", False)  # fmt: skip
    assert (other.kind, other.latitude, other.is_public) == ("country_office", None, False)

    plan = load(
        OfficeResource(),
        "operation,name,kind,latitude,longitude,is_public\nPRE,Lima,hut,1,,perhaps\nPER,,,,,\n",
    )
    assert [error[:3] for error in told(plan)] == [
        (2, "operation", "PRE"), (2, "kind", "hut"), (2, "is_public", "perhaps"), (3, "name", "")]  # fmt: skip


def test_population_figures(peru):
    factories.population(peru, 2020, people=1_557_276, source="Annex")
    factories.population(peru, 2020, "REF", people=4332)
    factories.population(peru, 2019, missing_reason="not_yet_known")
    plan = load(
        PopulationFigureResource(),
        "operation,year,population_type,people,missing_reason,as_of\n"
        'PER,2020,total,"1,557,276",,\n'
        "PER,2020,refugees,4335,,31-DEC-2020\n"
        "PER,2019,,867 821,,\n"
        "PER,2020,ASY,0,,\n"
        "PER,2018,,–,withheld,\n",
    )
    assert (told(plan), counted(plan)) == ([], (2, 2, 1))
    figures = PopulationFigure.objects.order_by("year", "type__order").values_list(
        "year", "type__code", "people", "missing_reason"
    )
    assert set(figures) == {
        (2018, None, None, "withheld"), (2019, None, 867821, ""), (2020, None, 1557276, ""),
        (2020, "REF", 4335, ""), (2020, "ASY", 0, "")}  # fmt: skip
    assert PopulationFigure.objects.get(type__code="REF").as_of == dt.date(2020, 12, 31)
    assert PopulationFigure.objects.get(year=2020, type=None).source == "Annex"

    plan = load(
        PopulationFigureResource(),
        "operation,year,type,people,missing_reason,as_of\n"
        'PER,2020,REF,"52,9960",,03/04/2021\n'
        "PER,2020,aliens,-5,,\n"
        "PER,2020,IDP,,,\n"
        "PER,2020,STA,5,withheld,\n"
        "PER,2020,IDP,,because,\n",
    )
    assert [error[:3] for error in told(plan)] == [
        (2, "people", "52,9960"), (2, "as_of", "03/04/2021"), (3, "type", "aliens"), (3, "people", "-5"),
        (4, "people", ""), (5, "missing_reason", "withheld"), (6, "missing_reason", "because")]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "fr"])
def test_financial_figures(peru, language):
    factories.finance(peru, amount_usd=Decimal("48625534.17"))
    factories.finance(peru, measure="expenditure", pillar="P1", amount_usd=Decimal("1.00"))
    with translation.override(language):
        plan = load(
            FinancialFigureResource(),
            "operation_key,year,measure,dimension_value,amount,budget_type_status\n"
            "PER,2020,budget,,48625534.17,/Committed\n"
            "PER,2020,Expenditure,Pillar 1,20154483.57,\n"
            'PER,2020,funds available,,"US$ 26,744,043.79",\n'
            "PER,2020,budget,Pillar 2: stateless programme,0,final\n"
            "PER,2020,budget,,60000000.00,Original\n",
        )
    assert (told(plan), counted(plan)) == ([], (3, 1, 1))
    figures = FinancialFigure.objects.values_list("measure", "pillar__code", "status", "amount_usd")
    assert set(figures) == {
        ("budget", None, "current", Decimal("48625534.17")),
        ("expenditure", "P1", "current", Decimal("20154483.57")),
        ("funds_available", None, "current", Decimal("26744043.79")),
        ("budget", "P2", "final", Decimal("0.00")),
        ("budget", None, "original", Decimal("60000000.00")),
    }


def test_errors_of_financial_figures(peru):
    plan = load(
        FinancialFigureResource(),
        "operation,year,measure,pillar,amount_usd,missing_reason\n"
        "PER,2020,budget,,0.005,\n"
        "PER,2020,income,Pillar 9,€5,\n"
        "PER,2020,budget,P1,,\n"
        "PER,2020,budget,P2,1,\n"
        "PER,2020,budget,Pillar 2,2,\n",
    )
    assert [error[:3] for error in told(plan)] == [
        (2, "amount_usd", "0.005"), (3, "measure", "income"), (3, "pillar", "Pillar 9"), (3, "amount_usd", "€5"),
        (4, "amount_usd", ""), (6, "", "")]  # fmt: skip
    assert "tick “Round to whole cents”" in plan.errors[0].message
    assert plan.errors[-1].message == "This line repeats line 5."
    rounded = load(
        FinancialFigureResource(round_to_cents=True),
        "operation,year,measure,amount_usd\nPER,2020,budget,0.005\n",
    )
    assert (told(rounded), FinancialFigure.objects.get().amount_usd) == ([], Decimal("0.01"))


# --- Any table ------------------------------------------------------------------------------------


def test_a_repeated_line_names_the_first_and_nothing_is_stored(peru):
    plan = load(PopulationFigureResource(), "operation,year,people\nPER,2019,1\nPER,2020,1\n\nPeru,2019,1\n")
    assert told(plan) == [(5, "", "", "This line repeats line 2.")]
    assert (PopulationFigure.objects.count(), ImportBatch.objects.count(), Edition.objects.count()) == (
        0,
        0,
        0,
    )


def test_a_name_that_two_operations_share_is_refused(peru, colombia):
    factories.operation("REG-1", name_en="Regional activities")
    factories.operation("REG-2", name_en="Regional activities")
    factories.operation("X", name_en="PER")  # a code wins over a name
    plan = load(
        PopulationFigureResource(),
        "operation,year,people\nRegional activities,2019,1\nPER,2019,1\nREG-2,2019,1\n",
    )
    assert told(plan) == [(2, "operation", "Regional activities", "Several bear the name “Regional activities”. Give the code instead.")]  # fmt: skip
    assert [row.values["operation"] for row in plan.new] == [peru, Operation.objects.get(code="REG-2")]


def test_a_header_that_stands_in_the_file_again_is_an_error(peru):
    plan = load(
        PopulationFigureResource(), "Operation,Year,People\nPER,2019,1\noperation,year,people\nPER,2020,1\n"
    )
    assert told(plan) == [(3, "", "", "This line repeats the header. Take it out of the file.")]


def test_a_missing_column_is_an_error_of_the_file_and_others_are_named(peru):
    plan = load(PopulationFigureResource(), "operation,people\nPER,1\n")
    assert told(plan) == [(1, "year", "", "The file has no column “year”.")]
    plan = load(PopulationFigureResource(), "operation,year,people,e-mail\nPER,2019,1,x@example.org\n")
    assert (plan.left_out, counted(plan)) == (["e-mail"], (1, 0, 0))


def test_a_header_is_known_in_spite_of_its_punctuation_and_written_plainly_it_comes_first(peru):
    plan = load(PopulationFigureResource(), "operation:,“People”,year.,year\nPER,3,2001,2019\n")
    assert plan.mapping == {"operation:": "operation", "“People”": "people", "year": "year"}
    assert (plan.left_out, counted(plan)) == (["year."], (1, 0, 0))


def test_formulas_and_errors_of_a_workbook_are_errors_of_their_cells(peru):
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream)
    sheet = book.add_worksheet()
    for line, row in enumerate(
        [("operation", "year", "people"), ("PER", 2020, "=1+1"), ("PER", 2019, True), ("PER", 2018, 5)]
    ):
        sheet.write_row(line, 0, row)
    book.close()
    plan = load(PopulationFigureResource(), stream.getvalue(), file_format=PlainXLSX)
    assert told(plan) == [
        (
            2,
            "people",
            "=1+1",
            "The cell holds a formula, whose result may be out of date. Paste it as a value.",
        ),
        (3, "people", "True", "“True” is not a number of people."),
    ]


def test_a_dry_run_stores_nothing(peru):
    assert counted(load(PopulationFigureResource(), "operation,year,people\nPER,2019,1\n", dry_run=True)) == (
        1,
        0,
        0,
    )
    assert (PopulationFigure.objects.count(), ImportBatch.objects.count(), Edition.objects.count()) == (
        0,
        0,
        0,
    )


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (IntegrityError, "Somebody else changed the same lines in the meantime. Upload the file again."),
        (DatabaseError, "The database could not store the lines. Try again later."),
        (ValueError, None),
    ],
)
def test_an_import_that_fails_while_it_writes_leaves_nothing_and_tells_no_sql(
    peru, monkeypatch, settings, caplog, error, sentence
):
    def fail(*args, **kwargs):
        raise error("UNIQUE constraint failed: table.column")

    text = "operation,year,people\nPER,2019,1\n"
    before = set(settings.DATA_DIR.rglob("*.csv"))
    monkeypatch.setattr(PopulationFigureResource, "touched", fail)
    if sentence:
        assert told(load(PopulationFigureResource(), text)) == [(0, "", "", sentence)]
        assert "UNIQUE constraint failed" in caplog.text
    else:
        with pytest.raises(error):
            load(PopulationFigureResource(), text, raise_errors=True)
    assert (PopulationFigure.objects.count(), ImportBatch.objects.count()) == (0, 0)
    assert set(settings.DATA_DIR.rglob("*.csv")) == before


def test_the_nearest_names_are_searched_once_for_each_text_and_not_for_ever(peru, monkeypatch):
    searched = []
    monkeypatch.setattr(importing, "MOST_SUGGESTIONS", 3)
    monkeypatch.setattr(importing.Suggestions, "search", lambda self, text: searched.append(text) or " Peru?")
    lines = "".join(f"Peru{n // 2},2019,1\n" for n in range(10))
    plan = load(PopulationFigureResource(), "operation,year,people\n" + lines)
    assert searched == ["peru0", "peru1", "peru2"]
    assert [error.message.endswith("Peru?") for error in plan.errors] == [True] * 6 + [False] * 4


# --- Rights per operation ---------------------------------------------------------------------------


@pytest.fixture
def editor(peru, colombia):
    """Works on Peru alone, and may import."""
    tables = ("operation", "office", "populationfigure", "financialfigure")
    rights = [f"{action}_{table}" for action in ("import", "view", "add", "change") for table in tables]
    factories.group("Importers", *rights)
    return factories.user("perus-editor", groups=("Importers",), on=[peru])


@pytest.mark.parametrize(
    ("resource", "text"),
    [
        (OfficeResource, "operation,name\nPER,Lima\nCOL,Bogotá\n"),
        (PopulationFigureResource, "operation,year,people\nPER,2019,1\nCOL,2019,1\n"),
        (
            FinancialFigureResource,
            "operation,year,measure,amount_usd\nPER,2019,budget,1\nCOL,2019,budget,1\n",
        ),
    ],
)
def test_only_figures_of_operations_that_the_user_works_on_are_imported(editor, resource, text):
    plan = load(resource(user=editor), text)
    assert told(plan) == [(3, "operation", "COL", "There is no operation “COL”.")]
    assert told(load(resource(user=factories.user("admin", is_superuser=True)), text)) == []


def test_operations_of_others_are_not_changed_and_new_ones_need_the_permission(editor):
    text = "code,name,kind\nPER,Perú,country\nCOL,Colombie,country\nCHL,Chile,country\n"
    assert told(load(OperationResource(user=editor), text)) == [
        (3, "code", "COL", "There is no operation “COL” that you may change."),
        (4, "code", "CHL", "There is no operation “CHL” that you may change."),
    ]
    factories.group("Makers", "add_operation", "import_operation")
    factories.role(editor, "Makers")
    assert told(load(OperationResource(user=editor), text)) == [
        (3, "code", "COL", "You may not change the operation “COL”.")
    ]
    assert told(load(OperationResource(), text)) == []


def test_the_countries_of_an_operation_are_changed_by_a_file(peru):
    assert [country.code for country in peru.countries] == ["PE"]
    plan = load(OperationResource(), "code,name,kind,countries\nPER,Peru,country,PE BO\n")
    assert (told(plan), counted(plan)) == ([], (0, 1, 0))
    peru.refresh_from_db()
    assert [country.code for country in peru.countries] == ["BO", "PE"]


def test_the_admin_imports_by_the_rights_of_who_uploads_and_confirms(editor, peru, client):
    client.force_login(editor)
    text = "operation,year,people\nPER,2019,1\n"
    assert "There is no operation “COL”." in words(upload(client, text + "COL,2019,1\n"))
    page = upload(client, text)
    editor.roles.all().delete()
    colombia = Operation.objects.get(code="COL")
    factories.role(editor, "Importers", [colombia])
    assert "There is no operation “PER”." in words(confirm(client, page))
    assert PopulationFigure.objects.count() == 0


def test_raise_errors_says_every_error_with_its_place(peru):
    with pytest.raises(ValidationError, match="Line 2, people: “x” is not a number"):
        load(PopulationFigureResource(), "operation,year,people\nPER,2019,x\n", raise_errors=True)


def test_the_same_file_again_changes_nothing_and_leaves_no_batch(peru):
    text = "operation,year,people\nPER,2019,1\nPER,2020,2\n"
    assert counted(load(PopulationFigureResource(), text)) == (2, 0, 0)
    stored = (list(PopulationFigure.objects.values()), ImportBatch.objects.count(), Edition.objects.count())
    assert counted(load(PopulationFigureResource(), text)) == (0, 0, 2)
    assert (
        list(PopulationFigure.objects.values()),
        ImportBatch.objects.count(),
        Edition.objects.count(),
    ) == stored
    assert stored[1:] == (1, 1)


def test_an_import_leaves_its_file_with_counts_and_who(peru):
    finance = factories.user("finance")
    load(PopulationFigureResource(), "Operation,Year,People\nPER,2019,1\n", user=finance)
    batch = ImportBatch.objects.get()
    assert (batch.table, batch.file_name, batch.made_by) == (
        "operations.populationfigure",
        "table.csv",
        finance,
    )
    assert batch.mapping == {"Operation": "operation", "Year": "year", "People": "people"}
    assert batch.counts == {"rows": 1, "new": 1, "changed": 0, "unchanged": 0, "in_error": 0}
    assert batch.file.read() == b"Operation,Year,People\nPER,2019,1\n"


@pytest.mark.parametrize("release", [False, True])
def test_an_import_records_profile_editions_and_releases_them_only_where_asked(peru, colombia, release):
    user = factories.user()
    resource = PopulationFigureResource(release_profiles=release)
    load(resource, "operation,year,people\nPER,2019,3\nPER,2020,4\n", user=user)
    edition = Edition.objects.get()
    assert (edition.operation, edition.kind, edition.number, edition.made_by) == (peru, "profile", 1, user)
    assert [(f["year"], f["people"]) for f in edition.content["population"]] == [(2019, 3), (2020, 4)]
    assert list(Edition.objects.released()) == ([edition] if release else [])


@pytest.fixture
def everything(peru, colombia):
    """Rows of each table that are not easy to write: marks, lines, nothing, translations, unpublished ones."""
    peru.name_fr, peru.zoom, peru.first_year = "Pérou", 5, 2019
    peru.save()
    factories.operation("ARG", name_en="=Argentina", countries="AR,BO", kind="multi_country", last_year=2020)
    factories.office(peru, name="-Lima", description_en="+51 1 234, “x”;  y\r\n\r\nOpen every day \r\n")
    factories.office(
        colombia,
        name="Bogotá",
        latitude=None,
        longitude=None,
        is_public=False,
        kind="field_unit",
    )
    factories.population(peru, people=0, as_of=dt.date(2020, 12, 31), source="@source")
    factories.population(peru, 2019, "REF", missing_reason="withheld")
    factories.finance(peru, amount_usd=Decimal("-1614205.50"))
    factories.finance(peru, pillar="P1", amount_usd=Decimal("999999999999.99"), status="final")
    factories.finance(colombia, missing_reason="did_not_exist")


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
@pytest.mark.parametrize("file_format", [PlainCSV, PlainXLSX])
@pytest.mark.parametrize("table", TABLES)
def test_what_is_exported_imports_as_unchanged(everything, table, file_format, language):
    resource = TABLES[table]()
    stored = list(resource._meta.model.objects.order_by("pk").values())
    with translation.override(language):
        written = file_format().export_data(resource.export())
        plan = load(resource, written, file_format=file_format)
    assert (told(plan), counted(plan)) == ([], (0, 0, len(stored)))
    assert plan.left_out == []

    with translation.override("en"):
        english = file_format().export_data(resource.export())
    if file_format is PlainCSV:
        assert written == english

    # And into an empty table it restores every row.
    resource._meta.model.objects.filter(
        pk__in=[row["id"] for row in stored if table != "operations"]
    ).delete()
    if table != "operations":
        plan = load(TABLES[table](), written, file_format=file_format)
        assert (told(plan), counted(plan)) == ([], (len(stored), 0, 0))
        again = resource._meta.model.objects.order_by("pk").values()
        assert [comparable(row) for row in again] == [comparable(row) for row in stored]


def comparable(row):
    """Without its number, and with the white space of its texts collapsed."""
    return {k: " ".join(v.split()) if isinstance(v, str) else v for k, v in row.items() if k != "id"}


# --- The admin: upload, preview, confirm ------------------------------------------------------------


def upload(client, text, table="populationfigure", name="population.csv", **options):
    """The page after the upload."""
    raw = text.encode() if isinstance(text, str) else text
    number = 1 if name.endswith(".xlsx") else 0
    data = {"import_file": SimpleUploadedFile(name, raw), "format": number, "resource": "", **options}
    return client.post(reverse(f"admin:operations_{table}_import"), data)


def confirm(client, page, table="populationfigure", **changes):
    form = page.context["confirm_form"]
    data = {name: value for name, value in form.initial.items() if value is not False} | changes
    return client.post(reverse(f"admin:operations_{table}_process_import"), data, follow=True)


def words(response):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def test_upload_preview_and_confirm(peru, admin_client, admin_user):
    factories.population(peru, 2020, people=1557)
    text = 'operation,year,people,who\nPER,2020,"1,558",x\nPER,2019,867,y\n'
    page = upload(admin_client, text)
    assert page.status_code == 200
    shown = words(page)
    assert "Lines read 2 New 1 Changed 1 Unchanged 0 In error 0" in shown
    assert "2 Peru 2020 total people 1557 1558" in shown
    assert "3 PER 2019 867" in shown
    assert "These columns are not used: who." in shown
    assert PopulationFigure.objects.get().people == 1557

    done = confirm(admin_client, page)
    assert "Imported 2 lines: 1 new, 1 changed, 0 unchanged." in words(done)
    assert set(PopulationFigure.objects.values_list("year", "people")) == {(2019, 867), (2020, 1558)}
    batch = ImportBatch.objects.get()
    assert (batch.file_name, batch.made_by, batch.file.read()) == (
        "population.csv",
        admin_user,
        text.encode(),
    )
    assert list(Edition.objects.values_list("number", "released_at")) == [(1, None)]

    again = upload(admin_client, text)
    assert "The site has every line of this file already." in words(again)


def test_the_preview_shows_each_error_with_its_place_and_stores_nothing(peru, admin_client):
    page = upload(admin_client, 'operation,year,people\nPER,2019,5\nPER,2020,"52,9960"\nXXX,2020,5\n')
    shown = words(page)
    assert "2 errors. Nothing was imported." in shown
    assert "3 people 52,9960 “52,9960” groups its digits" in shown
    assert "4 operation XXX There is no operation “XXX”." in shown
    assert page.context.get("confirm_form") is None
    assert (PopulationFigure.objects.count(), ImportBatch.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("text", "name", "sentence"),
    [
        ("", "a.csv", "The submitted file is empty"),
        ("operation,year\n", "a.csv", "a header, but no lines"),
        ("operation,operation\nPER,PER\n", "a.csv", "names a column twice"),
        (b"operation,year\nP\xc9R,2020\n", "a.csv", "2 operation PÉR There is no operation “PÉR”."),
        ("operation,year\n", "a.xlsx", "This is not an XLSX workbook"),
        (b"PK\x03\x04", "a.csv", "This is not an XLSX workbook"),
        ("operation,people\nPER,5\n", "a.csv", "The file has no column “year”."),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_the_form(admin_client, text, name, sentence):
    assert sentence in words(upload(admin_client, text, name=name))


def test_an_import_that_is_confirmed_twice_is_done_once_and_says_so(peru, admin_client):
    page = upload(admin_client, "operation,year,people\nPER,2019,867\n")
    confirm(admin_client, page)
    assert "was confirmed already" in words(confirm(admin_client, page))
    assert (PopulationFigure.objects.count(), ImportBatch.objects.count()) == (1, 1)


def test_an_upload_that_waits_is_kept_for_a_day(peru, admin_client, settings):
    folder = settings.DATA_DIR / "uploads"
    upload(admin_client, "operation,year,people\nPER,2019,867\n")
    old = max(folder.iterdir(), key=lambda path: path.stat().st_mtime)
    os.utime(old, (0, 0))
    upload(admin_client, "operation,year,people\nPER,2019,868\n")
    assert not old.exists()


def test_the_profiles_that_change_are_released_only_by_who_may_release_and_change_them(peru, client):
    actions = ("import", "view", "add", "change")
    loaders = factories.group("Loaders", *(f"{action}_populationfigure" for action in actions))
    factories.user("loader", groups=("Loaders",), on=[peru])
    client.login(username="loader", password=factories.PASSWORD)
    text = "operation,year,people\nPER,2019,867\n"
    page = upload(client, text, release_profiles="on")
    confirm(client, page, release_profiles="on")
    assert (PopulationFigure.objects.count(), list(Edition.objects.released())) == (1, [])
    loaders.permissions.add(Permission.objects.get(codename="release_edition"))
    confirm(client, upload(client, text.replace("867", "868"), release_profiles="on"))
    assert list(Edition.objects.released()) == []  # the whole profile would go out with the figures
    loaders.permissions.add(Permission.objects.get(codename="change_operation"))
    confirm(client, upload(client, text.replace("867", "869"), release_profiles="on"))
    assert [edition.operation for edition in Edition.objects.released()] == [peru]


def test_a_line_that_was_taken_meanwhile_is_compared_again(peru, admin_client):
    page = upload(admin_client, "operation,year,people\nPER,2019,867\n")
    factories.population(peru, 2019, people=867)
    assert "Nothing changed: the site has all 1 lines of this file." in words(confirm(admin_client, page))


def test_a_file_that_became_wrong_meanwhile_is_refused(peru, admin_client):
    page = upload(admin_client, "operation,year,people\nPER,2019,867\n")
    Operation.objects.filter(code="PER").update(code="PRU", name_en="Perú", slug="x")
    assert "Nothing was imported: There is no operation “PER”." in words(confirm(admin_client, page))
    assert PopulationFigure.objects.count() == 0


def test_the_confirmation_of_another_person_is_refused(peru, client):
    factories.user("one", is_superuser=True)
    factories.user("two", is_superuser=True)
    client.login(username="one", password=factories.PASSWORD)
    page = upload(client, "operation,year,people\nPER,2019,867\n")
    client.login(username="two", password=factories.PASSWORD)
    answer = confirm(client, page)
    assert PopulationFigure.objects.count() == 0
    assert "Another person uploaded this file." in words(answer)


@pytest.mark.parametrize("name", ["/etc/passwd", "../../etc/passwd", "tmp123", '[1, "tmp"]:x:y', ""])
def test_a_forged_confirmation_is_refused(peru, admin_client, name):
    page = upload(admin_client, "operation,year,people\nPER,2019,867\n")
    answer = confirm(admin_client, page, import_file_name=name)
    assert PopulationFigure.objects.count() == 0
    assert "root:" not in answer.content.decode()


@pytest.mark.parametrize("table", ["operation", "office", "populationfigure", "financialfigure"])
def test_staff_without_the_permission_are_refused(peru, client, table):
    changers = factories.group("Changers")
    changers.permissions.set(Permission.objects.filter(codename__startswith="change_"))
    user = factories.user("editor", groups=("Field editors", "Changers"))
    client.force_login(user)
    for name in ("import", "process_import"):
        url = reverse(f"admin:operations_{table}_{name}")
        assert client.post(url, {}).status_code == 403
    assert client.get(reverse(f"admin:operations_{table}_import")).status_code == 403
    assert upload(client, "code,name,kind\nX,X,country\n", table=table).status_code == 403
    changers.permissions.add(Permission.objects.get(codename=f"import_{table}"))
    assert client.get(reverse(f"admin:operations_{table}_import")).status_code == 200


def test_visitors_are_sent_to_the_login(client):
    assert client.get(reverse("admin:operations_office_import")).status_code == 302


# --- The command line -------------------------------------------------------------------------------


def run(capsys, *arguments, **options):
    """The exit code, and what the command said on both channels."""
    code = 0
    try:
        call_command(*arguments, **options)
    except SystemExit as stop:
        code = stop.code
    except CommandError as error:
        return error.returncode, str(error)
    said = capsys.readouterr()
    return code, said.out + said.err


def test_import_table(peru, tmp_path, capsys):
    path = tmp_path / "population.csv"
    path.write_text("operation,year,people\nPER,2019,3\nPER,2020,4\n", encoding="utf-8")
    user = factories.user("finance")

    code, said = run(capsys, "import_table", "population", str(path), "--dry-run")
    assert code == 0 and "Would import 2 lines" in said and PopulationFigure.objects.count() == 0
    code, said = run(capsys, "import_table", "population", str(path), "--user", "finance", "--release")
    assert code == 0 and "2 new, 0 changed, 0 unchanged." in said
    assert (ImportBatch.objects.get().made_by, Edition.objects.released().get().made_by) == (user, user)
    code, said = run(capsys, "import_table", "population", str(path))
    assert code == 0 and "Nothing to do: all 2 lines are known" in said

    path.write_text("operation,year,people\nPER,2018,1\nPER,2017,52,9960\n", encoding="utf-8")
    assert run(capsys, "import_table", "population", str(path)) == (1, "Line 3 has 4 cells, but the header has 3. Is a comma or quote missing?")  # fmt: skip
    path.write_text("operation,year,people\nPER,2018,1\nPER,2017,x\n", encoding="utf-8")
    code, said = run(capsys, "import_table", "population", str(path))
    assert code == 1
    assert "line 3, people: 'x': “x” is not a number." in said
    assert "Nothing was imported: 1 errors in 2 lines." in said
    assert PopulationFigure.objects.count() == 2


def test_wrong_usage_of_import_table_has_its_own_code(peru, tmp_path, capsys):
    path = tmp_path / "population.csv"
    path.write_text("operation,year,people\nPER,2019,1\n", encoding="utf-8")
    assert run(capsys, "import_table", "population", "/no/such/file.csv")[0] == 2
    assert run(capsys, "import_table", "population", str(path), "--user", "nobody")[0] == 2
    said = "The table population takes no --round-to-cents."
    assert run(capsys, "import_table", "population", str(path), "--round-to-cents") == (2, said)
    assert PopulationFigure.objects.count() == 0


def test_the_librarys_own_command_obeys_the_same_rules(peru, tmp_path, capsys):
    path = tmp_path / "population.csv"
    path.write_text("operation,year,people\nPER,2019,1\nPER,2020,x\n", encoding="utf-8")
    command = ("import", "operations.resources.PopulationFigureResource", str(path))
    for form in ("operations.tables.PlainCSV", "CSV"):
        code, said = run(capsys, *command, format=form, interactive=False)
        assert code == 1
        assert "Line 3, people: “x” is not a number." in said
        assert PopulationFigure.objects.count() == 0
    path.write_text("operation,year,people\nPER,2019,1\nPER,2020,2\n", encoding="utf-8")
    code, said = run(capsys, *command, format="operations.tables.PlainCSV", interactive=False)
    assert code == 0 and "2 new, 0 updated, 0 deleted and 0 skipped" in said
    assert ImportBatch.objects.get().counts["new"] == 2
    code, said = run(capsys, *command, format="CSV", interactive=False)
    assert code == 0 and "0 new, 0 updated, 0 deleted and 2 skipped" in said


def test_an_import_never_makes_reference_data(peru):
    before = (Operation.objects.count(), Region.objects.count(), Pillar.objects.count())
    load(FinancialFigureResource(), "operation,year,measure,pillar,amount_usd\nXXX,2020,budget,Pillar 99,1\n")
    load(OperationResource(), "code,name,kind,region\nXXX,X,country,Atlantis\n")
    assert (Operation.objects.count(), Region.objects.count(), Pillar.objects.count()) == before
