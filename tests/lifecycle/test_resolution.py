"""An order whose outcome nobody knows: listed, its money held, until a person says what it was."""

from decimal import Decimal

import pytest

from governance.evidence.story import State, Story
from governance.kernel.errors import Conflict, InvalidRequest
from governance.lifecycle import commands, resolution
from governance.lifecycle.resolution import Resolution
from tests.house import VENDOR_CLIP, House
from tests.lifecycle.states import submitting
from tests.platform import ORGANISATION, Service

NOT_ORDERED = Resolution("not_ordered", "vendor_console")


@pytest.fixture
def lost(house: House, service: Service) -> str:
    """The worker died after the order went out, and this vendor cannot be asked by our key."""
    generation = submitting(house, VENDOR_CLIP)
    assert service.run(generation, State.UNKNOWN).state == State.UNKNOWN
    return generation


def listed(service: Service) -> set[str]:
    with service.context.database.read() as session:
        return {story.id for story in resolution.unknown(session, ORGANISATION)}


def resolve(house: House, generation: str, told: Resolution) -> Story:
    return resolution.resolve(house.service.context, generation, house.officer, told)


def test_it_is_listed_until_it_is_resolved(house: House, service: Service, lost: str) -> None:
    assert lost in listed(service)
    resolve(house, lost, NOT_ORDERED)
    assert lost not in listed(service)


def test_another_organisation_does_not_see_it(service: Service, lost: str) -> None:
    with service.context.database.read() as session:
        assert resolution.unknown(session, "elsewhere") == []


def test_what_was_never_ordered_costs_nothing(house: House, lost: str) -> None:
    story = resolve(house, lost, NOT_ORDERED)
    assert (story.state, story.held, story.cost) == (State.FAILED, None, None)


def test_what_was_charged_and_lost_is_booked(house: House, lost: str) -> None:
    story = resolve(house, lost, Resolution("lost", "vendor_support", cost=Decimal("0.31")))
    assert (story.state, story.held) == (State.FAILED, None)
    assert story.cost == {"amount": "0.31", "currency": "USD"}


def test_a_job_that_was_found_goes_on_and_is_released(
    house: House, service: Service, lost: str
) -> None:
    (job,) = [video.id for video in house.vendor.state.videos.values()][-1:]
    story = resolve(house, lost, Resolution("found", "vendor_console", job=job))
    assert story.state == State.GENERATING
    assert service.run(lost).state == State.RELEASED
    assert house.vendor.posts(lost) == 1


def test_what_was_deleted_meanwhile_is_paid_for_but_not_brought_back(
    house: House, lost: str
) -> None:
    commands.delete(house.service.context, lost, house.producer)
    with pytest.raises(Conflict) as refusal:
        resolve(house, lost, Resolution("found", "vendor_console", job="video_000001"))
    assert refusal.value.code == "media_deleted"
    told = Resolution("lost", "vendor_console", cost=Decimal("0.31"))
    assert resolve(house, lost, told).state == State.FAILED


def test_only_an_unknown_outcome_can_be_resolved(house: House) -> None:
    generation = house.made(State.RELEASED)
    with pytest.raises(Conflict) as refusal:
        resolve(house, generation, NOT_ORDERED)
    assert refusal.value.code == "not_unknown"


@pytest.mark.parametrize(
    "told",
    [
        Resolution("found", "vendor_console"),
        Resolution("lost", "vendor_console"),
        Resolution("not_ordered", "vendor_console", cost=Decimal(1)),
        Resolution("not_ordered", "vendor_console", job="task_1"),
        Resolution("lost", "vendor_console", cost=Decimal(-1)),
        Resolution("found", "vendor_console", job="two words"),
    ],
)
def test_each_outcome_has_exactly_the_facts_that_it_needs(
    house: House, lost: str, told: Resolution
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        resolve(house, lost, told)
    assert refusal.value.code == "resolution_invalid"
    assert house.service.story(lost).state == State.UNKNOWN
