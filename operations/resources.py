"""The tables of this app as files: which columns, by which rules, and what identifies a row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef
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
from .editions import record, release
from .importing import Cell, Lookup, Plan, Row, TableResource
from .models import (
    Edition,
    FinancialFigure,
    MissingReason,
    Office,
    Operation,
    Pillar,
    PopulationFigure,
    PopulationType,
    Region,
)


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

    def referred(self, model: Any) -> Any:
        if model is Operation and self.user is not None:
            return Operation.objects.editable_by(self.user)
        return super().referred(model)

    def write(self, plan: Plan, *, batch: Any, user: Any) -> None:
        super().write(plan, batch=batch, user=user)
        keep = release if self.release_profiles else record
        for operation in self.touched(plan):
            keep(operation, user)

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
        operations = Operation.objects.annotate(
            is_published=Exists(Edition.objects.filter(operation=OuterRef("pk"), released_at__isnull=False))
        )
        self.known = {operation.code: operation for operation in operations}
        self.slugs = {operation.slug for operation in self.known.values()}
        self.mine = set(self.referred(Operation).values_list("code", flat=True))

    def check_row(self, row: Row) -> Iterable[tuple[str, str]]:
        if not row.values.get("slug"):
            row.values.pop("slug", None)
        yield from check_position(row)
        first, last = row.values.get("first_year"), row.values.get("last_year")
        if first and last and last < first:
            yield "last_year", _("The last year is before the first.")
        yield from self.check_slug(row)
        yield from self.check_rights(row)

    def check_rights(self, row: Row) -> Iterable[tuple[str, str]]:
        if self.user is None:
            return
        if row.values["code"] not in self.known:
            if not self.user.has_perm("operations.add_operation"):
                yield "code", _("There is no operation “%s”, and you may not add one.") % row.values["code"]
        elif row.values["code"] not in self.mine:
            yield "code", _("You may not change the operation “%s”.") % row.values["code"]

    def check_slug(self, row: Row) -> Iterable[tuple[str, str]]:
        slug, known = row.values.get("slug"), self.known.get(row.values["code"])
        if slug is None or (known and known.slug == slug):
            return
        if known and known.is_published:
            yield (
                "slug",
                _("The address cannot change any more: a profile under “%s” was released.") % known.slug,
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
