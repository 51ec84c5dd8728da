"""`/v1/audio/speech` in the OpenAI shape: the answer is the released sound itself, as a WAV file.

https://platform.openai.com/docs/api-reference/audio/createSpeech
"""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse

from governance.api.awaiting import handed_over, refuse_unless
from governance.api.orders import Ordered
from governance.api.permissions import requires
from governance.api.requests import generation_request
from governance.kernel.errors import InvalidRequest
from governance.routing.filters import spoken_seconds

router = APIRouter(prefix="/v1/audio", tags=["OpenAI shape"])
SUPPORTED: dict[str, tuple[Any, ...]] = {
    "response_format": ("wav",),
    "stream_format": ("audio",),
    "speed": (1,),
    "instructions": ("",),
}
SPEAK = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "example": {
                    "model": "auto",
                    "input": "The lighthouse is open from nine to five.",
                    "voice": "alloy",
                    "metadata": {"project": "spring-campaign", "territories": "EU"},
                },
            }
        },
    }
}


@router.post("/speech", openapi_extra=SPEAK, response_class=FileResponse)
@requires("generation", "create", "project")
async def create_speech(order: Ordered) -> FileResponse:
    """The words of `input`, spoken, when they have been released; 409 as for pictures."""
    refuse_unless(order.fields, SUPPORTED)
    words, voice = order.fields.get("input"), order.fields.get("voice")
    if not isinstance(words, str):
        raise InvalidRequest("input_missing", "Send the words as `input`.", param="input")
    fields = {
        **order.fields,
        "prompt": words,
        "voice": voice.get("id") if isinstance(voice, dict) else voice,
        "seconds": order.fields.get("seconds", max(spoken_seconds(words), 1)),
    }
    organisation = order.call.principal.organisation
    asked = generation_request(organisation, fields, order.request.headers, "audio")
    made = await handed_over(order, asked)
    return FileResponse(made.path, media_type=made.media_type, headers=made.headers)
