"""An order whose outcome nobody knows: listed, its money held, until a person says what it was."""

from dataclasses import replace
from decimal import Decimal

import pytest

from governance.evidence.story import State, Story
from governance.kernel.errors import Conflict, InvalidRequest
from governance.lifecycle import commands, resolution
from governance.lifecycle.resolution import Resolution
from governance.routing import spool
from tests.house import VENDOR_CLIP, House
from tests.lifecycle.states import cancelled, submitting, without
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


def test_a_job_that_another_generation_has_had_is_not_given_to_this_one(
    house: House, service: Service, lost: str
) -> None:
    other = house.made(State.RELEASED, VENDOR_CLIP)
    job = (service.story(other).job or {})["id"]
    with pytest.raises(Conflict) as refusal:
        resolve(house, lost, Resolution("found", "vendor_console", job=job))
    assert refusal.value.code == "job_taken"
    assert service.story(lost).state == State.UNKNOWN
    assert service.story(house.ask()).state  # whoever reads next sees what is new


def test_nor_is_one_that_was_found_for_another(house: House, service: Service, lost: str) -> None:
    (job,) = [video.id for video in house.vendor.state.videos.values()][-1:]
    resolve(house, lost, Resolution("found", "vendor_console", job=job))
    other = service.run(submitting(house, VENDOR_CLIP), State.UNKNOWN).id
    with pytest.raises(Conflict) as refusal:
        resolve(house, other, Resolution("found", "vendor_console", job=job))
    assert refusal.value.code == "job_taken"


def test_of_what_a_vendor_answered_with_only_its_own_is_found(
    house: House, service: Service, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a job is called as the generation is: whoever knows an id could fetch its file."""
    monkeypatch.setattr(spool, "ANSWERED", {"openai-videos": ("video",)})
    with pytest.raises(InvalidRequest) as refusal:
        resolve(house, lost, Resolution("found", "vendor_console", job=f"gen_{'0' * 32}"))
    assert refusal.value.code == "resolution_invalid"
    own = Resolution("found", "vendor_console", job=lost)
    assert resolve(house, lost, own).state == State.GENERATING


def test_it_is_resolved_also_once_its_model_has_left_the_catalogue(
    house: House, service: Service, lost: str
) -> None:
    context = replace(service.context, catalogue=without(service.context, VENDOR_CLIP.model))
    story = resolution.resolve(context, lost, house.officer, NOT_ORDERED)
    assert (story.state, story.held) == (State.FAILED, None)
    assert service.records(lost)[-1].body["model"] == VENDOR_CLIP.model


class TestWhatWasWithdrawnWhileItsVendorWentOn:
    @pytest.fixture
    def withdrawn(self, house: House, service: Service) -> str:
        generation = house.made(State.GENERATING, VENDOR_CLIP, "[[no-cancel]]")
        commands.cancel(service.context, generation, house.producer)
        return generation

    def test_it_is_listed_until_it_is_resolved(
        self, house: House, service: Service, withdrawn: str
    ) -> None:
        assert withdrawn in listed(service)
        story = resolve(house, withdrawn, NOT_ORDERED)
        assert (story.state, story.held, story.cost) == (State.CANCELLED, None, None)
        assert withdrawn not in listed(service)

    def test_what_it_cost_is_booked(self, house: House, withdrawn: str) -> None:
        told = Resolution("lost", "vendor_invoice", cost=Decimal("0.04"))
        story = resolve(house, withdrawn, told)
        assert (story.state, story.held) == (State.CANCELLED, None)
        assert story.cost == {"amount": "0.04", "currency": "USD"}

    def test_nobody_goes_on_with_it(self, house: House, withdrawn: str) -> None:
        told = Resolution("found", "vendor_console", job="video_1")
        with pytest.raises(Conflict) as refusal:
            resolve(house, withdrawn, told)
        assert refusal.value.code == "generation_cancelled"

    def test_what_was_withdrawn_before_its_order_is_not_listed(
        self, house: House, service: Service
    ) -> None:
        generation = cancelled(house)
        assert generation not in listed(service)
        with pytest.raises(Conflict) as refusal:
            resolve(house, generation, NOT_ORDERED)
        assert refusal.value.code == "not_unknown"

    def test_a_vendor_that_has_stopped_leaves_nothing_to_resolve(
        self, house: House, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(house.vendor.state, "flavour", "vllm")
        generation = house.made(State.GENERATING, VENDOR_CLIP)
        story = commands.cancel(service.context, generation, house.producer)
        assert (story.state, story.held, story.cost) == (State.CANCELLED, None, None)
        assert generation not in listed(service)
        told = service.records(generation)[-1]
        assert (told.event, told.body["outcome"]) == ("provider.resolved", "not_ordered")

    def test_the_list_goes_on_where_a_page_ends(
        self, service: Service, withdrawn: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(resolution, "PAGE", 1)
        seen, after = set(), ""
        with service.context.database.read() as session:
            while page := resolution.unknown(session, ORGANISATION, after):
                assert len(page) == 1
                after = page[-1].id
                seen.add(after)
        assert withdrawn in seen


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
