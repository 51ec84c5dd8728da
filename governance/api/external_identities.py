"""`/v1/governance/people/…/external-identities`: where people sign in elsewhere, and as whom."""

from typing import Any

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from sqlalchemy import Connection

from governance.api.calls import Call, Spent
from governance.api.limits import LimitedRoute
from governance.api.permissions import requires
from governance.api.requests import Body
from governance.identity import external, people, sessions

router = APIRouter(
    prefix="/v1/governance/people/{person}/external-identities",
    tags=["Administration"],
    route_class=LimitedRoute,
)


class IdentityBody(Body):
    """issuer, subject: exactly `iss` and `sub` of the provider's ID tokens."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"issuer": "https://login.example/tenant", "subject": "248289761001"}
        }
    )

    issuer: str = Field(min_length=1, max_length=external.MAX_TEXT)
    subject: str = Field(min_length=1, max_length=external.MAX_TEXT)


@router.post("/link", status_code=201)
@requires("person", "manage")
async def link_person(person: str, body: IdentityBody, call: Spent) -> dict[str, Any]:
    """Let a person sign in at the identity provider, where they are this subject."""
    _require_own(call, person)
    context, by = call.context, call.principal.id
    await context.database.write_async(
        lambda c: external.link_person(
            c, context.ledger, person, issuer=body.issuer, subject=body.subject, by=by
        )
    )
    return {"id": person, "object": "person"}


@router.post("/unlink")
@requires("person", "manage")
async def unlink_person(person: str, body: IdentityBody, call: Spent) -> dict[str, Any]:
    """Take that back. Every session of the person ends."""
    _require_own(call, person)
    context, by = call.context, call.principal.id

    def run(connection: Connection) -> None:
        external.unlink_person(
            connection, context.ledger, person, issuer=body.issuer, subject=body.subject, by=by
        )
        sessions.end_all(connection, person)

    await context.database.write_async(run)
    return {"id": person, "object": "person"}


def _require_own(call: Call, person: str) -> None:
    with call.context.database.read() as session:
        people.require_person_of(session, person, call.principal.organisation)
