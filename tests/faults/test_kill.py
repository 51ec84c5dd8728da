"""kill -9 before and after every commit and around the one paid order: nothing lost or doubled.

The cases come from the table of steps. The killed process is a whole service on the house's data
folder; the test then restarts the engine on what it left.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from governance.domain import GenerationRequest
from governance.evidence.story import ENDS, State, Story
from governance.evidence.verify import verify_file
from governance.kernel import ids
from governance.lifecycle import commands
from governance.lifecycle.engine import Engine
from governance.lifecycle.statements import Choice
from governance.lifecycle.steps import STEPS, Step
from governance.reporting.issue import issue_export
from tests.agreement import require_agreement
from tests.faults.conftest import KILLED, Mortal
from tests.faults.driver import POST
from tests.house import DEAR_CLIP, DOUBTFUL, PICTURE, VENDOR_CLIP, House
from tests.lifecycle.states import generation_in, submitting
from tests.platform import ORGANISATION, counted

ALLOW = Choice("approve", "spend_justified")
APPROVE = Choice("approve", "fit_for_release")
MOMENTS = ("before", "after")


@dataclass(frozen=True)
class Crash:
    """What is asked for, where in the step's work the process dies, and how it ends after all.

    event: the one that a transaction begins with, or POST for the order to the provider.
    """

    request: GenerationRequest
    event: str
    killed_before: State = State.RELEASED
    killed_after: State = State.RELEASED


# Every transaction of every step of the engine. A vendor that knows our key (the local one, which
# makes PICTURE) can be asked what became of an order; of the other's nothing can be known.
CRASHES: dict[str, tuple[Crash, ...]] = {
    "route": (Crash(PICTURE, "route.chosen"),),
    "submit": (
        Crash(VENDOR_CLIP, "provider.intended", State.RELEASED, State.UNKNOWN),
        Crash(VENDOR_CLIP, POST, State.UNKNOWN, State.UNKNOWN),
        Crash(PICTURE, POST, State.UNKNOWN, State.RELEASED),
        Crash(VENDOR_CLIP, "provider.submitted", State.UNKNOWN, State.RELEASED),
        Crash(PICTURE, "provider.submitted"),
    ),
    "recover": (
        Crash(PICTURE, "provider.submitted"),
        Crash(VENDOR_CLIP, "provider.unknown", State.UNKNOWN, State.UNKNOWN),
    ),
    "poll": (Crash(VENDOR_CLIP, "asset.fetched"), Crash(PICTURE, "asset.fetched")),
    "screen": (Crash(PICTURE, "asset.screened"),),
    "mark": (Crash(PICTURE, "asset.marked"),),
    "verify": (Crash(PICTURE, "marks.verified"),),
    "clear": (Crash(PICTURE, "asset.released"), Crash(DOUBTFUL, "review.opened")),
    "recheck": (Crash(PICTURE, "marks.checked"),),
    "expire": (Crash(DOUBTFUL, "generation.ended", State.EXPIRED, State.EXPIRED),),
}
ACTS = [
    pytest.param(
        step, crash, moment, id=f"{step.leaves}-{crash.request.media}-{crash.event}-{moment}"
    )
    for step in STEPS
    if step.act is not None
    for crash in CRASHES[step.name]
    for moment in MOMENTS
]
# For each command of people: where the generation stands, who commands, and what it appends.
COMMANDS: dict[str, tuple[State, str, str]] = {
    "approve": (State.AWAITING_APPROVAL, "officer", "approval.decided"),
    "claim": (State.IN_REVIEW, "reviewer", "review.claimed"),
    "decide": (State.IN_REVIEW, "reviewer", "review.decided"),
    "cancel": (State.FETCHED, "producer", "generation.ended"),
    "deliver": (State.RELEASED, "producer", "asset.delivered"),
    "check": (State.RELEASED, "officer", "marks.checked"),
    "resolve": (State.UNKNOWN, "officer", "provider.resolved"),
    "recall": (State.RELEASED, "officer", "asset.recalled"),
    "delete": (State.RELEASED, "producer", "asset.deleted"),
}


@pytest.mark.parametrize("step, crash, moment", ACTS)
def test_a_service_killed_in_a_step_goes_on_after_a_restart(
    house: House, mortal: Mortal, step: Step, crash: Crash, moment: str
) -> None:
    generation = standing(house, step.leaves, crash.request)
    before = house.service.events(generation)
    house.service.hurry(generation)
    assert mortal.die(house, generation, crash.event, moment) == KILLED
    left = house.service.events(generation)
    assert left[: len(before)] == before
    is_written = crash.event in left[len(before) :]
    assert is_written is (moment == "after" and crash.event != POST)
    end = crash.killed_before if moment == "before" else crash.killed_after
    assert carried_on(house, generation).state == end
    assert_told_once(house, generation)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_killed_at_its_commit_happened_with_its_record_or_not_at_all(
    house: House, mortal: Mortal, command: str, moment: str
) -> None:
    state, person, event = COMMANDS[command]
    generation = generation_in(house, state)
    if command == "decide":
        commands.claim_review(house.service.context, generation, house.reviewer)
    before = house.service.events(generation)
    exit_code = mortal.die(
        house,
        generation,
        event,
        moment,
        command=command,
        person=getattr(house, person),
        choice=choice_for(house, generation, command),
    )
    assert exit_code == KILLED
    written = house.service.events(generation)[len(before) :]
    assert written[:1] == ([event] if moment == "after" else [])
    if command == "delete":
        # What the crash left on disk goes with the next deletion.
        commands.delete(house.service.context, generation, house.producer)
        assert house.service.files(generation) == set()
    assert carried_on(house, generation).state in ENDS
    assert_told_once(house, generation)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_request_killed_at_its_commit_is_one_generation_when_it_is_repeated(
    house: House, mortal: Mortal, moment: str
) -> None:
    key = ids.new_id("key")
    event = "generation.requested"
    exit_code = mortal.die(house, key, event, moment, command="ask", person=house.producer)
    assert exit_code == KILLED
    story = house.service.ask(PICTURE, house.caller(idempotency_key=key))
    again = house.service.ask(PICTURE, house.caller(idempotency_key=key))
    assert again.id == story.id
    assert carried_on(house, story.id).state == State.RELEASED
    assert_told_once(house, story.id)


def test_after_all_these_deaths_the_log_verifies_and_agrees_with_the_tables(
    house: House, tmp_path: Path
) -> None:
    require_agreement(house.service.context.database)
    context = house.service.context
    house.service.platform.publisher.publish()
    bundle = tmp_path / "bundle.zip"
    bundle.write_bytes(issue_export(context, ORGANISATION, None, by=None, disclose=True).data)
    verdict = verify_file(bundle, context.ledger.keyring.root)
    assert verdict.failure is None
    assert {step.name for step in verdict.steps} >= {"tree", "records", "streams", "stories"}


def standing(house: House, state: State, request: GenerationRequest) -> str:
    """A generation that stands in this state and was asked for like this."""
    if state == State.SUBMITTING:
        return submitting(house, request)
    if state == State.AWAITING_APPROVAL:
        return house.ask(DEAR_CLIP)
    return house.made(state, request)


def choice_for(house: House, generation: str, command: str) -> Choice | None:
    if command == "approve":
        return ALLOW
    digest = (house.service.story(generation).delivered_file or {}).get("digest", "")
    return Choice(APPROVE.decision, APPROVE.reason, digest=digest)


def carried_on(house: House, generation: str) -> Story:
    """Restart the engine; people do what is left to them; the story at its end."""
    engine = Engine(house.service.context)
    if house.service.row(generation).leased:
        house.service.hurry(generation)  # on PostgreSQL a dead worker's lease has to run out
    engine.start()
    try:
        while (story := house.service.rest(generation)).state not in ENDS:
            if story.state == State.AWAITING_APPROVAL:
                commands.approve_spend(house.service.context, generation, house.officer, ALLOW)
            else:
                house.service.approve(generation, house.reviewer)
            engine.wake()
        return story
    finally:
        engine.stop()


def assert_told_once(house: House, generation: str) -> None:
    """One end, at most one order, each step on record once, and the fold is the table."""
    events = house.service.events(generation)
    house.service.require_agreement()
    assert house.vendor.posts(generation) <= 1
    assert house.service.story(generation).state in ENDS
    for event in set(events) - {"policy.decided", "review.claimed", "marks.checked"}:
        assert counted(events, event) == 1, event
