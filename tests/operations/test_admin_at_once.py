"""Two people who save at the same moment, on a real database with real transactions."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client

from operations.models import Edition, Operation
from tests import factories
from tests.operations.test_admin import change_url, filled

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
