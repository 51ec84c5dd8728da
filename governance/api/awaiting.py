"""Endpoints whose answer is the finished file: they wait for the engine, but for no person."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from governance.api import presenting, receipts
from governance.api.calls import Call
from governance.api.orders import Ordering
from governance.api.videos import refuse_denied, submit
from governance.domain import GenerationRequest
from governance.evidence.story import ENDS, State, Story
from governance.kernel.errors import Conflict, InvalidRequest
from governance.lifecycle import commands, producing
from governance.lifecycle.views import find

FIRST_LOOK, LONGEST_LOOK = 0.05, 1.0  # seconds between two looks, growing
PEOPLE = frozenset({State.AWAITING_APPROVAL, State.IN_REVIEW})


@dataclass(frozen=True)
class HandedOver:
    """A released file, recorded as delivered to the caller; headers: of the answer."""

    story: Story
    path: Path
    media_type: str
    headers: dict[str, str]


async def handed_over(order: Ordering, asked: GenerationRequest) -> HandedOver:
    """Ask for a generation, wait until it is released, hand it over.

    Whoever may not download is refused before anything is spent. Raises Conflict
    (`generation_pending`: a person has to decide, or it takes longer than `media_wait`) naming the
    generation; with the same Idempotency-Key the same call goes on waiting. Raises InvalidRequest
    (`policy_denied`, `moderation_blocked`), Conflict with the code of any other end.
    """
    call = order.call
    if asked.production is not None:
        member = await run_in_threadpool(producing.membership, call.context, asked)
        asked = member.request
    await call.allow_in(asked.project)
    await call.asking("generation", "download").allow_in(asked.project)
    story, receipt = await submit(order.request, call, asked, order.files)
    refuse_denied(story, receipt)
    call = replace(call, is_spent=True)  # with the request
    await _wait(order.request, call, story.id)
    await call.asking("generation", "download").story(story.id)
    story = await run_in_threadpool(commands.deliver, call.context, story.id, call.principal, "api")
    file = story.delivered_file or {}
    headers = {
        "x-governance-generation": story.id,
        "x-content-sha256": file["digest"],
        receipts.HEADER: receipt,
    }
    path = call.context.media.path(story.id, file["digest"])
    return HandedOver(story, path, file["media_type"], headers)


def refuse_unless(fields: dict[str, Any], supported: dict[str, tuple[Any, ...]]) -> None:
    """Raises InvalidRequest (`parameter_unsupported`): what has no effect is not accepted."""
    for name, values in supported.items():
        if fields.get(name) is not None and fields[name] not in values:
            raise InvalidRequest(
                "parameter_unsupported",
                f"`{name}` may be left out here, or {' or '.join(str(value) for value in values)}.",
                param=name,
            )


async def _wait(request: Request, call: Call, generation: str) -> None:
    """Until it is released."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + call.context.settings.media_wait
    pause = FIRST_LOOK
    while True:
        with call.context.database.read() as session:
            story = find(session, generation, call.principal.organisation)
        if story.state == State.RELEASED:
            return
        if story.state in ENDS:
            raise _ended(story)
        if story.state in PEOPLE or loop.time() > deadline or await request.is_disconnected():
            raise _pending(story)
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LONGEST_LOOK)


def _pending(story: Story) -> Conflict:
    waits = "A person has to decide first" if story.state in PEOPLE else "It takes longer"
    return Conflict(
        "generation_pending",
        f"{waits}: {story.id} goes on. Ask at /v1/videos/{story.id}, or send the same call with "
        "the same Idempotency-Key again later.",
        generation=story.id,
        state=story.state,
    )


def _ended(story: Story) -> Conflict | InvalidRequest:
    error = presenting.video(story)["error"]
    kind = InvalidRequest if error["code"] == "moderation_blocked" else Conflict
    return kind(error["code"], error["message"], generation=story.id, state=story.state)
