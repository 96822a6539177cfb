"""Public lines of contributions: grouped, released only, private donors never named."""

import datetime as dt
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from contributions import lines, sums
from contributions.lines import by_day, latest, public_lines
from contributions.models import Contribution, DailySum, ImportBatch
from operations.editions import release
from operations.models import Operation
from tests import factories
from tests.reading import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch():
    return ImportBatch.objects.create(table="contributions.contribution", released_at=timezone.now())


def give(batch, donor, amount, day="2021-11-24", year=2021, **more):
    line = Contribution.objects.create(
        donor=donor, amount_usd=Decimal(amount), date=dt.date.fromisoformat(day), budget_year=year, batch=batch,
        key=uuid4(), **more,
    )  # fmt: skip
    sums.make(batch)
    return line


def make_donor(name, kind="government", **more):
    return factories.donor(name, kind=kind, **more)


def shown():
    return [
        (line.date.isoformat(), line.name, line.donor_class, line.amount, line.count) for line in newest()
    ]


def newest():
    """The latest public lines, from the kept sums; the lines themselves make the same."""
    groups = latest(DailySum.objects.released())
    assert groups == latest(Contribution.objects.released())
    return public_lines(groups, Contribution.objects.released())


def test_a_line_is_the_sum_of_a_familys_allocations_on_a_day(batch):
    norway = make_donor("Norway")
    norad = make_donor("Norad", parent=norway)
    give(batch, norway, "1000000")
    give(batch, norad, "614205")
    give(batch, norway, "5", "2021-11-23")
    assert shown() == [
        ("2021-11-24", "Norway", "", Decimal("1614205.00"), 2),
        ("2021-11-23", "Norway", "", Decimal("5.00"), 1),
    ]


def test_a_countrys_private_donors_are_a_line_of_their_own(batch):
    japan = make_donor("Japan", country="JP")
    private = make_donor("Private donors in Japan", "private", parent=japan, country="JP")
    give(batch, japan, "10")
    give(batch, private, "3")
    assert shown() == [
        ("2021-11-24", "Japan", "", Decimal("10.00"), 1),
        ("2021-11-24", "Japan", "private donors", Decimal("3.00"), 1),
    ]


def test_who_may_not_be_named_is_counted_in_a_class_and_named_nowhere(batch, client):
    secret = make_donor("Jane Secret", "private", country="FR")
    other = make_donor("Joe Secret", "private", country="FR")
    nowhere = make_donor("Ann Secret", "private")
    give(batch, secret, "10", reference="SECRET-REF", description="Secret gift")
    give(batch, other, "5")
    give(batch, nowhere, "2")
    assert shown() == [
        ("2021-11-24", "France", "private donors", Decimal("15.00"), 2),
        ("2021-11-24", "Private donors", "", Decimal("2.00"), 1),
    ]
    for address in ("/", "/contributions/", "/donors/", "/contributions/?country=FR", "/donors/jane-secret/",
                    "/contributions/?donor=jane-secret", "/donors/?year=2021"):  # fmt: skip
        page = client.get(address).content.decode().lower()
        # A page that is not there offers to look for the words of its address.
        assert "secret" not in page.replace("jane-secret", "").replace('value="jane secret"', "")
    assert client.get(f"/donors/{secret.slug}/").status_code == 404


def test_a_government_or_foundation_is_named_whatever_was_ticked(batch):
    give(batch, make_donor("France", may_be_named=False), "10")
    give(batch, make_donor("A Foundation", "foundation", may_be_named=False), "5")
    assert shown() == [
        ("2021-11-24", "France", "", Decimal("10.00"), 1),
        ("2021-11-24", "A Foundation", "foundation", Decimal("5.00"), 1),
    ]


def test_a_class_of_no_country_has_an_address_of_its_own(batch, client):
    nobody, somebody = make_donor("Ann", "private"), make_donor("Bo", "private", country="FR")
    for _ in range(31):
        give(batch, nobody, "1")
    give(batch, somebody, "5")
    (first, _second) = newest()
    assert first.url == "/contributions/?date=2021-11-24&kind=private&country=none"
    assert "$31" in words(client.get(first.url))
    page = client.get("/contributions/?country=FR&kind=private")
    assert [(told.label, told.value) for told in page.context["filters"].told] == [
        ("Class of donor", "private donors"),
        ("Private donors of", "France"),
    ]
    assert page.context["total"] == Decimal("5.00")


def test_a_private_donor_who_agreed_is_named(batch):
    give(batch, make_donor("The Good Company", "private", may_be_named=True), "10")
    assert shown() == [("2021-11-24", "The Good Company", "private donors", Decimal("10.00"), 1)]


def test_only_lines_of_released_imports_are_public(batch, client):
    later = ImportBatch.objects.create(table="x", released_at=timezone.now() + dt.timedelta(hours=1))
    withdrawn = ImportBatch.objects.create(table="x", released_at=timezone.now(), withdrawn_at=timezone.now())
    waiting = ImportBatch.objects.create(table="x")
    norway = make_donor("Norway")
    for owner, amount in ((batch, "1"), (later, "10"), (withdrawn, "100"), (waiting, "1000")):
        give(owner, norway, amount)
    assert [line[3] for line in shown()] == [Decimal("1.00")]
    assert Contribution.objects.released(timezone.now() + dt.timedelta(hours=2)).total() == Decimal("11.00")
    assert "$1 in all" in words(client.get("/contributions/"))


def test_a_replaced_line_is_public_until_its_replacement_is(batch):
    norway = make_donor("Norway")
    newer = ImportBatch.objects.create(table="x", released_at=timezone.now() + dt.timedelta(hours=1))
    old = give(batch, norway, "1")
    old.replaced_in, old.is_current = newer, False
    old.save()
    later = give(newer, norway, "2")
    Contribution.objects.filter(pk=later.pk).update(key=old.key)
    assert Contribution.objects.released().total() == Decimal("1.00")
    assert Contribution.objects.released(timezone.now() + dt.timedelta(hours=2)).total() == Decimal("2.00")
    newer.released_at = timezone.now()
    newer.withdrawn_at = timezone.now()
    newer.save()
    assert Contribution.objects.released().total() == Decimal("1.00")


def test_a_line_has_one_public_form_however_its_imports_were_withdrawn(batch):
    norway = make_donor("Norway")
    second, third = (ImportBatch.objects.create(table="x", released_at=timezone.now()) for _ in range(2))
    forms = [
        give(owner, norway, amount) for owner, amount in ((batch, "100"), (second, "200"), (third, "300"))
    ]
    for form, successor in zip(forms, (second, third), strict=False):
        form.replaced_in, form.is_current = successor, False
        form.save()
    Contribution.objects.update(key=uuid4())
    assert Contribution.objects.released().total() == Decimal("300.00")
    ImportBatch.objects.filter(pk=second.pk).update(withdrawn_at=timezone.now())
    assert Contribution.objects.released().total() == Decimal("300.00")
    ImportBatch.objects.filter(pk=third.pk).update(withdrawn_at=timezone.now())
    assert Contribution.objects.released().total() == Decimal("100.00")


def test_the_newest_twenty_lines_come_by_day(batch):
    for day in range(1, 16):
        for number in range(2):
            give(batch, make_donor(f"Donor {day} {number}"), str(number + 1), f"2021-03-{day:02}")
    days = by_day(newest())
    assert [(date.day, [line.name for line in lines]) for date, lines in days] == [
        (day, [f"Donor {day} 1", f"Donor {day} 0"]) for day in range(15, 5, -1)
    ]


def test_a_line_opens_to_its_allocations(batch, client):
    peru = Operation.objects.create(code="PER", slug="peru", name_en="Peru")
    draft = Operation.objects.create(code="XXX", slug="xxx", name_en="Draft operation")
    release(peru, None)
    norway = make_donor("Norway")
    give(batch, norway, "3.50", operation=peru, earmarking="softly_earmarked")
    give(batch, norway, "2", operation=draft)
    give(batch, norway, "1")
    text = words(client.get("/contributions/"))
    assert "Peru · budget 2021 · softly earmarked $3.50" in text
    assert "an operation without a public page · budget 2021 · earmarking not given $2.00" in text
    assert "operation not given · budget 2021 · earmarking not given $1.00" in text
    assert "Draft operation" not in text


def test_a_line_of_many_allocations_leads_to_them_instead(batch, client):
    norway = make_donor("Norway")
    for _ in range(31):
        give(batch, norway, "1")
    give(batch, make_donor("Sweden"), "1")
    html = client.get("/contributions/").content.decode()
    assert (
        'href="/contributions/?date=2021-11-24&amp;kind=government&amp;donor=norway">31 allocations<' in html
    )
    html = client.get("/contributions/?date=2021-11-24&kind=government&donor=norway").content.decode()
    assert html.count("<li><span>operation not given") == 31
    assert "31 allocations</a>" not in html


def test_the_smallest_of_very_many_allocations_are_one_sum(batch, client, monkeypatch):
    monkeypatch.setattr(lines, "OPENED_ALONE", 40)
    norway = make_donor("Norway")
    for number in range(43):
        give(batch, norway, number + 1)
    shown = words(client.get("/contributions/?date=2021-11-24&donor=norway"))
    assert "3 smaller allocations; narrow the list by operation or earmarking to see them $6.00" in shown


def test_the_list_can_be_narrowed_and_says_to_what(batch, client):
    norway, japan = make_donor("Norway"), make_donor("Japan")
    give(batch, norway, "1", "2020-05-01", 2020)
    give(batch, norway, "2")
    give(batch, japan, "4")
    for query, told, total in (
        ("", [], 7),
        ("year=2020", ["Budget year: 2020"], 1),
        ("donor=norway", ["Donor: Norway"], 3),
        ("donor=norway&date=2021-11-24", ["Donor: Norway", "Day: 24 November 2021"], 2),
        ("donor=nobody&year=bad&date=2021-02-30&kind=bad&page=zzz", [], 7),
        ("kind=government&donor=japan", ["Donor: Japan", "Class of donor: government"], 4),
    ):
        page = client.get(f"/contributions/?{query}")
        assert [f"{each.label}: {each.value}" for each in page.context["filters"].told] == told
        assert page.context["total"] == Decimal(total)
        assert all(each in words(page) for each in told)
        assert f"${total}" in words(page)


def test_donors_have_their_share_of_a_year(batch, client):
    give(batch, make_donor("Norway"), "1")
    give(batch, make_donor("Japan"), "2")
    give(batch, make_donor("Peru"), "100", year=2020)
    text = words(client.get("/donors/"))
    assert "1 Japan $2 66.7% +$2 new 2 Norway $1 33.3% +$1 new" in text
    assert "$3 for the budget year 2021." in text
    assert "Peru $100 100.0%" in words(client.get("/donors/?year=2020"))


def test_a_donors_page_sums_its_years(batch, client):
    norway = make_donor("Norway")
    give(batch, norway, "1.25", year=2019)
    give(batch, make_donor("Norad", parent=norway), "2", year=2021)
    page = client.get("/donors/norway/")
    table = page.context["years_chart"].table
    assert [[cell.text or cell.missing_reason for cell in row] for row in table.rows] == [
        ["2019", "1.25"],
        ["2020", "No contribution"],
        ["2021", "2.00"],
    ]
    assert client.get("/donors/norad/").status_code == 404


def test_footnotes_are_numbered_and_linked_once_a_donor(batch, client):
    serbia = make_donor("Serbia", footnote_en="A footnote.")
    give(batch, serbia, "1", "2021-11-08")
    give(batch, serbia, "2", "2021-11-09")
    html = client.get("/contributions/").content.decode()
    assert html.count('<li id="footnote-1"') == 1
    assert html.count('href="#footnote-1"') == 2
    assert "Serbia: A footnote." in words(client.get("/donors/"))
