"""An order as a Gemini Omni interaction, and an interaction as the state of a job.

Sources, as of 2026-11-23: ai.google.dev/gemini-api/docs/omni (tasks, tags for the roles of files,
limits), types of google-genai 3.4.0. Omni always makes sound.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from governance.domain import InputRole
from governance.routing.answers import sentence, strange
from governance.routing.provider import Fault, Input, Order, Status, truncated
from governance.routing.providers import google_files as files
from governance.routing.providers.google_answers import is_refusal

_IMAGE, _VIDEO = frozenset({"image"}), frozenset({"video"})
_TO_GENERATE: dict[InputRole, frozenset[str]] = {
    "first_frame": _IMAGE,
    "last_frame": _IMAGE,
    "reference": _IMAGE | _VIDEO,
}
_TO_CHANGE: dict[InputRole, frozenset[str]] = {"source": _VIDEO, "reference": _IMAGE | _VIDEO}
_TO_ENLARGE: dict[InputRole, frozenset[str]] = {"source": _VIDEO}
_DECLARED: tuple[InputRole, ...] = ("source", "first_frame", "last_frame", "reference")
_RESOLUTIONS = {360: "360p", 720: "720p", 1080: "1080p", 2160: "4k"}
_RUNNING = frozenset({"queued", "in_progress", "requires_continuation"})
_TELLING = ("id", "status", "model", "created", "updated", "errors", "usage", "labels")
_FILE = re.compile(r"/(files/[a-z0-9-]{1,100})(?::download)?(?:\?|$)")


def interaction(order: Order) -> dict[str, Any]:
    """The arguments of `interactions.create`. Raises Fault (`invalid`) for what Omni won't make.

    background: the POST returns at once; the vendor keeps such an interaction (`store`) for its
    usual time. labels: our key, for the vendor's bill; there is no list to look it up in.
    """
    task = _task(order)
    return {
        "model": order.model,
        "input": _input(order, task),
        "background": True,
        "store": True,
        "labels": {"generation": order.key},
        "generation_config": {"video_config": {"task": task}},
        "response_format": _format(order, task),
    }


def status(job_id: str, body: Mapping[str, Any]) -> Status:
    """Where the interaction stands; only what is telling of it is kept: its steps repeat the
    prompt."""
    raw = truncated(json.dumps({name: body[name] for name in _TELLING if name in body}))
    state = body.get("status")
    if body.get("id") != job_id or not isinstance(state, str):
        return Status("running", 0, "internal", "The vendor's answer is unreadable.")
    if state in _RUNNING:
        return Status("running", 0, raw=raw)
    if state == "completed" and video_of(body) is not None:
        return Status("succeeded", 100, raw=raw)
    return _failed(state, body, raw)


def video_of(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The content that is the finished video: `uri`, or `data` where the vendor sent it inline."""
    for content in _contents(body):
        if content.get("type") == "video" and (content.get("uri") or content.get("data")):
            return content
    return None


def file_name(uri: str) -> str | None:
    """`files/…`, where an address is one of the Files API."""
    found = _FILE.search(uri)
    return found[1] if found else None


def content_address(uri: str) -> str:
    """The address of a file's bytes; the vendor's own examples name the file itself, too."""
    if file_name(uri) is None or ":download" in uri:
        return uri
    return f"{uri.partition('?')[0]}:download?alt=media"


def _failed(state: str, body: Mapping[str, Any], raw: str) -> Status:
    if state == "budget_exceeded":
        return Status("failed", 0, "exhausted", sentence("exhausted", state), raw)
    if state == "cancelled":
        return Status("failed", 0, "gone", sentence("gone", state), raw)
    errors = [error for error in _listed(body.get("errors")) if isinstance(error, Mapping)]
    errors += _step_errors(body)
    for error in errors:
        if is_refusal(error.get("code"), error.get("message")):
            return Status("failed", 0, "refused", sentence("refused", state), raw)
    if state == "completed" and not _made_video(body):
        # A refusal can be a finished interaction whose only output is text.
        return Status("failed", 0, "refused", sentence("refused", "no video"), raw)
    if state in ("failed", "incomplete", "requires_action", "completed"):
        return Status("failed", 0, "internal", sentence("internal", state), raw)
    return strange(raw)


def _made_video(body: Mapping[str, Any]) -> bool:
    """Whether the bill says that video was made, wherever it is."""
    usage = body.get("usage")
    by_modality = usage.get("output_tokens_by_modality") if isinstance(usage, Mapping) else None
    return any(
        isinstance(entry, Mapping)
        and str(entry.get("modality")).lower() == "video"
        and entry.get("tokens")
        for entry in _listed(by_modality)
    )


def _contents(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for step in _outputs(body):
        yield from (item for item in _listed(step.get("content")) if isinstance(item, Mapping))


def _step_errors(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for step in _outputs(body):
        error = step.get("error")
        if isinstance(error, Mapping):
            yield error


def _outputs(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for step in _listed(body.get("steps")):
        if isinstance(step, Mapping) and step.get("type") == "model_output":
            yield step


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _task(order: Order) -> str:
    """Omni's word for what is asked, once the files that go along fit it."""
    if order.task == "generate":
        files.require(order, _TO_GENERATE)
        files.require_frames(order)
        if files.of(order, "first_frame"):
            return "image_to_video"
        return "reference_to_video" if order.inputs else "text_to_video"
    files.require(order, _TO_ENLARGE if order.task == "upscale" else _TO_CHANGE)
    if len(files.of(order, "source")) != 1:
        raise Fault("invalid", "Omni changes exactly one source video.")
    return order.task


def _input(order: Order, task: str) -> list[dict[str, Any]]:
    """The files in the order of their declarations, then the prompt."""
    along = [file for role in _DECLARED for file in files.of(order, role)]
    blocks = [_block(file) for file in along]
    if task == "upscale":  # the one task without words
        return blocks
    said = " ".join((*_declarations(along, task), order.prompt))
    return [*blocks, {"type": "text", "text": said}]


def _declarations(along: list[Input], task: str) -> list[str]:
    """Which file plays which part: `[# Sources <FIRST_FRAME>@Image1] [# References …]`."""
    sources, references = [], []
    seen = {"image": 0, "video": 0, "image_ref": 0, "video_ref": 0}
    for file in along:
        kind = files.kind(file)
        seen[kind] += 1
        place = f"@{kind.capitalize()}{seen[kind]}"
        if file.role == "reference":
            references.append(f"<{kind.upper()}_REF_{seen[f'{kind}_ref']}>{place}")
            seen[f"{kind}_ref"] += 1
        elif file.role == "source":
            sources.append(f"<{'PREVIOUS_VIDEO' if task == 'extend' else 'VIDEO_0'}>{place}")
        else:
            sources.append(f"<{file.role.upper()}>{place}")
    return [
        f"[# {title} {' '.join(tags)}]"
        for title, tags in (("Sources", sources), ("References", references))
        if tags
    ]


def _block(file: Input) -> dict[str, Any]:
    data = base64.b64encode(file.path.read_bytes()).decode()
    return {"type": files.kind(file), "data": data, "mime_type": file.media_type}


def _format(order: Order, task: str) -> dict[str, Any]:
    """An edited video keeps its length and shape, an enlarged one too."""
    ratio, resolution = files.shape(order, _RESOLUTIONS)
    wanted = {"type": "video", "delivery": "uri", "resolution": resolution}
    if task in ("edit", "upscale"):
        return wanted
    if order.seconds < 3:
        raise Fault("invalid", "Omni makes at least 3 seconds.")
    if task != "extend":
        wanted["aspect_ratio"] = ratio
    return {**wanted, "duration": f"{order.seconds}s"}
