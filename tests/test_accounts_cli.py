"""The operator's commands for accounts with vendors."""

import io
from pathlib import Path

import pytest

from governance.cli import main


@pytest.fixture
def data(tmp_path: Path) -> Path:
    main(["init", "--data", str(tmp_path / "data")])
    return tmp_path / "data"


def test_an_account_is_set_from_a_pipe_listed_and_removed(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("sk-very-secret\n"))
    assert main(["accounts", "set", "kling", "--data", str(data)]) == 0
    assert main(["accounts", "list", "--data", str(data)]) == 0
    out = capsys.readouterr().out
    assert "sk-very-secret" not in out
    listed = {line.split()[0]: " ".join(line.split()[1:]) for line in out.splitlines() if line}
    assert (listed["kling"], listed["luma"]) == ("own account", "not configured")
    assert main(["accounts", "remove", "kling", "--data", str(data)]) == 0
    assert main(["accounts", "remove", "kling", "--data", str(data)]) == 1
    assert "no account of default at kling" in capsys.readouterr().err


def test_a_provider_mistyped_is_named_with_those_that_are_there(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("sk\n"))
    assert main(["accounts", "set", "klong", "--data", str(data)]) == 1
    assert "kling" in capsys.readouterr().err
