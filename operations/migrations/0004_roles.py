"""Rights become roles: who edited an operation has their group there, who edited every one has it everywhere."""

from django.db import migrations
from django.db.models import Q


def make_roles(apps, schema_editor):
    """Nobody sees or may do more than before, or less.

    A right counted on every operation where any group of the person, or the person, had “edit every
    operation”. A group over contributions alone counted everywhere.
    """
    Group = apps.get_model("auth", "Group")
    Operation = apps.get_model("operations", "Operation")
    Role = apps.get_model("operations", "Role")
    User = apps.get_model("auth", "User")
    every = "edit_every_operation"
    everywhere = set(
        User.objects.filter(
            Q(groups__permissions__codename=every) | Q(user_permissions__codename=every)
        ).values_list("pk", flat=True)
    )
    of_operations = Group.objects.filter(permissions__content_type__app_label="operations").distinct()
    of_money = list(
        Group.objects.filter(permissions__content_type__app_label="contributions")
        .exclude(pk__in=of_operations.values("pk"))
        .distinct()
    )
    # Whoever had such rights without a group has a group of their own now.
    own = Q(content_type__app_label__in=["operations", "contributions"]) & ~Q(codename=every)
    own_groups = []
    for user in User.objects.filter(
        user_permissions__content_type__app_label__in=["operations", "contributions"]
    ):
        permissions = user.user_permissions.filter(own)
        if permissions and user.pk not in {owner.pk for owner, _group in own_groups}:
            group, _made = Group.objects.get_or_create(name=f"Rights of {user.username}"[:150])
            group.permissions.set(permissions)
            own_groups.append((user, group))
    shared = [(user, group) for group in [*of_operations, *of_money] for user in group.user_set.all()]
    for user, group in [*shared, *own_groups]:
        if group in of_money or user.pk in everywhere:
            places = [None]
        else:
            places = list(Operation.objects.filter(editors=user))
        for operation in places:
            Role.objects.get_or_create(user=user, group=group, operation=operation, region=None)


def make_editors(apps, schema_editor):
    """The way back: who has a role somewhere has its group, and edits the operations of their roles."""
    Operation = apps.get_model("operations", "Operation")
    editors = set()  # the table that is back has its unique index only at the end of this migration
    for role in apps.get_model("operations", "Role").objects.select_related("user", "group"):
        role.user.groups.add(role.group)
        found = Operation.objects.all()
        if role.operation_id:
            found = found.filter(pk=role.operation_id)
        elif role.region_id:
            found = found.filter(region=role.region_id)
        editors |= {(operation.pk, role.user_id) for operation in found}
    Editor = Operation.editors.through
    Editor.objects.bulk_create(
        Editor(operation_id=operation, user_id=user) for operation, user in sorted(editors)
    )


def forget_permission(apps, schema_editor):
    apps.get_model("auth", "Permission").objects.filter(codename="edit_every_operation").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("operations", "0003_release_workflow"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    operations = [
        migrations.RunPython(make_roles, make_editors),
        migrations.RunPython(forget_permission, migrations.RunPython.noop),
        migrations.RemoveField(model_name="operation", name="editors"),
        migrations.AlterModelOptions(
            name="operation",
            options={
                "ordering": ["name"],
                "permissions": [("import_operation", "Can import operations")],
                "verbose_name": "operation",
                "verbose_name_plural": "operations",
            },
        ),
    ]
