"""Every answer carries `x-request-id`; every request leaves one line in the log."""

import logging
import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from governance.kernel import ids

log = logging.getLogger("governance.request")


class RequestIds:
    """ASGI middleware: names the request, notes method, path, status and duration."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = ids.new_id("req")
        began = time.perf_counter()

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("x-request-id", request_id)
                log.info(
                    "request",
                    extra={
                        "request_id": request_id,
                        "method": scope["method"],
                        "path": scope["path"],
                        "status": message["status"],
                        "milliseconds": round((time.perf_counter() - began) * 1000, 1),
                    },
                )
            await send(message)

        await self._app(scope, receive, send_named)
