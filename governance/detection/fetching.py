"""Fetches a copy of a released file from a host that the operator allows, and from no other."""

import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from governance.kernel.errors import InvalidRequest, TooLarge, Unavailable
from governance.kernel.settings import LOOPBACK, Settings

TIMEOUT = 30.0  # seconds without an answer
PATIENCE = 300.0  # seconds for all of it


def fetch(url: str, target: Path, settings: Settings) -> str:
    """Write what lies at `url` to `target`; returns the host. Redirects are not followed.

    Raises InvalidRequest (`host_not_allowed`, `copy_not_found`), TooLarge (`media_too_large`),
    Unavailable (`copy_unavailable`).
    """
    host = allowed_host(url, settings)
    deadline = time.monotonic() + PATIENCE
    try:
        with (
            httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client,
            client.stream("GET", url) as response,
            target.open("wb") as stream,
        ):
            if response.status_code != 200:
                raise InvalidRequest(
                    "copy_not_found",
                    f"The address answers {response.status_code}; name the file's own address, "
                    "without redirects.",
                    param="url",
                )
            for chunk in response.iter_bytes():
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
            "copy_unavailable", f"{host} gave no answer in time; try again later."
        ) from error
    return host


def allowed_host(url: str, settings: Settings) -> str:
    """The host of an address that may be fetched. Raises InvalidRequest (`host_not_allowed`)."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    if not is_safe or parts.username or host not in settings.check_hosts.split(","):
        raise InvalidRequest(
            "host_not_allowed",
            "Copies are fetched by https from the hosts in GOVERNANCE_CHECK_HOSTS only; hand in "
            "the file itself, or have its host allowed.",
            param="url",
        )
    return host
