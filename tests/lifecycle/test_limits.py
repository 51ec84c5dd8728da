"""How far a grant lets its holder go, dimension by dimension; roles are another matter."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from governance.domain import Grant, Principal, Quote
from governance.kernel.errors import Denied
from governance.lifecycle import limits
from tests.platform import INTERNAL

PERSON, AGENT = "usr_" + "1" * 32, "agt_" + "2" * 32
GRANT = Grant(
    actions=("generation:create",),
    projects=("launch",),
    models=("local/*", "google/veo-3"),
    territories=("DE", "EU"),
    per_call=Decimal(5),
    total=Decimal(100),
    currency="USD",
    until=datetime(2026, 12, 1, tzinfo=UTC),
)


def holder(mandate: tuple[str, ...] = ("a" * 64,), **changes: Any) -> Principal:
    return Principal(
        "agent",
        AGENT,
        "default",
        PERSON,
        "A",
        (PERSON, AGENT),
        document="d" * 64,
        mandate=mandate,
        grant=replace(GRANT, **changes),
    )


def dimension(error: Denied) -> str:
    assert error.code == "mandate_exceeded"
    assert error.details["principal"] == AGENT
    found: str = error.details["dimension"]
    return found


def test_actions_and_projects() -> None:
    assert limits.may(holder(), "generation", "create", "launch")
    assert limits.may(holder(), "generation", "create", "")
    assert not limits.may(holder(), "generation", "read", "launch")
    assert not limits.may(holder(), "generation", "create", "launch2")
    assert limits.may(holder(projects=("*",)), "generation", "create", "secret")
    denied = limits.refusal(holder(), "generation", "read", "launch")
    assert dimension(denied) == "actions"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"territories": ("EU", "US")}, "territories"),
        ({"model": "google/veo-30"}, "models"),
        ({"model": "localhost/x"}, "models"),
    ],
)
def test_what_a_request_asks_for(changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(Denied) as caught:
        limits.require_request(holder(), replace(INTERNAL, **changes))
    assert dimension(caught.value) == expected


@pytest.mark.parametrize("model", ["auto", "", "local/procedural-video", "google/veo-3"])
def test_a_model_may_be_left_to_the_router(model: str) -> None:
    limits.require_request(holder(), replace(INTERNAL, model=model))


@pytest.mark.parametrize(
    ("quote", "expected"),
    [(Quote(Decimal("5.01")), "per_call"), (Quote(Decimal("0.01"), "EUR"), "currency")],
)
def test_what_one_generation_costs(quote: Quote, expected: str) -> None:
    with pytest.raises(Denied) as caught:
        limits.require_affordable(holder(), quote)
    assert dimension(caught.value) == expected
    limits.require_affordable(holder(), Quote(Decimal(5)))
    limits.require_affordable(holder(), Quote(Decimal(0), "EUR"))


def test_what_limits_is_named() -> None:
    for mandate, name in ((("a" * 64, "b" * 64), "mandate " + "b" * 64), ((), "identity document")):
        with pytest.raises(Denied, match=name):
            limits.require_affordable(holder(mandate), Quote(Decimal(6)))


def test_whoever_has_no_grant_is_limited_by_roles_alone() -> None:
    person = Principal("person", PERSON, "default", PERSON, "C", (PERSON,))
    assert limits.may(person, "generation", "create", "secret")
    limits.require_request(person, replace(INTERNAL, territories=("US",)))
    limits.require_affordable(person, Quote(Decimal(10**6)))
