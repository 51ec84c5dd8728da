"""Money for a generation: set aside with its request, and gone where its story says.

An order whose outcome is not known, or that was withdrawn under way, may still be charged: its
money stays held.
"""

from decimal import Decimal
from typing import Any

from sqlalchemy import Connection
from sqlmodel import Session

from governance.domain import Budget, GenerationRequest, Principal, Quote
from governance.evidence.story import ENDS, Story
from governance.identity import budgets as mandated
from governance.identity import lineage, names
from governance.identity.denials import denied
from governance.kernel.errors import Denied, NotFound
from governance.ledger import Ledger
from governance.productions import productions
from governance.spending import accounts, budgets


def reserve(
    connection: Connection,
    principal: Principal,
    request: GenerationRequest,
    generation: str,
    quote: Quote,
) -> None:
    """Set a quote aside: under the caller's mandates and documents, and on every budget that people
    have set for it.

    Raises Denied (`budget_exhausted`, `budget_currency`) naming the budget, with the principal in
    its details; then nothing of the caller's transaction may remain.
    """
    if not quote.amount:
        return
    try:
        accounts.reserve(connection, generation, quote, _covering(connection, principal, request))
    except Denied as error:
        raise denied(principal, error.code, error.message, **error.details) from None


def left(session: Session, principal: Principal, request: GenerationRequest) -> Decimal | None:
    """The most that the request may cost, as things stand; None where no budget limits it."""
    connection = session.connection()
    return accounts.left(connection, _covering(connection, principal, request))


def set_budget(
    connection: Connection, ledger: Ledger, *, organisation: str, scope: str, **terms: Any
) -> str:
    """`budgets.set_budget` on somebody or something that there is.

    Raises as that does, and NotFound (`subject_unknown`, `production_not_found`).
    """
    kind, _, name = scope.partition("/")
    if kind == "principal" and not names.is_known(connection, name, organisation):
        raise NotFound("subject_unknown", f"Nobody of {organisation} has the id {name}.")
    if kind == "production":
        productions.current(connection, name, organisation)
    return budgets.set_budget(connection, ledger, organisation=organisation, scope=scope, **terms)


def settle(connection: Connection, before: Story, after: Story) -> None:
    """Book what a generation has cost, as soon as that is known, and let go of the rest."""
    quoted = after.decisions[0]["quote"] if after.decisions else None
    if quoted is None or not Decimal(quoted["amount"]):
        return
    was_open = before.original is None and (before.state not in ENDS or before.held is not None)
    is_made, is_over = after.original is not None, after.state in ENDS
    if was_open and (is_made or (is_over and after.held is None)):
        accounts.settle(connection, after.id, _cost(after, quoted["currency"], is_made=is_made))


def _covering(
    connection: Connection, principal: Principal, request: GenerationRequest
) -> list[Budget]:
    through = lineage.involved(connection, principal.chain)
    return [
        *mandated.covering(connection, principal),
        *budgets.covering(connection, request, through),
    ]


def _cost(story: Story, currency: str, *, is_made: bool) -> Decimal | None:
    """What it cost, or None for all that was set aside: where the vendor bills in another currency.

    A vendor that names no price takes what was quoted for its model.
    """
    cost = story.cost
    if cost is None:
        cost = (story.route or {}).get("quote") if is_made else None
        if cost is None:
            return None if is_made else Decimal(0)
    return Decimal(cost["amount"]) if cost["currency"] == currency else None
