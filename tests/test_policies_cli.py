"""The officer's commands: cases, a decision told, what-if, coverage; and their exit status."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from governance.cli import main
from governance.policy import as_body, decide, load
from tests.house import PICTURE, POLICIES
from tests.platform import open_service
from tests.policy.samples import BASE

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: object) -> tuple[int, str, str]:
        status = main(["policies", *map(str, arguments)])
        return status, *capsys.readouterr()

    return command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the policies that may be changed."""
    return shutil.copytree(POLICIES, tmp_path / "policies")


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, str]]:
    """A data folder with one request; its generation and the record of its decision."""
    data = tmp_path_factory.mktemp("officer") / "data"
    service = open_service(data)
    request = replace(PICTURE, width=512, height=512)
    generation = service.ask(request, service.caller(service.person("producer"))).id
    decision = service.records(generation)[1].id
    service.close()
    yield data, generation, decision


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "packs/house.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


class TestCases:
    def test_those_that_ship_come_out_as_written(self, run: Run) -> None:
        status, out, _ = run("test")
        assert status == 0, out
        assert out.endswith(" cases, 0 failed\n")

    def test_what_fails_is_named_with_file_and_line(self, run: Run, folder: Path) -> None:
        edit(folder, "months: 6", "months: 12")
        status, out, _ = run("test", folder)
        assert status == 1
        assert any(
            line.startswith("cases/house.yaml:") and "house-retain" in line
            for line in out.splitlines()
        )

    def test_a_folder_that_is_none_is_named(self, run: Run, tmp_path: Path) -> None:
        status, _, err = run("test", tmp_path / "nowhere")
        assert status == 1
        assert "nowhere is no folder" in err

    def test_cases_that_cannot_be_read_are_refused(self, run: Run, folder: Path) -> None:
        (folder / "cases/house.yaml").write_text("- {rule: house-retain}\n")
        status, _, err = run("test", folder)
        assert status == 1
        assert "cases/house.yaml:1" in err


class TestExplaining:
    def test_a_generation_and_a_record(self, run: Run, asked: tuple[Path, str, str]) -> None:
        data, generation, record = asked
        for name in (generation, record):
            status, out, _ = run("explain", name, "--data", data)
            assert status == 0
            assert out.startswith("The person usr_")
            assert "It was permitted." in out

    def test_a_decision_in_a_file(self, run: Run, tmp_path: Path) -> None:
        file = tmp_path / "decision.json"
        file.write_text(json.dumps(as_body(decide(load(POLICIES), BASE))))
        status, out, _ = run("explain", "--file", file)
        assert status == 0
        assert "It was permitted." in out
        file.write_text('{"effect": "permit"}')
        assert run("explain", "--file", file)[0] == 1

    def test_what_is_not_on_record_is_said(self, run: Run, asked: tuple[Path, str, str]) -> None:
        status, _, err = run("explain", "gen_" + "0" * 32, "--data", asked[0])
        assert status == 1
        assert "No decision is on record" in err
        assert run("explain")[0] == 1


class TestWhatIf:
    def test_the_current_rules_against_changed_ones(
        self, run: Run, asked: tuple[Path, str, str], folder: Path
    ) -> None:
        data, generation, _ = asked
        edit(folder, "months: 6", "months: 12")
        status, out, _ = run("diff", "current", folder, "--data", data)
        assert status == 0
        assert "1 decisions, 0 unchanged" in out
        assert "~ duty retain.records" in out
        assert generation in out

    def test_old_rules_by_their_digest_or_folder(
        self, run: Run, asked: tuple[Path, str, str]
    ) -> None:
        digest = load(POLICIES).digest
        for old in (digest, POLICIES):
            status, out, _ = run("diff", old, POLICIES, "--since", "2026-01-01", "--data", asked[0])
            assert (status, out.splitlines()[0]) == (0, "1 decisions, 1 unchanged")
        assert run("diff", "0" * 64, POLICIES, "--data", asked[0])[0] == 1

    def test_a_period_that_is_none_is_refused(self, run: Run, asked: tuple[Path, str, str]) -> None:
        status, _, err = run("diff", "current", POLICIES, "--since", "soon", "--data", asked[0])
        assert status == 1
        assert "--since" in err


def test_coverage_names_the_rules_that_never_matched(
    run: Run, asked: tuple[Path, str, str]
) -> None:
    status, out, _ = run("coverage", "--data", asked[0])
    assert status == 0
    assert "1 decisions" in out
    lines = out.splitlines()
    assert any("house-retain" in line and "never" not in line for line in lines)
    assert any("house-prompt-fail" in line and line.endswith("never matched") for line in lines)
    assert "0 decisions" in run("coverage", "--project", "empty", "--data", asked[0])[1]
