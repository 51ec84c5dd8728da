"""The watermark in pictures: unseen, and found again after what platforms and people do."""

import io
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from PIL import Image, ImageDraw
from scipy import ndimage

from governance.marking.frames import Bytes
from governance.marking.watermark import reading
from governance.marking.watermark.keys import WatermarkKeys
from governance.marking.watermark.picture import PictureReader, PictureWatermark
from governance.marking.watermark.reading import Found

KEYS = WatermarkKeys(b"\x05" * 32)
STRANGER = WatermarkKeys(b"\x06" * 32)
ISSUED = np.random.default_rng(3).integers(0, 2**64, 10_000, np.uint64)
MARK = int(ISSUED[4321])
WIDTH, HEIGHT, RATE, FRAMES = 640, 360, 24, 30

Clip = list[Bytes]
Change = Callable[[Bytes], Bytes]


@cache
def _ground() -> Bytes:
    """Clouds of every size, a little larger than a frame."""
    noise = np.random.default_rng(4).normal(size=(HEIGHT + 60, WIDTH + 120))
    clouds = sum(ndimage.gaussian_filter(noise, size) * size**1.6 for size in (1, 3, 9, 27))
    ground: Bytes = (126 + 42 * clouds / np.std(clouds)).clip(20, 230).astype(np.uint8)
    return ground


@cache
def _scene(kind: str) -> tuple[Bytes, ...]:
    """`pan`: the ground moves; `drawing`: flat areas, an outline, a ball that moves."""
    return tuple(_pan(n) if kind == "pan" else _drawing(n) for n in range(FRAMES))


def _pan(n: int) -> Bytes:
    return _ground()[n : n + HEIGHT, 2 * n : 2 * n + WIDTH].copy()


def _drawing(n: int) -> Bytes:
    image = Image.new("L", (WIDTH, HEIGHT), 170)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 240, WIDTH, HEIGHT), fill=90)
    pen.polygon([(320, 240), (420, 90), (520, 240)], fill=60)
    pen.ellipse((40 + 5 * n, 120, 160 + 5 * n, 240), fill=210, outline=30, width=4)
    return np.array(image)


@cache
def _marked(kind: str) -> tuple[Bytes, ...]:
    """As delivered."""
    mark = PictureWatermark(KEYS, "acme", MARK, WIDTH, HEIGHT)
    clip = [frame.copy() for frame in _scene(kind)]
    chroma = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
    for n, frame in enumerate(clip):
        mark.paint(n / RATE, frame, (chroma, chroma))
    return tuple(_encoded(clip, crf=18))


def _encoded(clip: Clip, crf: int, codec: str = "libx264") -> Clip:
    """Through a real encoder and back."""
    file = io.BytesIO()
    options = {"preset": "veryfast", "crf": str(crf)}
    if codec == "libx265":
        options["x265-params"] = "log-level=none"
    with av.open(file, "w", "mp4") as writing:
        stream: Any = writing.add_stream(codec, rate=RATE, options=options)
        stream.height, stream.width = clip[0].shape
        stream.pix_fmt = "yuv420p"
        for n, luma in enumerate(clip):
            grey = VideoFrame.from_ndarray(np.ascontiguousarray(luma), "gray")
            frame = grey.reformat(format="yuv420p", src_color_range=1, dst_color_range=1)
            frame.pts, frame.time_base = n, Fraction(1, RATE)
            writing.mux(stream.encode(frame))
        writing.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as opened:
        return [_luma(frame) for frame in opened.decode(video=0)]


def _luma(frame: VideoFrame) -> Bytes:
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width].copy()


def _found(clip: Clip | tuple[Bytes, ...], keys: WatermarkKeys = KEYS) -> Found | None:
    reader = PictureReader(keys)
    for n, frame in enumerate(clip):
        reader.feed(n / RATE, frame)
    return reading.identify(reader.reading(), keys, {"other": ISSUED[:100], "acme": ISSUED})


def _resized(luma: Bytes, width: int, height: int) -> Bytes:
    return np.array(Image.fromarray(luma).resize((width, height), Image.Resampling.BICUBIC))


def _turned(luma: Bytes) -> Bytes:
    image = Image.fromarray(luma)
    return np.array(image.rotate(2, Image.Resampling.BICUBIC, fillcolor=16))


def _captioned(luma: Bytes) -> Bytes:
    image = Image.fromarray(luma)
    ImageDraw.Draw(image).rectangle((80, 270, 560, 335), fill=16)
    return np.array(image)


def _jpeg(luma: Bytes, quality: int = 50) -> Bytes:
    file = io.BytesIO()
    Image.fromarray(luma).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


CHANGES: dict[str, tuple[Change, int]] = {
    "encoded hard": (lambda luma: luma, 35),
    "half the size": (lambda luma: _resized(luma, 320, 180), 23),
    "a fifth cut off": (lambda luma: luma[72:, 128:], 23),
    "a fifth cut off and scaled up": (lambda luma: _resized(luma[36:324, 64:576], 640, 360), 23),
    "letterboxed": (lambda luma: np.pad(luma, ((60, 60), (0, 0)), constant_values=16), 23),
    "mirrored": (lambda luma: luma[:, ::-1], 23),
    "turned by two degrees": (_turned, 23),
    "squeezed to 4:3": (lambda luma: _resized(luma, 480, 360), 23),
    "mirrored, turned and squeezed": (lambda luma: _resized(_turned(luma[:, ::-1]), 480, 360), 23),
    "captioned": (_captioned, 23),
    "brighter": (lambda luma: (luma * 0.9 + 30).clip(16, 235).astype(np.uint8), 23),
}


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        *(("pan", change) for change in CHANGES),
        ("drawing", "encoded hard"),
        ("drawing", "mirrored"),
    ],
)
def test_the_right_id_is_found_after_a_change_and_a_new_encoding(kind: str, change: str) -> None:
    how, crf = CHANGES[change]
    found = _found(_encoded([how(frame) for frame in _marked(kind)], crf))
    assert found is not None
    assert (found.watermark_id, found.organisation) == (MARK, "acme")


def test_h265_speed_and_trim_leave_the_mark() -> None:
    faster = _encoded(list(_marked("pan")[6::2]), 28, "libx265")
    found = _found(faster)
    assert found is not None and found.watermark_id == MARK


def test_a_screen_shot_carries_the_mark_and_says_how_it_was_changed() -> None:
    shot = _jpeg(_resized(_marked("pan")[11][:, ::-1], 480, 360))
    found = _found([shot])
    assert found is not None and found.watermark_id == MARK
    facts = dict(found.geometry)
    assert facts["flip"] == "horizontal"
    across, down = (float(scale) for scale in facts["scale"].split(" x "))
    assert across == pytest.approx(0.75, rel=0.02)
    assert down == pytest.approx(1, rel=0.02)


def test_a_delivered_clip_is_read_without_a_list_of_ids() -> None:
    reader = PictureReader(KEYS)
    for n, frame in enumerate(_marked("pan")):
        reader.feed(n / RATE, frame)
    found = reading.decode_blind(reader.reading(), KEYS, ["acme"])
    assert found is not None and found.watermark_id == MARK


@pytest.mark.parametrize("kind", ["pan", "drawing"])
def test_the_mark_is_not_seen(kind: str) -> None:
    mark = PictureWatermark(KEYS, "acme", MARK, WIDTH, HEIGHT)
    before = _scene(kind)[0]
    after = before + mark.delta(before)
    assert _psnr(before, after) >= 40
    assert _ssim(before, after) >= 0.98
    assert _ssim(_resized(before, 160, 90), _resized(after.astype(np.uint8), 160, 90)) >= 0.975


@pytest.mark.parametrize("kind", ["pan", "drawing"])
def test_nothing_is_found_where_nothing_was_written_or_with_another_secret(kind: str) -> None:
    assert _found(_encoded(list(_scene(kind)), 23)) is None
    assert _found(_marked(kind), STRANGER) is None


@pytest.mark.parametrize("level", [0, 16, 128, 255])
def test_a_blank_picture_says_nothing(level: int) -> None:
    assert _found([np.full((180, 320), level, np.uint8)]) is None


def test_a_periodic_picture_says_nothing() -> None:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    stripes = 128 + 60 * np.sign(np.sin(2 * np.pi * columns / 40)) + 30 * np.sin(rows * np.pi / 20)
    assert _found([stripes.astype(np.uint8)]) is None


def test_no_frame_is_no_candidate() -> None:
    assert PictureReader(KEYS).reading().candidates == ()


def test_painting_never_wraps_around_black_or_white() -> None:
    noise = np.random.default_rng(1).integers(0, 2, (HEIGHT, WIDTH), np.uint8) * 255
    painted = noise.copy()
    PictureWatermark(KEYS, "acme", MARK, WIDTH, HEIGHT).paint(0, painted, (noise, noise))
    assert np.abs(painted.astype(int) - noise).max() < 40


def test_the_strength_follows_a_cut_to_another_scene() -> None:
    mark = PictureWatermark(KEYS, "acme", MARK, WIDTH, HEIGHT)
    lively, flat = _scene("pan")[0].copy(), np.full((HEIGHT, WIDTH), 100, np.uint8)
    mark.paint(0.0, lively, (lively, lively))
    mark.paint(0.01, flat, (flat, flat))
    assert np.std(flat) < 1.6


IMAGE_CHANGES: dict[str, Change] = {
    "png": lambda luma: luma,
    "jpeg q50": _jpeg,
    "half the size": lambda luma: _resized(luma, luma.shape[1] // 2, luma.shape[0] // 2),
    "a fifth cut off": lambda luma: luma[: -luma.shape[0] // 5, luma.shape[1] // 5 :],
    "turned by two degrees": _turned,
}


@pytest.mark.parametrize("change", IMAGE_CHANGES)
@pytest.mark.parametrize(("width", "height"), [(1024, 1024), (600, 401)])
def test_an_image_keeps_its_mark(change: str, width: int, height: int) -> None:
    luma = _resized(_ground(), width, height)
    delta = PictureWatermark(KEYS, "acme", MARK, width, height).delta(luma)
    marked = (luma + delta).clip(0, 255).astype(np.uint8)
    found = _found([_jpeg(np.ascontiguousarray(IMAGE_CHANGES[change](marked)), 75)])
    assert found is not None and found.watermark_id == MARK


def test_pictures_of_any_shape_can_be_marked_and_read() -> None:
    for width, height in [(16, 16), (33, 500), (2000, 40)]:
        luma = np.full((height, width), 99, np.uint8)
        PictureWatermark(KEYS, "acme", MARK, width, height).delta(luma)
        assert _found([luma]) is None


def _psnr(before: Bytes, after: Any) -> float:
    return float(10 * np.log10(255**2 / np.mean((before.astype(float) - after) ** 2)))


def _ssim(before: Any, after: Any) -> float:
    """Wang et al. 2004: Gaussian window of 1.5 pixels, 11 wide."""
    x, y = before.astype(float), after.astype(float)

    def mean(values: Any) -> Any:
        return ndimage.gaussian_filter(values, 1.5, truncate=3.5)

    mx, my = mean(x), mean(y)
    vx, vy, vxy = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    ratio = (2 * mx * my + c1) * (2 * vxy + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    return float(ratio.mean())
