"""Money: set aside before it is spent, on every account that is concerned or on none.

Amounts are integers, millionths of the currency. What was set aside for a generation is settled in
the transaction that records its cost, or its end without one; on the account where it was set
aside, whatever the day is by then.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from sqlalchemy import Connection, bindparam, delete, insert, select, text, update

from governance.domain import Budget, Quote
from governance.kernel import clock
from governance.kernel.errors import Denied
from governance.spending.tables import Account, Reservation

MILLION = 1_000_000
EXHAUSTED = "budget_exhausted"

_ACCOUNTS = Account.__table__  # type: ignore[attr-defined]
_HELD = Reservation.__table__  # type: ignore[attr-defined]
# The condition is judged by the database on the row that it locks: two at once cannot both fit.
_RESERVE = (
    update(_ACCOUNTS)
    .where(
        _ACCOUNTS.c.account == bindparam("of"),
        _ACCOUNTS.c.reserved + _ACCOUNTS.c.spent + bindparam("amount") <= bindparam("limit"),
    )
    .values(reserved=_ACCOUNTS.c.reserved + bindparam("amount"), cap=bindparam("limit"))
)
_SETTLE = (
    update(_ACCOUNTS)
    .where(_ACCOUNTS.c.account == bindparam("of"))
    .values(
        reserved=_ACCOUNTS.c.reserved - bindparam("amount"),
        spent=_ACCOUNTS.c.spent + bindparam("cost"),
    )
)
_OPEN = text(
    "INSERT INTO budget (account, currency, cap, reserved, spent)"
    " VALUES (:account, :currency, :cap, 0, 0) ON CONFLICT DO NOTHING"
)
_HOLD = insert(_HELD)
_HELD_FOR = select(_HELD.c.account, _HELD.c.amount).where(
    _HELD.c.generation == bindparam("generation")
)
_LET_GO = delete(_HELD).where(_HELD.c.generation == bindparam("generation"))
_BALANCES = select(_ACCOUNTS.c.account, _ACCOUNTS.c.reserved, _ACCOUNTS.c.spent).where(
    _ACCOUNTS.c.account.in_(bindparam("accounts", expanding=True))
)


@dataclass(frozen=True)
class Balance:
    """What is set aside and what is spent of one account."""

    reserved: Decimal = Decimal(0)
    spent: Decimal = Decimal(0)


def reserve(
    connection: Connection, generation: str, quote: Quote, budgets: Iterable[Budget]
) -> None:
    """Set a quote aside for a generation, on each of these accounts or on none.

    Raises Denied (`budget_exhausted`, `budget_currency`) naming the budget; then nothing of the
    caller's transaction may remain.
    """
    asked = millionths(quote.amount)
    concerned = {budget.account: budget for budget in budgets} if asked else {}
    for account in sorted(concerned):  # one order, so that single transactions never deadlock
        _reserve_on(connection, concerned[account], quote, asked)
    rows = [{"generation": generation, "account": one, "amount": asked} for one in concerned]
    if rows:
        connection.execute(_HOLD, rows)


def settle(connection: Connection, generation: str, cost: Decimal | None) -> None:
    """The generation's cost is known: book it and let go of what was set aside.

    cost: zero where nothing was spent; None where all that was set aside counts as spent.
    """
    spent = None if cost is None else millionths(cost)
    held = connection.execute(_HELD_FOR, {"generation": generation}).all()
    for account, amount in sorted((row.account, row.amount) for row in held):
        booked = amount if spent is None else spent
        connection.execute(_SETTLE, {"of": account, "amount": amount, "cost": booked})
    if held:
        connection.execute(_LET_GO, {"generation": generation})


def balances(connection: Connection, accounts: Collection[str]) -> dict[str, Balance]:
    """The balance of each account; before its first spending an account is empty."""
    rows = connection.execute(_BALANCES, {"accounts": list(accounts)})
    known = {row.account: Balance(_decimal(row.reserved), _decimal(row.spent)) for row in rows}
    return {account: known.get(account, Balance()) for account in accounts}


def left(connection: Connection, budgets: Iterable[Budget]) -> Decimal | None:
    """The most that may still be set aside on all of these at once; None without any."""
    concerned = {budget.account: budget for budget in budgets}
    if not concerned:
        return None
    found = balances(connection, list(concerned))
    return min(remaining(budget, found[account]) for account, budget in concerned.items())


def remaining(budget: Budget, balance: Balance) -> Decimal:
    """What is left of a budget; nothing where its cap was lowered below what is spent."""
    return max(budget.cap - balance.reserved - balance.spent, Decimal(0))


def millionths(amount: Decimal) -> int:
    """Of what is spent: rounded up, against the spender."""
    return int((amount * MILLION).to_integral_value(ROUND_CEILING))


def _reserve_on(connection: Connection, budget: Budget, quote: Quote, asked: int) -> None:
    if quote.currency != budget.currency:
        raise Denied(
            "budget_currency",
            f"The budget of {budget.title} is in {budget.currency}, the price in {quote.currency}; "
            "choose a model that is priced in the budget's currency.",
            account=budget.account,
        )
    cap = int((budget.cap * MILLION).to_integral_value(ROUND_FLOOR))
    change = {"of": budget.account, "amount": asked, "limit": cap}
    if connection.execute(_RESERVE, change).rowcount:
        return
    opened = {"account": budget.account, "currency": budget.currency, "cap": cap}
    connection.execute(_OPEN, opened)
    if not connection.execute(_RESERVE, change).rowcount:
        raise _exhausted(connection, budget, quote)


def _exhausted(connection: Connection, budget: Budget, quote: Quote) -> Denied:
    rest = remaining(budget, balances(connection, [budget.account])[budget.account])
    renews = budget.renews and clock.rfc3339(budget.renews)
    return Denied(
        EXHAUSTED,
        f"The budget of {budget.title} has {rest:f} {budget.currency} left of {budget.cap:f}, and "
        f"this takes {quote.amount:f}. It renews {f'at {renews}' if renews else 'never'}. Ask for "
        "a larger one, or for something cheaper.",
        account=budget.account,
        left=f"{rest:f}",
        currency=budget.currency,
        renews_at=renews,
    )


def _decimal(amount: int) -> Decimal:
    return Decimal(amount) / MILLION
