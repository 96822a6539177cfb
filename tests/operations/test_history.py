"""The history of a page, its editions at their permanent addresses, and how to cite them."""

import datetime as dt
import re

import pytest
import time_machine
from django.core.cache import cache

from operations.editions import record, release, withdraw
from operations.models import Edition, Region
from tests import factories
from tests.reading import words

pytestmark = pytest.mark.django_db

START = dt.datetime(2021, 3, 5, 9, tzinfo=dt.UTC)
LATER = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
AGAIN = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
HISTORY = "/operations/per/2020/history/"


@pytest.fixture(autouse=True)
def _now():
    cache.clear()
    with time_machine.travel(LATER, tick=False):
        yield


@pytest.fixture
def peru():
    peru = factories.operation(region=Region.objects.get(code="AME"))
    factories.population(peru, people=52_000)
    publish(peru, 0)
    return peru


def publish(working_copy, day, **options):
    """Release on this day after the start; earlier releases come first."""
    with time_machine.travel(START + dt.timedelta(days=day), tick=False):
        return release(working_copy, None, **options)


def report(peru, body="We reached 52,000 people.", **fields):
    return factories.narrative(peru, sections={"unmet-needs": f"<p>{body}</p>"}, **fields)


def rewrite(narrative, body):
    narrative.sections.update(body=f"<p>{body}</p>")


def entries(client, address=HISTORY):
    """Of each entry: the text, its number, and whether it is compared, the first, or withdrawn."""
    found = []
    for entry in client.get(address).context["history"].entries:
        kind = (
            "withdrawn"
            if entry.edition.withdrawn_at
            else "compared"
            if entry.comparison is not None
            else "first"
        )
        found.append(
            (entry.edition.kind, entry.edition.year, entry.edition.language, entry.edition.number, kind)
        )
    return found


# --- History --------------------------------------------------------------------------------------


def test_a_history_lists_what_the_page_was_made_of_newest_first(client, peru):
    texts = [
        report(peru), report(peru, language="fr"), factories.narrative(peru, 2020, "plan"),
        factories.narrative(peru, 2021, "plan"), factories.narrative(peru, 2021), factories.narrative(peru, 2019),
    ]  # fmt: skip
    for day, text in enumerate(texts, 1):
        publish(text, day)
    rewrite(texts[0], "We reached 52,996 people.")
    publish(texts[0], 10)
    assert entries(client) == [
        ("year_end", 2020, "en", 2, "compared"),
        ("plan", 2021, "en", 1, "first"),
        ("plan", 2020, "en", 1, "first"),
        ("year_end", 2020, "fr", 1, "first"),
        ("year_end", 2020, "en", 1, "first"),
        ("profile", None, "en", 1, "first"),
    ]


def test_a_correction_is_marked_and_shown_word_by_word_and_figure_by_figure(client, peru):
    text = report(peru)
    figure = factories.key_figure(text, "52,000")
    publish(text, 1)
    rewrite(text, "We reached 52,996 people.")
    figure.value = "52,996"
    figure.save()
    publish(text, 2, note="The first edition was rounded.", is_correction=True)
    response = client.get(HISTORY)
    shown = words(response)
    assert (
        "Year-end report 2020, edition 2 Correction Released on 7 March 2021, 09:00 UTC · "
        "The page as it stood then" in shown
    )
    assert "The first edition was rounded." in shown
    html = response.content.decode()
    assert "<del>" in html
    assert "52,996" in html
    assert "What changed against edition 1" in shown
    assert f'href="/editions/{text_editions(text)[0].pk}/"' in html


def text_editions(working_copy):
    return list(Edition.objects.of(working_copy))


def test_the_operation_page_leads_to_its_history_and_says_what_was_corrected(client, peru):
    text = report(peru)
    publish(text, 1)
    page = client.get("/operations/per/2020/")
    assert f'href="{HISTORY}"' in page.content.decode()
    assert "Corrected on" not in words(page)
    rewrite(text, "We reached 52,996 people.")
    publish(text, 2, note="It was rounded.", is_correction=True)
    assert "Corrected on 7 March 2021. It was rounded. What was changed" in words(
        client.get("/operations/per/2020/")
    )
    peru.population_figures.update(people=52_996)
    publish(peru, 3, note="A recount.", is_correction=True)
    shown = words(client.get("/operations/per/2020/"))
    assert "The figures: Corrected on 8 March 2021. A recount. What was changed" in shown
    rewrite(text, "We reached 52,997 people.")
    publish(text, 4)
    assert "It was rounded" not in words(client.get("/operations/per/2020/"))


def test_a_correction_of_key_figures_alone_is_said_beside_them(client, peru):
    for year, kind in ((2020, "year_end"), (2021, "plan")):
        text = factories.narrative(
            peru, year, kind, {"key-priorities": "<p>To do.</p>"} if kind == "plan" else {}
        )
        factories.key_figure(text)
        publish(text, 1)
        text.key_figures.update(text=f"people of {year}")
        publish(text, 2, note=f"Of {year}.", is_correction=True)
    shown = words(client.get("/operations/per/2020/"))
    assert (
        "Year-end 2020 Corrected on 7 March 2021. Of 2020. What was changed 300,000 people of 2020" in shown
    )
    assert (
        "Planned for 2021 Corrected on 7 March 2021. Of 2021. What was changed 300,000 people of 2021"
        in shown
    )
    assert words(client.get("/operations/per/2021/")).count("Of 2021.") == 1


def test_a_profile_is_listed_where_it_changed_the_year_or_a_fact_without_a_year(client, peru):
    publish(report(peru), 0)
    publish(report(peru, year=2019), 0)
    factories.population(peru, 2019, people=10)
    publish(peru, 1)
    factories.office(peru)
    publish(peru, 2)
    peru.population_figures.filter(year=2020).update(people=52_996)
    publish(peru, 3)

    def profiles(year):
        listed = entries(client, f"/operations/per/{year}/history/")
        return [(number, kind) for what, _year, _language, number, kind in listed if what == "profile"]

    assert profiles(2020) == [(4, "compared"), (3, "compared"), (1, "first")]
    assert profiles(2019) == [(3, "compared"), (2, "compared"), (1, "first")]


def test_the_operation_before_is_named_only_where_readers_see_it(client, peru, django_assert_num_queries):
    before = factories.operation("ZQX")
    factories.population(before)
    peru.predecessor = before
    peru.save()
    publish(peru, 1)
    assert "ZQX" not in words(client.get(HISTORY))
    assert entries(client) == [("profile", None, "en", 1, "first")]  # nothing changed that readers see
    publish(before, 2)
    with django_assert_num_queries(6):  # and one for the name
        assert "ZQX" in words(client.get(HISTORY))
    withdraw(before, None)
    assert "ZQX" not in words(client.get(HISTORY))


def test_a_draft_a_scheduled_edition_and_one_never_seen_are_in_no_history(client, peru):
    text = report(peru)
    publish(text, 1)
    before = client.get(HISTORY).content
    rewrite(text, "Draft")
    record(text, None)
    rewrite(text, "Scheduled")
    release(text, None, at=LATER + dt.timedelta(days=1))
    assert client.get(HISTORY).content == before
    # Its time comes, but a newer edition came first.
    rewrite(text, "Newer")
    overtaken = Edition.objects.of(text).get(number=3)
    assert overtaken.released_at > LATER
    newer = record(text, None)
    Edition.objects.filter(pk=newer.pk).update(released_at=LATER - dt.timedelta(days=1))
    with time_machine.travel(LATER + dt.timedelta(days=2), tick=False):
        assert [number for *_text, number, _kind in entries(client)] == [4, 1, 1]
        assert client.get(f"/editions/{overtaken.pk}/").status_code == 404


def test_a_note_to_editors_and_a_private_office_are_in_no_history(client, peru):
    text = report(peru)
    figure = factories.key_figure(text, editor_note="Hidden one")
    publish(text, 1)
    figure.editor_note = "Hidden two"
    figure.save()
    rewrite(text, "Another")
    publish(text, 2)
    factories.office(peru, name="Hidden house", is_public=False)
    factories.office(peru, name="Seen house")
    publish(peru, 3)
    html = client.get(HISTORY).content.decode()
    assert "Seen house" in html
    assert "Hidden" not in html


def test_a_withdrawn_edition_is_listed_with_its_notice_and_never_compared(client, peru):
    text = report(peru, "Secret one")
    publish(text, 1)
    rewrite(text, "Secret two")
    publish(text, 2)
    withdraw(text, None, reason="replaced", notice="See the other page.", replaced_by="/operations/")
    rewrite(text, "A new beginning")
    publish(text, 5)
    listed = [entry for entry in entries(client) if entry[0] == "year_end"]
    assert [(number, kind) for *_text, number, kind in listed] == [
        (3, "first"),
        (2, "withdrawn"),
        (1, "withdrawn"),
    ]
    response = client.get(HISTORY)
    assert "withdrawn on 23 November 2026, 12:00 UTC Reason: replaced by another page." in words(response)
    assert "See the other page." in words(response)
    assert '<a href="/operations/">The page that takes its place</a>' in response.content.decode()
    assert "Secret" not in response.content.decode()


def test_what_was_withdrawn_is_marked_as_released_again(client, peru):
    text = report(peru, "Secret one")
    publish(text, 1)
    rewrite(text, "Secret two")
    publish(text, 2)
    withdraw(text, None)
    rewrite(text, "A new beginning")
    with time_machine.travel(AGAIN, tick=False):
        release(text, None, note="It was right after all.")
        rewrite(text, "And more")
    with time_machine.travel(AGAIN + dt.timedelta(days=1), tick=False):
        release(text, None)
        withdraw(text, None)
    with time_machine.travel(AGAIN + dt.timedelta(days=2), tick=False):
        release(text, None)
        response = client.get(HISTORY)
    found = [e for e in response.context["history"].entries if e.edition.kind == "year_end"]
    assert [(e.edition.number, e.is_again) for e in found] == [
        (5, True),
        (4, False),
        (3, True),
        (2, False),
        (1, False),
    ]
    assert words(response).count("Released again on") == 2
    assert "Released again on 27 November 2026, 12:00 UTC, after it was withdrawn" in words(response)
    assert "Secret" not in response.content.decode()


def test_a_history_of_the_past_ends_at_its_moment(client, peru):
    text = report(peru)
    publish(text, 1)
    rewrite(text, "Another")
    publish(text, 30)
    assert [n for *_text, n, _kind in entries(client, f"{HISTORY}?as_of=2021-03-31")] == [1, 1]


def test_many_editions_are_paged_and_none_is_left_out(client, peru):
    text = report(peru)
    for day in range(1, 13):
        rewrite(text, f"We reached {day} people.")
        publish(text, day)
        factories.population(peru, 1990 + day)
        publish(peru, day)  # changes nothing for 2020
    seen, address = [], HISTORY
    while address:
        response = client.get(address)
        found = response.context["history"]
        seen += [(entry.edition.kind, entry.edition.number) for entry in found.entries]
        address = f"{HISTORY}?older_than={found.older_than}" if found.older_than else None
    assert seen == [*(("year_end", number) for number in range(12, 0, -1)), ("profile", 1)]
    assert "Older" in words(client.get(HISTORY))
    assert "Newest" in words(client.get(f"{HISTORY}?older_than={Edition.objects.of(text).first().pk}"))
    assert client.get(f"{HISTORY}?older_than=999999999999999999999999").status_code == 200
    assert client.get(f"{HISTORY}?older_than=x").status_code == 200


@pytest.mark.parametrize("editions", [1, 30])
def test_a_history_costs_the_same_for_one_edition_and_for_many(
    client, peru, editions, django_assert_num_queries
):
    text = report(peru)
    for day in range(editions):
        rewrite(text, f"We reached {day} people.")
        publish(text, day)
        peru.population_figures.update(people=day)
        publish(peru, day)
    with django_assert_num_queries(5):  # the page (3), its editions, their contents
        client.get(HISTORY)


def test_a_year_without_a_page_has_no_history(client, peru):
    assert client.get("/operations/per/2030/history/").status_code == 404
    assert client.get("/operations/nowhere/2020/history/").status_code == 404


# --- Permanent addresses --------------------------------------------------------------------------


def body(response):
    """The body of a page without what names the edition: banner, canonical and citation lines, addresses of files."""
    html = response.content.decode().partition("<body>")[2]
    html = re.sub(r'<aside class="moment".*?</aside>', "", html, flags=re.DOTALL)
    html = re.sub(r'<p class="citation">.*?</p>', "", html, flags=re.DOTALL)
    html = re.sub(r'<nav class="languages".*?</nav>', "", html, flags=re.DOTALL)
    html = re.sub(r'<li class="pdf">.*?</li>', "", html, flags=re.DOTALL)
    html = re.sub(r'<div class="take">.*?</div>', "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html)


def cited(response):
    found = re.search(
        r"http://testserver((?:/\w\w)?/editions/[0-9/]+(?:\?as_of=[0-9T:.-]+Z)?)", words(response)
    )
    return found[1]


def everything(peru):
    factories.contribution(factories.donor(), batch=factories.batch(released_at=START))
    publish(report(peru), 1)
    publish(factories.narrative(peru, 2020, "plan", {"key-priorities": "<p>To do.</p>"}), 2)
    plan = factories.narrative(peru, 2021, "plan", {"key-priorities": "<p>Next.</p>"})
    factories.key_figure(plan)
    publish(plan, 3)


@pytest.mark.parametrize("language", ["", "/fr", "/es", "/ar"])
@pytest.mark.parametrize("last", ["profile", "year_end", "plan", "french", "next plan"])
def test_the_cited_address_gives_the_very_page_again(client, peru, last, language):
    everything(peru)
    if last == "profile":
        peru.population_figures.update(people=52_996)
        publish(peru, 5)
    if last in ("year_end", "plan"):
        text = peru.narratives.get(kind=last, year=2020)
        rewrite(text, "The last word.")
        publish(text, 5, note="Corrected.", is_correction=True)
    if last == "french":
        publish(report(peru, "Nous avons aidé.", language="fr"), 5)
    page = client.get(f"{language}/operations/per/2020/")
    address = cited(page)
    assert address.startswith(language or "/editions/")
    assert body(client.get(address)) == body(page)


def test_a_page_that_later_imports_changed_is_cited_as_it_stands(client, peru):
    everything(peru)
    newest = Edition.objects.get(kind="plan", year=2021)
    donor = factories.donor("Chile")
    moment = START + dt.timedelta(days=4, microseconds=7)
    factories.contribution(donor, batch=factories.batch(released_at=moment))
    factories.contribution(donor, batch=factories.batch(released_at=None), budget_year=2019)
    factories.contribution(
        donor, batch=factories.batch(released_at=LATER + dt.timedelta(1)), budget_year=2018
    )
    gone = {"released_at": START + dt.timedelta(days=5), "withdrawn_at": LATER}
    factories.contribution(donor, batch=factories.batch(**gone), budget_year=2017)
    factories.batch(table="operations.operation", released_at=LATER)
    page = client.get("/operations/per/2020/")
    assert cited(page) == f"/editions/{newest.pk}/2020/?as_of=2021-03-09T09:00:00.000007Z"
    assert "Chile" in body(page)
    then = client.get(cited(page))
    assert body(then) == body(page)
    assert "The page is shown as it stood on 9 March 2021, 09:00 UTC." in words(then)
    assert "This is the current edition." in words(then)
    assert "noindex" in then.content.decode()
    assert "Chile" not in body(client.get(f"/editions/{newest.pk}/2020/"))
    # Before that import, as the page of the past cites itself.
    past = client.get("/operations/per/2020/?as_of=2021-03-08")
    assert cited(past) == f"/editions/{newest.pk}/2020/"
    # And after another one, the address still shows the same.
    with time_machine.travel(LATER + dt.timedelta(2), tick=False):
        again = client.get(cited(page))
        assert body(again) == body(page)
        assert cited(again) == cited(page)
        assert "Latest contributions, changed on 24 November 2026." in words(again)
        assert cited(client.get("/operations/per/2020/")).endswith("?as_of=2026-11-24T12:00:00Z")


def test_a_page_that_other_years_and_operations_changed_is_cited_as_it_stands(client, peru):
    publish(report(peru), 1)
    for change in (
        lambda: publish(report(peru, year=2015), 2),
        lambda: publish(factories.operation("COL", predecessor=peru, first_year=2021), 3),
    ):
        change()
        page = client.get("/operations/per/2020/")
        assert "?as_of=" in cited(page)
        assert body(client.get(cited(page))) == body(page)


def test_an_edition_at_a_moment_is_never_shown_before_its_release_nor_after_now(client, peru):
    text = report(peru, "First.")
    first = publish(text, 1)
    rewrite(text, "Second.")
    publish(text, 9)
    plan = factories.narrative(peru, 2020, "plan", {"key-priorities": "<p>To do.</p>"})
    publish(plan, 5)
    address = f"/editions/{first.pk}/"
    assert client.get(f"{address}?as_of=2021-03-05").status_code == 404
    assert "To do." not in words(client.get(address))
    for asked, has_plan in (
        ("2021-03-06", False),
        ("2021-03-10", True),
        ("2021-04-10", True),
        ("2030-01-01", True),
    ):
        response = client.get(f"{address}?as_of={asked}")
        assert "First." in words(response)
        assert "Second." not in words(response)
        assert ("To do." in words(response)) == has_plan
        assert body(client.get(cited(response))) == body(response)
    withdraw(plan, None)
    assert "To do." not in words(client.get(f"{address}?as_of=2021-03-10"))
    withdraw(text, None)
    assert client.get(f"{address}?as_of=2021-03-10").status_code == 410
    assert client.get(f"{address}?as_of=never").status_code == 400


def test_an_edition_tells_which_other_parts_of_the_page_were_changed_since(client, peru):
    text = report(peru, "We reached 52,000 people.")
    publish(text, 1)
    edition = publish(factories.narrative(peru, 2020, "plan", {"key-priorities": "<p>To do.</p>"}), 2)

    def banner():
        html = client.get(f"/editions/{edition.pk}/").content.decode()
        found = re.search(r'<aside class="moment".*?</aside>', html, re.DOTALL)[0]
        assert '<a href="/operations/per/2020/">See the page as it is now</a>' in found
        return " ".join(re.sub("<[^>]*>", "", found).split())

    plainly = (
        "Plan for 2020, edition 1, released on 7 March 2021, 09:00 UTC. This is the current edition. "
        "See the page as it is now"
    )
    partly = (
        "Plan for 2020, edition 1, released on 7 March 2021, 09:00 UTC. This is still the current edition of its part "
        "of the page. The page is shown as it stood on 7 March 2021, 09:00 UTC."
    )
    assert banner() == plainly
    factories.narrative(peru, 2020, "plan", language="fr")
    assert banner() == plainly
    publish(peru, 3)  # the same again
    assert banner() == plainly
    publish(report(peru, year=2015), 3)
    assert banner() == f"{partly} Something around it has changed since. See the page as it is now"
    rewrite(text, "We reached 52,996 people.")
    publish(text, 4, is_correction=True)
    peru.population_figures.update(people=52_996)
    publish(peru, 5)
    publish(factories.narrative(peru, 2021, "plan"), 6)
    factories.contribution(factories.donor(), batch=factories.batch(released_at=START + dt.timedelta(days=7)))
    assert banner() == (
        f"{partly} Other parts were changed since: Profile and figures, changed on 10 March 2021 · "
        "Year-end report 2020, corrected on 9 March 2021 · Plan for 2021, added on 11 March 2021 · "
        "Latest contributions, changed on 12 March 2021. See the page as it is now"
    )


def test_an_old_edition_reads_as_it_did_and_says_what_replaced_it(client, peru):
    text = report(peru)
    first = publish(text, 1)
    then = body(client.get("/operations/per/2020/"))
    rewrite(text, "We reached 52,996 people.")
    second = publish(text, 2, is_correction=True)
    response = client.get(f"/editions/{first.pk}/")
    assert body(response) == then
    assert (
        "Year-end report 2020, edition 1, released on 6 March 2021, 09:00 UTC. "
        "A newer edition replaced it on 7 March 2021, 09:00 UTC." in words(response)
    )
    html = response.content.decode()
    assert f'<a href="/editions/{second.pk}/">A newer edition</a>' in html
    assert '<link rel="canonical" href="http://testserver/operations/per/2020/">' in html
    assert '<meta name="robots" content="noindex">' in html
    current = client.get(f"/editions/{second.pk}/")
    assert "released on 7 March 2021, 09:00 UTC. This is the current edition." in words(current)
    assert "noindex" not in current.content.decode()


def test_what_is_not_of_the_edition_is_shown_as_it_stood_with_it(client, peru):
    """The years to choose from, other operations and the agency's contributions."""
    edition = publish(report(peru), 1)
    publish(report(peru, year=2019), 2)
    factories.contribution(factories.donor(), batch=factories.batch(released_at=START + dt.timedelta(days=2)))
    publish(factories.operation("COL", predecessor=peru, first_year=2021), 2)
    now, then = client.get("/operations/per/2020/"), client.get(f"/editions/{edition.pk}/")
    assert now.context["page"].years == [2020, 2019]
    assert then.context["page"].years == [2020]
    assert ("Norway" in words(now), "Norway" in words(then)) == (True, False)
    assert ("Colombia" in words(now), "Colombia" in words(then)) == (True, False)


def test_a_profile_edition_is_shown_with_the_year_that_its_address_names(client, peru):
    factories.population(peru, 2019, people=7)
    edition = publish(peru, 1)
    assert client.get(f"/editions/{edition.pk}/").context["page"].year == 2020
    assert client.get(f"/editions/{edition.pk}/2019/").context["page"].year == 2019
    assert client.get(f"/editions/{edition.pk}/2018/").status_code == 404


def test_the_next_years_plan_is_cited_from_both_pages_that_show_it(client, peru):
    everything(peru)
    plan = Edition.objects.get(kind="plan", year=2021)
    assert cited(client.get("/operations/per/2020/")) == f"/editions/{plan.pk}/2020/"
    assert cited(client.get("/operations/per/2021/")) == f"/editions/{plan.pk}/"
    assert client.get(f"/editions/{plan.pk}/").context["page"].year == 2021
    assert client.get(f"/editions/{plan.pk}/2019/").status_code == 404


def test_an_edition_keeps_its_language_whatever_that_of_the_reader_is(client, peru):
    publish(report(peru), 1)
    edition = publish(report(peru, "Nous avons aidé.", language="fr"), 2)
    response = client.get(f"/editions/{edition.pk}/")
    shown = words(response)
    assert "Nous avons aidé." in shown
    assert "Its language: French." in shown
    assert "not yet available" not in shown
    assert '<div lang="fr" dir="ltr"><p>Nous avons aidé.</p></div>' in response.content.decode()


def test_a_text_that_was_released_before_its_profile_is_shown_from_the_profiles_release_on(client):
    peru = factories.operation()
    text = report(peru, "Never to be read.")
    unseen = publish(text, 0)
    rewrite(text, "Read later.")
    edition = publish(text, 1)
    assert client.get(f"/editions/{edition.pk}/").status_code == 404
    factories.population(peru)
    publish(peru, 2)
    assert "Read later." in words(client.get(f"/editions/{edition.pk}/"))
    assert client.get(f"/editions/{unseen.pk}/").status_code == 404


def test_what_is_not_public_looks_like_what_does_not_exist(client, peru):
    text = report(peru, "Sentinel")
    draft = record(text, None)
    unknown = int("9" * len(str(draft.pk)))  # of as many digits, for the length of the page

    def answer(pk):
        response = client.get(f"/editions/{pk}/")
        page = response.content.replace(f"/{pk}/".encode(), b"/N/")
        headers = {name: value for name, value in response.headers.items() if name != "ETag"}
        return response.status_code, headers, page

    def same(pk):
        return answer(pk) == answer(unknown) and answer(pk)[0] == 404

    assert same(draft.pk)
    release(text, None, at=LATER + dt.timedelta(hours=1))
    assert same(draft.pk)
    assert client.get(f"/editions/{draft.pk}/2020/").status_code == 404
    with time_machine.travel(LATER + dt.timedelta(hours=1), tick=False):
        assert client.get(f"/editions/{draft.pk}/").status_code == 200


def test_a_number_beyond_every_database_is_not_found(client):
    assert client.get(f"/editions/{10**40}/").status_code == 404


def test_an_edition_was_not_there_before_its_release(client, peru):
    edition = publish(report(peru), 10)
    assert client.get(f"/editions/{edition.pk}/?as_of=2021-03-10").status_code == 404
    assert client.get(f"/editions/{edition.pk}/?as_of=2021-04-10").status_code == 200


def test_a_citation_names_agency_title_edition_address_and_day(client, peru, settings):
    settings.AGENCY_NAME = "The Agency"
    edition = publish(report(peru), 1)
    assert (
        f"The Agency. “ Peru 2020”. Edition of 6 March 2021. http://testserver/editions/{edition.pk}/ "
        "(read on 23 November 2026)." in words(client.get("/operations/per/2020/"))
    )


@pytest.mark.parametrize("contributions", [1, 20])
def test_an_edition_costs_a_fixed_number_of_queries(client, peru, contributions, django_assert_num_queries):
    donor = factories.donor()
    for day in range(contributions):
        factories.contribution(
            donor, date=dt.date(2020, 1, 1 + day), batch=factories.batch(released_at=START)
        )
    edition = publish(report(peru), 1)
    # the edition, the one after it; released, contents (without its own), related; the page of today (3);
    # contributions (4) and their newest import, then and today; the money of the year (4)
    with django_assert_num_queries(18):
        client.get(f"/editions/{edition.pk}/")
