"""What a file is, is judged by its bytes."""

import hashlib
import struct
import zlib
from pathlib import Path

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from governance.kernel.errors import GovernanceError, InvalidRequest, TooLarge
from governance.marking import probe
from governance.marking.probe import inspect
from tests.marking import samples
from tests.marking.conftest import KINDS
from tests.marking.test_round_trip import Make


def code(path: Path) -> str:
    with pytest.raises(GovernanceError) as caught:
        inspect(path)
    return caught.value.code


def chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def test_a_clip_is_described(tmp_path: Path) -> None:
    path = samples.video(tmp_path / "a.mp4", seconds=2, sound=samples.tone(2))
    asset = inspect(path)
    assert asset.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert asset.size == path.stat().st_size
    assert (asset.media_type, asset.width, asset.height) == ("video/mp4", 320, 180)
    assert asset.seconds == pytest.approx(2, abs=0.05)
    assert asset.has_audio
    assert not inspect(samples.video(tmp_path / "b.mp4")).has_audio


def test_names_say_nothing(tmp_path: Path) -> None:
    path = samples.image(tmp_path / "a.png").rename(tmp_path / "film.mp4")
    assert inspect(path).media_type == "image/png"


def test_a_turned_photograph_is_measured_as_it_is_displayed(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.fromarray(samples.scene(0)).save(tmp_path / "a.jpg", exif=exif)
    asset = inspect(tmp_path / "a.jpg")
    assert (asset.width, asset.height, asset.seconds) == (180, 320, 0)


def test_a_sound_has_a_duration_and_no_sides(tmp_path: Path) -> None:
    asset = inspect(samples.wav(tmp_path / "a.wav"))
    assert (asset.width, asset.height, asset.seconds, asset.has_audio) == (0, 0, 1, True)


@pytest.mark.parametrize(("suffix", "codec"), [(".webm", "libvpx-vp9"), (".mkv", "libx264")])
def test_containers_that_cannot_be_marked_are_refused_with_advice(
    tmp_path: Path, suffix: str, codec: str
) -> None:
    path = samples.video(tmp_path / f"a{suffix}", seconds=0.2, codec=codec)
    with pytest.raises(InvalidRequest) as caught:
        inspect(path)
    assert caught.value.code == "media_unsupported"
    assert "convert it to mp4" in caught.value.message


@pytest.mark.parametrize("suffix", [".gif", ".bmp", ".tiff", ".avif"])
def test_image_formats_that_are_not_delivered_are_refused(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(samples.scene(0)).save(tmp_path / f"a{suffix}")
    assert code(tmp_path / f"a{suffix}") == "media_unsupported"


@pytest.mark.parametrize(("suffix", "advice"), [(".flac", "wav or mp3"), (".aac", "wav or mp3")])
def test_sound_formats_that_are_not_delivered_are_refused_with_advice(
    tmp_path: Path, suffix: str, advice: str
) -> None:
    path = samples.sound(tmp_path / f"a{suffix}")
    with pytest.raises(InvalidRequest) as caught:
        inspect(path)
    assert (caught.value.code, advice in caught.value.message) == ("media_unsupported", True)


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_that_is_delivered_is_known_by_its_bytes(make: Make, kind: str) -> None:
    assert make(kind).media_type == kind


def test_an_mp4_without_a_picture_is_refused(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=48_000)
        frame = av.AudioFrame.from_ndarray(samples.tone()[None, :], "fltp", "mono")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert code(tmp_path / "a.mp4") == "media_unsupported"


def test_an_animation_is_refused_rather_than_cut_to_one_picture(tmp_path: Path) -> None:
    pictures = [Image.fromarray(samples.scene(index)) for index in range(3)]
    for name in ("a.png", "a.webp"):
        pictures[0].save(tmp_path / name, save_all=True, append_images=pictures[1:])
        assert code(tmp_path / name) == "media_unsupported"


def test_deep_grey_and_cmyk_are_refused_with_advice(tmp_path: Path) -> None:
    Image.new("I;16", (20, 20)).save(tmp_path / "a.png")
    Image.new("CMYK", (20, 20)).save(tmp_path / "b.jpg")
    assert code(tmp_path / "a.png") == code(tmp_path / "b.jpg") == "media_unsupported"


@pytest.mark.parametrize("content", [b"", b"hello", b"<svg/>", bytes(100)])
def test_what_is_no_media_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    assert code(tmp_path / "a") == "media_unsupported"


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_breaks_off_is_corrupt(make: Make, kind: str) -> None:
    path = make(kind).path
    path.write_bytes(path.read_bytes()[:40])
    assert code(path) == "media_corrupt"


@pytest.mark.parametrize("side", [8_000, 60_000])
def test_a_picture_too_large_once_decoded_is_refused_before_it_is_decoded(
    tmp_path: Path, side: int
) -> None:
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path = tmp_path / "bomb.png"
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    assert code(path) == "media_too_large"


def test_a_clip_that_is_too_long_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "MAX_SECONDS", 0.5)
    with pytest.raises(TooLarge) as caught:
        inspect(samples.video(tmp_path / "a.mp4"))
    assert caught.value.code == "media_too_large"


@settings(max_examples=60)
@given(
    at=st.integers(0, 3000),
    value=st.integers(0, 255),
    kind=st.sampled_from(["a.mp4", "a.mov", "a.png", "a.jpg", "a.webp", "a.wav", "a.mp3"]),
)
def test_a_damaged_file_is_described_or_refused_never_a_crash(
    damaged: dict[str, Path], at: int, value: int, kind: str
) -> None:
    content = bytearray(damaged[kind].read_bytes())
    content[at % len(content)] = value
    path = damaged[kind].with_suffix(".damaged")
    path.write_bytes(content)
    try:
        inspect(path)
    except GovernanceError as error:
        assert error.code in ("media_corrupt", "media_unsupported", "media_too_large")


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("whole")
    return {
        "a.mp4": samples.video(folder / "a.mp4", seconds=0.3),
        "a.mov": samples.video(folder / "a.mov", seconds=0.3),
        **{name: samples.image(folder / name) for name in ("a.png", "a.jpg", "a.webp")},
        "a.wav": samples.wav(folder / "a.wav", samples.tone(0.1)),
        "a.mp3": samples.sound(folder / "a.mp3", samples.tone(0.2)),
    }
