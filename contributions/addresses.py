"""Which addresses of the money lead readers to a page, and how a reference is written in one."""

from __future__ import annotations

import re
from typing import Any

from .models import Contribution, DailySum, Donor


class Reference:
    """A reference in an address: whatever is no letter, digit, “.”, “_” or “-” stands as ~ and its bytes.

    “US/2021 4” is ``US~2F2021~204``. Such an address survives every proxy and browser: nothing in it can be
    taken for a folder, a query or an escape.
    """

    regex = r"(?:[A-Za-z0-9._-]|~[0-9A-F]{2})+"

    def to_python(self, value: str) -> str:
        plain = re.sub(rb"~([0-9A-F]{2})", lambda found: bytes.fromhex(found[1].decode()), value.encode())
        reference = plain.decode()  # a ValueError, which is a page not found
        if "\0" in reference or self.to_url(reference) != value:
            raise ValueError
        return reference

    def to_url(self, value: str) -> str:
        is_dots = not value.strip(".")  # “..” leads up
        kept = r"[A-Za-z0-9_-]" if is_dots else r"[A-Za-z0-9._-]"
        return "".join(
            char if re.fullmatch(kept, char) else "".join(f"~{byte:02X}" for byte in char.encode())
            for char in value
        )


def is_public(match: Any) -> bool:
    """Whether readers find a page where this address leads: that of a donor only with a line to show."""
    if match.url_name not in ("donor", "contribution"):
        return True
    donor = Donor.objects.families().filter(slug=match.kwargs["slug"]).first()
    if donor is None:
        return False
    if match.url_name == "contribution":
        return Contribution.objects.released().of_gift(donor, match.kwargs["reference"]).exists()
    return DailySum.objects.released().of_family(donor).by_day().exists()
