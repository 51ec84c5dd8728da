"""The roads of a generation, from request to release, with real media."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from governance.domain import Declaration, GenerationRequest
from governance.evidence.story import State
from governance.lifecycle.steps import WIRE
from governance.marking import read
from governance.marking.probe import inspect
from tests.house import CLIP, DOUBTFUL, PICTURE, VENDOR_CLIP, House
from tests.marking import samples
from tests.platform import Service

# Shorter ones cannot carry a watermark.
SOUND = replace(CLIP, media="audio", model="local/procedural-audio", width=0, height=0, seconds=5)
DEEP_FAKE = replace(
    PICTURE, width=512, height=512, declaration=Declaration(deep_fake="yes", real_person="no")
)
EDIT = replace(CLIP, model="", prompt="A cut of three takes", territories=("JP",))
ROAD = [
    "generation.requested",
    "policy.decided",
    "route.chosen",
    "provider.intended",
    "provider.submitted",
    "asset.fetched",
    "asset.screened",
    "policy.decided",
    "asset.marked",
    "marks.verified",
]


@pytest.mark.parametrize(
    "request_, media_type",
    [(CLIP, "video/mp4"), (PICTURE, "image/png"), (SOUND, "audio/wav"), (VENDOR_CLIP, "video/mp4")],
    ids=["video", "image", "audio", "vendor"],
)
def test_media_that_nobody_must_look_at_is_released_with_its_marks(
    house: House, request_: GenerationRequest, media_type: str
) -> None:
    generation = house.made(State.RELEASED, request_)
    story = house.service.story(generation)
    assert house.service.events(generation) == [*ROAD, "asset.released"]
    assert story.delivered_file is not None
    assert story.delivered_file["media_type"] == media_type
    assert {m["kind"] for m in story.marks if m["state"] == "present"} >= {"c2pa", "iptc"}
    assert story.unmet == []


def test_the_store_holds_the_original_and_the_marked_file_under_their_digests(
    house: House,
) -> None:
    generation = house.made(State.RELEASED)
    story = house.service.story(generation)
    assert story.original and story.delivered_file
    kept = {story.original["digest"], story.delivered_file["digest"]}
    assert len(kept) == 2
    assert house.service.files(generation) == kept


def test_the_marks_in_the_released_bytes_name_the_generation(house: House) -> None:
    generation = house.made(State.RELEASED, PICTURE)
    context = house.service.context
    file = house.service.story(generation).delivered_file or {}
    path = context.media.path(generation, file["digest"])
    found = read.read(path, inspect(path).media_type, (), context.authority.ca_pem)
    named = {dict(mark.facts).get("record_id") for mark in found if mark.state == "present"}
    assert generation in named


def test_a_deep_fake_carries_a_label_that_the_reader_finds(house: House) -> None:
    generation = house.made(State.IN_REVIEW, replace(DEEP_FAKE, audience="public"))
    story = house.service.story(generation)
    assert "label.visible" in story.enforced
    label = next(mark for mark in story.marks if mark["kind"] == "label")
    assert label["state"] == "present"


def test_one_approval_releases_where_one_is_due(house: House) -> None:
    generation = house.made(State.IN_REVIEW, replace(CLIP, audience="public"))
    story = house.service.approve(generation, house.reviewer)
    assert story.state == State.RELEASED
    assert house.service.events(generation) == [
        *ROAD,
        "review.opened",
        "review.claimed",
        "review.decided",
        "asset.released",
    ]


def test_two_people_must_approve_where_two_are_due(house: House) -> None:
    generation = house.made(State.IN_REVIEW, house.portrait())
    assert house.service.approve(generation, house.reviewer).state == State.IN_REVIEW
    story = house.service.approve(generation, house.second)
    assert story.state == State.RELEASED
    assert {review["person"] for review in story.reviews} == {house.reviewer.id, house.second.id}


def test_waiting_for_a_person_is_queued_on_the_wire(house: House) -> None:
    generation = house.made(State.IN_REVIEW, DOUBTFUL)
    assert WIRE[State(house.service.story(generation).state)] == "queued"


def test_a_denied_request_is_on_record_and_goes_nowhere(house: House) -> None:
    without_consent = replace(PICTURE, declaration=Declaration("no", "yes"))
    generation = house.ask(without_consent)
    story = house.service.run(generation)
    assert story.state == State.DENIED
    assert story.decisions[0]["effect"] == "deny"
    assert house.service.events(generation) == ["generation.requested", "policy.decided"]


def test_an_import_joins_the_road_at_fetched_with_its_ingredient(
    house: House, tmp_path: Path
) -> None:
    source = house.made(State.RELEASED)
    digest = (house.service.story(source).delivered_file or {})["digest"]
    file = samples.image(tmp_path / "edit.png")
    caller = house.service.caller(house.producer, "asset", "import")
    asked = replace(EDIT, media="image", width=320, height=180)
    story = house.service.bring(file, asked, caller, (source, digest))
    assert story.state == State.FETCHED
    assert story.request["ingredients"] == [{"generation": source, "digest": digest}]
    story = house.service.run(story.id)
    assert story.state == State.RELEASED
    assert story.attempts == 0
    assert story.cost is None
    assert house.service.events(story.id) == [
        "asset.imported",
        "policy.decided",
        "asset.screened",
        "policy.decided",
        "asset.marked",
        "marks.verified",
        "asset.released",
    ]


def test_what_automated_review_doubts_goes_before_a_person_after_all(
    house: House, tmp_path: Path, service: Service
) -> None:
    file = tmp_path / "grey.png"
    Image.new("RGB", (128, 128), "grey").save(file)
    asked = replace(EDIT, media="image", width=128, height=128)
    story = service.bring(file, asked, service.caller(house.producer, "asset", "import"))
    assert "review.people" not in story.enforced
    assert service.run(story.id).state == State.IN_REVIEW
    assert service.approve(story.id, house.reviewer).state == State.RELEASED


def test_marks_that_the_vendor_left_in_a_file_are_on_record(
    house: House, tmp_path: Path, service: Service
) -> None:
    released = house.made(State.RELEASED, PICTURE)
    digest = (service.story(released).delivered_file or {})["digest"]
    file = tmp_path / "again.png"
    file.write_bytes(service.context.media.path(released, digest).read_bytes())
    asked = replace(EDIT, media="image", width=128, height=128)
    caller = service.caller(house.producer, "asset", "import")
    story = service.run(service.bring(file, asked, caller, (released, digest)).id)
    assert "c2pa" in {mark["kind"] for mark in story.vendor_marks}
    assert story.state == State.RELEASED


def test_an_agent_asks_in_the_name_of_its_accountable_person(house: House) -> None:
    agent, _ = house.service.agent(house.producer)
    story = house.service.ask(PICTURE, house.service.caller(agent))
    assert story.request["principal"] == {
        "kind": "agent",
        "id": agent.id,
        "assurance": "A",
        "accountable": house.producer.id,
        "chain": [house.producer.id, agent.id],
    }
    assert house.service.run(story.id).state == State.RELEASED


def test_when_no_model_can_serve_any_more_the_request_fails_with_every_reason(
    house: House, service: Service
) -> None:
    generation = house.ask(replace(PICTURE, model="auto"))
    empty = replace(service.context.router, provider_of=lambda organisation, name: None)
    alone = replace(service.context, router=empty)
    story = service.run(generation, context=alone)
    assert story.state == State.FAILED
    assert story.route and story.route["model"] is None
    assert all(candidate["rejected"] for candidate in story.route["candidates"])
    assert story.attempts == 0
