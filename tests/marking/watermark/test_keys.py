"""The secret of the watermark: made once, kept closed, never shown."""

import stat
from pathlib import Path

import pytest

from governance.kernel.errors import ConfigurationError
from governance.marking.watermark.keys import KEY_FILE, WatermarkKeys, load_or_create, stream


def test_the_first_start_makes_a_secret_that_later_starts_load(tmp_path: Path) -> None:
    keys = load_or_create(tmp_path / "keys")
    assert load_or_create(tmp_path / "keys") == keys
    assert load_or_create(tmp_path / "elsewhere") != keys


def test_only_the_owner_may_read_the_file_and_no_draft_stays_behind(tmp_path: Path) -> None:
    load_or_create(tmp_path)
    (path,) = tmp_path.iterdir()
    assert path.name == KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_secret_never_shows_in_a_text_of_the_keys(tmp_path: Path) -> None:
    keys = load_or_create(tmp_path)
    assert keys.secret.hex() not in repr(keys)
    assert str(keys.secret) not in repr(keys)


@pytest.mark.parametrize("content", ["", "00" * 31, "00" * 33, "secret" * 10, "é" * 64])
def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path, content: str) -> None:
    (tmp_path / KEY_FILE).write_text(content)
    with pytest.raises(ConfigurationError) as caught:
        load_or_create(tmp_path)
    assert caught.value.code == "secret_file_invalid"
    assert content == "" or content not in caught.value.message
    assert (tmp_path / KEY_FILE).read_text() == content


def test_pattern_and_scrambles_are_different_for_every_secret_and_organisation() -> None:
    one, other = WatermarkKeys(bytes(32)), WatermarkKeys(b"\x01" * 32)
    drawn = [one.pattern(), other.pattern(), one.scramble("a"), one.scramble("b")]
    assert len({*drawn, other.scramble("a")}) == 5
    assert one.scramble("a") == WatermarkKeys(bytes(32)).scramble("a")


def test_a_stream_is_the_same_for_ever() -> None:
    assert stream(bytes(32), "phases", 8).hex() == "7dd32a5f9cd3bf2d"
    assert stream(bytes(32), "roles", 8) != stream(bytes(32), "phases", 8)
    assert WatermarkKeys(bytes(32)).pattern().hex()[:16] == "64636e6ed497b07a"
