"""The way of a file of contributions through the admin: upload, questions, preview, books, readers, and back."""

from __future__ import annotations

import datetime as dt
import html
import io
import re
from decimal import Decimal

import openpyxl
import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from contributions import jobs
from contributions.models import Contribution, Donor, DonorAlias, ImportBatch, ImportSource
from contributions.resources import ContributionResource
from operations.models import Operation
from tests import factories
from tests.operations.test_importing import load

pytestmark = pytest.mark.django_db

HEADER = "reference,donor,date,amount_usd\n"
GIFTS = HEADER + "R1,Norway,2021-11-24,1000\nR2,Norway,2021-11-25,2000.50\n"


@pytest.fixture
def peru(db):
    return factories.operation()


@pytest.fixture
def norway(db):
    return factories.donor("Norway")


@pytest.fixture
def client(norway):
    """Signed in as finance of every operation, who may also release."""
    return signed_in(finance())


def finance(name="finance", on=None):
    return factories.user(name, groups=("Finance",), on=on)


def with_rights(name, *rights):
    """Somebody who has these rights on imports, everywhere, and no other."""
    factories.group(name, "view_importbatch", "view_contribution", *rights)
    return factories.user(name, groups=(name,))


def signed_in(account):
    client = Client()
    client.force_login(account)
    return client


def words(page):
    main = page.content.decode().partition("<main")[2]
    main = re.sub(r"(?s)<(script|select|datalist)\b.*?</\1>", " ", main)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


def url(name, *args):
    return reverse(f"admin:contributions_importbatch_{name}", args=args)


def upload(client, text, name="gifts.csv", **fields):
    raw = text.encode() if isinstance(text, str) else text
    data = {"import_file": SimpleUploadedFile(name, raw), "format": 0, "resource": "", **fields}
    return client.post(reverse("admin:contributions_contribution_import"), data, follow=True)


def newest():
    return ImportBatch.objects.latest("pk")


def page_of(client, batch):
    return client.get(url("change", batch.pk))


def step(client, name, batch=None, **data):
    """The next step of an import, from its page as it stands."""
    batch = batch or newest()
    seen = page_of(client, batch).context["seen"] if name in ("confirm", "decide") else ""
    return client.post(url(name, batch.pk), {"seen": seen, **data}, follow=True)


def fields_of(form):
    values = {field.html_name: field.value() for field in form}
    return {
        name: "on" if value is True else value for name, value in values.items() if value not in (None, False)
    }


def answer(client, page, **said):
    """The form of questions and columns, sent with what is said."""
    data = {**fields_of(page.context["form"]), "seen": page.context["seen"], **said}
    return client.post(url("columns", page.context["batch"].pk), data, follow=True)


def field_of(page, name):
    """The name of the form fields about an unknown donor or operation."""
    names = page.context["names"]
    rows = {row.get("name", row.get("text")): row["field"] for row in [*names.donors, *names.places]}
    return rows[name]


def stored():
    lines = Contribution.objects.current().select_related("donor").order_by("date", "pk")
    return [(line.donor.name_en, line.date.isoformat(), str(line.amount_usd)) for line in lines]


def public():
    return sorted(str(line.amount_usd) for line in Contribution.objects.released())


def said(page):
    return [str(message) for message in page.context["messages"]]


# --- The whole way ----------------------------------------------------------------------------------


def test_a_file_goes_to_the_books_and_to_readers_and_back(client):
    page = upload(client, GIFTS)
    batch = newest()
    assert page.redirect_chain[-1][0] == url("change", batch.pk)
    shown = words(page)
    assert "rows read 2 new = 2 replaced + 0 unchanged + 0 in error + 0 left out + 0" in shown
    assert "Name Before Change After 2021 0.00 3,000.50 3,000.50" in shown
    assert "Nothing has been stored yet." in shown and stored() == []

    page = step(client, "confirm", when="now")
    assert said(page) == ["Imported 2 lines."]
    assert stored() == [("Norway", "2021-11-24", "1000.00"), ("Norway", "2021-11-25", "2000.50")]
    assert public() == ["1000.00", "2000.50"]
    assert newest().approved_by.username == "finance"
    assert "Readers see it." in words(page)

    page = client.get(url("undo", batch.pk))
    assert "2 lines are taken back" in words(page)
    assert "Lines 2 0 US dollars 3,000.50 0.00" in words(page)
    assert "Say in a few words why." in words(client.post(url("undo", batch.pk), {"why": " "}))
    page = client.post(url("undo", batch.pk), {"why": "The wrong month."}, follow=True)
    assert (stored(), public()) == ([], [])
    assert "Why: The wrong month." in words(page)

    log = LogEntry.objects.filter(object_id=str(batch.pk)).order_by("pk")
    assert [entry.get_change_message() for entry in log] == [
        "Uploaded.", "Confirmed the import.", "Undone: The wrong month."]  # fmt: skip


def test_an_import_that_is_not_released_is_released_later_or_at_a_time(client):
    upload(client, GIFTS)
    page = step(client, "confirm", when="not_yet")
    assert (len(stored()), public()) == (2, [])
    assert "Readers do not see it." in words(page)

    page = step(client, "release", when="later", at_day="2020-01-01", at_time="09:00", at_zone="UTC")
    assert "This time has passed." in words(page)
    day = (timezone.now() + dt.timedelta(days=3)).date().isoformat()
    page = step(client, "release", when="later", at_day=day, at_time="09:00", at_zone="Europe/Zurich")
    assert "Readers will see it from" in words(page)
    assert newest().released_at == dt.datetime.fromisoformat(f"{day}T08:00+00:00")
    page = step(client, "release", _stop="1")
    assert newest().released_at is None
    page = step(client, "release", when="now")
    assert said(page) == ["Released: readers see it now."] and len(public()) == 2
    assert said(step(client, "release", when="now")) == ["Readers see this import already."]


def test_with_four_eyes_who_loaded_a_file_does_not_release_it(client, settings):
    settings.FOUR_EYES = True
    page = upload(client, GIFTS)
    assert "On this site another person releases what you import." in words(page)
    step(client, "confirm", when="now")  # is not offered
    assert stored() == []
    page = step(client, "confirm", when="not_yet")
    assert "You loaded this file, and on this site another person releases it." in words(page)
    page = step(client, "release", when="now")
    assert said(page) == ["You loaded this file. Somebody else has to release it."] and public() == []
    step(signed_in(finance("colleague")), "release", when="now")
    assert len(public()) == 2


def test_a_role_that_was_taken_away_meanwhile_keeps_an_import_from_being_confirmed(client):
    peru, chad = Operation.objects.get_or_create(code="PER", slug="per")[0], factories.operation("TCD")
    account = finance("of both", on=[peru, chad])
    client = signed_in(account)
    upload(client, "reference,donor,date,operation,amount_usd\nR1,Norway,2021-11-24,TCD,1000\n")
    account.roles.filter(operation=chad).delete()
    page = step(client, "confirm", when="not_yet")
    assert said(page) == ["Some lines are of operations for which you may not import any more."]
    assert stored() == []


def test_with_four_eyes_who_confirms_the_file_of_another_does_not_release_it(client, settings):
    settings.FOUR_EYES = True
    upload(client, GIFTS)
    colleague = signed_in(finance("colleague"))
    step(colleague, "confirm", when="not_yet")
    page = step(colleague, "release", when="now")
    assert said(page) == ["You loaded this file. Somebody else has to release it."] and public() == []
    step(signed_in(finance("third")), "release", when="now")
    assert len(public()) == 2


def test_a_file_that_replaces_lines_which_readers_do_not_see_waits_for_them(client):
    upload(client, GIFTS)
    step(client, "confirm", when="not_yet")
    upload(client, GIFTS.replace("1000", "1500"))
    step(client, "decide", _all="1")
    page = step(client, "confirm", when="now")
    assert "It replaces lines of another import, which readers will not see by then." in words(page)
    assert Contribution.objects.count() == 2
    step(client, "confirm", when="not_yet")
    assert ("Norway", "2021-11-24", "1500.00") in stored()


# --- Questions and columns --------------------------------------------------------------------------

OLD = "Report of gifts\nWhen;Who;Betrag\n03/04/2021;Norway;1.234\n05/06/2021;Norway;5.678\nBy the finance section;;\n"


def test_what_a_file_does_not_say_is_asked_and_kept_as_a_source_for_the_next_one(client):
    page = upload(client, OLD)
    shown = words(page)
    assert "No column is known as “donor”. Which one is it?" in shown
    assert "Line 5: By the finance section" in shown
    assert (newest().state, stored()) == ("asking", [])
    page = answer(client, page, footer="leave")
    assert "Choose the column that holds the amounts." in words(page)
    columns = {"column-0": "date", "column-1": "donor", "column-2": "amount"}
    page = answer(client, page, **columns, footer="leave", **{"set-currency": "USD"})
    assert "Line 3: 03/04/2021 can be read as two days, and no other line tells which." in words(page)
    assert "Line 3: 1.234 can be thousands or decimals, and no other line tells which." in words(page)
    page = answer(client, page, dates="dmy")
    assert "Choose one: the file does not say it." in words(page)
    page = answer(client, page, dates="dmy", decimal=",", save_as="Old books")
    assert (said(page), newest().state) == (["Kept as the source “Old books”."], "planned")
    assert "rows read 3 new = 2 replaced + 0 unchanged + 0 in error + 0 left out + 1" in words(page)
    step(client, "confirm", when="now")
    assert stored() == [("Norway", "2021-04-03", "1234.00"), ("Norway", "2021-06-05", "5678.00")]

    source = ImportSource.objects.get()
    assert source.reading == {"leave_out": []}  # of the next file it is asked again
    assert source.mapping == {"When": "date", "Who": "donor", "Betrag": "amount"}
    next_one = OLD.replace("Report of gifts\n", "").replace(
        "03/04/2021;Norway;1.234", "13.04.2021;Norwegen;1,5"
    )
    page = upload(client, next_one.replace("Norwegen", "Norway"), source=source.pk)
    assert [question["name"] for question in newest().plan["survey"]["questions"]] == ["footer"]
    page = answer(client, page, footer="leave")
    assert newest().state == "planned", words(page)
    assert "2021-04-13 Norway – 2021 1.50" in words(page)


def test_columns_of_a_kept_source_that_moved_are_looked_at_before_anything_is_compared(client):
    kept = {"Ref": "reference", "Who": "donor", "When": "date", "Sum": "amount"}
    source = ImportSource.objects.create(name="ERP", mapping=kept, options={"constants": {"currency": "USD"}})
    text = "Reference,Who,When,Sum,Currency\nR1,Norway,2021-11-24,5,USD\n"
    page = upload(client, text, source=source.pk)
    assert newest().state == "asking"
    assert "Columns were decided that this file does not have: “Ref”." in words(page)
    page = answer(client, page)  # what the columns look like is proposed
    assert "A column of the file says it already." in words(page) and newest().state == "asking"
    columns = {"column-0": "", "column-4": ""}
    answer(client, page, **columns, save_as="ERP")
    batch, source = newest(), ImportSource.objects.get()
    assert (batch.state, batch.mapping) == ("planned", {"Who": "donor", "When": "date", "Sum": "amount"})
    assert (source.options["answered"], source.options["headers_seen"]) == (
        [],
        ["Reference", "Who", "When", "Sum", "Currency"],
    )
    upload(client, text, source=source.pk)  # and what was left unused is not asked again
    assert newest().state == "planned"
    upload(client, text.replace("Sum", "Amount"), source=source.pk)
    assert newest().state == "asking"


def test_the_sheet_is_chosen_where_several_hold_such_a_table(client):
    book = openpyxl.Workbook()
    for sheet, number in ((book.active, 1), (book.create_sheet("More"), 2)):
        sheet.append(["reference", "donor", "date", "amount_usd"])
        sheet.append([f"R{number}", "Norway", "2021-11-24", number])
    stream = io.BytesIO()
    book.save(stream)
    page = upload(client, stream.getvalue(), name="gifts.xlsx", format=1)
    assert "Only the sheet “Sheet” was read, but others hold such a table too: “More”." in words(page)
    page = answer(client, page)
    assert "Choose the sheet that is to be read." in words(page) and newest().state == "asking"
    answer(client, page, sheet="Sheet", **{"column-0": ""})
    batch = newest()
    assert (batch.state, batch.reading["sheet"], "reference" in batch.mapping) == ("planned", "Sheet", False)
    page = upload(client, stream.getvalue(), name="gifts.xlsx", format=1)
    answer(client, page, sheet="More")
    assert (newest().state, newest().reading["sheet"]) == ("planned", "More")
    assert newest().staged.get().amount_usd == 2


def book_with_cover(*rows):
    book = openpyxl.Workbook()
    book.active.title = "Cover"
    for row in rows:
        book.active.append(row)
    sheet = book.create_sheet("Data")
    sheet.append(["reference", "donor", "date", "amount_usd"])
    sheet.append(["R1", "Norway", "2021-11-24", 5])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    "cover", [[], [["Gifts of 2021"]], [["Prepared by", "Finance"], ["of", "Openfield"]]]
)
def test_the_sheet_that_is_a_table_is_proposed_where_the_first_is_none(client, cover):
    page = upload(client, book_with_cover(*cover), name="gifts.xlsx", format=1)
    assert "The first sheet, “Cover”, holds no such table, and “Data” was read. Choose the sheet" in words(
        page
    )
    assert newest().state == "asking" and page.context["form"]["sheet"].value() == "Data"
    assert page.context["form"].headers == ["reference", "donor", "date", "amount_usd"]
    answer(client, page, sheet="Data")
    assert (newest().state, newest().staged.get().amount_usd) == ("planned", 5)


def test_where_no_sheet_is_a_table_another_can_be_chosen_nevertheless(client):
    book = openpyxl.Workbook()
    book.create_sheet("More").append(["Norway", 5])
    stream = io.BytesIO()
    book.save(stream)
    page = upload(client, stream.getvalue(), name="gifts.xlsx", format=1)
    assert "The file is empty. The workbook has several sheets: “Sheet”, “More”." in words(page)
    form = client.get(url("columns", newest().pk)).context["form"]
    assert [value for value, _label in form.fields["sheet"].choices] == ["", "Sheet", "More"]


def test_columns_are_corrected_on_screen_and_what_was_proven_is_found_out_again(client):
    text = "reference,donor,date,amount_usd,paid\nR1,Norway,2021-11-24,5,25/11/2021\n"
    page = upload(client, text)
    assert "These columns are not used: paid." in words(page)
    page = client.get(url("columns", newest().pk))
    page_twice = answer(client, page, **{"column-4": "date"})
    assert "Another column is read as “date” already." in words(page_twice)
    page = answer(client, page, **{"column-2": "", "column-4": "date"})
    assert "2021-11-25" in words(page) and newest().options["dates"] == "dmy"


def test_another_reading_proposes_the_columns_anew(client):
    raw = "reference,donor,date,amount_usd,description\nR1,Norway,2021-11-24,5,Zürich\n".encode("cp1252")
    upload(client, raw)
    page = client.get(url("columns", newest().pk))
    page = answer(client, page, encoding="cp437", **{"column-0": ""})
    assert said(page) == ["The file is read in another way: its columns were proposed anew."]
    assert newest().mapping["reference"] == "reference" and "Zⁿrich" in words(page)
    page = answer(client, client.get(url("columns", newest().pk)), encoding="")
    assert "Zürich" in words(page)


def test_lines_are_left_out_by_what_a_column_says(client):
    text = "kind,donor,date,amount_usd\ngift,Norway,2021-11-24,5\nloan,Norway,2021-11-24,6\nplan,Norway,2021-11-24,7\n"
    upload(client, text)
    page = client.get(url("columns", newest().pk))
    page = answer(client, page, **{"where-0-header": "kind"})
    assert "Say both the column and what it says, or neither." in words(page)
    page = answer(client, page, **{"where-0-header": "kind", "where-0-cells": "loan; plan"})
    assert "rows read 3 new = 1 replaced + 0 unchanged + 0 in error + 0 left out + 2" in words(page)


def test_a_file_that_is_no_table_says_so_and_can_be_tried_again_or_given_up(client):
    page = upload(client, "reference,donor\nR1,Norway,2021-11-24,5\n")
    assert "Line 2 has 4 cells, but the header has 2. Is a comma or quote missing?" in words(page)
    assert newest().state == "failed"
    page = answer(client, client.get(url("columns", newest().pk)), delimiter=";")
    assert newest().state == "asking"
    page = step(client, "give_up")
    assert (newest().state, said(page)) == ("given_up", ["Given up. Nothing of it was imported."])
    page = step(client, "again")
    assert said(page)[0].startswith("This import went on while the page was open.")


def test_an_empty_or_too_large_file_is_refused_at_the_upload(client, settings):
    assert "The submitted file is empty." in words(upload(client, ""))
    settings.IMPORT_MAX_BYTES = 20
    assert "The file is larger than 0 MB" in words(upload(client, GIFTS))
    page = upload(client, GIFTS[:19], control_total="lots", complete_years="21")
    assert "“lots” is not a number." in words(page) and "“21” is not a year." in words(page)
    assert ImportBatch.objects.count() == 0


# --- Names ------------------------------------------------------------------------------------------

UNKNOWN = (
    "donor,donor_type,date,operation,amount_usd\n"
    "Norwai,,2021-11-24,Peruu,1\nNorwai,,2021-11-25,PER,2\nFrance,government,2021-11-24,,3\nA. Person,,2021-11-24,,4\n"
)


def test_unknown_names_are_mapped_or_confirmed_as_new_and_operations_never_made(client, peru, norway):
    page = upload(client, UNKNOWN)
    assert "The file has 5 errors." in words(page)
    assert "Norwai 2" in words(page) and "Peruu 1" in words(page)
    page = step(
        client,
        "decide",
        _names="1",
        **{
            field_of(page, "Norwai"): str(norway.token),
            field_of(page, "France"): "new",
            f"{field_of(page, 'France')}-kind": "government",
            field_of(page, "A. Person"): "new",
            f"{field_of(page, 'Peruu')}-other": "peru",
        },
    )
    assert said(page) == ["Say what “A. Person” is: a government, private donors or another kind."]
    assert "The file has 1 error." in words(page)
    page = step(client, "decide", _names="1", **{f"{field_of(page, 'A. Person')}-other": "Nobody"})
    assert said(page) == ["No donor is called “Nobody”: nothing was decided about “A. Person”."]
    page = step(client, "decide", _names="1", **{f"{field_of(page, 'A. Person')}-other": "norway"})
    assert "New donors (1) France (government)" in words(page)
    assert (Donor.objects.count(), DonorAlias.objects.count()) == (1, 0)

    taken_back = page.context["names"].decided[0]
    assert (taken_back["name"], taken_back["said"]) == ("norwai", "is Norway")
    page = step(client, "decide", _names="1", take_back=taken_back["field"])
    assert "The file has 2 errors." in words(page)
    page = step(client, "decide", _names="1", **{field_of(page, "Norwai"): str(norway.token)})
    step(client, "confirm", when="now")
    assert [row[0] for row in stored()] == ["Norway", "France", "Norway", "Norway"]
    assert sorted(DonorAlias.objects.values_list("name", flat=True)) == ["A. Person", "Norwai"]
    assert Operation.objects.count() == 1


def test_who_does_not_see_donors_is_offered_none_whom_readers_never_see_by_name(client, peru):
    person = factories.donor("Janet Roe", kind="private", is_class=False)
    upload(client, HEADER + "R1,Janett Roe,2021-11-24,5\n")
    batch = newest()
    for rights, is_named in (((), False), (("view_donor",), True)):
        rights = ("import_contribution", "add_donoralias", *rights)
        page = page_of(signed_in(with_rights(f"colleague {is_named}", *rights)), batch)
        assert (f'value="{person.token}"' in page.content.decode()) is is_named
        assert ("Janet Roe" in page.content.decode()) is is_named
        assert "Norway" in page.context["known_donors"]


def test_all_other_unknown_donors_are_confirmed_as_new_with_one_tick(client, peru):
    upload(client, UNKNOWN.replace("Peruu", "PER").replace("A. Person,", "A. Person,private"))
    page = step(client, "decide", _names="1", new_donors="on")
    assert "Say in donor_type what “Norwai” is" in words(page)
    assert "New donors (2) A. Person (private donors) France (government)" in words(page)
    page = step(client, "decide", _names="1")
    assert "New donors" not in words(page)


def test_forged_answers_about_names_decide_nothing(peru, norway):
    """Who may not add donors makes none, and nobody maps to an operation where they may not import."""
    factories.operation("COL")
    client = signed_in(finance("of Peru", on=[peru]))
    page = upload(client, UNKNOWN)
    assert "You may not add spellings or donors." in words(page)
    step(
        client,
        "decide",
        _names="1",
        new_donors="on",
        **{
            field_of(page, "Norwai"): str(norway.token),
            field_of(page, "France"): "new",
            f"{field_of(page, 'France')}-kind": "government",
            field_of(page, "Peruu"): "COL",
        },
    )
    options = newest().options
    assert (options["donors"], options["operations"], options.get("new_donors")) == ({}, {}, None)


# --- The preview ------------------------------------------------------------------------------------


@pytest.fixture
def known(norway):
    load(ContributionResource(), HEADER + "".join(f"R{n},Norway,2021-11-24,{n}000\n" for n in range(1, 4)))


CHANGED = HEADER + "R1,Norway,2021-11-24,1500\nR2,Norway,2021-11-24,2500\nR3,Norway,2021-11-24,3500\n"


def test_every_replacement_is_decided_on_its_own(client, known):
    page = upload(client, CHANGED)
    assert "3 lines differ from the known ones and are not decided." in words(page)
    assert "Amount in US dollars: 1,000.00 → 1,500.00" in words(page)
    page = step(client, "confirm", when="now")
    assert said(page) == ["3 lines differ from the known ones and are not decided."]
    first, second, third = newest().staged.order_by("line")
    page = step(
        client, "decide", _lines="1", **{f"line-{first.pk}": "r", f"line-{second.pk}": "k", "line-99": "r"}
    )
    assert "1 line differs from the known one and is not decided." in words(page)
    page = step(client, "decide", _lines="1", **{f"line-{third.pk}": "a"})
    assert "rows read 3 new = 1 replaced + 1 unchanged + 0 left as they are + 1 in error + 0" in words(page)
    assert "It cannot be confirmed yet" not in words(page)
    step(client, "confirm", when="now")
    assert sorted(row[2] for row in stored()) == ["1500.00", "2000.00", "3000.00", "3500.00"]


def test_all_the_others_are_replaced_at_once(client, known):
    upload(client, CHANGED)
    first = newest().staged.order_by("line").first()
    step(client, "decide", _all="1", **{f"line-{first.pk}": "k"})
    step(client, "confirm", when="now")
    assert [row[2] for row in stored()] == ["1000.00", "2500.00", "3500.00"]


def test_the_control_total_must_be_that_of_the_lines(client):
    page = upload(client, GIFTS, control_total="3,000.00")
    assert "typed 3,000.00 found 3,000.50 difference 0.50" in words(page)
    assert words(page).count("a difference of 0.50.") == 3
    assert said(step(client, "confirm", when="now"))[0].startswith("The lines make US$ 3,000.50")
    page = answer(client, client.get(url("columns", newest().pk)), control_total="$3,000.50")
    assert "The lines make the total that was typed." in words(page)
    step(client, "confirm", when="now")
    assert len(stored()) == 2


def test_a_file_that_is_complete_for_a_year_shows_what_it_would_withdraw(client, known, peru):
    text = HEADER + "R1,Norway,2021-11-24,1000\nR2,Norway,2021-11-24,2000\n"
    page = upload(client, text, complete_years="2021")
    assert "1 line of the books that the file lacks is withdrawn." in words(page)
    assert "– 2021-11-24 Norway – 2021 3,000.00" in words(page)
    step(client, "confirm", when="now")
    assert [row[2] for row in stored()] == ["1000.00", "2000.00"]
    page = client.get(reverse("admin:contributions_contribution_import"))
    assert "complete_years" in page.context["form"].fields

    other = signed_in(finance("of Peru", on=[peru]))
    page = upload(other, text.replace("R1", "R9"), complete_years="2021")
    assert "complete_years" not in newest().options
    page = other.get(url("columns", newest().pk))
    assert "complete_years" not in page.context["form"].fields
    answer(other, page, complete_years="2021")
    assert "complete_years" not in newest().options


def test_errors_are_all_shown_and_come_as_the_same_file_with_a_column_more(client):
    text = HEADER + "".join(f"R{n},Norway,2021-11-24,x{n}\n" for n in range(60))
    page = upload(client, text)
    assert "2 amount_usd x0 “x0” is not a number" in words(page)
    assert words(page).count("is not a number") == 10 and "All 60 errors" in words(page)
    assert "disabled" in re.search(r'<input[^>]*value="Confirm the import"[^>]*>', page.content.decode())[0]
    batch = newest()
    last = client.get(url("lines", batch.pk), {"state": "errors", "page": 2})
    assert words(last).count("is not a number") == 10 and "61 amount_usd x59" in words(last)
    file = client.get(url("errors", batch.pk))
    rows = b"".join(file.streaming_content).decode("utf-8-sig").splitlines()
    assert rows[0] == "reference,donor,date,amount_usd,errors"
    assert len(rows) == 61 and rows[60].startswith(
        "R59,Norway,2021-11-24,x59,amount_usd: “x59” is not a number"
    )
    assert "gifts-errors.csv" in file["Content-Disposition"]


def test_what_a_file_says_is_shown_and_never_run(client):
    evil = '"<script>alert(1)</script>"'
    text = f'donor,{evil},date,amount_usd\n{evil},"<b>x</b>",2021-11-24,"<i>5</i>"\n'
    page = upload(client, text, name="<img src=x>.csv")
    batch = newest()
    for shown in (page, client.get(url("columns", batch.pk)), client.get(url("changelist"))):
        assert not re.search(r"<script>alert|<b>x|<i>5|<img src=x", shown.content.decode())
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.content.decode()


def test_repeated_lines_are_shown_and_each_is_a_gift(client):
    page = upload(client, HEADER + "R1,Norway,2021-11-24,5\n" * 3)
    assert "Repeated lines (1)" in words(page) and "3 2021-11-24 2021 5.00 R1" in words(page)
    step(client, "confirm", when="now")
    assert len(stored()) == 3


def test_lines_of_each_kind_are_reached_page_by_page(client, known):
    text = CHANGED.replace("3500", "3000") + "".join(f"N{n},Norway,2021-11-24,5\n" for n in range(70))
    upload(client, text)
    batch = newest()
    shown = {
        kind: client.get(url("lines", batch.pk), {"state": kind}).context["page"].paginator.count
        for kind in ("new", "changed", "unchanged", "kept", "withdrawn")
    }
    assert shown == {"new": 70, "changed": 2, "unchanged": 1, "kept": 0, "withdrawn": 0}
    assert "N69" in words(client.get(url("lines", batch.pk), {"state": "new", "page": 2}))
    assert client.get(url("lines", batch.pk), {"state": "zq"}).status_code == 404
    step(client, "decide", _all="1")
    step(client, "confirm", when="now")
    shown = words(client.get(url("lines", batch.pk)))
    assert "replaced Amount in US dollars: 1,000.00 → 1,500.00" in shown and "Page 1 of 2" in shown


# Session, user, and what their roles give (7); the import and its uploader; how many replacements and undecided
# ones; operations and donors to choose from; the first lines of each kind with their donors, what is repeated, errors.
QUERIES = 20


@pytest.mark.parametrize("rows", [1, 30])
def test_the_queries_of_a_preview_do_not_grow_with_its_lines(client, norway, peru, rows):
    names = [factories.donor(f"Donor {n}").name_en for n in range(rows)]
    header = "reference,donor,date,operation,amount_usd\n"
    lines = [f"R{n},{name},2021-11-24,PER," for n, name in enumerate(names)]
    load(ContributionResource(), header + "".join(f"{line}5\n" for line in lines))
    new = "".join(f"N{n},{name},2021-11-24,PER,5\n" * 2 for n, name in enumerate(names))
    bad = "".join(f"Norwai {n},x,2021,{n}\n" for n in range(rows))
    upload(client, header + "".join(f"{line}6\n" for line in lines) + new + bad.replace("Norwai", "B,Norwai"))
    batch = newest()
    with CaptureQueriesContext(connection) as found:
        page = page_of(client, batch)
    assert f"replaced + {rows} unchanged + 0 in error + {rows}" in words(page)
    assert len(found) == QUERIES, "\n".join(query["sql"][:150] for query in found)


# --- The same file, and what happens meanwhile ------------------------------------------------------


def test_the_same_file_again_is_known_and_changes_nothing(client):
    upload(client, GIFTS)
    step(client, "confirm", when="now")
    first = newest()
    page = upload(client, GIFTS, name="other.csv")
    assert "Nothing to do This very file was imported already:" in words(page)
    assert url("change", first.pk) in page.content.decode()
    page = step(client, "again")
    assert "rows read 2 new = 0 replaced + 0 unchanged + 2" in words(page)
    page = step(client, "confirm", when="not_yet")
    assert (newest().state, said(page)) == ("known", ["The books have every line of it: nothing changed."])
    assert len(stored()) == 2


def test_what_was_confirmed_is_what_is_imported_or_the_preview_comes_back(client):
    """Somebody imports lines of the same file between preview and confirmation."""
    upload(client, GIFTS)
    mine = newest()
    seen = page_of(client, mine).context["seen"]
    load(ContributionResource(), GIFTS.replace("1000", "1100"))
    page = client.post(url("confirm", mine.pk), {"seen": seen, "when": "now"}, follow=True)
    assert "Nothing was imported: the books changed since you confirmed." in words(page)
    assert "rows read 2 new = 0 replaced + 1 unchanged + 1" in words(page)
    assert "2021 3,100.50 −100.00 3,000.50" in words(page)
    step(client, "decide", mine, _all="1")
    page = step(client, "confirm", mine, when="now")
    assert sorted(row[2] for row in stored()) == ["1000.00", "2000.50"]


def test_a_donor_that_was_made_meanwhile_has_the_file_read_again(client):
    text = "donor,donor_type,date,amount_usd\nFrance,government,2021-11-24,5\n"
    upload(client, text)
    step(client, "decide", _names="1", new_donors="on")
    mine = newest()
    factories.donor("France")
    load(ContributionResource(), "donor,date,amount_usd\nFrance,2020-11-24,7\n")
    page = step(client, "confirm", mine, when="now")
    assert "Nothing was imported: the books changed since you confirmed." in words(page)
    assert "New donors" not in words(page)
    step(client, "confirm", mine, when="now")
    assert [row[:2] for row in stored()] == [("France", "2020-11-24"), ("France", "2021-11-24")]


@pytest.mark.parametrize("name", ["confirm", "decide", "columns"])
def test_a_page_that_is_older_than_the_plan_changes_nothing(client, name):
    upload(client, GIFTS)
    batch = newest()
    seen = page_of(client, batch).context["seen"]
    answer(client, client.get(url("columns", batch.pk)), round_to_cents="on")
    data = {"seen": seen, "when": "now", "_all": "1", "column-0": "description"}
    page = client.post(url(name, batch.pk), data, follow=True)
    assert said(page)[0].startswith("This import went on while the page was open.")
    assert (stored(), newest().mapping["reference"]) == ([], "reference")


def test_a_large_file_is_left_to_a_worker_and_its_page_tells_how_far_it_is(client, settings):
    settings.IMPORT_BACKGROUND_BYTES = 10
    page = upload(client, GIFTS)
    batch = newest()
    assert (batch.job, page["Refresh"]) == ("plan", "2")
    assert "It waits for its turn." in words(page) and "manage.py work" not in words(page)
    assert "Refresh" not in client.get(url("change", batch.pk), {"watch": "0"})
    ImportBatch.objects.update(queued_at=timezone.now() - dt.timedelta(seconds=15))
    assert "The background service may not be running" in words(page_of(client, batch))
    ImportBatch.objects.update(
        beat_at=timezone.now() - dt.timedelta(seconds=190), progress=1, plan={"survey": {"rows": 2}}
    )
    assert "1 of 2 lines read" in words(page_of(client, batch))
    assert "There has been no sign of life for three minutes." in words(page_of(client, batch))
    jobs.run(jobs.take())
    page = page_of(client, batch)
    assert "rows read 2 new = 2" in words(page) and "Refresh" not in page
    page = step(client, "confirm", when="now")
    assert "The file is being imported" in words(page) and stored() == []
    ImportBatch.objects.update(beat_at=timezone.now())
    assert said(step(client, "give_up"))[0].startswith("This import went on while the page was open.")
    ImportBatch.objects.update(beat_at=None)
    jobs.run(jobs.take())
    assert "Readers see it." in words(page_of(client, batch)) and len(public()) == 2


def test_names_with_a_footnote_mark_are_told_with_their_lines(client):
    names = [f"Nation {chr(65 + number)}" for number in range(23)]
    for name in names:
        factories.donor(name)
    lines = ["R0,Norway,2021-11-24,5", "R1,Nation A*,2021-11-24,5", "R2,Nation A*,2021-11-25,5"]
    lines += [f"S{name},{name}**,2021-11-24,5" for name in names[1:]]
    page = upload(client, HEADER + "\n".join(lines))
    shown = words(page)
    assert "23 names had a footnote mark, which is left out" in shown
    first = "Line 3: “*” behind “Nation A” is taken for the mark of a footnote, not for a part of the name."
    assert f"{first} (and 1 more line) Line 5: “**” behind “Nation B”" in shown
    assert "behind “Nation T”" in shown and "behind “Nation U”" not in shown
    assert "and 3 more names" in shown and "Only the first" not in shown
    assert "<details><summary>23 names had" in page.content.decode()
    assert "footnote" not in words(upload(client, GIFTS))


def test_that_not_all_footnote_marks_were_counted_is_told(client):
    page = upload(client, HEADER + "".join(f"R{n},Norway*,2021-11-24,5\n" for n in range(502)))
    assert "1 name had a footnote mark, which is left out" in words(page)
    assert "and 2 more lines with a footnote mark, whose names are not counted here" in words(page)


def test_many_warnings_of_one_kind_hide_none_of_another(client):
    names = [*["Norway*"] * 600, *(f"=Firm {n}" for n in range(525)), "N\u043erway"]
    page = upload(client, HEADER + "".join(f"R{n},{name},2021-11-24,5\n" for n, name in enumerate(names, 2)))
    plan, shown = newest().plan, words(page)
    assert plan["warned"] == {"footnote": 600, "formula": 525, "scripts": 1}
    kept = [code for code, *_rest in plan["warnings"]]
    assert {code: kept.count(code) for code in kept} == {"footnote": 500, "formula": 500, "scripts": 1}
    assert "Line 621: “=Firm 19” begins like a formula. It is kept as text." in shown
    assert "“=Firm 20” begins" not in shown and "… and 505 more lines with such a name." in shown
    assert "Line 1127: “N\u043erway” mixes letters" in shown
    assert "and 100 more lines with a footnote mark" in shown


# --- In the books -----------------------------------------------------------------------------------


def test_before_an_undo_its_page_tells_of_later_imports_and_what_readers_will_see(client):
    for amount in ("1000", "1500"):
        upload(client, GIFTS.replace("1000", amount))
        step(client, "decide", _all="1")
        step(client, "confirm", when="now")
    later, first = ImportBatch.objects.order_by("-pk")
    shown = words(client.get(url("undo", first.pk)))
    assert f"1 of them was replaced by a later import; that form of it stays: {later}" in shown
    assert "Lines 2 1 US dollars 3,500.50 1,500.00" in shown
    assert "Lines that a later file held unchanged go too, for it only confirmed them" in shown
    assert "Import that file again to have them back." in shown
    shown = words(client.get(url("undo", later.pk)))
    assert "1 line is taken back" in shown and "Lines 2 2 US dollars 3,500.50 3,000.50" in shown
    client.post(url("undo", first.pk), {"why": "wrong"})
    assert public() == ["1500.00"]
    client.post(url("undo", later.pk), {"why": "wrong"})
    assert public() == []


def test_two_imports_are_compared_line_by_line(client):
    upload(client, GIFTS + "R3,Norway,2021-11-26,5\n")
    step(client, "confirm", when="now")
    first = newest()
    upload(client, GIFTS.replace("1000", "1500") + "R4,Norway,2021-11-26,7\n")
    step(client, "decide", _all="1")
    step(client, "confirm", when="now")
    second = newest()
    page = client.get(url("compare", first.pk, second.pk))
    assert [(name, lines, usd) for name, _words, lines, usd in page.context["groups"]] == [
        ("equal", 0, "0.00"), ("different", 1, "1,000.00"), ("mine", 2, "2,005.50"), ("theirs", 1, "7.00")]  # fmt: skip
    assert "Amount in US dollars: 1,000.00 → 1,500.00" in words(page)
    page = client.get(url("compare", first.pk, second.pk), {"state": "theirs"})
    assert "2021-11-26 Norway – 2021 7.00" in words(page)
    client.post(url("undo", second.pk), {"why": "again"})
    upload(client, GIFTS + "R3,Norway,2021-11-26,5\n", name="x.csv")
    client.post(url("undo", first.pk), {"why": "again"})
    step(client, "again")
    step(client, "confirm", when="now")
    groups = client.get(url("compare", first.pk, newest().pk)).context["groups"]
    assert [lines for _name, _words, lines, _usd in groups] == [3, 0, 0, 0]
    assert client.get(url("compare", first.pk, first.pk)).status_code == 404
    assert client.get(url("compare", first.pk, 987654)).status_code == 404


def test_the_list_says_where_each_import_stands(client):
    upload(client, GIFTS)
    step(client, "confirm", when="now")
    upload(client, GIFTS.replace("1000", "zq"), name="bad.csv")
    factories.batch(table="operations.operation", file_name="operations.csv")
    shown = words(client.get(url("changelist")))
    for row in ("gifts.csv ● readers see it contributions", "bad.csv ↺ has errors contributions", "operations.csv ● readers see it operations"):  # fmt: skip
        assert row in shown
    found = {
        state: [
            batch.file_name
            for batch in client.get(url("changelist"), {"state": state}).context["cl"].result_list
        ]
        for state in ("open", "public", "undone", "working")
    }
    assert found == {
        "open": ["bad.csv"],
        "public": ["operations.csv", "gifts.csv"],
        "undone": [],
        "working": [],
    }
    other = client.get(url("change", newest().pk))
    assert "operations.operation" in words(other) and "batch" not in other.context


# --- Who may ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["Field editors", "Reviewers"])
def test_only_finance_may_import_contributions(client, group):
    someone = signed_in(factories.user("someone", groups=(group,)))
    assert upload(someone, GIFTS).status_code == 403
    assert someone.post(reverse("admin:contributions_contribution_process_import")).status_code == 403
    assert someone.post(reverse("admin:contributions_donor_process_import")).status_code == 403


def test_the_librarys_own_confirmation_imports_no_contributions(client):
    """Not even a file that was uploaded, and signed, as one of donors."""
    data = {
        "import_file": SimpleUploadedFile("d.csv", b"name,kind\nFrance,government\n"),
        "format": 0,
        "resource": "",
    }
    page = client.post(reverse("admin:contributions_donor_import"), data)
    signed = {
        name: value for name, value in page.context["confirm_form"].initial.items() if value is not False
    }
    page = client.post(reverse("admin:contributions_contribution_process_import"), signed)
    assert (page.status_code, page["Location"]) == (302, "../import/")
    assert (Contribution.objects.count(), ImportBatch.objects.count()) == (0, 0)


STEPS = ["columns", "decide", "confirm", "give_up", "again", "release", "undo"]
PAGES = ["change", "columns", "undo", "lines", "errors", "file", "history"]


def answers(client, batch):
    got = {name: client.get(url(name, batch.pk)).status_code for name in PAGES if name != "errors"}
    for name in STEPS:
        got[f"{name}!"] = client.post(url(name, batch.pk), {"when": "now", "why": "x"}).status_code
    return got


def test_another_persons_import_is_theirs_and_of_who_may_import_everywhere(client, peru, norway):
    upload(client, GIFTS)
    batch = newest()
    before = ImportBatch.objects.values().get()
    of_peru = signed_in(finance("of Peru", on=[peru]))
    hidden = dict.fromkeys([*PAGES, *(f"{name}!" for name in STEPS)], 404)
    hidden |= {"change": 302, "history": 302}  # to the admin's start page, as for an import that is not there
    del hidden["errors"]
    assert answers(of_peru, batch) == hidden
    nothing = ImportBatch(pk=987_654)
    assert answers(of_peru, nothing) == hidden == answers(client, nothing)

    looker = signed_in(with_rights("looker"))
    refused = {f"{name}!": 403 for name in STEPS}
    seen = {"change": 200, "lines": 404, "file": 200, "history": 200, "columns": 403, "undo": 403}
    assert answers(looker, batch) == seen | refused
    assert "can confirm it" in words(page_of(looker, batch))
    assert ImportBatch.objects.values().get() == before and stored() == []

    colleague = signed_in(with_rights("colleague", "import_contribution"))
    page = page_of(colleague, batch)
    assert "You may not release imports: a colleague who may does so." in words(page)
    step(colleague, "confirm", batch, when="now")
    assert stored() == []
    page = step(colleague, "confirm", batch, when="not_yet")
    assert len(stored()) == 2 and "You may not release imports." in words(page)
    assert colleague.post(url("release", batch.pk), {"when": "now"}).status_code == 403
    assert colleague.post(url("undo", batch.pk), {"why": "x"}).status_code == 403
    assert public() == []


def test_who_imports_for_one_operation_sees_no_sums_of_the_others(peru, norway):
    colombia = factories.operation("COL")
    factories.contribution(norway, operation=colombia, amount_usd=Decimal("777777.77"))
    client = signed_in(finance("of Peru", on=[peru]))
    page = upload(client, "donor,date,operation,amount_usd\nNorway,2021-11-24,PER,5\n")
    assert "777,7" not in words(page) and "Name Change government 5.00" in words(page)
    step(client, "confirm", when="not_yet")
    mine = newest()
    assert "777,7" not in words(page_of(client, mine))
    factories.contribution(norway, batch=mine, operation=colombia, reference="zqother")
    assert "zqother" not in words(client.get(url("lines", mine.pk)))


def test_posts_alone_change_something(client):
    upload(client, GIFTS)
    batch = newest()
    for name in ("confirm", "decide", "give_up", "again", "release"):
        assert client.get(url(name, batch.pk)).status_code == 302
    assert newest().state == "planned"
    assert client.post(url("change", batch.pk), {"state": "imported"}).status_code == 403
