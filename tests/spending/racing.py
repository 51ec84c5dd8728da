"""One of several processes that spend out of the same budgets at the same time."""

from dataclasses import replace
from decimal import Decimal
from multiprocessing.synchronize import Barrier

from governance.domain import Quote
from governance.kernel import ids
from governance.kernel.database import Database
from governance.kernel.errors import Denied
from governance.spending import accounts, budgets
from tests.spending.samples import ADA, REQUEST

# project, what is asked, what it costs in the end (None while nobody knows); millionths
Order = tuple[str, int, int | None]
MILLION = 1_000_000
_together: list[Barrier] = []


def enter(barrier: Barrier) -> None:
    """Begin a process: all of them start each round at once."""
    _together.append(barrier)


def spend(url: str, organisation: str, orders: list[Order]) -> tuple[int, int]:
    """How many orders fitted, and how often a budget was seen exceeded."""
    database = Database(url)
    _together[0].wait(30)
    won = exceeded = 0
    try:
        for project, asked, cost in orders:
            won += _spend(database, organisation, project, asked, cost)
            with database.read() as session:
                found = budgets.standings(session, organisation)
            exceeded += sum(one.reserved + one.spent > one.cap for one in found)
    finally:
        database.close()
    return won, exceeded


def _spend(
    database: Database, organisation: str, project: str, asked: int, cost: int | None
) -> bool:
    request = replace(REQUEST, organisation=organisation, project=project)
    generation, quote = ids.new_id("gen"), Quote(Decimal(asked) / MILLION)
    try:
        database.write(
            lambda c: accounts.reserve(c, generation, quote, budgets.covering(c, request, [ADA]))
        )
    except Denied as error:
        assert error.code == accounts.EXHAUSTED
        return False
    if cost is not None:
        spent = Decimal(cost) / MILLION
        database.write(lambda c: accounts.settle(c, generation, spent))
    return True
