"""The commit that measured: part of every birth certificate."""

import subprocess
from pathlib import Path


def commit() -> str:
    """Short hash of the checked-out commit, or `unknown` outside a repository."""
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - whichever git the user has
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "unknown"


def is_changed() -> bool:
    """Whether tracked files differ from the commit: then it doesn't say what ran."""
    found = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=no"],  # noqa: S607 - whichever git the user has
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return bool(found.stdout.strip())
