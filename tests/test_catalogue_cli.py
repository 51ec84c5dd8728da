"""`governance catalogue check` and `governance models`: what may be routed to, and what not."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from freezegun import freeze_time

from governance.cli import main
from tests.house import POLICIES
from tests.platform import open_service

Run = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: object) -> tuple[int, list[str]]:
        status = main([*map(str, arguments)])
        return status, capsys.readouterr().out.splitlines()

    return command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(POLICIES, tmp_path / "policies")


def edit(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


class TestCheck:
    def test_tells_the_ends_that_are_near_and_is_content(self, run: Run) -> None:
        with freeze_time("2026-11-23"):
            status, lines = run("catalogue", "check")

        assert status == 0
        assert lines[-1].endswith("models, 0 stale")
        assert any("gpt-4o-mini-tts ends on 2027-01-06, in 44 days" in line for line in lines)

    def test_tells_nothing_yet_61_days_ahead_and_nothing_more_on_the_day(self, run: Run) -> None:
        for day in ("2026-11-06", "2027-01-06"):
            with freeze_time(day):
                _, lines = run("catalogue", "check")
            assert not any("gpt-4o-mini-tts" in line for line in lines)

    def test_fails_for_entries_that_nobody_has_looked_at_for_long(self, run: Run) -> None:
        with freeze_time("2027-03-23"):
            status, lines = run("catalogue", "check")

        assert status == 1
        assert "kling/kling-v3: what is known of it is of 2026-11-22, older than 120 days; " in (
            "\n".join(lines)
        )
        assert not any(line.startswith(("local/", "openai/sora")) for line in lines)

    @pytest.mark.parametrize(
        ("file", "old", "new"),
        [
            ("catalogue.yaml", "status: legacy", "status: dusty"),
            ("tiers.yaml", "tiers: [premium]", "tiers: [gold]"),
        ],
    )
    def test_names_faults_with_file_and_line(
        self, run: Run, folder: Path, file: str, old: str, new: str
    ) -> None:
        edit(folder, file, old, new)

        status, lines = run("catalogue", "check", folder)

        assert status == 1
        assert lines[0].startswith(f"{file}:")
        assert lines[-1] == "catalogue: 1 fault"


class TestModels:
    @pytest.fixture(scope="class")
    def data(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        data = tmp_path_factory.mktemp("models") / "data"
        open_service(data).close()
        return data

    def test_lists_what_can_be_asked_for_with_its_figures(self, run: Run, data: Path) -> None:
        status, lines = run("models", "--data", data)

        assert status == 0
        assert [line.split()[0] for line in lines] == [
            "MODEL",
            "local/procedural-audio",
            "local/procedural-image",
            "local/procedural-video",
        ]
        assert "(0.0000-" in lines[1] and "assumed)" in lines[1] and "0/clip" in lines[1]

    def test_lists_the_others_on_request_and_says_what_they_lack(
        self, run: Run, data: Path
    ) -> None:
        with freeze_time("2026-11-23"):
            _, lines = run("models", "--all", "--data", data)

        told = {line.split()[0]: line for line in lines}
        assert told["openai/sora-2"].endswith("retired on 2026-09-24")
        assert told["kling/kling-3.0-turbo"].endswith("no price known")
        assert told["kling/kling-v3"].endswith("no account")
        assert "inferred" in told["luma/ray-3.2"]
        assert "0.06-3.60/clip" in told["luma/ray-3.2"]
