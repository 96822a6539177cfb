"""Donors, their contributions, and the imports that brought them.

One ``Contribution`` is one allocation of one instalment, as in the agency's own books. The public
sees the lines of released imports, grouped; a line that changed is replaced, never overwritten.
"""

from .batch import (
    ImportBatch,
    ImportProblem,
    ImportSource,
    import_path,
    newest_change_of_books,
    newest_import,
)
from .contribution import Contribution, ContributionQuerySet, contribution_key, line_digest
from .donor import (
    NAMES,
    OTHER_COUNTRIES,
    SHOWN_BY,
    Donor,
    DonorAlias,
    DonorMerge,
    class_name,
    donor_class,
    merged_slug,
    names_a_class,
    shown_otherwise,
)
from .staged import COMPARED, StagedLine
from .sums import WITHHELD_OPERATION, DailySum, DailySumQuerySet, SummedQuerySet, given_to

__all__ = [
    "COMPARED",
    "NAMES",
    "OTHER_COUNTRIES",
    "SHOWN_BY",
    "WITHHELD_OPERATION",
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
    "class_name",
    "contribution_key",
    "donor_class",
    "given_to",
    "import_path",
    "line_digest",
    "merged_slug",
    "names_a_class",
    "newest_change_of_books",
    "newest_import",
    "shown_otherwise",
]
