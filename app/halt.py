"""A service that can't start says why in one line, and ends with an exit code that tells what to mend."""

import os
import sys
from typing import NoReturn

from facekey.cli.exits import exit_code
from facekey.core.errors import FaceKeyError

MASTER = "FACEKEY_GUNICORN_PID"
"""Where gunicorn.conf.py leaves the number of the process that starts workers."""

CANT_BOOT = 3
"""What gunicorn understands: it ends, too, and doesn't start such a worker again without end."""


def halt(error: FaceKeyError) -> NoReturn:
    """End this process while it starts: 78 for a setting, 75 for what is away, 70 for a missing network.

    Servers answer an exception with a traceback and a code of their own; this is neither theirs to
    explain nor a defect. Nothing is open yet that would be lost.
    """
    sys.stderr.write(f"FaceKey can't start: {error}\n")
    sys.stderr.flush()
    is_worker = os.environ.get(MASTER, str(os.getpid())) != str(os.getpid())
    os._exit(CANT_BOOT if is_worker else exit_code(error))
