"""How commands end: exit codes, and errors as one line instead of a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import typer
from rich.console import Console
from rich.markup import escape

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

errors = Console(stderr=True)


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


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """Turn an error of ours into its sentence and an exit code; a defect keeps its traceback."""
    try:
        yield
    except FaceKeyError as error:
        errors.print(f"[red]{escape(str(error))}[/red]")
        if isinstance(error, RegistrationRefused):
            for number, sample in enumerate(error.samples, start=1):
                errors.print(f"  photo {number}: {sample['reason']}. {sample['advice'] or ''}")
        code = next((code for kind, code in CODES if isinstance(error, kind)), Exit.SOFTWARE)
        raise typer.Exit(code) from error
