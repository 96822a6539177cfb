"""What a page of an operation shows, read from released editions in a fixed number of queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _

from . import calculations
from .figures import unit_of
from .models import Edition, TextKind
from .models.edition import is_behind_its_source
from .profiles import Profile, in_language

Slot = tuple[int, str]  # a year and a kind of text
LANGUAGES = [code for code, _name in settings.LANGUAGES]


@dataclass(frozen=True)
class Text:
    """One released narrative as readers see it."""

    edition: Edition
    asked_language: str
    is_missing: bool = False  # in the asked language, which nobody has released yet
    source: Edition | None = None  # that it was translated from
    source_now: Edition | None = None  # what readers see of the source; None where it was withdrawn

    @property
    def is_fallback(self) -> bool:
        return self.edition.language != self.asked_language

    @property
    def direction(self) -> str:
        return "rtl" if get_language_info(self.edition.language)["bidi"] else "ltr"

    @property
    def is_out_of_date(self) -> bool:
        """The text that it was translated from has a newer edition since, or was withdrawn."""
        if self.source is None or self.source.released_at is None:
            return False
        now = self.source_now and self.source_now.number
        return is_behind_its_source(self.source.number, self.source.withdrawn_at, now)

    @cached_property
    def sections(self) -> list[dict[str, str]]:
        """Those that say something; an empty section does not appear."""
        return [
            {"code": section["type"], "heading": in_language(section["heading"]), "body": section["body"]}
            for section in self.edition.public["sections"]
            if section["body"]
        ]

    @property
    def key_figures(self) -> list[dict[str, Any]]:
        return self.edition.public["key_figures"]


@dataclass(frozen=True)
class Pair:
    """The key figures of one measure: what the plan of a year says, and what its year-end report says."""

    planned: dict[str, Any]
    reached: dict[str, Any]

    @property
    def units(self) -> tuple[str | None, str | None]:
        return unit_of(self.planned["value"]), unit_of(self.reached["value"])

    @property
    def numbers(self) -> tuple[Decimal, Decimal]:
        return Decimal(self.planned["number"]), Decimal(self.reached["number"])

    @property
    def share(self) -> Decimal | None:
        """The year-end in per cent of the plan; ``None`` where they are shares themselves or cannot be compared."""
        planned, reached = self.numbers
        return None if self.why_not or "%" in self.units else calculations.share(reached, planned)

    @property
    def points(self) -> Decimal | None:
        """Of two shares: how many percentage points the year-end is above the plan."""
        planned, reached = self.numbers
        return calculations.points(reached, planned) if not self.why_not and "%" in self.units else None

    @property
    def why_not(self) -> str:
        """Why the two are not compared; empty where they are."""
        planned, reached = self.units
        if planned is None or reached is None:
            return _("not compared: a figure is not exact")
        if planned != reached:
            return _("not compared: the units differ")
        if planned != "%" and not self.numbers[0]:
            return _("not compared: none was planned")
        return ""


@dataclass(frozen=True)
class OperationPage:
    profile_edition: Edition
    year: int
    years: list[int]  # that have something released, newest first
    texts: dict[Slot, Text]
    withdrawn: dict[Slot, Edition]  # what was taken back from readers of this language
    predecessor: Profile | None = None
    successors: list[Profile] = field(default_factory=list)
    # When what stands around its editions last became so: years to choose from, notes on other texts and operations.
    changed_at: dt.datetime | None = None

    @cached_property
    def profile(self) -> Profile:
        return Profile(self.profile_edition.public)

    @property
    def year_end(self) -> Text | None:
        return self.texts.get((self.year, TextKind.YEAR_END))

    @property
    def plan(self) -> Text | None:
        return self.texts.get((self.year, TextKind.PLAN))

    @property
    def next_plan(self) -> Text | None:
        return self.texts.get((self.year + 1, TextKind.PLAN))

    @property
    def withdrawn_year_end(self) -> Edition | None:
        return self.withdrawn.get((self.year, TextKind.YEAR_END))

    @property
    def withdrawn_plan(self) -> Edition | None:
        return self.withdrawn.get((self.year, TextKind.PLAN))

    @property
    def withdrawn_next_plan(self) -> Edition | None:
        return self.withdrawn.get((self.year + 1, TextKind.PLAN))

    @property
    def key_figure_texts(self) -> list[Text]:
        """The texts whose key figures are shown: this year's year-end report and the next year's plan.

        Where the year-end report has none yet, this year's plan stands in its place.
        """
        this_year = [text for text in (self.year_end, self.plan) if text and text.key_figures][:1]
        return this_year + ([self.next_plan] if self.next_plan and self.next_plan.key_figures else [])

    @cached_property
    def pairs(self) -> list[Pair]:
        """Of each measure that both texts of the year have, their figures, in the order of the year-end report."""
        if self.plan is None or self.year_end is None:
            return []
        planned = {figure["measure"]: figure for figure in self.plan.key_figures if figure.get("measure")}
        return [
            Pair(planned[figure["measure"]], figure)
            for figure in self.year_end.key_figures
            if figure.get("measure") in planned
        ]

    def unpaired(self, text: Text) -> list[dict[str, Any]]:
        """The key figures of a text that stand in no pair."""
        if text is not self.year_end:
            return text.key_figures
        return [figure for figure in text.key_figures if not any(figure is p.reached for p in self.pairs)]

    @property
    def made_of(self) -> list[Edition]:
        texts = [text.edition for text in (self.year_end, self.plan, self.next_plan) if text]
        return [self.profile_edition, *texts]

    @property
    def editions(self) -> list[Edition]:
        """The released editions this page is made of, the newest release first."""
        released = [edition for edition in self.made_of if edition.released_at]
        return sorted(released, key=lambda edition: (edition.released_at, edition.pk), reverse=True)

    @property
    def permanent(self) -> list[int]:
        """What the permanent address of this page names: its newest edition and, where that does not tell, the year.

        Empty where a draft is on the page.
        """
        if len(self.editions) < len(self.made_of):
            return []
        newest = self.editions[0]
        return [newest.pk] if self.year in (newest.year, 0) else [newest.pk, self.year]

    @classmethod
    def load(
        cls,
        slug: str,
        year: int | None,
        language: str,
        at: dt.datetime | None = None,
        showing: Sequence[Edition] = (),
    ) -> OperationPage | None:
        """The page of an operation's year, or of its newest; ``None`` where nothing is released.

        Each edition of ``showing`` takes its place on the page, whatever is released: a draft in its
        preview, an edition at its permanent address. Three queries: what is released, the content that
        is needed, the operations that followed; a fourth where a text is a translation.
        """
        at = at or timezone.now()
        public, withdrawn = _released_and_withdrawn(slug, at)
        pinned = {(edition.kind, edition.year, edition.language) for edition in showing}
        rows = [row for row in public if (row.kind, row.year, row.language) not in pinned] + list(showing)
        profile = next((row for row in rows if row.kind == Edition.Kind.PROFILE), None)
        if profile is None:
            return None
        chosen = in_best_language(left_to(rows, withdrawn, language), language)
        chosen |= {(row.year, row.kind): row for row in showing if row.year}
        newest = year or max((row.year for row in rows if row.year), default=0)
        wanted = {row.pk for (y, _kind), row in chosen.items() if y in (newest, newest + 1)}
        shown = {edition.pk: edition for edition in showing}
        editions = {**Edition.objects.in_bulk({profile.pk, *wanted} - shown.keys()), **shown}

        own = Profile(editions[profile.pk].public)
        years = sorted({row.year for row in rows if row.year} | set(own.years), reverse=True)
        if year is None:
            year = years[0] if years else 0
        elif year not in years:
            return None
        on_page = [editions[pk] for pk in wanted if editions[pk].year in (year, year + 1)]
        before, after, related_at = _related(own, at)
        texts = _texts(on_page, rows, language)
        notices = [row for row in withdrawn if row.year in (year, year + 1)]
        newer_sources = [text.source_now for text in texts.values() if text.source_now]
        released = [*notices, *newer_sources, *_opening(rows, own.years)]
        return cls(
            editions[profile.pk],
            year,
            years,
            texts,
            _withdrawn_from(withdrawn, chosen, language),
            before,
            after,
            max(filter(None, [related_at, *(row.released_at for row in released)]), default=None),
        )


def _released_and_withdrawn(slug: str, at: dt.datetime) -> tuple[list[Edition], list[Edition]]:
    """Without their contents: the editions that the public sees, and the newest of each text that was taken back."""
    found = (Edition.objects.released(at) | Edition.objects.withdrawn(at)).filter(operation__slug=slug)
    by_text: dict[tuple, Edition] = {}
    for edition in found.defer("content").order_by("number"):
        text = (edition.kind, edition.year, edition.language)
        if edition.withdrawn_at is None or text not in by_text or by_text[text].withdrawn_at:
            by_text[text] = edition
    public = [edition for edition in by_text.values() if edition.withdrawn_at is None]
    return public, [edition for edition in by_text.values() if edition.withdrawn_at]


def in_best_language(editions: Iterable[Edition], language: str) -> dict[Slot, Edition]:
    """Of each text of a year the edition in this language, else in English, else in any."""

    def rank(edition: Edition) -> tuple:
        mine = edition.language
        return (mine != language, mine != "en", LANGUAGES.index(mine) if mine in LANGUAGES else 99)

    best: dict[Slot, Edition] = {}
    for edition in sorted((e for e in editions if e.year), key=rank):
        best.setdefault((edition.year, edition.kind), edition)
    return best


def left_to(rows: Iterable[Edition], withdrawn: Iterable[Edition], language: str) -> list[Edition]:
    """Without the texts in other languages than the reader's whose English was withdrawn.

    No translation speaks to all readers for a text that was taken back: they get its notice.
    """
    gone = {(edition.year, edition.kind) for edition in withdrawn if edition.language == "en"}
    return [row for row in rows if row.language == language or (row.year, row.kind) not in gone]


def _opening(rows: Iterable[Edition], with_figures: Iterable[int]) -> list[Edition]:
    """Of each year that has no figures the first text, which made it one to choose."""
    texts = [row for row in rows if row.year and row.released_at and row.year not in with_figures]
    first: dict[int, Edition] = {}
    for row in sorted(texts, key=lambda row: row.released_at):
        first.setdefault(row.year, row)
    return list(first.values())


def _texts(on_page: Sequence[Edition], rows: Sequence[Edition], language: str) -> dict[Slot, Text]:
    """The texts of the page, each with what it was translated from: one query where there is any translation."""
    public = {(row.year, row.kind, row.language): row for row in rows}
    ids = {edition.pk: edition.content.get("translated_from") for edition in on_page}
    wanted = set(filter(None, ids.values()))
    sources = {e.pk: e for e in Edition.objects.filter(pk__in=wanted).defer("content")} if wanted else {}
    texts = {}
    for edition in on_page:
        source = sources.get(ids[edition.pk])
        texts[edition.year, edition.kind] = Text(
            edition,
            language,
            (edition.year, edition.kind, language) not in public,
            source,
            public.get((source.year, source.kind, source.language)) if source else None,
        )
    return texts


def _withdrawn_from(
    withdrawn: Sequence[Edition], left: dict[Slot, Edition], language: str
) -> dict[Slot, Edition]:
    """What this page's readers have to be told of: the text in their language, or any where none is left."""
    return {
        slot: edition
        for slot, edition in in_best_language(withdrawn, language).items()
        if slot not in left or (edition.language == language != left[slot].language)
    }


def _related(own: Profile, at: dt.datetime) -> tuple[Profile | None, list[Profile], dt.datetime | None]:
    """The released profiles of the operation before this one and of those that followed it by name; the newest's time."""
    code = (own.content["predecessor"] or {}).get("code")
    is_related = Q(content__predecessor__code=own.code) | Q(content__code=code)
    editions = list(Edition.objects.released(at).profiles().filter(is_related))
    related = [Profile(edition.public) for edition in editions]
    before = next((other for other in related if other.code == code), None)
    after = sorted((other for other in related if other.code != code), key=lambda p: p.name)
    return before, after, max((edition.released_at for edition in editions), default=None)


# --- Where there is no page -----------------------------------------------------------------------


def withdrawn_from_address(
    slug: str, year: int | None, language: str, at: dt.datetime | None = None
) -> list[Edition]:
    """What was taken back from an address at which nothing is left: the profile, or the texts of the year."""
    at = at or timezone.now()
    public, withdrawn = _released_and_withdrawn(slug, at)
    profiles = [edition for edition in withdrawn if edition.kind == Edition.Kind.PROFILE]
    if profiles or not any(edition.kind == Edition.Kind.PROFILE for edition in public):
        texts = {edition.year for edition in [*public, *withdrawn]}
        return profiles if year is None or year in texts or _had_figures(slug, year, at) else []
    of_year = [edition for edition in withdrawn if edition.year == year]
    return list(in_best_language(of_year, language).values())


def _had_figures(slug: str, year: int, at: dt.datetime) -> bool:
    """Whether a profile that was taken back told of the year."""
    editions = Edition.objects.withdrawn(at).profiles().filter(operation__slug=slug)
    return any(year in Profile(edition.public).years for edition in editions)


def first_moment(slug: str, year: int | None, now: dt.datetime) -> dt.datetime | None:
    """When something first stood at this address; ``None`` where nothing did."""
    editions = Edition.objects.ever_public(now).filter(operation__slug=slug).order_by("released_at", "number")
    profile = editions.profiles().values_list("released_at", flat=True).first()
    if profile is None or year is None:
        return profile
    texts = editions.filter(year=year).values_list("released_at", flat=True)[:1]
    figures = (
        released_at
        for released_at, *figures in editions.profiles().values_list(
            "released_at", "content__population", "content__finance"
        )
        if any(figure["year"] == year for table in figures for figure in table)
    )
    moments = [*texts, *[moment for moment in [next(figures, None)] if moment]]
    return max(profile, min(moments)) if moments else None
