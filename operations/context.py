from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from .models import Agency


def site(request: HttpRequest) -> dict[str, Any]:
    """What every page's frame needs to know."""
    brand = Agency.current()
    return {"agency": brand.shown_name, "brand": brand, "demo": settings.DEMO}
