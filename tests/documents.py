"""Identity documents of agents that may go anywhere, to register agents with."""

from typing import Any

from governance.client import agent_document
from governance.client.signer import RequestSigner

# The widest ceiling that an identity document can have.
ANYTHING = {
    "actions": ["*"],
    "projects": ["*"],
    "models": ["*"],
    "territories": ["*"],
    "per_call": "1000000",
    "total": "1000000000",
    "currency": "USD",
    "until": "2999-01-01T00:00:00.000000Z",
}


def drafted(*signers: RequestSigner, **changes: Any) -> dict[str, Any]:
    """A document with these keys; changes: to what `agent_document.draft` is given."""
    return agent_document.draft(signers, **{"name": "An agent", "ceiling": ANYTHING, **changes})


def signatures(document: dict[str, Any], *signers: RequestSigner) -> dict[str, str]:
    """Each key's signature over a document, by keyid, as the registry takes them."""
    signed = agent_document.signed(document, signers)["signatures"]
    return {named["keyid"]: named["sig"] for named in signed}
