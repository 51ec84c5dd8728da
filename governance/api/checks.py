"""Checks after delivery: which marks does a copy, found somewhere, still bear?"""

from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.datastructures import FormData, UploadFile

from governance.api.intake import Intake
from governance.api.permissions import requires
from governance.api.requests import require_known
from governance.api.uploads import Uploaded, write_to
from governance.detection.fetching import fetch
from governance.evidence.story import Story
from governance.kernel.errors import InvalidRequest
from governance.lifecycle import checking, commands
from governance.lifecycle.context import Context

MAX_ADDRESS = 2048  # characters

router = APIRouter(prefix="/v1/governance", tags=["Marks"])
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "url": {"type": "string", "maxLength": MAX_ADDRESS},
                    },
                },
                "example": {"file": "(the copy)"},
            }
        },
    }
}


@router.post("/generations/{generation}/checks", openapi_extra=BODY)
@requires("asset", "check", "generation")
async def check_copy(generation: str, upload: Uploaded) -> dict[str, Any]:
    """Look for the marks of a released file in a copy of it; the result is a record.

    The copy is the form field `file`, or lies at `url`, on a host that the operator allows. The
    copy itself is not kept.
    """
    call = upload.call
    story = await call.story(generation)
    async with upload.request.form(max_files=1, max_fields=4) as form:
        require_known(dict(form), ("file", "url"))
        intake: Intake = upload.request.app.state.intake
        body = await intake.check(lambda: _check(call.context, story, form, call.principal.id))
    return {"object": "marks.check", "generation": generation, "check": body}


def _check(context: Context, story: Story, form: FormData, by: str) -> dict[str, Any]:
    file, url = form.get("file"), form.get("url")
    commands.require_released(story)
    with context.media.staging() as path:
        host, address = _bring(context, path, file, url)
        body = checking.look(context, story, path, host=host, by=by)
    commands.record_check(context, story.id, body, address)
    return body


def _bring(context: Context, path: Path, file: Any, url: Any) -> tuple[str, str]:
    """Host and address of the copy, now at `path`; both empty for a file that was sent."""
    if isinstance(file, UploadFile) and url is None:
        write_to(path, file)
        return "", ""
    if isinstance(url, str) and file is None and len(url) <= MAX_ADDRESS:
        return fetch(url, path, context.settings), url
    raise InvalidRequest(
        "copy_missing",
        "Send either the copy as form field `file`, or its address as `url`, of up to "
        f"{MAX_ADDRESS:,} characters.",
    )
