"""Who else has a form open."""

from __future__ import annotations

from .pages import Pages


class Presence(Pages):
    """A mixin of ``WorkingCopyAdmin``."""
