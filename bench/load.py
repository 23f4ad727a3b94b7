"""Clients that use a service as applications do, and remember what they were promised."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

import httpx

PAUSE_S = 0.05
AUTHENTICATIONS = 4  # between a registration and the erasure
EXPECTED = {503, 429}
"""Refusals that a client must expect and may try again after."""


class Standing(Enum):
    """What a client knows of a person."""

    ENROLLED = "enrolled"
    ABSENT = "absent"
    UNKNOWN = "unknown"
    """The answer never came: either is right, anything in between is not."""


@dataclass
class Promises:
    """What the service answered, for holding it to.

    Attributes:
        people: by user id.
        decisions: authentications that were answered.
        unanswered: authentications whose answer never came.
        refused: answers by status that were neither yes nor no.
        wrong: answers that must not be.
        healed_s: the time of the last answer, monotonic.
    """

    people: dict[str, Standing] = field(default_factory=dict)
    decisions: int = 0
    unanswered: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    healed_s: float = 0.0


class Client(threading.Thread):
    """Registers a person, authenticates them a few times, erases them, and begins anew."""

    def __init__(self, name: str, url: str, photos: Sequence[bytes], probe: bytes) -> None:
        """Take photos of a person whom no other client has: a face has one id."""
        super().__init__(name=name, daemon=True)
        self.promises = Promises()
        self._url = url
        self._photos = photos
        self._probe = probe
        self._over = threading.Event()
        self._number = 0

    def again(self, url: str) -> "Client":
        """A client that goes on where this one, which has finished, stopped."""
        other = Client(self.name, url, self._photos, self._probe)
        other.promises, other._number = self.promises, self._number
        return other

    def finish(self) -> None:
        """Stop after the request that is under way."""
        self._over.set()
        self.join()

    def run(self) -> None:
        """Ask until told to stop."""
        with httpx.Client(base_url=self._url, timeout=30) as http:
            while not self._over.is_set():
                self._life(http)

    def _life(self, http: httpx.Client) -> None:
        self._clear(http)
        user_id = f"{self.name}-{self._number}"
        self._number += 1
        files = [("images", photo) for photo in self._photos]
        self._change(
            http, user_id, Standing.ENROLLED, "/api/v1/register", data={"user_id": user_id}, files=files
        )
        for _ in range(AUTHENTICATIONS):
            if self.promises.people.get(user_id) is not Standing.ENROLLED or self._over.is_set():
                return
            self._authenticate(http, user_id)

    def _clear(self, http: httpx.Client) -> None:
        """Erase whoever may still be there."""
        people = self.promises.people
        for user_id in list(people):
            while people[user_id] is not Standing.ABSENT and not self._over.is_set():
                self._change(http, user_id, Standing.ABSENT, f"/api/v1/delete_user?user_id={user_id}")

    def _change(self, http: httpx.Client, user_id: str, wanted: Standing, path: str, **sent: object) -> None:
        answer = self._ask(http, path, **sent)
        gone = wanted is Standing.ABSENT and answer is not None and answer.status_code == 404
        if answer is None:
            self.promises.people[user_id] = Standing.UNKNOWN
        elif answer.is_success or gone:
            self.promises.people[user_id] = wanted
        elif answer.status_code in EXPECTED:
            # Nothing was changed, says the service; for a registration it may have been committed.
            self.promises.people[user_id] = Standing.UNKNOWN
        else:
            self.promises.people.setdefault(user_id, Standing.ABSENT)
            self.promises.wrong.append(f"{path}: {answer.status_code} {answer.text[:200]}")

    def _authenticate(self, http: httpx.Client, user_id: str) -> None:
        answer = self._ask(
            http, "/api/v1/authenticate", data={"user_id": user_id}, files={"image": self._probe}
        )
        if answer is None:
            self.promises.unanswered += 1
        elif answer.is_success:
            self.promises.decisions += 1
            if not answer.json()["authenticated"]:
                self.promises.wrong.append(f"an enrolled person was refused: {answer.text[:200]}")
        elif answer.status_code not in EXPECTED:
            self.promises.wrong.append(f"authenticate: {answer.status_code} {answer.text[:200]}")

    def _ask(self, http: httpx.Client, path: str, **sent: object) -> httpx.Response | None:
        time.sleep(PAUSE_S)
        try:
            answer = http.post(path, **sent)  # type: ignore[arg-type]
        except httpx.TransportError:
            return None
        if answer.status_code in EXPECTED:
            self.promises.refused[answer.status_code] += 1
        elif answer.is_success:
            self.promises.healed_s = time.monotonic()
        return answer
