"""Money under mandates: never more than the cap, on every account above it or on none."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from governance.domain import Principal, Quote
from governance.evidence import mandate
from governance.identity import budgets
from governance.kernel import ids
from governance.kernel.errors import Denied
from governance.lifecycle import funding
from governance.spending import accounts
from governance.spending.accounts import Balance
from tests.documents import ANYTHING
from tests.identity.conftest import House
from tests.identity.delegating import FIRST, SECOND, THIRD, Line, handed_on
from tests.identity.forging import AGENT, Draft
from tests.identity.spending import REQUEST

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def line(house: House) -> Line:
    return Line.open(house)


def reserve(line: Line, principal: Principal, amount: str) -> str:
    generation = ids.new_id("gen")
    quote = Quote(Decimal(amount))
    line.house.database.write(lambda c: funding.reserve(c, principal, REQUEST, generation, quote))
    return generation


def settle(line: Line, generation: str, cost: str | None) -> None:
    spent = None if cost is None else Decimal(cost)
    line.house.database.write(lambda c: accounts.settle(c, generation, spent))


def balances(line: Line, chain: str) -> list[Balance]:
    digests = [mandate.read(hop).digest for hop in mandate.split(chain)]
    with line.house.database.read() as session:
        found = accounts.balances(session.connection(), digests)
    return [found[digest] for digest in digests]


def worker(line: Line, **narrowed: str) -> tuple[str, Principal]:
    """Under Ada's 20 and the lead's narrower budget."""
    chain = line.chain(**narrowed)
    return chain, line.ask(chain).principal


def test_what_is_set_aside_counts_under_every_mandate_above(line: Line) -> None:
    chain, caller = worker(line, total="8")
    reserve(line, caller, "3")
    assert [balance.reserved for balance in balances(line, chain)] == [3, 3]
    with line.house.database.read() as session:
        concerned = budgets.covering(session.connection(), caller)
    assert [budget.cap for budget in concerned][:2] == [20, 8]


def test_an_exhausted_budget_is_named_and_leaves_nothing_behind(line: Line) -> None:
    chain, caller = worker(line, total="4")
    reserve(line, caller, "3")
    with pytest.raises(Denied) as caught:
        reserve(line, caller, "1.01")
    assert caught.value.code == "budget_exhausted"
    assert mandate.read(mandate.split(chain)[1]).id in caught.value.message
    assert caught.value.details["principal"] == line.worker
    assert [balance.reserved for balance in balances(line, chain)] == [3, 3]
    reserve(line, caller, "1")


def test_siblings_share_what_is_above_them(line: Line) -> None:
    first, _ = worker(line)
    root = mandate.split(first)[0]
    callers = [
        line.ask(handed_on(root, FIRST, line.worker, SECOND, total="15")).principal
        for _ in range(2)
    ]
    reserve(line, callers[0], "15")
    with pytest.raises(Denied) as caught:
        reserve(line, callers[1], "6")
    assert mandate.read(root).id in caught.value.message
    reserve(line, callers[1], "5")


@pytest.mark.parametrize(
    ("cost", "spent"), [("2.5", "2.5"), ("0", "0"), (None, "3"), ("3.000001", "3.000001")]
)
def test_settling_books_the_cost_and_lets_go_of_the_rest(
    line: Line, cost: str | None, spent: str
) -> None:
    chain, caller = worker(line)
    generation = reserve(line, caller, "3")
    settle(line, generation, cost)
    settle(line, generation, cost)
    for balance in balances(line, chain):
        assert (balance.reserved, balance.spent) == (Decimal(0), Decimal(spent))


def test_fractions_are_rounded_against_the_spender(line: Line) -> None:
    chain, caller = worker(line)
    reserve(line, caller, "0.0000001")
    assert [balance.reserved for balance in balances(line, chain)] == [Decimal("0.000001")] * 2


def test_what_costs_nothing_needs_no_account(line: Line) -> None:
    chain, caller = worker(line, total="0")
    reserve(line, caller, "0")
    assert [balance.reserved for balance in balances(line, chain)] == [0, 0]


def test_an_agent_without_a_mandate_spends_under_its_document(house: House) -> None:
    house.agent(key=AGENT, ceiling={**ANYTHING, "total": "2"})
    caller = house.authenticate(Draft().sign()).principal
    line = Line(house, "", "")
    reserve(line, caller, "2")
    with pytest.raises(Denied, match="identity document"):
        reserve(line, caller, "0.01")


def of_depth(depth: int, parent: str | None = None) -> dict[str, object]:
    return {"parent": parent, "ephemeral": False, "max_depth": depth}


def test_agents_share_the_ceiling_of_what_they_come_from(house: House) -> None:
    """However many children an agent has, they spend no more together than it may alone."""
    small = {**ANYTHING, "total": "5"}
    first = house.agent(key=AGENT, ceiling=small, lineage=of_depth(2))
    second = house.agent(key=FIRST, ceiling=small, lineage=of_depth(1, first))
    house.agent(key=SECOND, ceiling=small, lineage=of_depth(0, second))
    house.agent(key=THIRD, ceiling=small, lineage=of_depth(0, second))
    line = Line(house, "", "")
    grandchild, sibling = (
        house.authenticate(Draft(key=key).sign()).principal for key in (SECOND, THIRD)
    )
    generation = reserve(line, grandchild, "4")
    with pytest.raises(Denied) as caught:
        reserve(line, sibling, "1.01")
    assert caught.value.code == "budget_exhausted"
    reserve(line, sibling, "1")
    settle(line, generation, "0")
    reserve(line, sibling, "4")


def test_a_mandate_is_spent_under_what_its_agents_come_from(house: House) -> None:
    small = {**ANYTHING, "total": "2"}
    parent = house.agent(key=AGENT, ceiling=small)
    line = Line(house, "", house.agent(key=SECOND, ceiling=small, parent=parent))
    issued = line.issue(line.worker, total="2", per_call="2").compact
    reserve(line, line.ask(issued).principal, "2")
    with pytest.raises(Denied, match="identity document"):
        reserve(line, house.authenticate(Draft(key=AGENT).sign()).principal, "0.01")


def test_three_racing_processes_never_exceed_the_cap(line: Line, tmp_path: Path) -> None:
    chain, caller = worker(line, total="10")
    gate = tmp_path / "go"
    url, count = line.house.database.url, 20
    who = (caller.accountable, caller.id, *caller.mandate)
    command = [sys.executable, "-m", "tests.identity.spending", url, str(gate), str(count), *who]
    racers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
        for _ in range(3)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    gate.touch()
    won = sum(int(racer.communicate(timeout=60)[0]) for racer in racers)
    assert won == 33  # of 60 times 0.3: the 34th would exceed 10
    for balance in balances(line, chain):
        assert balance.reserved + balance.spent == Decimal("9.9")
        assert balance.spent > 0
