"""`/v1/detect`: what is this file, and did this service release it? Public and free of charge.

Code of Practice, measures 1.2.1 to 1.2.3. Nothing of the file is kept.
"""

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from governance.api import errors
from governance.api.intake import Intake, Looking
from governance.api.permissions import open_to_all
from governance.detection import statement
from governance.detection.detect import detect
from governance.detection.looking import PATIENCE, Progress
from governance.kernel.errors import GovernanceError
from governance.lifecycle.context import Context

router = APIRouter(tags=["Detection"])
log = logging.getLogger(__name__)
LINES = "application/x-ndjson"
EXAMPLE = {
    "object": "detection",
    "statement": {
        "schema": "detection.v1",
        "time": "2026-11-22T11:12:05.123456Z",
        "solution": {
            "name": "Governance service",
            "url": "https://governance.example/detect",
            "log": "governance.example/log",
            "version": "0.1.0",
            "build": f"sha256:{'5' * 64}",
        },
        "file": {
            "sha256": "a" * 64,
            "size": 812345,
            "media_type": "video/mp4",
            "width": 1280,
            "height": 720,
            "seconds": "4.000",
            "seconds_examined": "4.000",
        },
        "verdict": {
            "code": "released",
            "sentence": "This file comes from one that this service released on 20 November 2026; "
            "it was changed or copied since.",
            "basis": ["watermark"],
        },
        "marks": [
            {
                "kind": "watermark",
                "state": "present",
                "detail": "Read with certainty z = 12.9; 7.0 is needed.",
                "basis": "watermark",
                "facts": {"z": "12.9"},
            }
        ],
        "releases": [
            {
                "record": "gen_0198b7c2d3e44f5a8b9c0d1e2f3a4b5c",
                "record_uri": "https://governance.example/v1/governance/records?generation="
                "gen_0198b7c2d3e44f5a8b9c0d1e2f3a4b5c",
                "sha256": "b" * 64,
                "media_type": "video/mp4",
                "released_at": "2026-11-20T09:30:00.000000Z",
                "recalled_at": None,
                "basis": ["watermark"],
                "proof": {
                    "record": "rec_0198b7c2d3e44f5a8b9c0d1e2f3a4b5c",
                    "index": 41,
                    "leaf": "c" * 64,
                    "path": ["(base64)"],
                    "checkpoint": "(a signed note)",
                },
            }
        ],
        "candidates": [],
        "reliability": {
            "watermark": {
                "threshold_z": "7.0",
                "trials": 100000,
                "false_positive_bound": "2.3e-06",
            },
            "fingerprint": "A candidate, never proof: files that were made alike look alike.",
        },
    },
    "envelope": {
        "payload": "(base64)",
        "payloadType": statement.PAYLOAD_TYPE,
        "signatures": [{"keyid": "SHA256:…", "sig": "(base64)"}],
    },
    "keys": ["(the key manifest, one DSSE envelope each)"],
}
FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}, "example": "(the file)"}
UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": FILE,
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                },
                "example": {"file": "(the file)"},
            },
        },
    },
    "responses": {
        "200": {
            "description": "The signed result; with `Accept: application/x-ndjson` lines of "
            '`{"object": "detection.progress", "done": 0.25}`, then the result or an `error`.',
            "content": {
                "application/json": {"schema": {"type": "object"}, "example": EXAMPLE},
                LINES: {"schema": {"type": "string"}},
            },
        },
        "503": {"description": "`detectors_busy`: try again after `Retry-After` seconds."},
    },
}


@router.post("/v1/detect", openapi_extra=UPLOAD)
@open_to_all
async def detect_file(request: Request) -> Response:
    """Look at a video, an image or a sound: which marks it carries, and whether it is ours.

    The file is the body, or the form field `file`; its name and type don't matter. The answer says
    of each kind of mark whether it is there, absent or was not checked, on what the verdict rests,
    and is signed: `governance verify-detection` checks it without this service. Whoever sends a
    credential has the rate of their own. The file and all that was found are forgotten.
    """
    intake: Intake = request.app.state.intake
    context: Context = request.app.state.context
    looking = await intake.look(request, lambda path, tell: result_of(context, path, tell))
    if LINES in request.headers.get("accept", ""):
        return _Told(_lines(looking), looking)
    return JSONResponse(await looking.task)


def result_of(context: Context, path: Path, progress: Progress) -> dict[str, Any]:
    """The signed document on a file."""
    keyring = context.ledger.keyring
    found = detect(context, path, progress, PATIENCE)
    said = statement.statement(found, context.settings.base_url, keyring.manifest.origin)
    return statement.seal(said, keyring.record, keyring.chain)


class _Told(StreamingResponse):
    """Progress line by line; when nobody listens any more, the work ends."""

    def __init__(self, content: AsyncIterator[bytes], looking: Looking[Any]) -> None:
        super().__init__(content, media_type=LINES)
        self._looking = looking

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._looking.stop()


async def _lines(looking: Looking[dict[str, Any]]) -> AsyncIterator[bytes]:
    async for share in looking.shares():
        yield _line({"object": "detection.progress", "done": round(share, 2)})
    try:
        yield _line(await looking.task)
    except GovernanceError as error:
        yield bytes(errors.answer(error).body) + b"\n"
    except Exception:
        log.exception("a detection failed")
        yield bytes(errors.unexpected().body) + b"\n"


def _line(value: dict[str, Any]) -> bytes:
    return orjson.dumps(value) + b"\n"
