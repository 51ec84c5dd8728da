"""Who is asking: one credential per request, checked against the rows of this moment.

Nothing is cached, so a suspension in any process holds from the next request on.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlmodel import Session

from governance.domain.principal import Assurance, Principal, PrincipalKind
from governance.evidence.mandate import Hop
from governance.identity import (
    delegation,
    documents,
    lineage,
    request_signature,
    services,
    sessions,
)
from governance.identity.delegation import Delegations
from governance.identity.denials import denied
from governance.identity.replay import Once
from governance.identity.request_signature import Presented, ReceivedRequest, SignedRequest
from governance.identity.tables import (
    Agent,
    AgentDocument,
    AgentKey,
    ExternalIdentity,
    Person,
    Service,
)
from governance.identity.tokens import VerifiedToken
from governance.kernel import clock
from governance.kernel.errors import Unauthenticated

_AGENTS = Agent.__table__  # type: ignore[attr-defined]
_DOCUMENTS = AgentDocument.__table__  # type: ignore[attr-defined]
_IDENTITIES = ExternalIdentity.__table__  # type: ignore[attr-defined]
_KEYS = AgentKey.__table__  # type: ignore[attr-defined]
_SERVICES = Service.__table__  # type: ignore[attr-defined]
_PEOPLE = Person.__table__  # type: ignore[attr-defined]
_AGENT = (
    select(
        *_AGENTS.c,
        _KEYS.c.public_key,
        _KEYS.c.not_before,
        _KEYS.c.not_after,
        _KEYS.c.revoked_at,
        _DOCUMENTS.c.expires_at,
        _PEOPLE.c.state.label("accountable_state"),
    )
    .join(_KEYS, _KEYS.c.agent == _AGENTS.c.id)
    .join(_PEOPLE, _PEOPLE.c.id == _AGENTS.c.accountable)
    .outerjoin(_DOCUMENTS, _DOCUMENTS.c.digest == _AGENTS.c.document)
    .where(_KEYS.c.keyid == bindparam("keyid"))
)
_EXTERNAL = (
    select(*_AGENTS.c, _DOCUMENTS.c.expires_at, _PEOPLE.c.state.label("accountable_state"))
    .join(_IDENTITIES, _IDENTITIES.c.agent == _AGENTS.c.id)
    .join(_PEOPLE, _PEOPLE.c.id == _AGENTS.c.accountable)
    .outerjoin(_DOCUMENTS, _DOCUMENTS.c.digest == _AGENTS.c.document)
    .where(
        _IDENTITIES.c.organisation == bindparam("organisation"),
        _IDENTITIES.c.issuer == bindparam("issuer"),
        _IDENTITIES.c.subject == bindparam("subject"),
    )
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
    touch: the person's session should be marked as in use (`sessions.touch`);
    unseen: hops of its mandate that are to be noted (`mandates.keep`);
    authenticated_at: when a person last proved who they are; once: the proof that came with an
    access token, to be spent before anything else happens (`replay.spend_proof`).
    """

    principal: Principal
    signed: SignedRequest | None = None
    scopes: frozenset[str] | None = None
    touch: bool = False
    unseen: tuple[Hop, ...] = ()
    authenticated_at: datetime | None = None
    once: Once | None = None


def authenticate(
    session: Session,
    request: ReceivedRequest,
    *,
    session_idle: float,
    delegations: Delegations,
    token: VerifiedToken | None = None,
) -> Authenticated:
    """Identify the caller by request signature, access token, API key or session cookie.

    session_idle: seconds without a request after which a person's session is over; delegations:
    judges the mandates that come with a signed request, and raises as `Delegations.find` does;
    token: the request's access token, verified (`tokens.read`).
    Raises Unauthenticated (`credentials_missing`, `credentials_ambiguous`, `api_key_invalid`,
    `session_expired`, `delegation_unsigned`, `token_subject_unknown`, `signature_…`); once the
    proof holds, Denied (`principal_suspended`, `principal_revoked`, `accountable_suspended`,
    `credential_expired`, `key_revoked`, `document_missing`, `document_expired`,
    `ancestor_stopped`), with `principal`, `kind` and `organisation` in its details.
    """
    presented = request_signature.find(request.headers)
    authorization = _values(request.headers, "authorization")
    tokens = _session_tokens(request.headers)
    if (presented is not None) + len(authorization) + len(tokens) > 1:
        raise Unauthenticated(
            "credentials_ambiguous",
            "Send one credential: a request signature, an access token, an API key or a session "
            "cookie.",
        )
    chains = _values(request.headers, delegation.HEADER)
    if presented is not None:
        return _agent(session, request, presented, chains, delegations)
    if chains:
        raise Unauthenticated(
            "delegation_unsigned", "A delegation counts in a request that its agent has signed."
        )
    if token is not None:
        return _external(session, token)
    if authorization:
        return _service(session, authorization[0])
    if tokens:
        return _person(session, tokens[0], session_idle)
    raise Unauthenticated(
        "credentials_missing", "Sign the request, send an API key as bearer token, or sign in."
    )


def _agent(
    session: Session,
    request: ReceivedRequest,
    presented: Presented,
    chains: list[str],
    delegations: Delegations,
) -> Authenticated:
    row: Any = None

    def public_key(keyid: str) -> bytes | None:
        nonlocal row
        row = session.connection().execute(_AGENT, {"keyid": keyid}).first()
        if row is None and chains:  # an instance's key stands in its mandate alone
            return delegation.presented_key(chains[0], keyid)
        return row.public_key if row else None

    signed = request_signature.verify(request, presented, public_key)
    if chains:
        found = delegations.find(session.connection(), chains[0], signed.keyid, request.authority)
        return Authenticated(found.principal, signed=signed, unseen=found.unseen)
    principal = _admit_agent(session, "A", row)
    _require_key_in_force(principal, row)
    return Authenticated(principal, signed=signed)


def _external(session: Session, token: VerifiedToken) -> Authenticated:
    named = {
        "organisation": token.organisation,
        "issuer": token.issuer,
        "subject": token.subject,
    }
    row = session.connection().execute(_EXTERNAL, named).first()
    if row is None:
        raise Unauthenticated(
            "token_subject_unknown",
            "No agent's identity document is bound to this token's issuer and subject.",
        )
    assurance: Assurance = "C" if token.once is None else "B"
    return Authenticated(_admit_agent(session, assurance, row), once=token.once)


def _service(session: Session, authorization: str) -> Authenticated:
    scheme, _, key = authorization.partition(" ")
    match = services.KEY.fullmatch(key)
    if match is None or scheme.lower() != "bearer":
        raise _wrong_key()
    row = session.connection().execute(_SERVICE, {"id": f"svc_{match[1]}"}).first()
    if row is None or not hmac.compare_digest(row.key_sha256, services.key_digest(match[2])):
        raise _wrong_key()
    principal = _admit("service", "C", row)
    if row.expires_at <= clock.now():
        raise denied(principal, "credential_expired", "The key has expired; use another.")
    return Authenticated(principal, scopes=frozenset(row.scopes.split()))


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
        raise denied(principal, f"principal_{live.state}", _STATES[live.state])
    return Authenticated(principal, touch=live.touch_due, authenticated_at=live.authenticated_at)


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
        raise denied(principal, f"principal_{row.state}", _STATES[row.state])
    if row.accountable_state != "active":
        raise denied(
            principal, "accountable_suspended", "The person who answers for it is suspended."
        )
    return principal


def _admit_agent(session: Session, assurance: Assurance, row: Any) -> Principal:
    """The agent, if its identity document and all it comes from are in force."""
    principal = _admit("agent", assurance, row)
    if row.document is None:
        raise denied(
            principal,
            "document_missing",
            "This agent has no identity document; register it again with one, and a new key.",
        )
    if row.expires_at <= clock.now():
        raise denied(
            principal, "document_expired", "The agent's identity document has expired; renew it."
        )
    connection = session.connection()
    stopped = lineage.first_stopped(connection, [row.parent]) if row.parent else None
    if stopped is not None:
        raise denied(principal, "ancestor_stopped", lineage.STOPPED.format(stopped))
    ceiling = documents.ceiling(connection, row.document)
    if ceiling.until <= clock.now():
        raise denied(
            principal,
            "document_expired",
            "What the agent's identity document grants has ended; renew the document.",
        )
    return replace(principal, document=row.document, grant=ceiling)


def _require_key_in_force(principal: Principal, row: Any) -> None:
    if row.revoked_at is not None:
        raise denied(principal, "key_revoked", "This key was revoked; use another.")
    if not row.not_before <= clock.now() < row.not_after:
        raise denied(principal, "credential_expired", "The key is not in force now; use another.")


def _wrong_key() -> Unauthenticated:
    return Unauthenticated("api_key_invalid", "No service has this API key.")


def _values(headers: Sequence[tuple[str, str]], name: str) -> list[str]:
    return [value.strip() for key, value in headers if key.lower() == name]


def _session_tokens(headers: Sequence[tuple[str, str]]) -> list[str]:
    pairs = ";".join(_values(headers, "cookie")).split(";")
    named = (pair.strip().partition("=") for pair in pairs)
    return [value for name, _, value in named if name == sessions.COOKIE]
