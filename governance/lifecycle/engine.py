"""The embedded engine: delivers wake-ups to worker threads; holds no truth of its own.

`wake_at` in the table says what is due. A worker claims a generation by moving `wake_at` forward
(a lease); a duplicate, late or zombie worker loses the compare-and-swap and does nothing.

Two crews work side by side: a few threads for steps that keep this machine busy, many for steps
that mostly wait for a vendor, so that neither has to wait for the other.
"""

import errno
import fcntl
import logging
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import IO

from sqlalchemy import Connection

from governance.evidence.story import State, Story
from governance.kernel import clock
from governance.kernel.errors import Unavailable
from governance.lifecycle import stops, store
from governance.lifecycle.context import Context
from governance.lifecycle.outcome import Outcome
from governance.lifecycle.steps import AT_VENDORS, AT_WORK, Act, Step, step_of, wake_at
from governance.lifecycle.store import Held, Stale

MAX_FAILURES = 5
MAX_BACKOFF = 60.0
FULL_DISK_WAIT = 10.0
# An adapter bears 300 s of silence each while it connects, sends and waits for the answer. Whoever
# took an order over before then would call it unknown although its answer is on the way.
SUBMIT_LEASE = 1000.0
# Seconds between tries to commit an answer that nobody gives twice: a database is back by then.
COMMIT_WAITS = (0.2, 1.0, 2.0, 4.0, 8.0, 16.0)
IDLE = 1.0
ROUND = 0.02  # between two looks at what is due: what ends meanwhile is made up for at once
log = logging.getLogger(__name__)


class Crew:
    """Threads for the steps out of some states, and what they are at."""

    def __init__(self, name: str, threads: int, states: Collection[str]) -> None:
        self.states = states
        self.busy: set[str] = set()
        self.pool = ThreadPoolExecutor(threads, name)
        self._most = threads * 2  # nobody idles until the next look at what is due

    @property
    def room(self) -> int:
        return self._most - len(self.busy)


class Engine:
    """A loop over what is due. `housekeep` runs about once a minute."""

    def __init__(self, context: Context, housekeep: Callable[[], None] = lambda: None) -> None:
        self._context = context
        self._housekeep = housekeep
        settings = context.settings
        self._crews = (
            Crew("engine", settings.engine_threads, AT_WORK),
            Crew("vendors", settings.vendor_threads, AT_VENDORS),
        )
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._alive: IO[str] | None = None

    @property
    def running(self) -> bool:
        return self._thread.is_alive() and not self._stop.is_set()

    def start(self) -> None:
        """Take up what an earlier process left, then run until `stop`."""
        self._alive = _enter(self._context)
        self._thread.start()

    def stop(self) -> None:
        """Finish the steps under way, then end."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        for crew in self._crews:
            crew.pool.shutdown(wait=True, cancel_futures=True)
        if self._alive is not None:
            self._alive.close()

    def wake(self) -> None:
        """Look now: something has changed."""
        self._wake.set()

    def _run(self) -> None:
        kept_house = clock.now()
        while not self._stop.is_set():
            try:
                for crew in self._crews:
                    self._deliver(crew)
                if clock.now() - kept_house > timedelta(minutes=1):
                    kept_house = clock.now()
                    self._housekeep()
            except Exception:
                log.exception("engine round failed")
            if self._wake.wait(self._pause()):
                self._stop.wait(ROUND)
            self._wake.clear()

    def _deliver(self, crew: Crew) -> None:
        if crew.room <= 0:
            return
        with self._context.database.read() as session:
            ready = store.due(session, clock.now(), crew.states, crew.room + len(crew.busy))
        for generation in ready:
            if generation not in crew.busy and not self._stop.is_set():
                crew.busy.add(generation)
                crew.pool.submit(self._work, crew, generation)

    def _pause(self) -> float:
        """Seconds until something is due. A crew without room makes its own when it ends a step."""
        if any(crew.room <= 0 for crew in self._crews):
            return IDLE
        try:
            with self._context.database.read() as session:
                following = store.next_wake(session)
        except Exception:  # noqa: BLE001  the database may be away; the next round says so
            return IDLE
        if following is None:
            return IDLE
        return min(IDLE, max(ROUND, (following - clock.now()).total_seconds()))

    def _work(self, crew: Crew, generation: str) -> None:
        try:
            run_step(self._context, generation)
        except Exception:
            log.exception("step failed", extra={"generation": generation})
        finally:
            crew.busy.discard(generation)
            self._wake.set()


def run_step(context: Context, generation: str) -> bool:
    """Claim one due generation and run its step; False when there was nothing to do."""
    try:
        held = context.database.write(lambda c: _claim(c, context, generation))
        if held is None:
            return False
        step = step_of(held.story)
        if step is None or step.act is None:
            return False
        _run_claimed(context, held, step, step.act)
    except Stale:
        _discard(context, generation)
        return False
    return True


def _claim(connection: Connection, context: Context, generation: str) -> Held | None:
    """Take a due generation, unless a switch stops it: then it waits, however often it is due."""
    now = clock.now()
    until = now + timedelta(seconds=context.settings.lease)
    held = store.claim(connection, generation, now, until)
    if held is not None and stops.is_waiting(connection, held.story):
        _wait(connection, held)
        return None
    return held


def _wait(connection: Connection, held: Held) -> None:
    again = clock.now() + timedelta(seconds=stops.WAIT)
    store.postpone(connection, held, again, held.failures)


def _run_claimed(context: Context, held: Held, step: Step, act: Act) -> None:
    try:
        if step.intent is not None:
            intended = _commit_intent(context, held, step.intent(context, held.story))
            if intended is None:
                return
            held = intended
        _finish(context, held, act(context, held.story))
    except Stale:
        raise
    except Exception as error:
        log.exception("step failed", extra={"generation": held.story.id, "step": step.name})
        _fail(context, held, step, error)


def _finish(context: Context, held: Held, outcome: Outcome) -> None:
    if outcome.entries and held.story.state == State.SUBMITTING:
        _commit_answer(context, held, outcome)
        return
    if outcome.entries:
        context.database.write(lambda c: _commit(c, context, held, outcome))
        return
    again = clock.now() + timedelta(seconds=outcome.delay or IDLE)
    context.database.write(lambda c: store.postpone(c, held, again, 0))


def _commit_answer(context: Context, held: Held, outcome: Outcome) -> None:
    """Commit what became of an order, again if need be: it is known to this worker alone."""
    waits = iter(COMMIT_WAITS)
    while True:
        try:
            return context.database.write(lambda c: _commit(c, context, held, outcome))
        except Stale:
            raise
        except Exception:
            wait = next(waits, None)
            if wait is None:
                raise
            log.exception("answer not on record yet", extra={"generation": held.story.id})
            time.sleep(wait)


def _commit_intent(context: Context, held: Held, intent: Outcome) -> Held | None:
    """Commit what is about to happen; this worker's lease lasts until the vendor must have
    answered. None: it was stopped."""
    until = clock.now() + timedelta(seconds=max(SUBMIT_LEASE, context.settings.lease))

    def run(connection: Connection) -> Held | None:
        if stops.is_stopped(connection, held.story):
            _wait(connection, held)
            return None
        return store.advance(
            connection, context.ledger, held, intent.entries, lambda _: until, leased=True
        )

    return context.database.write(run)


def _commit(connection: Connection, context: Context, held: Held, outcome: Outcome) -> None:
    """Commit what a step found out, unless a switch was thrown meanwhile: then it runs again."""
    if stops.is_stopped(connection, held.story):
        _wait(connection, held)
        return

    def wake(story: Story) -> datetime | None:
        when = wake_at(story, context.settings)
        if when is None or outcome.delay is None:
            return when
        return clock.now() + timedelta(seconds=outcome.delay)

    store.advance(connection, context.ledger, held, outcome.entries, wake)
    outcome.also(connection)


def _fail(context: Context, held: Held, step: Step, error: Exception) -> None:
    """A step that raised: again later, and after MAX_FAILURES its record of giving up.

    A full disk is no fault of the step: it waits until there is room, however long that takes.
    """
    is_full = _is_full(error)
    failures = held.failures if is_full else held.failures + 1
    if failures >= MAX_FAILURES and step.gives_up is not None:
        outcome = Outcome((step.gives_up(held.story),))
        context.database.write(lambda c: _commit(c, context, held, outcome))
        return
    wait = FULL_DISK_WAIT if is_full else min(MAX_BACKOFF, 2.0**failures)
    again = clock.now() + timedelta(seconds=wait)
    context.database.write(lambda c: store.postpone(c, held, again, failures))


def _is_full(error: Exception) -> bool:
    is_refused = isinstance(error, Unavailable) and error.code == "disk_full"
    return is_refused or getattr(error, "errno", None) == errno.ENOSPC


def _discard(context: Context, generation: str) -> None:
    """A worker that lost may have brought files for a generation that was deleted meanwhile."""
    with context.database.read() as session:
        is_deleted = store.peek(session, generation).deleted
    if is_deleted:
        context.media.remove(generation)


def _enter(context: Context) -> IO[str]:
    """Be among the living engines of this data folder for as long as the stream is open.

    Whoever finds nobody there gives back what the dead had leased; unless engines of other machines
    may live on the same database: then each lease runs out.
    """
    context.settings.data_dir.mkdir(parents=True, exist_ok=True)
    stream = (context.settings.data_dir / "engine.lock").open("w")
    if context.database.is_local and _is_first(stream):
        context.database.write(lambda c: store.release_leases(c, clock.now()))
    fcntl.flock(stream, fcntl.LOCK_SH)  # waits while another one that starts gives leases back
    return stream


def _is_first(stream: IO[str]) -> bool:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
