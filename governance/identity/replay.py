"""Each proof that is made for one request takes effect once."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, insert
from sqlalchemy.exc import IntegrityError

from governance.identity.request_signature import MAX_SKEW, SignedRequest, refuse_expired, refused
from governance.identity.tables import UsedNonce
from governance.kernel import clock
from governance.kernel.errors import Unauthenticated

_SPEND = insert(UsedNonce.__table__)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Once:
    """A verified proof. keyid: thumbprint of its key; until: when it can be presented no more."""

    keyid: str
    nonce: str
    until: datetime


def spend_nonce(connection: Connection, signed: SignedRequest) -> None:
    """Mark a verified signature as used, in the transaction of the request's own effect.

    Only after verification, so that strangers cannot fill the table. An honest retry signs again
    with a new nonce. Raises Unauthenticated (`signature_replayed`, `signature_expired`).
    """
    # Asked again here: a request that waited for this write must not outlive its nonce's row.
    refuse_expired(signed.expires)
    until = datetime.fromtimestamp(signed.expires + MAX_SKEW + 1, UTC)
    replayed = refused(
        "signature_replayed", "This signature was used before; sign the request again."
    )
    _spend(connection, Once(signed.keyid, signed.nonce, until), replayed)


def spend_proof(connection: Connection, once: Once) -> None:
    """Mark a verified DPoP proof as used. Raises Unauthenticated (`dpop_replayed`, …)."""
    if once.until <= clock.now():
        raise refused("dpop_expired", "The DPoP proof has expired; make another.")
    replayed = refused("dpop_replayed", "This DPoP proof was used before; make another.")
    _spend(connection, once, replayed)


def _spend(connection: Connection, once: Once, replayed: Unauthenticated) -> None:
    row = {"keyid": once.keyid, "nonce": once.nonce, "expires_at": once.until}
    try:
        connection.execute(_SPEND, row)
    except IntegrityError:
        raise replayed from None
