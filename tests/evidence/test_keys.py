"""Keys are named as OpenSSH names them, and kept in files that OpenSSL reads."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from hypothesis import given
from hypothesis import strategies as st

from governance.evidence import keys
from governance.evidence.errors import EvidenceError
from tests.tools import needs

SEED = bytes(range(32))
SIGNER = keys.SeedSigner.from_seed(SEED)
seeds = st.binary(min_size=32, max_size=32)


def test_a_fingerprint_is_what_openssh_prints_for_this_key() -> None:
    """`ssh-keygen -lf`, OpenSSH 9.2, for the key of the seed 00 01 … 1f."""
    assert SIGNER.keyid == "SHA256:lbmsoA0yIEcEiVDRnMWuzm+nV+3ZEEpVIURqFoeSspg"


@needs("ssh-keygen")
def test_ssh_keygen_prints_the_same_fingerprint(tmp_path: Path) -> None:
    public = load_pem_public_key(keys.public_pem(SIGNER.public).encode())
    file = tmp_path / "key.pub"
    file.write_bytes(public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    printed = subprocess.run(["ssh-keygen", "-lf", file], capture_output=True, check=True).stdout
    assert printed.split()[1].decode() == SIGNER.keyid


def test_a_signature_is_that_of_rfc_8032() -> None:
    """RFC 8032, section 7.1, test 2."""
    signer = keys.SeedSigner.from_seed(
        bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    )
    assert signer.public.hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert signer.sign(b"\x72").hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )


@given(seeds)
def test_key_files_are_those_of_other_programs(seed: bytes) -> None:
    signer = keys.SeedSigner.from_seed(seed)
    private = load_pem_private_key(keys.private_pem(seed).encode(), None)
    written = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert keys.private_pem(seed) == written
    assert keys.seed_from_pem(written) == seed
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert keys.public_pem(signer.public) == public.decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not a key",
        keys.public_pem(SIGNER.public),
        keys.private_pem(SEED[:31]),
        keys.private_pem(SEED).replace("MC4C", "MC4D"),
        keys.private_pem(SEED).replace("END", "ENDE"),
        keys.private_pem(SEED).replace("M", "é"),
    ],
)
def test_what_is_not_an_ed25519_key_file_is_refused(text: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        keys.seed_from_pem(text)
    assert caught.value.code in {"key_invalid", "base64_invalid"}


@given(st.binary(max_size=40), st.binary(max_size=70))
def test_no_key_and_no_signature_of_any_length_verifies_by_accident(
    public: bytes, signature: bytes
) -> None:
    assert not keys.verify(public, signature, b"message")
    assert not keys.verify(SIGNER.public, signature, b"message")


def test_a_key_of_small_order_verifies_nothing() -> None:
    """With the neutral element as its key, a signature of any message would hold."""
    neutral = (1).to_bytes(32, "little")
    assert not keys.verify(neutral, neutral + bytes(32), b"message")
