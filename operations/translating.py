"""Making translations of texts and keeping them up; the warnings about them are in ``checks/translations.py``.

A translation is a copy of what was released beside its source, and takes over what changes there.

A translation names the edition that it was made from. Its key figures are those of that edition, in their order;
what they count is translated, and they themselves are carried.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from . import editions
from .comparison import Comparison, compare, listed_figures, matched
from .editions import Content
from .models import Edition, KeyFigure, Narrative, Section, SectionType
from .models.edition import is_behind_its_source

FIGURE = "key_figures."

# --- From one language to another ---------------------------------------------------------------------


def translate(source: Narrative, language: str, user: Any) -> tuple[Narrative, bool]:
    """The text in ``language``, and whether it is new: a draft of what readers see of ``source`` now.

    It starts with the words of the source, of which the checks ask until they are translated.
    ValidationError where there is nothing to translate from.
    """
    with transaction.atomic():
        editions.lock(source)
        identity = {"operation": source.operation, "kind": source.kind, "year": source.year}
        if existing := Narrative.objects.filter(**identity, language=language).first():
            return existing, False
        if language not in dict(settings.LANGUAGES):
            raise ValidationError(_("This site has no such language."))
        if source.translated_from_id:
            raise ValidationError(
                _(
                    "This text is a translation itself. Open the text that it was made from, and translate that."
                )
            )
        edition = Edition.objects.of(source).released().first()
        if edition is None:
            raise ValidationError(
                _(
                    "Nothing was made: a translation starts with what readers see, and this text is not released."
                )
            )
        text = Narrative.objects.create(**identity, language=language, updated_by=user)
        figures = edition.content["key_figures"]
        start = {"translated_from": edition.pk, "private": {"editor_notes": [""] * len(figures)}}
        editions.thaw({**edition.content, **start}, text)
        editions.record(text, user)
    return text, True


def languages_to_come(text: Narrative) -> list[tuple[str, Any]]:
    """The languages of the site, code and name, in which this text does not exist yet."""
    same = Narrative.objects.filter(operation=text.operation_id, kind=text.kind, year=text.year)
    written = set(same.values_list("language", flat=True))
    return [(code, name) for code, name in settings.LANGUAGES if code not in written]


# --- The source of a translation ----------------------------------------------------------------------


@dataclass
class Source:
    """The edition that a translation was made from, and what readers see of that text now."""

    edition: Edition
    public: Edition | None  # None where it was withdrawn

    @classmethod
    def of(cls, text: Narrative) -> Source | None:
        """``None`` for a text that is no translation. One query, and another where the edition is not yet read."""
        if text.translated_from is None:
            return None
        edition = text.translated_from
        same = {name: getattr(edition, name) for name in ("operation_id", "kind", "year", "language")}
        return cls(edition, Edition.objects.released().filter(**same).first())

    @property
    def newer(self) -> Edition | None:
        """The edition that has taken the place of the one that was translated."""
        return self.public if self.public and self.public.number > self.edition.number else None

    @property
    def is_out_of_date(self) -> bool:
        now = self.public and self.public.number
        return is_behind_its_source(self.edition.number, self.edition.withdrawn_at, now)

    @cached_property
    def comparison(self) -> Comparison | None:
        """What is different in the newer edition."""
        return compare(self.edition.public, self.newer.public) if self.newer else None


def take_over(text: Narrative, user: Any) -> Edition | None:
    """Make a translation one of what readers see of its source now; ``None`` where it is that already.

    Figures are those of the source; sections and rows that are gone go, new ones come in the source's language;
    what was translated stays. ValidationError where a heading that is needed no longer exists.
    """
    with transaction.atomic():
        editions.lock(text)
        text.refresh_from_db()
        source = Source.of(text)
        if source is None or source.newer is None:
            return None
        old, new = source.edition.content, source.newer.content
        put(carried(editions.freeze(text), old, new, source.newer.pk), text, figure_pairs(old, new))
        text.updated_by = user
        text.save()
        return editions.record(text, user)


def put(content: Content, text: Narrative, pairs: list[tuple[Content | None, Content]]) -> None:
    """What ``carried`` made. Rows stay the same rows, so that a form that is open still knows them."""
    written = {section.type.code: section for section in text.sections.select_related("type")}
    for section in content["sections"]:
        row = written.pop(section["type"], None)
        row = row or Section(narrative=text, type=editions.known(SectionType, section["type"]))
        row.body = section["body"]
        row.save()
    for row in written.values():
        row.delete()

    rows = dict(enumerate(text.key_figures.all()))
    text.key_figures.update(measure="")  # one may go from row to row
    for order, (figure, note, (old, _new)) in enumerate(
        zip(content["key_figures"], content["private"]["editor_notes"], pairs, strict=True), 1
    ):
        row = rows.pop(old["place"], None) if old else None
        row = row or KeyFigure(narrative=text)
        row.order, row.editor_note = order, note
        row.value, row.text, row.source = figure["value"], figure["text"], figure["source"]
        row.measure = figure.get("measure", "")
        row.save()
    for row in rows.values():
        row.delete()
    text.translated_from_id = content["translated_from"]


def carried(mine: Content, old: Content, new: Content, newer: int) -> Content:
    """A translation of ``old`` as one of ``new``, the content of the edition with the key ``newer``."""
    figures = [carried_figure(mine, *pair) for pair in figure_pairs(old, new)]
    return {
        **mine,
        "translated_from": newer,
        "sections": carried_sections(mine, old, new),
        "key_figures": [figure for figure, _note in figures],
        "private": {"editor_notes": [note for _figure, note in figures]},
    }


def carried_sections(mine: Content, old: Content, new: Content) -> list[Content]:
    """Those of ``new`` in their order: as translated, else as they stand there. What was left out stays so."""
    written, before, now = bodies(mine), bodies(old), bodies(new)
    sections = []
    for section in new["sections"]:
        code = section["type"]
        if code not in written and code in before:
            continue
        is_translated = code in written and written[code] != before.get(code)
        sections.append({**section, "body": written[code]} if is_translated else section)
    own = [s for s in mine["sections"] if s["type"] not in before and s["type"] not in now]
    return [*sections, *own]


def carried_figure(mine: Content, old: Content | None, new: Content) -> tuple[Content, str]:
    """The figure of the source with the words of the translation, where it has any; and its note."""
    figure = {name: new[name] for name in ("value", "number", "text", "source", "measure") if name in new}
    if old is None or old["place"] >= len(mine["key_figures"]):
        return figure, ""
    own, note = mine["key_figures"][old["place"]], mine["private"]["editor_notes"][old["place"]]
    words = {name: own[name] for name in ("text", "source") if own[name] != old[name]}
    return {**figure, **words}, note


def figure_pairs(old: Content, new: Content) -> list[tuple[Content | None, Content]]:
    """Each figure of ``new`` with what it was in ``old``, both with their ``place``."""
    pairs = matched(listed_figures(old, False), listed_figures(new, False))
    return sorted(((b, a) for b, a in pairs if a is not None), key=lambda pair: pair[1]["place"])


def bodies(content: Content) -> dict[str, str]:
    return {section["type"]: section["body"] for section in content["sections"]}


# --- What the source said when a part was translated ----------------------------------------------------


def sources_of(states: Iterable[Content]) -> dict[int, Edition]:
    """What translations were made from, by key, asked only where there is one."""
    keys = {state.get("translated_from") for state in states} - {None}
    return Edition.objects.in_bulk(keys)


def sources_read(
    content: Content, earlier: Iterable[Content], sources: Mapping[int, Content]
) -> dict[str, str]:
    """For each part of a translation what its source said there when it was last changed.

    ``earlier``: the older states of the translation, newest first; ``sources``: what they were made from, by key.
    A part is a section (its code → HTML) or a key figure (“key_figures.1” → what it counts).
    """
    said_then: dict[str, str] = {}
    standing = parts(content)
    for state in [content, *earlier]:
        source = sources.get(state["translated_from"] or 0)
        theirs, mine = parts(source) if source else {}, parts(state)
        for place, words in list(standing.items()):
            at = same_part(place, words, mine)
            if at in theirs:
                said_then[place] = theirs[at]
            else:
                del standing[place]
    return said_then


def changes_to_follow(text: Narrative) -> list[tuple[str, Comparison]]:
    """For each section of a translation whose source has changed since it was last changed: how, by its code."""
    if text.translated_from is None:
        return []
    states = list(Edition.objects.of(text).values_list("content", flat=True))
    if not states:
        return []
    sources = {key: edition.content for key, edition in sources_of(states).items()}
    now, then = text.translated_from.content, sources_read(states[0], states, sources)
    changes = []
    for section in now["sections"]:
        if (before := then.get(section["type"])) and before != section["body"]:
            alone = {**now, "key_figures": [], "private": {"editor_notes": []}}
            changed = compare(
                {**alone, "sections": [{**section, "body": before}]}, {**alone, "sections": [section]}
            )
            changes.append((section["type"], changed))
    return changes


def parts(content: Content) -> dict[str, str]:
    figures = enumerate(content["key_figures"], 1)
    return {**bodies(content), **{f"{FIGURE}{count}": figure["text"] for count, figure in figures}}


def same_part(place: str, words: str, parts: dict[str, str]) -> str:
    """Where the same words stand in an older state; a row of a key figure may have moved."""
    if parts.get(place) == words:
        return place
    moved = (other for other, said in parts.items() if other.startswith(FIGURE) and said == words)
    return next(moved, "") if place.startswith(FIGURE) else ""
