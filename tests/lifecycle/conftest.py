"""One service for each database, with small media, a vendor over HTTP and people in roles."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from governance.domain import Declaration, GenerationRequest, Principal
from governance.evidence.story import State
from governance.lifecycle import store
from governance.lifecycle.steps import STEPS
from governance.lifecycle.store import Held
from governance.lifecycle.submitting import Caller
from governance.simulators.openai_videos import SimulatedVendor
from tests.conftest import copied_postgres, copy_sqlite
from tests.platform import INTERNAL, Service, open_service

POLICIES = Path(__file__).parents[2] / "policies"
CLIP = replace(INTERNAL, width=128, height=64)
PICTURE = replace(CLIP, media="image", model="local/procedural-image", seconds=0, height=128)
# One person must look at it, and two.
DOUBTFUL = replace(PICTURE, declaration=Declaration("no", "unknown"))
PORTRAIT = replace(PICTURE, declaration=Declaration("no", "yes", "no", "consent-42"))
VENDOR_CLIP = replace(CLIP, model="self/wan2.2-a14b")
# Above 480 lines the vendor takes 25 USD a second, more than may be spent unasked.
DEAR_CLIP = replace(VENDOR_CLIP, width=496, height=496)


@dataclass
class House:
    """A service with its vendor and its people."""

    service: Service
    vendor: SimulatedVendor
    producer: Principal
    reviewer: Principal
    second: Principal
    officer: Principal

    def caller(self, **more: Any) -> Caller:
        return self.service.caller(self.producer, **more)

    def ask(self, request: GenerationRequest = PICTURE, prompt: str = "") -> str:
        """The id of a generation that the producer has asked for."""
        asked = replace(request, prompt=prompt) if prompt else request
        return self.service.ask(asked, self.caller()).id

    def made(self, until: State, request: GenerationRequest = PICTURE, prompt: str = "") -> str:
        """The id of a generation that has come as far as a state."""
        generation = self.ask(request, prompt)
        self.service.run(generation, until)
        return generation


@pytest.fixture(scope="session")
def vendor() -> Iterator[SimulatedVendor]:
    with SimulatedVendor() as vendor:
        yield vendor


@pytest.fixture(scope="session")
def small_policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The policy folder, with models that also make tiny pictures, and one that is dear."""
    folder = tmp_path_factory.mktemp("policies") / "policies"
    shutil.copytree(POLICIES, folder)
    catalogue = folder / "catalogue.yaml"
    content = catalogue.read_text()
    for old, new in (
        ("short_min: 360, short_max: 1080", "short_min: 64, short_max: 1080"),
        ("short_min: 256, short_max: 2160", "short_min: 64, short_max: 2160"),
        ("short_min: 480, short_max: 720", "short_min: 64, short_max: 720"),
        ('"720": "0.12"', '"720": "25"'),
    ):
        assert old in content
        content = content.replace(old, new)
    catalogue.write_text(content)
    return folder


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shared_house(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    vendor: SimulatedVendor,
    small_policies: Path,
) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("service")
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = copy_sqlite(request.getfixturevalue("sqlite_template"), folder)
        else:
            server = request.getfixturevalue("postgres_server")
            template = request.getfixturevalue("postgres_template")
            url = stack.enter_context(copied_postgres(server, template))
        service = open_service(
            folder / "data",
            url,
            policies_dir=small_policies,
            openai_videos_url=vendor.url,
            openai_videos_key=vendor.key,
        )
        stack.callback(service.close)
        yield House(
            service,
            vendor,
            service.person("producer"),
            service.person("reviewer"),
            service.person("reviewer"),
            service.person("compliance_officer"),
        )


@pytest.fixture
def house(shared_house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The service of this database.

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
    yield shared_house
    shared_house.service.require_agreement()
    assert [change for change in changes if not _is_in_table(*change)] == []


@pytest.fixture
def service(house: House) -> Service:
    return house.service


def _is_in_table(before: str, events: tuple[str, ...], after: str) -> bool:
    """A step may leave a state or, once its intent is committed, the state after that."""
    return any(
        before in (step.leaves, *(step.to if step.intent else ()))
        and set(events) <= set(step.appends)
        and after in step.to
        for step in STEPS
    )
