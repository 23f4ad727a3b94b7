"""How often a caller may ask, and the refusal of more.

Before anything is looked at: a request that is too much must cost next to nothing.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from starlette.types import ASGIApp, Receive, Scope, Send

from facekey.api.address import client_address
from facekey.api.problems import domain_problem
from facekey.core import networks
from facekey.core.errors import TooMany
from facekey.core.ports.shared import Rate, RateLimiter

RECOGNITION_PATHS = frozenset(
    {
        *("/api/v1/register", "/api/v1/authenticate", "/api/v1/identify", "/api/v1/assess"),
        *("/api/v1/voice/enrol", "/api/v1/voice/verify"),
    }
)
LOGIN_PATHS = frozenset({"/api/v1/auth/password"})
"""Signing in with a password is paid from the same, by its route: a refresh, at the same path, is not."""

FREE_PATHS = frozenset({"/health", "/health/live", "/health/ready"})
"""Asked by machines that watch the service, most of all when it is busy."""

LASTING_PATHS = frozenset({"/api/v1/audit/live"})
"""Answered for minutes."""

NOWHERE = "nowhere"
"""Stands for the address of requests that have none; they share one budget."""


class Budget(StrEnum):
    """What is counted apart."""

    READING = "reading"
    RECOGNITION = "recognition"
    LOGIN = "login"


@dataclass(frozen=True, slots=True)
class Budgets:
    """How much of each there is for one caller.

    Attributes:
        recognition: registering, authenticating, identifying, assessing, opening a stream.
        login: attempts to sign in with a password.
        reading: everything else.
    """

    reading: Rate = field(default_factory=lambda: Rate(20.0, 60))
    recognition: Rate = field(default_factory=lambda: Rate(10.0, 40))
    login: Rate = field(default_factory=lambda: Rate(5 / 60, 10))

    def rate(self, budget: Budget) -> Rate:
        """The rate of one of them."""
        match budget:
            case Budget.RECOGNITION:
                return self.recognition
            case Budget.LOGIN:
                return self.login
            case Budget.READING:
                return self.reading


class RequestRates:
    """The budgets of all callers."""

    def __init__(self, limiter: RateLimiter, budgets: Budgets) -> None:
        """Take what counts, and how much there is."""
        self._limiter = limiter
        self._budgets = budgets

    async def spend(self, budget: Budget, address: str | None) -> None:
        """Take one from what this address has.

        Raises:
            RateLimited: there is none left.
        """
        await self._limiter.spend(f"{budget}/address/{network_of(address)}", self._budgets.rate(budget))


class RateLimits:
    """Answers 429 to requests that are too many."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application; its service has the budgets."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if its address has something left."""
        # A stream counts when it is opened (api/ws.py): only there can the client be told why.
        if scope["type"] == "http" and route_of(scope) not in FREE_PATHS:
            rates: RequestRates = scope["app"].state.service.rates
            try:
                await rates.spend(budget_of(scope), client_address(scope))
            except TooMany as refusal:
                await domain_problem(refusal)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def budget_of(scope: Scope) -> Budget:
    """What a request is paid from."""
    if scope["method"] == "OPTIONS":  # a browser asks whether it may ask
        return Budget.READING
    path = route_of(scope)
    if path in RECOGNITION_PATHS:
        return Budget.RECOGNITION
    return Budget.LOGIN if path in LOGIN_PATHS else Budget.READING


def route_of(scope: Scope) -> str:
    """The path that routes are found by: without what a proxy put before it."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def network_of(address: str | None) -> str:
    """What is counted as one caller; all requests without an address are one."""
    return NOWHERE if address is None else networks.network_of(address)
