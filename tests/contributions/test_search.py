"""Donors in the site's search: by every name that readers may know, and nobody else."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.cache import cache
from django.utils import timezone

from contributions.models import Donor, DonorAlias
from operations.search import Search
from tests import factories
from tests.reading import words


@pytest.fixture(autouse=True)
def _fresh(db):
    cache.clear()


def found(query, at=None):
    return [
        ("".join(piece for piece, _hit in each.title), each.url)
        for each in Search.load(query, at or timezone.now()).results
    ]


def giver(name="Norway", **fields):
    donor = factories.donor(name, **fields)
    factories.contribution(donor)
    return donor


NORWAY = ("Norway", "/donors/norway/")


@pytest.mark.parametrize("query", ["norway", "Norvège", "النرويج", "kingdom of norway", "norw"])
def test_a_donor_is_found_by_its_names_in_every_language_and_other_spellings(query):
    norway = giver(name_fr="Norvège", name_ar="النرويج")
    DonorAlias.objects.create(donor=norway, name="Kingdom of Norway")
    assert found(query) == [NORWAY]


def test_an_other_spelling_is_shown_with_what_matched(client):
    DonorAlias.objects.create(donor=giver(), name="Kongeriket Norge")
    page = client.get("/search/?q=norge").content.decode()
    assert "Also written: <bdi>Kongeriket <mark>Norge</mark></bdi>" in page


def test_a_member_of_a_family_is_found_on_the_page_of_the_family(client):
    norway = giver()
    factories.donor("Norad", parent=norway)
    assert found("norad") == [("Norad", "/donors/norway/")]
    assert "Donor · Norway" in words(client.get("/search/?q=norad"))


def test_a_donor_without_a_page_is_not_found():
    donor = factories.donor("Iceland")
    assert found("iceland") == []
    factories.contribution(donor, batch=factories.batch(released_at=timezone.now() + dt.timedelta(days=1)))
    assert found("iceland") == []
    factories.contribution(donor, batch=factories.batch(withdrawn_at=timezone.now()), occurrence=2)
    assert found("iceland") == []
    assert found("iceland", timezone.now() + dt.timedelta(days=2)) == [("Iceland", "/donors/iceland/")]


def test_private_donors_are_found_only_as_long_as_they_agree(client):
    hidden = giver("Zacharias Quill", kind=Donor.Kind.PRIVATE, is_class=False, country="NO")
    DonorAlias.objects.create(donor=hidden, name="Z. Quillfeather")
    giver("Private donors in Norway", kind=Donor.Kind.PRIVATE, country="NO")
    for query in ("zacharias", "quill", "Z. Quillfeather", "private donors"):
        assert found(query) == [], query
    for query in ("Zacharia Quil", "Zacharias Quell"):
        response = client.get("/search/", {"q": query})
        assert "Did you mean" not in words(response)
    hidden.may_be_named, hidden.consent = True, "letter"
    hidden.save()
    assert found("quill") == [("Zacharias Quill", f"/donors/{hidden.slug}/")]
    Donor.objects.filter(pk=hidden.pk).update(may_be_named=False)
    assert found("quill") == []


def test_a_member_of_a_family_that_may_not_be_named_is_not_found():
    family = giver("Quill", kind=Donor.Kind.PRIVATE, is_class=False)
    member = giver("Quill Foundation", kind=Donor.Kind.FOUNDATION)
    Donor.objects.filter(pk=member.pk).update(parent=family)
    assert found("quill") == []


def test_a_donor_is_offered_only_where_it_has_a_page(client):
    giver()
    factories.donor("Norwood")
    page = words(client.get("/search/?q=Norwayy"))
    assert "Did you mean: Norway" in page
    assert "Did you mean" not in words(client.get("/search/?q=Norwooda"))


def test_places_come_before_donors_of_the_same_name():
    from operations.editions import release

    release(factories.operation(), None)
    giver("Peru")
    assert [url for _name, url in found("peru")] == ["/operations/per/", "/donors/peru/"]


@pytest.mark.parametrize("donors", [1, 30])
def test_donors_cost_the_same_for_few_and_for_many(donors, django_assert_num_queries):
    for number in range(donors):
        giver(f"Norway {number}")
    # Profiles, former names, donors, spellings; families and lines of those that match; texts, and once more for
    # words that begin so.
    with django_assert_num_queries(8):
        assert len(found("norway")) == min(donors, 20)
