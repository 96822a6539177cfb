import gzip
import json
import math
import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.template import Context, Engine
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from operations import maps
from operations.map_views import check_maps
from operations.maps import LOCATOR_OUTLINES, WORLD_OUTLINES, Office, Point, locator, world

from ..test_project import manage

PERU = [
    Office("tumbes", "Tumbes", -80.452, -3.567),
    Office("lima", "Lima", -77.0303, -12.0487, kind="Country office", rank=0),
    Office("arequipa", "Arequipa", -71.537, -16.409),
    Office("tacna", "Tacna", -70.246, -18.006, approximate=True),
    Office("cusco", "Cusco", -71.967, -13.532),
]
NOTHING = {"countries": [], "longitude": None, "latitude": None, "zoom": None}


def points(path):
    """The positions along each ring of a path."""
    for ring in path.removesuffix("z").split("z"):
        start, steps = re.fullmatch(r"M([-\d.e,]+)l([-\d.e, ]+)", ring).groups()
        x, y = map(float, start.split(","))
        positions = [(x, y)]
        for step in steps.split():
            dx, dy = map(float, step.split(","))
            x, y = x + dx, y + dy
            positions.append((x, y))
        yield positions


def extent(drawing, *codes):
    found = [xy for s in drawing.shapes if s.code in codes for ring in points(s.path) for xy in ring]
    xs, ys = zip(*found, strict=True)
    return [round(v) for v in (min(xs), min(ys), max(xs), max(ys))]


def render(template, **context):
    engine = Engine(
        dirs=[Path(__file__).parents[2] / "templates"],
        libraries={
            "i18n": "django.templatetags.i18n",
            "l10n": "django.templatetags.l10n",
            "readers": "operations.templatetags.readers",
        },
    )
    return engine.get_template(f"charts/{template}.html").render(Context(context))


def boxes(drawing):
    for m in drawing.markers:
        if m.show_label:
            yield maps.label_box(m.label_x, m.label_y, m.anchor, m.name, maps.LABEL_SIZE)
    for label in drawing.labels:
        yield maps.label_box(label.x, label.y, "middle", label.name, maps.COUNTRY_LABEL_SIZE)


# Projections


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ((0, 0), (0.5, 0.5)),
        ((-180, 85.05112878), (0, 0)),
        ((180, -85.05112878), (1, 1)),
        ((180, -90), (1, 1)),
        ((-75, -10), (0.2916667, 0.5279198)),
    ],
)
def test_mercator_is_a_square_of_one_by_one(place, expected):
    assert maps.mercator(*place) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(
    ("place", "expected"),
    [((0, 0), (0, 0)), ((180, 0), (2.7066299, 0)), ((0, 90), (0, 1.3173627)), ((0, -90), (0, -1.3173627))],
)
def test_equal_earth_has_the_extent_its_authors_give(place, expected):
    assert maps.equal_earth(*place) == pytest.approx(expected, abs=1e-6)


def test_equal_earth_keeps_areas_equal():
    def cell(latitude):
        corners = [(0, latitude), (1, latitude), (1, latitude + 1), (0, latitude + 1)]
        return maps._area([maps.equal_earth(*corner) for corner in corners])

    for latitude in (-60, 30, 60, 80):
        band = math.sin(math.radians(latitude + 1)) - math.sin(math.radians(latitude))
        assert cell(latitude) / cell(0) == pytest.approx(band / math.sin(math.radians(1)), rel=1e-3)


# Rings


def test_a_ring_is_clipped_to_the_box():
    assert maps.clip([(-5, 2), (5, 2), (5, 8), (-5, 8)], (0, 0, 10, 10)) == [(0, 2), (5, 2), (5, 8), (0, 8)]


def test_a_ring_outside_the_box_leaves_nothing():
    assert maps.clip([(20, 20), (30, 20), (30, 30)], (0, 0, 10, 10)) == []


def test_a_ring_around_the_box_becomes_the_box():
    clipped = maps.clip([(-50, -50), (50, -50), (50, 50), (-50, 50)], (0, 0, 10, 10))
    assert sorted(clipped) == [(0, 0), (0, 10), (10, 0), (10, 10)]


def test_a_line_is_simplified_within_the_tolerance():
    ring = [(0, 0), (5, 0.3), (10, 0), (10, 10), (9.8, 5), (0, 10)]
    assert maps.simplify(ring, 0.4) == [(0, 0), (10, 0), (10, 10), (9.8, 5), (0, 10)]


def test_a_path_has_one_decimal_and_no_empty_rings():
    rings = [[(1.04, 2), (3, 2.06), (3, 2.061), (1, 5)], [(7, 7), (7.01, 7), (7, 7.01)]]
    assert maps._path(rings) == "M1,2l2,0.1 -2,2.9z"


# The outlines


@pytest.mark.parametrize(("path", "limit"), [(WORLD_OUTLINES, 120_000), (LOCATOR_OUTLINES, 400_000)])
def test_the_files_of_outlines_are_small(path, limit):
    assert path.stat().st_size < limit


@pytest.mark.parametrize("path", [WORLD_OUTLINES, LOCATOR_OUTLINES])
def test_no_outline_jumps_over_the_map(path):
    steps = [
        abs(b[0] - a[0])
        for country in maps.load_outlines(path).values()
        for part in country.outlines
        for a, b in maps._sides(part.points)
    ]
    assert max(steps) < 30


@pytest.mark.parametrize("code", ["FJI", "RUS", "USA", "NZL", "CAN"])
@pytest.mark.parametrize("path", [WORLD_OUTLINES, LOCATOR_OUTLINES])
def test_no_line_of_the_world_map_spans_more_than_a_tenth_of_it(path, code):
    land, marked = maps.world_shapes(frozenset({code}), 960, 440, path)
    for drawn in (land, *(shape.path for shape in marked)):
        for ring in points(drawn):
            assert max(abs(b[0] - a[0]) for a, b in maps._sides(ring)) < 96


def test_crimea_and_somaliland_are_marked_with_the_country_they_are_part_of():
    assert [s.code for s in world([], marked={"UKR", "SOM"}, outlines=LOCATOR_OUTLINES).marked] == [
        "SOM",
        "UKR",
        "XCR",
        "XSO",
    ]


# Where the map of an operation lies


def test_peru_is_whole_with_its_neighbours_around_it():
    drawing = locator(countries=["PER"], longitude=-75, latitude=-10, zoom=5, offices=PERU)
    assert extent(drawing, "PER") == [188, 26, 451, 414]
    assert [s.code for s in drawing.shapes if s.marked] == ["PER"]
    assert {"BRA", "BOL", "CHL", "COL", "ECU"} <= {s.code for s in drawing.shapes}


def test_peru_is_small_to_send():
    drawing = locator(countries=["PER"], longitude=-75, latitude=-10, zoom=5, offices=PERU)
    assert len(gzip.compress(render("locator", map=drawing).encode())) < 5_000


@pytest.mark.parametrize("zoom", [None, 0, 2, 5, 9])
@pytest.mark.parametrize(("width", "height"), [(640, 440), (340, 300)])
@pytest.mark.parametrize(
    "countries",
    [
        ["PER"],
        ["ARG", "BOL", "CHL", "PRY", "URY"],
        ["LBN"],
        ["FJI"],
        ["RUS"],
        ["NZL"],
        ["KIR", "WSM", "FJI"],
        ["UKR"],
    ],
)
def test_marked_countries_are_in_view_at_every_zoom(countries, width, height, zoom):
    world_ = maps.load_outlines(LOCATOR_OUTLINES)
    boxes = [p.box for code in countries for p in maps.main_outlines(maps._outlines_of(code, world_))]
    view = maps._view(boxes, None, None, zoom, width, height)
    west, south, east, north = maps.extent(boxes)
    assert -0.01 <= view.place(west, north)[0] <= view.place(east, south)[0] <= width + 0.01
    assert -0.01 <= view.place(west, north)[1] <= view.place(east, south)[1] <= height + 0.01


def test_a_country_smaller_than_the_view_keeps_the_zoom_asked_for():
    view = maps._view([(35.1, 33.05, 36.6, 34.69)], 35.86, 33.85, 5, 640, 440)
    assert (view.size, view.x) == (256 * 2**5, maps.mercator(35.86, 33.85)[0])


def test_far_parts_do_not_make_a_country_small():
    outlines = maps.load_outlines(LOCATOR_OUTLINES)
    west, south, east, north = maps.extent([p.box for p in maps.main_outlines(outlines["FRA"].outlines)])
    assert (round(west), round(south), round(east), round(north)) == (-5, 41, 10, 51)


def test_a_far_part_with_an_office_is_shown():
    spain = maps.load_outlines(LOCATOR_OUTLINES)["ESP"].outlines
    canaries = Office("laspalmas", "Las Palmas", -15.43, 28.12)
    assert maps.extent([p.box for p in maps.main_outlines(spain)])[1] > 35
    assert maps.extent([p.box for p in maps.main_outlines(spain, [canaries])])[1] < 29


def test_countries_on_both_sides_of_the_antimeridian_stay_together():
    assert maps.extent([(177, -19, 180.2, -16), (-173, -14, -171, -13)]) == (177, -19, 189, -13)


def test_an_office_on_the_other_side_of_the_antimeridian_is_placed():
    offices = [Office("suva", "Suva", 178.44, -18.14), Office("lau", "Lau", -178.8, -18.2)]
    drawing = locator(countries=["FJI"], longitude=None, latitude=None, zoom=None, offices=offices)
    suva, lau = drawing.markers
    assert 0 < suva.x < lau.x < 640


# Nothing, and the ends of the earth


def test_nothing_asked_for_shows_the_world():
    drawing = locator(**NOTHING)
    assert drawing.markers == ()
    assert len(drawing.shapes) > 200
    assert not any(s.marked for s in drawing.shapes)


@pytest.mark.parametrize("latitude", [90, -90])
def test_a_pole_can_be_asked_for(latitude):
    drawing = locator(countries=[], longitude=0, latitude=latitude, zoom=3)
    assert (drawing.width, drawing.height, drawing.markers) == (640, 440, ())


def test_an_unknown_country_falls_back_to_the_place():
    assert locator(countries=["ZZZ"], longitude=-75, latitude=-10, zoom=5) == locator(
        countries=[], longitude=-75, latitude=-10, zoom=5
    )


def test_offices_without_a_place_or_out_of_view_are_left_out():
    offices = [
        Office("none", "Nowhere", None, None),
        Office("half", "Half", -77, None),
        Office("geneva", "Geneva", 6.14, 46.2),
        Office("lima", "Lima", -77.03, -12.05),
    ]
    drawing = locator(countries=["PER"], longitude=-75, latitude=-10, zoom=5, offices=offices)
    assert [m.key for m in drawing.markers] == ["lima"]


def test_offices_place_a_map_that_has_nothing_else():
    offices = [Office("a", "A", 36.8, -1.3), Office("b", "B", 39.7, -4.0)]
    drawing = locator(**NOTHING, offices=offices)
    assert [m.key for m in drawing.markers] == ["a", "b"]


# Labels


def test_the_offices_of_peru_are_all_named():
    drawing = locator(countries=["PER"], longitude=-75, latitude=-10, zoom=5, offices=PERU)
    assert [(m.name, m.main, m.show_label) for m in drawing.markers] == [
        ("Lima", True, True),
        ("Tumbes", False, True),
        ("Arequipa", False, True),
        ("Tacna", False, True),
        ("Cusco", False, True),
    ]


def test_the_main_office_gets_its_label_first():
    offices = [Office(str(i), "A crowded place", 35.5, 33.89, rank=1) for i in range(12)]
    offices.append(Office("main", "Beirut", 35.5, 33.89, rank=0))
    drawing = locator(countries=["LBN"], longitude=None, latitude=None, zoom=None, offices=offices)
    assert drawing.markers[0].key == "main"
    assert drawing.markers[0].show_label
    assert not all(m.show_label for m in drawing.markers)


places = st.builds(
    Office,
    key=st.uuids().map(str),
    name=st.text(alphabet="abcdefghijmnouwéèÑçñüالعربية ABCW-", min_size=1, max_size=24),
    longitude=st.floats(-82, -68),
    latitude=st.floats(-19, 0),
    rank=st.integers(0, 2),
)


@settings(max_examples=60, deadline=None)
@given(offices=st.lists(places, max_size=25), size=st.sampled_from([(640, 440), (340, 300)]))
def test_labels_never_collide_and_never_leave_the_view(offices, size):
    width, height = size
    drawing = locator(
        countries=["PER"], longitude=-75, latitude=-10, zoom=5, offices=offices, width=width, height=height
    )
    shown = list(boxes(drawing))
    dots = [(m.x - m.radius, m.y - m.radius, m.x + m.radius, m.y + m.radius) for m in drawing.markers]
    for i, box in enumerate(shown):
        assert min(box) >= 0
        assert box[2] <= width
        assert box[3] <= height
        assert not any(maps._meet(box, other) for other in [*shown[:i], *dots])


def test_neighbours_are_named_in_the_readers_language_or_not_at_all():
    place = {"countries": ["PER"], "longitude": -75, "latitude": -10, "zoom": 5}
    names = {"BRA": "Brésil", "BOL": "", "ECU": "Équateur", "COL": "Colombie", "CHL": "Chili"}
    assert [label.name for label in locator(**place).labels] == ["Brazil", "Bolivia", "Ecuador", "Colombia"]
    assert [label.name for label in locator(**place, names=names).labels] == [
        "Brésil",
        "Équateur",
        "Colombie",
    ]


# The world


def test_a_circle_has_an_area_in_proportion_to_its_value():
    circles = world(
        [Point("a", "A", 0, 0, 25), Point("b", "B", 10, 0, 100), Point("c", "C", 20, 0, 0.01)]
    ).circles
    assert [(c.key, c.radius) for c in circles] == [("b", 24), ("a", 12), ("c", 4)]


def test_a_value_not_known_is_a_small_circle_and_a_point_without_a_place_is_none():
    circles = world(
        [Point("a", "A", 0, 0, None), Point("b", "B", None, None, 7), Point("c", "C", 1, None, 7)]
    ).circles
    assert [(c.key, c.value, c.radius) for c in circles] == [("a", None, 4)]


def test_places_far_east_and_far_west_lie_on_the_map():
    places = [
        ("Kiritimati", -157.4, 1.9),
        ("Suva", 178.4, -18.1),
        ("Pole", 0, 90),
        ("Pole", 0, -90),
        ("x", 540, 0),
    ]
    for circle in world([Point(name, name, x, y, 1) for name, x, y in places]).circles:
        assert 0 <= circle.x <= 960
        assert 0 <= circle.y <= 440


def test_the_world_has_no_antarctica():
    assert "ATA" not in maps.load_outlines(WORLD_OUTLINES)
    assert world([]).circles == ()
    assert max(y for ring in points(world([]).land) for _, y in ring) < 440


def test_marked_countries_have_a_shape_of_their_own():
    drawing = world([], marked={"PER", "KEN"})
    assert [(s.code, s.name, s.marked) for s in drawing.marked] == [
        ("KEN", "Kenya", True),
        ("PER", "Peru", True),
    ]


# The templates

SVG = "{http://www.w3.org/2000/svg}"


def parsed(html):
    return ElementTree.fromstring(
        html.strip().replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    )


@pytest.mark.parametrize("language", ["en", "fr", "es", "ar"])
def test_positions_are_never_written_in_the_readers_number_format(language):
    drawing = locator(
        countries=["PER"], longitude=-75, latitude=-10, zoom=5, offices=PERU, width=1200, height=1100
    )
    globe = world([Point("per", "Peru", -75.3, -10.2, 3, "/peru/")], width=1200, height=600)
    with translation.override(language):
        for svg in (parsed(render("locator", map=drawing)), parsed(render("world", map=globe))):
            for element in svg.iter():
                for name in ("x", "y", "cx", "cy", "r", "width", "height", "font-size"):
                    assert re.fullmatch(r"-?\d+(\.\d+)?", element.get(name, "0"))


def test_every_office_links_to_its_entry_in_the_list():
    svg = parsed(
        render(
            "locator",
            label="Peru",
            map=locator(countries=["PER"], longitude=-75, latitude=-10, zoom=5, offices=PERU),
        )
    )
    assert (svg.get("role"), svg.get("aria-label")) == ("group", "Peru")
    assert [(a.get("href"), a.findtext(f"{SVG}title")) for a in svg.iter(f"{SVG}a")] == [
        ("#office-lima", "Lima, Country office"),
        ("#office-tumbes", "Tumbes"),
        ("#office-arequipa", "Arequipa"),
        ("#office-tacna", "Tacna (approximate place)"),
        ("#office-cusco", "Cusco"),
    ]


def test_a_circle_of_the_world_links_to_its_page_if_it_has_one():
    globe = world([Point("a", "A", 0, 0, 9, "/a/", "9 people"), Point("b", "B", 9, 9, None)])
    svg = parsed(render("world", map=globe))
    assert [(a.get("href"), a.findtext(f"{SVG}title")) for a in svg.iter(f"{SVG}a")] == [
        ("/a/", "A: 9 people")
    ]
    assert [g.findtext(f"{SVG}title") for g in svg.iter(f"{SVG}g") if "map-point" in g.get("class", "")] == [
        "B"
    ]


def test_a_name_cannot_write_markup():
    offices = [Office('"><script>', "<script>alert(1)</script>", -77, -12)]
    drawing = locator(countries=["PER"], longitude=-75, latitude=-10, zoom=5, offices=offices)
    html = render("locator", map=drawing)
    assert "<script" not in html
    assert " style=" not in html


# Every country, and the ends of the world


def test_every_country_has_a_map_that_holds_its_middle_with_labels_apart():
    for code, country in maps.load_outlines(LOCATOR_OUTLINES).items():
        largest = country.outlines[0]
        longitude, latitude, _width = maps._room(largest.points)
        office = Office("main", "The main office", longitude, latitude, rank=0)
        drawing = locator(
            countries=[code],
            longitude=longitude,
            latitude=latitude,
            zoom=None,
            offices=[office],
            width=560,
            height=400,
        )
        assert code in {shape.code for shape in drawing.shapes if shape.marked}, code
        assert [marker.key for marker in drawing.markers] == ["main"], code
        west, south, east, north = drawing.sheet
        assert maps.is_sheet(drawing.sheet), code
        assert (west <= drawing.longitude <= east, south <= drawing.latitude <= north) == (True, True), code
        shown = list(boxes(drawing))
        assert not any(maps._meet(box, other) for i, box in enumerate(shown) for other in shown[:i]), code


@pytest.mark.parametrize("code", ["FJI", "RUS", "NZL", "USA", "KIR", "TON", "ATF"])
def test_no_line_crosses_the_map_of_a_country_at_the_180th_meridian(code):
    drawing = locator(countries=[code], longitude=None, latitude=None, zoom=None)
    longest = max(
        math.dist(a, b)
        for shape in drawing.shapes
        if shape.marked
        for ring in points(shape.path)
        for a, b in maps._sides(ring)
    )
    assert longest < drawing.width / 4


def test_an_island_that_the_180th_meridian_parts_is_drawn_whole():
    fiji = maps.load_outlines(LOCATOR_OUTLINES)["FJI"].outlines
    taveuni = [part for part in fiji if part.box[0] < -180.05]
    assert [part.box for part in taveuni] == [(-180.1, -17.0, -179.82, -16.69)]


def test_a_country_of_atolls_is_drawn_as_dots_that_can_be_seen():
    drawing = locator(countries=["KIR"], longitude=None, latitude=None, zoom=None, width=560, height=400)
    (shape,) = (shape for shape in drawing.shapes if shape.code == "KIR")
    sizes = {round(max(xs) - min(xs)) for ring in points(shape.path) for xs in [[x for x, _y in ring]]}
    assert sizes == {6}


def test_a_small_island_is_shown_with_a_neighbour_but_a_zoom_that_was_asked_for_is_kept():
    alone = {"countries": ["MLT"], "longitude": None, "latitude": None, "width": 560, "height": 400}
    drawing = locator(**alone, zoom=None)
    assert (drawing.zoom, {shape.code for shape in drawing.shapes}) == (8, {"ITA", "MLT"})
    drawing = locator(**alone, zoom=9)
    assert (drawing.zoom, {shape.code for shape in drawing.shapes}) == (9, {"MLT"})


def test_a_circle_is_hit_within_twelve_pixels_or_half_way_to_the_next():
    near = [Point("a", "A", 0, 0, 1), Point("b", "B", 4, 0, 1), Point("c", "C", 90, 0, 100)]
    hits = {circle.key: (circle.radius, circle.hit) for circle in world(near).circles}
    a, b, _c = (circle for circle in sorted(world(near).circles, key=lambda circle: circle.key))
    half = round((b.x - a.x) / 2, 1)
    assert 4 < half < 12
    assert hits == {"a": (4, half), "b": (4, half), "c": (24, 24)}


# Shapes that are disputed or left out, and outlines of another file

DISPUTED = maps.Shapes(disputed=frozenset({"ECU", "PER"}), left_out=frozenset({"BOL"}))


def test_a_shape_can_be_disputed_or_left_out():
    drawing = locator(countries=["PER"], longitude=-75, latitude=-10, zoom=5, shapes=DISPUTED)
    assert {s.code: (s.marked, s.disputed) for s in drawing.shapes if s.marked or s.disputed} == {
        "ECU": (False, True),
        "PER": (True, True),
    }
    assert drawing.has_disputed
    assert "BOL" not in {s.code for s in drawing.shapes}
    assert "Bolivia" not in {label.name for label in drawing.labels}
    classes = [
        (path.get("class"))
        for path in parsed(render("locator", map=drawing)).iter(f"{SVG}path")
        if path.get("class") != "map-land"
    ]
    assert sorted(classes) == ["map-land map-disputed", "map-land map-marked map-disputed"]


def test_the_world_shows_the_same_shapes_as_disputed_and_leaves_the_same_out():
    plain, drawing = world([], marked={"PER"}), world([], marked={"PER"}, shapes=DISPUTED)
    assert [(s.code, s.marked) for s in (*drawing.marked, *drawing.disputed)] == [
        ("PER", True),
        ("ECU", False),
    ]
    assert (plain.has_disputed, drawing.has_disputed) == (False, True)
    pieces = [path for path in plain.land.split("M") if path not in set(drawing.land.split("M"))]
    assert len(pieces) == 2  # Ecuador's outline and Bolivia's
    found = [path.get("class") for path in parsed(render("world", map=drawing)).iter(f"{SVG}path")]
    assert found == ["map-land", "map-land map-marked map-disputed", "map-land map-disputed"]


def write(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


SQUARE = {"countries": {"PER": {"name": "Peru", "rings": [[-8000, -1500, 800, 0, 0, 1200, -800, 0]]}}}


def test_another_file_of_outlines_is_drawn(tmp_path):
    path = write(tmp_path / "own.json", SQUARE)
    drawing = locator(
        countries=["PER"], longitude=None, latitude=None, zoom=None, width=560, height=400, outlines=path
    )
    assert [(s.code, s.marked, len(list(points(s.path)))) for s in drawing.shapes] == [("PER", True, 1)]
    assert [s.code for s in world([], marked={"PER"}, outlines=path).marked] == ["PER"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "must hold an object in braces."),
        ({"features": []}, "is no file of outlines: it has no “countries”."),
        ({"countries": {"PER": {"rings": []}}}, "“PER” must have a name and rings"),
        ({"countries": {"PER": {"name": "Peru", "rings": [[1, 2, 3]]}}}, "“PER” must have a name and rings"),
        ({"countries": {"PER": {"name": "Peru", "rings": [[0.5] * 6]}}}, "“PER” must have a name and rings"),
    ],
)
def test_a_file_that_holds_no_outlines_is_refused_in_words(tmp_path, content, why):
    with pytest.raises(ValueError, match=re.escape(why)):
        maps.load_outlines(write(tmp_path / "own.json", content))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({"hidden": ["XSG"]}, "has “hidden”; it may have “disputed” and “left_out”."),
        ({"disputed": "XSG"}, "“disputed” must be a list of codes"),
    ],
)
def test_a_file_of_shapes_is_refused_in_words(tmp_path, content, why):
    with pytest.raises(ValueError, match=re.escape(why)):
        maps.load_shapes(write(tmp_path / "shapes.json", content))


def test_what_the_settings_name_is_checked(tmp_path, settings):
    assert check_maps() == []
    settings.MAP_OUTLINES = write(tmp_path / "own.json", "{}")
    settings.MAP_SHAPES = write(tmp_path / "shapes.json", {"disputed": 1})
    assert [error.id for error in check_maps()] == ["operations.MAP_OUTLINES", "operations.MAP_SHAPES"]


def test_a_file_that_is_not_there_is_an_error_at_start():
    result = manage("check", DEBUG="1", MAP_SHAPES="nowhere.json")
    assert "ImproperlyConfigured: MAP_SHAPES is “nowhere.json”; there is no such file." in result.stderr


# The map that a reader can zoom


def test_a_sheet_is_twice_as_wide_and_high_as_the_map_in_steps_of_five_degrees():
    drawing = locator(countries=["PER"], longitude=-75, latitude=-10, zoom=5, offices=PERU)
    assert drawing.sheet == (-110, -30, -40, 15)
    assert locator(**NOTHING).sheet[2] - locator(**NOTHING).sheet[0] == 360


@pytest.mark.parametrize(
    ("sheet", "expected"),
    [
        ((-90, -30, -60, 5), True),
        ((-170, -60, 190, 85), True),
        ((-90, -30, -60, 4), False),
        ((-60, -30, -90, 5), False),
        ((-185, 0, 0, 5), False),
        ((0, 0, 365, 5), False),
        ((0, 10, 5, 5), False),
        ((0, 0, 5, 95), False),
    ],
)
def test_only_the_sheets_of_our_maps_are_given(sheet, expected):
    assert maps.is_sheet(sheet) == expected


def test_the_features_of_a_sheet_lie_on_it_with_land_on_the_left_and_holes_in_their_land():
    found = {each["id"]: each for each in maps.features((10, -40, 40, -20), LOCATOR_OUTLINES)}
    assert set(found) == {"BWA", "LSO", "MOZ", "NAM", "SWZ", "ZAF", "ZWE"}
    for feature in found.values():
        for polygon in feature["geometry"]["coordinates"]:
            for i, ring in enumerate(polygon):
                assert ring[0] == ring[-1]
                assert all(10 <= x <= 40 and -40 <= y <= -20 for x, y in ring)
                turn = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))
                assert (turn > 0) == (i == 0)
    # Lesotho's hole lies in the land of South Africa.
    assert len(found["ZAF"]["geometry"]["coordinates"][0]) == 2


def test_a_sheet_over_the_180th_meridian_has_its_countries_on_both_sides():
    found = {each["id"]: each for each in maps.features((170, -25, 185, -10), LOCATOR_OUTLINES)}
    longitudes = [x for polygon in found["FJI"]["geometry"]["coordinates"] for x, _y in polygon[0]]
    assert (min(longitudes) < 178, max(longitudes) > 181) == (True, True)


def test_a_feature_says_what_it_is_part_of_and_what_is_disputed():
    sheet = (20, 40, 45, 55)
    shapes = maps.Shapes(disputed=frozenset({"XCR"}), left_out=frozenset({"MDA"}))
    found = {each["id"]: each["properties"] for each in maps.features(sheet, LOCATOR_OUTLINES, shapes)}
    assert {key: found["XCR"][key] for key in ("part_of", "disputed")} == {"part_of": "UKR", "disputed": True}
    assert "MDA" not in found
    assert "disputed" not in found["UKR"]


def test_the_outlines_are_sent_in_the_readers_language_and_once(db, client):
    address = "/maps/outlines/-90,-30,-60,5.geojson"
    answer = client.get(f"/fr{address}")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/geo+json")
    names = {each["id"]: each["properties"]["name"] for each in answer.json()["features"]}
    assert (names["BRA"], names["PER"]) == ("Brésil", "Pérou")
    assert set(answer.json()["words"]) == {"in", "out", "close", "back", "keys"}
    again = client.get(f"/fr{address}", headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert len(gzip.compress(answer.content)) < 12_000


def test_outlines_that_no_map_asks_for_are_not_found(db, client):
    for sheet in ("1,2,3,4", "-90,-30,-60,95", "-90,-30,-60"):
        assert client.get(f"/maps/outlines/{sheet}.geojson").status_code == 404


def test_an_outline_without_a_code_of_its_own_has_no_name_in_any_language(db, client):
    names = {
        each["id"]: each["properties"]["name"]
        for each in client.get("/maps/outlines/30,30,40,40.geojson").json()["features"]
    }
    assert (names["CYP"], names["XNC"]) == ("Cyprus", "")


def test_the_site_draws_with_the_files_of_its_settings(loaded_demo, db, client, settings, tmp_path):
    address = "/operations/peru/2020/"
    assert "map-disputed" not in client.get(address).content.decode()
    settings.MAP_SHAPES = write(tmp_path / "shapes.json", {"disputed": ["ECU"], "left_out": ["BRA"]})
    page = client.get(address).content.decode()
    assert "map-land map-disputed" in page
    assert "A dashed border marks a shape whose status is disputed." in page
    assert ">Brazil</text>" not in page
    settings.MAP_OUTLINES = settings.MAP_OUTLINES_WORLD = write(tmp_path / "own.json", SQUARE)
    for asked in (address, "/", "/operations/"):
        page = client.get(asked).content.decode()
        assert page.count("map-land") == 2, asked  # Peru's square, wide and narrow
