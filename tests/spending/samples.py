"""Requests, and budgets to pay them out of."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from governance.domain import GenerationRequest, Quote
from governance.kernel import ids
from governance.kernel.database import Database
from governance.ledger import Ledger
from governance.spending import accounts, budgets
from governance.spending.budgets import Period, Standing

ADA = f"usr_{'a' * 32}"
AGENT = f"agt_{'b' * 32}"
PRODUCTION = f"prd_{'c' * 32}"
REQUEST = GenerationRequest(
    organisation="acme",
    project="film",
    media="video",
    model="auto",
    prompt="",
    seconds=4,
    width=640,
    height=360,
    territories=("EU",),
)


@dataclass(frozen=True)
class Treasury:
    """The budgets of an organisation, and what is spent out of them."""

    database: Database
    ledger: Ledger

    def set(self, scope: str, period: Period, amount: str, **changes: Any) -> str:
        given = {"organisation": "acme", "currency": "USD", "by": ADA, **changes}
        return self.database.write(
            lambda c: budgets.set_budget(
                c, self.ledger, scope=scope, period=period, amount=Decimal(amount), **given
            )
        )

    def remove(self, budget: str, organisation: str = "acme") -> None:
        self.database.write(
            lambda c: budgets.remove_budget(
                c, self.ledger, budget, organisation=organisation, by=ADA
            )
        )

    def reserve(
        self,
        amount: str,
        through: tuple[str, ...] = (ADA,),
        currency: str = "USD",
        **changes: Any,
    ) -> str:
        """Set money aside for a new generation; its id."""
        request, generation = replace(REQUEST, **changes), ids.new_id("gen")
        quote = Quote(Decimal(amount), currency)
        self.database.write(
            lambda c: accounts.reserve(c, generation, quote, budgets.covering(c, request, through))
        )
        return generation

    def settle(self, generation: str, cost: str | None) -> None:
        spent = None if cost is None else Decimal(cost)
        self.database.write(lambda c: accounts.settle(c, generation, spent))

    def standings(self, *scopes: str, organisation: str = "acme") -> list[Standing]:
        with self.database.read() as session:
            return budgets.standings(session, organisation, scopes=scopes or None)

    def left(self, scope: str) -> Decimal:
        (standing,) = self.standings(scope)
        return standing.left
