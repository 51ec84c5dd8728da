"""`/v1/governance/people/…`: what people sign in with, for administrators to see and take back."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection

from governance.api.calls import Call, Spent
from governance.api.limits import LimitedRoute
from governance.api.permissions import requires
from governance.identity import passkeys, people, sessions, totp
from governance.kernel import clock

router = APIRouter(
    prefix="/v1/governance/people/{person}", tags=["Administration"], route_class=LimitedRoute
)


@router.get("/authenticators")
@requires("person", "manage")
async def list_authenticators(person: str, call: Spent) -> dict[str, Any]:
    """A person's passkeys, and whether an authenticator app is set up."""
    with call.context.database.read() as session:
        people.require_person_of(session, person, call.principal.organisation)
        found = passkeys.list_passkeys(session, person)
        has_totp = totp.is_enrolled(session, person)
    data = [
        {
            "id": passkey.credential,
            "object": "passkey",
            "name": passkey.name,
            "algorithm": passkey.algorithm,
            "created_at": clock.rfc3339(passkey.created_at),
            "used_at": passkey.used_at and clock.rfc3339(passkey.used_at),
        }
        for passkey in found
    ]
    return {"object": "list", "data": data, "totp": has_totp}


@router.post("/totp/reset")
@requires("person", "manage")
async def reset_totp(person: str, call: Spent) -> dict[str, Any]:
    """For somebody who has lost their authenticator app: the password alone signs them in again.

    Every session of the person ends.
    """
    _require_own(call, person)
    context, by = call.context, call.principal.id

    def run(connection: Connection) -> None:
        totp.remove(connection, context.ledger, person, by=by)
        sessions.end_all(connection, person)

    await context.database.write_async(run)
    return {"id": person, "object": "person"}


@router.post("/passkeys/{credential}/revoke")
@requires("person", "manage")
async def revoke_passkey(person: str, credential: str, call: Spent) -> dict[str, Any]:
    """For a passkey that is lost or stolen; what it signed before stays as it is.

    Every session of the person ends.
    """
    _require_own(call, person)
    context, by = call.context, call.principal.id

    def run(connection: Connection) -> None:
        passkeys.revoke(connection, context.ledger, person, credential, by=by)
        sessions.end_all(connection, person)

    await context.database.write_async(run)
    return {"id": credential, "object": "passkey"}


def _require_own(call: Call, person: str) -> None:
    """Raises NotFound (`person_not_found`) for somebody of another organisation."""
    with call.context.database.read() as session:
        people.require_person_of(session, person, call.principal.organisation)
