"""Another platform: issues access tokens with a foreign library, publishes its keys over HTTP."""

import hashlib
import http.server
import json
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwk, jws

from governance.evidence.encoding import encode64url
from governance.kernel import clock

ISSUER = "https://login.example/tenant"
SUBJECT = "agent-7"
AUDIENCE = "https://governance.example"
KINDS: dict[str, tuple[str, int | str]] = {
    "Ed25519": ("OKP", "Ed25519"),
    "EdDSA": ("OKP", "Ed25519"),
    "ES256": ("EC", "P-256"),
    "RS256": ("RSA", 2048),
}


def new_key(algorithm: str = "ES256", kid: str = "k1") -> jwk.Key:
    kind, size = KINDS[algorithm]
    key: jwk.Key = jwk.generate_key(kind, size, {"kid": kid})  # type: ignore[call-overload]
    return key


def public(key: jwk.Key) -> dict[str, Any]:
    return dict(key.as_dict(private=False))


def seal(header: Mapping[str, Any], claims: Mapping[str, Any] | bytes, key: jwk.Key) -> str:
    """A compact JWS with any header, which a library that knows the rules would not write."""
    payload = claims if isinstance(claims, bytes) else json.dumps(dict(claims)).encode()
    text = f"{encode64url(json.dumps(dict(header)).encode())}.{encode64url(payload)}"
    algorithm = jws.JWSRegistry.algorithms[header["alg"]]
    return f"{text}.{encode64url(algorithm.sign(text.encode(), key))}"


@dataclass
class Platform:
    """An issuer with one key, and what it says in a token."""

    key: jwk.Key = field(default_factory=new_key)
    algorithm: str = "ES256"

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(clock.now().timestamp())
        given = {
            "iss": ISSUER,
            "sub": SUBJECT,
            "aud": AUDIENCE,
            "client_id": "studio",
            "jti": uuid.uuid4().hex,
            "iat": now,
            "exp": now + 600,
            **changes,
        }
        return {name: value for name, value in given.items() if value is not None}

    def token(
        self, header: Mapping[str, Any] | None = None, key: jwk.Key | None = None, **changes: Any
    ) -> str:
        """An access token; None takes a claim or a header parameter away."""
        given = {"alg": self.algorithm, "typ": "at+jwt", "kid": "k1", **(header or {})}
        kept = {name: value for name, value in given.items() if value is not None}
        return seal(kept, self.claims(**changes), key or self.key)


@dataclass
class Holder:
    """A program that holds a key for DPoP."""

    key: jwk.Key = field(default_factory=new_key)
    algorithm: str = "ES256"

    @property
    def binding(self) -> dict[str, str]:
        return {"jkt": self.key.thumbprint()}

    def proof(
        self,
        token: str,
        method: str = "GET",
        url: str = f"{AUDIENCE}/v1/models",
        header: Mapping[str, Any] | None = None,
        key: jwk.Key | None = None,
        **changes: Any,
    ) -> str:
        """A proof for one request; None takes a claim or a header parameter away."""
        bare = {name: value for name, value in public(self.key).items() if name != "kid"}
        head = {"typ": "dpop+jwt", "alg": self.algorithm, "jwk": bare, **(header or {})}
        claims = {
            "jti": uuid.uuid4().hex,
            "htm": method,
            "htu": url,
            "iat": int(clock.now().timestamp()),
            "ath": encode64url(hashlib.sha256(token.encode()).digest()),
            **changes,
        }
        return seal(
            {name: value for name, value in head.items() if value is not None},
            {name: value for name, value in claims.items() if value is not None},
            key or self.key,
        )


@dataclass
class KeyServer:
    """What is published at `url`, and how often it was asked for."""

    url: str
    document: bytes = b'{"keys": []}'
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    asked: int = 0

    def publish(self, *keys: jwk.Key) -> None:
        self.document = json.dumps({"keys": [public(key) for key in keys]}).encode()


@contextmanager
def key_server() -> Iterator[KeyServer]:
    """A real HTTP server that answers every path with its document."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked += 1
            self.send_response(served.status)
            for name, value in served.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(served.document)))
            self.end_headers()
            self.wfile.write(served.document)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = KeyServer(f"http://127.0.0.1:{server.server_address[1]}/keys")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield served
        server.shutdown()
        thread.join()
