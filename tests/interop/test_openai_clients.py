"""Both major versions of the official Python client and the one for Node make the same journey.

Create, poll, download, remix, list, delete, a picture, a refusal: by a base URL and an API key.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.site import Site, open_site
from tests.tools import INTEROP, needs

SCOPES = ["create", "read", "list", "download", "cancel"]
SEEN = {
    "created": "queued",
    "statuses": ["completed", "completed"],
    "size": "640x360",
    "heads": ["ftyp", "ftyp"],
    "differs": True,
    "remixed_from": True,
    "listed": [True, True],
    "deleted": [True, True],
    "picture": "PNG",
    "gone": "generation_deleted",
    "refused": "model_retired",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("site")) as opened:
        opened.employ("studio", [f"generation:{action}" for action in SCOPES], "producer")
        yield opened


def journey(site: Site, *command: str, path: str = "") -> dict[str, Any]:
    """What the client saw. path: first on Python's."""
    done = subprocess.run(
        [*command, f"{site.url}/v1", site.keys["studio"]],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def test_python_of_this_environment(site: Site) -> None:
    seen = journey(site, sys.executable, str(INTEROP / "openai_journey.py"))
    assert seen.pop("version").startswith("3.")
    assert seen == SEEN


@needs("openai-2")
def test_python_of_the_previous_major_version(site: Site) -> None:
    script = str(INTEROP / "openai_journey.py")
    seen = journey(site, sys.executable, script, path=str(INTEROP / ".openai-2"))
    assert seen.pop("version").startswith("2.")
    assert seen == SEEN


@needs("openai-node")
def test_node(site: Site) -> None:
    seen = journey(site, "node", str(INTEROP / "openai_journey.mjs"))
    assert seen.pop("version").startswith("6.")
    assert seen == SEEN
