"""An image is written anew with what is drawn into it, and with everything else it had."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from governance.kernel.errors import InvalidRequest
from governance.marking.stills import PAINTABLE, load
from tests.marking import samples

FORMATS = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp"}


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGBA")).astype(int)


def copied(path: Path) -> Path:
    """Taken apart and written anew, with nothing painted."""
    target = path.with_name("target" + path.suffix)
    load(path, FORMATS[path.suffix]).save(target)
    return target


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_format_and_the_picture_stay(tmp_path: Path, suffix: str) -> None:
    source = samples.image(tmp_path / f"a{suffix}")
    target = copied(source)
    with Image.open(source) as before, Image.open(target) as after:
        assert (after.format, after.size) == (before.format, before.size)
    assert np.abs(pixels(source) - pixels(target)).mean() < 1.5


def test_png_and_lossless_webp_stay_lossless_and_lossy_webp_lossy(tmp_path: Path) -> None:
    picture = Image.fromarray(samples.scene(0))
    picture.save(tmp_path / "exact.webp", lossless=True, icc_profile=profile())
    picture.save(tmp_path / "lossy.webp", quality=80)
    png = samples.image(tmp_path / "a.png")
    assert (pixels(copied(png)) == pixels(png)).all()
    exact = copied(tmp_path / "exact.webp")
    assert (pixels(exact) == pixels(tmp_path / "exact.webp")).all()
    assert load(exact, "image/webp").lossless
    assert not load(tmp_path / "lossy.webp", "image/webp").lossless


@cache
def profile() -> bytes:
    """It names the second in which it was made."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_image_is_turned_upright_and_keeps_profile_and_exif(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Artist] = "Somebody"
    path = tmp_path / f"a{suffix}"
    Image.fromarray(samples.scene(0)).save(path, exif=exif, icc_profile=profile())
    with Image.open(copied(path)) as image:
        assert image.size == (180, 320)
        assert image.getexif().get(ExifTags.Base.Orientation, 1) == 1
        assert image.getexif()[ExifTags.Base.Artist] == "Somebody"
        assert image.info["icc_profile"] == profile()


def test_png_texts_of_the_vendor_are_kept(tmp_path: Path) -> None:
    texts = PngInfo()
    texts.add_text("Software", "Vendor 3")
    Image.fromarray(samples.scene(0)).save(tmp_path / "a.png", pnginfo=texts)
    with Image.open(copied(tmp_path / "a.png")) as image:
        assert image.text["Software"] == "Vendor 3"  # type: ignore[attr-defined]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "PA", "1"])
def test_every_colour_mode_can_be_painted_and_looks_the_same(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.png"
    picture = Image.fromarray(samples.scene(0)).convert("P" if mode == "PA" else mode)
    picture.save(path)
    assert load(path, "image/png").image.mode in PAINTABLE
    assert (pixels(copied(path)) == pixels(path)).all()


@pytest.mark.parametrize("mode", ["P", "RGB", "L"])
def test_a_transparent_colour_becomes_opacity_that_painting_cannot_break(
    tmp_path: Path, mode: str
) -> None:
    path = tmp_path / "a.png"
    key = {"P": 3, "RGB": (1, 2, 3), "L": 3}[mode]
    picture = Image.new(mode, (32, 32), key)  # type: ignore[arg-type]
    if mode == "P":
        picture.putpalette(bytes(range(256)) * 3)
    picture.paste(200 if mode != "RGB" else (200, 9, 9), (8, 8, 24, 24))
    picture.save(path, transparency=key)
    still = load(path, "image/png")
    still.add(np.full((32, 32), 5, np.int16))
    still.save(tmp_path / "b.png")
    opacity = pixels(tmp_path / "b.png")[..., 3]
    assert (opacity[:8] == 0).all() and (opacity[8:24, 8:24] == 255).all()


@pytest.mark.parametrize("mode", PAINTABLE)
def test_what_is_added_to_the_luma_is_added_to_each_colour_and_never_to_opacity(
    tmp_path: Path, mode: str
) -> None:
    colours: dict[str, Any] = {
        "L": 250,
        "LA": (250, 90),
        "RGB": (250, 100, 0),
        "RGBA": (250, 100, 0, 90),
    }
    Image.new(mode, (16, 16), colours[mode]).save(tmp_path / "a.png")
    still = load(tmp_path / "a.png", "image/png")
    still.add(np.full((16, 16), 10, np.int16))
    expected = {"L": 255, "LA": (255, 90), "RGB": (255, 110, 10), "RGBA": (255, 110, 10, 90)}
    assert still.image.getpixel((3, 3)) == expected[mode]


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_image_that_breaks_off_is_refused(tmp_path: Path, suffix: str) -> None:
    path = samples.image(tmp_path / f"a{suffix}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InvalidRequest) as caught:
        load(path, FORMATS[suffix])
    assert caught.value.code == "media_corrupt"
