"""Where the money goes that was set aside for a generation, told by its story."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection

from governance.domain import Budget, GenerationRequest, Principal, Quote
from governance.evidence.story import State, Story
from governance.identity import documents
from governance.identity.tables import Agent
from governance.kernel.database import Database
from governance.kernel.errors import Denied, NotFound
from governance.lifecycle import commands, funding, submitting, views
from governance.lifecycle.resolution import Resolution, resolve
from governance.spending import accounts, budgets
from governance.spending.accounts import Balance
from governance.spending.budgets import Standing
from tests.house import DEAR_CLIP, PICTURE, VENDOR_CLIP, House
from tests.lifecycle.test_people import REFUSE
from tests.platform import ORGANISATION

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
        document = self.principal.document
        with self.house.service.context.database.read() as session:
            return accounts.balances(session.connection(), [document])[document]


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
    told = Resolution("lost", "vendor_invoice", cost=Decimal("0.04"))
    resolve(context, late, spender.house.officer, told)
    assert (spender.balance.reserved, spender.balance.spent) == (Decimal(0), Decimal("0.04"))


def test_a_vendor_that_stops_its_job_gives_it_back(
    spender: Spender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spender.house.vendor.state, "flavour", "vllm")
    generation = spender.ask()
    spender.house.service.run(generation, State.GENERATING)
    commands.cancel(spender.house.service.context, generation, spender.principal)
    assert (spender.balance.reserved, spender.balance.spent) == (Decimal(0), Decimal(0))


def test_what_was_made_and_cannot_be_fetched_is_spent(spender: Spender) -> None:
    spender.house.service.run(spender.ask(prompt="[[wrong-media]]"), State.FAILED)
    assert (spender.balance.reserved, spender.balance.spent) == (Decimal(0), PRICE)


def test_a_spend_that_a_person_refuses_gives_it_back(spender: Spender) -> None:
    generation = spender.ask(DEAR_CLIP)
    assert spender.balance.reserved == 25
    context, officer = spender.house.service.context, spender.house.officer
    commands.approve_spend(context, generation, officer, REFUSE)
    assert (spender.balance.reserved, spender.balance.spent) == (Decimal(0), Decimal(0))


def test_what_is_made_here_costs_nothing(spender: Spender) -> None:
    spender.house.service.run(spender.ask(PICTURE))
    assert (spender.balance.reserved, spender.balance.spent) == (Decimal(0), Decimal(0))


class TestWhatPeopleHaveSet:
    """Budgets of persons, projects and the organisation, which bind callers without a mandate."""

    def limit(self, house: House, amount: str, scope: str = "") -> Callable[[], Standing]:
        """A budget, of the producer's unless said otherwise; how it stands."""
        context, named = house.service.context, scope or f"principal/{house.producer.id}"

        def run(connection: Connection) -> str:
            return funding.set_budget(
                connection,
                context.ledger,
                organisation=ORGANISATION,
                scope=named,
                period="total",
                amount=Decimal(amount),
                by=house.officer.id,
            )

        context.database.write(run)

        def standing() -> Standing:
            with context.database.read() as session:
                (found,) = budgets.standings(session, ORGANISATION, scopes=[named])
            return found

        return standing

    @pytest.fixture
    def one(self, house: House) -> House:
        """With a producer of its own, whom nothing limits yet."""
        return replace(house, producer=house.service.person("producer"))

    def test_it_is_set_aside_and_settled_as_under_a_mandate(self, one: House) -> None:
        standing = self.limit(one, "1")
        generation = one.ask(VENDOR_CLIP)
        assert (standing().reserved, standing().spent) == (PRICE, Decimal(0))
        one.service.run(generation, State.FETCHED)
        assert (standing().reserved, standing().spent) == (Decimal(0), PRICE)

    def test_what_does_not_fit_is_refused_and_leaves_no_generation(self, one: House) -> None:
        standing = self.limit(one, "0.09")
        one.ask(VENDOR_CLIP)
        with pytest.raises(Denied) as caught:
            one.ask(VENDOR_CLIP)
        assert caught.value.code == "budget_exhausted"
        assert caught.value.details["principal"] == one.producer.id
        assert caught.value.details["left"] == "0.04"
        assert standing().reserved == PRICE
        with one.service.context.database.read() as session:
            found = views.page(session, one.producer.id, projects=None, after=None, limit=9)
        assert len(found.stories) == 1

    def test_an_agent_spends_out_of_the_budget_of_whom_it_acts_for(self, one: House) -> None:
        standing = self.limit(one, "0.06")
        agent, _ = one.service.agent(one.producer)
        one.service.ask(VENDOR_CLIP, one.service.caller(agent))
        assert standing().reserved == PRICE
        with pytest.raises(Denied, match=r"0\.01 USD left"):
            one.ask(VENDOR_CLIP)

    def test_what_became_of_an_unknown_order_decides_where_its_money_goes(self, one: House) -> None:
        standing = self.limit(one, "1")
        context, officer = one.service.context, one.officer
        for outcome, cost, spent in (("not_ordered", None, "0"), ("lost", Decimal("0.03"), "0.03")):
            generation = one.made(State.UNKNOWN, VENDOR_CLIP, "[[500]]")
            assert standing().reserved == PRICE
            resolution = Resolution(outcome, "vendor_console", cost)  # type: ignore[arg-type]
            resolve(context, generation, officer, resolution)
            assert (standing().reserved, standing().spent) == (Decimal(0), Decimal(spent))

    def test_a_project_and_everybody_in_it_share_its_budget(self, one: House) -> None:
        standing = self.limit(one, "0.05", "project/shared")
        asked = replace(VENDOR_CLIP, project="shared")
        one.ask(asked)
        with pytest.raises(Denied, match="project shared"):
            one.service.ask(asked, one.service.caller(one.service.person("producer")))
        one.ask(VENDOR_CLIP)
        assert standing().left == 0

    @pytest.mark.parametrize("scope", [f"principal/usr_{'0' * 32}", f"production/prd_{'0' * 32}"])
    def test_a_budget_of_nobody_is_refused(self, one: House, scope: str) -> None:
        with pytest.raises(NotFound):
            self.limit(one, "1", scope)

    def test_auto_takes_the_best_model_that_can_still_be_paid_for(self, one: House) -> None:
        asked = replace(VENDOR_CLIP, model="auto")
        rich = submitting.assess(one.service.context, asked, one.producer).quote
        assert rich is not None
        assert rich.amount > 0
        self.limit(one, "0")
        poor = submitting.assess(one.service.context, asked, one.producer).quote
        assert poor is not None
        assert poor.amount == 0

    def test_where_no_model_can_be_paid_for_the_empty_budget_is_named(
        self, one: House, spender: Spender
    ) -> None:
        caller = spender.principal
        assert caller.grant is not None
        caller = replace(caller, grant=replace(caller.grant, models=("self/*",)))
        self.limit(one, "0", f"principal/{caller.id}")
        asked = replace(VENDOR_CLIP, model="draft")
        with pytest.raises(Denied, match=rf"principal {caller.id} has 0 USD left"):
            one.service.ask(asked, one.service.caller(caller))


USD, EUR = ({"amount": "0.30", "currency": currency} for currency in ("USD", "EUR"))
CHEAPER = {"amount": "0.20", "currency": "USD"}


@pytest.mark.parametrize(
    ("change", "spent"),
    [
        ({"original": {}, "cost": USD}, "0.30"),
        ({"original": {}, "cost": EUR}, "0.50"),
        ({"original": {}, "route": {"quote": CHEAPER}}, "0.20"),
        ({"state": State.FAILED, "cost": USD}, "0.30"),
        ({"state": State.FAILED}, "0"),
    ],
)
def test_what_is_booked_is_the_cost_or_all_that_was_set_aside_where_it_cannot_be_compared(
    database: Database, change: dict[str, Any], spent: str
) -> None:
    budget = Budget("one", Decimal(1), "USD", "one")
    quote = {"amount": "0.50", "currency": "USD"}
    before = Story(id="gen_1", state=State.GENERATING, decisions=[{"quote": quote}])

    def run(connection: Connection) -> Balance:
        accounts.reserve(connection, "gen_1", Quote(Decimal("0.50")), [budget])
        funding.settle(connection, before, replace(before, **change))
        return accounts.balances(connection, ["one"])["one"]

    assert database.write(run) == Balance(Decimal(0), Decimal(spent))
