"""Clips to mark, varied and alike for everybody: drawn from seeds, or from a folder of real ones.

Each clip is a function from time to an RGB picture; grain, motion blur and camera paths are those
of footage. Pictures of a folder become slow pans; its videos are scaled to the size asked for.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from PIL import Image, ImageDraw, ImageFilter, ImageOps
from plates import Pixels, cartoon, fabric, fractal, photograph, shown, sky, slide, to_image

RATE = 24
MASTER = {"preset": "veryfast", "crf": "12"}  # as a generator delivers: few losses
PICTURES = {".png", ".jpg", ".jpeg", ".webp"}
VIDEOS = {".mp4", ".mov"}

Picture = Callable[[float], Image.Image]  # seconds → RGB of the clip's size
Scene = Callable[[np.random.Generator, int, int], Picture]  # seed, width, height


@dataclass(frozen=True)
class Clip:
    """name: unique; frames(width, height, count): RGB arrays at RATE a second."""

    name: str
    frames: Callable[[int, int, int], Iterator[Pixels]]


def drawn(seed: int = 0) -> list[Clip]:
    """One clip of every scene below; another seed gives other pictures of the same kinds."""
    return [
        Clip(scene.__name__, _shot(scene, grain, seed * 1000 + number))
        for number, (scene, grain) in enumerate(SCENES)
    ]


def real(folder: Path) -> list[Clip]:
    """A clip of every picture and video in the folder, in the order of their names."""
    clips = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in PICTURES:
            clips.append(Clip(path.stem, _shot(_pan_of(path), 0, 0)))
        elif path.suffix.lower() in VIDEOS:
            clips.append(Clip(path.stem, _footage(path)))
    return clips


def write(clip: Clip, target: Path, width: int, height: int, seconds: float) -> Path:
    """The clip as an mp4 of little loss, as a generator would deliver it."""
    with av.open(str(target), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options=MASTER)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index, pixels in enumerate(clip.frames(width, height, round(seconds * RATE))):
            frame = VideoFrame.from_ndarray(pixels, "rgb24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target


# --- scenes -----------------------------------------------------------------------------------


def static(rng: np.random.Generator, width: int, height: int) -> Picture:
    still = photograph(rng, width, height)
    return lambda seconds: still


def dark(rng: np.random.Generator, width: int, height: int) -> Picture:
    room = photograph(rng, width + width // 8, height)
    dim = room.point([round(6 + value * 0.16) for value in range(256)] * 3)
    return lambda seconds: _window(dim, seconds * width / 64, 0, width, height)


def flat(rng: np.random.Generator, width: int, height: int) -> Picture:
    scenery = cartoon(rng, width, height)

    def at(seconds: float) -> Image.Image:
        image = scenery.copy()
        x, y = width * (0.1 + 0.2 * seconds), height * (0.6 - 0.08 * abs(np.sin(seconds * 5)))
        size = height * 0.15
        place = (x - size, y - size, x + size, y + size)
        ImageDraw.Draw(image).ellipse(place, fill=(240, 190, 60), outline=(25, 20, 30), width=3)
        return image

    return at


def fast(rng: np.random.Generator, width: int, height: int) -> Picture:
    """A whip pan: a picture's width in 1.2 s, blurred over half of each frame's time."""
    wide = photograph(rng, width * 3, height)

    def at(seconds: float) -> Image.Image:
        parts = [
            np.asarray(_window(wide, _swing(seconds + part / 8 / RATE) * width, 0, width, height))
            for part in range(4)
        ]
        return to_image(np.mean(parts, axis=0, dtype=np.float32))

    return at


def texture(rng: np.random.Generator, width: int, height: int) -> Picture:
    weave = fabric(rng, width + width // 8, height + height // 8)
    return lambda seconds: _window(weave, seconds * 4.3, seconds * 2.6, width, height)


def slides(rng: np.random.Generator, width: int, height: int) -> Picture:
    pages = [slide(rng, width, height) for _ in range(4)]

    def at(seconds: float) -> Image.Image:
        page, since = divmod(seconds, 1.6)
        now, then = pages[int(page) % 4], pages[int(page + 1) % 4]
        return Image.blend(now, then, max(0.0, (since - 1.3) / 0.3))

    return at


def gradient(rng: np.random.Generator, width: int, height: int) -> Picture:
    heavens = sky(rng, width + width // 8, height)
    return lambda seconds: _window(heavens, seconds * 3, 0, width, height)


def talking(rng: np.random.Generator, width: int, height: int) -> Picture:
    """A soft head before a blurred room; head and mouth move."""
    room = photograph(rng, width, height).filter(ImageFilter.GaussianBlur(height / 60))
    skin = 1 + 0.03 * fractal(rng, height, width, 1.2)[:, :, None]

    def at(seconds: float) -> Image.Image:
        image = room.copy()
        draw = ImageDraw.Draw(image)
        x = width * (0.5 + 0.015 * np.sin(seconds * 2.1))
        y = height * (0.45 + 0.01 * np.sin(seconds * 3.3))
        unit = height * 0.24
        _oval(draw, x, y + unit * 2.6, unit * 1.9, unit * 1.5, (60, 70, 95))
        _oval(draw, x, y - unit * 0.12, unit * 0.92, unit * 1.2, (70, 45, 30))
        _oval(draw, x, y + unit * 0.05, unit * 0.78, unit * 1.05, (214, 168, 140))
        for side in (-1, 1):
            _oval(
                draw, x + side * unit * 0.3, y - unit * 0.15, unit * 0.1, unit * 0.06, (50, 40, 40)
            )
        opened = 0.03 + 0.1 * abs(np.sin(seconds * 9)) * (np.sin(seconds * 1.7) > -0.5)
        _oval(draw, x, y + unit * 0.55, unit * 0.24, unit * opened, (120, 50, 50))
        soft = image.filter(ImageFilter.GaussianBlur(height / 300))
        return to_image(np.asarray(soft, np.float32) * skin)

    return at


def particles(rng: np.random.Generator, width: int, height: int) -> Picture:
    """Snow before a dusky scene, each flake drawn as long as it moves."""
    dusk = photograph(rng, width, height).point([round(20 + v * 0.4) for v in range(256)] * 3)
    flakes = rng.random((500, 3))

    def at(seconds: float) -> Image.Image:
        image = dusk.copy()
        draw = ImageDraw.Draw(image)
        for x, y, depth in flakes.tolist():
            fallen = (y + seconds * (0.2 + 0.7 * depth)) % 1.1 - 0.05
            drift = (x + 0.02 * np.sin(seconds * 2 + 9 * y)) * width
            long, grey = height * 0.02 * depth, int(130 + 120 * depth)
            wide = max(1, round(height / 180 * depth))
            line = (drift, fallen * height, drift, fallen * height + long)
            draw.line(line, fill=(grey, grey, grey), width=wide)
        return image

    return at


def crowd(rng: np.random.Generator, width: int, height: int) -> Picture:
    """A hundred pieces of pictures that walk past one another."""
    ground = photograph(rng, width, height)
    pieces = photograph(rng, width, height)
    walkers = rng.random((100, 5))

    def at(seconds: float) -> Image.Image:
        image = ground.copy()
        for x, y, speed, cut, size in walkers.tolist():
            wide = int(height * (0.05 + 0.08 * size))
            left = int(((x + (speed - 0.5) * seconds * 0.6) % 1.2 - 0.1) * width)
            corner = (int(cut * (width - wide)), int(y * (height - 2 * wide)))
            piece = pieces.crop((*corner, corner[0] + wide, corner[1] + 2 * wide))
            image.paste(piece, (left, int(y * height * 0.8)))
        return image

    return at


def pan(rng: np.random.Generator, width: int, height: int) -> Picture:
    wide = photograph(rng, width * 3 // 2, height * 5 // 4, leaves=2500)
    return lambda seconds: _window(wide, seconds * width / 12, seconds * 5.5, width, height)


def zoom(rng: np.random.Generator, width: int, height: int) -> Picture:
    large = photograph(rng, width * 3 // 2, height * 3 // 2, leaves=2500)

    def at(seconds: float) -> Image.Image:
        wide = large.width * 0.93**seconds
        tall = wide * height / width
        left, top = (large.width - wide) * 0.4, (large.height - tall) * 0.6
        box = (left, top, left + wide, top + tall)
        return large.resize((width, height), Image.Resampling.BILINEAR, box)

    return at


def cuts(rng: np.random.Generator, width: int, height: int) -> Picture:
    """A new shot every 0.7 s."""
    makers = (photograph, sky, cartoon, slide)
    shots = [makers[number % 4](rng, width + 64, height) for number in range(8)]
    return lambda seconds: _window(
        shots[int(seconds / 0.7) % 8], seconds % 0.7 * 40, 0, width, height
    )


def water(rng: np.random.Generator, width: int, height: int) -> Picture:
    """Waves: 1/f noise that drifts in four directions at once, nowhere still."""
    layers = [fractal(rng, height, width, 1.3) for _ in range(4)]
    ways = ((0, 30), (12, -22), (-9, 17), (21, 4))

    def at(seconds: float) -> Image.Image:
        swell = np.zeros((height, width), np.float32)
        for layer, (down, right) in zip(layers, ways, strict=True):
            swell += np.roll(layer, (round(down * seconds), round(right * seconds)), (0, 1))
        light = 95 + 24 * swell + 14 * np.maximum(swell, 1) ** 2
        return to_image(light[:, :, None] * np.array([0.6, 0.85, 1.0]))

    return at


# Scene and its grain (deviation of luma): a phone at night is noisy, a slide is clean.
SCENES: tuple[tuple[Scene, float], ...] = (
    (talking, 1.5),
    (gradient, 0.8),
    (texture, 1.0),
    (fast, 1.5),
    (dark, 3.0),
    (flat, 0.0),
    (slides, 0.0),
    (static, 2.5),
    (particles, 2.0),
    (crowd, 1.0),
    (pan, 1.5),
    (zoom, 1.0),
    (cuts, 1.0),
    (water, 1.0),
)


# --- cameras ----------------------------------------------------------------------------------


def _shot(scene: Scene, grain: float, seed: int) -> Callable[[int, int, int], Iterator[Pixels]]:
    def frames(width: int, height: int, count: int) -> Iterator[Pixels]:
        rng = np.random.default_rng(seed)
        picture = scene(rng, width, height)
        sensor = _Sensor(rng, width, height, grain)
        for index in range(count):
            yield sensor.expose(np.asarray(picture(index / RATE)))

    return frames


class _Sensor:
    """Adds grain, fresh in every frame: windows of one large plate at random places."""

    def __init__(self, rng: np.random.Generator, width: int, height: int, deviation: float):
        self._rng = rng
        plate = rng.standard_normal((height + 128, width + 128, 1), dtype=np.float32)
        soft = (plate + np.roll(plate, 1, 0) + np.roll(plate, 1, 1)) / np.sqrt(np.float32(3))
        self._plate = np.rint(soft * deviation).astype(np.int16) if deviation else None

    def expose(self, pixels: Pixels) -> Pixels:
        if self._plate is None:
            return pixels
        height, width = pixels.shape[:2]
        top, left = self._rng.integers(0, 128, 2)
        grain = self._plate[top : top + height, left : left + width]
        noisy: Pixels = (pixels + grain).clip(0, 255).astype(np.uint8)
        return noisy


def _pan_of(path: Path) -> Scene:
    def scene(rng: np.random.Generator, width: int, height: int) -> Picture:
        with Image.open(path) as opened:
            upright = ImageOps.exif_transpose(opened).convert("RGB")
        large = ImageOps.fit(upright, (width * 6 // 5, height * 6 // 5))
        return lambda seconds: _window(large, seconds * 6.3, seconds * 3.1, width, height)

    return scene


def _footage(path: Path) -> Callable[[int, int, int], Iterator[Pixels]]:
    def frames(width: int, height: int, count: int) -> Iterator[Pixels]:
        with av.open(str(path)) as container:
            for index, frame in enumerate(container.decode(video=0)):
                if index == count:
                    return
                yield np.asarray(ImageOps.fit(shown(frame), (width, height)))

    return frames


def _window(image: Image.Image, left: float, top: float, width: int, height: int) -> Image.Image:
    """A window at a place between pixels; turns back at the borders."""
    x, y = _bounce(left, image.width - width), _bounce(top, image.height - height)
    box = (x, y, x + width, y + height)
    return image.resize((width, height), Image.Resampling.BILINEAR, box)


def _bounce(place: float, room: int) -> float:
    return room - abs(place % (2 * room) - room) if room else 0.0


def _swing(seconds: float) -> float:
    return 1 - float(np.cos(seconds * 2.6))


def _oval(
    draw: ImageDraw.ImageDraw,
    x: float,
    y: float,
    wide: float,
    tall: float,
    colour: tuple[int, int, int],
) -> None:
    draw.ellipse((x - wide, y - tall, x + wide, y + tall), fill=colour)
