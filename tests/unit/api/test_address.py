from ipaddress import ip_network

import pytest
from fastapi import FastAPI

from facekey.api.address import Network, client_address
from tests.unit.api.requests import scope

PROXIES: tuple[Network, ...] = (ip_network("10.0.0.0/8"), ip_network("127.0.0.1/32"), ip_network("fd00::/8"))


def found(peer: str | None, *forwarded: str, trusted: tuple[Network, ...] = PROXIES) -> str | None:
    app = FastAPI()
    app.state.trusted_proxies = trusted
    headers = [("x-forwarded-for", value) for value in forwarded]
    client = None if peer is None else (peer, 1234)
    return client_address({**scope(headers=headers, client=client), "app": app})


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        # Nobody vouches for what a stranger says.
        ("192.0.2.7", ["198.51.100.1"], "192.0.2.7"),
        ("192.0.2.7", ["10.0.0.1"], "192.0.2.7"),
        ("192.0.2.7", [], "192.0.2.7"),
        # A proxy's last word counts; what stands before it was sent by the client.
        ("10.0.0.1", ["192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", ["198.51.100.1, 192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", ["198.51.100.1", "192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", ["127.0.0.1, 192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", ["10.0.0.9, 192.0.2.7, 10.0.0.2"], "192.0.2.7"),
        ("::ffff:10.0.0.1", ["::ffff:192.0.2.7"], "192.0.2.7"),
        ("fd00::1", ["2001:DB8::7"], "2001:db8::7"),
        # Only proxies all the way: the first of them.
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", [], "10.0.0.1"),
        # What is no address ends the search at the last one that was vouched for.
        ("10.0.0.1", ["198.51.100.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.7:80"], "10.0.0.1"),
        ("10.0.0.1", ["a" * 60_000], "10.0.0.1"),
        ("10.0.0.1", ["," * 10_000], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.7\tx"], "10.0.0.1"),
        # No peer, or none with an address.
        (None, ["192.0.2.7"], None),
        ("testclient", ["192.0.2.7"], None),
    ],
)
def test_the_address_is_the_last_that_is_vouched_for(
    peer: str | None, forwarded: list[str], address: str | None
) -> None:
    assert found(peer, *forwarded) == address


def test_without_trusted_proxies_no_header_counts() -> None:
    assert found("127.0.0.1", "192.0.2.7", trusted=()) == "127.0.0.1"
