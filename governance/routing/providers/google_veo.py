"""Veo 3.1 on Google's Agent Platform: operations whose answer holds the video itself.

The official SDK with its retries switched off. Labels carry our key to the vendor's bill; there is
no list of operations, so an order whose submission was not answered cannot be found again, and
none can be stopped. A refusal is an operation that is done without a video. Source, as of
2026-11-23: docs.cloud.google.com/gemini-enterprise-agent-platform/models/veo, google-genai 3.4.0.
"""

import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from governance.domain import InputRole
from governance.kernel.errors import ConfigurationError
from governance.routing.account import Account
from governance.routing.answers import JOB_ID, sentence, strange, while_fetching, withhold
from governance.routing.outputs import require_media, save
from governance.routing.provider import Fault, FaultKind, Input, Job, Order, Status, truncated
from governance.routing.providers import google_files as files
from governance.routing.providers.google_answers import fault, of_operation

if TYPE_CHECKING:
    from google import genai
    from google.genai import types

T = TypeVar("T")
TIMEOUT = 60.0
EXTENSION = 7  # seconds that a longer version is longer
_RESOLUTIONS = {720: "720p", 1080: "1080p", 2160: "4k"}
_IMAGE = frozenset({"image"})
_TO_GENERATE: dict[InputRole, frozenset[str]] = {
    "first_frame": _IMAGE,
    "last_frame": _IMAGE,
    "reference": _IMAGE,
}
_TO_EXTEND: dict[InputRole, frozenset[str]] = {"source": frozenset({"video"})}


class GoogleVeo:
    """One account. key: an access token, or a service account's key as JSON; project, location.

    timeout: seconds without a byte. Raises ConfigurationError (`provider_url_invalid`).
    """

    name = "google-veo"
    recoverable = False

    def __init__(self, account: Account, timeout: float = TIMEOUT) -> None:
        if account.base_url and not account.base_url.startswith(("https://", "http://")):
            raise ConfigurationError(
                "provider_url_invalid", "The address of the Agent Platform must be an http(s) URL."
            )
        self._account = account
        self._timeout = timeout

    def configured(self) -> bool:
        account = self._account
        return bool(account.key.get_secret_value() and account.project and account.location)

    def probe(self, model: str) -> bool:
        """Whether the vendor still lists the model: free, one short question. Anything else but
        a plain yes is False."""
        try:
            return bool(self._questions.models.get(model=model).name)
        except Exception:  # noqa: BLE001  whatever it was, it is no yes
            return False

    def submit(self, order: Order) -> tuple[Job, str]:
        wanted = _wanted(order)
        client = self._orders
        operation = self._ask(
            lambda: client.models.generate_videos(**wanted), "ambiguous", order.prompt
        )
        name = operation.name or ""
        if not JOB_ID.fullmatch(name) or "/operations/" not in name:
            raise Fault("ambiguous", sentence("ambiguous"))
        return Job(name, order.media, self.name, order.model), _telling(operation)

    def poll(self, job: Job) -> Status:
        try:
            operation = self._operation(job)
        except Fault as lost:
            is_lost = lost.kind == "gone"
            return Status("failed" if is_lost else "running", 0, lost.kind, lost.message, lost.raw)
        return _status(job, operation, self._account.secrets)

    def fetch(self, job: Job, target: Path, limit: int) -> None:
        try:
            video = _video_of(self._operation(job))
        except Fault as lost:
            raise while_fetching(lost) from None
        if video is None:
            raise Fault("unavailable", "The vendor has no finished video for this job.")
        try:
            save([video], target, limit)
            require_media(target, "video")
        except BaseException:
            target.unlink(missing_ok=True)
            raise

    def cancel(self, job: Job) -> bool:
        return False

    def recover(self, key: str) -> Job | None:
        return None

    def _operation(self, job: Job) -> "types.GenerateVideosOperation":
        from google.genai import types

        client = self._questions
        wanted = types.GenerateVideosOperation(name=job.id)  # type: ignore[call-arg]  # inherited
        return self._ask(lambda: client.operations.get(wanted), "unavailable")

    def _ask(self, call: Callable[[], T], otherwise: FaultKind, prompt: str = "") -> T:
        try:
            return call()
        except Exception as error:  # noqa: BLE001  whatever it was, the order may have been taken
            raise fault(error, otherwise, self._account.secrets, prompt) from None

    @cached_property
    def _orders(self) -> "genai.Client":
        from governance.routing.providers import google_sdk

        return google_sdk.platform(self._account, self._timeout, keep_alive=0)

    @cached_property
    def _questions(self) -> "genai.Client":
        from governance.routing.providers import google_sdk

        return google_sdk.platform(self._account, self._timeout, keep_alive=64)


def _wanted(order: Order) -> dict[str, Any]:
    """The arguments of `models.generate_videos`. Raises Fault (`invalid`) for what isn't made."""
    from google.genai import types

    _require(order)
    ratio, resolution = files.shape(order, _RESOLUTIONS)
    images = {role: [_image(f) for f in files.of(order, role)] for role in _TO_GENERATE}
    videos = [
        types.Video(video_bytes=file.path.read_bytes(), mime_type=file.media_type)
        for file in files.of(order, "source")
    ]
    asset = types.VideoGenerationReferenceType.ASSET
    return {
        "model": order.model,
        "source": types.GenerateVideosSource(
            prompt=order.prompt,
            image=next(iter(images["first_frame"]), None),
            video=next(iter(videos), None),
        ),
        "config": types.GenerateVideosConfig(
            number_of_videos=1,
            duration_seconds=order.seconds,
            aspect_ratio=ratio,
            resolution=resolution,
            generate_audio=order.audio,
            last_frame=next(iter(images["last_frame"]), None),
            reference_images=[
                types.VideoGenerationReferenceImage(image=image, reference_type=asset)
                for image in images["reference"]
            ]
            or None,
            labels={"generation": order.key},
        ),
    }


def _require(order: Order) -> None:
    """Raises Fault (`invalid`) unless Veo makes that at all."""
    if order.media != "video":
        raise Fault("invalid", f"This provider makes video, not {order.media}.")
    if order.task == "extend":
        files.require(order, _TO_EXTEND)
        if len(order.inputs) != 1 or order.seconds != EXTENSION:
            raise Fault("invalid", f"Veo extends one source video, by {EXTENSION} seconds.")
        return
    if order.task != "generate":
        raise Fault("invalid", "Veo generates and extends; it does not change a video.")
    files.require(order, _TO_GENERATE)
    files.require_frames(order)
    references = len(files.of(order, "reference"))
    if references > 3 or (references and references != len(order.inputs)):
        raise Fault("invalid", "Veo takes up to 3 references, without first or last frame.")
    is_long = references > 0 or min(order.width, order.height) > 720
    if order.seconds not in ((8,) if is_long else (4, 6, 8)):
        raise Fault("invalid", "Veo makes 4, 6 or 8 s; 8 s above 720p and with references.")


def _image(file: Input) -> "types.Image":
    from google.genai import types

    return types.Image(image_bytes=file.path.read_bytes(), mime_type=file.media_type)


def _status(
    job: Job, operation: "types.GenerateVideosOperation", secrets: tuple[str, ...]
) -> Status:
    raw = withhold(_telling(operation), secrets)
    if operation.name != job.id:
        return Status("running", 0, "internal", "The vendor's answer is unreadable.", raw)
    if not operation.done:
        return Status("running", 0, raw=raw)
    if operation.error:
        code, message = operation.error.get("code"), operation.error.get("message")
        kind = of_operation(code, message)
        return Status("failed", 0, kind, sentence(kind, f"code {code}"), raw)
    if _video_of(operation) is not None:
        return Status("succeeded", 100, raw=raw)
    response = operation.response
    if response and (response.rai_media_filtered_count or response.rai_media_filtered_reasons):
        return Status("failed", 0, "refused", sentence("refused", "filtered"), raw)
    return strange(raw)


def _video_of(operation: "types.GenerateVideosOperation") -> bytes | None:
    videos = operation.response.generated_videos if operation.response else None
    video = videos[0].video if videos else None
    return video.video_bytes if video else None


def _telling(operation: "types.GenerateVideosOperation") -> str:
    """What is kept of an answer: all but the video."""
    response = operation.response
    reasons = response.rai_media_filtered_reasons if response else None
    said = {
        "name": operation.name,
        "done": operation.done,
        "error": operation.error,
        "filtered": reasons,
        "videos": len(response.generated_videos or ()) if response else None,
    }
    return truncated(json.dumps({key: value for key, value in said.items() if value is not None}))
