"""What each address requires, declared beside it. Without a declaration nobody may call it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from fastapi import Request

from governance.kernel.errors import Denied

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Scope = Literal["organisation", "project", "generation"]
GOVERNED = "/v1/"
_DECLARED = "governance_declaration"


@dataclass(frozen=True)
class Requirement:
    """Object and action as policy names them.

    scope: what the question is asked of. `organisation` is asked before the endpoint runs;
    `project` and `generation` by the endpoint itself (`Call.allow_in`, `Call.story`), which
    knows of which one.
    """

    obj: str
    act: str
    scope: Scope


# `open`: no credential is asked for; `own`: whoever calls is known and asks of themselves alone.
Declaration = Requirement | Literal["open", "own"]


def requires(obj: str, act: str, scope: Scope = "organisation") -> Callable[[Endpoint], Endpoint]:
    """Declare what an endpoint requires; goes below its route's decorator."""
    return lambda endpoint: _declare(endpoint, Requirement(obj, act, scope))


def open_to_all(endpoint: Endpoint) -> Endpoint:
    """Declare that an endpoint tells nothing that is not public."""
    return _declare(endpoint, "open")


def own_account(endpoint: Endpoint) -> Endpoint:
    """Declare that an endpoint concerns nobody but its authenticated caller."""
    return _declare(endpoint, "own")


def declaration_of(endpoint: Callable[..., Any]) -> Declaration | None:
    """What was declared, None where nothing was."""
    found: Declaration | None = getattr(endpoint, _DECLARED, None)
    return found


def requirement_of(endpoint: Callable[..., Any]) -> Requirement | None:
    """What was declared for policy to answer; None where that is nothing."""
    declared = declaration_of(endpoint)
    return declared if isinstance(declared, Requirement) else None


def refuse_undeclared(request: Request) -> None:
    """Runs before every endpoint. Raises Denied (`address_undeclared`)."""
    if GOVERNED in request.url.path and not declaration_of(request.scope["endpoint"]):
        raise Denied(
            "address_undeclared",
            "Nobody may call this address: it does not declare what it requires.",
        )


def _declare(endpoint: Endpoint, declaration: Declaration) -> Endpoint:
    setattr(endpoint, _DECLARED, declaration)
    return endpoint
