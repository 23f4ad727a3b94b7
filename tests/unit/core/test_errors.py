import pytest

from facekey.core import errors
from facekey.core.errors import (
    ConversionError,
    FaceKeyError,
    HashMismatch,
    ModelMismatch,
    ModelOutputInvalid,
    ModelUnavailable,
)
from facekey.core.types import ModelId

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, FaceKeyError)]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ModelUnavailable("arcface", "no mirror"), "arcface: no mirror"),
        (
            HashMismatch("x.onnx", "aa", "bb"),
            "x.onnx: expected sha256 aa, got bb; the bytes were thrown away",
        ),
        (ModelOutputInvalid("arcface", "NaN"), "arcface: NaN"),
        (ModelMismatch(ModelId("a:1"), ()), "wanted an embedding by a:1, have none"),
        (ConversionError("unknown operator"), "unknown operator"),
    ],
)
def test_an_error_is_one_sentence(error: FaceKeyError, said: str) -> None:
    assert str(error) == said


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_tree_in_the_docstring_is_whole(kind: type[FaceKeyError]) -> None:
    assert kind.__name__ in str(errors.__doc__)
