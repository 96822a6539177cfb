"""The admin of the money, a module for each thing that staff do."""

from . import contributions, donors, imports

__all__ = ["contributions", "donors", "imports"]
