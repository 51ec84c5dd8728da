"""A house on each database, and a process that can be killed in its place."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import pytest

from governance.domain import Principal
from governance.lifecycle.statements import Choice
from tests.house import House, house_on

ROOT = Path(__file__).parents[2]
KILLED = -9


@dataclass(frozen=True)
class Mortal:
    """The process of `driver.py`."""

    orders: IO[str]
    answers: IO[str]

    def die(
        self,
        house: House,
        generation: str,
        event: str,
        moment: str,
        *,
        command: str = "work",
        person: Principal | None = None,
        choice: Choice | None = None,
    ) -> int:
        """Run a service on the house's data until it is killed; its exit code."""
        settings = house.service.context.settings
        order: dict[str, Any] = {
            "settings": {
                "data_dir": str(settings.data_dir),
                "database_url": settings.database,
                "policies_dir": str(settings.policies_dir),
                "providers": {
                    "openai-videos": {"base_url": house.vendor.url, "key": house.vendor.key}
                },
                "poll_interval": settings.poll_interval,
                "min_free_disk": 0,
            },
            "generation": generation,
            "event": event,
            "moment": moment,
            "command": command,
            "person": person and asdict(person),
            "choice": choice and [choice.decision, choice.reason, choice.comment, choice.digest],
        }
        self.orders.write(json.dumps(order) + "\n")
        self.orders.flush()
        return int(self.answers.readline())


@pytest.fixture(scope="session")
def mortal() -> Iterator[Mortal]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.driver"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin and process.stdout
        yield Mortal(process.stdin, process.stdout)
        process.stdin.close()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    with house_on(request, tmp_path_factory.mktemp("house")) as house:
        yield house
