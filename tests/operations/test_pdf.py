"""“Download PDF”: the printed page, made by the real browser from what is released and nothing else."""

import io
import os
import sys
import unicodedata

import pytest
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from pypdf import PdfReader

from config.settings import env_browser
from operations import pdf
from operations.editions import record
from operations.models import Edition, Narrative, Operation
from tests.reading import words

pytestmark = [pytest.mark.django_db, pytest.mark.once]

PERU = "/operations/peru/2020/"
BRIEF = f"{PERU}brief.pdf"


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    cache.clear()
    settings.DATA_DIR = tmp_path


@pytest.fixture
def demo(loaded_demo, db, settings):
    settings.DEMO = True


def read(response) -> PdfReader:
    assert response.status_code == 200
    assert response["Content-Type"] == "application/pdf"
    return PdfReader(io.BytesIO(response.content))


def text_of(response) -> str:
    text = " ".join(sheet.extract_text() for sheet in read(response).pages)
    return " ".join(unicodedata.normalize("NFKC", text).split())


def edition_of_peru() -> Edition:
    return Edition.objects.filter(operation__slug="peru", year=2020, language="en").latest("released_at")


# --- What is in it --------------------------------------------------------------------------------


def test_the_page_of_a_year_is_a_brief_of_two_to_four_pages_of_a4(demo, client):
    found = read(client.get(BRIEF))
    assert 2 <= len(found.pages) <= 4
    for sheet in found.pages:
        assert [round(float(side)) for side in sheet.mediabox[2:]] == [595, 842]
        assert "Peru 2020 Edition of 2 December 2021" in " ".join(sheet.extract_text().split())


def test_it_holds_the_figures_the_address_and_the_texts(demo, client):
    text = text_of(client.get(BRIEF))
    for fact in ("1,557,276", "867,821", "http://testserver/editions/", "Unmet needs", "4 / 4"):
        assert fact in text


def test_it_has_a_title_a_language_an_outline_and_tags_for_screen_readers(demo, client):
    found = read(client.get(BRIEF))
    assert found.metadata.title == "Peru 2020 · Openfield"
    root = found.trailer["/Root"]
    assert root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"].value
    assert "Key figures" in str(found.outline)


def test_its_links_lead_to_this_site_and_none_to_the_disk(demo, client):
    targets = {
        str(note.get_object()["/A"]["/URI"])
        for sheet in read(client.get(BRIEF)).pages
        for note in sheet.get("/Annots", ())
        if "/URI" in note.get_object().get("/A", {})
    }
    assert any(target.startswith("http://testserver/methodology/") for target in targets)
    assert [target for target in targets if not target.startswith("http://testserver/")] == []


def test_it_is_in_the_language_of_its_address(demo, client):
    response = client.get(f"/ar{BRIEF}")
    found = read(response)
    assert found.trailer["/Root"]["/Lang"] == "ar"
    assert 2 <= len(found.pages) <= 4
    assert "1,557,276" in text_of(response)
    assert response["Content-Disposition"] == 'attachment; filename="peru-2020-ar.pdf"'


def test_it_has_a_name_that_says_what_it_is(demo, client):
    edition = edition_of_peru()
    asked = {
        BRIEF: "peru-2020.pdf",
        f"{BRIEF}?as_of=2021-12-20": "peru-2020-2021-12-20.pdf",
        f"/editions/{edition.pk}/brief.pdf": f"peru-2020-edition-{edition.pk}.pdf",
        f"/editions/{edition.pk}/2020/brief.pdf": f"peru-2020-edition-{edition.pk}.pdf",
    }
    named = {address: client.get(address)["Content-Disposition"] for address in asked}
    assert named == {address: f'attachment; filename="{name}"' for address, name in asked.items()}


def test_nothing_that_is_not_released_is_in_it(demo, client):
    before = client.get(BRIEF)
    report = Narrative.objects.get(operation__slug="peru", year=2020, kind="year_end", language="en")
    report.sections.update(body="<p>Sentinel of a draft</p>")
    record(report, None)
    operation = Operation.objects.get(slug="peru")
    operation.notice_en = "Sentinel of a profile"
    operation.save()
    record(operation, None)
    after = client.get(BRIEF)
    assert "Sentinel" not in text_of(after)
    assert (after["ETag"], after.content) == (before["ETag"], before.content)


def test_a_draft_has_none(demo, client):
    assert client.get("/operations/nowhere/2020/brief.pdf").status_code == 404
    assert client.get("/operations/peru/2050/brief.pdf").status_code == 404
    report = Narrative.objects.get(operation__slug="peru", year=2020, kind="year_end", language="en")
    draft = record(report, None) or Edition.objects.of(report).latest("pk")
    if draft.released_at is None:
        assert client.get(f"/editions/{draft.pk}/brief.pdf").status_code == 404


# --- Asked again ----------------------------------------------------------------------------------


def test_asked_again_it_is_the_same_and_no_browser_starts(demo, client, settings):
    first = client.get(BRIEF)
    settings.PDF_BROWSER = "/bin/false"  # it would fail
    again = client.get(BRIEF)
    assert (again.status_code, again.content, again["ETag"]) == (200, first.content, first["ETag"])
    kept = client.get(BRIEF, headers={"if-none-match": first["ETag"]})
    assert (kept.status_code, kept.content) == (304, b"")
    assert kept["Cache-Control"] == "no-cache"


def test_made_anew_it_reads_the_same_and_has_the_day_of_its_edition(demo, client):
    first = client.get(BRIEF)
    for path in pdf.folder().iterdir():
        path.unlink()
    again = client.get(BRIEF)
    assert (again["ETag"], text_of(again)) == (first["ETag"], text_of(first))
    assert str(read(again).metadata.creation_date) == "2021-12-02 09:00:00+00:00"


def test_only_so_many_files_are_kept_and_those_that_were_read_last(settings, monkeypatch):
    monkeypatch.setattr(pdf, "KEPT_FILES", 2)
    for number, key in enumerate("abc"):
        pdf.keep(key, b"%PDF-")
        path = pdf.folder() / f"{key}.pdf"
        if path.exists():
            os.utime(path, (number, number))
        if key == "b":
            pdf.read("a")
    assert sorted(path.name for path in pdf.folder().iterdir()) == ["a.pdf", "c.pdf"]


def test_the_page_on_paper_loads_nothing():
    page = (
        '<head><meta charset="utf-8"><link rel="stylesheet" href="/a.css"></head><script src="/a.js"></script>'
        '<section id="cite">read on 1 May</section><p>x</p>'
    )
    paper = pdf.on_paper(page, 'http://testserver/?q="x"')
    assert "default-src 'none'" in paper
    assert '<base href="http://testserver/?q=&quot;x&quot;">' in paper
    assert ("<link" in paper, "<script" in paper, "read on" in paper) == (False, False, False)
    assert paper.endswith("<p>x</p>")


# --- Where there is none --------------------------------------------------------------------------


def test_without_a_browser_there_is_no_link_and_the_address_says_how_to_print(demo, client, settings):
    assert f'href="{BRIEF}"' in client.get(PERU).content.decode()
    settings.PDF_BROWSER = ""
    assert "brief.pdf" not in client.get(PERU).content.decode()
    response = client.get(BRIEF)
    assert response.status_code == 404
    assert "choose “Print” in your browser" in words(response)
    assert f'<a href="{PERU}">Go to the page</a>' in response.content.decode()


@pytest.mark.parametrize("program", ["/bin/false", "/bin/true", "/nowhere/chromium"])
def test_a_browser_that_fails_is_told_and_nothing_is_kept(demo, client, settings, program):
    settings.PDF_BROWSER = program
    response = client.get(BRIEF)
    assert response.status_code == 503
    assert "cannot make a PDF" in words(response)
    assert not pdf.folder().exists()


def test_a_browser_that_hangs_is_ended(settings, monkeypatch, tmp_path):
    hanging = tmp_path / "hanging"
    hanging.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n", encoding="utf-8")
    hanging.chmod(0o755)
    monkeypatch.setattr(pdf, "SECONDS", 0.3)
    settings.PDF_BROWSER = str(hanging)
    with pytest.raises(pdf.NoPdf):
        pdf.printed("<p>x</p>")


def test_while_another_is_made_a_reader_is_asked_to_come_again(demo, client, monkeypatch):
    monkeypatch.setattr(pdf, "WAIT", 0.05)
    with pdf.in_turn():
        response = client.get(BRIEF)
    assert (response.status_code, response["Retry-After"]) == (503, "10")
    assert "try again in a few seconds" in words(response)


def test_the_secrets_of_the_site_do_not_reach_the_browser(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "sentinel")
    telling = tmp_path / "telling"
    telling.write_text(
        f"#!{sys.executable}\nimport os\nopen('page.pdf', 'w').write('%PDF-' + repr(dict(os.environ)))\n",
        encoding="utf-8",
    )
    telling.chmod(0o755)
    settings.PDF_BROWSER = str(telling)
    assert b"sentinel" not in pdf.printed("<p>x</p>")


@pytest.mark.parametrize("sandbox", [True, False])
def test_the_sandbox_is_off_by_setting_alone(settings, tmp_path, sandbox):
    settings.PDF_SANDBOX = sandbox
    assert ("--no-sandbox" in pdf.command(tmp_path)) is not sandbox


def test_the_setting_names_a_program_that_is_there_or_none(monkeypatch):
    monkeypatch.setenv("PDF_BROWSER", "")
    assert env_browser("PDF_BROWSER") == ""
    monkeypatch.setenv("PDF_BROWSER", "/nowhere/chromium")
    with pytest.raises(ImproperlyConfigured, match="PDF_BROWSER is “/nowhere/chromium”"):
        env_browser("PDF_BROWSER")
    monkeypatch.delenv("PDF_BROWSER")
    assert "chromium" in env_browser("PDF_BROWSER")


# --- In the past ----------------------------------------------------------------------------------


def test_the_link_stays_at_the_moment_and_the_edition_of_its_page(demo, client):
    edition = edition_of_peru()
    for page, query in ((PERU, ""), (PERU, "?as_of=2021-12-20"), (f"/editions/{edition.pk}/", "")):
        assert f'href="{page}brief.pdf{query}"' in client.get(page + query).content.decode()
    past = client.get(f"{BRIEF}?as_of=2021-12-20")
    assert past["X-Robots-Tag"] == "noindex"
    assert "as it stood on 20 December 2021" in text_of(past)
    assert "X-Robots-Tag" not in client.get(BRIEF)
