"""Withdrawing, handing over, taking back, deleting."""

import pytest

from governance.evidence.story import CANCELLABLE, ENDS, State, Story
from governance.kernel.errors import Conflict, NotFound
from governance.lifecycle import commands, engine
from governance.lifecycle.steps import STEPS
from tests.house import DOUBTFUL, VENDOR_CLIP, House
from tests.lifecycle.states import generation_in

STATES = sorted(set(State) - {State.REQUESTED})


def deliver(house: House, generation: str) -> Story:
    return commands.deliver(house.service.context, generation, house.producer, "api")


def cancel(house: House, generation: str) -> Story:
    return commands.cancel(house.service.context, generation, house.producer)


def delete(house: House, generation: str) -> Story:
    return commands.delete(house.service.context, generation, house.producer)


# What each writes, and the code of its refusal.
COMMANDS = {
    deliver: ("asset.delivered", "not_released"),
    cancel: ("generation.ended", "not_cancellable"),
    delete: ("asset.deleted", "not_ended"),
}


@pytest.mark.parametrize("state", STATES)
def test_each_state_allows_the_commands_that_the_table_names_and_no_other(
    house: House, state: State
) -> None:
    generation = generation_in(house, state)
    before = house.service.events(generation)
    named = {step.name for step in STEPS if step.leaves == state}
    for command, (_, code) in COMMANDS.items():
        if command.__name__ not in named:
            with pytest.raises(Conflict) as refusal:
                command(house, generation)
            assert refusal.value.code == code
    assert house.service.events(generation) == before
    for command, (event, _) in COMMANDS.items():
        if command.__name__ in named:
            known = len(house.service.events(generation))
            command(house, generation)
            assert house.service.events(generation)[known] == event
    assert not engine.run_step(house.service.context, generation)
    story = house.service.story(generation)
    assert story.state == (State.CANCELLED if state in CANCELLABLE else state)
    assert story.deleted is (state in ENDS)
    if story.deleted:
        assert house.service.files(generation) == set()


def test_a_cancelled_generation_says_who_withdrew_it(house: House) -> None:
    story = cancel(house, house.ask())
    assert story.ending == {
        "outcome": "cancelled",
        "code": "by_requester",
        "by": house.producer.id,
    }


def test_deleting_names_the_files_that_went(house: House) -> None:
    generation = house.made(State.RELEASED)
    files = house.service.files(generation)
    delete(house, generation)
    assert set(house.service.records(generation)[-1].body["digests"]) == files


def test_deleting_again_removes_what_a_crash_left_and_writes_nothing(house: House) -> None:
    generation = house.made(State.RELEASED)
    delete(house, generation)
    before = house.service.events(generation)
    folder = house.service.context.settings.data_dir / "media" / "files" / generation
    folder.mkdir()
    (folder / "left").write_bytes(b"over")
    delete(house, generation)
    assert not folder.exists()
    assert house.service.events(generation) == before


def test_cancelling_stops_the_job_at_a_vendor_that_lets_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.vendor.state, "flavour", "vllm")
    generation = house.made(State.GENERATING, VENDOR_CLIP)
    job = (house.service.story(generation).job or {})["id"]
    assert job in house.vendor.state.videos
    cancel(house, generation)
    assert job not in house.vendor.state.videos


def test_a_vendor_that_goes_on_does_not_keep_a_requester_from_cancelling(house: House) -> None:
    generation = house.made(State.GENERATING, VENDOR_CLIP, "[[no-cancel]]")
    story = cancel(house, generation)
    assert story.state == State.CANCELLED


def test_cancelling_closes_the_review(house: House) -> None:
    generation = house.made(State.IN_REVIEW, DOUBTFUL)
    commands.claim_review(house.service.context, generation, house.reviewer)
    cancel(house, generation)
    with pytest.raises(Conflict) as refusal:
        commands.claim_review(house.service.context, generation, house.reviewer)
    assert refusal.value.code == "not_in_review"


def test_what_does_not_exist_cannot_be_cancelled(house: House) -> None:
    with pytest.raises(NotFound):
        cancel(house, "gen_none")


def test_a_hand_over_is_on_record_when_the_call_returns(house: House) -> None:
    generation = house.made(State.RELEASED)
    story = deliver(house, generation)
    last = house.service.records(generation)[-1]
    assert last.event == "asset.delivered"
    assert last.body == {
        "digest": (story.delivered_file or {})["digest"],
        "channel": "api",
        "recipient": house.producer.id,
    }
    assert story.deliveries == 1


def test_a_deleted_file_is_not_handed_over(house: House) -> None:
    generation = house.made(State.RELEASED)
    delete(house, generation)
    with pytest.raises(Conflict) as refusal:
        deliver(house, generation)
    assert refusal.value.code == "media_deleted"


def test_a_recalled_file_is_out_of_reach_and_its_release_stays_on_record(house: House) -> None:
    generation = house.made(State.RELEASED)
    deliver(house, generation)
    commands.recall(house.service.context, generation, house.officer, "consent_withdrawn")
    with pytest.raises(Conflict):
        deliver(house, generation)
    story = house.service.story(generation)
    assert story.state == State.RECALLED
    assert story.released_at
    assert house.service.events(generation)[-3:] == [
        "asset.released",
        "asset.delivered",
        "asset.recalled",
    ]
