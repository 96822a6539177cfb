"""The release page: what will be public, what holds it back, and when; corrections, four eyes and withdrawal."""

import datetime as dt
import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import time_machine
from axe_playwright_python.sync_playwright import Axe
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from operations import drafts, editions
from operations.models import (
    Answer,
    Edition,
    FinancialFigure,
    KeyFigure,
    Office,
    PopulationFigure,
    Section,
    SectionType,
    Step,
)
from operations.releases import release_ready
from operations.resources import PopulationFigureResource
from tests import factories
from tests.operations.test_admin import change_url, filled, said, section_field, typed, words
from tests.operations.test_importing import confirm, upload
from tests.signing_in import be_signed_in

pytestmark = pytest.mark.django_db

NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
LATER = dt.datetime(2026, 11, 25, 8, tzinfo=dt.UTC)
SAID_LATER = "25 November 2026, 09:00 CET (08:00 UTC)"
IN_ZURICH = {"when": "later", "at_day": "2026-11-25", "at_time": "09:00", "at_zone": "Europe/Zurich"}


@pytest.fixture(autouse=True)
def _the_context_is_required(db):
    SectionType.objects.filter(code__in=["operational-context", "key-priorities"]).update(required_since=2015)


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def peru(clock):
    """Made at noon too: what is released later than a test goes by has not been released."""
    return factories.operation()


@pytest.fixture
def ana(peru):
    """Who writes, and does not release."""
    return factories.user("ana", groups=("Field editors",), on=[peru])


@pytest.fixture
def rita(peru):
    return factories.user("rita", groups=("Reviewers",), on=[peru])


@pytest.fixture
def reviewer(client, rita):
    client.force_login(rita)
    return client


@pytest.fixture
def report(peru):
    text = factories.narrative(peru, sections={"operational-context": "<p>Needs of the year 2020.</p>"})
    factories.key_figure(text, "300,000", text="people helped", order=1)
    return text


@pytest.fixture
def public(peru, report, ana, rita):
    """A report that readers see, with a draft of Ana's that corrects it."""
    editions.record(peru, ana)
    editions.release(peru, rita)
    editions.record(report, ana)
    editions.release(report, rita)
    report.key_figures.update(value="301,000", number=301_000)
    editions.record(report, ana)
    return report


def release_url(obj):
    return change_url(obj, "release")


def sent(page, **changes):
    """What the browser would send from the form of the release page, with ``changes``."""
    form = page.context["form"]
    data = {"seen": form["seen"].value(), "when": "now", "note": form["note"].value() or ""}
    if "when" not in form.fields:
        del data["when"]
    moment = form["at"].value()
    day, time, zone, which = moment if form.is_bound else form["at"].field.widget.decompress(moment)
    return data | {"at_day": day, "at_time": time, "at_zone": zone, "at_which": which or ""} | changes


def press(client, obj, follow=True, **changes):
    return client.post(release_url(obj), sent(client.get(release_url(obj)), **changes), follow=follow)


def public_numbers(obj):
    return [edition.number for edition in Edition.objects.of(obj).released()]


def text_of(response):
    return words(response.content.decode())


def logged(obj):
    entries = LogEntry.objects.filter(object_id=str(obj.pk), content_type__model=obj._meta.model_name)
    return [entry.get_change_message() for entry in entries.order_by("pk")]


def warn(text):
    """A number near a key figure: one open warning."""
    section = text.sections.get()
    section.body = "<p>In 2020, 299,000 people helped others.</p>"
    section.save()


def numbers_of(draft):
    return [figure["value"] for figure in draft.content["key_figures"]]


# --- From the form to the release page ---------------------------------------------------------------


def test_save_and_release_saves_and_leads_to_the_release_page(reviewer, rita, public):
    page = reviewer.get(change_url(public))
    assert 'value="Save and release…"' in page.content.decode()
    changes = {"key_figures-0-value": "302,000", "_release": "1"}
    response = reviewer.post(change_url(public), filled(page, **changes), follow=True)
    assert response.redirect_chain == [(release_url(public), 302)]
    assert said(response) == ["Saved as edition 3, not yet released."]
    assert public_numbers(public) == [1]
    text = text_of(response)
    assert "To be released Edition 3 saved by rita on" in text
    assert "What readers see now Edition 1 released" in text
    assert "Key figure: people helped 300,000 302,000" in text


def test_a_new_text_and_an_operation_lead_there_too(reviewer, peru):
    add = f"{reverse('admin:operations_narrative_add')}?operation={peru.pk}&year=2020&kind=year_end"
    page = reviewer.get(add)
    changes = {section_field(page, "operational-context"): "<p>Half went without.</p>", "_release": "1"}
    response = reviewer.post(add, filled(page, **changes))
    assert response.url == release_url(peru.narratives.get())
    response = reviewer.post(
        change_url(peru), filled(reviewer.get(change_url(peru)), countries=["PE"], _release="1")
    )
    assert response.url == release_url(peru)
    assert list(Edition.objects.released()) == []


def test_the_figures_lead_to_the_release_of_their_profile(reviewer, peru):
    factories.population(peru, 2019, people=867_821)
    figures = change_url(peru, "figures")
    data = typed(reviewer.get(figures), people__2020__total="900,000", _release="1")
    response = reviewer.post(figures, data, follow=True)
    assert response.redirect_chain == [(release_url(peru), 302)]
    response = press(reviewer, peru)
    assert said(response) == [
        'Released as edition 1; readers see it now. <a href="/operations/per/">View on site</a>'
    ]
    (edition,) = Edition.objects.released()
    assert [(f["year"], f["people"]) for f in edition.content["population"]] == [
        (2019, 867_821),
        (2020, 900_000),
    ]


def test_a_link_to_the_release_stands_where_the_newest_edition_is_not_public(reviewer, peru, public):
    link = f'href="{release_url(public)}"'
    assert link in reviewer.get(change_url(public)).content.decode()
    press(reviewer, public)
    assert link not in reviewer.get(change_url(public)).content.decode()
    factories.population(peru)
    editions.record(peru, None)
    assert f'href="{release_url(peru)}"' in reviewer.get(change_url(peru, "figures")).content.decode()


@pytest.mark.parametrize("page", ["release", "withdraw"])
def test_who_may_not_release_is_refused_and_shown_no_way_there(client, ana, peru, public, page):
    client.force_login(ana)
    for obj in (peru, public):
        form = client.get(change_url(obj)).content.decode()
        assert "_release" not in form and "/release/" not in form and "/withdraw/" not in form
        assert client.get(change_url(obj, page)).status_code == 403
        assert client.post(change_url(obj, page), {"seen": "2-x", "when": "now"}).status_code == 403
    assert public_numbers(public) == [1]


def test_a_reviewer_of_another_operation_saves_and_releases_nothing_here(client, public, ana):
    factories.role(ana, "Reviewers", [factories.operation("COL")])
    client.force_login(ana)
    page = client.get(change_url(public))
    changes = {"key_figures-0-value": "302,000", "_release": "1"}
    assert client.post(change_url(public), filled(page, **changes)).status_code == 403
    assert KeyFigure.objects.get().value == "301,000"
    assert client.get(release_url(public)).status_code == 403
    action = {"action": "release_profiles", "_selected_action": [public.operation.pk]}
    PopulationFigure.objects.create(operation=public.operation, year=2020, people=5)
    response = client.post(reverse("admin:operations_operation_changelist"), action, follow=True)
    (rest,) = said(response)
    assert "You may not release it." in rest
    assert public_numbers(public.operation) == [1]


# --- What the page shows and asks --------------------------------------------------------------------


def test_a_release_is_public_at_once_and_says_so(reviewer, rita, public):
    response = press(reviewer, public, note="The count of June was missing.")
    url = reverse("operations:year", args=["per", 2020])
    assert said(response) == [f'Released as edition 2; readers see it now. <a href="{url}">View on site</a>']
    edition = Edition.objects.of(public).released().get()
    assert (edition.number, edition.released_by, edition.note, edition.is_correction) == (
        2,
        rita,
        "The count of June was missing.",
        False,
    )
    assert numbers_of(edition) == ["301,000"]
    assert logged(public) == ["Released edition 2."]
    assert "Nothing has changed since: there is nothing to release." in text_of(
        reviewer.get(release_url(public))
    )


def test_a_first_release_is_one_and_compares_with_nothing(reviewer, report, rita):
    editions.record(report, rita)
    text = text_of(reviewer.get(release_url(report)))
    assert "What readers see now Nothing this is the first release" in text
    assert "Nothing of this is public yet: everything in it is new." in text
    assert "This corrects an error" not in text
    response = press(reviewer, report)
    assert said(response) == [
        "Released as edition 1. Readers see it once the operation’s profile is released too."
    ]


def test_words_are_compared_with_those_that_are_public(reviewer, public):
    Section.objects.update(body="<p>Needs of the whole year 2020.</p>")
    editions.record(public, None)
    html = reviewer.get(release_url(public)).content.decode()
    (section,) = re.findall(r'<section class="comparison-section.*?</section>', html, re.DOTALL)
    assert words(section) == "Operational context Needs of the [added: whole ] year 2020."


def test_errors_block_a_release_and_lead_to_their_place_in_the_form(reviewer, public):
    Section.objects.update(body="")
    editions.record(public, None)
    page = reviewer.get(release_url(public))
    assert "One error has to be corrected before it can be released." in text_of(page)
    assert (
        "Operational context: “Operational context” is empty. Write it: this text cannot be released without it. Correct it"
        in text_of(page)
    )
    assert 'name="_release"' not in page.content.decode()
    response = reviewer.post(release_url(public), sent(page))
    assert response.status_code == 200 and public_numbers(public) == [1]

    Section.objects.update(body='<p>See <a href="/operations/nowhere/">there</a> for 2020.</p>')
    editions.record(public, None)
    html = reviewer.get(release_url(public)).content.decode()
    assert f'<a href="{change_url(public)}#section-operational-context">Correct it</a>' in html


def test_an_error_among_figures_leads_to_the_figures(reviewer, peru):
    factories.population(peru, 2020, people=1000)
    factories.population(peru, 2019, people=100)
    editions.record(peru, None)
    page = reviewer.get(release_url(peru))
    assert [place for _given, place in page.context["warnings"]] == [
        ("People", f"{change_url(peru, 'figures')}#people-heading")
    ]


def test_every_open_warning_is_answered_before_the_release_and_the_reasons_are_kept(reviewer, rita, public):
    warn(public)
    page = reviewer.get(release_url(public))
    ((finding, reason),) = page.context["form"].reasons
    assert "“299,000” is near the key figure “301,000 people helped”" in finding.message

    for answer in ("", " ", "–"):
        response = reviewer.post(release_url(public), sent(page, **{reason.html_name: answer}))
        assert response.context["form"].errors == {
            reason.html_name: ["Say in a few words why this is right as it stands."]
        }
        assert (public_numbers(public), Answer.objects.count()) == ([1], 0)
        assert "Nothing was released: look at what is marked below." in text_of(response)

    reviewer.post(release_url(public), sent(page, **{reason.html_name: "Other people."}))
    answer = Answer.objects.get()
    assert public_numbers(public) == [3]
    assert (answer.edition.number, answer.check_code, answer.key, answer.reason, answer.by) == (
        3,
        "number-near-key-figure",
        finding.key,
        "Other people.",
        rita,
    )
    assert answer.message == finding.message


def test_answered_warnings_are_shown_with_their_reason_and_who_gave_it(reviewer, public, ana):
    warn(public)
    edition = editions.record(public, ana)
    (finding,) = [given[0] for given, _place in reviewer.get(release_url(public)).context["warnings"]]
    Answer.objects.create(
        edition=edition,
        check_code=finding.check,
        key=finding.key,
        message=finding.message,
        reason="I counted.",
        by=ana,
    )
    page = reviewer.get(release_url(public))
    assert page.context["form"].reasons == []
    assert re.search(
        rf"Answered warnings Operational context: “299,000” is near .* I counted\. ana, {timezone.now():%-d %B %Y}",
        text_of(page),
    )
    press(reviewer, public)
    assert public_numbers(public) == [3]


def test_a_correction_needs_a_note_to_readers(reviewer, public):
    response = press(reviewer, public, is_correction="on")
    assert response.context["form"].errors == {"note": ["Tell readers what was wrong and is now right."]}
    assert public_numbers(public) == [1]
    press(reviewer, public, is_correction="on", note="It was 301,000, not 300,000.")
    edition = Edition.objects.of(public).released().get()
    assert (edition.is_correction, edition.note) == (True, "It was 301,000, not 300,000.")


def test_a_first_release_is_no_correction_whatever_is_sent(reviewer, report):
    press(reviewer, report, is_correction="on")
    assert Edition.objects.of(report).get().is_correction is False


# --- At a time -------------------------------------------------------------------------------------------


def test_a_release_at_a_time_is_public_from_that_second_on(reviewer, clock, client, public):
    response = press(reviewer, public, **IN_ZURICH)
    assert said(response) == [f"Edition 2 will be released on {SAID_LATER}."]
    assert logged(public) == [f"Edition 2 will be released on {SAID_LATER}."]
    edition = Edition.objects.of(public).first()
    assert edition.released_at == LATER

    reader, page, listed = Client(), reverse("operations:year", args=["per", 2020]), {"state": "scheduled"}
    texts = reverse("admin:operations_narrative_changelist")
    clock.move_to(LATER - dt.timedelta(seconds=1))
    assert b"301,000" not in reader.get(page).content and b"300,000" in reader.get(page).content
    assert f"Edition 2 will be released on {SAID_LATER}." in text_of(reviewer.get(release_url(public)))
    assert f"Edition 2 will be released on {SAID_LATER}; until then readers see edition 1." in text_of(
        reviewer.get(change_url(public))
    )
    assert [row.pk for row in reviewer.get(texts, listed).context["cl"].result_list] == [public.pk]
    clock.move_to(LATER)
    assert b"301,000" in reader.get(page).content and b"300,000" not in reader.get(page).content
    assert "there is nothing to release" in text_of(reviewer.get(release_url(public)))
    assert list(reviewer.get(texts, listed).context["cl"].result_list) == []


def test_the_zone_is_the_one_last_used_and_else_that_of_the_site(reviewer, clock, public, settings):
    settings.TIME_ZONE = "America/Lima"
    page = reviewer.get(release_url(public))
    assert page.context["form"].fields["at"].zone == "America/Lima"
    assert "data-guess-zone" in page.content.decode()
    response = press(reviewer, public, follow=False, **IN_ZURICH)
    cookie = response.cookies["openfield_zone"]
    assert (cookie.value, cookie["max-age"], cookie["path"], cookie["httponly"]) == (
        "Europe/Zurich",
        365 * 24 * 3600,
        "/admin/",
        True,
    )
    page = reviewer.get(release_url(public))
    assert page.context["form"].fields["at"].zone == "Europe/Zurich"
    assert "data-guess-zone" not in page.content.decode()
    reviewer.cookies["openfield_zone"] = "Nowhere/Land"
    assert reviewer.get(release_url(public)).context["form"].fields["at"].zone == "America/Lima"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"at_day": "2026-11-24", "at_time": "12:59"}, "This time has passed. Write a later one, or release it now."),
        ({"at_day": "2026-11-24", "at_time": "13:00"}, "This time has passed. Write a later one, or release it now."),
        ({"at_day": "", "at_time": ""}, "Write the day and the time."),
        ({"at_day": "2026-11-25", "at_time": ""}, "Write the time."),
        (
            {"when": "now"},
            "A day and a time are written, but “Now” is chosen. Choose “At a time”, or empty them.",
        ),
        (
            {"at_day": "2027-03-28", "at_time": "02:30"},
            "02:30 on 28 March 2027 does not exist in Europe/Zurich: the clock goes from 02:00 to 03:00. "
            "Write 01:30 or 03:30.",
        ),
        (
            {"at_day": "2027-10-31", "at_time": "02:30"},
            "02:30 on 31 October 2027 comes twice in Europe/Zurich: the clock goes back from 03:00 to 02:00. "
            "Choose which of the two you mean.",
        ),
    ],
)  # fmt: skip
def test_a_time_that_cannot_be_meant_is_asked_about(reviewer, clock, public, given, error):
    response = press(reviewer, public, **IN_ZURICH | given)
    assert response.context["form"].errors == {"at": [error]}
    assert error in text_of(response)
    assert Edition.objects.of(public).first().released_at is None


def test_a_repeated_time_is_released_at_the_one_that_was_chosen(reviewer, clock, public):
    twice = IN_ZURICH | {"at_day": "2027-10-31", "at_time": "02:30", "at_which": "2027-10-31T01:30:00+00:00"}
    press(reviewer, public, **twice)
    assert Edition.objects.of(public).first().released_at == dt.datetime(2027, 10, 31, 1, 30, tzinfo=dt.UTC)


@pytest.fixture
def waiting(reviewer, clock, public):
    press(reviewer, public, note="The new count.", is_correction="on", **IN_ZURICH)
    return public


def test_the_time_that_is_set_can_be_changed(reviewer, waiting, rita):
    page = reviewer.get(release_url(waiting))
    buttons = re.findall(r'<input type="submit"[^>]* value="([^"]*)"', page.content.decode())
    assert buttons == ["Change the time", "Release now", "Do not release at that time"]
    data = sent(page, at_time="10:00", is_correction="on", _time="1")
    assert data["note"] == "The new count."
    reviewer.post(release_url(waiting), data)
    edition = Edition.objects.of(waiting).first()
    assert (edition.number, edition.released_at) == (2, LATER + dt.timedelta(hours=1))
    assert (edition.note, edition.is_correction) == ("The new count.", True)
    steps = Step.objects.of(waiting).filter(edition__number=2)
    assert [(step.kind, step.by) for step in steps] == [("scheduled", rita), ("scheduled", rita)]


def test_what_waits_can_be_released_now(reviewer, waiting):
    response = press(reviewer, waiting, is_correction="on", _now="1")
    assert said(response)[-1].startswith("Released as edition 2; readers see it now.")
    assert public_numbers(waiting) == [2]
    assert Edition.objects.of(waiting).first().released_at == NOON


def test_what_waits_can_be_taken_back(reviewer, waiting, clock):
    response = reviewer.post(release_url(waiting), {"_unschedule": "1"}, follow=True)
    assert said(response)[-1] == "Edition 2 is no longer set to be released."
    assert logged(waiting)[-1] == "Edition 2 is no longer set to be released."
    clock.move_to(LATER)
    assert public_numbers(waiting) == [1]
    response = reviewer.post(release_url(waiting), {"_unschedule": "1"}, follow=True)
    assert said(response) == ["Nothing was taken back: no release is set for a time any more."]


def test_releasing_a_newer_draft_takes_the_waiting_one_back_and_the_page_says_so(reviewer, waiting, clock):
    waiting.key_figures.update(value="303,000", number=303_000)
    editions.record(waiting, None)
    page = reviewer.get(release_url(waiting))
    assert (
        f"Edition 2 waits for its release. It will be released on {SAID_LATER}. Releasing edition 3 takes that back: "
        "edition 2 is then not released." in text_of(page)
    )
    assert "Do not release edition 2 at its time" in page.content.decode()
    press(reviewer, waiting)
    clock.move_to(LATER)
    assert public_numbers(waiting) == [3]
    assert [e.number for e in Edition.objects.of(waiting) if e.released_at is None] == [2]


# --- In the meantime ---------------------------------------------------------------------------------------


def test_what_was_edited_meanwhile_is_not_released_unseen(reviewer, public, ana, rita):
    page = reviewer.get(release_url(public))
    public.key_figures.update(value="304,000", number=304_000)
    editions.record(public, ana)
    response = reviewer.post(release_url(public), sent(page, note="A new count."))
    text = text_of(response)
    made = timezone.localtime(Edition.objects.of(public).first().made_at)
    assert (
        f"ana saved edition 3 at {made:%H:%M}, while this page was open. Nothing was released. "
        "Look at the comparison again." in text
    )
    assert "Key figure: people helped 300,000 304,000" in text
    assert public_numbers(public) == [1]
    reviewer.post(release_url(public), sent(response, note=response.context["form"]["note"].value()))
    assert public_numbers(public) == [3]
    assert Edition.objects.of(public).first().note == "A new count."


def test_what_was_withdrawn_or_set_meanwhile_is_not_released_unseen(reviewer, public, rita, ana):
    page = reviewer.get(release_url(public))
    editions.withdraw(public, ana)
    text = text_of(reviewer.post(release_url(public), sent(page)))
    assert "What is below has changed while this page was open. Nothing was released." in text
    page = reviewer.get(release_url(public))
    editions.release(public, ana, at=timezone.now() + dt.timedelta(days=1))
    text = text_of(reviewer.post(release_url(public), sent(page)))
    assert "ana set a time for its release while this page was open. Nothing was released." in text
    assert public_numbers(public) == []


def test_labels_that_changed_meanwhile_are_shown_before_they_are_released(reviewer, public):
    page = reviewer.get(release_url(public))
    type(public.sections.get().type).objects.filter(code="operational-context").update(
        heading_en="Where we are"
    )
    response = reviewer.post(release_url(public), sent(page))
    assert public_numbers(public) == [1]
    assert "To be released Edition 3 is made by this release" in text_of(response)
    reviewer.post(release_url(public), sent(response))
    assert public_numbers(public) == [3]


@pytest.mark.parametrize("time", [{}, IN_ZURICH])
def test_a_button_that_is_pressed_twice_releases_once(reviewer, clock, public, time):
    data = sent(reviewer.get(release_url(public)), **time)
    reviewer.post(release_url(public), data)
    response = reviewer.post(release_url(public), data, follow=True)
    kind = "scheduled" if time else "released"
    assert [step.kind for step in Step.objects.of(public).filter(edition__number=2)] == [kind]
    assert len(logged(public)) == 1
    assert said(response)[-1] == (
        f"Edition 2 will be released on {SAID_LATER}."
        if time
        else "Edition 2 is released already; readers see it."
    )


# --- Four eyes -------------------------------------------------------------------------------------------------


def test_under_four_eyes_who_made_the_last_change_is_told_why_and_releases_nothing(
    reviewer, client, rita, public, settings
):
    page = reviewer.get(change_url(public))
    settings.FOUR_EYES = True
    changes = {"key_figures-0-value": "305,000", "_release": "1"}
    page = reviewer.post(change_url(public), filled(page, **changes), follow=True)
    assert said(page) == ["Saved as edition 3, not yet released."]
    assert "You made the last change, and on this site another person releases what you changed." in text_of(
        page
    )
    assert 'name="_release"' not in page.content.decode()
    for button in ("_release", "_now", "_time"):
        reviewer.post(release_url(public), {**sent(page), button: "1"})
    assert public_numbers(public) == [1]

    client.force_login(factories.user("ruth", groups=("Reviewers",)))
    press(client, public)
    assert public_numbers(public) == [3]


def test_under_four_eyes_the_release_of_anothers_change_goes_out(reviewer, public, settings):
    settings.FOUR_EYES = True
    press(reviewer, public)
    assert public_numbers(public) == [2]


def test_under_four_eyes_a_time_is_neither_set_nor_changed_by_the_author_but_can_be_taken_back(
    reviewer, clock, waiting, client, settings, rita
):
    waiting.key_figures.update(value="306,000", number=306_000)
    editions.record(waiting, rita)
    editions.release(waiting, None, at=LATER)
    settings.FOUR_EYES = True
    page = reviewer.get(release_url(waiting))
    reviewer.post(release_url(waiting), sent(page, at_time="10:00", _time="1"))
    assert Edition.objects.of(waiting).first().released_at == LATER
    reviewer.post(release_url(waiting), {"_unschedule": "1"})
    assert Edition.objects.of(waiting).first().released_at is None


# --- Many profiles at once ----------------------------------------------------------------------------------------


@pytest.fixture
def four(peru, rita, ana):
    """Profiles: one that is ready, one with an open warning, one that waits for its time, one that is public."""
    places = [peru, *(factories.operation(code) for code in ("COL", "ECU", "BRA"))]
    for place in places:
        factories.population(place, 2019, people=1000)
        editions.record(place, ana)
    factories.population(places[1], 2020, people=5000)
    editions.record(places[1], ana)
    editions.release(places[2], rita, at=timezone.now() + dt.timedelta(days=1))
    editions.release(places[3], rita)
    factories.role(rita, "Reviewers")
    return places


def release_all(client, places):
    action = {"action": "release_profiles", "_selected_action": [place.pk for place in places]}
    return client.post(reverse("admin:operations_operation_changelist"), action, follow=True)


def test_the_action_releases_what_is_ready_and_names_the_rest_with_links(reviewer, four):
    peru, colombia, ecuador, brazil = four
    ready, same, rest = said(release_all(reviewer, four))
    assert ready == "The profile of 1 operation is released; readers see it now."
    assert same == "Nothing has changed in 1 profile since its release."
    assert rest.startswith('2 profiles are not released:<ul class="held">')
    assert f'<a href="{release_url(colombia)}">Colombia</a>: First answer 1 warning: ' in rest
    assert (
        f'<a href="{release_url(ecuador)}">Ecu</a>: The release of edition 1 is set for a later time.' in rest
    )
    assert {e.operation for e in Edition.objects.released()} == {peru, brazil}
    assert [logged(place) for place in four] == [["Released edition 1."], [], [], []]


def test_the_action_obeys_four_eyes(reviewer, four, rita, settings):
    settings.FOUR_EYES = True
    peru = four[0]
    factories.population(peru, 2018, people=1000)
    editions.record(peru, rita)
    (rest,) = said(release_all(reviewer, [peru]))
    assert f'<a href="{release_url(peru)}">Peru</a>: Who made the last change cannot release it.' in rest
    assert public_numbers(peru) == []


def test_the_action_on_no_operation_says_so(reviewer, peru):
    response = release_all(reviewer, [factories.operation("COL")])
    assert said(response) == ["No operation was chosen: nothing is released."]
    assert list(Edition.objects.all()) == []


def test_what_the_action_holds_back_is_not_recorded_as_the_reviewers_own(reviewer, four, rita):
    colombia = four[1]
    factories.population(colombia, 2021, people=50_000)
    release_all(reviewer, [colombia])
    assert Edition.objects.of(colombia).filter(made_by=rita).count() == 0


def test_many_profiles_are_checked_in_as_many_queries_as_one(four, rita, settings, django_assert_num_queries):
    settings.FOUR_EYES = True  # none is released
    for place in four:
        factories.population(place, 2018)
        editions.record(place, rita)
    with CaptureQueriesContext(connection) as one:
        release_ready(four[1:2], rita)
    with django_assert_num_queries(len(one)):
        assert len(release_ready(four, rita).held) == 4


@pytest.mark.parametrize("years", [1, 20])
def test_the_release_page_costs_the_same_for_few_and_many_figures(
    reviewer, peru, rita, years, django_assert_max_num_queries
):
    for year in range(2020 - years, 2020):
        factories.population(peru, year)
        factories.finance(peru, year)
    editions.record(peru, rita)
    reviewer.get(release_url(peru))
    with django_assert_max_num_queries(32):
        assert reviewer.get(release_url(peru)).status_code == 200


# --- Finance ------------------------------------------------------------------------------------------------------


@pytest.fixture
def finance(client):
    """Who enters the money of every operation, and may change nothing else of it."""
    client.force_login(factories.user("fin", groups=("Finance",)))
    return client


def enter(client, operation, amount):
    figures = change_url(operation, "figures")
    data = typed(client.get(figures), budget__2020__total=amount, _release="1")
    return client.post(figures, data, follow=True)


def test_finance_releases_its_figures_alone_and_is_told_what_else_would_go_out(finance, peru, rita):
    factories.finance(peru, 2019, amount_usd=5)
    factories.population(peru, 2019, people=867_821)
    page = enter(finance, peru, "5")
    assert "Readers see no profile of this operation, and releasing it would show them all of it." in text_of(
        page
    )
    finance.post(release_url(peru), sent(page))
    assert list(Edition.objects.released()) == []

    editions.release(peru, rita)
    page = enter(finance, peru, "6")
    assert page.redirect_chain == [(release_url(peru), 302)]
    assert "Current budget" in text_of(page) or "Budget, 2020" in text_of(page)
    response = press(finance, peru)
    assert response.redirect_chain == [(change_url(peru, "figures"), 302)]
    assert said(response)[0].startswith("Released as edition 2")

    PopulationFigure.objects.filter(year=2019).update(people=800_000)
    lima = factories.office(peru)
    factories.office(peru, name="Store", is_public=False)  # readers never see it
    page = enter(finance, peru, "7")
    assert (
        "This would also release what was changed in: offices, people. A reviewer of the operation can release it."
        in text_of(page)
    )
    assert 'name="_release"' not in page.content.decode()
    finance.post(release_url(peru), sent(page))
    assert public_numbers(peru) == [2]
    assert FinancialFigure.objects.get(year=2020).amount_usd == 7

    Office.objects.filter(pk=lima.pk).delete()
    PopulationFigure.objects.filter(year=2019).update(people=867_821)
    enter(finance, peru, "6.50")
    press(finance, peru)
    assert public_numbers(peru) == [4]


def test_finance_does_not_take_back_a_time_that_was_set_for_more_than_its_figures(finance, peru, rita, clock):
    editions.release(peru, rita)
    factories.office(peru)
    editions.release(peru, rita, at=LATER)
    page = finance.get(release_url(peru))
    assert "_unschedule" not in page.content.decode()
    assert finance.post(release_url(peru), {"_unschedule": "1"}).status_code == 403
    assert finance.get(change_url(peru, "withdraw")).status_code == 403
    assert Edition.objects.of(peru).first().released_at == LATER


def test_finance_leaves_a_time_alone_that_was_set_for_more_than_its_figures_whatever_the_draft_holds(
    finance, peru, rita, clock
):
    """It neither takes it back, nor by a release of its own figures."""
    factories.finance(peru, 2019, amount_usd=5)
    editions.release(peru, rita)
    peru.notice_en = "The border is closed."
    peru.save()
    editions.release(peru, rita, at=LATER)
    peru.notice_en = ""
    peru.save()
    editions.record(peru, rita)
    page = enter(finance, peru, "6")
    assert (
        "Edition 2, which is set to be released, also holds what was changed in: notice. A reviewer of the operation "
        "can take back or change its time, and release this one instead." in text_of(page)
    )
    assert "_unschedule" not in page.content.decode()
    assert 'name="_release"' not in page.content.decode()
    finance.post(release_url(peru), sent(page))
    assert finance.post(release_url(peru), {"_unschedule": "1"}).status_code == 403
    assert [edition.number for edition in Edition.objects.of(peru).scheduled()] == [2]
    assert public_numbers(peru) == [1]


def test_finance_takes_back_and_changes_a_time_that_was_set_for_its_figures_alone(finance, peru, rita, clock):
    factories.finance(peru, 2019, amount_usd=5)
    editions.release(peru, rita)
    enter(finance, peru, "6")
    press(finance, peru, **IN_ZURICH)
    assert [edition.released_at for edition in Edition.objects.of(peru).scheduled()] == [LATER]
    page = finance.get(release_url(peru))
    finance.post(release_url(peru), sent(page, at_time="10:00", _time="1"))
    later = LATER + dt.timedelta(hours=1)
    assert [edition.released_at for edition in Edition.objects.of(peru).scheduled()] == [later]
    enter(finance, peru, "7")
    finance.post(release_url(peru), {"_unschedule": "1"})
    assert list(Edition.objects.of(peru).scheduled()) == []


def test_finance_releases_nothing_while_a_warning_about_people_waits_for_an_answer(finance, peru, rita):
    factories.finance(peru, 2019, amount_usd=5)
    editions.release(peru, rita)
    factories.population(peru, people=1000)
    factories.population(peru, type="REF", people=5000)
    editions.release(peru, rita)  # by other means: its warning has no answer
    page = enter(finance, peru, "5")
    refused = "Warnings about what you may not change have no answer yet."
    assert refused in text_of(page)
    (name,) = page.context["form"].warnings
    finance.post(release_url(peru), sent(page, **{name: "It looks right to me."}))
    assert public_numbers(peru) == [2]

    drafts.answer(peru, drafts.checked(peru).open[0].key, "The camps were counted.", rita)
    assert refused not in text_of(finance.get(release_url(peru)))
    press(finance, peru)
    assert public_numbers(peru) == [3]


# --- Imports ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def loader():
    return factories.user("loader", is_superuser=True)


def load(text, user=None, **options):
    import tablib

    dataset = tablib.Dataset().load(text, format="csv")
    resource = PopulationFigureResource(user=user, release_profiles=True, **options)
    return resource.import_data(dataset, raise_errors=True, file_name="table.csv", user=user).plan


IMPORTED = "operation,year,people\nPER,2020,1000\nCOL,2020,6000\nECU,2020,1000\n"


def test_an_import_releases_what_is_ready_and_names_the_rest(four, loader):
    peru, colombia, ecuador, _brazil = four
    plan = load(IMPORTED, loader)
    assert [line.partition(":")[0] for line in plan.held] == ["Colombia", "Ecu"]
    assert plan.held[0].startswith("Colombia: First answer 1 warning: ")
    assert public_numbers(peru) == [2] and public_numbers(colombia) == []
    newest = [Edition.objects.of(place).first() for place in (colombia, ecuador)]
    assert [(edition.number, edition.released_at) for edition in newest] == [(3, None), (2, None)]


@pytest.mark.parametrize("named", [True, False])
def test_an_import_under_four_eyes_releases_nothing_of_its_own(four, loader, settings, named):
    settings.FOUR_EYES = True
    plan = load("operation,year,people\nPER,2020,1000\n", loader if named else None)
    assert plan.held == ["Peru: Who made the last change cannot release it."]
    assert public_numbers(four[0]) == []


def test_an_import_releases_only_where_its_person_may(four, ana):
    loaders = Group.objects.create(name="Loaders")
    rights = ["import_populationfigure", "add_populationfigure", "view_populationfigure", "change_operation"]
    loaders.permissions.set(Permission.objects.filter(codename__in=rights))
    factories.role(ana, loaders)
    factories.role(ana, "Reviewers", [four[0]])
    plan = load("operation,year,people\nPER,2020,1000\nBRA,2020,1001\n", ana)
    assert plan.held == ["Bra: You may not release it."]
    assert (public_numbers(four[0]), public_numbers(four[3])) == ([2], [1])


def test_the_message_of_an_import_names_what_was_held_back(four, client, loader):
    client.force_login(loader)
    page = upload(client, IMPORTED, release_profiles="on")
    response = confirm(client, page, release_profiles="on")
    held, done = said(response)
    assert held.startswith(
        '2 profiles are saved as drafts and not released:<ul class="held"><li>Colombia: First'
    )
    assert "<li>Ecu: The release of edition 1 is set for a later time.</li>" in held
    assert done == "Imported 3 lines: 2 new, 1 changed, 0 unchanged."


def test_the_command_line_names_what_was_held_back(four, tmp_path, capsys, settings):
    settings.FOUR_EYES = True
    path = tmp_path / "population.csv"
    path.write_text("operation,year,people\nPER,2020,1000\n", encoding="utf-8")
    call_command("import_table", "population", str(path), "--release", "--user", "rita")
    assert capsys.readouterr().out.splitlines()[-3:-1] == [
        "Saved as drafts and not released: 1 profiles.",
        "  Peru: Who made the last change cannot release it.",
    ]


# --- Withdrawal ---------------------------------------------------------------------------------------------------------


def withdraw_data(client, obj, **changes):
    page = client.get(change_url(obj, "withdraw"))
    data = {
        "seen": page.context["form"]["seen"].value(),
        "reason": "in_error",
        "notice": "The figures were wrong.",
    }
    return data | changes


def test_withdrawing_asks_why_and_takes_back_every_edition_and_time(reviewer, waiting, rita, clock):
    url = change_url(waiting, "withdraw")
    editions.release(waiting, rita)
    waiting.key_figures.update(value="307,000", number=307_000)
    editions.release(waiting, rita, at=LATER)
    waiting.key_figures.update(value="308,000", number=308_000)
    editions.record(waiting, rita)
    text = text_of(reviewer.get(url))
    assert "Readers see edition 2, released 24 November 2026." in text
    assert "2 released editions are taken back, older ones included" in text
    assert f"Edition 3 was to be released on {SAID_LATER}. That is taken back too." in text
    response = reviewer.post(url, withdraw_data(reviewer, waiting, reason="no_longer_true"), follow=True)
    assert said(response)[-1] == (
        "It is withdrawn: readers no longer see it, and no older edition takes its place."
    )
    made = Edition.objects.of(waiting).order_by("number")
    assert [(e.number, bool(e.withdrawn_at), bool(e.released_at)) for e in made] == [
        (1, True, True),
        (2, True, True),
        (3, False, False),
        (4, False, False),
    ]
    edition = made[1]
    assert (
        edition.withdrawn_by,
        edition.withdrawal_reason,
        edition.withdrawal_notice,
        edition.replaced_by,
    ) == (
        rita,
        "no_longer_true",
        "The figures were wrong.",
        "",
    )
    assert logged(waiting)[-1] == "Withdrew edition 2."
    clock.move_to(LATER)
    assert public_numbers(waiting) == []
    assert "No edition is public, so there is nothing to withdraw." in text_of(reviewer.get(url))
    response = reviewer.post(url, {"reason": "in_error", "notice": "Wrong."}, follow=True)
    assert said(response) == ["Nothing was withdrawn: no edition is public."]


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        ({"notice": ""}, {"notice": ["Tell readers why the page is gone."]}),
        *(
            (
                {"notice": little},
                {"notice": ["This says too little. Write a sentence: what was wrong, and where to look instead."]},
            )
            for little in ("…", "n", "WD40")
        ),
        ({"reason": ""}, {"reason": ["Choose why it is withdrawn."]}),
        ({"reason": "replaced"}, {"replaced_by": ["Write the address of the page that replaces it."]}),
        (
            {"replaced_by": "/operations/col/"},
            {
                "replaced_by": [
                    "An address is written, but another reason is chosen. Choose “Replaced by another page”, or empty it."
                ]
            },
        ),
        *(
            (
                {"reason": "replaced", "replaced_by": address},
                {"replaced_by": [f"Readers find no page of this site at “{address}”. Open the page and copy its address."]},
            )
            for address in (
                "/operations/nowhere/",
                "/admin/",
                "col",
                "https://example.org/operations/col/",
                "//example.org/operations/col/",
                "javascript:alert(1)",
                "http://[x/",
            )
        ),
        (
            {"reason": "replaced", "replaced_by": "/operations/per/2020"},
            {"replaced_by": ["This is the address of the page that is withdrawn. Write that of another one."]},
        ),
    ],
)  # fmt: skip
def test_a_withdrawal_without_a_proper_notice_or_address_is_refused(reviewer, public, given, errors):
    editions.release(factories.operation("COL"), None)
    data = withdraw_data(reviewer, public, **given)
    response = reviewer.post(change_url(public, "withdraw"), data)
    assert response.context["form"].errors == errors
    assert public_numbers(public) == [1]


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("/operations/col/", "/operations/col/"),
        (" http://testserver/fr/operations/col/?a=b#c ", "/fr/operations/col/"),
        ("/contributions/", "/contributions/"),
    ],
)
def test_the_page_that_replaces_it_is_kept_as_a_path(reviewer, public, address, path):
    editions.release(factories.operation("COL"), None)
    data = withdraw_data(reviewer, public, reason="replaced", replaced_by=address)
    reviewer.post(change_url(public, "withdraw"), data)
    assert Edition.objects.of(public).get(number=1).replaced_by == path


def test_what_was_released_meanwhile_is_not_withdrawn_unseen(reviewer, public, rita):
    data = withdraw_data(reviewer, public)
    editions.release(public, rita)
    response = reviewer.post(change_url(public, "withdraw"), data)
    assert "Readers see edition 2 since this page was opened. Withdraw that one too?" in text_of(response)
    assert public_numbers(public) == [2]
    reviewer.post(change_url(public, "withdraw"), data | {"seen": response.context["form"]["seen"].value()})
    assert public_numbers(public) == []


@pytest.fixture
def translated(public, peru, rita):
    """In French and public, in Spanish and waiting, in Arabic and a draft."""
    source = Edition.objects.of(public).get(number=1)
    texts = []
    for language in ("fr", "es", "ar"):
        text = factories.narrative(
            peru, sections={"operational-context": "<p>2020</p>"}, language=language, translated_from=source
        )
        texts.append(text)
    editions.release(texts[0], rita)
    editions.release(texts[1], rita, at=timezone.now() + dt.timedelta(days=1))
    editions.record(texts[2], rita)
    return texts


@pytest.mark.parametrize("ticked", [True, False])
def test_translations_are_withdrawn_with_their_source_unless_the_tick_is_taken_away(
    reviewer, public, translated, ticked
):
    page = reviewer.get(change_url(public, "withdraw"))
    tick = page.context["form"]["with_translations"]
    assert (tick.label, tick.value()) == ("Withdraw its translations too (Spanish, French)", True)
    data = withdraw_data(reviewer, public, **({"with_translations": "on"} if ticked else {}))
    response = reviewer.post(change_url(public, "withdraw"), data, follow=True)
    french, spanish, _arabic = translated
    assert public_numbers(french) == ([] if ticked else [1])
    assert Edition.objects.of(spanish).scheduled().count() == (0 if ticked else 1)
    assert said(response) == [
        "It is withdrawn: readers no longer see it, and no older edition takes its place.",
        *(["2 translations are withdrawn with it."] if ticked else []),
    ]
    assert Edition.objects.of(french).get().withdrawal_notice == ("The figures were wrong." if ticked else "")


def test_a_translation_is_withdrawn_without_its_source(reviewer, public, translated):
    page = reviewer.get(change_url(translated[0], "withdraw"))
    assert "with_translations" not in page.context["form"].fields
    reviewer.post(change_url(translated[0], "withdraw"), withdraw_data(reviewer, translated[0]))
    assert (public_numbers(translated[0]), public_numbers(public)) == ([], [1])


def test_a_few_letters_are_a_notice(reviewer, public):
    data = withdraw_data(reviewer, public, notice="Old.")
    reviewer.post(change_url(public, "withdraw"), data)
    assert public_numbers(public) == []
    assert Edition.objects.of(public).withdrawn().get().withdrawal_notice == "Old."


def withdrawn(text, user):
    editions.withdraw(
        text, user, reason="no_longer_true", notice="The count was wrong.", replaced_by="/totals/"
    )


def test_the_release_page_tells_of_the_withdrawal_and_compares_with_what_was_withdrawn(
    reviewer, public, rita, clock
):
    withdrawn(public, rita)
    text = text_of(reviewer.get(release_url(public)))
    assert (
        "⊘ Withdrawn on 24 November 2026, 12:00 UTC by rita: no longer true. Notice: The count was wrong. "
        "In its place: /totals/ . Releasing ends the notice."
    ) in text
    assert "To be released Edition 2 saved by ana" in text
    assert "What readers see now A notice edition 1 was withdrawn" in text
    assert "What differs from edition 1, which was withdrawn" in text
    assert "Key figure: people helped 300,000 301,000" in text
    assert "first release" not in text and "everything in it is new" not in text
    assert "This corrects an error in what was withdrawn" in text
    assert "Needed here, and shown in the history of the page: why it is back" in text


def test_it_compares_with_the_last_that_readers_saw(reviewer, public, rita):
    editions.release(public, rita)
    public.key_figures.update(value="302,000", number=302_000)
    editions.record(public, rita)
    withdrawn(public, rita)
    text = text_of(reviewer.get(release_url(public)))
    assert "Key figure: people helped 301,000 302,000" in text


def test_a_withdrawal_whose_maker_is_not_known_is_told_without_one(reviewer, public):
    editions.withdraw(public, None)
    text = text_of(reviewer.get(release_url(public)))
    assert "UTC: published in error. Releasing ends the notice." in text


@pytest.mark.parametrize("note", ["", "–", "ok"])
@pytest.mark.parametrize("when", [{}, IN_ZURICH])
def test_what_was_withdrawn_is_not_released_without_a_note_to_readers(
    reviewer, public, rita, clock, note, when
):
    withdrawn(public, rita)
    response = press(reviewer, public, note=note, **when)
    assert response.context["form"].errors == {
        "note": ["Tell readers why it is back: what they saw was withdrawn."]
    }
    assert "Nothing was released: look at what is marked below." in text_of(response)
    assert (public_numbers(public), list(Edition.objects.of(public).scheduled())) == ([], [])


def test_what_was_withdrawn_is_released_again_with_a_note(reviewer, public, rita):
    withdrawn(public, rita)
    press(reviewer, public, note="Counted anew.", is_correction="on")
    edition = Edition.objects.of(public).released().get()
    assert (edition.number, edition.note, edition.is_correction) == (2, "Counted anew.", True)
    text = text_of(reviewer.get(release_url(public)))
    assert "What readers see now Edition 2 released" in text and "Withdrawn on" not in text


def test_the_release_after_a_withdrawal_is_set_for_a_time_and_the_notice_stays_until_then(
    reviewer, public, rita, clock
):
    withdrawn(public, rita)
    response = press(reviewer, public, note="Counted anew.", **IN_ZURICH)
    assert said(response) == [f"Edition 2 will be released on {SAID_LATER}."]
    assert "until then readers see the notice of its withdrawal." in text_of(response)
    assert "Releasing ends the notice." in text_of(reviewer.get(release_url(public)))
    clock.move_to(LATER)
    assert public_numbers(public) == [2]


def test_a_release_of_many_profiles_leaves_out_what_was_withdrawn(peru, rita):
    editions.release(peru, rita)
    editions.withdraw(peru, rita)
    colombia = factories.operation("COL")
    outcome = release_ready([peru, colombia], rita)
    assert [edition.operation for edition in outcome.released] == [colombia]
    assert outcome.held == [
        (
            peru,
            "It was withdrawn. Release it on its own release page, with a note that tells readers why it is back.",
        )
    ]
    editions.release(peru, rita, note="It is right after all.")
    factories.population(peru)
    assert [edition.operation for edition in release_ready([peru], rita).released] == [peru]


# --- At the same moment --------------------------------------------------------------------------------------------------


def at_once(*calls):
    start = Barrier(len(calls))

    def run(call):
        start.wait()
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, call) for call in calls]]


@pytest.fixture
def two(transactional_db):
    """Two reviewers and a text with a draft."""
    peru = factories.operation()
    report = factories.narrative(peru, sections={"operational-context": "<p>Needs of 2020.</p>"})
    factories.key_figure(report, order=1)
    editions.record(report, None)
    clients = []
    for name in ("ann", "bob"):
        factories.user(name, groups=("Reviewers",))
        clients.append(Client())
        clients[-1].login(username=name, password=factories.PASSWORD)
    return report, *clients


@pytest.mark.django_db(transaction=True)
def test_of_two_releases_at_once_one_is_made(two):
    report, ann, bob = two
    forms = [sent(client.get(release_url(report))) for client in (ann, bob)]
    answers = at_once(
        lambda: ann.post(release_url(report), forms[0]).status_code,
        lambda: bob.post(release_url(report), forms[1]).status_code,
    )
    assert answers == [302, 302]
    assert [(e.number, e.is_released()) for e in Edition.objects.of(report)] == [(1, True)]
    assert Step.objects.filter(kind="released").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_a_save_and_a_release_at_once_what_is_released_was_seen(two):
    """Whichever holds the lock first: the text that the page showed is public, or nothing is."""
    report, ann, bob = two
    form = filled(ann.get(change_url(report)), **{"key_figures-0-value": "77,000"})
    page = sent(bob.get(release_url(report)))
    saved, released = at_once(
        lambda: ann.post(change_url(report), form).status_code,
        lambda: bob.post(release_url(report), page).status_code,
    )
    assert saved == 302
    assert [numbers_of(e) for e in Edition.objects.of(report).order_by("number")] == [["300,000"], ["77,000"]]
    assert public_numbers(report) == ([1] if released == 302 else [])
    assert released in {200, 302}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", ["save", "release"])
def test_a_release_waits_for_a_save_and_a_save_for_a_release(two, first):
    report, _ann, bob = two
    page = sent(bob.get(release_url(report)))
    holds, may_end = Barrier(2), Barrier(2)

    def hold():
        with transaction.atomic():
            editions.lock(report)
            holds.wait()
            if first == "save":
                KeyFigure.objects.update(value="77,000", number=77_000)
                editions.record(report, None)
            else:
                editions.release(report, None)
            may_end.wait()

    def follow():
        holds.wait()
        may_end.wait()
        return bob.post(release_url(report), page).status_code

    _nothing, status = at_once(hold, follow)
    assert status == (200 if first == "save" else 302)
    assert public_numbers(report) == ([] if first == "save" else [1])


# --- In a browser -----------------------------------------------------------------------------------------------------------


def last_sunday(month):
    """The next one, when clocks in Europe change."""
    today = timezone.now().date()
    days = [dt.date(year, month, 31) for year in (today.year, today.year + 1)]
    return next(day for day in (day - dt.timedelta(days=day.isoweekday() % 7) for day in days) if day > today)


@pytest.fixture
def released(transactional_db):
    peru = factories.operation()
    editions.release(peru, None)
    report = factories.narrative(peru, sections={"operational-context": "<p>Needs of 2020.</p>"})
    factories.key_figure(report, order=1)
    editions.release(report, None)
    report.key_figures.update(value="301,000", number=301_000)
    editions.record(report, None)
    factories.user("rita", groups=("Reviewers",))
    return report


def test_a_time_that_the_clock_skips_or_repeats_is_asked_about_without_a_script(new_page, released):
    page = new_page(java_script_enabled=False, viewport={"width": 360, "height": 740})
    be_signed_in(page, "rita")
    page.goto(release_url(released))
    page.get_by_label("At a time").check()
    page.get_by_label("Day").fill(last_sunday(3).isoformat())
    page.get_by_label("Time", exact=True).fill("02:30")
    page.get_by_label("Time zone").select_option("Europe/Zurich")
    page.get_by_role("button", name="Release").click()
    assert "does not exist in Europe/Zurich: the clock goes from 02:00 to 03:00." in page.inner_text("main")
    assert page.get_by_label("Day").input_value() == last_sunday(3).isoformat()

    autumn = last_sunday(10)
    page.get_by_label("Day").fill(autumn.isoformat())
    page.get_by_role("button", name="Release").click()
    assert "Choose which of the two you mean." in page.inner_text("main")
    page.get_by_label("the second 02:30, Europe/Zurich").or_(
        page.get_by_text("the second 02:30")
    ).first.check()
    page.get_by_role("button", name="Release").click()
    assert (
        f"Edition 2 will be released on {autumn.day} October {autumn.year}, 02:30 CET (01:30 UTC)."
        in page.inner_text("main")
    )
    assert Edition.objects.of(released).first().released_at == dt.datetime(
        autumn.year, 10, autumn.day, 1, 30, tzinfo=dt.UTC
    )


def test_the_zone_of_the_browser_is_offered_where_none_was_used_before(new_page, released):
    page = new_page(timezone_id="America/Lima")
    be_signed_in(page, "rita")
    page.goto(release_url(released))
    assert page.get_by_label("Time zone").input_value() == "America/Lima"
    assert page.get_by_role("radio", name="Now").is_checked()
    page.get_by_label("Day").fill((timezone.now() + dt.timedelta(days=30)).date().isoformat())
    assert page.get_by_label("At a time").is_checked()
    page.get_by_label("Time", exact=True).fill("09:00")
    page.get_by_label("Time zone").select_option("Asia/Amman")
    page.get_by_role("button", name="Release").click()
    page.wait_for_url("**/change/")
    page.goto(release_url(released))
    assert page.get_by_label("Time zone").input_value() == "Asia/Amman"
    assert page.get_by_label("Time", exact=True).input_value() == "09:00"


def test_a_correction_is_released_with_the_keyboard_alone(page, released):
    be_signed_in(page, "rita")
    page.goto(change_url(released))
    page.get_by_role("button", name="Save and release…").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/release/")

    def tab_to(locator):
        for _press in range(60):
            page.keyboard.press("Tab")
            if locator.evaluate("(element) => element === document.activeElement"):
                return
        raise AssertionError("The keyboard does not reach it.")

    tab_to(page.get_by_label("This corrects an error in what readers see now"))
    page.keyboard.press("Space")
    tab_to(page.get_by_label("Note to readers"))
    page.keyboard.type("It was 301,000.")
    tab_to(page.get_by_role("button", name="Release"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/change/")
    edition = Edition.objects.of(released).released().get()
    assert (edition.number, edition.is_correction, edition.note) == (2, True, "It was 301,000.")


def test_the_pages_with_their_errors_have_no_fault_of_accessibility_and_fit_their_screen(new_page, released):
    width = 360
    released.sections.update(body="<p>In 2020, 299,000 people given cash.</p>")
    page = new_page(color_scheme="dark", viewport={"width": width, "height": 800}, bypass_csp=True)  # for axe
    gone = factories.narrative(released.operation, 2019, sections={"operational-context": "<p>Of 2019.</p>"})
    editions.release(gone, None)
    withdrawn(gone, factories.user("somebody.with.a.long.name"))
    be_signed_in(page, "rita")
    for name, text in (("release", released), ("withdraw", released), ("release", gone)):
        page.goto(change_url(text, name))
        page.locator(".submit-row input").first.click()  # with its errors
        page.locator(".errornote").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        faults = Axe().run(page).response["violations"]
        assert [(fault["id"], [node["target"] for node in fault["nodes"]]) for fault in faults] == []
