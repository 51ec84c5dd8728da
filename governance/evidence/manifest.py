"""The key manifest: which key may sign what, from which log index on; signed by the root keys.

A chain of DSSE lines. Version 1 is trusted because its root fingerprint is pinned out of band;
version N+1 must be signed by the root of version N (the root rule of TUF, section 5.3 of its
specification). Validity is counted in log indexes, not in clock time.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from governance.evidence import envelope, keys
from governance.evidence.encoding import decode64, encode64, parse_canonical, serialise
from governance.evidence.errors import EvidenceError

PAYLOAD_TYPE = "application/vnd.governance.keys+json"
Role = Literal["root", "record", "log"]
ROLES: tuple[Role, ...] = ("root", "record", "log")


@dataclass(frozen=True)
class Grant:
    """A key and what it may sign: records with log index in [first, last], or checkpoints whose
    size is in that range. `last` None: still valid."""

    role: Role
    public: bytes
    first: int = 0
    last: int | None = None

    @cached_property
    def keyid(self) -> str:
        return keys.fingerprint(self.public)

    def covers(self, index: int) -> bool:
        return self.first <= index and (self.last is None or index <= self.last)


@dataclass(frozen=True)
class Manifest:
    """One version of the manifest; `origin` is the log's name."""

    version: int
    prev: str
    origin: str
    grants: tuple[Grant, ...]
    digest: str

    def key(self, role: Role, keyid: str, index: int, what: str) -> bytes:
        """The public key that `keyid` names, if it may sign `what` at `index`.

        Raises EvidenceError (`key_not_granted`).
        """
        for grant in self.grants:
            if grant.role == role and grant.keyid == keyid and grant.covers(index):
                return grant.public
        raise EvidenceError(
            "key_not_granted",
            f"{what} is signed by {keyid}, which the key manifest does not grant for this.",
        )

    def log_key(self, size: int) -> bytes:
        """The key that signs a checkpoint of this size. Raises EvidenceError."""
        for grant in self.grants:
            if grant.role == "log" and grant.covers(size):
                return grant.public
        raise EvidenceError("key_not_granted", "The key manifest grants no key to the log.")


def seal(version: int, prev: str, origin: str, grants: Sequence[Grant], root: keys.Signer) -> bytes:
    """One line of the chain, signed by a root key."""
    payload = {
        "version": version,
        "prev": prev,
        "origin": origin,
        "keys": [_grant_json(grant) for grant in grants],
    }
    return envelope.seal(serialise(payload), PAYLOAD_TYPE, root)


def verify(chain: bytes, root: str) -> Manifest:
    """The newest manifest of a chain file (one envelope a line), if the pinned root stands.

    root: fingerprint `SHA256:…`. Raises EvidenceError (`root_mismatch`, `manifest_invalid`).
    """
    if not chain.endswith(b"\n"):
        raise EvidenceError("manifest_invalid", "The key manifest is truncated.")
    current: Manifest | None = None
    for number, line in enumerate(chain[:-1].split(b"\n"), start=1):
        current = _verify_next(line, number, current, root)
    if current is None:
        raise EvidenceError("manifest_invalid", "The key manifest is empty.")
    return current


def _verify_next(line: bytes, number: int, before: Manifest | None, root: str) -> Manifest:
    what = f"version {number} of the key manifest"
    opened = envelope.open_line(line, what)
    candidate = _parse(opened, line, what)
    trusted = before or candidate
    roots = {grant.keyid: grant.public for grant in trusted.grants if grant.role == "root"}
    if before is None and root not in roots:
        raise EvidenceError(
            "root_mismatch",
            f"The key manifest is rooted in {', '.join(roots) or 'no key'}, not in the root "
            f"fingerprint you gave ({root}). It is another service's evidence, or a forgery.",
        )
    signer = roots.get(opened.keyid)
    if signer is None or (before is None and opened.keyid != root):
        raise EvidenceError("manifest_invalid", f"{what.capitalize()} is not signed by the root.")
    opened.verify(signer, what)
    expected = before.digest if before else ""
    if candidate.version != number or candidate.prev != expected:
        raise EvidenceError("manifest_invalid", f"{what.capitalize()} does not follow the last.")
    return candidate


def _parse(opened: envelope.Envelope, line: bytes, what: str) -> Manifest:
    value = parse_canonical(opened.payload, what)
    try:
        grants = tuple(_grant(entry) for entry in value["keys"])
        manifest = Manifest(
            int(value["version"]),
            str(value["prev"]),
            str(value["origin"]),
            grants,
            hashlib.sha256(line).hexdigest(),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise EvidenceError("manifest_invalid", f"{what.capitalize()} is not readable.") from None
    if opened.payload_type != PAYLOAD_TYPE:
        raise EvidenceError("manifest_invalid", f"{what.capitalize()} is of another type.")
    return manifest


def _grant(entry: dict[str, Any]) -> Grant:
    if entry["role"] not in ROLES:
        raise ValueError(entry["role"])
    public = decode64(entry["public"], "A key in the manifest")
    grant = Grant(entry["role"], public, entry["first"], entry["last"])
    if not isinstance(grant.first, int) or not isinstance(grant.last, int | None):
        raise TypeError(entry["keyid"])
    if len(public) != 32 or entry["keyid"] != grant.keyid:
        raise ValueError(entry["keyid"])
    return grant


def _grant_json(grant: Grant) -> dict[str, Any]:
    return {
        "role": grant.role,
        "keyid": grant.keyid,
        "public": encode64(grant.public),
        "first": grant.first,
        "last": grant.last,
    }
