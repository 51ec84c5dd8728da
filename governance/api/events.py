"""`/v1/governance/generations/{id}/events`: what happens to a generation, as it happens.

Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), one for each
record. Its id is the record's place in the generation's stream, so a client that reconnects with
`Last-Event-ID` goes on where it was. One look at the database serves all who watch in a process.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from governance.api.calls import Spent
from governance.api.permissions import requires
from governance.api.presenting import PROGRESS
from governance.evidence.record import Record
from governance.evidence.story import ENDS, State, Story, apply
from governance.kernel.database import Database
from governance.kernel.errors import InvalidRequest, Throttled
from governance.ledger import read_stream
from governance.ledger.tables import LogStream
from governance.lifecycle.steps import WIRE

router = APIRouter(prefix="/v1/governance/generations", tags=["Governance"])
LOOK = 0.5  # seconds between two looks at the log
HEARTBEAT = 15.0  # seconds of silence after which a comment is sent
LONGEST = 600.0  # seconds; whoever wants to know more asks again, with the rights of then
MAX_EACH = 8  # open streams of one caller in one process
MAX_ALL = 512
log = logging.getLogger(__name__)
_HEADS = LogStream.__table__  # type: ignore[attr-defined]


class Watch:
    """Tells who waits that a stream has grown. Looks only while somebody waits."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._heads: dict[str, int] = {}
        self._open: Counter[str] = Counter()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def opened(self, caller: str, stream: str) -> Iterator[asyncio.Event]:
        """An event that is set when the stream has grown. Raises Throttled (`streams_open`)."""
        if self._open[caller] >= MAX_EACH or self._open.total() >= MAX_ALL:
            raise Throttled(
                "streams_open",
                f"At most {MAX_EACH} streams are open for one caller; close one first.",
                retry_after=10,
            )
        grown = asyncio.Event()
        self._open[caller] += 1
        self._waiting.setdefault(stream, set()).add(grown)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())
        try:
            yield grown
        finally:
            self._open[caller] -= 1
            self._waiting[stream].discard(grown)
            if not self._waiting[stream]:
                del self._waiting[stream]
                self._heads.pop(stream, None)

    async def records(self, stream: str) -> list[Record]:
        """All records of a stream, in order."""
        return await run_in_threadpool(self._read, stream)

    async def _look(self) -> None:
        while self._waiting:
            try:
                heads = await run_in_threadpool(self._read_heads, list(self._waiting))
            except Exception:  # the next look may find the database again
                log.exception("streams unreadable")
                heads = {}
            for stream, seq in heads.items():
                if stream in self._waiting and self._heads.get(stream) != seq:
                    self._heads[stream] = seq
                    for grown in self._waiting[stream]:
                        grown.set()
            await asyncio.sleep(LOOK)

    def _read_heads(self, streams: Sequence[str]) -> dict[str, int]:
        query = select(_HEADS.c.id, _HEADS.c.seq).where(_HEADS.c.id.in_(streams))
        with self._database.read() as session:
            return {row.id: row.seq for row in session.connection().execute(query)}

    def _read(self, stream: str) -> list[Record]:
        with self._database.read() as session:
            return read_stream(session, stream)


@router.get("/{generation}/events", response_class=StreamingResponse)
@requires("generation", "read", "generation")
async def watch_generation(generation: str, request: Request, call: Spent) -> Response:
    """Each record's event and the state that it led to, until the generation has come to its end.

    Ends with that, or after ten minutes: then reconnect. A client that has seen the end already is
    answered 204, which tells it to stop.
    """
    after = _last_seen(request)
    story = await call.story(generation)
    if story.state in ENDS and after >= story.records - 1:
        return Response(status_code=204)
    watch: Watch = request.app.state.watch
    with ExitStack() as stack:
        grown = stack.enter_context(watch.opened(call.principal.id, generation))
        return _Stream(_told(watch, grown, generation, after), stack.pop_all())


class _Stream(StreamingResponse):
    """Closes what belongs to it when it has been sent, or when nobody listens any more."""

    def __init__(self, content: AsyncIterator[bytes], closing: ExitStack) -> None:
        # Proxies must pass on each event at once.
        headers = {"x-accel-buffering": "no"}
        super().__init__(content, headers=headers, media_type="text/event-stream")
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._closing:
            await super().__call__(scope, receive, send)


async def _told(
    watch: Watch, grown: asyncio.Event, generation: str, after: int
) -> AsyncIterator[bytes]:
    """What the stream says from the record after `after` on, with a comment in long silences."""
    story, seen = Story(), -1
    end = asyncio.get_running_loop().time() + LONGEST
    yield b"retry: 2000\n\n"
    while True:
        grown.clear()
        for record in (await watch.records(generation))[seen + 1 :]:
            story, seen = apply(story, record), record.seq
            if seen > after:
                yield _event(story, record)
        left = end - asyncio.get_running_loop().time()
        if story.state in ENDS or left <= 0:
            return
        try:
            await asyncio.wait_for(grown.wait(), min(HEARTBEAT, left))
        except TimeoutError:
            yield b": nothing yet\n\n"


def _event(story: Story, record: Record) -> bytes:
    state = State(story.state)
    data = {
        "generation": story.id,
        "record": record.id,
        "event": record.event,
        "occurred_at": record.occurred_at,
        "state": story.state,
        "status": WIRE[state],
        "progress": PROGRESS.get(state, 0),
    }
    return b"id: %d\ndata: %b\n\n" % (record.seq, orjson.dumps(data))


def _last_seen(request: Request) -> int:
    """The `Last-Event-ID` of a client that comes again; -1 for one that has seen nothing."""
    given = request.headers.get("last-event-id", "")
    if not given:
        return -1
    if not (given.isascii() and given.isdigit() and len(given) <= 9):
        raise InvalidRequest(
            "last_event_id_invalid", "`Last-Event-ID` is the id of an event of this stream."
        )
    return int(given)
