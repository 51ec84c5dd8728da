"""What Luma's two APIs have in common: how they are asked, how they fail, where their files lie.

Each through its official SDK with retries switched off: those send a POST again after a 5xx, and
each POST is a paid job. Neither API takes an idempotency key, so a job whose submission was not
answered cannot be found again; neither stops a job that has begun.
Errors: docs.agents.lumalabs.ai/guides/error-handling, docs.lumalabs.ai/docs/errors (2026-11-23).
"""

import importlib
import importlib.util
import logging
import re
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx

from governance.kernel.errors import ConfigurationError
from governance.routing import wire
from governance.routing.account import Account
from governance.routing.answers import JOB_ID, read_object, retry_after, sentence, strange, withhold
from governance.routing.outputs import download
from governance.routing.provider import Fault, FaultKind, Job, Order, Status, truncated

TIMEOUT = 60.0
ANSWER_LIMIT = 1 << 20
# Finished files lie on Luma's own hosts or in its store at a cloud, at addresses that expire.
HOSTS = (
    "*.cdn-luma.com",
    "*.lumalabs.ai",
    "*.s3.amazonaws.com",
    *(f"*.s3.{region}.amazonaws.com" for region in ("us-east-1", "us-east-2", "us-west-2")),
)
_BY_STATUS: dict[int, FaultKind] = {
    401: "auth",
    402: "exhausted",
    403: "auth",
    404: "gone",
    410: "gone",
    429: "throttled",
}
_UNDECIDED = frozenset({408, 409, 425})  # the server may have done its work all the same
_MODERATED = re.compile(r"moderat|blacklist", re.IGNORECASE)
_OUT_OF_CREDIT = re.compile(r"insufficient (credit|balance|fund)", re.IGNORECASE)
_REASON = re.compile(r'("failure_reason"\s*:\s*)"(?:[^"\\]|\\.)*"?')
_SIGNED_QUERY = re.compile(r'(https?://[^\s"?]+)\?[^\s"]*')


class LumaApi(ABC):
    """One account. base_url: up to and including the version; empty for the vendor's own.

    timeout: seconds without a byte. Raises ConfigurationError (`provider_url_invalid`).
    """

    name: str
    recoverable = False
    _package: str  # the SDK's
    _usual_address: str
    _running: frozenset[str]

    def __init__(self, account: Account, timeout: float = TIMEOUT) -> None:
        if account.base_url and not account.base_url.startswith(("https://", "http://")):
            raise ConfigurationError(
                "provider_url_invalid", "The address of Luma's API must be an http(s) URL."
            )
        self._account = account
        self._address = account.base_url or self._usual_address
        self._timeout = timeout

    def configured(self) -> bool:
        has_sdk = importlib.util.find_spec(self._package) is not None
        return has_sdk and bool(self._account.key.get_secret_value())

    def submit(self, order: Order) -> tuple[Job, str]:
        body = self._body(order)
        text = self._ask(lambda: self._create(body), "ambiguous", order.prompt)
        raw = self._readable(text, order.prompt)
        job_id = read_object(text).get("id")
        if not isinstance(job_id, str) or not JOB_ID.fullmatch(job_id):
            raise Fault("ambiguous", sentence("ambiguous"), raw)
        return Job(job_id, order.media, self.name, order.model), truncated(raw)

    def poll(self, job: Job) -> Status:
        return self._asked_after(job)[0]

    def fetch(self, job: Job, target: Path, limit: int) -> None:
        """An address that has expired is asked for once more: each answer names a new one."""
        try:
            self._download(job, target, limit)
        except Fault as fault:
            if fault.kind != "gone":
                raise
            self._download(job, target, limit)

    def cancel(self, job: Job) -> bool:
        """There is nothing that stops a job; deleting its record would only hide its cost."""
        return False

    def recover(self, key: str) -> Job | None:
        return None

    @abstractmethod
    def _body(self, order: Order) -> dict[str, Any]:
        """The order in the vendor's words. Raises Fault (`invalid`) where there are none."""

    @abstractmethod
    def _create(self, body: dict[str, Any]) -> Any: ...

    @abstractmethod
    def _get(self, job_id: str) -> Any: ...

    @abstractmethod
    def _failure(self, body: Mapping[str, Any], raw: str) -> Status:
        """What became of a job that the vendor says has failed."""

    @abstractmethod
    def _output(self, job: Job, body: Mapping[str, Any]) -> object:
        """Where the finished file lies; anything but a string if the answer does not say."""

    @property
    @abstractmethod
    def _client_class(self) -> Callable[..., Any]:
        """The SDK's client; imported where it is used."""

    @property
    def _sdk(self) -> ModuleType:
        return importlib.import_module(self._package)

    @cached_property
    def _orders(self) -> Any:
        """For POSTs: a pooled connection that the server has closed would make one ambiguous."""
        return self._connected(keep_alive=0)

    @cached_property
    def _questions(self) -> Any:
        return self._connected(keep_alive=64)

    def _connected(self, keep_alive: int) -> Any:
        logging.getLogger(self._package).setLevel(logging.WARNING)  # its debug lines hold prompts
        client = httpx.Client(
            timeout=self._timeout,
            follow_redirects=False,
            trust_env=False,
            event_hooks=wire.hooks(self._account, ANSWER_LIMIT, ANSWER_LIMIT),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=keep_alive),
        )
        weakref.finalize(self, client.close)
        made = self._client_class(
            auth_token=self._account.key.get_secret_value(),
            base_url=self._address,
            max_retries=0,
            timeout=self._timeout,
            http_client=client,
        )
        wire.forget_environment(made, wire.UNPACKED)
        return made

    def _ask(self, call: Callable[[], Any], otherwise: FaultKind, *prompt: str) -> str:
        """The body of an answer. otherwise: the fault where the server's part is not clear."""
        try:
            return str(call().text())
        except self._sdk.APIStatusError as error:
            answer: httpx.Response = error.response
        except (self._sdk.APIError, UnicodeEncodeError) as error:
            raise _unanswered(error, otherwise) from None
        kind = _kind(answer.status_code, read_object(answer.text).get("detail"), otherwise)
        raise Fault(
            kind,
            sentence(kind, f"HTTP {answer.status_code}"),
            self._readable(answer.text, *prompt),
            retry_after(answer.headers),
        )

    def _asked_after(self, job: Job) -> tuple[Status, dict[str, Any]]:
        """Where a job stands, and the vendor's words for it."""
        try:
            text = self._ask(lambda: self._get(job.id), "unavailable")
        except Fault as fault:
            is_lost = fault.kind == "gone"
            status = Status(
                "failed" if is_lost else "running", 0, fault.kind, fault.message, fault.raw
            )
            return status, {}
        body = read_object(text)
        return self._status(job, body, truncated(self._readable(text))), body

    def _status(self, job: Job, body: dict[str, Any], raw: str) -> Status:
        state = body.get("state")
        if body.get("id") != job.id or not isinstance(state, str):
            return Status("running", 0, "internal", "The vendor's answer is unreadable.", raw)
        if state in self._running:
            return Status("running", 0, raw=raw)
        if state == "completed":
            return Status("succeeded", 100, raw=raw)
        if state == "failed":
            return self._failure(body, raw)
        return strange(raw)

    def _download(self, job: Job, target: Path, limit: int) -> None:
        status, body = self._asked_after(job)
        if status.state == "running":  # haste, or a key that was withdrawn, loses nothing
            raise Fault("unavailable", status.message or sentence("unavailable"), status.raw)
        if status.fault is not None:
            raise Fault(status.fault, status.message, status.raw)
        address = self._output(job, body)
        if not isinstance(address, str):
            raise Fault("internal", "The vendor's answer names no file.")
        download(address, target, limit, job.kind, HOSTS, self._address, self._account)

    def _readable(self, text: str, *prompt: str) -> str:
        """Without secrets, reasons that may quote the prompt, and signatures that open a file."""
        text = withhold(text, (*self._account.secrets, *prompt))
        text = _REASON.sub(r'\1"[withheld]"', text)
        return _SIGNED_QUERY.sub(r"\1?[withheld]", text)


def is_moderated(text: object) -> bool:
    """Whether the vendor's words for a failure are those of its moderation."""
    return isinstance(text, str) and _MODERATED.search(text) is not None


def _unanswered(error: Exception, otherwise: FaultKind) -> Fault:
    if isinstance(error.__cause__, wire.TooLarge):
        kind: FaultKind = "ambiguous" if otherwise == "ambiguous" else "internal"
        return Fault(kind, "The vendor's answer is larger than we take.")
    kind = wire.unsent(error) or wire.unsent(error.__cause__) or otherwise
    return Fault(kind, sentence(kind))


def _kind(status: int, detail: object, otherwise: FaultKind) -> FaultKind:
    """The fault behind an HTTP error; `otherwise` where the server's part is not clear."""
    if not 400 <= status < 500 or status in _UNDECIDED:
        return otherwise
    if status == 400 and is_moderated(detail):
        return "refused"
    if status == 400 and isinstance(detail, str) and _OUT_OF_CREDIT.search(detail):
        return "exhausted"
    return _BY_STATUS.get(status, "invalid")
