"""The cells of the books: public sums of gifts of hidden private donors, as ``privacy`` forms them.

They follow from the books, the order of releases and the settings alone, and are made anew after each release, undoing,
merge of donors and change of who a donor is. A release never changes the cells of those before it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django_countries import countries

from .models import OTHER_COUNTRIES, Contribution, DailySum, Donor, ImportBatch
from .privacy import OTHER, WITHHELD, Cell, Event, Part, cells_of, last_of_month

AT_A_TIME = 1000


def make() -> list[Part]:
    """Make them all anew, within a transaction of the caller who holds the books; what waits for company."""
    found, waiting = formed()
    DailySum.objects.filter(is_cell=True).delete()
    classes: dict[Any, int] = {}
    DailySum.objects.bulk_create(
        (
            DailySum(
                batch_id=batch,
                donor_id=classes.get(cell.country)
                or classes.setdefault(cell.country, class_of(cell.country).pk),
                operation_id=None if cell.operation == WITHHELD else cell.operation,
                budget_year=cell.budget_year,
                date=cell.period,
                earmarking=cell.earmarking,
                amount_usd=Decimal(cents).scaleb(-2),
                lines=1,  # a cell is one, however many gifts are in it
                is_cell=True,
            )
            for batch, cells in found.items()
            for cell, cents in cells.items()
        ),
        batch_size=AT_A_TIME,
    )
    return waiting


def formed() -> tuple[dict[Any, dict[Cell, int]], list[Part]]:
    """The cells that each import makes public, with their cents; and what waits. Nothing is written."""
    donors = {donor.pk: donor for donor in Donor.objects.hidden()}
    if not donors:
        return {}, []
    families = dict(
        Donor.objects.unnamed().filter(is_class=True, parent__isnull=False).exclude(country="")
        .order_by("-pk").values_list("country", "parent")
    )  # fmt: skip
    for donor in donors.values():  # one class a country, where it belongs to a family
        donor.parent_id = donor.parent_id or families.get(str(donor.country or ""))
    return cells_of(
        events(donors), fewest=settings.PRIVATE_FEWEST_DONORS, largest_share=settings.PRIVATE_LARGEST_SHARE
    )


def events(donors: dict[int, Donor]) -> list[tuple[int, list[Event]]]:
    """By import that is or will be public, in the order of release: the lines of these donors that came and went."""
    order = (
        ImportBatch.objects.of_contributions().imported().filter(released_at__isnull=False)
        .order_by("released_at", "pk").values_list("pk", flat=True)
    )  # fmt: skip
    found: dict[int, list[Event]] = {pk: [] for pk in order}
    lines = Contribution.objects.filter(donor__in=donors, batch__in=found).order_by("key", "occurrence", "pk")
    known: tuple[Any, int] | None = None
    was: Part | None = None
    for line in lines.iterator(chunk_size=AT_A_TIME):
        if known != (line.key, line.occurrence):
            known, was = (line.key, line.occurrence), None
        now = None if line.withdraws else part(line, donors[line.donor_id])
        if now or was:
            found[line.batch_id].append(Event(known, now, was))
        was = now
    return [(pk, events) for pk, events in found.items() if events]


def part(line: Contribution, donor: Donor) -> Part:
    day = last_of_month(line.date) if settings.PRIVATE_GIFTS_BY == "month" else line.date
    place = (donor.parent_id, str(donor.country or ""))
    cell = Cell(day, place, line.budget_year, line.operation_id, line.earmarking)
    return Part(donor.pk, cell, int(line.amount_usd.scaleb(2)))


def class_of(place: Any) -> Donor:
    """The class under which readers see the donors of a family and country; made where there is none."""
    parent, country = (None, OTHER_COUNTRIES) if place == OTHER else place
    same = Donor.objects.unnamed().filter(is_class=True, parent=parent, country=country)
    if found := same.order_by("pk").first():
        return found
    if place == OTHER:
        where = ", other countries"
    elif parent:
        where = f", {Donor.objects.get(pk=parent).name_en}"
    else:
        where = f", {countries.name(country)}" if country else ""
    name, number = f"Private donors{where}", 1
    while Donor.objects.filter(name_en=name).exists():
        number += 1
        name = f"Private donors{where} ({number})"
    return Donor.objects.create(
        name_en=name, kind=Donor.Kind.PRIVATE, is_class=True, parent_id=parent, country=country
    )
