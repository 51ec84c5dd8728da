"""Where the money goes that was set aside for a generation, told by its story."""

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from governance.domain import GenerationRequest, Principal
from governance.evidence.story import State
from governance.identity import budgets, documents
from governance.identity.budgets import Balance
from governance.identity.tables import Agent
from governance.lifecycle import commands
from tests.house import DEAR_CLIP, PICTURE, VENDOR_CLIP, House
from tests.lifecycle.test_people import REFUSE

PRICE = Decimal("0.05")


@dataclass
class Spender:
    """An agent that spends under its own document."""

    house: House
    principal: Principal

    @classmethod
    def of(cls, house: House) -> "Spender":
        principal, _ = house.service.agent(house.producer)
        with house.service.context.database.read() as session:
            digest = session.get_one(Agent, principal.id).document or ""
            ceiling = documents.ceiling(session.connection(), digest)
        return cls(house, replace(principal, document=digest, grant=ceiling))

    def ask(self, request: GenerationRequest = VENDOR_CLIP, prompt: str = "a calm sea") -> str:
        asked = replace(request, prompt=prompt)
        return self.house.service.ask(asked, self.house.service.caller(self.principal)).id

    @property
    def balance(self) -> Balance:
        grant = self.principal.grant
        assert grant is not None
        with self.house.service.context.database.read() as session:
            return budgets.balance(session, self.principal.document, grant)


@pytest.fixture
def spender(house: House) -> Spender:
    return Spender.of(house)


def test_it_is_set_aside_with_the_request_and_spent_with_the_file(spender: Spender) -> None:
    generation = spender.ask()
    assert (spender.balance.reserved, spender.balance.spent) == (PRICE, Decimal(0))
    spender.house.service.run(generation, State.FETCHED)
    assert (spender.balance.reserved, spender.balance.spent) == (Decimal(0), PRICE)
    spender.house.service.run(generation)
    assert spender.balance.spent == PRICE


def test_a_refusal_of_the_vendor_gives_it_back(spender: Spender) -> None:
    spender.house.service.run(spender.ask(prompt="[[moderate]]"), State.FAILED)
    assert (spender.balance.reserved, spender.balance.spent) == (Decimal(0), Decimal(0))


def test_an_order_whose_outcome_is_unknown_holds_it(spender: Spender) -> None:
    spender.house.service.run(spender.ask(prompt="[[500]]"), State.UNKNOWN)
    assert (spender.balance.reserved, spender.balance.spent) == (PRICE, Decimal(0))


def test_withdrawing_before_the_order_gives_it_back_and_after_it_does_not(
    spender: Spender,
) -> None:
    context = spender.house.service.context
    early = spender.ask()
    commands.cancel(context, early, spender.principal)
    assert spender.balance.reserved == 0
    late = spender.ask()
    spender.house.service.run(late, State.GENERATING)
    commands.cancel(context, late, spender.principal)
    assert spender.balance.reserved == PRICE


def test_a_spend_that_a_person_refuses_gives_it_back(spender: Spender) -> None:
    generation = spender.ask(DEAR_CLIP)
    assert spender.balance.reserved == 25
    context, officer = spender.house.service.context, spender.house.officer
    commands.approve_spend(context, generation, officer, REFUSE)
    assert (spender.balance.reserved, spender.balance.spent) == (Decimal(0), Decimal(0))


def test_what_is_made_here_costs_nothing(spender: Spender) -> None:
    spender.house.service.run(spender.ask(PICTURE))
    assert (spender.balance.reserved, spender.balance.spent) == (Decimal(0), Decimal(0))
