"""Servers that speak the `/v1/videos` shape: SGLang, vLLM-Omni, resellers, once the Sora API.

None of them has an idempotency key or echoes one, so a job whose submission was not answered
cannot be found again. Their seconds of GPU time stay in the answer: no server says what one costs.
"""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2

from governance.kernel.errors import ConfigurationError
from governance.routing import openai_sdk
from governance.routing.account import Account
from governance.routing.answers import (
    JOB_ID,
    percent,
    read_object,
    sentence,
    strange,
    while_fetching,
    withhold,
)
from governance.routing.outputs import require_media, save
from governance.routing.provider import Fault, Job, Order, Status, truncated

if TYPE_CHECKING:
    import openai

TIMEOUT = 60.0
ANSWER_LIMIT = 1 << 20
_ABORTABLE = "video_gen_"  # how job ids of vLLM-Omni begin


class OpenAIVideos:
    """One server. The account's base_url: up to and including `/v1`; key: sent as bearer token.

    timeout: seconds without a byte. Raises ConfigurationError (`provider_url_invalid`).
    """

    name = "openai-videos"
    recoverable = False

    def __init__(self, account: Account, timeout: float = TIMEOUT) -> None:
        if account.base_url and not account.base_url.startswith(("https://", "http://")):
            raise ConfigurationError(
                "provider_url_invalid", "The address of the video server must be an http(s) URL."
            )
        self._account = account
        self._timeout = timeout

    def configured(self) -> bool:
        return bool(self._account.base_url and self._account.key.get_secret_value())

    def submit(self, order: Order) -> tuple[Job, str]:
        """As a form: vLLM-Omni takes no JSON, the others take both."""
        import openai

        _require_makeable(order)
        hidden = (*self._account.secrets, order.prompt)
        images = [openai_sdk.upload(given) for given in order.inputs]
        try:
            answer = self._ordering.videos.with_raw_response.create(
                prompt=order.prompt,
                model=order.model,
                seconds=str(order.seconds),  # type: ignore[arg-type]  # servers take any length
                size=f"{order.width}x{order.height}",  # type: ignore[arg-type]  # and any size
                input_reference=images[0] if images else openai.omit,
                # vLLM-Omni makes sound when told to, the others when their model does.
                extra_body={"generate_sound": True} if order.audio else None,
                extra_headers={"Idempotency-Key": order.key},
            )
        except (openai.APIError, UnicodeEncodeError) as error:
            raise openai_sdk.fault(error, "ambiguous", hidden) from None
        raw = withhold(answer.text, hidden)
        job_id = read_object(answer.text).get("id")
        if not isinstance(job_id, str) or not JOB_ID.fullmatch(job_id):
            raise Fault("ambiguous", sentence("ambiguous"), raw)
        return Job(job_id, order.media, self.name, order.model), truncated(raw)

    def poll(self, job: Job) -> Status:
        import openai

        try:
            text = self._asking.videos.with_raw_response.retrieve(job.id).text
        except openai.APIStatusError as error:
            text = error.response.text
            # vLLM-Omni answers for a failed job with an HTTP error whose body is the job.
            if read_object(text).get("status") != "failed":
                return _unanswered(openai_sdk.fault(error, "unavailable", self._account.secrets))
        except (openai.APIError, UnicodeEncodeError) as error:
            return _unanswered(openai_sdk.fault(error, "unavailable", ()))
        return _status(job, read_object(text), truncated(withhold(text, self._account.secrets)))

    def fetch(self, job: Job, target: Path, limit: int) -> None:
        import openai

        try:
            # Without `variant`: SGLang answers 404 to `variant=video`.
            videos = self._downloading.videos.with_streaming_response
            with videos.download_content(job.id) as answer:
                save(answer.iter_bytes(), target, limit)
            require_media(target, "video")
        except openai.APIStatusError as error:
            fault = openai_sdk.fault(error, "unavailable", self._account.secrets)
            # A redirect is not followed: it may lead into our own network.
            if error.status_code < 400 or fault.kind == "invalid":
                fault.kind = "internal"
            raise while_fetching(fault) from None
        except (openai.APIError, httpx2.HTTPError, UnicodeEncodeError):
            target.unlink(missing_ok=True)
            raise Fault("unavailable", sentence("unavailable")) from None
        except BaseException:
            target.unlink(missing_ok=True)
            raise

    def cancel(self, job: Job) -> bool:
        """Only vLLM-Omni aborts. SGLang would forget the job and go on; OpenAI's went on."""
        import openai

        if not job.id.startswith(_ABORTABLE):
            return False
        try:
            text = self._asking.videos.with_raw_response.delete(job.id).text
        except (openai.APIError, UnicodeEncodeError):
            return False
        return read_object(text).get("deleted") is True

    def recover(self, key: str) -> Job | None:
        return None

    @cached_property
    def _ordering(self) -> "openai.OpenAI":
        return self._client(ANSWER_LIMIT, reuse=False)

    @cached_property
    def _asking(self) -> "openai.OpenAI":
        return self._client(ANSWER_LIMIT, reuse=True)

    @cached_property
    def _downloading(self) -> "openai.OpenAI":
        return self._client(None, reuse=False)

    def _client(self, limit: int | None, *, reuse: bool) -> "openai.OpenAI":
        return openai_sdk.client(
            self._account, self._account.base_url, self._timeout, limit=limit, reuse=reuse
        )


def _require_makeable(order: Order) -> None:
    if order.media != "video":
        raise Fault("invalid", f"This provider makes video, not {order.media}.")
    if order.task != "generate":
        raise Fault("invalid", f"This provider has no task {order.task}.")
    roles = [given.role for given in order.inputs]
    if len(roles) > 1 or not set(roles) <= {"first_frame", "reference"}:
        raise Fault("invalid", "This provider takes one first frame or reference, nothing else.")


def _unanswered(fault: Fault) -> Status:
    """A job that the server does not know any more has failed; any other is asked for again."""
    lost = fault.kind == "gone"
    return Status("failed" if lost else "running", 0, fault.kind, fault.message, fault.raw)


def _status(job: Job, body: dict[str, Any], raw: str) -> Status:
    state = body.get("status")
    if body.get("id") != job.id or not isinstance(state, str):
        return Status("running", 0, "internal", "The vendor's answer is unreadable.", raw)
    if state in ("queued", "in_progress"):
        return Status("running", percent(body.get("progress")), raw=raw)
    if state == "completed":
        return Status("succeeded", 100, raw=raw)
    if state == "failed":
        error = body.get("error")
        code = str(error.get("code", "")) if isinstance(error, dict) else ""
        is_known = code in openai_sdk.REFUSED | openai_sdk.EXHAUSTED
        kind = openai_sdk.kind_of(400, code, "internal") if is_known else "internal"
        return Status("failed", 0, kind, sentence(kind, code), raw)
    return strange(raw)
