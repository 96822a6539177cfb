"""Donors and the import of contributions in the admin."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from contributions.models import Donor
from tests import factories

pytestmark = pytest.mark.django_db


def form_of(client, donor):
    return client.get(reverse("admin:contributions_donor_change", args=[donor.pk]))


def test_a_donor_has_a_link_only_where_it_has_a_public_page(admin_client):
    norway = factories.donor()
    member = factories.donor("Norad", parent=norway)
    unnamed = factories.donor("A. Person", kind=Donor.Kind.PRIVATE)
    links = [form_of(admin_client, donor).context["absolute_url"] for donor in (norway, member, unnamed)]
    assert links == ["/donors/norway/", None, None]


def test_a_donor_belongs_to_one_that_belongs_to_no_other(admin_client):
    norway = factories.donor()
    member = factories.donor("Norad", parent=norway)
    field = form_of(admin_client, member).context["adminform"].form.fields["parent"]
    assert list(field.queryset) == [norway]


def test_each_spelling_is_named_for_those_who_do_not_see_its_heading(admin_client):
    assert b'aria-label="Other spelling"' in form_of(admin_client, factories.donor()).content


def test_the_preview_of_an_import_groups_the_digits_of_its_total(admin_client):
    factories.donor()
    raw = b"date,donor,budget_year,amount_usd\n2021-11-24,Norway,2021,48625534.17\n"
    data = {"import_file": SimpleUploadedFile("gifts.csv", raw), "format": 0, "resource": ""}
    page = admin_client.post(reverse("admin:contributions_contribution_import"), data)
    assert "<dd>48,625,534.17</dd>" in page.content.decode()
