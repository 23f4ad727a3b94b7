"""Public addresses: a download that survives a broken line, and never mixes two files."""

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx

from facekey.core.errors import SourceFailed
from facekey.zoo.durable import write_whole

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 30.0
ATTEMPTS = 3
PAUSE_S = 2.0
MAX_REDIRECTS = 5
MIN_BYTES_PER_S = 1024  # a server that drips is as good as one that stalls
GAINED_BYTES = 2**20  # a try that brought so much more doesn't count: a long download breaks often

_OK, _PARTIAL, _RANGE_REFUSED = 200, 206, 416
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})  # the next try may be answered
_PAGE = re.compile(rb"\s*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")


class Watch(Protocol):
    """Told how far a download is."""

    def __call__(self, done: int, total: int | None) -> None:
        """`done` of `total` bytes are here."""
        ...


class _TryAgain(Exception):
    """This try failed; the next one may not. `str()` is the reason."""


@dataclass(frozen=True, slots=True)
class Downloader:
    """Fetches one address into a `.part` file, resuming what an earlier try left.

    A part is resumed only while the server shows the same strong ETag or the same
    modification date (If-Range); otherwise it starts anew.

    Attributes:
        read_timeout_s: so long a server may be silent, or slower than `MIN_BYTES_PER_S`.
        attempts: so many tries in a row may bring little or nothing.
        pause_s: before the second try; twice as long before the third.
    """

    connect_timeout_s: float = CONNECT_TIMEOUT_S
    read_timeout_s: float = READ_TIMEOUT_S
    attempts: int = ATTEMPTS
    pause_s: float = PAUSE_S

    def fetch(self, url: str, part: Path, *, max_bytes: int, watch: Watch) -> None:
        """Bring the whole body into `part`. Its hash is the caller's to check.

        Raises:
            SourceFailed: the server can't be reached, refuses, stalls, sends too much, or a
                web page in the file's place.
        """
        part.parent.mkdir(parents=True, exist_ok=True)
        failure, failures = "", 0
        with httpx.Client(
            timeout=httpx.Timeout(self.read_timeout_s, connect=self.connect_timeout_s),
            follow_redirects=True,
            max_redirects=MAX_REDIRECTS,
        ) as client:
            while failures < self.attempts:
                before = _size(part)
                try:
                    self._attempt(client, url, part, max_bytes, watch)
                except _TryAgain as error:
                    failure = str(error)
                except httpx.TimeoutException:
                    failure = "the server didn't answer in time"
                except (httpx.HTTPError, httpx.InvalidURL) as error:
                    failure = " ".join(str(error).split()) or type(error).__name__
                else:
                    _validator_path(part).unlink(missing_ok=True)
                    return
                if _size(part) - before >= GAINED_BYTES:
                    failures = 0
                    continue
                failures += 1
                if failures < self.attempts:
                    time.sleep(self.pause_s * failures)
        raise SourceFailed(failure)

    def _attempt(self, client: httpx.Client, url: str, part: Path, max_bytes: int, watch: Watch) -> None:
        """One request; returns when all of the body is here."""
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
                raise _TryAgain("the server wouldn't resume")
            if response.status_code in _PASSING:
                raise _TryAgain(f"the server answered {response.status_code}")
            if response.status_code not in (_OK, _PARTIAL):
                raise SourceFailed(f"the server answered {response.status_code}")
            start = have if _continues(response, have) else 0
            if response.status_code == _PARTIAL and start == 0:
                _forget(part)
                raise _TryAgain("the server wouldn't resume")
            if start == 0:
                _forget(part)
                _remember(part, url, response)
            self._receive(response, part, start=start, max_bytes=max_bytes, watch=watch)

    def _receive(
        self, response: httpx.Response, part: Path, *, start: int, max_bytes: int, watch: Watch
    ) -> None:
        """Append a body to what is here of it, up to the limit."""
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdecimal() else None
        if total is not None and total > max_bytes:
            _forget(part)
            raise SourceFailed(f"the server offers {total} bytes, more than the {max_bytes} that it can be")
        done, looked_at, when = start, start, time.monotonic()
        with part.open("ab") as file:
            for chunk in response.iter_raw():
                if done == 0 and _PAGE.match(chunk):
                    file.close()
                    _forget(part)
                    raise SourceFailed(
                        "the server sent a web page in place of the file; a proxy or a sign-in page, perhaps"
                    )
                done += len(chunk)
                if done > max_bytes:
                    file.close()
                    _forget(part)
                    raise SourceFailed(f"the server sends more than the {max_bytes} bytes that it can be")
                file.write(chunk)
                watch(done, total)
                waited = time.monotonic() - when
                if waited > self.read_timeout_s:
                    if done - looked_at < MIN_BYTES_PER_S * waited:
                        raise _TryAgain("the server is too slow")
                    looked_at, when = done, time.monotonic()


def _size(part: Path) -> int:
    try:
        return part.stat().st_size
    except OSError:
        return 0


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
