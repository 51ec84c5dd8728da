"""Kling's two protocols: orders as bodies, answers as tasks.

Classic (`kling-v2-6`, `kling-v3`): POST /v1/videos/<kind>, GET the same path with an id. Unified
(`kling-3.0-turbo`): POST /text-to-video/<model> or /image-to-video/<model>, GET /tasks.
Sources: https://app.klingai.com/global/dev/document-api and https://kling.ai/document-api, the
pages on text to video, image to video, multi-image to video and Kling 3.0 Turbo.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from governance.domain import InputRole
from governance.routing.frames import aspect_ratio
from governance.routing.provider import Fault, Input, Order

UNIFIED = "tasks"
CLASSIC = ("text2video", "image2video", "multi-image2video")
UNIFIED_MODELS = frozenset({"kling-3.0-turbo"})
PROMPT_LIMIT = 2500  # characters
IMAGE_LIMIT = 10 * 1024 * 1024  # bytes of a file
MAX_REFERENCES = 4
RATIOS = ("16:9", "9:16", "1:1")
_STANDARD, _PROFESSIONAL = 720, 1080  # pixels of the shorter side
_IMAGES = frozenset({"image/png", "image/jpeg"})


@dataclass(frozen=True)
class Posting:
    """What to POST where. kind: under which the task is asked after."""

    kind: str
    path: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Task:
    """What either protocol says of a task. key: ours; words: why it failed; url: of the video."""

    id: str
    key: str
    state: str
    words: str
    url: str


def posting(order: Order) -> Posting:
    """The order in the vendor's words. Raises Fault (`invalid`): the vendor does not make this."""
    if order.media != "video" or order.task != "generate":
        raise Fault("invalid", "Kling makes new videos only.")
    if len(order.prompt) > PROMPT_LIMIT:
        raise Fault("invalid", f"The prompt has more than {PROMPT_LIMIT} characters.")
    ratio = aspect_ratio(order.width, order.height, RATIOS)
    if ratio is None or min(order.width, order.height) > _PROFESSIONAL:
        known = " or ".join(RATIOS)
        raise Fault("invalid", f"Kling makes frames of {known}, {_PROFESSIONAL} pixels at most.")
    if order.model in UNIFIED_MODELS:
        return _unified(order, ratio)
    return _classic(order, ratio)


def classic_task(data: object) -> Task | None:
    """The `data` of a classic answer; None if it is none."""
    if not isinstance(data, Mapping) or not isinstance(data.get("task_id"), str):
        return None
    return Task(
        id=data["task_id"],
        key=str(_within(data, "task_info").get("external_task_id", "")),
        state=str(data.get("task_status", "")),
        words=str(data.get("task_status_msg", "")),
        url=_url(_within(data, "task_result").get("videos")),
    )


def unified_task(data: object) -> Task | None:
    """The `data` of a unified answer, an object or a list of one; None if it is none."""
    if isinstance(data, list):
        data = data[0] if len(data) == 1 else None
    if not isinstance(data, Mapping) or not isinstance(data.get("id"), str):
        return None
    outputs = data.get("outputs")
    videos = [out for out in outputs if _type(out) == "video"] if isinstance(outputs, list) else []
    return Task(
        id=data["id"],
        key=str(data.get("external_id", "")),
        state=str(data.get("status", "")),
        words=str(data.get("message", "")),
        url=_url(videos),
    )


def _classic(order: Order, ratio: str) -> Posting:
    first, last = _only(order, "first_frame"), _only(order, "last_frame")
    references = _pictures(order, "reference")
    # Sound and an end frame exist in the professional mode only.
    plain = min(order.width, order.height) <= _STANDARD and not order.audio and last is None
    body: dict[str, Any] = {
        "model_name": order.model,
        "prompt": order.prompt,
        "duration": str(order.seconds),
        "mode": "std" if plain else "pro",
        "external_task_id": order.key,
    }
    sound = {"sound": "on" if order.audio else "off"}
    if references:
        _require(len(references) <= MAX_REFERENCES and not order.audio)
        _require(first is None and last is None)
        pictures = {"image_list": [{"image": picture} for picture in references]}
        return _at(CLASSIC[2], body | pictures | {"aspect_ratio": ratio})
    if first is not None:
        tail = {"image_tail": last} if last is not None else {}
        return _at(CLASSIC[1], body | sound | {"image": first} | tail)
    _require(last is None)
    return _at(CLASSIC[0], body | sound | {"aspect_ratio": ratio})


def _at(kind: str, body: dict[str, Any]) -> Posting:
    return Posting(kind, f"/v1/videos/{kind}", body)


def _unified(order: Order, ratio: str) -> Posting:
    """Sound is always on in this protocol's model."""
    first = _only(order, "first_frame")
    _require(not any(file.role in ("last_frame", "reference") for file in order.inputs))
    is_standard = min(order.width, order.height) <= _STANDARD
    settings = {"resolution": "720p" if is_standard else "1080p", "duration": order.seconds}
    options = {"external_task_id": order.key}
    body: dict[str, Any]
    if first is None:
        body = {"prompt": order.prompt, "settings": settings | {"aspect_ratio": ratio}}
        return Posting(UNIFIED, f"/text-to-video/{order.model}", body | {"options": options})
    contents = [{"type": "prompt", "text": order.prompt}, {"type": "first_frame", "url": first}]
    body = {"contents": contents, "settings": settings}
    return Posting(UNIFIED, f"/image-to-video/{order.model}", body | {"options": options})


def _only(order: Order, role: InputRole) -> str | None:
    pictures = _pictures(order, role)
    _require(len(pictures) <= 1)
    return pictures[0] if pictures else None


def _pictures(order: Order, role: InputRole) -> list[str]:
    _require(all(file.role != "source" for file in order.inputs))
    return [_base64(file) for file in order.inputs if file.role == role]


def _base64(file: Input) -> str:
    """The file as the vendor takes it: bare, without a `data:` prefix."""
    if file.media_type not in _IMAGES:
        raise Fault("invalid", "Kling takes PNG and JPEG images only.")
    try:
        if file.path.stat().st_size > IMAGE_LIMIT:
            raise Fault("invalid", f"Kling takes images of {IMAGE_LIMIT} bytes at most.")
        return base64.b64encode(file.path.read_bytes()).decode()
    except OSError:
        raise Fault("invalid", "An input file cannot be read.") from None


def _require(possible: bool) -> None:
    if not possible:
        raise Fault(
            "invalid",
            "Kling works from one first frame, with or without a last one, or from up to "
            f"{MAX_REFERENCES} references without sound; its Turbo from a first frame only.",
        )


def _url(videos: object) -> str:
    if isinstance(videos, list) and videos and isinstance(videos[0], Mapping):
        return str(videos[0].get("url", ""))
    return ""


def _type(output: object) -> object:
    return output.get("type") if isinstance(output, Mapping) else None


def _within(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = data.get(name)
    return inner if isinstance(inner, Mapping) else {}
