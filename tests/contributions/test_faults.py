"""What is left of an import that was killed, repeated, or met another one: with real processes."""

from __future__ import annotations

import datetime as dt
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import OperationalError, connection, connections
from django.utils import timezone

from contributions import importing, jobs, staging
from contributions.importing import CannotImport, import_planned, read_file, receive
from contributions.models import Contribution, ImportBatch, StagedLine
from contributions.resources import ContributionResource
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

# `KILLS=50 pytest tests/contributions/test_faults.py -k killed_at_any_moment` kills so many, not 10 or a few more.
KILLS = int(os.environ.get("KILLS", 0))
HEADER = "reference,donor,date,budget_year,amount_usd"
LINES = [f"R{n},Norway,2021-11-24,2021,{n % 90 + 1}" for n in range(1500)]


@pytest.fixture(autouse=True)
def norway(db):
    return factories.donor("Norway")


def a_file(lines: list[str]) -> bytes:
    return "\n".join([HEADER, *lines]).encode()


def in_a_process(work: Callable[[], None]) -> int:
    """Its process id; it has connections of its own to the database."""
    if pid := os.fork():
        return pid
    try:
        if connection.vendor == "postgresql":
            type(connections["default"])._connection_pools = {}
        del connections["default"]
        work()
        os._exit(0)
    except BaseException:
        os._exit(1)


def import_file(raw: bytes) -> None:
    batch = receive(raw, "gifts.csv", None)
    importing.plan_and_import(
        batch, importing.open_file(batch, ContributionResource()), ContributionResource(), None
    )


def kill(pid: int) -> None:
    """Outright; and wait until the database has done with what was on its way."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    others = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()"
    while connection.vendor == "postgresql" and staging.rows(others)[0][0]:
        time.sleep(0.01)


def books() -> Counter:
    return Counter(Contribution.objects.released().values_list("reference", flat=True))


def settle() -> None:
    """As a worker would after a while: what was left in the middle is begun again, or never was."""
    ImportBatch.objects.exclude(state="imported").update(beat_at=timezone.now() - dt.timedelta(hours=1))
    while batch := jobs.take():
        jobs.run(batch)


def test_killed_at_any_moment_an_import_leaves_nothing_or_all_of_itself():
    raw, chance = a_file(LINES), random.Random(4)
    started = time.monotonic()
    assert os.waitpid(in_a_process(lambda: import_file(raw)), 0)[1] == 0
    whole = time.monotonic() - started
    assert books() == Counter(line.partition(",")[0] for line in LINES)
    outcomes = set()
    for number in range(KILLS or 40):
        # Some were killed in their middle, and some were done.
        if not KILLS and number >= 10 and len(outcomes) > 1:
            break
        lines = [f"K{number}-{line}" for line in LINES]
        mine = Counter(line.partition(",")[0] for line in lines)
        before, raw, newest = books(), a_file(lines), ImportBatch.objects.latest("pk").pk
        pid = in_a_process(lambda raw=raw: import_file(raw))
        time.sleep(whole * chance.uniform(0.1, 1.3))
        kill(pid)
        after = books()
        # However busy the machine is meanwhile: sooner where it was done, later where it was not.
        whole *= 1.15 if after == before else 0.9
        assert after in (before, before + mine)
        # On a quick machine it is killed before there is anything of it.
        batch = ImportBatch.objects.filter(pk__gt=newest).first()
        assert (batch is not None and batch.state == "imported") == (after != before)
        if batch:
            outcomes.add(batch.state)
        if number % 3 == 0:
            import_file(raw)  # the same file can be imported at once
            assert books() == before + mine
    assert len(outcomes) > 1


def test_a_worker_that_was_killed_is_followed_by_another(settings):
    batch = receive(a_file(LINES), "gifts.csv", None, options={"release": "now"})
    jobs.queue(batch, ImportBatch.Job.PLAN)
    work = lambda: jobs.run(jobs.take(batch.pk))  # noqa: E731
    pid = in_a_process(work)
    while not ImportBatch.objects.filter(pk=batch.pk, beat_at__isnull=False).exists():
        time.sleep(0.005)
    kill(pid)
    assert jobs.take() is None  # its last sign of life is fresh
    settle()
    batch.refresh_from_db()
    assert (batch.state, batch.counts["new"], StagedLine.objects.count()) == ("planned", 1500, 1500)
    jobs.queue(batch, ImportBatch.Job.IMPORT)
    settle()
    batch.refresh_from_db()
    assert (batch.state, batch.job, len(books()), StagedLine.objects.count()) == ("imported", "", 1500, 0)


def test_a_job_that_never_ends_is_given_up_with_a_word():
    batch = receive(a_file(LINES), "gifts.csv", None)
    jobs.queue(batch, ImportBatch.Job.PLAN)
    ImportBatch.objects.update(attempts=jobs.MOST_ATTEMPTS)
    settle()
    batch.refresh_from_db()
    assert (batch.state, batch.job) == ("failed", "")
    assert batch.problem == "The work was interrupted 3 times and came to no end. Ask your administrator."


def test_six_at_once_of_one_file_make_one_import():
    raw = a_file(LINES[:300])
    pids = [in_a_process(lambda: import_file(raw)) for _ in range(6)]
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * 6
    assert set(books().values()) == {1}
    assert len(books()) == 300
    assert Counter(ImportBatch.objects.values_list("state", flat=True)) == {"imported": 1, "known": 5}


def test_two_files_that_share_lines_wait_for_each_other():
    first, second = a_file(LINES[:300]), a_file(LINES[150:450])
    pids = [in_a_process(lambda raw=raw: import_file(raw)) for raw in (first, second)]
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0]
    assert set(books().values()) == {1}
    assert len(books()) == 450


def planned() -> ImportBatch:
    batch = receive(a_file(LINES[:5]), "gifts.csv", None)
    read_file(batch, ContributionResource())
    return batch


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), "The disk is full, or a file could not be read. Nothing was imported. Ask your administrator."),
        (OperationalError("database or disk is full"), "The disk is full, or a file could not be read. Nothing was imported. Ask your administrator."),
        (OperationalError("the connection is lost"), "The database could not be reached, or could not store the lines. Nothing was imported. Try again."),
    ],
)  # fmt: skip
def test_a_fault_of_the_machine_leaves_a_batch_that_says_so(error, said, monkeypatch):
    batch = planned()

    def break_down(*args):
        raise error

    monkeypatch.setattr(staging, "store", break_down)
    jobs.queue(batch, ImportBatch.Job.IMPORT)
    jobs.run(jobs.take(batch.pk))
    batch.refresh_from_db()
    assert (batch.state, batch.job, batch.problem, books()) == ("failed", "", said, Counter())
    assert batch.staged.count() == 5


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no connection to lose")
def test_a_connection_that_is_lost_in_the_middle_is_noticed_and_said(monkeypatch):
    batch = planned()
    store = staging.store

    def lose_the_connection(*args):
        found = store(*args)
        with connections.create_connection("default").cursor() as other:
            (pid,) = staging.rows("SELECT pg_backend_pid()")[0]
            other.execute("SELECT pg_terminate_backend(%s)", [pid])
        return found

    monkeypatch.setattr(staging, "store", lose_the_connection)
    jobs.queue(batch, ImportBatch.Job.IMPORT)
    jobs.run(jobs.take(batch.pk))
    batch.refresh_from_db()
    assert (batch.state, books()) == ("failed", Counter())
    assert batch.problem.startswith("The database could not be reached")


def test_what_cannot_be_imported_as_it_stands_stays_a_plan():
    batch = planned()
    batch.options["control_total"] = "1"
    batch.save()
    jobs.queue(batch, ImportBatch.Job.IMPORT)
    jobs.run(jobs.take(batch.pk))
    batch.refresh_from_db()
    assert (batch.state, batch.job) == ("planned", "")
    assert batch.problem.startswith("The lines make US$ 15.00, and not US$ 1.00")
    with pytest.raises(CannotImport):
        import_planned(batch, None)
