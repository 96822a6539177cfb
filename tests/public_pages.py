"""Every public page: an address of the demonstration for each, in each of its states.

``PAGES`` are there as soon as the demonstration is loaded; ``every_page()`` makes what else a page may be of: an
edition that was corrected, one that was withdrawn, a gift with its reference, a draft under a signed link.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from contributions.models import Donor
from operations.editions import record, release, withdraw
from operations.models import Edition, FinancialFigure, Narrative, Operation, PreviewLink
from operations.previews import token_of
from tests import factories

LANGUAGES = ["en", "fr", "es", "ar"]

# Each address, and how it is answered.
PAGES = {
    "/": 200,
    "/?circles=people": 200,
    "/?as_of=2021-11-25": 200,
    "/operations/": 200,
    "/operations/?year=2019&region=AME": 200,
    "/operations/?kind=country&size=people-10000&sort=budget": 200,
    "/operations/?year=1980": 200,
    "/regions/ame/": 200,
    "/regions/ame/?year=2020": 200,
    "/compare/": 200,
    "/compare/?with=peru-2020&with=colombia-2020&with=x-1": 200,
    "/operations/peru/": 200,
    "/operations/peru/2020/": 200,
    "/operations/peru/2019/": 200,
    "/operations/peru/2020/?as_of=2021-11-25": 200,
    "/operations/argentina-multi-country-office/2019/": 200,
    "/operations/chad/2017/": 200,
    "/operations/chad/2017/pillars/": 200,
    "/operations/peru/2020/history/": 200,
    "/operations/peru/2020/figures/people/": 200,
    "/operations/peru/2020/figures/money/": 200,
    "/operations/peru/2020/figures/map/": 200,
    "/contributions/": 200,
    "/contributions/?year=2021": 200,
    "/contributions/?donor=norway": 200,
    "/contributions/?year=2021&region=none&sort=largest": 200,
    "/contributions/figures/donors/?year=2021": 200,
    "/donors/": 200,
    "/donors/?year=2021": 200,
    "/donors/norway/": 200,
    "/donors/germany/": 200,
    "/search/": 200,
    "/search/?q=peru": 200,
    "/search/?q=tumbes+2020": 200,
    "/search/?q=Colombai": 200,
    "/methodology/": 200,
    "/about/data/": 200,
    "/accessibility/": 200,
    "/nowhere/": 404,
    "/operations/nowhere/": 404,
    "/operations/peru/2020/?as_of=2010-01-01": 404,
    "/operations/peru/2020/?as_of=1850-01-01": 400,
    "/?as_of=yesterday": 400,
    "/preview/nothing/": 410,
}


def in_language(address: str, code: str) -> str:
    return address if code == "en" else f"/{code}{address}"


def every_page() -> dict[str, int]:
    corrected_and_withdrawn()
    old = Edition.objects.get(operation__slug="peru", year=2020, kind="year_end", language="en", number=1)
    profile = Edition.objects.filter(operation__slug="peru", year=None).earliest("released_at")
    gone = Edition.objects.filter(operation__slug="chad", year=None).latest("released_at")
    withdrawn_pages = dict.fromkeys(["/operations/chad/2017/", "/operations/chad/2017/pillars/"], 410)
    return {
        **PAGES,
        **withdrawn_pages,
        "/operations/peru/2020/pillars/": 200,
        f"/editions/{old.pk}/": 200,
        f"/editions/{old.pk}/?as_of=2021-12-01": 200,
        f"/editions/{profile.pk}/2020/": 200,
        f"/editions/{gone.pk}/": 410,
        **dict.fromkeys(pages_of_a_gift(), 200),
        draft(): 200,
    }


def corrected_and_withdrawn() -> None:
    """Peru's profile, its facts, report and translation changed; its next plan and Chad withdrawn."""
    peru, chad = Operation.objects.get(slug="peru"), Operation.objects.get(slug="chad")
    peru.population_figures.filter(year=2020).update(people=F("people") + 1)
    peru.financial_figures.filter(year=2020).update(status=FinancialFigure.Status.FINAL)
    Operation.objects.filter(pk=peru.pk).update(zoom=7, first_year=2018, is_active=False, kind="situation")
    office = peru.offices.first()
    peru.offices.filter(pk=office.pk).update(is_approximate=not office.is_approximate, kind="field_unit")
    release(Operation.objects.get(pk=peru.pk), None, note="One person had been left out.", is_correction=True)
    report = Narrative.objects.get(operation=peru, year=2020, kind="year_end", language="en")
    section, (first, *_others, last) = report.sections.first(), report.key_figures.all()
    section.body = (
        section.body.replace("<p>", "<p>One person more. ", 1) + '<p>See <a href="/donors/">them</a>.</p>'
    )
    section.save()
    report.key_figures.filter(pk=first.pk).update(text="people, and one more", source="Refugee Data Finder")
    report.key_figures.filter(pk=last.pk).update(order=0)
    release(report, None, note="The report had left one person out.", is_correction=True)
    plan = Narrative.objects.get(operation=peru, year=2021, kind="plan", language="en")
    withdraw(plan, None, reason="replaced", notice="It was not yet agreed.", replaced_by="/operations/peru/")
    withdraw(chad, None, reason="no_longer_true", notice="The figures are being counted again.")


def pages_of_a_gift() -> list[str]:
    """A gift of Norway in two parts, which gives the page of that donor a second year to draw."""
    norway, peru = Donor.objects.get(slug="norway"), Operation.objects.get(slug="peru")
    batch = factories.batch()
    for operation, earmarking in ((peru, "earmarked"), (None, "unearmarked")):
        factories.contribution(
            norway,
            batch=batch,
            reference="NOR/2020 7",
            operation=operation,
            earmarking=earmarking,
            budget_year=2020,
            amount_usd=Decimal("2500.00"),
        )
    return [
        reverse("contributions:contribution", args=["norway", "NOR/2020 7"]),
        "/donors/norway/figures/years/",
    ]


def draft() -> str:
    """The address of a signed link to a change of Peru’s report of 2019 that nobody has released."""
    text = Narrative.objects.get(operation__slug="peru", year=2019, kind="year_end", language="en")
    section = text.sections.first()
    section.body += "<p>A sentence that nobody has released.</p>"
    section.save()
    now = timezone.now()
    link = PreviewLink.objects.create(
        edition=record(text, None), made_at=now, expires_at=now + dt.timedelta(hours=1)
    )
    return reverse("operations:preview", args=[token_of(link)])
