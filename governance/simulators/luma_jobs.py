"""What the simulators of Luma's two APIs share: their jobs, and faults ordered in the prompt.

    [[moderate]]         refuses at creation, in a sentence; [[late-moderate]]: when it is made
    [[fail]]             accepts, then the job fails
    [[429]] [[quota]]    too many requests, with `retry-after`; no credit left
    [[no-model]]         404; [[invalid]]: 422 that echoes the body
    [[500]] [[drop]] [[hang]] [[garbled]]
                         accept the job, then: 500; no answer; none, ever; broken JSON
    [[garbage]]          GET answers with broken JSON; [[poll-500]]: with 500, twice
    [[odd-status]]       GET answers with a state that is in no specification
    [[foreign]]          the file is said to lie on a foreign host
    [[expired-once]]     the first address of the file is dead, the next one lives

and those of `mischief`. `GET /_control/posts` counts what arrived. State lies in memory.
"""

import itertools
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse

from governance.simulators import clip, mischief

RETRY_AFTER = 7
LOST_POLLS = 2  # of a job with [[poll-500]]


@dataclass
class Generation:
    """One accepted job. body: as it was ordered; width, height: pixels."""

    body: dict[str, Any]
    seconds: int
    width: int
    height: int
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: float = field(default_factory=time.monotonic)
    polls: int = 0
    downloads: int = 0

    @property
    def prompt(self) -> str:
        return str(self.body["prompt"])


class State:
    """What the vendor knows. delay: seconds from acceptance to completion."""

    def __init__(self, key: str, delay: float) -> None:
        self.key = key
        self.delay = delay
        self.generations: dict[str, Generation] = {}
        self.by_prompt: Counter[str] = Counter()
        self.by_user: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.trapped = 0
        self.leaked = 0  # downloads that brought our key along
        self.signatures = itertools.count(1)

    def accept(self, generation: Generation) -> Generation:
        self.generations[generation.id] = generation
        return generation

    def share(self, generation: Generation) -> float:
        """How far a job has come: 1 and more when it is done."""
        return (time.monotonic() - generation.started) / self.delay if self.delay else 1.0


def application(state: State) -> FastAPI:
    """What both APIs have beside their own routes: files, and what tests ask."""
    app = FastAPI(openapi_url=None)
    app.state.vendor = state
    app.add_exception_handler(HTTPException, _problem)
    app.add_api_route("/_files/{generation_id}", _file, methods=["GET"])
    app.add_api_route("/_control/posts", _posts, methods=["GET"])
    app.add_api_route(mischief.TRAP, _trap, methods=["GET"])
    return app


def authenticate(request: Request) -> None:
    if request.headers.get("authorization") != f"Bearer {state_of(request).key}":
        raise HTTPException(401, "Invalid API key.")


AUTHENTICATED = [Depends(authenticate)]


def state_of(request: Request) -> State:
    state: State = request.app.state.vendor
    return state


async def read(request: Request) -> dict[str, Any]:
    """The body of a creation, counted. Raises HTTPException as ordered, or for what is none."""
    body: dict[str, Any] = await request.json()
    state, prompt = state_of(request), str(body.get("prompt", ""))
    state.by_prompt[prompt] += 1
    state.by_user[str(body.get("user_id", ""))] += 1
    state.bodies.append(body)
    if "[[429]]" in prompt:
        raise HTTPException(429, "Rate limit exceeded.", {"retry-after": str(RETRY_AFTER)})
    if "[[moderate]]" in prompt:
        raise HTTPException(400, "The prompt did not pass moderation.")
    if "[[no-model]]" in prompt:
        raise HTTPException(404, "Model not found.")
    if "[[invalid]]" in prompt:
        raise HTTPException(422, [{"loc": ["body", "prompt"], "input": body}])
    return body


async def answer(request: Request, generation: Generation, wire: dict[str, Any]) -> Response:
    """What the creation of an accepted job is answered with."""
    prompt = generation.prompt
    if "[[500]]" in prompt:
        raise HTTPException(500, "Internal server error.")
    await mischief.lose(request, prompt)
    return _broken(generation) if "[[garbled]]" in prompt else JSONResponse(wire, 201)


def retrieve(
    request: Request, generation_id: str, wire: Callable[[Request, Generation], dict[str, Any]]
) -> Response:
    """What a question for a job is answered with."""
    generation = state_of(request).generations.get(generation_id)
    if generation is None:
        raise HTTPException(404, "Generation not found.")
    generation.polls += 1
    if "[[poll-500]]" in generation.prompt and generation.polls <= LOST_POLLS:
        raise HTTPException(500, "Internal server error.")
    if status := mischief.refused(generation.prompt, generation.polls):
        raise HTTPException(status, "Not now.")
    if "[[garbage]]" in generation.prompt:
        return _broken(generation)
    body = wire(request, generation)
    if "[[odd-status]]" in generation.prompt:
        body["state"] = "contemplating"
    return JSONResponse(body)


def address(request: Request, generation: Generation) -> str:
    """Where the finished file lies: signed anew each time it is asked for."""
    if "[[foreign]]" in generation.prompt:
        return mischief.elsewhere(request)
    signature = f"X-Amz-Signature={next(state_of(request).signatures):08x}"
    return str(request.url.replace(path=f"/_files/{generation.id}", query=signature))


def require(body: dict[str, Any], name: str, known: tuple[object, ...]) -> Any:
    """Raises HTTPException for a field whose value the vendor doesn't know."""
    if body.get(name) not in known:
        raise HTTPException(400, f"Invalid value for {name}.")
    return body[name]


def pixels(short: int, ratio: str) -> tuple[int, int]:
    """Width and height, both even."""
    across, _, down = ratio.partition(":")
    wide, high = int(across), int(down)
    long = round(short * max(wide, high) / min(wide, high) / 2) * 2
    return (long, short) if wide >= high else (short, long)


def _file(request: Request, generation_id: str) -> Response:
    state = state_of(request)
    state.leaked += "authorization" in request.headers
    generation = state.generations.get(generation_id)
    if generation is None or "X-Amz-Signature" not in request.query_params:
        raise HTTPException(403, "AccessDenied")
    generation.downloads += 1
    if "[[expired-once]]" in generation.prompt and generation.downloads == 1:
        raise HTTPException(403, "AccessDenied")
    media = _media(generation.prompt, generation.seconds, generation.width, generation.height)
    media_type = "video/mp4" if generation.seconds else "image/png"
    return mischief.delivered(request, generation.prompt, media, media_type)


async def _posts(request: Request) -> Response:
    state = state_of(request)
    return JSONResponse(
        {
            "total": state.by_prompt.total(),
            "by_prompt": state.by_prompt,
            "by_key": state.by_user,
            "trapped": state.trapped,
        }
    )


async def _trap(request: Request) -> Response:
    state_of(request).trapped += 1
    return Response(b"secret")


async def _problem(_: Request, problem: Exception) -> Response:
    known = problem if isinstance(problem, HTTPException) else HTTPException(500)
    return JSONResponse({"detail": known.detail}, known.status_code, known.headers)


def _broken(generation: Generation) -> Response:
    return Response(f'{{"id": "{generation.id}", "stat', media_type="application/json")


@lru_cache(maxsize=64)
def _media(prompt: str, seconds: int, width: int, height: int) -> bytes:
    if seconds:
        return clip.encode(prompt, seconds, width, height)
    return clip.still(prompt, width, height)
