from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """What every page's frame needs to know."""
    return {"agency": settings.AGENCY_NAME, "demo": settings.DEMO}
