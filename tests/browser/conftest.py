"""The demonstration in a live server, for what a person does."""

import pytest
from django.core.cache import cache
from django.core.management import call_command


@pytest.fixture
def demo(transactional_db, settings):
    settings.DEMO = True
    cache.clear()
    call_command("load_demo", verbosity=0)
