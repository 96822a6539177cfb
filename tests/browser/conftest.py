"""The demonstration in a live server, for what a person does."""

import sqlite3

import pytest
import time_machine
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection

# The demonstration as it is right after it was loaded, once it was.
_kept: list[sqlite3.Connection] = []


@pytest.fixture
def demo(transactional_db, settings):
    """Loaded once, and then copied: these tests run on SQLite alone. A test of another time loads its own."""
    settings.DEMO = True
    cache.clear()
    if time_machine.escape_hatch.is_travelling():
        call_command("load_demo", verbosity=0)
        return
    connection.ensure_connection()
    if _kept:
        _kept[0].backup(connection.connection)
        ContentType.objects.clear_cache()  # after each test its rows are made anew, under other keys
    else:
        call_command("load_demo", verbosity=0)
        _kept.append(sqlite3.connect(":memory:"))
        connection.connection.backup(_kept[0])
