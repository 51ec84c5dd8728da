"""The engine: leases, compare-and-swap, retries; several at once, and what a dead one leaves."""

import fcntl
import itertools
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TypeVar, cast

import pytest
from freezegun import freeze_time

from governance.evidence.story import State
from governance.kernel import clock
from governance.kernel.database import Database, Write
from governance.kernel.errors import IntegrityError
from governance.ledger import Ledger
from governance.lifecycle import commands, engine
from governance.lifecycle.context import Context
from governance.lifecycle.engine import MAX_FAILURES, Engine
from governance.routing import providers
from governance.routing.provider import Job, Order, Status
from governance.routing.router import Router
from tests.house import PICTURE, VENDOR_CLIP, House, small_policies
from tests.lifecycle.states import (
    Death,
    DyingAfterPost,
    Wrapped,
    provider_of,
    providing,
    wrapping,
)
from tests.platform import Service, counted, open_service

T = TypeVar("T")
PREFIX = f"{providers.__name__}."


@dataclass
class Counting(Wrapped):
    """Counts its calls; a poll takes a moment, so that two workers would meet in it."""

    calls: list[str] = field(default_factory=list)

    def submit(self, order: Order) -> tuple[Job, str]:
        self.calls.append("submit")
        return self.inner.submit(order)

    def poll(self, job: Job) -> Status:
        self.calls.append("poll")
        time.sleep(0.02)
        return self.inner.poll(job)


@dataclass
class Hanging(Wrapped):
    """What a test picks of it hangs, the first time, until it is let go."""

    entered: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    def hang(self) -> None:
        if not self.entered.is_set():
            self.entered.set()
            assert self.let_go.wait(10)


class Stalling(Hanging):
    """Its first poll hangs."""

    def poll(self, job: Job) -> Status:
        self.hang()
        return self.inner.poll(job)


class Pondering(Hanging):
    """It has taken the order, and takes its time to say so."""

    def submit(self, order: Order) -> tuple[Job, str]:
        answer = self.inner.submit(order)
        self.hang()
        return answer


class Broken(Wrapped):
    """An adapter with a fault of its own."""

    def poll(self, job: Job) -> Status:
        raise ZeroDivisionError


class Crashing(Router):
    """A router with a fault of its own."""

    def route(self, *_: object, **__: object) -> None:  # type: ignore[override]
        raise ZeroDivisionError


@pytest.fixture
def other(house: House) -> Iterator[Context]:
    """A second process on the same database and the same files."""
    database = Database(house.service.context.database.url)
    yield replace(house.service.context, database=database)
    database.close()


def test_nothing_runs_before_its_time(house: House, service: Service) -> None:
    generation = house.made(State.GENERATING, VENDOR_CLIP, "[[garbage]]")
    patient = service.configured(poll_interval=60)
    service.step(generation, patient)
    assert not engine.run_step(service.context, generation)


def test_a_step_that_is_under_way_elsewhere_is_left_alone(
    house: House, service: Service, other: Context
) -> None:
    stalling = Stalling(provider_of(service.context, "local"))
    first = providing(service.context, {"local": stalling})
    generation = house.made(State.GENERATING)
    service.hurry(generation)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(engine.run_step, first, generation)
        assert stalling.entered.wait(10)
        assert not engine.run_step(other, generation)
        stalling.let_go.set()
        assert slow.result(10)
    assert service.story(generation).state == State.FETCHED


def test_two_engines_on_one_database_run_each_step_once(
    house: House, service: Service, other: Context
) -> None:
    names = ("local", "openai-videos")
    counting = {name: Counting(provider_of(service.context, name)) for name in names}
    contexts = [providing(context, counting) for context in (service.context, other)]
    generations = [house.ask(VENDOR_CLIP if n % 2 else PICTURE) for n in range(4)]
    stop = threading.Event()

    def work(context: Context) -> int:
        taken = 0
        while not stop.is_set():
            taken += sum(engine.run_step(context, generation) for generation in generations)
        return taken

    with ThreadPoolExecutor(4) as pool:
        workers = [pool.submit(work, context) for context in contexts * 2]
        deadline = time.monotonic() + 30
        while any(service.story(g).state != State.RELEASED for g in generations):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        stop.set()
        assert sum(worker.result() for worker in workers) == 7 * len(generations)
    for generation in generations:
        events = service.events(generation)
        assert len(events) == 11
        assert counted(events, "provider.intended") == 1
    submitted = [call for each in counting.values() for call in each.calls if call == "submit"]
    polled = [call for each in counting.values() for call in each.calls if call == "poll"]
    assert len(submitted) == len(polled) == len(generations)


def test_a_worker_that_comes_back_after_its_lease_loses(
    house: House, service: Service, other: Context
) -> None:
    stalling = Stalling(provider_of(service.context, "local"))
    zombie = providing(service.configured(lease=0.01), {"local": stalling})
    generation = house.made(State.GENERATING)
    service.hurry(generation)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(engine.run_step, zombie, generation)
        assert stalling.entered.wait(10)
        time.sleep(0.02)
        assert engine.run_step(other, generation)
        fetched = service.events(generation)
        stalling.let_go.set()
        assert not slow.result(10)
    assert service.events(generation) == fetched
    assert service.run(generation).state == State.RELEASED


def test_a_requester_who_cancels_meanwhile_wins_over_the_worker(
    house: House, service: Service
) -> None:
    stalling = Stalling(provider_of(service.context, "openai-videos"))
    slow_context = providing(service.context, {"openai-videos": stalling})
    generation = house.made(State.GENERATING, VENDOR_CLIP)
    service.hurry(generation)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(engine.run_step, slow_context, generation)
        assert stalling.entered.wait(10)
        commands.cancel(service.context, generation, house.producer)
        stalling.let_go.set()
        assert not slow.result(10)
    assert service.story(generation).state == State.CANCELLED
    assert service.events(generation)[-1] == "generation.ended"


def test_what_a_late_worker_brings_for_a_deleted_generation_is_thrown_away(
    house: House, service: Service
) -> None:
    stalling = Stalling(provider_of(service.context, "openai-videos"))
    slow_context = providing(service.context, {"openai-videos": stalling})
    generation = house.made(State.GENERATING, VENDOR_CLIP, "[[no-cancel]]")
    service.hurry(generation)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(engine.run_step, slow_context, generation)
        assert stalling.entered.wait(10)
        commands.cancel(service.context, generation, house.producer)
        commands.delete(service.context, generation, house.producer)
        stalling.let_go.set()
        assert not slow.result(10)
    assert service.files(generation) == set()


def test_an_order_that_was_cancelled_before_its_intent_is_on_record_is_not_sent(
    house: House, service: Service
) -> None:
    generation = house.made(State.ROUTED, VENDOR_CLIP)

    def cancel() -> None:
        commands.cancel(service.context, generation, house.producer)

    service.hurry(generation)
    assert not engine.run_step(before_write(service.context, 2, cancel), generation)
    assert service.story(generation).state == State.CANCELLED
    assert house.vendor.posts(generation) == 0


def test_a_step_whose_record_cannot_be_written_has_not_happened_and_is_tried_again(
    house: House, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = house.made(State.FETCHED)
    before = service.events(generation)
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "append_all", refuse)
        assert service.step(generation).state == State.FETCHED
    assert service.events(generation) == before
    due = service.row(generation).wake_at
    assert due is not None
    assert 0 < (due - clock.now()).total_seconds() <= 2
    assert service.run(generation).state == State.RELEASED


def test_no_money_is_spent_while_the_intent_cannot_be_written(
    house: House, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = house.made(State.ROUTED, VENDOR_CLIP)
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "append_all", refuse)
        for _ in range(MAX_FAILURES - 1):
            assert service.step(generation).state == State.ROUTED
    assert house.vendor.posts(generation) == 0
    assert service.run(generation).state == State.RELEASED
    assert house.vendor.posts(generation) == 1


def test_an_answer_whose_record_cannot_be_written_at_once_is_not_lost(
    house: House, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "COMMIT_WAITS", (0.01, 0.01))
    generation = house.made(State.ROUTED, VENDOR_CLIP)
    service.hurry(generation)
    assert engine.run_step(before_write(service.context, 3, refuse), generation)
    assert service.story(generation).state == State.GENERATING
    assert "provider.unknown" not in service.events(generation)
    assert house.vendor.posts(generation) == 1


def test_an_answer_that_can_never_be_written_leaves_the_order_unknown(
    house: House, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "COMMIT_WAITS", (0.01, 0.01))
    generation = house.made(State.ROUTED, VENDOR_CLIP)
    service.hurry(generation)
    assert engine.run_step(before_write(service.context, (3, 4, 5), refuse), generation)
    assert service.story(generation).state == State.SUBMITTING
    assert service.step(generation).state == State.UNKNOWN
    assert house.vendor.posts(generation) == 1


def test_an_answer_for_which_somebody_else_was_faster_is_not_written_again(
    house: House, service: Service
) -> None:
    generation = house.made(State.ROUTED, VENDOR_CLIP)

    def recover() -> None:
        assert service.step(generation).state == State.UNKNOWN

    service.hurry(generation)
    late = before_write(service.context, (3, 4), recover)
    assert not engine.run_step(late, generation)
    assert service.events(generation)[-1] == "provider.unknown"


def test_nobody_takes_an_order_over_before_its_vendor_must_have_answered(
    house: House, service: Service
) -> None:
    pondering = Pondering(provider_of(service.context, "openai-videos"))
    slow_context = providing(service.context, {"openai-videos": pondering})
    generation = house.made(State.ROUTED, VENDOR_CLIP)
    service.hurry(generation)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(engine.run_step, slow_context, generation)
        assert pondering.entered.wait(10)
        with freeze_time(clock.now() + timedelta(seconds=3 * longest_silence()), tick=True):
            assert not engine.run_step(service.context, generation)
        pondering.let_go.set()
        assert slow.result(10)
    assert service.story(generation).state == State.GENERATING


def test_a_step_that_keeps_failing_before_any_order_ends_the_generation(
    house: House, service: Service
) -> None:
    generation = house.ask()
    crashing = replace(service.context, router=Crashing(**vars(service.context.router)))
    for _ in range(MAX_FAILURES - 1):
        assert service.step(generation, crashing).state == State.PERMITTED
    story = service.step(generation, crashing)
    assert story.state == State.FAILED
    assert story.ending == {"outcome": "failed", "code": "internal_error", "by": None}


def test_a_step_that_keeps_failing_after_the_order_holds_the_money(
    house: House, service: Service
) -> None:
    generation = house.made(State.GENERATING, VENDOR_CLIP)
    broken = wrapping(service.context, Broken)
    for _ in range(MAX_FAILURES - 1):
        assert service.step(generation, broken).state == State.GENERATING
    story = service.step(generation, broken)
    assert story.state == State.UNKNOWN
    assert story.held == {"amount": "0.05", "currency": "USD"}
    assert house.vendor.posts(generation) == 1


@pytest.fixture
def running(tmp_path: Path, database_url: str) -> Iterator[Service]:
    """A service of its own whose engine can be started."""
    service = open_service(
        tmp_path / "data", database_url, policies_dir=small_policies(tmp_path / "policies")
    )
    yield service
    service.close()


def test_the_engine_carries_everything_to_its_end(running: Service) -> None:
    caller = running.caller(running.person("producer"))
    early = [running.ask(PICTURE, caller).id for _ in range(3)]
    running.platform.engine.start()
    assert running.platform.engine.running
    late = [running.ask(PICTURE, caller).id for _ in range(3)]
    running.platform.engine.wake()
    for generation in (*early, *late):
        running.wait(generation, State.RELEASED)
    running.platform.engine.stop()
    assert not running.platform.engine.running


def test_a_vendor_that_does_not_answer_keeps_no_file_from_being_finished(
    running: Service,
) -> None:
    stalling = Stalling(provider_of(running.context, "local"))
    narrow = running.configured(engine_threads=1, vendor_threads=1)
    keeper = Engine(providing(narrow, {"local": stalling}))
    caller = running.caller(running.person("producer"))
    waiting, fetched = (running.ask(PICTURE, caller).id for _ in range(2))
    running.run(waiting, State.GENERATING)
    running.run(fetched, State.FETCHED)
    keeper.start()
    assert stalling.entered.wait(10)
    running.wait(fetched, State.RELEASED)
    assert running.story(waiting).state == State.GENERATING
    stalling.let_go.set()
    running.wait(waiting, State.RELEASED)
    keeper.stop()


@pytest.fixture
def orphan(running: Service) -> str:
    """A generation whose worker died after the order went out."""
    generation = running.ask(PICTURE, running.caller(running.person("producer"))).id
    running.run(generation, State.ROUTED)
    with pytest.raises(Death):
        engine.run_step(wrapping(running.context, DyingAfterPost), generation)
    return generation


def test_an_engine_takes_up_at_once_what_a_dead_one_had_leased(
    running: Service, orphan: str
) -> None:
    if not running.context.database.is_local:
        pytest.skip("nobody knows who is dead elsewhere")
    running.platform.engine.start()
    running.wait(orphan, State.RELEASED)


def test_where_engines_may_live_on_other_machines_a_lease_has_to_run_out(
    running: Service, orphan: str
) -> None:
    if running.context.database.is_local:
        pytest.skip("all engines are on this machine")
    running.platform.engine.start()
    assert running.row(orphan).leased
    running.hurry(orphan)
    running.wait(orphan, State.RELEASED)


def test_an_engine_leaves_the_leases_of_a_living_one_alone(running: Service, orphan: str) -> None:
    with (running.context.settings.data_dir / "engine.lock").open("w") as living:
        fcntl.flock(living, fcntl.LOCK_SH)
        running.platform.engine.start()
        assert running.row(orphan).leased
        running.platform.engine.stop()
    assert running.story(orphan).state == State.SUBMITTING


def test_the_engine_that_came_first_may_restart_while_another_is_at_an_order(
    running: Service,
) -> None:
    pondering = Pondering(provider_of(running.context, "local"))
    first, again = Engine(running.context), Engine(running.context)
    second = Engine(providing(running.context, {"local": pondering}))
    first.start()
    second.start()
    first.stop()
    generation = running.ask(PICTURE, running.caller(running.person("producer"))).id
    assert pondering.entered.wait(10)
    again.start()
    assert running.row(generation).leased
    pondering.let_go.set()
    running.wait(generation, State.RELEASED)
    again.stop()
    second.stop()
    assert counted(running.events(generation), "provider.submitted") == 1


def test_the_engine_keeps_house_now_and_then(running: Service) -> None:
    kept = threading.Event()
    keeper = Engine(running.context, housekeep=kept.set)
    with freeze_time(clock.now(), auto_tick_seconds=61):
        keeper.start()
        assert kept.wait(10)
        keeper.stop()


def before_write(
    context: Context, numbers: int | Collection[int], intrude: Callable[[], None]
) -> Context:
    """The context, where something else comes in before its writes of these numbers."""
    chosen = (numbers,) if isinstance(numbers, int) else numbers
    writes = itertools.count(1)

    class Door:
        read = context.database.read

        def write(self, run: Write[T]) -> T:
            if next(writes) in chosen:
                intrude()
            return context.database.write(run)

    return replace(context, database=cast(Database, Door()))


def longest_silence() -> float:
    """Seconds for which an adapter waits at most: to connect, to send, or to be answered."""
    modules = (import_module(found.name) for found in iter_modules(providers.__path__, PREFIX))
    return max(getattr(module, "TIMEOUT", 0.0) for module in modules)


def refuse(*_: object) -> None:
    """In place of `Ledger.append_all`, or before a write."""
    raise IntegrityError("record_refused", "The disk says no.")
