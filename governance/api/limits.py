"""How much of a body is read, whoever reads it."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from governance.kernel.errors import TooLarge
from governance.lifecycle.context import Context

UPLOADS = ("/v1/governance/assets", "/v1/videos")


class LimitedRoute(APIRoute):
    """A route whose body FastAPI parses, which it would read without a limit."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def limited(request: Request) -> Response:
            await read_body(request)
            return await handle(request)

        return limited


async def read_body(request: Request) -> bytes:
    """The body as received; whoever reads it again gets the same. Raises TooLarge."""
    context: Context = request.app.state.context
    is_upload = request.url.path in UPLOADS and "multipart" in request.headers.get(
        "content-type", ""
    )
    limit = context.settings.max_upload if is_upload else context.settings.max_json_body
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    body = b"".join(chunks)
    request._body = body
    return body


def _too_large(limit: int) -> TooLarge:
    return TooLarge("body_too_large", f"The body exceeds the limit of {limit} bytes.")
