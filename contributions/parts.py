"""A sum and its parts as a short table: the largest by name, the others as one sum that opens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from .calculations import LARGEST
from .filters import NONE, Place, list_url, no_operation_label
from .lines import PublicLine
from .models import Donor, given_to
from .privacy import WITHHELD


@dataclass(frozen=True)
class Part:
    label: str
    amount: Decimal
    url: str = ""  # of its own page
    lines_url: str = ""  # of its lines
    note: str = ""


@dataclass(frozen=True)
class Parts:
    heading: str
    largest: Sequence[Part]
    others: Sequence[Part] = field(default=())

    @classmethod
    def of(cls, heading: str, parts: Sequence[Part]) -> Parts:
        shown = len(parts) if len(parts) <= LARGEST + 1 else LARGEST
        return cls(heading, parts[:shown], parts[shown:])

    @property
    def total(self) -> Decimal:
        return sum((part.amount for part in [*self.largest, *self.others]), Decimal(0))

    @property
    def others_total(self) -> Decimal:
        return sum((part.amount for part in self.others), Decimal(0))


def operation_parts(
    heading: str, rows: Sequence[Mapping[str, Any]], places: Mapping[int, Place], **query: Any
) -> Parts:
    """Rows of ``by_operation``; operations that readers do not see are one part. ``query``: of the lists they link to."""
    parts, hidden = [], []
    for row in rows:
        given = given_to(row)
        place = places.get(given)
        if place:
            parts.append(
                Part(
                    place.name,
                    row["amount"],
                    reverse("operations:operation", args=[place.slug]),
                    list_url(**query, operation=place.slug),
                )
            )
        elif given in (None, WITHHELD):
            url = list_url(**query, operation=given or NONE)
            parts.append(Part(capfirst(no_operation_label(given)), row["amount"], "", url))
        else:
            hidden.append(row["amount"])
    if hidden:
        parts.append(Part(_("Operations without a public page"), sum(hidden, Decimal(0))))
    return Parts.of(heading, sorted(parts, key=lambda part: -part.amount))


def donor_parts(heading: str, lines: Sequence[PublicLine], **query: Any) -> Parts:
    """Named rows of ``by_donor``."""
    return Parts.of(
        heading,
        [
            Part(
                line.name,
                line.amount,
                reverse("contributions:donor", args=[line.slug]) if line.slug else "",
                line.list_url(**query),
                line.donor_class,
            )
            for line in lines
        ],
    )


def class_parts(rows: Sequence[Mapping[str, Any]], donor: Donor) -> Parts:
    """Rows of ``by_class`` of a donor family."""
    return Parts.of(
        _("Class of donor"),
        [
            Part(
                capfirst(str(Donor.Kind(row["kind"]).label)),
                row["amount"],
                "",
                list_url(donor=donor.slug, kind=row["kind"]),
            )
            for row in rows
        ],
    )


def member_parts(
    rows: Sequence[Mapping[str, Any]], donors: Mapping[int, Donor], donor: Donor
) -> Parts | None:
    """Rows of ``by_member`` of a donor family; ``None`` where it is all there is. Who may not be named is a class."""
    if {row["member"] for row in rows} <= {donor.pk}:
        return None
    return Parts.of(
        _("Member"),
        [
            Part(
                donors[row["member"]].name if row["member"] else capfirst(str(Donor.Kind(row["kind"]).label)),
                row["amount"],
                "",
                member_url(row, donors, donor),
            )
            for row in rows
        ],
    )


def member_url(row: Mapping[str, Any], donors: Mapping[int, Donor], donor: Donor) -> str:
    """The lines of a member; the family’s own have no list, for its address is that of all members together."""
    if row["member"] == donor.pk:
        return ""
    slug = donors[row["member"]].slug if row["member"] else ""
    return list_url(donor=slug) if slug else list_url(donor=donor.slug, kind=row["kind"])
