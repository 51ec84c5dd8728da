"""What a version that is made from a file must be asked for, and where its files lie."""

from typing import Any

import pytest

from governance.evidence.story import State, Story
from governance.kernel.errors import InvalidRequest
from governance.lifecycle import commands
from governance.lifecycle.inputs import covering
from governance.routing.spool import Spool
from tests.house import CLIP, PICTURE, House
from tests.platform import Service


def parent(seconds: str) -> Story:
    original: dict[str, Any] = {"seconds": seconds}
    return Story(original=original)


@pytest.mark.parametrize(
    ("length", "least"), [("4.000", 4), ("4.042", 4), ("5.062", 5), ("5.250", 6), ("9.900", 10)]
)
def test_a_version_of_a_video_is_at_least_as_long_as_it_rounded_up(length: str, least: int) -> None:
    assert covering(CLIP, parent(length), is_said=False).seconds == least
    with pytest.raises(InvalidRequest) as refusal:
        covering(CLIP, parent(length), is_said=True)
    assert refusal.value.code == "seconds_too_few"
    assert refusal.value.details["least"] == least
    assert f"at least {least}" in refusal.value.message


def test_it_may_be_longer() -> None:
    assert covering(CLIP, parent("0.960"), is_said=True) == CLIP


@pytest.fixture
def spool(service: Service) -> Spool:
    return Spool.of(service.context.settings.data_dir)


def test_what_a_vendor_sent_is_kept_until_its_file_is_on_record_and_no_longer(
    house: House, service: Service, spool: Spool
) -> None:
    generation = house.made(State.GENERATING)
    spool.put(generation, b"media")
    service.run(generation, State.FETCHED)
    assert spool.has(generation)
    service.run(generation, State.SCREENED)
    assert not spool.has(generation)


def test_what_a_vendor_sent_goes_with_a_deletion(house: House, spool: Spool) -> None:
    generation = house.made(State.GENERATING, PICTURE)
    spool.put(generation, b"media")
    commands.cancel(house.service.context, generation, house.producer)
    commands.delete(house.service.context, generation, house.producer)
    assert not spool.has(generation)
