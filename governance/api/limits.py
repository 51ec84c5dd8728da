"""How much of a body is read, whoever reads it."""

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from governance.kernel.errors import TooLarge
from governance.lifecycle.context import Context


class LimitedRoute(APIRoute):
    """A route whose body FastAPI parses, which it would read without a limit."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def limited(request: Request) -> Response:
            await read_body(request)
            return await handle(request)

        return limited


async def read_body(request: Request) -> bytes:
    """A body that fits into memory; whoever reads it again gets the same. Raises TooLarge."""
    context: Context = request.app.state.context
    body = b"".join([chunk async for chunk in limited(request, context.settings.max_json_body)])
    request._body = body
    return body


async def limited(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body in pieces. Raises TooLarge, where its length is announced before the first."""
    too_large = TooLarge("body_too_large", f"The body exceeds the limit of {limit} bytes.")
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > limit:
        raise too_large
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large
        yield chunk
