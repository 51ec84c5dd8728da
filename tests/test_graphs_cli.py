"""The operator's commands for graphs: what is listed, whether it is signed, and signing it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from governance.cli import main
from governance.cli.data import published
from governance.routing import graphs

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    main(["init", "--data", str(tmp_path / "data")])
    return tmp_path / "data"


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(action: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(["graphs", action, "--data", str(data)])
        return status, *capsys.readouterr()

    return command


def test_graphs_are_not_signed_until_the_operator_signs_them(run: Run, data: Path) -> None:
    status, out, _ = run("check")
    assert status == 1
    assert "not signed" in out

    status, out, _ = run("sign")
    assert status == 0
    assert "wan2.2-ti2v-5b.v1  video  sha256:" in out

    status, out, _ = run("check")
    assert status == 0
    assert out.endswith("\nsigned\n")
    with published(data) as context:
        key = context.ledger.keyring.record
        held = graphs.Graphs(context.settings.policies_dir, data / graphs.APPROVAL, key.public)
        assert held.signed()
        assert key.keyid in run("sign")[1]


def test_a_signature_of_another_service_is_none(run: Run, data: Path, tmp_path: Path) -> None:
    main(["init", "--data", str(tmp_path / "other")])
    main(["graphs", "sign", "--data", str(tmp_path / "other")])
    (data / graphs.APPROVAL).write_bytes((tmp_path / "other" / graphs.APPROVAL).read_bytes())

    assert run("check")[0] == 1
