"""Sessions of people: an opaque random token in a cookie, its hash here."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, delete, insert, select, update
from sqlmodel import Session, col

from governance.identity.tables import Person, PersonSession
from governance.kernel import clock, ids
from governance.kernel.errors import Unauthenticated

# `__Host-`: the browser takes it over TLS only, from this host only, for all paths.
COOKIE = "__Host-session"
TOUCH_AFTER = 60.0  # seconds; more often would be a write for every page
# How a person proved who they are: `totp` is a password and a one-time code.
Method = Literal["password", "totp", "passkey", "oidc"]


@dataclass(frozen=True)
class LiveSession:
    """A session that is neither expired nor ended, and whose it is."""

    person: str
    organisation: str
    name: str
    state: str
    seen_at: datetime
    authenticated_at: datetime
    method: Method

    @property
    def touch_due(self) -> bool:
        return clock.now() - self.seen_at > timedelta(seconds=TOUCH_AFTER)


def start(
    connection: Connection,
    person: str,
    *,
    absolute: float,
    method: Method = "password",
    replaces: str | None = None,
) -> str:
    """A new session; returns its token (256 random bits).

    absolute: seconds until it ends in any case; replaces: the token that the browser had before,
    which ends now, so that a token planted before signing in is worth nothing after.
    """
    if replaces:
        end(connection, replaces)
    return _add(connection, person, clock.now() + timedelta(seconds=absolute), method)


def renew(connection: Connection, token: str, method: Method) -> str:
    """The same person has proved again who they are: a new token, and no longer a life than before.

    Raises Unauthenticated (`session_expired`).
    """
    row = connection.execute(
        delete(PersonSession)
        .where(
            col(PersonSession.token_sha256) == _digest(token),
            col(PersonSession.expires_at) > clock.now(),
        )
        .returning(col(PersonSession.person), col(PersonSession.expires_at))
    ).first()
    if row is None:
        raise _expired()
    return _add(connection, row.person, row.expires_at, method)


def find(session: Session, token: str, *, idle: float) -> LiveSession:
    """idle: seconds without a request after which a session is over.

    Raises Unauthenticated (`session_expired`), also for tokens that never were.
    """
    now = clock.now()
    row = session.execute(
        select(
            col(PersonSession.person),
            col(Person.organisation),
            col(Person.name),
            col(Person.state),
            col(PersonSession.seen_at),
            col(PersonSession.authenticated_at),
            col(PersonSession.method),
        )
        .join(Person, col(Person.id) == col(PersonSession.person))
        .where(
            col(PersonSession.token_sha256) == _digest(token),
            col(PersonSession.expires_at) > now,
            col(PersonSession.seen_at) > now - timedelta(seconds=idle),
        )
    ).first()
    if row is None:
        raise _expired()
    return LiveSession(*row)


def touch(connection: Connection, token: str) -> None:
    """Note that the session is in use. Call it when `touch_due` says so."""
    connection.execute(
        update(PersonSession)
        .where(col(PersonSession.token_sha256) == _digest(token))
        .values(seen_at=clock.now())
    )


def end(connection: Connection, token: str) -> None:
    """Sign out."""
    connection.execute(
        delete(PersonSession).where(col(PersonSession.token_sha256) == _digest(token))
    )


def end_all(connection: Connection, person: str) -> None:
    connection.execute(delete(PersonSession).where(col(PersonSession.person) == person))


def end_others(connection: Connection, person: str, token: str) -> None:
    """End every session of a person but this one."""
    connection.execute(
        delete(PersonSession).where(
            col(PersonSession.person) == person, col(PersonSession.token_sha256) != _digest(token)
        )
    )


def _add(connection: Connection, person: str, expires_at: datetime, method: Method) -> str:
    token, now = ids.secret_text(32), clock.now()
    connection.execute(
        insert(PersonSession).values(
            token_sha256=_digest(token),
            person=person,
            seen_at=now,
            expires_at=expires_at,
            authenticated_at=now,
            method=method,
        )
    )
    return token


def _expired() -> Unauthenticated:
    return Unauthenticated("session_expired", "Sign in again.")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
