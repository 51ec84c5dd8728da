"""OpenAI's images and speech: `/v1/images/generations`, `/v1/images/edits`, `/v1/audio/speech`.

The answer to an order is the media itself. It goes into the spool before the order counts as
answered; an answer that was lost on its way cannot be asked for again. The vendor tells the tokens
that it counted, not what they cost.
"""

import base64
import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from governance.routing import openai_sdk
from governance.routing.account import Account
from governance.routing.answers import read_object, sentence, withhold
from governance.routing.outputs import require_media
from governance.routing.provider import Fault, Job, Order, Status, truncated
from governance.routing.spool import Spool

if TYPE_CHECKING:
    import openai

BASE_URL = "https://api.openai.com/v1"
TIMEOUT = 300.0  # nothing comes before an image is whole
ANSWER_LIMIT = 96 << 20
QUALITY = "medium"  # `auto` would leave the price to the vendor
VOICE = "alloy"
MAX_TEXT = 4096
MAX_IMAGES = 16
MAX_IMAGE_BYTES = 50_000_000
LONGER_MAX, SHORTER_MAX = 3840, 2160
_IMAGES = frozenset({"image/png", "image/jpeg", "image/webp"})
_TOLD = ("created", "background", "output_format", "quality", "size", "usage")


class OpenAI:
    """The account's key: an API key. base_url: up to and including `/v1`, empty for the vendor's.

    timeout: seconds without a byte.
    """

    name = "openai"
    recoverable = True

    def __init__(self, account: Account, spool: Spool, timeout: float = TIMEOUT) -> None:
        self._account = account
        self._spool = spool
        self._timeout = timeout

    def configured(self) -> bool:
        return bool(self._account.key.get_secret_value())

    def submit(self, order: Order) -> tuple[Job, str]:
        import openai

        _require_makeable(order)
        job = Job(order.key, order.media, self.name, order.model)
        if self._spool.has(order.key):  # paid for already
            return job, ""
        hidden = (*self._account.secrets, order.prompt)
        try:
            content, told = self._speech(order) if order.media == "audio" else self._image(order)
        except (openai.APIError, UnicodeEncodeError) as error:
            raise openai_sdk.fault(error, "ambiguous", hidden) from None
        self._spool.put(order.key, content)
        return job, truncated(withhold(json.dumps(told), hidden))

    def poll(self, job: Job) -> Status:
        if self._spool.has(job.id):
            return Status("succeeded", 100)
        return Status("failed", 0, "gone", sentence("gone"))

    def fetch(self, job: Job, target: Path, limit: int) -> None:
        try:
            size = self._spool.take(job.id, target)
            if size > limit:
                raise Fault("internal", f"The vendor's file is larger than {limit} bytes.")
            require_media(target, job.kind)
        except BaseException:
            target.unlink(missing_ok=True)
            raise

    def cancel(self, job: Job) -> bool:
        """An order is done before it can be cancelled."""
        return False

    def recover(self, key: str) -> Job | None:
        """What the vendor sent before we stopped; its model is not told."""
        media = self._spool.media(key)
        return Job(key, media, self.name, "") if media else None

    def _image(self, order: Order) -> tuple[bytes, dict[str, Any]]:
        """The image, and what the vendor says of it. Raises Fault, openai.APIError."""
        images = self._client.images.with_raw_response
        asked: dict[str, Any] = {
            "prompt": order.prompt,
            "model": order.model,
            "size": f"{order.width}x{order.height}",
            "quality": QUALITY,
            "n": 1,
            "output_format": "png",
            "extra_headers": {"Idempotency-Key": order.key},
        }
        if order.inputs:
            uploads = [openai_sdk.upload(given) for given in order.inputs]
            text = images.edit(image=uploads, **asked).text
        else:
            text = images.generate(**asked).text
        body = read_object(text)
        try:
            content = base64.b64decode(body["data"][0]["b64_json"], validate=True)
        except (KeyError, IndexError, TypeError, ValueError):
            raise Fault("ambiguous", sentence("ambiguous")) from None
        return content, {name: body[name] for name in _TOLD if name in body}

    def _speech(self, order: Order) -> tuple[bytes, dict[str, Any]]:
        answer = self._client.audio.speech.with_raw_response.create(
            input=order.prompt,
            model=order.model,
            voice=order.voice or VOICE,
            response_format="wav",
            extra_headers={"Idempotency-Key": order.key},
        )
        return answer.content, {"content_type": answer.headers.get("content-type", "")}

    @cached_property
    def _client(self) -> "openai.OpenAI":
        return openai_sdk.client(
            self._account,
            self._account.base_url or BASE_URL,
            self._timeout,
            limit=ANSWER_LIMIT,
            reuse=False,
        )


def _require_makeable(order: Order) -> None:
    """Raises Fault (`invalid`): what the vendor would refuse need not be sent."""
    if order.media == "audio":
        problem = _unspeakable(order)
    elif order.media == "image":
        problem = _unpaintable(order)
    else:
        problem = f"This provider makes images and speech, not {order.media}."
    if problem:
        raise Fault("invalid", problem)


def _unspeakable(order: Order) -> str:
    if order.inputs or order.task != "generate":
        return "Speech is made from text alone."
    if len(order.prompt) > MAX_TEXT:
        return f"At most {MAX_TEXT} characters can be spoken."
    return ""


def _unpaintable(order: Order) -> str:
    longer, shorter = max(order.width, order.height), min(order.width, order.height)
    if longer % 16 or shorter % 16 or shorter < 16:
        return "Both sides of an image must be divisible by 16."
    if longer > 3 * shorter or longer > LONGER_MAX or shorter > SHORTER_MAX:
        return f"Images are at most {LONGER_MAX}x{SHORTER_MAX} and 3:1."
    if order.task not in ("generate", "edit") or (order.task == "edit" and not order.inputs):
        return "Images are generated, or edited from a source; this provider has no other task."
    if any(given.role not in ("reference", "source") for given in order.inputs):
        return "Images are made from references and a source, not from frames."
    if len(order.inputs) > MAX_IMAGES or any(
        given.media_type not in _IMAGES for given in order.inputs
    ):
        return f"At most {MAX_IMAGES} files go along: PNG, JPEG or WebP."
    if any(_size(given.path) > MAX_IMAGE_BYTES for given in order.inputs):
        return f"An input image is larger than {MAX_IMAGE_BYTES} bytes."
    return ""


def _size(path: Path) -> int:
    """In bytes; 0 for a file that is missing, which is told when it is read."""
    return path.stat().st_size if path.exists() else 0
