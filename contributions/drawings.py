"""The charts of the money: sums handed to the pure geometry, with their words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import get_language_bidi, ngettext
from django.utils.translation import gettext as _

from operations import charts
from operations.calculations import share_of_sum
from operations.drawings import (
    isolated,
    number_cell,
    print_cents,
    print_dollars,
    print_number,
    print_share,
    unit_words,
)
from operations.profiles import Value

from .calculations import LARGEST, largest_and_others
from .filters import earmarking_label
from .lines import PublicLine
from .models import Contribution
from .privacy import WITHHELD

EARMARKINGS = [*Contribution.Earmarking.values, WITHHELD, ""]
YEARS_DRAWN = 10

Parts = Sequence[tuple[str, Decimal]]  # label, US dollars


def parts_chart(name: str, title: str, heading: str, parts: Parts, say: str) -> charts.Chart | None:
    """Parts of a sum as lying bars, with amounts, shares and the sum in the table; ``name`` is that in addresses."""
    if not parts:
        return None
    total = sum((amount for _label, amount in parts), Decimal(0))
    unit, word = unit_of_parts([amount for _label, amount in parts])
    options: dict[str, Any] = {"unit": unit, "number": print_number, "rtl": get_language_bidi()}
    items = [charts.Item(label, amount) for label, amount in parts]
    rows = [
        [
            charts.Cell(label),
            charts.Cell(print_cents(amount), numeric=True, value=amount),
            charts.Cell(print_share(amount, total), numeric=True, value=share_of_sum(amount, total)),
        ]
        for label, amount in [*parts, (_("Total"), total)]
    ]
    return charts.Chart(
        title=title,
        summary=say,
        wide=charts.rows(items, **options),
        narrow=charts.rows(items, width=charts.NARROW, **options),
        table=charts.Table(
            _("%(title)s, US dollars") % {"title": title},
            [heading, _("Amount"), _("Share")],
            rows,
            [name.removesuffix("s"), "amount_usd", "share_percent"],
        ),
        say=say,
        unit=unit_words(word),
        name=name,
    )


def unit_of_parts(amounts: Sequence[Decimal]) -> tuple[Decimal, str]:
    """The unit in which the smallest part is no fraction, but the largest has no more than six digits."""
    sizes = [abs(amount) for amount in amounts if amount]
    return charts.unit_of([max(min(sizes), max(sizes) / 1000)] if sizes else [])


def donors_chart(title: str, lines: Sequence[PublicLine]) -> charts.Chart | None:
    """Sums by donor, the ten largest by name."""
    largest, others = largest_and_others(lines, [line.amount for line in lines])
    parts = [(full_name(line), line.amount) for line in largest]
    if others is not None:
        count = len(lines) - LARGEST
        words = ngettext("%(counter)s other donor", "%(counter)s other donors", count)
        parts.append((words % {"counter": print_number(count)}, others))
    return parts_chart("donors", title, _("Donor"), parts, donors_sentence(lines)) if len(parts) > 1 else None


def full_name(line: PublicLine) -> str:
    """With the class of the donor, but for a government."""
    return f"{line.name} ({line.donor_class})" if line.donor_class else line.name


def donors_sentence(lines: Sequence[PublicLine]) -> str:
    total = sum((line.amount for line in lines), Decimal(0))
    if not lines or lines[0].amount <= 0:
        return ""
    first, ten = lines[0], sum((line.amount for line in lines[:LARGEST]), Decimal(0))
    words = {
        "name": isolated(full_name(first)),
        "amount": print_dollars(first.amount),
        "share": print_share(first.amount, total),
        "ten": print_share(ten, total),
    }
    if not words["share"]:
        return _("The largest donor is %(name)s with %(amount)s.") % words
    if len(lines) <= LARGEST + 1 or not words["ten"]:
        return _("The largest donor is %(name)s with %(amount)s, %(share)s of the total.") % words
    return (
        _(
            "The largest donor is %(name)s with %(amount)s, %(share)s of the total;"
            " the ten largest together gave %(ten)s."
        )
        % words
    )


def earmarking_chart(title: str, rows: Sequence[Mapping[str, Any]]) -> charts.Chart | None:
    amounts = {row["earmarking"]: row["amount"] for row in rows}
    if amounts.keys() <= {"", WITHHELD}:
        return None
    parts = [(capfirst(earmarking_label(code)), amounts[code]) for code in EARMARKINGS if code in amounts]
    return parts_chart("earmarking", title, _("Earmarking"), parts, earmarking_sentence(amounts))


def earmarking_sentence(amounts: Mapping[str, Decimal]) -> str:
    """Of sums by earmarking; what was paid back beyond what was given is left out."""
    total, said = sum(amounts.values(), Decimal(0)), []
    free = amounts.get("unearmarked", Decimal(0)) + amounts.get("softly_earmarked", Decimal(0))
    words = {"amount": print_dollars(free), "share": print_share(free, total)}
    if words["share"]:
        text = _(
            "Unearmarked and softly earmarked money, which the agency can use where needs are greatest,"
            " is %(amount)s or %(share)s of the total."
        )
        said.append(text % words)
    elif free > 0:
        text = _(
            "Unearmarked and softly earmarked money, which the agency can use where needs are greatest,"
            " is %(amount)s."
        )
        said.append(text % words)
    if amounts.get("", 0) > 0:
        text = _("For %(amount)s the source does not give the earmarking.")
        said.append(text % {"amount": print_dollars(amounts[""])})
    return " ".join(said)


def months_chart(title: str, rows: Sequence[Mapping[str, Any]], year: int) -> charts.Chart | None:
    """The months of a budget year by the date of the contribution; what was given before or after it as one bar each."""
    amounts = {row["month"]: row["amount"] for row in rows}
    before = [amount for month, amount in amounts.items() if month.year < year]
    after = [amount for month, amount in amounts.items() if month.year > year]
    months = [dt.date(year, month, 1) for month in range(1, 13)]
    names = [date_format(month, "M") for month in months]
    long = [date_format(month, "F Y") for month in months]
    values = [amounts.get(month) for month in months]
    if before:
        words = _("before %(year)s") % {"year": year}
        names, long, values = [words, *names], [words, *long], [sum(before, Decimal(0)), *values]
    if after:
        words = _("after %(year)s") % {"year": year}
        names, long, values = [*names, words], [*long, words], [*values, sum(after, Decimal(0))]
    if not amounts:
        return None
    largest = max((i for i in range(len(values)) if values[i] is not None), key=lambda i: values[i])
    say = ""
    if values[largest] > 0:
        told = {"month": long[largest], "amount": print_dollars(values[largest])}
        say = _("The largest sum: %(month)s, %(amount)s.") % told
    return bars_chart("months", title, _("Month"), names, long, values, say)


def years_chart(title: str, rows: Sequence[Mapping[str, Any]]) -> charts.Chart | None:
    """The newest ten budget years; ``None`` where a single year leaves nothing to compare."""
    if len(rows) < 2:
        return None
    amounts = {row["budget_year"]: row["amount"] for row in rows}
    years = list(range(min(amounts), max(amounts) + 1))[-YEARS_DRAWN:]
    values, names = [amounts.get(year) for year in years], [str(year) for year in years]
    largest = max((year for year in years if year in amounts), key=lambda year: amounts[year])
    say = ""
    if amounts[largest] > 0:
        told = {"year": largest, "amount": print_dollars(amounts[largest])}
        say = _("The largest sum was given for %(year)s: %(amount)s.") % told
    return bars_chart("years", title, _("Budget year"), names, names, values, say)


def bars_chart(
    name: str,
    title: str,
    heading: str,
    names: Sequence[str],
    long: Sequence[str],
    values: Sequence[Decimal | None],
    say: str,
) -> charts.Chart:
    series = [charts.Series(_("Contributions"), "s-main", values)]
    unit, word = charts.unit_of(values)
    options: dict[str, Any] = {"unit": unit, "number": print_number, "rtl": get_language_bidi()}
    none = _("no contribution")
    return charts.Chart(
        title=title,
        summary=say,
        wide=charts.year_bars(names, series, **options),
        narrow=charts.year_rows(names, series, **options),
        table=charts.Table(
            _("%(title)s, US dollars") % {"title": title},
            [heading, _("Contributions")],
            [
                [
                    charts.Cell(label),
                    number_cell(Value(value, "" if value is not None else none), print_cents),
                ]
                for label, value in zip(long, values, strict=True)
            ],
            [name.removesuffix("s"), "amount_usd"],
        ),
        say=say,
        unit=unit_words(word),
        name=name,
    )
