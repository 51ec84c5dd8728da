"""Images and speech of Gemini models: one question, whose answer is the media itself.

Sources, as of 2026-11-23: ai.google.dev/gemini-api/docs/image-generation and /speech-generation,
types of google-genai 3.4.0.
"""

import io
import re
import wave
from typing import TYPE_CHECKING, Any

from governance.domain import Media
from governance.routing.answers import sentence
from governance.routing.provider import Fault, FaultKind, Order
from governance.routing.providers.google_answers import is_refusal

if TYPE_CHECKING:
    from google.genai import types

USUAL_VOICE = "Kore"  # the vendor has no default
_RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_SIZES = ((1024, "1K"), (2048, "2K"), (4096, "4K"))  # by the shorter side, as prices are
_NO_REASON = ("FINISH_REASON_UNSPECIFIED", "STOP")
_PCM = re.compile(r"audio/l16;(?:.*;)?\s*rate=(\d{4,6})", re.IGNORECASE)
_KEPT: dict[str, Any] = {
    "response_id": True,
    "model_version": True,
    "usage_metadata": True,
    "prompt_feedback": True,
    "candidates": {"__all__": {"finish_reason"}},
}


def question(order: Order) -> dict[str, Any]:
    """The arguments of `models.generate_content`. Raises Fault (`invalid`) for what isn't made."""
    from google.genai import types

    wanted = _image(order) if order.media == "image" else _speech(order)
    config = types.GenerateContentConfig(
        # Either of these would let the SDK ask again, and each question is paid for.
        automatic_continuation=False,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        **wanted,
    )
    files = [
        types.Part.from_bytes(data=i.path.read_bytes(), mime_type=i.media_type)
        for i in order.inputs
    ]
    parts = [*files, types.Part.from_text(text=order.prompt)]
    return {"model": order.model, "contents": parts, "config": config}


def media_of(answer: "types.GenerateContentResponse", media: Media) -> bytes:
    """The image or the sound in an answer, as a file.

    Raises Fault: `refused`, `internal` for another reason of the vendor's, `ambiguous` for none.
    """
    for part in answer.parts or ():
        blob = part.inline_data
        # What a model draws while it thinks is not its answer.
        if blob is None or not blob.data or part.thought:
            continue
        if (blob.mime_type or "").startswith(media):
            return _file(blob.data, blob.mime_type or "")
    raise _fault(answer)


def telling(answer: "types.GenerateContentResponse") -> str:
    """What is kept of an answer: all but its content."""
    return answer.model_dump_json(include=_KEPT, exclude_none=True, by_alias=True)


def _fault(answer: "types.GenerateContentResponse") -> Fault:
    feedback = answer.prompt_feedback
    blocked = feedback.block_reason if feedback else None
    ends = [one.finish_reason for one in answer.candidates or () if one.finish_reason]
    why = str((blocked or ends[0]).value) if blocked or ends else _NO_REASON[0]
    kind: FaultKind = "refused" if blocked or is_refusal(why) else "internal"
    if why in _NO_REASON:  # it may well have drawn and charged what did not arrive
        kind = "ambiguous"
    return Fault(kind, sentence(kind, why), telling(answer))


def _image(order: Order) -> dict[str, Any]:
    from google.genai import types

    roles = [file.role for file in order.inputs]
    is_change = order.task == "edit"
    if order.task not in ("generate", "edit") or roles.count("source") != int(is_change):
        raise Fault("invalid", "This model makes images, or changes one source image.")
    if any(file.role not in ("source", "reference") for file in order.inputs) or any(
        not file.media_type.startswith("image/") for file in order.inputs
    ):
        raise Fault("invalid", "Only images can go along: a source and references.")
    shape = types.ImageConfig(aspect_ratio=_ratio(order), image_size=_size(order))
    return {"response_modalities": ["IMAGE"], "image_config": shape}


def _speech(order: Order) -> dict[str, Any]:
    from google.genai import types

    if order.task != "generate" or order.inputs:
        raise Fault("invalid", "This model speaks a text; it takes no files.")
    voice = types.PrebuiltVoiceConfig(voice_name=order.voice or USUAL_VOICE)
    speech = types.SpeechConfig(voice_config=types.VoiceConfig(prebuilt_voice_config=voice))
    return {"response_modalities": ["AUDIO"], "speech_config": speech}


def _ratio(order: Order) -> str:
    """The vendor's shape within 3 % of what is asked."""
    for ratio in _RATIOS:
        width, height = map(int, ratio.split(":"))
        if abs(order.width * height / (order.height * width) - 1) <= 0.03:
            return ratio
    raise Fault("invalid", f"This model makes images of {', '.join(_RATIOS)}.")


def _size(order: Order) -> str:
    for lines, name in _SIZES:
        if min(order.width, order.height) <= lines:
            return name
    raise Fault("invalid", "This model makes images of up to 4K.")


def _file(data: bytes, mime_type: str) -> bytes:
    """Bare samples (signed, 16 bits, little-endian, mono) in a WAVE container; all else as is."""
    pcm = _PCM.match(mime_type)
    if pcm is None:
        return data
    memory = io.BytesIO()
    with wave.open(memory, "wb") as container:
        container.setnchannels(1)
        container.setsampwidth(2)
        container.setframerate(int(pcm[1]))
        container.writeframes(data)
    return memory.getvalue()
