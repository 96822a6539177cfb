"""Which addresses of the money lead readers to a page."""

from __future__ import annotations

from typing import Any

from .models import Contribution, Donor


def is_public(match: Any) -> bool:
    """Whether readers find a page where this address leads: that of a donor only with a line to show."""
    if match.url_name != "donor":
        return True
    donor = Donor.objects.families().filter(slug=match.kwargs["slug"]).first()
    return donor is not None and Contribution.objects.released().of_family(donor).exists()
