"""Every public page of the demonstration, in each of its states: what the tests of all pages go through."""

from __future__ import annotations

from contributions.models import Contribution
from operations.models import Edition, TextKind

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
    "/accessibility/",
    # What is answered where there is no page.
    "/nowhere/",
    "/operations/peru/2020/?as_of=yesterday",
    "/operations/peru/2020/?as_of=2001-01-01",
)
# Of public pages, those that the demonstration has nothing of, and what is no page.
NOT_HERE = {"operations:preview", "contributions:donor_figure"}
NO_PAGE = {
    "healthz", "sitemap", "brand_stylesheet", "brand_logo",
    "operations:figure_file", "operations:card", "operations:brief", "operations:edition_brief",
    "operations:releases", "operations:outlines", "operations:opensearch",
    "contributions:figure_file", "contributions:donor_figure_file",
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


def in_language(address: str, code: str) -> str:
    return address if code == "en" else f"/{code}{address}"
