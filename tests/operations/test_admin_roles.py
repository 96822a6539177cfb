"""The screen on which roles are given and taken away, and the accounts beside it."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from operations.models import Operation, Region, Role
from operations.roles import administrators, give, who_may
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def places():
    americas = Region.objects.get(code="AME")
    return {
        "peru": factories.operation("PER", region=americas),
        "chad": factories.operation("TCD", name_en="Chad"),
        "americas": americas,
    }


@pytest.fixture
def ana():
    return factories.user("ana", first_name="Ana", last_name="Quispe")


@pytest.fixture
def admin(client):
    client.force_login(factories.user("root", is_superuser=True))
    return client


def screen():
    return reverse("admin:roles")


def form(group, people, **where):
    return {"group": Group.objects.get(name=group).pk, "people": [person.pk for person in people], **where}


def said(response):
    return [str(message) for message in response.context["messages"]]


def words(response):
    return " ".join(re.sub(r"<[^>]*>", " ", response.content.decode()).split())


def given(account):
    return sorted(f"{role.group} · {role.where}" for role in account.roles.all())


def test_a_role_is_given_to_people_on_operations_and_regions_at_once(admin, places, ana):
    bo = factories.user("bo")
    where = {"operations": [places["chad"].pk], "regions": [places["americas"].pk]}
    answer = admin.post(screen(), form("Field editors", [ana, bo], **where), follow=True)
    assert given(ana) == given(bo) == ["Field editors · Chad", "Field editors · The Americas"]
    assert said(answer) == ["ana, bo: now Field editors for Chad, The Americas."]
    chips = re.findall(r'<li class="chip[^"]*"><span>([^<]+)</span>', answer.content.decode())
    assert chips == ["Field editors · Chad", "Field editors · The Americas"] * 2
    assert [
        (entry.object_id, entry.user.username, entry.change_message)
        for entry in LogEntry.objects.order_by("pk")
    ] == [
        (str(person.pk), "root", "Given the role Field editors · Chad, Field editors · The Americas.")
        for person in (ana, bo)
    ]


def test_a_role_for_every_operation_is_its_own_choice(admin, places, ana):
    admin.post(screen(), form("Reviewers", [ana], everywhere="on"))
    assert given(ana) == ["Reviewers · every operation"]
    both = form("Finance", [ana], everywhere="on", operations=[places["peru"].pk])
    page = admin.post(screen(), both)
    assert "You chose every operation, and some of them besides." in words(page)
    page = admin.post(screen(), form("Finance", [ana]))
    assert "Say where: choose operations, regions, or every operation." in words(page)
    page = admin.post(screen(), {"everywhere": "on"})
    assert {"Choose a role.", "Choose at least one person."} == {
        str(error) for errors in page.context["form"].errors.values() for error in errors
    }
    assert given(ana) == ["Reviewers · every operation"]


def test_giving_a_role_twice_is_no_error_and_gives_what_is_new(admin, places, ana):
    admin.post(screen(), form("Viewers", [ana], operations=[places["peru"].pk]), follow=True)
    answer = admin.post(screen(), form("Viewers", [ana], operations=[places["peru"].pk]), follow=True)
    assert said(answer) == ["Nothing changed: ana has this role there already."]
    both = [places["peru"].pk, places["chad"].pk]
    answer = admin.post(screen(), form("Viewers", [ana], operations=both), follow=True)
    assert said(answer) == ["ana: now Viewers for Chad."]
    assert Role.objects.count() == LogEntry.objects.count() == 2


def test_a_role_is_taken_away_without_a_question_and_can_be_given_again(admin, places, ana):
    (role,) = give(
        User.objects.get(username="root"), [ana], Group.objects.get(name="Viewers"), [places["peru"]]
    )
    role = Role.objects.get()
    answer = admin.post(screen(), {"take": role.pk}, follow=True)
    assert said(answer) == ["ana no longer has the role Viewers · Peru. To undo this, give it again."]
    assert given(ana) == []
    answer = admin.post(screen(), {"take": role.pk}, follow=True)
    assert said(answer) == ["Nothing changed: this role was taken away already."]
    admin.post(screen(), form("Viewers", [ana], operations=[places["peru"].pk]))
    assert given(ana) == ["Viewers · Peru"]
    assert [entry.change_message for entry in LogEntry.objects.order_by("pk")] == [
        "Given the role Viewers · Peru.",
        "Taken away the role Viewers · Peru.",
        "Given the role Viewers · Peru.",
    ]
    for key in ("x", "9" * 30, "-1", ""):
        assert admin.post(screen(), {"take": key}).status_code == 302


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"is_active": False}, "The account of ana is closed. Open it again first."),
        ({"is_staff": False}, "ana cannot sign in to the admin. Make the account one of staff first."),
    ],
)
def test_who_left_or_is_not_of_staff_is_given_no_role(admin, places, ana, fields, sentence):
    User.objects.filter(pk=ana.pk).update(**fields)
    bo = factories.user("bo")
    answer = admin.post(screen(), form("Viewers", [bo, ana], operations=[places["peru"].pk]))
    assert said(answer) == [sentence]
    assert Role.objects.count() == LogEntry.objects.count() == 0
    assert re.findall(r'<option value="\d+">([^<]*)</option>', str(answer.context["form"]["people"])) == []
    offered = [label for _key, label in admin.get(screen()).context["form"].fields["people"].widget.choices]
    assert offered == ["bo"]


def test_who_left_keeps_their_roles_in_sight_to_be_taken_away(admin, places, ana):
    factories.role(ana, "Viewers", [places["peru"]])
    User.objects.filter(pk=ana.pk).update(is_active=False)
    page = admin.get(screen())
    assert "ana Ana Quispe account closed Viewers · Peru" in words(page)
    admin.post(screen(), {"take": Role.objects.get().pk})
    assert "account closed" not in words(admin.get(screen()))


def test_the_screen_answers_who_may_release_an_operation(admin, places, ana):
    factories.role(ana, "Field editors", [places["peru"]])
    factories.role(factories.user("rosa"), "Reviewers", [places["americas"]])
    factories.role(factories.user("hq"), "Reviewers")
    factories.role(factories.user("fin"), "Finance", [places["peru"]])
    factories.role(factories.user("other"), "Reviewers", [places["chad"]])
    factories.role(factories.user("gone", is_active=False), "Reviewers")
    page = admin.get(screen(), {"operation": places["peru"].pk})
    rights = {
        right: [holder.person.username for holder in holders] for right, holders in page.context["rights"]
    }
    assert rights == {
        "release and withdraw texts": ["hq", "rosa", "root"],
        "release and withdraw the profile": ["hq", "rosa", "root"],
        "release money": ["fin", "hq", "rosa", "root"],
        "write texts": ["ana", "hq", "rosa", "root"],
        "change the profile": ["ana", "hq", "rosa", "root"],
        "enter people": ["ana", "hq", "rosa", "root"],
        "enter money": ["fin", "hq", "rosa", "root"],
        "import contributions": ["fin", "root"],
        "read texts": ["ana", "hq", "rosa", "root"],
        "read the profile": ["ana", "fin", "hq", "rosa", "root"],
    }
    text = words(page)
    assert "release and withdraw texts hq Reviewers, everywhere rosa Reviewers, by the region The Americas root administrator write" in re.sub(r" release and withdraw the profile .*? write", " write", text)  # fmt: skip
    assert [row["person"].username for row in page.context["rows"]] == ["ana", "fin", "gone", "hq", "rosa"]


def test_a_person_with_two_roles_has_a_right_by_one_of_them_alone(places, ana):
    """Neither writing texts nor releasing money gives the right to release texts."""
    factories.role(ana, "Field editors", [places["peru"]])
    factories.role(ana, "Finance", [places["peru"]])
    rights = {str(right): [holder.person for holder in holders] for right, holders in who_may(places["peru"])}
    assert rights["release and withdraw texts"] == []
    assert rights["write texts"] == rights["release money"] == [ana]


def test_the_table_is_filtered_by_person_role_operation_and_region(admin, places, ana):
    bo, cy = factories.user("bo"), factories.user("cy")
    factories.role(ana, "Field editors", [places["peru"]])
    factories.role(bo, "Reviewers", [places["americas"]])
    factories.role(cy, "Viewers")

    def shown(**query):
        return [row["person"].username for row in admin.get(screen(), query).context["rows"]]

    assert shown() == ["ana", "bo", "cy", "root"]
    assert shown(person="quispe ANA") == ["ana"]
    assert shown(person="nobody of this name") == []
    assert shown(role=Group.objects.get(name="Reviewers").pk) == ["bo"]
    assert shown(operation=places["peru"].pk) == ["ana", "bo", "cy"]
    assert shown(operation=places["chad"].pk) == ["cy"]
    assert shown(region=places["americas"].pk) == ["ana", "bo"]
    assert shown(region=places["americas"].pk, role=Group.objects.get(name="Field editors").pk) == ["ana"]
    assert shown(operation="x", role="999", region="' or 1", person="\x00") is not None


def test_the_form_begins_with_the_operation_that_was_asked_for(admin, places):
    page = admin.get(screen(), {"operation": places["peru"].pk})
    assert f'<option value="{places["peru"].pk}" selected>Peru</option>' in str(
        page.context["form"]["operations"]
    )
    change = admin.get(reverse("admin:operations_operation_change", args=[places["peru"].pk]))
    assert f"{screen()}?operation={places['peru'].pk}" in change.content.decode()
    assert screen() in admin.get(reverse("admin:index")).content.decode()


def test_only_who_may_give_roles_opens_the_screen_and_is_led_to_it(client, places):
    client.force_login(factories.user("rev", groups=("Reviewers",)))
    assert client.get(screen()).status_code == client.post(screen(), {"take": "1"}).status_code == 403
    for url in (
        reverse("admin:index"),
        reverse("admin:operations_operation_change", args=[places["peru"].pk]),
    ):
        assert screen() not in client.get(url).content.decode()
    assert Client().get(screen()).status_code == 302
    factories.group("Local keepers", "change_role")
    client.force_login(factories.user("local", groups=("Local keepers",), on=[places["peru"]]))
    assert client.get(screen()).status_code == 403


def test_who_gives_roles_without_being_an_administrator_makes_none(client, places, ana):
    """The roles over roles and accounts are in the hands of administrators."""
    factories.group("Keepers", "change_role")
    factories.group("Account keepers", "change_user")
    client.force_login(factories.user("keeper", groups=("Keepers",)))
    offered = client.get(screen()).context["form"].fields["group"].queryset
    assert [group.name for group in offered] == ["Field editors", "Finance", "Reviewers", "Viewers"]
    for name in ("Keepers", "Account keepers"):
        client.post(screen(), form(name, [ana], everywhere="on"))
    assert given(ana) == []
    client.post(screen(), form("Viewers", [ana], everywhere="on"))
    assert given(ana) == ["Viewers · every operation"]
    factories.role(ana, "Account keepers")
    role = Role.objects.get(group__name="Account keepers")
    assert client.post(screen(), {"take": role.pk}).status_code == 403
    assert given(ana) == ["Account keepers · every operation", "Viewers · every operation"]


def test_the_last_who_gives_roles_cannot_give_that_up(client, places):
    factories.group("Keepers", "change_role", "change_user", "view_user")
    keeper = factories.user("keeper", groups=("Keepers",))
    root = factories.user("root", is_superuser=True)
    client.force_login(root)
    User.objects.filter(pk=root.pk).update(is_superuser=True)
    role = Role.objects.get()
    assert set(administrators()) == {keeper, root}
    client.post(screen(), {"take": role.pk})
    assert set(administrators()) == {root}
    url = reverse("admin:auth_user_change", args=[root.pk])
    data = {"username": "root", "is_active": "on", "is_staff": "on"}
    page = client.post(url, data)
    assert "Nobody else gives roles and opens accounts." in words(page)
    assert User.objects.get(pk=root.pk).is_superuser
    factories.user("second", is_superuser=True)
    data |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    assert client.post(url, data).status_code == 302
    assert not User.objects.get(pk=root.pk).is_superuser


def test_a_keeper_of_roles_alone_keeps_the_role_that_makes_them_one(client):
    from operations.roles import take

    factories.group("Keepers", "change_role")
    keeper = factories.user("keeper", groups=("Keepers",))
    with pytest.raises(ValidationError, match="nobody would be left who gives roles"):
        take(keeper, Role.objects.get())
    assert given(keeper) == ["Keepers · every operation"]
    assert LogEntry.objects.count() == 0


def test_a_membership_without_a_place_is_shown_and_ended(admin, ana):
    ana.groups.add(Group.objects.get(name="Finance"))
    page = admin.get(screen())
    assert "ana Ana Quispe Finance · no operation" in words(page)
    group = Group.objects.get(name="Finance")
    answer = admin.post(screen(), {"leave": f"{ana.pk}-{group.pk}"}, follow=True)
    assert said(answer) == ["ana is no longer in the group Finance."]
    assert not ana.groups.exists()
    for key in ("x", f"{ana.pk}-", "-", f"9-{'9' * 30}"):
        assert admin.post(screen(), {"leave": key}).status_code == 404


@pytest.mark.parametrize("people", [1, 30])
def test_the_screen_costs_the_same_for_few_and_many(admin, places, django_assert_num_queries, people):
    for number in range(people):
        account = factories.user(
            f"p{number}", groups=("Field editors", "Reviewers"), on=[places["peru"], places["americas"]]
        )
        account.groups.add(Group.objects.get(name="Finance"))
    # Session, user; the operation asked for; people to choose; the tree of regions, for the table (twice) and for the
    # answer; how many people, the people, their roles, their memberships; the roles asked for; what may be given; the
    # answer: administrators, roles, permissions and their types; the choices of both forms: groups, operations, regions.
    with django_assert_num_queries(23):
        admin.get(screen(), {"operation": places["peru"].pk})


def test_an_account_shows_its_roles_and_leads_to_the_screen(admin, places, ana):
    factories.role(ana, "Field editors", [places["peru"]])
    page = admin.get(reverse("admin:auth_user_change", args=[ana.pk]))
    assert not {"groups", "user_permissions"} & set(page.context["adminform"].form.fields)
    assert "Field editors · Peru · Give and take away roles" in words(page)
    assert f"{screen()}?person=ana" in page.content.decode()
    root = User.objects.get(username="root")
    assert "needs no role" in words(admin.get(reverse("admin:auth_user_change", args=[root.pk])))
    assert admin.get(reverse("admin:auth_user_add")).status_code == 200
    assert admin.get(reverse("admin:auth_user_changelist")).status_code == 200
    group = Group.objects.get(name="Viewers")
    assert (
        "permissions"
        in admin.get(reverse("admin:auth_group_change", args=[group.pk])).context["adminform"].form.fields
    )


def test_a_keeper_of_accounts_makes_no_administrator_and_touches_none(client, ana):
    factories.group("Account keepers", *(f"{action}_user" for action in ("view", "add", "change", "delete")))
    client.force_login(factories.user("keeper", groups=("Account keepers",)))
    root = factories.user("root", is_superuser=True)
    assert (
        "is_superuser"
        not in client.get(reverse("admin:auth_user_change", args=[ana.pk])).context["adminform"].form.fields
    )
    url = reverse("admin:auth_user_change", args=[root.pk])
    assert client.get(url).context["has_change_permission"] is False
    assert client.post(url, {"username": "mine"}).status_code == 403
    assert client.get(reverse("admin:auth_user_password_change", args=[root.pk])).status_code == 403
    assert client.post(reverse("admin:auth_user_delete", args=[root.pk]), {"post": "yes"}).status_code == 403
    data = {"action": "delete_selected", "_selected_action": [root.pk, ana.pk], "post": "yes"}
    assert client.post(reverse("admin:auth_user_changelist"), data).status_code == 403
    assert User.objects.filter(username__in=["root", "ana"]).count() == 2


def test_a_keeper_of_accounts_does_not_take_over_the_account_of_who_gives_roles(client, ana):
    factories.group("Account keepers", "view_user", "change_user")
    factories.group("Givers of roles", "view_role", "change_role")
    factories.role(ana, "Givers of roles")
    client.force_login(factories.user("keeper", groups=("Account keepers",)))
    assert client.get(reverse("admin:auth_user_password_change", args=[ana.pk])).status_code == 403
    assert client.post(reverse("admin:auth_user_change", args=[ana.pk]), {"username": "x"}).status_code == 403


def test_nobody_deletes_their_own_account(admin):
    root = User.objects.get(username="root")
    assert admin.post(reverse("admin:auth_user_delete", args=[root.pk]), {"post": "yes"}).status_code == 403


def test_a_role_is_given_without_a_script_and_with_the_keyboard(new_page, places, ana):
    factories.user("root", is_superuser=True)
    page = new_page(java_script_enabled=False, viewport={"width": 360, "height": 800})
    page.goto(f"/admin/login/?next={screen()}")
    page.fill("#id_username", "root")
    page.fill("#id_password", factories.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{screen()}")
    page.select_option("#give_people", label="Ana Quispe (ana)")
    page.get_by_label("Reviewers", exact=True).check()
    page.select_option("#give_regions", label="The Americas")
    page.get_by_role("button", name="Give the role").focus()
    page.keyboard.press("Enter")
    page.get_by_text("ana: now Reviewers for The Americas.").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    button = page.get_by_role("button", name="Take away: ana, Reviewers, The Americas")
    assert button.bounding_box()["width"] >= 24 and button.bounding_box()["height"] >= 24
    button.focus()
    page.keyboard.press("Enter")
    page.get_by_text("ana no longer has the role Reviewers · The Americas.").wait_for()
    assert Operation.objects.count() == 2 and Role.objects.count() == 0


def test_the_questions_about_roles_stand_on_one_line(new_page, places):
    factories.user("root", is_superuser=True)
    page = new_page(viewport={"width": 1280, "height": 800})
    page.goto(f"/admin/login/?next={screen()}")
    page.fill("#id_username", "root")
    page.fill("#id_password", factories.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{screen()}")
    page.locator(".show label").last.wait_for()
    labels = page.locator(".show label").all()
    assert [label.inner_text() for label in labels] == ["Person", "Role", "Operation", "Region"]
    assert len({label.bounding_box()["y"] for label in labels}) == 1
