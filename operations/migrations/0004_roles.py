"""Rights become roles: who edited an operation has their group there, who edited every one has it everywhere."""

from django.db import migrations


def make_roles(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Operation = apps.get_model("operations", "Operation")
    Role = apps.get_model("operations", "Role")
    everywhere = set(
        Group.objects.filter(permissions__codename="edit_every_operation").values_list("pk", flat=True)
    )
    for group in Group.objects.filter(permissions__content_type__app_label="operations").distinct():
        for user in group.user_set.all():
            operations = Operation.objects.filter(editors=user)
            places = [None] if group.pk in everywhere else list(operations)
            for operation in places:
                Role.objects.get_or_create(user=user, group=group, operation=operation, region=None)
            if places:
                user.groups.remove(group)


def forget_permission(apps, schema_editor):
    apps.get_model("auth", "Permission").objects.filter(codename="edit_every_operation").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("operations", "0003_release_workflow"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    operations = [
        migrations.RunPython(make_roles, migrations.RunPython.noop),
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
