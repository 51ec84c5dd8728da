"""A vendor with the `/v1/videos` shape over real HTTP, whose faults are ordered in the prompt.

    [[moderate]]         refuses at creation: 400 `moderation_blocked`
    [[late-moderate]]    accepts, then the job fails with `moderation_blocked`
    [[fail]]             accepts, then the job fails with `server_error`
    [[failed-http]]      the same, told as HTTP 500 with the job as body (as vLLM-Omni always does)
    [[429]] [[quota]]    429 `rate_limit_exceeded` with `retry-after`; 429 `insufficient_quota`
    [[no-model]]         404 `model_not_found`
    [[invalid]]          422 that echoes the input, as FastAPI servers do (SGLang)
    [[500]] [[drop]]     accept the job, then: 500; close the connection without an answer
    [[hang]] [[garbled]] accept the job, then: never answer; answer with broken JSON
    [[garbage]]          GET answers with broken JSON; [[poll-500]]: twice with 500, then as usual
    [[odd-status]]       GET answers with a status that is in no specification
    [[wrong-media]]      the content is a web page; [[huge]]: it does not end
    [[redirect]]         the content is said to lie on another host; [[expired]]: it is gone
    [[cut]]              the connection closes in the middle of the content
    [[no-cancel]]        DELETE is refused, and the job goes on

The flavours differ as SGLang 0.5.23 and vLLM-Omni 0.30.0 do: who takes JSON, how errors look, what
a failed job's status code is, what DELETE does, whether `variant` may be named.
`GET /_control/posts` counts what arrived. State lies in memory.
"""

import argparse
import itertools
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import uvicorn
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import UploadFile

from governance.simulators import clip, mischief, serving

Flavour = Literal["openai", "sglang", "vllm"]

KEY = "simulated-vendor-key"
RETRY_AFTER = 7
ID_PREFIX: dict[Flavour, str] = {"openai": "video_", "sglang": "", "vllm": "video_gen_"}
GPU_SECONDS_PER_SECOND = 12.5


@dataclass
class Video:
    """One accepted job. form, image: what came with it."""

    id: str
    prompt: str
    model: str
    seconds: int
    width: int
    height: int
    form: dict[str, str]
    image: bytes
    created_at: int = field(default_factory=lambda: int(time.time()))
    started: float = field(default_factory=time.monotonic)
    polls: int = 0
    downloads: int = 0


class State:
    """What the vendor knows. delay: seconds from acceptance to completion."""

    def __init__(self, key: str, delay: float, flavour: Flavour = "openai") -> None:
        self.key = key
        self.flavour = flavour
        self.delay = delay
        self.videos: dict[str, Video] = {}
        self.by_key: Counter[str] = Counter()
        self.by_prompt: Counter[str] = Counter()
        self.trapped = 0
        self.numbers = itertools.count(1)

    def accept(self, form: dict[str, str], image: bytes = b"") -> Video:
        """Raises ValueError for a size or a length that is none."""
        width, _, height = form.get("size", "1280x720").partition("x")
        video = Video(
            id=f"{ID_PREFIX[self.flavour]}{next(self.numbers):06d}",
            prompt=form["prompt"],
            model=form.get("model", "simulated"),
            seconds=int(form.get("seconds", "4")),
            width=int(width),
            height=int(height),
            form=form,
            image=image,
        )
        self.videos[video.id] = video
        return video

    def wire(self, video: Video) -> dict[str, Any]:
        """The job as JSON, as far as it has come by now."""
        share = (time.monotonic() - video.started) / self.delay if self.delay else 1.0
        done = share >= 1
        status = "completed" if done else "in_progress" if share > 0.3 else "queued"
        error = _failure(video.prompt) if done else None
        if error and self.flavour == "sglang":
            error = {"message": error["message"]}
        body = {
            "id": video.id,
            "object": "video",
            "model": video.model,
            "status": "failed" if error else status,
            "progress": 100 if done else int(share * 100),
            "created_at": video.created_at,
            "completed_at": int(time.time()) if done else None,
            "expires_at": None,
            "prompt": video.prompt,
            "size": f"{video.width}x{video.height}",
            "seconds": str(video.seconds),
            "remixed_from_video_id": None,
            "error": error,
        }
        if self.flavour != "openai":
            spent = video.seconds * GPU_SECONDS_PER_SECOND if done else None
            body |= {"inference_time_s": spent, "peak_memory_mb": 40_960.0 if done else None}
        return body


class SimulatedVendor(serving.Simulation[State]):
    """url: `http://127.0.0.1:…/v1`."""

    def __init__(
        self, key: str = KEY, delay: float = 0.0, port: int = 0, flavour: Flavour = "openai"
    ) -> None:
        state = State(key, delay, flavour)
        super().__init__(build(state), state, state.by_key, port, "/v1")


def build(state: State) -> FastAPI:
    """The application over one state."""
    app = FastAPI(openapi_url=None)
    app.state.vendor = state
    app.add_exception_handler(HTTPException, _unauthorized)
    videos = APIRouter(prefix="/v1/videos", dependencies=[Depends(_authenticate)])
    videos.add_api_route("", _create, methods=["POST"])
    videos.add_api_route("", _list, methods=["GET"])
    videos.add_api_route("/{video_id}", _retrieve, methods=["GET"])
    videos.add_api_route("/{video_id}", _delete, methods=["DELETE"])
    videos.add_api_route("/{video_id}/content", _content, methods=["GET"])
    app.include_router(videos)
    app.add_api_route("/_control/posts", _posts, methods=["GET"])
    app.add_api_route("/_control/trap", _trap, methods=["GET"])
    return app


def _authenticate(request: Request) -> None:
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if given != _state(request).key:
        raise HTTPException(401, f"Incorrect API key provided: {given}.")


def _unauthorized(request: Request, problem: Exception) -> Response:
    return _error(request, 401, "invalid_api_key", str(getattr(problem, "detail", "")))


async def _create(request: Request) -> Response:
    state = _state(request)
    image = b""
    if request.headers.get("content-type", "").startswith("application/json"):
        if state.flavour == "vllm":
            missing = {"type": "missing", "loc": ["body", "prompt"], "msg": "Field required"}
            return JSONResponse({"detail": [missing]}, 422)
        form = {key: str(value) for key, value in (await request.json()).items()}
    else:
        async with request.form() as sent:
            form = {key: value for key, value in sent.items() if isinstance(value, str)}
            if isinstance(file := sent.get("input_reference"), UploadFile):
                image = await file.read()
    prompt = form.get("prompt", "")
    state.by_key[request.headers.get("idempotency-key", "")] += 1
    state.by_prompt[prompt] += 1
    if (refusal := _refusal(request, form)) is not None:
        return refusal
    try:
        video = state.accept(form, image)
    except ValueError:
        return _error(request, 400, "invalid_value", "Invalid 'size' or 'seconds'.")
    await mischief.lose(request, prompt)
    if "[[500]]" in prompt:
        return _error(request, 500, "server_error", "The server had an error.")
    if "[[garbled]]" in prompt:
        return _broken(video)
    return JSONResponse(state.wire(video))


def _refusal(request: Request, form: dict[str, str]) -> Response | None:
    """The answer to a creation that is not accepted."""
    prompt, model = form.get("prompt", ""), form.get("model")
    if not 1 <= len(prompt) <= 32_000:
        problem = "Missing required parameter: 'prompt'."
        return _error(request, 400, "missing_required_parameter", problem)
    if "[[moderate]]" in prompt:
        problem = "Your request was blocked by our moderation."
        return _error(request, 400, "moderation_blocked", problem)
    if "[[429]]" in prompt:
        wait = {"retry-after": str(RETRY_AFTER)}
        return _error(request, 429, "rate_limit_exceeded", "Rate limit reached.", wait)
    if "[[quota]]" in prompt:
        problem = "You exceeded your current quota."
        return _error(request, 429, "insufficient_quota", problem)
    if "[[no-model]]" in prompt:
        return _error(request, 404, "model_not_found", f"The model '{model}' does not exist.")
    if "[[invalid]]" in prompt:
        return JSONResponse({"detail": [{"loc": ["body", "size"], "input": form}]}, 422)
    return None


async def _list(
    request: Request, after: str = "", limit: int = 20, order: str = "desc"
) -> Response:
    state = _state(request)
    videos = sorted(state.videos.values(), key=lambda v: v.id, reverse=order == "desc")
    names = [video.id for video in videos]
    start = names.index(after) + 1 if after in names else 0
    page = videos[start : start + limit]
    return JSONResponse(
        {
            "object": "list",
            "data": [state.wire(video) for video in page],
            "first_id": page[0].id if page else None,
            "last_id": page[-1].id if page else None,
            "has_more": start + limit < len(videos),
        }
    )


async def _retrieve(request: Request, video_id: str) -> Response:
    state = _state(request)
    video = state.videos.get(video_id)
    if video is None:
        return _missing(request, video_id)
    video.polls += 1
    if "[[garbage]]" in video.prompt:
        return _broken(video)
    if "[[poll-500]]" in video.prompt and video.polls <= 2:
        return _error(request, 500, "server_error", "The server had an error.")
    body = state.wire(video)
    if "[[odd-status]]" in video.prompt:
        body["status"] = "contemplating"
    has_failed = body["status"] == "failed"
    as_error = has_failed and (state.flavour == "vllm" or "[[failed-http]]" in video.prompt)
    return JSONResponse(body, 500 if as_error else 200)


async def _delete(request: Request, video_id: str) -> Response:
    """vLLM-Omni aborts the job; SGLang forgets it and works on; OpenAI's must be finished."""
    state = _state(request)
    video = state.videos.get(video_id)
    if video is None:
        return _missing(request, video_id)
    is_running = state.wire(video)["status"] in ("queued", "in_progress")
    if "[[no-cancel]]" in video.prompt or (is_running and state.flavour == "openai"):
        return _error(request, 409, "conflict", "The video is still being generated.")
    del state.videos[video_id]
    if state.flavour == "sglang":
        return JSONResponse(state.wire(video) | {"status": "deleted"})
    return JSONResponse({"id": video_id, "object": "video.deleted", "deleted": True})


def _content(request: Request, video_id: str, variant: str = "") -> Response:
    state = _state(request)
    video = state.videos.get(video_id)
    if video is None or "[[expired]]" in video.prompt or (variant and state.flavour == "sglang"):
        return _missing(request, video_id)
    status = state.wire(video)["status"]
    if status == "failed" and state.flavour == "vllm":
        return _error(request, 422, "generation_failed", "The generation failed.")
    video.downloads += 1
    if refused := mischief.refused(video.prompt, video.downloads + 1):  # its first is the second
        return _error(request, refused, "rate_limit_exceeded", "Not now.")
    if status != "completed":
        return _error(request, 404, "not_ready", "The video is not ready.")
    media = _media(video.prompt, video.seconds, video.width, video.height)
    return mischief.delivered(request, video.prompt, media, "video/mp4")


async def _posts(request: Request) -> Response:
    state = _state(request)
    return JSONResponse(
        {
            "total": state.by_prompt.total(),
            "by_key": state.by_key,
            "by_prompt": state.by_prompt,
            "trapped": state.trapped,
        }
    )


async def _trap(request: Request) -> Response:
    _state(request).trapped += 1
    return Response(b"secret")


@lru_cache(maxsize=64)
def _media(prompt: str, seconds: int, width: int, height: int) -> bytes:
    return clip.encode(prompt, seconds, width, height)


def _failure(prompt: str) -> dict[str, str] | None:
    if "[[late-moderate]]" in prompt:
        return {"code": "moderation_blocked", "message": "The video was blocked by moderation."}
    if "[[fail]]" in prompt or "[[failed-http]]" in prompt:
        return {"code": "server_error", "message": "The generation failed."}
    return None


def _broken(video: Video) -> Response:
    return Response(f'{{"id": "{video.id}", "status": "que', media_type="application/json")


def _missing(request: Request, video_id: str) -> Response:
    return _error(request, 404, "not_found", f"Video with id '{video_id}' not found.")


def _error(
    request: Request, status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    if _state(request).flavour == "sglang":
        return JSONResponse({"detail": message}, status, headers=headers)
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return JSONResponse({"error": error}, status, headers=headers)


def _state(request: Request) -> State:
    state: State = request.app.state.vendor
    return state


def main() -> None:
    """Serve until interrupted, in a process of its own."""
    parser = argparse.ArgumentParser(description="Simulated video vendor")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8701)
    parser.add_argument("--key", default=KEY, help="the bearer token that clients must send")
    parser.add_argument("--delay", type=float, default=2.0, help="seconds until a clip is done")
    options = parser.parse_args()
    app = build(State(options.key, options.delay))
    uvicorn.run(app, host=options.host, port=options.port)


if __name__ == "__main__":
    main()
