import pytest
from fastapi import FastAPI
from starlette.types import Message, Scope

from facekey.api.security import DOCS_POLICY, HEADERS, LocalOnly, SecurityHeaders
from tests.unit.api.requests import LOCAL, ask, scope, swallow

GUARDED = LocalOnly(swallow)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost",
        "localhost:8000",
        "localhost:1",
        "127.0.0.1",
        "127.0.0.1:65535",
        "[::1]",
        "[::1]:8000",
    ],
)
async def test_this_machine_under_its_names(host: str) -> None:
    assert (await ask(GUARDED, headers=(("host", host),))).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "evil.example@localhost",
        "localhost@evil.example",
        "localhost/evil.example",
        "localhost#",
        "localhost?x",
        "localhost:",
        "localhost:port",
        "localhost:123456",
        "localhost:80:80",
        "localhost\t",
        "localhost\n",
        "127.0.0.1.nip.io",
        "127.1",
        "2130706433",
        "0.0.0.0",  # noqa: S104
        "::1",
        "[::1",
        "::1]:8000",
        "[::1]evil",
        "[::ffff:127.0.0.1]",
        "[fe80::1%25lo]",
        "\xff",
    ],
)
async def test_other_names_are_rebinding(host: str) -> None:
    answer = await ask(GUARDED, headers=(("host", host),))
    assert (answer.status, answer.code) == (403, "local_only")


@pytest.mark.parametrize("headers", [(), (("host", "localhost"), ("host", "evil.example")), LOCAL * 2])
async def test_exactly_one_host_is_needed(headers: tuple[tuple[str, str], ...]) -> None:
    assert (await ask(GUARDED, headers=headers)).code == "local_only"


@pytest.mark.parametrize("origin", ["http://localhost:5173", "https://127.0.0.1", "http://[::1]:8000"])
async def test_pages_of_this_machine_may_call(origin: str) -> None:
    assert (await ask(GUARDED, headers=(*LOCAL, ("origin", origin)))).status == 200


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "file://",
        "https://evil.example",
        "http://localhost.evil.example",
        "http://localhost@evil.example",
        "http://evil.example#localhost",
        "http://localhost/",
        "chrome-extension://localhost",
        "localhost",
        "http://[",
        "http://[::1",
    ],
)
async def test_pages_of_others_may_not(origin: str) -> None:
    for headers in ((("origin", origin),), (("origin", "http://localhost"), ("origin", origin))):
        assert (await ask(GUARDED, headers=(*LOCAL, *headers))).code == "local_only"


@pytest.mark.parametrize(
    ("address", "let_in"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:10.0.0.1", False),
        ("10.0.0.1", False),
        ("0.0.0.0", False),  # noqa: S104
        ("fe80::1%eth0", False),
        ("", False),
        ("localhost", False),
        ("127.0.0.1, 10.0.0.1", False),
    ],
)
async def test_only_loopback_addresses(address: str, let_in: bool) -> None:
    assert (await ask(GUARDED, client=(address, 1))).status == (200 if let_in else 403)


async def test_a_unix_socket_has_no_address() -> None:
    assert (await ask(GUARDED, client=None)).status == 200


@pytest.mark.parametrize(
    ("changes", "let_in"),
    [
        ({}, True),
        ({"headers": [(b"host", b"localhost"), (b"origin", b"https://evil.example")]}, False),
        ({"headers": [(b"host", b"evil.example")]}, False),
        ({"client": ("10.0.0.1", 1)}, False),
    ],
)
async def test_web_sockets_are_held_to_the_same(changes: dict[str, object], let_in: bool) -> None:
    reached: list[str] = []
    sent: list[Message] = []

    async def inside(scope: Scope, *_: object) -> None:
        reached.append(scope["type"])

    async def send(message: Message) -> None:
        sent.append(message)

    await LocalOnly(inside)({**scope(), "type": "websocket", **changes}, None, send)  # type: ignore[arg-type]
    assert (reached, [message["type"] for message in sent]) == (
        (["websocket"], []) if let_in else ([], ["websocket.close"])
    )


async def test_start_and_stop_are_not_guarded() -> None:
    reached: list[str] = []

    async def inside(scope: Scope, *_: object) -> None:
        reached.append(scope["type"])

    for middleware in (LocalOnly(inside), SecurityHeaders(inside, https=True)):
        await middleware({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert reached == ["lifespan"] * 2


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/health", LOCAL, 200),
        ("/nowhere", LOCAL, 404),
        ("/health", (("host", "evil.example"),), 403),
        ("/health", (*LOCAL, ("content-length", "x")), 400),
        ("/api/v1/users/nobody", LOCAL, 404),
    ],
)
async def test_every_answer_is_dressed(
    app: FastAPI, path: str, headers: tuple[tuple[str, str], ...], status: int
) -> None:
    answer = await ask(app, path=path, headers=headers)
    assert answer.status == status
    for name, value in HEADERS.items():
        assert answer.headers[name.lower()] == value
    assert len(answer.headers["x-request-id"]) == 32


async def test_the_page_of_the_api_may_run_its_own_script(app: FastAPI) -> None:
    assert (await ask(app, path="/docs")).headers["content-security-policy"] == DOCS_POLICY
