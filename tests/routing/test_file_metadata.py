"""A file keeps its pixels and samples, and loses every word about how it was made."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from governance.routing import Fault
from governance.routing.file_metadata import remove_metadata
from governance.simulators import clip

from .clips import decode


def picture() -> bytes:
    texts = PngInfo()
    texts.add_text("prompt", "Rosa", zip=False)
    texts.add_text("workflow", "Rosa" * 99, zip=True)
    texts.add_itxt("parameters", "Rosa")
    exif = Image.Exif()
    exif[0x010E] = "Rosa"
    memory = BytesIO()
    noise = np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8)
    Image.fromarray(noise).save(memory, "PNG", pnginfo=texts, exif=exif)
    return memory.getvalue()


def test_a_picture_keeps_every_pixel(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(picture())

    remove_metadata(path, "image")

    assert b"Rosa" not in path.read_bytes()
    with Image.open(path) as after, Image.open(BytesIO(picture())) as before:
        assert after.tobytes() == before.tobytes()
        assert set(after.info) == set()


def test_a_clip_keeps_every_frame_and_sample(tmp_path: Path) -> None:
    path, original = tmp_path / "clip", tmp_path / "original.mp4"
    for file in (path, original):
        file.write_bytes(clip.encode("a fox", 1, 128, 64))

    remove_metadata(path, "video")

    after, before = decode(path), decode(original)
    assert np.array_equal(after.frames, before.frames)
    assert np.array_equal(after.samples, before.samples)
    assert after.video_seconds == before.video_seconds


@pytest.mark.parametrize("cut", [0, 4, 20, 60, -13, -3])
def test_a_picture_that_is_cut_is_refused_and_left_alone(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "picture"
    path.write_bytes(picture()[:cut])

    with pytest.raises(Fault) as fault:
        remove_metadata(path, "image")

    assert fault.value.kind == "internal"
    assert path.read_bytes() == picture()[:cut]
    assert list(tmp_path.iterdir()) == [path]


def test_a_clip_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clip"
    path.write_bytes(b"\0\0\0\x18ftypisom" + bytes(64))

    with pytest.raises(Fault) as fault:
        remove_metadata(path, "video")

    assert fault.value.kind == "internal"
    assert list(tmp_path.iterdir()) == [path]
