"""The description of the interface tells what each address requires, and which roles have it."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from governance.api.permissions import Declaration, Requirement, declaration_of
from governance.policy import Policy

IN_WORDS = {
    "open": "Needs no credential.",
    "own": "For every caller with a credential; it concerns nobody else.",
}


def describe(app: FastAPI, policy: Policy) -> None:
    """Add `x-requires` (`agent:manage`) and a sentence to every operation of `/openapi.json`."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        schema = plain()
        for route in iter_route_contexts(app.routes):
            declared = route.endpoint and declaration_of(route.endpoint)
            operations = schema["paths"].get(route.path_format, {})
            for method in route.methods or ():
                operation = operations.get(method.lower())
                if declared and operation is not None and "x-requires" not in operation:
                    _add(operation, declared, policy)
        return schema

    app.openapi = described  # type: ignore[method-assign]


def _add(operation: dict[str, Any], declared: Declaration, policy: Policy) -> None:
    operation["x-requires"] = name = _name(declared)
    words = IN_WORDS.get(name) or f"Requires `{name}`; by default: {_holders(name, policy)}."
    operation["description"] = f"{operation.get('description', '')}\n\n{words}".strip()


def _name(declared: Declaration) -> str:
    if isinstance(declared, Requirement):
        return f"{declared.obj}:{declared.act}"
    return declared


def _holders(pair: str, policy: Policy) -> str:
    holders = {
        permission.subject.removeprefix("role:")
        for permission in policy.permissions
        if f"{permission.object}:{permission.action}" == pair and permission.effect == "allow"
    }
    return ", ".join(sorted(holders)) or "nobody"
