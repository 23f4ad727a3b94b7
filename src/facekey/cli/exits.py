"""Exit codes: what a command, or a service that can't start, says to whoever started it."""

from enum import IntEnum

from facekey.core.errors import (
    AccountExists,
    AccountUnknown,
    AuditBroken,
    FaceKeyError,
    InputInvalid,
    NetworkChoiceRefused,
    RegistrationRefused,
    SampleRejected,
    SettingsInvalid,
    SignatureWrong,
    SubjectExists,
    SubjectUnknown,
    TooMany,
    Unavailable,
)


class Exit(IntEnum):
    """Exit codes; those above 64 are sysexits.h's."""

    YES = 0
    NO = 1
    DATA = 65
    SOFTWARE = 70
    UNAVAILABLE = 75
    SETTINGS = 78


CODES: tuple[tuple[type[FaceKeyError], Exit], ...] = (
    (SettingsInvalid, Exit.SETTINGS),
    (Unavailable, Exit.UNAVAILABLE),
    (InputInvalid, Exit.DATA),
    (RegistrationRefused, Exit.NO),
    (SubjectExists, Exit.NO),
    (SampleRejected, Exit.DATA),
    (TooMany, Exit.UNAVAILABLE),
    (AccountExists, Exit.NO),
    (AccountUnknown, Exit.NO),
    (SubjectUnknown, Exit.NO),
    (AuditBroken, Exit.NO),
    (SignatureWrong, Exit.NO),
    (NetworkChoiceRefused, Exit.NO),
)


def exit_code(error: FaceKeyError) -> Exit:
    """How a process ends with this error."""
    return next((code for kind, code in CODES if isinstance(error, kind)), Exit.SOFTWARE)
