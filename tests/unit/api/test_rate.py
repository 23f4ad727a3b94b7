import asyncio
from dataclasses import replace

import pytest
from fastapi import FastAPI

from facekey.api.app import create_app
from facekey.api.rate import Budget, Budgets, RequestRates, budget_of, network_of
from facekey.api.service import Service
from facekey.core.ports.shared import Rate
from facekey.store.memory import MemoryRateLimiter
from tests.unit.api.requests import FORM, LOCAL, Answer, ask, form, scope
from tests.unit.api.sockets import Socket
from tests.unit.services.staged import HandTicker

SLOW = Rate(0.1, 2)
BUDGETS = Budgets(reading=SLOW, recognition=SLOW, login=SLOW)


@pytest.fixture
def ticker() -> HandTicker:
    return HandTicker()


@pytest.fixture
def limited(service: Service, ticker: HandTicker) -> FastAPI:
    """The whole application with two requests a budget."""
    served = replace(service, rates=RequestRates(MemoryRateLimiter(ticker, most=100), BUDGETS))
    built = create_app(served, max_image_bytes=10_000)
    built.state.service = served
    return built


async def spent(app: FastAPI, method: str, path: str) -> Answer:
    """The first answer after the budget."""
    for _ in range(2):
        assert (await ask(app, method, path)).status != 429
    return await ask(app, method, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/system/info"),
        ("GET", "/api/v1/users"),
        ("GET", "/nowhere"),
        ("POST", "/api/v1/register"),
        ("POST", "/api/v1/authenticate"),
        ("POST", "/api/v1/identify"),
        ("POST", "/api/v1/auth/token"),
    ],
)
async def test_more_than_the_budget_is_refused_with_a_time(
    limited: FastAPI, ticker: HandTicker, method: str, path: str
) -> None:
    refused = await spent(limited, method, path)
    assert (refused.status, refused.code) == (429, "too_many_requests")
    assert refused.headers["retry-after"] == "10"
    assert refused.headers["x-content-type-options"] == "nosniff"
    ticker.now_s += 9.5
    assert (await ask(limited, method, path)).headers["retry-after"] == "1"
    ticker.now_s += 0.5
    assert (await ask(limited, method, path)).status != 429


async def test_budgets_are_apart(limited: FastAPI) -> None:
    assert (await spent(limited, "POST", "/api/v1/authenticate")).status == 429
    assert (await ask(limited, "POST", "/api/v1/identify")).status == 429, "the same budget"
    assert (await ask(limited, "POST", "/api/v1/auth/token")).status != 429
    assert (await ask(limited, "GET", "/api/v1/users")).status == 200


async def test_passwords_are_paid_apart_from_refreshes(service: Service, ticker: HandTicker) -> None:
    """A page refreshes whenever it is loaded; nobody guesses 256 random bits."""
    generous = Rate(1e6, 1_000_000)
    budgets = Budgets(reading=generous, recognition=generous, login=SLOW)
    served = replace(service, rates=RequestRates(MemoryRateLimiter(ticker, most=100), budgets))
    app = create_app(served, max_image_bytes=10_000)
    app.state.service = served

    async def token(*parts: tuple[str, str]) -> Answer:
        return await ask(app, "POST", "/api/v1/auth/token", headers=FORM, body=[form(*parts)])

    login = ("username", "ada"), ("password", "a wrong one")
    refresh = ("grant_type", "refresh_token"), ("refresh_token", "x")
    for _ in range(2):
        assert (await token(*login)).code == "credentials_wrong"
    refused = await token(*login)
    assert (refused.status, refused.code, refused.headers["retry-after"]) == (429, "too_many_requests", "10")
    assert {(await token(*refresh)).status for _ in range(5)} == {401}
    assert (await ask(app, "POST", "/api/v1/auth/password")).status == 429, "the same budget as signing in"


async def test_addresses_are_apart(limited: FastAPI) -> None:
    assert (await spent(limited, "GET", "/api/v1/users")).status == 429
    other = await ask(limited, "GET", "/api/v1/users", client=("127.0.0.2", 1))
    assert other.status == 200


async def test_a_header_makes_nobody_another(limited: FastAPI) -> None:
    for number in range(2):
        headers = (*LOCAL, ("x-forwarded-for", f"127.0.0.{number + 2}"))
        assert (await ask(limited, "GET", "/api/v1/users", headers=headers)).status == 200
    more = (*LOCAL, ("x-forwarded-for", "127.0.0.9"), ("forwarded", "for=127.0.0.9"))
    assert (await ask(limited, "GET", "/api/v1/users", headers=more)).status == 429


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
async def test_who_watches_the_service_is_never_refused(limited: FastAPI, path: str) -> None:
    for _ in range(10):
        assert (await ask(limited, "GET", path)).status == 200


async def test_a_stream_costs_when_it_is_opened(limited: FastAPI) -> None:
    for _ in range(2):
        async with Socket(limited) as socket:
            await socket.hear("connected")
    async with Socket(limited) as socket:
        assert await socket.fatal() == ("too_many_requests", 1013)
        assert socket.statuses[-1]["retry_after_s"] == 10
    assert (await ask(limited, "POST", "/api/v1/authenticate")).status == 429, "the same budget"


@pytest.mark.parametrize(
    ("method", "path", "root_path", "budget"),
    [
        ("POST", "/api/v1/authenticate", "", Budget.RECOGNITION),
        ("GET", "/api/v1/authenticate", "", Budget.RECOGNITION),
        ("OPTIONS", "/api/v1/authenticate", "", Budget.READING),
        ("POST", "/face/api/v1/authenticate", "/face", Budget.RECOGNITION),
        ("POST", "/api/v1/authenticate/", "", Budget.READING),
        ("POST", "/api/v1/assess", "", Budget.RECOGNITION),
        ("POST", "/api/v1/auth/token", "", Budget.READING),
        ("POST", "/api/v1/auth/password", "", Budget.LOGIN),
        ("POST", "/api/v1/auth/logout", "", Budget.READING),
    ],
)
def test_each_route_has_its_budget(method: str, path: str, root_path: str, budget: Budget) -> None:
    assert budget_of({**scope(method, path), "root_path": root_path}) is budget


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        (None, "nowhere"),
    ],
)
def test_one_network_of_the_new_protocol_is_one_caller(address: str | None, network: str) -> None:
    assert network_of(address) == network


async def test_many_at_once_get_no_more(limited: FastAPI) -> None:
    answers = await asyncio.gather(*(ask(limited, "GET", "/api/v1/users") for _ in range(20)))
    assert sum(answer.status == 200 for answer in answers) == 2
