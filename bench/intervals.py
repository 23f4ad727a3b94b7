"""How sure a measured share is."""

import math

Z95 = 1.959964


def wilson(hits: int, total: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, 1927): honest also near 0 and 1."""
    if total == 0:
        return 0.0, 1.0
    share = hits / total
    middle = share + Z95**2 / (2 * total)
    spread = Z95 * math.sqrt(share * (1 - share) / total + Z95**2 / (4 * total**2))
    whole = 1 + Z95**2 / total
    return max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole)


def written(hits: int, total: int) -> str:
    """`99.02 % [98.7, 99.2] (5941 of 6000)`."""
    low, high = wilson(hits, total)
    return f"{100 * hits / total:.2f} % [{100 * low:.2f}, {100 * high:.2f}] ({hits} of {total})"
