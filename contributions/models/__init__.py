"""Donors, their contributions, and the imports that brought them.

One ``Contribution`` is one allocation of one instalment, as in the agency's own books. The public
sees the lines of released imports, grouped; a line that changed is replaced, never overwritten.
"""

from .batch import ImportBatch, ImportProblem, ImportSource, import_path, newest_import
from .contribution import Contribution, ContributionQuerySet, contribution_key, line_digest
from .donor import (
    NAMES,
    OTHER_COUNTRIES,
    SHOWN_BY,
    Donor,
    DonorAlias,
    DonorMerge,
    donor_class,
    merged_slug,
    names_a_class,
    shown_otherwise,
)
from .staged import COMPARED, StagedLine
from .sums import DailySum, DailySumQuerySet, SummedQuerySet

__all__ = [
    "COMPARED",
    "NAMES",
    "OTHER_COUNTRIES",
    "SHOWN_BY",
    "Contribution",
    "ContributionQuerySet",
    "DailySum",
    "DailySumQuerySet",
    "Donor",
    "DonorAlias",
    "DonorMerge",
    "ImportBatch",
    "ImportProblem",
    "ImportSource",
    "StagedLine",
    "SummedQuerySet",
    "contribution_key",
    "donor_class",
    "import_path",
    "line_digest",
    "merged_slug",
    "names_a_class",
    "newest_import",
    "shown_otherwise",
]
