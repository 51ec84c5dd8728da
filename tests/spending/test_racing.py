"""Eight processes at once: whatever they ask, no budget is ever exceeded, nor wasted."""

import multiprocessing
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from governance.domain import Quote
from governance.kernel import ids
from governance.kernel.database import Database, Write
from governance.ledger import Ledger
from governance.spending import accounts, budgets
from tests.spending import racing
from tests.spending.racing import MILLION, Order
from tests.spending.samples import ADA, REQUEST, Treasury

PROCESSES = 8
PROJECTS = ("film", "game")


@pytest.fixture(scope="module")
def racers() -> Iterator[ProcessPoolExecutor]:
    """Forked from a process that has loaded everything once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.spending.racing"])
    barrier = context.Barrier(PROCESSES)
    with ProcessPoolExecutor(PROCESSES, context, racing.enter, (barrier,)) as pool:
        yield pool


@st.composite
def order(draw: st.DrawFn) -> Order:
    """Whose cost is unknown still, nothing, or at most what was set aside for it."""
    asked = draw(st.integers(1, 3 * MILLION))
    cost = draw(st.one_of(st.none(), st.integers(0, asked)))
    return draw(st.sampled_from(PROJECTS)), asked, cost


ROUND = st.lists(st.lists(order(), min_size=2, max_size=5), min_size=PROCESSES, max_size=PROCESSES)


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(orders=ROUND, whole=st.integers(0, 20), one=st.integers(0, 8))
def test_eight_processes_never_exceed_a_budget(
    racers: ProcessPoolExecutor,
    database: Database,
    ledger: Ledger,
    orders: list[list[Order]],
    whole: int,
    one: int,
) -> None:
    treasury, organisation = Treasury(database, ledger), ids.new_id("org")
    treasury.set("organisation", "total", str(whole), organisation=organisation)
    treasury.set("project/film", "total", str(one), organisation=organisation)

    rounds = [racers.submit(racing.spend, database.url, organisation, each) for each in orders]
    results = [each.result(60) for each in rounds]

    assert sum(exceeded for _, exceeded in results) == 0
    for standing in treasury.standings(organisation=organisation):
        assert standing.reserved + standing.spent <= standing.cap
    asked = [order for each in orders for order in each]
    if sum(amount for _, amount, _ in asked) <= min(whole, one) * MILLION:
        assert sum(won for won, _ in results) == len(asked)


def test_the_last_of_the_money_goes_to_exactly_as_many_as_it_lasts_for(
    racers: ProcessPoolExecutor, database: Database, ledger: Ledger
) -> None:
    treasury = Treasury(database, ledger)
    treasury.set("organisation", "total", "5")
    orders: list[Order] = [("film", 300_000, None), ("game", 300_000, 300_000)] * 3
    rounds = [racers.submit(racing.spend, database.url, "acme", orders) for _ in range(PROCESSES)]
    assert sum(each.result(60)[0] for each in rounds) == 16  # of 48: the 17th would exceed 5
    (standing,) = treasury.standings("organisation")
    assert standing.reserved + standing.spent == Decimal("4.8")


def test_who_reserves_in_another_order_than_somebody_else_is_paid_all_the_same(
    postgres_url: str, ledger: Ledger
) -> None:
    """One reservation locks its accounts in one order; several in one transaction do not."""
    both = threading.Barrier(2)
    with closing(Database(postgres_url)) as here, closing(Database(postgres_url)) as there:
        treasury = Treasury(here, ledger)
        for project in PROJECTS:
            treasury.set(f"project/{project}", "total", "10")
            treasury.reserve("1", project=project)
        crossed = ((here, PROJECTS), (there, PROJECTS[::-1]))
        asked = [
            future
            for database, (first, then) in crossed
            for future in in_one_transaction(database, ordering(first, both), ordering(then))
        ]
        assert [future.exception(30) for future in asked] == [None] * 4
        assert {standing.reserved for standing in treasury.standings()} == {Decimal(3)}


def ordering(project: str, meet: threading.Barrier | None = None) -> Write[None]:
    """Set money aside; then wait until somebody else has, too."""

    def run(connection: Connection) -> None:
        request = replace(REQUEST, project=project)
        budget = budgets.covering(connection, request, [ADA])
        accounts.reserve(connection, ids.new_id("gen"), Quote(Decimal(1)), budget)
        if meet is not None:
            meet.wait(10)

    return run


def in_one_transaction(database: Database, *writes: Write[None]) -> list[Future[None]]:
    """What queues up while the writer is busy is written together."""
    is_busy, gate = threading.Event(), threading.Event()

    def wait(_: Connection) -> None:
        is_busy.set()
        gate.wait(10)

    database._submit(wait)
    assert is_busy.wait(10)
    asked = [database._submit(write) for write in writes]
    gate.set()
    return asked
