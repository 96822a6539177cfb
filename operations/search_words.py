"""Words as the search compares them, and the piece of a text that shows what matched. Pure: no database.

A *folded* word has no case, no accent and no Arabic vowel sign or article, and no mark between its thousands:
“Pérou” is ``perou``, “اللاجئين” ``لاجيين``, “300,000” ``300000``. An index holds the folded words of a text in
their order with one blank between them, so that the number of a word there is its number in the text.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

LONGEST_QUERY = 200  # letters of it that are read
MOST_TERMS = 12
LONGEST_WORD = 60
LONGEST_INDEX = 250_000  # letters; PostgreSQL refuses a vector of more than a megabyte
BEFORE, WINDOW = 70, 260  # letters of a snippet before its first match, and in all

# Signs that stand over and under letters: of Latin, and of Arabic, which are no letters to a regular expression.
SIGNS = "\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc"
THOUSANDS = r"[,.'’٬\u00a0\u202f]"
WORD = re.compile(rf"\d{{1,3}}(?:{THOUSANDS}\d{{3}})+(?!\d)|[^\W_](?:[^\W_]|[{SIGNS}])*")
LETTERS = str.maketrans(
    {"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "ى": "ي", "ة": "ه", "ـ": None}
    | {chr(first + digit): str(digit) for first in (0x660, 0x6F0) for digit in range(10)}
)
ARTICLE = re.compile(r"(?:[وبكف]?ال|لل)(?=\w{3})")

BLOCK = re.compile(r"</?(?:p|br|ul|ol|li|h4|blockquote)\b[^>]*>")
TAG = re.compile(r"<[^>]*>")


def plain_text(fragment: str) -> str:
    """The words of clean HTML (see ``richtext``), in one line."""
    return " ".join(html.unescape(TAG.sub("", BLOCK.sub(" ", fragment))).split())


@lru_cache(2**16)
def fold(word: str) -> str:
    letters = unicodedata.normalize("NFKD", word.casefold()).casefold().translate(LETTERS)
    return ARTICLE.sub("", "".join(filter(str.isalnum, letters)), count=1)[:LONGEST_WORD] if letters else ""


def spans(text: str) -> list[tuple[int, int, str]]:
    """Start, end and folded form of every word."""
    found = ((match.start(), match.end(), fold(match[0])) for match in WORD.finditer(text))
    return [each for each in found if each[2]]


@lru_cache(2**16)
def folded(name: str) -> tuple[str, ...]:
    """The folded words of a name."""
    return tuple(word for _start, _end, word in spans(name))


def indexed(text: str) -> str:
    """The folded words of a text in their order, one blank between them."""
    words = " ".join(word for _start, _end, word in spans(text))
    return words if len(words) <= LONGEST_INDEX else words[:LONGEST_INDEX].rpartition(" ")[0]


def terms(query: str) -> list[str]:
    """What is looked for: the first folded words of a query, each once."""
    words = (word for _start, _end, word in spans(query[:LONGEST_QUERY]))
    return list(dict.fromkeys(words))[:MOST_TERMS]


# --- Pieces of text ---------------------------------------------------------------------------------


Piece = tuple[str, bool]  # some text, and whether it matched


@dataclass(frozen=True)
class Snippet:
    heading: str
    pieces: list[Piece]
    is_cut_before: bool = False
    is_cut_after: bool = False


def snippet(text: str, hits: Iterable[int]) -> Snippet:
    """The piece of a text in which the most different words matched; its beginning where none did.

    ``text``: lines of a heading, a tab and what stands under it. ``hits``: numbers of words.
    """
    words = spans(text)
    matched = [words[number] for number in sorted(hits) if number < len(words)]
    first = densest(matched)
    at = first[0] if first else 0
    line_start, line_end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
    line_end = len(text) if line_end < 0 else line_end
    heading, tab, _body = text[line_start:line_end].partition("\t")
    start = line_start + len(heading) + 1 if tab else line_start
    cut = max(start, at - BEFORE)
    begin = cut if cut == start else text.find(" ", cut, max(at, cut)) + 1 or cut
    end = line_end
    if begin + WINDOW < line_end:
        end = max(text.rfind(" ", begin, begin + WINDOW), first[1] if first else begin)
        end = begin + WINDOW if end <= begin else end
    inside = [(a, b) for a, b, _word in matched if begin <= a and b <= end]
    return Snippet(heading if tab else "", pieces(text, inside, begin, end), begin > start, end < line_end)


def densest(matched: Sequence[tuple[int, int, str]]) -> tuple[int, int, str] | None:
    """The match from which on the most different words match within a window; the first of equals."""
    best, most, end = None, 0, 0
    for number, match in enumerate(matched):
        while end < len(matched) and matched[end][1] - match[0] <= WINDOW - BEFORE:
            end += 1
        if (count := len({word for _a, _b, word in matched[number:end]})) > most:
            best, most = match, count
    return best


def pieces(
    text: str, inside: Iterable[tuple[int, int]], begin: int = 0, end: int | None = None
) -> list[Piece]:
    """``text[begin:end]`` taken apart at the spans that matched."""
    end, found, at = len(text) if end is None else end, [], begin
    for a, b in inside:
        found += [(text[at:a], False), (text[a:b], True)]
        at = b
    found.append((text[at:end], False))
    return [piece for piece in found if piece[0]]


def marked_words(text: str, wanted: Sequence[str]) -> list[Piece]:
    """A name taken apart at the words that are or begin with one of the terms."""
    return pieces(text, [(a, b) for a, b, word in spans(text) if word.startswith(tuple(wanted))])


# --- Names ------------------------------------------------------------------------------------------

EQUAL, WHOLE, BEGINNING = range(3)


def quality(words: Sequence[str], wanted: Sequence[str]) -> int | None:
    """How a name matches: it is what was asked, holds all the terms, or words that begin with them; else None."""
    if tuple(words) == tuple(wanted):
        return EQUAL
    if all(term in words for term in wanted):
        return WHOLE
    return BEGINNING if all(begins(words, term) for term in wanted) else None


def begins(words: Sequence[str], term: str) -> bool:
    return any(word.startswith(term) for word in words) if len(term) > 1 else term in words
