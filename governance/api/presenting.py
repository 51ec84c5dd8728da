"""How generations look on the wire."""

from typing import Any

from governance.evidence.story import State, Story
from governance.kernel import clock
from governance.lifecycle.entries import money
from governance.lifecycle.steps import WIRE
from governance.lifecycle.submitting import Assessment
from governance.policy import as_body

PROGRESS = {
    State.SUBMITTING: 5,
    State.GENERATING: 10,
    State.FETCHED: 70,
    State.SCREENED: 80,
    State.MARKED: 90,
    State.VERIFIED: 95,
    State.RELEASED: 100,
}
# Milliseconds until a client should ask again; the official client keeps the first value it sees.
POLL_AFTER = {"queued": 10_000, "in_progress": 2_000}

FAILURES = {
    State.DENIED: ("policy_denied", "Policy denied the request."),
    State.REJECTED: ("review_denied", "A person decided against it."),
    State.EXPIRED: ("review_expired", "Nobody decided in time; ask again."),
    State.CANCELLED: ("cancelled", "The request was withdrawn."),
    State.WITHHELD: ("withheld", "The file may not be released; `governance` says why."),
    State.RECALLED: ("recalled", "The file was taken back after its release."),
    State.UNKNOWN: (
        "outcome_unknown",
        "The provider's answer was lost. It is not repeated, so that nothing is paid twice; "
        "a person must find out.",
    ),
}


def video(story: Story, prompt: str | None = None, receipt: str | None = None) -> dict[str, Any]:
    """The Video object of the OpenAI API, with a `governance` object beside its fields.

    Prompt and receipt are told on creation only: the one is personal data, the other the digest
    that the caller keeps; neither is read again for a poll.
    """
    request = story.request
    asset = request.get("asset", {})
    return {
        "id": story.id,
        "object": "video",
        "model": (story.route or {}).get("model") or request.get("model", "imported"),
        "status": WIRE[State(story.state)],
        "progress": PROGRESS.get(State(story.state), 0),
        "created_at": _unix(story.requested_at),
        "completed_at": _unix(story.released_at) if story.released_at else None,
        "expires_at": None,
        "prompt": prompt,
        "remixed_from_video_id": request.get("parent") if _is_remix(request) else None,
        "seconds": str(request.get("seconds", asset.get("seconds", "0"))),
        "size": f"{request.get('width', asset.get('width'))}x"
        f"{request.get('height', asset.get('height'))}",
        "error": _error(story),
        "governance": governance(story) | ({"receipt": receipt} if receipt else {}),
    }


def _is_remix(request: dict[str, Any]) -> bool:
    return bool(request.get("task") == "remix")


def governance(story: Story) -> dict[str, Any]:
    """What governance has to say about a generation."""
    last = story.decisions[-1] if story.decisions else None
    return {
        "state": story.state,
        "organisation": story.request["organisation"],
        "project": story.request["project"],
        "production": story.request.get("production", {}).get("id"),
        "parent": story.request.get("parent"),
        "media": story.request["media"],
        "effect": last and last["effect"],
        "rules": list(dict.fromkeys(rule["id"] for d in story.decisions for rule in d["rules"])),
        "duties": [duty["kind"] for duty in story.duties if duty["mode"] == "enforce"],
        "policy": last and last["policy"],
        "review": (story.review or {}).get("review"),
        "approvals": story.approvals,
        "marks": {mark["kind"]: mark["state"] for mark in story.marks},
        "digest": (story.delivered_file or {}).get("digest"),
        "quote": (story.route or {}).get("quote"),
        "warnings": (story.route or {}).get("warnings", []),
        "cost": story.cost,
        "held": story.held,
        "ending": story.ending,
        "records": story.records,
    }


def assessment(result: Assessment) -> dict[str, Any]:
    """The answer of a preflight: what a `policy.decided` record would say, and the price."""
    decided = as_body(result.decision)
    answer = {name: decided[name] for name in ("policy", "rules", "duties", "not_assessed")}
    return {
        "object": "preflight",
        "effect": result.decision.effect,
        "model": result.model,
        "quote": result.quote and money(result.quote),
        **answer,
    }


def poll_after(story: Story) -> dict[str, str]:
    """Headers that tell a polling client when to ask again."""
    milliseconds = POLL_AFTER.get(WIRE[State(story.state)])
    if story.state in (State.PERMITTED, State.ROUTED):
        milliseconds = POLL_AFTER["in_progress"]
    return {"openai-poll-after-ms": str(milliseconds)} if milliseconds else {}


def _error(story: Story) -> dict[str, str] | None:
    state = State(story.state)
    if state == State.FAILED:
        fault = (story.fault or story.ending or {}).get("fault", "internal")
        code = {"refused": "moderation_blocked"}.get(fault, "provider_error")
        if story.route and story.route["model"] is None:
            code = "no_route"
        return {"code": code, "message": f"The generation failed ({fault})."}
    if state not in FAILURES:
        return None
    code, message = FAILURES[state]
    return {"code": code, "message": message}


def _unix(time: str) -> int:
    return int(clock.parse(time).timestamp())
