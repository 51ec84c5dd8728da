"""Delegation: a chain of signed hops from a person to the agent that acts.

    person ──hop 0, signed by the service──> agent ──hop 1, signed by that agent──> sub-agent …

Each hop names the key of whom it empowers, and that key signs the next hop. A hop may only narrow:
whatever exceeds the hop before it is refused, never cut to fit. One verifier serves the service
and the auditor; it asks no database and no clock.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import jsonschema_rs
from nacl.bindings import crypto_core_ed25519_is_valid_point

from governance.evidence import grant, jws
from governance.evidence.encoding import decode64url, encode64url, parse_time
from governance.evidence.errors import EvidenceError
from governance.evidence.grant import Grant
from governance.evidence.record import has_float, schema
from governance.evidence.signature_base import thumbprint

TYPE = "governance-mandate"
VERSION = 1
SEPARATOR = "~"
MAX_HOPS = 4
MAX_BYTES = 8192  # of a whole chain as presented
MAX_DEPTH = MAX_HOPS - 1
MAX_SKEW = timedelta(seconds=5)  # that a delegator's clock may differ from ours
INSTANCE_LIFE = timedelta(hours=1)
ZERO = "0" * 64  # `prv` of the first hop
DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Hop:
    """One delegation as written.

    root: the person at the beginning; delegator: that person, or the agent that hands on; agent:
    whom it empowers, by the raw Ed25519 `key`; prv: digest of the hop before; depth: how many more
    agents may follow; is_instance: the key is a short-lived one of the same agent, no further
    agent; digest: sha256 of the compact form.
    """

    id: str
    root: str
    delegator: str
    agent: str
    key: bytes
    prv: str
    depth: int
    audience: str
    issued: datetime
    grant: Grant
    is_instance: bool
    digest: str
    compact: str
    signed: jws.Jws

    @property
    def keyid(self) -> str:
        return thumbprint(self.key)


@dataclass(frozen=True)
class Chain:
    """A verified chain. Its last grant lies within every other."""

    hops: tuple[Hop, ...]

    @property
    def person(self) -> str:
        return self.hops[0].root

    @property
    def holder(self) -> Hop:
        return self.hops[-1]

    @property
    def digests(self) -> tuple[str, ...]:
        return tuple(hop.digest for hop in self.hops)

    @property
    def identities(self) -> tuple[str, ...]:
        """The person and each agent once, in order of delegation."""
        return (self.person, *dict.fromkeys(hop.agent for hop in self.hops))


def payload(
    *,
    mandate: str,
    root: str,
    delegator: str,
    agent: str,
    key: bytes,
    prv: str,
    depth: int,
    audience: str,
    issued: datetime,
    grant: dict[str, Any],
    is_instance: bool = False,
) -> dict[str, Any]:
    """What a hop says, to be sealed by `jws.seal` as `TYPE`; see `Hop` for the words.

    mandate: its id, `mdt_…`; grant: as `evidence.grant` reads it.
    """
    hop = {
        "version": VERSION,
        "id": mandate,
        "root": root,
        "from": delegator,
        "to": {"agent": agent, "key": encode64url(key)},
        "prv": prv,
        "depth": depth,
        "audience": audience,
        "issued": f"{issued:%Y-%m-%dT%H:%M:%SZ}",
        "grant": grant,
    }
    return {**hop, "instance": True} if is_instance else hop


def read(compact: str) -> Hop:
    """One hop, not verified. Raises EvidenceError: `mandate_malformed`, `mandate_key_invalid`,
    `grant_invalid`, `time_invalid`, and what `jws.read` raises."""
    signed = jws.read(compact, TYPE)
    body = signed.payload
    _require_shape(body)
    key = decode64url(body["to"]["key"], "The key of a mandate")
    if not crypto_core_ed25519_is_valid_point(key):
        raise EvidenceError(
            "mandate_key_invalid", "A mandate empowers a key that is no valid Ed25519 public key."
        )
    return Hop(
        id=body["id"],
        root=body["root"],
        delegator=body["from"],
        agent=body["to"]["agent"],
        key=key,
        prv=body["prv"],
        depth=body["depth"],
        audience=body["audience"],
        issued=parse_time(body["issued"], "`issued` of a mandate"),
        grant=grant.parse(body["grant"], "The grant of a mandate"),
        is_instance="instance" in body,
        digest=digest(compact),
        compact=compact,
        signed=signed,
    )


def digest(compact: str) -> str:
    """The name of a hop: sha256 of its compact form, hexadecimal."""
    return hashlib.sha256(compact.encode("ascii", "replace")).hexdigest()


def split(header: str) -> tuple[str, ...]:
    """The hops in a `Gov-Delegation` header. Raises EvidenceError (`chain_too_long`)."""
    hops = tuple(header.split(SEPARATOR))
    if len(header) > MAX_BYTES or len(hops) > MAX_HOPS:
        raise EvidenceError(
            "chain_too_long", f"A delegation has at most {MAX_HOPS} hops in {MAX_BYTES} bytes."
        )
    return hops


def verify_chain(
    hops: Sequence[str], keys: Callable[[str], bytes | None], now: datetime, audience: str
) -> Chain:
    """Check a whole chain, the person's hop first.

    keys: the service's key by thumbprint, None for a key that is not the service's; now: the
    moment in question; audience: the service's public name.

    Raises EvidenceError, first fault first: `chain_too_long`, what `read` raises,
    `mandate_root` (does not begin at a person), `mandate_signer_unknown`, `mandate_broken` (not
    the successor of the hop before), `mandate_cycle`, `mandate_depth`, `grant_widened`,
    `mandate_instance`, `mandate_audience`, `mandate_not_yet_valid`, `mandate_expired`, and what
    `jws.verify` raises.
    """
    chain = tuple(map(read, split(SEPARATOR.join(hops))))
    first = chain[0]
    if first.delegator != first.root or first.prv != ZERO or first.is_instance:
        raise EvidenceError("mandate_root", "The delegation does not begin at a person.")
    service = keys(first.signed.kid)
    if service is None:
        raise EvidenceError(
            "mandate_signer_unknown", "The first hop is not signed by this service's key."
        )
    jws.verify(first.signed, service)
    for before, hop in pairwise(chain):
        jws.verify(hop.signed, before.key)
        _require_successor(before, hop)
    for place, hop in enumerate(chain):
        _require_in_force(hop, f"Hop {place} of the delegation", now, audience)
    _require_acyclic(chain)
    return Chain(chain)


def _require_successor(before: Hop, hop: Hop) -> None:
    is_next = hop.prv == before.digest and hop.delegator == before.agent and hop.root == before.root
    if not is_next or hop.issued < before.issued - MAX_SKEW:
        raise EvidenceError(
            "mandate_broken", f"Hop {hop.id} of the delegation does not follow from {before.id}."
        )
    if hop.depth > before.depth - (not hop.is_instance):
        raise EvidenceError(
            "mandate_depth",
            f"Hop {hop.id} may not be there, or not be handed on so far: {before.id} allows "
            f"{before.depth} more agents.",
        )
    grant.require_within(hop.grant, before.grant, f"Hop {hop.id} of the delegation")
    life = hop.grant.until - hop.issued
    if hop.is_instance and (hop.agent != before.agent or life > INSTANCE_LIFE):
        raise EvidenceError(
            "mandate_instance", "An instance is of the same agent and lives one hour at most."
        )


def _require_in_force(hop: Hop, what: str, now: datetime, audience: str) -> None:
    if hop.audience != audience:
        raise EvidenceError("mandate_audience", f"{what} is made out for another service.")
    if hop.issued > now + MAX_SKEW:
        raise EvidenceError("mandate_not_yet_valid", f"{what} is from the future.")
    if hop.grant.until <= now:
        raise EvidenceError("mandate_expired", f"{what} has expired; ask for a new mandate.")


def _require_acyclic(chain: Sequence[Hop]) -> None:
    """Authority that comes back to an agent would hide who handed it on."""
    agents = [hop.agent for hop in chain if not hop.is_instance]
    if len(set(agents)) != len(agents):
        raise EvidenceError("mandate_cycle", "An agent is twice in the delegation.")


def _require_shape(body: dict[str, Any]) -> None:
    if not _validator().is_valid(body):
        error = next(_validator().iter_errors(body))
        where = "/".join(str(part) for part in error.instance_path) or "hop"
        raise EvidenceError(
            "mandate_malformed",
            f"A hop of the delegation is malformed: {where}: {error.message[:200]}.",
        )
    if has_float(body):  # RFC 8785 writes 2.0 as 2
        raise EvidenceError("mandate_malformed", "A hop of the delegation has a fraction in it.")


@cache
def _validator() -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(schema("_mandate"))
