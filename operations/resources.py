"""The tables of this app as files: which columns, by which rules, and what identifies a row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django_countries import countries
from import_export.fields import Field

from .cells import (
    clean_amount,
    clean_bool,
    clean_choice,
    clean_coordinate,
    clean_count,
    clean_date,
    clean_lines,
    clean_text,
    clean_year,
    free_slug,
)
from .editions import record
from .importing import Cell, CellError, Lookup, Overtaken, Plan, Row, TableResource, same, shown
from .models import (
    FinancialFigure,
    MissingReason,
    Office,
    Operation,
    Pillar,
    PopulationFigure,
    PopulationType,
    Region,
)
from .releases import release_ready


def column(attribute: str, widget: Any, name: str = "") -> Field:
    return Field(column_name=name or attribute, attribute=attribute, widget=widget)


def clean_countries(cell: object) -> str:
    """ISO codes of two or three letters, separated by spaces or commas, as "AR,BO"; in order, each once."""
    codes = set()
    for text in clean_text(cell).replace(",", " ").split():
        code = countries.alpha2(text.upper())
        if not code:
            raise ValueError(_("“%s” is not the ISO code of a country.") % text)
        codes.add(code)
    return ",".join(sorted(codes))


class Countries(Cell):
    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return (
            ",".join(country.code for country in value) if isinstance(value, Iterable) else value.code or ""
        )


class ProfileResource(TableResource):
    """A table that is part of operations' profiles: an import records (and may release) their editions."""

    options = ("release_profiles",)

    def __init__(self, *, release_profiles: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.release_profiles = release_profiles

    def compare(self, rows: list[Row], plan: Plan) -> None:
        super().compare(rows, plan)
        if self.user is not None:
            plan.errors += self.refused(plan)

    def refused(self, plan: Plan) -> Iterable[CellError]:
        """The lines that would add or change a row where this person may import, but not do that."""
        for rows, action, said in (
            (plan.new, "add", _("You may not add lines to this operation.")),
            (plan.changed, "change", _("You may not change lines of this operation.")),
        ):
            may = set(self.allowed(action).values_list("pk", flat=True)) if rows else set()
            for row in rows:
                if row.values["operation"].pk not in may:
                    yield CellError(row.line, "operation", shown(row.raw.get("operation")), said)

    def write(self, plan: Plan, *, batch: Any, user: Any) -> None:
        self.hold(plan)
        super().write(plan, batch=batch, user=user)
        touched = self.touched(plan)
        if not self.release_profiles:
            for operation in touched:
                record(operation, user)
            return
        outcome = release_ready(touched, user, changed_by_user=True, may_release=self.releasable())
        plan.held += [f"{operation}: {why}" for operation, why in outcome.held]

    def hold(self, plan: Plan) -> None:
        """Nobody else saves until the import is done; ``Overtaken`` where somebody did since it was planned."""
        Operation.objects.lock_all(operation.pk for operation in self.touched(plan))
        stored = self.known_rows([*plan.new, *plan.changed])
        if any(self.identify(row.values) in stored for row in plan.new):
            raise Overtaken
        for row in plan.changed:
            now = stored.get(self.identify(row.values))
            if now is None or any(not same(getattr(now, name), old) for name, old, _new in row.differences):
                raise Overtaken

    def releasable(self) -> set[int] | None:
        """The operations whose profiles this person may release; ``None`` for all of them."""
        if self.user is None:
            return None
        both = ("operations.release_edition", "operations.change_operation")
        mine = Operation.objects.allowed(self.user, *both, by_one_role=True).order_by()
        return set(mine.values_list("pk", flat=True))

    def touched(self, plan: Plan) -> list[Operation]:
        found = {row.values["operation"].pk: row.values["operation"] for row in (*plan.new, *plan.changed)}
        return [found[pk] for pk in sorted(found)]


class OperationResource(ProfileResource):
    code = column("code", Cell(clean_text, longest=20))
    slug = column("slug", Cell(clean_text, longest=120))
    name = column("name_en", Cell(clean_text, longest=200), "name")
    name_fr = column("name_fr", Cell(clean_text, longest=200))
    name_es = column("name_es", Cell(clean_text, longest=200))
    name_ar = column("name_ar", Cell(clean_text, longest=200))
    kind = column(
        "kind",
        Cell(
            clean_choice,
            choices=dict(Operation.Kind.choices),
            aliases={
                "multi country office": "multi_country",
                "regional office": "regional",
                "region": "regional",
                "regional activities": "regional",
                "regional bureau": "regional",
                "other operations": "regional",
                "headquarters or global": "global",
            },
        ),
    )
    countries = column("countries", Countries(clean_countries))
    region = column("region", Lookup(Region, "code", "name_en", "name_fr", "name_es", "name_ar"))
    latitude = column("latitude", Cell(clean_coordinate, limit=90))
    longitude = column("longitude", Cell(clean_coordinate, limit=180))
    zoom = column("zoom", Cell(clean_count))
    first_year = column("first_year", Cell(clean_year))
    last_year = column("last_year", Cell(clean_year))

    identity = ("code",)
    required = ("code", "name", "kind")
    aliases = {
        "operation_key": "code",
        "operation": "code",
        "title": "name",
        "title_fr": "name_fr",
        "iso2": "countries",
        "region_last": "region",
        "lat": "latitude",
        "lon": "longitude",
    }

    class Meta:
        model = Operation
        import_id_fields = ("code",)
        fields = ("code", "slug", "name", "name_fr", "name_es", "name_ar", "kind", "countries", "region",
                  "latitude", "longitude", "zoom", "first_year", "last_year")  # fmt: skip

    def prepare(self, plan: Plan) -> None:
        operations = Operation.objects.select_related("region").with_fixed_address()
        self.known = {operation.code: operation for operation in operations}
        self.slugs = {operation.slug for operation in self.known.values()}
        if self.user is not None:
            may = self.allowed("import") & self.allowed("change")
            self.mine = set(may.values_list("code", flat=True))
            self.may_add = self.has_everywhere("import") and self.has_everywhere("add")
            self.may_move = self.has_everywhere("import") and self.has_everywhere("change")

    def check_row(self, row: Row) -> Iterable[tuple[str, str]]:
        if not row.values.get("slug"):
            row.values.pop("slug", None)
        yield from check_position(row)
        first, last = row.values.get("first_year"), row.values.get("last_year")
        if first and last and last < first:
            yield "last_year", _("The last year is before the first.")
        refused = list(self.check_rights(row)) if self.user is not None else []
        yield from refused or self.check_slug(row)

    def check_rights(self, row: Row) -> Iterable[tuple[str, str]]:
        """Who may not add operations does not learn which codes there are."""
        code, known = row.values["code"], self.known.get(row.values["code"])
        if code in self.mine:
            if "region" in row.values and row.values["region"] != known.region and not self.may_move:
                yield "region", _("Only an administrator moves an operation to another region.")
        elif not self.may_add:
            yield "code", _("There is no operation “%s” that you may change.") % code
        elif known:
            yield "code", _("You may not change the operation “%s”.") % code

    def refused(self, plan: Plan) -> Iterable[CellError]:
        return ()  # each line was asked about before

    def check_slug(self, row: Row) -> Iterable[tuple[str, str]]:
        slug, known = row.values.get("slug"), self.known.get(row.values["code"])
        if slug is None or (known and known.slug == slug):
            return
        if known and known.has_fixed_address:
            yield (
                "slug",
                _("The address cannot change any more: “%s” was released, or is set to be.") % known.slug,
            )
        elif slug in self.slugs:
            yield "slug", _("Another operation has this address.")
        self.slugs.add(slug)

    def compare(self, rows: list[Row], plan: Plan) -> None:
        for row in rows:
            if row.values["code"] not in self.known and "slug" not in row.values:
                row.values["slug"] = free_slug(row.values["name_en"], self.slugs)
        super().compare(rows, plan)

    def touched(self, plan: Plan) -> list[Operation]:
        codes = [row.values["code"] for row in (*plan.new, *plan.changed)]
        return list(Operation.objects.filter(code__in=codes).order_by("pk"))


OPERATION_ALIASES = {"operation_key": "operation", "code": "operation", "operation_code": "operation"}


def operation_column() -> Field:
    return column("operation", Lookup(Operation, "code", "name_en", "slug"))


class OfficeResource(ProfileResource):
    operation = operation_column()
    name = column("name", Cell(clean_text, longest=120))
    kind = column("kind", Cell(clean_choice, choices=dict(Office.Kind.choices)))
    latitude = column("latitude", Cell(clean_coordinate, limit=90))
    longitude = column("longitude", Cell(clean_coordinate, limit=180))
    description = column("description_en", Cell(clean_lines), "description")
    is_public = column("is_public", Cell(clean_bool))
    is_approximate = column("is_approximate", Cell(clean_bool))

    identity = ("operation", "name")
    required = ("operation", "name")
    aliases = {**OPERATION_ALIASES, "lat": "latitude", "lon": "longitude", "public": "is_public"}

    class Meta:
        model = Office
        import_id_fields = ("operation", "name")
        fields = (
            "operation",
            "name",
            "kind",
            "latitude",
            "longitude",
            "description",
            "is_public",
            "is_approximate",
        )

    def compare(self, rows: list[Row], plan: Plan) -> None:
        """An approximate place as this site publishes it, to a tenth of a degree, leaves the exact one as it is."""
        known = self.known_rows(rows)
        for row in rows:
            office = known.get(self.identify(row.values))
            if office and office.is_approximate and office.latitude is not None:
                stored = {"latitude": office.latitude, "longitude": office.longitude}
                if all(row.values.get(axis) == round(value, 1) for axis, value in stored.items()):
                    row.values |= stored
        super().compare(rows, plan)

    def check_row(self, row: Row) -> Iterable[tuple[str, str]]:
        for name in ("kind", "is_public", "is_approximate"):
            if row.values.get(name) in ("", None):
                row.values.pop(name, None)
        yield from check_position(row)


def check_position(row: Row) -> Iterable[tuple[str, str]]:
    if (row.values.get("latitude") is None) != (row.values.get("longitude") is None):
        yield "latitude", _("Give both latitude and longitude, or neither.")


class FigureResource(ProfileResource):
    """What population and financial figures share: a value, or the reason why it is missing."""

    value: str

    def check_row(self, row: Row) -> Iterable[tuple[str, str]]:
        if not row.values.get("missing_reason"):
            row.values["missing_reason"] = ""
        if row.values.get(self.value) is None and not row.values["missing_reason"]:
            yield (
                self.value,
                _("This cell is empty. Give a number, or say in “missing_reason” why it is missing."),
            )
        if row.values.get(self.value) is not None and row.values["missing_reason"]:
            yield "missing_reason", _("The line gives both a number and a reason why it is missing.")


class PopulationFigureResource(FigureResource):
    operation = operation_column()
    year = column("year", Cell(clean_year))
    type = column("type", Lookup(PopulationType, "code", "name_en", blank=["total"]))
    people = column("people", Cell(clean_count))
    missing_reason = column("missing_reason", Cell(clean_choice, choices=dict(MissingReason.choices)))
    as_of = column("as_of", Cell(clean_date))
    source = column("source", Cell(clean_text, longest=200))

    value = "people"
    identity = ("operation", "year", "type")
    required = ("operation", "year")
    aliases = {**OPERATION_ALIASES, "iso3": "operation", "population_type": "type"}

    class Meta:
        model = PopulationFigure
        import_id_fields = ("operation", "year", "type")
        fields = ("operation", "year", "type", "people", "missing_reason", "as_of", "source")


class FinancialFigureResource(FigureResource):
    operation = operation_column()
    year = column("year", Cell(clean_year))
    measure = column("measure", Cell(clean_choice, choices=dict(FinancialFigure.Measure.choices)))
    pillar = column(
        "pillar",
        Lookup(Pillar, "code", "name_en", lambda pillar: pillar.name_en.partition(":")[0], blank=["total"]),
    )
    amount_usd = column("amount_usd", Cell(clean_amount))
    missing_reason = column("missing_reason", Cell(clean_choice, choices=dict(MissingReason.choices)))
    status = column(
        "status",
        Cell(
            clean_choice,
            choices=dict(FinancialFigure.Status.choices),
            # IATI's budget type and status in one cell
            aliases={"/": "current", "/committed": "current", "revised/committed": "current"},
        ),
    )
    as_of = column("as_of", Cell(clean_date))
    source = column("source", Cell(clean_text, longest=200))

    options = ("round_to_cents", "release_profiles")
    value = "amount_usd"
    identity = ("operation", "year", "measure", "pillar", "status")
    required = ("operation", "year", "measure")
    aliases = {
        **OPERATION_ALIASES,
        "dimension_value": "pillar",
        "amount": "amount_usd",
        "budget_type_status": "status",
    }

    class Meta:
        model = FinancialFigure
        import_id_fields = ("operation", "year", "measure", "pillar", "status")
        fields = (
            "operation",
            "year",
            "measure",
            "pillar",
            "amount_usd",
            "missing_reason",
            "status",
            "as_of",
            "source",
        )

    def check_row(self, row: Row) -> Iterable[tuple[str, str]]:
        row.values["status"] = row.values.get("status") or FinancialFigure.Status.CURRENT
        yield from super().check_row(row)


TABLES: dict[str, type[TableResource]] = {
    "operations": OperationResource,
    "offices": OfficeResource,
    "population": PopulationFigureResource,
    "finance": FinancialFigureResource,
}
