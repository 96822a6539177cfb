"""Previews of a draft, for staff and by a signed link."""

from __future__ import annotations

from .pages import Pages


class Previews(Pages):
    """A mixin of ``WorkingCopyAdmin``."""
