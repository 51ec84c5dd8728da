"""Eight processes at once: whatever they ask, no budget is ever exceeded, nor wasted."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.kernel import ids
from governance.kernel.database import Database
from governance.ledger import Ledger
from tests.spending import racing
from tests.spending.racing import MILLION, Order
from tests.spending.samples import Treasury

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
