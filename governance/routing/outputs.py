"""Finished media from a vendor onto our disk: from known hosts, bounded, and what was ordered."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from governance.domain import Media
from governance.kernel import clock
from governance.routing import wire
from governance.routing.account import Account
from governance.routing.answers import sentence
from governance.routing.provider import Fault

DOWNLOAD_SECONDS = 600.0  # for one whole file
TIMEOUT = 60.0  # without a byte
NOBODY = Account()


def download(
    url: str,
    target: Path,
    limit: int,
    media: Media,
    hosts: Collection[str],
    base_url: str = "",
    account: Account = NOBODY,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Write what lies at a vendor's address to `target`, at most `limit` bytes.

    hosts: names that may be asked, `*.` before a name for all below it; base_url: our own address
    for the vendor, whose host may be asked as well; account: whose address that is, where it may
    not lead everywhere; headers: only for hosts that may see our key.
    Raises Fault and leaves no file: `unavailable` may pass, `gone` when it is no longer there,
    `internal` for anything else.
    """
    require_host(url, hosts, base_url)
    try:
        with (
            client(account, TIMEOUT) as http,
            http.stream("GET", url, headers=headers) as answer,
        ):
            _require_success(answer.status_code)
            save(answer.iter_bytes(), target, limit)
        require_media(target, media)
    except httpx.HTTPError:
        target.unlink(missing_ok=True)
        raise Fault("unavailable", sentence("unavailable")) from None
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def client(account: Account, timeout: float) -> httpx.Client:
    """For one download. No redirects: one could lead into our own network."""
    return httpx.Client(
        headers=wire.UNPACKED,
        timeout=timeout,
        follow_redirects=False,
        trust_env=False,
        event_hooks=wire.hooks(account),
    )


def require_host(url: str, hosts: Collection[str], base_url: str = "") -> None:
    """Raises Fault (`internal`) unless the address is on a host of the list, over TLS."""
    try:
        httpx.URL(url)  # it is what will be asked
        is_known = _is_own(url, base_url) or _is_listed(url, hosts)
    except (httpx.InvalidURL, ValueError):  # no host, no port, letters that no address has
        is_known = False
    if not is_known:
        raise Fault("internal", "The vendor's file lies on a host that is not on its list.")


def save(chunks: Iterable[bytes], target: Path, limit: int) -> None:
    """Raises Fault: `internal` past the limit, `unavailable` when it takes too long."""
    started = clock.now()
    size = 0
    with target.open("wb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise Fault("internal", f"The vendor's file is larger than {limit} bytes.")
            if (clock.now() - started).total_seconds() > DOWNLOAD_SECONDS:
                raise Fault("unavailable", "The vendor's file comes too slowly.")
            file.write(chunk)


def require_media(path: Path, media: Media) -> None:
    """Raises Fault (`internal`) for a file that begins like another kind of media."""
    if media_of(path) != media:
        raise Fault("internal", f"The vendor's file is not {media} of a kind that we take.")


def media_of(path: Path) -> Media | None:
    """What the file begins like; None for anything that we don't take."""
    with path.open("rb") as file:
        return _kind(file.read(16))


def _kind(head: bytes) -> Media | None:
    """By its first bytes: mp4, mov (ISO/IEC 14496-12 section 4.3), PNG, JPEG, WebP, WAVE, MP3."""
    if head[4:8] == b"ftyp":
        return "video"
    if head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")) or head[8:12] == b"WEBP":
        return "image"
    is_mp3 = head.startswith(b"ID3") or (head[:1] == b"\xff" and head[1:2] >= b"\xe0")
    return "audio" if is_mp3 or head[8:12] == b"WAVE" else None


def _is_own(url: str, base_url: str) -> bool:
    asked, own = urlsplit(url), urlsplit(base_url)
    return bool(base_url) and (asked.scheme, asked.netloc) == (own.scheme, own.netloc)


def _is_listed(url: str, hosts: Collection[str]) -> bool:
    """Raises ValueError."""
    asked = urlsplit(url)
    name = asked.hostname or ""
    is_listed = any(
        name == host or (host.startswith("*.") and name.endswith(host[1:])) for host in hosts
    )
    return asked.scheme == "https" and is_listed and asked.port in (None, 443)


def _require_success(status: int) -> None:
    if status == 200:
        return
    if status in (403, 404, 410):  # stores answer 403 for an address that has expired
        raise Fault("gone", sentence("gone", f"HTTP {status}"))
    if status in (401, 402, 429) or status >= 500:  # another key, and it is there
        raise Fault("unavailable", sentence("unavailable", f"HTTP {status}"))
    raise Fault("internal", sentence("internal", f"HTTP {status}"))
