"""Charts as plain geometry: figures in, rectangles and texts out, in CSS pixels, for a template to write as SVG.

Nothing here knows a model, a language or a colour. Words arrive translated, `number` prints figures in the reader's
language, colours are CSS classes, and `rtl=True` mirrors the drawing. A missing value (None) is never drawn as zero.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import groupby

from .rounding import UNITS, half_up

WIDE, NARROW = 720, 340
# Font sizes in px, by text class; static/site/site.css sets the same.
SIZES = {"value": 13, "small": 11, "axis": 12, "note": 12, "label": 14, "inside": 11}
MISSING = "–"
BAR, BAR_GAP, ROW_GAP = 14, 2, 12  # lying bars

Number = Callable[[Decimal], str]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Series:
    label: str
    css: str
    values: Sequence[Decimal | None]
    bases: Sequence[Decimal | None] = ()  # where its bars begin; without any, at zero

    def base(self, i: int) -> Decimal:
        return (self.bases[i] if self.bases else None) or Decimal(0)


@dataclass(frozen=True)
class Item:
    label: str
    value: Decimal | None
    css: str = "s-main"
    note: str = ""


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    css: str
    title: str = ""


@dataclass(frozen=True)
class Line:
    x1: float
    y1: float
    x2: float
    y2: float
    css: str


@dataclass(frozen=True)
class Text:
    x: float
    y: float
    text: str
    css: str
    anchor: str = "start"
    direction: str = "ltr"

    @property
    def box(self) -> Box:
        """Left, top, right, bottom of the text as estimated."""
        size, width = SIZES[self.css.split()[0]], text_width(self.text, self.css)
        anchor = (
            {"start": "end", "end": "start"}.get(self.anchor, "middle")
            if self.direction == "rtl"
            else self.anchor
        )
        left = self.x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
        return left, self.y - size * 0.78, left + width, self.y + size * 0.22


@dataclass(frozen=True)
class Drawing:
    """One SVG; `lines` go under the bars, `cuts` over them."""

    width: int
    height: float
    bars: Sequence[Bar] = ()
    lines: Sequence[Line] = ()
    texts: Sequence[Text] = ()
    cuts: Sequence[Line] = ()

    def mirrored(self) -> "Drawing":
        flip = {"start": "end", "end": "start", "middle": "middle"}

        def text(t: Text) -> Text:
            if any(c.isalpha() for c in t.text):  # words read from the right, where their anchor is then, too
                return replace(t, x=_px(self.width - t.x), direction="rtl")
            return replace(t, x=_px(self.width - t.x), anchor=flip[t.anchor])

        def line(n: Line) -> Line:
            return replace(n, x1=_px(self.width - n.x1), x2=_px(self.width - n.x2))

        return replace(
            self,
            bars=[replace(b, x=_px(self.width - b.x - b.width)) for b in self.bars],
            lines=[line(n) for n in self.lines],
            cuts=[line(n) for n in self.cuts],
            texts=[text(t) for t in self.texts],
        )


@dataclass(frozen=True)
class Cell:
    text: str
    numeric: bool = False
    missing_reason: str = ""
    value: Decimal | int | None = None  # of a figure, for files: exact and in no language


@dataclass(frozen=True)
class Table:
    """The figures behind a chart. The first cell of a row is its heading; missing cells are marked with a footnote."""

    caption: str
    headers: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    keys: Sequence[str] = ()  # the names of the columns in files, the same in every language

    @property
    def notes(self) -> list[str]:
        return list(dict.fromkeys(c.missing_reason for row in self.rows for c in row if c.missing_reason))

    @property
    def body(self) -> list[list[tuple[Cell, int | None]]]:
        notes = self.notes
        return [
            [(c, notes.index(c.missing_reason) + 1 if c.missing_reason else None) for c in row]
            for row in self.rows
        ]

    @property
    def head(self) -> list[tuple[str, bool]]:
        """Each heading, and whether its column holds figures."""
        return [
            (h, any(row[i].numeric for row in self.rows if i < len(row))) for i, h in enumerate(self.headers)
        ]


@dataclass(frozen=True)
class Chart:
    """What the templates in charts/ are given."""

    title: str
    summary: str
    wide: Drawing
    narrow: Drawing
    table: Table
    say: str = ""
    key: Sequence[Series] = field(default=())
    unit: str = ""
    name: str = ""  # in its own address; empty where it has none
    address: str = ""  # of the chart alone, with its query, where it is not one of an operation's year


def plain(value: Decimal) -> str:
    return f"{value:,f}"


def unit_of(values: Iterable[Decimal | None]) -> tuple[Decimal, str]:
    """The unit in which the largest of the values is printed: (1000000, "million"), or (1, "")."""
    largest = max((abs(v) for v in values if v is not None), default=Decimal(0))
    return next((u for u in UNITS if largest >= u[0]), (Decimal(1), ""))


def ticks(maximum: Decimal, target: int = 4, minimum: Decimal = Decimal(0)) -> list[Decimal]:
    """Round values, zero among them, about `target` steps apart, from at most `minimum` to at least `maximum`."""
    low, high = min(minimum, Decimal(0)), max(maximum, Decimal(0))
    if low == high:
        return [Decimal(0), Decimal(1)]
    wanted = (high - low) / target
    power = Decimal(1).scaleb(wanted.adjusted())
    step = next(power * nice for nice in map(Decimal, ("1", "2", "2.5", "5", "10")) if power * nice >= wanted)
    first = int((low / step).to_integral_value(ROUND_FLOOR))
    last = int((high / step).to_integral_value(ROUND_CEILING))
    return [step * i for i in range(first, last + 1)]


def text_width(text: str, css: str) -> float:
    """An upper estimate in px: system fonts differ, and labels must not collide in the widest of them."""
    ems = sum(
        0.64 if c.isdigit() else 0.36 if c in "ijlft.,'’|:;()! \u00a0\u202f" else 0.95 if c in "mwMW—" else
        1.0 if ord(c) > 0x2E80 else 0.74 if c.isupper() else 0.61 for c in text
    )  # fmt: skip
    return ems * SIZES[css.split()[0]] * (1.1 if css in {"value", "small", "label", "axis now"} else 1)


def wrap(text: str, width: float, css: str) -> list[str]:
    lines: list[str] = []
    for word in filter(None, text.split(" ")):
        if lines and text_width(f"{lines[-1]} {word}", css) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def balanced(text: str, width: float, css: str) -> list[str]:
    """Wrapped into as few lines as `wrap`, of about the same length: no last word alone."""
    count = len(wrap(text, width, css))
    narrower = (wrap(text, width * share / 20, css) for share in range(8, 20))
    return next((lines for lines in narrower if len(lines) == count), wrap(text, width, css))


def year_bars(
    categories: Sequence[str], series: Sequence[Series], *, width: int = WIDE, height: int = 260,
    gaps: Sequence[str | None] = (), current: str = "", unit: Decimal = Decimal(1), number: Number = plain,
    rtl: bool = False,
) -> Drawing:  # fmt: skip
    """Standing bars in groups: one group a category, one bar a series, each with its figure over it."""
    low, high = _extent(v for s in series for v in s.values)
    frame = _Frame(categories, series, low, high, width, height, gaps, current, unit, number)
    between = min(3.0, frame.band * 0.05)
    thick = min(40.0, (frame.band * 0.76 - between * (len(series) - 1)) / max(len(series), 1))
    bars: list[Bar] = []
    ends: list[tuple[int, int, Bar, Decimal]] = []
    for i, category in enumerate(categories):
        left = frame.middle(i) - (thick * len(series) + between * (len(series) - 1)) / 2
        for j, one in enumerate(series):
            if (value := one.values[i]) is not None:
                title = f"{one.label}, {category}: {_figure(value, unit, number)}"
                x = left + j * (thick + between)
                bars.append(frame.bar(value, x, thick, one.css, title, one.base(i)))
                ends.append((j, -i, bars[-1], value))
    ends.sort(
        key=lambda e: e[:2]
    )  # where room is short, the first series and the last years keep their figures
    blocks = [t.box for t in frame.texts] + [(b.x, b.y, b.x + b.width, b.y + b.height) for b in bars]
    for css in ("value", "small"):
        wanted = [
            _over(b, _figure(v, unit, number), css, width, j, len(series), v < 0) for j, _, b, v in ends
        ]
        texts = _free(wanted, blocks, width)
        if len(texts) == len(wanted):
            break
    return _done(Drawing(width, frame.height, bars, frame.lines, [*frame.texts, *texts]), rtl)


def stacked(
    categories: Sequence[str], series: Sequence[Series], *, width: int = WIDE, height: int = 280,
    totals: Sequence[Decimal | None] = (), gaps: Sequence[str | None] = (), current: str = "",
    unit: Decimal = Decimal(1), number: Number = plain, rtl: bool = False,
) -> Drawing:  # fmt: skip
    """Standing bars, the series piled up; negative figures hang under the line. `totals` are printed, not computed."""
    piles = [[(s, v) for s in series if (v := s.values[i]) is not None] for i in range(len(categories))]
    ends = [sum((v for _, v in pile if (v > 0) == up), Decimal(0)) for pile in piles for up in (True, False)]
    frame = _Frame(categories, series, *_extent(ends), width, height, gaps, current, unit, number)
    thick = min(64.0, frame.band * 0.72)
    bars, cuts, inside = list[Bar](), list[Line](), list[Text]()
    tops: list[tuple[Bar, Decimal]] = []
    for i, pile in enumerate(piles):
        middle, left = _px(frame.middle(i)), _px(frame.middle(i) - thick / 2)
        reached = {True: Decimal(0), False: Decimal(0)}
        below = {True: 0.0, False: 0.0}
        for one, value in pile:
            if not value:
                continue
            start = frame.y(reached[value > 0])
            reached[value > 0] += value
            end, figure = frame.y(reached[value > 0]), _figure(value, unit, number)
            y, high = _px(min(start, end)), abs(end - start)
            title = f"{one.label}, {categories[i]}: {figure}"
            bars.append(Bar(left, y, _px(thick), _px(high), one.css, title))
            if min(high, below[value > 0]) >= 3:  # a gap would swallow a thinner segment
                cuts.append(Line(left, _px(start), _px(left + thick), _px(start), "cut"))
            below[value > 0] = high
            if high >= SIZES["inside"] + 5 and text_width(figure, "inside") <= thick - 4:
                inside.append(Text(middle, _px(y + high / 2 + 4), figure, f"inside on-{one.css}", "middle"))
        if pile and not any(v for _, v in pile):
            bars.append(frame.bar(Decimal(0), left, thick, pile[0][0].css, categories[i]))
        if pile and i < len(totals) and (total := totals[i]) is not None:
            tops.append((Bar(left, _px(frame.y(reached[True])), _px(thick), 0, ""), total))
    css = "value" if frame.band >= 48 else "small"
    over = [_over(bar, _figure(total, unit, number), css, width) for bar, total in reversed(tops)]
    texts = [*frame.texts, *inside, *_free(over, [t.box for t in frame.texts], width)]
    return _done(Drawing(width, frame.height, bars, frame.lines, texts, cuts), rtl)


def year_rows(
    categories: Sequence[str], series: Sequence[Series], *, width: int = NARROW, gaps: Sequence[str | None] = (),
    current: str = "", unit: Decimal = Decimal(1), number: Number = plain, rtl: bool = False,
) -> Drawing:  # fmt: skip
    """The same figures as `year_bars` for a narrow screen: years as rows, bars lying, the figure at the bar's end."""
    runs = _runs(series, len(categories), gaps)
    heads = {r[0]: (_years(categories, r), caption) for r, caption in runs}
    start = (
        max(
            (text_width(h, "axis now") for h in [*categories, *(years for years, _ in heads.values())]),
            default=0,
        )
        + 10
    )
    lying = _Lying([v for s in series for v in s.values], start, width, unit, number)
    skipped, y = {i for r, _ in runs for i in r}, 4.0
    texts: list[Text] = []
    for i, category in enumerate(categories):
        css = "axis now" if category == current else "axis"
        if i not in skipped:
            texts.append(Text(0, _px(y + (BAR + BAR_GAP) * len(series) / 2 + 3), category, css))
            for one in series:
                lying.add(one.values[i], y, one.css, f"{one.label}, {category}", one.base(i))
                y += BAR + BAR_GAP
            y += ROW_GAP
        elif i in heads:
            texts.append(Text(0, _px(y + 11), heads[i][0], css))
            lines = wrap(heads[i][1] or MISSING, width - start, "note")
            texts += [Text(_px(start), _px(y + 11 + 16 * n), line, "note") for n, line in enumerate(lines)]
            y += 16 * len(lines) + ROW_GAP
    return lying.done(y, texts, rtl)


def rows(
    items: Sequence[Item],
    *,
    width: int = WIDE,
    unit: Decimal = Decimal(1),
    number: Number = plain,
    rtl: bool = False,
) -> Drawing:
    """Lying bars, each under its label, the figure at its end; a missing one has a dash and its note instead."""
    lying, y = _Lying([i.value for i in items], 0, width, unit, number), 0.0
    texts: list[Text] = []
    for item in items:
        for line in wrap(item.label, width, "label"):
            texts.append(Text(0, _px(y + 14), line, "label"))
            y += 19
        note = item.note
        if item.value is None:
            note = f"{MISSING} {note}" if note else MISSING
        else:
            lying.add(item.value, y + 3, item.css, item.label)
            y += BAR + 6
        for line in wrap(note, width, "note"):
            texts.append(Text(0, _px(y + 12), line, "note"))
            y += 16
        y += ROW_GAP
    return lying.done(y, texts, rtl)


class _Frame:
    """What standing bars stand in: the scale, the grid, the categories and the captions of missing ones."""

    def __init__(
        self, categories: Sequence[str], series: Sequence[Series], low: Decimal, high: Decimal, width: int, height: int,
        gaps: Sequence[str | None], current: str, unit: Decimal, number: Number,
    ):  # fmt: skip
        self.low, self.high, self.width, self.height = low, high, width, float(height)
        self.lines, self.texts = list[Line](), list[Text]()
        marks = [t for t in ticks(high, minimum=low) if low <= t <= high]
        if not any(v for s in series for v in s.values):
            marks = [Decimal(0)]
        names = [number(_trim(t / unit)).replace("-", "−") for t in marks]
        self.left = max(text_width(n, "axis") for n in names) + 10
        self.top, self.bottom = 22.0, height - (46.0 if low < 0 else 28.0)
        self.band = (width - self.left) / max(len(categories), 1)
        for mark, name in zip(marks, names, strict=True):
            y, css = _px(self.y(mark)), "zero" if mark == 0 else "grid"
            self.lines.append(Line(_px(self.left), y, width, y, css))
            self.texts.append(Text(_px(self.left - 10), _px(y + 4), name, "axis", "end"))
        self._name(categories, current)
        for run, caption in _runs(series, len(categories), gaps):
            self._caption(_years(categories, run), run, caption)

    def y(self, value: Decimal) -> float:
        return self.bottom - float((value - self.low) / (self.high - self.low)) * (self.bottom - self.top)

    def middle(self, i: float) -> float:
        return self.left + self.band * (i + 0.5)

    def bar(
        self, value: Decimal, x: float, thick: float, css: str, title: str, base: Decimal = Decimal(0)
    ) -> Bar:
        """At least a hairline high: a figure that is there is seen, zero as well."""
        y1, y2 = sorted((self.y(base + value), self.y(base)))
        if y2 - y1 < 1:
            y1, y2 = (y1, y1 + 1) if value < 0 else (y2 - 1, y2)
        return Bar(_px(x), _px(y1), _px(thick), _px(y2 - y1), css if value else f"{css} none", title)

    def _name(self, categories: Sequence[str], current: str) -> None:
        """Every category, or every second, third …, counted from the last."""
        names = []
        for i, category in enumerate(categories):
            css = "axis now" if category == current else "axis"
            half = text_width(category, css) / 2
            x = max(half, min(self.width - half, self.middle(i)))
            names.append(Text(_px(x), self.height - 8, category, css, "middle"))
        steps = (names[::-1][::step] for step in range(1, len(names) + 1))
        self.texts += next((n for n in steps if len(_free(n, [], self.width)) == len(n)), [])

    def _caption(self, years: str, run: Sequence[int], caption: str) -> None:
        """Over the missing years when it fits between their neighbours, otherwise under the whole chart."""
        zero, room = self.y(Decimal(0)), self.band * len(run) - 12
        lines = balanced(caption, min(room, 300), "note")
        if (
            lines
            and max(text_width(n, "note") for n in lines) <= room
            and 16 * len(lines) + 12 <= zero - self.top
        ):
            left = self.middle(run[0] - 0.5) + 6
            self.lines.append(Line(_px(left), _px(zero - 4), _px(left + room), _px(zero - 4), "gap"))
            for n, line in enumerate(reversed(lines)):
                self.texts.append(Text(_px(left + room / 2), _px(zero - 12 - 16 * n), line, "note", "middle"))
            return
        self.texts += [Text(_px(self.middle(i)), _px(zero - 6), MISSING, "note", "middle") for i in run]
        for line in wrap(f"{years}: {caption}", self.width, "note") if lines else ():
            self.texts.append(Text(0, self.height + 12, line, "note"))
            self.height += 16


class _Lying:
    """The scale of lying bars, with room at the ends for their figures."""

    def __init__(
        self, values: Sequence[Decimal | None], start: float, width: int, unit: Decimal, number: Number
    ):
        self.low, self.high = _extent(values)
        self.width, self.unit, self.number = width, unit, number
        ends = [(v, text_width(_figure(v, unit, number), "value") + 8) for v in values if v is not None]
        self.left = start + max((w for v, w in ends if v < 0), default=0)
        self.right = width - max((w for v, w in ends if v >= 0), default=12)
        self.bars, self.texts = list[Bar](), list[Text]()

    def x(self, value: Decimal) -> float:
        return self.left + float((value - self.low) / (self.high - self.low)) * (self.right - self.left)

    def add(self, value: Decimal | None, y: float, css: str, title: str, base: Decimal = Decimal(0)) -> None:
        zero = self.x(base)
        if value is None:
            self.texts.append(Text(_px(zero), _px(y + 11.5), MISSING, "note"))
            return
        x1, x2 = sorted((zero, self.x(base + value)))
        if x2 - x1 < 1:
            x1, x2 = (x2 - 1, x2) if value < 0 else (x1, x1 + 1)
        self.bars.append(Bar(_px(x1), _px(y), _px(x2 - x1), BAR, css if value else f"{css} none", title))
        end, anchor = (x1 - 6, "end") if value < 0 else (x2 + 6, "start")
        figure = _figure(value, self.unit, self.number)
        self.texts.append(Text(_px(end), _px(y + 11.5), figure, "value", anchor))

    def done(self, height: float, texts: Sequence[Text], rtl: bool) -> Drawing:
        zero, height = _px(self.x(Decimal(0))), max(_px(height - ROW_GAP + 4), 1.0)
        lines = [Line(zero, 0, zero, height, "zero")] if self.low < 0 else []
        return _done(Drawing(self.width, height, self.bars, lines, [*texts, *self.texts]), rtl)


def _extent(values: Iterable[Decimal | None]) -> tuple[Decimal, Decimal]:
    known = [v for v in values if v is not None]
    low, high = min([*known, Decimal(0)]), max([*known, Decimal(0)])
    return (low, high) if low < high else (low, Decimal(1))


def _runs(series: Sequence[Series], count: int, gaps: Sequence[str | None]) -> list[tuple[list[int], str]]:
    """Consecutive categories without any figure and with the same caption."""

    def caption(i: int) -> str | None:
        return (
            ((gaps[i] if i < len(gaps) else None) or "") if all(s.values[i] is None for s in series) else None
        )

    return [(list(run), c) for c, run in groupby(range(count), caption) if c is not None]


def _years(categories: Sequence[str], run: Sequence[int]) -> str:
    return categories[run[0]] + (f"–{categories[run[-1]]}" if len(run) > 1 else "")


def _figure(value: Decimal, unit: Decimal, number: Number) -> str:
    """To one decimal of the unit, whole without a unit; an amount too small for that is "<0.1" and not zero."""
    places = 0 if unit == 1 else 1
    shown = half_up(value / unit, places)
    if not value or shown:
        return number(shown if value else Decimal(0)).replace("-", "−")
    least = number(Decimal(1).scaleb(-places))
    return f"<{least}" if value > 0 else f">−{least}"


def _over(
    bar: Bar, text: str, css: str, edge: float, place: int = 0, of: int = 1, below: bool = False
) -> Text:
    """A figure at the end of a standing bar; one wider than its bar leans out of the group, up to the edge."""
    y = _px(bar.y + bar.height + SIZES[css] + 1 if below else bar.y - 5)
    size = text_width(text, css)
    if of == 1 or 0 < place < of - 1 or size <= bar.width:
        return Text(_px(bar.x + bar.width / 2), y, text, css, "middle")
    if place == 0:
        return Text(_px(bar.x + bar.width), y, text, css, "end")
    return Text(_px(min(bar.x, edge - size)), y, text, css)


def _free(texts: Iterable[Text], blocks: Sequence[Box], width: int) -> list[Text]:
    """The texts, first come first served, that touch no block, no other text and no side of the drawing."""
    taken, free = list(blocks), list[Text]()
    for text in texts:
        left, top, right, bottom = text.box
        touched = any(left < b[2] + 1 and b[0] < right + 1 and top < b[3] and b[1] < bottom for b in taken)
        if not touched and left >= -1 and right <= width + 1:
            taken.append(text.box)
            free.append(text)
    return free


def _trim(value: Decimal) -> Decimal:
    return half_up(value) if value == half_up(value) else value.normalize()


def _px(value: float) -> float:
    return round(value, 2)


def _done(drawing: Drawing, rtl: bool) -> Drawing:
    return drawing.mirrored() if rtl else drawing
