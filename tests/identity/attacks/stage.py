"""Where an attack takes place, and the request as it goes over the wire."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nacl.signing import SigningKey

from governance.evidence import signature_base as profile
from governance.identity.request_signature import ReceivedRequest
from governance.kernel import clock
from tests.identity.forging import AGENT, AUTHORITY, BODY, JSON, STRANGER, Draft, body_digest

MALFORMED, COVERAGE = "signature_malformed", "signature_coverage"
INVALID, DIGEST = "signature_invalid", "signature_digest"
LIFETIME, EXPIRED = "signature_lifetime", "signature_expired"
EARLY, UNKNOWN = "signature_not_yet_valid", "signature_key_unknown"
UNSIGNED = "credentials_missing"  # nothing that claims to be a signature of ours


@dataclass(frozen=True)
class Wire:
    """A request byte for byte: raw path and query, headers in order, body."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def but(self, **changes: Any) -> "Wire":
        return replace(self, **changes)

    def header(self, name: str) -> str:
        return next(value for key, value in self.headers if key.lower() == name)

    def adding(self, *headers: tuple[str, str]) -> "Wire":
        return replace(self, headers=(*self.headers, *headers))

    def without(self, *names: str) -> "Wire":
        kept = tuple(pair for pair in self.headers if pair[0].lower() not in names)
        return replace(self, headers=kept)

    def saying(self, name: str, value: str) -> "Wire":
        """Another value for one header."""
        return self.without(name.lower()).adding((name, value))

    def rewriting(self, name: str, change: Callable[[str], str]) -> "Wire":
        """A header whose text somebody changed on the way; it must have changed."""
        before = self.header(name)
        after = change(before)
        assert after != before, name
        return self.saying(name, after)

    def received(self, authority: str = AUTHORITY) -> ReceivedRequest:
        return ReceivedRequest(
            self.method, authority, self.path, self.query, self.headers, body_digest(self.body)
        )


@dataclass(frozen=True)
class Stage:
    """A service and two agents that it knows; `key` signs unless an attack says otherwise."""

    authority: str = AUTHORITY
    key: SigningKey = AGENT
    other: SigningKey = STRANGER
    path: str = "/v1/governance/generations"
    query: str = "trace=1&dry_run=false"
    body: bytes = BODY
    headers: tuple[tuple[str, str], ...] = field(default=(JSON,))

    def now(self, later: int = 0) -> int:
        return int(clock.now().timestamp()) + later

    def draft(self, *, parameters: Mapping[str, str | None] | None = None, **changes: Any) -> Draft:
        given: dict[str, Any] = {
            "authority": self.authority,
            "key": self.key,
            "path": self.path,
            "query": self.query,
            "body": self.body,
            "headers": self.headers,
        }
        named = {"nonce": f'"{secrets.token_urlsafe(16)}"', **(parameters or {})}
        return Draft(**{**given, **changes}, parameters=named)

    def sign(self, **changes: Any) -> Wire:
        """A signed request, honest unless `changes` say otherwise; see `Draft`."""
        draft = self.draft(**changes)
        request = draft.sign()
        return Wire(draft.method, draft.path, draft.query, tuple(request.headers), draft.body)

    def says(self, **parameters: str | None) -> Wire:
        """Signed with other parameters."""
        return self.sign(parameters=parameters)

    def covers(self, *names: str) -> Wire:
        """Signed over these components, written as they stand in Signature-Input."""
        return self.sign(components=names)

    def base(self, wire: Wire) -> bytes:
        """The text that an honest signer would sign for what the wire's headers state."""
        message = profile.HttpRequest(
            wire.method, self.authority, wire.path, wire.query, profile.covered_fields(wire.headers)
        )
        input_ = wire.header("signature-input").partition("=")[2]
        listed = input_[1 : input_.index(")")].split()
        return profile.signature_base(message, [n.strip('"') for n in listed], input_).encode()


# Forges a request; and the code with which it must be refused.
Attack = tuple[Callable[[Stage], Wire], str]
