import datetime
from importlib import import_module

import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

append_only = import_module("operations.migrations.0002_editions_are_append_only")


def keep_append_only(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TRIGGER IF EXISTS edition_is_append_only")
        schema_editor.execute(append_only.SQLITE)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("operations", "0002_editions_are_append_only"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="edition",
            name="replaced_by",
            field=models.CharField(blank=True, max_length=300, verbose_name="replaced by"),
        ),
        migrations.AddField(
            model_name="edition",
            name="withdrawal_notice",
            field=models.TextField(blank=True, verbose_name="notice to readers"),
        ),
        migrations.AddField(
            model_name="edition",
            name="withdrawal_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("in_error", "published in error"),
                    ("replaced", "replaced by another page"),
                    ("no_longer_true", "no longer true"),
                ],
                max_length=20,
                verbose_name="reason",
            ),
        ),
        migrations.AddField(
            model_name="narrative",
            name="review",
            field=models.CharField(
                choices=[
                    ("draft", "draft"),
                    ("in_review", "in review"),
                    ("changes_requested", "changes requested"),
                ],
                default="draft",
                editable=False,
                max_length=20,
                verbose_name="review",
            ),
        ),
        migrations.AddField(
            model_name="operation",
            name="review",
            field=models.CharField(
                choices=[
                    ("draft", "draft"),
                    ("in_review", "in review"),
                    ("changes_requested", "changes requested"),
                ],
                default="draft",
                editable=False,
                max_length=20,
                verbose_name="review",
            ),
        ),
        migrations.AddField(
            model_name="sectiontype",
            name="required_since",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="From this year on, a text without this section cannot be released. Leave empty if it may be missing.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1950),
                    django.core.validators.MaxValueValidator(2199),
                ],
                verbose_name="required since",
            ),
        ),
        migrations.CreateModel(
            name="Answer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("check_code", models.CharField(max_length=60, verbose_name="check")),
                ("key", models.CharField(max_length=200, verbose_name="key")),
                ("message", models.TextField(verbose_name="warning")),
                ("reason", models.TextField(verbose_name="reason")),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="at")),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "edition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="answers",
                        to="operations.edition",
                        verbose_name="edition",
                    ),
                ),
            ],
            options={
                "verbose_name": "answer to a warning",
                "verbose_name_plural": "answers to warnings",
                "ordering": ["at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Step",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("comment", "comment"),
                            ("sent", "sent for review"),
                            ("changes_requested", "changes requested"),
                            ("taken_back", "taken back from review"),
                            ("released", "released"),
                            ("scheduled", "release set for a time"),
                            ("unscheduled", "set time taken back"),
                            ("withdrawn", "withdrawn"),
                            ("restored", "restored from an older edition"),
                        ],
                        max_length=20,
                        verbose_name="step",
                    ),
                ),
                ("text", models.TextField(blank=True, verbose_name="comment")),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="at")),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "edition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="steps",
                        to="operations.edition",
                        verbose_name="edition",
                    ),
                ),
            ],
            options={
                "verbose_name": "step",
                "verbose_name_plural": "steps",
                "ordering": ["at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="OpenForm",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("form", models.CharField(max_length=80)),
                ("opened_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("seen_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "open form",
                "verbose_name_plural": "open forms",
                "constraints": [
                    models.UniqueConstraint(models.F("form"), models.F("user"), name="open_form_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="PreviewLink",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "edition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="preview_links",
                        to="operations.edition",
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "revoked_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "preview link",
                "verbose_name_plural": "preview links",
                "ordering": ["-made_at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "expires_at__lte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("made_at"), "+", models.Value(datetime.timedelta(days=1))
                                ),
                            )
                        ),
                        name="preview_link_at_most_a_day",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Role",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="roles",
                        to="auth.group",
                        verbose_name="role",
                    ),
                ),
                (
                    "operation",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="roles",
                        to="operations.operation",
                        verbose_name="operation",
                    ),
                ),
                (
                    "region",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="roles",
                        to="operations.region",
                        verbose_name="region",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="roles",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="member of staff",
                    ),
                ),
            ],
            options={
                "verbose_name": "role",
                "verbose_name_plural": "roles",
                "ordering": ["user", "group", "region", "operation"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("user"),
                        models.F("group"),
                        models.F("operation"),
                        condition=models.Q(("operation__isnull", False)),
                        name="role_in_operation_once",
                    ),
                    models.UniqueConstraint(
                        models.F("user"),
                        models.F("group"),
                        models.F("region"),
                        condition=models.Q(("region__isnull", False)),
                        name="role_in_region_once",
                    ),
                    models.UniqueConstraint(
                        models.F("user"),
                        models.F("group"),
                        condition=models.Q(("operation__isnull", True), ("region__isnull", True)),
                        name="role_everywhere_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("operation__isnull", True), ("region__isnull", True), _connector="OR"
                        ),
                        name="role_for_an_operation_or_a_region",
                        violation_error_message="Choose an operation or a region, not both.",
                    ),
                ],
            },
        ),
        # SQLite has built the table of editions anew, and lost the trigger with the old one.
        migrations.RunPython(keep_append_only, migrations.RunPython.noop),
    ]
