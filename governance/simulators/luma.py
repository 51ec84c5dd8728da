"""Luma's Dream Machine over real HTTP: Ray2 and Ray2 Flash. Faults: see `luma_jobs`."""

from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request, Response

from governance.simulators import luma_jobs, serving
from governance.simulators.luma_jobs import Generation, State, require, state_of

KEY = "luma-simulated-dream-key"
RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21")
SIDES = {"540p": 540, "720p": 720, "1080p": 1080, "4k": 2160}
FIELDS = {
    "aspect_ratio",
    "callback_url",
    "concepts",
    "duration",
    "generation_type",
    "keyframes",
    "loop",
    "model",
    "prompt",
    "resolution",
}


class SimulatedLuma(serving.Simulation[State]):
    """url: `http://127.0.0.1:…/dream-machine/v1`."""

    def __init__(self, key: str = KEY, delay: float = 0.0, port: int = 0) -> None:
        state = State(key, delay)
        super().__init__(build(state), state, state.by_prompt, port, "/dream-machine/v1")


def build(state: State) -> FastAPI:
    """The application over one state."""
    app = luma_jobs.application(state)
    routes = APIRouter(prefix="/dream-machine/v1/generations", dependencies=luma_jobs.AUTHENTICATED)
    routes.add_api_route("/video", _create, methods=["POST"])
    routes.add_api_route("/{generation_id}", _retrieve, methods=["GET"])
    app.include_router(routes)
    return app


async def _create(request: Request) -> Response:
    body = await luma_jobs.read(request)
    prompt = str(body.get("prompt", ""))
    if "[[quota]]" in prompt:
        raise HTTPException(400, "Insufficient credits.")
    if body.keys() - FIELDS:
        raise HTTPException(422, f"Unknown fields: {sorted(body.keys() - FIELDS)}.")
    if len(prompt) < 3:
        raise HTTPException(400, "Prompt is too short, minimum length is 3 characters.")
    require(body, "model", ("ray-2", "ray-flash-2"))
    side = SIDES[require(body, "resolution", tuple(SIDES))]
    width, height = luma_jobs.pixels(side, require(body, "aspect_ratio", RATIOS))
    seconds = int(require(body, "duration", ("5s", "9s")).removesuffix("s"))
    generation = state_of(request).accept(Generation(body, seconds, width, height))
    return await luma_jobs.answer(request, generation, _wire(request, generation))


async def _retrieve(request: Request, generation_id: str) -> Response:
    return luma_jobs.retrieve(request, generation_id, _wire)


def _wire(request: Request, generation: Generation) -> dict[str, Any]:
    """The job as JSON, as far as it has come by now."""
    share = state_of(request).share(generation)
    reason = _failure(generation.prompt) if share >= 1 else None
    state = "completed" if share >= 1 else "dreaming" if share > 0.3 else "queued"
    is_made = share >= 1 and reason is None
    return {
        "id": generation.id,
        "generation_type": "video",
        "state": "failed" if reason else state,
        "failure_reason": reason,
        "created_at": "2026-11-23T00:00:00Z",
        "assets": {"video": luma_jobs.address(request, generation)} if is_made else None,
        "model": generation.body["model"],
        "request": generation.body,
    }


def _failure(prompt: str) -> str | None:
    if "[[late-moderate]]" in prompt:
        return f"Advanced prompt moderation failed: {prompt}"
    return "Job processing failed" if "[[fail]]" in prompt else None
