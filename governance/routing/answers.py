"""Vendors' answers, read with care: their words not to callers, our secrets not to records."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from governance.routing.provider import Fault, FaultKind, Status

JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/=-]{0,254}")
_PROMPT_FIELD = re.compile(r'("prompt"\s*:\s*)"(?:[^"\\]|\\.)*"?')
_WITHHELD = "[withheld]"
_PASSING = frozenset({"throttled", "exhausted", "auth"})
_MAX_WAIT = 6  # digits: eleven days
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


def sentence(kind: FaultKind, code: str = "") -> str:
    """Our words and the vendor's code, without the vendor's text: that may quote the prompt."""
    plain = re.sub(r"[^A-Za-z0-9_. -]", "", code)[:60]
    return f"{_MEANING[kind]} ({plain})." if plain else f"{_MEANING[kind]}."


def strange(raw: str) -> Status:
    """Of a job in a state of no specification: it may come to its end all the same."""
    return Status("failed", 0, "ambiguous", "The vendor reports a state that we don't know.", raw)


def withhold(text: str, secrets: Iterable[str]) -> str:
    """The answer without our keys and the prompt, which servers echo: records outlive both."""
    text = _PROMPT_FIELD.sub(rf'\1"{_WITHHELD}"', text)
    for secret in secrets:
        for form in (secret, json.dumps(secret), json.dumps(secret, ensure_ascii=False)):
            bare = form.removeprefix('"').removesuffix('"')
            text = text.replace(bare, _WITHHELD) if len(bare) > 3 else text
    return text


def read_object(text: str) -> dict[str, Any]:
    """The JSON object in an answer; empty if it is none."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def percent(value: object) -> int:
    """A progress that may be anything, as 0 to 100."""
    if not isinstance(value, int | float) or value != value:  # as NaN is not itself
        return 0
    return int(min(max(value, 0), 100))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, where the vendor named them (RFC 9110 section 10.2.3, not its form of a date)."""
    wait = headers.get("retry-after", "")
    return float(wait) if wait.isdecimal() and len(wait) <= _MAX_WAIT else None


def while_fetching(fault: Fault) -> Fault:
    """The fault of a download: what is finished is paid for, so neither haste nor a key that was
    withdrawn nor an empty account may end it."""
    if fault.kind not in _PASSING:
        return fault
    return Fault("unavailable", fault.message, fault.raw, fault.retry_after)
