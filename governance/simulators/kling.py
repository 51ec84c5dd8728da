"""Kling's API over real HTTP, both protocols, whose faults are ordered in the prompt.

    [[moderate]]         refuses at creation: code 1301
    [[late-moderate]]    accepts, then the task fails in the words of its risk control
    [[fail]]             accepts, then the task fails
    [[429]] [[quota]]    1303 with `retry-after`; 1102
    [[no-model]]         1203; [[invalid]]: 1201, which repeats the prompt
    [[500]] [[drop]]     accept the task, then: 5000; close the connection without an answer
    [[hang]] [[garbled]] accept the task, then: never answer; answer with broken JSON
    [[garbage]]          GET answers with broken JSON; [[poll-500]]: with 5000, twice
    [[odd-status]]       GET answers with a status that is in no specification
    [[foreign]]          the video is said to lie on another host
    [[code-1103]]        refuses with that code, and HTTP 200
    [[gateway-502]]      answers with a page and that HTTP status, before anything is accepted
    and what `mischief` does to files

`GET /_control/posts` counts what arrived. State lies in memory.
"""

import itertools
import json
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from governance.simulators import clip, kling_orders, mischief, serving
from governance.simulators.kling_orders import CLASSIC, Refusal, Wanted

KEY = "simulated-kling-key"
ACCESS_KEY = "simulated-access-key"
SECRET_KEY = "simulated-secret-key-of-32-letters"  # noqa: S105  of nobody
RETRY_AFTER = 7
UNITS_PER_SECOND = {720: "0.3", 1080: "0.5"}
_CODE = re.compile(r"\[\[code-(\d+)\]\]")
_GATEWAY = re.compile(r"\[\[gateway-(\d+)\]\]")


@dataclass
class Task:
    """One accepted job."""

    id: str
    kind: str
    external_id: str
    prompt: str
    seconds: int
    width: int
    height: int
    created_at: int = field(default_factory=lambda: int(time.time() * 1000))
    started: float = field(default_factory=time.monotonic)
    polls: int = 0


class State:
    """What the vendor knows. delay: seconds until a task is done; shrink: divides the frames."""

    def __init__(self, key: str, delay: float, shrink: int) -> None:
        self.key = key
        self.delay = delay
        self.shrink = shrink
        self.tasks: dict[str, Task] = {}
        self.by_key: Counter[str] = Counter()
        self.by_prompt: Counter[str] = Counter()
        self.bodies: dict[str, dict[str, Any]] = {}
        self.trapped = 0
        self.leaked = 0
        self.numbers = itertools.count(880_000_001)

    def find(self, name: str, kind: str = "") -> Task | None:
        """By the vendor's id or by the caller's."""
        kinds = (kind,) if kind else (*CLASSIC, "tasks")
        return next(
            (t for t in self.tasks.values() if name in (t.id, t.external_id) and t.kind in kinds),
            None,
        )

    def standing(self, task: Task) -> tuple[str, str]:
        """Its status in the classic words, and why it failed."""
        share = (time.monotonic() - task.started) / self.delay if self.delay else 1.0
        if share < 1:
            return ("processing" if share > 0.3 else "submitted"), ""
        if "[[odd-status]]" in task.prompt:
            return "contemplating", ""
        if "[[late-moderate]]" in task.prompt:
            return "failed", "Failure to pass the risk control system"
        if "[[fail]]" in task.prompt:
            return "failed", "Task processing failed"
        return "succeed", ""


class SimulatedKling(serving.Simulation[State]):
    """key: the API key; the older pair of keys is ACCESS_KEY and SECRET_KEY."""

    def __init__(self, key: str = KEY, delay: float = 0.0, port: int = 0, shrink: int = 1) -> None:
        state = State(key, delay, shrink)
        super().__init__(build(state), state, state.by_key, port)


def build(state: State) -> FastAPI:
    """The application over one state."""
    app = FastAPI(openapi_url=None)
    app.state.vendor = state
    app.add_exception_handler(Refusal, _refused)
    api = APIRouter(dependencies=[Depends(_authenticate)])
    api.add_api_route("/v1/videos/{kind}", _create_classic, methods=["POST"])
    api.add_api_route("/v1/videos/{kind}/{name}", _query_classic, methods=["GET"])
    api.add_api_route("/text-to-video/{model}", _create_unified, methods=["POST"])
    api.add_api_route("/image-to-video/{model}", _create_unified, methods=["POST"])
    api.add_api_route("/tasks", _query_unified, methods=["GET"])
    app.include_router(api)
    app.add_api_route("/files/{task_id}.mp4", _file, methods=["GET"])
    app.add_api_route("/_control/posts", _posts, methods=["GET"])
    app.add_api_route(mischief.TRAP, _trap, methods=["GET"])
    return app


async def _authenticate(request: Request) -> None:
    """The API key, or for the classic protocol a token of the older pair."""
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not given:
        raise Refusal(1001, "Authorization is empty")
    if given == _state(request).key:
        return
    if not request.url.path.startswith("/v1/"):
        raise Refusal(1002, f"Authorization is invalid: {given}")
    try:
        token = jwt.decode(given, OctKey.import_key(SECRET_KEY), algorithms=["HS256"])
    except (JoseError, ValueError):
        raise Refusal(1002, f"Authorization is invalid: {given}") from None
    now = time.time()
    if token.header.get("typ") != "JWT" or token.claims.get("iss") != ACCESS_KEY:
        raise Refusal(1002, "Authorization is invalid")
    if token.claims["nbf"] > now:
        raise Refusal(1003, "Authorization is not valid yet")
    if token.claims["exp"] <= now:
        raise Refusal(1004, "Authorization has expired")


def _refused(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, Refusal)  # noqa: S101  it is registered for nothing else
    if problem.code == 0:
        return HTMLResponse("<h1>Sorry</h1>", problem.status)
    body = {"code": problem.code, "message": problem.message, "request_id": "request"}
    return JSONResponse(body, problem.status, headers=problem.headers)


async def _create_classic(request: Request, kind: str) -> Response:
    body: dict[str, Any] = await request.json()
    state = _state(request)
    prompt, key = str(body.get("prompt", "")), str(body.get("external_task_id", ""))
    _arrived(state, prompt, key, body)
    task = _accept(state, kind, key, prompt, kling_orders.classic(kind, body))
    return await _answer(request, task, _classic(state, task, ""))


async def _create_unified(request: Request, model: str) -> Response:
    body: dict[str, Any] = await request.json()
    state = _state(request)
    prompt = kling_orders.unified_prompt(body)
    key = str(body.get("options", {}).get("external_task_id", ""))
    _arrived(state, prompt, key, body)
    wanted = kling_orders.unified(request.url.path, model, body)
    task = _accept(state, "tasks", key, prompt, wanted)
    answer = {"id": task.id, "external_id": task.external_id, "status": "submitted"}
    return await _answer(request, task, answer)


def _arrived(state: State, prompt: str, key: str, body: dict[str, Any]) -> None:
    """Count a creation, and refuse it as its prompt or its key asks for."""
    state.by_prompt[prompt] += 1
    state.by_key[key] += 1
    state.bodies[key] = body
    busy = {"retry-after": str(RETRY_AFTER)}
    refusals = {
        "[[moderate]]": Refusal(1301, "The content violates the content security policy"),
        "[[429]]": Refusal(
            1303, "Parallel tasks over the limit of the resource pack", headers=busy
        ),
        "[[quota]]": Refusal(1102, "The resource pack is used up"),
        "[[no-model]]": Refusal(1203, "The model does not exist"),
        "[[invalid]]": Refusal(1201, f"The value of prompt is invalid: {prompt}"),
    }
    for word, refusal in refusals.items():
        if word in prompt:
            raise refusal
    if asked := _CODE.search(prompt):
        raise Refusal(int(asked[1]), "As you wish", status=200)
    if asked := _GATEWAY.search(prompt):
        raise Refusal(0, "", status=int(asked[1]))
    if key and state.find(key) is not None:
        raise Refusal(1201, "external_task_id already exists")


def _accept(state: State, kind: str, key: str, prompt: str, wanted: Wanted) -> Task:
    width, height = (side // state.shrink // 2 * 2 for side in (wanted.width, wanted.height))
    task = Task(str(next(state.numbers)), kind, key, prompt, wanted.seconds, width, height)
    state.tasks[task.id] = task
    return task


async def _answer(request: Request, task: Task, data: dict[str, Any]) -> Response:
    """To a creation that was accepted."""
    await mischief.lose(request, task.prompt)
    if "[[500]]" in task.prompt:
        raise Refusal(5000, "Server error")
    if "[[garbled]]" in task.prompt:
        return _broken(task)
    return _well(data)


def _query_classic(request: Request, kind: str, name: str) -> Response:
    state = _state(request)
    task = state.find(name, kind) if kind in CLASSIC else None
    if task is None:
        raise Refusal(1201, "Task not found by id/external id")
    return _poll(task) or _well(_classic(state, task, _address(request, task)))


def _query_unified(request: Request, task_ids: str = "", external_task_ids: str = "") -> Response:
    state = _state(request)
    task = state.find(task_ids or external_task_ids, "tasks")
    if task is None:
        return _well([])
    return _poll(task) or _well([_unified(state, task, _address(request, task))])


def _poll(task: Task) -> Response | None:
    """What goes wrong with a query before it is answered."""
    task.polls += 1
    if "[[poll-500]]" in task.prompt and task.polls <= 2:
        raise Refusal(5000, "Server error")
    if status := mischief.refused(task.prompt, task.polls):
        raise Refusal(1303 if status == 429 else 1102, "Not now")
    return _broken(task) if "[[garbage]]" in task.prompt else None


def _classic(state: State, task: Task, url: str) -> dict[str, Any]:
    status, words = state.standing(task) if url else ("submitted", "")
    data: dict[str, Any] = {
        "task_id": task.id,
        "task_status": status,
        "task_status_msg": words,
        "task_info": {"external_task_id": task.external_id},
        "created_at": task.created_at,
        "updated_at": task.created_at,
    }
    if status == "succeed":
        video = {"id": f"{task.id}-0", "url": url, "duration": f"{task.seconds}.1"}
        data |= {"task_result": {"videos": [video]}, "final_unit_deduction": _units(state, task)}
    return data


def _unified(state: State, task: Task, url: str) -> dict[str, Any]:
    status, words = state.standing(task)
    video = {"type": "video", "url": url, "duration": f"{task.seconds}.041"}
    bill = {"charge_type": "unit", "amount": _units(state, task), "package_type": "video"}
    done = status == "succeed"
    return {
        "id": task.id,
        "external_id": task.external_id,
        "status": "succeeded" if done else status,
        "message": words,
        "outputs": [video] if done else [],
        "billing": [bill] if done else [],
        "create_time": task.created_at,
    }


def _units(state: State, task: Task) -> str:
    side = min(task.width, task.height) * state.shrink
    return f"{float(UNITS_PER_SECOND[720 if side <= 720 else 1080]) * task.seconds:g}"


def _address(request: Request, task: Task) -> str:
    if "[[foreign]]" in task.prompt:
        return mischief.elsewhere(request)
    return str(request.url.replace(path=f"/files/{task.id}.mp4", query="Expires=2000000000"))


def _file(request: Request, task_id: str) -> Response:
    state = _state(request)
    state.leaked += "authorization" in request.headers
    task = state.find(task_id)
    if task is None or state.standing(task)[0] != "succeed":
        return Response(status_code=404)
    media = _media(task.prompt, task.seconds, task.width, task.height)
    return mischief.delivered(request, task.prompt, media, "video/mp4")


def _posts(request: Request) -> Response:
    state = _state(request)
    return JSONResponse(
        {
            "total": state.by_prompt.total(),
            "by_key": state.by_key,
            "by_prompt": state.by_prompt,
            "trapped": state.trapped,
            "leaked": state.leaked,
        }
    )


def _trap(request: Request) -> Response:
    _state(request).trapped += 1
    return Response(b"secret")


@lru_cache(maxsize=64)
def _media(prompt: str, seconds: int, width: int, height: int) -> bytes:
    return clip.encode(prompt, seconds, width, height)


def _well(data: Any) -> Response:
    return JSONResponse({"code": 0, "message": "SUCCEED", "request_id": "request", "data": data})


def _broken(task: Task) -> Response:
    whole = json.dumps({"code": 0, "data": {"task_id": task.id}})
    return Response(whole[:-8], media_type="application/json")


def _state(request: Request) -> State:
    state: State = request.app.state.vendor
    return state
