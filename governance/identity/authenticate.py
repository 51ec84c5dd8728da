"""Who is asking: one credential per request, checked against the rows of this moment.

Nothing is cached, so a suspension in any process holds from the next request on.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select
from sqlmodel import Session

from governance.domain.principal import Assurance, Principal, PrincipalKind
from governance.identity import request_signature, services, sessions
from governance.identity.request_signature import Presented, ReceivedRequest, SignedRequest
from governance.identity.tables import Agent, Person, Service
from governance.kernel import clock
from governance.kernel.errors import Denied, Unauthenticated

_AGENTS = Agent.__table__  # type: ignore[attr-defined]
_SERVICES = Service.__table__  # type: ignore[attr-defined]
_PEOPLE = Person.__table__  # type: ignore[attr-defined]
_AGENT = (
    select(*_AGENTS.c, _PEOPLE.c.state.label("accountable_state"))
    .join(_PEOPLE, _PEOPLE.c.id == _AGENTS.c.accountable)
    .where(_AGENTS.c.keyid == bindparam("keyid"))
)
_SERVICE = (
    select(*_SERVICES.c, _PEOPLE.c.state.label("accountable_state"))
    .join(_PEOPLE, _PEOPLE.c.id == _SERVICES.c.accountable)
    .where(_SERVICES.c.id == bindparam("id"))
)
_STATES = {
    "suspended": "This account is suspended; ask an administrator.",
    "revoked": "This account was revoked.",
}


@dataclass(frozen=True)
class Authenticated:
    """The caller and the proof.

    signed: the verified signature of an agent, whose nonce the caller must spend
    (`replay.spend_nonce`); scopes: all that a service's key may be used for, None for the others;
    touch: the person's session should be marked as in use (`sessions.touch`).
    """

    principal: Principal
    signed: SignedRequest | None = None
    scopes: frozenset[str] | None = None
    touch: bool = False


def authenticate(
    session: Session, request: ReceivedRequest, *, session_idle: float
) -> Authenticated:
    """Identify the caller by request signature, API key or session cookie.

    session_idle: seconds without a request after which a person's session is over.
    Raises Unauthenticated (`credentials_missing`, `credentials_ambiguous`, `api_key_invalid`,
    `session_expired`, `signature_…`); once the proof holds, Denied (`principal_suspended`,
    `principal_revoked`, `accountable_suspended`, `credential_expired`), with `principal`, `kind`
    and `organisation` in its details.
    """
    presented = request_signature.find(request.headers)
    authorization = _values(request.headers, "authorization")
    tokens = _session_tokens(request.headers)
    if (presented is not None) + len(authorization) + len(tokens) > 1:
        raise Unauthenticated(
            "credentials_ambiguous",
            "Send one credential: a request signature, an API key or a session cookie.",
        )
    if presented is not None:
        return _agent(session, request, presented)
    if authorization:
        return _service(session, authorization[0])
    if tokens:
        return _person(session, tokens[0], session_idle)
    raise Unauthenticated(
        "credentials_missing", "Sign the request, send an API key as bearer token, or sign in."
    )


def _agent(session: Session, request: ReceivedRequest, presented: Presented) -> Authenticated:
    row: Any = None

    def public_key(keyid: str) -> bytes | None:
        nonlocal row
        row = session.connection().execute(_AGENT, {"keyid": keyid}).first()
        return row.public_key if row else None

    signed = request_signature.verify(request, presented, public_key)
    return Authenticated(_admit("agent", "A", row), signed=signed)


def _service(session: Session, authorization: str) -> Authenticated:
    scheme, _, key = authorization.partition(" ")
    match = services.KEY.fullmatch(key)
    if match is None or scheme.lower() != "bearer":
        raise _wrong_key()
    row = session.connection().execute(_SERVICE, {"id": f"svc_{match[1]}"}).first()
    if row is None or not hmac.compare_digest(row.key_sha256, services.key_digest(match[2])):
        raise _wrong_key()
    return Authenticated(_admit("service", "C", row), scopes=frozenset(row.scopes.split()))


def _person(session: Session, token: str, idle: float) -> Authenticated:
    live = sessions.find(session, token, idle=idle)
    principal = Principal(
        kind="person",
        id=live.person,
        organisation=live.organisation,
        accountable=live.person,
        assurance="C",
        chain=(live.person,),
        name=live.name,
    )
    if live.state != "active":
        raise _denied(principal, f"principal_{live.state}", _STATES[live.state])
    return Authenticated(principal, touch=live.touch_due)


def _admit(kind: PrincipalKind, assurance: Assurance, row: Any) -> Principal:
    principal = Principal(
        kind=kind,
        id=row.id,
        organisation=row.organisation,
        accountable=row.accountable,
        assurance=assurance,
        chain=(row.accountable, row.id),
        name=row.name,
    )
    if row.state != "active":
        raise _denied(principal, f"principal_{row.state}", _STATES[row.state])
    if row.accountable_state != "active":
        raise _denied(
            principal, "accountable_suspended", "The person who answers for it is suspended."
        )
    if row.expires_at is not None and row.expires_at <= clock.now():
        raise _denied(principal, "credential_expired", "The key has expired; use another.")
    return principal


def _wrong_key() -> Unauthenticated:
    return Unauthenticated("api_key_invalid", "No service has this API key.")


def _denied(principal: Principal, code: str, message: str) -> Denied:
    return Denied(
        code,
        message,
        principal=principal.id,
        kind=principal.kind,
        organisation=principal.organisation,
    )


def _values(headers: Sequence[tuple[str, str]], name: str) -> list[str]:
    return [value.strip() for key, value in headers if key.lower() == name]


def _session_tokens(headers: Sequence[tuple[str, str]]) -> list[str]:
    pairs = ";".join(_values(headers, "cookie")).split(";")
    named = (pair.strip().partition("=") for pair in pairs)
    return [value for name, _, value in named if name == sessions.COOKIE]
