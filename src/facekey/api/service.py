"""What the API serves: the verbs and the views it may call, as `wiring.py` put them together."""

from dataclasses import dataclass
from typing import Protocol

from facekey.core.ports import Directory
from facekey.services.authenticate import Authenticate
from facekey.services.erase import Erase
from facekey.services.identify import Identify
from facekey.services.register import Register


@dataclass(frozen=True, slots=True)
class NetworkStatus:
    """One network of the zoo.

    Attributes:
        installed: its weights are here and verified.
        in_use: this process answers with it.
        note: why it isn't installed or isn't in use; None when it is.
    """

    name: str
    task: str
    title: str
    licence: str
    installed: bool
    in_use: bool
    note: str | None


@dataclass(frozen=True, slots=True)
class SystemFacts:
    """What doesn't change while the process runs."""

    version: str
    profile: str
    device: str
    match_fmr: float
    match_threshold: float
    liveness_threshold: float
    networks: tuple[NetworkStatus, ...]


class Readiness(Protocol):
    """Whether requests can be decided right now."""

    async def check(self) -> None:
        """Return when they can.

        Raises:
            Unavailable: says what is missing.
        """
        ...


@dataclass(frozen=True, slots=True)
class Service:
    """Everything behind the routes."""

    register: Register
    authenticate: Authenticate
    identify: Identify
    erase: Erase
    directory: Directory
    readiness: Readiness
    facts: SystemFacts
