"""Builds signed requests, honest or not: every part can be replaced after or before signing."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from nacl.signing import SigningKey

from governance.evidence import signature_base as profile
from governance.evidence.encoding import encode64
from governance.identity import request_signature
from governance.identity.request_signature import ReceivedRequest, SignedRequest
from governance.kernel import clock

AUTHORITY = "governance.example"
AGENT = SigningKey(bytes(range(32)))
STRANGER = SigningKey(bytes(range(1, 33)))
BODY = b'{"prompt":"a quiet harbour","model":"auto"}'
NONCE = "bm9uY2Utbm9uY2Utbm9uY2U"
JSON = ("Content-Type", "application/json")


def keyid(key: SigningKey = AGENT) -> str:
    return profile.thumbprint(bytes(key.verify_key))


@dataclass(frozen=True)
class Draft:
    """A request to sign.

    components, parameters: what Signature-Input says, by default what the profile asks for;
    parameters are name and serialised value, in order.
    """

    method: str = "POST"
    authority: str = AUTHORITY
    path: str = "/v1/videos"
    query: str = "dry_run=false"
    headers: tuple[tuple[str, str], ...] = (JSON,)
    body: bytes = BODY
    digest: str | None = None
    components: Sequence[str] | None = None
    parameters: dict[str, str | None] = field(default_factory=dict)
    label: str = "gov"
    key: SigningKey = AGENT

    def sign(self) -> ReceivedRequest:
        headers = list(self.headers)
        digest = profile.content_digest(self.body) if self.digest is None else self.digest
        if digest and (self.body or self.digest):
            headers.append(("Content-Digest", digest))
        base, input_ = self._base(headers)
        signature = encode64(self.key.sign(base.encode()).signature)
        headers.append(("Signature-Input", f"{self.label}={input_}"))
        headers.append(("Signature", f"{self.label}=:{signature}:"))
        return received(self, headers)

    def _base(self, headers: list[tuple[str, str]]) -> tuple[str, str]:
        fields = {name.lower(): value.strip() for name, value in headers}
        message = profile.HttpRequest(self.method, self.authority, self.path, self.query, fields)
        names = self.components
        if names is None:
            names = [f'"{name}"' for name in profile.covered(message)]
        values = {
            "@method": self.method,
            "@authority": self.authority,
            "@path": self.path,
            "@query": f"?{self.query}",
            "@target-uri": f"https://{self.authority}{self.path}?{self.query}",
            **fields,
        }
        lines = [f"{name}: {values.get(name.split(';')[0].strip(chr(34)), '')}" for name in names]
        input_ = f"({' '.join(names)})" + "".join(
            f";{name}={value}" for name, value in self._parameters().items() if value is not None
        )
        return "\n".join([*lines, f'"@signature-params": {input_}']), input_

    def _parameters(self) -> dict[str, str | None]:
        now = int(clock.now().timestamp())
        return {
            "created": str(now),
            "expires": str(now + 30),
            "nonce": f'"{NONCE}"',
            "keyid": f'"{keyid(self.key)}"',
            "tag": '"gov-agent-v1"',
        } | self.parameters


def received(draft: Draft, headers: Sequence[tuple[str, str]]) -> ReceivedRequest:
    return ReceivedRequest(
        method=draft.method,
        authority=AUTHORITY,
        path=draft.path,
        query=draft.query,
        headers=tuple(headers),
        body_sha256=body_digest(draft.body),
    )


def body_digest(body: bytes) -> bytes | None:
    return hashlib.sha256(body).digest() if body else None


def only_the_agent(asked: str) -> bytes | None:
    """The key register of these tests: it knows one agent."""
    return bytes(AGENT.verify_key) if asked == keyid() else None


def check(
    request: ReceivedRequest, public_key: Callable[[str], bytes | None] = only_the_agent
) -> SignedRequest | None:
    """What the service answers: the proof, None without a signature of ours, or an error."""
    presented = request_signature.find(request.headers)
    return request_signature.verify(request, presented, public_key) if presented else None
