"""One running service for all tests of the API; at the end all its evidence must verify."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.agreement import require_verified
from tests.api.site import Site, open_site


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("site")) as opened:
        yield opened
        opened.settle()
        require_verified(opened.service.platform)


@pytest.fixture(scope="package")
def picture(site: Site) -> dict[str, Any]:
    """A released picture that no test changes."""
    return site.released()
