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
    clean_lines,
    clean_name,
    clean_text,
    clean_year,
    fold_name,
    free_slug,
    read_amount,
)
from operations.importing import (
    BATCH,
    Cell,
    CellError,
    Overtaken,
    Plan,
    Row,
    Suggestions,
    TableResource,
    same,
    shown,
)
from operations.resources import Countries, clean_countries, column, operation_column

from .models import Contribution, Donor, DonorAlias, ImportBatch, contribution_key

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


# What people type where they have no donor.
PLACEHOLDERS = {"-", "–", "—", "?", "n/a", "na", "nil", "none", "null", "tbc", "tbd", "unknown", "not known"}
TOTALS = {"total", "totals", "grand total", "sub-total", "subtotal", "sum", "total usd", "total general"}
DOLLARS = re.compile(r"\$|\bUSD\b")
PRIVATE_IN = re.compile(r"private donors in (?:the )?(.+)", re.IGNORECASE)


class NoKind(ValueError):
    """A new donor of which the line does not say what it is: it might be a person, who is never named."""


def clean_donor_name(cell: object) -> str:
    name = clean_name(cell)[0]
    if name.casefold().strip("()[] .") in PLACEHOLDERS:
        raise ValueError(_("“%s” does not say who the donor is.") % name)
    return name


def clean_other_name(cell: object) -> str | None:
    """A name in another language; none is NULL, for two donors may both have none."""
    return clean_text(cell, longest=200) or None


def clean_parent_name(cell: object) -> str:
    return clean_name(cell)[0]


def donor_kind_column(name: str, attribute: str) -> Any:
    return column(attribute, Cell(clean_choice, choices=dict(Donor.Kind.choices), aliases=KIND_ALIASES), name)


class DonorResource(TableResource):
    name = column("name_en", Cell(clean_donor_name), "name")
    name_fr = column("name_fr", Cell(clean_other_name))
    name_es = column("name_es", Cell(clean_other_name))
    name_ar = column("name_ar", Cell(clean_other_name))
    kind = donor_kind_column("kind", "kind")
    country = column("country", Countries(clean_countries))
    parent = column("parent", Cell(clean_parent_name))
    iati_reference = column("iati_reference", Cell(clean_text, longest=200))
    footnote = column("footnote_en", Cell(clean_lines), "footnote")
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

    def dehydrate_parent(self, donor: Donor) -> str:
        return donor.parent.name_en if donor.parent else ""

    def compare(self, rows: list[Row], plan: Plan) -> None:
        donors = list(Donor.objects.select_related("parent"))
        known = {fold_name(donor.name_en): donor for donor in donors}
        aliases = {alias.folded: alias.donor for alias in DonorAlias.objects.select_related("donor")}
        slugs = {donor.slug for donor in donors}
        self.parents: dict[str, str] = {}  # of the file's donors, by folded names; "" is none
        for row in rows:
            name = fold_name(row.values["name_en"])
            if "parent" in row.values:
                self.parents[name] = fold_name(row.values.pop("parent"))
            if name in known:
                continue
            if name in aliases:
                said = _("This is another spelling of “%s”. Use that name.") % aliases[name].name_en
                plan.errors.append(CellError(row.line, "name", row.values["name_en"], said))
            row.values["slug"] = free_slug(row.values["name_en"], slugs)
            row.values.setdefault("may_be_named", row.values["kind"] != Donor.Kind.PRIVATE)
        self.check_parents(rows, known, plan)
        self.check_other_names(rows, donors, plan)
        in_error = {error.line for error in plan.errors}
        super().compare([row for row in rows if row.line not in in_error], plan)
        self.compare_parents(rows, plan)

    def check_other_names(self, rows: list[Row], donors: list[Donor], plan: Plan) -> None:
        """No two donors bear one name in a language."""
        for name in ("name_fr", "name_es", "name_ar"):
            bearers = {getattr(donor, name): fold_name(donor.name_en) for donor in donors}
            for row in rows:
                text, bearer = row.values.get(name), fold_name(row.values["name_en"])
                if text and bearers.setdefault(text, bearer) != bearer:
                    said = _("Another donor has this name in this language.")
                    plan.errors.append(CellError(row.line, name, text, said))

    def check_parents(self, rows: list[Row], known: dict[str, Donor], plan: Plan) -> None:
        """A donor belongs to a known one that belongs to no other, as things will stand after the import."""
        after = {
            name: fold_name(donor.parent.name_en) if donor.parent else "" for name, donor in known.items()
        }
        after |= {
            fold_name(row.values["name_en"]): ""
            for row in rows
            if fold_name(row.values["name_en"]) not in known
        }
        after |= self.parents
        members = {parent for parent in after.values() if parent}
        hint = Suggestions(known)
        for row in rows:
            name = fold_name(row.values["name_en"])
            if not (parent := self.parents.get(name)):
                continue
            if parent not in after:
                said = _("No donor is called “%s”.") % row.raw["parent"] + hint(parent)
            elif parent == name:
                said = _("A donor cannot belong to itself.")
            elif after[parent]:
                said = _("“%s” belongs to another donor itself. Give that one.") % row.raw["parent"]
            elif name in members:
                said = _("Other donors belong to this one, so it cannot belong to another.")
            else:
                continue
            plan.errors.append(CellError(row.line, "parent", shown(row.raw["parent"]), said))

    def compare_parents(self, rows: list[Row], plan: Plan) -> None:
        """A changed parent alone makes a known donor a changed one."""
        for row in rows:
            name = fold_name(row.values["name_en"])
            if row.instance is None or name not in self.parents:
                continue
            old = row.instance.parent
            if (fold_name(old.name_en) if old else "") != self.parents[name]:
                if not row.differences:
                    plan.unchanged -= 1
                    plan.changed.append(row)
                row.differences.append(("parent", old, row.raw["parent"]))

    def write(self, plan: Plan, *, batch: Any, user: Any) -> None:
        for row in plan.changed:
            row.differences = [d for d in row.differences if d[0] != "parent"]
        super().write(plan, batch=batch, user=user)
        donors = {fold_name(donor.name_en): donor for donor in Donor.objects.all()}
        moved = []
        for name, parent in self.parents.items():
            donor, new = donors[name], donors[parent] if parent else None
            if donor.parent_id != (new and new.pk):
                donor.parent = new
                moved.append(donor)
        Donor.objects.bulk_update(moved, ["parent"], batch_size=BATCH)

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

    options = ("round_to_cents", "new_donors")
    required = ("donor", "date")
    checks_every_row = True
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

    def dehydrate_donor(self, line: Contribution) -> str:
        return line.donor.name_en

    def dehydrate_donor_type(self, line: Contribution) -> str:
        return line.donor.kind

    def filter_export(self, queryset: Any, **kwargs: Any) -> Any:
        return queryset.current().select_related("donor", "operation")

    # --- plan ---

    def prepare(self, plan: Plan) -> None:
        self.may_everywhere = self.has_everywhere("import")
        donors = {donor.pk: donor for donor in Donor.objects.all()}
        aliases = {alias.folded: donors[alias.donor_id] for alias in DonorAlias.objects.all()}
        self.donors = aliases | {
            fold_name(name): donor
            for donor in donors.values()
            for name in (donor.name_ar, donor.name_es, donor.name_fr, donor.name_en)
            if name
        }
        self.hint = Suggestions(self.donors)
        # Of each country the class of its private donors; a company or person with a page is no class.
        self.private = {
            donor.parent_id: donor
            for donor in donors.values()
            if donor.kind == Donor.Kind.PRIVATE
            and donor.parent_id
            and "private donors" in fold_name(donor.name_en)
        }
        self.planned: dict[tuple[str, bool], Donor] = {}  # by folded name, and whether private
        self.exact, self.stored, self.rounded = Decimal(0), Decimal(0), 0
        self.has_usd = "amount_usd" in plan.mapping.values()
        if not self.has_usd and "amount" not in plan.mapping.values():
            plan.errors.append(
                CellError(1, "amount_usd", "", _("The file has no column “amount_usd” or “amount”."))
            )

    def clean_row(self, row: Row, columns: dict[str, Any]) -> list[CellError]:
        """Every error of the line at once; a line of totals is one error."""
        for name in ("reference", "date", "donor", "operation"):
            text = str(row.raw.get(name) or "").strip(" :*").casefold()
            if text in TOTALS and text not in self.donors:
                said = _(
                    "This line is a total. Take it out of the file: imported, it would count everything twice."
                )
                return [CellError(row.line, name, shown(row.raw[name]), said)]
        return super().clean_row(row, columns)

    def check_row(self, row: Row) -> Iterable[tuple[str, str]]:
        values = row.values
        if not self.may_everywhere and values.get("operation") is None and not row.raw.get("operation"):
            yield "operation", _("Name the operation: you may import contributions to some operations alone.")
        kind = values.pop("donor_type", "")
        try:
            if "donor" in values:
                values["donor"] = self.find_donor(values["donor"], kind)
        except NoKind as error:
            yield "donor_type", str(error)
        except ValueError as error:
            yield "donor", str(error)
        if values.get("currency") == "" and "amount" not in row.raw:
            values["currency"] = "USD"
        if "amount" in values and (problems := list(self.check_amount(row))):
            yield from problems
            return
        usd = "amount_usd" if self.has_usd else "amount"
        amount = values.get("amount_usd")
        if amount is None:
            yield usd, _("The amount in US dollars is missing. A line without it cannot be counted.")
        elif amount == 0:
            yield usd, _("The amount is zero. Leave the line out.")
        else:
            exact = read_amount(row.raw[usd])
            self.exact += exact
            self.stored += amount
            self.rounded += exact != amount
        if not values.get("budget_year") and "date" in values:
            values["budget_year"] = values["date"].year
        for name, blank in (("operation", None), ("reference", ""), ("earmarking", "")):
            values.setdefault(name, blank)

    def check_amount(self, row: Row) -> Iterable[tuple[str, str]]:
        """The amount as it was given, in the currency of the line; without a column for it, US dollars."""
        values, text = row.values, row.values["amount"]
        if not values.get("currency"):
            if "currency" in row.raw and text and not self.has_usd and not DOLLARS.search(text):
                yield "currency", _("The currency is missing. Write its code, such as USD.")
                return
            values["currency"] = "USD"
        try:
            values["amount"] = clean_amount(
                row.raw["amount"], currency=values["currency"], round_to_cents=self.round_to_cents
            )
        except ValueError as error:
            yield "amount", str(error)
            return
        if not self.has_usd and values["currency"] == "USD":
            values["amount_usd"] = values["amount"]

    def find_donor(self, name: str, kind: str) -> Donor:
        """The donor of a name and class: “Japan, private donors” is the class of Japan's private donors."""
        if fold_name(name) in self.donors:
            donor = self.donors[fold_name(name)]
            is_class = kind == Donor.Kind.PRIVATE and donor.kind == Donor.Kind.GOVERNMENT
            return self.private_class(donor) if is_class else donor
        if match := PRIVATE_IN.fullmatch(name):
            country = self.donors.get(fold_name(match[1]))
            if country is None and self.new_donors:
                country = self.planned_donor(match[1], Donor.Kind.GOVERNMENT)
            if country is not None:
                return self.private_class(country)
        if self.new_donors:
            if not kind:
                raise NoKind(
                    _("Say in donor_type what “%s” is: government, private donors or another kind.")
                    % shown(name)
                )
            return self.planned_donor(name, kind)
        raise ValueError(
            _(
                "No donor is called “%(name)s”.%(hint)s Add the spelling to a donor, or the donor itself, then import again."
            )
            % {"name": shown(name), "hint": self.hint(fold_name(match[1] if match else name))}
        )

    def planned_donor(self, name: str, kind: str) -> Donor:
        key = (fold_name(name), kind == Donor.Kind.PRIVATE)
        if key not in self.planned:
            self.planned[key] = Donor(name_en=name, kind=kind, may_be_named=kind != Donor.Kind.PRIVATE)
        return self.planned[key]

    def private_class(self, country: Donor) -> Donor:
        if country.pk in self.private:
            return self.private[country.pk]
        name = f"Private donors, {country.name_en}"
        if fold_name(name) in self.donors:
            return self.donors[fold_name(name)]
        donor = self.planned_donor(name, Donor.Kind.PRIVATE)
        donor.country, donor.parent = country.country, country
        return donor

    def settle_planned(self, rows: list[Row]) -> None:
        """A new name that stands for a government and for private donors is a country and its private class.

        Decided when all lines are read, so that their order means nothing.
        """
        instead: dict[int, Donor] = {}
        for (folded, is_private), donor in list(self.planned.items()):
            public = self.planned.get((folded, False))
            if is_private and public is not None:
                del self.planned[folded, True]
                is_class = public.kind == Donor.Kind.GOVERNMENT
                instead[id(donor)] = self.private_class(public) if is_class else public
        for row in rows:
            row.values["donor"] = instead.get(id(row.values["donor"]), row.values["donor"])

    def compare(self, rows: list[Row], plan: Plan) -> None:
        """Match the file's lines with the known ones: line by line within the same identity.

        Equal lines match first, so that the order of a file means nothing; what is left over is
        paired in order and replaces, or is new.
        """
        self.settle_planned(rows)
        known, equal = defaultdict(list), defaultdict(list)
        compared = [name for name in COMPARED if rows and name in rows[0].values]
        if rows:
            dates = [row.values["date"] for row in rows]
            lines = Contribution.objects.current().filter(date__range=(min(dates), max(dates)))
            for line in lines.select_related("donor", "operation").order_by("-pk"):
                known[self.identity_of(line)].append(line)
                equal[self.identity_of(line), *(getattr(line, name) or "" for name in compared)].append(line)
        left: dict[tuple, list[Row]] = defaultdict(list)
        self.taken: dict[tuple, set[str]] = {}
        matched = set()
        for row in rows:
            identity = self.identify(row.values)
            self.taken.setdefault(identity, {line.key for line in known.get(identity, [])})
            if same_lines := equal.get((identity, *(row.values[name] or "" for name in compared))):
                matched.add(same_lines.pop().pk)
                plan.unchanged += 1
            else:
                left[identity].append(row)
        for identity, group in left.items():
            others = [line for line in known.get(identity, []) if line.pk not in matched]
            for row in group:
                if others:
                    row.instance = others.pop()
                    row.differences = self.differences(row.instance, row)
                    plan.changed.append(row)
                else:
                    plan.new.append(row)
        plan.new.sort(key=lambda row: row.line)
        plan.changed.sort(key=lambda row: row.line)

    def identify(self, values: dict[str, Any]) -> tuple:
        donor = values["donor"]
        return (
            values["reference"].casefold(),
            donor.pk or id(donor),  # a planned donor has no known line
            values["date"],
            values["operation"] and values["operation"].pk,
            values["budget_year"],
            values["earmarking"],
        )

    @staticmethod
    def identity_of(line: Contribution) -> tuple:
        return (
            line.reference.casefold(),
            line.donor_id,
            line.date,
            line.operation_id,
            line.budget_year,
            line.earmarking,
        )

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
            plan.totals |= {
                "rounded_lines": str(self.rounded),
                "rounded_total_usd": f"{self.stored:f}",
                "rounding_difference_usd": f"{self.stored - self.exact:f}",
            }
            plan.notes.append(
                _(
                    "%(count)d amounts are finer than a cent and are rounded half-up, each on its own; "
                    "the total becomes US$ %(total)s (difference %(difference)s)."
                )
                % {
                    "count": self.rounded,
                    "total": self.stored,
                    "difference": self.stored - self.exact,
                }
            )
        if "budget_year" not in plan.mapping.values():
            plan.notes.append(
                _("The file has no column “budget_year”: the year of each line's date is taken.")
            )
        for donor in self.planned.values():
            plan.notes.append(
                _("New donor: %(name)s (%(kind)s).")
                % {"name": donor.name_en, "kind": donor.get_kind_display()}
            )

    # --- write ---

    def write(self, plan: Plan, *, batch: ImportBatch, user: Any) -> None:
        slugs = set(Donor.objects.values_list("slug", flat=True))
        for donor in sorted(self.planned.values(), key=lambda donor: donor.parent is not None):
            donor.parent = donor.parent  # a planned parent has its key by now
            donor.slug = free_slug(donor.name_en, slugs)
            donor.save()
        replaced = [row.instance.pk for row in plan.changed]
        for start in range(0, len(replaced), BATCH):
            chunk = replaced[start : start + BATCH]
            if Contribution.objects.current().filter(pk__in=chunk).update(replaced_in=batch) != len(chunk):
                raise Overtaken
        lines = []
        for row in plan.changed:
            old = {name: getattr(row.instance, name) for name in (*IDENTITY, *COMPARED)}
            lines.append(Contribution(**{**old, **row.values}, key=row.instance.key, batch=batch))
        for row in plan.new:
            lines.append(Contribution(**row.values, key=self.free_key(row), batch=batch))
        Contribution.objects.bulk_create(lines, batch_size=BATCH)

    def free_key(self, row: Row) -> str:
        """The key of the line's first occurrence number that no current line of its identity has."""
        parts = tuple(getattr(row.values[name], "pk", row.values[name]) for name in IDENTITY)
        taken = self.taken.setdefault(self.identify(row.values), set())
        occurrence = len(taken) + 1
        while (key := contribution_key(*parts, occurrence)) in taken:
            occurrence += 1
        taken.add(key)
        return key


IDENTITY = ("reference", "donor", "date", "operation", "budget_year", "earmarking")
COMPARED = ("amount_usd", "currency", "amount", "description")


def record_batch(
    sender: Any, resource: TableResource, plan: Plan, dataset: Any, **kwargs: Any
) -> ImportBatch:
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
    try:
        batch.save()
    except Exception:
        batch.file.delete(save=False)
        raise
    return batch


TABLES: dict[str, type[TableResource]] = {"donors": DonorResource, "contributions": ContributionResource}
