"""What automated review sees in real files, and what it does not see."""

import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pyloudnorm
import pytest
from numpy.typing import NDArray
from PIL import Image

from governance.domain import Asset, Finding
from governance.evidence.record import validate
from governance.marking.probe import inspect
from governance.screening import media
from governance.screening.media import screen
from governance.screening.report import Screening, as_body
from tests.marking.samples import Picture, image, scene, tone, video, wav


def codes(screening: Screening) -> list[str]:
    return [finding.code for finding in screening.findings]


def finding(screening: Screening, code: str) -> Finding:
    (found,) = [found for found in screening.findings if found.code == code]
    return found


@pytest.fixture
def clip(tmp_path: Path) -> Callable[..., Asset]:
    def clip(picture: Picture = scene, seconds: float = 2, **options: object) -> Asset:
        made = video(tmp_path / "clip.mp4", seconds, picture=picture, **options)  # type: ignore[arg-type]
        return inspect(made)

    return clip


def plain(level: int) -> NDArray[np.uint8]:
    return np.full((180, 320, 3), level, np.uint8)


def test_an_ordinary_clip_raises_no_finding(clip: Callable[..., Asset]) -> None:
    screening = screen(clip(sound=tone(2)))
    assert screening.findings == ()
    assert screening.coverage.frames == 48
    assert screening.coverage.audio_seconds == pytest.approx(2, abs=0.05)


def test_noise_and_fast_motion_raise_no_finding(clip: Callable[..., Asset]) -> None:
    random = np.random.default_rng(0)
    noise = [random.integers(0, 255, (180, 320, 3), dtype=np.uint8) for _ in range(48)]
    assert screen(clip(lambda index: noise[index])).findings == ()
    assert screen(clip(lambda index: np.roll(scene(0), 20 * index, axis=1))).findings == ()


def test_black_in_the_middle_is_a_warning_with_its_time(clip: Callable[..., Asset]) -> None:
    found = finding(screen(clip(lambda i: scene(i) * (not 12 <= i < 30))), "black_frames")
    assert (found.severity, found.at) == ("warn", "0.500")
    assert found.detail == "Black for 0.750 s."


def test_a_short_fade_to_black_is_none(clip: Callable[..., Asset]) -> None:
    assert "black_frames" not in codes(screen(clip(lambda i: scene(i) * (not 12 <= i < 20))))


def test_a_clip_that_is_black_throughout_fails(clip: Callable[..., Asset]) -> None:
    screening = screen(clip(lambda index: plain(0), seconds=0.3))
    assert finding(screening, "black_frames").severity == "fail"


def test_a_picture_that_stands_still_is_a_warning_with_its_time(
    clip: Callable[..., Asset],
) -> None:
    found = finding(screen(clip(lambda i: scene(min(i, 12)), seconds=3)), "frozen_frames")
    assert (found.severity, found.at) == ("warn", "0.500")


def test_a_short_rest_is_none(clip: Callable[..., Asset]) -> None:
    assert "frozen_frames" not in codes(screen(clip(lambda i: scene(min(i, 12)), seconds=2)))


def strobe(every: int, top: int = 180, left: int = 320, bright: int = 255) -> Picture:
    def picture(index: int) -> NDArray[np.uint8]:
        shown = plain(20)
        shown[:top, :left] = bright if index // every % 2 else 20
        return shown

    return picture


def test_more_than_three_flashes_a_second_fail(clip: Callable[..., Asset]) -> None:
    found = next(f for f in screen(clip(strobe(2))).findings if f.code == "flashing")
    assert found.severity == "fail"
    assert float(found.at) < 0.2


@pytest.mark.parametrize(
    "picture",
    [
        strobe(4),  # three a second
        strobe(2, top=20, left=40),  # a small corner
        strobe(2, bright=70),  # a change below a tenth of the luminance
    ],
)
def test_slow_small_or_faint_flashes_are_none(clip: Callable[..., Asset], picture: Picture) -> None:
    assert "flashing" not in codes(screen(clip(picture)))


def test_bright_flashes_over_a_bright_picture_are_none(clip: Callable[..., Asset]) -> None:
    """The darker picture must be below 0.80 of the luminance."""
    assert "flashing" not in codes(screen(clip(lambda i: plain(255 if i // 2 % 2 else 242))))


def test_a_clip_that_ends_before_its_header_says_fails(clip: Callable[..., Asset]) -> None:
    asset = clip()
    content = asset.path.read_bytes()
    middle, index = content.index(b"mdat") + 1000, content.index(b"moov") - 4
    asset.path.write_bytes(content[:middle] + content[index:])
    screening = screen(asset)
    assert {finding.severity for finding in screening.findings} >= {"fail"}
    assert {"decode_failed", "duration_mismatch"} & set(codes(screening))


def test_a_damaged_stream_fails_to_decode(clip: Callable[..., Asset]) -> None:
    asset = clip()
    content = bytearray(asset.path.read_bytes())
    start = content.index(b"mdat") + 4
    content[start : start + 40_000] = bytes(40_000)
    asset.path.write_bytes(content)
    assert finding(screen(asset), "decode_failed").severity == "fail"


def test_more_frames_than_the_duration_allows_fail(
    clip: Callable[..., Asset], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "MAX_FRAME_RATE", 10)
    screening = screen(clip())
    assert "too_many_frames" in codes(screening)
    assert screening.coverage.frames < 48


def test_an_unusual_codec_is_a_warning(clip: Callable[..., Asset]) -> None:
    asset = clip(codec="mpeg4", seconds=1)
    assert finding(screen(asset), "codec_unusual").detail.startswith("Coded as mpeg4")


def test_a_silent_clip_is_a_warning(clip: Callable[..., Asset]) -> None:
    assert codes(screen(clip(sound=tone(2, level=0)))) == ["silent_audio"]


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (0.3, []),
        (0.0, ["silent_audio"]),
        (0.004, ["loudness_unusual"]),
        (3.0, ["clipped_audio", "loudness_unusual"]),
    ],
)
def test_sounds_are_heard_in_full(tmp_path: Path, level: float, expected: list[str]) -> None:
    screening = screen(inspect(wav(tmp_path / "a.wav", tone(1, level))))
    assert codes(screening) == expected
    assert screening.coverage.frames == 0
    assert screening.coverage.audio_seconds == 1


def test_a_sound_too_short_to_be_measured_gets_no_loudness(tmp_path: Path) -> None:
    assert codes(screen(inspect(wav(tmp_path / "a.wav", tone(0.2, 0.004))))) == []


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_loudness_agrees_with_another_implementation(tmp_path: Path, rate: int) -> None:
    samples = tone(3, level=0.004, rate=rate)
    detail = finding(
        screen(inspect(wav(tmp_path / "a.wav", samples, rate))), "loudness_unusual"
    ).detail
    other = pyloudnorm.Meter(rate).integrated_loudness(samples.astype(float))
    assert float(detail.split()[0]) == pytest.approx(other, abs=0.3)


def test_an_image_of_one_colour_is_a_warning(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), (200, 30, 30)).save(tmp_path / "plain.png")
    assert codes(screen(inspect(tmp_path / "plain.png"))) == ["uniform_image"]
    for suffix in ("png", "jpg"):
        assert screen(inspect(image(tmp_path / f"a.{suffix}"))).findings == ()


def test_an_image_that_breaks_off_fails(tmp_path: Path) -> None:
    asset = inspect(image(tmp_path / "a.png"))
    asset.path.write_bytes(asset.path.read_bytes()[:5000])
    assert finding(screen(asset), "decode_failed").severity == "fail"


def test_coverage_names_what_looked_and_what_nothing_looked_for(
    clip: Callable[..., Asset],
) -> None:
    coverage = screen(clip(sound=tone(2))).coverage
    assert {name for name, _ in coverage.detectors} == {
        "container and codec",
        "black frames",
        "frozen frames",
        "flashes",
        "audio levels",
        "ebur128",
    }
    assert ("ebur128", av.ffmpeg_version_info) in coverage.detectors
    assert {subject for subject, _ in coverage.not_checked} == {
        "child sexual abuse",
        "intimate imagery",
        "faces",
        "nudity",
        "speech",
        "red flashes",
    }


@pytest.mark.parametrize("name", ["a.png", "a.wav", "a.mp4"])
def test_the_body_of_the_record_is_valid(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "a.mp4":
        video(path, picture=lambda index: plain(0), sound=tone(1, 0))
    else:
        image(path) if name == "a.png" else wav(path, tone(1, 3))
    asset = inspect(path)
    body = as_body(asset, screen(asset))
    validate("asset.screened", body)
    assert body["media"]["digest"] == asset.digest


def test_two_seconds_of_360p_take_at_most_six_tenths_of_a_cpu_second(
    clip: Callable[..., Asset],
) -> None:
    asset = clip(lambda index: scene(index, 640, 360), sound=tone(2))
    screen(asset)
    start = time.process_time()
    screen(asset)
    assert time.process_time() - start < 0.6
