"""What blocks a release."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote, urljoin, urlsplit

from django.utils.translation import gettext as _

from ..cells import shortened, suggestions
from .draft import Draft, Level, Remark, check, key_figures, narrative_texts, sections
from .reading import COMMAS, DOTS, folded, impossible, plain, read, tokens

FEW_WORDS = 4  # from which on the same words in two languages are no chance


@check("impossible-number", Level.ERROR)
def impossible_number(draft: Draft) -> Iterator[Remark]:
    copied = {code for code, text in untranslated(draft) if is_prose(text)}  # is asked to be translated first
    for where, place, text, language in _typed(draft):
        for token, is_code in tokens("" if where in copied else text):
            if is_code or token["spaced"] or not impossible(token[0], language):
                continue
            written = text[token.start() : token.end()]
            if language == "en" and _is_misgrouped(token[0]):
                meant = _(" or ").join(suggestions(token[0]))
                message = _(
                    "“%(number)s” does not group its digits in threes. Did you mean %(meant)s? If it is a list, put a space after each comma."
                ) % {"number": written, "meant": meant}
            else:
                message = _(
                    "“%(number)s” is not how a number is written in the language of this text. Write it as %(example)s."
                ) % {"number": written, "example": EXAMPLES.get(language, EXAMPLES["en"])}
            yield Remark(where, message, (written,), place)


def _is_misgrouped(digits: str) -> bool:
    """Whether commas stand in it, in the wrong places, and nothing else but digits and points."""
    is_plain = re.fullmatch(r"[0-9.,]+", digits) and "," in digits
    return bool(is_plain) and not COMMAS.fullmatch(digits) and not DOTS.match(digits)


EXAMPLES = {
    "en": "1,557,276",
    "fr": "1\u00a0557\u00a0276",
    "es": "1.557.276",
    "ar": "1,557,276",
}


def _typed(draft: Draft) -> Iterator[tuple[str, str, str, str]]:
    """Every text that somebody typed: where, the place's name for keys, the text, its language."""
    for where, place, text in narrative_texts(draft):
        yield where, place, text, draft.language
    for count, figure in key_figures(draft.content):
        place = f"key figure: {folded(plain(figure.get('text')))}"
        yield f"key_figures.{count}", place, plain(figure.get("source")), draft.language
    for name in ("population", "finance"):
        for row in draft.content.get(name) or []:
            yield name, name, plain(row.get("source")), "en"
    texts = [draft.content.get("notice") or {}]
    texts += [office.get("description") or {} for office in draft.content.get("offices") or []]
    for translations in texts:
        for language, text in translations.items():
            yield "", "", plain(text), language


@check("required-section", Level.ERROR)
def required_section(draft: Draft) -> Iterator[Remark]:
    if not draft.is_narrative:
        return
    written = {code for code, html in sections(draft.content) if not read(html).is_empty}
    for code in draft.required:
        if code not in written:
            message = _("“%(heading)s” is empty. Write it: this text cannot be released without it.")
            yield Remark(code, message % {"heading": draft.heading(code)}, ())


@check("nothing-written", Level.ERROR)
def nothing_written(draft: Draft) -> Iterator[Remark]:
    if not draft.is_narrative or key_figures(draft.content):
        return
    if all(read(html).is_empty for _code, html in sections(draft.content)):
        yield Remark("", _("Nothing is written yet. Write a section or enter a key figure."), ())


@check("link-to-nowhere", Level.ERROR)
def link_to_nowhere(draft: Draft) -> Iterator[Remark]:
    for code, html in sections(draft.content):
        for href in read(html).links:
            address = (href or "").strip()
            if not address:
                message = _("A link has no address. Give it one, or remove the link and keep its words.")
                yield Remark(code, message, ("",))
            elif message := _leads_nowhere(address, draft):
                yield Remark(code, message % {"address": shortened(address)}, (address,))


def _leads_nowhere(address: str, draft: Draft) -> str:
    """Why a link leads readers nowhere: to an address on this site without a page, or one that cannot be read."""
    nowhere = _(
        "The link “%(address)s” leads to no page of this site. Correct the address, or remove the link."
    )
    to_come = _(
        "The link “%(address)s” leads to a page that is not public yet. Release that page first, or remove the link."
    )
    slug = (draft.content.get("operation") or {}).get("slug") or ""
    try:
        parts = urlsplit(address)
        if parts.netloc and parts.scheme in {"", "http", "https"}:
            if (parts.hostname or "").rstrip(".") not in draft.hosts:
                return "" if parts.hostname else nowhere
        elif parts.scheme or not parts.path:  # mailto: and tel:; #here and ?year=2020 stay on the page
            return ""
        path = urlsplit(urljoin(f"/operations/{slug}/{draft.year}/", parts.path or "/")).path
    except ValueError:
        return nowhere
    path = unquote(path)
    if draft.knows_address(path):
        return ""
    return to_come if draft.is_to_come(path) else nowhere


@check("image-without-text", Level.ERROR)
def image_without_text(draft: Draft) -> Iterator[Remark]:
    for code, html in sections(draft.content):
        for image in read(html).images:
            if not (image.get("alt") or "").strip():
                name = (image.get("src") or "").rpartition("/")[2]
                message = _(
                    "The image “%(name)s” has no alternative text. Say in a few words what it shows, for those who cannot see it."
                )
                yield Remark(code, message % {"name": shortened(name)}, (image.get("src") or "",))


@check("not-translated", Level.ERROR)
def not_translated(draft: Draft) -> Iterator[Remark]:
    for code, text in untranslated(draft):
        if is_prose(text):
            message = _(
                "“%(heading)s” is still word for word the text that it is to be a translation of. Translate it."
            )
            yield Remark(code, message % {"heading": draft.heading(code)}, (folded(text),))


def untranslated(draft: Draft) -> Iterator[tuple[str, str]]:
    """The sections of a translation that are as in its source, with their text."""
    if draft.source is None or draft.source.get("language") == draft.language:
        return
    theirs = {code: folded(read(html).text) for code, html in sections(draft.source)}
    for code, html in sections(draft.content):
        text = read(html).text
        if text and folded(text) == theirs.get(code):
            yield code, text


def is_prose(text: str) -> bool:
    """Words that no other language writes alike: some, and not only names of people and places."""
    words = [word for word in text.split() if word[0].isalpha() and not word[0].isupper()]
    return len(words) >= FEW_WORDS
