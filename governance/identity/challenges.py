"""What an authenticator is asked to sign, once and soon; and what it answers.

Only the hash of a challenge is kept, for five minutes at most.
"""

import hashlib
import json
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select
from sqlmodel import col

from governance.evidence.assertion import Assertion
from governance.evidence.encoding import decode64url, encode64url
from governance.evidence.errors import EvidenceError
from governance.identity.tables import Challenge
from governance.kernel import clock, ids
from governance.kernel.errors import InvalidRequest, Throttled, Unauthenticated

LIFE = timedelta(minutes=5)
MAX_OPEN = 10_000  # whoever is not signed in may ask for them
MAX_ANSWER = 16 * 1024  # characters of JSON


def issue(connection: Connection, person: str | None) -> bytes:
    """A new challenge for a person, or for whoever signs in.

    Raises Throttled (`challenges_exhausted`).
    """
    now = clock.now()
    connection.execute(delete(Challenge).where(col(Challenge.expires_at) <= now))
    if connection.scalars(select(func.count()).select_from(Challenge)).one() >= MAX_OPEN:
        raise Throttled(
            "challenges_exhausted", "Too many people sign in; try again soon.", retry_after=60
        )
    challenge = ids.random_bytes(32)
    connection.execute(
        insert(Challenge).values(
            challenge_sha256=_digest(challenge), person=person, expires_at=now + LIFE
        )
    )
    return challenge


def spend(connection: Connection, challenge: bytes, person: str | None) -> None:
    """Raises Unauthenticated (`challenge_expired`) unless it was issued for just them, lately."""
    owner = col(Challenge.person)
    spent = connection.execute(
        delete(Challenge).where(
            col(Challenge.challenge_sha256) == _digest(challenge),
            owner.is_(None) if person is None else owner == person,
            col(Challenge.expires_at) > clock.now(),
        )
    )
    if spent.rowcount != 1:
        raise Unauthenticated("challenge_expired", "That took too long; try again.")


def read_answer(text: str) -> dict[str, Any]:
    """The JSON of `PublicKeyCredential.toJSON()`. Raises InvalidRequest (`passkey_invalid`)."""
    try:
        value = json.loads(text) if len(text) <= MAX_ANSWER else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or not isinstance(value.get("response"), dict):
        raise invalid()
    return value


def read_assertion(text: str) -> Assertion:
    """The same, of `navigator.credentials.get`. Raises InvalidRequest (`passkey_invalid`)."""
    answer = read_answer(text)
    return Assertion(
        credential=encode64url(_bytes(answer, "id")),
        authenticator_data=_bytes(answer["response"], "authenticatorData"),
        client_data_json=_bytes(answer["response"], "clientDataJSON"),
        signature=_bytes(answer["response"], "signature"),
    )


def challenge_of(answer: dict[str, Any]) -> bytes:
    """The challenge that an answer says it is to. Raises InvalidRequest (`passkey_invalid`)."""
    return challenge_in(_bytes(answer["response"], "clientDataJSON"))


def challenge_in(client_data_json: bytes) -> bytes:
    """Raises InvalidRequest (`passkey_invalid`)."""
    try:
        client = json.loads(client_data_json)
    except (ValueError, RecursionError):
        raise invalid() from None
    return _bytes(client if isinstance(client, dict) else {}, "challenge")


def invalid() -> InvalidRequest:
    return InvalidRequest(
        "passkey_invalid",
        "The authenticator's answer cannot be used; try again.",
        param="credential",
    )


def _bytes(value: dict[str, Any], name: str) -> bytes:
    try:
        return decode64url(str(value.get(name)), name)
    except EvidenceError:
        raise invalid() from None


def _digest(challenge: bytes) -> str:
    return hashlib.sha256(challenge).hexdigest()
