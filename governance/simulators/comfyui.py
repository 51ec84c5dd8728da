"""A ComfyUI server over real HTTP: it checks a graph and its parameters, and runs nothing.

Instead of a clip by a model it makes a test card with the prompt and the size that arrived in the
graph. Faults are ordered in the prompt:

    [[invalid]]          400 with `node_errors`, which repeat the prompt
    [[500]] [[drop]]     take the graph, then: 500; close the connection without an answer
    [[hang]] [[garbled]] take the graph, then: never answer; answer with broken JSON
    [[fail]]             the sampler runs out of memory
    [[garbage]]          GET answers with broken JSON; [[poll-500]]: with 500, twice
    [[odd-status]]       the history has a status that no version writes
    [[running]]          is never seen waiting in the queue
    [[finishes]]         is done before a cancellation arrives
    and what `mischief` does to files

`GET /_control/posts` counts what arrived. State lies in memory, as ComfyUI's own does.
"""

import itertools
import json
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from governance.simulators import comfyui_files, mischief, serving

# By class of node: its inputs, and what a value of theirs must be where it is no link.
NODES: dict[str, dict[str, type]] = {
    "CheckpointLoaderSimple": {"ckpt_name": str},
    "UNETLoader": {"unet_name": str, "weight_dtype": str},
    "CLIPLoader": {"clip_name": str, "type": str},
    "VAELoader": {"vae_name": str},
    "ModelSamplingSD3": {"model": list, "shift": float},
    "CLIPTextEncode": {"clip": list, "text": str},
    "EmptySD3LatentImage": {"width": int, "height": int, "batch_size": int},
    "Wan22ImageToVideoLatent": {"vae": list, "width": int, "height": int, "length": int},
    "KSampler": {
        "model": list,
        "positive": list,
        "negative": list,
        "latent_image": list,
        "seed": int,
        "steps": int,
        "cfg": float,
        "denoise": float,
    },
    "VAEDecode": {"samples": list, "vae": list},
    "CreateVideo": {"images": list, "fps": float},
    "SaveVideo": {"video": list, "filename_prefix": str, "format": str, "codec": str},
    "SaveImage": {"images": list, "filename_prefix": str},
}
SAVING = {"SaveVideo": "mp4", "SaveImage": "png"}
LIMITS = {"width": 16384, "height": 16384, "length": 16384, "seed": (1 << 64) - 1}


@dataclass
class Run:
    """One graph that was taken. files: what it leaves, by the node that saves it."""

    id: str
    number: int
    graph: dict[str, Any]
    extra: dict[str, Any]
    prompt: str
    seconds: int
    width: int
    height: int
    ending: str
    node: str
    prefix: str
    started: float = field(default_factory=time.monotonic)
    polls: int = 0
    is_stopped: bool = False

    @property
    def item(self) -> list[Any]:
        """As the queue and the history show it."""
        return [self.number, self.id, self.graph, self.extra, [self.node]]

    @property
    def filename(self) -> str:
        return f"{self.prefix.rpartition('/')[2]}_{self.number:05d}_.{self.ending}"

    @property
    def subfolder(self) -> str:
        return self.prefix.rpartition("/")[0]


class State:
    """What the server knows. key: a proxy's, empty for none; delay: seconds until a run is done."""

    def __init__(self, key: str, delay: float) -> None:
        self.key = key
        self.delay = delay
        self.runs: dict[str, Run] = {}
        self.by_id: Counter[str] = Counter()
        self.by_prompt: Counter[str] = Counter()
        self.trapped = 0
        self.numbers = itertools.count(1)

    def standing(self, run: Run) -> str:
        """pending, running or done."""
        share = (time.monotonic() - run.started) / self.delay if self.delay else 1.0
        if run.is_stopped or share >= 1:
            return "done"
        return "running" if share > 0.3 or "[[running]]" in run.prompt else "pending"


class SimulatedComfyUI(serving.Simulation[State]):
    """key: what a proxy before it asks for, empty as ComfyUI has none of its own."""

    def __init__(self, key: str = "", delay: float = 0.0, port: int = 0) -> None:
        state = State(key, delay)
        super().__init__(build(state), state, state.by_id, port)


def build(state: State) -> FastAPI:
    """The application over one state."""
    app = FastAPI(openapi_url=None)
    app.state.server = state
    api = APIRouter(dependencies=[Depends(_authenticate)])
    api.add_api_route("/prompt", _prompt, methods=["POST"])
    api.add_api_route("/history/{prompt_id}", _history, methods=["GET"])
    api.add_api_route("/queue", _queue, methods=["GET"])
    api.add_api_route("/queue", _change_queue, methods=["POST"])
    api.add_api_route("/interrupt", _interrupt, methods=["POST"])
    api.add_api_route("/view", _view, methods=["GET"])
    app.include_router(api)
    app.add_exception_handler(PermissionError, lambda _, __: Response("Sign in", 401))
    app.add_api_route("/_control/posts", _posts, methods=["GET"])
    app.add_api_route(mischief.TRAP, _trap, methods=["GET"])
    return app


def _authenticate(request: Request) -> None:
    key = _state(request).key
    if key and request.headers.get("authorization") != f"Bearer {key}":
        raise PermissionError


async def _prompt(request: Request) -> Response:
    state = _state(request)
    body: dict[str, Any] = await request.json()
    graph = body.get("prompt")
    if not isinstance(graph, dict) or not graph:
        return _invalid("no_prompt", "No prompt provided", {})
    prompt = _words(graph)
    job_id = str(body.get("prompt_id", uuid.uuid4()))
    state.by_id[job_id] += 1
    state.by_prompt[prompt] += 1
    errors = _node_errors(graph)
    if errors or "[[invalid]]" in prompt:
        return _invalid("prompt_outputs_failed_validation", prompt, errors)
    extra = {**body.get("extra_data", {}), "client_id": body.get("client_id")}
    run = _run(job_id, next(state.numbers), graph, extra, prompt)
    state.runs[job_id] = run
    await mischief.lose(request, prompt)
    if "[[500]]" in prompt:
        return Response("500 Internal Server Error\n\nServer got itself in trouble", 500)
    answer = {"prompt_id": job_id, "number": run.number, "node_errors": {}}
    if "[[garbled]]" in prompt:
        return Response(json.dumps(answer)[:-9], media_type="application/json")
    return JSONResponse(answer)


def _words(graph: dict[str, Any]) -> str:
    """The text that leads to a sampler's `positive`."""
    for node in graph.values():
        link = node.get("inputs", {}).get("positive")
        if isinstance(link, list):
            return str(graph.get(link[0], {}).get("inputs", {}).get("text", ""))
    return ""


def _node_errors(graph: dict[str, Any]) -> dict[str, Any]:
    """What is wrong, by node, in the words of ComfyUI's own check."""
    found = {name: list(_faults(graph, node)) for name, node in graph.items()}
    return {
        name: {
            "errors": [{"type": kind, "message": kind, "details": said} for kind, said in faults],
            "dependent_outputs": [],
            "class_type": graph[name].get("class_type"),
        }
        for name, faults in found.items()
        if faults
    }


def _faults(graph: dict[str, Any], node: dict[str, Any]) -> list[tuple[str, str]]:
    known = NODES.get(node.get("class_type", ""))
    if known is None:
        return [("invalid_prompt", "the node type does not exist")]
    inputs = node.get("inputs", {})
    faults = []
    for name, kind in known.items():
        value = inputs.get(name)
        if value is None:
            faults.append(("required_input_missing", name))
        elif isinstance(value, list):
            if len(value) != 2 or value[0] not in graph:
                faults.append(("bad_linked_input", name))
        elif type(value) is not kind:
            faults.append(("invalid_input_type", f"{name}, {value}"))
        elif isinstance(value, int) and not 0 <= value <= LIMITS.get(name, value):
            faults.append(("value_bigger_than_max", f"{name}, {value}"))
    return faults


def _run(
    job_id: str, number: int, graph: dict[str, Any], extra: dict[str, Any], prompt: str
) -> Run:
    """What the graph would make: the first node that saves, and the latent that it began with."""
    node, saving = next((k, n) for k, n in graph.items() if n["class_type"] in SAVING)
    latent = next(n["inputs"] for n in graph.values() if "width" in n["inputs"])
    rates = [n["inputs"]["fps"] for n in graph.values() if "fps" in n["inputs"]]
    return Run(
        id=job_id,
        number=number,
        graph=graph,
        extra=extra,
        prompt=prompt,
        seconds=(latent["length"] - 1) // int(rates[0]) if rates else 0,
        width=latent["width"],
        height=latent["height"],
        ending=SAVING[saving["class_type"]],
        node=node,
        prefix=saving["inputs"]["filename_prefix"],
    )


def _history(request: Request, prompt_id: str) -> Response:
    state = _state(request)
    run = state.runs.get(prompt_id)
    if run is None:
        return JSONResponse({})
    run.polls += 1
    if "[[poll-500]]" in run.prompt and run.polls <= 2:
        return Response("500 Internal Server Error", 500)
    if status := mischief.refused(run.prompt, run.polls):
        return Response("Not now", status)
    if "[[garbage]]" in run.prompt:
        return Response(f'{{"{run.id}": {{"prompt": [', media_type="application/json")
    if state.standing(run) != "done":
        return JSONResponse({})
    return JSONResponse({run.id: _entry(run)})


def _entry(run: Run) -> dict[str, Any]:
    """A finished run. A preview stands before the file; every version has done that, too."""
    status, messages = _outcome(run)
    preview = {"filename": "preview.mp4", "subfolder": "", "type": "temp"}
    file = {"filename": run.filename, "subfolder": run.subfolder, "type": "output"}
    outputs = {run.node: {"images": [preview, file], "animated": [run.ending == "mp4"]}}
    return {
        "prompt": run.item,
        "outputs": outputs if status == "success" else {},
        "status": {
            "status_str": status,
            "completed": status == "success",
            "messages": [["execution_start", {"prompt_id": run.id}], *messages],
        },
        "meta": {},
    }


def _outcome(run: Run) -> tuple[str, list[Any]]:
    if "[[odd-status]]" in run.prompt:
        return "contemplating", []
    if run.is_stopped:
        return "error", [["execution_interrupted", {"prompt_id": run.id, "node_id": "8"}]]
    if "[[fail]]" in run.prompt:
        problem = {
            "prompt_id": run.id,
            "node_id": "8",
            "node_type": "KSampler",
            "exception_type": "torch.OutOfMemoryError",
            "exception_message": f"Allocation on device, while sampling “{run.prompt}”",
            "current_inputs": {"positive": [run.prompt]},
        }
        return "error", [["execution_error", problem]]
    return "success", [["execution_success", {"prompt_id": run.id}]]


def _queue(request: Request) -> Response:
    state = _state(request)
    runs = list(state.runs.values())
    return JSONResponse(
        {
            f"queue_{standing}": [run.item for run in runs if state.standing(run) == standing]
            for standing in ("running", "pending")
        }
    )


async def _change_queue(request: Request) -> Response:
    """Says the same whether or not it has found what it was to delete."""
    state = _state(request)
    body: dict[str, Any] = await request.json()
    for prompt_id in body.get("delete", []):
        run = state.runs.get(prompt_id)
        if run is not None and "[[finishes]]" in run.prompt:
            run.started -= state.delay
        elif run is not None and state.standing(run) == "pending":
            del state.runs[prompt_id]
    return Response()


async def _interrupt(request: Request) -> Response:
    body: dict[str, Any] = await request.json()
    state = _state(request)
    run = state.runs.get(body.get("prompt_id", ""))
    if run is not None and state.standing(run) == "running":
        run.is_stopped = True
    return Response()


def _view(request: Request, filename: str, subfolder: str = "", type: str = "output") -> Response:
    runs = _state(request).runs.values()
    wanted = (filename, subfolder, type)
    run = next((r for r in runs if (r.filename, r.subfolder, "output") == wanted), None)
    if run is None:
        return Response(status_code=404)
    media = comfyui_files.made(
        run.prompt, run.seconds, run.width, run.height, json.dumps(run.graph)
    )
    kind = "video/mp4" if run.ending == "mp4" else "image/png"
    return mischief.delivered(request, run.prompt, media, kind)


def _posts(request: Request) -> Response:
    state = _state(request)
    return JSONResponse(
        {
            "total": state.by_prompt.total(),
            "by_key": state.by_id,
            "by_prompt": state.by_prompt,
            "trapped": state.trapped,
        }
    )


def _trap(request: Request) -> Response:
    _state(request).trapped += 1
    return Response(b"secret")


def _invalid(kind: str, prompt: str, node_errors: dict[str, Any]) -> Response:
    error = {
        "type": kind,
        "message": "Prompt outputs failed validation",
        "details": f"text: {prompt}",
        "extra_info": {},
    }
    return JSONResponse({"error": error, "node_errors": node_errors}, 400)


def _state(request: Request) -> State:
    state: State = request.app.state.server
    return state
