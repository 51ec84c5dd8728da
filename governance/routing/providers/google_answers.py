"""How Google's APIs say no: HTTP errors, codes of gRPC, and refusals that are hidden in successes.

Sources, as of 2026-11-23: cloud.google.com/apis/design/errors (`error.status`, `details`),
ai.google.dev/gemini-api/docs/troubleshooting, docs.cloud.google.com/vertex-ai responsible-ai pages
(support codes), google-genai 3.4.0. The Interactions API has textual codes, the others numbers.
"""

import re
from collections.abc import Iterable
from typing import Any

from governance.routing import wire
from governance.routing.answers import read_object, retry_after, sentence, withhold
from governance.routing.provider import Fault, FaultKind

_REFUSED_CODE = re.compile(
    r"(IMAGE_)?(SAFETY|PROHIBITED_CONTENT|RECITATION)|BLOCKLIST|SPII|MODEL_ARMOR|JAILBREAK"
    r"|PUP_LIMITED_DISABLED",
    re.IGNORECASE,
)
# In free text only whole phrases: an error about a field may well be named safety_settings.
_REFUSED_WORDS = re.compile(
    r"\bblocked\b[^.]*\b(safety|polic(y|ies))\b|usage guidelines|responsible ai|support codes?:",
    re.IGNORECASE,
)
_OUT_OF_QUOTA = re.compile(
    r"PerDay|PerMonth|QUOTA_EXHAUSTED|BILLING_DISABLED|\bprepa(id|yment)|\bspend(ing)? (cap|limit)",
    re.IGNORECASE,
)
_DELAY = re.compile(r'"retryDelay"\s*:\s*"(\d{1,6})(?:\.\d+)?s"')
_BY_STATUS: dict[int, FaultKind] = {
    401: "auth",
    402: "exhausted",
    403: "auth",
    404: "gone",
    410: "gone",
    429: "throttled",
}
# google.rpc.Code, in operations that have ended.
_BY_CODE: dict[int, FaultKind] = {3: "invalid", 5: "gone", 7: "auth", 8: "throttled", 16: "auth"}
_UNDECIDED = frozenset({408, 409, 425, 499})  # the server may have done its work all the same


def fault(
    error: Exception, otherwise: FaultKind, secrets: Iterable[str], prompt: str = ""
) -> Fault:
    """What an exception out of the SDK means; `otherwise` where the server's part is not clear."""
    if isinstance(error, wire.TooLarge) or isinstance(error.__cause__, wire.TooLarge):
        kind: FaultKind = "ambiguous" if otherwise == "ambiguous" else "internal"
        return Fault(kind, sentence(kind, "the answer is too large"))
    response = getattr(error, "response", None)
    if response is None:
        kind = _before_sending(error) or _unreadable(error, otherwise)
        return Fault(kind, sentence(kind))
    text = response.text
    body = _error_of(text)
    code = str(body.get("status") or body.get("code") or f"HTTP {response.status_code}")
    kind = _kind(response.status_code, body, text, otherwise)
    return Fault(
        kind,
        sentence(kind, code),
        withhold(text, (*secrets, prompt)),
        retry_after(response.headers) or _delay(text),
    )


def is_refusal(code: object, message: object = "") -> bool:
    """Whether a code (a name or a URI that ends in one) or a message says that content is
    forbidden."""
    named = code.rsplit("/", 1)[-1] if isinstance(code, str) else ""
    return bool(_REFUSED_CODE.fullmatch(named.replace("-", "_"))) or (
        isinstance(message, str) and bool(_REFUSED_WORDS.search(message))
    )


def of_operation(code: object, message: object) -> FaultKind:
    """The fault behind the `error` of an operation that has ended: google.rpc.Status."""
    if is_refusal("", message):
        return "refused"
    return _BY_CODE.get(code, "internal") if isinstance(code, int) else "internal"


def _error_of(text: str) -> dict[str, Any]:
    """The `error` of an answer: of an object, or of the first in a list (Google's front end)."""
    inner = read_object(text.strip().removeprefix("[").removesuffix("]")).get("error")
    return inner if isinstance(inner, dict) else {}


def _kind(status: int, body: dict[str, Any], text: str, otherwise: FaultKind) -> FaultKind:
    if not 400 <= status < 500 or status in _UNDECIDED:
        return otherwise
    if is_refusal(body.get("status")) or is_refusal(body.get("code"), body.get("message")):
        return "refused"
    if status in (403, 429) and _OUT_OF_QUOTA.search(text):
        return "exhausted"
    if status == 400 and "API_KEY_INVALID" in text:
        return "auth"
    if status == 400 and "Invalid interaction name" in text:
        return "gone"
    return _BY_STATUS.get(status, "invalid")


def _delay(text: str) -> float | None:
    """Seconds in google.rpc.RetryInfo, where Google says it instead of in a header."""
    found = _DELAY.search(text)
    return float(found[1]) if found else None


def _before_sending(error: Exception) -> FaultKind | None:
    """What kept the request from leaving; None where it may have left."""
    from google.auth import exceptions

    if isinstance(error, exceptions.GoogleAuthError):  # no token could be had for it
        return "unavailable" if isinstance(error, exceptions.TransportError) else "auth"
    return wire.unsent(error) or wire.unsent(error.__cause__)


def _unreadable(error: Exception, otherwise: FaultKind) -> FaultKind:
    """Whether the SDK could not read what came: then the vendor is there, but broken."""
    is_unreadable = isinstance(error, ValueError | TypeError | LookupError | AttributeError)
    return "internal" if is_unreadable and otherwise == "unavailable" else otherwise
