"""Files of anybody's: taken in under limits, looked at, forgotten.

Nothing of a file stays: it lies under a name of ours in the staging folder until it has been looked
at, whatever becomes of the connection, and neither its name nor its digest is logged.
"""

import asyncio
import hashlib
import ipaddress
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.types import Message, Receive

from governance.api.calls import identify
from governance.api.limits import limited
from governance.api.rates import Rates
from governance.api.uploads import stated_digest, write_to
from governance.detection.looking import Progress
from governance.identity import sessions
from governance.identity.request_signature import EMPTY_SHA256, refused
from governance.kernel.errors import InvalidRequest, Unauthenticated, Unavailable
from governance.lifecycle.context import Context

T = TypeVar("T")
Task = Callable[[Path, Progress], T]

UPLOAD_SECONDS = 300.0
WAITING = 4  # files on the machine for each that is looked at
MOST_OF_ONE = 3  # files of one caller at once
RETRY_AFTER = 5  # seconds
STRANGERS = ".asked"  # files that nobody may keep, even after a crash
CREDENTIALS = ("authorization", "signature", "signature-input")
NETWORK = 64  # bits of an IPv6 address that belong to one customer


class Stopped(Exception):
    """Nobody waits for the result any more."""


class Looking(Generic[T]):
    """A file that is being looked at. `task` ends when the file is gone."""

    def __init__(self, begin: Callable[[Progress], asyncio.Task[T]]) -> None:
        self._loop = asyncio.get_running_loop()
        self._shares: asyncio.Queue[float | None] = asyncio.Queue()
        self._percent = -1
        self._is_stopped = False
        self.task = begin(self._tell)
        self.task.add_done_callback(lambda _: self._shares.put_nowait(None))

    async def shares(self) -> AsyncIterator[float]:
        """How much is done, 0 to 1, at every percent, until the end."""
        while (share := await self._shares.get()) is not None:
            yield share

    def stop(self) -> None:
        """Give up as soon as possible."""
        self._is_stopped = True

    def _tell(self, share: float) -> None:
        """Called in the thread that looks."""
        if self._is_stopped:
            raise Stopped
        if int(share * 100) != self._percent:
            self._percent = int(share * 100)
            self._loop.call_soon_threadsafe(self._shares.put_nowait, share)


class Intake:
    """How many files are looked at at once, and how many may wait for it."""

    def __init__(self, places: int) -> None:
        self._places = asyncio.Semaphore(places)
        self._reserved = asyncio.Semaphore(places)
        self._most = places * WAITING
        self._held: Counter[str] = Counter()
        self._under_way: set[Looking[Any]] = set()  # or nobody would hold their tasks

    async def look(self, request: Request, what: Task[T]) -> Looking[T]:
        """Take in the request's file and begin; what: run in a thread on the file.

        Raises Throttled, Unauthenticated, Unavailable (`detectors_busy`, `disk_full`), TooLarge,
        InvalidRequest (`file_missing`, `upload_too_slow`); then nothing is left of the file.
        """
        caller = await count(request)
        context: Context = request.app.state.context
        with ExitStack() as stack:
            stack.enter_context(self._admitted(caller))
            path = stack.enter_context(context.media.staging(STRANGERS))
            await _receive_in_time(request, path, context.settings.max_upload)
            kept = stack.pop_all()
        looking = Looking(lambda tell: asyncio.create_task(self._run(kept, path, what, tell)))
        self._under_way.add(looking)
        looking.task.add_done_callback(lambda _: self._ended(looking))
        return looking

    async def check(self, what: Callable[[], T]) -> T:
        """Do in a thread what somebody who is known asks for; it waits behind no stranger's file,
        and a slow host that files are fetched from takes no thread from everybody else."""
        async with self._reserved:
            return await run_in_threadpool(what)

    def stop(self) -> None:
        """Give up everything: the service ends."""
        for looking in self._under_way:
            looking.stop()

    async def _run(self, kept: ExitStack, path: Path, what: Task[T], tell: Progress) -> T:
        """Goes on to its end and clears up there, whoever still waits for it."""
        with kept:
            async with self._places:
                return await run_in_threadpool(what, path, tell)

    def _ended(self, looking: Looking[Any]) -> None:
        self._under_way.discard(looking)
        if not looking.task.cancelled():
            looking.task.exception()  # whoever waited has it; unasked for, it would be logged

    @contextmanager
    def _admitted(self, caller: str) -> Iterator[None]:
        if self._alike(caller) >= self._most or self._held[caller] >= MOST_OF_ONE:
            raise Unavailable(
                "detectors_busy",
                f"Too many files are being looked at; try again in {RETRY_AFTER} seconds.",
                retry_after=RETRY_AFTER,
            )
        self._held[caller] += 1
        try:
            yield
        finally:
            self._held[caller] -= 1
            self._held += Counter()  # drops callers with none

    def _alike(self, caller: str) -> int:
        """How many files are here of known callers, or of strangers: neither crowds out the other.

        The id of a principal has an underscore, an address has none.
        """
        return sum(held for who, held in self._held.items() if ("_" in who) == ("_" in caller))


async def count(request: Request) -> str:
    """Count the call, of a principal or of an address; returns whose it is.

    Raises Throttled, and what `identify` does.
    """
    if any(name in request.headers for name in CREDENTIALS) or sessions.COOKIE in request.cookies:
        try:
            call = await identify(request, stated_digest(request))
        except Unauthenticated:
            if any(name in request.headers for name in CREDENTIALS):
                raise
        else:  # the cookie of a session that has ended makes nobody known
            await call.spend()
            return call.principal.id
    rates: Rates = request.app.state.rates
    network = _network(request.client.host if request.client else "")
    rates.count_stranger(network)
    return network


def _network(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is None:
            return str(ipaddress.IPv6Network((int(ip), NETWORK), strict=False))
        ip = ip.ipv4_mapped  # or all of IPv4 would be one customer
    return str(ip)


async def _receive_in_time(request: Request, path: Path, limit: int) -> None:
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            await _receive(request, path, limit)
    except TimeoutError:
        raise InvalidRequest(
            "upload_too_slow",
            f"The file has to arrive within {UPLOAD_SECONDS:.0f} seconds; send it over a faster "
            "connection, or a part of it.",
        ) from None


async def _receive(request: Request, path: Path, limit: int) -> None:
    """The file of a request: its body, or the form field `file`."""
    digest = hashlib.sha256()
    pieces = _digested(limited(request, limit), digest)
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        sent = Request(request.scope, _again(pieces))
        async with sent.form(max_files=1, max_fields=4) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise _missing()
            await run_in_threadpool(write_to, path, file)
    else:
        with path.open("wb") as stream:
            async for piece in pieces:
                await run_in_threadpool(stream.write, piece)
    if not path.stat().st_size:
        raise _missing()
    if "signature" in request.headers:
        stated = stated_digest(request)
        if digest.digest() != (stated or EMPTY_SHA256):
            raise refused(
                "signature_digest", "The body does not have the digest that Content-Digest states."
            )


async def _digested(pieces: AsyncIterator[bytes], digest: Any) -> AsyncIterator[bytes]:
    async for piece in pieces:
        digest.update(piece)
        if piece:
            yield piece


def _again(pieces: AsyncIterator[bytes]) -> Receive:
    async def receive() -> Message:
        piece = await anext(pieces, b"")
        return {"type": "http.request", "body": piece, "more_body": bool(piece)}

    return receive


def _missing() -> InvalidRequest:
    return InvalidRequest(
        "file_missing", "Send the file as the body, or as form field `file`.", param="file"
    )
