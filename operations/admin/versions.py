"""Every saved version of a working copy: compared, and restored."""

from __future__ import annotations

from .pages import Pages


class Versions(Pages):
    """A mixin of ``WorkingCopyAdmin``."""
