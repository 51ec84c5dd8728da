"""Uploads: who sends one is known before it is read, and it goes to the disk, not into memory."""

import base64
import hashlib
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.types import Message, Receive

from governance.api.calls import Call, identify
from governance.api.limits import limited
from governance.identity.request_signature import EMPTY_SHA256, refused
from governance.lifecycle.context import Context

CHUNK = 1024 * 1024  # bytes
LOOK_EVERY = 16 * CHUNK  # at the room that is left on the disk
DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")


@dataclass(frozen=True)
class Upload:
    """An authenticated call whose body lies on the disk. `request`: gives that body again."""

    call: Call
    request: Request


async def uploaded(request: Request) -> AsyncIterator[Upload]:
    """The call of an endpoint that takes a file.

    A signature is checked over the digest that the caller states, before the body is read; then
    the body has to have that digest. The nonce is spent at once: a slow upload may outlive its
    signature. Whether the caller may still act is asked again once all of it is there.
    Raises Unauthenticated, Denied, TooLarge, Unavailable (`disk_full`).
    """
    context: Context = request.app.state.context
    stated = stated_digest(request)
    call = await identify(request, stated)
    await call.projects()  # whoever may do this nowhere sends nothing
    await call.spend()
    with context.media.staging() as path, path.open("w+b") as file:
        digest = await _receive(request, file, context)
        if call.signed is not None and digest != (stated or EMPTY_SHA256):
            raise refused(
                "signature_digest", "The body does not have the digest that Content-Digest states."
            )
        file.seek(0)
        yield Upload(await call.asked_again(), Request(request.scope, _again(file)))


Uploaded = Annotated[Upload, Depends(uploaded)]


def write_to(path: Path, file: UploadFile) -> None:
    """Write the file of a form to `path`; blocking."""
    with path.open("wb") as stream:
        shutil.copyfileobj(file.file, stream)


def stated_digest(request: Request) -> bytes | None:
    """The sha256 that `Content-Digest` states (RFC 9530)."""
    match = DIGEST.fullmatch(request.headers.get("content-digest", ""))
    return base64.b64decode(match[1]) if match else None


async def _receive(request: Request, file: IO[bytes], context: Context) -> bytes:
    """Write the body to a file, while there is room beside all others; its sha256."""
    digest, since_looked = hashlib.sha256(), 0
    async for chunk in limited(request, context.settings.max_upload):
        digest.update(chunk)
        await run_in_threadpool(file.write, chunk)
        since_looked += len(chunk)
        if since_looked >= LOOK_EVERY:
            await run_in_threadpool(context.media.require_room)
            since_looked = 0
    return digest.digest()


def _again(file: IO[bytes]) -> Receive:
    async def receive() -> Message:
        chunk = await run_in_threadpool(file.read, CHUNK)
        return {"type": "http.request", "body": chunk, "more_body": bool(chunk)}

    return receive
