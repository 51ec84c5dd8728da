"""Secrets of others: sealed for one purpose, opened by the same key only."""

from pathlib import Path

import pytest

from governance.kernel import sealing
from governance.kernel.errors import ConfigurationError


def test_what_was_sealed_is_opened_again_after_a_restart(tmp_path: Path) -> None:
    sealed = sealing.load_or_create(tmp_path).seal(b"a key", "row 1")
    assert b"a key" not in sealed
    assert sealing.load_or_create(tmp_path).open(sealed, "row 1") == b"a key"


def test_the_same_secret_is_never_sealed_alike(tmp_path: Path) -> None:
    sealer = sealing.load_or_create(tmp_path)
    assert sealer.seal(b"a key", "row 1") != sealer.seal(b"a key", "row 1")


def test_a_row_that_was_copied_elsewhere_does_not_open(tmp_path: Path) -> None:
    sealer = sealing.load_or_create(tmp_path)
    sealed = sealer.seal(b"a key", "row 1")
    for purpose in ("row 2", "row", "row 1\0a"):
        with pytest.raises(ConfigurationError) as caught:
            sealer.open(sealed, purpose)
        assert caught.value.code == "sealed_unreadable"


@pytest.mark.parametrize("spoilt", [b"", b"short", bytes(80)])
def test_bytes_that_were_never_sealed_do_not_open(tmp_path: Path, spoilt: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"sealing\.key"):
        sealing.load_or_create(tmp_path).open(spoilt, "row 1")


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    sealed = sealing.load_or_create(tmp_path / "one").seal(b"a key", "row 1")
    with pytest.raises(ConfigurationError):
        sealing.load_or_create(tmp_path / "two").open(sealed, "row 1")


def test_the_secret_is_not_shown_and_not_readable_by_others(tmp_path: Path) -> None:
    sealer = sealing.load_or_create(tmp_path)
    file = tmp_path / sealing.KEY_FILE
    assert sealer.secret.hex() not in repr(sealer)
    assert file.stat().st_mode & 0o077 == 0
