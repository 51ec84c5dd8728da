"""What people decide: spend before it is made, and files before they go out."""

from dataclasses import replace

import pytest
from freezegun import freeze_time
from sqlalchemy import update
from sqlmodel import col

from governance.domain import Principal
from governance.evidence.story import State
from governance.identity.tables import Agent
from governance.kernel import clock
from governance.kernel.errors import Conflict, Denied, InvalidRequest
from governance.lifecycle import access, commands, engine
from governance.lifecycle.access import Question
from governance.lifecycle.questions import private_of
from governance.lifecycle.statements import Choice
from tests.house import DEAR_CLIP, DOUBTFUL, House
from tests.lifecycle.states import EXPIRY, REJECT
from tests.platform import ORGANISATION, PROJECT, Service

APPROVE = Choice("approve", "fit_for_release")
ALLOW = Choice("approve", "spend_justified")
REFUSE = Choice("refuse", "budget_not_justified")
RETURN = Choice("return", "label_not_legible")


def test_nothing_is_ordered_before_the_spend_is_approved(house: House) -> None:
    generation = house.ask(DEAR_CLIP)
    assert house.service.story(generation).state == State.AWAITING_APPROVAL
    assert not engine.run_step(house.service.context, generation)
    assert house.vendor.posts(generation) == 0
    story = commands.approve_spend(house.service.context, generation, house.officer, ALLOW)
    assert story.state == State.PERMITTED
    assert house.service.run(generation).state == State.RELEASED
    assert house.vendor.posts(generation) == 1


def test_a_refused_spend_ends_the_generation(house: House) -> None:
    generation = house.ask(DEAR_CLIP)
    story = commands.approve_spend(house.service.context, generation, house.officer, REFUSE)
    assert story.state == State.REJECTED
    assert story.approval and story.approval["reason"] == "budget_not_justified"
    assert house.vendor.posts(generation) == 0


def test_a_spend_is_decided_once(house: House) -> None:
    generation = house.ask(DEAR_CLIP)
    commands.approve_spend(house.service.context, generation, house.officer, ALLOW)
    with pytest.raises(Conflict, match="not awaiting_approval") as refusal:
        commands.approve_spend(house.service.context, generation, house.reviewer, REFUSE)
    assert refusal.value.code == "not_awaiting_approval"


def test_a_spend_that_nobody_approves_expires(house: House) -> None:
    generation = house.ask(DEAR_CLIP)
    with freeze_time(clock.now() + EXPIRY, tick=True):
        assert engine.run_step(house.service.context, generation)
    story = house.service.story(generation)
    assert (story.state, story.ending and story.ending["code"]) == ("expired", "nobody_decided")
    assert house.vendor.posts(generation) == 0


def test_a_review_that_nobody_decides_expires_and_closes(house: House) -> None:
    generation = house.made(State.IN_REVIEW, DOUBTFUL)
    assert not engine.run_step(house.service.context, generation)
    with freeze_time(clock.now() + EXPIRY, tick=True):
        with pytest.raises(Conflict, match="Nobody decided in time"):
            commands.claim_review(house.service.context, generation, house.reviewer)
        assert engine.run_step(house.service.context, generation)
    assert house.service.story(generation).state == State.EXPIRED
    with pytest.raises(Conflict) as refusal:
        commands.claim_review(house.service.context, generation, house.reviewer)
    assert refusal.value.code == "not_in_review"


@pytest.mark.parametrize("choice", [REJECT, RETURN], ids=["reject", "return"])
def test_one_person_is_enough_to_stop_a_release(house: House, choice: Choice) -> None:
    generation = house.made(State.IN_REVIEW, house.portrait())
    house.service.approve(generation, house.reviewer)
    story = house.service.decide(generation, house.second, choice)
    assert story.state == State.REJECTED
    assert story.reviews[-1]["decision"] == choice.decision
    assert "asset.released" not in house.service.events(generation)


def test_nobody_counts_as_two_people(house: House) -> None:
    generation = house.made(State.IN_REVIEW, house.portrait())
    house.service.approve(generation, house.reviewer)
    with pytest.raises(Conflict) as refusal:
        commands.claim_review(house.service.context, generation, house.reviewer)
    assert refusal.value.code == "already_decided"
    assert house.service.story(generation).state == State.IN_REVIEW


def test_a_review_is_claimed_before_it_is_decided(house: House) -> None:
    generation = house.made(State.IN_REVIEW, DOUBTFUL)
    digest = (house.service.story(generation).delivered_file or {})["digest"]
    choice = replace(APPROVE, digest=digest)
    with pytest.raises(Conflict) as refusal:
        commands.decide_review(house.service.context, generation, house.reviewer, choice)
    assert refusal.value.code == "claim_missing"
    assert house.service.events(generation)[-1] == "review.opened"


def test_a_decision_is_over_the_file_that_was_looked_at(house: House) -> None:
    generation = house.made(State.IN_REVIEW, DOUBTFUL)
    commands.claim_review(house.service.context, generation, house.reviewer)
    choice = replace(APPROVE, digest="0" * 64)
    with pytest.raises(Conflict) as refusal:
        commands.decide_review(house.service.context, generation, house.reviewer, choice)
    assert refusal.value.code == "media_changed"
    assert house.service.events(generation)[-1] == "review.claimed"


def test_a_reason_must_fit_the_decision(house: House) -> None:
    generation = house.made(State.IN_REVIEW, DOUBTFUL)
    with pytest.raises(InvalidRequest, match="is no reason to approve"):
        house.service.decide(generation, house.reviewer, Choice("approve", "harmful_content"))


def test_a_comment_is_the_commenters_own_personal_data(house: House) -> None:
    generation = house.made(State.IN_REVIEW, DOUBTFUL)
    choice = Choice("reject", "misleading_content", "The bridge never fell.")
    story = house.service.decide(generation, house.reviewer, choice)
    context = house.service.context
    assert private_of(context, story)["comment"] == "The bridge never fell."
    assert all(b"bridge" not in record.line for record in house.service.records(generation))


@pytest.fixture
def involved(house: House, service: Service) -> Principal:
    """A producer who is also a reviewer, and a compliance officer on top."""
    return service.person("producer", "reviewer", "compliance_officer")


@pytest.mark.parametrize("by_agent", [False, True], ids=["themselves", "through an agent"])
def test_whoever_asked_never_reviews(house: House, involved: Principal, by_agent: bool) -> None:
    asker = house.service.agent(involved)[0] if by_agent else involved
    story = house.service.ask(DOUBTFUL, house.service.caller(asker))
    house.service.run(story.id, State.IN_REVIEW)
    before = house.service.events(story.id)
    with pytest.raises(Denied) as refusal:
        commands.claim_review(house.service.context, story.id, involved)
    assert refusal.value.code == "separation_of_duties"
    assert house.service.events(story.id) == before
    assert house.service.approve(story.id, house.reviewer).state == State.RELEASED


@pytest.mark.parametrize("is_parent", [False, True], ids=["asked", "came the one that asked"])
def test_nor_whoever_answers_for_the_agent_that(
    house: House, involved: Principal, is_parent: bool
) -> None:
    """A colleague's mandate for one's own bot does not make its work somebody else's."""
    service, context = house.service, house.service.context
    own, _ = service.agent(involved)
    asking = own
    if is_parent:
        asking, _ = service.agent(house.producer)
        descend = update(Agent).where(col(Agent.id) == asking.id).values(parent=own.id)
        context.database.write(lambda c: c.execute(descend))
    chain = (house.producer.id, asking.id)
    delegated = replace(asking, accountable=house.producer.id, chain=chain)
    story = service.ask(DOUBTFUL, service.caller(delegated))
    service.run(story.id, State.IN_REVIEW)
    with pytest.raises(Denied) as refusal:
        commands.claim_review(context, story.id, involved)
    assert refusal.value.code == "separation_of_duties"
    dear = service.ask(DEAR_CLIP, service.caller(delegated))
    with pytest.raises(Denied) as refusal:
        commands.approve_spend(context, dear.id, involved, ALLOW)
    assert refusal.value.code == "separation_of_duties"


@pytest.mark.parametrize("by_agent", [False, True], ids=["themselves", "through an agent"])
def test_whoever_asked_never_approves_the_spend(
    house: House, involved: Principal, by_agent: bool
) -> None:
    asker = house.service.agent(involved)[0] if by_agent else involved
    story = house.service.ask(DEAR_CLIP, house.service.caller(asker))
    with pytest.raises(Denied) as refusal:
        commands.approve_spend(house.service.context, story.id, involved, ALLOW)
    assert refusal.value.code == "separation_of_duties"
    assert house.service.story(story.id).state == State.AWAITING_APPROVAL


@pytest.mark.parametrize("by_agent", [False, True], ids=["themselves", "through an agent"])
@pytest.mark.parametrize("obj", ["review", "approval"])
def test_policy_refuses_whoever_asked_before_the_database_has_to(
    house: House, involved: Principal, by_agent: bool, obj: str
) -> None:
    asker = house.service.agent(involved)[0] if by_agent else involved
    story = house.service.ask(DEAR_CLIP, house.service.caller(asker))
    question = Question(obj, "decide", ORGANISATION, PROJECT, story)
    with pytest.raises(Denied) as refusal:
        access.require(house.service.context, involved, None, question)
    assert refusal.value.details["reason"] == "denied_by_rule"
    assert access.check(house.service.context, house.reviewer, None, question).allowed


def test_an_agent_never_decides(house: House) -> None:
    agent, _ = house.service.agent(house.service.person("producer"))
    generation = house.made(State.IN_REVIEW, DOUBTFUL)
    with pytest.raises(Denied) as refusal:
        commands.claim_review(house.service.context, generation, agent)
    assert refusal.value.code == "people_only"
