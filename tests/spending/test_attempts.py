"""Orders as the records tell of them: what an invoice must have, or may."""

from decimal import Decimal

from governance.spending.attempts import Attempt, attempts
from tests.evidence.samples import MONEY, OTHERWISE, Body, released, told

ORDERED = released()[:5]


def order(*later: tuple[str, Body]) -> Attempt:
    """The one order of a generation that was sent and answered, after what came later."""
    (found,) = attempts(told([*ORDERED, *later]))
    return found


def test_one_that_is_under_way_need_not_be_billed_yet() -> None:
    assert (order().outcome, order().is_due) == ("sent", False)


def test_one_that_was_withdrawn_under_way_may_be_billed() -> None:
    withdrawn = order(("generation.ended", OTHERWISE["generation.ended"]))
    assert (withdrawn.outcome, withdrawn.amount) == ("unknown", Decimal("0.4000"))
    assert withdrawn.is_due


def test_until_somebody_says_that_it_cost_nothing() -> None:
    told = {**OTHERWISE["provider.resolved"], "outcome": "not_ordered", "cost": None}
    settled = order(
        ("generation.ended", OTHERWISE["generation.ended"]), ("provider.resolved", told)
    )
    assert (settled.outcome, settled.amount, settled.is_due) == ("failed", Decimal(0), False)


def test_one_whose_file_could_not_be_fetched_is_billed() -> None:
    failed = order(("provider.failed", {**OTHERWISE["provider.failed"], "cost": MONEY}))
    assert (failed.outcome, failed.amount, failed.is_due) == ("failed", Decimal("0.4000"), True)


def test_one_that_was_made_stays_made_when_its_generation_ends() -> None:
    made = attempts(told([*released()[:11], ("generation.ended", OTHERWISE["generation.ended"])]))
    assert [one.outcome for one in made] == ["made"]
