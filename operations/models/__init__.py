"""The operations, their figures and texts as staff edit them, and the editions that the public reads.

Staff edit *working copies* (an ``Operation`` with its offices and figures; a ``Narrative`` with its
sections and key figures). What is public is an ``Edition``: a frozen copy that is never changed.
Imports run one way: ``search, review → edition → narrative → operation → role → reference``.
"""

from .agency import Agency
from .edition import Edition, EditionQuerySet
from .narrative import KeyFigure, Narrative, NarrativeQuerySet, Section
from .operation import FinancialFigure, Office, Operation, OperationQuerySet, PopulationFigure
from .reference import (
    CODE,
    YEAR,
    MissingReason,
    Pillar,
    PopulationType,
    Region,
    SectionType,
    TextKind,
    Validity,
    WorkingCopy,
)
from .review import Answer, OpenForm, PreviewLink, Step
from .role import Role
from .search import SearchEntry

__all__ = [
    "CODE",
    "YEAR",
    "Agency",
    "Answer",
    "Edition",
    "EditionQuerySet",
    "FinancialFigure",
    "KeyFigure",
    "MissingReason",
    "Narrative",
    "NarrativeQuerySet",
    "Office",
    "OpenForm",
    "Operation",
    "OperationQuerySet",
    "Pillar",
    "PopulationFigure",
    "PopulationType",
    "PreviewLink",
    "Region",
    "Role",
    "SearchEntry",
    "Section",
    "SectionType",
    "Step",
    "TextKind",
    "Validity",
    "WorkingCopy",
]
