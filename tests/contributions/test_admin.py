"""Donors in the admin: their list, their form, their merge."""

import html
import re
from decimal import Decimal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.urls import reverse

from contributions import importing
from contributions.models import Contribution, Donor, DonorAlias, DonorMerge
from contributions.resources import ContributionResource
from tests import factories
from tests.signing_in import be_signed_in

pytestmark = pytest.mark.django_db

DONORS = "/admin/contributions/donor/"


def form_of(client, donor):
    return client.get(reverse("admin:contributions_donor_change", args=[donor.pk]))


def test_a_donor_has_a_link_only_where_it_has_a_public_page(admin_client):
    norway = factories.donor()
    member = factories.donor("Norad", parent=norway)
    unnamed = factories.donor("A. Person", kind=Donor.Kind.PRIVATE)
    links = [form_of(admin_client, donor).context["absolute_url"] for donor in (norway, member, unnamed)]
    assert links == ["/donors/norway/", None, None]


def test_a_donor_belongs_to_one_that_belongs_to_no_other(admin_client):
    norway = factories.donor()
    member = factories.donor("Norad", parent=norway)
    field = form_of(admin_client, member).context["adminform"].form.fields["parent"]
    assert list(field.queryset) == [norway]


def test_each_spelling_is_named_for_those_who_do_not_see_its_heading(admin_client):
    assert b'aria-label="Other spelling"' in form_of(admin_client, factories.donor()).content


def test_a_spelling_that_folds_to_a_longer_one_is_kept(admin_client):
    norway, name = factories.donor(), "\ufb03" * 200
    form = form_of(admin_client, norway).context["adminform"].form
    fields = {field: form[field].value() or "" for field in form.fields if form[field].value() is not False}
    rows = {"TOTAL_FORMS": 1, "INITIAL_FORMS": 0, "0-name": name}
    posted = fields | {f"aliases-{row}": value for row, value in rows.items()}
    address = reverse("admin:contributions_donor_change", args=[norway.pk])
    assert admin_client.post(address, posted).status_code == 302
    assert DonorAlias.objects.get(donor=norway).folded == "ffi" * 200


# --- The list ---------------------------------------------------------------------------------------


def cells(page):
    """The rows of the list of donors, without their boxes."""
    rows = re.findall(
        r"<tr>(.*?)</tr>", page.content.decode().split("<tbody>")[1].split("</tbody>")[0], re.DOTALL
    )
    return [
        [
            html.unescape(
                re.search(r'alt="(\w+)"', cell)[1] if "<img" in cell else re.sub("<[^>]+>", "", cell)
            )
            for cell in re.findall(r"<t[hd][^>]*field-[^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        ]
        for row in rows
    ]


def test_the_list_tells_family_country_spellings_and_footnote(admin_client):
    norway = factories.donor(country="NO", footnote_en="Of the north.")
    factories.donor("Norad", parent=norway)
    factories.donor("Norfund", parent=norway)
    for name in ("Norge", "Noreg"):
        DonorAlias.objects.create(donor=norway, name=name)
    assert cells(admin_client.get(DONORS)) == [
        ["Norad", "government", "–", "Norway", "–", "False", "–"],
        ["Norfund", "government", "–", "Norway", "–", "False", "–"],
        ["Norway", "government", "Norway", "–", "2", "True", "Noreg, Norge"],
    ]
    assert [row[0] for row in cells(admin_client.get(f"{DONORS}?q=noreg"))] == ["Norway"]


@pytest.mark.parametrize(
    ("family", "names"), [("has", ["Norway"]), ("in", ["Norad"]), ("none", ["Japan"]), ("", ["Japan", "Norad", "Norway"])]
)  # fmt: skip
def test_the_list_is_narrowed_by_family(admin_client, family, names):
    factories.donor("Norad", parent=factories.donor())
    factories.donor("Japan")
    assert [row[0] for row in cells(admin_client.get(f"{DONORS}?family={family}"))] == names


@pytest.mark.parametrize("donors", [1, 30])
def test_the_list_asks_as_much_for_one_donor_as_for_many(admin_client, donors, django_assert_num_queries):
    for number in range(donors):
        donor = factories.donor(f"Donor {number}", parent=factories.donor(f"Family {number}"))
        DonorAlias.objects.create(donor=donor, name=f"Spelling {number}")
    # Session, user; the count twice, the page, its spellings.
    with django_assert_num_queries(6):
        admin_client.get(DONORS)


def test_people_for_amounts_per_person_are_typed_in_the_form(admin_client):
    norway = factories.donor()
    form = form_of(admin_client, norway).context["adminform"].form
    data = {name: value for name, value in form.initial.items() if value is not None}
    data |= {"population": "5400000", "population_year": "2021", "country": ""}
    data |= {f"aliases-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    assert admin_client.post(form_of(admin_client, norway).request["PATH_INFO"], data).status_code == 302
    norway.refresh_from_db()
    assert (norway.population, norway.population_year) == (5_400_000, 2021)


# --- A merge ----------------------------------------------------------------------------------------


def merge_of(donor, into=None):
    address = reverse("admin:contributions_donor_merge", args=[donor.pk])
    return f"{address}?into={into.pk}" if into else address


def words(page):
    """The text of a page's content."""
    text = page.content.decode().split('id="content-main"')[1].split("</form>")[0]
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", text)).split())


@pytest.fixture
def norway(db):
    return factories.donor("Norway")


@pytest.fixture
def norge(db):
    return factories.donor("Norge", footnote_en="Of the north.")


def confirmed(client, donor, into, **given):
    seen = client.get(merge_of(donor, into)).context["form"].initial["seen"]
    return client.post(merge_of(donor, into), {"seen": seen, "why": "The same.", "is_meant": "on", **given})


def test_the_donor_that_it_becomes_is_chosen_among_the_nearest_or_all(admin_client, norway, norge):
    japan, norweg = factories.donor("Japan"), factories.donor("Norweg")
    page = admin_client.get(merge_of(norge))
    assert page.context["near"] == [norweg]
    assert list(page.context["form"].fields["into"].queryset) == [japan, norway, norweg]
    assert f'<a href="?into={norweg.pk}">Norweg</a>' in page.content.decode()
    assert admin_client.get(merge_of(norge, norge)).context["form"].errors == {
        "into": ["This donor is not there any more."]}  # fmt: skip
    assert "This field is required." in words(admin_client.get(merge_of(norge) + "?into="))
    assert admin_client.get("/admin/contributions/donor/999/merge/").status_code == 404


def test_a_merge_is_shown_before_it_is_done(admin_client, norway, norge):
    norad = factories.donor("Norad", parent=norge)
    for donor, amount in ((norge, "100.50"), (norge, "7.00"), (norway, "1.00"), (norad, "900.00")):
        factories.contribution(donor, amount_usd=Decimal(amount), reference=amount)
    hidden = factories.batch(released_at=None)
    factories.contribution(norge, amount_usd=Decimal("3.00"), reference="R", batch=hidden)
    old = Contribution.objects.filter(donor=norge).first()
    Contribution.objects.filter(pk=old.pk).update(is_current=False, replaced_in=hidden)
    said = words(admin_client.get(merge_of(norge, norway)))
    for sentence in (
        "“Norge” becomes a part of “Norway” and is gone from the list of donors.",
        "Norge 2 $10.00 2 $107.50 Norway 1 $1.00 1 $1.00 Norway after the merge 3 $11.00 3 $108.50",
        "“Norway” stands there, with the sum of both. No total of a day, a year or an operation changes.",
        "The old address, /donors/norge/, leads to /donors/norway/.",
        "Its footnote is kept in the record alone: “Of the north.”",
        "One older line, replaced or undone, moves too.",
        "These belong to “Norway” then: Norad.",
        "In files these are spellings of “Norway”, so that a file that was imported before changes nothing: Norge .",
        "Why they are the same",
    ):
        assert sentence in said
    assert (DonorMerge.objects.count(), Donor.objects.count()) == (0, 3)


def test_a_confirmed_merge_is_done_and_recorded(admin_client, admin_user, norway, norge):
    factories.contribution(norge)
    answer = confirmed(admin_client, norge, norway)
    assert (answer.status_code, answer.url) == (302, f"/admin/contributions/donor/{norway.pk}/change/")
    record = DonorMerge.objects.get()
    assert (record.name, record.donor, record.merged_by, record.because) == (
        "Norge",
        norway,
        admin_user,
        "The same.",
    )
    assert [(entry.object_repr, entry.action_flag) for entry in LogEntry.objects.order_by("pk")] == [
        ("Norway", CHANGE), ("Norge", DELETION)]  # fmt: skip
    page = admin_client.get(answer.url)
    assert "“Norge” is merged into “Norway”: 1 line moved." in html.unescape(page.content.decode())
    row = admin_client.get(reverse("admin:contributions_donormerge_changelist")).content.decode()
    assert "Norge" in row
    page = admin_client.get(reverse("admin:contributions_donormerge_change", args=[record.pk]))
    shown = html.unescape(page.content.decode())
    assert "<dt>footnote [en]</dt><dd>Of the north.</dd>" in shown
    assert "<dt>names that became spellings</dt><dd>Norge</dd>" in shown


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"why": " "}, "Say why: the record is all that is left of the donor."),
        ({"is_meant": ""}, "Tick this to merge them."),
        (
            {"seen": "other"},
            "The books changed while you looked at this page. Look at it again, then confirm.",
        ),
    ],
)
def test_a_merge_needs_a_reason_a_confirmation_and_the_books_as_they_were_shown(
    admin_client, norway, norge, given, said
):
    page = confirmed(admin_client, norge, norway, **given)
    assert said in words(page)
    assert "Nothing was merged: look at what is marked below." in words(page)
    assert DonorMerge.objects.count() == 0


def test_after_the_books_changed_the_page_can_be_confirmed_as_it_is_then(admin_client, norway, norge):
    page = confirmed(admin_client, norge, norway, seen="other")
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.content.decode()))
    again = {"seen": fields["seen"], "why": "The same.", "is_meant": "on"}
    assert 'name="is_meant" checked' not in page.content.decode()
    assert admin_client.post(merge_of(norge, norway), again).status_code == 302


def test_two_kinds_are_shown_and_their_choice_is_stated(admin_client, norway):
    fund = factories.donor("Norwegian Fund", kind=Donor.Kind.FOUNDATION)
    said = words(admin_client.get(merge_of(fund, norway)))
    for sentence in (
        "The lines change their kind: from “foundation” to “government”. Totals by kind change.",
        "Files that call “Norwegian Fund” a private donor would mean the private donors of “Norway” then.",
        "The lines of “Norwegian Fund” (foundation) are those of the kind “government” from now on.",
    ):
        assert sentence in said
    page = confirmed(admin_client, fund, norway)
    assert "Tick this if it is so; otherwise do not merge them." in words(page)
    assert confirmed(admin_client, fund, norway, takes_kind="on").status_code == 302


def test_what_cannot_be_merged_is_explained_and_has_no_form(admin_client, norway):
    person = factories.donor("A. Person", kind=Donor.Kind.PRIVATE)
    page = admin_client.get(merge_of(person, norway))
    assert "readers would see a private gift by name." in page.content.decode()
    assert "Merge them" not in page.content.decode()
    assert "Merge them" not in admin_client.post(merge_of(person, norway), {"why": "x"}).content.decode()
    assert DonorMerge.objects.count() == 0


def test_of_two_who_are_not_named_nothing_is_said_of_pages_or_addresses(admin_client):
    people = [factories.donor(name, kind=Donor.Kind.PRIVATE) for name in ("A. Person", "A Person")]
    said = words(admin_client.get(merge_of(*people)))
    assert "Neither is named to readers, and neither will be." in said
    assert "/donors/" not in said


def signed_in(client, *permissions, on=None):
    group = factories.group("Those who may", *permissions)
    person = factories.user("person")
    factories.role(person, group, on)
    client.force_login(person)
    return client


BOTH = ("view_donor", "change_donor", "delete_donor")


@pytest.mark.parametrize(
    ("permissions", "status"),
    [(BOTH, 200), (BOTH[:2], 403), (("view_donor", "delete_donor"), 403), ((), 403)],
)
def test_donors_are_merged_by_who_may_change_and_delete_them(client, norway, norge, permissions, status):
    signed_in(client, *permissions)
    assert [
        client.get(address).status_code
        for address in (merge_of(norge), merge_of(norge, norway), reverse("admin:contributions_donor_twins"))
    ] == [status] * 3
    if status == 200:
        assert merge_of(norge) in form_of(client, norge).content.decode()
    else:
        assert confirmed_blindly(client, norge, norway).status_code == 403
        assert DonorMerge.objects.count() == 0


def confirmed_blindly(client, donor, into):
    return client.post(merge_of(donor, into), {"why": "x", "is_meant": "on"})


def test_who_has_both_rights_on_one_operation_alone_merges_nothing(client, norway, norge):
    signed_in(client, *BOTH, on=[factories.operation()])
    assert client.get(merge_of(norge, norway)).status_code == 403
    page = form_of(client, norge)
    assert (page.status_code, b"Merge into another" in page.content) == (200, False)
    assert b"Likely twins" not in client.get(DONORS).content


def test_lines_and_imports_are_told_to_who_may_see_them(client, admin_client, norway, norge):
    factories.contribution(norge, amount_usd=Decimal("4711.00"))
    batch = importing.receive(b"date,donor,amount_usd\n2021-11-24,Norge,5\n", "secret.csv", None)
    importing.read_file(batch, ContributionResource())
    assert "is asked again: secret.csv." in words(admin_client.get(merge_of(norge, norway)))
    said = words(signed_in(client, *BOTH).get(merge_of(norge, norway)))
    assert "is asked again: one that you do not see." in said
    assert "secret" not in said and "4,711" not in said


def test_merges_are_read_by_who_sees_donors_and_changed_by_nobody(client, admin_client, norway, norge):
    confirmed(admin_client, norge, norway)
    record = reverse("admin:contributions_donormerge_change", args=[DonorMerge.objects.get().pk])
    assert signed_in(client, "view_donor").get(record).status_code == 200
    assert admin_client.post(record, {"name": "x"}).status_code == 403
    assert admin_client.get(record.replace("change", "delete")).status_code == 403


@pytest.mark.parametrize("donors", [1, 30])
def test_likely_twins_link_to_their_merge(admin_client, donors, django_assert_num_queries):
    for number in range(donors):
        factories.donor(f"{'abcdefghijklmnopqrstuvwxyzäöüñ'[number] * 5} agency")
    norway, other = factories.donor(), factories.donor("Government of Norway")
    factories.contribution(norway)
    # Session, user; donors, their spellings, lines.
    with django_assert_num_queries(5):
        page = admin_client.get(reverse("admin:contributions_donor_twins"))
    assert "Government of Norway (government, 0 lines) and Norway (government, 1 line) : 100 % alike. Merge…" in (
        " ".join(html.unescape(re.sub("<[^>]+>", " ", page.content.decode())).split()))  # fmt: skip
    assert merge_of(other, norway) in page.content.decode()


def test_without_twins_the_page_says_so(admin_client, norway):
    page = admin_client.get(reverse("admin:contributions_donor_twins"))
    assert b"No two names are nearly the same." in page.content


# --- In the browser ---------------------------------------------------------------------------------


@pytest.fixture
def twin_pages(transactional_db):
    """Pages about two donors that are one, of long names and different kinds."""
    factories.user("admin", is_superuser=True)
    fund = factories.donor("The Fund for Refugees and Displaced Persons in All Countries", kind="foundation")
    other = factories.donor("Funds for Refugees and Displaced Persons in All Countries", kind="pooled_fund")
    factories.contribution(fund)
    return DONORS, f"{DONORS}twins/", f"{DONORS}{fund.pk}/change/", merge_of(fund), merge_of(fund, other)


def test_two_donors_are_merged_without_scripts(new_page, twin_pages):
    page = new_page(java_script_enabled=False)
    be_signed_in(page, "admin")
    page.goto(twin_pages[2])
    page.get_by_role("link", name="Merge into another donor…").click()
    page.get_by_label("The donor that it becomes").select_option(label="Funds for Refugees and Displaced Persons in All Countries")  # fmt: skip
    page.get_by_role("button", name="See what would change").click()
    page.get_by_label("Why they are the same").fill("One fund, two systems.")
    page.get_by_label("are those of the kind “pooled fund” from now on").check()
    page.get_by_label("I have looked at what changes.").check()
    page.get_by_role("button", name="Merge them").click()
    assert "1 line moved." in page.inner_text(".messagelist")
    page.get_by_role("link", name="The record").click()
    assert "One fund, two systems." in page.inner_text("#content")


@pytest.mark.parametrize(
    ("width", "scheme"), [(360, "dark"), (768, "light"), (1280, "light"), (1280, "dark")]
)
def test_axe_finds_nothing_where_donors_are_merged(new_page, twin_pages, width, scheme):
    page = new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    be_signed_in(page, "admin")
    found = {}
    for address in twin_pages:
        assert page.goto(address).status == 200
        page.evaluate("Promise.all(document.getAnimations().map((change) => change.finished))")
        looked = Axe().run(page, options={"preload": False, "resultTypes": ["violations"]})
        violations = looked.response["violations"]
        problems = [f"{v['id']}: {node['html'][:200]}" for v in violations for node in v["nodes"]]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            problems.append("wider than the window")
        if problems:
            found[address] = problems
    assert found == {}
