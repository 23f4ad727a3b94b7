"""Where a request comes from. This is the only place that finds out."""

import ipaddress
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import Scope

from facekey.core.errors import RequestInvalid

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(scope: Scope) -> str | None:
    """The address that the request's limits are counted under; None when there is none.

    It is the peer of the connection, unless that is a proxy that the settings trust: then the
    last address in X-Forwarded-For that no trusted proxy has. What stands before it was
    written by whoever sent the request, and says nothing.
    """
    trusted: Sequence[Network] = getattr(scope["app"].state, "trusted_proxies", ())
    peer = scope.get("client")
    address = _address(peer[0]) if peer else None
    if address is None:
        return None
    forwarded = ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",")
    while _is_trusted(address, trusted) and forwarded:
        before = _address(forwarded.pop().strip())
        if before is None:
            break
        address = before
    return str(address)


def parse_address(text: str) -> str:
    """An IP address, in its usual form.

    Raises:
        RequestInvalid: it is none.
    """
    address = _address(text)
    if address is None:
        raise RequestInvalid("address_invalid", "an address is written like 192.0.2.7 or 2001:db8::7")
    return str(address)


def _address(text: str) -> Address | None:
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    # A socket for both families shows IPv4 clients as ::ffff:192.0.2.7.
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted if network.version == address.version)
