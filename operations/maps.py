"""Maps as numbers for a template to draw: outlines, markers and labels in the pixels of one SVG.

Pure geometry. Longitudes and latitudes are degrees (WGS 84), everything given back is pixels from the top
left, with one decimal. `outlines/README.md` says where outlines come from; a longitude runs on past 180°
where a country does.
"""

import json
import math
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

WORLD_OUTLINES = Path(__file__).parent / "outlines" / "world-110m.json"
LOCATOR_OUTLINES = Path(__file__).parent / "outlines" / "world-50m.json"

LABEL_SIZE = 13  # font sizes, in pixels of the drawing
COUNTRY_LABEL_SIZE = 11.5
CLOSEST_ZOOM = 9  # nearer, the outlines show their corners
FARTHEST_ZOOM = 6  # no small island is shown from farther away for the sake of its neighbours
SPECK = 6  # a country whose largest island is less wide, in pixels, is drawn as dots
TOLERANCE = 0.4  # how far a simplified line may leave the true one, in pixels

XY = tuple[float, float]
Box = tuple[float, float, float, float]  # left, top, right, bottom; in degrees west, south, east, north
Sheet = tuple[int, int, int, int]  # west, south, east, north in whole degrees; east may lie past 180


@dataclass(frozen=True, slots=True)
class Outline:
    points: tuple[XY, ...]
    box: Box
    area: float  # square degrees at the equator


@dataclass(frozen=True, slots=True)
class Country:
    code: str  # ISO 3166-1 alpha-3; "X.." where there is none
    name: str
    part_of: str  # the code with which it is marked too, or ""
    outlines: tuple[Outline, ...]  # largest first


@dataclass(frozen=True, slots=True)
class Shapes:
    """What an agency says of outlines, by their codes; those of a country do not change with it."""

    disputed: frozenset[str] = frozenset()  # drawn with a dashed border
    left_out: frozenset[str] = frozenset()  # not drawn


@dataclass(frozen=True, slots=True)
class Office:
    key: str
    name: str
    longitude: float | None
    latitude: float | None
    kind: str = ""
    rank: int = 1  # 0 is the main office; a lower rank gets its label first
    approximate: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    code: str
    name: str
    path: str
    marked: bool
    disputed: bool = False


@dataclass(frozen=True, slots=True)
class Marker:
    key: str
    name: str
    kind: str
    main: bool
    approximate: bool
    x: float
    y: float
    radius: float
    longitude: float = 0
    latitude: float = 0
    label_x: float = 0
    label_y: float = 0
    anchor: str = "start"
    show_label: bool = False


@dataclass(frozen=True, slots=True)
class CountryLabel:
    name: str
    x: float
    y: float
    marked: bool


@dataclass(frozen=True, slots=True)
class LocatorMap:
    width: int
    height: int
    shapes: tuple[Shape, ...]  # marked ones last, to be drawn on top
    markers: tuple[Marker, ...]
    labels: tuple[CountryLabel, ...]
    longitude: float = 0  # of its middle, within its sheet
    latitude: float = 0
    zoom: float = 0  # as Leaflet counts
    sheet: Sheet = (-170, -60, 190, 85)
    label_size: float = LABEL_SIZE
    country_label_size: float = COUNTRY_LABEL_SIZE

    @property
    def has_disputed(self) -> bool:
        return any(shape.disputed for shape in self.shapes)


@dataclass(frozen=True, slots=True)
class Point:
    key: str
    name: str
    longitude: float | None
    latitude: float | None
    value: float | None  # None: not known, drawn small and hollow
    url: str = ""
    text: str = ""  # the value in words, for the title


@dataclass(frozen=True, slots=True)
class Circle:
    key: str
    name: str
    url: str
    text: str
    value: float | None
    x: float
    y: float
    radius: float
    hit: float = 0  # the radius of what a finger or pointer hits
    longitude: float = 0
    latitude: float = 0


@dataclass(frozen=True, slots=True)
class WorldMap:
    width: int
    height: int
    land: str
    marked: tuple[Shape, ...]
    circles: tuple[Circle, ...]  # largest first
    disputed: tuple[Shape, ...] = ()  # those that are not marked
    sheet: Sheet = (-170, -60, 190, 85)

    @property
    def has_disputed(self) -> bool:
        return bool(self.disputed) or any(shape.disputed for shape in self.marked)


# Outlines


@lru_cache
def load_outlines(path: Path) -> dict[str, Country]:
    """The countries of a file of outlines by their codes; ``ValueError``, in words, where it is none."""
    countries = _read(path).get("countries")
    if not isinstance(countries, dict) or not countries:
        raise ValueError(f"{path} is no file of outlines: it has no “countries”.")
    loaded = {}
    for code, about in countries.items():
        try:
            outlines = tuple(map(_outline, _joined([_decoded(ring) for ring in about["rings"]])))
            loaded[code] = Country(code, str(about["name"]), str(about.get("part_of", "")), outlines)
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path}: “{code}” must have a name and rings of whole numbers, hundredths of a degree, "
                "two for each of three or more points."
            ) from error
    return loaded


@lru_cache
def load_shapes(path: Path) -> Shapes:
    """What a file says is disputed or left out; ``ValueError``, in words, where it says something else."""
    said = _read(path)
    if unknown := sorted(set(said) - {"disputed", "left_out"}):
        raise ValueError(f"{path} has “{unknown[0]}”; it may have “disputed” and “left_out”.")
    for key, codes in said.items():
        if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
            raise ValueError(f'{path}: “{key}” must be a list of codes, such as ["XSG"].')
    return Shapes(frozenset(said.get("disputed", ())), frozenset(said.get("left_out", ())))


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path} must hold an object in braces.")
    return found


def _drawn_countries(outlines: Path, shapes: Shapes) -> Iterator[Country]:
    return (each for each in load_outlines(outlines).values() if each.code not in shapes.left_out)


def _decoded(coded: Sequence[int]) -> list[XY]:
    if len(coded) < 6 or not all(isinstance(number, int) for number in coded):
        raise ValueError(coded[:6])
    x = y = 0
    points = []
    for dx, dy in zip(coded[::2], coded[1::2], strict=True):
        x, y = x + dx, y + dy
        points.append((x / 100, y / 100))
    return points


def _joined(rings: list[list[XY]]) -> list[list[XY]]:
    """With the halves of an island that a file parts at 180° as one ring: no line runs through Taveuni."""
    whole: list[list[XY]] = []
    for ring in rings:
        for i, other in enumerate(whole):
            if joined := _join(other, ring):
                whole[i] = joined
                break
        else:
            whole.append(ring)
    return whole


def _join(a: list[XY], b: list[XY]) -> list[XY] | None:
    for i, side in _seams(a):
        for j, (end, start) in _seams(b):
            if max(abs(side[0][1] - start[1]), abs(side[1][1] - end[1])) < 0.03:  # simplified apart
                turn = side[0][0] - start[0]
                around = [(x + turn, y) for x, y in (*b[j + 1 :], *b[: j + 1])]
                return [*a[: i + 1], *around[1:-1], *a[i + 1 :]]
    return None


def _seams(ring: list[XY]) -> Iterator[tuple[int, tuple[XY, XY]]]:
    """The sides of a ring that lie on the 180th meridian, each with the number of its first point."""
    return ((i, (a, b)) for i, (a, b) in enumerate(_sides(ring)) if a[0] == b[0] and abs(a[0]) == 180)


def _outline(points: list[XY]) -> Outline:
    box = _box(points)
    return Outline(tuple(points), box, _area(points) * math.cos(math.radians((box[1] + box[3]) / 2)))


def _is_marked(country: Country, codes: Collection[str]) -> bool:
    return country.code in codes or country.part_of in codes


# Plane geometry


def _box(points: Iterable[XY]) -> Box:
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _area(ring: Sequence[XY]) -> float:
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in _sides(ring))) / 2


def _sides(ring: Sequence[XY]) -> Iterator[tuple[XY, XY]]:
    return zip(ring, (*ring[1:], *ring[:1]), strict=True)


def _holds(ring: Sequence[XY], x: float, y: float) -> bool:
    inside = False
    for (ax, ay), (bx, by) in _sides(ring):
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            inside = not inside
    return inside


def clip(ring: Sequence[XY], box: Box) -> list[XY]:
    """The part of a ring in a box (Sutherland–Hodgman); several parts stay joined along the box's edge."""
    points = list(ring)
    for axis, limit, sign in ((0, box[0], 1), (1, box[1], 1), (0, box[2], -1), (1, box[3], -1)):
        kept: list[XY] = []
        for a, b in _sides(points):
            a_in, b_in = (a[axis] - limit) * sign >= 0, (b[axis] - limit) * sign >= 0
            if a_in:
                kept.append(a)
            if a_in != b_in:
                along = (limit - a[axis]) / (b[axis] - a[axis])
                cut = a[1 - axis] + along * (b[1 - axis] - a[1 - axis])
                kept.append((limit, cut) if axis == 0 else (cut, limit))
        points = kept
    return points


def simplify(ring: Sequence[XY], tolerance: float) -> list[XY]:
    """Fewer points, none of those left out farther than `tolerance` from the line (Douglas–Peucker)."""
    if len(ring) < 4:
        return list(ring)
    far = max(range(len(ring)), key=lambda i: math.dist(ring[0], ring[i]))
    points = [*ring, ring[0]]
    keep = {0, far}
    spans = [(0, far), (far, len(ring))]
    while spans:
        first, last = spans.pop()
        (ax, ay), (bx, by) = points[first], points[last]
        length = math.hypot(bx - ax, by - ay)
        worst, index = tolerance, 0
        for i in range(first + 1, last):
            x, y = points[i]
            off = (
                abs((bx - ax) * (ay - y) - (ax - x) * (by - ay)) / length
                if length
                else math.hypot(x - ax, y - ay)
            )
            if off > worst:
                worst, index = off, i
        if index:
            keep.add(index)
            spans += [(first, index), (index, last)]
    return [ring[i] for i in sorted(keep)]


def _path(rings: Iterable[Sequence[XY]]) -> str:
    """SVG path data with one decimal, in steps from point to point, which is half as long as positions."""
    parts = []
    for ring in rings:
        points = [(round(x * 10), round(y * 10)) for x, y in ring]
        steps = [(bx - ax, by - ay) for (ax, ay), (bx, by) in pairwise(points)]
        line = " ".join(f"{dx / 10:g},{dy / 10:g}" for dx, dy in steps if dx or dy)
        if line:
            parts.append(f"M{points[0][0] / 10:g},{points[0][1] / 10:g}l{line}z")
    return "".join(parts)


def _drawn(rings: Iterable[Sequence[XY]], smallest: float) -> list[list[XY]]:
    """Rings without those narrower than `smallest` pixels; the first, if there is any, always stays."""
    drawn: list[list[XY]] = []
    for ring in rings:
        left, top, right, bottom = _box(ring)
        if not drawn or max(right - left, bottom - top) >= smallest:
            drawn.append(simplify(ring, TOLERANCE) if smallest else list(ring))
    return drawn


def _is_speck(rings: Iterable[Sequence[XY]]) -> bool:
    return all(max(box[2] - box[0], box[3] - box[1]) < SPECK for box in map(_box, rings))


def _dots(rings: Iterable[Sequence[XY]]) -> list[list[XY]]:
    """An octagon for each of a country's islands, none of which could be seen otherwise; not one on another."""
    middles: list[XY] = []
    for left, top, right, bottom in map(_box, rings):
        middle = (left + right) / 2, (top + bottom) / 2
        if all(math.dist(middle, other) > SPECK for other in middles):
            middles.append(middle)
    turns = [math.pi * step / 4 for step in range(8)]
    return [
        [(x + SPECK / 2 * math.cos(turn), y + SPECK / 2 * math.sin(turn)) for turn in turns]
        for x, y in middles
    ]


# The map of one operation


def mercator(longitude: float, latitude: float) -> XY:
    """Web Mercator: the world a square of one by one, the north west at (0, 0); latitudes stop at 85.05°."""
    latitude = math.radians(max(-85.05112878, min(85.05112878, latitude)))
    return (longitude + 180) / 360, 0.5 - math.asinh(math.tan(latitude)) / (2 * math.pi)


def degrees(x: float, y: float) -> XY:
    """Longitude and latitude of a point of the Mercator square."""
    y = max(0.0, min(1.0, y))
    return x * 360 - 180, math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y))))


def _outlines_of(code: str, world: Mapping[str, Country]) -> list[Outline]:
    """The outlines marked with a code, the largest first."""
    countries = (country for country in world.values() if _is_marked(country, {code}))
    return sorted((part for country in countries for part in country.outlines), key=lambda part: -part.area)


def main_outlines(outlines: Sequence[Outline], offices: Sequence[Office] = ()) -> list[Outline]:
    """The parts of a country that its map must show.

    The largest, what is at least a quarter of it, what lies near it, and every part with an office. So
    France is shown without Guiana, Malaysia with both its halves, and Spain with the Canaries once there is
    an office there. A country of small islands only is shown whole.
    """
    if not outlines:
        return []
    largest, *others = outlines
    shown = [largest]
    west, south, east, north = largest.box
    for part in others:
        shift = 360 * round((west + east - part.box[0] - part.box[2]) / 720)
        left, bottom, right, top = part.box[0] + shift, part.box[1], part.box[2] + shift, part.box[3]
        gap = max(left - east, west - right, bottom - north, south - top)
        near = max(3, 0.15 * max(east - west, north - south))
        if gap <= near or part.area >= largest.area / 4:
            west, south, east, north = min(west, left), min(south, bottom), max(east, right), max(north, top)
            shown.append(part)
        elif largest.area < 0.3 or any(_at(office, part) for office in offices):
            shown.append(part)
    return shown


def _at(office: Office, part: Outline) -> bool:
    if office.longitude is None or office.latitude is None:
        return False
    longitude = _nearest(office.longitude, (part.box[0] + part.box[2]) / 2, 360)
    west, south, east, north = part.box
    return west - 0.5 <= longitude <= east + 0.5 and south - 0.5 <= office.latitude <= north + 0.5


def _nearest(value: float, to: float, period: float) -> float:
    return value + period * round((to - value) / period)


def extent(boxes: Sequence[Box]) -> Box:
    """The smallest box, in degrees, around all, which may reach over the 180th meridian."""
    spans = sorted((box[0] % 360, box[0] % 360 + box[2] - box[0]) for box in boxes)
    west, reach = spans[0]
    gap, start = 0.0, west
    for left, right in [*spans[1:], (west + 360, west + 360)]:
        if left - reach > gap:
            gap, start = left - reach, left
        reach = max(reach, right)
    west = (start + 180) % 360 - 180
    return west, min(box[1] for box in boxes), west + 360 - gap, max(box[3] for box in boxes)


@dataclass(frozen=True, slots=True)
class _View:
    x: float  # its middle, on the Mercator square
    y: float
    size: float  # of the whole world, in pixels
    width: int
    height: int

    def place(self, longitude: float, latitude: float) -> XY:
        x, y = mercator(longitude, latitude)
        return (x - self.x) * self.size + self.width / 2, (y - self.y) * self.size + self.height / 2

    def place_nearest(self, longitude: float, latitude: float) -> XY:
        return self.place(_nearest(longitude, self.x * 360 - 180, 360), latitude)

    def rings(self, outline: Outline, margin: float) -> Iterator[list[XY]]:
        """The parts of an outline in view; on a map of the world it can be in view twice."""
        frame = (-margin, -margin, self.width + margin, self.height + margin)
        west, south, east, north = outline.box
        (left, top), (right, bottom) = self.place(west, north), self.place(east, south)
        first = math.ceil((frame[0] - right) / self.size)
        for copy in range(first, math.floor((frame[2] - left) / self.size) + 1):
            shift = copy * self.size
            box = (left + shift, top, right + shift, bottom)
            if not _meet(box, frame):
                continue
            ring = [(x + shift, y) for x, y in (self.place(*point) for point in outline.points)]
            within = box[0] >= frame[0] and box[1] >= frame[1] and box[2] <= frame[2] and box[3] <= frame[3]
            ring = ring if within else clip(ring, frame)
            if len(ring) > 2:
                yield ring

    def sheet(self) -> tuple[Sheet, XY]:
        """What a reader can move about in, twice as wide and high as the view, and its middle; in degrees."""
        longitude, latitude = degrees(self.x, self.y)
        turn = 360 * math.floor((longitude + 180) / 360)
        longitude -= turn
        reach = self.width / self.size * 360
        south = degrees(0, self.y + self.height / self.size)[1]
        north = degrees(0, self.y - self.height / self.size)[1]
        bottom, top = max(-85, 5 * math.floor(south / 5)), min(85, 5 * math.ceil(north / 5))
        west, east = 5 * math.floor((longitude - reach) / 5), 5 * math.ceil((longitude + reach) / 5)
        if east - west >= 360:
            west, east = 5 * round((longitude - 180) / 5), 5 * round((longitude - 180) / 5) + 360
        turn = 360 * math.floor((west + 180) / 360)
        return (west - turn, bottom, east - turn, top), (longitude - turn, latitude)


def _view(
    boxes: Sequence[Box],
    longitude: float | None,
    latitude: float | None,
    zoom: int | None,
    width: int,
    height: int,
) -> _View:
    middle = None if longitude is None or latitude is None else mercator(longitude, latitude)
    wanted = 256 * 2**zoom if zoom else None
    if not boxes:
        size = wanted or (256 * 2**4 if middle else width)
        x, y = middle or mercator(11, 25)
        half = min(height / 2 / size, 0.5)
        return _View(x, min(max(y, half), 1 - half), size, width, height)
    west, south, east, north = extent(boxes)
    (left, top), (right, bottom) = mercator(west, north), mercator(east, south)
    padding = 0.06 * min(width, height)
    half_width, half_height = width / 2 - padding, height / 2 - padding
    fitting = min(2 * half_width / (right - left or 1e-9), 2 * half_height / (bottom - top or 1e-9))
    size = min(fitting, wanted or 256 * 2**CLOSEST_ZOOM)
    x, y = (left + right) / 2, (top + bottom) / 2
    if middle:  # as near to the wanted middle as the countries allow
        x = min(max(_nearest(middle[0], x, 1), right - half_width / size), left + half_width / size)
        y = min(max(middle[1], bottom - half_height / size), top + half_height / size)
    return _View(x, y, size, width, height)


def locator(
    *,
    countries: Sequence[str],
    longitude: float | None,
    latitude: float | None,
    zoom: int | None,
    offices: Sequence[Office] = (),
    width: int = 640,
    height: int = 440,
    names: Mapping[str, str] | None = None,
    outlines: Path = LOCATOR_OUTLINES,
    shapes: Shapes = Shapes(),
) -> LocatorMap:
    """The map of an operation: its countries marked among their neighbours, and its offices.

    `zoom` counts as Leaflet's does (the world is 256 · 2^zoom pixels wide) and is made less where the
    countries would not fit; without it, or at 0, they fill the map. Offices without a place, or out of
    view, are left out. `names` are the countries' names by code, in the reader's language; an empty one
    leaves the label out.
    """
    world = {country.code: country for country in _drawn_countries(outlines, shapes)}
    parts = [part for code in countries for part in main_outlines(_outlines_of(code, world), offices)]
    boxes = [part.box for part in parts]
    if not boxes and (longitude is None or latitude is None):
        boxes = [
            (office.longitude - 1, office.latitude - 1, office.longitude + 1, office.latitude + 1)
            for office in offices
            if office.longitude is not None and office.latitude is not None
        ]
    view = _view(boxes, longitude, latitude, zoom, width, height)
    if not zoom:
        view = _with_a_neighbour(view, boxes, tuple(countries), outlines, shapes)
    land = [
        (replace(shape, name=(names or {}).get(shape.code, shape.name)), ring)
        for shape, ring in _land(view, tuple(countries), outlines, shapes)
    ]
    markers, taken = _markers(view, offices)
    sheet, middle = view.sheet()
    return LocatorMap(
        width,
        height,
        tuple(sorted((shape for shape, _ring in land if shape.path), key=lambda shape: shape.marked)),
        markers,
        tuple(_country_labels(view, land, taken, with_marked=len(countries) > 1)),
        round(middle[0], 3),
        round(middle[1], 3),
        round(math.log2(view.size / 256), 2),
        sheet,
    )


def _with_a_neighbour(
    view: _View, boxes: Sequence[Box], countries: tuple[str, ...], outlines: Path, shapes: Shapes
) -> _View:
    """Farther away where a small island would be alone in its map, until another country is in view."""
    if not boxes:
        return view
    west, south, east, north = extent(boxes)
    while view.size > 256 * 2**FARTHEST_ZOOM and view.size * max(east - west, north - south) / 360 < 150:
        if not all(shape.marked for shape, _ring in _land(view, countries, outlines, shapes)):
            break
        view = replace(view, size=view.size / 2)
    return view


@lru_cache(maxsize=512)
def _land(
    view: _View, countries: tuple[str, ...], outlines: Path, shapes: Shapes
) -> tuple[tuple[Shape, list[XY]], ...]:
    """The countries in view, each with its largest ring. Kept: it is the same in each language and year."""
    land = []
    for country in _drawn_countries(outlines, shapes):
        rings = [ring for outline in country.outlines for ring in view.rings(outline, margin=8)]
        if rings:
            marked = _is_marked(country, countries)
            rings = _dots(rings) if marked and _is_speck(rings) else _drawn(rings, 0.7 if marked else 1.5)
            shape = Shape(country.code, country.name, _path(rings), marked, country.code in shapes.disputed)
            land.append((shape, max(rings, key=_area)))
    return tuple(land)


def text_width(text: str, size: float) -> float:
    """The width of a text in pixels, rather too wide than too narrow: the reader's font is not known."""
    return size * sum(map(_letter_width, text))


@lru_cache(maxsize=4096)
def _letter_width(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.05
    if letter in "mwMW@%":
        return 0.95
    if letter in " .,:;'|!ijlI-()":
        return 0.38
    return 0.75 if letter.isupper() else 0.62


def _fits(box: Box, taken: Iterable[Box], width: float, height: float) -> bool:
    inside = box[0] >= 4 and box[1] >= 4 and box[2] <= width - 4 and box[3] <= height - 4
    return inside and not any(_meet(box, other) for other in taken)


def label_box(x: float, y: float, anchor: str, text: str, size: float) -> Box:
    """Where a line of text will be, `y` being its base line."""
    width = text_width(text, size)
    left = x - {"start": 0, "middle": width / 2, "end": width}[anchor]
    return left, y - 0.85 * size, left + width, y + 0.3 * size


def _markers(view: _View, offices: Sequence[Office]) -> tuple[tuple[Marker, ...], list[Box]]:
    """Markers with their labels, and the places taken. A label goes where there is room, or is not shown."""
    markers = []
    for office in sorted(offices, key=lambda office: office.rank):
        if office.longitude is None or office.latitude is None:
            continue
        x, y = view.place_nearest(office.longitude, office.latitude)
        if 0 <= x <= view.width and 0 <= y <= view.height:
            x, y, main = round(x, 1), round(y, 1), office.rank == 0
            radius = 6.5 if main else 4.5
            markers.append(
                Marker(
                    office.key,
                    office.name,
                    office.kind,
                    main,
                    office.approximate,
                    x,
                    y,
                    radius,
                    office.longitude,
                    office.latitude,
                )
            )
    taken = [
        (m.x - m.radius - 2, m.y - m.radius - 2, m.x + m.radius + 2, m.y + m.radius + 2) for m in markers
    ]
    labelled = []
    for marker in markers:
        size = LABEL_SIZE * (1.07 if marker.main else 1)  # the main office's is bold
        beside, above, below = marker.radius + 4, marker.radius + 6, marker.radius + 4 + 0.85 * LABEL_SIZE
        for dx, dy, anchor in (
            (beside, 0.35 * LABEL_SIZE, "start"),
            (-beside, 0.35 * LABEL_SIZE, "end"),
            (0, -above, "middle"),
            (0, below, "middle"),
            (beside / 2, -above, "start"),
            (beside / 2, below, "start"),
            (-beside / 2, -above, "end"),
            (-beside / 2, below, "end"),
        ):
            x, y = round(marker.x + dx, 1), round(marker.y + dy, 1)
            box = label_box(x, y, anchor, marker.name, size)
            if _fits(box, taken, view.width, view.height):
                taken.append(box)
                marker = replace(marker, label_x=x, label_y=y, anchor=anchor, show_label=True)
                break
        labelled.append(marker)
    return tuple(labelled), taken


def _country_labels(
    view: _View, shapes: Iterable[tuple[Shape, list[XY]]], taken: list[Box], with_marked: bool
) -> Iterator[CountryLabel]:
    """Names of countries that have room for them within their outline; the larger countries first."""
    frame = (4.0, 4.0, view.width - 4.0, view.height - 4.0)
    visible = (
        (shape, clip(ring, frame))
        for shape, ring in shapes
        if shape.name and (with_marked or not shape.marked)
    )
    size = COUNTRY_LABEL_SIZE
    for shape, ring in sorted(visible, key=lambda item: -_area(item[1])):
        if _area(ring) < text_width(shape.name, size) * size:
            continue
        left, top, right, bottom = _box(ring)
        middle = (left + right) / 2, (top + bottom) / 2
        spots = [
            (left + (right - left) * column / 12, top + (bottom - top) * row / 12)
            for row in range(1, 12)
            for column in range(1, 12)
        ]
        for spot in sorted(spots, key=lambda spot: math.dist(spot, middle)):
            x, y = round(spot[0], 1), round(spot[1] + 0.3 * size, 1)
            box = label_box(x, y, "middle", shape.name, size)
            edge = [(a, b) for a in (box[0], x, box[2]) for b in (box[1], box[3])]
            if _fits(box, taken, view.width, view.height) and all(_holds(ring, a, b) for a, b in edge):
                taken.append(box)
                yield CountryLabel(shape.name, x, y, shape.marked)
                break


# The map of all operations

WEST_EDGE = -169.0  # the world is cut in the Bering Strait, where it parts no country in two
SOUTH_EDGE, NORTH_EDGE = -57.0, 83.7


def equal_earth(longitude: float, latitude: float) -> XY:
    """Equal Earth (Šavrič, Patterson and Jenny 2018), on a unit sphere, y to the north.

    Areas are true to each other, so that no country looks more important than it is for lying in the north.
    """
    a1, a2, a3, a4 = 1.340264, -0.081106, 0.000893, 0.003796
    theta = math.asin(math.sqrt(3) / 2 * math.sin(math.radians(latitude)))
    square, sixth = theta**2, theta**6
    slope = a1 + 3 * a2 * square + sixth * (7 * a3 + 9 * a4 * square)
    x = 2 * math.sqrt(3) * math.radians(longitude) * math.cos(theta) / (3 * slope)
    return x, theta * (a1 + a2 * square + sixth * (a3 + a4 * square))


@dataclass(frozen=True, slots=True)
class _Globe:
    width: int
    height: int

    def place(self, longitude: float, latitude: float) -> XY:
        top, bottom = equal_earth(0, NORTH_EDGE)[1], equal_earth(0, SOUTH_EDGE)[1]
        scale = min((self.width - 8) / (2 * equal_earth(180, 0)[0]), (self.height - 8) / (top - bottom))
        x, y = equal_earth(longitude - WEST_EDGE - 180, latitude)
        return self.width / 2 + scale * x, self.height / 2 - scale * (y - (top + bottom) / 2)

    def rings(self, outline: Outline) -> Iterator[list[XY]]:
        for turn in (-360, 0, 360):
            frame = (WEST_EDGE - turn, SOUTH_EDGE, WEST_EDGE - turn + 360, NORTH_EDGE)
            if _meet(outline.box, frame):
                yield [self.place(x + turn, y) for x, y in clip(outline.points, frame)]


@lru_cache(maxsize=32)
def world_shapes(
    marked: frozenset[str],
    width: int,
    height: int,
    outlines: Path = WORLD_OUTLINES,
    shapes: Shapes = Shapes(),
) -> tuple[str, tuple[Shape, ...]]:
    """All land: the path of the countries neither marked nor disputed, and the shapes of those that are."""
    globe = _Globe(width, height)
    land, apart = "", []
    for country in _drawn_countries(outlines, shapes):
        path = _path(_drawn((ring for outline in country.outlines for ring in globe.rings(outline)), 1.0))
        is_marked, is_disputed = _is_marked(country, marked), country.code in shapes.disputed
        if is_marked or is_disputed:
            apart.append(Shape(country.code, country.name, path, is_marked, is_disputed))
        else:
            land += path
    return land, tuple(apart)


def world(
    points: Sequence[Point],
    *,
    marked: Collection[str] = (),
    width: int = 960,
    height: int = 440,
    largest: float = 24,
    outlines: Path = WORLD_OUTLINES,
    shapes: Shapes = Shapes(),
) -> WorldMap:
    """The map of all operations: a circle each, its area in proportion to the value.

    The largest value's radius is `largest` pixels, and none is below 4, to be seen and hit; an unknown
    value has 4 too. Points without a place are left out. What can be hit is 24 pixels wide where no other
    circle's middle is nearer than that.
    """
    land, apart = world_shapes(frozenset(marked), width, height, outlines, shapes)
    globe = _Globe(width, height)
    highest = max((point.value for point in points if point.value is not None), default=0)
    circles = []
    for point in points:
        if point.longitude is None or point.latitude is None:
            continue
        longitude = (point.longitude - WEST_EDGE) % 360 + WEST_EDGE
        x, y = globe.place(longitude, max(SOUTH_EDGE, min(NORTH_EDGE, point.latitude)))
        radius = largest * math.sqrt(max(point.value or 0, 0) / highest) if highest > 0 else 0
        x, y, radius = round(x, 1), round(y, 1), round(max(4, radius), 1)
        circles.append(
            Circle(
                point.key,
                point.name,
                point.url,
                point.text,
                point.value,
                x,
                y,
                radius,
                longitude=point.longitude,
                latitude=point.latitude,
            )
        )
    return WorldMap(
        width,
        height,
        land,
        tuple(shape for shape in apart if shape.marked),
        _with_hits(sorted(circles, key=lambda circle: -circle.radius)),
        tuple(shape for shape in apart if not shape.marked),
    )


def _with_hits(circles: Sequence[Circle]) -> tuple[Circle, ...]:
    """Each with what can be hit: 12 pixels around its middle, or half way to the nearest other's middle."""
    nearest = [24.0] * len(circles)
    for (i, one), (j, other) in combinations(enumerate(circles), 2):
        apart = math.hypot(one.x - other.x, one.y - other.y)
        nearest[i], nearest[j] = min(nearest[i], apart), min(nearest[j], apart)
    return tuple(
        replace(circle, hit=round(max(circle.radius, apart / 2), 1))
        for circle, apart in zip(circles, nearest, strict=True)
    )


# The map that a reader can zoom

COARSE_FROM = 120  # a sheet of so many degrees from west to east has the outlines of the world map


def is_sheet(sheet: Sheet) -> bool:
    """Whether it is one that a map of ours asks for, so that there are not too many to keep."""
    west, south, east, north = sheet
    return (
        not any(number % 5 for number in sheet)
        and -180 <= west < 180
        and 5 <= east - west <= 360
        and -90 <= south < north <= 90
    )


@lru_cache(maxsize=64)
def features(sheet: Sheet, outlines: Path, shapes: Shapes = Shapes()) -> tuple[dict[str, Any], ...]:
    """The countries on a sheet as features of GeoJSON, longitudes running on past 180° with the sheet.

    “label” is where a name has most room: longitude, latitude, and how many degrees it may be long.
    """
    found = []
    for country in _drawn_countries(outlines, shapes):
        polygons = [
            polygon
            for turn in (-360, 0, 360)
            for outline, holes in _with_holes(country)
            if (polygon := list(_sheet_rings(sheet, turn, outline, holes)))
        ]
        if polygons:
            properties: dict[str, Any] = {"label": _room(max((p[0] for p in polygons), key=_area))}
            if country.part_of:
                properties["part_of"] = country.part_of
            if country.code in shapes.disputed:
                properties["disputed"] = True
            geometry = {"type": "MultiPolygon", "coordinates": polygons}
            found.append(
                {"type": "Feature", "id": country.code, "properties": properties, "geometry": geometry}
            )
    return tuple(found)


def _with_holes(country: Country) -> Iterator[tuple[Outline, list[Outline]]]:
    """The land of a country, each with the holes in it: South Africa has one for Lesotho."""
    within: dict[Outline, list[Outline]] = {}
    for part in country.outlines:
        around = [
            other
            for other in within
            if _covers(other.box, part.box) and _holds(other.points, *_room(part.points)[:2])
        ]
        if around:
            within[around[0]].append(part)
        else:
            within[part] = []
    yield from within.items()


def _covers(a: Box, b: Box) -> bool:
    return a[0] <= b[0] and a[1] <= b[1] and a[2] >= b[2] and a[3] >= b[3]


def _sheet_rings(sheet: Sheet, turn: int, outline: Outline, holes: Sequence[Outline]) -> Iterator[list[XY]]:
    """A piece of land on a sheet and the holes in it, each ring closed; nothing where it lies elsewhere."""
    west, south, east, north = sheet
    frame = (west - turn, south, east - turn, north)
    for is_hole, part in [(False, outline), *((True, hole) for hole in holes)]:
        points = clip(part.points, frame) if _meet(part.box, frame) else []
        ring = [(round(x + turn, 2), round(y, 2)) for x, y in points]
        if len(set(ring)) > 2:
            is_left = sum(a[0] * b[1] - b[0] * a[1] for a, b in _sides(ring)) > 0
            if is_left == is_hole:  # GeoJSON has the land on the left of a ring
                ring.reverse()
            yield [*ring, ring[0]]
        elif not is_hole:
            return


def _room(ring: Sequence[XY]) -> tuple[float, float, float]:
    """The middle and length of the longest line from west to east within a ring, of nine that are tried."""
    left, bottom, right, top = _box(ring)
    best = ((left + right) / 2, (bottom + top) / 2, 0.0)
    for row in range(1, 10):
        y = bottom + (top - bottom) * row / 10
        crossings = sorted(
            (bx - ax) * (y - ay) / (by - ay) + ax
            for (ax, ay), (bx, by) in _sides(ring)
            if (ay > y) != (by > y)
        )
        for start, end in zip(crossings[::2], crossings[1::2], strict=False):
            if end - start > best[2]:
                best = ((start + end) / 2, y, end - start)
    return round(best[0], 3), round(best[1], 3), round(best[2], 3)
