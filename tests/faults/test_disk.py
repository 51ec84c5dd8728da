"""A full disk and a clock that jumps: generations wait, nothing is half, streams hold."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from freezegun import freeze_time

from governance.domain import Asset, Duty, Mark
from governance.evidence.story import State
from governance.kernel import clock
from governance.kernel.errors import Unavailable
from governance.kernel.media import MediaStore
from governance.lifecycle import engine, finishing
from governance.lifecycle.context import Context
from governance.lifecycle.engine import MAX_FAILURES
from governance.marking.write import MarkContext
from tests.house import DOUBTFUL, PICTURE, VENDOR_CLIP, House

EVERYTHING = 1 << 62  # bytes


@pytest.fixture
def full(house: House) -> Context:
    """The house on a disk without room."""
    context = house.service.context
    store = MediaStore(context.settings.data_dir / "media", EVERYTHING)
    return replace(context, media=store)


def test_a_full_store_says_so_and_makes_no_file(house: House, full: Context) -> None:
    with pytest.raises(Unavailable) as refusal, full.media.staging(".mp4"):
        pytest.fail("there is no room")
    assert refusal.value.code == "disk_full"
    assert staged(house) == []


@pytest.mark.parametrize("state", [State.GENERATING, State.SCREENED])
def test_a_generation_waits_for_room_however_long_that_takes(
    house: House, full: Context, state: State
) -> None:
    generation = house.made(state, VENDOR_CLIP if state == State.GENERATING else PICTURE)
    before = house.service.events(generation)
    files = house.service.files(generation)
    for _ in range(2 * MAX_FAILURES):
        assert house.service.step(generation, full).state == state
        assert not engine.run_step(full, generation)
    assert house.service.events(generation) == before
    assert house.service.files(generation) == files
    assert staged(house) == []
    assert house.service.run(generation).state == State.RELEASED
    assert house.vendor.posts(generation) <= 1


def test_a_disk_that_fills_up_while_a_file_is_written_leaves_no_half_file(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(_: Asset, target: Path, __: Sequence[Duty], ___: MarkContext) -> tuple[Mark]:
        target.write_bytes(b"half a picture")
        raise OSError(28, "No space left on device")

    generation = house.made(State.SCREENED)
    files = house.service.files(generation)
    with monkeypatch.context() as patched:
        patched.setattr(finishing, "mark", half)
        for _ in range(2 * MAX_FAILURES):
            assert house.service.step(generation).state == State.SCREENED
    assert house.service.files(generation) == files
    assert staged(house) == []
    assert house.service.run(generation).state == State.RELEASED


def test_a_clock_that_jumps_back_breaks_no_stream(house: House) -> None:
    generation = house.made(State.FETCHED)
    with freeze_time(clock.now() - timedelta(days=400), tick=True):
        assert house.service.run(generation).state == State.RELEASED
    times = [record.occurred_at for record in house.service.records(generation)]
    assert times != sorted(times)
    house.service.require_agreement()


def test_a_clock_that_jumps_back_does_not_expire_a_review_early_nor_wake_it(
    house: House,
) -> None:
    generation = house.made(State.IN_REVIEW, DOUBTFUL)
    with freeze_time(clock.now() - timedelta(days=400), tick=True):
        assert not engine.run_step(house.service.context, generation)
        assert house.service.approve(generation, house.reviewer).state == State.RELEASED


def test_a_clock_that_jumps_ahead_never_sends_an_order_twice(house: House) -> None:
    generation = house.made(State.GENERATING, VENDOR_CLIP, "[[garbage]]")
    with freeze_time(clock.now() + timedelta(days=400), tick=True):
        assert house.service.step(generation).state == State.UNKNOWN
    assert house.vendor.posts(generation) == 1


def staged(house: House) -> list[Path]:
    return list((house.service.context.settings.data_dir / "media" / "staging").iterdir())
