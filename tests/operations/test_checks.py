"""The checks of drafts: the examples of docs/checks.md, each check's own findings and near misses, and what
holds for all of them."""

import datetime as dt
import html
import json
import logging
import re
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from hypothesis import assume, example, given
from hypothesis import strategies as st

from operations.checks import CHECKS, Draft, Finding, Level, findings, nearness, reading
from operations.checks.draft import Remark, check
from operations.editions import freeze
from operations.figures import parse_figure
from tests import factories

DOCUMENT = (Path(settings.BASE_DIR) / "docs" / "checks.md").read_text(encoding="utf-8")
LANGUAGES = {"English": "en", "French": "fr", "Spanish": "es", "Arabic": "ar"}


# --- Contents, as editions hold them ----------------------------------------------------------------


def figure(value: str, text: str = "people", source: str = "") -> dict[str, Any]:
    read = parse_figure(value)
    return {"value": read.text, "number": f"{read.number.normalize():f}", "text": text, "source": source}


def narrative(
    *bodies: str, year: int = 2020, kind: str = "year_end", language: str = "en", figures: Any = ()
) -> dict[str, Any]:
    """With sections of the types text, text-2, text-3 …"""
    codes = ["text", *(f"text-{count}" for count in range(2, len(bodies) + 1))]
    return {
        "shape": 1,
        "operation": {"code": "PER", "slug": "peru"},
        "year": year,
        "kind": kind,
        "language": language,
        "translated_from": None,
        "sections": [
            {"type": code, "heading": {}, "body": body} for code, body in zip(codes, bodies, strict=False)
        ],
        "key_figures": [*figures],
        "private": {"editor_notes": ["" for _figure in figures]},
    }


def people(year: int, stated: int | None, *parts: int | None) -> list[dict[str, Any]]:
    rows = [{"year": year, "type": None, "people": stated, "source": ""}]
    return rows + [
        {"year": year, "type": f"T{n}", "people": part, "source": ""} for n, part in enumerate(parts)
    ]


def money(
    measure: str, year: int, stated: str | None, *parts: str | None, status: str = "current"
) -> list[dict[str, Any]]:
    row = {"year": year, "measure": measure, "status": status, "source": ""}
    return [{**row, "pillar": None, "amount_usd": stated}] + [
        {**row, "pillar": f"P{n}", "amount_usd": part} for n, part in enumerate(parts, 1)
    ]


def profile(population: Any = (), finance: Any = ()) -> dict[str, Any]:
    return {"code": "PER", "population": [*population], "finance": [*finance], "offices": [], "notice": {}}


def messages(draft: Draft, code: str) -> list[tuple[str, str]]:
    """Where and what one check finds."""
    return [(found.where, found.message) for found in findings(draft) if found.check == code]


def places(draft: Draft, code: str) -> list[str]:
    return [where for where, _message in messages(draft, code)]


# --- The document -----------------------------------------------------------------------------------


def entries() -> dict[str, str]:
    parts = re.split(r"^### (\S+)\n", DOCUMENT, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def examples() -> list[Any]:
    """Every example as (code, whether it is found, its lines)."""
    found = []
    for code, entry in entries().items():
        for heading, is_found in (("Found", True), ("Not found", False)):
            section = re.search(rf"^\*\*{heading}\*\*:\n(.*?)(?=^\*\*|\Z)", entry, re.MULTILINE | re.DOTALL)
            for count, quoted in enumerate(re.findall(r"(?:^>.*\n)+", section[1], re.MULTILINE), 1):
                lines = [line[1:].strip() for line in quoted.splitlines()]
                found.append(pytest.param(code, is_found, lines, id=f"{code}: {heading.lower()} {count}"))
    return found


def draft_of(lines: list[str]) -> Draft:
    """The draft that an example describes."""
    first, *rest = lines
    told: dict[str, list[str]] = {}
    for line in rest:
        name, _colon, value = line.partition(":")
        told.setdefault(name, []).append(value.strip())
    figures = [figure(*map(str.strip, line.split("|"))) for line in told.pop("Key figure", [])]
    earlier = [figure(*map(str.strip, line.split("|"))) for line in told.pop("Last year’s key figure", [])]
    texts, last_texts = told.pop("Text", []), told.pop("Last year’s text", [])
    source, required = told.pop("Translated from", []), told.pop("Required", [])
    theirs = [figure(*map(str.strip, line.split("|"))) for line in told.pop("Source’s key figure", [])]
    withdrawn = told.pop("Withdrawn", None)
    read = dict(zip(("text", "text-2"), told.pop("When it was translated", []), strict=False))
    population, finance = [], []
    for name, values in told.items():
        measure, _space, year = name.rpartition(" ")
        stated, *parts = [
            value.replace(",", "").replace(" in all", "").strip() for value in values[0].split(";")
        ]
        if measure == "People":
            population += people(int(year), int(stated), *map(int, parts))
        else:
            code = {"Budget": "budget", "Expenditure": "expenditure", "Funds available": "funds_available"}
            finance += money(code[measure], int(year), stated, *parts)
    if first == "Profile":
        return Draft(content=profile(population, finance))
    shape = re.fullmatch(r"(Year-end text of|Plan for) (\d{4}), (\w+)", first)
    kind, year, language = ("plan" if "Plan" in first else "year_end"), int(shape[2]), LANGUAGES[shape[3]]
    same = {"kind": kind, "language": language}
    return Draft(
        content=narrative(*texts, year=year, figures=figures, **same),
        last_year=narrative(*last_texts, year=year - 1, figures=earlier, **same),
        profile=profile(population, finance),
        source=narrative(*source, year=year, kind=kind, figures=theirs) if source else None,
        sources_read=read,
        source_withdrawn_at=withdrawn and dt.datetime.fromisoformat(f"{withdrawn[0]}T12:00Z"),
        required=tuple(required),
        hosts=("openfield.example",),
        knows_address=lambda path: path == "/operations/peru/",
    )


def test_the_document_has_an_entry_for_every_check_with_its_level_and_no_other():
    written = {code: re.search(r"\*\*Level\*\*: (\w+)", entry)[1] for code, entry in entries().items()}
    assert written == {code: level.value for code, (level, _run) in CHECKS.items()}
    assert list(written) == list(CHECKS)


def test_every_entry_says_what_is_found_with_both_examples_and_what_to_do():
    given = {(param.values[0], param.values[1]) for param in examples()}
    assert given == {(code, is_found) for code in CHECKS for is_found in (True, False)}
    assert [
        code
        for code, entry in entries().items()
        if not all(f"**{h}**" in entry for h in ("What it finds", "What to do"))
    ] == []


@pytest.mark.parametrize(("code", "is_found", "lines"), examples())
def test_the_examples_of_the_document_hold(code, is_found, lines):
    codes = {found.check for found in findings(draft_of(lines))}
    assert (code in codes) is is_found


# --- Impossible numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("en", "52,9960"),
        ("en", "1,5572,76"),
        ("en", "1,557,27"),
        ("en", "15,57,276"),
        ("en", "1557,276"),
        ("en", "52,9960.5"),
        ("en", "1.557.276"),
        ("en", "1.557,276"),
        ("fr", "1,557,276"),
        ("fr", "1,557.27"),
        ("fr", "1,5572,76"),
        ("fr", "1.5572.76"),
        ("es", "1,5572,76"),
        ("es", "1.5572.76"),
        ("ar", "1,5572,76"),
        ("ar", "١٬٥٥٧٢٬٧٦"),
        ("ar", "٥٢٬٩٩٦٠"),
    ],
)
@pytest.mark.parametrize(
    "frame", ["<p>Some {} people.</p>", "<p>US$ {}</p>", "{}", "<ul><li>({}),</li></ul>"]
)
def test_an_impossible_grouping_is_an_error(language, written, frame):
    found = findings(Draft(content=narrative(frame.format(written), language=language)))
    errors = [f for f in found if f.level is Level.ERROR]
    assert [(f.check, f.where) for f in errors] == [("impossible-number", "text")]
    assert f"“{written}”" in errors[0].message


def test_the_error_says_what_may_have_been_meant():
    assert messages(Draft(content=narrative("<p>52,9960 people</p>")), "impossible-number") == [
        (
            "text",
            "“52,9960” does not group its digits in threes. Did you mean 529,960 or 52,996? If it is a list, put a space after each comma.",
        )
    ]


@pytest.mark.parametrize("language", ["en", "fr", "es", "ar"])
@pytest.mark.parametrize(
    "text",
    [
        "in 2019,2020 and 2019,2020,2021",
        "In 2019,300 people came",
        "1,2,3 or 12,13",
        "2,5 and 10,25 and 0,125",
        "May 9,2020",
        "31.12.2020 and 1.1.2020",
        "section 4.2.1 and 10.12.3",
        "192.168.100.200",
        "S/RES/1244, A/75/12, A/RES/52,9960",
        "+41 22 739 8111, 022 739 81 11, 555.123.4567, 1 5572 76",
        "https://example.org/?id=52,9960 and a52,9960@example.org",
        "2019/20, 2019–2020, 10,000–20,000",
        "COVID-19, P-4, 3.5 and 3.5%",
        "12345,67890",
        "1<sup>2,3456</sup>",
        "10,500<sup>1</sup>",
        "52&nbsp;996 and 1&#8239;557&#8239;276",
        "09:30, 7.45, 1'557'276",
        "-12.0464,-77.0428 and 12.0464,77.0428",
    ],
)
def test_what_is_no_wrongly_grouped_number_is_no_error(language, text):
    assert places(Draft(content=narrative(f"<p>{text}</p>", language=language)), "impossible-number") == []


@pytest.mark.parametrize("written", ["1٬23,456", "1,23٬456", "١٬٢٣,٤٥٦"])
def test_a_number_that_mixes_the_separators_of_two_languages_is_an_error_with_an_example(written):
    assert messages(
        Draft(content=narrative(f"<p>We reached {written} people.</p>")), "impossible-number"
    ) == [
        (
            "text",
            f"“{written}” is not how a number is written in the language of this text. Write it as 1,557,276.",
        )
    ]


def test_labels_sources_and_the_notice_are_read_too():
    figures = [figure("5", "of 52,9960 people"), figure("6", "others", source="Report, 1,5572,76 rows")]
    draft = Draft(content=narrative("<p>Text</p>", figures=figures))
    assert places(draft, "impossible-number") == ["key_figures.1", "key_figures.2"]
    content = profile(people(2020, 5), money("budget", 2020, "5"))
    content["population"][0]["source"] = "Census, 52,9960"
    content["finance"][0]["source"] = "Ledger, 52,9960"
    content["notice"] = {"en": "Fine: 1,557,276", "fr": "1,557,276"}
    assert places(Draft(content=content), "impossible-number") == ["", "population", "finance"]


SEPARATORS = {
    "en": [","],
    "fr": ["\u00a0", "\u202f", " ", "."],
    "es": [".", ",", "\u00a0"],
    "ar": [",", "٬", "."],
}


@given(data=st.data(), language=st.sampled_from(sorted(SEPARATORS)))
def test_correctly_grouped_numbers_are_never_an_error_and_are_read_exactly(data, language):
    whole = data.draw(st.lists(st.integers(10_000, 10**12 - 1), min_size=1, max_size=5))
    separator = data.draw(st.sampled_from(SEPARATORS[language]))
    written = [f"{number:,}".replace(",", separator) for number in whole]
    if language == "ar" and data.draw(st.booleans()):
        written = [text.translate({ord("0") + n: 0x660 + n for n in range(10)}) for text in written]
    draft = Draft(content=narrative(f"<p>{'; '.join(written)}.</p>", language=language))
    assert places(draft, "impossible-number") == []
    read = reading.numbers("; ".join(written), language)
    assert [number.text for number in read] == written
    assert all(Decimal(value) in number.values for value, number in zip(whole, read, strict=True))


# --- What is missing --------------------------------------------------------------------------------


def test_a_required_section_without_words_is_an_error_under_its_heading():
    draft = Draft(
        content=narrative("<p> &nbsp;<br></p>", "<p>Text</p>"),
        required=("text", "text-2", "unmet-needs"),
        headings={"text": "Operational context"},
    )
    assert messages(draft, "required-section") == [
        ("text", "“Operational context” is empty. Write it: this text cannot be released without it."),
        ("unmet-needs", "“unmet-needs” is empty. Write it: this text cannot be released without it."),
    ]
    assert messages(Draft(content=profile(), required=("text",)), "required-section") == []


def test_a_text_without_words_and_figures_has_nothing_written():
    nothing = [("", "Nothing is written yet. Write a section or enter a key figure.")]
    assert messages(Draft(content=narrative()), "nothing-written") == nothing
    assert messages(Draft(content=narrative("<p></p>")), "nothing-written") == nothing
    assert messages(Draft(content=narrative("<p>1</p>")), "nothing-written") == []
    assert messages(Draft(content=narrative(figures=[figure("5")])), "nothing-written") == []
    assert messages(Draft(content=profile()), "nothing-written") == []


# --- Links and images -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("href", "asked"),
    [
        ("/operations/chad/", "/operations/chad/"),
        ("pillars/", "/operations/peru/2020/pillars/"),
        ("../2019/", "/operations/peru/2019/"),
        ("https://Openfield.example/nowhere?x=1#y", "/nowhere"),
        ("//openfield.example:8000/p%C3%A9rou/", "/pérou/"),
        ("http://openfield.example", "/"),
    ],
)
def test_a_link_to_this_site_needs_a_page(href, asked):
    seen = []
    content = narrative(f'<p><a href="{href}">here</a></p>')
    draft = Draft(
        content=content, hosts=("openfield.example",), knows_address=lambda path: bool(seen.append(path))
    )
    assert places(draft, "link-to-nowhere") == ["text"]
    assert seen == [asked]
    draft = Draft(content=content, hosts=("openfield.example",), knows_address=lambda path: path == asked)
    assert places(draft, "link-to-nowhere") == []


@pytest.mark.parametrize(
    "href", ["#notes", "#", "?year=2020", "mailto:a@example.org", "tel:+4122", "https://example.org/x"]
)
def test_a_link_elsewhere_or_on_the_same_page_is_left_alone(href):
    content = narrative(f'<p><a href="{href}">here</a></p>')
    draft = Draft(content=content, hosts=("openfield.example",), knows_address=lambda path: False)
    assert places(draft, "link-to-nowhere") == []


@pytest.mark.parametrize("link", ['<a href="">', '<a href=" ">', "<a href>", '<a href="http://[">'])
def test_a_link_without_an_address_that_can_be_read_is_an_error(link):
    assert places(Draft(content=narrative(f"<p>{link}here</a></p>")), "link-to-nowhere") == ["text"]


@pytest.mark.parametrize(
    ("image", "count"), [("<img>", 1), ('<img alt=" ">', 1), ("<img alt>", 1), ('<img alt="A">', 0)]
)
def test_an_image_needs_words(image, count):
    assert len(places(Draft(content=narrative(f"<p>{image}</p>")), "image-without-text")) == count


# --- Numbers near figures ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value", "is_found"),
    [
        ("52,000", "52,996", True),
        ("52,000", "53,100", False),  # 2.1 per cent
        ("4,302", "4,332", True),
        ("4,332", "4,332", False),
        ("4,330", "4,332", False),  # rounded
        ("53,000", "52,996", False),
        ("4,320", "4,332", True),  # rounded wrongly
        ("45,996", "54,996", True),  # swapped
        ("72,996", "52,996", True),  # one digit
        ("529,960", "52,996", True),  # one too many
        ("40,000", "70,000", False),  # one digit, of which there is one
        ("1.3 million", "1,300,400", False),
        ("1.31 million", "1,300,400", True),
        ("124", "125", False),
        ("2020", "2,022", False),
        ("98.5%", "99", False),
        ("A/52,000", "52,996", False),
    ],
)
def test_a_number_near_a_key_figure_is_found(text, value, is_found):
    draft = Draft(content=narrative(f"<p>There were {text} people.</p>", figures=[figure(value)]))
    assert places(draft, "number-near-key-figure") == (["text"] if is_found else [])


def test_the_warning_names_both_numbers():
    draft = Draft(
        content=narrative("<p>More than 52,000 people.</p>", figures=[figure("52,996", "given cash")])
    )
    assert messages(draft, "number-near-key-figure") == [
        (
            "text",
            "“52,000” is near the key figure “52,996 given cash” but differs. Correct the one that is wrong, or say why they differ.",
        )
    ]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "52 000 personnes"),
        ("fr", "52&nbsp;000 personnes"),
        ("fr", "52 mille personnes"),
        ("es", "52.000 personas"),
        ("es", "52 mil personas"),
        ("ar", "٥٢٬٠٠٠ شخص"),
        ("ar", "52 ألف شخص"),
        ("en", "52 thousand people"),
        ("en", "<strong>52,</strong><em>000</em> people"),
    ],
)
def test_a_near_number_is_found_in_every_language(language, text):
    rounded = narrative(f"<p>{text}</p>", language=language, figures=[figure("52,456")])
    assert places(Draft(content=rounded), "number-near-key-figure") == []
    draft = Draft(content=narrative(f"<p>{text}</p>", language=language, figures=[figure("52,996")]))
    assert places(draft, "number-near-key-figure") == ["text"]


@pytest.mark.parametrize("language", ["fr", "es", "ar"])
def test_a_comma_that_could_be_a_decimal_one_is_no_error_but_near(language):
    content = narrative("<p>52,9960</p>", language=language, figures=[figure("52,996")])
    assert [(f.check, f.where) for f in findings(Draft(content=content))] == [
        ("number-near-key-figure", "text")
    ]


def test_a_figure_of_the_profile_of_the_same_year_is_compared_and_any_year_excuses():
    known = profile(
        [*people(2019, 52_000), *people(2020, 1_557_276, 4_332)], money("budget", 2020, "48625534.17")
    )
    draft = Draft(
        content=narrative("<p>4,302 refugees; US$ 48.1 million; 52,000.</p>", figures=[figure("52,996")]),
        profile=known,
    )
    assert [
        re.findall("“(.*?)”", message) for _where, message in messages(draft, "number-near-key-figure")
    ] == [
        ["4,302", "4,332 (2020)"],
        ["48.1 million", "US$ 48,625,534.17 (2020)"],
    ]
    fits = narrative("<p>4,332 of 1.6 million; US$ 48.6 million.</p>")
    assert messages(Draft(content=fits, profile=known), "number-near-key-figure") == []
    of_2019 = narrative("<p>4,302 refugees</p>", year=2019)
    assert messages(Draft(content=of_2019, profile=known), "number-near-key-figure") == []
    plan = narrative("<p>4,302 refugees</p>", year=2021, kind="plan")
    assert places(Draft(content=plan, profile=known), "number-near-key-figure") == ["text"]


def test_key_figures_are_compared_with_each_other_where_they_count_the_same():
    def found(*figures: dict[str, Any]) -> list[str]:
        return places(Draft(content=narrative("<p>Text</p>", figures=figures)), "number-near-key-figure")

    assert found(figure("52,000", "people given cash"), figure("52,996", "people given cash aid")) == [
        "key_figures.2"
    ]
    assert found(figure("32,400", "households given cash"), figure("33,000", "shelters built")) == []
    assert found(figure("52,996", "people given cash"), figure("52,966", "shelters")) == ["key_figures.2"]
    assert found(figure("85%"), figure("84%")) == []
    assert found(figure("4,868", "shelters, with 4,886 doors")) == []
    assert found(figure("4,868", "shelters"), figure("50", "of 4,886 doors")) == ["key_figures.2"]


@pytest.mark.parametrize(
    ("text", "value", "is_found"),
    [
        ("9,000", "9,400", True),
        ("9,400", "9,000", True),
        ("9,400", "9,400", False),
        ("9,000", "9,100", False),  # near, which is the other check
        ("9,000", "8,600", False),
        ("1,000", "1,900", False),
        ("90,000", "9,400", False),
        ("900", "940", False),
        ("50,000", "52,996", True),
        ("9,400", "9,040", False),
    ],
)
def test_figures_that_look_alike_are_asked_about(text, value, is_found):
    draft = Draft(content=narrative(f"<p>There were {text} people.</p>", figures=[figure(value)]))
    assert places(draft, "figures-look-alike") == (["text"] if is_found else [])


def test_a_number_that_is_a_key_figure_itself_looks_like_no_other():
    figures = [figure("50,000", "claims"), figure("52,996", "people given cash")]
    draft = Draft(content=narrative("<p>50,000 claims were made.</p>", figures=figures))
    assert [f for f in findings(draft) if f.level is Level.WARNING] == []


# --- Parts and jumps --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (people(2020, 100, 60, 40), 0),
        (people(2020, 100, 60, 30), 0),
        (people(2020, 100, 60, 41), 1),
        (people(2020, 100, 60, None), 0),
        (people(2020, None, 60, 41), 0),
        ([*people(2019, 50, 50), *people(2020, 60, 50)], 1),
        ([*people(2019, 50, 50), *people(2020, 60)], 0),
        ([*people(2018, 50, 50), *people(2020, 60, 50)], 0),
    ],
)
def test_parts_of_people_are_compared_with_their_total(rows, found):
    assert places(Draft(content=profile(rows)), "parts-miss-total") == ["population"] * found


def test_parts_of_money_are_compared_by_measure_and_status_to_the_cent():
    finance = [
        *money("budget", 2018, "148984743.66", "140346386.73", "3003699.00", "5634658.00"),
        *money("budget", 2018, "100.00", "100.00", status="original"),
        *money("budget", 2019, "49730821.89", "32747555.00", "16963267.00", status="original"),
        *money("expenditure", 2018, "10.00", "5.00"),
    ]
    assert messages(Draft(content=profile(finance=finance)), "parts-miss-total") == [
        (
            "finance",
            "The parts of the budget of 2018 make US$ 148,984,743.73, which is US$ 0.07 more than the total of US$ 148,984,743.66. Correct a part or the total.",
        ),
        (
            "finance",
            "The parts of the budget of 2019 make US$ 49,710,822.00 and leave US$ 19,999.89 of the total of US$ 49,730,821.89 without a part; in 2018 the parts made the total. Enter the part that is missing, or say why there is none.",
        ),
    ]


def test_a_jump_is_asked_about_in_the_years_that_changed():
    old = [*people(2015, 100), *people(2016, 300), *people(2017, 100)]
    public = profile(old)
    assert messages(Draft(content=public, public=public), "jump") == []
    assert messages(Draft(content=public), "jump") == [
        (
            "population",
            "The number of people of 2017, 100, differs by more than half from the 300 of 2016. Check both, or say what happened.",
        )
    ]
    changed = profile([*people(2015, 100), *people(2016, 301), *people(2017, 100)])
    assert [m[:45] for _w, m in messages(Draft(content=changed, public=public), "jump")] == [
        "The number of people of 2016, 301, differs by"
    ]


@pytest.mark.parametrize(("new", "found"), [("150", 0), ("150.01", 1), ("50", 0), ("49.99", 1), (None, 0)])
@pytest.mark.parametrize("measure", ["budget", "funds_available", "expenditure"])
def test_a_jump_is_more_than_half(measure, new, found):
    finance = [*money(measure, 2019, "100"), *money(measure, 2020, new)]
    assert places(Draft(content=profile(finance=finance)), "jump") == ["finance"] * found


def test_a_jump_compares_the_status_that_readers_see_and_sums_parts_without_a_total():
    finance = [
        *money("budget", 2019, "100", status="original"),
        *money("budget", 2019, "300", status="final"),
    ]
    finance += [row for row in money("budget", 2020, None, "150", "140") if row["pillar"]]
    assert messages(Draft(content=profile(finance=finance)), "jump") == []


def test_a_key_figure_is_compared_with_the_same_words_of_last_year():
    content = narrative(
        figures=[figure("90", "other"), figure("100", "People given  cash"), figure("9%", "cash")]
    )
    last_year = narrative(figures=[figure("210", "people given cash"), figure("900", "cash")])
    assert messages(Draft(content=content, last_year=last_year), "jump") == [
        (
            "key_figures.2",
            "“100 People given cash” differs by more than half from last year’s 210. Check both, or say what happened.",
        )
    ]


# --- Funded -----------------------------------------------------------------------------------------

FUNDS = profile(
    finance=[
        *money("budget", 2020, "1000"),
        *money("expenditure", 2020, "414"),
        *money("funds_available", 2020, "554.5"),
        *money("budget", 2019, "1000"),
        *money("expenditure", 2019, "700"),
    ]
)


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("The operation was 55 per cent funded.", False),
        ("The operation was 41% funded.", False),
        ("The operation was 55.5 per cent funded.", False),
        ("The operation was 55.4 per cent funded.", True),
        ("It was funded at 56 per cent.", True),
        ("In 2019 it was 70% funded.", False),
        ("In 2019 it was 55% funded.", True),
        ("It was 55% funded: 45% was not provided.", False),
        ("Some 56% of the children were in school.", False),
        ("A funded project. Some 56% of children were in school.", False),
        ("It was underfunded by 45%.", False),
    ],
)
def test_a_funded_share_is_compared_with_what_the_figures_give(text, is_found):
    draft = Draft(content=narrative(f"<p>{text}</p>"), profile=FUNDS)
    assert places(draft, "funded-share") == (["text"] if is_found else [])


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "L’opération était financée à 56 %."),
        ("es", "La operación fue financiada en un 56 por ciento."),
        ("ar", "كانت العملية ممولة بنسبة ٥٦ في المائة."),
    ],
)
def test_a_funded_share_is_read_in_every_language(language, text):
    draft = Draft(content=narrative(f"<p>{text}</p>", language=language), profile=FUNDS)
    assert places(draft, "funded-share") == ["text"]
    fits = narrative(f"<p>{text.replace('56', '55').replace('٥٦', '٥٥')}</p>", language=language)
    assert places(Draft(content=fits, profile=FUNDS), "funded-share") == []


def test_a_funded_share_says_what_is_missing():
    content = narrative("<p>Text</p>", figures=[figure("55%", "of the budget funded")])
    assert messages(Draft(content=content), "funded-share") == [
        (
            "key_figures.1",
            "“55% funded” cannot be checked: the profile has no budget, or neither funds available nor expenditure, for 2020. Enter them, or say where the share comes from.",
        )
    ]
    known = profile(
        finance=[*money("budget", 2020, "48625534.17"), *money("expenditure", 2020, "20154483.57")]
    )
    assert messages(Draft(content=content, profile=known), "funded-share") == [
        (
            "key_figures.1",
            "No figure of 2020 gives “55% funded”: expenditure is 41% of the budget, and the profile has no funds available. Correct the share, enter the funds available, or say where it comes from.",
        )
    ]


# --- The wrong kind of year -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("en", "In 2021 we will help.", "will"),
        ("en", "UNHCR plans to build.", "plans to"),
        ("fr", "Le HCR aidera les familles en 2021.", "aidera"),
        ("fr", "Le HCR prévoit une aide.", "prévoit"),
        ("es", "El ACNUR brindará ayuda.", "brindará"),
        ("es", "Las familias recibirán ayuda.", "recibirán"),
        ("ar", "سوف نساعد الأسر في 2021.", "سوف"),
        ("ar", "سيتم تقديم المساعدة.", "سيتم"),
    ],
)
def test_plan_words_in_a_year_end_text_are_found_and_in_a_plan_are_not(language, text, words):
    (found,) = messages(Draft(content=narrative(f"<p>{text}</p>", language=language)), "plan-words")
    assert found[0] == "text" and f"({words})" in found[1] and "“" + text + "”" in found[1]
    plan = narrative(f"<p>{text}</p>", language=language, kind="plan")
    assert places(Draft(content=plan), "plan-words") == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Will Smith had the will to help, at will, of his free will and goodwill."),
        ("en", "UNHCR planned more. People with to-do lists and planned visits."),
        ("fr", "La caméra, le choléra, l’opéra, le Sierra Leone et le Nigéria."),
        ("es", "Irán, Teherán, Panamá, Bogotá, Canadá, está, detrás, jamás."),
        ("ar", "سياسة اللجوء والسيدات والسيارات لسنوات."),
    ],
)
def test_words_that_only_look_like_plan_words_are_not(language, text):
    assert places(Draft(content=narrative(f"<p>{text}</p>", language=language)), "plan-words") == []


def test_a_planned_key_figure_in_a_year_end_text_is_found():
    figures = [
        figure("5", "people to be given cash"),
        figure("6", "people at risk of it"),
        figure("7", "cases planned"),
    ]
    assert places(Draft(content=narrative(figures=figures)), "plan-words") == [
        "key_figures.1",
        "key_figures.3",
    ]


@pytest.mark.parametrize(
    ("language", "text", "is_found"),
    [
        ("en", "In 2020 we reached 500 people.", True),
        ("en", "In 2021 cash was provided to all.", True),
        ("en", "We reached 500 people.", False),
        ("en", "In 2021 UNHCR will help those who were not reached.", False),
        ("en", "In 2020 there were 500 people.", False),
        ("en", "By 2025 the law is reached.", False),
        ("fr", "En 2020, le HCR a aidé 500 personnes.", True),
        ("fr", "En 2020, le pays avait 500 réfugiés.", False),
        ("es", "En 2020 el ACNUR ayudó a 500 personas.", True),
        ("es", "En 2020 había 500 personas.", False),
        ("ar", "في عام ٢٠٢٠ وصلت المفوضية إلى ٥٠٠ شخص.", True),
        ("ar", "في عام 2020 كان هناك 500 شخص.", False),
    ],
)
def test_report_words_in_a_plan_are_found(language, text, is_found):
    plan = narrative(f"<p>{text}</p>", year=2021, kind="plan", language=language)
    assert places(Draft(content=plan), "report-words") == (["text"] if is_found else [])
    report = narrative(f"<p>{text}</p>", year=2021, language=language)
    assert places(Draft(content=report), "report-words") == []


def test_a_reached_key_figure_in_a_plan_is_found():
    figures = [figure("5", "people reached"), figure("6", "people to be reached")]
    assert places(Draft(content=narrative(figures=figures, kind="plan")), "report-words") == ["key_figures.1"]


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("In 2019, at the end of 2019.", "the only year it names is 2019."),
        ("In 2019 and 2018.", "the only years it names are 2018, 2019."),
        ("In 2019 and 2020.", None),
        ("No year at all, but 2,019 people.", None),
        ("The 1951 Convention.", None),
        ("Resolution A/RES/2019.", None),
    ],
)
def test_a_text_that_names_other_years_alone_is_found(text, years):
    found = messages(Draft(content=narrative(f"<p>{text}</p>")), "other-years")
    assert [where for where, _message in found] == ([""] if years else [])
    assert all(years in message for _where, message in found)


def test_a_section_copied_from_last_year_is_found_whatever_its_markup():
    last_year = narrative("<p>Needs  remained <em>high</em>.</p>", "<p>Old.</p>", year=2019)
    draft = Draft(
        content=narrative("<p>Needs remained high.</p>", "<p>New.</p>", ""),
        last_year=last_year,
        headings={"text": "Needs"},
    )
    assert messages(draft, "copied-from-last-year") == [
        (
            "text",
            "“Needs” is word for word that of last year. Write what is new, or say that nothing has changed.",
        )
    ]


# --- Translations -----------------------------------------------------------------------------------


def translated(before: str, after: str, language: str = "fr", **kwargs: Any) -> Draft:
    return Draft(
        content=narrative(f"<p>{after}</p>", language=language, **kwargs),
        source=narrative(f"<p>{before}</p>"),
    )


@pytest.mark.parametrize(
    ("language", "before", "after"),
    [
        ("fr", "52,996 people and 0.5%", "52 996 personnes et 0,5 %"),
        ("fr", "US$ 1.2 billion for three million", "1,2 milliard de dollars pour 3 millions"),
        ("fr", "January 1, 2020, the 30th day", "le 1er janvier 2020, le 30e jour"),
        ("es", "52,996 people and US$ 1.2 billion", "52.996 personas y 1,2 mil millones de dólares"),
        ("es", "52,996 people", "52,996 personas"),
        ("ar", "52,996 people and 0.5 per cent", "٥٢٬٩٩٦ شخصا و٠٫٥ في المائة"),
        ("ar", "1.5 million; A/75/12; COVID-19", "1,5 مليون؛ A/75/12؛ COVID-19"),
        ("fr", "Fifty of them; 12-month", "50 d’entre eux; douze mois"),
    ],
)
def test_a_translation_may_write_its_numbers_as_its_language_does(language, before, after):
    assert messages(translated(before, after, language), "translation-numbers") == []


def test_a_translation_whose_numbers_differ_says_which():
    assert messages(
        translated("5 of 52,996 and 52,996", "5 sur 52 966 et 52 996"), "translation-numbers"
    ) == [
        (
            "text",
            "“52,996” of the text that was translated is missing here. “52 966” is not in the text that was translated. Correct the translation, or say why.",
        )
    ]
    # In French this comma is a decimal one.
    assert messages(translated("52,996", "52,996"), "translation-numbers")[0][1] == (
        "“52,996” stands as in the text that was translated, but means another number in this language, which writes 1\u00a0557\u00a0276. Correct the translation, or say why."
    )
    assert messages(translated("500", "beaucoup"), "translation-numbers")[0][1].startswith(
        "“500” of the text that was translated is missing here."
    )
    assert messages(translated("many", "500"), "translation-numbers")[0][1].startswith(
        "“500” is not in the text that was translated."
    )


def test_several_numbers_that_differ_are_one_list_each_with_each_number_once():
    found = messages(translated("5, 7, 7 and 9", "5, 6, 6 et 8"), "translation-numbers")
    assert [message for _where, message in found] == [
        "“7”, “9” of the text that was translated are missing here. “6”, “8” are not in the text that was translated. Correct the translation, or say why."
    ]


def test_numbers_are_not_asked_of_what_is_still_the_words_of_the_source():
    words = "In 2020 we gave shelter to 1,867,821 people in 1,204 places"
    fresh = translated(words, words)
    assert messages(fresh, "impossible-number") == []
    assert messages(fresh, "translation-numbers") == []
    assert [where for where, _message in messages(fresh, "not-translated")] == ["text"]
    half = translated(
        f"<p>{words}.</p><p>Then 4,500 came.</p>", f"<p>{words}.</p><p>Puis 4 600 sont venus.</p>"
    )
    assert [message for _where, message in messages(half, "translation-numbers")] == [
        "“4,500” of the text that was translated is missing here. “4 600” is not in the text that was translated. Correct the translation, or say why."
    ]
    source = narrative(figures=[figure("5", "of 10,000 people"), figure("7", "of 20,000 people")])
    content = narrative(
        figures=[figure("5", "of 10,000 people"), figure("8", "of 20,000 people")], language="fr"
    )
    found = messages(Draft(content=content, source=source), "translation-numbers")
    assert found == [
        (
            "key_figures.2",
            "“7” of the text that was translated is missing here. “8” is not in the text that was translated. Correct the translation, or say why.",
        )
    ]


def test_key_figures_of_a_translation_are_compared_one_by_one():
    source = narrative(figures=[figure("5", "of 10 people"), figure("7", "houses"), figure("8", "tents")])
    content = narrative(figures=[figure("5", "sur 12 personnes"), figure("6", "maisons")], language="fr")
    found = messages(Draft(content=content, source=source), "translation-numbers")
    assert [where for where, _message in found] == ["", "key_figures.1", "key_figures.2"]
    assert (
        "“8”" in found[0][1]
        and "“10” of the text that was translated is missing here. “12” is not" in found[1][1]
    )
    assert "“7” of the text that was translated is missing here. “6” is not" in found[2][1]
    assert messages(Draft(content=content), "translation-numbers") == []


# --- What holds for all of them ---------------------------------------------------------------------

TEXTS = st.text(
    alphabet=st.sampled_from("012459 ,.;:%$-/<>!?&'\"=\u00a0\u202f٠٥٬٫،abcillwWéüم\n\t"), max_size=60
) | st.text(max_size=60)


@given(
    text=TEXTS,
    language=st.sampled_from(["en", "fr", "es", "ar", "pt"]),
    kind=st.sampled_from(["plan", "year_end"]),
)
@example(text="<![x", language="en", kind="plan")
@example(text="<a href='http://[::1'>", language="en", kind="plan")
@example(text="²½௰𝟗", language="en", kind="plan")
@example(text="9" * 5000, language="en", kind="plan")
@example(text="1,000" * 1000, language="fr", kind="plan")
@example(text="1E+99999999", language="en", kind="year_end")
def test_no_check_raises_on_any_text_and_the_result_is_the_same_every_time(text, language, kind):
    other = {"value": text, "number": text, "text": text, "source": text}
    content = narrative(
        text, f"<p>{text}</p>", language=language, kind=kind, figures=[figure("52,996", "x"), other]
    )
    source = narrative(html.escape(text), figures=[figure("5")])
    draft = Draft(
        content=content, source=source, last_year=source, profile=FUNDS, hosts=("h",), required=("text",)
    )
    found = findings(draft)
    assert found == findings(draft)
    assert not any(":failed:" in f.key for f in found)
    assert len({f.key for f in found}) == len(found)
    assert [f.level for f in found] == sorted(
        (f.level for f in found), key=[Level.ERROR, Level.WARNING].index
    )
    assert all(f.message and CHECKS[f.check][0] is f.level for f in found)


WARNED = (
    "<p>52,000 people. 9,000 referred. 55% funded. We will see.</p>",
    [figure("52,996", "cash"), figure("9,400", "talks")],
)


def keys(draft: Draft) -> dict[str, str]:
    return {found.key: found.message for found in findings(draft)}


@given(extra=st.text(alphabet="abcdefgh ", max_size=40))
def test_keys_stay_when_unrelated_text_changes_or_figures_change_places(extra):
    body, figures = WARNED
    before = keys(Draft(content=narrative(body, figures=figures)))
    assert len(before) == 4
    changed = narrative(
        f"<p>{extra}.</p>{body}", f"<p>{extra}</p>", figures=[figure("3", "new"), *figures[::-1]]
    )
    assert keys(Draft(content=changed)) == before


def test_keys_change_when_the_facts_change():
    body, figures = WARNED
    before = set(keys(Draft(content=narrative(body, figures=figures))))
    other = narrative(body.replace("52,000", "52,100"), figures=figures)
    assert len(before - set(keys(Draft(content=other)))) == 1


def changed(code: str, before: Draft, after: Draft) -> tuple[int, int, bool]:
    """How much one check finds in two drafts, and whether an answer to the first holds for the second."""
    keys = [{found.key for found in findings(draft) if found.check == code} for draft in (before, after)]
    return len(keys[0]), len(keys[1]), bool(keys[0] & keys[1])


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        (
            "number-near-key-figure",
            "In all 52,000 tents were given.",
            "In all 52,000 refugees were registered.",
        ),
        ("figures-look-alike", "Some 50,000 tents were given.", "Some 50,000 refugees were registered."),
        ("funded-share", "The health programme was 56% funded.", "The operation was 56% funded."),
        ("other-years", "The census of 2019 is the newest.", "In 2019 we reached everybody."),
    ],
)
def test_an_answer_does_not_hold_for_the_same_number_of_something_else(code, before, after):
    def draft(text: str, more: str = "") -> Draft:
        figures = [figure("52,996", "refugees were registered")]
        return Draft(content=narrative(f"<p>{more}{text}</p>", figures=figures), profile=FUNDS)

    assert changed(code, draft(before), draft(after)) == (1, 1, False)
    assert changed(code, draft(before), draft(before, "A new sentence. ")) == (1, 1, True)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("many", "500 tentes"), ("many", "500 écoles")),
        (("500 tents", "beaucoup"), ("500 schools", "beaucoup")),
    ],
)
def test_an_answer_about_a_translation_does_not_hold_for_the_same_number_of_something_else(first, second):
    code = "translation-numbers"
    assert changed(code, translated(*first), translated(*second)) == (1, 1, False)
    longer = translated(f"New. {first[0]}", f"Nouveau. {first[1]}")
    assert changed(code, translated(*first), longer) == (1, 1, True)


def test_an_answer_about_a_key_figure_of_a_translation_does_not_hold_for_another_in_its_source():
    def draft(text: str) -> Draft:
        source = narrative(figures=[figure("8", text)])
        return Draft(content=narrative(figures=[figure("9", "lieux")], language="fr"), source=source)

    assert changed("translation-numbers", draft("tents"), draft("schools")) == (1, 1, False)


def test_an_answer_why_a_section_is_left_out_does_not_hold_once_it_says_something_else():
    def draft(text: str) -> Draft:
        source = narrative("<p>Needs.</p>", f"<p>{text}</p>")
        return Draft(content=narrative("<p>Besoins.</p>", language="fr"), source=source)

    assert changed("partly-translated", draft("For donors."), draft("For all.")) == (1, 1, False)


def test_an_answer_about_a_share_does_not_hold_once_the_figures_give_it_for_something_else():
    def draft(measure: str) -> Draft:
        known = profile(finance=[*money("budget", 2020, "100"), *money(measure, 2020, "41")])
        return Draft(content=narrative("<p>It was 56% funded.</p>"), profile=known)

    assert changed("funded-share", draft("expenditure"), draft("funds_available")) == (1, 1, False)


@pytest.fixture
def broken():
    """A check that finds something and then fails, as long as the test runs."""

    @check("broken", Level.ERROR)
    def fails(draft):
        yield Remark("text", "Found before it failed.", ())
        raise ZeroDivisionError

    yield "broken"
    del CHECKS["broken"]


def test_a_check_that_fails_is_a_warning_beside_what_the_others_find(broken, caplog):
    content = narrative("<p>52,000 people</p>", figures=[figure("52,996", "cash")])
    with caplog.at_level(logging.ERROR, logger="operations"):
        found = findings(Draft(content=content))
    assert [(f.check, f.level, f.where) for f in found] == [
        ("broken", Level.ERROR, "text"),
        ("broken", Level.WARNING, ""),
        ("number-near-key-figure", Level.WARNING, "text"),
    ]
    assert found[1].message == (
        "The check “broken” could not be made; tell those who look after this site. Look at what it looks at yourself, "
        "and say what you saw."
    )
    assert [(r.name, r.getMessage(), r.exc_info[0]) for r in caplog.records] == [
        ("operations.checks.draft", "The check broken could not be made.", ZeroDivisionError)
    ]


def test_an_answer_to_a_check_that_failed_holds_for_the_text_that_was_looked_at(broken):
    def failed(body: str) -> str:
        (key,) = (
            f.key for f in findings(Draft(content=narrative(body))) if f.message.startswith("The check")
        )
        return key

    assert failed("<p>One.</p>") == failed("<p>One.</p>")
    assert failed("<p>One.</p>") != failed("<p>Two.</p>")


NUMBERS = st.integers(900, 60_000) | st.sampled_from(
    [9_000, 9_400, 50_000, 52_996, 52_966, 529_960, 1_557_276]
)


@given(
    known=st.lists(NUMBERS, max_size=8),
    digits=NUMBERS,
    zeros=st.sampled_from([1, 10, 100, 1000]),
    has_unit=st.booleans(),
)
def test_the_figures_near_a_number_are_those_that_a_look_at_each_of_them_finds(
    known, digits, zeros, has_unit
):
    value = Decimal(digits // zeros * zeros)
    assume(value >= nearness.SMALLEST)
    number = reading.Number("", frozenset({value}), 0, 0, Decimal(zeros), has_unit=has_unit)
    listed = [nearness.Known(Decimal(v), f"{n}", False, f"key_figures.{n}") for n, v in enumerate(known, 1)]
    figures = nearness.Figures(listed)
    others = [k for k in listed if k.place != "key_figures.2"]
    apart = [k for k in others if not nearness.is_rounding(number, k.value)]
    near = [k for k in apart if nearness.is_near(value, k.value)]
    alike = [k for k in apart if nearness.look_alike(value, k.value)]
    assert figures.closest(number, "key_figures.2") == min(
        near, key=lambda k: abs(k.value - value), default=None
    )
    assert figures.alike(number, "key_figures.2") == alike
    around = [k for k in listed if nearness.is_near(value, k.value)]
    assert [k for _count, k in figures.near(value)] == around
    exact = any(k.value == value or (has_unit and nearness.is_rounding(number, k.value)) for k in listed)
    assert nearness.Values(k.value for k in listed).holds(number) is exact


def test_three_thousand_numbers_beside_a_thousand_figures_are_checked_in_seconds():
    """Looked at one by one these are three million pairs, which took over ten seconds."""
    values = [1_000 + 1_543 * n for n in range(3_000)]
    body = "".join(f"<p>We reached {value:,} people.</p>" for value in values)
    known = profile(people(2020, None, *(7_000 + 4_321 * n for n in range(1_000))))
    begun = time.perf_counter()
    findings(Draft(content=narrative(body), profile=known))
    assert time.perf_counter() - begun < 5


def test_keys_differ_between_the_languages_of_a_text():
    body, figures = WARNED
    english, french = (
        Draft(content=narrative(body, language=code, figures=figures)) for code in ("en", "fr")
    )
    assert places(french, "number-near-key-figure") == places(english, "number-near-key-figure") == ["text"]
    assert set(keys(english)) & set(keys(french)) == set()


def test_findings_come_with_errors_first_then_in_the_order_of_the_text():
    content = narrative(
        "<p>52,000 people</p>",
        "<p>will 52,9960</p>",
        "<p>52,000 people and 52,000 people</p>",
        figures=[figure("52,996", "to be given cash")],
    )
    assert [(f.level, f.check, f.where) for f in findings(Draft(content=content, required=("text-9",)))] == [
        (Level.ERROR, "impossible-number", "text-2"),
        (Level.ERROR, "required-section", "text-9"),
        (Level.WARNING, "number-near-key-figure", "text"),
        (Level.WARNING, "plan-words", "text-2"),
        (Level.WARNING, "number-near-key-figure", "text-3"),
        (Level.WARNING, "plan-words", "key_figures.1"),
    ]


# --- Real contents ----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_frozen_contents_of_a_narrative_and_a_profile_are_read():
    operation = factories.operation()
    factories.population(operation, 2020, people=100)
    factories.population(operation, 2020, "REF", people=101)
    text = factories.narrative(operation, 2020, sections={"operational-context": "<p>52,000 people</p>"})
    factories.key_figure(text, "52,996")
    assert [f.check for f in findings(Draft(content=freeze(operation)))] == ["parts-miss-total"]
    found = findings(Draft(content=freeze(text), profile=freeze(operation)))
    assert [(f.check, f.level) for f in found] == [("number-near-key-figure", Level.WARNING)]


def demo() -> list[tuple[str, Finding]]:
    """All that is found in the texts of the demonstration, by operation, year and kind."""
    found = []
    for path in sorted((Path(apps.get_app_config("operations").path) / "demo").glob("*.json")):
        fact = json.loads(path.read_text(encoding="utf-8"))
        known = profile(
            [{**row, "source": row.get("source", "")} for row in fact["population"]],
            [{**row, "amount_usd": row["amount"], "source": ""} for row in fact["finance"]],
        )
        found += [(fact["code"], f) for f in findings(Draft(content=known))]
        contents = {
            (text["year"], text["kind"], text["language"]): {
                **narrative(year=text["year"], kind=text["kind"], language=text["language"]),
                "sections": [{"type": code, "body": body} for code, body in text["sections"].items()],
                "key_figures": [figure(f["value"], f["text"], f["source"]) for f in text["key_figures"]],
            }
            for text in fact["narratives"]
        }
        for (year, kind, language), content in contents.items():
            draft = Draft(content=content, profile=known, last_year=contents.get((year - 1, kind, language)))
            found += [(f"{fact['code']} {year} {kind}", f) for f in findings(draft)]
    return found


def test_the_texts_of_the_demonstration_are_asked_about_only_where_there_is_something_to_ask():
    assert [(place, found.check, found.where) for place, found in demo()] == [
        ("ARGMCO", "jump", "finance"),
        ("COL", "parts-miss-total", "finance"),
        ("COL", "jump", "finance"),
        ("PER", "jump", "population"),
        ("PER 2020 plan", "number-near-key-figure", "working-environment"),
        ("PER 2020 year_end", "number-near-key-figure", "key-achievements"),
        ("PER 2020 year_end", "number-near-key-figure", "unmet-needs"),
        ("PER 2020 year_end", "funded-share", "unmet-needs"),
        ("SSD 2018 plan", "jump", "key_figures.2"),
        ("TCD", "parts-miss-total", "finance"),
    ]


REFERENCE = Path(settings.BASE_DIR).parent / "shared" / "reference" / "peru-page.txt"


@pytest.mark.skipif(not REFERENCE.exists(), reason="the page that was printed is not beside the project")
def test_the_printed_page_is_asked_about_what_is_wrong_in_it():
    page = REFERENCE.read_text(encoding="utf-8")
    parts = re.split(
        r"^(Operational context|Working environment|Latest contributions)$", page, flags=re.MULTILINE
    )
    report = "".join(f"<p>{html.escape(line)}</p>" for line in parts[2].splitlines())
    figures = [
        figure("52,996", "people given cash"),
        figure("9,400", "consultations"),
        figure("50,000", "claims"),
    ]
    known = profile([*people(2019, 867_821), *people(2020, 1_557_276, 4_332, 537_552, 500_353, 515_039)])
    found = findings(Draft(content=narrative(report, figures=figures), profile=known))
    assert [(f.check, re.search("“(.*?)”", f.message)[1]) for f in found] == [
        ("number-near-key-figure", "537,590"),
        ("number-near-key-figure", "532,000"),
        ("number-near-key-figure", "4,302"),
        ("number-near-key-figure", "52,000"),
        ("figures-look-alike", "9,000"),
        ("funded-share", "55% funded"),
    ]
    head = narrative(f"<p>{html.escape(parts[0])}</p>")
    (error,) = [f for f in findings(Draft(content=head)) if f.level is Level.ERROR]
    assert (error.check, "“52,9960”" in error.message) == ("impossible-number", True)
