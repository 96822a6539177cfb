"""The index of the texts, in the two databases: SQLite's FTS5 and PostgreSQL's vectors (see ``migrations/0005``).

Each gives statements with their parameters: the editions that match, how well, and their words with those that match
between brackets. What is looked for are folded words, of letters and digits alone; each is quoted and a parameter, so
that nothing that is typed can be a word of the databases' own query languages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

CONFIGURATIONS = {"en": "english", "fr": "french", "es": "spanish", "ar": "arabic"}
INDEX = "operations_searchindex"


@dataclass(frozen=True)
class Wanted:
    """What a text must hold: every term, or in its stead the sign of an operation that the term names."""

    terms: Sequence[str]
    places: dict[str, list[str]] = field(default_factory=dict)  # signs by term
    is_beginning: bool = False  # of words, not whole ones
    is_any: bool = False  # one of the terms is enough
    language: str = "en"


class SQLite:
    def condition(self, wanted: Wanted) -> tuple[str, list[Any]]:
        star = " *" if wanted.is_beginning else ""
        groups = (
            " OR ".join([f'"{term}"{star}', *(f'"{sign}"' for sign in wanted.places.get(term, []))])
            for term in wanted.terms
        )
        # Terms are letters and digits alone, see ``search_words``; quoted, none is a word of the query language.
        return f"{INDEX} MATCH %s", [(" OR " if wanted.is_any else " AND ").join(f"({g})" for g in groups)]

    def ranked(self, wanted: Wanted) -> tuple[str, list[Any]]:
        condition, params = self.condition(wanted)
        return f"SELECT rowid, bm25({INDEX}, 4.0, 1.0) FROM {INDEX} WHERE {condition}", params

    def keys(self, wanted: Wanted) -> tuple[str, list[Any]]:
        condition, params = self.condition(wanted)
        return f"SELECT rowid FROM {INDEX} WHERE {condition}", params

    def marked(self, wanted: Wanted, keys: Sequence[int]) -> tuple[str, list[Any]]:
        condition, params = self.condition(wanted)
        return (
            f"SELECT asked.rowid, entry.text, asked.marked FROM (SELECT rowid, highlight({INDEX}, 1, '[', ']') AS marked"
            f" FROM {INDEX} WHERE {condition} AND rowid IN ({', '.join(['%s'] * len(keys))})) asked"
            " JOIN operations_searchentry entry ON entry.edition_id = asked.rowid",
            [*params, *keys],
        )


class PostgreSQL:
    def query(self, wanted: Wanted) -> tuple[str, list[Any]]:
        stems = list(dict.fromkeys([CONFIGURATIONS.get(wanted.language, "simple"), "english"]))
        star = ":*" if wanted.is_beginning else ""
        groups, params = [], []
        for term in wanted.terms:
            forms = [("simple", f"'{term}'{star}"), *((stem, f"'{term}'{star}") for stem in stems)]
            if signs := wanted.places.get(term):
                forms.append(("simple", " | ".join(f"'{sign}'" for sign in signs)))
            groups.append(f"({' || '.join(['to_tsquery(%s::regconfig, %s)'] * len(forms))})")
            params += [param for form in forms for param in form]
        return (" || " if wanted.is_any else " && ").join(groups), params

    def ranked(self, wanted: Wanted) -> tuple[str, list[Any]]:
        query, params = self.query(wanted)
        return (
            "SELECT edition_id, -ts_rank(vector, query, 1) FROM operations_searchentry,"
            f" (SELECT {query} AS query) asked WHERE vector @@ query",
            params,
        )

    def keys(self, wanted: Wanted) -> tuple[str, list[Any]]:
        query, params = self.query(wanted)
        return f"SELECT edition_id FROM operations_searchentry WHERE vector @@ ({query})", params

    def marked(self, wanted: Wanted, keys: Sequence[int]) -> tuple[str, list[Any]]:
        query, params = self.query(Wanted(wanted.terms, {}, wanted.is_beginning, True, wanted.language))
        configuration = " ".join(f"WHEN '{code}' THEN '{name}'" for code, name in CONFIGURATIONS.items())
        return (
            f"SELECT edition_id, text, ts_headline((CASE language {configuration} ELSE 'simple' END)::regconfig,"
            f" words, {query}, 'HighlightAll=true, StartSel=[, StopSel=]')"
            " FROM operations_searchentry WHERE edition_id = ANY(%s)",
            [*params, list(keys)],
        )


def engine() -> SQLite | PostgreSQL:
    return PostgreSQL() if connection.vendor == "postgresql" else SQLite()


def rows(statement: tuple[str, list[Any]]) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(*statement)
        return cursor.fetchall()
