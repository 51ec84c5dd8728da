"""What Kling checks in an order before it takes it, in both protocols."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

CLASSIC = ("text2video", "image2video", "multi-image2video")
# By model: the lengths that it makes.
CLASSIC_MODELS = {"kling-v2-6": (5, 10), "kling-v3": tuple(range(3, 16))}
UNIFIED_MODELS = {"kling-3.0-turbo": tuple(range(3, 16))}
SHAPES = {"16:9": (16, 9), "9:16": (9, 16), "1:1": (1, 1)}
SIDES = {"std": 720, "pro": 1080, "720p": 720, "1080p": 1080}
PROMPT_LIMIT = 2500
_HTTP = {
    **dict.fromkeys((1000, 1001, 1002, 1003, 1004), 401),
    **dict.fromkeys((1102, 1302, 1303), 429),
    **dict.fromkeys((1202, 1203), 404),
    5000: 500,
}


class Refusal(Exception):
    """An answer that holds no task. status: of HTTP, the usual one of the code unless told."""

    def __init__(
        self, code: int, message: str, *, status: int = 0, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status or _HTTP.get(code, 400)
        self.headers = headers


@dataclass(frozen=True)
class Wanted:
    """What is to be made; width and height in pixels."""

    seconds: int
    width: int
    height: int


def classic(kind: str, body: dict[str, Any]) -> Wanted:
    """An order to `/v1/videos/<kind>`. Raises Refusal."""
    require(kind in CLASSIC, 1202, "No such method")
    lengths = CLASSIC_MODELS.get(body.get("model_name", ""), ())
    require(bool(lengths), 1203, "The model does not exist")
    require(body.get("duration") in {str(length) for length in lengths}, 1201, "duration")
    mode, sound = body.get("mode", "std"), body.get("sound", "off")
    require(mode in ("std", "pro"), 1201, "mode is invalid")
    require(sound in ("on", "off"), 1201, "sound is invalid")
    for_professionals = sound == "on" or "image_tail" in body
    require(mode == "pro" or not for_professionals, 1201, "mode must be pro")
    for picture in _pictures(kind, body):
        _require_picture(picture)
    return _wanted(body["prompt"], int(body["duration"]), mode, body.get("aspect_ratio", "16:9"))


def unified(path: str, model: str, body: dict[str, Any]) -> Wanted:
    """An order to `/text-to-video/<model>` or `/image-to-video/<model>`. Raises Refusal."""
    settings = body.get("settings", {})
    require(model in UNIFIED_MODELS, 1203, "The model does not exist")
    require(settings.get("duration") in UNIFIED_MODELS[model], 1201, "duration is invalid")
    require(settings.get("resolution") in ("720p", "1080p"), 1201, "resolution is invalid")
    if path.startswith("/image"):
        frame = parts(body).get("first_frame")
        require(frame is not None, 1201, "contents: first_frame cannot be empty")
        _require_picture((frame or {}).get("url"))
    ratio = settings.get("aspect_ratio", "16:9")
    return _wanted(unified_prompt(body), settings["duration"], settings["resolution"], ratio)


def parts(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The `contents` of a unified order, by type."""
    return {part["type"]: part for part in body.get("contents", [])}


def unified_prompt(body: dict[str, Any]) -> str:
    return str(body.get("prompt", parts(body).get("prompt", {}).get("text", "")))


def require(is_met: bool, code: int, message: str) -> None:
    if not is_met:
        raise Refusal(code, message)


def _wanted(prompt: str, seconds: int, size: str, ratio: str) -> Wanted:
    require(0 < len(prompt) <= PROMPT_LIMIT, 1201, "prompt is empty or too long")
    require(ratio in SHAPES, 1201, "aspect_ratio is invalid")
    across, down = SHAPES[ratio]
    unit = SIDES[size] // min(across, down)
    return Wanted(seconds, across * unit, down * unit)


def _pictures(kind: str, body: dict[str, Any]) -> list[Any]:
    if kind == "image2video":
        return [body.get("image"), *([body["image_tail"]] if "image_tail" in body else [])]
    if kind == "multi-image2video":
        pictures = [entry.get("image") for entry in body.get("image_list", [])]
        require(1 <= len(pictures) <= 4, 1201, "image_list must have 1 to 4 images")
        return pictures
    return []


def _require_picture(value: Any) -> None:
    """Base64 without a prefix, of a PNG or JPEG."""
    try:
        start = base64.b64decode(value, validate=True)[:4]
    except (TypeError, ValueError, binascii.Error):
        raise Refusal(1201, "The image is no Base64") from None
    require(start.startswith((b"\x89PNG", b"\xff\xd8\xff")), 1201, "The image's format is invalid")
