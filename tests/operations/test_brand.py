"""The agency's name, look and terms: what staff give, what is refused, and what readers get."""

import io
import re
from pathlib import Path

import pytest
from django.conf import settings as site
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from PIL import Image

from operations import brand
from operations.models import Agency
from tests import factories
from tests.reading import words

CSS = (Path(site.BASE_DIR) / "static/site/site.css").read_text(encoding="utf-8")


# --- Colours --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", "21.0:1"),
        ("#ffffff", "#ffffff", "1.0:1"),
        ("#777777", "#ffffff", "4.4:1"),  # 4.48 is not 4.5
        ("#767676", "#ffffff", "4.5:1"),
        ("#0b5cad", "#ffffff", "6.6:1"),
    ],
)
def test_the_contrast_of_two_colours(one, other, ratio):
    assert brand.printed(brand.contrast(one, other)) == brand.printed(brand.contrast(other, one)) == ratio


def test_a_mix_of_colours():
    assert brand.mix("#000000", "#ffffff", 0.5) == "#808080"
    assert brand.mix("#0b5cad", "#ffffff", 0) == "#0b5cad"
    assert brand.mix("#0b5cad", "#ffffff", 1) == "#ffffff"


@pytest.mark.parametrize("colour", ["#0b5cad", "#c8102e", "#ffcc00", "#000000", "#ffffff", "#0072bc"])
def test_every_shade_that_is_derived_can_be_read(colour):
    in_light, in_dark = brand.light_enough(colour), brand.dark_enough(colour)
    assert brand.light_contrast(in_light) >= brand.AA
    assert brand.dark_contrast(in_dark) >= brand.AA
    for shades in (brand.light(in_light), brand.dark(in_dark)):
        assert brand.contrast(shades.on, shades.brand) >= brand.AA
        assert brand.contrast(shades.on, shades.ink) >= brand.AA
        assert brand.contrast(shades.ink, shades.wash) >= brand.AA


def test_a_colour_that_can_be_read_stays_as_it_is():
    assert brand.light_enough("#0b5cad") == "#0b5cad"
    assert brand.dark_enough("#6db3f2") == "#6db3f2"


def test_the_stylesheet_of_a_colour():
    assert brand.stylesheet("#8a1538", "#f0a0b8") == (
        "@layer tokens{:root{--brand:#8a1538;--brand-ink:#5a0e24;--brand-wash:#f4eaed;--on-brand:#ffffff}"
        "@media (prefers-color-scheme:dark){:root{--brand:#f0a0b8;--brand-ink:#f6c6d4;--brand-wash:#2f2a33;"
        "--on-brand:#0b1a28}}}"
        "@layer print{@media print{:root{--brand:#8a1538;--brand-ink:#5a0e24;--brand-wash:#f4eaed}}}"
    )


def test_the_grounds_are_those_of_the_stylesheet():
    """Under the checks of a colour lie the papers of site.css."""
    light, dark = brand.tokens(CSS)
    assert (light["paper"], light["paper-2"], light["note"]) == brand.LIGHT_GROUNDS
    assert (dark["paper"], dark["paper-2"], dark["note"]) == brand.DARK_GROUNDS
    assert (light["on-brand"], dark["on-brand"]) == (brand.LIGHT_ON, brand.DARK_ON)
    assert light["brand"] == brand.SITE


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_pair_of_tokens_that_is_used_for_text_has_aa(scheme):
    colours = brand.tokens(CSS)[scheme]
    weak = {
        (text, ground): brand.printed(brand.contrast(colours[text], colours[ground]))
        for text, grounds in brand.TEXT.items()
        for ground in grounds
        if brand.contrast(colours[text], colours[ground]) < brand.AA
    }
    assert weak == {}


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_what_is_seen_without_being_read_has_three_to_one(scheme):
    colours = brand.tokens(CSS)[scheme]
    for name in brand.SEEN:
        assert brand.contrast(colours[name], colours["paper"]) >= 3, name


# --- The row --------------------------------------------------------------------------------------


def agency(**fields) -> Agency:
    made = Agency(**fields)
    made.full_clean()
    made.save()
    return made


def test_there_is_one_agency(db):
    agency(name_en="One")
    with pytest.raises(IntegrityError), transaction.atomic():
        Agency(id=2).save()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"colour": "#FFCC00"},
            {
                "colour": [
                    "On a light screen #ffcc00 has a contrast of 1.4:1; text needs at least 4.5:1. "
                    f"The nearest colour that has it is {brand.light_enough('#ffcc00')}."
                ]
            },
        ),
        (
            {"colour": "#0b5cad", "colour_dark": "#0b5cad"},
            {
                "colour_dark": [
                    "On a dark screen #0b5cad has a contrast of 2.3:1; text needs at least 4.5:1. "
                    f"The nearest colour that has it is {brand.dark_enough('#0b5cad')}."
                ]
            },
        ),
        ({"colour_dark": "#ffffff"}, {"colour_dark": ["Give the colour for light screens too."]}),
        ({"colour": "red"}, {"colour": ["Write the colour as # and six digits, for example #0b5cad."]}),
        ({"colour": "#0b5cad\n"}, {"colour": ["Ensure this value has at most 7 characters (it has 8).",
                                              "Write the colour as # and six digits, for example #0b5cad."]}),
        ({"website": "http://example.org"}, {"website": ["Write a whole address that begins with https://."]}),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_what_can(db, fields, said):
    with pytest.raises(ValidationError) as error:
        Agency(**fields).full_clean()
    assert {name: sorted(found) for name, found in error.value.message_dict.items()} == said


def test_the_name_is_in_the_readers_language_or_in_english_or_the_settings(settings):
    settings.AGENCY_NAME = "Of the server"
    assert Agency().shown_name == "Of the server"
    named = Agency(name_en="Relief", name_fr="Secours")
    shown = {}
    for code in ("en", "fr", "ar"):
        with translation.override(code):
            shown[code] = named.shown_name
    assert shown == {"en": "Relief", "fr": "Secours", "ar": "Relief"}


def test_a_term_is_never_of_another_language():
    with translation.override("fr"):
        assert Agency(people_en="People we serve").shown_people == "Personnes"
    assert Agency(people_en="People we serve").shown_people == "People we serve"


# --- The pages ------------------------------------------------------------------------------------


def test_without_an_agency_the_pages_are_those_of_the_site(client, db):
    page = client.get("/methodology/").content.decode()
    assert '<a class="brand" href="/">Openfield</a>' in page
    assert "/brand/" not in page
    assert client.get("/brand/0.css").status_code == client.get("/brand/0.webp").status_code == 404


def test_the_pages_are_the_agencys(client, db):
    made = agency(
        name_en="Relief", line_en="Since 1951", colour="#8a1538", contact="data@example.org",
        website="https://www.example.org/", licence="CC BY 4.0", licence_url="https://example.org/by",
    )  # fmt: skip
    response = client.get("/methodology/")
    page = response.content.decode()
    assert "<title>Methodology · Relief</title>" in page
    assert f'<link rel="stylesheet" href="/brand/{made.stylesheet_version}.css">' in page
    assert page.index("site.css") < page.index(f"/brand/{made.stylesheet_version}.css")
    assert '<link rel="icon" href="data:image/svg+xml,%3Csvg' in page
    assert "%238a1538" in page
    assert (
        "Relief · Since 1951 · example.org · Write to us: data@example.org · Licence of the data: CC BY 4.0"
        in words(response)
    )
    assert (
        f'<link rel="stylesheet" href="/brand/{made.stylesheet_version}.css">'
        in client.get("/fr/methodology/").content.decode()
    )


def test_the_term_for_the_people_heads_the_figures(client, loaded_demo, db):
    agency(people_en="People we serve")
    page = client.get("/operations/peru/2020/").content.decode()
    assert "<dt>People we serve</dt>" in page
    assert re.search(r'<h2 id="people-title">(<a [^>]*>)?People we serve<', page)
    assert "<dt>People we serve</dt>" in client.get("/operations/").content.decode()


def test_the_stylesheet_is_kept_for_ever_at_the_address_of_its_content(client, db):
    made = agency(colour="#8a1538")
    response = client.get(f"/brand/{made.stylesheet_version}.css")
    assert response.content.decode() == made.stylesheet
    assert response.headers["Content-Type"] == "text/css"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "public, immutable, max-age=31536000"
    before = made.stylesheet_version
    made.colour = "#0b5cad"
    made.save()
    assert made.stylesheet_version != before
    old = client.get(f"/brand/{before}.css")
    assert (old.content.decode(), old.headers["Cache-Control"]) == (made.stylesheet, "no-cache")
    assert client.post(f"/brand/{before}.css").status_code == 405


def test_a_process_that_knows_an_older_colour_reads_the_new_one_at_its_address(client, db):
    made = agency(colour="#8a1538")
    Agency.keep(Agency(colour="#0b5cad"))  # what another process still goes by
    response = client.get(f"/brand/{made.stylesheet_version}.css")
    assert response.content.decode() == made.stylesheet
    assert "immutable" in response.headers["Cache-Control"]


def test_a_page_asks_nothing_for_the_look_that_it_knows(client, db):
    agency(colour="#8a1538")
    client.get("/methodology/")
    with CaptureQueriesContext(connection) as asked:
        client.get("/methodology/")
    assert [query["sql"] for query in asked if "operations_agency" in query["sql"]] == []


# --- The form -------------------------------------------------------------------------------------


@pytest.fixture
def admin(client, db):
    client.force_login(factories.user("keeper", is_superuser=True))
    return client


def picture(size=(600, 300), kind="PNG", colour="#8a1538") -> bytes:
    content = io.BytesIO()
    Image.new("RGBA", size, colour).save(content, kind)
    return content.getvalue()


def upload(content: bytes, name="logo.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def test_the_start_page_leads_to_the_one_form(admin):
    assert "/admin/operations/agency/" in admin.get("/admin/").content.decode()
    assert admin.get("/admin/operations/agency/").url == "/admin/operations/agency/add/"
    response = admin.post("/admin/operations/agency/add/", {"name_en": "Relief", "colour": "#8A1538"})
    assert response.status_code == 302
    assert (Agency.objects.get().name, Agency.objects.get().colour) == ("Relief", "#8a1538")
    assert admin.get("/admin/operations/agency/").url == "/admin/operations/agency/1/change/"
    assert admin.get("/admin/operations/agency/add/").url == "/admin/operations/agency/1/change/"
    assert admin.get("/admin/operations/agency/1/delete/").status_code == 403
    page = words(admin.get("/admin/operations/agency/1/change/"))
    assert "light: #8a1538, contrast at least 7." in page
    assert f"dark: {brand.dark_enough('#8a1538')}, contrast at least 4." in page


def test_only_who_may_change_it_comes_to_the_form(client, db):
    agency(name_en="Relief")
    client.force_login(factories.user("nobody", groups=("Reviewers", "Field editors", "Finance")))
    assert client.get("/admin/operations/agency/").status_code == 403
    assert client.get("/admin/operations/agency/1/change/").status_code == 403
    assert client.post("/admin/operations/agency/1/change/", {"name_en": "Mine"}).status_code == 403
    assert Agency.objects.get().name_en == "Relief"


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_logo_is_drawn_anew_and_served_from_the_site(admin, kind):
    content = picture(kind=kind) + b"<script>alert(1)</script>"
    response = admin.post("/admin/operations/agency/add/", {"name_en": "Relief", "new_logo": upload(content)})
    assert response.status_code == 302
    made = Agency.objects.get()
    assert (made.logo_width, made.logo_height) == (240, 120)
    assert b"script" not in bytes(made.logo)
    page = admin.get("/methodology/").content.decode()
    address = f"/brand/{made.logo_version}.webp"
    assert (
        f'<a class="brand" href="/"><img src="{address}" alt="Relief" width="240" height="120"></a>' in page
    )
    served = admin.get(address)
    assert served.headers["Content-Type"] == "image/webp"
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert served.headers["Cache-Control"] == "public, immutable, max-age=31536000"
    assert Image.open(io.BytesIO(served.content)).size == (240, 120)
    admin.post("/admin/operations/agency/1/change/", {"name_en": "Relief", "no_logo": "on"})
    assert Agency.objects.get().logo is None
    assert admin.get(address).status_code == 404


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
            "This is no picture as PNG",
        ),
        (b"GIF89a", "This is no picture as PNG"),
        (picture()[:60], "This is no picture as PNG"),
        (picture((4001, 1)), "A side of the logo is longer than 4,000 pixels"),
        (bytes(1024 * 1024 + 1), "The file is larger than 1 MB."),
    ],
    ids=["svg", "gif", "broken", "long", "large"],
)
def test_what_is_no_logo_is_refused_with_what_to_do(admin, content, said):
    response = admin.post("/admin/operations/agency/add/", {"new_logo": upload(content)})
    assert response.status_code == 200
    assert said in words(response)
    assert not Agency.objects.exists()
