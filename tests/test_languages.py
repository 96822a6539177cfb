"""The public site in four languages: complete, the right way round, with figures as each language prints them."""

import datetime as dt
import gettext
import html
import re
import shutil
import subprocess
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings as site
from django.core.management import call_command
from django.db.models import F, Q
from django.utils.translation import override

from contributions.models import Contribution, Donor
from operations.editions import release, withdraw
from operations.models import (
    Edition,
    FinancialFigure,
    MissingReason,
    Narrative,
    Office,
    Operation,
    TextKind,
)
from operations.templatetags import figures
from tests.reading import words

ROOT = Path(__file__).resolve().parents[1]
TRANSLATED = ["fr", "es", "ar"]
LANGUAGES = ["en", *TRANSLATED]

# What puts words on public pages; the words of the admin may stay English.
PUBLIC_MODULES = [
    "operations/comparing.py",
    "operations/comparison.py",
    "operations/drawings.py",
    "operations/feeds.py",
    "operations/figures.py",
    "operations/finding.py",
    "operations/history.py",
    "operations/moments.py",
    "operations/pages.py",
    "operations/previews.py",
    "operations/profiles.py",
    "operations/readers.py",
    "operations/regions.py",
    "operations/search.py",
    "operations/sitemap.py",
    "operations/views.py",
    "operations/word_diff.py",
    "operations/templatetags/figures.py",
    "operations/templatetags/moments.py",
    "operations/templatetags/readers.py",
    "contributions/drawings.py",
    "contributions/filters.py",
    "contributions/lines.py",
    "contributions/parts.py",
    "contributions/ranking.py",
    "contributions/received.py",
    "contributions/search.py",
    "contributions/sitemap.py",
    "contributions/views.py",
    "contributions/templatetags/contributions.py",
]
PUBLIC_CHOICES = [
    Contribution.Earmarking,
    Donor.Kind,
    Edition.Kind,
    Edition.WithdrawalReason,
    FinancialFigure.Measure,
    FinancialFigure.Status,
    MissingReason,
    Office.Kind,
    Operation.Kind,
    TextKind,
]
# The comparison of two profiles names these facts as the forms of the admin do.
PUBLIC_FIELDS = [
    "name", "notice", "kind", "countries", "region", "zoom", "first_year", "last_year", "predecessor", "is_active",
]  # fmt: skip

ADDRESSES = [
    "/",
    "/operations/",
    "/operations/?year=2019&region=AME",
    "/operations/?kind=country&size=people-10000&sort=budget",
    "/regions/ame/",
    "/compare/?with=peru-2020&with=colombia-2020&with=x-1",
    "/operations/peru/",
    "/operations/peru/2020/",
    "/operations/peru/2020/history/",
    "/operations/chad/2017/pillars/",
    "/contributions/",
    "/contributions/?donor=norway",
    "/contributions/?year=2021&region=none&sort=largest",
    "/donors/",
    "/donors/?year=2021",
    "/donors/norway/",
    "/search/",
    "/search/?q=peru",
    "/search/?q=tumbes+2020",
    "/methodology/",
    "/about/data/",
    "/accessibility/",
]


pytestmark = pytest.mark.once


@pytest.fixture
def demo(loaded_demo, db, settings):
    settings.DEMO = True


def in_language(address: str, code: str) -> str:
    return address if code == "en" else f"/{code}{address}"


def chooser(response) -> list[tuple[str, str, bool, str]]:
    """Its links in order: address, language, whether it is the present one, name."""
    found = re.findall(
        r'<a href="([^"]*)" lang="(\w+)" hreflang="\2"( aria-current="page")?>([^<]*)</a>',
        response.content.decode(),
    )
    return [(html.unescape(address), code, bool(current), name) for address, code, current, name in found]


def alternates(response) -> list[tuple[str, str]]:
    found = re.findall(r'<link rel="alternate" hreflang="([^"]*)" href="([^"]*)">', response.content.decode())
    return [(code, html.unescape(address)) for code, address in found]


def editions_of_peru() -> list[str]:
    """The addresses of an old edition, the one that corrected it and one of the profile."""
    made = Edition.objects.filter(operation__slug="peru", withdrawn_at=None).exclude(kind="plan")
    return [
        f"/editions/{pk}/" for pk in made.filter(Q(year=2020) | Q(year=None)).values_list("pk", flat=True)
    ]


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


class Unmarked(HTMLParser):
    """The words of a page and of its labels, but for what is marked as being in another language."""

    EMPTY = frozenset({"br", "hr", "img", "input", "link", "meta"})

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code, self.languages, self.said = code, [code], []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        given = dict(attrs)
        language = given.get("lang", self.languages[-1])
        if language == self.code:
            said = [given.get(name) or "" for name in ("aria-label", "title", "alt", "data-label")]
            self.said += [*said, given.get("content", "") if given.get("name") == "description" else ""]
        if tag not in self.EMPTY:
            self.languages.append("" if tag in {"script", "style"} else language)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.EMPTY:
            self.languages.pop()

    def handle_data(self, data: str) -> None:
        if self.languages[-1] == self.code:
            self.said.append(data)


def unmarked(page: str, code: str) -> str:
    parser = Unmarked(code)
    parser.feed(page)
    parser.close()
    assert parser.languages == [code]
    return " ".join(" ".join(parser.said).split())


# --- The catalogues -------------------------------------------------------------------------------


def po(code: str) -> Path:
    return ROOT / "locale" / code / "LC_MESSAGES" / "django.po"


def entries(mo: Path) -> dict:
    """What a compiled catalogue holds: words by message, or by message and number of its plural form."""
    with mo.open("rb") as file:
        return {key: text for key, text in gettext.GNUTranslations(file)._catalog.items() if key}


def compiled(source: Path, target: Path) -> dict:
    subprocess.run(["msgfmt", "--check", "-o", target, source], check=True, capture_output=True)
    return entries(target)


@pytest.fixture
def public_messages(tmp_path, settings, monkeypatch) -> set:
    """Every message of the public templates and modules, with the labels that they print."""
    source = tmp_path / "public"
    shutil.copytree(
        ROOT / "templates", source / "templates", ignore=lambda folder, names: {"admin"} & set(names)
    )
    for name in PUBLIC_MODULES:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    (source / "locale").mkdir()
    settings.LOCALE_PATHS = [source / "locale"]
    monkeypatch.chdir(source)
    call_command("makemessages", locale=["en"], no_location=True, verbosity=0)
    english = tmp_path / "english.po"
    subprocess.run(
        ["msgen", "-o", english, source / "locale/en/LC_MESSAGES/django.po"], check=True, capture_output=True
    )
    found = {key[0] if isinstance(key, tuple) else key for key in compiled(english, tmp_path / "english.mo")}
    with override("en"):
        found |= {str(choice.label) for choices in PUBLIC_CHOICES for choice in choices}
        found |= {str(Operation._meta.get_field(name).verbose_name) for name in PUBLIC_FIELDS}
        found |= {str(name) for _code, name in site.LANGUAGES}
    return found


def test_every_word_of_the_public_pages_is_translated(public_messages):
    assert len(public_messages) > 150
    for code in TRANSLATED:
        catalogue = entries(po(code).with_suffix(".mo"))
        known = {key[0] if isinstance(key, tuple) else key for key, text in catalogue.items() if text}
        assert sorted(public_messages - known) == [], code


@pytest.mark.parametrize("code", TRANSLATED)
def test_the_compiled_catalogue_is_that_of_its_source(code, tmp_path):
    assert entries(po(code).with_suffix(".mo")) == compiled(po(code), tmp_path / "now.mo")


@pytest.mark.parametrize(("code", "forms"), [("fr", 2), ("es", 3), ("ar", 6)])
def test_every_plural_has_all_its_forms(code, forms):
    catalogue = entries(po(code).with_suffix(".mo"))
    plurals = {key[0] for key in catalogue if isinstance(key, tuple)}
    assert len(plurals) > 3
    missing = [(one, n) for one in plurals for n in range(forms) if not catalogue.get((one, n))]
    assert missing == []


@pytest.mark.parametrize("code", TRANSLATED)
def test_the_source_names_nobody_and_guesses_nothing(code):
    text = po(code).read_text(encoding="utf-8")
    assert re.findall(r"\S+@\S+|FULL NAME|FIRST AUTHOR|^#.*\bfuzzy\b|^#: .*", text, re.MULTILINE) == []


def test_french_puts_its_narrow_space_before_high_punctuation():
    wrong = [
        text
        for text in entries(po("fr").with_suffix(".mo")).values()
        if re.search(r"[ \u00a0][:;!?»%]|« |\w[:;!?](\s|$)", re.sub(r"%(\(\w+\))?[sd]", "x", text))
    ]
    assert wrong == []


# --- Figures and days -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "number", "whole", "cents", "short", "negative", "share", "day"),
    [
        ("en", "1,557,276", "$48,625,534", "$48,625,534.17", "$48.6 million", "−$5", "34.5%", "1 December 2021"),
        (
            "fr", "1~557~276", "48~625~534~$", "48~625~534,17~$", "48,6~millions de dollars", "−5~$", "34,5\u202f%",
            "1 décembre 2021",
        ),
        (
            "es", "1~557~276", "US$~48~625~534", "US$~48~625~534,17", "48,6~millones de dólares", "−US$~5", "34,5~%",
            "1 de diciembre de 2021",
        ),
        (
            "ar", "1,557,276", "48,625,534~دولار", "48,625,534.17~دولار", "48.6~مليون دولار", "\u200e−5~دولار",
            "34.5\u200e%\u200e", "1 ديسمبر 2021",
        ),
    ],
)  # fmt: skip
def test_figures_are_printed_as_the_language_does(code, number, whole, cents, short, negative, share, day):
    amount = Decimal("48625534.17")
    with override(code):
        assert [
            text.replace("\u00a0", "~")
            for text in (
                figures.number(1557276),
                figures.usd(amount),
                figures.usd_cents(amount),
                figures.usd_short(amount),
                figures.usd(Decimal("-5.00")),
                figures.share_of(Decimal(345), Decimal(1000)),
                figures.day(dt.date(2021, 12, 1)),
            )
        ] == [number, whole, cents, short, negative, share, day]


def test_french_counts_as_one_what_is_less_than_two():
    with override("fr"):
        assert figures.usd_short(Decimal("1200000")) == "1,2\u00a0million de dollars"
    with override("es"):
        assert figures.usd_short(Decimal("1200000")) == "1,2\u00a0millones de dólares"
        assert figures.usd_short(Decimal("1000000")) == "1,0\u00a0millones de dólares"
        assert figures.key_figure("1 million", "es") == "1\u00a0millón"
        assert figures.key_figure("0.5 million", "es") == "0,5\u00a0millones"
        assert figures.key_figure("> US$1.2 million", "es") == ">\u00a01,2\u00a0millones de dólares"


# --- The pages ------------------------------------------------------------------------------------


def test_every_page_names_its_language_and_its_direction_and_links_to_the_others(demo, client):
    for address in [*ADDRESSES, *editions_of_peru()]:
        for code in LANGUAGES:
            response = client.get(in_language(address, code))
            page = response.content.decode()
            assert response.status_code == 200, (address, code)
            assert f'<html lang="{code}" dir="{"rtl" if code == "ar" else "ltr"}">' in page
            assert chooser(response) == [
                (in_language(address, other), other, other == code, name)
                for other, name in zip(LANGUAGES, ["English", "Français", "Español", "العربية"], strict=True)
            ]
            assert alternates(response) == [
                *((other, f"http://testserver{in_language(address, other)}") for other in LANGUAGES),
                ("x-default", f"http://testserver{address}"),
            ]


PAST = [
    ("/?as_of=2021-11-25", 200),
    ("/operations/peru/?as_of=2021-11-25T09:00Z", 200),
    ("/operations/peru/2020/?as_of=2021-11-25", 200),
    ("/operations/peru/2020/history/?as_of=2021-11-25", 200),
    ("/operations/peru/2020/?as_of=2010-01-01", 404),
    ("/operations/peru/2020/?as_of=1850-01-01", 400),
    ("/?as_of=yesterday", 400),
]


@pytest.mark.parametrize(("address", "status"), PAST)
def test_a_page_of_the_past_has_the_chooser_and_no_alternates(demo, client, address, status):
    for code in LANGUAGES:
        response = client.get(in_language(address, code))
        assert response.status_code == status
        assert f'<html lang="{code}" dir="{"rtl" if code == "ar" else "ltr"}">' in response.content.decode()
        assert [link[:3] for link in chooser(response)] == [
            (in_language(address, other), other, other == code) for other in LANGUAGES
        ]
        assert alternates(response) == []


def test_no_english_stands_on_a_page_in_another_language_but_where_it_is_marked(demo, client):
    """The words that nearly every English sentence holds; none of them is a word of French or Spanish."""
    corrected_and_withdrawn()
    addresses = [
        *(address for address in ADDRESSES if address != "/methodology/"),
        *editions_of_peru(),
        *(address for address, _status in PAST),
        "/operations/chad/2017/",
        "/operations/nowhere/",
        "/preview/nothing/",
    ]
    english = re.compile(
        r"\b(the|of|and|is|was|were|been|this|that|with|what|which|released|withdrawn|edition|added)\b",
        re.IGNORECASE,
    )
    found = set()
    for code in TRANSLATED:
        for address in addresses:
            text = unmarked(client.get(in_language(address, code)).content.decode(), code)
            found |= {
                (code, address, text[max(0, m.start() - 40) : m.end() + 40]) for m in english.finditer(text)
            }
    assert found == set()


def test_the_history_of_a_page_in_french_spanish_and_arabic(demo, client):
    for code, sentences in {
        "fr": [
            "Rapport de fin d’année 2020 (anglais), édition 2 Correction Publiée le 2 décembre 2021 à 09:00 UTC",
            "Ce qui a changé par rapport à l’édition 1",
        ],
        "es": [
            "Informe de fin de año 2020 (inglés), edición 2 Corrección Publicada el 2 de diciembre de 2021, 09:00 UTC",
            "Qué cambió respecto de la edición 1",
        ],
        "ar": [
            "تقرير نهاية عام 2020 (الإنجليزية)، الإصدار 2 تصحيح نُشر في 2 ديسمبر 2021، \u20689:00 ص UTC\u2069",
            "ما الذي تغيّر مقارنة بالإصدار 1",
        ],
    }.items():
        response = client.get(f"/{code}/operations/peru/2020/history/")
        text, page = re.sub(r"\s+(?=،)", "", words(response)), response.content.decode()
        for sentence in sentences:
            assert sentence in text
        assert '<span lang="en">people given cash in an emergency for their basic needs</span>' in page
        assert '<del><bdi lang="en">52,000</bdi></del>' in page
        assert '<ins><bdi lang="en">52,996</bdi></ins>' in page


def test_the_chooser_is_named_in_the_readers_language(db, client):
    names = {code: client.get(in_language("/", code)).content.decode() for code in LANGUAGES}
    for code, name in {"en": "Language", "fr": "Langue", "es": "Idioma", "ar": "اللغة"}.items():
        assert f'<nav class="languages" aria-label="{name}">' in names[code]


@pytest.mark.parametrize(
    "address", ["/nothing/here/?year=2020", "/operations/nowhere/", "/operations/nowhere/2020/"]
)
def test_a_page_that_is_not_found_has_the_chooser_and_no_alternates(db, client, address):
    for code in LANGUAGES:
        response = client.get(in_language(address, code))
        assert response.status_code == 404
        assert f'<html lang="{code}"' in response.content.decode()
        assert [link[:3] for link in chooser(response)] == [
            (in_language(address, other), other, other == code) for other in LANGUAGES
        ]
        assert alternates(response) == []


def test_perus_page_in_arabic(demo, client):
    response = client.get("/ar/operations/peru/2020/")
    text, page = re.sub(" (?=[؛،])", "", words(response)), response.content.decode()
    for expected in (
        "بيرو",
        "عدد الأشخاص في نهاية عام 2020: 1,557,276؛ وقبل عام، في 2019: 867,821، أي زيادة بنسبة 79 في المائة.",
        "في عام 2020 أنفقت العملية 20,154,483.57 دولار، أي 41 في المائة من ميزانيتها البالغة 48,625,534.17 دولار.",
        "طالبو لجوء",
        "هذا النص غير متاح بلغتكم بعد، وهو معروض بالإنجليزية.",
    ):
        assert expected in text
    assert '<dl class="figures" lang="en" dir="ltr">' in page  # what is only in English reads from the left
    assert '<bdi>السياق التشغيلي</bdi></a></h3>\n<div lang="en" dir="ltr">' in page
    bars = response.context["money_chart"].wide.bars
    assert bars[0].x > bars[-1].x  # the oldest year stands on the right


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("fr", "1 557 276 personnes à la fin de 2020\u202f; 867 821 un an plus tôt, en 2019\u202f: une augmentation de 79\u202f%."),
        ("es", "1 557 276 personas a finales de 2020; 867 821 un año antes, en 2019: un aumento del 79%."),
    ],
)  # fmt: skip
def test_perus_people_in_french_and_spanish(demo, client, code, sentence):
    text = words(client.get(f"/{code}/operations/peru/2020/"))
    assert sentence.replace("\u202f", "") in text.replace("\u202f", "").replace(" %", "%")


def test_the_methodology_says_that_it_is_in_english_only(db, client):
    assert "Il est affiché en anglais." in words(client.get("/fr/methodology/"))
    assert "shown in English" not in words(client.get("/methodology/"))
