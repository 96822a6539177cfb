"""What a release would make public, and the releases that nobody looks at one by one."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from . import editions
from .drafts import Checked, blocks, checked_many
from .models import Edition, Narrative, Operation


@dataclass
class Candidate:
    """The edition that a release of this working copy would make public, recorded or still to be."""

    working_copy: Operation | Narrative
    content: editions.Content
    newest: Edition | None
    public: Edition | None
    waiting: Edition | None  # its release is set for a time
    withdrawn: Edition | None = None  # the last that readers saw, where it was taken back

    @classmethod
    def many(cls, operations: list[Operation]) -> list[Candidate]:
        """Of their profiles, in as many queries as for one."""
        profiles = Edition.objects.profiles().filter(operation__in=operations).order_by("number")
        contents = editions.frozen(
            Operation.objects.filter(pk__in=[operation.pk for operation in operations])
        )
        newest = {e.operation_id: e for e in profiles.defer("content")}
        newest = {e.operation_id: e for e in Edition.objects.filter(pk__in=[e.pk for e in newest.values()])}
        public = {e.operation_id: e for e in profiles.released().defer("content")}
        waiting = {e.operation_id: e for e in profiles.scheduled().defer("content")}
        withdrawn = {e.operation_id: e for e in profiles.withdrawn().defer("content")}
        return [
            cls(
                operation,
                contents[operation.pk],
                newest.get(operation.pk),
                public.get(operation.pk),
                waiting.get(operation.pk),
                None if operation.pk in public else withdrawn.get(operation.pk),
            )
            for operation in operations
        ]

    @classmethod
    def of(cls, working_copy: Operation | Narrative) -> Candidate:
        made = Edition.objects.of(working_copy).select_related("made_by", "released_by", "withdrawn_by")
        public = made.released().first()
        return cls(
            working_copy,
            editions.freeze(working_copy),
            made.first(),
            public,
            made.scheduled().first(),
            None if public else made.withdrawn().first(),
        )

    @property
    def before(self) -> Edition | None:
        """What it is compared with: what readers see, or saw until it was withdrawn."""
        return self.public or self.withdrawn

    @cached_property
    def is_recorded(self) -> bool:
        """Whether the newest edition is what would be released; else a new one would be made of it."""
        newest = self.newest
        return newest is not None and newest.withdrawn_at is None and newest.content == self.content

    @property
    def number(self) -> int:
        newest = self.newest.number if self.newest else 0
        return newest if self.is_recorded else newest + 1

    @property
    def is_public(self) -> bool:
        """There is nothing to release: readers see it already."""
        return self.is_recorded and self.public is not None and self.public.pk == self.newest.pk

    @property
    def waits(self) -> Edition | None:
        """This very edition, where its release is set for a time."""
        return (
            self.waiting if self.is_recorded and self.waiting and self.waiting.pk == self.newest.pk else None
        )

    @property
    def superseded(self) -> Edition | None:
        """An older edition that waits, and is taken back where this one is released."""
        return None if self.waits else self.waiting

    @property
    def seen(self) -> str:
        """Names what a page showed: the same as long as the text, and the time that is set, are the same."""
        text = json.dumps([self.content, _time(self.waiting), _number(self.public)], sort_keys=True)
        return f"{self.number}-{hashlib.sha256(text.encode()).hexdigest()[:20]}"

    def is_refused_to(self, user: Any) -> bool:
        """Four eyes: of what is not recorded nobody is the author, and the newest edition's holds."""
        return editions.refused_to_author(self.newest, user)


def _time(edition: Edition | None) -> str | None:
    at: dt.datetime | None = edition and edition.released_at
    return at and at.isoformat()


def _number(edition: Edition | None) -> int | None:
    return edition and edition.number


# --- Withdrawal --------------------------------------------------------------------------------------


@dataclass
class Withdrawal:
    """What would be taken back from readers."""

    working_copy: Operation | Narrative
    public: Edition | None
    released: int  # editions that readers see or saw, and could still cite
    waiting: list[Edition]
    translations: list[Narrative]  # of this text, that readers see or will see

    @classmethod
    def of(cls, working_copy: Operation | Narrative) -> Withdrawal:
        made = Edition.objects.of(working_copy).defer("content")
        return cls(
            working_copy,
            made.released().first(),
            made.filter(released_at__lte=timezone.now(), withdrawn_at__isnull=True).count(),
            list(made.scheduled()),
            [] if isinstance(working_copy, Operation) else translations_of(working_copy),
        )


def translations_of(text: Narrative) -> list[Narrative]:
    """The same text in other languages, where readers see it or will; of a translation, what was made from it."""
    same = {"operation": text.operation_id, "kind": text.kind, "year": text.year}
    shown = Edition.objects.released() | Edition.objects.scheduled()
    languages = shown.filter(**same).exclude(language=text.language).values("language")
    found = Narrative.objects.filter(**same, language__in=languages).select_related("operation")
    if text.language != "en":
        found = found.filter(translated_from__language=text.language)
    return list(found.order_by("language"))


# --- Many at once -----------------------------------------------------------------------------------


@dataclass
class Outcome:
    released: list[Edition] = field(default_factory=list)
    unchanged: list[Operation] = field(default_factory=list)
    held: list[tuple[Operation, str]] = field(default_factory=list)  # and why, in a sentence


def release_ready(
    operations: Iterable[Operation],
    user: Any,
    *,
    changed_by_user: bool = False,
    may_release: set[int] | None = None,
) -> Outcome:
    """Release those profiles that a release page would release at once, and say of the others why not.

    Held back are errors and open warnings, what waits for a time that was set, under four eyes what ``user``
    changed, and what is not among ``may_release`` (keys; ``None``: all). ``changed_by_user``: what is not yet
    recorded is the user's own work, as in an import. To be called in a transaction.
    """
    outcome = Outcome()
    operations = Operation.objects.lock_all(operation.pk for operation in operations)
    for candidate, found in zip(Candidate.many(operations), checked_many(operations), strict=True):
        operation = candidate.working_copy
        if candidate.is_public:
            outcome.unchanged.append(operation)
        elif why := _held(candidate, found, user, changed_by_user, may_release):
            if changed_by_user:
                editions.record(operation, user)
            outcome.held.append((operation, why))
        else:
            outcome.released.append(editions.release(operation, user))
    return outcome


def _held(
    candidate: Candidate, found: Checked, user: Any, changed_by_user: bool, may_release: set[int] | None
) -> str:
    if may_release is not None and candidate.working_copy.pk not in may_release:
        return _("You may not release it.")
    if candidate.waiting:
        return _("The release of edition %s is set for a later time.") % candidate.waiting.number
    if candidate.withdrawn:
        return _(
            "It was withdrawn. Release it on its own release page, with a note that tells readers why it is back."
        )
    is_own = changed_by_user and not candidate.is_recorded
    if (settings.FOUR_EYES and is_own) or candidate.is_refused_to(user):
        return _("Who made the last change cannot release it.")
    return blocks(found)
