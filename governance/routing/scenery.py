"""Pictures without a model: a drifting landscape whose palette and terrain follow from seeds.

Sky with clouds, a low sun, ridges that slide at different speeds, sometimes a lake, and sparks of
light. Everything is a pure function of (palette seed, terrain seed, size, time).
"""

import colorsys
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.floating[Any]]
Pixels = NDArray[np.uint8]

# Sky above, sky middle, horizon, sun, nearest ridge.
PALETTES = (
    ("1d2350", "6f4285", "f2a071", "ffe6b8", "1a1330"),  # dusk
    ("2b4a86", "b66e92", "ffd6a6", "fff5da", "222844"),  # dawn
    ("0d1a42", "234a80", "6aa0c6", "eef5ff", "0a1230"),  # moonlight
    ("0a4256", "24918f", "dcf2cc", "fffce4", "06303a"),  # lagoon
    ("5e2d4e", "d87050", "ffd492", "fff2d4", "331926"),  # desert
    ("2a72ad", "86c8de", "f3f6e4", "ffffff", "17404f"),  # noon
    ("241a52", "6046a8", "ea90c4", "ffe4f2", "140d30"),  # violet
    ("34121e", "962a34", "ff9454", "ffe6b0", "1e0b12"),  # ember
    ("124032", "469669", "ebefba", "fffce4", "0a2419"),  # forest
    ("2a486a", "86afcd", "ecf4fa", "ffffff", "162b44"),  # ice
)
RIDGES = 5
CLOUD_TEXTURE = (128, 512)


class Scenery:
    """One landscape; `frame(seconds)` paints it.

    palette, terrain: any integers; width, height: pixels of the frames to paint.
    """

    def __init__(self, palette: int, terrain: int, width: int, height: int) -> None:
        self.width = width
        self.height = height
        # Seeded on purpose: the same seeds must give the same pixels.
        self._dice = np.random.default_rng([palette, terrain])
        colours = np.random.default_rng(palette)
        self._top, self._middle, self._horizon, self._sun, self._near = _palette(colours)
        self._skyline = float(self._dice.uniform(0.50, 0.60))
        self._sun_at = (
            float(self._dice.uniform(0.22, 0.78)),
            self._skyline - float(self._dice.uniform(0.04, 0.22)),
        )
        self._sun_radius = float(self._dice.uniform(0.045, 0.085))
        self._wind = float(self._dice.choice([-1.0, 1.0]) * self._dice.uniform(0.7, 1.3))
        self._lake = bool(self._dice.random() < 0.5)
        self._profiles = [_profile(self._dice, layer) for layer in range(RIDGES)]
        self._clouds = _noise(self._dice, CLOUD_TEXTURE)
        self._cover = float(self._dice.uniform(-0.2, 0.5))
        self._sparks = self._dice.uniform(size=(48, 6)).astype(np.float32)
        self._grain = self._dice.normal(0, 1.6, (height + 64, width + 64)).astype(np.float32)

    def frame(self, seconds: float) -> Pixels:
        """The picture at that moment: (height, width, 3), RGB."""
        picture = self._sky(seconds)
        for layer in range(RIDGES - 1 if self._lake else RIDGES):
            self._ridge(picture, layer, seconds)
        if self._lake:
            self._water(picture, seconds)
            self._ridge(picture, RIDGES - 1, seconds)
        self._glitter(picture, seconds)
        picture *= self._vignette
        tick = int(seconds * 1000)
        row, column = tick * 7 % 64, tick * 13 % 64
        picture += self._grain[row : row + self.height, column : column + self.width]
        return np.ascontiguousarray(np.clip(picture, 0, 255).astype(np.uint8).transpose(1, 2, 0))

    def _sky(self, seconds: float) -> Floats:
        """Gradient, clouds, sun: painted at a quarter of the size, because all of it is soft."""
        rows, columns = max(self.height // 4, 2), max(self.width // 4, 2)
        y = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
        x = np.linspace(0, 1, columns, dtype=np.float32)[None, :]
        sway = 0.02 * np.sin(2 * np.pi * (1.2 * x + 0.06 * seconds))
        sky = _blend(y / self._skyline + sway, self._top, self._middle, self._horizon)
        density = self._cloud_density(y, x, seconds)
        lit = 0.55 * self._horizon + 0.45 * self._sun
        sky += density * 0.55 * (lit - sky)
        aspect = self.width / self.height
        rise = self._sun_at[1] - 0.004 * seconds
        distance = np.hypot((x - self._sun_at[0]) * aspect, y - rise)
        halo = np.exp(-((distance / 0.32) ** 1.3)) * (0.55 + 0.04 * np.sin(1.7 * seconds))
        sky += halo * 0.8 * (self._sun - sky)
        picture = _enlarge(sky, self.width, self.height)
        self._disc(picture, rise)
        return picture

    def _disc(self, picture: Floats, rise: float) -> None:
        radius = self._sun_radius * self.height
        centre_x, centre_y = self._sun_at[0] * self.width, rise * self.height
        top, bottom = _span(centre_y, radius + 2, self.height)
        left, right = _span(centre_x, radius + 2, self.width)
        y = np.arange(top, bottom, dtype=np.float32)[:, None]
        x = np.arange(left, right, dtype=np.float32)[None, :]
        inside = np.clip(radius - np.hypot(x - centre_x, y - centre_y), 0, 1)
        area = picture[:, top:bottom, left:right]
        area += inside * 0.9 * (np.minimum(self._sun + 14, 255) - area)

    def _cloud_density(self, y: Floats, x: Floats, seconds: float) -> Floats:
        height, width = CLOUD_TEXTURE
        row = np.sqrt(np.clip(y / self._skyline, 0, 1)) * (height - 1)
        column = (x * 0.55 + self._wind * 0.012 * seconds) * width
        # Linear between two texels, or slow clouds would move in steps.
        whole = np.floor(column)
        share = column - whole
        first = self._clouds[row.astype(int), whole.astype(int) % width]
        second = self._clouds[row.astype(int), (whole.astype(int) + 1) % width]
        density = first + share * (second - first) - self._cover
        result: Floats = np.clip(density, 0, 1) * np.clip(1.25 - y / self._skyline, 0, 1)
        return result

    def _ridge(self, picture: Floats, layer: int, seconds: float) -> None:
        nearness = (layer + 1) / RIDGES
        x = np.arange(self.width, dtype=np.float32) / self.height
        shift = self._wind * seconds * 0.018 * (1.9**layer)
        base = self._skyline - 0.02 + 0.40 * nearness**1.7 + (0.1 if self._lake else 0) * nearness
        crest = (base - self._profiles[layer](x + shift)) * self.height
        top = int(max(crest.min(), 0))
        if top >= self.height:
            return
        y = np.arange(top, self.height, dtype=np.float32)[:, None]
        depth = y - crest[None, :]
        cover = np.clip(depth + 0.5, 0, 1)
        haze = np.clip(depth / self.height * 2.4, 0, 1) * (0.55 - 0.45 * nearness)
        colour = self._horizon + (self._near - self._horizon) * (0.22 + 0.78 * nearness**0.8)
        rim = np.exp(-((depth / (0.012 * self.height)) ** 2)) * 0.16
        shade = colour + haze * (self._horizon - colour) + rim * (self._sun - colour)
        area = picture[:, top:]
        area += cover * (shade - area)

    def _water(self, picture: Floats, seconds: float) -> None:
        shore = int((self._skyline + 0.14) * self.height)
        depth = np.arange(self.height - shore, dtype=np.float32)
        ripple = np.sin(depth * 90 / self.height + 2.6 * seconds) * (1 + depth * 0.045)
        ripple += np.sin(depth * 31 / self.height - 1.7 * seconds) * (1 + depth * 0.03)
        rows = np.clip(shore - depth * 1.15 + ripple, 0, shore - 1).astype(int)
        fade = (0.82 - 0.45 * depth / max(len(depth), 1))[:, None]
        picture[:, shore:] = picture[:, rows] * fade + self._top * (1 - fade) * 0.85
        edge = slice(max(shore - 1, 0), shore + 1)
        picture[:, edge] += 0.10 * (self._horizon - picture[:, edge])

    def _glitter(self, picture: Floats, seconds: float) -> None:
        """Sparks that drift and twinkle, added as light with sub-pixel positions."""
        for start_x, start_y, size, speed, phase, depth in self._sparks:
            radius = (0.0016 + 0.0042 * size * size) * self.height + 0.6
            sway = 0.012 * np.sin(2 * np.pi * (phase + 0.23 * seconds))
            x = (start_x + sway + self._wind * (0.01 + 0.03 * depth) * seconds) % 1 * self.width
            y = (start_y - (0.008 + 0.03 * speed) * seconds) % 1 * self.height
            glow = 0.25 + 0.75 * (0.5 + 0.5 * np.sin(2 * np.pi * (phase + 0.5 * seconds))) ** 2
            top, bottom = _span(y, 3 * radius, self.height)
            left, right = _span(x, 3 * radius, self.width)
            down = np.exp(-(((np.arange(top, bottom) - y) / radius) ** 2))
            across = np.exp(-(((np.arange(left, right) - x) / radius) ** 2))
            light = np.outer(down, across).astype(np.float32)
            area = picture[:, top:bottom, left:right]
            area += light * (0.75 * glow) * (self._sun - area)

    @cached_property
    def _vignette(self) -> Floats:
        y = np.linspace(-1, 1, self.height, dtype=np.float32)[:, None]
        x = np.linspace(-1, 1, self.width, dtype=np.float32)[None, :]
        shade: Floats = 1 - 0.22 * np.clip((x * x + y * y) / 2, 0, 1) ** 1.5
        return shade


def _palette(dice: np.random.Generator) -> list[Floats]:
    chosen = PALETTES[int(dice.integers(len(PALETTES)))]
    turn, wash = float(dice.uniform(-0.05, 0.05)), float(dice.uniform(0.85, 1.1))
    return [_tinted(colour, turn, wash) for colour in chosen]


def _tinted(colour: str, turn: float, wash: float) -> Floats:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4))
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    turned = colorsys.hsv_to_rgb((hue + turn) % 1, min(saturation * wash, 1), value)
    return np.array(turned, np.float32).reshape(3, 1, 1) * 255


def _profile(dice: np.random.Generator, layer: int) -> Callable[[Floats], Floats]:
    """A ridge line: waves of falling size, folded so that they make crests, not only hills."""
    octaves = 7
    scale = 0.8 + 0.35 * layer
    frequency = np.float32(scale) * 1.87 ** np.arange(octaves, dtype=np.float32)
    frequency *= dice.uniform(0.9, 1.1, octaves).astype(np.float32)
    phase = dice.uniform(0, 2 * np.pi, octaves).astype(np.float32)
    size = 0.10 * (1 - 0.08 * layer) * 0.5 ** np.arange(octaves, dtype=np.float32)
    fold = float(dice.uniform(0.25, 0.8))

    def height(x: Floats) -> Floats:
        wave = np.sin(x[None, :] * frequency[:, None] * np.pi + phase[:, None])
        crest = (1 - fold) * wave + fold * (1 - 2 * np.abs(wave))
        total: Floats = (crest * size[:, None]).sum(axis=0)
        return total

    return height


def _noise(dice: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Tileable cloud texture in about −1…1: white noise whose spectrum falls with frequency."""
    spectrum = np.fft.rfft2(dice.normal(size=shape))
    down = np.fft.fftfreq(shape[0])[:, None] * 0.3  # stretched sideways, as clouds are
    across = np.fft.rfftfreq(shape[1])[None, :]
    reach = np.hypot(down, across)
    reach[0, 0] = np.inf
    texture = np.fft.irfft2(spectrum / reach**1.6, shape)
    result: Floats = (texture / (2.2 * texture.std())).astype(np.float32)
    return result


def _blend(share: Floats, first: Floats, second: Floats, third: Floats) -> Floats:
    """Colour along a gradient through three stops, `share` in 0…1."""
    low = np.clip(share * 2, 0, 1)
    high = np.clip(share * 2 - 1, 0, 1)
    mixed: Floats = first + low * (second - first)
    mixed += high * (third - mixed)
    return mixed


def _enlarge(picture: Floats, width: int, height: int) -> Floats:
    large = np.empty((3, height, width), np.float32)
    for plane, target in zip(picture, large, strict=True):
        image = Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR)
        target[:] = np.asarray(image)
    return large


def _span(centre: float, reach: float, limit: int) -> tuple[int, int]:
    low = max(int(centre - reach), 0)
    return min(low, limit), max(min(int(centre + reach) + 1, limit), min(low, limit))
