"""The table of the search with its index, and the entries of what has a time of release already.

SQLite: an FTS5 table over the entries, which triggers keep. A later migration that rebuilds the table drops them and
must run this again. PostgreSQL: a stored vector with a GIN index. The words that both hold are folded already (no
accents), so that the extension ``unaccent`` is not needed, which not everyone may install.
"""

import django.db.models.deletion
from django.db import migrations, models

COLUMNS = "place, words"
SQLITE = [
    f"""CREATE VIRTUAL TABLE operations_searchindex USING fts5(
        {COLUMNS}, content='operations_searchentry', content_rowid='edition_id',
        tokenize='porter unicode61 remove_diacritics 2')""",
    f"""CREATE TRIGGER searchentry_made AFTER INSERT ON operations_searchentry BEGIN
        INSERT INTO operations_searchindex (rowid, {COLUMNS}) VALUES (new.edition_id, new.place, new.words); END""",
    f"""CREATE TRIGGER searchentry_gone AFTER DELETE ON operations_searchentry BEGIN
        INSERT INTO operations_searchindex (operations_searchindex, rowid, {COLUMNS})
        VALUES ('delete', old.edition_id, old.place, old.words); END""",
    f"""CREATE TRIGGER searchentry_changed AFTER UPDATE ON operations_searchentry BEGIN
        INSERT INTO operations_searchindex (operations_searchindex, rowid, {COLUMNS})
        VALUES ('delete', old.edition_id, old.place, old.words);
        INSERT INTO operations_searchindex (rowid, {COLUMNS}) VALUES (new.edition_id, new.place, new.words); END""",
]
STEMS = """CASE language WHEN 'en' THEN to_tsvector('english'::regconfig, words)
    WHEN 'fr' THEN to_tsvector('french'::regconfig, words) WHEN 'es' THEN to_tsvector('spanish'::regconfig, words)
    WHEN 'ar' THEN to_tsvector('arabic'::regconfig, words) ELSE ''::tsvector END"""
POSTGRESQL = [
    f"""ALTER TABLE operations_searchentry ADD COLUMN vector tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('simple'::regconfig, place), 'A')
        || setweight(to_tsvector('simple'::regconfig, words), 'B') || setweight({STEMS}, 'B')) STORED""",
    "CREATE INDEX searchentry_vector ON operations_searchentry USING gin (vector)",
]


def make_index(apps, schema_editor):
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


def drop_index(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TABLE operations_searchindex")


def fill(apps, schema_editor):
    from operations.models.search import words_of

    entry = apps.get_model("operations", "SearchEntry")
    released = apps.get_model("operations", "Edition").objects.filter(released_at__isnull=False)
    for edition in released.order_by("pk").iterator(chunk_size=50):
        entry.objects.create(edition_id=edition.pk, **words_of(edition))


class Migration(migrations.Migration):
    dependencies = [("operations", "0004_roles")]
    operations = [
        migrations.CreateModel(
            name="SearchEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("language", models.CharField(max_length=10)),
                ("text", models.TextField()),
                ("place", models.TextField()),
                ("words", models.TextField()),
                (
                    "edition",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="search_entry",
                        to="operations.edition",
                    ),
                ),
            ],
            options={
                "verbose_name": "search entry",
                "verbose_name_plural": "search entries",
                "default_permissions": (),
            },
        ),
        migrations.RunPython(make_index, drop_index),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
