"""`/v1/governance`: asking without spending, other media, finished files, approvals, recalls."""

from typing import Any, Literal, get_args

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from governance.api import presenting
from governance.api.calls import Call, Spent, Unspent
from governance.api.requests import form_fields, generation_request, governed_request
from governance.api.videos import create
from governance.domain import Media
from governance.evidence.story import State
from governance.kernel.errors import Conflict, InvalidRequest
from governance.lifecycle import commands, submitting
from governance.lifecycle.commands import Choice
from governance.lifecycle.submitting import Caller, Import
from governance.marking.probe import inspect
from governance.marking.read import vendor_marks

router = APIRouter(prefix="/v1/governance", tags=["Governance"])
SourceType = Literal[
    "trainedAlgorithmicMedia", "algorithmicMedia", "compositeWithTrainedAlgorithmicMedia"
]
MEDIA_OF = {"video/mp4": "video", "image/png": "image", "image/jpeg": "image", "audio/wav": "audio"}
EXAMPLE = {
    "media": "video",
    "model": "auto",
    "prompt": "A lighthouse at dusk, slow drift, calm sea",
    "seconds": 4,
    "size": "1280x720",
    "governance": {"project": "spring-campaign", "territories": ["EU"], "deep_fake": "no"},
}
JSON_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}, "example": EXAMPLE}},
    }
}


class Body(BaseModel):
    """A JSON body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class ApprovalBody(Body):
    decision: Literal["approve", "refuse"]
    reason: str = Field(examples=["within_budget"])
    comment: str = Field("", max_length=2000)


class RecallBody(Body):
    reason: str = Field(pattern="^[a-z][a-z0-9_]{0,63}$", examples=["consent_withdrawn"])


@router.post("/preflight", openapi_extra=JSON_BODY)
async def preflight(request: Request, call: Spent) -> dict[str, Any]:
    """Decision, duties and quote for a request; nothing is spent, started or recorded."""
    fields = call.json()
    asked = generation_request(call.principal.organisation, fields, request.headers, _media(fields))
    await call.allow("preflight", "create", asked.project)
    return presenting.assessment(submitting.assess(call.context, asked, call.principal))


@router.post("/generations", openapi_extra=JSON_BODY)
async def create_generation(request: Request, call: Unspent) -> JSONResponse:
    """Ask for a video, an image or a sound; `POST /v1/videos` for all media."""
    fields = call.json()
    return await create(request, call, fields, _media(fields))


@router.get("/generations/{generation}")
async def get_generation(generation: str, call: Spent) -> dict[str, Any]:
    """The whole story of a generation, as its records tell it."""
    story = await call.story(generation, "generation", "read")
    return {"object": "generation", "story": story.as_dict()}


@router.post("/assets")
async def import_asset(request: Request, call: Unspent) -> JSONResponse:
    """Admit a finished file from outside (form field `file`) into the same road at `fetched`.

    `source_type` says what it is (IPTC digital source type); `ingredients`: ids of generations of
    this service that it was made from, separated by commas.
    """
    async with request.form(max_files=1, max_fields=64) as form:
        upload = form.get("file")
        if not isinstance(upload, UploadFile):
            raise InvalidRequest(
                "file_missing", "Send the file as form field `file`.", param="file"
            )
        return await _import(request, call, form_fields(form), upload)


@router.post("/generations/{generation}/approval")
async def approve(generation: str, body: ApprovalBody, call: Spent) -> dict[str, Any]:
    """A person allows or refuses the spend before generation."""
    await call.story(generation, "approval", "decide")
    choice = Choice(body.decision, body.reason, body.comment)
    story = await run_in_threadpool(
        commands.approve_spend, call.context, generation, call.principal, choice
    )
    call.engine.wake()
    return presenting.governance(story)


@router.post("/generations/{generation}/recall")
async def recall(generation: str, body: RecallBody, call: Spent) -> dict[str, Any]:
    """Take a released file back."""
    await call.story(generation, "asset", "recall")
    story = await run_in_threadpool(
        commands.recall, call.context, generation, call.principal, body.reason
    )
    return presenting.governance(story)


async def _import(
    request: Request, call: Call, fields: dict[str, Any], upload: UploadFile
) -> JSONResponse:
    context = call.context
    organisation = call.principal.organisation
    source_type = fields.get("source_type", "compositeWithTrainedAlgorithmicMedia")
    if source_type not in get_args(SourceType):
        raise InvalidRequest(
            "source_type_invalid",
            f"`source_type` is one of {', '.join(get_args(SourceType))}.",
            param="source_type",
        )
    with context.media.staging() as path:
        path.write_bytes(await upload.read())
        asset = await run_in_threadpool(inspect, path)
        asked = governed_request(
            organisation,
            fields,
            request.headers,
            media=MEDIA_OF[asset.media_type],
            model="",
            prompt=str(fields.get("description") or ""),
            seconds=round(asset.seconds),
            width=asset.width,
            height=asset.height,
        )
        answer = await call.allow("asset", "import", asked.project)
        imported = Import(
            asset=asset,
            source_type=source_type,
            vendor_marks=vendor_marks(path, asset.media_type),
            ingredients=await _ingredients(call, fields.get("ingredients", "")),
        )
        caller = Caller(call.principal, answer, call.signed, request.headers.get("idempotency-key"))
        submission = submitting.prepare_import(context, asked, imported, caller)
        context.media.keep(path, submission.generation)
    story = await context.database.write_async(
        lambda connection: submitting.commit(connection, context, submission)
    )
    if story.id != submission.generation or story.state == State.DENIED:
        context.media.remove(submission.generation)
    call.engine.wake()
    return JSONResponse(presenting.video(story))


async def _ingredients(call: Call, value: str) -> tuple[tuple[str, str], ...]:
    """The released files of the generations named; each must be one that the caller may read."""
    found: list[tuple[str, str]] = []
    for generation in filter(None, (part.strip() for part in value.split(","))):
        story = await call.story(generation, "generation", "read")
        if story.state != State.RELEASED or story.deleted or story.delivered_file is None:
            raise Conflict(
                "ingredient_not_released", f"{generation} is {story.state}, so it is no ingredient."
            )
        found.append((story.id, story.delivered_file["digest"]))
    return tuple(found)


def _media(fields: dict[str, Any]) -> Media:
    media = fields.get("media", "video")
    if media not in get_args(Media):
        raise InvalidRequest(
            "media_invalid", f"`media` is one of {', '.join(get_args(Media))}.", param="media"
        )
    chosen: Media = media
    return chosen
