"""Imports of donors and contributions: what a line is, whose it is, what replaces it, and what comes back out."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
from decimal import Decimal
from itertools import permutations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from contributions.importing import read_file, receive
from contributions.models import Contribution, DailySum, Donor, DonorAlias, ImportBatch
from contributions.resources import ContributionResource, DonorResource
from operations.models import Operation
from operations.tables import PlainCSV, PlainXLSX
from tests import factories
from tests.operations.test_importing import counted, differences, load, told

pytestmark = pytest.mark.django_db

HEADER = "reference,donor,donor_type,date,operation,budget_year,amount_usd,currency,amount,earmarking,description\n"


@pytest.fixture
def peru(db):
    return factories.operation()


@pytest.fixture
def norway(db):
    return factories.donor("Norway")


@pytest.fixture
def japan(db):
    return factories.donor("Japan", country="JP")


def gifts(*lines: str, header: str = "date,donor,donor_type,amount_usd", dry_run: bool = False, **options):
    """The plan of an import of these lines of contributions."""
    return load(ContributionResource(**options), "\n".join([header, *lines]), dry_run=dry_run)


def stored():
    return [
        (line.donor.name_en, line.date.isoformat(), str(line.amount_usd))
        for line in Contribution.objects.current().select_related("donor").order_by("pk")
    ]


# --- What a line says -------------------------------------------------------------------------------


def test_every_column_of_a_line(peru, norway):
    plan = load(
        ContributionResource(),
        HEADER
        + '000123,norway,Government,24-NOV-2021,per,2022,"$1,614,205",nok,"NOK 14,000,000.50",Softly earmarked,Shelter\n',
    )
    assert told(plan) == []
    line = Contribution.objects.get()
    assert (line.reference, line.donor, line.date, line.operation, line.budget_year) == (
        "000123", norway, dt.date(2021, 11, 24), peru, 2022)  # fmt: skip
    assert (line.amount_usd, line.currency, line.amount) == (
        Decimal("1614205.00"),
        "NOK",
        Decimal("14000000.50"),
    )
    assert (line.earmarking, line.description) == ("softly_earmarked", "Shelter")
    assert list(Contribution.objects.released()) == [line]


def test_columns_that_a_file_may_leave_out(peru, norway):
    plan = gifts("2021-11-24,Norway,5", header="date,donor,amount")
    line = Contribution.objects.get()
    assert (line.operation, line.reference, line.budget_year) == (None, "", 2021)
    assert (line.amount_usd, line.currency, line.amount) == (Decimal("5.00"), "USD", None)
    assert plan.notes == ["The file has no column “budget_year”: the year of each line's date is taken."]

    gifts("2021-11-25,Norway,6", header="date,donor,amount_usd")
    line = Contribution.objects.latest("pk")
    assert (line.amount_usd, line.currency, line.amount) == (Decimal("6.00"), "USD", None)

    assert told(gifts("2021-11-24,Norway", header="date,donor")) == [
        (1, "amount_usd", "", "The file has no column “amount_usd” or “amount”.")]  # fmt: skip
    assert told(gifts("2021-11-24,5", header="date,amount"))[0][:2] == (1, "donor")


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("1614205", "1614205.00"),
        ('"1,614,205.50"', "1614205.50"),
        ('"$1,614,205"', "1614205.00"),
        ('"US$ 1,614,205"', "1614205.00"),
        ("$1\u00a0614\u00a0205", "1614205.00"),
        ("5 USD", "5.00"),
        ("-5", "-5.00"),
        ("(5.00)", "-5.00"),
        ('"999,999,999,999.99"', "999999999999.99"),
    ],
)
def test_the_forms_of_an_amount(norway, typed, amount):
    assert told(gifts(f"2021-11-24,Norway,,{typed}")) == []
    assert stored() == [("Norway", "2021-11-24", amount)]


def test_every_error_of_a_line_is_told_at_once(peru, norway):
    plan = load(
        ContributionResource(),
        HEADER
        + 'X1,Norwya,alien,03/04/2021,Peruu,21,"52,9960",dollars,,soft,\n'
        + "X2,Norway,,2021-11-24,PER,,0,USD,0,,\n"
        + "X3,Norway,,,PER,2021,,USD,5,,\n"
        + f"{'X' * 61},Norway,,2021-11-24,,,5,EUR,$5,,\n",
    )
    assert [error[:3] for error in told(plan)] == [
        (2, "donor", "Norwya"), (2, "donor_type", "alien"), (2, "date", "03/04/2021"), (2, "operation", "Peruu"),
        (2, "budget_year", "21"), (2, "amount_usd", "52,9960"), (2, "currency", "dollars"), (2, "earmarking", "soft"),
        (3, "amount_usd", "0"), (4, "date", ""), (4, "amount_usd", ""), (5, "reference", "X" * 61), (5, "amount", "$5"),
    ]  # fmt: skip
    assert plan.counts == {
        "rows": 4, "new": 0, "changed": 0, "unchanged": 0, "withdrawn": 0, "kept": 0, "in_error": 4, "left_out": 0}  # fmt: skip
    assert (Contribution.objects.count(), ImportBatch.objects.count()) == (0, 0)


def test_one_wrong_line_stores_nothing_of_the_file(norway):
    plan = gifts("2021-11-24,Norway,,5", '2021-11-25,Norway,,"52,9960"', "2021-11-26,Norway,,7")
    assert [error[:2] for error in told(plan)] == [(3, "amount_usd")]
    assert (Contribution.objects.count(), ImportBatch.objects.count(), Donor.objects.count()) == (0, 0, 1)


def test_an_operation_is_never_made_from_a_file(peru, norway):
    header = "date,donor,operation,amount_usd"
    for options in ({}, {"new_donors": True}):
        plan = gifts("2021-11-24,Norway,Atlantis,5", "2021-11-24,Norway,Peruu,5", header=header, **options)
        assert [error[:3] for error in told(plan)] == [
            (2, "operation", "Atlantis"),
            (3, "operation", "Peruu"),
        ]
        assert plan.errors[1].message == "There is no operation “Peruu”. Did you mean “Peru”?"
    assert Operation.objects.count() == 1


def test_the_currency_is_never_guessed_where_the_file_has_a_column_for_it(norway):
    header = "date,donor,currency,amount"
    plan = gifts(
        "2021-11-24,Norway,,5",
        "2021-11-24,Norway,,£5",
        "2021-11-24,Norway,EUR,5",
        "2021-11-24,Norway,USD,€5",
        header=header,
    )
    assert told(plan) == [
        (2, "currency", "", "The currency is missing. Write its code, such as USD."),
        (3, "currency", "", "The currency is missing. Write its code, such as USD."),
        (4, "amount", "5", "The amount in US dollars is missing. A line without it cannot be counted."),
        (5, "amount", "€5", "“€5” names EUR, but the amount of this column is in USD."),
    ]
    assert told(gifts("2021-11-24,Norway,,$5", "2021-11-24,Norway,usd,6", header=header)) == []
    assert [str(line.amount_usd) for line in Contribution.objects.order_by("pk")] == ["5.00", "6.00"]


def test_a_blank_currency_is_us_dollars_where_only_they_are_given(norway):
    assert told(gifts("2021-11-24,Norway,,5", header="date,donor,currency,amount_usd")) == []
    assert Contribution.objects.get().currency == "USD"


def test_amounts_finer_than_a_cent_are_refused_or_rounded_on_request_line_by_line(norway):
    lines = ["2021-11-24,Norway,,995603.365", "2021-11-25,Norway,,933.072", "2021-11-26,Norway,,5.10"]
    plan = gifts(*lines)
    assert [(error.line, error.column) for error in plan.errors] == [(2, "amount_usd"), (3, "amount_usd")]
    assert "tick “Round to whole cents”" in plan.errors[0].message

    plan = gifts(*lines, round_to_cents=True)
    assert [amount for _donor, _date, amount in stored()] == ["995603.37", "933.07", "5.10"]
    assert plan.notes[0] == (
        "2 amounts are finer than a cent and are rounded half-up, each on its own; "
        "the total becomes US$ 996,541.54 (difference 0.003)."
    )
    totals = {
        "in_file_usd": "996541.537",
        "new_and_changed_usd": "996541.54",
        "rounded_lines": "2",
        "rounded_total_usd": "996541.54",
        "rounding_difference_usd": "0.003",
    }
    assert (plan.totals, ImportBatch.objects.get().totals) == (totals, totals)


@pytest.mark.parametrize(
    "total",
    [
        "TOTAL,,,5",
        ",Grand total,,5",
        "Total:,,,5",
        ",sum,,5",
        ",Sous-total,,5",
        "Total 2021,,,5",
        ",SOMME (USD),,5",
        "المجموع الكلي,,,5",
    ],
)
def test_a_line_of_totals_is_one_error(norway, total):
    plan = gifts("2021-11-24,Norway,,5", total)
    assert [error.line for error in plan.errors] == [3]
    assert "it would count everything twice" in plan.errors[0].message


def test_a_donor_that_is_called_total_is_no_line_of_totals():
    factories.donor("Total", kind="private")
    factories.donor("Sum 2000", kind="private")
    assert told(gifts("2021-11-24,Total,private,5", "2021-11-24,SUM 2000,private,5")) == []


def test_a_header_that_stands_in_the_file_again_is_one_error_however_it_is_written(norway):
    plan = gifts("2021-11-24,Norway,,5", "DATE:,Donor,donor type,", header="Date,Donor,Donor_type,amount_usd")
    assert told(plan) == [(3, "", "", "This line repeats the header. Take it out of the file.")]


# --- Whose it is ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["Serbia", "Serbia*", "serbia *", "SERBIA", "\u00a0Serbia\u00a0", "Ser\u200bbia"]
)
def test_a_donor_is_known_without_regard_to_case_marks_and_spaces(name):
    serbia = factories.donor("Serbia", footnote_en="References to Kosovo …")
    assert told(gifts(f"2021-11-24,{name},,5")) == []
    assert Contribution.objects.get().donor == serbia


def test_a_donor_is_known_by_its_other_languages_and_spellings(norway):
    norway.name_fr = "Norvège"
    norway.save()
    DonorAlias.objects.create(donor=norway, name="Government of Norway")
    assert told(gifts("2021-11-24,Norvège,,5", "2021-11-25,government of norway,,6")) == []
    assert set(Contribution.objects.values_list("donor", flat=True)) == {norway.pk}


def test_an_unknown_donor_is_an_error_with_suggestions(norway, japan):
    plan = gifts("2021-11-24,Norwy,,5", "2021-11-24,private donors in Jappan,,5", "2021-11-24,Atlantis,,5")
    assert [(error.line, error.column, error.value) for error in plan.errors] == [
        (2, "donor", "Norwy"), (3, "donor", "private donors in Jappan"), (4, "donor", "Atlantis")]  # fmt: skip
    assert "Did you mean “Norway”?" in plan.errors[0].message
    assert "Did you mean “Japan”?" in plan.errors[1].message
    assert "Did you mean" not in plan.errors[2].message
    assert Donor.objects.count() == 2


def test_what_is_said_of_a_line_suggests_no_donor_whom_readers_never_see_by_name():
    for name, is_class in (("Janet Roe", False), ("Private donors, Jan", True)):
        factories.donor(name, kind="private", is_class=is_class)
    plan = gifts("2021-11-24,Janett Roe,,5", "2021-11-24,Private donors; Jan,,5")
    assert ["Did you mean" in error.message for error in plan.errors] == [False, True]


def test_new_donors_are_made_where_the_user_says_so(norway):
    plan = gifts("2021-11-24,Norway,,5", "2021-11-24,Chile*,government,5", "2021-11-24,IKEA Foundation,foundation,5",
                 "2021-11-24,Jane Doe,private,5", "2021-11-25,chile,government,5", new_donors=True)  # fmt: skip
    assert told(plan) == []
    assert plan.notes[1:-1] == ["New donor: Chile (government).", "New donor: IKEA Foundation (foundation).", "New donor: Jane Doe (private donors)."]  # fmt: skip
    assert list(Donor.objects.order_by("pk").values_list("name_en", "slug", "kind", "may_be_named")) == [
        ("Norway", "norway", "government", True),
        ("Chile", "chile", "government", True),
        ("IKEA Foundation", "ikea-foundation", "foundation", True),
        ("Jane Doe", "jane-doe", "private", False),
    ]


def test_a_new_donor_of_which_the_file_does_not_say_what_it_is_is_an_error(norway):
    said = "Say in donor_type what “Jane Doe” is: government, private donors or another kind."
    lines = ["2021-11-24,Norway,,5", "2021-11-25,Jane Doe,,6"]
    assert told(gifts(*lines, new_donors=True)) == [(3, "donor_type", "", said)]
    plan = gifts("2021-11-25,Jane Doe,6", header="date,donor,amount_usd", new_donors=True)
    assert told(plan) == [(2, "donor_type", "", said)]
    plan = gifts("2021-11-25,Jane Doe,alien,6", new_donors=True)
    assert [error[:3] for error in told(plan)] == [(2, "donor_type", "alien")]
    assert Donor.objects.count() == 1
    assert told(gifts("2021-11-25,private donors in Chile,,6", new_donors=True)) == []


def test_a_name_wins_over_the_spelling_of_another_donor(norway, japan):
    DonorAlias.objects.create(donor=japan, name="Norge")
    norway.name_fr = "Norge"
    norway.save()
    assert told(gifts("2021-11-24,norway,,5", "2021-11-24,norge,,6")) == []
    assert set(Contribution.objects.values_list("donor", flat=True)) == {norway.pk}


@pytest.mark.parametrize("name", ["-", "N/A", "TBC", "?", "(unknown)", "Unknown"])
def test_a_placeholder_is_never_a_new_donor(name):
    plan = gifts(f"2021-11-24,{name},,5", new_donors=True)
    assert told(plan) == [(2, "donor", name, f"“{name}” does not say who the donor is.")]
    assert Donor.objects.count() == 0


@pytest.mark.parametrize(
    "line",
    ["Japan,private donors", "private donors in Japan,", "Private donors in Japan,private", "Japan,Private Sector",
     "private donors in the Japan,private"],
)  # fmt: skip
def test_private_donors_are_a_class_of_their_country(japan, line):
    assert told(gifts(f"2021-11-24,{line},5")) == []
    assert told(gifts(f"2021-11-25,{line},6")) == []
    private = Donor.objects.get(kind="private")
    assert (private.name_en, private.parent, private.country.code, private.may_be_named) == (
        "Private donors, Japan", japan, "JP", False)  # fmt: skip
    assert stored() == [
        ("Private donors, Japan", "2021-11-24", "5.00"),
        ("Private donors, Japan", "2021-11-25", "6.00"),
    ]


def test_private_donors_in_the_united_states_of_america():
    usa = factories.donor("United States of America", country="US")
    gifts("2021-11-24,private donors in the United States of America,private,5")
    assert Contribution.objects.get().donor.parent == usa


def test_a_class_that_has_another_name_is_kept(japan):
    private = factories.donor("Private donors in Japan", kind="private", parent=japan)
    gifts("2021-11-24,Japan,private,5", "2021-11-25,private donors in Japan,,6")
    assert {line.donor for line in Contribution.objects.all()} == {private}


def test_a_named_company_is_not_the_class_of_its_country(japan):
    """Nor is a private donor of no country the class of a country that is not stored yet."""
    company = factories.donor("Uniqlo", kind="private", parent=japan, may_be_named=True)
    lonely = factories.donor("Private donors", kind="private")
    gifts("2021-11-24,Japan,private,5", "2021-11-25,Uniqlo,private,6", "2021-11-26,private donors,private,7")
    gifts("2021-11-27,Chile,government,8", "2021-11-28,private donors in Chile,private,9", new_donors=True)
    assert [donor for donor, _date, _amount in stored()] == [
        "Private donors, Japan", "Uniqlo", "Private donors", "Chile", "Private donors, Chile"]  # fmt: skip
    assert company.contributions.count() == lonely.contributions.count() == 1


NEW_CHILE = [
    "2021-11-24,Chile,government,5",
    "2021-11-25,private donors in Chile,private,6",
    "2021-11-26,Chile,private,7",
]


def test_the_class_of_a_country_of_the_longest_name_has_a_name_that_fits():
    country = factories.donor("\u0390" * 200)
    assert told(gifts(f"2021-11-24,{country.name_en},private,5")) == []
    private = Donor.objects.get(kind="private")
    assert (private.parent, len(private.name_en)) == (country, 200)
    assert private.name_en.startswith("Private donors, ")
    gifts(f"2021-11-25,{country.name_en},private,6")
    assert private.contributions.count() == 2


@pytest.mark.parametrize("lines", list(permutations(NEW_CHILE)), ids=range(6))
def test_a_new_country_and_its_private_donors_are_two_in_any_order(lines):
    assert told(gifts(*lines, new_donors=True)) == []
    assert sorted(stored(), key=lambda line: line[1]) == [
        ("Chile", "2021-11-24", "5.00"),
        ("Private donors, Chile", "2021-11-25", "6.00"),
        ("Private donors, Chile", "2021-11-26", "7.00"),
    ]
    private = Donor.objects.get(kind="private")
    assert (private.parent.name_en, private.parent.kind, private.may_be_named) == (
        "Chile",
        "government",
        False,
    )


def test_a_private_gift_is_never_that_of_a_donor_who_is_named_as_another_kind():
    factories.donor("Karl Fund", kind="foundation")
    said = (
        "“Karl Fund” is known as another kind of donor (foundation), and not as a private one. Correct the line, or "
        "the donor.")  # fmt: skip
    assert told(gifts("2021-11-24,Karl Fund,private,5")) == [(2, "donor_type", "private", said)]
    # A new name that is of two kinds in the file is a private donor's.
    gifts("2021-11-24,Jane Roe,foundation,5", "2021-11-25,Jane Roe,private,7", new_donors=True)
    jane = Donor.objects.get(name_en="Jane Roe")
    assert (jane.kind, jane.is_hidden, jane.contributions.count()) == ("private", True, 2)


def test_a_donors_own_name_counts_before_anothers_in_another_language():
    for name, french in (("Sokovia", None), ("Zubrowka", "Sokovia")):
        factories.donor(name, name_fr=french)
    gifts("2021-11-24,Sokovia,,5")
    assert Contribution.objects.get().donor.name_en == "Sokovia"


@pytest.mark.parametrize("name", ["Private donors in Japan", "private donors", "Donateurs privés, Japon"])
def test_a_name_of_private_donors_together_is_a_class(name):
    gifts(f'2021-11-24,"{name}",private,5', new_donors=True)
    assert [donor.is_class for donor in Donor.objects.filter(kind="private")] == [True]


def test_a_name_that_only_speaks_of_private_donors_is_a_persons():
    gifts("2021-11-24,Max Muster (private donors),private,5", new_donors=True)
    assert Donor.objects.get().is_hidden


def test_what_one_column_proves_of_amounts_is_not_taken_for_the_other(norway):
    header, line = "date,donor,amount_usd,currency,amount", "2021-11-24,Norway,1614.50,EUR,{}"
    for amount, asked in (("1.614", True), ("1400.25", False), ('"1.400,25"', True)):
        batch = receive("\n".join([header, line.format(amount)]).encode(), "gifts.csv", None)
        read_file(batch, ContributionResource())
        questions = batch.plan["survey"]["questions"]
        assert [question["name"] for question in questions] == (["decimal"] if asked else []), amount


def test_currency_and_original_amount_are_replaced_together(norway):
    gifts("2021-11-24,Norway,900,EUR,800", header="date,donor,amount_usd,currency,amount")
    gifts("2021-11-24,Norway,950,NOK", header="date,donor,amount_usd,currency")
    line = Contribution.objects.current().get()
    assert (line.amount_usd, line.currency, line.amount) == (950, "EUR", 800)
    batch = ImportBatch.objects.latest("pk")
    assert batch.plan["totals"]["currency"] == [
        {"name": "EUR", "before": "800.00", "change": "0.00", "after": "800.00"}
    ]


# --- What is new, changed or the same -----------------------------------------------------------------


def test_the_same_file_again_changes_nothing(norway, japan):
    lines = ["2021-11-24,Norway,,5", "2021-11-24,Japan,private,6", "2021-11-24,Norway,,5"]
    assert counted(gifts(*lines)) == (3, 0, 0)
    before = list(Contribution.objects.order_by("pk").values())
    assert counted(gifts(*lines)) == (0, 0, 3)
    assert list(Contribution.objects.order_by("pk").values()) == before
    assert ImportBatch.objects.count() == 1


def test_a_workbook_of_the_same_lines_changes_nothing(norway, japan):
    gifts("2021-11-24,Norway,,1614205.5", "2021-11-24,private donors in Japan,private,6")
    written = PlainXLSX().export_data(ContributionResource().export())
    plan = load(ContributionResource(), written, file_format=PlainXLSX)
    assert (told(plan), counted(plan)) == ([], (0, 0, 2))


def test_lines_that_are_equal_stay_repeated(norway):
    assert counted(gifts("2021-11-24,Norway,,5", "2021-11-24,Norway,,5")) == (2, 0, 0)
    assert counted(gifts("2021-11-24,Norway,,5", "2021-11-24,Norway,,5", "2021-11-24,Norway,,5")) == (1, 0, 2)
    assert counted(gifts("2021-11-24,Norway,,5")) == (0, 0, 1)
    assert [amount for _donor, _date, amount in stored()] == ["5.00"] * 3
    assert len(set(Contribution.objects.values_list("key", flat=True))) == 1
    assert sorted(Contribution.objects.values_list("occurrence", flat=True)) == [1, 2, 3]


def test_the_order_of_a_file_means_nothing(norway, japan, peru):
    lines = [f"R{n % 3},{donor},2021-11-{day},PER,{amount}" for n in range(3) for donor in ("Norway", "Japan")
             for day in (24, 25) for amount in (5, 5, 6)]  # fmt: skip
    header = "reference,donor,date,operation,amount_usd"
    assert counted(gifts(*lines, header=header)) == (36, 0, 0)
    for seed in range(3):
        random.Random(seed).shuffle(lines)
        assert counted(gifts(*lines, header=header)) == (0, 0, 36)


def test_a_changed_amount_is_a_new_line_and_the_old_one_is_kept(norway):
    header = "reference,date,donor,amount_usd,description"
    gifts("R1,2021-11-24,Norway,5,a", "R2,2021-11-24,Norway,7,b", header=header)
    first = ImportBatch.objects.get()
    preview = gifts("R1,2021-11-24,Norway,6,c", "R2,2021-11-24,Norway,7,b", header=header, dry_run=True)
    assert (counted(preview), Contribution.objects.count()) == ((0, 1, 1), 2)
    assert differences(preview) == [
        (2, "amount_usd", Decimal("5.00"), Decimal("6.00")),
        (2, "description", "a", "c"),
    ]

    gifts("R1,2021-11-24,Norway,6,c", "R2,2021-11-24,Norway,7,b", header=header)
    second = ImportBatch.objects.latest("pk")
    old, same, new = Contribution.objects.order_by("pk")
    assert (old.amount_usd, old.batch, old.replaced_in) == (Decimal("5.00"), first, second)
    assert (new.amount_usd, new.batch, new.replaced_in, new.key) == (Decimal("6.00"), second, None, old.key)
    assert (same.batch, same.replaced_in) == (first, None)
    assert list(Contribution.objects.released().order_by("pk")) == [same, new]
    assert list(Contribution.objects.released(first.released_at).order_by("pk")) == [old, same]
    assert second.counts == {
        "rows": 2, "new": 0, "changed": 1, "unchanged": 1, "withdrawn": 0, "kept": 0, "in_error": 0, "left_out": 0}  # fmt: skip


@pytest.mark.parametrize("dry_run", [True, False], ids=["plan", "import"])
def test_the_queries_of_changed_lines_do_not_grow_with_them(norway, peru, dry_run):
    """Nor do those of lines of many donors and operations."""

    def queries(number: int) -> int:
        header, lines = "reference,date,donor,operation,amount_usd", []
        for n in range(number):
            name = f"Donor {number} {n}"
            factories.donor(name)
            factories.operation(f"O{number}-{n}", name_en=name)
            lines.append(f"R{n},2021-11-24,{name},O{number}-{n},")
        gifts(*(line + "5" for line in lines), header=header)
        with CaptureQueriesContext(connection) as found:
            plan = gifts(*(line + "6" for line in lines), header=header, dry_run=dry_run)
            [str(row.previous) for row in plan.changed]  # as the preview has them
        assert counted(plan) == (0, number, 0)
        return len(found)

    assert queries(1) == queries(30)


def test_columns_that_the_file_does_not_have_are_kept_in_a_changed_line(norway, peru):
    gifts("R1,2021-11-24,Norway,PER,5,NOK,50,softly earmarked,a",
          header="reference,date,donor,operation,amount_usd,currency,amount,earmarking,description")  # fmt: skip
    gifts(
        "R1,2021-11-24,Norway,PER,6,softly earmarked",
        header="reference,date,donor,operation,amount_usd,earmarking",
    )
    new = Contribution.objects.current().get()
    assert (new.amount_usd, new.currency, new.amount, new.description) == (
        Decimal("6.00"),
        "NOK",
        Decimal("50.00"),
        "a",
    )


def test_of_several_lines_with_one_identity_only_the_changed_one_is_replaced(norway):
    gifts("2021-11-24,Norway,,5", "2021-11-24,Norway,,6", "2021-11-24,Norway,,7")
    lines = ("2021-11-24,Norway,,7", "2021-11-24,Norway,,5", "2021-11-24,Norway,,6.50")
    plan = gifts(*lines, dry_run=True)
    assert (counted(plan), differences(plan)) == (
        (0, 1, 2),
        [(4, "amount_usd", Decimal("6.00"), Decimal("6.50"))],
    )


def test_references_that_differ_by_case_are_one_reference(norway):
    header = "reference,date,donor,amount_usd"
    assert told(gifts("REF-9,2021-11-24,Norway,5", "ref-9 ,2021-11-24,Norway,6", header=header)) == []
    assert counted(gifts("Ref-9,2021-11-24,Norway,6", "Ref-9,2021-11-24,Norway,5", header=header)) == (
        0,
        0,
        2,
    )


def test_another_day_year_operation_or_earmarking_is_another_line(norway, peru):
    header = "reference,date,donor,operation,budget_year,earmarking,amount_usd"
    plan = gifts("R,2021-11-24,Norway,,2021,,5", "R,2021-11-25,Norway,,2021,,5", "R,2021-11-24,Norway,PER,2021,,5",
                 "R,2021-11-24,Norway,,2022,,5", "R,2021-11-24,Norway,,2021,unearmarked,5", header=header)  # fmt: skip
    assert counted(plan) == (5, 0, 0)
    assert len(set(Contribution.objects.values_list("key", flat=True))) == 5


def test_the_batch_keeps_the_file_its_hash_counts_totals_and_who(norway, peru):
    finance = factories.user("finance")
    raw = b"Date;Donor;Amount_USD;IBAN\n2021-11-24;Norway;5;CH93\n2021-11-25;Norway;6.5;CH93\n"
    dataset = PlainCSV().create_dataset(raw)
    ContributionResource().import_data(dataset, file_name="C:\\gifts\\november.csv", user=finance)
    batch = ImportBatch.objects.get()
    assert (batch.table, batch.file_name, batch.made_by) == (
        "contributions.contribution",
        "november.csv",
        finance,
    )
    assert batch.sha256 == hashlib.sha256(raw).hexdigest()
    assert batch.file.read() == raw
    assert batch.mapping == {"Date": "date", "Donor": "donor", "Amount_USD": "amount_usd"}
    assert batch.counts == {
        "rows": 2, "new": 2, "changed": 0, "unchanged": 0, "withdrawn": 0, "kept": 0, "in_error": 0, "left_out": 0}  # fmt: skip
    assert batch.totals == {"in_file_usd": "11.50", "new_and_changed_usd": "11.50"}
    assert batch.released_at is not None


# --- Donors -----------------------------------------------------------------------------------------

DONORS = (
    "name,kind,country,parent,iati_reference,footnote,may_be_named\n"
    "Norad,government,NO,Norway,NO-BRC-971277882,,\n"
    "Norway,Government,NOR,,,,1\n"
    "Private donors in Norway,private,NO,Norway,,,0\n"
    "Serbia*,government,RS,,,References to Kosovo,\n"
)


def test_donors_are_new_changed_or_unchanged(norway):
    plan = load(DonorResource(), DONORS)
    assert (told(plan), counted(plan)) == ([], (3, 1, 0))
    assert differences(plan) == [(3, "country", "", "NO")]
    assert list(Donor.objects.order_by("name_en").values_list("name_en", "slug", "kind", "country", "parent__name_en", "may_be_named")) == [
        ("Norad", "norad", "government", "NO", "Norway", True),
        ("Norway", "norway", "government", "NO", None, True),
        ("Private donors in Norway", "private-donors-in-norway", "private", "NO", "Norway", False),
        ("Serbia", "serbia", "government", "RS", None, True),
    ]  # fmt: skip
    assert counted(load(DonorResource(), DONORS)) == (0, 0, 4)
    assert ImportBatch.objects.get().table == "contributions.donor"


def test_a_parent_alone_makes_a_donor_changed_and_an_empty_cell_takes_it_away(norway, japan):
    factories.donor("Norad")
    plan = load(DonorResource(), "name,kind,parent\nNorad,government,norway\n")
    assert (counted(plan), Donor.objects.get(name_en="Norad").parent) == ((0, 1, 0), norway)
    assert counted(load(DonorResource(), "name,kind\nNorad,government\n")) == (0, 0, 1)
    plan = load(DonorResource(), "name,kind,parent\nNorad,government,\n")
    assert (counted(plan), Donor.objects.get(name_en="Norad").parent) == ((0, 1, 0), None)


def test_errors_of_donors(norway):
    factories.donor("Norad", parent=norway)
    DonorAlias.objects.create(donor=norway, name="Kingdom of Norway")
    plan = load(
        DonorResource(),
        "name,kind,country,parent\n"
        "TBC,government,,\n"
        "Chile,alien,XX,\n"
        "Argentina,government,,Norwy\n"
        "Bolivia,government,,Bolivia\n"
        "Oslo,government,,Norad\n"
        "Norway,government,,Chile\n"
        "Kingdom of Norway,government,,\n"
        "Peru,government,,\n"
        "peru*,government,,\n",
    )
    assert [error[:2] for error in told(plan)] == [
        (2, "name"), (3, "kind"), (3, "country"), (4, "parent"), (5, "parent"), (6, "parent"), (7, "parent"),
        (8, "name"), (10, "")]  # fmt: skip
    said = [error.message for error in plan.errors]
    assert said[3] == "No donor is called “Norwy”. Did you mean “Norway”?"
    assert said[5] == "“Norad” belongs to another donor itself. Give that one."
    assert said[7] == "This is another spelling of “Norway”. Use that name."
    assert said[8] == "This line repeats line 9."
    assert Donor.objects.count() == 2


def test_two_donors_cannot_bear_one_name_in_a_language(norway):
    norway.name_fr = "Norvège"
    norway.save()
    plan = load(
        DonorResource(),
        "name,kind,name_fr,name_ar\nA,government,Norvège,\nB,government,B,ب\nC,government,,ب\n",
    )
    assert [(error.line, error.column) for error in plan.errors] == [(2, "name_fr"), (4, "name_ar")]


def test_a_chain_of_new_donors_is_refused(norway):
    plan = load(DonorResource(), "name,kind,parent\nA,government,B\nB,government,Norway\n")
    assert [(error.line, error.column) for error in plan.errors] == [(2, "parent"), (3, "parent")]
    assert Donor.objects.count() == 1


# --- Round trips ------------------------------------------------------------------------------------


NAMES = ("name_en", "name_fr", "kind", "slug", "country", "parent__name_en", "may_be_named")


@pytest.fixture
def lines(peru, norway, japan):
    DonorAlias.objects.create(donor=norway, name="=Norge")
    evil = factories.donor("=HYPERLINK(1)", name_fr="+évil", parent=None)
    private = factories.donor(
        "Private donors, Japan", kind="private", parent=japan, name_fr="Donateurs privés, Japon"
    )
    norway.name_fr = "Norvège"
    norway.footnote_en = "One line\r\nand another"
    norway.save()
    batch = factories.batch()
    factories.contribution(
        norway, batch=batch, operation=peru, reference="-5", description="@home", earmarking="earmarked"
    )
    factories.contribution(norway, batch=batch, amount_usd=Decimal("-0.01"))
    factories.contribution(norway, batch=batch, amount_usd=Decimal("-0.01"), occurrence=2)
    factories.contribution(
        evil, batch=batch, amount_usd=Decimal("999999999999.99"), amount=Decimal("5.50"), currency="NOK"
    )
    factories.contribution(private, batch=batch, budget_year=2022)
    factories.contribution(norway, batch=batch, reference="old", replaced_in=factories.batch())


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
@pytest.mark.parametrize("file_format", [PlainCSV, PlainXLSX])
@pytest.mark.parametrize(("resource", "count"), [(ContributionResource, 5), (DonorResource, 4)])
def test_what_is_exported_imports_as_unchanged(lines, resource, count, file_format, language):
    with translation.override(language):
        written = file_format().export_data(resource().export())
        plan = load(resource(), written, file_format=file_format)
        assert (told(plan), counted(plan)) == ([], (0, 0, count))
    Contribution.objects.all().delete()
    DailySum.objects.all().delete()
    if resource is DonorResource:
        before = list(Donor.objects.order_by("pk").values_list(*NAMES))
        DonorAlias.objects.all().delete()
        Donor.objects.filter(parent__isnull=False).delete()
        Donor.objects.all().delete()
    plan = load(resource(), written, file_format=file_format)
    assert (told(plan), counted(plan)) == ([], (count, 0, 0))
    if resource is DonorResource:
        assert list(Donor.objects.order_by("pk").values_list(*NAMES)) == before
    with translation.override(language):
        assert counted(load(resource(), file_format().export_data(resource().export()), file_format=file_format)) == (0, 0, count)  # fmt: skip
