"""Key files: made once, readable by their owner, in the format that others read."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from nacl.signing import SigningKey

from governance.client.keyfile import create_key, load_key
from governance.evidence.errors import EvidenceError


def test_a_key_file_is_read_back_and_by_other_libraries(tmp_path: Path) -> None:
    seed = create_key(tmp_path / "agent.pem")
    assert load_key(tmp_path / "agent.pem") == seed
    theirs = load_pem_private_key((tmp_path / "agent.pem").read_bytes(), None)
    assert theirs.public_key().public_bytes_raw() == bytes(SigningKey(seed).verify_key)  # type: ignore[union-attr]


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    create_key(tmp_path / "agent.pem")
    assert stat.S_IMODE((tmp_path / "agent.pem").stat().st_mode) == 0o600


def test_an_existing_key_is_never_overwritten(tmp_path: Path) -> None:
    seed = create_key(tmp_path / "agent.pem")
    with pytest.raises(FileExistsError):
        create_key(tmp_path / "agent.pem")
    assert load_key(tmp_path / "agent.pem") == seed


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "agent.pem").write_text("hello")
    with pytest.raises(EvidenceError):
        load_key(tmp_path / "agent.pem")
