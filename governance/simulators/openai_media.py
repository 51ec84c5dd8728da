"""OpenAI's images and speech over real HTTP, whose faults are ordered in the prompt or the text.

    [[moderate]]         400 `moderation_blocked`
    [[429]] [[quota]]    429 `rate_limit_exceeded` with `retry-after`; 429 `insufficient_quota`
    [[no-model]]         404 `model_not_found`
    [[invalid]]          400 `invalid_value`, which repeats the prompt
    [[500]] [[drop]]     do the work, then: 500; close the connection without an answer
    [[hang]] [[garbled]] do the work, then: never answer; answer with broken JSON (images)
    [[wrong-media]]      the answer is a web page where the media should be
    [[huge]]             the answer does not end; [[cut]]: it ends in the middle

`GET /_control/posts` counts what arrived. State lies in memory.
"""

import asyncio
import base64
import hashlib
import re
import time
import wave
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from PIL import Image
from starlette.datastructures import UploadFile

from governance.simulators import mischief, serving

KEY = "simulated-openai-key"
RETRY_AFTER = 7
VOICES = frozenset({"alloy", "ash", "ballad", "coral", "echo", "fable", "onyx", "nova", "sage"})
VOICES |= {"shimmer", "verse", "marin", "cedar"}
MAX_TEXT = 4096
MAX_IMAGES = 16
RATE = 24_000
WORDS_PER_SECOND = 2.5
_SIZE = re.compile(r"([1-9]\d{1,3})x([1-9]\d{1,3})")


class State:
    """What the vendor knows. delay: seconds from an order to its answer."""

    def __init__(self, key: str, delay: float) -> None:
        self.key = key
        self.delay = delay
        self.by_key: Counter[str] = Counter()
        self.by_prompt: Counter[str] = Counter()
        self.orders: list[dict[str, Any]] = []

    def count(self, request: Request, prompt: str) -> None:
        self.by_key[request.headers.get("idempotency-key", "")] += 1
        self.by_prompt[prompt] += 1


class SimulatedOpenAI(serving.Simulation[State]):
    """url: `http://127.0.0.1:…/v1`."""

    def __init__(self, key: str = KEY, delay: float = 0.0, port: int = 0) -> None:
        state = State(key, delay)
        super().__init__(build(state), state, state.by_key, port, "/v1")


def build(state: State) -> FastAPI:
    """The application over one state."""
    app = FastAPI(openapi_url=None)
    app.state.vendor = state
    app.add_exception_handler(HTTPException, _unauthorized)
    media = APIRouter(prefix="/v1", dependencies=[Depends(_authenticate)])
    media.add_api_route("/images/generations", _generate, methods=["POST"])
    media.add_api_route("/images/edits", _edit, methods=["POST"])
    media.add_api_route("/audio/speech", _speak, methods=["POST"])
    app.include_router(media)
    app.add_api_route("/_control/posts", _posts, methods=["GET"])
    return app


def _authenticate(request: Request) -> None:
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if given != _state(request).key:
        raise HTTPException(401, f"Incorrect API key provided: {given}.")


def _unauthorized(_: Request, problem: Exception) -> Response:
    return _error(401, "invalid_api_key", str(getattr(problem, "detail", "")))


async def _generate(request: Request) -> Response:
    return await _picture(request, await request.json(), ())


async def _edit(request: Request) -> Response:
    async with request.form() as form:
        files = form.getlist("image") + form.getlist("image[]")
        uploads = [await file.read() for file in files if isinstance(file, UploadFile)]
        fields = {key: value for key, value in form.items() if isinstance(value, str)}
    if not 1 <= len(uploads) <= MAX_IMAGES or not all(_is_picture(data) for data in uploads):
        return _error(400, "invalid_image_file", "Invalid image file or mode for image.")
    return await _picture(request, fields, tuple(uploads))


async def _picture(
    request: Request, order: Mapping[str, Any], uploads: tuple[bytes, ...]
) -> Response:
    state = _state(request)
    prompt = str(order.get("prompt", ""))
    state.count(request, prompt)
    if (refusal := _refusal(order, prompt)) is not None:
        return refusal
    size = _SIZE.fullmatch(str(order.get("size")))
    if size is None or not _is_size(int(size[1]), int(size[2])):
        return _error(400, "invalid_value", "Invalid size: both sides must be divisible by 16.")
    state.orders.append({**order, "images": uploads})
    if (lost := await _lost(request, prompt)) is not None:
        return lost
    is_wrong = "[[wrong-media]]" in prompt
    data = b"<html>Sign in</html>" if is_wrong else _paint(prompt, int(size[1]), int(size[2]))
    answer = JSONResponse(_wire(order, prompt, data, len(uploads)))
    if is_wrong:
        return answer
    return mischief.delivered(request, prompt, bytes(answer.body), "application/json")


def _wire(order: Mapping[str, Any], prompt: str, data: bytes, uploads: int) -> dict[str, Any]:
    return {
        "created": int(time.time()),
        "background": "opaque",
        "data": [{"b64_json": base64.b64encode(data).decode()}],
        "output_format": order.get("output_format", "png"),
        "quality": order.get("quality", "auto"),
        "size": order["size"],
        "usage": _usage(prompt, uploads),
    }


async def _speak(request: Request) -> Response:
    state = _state(request)
    order = await request.json()
    text = str(order.get("input", ""))
    state.count(request, text)
    if (refusal := _refusal(order, text)) is not None:
        return refusal
    if len(text) > MAX_TEXT or order.get("voice") not in VOICES:
        return _error(400, "invalid_value", "Invalid 'input' or 'voice'.")
    if order.get("response_format") != "wav":
        return _error(400, "unsupported_value", "This vendor is simulated for wav only.")
    state.orders.append(order)
    if (lost := await _lost(request, text)) is not None:
        return lost
    return mischief.delivered(request, text, _say(text, order["voice"]), "audio/wav")


def _refusal(order: Mapping[str, Any], prompt: str) -> Response | None:
    """The answer to an order that is not taken."""
    if not 1 <= len(prompt) <= 32_000 or not order.get("model"):
        return _error(400, "missing_required_parameter", "Missing required parameter.")
    if "[[moderate]]" in prompt:
        problem = "Your request was rejected by the safety system."
        return _error(400, "moderation_blocked", problem, kind="image_generation_user_error")
    if "[[429]]" in prompt:
        wait = {"retry-after": str(RETRY_AFTER)}
        return _error(429, "rate_limit_exceeded", "Rate limit reached.", headers=wait)
    if "[[quota]]" in prompt:
        return _error(429, "insufficient_quota", "You exceeded your current quota.")
    if "[[no-model]]" in prompt:
        problem = f"The model '{order['model']}' does not exist."
        return _error(404, "model_not_found", problem)
    if "[[invalid]]" in prompt:
        return _error(400, "invalid_value", f"Invalid value: '{prompt}'.")
    return None


async def _lost(request: Request, prompt: str) -> Response | None:
    """The work is done; does its answer come? None: yes."""
    await asyncio.sleep(_state(request).delay)
    await mischief.lose(request, prompt)
    if "[[500]]" in prompt:
        return _error(500, "server_error", "The server had an error.")
    if "[[garbled]]" in prompt:
        return Response('{"created": 1, "data": [{"b64_json": "iVBO', media_type="application/json")
    return None


async def _posts(request: Request) -> Response:
    state = _state(request)
    return JSONResponse(
        {
            "total": state.by_prompt.total(),
            "by_key": state.by_key,
            "by_prompt": state.by_prompt,
            "trapped": 0,
        }
    )


def _is_size(width: int, height: int) -> bool:
    ratio = width / height
    fits = max(width, height) <= 3840 and min(width, height) <= 2160
    return width % 16 == 0 and height % 16 == 0 and 1 / 3 <= ratio <= 3 and fits


def _is_picture(data: bytes) -> bool:
    try:
        with Image.open(BytesIO(data)) as image:
            return image.format in ("PNG", "JPEG", "WEBP")
    except OSError:
        return False


def _usage(prompt: str, uploads: int) -> dict[str, Any]:
    words = len(prompt.split())
    inputs = {"text_tokens": words, "image_tokens": 512 * uploads}
    spent = sum(inputs.values())
    return {
        "input_tokens": spent,
        "input_tokens_details": inputs,
        "output_tokens": 1056,
        "total_tokens": spent + 1056,
    }


@lru_cache(maxsize=64)
def _paint(prompt: str, width: int, height: int) -> bytes:
    """A PNG of that size whose colours follow from the prompt."""
    digest = hashlib.sha256(prompt.encode()).digest()
    corners = Image.frombytes("RGB", (3, 3), digest[:27])
    memory = BytesIO()
    corners.resize((width, height), Image.Resampling.BICUBIC).save(memory, "PNG")
    return memory.getvalue()


@lru_cache(maxsize=64)
def _say(text: str, voice: str) -> bytes:
    """A mono WAV as long as the text takes to say, one hummed note for each word."""
    words = text.split()
    step = int(RATE / WORDS_PER_SECOND)
    moments = np.arange(step) / RATE
    swell = np.sin(np.pi * moments / moments[-1])
    pitches = [110 + sum(f"{voice} {word}".encode()) % 110 for word in words]
    notes = [0.3 * swell * np.sin(2 * np.pi * pitch * moments) for pitch in pitches]
    samples = (np.concatenate(notes) * 32_767).astype("<i2")
    memory = BytesIO()
    with wave.open(memory, "wb") as sound:
        sound.setparams((1, 2, RATE, 0, "NONE", ""))
        sound.writeframes(samples.tobytes())
    return memory.getvalue()


def _error(
    status: int,
    code: str,
    message: str,
    *,
    kind: str = "invalid_request_error",
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    error = {"message": message, "type": kind, "param": None, "code": code}
    return JSONResponse({"error": error}, status, headers=headers)


def _state(request: Request) -> State:
    state: State = request.app.state.vendor
    return state
