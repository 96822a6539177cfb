"""Reminders by e-mail: who is told what, once a day, and what happens where a message cannot be sent."""

import csv
import datetime as dt
import io
import re
import smtplib
from io import StringIO

import pytest
from django.conf import settings as site
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import call_command
from django.utils import timezone

from operations.editions import record, release, request_changes, send_for_review
from operations.models import Region
from operations.reminders import Sent, reminders
from tests import factories
from tests.mailing import send_mail_by

pytestmark = pytest.mark.django_db

MAY = dt.date(2026, 5, 20)  # report 2025 was due on 31 March, plan 2026 on 31 December
CHRISTMAS = dt.date(2026, 12, 20)  # plan 2027 is due on 31 December


@pytest.fixture(autouse=True)
def _on(settings, tmp_path):
    settings.REMINDERS, settings.SITE_URL, settings.DATA_DIR = True, "https://openfield.example", tmp_path
    settings.DUE_PLAN, settings.DUE_YEAR_END = (12, 31), (3, 31)


@pytest.fixture
def peru():
    return factories.operation(first_year=2024)


def person(name, *groups, on=None, **fields):
    return factories.user(name, groups=groups, on=on, email=f"{name}@example.org", **fields)


def told(today, **how):
    """What each person is told, by heading."""
    return {
        reminder.user.username: {
            name: [said for said, _path in getattr(reminder, name)]
            for name in ("overdue", "soon", "to_change", "to_review")
            if getattr(reminder, name)
        }
        for reminder in reminders(today, **how)
    }


def written(operation, year, kind, released=True, **fields):
    text = factories.narrative(operation, year, kind, sections={"unmet-needs": "<p>Needs.</p>"}, **fields)
    return release(text, None) and text if released else (record(text, None), text)[1]


def test_who_may_change_the_texts_of_an_operation_is_told_what_is_overdue_there(peru):
    person("ana", "Field editors", on=[peru])
    person("bo", "Field editors", on=[factories.operation("COL", last_year=2019)])
    assert told(MAY) == {
        "ana": {
            "overdue": [
                "Peru: plan 2026, was due by 31 December 2025",
                "Peru: year-end report 2025, was due by 31 March 2026",
            ]
        }
    }


def test_what_is_due_within_two_weeks_is_told_before(peru):
    ana = person("ana", "Field editors", on=[peru])
    assert told(CHRISTMAS)["ana"]["soon"] == ["Peru: plan 2027, due by 31 December 2026"]
    assert "soon" not in told(dt.date(2026, 12, 16))[ana.username]
    assert "soon" in told(dt.date(2026, 12, 17))[ana.username]
    assert "soon" in told(dt.date(2026, 12, 31))[ana.username]
    assert "soon" not in told(dt.date(2027, 1, 1))[ana.username]


def test_a_text_that_is_released_in_any_language_is_owed_no_more_and_a_draft_still_is(peru):
    person("ana", "Field editors", on=[peru])
    written(peru, 2025, "year_end", language="es")
    draft = written(peru, 2026, "plan", released=False)
    (reminder,) = reminders(MAY)
    assert reminder.overdue == [
        ("Peru: plan 2026, was due by 31 December 2025", f"/admin/operations/narrative/{draft.pk}/change/")
    ]


def test_what_is_missing_for_more_than_a_year_is_left_to_the_work_list():
    person("ana", "Field editors", on=[factories.operation(first_year=2010)])
    assert told(MAY)["ana"]["overdue"] == [
        "Peru: plan 2026, was due by 31 December 2025",
        "Peru: year-end report 2025, was due by 31 March 2026",
    ]


@pytest.mark.parametrize("fields", [{"is_active": False}, {"last_year": 2024}, {"first_year": 2027}])
def test_an_operation_that_did_not_exist_or_is_closed_owes_nothing(fields):
    person("ana", "Field editors", on=[factories.operation(**fields)])
    assert told(MAY) == {}


def test_a_role_in_the_region_of_an_operation_counts_and_one_everywhere_only_if_asked(peru):
    inner = Region.objects.create(code="ANDES", name_en="Andes", parent=Region.objects.first())
    peru.region = inner
    peru.save()
    person("rosa", "Field editors", on=[inner.parent])
    person("max", "Field editors")
    person("root", is_superuser=True)
    assert set(told(MAY)) == {"rosa"}
    assert set(told(MAY, for_everyone=True)) == {"max", "root", "rosa"}


def test_who_only_reads_or_has_no_address_or_is_gone_is_told_nothing(peru):
    person("vi", "Viewers", on=[peru])
    person("fin", "Finance", on=[peru])
    factories.user("ana", groups=("Field editors",), on=[peru])
    person("old", "Field editors", on=[peru], is_active=False)
    person("reader", "Field editors", on=[peru], is_staff=False)
    assert told(MAY, for_everyone=True) == {}


def test_reviewers_are_told_what_waits_for_them_and_editors_what_is_to_be_changed(peru):
    peru.first_year = peru.last_year = 2010  # nothing is due
    peru.save()
    ana, rosa = person("ana", "Field editors", on=[peru]), person("rosa", "Reviewers")
    first = written(peru, 2010, "plan", released=False)
    second = written(peru, 2010, "year_end", released=False)
    send_for_review(first, ana)
    send_for_review(second, ana)
    request_changes(second, rosa, "Name the source.")
    found = told(MAY)
    assert {name: list(rows) for name, rows in found.items()} == {"ana": ["to_change"], "rosa": ["to_review"]}
    assert re.match(r"Peru: year-end report 2010, rosa, ", found["ana"]["to_change"][0])
    assert re.match(r"Peru: plan 2010, ana, ", found["rosa"]["to_review"][0])


def run(*options):
    out, err = StringIO(), StringIO()
    code = 0
    try:
        call_command("send_reminders", *options, stdout=out, stderr=err)
    except SystemExit as end:
        code = end.code
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def overdue():
    """An operation whose plan of this year is overdue, and its editor."""
    year = timezone.localdate().year
    operation = factories.operation(first_year=year, last_year=year)
    return operation, person("ana", "Field editors", on=[operation]), year


def test_the_message_is_plain_and_links_to_the_forms(overdue):
    peru, _ana, year = overdue
    assert run() == (0, "1 sent, 0 told before today, 0 failed.\n", "")
    (message,) = mail.outbox
    assert (message.to, message.subject) == (
        ["ana@example.org"],
        f"{site.AGENCY_NAME}: what waits for you (1)",
    )
    assert message.body == (
        "Overdue\n\n"
        f"- Peru: plan {year}, was due by 31 December {year - 1}\n"
        f"  https://openfield.example/admin/operations/narrative/add/?operation={peru.pk}&year={year}&kind=plan\n\n"
        "In the work list: https://openfield.example/admin/operations/work-list/?due=overdue\n\n"
        "The whole work list: https://openfield.example/admin/operations/work-list/\n"
    )


def test_the_list_that_a_message_leads_to_has_each_text_that_it_names(client, settings):
    """Also the report of the year before last, which its first view does not have."""
    settings.DUE_YEAR_END, settings.FOUR_EYES = (12, 31), False
    year = timezone.localdate().year
    peru = factories.operation()
    ana = person("ana", "Field editors", "Reviewers", on=[peru])
    send_for_review(written(peru, 2003, "plan", released=False), ana)
    returned = factories.narrative(peru, 2004, "plan", sections={"unmet-needs": "<p>Needs.</p>"})
    record(returned, ana)
    send_for_review(returned, ana)
    request_changes(returned, None, "Name the source.")
    run()
    (message,) = mail.outbox
    client.force_login(ana)
    found, named = [], []
    for part in re.split(r"\n(?=[A-Z][^\n]*\n\n- )", message.body):
        named += [
            (kind, int(of)) for kind, of in re.findall(r"^- Peru: ([a-z -]+) (\d{4}),", part, re.MULTILINE)
        ]
        link = re.search(r"In the work list: https://openfield\.example(\S+)", part)[1]
        rows = csv.DictReader(io.StringIO(client.get(f"{link}&format=csv").content.decode()))
        found += [(row["kind"], int(row["year"])) for row in rows]
    assert ("year-end report", year - 2) in named and {("plan", 2003), ("plan", 2004)} <= {*named}
    assert sorted(found) == sorted(named)


def test_nobody_is_told_twice_on_a_day(overdue, settings):
    run()
    assert run() == (0, "0 sent, 1 told before today, 0 failed.\n", "")
    assert len(mail.outbox) == 1


def test_what_was_sent_is_forgotten_the_day_after(overdue):
    _peru, ana, _year = overdue
    yesterday = Sent(timezone.localdate() - dt.timedelta(days=1))
    assert (yesterday.claim(ana), yesterday.claim(ana)) == (True, False)
    assert run()[1] == "1 sent, 0 told before today, 0 failed.\n"
    assert [folder.name for folder in yesterday.root.iterdir()] == [timezone.localdate().isoformat()]


def test_with_nothing_to_say_nothing_is_sent():
    person("ana", "Field editors", on=[factories.operation(last_year=2000)])
    assert run() == (0, "0 sent, 0 told before today, 0 failed.\n", "")
    assert mail.outbox == []


def test_switched_off_it_says_so_and_a_dry_run_still_prints(overdue, settings):
    settings.REMINDERS = False
    code, said, _err = run()
    assert (code, "reminders are off" in said, mail.outbox) == (0, True, [])
    code, said, _err = run("--dry-run")
    assert (code, mail.outbox) == (0, [])
    assert said.startswith(
        f"To: ana@example.org\nSubject: {site.AGENCY_NAME}: what waits for you (1)\n\nOverdue\n"
    )


def test_a_dry_run_does_not_count_as_told(overdue):
    run("--dry-run")
    assert run()[1] == "1 sent, 0 told before today, 0 failed.\n"


class Refusing(EmailBackend):
    """A mail server that takes nothing for bo."""

    def send_messages(self, messages):
        if "bo@example.org" in messages[0].to:
            raise smtplib.SMTPRecipientsRefused({"bo@example.org": (550, b"unknown")})
        return super().send_messages(messages)


def test_an_address_that_fails_does_not_stop_the_others_and_is_tried_again(overdue, settings):
    person("bo", "Field editors", on=[overdue[0]])
    person("cy", "Field editors", on=[overdue[0]])
    send_mail_by(settings, f"{__name__}.Refusing")
    code, said, error = run()
    assert (code, said) == (1, "2 sent, 0 told before today, 1 failed.\n")
    assert error.startswith("bo@example.org: ")
    assert [message.to for message in mail.outbox] == [["ana@example.org"], ["cy@example.org"]]
    send_mail_by(settings, "django.core.mail.backends.locmem.EmailBackend")
    assert run() == (0, "1 sent, 2 told before today, 0 failed.\n", "")


@pytest.mark.parametrize("operations", [1, 20])
def test_the_queries_grow_with_the_people_and_not_with_the_operations(operations, django_assert_num_queries):
    on = [factories.operation(f"C{count}") for count in range(operations)]
    person("ana", "Field editors", on=on)
    with django_assert_num_queries(7):
        assert len(reminders(MAY)) == 1
