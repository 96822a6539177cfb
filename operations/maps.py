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
from itertools import pairwise
from pathlib import Path

WORLD_OUTLINES = Path(__file__).parent / "outlines" / "world-110m.json"
LOCATOR_OUTLINES = Path(__file__).parent / "outlines" / "world-50m.json"

LABEL_SIZE = 13  # font sizes, in pixels of the drawing
COUNTRY_LABEL_SIZE = 11.5
CLOSEST_ZOOM = 9  # nearer, the outlines show their corners
TOLERANCE = 0.4  # how far a simplified line may leave the true one, in pixels

XY = tuple[float, float]
Box = tuple[float, float, float, float]  # left, top, right, bottom; in degrees west, south, east, north


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
    label_size: float = LABEL_SIZE
    country_label_size: float = COUNTRY_LABEL_SIZE


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


@dataclass(frozen=True, slots=True)
class WorldMap:
    width: int
    height: int
    land: str
    marked: tuple[Shape, ...]
    circles: tuple[Circle, ...]  # largest first


# Outlines


@lru_cache
def load_outlines(path: Path) -> dict[str, Country]:
    countries = json.loads(path.read_text(encoding="utf-8"))["countries"]
    return {
        code: Country(code, about["name"], about.get("part_of", ""), tuple(map(_outline, about["rings"])))
        for code, about in countries.items()
    }


def _outline(coded: Sequence[int]) -> Outline:
    x = y = 0
    points = []
    for dx, dy in zip(coded[::2], coded[1::2], strict=True):
        x, y = x + dx, y + dy
        points.append((x / 100, y / 100))
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


# The map of one operation


def mercator(longitude: float, latitude: float) -> XY:
    """Web Mercator: the world a square of one by one, the north west at (0, 0); latitudes stop at 85.05°."""
    latitude = math.radians(max(-85.05112878, min(85.05112878, latitude)))
    return (longitude + 180) / 360, 0.5 - math.asinh(math.tan(latitude)) / (2 * math.pi)


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
) -> LocatorMap:
    """The map of an operation: its countries marked among their neighbours, and its offices.

    `zoom` counts as Leaflet's does (the world is 256 · 2^zoom pixels wide) and is made less where the
    countries would not fit; without it, or at 0, they fill the map. Offices without a place, or out of
    view, are left out. `names` are the countries' names by code, in the reader's language; an empty one
    leaves the label out.
    """
    world = load_outlines(outlines)
    parts = [part for code in countries for part in main_outlines(_outlines_of(code, world), offices)]
    boxes = [part.box for part in parts]
    if not boxes and (longitude is None or latitude is None):
        boxes = [
            (office.longitude - 1, office.latitude - 1, office.longitude + 1, office.latitude + 1)
            for office in offices
            if office.longitude is not None and office.latitude is not None
        ]
    view = _view(boxes, longitude, latitude, zoom, width, height)
    land = [
        (replace(shape, name=(names or {}).get(shape.code, shape.name)), ring)
        for shape, ring in _land(view, tuple(countries), outlines)
    ]
    markers, taken = _markers(view, offices)
    return LocatorMap(
        width,
        height,
        tuple(sorted((shape for shape, _ring in land if shape.path), key=lambda shape: shape.marked)),
        markers,
        tuple(_country_labels(view, land, taken, with_marked=len(countries) > 1)),
    )


@lru_cache(maxsize=512)
def _land(view: _View, countries: tuple[str, ...], outlines: Path) -> tuple[tuple[Shape, list[XY]], ...]:
    """The countries in view, each with its largest ring. Kept: it is the same in each language and year."""
    land = []
    for country in load_outlines(outlines).values():
        rings = [ring for outline in country.outlines for ring in view.rings(outline, margin=8)]
        if rings:
            marked = _is_marked(country, countries)
            rings = _drawn(rings, 0.7 if marked else 1.5)
            land.append((Shape(country.code, country.name, _path(rings), marked), max(rings, key=_area)))
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
                Marker(office.key, office.name, office.kind, main, office.approximate, x, y, radius)
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
    marked: frozenset[str], width: int, height: int, outlines: Path = WORLD_OUTLINES
) -> tuple[str, tuple[Shape, ...]]:
    """All land but Antarctica: the path of the countries not marked, and the shapes of those marked."""
    globe = _Globe(width, height)
    land, shapes = "", []
    for country in load_outlines(outlines).values():
        path = _path(_drawn((ring for outline in country.outlines for ring in globe.rings(outline)), 1.0))
        if _is_marked(country, marked):
            shapes.append(Shape(country.code, country.name, path, True))
        else:
            land += path
    return land, tuple(shapes)


def world(
    points: Sequence[Point],
    *,
    marked: Collection[str] = (),
    width: int = 960,
    height: int = 440,
    largest: float = 24,
    outlines: Path = WORLD_OUTLINES,
) -> WorldMap:
    """The map of all operations: a circle each, its area in proportion to the value.

    The largest value's radius is `largest` pixels, and none is below 4, to be seen and hit; an unknown
    value has 4 too. Points without a place are left out.
    """
    land, shapes = world_shapes(frozenset(marked), width, height, outlines)
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
        circles.append(Circle(point.key, point.name, point.url, point.text, point.value, x, y, radius))
    return WorldMap(width, height, land, shapes, tuple(sorted(circles, key=lambda circle: -circle.radius)))
