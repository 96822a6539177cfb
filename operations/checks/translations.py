"""Warnings about a translation beside its source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from django.utils.translation import gettext as _

from ..cells import listed
from .draft import Draft, Level, Remark, check, key_figures, sections
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
