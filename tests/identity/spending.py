"""One of several processes that spend under the same mandate at the same time."""

import sys
import time
from decimal import Decimal
from pathlib import Path

from governance.domain import GenerationRequest, Principal, Quote
from governance.domain.grant import Grant
from governance.kernel import clock, ids
from governance.kernel.database import Database
from governance.kernel.errors import Denied
from governance.lifecycle import funding
from governance.spending import accounts

REQUEST = GenerationRequest(
    organisation="acme",
    project="launch",
    media="video",
    model="auto",
    prompt="",
    seconds=4,
    width=640,
    height=360,
    territories=("EU",),
)


def attempt(database: Database, principal: Principal, amount: Decimal) -> bool:
    """Whether the money was set aside; every other time its cost is known at once."""
    generation = ids.new_id("gen")
    try:
        database.write(lambda c: funding.reserve(c, principal, REQUEST, generation, Quote(amount)))
    except Denied as error:
        assert error.code == "budget_exhausted"
        return False
    if int(generation[-1], 16) % 2:
        database.write(lambda c: accounts.settle(c, generation, amount))
    return True


def main(url: str, gate: str, count: int, person: str, agent: str, *mandate: str) -> None:
    """Say how often of `count` times 0.3 could be spent."""
    everything = Grant(("*",), ("*",), ("*",), ("*",), Decimal(9), Decimal(9), "USD", clock.now())
    chain = (person, agent)
    principal = Principal(
        "agent", agent, "acme", person, "A", chain, mandate=mandate, grant=everything
    )
    database = Database(url)
    say("ready")
    while not Path(gate).exists():
        time.sleep(0.001)
    won = sum(attempt(database, principal, Decimal("0.3")) for _ in range(count))
    database.close()
    say(won)


def say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
