"""A small OpenID provider on loopback: real HTTP, one client, one-time codes, PKCE checked."""

import base64
import hashlib
import http.server
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jwk

from governance.evidence.encoding import encode64url
from governance.kernel import clock
from tests.identity.platform_issuer import new_key, public, seal

CLIENT, SECRET = "governance", "the client's secret"


@dataclass
class IdentityProvider:
    """claims, header, key: what it gets wrong in ID tokens; metadata: what it publishes wrongly."""

    issuer: str
    key: jwk.Key = field(default_factory=new_key)
    signing_key: jwk.Key | None = None
    subject: str = "paula-1"
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def authorize(self, address: str) -> str:
        """What it does with a browser that comes to `address`: recognise the person, send back."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert asked["response_type"] == "code"
        assert (asked["client_id"], asked["scope"]) == (CLIENT, "openid")
        assert asked["code_challenge_method"] == "S256"
        code = uuid.uuid4().hex
        self.codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.issuer}
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """The answer to a code; None where anything about it is wrong."""
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or authorization != f"Basic {basic}":
            return None
        challenge = encode64url(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return None
        now = int(clock.now().timestamp())
        claims = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "email": "paula@example.com",
            **self.claims,
        }
        header = {"alg": "ES256", "typ": "JWT", "kid": "k1", **self.header}
        id_token = seal(header, claims, self.signing_key or self.key)
        return {"access_token": "x", "token_type": "Bearer", "id_token": id_token}

    def published(self, path: str) -> dict[str, Any] | None:
        if path == "/keys":
            return {"keys": [public(self.key)]}
        if path != "/.well-known/openid-configuration":
            return None
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            **self.metadata,
        }


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(provider.published(self.path), 404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._answer(provider.token(form, self.headers.get("Authorization", "")), 400)

        def _answer(self, value: dict[str, Any] | None, otherwise: int) -> None:
            data = json.dumps(value or {"error": "invalid_grant"}).encode()
            self.send_response(200 if value else otherwise)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider = IdentityProvider(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield provider
        server.shutdown()
        thread.join()
