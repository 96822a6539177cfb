"""What a page of an operation shows, read from released editions in a fixed number of queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db.models import Q

from .models import Edition, TextKind
from .profiles import Profile, in_language


@dataclass(frozen=True)
class Text:
    """One released narrative as readers see it."""

    edition: Edition
    asked_language: str

    @property
    def is_fallback(self) -> bool:
        return self.edition.language != self.asked_language

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
class OperationPage:
    profile_edition: Edition
    year: int
    years: list[int]  # that have something released, newest first
    texts: dict[tuple[int, str], Text]
    predecessor: Profile | None = None
    successors: list[Profile] = field(default_factory=list)

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
    def key_figure_texts(self) -> list[Text]:
        """The texts whose key figures are shown: this year's year-end report and the next year's plan.

        Where the year-end report has none yet, this year's plan stands in its place.
        """
        this_year = [text for text in (self.year_end, self.plan) if text and text.key_figures][:1]
        return this_year + ([self.next_plan] if self.next_plan and self.next_plan.key_figures else [])

    @property
    def editions(self) -> list[Edition]:
        """The editions this page is made of, the newest release first."""
        texts = [text.edition for text in (self.year_end, self.plan, self.next_plan) if text]
        return sorted([self.profile_edition, *texts], key=lambda edition: edition.released_at, reverse=True)

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

        Each edition of ``showing`` takes the place of the released one of its text: a draft in its
        preview. Three queries: what is released, the content that is needed, the operations that followed.
        """
        released = list(
            Edition.objects.released(at)
            .filter(operation__slug=slug)
            .values_list("pk", "kind", "year", "language", named=True)
        )
        if showing:
            texts = {(edition.kind, edition.year, edition.language) for edition in showing}
            released = [row for row in released if (row.kind, row.year, row.language) not in texts]
            released += showing
        profile = next((row for row in released if row.kind == Edition.Kind.PROFILE), None)
        if profile is None:
            return None
        texts = {(row.year, row.kind): row for row in released if row.year and row.language == "en"}
        texts |= {(row.year, row.kind): row for row in released if row.year and row.language == language}
        newest = year or max((y for y, _kind in texts), default=0)
        wanted = [row.pk for (y, _kind), row in texts.items() if y in (newest, newest + 1)]
        shown = {edition.pk: edition for edition in showing}
        editions = {**Edition.objects.in_bulk({profile.pk, *wanted} - shown.keys()), **shown}

        years = sorted(
            {y for y, _kind in texts} | set(Profile(editions[profile.pk].public).years), reverse=True
        )
        if year is None:
            year = years[0] if years else 0
        elif year not in years:
            return None
        found = {
            (edition.year, edition.kind): Text(edition, language)
            for edition in editions.values()
            if edition.year in (year, year + 1)
        }
        own = Profile(editions[profile.pk].public)
        before = (own.content["predecessor"] or {}).get("code")
        related = [
            Profile(edition.public)
            for edition in Edition.objects.released(at)
            .profiles()
            .filter(Q(content__predecessor__code=own.code) | Q(content__code=before))
        ]
        return cls(
            editions[profile.pk],
            year,
            years,
            found,
            next((other for other in related if other.code == before), None),
            sorted((other for other in related if other.code != before), key=_by_name),
        )


def _by_name(profile: Profile) -> str:
    return profile.name
