"""A house whose person, Ada, lets an agent act for her, which hands that on."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from nacl.signing import SigningKey

from governance.client import delegation
from governance.client.signer import RequestSigner
from governance.evidence.mandate import Hop
from governance.identity import mandates
from governance.identity.authenticate import Authenticated
from governance.kernel import clock
from tests.identity.conftest import House
from tests.identity.forging import AUTHORITY, JSON, Draft

FIRST, SECOND, THIRD = (SigningKey(bytes([number]) * 32) for number in (11, 12, 13))


def limits(**changes: Any) -> dict[str, Any]:
    """A grant that ends in a day."""
    until = clock.now() + timedelta(days=1)
    return {
        "actions": ["generation:create", "generation:read"],
        "projects": ["launch"],
        "models": ["local/*"],
        "territories": ["EU"],
        "per_call": "5.00",
        "total": "20.00",
        "currency": "USD",
        "until": f"{until:%Y-%m-%dT%H:%M:%SZ}",
        **changes,
    }


@dataclass(frozen=True)
class Line:
    """Ada, a lead agent that may hand on, and the worker that it hands on to."""

    house: House
    lead: str
    worker: str

    @classmethod
    def open(cls, house: House) -> "Line":
        return cls(house, house.agent(key=FIRST), house.agent(key=SECOND))

    def issue(self, agent: str = "", *, depth: int | None = None, **changes: Any) -> Hop:
        return self.house.write(
            mandates.issue,
            organisation="acme",
            person=self.house.ada,
            agent=agent or self.lead,
            limits=limits(**changes),
            audience=AUTHORITY,
            by=self.house.ada,
            depth=depth,
        )

    def chain(self, **narrowed: Any) -> str:
        """From Ada through the lead to the worker."""
        return handed_on(self.issue().compact, FIRST, self.worker, SECOND, **narrowed)

    def ask(self, chain: str, key: SigningKey = SECOND) -> Authenticated:
        """Send a signed request under a chain."""
        found = self.house.authenticate(
            Draft(headers=(JSON, ("Gov-Delegation", chain)), key=key).sign()
        )
        if found.unseen:
            self.note(found)
        return found

    def note(self, found: Authenticated) -> None:
        self.house.write(mandates.keep, found.unseen, found.principal)

    def revoke(self, named: str) -> str:
        return self.house.write(
            mandates.revoke, organisation="acme", named=named, by=self.house.ada
        )


def handed_on(
    chain: str, key: SigningKey, agent: str, to: SigningKey, depth: int = 0, **narrowed: Any
) -> str:
    signer = RequestSigner(bytes(key))
    public = bytes(to.verify_key)
    return delegation.delegate(
        chain, signer, agent=agent, key=public, narrowed=narrowed, depth=depth
    )
