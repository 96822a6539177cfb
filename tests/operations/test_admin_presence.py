"""Who has a form open, and for whom: a note above the form, a small answer to its heartbeat."""

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from operations.admin.presence import briefly
from operations.editions import record
from operations.models import OpenForm
from tests import factories
from tests.operations.test_admin import add_url, change_url, filled, typed
from tests.reading import words

pytestmark = pytest.mark.django_db


def signed_in(account):
    client = Client()
    client.force_login(account)
    return client


@pytest.fixture
def peru():
    return factories.operation()


@pytest.fixture
def ann(peru):
    return signed_in(factories.user("ann", groups=("Field editors",), on=[peru]))


@pytest.fixture
def bo(peru):
    return signed_in(factories.user("bo", groups=("Field editors",), on=[peru]))


@pytest.fixture
def report(peru):
    text = factories.narrative(peru, sections={"unmet-needs": "<p>Needs.</p>"})
    record(text, None)
    return text


def since(**span):
    OpenForm.objects.update(
        opened_at=timezone.now() - dt.timedelta(**span), seen_at=timezone.now() - dt.timedelta(**span)
    )


def alive(client, obj, form=None, **more):
    form = form or f"{obj._meta.model_name}/{obj.pk}"
    return client.post(change_url(obj, "presence"), {"form": form, **more})


@pytest.mark.parametrize("form", ["text", "operation", "figures"])
def test_who_opens_a_form_that_another_has_open_is_told_since_when(ann, bo, peru, report, form):
    url = {"text": change_url(report), "operation": change_url(peru), "figures": change_url(peru, "figures")}[
        form
    ]
    assert ann.get(url).context["presence"]["others"] == []
    OpenForm.objects.update(
        opened_at=timezone.now() - dt.timedelta(minutes=9), seen_at=timezone.now() - dt.timedelta(minutes=1)
    )
    time = (timezone.now() - dt.timedelta(minutes=9)).strftime("%H:%M")
    page = bo.get(url)
    assert len(page.context["presence"]["others"]) == 1
    assert "ann has had this form open since" in words(page)
    assert f"{time} (UTC); last sign of life a minute ago." in words(page)
    assert len(ann.get(url).context["presence"]["others"]) == 1


def test_different_forms_of_one_operation_are_apart(ann, bo, peru):
    ann.get(change_url(peru))
    assert bo.get(change_url(peru, "figures")).context["presence"]["others"] == []


def test_a_form_without_a_script_counts_as_open_for_a_quarter_of_an_hour(ann, bo, report):
    ann.get(change_url(report))
    since(minutes=14)
    assert len(bo.get(change_url(report)).context["presence"]["others"]) == 1
    since(minutes=16)
    assert ann.get(change_url(report)).context["presence"]["others"] == []
    assert [row.user.username for row in OpenForm.objects.all()] == ["ann"]


def test_who_saves_has_left_the_form(ann, bo, report):
    page = ann.get(change_url(report))
    ann.post(change_url(report), filled(page, **{"key_figures-0-value": "1", "key_figures-0-text": "x"}))
    assert bo.get(change_url(report)).context["presence"]["others"] == []


def test_who_saves_figures_has_left_the_grid(ann, bo, peru):
    url = change_url(peru, "figures")
    page = ann.get(url)
    year = page.context["form"].years[0]
    ann.post(url, typed(page, **{f"people__{year}__total": "1"}))
    assert bo.get(url).context["presence"]["others"] == []


def test_a_reader_is_not_counted_and_tells_nothing(bo, peru, report):
    reader = signed_in(factories.user("vi", groups=("Viewers",), on=[peru]))
    bo.get(change_url(report))
    page = reader.get(change_url(report))
    assert page.status_code == 200
    assert "presence" not in page.context
    assert [row.user.username for row in OpenForm.objects.all()] == ["bo"]
    assert alive(reader, report).status_code == 403


def test_nobody_learns_who_works_on_what_they_may_not_see(ann, peru, report):
    chad = factories.operation("TCD", name_en="Chad", countries="TD")
    text = factories.narrative(chad)
    for obj in (chad, text):
        assert alive(ann, obj).status_code in {403, 404}
    assert alive(ann, report, form=f"narrative/{text.pk}").status_code == 403
    assert alive(ann, report, form="x" * 500).status_code == 403
    assert alive(Client(), report).status_code == 302
    assert not OpenForm.objects.exists()


def test_a_sign_of_life_takes_a_post_with_the_token_of_the_form(peru, report):
    client = Client(enforce_csrf_checks=True)
    client.force_login(factories.user("ann", groups=("Field editors",), on=[peru]))
    assert alive(client, report).status_code == 403
    assert client.get(change_url(report, "presence")).status_code == 405
    token = client.get(change_url(report)).context["csrf_token"]
    assert alive(client, report, csrfmiddlewaretoken=str(token)).status_code == 200


def test_a_sign_of_life_is_answered_with_who_is_there_and_what_was_saved(ann, bo, report):
    ann.get(change_url(report))
    page = bo.get(change_url(report))
    bo.post(change_url(report), filled(page, **{"key_figures-0-value": "1", "key_figures-0-text": "x"}))
    bo.get(change_url(report))
    answer = alive(ann, report, seen="1").json()
    assert len(answer["others"]) == 1 and answer["others"][0].startswith("bo has had this form open since")
    assert answer["newer"].startswith("bo saved edition 2 at ")
    assert answer["newer"].endswith("Your form shows edition 1: saving will compare them.")
    assert alive(ann, report, seen="2").json()["newer"] == ""
    assert alive(bo, report, seen="1").json()["newer"].startswith("You saved edition 2 at ")
    assert alive(ann, report, seen="9" * 5000).json()["newer"] == ""


def test_leaving_does_not_close_what_was_opened_again_since(ann, report):
    first = ann.get(change_url(report)).context["presence"]["life"]
    ann.get(change_url(report))
    alive(ann, report, leave="1", life=first.isoformat())
    assert OpenForm.objects.count() == 1
    life = alive(ann, report).json()["life"]
    assert alive(ann, report, leave="1", life=life).json() == {}
    assert not OpenForm.objects.exists()


@pytest.mark.parametrize("life", ["", "soon", "2026-01-01T00:00:00"])
def test_leaving_without_a_time_that_is_one_closes_the_form(ann, report, life):
    ann.get(change_url(report))
    alive(ann, report, leave="1", life=life)
    assert not OpenForm.objects.exists()


def test_a_form_that_is_being_added_has_nobody_beside_it(ann, peru):
    assert "presence" not in ann.get(add_url(peru)).context
    assert not OpenForm.objects.exists()


def test_opening_a_form_costs_three_queries_for_it_however_many_have_it_open(
    ann, peru, report, django_assert_max_num_queries
):
    def cost():
        with django_assert_max_num_queries(100) as counted:
            ann.get(change_url(report))
        return [query["sql"] for query in counted.captured_queries if "openform" in query["sql"]]

    assert len(cost()) == 3
    for number in range(20):
        OpenForm.objects.create(user=factories.user(f"user{number}"), form=f"narrative/{report.pk}")
    assert len(cost()) == 3


@pytest.mark.skipif(connection.vendor != "sqlite", reason="one writer at a time is SQLite's")
def test_opening_a_form_does_not_wait_for_a_long_import():
    def timeout():
        with connection.cursor() as cursor:
            return cursor.execute("PRAGMA busy_timeout").fetchone()[0]

    usual = timeout()
    with briefly():
        assert timeout() == 200
    assert timeout() == usual == 20_000
