"""Who might do what before there were roles may do it after, and no more."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

BEFORE = [("operations", "0003_release_workflow")]
AFTER = [("operations", "0004_roles")]


@pytest.fixture
def before(transactional_db):
    """The models as they stood; the tables go back to today's at the end, whatever happens."""
    executor = MigrationExecutor(connection)
    newest = [key for key in executor.loader.graph.leaf_nodes() if key[0] in ("operations", "contributions")]
    # Forwards from the very tables of that day: its rows have no roles that a way back would have to invent.
    executor.migrate([("contributions", None), ("operations", None)])
    executor = MigrationExecutor(connection)
    executor.migrate(BEFORE)
    yield executor.loader.project_state(BEFORE).apps
    executor = MigrationExecutor(connection)
    executor.migrate(newest)


def make(apps):
    Group, User, Permission, ContentType = (
        apps.get_model(*name)
        for name in (
            ("auth", "Group"),
            ("auth", "User"),
            ("auth", "Permission"),
            ("contenttypes", "ContentType"),
        )
    )
    Operation = apps.get_model("operations", "Operation")

    def permission(app_label, model, codename):
        kind, _made = ContentType.objects.get_or_create(app_label=app_label, model=model)
        return Permission.objects.get_or_create(
            content_type=kind, codename=codename, defaults={"name": codename}
        )[0]

    Group.objects.filter(name__startswith="Old").delete()
    every = permission("operations", "operation", "edit_every_operation")
    change = permission("operations", "operation", "change_operation")
    money = permission("contributions", "contribution", "view_contribution")
    groups = {
        "Old editors": [change],
        "Old reviewers": [change, every],
        "Old readers of money": [money],
        "Old others": [permission("auth", "user", "view_user")],
    }
    for name, permissions in groups.items():
        Group.objects.create(name=name).permissions.set(permissions)
    peru, chad = (
        Operation.objects.create(code=code, slug=code.lower(), name=code, name_en=code)
        for code in ("PER", "TCD")
    )

    def user(username, *names):
        account = User.objects.create(username=username, is_staff=True)
        account.groups.set(Group.objects.filter(name__in=names))
        return account

    peru.editors.set([user("ana", "Old editors"), user("two", "Old editors", "Old others")])
    chad.editors.add(User.objects.get(username="two"))
    user("rev", "Old reviewers")
    user("mixed", "Old editors", "Old reviewers")
    user("idle", "Old editors")
    user("money", "Old readers of money")
    user("direct", "Old editors").user_permissions.add(every)
    user("own").user_permissions.add(change)
    peru.editors.add(User.objects.get(username="own"))


def test_groups_and_editors_become_roles_and_the_way_back_gives_editors_their_operations(before):
    make(before)
    executor = MigrationExecutor(connection)
    executor.migrate(AFTER)
    apps = executor.loader.project_state(AFTER).apps
    Group, Role, User, Permission = (
        apps.get_model("auth", "Group"),
        apps.get_model("operations", "Role"),
        apps.get_model("auth", "User"),
        apps.get_model("auth", "Permission"),
    )
    roles = Role.objects.values_list("user__username", "group__name", "operation__code", "region")
    assert sorted(roles, key=str) == [
        ("ana", "Old editors", "PER", None),
        ("direct", "Old editors", None, None),
        ("mixed", "Old editors", None, None),
        ("mixed", "Old reviewers", None, None),
        ("money", "Old readers of money", None, None),
        ("own", "Rights of own", "PER", None),
        ("rev", "Old reviewers", None, None),
        ("two", "Old editors", "PER", None),
        ("two", "Old editors", "TCD", None),
    ]
    own = Group.objects.get(name="Rights of own")
    assert [permission.codename for permission in own.permissions.all()] == ["change_operation"]
    # Their groups stay with them: what concerns no operation, such as the sight of accounts, comes by these.
    assert sorted(User.objects.get(username="two").groups.values_list("name", flat=True)) == [
        "Old editors",
        "Old others",
    ]
    assert not Permission.objects.filter(codename="edit_every_operation").exists()
    assert "editors" not in [
        field.name for field in apps.get_model("operations", "Operation")._meta.get_fields()
    ]

    # And the way back gives editors their operations.
    executor = MigrationExecutor(connection)
    executor.migrate(BEFORE)
    Operation = executor.loader.project_state(BEFORE).apps.get_model("operations", "Operation")
    editors = Operation.objects.filter(editors__username__in=["ana", "two", "own"])
    assert sorted(editors.values_list("code", "editors__username")) == [
        ("PER", "ana"),
        ("PER", "own"),
        ("PER", "two"),
        ("TCD", "two"),
    ]
