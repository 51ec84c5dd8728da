"""What each address requires, declared beside it. Without a declaration nobody may call it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Scope = Literal["organisation", "project", "generation"]
_DECLARED = "governance_requirement"


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


def requires(obj: str, act: str, scope: Scope = "organisation") -> Callable[[Endpoint], Endpoint]:
    """Declare what an endpoint requires; goes below its route's decorator."""

    def declare(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _DECLARED, Requirement(obj, act, scope))
        return endpoint

    return declare


def requirement_of(endpoint: Callable[..., Any]) -> Requirement | None:
    """What was declared, None where nothing was."""
    found: Requirement | None = getattr(endpoint, _DECLARED, None)
    return found
