"""What becomes of the marks after the release is looked at again, and recorded."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from governance.domain import Declaration
from governance.evidence.story import State
from governance.kernel import ids
from governance.kernel.errors import Conflict, InvalidRequest
from governance.lifecycle import checking, commands
from tests.house import PICTURE, House

# A final picture that could pass for real: it bears a label and a watermark.
LABELLED = replace(
    PICTURE, width=512, height=512, declaration=Declaration(deep_fake="yes", real_person="no")
)


@pytest.fixture
def released(house: House) -> str:
    generation = house.made(State.IN_REVIEW, LABELLED)
    house.service.approve(generation, house.reviewer)
    return generation


def file_of(house: House, generation: str) -> Path:
    digest = (house.service.story(generation).delivered_file or {})["digest"]
    return house.service.context.media.path(generation, digest)


def looked(house: House, generation: str, copy: Path) -> dict[str, Any]:
    story = house.service.story(generation)
    return checking.look(house.service.context, story, copy, host="", by=house.officer.id)


def states(body: dict[str, Any]) -> dict[str, str]:
    return {mark["kind"]: mark["state"] for mark in body["marks"]}


class TestACopy:
    def test_the_released_file_itself_has_lost_nothing(self, house: House, released: str) -> None:
        body = looked(house, released, file_of(house, released))
        assert (body["match"], body["lost"], body["source"]) == ("identical", [], "copy")

    def test_a_compressed_copy_has_lost_its_metadata_and_kept_what_lies_in_the_picture(
        self, house: House, released: str, tmp_path: Path
    ) -> None:
        copy = tmp_path / "copy.jpg"
        Image.open(file_of(house, released)).convert("RGB").save(copy, quality=80)
        body = looked(house, released, copy)
        assert body["match"] == "watermark"
        assert body["lost"] == ["mark.signed_metadata"]
        assert states(body)["watermark"] == "present"
        assert states(body)["c2pa"] == "absent"

    def test_a_strangers_picture_is_tied_to_nothing(
        self, house: House, released: str, tmp_path: Path
    ) -> None:
        copy = tmp_path / "other.png"
        Image.frombytes("RGB", (512, 512), ids.random_bytes(512 * 512 * 3)).save(copy)
        body = looked(house, released, copy)
        assert body["match"] == "none"
        assert {"label.visible", "mark.signed_metadata", "mark.watermark"} <= set(body["lost"])

    def test_what_is_no_picture_is_refused_and_nothing_recorded(
        self, house: House, released: str, tmp_path: Path
    ) -> None:
        copy = tmp_path / "copy.txt"
        copy.write_text("no picture")
        with pytest.raises(InvalidRequest):
            looked(house, released, copy)
        assert house.service.story(released).checks == 0


class TestTheRecord:
    def test_a_check_changes_no_state_and_its_losses_stay_told(
        self, house: House, released: str, tmp_path: Path
    ) -> None:
        copy = tmp_path / "copy.jpg"
        Image.open(file_of(house, released)).convert("RGB").save(copy, quality=80)
        body = looked(house, released, copy) | {"host": "media.example"}
        address = "https://media.example/people/mara/clip"
        story = commands.record_check(house.service.context, released, body, address)
        assert (story.state, story.checks) == (State.RELEASED, 1)
        assert [check["lost"] for check in story.failed_checks] == [["mark.signed_metadata"]]
        record = house.service.records(released)[-1]
        assert record.event == "marks.checked"
        assert address not in str(record.body)

    def test_a_recalled_file_is_still_looked_for(self, house: House, released: str) -> None:
        commands.recall(house.service.context, released, house.officer, "consent_withdrawn")
        body = looked(house, released, file_of(house, released))
        story = commands.record_check(house.service.context, released, body)
        assert (story.state, story.checks) == (State.RECALLED, 1)

    def test_what_was_not_released_has_no_copies_to_check(self, house: House) -> None:
        waiting = house.made(State.IN_REVIEW, LABELLED)
        body = looked(house, waiting, file_of(house, waiting))
        with pytest.raises(Conflict) as refusal:
            commands.record_check(house.service.context, waiting, body)
        assert refusal.value.code == "not_released"


class TestTheSchedule:
    def test_the_stored_file_and_a_transcode_of_it_are_checked(
        self, house: House, released: str
    ) -> None:
        house.service.step(released)
        stored, reference = (r.body for r in house.service.records(released)[-2:])
        assert (stored["source"], stored["match"], stored["lost"]) == ("stored", "identical", [])
        assert (reference["source"], reference["match"]) == ("reference", "watermark")
        assert reference["lost"] == []
        assert stored["by"] is reference["by"] is None
        assert house.service.story(released).state == State.RELEASED

    def test_a_stored_file_that_was_tampered_with_is_told_loudly(
        self, house: House, released: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        stored = file_of(house, released)
        Image.new("RGB", (512, 512), "navy").save(stored, "PNG")
        with caplog.at_level(logging.ERROR):
            house.service.step(released)
        assert "a released file lost marks" in caplog.text
        failed = house.service.story(released).failed_checks
        assert [check["source"] for check in failed] == ["stored", "reference"]
        assert "mark.signed_metadata" in failed[0]["lost"]
