"""The service's signing keys, made at first start, and the manifest that names them.

root: signs the manifest only and belongs off this machine; record: signs records; log: signs
checkpoints. The vault key wraps the keys of personal data and never signs.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from governance.evidence import keys, manifest
from governance.evidence.errors import EvidenceError
from governance.kernel import ids
from governance.kernel.errors import ConfigurationError

ROOT_FILE = "root-key-MOVE-OFFLINE.pem"
MANIFEST_FILE = "keys.dsse.jsonl"
ROOT_NOTE = """\
This is the root key of your evidence. It signs only the list of the other keys.

1. Copy it to two offline media (or a hardware token) and lock them away separately.
2. Delete it from this machine: the service runs without it.
3. Give your auditors the fingerprint below, by a way that does not pass this machine.

{fingerprint}
"""


DEFAULT_ORIGIN = "governance.local/log"


@dataclass(frozen=True)
class Keyring:
    """The keys in use. `chain` is the manifest file's content; `root` the pinned fingerprint."""

    record: keys.SeedSigner
    log: keys.SeedSigner
    vault: bytes
    chain: bytes
    manifest: manifest.Manifest
    root: str
    is_new: bool


def load_or_create(folder: Path, origin: str) -> Keyring:
    """The keyring in `folder`; a new one if the folder holds none.

    origin: the log's name; empty for the one that the keys have, or DEFAULT_ORIGIN for new ones.

    Raises ConfigurationError (`keys_incomplete`, `keys_inconsistent`).
    """
    chain_file = folder / MANIFEST_FILE
    if not chain_file.exists():
        if folder.exists() and any(folder.glob("*.pem")):
            raise ConfigurationError(
                "keys_incomplete",
                f"{folder} has keys but no {MANIFEST_FILE}. Restore the folder from its backup.",
            )
        _create(folder, origin or DEFAULT_ORIGIN)
        return _load(folder, origin, is_new=True)
    return _load(folder, origin, is_new=False)


def _create(folder: Path, origin: str) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    seeds = {role: ids.random_bytes(32) for role in manifest.ROLES}
    signers = {role: keys.SeedSigner.from_seed(seed) for role, seed in seeds.items()}
    grants = [manifest.Grant(role, signers[role].public) for role in manifest.ROLES]
    root = signers["root"]
    write_secret(folder / ROOT_FILE, keys.private_pem(seeds["root"]).encode())
    (folder / "root-key-README.txt").write_text(ROOT_NOTE.format(fingerprint=root.keyid))
    (folder / "root-fingerprint.txt").write_text(root.keyid + "\n")
    write_secret(folder / "record.pem", keys.private_pem(seeds["record"]).encode())
    write_secret(folder / "log.pem", keys.private_pem(seeds["log"]).encode())
    write_secret(folder / "vault.key", ids.random_bytes(32))
    line = manifest.seal(1, "", origin, grants, root)
    write_secret(folder / MANIFEST_FILE, line + b"\n")  # last: its presence says "complete"


def _load(folder: Path, origin: str, *, is_new: bool) -> Keyring:
    try:
        root = (folder / "root-fingerprint.txt").read_text().strip()
        chain = (folder / MANIFEST_FILE).read_bytes()
        current = manifest.verify(chain, root)
        record = keys.SeedSigner.from_seed(keys.seed_from_pem((folder / "record.pem").read_text()))
        log = keys.SeedSigner.from_seed(keys.seed_from_pem((folder / "log.pem").read_text()))
        vault = (folder / "vault.key").read_bytes()
    except (OSError, EvidenceError) as error:
        raise ConfigurationError(
            "keys_incomplete", f"The keys in {folder} cannot be read ({error}). Restore them."
        ) from None
    granted = {(grant.role, grant.keyid) for grant in current.grants}
    used = {("record", record.keyid), ("log", log.keyid)}
    if used - granted or origin not in ("", current.origin):
        raise ConfigurationError(
            "keys_inconsistent",
            f"The keys in {folder} are not those of the log “{origin}” that {MANIFEST_FILE} names.",
        )
    return Keyring(record, log, vault, chain, current, root, is_new)


def write_secret(path: Path, content: bytes) -> None:
    """Write a new file that only its owner may read, durably."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
