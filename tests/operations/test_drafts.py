"""Drafts as the checks see them, and the answers to what is found."""

import datetime as dt

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from operations.checks import CHECKS, Level
from operations.checks.draft import check
from operations.drafts import answer, blocks, checked, checked_many, drafts_of, take_back_answer
from operations.editions import freeze, record, release, withdraw
from operations.models import Answer, Edition, SectionType
from tests import factories

pytestmark = pytest.mark.django_db

CONTEXT = {"operational-context": "<p>In 2020 borders were closed.</p>"}


@pytest.fixture(autouse=True)
def _the_context_is_required(db):
    SectionType.objects.filter(code__in=["operational-context", "key-priorities"]).update(required_since=2015)


@pytest.fixture
def ana():
    return factories.user("ana")


@pytest.fixture
def peru():
    return factories.operation("PER")


def report(of, year=2020, needs="<p>We gave cash to 52,000 people in 2020.</p>", **fields):
    """One warning: the number in the text is near the key figure and differs from it."""
    text = factories.narrative(of, year, sections={**CONTEXT, "unmet-needs": needs}, **fields)
    factories.key_figure(text, "52,996", text="people given cash")
    return text


def found(checked):
    return (
        [finding.check for finding in checked.errors],
        [finding.check for finding in checked.open],
        [finding.check for finding, _answer in checked.answered],
    )


# --- What the checks look at ------------------------------------------------------------------------


def test_a_draft_holds_the_text_and_all_that_it_is_compared_with(peru, ana):
    last_year = report(peru, 2019)
    record(last_year, ana)
    source = record(report(peru), ana)
    text = report(peru, language="fr", translated_from=source)
    public = release(text, ana)
    record(peru, ana)
    factories.population(peru, people=1_557_276)
    profile = record(peru, ana)
    french_before = record(factories.narrative(peru, 2019, language="fr", sections=CONTEXT), ana)
    text.sections.get(type__code="unmet-needs").delete()

    (draft,) = drafts_of([text])
    assert draft.content == freeze(text)
    assert [section["type"] for section in draft.content["sections"]] == ["operational-context"]
    assert draft.public == public.content
    assert draft.last_year == french_before.content
    assert draft.profile == profile.content
    assert draft.source == source.content
    assert draft.required == ("operational-context",)
    assert draft.headings["unmet-needs"] == "Unmet needs"


def test_a_draft_of_a_profile_is_compared_with_what_is_public(peru, ana):
    public = release(peru, ana)
    factories.population(peru)
    (draft,) = drafts_of([peru])
    assert (draft.content, draft.public) == (freeze(peru), public.content)
    assert (draft.last_year, draft.profile, draft.source, draft.required) == (None, None, None, ())


def test_what_was_withdrawn_is_not_public_and_still_what_was_written_last_year(peru, ana):
    before, text = report(peru, 2019), report(peru)
    for each in (before, text):
        release(each, ana)
        withdraw(each, ana)
    (draft,) = drafts_of([text])
    assert draft.public is None
    assert draft.last_year == freeze(before)


def test_a_section_is_required_where_it_belongs_to_the_kind_and_year(peru):
    SectionType.objects.filter(code="unmet-needs").update(required_since=2021)
    texts = [
        factories.narrative(peru, 2020),
        factories.narrative(peru, 2021),
        factories.narrative(peru, kind="plan"),
    ]
    assert [draft.required for draft in drafts_of(texts)] == [
        ("operational-context",),
        ("operational-context", "unmet-needs"),
        ("key-priorities",),
    ]


@pytest.mark.parametrize("texts", [1, 8])
def test_checking_one_text_costs_as_much_as_checking_eight_and_their_profiles(
    ana, django_assert_num_queries, texts
):
    copies = []
    for number in range(texts):
        operation = factories.operation(f"OP{number}")
        source = release(report(operation), ana)
        record(report(operation, 2019), ana)
        copies += [operation, report(operation, language="fr", translated_from=source)]
    # The profile: itself, its offices, people, money. The text: itself with its operation, sections, headings, key
    # figures. What is public; the year before and the newest profile; what was saved of translations; their sources;
    # headings; answers.
    with django_assert_num_queries(14):
        assert len(checked_many(copies)) == 2 * texts


# --- Answers ----------------------------------------------------------------------------------------


def test_what_is_found_is_told_with_what_a_release_still_needs(peru):
    text = report(peru)
    text.sections.get(type__code="operational-context").delete()
    now = checked(text)
    assert found(now) == (["required-section"], ["number-near-key-figure"], [])
    assert now.missing == ["Operational context"]
    assert blocks(now) == (
        "First write 1 section and answer 1 warning: “Operational context” is empty. Write it: this text cannot be "
        "released without it."
    )


def test_an_answer_is_kept_with_the_warning_and_opens_the_way_to_release(peru, ana):
    text = report(peru)
    edition = record(text, ana)
    (finding,) = checked(text).open
    assert blocks(checked(text)) == f"First answer 1 warning: {finding.message}"
    given = answer(text, finding.key, "  52,000 were reached with one grant alone. ", ana)
    assert (given.edition, given.check_code, given.key) == (edition, "number-near-key-figure", finding.key)
    assert (given.message, given.by) == (finding.message, ana)
    assert given.reason == "52,000 were reached with one grant alone."
    now = checked(text)
    assert (now.errors, now.open, now.answered) == ([], [], [(finding, given)])
    assert now.warnings == [finding]
    assert blocks(now) == ""


def test_an_answer_is_of_this_text_alone(peru, ana):
    text, in_french = report(peru), report(peru, language="fr", needs="<p>52,000 en 2020</p>")
    (finding,) = checked(text).open
    answer(text, finding.key, "Two different grants.", ana)
    with pytest.raises(ValidationError):
        answer(in_french, finding.key, "Two different grants.", ana)
    assert Answer.objects.count() == 1


def test_the_newest_answer_counts_and_one_that_is_taken_back_opens_the_warning_again(peru, ana):
    text = report(peru)
    key = checked(text).open[0].key
    answer(text, key, "First reason.", ana)
    second = answer(text, key, "Second reason.", ana)
    assert checked(text).answered[0][1] == second
    take_back_answer(text, key, ana)
    assert found(checked(text)) == ([], ["number-near-key-figure"], [])
    with pytest.raises(ValidationError):
        take_back_answer(text, key, ana)
    third = answer(text, key, "Third reason.", ana)
    assert checked(text).answered[0][1] == third
    assert [row.reason for row in Answer.objects.of(text)] == [
        "First reason.",
        "Second reason.",
        "",
        "Third reason.",
    ]


def test_an_answer_holds_for_the_next_edition_as_long_as_the_facts_do(peru, ana):
    text = report(peru)
    key = checked(text).open[0].key
    answer(text, key, "Two different grants.", ana)
    factories.key_figure(text, "7", text="offices opened")
    record(text, ana)
    assert found(checked(text)) == ([], [], ["number-near-key-figure"])
    text.key_figures.filter(value="52,996").update(value="52,995", number=52995)
    assert found(checked(text)) == ([], ["number-near-key-figure"], [])


@pytest.mark.parametrize("reason", ["", "  ", "ok", "12345 …"])
def test_an_answer_says_why(peru, ana, reason):
    text = report(peru)
    with pytest.raises(ValidationError) as refused:
        answer(text, checked(text).open[0].key, reason, ana)
    assert refused.value.messages == ["Say in a few words why this is right as it stands."]
    assert Answer.objects.count() == 0


@pytest.mark.parametrize("which", ["error", "gone", "forged"])
def test_only_a_warning_that_stands_is_answered(peru, ana, which):
    text = report(peru)
    now = checked(text)
    key = "forged:0"
    if which == "gone":
        key = now.open[0].key
        text.key_figures.all().delete()
    if which == "error":
        text.sections.get(type__code="operational-context").delete()
        key = checked(text).errors[0].key
    with pytest.raises(ValidationError) as refused:
        answer(text, key, "A reason that is long enough.", ana)
    assert refused.value.messages == [
        "This warning no longer stands: the text or its answer has changed since. Look at it again."
    ]
    assert (Answer.objects.count(), Edition.objects.count()) == (0, 0)


def test_who_answers_a_warning_does_not_become_the_author(peru, ana):
    text = report(peru)
    record(text, ana)
    SectionType.objects.filter(code="unmet-needs").update(heading_en="What is still needed")
    given = answer(text, checked(text).open[0].key, "Two different grants.", factories.user("rita"))
    assert Edition.objects.of(text).count() == 1
    assert given.edition.made_by == ana


def test_an_answer_does_not_hold_for_the_same_number_of_something_else(peru, ana):
    text = report(peru, needs="<p>In all 52,000 tents were given in 2020.</p>")
    answer(text, checked(text).open[0].key, "Tents are not people.", ana)
    assert found(checked(text)) == ([], [], ["number-near-key-figure"])
    text.sections.filter(type__code="unmet-needs").update(body="<p>In all 52,000 people were given cash.</p>")
    assert found(checked(text)) == ([], ["number-near-key-figure"], [])


@pytest.fixture
def failing():
    """In the place of the check that says which sections are missing."""
    kept = CHECKS["required-section"]

    @check("required-section", Level.ERROR)
    def fails(draft):
        raise ZeroDivisionError
        yield

    yield
    CHECKS["required-section"] = kept


def test_a_check_that_fails_is_answered_like_any_warning(failing, peru, ana):
    text = report(peru)
    now = checked(text)
    assert found(now) == ([], ["required-section", "number-near-key-figure"], [])
    assert now.missing == []
    assert blocks(now).startswith("First answer 2 warnings: The check “required-section” could not be made;")
    answer(text, now.open[0].key, "All sections are there.", ana)
    assert found(checked(text)) == ([], ["number-near-key-figure"], ["required-section"])


@pytest.mark.parametrize("page", ["change", "release"])
def test_a_form_and_its_release_page_open_whatever_a_check_does(failing, client, peru, page):
    text = report(peru)
    client.force_login(factories.user("boss", is_superuser=True))
    response = client.get(reverse(f"admin:operations_narrative_{page}", args=[text.pk]))
    assert response.status_code == 200
    assert "The check “required-section” could not be made" in response.content.decode()


def test_the_form_of_a_text_with_a_number_that_mixes_separators_opens(client, peru):
    text = report(peru, needs="<p>We reached 1٬23,456 people in 2020.</p>")
    client.force_login(factories.user("boss", is_superuser=True))
    response = client.get(reverse("admin:operations_narrative_change", args=[text.pk]))
    assert response.status_code == 200
    assert "“1٬23,456” is not how a number is written" in response.content.decode()


def test_a_translation_of_what_was_withdrawn_is_asked_about(peru, ana):
    source = release(report(peru), ana)
    text = report(peru, language="fr", translated_from=source)
    assert "source-withdrawn" not in found(checked(text))[1]
    with time_machine.travel(dt.datetime(2021, 3, 5, 12, tzinfo=dt.UTC)):
        Edition.objects.filter(pk=source.pk).update(withdrawn_at=timezone.now())
    (finding,) = (each for each in checked(text).open if each.check == "source-withdrawn")
    assert finding.message.startswith("What this was translated from was withdrawn on 5 March 2021: ")
    assert drafts_of([text])[0].source_withdrawn_at == dt.datetime(2021, 3, 5, 12, tzinfo=dt.UTC)
