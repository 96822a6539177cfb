"""What changed between two texts, word by word: blocks of runs that stayed, went or came."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any
from unicodedata import category

from django.utils.translation import gettext as _

Match = tuple[int, int, int]  # where it begins before and after, and how long it is


@dataclass(frozen=True)
class Run:
    """A run of words within a block."""

    kind: str  # "same", "removed" or "added"
    text: str


@dataclass(frozen=True)
class Block:
    """A paragraph, a list item or a heading, as plain text.

    Its "same" and "added" runs make the new text, "same" and "removed" the old one. ``note`` says in a sentence
    what the words do not show: a link that leads elsewhere, or formatting where all words stayed as they were.
    """

    tag: str  # "p", "li", "h4" or "blockquote"
    kind: str  # "same", "removed", "added" or "changed"
    runs: list[Run]
    note: str = ""


Span = tuple[str, str, int, int]  # a mark, where it leads if it is a link, its first character and its end


@dataclass(frozen=True)
class Parsed:
    """A block of a text: one space for any white space; no-break spaces only within numbers."""

    tag: str
    text: str
    shape: tuple[str, ...]  # the elements around it: ("ol", "li")
    spans: tuple[Span, ...]


BLOCKS = {"p", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "div"}
MARKS = {"strong", "em", "sub", "sup", "a"}
SAME_MARKS = {"b": "strong", "i": "em"}
WHITE = re.compile(r"\s+")
# 1 557 276 is one number, whichever space stands in it.
GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?!\d)")
DASHES = re.compile("([—…]+)")  # they part words though no space stands beside them


def parse(fragment: str) -> list[Parsed]:
    """The blocks of clean HTML, without those that hold no text."""
    parser = _BlockParser()
    parser.feed(fragment)
    parser.close()
    parser.end_block()
    return parser.blocks


class _BlockParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Parsed] = []
        self.around: list[str] = []
        self.open_marks: list[tuple[str, str, int]] = []
        self.spans: list[Span] = []
        self.pieces: list[str] = []
        self.length = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        tag = SAME_MARKS.get(tag, tag)
        if tag in BLOCKS:
            self.end_block()
            self.around.append(tag)
        elif tag == "br":
            self.handle_data(" ")
        elif tag in MARKS:
            self.open_marks.append((tag, dict(attrs).get("href") or "", self.length))

    def handle_endtag(self, tag: str) -> None:
        tag = SAME_MARKS.get(tag, tag)
        if tag in BLOCKS:
            self.end_block()
            if tag in self.around:
                while self.around.pop() != tag:
                    pass
        for i in reversed(range(len(self.open_marks))):
            if self.open_marks[i][0] == tag:
                name, address, start = self.open_marks.pop(i)
                self.spans.append((name, address, start, self.length))
                break

    def handle_data(self, data: str) -> None:
        data = WHITE.sub(" ", data)
        if data.startswith(" ") and (not self.pieces or self.pieces[-1].endswith(" ")):
            data = data[1:]
        if data:
            self.pieces.append(data)
            self.length += len(data)

    def end_block(self) -> None:
        self.spans += [(*mark, self.length) for mark in self.open_marks]
        text = GROUPED.sub(lambda m: m[0].replace(" ", "\u00a0"), "".join(self.pieces).rstrip())
        if text:
            shape = tuple(tag for tag in self.around if tag not in {"p", "div"}) or ("p",)
            tag = next((tag for tag in reversed(shape) if tag not in {"ul", "ol"}), "p")
            self.blocks.append(Parsed(tag, text, shape, _joined(text, self.spans)))
        self.open_marks = [(name, address, 0) for name, address, _start in self.open_marks]
        self.spans, self.pieces, self.length = [], [], 0


def _joined(text: str, spans: list[Span]) -> tuple[Span, ...]:
    """Without the white space at their edges; two of a kind with nothing but a space between them are one."""
    joined: list[Span] = []
    for mark, address, start, end in sorted(spans):
        within = text[start:end]
        start, end = start + len(within) - len(within.lstrip()), start + len(within.rstrip())
        if start >= end:
            continue
        last = joined[-1] if joined else None
        if last and last[:2] == (mark, address) and not text[last[3] : start].strip():
            joined[-1] = (mark, address, last[2], max(end, last[3]))
        else:
            joined.append((mark, address, start, end))
    return tuple(joined)


def compare_blocks(before: list[Parsed], after: list[Parsed]) -> list[Block]:
    blocks, i, j = [], 0, 0
    end = (len(before), len(after), 0)
    for start, other, length in [*_matches([b.text for b in before], [b.text for b in after]), end]:
        gap = before[i:start], after[j:other]
        k = m = 0
        for old, new in [*_similar(*gap), (len(gap[0]), len(gap[1]))]:
            blocks += [Block(b.tag, "removed", [Run("removed", b.text)]) for b in gap[0][k:old]]
            blocks += [Block(b.tag, "added", [Run("added", b.text)]) for b in gap[1][m:new]]
            if old < len(gap[0]):
                blocks.append(_compare_block(gap[0][old], gap[1][new]))
            k, m = old + 1, new + 1
        blocks += [_compare_block(before[start + n], after[other + n]) for n in range(length)]
        i, j = start + length, other + length
    return blocks


def _compare_block(before: Parsed, after: Parsed) -> Block:
    runs = [Run("same", after.text)] if before.text == after.text else _runs(before.text, after.text)
    note = _note(before, after)
    return Block(after.tag, "changed" if note or before.text != after.text else "same", runs, note)


def _note(before: Parsed, after: Parsed) -> str:
    """What the words do not show; empty for nothing."""
    if (before.text, before.shape, before.spans) == (after.text, after.shape, after.spans):
        return ""
    notes = _link_notes(before, after)
    if before.text == after.text:
        names = {"strong": _("bold"), "em": _("italics"), "sub": _("subscript"), "sup": _("superscript")}
        marks = {span[0] for span in set(before.spans) ^ set(after.spans)}
        changed = [name for mark, name in names.items() if mark in marks]
        changed += [_("link")] if "a" in marks and not notes else []
        changed += [_("kind of paragraph or list")] if before.shape != after.shape else []
        if changed:
            words = {"formatting": " · ".join(changed)}
            notes.append(_("The words are the same; their formatting changed: %(formatting)s.") % words)
    return " ".join(notes)


def _link_notes(before: Parsed, after: Parsed) -> list[str]:
    old, new = _links(before), _links(after)
    kept = set(old.values()) & set(new.values())
    notes = []
    for text in in_order(list(old), list(new)):
        words = {"text": text, "before": old.get(text, ""), "after": new.get(text, "")}
        if words["before"] == words["after"] or (words["before"] or words["after"]) in kept:
            continue
        if not words["before"]:
            notes.append(_("“%(text)s” is now a link to %(after)s.") % words)
        elif not words["after"]:
            notes.append(_("“%(text)s” was a link to %(before)s.") % words)
        else:
            notes.append(_("The link “%(text)s” led to %(before)s; now it leads to %(after)s.") % words)
    return notes


def _links(block: Parsed) -> dict[str, str]:
    """The address by the text of the link; of several with one text all addresses."""
    links: dict[str, list[str]] = {}
    for mark, address, start, end in sorted(block.spans, key=lambda span: span[2]):
        if mark == "a" and address:
            links.setdefault(block.text[start:end], []).append(address)
    return {text: ", ".join(addresses) for text, addresses in links.items()}


# --- words ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Word:
    """A word or number with the punctuation inside it, or one mark of punctuation around it."""

    text: str
    space: str  # before it: " " or ""


def words(text: str) -> list[Word]:
    found = []
    for chunk in text.split(" "):
        space = " " if found else ""
        for piece in [chunk] if chunk.isalnum() else _pieces(chunk):
            found.append(Word(piece, space))
            space = ""
    return found


def _pieces(chunk: str) -> Iterator[str]:
    """“(52,996).” → “(”, “52,996”, “)”, “.”; vowel signs and joiners stay with their word."""
    start, end = 0, len(chunk)
    while start < end and category(chunk[start])[0] in "PS":
        start += 1
    while end > start and category(chunk[end - 1])[0] in "PS":
        end -= 1
    yield from chunk[:start]
    yield from filter(None, DASHES.split(chunk[start:end]))
    yield from chunk[end:]


def _runs(before: str, after: str) -> list[Run]:
    old, new = words(before), words(after)
    runs: list[Run] = []
    i = j = 0
    matches = _readable(_matches([w.text for w in old], [w.text for w in new]), old, new)
    for start, other, length in [*matches, (len(old), len(new), 0)]:
        removed = "".join(w.space + w.text for w in old[i:start])
        added = "".join(w.space + w.text for w in new[j:other])
        same = "".join(w.space + w.text for w in new[other : other + length])
        if length and old[start].space != new[other].space:
            same = new[other].text + same[len(new[other].space + new[other].text) :]
            removed, added = removed + old[start].space, added + new[other].space
        _append(runs, removed, added, same)
        i, j = start + length, other + length
    return runs


def _append(runs: list[Run], removed: str, added: str, same: str) -> None:
    if removed[:1] == added[:1] == " ":  # the space before both stays outside the marks
        removed, added = removed[1:], added[1:]
        if runs:
            runs[-1] = Run("same", runs[-1].text + " ")
        else:
            runs.append(Run("same", " "))
    runs += [Run(kind, t) for kind, t in (("removed", removed), ("added", added), ("same", same)) if t]


def _readable(matches: list[Match], old: list[Word], new: list[Word]) -> list[Match]:
    """Without the lone words that two rewritten passages happen to share, such as “the” or a comma.

    Also parts a match where a space came or went between two words: only that space changed.
    """
    real = [[0], [0]]  # how many words, not marks of punctuation, stand before each place
    for count, side in zip(real, (old, new), strict=True):
        for word in side:
            count.append(count[-1] + any(c.isalnum() for c in word.text))

    def distance(i: int, j: int, start: int, other: int) -> int:
        return max(real[0][start] - real[0][i], real[1][other] - real[1][j])

    kept: list[Match] = []
    i = j = 0
    for place, (start, other, length) in enumerate(matches):
        following = matches[place + 1] if place + 1 < len(matches) else (len(old), len(new), 0)
        left = distance(i, j, start, other)
        right = distance(start + length, other + length, following[0], following[1])
        least = min(left, right)
        if least >= 2 and 2 * (real[0][start + length] - real[0][start]) <= least:
            continue
        kept.append((start, other, length))
        i, j = start + length, other + length
    return list(_parted(kept, old, new))


def _parted(matches: list[Match], old: list[Word], new: list[Word]) -> Iterator[Match]:
    for start, other, length in matches:
        first = 0
        for n in range(1, length):
            if old[start + n].space != new[other + n].space:
                yield start + first, other + first, n - first
                first = n
        yield start + first, other + first, length - first


# --- matching -------------------------------------------------------------------------------------

SMALL = 40_000  # pairs that SequenceMatcher, whose time grows with their square and more, is given at once
LIKE = 0.4  # from this likeness on, two blocks are one that was changed
NEAR = 60_000  # pairs of blocks whose likeness is looked at


def _matches(before: Sequence[Hashable], after: Sequence[Hashable]) -> list[Match]:
    """Where the two agree, in order. What is too long to be compared in whole is parted at what is in each once;
    without such an item it counts as rewritten.
    """
    found: list[Match] = []
    parts = [(0, len(before), 0, len(after))]
    while parts:
        i, i_end, j, j_end = parts.pop()
        start = i
        while i < i_end and j < j_end and before[i] == after[j]:
            i, j = i + 1, j + 1
        if i > start:
            found.append((start, j - (i - start), i - start))
        end = i_end
        while i < i_end and j < j_end and before[i_end - 1] == after[j_end - 1]:
            i_end, j_end = i_end - 1, j_end - 1
        if i_end < end:
            found.append((i_end, j_end, end - i_end))
        if i == i_end or j == j_end:
            continue
        if (i_end - i) * (j_end - j) <= SMALL:
            matcher = SequenceMatcher(None, before[i:i_end], after[j:j_end], autojunk=False)
            found += [(i + a, j + b, n) for a, b, n in matcher.get_matching_blocks() if n]
        elif anchors := _anchors(before[i:i_end], after[j:j_end]):
            bounds = [(i, j), *((i + a, j + b) for a, b in anchors), (i_end, j_end)]
            parts += [(a, c, b, d) for (a, b), (c, d) in pairwise(bounds)]
    joined: list[Match] = []
    for start, other, length in sorted(found):
        if joined and (joined[-1][0] + joined[-1][2], joined[-1][1] + joined[-1][2]) == (start, other):
            joined[-1] = (*joined[-1][:2], joined[-1][2] + length)
        else:
            joined.append((start, other, length))
    return joined


def _anchors(before: Sequence[Hashable], after: Sequence[Hashable]) -> list[tuple[int, int]]:
    """The most items, in the same order in both, of those that each holds just once."""
    once = {item for item, count in Counter(after).items() if count == 1}
    once &= {item for item, count in Counter(before).items() if count == 1}
    places = {item: j for j, item in enumerate(after) if item in once}
    pairs = [(i, places[item]) for i, item in enumerate(before) if item in once]
    ends: list[int] = []  # of the rising rows of each length, the lowest last place …
    lasts: list[int] = []  # … and which pair it is
    previous: list[int] = []
    for n, (_i, j) in enumerate(pairs):
        length = bisect_left(ends, j)
        previous.append(lasts[length - 1] if length else -1)
        ends[length : length + 1], lasts[length : length + 1] = [j], [n]
    row, n = [], lasts[-1] if lasts else -1
    while n >= 0:
        row.append(pairs[n])
        n = previous[n]
    return row[::-1]


def _similar(before: list[Parsed], after: list[Parsed]) -> list[tuple[int, int]]:
    """The pairs of blocks, in order, that are most alike in all; of many only those that stand near each other."""
    if not before or not after:
        return []
    old, new = ([_vocabulary(block.text) for block in blocks] for blocks in (before, after))
    reach, slope = max(20, NEAR // len(old)), len(new) / len(old)
    middles = [int(i * slope) for i in range(len(old))]
    near = [range(max(0, middle - reach), min(len(new), middle + reach + 1)) for middle in middles]
    best: dict[tuple[int, int], float] = {}  # the likeness of all that can be paired from there on
    paired: dict[tuple[int, int], float] = {}  # the same, where these two are a pair

    def ahead(i: int, j: int) -> float:
        return 0.0 if i == len(old) or j >= near[i].stop else best[i, max(j, near[i].start)]

    for i in reversed(range(len(old))):
        for j in reversed(near[i]):
            best[i, j] = max(ahead(i + 1, j), ahead(i, j + 1))
            likeness = _likeness(old[i], new[j])
            if likeness >= LIKE and (whole := likeness + ahead(i + 1, j + 1)) > best[i, j]:
                best[i, j] = paired[i, j] = whole
    pairs, i, j = [], 0, 0
    while i < len(old) and j < len(new):
        if (i, j) in paired:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif j < near[i].stop and ahead(i, j + 1) >= ahead(i + 1, j):
            j += 1
        else:
            i += 1
    return pairs


def _vocabulary(text: str) -> frozenset[str]:
    return frozenset(word.text.casefold() for word in words(text) if any(c.isalnum() for c in word.text))


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """How much of their vocabulary two texts share, from 0 to 1; the same either way round."""
    size = len(one) + len(other)
    if not size or 2 * min(len(one), len(other)) < LIKE * size:
        return 0.0
    return 2 * len(one & other) / size


def in_order(before: list[Any], after: list[Any]) -> list[Any]:
    """All of ``after``, and what only ``before`` has behind what it followed there."""
    order, known = list(after), set(after)
    for i, key in enumerate(before):
        if key not in known:
            order.insert(order.index(before[i - 1]) + 1 if i else 0, key)
    return order


def alike(one: str, other: str) -> bool:
    """Whether two sentences say so much the same that one is the other, changed."""
    return _likeness(_vocabulary(one), _vocabulary(other)) >= LIKE
