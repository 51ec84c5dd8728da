"""What must not go out does not: a fault of the file, of its marks, or of the store."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from freezegun import freeze_time

from governance.domain import Asset, Duty, Mark
from governance.evidence.story import State
from governance.kernel import clock
from governance.kernel.errors import ConfigurationError
from governance.kernel.media import sha256_file
from governance.lifecycle import engine, finishing
from governance.lifecycle.engine import MAX_FAILURES
from governance.marking.fingerprint.picture import PictureFingerprinter
from governance.marking.write import MarkContext, Marked
from tests.house import PICTURE, House
from tests.lifecycle.states import withheld
from tests.platform import Service


def test_a_file_that_automated_review_fails_is_withheld(house: House) -> None:
    story = house.service.story(withheld(house))
    assert story.state == State.WITHHELD
    assert story.ending and (story.ending["stage"], story.ending["code"]) == (
        "screening",
        "policy_denied",
    )
    assert "black_frames" in {finding["code"] for finding in story.findings}
    assert story.decisions[-1]["effect"] == "deny"
    assert story.delivered_file is None


def test_a_marker_that_writes_nothing_is_caught_by_the_independent_reader(
    house: House, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pretend(source: Asset, target: Path, _: Sequence[Duty], __: MarkContext) -> Marked:
        shutil.copy(source.path, target)
        said = Mark("c2pa", "present", "marker", "1", "So it says.")
        return Marked((said,), PictureFingerprinter().finish())

    generation = house.made(State.SCREENED)
    monkeypatch.setattr(finishing, "mark", pretend)
    told = service.run(generation)
    assert told.state == State.WITHHELD
    assert told.ending and told.ending["code"] == "duty_unmet"
    assert told.unmet == ["mark.signed_metadata", "mark.watermark"]
    assert [reason.partition(":")[0] for reason in told.ending["reasons"]] == told.unmet
    assert service.events(generation)[-2:] == ["marks.verified", "asset.withheld"]


def test_marks_that_cannot_be_written_withhold_the_file_with_the_reason(
    house: House, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ConfigurationError("label_too_large", "The label does not fit.")

    generation = house.made(State.SCREENED)
    monkeypatch.setattr(finishing, "mark", refuse)
    told = service.run(generation)
    assert told.state == State.WITHHELD
    assert told.ending == {
        "stage": "marking",
        "code": "label_too_large",
        "reasons": ["The label does not fit."],
    }
    assert service.files(generation) == {(told.original or {})["digest"]}


@pytest.mark.parametrize(
    "state, stage",
    [(State.FETCHED, "screening"), (State.SCREENED, "marking"), (State.MARKED, "verification")],
)
def test_a_file_whose_bytes_have_changed_in_the_store_never_goes_on(
    house: House, service: Service, state: State, stage: str
) -> None:
    generation = house.made(state)
    told = service.story(generation)
    file = (told.delivered_file if state == State.MARKED else told.original) or {}
    path = service.context.media.path(generation, file["digest"])
    path.write_bytes(_another_picture(service, house))
    for _ in range(MAX_FAILURES - 1):
        assert service.step(generation).state == state
    told = service.step(generation)
    assert told.state == State.WITHHELD
    assert told.ending == {
        "stage": stage,
        "code": "internal_error",
        "reasons": ["The step failed repeatedly."],
    }
    path.rename(path.with_name(sha256_file(path)))  # so that the store's own law holds again


def test_a_failing_step_waits_longer_each_time_and_tells_nobody_until_it_gives_up(
    house: House, service: Service
) -> None:
    generation = house.made(State.FETCHED)
    before = service.events(generation)
    service.context.media.remove(generation)
    waits = []
    with freeze_time(clock.now()):
        for _ in range(MAX_FAILURES - 1):
            service.step(generation)
            due = service.row(generation).wake_at
            assert due is not None
            waits.append((due - clock.now()).total_seconds())
            assert not engine.run_step(service.context, generation)
    assert waits == [2, 4, 8, 16]
    assert service.events(generation) == before
    assert service.step(generation).state == State.WITHHELD
    assert service.events(generation) == [*before, "asset.withheld"]


def test_a_step_that_fails_once_is_forgiven(house: House, service: Service) -> None:
    generation = house.made(State.FETCHED)
    original = (service.story(generation).original or {})["digest"]
    path = service.context.media.path(generation, original)
    away = path.with_suffix(".away")
    path.rename(away)
    assert service.step(generation).state == State.FETCHED
    away.rename(path)
    assert service.run(generation).state == State.RELEASED


def _another_picture(service: Service, house: House) -> bytes:
    other = house.made(State.FETCHED, replace(PICTURE, prompt="another sea"))
    digest = (service.story(other).original or {})["digest"]
    return service.context.media.path(other, digest).read_bytes()
