"""OpenSSL verifies a record and the checkpoint by the very commands that the bundle prints."""

import base64
import hashlib
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from governance.evidence import keys
from tests.evidence.samples import LOG, RECORD, bundle_of, released, told
from tests.tools import needs

FILES = bundle_of(told(released()))
README = FILES["README.md"].decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The bundle as an auditor unpacks it."""
    for name, data in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return tmp_path


def commands() -> list[list[str]]:
    """The OpenSSL commands in the README, as a shell reads them."""
    found = re.findall(r"^    (openssl (?:.*\\\n)*.*)$", README, re.MULTILINE)
    return [shlex.split(text.replace("\\\n", " ")) for text in found]


def run(command: list[str], folder: Path) -> bool:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ("Signature Verified Successfully" in done.stdout) is (done.returncode == 0)
    return done.returncode == 0


def flip(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])


def test_the_readme_prints_a_command_for_a_record_and_one_for_the_checkpoint() -> None:
    inputs = [command[command.index("-in") + 1] for command in commands()]
    assert inputs == ["openssl/record.pae", "openssl/checkpoint.txt"]


@needs("openssl")
def test_openssl_verifies_the_record_and_the_checkpoint(folder: Path) -> None:
    assert [run(command, folder) for command in commands()] == [True, True]


@needs("openssl")
@pytest.mark.parametrize("option", ["-in", "-sigfile"])
def test_openssl_refuses_a_flipped_bit(folder: Path, option: str) -> None:
    for command in commands():
        flip(folder / command[command.index(option) + 1])
        assert not run(command, folder)


@needs("openssl")
def test_openssl_refuses_the_signature_of_another_key(folder: Path) -> None:
    for name, key in (("record", LOG), ("log", RECORD)):
        (folder / "trust" / f"{name}.pem").write_text(keys.public_pem(key.public))
    assert [run(command, folder) for command in commands()] == [False, False]


def test_the_signed_bytes_are_made_from_the_record_as_the_readme_says() -> None:
    line = FILES["records.intoto.jsonl"].splitlines()[0]
    match = re.fullmatch(
        rb'{"payload":"([^"]+)","payloadType":"([^"]+)","signatures":\[{"keyid":"([^"]+)",'
        rb'"sig":"([^"]+)"}]}',
        line,
    )
    assert match is not None
    payload, kind, _, signature = match.groups()
    body = base64.b64decode(payload)
    signed = b" ".join([b"DSSEv1", b"%d" % len(kind), kind, b"%d" % len(body), body])
    assert FILES["openssl/record.pae"] == signed
    assert FILES["openssl/record.sig"] == base64.b64decode(signature)
    assert FILES["openssl/checkpoint.txt"] + b"\n" == FILES["checkpoint"].partition(b"\xe2")[0]


def test_fifteen_lines_of_anybodys_code_recompute_the_root_as_the_readme_says() -> None:
    def tree(leaves: list[bytes]) -> bytes:
        if len(leaves) == 1:
            return leaves[0]
        half = 1
        while half * 2 < len(leaves):
            half *= 2
        return hashlib.sha256(b"\x01" + tree(leaves[:half]) + tree(leaves[half:])).digest()

    lines = FILES["records.intoto.jsonl"].split(b"\n")[:-1]
    leaves = [hashlib.sha256(b"\x00" + line).digest() for line in lines]
    assert [leaf.hex() for leaf in leaves] == FILES["leaves"].decode().split()
    name, size, root, *_ = FILES["checkpoint"].decode().split("\n")
    assert (int(size), base64.b64decode(root)) == (len(leaves), tree(leaves))
    assert f"“{name}”, {size} records, root hash {tree(leaves).hex()}" in README
