"""Handing on a mandate: offline, with the agent's own key, narrower or as wide, never wider."""

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from governance.client.signer import RequestSigner
from governance.evidence import grant, jws, mandate
from governance.evidence.errors import EvidenceError


def delegate(
    chain: str,
    signer: RequestSigner,
    *,
    agent: str,
    key: bytes,
    narrowed: Mapping[str, Any] | None = None,
    depth: int = 0,
) -> str:
    """Empower another agent; returns the chain to give to it (its `RequestSigner.delegation`).

    chain: what this agent was given itself; agent, key: who is empowered (`agt_…`) and its raw
    32-byte public key; narrowed: the dimensions of the grant that are to be smaller than one's
    own; depth: how many more times it may be handed on.
    Raises EvidenceError: `mandate_key_mismatch` (the chain empowers another key than `signer`'s),
    `mandate_depth`, `grant_widened`, `grant_invalid`, `chain_too_long`.
    """
    return _extended(chain, signer, agent, key, narrowed or {}, depth, is_instance=False)


def instance(
    chain: str,
    signer: RequestSigner,
    *,
    lifetime: timedelta = mandate.INSTANCE_LIFE,
    authority: str = "",
) -> RequestSigner:
    """A signer with a new key in memory that acts as this agent, for an hour at most."""
    held = mandate.read(mandate.split(chain)[-1])
    until = min(held.grant.until, _now() + lifetime)
    made = RequestSigner(secrets.token_bytes(32), authority=authority)
    narrowed = {"until": f"{until:%Y-%m-%dT%H:%M:%SZ}"}
    made.delegation = _extended(
        chain, signer, held.agent, made.public_key, narrowed, 0, is_instance=True
    )
    return made


def _extended(
    chain: str,
    signer: RequestSigner,
    agent: str,
    key: bytes,
    narrowed: Mapping[str, Any],
    depth: int,
    *,
    is_instance: bool,
) -> str:
    held = mandate.read(mandate.split(chain)[-1])
    if held.key != signer.public_key:
        raise EvidenceError("mandate_key_mismatch", "The delegation empowers another key.")
    if depth > held.depth - (not is_instance):
        raise EvidenceError("mandate_depth", f"It may be handed on {held.depth} more times.")
    limits = {**held.signed.payload["grant"], **narrowed}
    grant.require_within(grant.parse(limits), held.grant, "The new mandate")
    payload = mandate.payload(
        mandate=f"mdt_{secrets.token_hex(16)}",
        root=held.root,
        delegator=held.agent,
        agent=agent,
        key=key,
        prv=held.digest,
        depth=depth,
        audience=held.audience,
        issued=_now(),
        grant=limits,
        is_instance=is_instance,
    )
    hop = jws.seal(payload, mandate.TYPE, signer.sign, signer.keyid)
    extended = f"{chain}{mandate.SEPARATOR}{hop}"
    mandate.split(extended)
    return extended


def _now() -> datetime:
    return datetime.fromtimestamp(int(time.time()), UTC)
