"""What an operation received for a budget year, and what of the year’s money cannot be attributed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from operations import charts
from operations.drawings import isolated
from operations.pages import OperationPage

from .calculations import Attributed, attribute, count_donors, not_explained
from .drawings import earmarking_chart
from .filters import NONE, list_url, no_operation_label, public_places
from .lines import number_footnotes, public_line
from .models import DailySum, Donor, given_to
from .parts import Part, Parts, donor_parts
from .privacy import WITHHELD


@dataclass(frozen=True)
class Received:
    year: int
    name: str
    total: Decimal
    count: int  # of donors
    donors: Parts
    footnotes: Sequence[Any]
    chart: charts.Chart | None
    attributed: Attributed
    funds: Decimal | None
    url: str  # of the lines

    @property
    def not_explained(self) -> Decimal | None:
        return not_explained(self.funds, self.total)

    @property
    def parts(self) -> list[Part]:
        """The year’s money by what it was given to; the parts make the total."""
        money = self.attributed
        named = [
            (self.name, money.own),
            (_("Other operations of a country or several countries"), money.others),
            (_("Regions"), money.regional),
            (_("Situations"), money.situations),
            (_("The whole world, no operation"), money.world),
            (_("Operations without a public page"), money.hidden),
        ]
        parts = [Part(label, amount) for i, (label, amount) in enumerate(named) if amount or i == 0]
        if money.own:
            parts[0] = replace(parts[0], lines_url=self.url)
        for amount, value in ((money.not_said, None), (money.withheld, WITHHELD)):
            if amount:
                url = list_url(year=self.year, operation=value or NONE)
                parts.append(Part(capfirst(no_operation_label(value)), amount, lines_url=url))
        return parts

    @classmethod
    def load(cls, page: OperationPage, at: dt.datetime | None = None) -> Received:
        """Five queries: sums by donor, the donors, sums by earmarking; the year's sums by operation, the operations."""
        own = page.profile_edition.operation_id
        of_year = DailySum.objects.released(at).for_year(page.year)
        rows = of_year.filter(operation=own)
        sums = list(rows.by_donor())
        families = Donor.objects.in_bulk({row["family"] for row in sums if row["family"]})
        shown = [public_line(row, families) for row in sums]
        kinds = {pk: place.kind for pk, place in public_places(at).items()}
        amounts = {given_to(row): row["amount"] for row in of_year.by_operation()}
        words = {"name": isolated(page.profile.name), "year": page.year}
        query = {"year": page.year, "operation": page.profile.slug}
        title = _("Contributions to %(name)s for %(year)s by earmarking") % words
        chart = earmarking_chart(title, list(rows.by_earmarking()))
        return cls(
            page.year,
            page.profile.name,
            sum((row["amount"] for row in sums), Decimal(0)),
            count_donors(sums),
            donor_parts(_("Donor"), shown, **query),
            number_footnotes(shown),
            chart
            and replace(
                chart, address=f"{reverse('contributions:figure', args=[chart.name])}?{urlencode(query)}"
            ),
            attribute(amounts, kinds, own, WITHHELD),
            page.profile.amount(page.year, "funds_available").number,
            list_url(**query),
        )
