"""Logs: one JSON object per line, only known fields, other people's chatter left out."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from freezegun import freeze_time

from governance.kernel import logs

Written = Callable[[Callable[[], None]], list[dict[str, Any]]]

log = logging.getLogger("governance.test")


@pytest.fixture
def written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Written]:
    """Answers what one event writes when logging is set up as the service does it."""
    loggers = [logging.getLogger(name) for name in (None, "governance", "uvicorn")]
    levels = [logger.level for logger in loggers]

    def run(event: Callable[[], None]) -> list[dict[str, Any]]:
        monkeypatch.setattr(logging.root, "handlers", [])
        logs.configure()
        event()
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    yield run
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@freeze_time("2026-11-22T11:12:05.5Z")
def test_an_event_is_one_line_with_its_time_and_its_known_fields(written: Written) -> None:
    extra = {"generation": "gen_1", "step": "mark", "prompt": "a secret"}
    assert written(lambda: log.info("step %s", "done", extra=extra)) == [
        {
            "time": "2026-11-22T11:12:05.500000Z",
            "level": "info",
            "logger": "governance.test",
            "message": "step done",
            "generation": "gen_1",
            "step": "mark",
        }
    ]


def test_an_exception_stays_on_its_line(written: Written) -> None:
    def fail() -> None:
        try:
            raise ValueError("first line\nsecond line")
        except ValueError:
            log.exception("it failed")

    (line,) = written(fail)
    assert line["level"] == "error"
    assert "ValueError: first line\nsecond line" in line["exception"]


def test_text_cannot_forge_a_second_line(written: Written) -> None:
    assert len(written(lambda: log.info('one\n{"level": "info", "message": "forged"}'))) == 1


def test_libraries_are_heard_only_when_they_warn(written: Written) -> None:
    """The policy engine would log every rule, the HTTP client every address."""
    library = logging.getLogger("library")

    def chatter() -> None:
        library.info("chatter")
        library.warning("heard")

    assert [line["message"] for line in written(chatter)] == ["heard"]
