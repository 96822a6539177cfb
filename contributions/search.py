"""Donors in the site's search: those alone whom readers may know by name, and who have a page."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from operations.search import Name, Other

from .models import DailySum, Donor, DonorAlias, donor_class

LANGUAGES = [code for code, _name in settings.LANGUAGES]


class Donors:
    """Their names are read anew for each search: who takes back a consent is not found a moment longer."""

    def names(self) -> list[Name]:
        """The named donors, each with the page of its family. Two queries."""
        named = Donor.objects.named()
        spellings = defaultdict(list)
        for pk, name in (
            DonorAlias.objects.filter(donor__in=named).order_by("pk").values_list("donor_id", "name")
        ):
            spellings[pk].append(Other(_("also written"), name))
        fields = ["slug", "kind", "parent_id", *(f"name_{code}" for code in LANGUAGES)]
        donors = {row["pk"]: row for row in named.order_by("name_en").values("pk", *fields)}
        found = []
        for pk, row in donors.items():
            family = donors.get(row["parent_id"] or pk)
            if family is None or (family is not row and family["parent_id"]):
                continue
            texts = {code: name for code in LANGUAGES if (name := row[f"name_{code}"])}
            # A member of a family is found under its own name, and says whose page that is.
            about = (
                next((n for code in LANGUAGES if (n := family[f"name_{code}"])), "")
                if family is not row
                else donor_class(row["kind"])
            )
            found.append(
                Name(
                    "donor", _("donor"), pk, texts,
                    "contributions:donor", (family["slug"],), others=spellings[pk], about=about,
                )
            )  # fmt: skip
        return found

    def shown(self, names: Sequence[Name], at: dt.datetime) -> Collection[Any]:
        """Those of whose family there is a line to show at ``at``: one query."""
        asked = Donor.objects.filter(pk__in=[name.key for name in names])
        families = dict(asked.values_list("pk", Coalesce("parent_id", "pk")))
        lines = DailySum.objects.released(at).annotate(family=Coalesce(F("donor__parent_id"), F("donor_id")))
        with_lines = set(
            lines.filter(family__in=set(families.values())).summed("family").values_list("family", flat=True)
        )
        return {pk for pk, family in families.items() if family in with_lines}
