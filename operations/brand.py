"""The agency's colour: its contrast, the shades that are derived from it, and the stylesheet of them.

Contrast is that of WCAG 2.2 (“relative luminance”, “contrast ratio”). A colour is ``#rrggbb``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

AA = 4.5
SITE = "#0b5cad"  # without an agency's own
HEX = re.compile(r"#[0-9a-f]{6}")
TOKEN = re.compile(r"--([\w-]+): (#[0-9a-f]{3,6});")
# What stands behind the brand's colour, from static/site/site.css: paper, paper-2 and note.
LIGHT_GROUNDS = ("#ffffff", "#f5f7f9", "#fff6e5")
DARK_GROUNDS = ("#10171d", "#18222a", "#2b2413")
LIGHT_ON, DARK_ON = "#ffffff", "#0b1a28"
# Which tokens of site.css stand as text on which.
TEXT = {
    "ink": ("paper", "paper-2", "note", "brand-wash"),
    "ink-2": ("paper", "paper-2", "note", "brand-wash"),
    "ink-3": ("paper", "paper-2", "note", "brand-wash"),
    "brand": ("paper", "paper-2", "note", "brand-wash"),
    "brand-ink": ("paper", "paper-2", "note", "brand-wash"),
    "on-brand": ("brand", "brand-ink"),
}
SEEN = ("brand", "spent", "funds", "focus")  # bars, and the line around what has the focus: 3:1 on paper


def tokens(css: str) -> tuple[dict[str, str], dict[str, str]]:
    """The colours of light and of dark by name, from the layer of tokens of a stylesheet."""
    layer = css[css.index("@layer tokens {") : css.index("@layer base {")]
    day, night = layer.split("@media (prefers-color-scheme: dark)", 1)
    light_ones = {name: _long(colour) for name, colour in TOKEN.findall(day)}
    return light_ones, light_ones | {name: _long(colour) for name, colour in TOKEN.findall(night)}


def _long(colour: str) -> str:
    return colour if len(colour) == 7 else "#" + "".join(digit * 2 for digit in colour[1:])


def channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def luminance(colour: str) -> float:
    """From 0 (black) to 1 (white)."""
    parts = [value / 255 for value in channels(colour)]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """From 1 (none) to 21 (black on white)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def printed(ratio: float) -> str:
    """4.49 is not 4.5: cut off, not rounded."""
    return f"{int(ratio * 10) / 10:.1f}:1"


def mix(colour: str, other: str, share: float) -> str:
    """``colour`` with this share of ``other`` in it, from 0 to 1."""
    pairs = zip(channels(colour), channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def weakest(colour: str, grounds: tuple[str, ...]) -> float:
    return min(contrast(colour, ground) for ground in grounds)


def nearest(colour: str, towards: str, is_enough: Callable[[str], bool]) -> str:
    """The colour itself or the first on its way to another one that is enough."""
    for step in range(101):
        if is_enough(found := mix(colour, towards, step / 100)):
            return found
    return towards


@dataclass(frozen=True, slots=True)
class Shades:
    """The colour of links and bars, the same under the pointer, a wash behind text, and text on the colour."""

    brand: str
    ink: str
    wash: str
    on: str


def light(colour: str) -> Shades:
    return Shades(colour, mix(colour, "#000000", 0.35), mix(colour, "#ffffff", 0.91), LIGHT_ON)


def dark(colour: str) -> Shades:
    return Shades(colour, mix(colour, "#ffffff", 0.4), mix(DARK_GROUNDS[0], colour, 0.14), DARK_ON)


def light_contrast(colour: str) -> float:
    """The least that it has where it is used in light: as text on each ground, and under text of its own."""
    own = light(colour)
    return min(weakest(colour, (*LIGHT_GROUNDS, own.wash)), contrast(own.on, colour))


def dark_contrast(colour: str) -> float:
    own = dark(colour)
    return min(weakest(colour, (*DARK_GROUNDS, own.wash)), contrast(own.on, colour))


def light_enough(colour: str) -> str:
    """The nearest darker colour that can be read in light."""
    return nearest(colour, "#000000", lambda found: light_contrast(found) >= AA)


def dark_enough(colour: str) -> str:
    """The nearest lighter colour that can be read in the dark."""
    return nearest(colour, "#ffffff", lambda found: dark_contrast(found) >= AA)


def stylesheet(colour: str, in_dark: str = "") -> str:
    """What replaces the tokens of site.css, in its own layers; the dark shades are derived where none is given."""
    day, night = light(colour), dark(in_dark or dark_enough(colour))
    return (
        f"@layer tokens{{:root{{{_tokens(day)}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{_tokens(night)}}}}}}}"
        f"@layer print{{@media print{{:root{{--brand:{day.brand};--brand-ink:{day.ink};--brand-wash:{day.wash}}}}}}}"
    )


def _tokens(shades: Shades) -> str:
    return (
        f"--brand:{shades.brand};--brand-ink:{shades.ink};--brand-wash:{shades.wash};--on-brand:{shades.on}"
    )
