"""Fetches a copy of a released file from a host that the operator allows, and from no other."""

import time
from pathlib import Path

import httpx

from governance.kernel.errors import InvalidRequest, TooLarge, Unavailable
from governance.kernel.settings import LOOPBACK, Settings

TIMEOUT = 30.0  # seconds without an answer
PATIENCE = 300.0  # seconds for all of it
PLAIN = {"Accept-Encoding": "identity"}


def fetch(url: str, target: Path, settings: Settings) -> str:
    """Write what lies at `url` to `target`; returns the host. Redirects are not followed.

    Raises InvalidRequest (`host_not_allowed`, `copy_not_found`), TooLarge (`media_too_large`),
    Unavailable (`copy_unavailable`).
    """
    address = allowed(url, settings)
    deadline = time.monotonic() + PATIENCE
    try:
        with (
            httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client,
            client.stream("GET", address, headers=PLAIN) as response,
            target.open("wb") as stream,
        ):
            if response.status_code != 200:
                raise InvalidRequest(
                    "copy_not_found",
                    f"The address answers {response.status_code}; name the file's own address, "
                    "without redirects.",
                    param="url",
                )
            for chunk in response.iter_raw():  # never unpacked: a little may hold a lot
                stream.write(chunk)
                if stream.tell() > settings.max_upload:
                    raise TooLarge(
                        "media_too_large",
                        f"The copy has more than {settings.max_upload:,} bytes "
                        "(GOVERNANCE_MAX_UPLOAD).",
                    )
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("too slow")
    except httpx.HTTPError as error:
        raise Unavailable(
            "copy_unavailable", f"{address.host} gave no answer in time; try again later."
        ) from error
    return address.host


def allowed(url: str, settings: Settings) -> httpx.URL:
    """The address, if it may be fetched, as it will be. Raises InvalidRequest (`host_not_allowed`).

    Judged as the client reads it: two readers of one text may see two hosts in it.
    """
    try:
        address = httpx.URL(url)
        is_safe = _is_safe(address) and address.host in settings.check_hosts.split(",")
    except (httpx.InvalidURL, ValueError):
        is_safe = False
    if not is_safe:
        raise InvalidRequest(
            "host_not_allowed",
            "Copies are fetched by https from the hosts in GOVERNANCE_CHECK_HOSTS only; hand in "
            "the file itself, or have its host allowed.",
            param="url",
        )
    return address


def _is_safe(address: httpx.URL) -> bool:
    """By https and its own port, or on this machine by any; in nobody's name."""
    if not address.host or address.userinfo:
        return False
    if address.scheme == "http":
        return address.host in LOOPBACK
    return address.scheme == "https" and address.port is None
