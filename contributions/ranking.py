"""The donors of a budget year in the order of what they gave, beside the year before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from .calculations import Moved, moved, per_person, ranks
from .lines import PublicLine, public_line
from .models import Donor, SummedQuerySet

Group = tuple[int | None, str, str]  # family, kind, country

# The columns by which the table can be sorted; a leading “-” turns the order round.
COLUMNS = ("amount", "donor", "difference", "change", "person")


@dataclass(frozen=True)
class Row:
    line: PublicLine
    rank: int
    moved: Moved | None
    per_person: Decimal | None
    people: int | None = None
    people_year: int | None = None
    members: Sequence[tuple[str, Decimal]] = field(default=())
    url: str = ""  # of its lines

    def value(self, column: str) -> Any:
        """What a column sorts by; ``None`` where the cell is empty."""
        if column == "person":
            return self.per_person
        if column == "difference":
            return self.moved and self.moved.difference
        if column == "change":
            change = self.moved and self.moved.change
            if not change or change.percent is None:
                return None
            return -change.percent if change.direction == "decrease" else change.percent
        return self.line.amount


@dataclass(frozen=True)
class Column:
    label: str
    url: str
    order: str  # ascending, descending or empty


def against(year: int) -> str:
    return _("Against %(year)s") % {"year": year}


@dataclass
class Ranking:
    rows: list[Row]
    is_known: bool  # whether anything is published for the year before
    before: Decimal  # the total of the year before
    gone: list[Decimal]  # what those gave in the year before who gave nothing since

    @classmethod
    def load(cls, rows: SummedQuerySet, before: SummedQuerySet, year: int, is_known: bool) -> Ranking:
        """Four queries: sums by donor of both years, by member, and the donors."""
        sums, earlier = list(rows.by_donor()), list(before.by_donor()) if is_known else []
        members = list(rows.by_member())
        keys = {row[name] for row in members for name in ("family", "member") if row[name]}
        donors = Donor.objects.in_bulk(keys)
        then = {group_of_sum(row): row["amount"] for row in earlier}
        by_group = defaultdict(list)
        for member in members:
            by_group[group_of_sum(member)].append(member)
        ranked = []
        for row, rank in zip(sums, ranks([row["amount"] for row in sums]), strict=True):
            group = group_of_sum(row)
            line, family = public_line(row, donors), donors.get(row["family"])
            people = getattr(family, "population", None)
            ranked.append(
                Row(
                    line,
                    rank,
                    moved(row["amount"], then.pop(group, None), is_known),
                    per_person(row["amount"], people),
                    people,
                    getattr(family, "population_year", None),
                    named_members(by_group[group], donors),
                    line.list_url(year=year),
                )
            )
        return cls(ranked, is_known, sum((row["amount"] for row in earlier), Decimal(0)), list(then.values()))

    @property
    def lines(self) -> list[PublicLine]:
        return [row.line for row in self.rows]

    @cached_property
    def total(self) -> Decimal:
        return sum((row.line.amount for row in self.rows), Decimal(0))

    @property
    def moved(self) -> Moved | None:
        return moved(self.total, self.before, self.is_known)

    @property
    def gone_total(self) -> Decimal:
        return -sum(self.gone, Decimal(0))

    @property
    def has_people(self) -> bool:
        return any(row.per_person is not None for row in self.rows)

    def columns(self, year: int, sort: str) -> list[Column]:
        """The headings, each with the address that sorts by it: the other way round, where it is taken already."""
        labels = {"donor": _("Donor"), "amount": _("Amount"), "share": _("Share")}
        if self.is_known:
            labels |= {"difference": against(year - 1), "change": _("Change")}
        if self.has_people:
            labels["person"] = _("Per inhabitant")
        found = []
        for name, label in labels.items():
            own = "amount" if name == "share" else name  # which is in the order of the amounts
            order = ""
            if own == sort.removeprefix("-") and name != "share":
                order = "ascending" if sort.startswith("-") != (own == "donor") else "descending"
            query = {"year": year} | (
                {"sort": f"-{own}" if sort == own else own} if (sort, own) != ("-amount", "amount") else {}
            )
            if query.get("sort") == "amount":
                del query["sort"]
            found.append(Column(label, f"{reverse('contributions:donors')}?{urlencode(query)}", order))
        return found

    def sorted_by(self, asked: str) -> tuple[list[Row], str]:
        """The rows as an address asks for them, empty cells last, and the order that was taken."""
        column = asked.removeprefix("-")
        if column not in COLUMNS:
            asked, column = "amount", "amount"
        is_reversed = asked.startswith("-")
        if column == "donor":
            return sorted(self.rows, key=lambda row: row.line.sort_key, reverse=is_reversed), asked
        filled = [row for row in self.rows if row.value(column) is not None]
        empty = [row for row in self.rows if row.value(column) is None]
        return sorted(filled, key=lambda row: row.value(column), reverse=not is_reversed) + empty, asked


def group_of_sum(row: dict[str, Any]) -> Group:
    return row["family"], row["kind"], row["country"]


def named_members(rows: Sequence[dict[str, Any]], donors: dict[int, Donor]) -> list[tuple[str, Decimal]]:
    """Members of a family with their sums; empty where the family is all there is. Who has no name is “others”."""
    if len(rows) == 1 and rows[0]["member"] in (None, rows[0]["family"]):
        return []
    return [
        (donors[row["member"]].name if row["member"] else _("donors who are not named"), row["amount"])
        for row in rows
    ]
