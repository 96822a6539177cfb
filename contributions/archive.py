"""The money of a site as documents, and back: the lines and sums that readers ever saw, in each of their forms."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.dateparse import parse_date, parse_datetime

from operations.datasets import Asked, plain
from operations.models import Operation

from . import sums
from .dictionary import codes_of, of_sums
from .models import Contribution, DailySum, Donor, DonorMerge, ImportBatch
from .models.batch import CONTRIBUTIONS
from .models.donor import was_named

Document = dict[str, Any]
AT_A_TIME = 2_000
OF_DONOR = (
    "slug", "kind", "iati_reference", "population", "population_year", "name_en", "name_fr", "name_es", "name_ar",
    "footnote_en", "footnote_fr", "footnote_es", "footnote_ar",
)  # fmt: skip


# --- Out ---------------------------------------------------------------------------------------------


def public_imports(at: dt.datetime) -> Any:
    found = ImportBatch.objects.of_contributions().filter(withdrawn_at__isnull=True, released_at__lte=at)
    return found.order_by("pk")


def public_forms(at: dt.datetime) -> Any:
    """Every form of every line that readers may see one by one, in the order in which they came."""
    hidden = Donor.objects.without_lines().order_by().values("pk")
    imports = public_imports(at).order_by().values("pk")
    return Contribution.objects.filter(batch__in=imports).exclude(donor__in=hidden).order_by("pk")


def import_documents(asked: Asked) -> Iterator[Document]:
    for batch in public_imports(asked.at):
        yield {"id": batch.pk, "released_at": plain(batch.released_at)}


def donor_documents(asked: Asked) -> Iterator[Document]:
    """The donors whom readers know by name, families first; and under which address those stood that became others."""
    given = public_forms(asked.at).order_by().values("donor")
    classes = DailySum.objects.released(asked.at).filter(of_sums()).order_by().values("donor")
    members = Donor.objects.filter(Q(pk__in=given) | Q(pk__in=classes))
    parents = members.order_by().values("parent")
    known = Donor.objects.named().filter(Q(pk__in=members.order_by().values("pk")) | Q(pk__in=parents))
    for donor in sorted(
        known.select_related("parent"), key=lambda donor: (donor.parent_id is not None, donor.pk)
    ):
        parent = donor.parent.slug if donor.parent and donor.parent.is_named else None
        same = {name: getattr(donor, name) for name in OF_DONOR}
        yield {
            **same,
            "country": str(donor.country or ""),
            "may_be_named": donor.may_be_named,
            "parent": parent,
        }
    slugs = {donor.slug for donor in known}
    for record in DonorMerge.objects.select_related("donor").order_by("pk"):
        if was_named(record) and record.donor.slug in slugs:
            yield {"merged": record.was["slug"], "into": record.donor.slug}


def whose(donor: Donor) -> Document:
    """A donor by its address; a class of private donors by family and country."""
    if donor.is_named:
        return {"donor": donor.slug}
    family = donor.parent.slug if donor.parent and donor.parent.is_named else ""
    return {"class": [family, str(donor.country or "")]}


def line_documents(asked: Asked) -> Iterator[Document]:
    codes = codes_of(asked)
    donors = {donor.pk: donor for donor in Donor.objects.select_related("parent")}
    for line in public_forms(asked.at).iterator(chunk_size=AT_A_TIME):
        donor = donors[line.donor_id]
        is_open = donor.is_named  # of a class readers are shown amount, operation, year and earmarking
        yield {
            "key": line.key.hex,
            "occurrence": line.occurrence,
            "import": line.batch_id,
            **whose(donor),
            "reference": line.reference if is_open else "",
            "date": plain(line.date),
            "operation": codes.get(line.operation_id, "" if line.operation_id else None),
            "budget_year": line.budget_year,
            "amount_usd": plain(line.amount_usd),
            "currency": line.currency if is_open else "USD",
            "amount": plain(line.amount) if is_open and line.amount is not None else None,
            "earmarking": line.earmarking,
            "description": line.description if is_open else "",
            "withdraws": line.withdraws,
        }


def sum_documents(asked: Asked) -> Iterator[Document]:
    """Gifts of private donors who are only shown added up, by import."""
    codes = codes_of(asked)
    donors = {donor.pk: donor for donor in Donor.objects.select_related("parent")}
    rows = DailySum.objects.released(asked.at).filter(of_sums()).order_by("pk")
    for row in rows.iterator(chunk_size=AT_A_TIME):
        yield {
            "import": row.batch_id,
            **whose(donors[row.donor_id]),
            "date": plain(row.date),
            "operation": codes.get(row.operation_id, "" if row.operation_id else None),
            "budget_year": row.budget_year,
            "earmarking": row.earmarking,
            "amount_usd": plain(row.amount_usd),
            "lines": row.lines,
        }


# --- In ----------------------------------------------------------------------------------------------


class Books:
    """What documents of lines refer to, made where it is not there."""

    def __init__(self) -> None:
        self.donors = {donor.slug: donor for donor in Donor.objects.all()}
        self.classes: dict[tuple[str, str], Donor] = {}
        self.operations: dict[str, int] = dict(Operation.objects.values_list("code", "pk"))

    def donor(self, document: Document) -> Donor:
        if "donor" in document:
            return self.donors[document["donor"]]
        family, country = document["class"]
        if (family, country) not in self.classes:
            name = f"Private donors ({family or 'no family'}, {country or 'no country'})"
            self.classes[family, country] = Donor.objects.create(
                name_en=name,
                kind=Donor.Kind.PRIVATE,
                is_class=True,
                country=country,
                parent=self.donors.get(family),
            )
        return self.classes[family, country]

    def operation(self, code: str | None) -> int | None:
        """“” is an operation without a public page: one that nobody released stands for them all."""
        if code == "" and code not in self.operations:
            hidden = Operation.objects.create(code="NOT-PUBLIC", slug="not-public", name_en="Not public")
            self.operations[""] = hidden.pk
        return None if code is None else self.operations[code]


def take_imports(documents: Iterable[Document]) -> None:
    ImportBatch.objects.bulk_create(
        ImportBatch(
            pk=document["id"],
            table=CONTRIBUTIONS,
            file_name="archive",
            sha256="0" * 64,
            made_at=parse_datetime(document["released_at"]),
            released_at=parse_datetime(document["released_at"]),
        )
        for document in documents
    )


def take_donors(documents: Iterable[Document]) -> None:
    known: dict[str, Donor] = {}
    for document in documents:
        if "merged" in document:
            was = {"slug": document["merged"], "kind": Donor.Kind.GOVERNMENT, "may_be_named": True}
            into = known[document["into"]]
            DonorMerge.objects.create(donor=into, name=document["merged"], token=uuid.uuid4(), was=was)
            continue
        parent = known.get(document.pop("parent") or "")
        known[document["slug"]] = Donor.objects.create(**document, parent=parent)


def take_lines(documents: Iterable[Document], books: Books) -> None:
    """Line after line, each form in the place of the one before it."""
    documents, newest = iter(documents), {}
    while some := list(itertools.islice(documents, AT_A_TIME)):
        lines = [line_of(document, books) for document in some]
        replaced = []
        for line in lines:
            before = newest.get((line.key, line.occurrence))
            line.is_current = not line.withdraws
            if before is not None:
                before.is_current, before.replaced_in_id = False, line.batch_id
                replaced.append(before)
            newest[line.key, line.occurrence] = line
        # First the old forms make room: one form of a line is current.
        Contribution.objects.bulk_update(
            [line for line in replaced if line.pk], ["is_current", "replaced_in"]
        )
        Contribution.objects.bulk_create(lines)


def line_of(document: Document, books: Books) -> Contribution:
    amount = document["amount"]
    same = ("occurrence", "reference", "budget_year", "currency", "earmarking", "description", "withdraws")
    return Contribution(
        key=uuid.UUID(document["key"]),
        batch_id=document["import"],
        donor=books.donor(document),
        date=parse_date(document["date"]),
        operation_id=books.operation(document["operation"]),
        amount_usd=Decimal(document["amount_usd"]),
        amount=None if amount is None else Decimal(amount),
        **{name: document[name] for name in same},
    )


def take_sums(documents: Iterable[Document], books: Books) -> None:
    for batch in ImportBatch.objects.order_by("pk"):
        sums.make(batch)
    documents = iter(documents)
    while some := list(itertools.islice(documents, AT_A_TIME)):
        DailySum.objects.bulk_create(
            DailySum(
                batch_id=document["import"],
                donor=books.donor(document),
                operation_id=books.operation(document["operation"]),
                budget_year=document["budget_year"],
                date=parse_date(document["date"]),
                earmarking=document["earmarking"],
                amount_usd=Decimal(document["amount_usd"]),
                lines=document["lines"],
                is_cell=True,
            )
            for document in some
        )
