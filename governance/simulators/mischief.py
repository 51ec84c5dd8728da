"""What goes wrong on the wire, for every simulated vendor: lost answers and files that are none.

[[drop]] [[hang]]    the connection closes without an answer; it stays open without one
[[wrong-media]]      the file is a web page; [[huge]]: it does not end
[[redirect]]         the file is said to lie on another host; [[expired]]: its address is dead
[[cut]]              the connection closes in the middle of the file
[[late-429]] [[late-402]]
                     the second question after a job is answered with that status
"""

import asyncio
from collections.abc import Iterator

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

HUGE = 1 << 30
TRAP = "/_control/trap"


async def lose(request: Request, prompt: str) -> None:
    """Keep the answer to a request back, if its prompt says so."""
    if "[[drop]]" in prompt:
        # Close the connection as a crash would. ASGI has no word for it; uvicorn's transport has.
        request.receive.__self__.transport.abort()  # type: ignore[attr-defined]
        await asyncio.sleep(0.05)
    if "[[hang]]" in prompt:
        while not await request.is_disconnected():
            await asyncio.sleep(0.05)


def refused(prompt: str, questions: int) -> int:
    """The status that a question is refused with, 0 for none. questions: with this one."""
    if questions != 2:
        return 0
    return next((status for status in (402, 429) if f"[[late-{status}]]" in prompt), 0)


def delivered(request: Request, prompt: str, media: bytes, media_type: str) -> Response:
    """A file as the vendor's store hands it out, or as its prompt says."""
    if "[[expired]]" in prompt:
        return Response(b"<Error><Code>AccessDenied</Code></Error>", 403)
    if "[[wrong-media]]" in prompt:
        return Response(b"<html>Sign in</html>", media_type=media_type)
    if "[[redirect]]" in prompt:
        return Response(status_code=302, headers={"location": elsewhere(request)})
    if "[[huge]]" in prompt:
        return StreamingResponse(_endless(media), media_type=media_type)
    if "[[cut]]" in prompt:
        half = iter([media[: len(media) // 2]])
        return StreamingResponse(half, headers={"content-length": str(len(media))})
    return Response(media, media_type=media_type)


def elsewhere(request: Request) -> str:
    """The same server under another name: another host as far as a client can tell."""
    return str(request.url.replace(hostname="localhost", path=TRAP, query=""))


def _endless(start: bytes) -> Iterator[bytes]:
    yield start
    for _ in range(HUGE // 65536):
        yield bytes(65536)
