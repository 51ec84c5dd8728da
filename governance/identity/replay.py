"""Each request signature takes effect once."""

from datetime import UTC, datetime

from sqlalchemy import Connection, insert
from sqlalchemy.exc import IntegrityError

from governance.identity.request_signature import MAX_SKEW, SignedRequest, refuse_expired, refused
from governance.identity.tables import UsedNonce

_SPEND = insert(UsedNonce.__table__)  # type: ignore[attr-defined]


def spend_nonce(connection: Connection, signed: SignedRequest) -> None:
    """Mark a verified signature as used, in the transaction of the request's own effect.

    Only after verification, so that strangers cannot fill the table. An honest retry signs again
    with a new nonce. Raises Unauthenticated (`signature_replayed`, `signature_expired`).
    """
    # Asked again here: a request that waited for this write must not outlive its nonce's row.
    refuse_expired(signed.expires)
    row = {
        "keyid": signed.keyid,
        "nonce": signed.nonce,
        "expires_at": datetime.fromtimestamp(signed.expires + MAX_SKEW + 1, UTC),
    }
    try:
        connection.execute(_SPEND, row)
    except IntegrityError:
        raise refused(
            "signature_replayed", "This signature was used before; sign the request again."
        ) from None
