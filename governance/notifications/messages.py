"""Which changes of a generation are told, and in which words. Never the prompt, never a secret.

The body has the shape of the OpenAI API's webhooks, with a `governance` object beside its fields.
"""

from typing import Any

import orjson

from governance.evidence.story import ENDS, State, Story
from governance.kernel import clock

COMPLETED, FAILED = "video.completed", "video.failed"
REVIEW, RELEASED = "review.required", "generation.released"
EVENTS = (COMPLETED, FAILED, REVIEW, RELEASED)
WAITING = {State.AWAITING_APPROVAL: "approval", State.IN_REVIEW: "review"}


def events_of(before: Story, after: Story) -> tuple[str, ...]:
    """What is worth telling about a change. `before` is `Story()` for a generation that begins.

    A request that policy denies at once is no change: its caller is told in the answer.
    """
    if after.state == before.state or (not before.state and after.state == State.DENIED):
        return ()
    state, is_video = State(after.state), after.request["media"] == "video"
    if state in WAITING:
        return (REVIEW,)
    if state == State.RELEASED:
        return (COMPLETED, RELEASED) if is_video else (RELEASED,)
    return (FAILED,) if is_video and state in ENDS else ()


def body(message: str, event: str, story: Story) -> bytes:
    """The JSON that is sent. message: its id, `evt_…`."""
    request = story.request
    facts: dict[str, Any] = {
        "organisation": request["organisation"],
        "project": request["project"],
        "media": request["media"],
        "state": story.state,
        "records": story.records,
    }
    if event == REVIEW:
        facts["stage"] = WAITING[State(story.state)]
        facts["review"] = (story.review or {}).get("review")
    if event == RELEASED:
        facts["digest"] = (story.delivered_file or {}).get("digest")
        facts["marks"] = {mark["kind"]: mark["state"] for mark in story.marks}
    told = {
        "id": message,
        "object": "event",
        "created_at": int(clock.parse(story.changed_at).timestamp()),
        "type": event,
        "data": {"id": story.id},
        "governance": facts,
    }
    return orjson.dumps(told)
