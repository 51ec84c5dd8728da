"""`governance marks check`: what became of a released file's marks in a copy from elsewhere."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from governance.cli import main
from governance.evidence.story import State
from tests.detection.conftest import Press
from tests.house import PICTURE
from tests.serving import serving


@pytest.fixture(scope="module")
def released(opened_press: Press) -> str:
    """A picture for which the law asks for marks, large enough to bear them."""
    return opened_press.house.made(State.RELEASED, replace(PICTURE, width=640, height=384))


@pytest.fixture
def data(press: Press, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    settings = press.context.settings
    monkeypatch.setenv("GOVERNANCE_POLICIES_DIR", str(settings.policies_dir))
    return ["--data", str(settings.data_dir)]


@pytest.fixture
def copy(press: Press, released: str, tmp_path: Path) -> Path:
    """As a platform shows it: without metadata."""
    path = tmp_path / "copy.jpg"
    with Image.open(press.delivered(released)) as image:
        image.convert("RGB").save(path, quality=85)
    return path


@pytest.fixture
def host(copy: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("GOVERNANCE_CHECK_HOSTS", "127.0.0.1")
    with serving({"/copy.jpg": (200, {}, copy.read_bytes())}) as (address, _):
        yield address


def records(press: Press, generation: str) -> int:
    return press.house.service.story(generation).checks


def staged(press: Press) -> list[Path]:
    return list((press.context.settings.data_dir / "media" / "staging").iterdir())


def test_the_file_itself_has_every_mark(
    press: Press, released: str, data: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = press.delivered(released)
    assert main(["marks", "check", str(path), "--against", released, *data]) == 0
    said = capsys.readouterr().out
    assert f"Tied to {released} by: identical" in said
    assert "watermark    found" in said
    assert path.exists()


def test_a_copy_without_its_metadata_has_lost_marks_that_are_due(
    press: Press,
    released: str,
    data: list[str],
    copy: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["marks", "check", str(copy), "--against", released, *data]) == 1
    said = capsys.readouterr().out
    assert f"Tied to {released} by: watermark" in said
    assert "c2pa         lost" in said
    assert "Lost, though due: mark.signed_metadata" in said
    assert copy.exists()


def test_a_copy_on_an_allowed_host_is_fetched_and_not_kept(
    press: Press,
    released: str,
    data: list[str],
    host: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, before = f"{host}/copy.jpg", records(press, released)
    assert main(["marks", "check", url, "--against", released, *data]) == 1
    assert "by: watermark" in capsys.readouterr().out
    assert records(press, released) == before + 1
    assert staged(press) == []


@pytest.mark.parametrize(
    ("copy_of", "words"),
    [
        ("https://media.example/copy.jpg", "GOVERNANCE_CHECK_HOSTS"),
        ("none.jpg", "none.jpg"),
    ],
)
def test_a_copy_that_cannot_be_had_is_an_error(
    released: str,
    data: list[str],
    copy_of: str,
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["marks", "check", copy_of, "--against", released, *data]) == 2
    told = capsys.readouterr()
    assert (told.out, words in told.err) == ("", True)


def test_what_was_not_released_has_no_copies(
    press: Press, data: list[str], copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for generation in (press.draft, f"gen_{'0' * 32}"):
        assert main(["marks", "check", str(copy), "--against", generation, *data]) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert len(told.err) > 20
