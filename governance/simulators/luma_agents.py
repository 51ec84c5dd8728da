"""Luma Agents over real HTTP: Ray 3.2 and Uni-1. Faults: see `luma_jobs`, and

[[code image_too_large]]   accepts, then the job fails with that `failure_code`
"""

import base64
import binascii
import re
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request, Response

from governance.simulators import luma_jobs, serving
from governance.simulators.luma_jobs import Generation, State, require, state_of

KEY = "luma-simulated-agents-key"
VIDEO_RATIOS = ("9:16", "3:4", "1:1", "4:3", "16:9", "21:9")
IMAGE_RATIOS = ("3:1", "2:1", "16:9", "3:2", "1:1", "2:3", "9:16", "1:2", "1:3")
SIDES = {"360p": 360, "540p": 540, "720p": 720, "1080p": 1080}
IMAGE_SIDE = 1024
MODELS = {
    "video": ("ray-3.2",),
    "video_edit": ("ray-3.2",),
    "image": ("uni-1", "uni-1-max"),
    "image_edit": ("uni-1", "uni-1-max"),
}
GRID = 24  # guide frames a second


class SimulatedLumaAgents(serving.Simulation[State]):
    """url: `http://127.0.0.1:…/v1`."""

    def __init__(self, key: str = KEY, delay: float = 0.0, port: int = 0) -> None:
        state = State(key, delay)
        super().__init__(build(state), state, state.by_prompt, port, "/v1")


def build(state: State) -> FastAPI:
    """The application over one state."""
    app = luma_jobs.application(state)
    routes = APIRouter(prefix="/v1/generations", dependencies=luma_jobs.AUTHENTICATED)
    routes.add_api_route("", _create, methods=["POST"])
    routes.add_api_route("/{generation_id}", _retrieve, methods=["GET"])
    app.include_router(routes)
    return app


async def _create(request: Request) -> Response:
    body = await luma_jobs.read(request)
    prompt = str(body.get("prompt", ""))
    if "[[quota]]" in prompt:
        raise HTTPException(402, "Insufficient balance.")
    if not 1 <= len(prompt) <= 6000:
        raise HTTPException(400, "The prompt must have 1 to 6000 characters.")
    kind = require(body, "type", tuple(MODELS))
    require(body, "model", MODELS[kind])
    seconds, (width, height) = _video(body) if kind.startswith("video") else _image(body)
    generation = state_of(request).accept(Generation(body, seconds, width, height))
    return await luma_jobs.answer(request, generation, _wire(request, generation))


def _video(body: dict[str, Any]) -> tuple[int, tuple[int, int]]:
    options = body.get("video") or {}
    side = SIDES[require(options, "resolution", tuple(SIDES))]
    if body["type"] == "video_edit":
        _require_media(body.get("source"), "video/")
        return 5, luma_jobs.pixels(side, "16:9")
    seconds = int(require(options, "duration", ("5s", "10s")).removesuffix("s"))
    frames = options.get("keyframes", [])
    for frame in frames:
        _require_media(frame, "image/")
    indexes = options.get("keyframe_indexes", [])
    if len(indexes) != len(frames) or any(index > seconds * GRID for index in indexes):
        raise HTTPException(422, "keyframe_indexes must name a place for each keyframe.")
    return seconds, luma_jobs.pixels(side, require(body, "aspect_ratio", VIDEO_RATIOS))


def _image(body: dict[str, Any]) -> tuple[int, tuple[int, int]]:
    require(body, "output_format", (None, "png", "jpeg"))
    if body["type"] == "image_edit":
        _require_media(body.get("source"), "image/")
    references = body.get("image_ref", [])
    if len(references) > (9 if body["type"] == "image" else 8):
        raise HTTPException(422, "Too many reference images.")
    for reference in references:
        _require_media(reference, "image/")
    return 0, luma_jobs.pixels(IMAGE_SIDE, require(body, "aspect_ratio", IMAGE_RATIOS))


def _require_media(reference: Any, kind: str) -> None:
    """Inline data of that kind; the real API also takes addresses and earlier jobs."""
    try:
        base64.b64decode(reference["data"], validate=True)
        is_kind = reference["media_type"].startswith(kind)
    except (TypeError, KeyError, binascii.Error):
        is_kind = False
    if not is_kind:
        raise HTTPException(422, f"Bad media data: {kind}… is needed.")


async def _retrieve(request: Request, generation_id: str) -> Response:
    return luma_jobs.retrieve(request, generation_id, _wire)


def _wire(request: Request, generation: Generation) -> dict[str, Any]:
    """The job as JSON, as far as it has come by now."""
    share = state_of(request).share(generation)
    code = _failure(generation.prompt) if share >= 1 else None
    state = "completed" if share >= 1 else "processing" if share > 0.3 else "queued"
    kind = "video" if generation.seconds else "image"
    output = {"type": kind, "url": luma_jobs.address(request, generation)}
    return {
        "id": generation.id,
        "type": generation.body["type"],
        "model": generation.body["model"],
        "state": "failed" if code else state,
        "created_at": "2026-11-23T00:00:00Z",
        "output": [output] if share >= 1 and code is None else None,
        "failure_code": code,
        "failure_reason": f"It did not work out: {generation.prompt}" if code else None,
    }


def _failure(prompt: str) -> str | None:
    if "[[late-moderate]]" in prompt:
        return "content_moderated"
    if (ordered := re.search(r"\[\[code (\w+)\]\]", prompt)) is not None:
        return ordered[1]
    return "generation_failed" if "[[fail]]" in prompt else None
