"""`/mcp`: three tools for agents that speak the Model Context Protocol, over streamable HTTP.

https://modelcontextprotocol.io/specification: stateless, one JSON-RPC message each POST, answered
in JSON. Each POST is authenticated like every other call.
"""

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.types import Message, Receive, Scope, Send

from governance.api.calls import Call, Unspent
from governance.api.permissions import own_account

router = APIRouter()


class McpResponse(Response):
    """What the protocol answers to one message of an authenticated caller."""

    def __init__(self, call: Call) -> None:
        super().__init__()
        self._call = call

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from governance.api import mcp_tools  # half a second of imports: only where it is used

        body = [{"type": "http.request", "body": self._call.body, "more_body": False}]

        async def again() -> Message:
            # Only once: whoever watches for the end of the connection has to wait for it.
            return body.pop() if body else await receive()

        await mcp_tools.answer(self._call, scope, again, send)


@router.post("/mcp", include_in_schema=False)
@own_account
async def message(call: Unspent) -> Response:
    """One message; what its tool needs is asked of policy by the tool."""
    return McpResponse(call)
