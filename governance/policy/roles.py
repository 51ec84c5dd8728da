"""Custom roles: an organisation's own selection from what the built-in roles may do.

They only ever allow, within the organisation, and never under a weaker condition than a built-in
role; denials bind their holders like everybody else.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from governance.kernel import epoch, ids
from governance.kernel.errors import Conflict, Denied, InvalidRequest, NotFound
from governance.ledger.ledger import Entry, Ledger
from governance.policy import judge
from governance.policy.authorization import (
    CONDITIONS,
    CUSTOM_ROLE,
    EVERYBODY,
    EVERYWHERE,
    Assignment,
    Permission,
    domain_of,
)
from governance.policy.rules import Policy
from governance.policy.tables import CustomPermission, CustomRole, RoleAssignment

MAX_ROLES, MAX_PERMISSIONS, MAX_DESCRIPTION = 100, 64, 200
# Whoever gives roles, or resets an administrator's password, can reach every right; a harmless
# name must not hide that.
RESERVED = {("role", "manage"), ("person", "manage")}

_NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")
_LIKE_A_PRINCIPAL = re.compile(r"(agt|svc|usr)_.*")
_ROLES = CustomRole.__table__  # type: ignore[attr-defined]
_PERMISSIONS = CustomPermission.__table__  # type: ignore[attr-defined]
_ASSIGNMENTS = RoleAssignment.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Allowed:
    """An object and an action, and the named condition under which a role allows it."""

    object: str
    action: str
    condition: str = "always"


@dataclass(frozen=True)
class Role:
    """A role that can be given; `description` is empty for those that are built in."""

    name: str
    description: str
    permissions: tuple[Permission, ...]

    @property
    def is_custom(self) -> bool:
        return CUSTOM_ROLE.fullmatch(self.name) is not None


def full_name(organisation: str, name: str) -> str:
    """`role:acme.night_desk`."""
    return f"role:{organisation}.{name}"


def define(
    connection: Connection,
    ledger: Ledger,
    policy: Policy,
    *,
    organisation: str,
    name: str,
    description: str,
    permissions: Sequence[Allowed],
    by: str,
) -> str:
    """Make a role of an organisation, or replace what it allows; its full name.

    It holds for everybody who has it from the next request on.
    Raises InvalidRequest (`role_name_invalid`, `permissions_invalid`), Conflict
    (`too_many_roles`), Denied (`role_own`), ConfigurationError (`policy_disagreement`); then
    nothing is changed.
    """
    _check_name(policy, name)
    _check_permissions(policy, permissions)
    number = epoch.advance(connection)
    _require_not_own(connection, full_name(organisation, name), by)
    is_new = _forget(connection, organisation, name) == 0
    if is_new and _count(connection, organisation) >= MAX_ROLES:
        raise Conflict("too_many_roles", f"An organisation has at most {MAX_ROLES} roles.")
    own = {"organisation": organisation, "role": name}
    connection.execute(
        insert(_ROLES).values(organisation=organisation, name=name, description=description)
    )
    connection.execute(insert(_PERMISSIONS), [{**own, **vars(allowed)} for allowed in permissions])
    _judge(connection, policy, organisation, name)
    listed = [vars(allowed) for allowed in permissions]
    body = {"action": "role.defined", "permissions": listed, **_told(organisation, name, by)}
    _record(connection, ledger, body, number)
    return full_name(organisation, name)


def remove(
    connection: Connection, ledger: Ledger, *, organisation: str, name: str, by: str
) -> None:
    """Raises NotFound (`role_not_found`), Conflict (`role_in_use`)."""
    number = epoch.advance(connection)
    role = full_name(organisation, name)
    held = connection.execute(
        select(_ASSIGNMENTS.c.subject).where(_ASSIGNMENTS.c.role == role).limit(1)
    ).scalar()
    if held is not None:
        raise Conflict("role_in_use", f"{held} holds {role}; take it back first.")
    if _forget(connection, organisation, name) == 0:
        raise NotFound("role_not_found", f"The organisation has no role {role} of its own.")
    _record(connection, ledger, {"action": "role.removed", **_told(organisation, name, by)}, number)


def effective(connection: Connection, policy: Policy) -> tuple[Permission, ...]:
    """The built-in permissions, and the stored ones of every organisation.

    One that no built-in role has any more, since the policy changed, counts for nothing.
    """
    columns = _PERMISSIONS.c
    rows = connection.execute(select(_PERMISSIONS).order_by(*_PERMISSIONS.primary_key.columns))
    stored = (_permission(row, columns) for row in rows.mappings())
    conditions = _conditions(policy)
    return (*policy.permissions, *(p for p in stored if not _too_much(conditions, p)))


def list_roles(connection: Connection, policy: Policy, organisation: str) -> list[Role]:
    """The built-in roles, then the organisation's own, by name."""
    own = (
        select(_ROLES.c.name, _ROLES.c.description)
        .where(_ROLES.c.organisation == organisation)
        .order_by(_ROLES.c.name)
    )
    described = dict.fromkeys(built_in(policy), "")
    for name, description in connection.execute(own):
        described[full_name(organisation, name)] = description
    permissions = effective(connection, policy)
    return [
        Role(name, description, tuple(p for p in permissions if p.subject == name))
        for name, description in described.items()
    ]


def built_in(policy: Policy) -> list[str]:
    """The names of the built-in roles (`role:…`), sorted."""
    return sorted({permission.subject for permission in policy.permissions} - {EVERYBODY})


def is_custom(connection: Connection, role: str) -> bool:
    """Whether a full name is that of a role which some organisation has defined."""
    match = CUSTOM_ROLE.fullmatch(role)
    if match is None:
        return False
    own = (_ROLES.c.organisation == match[1], _ROLES.c.name == match[2])
    return connection.execute(select(_ROLES.c.name).where(*own)).first() is not None


def _check_name(policy: Policy, name: str) -> None:
    taken = {role.removeprefix("role:") for role in built_in(policy)}
    if not _NAME.fullmatch(name) or _LIKE_A_PRINCIPAL.fullmatch(name) or name in taken:
        raise InvalidRequest(
            "role_name_invalid",
            "A role is named by up to 30 lower-case letters, digits or underscores, neither like "
            "a built-in role nor like a principal.",
            param="name",
        )


def _check_permissions(policy: Policy, permissions: Sequence[Allowed]) -> None:
    pairs = [(allowed.object, allowed.action) for allowed in permissions]
    if not 1 <= len(pairs) <= MAX_PERMISSIONS or len(set(pairs)) < len(pairs):
        raise _invalid(f"A role has 1 to {MAX_PERMISSIONS} permissions, each named once.")
    conditions = _conditions(policy)
    for allowed in permissions:
        if reason := _too_much(conditions, allowed):
            raise _invalid(f"{allowed.object}:{allowed.action} ({allowed.condition}): {reason}.")


def _require_not_own(connection: Connection, role: str, person: str) -> None:
    """To widen a role that one holds is to give oneself what it then allows."""
    held = (_ASSIGNMENTS.c.role == role, _ASSIGNMENTS.c.subject == person)
    if connection.execute(select(_ASSIGNMENTS.c.role).where(*held).limit(1)).first() is not None:
        raise Denied("role_own", "Nobody changes a role that they hold; ask another administrator.")


def _conditions(policy: Policy) -> dict[tuple[str, str], set[str]]:
    """Under which conditions built-in roles may do what, everywhere."""
    found: dict[tuple[str, str], set[str]] = {}
    for permission in policy.permissions:
        if (permission.effect, permission.domain) == ("allow", EVERYWHERE):
            pair = (permission.object, permission.action)
            found.setdefault(pair, set()).add(permission.condition)
    return found


def _too_much(conditions: dict[tuple[str, str], set[str]], asked: Allowed | Permission) -> str:
    """Why no custom role may have this; empty when it may. conditions: see `_conditions`."""
    pair = (asked.object, asked.action)
    if pair in RESERVED:
        return "only a built-in role may have it"
    if asked.condition not in CONDITIONS:
        return f"the condition is one of {', '.join(CONDITIONS)}"
    known = conditions.get(pair)
    if known is None:
        return "no built-in role may do it"
    if known.isdisjoint({"always", asked.condition}):
        needed = sorted(known)
        add = f"write {asked.object}:{asked.action}:{needed[0]}"
        return f"built-in roles may do it only under {', '.join(needed)}; {add}"
    return ""


def _judge(connection: Connection, policy: Policy, organisation: str, name: str) -> None:
    """Ask pycasbin as somebody who holds the role, before anybody does."""
    role = full_name(organisation, name)
    named = {*built_in(policy), EVERYBODY, role}
    permissions = [p for p in effective(connection, policy) if p.subject in named]
    for domain in (domain_of(organisation), domain_of(organisation, "film")):
        holder = Assignment(ids.new_id("usr"), role, domain)
        probes = judge.probes_about(permissions, role, holder.subject, domain)
        judge.require_agreement(policy.model, permissions, [holder], probes)


def _permission(row: Any, columns: Any) -> Permission:
    organisation, name = row[columns.organisation], row[columns.role]
    obj, act = row[columns.object], row[columns.action]
    return Permission(
        id=f"custom.{name}.{obj}.{act}",
        subject=full_name(organisation, name),
        domain=domain_of(organisation),
        object=obj,
        action=act,
        condition=row[columns.condition],
        effect="allow",
    )


def _forget(connection: Connection, organisation: str, name: str) -> int:
    """Delete a role; how many there were."""
    connection.execute(
        delete(_PERMISSIONS).where(
            _PERMISSIONS.c.organisation == organisation, _PERMISSIONS.c.role == name
        )
    )
    own = (_ROLES.c.organisation == organisation, _ROLES.c.name == name)
    return connection.execute(delete(_ROLES).where(*own)).rowcount


def _count(connection: Connection, organisation: str) -> int:
    own = select(func.count()).select_from(_ROLES).where(_ROLES.c.organisation == organisation)
    return connection.execute(own).scalar_one()


def _told(organisation: str, name: str, by: str) -> dict[str, str]:
    return {"organisation": organisation, "role": full_name(organisation, name), "by": by}


def _record(connection: Connection, ledger: Ledger, body: dict[str, Any], number: int) -> None:
    entry = Entry(stream="service", event="policy.changed", body={**body, "epoch": number})
    ledger.append(connection, entry)


def _invalid(message: str) -> InvalidRequest:
    return InvalidRequest("permissions_invalid", message, param="permissions")
