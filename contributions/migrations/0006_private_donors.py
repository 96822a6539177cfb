"""Which private donors stand for many, and how it is known that one may be named.

The sums that show single gifts of the others are gone; `manage.py remake_sums` makes those of several.
"""

from django.db import migrations, models

CLASS_NAMES = ("private donors", "donateurs privés", "donantes privados")


def tell_classes(apps, schema_editor):
    alias = schema_editor.connection.alias
    donors = apps.get_model("contributions", "Donor").objects.using(alias)
    unnamed = donors.filter(kind="private", may_be_named=False)
    classes = [d.pk for d in unnamed if (d.name_en or "").casefold().startswith(CLASS_NAMES)]
    donors.filter(pk__in=classes).update(is_class=True)
    hidden = unnamed.filter(is_class=False).values("pk")
    apps.get_model("contributions", "DailySum").objects.using(alias).filter(donor__in=hidden).delete()


class Migration(migrations.Migration):

    dependencies = [
        ("contributions", "0005_daily_sums"),
    ]

    operations = [
        migrations.AddField(
            model_name="dailysum",
            name="is_cell",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="donor",
            name="consent",
            field=models.CharField(blank=True, help_text="When and how a private donor agreed to be named, such as “letter of 3 May 2021”. Readers do not see it.", max_length=200, verbose_name="consent"),
        ),
        migrations.AddField(
            model_name="donor",
            name="is_class",
            field=models.BooleanField(default=False, help_text="For “private donors in Japan”, whose lines are sums of many gifts already: each is shown as it is. The gifts of a single private donor are only shown added up with those of others.", verbose_name="stands for many"),
        ),
        migrations.AlterField(
            model_name="dailysum",
            name="donor",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=models.PROTECT,
                related_name="sums",
                to="contributions.donor",
            ),
        ),
        migrations.AddIndex(
            model_name="donor",
            index=models.Index(
                condition=models.Q(("kind", "private"), ("may_be_named", False)),
                fields=["is_class", "id"],
                name="donor_unnamed",
            ),
        ),
        migrations.RunPython(tell_classes, migrations.RunPython.noop, elidable=True),
    ]
