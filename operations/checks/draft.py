"""What the checks look at, what they find, and the register of them."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

from .reading import folded, plain, read

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What the checks look at: frozen contents alone, as ``editions.freeze`` makes them."""

    content: dict[str, Any]  # of the edition that is checked
    public: dict[str, Any] | None = None  # what readers see of the same text now
    last_year: dict[str, Any] | None = None  # the text of the same kind and language of the year before
    profile: dict[str, Any] | None = None  # of the operation of this text
    source: dict[str, Any] | None = None  # what this text was translated from
    source_withdrawn_at: dt.datetime | None = (
        None  # when the edition that this was translated from was taken back
    )
    # Part of a translation (where) → what its source said there when that part was last changed, see ``translating``
    sources_read: dict[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()  # codes of the sections that a release needs
    headings: dict[str, str] = field(default_factory=dict)  # code → heading, for messages
    hosts: tuple[str, ...] = ()  # the host names of this site, lower case
    knows_address: Callable[[str], bool] = lambda path: True  # is there a page at this path of this site?
    is_to_come: Callable[[str], bool] = lambda path: False  # has the page at this path only a draft?

    @property
    def is_narrative(self) -> bool:
        return "sections" in self.content or "key_figures" in self.content

    @property
    def language(self) -> str:
        return str(self.content.get("language") or "en")

    @property
    def year(self) -> int:
        return int(self.content.get("year") or 0)

    @property
    def kind(self) -> str:
        return str(self.content.get("kind") or "")

    def heading(self, code: str) -> str:
        return self.headings.get(code) or code


class Level(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    check: str
    level: Level
    where: str  # code of the section, "key_figures.1" (counted from 1), "population", "finance", "" for the whole
    message: str  # what was found, and what to do
    key: str  # the same as long as the same facts stand: an answer is kept for it


@dataclass(frozen=True)
class Remark:
    """A finding before it is known by which check: ``facts`` is what its key is made of."""

    where: str
    message: str
    facts: tuple[Any, ...]
    place: str | None = None  # for the key, where ``where`` counts and so can change


Check = Callable[[Draft], Iterator[Finding]]
CHECKS: dict[str, tuple[Level, Check]] = {}


def check(code: str, level: Level) -> Callable[[Callable[[Draft], Iterator[Remark]]], Check]:
    def register(remarks: Callable[[Draft], Iterator[Remark]]) -> Check:
        def run(draft: Draft) -> Iterator[Finding]:
            for remark in remarks(draft):
                place = remark.where if remark.place is None else remark.place
                key = f"{code}:{_digest(draft.language, place, *remark.facts)}"
                yield Finding(code, level, remark.where, remark.message, key)

        CHECKS[code] = (level, run)
        return run

    return register


def findings(draft: Draft) -> list[Finding]:
    """All that is found, errors first, then in the order of the text; nothing twice."""
    found = {finding.key: finding for code in CHECKS for finding in reversed(made(code, draft))}
    codes = list(CHECKS)
    places = ["", *(place for place, _html in sections(draft.content))]
    places += [f"key_figures.{count}" for count, _figure in key_figures(draft.content)]
    places += ["population", "finance"]
    rank = {place: count for count, place in reversed([*enumerate(places)])}
    # A stable sort, from each check's own order
    return sorted(
        reversed(found.values()),
        key=lambda f: (f.level is Level.WARNING, rank.get(f.where, len(places)), codes.index(f.check)),
    )


def made(code: str, draft: Draft) -> list[Finding]:
    """What one check finds. One that fails is a warning to be answered: it never closes a form, or hides the others."""
    _level, run = CHECKS[code]
    found = []
    try:
        for finding in run(draft):
            found.append(finding)
    except Exception:
        logger.exception("The check %s could not be made.", code)
        message = _(
            "The check “%(check)s” could not be made; tell those who look after this site. Look at what it looks at yourself, and say what you saw."
        )
        key = f"{code}:failed:{_digest(draft.language, draft.content)}"
        found.append(Finding(code, Level.WARNING, "", message % {"check": code}, key))
    return found


def _digest(*facts: Any) -> str:
    text = json.dumps(facts, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def sections(content: dict[str, Any]) -> list[tuple[str, str]]:
    return [(s["type"], s.get("body") or "") for s in content.get("sections") or []]


def key_figures(content: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    return [*enumerate(content.get("key_figures") or [], 1)]


def narrative_texts(draft: Draft) -> Iterator[tuple[str, str, str]]:
    """Each text with its place and the place's name for keys: sections, then what key figures count."""
    for code, html in sections(draft.content):
        yield code, code, read(html).text
    for count, figure in key_figures(draft.content):
        text = plain(figure.get("text"))
        yield f"key_figures.{count}", f"key figure: {folded(text)}", text
