"""The bytes that are stored."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel.errors import InvalidRequest
from governance.marking.fingerprint.fingerprint import (
    HASH_BYTES,
    MAX_BYTES,
    MAX_MOMENTS,
    Fingerprint,
    Kind,
)


def fingerprint(moments: int, kind: Kind = "picture", seed: int = 0) -> Fingerprint:
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 256, (moments, HASH_BYTES), np.uint8)
    return Fingerprint(kind, np.arange(moments, dtype=np.uint32) * 1000, hashes)


@given(st.integers(0, 40), st.sampled_from(["picture", "sound"]), st.integers(0, 99))
def test_what_is_stored_reads_back(moments: int, kind: Kind, seed: int) -> None:
    written = fingerprint(moments, kind, seed)
    read = Fingerprint.from_bytes(written.to_bytes())
    assert (read.kind, read.digest) == (kind, written.digest)
    assert (read.milliseconds == written.milliseconds).all()
    assert (read.hashes == written.hashes).all()


def test_the_digest_is_that_of_the_bytes() -> None:
    made = fingerprint(3)
    assert made.digest == hashlib.sha256(made.to_bytes()).hexdigest()


def test_eight_hours_fit_into_a_megabyte() -> None:
    assert len(fingerprint(MAX_MOMENTS).to_bytes()) == MAX_BYTES <= 1_048_576


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:6],
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: b"XXXX" + data[4:],
        lambda data: data[:4] + b"\x07" + data[5:],
        lambda data: data[:5] + (MAX_MOMENTS + 1).to_bytes(4, "big") + data[9:],
    ],
)
def test_anything_else_is_refused(damage) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidRequest) as refusal:
        Fingerprint.from_bytes(damage(fingerprint(2).to_bytes()))
    assert refusal.value.code == "fingerprint_invalid"
