"""The command line: what it prints, what it leaves behind, and its exit status."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import httpx
import pypdf
import pytest
from sqlmodel import select

from governance.cli import agents, main
from governance.client.keyfile import load_key
from governance.evidence import bundle
from governance.identity import people
from governance.kernel.database import Database
from governance.kernel.settings import packaged
from governance.ledger.tables import LogRecord
from governance.policy import load as load_policy
from governance.policy.tables import RoleAssignment

HOUSE = Path(__file__).parents[1]
STEPS = [
    "root",
    "checkpoint",
    "tree",
    "records",
    "streams",
    "stories",
    "disclosures",
    "policies",
    "identities",
    "statements",
]
PERIOD = ("--from", "2026-01-01", "--to", "2100-01-01")
# What an auditor's machine need not have.
SERVER = ("fastapi", "uvicorn", "sqlalchemy", "sqlmodel", "pydantic", "httpx", "governance.kernel")


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str


Run = Callable[..., Ran]


@dataclass(frozen=True)
class Folder:
    """A data folder; a bundle and a report made from it; what its first start printed."""

    data: Path
    bundle: Path
    report: Path
    first_words: str

    @property
    def root(self) -> str:
        return (self.data / "keys" / "root-fingerprint.txt").read_text().strip()

    @contextmanager
    def database(self) -> Iterator[Database]:
        with closing(Database(f"sqlite:///{self.data}/governance.sqlite3")) as database:
            yield database

    def events(self) -> list[str]:
        with self.database() as database, database.read() as session:
            return list(session.exec(select(LogRecord.event).order_by(LogRecord.id)))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GOVERNANCE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process."""

    def command(*arguments: object) -> Ran:
        status: object
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = stop.code
        assert isinstance(status, int)
        return Ran(status, *capsys.readouterr())

    return command


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A service that was started once and has issued a bundle and a report."""
    place = tmp_path_factory.mktemp("cli")
    data, bundle, report = place / "data", place / "evidence.zip", place / "report.pdf"
    printed = StringIO()
    with redirect_stdout(printed):
        assert main(["init", "--data", str(data)]) == 0
        assert main(["export", "--data", str(data), "--out", str(bundle)]) == 0
        assert main(["report", *PERIOD, "--data", str(data), "--out", str(report)]) == 0
    return Folder(data, bundle, report, printed.getvalue())


# First start


def test_a_folder_mistyped_does_not_become_a_new_service(tmp_path: Path, run: Run) -> None:
    result = run("export", "--data", tmp_path / "dta")
    assert (result.status, result.out) == (1, "")
    assert "governance init" in result.err
    assert not (tmp_path / "dta").exists()


def test_a_service_is_made_once(folder: Folder, run: Run) -> None:
    result = run("init", *at(folder))
    assert result.status == 0
    assert "nothing was changed" in result.out


def test_a_reader_who_has_seen_enough_gets_no_traceback(folder: Folder) -> None:
    command = [sys.executable, "-m", "governance", "states"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""


def test_the_first_start_says_the_password_and_the_root_fingerprint_once(
    folder: Folder, run: Run
) -> None:
    assert folder.first_words.count("one-time password") == 1
    assert folder.root in folder.first_words
    (password,) = re.findall(r"^    (\S+)$", folder.first_words, re.MULTILINE)
    again = run("export", "--data", folder.data, "--out", folder.bundle)
    assert password not in again.out
    assert "First start" not in again.out
    with folder.database() as database, database.read() as session:
        kept = people.person_by_username(session, "admin")
    assert password not in repr(kept)


# verify


def test_a_bundle_and_a_report_that_hold_are_verified(folder: Folder, run: Run) -> None:
    for file in (folder.bundle, folder.report):
        result = run("verify", file, "--root", folder.root)
        assert result.status == 0
        assert "VERIFIED. Everything above holds." in result.out
        assert "Not checked, because it cannot be:" in result.out
        assert max(map(len, result.out.splitlines())) <= 100


def test_the_json_answer_has_steps_gaps_and_no_failure(folder: Folder, run: Run) -> None:
    answer = json.loads(run("verify", folder.bundle, "--root", folder.root, "--json").out)
    assert answer.keys() == {"verified", "steps", "not_checked", "failure"}
    assert answer["verified"] is True
    assert answer["failure"] is None
    assert [step["name"] for step in answer["steps"]] == STEPS
    assert [step["number"] for step in answer["steps"]] == list(range(1, len(STEPS) + 1))
    assert all(step["result"] for step in answer["steps"])
    assert answer["not_checked"]


def test_the_json_answer_names_the_step_that_failed(folder: Folder, run: Run) -> None:
    result = run("verify", folder.bundle, "--root", "SHA256:" + "A" * 43, "--json")
    answer = json.loads(result.out)
    assert result.status == 1
    assert answer["verified"] is False
    assert answer["failure"].keys() == {"step", "code", "message"}
    assert answer["failure"]["step"] == "root"


def test_another_root_is_not_believed(folder: Folder, run: Run) -> None:
    result = run("verify", folder.bundle, "--root", "SHA256:" + "A" * 43)
    assert result.status == 1
    assert "NOT VERIFIED: The key manifest is rooted in" in result.out


def test_a_truncated_bundle_is_damaged(folder: Folder, run: Run, tmp_path: Path) -> None:
    damaged = tmp_path / "evidence.zip"
    damaged.write_bytes(folder.bundle.read_bytes()[:-2000])
    result = run("verify", damaged, "--root", folder.root)
    assert result.status == 1
    assert "NOT VERIFIED" in result.out


def test_a_pdf_without_evidence_is_no_report(run: Run, folder: Folder, tmp_path: Path) -> None:
    plain = tmp_path / "plain.pdf"
    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    writer.write(plain)
    result = run("verify", plain, "--root", folder.root)
    assert result.status == 1
    assert "has no attachment" in result.out


def test_a_file_that_is_missing_is_named(run: Run, folder: Folder, tmp_path: Path) -> None:
    result = run("verify", tmp_path / "lost.zip", "--root", folder.root)
    assert result.status == 1
    assert "lost.zip cannot be read" in " ".join(result.out.split())


@pytest.mark.parametrize("suffix", ["bundle", "report"])
def test_verifying_loads_nothing_of_the_server(folder: Folder, suffix: str) -> None:
    file = folder.bundle if suffix == "bundle" else folder.report
    program = f"""
import sys
from governance.cli import main
status = main(["verify", {str(file)!r}, "--root", {folder.root!r}])
loaded = [name for name in {SERVER!r} if name in sys.modules]
sys.exit(f"loaded: {{loaded}}" if loaded else status)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=HOUSE, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


# report and export


def test_issuing_leaves_a_file_a_command_and_a_record(folder: Folder) -> None:
    for file in (folder.bundle, folder.report):
        assert f"governance verify {file} --root {folder.root}" in folder.first_words
    assert folder.report.read_bytes().startswith(b"%PDF-")
    assert {"export.made", "report.issued"} <= set(folder.events())


def test_a_bundle_of_one_project_says_so(folder: Folder, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "launch.zip"
    run("export", "--project", "launch", "--out", target, *at(folder))
    scope = json.loads(bundle.unpack(target.read_bytes())["scope.json"])
    assert (scope["organisation"], scope["project"]) == ("default", "launch")
    assert run("verify", target, "--root", folder.root).status == 0


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("yesterday", "2026-12-01", "“yesterday” is neither a date"),
        ("2026-12-01", "2026-11-01", "must lie before"),
    ],
)
def test_a_period_that_cannot_be_is_refused(
    folder: Folder, run: Run, start: str, end: str, said: str
) -> None:
    result = run("report", "--from", start, "--to", end, "--data", folder.data)
    assert result.status == 1
    assert result.err.startswith("governance: ")
    assert said in result.err


def test_a_file_that_cannot_be_written_is_named(folder: Folder, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "no-such-folder" / "b.zip"
    result = run("export", "--data", folder.data, "--out", target)
    assert result.status == 1
    assert str(target) in result.err


# People and agents


def test_a_person_gets_an_account_a_role_and_a_password_to_change(folder: Folder, run: Run) -> None:
    made = run("add-person", "paula", "--name", "Paula", "--role", "producer", *at(folder))
    assert made.status == 0
    person, said = made.out.splitlines()
    assert person.startswith("usr_")
    assert re.fullmatch(r"One-time password, to choose another with: \S{20,}", said)
    assert roles(folder, person) == ["role:producer"]


def test_a_role_that_does_not_exist_leaves_no_account(folder: Folder, run: Run) -> None:
    result = run("add-person", "peter", "--name", "Peter", "--role", "emperor", *at(folder))
    assert result.status == 1
    assert "emperor" in result.err
    assert run("add-person", "peter", "--name", "Peter", *at(folder)).status == 0


def test_an_agent_gets_a_key_of_its_own(folder: Folder, run: Run, tmp_path: Path) -> None:
    run("add-person", "pia", "--name", "Pia", *at(folder))
    key = tmp_path / "agent.pem"
    asked = ("add-agent", "storyboard", "--accountable", "pia", "--role", "agent", "--key", key)
    made = run(*asked, *at(folder))
    assert made.status == 0
    agent = made.out.splitlines()[0]
    assert agent.startswith("agt_")
    assert roles(folder, agent) == ["role:agent"]
    assert len(load_key(key)) == 32
    assert key.stat().st_mode & 0o777 == 0o600
    again = run(*asked, *at(folder))
    assert again.status == 1
    assert "agent.pem exists" in again.err


def test_an_agents_ceiling_is_what_its_role_allows_unless_told_otherwise() -> None:
    allowed = [
        f"{permission.object}:{permission.action}"
        for permission in load_policy(packaged("policies")).permissions
        if permission.subject == "role:agent"
    ]
    assert sorted(agents.ACTIONS) == sorted(allowed)


def test_an_agents_document_says_how_far_it_may_go(
    folder: Folder, run: Run, tmp_path: Path
) -> None:
    run("add-person", "petra", "--name", "Petra", *at(folder))
    limits = ("--project", "launch", "--model", "google/*", "--per-call", "5", "--days", "30")
    asked = ("--accountable", "petra", "--purpose", "Drafts storyboards", *limits)
    made = run("add-agent", "drafts", "--key", tmp_path / "a.pem", *asked, *at(folder))
    agent = made.out.splitlines()[0]
    shown = json.loads(run("agents", "show", agent, *at(folder)).out)
    ceiling = shown["document"]["grant_ceiling"]
    assert (ceiling["projects"], ceiling["models"]) == (["launch"], ["google/*"])
    assert ceiling["per_call"] == "5"
    assert shown["document"]["purpose"]["summary"] == "Drafts storyboards"
    assert len(shown["signatures"]) == 2
    below = ("--accountable", "petra", "--parent", agent, "--key", tmp_path / "b.pem")
    wider = run("add-agent", "helper", *below, *at(folder))
    assert wider.status == 1
    assert "`projects`" in wider.err
    assert run("add-agent", "helper", *below, *limits, *at(folder)).status == 0


def test_an_agent_is_suspended_resumed_and_revoked(
    folder: Folder, run: Run, tmp_path: Path
) -> None:
    run("add-person", "pablo", "--name", "Pablo", *at(folder))
    asked = ("--accountable", "pablo", "--key", tmp_path / "agent.pem")
    agent = run("add-agent", "brief", *asked, *at(folder)).out.splitlines()[0]
    for action, state in (("suspend", "suspended"), ("resume", "active"), ("revoke", "revoked")):
        assert run("agents", action, agent, *at(folder)).status == 0
        listed = run("agents", "list", *at(folder)).out
        assert re.search(rf"^{agent}  {state} +\d{{4}}-\d\d-\d\d  brief$", listed, re.MULTILINE)
    late = run("agents", "resume", agent, *at(folder))
    assert late.status == 1
    assert "revoked" in late.err
    for action in ("show", "suspend"):
        assert run("agents", action, "agt_none", *at(folder)).status == 1


def test_an_agent_that_is_refused_leaves_no_key(folder: Folder, run: Run, tmp_path: Path) -> None:
    run("add-person", "piet", "--name", "Piet", *at(folder))
    key = tmp_path / "agent.pem"
    asked = ("add-agent", "editor", "--key", key, *at(folder))
    for rest in (("--accountable", "nobody"), ("--accountable", "piet", "--role", "emperor")):
        result = run(*asked, *rest)
        assert result.status == 1
        assert result.err.startswith("governance: ")
        assert not key.exists()


def at(folder: Folder) -> tuple[object, ...]:
    return ("--data", folder.data)


def roles(folder: Folder, subject: str) -> list[str]:
    query = select(RoleAssignment.role).where(RoleAssignment.subject == subject)
    with folder.database() as database, database.read() as session:
        return list(session.exec(query))


# Policies


def test_the_policies_that_come_with_the_service_have_no_fault(run: Run) -> None:
    assert run("policies", "check") == Ran(0, "policies: no faults\n", "")


def test_a_rule_that_can_never_match_is_a_warning_and_no_fault(run: Run, tmp_path: Path) -> None:
    policies = shutil.copytree(HOUSE / "policies", tmp_path / "policies")
    pack = policies / "packs" / "house.yaml"
    text = pack.read_text()
    never = "when: {properties: {references: {minItems: 2, maxItems: 1}}}"
    pack.write_text(text.replace("when: {}", never))
    result = run("policies", "check", policies)
    assert result.status == 0
    warning, count = result.out.splitlines()
    assert warning.startswith("packs/house.yaml:")
    assert "rule house-retain can never match" in warning and warning.endswith("(warning)")
    assert count == "policies: no faults"


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "packs/house.yaml",
            "{kind: consent.reference,",
            "{kind: consent.papers,",
            "consent.papers",
        ),
        ("packs/house.yaml", "    cites: House rule 1", "    sites: House rule 1", "sites"),
        ("packs/house.yaml", "    binds: [provider, deployer]", "    binds: [provider", ""),
        ("catalogue.yaml", "    tier: procedural", "    tier: cheap", "cheap"),
        ("reasons.yaml", "    decision: approve", "    decision: applaud", "applaud"),
        ("prompt-rules.yaml", "    severity: fail", "    severity: grave", "grave"),
    ],
    ids=["unknown duty", "misspelt key", "broken YAML", "catalogue", "reasons", "prompt rules"],
)
def test_a_fault_in_the_policies_is_named_with_file_and_line(
    run: Run, tmp_path: Path, file: str, old: str, new: str, said: str
) -> None:
    policies = shutil.copytree(HOUSE / "policies", tmp_path / "policies")
    text = (policies / file).read_text()
    line = text[: text.index(old)].count("\n") + 1
    (policies / file).write_text(text.replace(old, new, 1))
    result = run("policies", "check", policies)
    faults = re.findall(r"^(\S+):(\d+): (.+)$", result.out, re.MULTILINE)
    assert result.status == 1
    assert {name for name, _, _ in faults} == {file}
    # The line itself, or where the part begins that it belongs to.
    assert all(line - 4 <= int(number) <= line + 1 for _, number, _ in faults)
    assert said in " ".join(message for _, _, message in faults)
    assert result.out.count("\n") == len(faults) + 1


def test_every_file_that_is_missing_is_listed(run: Run, tmp_path: Path) -> None:
    result = run("policies", "check", tmp_path)
    assert result.status == 1
    for file in ("catalogue.yaml", "prompt-rules.yaml", "reasons.yaml"):
        assert f"\n{file}:1: " in result.out


# Usage


@pytest.mark.parametrize(
    "arguments",
    [(), ("dance",), ("verify", "x.zip"), ("report",), ("policies",), ("serve", "--port", "x")],
    ids=" ".join,
)
def test_bad_usage_is_explained(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.status == 2
    assert result.err.startswith("usage: governance")


def test_the_table_of_steps_can_be_printed(run: Run) -> None:
    result = run("states")
    assert result.status == 0
    assert result.out.startswith("| state |")


# serve


def test_an_open_port_without_tls_is_refused_in_one_sentence(run: Run, tmp_path: Path) -> None:
    result = run("serve", "--host", "0.0.0.0", "--data", tmp_path / "data")
    assert result.status == 1
    assert result.err.count("\n") == 1
    assert "GOVERNANCE_PUBLIC_URL must be the https:// address" in result.err
    assert not (tmp_path / "data").exists()


def test_a_port_that_is_taken_is_refused_before_a_password_is_made(
    run: Run, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("serve", "--port", taken.getsockname()[1], "--data", tmp_path / "data")
    assert result.status == 1
    assert "--port" in result.err
    assert not (tmp_path / "data").exists()


def test_the_service_starts_answers_and_stops_cleanly(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "governance", "serve", "--port", str(port)]
    with subprocess.Popen(
        [*command, "--data", str(tmp_path / "data")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(HOUSE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
                assert answer(client).status_code == 200
                asked = time.monotonic()
                process.send_signal(signal.SIGTERM)  # the client's connection is still open
                out, err = process.communicate(timeout=15)
        finally:
            process.kill()
    assert time.monotonic() - asked < 10
    assert process.returncode == 0
    assert "First start" in out
    assert f"Governance service on http://127.0.0.1:{port}" in out
    assert all(json.loads(line)["level"] == "info" for line in err.splitlines())


def answer(client: httpx.Client) -> httpx.Response:
    """The first page, as soon as the service answers."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return client.get("/")
        except httpx.ConnectError:
            assert time.monotonic() < deadline, "the service did not start"
            time.sleep(0.05)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
