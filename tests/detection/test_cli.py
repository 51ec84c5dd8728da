"""`governance detect` and `governance verify-detection`, as somebody at a terminal meets them."""

from pathlib import Path

import orjson
import pytest
from PIL import Image

from governance.cli import main
from tests.detection.conftest import Press


@pytest.fixture
def data(press: Press, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    settings = press.context.settings
    monkeypatch.setenv("GOVERNANCE_POLICIES_DIR", str(settings.policies_dir))
    return ["--data", str(settings.data_dir)]


@pytest.fixture
def unknown(tmp_path: Path) -> Path:
    path = tmp_path / "unknown.png"
    Image.new("RGB", (64, 64), (200, 90, 90)).save(path)
    return path


def test_a_released_file_is_found_and_the_result_verifies_offline(
    press: Press, data: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = press.delivered(press.released), tmp_path / "result.json"
    assert main(["detect", str(path), "--out", str(out), *data]) == 0
    said = capsys.readouterr().out
    assert "This service released exactly this file" in said
    assert f"Record: {press.released}" in said
    assert "Basis: digest" in said

    root = press.context.ledger.keyring.root
    check = ["verify-detection", str(out), "--root", root]
    assert main([*check, "--file", str(path)]) == 0
    assert "VERIFIED" in capsys.readouterr().out
    other = tmp_path / "other"
    other.write_bytes(b"other")
    assert main([*check, "--file", str(other)]) == 1
    assert "NOT VERIFIED" in capsys.readouterr().out
    out.write_bytes(out.read_bytes().replace(b'"released"', b'"recalled"'))
    assert main(check) == 1
    assert "not the one that was signed" in capsys.readouterr().out


def test_a_file_without_a_mark_of_ours_has_a_status_of_its_own(
    data: list[str], unknown: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["detect", str(unknown), "--json", "--progress", *data]) == 1
    told = capsys.readouterr()
    assert orjson.loads(told.out)["statement"]["verdict"]["code"] == "nothing"
    assert "unknown.png: 100%" in told.err


def test_what_cannot_be_looked_at_is_an_error_that_stops_no_other(
    data: list[str], unknown: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_text("no picture")
    assert main(["detect", str(broken), str(unknown), *data]) == 2
    told = capsys.readouterr()
    assert "unknown.png" in told.out
    assert "broken.png" in told.err
    assert main(["detect", str(tmp_path / "none.png"), *data]) == 2
    out = ["--out", str(tmp_path / "result.json")]
    assert main(["detect", str(unknown), str(unknown), *out, *data]) == 2


def test_a_folder_mistyped_is_an_error(tmp_path: Path, unknown: Path) -> None:
    assert main(["detect", str(unknown), "--data", str(tmp_path / "none")]) == 2


def test_marks_check_tells_what_a_copy_lost_from_what_was_never_written(
    press: Press, data: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy.jpg"
    Image.open(press.delivered(press.released)).convert("RGB").save(copy, quality=80)
    assert main(["marks", "check", str(copy), "--against", press.released, *data]) == 1
    said = capsys.readouterr().out
    assert "c2pa         lost " in said
    assert "aigc         not written " in said
    assert "Lost, though due: mark.signed_metadata" in said


def test_marks_check_of_a_file_that_is_not_there_says_so(
    press: Press, data: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "missing.mp4")
    assert main(["marks", "check", missing, "--against", press.released, *data]) == 2
    assert "missing.mp4" in capsys.readouterr().err
