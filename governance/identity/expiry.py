"""Rows that have outlived their purpose."""

from typing import Any

from sqlalchemy import Connection, delete, select, tuple_
from sqlmodel import col

from governance.identity.login import FORGET_AFTER
from governance.identity.tables import Challenge, LoginAttempt, PersonSession, UsedNonce
from governance.kernel import clock


def purge_expired(connection: Connection, *, limit: int = 1000) -> int:
    """Delete expired nonces, sessions, challenges and sign-in counts, at most `limit` of each.

    Returns how many went. The engine calls it now and then.
    """
    now = clock.now()
    gone = 0
    for key, expired in (
        ((col(UsedNonce.keyid), col(UsedNonce.nonce)), col(UsedNonce.expires_at) < now),
        ((col(Challenge.challenge_sha256),), col(Challenge.expires_at) < now),
        ((col(PersonSession.token_sha256),), col(PersonSession.expires_at) < now),
        ((col(LoginAttempt.username_sha256),), col(LoginAttempt.seen_at) < now - FORGET_AFTER),
    ):
        gone += _purge(connection, key, expired, limit)
    return gone


def _purge(connection: Connection, key: tuple[Any, ...], expired: Any, limit: int) -> int:
    table = key[0].class_
    chosen = select(*key).where(expired).limit(limit)
    return connection.execute(delete(table).where(tuple_(*key).in_(chosen))).rowcount
