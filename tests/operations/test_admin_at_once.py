"""Two people who save at the same moment, on a real database with real transactions."""

from concurrent.futures import ThreadPoolExecutor, wait
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from operations.editions import lock, record
from operations.models import Edition, Narrative, Operation, Section
from tests import factories
from tests.operations.test_admin import add_url, change_url, filled, section_field

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_two_who_save_one_form_at_once_the_second_is_told(settings):
    peru = factories.operation()
    clients = []
    for name in ("ann", "bob"):
        factories.user(name, is_superuser=True)
        client = Client()
        client.login(username=name, password=factories.PASSWORD)
        clients.append(client)
    forms = [
        filled(clients[0].get(change_url(peru)), notice_en="of Ann"),
        filled(clients[1].get(change_url(peru)), name_fr="Pérou de Bob"),
    ]
    start = Barrier(2)

    def save(client, form):
        start.wait()
        try:
            return client.post(change_url(peru), form).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(save, clients, forms))
    assert answers == [200, 302]
    peru = Operation.objects.get(pk=peru.pk)
    assert (peru.notice_en == "of Ann") != (peru.name_fr == "Pérou de Bob")
    assert [edition.number for edition in Edition.objects.of(peru)] == [1]


@pytest.mark.parametrize("kind", ["add", "copy"])
def test_of_two_who_begin_one_text_at_once_the_second_overwrites_nothing(kind):
    peru = factories.operation()
    factories.narrative(peru, 2020, sections={"unmet-needs": "<p>Of 2020.</p>"})
    clients = []
    for name in ("ann", "bob"):
        factories.user(name, is_superuser=True)
        client = Client()
        client.login(username=name, password=factories.PASSWORD)
        clients.append(client)
    pages = [client.get(add_url(peru)) for client in clients]
    url, forms = (
        add_url(peru),
        [
            filled(page, **{section_field(page, "unmet-needs"): f"<p>{number}.</p>"})
            for number, page in enumerate(pages)
        ],
    )
    if kind == "copy":
        url, forms = reverse("admin:operations_narrative_copy"), [page.context["copy"] for page in pages]
    start = Barrier(2)

    def save(client, form):
        start.wait()
        try:
            return client.post(url, form).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(save, clients, forms))
    assert answers == ([200, 302] if kind == "add" else [302, 302])
    text = Narrative.objects.get(year=2021)
    assert text.sections.get().body in ({"<p>0.</p>", "<p>1.</p>"} if kind == "add" else {"<p>Of 2020.</p>"})
    assert [edition.number for edition in Edition.objects.of(text)] == [1]


def test_who_saves_a_text_while_another_is_saving_it_waits_and_is_told():
    peru = factories.operation()
    for year in range(2001, 2009):  # so that the key of the text is not that of its operation
        factories.narrative(peru, year)
    text = factories.narrative(peru, 2020, sections={"unmet-needs": "<p>Old.</p>"})
    ann = factories.user("ann", is_superuser=True)
    factories.user("bob", is_superuser=True)
    record(text, ann)
    client = Client()
    client.login(username="bob", password=factories.PASSWORD)
    page = client.get(change_url(text))
    form = filled(page, **{section_field(page, "unmet-needs"): "<p>Of Bob.</p>"})

    def save():
        try:
            return client.post(change_url(text), form).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():  # as Ann's save does
            lock(text)
            Section.objects.filter(narrative=text).update(body="<p>Of Ann.</p>")
            record(text, ann)
            answer = pool.submit(save)
            assert wait([answer], timeout=1).not_done
        assert answer.result() == 200
    assert Section.objects.get(narrative=text).body == "<p>Of Ann.</p>"


def test_of_two_who_add_one_row_at_once_the_second_is_told_that_it_exists():
    peru = factories.operation()
    clients = []
    for name in ("ann", "bob"):
        factories.user(name, is_superuser=True)
        client = Client(raise_request_exception=False)
        client.login(username=name, password=factories.PASSWORD)
        clients.append(client)
    url = reverse("admin:operations_populationfigure_add")
    row = {"operation": peru.pk, "year": 2020, "type": "", "people": "5"}
    for _again in range(4):  # two requests do not always meet
        peru.population_figures.all().delete()
        start = Barrier(2)

        def save(client, start=start):
            start.wait()
            try:
                return client.post(url, row)
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            answers = sorted(pool.map(save, clients), key=lambda answer: answer.status_code)
        assert [answer.status_code for answer in answers] == [200, 302]
        assert answers[0].context["adminform"].form.errors
        assert peru.population_figures.count() == 1
