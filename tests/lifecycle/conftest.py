"""One service for each database, with small media, a vendor over HTTP and people in roles."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from governance.domain import GenerationRequest, Principal
from governance.lifecycle.submitting import Caller
from governance.simulators.openai_videos import SimulatedVendor
from tests.conftest import copied_postgres, copy_sqlite
from tests.platform import INTERNAL, PORTRAIT, PUBLIC, Service, open_service

POLICIES = Path(__file__).parents[2] / "policies"
SMALL = {"width": 128, "height": 64}
CLIP = replace(INTERNAL, **SMALL)
PUBLIC_CLIP = replace(PUBLIC, **SMALL)
PORTRAIT_CLIP = replace(PORTRAIT, **SMALL)
VENDOR_CLIP = replace(CLIP, model="self/wan2.2-a14b")
# Above 480 lines the vendor takes 25 USD a second, more than may be spent unasked.
DEAR_CLIP = replace(VENDOR_CLIP, width=496, height=496)


@dataclass
class Cast:
    """A service with its vendor and the people of a house."""

    service: Service
    vendor: SimulatedVendor
    producer: Principal
    reviewer: Principal
    second: Principal
    officer: Principal

    def ask(self, request: GenerationRequest = CLIP, **caller: object) -> str:
        """The id of a generation that the producer has asked for."""
        return self.service.ask(request, self.caller(**caller)).id

    def caller(self, **more: object) -> Caller:
        return self.service.caller(self.producer, **more)


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
        ("short_min: 480, short_max: 720", "short_min: 64, short_max: 720"),
        ('"720": "0.12"', '"720": "25"'),
    ):
        assert old in content
        content = content.replace(old, new)
    catalogue.write_text(content)
    return folder


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shared_cast(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    vendor: SimulatedVendor,
    small_policies: Path,
) -> Iterator[Cast]:
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
        yield Cast(
            service,
            vendor,
            service.person("producer"),
            service.person("reviewer"),
            service.person("reviewer"),
            service.person("compliance_officer"),
        )


@pytest.fixture
def cast(shared_cast: Cast) -> Iterator[Cast]:
    """The service of this database; what the test made must agree with its log at the end."""
    yield shared_cast
    shared_cast.service.require_agreement()


@pytest.fixture
def service(cast: Cast) -> Service:
    return cast.service
