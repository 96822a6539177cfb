"""What a typed cell may say, and what it then means: the same in every interface language.

One place for the rules of numbers, dates and names, used by the admin's forms, the imports and the
key figures. Every function takes the text as typed and returns the value, ``None`` where the cell is
empty, or raises ``ValueError`` with a whole sentence: what was found and what to do.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import override

# U+200B zero width space … U+2060 word joiner, U+FEFF byte order mark, U+00AD soft hyphen
INVISIBLE = re.compile("[\u200b-\u200d\u2060\ufeff\u00ad]")
CONTROL = re.compile("[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]")
FOOTNOTE_MARKS = "*†‡"

# What a spreadsheet shows instead of a value: #REF!, #DIV/0!, or ##### in a column that is too narrow.
SPREADSHEET_ERROR = re.compile(r"#(REF!|N/A|DIV/0!|VALUE!|NAME\?|NUM!|NULL!|SPILL!|CALC!)|#{3,}")

PLAIN = re.compile(r"[0-9]+(\.[0-9]+)?")
GROUPED = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
SPACED = re.compile(r"[0-9]{1,3}( [0-9]{3})+(\.[0-9]+)?")
LONGEST_NUMBER = 40  # characters; whatever is longer is no number of ours

CURRENCY_BEFORE = re.compile(r"(US\$|\$|€|£|[A-Z]{3})\s*(?=[0-9])")
CURRENCY_AFTER = re.compile(r"\s([A-Z]{3})$")

# Nothing, as people type it.
BLANKS = {"", "-", "–", "—", "n/a", "null", "none"}

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january",
            "feb february",
            "mar march",
            "apr april",
            "may",
            "jun june",
            "jul july",
            "aug august",
            "sep sept september",
            "oct october",
            "nov november",
            "dec december",
        ),
        1,
    )
    for name in names.split()
}

EARLIEST_DATE = dt.date(1951, 1, 1)  # the year after the agency's statute
LARGEST_AMOUNT = Decimal("999999999999.99")


def clean_text(cell: object, *, longest: int | None = None) -> str:
    """The text in NFC, with white space (no-break spaces included) trimmed and collapsed."""
    text = "" if cell is None else str(cell)
    text = collapsed(text)
    if not text.isprintable() and (found := CONTROL.search(text)):
        raise ValueError(
            _("The text holds an invisible control character (U+%(code)04X). Type it again.")
            % {"code": ord(found[0])}
        )
    if SPREADSHEET_ERROR.fullmatch(text):
        raise ValueError(
            _("“%(text)s” is an error that a spreadsheet shows, not a value. Correct it there.")
            % {"text": shortened(text)}
        )
    if longest is not None and len(text) > longest:
        raise ValueError(
            _("The text has %(length)d characters; at most %(longest)d fit.")
            % {"length": len(text), "longest": longest}
        )
    return text


def clean_lines(cell: object) -> str:
    """Text of several lines, each as ``clean_text`` has it; empty lines between paragraphs stay."""
    lines = [clean_text(line) for line in ("" if cell is None else str(cell)).splitlines()]
    return "\n".join(lines).strip("\n")


def collapsed(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFC", INVISIBLE.sub("", text))
    return " ".join(text.split())


def clean_name(cell: object, *, longest: int = 200) -> tuple[str, str]:
    """A name and the footnote mark that followed it: ``"Serbia*"`` → ``("Serbia", "*")``."""
    text = clean_text(cell, longest=longest)
    if meant := decoded_twice(text):
        raise ValueError(
            _("“%(text)s” was read in the wrong encoding somewhere. Did you mean “%(meant)s”?")
            % {"text": text, "meant": meant}
        )
    name = text.rstrip(FOOTNOTE_MARKS)
    return name.rstrip(), text[len(name) :]


def decoded_twice(text: str) -> str:
    """What UTF-8 that was read as Windows-1252 had said: "SociÃ©tÃ©" → "Société"; empty for other text."""
    if text.isascii():
        return ""
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return ""


@lru_cache(maxsize=10_000)
def fold_name(name: str) -> str:
    """The form in which names are compared: no case or footnote mark, straight apostrophes, single spaces."""
    return collapsed(name).rstrip(FOOTNOTE_MARKS).rstrip().replace("\u2019", "'").casefold()


def free_slug(name: str, taken: set[str]) -> str:
    """An address made of the name that is not ``taken``; it is added to ``taken``."""
    base = slugify(name)[:100].strip("-") or "unnamed"
    slug, occurrence = base, 1
    while slug in taken:
        occurrence += 1
        slug = f"{base}-{occurrence}"
    taken.add(slug)
    return slug


def number(text: str) -> Decimal:
    """A number as figures are printed: 3186984, 3,186,984, 1 234 567 or 91743119.27; nothing looser.

    Thousands are grouped in threes, throughout or not at all; the decimal mark is a dot.
    """
    if len(text) > LONGEST_NUMBER:
        raise ValueError(_("“%(text)s” is too long to be a number.") % {"text": shortened(text)})
    if PLAIN.fullmatch(text) or GROUPED.fullmatch(text) or SPACED.fullmatch(text):
        return Decimal(text.replace(",", "").replace(" ", ""))
    if not text.isascii() and any(c.isdecimal() and not c.isascii() for c in text):
        raise ValueError(_("Write “%(text)s” with the digits 0 to 9.") % {"text": text})
    if re.fullmatch(r"[0-9,]+(\.[0-9]+)?", text) and any(c.isdigit() for c in text):
        meant = suggestions(text)
        raise ValueError(
            _(
                "“%(text)s” groups its digits in a way that could mean several numbers: a comma stands before every three digits. Did you mean %(meant)s?"
            )
            % {"text": text, "meant": _(" or ").join(meant)}
        )
    if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{3}){2,}(,[0-9]+)?", text) or re.fullmatch(r"[0-9.]+,[0-9]+", text):
        raise ValueError(
            _(
                "“%(text)s” uses dots between thousands or a decimal comma. Write it with a decimal point, for example 1614205.00."
            )
            % {"text": text}
        )
    if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?[eE][+-]?[0-9]+", text):
        raise ValueError(
            _("“%(text)s” is in scientific notation, which hides digits. Write the number out in full.")
            % {"text": text}
        )
    raise ValueError(_("“%(text)s” is not a number.") % {"text": text})


def suggestions(text: str) -> list[str]:
    """What a wrongly grouped number might have been, most likely first: 52,9960 → 529,960 or 52,996."""
    whole, _dot, fraction = text.partition(".")
    digits = whole.replace(",", "")
    tail = f".{fraction}" if fraction else ""
    meant = [f"{int(digits):,}{tail}"]
    *groups, last = whole.split(",")
    if groups and len(last) > 3:
        shorter = "".join(groups) + last[:3]
        meant.append(f"{int(shorter):,}")
    elif groups and len(last) < 3 and last:
        meant.append(f"{int(''.join(groups) or 0):,}.{last}")
    return list(dict.fromkeys(meant))


def read_amount(cell: object, *, currency: str = "USD") -> Decimal | None:
    """An amount of money: 3186984, 3,186,984, $3,186,984, US$ 5, 5 USD or 91743119.27, exactly as written.

    Corrections may be negative: -5 or (5).
    """
    if isinstance(cell, bool):
        raise ValueError(_("“%(text)s” is not an amount.") % {"text": cell})
    text = written = clean_text(cell)
    if text.casefold() in BLANKS:
        return None
    negative = False
    if text.startswith("(") and text.endswith(")"):
        negative, text = True, text[1:-1].strip()
    elif text[:1] in {"-", "−"}:
        negative, text = True, text[1:].strip()
    mark = CURRENCY_BEFORE.match(text) or CURRENCY_AFTER.search(text)
    if mark:
        code = {"US$": "USD", "$": "USD", "€": "EUR", "£": "GBP"}.get(mark[1], mark[1])
        if code != currency:
            raise ValueError(
                _("“%(text)s” names %(found)s, but the amount of this column is in %(expected)s.")
                % {"text": written, "found": code, "expected": currency}
            )
        text = (text[: mark.start()] + text[mark.end() :]).strip()
    if not text:
        raise ValueError(_("“%(text)s” is not a number.") % {"text": shortened(written)})
    amount = number(text)
    if amount > LARGEST_AMOUNT:
        raise ValueError(
            _("%(amount)s is larger than any amount this site holds.") % {"amount": shortened(written)}
        )
    return -amount if negative and amount else amount


def clean_amount(
    cell: object, *, currency: str = "USD", round_to_cents: bool | None = None
) -> Decimal | None:
    """An amount of money in whole cents.

    ``round_to_cents`` allows amounts finer than a cent and rounds them half-up; otherwise they are refused.
    ``None`` is where nobody can ask for rounding, as in a form.
    """
    amount = read_amount(cell, currency=currency)
    if amount is None:
        return None
    cents = amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
    if cents != amount and not round_to_cents:
        said = _("“%(text)s” is finer than a cent.") % {"text": clean_text(cell)}
        if round_to_cents is False:
            said += " " + _("Correct it, or tick “Round to whole cents” for the whole file.")
        raise ValueError(said)
    return cents


def clean_count(cell: object) -> int | None:
    """A whole number of people or things; never negative."""
    if isinstance(cell, bool):
        raise ValueError(_("“%(text)s” is not a number of people.") % {"text": cell})
    text = clean_text(cell)
    if text.casefold() in BLANKS:
        return None
    if text.startswith(("-", "−")):
        raise ValueError(_("“%(text)s” is negative; people are counted from 0.") % {"text": text})
    value = number(text)
    if value != value.to_integral_value():
        raise ValueError(_("“%(text)s” is not a whole number.") % {"text": text})
    if value > 10_000_000_000:
        raise ValueError(_("“%(text)s” is more people than live on Earth.") % {"text": text})
    return int(value)


def clean_year(cell: object) -> int | None:
    text = clean_text(cell)
    if text.casefold() in BLANKS:
        return None
    text = text.removesuffix(".0")
    if not re.fullmatch(r"(19|20|21)[0-9]{2}", text):
        raise ValueError(_("“%(text)s” is not a year. Write four digits, for example 2021.") % {"text": text})
    return int(text)


def clean_coordinate(cell: object, *, limit: int) -> Decimal | None:
    """Degrees, negative in the south and the west, kept to six decimals (about ten centimetres)."""
    text = clean_text(cell).replace("−", "-")
    if text.casefold() in BLANKS:
        return None
    if not re.fullmatch(r"-?[0-9]{1,3}(\.[0-9]+)?", text):
        raise ValueError(_("“%(text)s” is not a position in degrees, for example -12.0464.") % {"text": text})
    value = Decimal(text).quantize(Decimal("0.000001"), ROUND_HALF_UP)
    if abs(value) > limit:
        raise ValueError(
            _("“%(text)s” lies outside the Earth: at most %(limit)d degrees.")
            % {"text": text, "limit": limit}
        )
    return value


def clean_date(cell: object, *, today: dt.date | None = None) -> dt.date | None:
    """A day as 2021-11-25, 25-NOV-2021, 25 Nov 2021 or 25 November 2021.

    03/04/2021 is refused: it is April in one country and March in another.
    """
    if isinstance(cell, dt.datetime):
        if cell.time() != dt.time():
            raise ValueError(_("The cell holds a time as well as a day. Keep the day only."))
        cell = cell.date()
    if isinstance(cell, dt.date):
        return _in_range(cell, today)
    text = clean_text(cell)
    if text.casefold() in BLANKS:
        return None
    if match := re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", text):
        year, month, day = (int(part) for part in match.groups())
    elif match := re.fullmatch(r"([0-9]{1,2})[- ]([^\W\d_]{3,9})\.?[- ]([0-9]{4})", text):
        day, year = int(match[1]), int(match[3])
        if match[2].casefold() not in MONTHS:
            raise ValueError(
                _("“%(text)s” names no month that we know. Use English month names or 2021-11-25.")
                % {"text": text}
            )
        month = MONTHS[match[2].casefold()]
    elif re.fullmatch(r"[0-9]{1,2}([/.-]|[- ][^\W\d_]{3,9}\.?[- ])([0-9]{1,2}[/.-])?[0-9]{2}", text):
        raise ValueError(
            _("“%(text)s” has a year of two digits. Write all four: 2021-11-25 or 25-NOV-2021.")
            % {"text": text}
        )
    elif match := re.fullmatch(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-][0-9]{4}", text):
        if max(int(match[1]), int(match[2])) > 12:
            said = _("“%(text)s” gives the month as a number after or before the day. %(forms)s")
        else:
            said = _("“%(text)s” can be read as two different days. %(forms)s")
        forms = _("Write the year first (2021-04-03), or the month in letters (3-APR-2021).")
        raise ValueError(said % {"text": text, "forms": forms})
    elif re.search(r"[0-9][T ][0-9]{1,2}:[0-9]{2}", text):
        raise ValueError(_("“%(text)s” holds a time as well as a day. Keep the day only.") % {"text": text})
    else:
        raise ValueError(
            _("“%(text)s” is not a date that we can read. Write it as 2021-11-25 or 25-NOV-2021.")
            % {"text": shortened(text)}
        )
    try:
        date = dt.date(year, month, day)
    except ValueError:
        raise ValueError(_("“%(text)s” is a day that does not exist.") % {"text": text}) from None
    return _in_range(date, today)


def _in_range(date: dt.date, today: dt.date | None) -> dt.date:
    if date < EARLIEST_DATE:
        raise ValueError(
            _("%(date)s is before %(earliest)s.")
            % {"date": date.isoformat(), "earliest": EARLIEST_DATE.isoformat()}
        )
    if date > (today or dt.date.today()) + dt.timedelta(days=366):
        raise ValueError(_("%(date)s is more than a year in the future.") % {"date": date.isoformat()})
    return date


def clean_choice(cell: object, choices: dict[str, str], *, aliases: dict[str, str] | None = None) -> str:
    """One of ``choices`` (value → label), found by value, English label or alias, without regard to case."""
    text = clean_text(cell)
    if not text or text in choices:
        return text
    folded = fold_choice(text)
    known = {fold_choice(value): value for value in choices}
    known |= {fold_choice(alias): value for alias, value in (aliases or {}).items()}
    if folded in known:
        return known[folded]
    with override("en"):  # the same file means the same to every reader
        labels = {fold_choice(str(label)): value for value, label in choices.items()}
    if folded not in labels:
        raise ValueError(
            _("“%(text)s” is not one of: %(choices)s.")
            % {"text": shortened(text), "choices": listed(choices.keys())}
        )
    return labels[folded]


def fold_choice(text: str) -> str:
    return text.casefold().replace("_", " ").replace("-", " ")


def clean_bool(cell: object) -> bool | None:
    text = clean_text(cell).casefold()
    if text in {"1", "true", "yes", "y"}:
        return True
    if text in {"0", "false", "no", "n"}:
        return False
    if text in BLANKS:
        return None
    raise ValueError(_("“%(text)s” is neither yes nor no. Write 1 or 0.") % {"text": text})


def listed(values: Iterable[str]) -> str:
    return ", ".join(str(value) for value in values)


def shortened(text: str) -> str:
    """As much of a cell as a sentence can quote."""
    return text if len(text) <= 60 else text[:59] + "…"
