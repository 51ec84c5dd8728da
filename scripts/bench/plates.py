"""Still pictures with the statistics of photographs, made from a seed: what the clips show.

Overlapping leaves whose sizes follow a power law ("dead leaves") have the edges and the 1/f
spectrum of natural scenes; each is shaded and carries a texture of its own.
"""

from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]  # (height, width, 3), RGB

TEXT = (
    "quarterly results of the northern region show a steady rise in river traffic while the "
    "harbour kept its old name and the ferries ran on time despite fog in late autumn"
)


def fractal(rng: np.random.Generator, height: int, width: int, slope: float = 1.0) -> Floats:
    """Noise with amplitude 1/f^slope: mean 0, deviation 1, periodic at its borders."""
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    distance = np.hypot(rows * height, columns * width)
    distance[0, 0] = 1
    spectrum = np.fft.rfft2(rng.standard_normal((height, width), dtype=np.float32))
    spectrum *= distance**-slope
    spectrum[0, 0] = 0
    noise = np.fft.irfft2(spectrum, s=(height, width))
    return np.asarray(noise / noise.std(), np.float32)


def photograph(
    rng: np.random.Generator, width: int, height: int, leaves: int = 900, softness: float = 0.7
) -> Image.Image:
    """A detailed scene: leaves under one light, with surface texture."""
    palette = rng.integers(20, 215, (12, 1)) + rng.normal(0, (24, 10, 24), (12, 3))
    image = Image.new("RGB", (width, height), _rgb(palette[0] / 2 + 50))
    draw = ImageDraw.Draw(image)
    largest = 0.35 * width
    for _ in range(leaves):
        radius = largest / np.sqrt(1 + rng.random() * (largest / 4) ** 2 * 0.2)
        colour = palette[rng.integers(12)] + rng.normal(0, 14) + rng.normal(0, 5, 3)
        corners = _blob(rng, rng.random() * width, rng.random() * height, radius)
        draw.polygon(corners, fill=_rgb(colour))
    image = image.filter(ImageFilter.GaussianBlur(softness))
    shade = 1 + 0.16 * fractal(rng, height, width, 1.6) + 0.05 * fractal(rng, height, width, 0.8)
    return to_image(np.asarray(image, np.float32) * shade[:, :, None])


def sky(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """A smooth gradient from deep to pale blue with a hint of haze: the hardest place to hide."""
    depth = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    top, bottom = np.array([70, 120, 190]), np.array([225, 220, 205])
    haze = fractal(rng, height, width, 2.2)[:, :, None]
    return to_image(top + (bottom - top) * depth**1.3 + 3 * haze + np.zeros((1, width, 1)))


def cartoon(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Flat colours and dark outlines."""
    image = Image.new("RGB", (width, height), (150, 205, 235))
    draw = ImageDraw.Draw(image)
    line = max(2, height // 180)
    for hill in range(3):
        level = height * (0.55 + 0.13 * hill)
        xs = np.linspace(0, width, 40)
        ys = level + height * 0.06 * np.sin(xs / width * (5 + 3 * hill) + rng.random() * 6)
        shape = [*zip(xs, ys, strict=True), (width, height), (0, height)]
        draw.polygon(shape, fill=_rgb(rng.integers(60, 230, 3)), outline=(25, 20, 30), width=line)
    for _ in range(7):
        corners = _blob(rng, rng.random() * width, rng.random() * height * 0.8, height * 0.09)
        fill = _rgb(rng.integers(60, 255, 3))
        draw.polygon(corners, fill=fill, outline=(25, 20, 30), width=line)
    return image


def slide(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Dark text and a bar chart on white."""
    image = Image.new("RGB", (width, height), (250, 250, 247))
    draw = ImageDraw.Draw(image)
    title, body = ImageFont.load_default(height // 12), ImageFont.load_default(height // 24)
    draw.text((width * 0.06, height * 0.06), _words(rng, 4).title(), (20, 40, 90), title)
    for line in range(9):
        place = (width * 0.06, height * (0.24 + 0.075 * line))
        draw.text(place, "- " + _words(rng, 6), (40, 40, 40), body)
    for bar in range(6):
        left, tall = width * (0.66 + 0.05 * bar), height * (0.1 + 0.45 * rng.random())
        corners = (left, height * 0.85 - tall, left + width * 0.035, height * 0.85)
        draw.rectangle(corners, fill=_rgb(rng.integers(40, 200, 3)))
    return image


def fabric(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """A fine weave with two periods and uneven light: a rival to any periodic mark."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    slant, (across, down), stripe = 0.2 * rng.random(), rng.uniform(6, 11, 2), rng.uniform(40, 90)
    warp = np.sin((columns + slant * rows) * (2 * np.pi / across))
    weft = np.sin((rows - slant * columns) * (2 * np.pi / down))
    stripes = 18 * np.sign(np.sin(columns * (2 * np.pi / stripe)))
    light = 0.75 + 0.35 * np.cos((columns - width / 3) / width * 2) * np.cos(rows / height)
    luma = (125 + 38 * warp * weft + stripes) * light
    return to_image(luma[:, :, None] * rng.uniform(0.7, 1, 3))


def shown(frame: VideoFrame) -> Image.Image:
    """A decoded frame, RGB."""
    return Image.fromarray(frame.to_ndarray(format="rgb24"))


def to_image(pixels: NDArray[np.floating]) -> Image.Image:
    return Image.fromarray(np.rint(pixels.clip(0, 255)).astype(np.uint8))


def _blob(rng: np.random.Generator, x: float, y: float, radius: float) -> list[tuple[float, float]]:
    corners = int(rng.integers(3, 14))
    angles = np.sort(rng.random(corners)) * 2 * np.pi
    lengths = radius * (0.6 + 0.5 * rng.random(corners))
    xs, ys = x + lengths * np.cos(angles), y + lengths * np.sin(angles)
    return list(zip(xs.tolist(), ys.tolist(), strict=True))


def _words(rng: np.random.Generator, count: int) -> str:
    words = TEXT.split()
    return " ".join(words[index] for index in rng.integers(0, len(words), count))


def _rgb(colour: NDArray[Any]) -> tuple[int, int, int]:
    red, green, blue = (round(value) for value in colour.clip(0, 255).tolist())
    return red, green, blue
