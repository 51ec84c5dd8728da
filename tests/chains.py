"""Delegation chains to test with, honest or not: every field of every hop can be replaced."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from nacl.signing import SigningKey

from governance.evidence import jws, mandate
from governance.evidence.encoding import encode64url
from governance.evidence.mandate import Chain
from governance.evidence.signature_base import thumbprint

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
AUDIENCE = "governance.example"
PERSON = "usr_" + "1" * 32
AGENTS = tuple(f"agt_{number:032x}" for number in range(1, 6))
SERVICE, STRANGER = SigningKey(b"s" * 32), SigningKey(b"x" * 32)
KEYS = tuple(SigningKey(bytes([number]) * 32) for number in range(1, 6))
GRANT: dict[str, Any] = {
    "actions": ["generation:create", "generation:read"],
    "projects": ["launch", "teaser"],
    "models": ["google/veo-3", "local/*"],
    "territories": ["DE", "FR"],
    "per_call": "5.00",
    "total": "100.00",
    "currency": "USD",
    "until": "2026-11-23T12:00:00Z",
}
Payload = dict[str, Any]
Change = Callable[[Payload], None]


def public(key: SigningKey) -> bytes:
    return bytes(key.verify_key)


def seal(payload: Payload, key: SigningKey) -> str:
    return jws.seal(
        payload, mandate.TYPE, lambda text: key.sign(text).signature, thumbprint(public(key))
    )


@dataclass
class Forge:
    """Makes chains from a person to AGENTS, each with its key of KEYS.

    changes: to a hop's payload before it is signed, by place; signers: another key for a hop.
    """

    length: int = 2
    changes: dict[int, Payload] = field(default_factory=dict)
    signers: dict[int, SigningKey] = field(default_factory=dict)
    grants: dict[int, Payload] = field(default_factory=dict)
    person: str = PERSON
    agents: Sequence[str] = AGENTS
    keys: Sequence[SigningKey] = KEYS
    service: SigningKey = SERVICE
    audience: str = AUDIENCE
    now: datetime = NOW

    def hops(self) -> list[str]:
        made: list[str] = []
        for place in range(self.length):
            payload = mandate.payload(
                mandate=f"mdt_{place:032x}",
                root=self.person,
                delegator=self.agents[place - 1] if place else self.person,
                agent=self.agents[place],
                key=public(self.keys[place]),
                prv=mandate.digest(made[-1]) if made else mandate.ZERO,
                depth=self.length - 1 - place,
                audience=self.audience,
                issued=self.now + timedelta(seconds=place),
                grant={**GRANT, **self.grants.get(place, {})},
            )
            payload |= self.changes.get(place, {})
            signer = self.signers.get(place) or (self.keys[place - 1] if place else self.service)
            made.append(seal(payload, signer))
        return made

    def text(self) -> str:
        return mandate.SEPARATOR.join(self.hops())


def instance_of(place: int, key: SigningKey, **until: Any) -> Payload:
    """What makes the hop at `place` an instance of the agent before it."""
    grant = {**GRANT, "until": f"{NOW + timedelta(**until):%Y-%m-%dT%H:%M:%SZ}"}
    return {
        "to": {"agent": AGENTS[place - 1], "key": encode64url(public(key))},
        "instance": True,
        "grant": grant,
    }


def verified(
    hops: Sequence[str], now: datetime = NOW + timedelta(minutes=1), audience: str = AUDIENCE
) -> Chain:
    known = {thumbprint(public(SERVICE)): public(SERVICE)}
    return mandate.verify_chain(hops, known.get, now, audience)
