"""Omni's interactions: what may be ordered, what they look like, what they make."""

import base64
import io
import re
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import av
from fastapi import Request, Response

from governance.simulators import clip, mischief
from governance.simulators.google_errors import problem

_TASKS = frozenset(
    {"text_to_video", "image_to_video", "reference_to_video", "edit", "extend", "upscale"}
)
_LINES = {"360p": 360, "720p": 720, "1080p": 1080, "4k": 2160}
_FIELDS = frozenset(
    {"model", "input", "background", "store", "labels", "generation_config", "response_format"}
)
HOST = "generativelanguage.googleapis.com"
_LABEL = re.compile(r"[a-z0-9_-]{0,63}")


_ENDS = {
    "[[late-moderate]]": "failed",
    "[[fail]]": "failed",
    "[[incomplete]]": "incomplete",
    "[[budget]]": "budget_exceeded",
    "[[odd-status]]": "contemplating",
}


@dataclass
class Interaction:
    """One accepted video."""

    id: str
    body: dict[str, Any]
    prompt: str
    started: float = field(default_factory=time.monotonic)
    cancelled: bool = False
    polls: int = 0
    looks: int = 0  # at the state of its file

    def status(self, delay: float) -> str:
        share = (time.monotonic() - self.started) / delay if delay else 1.0
        if self.cancelled:
            return "cancelled"
        if share < 1:
            return "in_progress" if share > 0.3 else "queued"
        return next((end for word, end in _ENDS.items() if word in self.prompt), "completed")

    @property
    def file(self) -> str:
        return self.id.removeprefix("v1_")


def mistake(body: dict[str, Any]) -> Response | None:
    """The answer to a body of the wrong shape."""
    config = body.get("generation_config", {}).get("video_config", {})
    wanted = body.get("response_format", {})
    if unknown := set(body) - _FIELDS:
        return problem(400, "invalid_request", f"Unknown name {sorted(unknown)}.")
    if body.get("background") and body.get("store") is False:
        return problem(400, "invalid_request", "background=true requires store=true.")
    if not all(_LABEL.fullmatch(value) for value in body.get("labels", {}).values()):
        return problem(400, "invalid_request", "Invalid label.")
    if config.get("task", "text_to_video") not in _TASKS:
        return problem(400, "invalid_request", "Invalid value at 'video_config.task'.")
    is_duration = re.fullmatch(r"\d+(\.\d+)?s", wanted.get("duration", "5s"))
    if wanted.get("resolution", "720p") not in _LINES or not is_duration:
        return problem(400, "invalid_request", "Invalid value at 'response_format'.")
    return None


def prompt_of(body: dict[str, Any]) -> str:
    """The words in an input of steps."""
    steps = body.get("input", [])
    contents = [content for step in steps for content in step.get("content", [])]
    return " ".join(content["text"] for content in contents if content.get("type") == "text")


def media_of(made: Interaction) -> bytes:
    wanted = made.body["response_format"]
    lines = _LINES[wanted.get("resolution", "720p")]
    width, height = lines * 16 // 9, lines
    if wanted.get("aspect_ratio") == "9:16":
        width, height = height, width
    seconds = int(float(wanted.get("duration", "0s").removesuffix("s")))
    return _media(made.prompt, seconds + _source_seconds(made.body), width, height)


def _source_seconds(body: dict[str, Any]) -> int:
    for content in (content for step in body["input"] for content in step.get("content", [])):
        is_source = body["generation_config"]["video_config"]["task"] in (
            "edit",
            "extend",
            "upscale",
        )
        if content.get("type") == "video" and is_source:
            with av.open(io.BytesIO(base64.b64decode(content["data"])), "r") as source:
                return max(round((source.duration or 0) / av.time_base), 1)
    return 0


@lru_cache(maxsize=32)
def _media(prompt: str, seconds: int, width: int, height: int) -> bytes:
    return clip.encode(prompt, seconds, width, height)


def broken(made: Interaction) -> Response:
    return Response(f'{{"id": "{made.id}", "status": "in_pro', media_type="application/json")


def wire(request: Request, made: Interaction, delay: float, *, asked: bool) -> dict[str, Any]:
    """The interaction as JSON, as far as it has come. asked: by GET, which repeats the input."""
    status = made.status(delay)
    steps = made.body["input"] if asked else []
    body = {
        "id": made.id,
        "object": "interaction",
        "model": made.body["model"],
        "status": status,
        "labels": made.body.get("labels", {}),
        "created": "2026-11-23T00:00:00Z",
        "steps": steps,
    }
    if status == "completed":
        body["steps"] = [*steps, _output(request, made)]
        body["usage"] = _usage(made)
    if status == "failed":
        body["errors"] = [_failure(made.prompt)]
    return body


def _output(request: Request, made: Interaction) -> dict[str, Any]:
    content: dict[str, Any] = {"type": "video", "mime_type": "video/mp4"}
    if "[[text-only]]" in made.prompt:
        content = {"type": "text", "text": f"I cannot make a video of {made.prompt}."}
    elif "[[inline]]" in made.prompt:
        content["data"] = base64.b64encode(media_of(made)).decode()
    elif "[[foreign]]" in made.prompt:
        content["uri"] = mischief.elsewhere(request)
    else:
        is_bare = "[[bare]]" in made.prompt
        path = f"/v1beta/files/{made.file}" + ("" if is_bare else ":download")
        place = request.url.replace(path=path, query="" if is_bare else "alt=media")
        is_vendors = "[[vendors-host]]" in made.prompt
        content["uri"] = str(place.replace(scheme="https", netloc=HOST) if is_vendors else place)
    return {"type": "model_output", "content": [content]}


def _usage(made: Interaction) -> dict[str, Any]:
    video = 0 if "[[text-only]]" in made.prompt else 5792
    modalities = [{"modality": "video", "tokens": video}] if video else []
    return {"total_output_tokens": video, "output_tokens_by_modality": modalities}


def _failure(prompt: str) -> dict[str, str]:
    if "[[late-moderate]]" in prompt:
        return {"code": "safety", "message": "The video was blocked by our safety policies."}
    return {"code": "internal", "message": "The generation failed."}
