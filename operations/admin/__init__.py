"""The admin of the operations: for field editors first, then for those who keep the reference data."""

from . import editions, narratives, operations, reference

__all__ = ["editions", "narratives", "operations", "reference"]
