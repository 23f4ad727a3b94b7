"""Public addresses: a download that survives a broken line, and never mixes two files."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx

from facekey.core.errors import SourceFailed
from facekey.zoo.durable import write_whole

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 30.0
ATTEMPTS = 3
MAX_REDIRECTS = 5

_OK, _PARTIAL, _RANGE_REFUSED = 200, 206, 416
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")


class Watch(Protocol):
    """Told how far a download is."""

    def __call__(self, done: int, total: int | None) -> None:
        """`done` of `total` bytes are here."""
        ...


@dataclass(frozen=True, slots=True)
class Downloader:
    """Fetches one address into a `.part` file, resuming what an earlier try left.

    A part is resumed only while the server shows the same strong ETag or the same
    modification date (If-Range); otherwise it starts anew.
    """

    connect_timeout_s: float = CONNECT_TIMEOUT_S
    read_timeout_s: float = READ_TIMEOUT_S
    attempts: int = ATTEMPTS

    def fetch(self, url: str, part: Path, *, max_bytes: int, watch: Watch) -> None:
        """Bring the whole body into `part`. Its hash is the caller's to check.

        Raises:
            SourceFailed: the server can't be reached, refuses, stalls, or sends too much.
        """
        part.parent.mkdir(parents=True, exist_ok=True)
        failure = ""
        with httpx.Client(
            timeout=httpx.Timeout(self.read_timeout_s, connect=self.connect_timeout_s),
            follow_redirects=True,
            max_redirects=MAX_REDIRECTS,
        ) as client:
            for _ in range(self.attempts):
                try:
                    if self._attempt(client, url, part, max_bytes, watch):
                        _validator_path(part).unlink(missing_ok=True)
                        return
                    failure = "the server wouldn't resume"
                except httpx.TimeoutException:
                    failure = "the server didn't answer in time"
                except (httpx.HTTPError, httpx.InvalidURL) as error:
                    failure = " ".join(str(error).split()) or type(error).__name__
        raise SourceFailed(failure)

    def _attempt(self, client: httpx.Client, url: str, part: Path, max_bytes: int, watch: Watch) -> bool:
        """One request. False asks for another one from the start."""
        headers = {"Accept-Encoding": "identity"}  # the bytes as published, and ranges of those
        have, validator = _resumable(part, url)
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": validator}
        with client.stream("GET", url, headers=headers) as response:
            if (
                any(step.url.scheme == "https" for step in response.history)
                and response.url.scheme != "https"
            ):
                raise SourceFailed("the server redirects from https to http")
            if response.status_code == _RANGE_REFUSED:
                _forget(part)
                return False
            if response.status_code not in (_OK, _PARTIAL):
                raise SourceFailed(f"the server answered {response.status_code}")
            start = have if _continues(response, have) else 0
            if response.status_code == _PARTIAL and start == 0:
                _forget(part)
                return False
            if start == 0:
                _forget(part)
                _remember(part, url, response)
            _receive(response, part, start=start, max_bytes=max_bytes, watch=watch)
        return True


def _receive(response: httpx.Response, part: Path, *, start: int, max_bytes: int, watch: Watch) -> None:
    """Append a body to what is here of it, up to the limit."""
    length = response.headers.get("Content-Length", "")
    total = start + int(length) if length.isdecimal() else None
    if total is not None and total > max_bytes:
        raise SourceFailed(f"the server offers {total} bytes, more than the {max_bytes} that it can be")
    done = start
    with part.open("ab") as file:
        for chunk in response.iter_raw():
            done += len(chunk)
            if done > max_bytes:
                file.close()
                _forget(part)
                raise SourceFailed(f"the server sends more than the {max_bytes} bytes that it can be")
            file.write(chunk)
            watch(done, total)


def _continues(response: httpx.Response, have: int) -> bool:
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    return response.status_code == _PARTIAL and found is not None and int(found[1]) == have


def _validator_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _resumable(part: Path, url: str) -> tuple[int, str]:
    """How many bytes are here and what they were part of; (0, "") when they are no use."""
    try:
        note = json.loads(_validator_path(part).read_text(encoding="utf-8"))
        if note["url"] == url and isinstance(note["validator"], str) and note["validator"]:
            return part.stat().st_size, note["validator"]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # A note that can't be read is no note.
    return 0, ""


def _remember(part: Path, url: str, response: httpx.Response) -> None:
    etag = response.headers.get("ETag", "")
    # A weak ETag promises a like meaning, not like bytes.
    validator = etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")
    write_whole(_validator_path(part), json.dumps({"url": url, "validator": validator}).encode())


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _validator_path(part).unlink(missing_ok=True)
