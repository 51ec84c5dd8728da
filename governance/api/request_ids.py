"""Every answer carries `x-request-id`; every request leaves one line in the log."""

import logging
import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from governance.api.errors import unexpected
from governance.kernel import ids

log = logging.getLogger("governance.request")


class RequestIds:
    """ASGI middleware: names the request, notes method, path, status and duration.

    What nobody expected is answered here, where its request has a name.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = ids.new_id("req")
        began = time.perf_counter()
        is_answered = False

        async def send_named(message: Message) -> None:
            nonlocal is_answered
            if message["type"] == "http.response.start":
                is_answered = True
                headers = MutableHeaders(scope=message)
                headers.append("x-request-id", request_id)
                headers.setdefault("x-content-type-options", "nosniff")
                headers.setdefault("cache-control", "no-store")
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

        try:
            await self._app(scope, receive, send_named)
        except Exception:
            log.exception("unexpected error", extra={"request_id": request_id})
            if is_answered:  # too late for another answer: the connection is cut
                raise
            await unexpected()(scope, receive, send_named)
