"""One house for each database, shared by all tests; each test looks after what it made."""

from collections.abc import Iterator
from typing import Any

import pytest

from governance.lifecycle import store
from governance.lifecycle.steps import STEPS
from governance.lifecycle.store import Held
from tests.house import House, house_on
from tests.platform import Service


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shared_house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    with house_on(request, tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture
def house(shared_house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The house on this database.

    At the end, what the test made must agree with its log, and each of its changes must be one
    that the table of steps names.
    """
    changes: list[tuple[str, tuple[str, ...], str]] = []
    advance = store.advance

    def watched(
        connection: Any, ledger: Any, held: Held, entries: Any, *more: Any, **named: Any
    ) -> Held:
        moved = advance(connection, ledger, held, entries, *more, **named)
        events = tuple(entry.event for entry in entries)
        changes.append((held.story.state, events, moved.story.state))
        return moved

    monkeypatch.setattr(store, "advance", watched)
    shared_house.forget_faults()
    yield shared_house
    shared_house.service.require_agreement()
    assert [change for change in changes if not _is_in_table(*change)] == []


@pytest.fixture
def service(house: House) -> Service:
    return house.service


def _is_in_table(before: str, events: tuple[str, ...], after: str) -> bool:
    """A step may leave its state or, once its intent is committed, the state after that."""
    return any(
        before in (step.leaves, *(step.to if step.intent else ()))
        and set(events) <= set(step.appends)
        and after in step.to
        for step in STEPS
    )
