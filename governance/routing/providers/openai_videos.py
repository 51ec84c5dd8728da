"""Servers that speak the `/v1/videos` shape: SGLang, vLLM-Omni, resellers, once the Sora API.

The official SDK with its retries switched off: it sends a POST again after a 5xx, and each POST
is a paid job. None of these servers has an idempotency key or echoes one, so a job whose
submission was not answered cannot be found again.
"""

import json
import logging
import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from governance.kernel import clock
from governance.kernel.errors import ConfigurationError
from governance.routing.provider import Fault, FaultKind, Job, Order, Status, truncated

if TYPE_CHECKING:
    import openai

TIMEOUT = 60.0
DOWNLOAD_SECONDS = 600.0  # for one whole file

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:=-]{0,254}")
_PROMPT_FIELD = re.compile(r'("prompt"\s*:\s*)"(?:[^"\\]|\\.)*"?')
_WITHHELD = "[withheld]"
_REFUSED = frozenset({"moderation_blocked", "content_policy_violation", "sentinel_block"})
_EXHAUSTED = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
_BY_STATUS: dict[int, FaultKind] = {
    401: "auth",
    402: "exhausted",
    403: "auth",
    404: "gone",
    410: "gone",
    429: "throttled",
}
_UNDECIDED = frozenset({408, 409, 425})  # the server may have done its work all the same
_MEANING: dict[FaultKind, str] = {
    "refused": "The vendor refuses the content",
    "invalid": "The vendor does not accept the order as it stands",
    "throttled": "The vendor takes no more requests at the moment",
    "exhausted": "Our credit with the vendor is used up",
    "auth": "The vendor does not accept our credentials",
    "gone": "The vendor knows no such model or job",
    "unavailable": "The vendor does not answer",
    "ambiguous": "The vendor may have accepted the order, but we have no answer that says so",
    "internal": "The vendor failed",
}


class OpenAIVideos:
    """One server. base_url: up to and including `/v1`; key: sent as bearer token.

    timeout: seconds without a byte. Raises ConfigurationError (`provider_url_invalid`).
    """

    name = "openai-videos"
    recoverable = False

    def __init__(self, base_url: str, key: SecretStr, timeout: float = TIMEOUT) -> None:
        if base_url and not base_url.startswith(("https://", "http://")):
            raise ConfigurationError(
                "provider_url_invalid", "The address of the video server must be an http(s) URL."
            )
        self._base_url = base_url
        self._key = key
        self._timeout = timeout

    def configured(self) -> bool:
        return bool(self._base_url and self._key.get_secret_value())

    def submit(self, order: Order) -> tuple[Job, str]:
        import openai

        if order.media != "video":
            raise Fault("invalid", f"This provider makes video, not {order.media}.")
        try:
            answer = self._client.videos.with_raw_response.create(
                prompt=order.prompt,
                model=order.model,
                seconds=str(order.seconds),  # type: ignore[arg-type]  # servers take any length
                size=f"{order.width}x{order.height}",  # type: ignore[arg-type]  # and any size
                extra_headers={"Idempotency-Key": order.key},
            )
        except openai.APIStatusError as error:
            raise self._fault(error, "ambiguous", order.prompt) from None
        except openai.APIError as error:
            kind: FaultKind = "unavailable" if _never_sent(error) else "ambiguous"
            raise Fault(kind, _sentence(kind)) from None
        raw = self._withhold(answer.text, order.prompt)
        job_id = _object(answer.text).get("id")
        if not isinstance(job_id, str) or not _ID.fullmatch(job_id):
            raise Fault("ambiguous", _sentence("ambiguous"), raw)
        return Job(job_id, order.media, self.name, order.model), truncated(raw)

    def poll(self, job: Job) -> Status:
        import openai

        try:
            text = self._client.videos.with_raw_response.retrieve(job.id).text
        except openai.APIStatusError as error:
            text = error.response.text
            # vLLM-Omni answers for a failed job with an HTTP error whose body is the job.
            if _object(text).get("status") != "failed":
                fault = self._fault(error, "unavailable")
                lost = fault.kind == "gone"
                return Status(
                    "failed" if lost else "running", 0, fault.kind, fault.message, fault.raw
                )
        except openai.APIError:
            return Status("running", 0, "unavailable", _sentence("unavailable"))
        return _status(job, _object(text), truncated(self._withhold(text)))

    def fetch(self, job: Job, target: Path, limit: int) -> None:
        import httpx2
        import openai

        try:
            # Without `variant`: SGLang answers 404 to `variant=video`.
            with self._client.videos.with_streaming_response.download_content(job.id) as answer:
                _save(answer.iter_bytes(), target, limit)
            _require_mp4(target)
        except openai.APIStatusError as error:
            # A redirect is not followed: it may lead into our own network.
            redirected = error.status_code < 400
            raise self._fault(error, "internal" if redirected else "unavailable") from None
        except (openai.APIError, httpx2.HTTPError):
            target.unlink(missing_ok=True)
            raise Fault("unavailable", _sentence("unavailable")) from None
        except BaseException:
            target.unlink(missing_ok=True)
            raise

    def cancel(self, job: Job) -> bool:
        """vLLM-Omni aborts and says `deleted`; SGLang and OpenAI go on, and don't say it."""
        import openai

        try:
            text = self._client.videos.with_raw_response.delete(job.id).text
        except openai.APIError:
            return False
        return _object(text).get("deleted") is True

    def recover(self, key: str) -> Job | None:
        return None

    @cached_property
    def _client(self) -> "openai.OpenAI":
        import openai  # a second of imports: only where it is used

        logging.getLogger("openai").setLevel(logging.WARNING)  # its debug lines hold prompts
        return openai.OpenAI(
            api_key=self._key.get_secret_value(),
            base_url=self._base_url,
            max_retries=0,
            timeout=self._timeout,
            # A pooled connection that the server has closed would make a POST ambiguous.
            default_headers={"Connection": "close"},
            http_client=openai.DefaultHttpxClient(follow_redirects=False),
        )

    def _fault(
        self, error: "openai.APIStatusError", otherwise: FaultKind, prompt: str = ""
    ) -> Fault:
        kind = _kind(error.status_code, error.code or "", otherwise)
        wait = error.response.headers.get("retry-after", "")
        return Fault(
            kind,
            _sentence(kind, error.code or f"HTTP {error.status_code}"),
            self._withhold(error.response.text, prompt),
            float(wait) if wait.isdecimal() else None,
        )

    def _withhold(self, text: str, prompt: str = "") -> str:
        """The answer without our key and the prompt, which servers echo: records outlive both."""
        text = _PROMPT_FIELD.sub(rf'\1"{_WITHHELD}"', text)
        for secret in (self._key.get_secret_value(), prompt):
            for form in (secret, json.dumps(secret), json.dumps(secret, ensure_ascii=False)):
                bare = form.removeprefix('"').removesuffix('"')
                text = text.replace(bare, _WITHHELD) if len(bare) > 3 else text
        return text


def _never_sent(error: "openai.APIError") -> bool:
    """Whether the connection failed before the request could leave."""
    import httpx2

    return isinstance(
        error.__cause__,
        httpx2.ConnectError
        | httpx2.ConnectTimeout
        | httpx2.PoolTimeout
        | httpx2.UnsupportedProtocol,
    )


def _kind(status: int, code: str, otherwise: FaultKind) -> FaultKind:
    """The fault behind an HTTP error; `otherwise` where the server's part is not clear."""
    if not 400 <= status < 500 or status in _UNDECIDED:
        return otherwise
    if code in _REFUSED:
        return "refused"
    if code in _EXHAUSTED:
        return "exhausted"
    return _BY_STATUS.get(status, "invalid")


def _status(job: Job, body: dict[str, Any], raw: str) -> Status:
    state = body.get("status")
    if body.get("id") != job.id or not isinstance(state, str):
        return Status("running", 0, "internal", "The vendor's answer is unreadable.", raw)
    if state in ("queued", "in_progress"):
        progress = body.get("progress")
        return Status("running", _percent(progress), raw=raw)
    if state == "completed":
        return Status("succeeded", 100, raw=raw)
    if state == "failed":
        error = body.get("error")
        code = str(error.get("code", "")) if isinstance(error, dict) else ""
        kind = _kind(400, code, "internal") if code in _REFUSED | _EXHAUSTED else "internal"
        return Status("failed", 0, kind, _sentence(kind, code), raw)
    return Status("failed", 0, "internal", "The vendor reports a state that we don't know.", raw)


def _percent(value: object) -> int:
    return min(max(value, 0), 100) if isinstance(value, int) else 0


def _sentence(kind: FaultKind, code: str = "") -> str:
    """Our words and the vendor's code, without the vendor's text: that may quote the prompt."""
    plain = re.sub(r"[^A-Za-z0-9_. -]", "", code)[:60]
    return f"{_MEANING[kind]} ({plain})." if plain else f"{_MEANING[kind]}."


def _object(text: str) -> dict[str, Any]:
    """The JSON object in an answer; empty if it is none."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _save(chunks: Iterable[bytes], target: Path, limit: int) -> None:
    started = clock.now()
    size = 0
    with target.open("wb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise Fault("internal", f"The vendor's file is larger than {limit} bytes.")
            if (clock.now() - started).total_seconds() > DOWNLOAD_SECONDS:
                raise Fault("unavailable", "The vendor's file comes too slowly.")
            file.write(chunk)


def _require_mp4(path: Path) -> None:
    """ISO/IEC 14496-12 section 4.3: the file begins with a box of type `ftyp`."""
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] != b"ftyp":
        raise Fault("internal", "The vendor's file is not an mp4.")
