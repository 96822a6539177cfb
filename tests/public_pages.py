"""Every public page of the demonstration, in each of its states: what the tests of all pages go through."""

from __future__ import annotations

import datetime as dt

from django.urls import reverse
from django.utils import timezone

from contributions.models import Contribution, Donor
from operations.editions import record, release, withdraw
from operations.models import Edition, Narrative, Operation, PreviewLink, TextKind
from operations.previews import token_of
from tests import factories

PAGES = (
    "/",
    "/?circles=people",
    "/?as_of=2021-11-25",
    "/operations/",
    "/operations/?year=2019&region=AME&sort=-budget",
    "/operations/?q=nowhere",
    "/operations/peru/",
    "/operations/peru/2020/",
    "/operations/peru/2020/?as_of=2021-11-25",
    "/operations/peru/2019/",
    "/operations/argentina-multi-country-office/2019/",
    "/operations/chad/2017/",
    "/operations/chad/2017/pillars/",
    "/operations/peru/2020/history/",
    "/operations/peru/2020/figures/people/",
    "/operations/peru/2020/figures/map/",
    "/operations/chad/2017/figures/people-years/",
    "/regions/ame/",
    "/regions/ame/?year=2019",
    "/compare/",
    "/compare/?with=peru-2020&with=colombia-2020",
    "/contributions/",
    "/contributions/?year=2021&sort=donor&region=none",
    "/contributions/?q=nothing",
    "/contributions/figures/donors/?year=2021",
    "/donors/",
    "/donors/?year=1999",
    "/donors/germany/",
    "/donors/serbia/",
    "/search/",
    "/search/?q=peru",
    "/search/?q=Colombai",
    "/search/?q=tumbes+2020",
    "/methodology/",
    "/about/data/",
    "/data/",
    "/api/",
    "/changes/",
    "/changes/?since=2020-01-01&is_correction=true",
    "/changes/?since=yesterday",
    "/accessibility/",
    # What is answered where there is no page.
    "/nowhere/",
    "/operations/peru/2020/?as_of=yesterday",
    "/operations/peru/2020/?as_of=2001-01-01",
    "/operations/peru/2020/?as_of=1850-01-01",
    "/preview/nothing/",
)
NO_PAGE = {
    "healthz", "sitemap", "brand_stylesheet", "brand_logo",
    "operations:figure_file", "operations:card", "operations:brief", "operations:edition_brief",
    "operations:releases", "operations:outlines", "operations:opensearch",
    "contributions:figure_file", "contributions:donor_figure_file",
    "api", "api_document", "api_search", "api_dataset", "api_row", "api_nothing", "operations:archive", "operations:releases_json", "operations:corrections", "operations:corrections_json", "operations:changes_data", "operations:dataset", "operations:operations_data", "operations:operation_data", "operations:year_data",
    "operations:table_data", "operations:region_data", "operations:compare_data", "operations:edition_data",
    "contributions:contributions_data", "contributions:days_data", "contributions:contribution_data",
    "contributions:donors_data", "contributions:donor_data",
}  # fmt: skip


def public_pages() -> list[str]:
    """Needs the demonstration in the database."""
    report = Edition.objects.released().filter(kind=TextKind.YEAR_END, year=2020).first()
    profile = Edition.objects.released().profiles().first()
    with_reference = Contribution.objects.released().exclude(reference="").of_named().first()
    return [
        *PAGES,
        f"/editions/{report.pk}/",
        f"/editions/{profile.pk}/2020/",
        *([with_reference.get_absolute_url()] if with_reference else []),
    ]


def pages_in_other_states() -> list[str]:
    """Makes what the demonstration has nothing of: a correction, a withdrawal, a gift in two parts, a sent draft."""
    return [*pages_of_a_correction(), *pages_of_a_withdrawal(), *pages_of_a_gift(), page_of_a_draft()]


def pages_of_a_correction() -> list[str]:
    report = Narrative.objects.get(operation__slug="peru", year=2020, kind=TextKind.YEAR_END, language="en")
    old = Edition.objects.of(report).released().first()
    report.key_figures.filter(pk=report.key_figures.first().pk).update(text="people, and one more")
    release(report, None, note="The report had left one person out.", is_correction=True)
    return [f"/editions/{old.pk}/", f"/editions/{old.pk}/?as_of=2021-12-03"]


def pages_of_a_withdrawal() -> list[str]:
    operation = Operation.objects.get(slug="south-sudan")
    profile = Edition.objects.of(operation).released().first()
    withdraw(operation, None, reason="no_longer_true", notice="The figures are being counted again.")
    return ["/operations/south-sudan/", f"/editions/{profile.pk}/"]


def pages_of_a_gift() -> list[str]:
    """With it, Norway has a second year to draw."""
    norway, batch = Donor.objects.get(slug="norway"), factories.batch()
    for operation in (Operation.objects.get(slug="peru"), None):
        factories.contribution(
            norway, batch=batch, reference="NOR/2020 7", operation=operation, budget_year=2020
        )
    gift = reverse("contributions:contribution", args=["norway", "NOR/2020 7"])
    return [gift, "/donors/norway/", "/donors/norway/figures/years/"]


def page_of_a_draft() -> str:
    """The address of a signed link to a change that nobody has released."""
    text = Narrative.objects.get(operation__slug="peru", year=2019, kind=TextKind.YEAR_END, language="en")
    section = text.sections.first()
    section.body += "<p>A sentence of the draft.</p>"
    section.save()
    now = timezone.now()
    link = PreviewLink.objects.create(
        edition=record(text, None), made_at=now, expires_at=now + dt.timedelta(hours=1)
    )
    return reverse("operations:preview", args=[token_of(link)])


def in_language(address: str, code: str) -> str:
    return address if code == "en" else f"/{code}{address}"
