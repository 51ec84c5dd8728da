"""The pages over real HTTP, with a service in memory behind them."""

from collections.abc import Iterator

import pytest

from tests.web import samples
from tests.web.backend import MemoryBackend
from tests.web.serving import Browser, serve


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemoryBackend]:
    backend = MemoryBackend(samples.make_all(tmp_path_factory.mktemp("files")))
    with serve(backend):
        yield backend


@pytest.fixture
def backend(served: MemoryBackend) -> MemoryBackend:
    served.reset()
    return served


@pytest.fixture
def browser(backend: MemoryBackend) -> Iterator[Browser]:
    with Browser(backend.base_url) as browser:
        yield browser
