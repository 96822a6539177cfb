"""No gift of a private donor can be told from the pages, or calculated from them; and no money is lost."""

from __future__ import annotations

import datetime as dt
import random
import re
from decimal import Decimal
from fractions import Fraction

import pytest
import tablib
from django.core.management import call_command
from django.db.models import ProtectedError
from django.utils import timezone

from contributions import private_sums, releasing, sums
from contributions.merging import CannotMerge, merge
from contributions.models import Contribution, DailySum, Donor, ImportBatch, given_to
from contributions.privacy import WITHHELD
from contributions.resources import ContributionResource
from operations.editions import release
from operations.models import Region
from tests import factories

pytestmark = pytest.mark.django_db

HEADER = "reference,donor,donor_type,date,operation,budget_year,amount_usd,earmarking\n"
PEOPLE = [("Aiko", "JP"), ("Bunta", "JP"), ("Chie", "JP"), ("Denis", "FR"), ("Elise", "FR"), ("Farah", "AE")]


@pytest.fixture
def places():
    found = []
    for code in ("PER", "COL"):
        place = factories.operation(code, region=Region.objects.get(code="AME"))
        release(place, None)
        found.append(place)
    return found


@pytest.fixture
def funded(places):
    """Of whom the page of 2021 says what they received."""
    for place in places:
        factories.finance(place, 2021, "funds_available", amount_usd=Decimal(60))
        release(place, None)
    return places


def people():
    return [
        factories.donor(name, kind="private", country=country, is_class=False) for name, country in PEOPLE
    ]


def gave(batch, donor, amount, day="2021-11-24", operation=None, year=2021, **more):
    return factories.contribution(
        donor, batch=batch, date=dt.date.fromisoformat(day), operation=operation, budget_year=year,
        amount_usd=Decimal(str(amount)), **{"reference": f"R{amount}"} | more,
    )  # fmt: skip


def shown(at=None):
    rows = DailySum.objects.released(at).order_by("date", "donor__name_en", "operation__code", "earmarking")
    return [
        (row.date.isoformat(), row.donor.name_en, row.operation and row.operation.code, row.amount_usd)
        for row in rows
    ]


def test_enough_gifts_of_a_country_are_its_class(places):
    batch = factories.batch()
    for donor, amount in zip(people()[:3], (10, 12, 11), strict=True):
        gave(batch, donor, amount, operation=places[0])
    private_sums.make()
    assert shown() == [("2021-11-24", "Private donors, Japan", "PER", Decimal("33.00"))]


def test_too_few_are_of_other_countries_and_one_alone_waits_for_company(places):
    first = factories.batch()
    aiko, _bunta, _chie, denis, elise, farah = people()
    gave(first, aiko, 10, operation=places[0])
    private_sums.make()
    assert shown() == []
    second = factories.batch()
    gave(second, denis, 8, operation=places[0])
    gave(second, farah, 9, operation=places[0])
    assert private_sums.make() == []
    assert shown() == [("2021-11-24", "Private donors, other countries", "PER", Decimal("27.00"))]
    gave(second, elise, 7, day="2021-03-01", operation=places[1])
    assert [part.donor for part in private_sums.make()] == [elise.pk]


def test_one_gift_that_dominates_is_not_hidden_by_small_ones(places):
    batch = factories.batch()
    for donor, amount in zip(people()[:3], (1000, 1, 1), strict=True):
        gave(batch, donor, amount)
    assert len(private_sums.make()) == 3
    assert shown() == []


def test_a_class_is_shown_as_the_books_have_it():
    japan = factories.donor("Japan", country="JP")
    gave(factories.batch(), factories.donor("Private donors in Japan", kind="private", parent=japan), 10)
    assert shown() == [("2021-11-24", "Private donors in Japan", None, Decimal("10.00"))]


def test_where_the_site_shows_months_no_day_is_told(settings, client):
    settings.PRIVATE_GIFTS_BY = "month"
    japan = factories.donor("Japan", country="JP")
    batch = factories.batch()
    gave(
        batch,
        factories.donor("Private donors in Japan", kind="private", parent=japan, country="JP"),
        10,
        "2020-02-03",
    )
    for donor, amount, day in zip(
        people()[:3], (10, 12, 11), ("2021-11-01", "2021-11-14", "2021-11-30"), strict=True
    ):
        gave(batch, donor, amount, day)
    gave(batch, japan, 5, "2021-11-02")
    call_command("remake_sums")
    assert shown() == [
        ("2020-02-29", "Private donors in Japan", None, Decimal("10.00")),
        ("2021-11-02", "Japan", None, Decimal("5.00")),
        ("2021-11-30", "Private donors in Japan", None, Decimal("33.00")),
    ]
    page = client.get("/contributions/").content.decode()
    assert "3 February 2020" not in page
    assert "29 February 2020" in page


def test_a_correction_is_booked_with_others_and_never_alone(places):
    donors = people()
    first, second, third = (
        factories.batch(released_at=timezone.now() - dt.timedelta(days=n)) for n in (3, 2, 1)
    )
    lines = [gave(first, donor, 10 + n, operation=places[0]) for n, donor in enumerate(donors[:3])]
    replaced(lines[0], second, amount_usd=Decimal("500.00"))
    private_sums.make()
    before = shown()
    assert before == [("2021-11-24", "Private donors, Japan", "PER", Decimal("33.00"))]
    for donor, amount, place in zip(donors[3:], (400, 410, 420), (None, *places), strict=True):
        gave(third, donor, amount, operation=place)
    private_sums.make()
    total = sum(row[-1] for row in shown())
    assert total == Decimal(500 + 11 + 12 + 400 + 410 + 420)
    assert ("2021-11-24", "Private donors, Japan", "PER", Decimal("33.00")) in shown()


def replaced(line, batch, **values):
    Contribution.objects.filter(pk=line.pk).update(is_current=False, replaced_in=batch)
    return Contribution.objects.create(
        **{f.attname: getattr(line, f.attname) for f in Contribution._meta.fields if f.attname not in ("id", "batch_id")}
        | {"batch": batch, "replaced_in": None, "is_current": True} | values
    )  # fmt: skip


def test_consent_gives_a_gift_its_name_and_its_end_takes_it_back():
    batch = factories.batch()
    donors = people()
    for donor, amount in zip(donors[:4], (10, 12, 11, 13), strict=True):
        gave(batch, donor, amount)
    private_sums.make()
    aiko = donors[0]
    aiko.may_be_named, aiko.consent = True, "letter of 3 May 2021"
    aiko.full_clean()
    aiko.save()
    assert sorted(row[1:] for row in shown()) == [
        ("Aiko", None, Decimal("10.00")),
        ("Private donors, other countries", None, Decimal("36.00")),
    ]
    aiko.may_be_named = False
    aiko.save()
    assert sorted(row[1:] for row in shown()) == [("Private donors, Japan", None, Decimal("33.00"))]


def test_a_private_donor_is_named_only_with_a_record_of_consent():
    donor = factories.donor("Aiko", kind="private", is_class=False)
    donor.may_be_named = True
    with pytest.raises(Exception, match="Say when and how this private donor agreed to be named"):
        donor.full_clean()


def test_a_class_and_a_person_are_not_merged():
    person, many = (
        factories.donor("Aiko", kind="private", is_class=False),
        factories.donor("Many", kind="private"),
    )
    for pair in ((person, many), (many, person)):
        with pytest.raises(CannotMerge, match="stands for many"):
            merge(*pair, user=None)


def test_a_class_that_readers_see_cannot_be_deleted():
    batch = factories.batch()
    for donor, amount in zip(people()[2:5], (10, 12, 11), strict=True):
        gave(batch, donor, amount)
    private_sums.make()
    with pytest.raises(ProtectedError):
        Donor.objects.get(country="ZZ").delete()


def test_gifts_of_a_country_with_a_family_are_of_its_class(client):
    japan = factories.donor("Japan", country="JP")
    factories.donor("Private donors in Japan", kind="private", parent=japan, country="JP")
    batch = factories.batch()
    for donor, amount in zip(people()[:3], (10, 12, 11), strict=True):
        gave(batch, donor, amount)
    private_sums.make()
    assert shown() == [("2021-11-24", "Private donors in Japan", None, Decimal("33.00"))]
    assert (
        "Gifts of private donors that are only shown added up" in client.get("/contributions/?q=Japan").text
    )


def test_a_family_has_a_page_only_as_long_as_there_is_something_on_it(client):
    norway = factories.donor()
    first, second = (factories.batch(released_at=timezone.now() - dt.timedelta(days=n)) for n in (2, 1))
    line = gave(first, norway, 10)
    assert "/donors/norway/" in client.get("/sitemap.xml").text
    replaced(line, second, withdraws=True, is_current=False)
    sums.make(second)
    assert client.get("/donors/norway/").status_code == 404
    assert "/donors/norway/" not in client.get("/sitemap.xml").text


def test_a_merge_of_families_makes_the_cells_anew():
    japan, nippon = factories.donor("Japan", country="JP"), factories.donor("Nippon", country="JP")
    batch = factories.batch()
    for number, family in enumerate([japan, nippon, nippon]):
        donor = factories.donor(f"P{number}", kind="private", parent=family, is_class=False)
        gave(batch, donor, 10 + number)
    private_sums.make()
    assert [row[1] for row in shown()] == ["Private donors, other countries"]
    merge(nippon, japan, user=None)
    assert shown() == [("2021-11-24", "Private donors, Japan", None, Decimal("33.00"))]


def test_an_undone_import_leaves_what_there_would_be_without_it():
    first, second = (factories.batch(released_at=timezone.now() - dt.timedelta(days=n)) for n in (2, 1))
    donors = people()
    gave(first, donors[0], 10)
    for donor, amount in zip(donors[1:3], (11, 12), strict=True):
        gave(second, donor, amount)
    private_sums.make()
    assert [row[-1] for row in shown()] == [Decimal("33.00")]
    releasing.undo(second, None)
    assert shown() == []
    releasing.undo(first, None)
    assert not DailySum.objects.exists()


def test_an_import_makes_its_cells_when_it_is_released_and_not_before(settings):
    settings.FOUR_EYES = False
    people()
    lines = [f"R{n},{name},private,2021-11-24,,2021,{10 + n},\n" for n, (name, _country) in enumerate(PEOPLE)]
    data = tablib.Dataset().load(HEADER + "".join(lines), format="csv")
    ContributionResource().import_data(data, raise_errors=True, file_name="gifts.csv", user=None)
    assert ImportBatch.objects.get().plan["notes"][-1] == (
        "6 lines are of private donors who may not be named: readers see them only added up with those of others, "
        "once there are enough.")  # fmt: skip
    assert sum(row[-1] for row in shown()) == Decimal(sum(range(10, 16)))
    assert {row[1] for row in shown()} == {"Private donors, Japan", "Private donors, other countries"}
    batch = ImportBatch.objects.get()
    later = timezone.now() + dt.timedelta(days=1)
    ImportBatch.objects.filter(pk=batch.pk).update(released_at=None)
    private_sums.make()
    assert not DailySum.objects.exists()
    releasing.release(ImportBatch.objects.get(), None, later)
    assert shown() == []
    assert sum(row[-1] for row in shown(later)) == Decimal(sum(range(10, 16)))


# --- Whoever adds and subtracts ---------------------------------------------------------------------


def can_be_calculated(sums, gifts):
    """The gifts that a sum of any multiples of these sums would be: those that add nothing to their span.

    Amounts are 3 times powers of 4, so that a number tells which gifts it is the sum of, if it is one.
    """
    rows = {tuple(row) for number in sums if (row := made_of(number, gifts))}
    basis = reduced(rows)
    return [
        n for n in range(gifts) if len(reduced([*basis, [int(n == m) for m in range(gifts)]])) == len(basis)
    ]


def made_of(number, gifts):
    """How often each gift is in a number: once, not, or taken away; ``None`` where it is no such sum."""
    number, row = Fraction(number, 3), []
    for _ in range(gifts):
        digit = {0: 0, 1: 1, 3: -1}.get(number % 4)
        if digit is None:
            return None
        row.append(digit)
        number = (number - digit) / 4
    return None if number else row


def reduced(rows):
    """Independent rows that span the same."""
    basis = {}
    for row in rows:
        row = [Fraction(cell) for cell in row]
        while (first := next((n for n, cell in enumerate(row) if cell), None)) is not None and first in basis:
            row = [cell - row[first] * other for cell, other in zip(row, basis[first], strict=True)]
        if first is not None:
            basis[first] = [cell / row[first] for cell in row]
    return list(basis.values())


def test_what_can_be_calculated_is_found():
    one, two, three = 3, 12, 48
    assert can_be_calculated({one + two, two + three, one + two + three}, 3) == [0, 1, 2]
    assert can_be_calculated({one + two, three, one + 5}, 3) == [2]
    assert can_be_calculated({one + two + three, two + three}, 3) == [0]
    assert can_be_calculated({one + two, two + three, one + three}, 3) == [0, 1, 2]
    assert can_be_calculated({one + two + three, one + two + three + 192}, 4) == [3]
    assert can_be_calculated({one + two + three, 192 - one - two}, 4) == []
    assert can_be_calculated({one + two + three, -one - two}, 4) == [2]
    assert can_be_calculated({one + two + 7}, 4) == []


def numbers_of(client, places):
    """Every US dollar sum that the public pages tell, at several addresses."""
    found = set()
    addresses = ["/contributions/", "/donors/", "/donors/?year=2021", "/donors/?year=2020"]
    addresses += [f"/contributions/?{query}" for query in (
        "kind=private", "country=JP", "country=FR", "country=AE", "country=ZZ", "country=none", "operation=per",
        "operation=col", "operation=none", "earmarking=earmarked", "earmarking=none", "year=2021", "year=2020",
        "region=AME", "q=Aiko", "q=Japan", "q=private", "sort=largest", "sort=smallest", "sort=donor",
        "date=2021-11-24", "date=2021-11-25", "year=2021&country=JP&operation=per", "country=JP&date=2021-11-24",
    )]  # fmt: skip
    addresses += [f"/operations/{place.slug}/2021/" for place in places]
    for address in addresses:
        page = client.get(address, follow=True).content.decode()
        found |= {int(number.replace(",", "")) for number in re.findall(r"\$([\d,]+)", page)}
    return found


@pytest.mark.parametrize("seed", range(8))
def test_no_gift_can_be_calculated_from_the_sums_of_any_page_at_any_time(client, places, settings, seed):
    """Whoever reads all pages as they are and as they were after each import, and adds and subtracts what they say.

    Imports bring gifts, correct and withdraw some, and bring some back under another reference.
    """
    settings.PRIVATE_LARGEST_SHARE = 100
    pick, most = random.Random(seed), 30
    donors, amounts = people(), (3 * 4**n for n in range(most))
    batches = [factories.batch(released_at=timezone.now() - dt.timedelta(days=9 - n)) for n in range(4)]
    known = []
    for batch in batches:
        for line in pick.sample(known, min(len(known), pick.choice([0, 1, 4]))):
            known.remove(line)
            what = pick.choice(["corrected", "withdrawn", "back"])
            if what == "corrected":
                known.append(replaced(line, batch, amount_usd=Decimal(next(amounts))))
                continue
            replaced(line, batch, withdraws=True, is_current=False)
            if what == "back":
                known.append(gave(batch, line.donor, line.amount_usd, f"{line.date}", line.operation, line.budget_year,
                                  earmarking=line.earmarking, reference=f"again {line.pk}"))  # fmt: skip
        for donor in pick.sample(donors, pick.choice([3, 6])):
            known.append(gave(batch, donor, next(amounts), pick.choice(["2021-11-24", "2021-11-25"]),
                              pick.choice([None, *places]), pick.choice([2021, 2021, 2020]),
                              earmarking=pick.choice(["", "earmarked"])))  # fmt: skip
    # If each were shown by itself, all of them could be: the test would find it.
    by_line = {int(line.amount_usd) for line in Contribution.objects.all()}
    assert len(can_be_calculated(by_line, most)) == len(by_line)
    waiting = private_sums.make()
    told = numbers_of(client, places)
    for batch in batches:
        told |= sums_over(batch.released_at)
    assert can_be_calculated(told, most) == []
    shown_now = DailySum.objects.released().total()
    assert (
        shown_now + sum(part.cents for part in waiting) / Decimal(100)
        == Contribution.objects.counted().total()
    )
    assert shown_now > 0, "nothing was shown"


def sums_over(at):
    rows = DailySum.objects.released(at)
    found = {int(row.amount_usd) for row in rows}
    for name in (
        "by_donor",
        "by_class",
        "by_year",
        "by_earmarking",
        "by_operation",
        "by_day",
        "grouped",
        "by_member",
    ):
        found |= {int(row["amount"]) for row in getattr(rows, name)()}
    return found


def test_where_nothing_is_hidden_the_same_reader_finds_gifts(client, places, settings):
    settings.PRIVATE_FEWEST_DONORS = 1
    batch = factories.batch()
    for n, donor in enumerate(people()):
        gave(batch, donor, 3 * 4**n, operation=places[n % 2])
    private_sums.make()
    assert can_be_calculated(numbers_of(client, places), 6) == [1, 3, 4, 5]


def test_what_is_withheld_is_not_said_to_be_missing_in_the_source(funded, client):
    batch = factories.batch()
    japan = factories.donor("Japan", country="JP")
    gave(batch, japan, 100, earmarking="")
    aiko, bunta, chie, *_others = people()
    gave(batch, aiko, 10, operation=funded[0], earmarking="earmarked")
    gave(batch, bunta, 12, operation=funded[1], earmarking="unearmarked")
    gave(batch, chie, 11, operation=funded[1], earmarking="earmarked")
    private_sums.make()
    rows = DailySum.objects.released()
    assert [(given_to(row), row["amount"]) for row in rows.by_operation()] == [
        (None, Decimal("100.00")),
        (WITHHELD, Decimal("33.00")),
    ]
    withheld = client.get("/contributions/?operation=withheld").content.decode()
    assert "$33" in withheld and "operation withheld" in withheld and "$100" not in withheld
    not_given = client.get("/contributions/?operation=none").content.decode()
    assert "$100" in not_given and "$33" not in not_given
    assert "$33" in client.get("/contributions/?earmarking=withheld").content.decode()
    assert "$33" not in client.get("/contributions/?earmarking=none").content.decode()
    page = client.get("/operations/per/2021/").content.decode()
    assert "Operation withheld" in page


@pytest.mark.parametrize(
    "address", ["/contributions/", "/donors/", "/donors/japan/", "/operations/per/2021/"]
)
def test_totals_say_what_they_may_leave_out_whether_or_not_something_waits(funded, client, settings, address):
    gave(factories.batch(), factories.donor("Japan", country="JP"), 10, operation=funded[0])
    said = "are in no total until others join them"
    assert said in client.get(address).content.decode()
    settings.PRIVATE_FEWEST_DONORS = 1
    assert said not in client.get(address).content.decode()


def test_a_total_without_private_donors_says_nothing_of_them(client):
    gave(factories.batch(), factories.donor("Japan", country="JP"), 10)
    page = client.get("/contributions/?kind=government").content.decode()
    assert "$10" in page and "until others" not in page


def test_who_reads_the_books_sees_what_waits(places, admin_client):
    batch = factories.batch()
    aiko, bunta, *_others = people()
    gave(batch, aiko, 10, operation=places[0], earmarking="earmarked")
    gave(batch, bunta, 500)
    private_sums.make()
    page = admin_client.get("/admin/contributions/donor/waiting/").content.decode()
    assert "2 amounts wait: $510.00" in page and "of 2 donors" in page
    assert page.index("Bunta") < page.index("Aiko")
    DailySum.objects.all().delete()
    admin_client.get("/admin/contributions/donor/waiting/")
    assert not DailySum.objects.exists()  # looking changes nothing
