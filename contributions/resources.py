"""Donors and contributions as files: columns, rules, identity, and what an import does with them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.core.files.base import ContentFile
from django.utils import timezone
from django.utils.translation import gettext as _

from operations.cells import (
    clean_amount,
    clean_bool,
    clean_choice,
    clean_date,
    clean_name,
    clean_text,
    clean_year,
    fold_name,
    read_amount,
)
from operations.importing import BATCH, Cell, CellError, Lookup, Plan, Row, TableResource, closest, same, shown
from operations.resources import Countries, clean_countries, column, operation_column

from .models import Contribution, Donor, DonorAlias, ImportBatch, contribution_key, free_slug

KIND_ALIASES = {
    "private": "private",
    "private donor": "private",
    "private sector": "private",
    "multilateral": "intergovernmental",
    "un": "intergovernmental",
    "other public sector": "intergovernmental",
    "national ngo": "national_partner",
}

CURRENCY = re.compile(r"[A-Z]{3}")


def clean_currency(cell: object) -> str:
    text = clean_text(cell).upper()
    if text and not CURRENCY.fullmatch(text):
        raise ValueError(_("“%s” is not the code of a currency, such as USD.") % text)
    return text


def clean_donor_name(cell: object) -> str:
    return clean_name(cell)[0]


def donor_kind_column(name: str, attribute: str) -> Any:
    return column(attribute, Cell(clean_choice, choices=dict(Donor.Kind.choices), aliases=KIND_ALIASES), name)


class DonorResource(TableResource):
    name = column("name_en", Cell(clean_donor_name), "name")
    name_fr = column("name_fr", Cell(clean_text, longest=200))
    name_es = column("name_es", Cell(clean_text, longest=200))
    name_ar = column("name_ar", Cell(clean_text, longest=200))
    kind = donor_kind_column("kind", "kind")
    country = column("country", Countries(clean_countries))
    parent = column("parent", Cell(clean_donor_name))
    iati_reference = column("iati_reference", Cell(clean_text, longest=200))
    footnote = column("footnote_en", Cell(clean_text), "footnote")
    may_be_named = column("may_be_named", Cell(clean_bool))

    identity = ("name_en",)
    required = ("name", "kind")
    aliases = {"donor": "name", "donor_types": "kind", "donor_type": "kind", "donor_refs": "iati_reference"}

    class Meta:
        model = Donor
        import_id_fields = ("name",)
        fields = ("name", "name_fr", "name_es", "name_ar", "kind", "country", "parent", "iati_reference",
                  "footnote", "may_be_named")  # fmt: skip

    def identify(self, values: dict[str, Any]) -> tuple:
        return (fold_name(values["name_en"]),)

    def check_row(self, row: Row) -> Iterable[tuple[str, str]]:
        if row.values.get("may_be_named") is None:
            row.values.pop("may_be_named", None)
        if len(row.values.get("iati_reference", "")) > 60:  # several references: the first one counts
            row.values["iati_reference"] = row.values["iati_reference"].split("|")[0].strip()[:60]
        return ()

    def compare(self, rows: list[Row], plan: Plan) -> None:
        known = {fold_name(donor.name_en): donor for donor in Donor.objects.all()}
        in_file = {fold_name(row.values["name_en"]): row for row in rows}
        slugs = set(Donor.objects.values_list("slug", flat=True))
        self.parents: dict[str, str] = {}
        for row in rows:
            name = fold_name(row.values["name_en"])
            if parent := row.values.pop("parent", ""):
                folded = fold_name(parent)
                if folded not in known and folded not in in_file:
                    hint = closest(folded, known)
                    plan.errors.append(
                        CellError(row.line, "parent", parent, _("No donor is called “%s”.") % parent + hint)
                    )
                elif folded == name:
                    plan.errors.append(CellError(row.line, "parent", parent, _("A donor cannot belong to itself.")))
                self.parents[name] = folded
            if name not in known:
                row.values["slug"] = free_slug(row.values["name_en"], slugs)
                row.values.setdefault("may_be_named", row.values["kind"] != Donor.Kind.PRIVATE)
        super().compare([row for row in rows if row.line not in {e.line for e in plan.errors}], plan)
        self.compare_parents(in_file, plan)

    def compare_parents(self, in_file: dict[str, Row], plan: Plan) -> None:
        """A changed parent alone makes a known donor a changed one."""
        new = {id(row) for row in plan.new}
        for name, parent in self.parents.items():
            row = in_file[name]
            if id(row) in new or row.instance is None:
                continue
            old = row.instance.parent
            if old is None or fold_name(old.name_en) != parent:
                if not row.differences:
                    plan.unchanged -= 1
                    plan.changed.append(row)
                row.differences.append(("parent", old, parent))

    def write(self, plan: Plan, *, batch: Any, user: Any) -> None:
        for row in plan.changed:
            row.differences = [d for d in row.differences if d[0] != "parent"]
        super().write(plan, batch=batch, user=user)
        donors = {fold_name(donor.name_en): donor for donor in Donor.objects.all()}
        children = []
        for name, parent in self.parents.items():
            if donors[name].parent_id != donors[parent].pk:
                donors[name].parent = donors[parent]
                donors[name].clean()
                children.append(donors[name])
        Donor.objects.bulk_update(children, ["parent"])

    def get_queryset(self) -> Any:
        return super().get_queryset().select_related("parent")


class ContributionResource(TableResource):
    reference = column("reference", Cell(clean_text, longest=60))
    donor = column("donor", Cell(clean_donor_name))
    donor_type = donor_kind_column("donor_type", "donor_type")
    date = column("date", Cell(clean_date))
    operation = operation_column()
    budget_year = column("budget_year", Cell(clean_year))
    amount_usd = column("amount_usd", Cell(clean_amount))
    currency = column("currency", Cell(clean_currency))
    amount = column("amount", Cell(clean_text))
    earmarking = column("earmarking", Cell(clean_choice, choices=dict(Contribution.Earmarking.choices)))
    description = column("description", Cell(clean_text, longest=500))

    required = ("donor", "date")
    aliases = {
        "contribution_ref": "reference",
        "operation_key": "operation",
        "donor_name": "donor",
        "type": "donor_type",
        "year": "budget_year",
    }

    class Meta:
        model = Contribution
        import_id_fields = ("reference",)
        fields = ("reference", "donor", "donor_type", "date", "operation", "budget_year", "amount_usd",
                  "currency", "amount", "earmarking", "description")  # fmt: skip

    def __init__(self, *, new_donors: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.new_donors = new_donors

    # --- export ---

    def get_queryset(self) -> Any:
        return super().get_queryset().current().select_related("donor", "operation")

    def dehydrate_donor(self, line: Contribution) -> str:
        return line.donor.name_en

    def dehydrate_donor_type(self, line: Contribution) -> str:
        return line.donor.kind

    def filter_export(self, queryset: Any, **kwargs: Any) -> Any:
        return queryset.current().select_related("donor", "operation")

    # --- plan ---

    def prepare(self, plan: Plan) -> None:
        donors = {donor.pk: donor for donor in Donor.objects.all()}
        self.donors = {
            fold_name(name): donor
            for donor in donors.values()
            for name in (donor.name_ar, donor.name_es, donor.name_fr, donor.name_en)
            if name
        }
        self.donors |= {alias.folded: donors[alias.donor_id] for alias in DonorAlias.objects.all()}
        self.private = {donor.parent_id: donor for donor in donors.values() if donor.kind == Donor.Kind.PRIVATE}
        self.planned: dict[str, Donor] = {}
        self.exact, self.rounded = Decimal(0), 0
        self.has_usd = "amount_usd" in plan.mapping.values()
        if not self.has_usd and "amount" not in plan.mapping.values():
            plan.errors.append(CellError(1, "amount_usd", "", _("The file has no column “amount_usd” or “amount”.")))

    def check_row(self, row: Row) -> Iterable[tuple[str, str]]:
        values = row.values
        try:
            values["donor"] = self.find_donor(values["donor"], values.pop("donor_type", ""))
        except ValueError as error:
            yield "donor", str(error)
        currency = values.get("currency") or "USD"
        if "currency" in values:
            values["currency"] = currency
        if "amount" in values:
            try:
                values["amount"] = clean_amount(
                    row.raw["amount"], currency=currency, round_to_cents=self.round_to_cents
                )
            except ValueError as error:
                yield "amount", str(error)
                return
        usd = "amount_usd" if self.has_usd else "amount"
        if not self.has_usd and currency == "USD":
            values["amount_usd"] = values["amount"]
        if values.get("amount_usd") is None:
            yield usd, _("The amount in US dollars is missing. A line without it cannot be counted.")
        elif values["amount_usd"] == 0:
            yield usd, _("The amount is zero. Leave the line out.")
        else:
            exact = read_amount(row.raw[usd])
            self.exact += exact
            self.rounded += exact != values["amount_usd"]
        if not values.get("budget_year"):
            values["budget_year"] = values["date"].year
        for name, blank in (("operation", None), ("reference", ""), ("earmarking", "")):
            values.setdefault(name, blank)

    def find_donor(self, name: str, kind: str) -> Donor:
        """The donor of a name and class: “Japan, private donors” is the class of Japan's private donors."""
        folded = fold_name(name)
        if match := re.fullmatch(r"private donors in (?:the )?(.+)", folded):
            if folded in self.donors:
                return self.donors[folded]
            folded, kind = match[1], Donor.Kind.PRIVATE
        donor = self.donors.get(folded) or self.planned.get(folded)
        if donor is None and self.new_donors:
            donor = self.planned[folded] = Donor(
                name_en=name, kind=kind or Donor.Kind.GOVERNMENT, may_be_named=kind != Donor.Kind.PRIVATE
            )
        if donor is None:
            raise ValueError(
                _("No donor is called “%(name)s”.%(hint)s Add the spelling to a donor, or the donor itself, then import again.")
                % {"name": name, "hint": closest(folded, self.donors)}
            )
        if kind != Donor.Kind.PRIVATE or donor.kind == Donor.Kind.PRIVATE:
            return donor
        if donor.pk in self.private:
            return self.private[donor.pk]
        label = f"Private donors, {donor.name_en}"
        if label not in self.planned:
            self.planned[label] = Donor(name_en=label, kind=kind, country=donor.country, parent=donor)
        return self.planned[label]

    def compare(self, rows: list[Row], plan: Plan) -> None:
        """Match the file's lines with the known ones: line by line within the same identity.

        Equal lines match first, so that the order of a file means nothing; what is left over is
        paired in order and replaces, or is new.
        """
        known = defaultdict(list)
        if rows:
            dates = [row.values["date"] for row in rows]
            lines = Contribution.objects.current().filter(date__range=(min(dates), max(dates)))
            for line in lines.order_by("pk"):
                known[self.identity_of(line)].append(line)
        left: dict[tuple, list[Row]] = defaultdict(list)
        self.taken: dict[tuple, set[str]] = {}
        for row in rows:
            identity = tuple(row.values[name] for name in IDENTITY)
            identity = tuple(getattr(part, "pk", part) for part in identity)
            if None in identity[1:2]:  # a planned donor has no known line
                identity = (identity[0], id(row.values["donor"]), *identity[2:])
            candidates = known.get(identity, [])
            self.taken.setdefault(identity, {line.key for line in candidates})
            equal = next((line for line in candidates if not self.differences(line, row)), None)
            if equal:
                candidates.remove(equal)
                plan.unchanged += 1
            else:
                left[identity].append(row)
        for identity, group in left.items():
            for row in group:
                if known.get(identity):
                    row.instance = known[identity].pop(0)
                    row.differences = self.differences(row.instance, row)
                    plan.changed.append(row)
                else:
                    plan.new.append(row)
        plan.new.sort(key=lambda row: row.line)
        plan.changed.sort(key=lambda row: row.line)

    @staticmethod
    def identity_of(line: Contribution) -> tuple:
        return (line.reference, line.donor_id, line.date, line.operation_id, line.budget_year, line.earmarking)

    @staticmethod
    def differences(line: Contribution, row: Row) -> list[tuple[str, Any, Any]]:
        return [
            (name, getattr(line, name), row.values[name])
            for name in COMPARED
            if name in row.values and not same(getattr(line, name), row.values[name])
        ]

    def sum_up(self, plan: Plan) -> None:
        stored = sum((row.values["amount_usd"] for row in (*plan.new, *plan.changed)), Decimal(0))
        plan.totals = {"in_file_usd": f"{self.exact:f}", "new_and_changed_usd": f"{stored:f}"}
        if self.rounded:
            plan.totals["rounded_lines"] = str(self.rounded)
            plan.notes.append(
                _("%(count)d amounts are finer than a cent and are rounded half-up, each on its own.")
                % {"count": self.rounded}
            )
        if "budget_year" not in plan.mapping.values():
            plan.notes.append(_("The file has no column “budget_year”: the year of each line's date is taken."))
        for donor in self.planned.values():
            plan.notes.append(_("New donor: %(name)s.") % {"name": donor.name_en})

    # --- write ---

    def write(self, plan: Plan, *, batch: ImportBatch, user: Any) -> None:
        slugs = set(Donor.objects.values_list("slug", flat=True))
        for donor in sorted(self.planned.values(), key=lambda donor: donor.parent is not None):
            donor.parent = donor.parent  # a planned parent has its key by now
            donor.slug = free_slug(donor.name_en, slugs)
            donor.save()
        replaced = [row.instance for row in plan.changed]
        for line in replaced:
            line.replaced_in = batch
        Contribution.objects.bulk_update(replaced, ["replaced_in"], batch_size=BATCH)
        lines = []
        for row in plan.changed:
            old = {name: getattr(row.instance, name) for name in (*IDENTITY, *COMPARED)}
            lines.append(Contribution(**{**old, **row.values}, key=row.instance.key, batch=batch))
        for row in plan.new:
            lines.append(Contribution(**row.values, key=self.free_key(row), batch=batch))
        Contribution.objects.bulk_create(lines, batch_size=BATCH)

    def free_key(self, row: Row) -> str:
        """The key of the line's first occurrence number that no current line of its identity has."""
        identity = tuple(getattr(row.values[name], "pk", row.values[name]) for name in IDENTITY)
        taken = self.taken.setdefault(identity, set())
        occurrence = 1
        while (key := contribution_key(*identity, occurrence)) in taken:
            occurrence += 1
        taken.add(key)
        return key


IDENTITY = ("reference", "donor", "date", "operation", "budget_year", "earmarking")
COMPARED = ("amount_usd", "currency", "amount", "description")


def record_batch(sender: Any, resource: TableResource, plan: Plan, dataset: Any, **kwargs: Any) -> ImportBatch:
    """Keep the file of an import with its counts and totals: the first row of its transaction."""
    table = resource._meta.model._meta.label_lower
    file_name = shown(kwargs["file_name"].replace("\\", "/").rpartition("/")[2]) or "import"
    batch = ImportBatch(
        table=table,
        file_name=file_name,
        sha256=getattr(dataset, "sha256", ""),
        mapping=plan.mapping,
        counts=plan.counts,
        totals=plan.totals,
        made_by=kwargs["user"],
        released_at=timezone.now(),
    )
    if raw := getattr(dataset, "raw", b""):
        batch.file.save(file_name, ContentFile(raw), save=False)
    batch.save()
    return batch


TABLES: dict[str, type[TableResource]] = {"donors": DonorResource, "contributions": ContributionResource}
