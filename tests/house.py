"""A house that makes media: a service on small media, a vendor over HTTP, people in roles."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from governance.domain import Declaration, GenerationRequest, Principal
from governance.evidence.story import State
from governance.lifecycle.submitting import Caller
from governance.rights import Scope, consents
from governance.simulators.openai_videos import SimulatedVendor
from tests.conftest import copied_postgres, copy_sqlite
from tests.platform import INTERNAL, ORGANISATION, Service, open_service

POLICIES = Path(__file__).parents[1] / "policies"
CLIP = replace(INTERNAL, width=128, height=64)
PICTURE = replace(CLIP, media="image", model="local/procedural-image", seconds=0, height=128)
# One person must look at it, and two.
DOUBTFUL = replace(PICTURE, declaration=Declaration("no", "unknown"))
LIKENESS = Scope("likeness", ("image", "video"), ("*",), ("EU",), date(2099, 12, 31))
# In the EU people look at what a trained model made, from 2 December 2026 on; not everywhere.
VENDOR_CLIP = replace(CLIP, model="self/wan2.2-a14b", territories=("JP",))
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

    def consent(self, scope: Scope = LIKENESS) -> str:
        """The id of a consent that a person has given."""
        context = self.service.context
        made = context.database.write(
            lambda c: consents.register(
                c,
                context.ledger,
                organisation=ORGANISATION,
                scope=scope,
                name="Mara Lindqvist",
                document="a" * 64,
                subject=None,
                by=self.producer.id,
            )
        )
        return made.id

    def portrait(self, scope: Scope = LIKENESS) -> GenerationRequest:
        """A picture of somebody who has consented to it."""
        return replace(PICTURE, declaration=Declaration("no", "yes", "no", self.consent(scope)))

    def caller(self, **more: Any) -> Caller:
        return self.service.caller(self.producer, **more)

    def ask(self, request: GenerationRequest = PICTURE, prompt: str = "") -> str:
        """The id of a generation that the producer has asked for."""
        asked = replace(request, prompt=prompt) if prompt else request
        return self.service.ask(asked, self.caller()).id

    def forget_faults(self) -> None:
        """What other tests' vendors did keeps no router from asking them again."""
        self.service.context.health._lines.clear()

    def made(self, until: State, request: GenerationRequest = PICTURE, prompt: str = "") -> str:
        """The id of a generation that has come as far as a state."""
        generation = self.ask(request, prompt)
        self.service.run(generation, until)
        return generation


@contextmanager
def opened_house(folder: Path, database_url: str, vendor: SimulatedVendor) -> Iterator[House]:
    """A house whose policies and data lie in `folder`."""
    service = open_service(
        folder / "data",
        database_url,
        policies_dir=small_policies(folder / "policies"),
        providers={"openai-videos": {"base_url": vendor.url, "key": vendor.key}},
    )
    try:
        yield House(
            service,
            vendor,
            service.person("producer"),
            service.person("reviewer"),
            service.person("reviewer"),
            service.person("compliance_officer"),
        )
    finally:
        service.close()


@contextmanager
def house_on(request: pytest.FixtureRequest, folder: Path) -> Iterator[House]:
    """A house on the database that the parameter of a fixture names."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = copy_sqlite(request.getfixturevalue("sqlite_template"), folder)
        else:
            server = request.getfixturevalue("postgres_server")
            template = request.getfixturevalue("postgres_template")
            url = stack.enter_context(copied_postgres(server, template))
        vendor = stack.enter_context(SimulatedVendor())
        yield stack.enter_context(opened_house(folder, url, vendor))


def small_policies(folder: Path) -> Path:
    """The policy folder, with models that also make tiny pictures, and one that is dear."""
    shutil.copytree(POLICIES, folder)
    catalogue = folder / "catalogue.yaml"
    content = catalogue.read_text()
    for old, new in (
        ("short_min: 360, short_max: 1080", "short_min: 64, short_max: 1080"),
        ("short_min: 256, short_max: 2160", "short_min: 64, short_max: 2160"),
        ("short_min: 480, short_max: 720", "short_min: 64, short_max: 720"),
        ('"720": "0.12"', '"720": "25"'),
        ("stale_after_days: 120", "stale_after_days: 36500"),
    ):
        assert old in content
        content = content.replace(old, new)
    catalogue.write_text(content)
    return folder
