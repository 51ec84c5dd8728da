"""Google's Gemini API over real HTTP: Omni interactions here, images and speech in google_content.

Faults are ordered in the prompt:

    [[moderate]]         400 that says so; where images and speech are asked for, 200 that says so
    [[429]] [[quota]]    429 `RESOURCE_EXHAUSTED` with a delay; with a quota per day that is used up
    [[no-model]]         404 `NOT_FOUND`
    [[invalid]]          400 `INVALID_ARGUMENT` that repeats the prompt
    [[500]] [[drop]]     accept the order, then: 500; close the connection without an answer
    [[hang]] [[garbled]] accept the order, then: never answer; answer with broken JSON
    [[late-moderate]]    the interaction fails with errors that say so; images: none, for a reason
    [[text-only]]        a refusal in words: the interaction is completed, without a video
    [[fail]]             the interaction fails; [[incomplete]] [[budget]]: it ends in that state
    [[garbage]]          GET answers with broken JSON; [[poll-500]]: twice with 500, then as usual
    [[odd-status]]       GET answers with a status that is in no specification
    [[inline]]           the video is in the answer; [[processing]]: its file is not ready at first
    [[moved]]            the file is said to lie elsewhere on the same host; [[bare]]: its address
                         is that of the file, not of its bytes
    [[silent]]           an image or speech is neither there nor is it said why
    [[continues]]        an answer says that there is more of it, to be asked for
    [[foreign]]          the file is said to lie on another host; [[vendors-host]]: on the
                         vendor's own, as it is said behind a gateway too

and those of mischief. `GET /_control/posts` counts what arrived. State lies in memory.
"""

import itertools
from collections import Counter
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from governance.simulators import google_content, google_omni, mischief, serving
from governance.simulators.google_errors import error, problem, refusal

KEY = "simulated-google-key"


class State:
    """What the vendor knows. delay: seconds from acceptance to completion."""

    def __init__(self, key: str, delay: float) -> None:
        self.key = key
        self.delay = delay
        self.interactions: dict[str, google_omni.Interaction] = {}
        self.orders: list[dict[str, Any]] = []
        self.by_prompt: Counter[str] = Counter()
        self.trapped = 0
        self.numbers = itertools.count(1)

    def accept(self, body: dict[str, Any], prompt: str) -> google_omni.Interaction:
        made = google_omni.Interaction(f"v1_clip{next(self.numbers):06d}", body, prompt)
        self.interactions[made.id] = made
        self.orders.append(body)
        return made


class SimulatedGoogle(serving.Simulation[State]):
    """url: without a version."""

    def __init__(self, key: str = KEY, delay: float = 0.0, port: int = 0) -> None:
        state = State(key, delay)
        super().__init__(build(state), state, state.by_prompt, port)


def build(state: State) -> FastAPI:
    """The application over one state."""
    app = FastAPI(openapi_url=None)
    app.state.vendor = state
    app.add_exception_handler(HTTPException, _unauthorized)
    api = APIRouter(prefix="/{version}", dependencies=[Depends(_authenticate)])
    api.add_api_route("/interactions", _create, methods=["POST"])
    api.add_api_route("/interactions/{name}", _get, methods=["GET"])
    api.add_api_route("/interactions/{name}/cancel", _cancel, methods=["POST"])
    api.add_api_route("/files/{name}:download", _download, methods=["GET"])
    api.add_api_route("/moved/{name}", _moved, methods=["GET"])
    api.add_api_route("/files/{name}", _file, methods=["GET"])
    api.add_api_route("/models/{model}:generateContent", _content, methods=["POST"])
    app.add_api_route("/_control/posts", _posts, methods=["GET"])
    app.add_api_route(mischief.TRAP, _trap, methods=["GET"])
    app.include_router(api)
    return app


def _authenticate(request: Request) -> None:
    if request.headers.get("x-goog-api-key") != _state(request).key:
        raise HTTPException(400, request.headers.get("x-goog-api-key", ""))


def _unauthorized(_: Request, problem: Exception) -> Response:
    given = str(getattr(problem, "detail", ""))
    reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    problem_text = f"API key not valid: {given}. Please pass a valid API key."
    return error(400, "INVALID_ARGUMENT", problem_text, [reason])


async def _create(request: Request) -> Response:
    state = _state(request)
    body = await request.json()
    prompt = google_omni.prompt_of(body)
    state.by_prompt[prompt] += 1
    if "[[moderate]]" in prompt:
        return problem(400, "invalid_request", "The prompt was blocked for safety reasons.")
    if (refused := refusal(prompt) or google_omni.mistake(body)) is not None:
        return refused
    made = state.accept(body, prompt)
    await mischief.lose(request, prompt)
    if "[[500]]" in prompt:
        return problem(500, "api_error", "An internal error has occurred.")
    if "[[garbled]]" in prompt:
        return google_omni.broken(made)
    return JSONResponse(google_omni.wire(request, made, _state(request).delay, asked=False))


async def _get(request: Request, name: str) -> Response:
    made = _state(request).interactions.get(name)
    if made is None:
        return problem(400, "invalid_request", "Invalid interaction name.")
    made.polls += 1
    if "[[garbage]]" in made.prompt:
        return google_omni.broken(made)
    if "[[poll-500]]" in made.prompt and made.polls <= 2:
        return problem(500, "api_error", "An internal error has occurred.")
    if status := mischief.refused(made.prompt, made.polls):
        return problem(status, "rate_limit_exceeded", "Not now.")
    return JSONResponse(google_omni.wire(request, made, _state(request).delay, asked=True))


async def _cancel(request: Request, name: str) -> Response:
    made = _state(request).interactions.get(name)
    if made is None:
        return problem(400, "invalid_request", "Invalid interaction name.")
    if made.status(_state(request).delay) not in ("queued", "in_progress"):
        return problem(400, "invalid_request", "The interaction is not running.")
    made.cancelled = True
    return JSONResponse(google_omni.wire(request, made, _state(request).delay, asked=True))


async def _file(request: Request, name: str) -> Response:
    made = _state(request).interactions.get(f"v1_{name}")
    if made is None:
        return error(403, "PERMISSION_DENIED", "You do not have permission to access the File.")
    made.looks += 1
    is_ready = made.looks > 1 or "[[processing]]" not in made.prompt
    return JSONResponse(
        {
            "name": f"files/{name}",
            "mimeType": "video/mp4",
            "state": "ACTIVE" if is_ready else "PROCESSING",
        }
    )


def _download(request: Request, name: str) -> Response:
    made = _state(request).interactions.get(f"v1_{name}")
    if made is None:
        return error(403, "PERMISSION_DENIED", "You do not have permission to access the File.")
    if "[[moved]]" in made.prompt:
        return RedirectResponse(str(request.url.replace(path=f"/store/moved/{name}", query="")))
    return mischief.delivered(request, made.prompt, google_omni.media_of(made), "video/mp4")


def _moved(request: Request, name: str) -> Response:
    return Response(
        google_omni.media_of(_state(request).interactions[f"v1_{name}"]), media_type="video/mp4"
    )


async def _content(request: Request, model: str) -> Response:
    state = _state(request)
    body = await request.json()
    prompt = google_content.prompt_of(body)
    state.by_prompt[prompt] += 1
    if (refused := refusal(prompt)) is not None:
        return refused
    state.orders.append({"model": model, **body})
    await mischief.lose(request, prompt)
    if "[[500]]" in prompt:
        return error(500, "INTERNAL", "An internal error has occurred.")
    if "[[garbled]]" in prompt:
        return Response('{"candidates": [{"con', media_type="application/json")
    return google_content.answer(model, body, prompt)


async def _posts(request: Request) -> Response:
    state = _state(request)
    body = {"total": state.by_prompt.total(), "by_prompt": state.by_prompt}
    return JSONResponse({**body, "trapped": state.trapped})


async def _trap(request: Request) -> Response:
    _state(request).trapped += 1
    return Response(b"secret")


def _state(request: Request) -> State:
    state: State = request.app.state.vendor
    return state
