"""`/v1/governance/services`: programs with API keys."""

from typing import Any

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from sqlalchemy import Connection

from governance.api.calls import Spent
from governance.api.limits import LimitedRoute
from governance.api.permissions import requires
from governance.api.requests import Body, Line, Moment
from governance.identity import services
from governance.kernel import clock

router = APIRouter(
    prefix="/v1/governance/services", tags=["Administration"], route_class=LimitedRoute
)


class ServiceBody(Body):
    """scopes: all that the key may be used for, `object:action`."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "render-farm",
                "accountable": "usr_0198b7c2d3e44f5a8b9c0d1e2f3a4b5c",
                "scopes": ["generation:create", "generation:read"],
                "expires_at": "2027-11-22T00:00:00Z",
            }
        }
    )

    name: Line
    accountable: Line
    scopes: list[str] = Field(min_length=1, max_length=32)
    expires_at: Moment


@router.post("", status_code=201)
@requires("service", "manage")
async def register_service(body: ServiceBody, call: Spent) -> dict[str, Any]:
    """Make an API key. It is in this answer and nowhere else."""
    context = call.context

    def run(connection: Connection) -> services.NewService:
        return services.register_service(
            connection,
            context.ledger,
            organisation=call.principal.organisation,
            name=body.name,
            accountable=body.accountable,
            scopes=body.scopes,
            expires_at=body.expires_at,
            by=call.principal.id,
        )

    made = await context.database.write_async(run)
    return {"id": made.id, "object": "service", "api_key": made.key}


@router.get("")
@requires("service", "read")
async def list_services(call: Spent, after: str = "") -> dict[str, Any]:
    """The organisation's services, 100 at a time; `after`: the last id of the page before."""
    with call.context.database.read() as session:
        found = services.list_services(session, call.principal.organisation, after=after)
    data = [
        {
            "id": service.id,
            "object": "service",
            "name": service.name,
            "accountable": service.accountable,
            "scopes": service.scopes.split(),
            "state": service.state,
            "created_at": clock.rfc3339(service.created_at),
            "expires_at": clock.rfc3339(service.expires_at),
        }
        for service in found
    ]
    return {"object": "list", "data": data}


@router.post("/{service}/revoke")
@requires("service", "manage")
async def revoke_service(service: str, call: Spent) -> dict[str, Any]:
    """Refuse a key for good, from its next request on."""
    context = call.context
    with context.database.read() as session:
        services.require_service_of(session, service, call.principal.organisation)
    await context.database.write_async(
        lambda c: services.revoke_service(c, context.ledger, service, by=call.principal.id)
    )
    return {"id": service, "object": "service"}
