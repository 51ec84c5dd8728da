"""Images and speech as Gemini models answer with them: the media is in the answer."""

import base64
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from fastapi import Response
from fastapi.responses import JSONResponse, StreamingResponse

from governance.simulators import clip

RATE = 24_000
WORDS_PER_SECOND = 2.5
PIXELS = {"1K": 1024, "2K": 2048, "4K": 4096}
_PADDING = 6_000_000


def prompt_of(body: dict[str, Any]) -> str:
    """The words of a question."""
    parts = [part for content in body.get("contents", []) for part in content.get("parts", [])]
    return " ".join(part["text"] for part in parts if "text" in part)


def answer(model: str, body: dict[str, Any], prompt: str) -> Response:
    """The answer to a question that was taken."""
    if "[[moderate]]" in prompt:
        return JSONResponse({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})
    if "[[late-moderate]]" in prompt:
        return _said(model, [], "IMAGE_SAFETY")
    if "[[text-only]]" in prompt:
        return _said(model, [{"text": f"I cannot draw {prompt}."}], "NO_IMAGE")
    if "[[silent]]" in prompt:
        return _said(model, [], "STOP")
    if "[[continues]]" in prompt:
        return _said(model, [], "CONTINUATION", {"continuationToken": "dG9rZW4="})
    config = _camel(body.get("generationConfig", {}))
    is_speech = config.get("responseModalities") == ["AUDIO"]
    if "[[wrong-media]]" in prompt:
        media, kind = b"<html>Sign in</html>", "audio/mpeg" if is_speech else "image/png"
    else:
        media, kind = _speech(config, prompt) if is_speech else _image(config, prompt)
    if "[[huge]]" in prompt:
        media += bytes(_PADDING)
    data = {"mimeType": kind, "data": base64.b64encode(media).decode()}
    thought = {"inlineData": {"mimeType": "image/png", "data": "dGhvdWdodA=="}, "thought": True}
    said = _said(model, [{"inlineData": data}] if is_speech else [thought, {"inlineData": data}])
    return _cut(said) if "[[cut]]" in prompt else said


def _cut(whole: Response) -> Response:
    half = iter([whole.body[: len(whole.body) // 2]])
    return StreamingResponse(half, headers={"content-length": str(len(whole.body))})


def _camel(value: Any) -> Any:
    """Names as ProtoJSON writes them; it reads `snake_case` too, and the SDK sends both."""
    if not isinstance(value, dict):
        return value
    return {re.sub(r"_(.)", lambda m: m[1].upper(), k): _camel(v) for k, v in value.items()}


def _said(
    model: str,
    parts: list[dict[str, Any]],
    finish: str = "STOP",
    more: Mapping[str, Any] = MappingProxyType({}),
) -> JSONResponse:
    content = {"role": "model", "parts": parts}
    candidate = {"content": content, "finishReason": finish, "index": 0, **more}
    usage = {"promptTokenCount": 8, "candidatesTokenCount": 1120, "totalTokenCount": 1128}
    return JSONResponse(
        {
            "candidates": [candidate],
            "usageMetadata": usage,
            "modelVersion": model,
            "responseId": "simulated",
        }
    )


def _image(config: dict[str, Any], prompt: str) -> tuple[bytes, str]:
    shape = config.get("imageConfig", {})
    wide, high = (int(part) for part in shape.get("aspectRatio", "1:1").split(":"))
    side = PIXELS[shape.get("imageSize", "1K")]
    width = round(side * (wide / high) ** 0.5 / 16) * 16
    return clip.still(prompt, width, round(width * high / wide)), "image/png"


def _speech(config: dict[str, Any], prompt: str) -> tuple[bytes, str]:
    """A tone as long as the words, whose pitch follows from the voice: 16 bits, mono."""
    voice = config["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"]
    seconds = max(len(re.findall(r"\w+", prompt)) / WORDS_PER_SECOND, 0.5)
    moments = np.arange(int(seconds * RATE)) / RATE
    wave = 0.2 * np.sin(2 * np.pi * (180 + sum(voice.encode()) % 100) * moments)
    return (wave * 32767).astype("<i2").tobytes(), f"audio/L16;codec=pcm;rate={RATE}"
