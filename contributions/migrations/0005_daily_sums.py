"""Sums by day in place of those by month, made anew from the lines; one gift is found by its reference."""

import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models

import operations.fields


def make_sums(apps, schema_editor):
    """Of each import in the order in which they came: what its lines make, less what they replaced."""
    batches = apps.get_model("contributions", "ImportBatch").objects.using(schema_editor.connection.alias)
    columns = "donor_id, operation_id, budget_year, date, earmarking"
    before = ", ".join(f"p.{name}" for name in columns.split(", "))
    books, imports = "contributions_contribution", "contributions_importbatch"
    standing = batches.filter(withdrawn_at__isnull=True, contributions__isnull=False)
    with schema_editor.connection.cursor() as cursor:
        for pk in standing.order_by("pk").values_list("pk", flat=True).distinct():
            cursor.execute(
                f"INSERT INTO contributions_dailysum (batch_id, {columns}, amount_usd, lines) "
                f"SELECT {pk:d}, {columns}, SUM(usd), SUM(lines) FROM ("
                f"SELECT {columns}, amount_usd AS usd, 1 AS lines FROM {books} WHERE batch_id = %s AND NOT withdraws "
                f"UNION ALL SELECT {before}, -p.amount_usd, -1 FROM {books} AS p WHERE NOT p.withdraws AND p.id IN ("
                f"SELECT MAX(o.id) FROM {books} AS c "
                f"JOIN {books} AS o ON o.key = c.key AND o.occurrence = c.occurrence AND o.id < c.id "
                f"AND NOT o.is_current JOIN {imports} AS b ON b.id = o.batch_id AND b.withdrawn_at IS NULL "
                f"WHERE c.batch_id = %s GROUP BY c.id)"
                f") AS changes GROUP BY {columns} HAVING SUM(usd) <> 0 OR SUM(lines) <> 0",
                [pk, pk],
            )


class Migration(migrations.Migration):
    dependencies = [("contributions", "0004_one_line_a_key"), ("operations", "0004_roles")]

    operations = [
        migrations.DeleteModel(name="MonthlySum"),
        migrations.CreateModel(
            name="DailySum",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("budget_year", models.PositiveSmallIntegerField()),
                ("date", models.DateField()),
                ("earmarking", models.CharField(max_length=20)),
                ("amount_usd", operations.fields.CentsField()),
                ("lines", models.IntegerField()),
                (
                    "batch",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sums",
                        to="contributions.importbatch",
                    ),
                ),
                (
                    "donor",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="sums",
                        to="contributions.donor",
                    ),
                ),
                (
                    "operation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="operations.operation",
                    ),
                ),
            ],
            options={"verbose_name": "daily sum", "verbose_name_plural": "daily sums"},
        ),
        migrations.RunPython(make_sums, migrations.RunPython.noop, elidable=True),
        migrations.AddIndex(
            model_name="dailysum",
            index=models.Index(fields=["-date", "donor", "batch", "amount_usd", "lines"], name="sum_latest"),
        ),
        migrations.AddIndex(
            model_name="dailysum",
            index=models.Index(
                fields=["budget_year", "-date", "donor", "batch", "amount_usd", "lines"], name="sum_by_year"
            ),
        ),
        migrations.AddIndex(
            model_name="dailysum",
            index=models.Index(
                fields=["donor", "-date", "budget_year", "operation", "earmarking", "batch", "amount_usd", "lines"],
                name="sum_by_donor",
            ),
        ),
        migrations.AddIndex(
            model_name="dailysum",
            index=models.Index(
                fields=["operation", "-date", "budget_year", "donor", "batch", "amount_usd", "lines"],
                name="sum_by_operation",
            ),
        ),
        migrations.AddIndex(
            model_name="contribution",
            index=models.Index(django.db.models.functions.text.Upper("reference"), name="contribution_by_reference"),
        ),
    ]
