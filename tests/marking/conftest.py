"""An authority of ours, one of a vendor's, and a file of every kind."""

from collections.abc import Callable
from pathlib import Path

import pytest

from governance.domain import Asset, Mark
from governance.marking.credentials.authority import Authority, load_or_create
from governance.marking.probe import inspect
from governance.marking.read import Known, read
from governance.marking.watermark.keys import WatermarkKeys
from governance.marking.write import MarkContext, Marked
from tests.marking import samples

RECORD = "gen_0192f0c1d2e37a4b8c9d0e1f2a3b4c5d"
RECORD_URI = f"https://governance.example/v1/governance/generations/{RECORD}"

ORGANISATION = "org_0192f0c1d2e37a4b8c9d0e1f2a3b4c5d"
WATERMARK_ID = 0x0123_4567_89AB_CDEF

Make = Callable[[Path], Path]
KINDS: dict[str, tuple[str, Make]] = {
    "video/mp4": ("clip.mp4", lambda path: samples.video(path, sound=samples.tone())),
    "video/quicktime": ("clip.mov", lambda path: samples.video(path, sound=samples.tone())),
    "image/png": ("picture.png", samples.image),
    "image/jpeg": ("picture.jpg", samples.image),
    "image/webp": ("picture.webp", samples.image),
    "audio/wav": ("sound.wav", samples.wav),
    "audio/mpeg": ("sound.mp3", samples.sound),
}
PICTURES = [kind for kind in KINDS if not kind.startswith("audio/")]


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
        organisation=ORGANISATION,
        watermark_id=WATERMARK_ID,
        watermark_keys=WatermarkKeys(bytes(range(32))),
    )


def read_back(
    path: Path, marked: Marked, context: MarkContext, master: Path | None = None
) -> tuple[Mark, ...]:
    """What the readers find in a file that should carry these marks."""
    known = Known(context.watermark_keys, context.organisation, marked.fingerprint, master)
    media_type = inspect(path).media_type
    return read(path, media_type, marked.marks, context.authority.trust, known)


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str], Asset]:
    """Makes a file of a media type."""

    def make(media_type: str) -> Asset:
        name, maker = KINDS[media_type]
        return inspect(maker(tmp_path / name))

    return make


@pytest.fixture
def large(tmp_path: Path) -> Callable[[str], Asset]:
    """Makes a file of a media type that is large enough for every mark."""
    speech = samples.voice(8)

    def make(media_type: str) -> Asset:
        path = tmp_path / ("large-" + KINDS[media_type][0])
        match media_type.partition("/")[0]:
            case "image":
                samples.image(path, picture=samples.noise)
            case "video":
                samples.video(path, seconds=2, picture=samples.noise, sound=samples.tone(2))
            case _:
                (samples.wav if media_type == "audio/wav" else samples.sound)(path, speech)
        return inspect(path)

    return make


@pytest.fixture
def clip(make: Callable[[str], Asset]) -> Asset:
    return make("video/mp4")


@pytest.fixture
def png(make: Callable[[str], Asset]) -> Asset:
    return make("image/png")
