"""Make the fonts with which the server draws letters into pictures from the npm packages of Noto Sans.

    npm pack @fontsource/noto-sans @fontsource/noto-sans-arabic
    for file in fontsource-*.tgz; do mkdir -p ${file%.tgz} && tar xzf $file -C ${file%.tgz}; done
    python operations/fonts/build.py fontsource-noto-sans-5.3.0 fontsource-noto-sans-arabic-5.3.0

Needs fontTools with Brotli. The packages cut a font into files by script. Here they are joined, the Arabic ones too:
resvg shapes a word with a second font only where both would give it the same number of glyphs, which Arabic does not.
Without hints, which only small letters on coarse screens need.
"""

import sys
import tempfile
from pathlib import Path

from fontTools import subset
from fontTools.merge import Merger
from fontTools.ttLib import TTFont

HERE = Path(__file__).parent
WEIGHTS = {400: "regular", 600: "semibold"}
SCRIPTS = ("latin", "latin-ext", "vietnamese", "arabic")
# Latin with all its letters of today's languages, Vietnamese among them; Arabic; punctuation and signs.
LETTERS = [*range(0x20, 0x180), 0x18F, 0x192, 0x1A0, 0x1A1, 0x1AF, 0x1B0, *range(0x218, 0x21C), 0x259,
           *range(0x300, 0x30D), 0x323, *range(0x600, 0x700), *range(0x1E80, 0x1EFA), *range(0x2000, 0x2070),
           0x20AC, 0x2116, 0x2212, 0x2264, 0x2265]  # fmt: skip


def unpacked(path: Path, target: Path) -> Path:
    font = TTFont(path)
    font.flavor = None
    font.save(target)
    return target


def cut(font: TTFont, target: Path) -> None:
    options = subset.Options(hinting=False, notdef_outline=True, layout_features=["*"])
    options.drop_tables += ["STAT", "DSIG", "MVAR"]
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14, 16, 17]  # names, copyright and licence
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=LETTERS)
    subsetter.subset(font)
    font.save(target)
    print(f"{target.name}: {len(font.getGlyphOrder())} glyphs, {target.stat().st_size} bytes")


def main(latin: Path, arabic: Path) -> None:
    for weight, name in WEIGHTS.items():
        with tempfile.TemporaryDirectory() as folder:
            parts = []
            for script in SCRIPTS:
                package, family = (arabic, "noto-sans-arabic") if script == "arabic" else (latin, "noto-sans")
                path = package / f"package/files/{family}-{script}-{weight}-normal.woff2"
                parts.append(unpacked(path, Path(folder) / f"{script}.ttf"))
            cut(Merger().merge(parts), HERE / f"noto-sans-{name}.ttf")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
