"""The database itself refuses to change an edition's content (and, on PostgreSQL, to delete one).

SQLite drops the trigger when a later migration rebuilds the table: that migration must run this again.
"""

from django.db import migrations

FROZEN = "operation_id, kind, year, language, number, content, made_at, made_by_id"
MESSAGE = "Editions are append-only."

POSTGRESQL = f"""
CREATE FUNCTION edition_is_append_only() RETURNS trigger AS $$
BEGIN RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'integrity_constraint_violation'; END;
$$ LANGUAGE plpgsql;
CREATE TRIGGER edition_is_append_only BEFORE UPDATE OF {FROZEN} OR DELETE ON operations_edition
FOR EACH ROW EXECUTE FUNCTION edition_is_append_only();
"""
SQLITE = f"""
CREATE TRIGGER edition_is_append_only BEFORE UPDATE OF {FROZEN} ON operations_edition
BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END
"""


def create(apps, schema_editor):
    schema_editor.execute(POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP TRIGGER edition_is_append_only ON operations_edition")
        schema_editor.execute("DROP FUNCTION edition_is_append_only()")
    else:
        schema_editor.execute("DROP TRIGGER edition_is_append_only")


class Migration(migrations.Migration):
    dependencies = [("operations", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
