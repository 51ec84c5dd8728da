"""The pages over real HTTP, with a service in memory behind them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.backend import MemoryBackend
from tests.web.serving import Browser, serve


@pytest.fixture
def backend(tmp_path: Path) -> MemoryBackend:
    return MemoryBackend(tmp_path)


@pytest.fixture
def browser(backend: MemoryBackend) -> Iterator[Browser]:
    with serve(backend) as base_url, Browser(base_url) as browser:
        yield browser
