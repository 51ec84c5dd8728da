"""People of an enterprise sign in at its identity provider.

OpenID Connect Core 1.0, code flow with PKCE (RFC 7636), state and nonce. Whom the provider names
counts by issuer and subject, never by an e-mail address, and only once an administrator has linked
that subject to a person. The provider decides how it recognises people; the session says `oidc`.
"""

import hmac
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from sqlalchemy import Connection, select
from sqlmodel import col

from governance.evidence.encoding import encode64url
from governance.identity import external, jose, sessions
from governance.identity.issuers import FRESH, PAUSE, KeySet, fetch_json, is_safe
from governance.identity.jose import TokenFault
from governance.identity.tables import Person
from governance.kernel import clock, ids
from governance.kernel.errors import Denied, Unauthenticated, Unavailable

COOKIE = "__Host-sign-in"  # what a browser keeps between leaving for the provider and coming back
MAX_SECONDS = 600  # that this may take
CALLBACK = "/sign-in/oidc/callback"
MAX_SKEW = 5
_TYPES = frozenset({"jwt", ""})
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_TIMEOUT = 5.0


@dataclass(frozen=True)
class Begun:
    """address: where the browser goes; ticket: what it keeps in `COOKIE` meanwhile."""

    address: str
    ticket: str


@dataclass(frozen=True)
class _Metadata:
    """What a provider publishes about itself."""

    authorization: str
    token: str
    keys: KeySet
    read_at: datetime


class Provider:
    """The identity provider of the people of one organisation."""

    def __init__(
        self, issuer: str, client_id: str, client_secret: str, *, organisation: str, base_url: str
    ) -> None:
        self.issuer = issuer
        self.organisation = organisation
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = base_url + CALLBACK
        self._metadata: _Metadata | None = None
        self._asked: datetime | None = None
        self._lock = threading.Lock()

    def begin(self) -> Begun:
        """Send a browser to the provider. Raises Unavailable (`issuer_unavailable`)."""
        state, nonce, verifier = (encode64url(ids.random_bytes(32)) for _ in range(3))
        with self._client() as client:
            address, _ = client.create_authorization_url(
                self._published().authorization, state=state, code_verifier=verifier, nonce=nonce
            )
        return Begun(address, f"{state}.{nonce}.{verifier}")

    def finish(self, ticket: str, answer: Mapping[str, str]) -> str:
        """The subject whom the provider has recognised. answer: the query that it sent back.

        Raises Unauthenticated (`sign_in_state`, `sign_in_refused`, `sign_in_token`), Unavailable.
        """
        state, nonce, verifier = (*ticket.split("."), "", "", "")[:3]
        if not state or not _same(state, answer.get("state", "")):
            raise Unauthenticated("sign_in_state", "This sign-in was not begun here; begin again.")
        if answer.get("iss", self.issuer) != self.issuer:  # RFC 9207
            raise Unauthenticated("sign_in_state", "Another provider has answered; begin again.")
        if "error" in answer or not answer.get("code"):
            raise Unauthenticated("sign_in_refused", "Your provider has refused the sign-in.")
        return self._subject(self._exchange(answer["code"], verifier), nonce)

    def _exchange(self, code: str, verifier: str) -> str:
        """The ID token for a code."""
        address = self._published().token
        try:
            with self._client() as client:
                answer: Any = client.fetch_token(
                    address, code=code, code_verifier=verifier, grant_type="authorization_code"
                )
        except AuthlibBaseError:
            raise Unauthenticated(
                "sign_in_refused", "Your provider does not know this sign-in; begin again."
            ) from None
        except (httpx.HTTPError, ValueError):
            raise _unavailable() from None
        token = answer.get("id_token") if isinstance(answer, dict) else None
        if not isinstance(token, str):
            raise _untrue("it has sent no ID token")
        return token

    def _subject(self, compact: str, nonce: str) -> str:
        """OpenID Connect Core section 3.1.3.7."""
        try:
            token = jose.read(compact, types=_TYPES, algorithms=jose.ALGORITHMS)
        except TokenFault as fault:
            raise _untrue(str(fault)) from None
        keys = self._published().keys.candidates(token.header.get("kid"))
        if not any(key.verifies(token) for key in keys):
            raise _untrue("no key of it has signed the ID token")
        claims = token.claims
        audience = claims.get("aud")
        if claims.get("iss") != self.issuer or audience not in (
            self._client_id,
            [self._client_id],
        ):
            raise _untrue("its ID token is from somebody else, or for somebody else")
        if not _same(nonce, str(claims.get("nonce"))):
            raise _untrue("its ID token is for another sign-in")
        now, issued, expires = clock.now().timestamp(), claims.get("iat"), claims.get("exp")
        if type(issued) is not int or type(expires) is not int:
            raise _untrue("its ID token has no times")
        if not (issued - MAX_SKEW <= now < expires + MAX_SKEW) or now - issued > MAX_SECONDS:
            raise _untrue("its ID token is not valid now")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= external.MAX_TEXT:
            raise _untrue("its ID token has no subject")
        return subject

    def _client(self) -> OAuth2Client:
        return OAuth2Client(
            self._client_id,
            self._client_secret,
            redirect_uri=self._redirect_uri,
            scope="openid",
            code_challenge_method="S256",
            timeout=_TIMEOUT,
            trust_env=False,
        )

    def _published(self) -> _Metadata:
        with self._lock:
            known = self._metadata
            now = clock.now()
            if known is None or now - known.read_at >= FRESH:
                if self._asked is not None and now - self._asked < PAUSE:
                    raise _unavailable()  # it did not answer; visitors must not queue up for it
                self._asked = now
                known = self._read()
                self._metadata = known
            return known

    def _read(self) -> _Metadata:
        """OpenID Connect Discovery 1.0; every endpoint must be the issuer's own host's."""
        address = self.issuer.rstrip("/") + "/.well-known/openid-configuration"
        found = fetch_json(address)
        if not isinstance(found, dict) or found.get("issuer") != self.issuer:
            raise _unavailable()
        endpoints = [str(found.get(name)) for name in _ENDPOINTS]
        home = urlsplit(self.issuer).netloc
        if not all(is_safe(url) and urlsplit(url).netloc == home for url in endpoints):
            raise _unavailable()
        authorization, token, keys = endpoints
        return _Metadata(authorization, token, KeySet(url=keys), clock.now())


def admit(
    connection: Connection,
    provider: Provider,
    subject: str,
    *,
    absolute: float,
    replaces: str | None,
) -> str:
    """Start a session for the person whom the provider knows as `subject`; returns its token.

    absolute, replaces: see `sessions.start`. Raises Unauthenticated (`person_unlinked`), Denied
    (`principal_suspended`, `principal_revoked`).
    """
    person = external.person_of(connection, provider.organisation, provider.issuer, subject)
    if person is None:
        raise Unauthenticated(
            "person_unlinked",
            "Your provider knows you, this service does not; ask an administrator to link you.",
        )
    state = connection.execute(select(col(Person.state)).where(col(Person.id) == person)).scalar()
    if state != "active":
        raise Denied(f"principal_{state}", "This account is stopped; ask an administrator.")
    return sessions.start(connection, person, absolute=absolute, method="oidc", replaces=replaces)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _untrue(why: str) -> Unauthenticated:
    return Unauthenticated("sign_in_token", f"Your provider's answer does not hold: {why}.")


def _unavailable() -> Unavailable:
    return Unavailable("issuer_unavailable", "Your provider cannot be reached; try again later.")
