"""Two donors that are one: what a merge moves, what it refuses, and that files mean afterwards what they meant."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contributions import importing, merging, releasing
from contributions.importing import CannotImport
from contributions.merging import CannotMerge, Outlook, Standing, merge, nearest, twins
from contributions.models import (
    Contribution,
    DailySum,
    Donor,
    DonorAlias,
    DonorMerge,
    ImportBatch,
    ImportSource,
    contribution_key,
    merged_slug,
)
from contributions.resources import ContributionResource
from operations.importing import Overtaken
from tests import factories
from tests.operations.test_importing import load
from tests.reading import words

pytestmark = pytest.mark.django_db

HEADER = "reference,donor,donor_type,date,amount_usd"


@pytest.fixture
def norway(db):
    return factories.donor("Norway", country="NO")


@pytest.fixture
def norge(db):
    return factories.donor("Norge")


def imported(*lines, header=HEADER, **options):
    """The counts of an import, released, of these lines: new, changed, unchanged."""
    plan = load(ContributionResource(**options), "\n".join([header, *lines]))
    assert [error.sentence for error in plan.errors] == []
    return tuple(plan.counts[name] for name in ("new", "changed", "unchanged"))


def waiting(*lines, header=HEADER, **options):
    """An import of a file that was read, and waits to be confirmed."""
    data = "\n".join([header, *lines]).encode()
    batch = importing.receive(data, "gifts.csv", None, options=options)
    importing.read_file(batch, ContributionResource())
    return batch


def forms():
    """All rows of the books: donor, reference, amount, occurrence, and how they stand."""
    return [
        (line.donor.name_en, line.reference, int(line.amount_usd), line.occurrence, line.is_current)
        for line in Contribution.objects.select_related("donor").order_by("pk")
    ]


def check_keys():
    """That each line has the key of its own fields."""
    for line in Contribution.objects.select_related("donor"):
        assert line.key == contribution_key(
            line.reference, line.donor.token, line.date, line.operation_id, line.budget_year, line.earmarking
        )


def by_date():
    sums = Contribution.objects.released().order_by().values_list("date").annotate(sum=Sum("amount_usd"))
    return dict(sums)


def by_sums():
    """US dollars by donor, year and day, as the daily sums have them; nothing left out but zeros."""
    batches = ImportBatch.objects.imported().filter(released_at__lte=timezone.now())
    found = Counter()
    for row in DailySum.objects.filter(batch__in=batches):
        found[row.donor_id, row.budget_year, row.date] += row.amount_usd
    return {key: usd for key, usd in found.items() if usd}


def by_lines():
    found = Counter()
    for line in Contribution.objects.released():
        found[line.donor_id, line.budget_year, line.date] += line.amount_usd
    return {key: usd for key, usd in found.items() if usd}


# --- The lines --------------------------------------------------------------------------------------


def test_the_file_that_had_the_old_name_changes_nothing_when_it_is_imported_again(norway, norge):
    lines = ["A1,Norge,,2021-11-24,100", "A2,Norge,,2021-11-25,200"]
    assert imported(*lines) == (2, 0, 0)
    record = merge(norge, norway, user=None, why="The same.")
    assert (record.name, record.token, record.donor, record.lines, record.because) == (
        "Norge", norge.token, norway, 2, "The same.")  # fmt: skip
    assert [donor.name_en for donor in Donor.objects.all()] == ["Norway"]
    assert [alias.name for alias in norway.aliases.all()] == ["Norge"]
    check_keys()
    assert imported(*lines) == (0, 0, 2)
    assert imported(*reversed(lines)) == (0, 0, 2)
    assert imported(*(line.replace("Norge", "Norway") for line in lines)) == (0, 0, 2)


def test_equal_lines_on_both_sides_stay_and_each_file_knows_its_own(norway, norge):
    ours, theirs = (
        ["A1,Norge,,2021-11-24,100"] * 2,
        ["A1,Norway,,2021-11-24,100", "A1,Norway,,2021-11-24,300"],
    )
    assert (imported(*ours), imported(*theirs)) == ((2, 0, 0), (2, 0, 0))
    merge(norge, norway, user=None)
    assert forms() == [
        ("Norway", "A1", 100, 3, True),
        ("Norway", "A1", 100, 4, True),
        ("Norway", "A1", 100, 1, True),
        ("Norway", "A1", 300, 2, True),
    ]
    assert by_date() == {dt.date(2021, 11, 24): Decimal("600.00")}
    for file in (ours, theirs, ours + theirs, theirs + ours):
        assert imported(*file) == (0, 0, len(file))
    assert imported(*ours, *theirs, ours[0]) == (1, 0, 4)


def test_the_forms_of_a_line_stay_together_in_their_order(norway, norge):
    assert imported("A1,Norge,,2021-11-24,100") == (1, 0, 0)
    assert imported("A1,Norge,,2021-11-24,120") == (0, 1, 0)
    assert imported("A1,Norway,,2021-11-24,7") == (1, 0, 0)
    assert imported("A1,Norway,,2021-11-24,8") == (0, 1, 0)
    merge(norge, norway, user=None)
    assert forms() == [
        ("Norway", "A1", 100, 2, False),
        ("Norway", "A1", 120, 2, True),
        ("Norway", "A1", 7, 1, False),
        ("Norway", "A1", 8, 1, True),
    ]
    assert by_date() == {dt.date(2021, 11, 24): Decimal("128.00")}
    assert imported("A1,Norge,,2021-11-24,120") == (0, 0, 1)
    assert imported("A1,Norway,,2021-11-24,8") == (0, 0, 1)
    replacing = Contribution.objects.get(amount_usd=Decimal("120.00")).batch
    releasing.undo(replacing, None)
    assert by_date() == {dt.date(2021, 11, 24): Decimal("108.00")}
    assert by_sums() == by_lines()


def test_lines_of_undone_imports_come_along_and_stay_apart_from_those_of_the_other(norway, norge):
    assert imported("A1,Norway,,2021-11-24,5") == (1, 0, 0)
    releasing.undo(ImportBatch.objects.latest("pk"), None)
    assert imported("A1,Norge,,2021-11-24,100") == (1, 0, 0)
    assert imported("A1,Norge,,2021-11-24,120", "A2,Norge,,2021-11-24,1") == (1, 1, 0)
    releasing.undo(ImportBatch.objects.latest("pk"), None)
    merge(norge, norway, user=None)
    assert forms() == [
        ("Norway", "A1", 5, 1, False),
        ("Norway", "A1", 100, 2, True),
        ("Norway", "A1", 120, 2, False),
        ("Norway", "A2", 1, 1, False),
    ]
    check_keys()
    assert imported("A1,Norge,,2021-11-24,100") == (0, 0, 1)
    assert by_date() == {dt.date(2021, 11, 24): Decimal("100.00")}
    assert imported("A1,Norge,,2021-11-24,120", "A2,Norge,,2021-11-24,1") == (1, 1, 0)
    assert by_date() == {dt.date(2021, 11, 24): Decimal("121.00")}


def test_a_withdrawn_line_stays_withdrawn(norway, norge):
    assert imported("A1,Norge,,2021-11-24,100", "A2,Norge,,2021-11-24,200") == (2, 0, 0)
    batch = waiting("A1,Norge,,2021-11-24,100", complete_years=[2021])
    importing.import_planned(batch, None, release_at=timezone.now())
    assert by_date() == {dt.date(2021, 11, 24): Decimal("100.00")}
    merge(norge, norway, user=None)
    assert [(line.withdraws, line.reference) for line in Contribution.objects.order_by("pk")] == [
        (False, "A1"), (False, "A2"), (True, "A2")]  # fmt: skip
    assert by_date() == {dt.date(2021, 11, 24): Decimal("100.00")}
    assert by_sums() == by_lines()
    releasing.undo(batch, None)
    assert by_date() == {dt.date(2021, 11, 24): Decimal("300.00")}
    assert by_sums() == by_lines()


def test_lines_of_other_donors_and_operations_keep_what_they_have(norway, norge):
    peru, japan = factories.operation(), factories.donor("Japan")
    factories.contribution(japan, reference="A1", operation=peru)
    factories.contribution(
        norge, reference="a1", operation=peru, budget_year=2022, earmarking="softly_earmarked"
    )
    before = Contribution.objects.get(donor=japan)
    assert merge(norge, norway, user=None).lines == 1
    after = Contribution.objects.get(donor=japan)
    assert (after.key, after.occurrence, after.donor) == (before.key, before.occurrence, japan)
    check_keys()


def test_sums_move_with_their_lines(norway, norge):
    imported("A1,Norge,,2021-11-24,100", "A2,Norway,,2021-11-30,30", "A3,Norway,,2021-12-01,4")
    merge(norge, norway, user=None)
    assert by_sums() == {
        (norway.pk, 2021, dt.date(2021, 11, 24)): Decimal("100.00"),
        (norway.pk, 2021, dt.date(2021, 11, 30)): Decimal("30.00"),
        (norway.pk, 2021, dt.date(2021, 12, 1)): Decimal("4.00"),
    }
    assert by_sums() == by_lines()


@pytest.mark.parametrize("lines", [1, 60])
def test_a_merge_asks_as_much_for_one_line_as_for_many(
    norway, norge, lines, monkeypatch, django_assert_num_queries
):
    imported(*(f"A{n},Norge,,2021-11-24,{n + 1}" for n in range(lines)))
    # A savepoint and its end; the two donors; what files call whom, before and after (operations, donors, spellings);
    # what is stored of the donor (spellings, members, merges, lines); imports that wait, kept ways of reading; the
    # table of keys (dropped, made, read, filled, indexed, compared, used, dropped); sums, members, merges; spellings
    # (those it has already, its own, those of others, known, made); the donor's deletion (members, lines, merges,
    # spellings, itself); the record. PostgreSQL: the lock, and the statistics of the table.
    with django_assert_num_queries(40 if connection.vendor == "sqlite" else 42):
        assert merge(norge, norway, user=None).lines == lines


def test_many_keys_are_made_in_stretches(norway, norge, monkeypatch):
    monkeypatch.setattr(merging, "CHUNK", 2)
    lines = [f"A{n},Norge,,2021-11-24,{n + 1}" for n in range(7)]
    imported(*lines)
    assert merge(norge, norway, user=None).lines == 7
    check_keys()
    assert imported(*lines) == (0, 0, 7)


# --- Everything else that was the donor's -----------------------------------------------------------


def test_names_and_spellings_become_spellings_of_the_other(norway, norge):
    norge.name_fr, norge.name_es = "Norvège", "Noruega"
    norge.save()
    norway.name_es = "Noruega del Norte"
    norway.save()
    DonorAlias.objects.create(donor=norge, name="Kingdom of Norway")
    DonorAlias.objects.create(donor=norge, name="Noruega  del norte*")
    DonorAlias.objects.create(donor=norway, name="NORVÈGE")
    record = merge(norge, norway, user=None)
    assert sorted(alias.name for alias in DonorAlias.objects.filter(donor=norway)) == [
        "Kingdom of Norway", "NORVÈGE", "Norge", "Noruega"]  # fmt: skip
    assert record.was["spellings"] == ["Norge", "Noruega"]
    assert record.was["aliases"] == ["Kingdom of Norway", "Noruega  del norte*"]


def test_members_belong_to_the_other_or_to_its_family(norway, norge):
    factories.donor("Norad", parent=norge)
    merge(norge, norway, user=None)
    assert Donor.objects.get(name_en="Norad").parent == norway
    sweden = factories.donor("Sweden")
    sida = factories.donor("Sida", parent=sweden)
    merge(norway, sida, user=None)
    assert [(donor.name_en, donor.parent) for donor in Donor.objects.order_by("name_en")] == [
        ("Norad", sweden), ("Sida", sweden), ("Sweden", None)]  # fmt: skip


def test_a_member_can_be_merged_into_its_own_family(norway):
    norad = factories.donor("Norad", parent=norway)
    imported("A1,Norad,,2021-11-24,100")
    merge(norad, norway, user=None)
    assert forms() == [("Norway", "A1", 100, 1, True)]


def test_the_record_holds_all_that_was_stored(norway, norge):
    admin = factories.user("admin", is_superuser=True)
    norge.name_fr, norge.footnote_en, norge.country = "Norvège", "Of the north.", "NO"
    norge.population, norge.population_year, norge.iati_reference = 5_400_000, 2021, "XM-DAC-8"
    norge.save()
    norad = factories.donor("Norad", parent=norge)
    DonorAlias.objects.create(donor=norge, name="Kingdom of Norway")
    lines = [factories.contribution(norge, reference=f"A{n}").pk for n in range(3)]
    factories.contribution(norway)
    lines.append(factories.contribution(norge).pk)
    before, token = norge.pk, norge.token
    record = DonorMerge.objects.get(pk=merge(norge, norway, user=admin, why=" The same. ").pk)
    assert (record.merged_by, record.because, record.lines) == (admin, "The same.", 4)
    assert record.was == {
        "id": before, "name_en": "Norge", "name_fr": "Norvège", "name_es": None, "name_ar": None, "slug": "norge",
        "kind": "government", "country": "NO", "parent_id": None, "parent": "", "token": str(token),
        "iati_reference": "XM-DAC-8", "population": 5_400_000, "population_year": 2021,
        "footnote_en": "Of the north.", "footnote_fr": None, "footnote_es": None, "footnote_ar": None,
        "may_be_named": True, "consent": "", "is_class": False, "aliases": ["Kingdom of Norway"], "members": [[norad.pk, "Norad"]], "merges": [],
        "lines": f"{lines[0]}-{lines[2]} {lines[3]}", "imports": [], "spellings": ["Norge", "Norvège"],
    }  # fmt: skip


def test_a_merged_donor_can_be_merged_on(norway, norge):
    first = merge(factories.donor("Noreg"), norge, user=None)
    second = merge(norge, norway, user=None)
    assert list(DonorMerge.objects.order_by("pk").values_list("name", "donor__name_en")) == [
        ("Noreg", "Norway"), ("Norge", "Norway")]  # fmt: skip
    assert second.was["merges"] == [first.pk]
    assert (merged_slug("noreg"), merged_slug("norge"), merged_slug("norway")) == (norway, norway, None)
    assert imported("A1,Noreg,,2021-11-24,100") == (1, 0, 0)


def test_the_old_addresses_of_a_gift_and_of_a_list_lead_to_the_new_ones(client, norway, norge):
    imported("A1,Norge,,2021-11-24,100")
    merge(norge, norway, user=None)
    assert client.get("/contributions/norge/a1/").url == "/contributions/norway/a1/"
    assert "Donor: Norway ×" in words(client.get("/contributions/?donor=norge"))


def test_the_old_address_leads_to_the_page_that_has_the_lines_now_and_never_to_a_hidden_donor(norway, norge):
    norad = factories.donor("Norad", parent=norway)
    merge(norge, norad, user=None)
    assert merged_slug("norge") == norway
    person, other = (factories.donor(name, kind=Donor.Kind.PRIVATE) for name in ("A. Person", "A Person"))
    merge(person, other, user=None)
    assert merged_slug("a-person") is None
    other.may_be_named = True
    other.save()
    assert merged_slug("a-person") is None


# --- What is refused --------------------------------------------------------------------------------


def refusal(donor, into, **options):
    before = (forms(), list(Donor.objects.values_list("pk", flat=True)), DonorMerge.objects.count())
    with pytest.raises(CannotMerge) as error:
        merge(donor, into, user=None, **options)
    assert before == (forms(), list(Donor.objects.values_list("pk", flat=True)), DonorMerge.objects.count())
    return str(error.value)


def test_a_donor_is_not_merged_into_itself_or_into_its_own_member(norway):
    assert refusal(norway, norway) == "A donor cannot be merged into itself."
    assert refusal(norway, factories.donor("Norad", parent=norway)) == (
        "“Norad” belongs to “Norway”. Merge “Norad” into “Norway” instead, or first let it belong to nobody.")  # fmt: skip


def test_a_donor_that_is_gone_is_told(norway, norge):
    gone = Donor.objects.get(pk=norge.pk)
    merge(norge, norway, user=None)
    said = "One of the two is gone: somebody merged or deleted it in the meantime."
    assert (refusal(gone, norway), refusal(norway, gone)) == (said, said)


def test_a_private_gift_never_gets_a_name_by_a_merge_nor_loses_one(norway):
    person = factories.donor("A. Person", kind=Donor.Kind.PRIVATE)
    company = factories.donor("A. Company", kind=Donor.Kind.PRIVATE, may_be_named=True)
    factories.contribution(person)
    named = "“A. Person” may not be named, and “{}” may: readers would see a private gift by name."
    lost = "“{}” may be named, and “A. Person” may not: its gifts would lose their name."
    remedy = " First make both private donors who may be named, if they agreed to it, or neither."
    for other in (norway, company):
        assert refusal(person, other, as_kind=other.kind) == named.format(other) + remedy
        assert refusal(other, person, as_kind="private") == lost.format(other) + remedy
    assert refusal(company, norway, as_kind="government") == (
        "“A. Company” is a private donor, and “Norway” a government: a file that names it again would give its lines "
        "to the private donors of that country, once more. Give them the same kind first.")  # fmt: skip


def test_of_two_kinds_it_has_to_be_said_which_the_lines_take(norway):
    fund = factories.donor("Norwegian Fund", kind=Donor.Kind.FOUNDATION)
    bank = factories.donor("Norwegian Bank", kind=Donor.Kind.INTERGOVERNMENTAL)
    imported("A1,Norwegian Fund,,2021-11-24,100")
    said = "“Norwegian Fund” is of another kind. Say that its lines become those of the kind “intergovernmental”."
    assert (refusal(fund, bank), refusal(fund, bank, as_kind="foundation")) == (said, said)
    merge(fund, bank, user=None, as_kind="intergovernmental")
    assert imported("A1,Norwegian Fund,,2021-11-24,100") == (0, 0, 1)
    assert list(Contribution.objects.released().by_class().values_list("kind", flat=True)) == [
        "intergovernmental"
    ]


def test_a_name_that_a_third_donor_has_too_is_refused(norway, norge):
    factories.donor("Oslo", name_fr="norge")
    assert merging.Calls().donors["norge"] == norge  # its own name counts first
    assert refusal(norge, norway) == (
        "“norge” in a file would mean another donor after the merge. Look at the other spellings.")  # fmt: skip


def test_a_spelling_that_a_third_donor_has_follows_the_name_that_went_before_it(norway, norge):
    oslo = factories.donor("Oslo")
    DonorAlias.objects.create(donor=oslo, name="Norge")
    imported("A1,Norge,,2021-11-24,100")
    merge(norge, norway, user=None)
    assert imported("A1,Norge,,2021-11-24,100") == (0, 0, 1)
    assert list(oslo.aliases.all()) == []


# --- Classes of private donors ----------------------------------------------------------------------

PRIVATE = ["P1,Norge,private,2021-11-24,10", "P2,Private donors in Norge,,2021-11-25,20"]


def private_class(country, name=None):
    name = name or f"Private donors, {country.name_en}"
    return factories.donor(name, kind=Donor.Kind.PRIVATE, parent=country)


def test_files_that_give_a_private_gift_to_the_old_name_mean_the_same_class(norway, norge):
    imported(*PRIVATE, "A1,Norge,,2021-11-24,100", new_donors=True)
    theirs = Donor.objects.get(name_en="Private donors, Norge")
    merge(norge, norway, user=None)
    theirs.refresh_from_db()
    assert theirs.parent == norway
    assert imported(*PRIVATE, "A1,Norge,,2021-11-24,100") == (0, 0, 3)
    assert imported("P1,Norway,private,2021-11-24,10") == (0, 0, 1)


def test_files_mean_the_same_class_where_the_other_is_a_member(norge):
    imported(*PRIVATE, new_donors=True)
    sida = factories.donor("Sida", parent=factories.donor("Sweden"))
    merge(norge, sida, user=None)
    assert Donor.objects.get(name_en="Private donors, Norge").parent.name_en == "Sweden"
    assert imported(*PRIVATE) == (0, 0, 2)


def test_two_classes_are_merged_before_their_countries(norway, norge):
    imported(*PRIVATE, *(line.replace("Norge", "Norway") for line in PRIVATE), new_donors=True)
    theirs, ours = (Donor.objects.get(name_en=f"Private donors, {name}") for name in ("Norge", "Norway"))
    assert refusal(norge, norway) == (
        "Both have private donors of their own. First merge “Private donors, Norge” into “Private donors, Norway”: "
        "files that give a private gift to “Norge” mean those.")  # fmt: skip
    merge(theirs, ours, user=None)
    assert imported(*PRIVATE) == (0, 0, 2)
    merge(norge, norway, user=None)
    assert imported(*PRIVATE) == (0, 0, 2)
    assert imported(*(line.replace("Norge", "Norway") for line in PRIVATE)) == (0, 0, 2)
    assert by_date() == {dt.date(2021, 11, 24): Decimal("20.00"), dt.date(2021, 11, 25): Decimal("40.00")}


def test_a_class_by_another_name_is_found_again(norway, norge):
    theirs, ours = private_class(norge, "All private donors up there"), private_class(norway)
    imported("P1,Norge,private,2021-11-24,10")
    assert forms() == [("All private donors up there", "P1", 10, 1, True)]
    merge(theirs, ours, user=None)
    assert imported("P1,Norge,private,2021-11-24,10") == (0, 0, 1)


def test_a_country_with_private_donors_is_not_merged_into_what_is_no_country(norge):
    private_class(norge)
    fund = factories.donor("Fund", kind=Donor.Kind.FOUNDATION)
    assert refusal(norge, fund, as_kind="foundation") == (
        "“Norge” has private donors of its own (“Private donors, Norge”), and “Fund” is no government.")  # fmt: skip


def test_where_a_name_would_mean_another_donor_nothing_is_merged(norway, norge):
    first, second = private_class(norge, "A private donors"), private_class(norge, "B private donors")
    assert merging.Calls().class_of(norge) == second
    assert refusal(second, private_class(norway)) == (
        "“Private donors, Norge” in a file would mean another donor after the merge. Look at the other spellings.")  # fmt: skip
    merge(first, second, user=None)


# --- Imports that wait ------------------------------------------------------------------------------


def test_an_import_that_waits_is_read_again(norway, norge):
    mine, other = waiting("A1,Norge,,2021-11-24,100"), waiting("A1,Norway,,2021-11-24,100")
    plan = mine.plan
    record = merge(norge, norway, user=None)
    mine.refresh_from_db()
    other.refresh_from_db()
    assert (mine.state, mine.plan, other.state) == ("new", plan, "planned")
    assert mine.problem == (
        "“Norge” became “Norway”: the file has to be read again, and compared with the books.")  # fmt: skip
    assert record.was["imports"] == [mine.pk]
    with pytest.raises(CannotImport, match="“Norge” became “Norway”"):
        importing.import_planned(mine, None)
    importing.import_planned(other, None, release_at=timezone.now())
    importing.read_file(mine, ContributionResource())
    assert (mine.state, mine.problem, mine.counts["unchanged"]) == ("planned", "", 1)
    importing.import_planned(mine, None)
    assert (mine.state, forms()) == ("known", [("Norway", "A1", 100, 1, True)])


def test_an_import_of_other_lines_of_the_key_is_compared_again(norway, norge):
    imported("A1,Norge,,2021-11-24,100")
    other = waiting("A1,Norway,,2021-11-24,100")
    assert other.counts["new"] == 1
    merge(norge, norway, user=None)
    with pytest.raises(Overtaken):
        importing.import_planned(other, None)
    assert (other.state, other.counts["new"], other.counts["unchanged"]) == ("planned", 0, 1)


def test_a_confirmed_import_that_nobody_has_begun_is_looked_at_again(norway, norge):
    batch = waiting("A1,Norge,,2021-11-24,100")
    ImportBatch.objects.update(job="import")
    merge(norge, norway, user=None)
    batch.refresh_from_db()
    assert (batch.state, batch.job) == ("new", "")


def test_what_was_decided_of_the_donor_is_said_of_the_other(norway, norge):
    decided = {"noreg|": {"is": str(norge.token)}}
    ImportSource.objects.create(name="ERP", options={"donors": decided})
    batch = waiting("A1,Noreg,,2021-11-24,100", donors=decided)
    assert batch.plan["aliases"] == [["Noreg", str(norge.token)]]
    merge(norge, norway, user=None)
    batch.refresh_from_db()
    assert batch.options["donors"] == {"noreg|": {"is": str(norway.token)}}
    assert ImportSource.objects.get().options == {"donors": {"noreg|": {"is": str(norway.token)}}}
    importing.read_file(batch, ContributionResource())
    importing.import_planned(batch, None)
    assert forms() == [("Norway", "A1", 100, 1, True)]
    assert sorted(alias.name for alias in norway.aliases.all()) == ["Noreg", "Norge"]


def test_an_import_that_would_make_a_class_under_the_donor_is_read_again(norway, norge):
    batch = waiting("P1,Norge,private,2021-11-24,10")
    assert [donor["parent"] for donor in batch.plan["donors"]] == [norge.token.hex]
    merge(norge, norway, user=None)
    batch.refresh_from_db()
    assert batch.state == "new"
    importing.read_file(batch, ContributionResource())
    importing.import_planned(batch, None)
    assert forms() == [("Private donors, Norway", "P1", 10, 1, True)]


# --- Random books -----------------------------------------------------------------------------------

LINE = st.tuples(
    st.sampled_from(["Norge", "Norway", "Japan"]),
    st.sampled_from(["A1", "a1", "A2"]),
    st.sampled_from(["2021-11-24", "2021-12-01"]),
    st.sampled_from([100, 200]),
)
FILES = st.lists(st.tuples(st.lists(LINE, min_size=1, max_size=6), st.booleans()), min_size=1, max_size=5)


@settings(
    max_examples=25 if connection.vendor == "sqlite" else 5,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(files=FILES)
def test_totals_stay_and_what_is_imported_again_changes_nothing_whatever_the_books_are(files):
    with transaction.atomic():
        norge, norway, _japan = (factories.donor(name) for name in ("Norge", "Norway", "Japan"))
        standing = []
        for lines, is_undone in files:
            text = [f"{reference},{name},,{date},{usd}" for name, reference, date, usd in lines]
            new, changed, _unchanged = imported(*text)
            if new or changed:
                standing.append((ImportBatch.objects.latest("pk"), text))
                if is_undone:
                    releasing.undo(standing.pop()[0], None)
        before, rows = by_date(), Contribution.objects.count()
        lines = {line.pk: line for line in Contribution.objects.all()}
        of_one_line = Counter((line.key, line.occurrence) for line in lines.values())
        merge(norge, norway, user=None)
        assert (by_date(), Contribution.objects.count()) == (before, rows)
        assert by_sums() == by_lines()
        check_keys()
        after = Contribution.objects.in_bulk()
        together = {
            (lines[pk].key, lines[pk].occurrence, line.key, line.occurrence) for pk, line in after.items()
        }
        assert len(together) == len(of_one_line) == len({pair[2:] for pair in together})
        if standing:
            everything = [
                f"{line.reference},{line.donor.name_en},,{line.date},{int(line.amount_usd)}"
                for line in Contribution.objects.current().select_related("donor")
            ]
            as_before = [
                f"{lines[line.pk].reference},{'Norge' if lines[line.pk].donor_id != line.donor_id else line.donor.name_en},,"
                f"{line.date},{int(line.amount_usd)}"
                for line in Contribution.objects.current().select_related("donor")
            ]
            for text in (everything, as_before, as_before[::-1]):
                assert imported(*text) == (0, 0, len(text))
        for batch, _text in reversed(standing):
            releasing.undo(batch, None)
        assert (by_date(), by_sums()) == ({}, {})
        transaction.set_rollback(True)


# --- What it comes to -------------------------------------------------------------------------------


def test_the_outlook_says_what_a_merge_would_do(norway, norge):
    norad = factories.donor("Norad", parent=norge)
    DonorAlias.objects.create(donor=norge, name="Kingdom of Norway")
    DonorAlias.objects.create(donor=norge, name="norway ")
    imported("A1,Norge,,2021-11-24,100", "A2,Norge,,2021-11-24,50", "A1,Norway,,2021-11-24,1")
    imported("A1,Norge,,2021-11-24,120")
    releasing.undo(ImportBatch.objects.latest("pk"), None)
    batch = waiting("A9,Norge,,2021-11-24,9")
    hidden = factories.batch(released_at=None)
    factories.contribution(norge, reference="A5", amount_usd=Decimal("7.00"), batch=hidden)
    outlook = Outlook.of(norge, norway)
    assert (outlook.refusal, outlook.members, outlook.spellings, outlook.imports) == (
        "", [norad], ["Norge", "Kingdom of Norway"], [batch])  # fmt: skip
    assert outlook.was == Standing(3, Decimal("157.00"), 2, Decimal("150.00"))
    assert outlook.theirs == Standing(1, Decimal("1.00"), 1, Decimal("1.00"))
    assert (outlook.after.usd, outlook.after.public_usd, outlook.older) == (
        Decimal("158.00"),
        Decimal("151.00"),
        1,
    )
    assert Outlook.of(norway, norad).refusal == ""
    assert Outlook.of(norge, norad).refusal.startswith("“Norad” belongs to “Norge”.")


# --- Likely twins -----------------------------------------------------------------------------------


def named(found):
    return [(pair.donor.name_en, pair.into.name_en, pair.likeness) for pair in found]


def test_donors_of_nearly_the_same_name_are_likely_twins(norway):
    for name in (
        "Government of Norway",
        "Denmark",
        "Danmark",
        "Korea, Republic of",
        "Republic of Korea",
        "Peru",
    ):
        factories.donor(name)
    factories.donor("Norvège", name_fr="Danemark")
    factories.donor("Danemark")
    factories.contribution(norway)
    assert named(twins()) == [
        ("Danemark", "Norvège", 100),
        ("Government of Norway", "Norway", 100),
        ("Republic of Korea", "Korea, Republic of", 100),
        ("Danemark", "Danmark", 93),
        ("Danmark", "Denmark", 85),
    ]


def test_families_classes_and_countries_are_no_twins(norway):
    private_class(norway)
    factories.donor("Norway.", parent=norway)
    factories.donor("Austria fund", country="AT")
    factories.donor("Austria funds", country="AU")
    factories.donor("Fund 2021")
    factories.donor("Fund 2022")
    austria, australia = factories.donor("Austria", country="AT"), factories.donor("Australia", country="AU")
    private_class(austria)
    private_class(australia)
    assert named(twins()) == []
    private_class(norway, "Private donors in Norway")
    assert named(twins()) == [("Private donors in Norway", "Private donors, Norway", 100)]


def test_a_person_without_a_name_is_a_twin_of_the_other_spelling_alone():
    factories.donor("A. Person", kind=Donor.Kind.PRIVATE)
    factories.donor("A Person", kind=Donor.Kind.PRIVATE)
    assert named(twins()) == [("A Person", "A. Person", 100)]


def test_the_nearest_donors_come_first(norway):
    for name in ("Kingdom of Norway", "Norwegian Refugee Council", "Peru"):
        factories.donor(name)
    assert [donor.name_en for donor in nearest(norway)] == ["Kingdom of Norway"]


@pytest.mark.parametrize("donors", [2, 40])
def test_twins_are_found_with_three_queries(donors, django_assert_num_queries):
    for number in range(donors):
        factories.donor(f"{chr(97 + number % 26) * (3 + number // 26)} agency")
        factories.donor(f"The {chr(97 + number % 26) * (3 + number // 26)} agency")
    with django_assert_num_queries(3):  # donors, their spellings, lines
        assert len(twins()) >= donors


def test_the_old_address_of_a_merged_donor_leads_to_the_new_one(norway, norge, client):
    importing.import_planned(waiting("A1,Norge,,2021-11-24,100"), None, release_at=timezone.now())
    slug = norge.slug
    merge(norge, norway, user=None)
    answer = client.get(f"/donors/{slug}/")
    assert (answer.status_code, answer["Location"]) == (302, f"/donors/{norway.slug}/")
    assert client.get(answer["Location"]).status_code == 200
