"""The real policy folder, loaded once, and inputs to ask it about."""

import shutil
from pathlib import Path

import pytest

from governance import policy as policies
from governance.policy import Policy

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def policy() -> Policy:
    return policies.load(ROOT / "policies")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the policy folder that a test may spoil."""
    target = tmp_path / "policies"
    for part in ("authorization", "packs", "schemas"):
        shutil.copytree(ROOT / "policies" / part, target / part)
    for name in ("alternatives.yaml", "territories.yaml"):
        shutil.copy(ROOT / "policies" / name, target / name)
    return target
