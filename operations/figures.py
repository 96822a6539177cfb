"""Key-figure values: text with a strict grammar, so that "52,9960" cannot be published.

A value is an optional sign of comparison (``>`` ``<`` ``≥`` ``≤`` ``~``), an optional ``US$``, a number
with its thousands grouped in threes or not at all, and an optional ``%``, ``thousand``, ``million`` or
``billion``: "300,000", "> 221,000", "0.5%", "226.8 million".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from django.utils import numberformat
from django.utils.formats import get_format, number_format
from django.utils.translation import get_language, get_language_bidi, ngettext
from django.utils.translation import gettext as _

from .cells import clean_text, number

UNITS = {"": 1, "%": 1, "thousand": 10**3, "million": 10**6, "billion": 10**9}
# What the column of a figure's number holds: twenty digits, four of them decimals.
LARGEST, PLACES = Decimal(10**16), 4
SHAPE = re.compile(
    r"(?P<sign>[<>≥≤~])?\s*(?P<currency>US\$|\$)?\s*(?P<number>\d[\d,. ]*?)\s*(?P<unit>%|thousand|million|billion)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Figure:
    text: str  # as it is printed
    number: Decimal  # written out: "226.8 million" is 226800000; "0.5%" is 0.5


def grouped(digits: str) -> str:
    """300000 → 300,000; four digits may be a year and stay as they are."""
    whole, dot, fraction = digits.partition(".")
    return f"{int(whole):,}{dot}{fraction}" if whole.isdecimal() and len(whole) > 4 else digits


def parse_figure(value: str) -> Figure:
    """Read a key-figure value; ``ValueError`` says in a sentence why not and what might have been meant."""
    text = clean_text(value)
    if not text:
        raise ValueError(_("A key figure needs a number."))
    shape = SHAPE.fullmatch(text)
    if not shape:
        raise ValueError(
            _(
                "“%(text)s” is not a figure. Write a number such as 300,000, > 221,000, 0.5%% or 226.8 million, and the words in the field beside it."
            )
            % {"text": text}
        )
    unit = (shape["unit"] or "").lower()
    digits = number(shape["number"])
    written_out = digits * UNITS[unit]
    if written_out >= LARGEST:
        raise ValueError(_("“%(text)s” is larger than any figure this site holds.") % {"text": text})
    if written_out != round(written_out, PLACES):
        raise ValueError(
            _("“%(text)s” has more than %(places)d decimals. Round it first.")
            % {"text": text, "places": PLACES}
        )
    sign, currency = shape["sign"] or "", (shape["currency"] or "").upper()
    printed = (f"{sign} " if sign else "") + currency + grouped(shape["number"])
    printed += unit if unit == "%" else f" {unit}" if unit else ""
    return Figure(printed, written_out)


def unit_of(value: str) -> str | None:
    """What an exact value is counted in: “%”, “US$”, or nothing. ``None`` for “> 221,000”, which is not exact."""
    shape = SHAPE.fullmatch(value)
    if not shape or shape["sign"]:
        return None
    return "%" if shape["unit"] == "%" else "US$" if shape["currency"] else ""


def print_figure(value: str) -> str:
    """A value as the active language writes it: “226.8 million” is “226,8 millions” in French.

    English is what values are entered in; it is printed as entered, and so is what cannot be read.
    """
    shape = SHAPE.fullmatch(value)
    if (get_language() or "en").startswith("en") or not shape:
        return value
    try:
        amount = number(shape["number"])
    except ValueError:
        return value
    is_grouped = len(shape["number"].partition(".")[0]) > 4  # four digits may be a year
    places = max(0, -int(amount.as_tuple().exponent))
    digits = number_format(amount, places, use_l10n=True, force_grouping=True) if is_grouped else None
    printed = _with_unit(digits or _ungrouped(amount, places), amount, shape["unit"] or "", shape["currency"])
    if not shape["sign"]:
        return printed
    # In Arabic the sign would be mirrored, and say the opposite of what it says beside digits.
    said = f"{shape['sign']}\u00a0{printed}"
    return f"\u2066{said}\u2069" if get_language_bidi() else said


def _ungrouped(amount: Decimal, places: int) -> str:
    return numberformat.format(amount, get_format("DECIMAL_SEPARATOR"), places, use_l10n=False)


def counted(amount: Decimal) -> int:
    """What tells one from many: 1.2 million is still “one” in French; elsewhere whatever has decimals is many."""
    whole = abs(int(amount))
    return whole if int(amount.as_tuple().exponent) >= 0 or get_language() == "fr" else whole + 2


def _with_unit(printed: str, amount: Decimal, unit: str, currency: str | None) -> str:
    unit, whole = unit.lower(), counted(amount)
    if unit == "%":
        return _("%(share)s%%") % {"share": printed}
    if currency:
        words = {
            "billion": ngettext("$%s billion", "$%s billion", whole),
            "million": ngettext("$%s million", "$%s million", whole),
            "thousand": ngettext("$%s thousand", "$%s thousand", whole),
        }
        return words.get(unit, _("$%s")) % printed
    words = {
        "billion": ngettext("%s billion", "%s billion", whole),
        "million": ngettext("%s million", "%s million", whole),
        "thousand": ngettext("%s thousand", "%s thousand", whole),
    }
    return words.get(unit, "%s") % printed
