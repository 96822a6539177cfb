"""The admin of the operations: for field editors first, then for those who keep the reference data."""

from . import accounts, agency, editions, narratives, operations, reference

__all__ = ["accounts", "agency", "editions", "narratives", "operations", "reference"]
