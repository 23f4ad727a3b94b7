"""Mail addresses that are safe in a header and in a command to a server."""

import re

from facekey.core.errors import SettingsInvalid

MAX_LENGTH = 254  # RFC 5321, 4.5.3.1.3
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~.-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*")


def parse_address(text: str, setting: str) -> str:
    """A plain address, name@example.org: no display name, no quotes, ASCII.

    Raises:
        SettingsInvalid: it is none.
    """
    if len(text) > MAX_LENGTH or _ADDRESS.fullmatch(text) is None:
        raise SettingsInvalid(f"{setting} must be plain mail addresses: name@example.org")
    return text
