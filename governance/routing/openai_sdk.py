"""The official OpenAI SDK, made safe for paid orders: it asks once, reads so much and no more.

Its own retries send a POST again after a 5xx, and each POST is a paid job.
"""

import logging
import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING

from governance.routing import wire
from governance.routing.account import Account
from governance.routing.answers import retry_after, sentence, withhold
from governance.routing.provider import Fault, FaultKind, Input

if TYPE_CHECKING:
    import openai

REFUSED = frozenset({"moderation_blocked", "content_policy_violation", "sentinel_block"})
EXHAUSTED = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
_BY_STATUS: dict[int, FaultKind] = {
    401: "auth",
    402: "exhausted",
    403: "auth",
    404: "gone",
    410: "gone",
    429: "throttled",
}
ERROR_LIMIT = 1 << 20  # bytes of a refused download
_UNDECIDED = frozenset({408, 409, 425})  # the server may have done its work all the same


def client(
    account: Account, base_url: str, timeout: float, *, limit: int | None, reuse: bool
) -> "openai.OpenAI":
    """timeout: seconds without a byte; limit: bytes of one answer, None where the reader counts.

    reuse: whether connections are kept. Never for an order: on one that the server has closed
    meanwhile, nobody could tell whether the order has arrived.
    """
    import openai  # a second of imports: only where it is used

    logging.getLogger("openai").setLevel(logging.WARNING)  # its debug lines hold prompts
    headers = wire.UNPACKED | ({} if reuse else {"Connection": "close"})
    http = openai.DefaultHttpxClient(
        follow_redirects=False,
        trust_env=False,
        event_hooks=wire.hooks(account, limit, limit or ERROR_LIMIT),
    )
    made = openai.OpenAI(
        api_key=account.key.get_secret_value(),
        base_url=base_url,
        max_retries=0,
        timeout=timeout,
        default_headers=headers,
        http_client=http,
    )
    made.organization = made.project = made.webhook_secret = made.admin_api_key = None
    wire.forget_environment(made, headers)
    weakref.finalize(made, http.close)  # an account that was replaced leaves no connections
    return made


def fault(
    error: "openai.APIError | UnicodeEncodeError", otherwise: FaultKind, hidden: Iterable[str]
) -> Fault:
    """What an error of the SDK means; `otherwise` where the server's part in it is not clear.

    hidden: what the answer may repeat and we may not.
    """
    import openai

    if isinstance(error, openai.APIStatusError):
        code = str(error.code or "")
        kind = kind_of(error.status_code, code, otherwise)
        return Fault(
            kind,
            sentence(kind, code or f"HTTP {error.status_code}"),
            withhold(error.response.text, hidden),
            retry_after(error.response.headers),
        )
    if isinstance(error.__cause__, wire.TooLarge):
        kind = "ambiguous" if otherwise == "ambiguous" else "internal"
        return Fault(kind, "The vendor's answer is larger than we take.")
    kind = wire.unsent(error) or wire.unsent(error.__cause__) or otherwise
    return Fault(kind, sentence(kind))


def kind_of(status: int, code: str, otherwise: FaultKind) -> FaultKind:
    """The fault behind an HTTP status and the vendor's code."""
    if not 400 <= status < 500 or status in _UNDECIDED:
        return otherwise
    if code in REFUSED:
        return "refused"
    if code in EXHAUSTED:
        return "exhausted"
    return _BY_STATUS.get(status, "invalid")


def upload(given: Input) -> tuple[str, bytes, str]:
    """A file of ours as the SDK sends it. Raises Fault (`unavailable`): nothing was ordered."""
    try:
        content = given.path.read_bytes()
    except OSError as error:
        raise Fault("unavailable", f"Cannot read the input file: {error.strerror}.") from None
    # The name says the kind and nothing else.
    return f"{given.role}.{given.media_type.rpartition('/')[2]}", content, given.media_type
