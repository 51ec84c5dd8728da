"""`/v1/governance`: asking without spending, all media, finished files."""

from pathlib import Path
from typing import Any, Literal, get_args

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from governance.api import presenting
from governance.api.calls import Call, Spent, Unspent
from governance.api.permissions import requires
from governance.api.requests import (
    FIELDS,
    form_fields,
    generation_request,
    governed_request,
    require_known,
)
from governance.api.uploads import Uploaded, write_to
from governance.api.videos import answered, create, project_of, receipted
from governance.domain import Asset, Mark, Media
from governance.evidence.story import State
from governance.kernel.errors import Conflict, Denied, InvalidRequest
from governance.lifecycle import producing, submitting
from governance.lifecycle.submitting import Caller, Import
from governance.marking.probe import inspect
from governance.marking.read import vendor_marks

router = APIRouter(prefix="/v1/governance", tags=["Governance"])
SourceType = Literal[
    "trainedAlgorithmicMedia", "algorithmicMedia", "compositeWithTrainedAlgorithmicMedia"
]
MAX_INGREDIENTS = 16
IMPORT_FIELDS = ("source_type", "ingredients", "description", "governance", "metadata")
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


FILE_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                },
                "example": {
                    "file": "(the finished file)",
                    "source_type": "compositeWithTrainedAlgorithmicMedia",
                    "ingredients": "gen_0198b7c2d3e44f5a8b9c0d1e2f3a4b5c",
                    "governance": '{"project": "spring-campaign", "territories": ["EU"]}',
                },
            }
        },
    }
}


@router.post("/preflight", openapi_extra=JSON_BODY)
@requires("preflight", "create", "project")
async def preflight(request: Request, call: Spent) -> dict[str, Any]:
    """Decision, duties and quote for a request; nothing is spent, started or recorded."""
    fields = call.json()
    require_known(fields, FIELDS)
    asked = generation_request(call.principal.organisation, fields, request.headers, _media(fields))
    asked = (await run_in_threadpool(producing.membership, call.context, asked)).request
    await call.allow_in(asked.project)
    return presenting.assessment(submitting.assess(call.context, asked, call.principal))


@router.post("/generations", openapi_extra=JSON_BODY)
@requires("generation", "create", "project")
async def create_generation(request: Request, call: Unspent) -> JSONResponse:
    """Ask for a video, an image or a sound; `POST /v1/videos` for all media."""
    fields = call.json()
    require_known(fields, FIELDS)
    return await create(request, call, fields, _media(fields))


@router.get("/generations/{generation}")
@requires("generation", "read", "generation")
async def get_generation(generation: str, call: Spent) -> dict[str, Any]:
    """The whole story of a generation, as its records tell it."""
    story = await call.story(generation)
    return {"object": "generation", "story": story.as_dict()}


@router.post("/assets", openapi_extra=FILE_BODY)
@requires("asset", "import", "project")
async def import_asset(upload: Uploaded) -> JSONResponse:
    """Admit a finished file from outside (form field `file`) into the same road at `fetched`.

    `source_type` says what it is (IPTC digital source type); `ingredients`: ids of generations of
    this service that it was made from, separated by commas.
    """
    async with upload.request.form(max_files=1, max_fields=64) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise InvalidRequest(
                "file_missing", "Send the file as form field `file`.", param="file"
            )
        fields = form_fields(form)
        require_known(fields, IMPORT_FIELDS)
        return await _import(upload.request, upload.call, fields, file)


async def _import(
    request: Request, call: Call, fields: dict[str, Any], file: UploadFile
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
        asset, marks = await run_in_threadpool(_look_at, file, path)
        asked = governed_request(
            organisation,
            fields,
            request.headers,
            media=asset.media_type.partition("/")[0],
            model="",
            prompt=str(fields.get("description") or ""),
            seconds=round(asset.seconds),
            width=asset.width,
            height=asset.height,
        )
        key = request.headers.get("idempotency-key") or None
        project = await run_in_threadpool(project_of, context, call.principal, key, asked)
        answer = await call.allow_in(project)
        imported = Import(
            asset=asset,
            source_type=source_type,
            vendor_marks=marks,
            ingredients=await _ingredients(call, fields.get("ingredients", "")),
        )
        caller = Caller(call.principal, answer, call.signed, key, call.is_spent)
        try:
            submission = submitting.prepare_import(context, asked, imported, caller)
        except Denied as denied:
            await call.record(denied)
            raise
        await run_in_threadpool(context.media.keep, path, submission.generation)
    try:
        story, receipt = await context.database.write_async(
            lambda connection: receipted(connection, context, submission)
        )
    except Exception:
        context.media.remove(submission.generation)
        raise
    if story.id != submission.generation or story.state == State.DENIED:
        context.media.remove(submission.generation)
    call.engine.wake()
    return answered(story, receipt)


def _look_at(file: UploadFile, path: Path) -> tuple[Asset, tuple[Mark, ...]]:
    """Store an upload under `path`; what it is, and the marks that it came with."""
    write_to(path, file)
    asset = inspect(path)
    return asset, vendor_marks(path, asset.media_type)


async def _ingredients(call: Call, value: str) -> tuple[tuple[str, str], ...]:
    """The released files of the generations named; each must be one that the caller may read."""
    named = list(dict.fromkeys(filter(None, (part.strip() for part in value.split(",")))))
    if len(named) > MAX_INGREDIENTS:
        raise InvalidRequest(
            "ingredients_invalid",
            f"At most {MAX_INGREDIENTS} generations can be named as ingredients.",
            param="ingredients",
        )
    found: list[tuple[str, str]] = []
    reading = call.asking("generation", "read")
    for generation in named:
        story = await reading.story(generation)
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
