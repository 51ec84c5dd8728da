"""What every HTTP client towards a vendor keeps, be it of httpx or of httpx2, which SDKs use.

Answers are asked for uncompressed, or a small one could become a large one here, and are read up to
a limit. Nothing of the environment goes out: it is the operator's, and the address may not be.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import httpx2

from governance.routing.account import Account
from governance.routing.addresses import pinning
from governance.routing.provider import FaultKind

UNPACKED = {"Accept-Encoding": "identity"}
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
)
_UNSENDABLE = (httpx.LocalProtocolError, httpx2.LocalProtocolError)


class Unwanted(httpx.ReadError, httpx2.ReadError):  # type: ignore[misc]  # twins
    """An answer that is not read to its end."""


class TooLarge(Unwanted):
    """An answer of more bytes than we take."""


class Packed(Unwanted):
    """An answer that we asked to have uncompressed, and is not."""


def hooks(
    account: Account, limit: int | None = None, error_limit: int | None = None
) -> dict[str, list[Callable[[Any], None]]]:
    """The `event_hooks` of a client. limit, error_limit: bytes of one answer, with and without
    success; None where the reader counts."""

    def bound(response: Any) -> None:
        response.stream = _Bounded(response, limit if response.is_success else error_limit)

    return {"request": pinning(account), "response": [bound]}


def forget_environment(client: Any, headers: Mapping[str, str]) -> None:
    """Undo what an SDK's client has taken from variables, such as `OPENAI_CUSTOM_HEADERS`."""
    client._custom_headers = dict(headers)  # there is no other way: each copy reads them again


def unsent(error: BaseException | None) -> FaultKind | None:
    """The fault of a request that certainly never left; None where it may have left."""
    if isinstance(error, _NEVER_SENT):
        return "unavailable"
    if isinstance(error, _UNSENDABLE):  # of what we send, only a key can be no header
        return "auth"
    if isinstance(error, UnicodeEncodeError):
        return "auth" if error.encoding == "ascii" else "invalid"
    return None


class _Bounded(httpx.SyncByteStream, httpx2.SyncByteStream):
    """A response's bytes, up to a limit. Raises TooLarge, Packed."""

    def __init__(self, response: Any, limit: int | None) -> None:
        self._stream = response.stream
        self._limit = limit
        self._is_packed = response.headers.get("content-encoding", "identity") != "identity"

    def __iter__(self) -> Iterator[bytes]:
        if self._is_packed:
            raise Packed("compressed though not asked to be")
        size = 0
        for chunk in self._stream:
            size += len(chunk)
            if self._limit is not None and size > self._limit:
                raise TooLarge(f"more than {self._limit} bytes")
            yield chunk

    def close(self) -> None:
        self._stream.close()
