"""`/v1/videos` and `/v1/models` in the OpenAI shape: an official client works as it is.

https://platform.openai.com/docs/api-reference/videos (retired by its vendor, served by many).
"""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from governance.api import presenting, receipts
from governance.api.calls import Call, Spent, Unspent
from governance.api.permissions import requires
from governance.api.requests import form_fields, generation_request
from governance.domain import GenerationRequest, Media
from governance.evidence.story import ENDS, State, Story
from governance.kernel.errors import Conflict, Denied, InvalidRequest, NotFound
from governance.lifecycle import commands, submitting
from governance.lifecycle.context import Context
from governance.lifecycle.submitting import Caller, Submission
from governance.lifecycle.views import page

router = APIRouter(tags=["OpenAI shape"])
MAX_PAGE = 100
CREATE = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "example": {
                    "model": "auto",
                    "prompt": "A lighthouse at dusk, slow drift, calm sea",
                    "seconds": "4",
                    "size": "1280x720",
                    "metadata": {"project": "spring-campaign", "territories": "EU"},
                },
            },
            "multipart/form-data": {"schema": {"type": "object"}},
        },
    }
}


@router.post("/v1/videos", openapi_extra=CREATE)
@requires("generation", "create", "project")
async def create_video(request: Request, call: Unspent) -> JSONResponse:
    """Ask for a video. Decided and recorded when this answers; the engine does the rest."""
    return await create(request, call, await _fields(request, call), "video")


async def create(
    request: Request, call: Call, fields: dict[str, Any], media: Media
) -> JSONResponse:
    """Decide, record, answer; shared with the other media."""
    asked = generation_request(call.principal.organisation, fields, request.headers, media)
    story, receipt = await submit(request, call, asked)
    return answered(story, receipt, asked.prompt)


def answered(story: Story, receipt: str, prompt: str | None = None) -> JSONResponse:
    """What was decided, with the digest of the receipt. Raises as `refuse_denied` does."""
    refuse_denied(story, receipt)
    headers = {
        "x-governance-generation": story.id,
        receipts.HEADER: receipt,
        **presenting.poll_after(story),
    }
    return JSONResponse(presenting.video(story, prompt, receipt), headers=headers)


def refuse_denied(story: Story, receipt: str) -> None:
    """Raises InvalidRequest (`policy_denied`) with rules and receipt; the decision is on record."""
    if story.state != State.DENIED:
        return
    decided = story.decisions[0]["rules"]
    denying = [rule for rule in decided if (rule["effect"], rule["mode"]) == ("deny", "enforce")]
    raise InvalidRequest(
        "policy_denied",
        f"Policy denied the request: {' '.join(rule['because'] for rule in denying)}",
        generation=story.id,
        rules=[rule["id"] for rule in denying],
        receipt=receipt,
    )


async def submit(request: Request, call: Call, asked: GenerationRequest) -> tuple[Story, str]:
    """The hot path: one authorization, one decision, one group commit; its receipt's digest."""
    context = call.context
    answer = await call.allow_in(asked.project)
    caller = Caller(
        call.principal, answer, call.signed, request.headers.get("idempotency-key") or None
    )
    try:
        submission = submitting.prepare(context, asked, caller)
        made = await context.database.write_async(lambda c: receipted(c, context, submission))
    except Denied as denied:
        await call.record(denied)
        raise
    call.engine.wake()
    return made


def receipted(
    connection: Connection, context: Context, submission: Submission
) -> tuple[Story, str]:
    """`submitting.commit`, with the digest of the receipt."""
    story = submitting.commit(connection, context, submission)
    return story, receipts.digest(connection, story.id)


@router.get("/v1/videos")
@requires("generation", "list", "project")
async def list_videos(
    call: Spent, after: str | None = None, limit: int = 20, order: str = "desc"
) -> dict[str, Any]:
    """The caller's own generations, newest first, of the projects that it may see."""
    projects = await call.projects()
    with call.context.database.read() as session:
        found = page(
            session,
            call.principal.id,
            projects=projects,
            after=after,
            limit=max(1, min(limit, MAX_PAGE)),
            newest_first=order != "asc",
        )
    data = [presenting.video(story) for story in found.stories]
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": found.has_more,
    }


@router.get("/v1/videos/{video_id}")
@requires("generation", "read", "generation")
async def get_video(video_id: str, call: Spent) -> JSONResponse:
    """Where a generation stands. One that waits for a person is `queued`."""
    story = _present(await call.story(video_id))
    return JSONResponse(presenting.video(story), headers=presenting.poll_after(story))


@router.delete("/v1/videos/{video_id}")
@requires("generation", "cancel", "generation")
async def delete_video(video_id: str, call: Spent) -> dict[str, Any]:
    """Withdraw a generation that is under way, or remove the media of one that has ended.

    Its records stay.
    """
    story = _present(await call.story(video_id))
    act = commands.delete if story.state in ENDS else commands.cancel
    await run_in_threadpool(act, call.context, video_id, call.principal)
    return {"id": video_id, "object": "video.deleted", "deleted": True}


@router.get("/v1/videos/{video_id}/content", response_class=FileResponse)
@requires("generation", "download", "generation")
async def get_content(video_id: str, call: Spent, variant: str = "video") -> FileResponse:
    """Download a released file. `asset.delivered` is recorded before the first byte leaves."""
    _require_variant(variant)
    _present(await call.story(video_id))
    story = await run_in_threadpool(commands.deliver, call.context, video_id, call.principal, "api")
    return _file(call, story)


@router.head("/v1/videos/{video_id}/content", include_in_schema=False)
@requires("generation", "download", "generation")
async def head_content(video_id: str, call: Spent, variant: str = "video") -> FileResponse:
    """What a download would answer, without the file; nothing is handed over, so no record."""
    _require_variant(variant)
    story = _present(await call.story(video_id))
    if story.state != State.RELEASED:
        raise Conflict("not_released", f"The generation is {story.state}, not released.")
    return _file(call, story)


@router.get("/v1/models")
@requires("model", "list")
async def list_models(call: Spent) -> dict[str, Any]:
    """The models that can be asked for, with what governance knows of them."""
    providers = call.context.providers
    usable = [
        {
            "id": model.id,
            "object": "model",
            "created": 0,
            "owned_by": model.provider,
            "governance": {
                "media": model.media,
                "tier": model.tier,
                "source_type": model.source_type,
                "status": model.status,
                "as_of": model.as_of.isoformat(),
            },
        }
        for model in call.context.catalogue.models
        if (provider := providers.get(model.provider or "")) is not None
        and provider.configured()
        and model.status != "retired"
    ]
    return {"object": "list", "data": usable}


async def _fields(request: Request, call: Call) -> dict[str, Any]:
    has_file = False
    if "multipart/form-data" in request.headers.get("content-type", ""):
        async with request.form(max_files=1, max_fields=64) as form:
            fields = form_fields(form)
            has_file = any(not isinstance(value, str) for value in form.values())
    else:
        fields = call.json()
    if has_file or fields.get("input_reference") is not None:
        raise InvalidRequest(
            "reference_unsupported",
            "No model of this service takes an input file; leave `input_reference` out.",
            param="input_reference",
        )
    return fields


def _require_variant(variant: str) -> None:
    if variant != "video":
        raise InvalidRequest("variant_unknown", "Only `variant=video` is offered.", param="variant")


def _file(call: Call, story: Story) -> FileResponse:
    file = story.delivered_file or {}
    path = call.context.media.path(story.id, file["digest"])
    headers = {"x-content-sha256": file["digest"]}
    return FileResponse(path, media_type=file["media_type"], headers=headers)


def _present(story: Story) -> Story:
    if story.deleted:
        raise NotFound("generation_deleted", f"The media of {story.id} was deleted.")
    return story
