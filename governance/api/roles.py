"""`/v1/governance/roles`: which roles there are, who holds them, and what the caller may do."""

from typing import Any

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from governance.api.calls import Call, Spent
from governance.api.limits import LimitedRoute
from governance.api.permissions import own_account, requires
from governance.api.requests import Body
from governance.kernel.errors import InvalidRequest
from governance.lifecycle import access, accounts
from governance.policy import assignments, domain_of, roles
from governance.policy.authorization import within

router = APIRouter(prefix="/v1/governance", tags=["Administration"], route_class=LimitedRoute)
CODE = "^[a-z][a-z0-9_]{0,63}$"


class RoleBody(Body):
    """domain: `org/<organisation>` or `org/<organisation>/project/<project>`."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "subject": "usr_0198b7c2d3e44f5a8b9c0d1e2f3a4b5c",
                "role": "role:producer",
                "domain": "org/default",
            }
        }
    )

    subject: str
    role: str
    domain: str


class PermissionBody(Body):
    """condition: `always`, or that of the built-in roles that may do it, such as `is_person`."""

    object: str = Field(pattern=CODE)
    action: str = Field(pattern=CODE)
    condition: str = Field("always", pattern=CODE)


class DefinitionBody(Body):
    """permissions: a selection from what the built-in roles may do."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "description": "Watches the queue at night",
                "permissions": [
                    {"object": "review", "action": "read"},
                    {"object": "review", "action": "claim", "condition": "is_person"},
                ],
            }
        }
    )

    description: str = Field("", max_length=roles.MAX_DESCRIPTION, pattern=r"^[^\x00-\x1f\x7f]*$")
    permissions: list[PermissionBody] = Field(min_length=1, max_length=roles.MAX_PERMISSIONS)


@router.get("/roles")
@requires("role", "read")
async def list_roles(call: Spent) -> dict[str, Any]:
    """The built-in roles and the organisation's own, with what each one allows."""
    with call.context.database.read() as session:
        found = roles.list_roles(
            session.connection(), call.context.policies.policy, call.principal.organisation
        )
    return {"object": "list", "data": [_role(role) for role in found]}


@router.put("/roles/{name}")
@requires("role", "manage")
async def define_role(name: str, body: DefinitionBody, call: Spent) -> dict[str, Any]:
    """Make a role of the organisation's own, or replace it: `role:<organisation>.<name>`.

    It may do no more than the built-in roles together, under the same conditions.
    """
    context = call.context
    role = await context.database.write_async(
        lambda c: roles.define(
            c,
            context.ledger,
            context.policies.policy,
            organisation=call.principal.organisation,
            name=name,
            description=body.description,
            permissions=[roles.Allowed(**item.model_dump()) for item in body.permissions],
            by=call.principal.id,
        )
    )
    return {"id": role, "object": "role", **body.model_dump()}


@router.delete("/roles/{name}")
@requires("role", "manage")
async def remove_role(name: str, call: Spent) -> dict[str, Any]:
    """Remove a role of the organisation's own that nobody holds."""
    context, organisation = call.context, call.principal.organisation
    await context.database.write_async(
        lambda c: roles.remove(
            c, context.ledger, organisation=organisation, name=name, by=call.principal.id
        )
    )
    return {"id": roles.full_name(organisation, name), "object": "role", "deleted": True}


@router.get("/roles/assignments")
@requires("role", "read")
async def list_assignments(call: Spent, subject: str = "", domain: str = "") -> dict[str, Any]:
    """Who holds which role in the organisation; of one subject, or in a domain and below it."""
    pattern = domain or domain_of(call.principal.organisation)
    _require_own(call, pattern)
    with call.context.database.read() as session:
        stored = assignments.stored(session.connection())
    data = [
        {"object": "role_assignment", **vars(held)}
        for held in stored
        if within(held.domain, pattern) and subject in ("", held.subject)
    ]
    return {"object": "list", "data": data}


@router.post("/roles", status_code=201)
@requires("role", "manage")
async def grant_role(body: RoleBody, call: Spent) -> dict[str, Any]:
    """Give a role; judged by Casbin before it is committed, effective with the next request."""
    await _change(body, call, accounts.grant_role)
    return {"object": "role_assignment", **body.model_dump()}


@router.post("/roles/revoke")
@requires("role", "manage")
async def revoke_role(body: RoleBody, call: Spent) -> dict[str, Any]:
    """Take a role back."""
    await _change(body, call, accounts.revoke_role)
    return {"object": "role_assignment", **body.model_dump()}


@router.get("/whoami")
@own_account
async def whoami(call: Spent) -> dict[str, Any]:
    """Who the caller is, the roles held and what they allow in the organisation and each project.

    Kill switches, a mandate and involvement in a generation can only narrow it.
    """
    principal = call.principal
    held = call.snapshot.assignments.get(principal.id, ())
    return {
        "id": principal.id,
        "object": principal.kind,
        "organisation": principal.organisation,
        "accountable": principal.accountable,
        "assurance": principal.assurance,
        "roles": [{"role": role.role, "domain": role.domain} for role in held],
        "permissions": access.permissions(principal, call.scopes, call.snapshot),
    }


async def _change(body: RoleBody, call: Call, change: Any) -> None:
    _require_own(call, body.domain)
    context = call.context
    await context.database.write_async(
        lambda c: change(
            c,
            context.ledger,
            context.policies.policy,
            subject=body.subject,
            role=body.role,
            domain=body.domain,
            by=call.principal.id,
        )
    )


def _require_own(call: Call, domain: str) -> None:
    own = domain_of(call.principal.organisation)
    if not within(domain, own):
        raise InvalidRequest("domain_invalid", f"The domain must lie within {own}.", param="domain")


def _role(role: roles.Role) -> dict[str, Any]:
    return {
        "id": role.name,
        "object": "role",
        "custom": role.is_custom,
        "description": role.description,
        "permissions": [
            {"object": p.object, "action": p.action, "condition": p.condition, "effect": p.effect}
            for p in role.permissions
        ],
    }
