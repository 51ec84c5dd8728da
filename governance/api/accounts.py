"""`/v1/governance/accounts`: the organisation's own accounts with vendors. Nothing set is shown."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.concurrency import run_in_threadpool
from pydantic import ConfigDict, Field

from governance.api.calls import Spent
from governance.api.limits import LimitedRoute
from governance.api.permissions import requires
from governance.api.requests import Body
from governance.routing import accounts

router = APIRouter(prefix="/v1/governance/accounts", tags=["Vendors"], route_class=LimitedRoute)
Name = Annotated[str, Path(pattern="^[a-z][a-z0-9-]{0,63}$")]
Value = Annotated[str | None, Field(min_length=1, max_length=accounts.MAX_VALUE)]


class AccountBody(Body):
    """key: the API key or token; secret: the other half where the vendor has pairs; base_url: where
    the vendor isn't at its usual address; project, location: of its cloud."""

    model_config = ConfigDict(json_schema_extra={"example": {"key": "(the vendor's API key)"}})

    key: Value = None
    secret: Value = None
    base_url: Value = None
    project: Value = None
    location: Value = None


@router.get("")
@requires("account", "read")
async def list_accounts(call: Spent) -> dict[str, Any]:
    """Every provider, and whether it is configured for the organisation: by itself or by the
    operator."""
    context, organisation = call.context, call.principal.organisation
    with context.database.read() as session:
        own = accounts.own(session, organisation)
    data = []
    for name in context.providers.names:
        provider = context.providers.get(organisation, name)
        is_configured = provider is not None and provider.configured()
        data.append(
            {"provider": name, "object": "account", "own": name in own, "configured": is_configured}
        )
    return {"object": "list", "data": data}


@router.put("/{provider}")
@requires("account", "manage")
async def set_account(provider: Name, body: AccountBody, call: Spent) -> dict[str, Any]:
    """Set the organisation's account with a vendor; what was set before is gone."""
    call.require_fresh()
    context, principal = call.context, call.principal
    accounts.require_provider(provider, context.providers.names)
    trusted = context.providers.accounts.trusted
    if body.base_url is not None:
        await run_in_threadpool(accounts.require_public, body.base_url, trusted)
    await context.database.write_async(
        lambda c: accounts.set_account(
            c,
            context.ledger,
            context.sealer,
            organisation=principal.organisation,
            provider=provider,
            fields=body.model_dump(exclude_none=True),
            by=principal.id,
            trusted=trusted,
        )
    )
    return {"provider": provider, "object": "account", "own": True}


@router.delete("/{provider}")
@requires("account", "manage")
async def remove_account(provider: Name, call: Spent) -> dict[str, Any]:
    """Forget it; from now on the operator's account is used, if there is one."""
    call.require_fresh()
    context, principal = call.context, call.principal
    await context.database.write_async(
        lambda c: accounts.remove_account(
            c,
            context.ledger,
            organisation=principal.organisation,
            provider=provider,
            by=principal.id,
        )
    )
    return {"provider": provider, "object": "account", "own": False}
