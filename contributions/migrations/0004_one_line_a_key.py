"""Lines known by a digest and an occurrence: last what holds of the filled columns."""

import uuid

from django.db import migrations, models


def keep_out_of_the_log(apps, schema_editor):
    """Staged lines are made again from their file: PostgreSQL need not write them twice."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE contributions_stagedline SET UNLOGGED")


class Migration(migrations.Migration):
    dependencies = [("contributions", "0003_give_keys")]

    operations = [
        migrations.RemoveField(model_name="contribution", name="old_key"),
        migrations.AlterField(
            model_name='donor',
            name='token',
            field=models.UUIDField(default=uuid.uuid4, editable=False, help_text='Names the donor in the keys of its lines.', unique=True),
        ),
        migrations.AlterField(
            model_name='contribution',
            name='key',
            field=models.UUIDField(help_text='Identifies the line across files (see contribution_key).', verbose_name='key'),
        ),
        migrations.AddIndex(
            model_name='contribution',
            index=models.Index(condition=models.Q(('is_current', False)), fields=['key', 'id'], name='contribution_forms'),
        ),
        migrations.AddIndex(
            model_name='contribution',
            index=models.Index(condition=models.Q(('is_current', True), ('occurrence__gt', 1)), fields=['key'], name='contribution_repeated'),
        ),
        migrations.AddIndex(
            model_name='contribution',
            index=models.Index(condition=models.Q(('replaced_in__isnull', False)), fields=['replaced_in'], name='contribution_replaced'),
        ),
        migrations.AddIndex(
            model_name='contribution',
            index=models.Index(fields=['donor', '-date'], name='contribution_by_donor'),
        ),
        migrations.AddIndex(
            model_name='contribution',
            index=models.Index(fields=['budget_year', '-date'], name='contribution_by_year'),
        ),
        migrations.AddConstraint(
            model_name='contribution',
            constraint=models.UniqueConstraint(models.F('key'), models.F('occurrence'), condition=models.Q(('is_current', True)), name='contribution_key_once'),
        ),
        migrations.AddConstraint(
            model_name='contribution',
            constraint=models.CheckConstraint(condition=models.Q(('withdraws', False), ('is_current', False), _connector='OR'), name='contribution_withdrawal_is_not_current'),
        ),
        migrations.AddConstraint(
            model_name='importbatch',
            constraint=models.CheckConstraint(condition=models.Q(('released_at__isnull', True), ('state', 'imported'), _connector='OR'), name='batch_released_is_imported'),
        ),
        migrations.RunPython(keep_out_of_the_log, migrations.RunPython.noop),
    ]
