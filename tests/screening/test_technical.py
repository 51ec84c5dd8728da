"""Technical figures of real files, and whether a file is what was ordered."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from governance.domain import Asset
from governance.evidence.record import validate
from governance.marking.probe import inspect
from governance.screening.media import screen
from governance.screening.report import Screening, as_body
from governance.screening.technical import Ordered, Technical, sharpness
from tests.marking.samples import Picture, tone, video, wav

ORDER = Ordered(seconds=1, width=320, height=180, audio=False)
Clip = Callable[..., Asset]


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    def clip(picture: Picture | None = None, seconds: float = 1, **options: object) -> Asset:
        made = video(tmp_path / "clip.mp4", seconds, picture=picture or moving, **options)  # type: ignore[arg-type]
        return inspect(made)

    return clip


def noise(seed: int = 0, height: int = 180, width: int = 320) -> NDArray[np.uint8]:
    """Patches of random brightness: edges everywhere, and nothing in particular."""
    random = np.random.default_rng(seed)
    patches = random.integers(40, 215, (height // 10, width // 10), dtype=np.uint8)
    return np.repeat(np.repeat(patches, 10, axis=0), 10, axis=1)


def moving(index: int) -> NDArray[np.uint8]:
    return np.repeat(np.roll(noise(), 2 * index, axis=1)[..., np.newaxis], 3, axis=2)


def figures(asset: Asset, ordered: Ordered | None = None) -> Technical:
    screening = screen(asset, ordered)
    assert screening.technical is not None
    return screening.technical


def codes(screening: Screening) -> list[tuple[str, str]]:
    return [(finding.code, finding.severity) for finding in screening.findings]


class TestSharpness:
    def test_falls_with_every_blur(self) -> None:
        crisp = Image.fromarray(noise())
        blurred = [crisp.filter(ImageFilter.GaussianBlur(radius)) for radius in (0.5, 1, 2, 4)]

        values = [sharpness(np.asarray(image)) for image in (crisp, *blurred)]

        assert values == sorted(values, reverse=True)
        assert values[0] > 0.6 > 0.3 > values[-1]

    @pytest.mark.parametrize("size", [(180, 320), (8, 8), (1, 1)])
    def test_of_a_picture_without_edges_is_none(self, size: tuple[int, int]) -> None:
        assert sharpness(np.full(size, 128, np.uint8)) == 0

    def test_is_measured_in_images_and_in_clips(self, clip: Clip, tmp_path: Path) -> None:
        Image.fromarray(noise()).convert("RGB").save(tmp_path / "crisp.png")

        assert (figures(inspect(tmp_path / "crisp.png")).sharpness or 0) > 0.6
        assert (figures(clip()).sharpness or 0) > 0.5

    def test_of_a_clip_that_was_blown_up_is_low(self, clip: Clip) -> None:
        def soft(index: int) -> NDArray[np.uint8]:
            small = Image.fromarray(moving(index)).resize((40, 22))
            return np.asarray(small.resize((320, 180), Image.Resampling.BICUBIC))

        assert (figures(clip(soft)).sharpness or 1) < (figures(clip()).sharpness or 0) - 0.2


class TestFlickerAndMotion:
    def test_a_pumping_picture_flickers_and_a_calm_one_does_not(self, clip: Clip) -> None:
        def pumping(index: int) -> NDArray[np.uint8]:
            return (moving(0) * (0.9 if index % 2 else 1.0)).astype(np.uint8)

        assert (figures(clip(pumping)).flicker or 0) > 0.01
        assert (figures(clip()).flicker or 0) < 0.002

    def test_a_cut_is_no_flicker(self, clip: Clip) -> None:
        def cutting(index: int) -> NDArray[np.uint8]:
            return moving(0) // (4 if index >= 12 else 1)

        assert (figures(clip(cutting)).flicker or 0) < 0.002

    def test_motion_is_what_changes_from_frame_to_frame(self, clip: Clip) -> None:
        still = figures(clip(lambda index: moving(0))).motion
        slow = figures(clip()).motion
        fast = figures(clip(lambda index: moving(5 * index))).motion

        assert still is not None and slow is not None and fast is not None
        assert still < 0.002 < slow < fast

    def test_the_frame_rate_is_counted(self, clip: Clip) -> None:
        assert figures(clip(rate=12)).frame_rate == pytest.approx(12, abs=0.1)


class TestConformity:
    def test_is_whole_where_everything_was_kept(self, clip: Clip) -> None:
        screening = screen(clip(), ORDER)

        assert screening.technical is not None
        assert screening.technical.conformity == 1
        assert codes(screening) == []

    @pytest.mark.parametrize(
        ("ordered", "code", "kept"),
        [
            (Ordered(5, 320, 180, False), "length_differs", 0.5),
            (Ordered(1, 180, 320, False), "size_differs", 0.5),
            (Ordered(1, 1280, 720, False), "size_differs", 0.5),
            (Ordered(1, 320, 180, True), "sound_missing", 2 / 3),
        ],
    )
    def test_names_what_was_not_kept(
        self, clip: Clip, ordered: Ordered, code: str, kept: float
    ) -> None:
        screening = screen(clip(), ordered)

        severity = "warn" if code == "sound_missing" else "info"
        assert codes(screening) == [(code, severity)]
        assert screening.technical is not None
        assert screening.technical.conformity == pytest.approx(kept)

    def test_forgives_an_encoders_blocks(self, clip: Clip) -> None:
        assert codes(screen(clip(), Ordered(1, 328, 184, False))) == []

    def test_a_larger_file_than_ordered_is_kept(self, clip: Clip) -> None:
        assert codes(screen(clip(), Ordered(1, 160, 90, False))) == []

    def test_a_promised_sound_must_be_heard(self, clip: Clip) -> None:
        promised = Ordered(1, 320, 180, True)

        heard = screen(clip(sound=tone(1)), promised)
        silent = screen(clip(sound=tone(1, level=0)), promised)

        assert codes(heard) == []
        assert ("sound_inaudible", "warn") in codes(silent)

    def test_is_not_asked_of_a_file_from_outside(self, clip: Clip) -> None:
        screening = screen(clip())

        assert codes(screening) == []
        assert ("conformity" in dict(screening.coverage.detectors)) is False


class TestTheScore:
    def test_falls_with_blur_flicker_silence_and_a_broken_order(self, clip: Clip) -> None:
        good = figures(clip(sound=tone(1)), ORDER).score

        grey = np.full((180, 320, 3), 90, np.uint8)
        assert figures(clip(lambda index: grey, sound=tone(1)), ORDER).score < good
        assert figures(clip(sound=tone(1, level=0)), ORDER).score < good
        assert figures(clip(sound=tone(1)), Ordered(9, 320, 180, False)).score < good
        assert 0.8 < good <= 1

    def test_of_sound_alone_is_how_well_it_is_heard(self, tmp_path: Path) -> None:
        for level, score in ((0.2, 1.0), (0.0, 0.0), (3.0, 0.5)):
            made = wav(tmp_path / "sound.wav", np.clip(tone(1, level), -1, 1))
            assert figures(inspect(made)).score == pytest.approx(score)

    def test_is_not_given_to_a_file_that_cannot_be_decoded(self, clip: Clip) -> None:
        asset = clip()
        data = bytearray(asset.path.read_bytes())
        middle = data.index(b"mdat") + 400
        data[middle : middle + 2000] = bytes(2000)
        asset.path.write_bytes(data)

        screening = screen(asset)

        assert screening.technical is None or ("decode_failed", "fail") not in codes(screening)


def test_the_body_of_the_record_is_valid_with_and_without_sound(clip: Clip) -> None:
    for options in ({}, {"sound": tone(1)}):
        asset = clip(**options)
        body = as_body(asset, screen(asset, ORDER))
        validate("asset.screened", body)
        assert set(body["technical"]) >= {"score", "conformity", "sharpness", "flicker", "motion"}
        assert ("loudness" in body["technical"]) is bool(options)
