import pytest

from facekey.core.errors import SubjectIdInvalid
from facekey.core.identifiers import parse_subject_id


@pytest.mark.parametrize("text", ["john_doe", "a", "A.b-c_d@example.com", "0" * 128, "user+tag@x.org"])
def test_ids_that_are_taken_as_they_are(text: str) -> None:
    assert parse_subject_id(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " john",
        "john ",
        "a/b",
        "../etc/passwd",
        "a\\b",
        "jürgen",
        "😀",
        "a\x00b",
        "a\r\nX-Evil: 1",
        "'; DROP TABLE subjects; --",
        "x" * 129,
        "x" * 10_000,
        "-rf",
        "a\u202eb",
    ],
)
def test_ids_that_are_refused(text: str) -> None:
    with pytest.raises(SubjectIdInvalid) as refused:
        parse_subject_id(text)
    assert refused.value.code == "user_id_invalid"
    assert len(str(refused.value)) < 200
