"""Two donors that are one: merged, with a record; and those that look as if they were.

All lines of the one become lines of the other, in every form that they ever had. What files call a donor stays what
it was: the names of the one become spellings of the other, so that a file that was imported before changes nothing.
"""

from __future__ import annotations

import json
import re
import unicodedata
import uuid
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations, islice
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Exists, Min, OuterRef, Sum
from django.utils.translation import gettext as _
from rapidfuzz import fuzz, process

from operations.cells import fold_name

from . import private_sums
from .models import (
    NAMES,
    Contribution,
    DailySum,
    Donor,
    DonorAlias,
    DonorMerge,
    ImportBatch,
    ImportSource,
    StagedLine,
    class_name,
    contribution_key,
)
from .resources import ContributionResource
from .staging import BOOKS, is_postgres, lock_books, run

CHUNK = 20_000  # keys that are made at a time
# Imports that are not in the books yet, and may come to be.
WAITING = (
    ImportBatch.State.NEW,
    ImportBatch.State.ASKING,
    ImportBatch.State.PLANNED,
    ImportBatch.State.FAILED,
)


class CannotMerge(Exception):
    """The two are not to be merged as things stand; the message says why, and what to do."""


# --- What files call whom ---------------------------------------------------------------------------


class Calls:
    """Whom files mean by a name, as imports find it: a donor by its names, a country's class of private donors."""

    def __init__(self) -> None:
        names = ContributionResource()
        names.prepare()
        self.donors: dict[str, Donor] = names.donors
        self.classes: dict[int, Donor] = names.private
        self.governments = [d for d in set(self.donors.values()) if d.kind == Donor.Kind.GOVERNMENT]

    def class_of(self, country: Donor) -> Donor | None:
        """Whose the lines are that a file gives to a government and calls private."""
        return self.classes.get(country.pk) or self.donors.get(fold_name(class_name(country)))

    def meant(self) -> dict[str | int, int]:
        """Keys of donors by folded name, and those of classes by the key of their government."""
        classes = {country.pk: self.class_of(country) for country in self.governments}
        return {name: donor.pk for name, donor in self.donors.items()} | {
            country: found.pk for country, found in classes.items() if found
        }


def names_of(donor: Donor) -> list[str]:
    """In all languages, each spelling once."""
    names = [name for name in (getattr(donor, field) for field in NAMES) if name]
    return list({fold_name(name): name for name in reversed(names)}.values())[::-1]


# --- Whether ----------------------------------------------------------------------------------------


def check(donor: Donor, into: Donor, calls: Calls) -> None:
    """``CannotMerge`` where the merge would name who may not be named, or change what files mean."""
    words = {"donor": donor.name_en, "into": into.name_en}
    if donor.pk == into.pk:
        raise CannotMerge(_("A donor cannot be merged into itself."))
    if donor.is_named != into.is_named:
        raise CannotMerge(
            (
                _(
                    "“%(donor)s” may not be named, and “%(into)s” may: readers would see a private gift by name."
                )
                if into.is_named
                else _("“%(donor)s” may be named, and “%(into)s” may not: its gifts would lose their name.")
            )
            % words
            + " "
            + _("First make both private donors who may be named, if they agreed to it, or neither.")
        )
    if donor.is_class != into.is_class:
        raise CannotMerge(
            _(
                "One of the two stands for many private donors, and the other does not: readers would see single "
                "gifts, or lose lines that they see. First say the same of both."
            )
        )
    if into.parent_id == donor.pk:
        raise CannotMerge(
            _(
                "“%(into)s” belongs to “%(donor)s”. Merge “%(into)s” into “%(donor)s” instead, or first let it "
                "belong to nobody."
            )
            % words
        )
    check_class(donor, into, calls)
    for name in names_of(donor):
        if (other := calls.donors[fold_name(name)]).pk not in (donor.pk, into.pk):
            raise CannotMerge(
                _(
                    "“%(name)s” is a name of “%(other)s” too: the lines of files would become its lines. First "
                    "give one of the two another name."
                )
                % {"name": name, "other": other.name_en}
            )


def check_class(donor: Donor, into: Donor, calls: Calls) -> None:
    """What files call private donors of a country stays the class that it was."""
    words = {"donor": donor.name_en, "into": into.name_en}
    is_country = into.kind == Donor.Kind.GOVERNMENT
    if donor.kind == Donor.Kind.PRIVATE and is_country:
        raise CannotMerge(
            _(
                "“%(donor)s” is a private donor, and “%(into)s” a government: a file that names it again would give "
                "its lines to the private donors of that country, once more. Give them the same kind first."
            )
            % words
        )
    if donor.kind != Donor.Kind.GOVERNMENT or not (theirs := calls.class_of(donor)):
        return
    words |= {"theirs": theirs.name_en}
    if not is_country:
        raise CannotMerge(
            _("“%(donor)s” has private donors of its own (“%(theirs)s”), and “%(into)s” is no government.")
            % words
        )
    if (mine := calls.class_of(into)) and mine.pk != theirs.pk:
        raise CannotMerge(
            _(
                "Both have private donors of their own. First merge “%(theirs)s” into “%(mine)s”: files that give "
                "a private gift to “%(donor)s” mean those."
            )
            % (words | {"mine": mine.name_en})
        )


def check_calls(before: dict[str | int, int], donor: Donor, into: Donor) -> None:
    """That every name in a file, and every class, means who it meant before."""
    after = Calls().meant()
    if donor.pk in before:
        before |= {into.pk: before.pop(donor.pk)}
    for name, meant in before.items():
        if after.get(name) != (into.pk if meant == donor.pk else meant):
            shown = name if isinstance(name, str) else class_name(Donor.objects.get(pk=name))
            raise CannotMerge(
                _(
                    "“%(name)s” in a file would mean another donor after the merge. Look at the other spellings."
                )
                % {"name": shown}
            )


# --- The merge --------------------------------------------------------------------------------------


def merge(donor: Donor, into: Donor, *, user: Any, why: str = "", as_kind: str = "") -> DonorMerge:
    """Make ``donor`` a part of ``into``: its lines, members, names and sums; it is gone then, but for the record.

    Two donors of different kinds are merged by who says of which kind the lines are then: ``as_kind`` is that of
    ``into``. ``CannotMerge`` says why nothing was done.
    """
    with transaction.atomic():
        lock_books()
        donor, into = locked(donor, into)
        calls = Calls()
        check(donor, into, calls)
        if donor.kind != into.kind and as_kind != into.kind:
            raise CannotMerge(
                _("“%(donor)s” is of another kind. Say that its lines become those of the kind “%(kind)s”.")
                % {"donor": donor.name_en, "kind": into.get_kind_display()}
            )
        meant = calls.meant()
        record = DonorMerge(
            donor=into,
            name=donor.name_en,
            token=donor.token,
            was=stored(donor),
            merged_by=user,
            because=why.strip(),
        )
        record.was["imports"] = read_again(donor, into)
        record.lines = move_lines(donor, into)
        DailySum.objects.filter(donor=donor).update(donor=into)
        donor.members.update(parent=into.parent or into)
        donor.merges.update(donor=into)
        record.was["spellings"] = [alias.name for alias in spell(donor, into)]
        keep_class(donor, into, calls)
        donor.delete()
        record.save()
        private_sums.make()
        check_calls(meant, Donor(pk=record.was["id"]), into)
    return record


def locked(donor: Donor, into: Donor) -> tuple[Donor, Donor]:
    found = {
        d.pk: d for d in Donor.objects.select_for_update().filter(pk__in=[donor.pk, into.pk]).order_by("pk")
    }
    if donor.pk not in found or into.pk not in found:
        raise CannotMerge(_("One of the two is gone: somebody merged or deleted it in the meantime."))
    return found[donor.pk], found[into.pk]


def stored(donor: Donor) -> dict[str, Any]:
    """All that is stored of a donor, as JSON; ``lines`` are the keys of its lines, as “1-5 8”."""
    fields = [
        f for f in Donor._meta.concrete_fields if f.name not in ("name", "footnote")
    ]  # those are name_en, …
    values = {f.attname: f.value_from_object(donor) for f in fields}
    lines = Contribution.objects.filter(donor=donor).order_by("pk").values_list("pk", flat=True)
    return {
        name: value if isinstance(value, int | None) else str(value) for name, value in values.items()
    } | {
        "parent": donor.parent.name_en if donor.parent else "",
        "aliases": [alias.name for alias in donor.aliases.order_by("pk")],
        "members": [[member.pk, member.name_en] for member in donor.members.order_by("pk")],
        "merges": list(donor.merges.order_by("pk").values_list("pk", flat=True)),
        "lines": " ".join(stretches(lines.iterator(chunk_size=CHUNK))),
    }


def stretches(numbers: Iterable[int]) -> Iterator[str]:
    """Rising numbers as “1-5”, “8”."""
    first = last = None
    for number in numbers:
        if last is None or number != last + 1:
            if first is not None:
                yield f"{first}-{last}" if last > first else f"{first}"
            first = number
        last = number
    if first is not None:
        yield f"{first}-{last}" if last > first else f"{first}"


def move_lines(donor: Donor, into: Donor) -> int:
    """Give the lines, in all their forms, to another donor under their new keys: how many rows.

    Where it has lines of such a key, in the books or not, the moved ones come after them: both stay. The forms of a
    line stay together, for they share their old key and occurrence.
    """
    run("DROP TABLE IF EXISTS moved_keys")
    kind = "uuid" if is_postgres() else "char(32)"
    run(f"CREATE TEMPORARY TABLE moved_keys (was {kind}, becomes {kind}, behind integer DEFAULT 0)")
    names = ("reference", "date", "operation_id", "budget_year", "earmarking")
    found = Contribution.objects.filter(donor=donor).order_by().values_list("key")
    found = found.annotate(
        *(Min(name) for name in names)
    )  # the same for all lines of a key, but for its case
    keys = found.iterator(chunk_size=CHUNK)
    while some := list(islice(keys, CHUNK)):
        keep_keys(
            (key.hex, contribution_key(reference, into.token, *rest).hex) for key, reference, *rest in some
        )
    run("CREATE INDEX moved_key ON moved_keys (was)")
    run(
        "UPDATE moved_keys SET behind = theirs.last FROM "
        f"(SELECT key, MAX(occurrence) AS last FROM {BOOKS} WHERE donor_id = %s GROUP BY key) AS theirs "
        "WHERE theirs.key = moved_keys.becomes",
        into.pk,
    )
    if is_postgres():
        run("ANALYZE moved_keys")
    moved = run(
        f"UPDATE {BOOKS} AS c SET donor_id = %s, key = m.becomes, occurrence = c.occurrence + m.behind "
        "FROM moved_keys AS m WHERE m.was = c.key AND c.donor_id = %s",
        into.pk,
        donor.pk,
    )
    run("DROP TABLE moved_keys")
    return moved


def keep_keys(keys: Iterable[tuple[str, str]]) -> None:
    """The old and the new one of each, as hexadecimal digits."""
    with connection.cursor() as cursor:
        if is_postgres():
            with cursor.copy("COPY moved_keys (was, becomes) FROM STDIN") as copy:
                copy.write("".join(f"{was}\t{becomes}\n" for was, becomes in keys))
        else:
            cursor.executemany("INSERT INTO moved_keys (was, becomes) VALUES (%s, %s)", list(keys))


def spell(donor: Donor, into: Donor) -> list[DonorAlias]:
    """Its names become spellings of the other one, its spellings too: those that are new."""
    mine = set(map(fold_name, names_of(into)))
    donor.aliases.filter(folded__in=mine).delete()
    donor.aliases.update(donor=into)
    names = {fold_name(name): name for name in names_of(donor) if fold_name(name) not in mine}
    # A name goes before a spelling: what files called so was this donor, whoever else had the spelling.
    DonorAlias.objects.filter(folded__in=names).exclude(donor=into).update(donor=into)
    known = set(DonorAlias.objects.filter(folded__in=names).values_list("folded", flat=True))
    return [DonorAlias.objects.create(donor=into, name=names[name]) for name in names if name not in known]


def keep_class(donor: Donor, into: Donor, calls: Calls) -> None:
    """Files that give a private gift to a government mean the same class of private donors as before."""
    kept = []
    if donor.kind == Donor.Kind.GOVERNMENT and (theirs := calls.class_of(donor)):
        kept.append((into, theirs))
    for country in calls.governments:
        found = calls.class_of(country)
        if found and found.pk == donor.pk and country.pk != into.pk:
            kept.append((country, into))
    for country, private in kept:
        name = class_name(country)
        is_member = Donor.objects.filter(pk=private.pk, parent=country).exists()
        if is_member and "private donors" in fold_name(private.name_en):
            continue
        if fold_name(name) not in map(fold_name, names_of(private)):
            DonorAlias.objects.get_or_create(
                folded=fold_name(name), defaults={"donor": private, "name": name}
            )


# --- Imports that wait ------------------------------------------------------------------------------


def imports_of(donor: Donor) -> list[ImportBatch]:
    """Imports that are not in the books yet and speak of the donor: by their lines, or by what was decided."""
    staged = StagedLine.objects.filter(batch=OuterRef("pk"), donor_token=donor.token)
    waiting = ImportBatch.objects.of_contributions().filter(state__in=WAITING).order_by("pk")
    return [
        batch
        for batch in waiting.annotate(has_lines=Exists(staged))
        if batch.has_lines or speaks_of(donor, [batch.options, batch.plan])
    ]


def speaks_of(donor: Donor, kept: Any) -> bool:
    said = json.dumps(kept)
    return str(donor.token) in said or donor.token.hex in said


def instead(kept: Any, old: uuid.UUID, new: uuid.UUID) -> Any:
    return json.loads(json.dumps(kept).replace(str(old), str(new)).replace(old.hex, new.hex))


def read_again(donor: Donor, into: Donor) -> list[int]:
    """Have the imports read again that wait and know the donor; what was decided of it is said of the other one."""
    said = _("“%(donor)s” became “%(into)s”: the file has to be read again, and compared with the books.")
    found = imports_of(donor)
    for batch in ImportBatch.objects.select_for_update().filter(pk__in=[batch.pk for batch in found]):
        batch.options = instead(batch.options, donor.token, into.token)
        if batch.state == ImportBatch.State.PLANNED:
            batch.state = ImportBatch.State.NEW
            batch.problem = said % {"donor": donor.name_en, "into": into.name_en}
            if batch.job == ImportBatch.Job.IMPORT:
                batch.job = ImportBatch.Job.NONE
        batch.save(update_fields=["options", "state", "problem", "job"])
    for source in ImportSource.objects.all():
        if speaks_of(donor, source.options):
            source.options = instead(source.options, donor.token, into.token)
            source.save(update_fields=["options"])
    return [batch.pk for batch in found]


# --- What it comes to -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """Lines and US dollars: of the books as they stand, and of those that readers see."""

    lines: int = 0
    usd: Decimal = Decimal("0.00")
    public_lines: int = 0
    public_usd: Decimal = Decimal("0.00")

    def __add__(self, other: Standing) -> Standing:
        return Standing(
            self.lines + other.lines,
            self.usd + other.usd,
            self.public_lines + other.public_lines,
            self.public_usd + other.public_usd,
        )


@dataclass(frozen=True)
class Outlook:
    """What a merge would do, to be looked at before."""

    donor: Donor
    into: Donor
    refusal: str
    was: Standing  # of the donor alone, without its members
    theirs: Standing  # of the one that it becomes
    older: int  # forms that were replaced, withdrawn or undone
    members: list[Donor]
    spellings: list[str]
    imports: list[ImportBatch]

    @classmethod
    def of(cls, donor: Donor, into: Donor) -> Outlook:
        try:
            check(donor, into, Calls())
            refusal = ""
        except CannotMerge as error:
            refusal = str(error)
        standings, forms = standings_of([donor, into]), Contribution.objects.filter(donor=donor).count()
        mine = set(map(fold_name, names_of(into)))
        return cls(
            donor,
            into,
            refusal,
            standings[donor.pk],
            standings[into.pk],
            forms - standings[donor.pk].lines,
            list(donor.members.all()),
            [
                name
                for name in [*names_of(donor), *(alias.name for alias in donor.aliases.all())]
                if fold_name(name) not in mine
            ],
            imports_of(donor),
        )

    @property
    def after(self) -> Standing:
        return self.was + self.theirs

    @property
    def family(self) -> Donor:
        """To whom the members belong then, and under whose name readers find the lines of who may be named."""
        return self.into.parent or self.into

    @property
    def kinds_differ(self) -> bool:
        return self.donor.kind != self.into.kind

    @property
    def has_page(self) -> bool:
        return self.donor.is_named and self.donor.parent_id is None

    @property
    def leaves_family(self) -> Donor | None:
        """The family whose totals get smaller."""
        left = self.donor.parent
        return left if left and left.pk != self.family.pk else None

    @property
    def seen(self) -> str:
        """The same as long as it would do the same."""
        members = ",".join(str(member.pk) for member in self.members)
        return (
            f"{self.donor.kind}-{self.into.kind}-{self.after.lines}-{self.after.usd}-{self.older}-{members}"
        )


def standings_of(donors: Iterable[Donor]) -> dict[int, Standing]:
    """By key, without members. Two queries."""
    donors = list(donors)
    books, public = (
        {pk: sums for pk, *sums in lines.filter(donor__in=donors).order_by().values_list("donor").annotate(
            lines=Count("pk"), usd=Sum("amount_usd"))}
        for lines in (Contribution.objects.current(), Contribution.objects.counted())
    )  # fmt: skip
    nothing = [0, Decimal("0.00")]
    return {d.pk: Standing(*books.get(d.pk, nothing), *public.get(d.pk, nothing)) for d in donors}


# --- Likely twins -----------------------------------------------------------------------------------

CLOSE = 85  # of 100: from here on two names are nearly the same
SAYS_NOTHING = {"the", "of", "and", "for", "in", "government", "govt", "gov"}
OF_A_CLASS = {"private", "donors"}
WORDS = re.compile(r"\w+")


@dataclass(frozen=True)
class Twins:
    """Two donors whose names are nearly the same, the one with fewer lines first."""

    donor: Donor
    into: Donor
    likeness: int  # 100: the same name, but for its order, accents and words that say nothing


def twins() -> list[Twins]:
    """The pairs of donors that may be one, nearest first; each donor with its ``lines`` in the books.

    A donor is no twin of its family, nor a class of private donors of anything but another such class, nor one
    country of another.
    """
    donors = {donor.pk: donor for donor in Donor.objects.select_related("parent").prefetch_related("aliases")}
    near: dict[tuple[int, int], int] = {}
    for is_class in (False, True):
        some = [donor for donor in donors.values() if donor.is_class == is_class]
        for pair, likeness in (*same_name(some), *near_name(some)):
            if may_be_one(*(donors[pk] for pk in pair)):
                near[pair] = max(near.get(pair, 0), likeness)
    known = {pk for pair in near for pk in pair}
    lines = dict(
        Contribution.objects.current()
        .filter(donor__in=known)
        .order_by()
        .values_list("donor")
        .annotate(Count("pk"))
    )
    found = []
    for pair, likeness in near.items():
        less, more = sorted(
            (donors[pk] for pk in pair), key=lambda donor: (lines.get(donor.pk, 0), -donor.pk)
        )
        less.lines, more.lines = lines.get(less.pk, 0), lines.get(more.pk, 0)
        found.append(Twins(less, more, likeness))
    return sorted(found, key=lambda pair: (-pair.likeness, pair.donor.name_en, pair.into.name_en))


def nearest(donor: Donor, most: int = 5) -> list[Donor]:
    """The donors whose names are nearest to its own."""
    others = Donor.objects.exclude(pk=donor.pk).select_related("parent")
    others = {other.pk: other for other in others if may_be_one(donor, other)}
    names = {pk: bare(other.name_en) for pk, other in others.items()}
    found = process.extract(bare(donor.name_en), names, scorer=fuzz.WRatio, limit=most, score_cutoff=70)
    return [others[pk] for _name, _score, pk in found]


def may_be_one(donor: Donor, other: Donor) -> bool:
    """Whether anything but their names speaks against it."""
    if donor.pk in (other.parent_id, other.pk) or other.pk == donor.parent_id:
        return False
    if donor.is_class != other.is_class:
        return False
    return len({str(country) for country in map(country_of, (donor, other)) if country}) < 2


def country_of(donor: Donor) -> Any:
    return donor.country or (donor.parent.country if donor.parent else "")


def bare(name: str) -> str:
    """A name without case, accents, marks, order and words that say nothing."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", fold_name(name)) if not unicodedata.combining(c))
    words = WORDS.findall(plain)
    for left_out in (SAYS_NOTHING | OF_A_CLASS, SAYS_NOTHING):
        if telling := [word for word in words if word not in left_out]:
            return " ".join(sorted(telling))
    return plain


def same_name(donors: Iterable[Donor]) -> Iterator[tuple[tuple[int, int], int]]:
    """Those of which any names, in any language, are the same."""
    bearers: dict[str, set[int]] = {}
    for donor in donors:
        for name in (*names_of(donor), *(alias.name for alias in donor.aliases.all())):
            bearers.setdefault(bare(name), set()).add(donor.pk)
    for found in bearers.values():
        yield from ((pair, 100) for pair in combinations(sorted(found), 2))


def near_name(donors: Iterable[Donor]) -> Iterator[tuple[tuple[int, int], int]]:
    """Those whose English names are nearly the same; names that differ in a number are not."""
    names = sorted(
        ((bare(donor.name_en), donor.pk) for donor in donors), key=lambda name: (len(name[0]), name)
    )
    texts = [name for name, _pk in names]
    for place, (name, pk) in enumerate(names):
        longest = len(name) * (200 - CLOSE) / CLOSE  # a longer one differs too much by its length alone
        end = bisect_right(texts, longest, key=len)
        for other, score, there in process.extract(
            name, texts[place + 1 : end], scorer=fuzz.ratio, score_cutoff=CLOSE, limit=None
        ):
            if re.findall(r"[0-9]+", name) == re.findall(r"[0-9]+", other):
                first, second = sorted((pk, names[place + 1 + there][1]))
                yield (first, second), int(score)
