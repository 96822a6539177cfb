"""Warnings about a translation beside its source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from django.utils.translation import gettext as _

from ..cells import listed, shortened
from .draft import Draft, Level, Remark, check, key_figures, sections
from .errors import is_prose
from .figures import decimal
from .languages import MULTIPLIERS, NUMBER_WORDS, WORD_VALUES
from .reading import folded, numbers, plain, read


@check("translation-numbers", Level.WARNING)
def translation_numbers(draft: Draft) -> Iterator[Remark]:
    if draft.source is None:
        return
    languages = str(draft.source.get("language") or "en"), draft.language
    before = {code: read(html).text for code, html in sections(draft.source)}
    after = {code: read(html).text for code, html in sections(draft.content)}
    for code in dict.fromkeys([*after, *before]):
        pair = before.get(code, ""), after.get(code, "")
        yield from _differing(code, code, *_unmatched(pair, languages))
    figures = [[figure for _count, figure in key_figures(c)] for c in (draft.source, draft.content)]
    for count in range(max(map(len, figures))):
        first, second = (given[count] if count < len(given) else {} for given in figures)
        missing, new = _unmatched((plain(first.get("text")), plain(second.get("text"))), languages)
        if decimal(first.get("number")) != decimal(second.get("number")):
            missing = [str(first["value"]), *missing] if first else missing
            new = [str(second["value"]), *new] if second else new
        # Beyond the last figure of the translation there is no field to show it beside.
        where = f"key_figures.{count + 1}" if second else ""
        place = f"key figure: {folded(plain(second.get('text') or first.get('text')))}"
        yield from _differing(where, place, missing, new)


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
            yield Remark(code, message % {"heading": draft.heading(code)}, ("left out",))
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


def _differing(where: str, place: str, missing: list[str], new: list[str]) -> Iterator[Remark]:
    if missing and new:
        message = _(
            "The numbers differ from the text that was translated: %(missing)s is missing, %(new)s is not there. Correct the translation, or say why."
        )
    elif missing:
        message = _(
            "The text that was translated has %(missing)s, the translation has not. Add it, or say why it is missing."
        )
    elif new:
        message = _(
            "The translation has %(new)s, the text that was translated has not. Remove it, or say where it comes from."
        )
    else:
        return
    values = {"missing": listed(f"“{n}”" for n in missing), "new": listed(f"“{n}”" for n in new)}
    yield Remark(where, message % values, (sorted(missing), sorted(new)), place)


def _unmatched(texts: tuple[str, str], languages: tuple[str, str]) -> tuple[list[str], list[str]]:
    """The numbers of the first text that the second lacks, and those that only the second has."""
    first, second = (numbers(text, language) for text, language in zip(texts, languages, strict=True))
    missing, left = [], [*second]
    for number in first:
        match = next((other for other in left if number.values & other.values), None)
        if match is None:
            missing.append(number)
        else:
            left.remove(match)
    words = [_in_words(text, language) for text, language in zip(texts, languages, strict=True)]
    return (
        [number.text for number in missing if not number.values & words[1]],
        [number.text for number in left if not number.values & words[0]],
    )


def _in_words(text: str, language: str) -> set[Decimal]:
    """The numbers that a text may write as words: “fifty”, “three million”."""
    names = dict(zip(NUMBER_WORDS.get(language, "").split(), WORD_VALUES, strict=False))
    words = MULTIPLIERS.get(language, {})
    found = set()
    for name, value in names.items():
        for match in re.finditer(
            rf"(?<!\w){re.escape(name).replace('-', '[- ]')}(?:\s({'|'.join(words)}))?(?!\w)", folded(text)
        ):
            found.add(Decimal(value))
            if match[1]:
                found.add(Decimal(value) * words[match[1]])
    return found
