"""Kling 2.6 and 3, over plain HTTP: the vendor publishes no Python SDK.

Our key is the vendor's `external_task_id`, which it keeps unique per account: a job whose
submission was not answered is found again by it, and the same order sent twice would be refused.
Whether a call went well is said by `code` in the body, not by HTTP's status.
Source: https://app.klingai.com/global/dev/document-api (error codes, query by external id).
"""

import re
from pathlib import Path
from urllib.parse import quote

from joserfc import jwt
from joserfc.jwk import OctKey

from governance.kernel import clock
from governance.routing.account import Account
from governance.routing.answers import JOB_ID, read_object, retry_after, sentence, strange, withhold
from governance.routing.outputs import download
from governance.routing.plain_http import Answer, PlainHTTP
from governance.routing.provider import Fault, FaultKind, Job, Order, Status, truncated
from governance.routing.providers.kling_tasks import (
    CLASSIC,
    UNIFIED,
    Task,
    classic_task,
    posting,
    unified_task,
)

HOME = "https://api-singapore.klingai.com"
OUTPUT_HOSTS = ("*.klingai.com",)
TIMEOUT = 60.0
TOKEN_SECONDS = 1800
_EARLY_SECONDS = 5  # clocks differ
_BY_CODE: dict[int, FaultKind] = {
    **dict.fromkeys(range(1000, 1005), "auth"),
    1100: "auth",
    1101: "exhausted",
    1102: "exhausted",
    1103: "auth",
    **dict.fromkeys(range(1200, 1203), "invalid"),
    1203: "gone",
    1300: "refused",
    1301: "refused",
    1302: "throttled",
    1303: "throttled",
    1304: "auth",
}
# Answers without a code come from whatever stands before the vendor.
_BY_STATUS: dict[int, FaultKind] = {401: "auth", 403: "auth", 413: "invalid", 429: "throttled"}
_TOKEN = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+")  # RFC 7515 section 3.1
_TAKEN = 1201  # also said, in words, when the external_task_id is not new
_REFUSALS = ("risk control", "policy", "sensitive", "风控")


class Kling:
    """One account. key: the API key, or with `secret` the access key of the older pair, from which
    a token is made for each call; base_url: where it isn't the vendor's address in Singapore.

    timeout: seconds without a byte. Raises ConfigurationError (`provider_url_invalid`).
    """

    name = "kling"
    recoverable = True

    def __init__(self, account: Account, timeout: float = TIMEOUT) -> None:
        self._account = account
        self._http = PlainHTTP(account.base_url or HOME, timeout, account)

    def configured(self) -> bool:
        return bool(self._account.key.get_secret_value())

    def submit(self, order: Order) -> tuple[Job, str]:
        post = posting(order)
        answer = self._http.order(post.path, self._headers(), post.body)
        raw = self._shown(answer, order.prompt)
        body = read_object(answer.text)
        if body.get("code") != 0:
            raise _refusal(answer, raw)
        task = _task(post.kind, body.get("data"))
        if task is None or not JOB_ID.fullmatch(f"{post.kind}/{task.id}"):
            raise Fault("ambiguous", sentence("ambiguous"), raw)
        return self._job(post.kind, task, order.model), truncated(raw)

    def poll(self, job: Job) -> Status:
        return self._look(job)[0]

    def fetch(self, job: Job, target: Path, limit: int) -> None:
        """The files lie with a content network, which never sees our key."""
        status, url = self._look(job)
        if status.state == "running":
            raise Fault("unavailable", status.message or "The vendor has not finished yet.")
        if status.state == "failed":
            raise Fault(status.fault or "internal", status.message, status.raw)
        download(url, target, limit, job.kind, OUTPUT_HOSTS, self._http.base_url, self._account)

    def cancel(self, job: Job) -> bool:
        """The vendor has no word for it."""
        return False

    def recover(self, key: str) -> Job | None:
        """Every place where a task can lie is asked for our key; the model is not told.

        Raises Fault (`unavailable`) when nothing was found and not every place gave an answer.
        """
        unanswered = False
        # The unified protocol does not take the older pair of keys.
        for kind in CLASSIC if self._has_pair else (*CLASSIC, UNIFIED):
            try:
                answer = self._ask(kind, key, by_key=True)
            except Fault:
                unanswered = True
                continue
            task = _task(kind, read_object(answer.text).get("data"))
            if _is_well(answer) and task is not None and task.key == key:
                return self._job(kind, task, "")
            unanswered |= not _is_well(answer) and _kind(answer, "unavailable") not in _UNKNOWN
        if unanswered:
            raise Fault("unavailable", sentence("unavailable"))
        return None

    def _look(self, job: Job) -> tuple[Status, str]:
        """Where a job stands, and where its video lies when it is done."""
        kind, _, task_id = job.id.partition("/")
        if kind not in (*CLASSIC, UNIFIED) or not task_id:
            return Status("failed", 0, "gone", sentence("gone")), ""
        try:
            answer = self._ask(kind, task_id)
        except Fault as fault:
            return Status("running", 0, fault.kind, fault.message), ""
        raw = truncated(self._shown(answer))
        if not _is_well(answer):
            return _trouble(answer, raw), ""
        data = read_object(answer.text).get("data")
        if data == []:  # how the unified protocol says that it knows no such task
            return Status("failed", 0, "gone", sentence("gone"), raw), ""
        task = _task(kind, data)
        if task is None or task.id != task_id:
            return _unreadable(raw), ""
        return _status(task, raw), task.url

    def _ask(self, kind: str, name: str, *, by_key: bool = False) -> Answer:
        if kind == UNIFIED:
            asked = {"external_task_ids" if by_key else "task_ids": name}
            return self._http.read("/tasks", self._headers(), asked)
        path = f"/v1/videos/{quote(kind, safe='')}/{quote(name, safe='')}"
        return self._http.read(path, self._headers())

    def _shown(self, answer: Answer, prompt: str = "") -> str:
        return _TOKEN.sub("[withheld]", withhold(answer.text, (*self._account.secrets, prompt)))

    def _job(self, kind: str, task: Task, model: str) -> Job:
        return Job(f"{kind}/{task.id}", "video", self.name, model)

    @property
    def _has_pair(self) -> bool:
        return bool(self._account.secret.get_secret_value())

    def _headers(self) -> dict[str, str]:
        token = self._account.key.get_secret_value()
        if self._has_pair:
            token = self._token(token, self._account.secret.get_secret_value())
        return {"authorization": f"Bearer {token}"}

    def _token(self, access_key: str, secret_key: str) -> str:
        """A JWT (RFC 7519) for one call, as the vendor wants it: HS256, valid for 30 minutes."""
        now = int(clock.now().timestamp())
        claims = {"iss": access_key, "exp": now + TOKEN_SECONDS, "nbf": now - _EARLY_SECONDS}
        header = {"alg": "HS256", "typ": "JWT"}
        return jwt.encode(header, claims, OctKey.import_key(secret_key))


_UNKNOWN = frozenset({"invalid", "gone"})  # how the vendor says that it knows no such task


def _task(kind: str, data: object) -> Task | None:
    return unified_task(data) if kind == UNIFIED else classic_task(data)


def _is_well(answer: Answer) -> bool:
    return read_object(answer.text).get("code") == 0


def _refusal(answer: Answer, raw: str) -> Fault:
    """The fault of an order that was answered, but not with a task."""
    body = read_object(answer.text)
    kind = _kind(answer, "ambiguous")
    if body.get("code") == _TAKEN and "already exist" in str(body.get("message", "")):
        kind = "ambiguous"  # the vendor has an order of ours under this key
    return Fault(kind, sentence(kind, _code(answer)), raw, retry_after(answer.headers))


def _trouble(answer: Answer, raw: str) -> Status:
    """The status of a job whose vendor answers without a task."""
    if answer.status == 200 and "code" not in read_object(answer.text):
        return _unreadable(raw)
    kind = _kind(answer, "unavailable")
    if kind in _UNKNOWN:
        return Status("failed", 0, "gone", sentence("gone", _code(answer)), raw)
    message = sentence(kind, _code(answer))
    return Status("failed" if kind == "refused" else "running", 0, kind, message, raw)


def _kind(answer: Answer, otherwise: FaultKind) -> FaultKind:
    code = read_object(answer.text).get("code")
    if isinstance(code, int):
        return _BY_CODE.get(code, otherwise)
    return _BY_STATUS.get(answer.status, otherwise)


def _code(answer: Answer) -> str:
    return str(read_object(answer.text).get("code", f"HTTP {answer.status}"))


def _unreadable(raw: str) -> Status:
    return Status("running", 0, "internal", "The vendor's answer is unreadable.", raw)


def _status(task: Task, raw: str) -> Status:
    """The vendor names the units that it deducted, not what one of them cost us: no cost here."""
    if task.state in ("submitted", "processing"):
        return Status("running", 0, raw=raw)
    if task.state in ("succeed", "succeeded"):
        return Status("succeeded", 100, raw=raw)
    if task.state == "failed":
        is_refused = any(word in task.words.lower() for word in _REFUSALS)
        kind: FaultKind = "refused" if is_refused else "internal"
        return Status("failed", 0, kind, sentence(kind), raw)
    return strange(raw)
