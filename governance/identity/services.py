"""Services: programs that present an API key (assurance C)."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert
from sqlmodel import Session, col, select

from governance.identity.changes import Subject, move, record_change, require_accountable
from governance.identity.tables import Service
from governance.kernel import clock, ids
from governance.kernel.errors import InvalidRequest, NotFound
from governance.ledger.ledger import Ledger

KEY = re.compile(r"gk_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")
_SCOPE = re.compile(r"[a-z][a-z0-9_.]{0,63}:[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True)
class NewService:
    """A registered service. `key` is shown to a person once and kept nowhere."""

    id: str
    key: str


def register_service(
    connection: Connection,
    ledger: Ledger,
    *,
    organisation: str,
    name: str,
    accountable: str,
    scopes: Sequence[str],
    expires_at: datetime,
    by: str,
) -> NewService:
    """Register a service and make its API key, `gk_<id>_<43 letters>`.

    scopes: all that the key may be used for, as `object:action`; expires_at: in the future.
    Raises InvalidRequest (`scopes_invalid`, `expiry_invalid`, `accountable_invalid`).
    """
    if not scopes or not all(_SCOPE.fullmatch(scope) for scope in scopes):
        raise InvalidRequest(
            "scopes_invalid", "Give at least one scope, each as object:action.", param="scopes"
        )
    if expires_at <= clock.now():
        raise InvalidRequest(
            "expiry_invalid", "The key must expire in the future.", param="expires_at"
        )
    require_accountable(connection, accountable, organisation)
    service_id, secret = ids.new_id("svc"), ids.secret_text(32)
    service = {
        "id": service_id,
        "organisation": organisation,
        "name": name,
        "accountable": accountable,
        "key_sha256": key_digest(secret),
        "scopes": " ".join(sorted(set(scopes))),
        "state": "active",
        "created_at": clock.now(),
        "expires_at": expires_at,
    }
    connection.execute(insert(Service).values(service))
    record_change(connection, ledger, _subject(service), action="registered", by=by)
    return NewService(service_id, f"gk_{service_id.removeprefix('svc_')}_{secret}")


def revoke_service(connection: Connection, ledger: Ledger, service: str, *, by: str) -> None:
    """Refuse the API key from the next request on, for good. Raises NotFound, Conflict."""
    row = move(connection, Service, service, to="revoked", origin={"active"})
    record_change(connection, ledger, _subject(row), action="revoked", by=by)


def list_services(
    session: Session, organisation: str, *, after: str = "", limit: int = 100
) -> Sequence[Service]:
    """An organisation's services in order of registration, from the id `after` on."""
    return session.exec(
        select(Service)
        .where(Service.organisation == organisation, Service.id > after)
        .order_by(col(Service.id))
        .limit(limit)
    ).all()


def require_service_of(session: Session, service: str, organisation: str) -> None:
    """Raises NotFound (`service_not_found`) for one of another organisation, too."""
    found = session.get(Service, service)
    if found is None or found.organisation != organisation:
        raise NotFound("service_not_found", f"There is no service {service}.")


def key_digest(secret: str) -> str:
    """What is stored. A plain hash is enough: the secret has 256 random bits, no dictionary."""
    return hashlib.sha256(secret.encode("ascii")).hexdigest()


def _subject(row: Any) -> Subject:
    return Subject(
        kind="service",
        id=row["id"],
        organisation=row["organisation"],
        accountable=row["accountable"],
        expires_at=row["expires_at"],
        scopes=tuple(row["scopes"].split()),
    )
