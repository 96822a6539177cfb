"""Warnings about a translation beside its source. How one is made and kept up is in ``operations/translating.py``."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..cells import listed, shortened
from ..drawings import print_day
from .draft import Draft, Level, Remark, check, key_figures, sections
from .errors import EXAMPLES, is_prose
from .figures import decimal
from .languages import MULTIPLIERS, NUMBER_WORDS, WORD_VALUES
from .reading import Number, folded, numbers, plain, read, sentence_at


@check("translation-numbers", Level.WARNING)
def translation_numbers(draft: Draft) -> Iterator[Remark]:
    if draft.source is None:
        return
    languages = str(draft.source.get("language") or "en"), draft.language
    before = {code: read(html).text for code, html in sections(draft.source)}
    after = {code: read(html).text for code, html in sections(draft.content)}
    for code in dict.fromkeys([*after, *before]):
        pair = _own_words(before.get(code, ""), after.get(code, ""), languages)
        missing, new = _unmatched(pair, languages)
        yield from _differing(draft, code, code, missing, new)
    figures = [[figure for _count, figure in key_figures(c)] for c in (draft.source, draft.content)]
    for count in range(max(map(len, figures))):
        first, second = (given[count] if count < len(given) else {} for given in figures)
        pair = _own_words(plain(first.get("text")), plain(second.get("text")), languages)
        missing, new = _unmatched(pair, languages)
        if decimal(first.get("number")) != decimal(second.get("number")):
            missing = [_value(first), *missing] if first else missing
            new = [_value(second), *new] if second else new
        # Beyond the last figure of the translation there is no field to show it beside.
        where = f"key_figures.{count + 1}" if second else ""
        place = f"key figure: {folded(plain(second.get('text') or first.get('text')))}"
        yield from _differing(draft, where, place, missing, new)


def _own_words(before: str, after: str, languages: tuple[str, str]) -> tuple[str, str]:
    """Both texts without what is still to be translated: other checks ask for that, and its numbers say nothing."""
    if languages[0] == languages[1]:
        return before, after
    if folded(before) == folded(after) and any(map(str.isalpha, after)):
        return "", ""
    theirs, mine = ({folded(line) for line in text.split("\n")} for text in (before, after))

    def own(text: str) -> str:
        lines = text.split("\n")
        return "\n".join(line for line in lines if not (is_prose(line) and folded(line) in theirs & mine))

    return own(before), own(after)


Said = tuple[str, str]  # a number as it stands there, and what it counts, for the key


def _value(figure: dict[str, Any]) -> Said:
    return str(figure["value"]), folded(plain(figure.get("text")))


@check("partly-translated", Level.WARNING)
def partly_translated(draft: Draft) -> Iterator[Remark]:
    if draft.source is None or draft.source.get("language") == draft.language:
        return
    theirs, mine = (
        {code: read(html).text for code, html in sections(c)} for c in (draft.source, draft.content)
    )
    for code in theirs:
        if theirs[code] and not mine.get(code) and code not in draft.required:
            message = _(
                "The text that was translated has a section “%(heading)s”, the translation has none. Translate it, or say why it is left out."
            )
            yield Remark(code, message % {"heading": draft.heading(code)}, ("left out", folded(theirs[code])))
    for where, place, text in _same_words(draft, theirs, mine):
        message = _(
            "“%(text)s” is as in the text that was translated. Translate it, or say why it is the same."
        )
        yield Remark(where, message % {"text": shortened(text)}, (folded(text),), place)


def _same_words(draft: Draft, theirs: dict[str, str], mine: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Paragraphs and key figures that a translation shares with its source; whole sections of prose are errors."""
    for code, text in mine.items():
        if folded(text) == folded(theirs.get(code, "")):
            if text and not is_prose(text):
                yield code, code, text
            continue
        lines = {folded(line) for line in theirs.get(code, "").split("\n")}
        yield from (
            (code, code, line) for line in text.split("\n") if folded(line) in lines and is_prose(line)
        )
    figures = zip(key_figures(draft.source or {}), key_figures(draft.content), strict=False)
    for (_count, first), (count, second) in figures:
        text = plain(second.get("text"))
        if text and folded(text) == folded(plain(first.get("text"))):
            yield f"key_figures.{count}", f"key figure: {folded(text)}", text


@check("source-withdrawn", Level.WARNING)
def source_withdrawn(draft: Draft) -> Iterator[Remark]:
    if draft.source_withdrawn_at is not None:
        message = _(
            "What this was translated from was withdrawn on %(day)s: readers no longer see it. Take over its newer edition if there is one; else withdraw this too, or say why it is right all the same."
        )
        day = print_day(timezone.localdate(draft.source_withdrawn_at))
        yield Remark("", message % {"day": day}, (draft.source_withdrawn_at.isoformat(),))


@check("source-changed", Level.WARNING)
def source_changed(draft: Draft) -> Iterator[Remark]:
    if draft.source is None:
        return
    for (where, name, now), (_where, place, mine) in _beside_their_source(draft):
        then = draft.sources_read.get(where)
        if then is None or not mine or _words(mine) == _words(now) or _words(then) == _words(now):
            continue
        message = _(
            "“%(name)s” was changed in the text that it is translated from, and not here since. Look at it again, or say why it stays."
        )
        yield Remark(where, message % {"name": name}, (_words(then), _words(now)), place)


def _beside_their_source(draft: Draft) -> Iterator[tuple[tuple[str, str, str], tuple[str, str, str]]]:
    """Each part that both have: where it is, its name, its source; where, its place for keys, its own words."""
    theirs = dict(sections(draft.source or {}))
    for code, html in sections(draft.content):
        if code in theirs:
            yield (code, draft.heading(code), theirs[code]), (code, code, html)
    figures = zip(key_figures(draft.source or {}), key_figures(draft.content), strict=False)
    for (_count, first), (count, second) in figures:
        where, text = f"key_figures.{count}", str(second.get("text") or "")
        name = f"{second.get('value')} {plain(text)}"
        yield (where, name, str(first.get("text") or "")), (where, f"key figure: {folded(plain(text))}", text)


def _words(html: str) -> tuple[str, tuple[str, ...]]:
    found = read(html)
    return folded(found.text), tuple(link or "" for link in found.links)


def _differing(
    draft: Draft, where: str, place: str, missing: list[Said], new: list[Said]
) -> Iterator[Remark]:
    if not missing and not new:
        return
    lost, added = (dict.fromkeys(number for number, _counted in said) for said in (missing, new))
    alike = [number for number in lost if number in added]
    said = []
    if gone := [number for number in lost if number not in alike]:
        message = ngettext(
            "%(numbers)s of the text that was translated is missing here.",
            "%(numbers)s of the text that was translated are missing here.",
            len(gone),
        )
        said.append(message % {"numbers": _quoted(gone)})
    if come := [number for number in added if number not in alike]:
        message = ngettext(
            "%(numbers)s is not in the text that was translated.",
            "%(numbers)s are not in the text that was translated.",
            len(come),
        )
        said.append(message % {"numbers": _quoted(come)})
    if alike:
        message = ngettext(
            "%(numbers)s stands as in the text that was translated, but means another number in this language, which writes %(example)s.",
            "%(numbers)s stand as in the text that was translated, but mean other numbers in this language, which writes %(example)s.",
            len(alike),
        )
        example = EXAMPLES.get(draft.language, EXAMPLES["en"])
        said.append(message % {"numbers": _quoted(alike), "example": example})
    said.append(_("Correct the translation, or say why."))
    yield Remark(where, " ".join(said), (sorted(missing), sorted(new)), place)


def _quoted(numbers: list[str]) -> str:
    return listed(f"“{number}”" for number in numbers)


def _unmatched(texts: tuple[str, str], languages: tuple[str, str]) -> tuple[list[Said], list[Said]]:
    """The numbers of the first text that the second lacks, and those that only the second has."""
    first, second = (numbers(text, language) for text, language in zip(texts, languages, strict=True))
    waiting: dict[Decimal, deque[int]] = defaultdict(deque)
    for place, number in enumerate(second):
        for value in number.values:
            waiting[value].append(place)
    missing, taken = [], set()
    for number in first:
        places = []
        for same in (waiting[value] for value in number.values):
            while same and same[0] in taken:
                same.popleft()
            places += [same[0]] if same else []
        if places:
            taken.add(min(places))
        else:
            missing.append(number)
    left = [number for place, number in enumerate(second) if place not in taken]
    words = [_in_words(text, language) for text, language in zip(texts, languages, strict=True)]
    return _said(missing, texts[0], words[1]), _said(left, texts[1], words[0])


def _said(found: list[Number], text: str, in_words: set[Decimal]) -> list[Said]:
    """The numbers that the other text does not write as words either, each with its sentence."""
    return [
        (number.text, folded(sentence_at(text, number.start)))
        for number in found
        if not number.values & in_words
    ]


def _in_words(text: str, language: str) -> set[Decimal]:
    """The numbers that a text may write as words: “fifty”, “three million”."""
    names = dict(zip(NUMBER_WORDS.get(language, "").split(), WORD_VALUES, strict=False))
    words = MULTIPLIERS.get(language, {})
    text, found = folded(text), set()
    for name, value in names.items():
        for match in re.finditer(
            rf"(?<!\w){re.escape(name).replace('-', '[- ]')}(?:\s({'|'.join(words)}))?(?!\w)", text
        ):
            found.add(Decimal(value))
            if match[1]:
                found.add(Decimal(value) * words[match[1]])
    return found
