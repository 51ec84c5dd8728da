"""Signing in with a password, and with a one-time code where the person has set that up.

Guessing passwords or codes is slowed down until it is pointless. Checking a password takes 30 ms
of a core, so it runs in the caller's thread between two short writes, never inside one. The first
write counts the attempt as failed before anything is looked at; only success takes that back. So
guesses in parallel gain nothing.
"""

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from governance.identity import passwords, people, sessions, totp
from governance.identity.sessions import Method
from governance.identity.tables import LoginAttempt, Person
from governance.kernel import clock
from governance.kernel.database import Database
from governance.kernel.errors import Denied, InvalidRequest, Throttled, Unauthenticated
from governance.ledger.ledger import Ledger

FREE_ATTEMPTS = 5
MAX_BACK_OFF = 900.0  # seconds
FORGET_AFTER = timedelta(hours=1)  # a pause this long starts the count again


@dataclass(frozen=True)
class Login:
    """token: the value of the session cookie."""

    person: str
    token: str


def login(
    database: Database,
    ledger: Ledger,
    username: str,
    password: str,
    *,
    absolute: float,
    code: str = "",
    replaces: str | None = None,
) -> Login:
    """Check a password and start a session; absolute, replaces: see `sessions.start`.

    code: of the person's authenticator app. Blocks for 30 ms and more; not for an event loop's
    thread. Raises Unauthenticated (`login_failed`, `code_required`, `code_wrong`), Throttled
    (`login_throttled`, `login_busy`), Denied (`password_change_required`, `principal_suspended`).
    """
    person = _check(database, username, password)
    if person.must_change_password:
        raise Denied("password_change_required", "Choose a password of your own first.")

    def begin(connection: Connection) -> Login:
        method = _second_factor(connection, ledger, person, code)
        token = sessions.start(
            connection, person.id, absolute=absolute, method=method, replaces=replaces
        )
        return Login(person.id, token)

    return database.write(begin)


def confirm(
    database: Database, ledger: Ledger, token: str, person: str, *, password: str, code: str
) -> str:
    """Somebody who is signed in proves again who they are; their session's new token.

    With a one-time code where they have set that up, otherwise with the password.
    Raises as `login` does, and Unauthenticated (`session_expired`).
    """
    with database.read() as session:
        known = session.get_one(Person, person)
        has_code = totp.is_enrolled(session, person)
    if not has_code:
        _check(database, known.username, password)
    else:
        database.write(lambda c: _count(c, known.username))

    def renew(connection: Connection) -> str:
        method = _second_factor(connection, ledger, known, code)
        return sessions.renew(connection, token, method)

    return database.write(renew)


def change_password(
    database: Database,
    ledger: Ledger,
    username: str,
    *,
    old: str,
    new: str,
    absolute: float,
    code: str = "",
) -> Login:
    """Replace one's own password; every session ends, and a new one starts.

    Raises as `login` does, but for `password_change_required`, which this resolves, and
    InvalidRequest (`password_weak`, `password_unchanged`).
    """
    passwords.check_strength(new)
    if new == old:
        raise InvalidRequest("password_unchanged", "Choose another password than before.")
    person = _check(database, username, old)
    password_hash = passwords.hash_password(new)

    def store(connection: Connection) -> Login:
        method = _second_factor(connection, ledger, person, code)
        people.store_password(
            connection, ledger, person.id, password_hash, action="password_changed", by=person.id
        )
        token = sessions.start(connection, person.id, absolute=absolute, method=method)
        return Login(person.id, token)

    return database.write(store)


def _second_factor(connection: Connection, ledger: Ledger, person: Person, code: str) -> Method:
    """Check the code where one is due; everything is right now, so the count starts again."""
    method: Method = "totp" if totp.spend(connection, ledger, person.id, code) else "password"
    _forget(connection, person.username)
    return method


def _check(database: Database, username: str, password: str) -> Person:
    username = people.normal_username(username)
    database.write(lambda connection: _count(connection, username))
    person = _find(database, username)
    stored = person.password_hash if person else None
    if not passwords.password_matches(stored, password) or person is None:
        raise Unauthenticated("login_failed", "User name or password is wrong.")
    if person.state != "active":
        raise Denied("principal_suspended", "This account is suspended; ask an administrator.")
    return person


def _find(database: Database, username: str) -> Person | None:
    if not people.is_username(username):
        return None
    with database.read() as session:
        return session.scalars(select(Person).where(col(Person.username) == username)).first()


def _count(connection: Connection, username: str) -> None:
    now = clock.now()
    key = _key(username)
    row = connection.execute(
        select(
            col(LoginAttempt.attempts), col(LoginAttempt.seen_at), col(LoginAttempt.retry_at)
        ).where(col(LoginAttempt.username_sha256) == key)
    ).first()
    if row is not None and row.retry_at > now:
        raise _throttled(row.retry_at, now)
    attempts = 1 if row is None or row.seen_at < now - FORGET_AFTER else row.attempts + 1
    values = {
        "attempts": attempts,
        "seen_at": now,
        "retry_at": now + timedelta(seconds=_back_off(attempts)),
    }
    if row is not None:
        connection.execute(
            update(LoginAttempt).where(col(LoginAttempt.username_sha256) == key).values(values)
        )
        return
    try:
        connection.execute(insert(LoginAttempt).values(username_sha256=key, **values))
    except IntegrityError:  # another process counts the same name at this moment
        raise _throttled(now + timedelta(seconds=1), now) from None


def _back_off(attempts: int) -> float:
    if attempts < FREE_ATTEMPTS:
        return 0.0
    return min(2.0 ** min(attempts - FREE_ATTEMPTS + 1, 30), MAX_BACK_OFF)


def _throttled(retry_at: datetime, now: datetime) -> Throttled:
    seconds = math.ceil((retry_at - now).total_seconds())
    return Throttled(
        "login_throttled",
        f"Too many attempts to sign in; wait {seconds} seconds.",
        retry_after=seconds,
    )


def _forget(connection: Connection, username: str) -> None:
    key = _key(people.normal_username(username))
    connection.execute(delete(LoginAttempt).where(col(LoginAttempt.username_sha256) == key))


def _key(username: str) -> str:
    return hashlib.sha256(username.encode("utf-8", "surrogatepass")).hexdigest()
