"""Which moments of a film are kept, and what a copy has in common with it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from governance.marking.fingerprint import pdq, picture
from governance.marking.fingerprint.index import THRESHOLDS
from tests.marking import samples
from tests.marking.fingerprint.pictures import Luma, file, film, image, pan, scene, shown, still

BLACK = np.full((180, 320), 16, np.uint8)


def test_one_moment_a_second_is_stored_and_four_are_asked_about() -> None:
    made = pan(1, seconds=3.0)
    assert made.milliseconds.tolist() == [0, 1000, 2000]
    assert made.hashes.shape == (3, 32)
    assert len(made.asked) == 12
    assert made.views.shape == (12, picture.VIEWS, 32)


def test_a_picture_is_one_moment() -> None:
    made = still(scene(1))
    assert (made.kind, made.milliseconds.tolist()) == ("picture", [0])


def test_flat_and_black_frames_are_no_moments() -> None:
    made = shown((0.0, BLACK), (1.0, scene(1)), (2.0, BLACK + 60))
    assert made.milliseconds.tolist() == [1000]
    assert len(still(BLACK)) == 0


def test_a_tiny_picture_has_no_fingerprint() -> None:
    assert len(still(scene(1, 31, 200))) == 0


def test_a_long_film_is_asked_about_more_coarsely(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "MAX_ASKED", 8)
    made = shown(*((n / 4, scene(n % 3)) for n in range(4 * 15)))
    assert len(made) == 15
    assert 4 <= len(made.asked) <= 8
    assert made.asked.max() > 12_000


def test_the_same_film_has_the_same_fingerprint() -> None:
    assert pan(4, seconds=1.5).digest == pan(4, seconds=1.5).digest


def test_what_is_stored_costs_no_views_and_is_the_same() -> None:
    frugal = picture.PictureFingerprinter(asking=False)
    for n in range(0, 96, 3):
        frugal.feed(n / 24, film(4, n))
    made = frugal.finish()
    assert made.digest == pan(4).digest
    assert len(made.asked) == 0


def test_frames_of_a_real_file_are_those_of_the_pictures(tmp_path: Path) -> None:
    def colour(index: int) -> Luma:
        return film(7, index)[:, :, None].repeat(3, axis=2)

    made = file(samples.video(tmp_path / "clip.mp4", seconds=2.0, picture=colour))
    assert pdq.distance(made.hashes, pan(7, seconds=2.0).hashes).max() <= 20


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "half size": lambda p: p.reduce(2),
    "other aspect": lambda p: p.resize((240, 180)),
    "brighter": lambda p: p.point(lambda v: min(255, int(v * 1.15 + 10))),
    "10 % cropped in the middle": lambda p: p.crop((16, 9, 304, 171)),
    "10 % cropped at a corner": lambda p: p.crop((0, 0, 288, 162)),
    "20 % cropped beside the middle": lambda p: p.crop((42, 25, 298, 169)),
    "30 % cropped in the middle": lambda p: p.crop((48, 27, 272, 153)),
    "the lower tenth cut off": lambda p: p.crop((0, 0, 320, 162)),
    "black bars": lambda p: ImageOps.expand(p, (0, 60), 16),
    "white frame": lambda p: ImageOps.expand(p, (40, 40), 235),
    "caption": lambda p: ImageOps.expand(p.crop((0, 0, 320, 155)), (0, 0, 0, 25), 20),
    "turned by 2°": lambda p: p.rotate(2, Image.Resampling.BICUBIC),
    "mirrored": ImageOps.mirror,
    "mirrored and cropped": lambda p: ImageOps.mirror(p).crop((16, 9, 304, 171)),
    "lying on its side": lambda p: p.transpose(Image.Transpose.ROTATE_90),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_copy_is_near_under_one_of_its_views(name: str) -> None:
    far = []
    for seed in range(6):
        original, copy = still(scene(seed)), still(np.asarray(CHANGES[name](image(scene(seed)))))
        near = pdq.distance(pdq.dihedral(copy.views[0]), original.hashes[0]).min()
        far.append(int(near))
    assert np.median(far) <= THRESHOLDS["picture"] * 0.85, far


def test_no_view_of_another_picture_is_near() -> None:
    stored = np.stack([still(scene(seed)).hashes[0] for seed in range(100, 112)])
    for seed in range(6):
        turned = pdq.dihedral(still(scene(seed)).views[0])
        assert pdq.distance(turned[:, :, None], stored).min() > THRESHOLDS["picture"]


def test_bars_are_found_whatever_their_colour_and_skies_are_left_alone() -> None:
    plane = scene(2).astype(np.float32)
    framed = np.pad(plane, ((30, 20), (0, 50)), constant_values=200)
    assert picture.without_bars(framed).shape == plane.shape
    assert picture.without_bars(plane).shape == plane.shape
    assert picture.without_bars(np.full((90, 90), 7, np.float32)).shape == (90, 90)
