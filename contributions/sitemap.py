"""The pages of the money in the sitemap."""

from __future__ import annotations

import datetime as dt

from django.db.models import Max, Sum
from django.db.models.functions import Coalesce

from operations.sitemap import SitePage

from .models import DailySum, Donor


def pages(at: dt.datetime) -> list[SitePage]:
    """The list of contributions, that of donors and each donor's page, with their newest import: two queries."""
    lines = DailySum.objects.released(at)
    newest = lines.aggregate(newest=Max("batch__released_at"))["newest"]
    found = [
        SitePage("contributions:contributions", (), newest),
        SitePage("contributions:donors", (), newest),
    ]
    families = Donor.objects.families().values("pk")
    donors = (
        lines.annotate(
            family_id=Coalesce("donor__parent_id", "donor_id"),
            slug=Coalesce("donor__parent__slug", "donor__slug"),
        )
        .filter(family_id__in=families)
        .values_list("slug")
        .annotate(newest=Max("batch__released_at"), lines=Sum("lines"))
        .filter(lines__gt=0)
        .order_by("slug")
    )
    return found + [SitePage("contributions:donor", (slug,), newest) for slug, newest, _lines in donors]
