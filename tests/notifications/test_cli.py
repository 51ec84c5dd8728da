"""Webhooks on the command line of a data folder."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from governance.cli import main
from governance.cli.data import published
from governance.evidence.story import Story
from governance.kernel import clock
from governance.notifications import endpoints, outbox

Run = Callable[..., str]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("webhooks") / "data"
    main(["init", "--data", str(folder)])
    return folder


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on the folder; what it prints, be it its result or why it was refused."""
    monkeypatch.setenv("GOVERNANCE_WEBHOOK_HOSTS", "127.0.0.1")

    def command(*arguments: str, fails: bool = False) -> str:
        assert main(["webhooks", *arguments, "--data", str(data)]) == (1 if fails else 0)
        printed = capsys.readouterr()
        return printed.err if fails else printed.out

    return command


def tell(data: Path) -> None:
    request = {"organisation": "default", "project": "film", "media": "image"}
    released = Story(
        id="gen_1", state="released", request=request, changed_at=clock.rfc3339(clock.now())
    )
    with published(data) as context:
        context.database.write(lambda c: outbox.enqueue(c, Story(state="verified"), released))


def test_a_webhook_is_added_listed_replayed_and_removed(run: Run, data: Path) -> None:
    made = run("add", "https://127.0.0.1:9/hook", "--event", "generation.released")
    webhook = made.splitlines()[0]
    assert re.search(r"Secret, shown this once: whsec_\S{44}", made)
    listed = run("list")
    assert f"{webhook}  active" in listed
    assert "whsec_" not in listed
    tell(data)
    assert re.search(r"evt_\w+  pending    generation.released  0  -", run("deliveries", webhook))
    assert run("replay", webhook).startswith("0 to be sent")
    message = run("deliveries", webhook).split()[0]
    assert run("replay", webhook, message).startswith("1 to be sent")
    assert "removed" in run("remove", webhook)
    assert webhook not in run("list")
    assert "There is no webhook" in run("deliveries", webhook, fails=True)


def test_a_disabled_webhook_is_enabled(run: Run, data: Path) -> None:
    webhook = run("add", "https://127.0.0.1:9/hook", "--event", "review.required").split()[0]
    assert "active already" in run("enable", webhook, fails=True)
    with published(data) as context:
        context.database.write(lambda c: endpoints.disable(c, context.ledger, webhook))
    assert "disabled" in run("list")
    assert "is active" in run("enable", webhook)


@pytest.mark.parametrize("url", ["http://example.com", "https://10.0.0.1/hook"])
def test_an_address_that_may_not_be_is_refused(run: Run, url: str) -> None:
    assert run("add", url, "--event", "video.failed", fails=True).startswith("governance: ")
