"""Where notifications may go: by https to public addresses; nowhere into the network around us.

A name is resolved here, every address behind it is judged, and the connection goes to the one that
was judged: a name that answers differently the second time wins nothing.
"""

import socket
from collections.abc import Collection

import httpx

from governance.kernel.errors import InvalidRequest, Unavailable
from governance.kernel.public_address import is_public
from governance.kernel.settings import LOOPBACK

MAX_URL = 2048  # characters


def parse(url: str, trusted: Collection[str]) -> httpx.URL:
    """An address that may be registered, as it will be read.

    trusted: hosts of the operator's own, which may be private, and of loopback without TLS.
    Raises InvalidRequest (`webhook_url_invalid`).
    """
    try:
        address = httpx.URL(url)
        is_fit = len(url) <= MAX_URL and _is_fit(address, trusted)
    except (httpx.InvalidURL, ValueError):
        is_fit = False
    if not is_fit:
        raise InvalidRequest(
            "webhook_url_invalid",
            f"`url` is an https:// address of up to {MAX_URL:,} characters, without a user name "
            "and without a fragment.",
            param="url",
        )
    return address


def resolve(address: httpx.URL, trusted: Collection[str]) -> str:
    """The IP address to connect to. Blocking.

    Raises InvalidRequest (`webhook_address_private`), Unavailable (`webhook_host_unknown`).
    """
    host = address.raw_host.decode("ascii")
    try:
        found = socket.getaddrinfo(host, address.port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unavailable(
            "webhook_host_unknown", f"No address is known for {host}; check the name."
        ) from None
    addresses = [str(item[4][0]) for item in found]
    if host not in trusted and not all(map(is_public, addresses)):
        raise InvalidRequest(
            "webhook_address_private",
            f"{host} lies in a private network. Notifications go to public addresses, and to the "
            "hosts in GOVERNANCE_WEBHOOK_HOSTS.",
            param="url",
        )
    return addresses[0]


def _is_fit(address: httpx.URL, trusted: Collection[str]) -> bool:
    if not address.host or address.userinfo or address.fragment:
        return False
    if address.port is not None and not 0 < address.port < 65536:
        return False
    is_here = address.scheme == "http" and address.host in LOOPBACK and address.host in trusted
    return is_here or address.scheme == "https"
