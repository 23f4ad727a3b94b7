"""Who counts as one caller: an IPv4 address, or a whole network of IPv6 addresses."""

import ipaddress

IPV6_PREFIX = 64  # one customer's network: its addresses are as good as one


def network_of(address: str) -> str:
    """What an address is counted under: a customer has 2^64 of IPv6, and may not fail once with each."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    return str(ipaddress.IPv6Network((int(parsed), IPV6_PREFIX), strict=False))
