"""Where an organisation's own account may lead: to public addresses, and to the operator's hosts.

A name is resolved here, every address behind it is judged, and the connection goes to the one that
was judged: a name that answers differently the second time wins nothing.
"""

import socket
from collections.abc import Callable, Collection
from typing import Any

import httpx
import httpx2

from governance.kernel.public_address import is_public
from governance.routing.account import Account


class Unreachable(httpx.ConnectError, httpx2.ConnectError):  # type: ignore[misc]  # twins
    """A host that is not known, or one that an account may not lead to. Nothing was sent."""


def resolve(host: str, port: int, trusted: Collection[str]) -> str:
    """The IP address to connect to. Blocking. Raises Unreachable."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable(f"No address is known for {host}.") from None
    addresses = [str(item[4][0]) for item in found]
    if host not in trusted and not all(map(is_public, addresses)):
        raise Unreachable(f"{host} lies in a private network.")
    return addresses[0]


def pinning(account: Account) -> list[Callable[[Any], None]]:
    """Hooks for the requests of an HTTP client of httpx or httpx2: what is judged is what is asked.

    None for the operator's own accounts, nor for a vendor's usual address.
    """
    trusted = account.trusted
    if trusted is None or not account.base_url:
        return []

    def pin(request: Any) -> None:
        host = request.url.raw_host.decode("ascii")
        address = resolve(host, request.url.port or 443, trusted)
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=address)

    return [pin]
