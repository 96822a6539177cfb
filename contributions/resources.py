"""Donors and contributions as files: columns, rules, identity, and what an import does with them."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.utils import timezone
from django.utils.translation import gettext as _
from import_export.results import Result

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
)
from operations.importing import (
    BATCH,
    SHOWN_ERRORS,
    Cell,
    CellError,
    Plan,
    Row,
    Suggestions,
    TableResource,
    fold_reference,
    shown,
)
from operations.layouts import is_total_label
from operations.resources import Countries, clean_countries, column, operation_column

from .importing import make_plan, plan_and_import, receive
from .models import (
    SHOWN_BY,
    Contribution,
    Donor,
    DonorAlias,
    ImportBatch,
    class_name,
    names_a_class,
    shown_otherwise,
)

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


SHOWN_ROWS = 100  # of the changed ones, in the plan of a dataset
MOST_UNKNOWN = 500  # names that a person decides about at a time

# What people type where they have no donor.
PLACEHOLDERS = {"-", "–", "—", "?", "n/a", "na", "nil", "none", "null", "tbc", "tbd", "unknown", "not known"}
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
    consent = column("consent", Cell(clean_text, longest=200))
    is_class = column("is_class", Cell(clean_bool), "stands_for_many")

    identity = ("name_en",)
    required = ("name", "kind")
    aliases = {"donor": "name", "donor_types": "kind", "donor_type": "kind", "donor_refs": "iati_reference"}

    class Meta:
        model = Donor
        import_id_fields = ("name",)
        fields = ("name", "name_fr", "name_es", "name_ar", "kind", "country", "parent", "iati_reference",
                  "footnote", "may_be_named", "consent", "is_class")  # fmt: skip

    def identify(self, values: dict[str, Any]) -> tuple:
        return (fold_name(values["name_en"]),)

    def check_row(self, row: Row) -> Iterable[tuple[str, str]]:
        for name in ("may_be_named", "is_class"):
            if row.values.get(name) is None:
                row.values.pop(name, None)
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
            is_private = row.values["kind"] == Donor.Kind.PRIVATE
            row.values.setdefault("may_be_named", not is_private)
            row.values.setdefault(
                "is_class",
                is_private and not row.values["may_be_named"] and names_a_class(row.values["name_en"]),
            )
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
        changed = {d.pk for d in moved} | {
            row.instance.pk
            for row in plan.changed
            if {name for name, *_values in row.differences} & set(SHOWN_BY)
        }
        if changed:
            shown_otherwise.send(Donor, donors=changed)

    def get_queryset(self) -> Any:
        return super().get_queryset().select_related("parent")


@dataclass
class FilePlan(Plan):
    """What the import of a file would do or did, as its batch says it."""

    counted: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, batch: ImportBatch) -> FilePlan:
        errors = [
            CellError(e.line, e.column, e.value, e.message) for e in batch.problems.order_by("line", "pk")
        ]
        return cls(
            rows=batch.counts["rows"],
            changed=list(batch.staged.changed().with_previous()[:SHOWN_ROWS]),
            unchanged=batch.counts["unchanged"],
            errors=errors,
            mapping=batch.mapping,
            left_out=batch.plan["left_out"],
            notes=batch.plan["notes"],
            totals=batch.totals,
            counted=batch.counts,
        )

    @property
    def counts(self) -> dict[str, int]:
        return self.counted


class DatasetSource:
    """A dataset as a source of lines."""

    typed = True

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self.headers = list(dataset.headers or [])
        self.notes = list(getattr(dataset, "notes", []))

    def batches(self) -> Iterator[tuple[Sequence[int], Sequence[Any]]]:
        if len(self.dataset):
            lines = getattr(self.dataset, "lines", None) or range(2, len(self.dataset) + 2)
            yield list(lines), list(self.dataset)


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

    def decide(self, options: dict[str, Any]) -> None:
        """Take what a person decided, as a batch keeps it (see ``ImportBatch.options``)."""
        self.round_to_cents = options.get("round_to_cents", False)
        self.new_donors = options.get("new_donors", False)
        self.decided_donors = options.get("donors", {})
        self.decided_operations = options.get("operations", {})
        order = options.get("dates") or ""
        self.fields["date"].widget.options = {
            "order": "" if order == "plain" else order,
            "stands_for": options.get("stands_for", "last"),
        }

    def decisions(self) -> dict[str, Any]:
        """What was decided for this import, as its batch keeps it."""
        return {"round_to_cents": self.round_to_cents, "new_donors": self.new_donors}

    # --- export ---

    def dehydrate_donor(self, line: Contribution) -> str:
        return line.donor.name_en

    def dehydrate_donor_type(self, line: Contribution) -> str:
        return line.donor.kind

    def filter_export(self, queryset: Any, **kwargs: Any) -> Any:
        return queryset.current().select_related("donor", "operation")

    # --- import ---

    def import_data_inner(
        self,
        dataset: Any,
        dry_run: bool,
        raise_errors: bool,
        using_transactions: bool,
        collect_failed_rows: bool,
        **kwargs: Any,
    ) -> Result:
        """Of a dataset at hand; nothing is left of an import that changes nothing."""
        source, user = DatasetSource(dataset), kwargs.get("user")
        raw = getattr(dataset, "raw", b"")
        batch = receive(raw, kwargs.get("file_name") or "", user, options=self.decisions())
        if dry_run:
            make_plan(batch, source, self)
        else:
            plan_and_import(batch, source, self, user)
        plan = FilePlan.of(batch)
        if batch.state != ImportBatch.State.IMPORTED:
            batch.file.delete(save=False)
            batch.delete()
        if plan.errors and raise_errors:
            raise ValidationError([error.sentence for error in plan.errors[:SHOWN_ERRORS]])
        return self.result(plan, dataset)

    # --- what a line refers to ---

    def prepare(self) -> None:
        """Load what lines refer to, and forget what earlier files had."""
        self.may_everywhere = self.has_everywhere("import")
        lookup = self.fields["operation"].widget
        lookup.load(self.referred(lookup.model))
        donors = {donor.pk: donor for donor in Donor.objects.all()}
        aliases = {alias.folded: donors[alias.donor_id] for alias in DonorAlias.objects.all()}
        self.donors = aliases | {
            fold_name(name): donor
            for donor in donors.values()
            for name in (donor.name_ar, donor.name_es, donor.name_fr)
            if name
        }
        self.donors |= {fold_name(donor.name_en): donor for donor in donors.values()}  # before all others
        self.near = Suggestions(self.donors)
        # What is said of a line is kept, and read by some who do not see donors.
        self.hint = Suggestions({name: donor for name, donor in self.donors.items() if not donor.is_hidden})
        # Of each country the class of its private donors; a company or person with a page is no class.
        self.private = {
            donor.parent_id: donor for donor in donors.values() if donor.is_class and donor.parent_id
        }
        self.by_token = {str(donor.token): donor for donor in donors.values()}
        self.planned: dict[tuple[str, bool], Donor] = {}  # by folded name, and whether private
        self.aliased: dict[str, str] = {}  # names that were decided to be a donor's, with its token
        self.missed: Counter[tuple[str, str]] = Counter()  # lines of each unknown donor, by name and class
        self.missed_operations: Counter[str] = Counter()

    def is_total(self, text: str) -> bool:
        """Whether a cell says that its line is a total; the name of a known donor never does."""
        return is_total_label(text) and fold_name(text) not in self.donors

    def miss(self, pair: tuple[str, str]) -> None:
        self.missed[pair] += 1

    def donor_of(self, name: str, kind: str) -> Donor | tuple[str, str]:
        """The donor of a name and class, or the column that is wrong and why."""
        try:
            return self.find_donor(name, kind)
        except NoKind as error:
            return "donor_type", str(error)
        except ValueError as error:
            return "donor", str(error)

    def operation_of(self, cell: Any) -> int | None:
        """The key of the operation that a cell names, or was decided to name."""
        if type(cell) is str and (code := self.decided_operations.get(fold_name(cell))):
            cell = code
        found = self.fields["operation"].widget.clean(cell)
        return found and found.pk

    def unknown(self) -> dict[str, list[dict[str, Any]]]:
        """The donors and operations that nobody knows, with their lines and the closest known ones."""
        donors = [
            {"name": name, "kind": kind, "lines": lines, "near": [
                {"token": str(near.token), "name": near.name_en} for near in self.near.nearest(fold_name(name))]}
            for (name, kind), lines in self.missed.most_common(MOST_UNKNOWN)
        ]  # fmt: skip
        lookup = self.fields["operation"].widget
        operations = [
            {"text": text, "lines": lines, "near": [
                {"code": near.code, "name": near.name_en} for near in lookup.hint.nearest(fold_reference(text))]}
            for text, lines in self.missed_operations.most_common(MOST_UNKNOWN)
        ]  # fmt: skip
        return {"donors": donors, "operations": operations}

    def new_aliases(self) -> list[list[str]]:
        return sorted([name, token] for name, token in self.aliased.items())

    def decided_donor(self, name: str, kind: str) -> Donor | None:
        """What a person said about an unknown name: whose it is, or that it is a donor of its own."""
        said = self.decided_donors.get(f"{fold_name(name)}|{kind}")
        if said is None:
            return None
        if "is" in said and (donor := self.by_token.get(said["is"])):
            self.aliased[name] = said["is"]
            return donor
        return self.planned_donor(name, said["new"]) if "new" in said else None

    def find_donor(self, name: str, kind: str) -> Donor:
        """“Japan, private donors” is the class of Japan's private donors."""
        donor = self.donors.get(fold_name(name)) or self.decided_donor(name, kind)
        if donor is not None:
            if kind != Donor.Kind.PRIVATE or donor.kind == Donor.Kind.PRIVATE:
                return donor
            if donor.kind == Donor.Kind.GOVERNMENT:
                return self.private_class(donor)
            raise NoKind(  # or a private gift would be shown by name
                _(
                    "“%(name)s” is known as another kind of donor (%(kind)s), and not as a private one. Correct the "
                    "line, or the donor."
                )
                % {"name": shown(name), "kind": donor.get_kind_display()}
            )
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
            is_private = kind == Donor.Kind.PRIVATE
            self.planned[key] = Donor(
                name_en=name,
                kind=kind,
                may_be_named=not is_private,
                is_class=is_private and names_a_class(name),
            )
        return self.planned[key]

    def private_class(self, country: Donor) -> Donor:
        if country.pk in self.private:
            return self.private[country.pk]
        name = class_name(country)
        if fold_name(name) in self.donors:
            return self.donors[fold_name(name)]
        donor = self.planned_donor(name, Donor.Kind.PRIVATE)
        donor.country, donor.parent, donor.is_class = country.country, country, True
        return donor

    def settle_planned(self) -> dict[uuid.UUID, uuid.UUID]:
        """A new name that stands for a government and for private donors is a country and its private class.

        Decided when all lines are read, so that their order means nothing. Answers whose lines (by token) are whose
        instead.
        """
        instead = {}
        for (folded, is_private), donor in list(self.planned.items()):
            public = self.planned.get((folded, False))
            if is_private and public is not None:
                if public.kind == Donor.Kind.GOVERNMENT:
                    del self.planned[folded, True]
                    instead[donor.token] = self.private_class(public).token
                else:  # whatever else it may be, some of its gifts are private
                    del self.planned[folded, False]
                    instead[public.token] = donor.token
        return instead


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


TABLES: dict[str, type[TableResource]] = {"donors": DonorResource}
