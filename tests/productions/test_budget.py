"""A production's own budget: one account for as long as the production lives."""

import pytest

from governance.kernel.database import Database
from governance.kernel.errors import Denied
from governance.ledger import Ledger
from tests.spending.samples import PRODUCTION, Treasury

SCOPE = f"production/{PRODUCTION}"


@pytest.fixture
def treasury(database: Database, ledger: Ledger) -> Treasury:
    return Treasury(database, ledger)


def test_what_is_spent_stays_spent_when_it_is_taken_away_and_set_again(treasury: Treasury) -> None:
    budget = treasury.set(SCOPE, "total", "0.05")
    treasury.settle(treasury.reserve("0.05", production=PRODUCTION), "0.05")
    treasury.remove(budget)
    assert treasury.set(SCOPE, "total", "0.05") == budget
    with pytest.raises(Denied) as caught:
        treasury.reserve("0.01", production=PRODUCTION)
    assert caught.value.code == "budget_exhausted"


def test_in_another_currency_it_is_another_account(treasury: Treasury) -> None:
    treasury.remove(treasury.set(SCOPE, "total", "5"))
    treasury.set(SCOPE, "total", "5", currency="EUR")
    treasury.reserve("5", currency="EUR", production=PRODUCTION)


def test_a_budget_of_a_day_counts_from_when_it_was_set(treasury: Treasury) -> None:
    budget = treasury.set(SCOPE, "day", "1")
    treasury.reserve("1", production=PRODUCTION)
    treasury.remove(budget)
    treasury.set(SCOPE, "day", "1")
    treasury.reserve("1", production=PRODUCTION)
