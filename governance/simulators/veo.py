"""Veo on Google's Agent Platform over real HTTP, whose faults are ordered in the prompt.

    [[moderate]]         400 that speaks of usage guidelines
    [[429]] [[quota]]    429 `RESOURCE_EXHAUSTED` with a delay; with a quota per day that is used up
    [[no-model]]         404 `NOT_FOUND`
    [[invalid]]          400 `INVALID_ARGUMENT` that repeats the prompt
    [[500]] [[drop]]     accept the order, then: 500; close the connection without an answer
    [[hang]] [[garbled]] accept the order, then: never answer; answer with broken JSON
    [[late-moderate]]    the operation is done without a video, and says how many were filtered
    [[guidelines]]       the operation ends with an error that names a support code
    [[fail]]             the operation ends with an error; [[busy]]: with RESOURCE_EXHAUSTED
    [[garbage]]          a poll is answered with broken JSON; [[poll-500]]: two with 500
    [[odd-status]]       the operation is done with nothing in it
    [[wrong-media]]      the video is a web page; [[huge]]: it is larger than it may be

`GET /_control/posts` counts what arrived. State lies in memory.
"""

import base64
import itertools
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse

from governance.simulators import clip, mischief, serving
from governance.simulators.google_errors import error, refusal

KEY = "simulated-google-token"
PROJECT, LOCATION = "simulated-project", "us-central1"
MODELS = frozenset({"veo-3.1-generate-001", "veo-3.1-fast-generate-001"})
_EXTENSION = 7
_SIZES = {"720p": (1280, 720), "1080p": (1920, 1080), "4k": (3840, 2160)}
_PADDING = 6_000_000
_LABEL = re.compile(r"[a-z0-9_-]{0,63}")


@dataclass
class Operation:
    """One accepted video."""

    name: str
    instance: dict[str, Any]
    parameters: dict[str, Any]
    started: float = field(default_factory=time.monotonic)
    polls: int = 0

    @property
    def prompt(self) -> str:
        return str(self.instance.get("prompt", ""))


class State:
    """What the vendor knows. delay: seconds from acceptance to completion; models: still served."""

    def __init__(self, key: str, delay: float, shrink: int = 1) -> None:
        self.key = key
        self.shrink = shrink
        self.delay = delay
        self.models = set(MODELS)
        self.operations: dict[str, Operation] = {}
        self.orders: list[dict[str, Any]] = []
        self.by_prompt: Counter[str] = Counter()
        self.numbers = itertools.count(1)


class SimulatedVeo(serving.Simulation[State]):
    """url: without a version; key: the access token; any project and location will do.

    shrink: what its clips' sides are divided by.
    """

    def __init__(self, key: str = KEY, delay: float = 0.0, port: int = 0, shrink: int = 1) -> None:
        state = State(key, delay, shrink)
        super().__init__(build(state), state, state.by_prompt, port)


def build(state: State) -> FastAPI:
    """The application over one state."""
    app = FastAPI(openapi_url=None)
    app.state.vendor = state
    app.add_exception_handler(HTTPException, _unauthorized)
    publisher = "/publishers/google/models/{model}"
    place = "/projects/{project}/locations/{location}" + publisher
    api = APIRouter(prefix="/v1beta1", dependencies=[Depends(_authenticate)])
    api.add_api_route(f"{place}:predictLongRunning", _create, methods=["POST"])
    api.add_api_route(f"{place}:fetchPredictOperation", _fetch, methods=["POST"])
    api.add_api_route(publisher, _model, methods=["GET"])
    app.include_router(api)
    app.add_api_route("/_control/posts", _posts, methods=["GET"])
    return app


def _authenticate(request: Request) -> None:
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if given != _state(request).key:
        raise HTTPException(401, given)


def _unauthorized(_: Request, problem: Exception) -> Response:
    given = str(getattr(problem, "detail", ""))
    return error(401, "UNAUTHENTICATED", f"Request had invalid credentials: {given}.")


async def _create(request: Request, project: str, location: str, model: str) -> Response:
    state = _state(request)
    body = await request.json()
    instance = body.get("instances", [{}])[0]
    prompt = str(instance.get("prompt", ""))
    state.by_prompt[prompt] += 1
    if "[[moderate]]" in prompt:
        problem = "The prompt violates our usage guidelines. Support codes: 58061214"
        return error(400, "INVALID_ARGUMENT", problem)
    if (refused := refusal(prompt) or _mistake(state, model, body)) is not None:
        return refused
    place = f"projects/{project}/locations/{location}/publishers/google/models/{model}"
    name = f"{place}/operations/00000000-0000-0000-0000-{next(state.numbers):012d}"
    state.operations[name] = Operation(name, instance, body["parameters"])
    state.orders.append(body)
    await mischief.lose(request, prompt)
    if "[[500]]" in prompt:
        return error(500, "INTERNAL", "An internal error has occurred.")
    if "[[garbled]]" in prompt:
        return _broken(name)
    return JSONResponse({"name": name})


def _mistake(state: State, model: str, body: dict[str, Any]) -> Response | None:
    """The answer to an order that cannot be made."""
    if model not in state.models:
        return error(404, "NOT_FOUND", f"Publisher Model `{model}` was not found.")
    wanted, instance = body.get("parameters", {}), body["instances"][0]
    seconds = (_EXTENSION,) if "video" in instance else (4, 6, 8)
    if wanted.get("durationSeconds") not in seconds or wanted.get("resolution") not in _SIZES:
        return error(400, "INVALID_ARGUMENT", "Unsupported duration or resolution.")
    if not all(_LABEL.fullmatch(value) for value in body.get("labels", {}).values()):
        return error(400, "INVALID_ARGUMENT", "Invalid label.")
    return None


async def _fetch(request: Request) -> Response:
    name = (await request.json()).get("operationName", "")
    operation = _state(request).operations.get(name)
    if operation is None:
        return error(404, "NOT_FOUND", "The operation was not found.")
    operation.polls += 1
    if "[[garbage]]" in operation.prompt:
        return _broken(name)
    if "[[poll-500]]" in operation.prompt and operation.polls <= 2:
        return error(500, "INTERNAL", "An internal error has occurred.")
    if status := mischief.refused(operation.prompt, operation.polls):
        return error(status, "RESOURCE_EXHAUSTED", "Not now.")
    if time.monotonic() - operation.started < _state(request).delay:
        return JSONResponse({"name": name})
    return JSONResponse({"name": name, "done": True, **_ending(operation, _state(request).shrink)})


def _ending(operation: Operation, shrink: int) -> dict[str, Any]:
    prompt = operation.prompt
    if "[[late-moderate]]" in prompt:
        reason = "Your request was filtered. Support codes: 56562880"
        return {"response": {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [reason]}}
    for word, (code, message) in _ERRORS.items():
        if word in prompt:
            return {"error": {"code": code, "message": message}}
    if "[[odd-status]]" in prompt:
        return {}
    data = b"<html>Sign in</html>" if "[[wrong-media]]" in prompt else _media_of(operation, shrink)
    if "[[huge]]" in prompt:
        data += bytes(_PADDING)
    video = {"bytesBase64Encoded": base64.b64encode(data).decode(), "mimeType": "video/mp4"}
    return {"response": {"videos": [video]}}


_ERRORS = {
    "[[guidelines]]": (3, "The image violates our usage guidelines. Support codes: 15236754"),
    "[[fail]]": (13, "An internal error has occurred."),
    "[[busy]]": (8, "The service is overloaded."),
}


async def _model(request: Request, model: str) -> Response:
    if model not in _state(request).models:
        return error(404, "NOT_FOUND", f"Publisher Model `{model}` was not found.")
    name = f"publishers/google/models/{model}"
    return JSONResponse({"name": name, "versionId": "001", "launchStage": "GA"})


def _media_of(operation: Operation, shrink: int) -> bytes:
    wanted = operation.parameters
    width, height = (side // shrink // 2 * 2 for side in _SIZES[wanted["resolution"]])
    if wanted.get("aspectRatio") == "9:16":
        width, height = height, width
    return _media(operation.prompt, wanted["durationSeconds"], width, height)


@lru_cache(maxsize=32)
def _media(prompt: str, seconds: int, width: int, height: int) -> bytes:
    return clip.encode(prompt, seconds, width, height)


def _broken(name: str) -> Response:
    return Response(f'{{"name": "{name}", "do', media_type="application/json")


async def _posts(request: Request) -> Response:
    state = _state(request)
    body = {"total": state.by_prompt.total(), "by_prompt": state.by_prompt}
    return JSONResponse({**body, "trapped": 0})


def _state(request: Request) -> State:
    state: State = request.app.state.vendor
    return state
