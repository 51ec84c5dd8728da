"""Luma's Dream Machine: Ray2 and Ray2 Flash, video without sound.

It takes pictures only at public addresses, which ours are not; so from words alone.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from governance.routing.answers import sentence
from governance.routing.frames import aspect_ratio, resolution
from governance.routing.provider import Fault, FaultKind, Job, Order, Status
from governance.routing.providers.luma_api import LumaApi, is_moderated

if TYPE_CHECKING:
    import lumaai

RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21")
RESOLUTIONS = {540: "540p", 720: "720p", 1080: "1080p", 2160: "4k"}
SECONDS = (5, 9)
PROMPT = range(3, 5001)  # characters; docs.lumalabs.ai/docs/errors


class Luma(LumaApi):
    """base_url: up to and including `/dream-machine/v1`; key: sent as bearer token."""

    name = "luma"
    _package = "lumaai"
    _usual_address = "https://api.lumalabs.ai/dream-machine/v1"
    _running = frozenset({"queued", "dreaming"})

    def _body(self, order: Order) -> dict[str, Any]:
        _require_possible(order)
        ratio = aspect_ratio(order.width, order.height, RATIOS)
        size = resolution(order.width, order.height, RESOLUTIONS)
        if ratio is None or size is None:
            raise Fault("invalid", "The shorter side must be 540, 720, 1080 or 2160 pixels.")
        return {
            "model": order.model,
            "prompt": order.prompt,
            "duration": f"{order.seconds}s",
            "resolution": size,
            "aspect_ratio": ratio,
        }

    def _create(self, body: dict[str, Any]) -> Any:
        return self._orders.generations.video.with_raw_response.create(**body)

    def _get(self, job_id: str) -> Any:
        return self._questions.generations.with_raw_response.get(job_id)

    def _failure(self, body: Mapping[str, Any], raw: str) -> Status:
        """A failed generation is refunded (docs.lumalabs.ai/docs/faq).

        Its reason is a sentence that may quote the prompt: it is read here and never shown.
        """
        kind: FaultKind = "refused" if is_moderated(body.get("failure_reason")) else "internal"
        return Status("failed", 0, kind, sentence(kind), raw, Decimal(0))

    def _output(self, job: Job, body: Mapping[str, Any]) -> object:
        assets = body.get("assets")
        return assets.get("video") if isinstance(assets, dict) else None

    @property
    def _client_class(self) -> "type[lumaai.LumaAI]":
        import lumaai

        return lumaai.LumaAI


def _require_possible(order: Order) -> None:
    if order.media != "video" or order.task != "generate" or order.inputs:
        raise Fault("invalid", "This model makes new videos from words alone.")
    if order.audio:
        raise Fault("invalid", "This model's videos have no sound.")
    if order.seconds not in SECONDS:
        raise Fault("invalid", "The length must be 5 or 9 seconds.")
    if len(order.prompt) not in PROMPT:
        raise Fault("invalid", "The prompt must have 3 to 5000 characters.")
