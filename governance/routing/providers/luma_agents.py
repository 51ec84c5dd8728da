"""Luma Agents: Ray 3.2 for video without sound, Uni-1 for images.

Files of ours go along inside the order itself, so that an order stays one POST.
"""

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from governance.routing.answers import sentence
from governance.routing.frames import aspect_ratio, resolution
from governance.routing.provider import Fault, FaultKind, Input, Job, Order, Status
from governance.routing.providers.luma_api import LumaApi

if TYPE_CHECKING:
    import luma_agents

VIDEO_RATIOS = ("9:16", "3:4", "1:1", "4:3", "16:9", "21:9")
IMAGE_RATIOS = ("3:1", "2:1", "16:9", "3:2", "1:1", "2:3", "9:16", "1:2", "1:3")
RESOLUTIONS = {360: "360p", 540: "540p", 720: "720p", 1080: "1080p"}
SECONDS = (5, 10)
SOURCE_SECONDS = 18
FRAMES_PER_SECOND = 24  # of the grid that guide frames are pinned to
PROMPT = range(1, 6001)  # characters
REFERENCES = 9
INPUT_LIMIT = 50_000_000  # bytes of all files together
_FAILURES: dict[str, FaultKind] = {
    "content_moderated": "refused",
    "budget_exhausted": "exhausted",
    "rate_limited": "throttled",
    "output_not_found": "gone",
    "image_too_large": "invalid",
    "unsupported_format": "invalid",
    "corrupt_input": "invalid",
    "invalid_request": "invalid",
}


class LumaAgents(LumaApi):
    """base_url: up to and including `/v1`; key: sent as bearer token."""

    name = "luma-agents"
    _package = "luma_agents"
    _usual_address = "https://agents.lumalabs.ai/v1"
    _running = frozenset({"queued", "processing"})

    def _body(self, order: Order) -> dict[str, Any]:
        if len(order.prompt) not in PROMPT:
            raise Fault("invalid", "The prompt must have 1 to 6000 characters.")
        if order.audio:
            raise Fault("invalid", "This model's videos have no sound.")
        _require_small(order.inputs)
        makers = {
            ("video", "generate"): _video,
            ("video", "edit"): _video_edit,
            ("image", "generate"): _image,
            ("image", "edit"): _image_edit,
        }
        maker = makers.get((order.media, order.task))
        if maker is None:
            raise Fault("invalid", f"This provider does not {order.task} {order.media}.")
        # The end user whom the vendor's own rules want to tell apart: opaque, and ours to resolve.
        common = {"model": order.model, "prompt": order.prompt, "user_id": order.key}
        return common | maker(order)

    def _create(self, body: dict[str, Any]) -> Any:
        return self._orders.generations.with_raw_response.create(**body)

    def _get(self, job_id: str) -> Any:
        return self._questions.generations.with_raw_response.get(job_id)

    def _failure(self, body: Mapping[str, Any], raw: str) -> Status:
        code = str(body.get("failure_code") or "")
        kind = _FAILURES.get(code, "internal")
        return Status("failed", 0, kind, sentence(kind, code), raw)

    def _output(self, job: Job, body: Mapping[str, Any]) -> object:
        outputs = body.get("output")
        for output in outputs if isinstance(outputs, list) else ():
            if isinstance(output, dict) and output.get("type") == job.kind:
                return output.get("url")
        return None

    @property
    def _client_class(self) -> "type[luma_agents.Luma]":
        import luma_agents

        return luma_agents.Luma


def _video(order: Order) -> dict[str, Any]:
    ratio = aspect_ratio(order.width, order.height, VIDEO_RATIOS)
    if ratio is None or order.seconds not in SECONDS:
        raise Fault("invalid", "The length must be 5 or 10 seconds, the frame 16:9 or the like.")
    options: dict[str, Any] = {"resolution": _size(order), "duration": f"{order.seconds}s"}
    last = order.seconds * FRAMES_PER_SECOND
    pinned = {0: _only(order, "first_frame"), last: _only(order, "last_frame")}
    pins = {index: file for index, file in pinned.items() if file is not None}
    _require_used(order, len(pins))
    if pins:
        # Unlike `start_frame` and `end_frame` these may also guide clips of 10 seconds.
        options["keyframes"] = [_inline(file) for file in pins.values()]
        options["keyframe_indexes"] = list(pins)
    return {"type": "video", "aspect_ratio": ratio, "video": options}


def _video_edit(order: Order) -> dict[str, Any]:
    """Length and ratio are the source's."""
    if order.seconds > SOURCE_SECONDS:
        raise Fault("invalid", f"The source may have {SOURCE_SECONDS} seconds at most.")
    source = _source(order)
    _require_used(order, 1)
    return {
        "type": "video_edit",
        "source": _inline(source),
        "video": {"resolution": _size(order), "edit": {"auto_controls": True}},
    }


def _image(order: Order) -> dict[str, Any]:
    return {"type": "image", "output_format": "png", **_ratio(order), **_references(order, 0)}


def _image_edit(order: Order) -> dict[str, Any]:
    source = _source(order)
    return {
        "type": "image_edit",
        "output_format": "png",
        "source": _inline(source),
        **_ratio(order),
        **_references(order, 1),
    }


def _size(order: Order) -> str:
    size = resolution(order.width, order.height, RESOLUTIONS)
    if size is None:
        raise Fault("invalid", "The shorter side must be 360, 540, 720 or 1080 pixels.")
    return size


def _ratio(order: Order) -> dict[str, str]:
    """The vendor chooses an image's pixels, we only its ratio."""
    ratio = aspect_ratio(order.width, order.height, IMAGE_RATIOS)
    if ratio is None:
        raise Fault("invalid", f"The image must have one of the ratios {', '.join(IMAGE_RATIOS)}.")
    return {"aspect_ratio": ratio}


def _references(order: Order, others: int) -> dict[str, Any]:
    """others: how many of the files serve otherwise; a source takes a reference's place."""
    references = [file for file in order.inputs if file.role == "reference"]
    _require_used(order, len(references) + others)
    if len(references) + others > REFERENCES:
        raise Fault("invalid", f"At most {REFERENCES} files may go along.")
    return {"image_ref": [_inline(file) for file in references]} if references else {}


def _source(order: Order) -> Input:
    source = _only(order, "source")
    if source is None or not source.media_type.startswith(order.media):
        raise Fault("invalid", f"An {order.media} is needed to work from.")
    return source


def _only(order: Order, role: str) -> Input | None:
    files = [file for file in order.inputs if file.role == role]
    if len(files) > 1:
        raise Fault("invalid", f"There can be only one {role}.")
    return files[0] if files else None


def _require_used(order: Order, used: int) -> None:
    if used != len(order.inputs):
        raise Fault("invalid", "This model has no use for some of the files that go along.")


def _require_small(files: tuple[Input, ...]) -> None:
    try:
        size = sum(file.path.stat().st_size for file in files)
    except OSError:
        raise Fault("invalid", "A file that should go along cannot be read.") from None
    if size > INPUT_LIMIT:
        raise Fault("invalid", f"The files may have {INPUT_LIMIT} bytes together at most.")


def _inline(file: Input) -> dict[str, str]:
    try:
        data = base64.b64encode(file.path.read_bytes()).decode()
    except OSError:
        raise Fault("invalid", "A file that should go along cannot be read.") from None
    return {"data": data, "media_type": file.media_type}
