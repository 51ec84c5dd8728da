"""Step 9, of what agents signed: an opened signature is of the record's key, time and delegation.

The signed text names the address and the digest of the body, not its words: which of two requests
that an agent sent to one address at one time a record is about, remains the service's word. At
`/mcp` that is more: orders and questions go there alike.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from governance.evidence import mandate
from governance.evidence.delegations import ACTIONS, UNDER_WAY
from governance.evidence.encoding import parse_time
from governance.evidence.errors import EvidenceError
from governance.evidence.record import Record
from governance.evidence.signature_base import SignedText, read_base, verify_signature_base

NAME = "request_signature"  # of the disclosure
# Where each is asked for; an address may name the generation that another version is made of.
_PLACES = {
    "generation.requested": re.compile(
        r".*/v1/(videos(/edits|/extensions)?|images/(generations|edits)|audio/speech"
        r"|governance/generations|videos/(?P<remixed>gen_[0-9a-f]{32})/remix"
        r"|governance/generations/(?P<promoted>gen_[0-9a-f]{32})/promote)|.*/mcp"
    ),
    "asset.imported": re.compile(".*/v1/governance/assets"),
}


@dataclass(frozen=True)
class Signatures:
    """Request signatures that records name: how many hold, were not opened, or are of agents whose
    keys no identity document tells."""

    verified: int
    closed: int
    keyless: int

    @property
    def told(self) -> str:
        total = self.verified + self.closed + self.keyless
        return f"{self.verified} of {total} request signatures verified"

    @property
    def not_checked(self) -> Iterator[str]:
        if self.closed:
            yield f"{self.closed} request signatures of agents: not disclosed, or erased."
        if self.keyless:
            yield f"{self.keyless} request signatures of agents that have no identity document."


def check(
    records: Sequence[tuple[int, Record]],
    opened: Mapping[str, Sequence[Any]],
    keys: Mapping[str, bytes],
) -> Signatures:
    """Verify what was opened.

    records: (log index, record), whose callers step 9 has found to be the holders of the keys that
    they name; opened: opened values called `NAME` by record id; keys: raw Ed25519 keys by keyid.
    Raises EvidenceError (`request_signature_wrong`, `request_signature_repeated`).
    """
    bases: set[str] = set()
    verified = closed = keyless = 0
    for index, item in records:
        proofs, keyid = opened.get(item.id, ()), _keyid(item)
        what = f"The request signature of the record at log index {index}"
        if keyid is None and proofs:
            raise _wrong(what, "is not named in it.")
        if keyid is None:
            continue
        if not proofs:
            closed += 1
        elif "document" not in item.body["principal"] or keyid not in keys:
            keyless += 1
        else:
            for proof in proofs:
                _require_new(bases, _verified(item, proof, keys[keyid], what), what)
            verified += 1
    return Signatures(verified, closed, keyless)


def _keyid(item: Record) -> str | None:
    signature = item.body["signature"] if item.event in ACTIONS else None
    return signature and str(signature["keyid"])


def _verified(item: Record, proof: Any, key: bytes, what: str) -> str:
    """The signed text, which is the key's and fits the record."""
    base, signature = _parts(proof, what)
    try:
        verify_signature_base(base, signature, key)
        text = read_base(base)
    except EvidenceError as error:
        raise _wrong(what, f"does not hold: {error.message}") from None
    _require_place(item, text, what)
    _require_time(item, text, what)
    return base


def _parts(proof: Any, what: str) -> tuple[str, bytes]:
    try:
        return str(proof["base"]), bytes.fromhex(proof["signature"])
    except (KeyError, TypeError, ValueError):
        raise _wrong(what, "is not a text and its signature.") from None


def _require_place(item: Record, text: SignedText, what: str) -> None:
    """It was sent to where such a request is made, with a body, under this delegation."""
    said = text.components
    is_sent = said.get("@method") == "POST" and "content-digest" in said
    place = _PLACES[item.event].fullmatch(said.get("@path", ""))
    if not is_sent or place is None:
        raise _wrong(what, "is of a request for something else.")
    named = next(filter(None, place.groupdict().values()), None)
    if named is not None and named != item.body.get("parent"):
        raise _wrong(what, "is of another version of something else.")
    presented = said["gov-delegation"].split(mandate.SEPARATOR) if "gov-delegation" in said else []
    if [mandate.digest(hop) for hop in presented] != item.body["principal"].get("mandate", []):
        raise _wrong(what, "is of a request under another delegation.")


def _require_time(item: Record, text: SignedText, what: str) -> None:
    at = parse_time(item.occurred_at, "A record's time")
    created, expires = (datetime.fromtimestamp(when, UTC) for when in (text.created, text.expires))
    if created > at + mandate.MAX_SKEW or expires < at - UNDER_WAY[item.event]:
        raise _wrong(what, "was not valid when the request was recorded.")


def _require_new(bases: set[str], base: str, what: str) -> None:
    """Each has a nonce that counts once, so one request never makes two records."""
    if base in bases:
        raise EvidenceError("request_signature_repeated", f"{what} is that of another one, too.")
    bases.add(base)


def _wrong(what: str, why: str) -> EvidenceError:
    return EvidenceError("request_signature_wrong", f"{what} {why}")
