"""Authorization: role-based access with domains, deny overrides, default deny.

Casbin's model and rules (`policies/authorization/`) are the language; requests are answered from
an immutable snapshot compiled from them, a few microseconds per question (`judge.py` holds the
two equal).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from governance.domain import Principal

Effect = Literal["allow", "deny"]
Reason = Literal[
    "allowed",
    "denied_by_rule",
    "no_role",
    "no_rule",
    "accountable_person_not_allowed",
    "stopped",
    "mandate_exceeded",
]
Facts = Mapping[str, bool]

EVERYBODY = EVERYWHERE = "*"
BUILT_IN_ROLE = re.compile(r"role:[a-z][a-z0-9_]{0,63}")
# An organisation's own roles carry its name, so that they never meet those that are built in.
CUSTOM_ROLE = re.compile(r"role:([a-z0-9][a-z0-9._-]{0,63})\.([a-z][a-z0-9_]{0,63})")
# Ids of principals never look like roles, so nobody can be named into a role.
SUBJECT = re.compile(r"(agt|svc|usr)_[0-9a-f]{32}")
DOMAIN = re.compile(r"org/([a-z0-9][a-z0-9._-]{0,63})(/project/[a-z0-9][a-z0-9._-]{0,63})?")

# Every question that may be asked: object and its actions.
ACTIONS: Mapping[str, tuple[str, ...]] = {
    "account": ("manage", "read"),
    "agent": ("manage", "read"),
    "approval": ("decide",),
    "asset": ("check", "import", "recall"),
    "budget": ("manage", "read"),
    "chargeback": ("read",),
    "checkpoint": ("read",),
    "consent": ("create", "read", "withdraw", "erase"),
    "disclosure": ("read",),
    "export": ("create",),
    "generation": ("create", "read", "list", "cancel", "download"),
    "mandate": ("create", "manage", "read", "revoke"),
    "model": ("list",),
    "outcome": ("read", "decide"),
    "person": ("manage",),
    "policy": ("read",),
    "preflight": ("create",),
    "production": ("create", "read", "change", "erase"),
    "rate_card": ("manage", "read"),
    "record": ("read",),
    "report": ("create",),
    "review": ("read", "claim", "decide"),
    "role": ("manage", "read"),
    "service": ("manage", "read"),
    "switch": ("manage", "read"),
    "waiver": ("create", "read", "decide"),
    "webhook": ("manage", "read"),
}

# Named conditions: the fact that is asked for, and the answer under which the condition holds.
CONDITIONS: Mapping[str, tuple[str, bool] | None] = {
    "always": None,
    "is_requester": ("is_requester", True),
    "in_chain": ("in_chain", True),
    "is_person": ("is_person", True),
    "not_person": ("is_person", False),
}


@dataclass(frozen=True)
class Permission:
    """One rule of `policy.csv`, in the order of its columns."""

    id: str
    subject: str
    domain: str
    object: str
    action: str
    condition: str
    effect: Effect


@dataclass(frozen=True)
class Assignment:
    """A principal holds a role in a domain and in everything below it."""

    subject: str
    role: str
    domain: str


@dataclass(frozen=True)
class Authorization:
    """The answer, with every rule that matched and every role that the subject holds there."""

    allowed: bool
    rules: tuple[str, ...]
    roles: tuple[str, ...]
    reason: Reason


@dataclass(frozen=True)
class Snapshot:
    """Rules and assignments of one epoch, indexed; immutable, so readers need no lock."""

    epoch: int
    permissions: Mapping[tuple[str, str, str], tuple[Permission, ...]]
    assignments: Mapping[str, tuple[Assignment, ...]]

    def authorize(
        self, subject: str, domain: str, obj: str, act: str, facts: Facts
    ) -> Authorization:
        """May `subject` do `act` to `obj` in `domain`?

        facts: answers to named conditions; a missing one never allows and always denies.
        """
        roles = self.roles(subject, domain)
        matching = [
            permission
            for holder in (*roles, EVERYBODY)
            for permission in self.permissions.get((holder, obj, act), ())
            if within(domain, permission.domain)
            and holds(permission.condition, permission.effect, facts)
        ]
        reason = _reason(roles, matching)
        return Authorization(
            allowed=reason == "allowed",
            rules=tuple(permission.id for permission in matching),
            roles=roles,
            reason=reason,
        )

    def authorize_principal(
        self, principal: Principal, domain: str, obj: str, act: str, facts: Facts
    ) -> Authorization:
        """May this caller? An agent or service may only what its accountable person may as well.

        `is_person` is taken from the principal, whatever `facts` says. Whether a person's own
        account is in order is for identity to know.
        """
        is_person = principal.kind == "person"
        own = self.authorize(principal.id, domain, obj, act, {**facts, "is_person": is_person})
        if is_person or not own.allowed:
            return own
        behind = self.authorize(
            principal.accountable, domain, obj, act, {**facts, "is_person": True}
        )
        allowed = behind.allowed and principal.accountable.startswith("usr_")
        return Authorization(
            allowed=allowed,
            rules=_union(own.rules, behind.rules),
            roles=_union(own.roles, behind.roles),
            reason="allowed" if allowed else "accountable_person_not_allowed",
        )

    def roles(self, subject: str, domain: str) -> tuple[str, ...]:
        """The roles that `subject` holds in `domain`, directly or inherited from above."""
        held = self.assignments.get(subject, ())
        return tuple(sorted({a.role for a in held if within(domain, a.domain)}))


def compile_snapshot(
    permissions: Iterable[Permission], assignments: Iterable[Assignment], epoch: int = 0
) -> Snapshot:
    """Index rules by (role, object, action) and assignments by subject."""
    by_holder: dict[tuple[str, str, str], tuple[Permission, ...]] = {}
    for permission in permissions:
        key = (permission.subject, permission.object, permission.action)
        by_holder[key] = (*by_holder.get(key, ()), permission)
    by_subject: dict[str, list[Assignment]] = {}
    for assignment in assignments:
        by_subject.setdefault(assignment.subject, []).append(assignment)
    return Snapshot(
        epoch,
        MappingProxyType(by_holder),
        MappingProxyType({subject: tuple(held) for subject, held in by_subject.items()}),
    )


def domain_of(organisation: str, project: str = "") -> str:
    """`org/acme`, or `org/acme/project/film`."""
    return f"org/{organisation}/project/{project}" if project else f"org/{organisation}"


def within(domain: str, pattern: str) -> bool:
    """Whether `domain` is `pattern` or lies below it; `*` is everywhere."""
    return pattern == EVERYWHERE or domain == pattern or domain.startswith(f"{pattern}/")


def holds(condition: str, effect: str, facts: Facts) -> bool:
    """A named condition under the given facts; when in doubt it speaks against the subject."""
    asked = CONDITIONS[condition]
    if asked is None:
        return True
    name, expected = asked
    answer = facts.get(name)
    return effect == "deny" if answer is None else answer is expected


def _reason(roles: tuple[str, ...], matching: list[Permission]) -> Reason:
    if any(permission.effect == "deny" for permission in matching):
        return "denied_by_rule"
    if matching:
        return "allowed"
    return "no_rule" if roles else "no_role"


def _union(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return (*first, *(item for item in second if item not in first))
