"""How sure a measured share is, in one line."""

from facekey.evaluation.rates import share
from facekey.evaluation.report import written as written_share


def written(hits: int, total: int) -> str:
    """`99.02 % [98.75, 99.24] (5,941 of 6,000)`: with Wilson's 95 % interval."""
    return written_share(share(hits, total))
