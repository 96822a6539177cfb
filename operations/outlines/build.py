"""Make world-110m.json and world-50m.json from the npm package `world-atlas` (Natural Earth as TopoJSON).

    npm pack world-atlas && tar xzf world-atlas-*.tgz
    python operations/outlines/build.py package

Needs django-countries for the ISO codes. Lines are simplified before countries are put together, so that a
border is the same line for both its countries. Longitudes run on past 180° where a country does: Chukotka
ends at 190°, and no line jumps over the map.
"""

import json
import math
import sys
from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from pathlib import Path
from typing import Any

from django.conf import settings
from django_countries import countries

XY = tuple[float, float]

# Scale: (smallest triangle a corner may make, smallest island kept), in square degrees. A country below
# SMALL is drawn larger on its map, so its corners may be smaller in proportion.
SCALES = {"110m": (0.0, 0.0), "50m": (0.0015, 0.003)}
SMALL = 20.0

# Outlines that Natural Earth draws without an ISO code: our key, and the country whose map they belong to.
WITHOUT_CODE = {
    "Kosovo": ("XKX", None),
    "N. Cyprus": ("XNC", "CYP"),
    "Somaliland": ("XSO", "SOM"),
    "Siachen Glacier": ("XSG", None),
    "Indian Ocean Ter.": ("XIO", "AUS"),
}
# Natural Earth draws who holds a place; General Assembly resolution 68/262 says whose it is. The outline (a
# ring of RUS that holds this point) is kept apart and marked with UKR.
CRIMEA = (34.3, 45.2)


def decoded_arcs(topology: dict[str, Any]) -> Iterator[list[XY]]:
    (scale_x, scale_y), (left, bottom) = topology["transform"]["scale"], topology["transform"]["translate"]
    for arc in topology["arcs"]:
        x = y = 0
        points = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append((x * scale_x + left, y * scale_y + bottom))
        yield points


def triangle(a: XY, b: XY, c: XY) -> float:
    """Area on the ground, in square degrees at the equator."""
    area = abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])) / 2
    return area * math.cos(math.radians(b[1]))


def simplified(points: list[XY], smallest: float) -> list[XY]:
    """Visvalingam–Whyatt: take away the corner with the smallest triangle until none is below `smallest`."""
    before = [i - 1 for i in range(len(points))]
    after = [i + 1 for i in range(len(points))]
    size = {i: triangle(points[i - 1], points[i], points[i + 1]) for i in range(1, len(points) - 1)}
    heap = [(area, i) for i, area in size.items()]
    heapify(heap)
    while heap and heap[0][0] < smallest and len(size) > 2:
        area, i = heappop(heap)
        if size.get(i) != area:
            continue
        del size[i]
        after[before[i]], before[after[i]] = after[i], before[i]
        for j in (before[i], after[i]):
            if j in size:
                size[j] = max(area, triangle(points[before[j]], points[j], points[after[j]]))
                heappush(heap, (size[j], j))
    return [point for i, point in enumerate(points) if i in size or i in (0, len(points) - 1)]


def ring_of(indexes: list[int], arcs: list[list[XY]]) -> list[XY]:
    """One closed ring, its last point left out, its longitudes continuous."""
    ring: list[XY] = []
    for index in indexes:
        arc = arcs[index] if index >= 0 else arcs[~index][::-1]
        for x, y in arc[:-1]:
            if ring:
                x += 360 * round((ring[-1][0] - x) / 360)
            ring.append((x, y))
    turns = round(sum(x for x, _ in ring) / len(ring) / 360)
    return [(x - 360 * turns, y) for x, y in ring]


def area(ring: list[XY]) -> float:
    middle = math.cos(math.radians(sum(y for _, y in ring) / len(ring)))
    pairs = zip(ring, ring[1:] + ring[:1], strict=True)
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)) / 2 * middle


def holds(ring: list[XY], point: XY) -> bool:
    x, y = point
    inside = False
    for (ax, ay), (bx, by) in zip(ring, ring[1:] + ring[:1], strict=True):
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            inside = not inside
    return inside


def coded(ring: list[XY]) -> list[int]:
    """Hundredths of a degree, each point as the difference from the one before."""
    points = [(round(x * 100), round(y * 100)) for x, y in ring]
    points = [p for p, previous in zip(points, points[-1:] + points[:-1], strict=True) if p != previous]
    flat, last = [], (0, 0)
    for point in points:
        flat += [point[0] - last[0], point[1] - last[1]]
        last = point
    return flat if len(points) > 2 else []


def polygons(shape: dict[str, Any]) -> list[list[list[int]]]:
    return shape["arcs"] if shape["type"] == "MultiPolygon" else [shape["arcs"]]


def simplified_arcs(topology: dict[str, Any], smallest: float) -> list[list[XY]]:
    arcs = list(decoded_arcs(topology))
    limits = [smallest] * len(arcs)
    for shape in topology["objects"]["countries"]["geometries"]:
        size = sum(area(ring_of(polygon[0], arcs)) for polygon in polygons(shape))
        for index in (index for polygon in polygons(shape) for ring in polygon for index in ring):
            index = index if index >= 0 else ~index
            limits[index] = min(limits[index], smallest * size / SMALL)
    return [simplified(arc, limit) for arc, limit in zip(arcs, limits, strict=True)]


def outlines(topology: dict[str, Any], smallest: float, island: float) -> dict[str, dict[str, Any]]:
    alpha3 = {f"{numeric:03}": code for code, numeric, *_ in countries.alt_codes.values() if numeric}
    arcs = simplified_arcs(topology, smallest)
    found: dict[str, dict[str, Any]] = {}

    def add(code: str, name: str, part_of: str | None, rings: list[list[XY]]) -> None:
        country = found.setdefault(code, {"name": name, "rings": []})
        if part_of:
            country["part_of"] = part_of
        country["rings"] += rings

    for shape in topology["objects"]["countries"]["geometries"]:
        name = shape["properties"]["name"]
        code, part_of = (alpha3[shape["id"]], None) if "id" in shape else WITHOUT_CODE[name]
        if code == "ATA":  # no map of ours shows it, and it is an eighth of the points
            continue
        rings = [ring_of(indexes, arcs) for polygon in polygons(shape) for indexes in polygon]
        if code == "RUS":
            add("XCR", "Crimea", "UKR", [ring for ring in rings if holds(ring, CRIMEA)])
            rings = [ring for ring in rings if not holds(ring, CRIMEA)]
        largest = max(map(area, rings))
        add(code, name, part_of, [ring for ring in rings if area(ring) >= min(island, largest / 50)])

    for country in found.values():
        country["rings"] = [
            flat for ring in sorted(country["rings"], key=area, reverse=True) if (flat := coded(ring))
        ]
    return {code: country for code, country in sorted(found.items()) if country["rings"]}


def main(package: Path) -> None:
    settings.configure()
    about = json.loads((package / "package.json").read_text())
    for scale, limits in SCALES.items():
        topology = json.loads((package / f"countries-{scale}.json").read_text())
        result = {
            "source": f"Natural Earth 4.1.0, Admin 0 countries 1:{scale}, as packed by {about['name']}",
            "version": about["version"],
            "licence": f"Natural Earth: public domain; {about['name']}: {about['license']}",
            "countries": outlines(topology, *limits),
        }
        target = Path(__file__).parent / f"world-{scale}.json"
        target.write_text(json.dumps(result, ensure_ascii=False, separators=(",", ":")) + "\n")
        points = sum(len(ring) for country in result["countries"].values() for ring in country["rings"]) // 2
        print(f"{target.name}: {points} points, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
