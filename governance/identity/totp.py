"""One-time codes as a second factor beside the password (TOTP, RFC 6238).

Six digits of HMAC-SHA-1 over steps of 30 seconds, as every authenticator app has them.
"""

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import quote, urlencode

from nacl.secret import SecretBox
from sqlalchemy import Connection, delete, insert, select, update
from sqlmodel import Session, col

from governance.identity.authenticators import record_change
from governance.identity.tables import Person, Totp
from governance.kernel import clock, ids
from governance.kernel.errors import Conflict, InvalidRequest, NotFound, Unauthenticated
from governance.ledger.ledger import Ledger

STEP = 30  # seconds
DIGITS = 6
SECRET_BYTES = 20  # RFC 4226 section 4: the length of the hash
_TOLERATED = (0, -1, 1)  # steps by which clocks may differ


def begin(connection: Connection, ledger: Ledger, person: str) -> str:
    """Make a secret, base32, for the person's app; it counts once a code has confirmed it.

    Raises Conflict (`totp_enrolled`).
    """
    if _row(connection, person, is_confirmed=True) is not None:
        raise Conflict("totp_enrolled", "Remove the present authenticator app first.")
    secret = ids.random_bytes(SECRET_BYTES)
    sealed = bytes(_box(ledger).encrypt(secret, ids.random_bytes(SecretBox.NONCE_SIZE)))
    connection.execute(delete(Totp).where(col(Totp.person) == person))
    connection.execute(
        insert(Totp).values(person=person, secret=sealed, last_step=0, is_confirmed=False)
    )
    return base64.b32encode(secret).decode("ascii")


def confirm(connection: Connection, ledger: Ledger, person: str, code: str) -> None:
    """Enrol the app that `begin` made a secret for.

    Raises Conflict (`totp_missing`), InvalidRequest (`code_wrong`).
    """
    row = _row(connection, person, is_confirmed=False)
    if row is None:
        raise Conflict("totp_missing", "Begin to set up the authenticator app first.")
    if not _accept(connection, ledger, row, code):
        raise InvalidRequest(
            "code_wrong", "This code is not right; check the clock of your device.", param="code"
        )
    connection.execute(update(Totp).where(col(Totp.person) == person).values(is_confirmed=True))
    record_change(connection, ledger, person, kind="totp", action="enrolled", by=person)


def remove(connection: Connection, ledger: Ledger, person: str, *, by: str) -> None:
    """By the person, or by an administrator when the app is lost. Raises NotFound (`totp_missing`).

    A setup that was never confirmed goes with it.
    """
    row = _row(connection, person, is_confirmed=True)
    connection.execute(delete(Totp).where(col(Totp.person) == person))
    if row is None:
        raise NotFound("totp_missing", "No authenticator app is set up.")
    record_change(connection, ledger, person, kind="totp", action="revoked", by=by)


def spend(connection: Connection, ledger: Ledger, person: str, code: str) -> bool:
    """Check a code where one is due, and never accept it again; False where none is due.

    Raises Unauthenticated (`code_required`, `code_wrong`).
    """
    row = _row(connection, person, is_confirmed=True)
    if row is None:
        return False
    if not code:
        raise Unauthenticated(
            "code_required", "Enter the code that your authenticator app shows as well."
        )
    if not _accept(connection, ledger, row, code):
        raise Unauthenticated("code_wrong", "This code is not right, or was used before.")
    return True


def is_enrolled(session: Session, person: str) -> bool:
    found = session.get(Totp, person)
    return found is not None and found.is_confirmed


def address(connection: Connection, person: str, secret: str, issuer: str) -> str:
    """`otpauth://…`, what the QR code for the app says."""
    username = connection.execute(
        select(col(Person.username)).where(col(Person.id) == person)
    ).scalar_one()
    query = urlencode({"secret": secret, "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{quote(issuer)}:{quote(username)}?{query}"


def code_at(secret: bytes, step: int) -> str:
    """The code of one step: RFC 4226 section 5.3 over the counter of RFC 6238 section 4.2."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def _row(connection: Connection, person: str, *, is_confirmed: bool) -> Any:
    return connection.execute(
        select(col(Totp.person), col(Totp.secret), col(Totp.last_step)).where(
            col(Totp.person) == person, col(Totp.is_confirmed).is_(is_confirmed)
        )
    ).first()


def _accept(connection: Connection, ledger: Ledger, row: Any, code: str) -> bool:
    """Whether it is the code of a step later than the last accepted, which it is from now on."""
    secret = _box(ledger).decrypt(row.secret)
    now = int(clock.now().timestamp()) // STEP
    given = "".join(code.split()).encode("utf-8", "replace")
    matching = [
        step
        for step in (now + drift for drift in _TOLERATED)
        if hmac.compare_digest(code_at(secret, step).encode(), given)
    ]
    if not matching:
        return False
    accepted = connection.execute(
        update(Totp)
        .where(col(Totp.person) == row.person, col(Totp.last_step) < max(matching))
        .values(last_step=max(matching))
    )
    return accepted.rowcount == 1


def _box(ledger: Ledger) -> SecretBox:
    """The vault key wraps keys of personal data; what encrypts these secrets is derived from it."""
    key = hashlib.blake2b(key=ledger.keyring.vault, person=b"governance.totp", digest_size=32)
    return SecretBox(key.digest())
