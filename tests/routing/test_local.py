"""The local provider: free, and a crash at any point loses nothing."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from governance.routing import Fault, Job, Order, procedural
from governance.routing.providers.local import RENDERERS, LocalProvider

from .clips import decode

ORDER = Order("gen_1", "procedural-image", "a fox named Rosa", 0, 320, 256, "image")
LIMIT = 50_000_000


def order(**changes: object) -> Order:
    return Order(**(vars(ORDER) | changes))


@pytest.fixture
def provider(tmp_path: Path) -> LocalProvider:
    return LocalProvider(tmp_path / "jobs")


def test_an_order_becomes_a_free_clip_with_sound(provider: LocalProvider, tmp_path: Path) -> None:
    job, _ = provider.submit(order(media="video", seconds=1, width=640, height=360))

    status = provider.poll(job)
    provider.fetch(job, tmp_path / "clip.mp4", LIMIT)

    assert (status.state, status.progress, status.cost) == ("succeeded", 100, Decimal(0))
    assert decode(tmp_path / "clip.mp4").frames.shape == (24, 360, 640)


def test_the_same_key_is_the_same_job(provider: LocalProvider) -> None:
    first, _ = provider.submit(ORDER)
    second, _ = provider.submit(ORDER)

    assert first == second


def test_a_restart_finds_the_job_by_its_key_and_goes_on(
    provider: LocalProvider, tmp_path: Path
) -> None:
    job, _ = provider.submit(ORDER)

    after_restart = LocalProvider(tmp_path / "jobs")

    assert after_restart.recoverable
    assert after_restart.recover("gen_1") == job
    assert after_restart.recover("gen_2") is None
    assert after_restart.poll(job).state == "succeeded"


def test_what_was_fetched_before_a_crash_can_be_fetched_again(
    provider: LocalProvider, tmp_path: Path
) -> None:
    job, _ = provider.submit(ORDER)
    provider.poll(job)

    provider.fetch(job, tmp_path / "first.png", LIMIT)
    provider.fetch(job, tmp_path / "second.png", LIMIT)

    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()


def test_polling_twice_renders_once(provider: LocalProvider, tmp_path: Path) -> None:
    job, _ = provider.submit(ORDER)
    provider.poll(job)
    made = (tmp_path / "jobs" / "gen_1.media").stat().st_mtime_ns

    provider.poll(job)

    assert (tmp_path / "jobs" / "gen_1.media").stat().st_mtime_ns == made


def test_what_this_machine_has_no_hands_for_waits(
    provider: LocalProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, let_go = threading.Barrier(RENDERERS + 1), threading.Event()
    render = procedural.render

    def slowly(target: Path, recipe: procedural.Recipe) -> None:
        begun.wait(10)
        assert let_go.wait(10)
        render(target, recipe)

    monkeypatch.setattr(procedural, "render", slowly)
    jobs = [provider.submit(order(key=f"gen_{n}"))[0] for n in range(RENDERERS + 1)]
    with ThreadPoolExecutor(RENDERERS) as pool:
        busy = [pool.submit(provider.poll, job) for job in jobs[:-1]]
        begun.wait(10)

        assert (provider.poll(jobs[-1]).state, provider.poll(jobs[-1]).fault) == ("running", None)

        let_go.set()
        assert all(status.result(10).state == "succeeded" for status in busy)


def test_nothing_on_disk_holds_the_prompt(provider: LocalProvider, tmp_path: Path) -> None:
    job, raw = provider.submit(ORDER)
    provider.poll(job)

    stored = b"".join(path.read_bytes() for path in (tmp_path / "jobs").iterdir())
    assert b"Rosa" not in stored
    assert "Rosa" not in raw


def test_a_cancelled_job_is_gone(provider: LocalProvider, tmp_path: Path) -> None:
    job, _ = provider.submit(ORDER)
    provider.poll(job)

    assert provider.cancel(job)

    assert list((tmp_path / "jobs").iterdir()) == []
    assert (provider.poll(job).state, provider.poll(job).fault) == ("failed", "gone")
    with pytest.raises(Fault) as fault:
        provider.fetch(job, tmp_path / "late.png", LIMIT)
    assert fault.value.kind == "gone"


def test_a_job_that_never_was_is_gone(provider: LocalProvider) -> None:
    assert provider.poll(Job("gen_9", "image", "local", "procedural-image")).fault == "gone"


def test_a_file_above_the_limit_is_not_handed_over(provider: LocalProvider, tmp_path: Path) -> None:
    job, _ = provider.submit(ORDER)

    with pytest.raises(Fault, match="larger than 10 bytes"):
        provider.fetch(job, tmp_path / "image.png", 10)

    assert not (tmp_path / "image.png").exists()


def test_a_folder_that_cannot_be_written_leaves_the_job_running(
    provider: LocalProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, _ = provider.submit(ORDER)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("governance.routing.procedural.render", full)

    status = provider.poll(job)
    assert (status.state, status.fault) == ("running", "unavailable")
    assert "No space left" in status.message


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "../escape"},
        {"key": ""},
        {"width": 321},
        {"height": 0},
        {"width": 10_000},
        {"media": "audio", "seconds": 0},
        {"media": "video", "seconds": 61},
    ],
)
def test_an_order_that_cannot_be_made_is_invalid(
    provider: LocalProvider, tmp_path: Path, changes: dict[str, object]
) -> None:
    with pytest.raises(Fault) as fault:
        provider.submit(order(**changes))

    assert fault.value.kind == "invalid"
    assert list((tmp_path / "jobs").iterdir()) == []
