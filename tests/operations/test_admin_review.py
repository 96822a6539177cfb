"""Checks, comments and the way of a draft through its review, beside its form."""

import datetime as dt
import itertools
import re

import pytest
import time_machine
from django.core import mail
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from operations.drafts import answer, checked
from operations.editions import record, release, request_changes, send_for_review, take_back, withdraw
from operations.models import Answer, Edition, Narrative, Operation, Region, SectionType, Step
from operations.reviews import Inbox, Thread
from operations.states import State, in_state, narratives_with_state, operations_with_state, state_of
from tests import factories
from tests.mailing import send_mail_by
from tests.signing_in import be_signed_in

pytestmark = pytest.mark.django_db

CONTEXT = "<p>In 2020 borders were closed.</p>"
NEEDS = "<p>We gave cash to 52,000 people in 2020.</p>"  # beside the key figure 52,996


@pytest.fixture(autouse=True)
def _the_context_is_required(db):
    SectionType.objects.filter(code__in=["operational-context", "key-priorities"]).update(required_since=2015)


@pytest.fixture
def peru():
    return factories.operation("PER", region=Region.objects.first())


@pytest.fixture
def ana(peru):
    return factories.user("ana", groups=("Field editors",), on=[peru], email="ana@example.org")


@pytest.fixture
def rita(peru):
    return factories.user("rita", groups=("Reviewers",), on=[peru.region], email="rita@example.org")


@pytest.fixture
def vera(peru):
    return factories.user("vera", groups=("Viewers",), on=[peru])


@pytest.fixture
def fred(peru):
    return factories.user("fred", groups=("Finance",))


@pytest.fixture
def report(peru, ana):
    text = factories.narrative(peru, sections={"operational-context": CONTEXT, "unmet-needs": NEEDS})
    factories.key_figure(text, "52,996", text="people given cash")
    record(text, ana)
    return text


def url(obj, page="change"):
    return reverse(f"admin:operations_{obj._meta.model_name}_{page}", args=[obj.pk])


def words(html):
    return re.sub(r"\s+", " ", re.sub(r"<(script|noscript)\b.*?</\1>|<[^>]+>", " ", html, flags=re.S)).strip()


def panel(response, name):
    """The HTML of one panel: “checks” or “review”."""
    match = re.search(rf'<section class="panel" id="{name}".*?</section>', response.content.decode(), re.S)
    return match[0] if match else None


def standing(client, obj, page="change"):
    html = client.get(url(obj, page)).content.decode()
    return words(re.search(r'<p class="standing">.*?</p>', html, re.S)[0])


def said(response):
    return [str(message) for message in response.context["messages"]]


def do(client, obj, kind, text="", **more):
    return client.post(url(obj, "review"), {"do": kind, "text": text, **more}, follow=True)


def kinds(obj):
    return [step.kind for step in Step.objects.of(obj)]


def review_of(obj):
    return type(obj).objects.values_list("review", flat=True).get(pk=obj.pk)


# --- The checks beside the form ---------------------------------------------------------------------


def test_what_is_missing_for_a_release_is_said_first(client, ana, report):
    report.sections.get(type__code="operational-context").delete()
    client.force_login(ana)
    text = words(panel(client.get(url(report)), "checks"))
    assert text == (
        "Checks To release, this text still needs: Operational context . ! 1 warning to answer Unmet needs "
        "“52,000” is near the key figure “52,996 people given cash” but differs. Correct the one that is wrong, or say "
        "why they differ. It is right as it stands : Unmet needs Why? Answer This is about edition 1, as it was last saved. "
        "Save your changes before you answer: an answer loads this page anew."
    )


def test_several_errors_are_corrected_and_one_is(client, ana, report):
    report.sections.filter(type__code="unmet-needs").update(body="<p>In 2020 52,9960 and 41,9960 people</p>")
    client.force_login(ana)
    text = words(panel(client.get(url(report)), "checks"))
    assert text.startswith("Checks ✕ 2 errors Correct them before the release. Unmet needs")


def test_errors_are_told_apart_from_warnings(client, ana, report):
    report.sections.filter(type__code="unmet-needs").update(body="<p>In 2020 52,9960 people</p>")
    client.force_login(ana)
    text = words(panel(client.get(url(report)), "checks"))
    assert text.startswith(
        "Checks ✕ 1 error Correct it before the release. Unmet needs “52,9960” does not group"
    )
    assert "warning" not in text


def test_a_new_text_has_no_checks_and_no_review_yet(client, ana, peru):
    client.force_login(ana)
    response = client.get(
        f"{reverse('admin:operations_narrative_add')}?operation={peru.pk}&year=2021&kind=plan"
    )
    assert response.status_code == 200
    assert (panel(response, "checks"), panel(response, "review")) == (None, None)


def test_a_text_with_nothing_to_find_says_so(client, ana, report):
    report.key_figures.all().delete()
    client.force_login(ana)
    assert "✓ Nothing to correct and nothing to answer." in words(panel(client.get(url(report)), "checks"))


def test_every_finding_links_to_its_place(client, ana, report, peru):
    report.sections.get(type__code="operational-context").delete()
    factories.key_figure(report, "55", text="per cent of 2020 that we will reach")
    factories.population(peru, people=100)
    factories.population(peru, type="REF", people=7000)
    client.force_login(ana)
    html = client.get(url(report)).content.decode()
    targets = re.findall(r'class="place"><a href="#([^"]+)"', html)
    assert targets == ["section-unmet-needs", "key_figures-1"]
    assert re.findall(r'class="needs">.*?href="#([^"]+)"', html, re.S) == ["section-operational-context"]
    ids = re.findall(r'id="([^"]+)"', html)
    for target in [*targets, "section-operational-context"]:
        assert ids.count(target) == 1

    html = client.get(url(peru)).content.decode()
    assert re.findall(r'class="place"><a href="([^"]+)"', html) == [f"{url(peru, 'figures')}#people-heading"]
    html = client.get(url(peru, "figures")).content.decode()
    assert re.findall(r'class="place"><a href="([^"]+)"', html) == ["#people-heading"]
    assert html.count('id="people-heading"') == 1


def test_a_save_says_what_is_left_to_do_with_a_link_to_it(client, ana, peru):
    client.force_login(ana)
    factories.population(peru, people=100)
    factories.population(peru, type="REF", people=7000)
    figures = url(peru, "figures")
    response = client.post(f"{figures}?from=2019", {"_save": "", "seen": "0"}, follow=True)
    assert said(response)[-1] == (
        f"Before its release: <a href='{url(peru)}#checks'>1 warning to answer</a>."
    )


def test_the_standing_line_says_what_is_left_to_do(client, ana, report):
    client.force_login(ana)
    assert "Readers see nothing of it. 1 warning to answer Last saved" in standing(client, report)
    report.sections.get(type__code="operational-context").delete()
    report.sections.update(body=f"<p>52,9960 people</p>{NEEDS}")
    assert "1 section to write, 1 error to correct and 1 warning to answer" in standing(client, report)


def test_a_save_that_changes_nothing_in_what_is_released_asks_for_nothing(client, ana, rita, peru):
    factories.population(peru, people=100)
    factories.population(peru, type="REF", people=7000)
    release(peru, rita)
    client.force_login(ana)
    response = client.post(f"{url(peru, 'figures')}?from=2019", {"_save": "", "seen": "1"}, follow=True)
    assert said(response) == ["Nothing has changed: readers see edition 1."]


# --- Answers ----------------------------------------------------------------------------------------


def reason(client, obj, key, text="Two different grants.", **more):
    return client.post(url(obj, "answer"), {"key": key, "reason": text, **more}, follow=True)


def test_a_warning_is_answered_beside_the_form(client, ana, report):
    (finding,) = checked(report).open
    client.force_login(ana)
    response = reason(client, report, finding.key, "Two different grants.\r\nSee <b>annex</b>.")
    assert response.redirect_chain == [(f"{url(report)}#checks", 302)]
    assert said(response) == ["Your answer is kept."]
    given = Answer.objects.get()
    assert (given.key, given.reason, given.by) == (
        finding.key,
        "Two different grants.\nSee <b>annex</b>.",
        ana,
    )
    html = panel(response, "checks")
    assert "Two different grants.<br>See &lt;b&gt;annex&lt;/b&gt;." in html
    assert "1 answered" in words(html)
    assert re.search(r"ana · \d+ \w+ \d{4}, \d\d:\d\d UTC", words(html))
    assert "Nothing to correct and nothing to answer." in words(html)


def test_an_answer_is_taken_back_and_stays_on_record(client, ana, report):
    (finding,) = checked(report).open
    answer(report, finding.key, "Two different grants.", ana)
    client.force_login(ana)
    response = reason(client, report, finding.key, "", take_back="1")
    assert said(response) == ["The answer is taken back: the warning is open again."]
    assert "1 warning to answer" in words(panel(response, "checks"))
    assert [row.reason for row in Answer.objects.of(report)] == ["Two different grants.", ""]


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("no", "Nothing was answered. Say in a few words why this is right as it stands. You wrote: “no”"),
        (
            "odd \x07 sign",
            "Nothing was answered. The text holds an invisible control character (U+0007). Type it again. "
            "You wrote: “odd \x07 sign”",
        ),
    ],
)
def test_a_refused_answer_is_given_back_as_it_was_typed(client, ana, report, typed, why):
    client.force_login(ana)
    assert said(reason(client, report, checked(report).open[0].key, typed)) == [why]
    assert Answer.objects.count() == 0


def test_a_warning_that_has_changed_meanwhile_is_not_answered(client, ana, report):
    key = checked(report).open[0].key
    report.key_figures.all().delete()
    client.force_login(ana)
    assert said(reason(client, report, key)) == [
        "Nothing was answered. This warning no longer stands: the text or its answer has changed since. Look at it "
        "again. You wrote: “Two different grants.”"
    ]
    assert Answer.objects.count() == 0


@pytest.mark.parametrize(
    ("page", "sent", "leads_to"),
    [
        ("change", {"back": "release"}, "release"),
        ("change", {"back": "https://example.org/"}, "change"),
        ("change", {"back": "figures"}, "change"),  # a text has no such page
    ],
)
def test_an_answer_leads_back_to_the_page_that_it_was_sent_from(client, rita, report, page, sent, leads_to):
    client.force_login(rita)
    data = {"key": checked(report).open[0].key, "reason": "Two different grants.", **sent}
    assert client.post(url(report, "answer"), data).url == f"{url(report, leads_to)}#checks"


def test_finance_answers_the_warnings_of_figures_and_comes_back_to_the_same_years(client, fred, peru):
    factories.finance(peru, 2019, amount_usd="100")
    factories.finance(peru, 2020, amount_usd="900")
    (finding,) = checked(peru).open
    client.force_login(fred)
    data = {
        "key": finding.key,
        "reason": "The operation doubled its staff.",
        "back": "figures",
        "from": "2018",
    }
    response = client.post(url(peru, "answer"), data)
    assert response.url == f"{url(peru, 'figures')}?from=2018#checks"
    assert checked(peru).open == []


def test_who_may_change_what_a_warning_is_about_answers_it_and_nobody_else(client, fred, ana, rita, peru):
    for year, people, money in ((2019, 1000, "100"), (2020, 5000, "900")):
        factories.population(peru, year, people=people)
        factories.finance(peru, year, amount_usd=money)
    keys = {finding.where: finding.key for finding in checked(peru).open}
    assert keys.keys() == {"population", "finance"}
    for user, theirs, others in ((fred, "finance", "population"), (ana, "population", "finance")):
        client.force_login(user)
        html = panel(client.get(url(peru, "figures")), "checks")
        assert f'value="{keys[theirs]}"' in html
        assert f'value="{keys[others]}"' not in html
        assert reason(client, peru, keys[others]).status_code == 403
        assert reason(client, peru, keys[others], take_back="1").status_code == 403
        assert said(reason(client, peru, keys[theirs]))[-1] == "Your answer is kept."
    client.force_login(rita)
    for key in keys.values():
        assert said(reason(client, peru, key, take_back="1"))[-1].startswith("The answer is taken back")
    assert {finding.where for finding in checked(peru).open} == {"population", "finance"}


def test_who_only_reads_sees_the_checks_and_answers_nothing(client, vera, report):
    client.force_login(vera)
    text = words(panel(client.get(url(report)), "checks"))
    assert "1 warning to answer" in text
    assert "It is right as it stands" not in text
    data = {"key": checked(report).open[0].key, "reason": "Two different grants."}
    assert client.post(url(report, "answer"), data).status_code == 403
    assert Answer.objects.count() == 0


# --- The review -------------------------------------------------------------------------------------


def test_a_draft_goes_to_review_back_for_changes_and_to_review_again(client, ana, rita, report):
    client.force_login(ana)
    response = do(client, report, "sent", "Figures of the annex are in.")
    assert response.redirect_chain == [(f"{url(report)}#review", 302)]
    assert said(response)[0].startswith(
        "Sent for review. It cannot be released yet. First answer 1 warning: "
    )
    assert (review_of(report), kinds(report)) == ("in_review", ["sent"])

    client.force_login(rita)
    response = do(client, report, "changes_requested", "Which is right,\n52,000 or 52,996?")
    assert said(response) == ["Changes are requested: it is with its editors again."]
    assert (review_of(report), kinds(report)) == ("changes_requested", ["sent", "changes_requested"])

    client.force_login(ana)
    assert "Which is right,<br>52,000 or 52,996?" in panel(client.get(url(report)), "review")
    answer(report, checked(report).open[0].key, "Two different grants.", ana)
    assert said(do(client, report, "sent")) == ["Sent for review."]
    assert review_of(report) == "in_review"
    assert said(do(client, report, "taken_back")) == ["Taken back: it is a draft again."]
    assert (review_of(report), kinds(report)[2:]) == ("draft", ["sent", "taken_back"])


@pytest.mark.parametrize(
    ("state", "buttons"),
    [
        ("draft", {"ana": ["sent", "comment"], "rita": ["sent", "comment"], "vera": ["comment"]}),
        (
            "in_review",
            {
                "ana": ["taken_back", "comment"],
                "rita": ["changes_requested", "taken_back", "comment"],
                "vera": ["comment"],
            },
        ),
        ("changes_requested", {"ana": ["sent", "comment"], "rita": ["sent", "comment"], "vera": ["comment"]}),
        ("released", {"ana": ["comment"], "rita": ["comment"], "vera": ["comment"]}),
        ("withdrawn", {"ana": ["sent", "comment"], "rita": ["sent", "comment"], "vera": ["comment"]}),
    ],
)
def test_each_sees_the_buttons_that_they_may_press_now(client, ana, rita, vera, report, state, buttons):
    bring_to(report, state, ana, rita)
    for user in (ana, rita, vera):
        client.force_login(user)
        html = panel(client.get(url(report)), "review")
        assert re.findall(r'name="do" value="(\w+)"', html) == buttons[user.username]


def bring_to(text, state, ana, rita):
    if state in {"in_review", "changes_requested"}:
        send_for_review(text, ana)
    if state == "changes_requested":
        request_changes(text, rita, "Shorter.")
    if state in {"released", "withdrawn"}:
        release(text, rita)
    if state == "withdrawn":
        withdraw(text, rita)


@pytest.mark.parametrize(
    ("username", "refused"),
    [
        ("vera", ["sent", "taken_back", "changes_requested"]),
        ("ana", ["changes_requested"]),
        ("ana", ["released", "scheduled", "", "nothing"]),
    ],
)
def test_a_step_that_somebody_may_not_take_is_refused(client, ana, rita, vera, report, username, refused):
    client.force_login({"ana": ana, "vera": vera}[username])
    send_for_review(report, ana)
    for kind in refused:
        assert do(client, report, kind, "words").status_code == 403
    assert (review_of(report), kinds(report)) == ("in_review", ["sent"])


@pytest.mark.parametrize("page", ["answer", "review"])
def test_nothing_is_sent_to_texts_that_somebody_does_not_see_or_by_a_link(client, ana, report, page):
    chad = factories.narrative(factories.operation("TCD"))
    client.force_login(ana)
    assert client.post(url(chad, page), {"do": "comment", "text": "words"}).status_code == 404
    assert client.get(url(report, page)).status_code == 405
    client.logout()
    assert client.post(url(report, page)).status_code == 302
    assert (Step.objects.count(), Answer.objects.count()) == (0, 0)


def test_finance_sends_no_text_and_requests_no_changes_of_a_profile(client, fred, ana, peru, report):
    send_for_review(peru, ana)
    client.force_login(fred)
    assert do(client, report, "comment", "words").status_code in {403, 404}
    assert do(client, peru, "changes_requested", "words").status_code == 403
    assert review_of(peru) == "in_review"


def test_the_review_of_a_profile_is_begun_and_taken_back_by_who_may_change_the_operation(
    client, fred, ana, peru
):
    factories.finance(peru)
    record(peru, ana)
    client.force_login(fred)
    assert do(client, peru, "sent").status_code == 403
    assert re.findall(r'name="do" value="(\w+)"', panel(client.get(url(peru, "figures")), "review")) == [
        "comment"
    ]
    send_for_review(peru, ana)
    assert do(client, peru, "taken_back").status_code == 403
    assert (review_of(peru), kinds(peru)) == ("in_review", ["sent"])
    client.force_login(factories.user("eve", groups=("Field editors",), on=[peru]))
    do(client, peru, "taken_back")
    assert review_of(peru) == "draft"


def test_who_sent_a_profile_takes_it_back_even_without_the_right_to_change_it_any_longer(client, fred, peru):
    send_for_review(peru, fred)
    client.force_login(fred)
    do(client, peru, "taken_back")
    assert (review_of(peru), kinds(peru)) == ("draft", ["sent", "taken_back"])


def comment_in(response):
    """What stands in the field of the comment."""
    return re.search(r'<textarea name="text".*?>(.*?)</textarea>', response.content.decode(), re.S)[1]


def seen_in(response):
    (number,) = re.findall(r'name="seen" value="(\d+)"', panel(response, "review"))
    return number


@pytest.mark.parametrize("kind", ["sent", "changes_requested"])
def test_what_was_saved_while_the_page_was_open_is_neither_sent_nor_sent_back(
    client, ana, rita, report, kind
):
    if kind == "changes_requested":
        send_for_review(report, ana)
    before = kinds(report)
    client.force_login(rita)
    seen = seen_in(client.get(url(report)))
    assert seen == "1"
    factories.key_figure(report, "7", text="offices opened")
    with time_machine.travel(timezone.now().replace(hour=14, minute=2), tick=False):
        record(report, ana)
        response = do(client, report, kind, "Good\nas <it> is.", seen=seen)
    assert said(response) == [
        "Nothing was done. ana saved edition 2 at 14:02 (UTC), while this page was open. Look at it first. "
        "What you wrote stands below."
    ]
    assert comment_in(response) == "Good\nas &lt;it&gt; is."
    assert "open. Look at it first. Comment Good" in words(panel(response, "review"))
    assert kinds(report) == before
    assert seen_in(response) == "2"
    do(client, report, kind, "Good.", seen=seen_in(response))
    assert kinds(report) == [*before, kind]


def test_what_oneself_saved_in_another_window_is_not_sent_unseen_either(client, ana, report):
    client.force_login(ana)
    factories.key_figure(report, "7", text="offices opened")
    record(report, ana)
    (why,) = said(do(client, report, "sent", seen="1"))
    assert why.startswith("Nothing was done. You, in another window, saved edition 2 at ")
    assert why.endswith("while this page was open. Look at it first.")
    assert kinds(report) == []


@pytest.mark.parametrize("kind", ["comment", "taken_back"])
def test_a_comment_and_a_taking_back_speak_of_no_edition_and_go_through(client, ana, rita, report, kind):
    send_for_review(report, ana)
    client.force_login(ana)
    factories.key_figure(report, "7", text="offices opened")
    record(report, rita)
    do(client, report, kind, "Wait.", seen="1")
    assert kinds(report) == ["sent", kind]


def test_what_was_typed_comes_back_on_the_page_of_that_text_alone(client, ana, peru, report):
    other = factories.narrative(peru, year=2021)
    record(other, ana)
    client.force_login(ana)
    do(client, report, "sent")
    client.post(url(report, "review"), {"do": "sent", "text": "Once more."})
    assert comment_in(client.get(url(other))) == ""
    assert comment_in(client.get(url(report))) == "Once more."


def test_what_is_sent_twice_is_in_review_once(client, ana, report):
    client.force_login(ana)
    do(client, report, "sent")
    (why,) = said(do(client, report, "sent", "Once more."))
    assert re.fullmatch(
        r"Nothing was done\. It is in review already: ana, sent for review, .* UTC\. What you wrote stands below\.",
        why,
    )
    assert kinds(report) == ["sent"]


@pytest.mark.parametrize("kind", ["changes_requested", "taken_back"])
def test_what_was_released_meanwhile_is_no_longer_in_review(client, ana, rita, report, kind):
    send_for_review(report, ana)
    release(report, rita)
    client.force_login(rita)
    response = do(client, report, kind, "Please shorten.")
    (why,) = said(response)
    assert comment_in(response) == "Please shorten."
    assert comment_in(client.get(url(report))) == ""
    assert re.fullmatch(
        r"Nothing was done\. It is no longer in review: rita, released, .* UTC\. What you wrote stands below\.",
        why,
    )
    assert kinds(report) == ["sent", "released"]


def test_what_readers_see_already_is_not_sent(client, ana, rita, report):
    release(report, rita)
    client.force_login(ana)
    assert said(do(client, report, "sent")) == [
        "Nothing was done. Readers see edition 1, and nothing has changed since."
    ]
    release(report, rita, timezone.now() + dt.timedelta(days=1))
    assert kinds(report) == ["released"]


def test_what_is_set_to_be_released_is_not_sent_and_a_newer_draft_of_it_is(client, ana, rita, report):
    release(report, rita, timezone.now() + dt.timedelta(days=1))
    client.force_login(ana)
    assert said(do(client, report, "sent")) == [
        "Nothing was done. Edition 1 is set to be released, and nothing has changed since."
    ]
    factories.key_figure(report, "7", text="offices opened")
    record(report, ana)
    do(client, report, "sent")
    assert (review_of(report), kinds(report)) == ("in_review", ["scheduled", "sent"])


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("comment", "Nothing was done. Write the comment first."),
        ("changes_requested", "Nothing was done. Write in the comment what is to be changed."),
    ],
)
def test_a_comment_and_a_request_need_words(client, ana, rita, report, kind, why):
    send_for_review(report, ana)
    client.force_login(rita)
    assert said(do(client, report, kind, "  \n ")) == [why]
    assert (review_of(report), kinds(report)) == ("in_review", ["sent"])


def test_who_reads_a_text_comments_on_it_in_plain_words(client, vera, report):
    client.force_login(vera)
    response = do(client, report, "comment", "First line.\r\n<script>alert(1)</script>")
    assert said(response) == ["Your comment is kept."]
    html = panel(response, "review")
    assert "First line.<br>&lt;script&gt;alert(1)&lt;/script&gt;" in html
    (step,) = Step.objects.of(report)
    assert (step.by, step.edition.number) == (vera, 1)
    assert review_of(report) == "draft"
    assert Edition.objects.of(report).count() == 1


def test_a_comment_of_any_length_is_cut_and_not_a_fault(client, vera, report):
    client.force_login(vera)
    do(client, report, "comment", "word " * 2000)
    assert len(Step.objects.get().text) == 4999


def test_saving_in_review_keeps_it_in_review_and_says_nothing_in_the_thread(client, ana, peru):
    record(peru, ana)
    send_for_review(peru, ana)
    client.force_login(ana)
    people = re.search(
        r'name="(people[^"]*2020[^"]*)"', client.get(f"{url(peru, 'figures')}?from=2019").content.decode()
    )
    client.post(f"{url(peru, 'figures')}?from=2019", {people[1]: "1,557,276", "seen": "1", "_save": ""})
    assert Edition.objects.of(peru).first().number == 2
    assert (review_of(peru), kinds(peru)) == ("in_review", ["sent"])


def test_the_thread_tells_each_step_and_folds_what_is_older_than_the_last_release(client, ana, rita, report):
    send_for_review(report, ana, "Ready.")
    release(report, rita, note="First edition.")
    factories.key_figure(report, "7", text="offices opened")
    send_for_review(report, ana, "A figure more.")
    thread = Thread.of(report, "Europe/Zurich")
    assert [step.kind for step in thread.earlier] == ["sent"]
    assert [step.kind for step in thread.steps] == ["released", "sent"]
    Step.objects.update(at=dt.datetime(2026, 1, 25, 23, 30, tzinfo=dt.UTC))
    client.force_login(ana)
    html = panel(client.get(url(report)), "review")
    folded = re.search(r'<details class="earlier">.*?</details>', html, re.S)[0]
    assert words(folded) == (
        "1 step before the last release ana sent for review · edition 1 Ready. 25 January 2026, 23:30 UTC"
    )
    assert words(html.replace(folded, "")).startswith(
        "Review ◑ in review rita released · edition 1 First edition. 25 January 2026, 23:30 UTC "
        "ana sent for review · edition 2 A figure more. 25 January 2026, 23:30 UTC Comment"
    )
    client.cookies["openfield_zone"] = "Europe/Zurich"
    assert "26 January 2026, 00:30 CET (25 January 2026, 23:30 UTC)" in words(
        client.get(url(report)).content.decode()
    )


def test_a_release_whose_time_has_come_begins_the_thread_anew(ana, rita, report):
    send_for_review(report, ana)
    release(report, rita, timezone.now() + dt.timedelta(hours=1))
    assert [len(Thread.of(report, "UTC").earlier), len(Thread.of(report, "UTC").steps)] == [0, 2]
    Edition.objects.of(report).update(released_at=timezone.now())
    assert [len(Thread.of(report, "UTC").earlier), len(Thread.of(report, "UTC").steps)] == [1, 1]


# --- E-mail -----------------------------------------------------------------------------------------


@pytest.fixture
def reminders(settings):
    settings.REMINDERS, settings.SITE_URL = True, "https://operations.example.org"


def test_those_who_may_release_it_are_told_that_it_waits(
    client, ana, rita, fred, vera, report, reminders, django_capture_on_commit_callbacks
):
    for name, on in (("elsewhere", [factories.operation("TCD")]), ("everywhere", None)):
        factories.user(name, groups=("Reviewers",), on=on, email=f"{name}@example.org")
    factories.user("gone", groups=("Reviewers",), is_active=False, email="gone@example.org")
    factories.user("mute", groups=("Reviewers",))
    for user in (fred, vera):
        type(user).objects.filter(pk=user.pk).update(email=f"{user}@example.org")
    client.force_login(ana)
    with django_capture_on_commit_callbacks(execute=True):
        do(client, report, "sent", "Figures of the annex are in.")
    assert sorted(message.to for message in mail.outbox) == [["everywhere@example.org"], ["rita@example.org"]]
    assert mail.outbox[0].subject == "For your review: Peru: year-end report 2020"
    assert mail.outbox[0].body == (
        "ana sent “Peru: year-end report 2020” for review.\n\nFigures of the annex are in.\n\n"
        f"https://operations.example.org{url(report)}"
    )


def test_who_wrote_and_who_sent_it_are_told_that_changes_were_requested(
    client, ana, rita, peru, report, reminders, django_capture_on_commit_callbacks
):
    berta = factories.user("berta", groups=("Field editors",), on=[peru], email="berta@example.org")
    send_for_review(report, berta)
    client.force_login(rita)
    with django_capture_on_commit_callbacks(execute=True):
        do(client, report, "changes_requested", "Which is right?")
    assert sorted(message.to for message in mail.outbox) == [["ana@example.org"], ["berta@example.org"]]
    assert mail.outbox[0].subject == "Changes requested: Peru: year-end report 2020"
    assert mail.outbox[0].body.startswith(
        "rita asks for changes of “Peru: year-end report 2020”.\n\nWhich is right?"
    )


def test_nobody_is_written_to_where_reminders_are_off(
    client, ana, rita, report, django_capture_on_commit_callbacks
):
    client.force_login(ana)
    with django_capture_on_commit_callbacks(execute=True) as sent:
        do(client, report, "sent")
    assert (sent, mail.outbox) == ([], [])
    assert review_of(report) == "in_review"


def test_a_mail_server_that_does_not_answer_undoes_nothing(
    client, ana, rita, report, reminders, settings, caplog, django_capture_on_commit_callbacks
):
    send_mail_by(settings, "django.core.mail.backends.smtp.EmailBackend", host="localhost", port=1)
    client.force_login(ana)
    with django_capture_on_commit_callbacks(execute=True):
        do(client, report, "sent")
    assert review_of(report) == "in_review"
    assert "Connection refused" in caplog.text


def test_with_four_eyes_the_author_is_not_asked_to_review(
    client, rita, peru, report, reminders, settings, django_capture_on_commit_callbacks
):
    settings.FOUR_EYES = True
    factories.key_figure(report, "7", text="offices opened")
    record(report, rita)
    client.force_login(factories.user("boss", is_superuser=True))
    with django_capture_on_commit_callbacks(execute=True):
        do(client, report, "sent")
    assert mail.outbox == []
    assert Inbox.of(rita, "UTC").to_review == []


# --- The inbox --------------------------------------------------------------------------------------


def inbox(user):
    found = Inbox.of(user, "UTC")
    return [str(row) for row in found.to_review], [str(row) for row in found.to_change]


def test_each_finds_what_waits_for_them(ana, rita, vera, fred, peru, report):
    plan = factories.narrative(peru, 2021, "plan")
    chad = factories.narrative(factories.operation("TCD"), 2021, "plan")
    boss = factories.user("boss", is_superuser=True)
    for text in (report, plan, chad, peru):
        send_for_review(text, ana)
    request_changes(plan, rita, "Shorter.")
    assert inbox(ana) == ([], ["Peru: plan 2021"])
    assert inbox(rita) == (["Peru", "Peru: year-end report 2020"], [])
    assert inbox(boss) == (["Peru", "Peru: year-end report 2020", "Tcd: plan 2021"], [])
    assert inbox(vera) == ([], [])
    assert inbox(fred) == ([], [])


def test_a_reviewer_who_wrote_a_text_is_told_of_changes_to_it(rita, peru):
    text = factories.narrative(peru)
    send_for_review(text, rita)
    request_changes(text, factories.user("boss", is_superuser=True), "Shorter.")
    assert inbox(rita) == ([], ["Peru: year-end report 2020"])


def test_what_was_released_or_taken_back_waits_no_longer(ana, rita, peru, report):
    plan = factories.narrative(peru, 2021, "plan")
    send_for_review(report, ana)
    send_for_review(plan, ana)
    release(report, rita)
    take_back(plan, ana)
    assert inbox(rita) == ([], [])


def test_the_start_page_begins_with_the_inbox(client, ana, rita, report):
    send_for_review(report, ana, "Ready.")
    client.force_login(rita)
    html = client.get(reverse("admin:index")).content.decode()
    section = re.search(r'<section class="inbox".*?</section>', html, re.S)[0]
    assert re.fullmatch(
        r"Waiting for your review 1 Peru: year-end report 2020 ana · \d+ \w+ \d{4}, \d\d:\d\d UTC Ready\.",
        words(section),
    )
    assert f'href="{url(report)}#review"' in section
    client.force_login(ana)
    assert '<section class="inbox"' not in client.get(reverse("admin:index")).content.decode()
    request_changes(report, rita, "Shorter.")
    html = client.get(reverse("admin:index")).content.decode()
    assert words(re.search(r'<section class="inbox".*?</section>', html, re.S)[0]).startswith(
        "Changes were requested 1 Peru: year-end report 2020 rita · "
    )


@pytest.mark.parametrize("texts", [1, 12])
def test_the_inbox_and_the_thread_cost_the_same_for_one_step_and_for_many(
    ana, rita, peru, django_assert_num_queries, texts
):
    for year in range(2000, 2000 + texts):
        text = factories.narrative(peru, year)
        send_for_review(text, ana)
        Step.objects.bulk_create(
            Step(edition=Edition.objects.get(year=year), kind="comment", text="words", by=rita)
            for _number in range(texts)
        )
    with django_assert_num_queries(3):  # profiles, texts, their steps
        assert len(Inbox.of(rita, "UTC").to_review) == texts
    with django_assert_num_queries(1):
        assert len(Thread.of(text, "UTC").steps) == 1 + texts


def test_the_form_costs_the_same_for_one_warning_and_for_many(client, ana, report):
    from django.db import connection

    client.force_login(ana)
    client.get(url(report))
    with CaptureQueriesContext(connection) as few:
        client.get(url(report))
    report.sections.filter(type__code="unmet-needs").update(
        body="".join(f"<p>{number} were reached in 2020.</p>" for number in ("52,000", "52,900", "52,990"))
    )
    for _number in range(5):
        Step.objects.create(edition=Edition.objects.get(), kind="comment", text="words", by=ana)
    with CaptureQueriesContext(connection) as many:
        response = client.get(url(report))
    assert "3 warnings to answer" in words(response.content.decode())
    assert len(many) == len(few)


# --- States -----------------------------------------------------------------------------------------


def test_the_state_of_each_row_and_the_filter_by_state_agree_for_every_combination():
    """Up to three editions, each a draft, public, to come or withdrawn, and every step of the review."""
    now, day = timezone.now(), dt.timedelta(days=1)
    times = {
        "draft": {},
        "released": {"released_at": now - day},
        "scheduled": {"released_at": now + day},
        "withdrawn": {"released_at": now - day, "withdrawn_at": now},
    }
    combinations = [
        (review, made)
        for review in Narrative.Review.values
        for count in range(4)
        for made in itertools.product(times, repeat=count)
    ]
    assert len(combinations) == 3 * (1 + 4 + 16 + 64)
    years = itertools.product(range(1950, 2200), ["plan", "year_end"])
    peru = factories.operation("PER")
    for (review, made), (year, kind) in zip(combinations, years, strict=False):
        Narrative.objects.create(operation=peru, year=year, kind=kind, review=review)
        Edition.objects.bulk_create(
            Edition(operation=peru, year=year, kind=kind, number=number, content={}, **times[state])
            for number, state in enumerate(made, 1)
        )
    for number, (review, made) in enumerate(combinations):
        operation = factories.operation(f"OP{number}", review=review)
        Edition.objects.bulk_create(
            Edition(operation=operation, kind="profile", number=number, content={}, **times[state])
            for number, state in enumerate(made, 1)
        )
    of_texts = narratives_with_state(Narrative.objects.all())
    of_profiles = operations_with_state(Operation.objects.exclude(pk=peru.pk))
    for rows in (of_texts, of_profiles):
        expected = {state: set() for state in State}
        for row in rows:
            expected[state_of(row)].add(row.pk)
        found = {state: set(in_state(rows, state).values_list("pk", flat=True)) for state in State}
        never = {State.MISSING, State.LATER, State.OUT_OF_DATE}
        assert {s: found[s] for s in State if s not in never} == {
            s: expected[s] for s in State if s not in never
        }
        assert {len(expected[state]) > 0 for state in State if state not in never} == {True}
        assert {state: expected[state] for state in never} == {state: set() for state in never}


def test_the_standing_line_tells_every_state_in_a_sentence(client, ana, rita, report, settings):
    client.force_login(rita)
    day = dt.timedelta(days=1)

    def line():
        """Without what is left to do and who saved it."""
        text = re.sub(r"( 1 warning to answer)? Last saved by .*", "", standing(client, report))
        return re.sub(
            r"\d+ \w+ \d{4}, \d\d:\d\d UTC",
            "TIME",
            re.sub(r"released \d+ \w+ \d{4}\.", "released DAY.", text),
        )

    def draft(value):
        factories.key_figure(report, value, text="offices opened")
        record(report, ana)

    lines = [line()]
    send_for_review(report, ana)
    lines.append(line())
    request_changes(report, rita, "Shorter.")
    lines.append(line())
    release(report, rita, timezone.now() + day)
    lines.append(line())
    draft("7")
    lines.append(line())
    release(report, rita)
    lines.append(line())
    draft("8")
    lines.append(line())
    send_for_review(report, ana)
    lines.append(line())
    release(report, rita, timezone.now() + day)
    lines.append(line())
    withdraw(report, rita, reason="replaced", notice="See the plan.")
    lines.append(line())
    draft("9")
    lines.append(line())
    assert lines == [
        "◐ draft Edition 1 is a draft. Readers see nothing of it.",
        "◑ in review ana sent it for review on TIME. Edition 1 is to be reviewed. Readers see nothing of it.",
        "↺ changes requested rita asked for changes on TIME. Edition 1 is a draft. Readers see nothing of it.",
        "◔ release set for a time Edition 1 will be released on TIME; until then readers see nothing of it.",
        "◔ release set for a time Edition 1 will be released on TIME; until then readers see nothing of it. "
        "Edition 2 is a newer draft and not part of that release.",
        "● released Readers see edition 2, released DAY.",
        "◕ released, newer draft Edition 3 is a draft. Readers see edition 2, released DAY.",
        "◑ in review ana sent it for review on TIME. Edition 3 is to be reviewed. Readers see edition 2, released DAY.",
        "◔ release set for a time Edition 3 will be released on TIME; until then readers see edition 2.",
        "⊘ withdrawn Edition 3 is a draft. Edition 2 was withdrawn on TIME (replaced by another page). "
        "Readers see nothing of it but a notice.",
        "⊘ withdrawn Edition 4 is a draft. Edition 2 was withdrawn on TIME (replaced by another page). "
        "Readers see nothing of it but a notice.",
    ]


def test_the_start_page_shows_and_explains_every_state(client, ana, rita, report, peru):
    send_for_review(report, ana)
    plan = factories.narrative(peru, 2020, "plan")
    send_for_review(plan, ana)
    request_changes(plan, rita, "Shorter.")
    release(factories.narrative(peru, 2019, "plan"), rita, timezone.now() + dt.timedelta(days=1))
    client.force_login(ana)
    response = client.get(reverse("admin:index"))
    (line,) = response.context["lines"]
    assert [
        (year.year, [text.state for text in year.plan], [text.state for text in year.year_end])
        for year in line.years[1:]
    ] == [(2020, ["changes_requested"], ["in_review"]), (2019, ["scheduled"], ["missing"])]
    key = re.search(r'<ul class="state-key">.*?</ul>', response.content.decode(), re.S)[0]
    shown = set(re.findall(r'<li class="state-(\w+)"', key))
    assert shown == {state.value for state in State} - {"later"}


# --- In a browser -----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_warning_is_answered_with_the_keyboard_alone_and_what_was_typed_stays(page, ana, report):
    be_signed_in(page, "ana")
    page.goto(url(report))
    source = page.locator("#id_key_figures-0-source")
    source.fill("Registration, not yet saved")
    summary = page.get_by_text("It is right as it stands")
    summary.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("Two different grants.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("Your answer is kept.").wait_for()
    expect(page.locator("#checks").get_by_text("Nothing to correct and nothing to answer.")).to_be_visible()
    assert source.input_value() == "Registration, not yet saved"
    assert page.evaluate("document.activeElement.id") == "checks"
    assert page.locator(".standing .to-do").count() == 0
    assert Answer.objects.get().reason == "Two different grants."

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Take back the answer").focus()
    page.keyboard.press("Enter")
    page.get_by_text("The answer is taken back").wait_for()
    assert source.input_value() == "Registration, not yet saved"


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_was_begun_stays_while_another_is_sent(page, ana, report):
    report.sections.filter(type__code="unmet-needs").update(body="<p>52,000 or 52,900 in 2020</p>")
    be_signed_in(page, "ana")
    page.goto(url(report))
    for summary in page.get_by_text("It is right as it stands").all():
        summary.click()
    first, second = page.get_by_label("Why?").all()
    second.fill("Begun and not sent.")
    first.fill("Two different grants.")
    page.get_by_role("button", name="Answer").first.click()
    page.get_by_text("Your answer is kept.").wait_for()
    assert page.get_by_label("Why?").count() == 1
    assert page.get_by_label("Why?").input_value() == "Begun and not sent."
    expect(page.get_by_label("Why?")).to_be_visible()


@pytest.mark.django_db(transaction=True)
def test_a_text_goes_through_review_without_a_script(new_page, ana, rita, report):
    page = new_page(java_script_enabled=False)
    be_signed_in(page, "ana")
    page.goto(url(report))
    expect(page.get_by_text("Save your changes before you answer")).to_be_visible()
    page.get_by_text("It is right as it stands").click()
    page.get_by_label("Why?").fill("Two different grants.")
    page.get_by_role("button", name="Answer").click()
    page.get_by_text("Your answer is kept.").wait_for()
    page.get_by_role("button", name="Send for review").click()
    page.get_by_text("Sent for review.").wait_for()

    other = new_page(java_script_enabled=False)
    be_signed_in(other, "rita", reverse("admin:index"))
    other.get_by_role("link", name="Peru: year-end report 2020", exact=True).click()
    other.get_by_label("Comment").fill("Which grant?")
    other.get_by_role("button", name="Request changes").click()
    other.get_by_text("Changes are requested").wait_for()
    page.goto(reverse("admin:index"))
    page.get_by_role("link", name="Peru: year-end report 2020", exact=True).click()
    page.get_by_text("Which grant?").wait_for()
    assert review_of(report) == "changes_requested"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("width", [1280, 768, 360])
def test_the_row_of_buttons_covers_nothing_that_the_keyboard_comes_to(new_page, rita, report, width):
    page = new_page(viewport={"width": width, "height": 740})
    be_signed_in(page, "rita")
    page.goto(url(report))
    row = page.locator(".submit-row")
    height = page.evaluate(
        "parseFloat(getComputedStyle(document.querySelector('.submit-row'), '::before').height)"
    )
    assert height == 24  # what comes near it fades
    for name in ("key_figures-0-value", "key_figures-0-source", "key_figures-0-editor_note"):
        page.evaluate("scrollTo(0, 0)")
        field = page.locator(f"[name={name}]")
        field.focus()
        box = field.bounding_box()
        assert box["y"] > 0 and box["y"] + box["height"] <= row.bounding_box()["y"] - height


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("width", "is_beside"), [(1280, True), (768, False), (360, False)])
def test_the_panels_stand_beside_the_form_where_there_is_room(new_page, ana, report, width, is_beside):
    page = new_page(viewport={"width": width, "height": 900})
    be_signed_in(page, "ana")
    page.goto(url(report))
    # Both at one moment: the form grows while its editors start.
    form, checks = page.evaluate(
        "['narrative_form', 'checks'].map((id) => document.getElementById(id).getBoundingClientRect().toJSON())"
    )
    assert (checks["x"] >= form["x"] + form["width"]) is is_beside
    assert (checks["y"] >= form["y"] + form["height"]) is not is_beside
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.django_db(transaction=True)
def test_the_buttons_of_an_editor_are_as_wide_before_their_icons_are_there(new_page, ana, report):
    sizes = []
    for has_icons in (True, False):
        page = new_page(viewport={"width": 360, "height": 900})
        if not has_icons:
            page.route("**/material-icons*.woff2", lambda route: route.abort())
        be_signed_in(page, "ana")
        page.goto(url(report))
        button = page.locator(".prose-menubar__button.material-icons", has_text="format_list_bulleted").first
        expect(button).to_be_visible()
        page.evaluate("document.fonts.ready")
        is_there = "document.fonts.check('24px \"Material Icons\"')"
        assert page.evaluate(is_there) is has_icons
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        sizes.append((button.bounding_box()["width"], button.bounding_box()["height"]))
    assert sizes[0] == sizes[1]
