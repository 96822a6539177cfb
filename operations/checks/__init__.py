"""What a draft is checked for: one small pure function a check, one entry in docs/checks.md, its own tests.

A new check is one generator in a module of this package, under ``@check(code, level)``, which yields a ``Remark`` for each thing
found. Errors block a release, so they are certain; what may be meant is a warning, answered with a reason.
"""

from . import errors, figures, profile, texts, translations
from .draft import CHECKS, Draft, Finding, Level, findings

__all__ = [
    "CHECKS",
    "Draft",
    "Finding",
    "Level",
    "errors",
    "figures",
    "findings",
    "profile",
    "texts",
    "translations",
]
