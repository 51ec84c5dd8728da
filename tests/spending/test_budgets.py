"""Budgets: whose spending they limit, in which period, and what they say when they are empty."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from freezegun import freeze_time

from governance.kernel.database import Database
from governance.kernel.errors import Conflict, Denied, InvalidRequest, NotFound
from governance.ledger import Ledger, read_stream
from tests.spending.samples import AGENT, PRODUCTION, Treasury

NIGHT = "2026-11-30T23:59:59Z"


@pytest.fixture
def treasury(database: Database, ledger: Ledger) -> Treasury:
    return Treasury(database, ledger)


def refused(treasury: Treasury, amount: str, **changes: object) -> Denied:
    with pytest.raises(Denied) as caught:
        treasury.reserve(amount, **changes)  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize(
    "scope",
    ["organisation", "project/film", f"principal/{AGENT}", f"production/{PRODUCTION}"],
)
def test_each_kind_of_budget_limits_what_is_asked_under_it(treasury: Treasury, scope: str) -> None:
    treasury.set(scope, "total", "10")
    asked = {"through": (AGENT,), "production": PRODUCTION}
    treasury.reserve("6", **asked)  # type: ignore[arg-type]
    assert treasury.left(scope) == 4
    error = refused(treasury, "4.01", **asked)
    assert error.code == "budget_exhausted"
    treasury.reserve("4", **asked)  # type: ignore[arg-type]
    assert treasury.left(scope) == 0


def test_others_are_not_concerned(treasury: Treasury) -> None:
    for scope in ("project/other", f"principal/{AGENT}", f"production/{PRODUCTION}"):
        treasury.set(scope, "total", "0")
    treasury.set("organisation", "total", "0", organisation="rival")
    treasury.reserve("100")


def test_one_that_is_empty_leaves_the_others_as_they_were(treasury: Treasury) -> None:
    treasury.set("organisation", "total", "100")
    treasury.set("project/film", "total", "5")
    refused(treasury, "6")
    assert treasury.left("organisation") == 100


def test_the_refusal_names_the_budget_what_is_left_and_when_it_renews(treasury: Treasury) -> None:
    with freeze_time(NIGHT):
        treasury.set("project/film", "day", "10")
        treasury.reserve("7.5")
        error = refused(treasury, "3")
    assert "project film for 2026-11-30 has 2.5 USD left of 10" in error.message
    assert error.details["left"] == "2.5"
    assert error.details["renews_at"] == "2026-12-01T00:00:00.000000Z"
    treasury.set(f"production/{PRODUCTION}", "total", "1")
    error = refused(treasury, "3", production=PRODUCTION)
    assert "renews never" in error.message
    assert error.details["renews_at"] is None


def test_a_day_ends_at_midnight_utc_and_a_month_with_its_last_day(treasury: Treasury) -> None:
    with freeze_time(NIGHT):
        treasury.set("project/film", "day", "10")
        treasury.set("organisation", "month", "10")
        treasury.reserve("10")
        refused(treasury, "0.01")
        month, day = treasury.standings()
        assert (month.period, month.renews_at) == ("month", datetime(2026, 12, 1, tzinfo=UTC))
        assert (day.period, day.renews_at) == ("day", datetime(2026, 12, 1, tzinfo=UTC))
    with freeze_time("2026-12-01T00:00:00Z"):
        treasury.reserve("6")
        assert [standing.left for standing in treasury.standings()] == [4, 4]
    with freeze_time("2026-12-02T00:00:00Z"):
        assert [standing.left for standing in treasury.standings()] == [4, 10]


def test_money_is_settled_where_it_was_set_aside_even_across_midnight(treasury: Treasury) -> None:
    with freeze_time(NIGHT):
        treasury.set("organisation", "day", "10")
        generation = treasury.reserve("10")
    with freeze_time("2026-12-01T00:00:01Z"):
        treasury.settle(generation, "4")
        assert treasury.left("organisation") == 10
    with freeze_time(NIGHT):
        (standing,) = treasury.standings("organisation")
        assert (standing.reserved, standing.spent) == (Decimal(0), Decimal(4))


def test_a_cap_below_what_is_spent_lets_nothing_more_through(treasury: Treasury) -> None:
    budget = treasury.set("organisation", "total", "10")
    generation = treasury.reserve("8")
    assert treasury.set("organisation", "total", "5") == budget
    (standing,) = treasury.standings()
    assert [standing.cap, standing.reserved, standing.left] == [5, 8, 0]
    assert refused(treasury, "0.000001").details["left"] == "0"
    treasury.settle(generation, "1")
    treasury.reserve("4")


def test_a_raised_cap_counts_what_was_spent_before(treasury: Treasury) -> None:
    treasury.set("organisation", "total", "10")
    treasury.reserve("10")
    treasury.set("organisation", "total", "12")
    refused(treasury, "2.5")
    treasury.reserve("2")


def test_what_costs_nothing_needs_no_money(treasury: Treasury) -> None:
    treasury.set("organisation", "day", "0")
    treasury.reserve("0")
    refused(treasury, "0.01")


def test_a_price_in_another_currency_does_not_fit(treasury: Treasury) -> None:
    treasury.set("organisation", "total", "10", currency="EUR")
    assert refused(treasury, "1").code == "budget_currency"
    treasury.reserve("1", currency="EUR")


def test_a_budget_keeps_its_currency(treasury: Treasury) -> None:
    budget = treasury.set("organisation", "total", "10")
    with pytest.raises(Conflict) as caught:
        treasury.set("organisation", "total", "10", currency="EUR")
    assert caught.value.code == "budget_currency_fixed"
    treasury.remove(budget)
    treasury.set("organisation", "total", "10", currency="EUR")


def test_a_removed_budget_limits_nothing_and_is_settled_all_the_same(treasury: Treasury) -> None:
    budget = treasury.set("organisation", "total", "1")
    generation = treasury.reserve("1")
    treasury.remove(budget)
    assert treasury.standings() == []
    treasury.reserve("100")
    treasury.settle(generation, "1")


def test_nobody_removes_anothers_budget(treasury: Treasury) -> None:
    budget = treasury.set("organisation", "total", "1")
    with pytest.raises(NotFound):
        treasury.remove(budget, "rival")
    assert treasury.standings(organisation="rival") == []


def test_every_change_is_on_record(treasury: Treasury) -> None:
    budget = treasury.set("project/film", "month", "12.50")
    treasury.remove(budget)
    with treasury.database.read() as session:
        changes = [record.body for record in read_stream(session, "service.acme")]
    assert [change["action"] for change in changes] == ["set", "removed"]
    for change in changes:
        assert change["budget"] == budget
        assert change["amount"] == {"amount": "12.5", "currency": "USD"}


@pytest.mark.parametrize(
    ("scope", "period", "amount", "currency", "param"),
    [
        ("project/", "day", "1", "USD", "scope"),
        ("everything", "day", "1", "USD", "scope"),
        ("principal/ada", "day", "1", "USD", "scope"),
        ("organisation", "year", "1", "USD", "period"),
        ("organisation", "day", "-1", "USD", "amount"),
        ("organisation", "day", "0.0000001", "USD", "amount"),
        ("organisation", "day", "1e12", "USD", "amount"),
        ("organisation", "day", "NaN", "USD", "amount"),
        ("organisation", "day", "Infinity", "USD", "amount"),
        ("organisation", "day", "1", "usd", "currency"),
    ],
)
def test_what_is_no_budget_is_refused_with_the_field(
    treasury: Treasury, scope: str, period: str, amount: str, currency: str, param: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        treasury.set(scope, period, amount, currency=currency)  # type: ignore[arg-type]
    assert caught.value.param == param


def test_amounts_are_exact(treasury: Treasury) -> None:
    treasury.set("organisation", "total", "0.3")
    for _ in range(3):
        treasury.reserve("0.1")
    assert treasury.left("organisation") == Decimal(0)
    refused(treasury, "0.000001")
