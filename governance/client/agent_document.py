"""Writing an agent's identity document, and signing it with the agent's keys."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from governance.client.signer import RequestSigner
from governance.evidence.agent_document import MAX_LIFETIME, principal_id, signing_input
from governance.evidence.encoding import encode64, encode64url, serialise

Document = dict[str, Any]


def draft(
    signers: Sequence[RequestSigner],
    *,
    service: str,
    organisation: str,
    accountable: str,
    name: str,
    ceiling: Document,
    days: int = MAX_LIFETIME.days,
    storage: str = "file",
    parent: str | None = None,
    supersedes: str | None = None,
    **changes: Any,
) -> Document:
    """A document that names what must be named, for its author to complete.

    signers: the agent's keys; service: the public address of the service (`https://…`);
    accountable: who answers for it (`usr_…`); ceiling: a grant as in `governance.evidence.grant`,
    which ends with the document where it has no `until`; days: until it expires; storage: where
    the keys lie; parent: the agent (`agt_…`) that it comes from; supersedes: the digest of the
    agent's present document, whose `id` stays; changes: further fields of the document, each in
    whole (`id`, `purpose`, `models`, …).
    """
    issued = datetime.fromtimestamp(time.time(), UTC)
    expires = _time(issued + timedelta(days=days))
    uri = str(changes.get("id") or f"urn:x-governance:agent:{signers[0].keyid}")
    agent = principal_id(organisation, uri)
    document = {
        "registry": urlsplit(service).netloc.lower(),
        "id": uri,
        "kind": "agent",
        "display_name": name,
        "operator": {"organisation": organisation, "legal_name": organisation, "country": "ZZ"},
        "owners": [accountable],
        "purpose": {"summary": name, "intended_use": "Asking for media on behalf of its owner."},
        "software": {"vendor": organisation, "version": "1", "artefact": None},
        "models": [],
        "autonomy": {"oversight": "on_the_loop", "level": 2, "approval_threshold": None},
        "grant_ceiling": {"until": expires, **ceiling},
        "keys": [_key(signer, _time(issued), expires, storage) for signer in signers],
        "lineage": {"parent": parent, "ephemeral": False, "max_depth": 0 if parent else 1},
        "lifecycle": {
            "issued": _time(issued),
            "expires": expires,
            "supersedes": supersedes,
            "review_by": expires[:10],
        },
        "status_url": f"{service.rstrip('/')}/v1/governance/agents/{agent}/status",
    }
    return {**document, **changes}


def signed(document: Document, signers: Sequence[RequestSigner]) -> Document:
    """What is sent to register it: the document, and every key's signature over it."""
    message = signing_input(serialise(document))
    signatures = [
        {"keyid": signer.keyid, "sig": encode64(signer.sign(message))} for signer in signers
    ]
    return {"document": document, "signatures": signatures}


def _key(signer: RequestSigner, not_before: str, not_after: str, storage: str) -> Document:
    return {
        "keyid": signer.keyid,
        "jwk": {"kty": "OKP", "crv": "Ed25519", "x": encode64url(signer.public_key)},
        "not_before": not_before,
        "not_after": not_after,
        "storage": storage,
    }


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}Z"
