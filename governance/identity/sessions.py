"""Sessions of people: an opaque random token in a cookie, its hash here."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update
from sqlmodel import Session, col

from governance.identity.tables import Person, PersonSession
from governance.kernel import clock, ids
from governance.kernel.errors import Unauthenticated

# `__Host-`: the browser takes it over TLS only, from this host only, for all paths.
COOKIE = "__Host-session"
TOUCH_AFTER = 60.0  # seconds; more often would be a write for every page


@dataclass(frozen=True)
class LiveSession:
    """A session that is neither expired nor ended, and whose it is."""

    person: str
    organisation: str
    name: str
    state: str
    seen_at: datetime

    @property
    def touch_due(self) -> bool:
        return clock.now() - self.seen_at > timedelta(seconds=TOUCH_AFTER)


def start(
    connection: Connection, person: str, *, absolute: float, replaces: str | None = None
) -> str:
    """A new session; returns its token (256 random bits).

    absolute: seconds until it ends in any case; replaces: the token that the browser had before,
    which ends now, so that a token planted before signing in is worth nothing after.
    """
    if replaces:
        end(connection, replaces)
    token = ids.secret_text(32)
    now = clock.now()
    connection.execute(
        insert(PersonSession).values(
            token_sha256=_digest(token),
            person=person,
            seen_at=now,
            expires_at=now + timedelta(seconds=absolute),
        )
    )
    return token


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
        )
        .join(Person, col(Person.id) == col(PersonSession.person))
        .where(
            col(PersonSession.token_sha256) == _digest(token),
            col(PersonSession.expires_at) > now,
            col(PersonSession.seen_at) > now - timedelta(seconds=idle),
        )
    ).first()
    if row is None:
        raise Unauthenticated("session_expired", "Sign in again.")
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


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
