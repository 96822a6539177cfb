"""What the search reads of released editions: their words, in an index that each database has in its own way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.utils.translation import override

from ..search_words import indexed, plain_text
from .edition import Edition
from .reference import TextKind


class SearchEntryQuerySet(models.QuerySet):
    def keep(self, editions: Iterable[Edition]) -> None:
        """Make the entries of editions that get a time of release; those that have one keep it."""
        entries = [self.model(edition_id=edition.pk, **words_of(edition)) for edition in editions]
        self.bulk_create(entries, batch_size=100, ignore_conflicts=True)


class SearchEntry(models.Model):
    """The words of one edition. Whether readers find it is asked of the edition each time.

    Its content never changes, nor does the entry: nothing is made or taken away when an embargo ends, a newer
    edition takes its place, or it is withdrawn. The index beside the table (``migrations/0005``) follows by itself.
    """

    edition = models.OneToOneField(Edition, models.CASCADE, related_name="search_entry")
    language = models.CharField(max_length=10)
    text = models.TextField()  # lines: a heading, a tab, what stands under it
    place = models.TextField()  # what its title says: operation, year, kind
    words = models.TextField()  # of the text, as of ``search_words.indexed``

    objects = SearchEntryQuerySet.as_manager()

    class Meta:
        verbose_name = "search entry"
        verbose_name_plural = "search entries"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.edition_id}: {self.place}"


def words_of(edition: Any) -> dict[str, str]:
    """The fields of the edition's entry, of what it holds for readers alone."""
    content = edition.content
    if edition.kind == Edition.Kind.PROFILE:
        place, text = (
            token(content["slug"]),
            "\n".join(content["name"][code] for code in sorted(content["name"])),
        )
    else:
        with override(edition.language):
            kind = str(TextKind(edition.kind).label)
        place = f"{token(content['operation']['slug'])} {edition.year} {indexed(kind)}"
        text = "\n".join(lines(content, edition.language))
    text = text.replace("\0", "")
    return {"language": edition.language, "text": text, "place": place, "words": indexed(text)}


def lines(content: dict[str, Any], language: str) -> list[str]:
    """The sections of a text and its key figures."""
    sections = [
        (section["heading"].get(language) or section["heading"].get("en", ""), plain_text(section["body"]))
        for section in content["sections"]
    ]
    figures = [("", f"{figure['value']} {figure['text']}") for figure in content["key_figures"]]
    return [
        f"{' '.join(heading.split())}\t{' '.join(body.split())}"
        for heading, body in sections + figures
        if body
    ]


def token(slug: str) -> str:
    """The word that stands for an operation among the words of its texts; nobody begins a word so."""
    return "qqq" + slug.replace("-", "").replace("_", "")
