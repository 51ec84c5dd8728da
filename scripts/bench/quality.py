"""How far two pictures differ: PSNR and SSIM of the luma."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from governance.marking.decode import pictures
from governance.marking.encode import encode_video
from governance.marking.watermark.picture import PictureWatermark

Luma = NDArray[np.uint8]

WINDOW = 7  # pixels a side, uniform: the usual default
PEAK = 255.0
ENOUGH_DB = 99.0  # two equal pictures
EVERY = 12  # frames: one of so many is compared


def psnr(one: Luma, other: Luma) -> float:
    """Decibels, with a peak of 255."""
    error = float(np.mean((one.astype(np.float32) - other) ** 2))
    return float(10 * np.log10(PEAK**2 / error)) if error else ENOUGH_DB


def ssim(one: Luma, other: Luma) -> float:
    """Mean over all windows (Wang et al., 2004), sample variances."""
    x, y = one.astype(np.float64), other.astype(np.float64)
    pixels = WINDOW**2
    unbiased = pixels / (pixels - 1)
    mean_x, mean_y = _means(x), _means(y)
    variance_x = unbiased * (_means(x * x) - mean_x**2)
    variance_y = unbiased * (_means(y * y) - mean_y**2)
    covariance = unbiased * (_means(x * y) - mean_x * mean_y)
    small, smaller = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
    likeness = (2 * mean_x * mean_y + small) * (2 * covariance + smaller)
    likeness /= (mean_x**2 + mean_y**2 + small) * (variance_x + variance_y + smaller)
    return float(likeness.mean())


def quarter(luma: Luma) -> Luma:
    return np.asarray(Image.fromarray(luma).reduce(4))


def _means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of every whole window."""
    sums = np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    corners = sums[WINDOW:, WINDOW:] - sums[:-WINDOW, WINDOW:]
    corners -= sums[WINDOW:, :-WINDOW] - sums[:-WINDOW, :-WINDOW]
    means: NDArray[np.float64] = corners / WINDOW**2
    return means


@dataclass(frozen=True)
class Quality:
    """Of the luma, over a sample of frames. painted: what the watermark alone changes; delivered:
    the marked and encoded clip against the master; encoded: the same encode without a mark.

    ssim_quarter: the same frames at a quarter of the size, where coarse stains are seen that the
    small windows of SSIM overlook.
    """

    psnr_painted: float
    ssim_painted: float
    ssim_quarter: float
    psnr_delivered: float
    psnr_encoded: float


def judge(
    master: Path, media_type: str, watermark: Callable[[int, int], PictureWatermark], work: Path
) -> Quality:
    """Watermark only, no label. Images are not encoded."""
    is_video = media_type == "video/mp4"
    change = _painted if is_video else _drawn
    pairs = [change(seconds, luma, watermark) for seconds, luma in _sample(master, media_type)]
    painted = float(np.mean([psnr(*pair) for pair in pairs]))
    alike = float(np.mean([ssim(*pair) for pair in pairs]))
    coarse = float(np.mean([ssim(quarter(one), quarter(other)) for one, other in pairs]))
    if not is_video:
        return Quality(painted, alike, coarse, painted, ENOUGH_DB)
    marked, plain = work / "watermarked.mp4", work / "plain.mp4"
    encode_video(master, marked, media_type, lambda width, height: [watermark(width, height)])
    encode_video(master, plain, media_type, lambda width, height: ())
    figures = [
        np.mean(
            [
                psnr(one, other)
                for (_, one), (_, other) in zip(
                    _sample(master, media_type), _sample(copy, media_type), strict=True
                )
            ]
        )
        for copy in (marked, plain)
    ]
    return Quality(painted, alike, coarse, float(figures[0]), float(figures[1]))


def _painted(
    seconds: float, luma: Luma, watermark: Callable[[int, int], PictureWatermark]
) -> tuple[Luma, Luma]:
    changed = luma.copy()
    chroma = np.zeros((luma.shape[0] // 2, luma.shape[1] // 2), np.uint8)
    watermark(luma.shape[1], luma.shape[0]).paint(seconds, changed, (chroma, chroma))
    return luma, changed


def _drawn(
    _: float, luma: Luma, watermark: Callable[[int, int], PictureWatermark]
) -> tuple[Luma, Luma]:
    delta = watermark(luma.shape[1], luma.shape[0]).delta(luma)
    return luma, np.clip(luma + delta, 0, 255).astype(np.uint8)


def _sample(path: Path, media_type: str) -> list[tuple[float, Luma]]:
    shown = enumerate(pictures(path, media_type))
    return [(seconds, luma.copy()) for index, (seconds, luma) in shown if index % EVERY == 0]
