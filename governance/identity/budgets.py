"""Money: set aside before it is spent, under every mandate and document at once or not at all.

An account is named by the digest of a hop or of an identity document; its cap is the grant's
`total`. Amounts are integers, millionths of the currency. A story's reservation is settled in the
transaction that records its cost, or its end without one.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from sqlalchemy import Connection, bindparam, delete, insert, select, text, update
from sqlmodel import Session

from governance.domain.grant import Grant
from governance.domain.principal import Principal
from governance.evidence import mandate
from governance.identity import documents, lineage
from governance.identity.denials import denied
from governance.identity.tables import Budget, BudgetReservation, Mandate

MILLION = 1_000_000

_ACCOUNTS = Budget.__table__  # type: ignore[attr-defined]
_HELD = BudgetReservation.__table__  # type: ignore[attr-defined]
_MANDATES = Mandate.__table__  # type: ignore[attr-defined]
_RESERVE = (
    update(_ACCOUNTS)
    .where(
        _ACCOUNTS.c.account == bindparam("of"),
        _ACCOUNTS.c.reserved + _ACCOUNTS.c.spent + bindparam("amount") <= _ACCOUNTS.c.cap,
    )
    .values(reserved=_ACCOUNTS.c.reserved + bindparam("amount"))
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
_COMPACT = select(_MANDATES.c.compact).where(_MANDATES.c.digest == bindparam("digest"))


@dataclass(frozen=True)
class Balance:
    """An account's state; what may still be spent is `cap - reserved - spent`."""

    currency: str
    cap: Decimal
    reserved: Decimal = Decimal(0)
    spent: Decimal = Decimal(0)


def reserve(connection: Connection, principal: Principal, generation: str, amount: Decimal) -> None:
    """Set `amount` aside for a caller's generation, on each of its accounts or on none.

    Raises Denied (`budget_exhausted`) naming the account, with the principal in its details; then
    nothing of the caller's transaction may remain.
    """
    asked = _millionths(amount, ROUND_CEILING)
    accounts = _accounts_of(connection, principal) if asked else ()
    for account in sorted(accounts):  # in one order everywhere, so nobody waits in a circle
        change = {"of": account, "amount": asked}
        if connection.execute(_RESERVE, change).rowcount:
            continue
        name = _open(connection, account)
        if not connection.execute(_RESERVE, change).rowcount:
            raise denied(
                principal,
                "budget_exhausted",
                f"The budget of {name} does not have {amount} left. Ask for a new mandate, or for "
                "something cheaper.",
                account=account,
            )
    rows = [{"generation": generation, "account": one, "amount": asked} for one in accounts]
    if rows:
        connection.execute(_HOLD, rows)


def settle(connection: Connection, generation: str, cost: Decimal | None) -> None:
    """The generation's cost is known: book it and let go of what was set aside.

    cost: zero where nothing was spent; None where all that was set aside counts as spent.
    """
    spent = None if cost is None else _millionths(cost, ROUND_CEILING)
    held = connection.execute(_HELD_FOR, {"generation": generation}).all()
    for account, amount in sorted((row.account, row.amount) for row in held):
        booked = amount if spent is None else spent
        connection.execute(_SETTLE, {"of": account, "amount": amount, "cost": booked})
    if held:
        connection.execute(_LET_GO, {"generation": generation})


def balance(session: Session, account: str, grant: Grant) -> Balance:
    """What was spent under a grant; before the first spending there is no account."""
    row = session.connection().execute(select(_ACCOUNTS).where(_ACCOUNTS.c.account == account))
    found = row.first()
    if found is None:
        return Balance(grant.currency, grant.total)
    amounts = (Decimal(n) / MILLION for n in (found.cap, found.reserved, found.spent))
    return Balance(found.currency, *amounts)


def _accounts_of(connection: Connection, principal: Principal) -> tuple[str, ...]:
    """The accounts under which a caller spends: its mandates', and those of the documents of all
    agents in its chain and of all that they come from."""
    if principal.grant is None:
        return ()
    members = lineage.line(connection, principal.chain)
    return (*principal.mandate, *(one.document for one in members if one.document is not None))


def _open(connection: Connection, account: str) -> str:
    """Make an account at its first use; what it is called."""
    compact = connection.execute(_COMPACT, {"digest": account}).scalar()
    if compact is None:
        name, limit = f"identity document {account}", documents.ceiling(connection, account)
    else:
        hop = mandate.read(compact)
        name, limit = f"mandate {hop.id}", Grant(**vars(hop.grant))
    cap = _millionths(limit.total, ROUND_FLOOR)
    connection.execute(_OPEN, {"account": account, "currency": limit.currency, "cap": cap})
    return name


def _millionths(amount: Decimal, rounding: str) -> int:
    return int((amount * MILLION).to_integral_value(rounding=rounding))
