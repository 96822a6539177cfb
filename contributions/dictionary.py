"""The data dictionary of the money: donors and contributions as public tables, their columns and released rows."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import re
from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django_countries import countries

from operations.calculations import share_of_sum
from operations.datasets import REGISTRY, Asked, Dataset, Field, Filter, Row, UnknownValue
from operations.dictionary import BY_YEAR, all_released, labels, names

from .filters import Filters, given_families, public_places
from .models import OTHER_COUNTRIES, Contribution, DailySum, Donor, ImportBatch
from .privacy import WITHHELD
from .ranking import Ranking

AT_A_TIME = 2_000
LINE_ID = re.compile(r"([0-9a-f]{32})-([0-9]{1,9})")
NAMED = ("q", "year", "donor", "kind", "country", "region", "operation", "earmarking", "date")

DONOR_KIND = Field(
    "donor_type",
    "code",
    "The class of the donor.",
    choices=tuple(Donor.Kind.values),
    hxl="#org+funder+type",
    is_required=True,
)
FAMILY = Field(
    "family",
    "code",
    "The donor’s page is /donors/ and this; empty where it has none.",
    hxl="#org+funder+code",
)
COUNTRY = Field(
    "country",
    "code",
    "Of private donors without a page: their country by ISO 3166-1 code of two letters, ZZ for other countries.",
    hxl="#country+code+funder",
)
DONOR = Field(
    "donor",
    "text",
    "The donor in English; of private donors who are not named, whose they are.",
    hxl="#org+funder+name",
    is_required=True,
)
FILTERS = (
    Filter("year", "The budget year.", kind="year", example="2021"),
    Filter("donor", "A donor with all that belong to it, by the last part of its page’s address.", example="norway"),
    Filter("kind", "The class of donor.", choices=tuple(Donor.Kind.values), example="government"),
    Filter("country", "Private donors of a country who have no page of their own: ISO code of two letters, ZZ or none.", example="JP"),
    Filter("region", "What was given to the operations of a region, by its code; none for all else.", example="AME"),
    Filter("operation", "What was given to an operation, by its address or code; none or withheld where it is not said.", example="PER"),
    Filter("earmarking", "How freely it may be used; none or withheld where it is not said.", choices=(*Contribution.Earmarking.values, "none", WITHHELD)),
    Filter("date", "The day.", kind="day", example="2021-11-24"),
    Filter("q", "Words of the donor, the reference or the description.", kind="text", example="cash"),
)  # fmt: skip


# --- What is asked for -------------------------------------------------------------------------------


def codes_of(asked: Asked) -> dict[int, str]:
    """The codes of public operations by their keys."""
    return {one.operation_id: one.code for one in all_released(asked)}


def filters_of(asked: Asked) -> Filters:
    """As the list of contributions reads them; ``UnknownValue`` for what is not published."""

    def load() -> Filters:
        given = {name: asked.filters[name] for name in NAMED if asked.filters.get(name)}
        slugs = {one.code.casefold(): one.profile.slug for one in all_released(asked)}
        if name := given.get("operation", "").casefold():
            given["operation"] = slugs.get(name, name)
        if code := given.get("region"):
            given["region"] = code if code == "none" else code.upper()
        lines = Contribution.objects.released(asked.at)
        found = Filters(given, public_places(asked.at), given_families(lines, asked.at), lines)
        for name, value in given.items():
            if name not in found.query:
                said = f"Nothing is published for the {name} “{value}”."
                raise UnknownValue(name, said, is_absent=True)
        return found

    return asked.once(("filters", *sorted(asked.filters.items())), load)


def digest(*parts: Any) -> str:
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).hexdigest()


def class_name(family: Donor | None, country: str) -> str:
    """Whose private gifts are that are not shown by name, in English."""
    if family and family.is_named:
        return family.name_en
    if country == OTHER_COUNTRIES:
        return "Private donors in other countries"
    return f"Private donors in {countries.name(country)}" if country else "Private donors"


# --- Contributions, line by line ---------------------------------------------------------------------

COLUMNS = (
    "pk", "key", "occurrence", "reference", "donor", "date", "operation", "budget_year", "amount_usd", "currency",
    "amount", "earmarking", "description",
)  # fmt: skip


def contribution_rows(asked: Asked) -> Iterator[Row]:
    yield from line_rows(asked)
    yield from sum_rows(asked)


def line_rows(asked: Asked, after: tuple[dt.date, int] | None = None) -> Iterator[Row]:
    """The newest day first. Read in stretches, so that a million of them need no memory."""
    filters, codes = filters_of(asked), codes_of(asked)
    lines = filters.narrow(Contribution.objects.released(asked.at))
    if after:
        day, pk = after
        lines = lines.filter(Q(date__lt=day) | Q(date=day, pk__gt=pk))
    yield from rows_of(lines, donors_by_key(asked), codes)


def rows_of(lines: Any, donors: dict[int, Donor], codes: dict[int, str]) -> Iterator[Row]:
    values = lines.order_by("-date", "pk").values_list(*COLUMNS)
    for values_of_line in values.iterator(chunk_size=AT_A_TIME):
        yield line_row(dict(zip(COLUMNS, values_of_line, strict=True)), donors, codes)


def line_rows_of_gift(asked: Asked, lines: Any, donors: dict[int, Donor]) -> Iterator[Row]:
    return rows_of(lines, donors, codes_of(asked))


def donors_by_key(asked: Asked) -> dict[int, Donor]:
    def load() -> dict[int, Donor]:
        return {donor.pk: donor for donor in Donor.objects.select_related("parent")}

    return asked.once("donors", load)


def line_row(line: dict[str, Any], donors: dict[int, Donor], codes: dict[int, str]) -> Row:
    donor = donors[line["donor"]]
    family = donor.parent or (donor if donor.is_named else None)
    if family and not family.is_named:
        family = None
    is_hidden = line["operation"] is not None and line["operation"] not in codes
    withheld = ([] if donor.is_named else ["donor"]) + (["operation"] if is_hidden else [])
    country = "" if family else str(donor.country or "")
    row = {
        "id": f"{line['key'].hex}-{line['occurrence']}",
        "reference": line["reference"] or None,
        "donor": donor.name_en if donor.is_named else class_name(family, country),
        "donor_type": donor.kind,
        "family": family and family.slug,
        "country": country or None,
        "date": line["date"],
        "operation": codes.get(line["operation"]),
        "budget_year": line["budget_year"],
        "amount_usd": line["amount_usd"],
        "currency": line["currency"] or None,
        "amount": line["amount"],
        "earmarking": line["earmarking"] or None,
        "description": line["description"] or None,
        "withheld": " ".join(withheld) or None,
        "allocations": 1,
    }
    # Of a class of private donors readers are shown no more than this.
    return row if donor.is_named else row | dict.fromkeys(("reference", "currency", "amount", "description"))


def sum_rows(asked: Asked) -> Iterator[Row]:
    """Gifts of private donors who are only shown added up; what words find has none of them."""
    filters = filters_of(asked)
    if filters.has_text:
        return
    codes, donors = codes_of(asked), donors_by_key(asked)
    rows = filters.narrow(DailySum.objects.released(asked.at)).filter(of_sums())
    groups = rows.with_family().summed(
        "date", "family", "kind", "country", "operation", "budget_year", "earmarking"
    )
    for group in groups.order_by("-date", "family", "country", "operation", "budget_year", "earmarking"):
        family = donors.get(group["family"])
        country = str(group["country"] or "")
        is_withheld = group["operation"] is None and group["earmarking"] == WITHHELD
        is_hidden = group["operation"] is not None and group["operation"] not in codes
        withheld = ["donor"] + (["operation"] if is_withheld or is_hidden else [])
        withheld += ["earmarking"] if group["earmarking"] == WITHHELD else []
        slug = family.slug if family and family.is_named else None
        identity = (
            group["date"], slug, country, group["operation"], group["budget_year"], group["earmarking"],
        )  # fmt: skip
        yield {
            "id": f"sum-{digest(*identity)}",
            "reference": None,
            "donor": class_name(family, country),
            "donor_type": group["kind"],
            "family": slug,
            "country": country or None,
            "date": group["date"],
            "operation": codes.get(group["operation"]),
            "budget_year": group["budget_year"],
            "amount_usd": group["amount"],
            "currency": None,
            "amount": None,
            "earmarking": None if group["earmarking"] == WITHHELD else group["earmarking"] or None,
            "description": None,
            "withheld": " ".join(withheld),
            "allocations": group["allocations"],
        }


def of_sums() -> Q:
    """The kept sums of which readers see no line."""
    if settings.PRIVATE_GIFTS_BY == "month":
        return Q(donor__in=Donor.objects.without_lines().order_by().values("pk"))
    return Q(is_cell=True)


def contributions_after(asked: Asked, key: str) -> Iterator[Row]:
    """The rows behind the one of this id."""
    if key.startswith("sum-"):
        rest = itertools.dropwhile(lambda row: row["id"] != key, sum_rows(asked))
        yield from itertools.islice(rest, 1, None)
        return
    place = form_of(asked, key).values_list("date", "pk").first()
    if place is None:
        said = "The line that this cursor names is gone. Begin anew, without a cursor."
        raise UnknownValue("cursor", said, is_absent=True)
    yield from line_rows(asked, place)
    yield from sum_rows(asked)


def form_of(asked: Asked, key: str) -> Any:
    """The public form of a line by its id; none for what is no id."""
    released = Contribution.objects.released(asked.at)
    if not (match := LINE_ID.fullmatch(key)):
        return released.none()
    return released.filter(key=match[1], occurrence=int(match[2]))


def contribution_of(asked: Asked, key: str) -> Row | None:
    """The line, or sum, of an id."""
    if key.startswith("sum-"):
        return next((row for row in sum_rows(asked) if row["id"] == key), None)
    return next(rows_of(form_of(asked, key), donors_by_key(asked), codes_of(asked)), None)


def day_of(asked: Asked, key: str) -> Row | None:
    """The public line of a key, which begins with its day."""
    try:
        day = dt.date.fromisoformat(key.partition("~")[0])
    except ValueError:
        return None
    rows = day_rows(asked.narrowed(date=day.isoformat()))
    return next((row for row in rows if CONTRIBUTION_DAYS.identify(row) == key), None)


CONTRIBUTIONS = Dataset(
    name="contributions",
    title="Contributions",
    description=(
        "Every allocation of every contribution, to the cent: one line is one part of one instalment of one gift, for one "
        "operation and budget year. Gifts of private donors who are not named are added up as on the pages."
    ),
    key=("id",),
    fields=(
        Field("id", "code", "Names the line for good, in whatever file it comes.", hxl="#activity+id+v_line", is_required=True),
        Field("reference", "code", "The agency’s reference of the gift; its instalments and allocations share it.", hxl="#activity+id+v_gift"),
        DONOR,
        DONOR_KIND,
        FAMILY,
        COUNTRY,
        Field("date", "day", "The day on which it was given; of private donors perhaps the last of its month or year.", hxl="#date+reported", is_required=True),
        Field("operation", "code", "The code of the operation that it was given to; empty where the source does not say.", hxl="#country+code+operation"),
        Field("budget_year", "year", "The year whose budget it pays for.", hxl="#date+year+budget", is_required=True),
        Field("amount_usd", "decimal", "The amount, to the cent; less than zero where money was paid back.", unit="US dollars", hxl="#value+funding+usd", is_required=True),
        Field("currency", "code", "The currency in which it was given, by ISO 4217 code.", hxl="#currency+code"),
        Field("amount", "decimal", "The amount in that currency; empty where the source does not give it.", unit="the currency", hxl="#value+funding+original"),
        Field("earmarking", "code", "How freely the agency may use it; empty where the source does not say.", choices=tuple(Contribution.Earmarking.values), hxl="#modality+earmarking"),
        Field("description", "text", "What the source says it is for.", hxl="#description+activity"),
        Field("withheld", "code", "What of the line readers are not shown: donor, operation, earmarking, separated by spaces. Such a line is not taken by an import.", hxl="#meta+withheld"),
        Field("allocations", "integer", "How many sums are in the line: 1 but for gifts that are added up.", hxl="#meta+num+lines", is_required=True),
    ),
    rows=contribution_rows,
    filters=FILTERS,
    imported_as="contributions",
    after=contributions_after,
    find=contribution_of,
)  # fmt: skip


# --- Public lines: donor, class and day --------------------------------------------------------------


def day_rows(asked: Asked) -> Iterator[Row]:
    filters, donors = filters_of(asked), donors_by_key(asked)
    source = Contribution if filters.has_text else DailySum
    rows = filters.narrow(source.objects.released(asked.at)).grouped()
    for group in rows.order_by("-date", "-amount", "family", "kind", "country"):
        yield {
            "date": group["date"],
            **donor_of(group, donors),
            "amount_usd": group["amount"],
            "allocations": group["allocations"],
        }


def donor_of(group: dict[str, Any], donors: dict[int, Donor]) -> Row:
    family = donors.get(group["family"])
    if family and not family.is_named:
        family = None
    country = "" if family else str(group["country"] or "")
    return {
        "donor": class_name(family, country),
        "donor_type": group["kind"],
        "family": family and family.slug,
        "country": country or None,
    }


CONTRIBUTION_DAYS = Dataset(
    name="contribution-days",
    title="Contributions by donor and day",
    description="The lines of the list of contributions: what a donor family gave on a day, in one class, as one sum.",
    key=("date", "family", "donor_type", "country"),
    fields=(
        Field("date", "day", "The day on which it was given.", hxl="#date+reported", is_required=True),
        DONOR,
        DONOR_KIND,
        FAMILY,
        COUNTRY,
        Field("amount_usd", "decimal", "The sum of its allocations, to the cent.", unit="US dollars", hxl="#value+funding+usd", is_required=True, calculation="a-line"),
        Field("allocations", "integer", "How many allocations the sum has.", is_required=True),
    ),
    rows=day_rows,
    filters=FILTERS,
    find=day_of,
)  # fmt: skip


# --- Donors ------------------------------------------------------------------------------------------


def donor_rows(asked: Asked) -> Iterator[Row]:
    lines = Contribution.objects.released(asked.at)
    families = given_families(lines, asked.at)
    own = Exists(lines.filter(donor=OuterRef("pk")))
    members = Donor.objects.named().filter(own, parent__in=families)
    kind = asked.filters.get("kind")
    for donor in sorted([*families, *members], key=lambda donor: donor.slug):
        if kind in (None, donor.kind):
            yield {
                "slug": donor.slug,
                **labels(donor, "name"),
                "kind": donor.kind,
                "country": str(donor.country or "") or None,
                "parent": donor.parent.name_en if donor.parent_id else None,
                "iati_reference": donor.iati_reference or None,
                "population": donor.population,
                "population_year": donor.population_year,
                **labels(donor, "footnote"),
                "url": asked.url(reverse("contributions:donor", args=[(donor.parent or donor).slug])),
            }


DONORS = Dataset(
    name="donors",
    title="Donors",
    description="The donors that readers know by name and of whom there is a contribution.",
    key=("slug",),
    fields=(
        Field("slug", "code", "The last part of the address of its page.", hxl="#org+funder+code", is_required=True),
        *names("name:The name", "#org+funder+name"),
        Field("kind", "code", "Its class.", choices=tuple(Donor.Kind.values), hxl="#org+funder+type", is_required=True),
        Field("country", "code", "Its country by ISO 3166-1 code of two letters.", hxl="#country+code+funder"),
        Field("parent", "text", "The donor that it belongs to, in English: Norad belongs to Norway.", hxl="#org+funder+parent"),
        Field("iati_reference", "code", "Its identifier in IATI.", hxl="#org+funder+code+v_iati"),
        Field("population", "integer", "How many people live in its country; empty where that makes no sense.", unit="people", hxl="#population"),
        Field("population_year", "year", "The year of that number."),
        *names("footnote:What readers are told under lists that name it", "#description+footnote", is_required=False),
        Field("url", "url", "The address of its page, or of the one of the donor that it belongs to."),
    ),
    rows=donor_rows,
    filters=(Filter("kind", "The class of donor.", choices=tuple(Donor.Kind.values)),),
    imported_as="donors",
    is_dated=False,
)  # fmt: skip


def donor_year_rows(asked: Asked) -> Iterator[Row]:
    released = DailySum.objects.released(asked.at)
    known = sorted(row["budget_year"] for row in released.by_year())
    donors = donors_by_key(asked)
    for year in reversed(known):
        if asked.filters.get("year") not in (None, "", str(year)):
            continue
        rows, before = released.for_year(year), released.for_year(year - 1)
        ranking = Ranking.load(rows, before, year, is_known=year - 1 in known)
        for row in ranking.rows:
            line = row.line
            group = {"family": line.family, "kind": line.kind, "country": line.country}
            yield {
                "year": year,
                "rank": row.rank,
                **donor_of(group, donors),
                "amount_usd": line.amount,
                "share": share_of_sum(line.amount, ranking.total),
                "difference_usd": row.moved.difference if row.moved else None,
                "per_inhabitant_usd": row.per_person,
                "allocations": line.count,
            }


DONOR_YEARS = Dataset(
    name="donor-years",
    title="Donors by budget year",
    description="What each donor family gave for each budget year, in one class, and where it stands among the others.",
    key=("year", "family", "donor_type", "country"),
    fields=(
        Field("year", "year", "The budget year.", hxl="#date+year+budget", is_required=True),
        Field("rank", "integer", "Its place among the donors of the year, the largest first.", is_required=True, calculation="rank-of-a-donor"),
        DONOR,
        DONOR_KIND,
        FAMILY,
        COUNTRY,
        Field("amount_usd", "decimal", "What it gave for the year, to the cent.", unit="US dollars", hxl="#value+funding+usd", is_required=True),
        Field("share", "decimal", "Of all contributions for the year.", unit="per cent", hxl="#value+funding+pct", calculation="share-of-a-donor"),
        Field("difference_usd", "decimal", "More or less than for the year before.", unit="US dollars", hxl="#value+funding+change+usd", calculation="change-of-a-donor-against-the-year-before"),
        Field("per_inhabitant_usd", "decimal", "Per person who lives in its country.", unit="US dollars", calculation="per-inhabitant"),
        Field("allocations", "integer", "How many allocations the sum has.", is_required=True),
    ),
    rows=donor_year_rows,
    filters=(BY_YEAR,),
)  # fmt: skip


# --- What later imports changed ----------------------------------------------------------------------


def contribution_change_rows(asked: Asked) -> Iterator[Row]:
    """Of lines of named donors: each form against the one that readers saw before it, the newest release first."""
    public = (
        ImportBatch.objects.of_contributions()
        .filter(withdrawn_at__isnull=True, released_at__lte=asked.at)
        .order_by()
    )
    shown = Contribution.objects.of_named().filter(batch__in=public.values("pk"))
    keys = shown.filter(replaced_in__in=public.values("pk")).order_by().values("key")
    forms = (
        shown.filter(key__in=keys)
        .select_related("batch", "donor__parent")
        .order_by("key", "occurrence", "pk")
    )
    codes, found = codes_of(asked), []
    for _line, group in groupby(forms, key=lambda form: (form.key, form.occurrence)):
        for before, after in pairwise(group):
            if row := contribution_change(before, after, codes):
                found.append(row)
    since = asked.filters.get("since")
    for row in sorted(found, key=lambda row: (row["changed_at"], row["id"]), reverse=True):
        if (
            asked.filters.get("year") in (None, "", str(row["budget_year"]))
            and asked.filters.get("donor") in (None, "", row["family"])
            and (not since or row["changed_at"].date().isoformat() >= since)
        ):
            yield row


def contribution_change(before: Contribution, after: Contribution, codes: dict[int, str]) -> Row | None:
    compared = ("amount_usd", "currency", "amount", "description")
    if before.withdraws or (
        not after.withdraws and all(getattr(before, name) == getattr(after, name) for name in compared)
    ):
        return None
    family = after.donor.parent or after.donor
    return {
        "id": f"{after.key.hex}-{after.occurrence}-{after.batch_id}",
        "changed_at": after.batch.released_at,
        "line": f"{after.key.hex}-{after.occurrence}",
        "what": "withdrawn" if after.withdraws else "changed",
        "reference": after.reference or None,
        "donor": after.donor.name_en,
        "family": family.slug if family.is_named else None,
        "date": after.date,
        "operation": codes.get(after.operation_id),
        "budget_year": after.budget_year,
        "amount_usd_before": before.amount_usd,
        "amount_usd_after": None if after.withdraws else after.amount_usd,
        "description_before": before.description or None,
        "description_after": None if after.withdraws else after.description or None,
    }


CONTRIBUTION_CHANGES = Dataset(
    name="contribution-changes",
    title="Changes of contributions",
    description="Lines of contributions that a later import changed or took back, with the old and the new value. The newest first.",
    key=("id",),
    fields=(
        Field("id", "code", "Its name for good: the line, and the import that changed it.", is_required=True),
        Field("changed_at", "moment", "When readers first saw the change.", hxl="#date+updated", is_required=True),
        Field("line", "code", "The line of the table of contributions.", hxl="#activity+id+v_line", is_required=True),
        Field("what", "code", "Whether it changed or was taken back.", choices=("changed", "withdrawn"), is_required=True),
        Field("reference", "code", "The agency’s reference of the gift.", hxl="#activity+id+v_gift"),
        Field("donor", "text", "The donor in English.", hxl="#org+funder+name", is_required=True),
        FAMILY,
        Field("date", "day", "The day on which it was given.", hxl="#date+reported", is_required=True),
        Field("operation", "code", "The code of the operation that it was given to.", hxl="#country+code+operation"),
        Field("budget_year", "year", "The year whose budget it pays for.", hxl="#date+year+budget", is_required=True),
        Field("amount_usd_before", "decimal", "The old amount.", unit="US dollars", hxl="#value+usd+before", is_required=True),
        Field("amount_usd_after", "decimal", "The new amount; empty where the line was taken back.", unit="US dollars", hxl="#value+usd+after"),
        Field("description_before", "text", "The old description."),
        Field("description_after", "text", "The new description."),
    ),
    rows=contribution_change_rows,
    filters=(
        BY_YEAR,
        Filter("donor", "A donor, by the last part of its page’s address.", example="norway"),
        Filter("since", "Changes of this day (in UTC) and later.", kind="day", example="2021-11-25"),
    ),
)  # fmt: skip

DATASETS = (CONTRIBUTIONS, CONTRIBUTION_DAYS, DONORS, DONOR_YEARS, CONTRIBUTION_CHANGES)


def register() -> None:
    REGISTRY.add(*DATASETS)
