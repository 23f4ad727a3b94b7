import pytest

from facekey.core.advice import advice
from facekey.core.types import Reason


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_sentence(reason: Reason) -> None:
    assert advice(reason).endswith(".")
