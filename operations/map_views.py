"""The outlines that a reader's own map is made of, once it was asked for."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from . import maps
from .drawings import country_names, map_shapes
from .readers import public_page


class SheetConverter:
    """``-90,-30,-60,5``: west, south, east and north in whole degrees."""

    regex = r"-?[0-9]{1,3}(?:,-?[0-9]{1,3}){3}"

    def to_python(self, value: str) -> maps.Sheet:
        west, south, east, north = map(int, value.split(","))
        return west, south, east, north

    def to_url(self, value: maps.Sheet | str) -> str:
        return value if isinstance(value, str) else ",".join(map(str, value))


@public_page
def outlines(request: HttpRequest, sheet: maps.Sheet) -> HttpResponse:
    """The countries of a part of the world as GeoJSON, named in the reader's language, with the words of the map.

    It holds nothing that is released, so that it is the same at every moment.
    """
    if not maps.is_sheet(sheet):
        raise Http404
    is_coarse = sheet[2] - sheet[0] >= maps.COARSE_FROM
    path = settings.MAP_OUTLINES_WORLD if is_coarse else settings.MAP_OUTLINES
    names = country_names()
    return JsonResponse(
        {
            "type": "FeatureCollection",
            "bbox": sheet,
            "words": words(),
            "features": [
                {**feature, "properties": {"name": names.get(feature["id"], ""), **feature["properties"]}}
                for feature in maps.features(sheet, path, map_shapes())
            ],
        },
        content_type="application/geo+json",
        json_dumps_params={"ensure_ascii": False, "separators": (",", ":")},
    )


def words() -> dict[str, str]:
    return {
        "in": _("Zoom in"),
        "out": _("Zoom out"),
        "close": _("Close"),
        "back": _("Back to the drawn map"),
        "keys": _(
            "Move the map by dragging it or with the arrow keys; zoom with the buttons or the keys + and −."
        ),
    }


def check_maps(**kwargs: Any) -> list[CheckMessage]:
    """``manage.py check`` says what is wrong with the files that the settings name, before a reader meets it."""
    files = [
        ("MAP_OUTLINES", maps.load_outlines),
        ("MAP_OUTLINES_WORLD", maps.load_outlines),
        ("MAP_SHAPES", maps.load_shapes),
    ]
    found: list[CheckMessage] = []
    for name, load in files:
        if path := getattr(settings, name):
            try:
                load(path)
            except ValueError as error:
                found.append(Error(f"{name}: {error}", id=f"operations.{name}"))
    return found
