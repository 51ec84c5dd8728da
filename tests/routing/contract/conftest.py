"""A vendor for each test class of the suite; what a vendor lacks is not asked of it."""

from collections.abc import Iterator

import pytest

from .harness import Bench, Simulator, Stated


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests whose magic words have no meaning for the class's vendor."""
    lacking = [item for item in items if _is_lacking(item)]
    config.hook.pytest_deselected(items=lacking)
    items[:] = [item for item in items if item not in lacking]


@pytest.fixture(scope="class")
def vendor(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    with request.cls.harness.simulator(delay=0.0) as running:
        yield running


@pytest.fixture(scope="class")
def bench(
    request: pytest.FixtureRequest, vendor: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Bench:
    return Bench(request.cls.harness, vendor, tmp_path_factory.mktemp("kept"))


def _is_lacking(item: pytest.Item) -> bool:
    cls = getattr(item, "cls", None)
    if cls is None or not issubclass(cls, Stated) or not hasattr(item, "callspec"):
        return False
    return item.callspec.params.get("magic") in cls.harness.lacks
