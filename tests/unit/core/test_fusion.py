import math

import numpy as np
import pytest

from facekey.core.fusion import fuse


def test_one_network_speaks_for_itself() -> None:
    assert fuse([4.2]) == 4.2


@pytest.mark.parametrize("given", [[], [math.nan], [4.0, math.nan], [4.0, math.inf]])
def test_no_evidence_is_refused(given: list[float]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        fuse(given)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 1.0])
def test_strangers_pass_no_more_often_than_promised_however_networks_depend(correlation: float) -> None:
    # Uniform p-values through a Gaussian copula: independent, dependent, identical networks.
    rng = np.random.default_rng(7)
    shared = rng.standard_normal((200_000, 1))
    own = rng.standard_normal((200_000, 3))
    z = math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * own
    ranks = z.argsort(axis=0).argsort(axis=0)
    evidences = -np.log10((ranks + 1) / len(z))
    fused = np.array([fuse(list(row)) for row in evidences])
    for decades in (1.0, 2.0, 3.0):
        assert (fused >= decades).mean() <= 10**-decades * 1.1
