"""A chart or map as a file that stands for itself: SVG, the same as PNG, and its table as CSV; and a page's card.

Presentation attributes only, so that the file looks the same in a browser under any content security policy, in an
office program and in resvg. Colours are the tokens of the stylesheet, in light. Everything is drawn from the left;
words that read from the right are isolated and their anchors turned, because resvg knows no ``direction``.
"""

from __future__ import annotations

import json as standard_json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import resvg_py
import tablib
from django.conf import settings

from . import brand, charts, maps
from .tables import PlainCSV, PlainXLSX

VERSION = 2  # of the drawing; counted up, files that are kept are made anew
WIDTH, MARGIN = 768, 24
INNER = WIDTH - 2 * MARGIN
MAP_SIZE = (INNER, 460)
CARD = (1200, 630)
CARD_MAP = (440, 630)
PNG_SCALE = 2
FONTS = [
    str(Path(__file__).parent / "fonts" / f"noto-sans-{weight}.ttf") for weight in ("regular", "semibold")
]
FAMILIES = "'Noto Sans', 'Noto Sans Arabic', system-ui, 'Segoe UI', Roboto, Arial, sans-serif"
STYLESHEETS = ("site.css",)
Tokens = dict[str, str]
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # no XML may hold them
FLIPPED = {"start": "end", "end": "start", "middle": "middle"}
FIRST_STRONG_LTR, RTL, END = "\u2066", "\u2067", "\u2069"


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart or map of a page with the words that it needs where nothing stands around it."""

    name: str
    place: str  # such as “Peru 2020”
    title: str
    sentence: str
    drawing: charts.Drawing | maps.LocatorMap
    table: charts.Table | None
    source: Sequence[str] = ()  # lines: from whom the figures are, of which day, where they were published
    address: str = ""
    key: Sequence[charts.Series] = ()
    unit: str = ""
    colour: str = ""  # of the brand, where it is not that of the stylesheet


@dataclass(frozen=True, slots=True)
class Card:
    """What a page shows of itself where somebody shares its address."""

    agency: str
    name: str
    year: str
    figures: Sequence[tuple[str, str]]  # as printed, and of what
    map: maps.LocatorMap | None
    colour: str = ""


# --- Colours -----------------------------------------------------------------------------------------


@cache
def tokens(colour: str = "") -> dict[str, str]:
    """The colours of the stylesheet by their names, in light; those of the brand made from ``colour``, if given."""
    if colour:
        shades = brand.light(colour)
        own = {"brand": shades.brand, "brand-ink": shades.ink, "brand-wash": shades.wash}
        return tokens() | own
    found: dict[str, str] = {}
    for name in STYLESHEETS:
        css = (Path(settings.BASE_DIR) / "static" / "site" / name).read_text(encoding="utf-8")
        for token, code in re.findall(r"--([\w-]+):\s*(#[0-9a-f]{3,6})\b", css):
            found.setdefault(token, code)  # each stands there first in light
    return found


def paint(css: str, token: Tokens) -> str:
    """The fill of a bar or of the text on it."""
    name = css.split()[-1] if css.startswith("inside") else css.split()[0]
    if number := re.fullmatch(r"s-(\d)", name):
        return token[f"series-{number[1]}"]
    if number := re.fullmatch(r"on-s-(\d)", name):
        return token["on-dark" if int(number[1]) % 2 else "on-mid"]
    return token[{"s-expenditure": "spent", "s-funds": "funds", "s-gap": "paper"}.get(name, "brand")]


def edge(css: str, token: Tokens) -> dict[str, str]:
    """Of a bar that is hollow: what was not given is drawn as its outline."""
    is_hollow = css.split()[0] == "s-gap"
    return {"stroke": token["ink-3"], "stroke-width": "1.2", "stroke-dasharray": "2 2.5"} if is_hollow else {}


def letters(css: str, token: Tokens) -> dict[str, str]:
    """How a text of this class looks, as static/site/site.css has it."""
    kind = css.split()[0]
    look = {"font-size": str(charts.SIZES[kind]), "fill": token["ink-2"]}
    if kind in ("value", "small"):
        look |= {"font-weight": "600", "fill": token["ink"]}
    elif kind == "label":
        look["fill"] = token["ink"]
    elif kind == "inside":
        look["fill"] = paint(css, token)
    elif kind == "note":
        look |= {"fill": token["ink-3"], **halo("4", token)}
    elif css == "axis now":
        look |= {"font-weight": "600", "fill": token["ink"]}
    return look


def halo(width: str, token: Tokens) -> dict[str, str]:
    return {
        "paint-order": "stroke",
        "stroke": token["paper"],
        "stroke-width": width,
        "stroke-linejoin": "round",
    }


def stroke(css: str, token: Tokens) -> dict[str, str]:
    look = {"stroke": token[{"zero": "line-2", "gap": "line-2", "cut": "paper"}.get(css, "line")]}
    return look | ({"stroke-dasharray": "2 3"} if css == "gap" else {})


def tinted(colour: str, share: float) -> str:
    """Some of a colour on white."""
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 - (255 - part) * share):02x}" for part in parts)


# --- Drawing -----------------------------------------------------------------------------------------


class Sheet:
    """An SVG that grows downwards; ``rtl`` turns what is placed by ``text`` and ``box`` from left to right."""

    def __init__(
        self, width: float, language: str, rtl: bool, colour: str, label: str, description: str = ""
    ) -> None:
        self.width, self.rtl, self.token = width, rtl, tokens(colour)
        self.root = ET.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "role": "img",
                "lang": language,
                "font-family": FAMILIES,
            },
        )
        self.root.set("aria-labelledby", "title desc" if description else "title")
        self.add("title", id="title").text = clean(label)
        if description:
            self.add("desc", id="desc").text = clean(description)
        self.paper = self.add("rect", width=width, fill=self.token["paper"])

    def add(self, tag: str, to: ET.Element | None = None, **attributes: object) -> ET.Element:
        """With font_size for font-size; numbers are written as plainly as they are."""
        named = {name.replace("_", "-"): written(value) for name, value in attributes.items()}
        return ET.SubElement(self.root if to is None else to, tag, named)

    def text(self, x: float, y: float, words: str, anchor: str = "start", **look: object) -> None:
        if self.rtl:
            x, anchor = self.width - x, FLIPPED[anchor]
        words = isolated(words) if self.rtl else words
        self.add("text", x=x, y=y, text_anchor=anchor, **look).text = clean(words)

    def box(self, x: float, y: float, width: float, height: float, **look: object) -> None:
        x = self.width - x - width if self.rtl else x
        self.add("rect", x=x, y=y, width=width, height=height, **look)

    def done(self, height: float) -> str:
        size = written(self.width), written(height)
        self.root.set("width", size[0])
        self.root.set("height", size[1])
        self.root.set("viewBox", f"0 0 {size[0]} {size[1]}")
        self.paper.set("height", size[1])
        return ET.tostring(self.root, encoding="unicode", short_empty_elements=True) + "\n"


def written(value: object) -> str:
    return f"{round(value, 2):g}" if isinstance(value, float) else str(value)


def clean(text: str) -> str:
    return CONTROL.sub("", str(text))


def isolated(words: str) -> str:
    """Read from the right, whatever its first letter is."""
    return f"{RTL}{words}{END}"


def wrapped(text: str, width: float, size: float, css: str = "axis") -> list[str]:
    """Lines of at most this width in letters of this size; ``css="label"`` for heavy ones."""
    return charts.wrap(text, width * charts.SIZES[css] / size, css)


def wide(text: str, size: float, css: str = "axis") -> float:
    return charts.text_width(text, css) * size / charts.SIZES[css]


def figure_svg(figure: Figure, language: str, rtl: bool = False) -> str:
    """The figure with its title, key, sentence and source, 768 pixels wide, complete in itself."""
    sheet = Sheet(WIDTH, language, rtl, figure.colour, f"{figure.place}: {figure.title}", figure.sentence)
    token = sheet.token
    y = MARGIN + 12.0
    sheet.text(MARGIN, y, figure.place, font_size=14, font_weight=600, fill=token["brand"])
    for line in wrapped(figure.title, INNER, 20, "label"):
        y += 26
        sheet.text(MARGIN, y, line, font_size=20, font_weight=600, fill=token["ink"])
    y += 14
    if figure.key or figure.unit:
        y = draw_key(sheet, figure, y + 10)
    y += 6
    if isinstance(figure.drawing, charts.Drawing):
        draw_chart(sheet, figure.drawing, MARGIN, y)
    else:
        draw_map(sheet, figure.drawing, MARGIN, y)
    y += figure.drawing.height + (8 if figure.sentence else -4)
    for line in wrapped(figure.sentence, INNER, 14):
        y += 20
        sheet.text(MARGIN, y, line, font_size=14, fill=token["ink-2"])
    y += 18
    sheet.box(MARGIN, y, INNER, 1, fill=token["line"])
    y += 6
    for line in (line for source in figure.source for line in wrapped(source, INNER, 12)):
        y += 17
        sheet.text(MARGIN, y, line, font_size=12, fill=token["ink-3"])
    if figure.address:
        y += 17
        address = f"{FIRST_STRONG_LTR}{figure.address}{END}" if rtl else figure.address
        sheet.text(MARGIN, y, address, font_size=12, fill=token["ink-3"])
    return sheet.done(y + MARGIN)


def draw_key(sheet: Sheet, figure: Figure, y: float) -> float:
    """The names of the colours, in as many lines as they need; the y below them."""
    x, token = float(MARGIN), sheet.token
    for series in figure.key:
        room = 20 + wide(series.label, 13) + 16
        if x > MARGIN and x + room > WIDTH - MARGIN:
            x, y = float(MARGIN), y + 20
        sheet.box(x, y - 10, 12, 12, fill=paint(series.css, token), **edge(series.css, token))
        sheet.text(x + 20, y, series.label, font_size=13, fill=token["ink-2"])
        x += room
    if figure.unit:
        if x > MARGIN and x + wide(figure.unit, 13) > WIDTH - MARGIN:
            x, y = float(MARGIN), y + 20
        sheet.text(x, y, figure.unit, font_size=13, fill=token["ink-3"])
    return y + 12


def draw_chart(sheet: Sheet, drawing: charts.Drawing, x: float, y: float) -> None:
    group = sheet.add("g", transform=f"translate({written(x)} {written(float(y))})")

    def lines(of: Iterable[charts.Line]) -> None:
        for line in of:
            sheet.add(
                "line", group, x1=line.x1, y1=line.y1, x2=line.x2, y2=line.y2, **stroke(line.css, sheet.token)
            )

    lines(drawing.lines)
    for bar in drawing.bars:
        look = {"fill": paint(bar.css, sheet.token), **edge(bar.css, sheet.token)}
        box = sheet.add("rect", group, x=bar.x, y=bar.y, width=bar.width, height=bar.height, **look)
        if bar.title:
            sheet.add("title", box).text = clean(bar.title)
    lines(drawing.cuts)
    for text in drawing.texts:
        is_turned = text.direction == "rtl"
        anchor = FLIPPED[text.anchor] if is_turned else text.anchor
        look = letters(text.css, sheet.token)
        element = sheet.add("text", group, x=text.x, y=text.y, text_anchor=anchor, **look)
        element.text = clean(isolated(text.text) if is_turned else text.text)


def draw_map(sheet: Sheet, drawn: maps.LocatorMap, x: float, y: float) -> None:
    token = sheet.token
    size = {"width": drawn.width, "height": drawn.height}
    view = sheet.add("svg", x=x, y=y, **size, viewBox=f"0 0 {drawn.width} {drawn.height}")
    sheet.add("rect", view, **size, fill=token["brand-wash"])
    for shape in drawn.shapes:
        look = {"fill": token["land"], "stroke": token["line-2"], "stroke-width": "0.75"}
        if shape.marked:
            look = {"fill": tinted(token["brand"], 0.2), "stroke": token["brand"], "stroke-width": "1.4"}
        if shape.disputed:
            look["stroke-dasharray"] = "3 2.5"
        sheet.add(
            "path", view, d=shape.path, fill_rule="evenodd", stroke_linejoin="round",
            **look,
        )  # fmt: skip
    for name in drawn.labels:
        look = {"fill": token["ink-2"], **halo("2", token)}
        if name.marked:
            look |= {"fill": token["brand-ink"], "font-weight": "600"}
        words = sheet.add(
            "text", view, x=name.x, y=name.y, text_anchor="middle", font_size=drawn.country_label_size, **look
        )
        words.text = clean(name.name)
    for marker in drawn.markers:
        look = {"fill": token["brand"], "stroke": token["paper"], "stroke-width": "1.5"}
        if marker.approximate:
            look = {"fill": token["paper"], "stroke": token["brand"], "stroke-width": "2"}
        sheet.add("circle", view, cx=marker.x, cy=marker.y, r=marker.radius, **look)
        if marker.show_label:
            look = {"fill": token["ink"], **halo("3", token)} | (
                {"font-weight": "600"} if marker.main else {}
            )
            words = sheet.add(
                "text", view, x=marker.label_x, y=marker.label_y, text_anchor=marker.anchor,
                font_size=drawn.label_size, **look,
            )  # fmt: skip
            words.text = clean(marker.name)


def card_svg(card: Card, language: str, rtl: bool = False) -> str:
    """1200 × 630 pixels, as social media ask for: brand, name and year, up to three figures, the map at the end."""
    width, height = CARD
    sheet = Sheet(width, language, rtl, card.colour, f"{card.name} {card.year}".strip())
    token = sheet.token
    left, end = 64, width - 64
    if card.map:
        end = width - CARD_MAP[0] - 48
        draw_map(sheet, card.map, 0 if rtl else width - CARD_MAP[0], 0)
    sheet.box(0, 0, 12, height, fill=token["brand"])
    sheet.text(left, 88, card.agency, font_size=28, font_weight=600, fill=token["brand"])
    size = next(
        (size for size in (76, 64, 52) if len(wrapped(card.name, end - left, size, "label")) <= 2), 40
    )
    y = 118.0
    for line in wrapped(card.name, end - left, size, "label")[:3]:
        y += size * 1.18
        sheet.text(left, y, line, font_size=size, font_weight=600, fill=token["ink"])
    if card.year:
        y += 62
        sheet.text(left, y, card.year, font_size=48, fill=token["ink-3"])
    numbers = max((wide(printed, 40, "label") for printed, _label in card.figures), default=0)
    for row, (printed, label) in enumerate(reversed(card.figures)):
        line = height - 56 - 62 * row
        sheet.text(left, line, printed, font_size=40, font_weight=600, fill=token["ink"])
        sheet.text(left + min(numbers, 380) + 20, line, label, font_size=26, fill=token["ink-2"])
    return sheet.done(height)


# --- Files -------------------------------------------------------------------------------------------


def png(svg: str, scale: int = PNG_SCALE) -> bytes:
    """The drawing in dots, so many times as wide and high. Reads no file and no address that the drawing may name."""
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg,
            zoom=scale,
            skip_system_fonts=True,
            font_files=FONTS,
            font_family="Noto Sans",
            sans_serif_family="Noto Sans",
        )
    )


def csv(table: charts.Table) -> bytes:
    """The table as UTF-8: keys as heads, figures exact and without locale, and in “missing” why one is not there."""
    return PlainCSV().export_data(dataset_of(table)).encode()


def xlsx(table: charts.Table) -> bytes:
    return PlainXLSX().export_data(dataset_of(table))


def json(figure: Figure) -> bytes:
    """What the figure says of itself, and an object for each row of its table."""
    rows = dataset_of(figure.table)
    found = {
        "meta": {
            "title": f"{figure.place}: {figure.title}",
            "source": [line for line in figure.source if line],
            "page": figure.address,
        },
        "data": [dict(zip(rows.headers, map(plain_value, row), strict=True)) for row in rows],
    }
    return (standard_json.dumps(found, ensure_ascii=False) + "\n").encode()


def plain_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value if isinstance(value, int | float | str | None) else str(value)


def dataset_of(table: charts.Table) -> tablib.Dataset:
    rows = tablib.Dataset(headers=[*table.keys, "missing"])
    for row in table.rows:
        reasons = [
            f"{key}: {cell.missing_reason}"
            for key, cell in zip(table.keys, row, strict=True)
            if cell.missing_reason
        ]
        rows.append([*(cell.value if cell.numeric else cell.text for cell in row), "; ".join(reasons)])
    return rows
