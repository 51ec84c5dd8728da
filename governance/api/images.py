"""`/v1/images` in the OpenAI shape: the answer is the released picture itself.

https://platform.openai.com/docs/api-reference/images
"""

import base64
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from governance.api import presenting
from governance.api.awaiting import handed_over, refuse_unless
from governance.api.orders import Files, Ordered, Ordering
from governance.api.permissions import requires
from governance.api.requests import generation_request
from governance.domain import Task
from governance.kernel.errors import InvalidRequest

router = APIRouter(prefix="/v1/images", tags=["OpenAI shape"])
# In a form all values are text.
SUPPORTED: dict[str, tuple[Any, ...]] = {
    "n": (1, "1"),
    "stream": (False, "false"),
    "response_format": ("b64_json",),
    "output_format": ("png",),
    "quality": ("auto", "medium"),
    "background": ("auto", "opaque"),
}
GENERATE = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "example": {
                    "model": "auto",
                    "prompt": "A lighthouse at dusk, calm sea",
                    "size": "1024x1024",
                    "metadata": {"project": "spring-campaign", "territories": "EU"},
                },
            }
        },
    }
}
EDIT = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["image", "prompt"],
                    "properties": {"image": {"type": "string", "format": "binary"}},
                },
                "example": {
                    "image": "(the picture)",
                    "prompt": "The same at dawn",
                    "metadata[territories]": "EU",
                },
            }
        },
    }
}


@router.post("/generations", openapi_extra=GENERATE)
@requires("generation", "create", "project")
async def generate_image(order: Ordered) -> JSONResponse:
    """A picture, when it has been released; one that takes longer or waits for a person: 409."""
    return await _picture(order, "generate")


@router.post("/edits", openapi_extra=EDIT)
@requires("generation", "create", "project")
async def edit_image(order: Ordered) -> JSONResponse:
    """A picture made from the form's first `image` as the prompt says; the others are references.

    As for generations otherwise.
    """
    if not any(role == "source" for role, _ in order.files):
        raise InvalidRequest(
            "image_missing", "Send the picture as form field `image`.", param="image"
        )
    return await _picture(replace(order, files=_one_source(order.files)), "edit")


async def _picture(order: Ordering, task: Task) -> JSONResponse:
    refuse_unless(order.fields, SUPPORTED)
    organisation = order.call.principal.organisation
    size = order.fields.get("size")
    fields = {**order.fields, "size": None if size == "auto" else size}
    asked = generation_request(organisation, fields, order.request.headers, "image")
    made = await handed_over(order, replace(asked, task=task))
    content = await run_in_threadpool(made.path.read_bytes)
    video = presenting.video(made.story)
    body = {
        "created": video["completed_at"],
        "data": [{"b64_json": base64.b64encode(content).decode()}],
        "output_format": made.media_type.partition("/")[2],
        "size": video["size"],
        "governance": {"generation": made.story.id, **video["governance"]},
    }
    return JSONResponse(body, headers=made.headers)


def _one_source(files: Files) -> Files:
    first = next(number for number, (role, _) in enumerate(files) if role == "source")
    return tuple(
        ("reference" if role == "source" and number != first else role, content)
        for number, (role, content) in enumerate(files)
    )
