"""The review of a draft: checks, answers, comments, and its way to release."""

from __future__ import annotations

from .pages import Pages


class Reviewing(Pages):
    """A mixin of ``WorkingCopyAdmin``."""
