"""What a user id may look like.

Ids end up in URLs, logs, mails and file names of those who use FaceKey, so only
characters that are harmless in all of them are taken.
"""

import re

from facekey.core.errors import SubjectIdInvalid
from facekey.core.types import SubjectId

MAX_LENGTH = 128
_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]*")


def parse_subject_id(text: str) -> SubjectId:
    """Check a user id. It is taken as it is: no trimming, no change of case.

    Raises:
        SubjectIdInvalid: it is empty, longer than 128, or holds another character.
    """
    if not 1 <= len(text) <= MAX_LENGTH:
        raise SubjectIdInvalid(
            "user_id_invalid", f"a user id has 1 to {MAX_LENGTH} characters, this one has {len(text)}"
        )
    if _PATTERN.fullmatch(text) is None:
        raise SubjectIdInvalid(
            "user_id_invalid",
            "a user id begins with a letter or digit and goes on with letters, digits and . _ @ + - (ASCII)",
        )
    return SubjectId(text)
