"""What the law of a day asks of a file, from request to release."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time

from governance.evidence.story import State
from tests.house import CLIP, PICTURE, VENDOR_CLIP, House
from tests.marking import samples

EVE, DAY = "2026-12-01T12:00:00Z", "2026-12-02T12:00:00Z"


def imported(house: House, folder: Path, territory: str) -> str:
    """A picture from outside: nobody knows what made it."""
    file = samples.image(folder / "edit.png")
    asked = replace(
        CLIP, media="image", model="", prompt="", width=320, height=180, territories=(territory,)
    )
    caller = house.service.caller(house.producer, "asset", "import")
    generation = house.service.bring(file, asked, caller).id
    house.service.run(generation)
    return generation


def decided(house: House, generation: str) -> dict[str, Any]:
    """The last decision, made over the finished file."""
    records = house.service.records(generation)
    body: dict[str, Any] = [r.body for r in records if r.event == "policy.decided"][-1]
    return body


@pytest.mark.parametrize(
    ("moment", "territory", "state"),
    [(EVE, "EU", State.RELEASED), (DAY, "EU", State.IN_REVIEW), (DAY, "JP", State.RELEASED)],
)
def test_from_2_december_2026_people_in_the_eu_look_where_no_detector_did(
    house: House, tmp_path: Path, moment: str, territory: str, state: State
) -> None:
    with freeze_time(moment, tick=True):
        generation = imported(house, tmp_path, territory)
    story = house.service.story(generation)
    assert story.state == state
    missed = {item["subject"] for item in (story.coverage or {})["not_checked"]}
    assert missed >= {"child sexual abuse", "intimate imagery"}
    decision = decided(house, generation)
    assert set(decision["input"]["not_checked"]) >= {"child_sexual_abuse", "intimate_imagery"}
    rules = {rule["id"] for rule in decision["rules"]}
    assert ("house-5-unseen" in rules) is (state == State.IN_REVIEW)


def test_what_formulas_draw_needs_no_such_look(house: House) -> None:
    with freeze_time(DAY, tick=True):
        generation = house.made(State.RELEASED, PICTURE)
    assert decided(house, generation)["input"]["model"]["source_type"] == "algorithmicMedia"


def test_a_request_for_intimate_imagery_is_denied_by_law_in_the_eu(house: House) -> None:
    with freeze_time(DAY, tick=True):
        generation = house.ask(replace(VENDOR_CLIP, territories=("EU",)), "nudify this portrait")
    assert house.service.story(generation).state == State.DENIED
    rules = decided(house, generation)["rules"]
    deny = {rule["id"]: rule["level"] for rule in rules if rule["effect"] == "deny"}
    assert deny == {"eu-5-intimate-imagery": "law", "house-prompt-fail": "house"}


def test_a_picture_for_china_says_so_in_chinese_and_in_its_metadata(house: House) -> None:
    asked = replace(PICTURE, territories=("CN",), audience="public", width=512, height=512)
    generation = house.made(State.RELEASED, asked)
    story = house.service.story(generation)
    marks = {mark["kind"]: mark for mark in story.marks}
    assert marks["label"]["state"] == marks["aigc"]["state"] == "present"
    assert marks["label"]["facts"]["wording"] == "AI生成"
    assert story.unmet == []
    assert not [duty for duty in story.duties if duty["mode"] == "observe"]
