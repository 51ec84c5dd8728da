"""`governance mandates`: from the operator's own machine, without a running server."""

import json
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest

from governance.cli import main
from governance.evidence import mandate


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    with redirect_stdout(StringIO()):
        assert main(["init", "--data", str(tmp_path / "data")]) == 0
    return tmp_path / "data"


def run(folder: Path, *words: object) -> tuple[int, list[str]]:
    """The exit status and the lines that were printed, refusals too."""
    out = StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        status = main([*map(str, words), "--data", str(folder)])
    return status, out.getvalue().splitlines()


def test_a_mandate_is_issued_listed_and_revoked(folder: Path, tmp_path: Path) -> None:
    until = datetime.now(UTC) + timedelta(days=2)
    grant = {
        "actions": ["generation:create"],
        "projects": ["launch"],
        "models": ["local/*"],
        "territories": ["EU"],
        "per_call": "1",
        "total": "2",
        "currency": "USD",
        "until": f"{until:%Y-%m-%dT%H:%M:%SZ}",
    }
    file = tmp_path / "grant.json"
    file.write_text(json.dumps(grant))
    run(folder, "add-person", "pia", "--name", "Pia")
    asked = ("add-agent", "lead", "--accountable", "pia", "--key", tmp_path / "lead.pem")
    agent = run(folder, *asked)[1][0]

    issue = ("mandates", "issue", agent, "--person", "pia", "--grant", file)
    status, (name, chain) = run(folder, *issue)
    hop = mandate.read(chain)
    assert (status, hop.id, hop.agent) == (0, name, agent)

    _, listed = run(folder, "mandates", "list")
    assert listed == [f"{name} {hop.root} -> {agent} until {hop.grant.until:%Y-%m-%d %H:%M}"]

    assert run(folder, "mandates", "revoke", name) == (
        0,
        [f"{name} is revoked, from the next request on."],
    )
    assert run(folder, "mandates", "list")[1][0].endswith("revoked")
    status, (why,) = run(folder, "mandates", "revoke", name)
    assert (status, "revoked before" in why) == (1, True)

    file.write_text("{}")
    status, (why,) = run(folder, *issue)
    assert (status, "exactly the fields" in why) == (1, True)
    file.write_text("nonsense")
    assert run(folder, *issue)[0] == 1
