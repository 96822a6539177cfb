"""Give each donor its token, and each line its key and occurrence in place of the digest of both."""

import hashlib
import uuid
from collections import defaultdict

from django.db import migrations

MANY = 1000


def give_tokens(apps, schema_editor):
    Donor = apps.get_model("contributions", "Donor")
    donors = list(Donor.objects.all())
    for donor in donors:
        donor.token = uuid.uuid4()
    Donor.objects.bulk_update(donors, ["token"], batch_size=MANY)


def give_keys(apps, schema_editor):
    """As ``contribution_key`` makes them; the forms of one line have one old key and stay one line."""
    Contribution = apps.get_model("contributions", "Contribution")
    ImportBatch = apps.get_model("contributions", "ImportBatch")
    tokens = dict(apps.get_model("contributions", "Donor").objects.values_list("pk", "token"))
    undone = set(ImportBatch.objects.filter(withdrawn_at__isnull=False).values_list("pk", flat=True))
    lines = list(Contribution.objects.order_by("pk"))
    found, taken = {}, defaultdict(int)
    newest = {}
    for line in lines:
        if line.old_key not in found:
            parts = (line.reference.casefold(), tokens[line.donor_id], line.date, line.operation_id or "",
                     line.budget_year, line.earmarking)  # fmt: skip
            digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=16).digest()
            key = uuid.UUID(bytes=digest)
            taken[key] += 1
            found[line.old_key] = (key, taken[key])
        line.key, line.occurrence = found[line.old_key]
        if line.batch_id not in undone:
            newest[line.old_key] = line.pk
    for line in lines:
        line.is_current = newest.get(line.old_key) == line.pk
    Contribution.objects.bulk_update(lines, ["key", "occurrence", "is_current"], batch_size=MANY)


def make_sums(apps, schema_editor):
    """As ``sums.make`` does: what each standing import added, and took away of what it replaced."""
    Contribution = apps.get_model("contributions", "Contribution")
    ImportBatch = apps.get_model("contributions", "ImportBatch")
    MonthlySum = apps.get_model("contributions", "MonthlySum")
    undone = set(ImportBatch.objects.filter(withdrawn_at__isnull=False).values_list("pk", flat=True))
    sums, before = defaultdict(lambda: [0, 0]), {}
    for line in Contribution.objects.order_by("pk").iterator():
        if line.batch_id in undone:
            continue
        form = (line.key, line.occurrence)
        for change, sign in ((before.get(form), -1), (line, 1)):
            if change is not None:
                month = change.date.replace(day=1)
                cell = (line.batch_id, change.donor_id, change.operation_id, change.budget_year, month, change.earmarking)
                sums[cell][0] += sign * change.amount_usd
                sums[cell][1] += sign
        before[form] = line
    names = ("batch_id", "donor_id", "operation_id", "budget_year", "month", "earmarking")
    MonthlySum.objects.bulk_create(
        (
            MonthlySum(**dict(zip(names, cell)), amount_usd=amount, lines=count)
            for cell, (amount, count) in sums.items()
            if amount or count
        ),
        batch_size=MANY,
    )


class Migration(migrations.Migration):
    dependencies = [("contributions", "0002_lines_by_key")]

    operations = [
        migrations.RunPython(give_tokens, migrations.RunPython.noop),
        migrations.RunPython(give_keys, migrations.RunPython.noop),
        migrations.RunPython(make_sums, migrations.RunPython.noop),
    ]
