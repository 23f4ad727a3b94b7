"""Several networks' evidence as one.

Evidence is -log10 of a p-value: the chance that a stranger scores as high. Averaging it
is taking the geometric mean of p-values, and e times that mean is again a valid p-value
*whatever* the dependence between them (Vovk and Wang, "Combining p-values via
averaging", Biometrika 107(4), 2020). Networks trained on similar faces depend heavily on
each other, so this is the rule that keeps a threshold's false match rate true for any
set of installed networks.
"""

import math
from collections.abc import Sequence

MERGING_PRICE = math.log10(math.e)  # the factor e, in decades


def fuse(evidences: Sequence[float]) -> float:
    """One evidence from one for each network, in decades of false match rate.

    Raises:
        ValueError: there is none, or one is not finite. No evidence is not weak evidence.
    """
    if not evidences or not all(math.isfinite(value) for value in evidences):
        raise ValueError("there must be evidence of at least one network, and all of it finite")
    if len(evidences) == 1:
        return evidences[0]
    return max(0.0, math.fsum(evidences) / len(evidences) - MERGING_PRICE)
