"""What a typed cell may say, and what it then means: the same in every interface language.

One place for the rules of numbers, dates and names, used by the admin's forms, the imports and the
key figures. Every function takes the text as typed and returns the value, ``None`` where the cell is
empty, or raises ``ValueError`` with a whole sentence: what was found and what to do.
"""

from __future__ import annotations

import calendar
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
# Alphabets of which some letters look like those of another.
LOOK_ALIKE = frozenset({"Latin", "Cyrillic", "Greek", "Armenian", "Cherokee"})

# What a spreadsheet shows instead of a value: #REF!, #DIV/0!, or ##### in a column that is too narrow.
SPREADSHEET_ERROR = re.compile(r"#(REF!|N/A|DIV/0!|VALUE!|NAME\?|NUM!|NULL!|SPILL!|CALC!)|#{3,}")

PLAIN = re.compile(r"[0-9]+(\.[0-9]+)?")
GROUPED = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
SPACED = re.compile(r"[0-9]{1,3}( [0-9]{3})+(\.[0-9]+)?")
# 1234567,89, 1.234.567,89 or 1 234 567,89: for a column of which someone said that its decimal mark is a comma.
WITH_COMMA = re.compile(r"([0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]{1,3}(?: [0-9]{3})+)(?:,([0-9]+))?")
SCIENTIFIC = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+")
LONGEST_NUMBER = 40  # characters; whatever is longer is no number of ours

CURRENCY_BEFORE = re.compile(r"(US\$|\$|€|£|[A-Z]{3})\s*(?=[.,]?[0-9])")
CURRENCY_AFTER = re.compile(r"\s([A-Z]{3})$")

# Nothing, as people type it.
BLANKS = {"", "-", "–", "—", "n/a", "null", "none"}

# Names of months in English, French, Spanish and Arabic (of the Gulf and Egypt, the Levant, the Maghreb), with
# abbreviations that mean one month in all of them: “jui” is none. Accents do not count, see ``fold_month``.
MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january janv janvier ene enero يناير كانون الثاني جانفي",
            "feb february fev fevr fevrier febrero فبراير شباط فيفري",
            "mar march mars marzo مارس اذار",
            "apr april avr avril abr abril ابريل نيسان افريل",
            "may mai mayo مايو ايار ماي",
            "jun june juin junio يونيو حزيران جوان",
            "jul july juil juillet julio يوليو تموز جويلية يوليوز",
            "aug august aou aout ago agosto اغسطس اب اوت غشت",
            "sep sept september septembre septiembre set setiembre سبتمبر ايلول شتنبر",
            "oct october octobre octubre اكتوبر تشرين الاول",
            "nov november novembre noviembre نوفمبر تشرين الثاني نونبر",
            "dec december decembre dic diciembre ديسمبر كانون الاول دجنبر",
        ),
        1,
    )
    for name in re.findall(r"(?:كانون|تشرين) \w+|\w+", names)
}
MONTH = r"[^\W\d_]{2,12}(?: [^\W\d_]{4,6})?"  # “كانون الثاني” is of two words

EARLIEST_DATE = dt.date(1951, 1, 1)  # the year after the agency's statute
LARGEST_AMOUNT = Decimal("999999999999.99")
YEARS_AHEAD = 5  # of a budget year that stands for a day; a day lies a year ahead at most


class Digits(str):
    """A number that a workbook holds as a number: its decimal mark is a dot, whatever is said of its column."""

    __slots__ = ()


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


def mixed_script(text: str) -> tuple[str, ...]:
    """The alphabets that one word of the text mixes: "Nоrway" with a Cyrillic о → ("Cyrillic", "Latin").

    Empty for a text whose every word is of one alphabet, whichever.
    """
    if text.isascii():
        return ()
    for word in re.findall(r"[^\W\d_]+", text):
        names = {unicodedata.name(letter, "").split(" ")[0].title() for letter in word}
        if len(mixed := names & LOOK_ALIKE) > 1:
            return tuple(sorted(mixed))
    return ()


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


def number(text: str, *, decimal: str = ".") -> Decimal:
    """A number as figures are printed: 3186984, 3,186,984, 1 234 567 or 91743119.27; nothing looser.

    Thousands are grouped in threes, throughout or not at all. The decimal mark is a dot, or the comma where
    ``decimal`` says so: 1.234.567,89 is then a number, and 1,234,567.89 is none.
    """
    if len(text) > LONGEST_NUMBER:
        raise ValueError(_("“%(text)s” is too long to be a number.") % {"text": shortened(text)})
    if decimal == ",":
        return number_with_comma(text)
    if PLAIN.fullmatch(text) or GROUPED.fullmatch(text) or SPACED.fullmatch(text):
        return Decimal(text.replace(",", "").replace(" ", ""))
    check_digits(text)
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
    raise ValueError(_("“%(text)s” is not a number.") % {"text": text})


def number_with_comma(text: str) -> Decimal:
    if match := WITH_COMMA.fullmatch(text):
        whole = match[1].replace(".", "").replace(" ", "")
        return Decimal(f"{whole}.{match[2] or 0}") if match[2] else Decimal(whole)
    check_digits(text)
    if re.fullmatch(r"[0-9.,]*[0-9][0-9.,]*", text):
        raise ValueError(
            _(
                "“%(text)s” does not fit a column with decimal commas, where dots stand before every three digits and at most one comma follows. Write it as 1614205,00 or 1.614.205,00."
            )
            % {"text": text}
        )
    raise ValueError(_("“%(text)s” is not a number.") % {"text": text})


def check_digits(text: str) -> None:
    if not text.isascii() and any(c.isdecimal() and not c.isascii() for c in text):
        raise ValueError(_("Write “%(text)s” with the digits 0 to 9.") % {"text": text})
    if SCIENTIFIC.fullmatch(text):
        raise ValueError(
            _("“%(text)s” is in scientific notation, which hides digits. Write the number out in full.")
            % {"text": text}
        )


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


def read_amount(cell: object, *, currency: str = "USD", decimal: str = ".") -> Decimal | None:
    """An amount of money: 3186984, 3,186,984, $3,186,984, US$ 5, 5 USD, 91743119.27 or .96, exactly as written.

    Corrections may be negative: -5 or (5). ``decimal``: the mark of the column's decimals, "." or ",".
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
    named = CURRENCY_BEFORE.match(text) or CURRENCY_AFTER.search(text)
    if named:
        code = {"US$": "USD", "$": "USD", "€": "EUR", "£": "GBP"}.get(named[1], named[1])
        if code != currency:
            raise ValueError(
                _("“%(text)s” names %(found)s, but the amount of this column is in %(expected)s.")
                % {"text": written, "found": code, "expected": currency}
            )
        text = (text[: named.start()] + text[named.end() :]).strip()
    if not text:
        raise ValueError(_("“%(text)s” is not a number.") % {"text": shortened(written)})
    mark = "." if isinstance(cell, Digits) else decimal
    if re.fullmatch(re.escape(mark) + "[0-9]{1,2}", text):  # cents alone: .96
        text = f"0{text}"
    amount = number(text, decimal=mark)
    if amount > LARGEST_AMOUNT:
        raise ValueError(
            _("%(amount)s is larger than any amount this site holds.") % {"amount": shortened(written)}
        )
    return -amount if negative and amount else amount


def clean_amount(
    cell: object, *, currency: str = "USD", round_to_cents: bool | None = None, decimal: str = "."
) -> Decimal | None:
    """An amount of money in whole cents.

    ``round_to_cents`` allows amounts finer than a cent and rounds them half-up; otherwise they are refused.
    ``None`` is where nobody can ask for rounding, as in a form.
    """
    amount = read_amount(cell, currency=currency, decimal=decimal)
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


NUMERIC_DAY = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4})")
NAMED_DAY = re.compile(rf"([0-9]{{1,2}})(?:er|º)?(?: de |[- ])({MONTH})\.?(?: del? |[- ])([0-9]{{4}})")
YEAR_ALONE = re.compile(r"((?:19|20|21)[0-9]{2})(?:\.0)?")
NUMERIC_MONTH = re.compile(r"([0-9]{4})[-/.]([0-9]{2})|([0-9]{1,2})[/.-]([0-9]{4})")
NAMED_MONTH = re.compile(rf"({MONTH})\.?(?: del? |[- ])([0-9]{{4}})")


def clean_date(
    cell: object, *, today: dt.date | None = None, order: str = "", stands_for: str = "last"
) -> dt.date | None:
    """A day as 2021-11-25, 25-NOV-2021, 25 Nov 2021, 25 November 2021, 25 novembre 2021 or 25 de noviembre de 2021.

    03/04/2021 is refused: it is April in one country and March in another. ``order`` is what someone said of
    the whole column: "dmy" or "mdy" reads it; "year" and "month" also take 2021 and 2021-11, as the ``last``
    or the ``first`` day of it; "" and "plain" take none of them.
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
    if order == "year" and (match := YEAR_ALONE.fullmatch(text)):
        return _year_in_range(int(match[1]), today, stands_for)
    if order == "month" and (found := read_month(text)):
        return _month_in_range(text, found, today, stands_for)
    if match := re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", text):
        year, month, day = (int(part) for part in match.groups())
    elif match := NAMED_DAY.fullmatch(text):
        day, year, month = int(match[1]), int(match[3]), MONTHS.get(fold_month(match[2]), 0)
        if not month:
            raise ValueError(
                _(
                    "“%(text)s” names no month that we know. Use month names in English, French, Spanish or Arabic, or 2021-11-25."
                )
                % {"text": text}
            )
    elif re.fullmatch(r"[0-9]{1,2}([/.-]|[- ][^\W\d_]{3,12}\.?[- ])([0-9]{1,2}[/.-])?[0-9]{2}", text):
        raise ValueError(
            _("“%(text)s” has a year of two digits. Write all four: 2021-11-25 or 25-NOV-2021.")
            % {"text": text}
        )
    elif match := NUMERIC_DAY.fullmatch(text):
        day, month, year = int(match[1]), int(match[3]), int(match[4])
        if order == "mdy":
            day, month = month, day
        elif order != "dmy":
            raise ValueError(refused_numeric(text, day, month))
    elif re.fullmatch(r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{4}", text):  # with two marks
        raise ValueError(refused_numeric(text, *(int(part) for part in re.split(r"[/.-]", text)[:2])))
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


def refused_numeric(text: str, first: int, second: int) -> str:
    if max(first, second) > 12:
        said = _("“%(text)s” gives the month as a number after or before the day. %(forms)s")
    else:
        said = _("“%(text)s” can be read as two different days. %(forms)s")
    forms = _("Write the year first (2021-04-03), or the month in letters (3-APR-2021).")
    return said % {"text": text, "forms": forms}


def fold_month(name: str) -> str:
    """A month's name as ``MONTHS`` has it: "Août" → "aout", "أبريل" → "ابريل"."""
    if name.isascii():
        return name.casefold()
    return "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c)).casefold()


def read_month(text: str) -> tuple[int, int] | None:
    """Year and month of 2021-11, 11/2021, NOV-2021 or novembre 2021; the month may be one that does not exist."""
    if match := NUMERIC_MONTH.fullmatch(text):
        return (int(match[1]), int(match[2])) if match[1] else (int(match[4]), int(match[3]))
    if (match := NAMED_MONTH.fullmatch(text)) and (month := MONTHS.get(fold_month(match[1]))):
        return int(match[2]), month
    return None


def _month_in_range(text: str, found: tuple[int, int], today: dt.date | None, stands_for: str) -> dt.date:
    year, month = found
    try:
        day = 1 if stands_for == "first" else calendar.monthrange(year, month)[1]
        date = dt.date(year, month, day)
    except (ValueError, calendar.IllegalMonthError):
        raise ValueError(_("“%(text)s” is a month that does not exist.") % {"text": text}) from None
    return _in_range(date, today)


def _year_in_range(year: int, today: dt.date | None, stands_for: str) -> dt.date:
    latest = (today or dt.date.today()).year + YEARS_AHEAD
    if year > latest:
        raise ValueError(
            _("%(year)d is more than %(years)d years in the future.") % {"year": year, "years": YEARS_AHEAD}
        )
    date = dt.date(year, 1, 1) if stands_for == "first" else dt.date(year, 12, 31)
    return _in_range(date, dt.date(latest, 12, 31))


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


def shortened(text: str, longest: int = 60) -> str:
    """As much of a cell as a sentence can quote."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
