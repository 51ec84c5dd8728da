"""The keys: made once, for their owner only, never made up when something is missing."""

import shutil
import stat
from pathlib import Path

import pytest

from governance.evidence import manifest
from governance.evidence.keys import SeedSigner, seed_from_pem
from governance.evidence.manifest import Grant
from governance.kernel.errors import ConfigurationError
from governance.ledger import keyring
from tests.evidence.samples import STRANGER

ORIGIN = "test.example/log"
SECRET = (keyring.ROOT_FILE, "record.pem", "log.pem", "vault.key", keyring.MANIFEST_FILE)


@pytest.fixture
def folder(tmp_path: Path, keys: keyring.Keyring) -> Path:
    return tmp_path / "keys"


def refused(folder: Path, origin: str = ORIGIN) -> str:
    with pytest.raises(ConfigurationError) as caught:
        keyring.load_or_create(folder, origin)
    return caught.value.code


def test_a_first_start_makes_keys_that_the_manifest_names(keys: keyring.Keyring) -> None:
    named = manifest.verify(keys.chain, keys.root)
    assert keys.is_new and named == keys.manifest
    assert named.key("record", keys.record.keyid, 0, "it") == keys.record.public
    assert named.log_key(0) == keys.log.public


def test_every_start_after_it_uses_the_same_keys(folder: Path, keys: keyring.Keyring) -> None:
    again = keyring.load_or_create(folder, ORIGIN)
    assert not again.is_new
    assert (again.root, again.vault, again.chain) == (keys.root, keys.vault, keys.chain)
    assert (again.record.keyid, again.log.keyid) == (keys.record.keyid, keys.log.keyid)


def test_no_two_services_have_the_same_keys(keys: keyring.Keyring, tmp_path: Path) -> None:
    other = keyring.load_or_create(tmp_path / "other", ORIGIN)
    ours = {keys.root, keys.record.keyid, keys.log.keyid, keys.vault}
    assert len(ours | {other.root, other.record.keyid, other.log.keyid, other.vault}) == 8


@pytest.mark.parametrize("name", SECRET)
def test_only_their_owner_may_read_the_keys(folder: Path, name: str) -> None:
    assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_service_runs_without_its_root_key(folder: Path, keys: keyring.Keyring) -> None:
    (folder / keyring.ROOT_FILE).unlink()
    assert keyring.load_or_create(folder, ORIGIN).root == keys.root
    assert keys.root in (folder / "root-key-README.txt").read_text()


@pytest.mark.parametrize("name", ["record.pem", "log.pem", "vault.key", keyring.MANIFEST_FILE])
def test_a_missing_file_is_never_made_anew(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert refused(folder) == "keys_incomplete"
    assert not (folder / name).exists()


@pytest.mark.parametrize("name", ["record.pem", "log.pem", keyring.MANIFEST_FILE])
def test_a_damaged_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"damaged")
    assert refused(folder) == "keys_incomplete"


def test_keys_of_another_service_are_refused(folder: Path, tmp_path: Path) -> None:
    keyring.load_or_create(tmp_path / "other", ORIGIN)
    shutil.copy(tmp_path / "other" / "record.pem", folder / "record.pem")
    assert refused(folder) == "keys_inconsistent"


def test_another_logs_name_is_refused(folder: Path) -> None:
    assert refused(folder, "other.example/log") == "keys_inconsistent"


def test_a_key_that_the_manifest_no_longer_names_is_refused(
    folder: Path, keys: keyring.Keyring
) -> None:
    root = SeedSigner.from_seed(seed_from_pem((folder / keyring.ROOT_FILE).read_text()))
    replaced = [Grant("root", root.public), Grant("record", STRANGER.public),
                Grant("log", keys.log.public)]  # fmt: skip
    second = manifest.seal(2, keys.manifest.digest, ORIGIN, replaced, root)
    (folder / keyring.MANIFEST_FILE).write_bytes(keys.chain + second + b"\n")
    assert refused(folder) == "keys_inconsistent"


def test_a_secret_is_never_written_over_a_file_that_exists(tmp_path: Path) -> None:
    keyring.write_secret(tmp_path / "key", b"first")
    with pytest.raises(FileExistsError):
        keyring.write_secret(tmp_path / "key", b"second")
    assert (tmp_path / "key").read_bytes() == b"first"
