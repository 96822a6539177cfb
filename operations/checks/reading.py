"""Text without its tags, and the numbers in it, each read as its language writes them."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any

from ..cells import INVISIBLE, LONGEST_NUMBER
from .languages import MONEY_AFTER, MONEY_BEFORE, MULTIPLIERS, PER_CENT

INLINE = {
    "strong",
    "em",
    "b",
    "i",
    "a",
    "u",
    "span",
    "sub",
    "sup",
    "small",
    "abbr",
    "bdi",
    "bdo",
    "mark",
    "code",
}
BIDI = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
SPACES = re.compile(r"[^\S\n\u00a0\u202f\u2009]+")  # but those which stand between the digits of a number


class Reader(HTMLParser):
    """The text of a fragment, a line for each block; notes in sub- and superscript are left out of it."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.links: list[str | None] = []
        self.images: list[dict[str, str | None]] = []
        self.raised = 0
        self.is_empty = True
        self.feed(html.replace("<!", "&lt;!"))
        self.close()
        text = BIDI.sub("", INVISIBLE.sub("", unicodedata.normalize("NFC", "".join(self.pieces))))
        self.text = "\n".join(filter(None, (SPACES.sub(" ", line).strip() for line in text.split("\n"))))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in INLINE:
            self.pieces.append("\n")
        if tag in {"sub", "sup"}:
            self.raised += 1
        if tag == "img":
            self.images.append(dict(attrs))
            self.is_empty = False
        if tag == "a" and "href" in dict(attrs):
            self.links.append(dict(attrs)["href"])

    def handle_endtag(self, tag: str) -> None:
        if tag not in INLINE:
            self.pieces.append("\n")
        if tag in {"sub", "sup"}:
            self.raised = max(0, self.raised - 1)

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.is_empty = False
        if not self.raised:
            self.pieces.append(re.sub(r"[\r\n\t\f\v]", " ", data))


@lru_cache(maxsize=256)
def read(html: str) -> Reader:
    return Reader(html)


def plain(text: Any) -> str:
    """A text without tags, in the shape that ``Reader`` gives."""
    text = BIDI.sub("", INVISIBLE.sub("", unicodedata.normalize("NFC", str(text or ""))))
    return SPACES.sub(" ", text.replace("\n", " ")).strip()


def folded(text: str) -> str:
    return " ".join(text.split()).casefold()


SENTENCE_END = re.compile(r"(?<=[.!?;:؟؛])\s+|\n")


def sentences(text: str) -> list[str]:
    return [s for s in SENTENCE_END.split(text) if s.strip()]


def sentence_at(text: str, position: int) -> str:
    """The sentence that the character at this position stands in."""
    ends = _sentence_ends(text)
    following = bisect_right(ends, position)
    return text[
        ends[following - 1] if following else 0 : ends[following] if following < len(ends) else len(text)
    ].strip()


@lru_cache(maxsize=256)
def _sentence_ends(text: str) -> tuple[int, ...]:
    return tuple(match.end() for match in SENTENCE_END.finditer(text))


# --- Reading numbers --------------------------------------------------------------------------------

GAP = "[\u00a0\u202f\u2009 ]"
TOKEN = re.compile(
    rf"(?P<spaced>(?<![\d.,])[1-9][0-9]{{0,2}}(?:{GAP}[0-9]{{3}})+(?:[.,٫][0-9]+)?(?![0-9]))"
    r"|(?P<core>[0-9]+(?:[.,'’٬٫،][0-9]+)*)"
)
ADDRESS = re.compile(r"://|www\.|@")
ORDINAL = re.compile(r"(?:st|nd|rd|th|er|ère|re|e|ème|º|ª|[.]º|[.]ª)(?![^\W\d_])", re.IGNORECASE)
COMMAS = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
DOTS = re.compile(r"[0-9]{1,3}(\.[0-9]{3})+(,[0-9]+)?")


@dataclass(frozen=True)
class Number:
    text: str  # as it stands there, with its unit
    values: frozenset[Decimal]  # what it can mean; more than one where a language groups in two ways
    start: int
    end: int
    step: Decimal  # what its last digit stands for: 48.6 million → 100000
    is_year: bool = False
    is_percent: bool = False
    is_money: bool = False
    has_unit: bool = False

    @property
    def value(self) -> Decimal:
        return max(self.values)


def western(text: str) -> str:
    """The text with the digits 0 to 9, character by character."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def tokens(text: str) -> Iterator[tuple[re.Match[str], bool]]:
    """Each run of digits and separators, in digits 0 to 9, and whether it is (part of) a code or address."""
    text = re.sub(r"\S+", lambda m: " " * len(m[0]) if ADDRESS.search(m[0]) else m[0], western(text))
    for token in TOKEN.finditer(text):
        if len(token[0]) > LONGEST_NUMBER:
            continue
        before = text[max(0, token.start() - 5) : token.start()]
        after = text[token.end() : token.end() + 4]
        yield token, _is_code(before, after)


def _is_code(before: str, after: str) -> bool:
    if re.search(r"[/#_№+=] ?\Z|[A-Za-zÀ-ɏͰ-ӿ][-‑–.:]?\Z", before) and not MONEY_BEFORE.search(before):
        return True
    if re.match(r"/[0-9A-Za-z]|[_=]|[-‑][A-Z]", after):
        return True
    return (
        bool(re.match(r"[A-Za-zÀ-ɏͰ-ӿ]", after))
        and not re.match(r"(?:k|m|bn)\b", after)
        and not ORDINAL.match(after)
    )


def numbers(text: str, language: str) -> list[Number]:
    """The numbers of a text; references such as A/75/12 or COVID-19 and impossible groupings are none."""
    return list(_numbers(text, language))


@lru_cache(maxsize=1024)
def _numbers(text: str, language: str) -> tuple[Number, ...]:
    found: list[Number] = []
    for token, is_code in tokens(text):
        core = token[0]
        if is_code or impossible(core, language):
            continue
        if values := readings(core, language):
            found.append(_number(text, token.start(), token.end(), core, values, language))
        else:  # a list or a date
            for part in re.finditer(r"[0-9]+", core):
                start, end = token.start() + part.start(), token.start() + part.end()
                found.append(_number(text, start, end, part[0], {Decimal(part[0])}, language))
    return tuple(found)


def _number(text: str, start: int, end: int, core: str, values: set[Decimal], language: str) -> Number:
    before, rest = text[max(0, start - 5) : start], text[end : end + 40]
    size = 1
    words = MULTIPLIERS.get(language, MULTIPLIERS["en"])
    unit = re.match(rf"[\s-]?({'|'.join(words)})(?!\w)", rest, re.IGNORECASE)
    is_money = bool(MONEY_BEFORE.search(before))
    if unit:
        size = words[unit[1].lower()]
    elif unit := re.match(r"(k|m|bn)\b" if is_money else r"(k|bn)\b", rest):
        size = {"k": 10**3, "m": 10**6, "bn": 10**9}[unit[1]]
    end += unit.end() if unit else 0
    rest = rest[unit.end() :] if unit else rest
    percent = re.match(rf"\s?(?:{PER_CENT})", rest, re.IGNORECASE)
    is_money = is_money or bool(MONEY_AFTER.match(rest))
    whole = max(values)
    exponent = int(whole.as_tuple().exponent)
    digits = str(int(whole)) if exponent >= 0 else ""
    zeros = len(digits) - len(digits.rstrip("0")) if digits.strip("0") and not unit else 0
    return Number(
        text=text[start : end + (percent.end() if percent else 0)].strip(),
        values=frozenset(value * size for value in values),
        start=start,
        end=end + (percent.end() if percent else 0),
        step=Decimal(10) ** (zeros or exponent) * size,
        is_year=is_year(core) and not (unit or percent or is_money),
        is_percent=bool(percent),
        is_money=is_money,
        has_unit=bool(unit),
    )


def is_year(digits: str) -> bool:
    return len(digits) == 4 and digits.isdecimal() and 1900 <= int(digits) <= 2100


def readings(core: str, language: str) -> set[Decimal]:
    """What a run of digits and separators can mean in a language; nothing for lists, dates and the like."""
    for grouping in (GAP, "['’]", "[،]"):
        if re.match(rf"[0-9]{{1,3}}(?:{grouping}[0-9]{{3}})+(?![0-9])", core):
            core = re.sub(grouping, "", core)
    core = core.replace("٬", "").replace("٫", "." if "," not in core else ",")
    if core.isdecimal():
        return {Decimal(core)}
    commas = COMMAS.fullmatch(core) and Decimal(core.replace(",", ""))
    dots = DOTS.fullmatch(core) and Decimal(core.replace(".", "").replace(",", "."))
    point = re.fullmatch(r"[0-9]+\.[0-9]+", core) and Decimal(core)
    comma = re.fullmatch(r"[0-9]+,[0-9]+", core) and Decimal(core.replace(",", "."))
    if language == "en":
        several = [dots] if core.count(".") > 1 else []
        possible = [commas, point, *several, comma if commas is None else None]
    elif language == "fr":
        several = [commas] if core.count(",") > 1 else []
        possible = [dots, point, comma, *several]
    else:
        possible = [commas, dots, point, comma]
    return {value for value in possible if value is not None}


def impossible(core: str, language: str) -> bool:
    """Whether a run of digits and separators can be no number, list, date or code of this language."""
    if core.startswith("0") or re.search(r"['’،\u00a0\u202f\u2009 ]", core):
        return False
    if "٬" in core:
        return not re.fullmatch(r"[0-9]{1,3}(٬[0-9]{3})+([٫.][0-9]+)?", core)
    if "٫" in core:
        return False
    if "," in core and "." in core:
        if language == "en":
            whole, _dot, fraction = core.rpartition(".")
            return bool(DOTS.fullmatch(core)) or (
                "." not in whole and fraction.isdecimal() and "," in whole and _wrong_commas(whole.split(","))
            )
        return language == "fr" and bool(COMMAS.fullmatch(core))
    if "," in core:
        groups = core.split(",")
        if language == "en":
            return _wrong_commas(groups)
        if len(groups) == 2:  # a decimal comma
            return False
        return language == "fr" if COMMAS.fullmatch(core) else _wrong_commas(groups)
    groups = core.split(".")
    if len(groups) < 3 or (len(groups) == 4 and all(int(group) < 256 for group in groups)):
        return False  # a decimal, or the address of a computer
    if DOTS.fullmatch(core):
        return language == "en"
    return len(groups[0]) <= 3 and any(len(group) == 4 and not is_year(group) for group in groups[1:-1])


def _wrong_commas(groups: list[str]) -> bool:
    first, *rest = groups
    if len(first) <= 3 and all(len(group) == 3 for group in rest):
        return False
    if all(len(group) <= 2 for group in groups) or (len(first) >= 4 and len({*map(len, groups)}) == 1):
        return False  # a list: 1,2,3 or 2019,2020
    if is_year(first):
        return False  # "In 2019,300 people" lacks a space
    long = [group for group in rest if len(group) > 3]
    if long and all(map(is_year, long)) and int(first) <= 31:
        return False  # "May 9,2020" lacks one too
    return not (len(groups) == 2 and len(rest[0]) < 3)  # a decimal comma
