"""`/v1/videos` and `/v1/models` in the OpenAI shape: an official client works as it is.

https://platform.openai.com/docs/api-reference/videos (retired by its vendor, served by many).
"""

from dataclasses import replace
from typing import Any, get_args

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from governance.api import presenting, receipts
from governance.api.calls import Call, Spent
from governance.api.intake import Intake
from governance.api.orders import Files, Ordered, Ordering, on_disk
from governance.api.permissions import requires
from governance.api.requests import fields_of, generation_request, inherited_fields
from governance.domain import GenerationRequest, Media, Principal, Task
from governance.evidence.story import ENDS, State, Story
from governance.kernel import clock, ids
from governance.kernel.errors import Conflict, Denied, InvalidRequest, NotFound
from governance.lifecycle import commands, inputs, producing, submitting, variants
from governance.lifecycle.context import Context
from governance.lifecycle.inputs import takes_source
from governance.lifecycle.submitting import Caller, Submission
from governance.lifecycle.variants import Variant
from governance.lifecycle.views import find, page

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

DERIVE = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "example": {
                    "prompt": "The same with rain",
                    "video": {"id": "gen_0198b7c2d3e44f5a8b9c0d1e2f3a4b5c"},
                },
            },
        },
    }
}


@router.post("/v1/videos", openapi_extra=CREATE)
@requires("generation", "create", "project")
async def create_video(order: Ordered) -> JSONResponse:
    """Ask for a video. Decided and recorded when this answers; the engine does the rest.

    `input_reference` is the picture that it begins with: a file of a form, or in JSON an object
    whose `image_url` is a data URL. `last_frame` and `reference` are further files of a form.
    """
    return await create(order.request, order.call, order.fields, "video", order.files)


@router.post("/v1/videos/{video_id}/remix", openapi_extra=CREATE)
@requires("generation", "create", "project")
async def remix_video(video_id: str, order: Ordered) -> JSONResponse:
    """The same again with another prompt; what is left out is as it was."""
    return await _derive(order, video_id, "remix")


@router.post("/v1/videos/edits", openapi_extra=DERIVE)
@requires("generation", "create", "project")
async def edit_video(order: Ordered) -> JSONResponse:
    """Change a video of this service, named as `video[id]`, as the prompt says."""
    return await _derive(order, _video_of(order), "edit")


@router.post("/v1/videos/extensions", openapi_extra=DERIVE)
@requires("generation", "create", "project")
async def extend_video(order: Ordered) -> JSONResponse:
    """Go on where a video of this service, named as `video[id]`, ends."""
    return await _derive(order, _video_of(order), "extend")


async def create(
    request: Request, call: Call, fields: dict[str, Any], media: Media, files: Files = ()
) -> JSONResponse:
    """Decide, record, answer; shared with the other media."""
    asked = generation_request(call.principal.organisation, fields, request.headers, media)
    story, receipt = await submit(request, call, asked, files)
    return answered(story, receipt, asked.prompt)


async def _derive(order: Ordering, parent: str, task: Task) -> JSONResponse:
    """Another version of a generation that the caller may read."""
    call = order.call
    await call.projects()  # who may ask for nothing does not learn what is there
    story = await call.story(parent)
    await call.asking("generation", "read").allow_on(story)
    fields = {**fields_of(story), **order.fields}
    fields["governance"] = inherited_fields(story, order.fields)
    fields.pop("video", None)
    media = story.request["media"]
    asked = generation_request(call.principal.organisation, fields, order.request.headers, media)
    asked = replace(asked, parent=story.id, task=task)
    source = story if takes_source(task) else None
    if source is not None and media == "video":
        is_said = order.fields.get("seconds") is not None
        asked = inputs.covering(asked, source, is_said=is_said)
    made, receipt = await submit(order.request, call, asked, order.files, source)
    return answered(made, receipt, asked.prompt)


def _video_of(order: Ordering) -> str:
    named = order.fields.get("video")
    given = named.get("id") if isinstance(named, dict) else order.fields.get("video[id]", named)
    if not isinstance(given, str) or not given:
        raise InvalidRequest(
            "video_missing", "Name the video of this service: `video` with its `id`.", param="video"
        )
    return given


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


async def submit(
    request: Request,
    call: Call,
    asked: GenerationRequest,
    files: Files = (),
    source: Story | None = None,
) -> tuple[Story, str]:
    """The hot path: one authorization, one decision, one group commit; its receipt's digest.

    files: that came with the request; source: the generation whose file it works from.
    """
    context, key = call.context, request.headers.get("idempotency-key") or None
    project = await run_in_threadpool(project_of, context, call.principal, key, asked)
    caller = Caller(call.principal, await call.allow_in(project), call.signed, key)
    try:
        if files or source is not None:
            made = await run_in_threadpool(_submit_with, context, asked, caller, files, source)
        else:
            submission = submitting.prepare(context, asked, caller)
            made = await context.database.write_async(lambda c: receipted(c, context, submission))
    except Denied as denied:
        await call.record(denied)
        raise
    call.engine.wake()
    return made


def project_of(
    context: Context, principal: Principal, key: str | None, asked: GenerationRequest
) -> str:
    """Where a request belongs: a repeated one to where the first went, whatever changed since."""
    if asked.production is None and asked.parent is None:
        return asked.project
    before = submitting.earlier(context, principal, key)
    if before is not None:
        return str(before.request["project"])
    return producing.membership(context, asked).request.project


def _submit_with(
    context: Context, asked: GenerationRequest, caller: Caller, files: Files, source: Story | None
) -> tuple[Story, str]:
    """`submit` for a request with input files; blocking."""
    generation = ids.new_id("gen")
    with (
        on_disk(context, files) as brought,
        inputs.keeping(context, generation, brought, source) as kept,
    ):
        digests = tuple(file.digest for file in kept)
        asked = replace(asked, inputs=kept, references=digests)
        submission = submitting.prepare(context, asked, caller, generation)
        return context.database.write(lambda c: receipted(c, context, submission))


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
    story = await call.story(video_id)
    act = commands.delete if story.state in ENDS else commands.cancel
    await run_in_threadpool(act, call.context, video_id, call.principal)
    _present(story)  # of what was deleted before, files that were left are gone now
    return {"id": video_id, "object": "video.deleted", "deleted": True}


@router.get("/v1/videos/{video_id}/content", response_class=FileResponse)
@requires("generation", "download", "generation")
async def get_content(
    video_id: str, request: Request, call: Spent, variant: str = "video"
) -> Response:
    """Download a released file. `asset.delivered` is recorded before the first byte leaves.

    `variant`: of a video, `thumbnail` and `spritesheet` are JPEGs that bear its marks, `manifest`
    its C2PA manifests as JSON.
    """
    _require_variant(variant)
    _present(await call.story(video_id))
    if variant == "video":
        story = await run_in_threadpool(
            commands.deliver, call.context, video_id, call.principal, "api"
        )
        return _file(call, story)
    intake: Intake = request.app.state.intake
    content, media_type = await intake.check(lambda: _variant(call, video_id, variant))
    return Response(content, media_type=media_type)


def _variant(call: Call, video_id: str, variant: str) -> tuple[bytes, str]:
    """Made first, then recorded, then handed over; blocking."""
    context = call.context
    with context.database.read() as session:
        story = find(session, video_id, call.principal.organisation)
    if story.state != State.RELEASED:
        raise Conflict("not_released", f"The generation is {story.state}, not released.")
    if variant == "manifest":
        content, media_type = variants.manifest(context, story), "application/json"
    else:
        with variants.picture(context, story, variant) as path:
            content, media_type = path.read_bytes(), "image/jpeg"
    commands.deliver(context, video_id, call.principal, "api", variant)
    return content, media_type


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
    providers, organisation = call.context.providers, call.principal.organisation
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
                **call.context.knowledge.describe(organisation, model),
            },
        }
        for model in call.context.catalogue.models
        if (provider := providers.get(organisation, model.provider or "")) is not None
        and provider.configured()
        and not model.retired(clock.now().date())
    ]
    return {"object": "list", "data": usable}


def _require_variant(variant: str) -> None:
    if variant not in get_args(Variant):
        offered = ", ".join(get_args(Variant))
        raise InvalidRequest("variant_unknown", f"`variant` is one of {offered}.", param="variant")


def _file(call: Call, story: Story) -> FileResponse:
    file = story.delivered_file or {}
    path = call.context.media.path(story.id, file["digest"])
    headers = {"x-content-sha256": file["digest"]}
    return FileResponse(path, media_type=file["media_type"], headers=headers)


def _present(story: Story) -> Story:
    if story.deleted:
        raise NotFound("generation_deleted", f"The media of {story.id} was deleted.")
    return story
