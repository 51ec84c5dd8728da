"""What is told, and in which words."""

import json
from typing import Any

import pytest

from governance.evidence.story import ENDS, State, Story
from governance.notifications import messages
from governance.notifications.messages import EVENTS

REQUEST = {"organisation": "acme", "project": "film", "media": "video", "prompt": "zyxquil"}


def story(state: str = "", media: str = "video", **facts: Any) -> Story:
    request = {**REQUEST, "media": media}
    return Story(id="gen_1", state=state, request=request, **facts)


@pytest.mark.parametrize(
    ("before", "after", "media", "told"),
    [
        (State.VERIFIED, State.RELEASED, "video", ("video.completed", "generation.released")),
        (State.IN_REVIEW, State.RELEASED, "image", ("generation.released",)),
        (State.VERIFIED, State.IN_REVIEW, "audio", ("review.required",)),
        ("", State.AWAITING_APPROVAL, "video", ("review.required",)),
        (State.RELEASED, State.RECALLED, "video", ("video.failed",)),
        (State.IN_REVIEW, State.REJECTED, "image", ()),
        ("", State.PERMITTED, "video", ()),
        ("", State.DENIED, "video", ()),
        (State.SCREENED, State.WITHHELD, "video", ("video.failed",)),
        (State.IN_REVIEW, State.IN_REVIEW, "video", ()),
        (State.RELEASED, State.RELEASED, "video", ()),
    ],
)
def test_a_change_is_told_once_where_somebody_waits_for_it(
    before: str, after: str, media: str, told: tuple[str, ...]
) -> None:
    assert messages.events_of(story(before, media), story(after, media)) == told


@pytest.mark.parametrize("end", sorted(ENDS))
def test_every_end_of_a_video_is_told(end: str) -> None:
    assert messages.events_of(story(State.GENERATING), story(end))


@pytest.mark.parametrize("event", EVENTS)
def test_no_message_carries_the_prompt(event: str) -> None:
    state = State.IN_REVIEW if event == "review.required" else State.RELEASED
    told = story(state, changed_at="2026-11-23T10:00:00.000000Z", review={"review": "rev_1"})
    body = messages.body("evt_1", event, told)
    assert b"zyxquil" not in body
    read = json.loads(body)
    assert (read["id"], read["type"], read["data"]) == ("evt_1", event, {"id": "gen_1"})
    assert read["created_at"] == 1795428000


def test_who_has_to_review_is_told_which_review_and_at_which_stage() -> None:
    now = "2026-11-23T10:00:00.000000Z"
    opened = story(State.IN_REVIEW, changed_at=now, review={"review": "rev_1"})
    facts = json.loads(messages.body("evt_1", "review.required", opened))["governance"]
    assert (facts["stage"], facts["review"]) == ("review", "rev_1")
    asked = story(State.AWAITING_APPROVAL, changed_at=now)
    facts = json.loads(messages.body("evt_1", "review.required", asked))["governance"]
    assert (facts["stage"], facts["review"]) == ("approval", None)
