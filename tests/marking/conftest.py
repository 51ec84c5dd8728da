"""An authority of ours, one of a vendor's, and a file of every kind."""

from collections.abc import Callable
from pathlib import Path

import pytest

from governance.domain import Asset
from governance.marking.credentials.authority import Authority, load_or_create
from governance.marking.probe import inspect
from governance.marking.write import MarkContext
from tests.marking import samples

RECORD = "gen_0192f0c1d2e37a4b8c9d0e1f2a3b4c5d"
RECORD_URI = f"https://governance.example/v1/governance/generations/{RECORD}"

Make = Callable[[Path], Path]
KINDS: dict[str, tuple[str, Make]] = {
    "video/mp4": ("clip.mp4", lambda path: samples.video(path, sound=samples.tone())),
    "image/png": ("picture.png", samples.image),
    "image/jpeg": ("picture.jpg", samples.image),
    "audio/wav": ("sound.wav", samples.wav),
}
PICTURES = [kind for kind in KINDS if kind != "audio/wav"]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return load_or_create(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return load_or_create(tmp_path_factory.mktemp("vendor"))


@pytest.fixture
def context(authority: Authority) -> MarkContext:
    return MarkContext(
        record_id=RECORD,
        record_uri=RECORD_URI,
        source_type=samples.GENERATED,
        authority=authority,
        title="A clip",
    )


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str], Asset]:
    """Makes a file of a media type."""

    def make(media_type: str) -> Asset:
        name, maker = KINDS[media_type]
        return inspect(maker(tmp_path / name))

    return make


@pytest.fixture
def clip(make: Callable[[str], Asset]) -> Asset:
    return make("video/mp4")


@pytest.fixture
def png(make: Callable[[str], Asset]) -> Asset:
    return make("image/png")
