"""What nobody has released changes nothing that readers get: no byte, no header, no date, at any address."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contributions.models import Contribution, Donor
from operations import editions
from operations.datasets import REGISTRY
from operations.models import (
    Answer,
    Edition,
    Narrative,
    OpenForm,
    Operation,
    PreviewLink,
    Region,
    SectionType,
    Step,
)
from tests import factories

from .test_access import routes

pytestmark = [pytest.mark.django_db, pytest.mark.once]

MARCH = dt.datetime(2021, 3, 5, 9, tzinfo=dt.UTC)
MAY = dt.datetime(2021, 5, 2, 9, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
LANGUAGES = ("en", "fr", "es", "ar")
MOMENTS = ("?as_of=2021-04-01", "?as_of=2199-01-01")
# What a program or a cache goes by; the nonce of the content security policy is new each time.
HEADERS = (
    "ETag",
    "Last-Modified",
    "Cache-Control",
    "Content-Type",
    "Content-Language",
    "Location",
    "Link",
    "Vary",
)


@dataclass
class World:
    """What is released: two operations with texts and lines, one of them corrected, and one text withdrawn."""

    by: Any
    copies: list[Operation | Narrative] = field(default_factory=list)
    line: Contribution | None = None

    @property
    def operations(self) -> list[Operation]:
        return [copy for copy in self.copies if isinstance(copy, Operation)]

    @property
    def texts(self) -> list[Narrative]:
        return [copy for copy in self.copies if isinstance(copy, Narrative)]


def build() -> World:
    world = World(factories.user("ana", is_superuser=True))
    region = Region.objects.get(code="AME")
    with time_machine.travel(MARCH, tick=False):
        for code in ("PER", "COL"):
            operation = factories.operation(code, region=region, notice_en="Offices are closed on Friday.")
            factories.office(operation)
            factories.population(operation, people=52_000)
            factories.finance(operation, pillar="P1")
            factories.finance(operation, measure="expenditure")
            editions.release(operation, world.by)
            world.copies.append(operation)
        peru = world.operations[0]
        for kind, year, language in (
            ("year_end", 2020, "en"),
            ("year_end", 2020, "fr"),
            ("plan", 2021, "en"),
        ):
            code = "unmet-needs" if kind == "year_end" else "key-priorities"
            text = factories.narrative(
                peru, year, kind, {code: "<p>We reached 52,000 people.</p>"}, language=language
            )
            factories.key_figure(text)
            editions.release(text, world.by)
            world.copies.append(text)
        batch = factories.batch(released_at=MARCH)
        world.line = factories.contribution(factories.donor("Norway"), batch=batch, operation=peru)
        factories.contribution(factories.donor("Gifts", kind=Donor.Kind.PRIVATE, country="JP"), batch=batch)
    with time_machine.travel(MAY, tick=False):
        report = world.texts[0]
        report.sections.update(body="<p>We reached 52,996 people.</p>")
        editions.release(report, world.by, note="52,996 and not 52,000 people.", is_correction=True)
        editions.withdraw(world.texts[2], world.by, notice="It was an early draft.")
    return world


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield build()
        transaction.set_rollback(True)
    cache.clear()


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


# --- What readers get --------------------------------------------------------------------------------

PAGES: dict[str, Callable[[World], list[str]]] = {
    "healthz": lambda world: ["/healthz"],
    "sitemap.xml": lambda world: ["/sitemap.xml"],
    "": lambda world: ["/"],
    "operations/": lambda world: ["/operations/", "/operations/?q=e&year=2020&region=AME"],
    "operations/<slug:slug>/": lambda world: ["/operations/per/", "/operations/col/", "/operations/new/"],
    "operations/<slug:slug>/<year:year>/": lambda world: [
        f"/operations/{slug}/{year}/"
        for slug, year in (("per", 2020), ("per", 2021), ("col", 2020), ("col", 2022))
    ],
    "operations/<slug:slug>/<year:year>/pillars/": lambda world: ["/operations/per/2020/pillars/"],
    "operations/<slug:slug>/<year:year>/brief.pdf": lambda world: ["/operations/per/2020/brief.pdf"],
    "editions/<int:pk>/brief.pdf": lambda world: [f"/editions/{pk}/brief.pdf" for pk in keys(world)[:1]],
    "editions/<int:pk>/<year:year>/brief.pdf": lambda world: [
        f"/editions/{pk}/2020/brief.pdf" for pk in keys(world)[:1]
    ],
    "operations/<slug:slug>/<year:year>/card.png": lambda world: ["/operations/per/2020/card.png"],
    "operations/<slug:slug>/<year:year>/figures/<slug:name>/": lambda world: [
        "/operations/per/2020/figures/people/"
    ],
    "operations/<slug:slug>/<year:year>/figures/<slug:name>.<filekind:kind>": lambda world: [
        f"/operations/per/2020/figures/people.{kind}" for kind in ("svg", "png", "csv")
    ],
    "regions/<slug:code>/": lambda world: ["/regions/ame/", "/regions/ame/?year=2020"],
    "compare/": lambda world: ["/compare/", "/compare/?with=per-2020&with=col-2020"],
    "search/": lambda world: ["/search/?q=peru", "/search/?q=new"],
    "brand/<slug:version>.css": lambda world: ["/brand/0123456789abcdef.css"],
    "brand/<slug:version>.webp": lambda world: ["/brand/0123456789abcdef.webp"],
    "operations/<slug:slug>/<year:year>/history/": lambda world: ["/operations/per/2020/history/"],
    # Those that are there, and the next ones.
    "editions/<int:pk>/": lambda world: [f"/editions/{pk}/" for pk in keys(world)],
    "editions/<int:pk>/<year:year>/": lambda world: [f"/editions/{pk}/2020/" for pk in keys(world)[:2]],
    "data/": lambda world: ["/data/"],
    "changes/": lambda world: ["/changes/", "/changes/?since=2021-04-01"],
    "changes.<datakind:kind>": lambda world: ["/changes.csv"],
    "data/archive.zip": lambda world: ["/data/archive.zip"],
    "api/": lambda world: ["/api/"],
    "api/v1/": lambda world: ["/api/v1/"],
    "api/v1/openapi.json": lambda world: ["/api/v1/openapi.json"],
    "api/v1/search": lambda world: ["/api/v1/search?q=peru", "/api/v1/search?q=new"],
    "api/v1/<slug:name>": lambda world: [f"/api/v1/{dataset.name}" for dataset in REGISTRY],
    "api/v1/<slug:name>/<path:key>": lambda world: [
        "/api/v1/operations/PER",
        "/api/v1/operations/NEW",
        *(f"/api/v1/editions/{pk}" for pk in keys(world)[:4]),
    ],
    "api/v1/<anything:rest>": lambda world: ["/api/v1/a/b/"],
    "data/<slug:name>.<datakind:kind>": lambda world: [
        f"/data/{dataset.name}.{kind}" for dataset in REGISTRY for kind in ("csv", "json")
    ],
    "operations.<datakind:kind>": lambda world: [
        "/operations.csv",
        "/operations.csv-metadata.json?year=2020",
    ],
    "operations/<slug:slug>.<datakind:kind>": lambda world: ["/operations/per.csv", "/operations/new.csv"],
    "operations/<slug:slug>/<year:year>.<datakind:kind>": lambda world: [
        "/operations/per/2020.json",
        "/operations/per/2020.xlsx",
        "/operations/col/2022.csv",
    ],
    "operations/<slug:slug>/<year:year>/<slug:name>.<datakind:kind>": lambda world: [
        f"/operations/per/2020/{name}.csv" for name in ("population", "texts", "contributions", "changes")
    ],
    "regions/<slug:code>.<datakind:kind>": lambda world: ["/regions/ame.csv"],
    "compare.<datakind:kind>": lambda world: ["/compare.csv?with=per-2020&with=col-2020"],
    "editions/<int:pk>.<datakind:kind>": lambda world: [f"/editions/{pk}.json" for pk in keys(world)],
    "editions/<int:pk>/<year:year>.<datakind:kind>": lambda world: [
        f"/editions/{pk}/2020.csv" for pk in keys(world)[:2]
    ],
    "contributions.<datakind:kind>": lambda world: [
        "/contributions.csv",
        "/contributions.json?operation=per",
    ],
    "contributions/days.<datakind:kind>": lambda world: ["/contributions/days.csv"],
    "contributions/<slug:slug>/<reference:reference>.<datakind:kind>": lambda world: [
        "/contributions/norway/nothing.csv"
    ],
    "donors.<datakind:kind>": lambda world: ["/donors.csv", "/donors.xlsx"],
    "donors/<slug:slug>.<datakind:kind>": lambda world: ["/donors/norway.csv", "/donors/nobody-yet.csv"],
    "feeds/releases.atom": lambda world: ["/feeds/releases.atom", "/feeds/releases.atom?operation=per"],
    "feeds/releases.json": lambda world: ["/feeds/releases.json", "/feeds/releases.json?region=AME"],
    "feeds/corrections.atom": lambda world: ["/feeds/corrections.atom"],
    "feeds/corrections.json": lambda world: ["/feeds/corrections.json?operation=new"],
    "maps/outlines/<sheet:sheet>.geojson": lambda world: ["/maps/outlines/-90,-30,-60,5.geojson"],
    "methodology/": lambda world: ["/methodology/"],
    "about/data/": lambda world: ["/about/data/"],
    "accessibility/": lambda world: ["/accessibility/"],
    "opensearch.xml": lambda world: ["/opensearch.xml"],
    "contributions/": lambda world: [
        "/contributions/",
        "/contributions/?operation=per&donor=norway&year=2021",
    ],
    "contributions/<slug:slug>/<reference:reference>/": lambda world: [
        f"/contributions/norway/{reference}/"
        for reference in Contribution.objects.order_by("pk").values_list("reference", flat=True)[:1]
        if reference
    ],
    "contributions/figures/<slug:name>/": lambda world: ["/contributions/figures/donors/?year=2021"],
    "contributions/figures/<slug:name>.<filekind:kind>": lambda world: [
        f"/contributions/figures/months.{kind}?year=2021" for kind in ("svg", "png", "csv")
    ],
    "donors/<slug:slug>/figures/<slug:name>/": lambda world: ["/donors/norway/figures/years/"],
    "donors/<slug:slug>/figures/<slug:name>.<filekind:kind>": lambda world: [
        "/donors/norway/figures/years.csv"
    ],
    "donors/": lambda world: ["/donors/", "/donors/?year=2021"],
    "donors/<slug:slug>/": lambda world: ["/donors/norway/", "/donors/nobody-yet/"],
}
# Shows a draft to who was given its address, and is no address for readers.
NOT_FOR_READERS = {"preview/<str:token>/"}


def keys(world: World) -> list[int]:
    """Of the editions that were there at the beginning."""
    found = Edition.objects.filter(made_at__lt=MAY + dt.timedelta(days=1)).order_by("pk")
    return list(found.values_list("pk", flat=True))


def addresses(world: World, languages: tuple[str, ...] = LANGUAGES) -> list[str]:
    """Those of today in these languages (without any: each in one of the four), and of each one of another day."""
    plain = [address for asked in PAGES.values() for address in asked(world)]
    found = []
    for number, address in enumerate(plain):
        own = LANGUAGES[number % 4]
        found += [(address, language) for language in languages or (own,)]
        past, future = (moment.replace("?", "&") if "?" in address else moment for moment in MOMENTS)
        found += [(address + past, own)] + ([(address + future, own)] if languages else [])
    untranslated = ("/healthz", "/sitemap.xml", "/brand/", "/api/v1")
    return list(
        dict.fromkeys(
            address if language == "en" or address.startswith(untranslated) else f"/{language}{address}"
            for address, language in found
        )
    )


class Answers(dict):
    """Of each address its status, its headers and its body."""

    def __repr__(self) -> str:
        return f"<answers of {len(self)} addresses>"


def answers(asked: list[str]) -> Answers:
    """What is answered to somebody who has kept nothing."""
    cache.clear()
    client, got = Client(), Answers()
    for address in asked:
        response = client.get(address)
        # A script's nonce is drawn anew for each answer.
        body = response.getvalue().replace(
            str(getattr(response.wsgi_request, "_csp_nonce", None) or "-").encode(), b"-"
        )
        got[address] = (response.status_code, [response.get(name) for name in HEADERS], body)
    return got


def changed(before: dict[str, tuple], after: dict[str, tuple]) -> list[str]:
    return [address for address, answer in after.items() if answer != before[address]]


# --- What staff do before a release ------------------------------------------------------------------


def save_a_profile(world: World, number: int) -> None:
    of = world.operations[number % len(world.operations)]
    of.name_en, of.name_fr, of.notice_en = f"Renamed {number}", f"Renommé {number}", "Not yet said."
    of.latitude, of.longitude, of.last_year = Decimal("1.5"), Decimal("2.5"), 2024
    of.save()
    of.offices.update(name=f"Office {number}", is_public=number % 2 == 0)
    of.population_figures.update(people=9_000_000 + number)
    of.financial_figures.update(amount_usd=Decimal(7_000_000 + number))
    factories.population(of, 2022 + Edition.objects.count(), people=77)
    editions.record(of, world.by)


def save_a_text(world: World, number: int) -> None:
    text = world.texts[number % len(world.texts)]
    text.sections.update(body=f"<p>A draft, the {number}th.</p>")
    text.key_figures.update(text=f"a draft, the {number}th")
    editions.record(text, world.by)


def begin_a_text(world: World, number: int) -> None:
    of, language = world.operations[number % 2], LANGUAGES[number % 4]
    year = 2022 + of.narratives.count()
    text = factories.narrative(of, year, ("plan", "year_end")[number % 2], language=language)
    text.sections.create(type=SectionType.objects.first(), body="<p>Begun.</p>")
    editions.record(text, world.by)


def send_for_review(world: World, number: int) -> None:
    editions.send_for_review(world.copies[number % len(world.copies)], world.by, "Please look at it.")


def comment(world: World, number: int) -> None:
    edition = Edition.objects.of(world.copies[number % len(world.copies)]).first()
    Step.objects.create(edition=edition, kind=Step.Kind.COMMENT, text="Is this right?", by=world.by)


def answer_a_warning(world: World, number: int) -> None:
    edition = Edition.objects.of(world.copies[number % len(world.copies)]).first()
    Answer.objects.create(
        edition=edition, check_code="near", key="k", message="Near.", reason="It is.", by=world.by
    )


def schedule(world: World, number: int) -> None:
    save_a_profile(world, number) if number % 2 else save_a_text(world, number)
    copies = world.operations if number % 2 else world.texts
    of = copies[number % len(copies)]
    editions.release(
        of, world.by, NOW + dt.timedelta(seconds=1 + number * 86_400), note="To come.", is_correction=True
    )


def unschedule(world: World, number: int) -> None:
    editions.unschedule(world.copies[number % len(world.copies)], world.by)


def import_lines(world: World, number: int) -> None:
    times = {"released_at": None if number % 2 else NOW + dt.timedelta(seconds=1)}
    batch = factories.batch(file_name="new.csv", **times)
    donor, _made = Donor.objects.get_or_create(name="Nobody yet", kind="government", may_be_named=True)
    occurrence = 2 + Contribution.objects.count()
    factories.contribution(donor, batch=batch, operation=world.operations[0], occurrence=occurrence)
    newest = Contribution.objects.current().filter(key=world.line.key, occurrence=1)
    if newest.update(replaced_in=batch, is_current=False):
        factories.contribution(
            world.line.donor,
            batch=batch,
            key=world.line.key,
            operation=world.line.operation,
            amount_usd=Decimal(5),
        )


def make_a_link(world: World, number: int) -> None:
    edition = Edition.objects.of(world.copies[number % len(world.copies)]).first()
    PreviewLink.objects.create(edition=edition, made_by=world.by, expires_at=NOW + dt.timedelta(hours=1))


def give_a_role(world: World, number: int) -> None:
    factories.user(f"somebody-{get_user_model().objects.count()}", groups=("Viewers",))


def open_a_form(world: World, number: int) -> None:
    OpenForm.objects.get_or_create(user=world.by, form=f"operation/{number}")


def add_an_operation(world: World, number: int) -> None:
    """Its text is released, but it is not; and it says that it followed one that is public."""
    if Operation.objects.filter(code="NEW").exists():
        return
    region = Region.objects.get(code=("AME", "AFR")[number % 2])
    new = factories.operation("NEW", region=region, predecessor=world.operations[0])
    factories.population(new)
    editions.record(new, world.by)
    editions.release(factories.narrative(new, sections={"unmet-needs": "<p>New.</p>"}), world.by)
    factories.contribution(
        world.line.donor, batch=factories.batch(released_at=None), operation=new, occurrence=1
    )


def restore(world: World, number: int) -> None:
    of = world.copies[number % len(world.copies)]
    editions.restore(Edition.objects.of(of).last(), of, world.by)


ACTS = [
    save_a_profile, save_a_text, begin_a_text, send_for_review, comment, answer_a_warning, schedule, unschedule,
    import_lines, make_a_link, give_a_role, open_a_form, add_an_operation, restore,
]  # fmt: skip


def act(world: World, acts: list[tuple[Callable, int]]) -> None:
    """An hour before readers look again."""
    with time_machine.travel(NOW - dt.timedelta(hours=1), tick=False):
        for do, number in acts:
            for copy in world.copies:
                copy.refresh_from_db()
            do(world, number)


@pytest.fixture(scope="module")
def before(world: World, django_db_blocker: Any) -> dict[str, tuple]:
    with django_db_blocker.unblock(), time_machine.travel(NOW, tick=False):
        return answers(addresses(world))


def test_every_address_for_readers_is_looked_at():
    public = {route for route, _name in routes() if not route.startswith("admin/")}
    assert public == PAGES.keys() | NOT_FOR_READERS, (
        "Say in PAGES at which addresses readers ask for a new route."
    )


def test_the_same_is_answered_twice(world, before):
    """Else the tests below would say nothing."""
    again = answers(addresses(world, ()))
    assert changed(before, again) == []
    assert {answer[0] for answer in again.values()} >= {200, 404, 410}


def test_all_that_staff_do_before_a_release_changes_no_byte_in_any_language(world, before):
    act(world, [(do, number) for number in (0, 1) for do in ACTS])
    assert changed(before, answers(list(before))) == []


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(acts=st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 7)), min_size=1, max_size=6))
def test_what_nobody_has_released_changes_nothing_that_readers_get(world, before, acts):
    asked = addresses(world, ())
    with transaction.atomic():
        act(world, acts)
        after = answers(asked)
        transaction.set_rollback(True)
    for copy in world.copies:
        copy.refresh_from_db()
    assert changed(before, after) == []


# --- And what a release does -------------------------------------------------------------------------


def release_profile(world: World) -> None:
    editions.release(world.operations[0], world.by)


def release_text(world: World) -> None:
    editions.release(world.texts[0], world.by)


def release_lines(world: World) -> None:
    factories.contribution(
        world.line.donor, batch=factories.batch(), operation=world.operations[0], occurrence=9
    )


@pytest.mark.parametrize(
    ("do", "pages"),
    [
        (
            release_profile,
            {"/", "/operations/", "/operations/per/2020/", "/feeds/releases.atom", "/sitemap.xml"},
        ),
        (
            release_text,
            {
                "/operations/per/2020/",
                "/operations/per/2020/history/",
                "/feeds/releases.atom",
                "/sitemap.xml",
            },
        ),
        (
            release_lines,
            {"/operations/per/2020/", "/contributions/", "/donors/", "/donors/norway/", "/sitemap.xml"},
        ),
    ],
)
def test_a_release_changes_the_pages_that_it_concerns(world, before, do, pages):
    act(world, [(save_a_profile, 0), (save_a_text, 0), (lambda world, _number: do(world), 0)])
    assert changed(before, answers(sorted(pages))) == sorted(pages)
