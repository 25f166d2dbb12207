"""Where a call to an address of a user may go: to public addresses of the internet, nowhere else.

The name is resolved at every connection, every address it has must be public, and the connection
goes to the very address that was looked at: a name that answers differently a moment later (DNS
rebinding) leads nowhere new.
Source: security.md S32.
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Final

from toolkit.http.client import Route, RouteRefusedError

Resolve = Callable[[str, int], Sequence[str]]
"""All addresses of a name, as texts; raises OSError for an unknown one."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Addresses that carry another one inside: what is behind the gateway is not what they look like.
_WRAPPING: Final = tuple(
    map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))
)
# For protocols of their own; which of them Python calls global differs between its releases.
_ASSIGNED: Final = tuple(map(ipaddress.IPv4Network, ("192.0.0.0/24", "192.88.99.0/24")))


def is_public(text: str) -> bool:
    """Whether an address belongs to the internet: not private, local, link-local (also the
    metadata services), shared, reserved, multicast, or wrapping another address.
    """
    address: _Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif any(address in network for network in _WRAPPING):
            return False
    if isinstance(address, ipaddress.IPv4Address) and any(address in net for net in _ASSIGNED):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def resolve(name: str, port: int) -> list[str]:
    """All addresses the system's resolver knows for a name. Raises: OSError."""
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def public_route(*, allow_loopback: bool = False, look_up: Resolve = resolve) -> Route:
    """A route that leads to public addresses only.

    ``allow_loopback`` lets this very machine through as well: for the local stack only.
    """

    def route(name: str, port: int) -> str:
        try:
            addresses = look_up(name, port)
        except OSError:
            raise RouteRefusedError("unknown name") from None
        for address in addresses:
            if is_public(address):
                continue
            if allow_loopback and ipaddress.ip_address(address).is_loopback:
                continue
            raise RouteRefusedError("address not public")
        if not addresses:
            raise RouteRefusedError("unknown name")
        return addresses[0]

    return route
