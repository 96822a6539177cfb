"""Drafts on the public page, for staff and by a signed link."""

import datetime as dt
import logging
import re
from decimal import Decimal

import pytest
from django.core import signing
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone, translation

from config.logs import WithoutTokens
from operations.editions import record, release, withdraw
from operations.models import Edition, PreviewLink
from operations.previews import SIGNER, token_of
from tests import factories
from tests.reading import words

pytestmark = pytest.mark.django_db

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def peru():
    operation = factories.operation("PER", slug="peru")
    factories.population(operation, 2020, "REF", people=4332)
    return operation


@pytest.fixture
def chad():
    return factories.operation("TCD", slug="chad", name_en="Chad")


@pytest.fixture
def ana(peru):
    return factories.user("ana", groups=("Field editors",), on=[peru])


@pytest.fixture
def rosa():
    return factories.user("rosa", groups=("Reviewers",))


@pytest.fixture
def editor(client, ana):
    client.force_login(ana)
    return client


@pytest.fixture
def report(peru):
    text = factories.narrative(peru, sections={"unmet-needs": "<p>Nine schools have no roof.</p>"})
    factories.key_figure(text, "52,996", text="people given cash", editor_note="Zebu-note.")
    return text


def write(text, body):
    text.sections.update(body=f"<p>{body}</p>")


def url(obj, page="preview"):
    with translation.override("en"):  # whatever the language of the request before
        return reverse(f"admin:operations_{obj._meta.model_name}_{page}", args=[obj.pk])


def link_to(edition, by=None, **fields):
    now = timezone.now()
    return PreviewLink.objects.create(
        edition=edition, made_by=by, **{"made_at": now, "expires_at": now + 4 * HOUR} | fields
    )


def address(link):
    with translation.override("en"):
        return reverse("operations:preview", args=[token_of(link)])


def assert_private(response):
    kept = {part.strip() for part in response["Cache-Control"].split(",")}
    assert {"no-store", "private"} <= kept
    assert response["X-Robots-Tag"] == "noindex, nofollow"
    assert response["Referrer-Policy"] == "no-referrer"
    assert not response.has_header("ETag")


# --- For staff ---------------------------------------------------------------------------------------


def test_staff_see_the_public_page_with_the_newest_draft_in_it(editor, rosa, report, peru):
    release(peru, rosa)
    release(report, rosa)
    write(report, "Twelve schools have no roof.")
    record(report, rosa)
    response = editor.get(url(report))
    page = words(response)
    assert "A draft, not released. Edition 2, saved by rosa." in page
    assert "Peru 2020" in page
    assert "Twelve schools have no roof." in page
    assert "Nine schools" not in page
    assert "4,332 people at the end of 2020" in page
    assert "Zebu-note" not in page
    assert_private(response)
    body = response.content.decode()
    assert '<meta name="robots" content="noindex, nofollow">' in body
    assert 'rel="canonical"' not in body
    assert 'hreflang="x-default"' not in body
    assert "Twelve" not in words(editor.get("/operations/peru/2020/"))


def test_any_version_is_previewed_by_its_number(editor, ana, report):
    record(report, ana)
    write(report, "Twelve schools have no roof.")
    record(report, ana)
    first = words(editor.get(url(report), {"edition": 1}))
    assert "Nine schools have no roof." in first
    assert "There is a newer one." in first
    assert "There is a newer one." not in words(editor.get(url(report)))


@pytest.mark.parametrize("number", ["3", "x", "9" * 40, "-1", "²"])
def test_what_is_no_version_of_the_text_has_no_preview(editor, ana, report, number):
    record(report, ana)
    assert editor.get(url(report), {"edition": number}).status_code == 404


def test_what_was_never_saved_has_no_preview(editor, report):
    assert editor.get(url(report)).status_code == 404


def test_a_page_may_be_framed_by_this_site_alone_and_only_a_preview_may(editor, ana, report):
    record(report, ana)
    preview = editor.get(url(report))
    assert preview["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in preview["Content-Security-Policy"]
    frame = editor.get(url(report, "widths"))
    assert frame["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in frame["Content-Security-Policy"]
    assert "frame-src 'self'" in frame["Content-Security-Policy"]
    assert_private(frame)
    signed = editor.get(address(link_to(Edition.objects.get())))
    assert signed["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in signed["Content-Security-Policy"]


@pytest.mark.parametrize(("asked", "width"), [("360", 360), ("768", 768), ("5", 360), ("", 360)])
def test_a_preview_is_shown_in_a_frame_as_wide_as_a_phone_or_a_tablet(editor, ana, report, asked, width):
    record(report, ana)
    page = editor.get(url(report, "widths"), {"width": asked, "language": "ar"}).content.decode()
    [frame] = re.findall(r"<iframe [^>]*>", page)
    assert f'width="{width}"' in frame
    [source] = re.findall(r'src="([^"]*)"', frame)
    inside = editor.get(source.replace("&amp;", "&"))
    assert "Nine schools have no roof." in words(inside)
    assert '<html lang="ar" dir="rtl">' in inside.content.decode()
    assert "Back to the form" not in words(inside)


def test_the_page_around_a_draft_is_in_any_language_and_its_banner_in_that_of_the_editor(editor, ana, report):
    record(report, ana)
    for language in ("fr", "es", "ar"):
        page = editor.get(f"/{language}{url(report)}", {"staff": "en"}).content.decode()
        direction = "rtl" if language == "ar" else "ltr"
        assert f'<html lang="{language}" dir="{direction}">' in page
        assert '<aside class="preview" lang="en" dir="ltr"' in page
        assert f'href="{url(report, "change")}"' in page
        assert '<div lang="en" dir="ltr"><p>Nine schools have no roof.</p>' in page


def test_a_draft_translation_is_previewed_in_its_own_language(editor, ana, rosa, report, peru):
    release(report, rosa)
    arabic = factories.narrative(peru, sections={"unmet-needs": "<p>تسع مدارس</p>"}, language="ar")
    record(arabic, ana)
    form = editor.get(url(arabic, "change")).content.decode()
    [preview] = re.findall(r'href="([^"]*/preview/[^"]*)"', form)
    assert preview.startswith("/ar/admin/")
    page = editor.get(preview.replace("&amp;", "&")).content.decode()
    assert '<html lang="ar" dir="rtl">' in page
    assert "تسع مدارس" in page
    assert "Nine schools" not in page
    in_english = editor.get(url(arabic)).content.decode()
    assert '<div lang="ar" dir="rtl"><p>تسع مدارس</p>' in in_english
    assert "It is shown in English." not in in_english


def test_the_profile_draft_stands_around_a_text_where_none_is_released(editor, ana, report, peru):
    record(report, ana)
    assert "4,332 people at the end of 2020" in words(editor.get(url(report)))  # not even saved once
    record(peru, ana)
    peru.population_figures.update(people=5555)
    record(peru, ana)
    assert "5,555 people at the end of 2020" in words(editor.get(url(report)))


def test_a_text_of_a_year_of_which_nothing_is_released_is_previewed(editor, ana, rosa, report, peru):
    release(peru, rosa)
    plan = factories.narrative(peru, 2031, "plan", sections={"key-priorities": "<p>Build roofs.</p>"})
    record(plan, ana)
    page = words(editor.get(url(plan)))
    assert "Peru 2031" in page
    assert "Build roofs." in page
    assert editor.get("/operations/peru/2031/").status_code == 404


def test_a_profile_draft_is_previewed_with_its_years(editor, ana, rosa, report, peru):
    release(report, rosa)
    factories.population(peru, 2019, "REF", people=1919)
    record(peru, ana)
    page = words(editor.get(url(peru)))
    assert "4,332 people at the end of 2020" in page
    assert "Nine schools have no roof." in page
    assert "Year: 2019 2020" in page
    assert "1,919 people at the end of 2019" in words(editor.get(url(peru), {"year": 2019}))
    assert "Peru 2020" in words(editor.get(url(peru), {"year": 1950}))


@pytest.mark.parametrize("page", ["preview", "widths", "links"])
def test_drafts_of_others_are_not_previewed(editor, client, chad, page):
    text = factories.narrative(chad, sections={"unmet-needs": "<p>Secret.</p>"})
    for obj in (text, chad):
        record(obj, None)
        assert editor.get(url(obj, page)).status_code == 404
        assert editor.post(url(obj, page), {"hours": 1}).status_code in (404, 405)
    client.logout()
    answer = client.get(url(text, page))
    assert (answer.status_code, "/login/" in answer["Location"]) == (302, True)


def test_a_preview_is_only_read(editor, ana, report):
    record(report, ana)
    assert editor.post(url(report)).status_code == 405
    assert editor.post(url(report, "widths")).status_code == 405


# --- Making and revoking links -----------------------------------------------------------------------


def made_address(response):
    [found] = re.findall(r'class="link-address"[^>]* value="([^"]*)"', response.content.decode())
    return found


@pytest.mark.parametrize("hours", [1, 4, 24])
def test_an_editor_makes_a_link_that_anyone_opens(editor, ana, client, report, hours):
    record(report, ana)
    answer = editor.post(url(report, "links"), {"hours": hours}, follow=True)
    link = PreviewLink.objects.get()
    assert (link.made_by, link.expires_at - link.made_at) == (ana, hours * HOUR)
    found = made_address(answer)
    assert re.fullmatch(r"http://testserver/preview/[^/]+/", found)
    assert re.search(r"Ends on \d+ \w+ \d{4}, \d\d:\d\d UTC\.", words(answer))
    client.logout()
    page = client.get(found)
    assert "Nine schools have no roof." in words(page)
    assert "You read edition 1 because somebody sent you its address." in words(page)
    assert re.search(r"The address ends on \d+ \w+ \d{4}, \d\d:\d\d UTC\.", words(page))
    assert "Back to the form" not in words(page)
    assert "rosa" not in words(page) and "ana" not in words(page).split()
    assert 'rel="canonical"' not in page.content.decode()
    assert '<meta name="robots" content="noindex, nofollow">' in page.content.decode()
    assert_private(page)
    assert_private(client.head(found))


@pytest.mark.parametrize("hours", ["25", "0", "-1", "", "x"])
def test_no_link_lives_longer_than_a_day_or_shorter_than_an_hour(editor, ana, report, hours):
    edition = record(report, ana)
    assert editor.post(url(report, "links"), {"hours": hours}).status_code == 200
    assert not PreviewLink.objects.exists()
    now = timezone.now()
    with pytest.raises(IntegrityError), transaction.atomic():
        link_to(edition, ana, made_at=now, expires_at=now + 24 * HOUR + dt.timedelta(microseconds=1))


def test_only_who_made_a_link_is_shown_its_address_again(editor, client, ana, rosa, report):
    edition = record(report, ana)
    own, other = link_to(edition, ana), link_to(edition, rosa)
    page = editor.get(url(report, "links"))
    assert token_of(own) not in page.content.decode()
    assert "Show its address" in words(page)
    assert made_address(editor.get(url(report, "links"), {"show": own.pk})).endswith(address(own))
    page = editor.get(url(report, "links"), {"show": other.pk}).content.decode()
    assert token_of(other) not in page
    assert 'class="link-address"' not in page


def test_a_revoked_link_is_over_at_once_and_the_list_says_by_whom(editor, client, ana, rosa, report):
    link = link_to(record(report, ana), rosa)
    assert client.get(address(link)).status_code == 200
    answer = editor.post(url(report, "links"), {"revoke": link.pk}, follow=True)
    assert "The link to the preview of edition 1 no longer leads anywhere." in words(answer)
    assert "Revoked by ana on " in words(answer)
    assert client.get(address(link)).status_code == 410
    again = editor.post(url(report, "links"), {"revoke": link.pk}, follow=True)
    assert "This link had ended already." in words(again)


def test_a_link_to_another_text_is_not_revoked_from_here(editor, ana, report, chad):
    link = link_to(record(factories.narrative(chad), None))
    record(report, ana)
    assert editor.post(url(report, "links"), {"revoke": link.pk}).status_code == 404
    assert editor.post(url(report, "links"), {"revoke": "9" * 40}).status_code == 404
    link.refresh_from_db()
    assert link.revoked_at is None


def test_who_only_reads_makes_and_revokes_no_link(client, ana, report):
    link = link_to(record(report, ana), ana)
    client.force_login(factories.user("vera", groups=("Viewers",)))
    assert client.get(url(report)).status_code == 200
    assert "Link for someone" not in words(client.get(url(report)))
    assert client.get(url(report, "links")).status_code == 403
    assert client.post(url(report, "links"), {"hours": 1}).status_code == 403
    assert client.post(url(report, "links"), {"revoke": link.pk}).status_code == 403
    link.refresh_from_db()
    assert (link.revoked_at, PreviewLink.objects.count()) == (None, 1)


def test_no_link_is_made_to_what_is_released_or_withdrawn(editor, rosa, report, peru):
    release(peru, rosa)
    release(report, rosa)
    answer = editor.post(url(report, "links"), {"hours": 1})
    assert "Edition 1 is released: send the address of its page instead." in words(answer)
    withdraw(report, rosa)
    answer = editor.post(url(report, "links"), {"hours": 1})
    assert "Edition 1 was withdrawn." in words(answer)
    assert not PreviewLink.objects.exists()


# --- Who was given a link ----------------------------------------------------------------------------


def test_a_link_shows_that_one_draft_and_no_later_one(client, ana, report):
    link = link_to(record(report, ana))
    write(report, "Twelve schools have no roof.")
    record(report, ana)
    page = words(client.get(address(link)))
    assert "Nine schools have no roof." in page
    assert "Twelve" not in page


SENTINELS = re.compile(r"zebu|7[.,\s]?654[.,\s]?321", re.IGNORECASE)


@pytest.fixture
def secrets(peru, rosa):
    """What nobody released, of Peru: a word and a number in every part."""
    peru.notice_en, peru.name_en, peru.name_fr = "Zebu notice", "Zebu name", "Zebu nom"
    peru.latitude, peru.longitude, peru.zoom = Decimal("7.654321"), Decimal("-7.654321"), 5
    peru.save()
    factories.office(peru, name="Zebu office", description_en="Zebu pop-up")
    factories.office(peru, name="Zebu hidden", is_public=False)
    factories.population(peru, 2020, "ASY", people=7654321, source="Zebu survey")
    factories.population(peru, 2019, "REF", people=7654321)
    factories.finance(peru, 2020, amount_usd=Decimal("7654321.00"), source="Zebu ledger")
    for year, kind, language in ((2020, "plan", "en"), (2021, "plan", "en"), (2020, "year_end", "fr")):
        text = factories.narrative(
            peru, year, kind, sections={"key-priorities": "<p>Zebu text.</p>"}, language=language
        )
        factories.key_figure(text, "7,654,321", text="zebu counted", source="Zebu source")
        record(text, rosa)
    donor = factories.donor("Zebu government")
    batch = factories.batch(released_at=None)
    factories.contribution(donor, batch=batch, operation=peru, amount_usd=Decimal("7654321.00"))
    return record(peru, rosa)


@pytest.mark.parametrize("language", ["", "/fr", "/es", "/ar"])
def test_nothing_else_that_is_unreleased_shows_beside_the_draft(client, rosa, report, secrets, language):
    draft = record(report, rosa)
    page = client.get(language + address(link_to(draft)))
    assert "Nine schools have no roof." in words(page)
    assert "PER" in words(page)  # where no profile is released the operation has its code for a name
    text = page.content.decode()
    assert not SENTINELS.search(text)
    assert "4,332" not in text
    assert not SENTINELS.search(str(page.headers))
    staff = client.get(url(report))
    assert staff.status_code == 302


def test_around_the_draft_stands_what_is_released(client, rosa, report, peru):
    release(peru, rosa)
    peru.notice_en = "Zebu notice"
    peru.population_figures.update(people=7654321)
    peru.save()
    record(peru, rosa)
    text = client.get(address(link_to(record(report, rosa)))).content.decode()
    assert "4,332" in text
    assert not SENTINELS.search(text)


@pytest.mark.parametrize("language", ["", "/fr", "/ar"])
def test_beside_a_profile_draft_no_unreleased_text_shows(client, rosa, report, peru, language):
    release(report, rosa)
    write(report, "Zebu draft.")
    record(report, rosa)
    plan = factories.narrative(peru, 2020, "plan", sections={"key-priorities": "<p>Zebu plan.</p>"})
    factories.key_figure(plan, "7,654,321", text="zebu counted")
    record(plan, rosa)
    factories.office(peru, name="Zebu hidden", is_public=False)
    link = link_to(record(peru, rosa))
    peru.population_figures.update(people=7654321)
    record(peru, rosa)
    text = client.get(language + address(link)).content.decode()
    assert "Nine schools have no roof." in text
    assert re.search(r"4[,.\s]?332", text)
    assert not SENTINELS.search(text)


def ended(client, token, language=""):
    response = client.get(f"{language}/preview/{token}/")
    assert response.status_code == 410
    assert_private(response)
    return response.content.decode().replace(token, "TOKEN")


def test_what_has_expired_was_revoked_or_forged_looks_the_same_and_tells_nothing(client, ana, report, peru):
    edition, now = record(report, ana), timezone.now()
    expired = link_to(edition, ana, made_at=now - 2 * HOUR, expires_at=now)
    revoked = link_to(edition, ana, revoked_at=now)
    open_link = link_to(edition, ana)
    other = record(peru, ana)
    tokens = [
        token_of(expired),
        token_of(revoked),
        "nonsense",
        token_of(open_link)[:-1],
        token_of(open_link) + "x",
        SIGNER.sign_object([999_999, edition.pk]),
        SIGNER.sign_object([open_link.pk, other.pk]),
        signing.Signer(salt="another").sign_object([open_link.pk, edition.pk]),
        "x" * 3000,
    ]
    pages = {ended(client, token) for token in tokens}
    assert len(pages) == 1
    [page] = pages
    assert "This address has ended" in page
    for told in ("Peru", "PER", "2020", "Nine schools", "edition 1"):
        assert told not in page
    assert client.get(address(open_link)).status_code == 200


def test_a_link_ends_at_its_second(client, ana, report, monkeypatch):
    link = link_to(record(report, ana))
    for moment, status in ((link.expires_at - dt.timedelta(seconds=1), 200), (link.expires_at, 410)):
        monkeypatch.setattr(timezone, "now", lambda moment=moment: moment)
        assert client.get(address(link)).status_code == status


def test_a_token_opens_no_other_edition(client, ana, report):
    first = link_to(record(report, ana))
    write(report, "Twelve schools have no roof.")
    second = record(report, ana)
    forged = SIGNER.sign_object([first.pk, second.pk])
    assert client.get(f"/preview/{forged}/").status_code == 410
    payload = token_of(first).rpartition(":")[2]
    stolen = f"{SIGNER.sign_object([first.pk, second.pk]).rpartition(':')[0]}:{payload}"
    assert client.get(f"/preview/{stolen}/").status_code == 410


def test_a_link_leads_to_the_public_page_once_its_edition_is_released(client, ana, rosa, report, peru):
    release(peru, rosa)
    link = link_to(record(report, ana))
    later = release(report, rosa, at=timezone.now() + HOUR)
    assert client.get(address(link)).status_code == 200  # not before its time
    Edition.objects.filter(pk=later.pk).update(released_at=timezone.now())
    answer = client.get(address(link))
    assert (answer.status_code, answer["Location"]) == (302, "/operations/peru/2020/")
    assert_private(answer)
    assert client.get("/fr" + address(link))["Location"] == "/fr/operations/peru/2020/"


def test_a_link_to_a_profile_leads_to_the_operation_once_it_is_released(client, rosa, peru):
    link = link_to(record(peru, rosa))
    release(peru, rosa)
    assert client.get(address(link))["Location"] == "/operations/peru/"


def test_a_released_text_without_a_public_page_stays_to_be_read_by_its_link(client, ana, rosa, report, peru):
    link = link_to(record(report, ana))
    release(report, rosa)
    assert "Nine schools have no roof." in words(client.get(address(link)))
    release(peru, rosa)
    withdraw(peru, rosa)
    assert client.get(address(link)).status_code == 410


def test_a_link_ends_when_its_edition_is_withdrawn(client, rosa, report, peru):
    release(peru, rosa)
    link = link_to(record(report, rosa))
    release(report, rosa)
    withdraw(report, rosa)
    assert ended(client, token_of(link))


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch", "options"])
def test_a_link_is_only_read(client, ana, report, method):
    answer = getattr(client, method)(address(link_to(record(report, ana))))
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
    assert_private(answer)


def test_a_preview_shows_no_past(client, ana, rosa, report, peru):
    release(peru, rosa)
    link = link_to(record(report, ana))
    page = words(client.get(address(link), {"as_of": "2001-01-01"}))
    assert "4,332 people at the end of 2020" in page


def test_a_link_costs_the_same_for_few_and_for_many_editions(
    client, ana, report, django_assert_max_num_queries
):
    for number in range(30):
        write(report, f"Version {number}.")
        link = link_to(record(report, ana))
    with django_assert_max_num_queries(12):
        client.get(address(link))


def test_a_token_is_not_in_the_log(client, ana, report, caplog):
    link = link_to(record(report, ana), revoked_at=timezone.now())
    client.get(address(link))
    assert [logged.getMessage() for logged in caplog.records] == ["Gone: /preview/…/"]


def test_of_a_line_of_the_log_only_the_token_is_left_out():
    for line, args, logged in (
        ("%s: %s", ("Gone", "/fr/preview/WzEsMl0:a-b_c/"), "Gone: /fr/preview/…/"),
        ("GET /preview/WzEsMl0:abc?year=2020 200", None, "GET /preview/…?year=2020 200"),
        ("%d rows of /preview", (3,), "3 rows of /preview"),
    ):
        line_of_log = logging.LogRecord("django.request", logging.WARNING, __file__, 1, line, args, None)
        assert WithoutTokens().filter(line_of_log)
        assert line_of_log.getMessage() == logged


def test_the_handlers_of_the_site_leave_tokens_out(settings):
    assert all("tokens" in handler["filters"] for handler in settings.LOGGING["handlers"].values())


def test_withdrawing_a_text_ends_the_links_to_its_drafts(client, ana, rosa, report, peru):
    release(peru, rosa)
    draft = record(report, ana)
    link = link_to(draft)
    write(report, "<p>Names nobody.</p>")
    release(report, rosa)
    assert client.get(address(link)).status_code == 200
    withdraw(report, rosa, notice="It named people.")
    assert client.get(address(link)).status_code == 410
    link.refresh_from_db()
    assert link.revoked_by == rosa
