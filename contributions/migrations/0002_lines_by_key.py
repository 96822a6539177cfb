"""Lines known by a digest and an occurrence, imports as jobs, a token for each donor: first the columns."""

import uuid

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import operations.fields


class Migration(migrations.Migration):
    dependencies = [
        ("contributions", "0001_initial"),
        ("operations", "0004_roles"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='DonorMerge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200, verbose_name='was called')),
                ('token', models.UUIDField(editable=False)),
                ('was', models.JSONField(default=dict, help_text='All that was stored of the donor.', verbose_name='was')),
                ('lines', models.PositiveIntegerField(default=0, verbose_name='lines moved')),
                ('merged_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='merged')),
                ('because', models.TextField(blank=True, verbose_name='why')),
            ],
            options={
                'verbose_name': 'merge of donors',
                'verbose_name_plural': 'merges of donors',
                'ordering': ['-merged_at'],
            },
        ),
        migrations.CreateModel(
            name='ImportProblem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('line', models.PositiveIntegerField(verbose_name='line')),
                ('column', models.CharField(blank=True, max_length=60, verbose_name='column')),
                ('value', models.CharField(blank=True, max_length=80, verbose_name='value')),
                ('message', models.TextField(verbose_name='what is wrong, and what to do')),
            ],
            options={
                'verbose_name': 'problem of an import',
                'verbose_name_plural': 'problems of an import',
                'ordering': ['line', 'id'],
            },
        ),
        migrations.CreateModel(
            name='ImportSource',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, verbose_name='name')),
                ('reading', models.JSONField(default=dict)),
                ('mapping', models.JSONField(default=dict)),
                ('options', models.JSONField(default=dict)),
                ('saved_at', models.DateTimeField(auto_now=True, verbose_name='saved')),
            ],
            options={
                'verbose_name': 'source of imports',
                'verbose_name_plural': 'sources of imports',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='MonthlySum',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('budget_year', models.PositiveSmallIntegerField()),
                ('month', models.DateField()),
                ('earmarking', models.CharField(max_length=20)),
                ('amount_usd', operations.fields.CentsField()),
                ('lines', models.IntegerField()),
            ],
            options={
                'verbose_name': 'monthly sum',
                'verbose_name_plural': 'monthly sums',
            },
        ),
        migrations.CreateModel(
            name='StagedLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('line', models.PositiveIntegerField()),
                ('state', models.CharField(choices=[('n', 'new'), ('a', 'another one'), ('c', 'replaces'), ('k', 'left as it is'), ('u', 'unchanged'), ('w', 'to be withdrawn')], max_length=1)),
                ('reference', models.CharField(max_length=60)),
                ('donor_token', models.UUIDField()),
                ('date', models.DateField()),
                ('budget_year', models.PositiveSmallIntegerField()),
                ('amount_usd', operations.fields.CentsField()),
                ('currency', models.CharField(max_length=3)),
                ('amount', operations.fields.CentsField(null=True)),
                ('earmarking', models.CharField(max_length=20)),
                ('description', models.CharField(max_length=500)),
                ('key', models.UUIDField()),
                ('occurrence', models.PositiveIntegerField(default=1)),
                ('decision', models.CharField(default='', max_length=1)),
            ],
            options={
                'verbose_name': 'staged line',
                'verbose_name_plural': 'staged lines',
                'ordering': ['line', 'id'],
            },
        ),
        migrations.AlterModelOptions(
            name='importbatch',
            options={'ordering': ['-made_at'], 'permissions': [('release_importbatch', 'Can release and undo imports')], 'verbose_name': 'import', 'verbose_name_plural': 'imports'},
        ),
        migrations.RemoveConstraint(
            model_name='contribution',
            name='contribution_key_once',
        ),
        migrations.RemoveConstraint(
            model_name='importbatch',
            name='batch_withdrawn_after_release',
        ),
        migrations.RemoveIndex(
            model_name='contribution',
            name='contribution_forms',
        ),
        migrations.RemoveIndex(
            model_name='contribution',
            name='contribution_by_year',
        ),
        migrations.AddField(
            model_name='contribution',
            name='is_current',
            field=models.BooleanField(default=True, help_text='Whether this is the newest form of its line, of all imports that were not undone.', verbose_name='is current'),
        ),
        migrations.AddField(
            model_name='contribution',
            name='line',
            field=models.PositiveIntegerField(blank=True, null=True, verbose_name='line of the file'),
        ),
        migrations.AddField(
            model_name='contribution',
            name='occurrence',
            field=models.PositiveIntegerField(default=1, help_text='Tells lines apart that share their key.', verbose_name='occurrence'),
        ),
        migrations.AddField(
            model_name='contribution',
            name='withdraws',
            field=models.BooleanField(default=False, help_text="Says that the line is no longer in the agency's books; nothing is counted.", verbose_name='withdraws the line'),
        ),
        migrations.AddField(
            model_name='donor',
            name='population',
            field=models.PositiveBigIntegerField(blank=True, help_text='How many people live there, for amounts per person; empty where that makes no sense.', null=True, verbose_name='people in the country'),
        ),
        migrations.AddField(
            model_name='donor',
            name='population_year',
            field=models.PositiveSmallIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1950), django.core.validators.MaxValueValidator(2199)], verbose_name='in the year'),
        ),
        migrations.AddField(
            model_name='importbatch',
            name='attempts',
            field=models.PositiveSmallIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name='importbatch',
            name='beat_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='importbatch',
            name='job',
            field=models.CharField(blank=True, choices=[('', 'nothing'), ('plan', 'read and compare'), ('import', 'import')], default='', max_length=10, verbose_name='to do'),
        ),
        migrations.AddField(
            model_name='importbatch',
            name='options',
            field=models.JSONField(default=dict, help_text='What the person who imported it decided.', verbose_name='decisions'),
        ),
        migrations.AddField(
            model_name='importbatch',
            name='plan',
            field=models.JSONField(default=dict, editable=False, help_text='What the preview shows besides the staged lines.'),
        ),
        migrations.AddField(
            model_name='importbatch',
            name='problem',
            field=models.TextField(blank=True, verbose_name='what went wrong'),
        ),
        migrations.AddField(
            model_name='importbatch',
            name='progress',
            field=models.PositiveIntegerField(default=0, editable=False, verbose_name='lines read'),
        ),
        migrations.AddField(
            model_name='importbatch',
            name='queued_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='importbatch',
            name='reading',
            field=models.JSONField(default=dict, help_text='Encoding, delimiter, sheet and header line of the file.', verbose_name='reading'),
        ),
        migrations.AddField(
            model_name='importbatch',
            name='state',
            field=models.CharField(choices=[('new', 'uploaded'), ('asking', 'has questions'), ('planned', 'ready to be confirmed'), ('imported', 'imported'), ('known', 'changed nothing'), ('failed', 'failed'), ('given_up', 'given up')], default='imported', max_length=10, verbose_name='state'),
        ),
        migrations.AddField(
            model_name='importbatch',
            name='withdrawn_because',
            field=models.TextField(blank=True, verbose_name='why it was undone'),
        ),
        migrations.AddField(
            model_name='importbatch',
            name='withdrawn_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='undone by'),
        ),
        migrations.AlterField(
            model_name='contribution',
            name='donor',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='contributions', to='contributions.donor', verbose_name='donor'),
        ),
        migrations.AlterField(
            model_name='contribution',
            name='operation',
            field=models.ForeignKey(blank=True, db_index=False, help_text='Empty where the source does not say.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='contributions', to='operations.operation', verbose_name='operation'),
        ),
        migrations.AlterField(
            model_name='contribution',
            name='replaced_in',
            field=models.ForeignKey(blank=True, db_index=False, help_text='The last import that brought a newer form; it stays when that import is undone.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='replaced', to='contributions.importbatch', verbose_name='replaced in'),
        ),
        migrations.AlterField(
            model_name='importbatch',
            name='withdrawn_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='undone'),
        ),
        migrations.AddField(
            model_name='donormerge',
            name='donor',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='merges', to='contributions.donor', verbose_name='became'),
        ),
        migrations.AddField(
            model_name='donormerge',
            name='merged_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='merged by'),
        ),
        migrations.AddField(
            model_name='importproblem',
            name='batch',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='problems', to='contributions.importbatch'),
        ),
        migrations.AddField(
            model_name='importsource',
            name='saved_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='saved by'),
        ),
        migrations.AddField(
            model_name='importbatch',
            name='source',
            field=models.ForeignKey(blank=True, help_text='The kept way of reading that was used.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='imports', to='contributions.importsource', verbose_name='source'),
        ),
        migrations.AddIndex(
            model_name='importbatch',
            index=models.Index(fields=['table', 'released_at'], name='batch_by_release'),
        ),
        migrations.AddIndex(
            model_name='importbatch',
            index=models.Index(condition=models.Q(('job', ''), _negated=True), fields=['queued_at'], name='batch_queue'),
        ),
        migrations.AddField(
            model_name='monthlysum',
            name='batch',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='sums', to='contributions.importbatch'),
        ),
        migrations.AddField(
            model_name='monthlysum',
            name='donor',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='sums', to='contributions.donor'),
        ),
        migrations.AddField(
            model_name='monthlysum',
            name='operation',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='operations.operation'),
        ),
        migrations.AddField(
            model_name='stagedline',
            name='batch',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='staged', to='contributions.importbatch'),
        ),
        migrations.AddField(
            model_name='stagedline',
            name='operation',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='operations.operation'),
        ),
        migrations.AddField(
            model_name='stagedline',
            name='previous',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='contributions.contribution'),
        ),
        migrations.AddIndex(
            model_name='monthlysum',
            index=models.Index(fields=['budget_year', 'donor'], name='sum_by_year'),
        ),
        migrations.AddIndex(
            model_name='monthlysum',
            index=models.Index(fields=['donor', 'budget_year'], name='sum_by_donor'),
        ),
        migrations.AddIndex(
            model_name='monthlysum',
            index=models.Index(fields=['operation', 'budget_year'], name='sum_by_operation'),
        ),
        migrations.AddField(
            model_name="donor",
            name="token",
            field=models.UUIDField(default=uuid.uuid4, editable=False, null=True),
        ),
        migrations.RenameField(model_name="contribution", old_name="key", new_name="old_key"),
        migrations.AddField(
            model_name="contribution", name="key", field=models.UUIDField(null=True)
        ),
    ]
