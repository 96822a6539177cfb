"""Which addresses of this site lead readers to a page, and what a text that links to others is told."""

import datetime as dt

import pytest
from django.utils import timezone

from operations.addresses import Addresses, own_hosts
from operations.drafts import checked
from operations.editions import record, release, withdraw
from operations.models import SectionType
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_is_required(db):
    SectionType.objects.update(required_since=None)


@pytest.fixture
def ana():
    return factories.user("ana")


@pytest.fixture
def peru():
    return factories.operation("PER")


def report(of, year=2020, body="<p>In {year} we gave cash.</p>", **fields):
    return factories.narrative(of, year, sections={"unmet-needs": body.format(year=year)}, **fields)


def linking(of, address, year=2020, **fields):
    return report(of, year, f'<p>In {year} <a href="{address}">here</a>.</p>', **fields)


def errors(text):
    return [finding.message for finding in checked(text).errors]


NOWHERE = "The link “{}” leads to no page of this site. Correct the address, or remove the link."
TO_COME = "The link “{}” leads to a page that is not public yet. Release that page first, or remove the link."


@pytest.fixture
def released(peru, ana):
    factories.population(peru, 2019)
    release(peru, ana)
    release(report(peru), ana)
    release(report(peru, 2021, language="fr"), ana)
    record(report(peru, 2018), ana)
    record(factories.operation("COL"), ana)


@pytest.mark.parametrize(
    ("path", "leads_somewhere"),
    [
        ("/", True),
        ("/operations/", True),
        ("/operations/per/", True),
        ("/operations/per", True),
        ("/fr/operations/per/2020/", True),
        ("/operations/per/2019/", True),
        ("/operations/per/2020/?x=1#unmet-needs", True),
        ("/operations/per/2020/history/", True),
        ("/operations/per/2018/history/", False),
        ("/operations/per/2021/", True),
        ("/operations/per/2018/", False),  # a draft
        ("/operations/per/2020/pillars/", False),  # no figures by pillar
        ("/operations/col/", False),  # a draft
        ("/operations/nowhere/", False),
        ("/en/operations/per/", False),
        ("/de/operations/per/", False),
        ("/donors/", True),
        ("/admin/", False),
        ("/nowhere/", False),
        ("", True),  # the host alone
    ],
)
def test_an_address_leads_somewhere_where_readers_find_a_page_now(released, path, leads_somewhere):
    assert Addresses()(path) is leads_somewhere


def test_an_edition_is_linked_to_where_readers_saw_it(peru, ana):
    first = release(peru, ana)
    factories.population(peru)
    draft = record(peru, ana)
    assert Addresses()(f"/editions/{first.pk}/") is True
    assert Addresses()(f"/editions/{draft.pk}/") is False
    withdraw(peru, ana)
    assert Addresses()(f"/editions/{first.pk}/") is False


def test_an_operation_is_looked_up_once_for_all_links_to_it(released, django_assert_num_queries):
    addresses = Addresses()
    with django_assert_num_queries(3):
        assert [addresses(f"/operations/per/{year}/") for year in (2018, 2019, 2020)] == [False, True, True]


def test_a_link_to_a_draft_is_an_error_until_it_is_released(peru, ana, settings):
    settings.ALLOWED_HOSTS = ["*", ".example.org", "Openfield.example.net"]
    settings.SITE_URL = "https://site.example.com:8000"
    assert own_hosts() == ("example.org", "openfield.example.net", "site.example.com")
    chad = factories.operation("TCD")
    text = linking(peru, "https://example.org/operations/tcd/")
    assert errors(text) == [TO_COME.format("https://example.org/operations/tcd/")]
    release(chad, ana)
    assert errors(text) == []


@pytest.mark.parametrize("released", [True, False])
@pytest.mark.parametrize(
    "address",
    [
        "/operations/per/2020/",
        "/operations/per/2020",
        "/fr/operations/per/2020/#unmet-needs",
        "/operations/per/2020/history/",
        "/operations/per/",
        "../2020/",
    ],
)
def test_a_text_may_link_to_its_own_page_before_that_is_public(peru, ana, address, released):
    if released:
        factories.population(peru, 2019)
        release(peru, ana)
    assert errors(linking(peru, address)) == []


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/operations/per/2018/", TO_COME),  # a text that nobody released
        ("/operations/per/2018/history/", TO_COME),
        ("/operations/per/2017/", NOWHERE),
        ("/operations/col/", TO_COME),
        ("/operations/col/2020/", NOWHERE),  # nothing written for that year
        ("/operations/nowhere/", NOWHERE),
        ("/operations/per/2020/pillars/", NOWHERE),  # the text brings no figures by pillar
    ],
)
def test_a_link_to_another_page_says_whether_it_is_still_to_come(released, peru, address, said):
    peru.narratives.get(year=2020).delete()
    assert errors(linking(peru, address)) == [said.format(address)]


def test_two_new_texts_that_link_to_each_other_are_told_which_page_comes_first(peru, ana):
    release(peru, ana)
    first, second = linking(peru, "/operations/per/2019/"), linking(peru, "/operations/per/2020/", 2019)
    assert errors(first) == [TO_COME.format("/operations/per/2019/")]
    first.sections.update(body="<p>In 2020.</p>")
    release(first, ana)
    assert errors(second) == []


def test_a_donor_has_a_page_once_readers_see_a_line_of_it(peru):
    norway, hidden = factories.donor("Norway"), factories.donor("A person", kind="private")
    child = factories.donor("Oslo", parent=norway)
    tomorrow = factories.batch(released_at=timezone.now() + dt.timedelta(days=1))
    factories.contribution(norway, batch=tomorrow)
    factories.contribution(hidden, occurrence=2)
    addresses = [f"/donors/{slug}/" for slug in (norway.slug, child.slug, hidden.slug, "no-such-donor")]
    assert [Addresses()(address) for address in addresses] == [False] * 4
    factories.contribution(child, occurrence=3)
    assert [Addresses()(address) for address in addresses] == [True, False, False, False]
    assert Addresses()("/contributions/") is True
    assert errors(linking(peru, "/donors/no-such-donor/")) == [NOWHERE.format("/donors/no-such-donor/")]


def test_what_is_said_of_a_donor_is_what_readers_find(client):
    donors = [factories.donor("Norway"), factories.donor("Sweden"), factories.donor("B", kind="private")]
    factories.contribution(donors[0])
    factories.contribution(donors[2], occurrence=2)
    for donor in donors:
        address = f"/donors/{donor.slug}/"
        assert Addresses()(address) is (client.get(address).status_code == 200)
