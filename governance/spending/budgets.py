"""What people allow to be spent: per organisation, project, principal or production, in a day, in a
month, or in all.

A principal's budget counts whatever is asked through it: by it, by agents that act for it, and by
agents that come from it. Days and months begin at midnight UTC; a request belongs to the one in
which it is decided on. A budget counts from when it was set; a production's in all goes on
counting where it was, however often it is taken away and set again.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, get_args

from sqlalchemy import Connection, bindparam, delete, select, text
from sqlmodel import Session

from governance.domain import Budget, GenerationRequest
from governance.kernel import clock, ids
from governance.kernel.errors import Conflict, InvalidRequest, NotFound
from governance.ledger import SERVICE, Entry, Ledger
from governance.spending import accounts
from governance.spending.accounts import MILLION
from governance.spending.tables import Limit

Period = Literal["day", "month", "total"]
ORGANISATION = "organisation"
MAX_AMOUNT = Decimal(10) ** 12
SCOPE = re.compile(
    r"organisation|project/[a-z0-9][a-z0-9._-]{0,63}"
    r"|principal/(agt|svc|usr)_[0-9a-f]{32}|production/[a-z]{2,6}_[0-9a-f]{32}"
)
_CURRENCY = re.compile(r"[A-Z]{3}")
_LIMITS = Limit.__table__  # type: ignore[attr-defined]
_COVERING = select(_LIMITS).where(
    _LIMITS.c.organisation == bindparam("organisation"),
    _LIMITS.c.scope.in_(bindparam("scopes", expanding=True)),
)
_SET = text(
    "INSERT INTO budget_limit (id, organisation, scope, period, cap, currency)"
    " VALUES (:id, :organisation, :scope, :period, :cap, :currency)"
    " ON CONFLICT (organisation, scope, period) DO UPDATE SET cap = excluded.cap"
    " RETURNING id, currency"
)


@dataclass(frozen=True)
class Standing:
    """A budget as it stands now. reserved, spent: in its present period; left: never below zero;
    renews_at: when the next period begins, None for a total."""

    id: str
    scope: str
    period: Period
    currency: str
    cap: Decimal
    reserved: Decimal
    spent: Decimal
    left: Decimal
    renews_at: datetime | None


def set_budget(
    connection: Connection,
    ledger: Ledger,
    *,
    organisation: str,
    scope: str,
    period: Period,
    amount: Decimal,
    currency: str = "USD",
    by: str,
) -> str:
    """Set a budget, or change how much it is; its id. Records `budget.changed`.

    It holds for the next request on. Below what is spent already nothing more fits.
    Raises InvalidRequest (`budget_scope_invalid`, `budget_period_invalid`,
    `budget_amount_invalid`, `budget_currency_invalid`), Conflict (`budget_currency_fixed`).
    """
    _require_valid(scope, period, amount, currency)
    row = {
        "id": _id_of(scope, period, currency),
        "organisation": organisation,
        "scope": scope,
        "period": period,
        "cap": int(amount * MILLION),
        "currency": currency,
    }
    kept = connection.execute(_SET, row).one()
    if kept.currency != currency:
        raise Conflict(
            "budget_currency_fixed",
            f"This budget is kept in {kept.currency}. Remove it first to keep one in {currency}.",
        )
    _record(connection, ledger, {**row, "id": kept.id}, "set", by)
    return str(kept.id)


def remove_budget(
    connection: Connection, ledger: Ledger, budget: str, *, organisation: str, by: str
) -> None:
    """Limit it no longer; what is set aside is settled all the same. Records `budget.changed`.

    Raises NotFound (`budget_unknown`).
    """
    own = (_LIMITS.c.id == budget) & (_LIMITS.c.organisation == organisation)
    removed = connection.execute(delete(_LIMITS).where(own).returning(_LIMITS)).mappings().first()
    if removed is None:
        raise NotFound("budget_unknown", f"Your organisation has set no budget {budget}.")
    _record(connection, ledger, removed, "removed", by)


def limit_of(connection: Connection, organisation: str, scope: str, period: Period) -> str | None:
    """The id of the budget that is set there; None where there is none."""
    query = select(_LIMITS.c.id).where(
        _LIMITS.c.organisation == organisation,
        _LIMITS.c.scope == scope,
        _LIMITS.c.period == period,
    )
    found: str | None = connection.execute(query).scalar()
    return found


def covering(
    connection: Connection, request: GenerationRequest, principals: Iterable[str]
) -> list[Budget]:
    """The budgets out of which a request is paid that is decided on now.

    principals: everybody through whom it is asked.
    """
    scopes = [ORGANISATION, f"project/{request.project}"]
    scopes += [f"principal/{one}" for one in sorted(principals)]
    if request.production is not None:
        scopes.append(f"production/{request.production}")
    asked = {"organisation": request.organisation, "scopes": scopes}
    now = clock.now()
    return [_budget(row, now) for row in connection.execute(_COVERING, asked)]


def standings(
    session: Session, organisation: str, *, scopes: Collection[str] | None = None
) -> list[Standing]:
    """An organisation's budgets as they stand now, by scope and period; scopes: None for all."""
    query = select(_LIMITS).where(_LIMITS.c.organisation == organisation)
    if scopes is not None:
        query = query.where(_LIMITS.c.scope.in_(scopes))
    connection, now = session.connection(), clock.now()
    rows = connection.execute(query.order_by(_LIMITS.c.scope, _LIMITS.c.period)).all()
    return _standings(connection, [(row, _budget(row, now)) for row in rows])


def _id_of(scope: str, period: Period, currency: str) -> str:
    """A production's own in all keeps its id, and so its account: nobody spends it twice by taking
    it away in between. An account is kept in one currency."""
    if period != "total" or not scope.startswith("production/"):
        return ids.new_id("bud")
    digest = hashlib.sha256(f"{scope} {currency}".encode()).hexdigest()
    return f"bud_{digest[:32]}"


def _standings(connection: Connection, rows: Sequence[tuple[Any, Budget]]) -> list[Standing]:
    found = accounts.balances(connection, [budget.account for _, budget in rows])
    return [
        Standing(
            row.id,
            row.scope,
            row.period,
            budget.currency,
            budget.cap,
            (balance := found[budget.account]).reserved,
            balance.spent,
            accounts.remaining(budget, balance),
            budget.renews,
        )
        for row, budget in rows
    ]


def _budget(row: Any, now: datetime) -> Budget:
    """The account on which a limit is kept at this moment."""
    period, renews = _window(row.period, now)
    return Budget(
        account=f"{row.id}/{period}" if period else row.id,
        cap=Decimal(row.cap) / MILLION,
        currency=row.currency,
        title=_title(row.scope) + (f" for {period}" if period else ""),
        renews=renews,
    )


def _window(period: Period, now: datetime) -> tuple[str, datetime | None]:
    """What a period is called in which a moment lies, and when the next one begins."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "day":
        return f"{now:%Y-%m-%d}", midnight + timedelta(days=1)
    if period == "month":
        return f"{now:%Y-%m}", (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
    return "", None


def _title(scope: str) -> str:
    return "the organisation" if scope == ORGANISATION else scope.replace("/", " ", 1)


def _require_valid(scope: str, period: str, amount: Decimal, currency: str) -> None:
    if not SCOPE.fullmatch(scope):
        raise InvalidRequest(
            "budget_scope_invalid",
            "A scope is `organisation`, `project/<name>`, `principal/<id>` or `production/<id>`.",
            param="scope",
        )
    if period not in get_args(Period):
        raise InvalidRequest(
            "budget_period_invalid", "A period is day, month or total.", param="period"
        )
    if not amount.is_finite() or not 0 <= amount < MAX_AMOUNT or amount * MILLION % 1:
        raise InvalidRequest(
            "budget_amount_invalid",
            "An amount is not negative and has at most 12 digits before the point and 6 after it.",
            param="amount",
        )
    if not _CURRENCY.fullmatch(currency):
        raise InvalidRequest(
            "budget_currency_invalid",
            "A currency is named by three letters, such as USD.",
            param="currency",
        )


def _record(connection: Connection, ledger: Ledger, row: Any, action: str, by: str) -> None:
    amount = {"amount": f"{Decimal(row['cap']) / MILLION:f}", "currency": row["currency"]}
    body = {
        "action": action,
        "budget": row["id"],
        "organisation": row["organisation"],
        "scope": row["scope"],
        "period": row["period"],
        "amount": amount,
        "by": by,
    }
    ledger.append(connection, Entry(SERVICE, "budget.changed", body))
