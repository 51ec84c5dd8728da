"""Signing requests with an agent's key, profile `gov-agent-v1`.

The key belongs to the program around a model, never to a prompt or a tool's arguments.
"""

import secrets
import time
from collections.abc import Generator
from typing import Any

import httpx
import httpx2
from nacl.signing import SigningKey

from governance.evidence import signature_base as profile

LIFETIME = 30  # seconds: long enough for a slow network, short enough for a lost request


class RequestSigner(httpx.Auth, httpx2.Auth):  # type: ignore[misc]  # two twins of one interface
    """`auth=` for a client of httpx or of httpx2, synchronous or not; signs each request anew.

        OpenAI(api_key="unused", base_url=…, http_client=httpx2.Client(auth=RequestSigner(seed)))

    seed: the 32-byte Ed25519 seed; authority: the service's public name (`host[:port]`) where it
    differs from the address that is called; delegation: the chain of mandates to act under.
    """

    requires_request_body = True

    def __init__(self, seed: bytes, *, authority: str = "", delegation: str = "") -> None:
        self._key = SigningKey(seed)
        self._authority = authority
        self.delegation = delegation
        self.public_key = bytes(self._key.verify_key)
        self.keyid = profile.thumbprint(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """The key's 64-byte signature over something other than a request."""
        return self._key.sign(message).signature

    def auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Sign `request` (of either library), whose body has been read, and send it."""
        headers = request.headers
        # The signature is the credential. Some clients insist on an API key; it stays here.
        headers.pop("Authorization", None)
        if self.delegation:
            headers["Gov-Delegation"] = self.delegation
        if request.content:
            headers["Content-Digest"] = profile.content_digest(request.content)
        headers.update(self._signature(request))
        yield request

    def _signature(self, request: Any) -> dict[str, str]:
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        message = profile.HttpRequest(
            method=request.method,
            authority=self._authority or request.url.netloc.decode("ascii").lower(),
            path=path,
            query=query,
            fields=profile.covered_fields(request.headers.multi_items()),
        )
        created = int(time.time())
        return profile.sign_request(
            message,
            self.sign,
            keyid=self.keyid,
            created=created,
            expires=created + LIFETIME,
            nonce=secrets.token_urlsafe(16),
        )
