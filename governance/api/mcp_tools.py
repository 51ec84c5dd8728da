"""The tools of `/mcp`: each is the address of the HTTP API that does the same, with its
authorization, its limits and its records.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import orjson
from fastapi import Request
from fastapi.responses import JSONResponse
from mcp.server import Server, ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)
from starlette.types import Receive, Scope, Send

from governance import __version__
from governance.api import errors, policies, videos
from governance.api.calls import Call
from governance.api.requests import require_known
from governance.kernel.errors import GovernanceError, InvalidRequest

log = logging.getLogger(__name__)
CALL = "governance.call"  # where the request's scope keeps its caller
INSTRUCTIONS = (
    "Ask for media, see how it stands, and have decisions explained. A generation that waits for a "
    "person is `queued`; ask again later. A refusal carries a code and says what to do."
)
_TEXT = {"type": "string"}
_YES_NO = {"enum": ["yes", "no", "unknown"]}
_GENERATION = {
    "type": "object",
    "required": ["generation"],
    "additionalProperties": False,
    "properties": {"generation": {**_TEXT, "description": "its id, gen_…"}},
}
_ORDER = {
    "type": "object",
    "required": ["prompt", "governance"],
    "additionalProperties": False,
    "properties": {
        "prompt": {**_TEXT, "description": "what the video shows"},
        "model": {**_TEXT, "description": "`auto`, `draft`, `final` or a model's id"},
        "seconds": {**_TEXT, "description": "its length in whole seconds, such as 4"},
        "size": {**_TEXT, "description": "WIDTHxHEIGHT in pixels, such as 1280x720"},
        "governance": {
            "type": "object",
            "description": "what policy has to know, as in POST /v1/videos",
            "required": ["territories"],
            "properties": {
                "project": _TEXT,
                "territories": {
                    "type": "array",
                    "items": _TEXT,
                    "description": "where it will be shown: codes of countries, or EU",
                },
                "audience": {"enum": ["public", "internal"]},
                "deep_fake": _YES_NO,
                "real_person": _YES_NO,
            },
        },
        "metadata": {"type": "object", "additionalProperties": _TEXT},
        "idempotency_key": {**_TEXT, "description": "repeat a call with it: nothing is made twice"},
    },
}


async def generate_video(request: Request, call: Call, given: dict[str, Any]) -> JSONResponse:
    """As `POST /v1/videos`; the signature's nonce is spent with the order."""
    require_known(given, _ORDER["properties"])  # type: ignore[arg-type]
    key = given.pop("idempotency_key", "")
    if not isinstance(key, str):
        raise InvalidRequest(
            "idempotency_key_invalid", "`idempotency_key` is text.", param="idempotency_key"
        )
    keyed = [(b"idempotency-key", key.encode())] if key else []
    scope = {**request.scope, "headers": [*request.scope["headers"], *keyed]}
    asking = call.asking("generation", "create")
    return await videos.create(Request(scope), asking, given, "video")


async def get_generation(request: Request, call: Call, given: dict[str, Any]) -> JSONResponse:
    """As `GET /v1/videos/{id}`."""
    return await videos.get_video(_generation(given), await _reading(call))


async def explain_decision(request: Request, call: Call, given: dict[str, Any]) -> dict[str, Any]:
    """As `GET /v1/governance/generations/{id}/explanation`."""
    return await policies.explanation(_generation(given), await _reading(call))


Run = Callable[[Request, Call, dict[str, Any]], Awaitable[JSONResponse | dict[str, Any]]]
_READS = ToolAnnotations(read_only_hint=True)
TOOLS: Mapping[str, tuple[Tool, Run]] = {
    "generate_video": (
        Tool(
            name="generate_video",
            description="Ask for a video. Policy decides at once; then it is made, marked, "
            "reviewed where that is due, and released. Answers with its id and state.",
            input_schema=_ORDER,
        ),
        generate_video,
    ),
    "get_generation": (
        Tool(
            name="get_generation",
            description="Where a generation stands: queued, in_progress, completed or failed, "
            "with its state, its marks and its cost.",
            input_schema=_GENERATION,
            annotations=_READS,
        ),
        get_generation,
    ),
    "explain_decision": (
        Tool(
            name="explain_decision",
            description="Why policy permitted, denied or asked for a review, in plain sentences.",
            input_schema=_GENERATION,
            annotations=_READS,
        ),
        explain_decision,
    ),
}


async def _list(
    context: ServerRequestContext[Any], params: PaginatedRequestParams | None
) -> ListToolsResult:
    return ListToolsResult(tools=[tool for tool, _ in TOOLS.values()])


async def _call(
    context: ServerRequestContext[Any], params: CallToolRequestParams
) -> CallToolResult:
    """Run a tool. A refusal is a result with `is_error`, our code and our sentence."""
    request = cast(Request, context.request)  # every message came by HTTP
    try:
        if params.name not in TOOLS:
            raise InvalidRequest("tool_unknown", f"The tools are {', '.join(TOOLS)}.")
        run = TOOLS[params.name][1]
        answer = await run(request, request.scope[CALL], dict(params.arguments or {}))
    except GovernanceError as error:
        return _result(errors.answer(error), is_error=True)
    except Exception:
        log.exception("tool failed", extra={"tool": params.name})
        return _result(errors.unexpected(), is_error=True)
    return _result(answer)


def _result(answer: JSONResponse | dict[str, Any], *, is_error: bool = False) -> CallToolResult:
    told = orjson.loads(answer.body) if isinstance(answer, JSONResponse) else answer
    if is_error:
        error = told["error"]
        text = f"{error['code']}: {error['message']}"
    else:
        text = orjson.dumps(told).decode()
    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=told, is_error=is_error
    )


async def _reading(call: Call) -> Call:
    """The call of a tool that reads: the signature's nonce is spent before anything else."""
    await call.spend()
    return replace(call.asking("generation", "read"), is_spent=True)


def _generation(given: Mapping[str, Any]) -> str:
    require_known(given, ("generation",))
    generation = given.get("generation")
    if not isinstance(generation, str) or len(generation) > 64:
        raise InvalidRequest(
            "generation_invalid", "`generation` is the id of one, gen_….", param="generation"
        )
    return generation


SERVER: Server[Any] = Server(
    "governance",
    version=__version__,
    instructions=INSTRUCTIONS,
    on_list_tools=_list,
    on_call_tool=_call,
)
# One line a request is in our own log already.
logging.getLogger("mcp").setLevel(logging.WARNING)


async def answer(call: Call, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one message; nothing is kept between two, so each has a manager of its own."""
    manager = StreamableHTTPSessionManager(SERVER, json_response=True, stateless=True)
    async with manager.run():
        await manager.asgi_app({**scope, CALL: call}, receive, send)
