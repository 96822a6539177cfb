"""The site's search: names first, from what is released now; then texts, by the index of the database.

Names (operations, regions, and what other apps put into ``SOURCES``) are few. They are compared in memory with what
readers see at that very moment, so that none is found a moment too early or too late. Of the texts the index says
which hold the words, and ``Edition.objects.released`` which of them readers see.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from django.conf import settings
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.urls import reverse
from django.utils.translation import get_language, get_language_info, override
from django.utils.translation import gettext_lazy as _
from django_countries import countries
from rapidfuzz import fuzz, process

from .models import Edition, SearchEntry, TextKind
from .models.search import token
from .overview import Overview
from .profiles import Profile, in_language, other_language
from .search_index import Wanted, engine, rows
from .search_words import (
    Piece,
    Snippet,
    begins,
    folded,
    marked_words,
    quality,
    snippet,
    terms,
)

PAGE_SIZE = 20
MOST_PAGES = 500
MOST_PLACES = 40  # operations that one word of a query may name; “of” is in the names of many
LIKELY = 75  # per cent of likeness from which on a name is offered instead
SUGGESTED = 3

LANGUAGES = [code for code, _name in settings.LANGUAGES]


# --- Names ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Other:
    """What else leads to a name: a former name, an office, a country."""

    label: Any  # in words, for readers
    text: str
    language: str = ""  # where it is not the reader's
    is_name: bool = True  # by which its texts are found as well


@dataclass(frozen=True)
class Name:
    """Something with a page of its own that readers look for by name."""

    kind: str  # “operation”, “region”, or a word of another app
    label: Any  # the kind in words
    key: Any  # by which its source knows it
    texts: dict[str, str]  # by language
    view: str  # the name of its page's view, with the parts of the address
    parts: tuple[Any, ...] = ()
    others: list[Other] = field(default_factory=list)
    about: str = ""  # a word or two beside the name

    @cached_property
    def name(self) -> str:
        return in_language(self.texts)

    @property
    def language(self) -> str:
        return other_language(self.texts)

    @property
    def url(self) -> str:
        return reverse(self.view, args=self.parts)


class Source(Protocol):
    """Names that another app brings into the search."""

    def names(self) -> list[Name]:
        """All that may ever be shown."""

    def shown(self, names: Sequence[Name], at: dt.datetime) -> Collection[Any]:
        """The keys of those that have a page at ``at``."""


SOURCES: list[Source] = []


@dataclass(frozen=True)
class Found:
    """One result."""

    kind: str
    label: Any
    url: str
    title: list[Piece]
    language: str = ""  # of the title, where it is not the reader's
    about: str = ""
    other: Other | None = None  # by which it was found, where that is not its name
    other_pieces: list[Piece] = field(default_factory=list)
    snippet: Snippet | None = None
    year: int | None = None  # of a text, with the language that it is in, where it is not the reader's
    text_language: str = ""

    @property
    def text_direction(self) -> str:
        return "rtl" if self.text_language and get_language_info(self.text_language)["bidi"] else "ltr"


def match(name: Name, wanted: Sequence[str]) -> tuple[int, Other | None] | None:
    """How well a name matches (the less the better) and by what else than itself; None where it does not."""
    best: tuple[int, Other | None] | None = None
    reader = get_language() or "en"
    for code, text in name.texts.items():
        rank = quality(folded(text), wanted)
        if rank is not None and (best is None or 2 * rank + (text != name.name) < best[0]):
            is_own = text == name.name
            best = (
                2 * rank + (not is_own),
                None if is_own else Other("", text, code if code != reader else ""),
            )
    for other in name.others:
        rank = quality(folded(other.text), wanted)
        if rank is not None and (best is None or 6 + rank < best[0]):
            best = (6 + rank, other)
    if best is None:
        every = [*name.texts.values(), *(other.text for other in name.others)]
        words = [word for text in every for word in folded(text)]
        if all(begins(words, term) for term in wanted):
            helps = (o for o in name.others if any(begins(folded(o.text), term) for term in wanted))
            best = (9, next(helps, None))
    return best


def operation_names(profiles: Iterable[Profile], former: dict[str, list[str]]) -> list[Name]:
    """The operations that are released, each with all that people may call it; ``former``: names by address."""
    profiles = list(profiles)
    by_code = {profile.code: profile for profile in profiles}
    reader = get_language() or "en"
    codes = {code for profile in profiles for code in profile.content["countries"]}
    named = {code: countries.name(code) for code in codes}
    with override("en"):
        english = {code: str(countries.name(code)) for code in codes}
    found = []
    for profile in profiles:
        names = list(profile.content["name"].values())
        others = [Other(_("formerly"), name) for name in former.get(profile.slug, []) if name not in names]
        before = by_code.get((profile.content["predecessor"] or {}).get("code", ""))
        if before:
            others += [Other(_("earlier years"), name) for name in before.content["name"].values()]
        for code in profile.content["countries"]:
            others.append(Other(_("country"), str(named[code])))
            if reader != "en":
                others.append(Other(_("country"), english[code], "en"))
        others += [Other(_("office"), office["name"], is_name=False) for office in profile.content["offices"]]
        others.append(Other(_("code"), profile.code))
        found.append(
            Name(
                "operation", _("operation"), profile.slug, profile.content["name"],
                "operations:operation", (profile.slug,), others=others, about=profile.region_name,
            )
        )  # fmt: skip
    return found


def region_names(profiles: Iterable[Profile]) -> list[Name]:
    regions = {profile.region["code"]: profile.region for profile in profiles if profile.region}
    return [
        Name("region", _("region"), code, region["name"], "operations:region", (code.lower(),))
        for code, region in sorted(regions.items(), key=lambda item: item[1]["order"])
    ]


# --- What is public ---------------------------------------------------------------------------------


def one_of(statement: tuple[str, list[Any]]) -> Q:
    return Q(pk__in=RawSQL(*statement))  # noqa: S611 — words are parameters; see ``engine``


def former_names(wanted: Sequence[str], at: dt.datetime) -> dict[str, list[str]]:
    """Names that match a term, of profiles that readers saw until ``at``, by the operation's address."""
    index = Wanted(wanted, is_beginning=True, is_any=True)
    seen = Edition.objects.ever_public(at).profiles().filter(one_of(engine().keys(index)))
    found: dict[str, list[str]] = {}
    entries = SearchEntry.objects.filter(edition__in=seen.order_by().values("pk")).order_by("edition__number")
    for slug, text in entries.values_list("edition__content__slug", "text"):
        found.setdefault(slug, [])
        found[slug] += [name for name in text.split("\n") if name not in found[slug]]
    return found


def visible_texts(wanted: Wanted, at: dt.datetime) -> list[Any]:
    """The texts that hold the words and that readers of the language see: their own, else the English one."""
    public = Edition.objects.released(at).filter(kind__in=TextKind.values).order_by()
    found = public.filter(one_of(engine().keys(wanted)), language__in={wanted.language, "en"})
    texts = list(found.values_list("pk", "operation__slug", "kind", "year", "language", named=True))
    if wanted.language == "en":
        return texts
    own = public.filter(language=wanted.language).values_list("operation__slug", "kind", "year")
    hidden = set(own) if any(row.language == "en" for row in texts) else set()
    return [row for row in texts if row.language != "en" or tuple(row[1:4]) not in hidden]


# --- The search -------------------------------------------------------------------------------------


@dataclass
class Search:
    """What a query finds at one moment, in the reader's language."""

    query: str
    number: int
    total: int = 0
    results: list[Found] = field(default_factory=list)
    suggestions: list[str] = field(default_factory=list)
    has_words: bool = True

    @property
    def first(self) -> int:
        return (self.number - 1) * PAGE_SIZE + 1

    @property
    def next(self) -> int | None:
        is_more = self.number * PAGE_SIZE < self.total and self.number < MOST_PAGES
        return self.number + 1 if is_more else None

    @property
    def previous(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @classmethod
    def load(cls, query: str, at: dt.datetime, number: int = 1, keep: bool = True) -> Search:
        """Of the page of this number; of the first where the query has fewer.

        A fixed number of queries: profiles (and once more after a release), former names, those of each source,
        texts (twice where no whole word matches), their ranks, and the words that are shown.
        """
        wanted = terms(query)
        if not wanted:
            return cls(query, 1, has_words=False)
        profiles = Overview.load(at, keep).profiles
        operations = operation_names(profiles, former_names(wanted, at))
        names = [*operations, *region_names(profiles)]
        matched = [(name, found) for name in names if (found := match(name, wanted))]
        brought = [(source, source.names()) for source in SOURCES]
        for source, theirs in brought:
            hits = [(name, found) for name in theirs if (found := match(name, wanted))]
            shown = source.shown([name for name, _found in hits], at) if hits else ()
            matched += [(name, found) for name, found in hits if name.key in shown]
        matched.sort(key=lambda pair: pair[1][0])  # of equals in the order of the sources

        by_slug = {name.key: name for name in operations}
        index, texts = texts_for(wanted, operations, at)
        texts = [text for text in texts if text.operation__slug in by_slug]
        total = len(matched) + len(texts)
        number = min(number, MOST_PAGES) if (number - 1) * PAGE_SIZE < total else 1
        start, end = (number - 1) * PAGE_SIZE, number * PAGE_SIZE
        found = [found_name(name, other, wanted) for name, (_rank, other) in matched[start:end]]
        if texts and end > len(matched):
            in_order = ranked(index, texts, by_slug)
            shown_texts = in_order[max(start - len(matched), 0) : end - len(matched)]
            found += found_texts(index, shown_texts, by_slug)
        search = cls(query, number, total, found)
        if not total:
            search.suggestions = suggested(wanted, names, brought, at)
        return search


def texts_for(wanted: Sequence[str], operations: Sequence[Name], at: dt.datetime) -> tuple[Wanted, list[Any]]:
    """The texts with these words; where no text has them, those with words that begin so."""
    language = get_language() or "en"
    places = {term: places_named(term, operations) for term in wanted}
    index = Wanted(wanted, places, language=language)
    texts = visible_texts(index, at)
    if not texts and any(len(term) > 2 for term in wanted):
        index = Wanted(wanted, places, is_beginning=True, language=language)
        texts = visible_texts(index, at)
    return index, texts


def places_named(term: str, operations: Sequence[Name]) -> list[str]:
    """The signs of the operations in whose name, of today or of before, the term is a word."""
    signs = [
        token(name.key)
        for name in operations
        if any(term in folded(text) for text in name.texts.values())
        or any(term in folded(other.text) for other in name.others if other.is_name)
    ]
    return signs if len(signs) <= MOST_PLACES else []


def ranked(index: Wanted, texts: Sequence[Any], by_slug: dict[str, Name]) -> list[Any]:
    """The most relevant first; among equals the newest year, and what came of a plan before the plan.

    Those whose title alone says what was asked, “Peru” or “Peru 2020”, are equally relevant, and before the others.
    """
    ranks = dict(rows(engine().ranked(index)))
    signs = {slug: token(slug) for slug in by_slug}
    named = {sign: {t for t in index.terms if sign in index.places.get(t, ())} for sign in signs.values()}

    def order(text: Any) -> tuple:
        titled = len(named[signs[text.operation__slug]] | ({str(text.year)} & set(index.terms)))
        rank = 0 if titled == len(index.terms) else round(ranks.get(text.pk, 0), 2)
        is_plan = text.kind == TextKind.PLAN
        return -titled, rank, -text.year, is_plan, by_slug[text.operation__slug].name

    return sorted(texts, key=order)


def found_name(name: Name, other: Other | None, wanted: Sequence[str]) -> Found:
    return Found(
        name.kind,
        name.label,
        name.url,
        marked_words(name.name, wanted),
        name.language,
        name.about,
        other,
        marked_words(other.text, wanted) if other else [],
    )


def found_texts(index: Wanted, texts: Sequence[Any], by_slug: dict[str, Name]) -> list[Found]:
    if not texts:
        return []
    reader = get_language() or "en"
    said = {pk: (text, marks) for pk, text, marks in rows(engine().marked(index, [t.pk for t in texts]))}
    found = []
    for row in texts:
        text, marks = said[row.pk]
        hits = [number for number, word in enumerate(marks.split(" ")) if "[" in word]
        name = by_slug[row.operation__slug]
        url = reverse("operations:year", args=[row.operation__slug, row.year])
        found.append(
            Found(
                row.kind,
                TextKind(row.kind).label,
                url,
                marked_words(name.name, index.terms),
                name.language,
                snippet=snippet(text, hits),
                year=row.year,
                text_language=row.language if row.language != reader else "",
            )
        )
    return found


def suggested(
    wanted: Sequence[str],
    names: Sequence[Name],
    brought: Iterable[tuple[Source, list[Name]]],
    at: dt.datetime,
) -> list[str]:
    """Names that are written much like the query, the likest first."""
    every: list[tuple[Name, Source | None]] = [(name, None) for name in names]
    every += [(name, source) for source, theirs in brought for name in theirs]
    said = [
        (" ".join(folded(text)), number) for number, (n, _s) in enumerate(every) for text in n.texts.values()
    ]
    close = process.extract(
        " ".join(wanted), [text for text, _number in said], scorer=fuzz.ratio, score_cutoff=LIKELY, limit=20
    )
    found: list[str] = []
    for _text, _score, place in close:
        name, source = every[said[place][1]]
        if name.name not in found and (source is None or name.key in source.shown([name], at)):
            found.append(name.name)
        if len(found) == SUGGESTED:
            break
    return found
