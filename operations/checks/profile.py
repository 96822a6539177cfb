"""Warnings about the figures of an operation's profile, and jumps against the year before."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from ..calculations import not_broken_down, shown_status, total
from ..cells import shortened
from .draft import Draft, Level, Remark, check, key_figures
from .figures import decimal
from .reading import folded, plain

MEASURES = ("people", "budget", "funds_available", "expenditure")


@check("parts-miss-total", Level.WARNING)
def parts_miss_total(draft: Draft) -> Iterator[Remark]:
    groups = _groups(draft.content)
    for (measure, year, status), (stated, parts) in groups.items():
        known = [part for part in parts if part is not None]
        rest = not_broken_down(stated, known)
        if rest is None or not known:
            continue
        before_stated, before_parts = groups.get((measure, year - 1, status), (None, []))
        was_complete = bool(before_parts) and not_broken_down(before_stated, before_parts) == 0
        values = {
            "what": _of_measure(measure),
            "year": year,
            "before": year - 1,
            "sum": _amount(sum(known, Decimal(0)), measure),
            "total": _amount(stated or Decimal(0), measure),
            "rest": _amount(abs(rest), measure),
        }
        if rest < 0:
            message = _(
                "The parts of %(what)s of %(year)d make %(sum)s, which is %(rest)s more than the total of %(total)s. Correct a part or the total."
            )
        elif rest > 0 and was_complete:
            message = _(
                "The parts of %(what)s of %(year)d make %(sum)s and leave %(rest)s of the total of %(total)s without a part; in %(before)d the parts made the total. Enter the part that is missing, or say why there is none."
            )
        else:
            continue
        where = "population" if measure == "people" else "finance"
        facts = (measure, year, status, str(stated), str(sum(known, Decimal(0))))
        yield Remark(where, message % values, facts)


@check("jump", Level.WARNING)
def jump(draft: Draft) -> Iterator[Remark]:
    now, public = totals(draft.content), totals(draft.public or {})
    for measure in MEASURES:
        years = sorted(year for (name, year), value in now.items() if name == measure and value is not None)
        for year in years:
            new, old = now[measure, year], now.get((measure, year - 1))
            is_asked = year == years[-1] if draft.public is None else public.get((measure, year)) != new
            if old is None or new is None or not is_asked or not is_jump(new, old):
                continue
            where = "population" if measure == "people" else "finance"
            message = _(
                "%(what)s of %(year)d, %(new)s, differs by more than half from the %(old)s of %(before)d. Check both, or say what happened."
            ) % {
                "what": _of_measure(measure, capital=True),
                "year": year,
                "before": year - 1,
                "new": _amount(new, measure),
                "old": _amount(old, measure),
            }
            yield Remark(where, message, (measure, year, str(new.normalize()), str(old.normalize())))
    yield from _jumps_of_key_figures(draft)


def _jumps_of_key_figures(draft: Draft) -> Iterator[Remark]:
    before = {
        (folded(plain(figure.get("text"))), "%" in str(figure.get("value"))): figure
        for _count, figure in reversed(key_figures(draft.last_year or {}))
    }
    for count, figure in key_figures(draft.content):
        text = plain(figure.get("text"))
        earlier = before.get((folded(text), "%" in str(figure.get("value"))))
        new, old = decimal(figure.get("number")), earlier and decimal(earlier.get("number"))
        if earlier is None or new is None or old is None or not is_jump(new, old):
            continue
        message = _(
            "“%(new)s %(text)s” differs by more than half from last year’s %(old)s. Check both, or say what happened."
        ) % {"new": figure.get("value"), "text": shortened(text), "old": earlier.get("value")}
        yield Remark(
            f"key_figures.{count}",
            message,
            (str(new.normalize()), str(old.normalize())),
            f"key figure: {folded(text)}",
        )


def is_jump(new: Decimal, old: Decimal) -> bool:
    return old != 0 and abs(new - old) * 2 > abs(old)


Group = tuple[Decimal | None, list[Decimal | None]]


def _groups(content: dict[str, Any]) -> dict[tuple[str, int, str], Group]:
    """By measure, year and status: the total as stated, and the parts. People have no status."""
    groups: dict[tuple[str, int, str], tuple[list[Decimal | None], list[Decimal | None]]] = {}
    rows = [
        ("people", row["year"], "", row.get("type"), row.get("people"))
        for row in content.get("population") or []
    ] + [
        (row["measure"], row["year"], row.get("status") or "", row.get("pillar"), row.get("amount_usd"))
        for row in content.get("finance") or []
    ]
    for measure, year, status, part, value in rows:
        group = groups.setdefault((measure, year, status), ([], []))
        group[part is not None].append(decimal(value))
    return {key: (stated[0] if stated else None, parts) for key, (stated, parts) in groups.items()}


def totals(content: dict[str, Any]) -> dict[tuple[str, int], Decimal | None]:
    """By measure and year, the total that readers see; one that was stated as missing is missing."""
    stated_missing = {
        (row.get("measure", "people"), row["year"], row.get("status") or "")
        for name, part, value in (("population", "type", "people"), ("finance", "pillar", "amount_usd"))
        for row in content.get(name) or []
        if row.get(part) is None and row.get(value) is None
    }
    by_status: dict[tuple[str, int], dict[str, Decimal | None]] = {}
    for (measure, year, status), (stated, parts) in _groups(content).items():
        value = None if (measure, year, status) in stated_missing else total(stated, parts)
        by_status.setdefault((measure, year), {})[status] = value
    return {
        key: given[""] if "" in given else given[shown_status(given) or ""]
        for key, given in by_status.items()
    }


def _of_measure(measure: str, *, capital: bool = False) -> str:
    names = {
        "people": _("the number of people"),
        "budget": _("the budget"),
        "funds_available": _("the funds available"),
        "expenditure": _("the expenditure"),
    }
    name = names.get(measure, measure)
    return name[:1].upper() + name[1:] if capital else name


def _amount(value: Decimal, measure: str) -> str:
    return f"{value:,f}" if measure == "people" else f"US$ {value:,.2f}"
