"""A thrown switch: a generation waits where it stands, and goes on when it is lifted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from freezegun import freeze_time

from governance.domain import Principal
from governance.evidence.story import State, Story
from governance.identity import switches
from governance.kernel import clock
from governance.kernel.errors import Denied, InvalidRequest
from governance.ledger.ledger import read_stream
from governance.lifecycle import access, commands, engine, stops, submitting
from governance.lifecycle.access import Question
from governance.lifecycle.context import Context
from governance.lifecycle.determination import DeepFake, is_due
from governance.lifecycle.outcome import Outcome
from governance.lifecycle.statements import Choice
from governance.lifecycle.steps import step_of
from governance.routing.router import STOPPED
from tests.house import DEAR_CLIP, DOUBTFUL, PICTURE, VENDOR_CLIP, House
from tests.platform import ORGANISATION, PROJECT, Service

OWN = f"organisation:{ORGANISATION}"


def throw(service: Service, scope: str) -> None:
    context = service.context
    context.database.write(
        lambda c: switches.throw(
            c,
            context.ledger,
            scope,
            organisation=ORGANISATION,
            operator=ORGANISATION,
            known=stops.known(context),
            reason="incident",
            by="service",
        )
    )


def lift(service: Service, scope: str) -> None:
    context = service.context
    context.database.write(
        lambda c: switches.lift(
            c,
            context.ledger,
            scope,
            organisation=ORGANISATION,
            reason="resolved",
            by="service",
        )
    )


@contextmanager
def stopped(service: Service, scope: str) -> Iterator[None]:
    throw(service, scope)
    try:
        yield
    finally:
        lift(service, scope)


def waits(service: Service, generation: str) -> bool:
    """Whether the engine, asked now, does nothing and will look again."""
    state = service.story(generation).state
    service.hurry(generation)
    assert not engine.run_step(service.context, generation)
    row = service.row(generation)
    assert row.wake_at is not None
    return row.state == state and row.wake_at > clock.now() and not row.leased


@contextmanager
def thrown_while(
    service: Service, monkeypatch: pytest.MonkeyPatch, part: str, scope: str
) -> Iterator[None]:
    """A switch is thrown while the next step works on its `act` or its `intent`."""

    def interrupted(story: Story) -> Any:
        step = step_of(story)
        assert step is not None
        work: Callable[[Context, Story], Outcome] = getattr(step, part)

        def late(context: Context, story: Story) -> Outcome:
            outcome = work(context, story)
            throw(service, scope)
            return outcome

        changed: dict[str, Any] = {part: late}
        return replace(step, **changed)

    with monkeypatch.context() as patched:
        patched.setattr(engine, "step_of", interrupted)
        try:
            yield
        finally:
            lift(service, scope)


class TestEngine:
    def test_what_has_stopped_waits_and_goes_on_when_lifted(
        self, house: House, service: Service
    ) -> None:
        generation = house.ask()
        seen = []
        while (state := service.story(generation).state) != State.RELEASED:
            seen.append(state)
            for scope in ("*", OWN):
                with stopped(service, scope):
                    assert state == State.GENERATING or waits(service, generation)
            service.step(generation)
        assert seen == ["permitted", "routed", "generating", *seen[3:6], "verified"]

    def test_it_looks_again_by_itself(self, house: House, service: Service) -> None:
        generation = house.made(State.PERMITTED)
        with stopped(service, "*"):
            assert waits(service, generation)
        assert not engine.run_step(service.context, generation)
        with freeze_time(clock.now() + timedelta(seconds=stops.WAIT), tick=True):
            assert engine.run_step(service.context, generation)

    def test_an_agents_switch_stops_what_it_or_its_sub_agents_asked_for(
        self, house: House, service: Service
    ) -> None:
        agent, _ = service.agent(house.producer)
        child, _ = service.agent(house.producer)
        below = replace(child, chain=(*agent.chain, child.id))
        made = [service.ask(PICTURE, service.caller(one)).id for one in (agent, below, child)]
        with stopped(service, f"agent:{agent.id}"):
            assert [waits(service, generation) for generation in made[:2]] == [True, True]
            assert service.step(made[2]).state == State.ROUTED
            assert service.step(house.ask()).state == State.ROUTED

    def test_between_routing_and_submitting_nothing_is_sent(
        self, house: House, service: Service
    ) -> None:
        generation = house.made(State.ROUTED, VENDOR_CLIP)
        for scope in ("*", OWN, f"model:{VENDOR_CLIP.model}", "provider:openai-videos"):
            with stopped(service, scope):
                assert waits(service, generation), scope
        assert house.vendor.posts(generation) == 0
        assert service.step(generation).state == State.GENERATING
        assert house.vendor.posts(generation) == 1

    def test_at_the_last_moment_before_the_intent_is_committed_nothing_is_sent(
        self, house: House, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        generation = house.made(State.ROUTED, VENDOR_CLIP)
        with thrown_while(service, monkeypatch, "intent", OWN):
            assert service.step(generation).state == State.ROUTED
        assert house.vendor.posts(generation) == 0
        assert "provider.intended" not in service.events(generation)
        assert service.step(generation).state == State.GENERATING

    def test_an_order_that_went_out_is_recorded_polled_and_fetched_but_not_released(
        self, house: House, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        generation = house.made(State.ROUTED, VENDOR_CLIP)
        with thrown_while(service, monkeypatch, "act", OWN):
            assert service.step(generation).state == State.GENERATING
        with stopped(service, OWN):
            assert service.step(generation).state == State.FETCHED
            assert waits(service, generation)
            assert len(service.files(generation)) == 1
        assert house.vendor.posts(generation) == 1
        assert service.step(generation).state == State.SCREENED

    @pytest.mark.parametrize("state", [State.SCREENED, State.VERIFIED])
    def test_thrown_while_a_step_works_nothing_of_it_is_committed(
        self, house: House, service: Service, monkeypatch: pytest.MonkeyPatch, state: State
    ) -> None:
        generation = house.made(state)
        before = service.events(generation)
        with thrown_while(service, monkeypatch, "act", "*"):
            assert service.step(generation).state == state
        assert service.events(generation) == before
        assert service.step(generation).state != state

    def test_time_goes_on(self, house: House, service: Service) -> None:
        generation = house.made(State.IN_REVIEW, DOUBTFUL)
        late = clock.now() + timedelta(seconds=service.context.settings.review_expiry)
        with stopped(service, "*"), freeze_time(late, tick=True):
            assert service.step(generation).state == State.EXPIRED


class TestModelsAndProviders:
    @pytest.mark.parametrize("scope", [f"model:{PICTURE.model}", "provider:local"])
    def test_a_request_for_a_stopped_model_is_refused_with_the_reason(
        self, house: House, service: Service, scope: str
    ) -> None:
        with stopped(service, scope):
            service.context.switches.current()
            with pytest.raises(InvalidRequest) as refusal:
                submitting.assess(service.context, PICTURE, house.producer)
        assert refusal.value.code == "no_route"
        assert refusal.value.details["candidates"] == [
            {"model": PICTURE.model, "rejected": STOPPED}
        ]

    @pytest.mark.parametrize("scope", [f"model:{PICTURE.model}", "provider:local"])
    def test_what_was_permitted_before_waits_for_its_model(
        self, house: House, service: Service, scope: str
    ) -> None:
        generation = house.made(State.PERMITTED)
        with stopped(service, scope):
            assert service.step(generation).state == State.PERMITTED
            assert service.events(generation)[-1] == "policy.decided"
        assert service.step(generation).state == State.ROUTED

    def test_what_a_stopped_model_has_made_is_not_released(
        self, house: House, service: Service
    ) -> None:
        generation = house.made(State.VERIFIED)
        with stopped(service, f"model:{PICTURE.model}"):
            assert waits(service, generation)
        assert service.step(generation).state == State.RELEASED


def denied(act: Callable[[], object]) -> str:
    with pytest.raises(Denied) as refusal:
        act()
    return refusal.value.code


class TestPeople:
    def test_nobody_decides_on_what_has_stopped_and_the_claim_is_kept(
        self, house: House, service: Service
    ) -> None:
        context, reviewer = service.context, house.reviewer
        generation = house.made(State.IN_REVIEW, DOUBTFUL)
        claimed = commands.claim_review(context, generation, reviewer)
        digest = (claimed.delivered_file or {})["digest"]
        deep_fake: DeepFake = "no" if is_due(claimed) else ""
        choice = Choice("approve", "fit_for_release", digest=digest, deep_fake=deep_fake)

        def decide() -> Story:
            return commands.decide_review(context, generation, reviewer, choice)

        with stopped(service, f"model:{DOUBTFUL.model}"):
            assert denied(decide) == "stopped"
            assert denied(lambda: commands.claim_review(context, generation, reviewer)) == "stopped"
        assert service.story(generation).state == State.IN_REVIEW
        assert decide().state == State.RELEASED

    def test_no_spend_is_approved(self, house: House, service: Service) -> None:
        generation = house.made(State.AWAITING_APPROVAL, DEAR_CLIP)
        choice = Choice("approve", "spend_justified")

        def approve() -> Story:
            return commands.approve_spend(service.context, generation, house.officer, choice)

        with stopped(service, OWN):
            assert denied(approve) == "stopped"
        assert approve().state == State.PERMITTED
        commands.cancel(service.context, generation, house.producer)

    def test_no_released_file_leaves(self, house: House, service: Service) -> None:
        generation = house.made(State.RELEASED)

        def deliver() -> Story:
            return commands.deliver(service.context, generation, house.producer, "api")

        for scope in ("*", "provider:local"):
            with stopped(service, scope):
                assert denied(deliver) == "stopped"
        assert deliver().deliveries == 1

    def test_a_released_file_can_be_taken_back(self, house: House, service: Service) -> None:
        generation = house.made(State.RELEASED)
        with stopped(service, "*"):
            story = commands.recall(service.context, generation, house.officer, "incident")
        assert story.state == State.RECALLED


class TestAccess:
    def ask(self, service: Service, who: Principal, story: Story, obj: str, act: str) -> None:
        question = Question(obj, act, ORGANISATION, PROJECT, story)
        access.require(service.context, who, None, question)

    def test_a_refusal_is_recorded_with_the_switch_that_refused(
        self, house: House, service: Service
    ) -> None:
        story = service.story(house.made(State.IN_REVIEW, DOUBTFUL))
        scope = f"model:{DOUBTFUL.model}"
        with stopped(service, scope):
            asked = (service, house.reviewer, story, "review", "claim")
            assert denied(lambda: self.ask(*asked)) == "stopped"
            self.ask(service, house.reviewer, story, "review", "read")
        self.ask(service, house.reviewer, story, "review", "claim")
        with service.context.database.read() as session:
            records = read_stream(session, f"service.{ORGANISATION}")
        refusal = [item for item in records if item.event == "access.denied"][-1]
        assert (refusal.body["code"], refusal.body["rules"]) == ("stopped", [scope])
        assert (refusal.body["object"], refusal.body["action"]) == ("review", "claim")
