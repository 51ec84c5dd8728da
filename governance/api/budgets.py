"""`/v1/governance/budgets`: how much may be spent, on what and in which time; and what is left."""

from decimal import Decimal
from typing import Any

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from sqlalchemy import Connection

from governance.api.calls import Spent
from governance.api.limits import LimitedRoute
from governance.api.permissions import requires
from governance.api.requests import Body
from governance.kernel import clock
from governance.lifecycle import funding
from governance.spending import budgets
from governance.spending.budgets import Period, Standing

router = APIRouter(prefix="/v1/governance/budgets", tags=["Spending"], route_class=LimitedRoute)


class BudgetBody(Body):
    """scope: `organisation`, `project/<name>`, `principal/<id>` (with all agents below it) or
    `production/<id>`; period: days and months begin at midnight UTC; amount: a decimal string."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "scope": "project/spring-campaign",
                "period": "day",
                "amount": "250.00",
                "currency": "USD",
            }
        }
    )

    scope: str = Field(max_length=80)
    period: Period
    amount: Decimal = Field(max_digits=18, decimal_places=6)
    currency: str = Field("USD", pattern="^[A-Z]{3}$")


@router.get("")
@requires("budget", "read", scope="project")
async def list_budgets(call: Spent) -> dict[str, Any]:
    """What may be spent, is set aside, is spent and is left, in the present day or month or in
    all; to whoever may ask in some projects only, those projects' budgets."""
    projects = await call.projects()
    scopes = None if projects is None else [f"project/{project}" for project in projects]
    with call.context.database.read() as session:
        found = budgets.standings(session, call.principal.organisation, scopes=scopes)
    return {"object": "list", "data": [_shown(standing) for standing in found]}


@router.put("")
@requires("budget", "manage")
async def set_budget(body: BudgetBody, call: Spent) -> dict[str, Any]:
    """Set a budget, or change its amount, from the next request on. One below what is spent
    already lets nothing more through."""
    context, principal = call.context, call.principal

    def run(connection: Connection) -> str:
        return funding.set_budget(
            connection,
            context.ledger,
            organisation=principal.organisation,
            by=principal.id,
            **body.model_dump(),
        )

    await context.database.write_async(run)
    with context.database.read() as session:
        found = budgets.standings(session, principal.organisation, scopes=[body.scope])
    return next(_shown(standing) for standing in found if standing.period == body.period)


@router.delete("/{budget}")
@requires("budget", "manage")
async def remove_budget(budget: str, call: Spent) -> dict[str, Any]:
    """Limit it no longer. What was set aside is settled all the same."""
    context, principal = call.context, call.principal
    await context.database.write_async(
        lambda c: budgets.remove_budget(
            c, context.ledger, budget, organisation=principal.organisation, by=principal.id
        )
    )
    return {"id": budget, "object": "budget", "removed": True}


def _shown(standing: Standing) -> dict[str, Any]:
    amounts = {name: getattr(standing, name) for name in ("cap", "reserved", "spent", "left")}
    return {
        "id": standing.id,
        "object": "budget",
        "scope": standing.scope,
        "period": standing.period,
        "currency": standing.currency,
        **{name: f"{amount:f}" for name, amount in amounts.items()},
        "renews_at": standing.renews_at and clock.rfc3339(standing.renews_at),
    }
