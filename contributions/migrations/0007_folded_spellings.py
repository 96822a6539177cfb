"""Room for the folded form of any spelling, which may be longer than the spelling itself."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("contributions", "0006_private_donors"),
    ]

    operations = [
        migrations.AlterField(
            model_name="donoralias",
            name="folded",
            field=models.CharField(editable=False, max_length=600, unique=True),
        ),
    ]
