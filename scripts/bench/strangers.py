"""The crowd that a copy must be told from: ids issued to others, fingerprints of others' clips."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from clips import PICTURES
from numpy.typing import NDArray
from PIL import Image, ImageOps
from plates import cartoon, photograph, sky, slide
from product import ORGANISATION
from sounds import MAKERS, RATE

from governance.marking.fingerprint.fingerprint import Fingerprint
from governance.marking.fingerprint.picture import PictureFingerprinter
from governance.marking.fingerprint.sound import SoundFingerprinter

ORGANISATIONS = (ORGANISATION, *(f"tenant{number}" for number in range(1, 10)))
PLATES = 24  # for each seed
PLATE = (960, 600)
FRAME = (128, 72)  # enough for a hash of 64 × 64
MOMENTS = 2
SOUND_SECONDS = 8.0


def issued(count: int, seed: int = 1) -> dict[str, NDArray[np.uint64]]:
    """`count` ids over all organisations, the same for the same seed."""
    drawn = np.random.default_rng(seed).integers(1, 2**64, count, np.uint64)
    return {
        organisation: drawn[number :: len(ORGANISATIONS)]
        for number, organisation in enumerate(ORGANISATIONS)
    }


def fingerprints(count: int, seed: int, folder: Path | None) -> Iterator[Fingerprint]:
    """Of clips of two seconds: windows of drawn pictures, and of those in `folder`.

    Each has its own place, scale and drift, so that two windows of a plate show different things.
    """
    rng = np.random.default_rng(seed)
    plates = _plates(rng, folder)
    for number in range(count):
        plate = plates[number % len(plates)]
        share = 0.15 + 0.25 * rng.random()
        width, height = share * plate.width, share * plate.width * FRAME[1] / FRAME[0]
        left, top = rng.random() * (plate.width - width), rng.random() * (plate.height - height)
        right, bottom = plate.width - width, plate.height - height
        to_left, to_top = rng.random() * right, rng.random() * bottom
        watcher = PictureFingerprinter(asking=False)
        for moment in range(MOMENTS):
            way = 0.2 * moment
            x, y = left + way * (to_left - left), top + way * (to_top - top)
            box = (x, y, x + width, y + height)
            window = plate.resize(FRAME, Image.Resampling.BILINEAR, box)
            watcher.feed(float(moment), np.asarray(window))
        yield watcher.finish()


def sound_fingerprints(count: int, seed: int) -> Iterator[Fingerprint]:
    """Of sounds of eight seconds."""
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        watcher = SoundFingerprinter()
        watcher.feed(MAKERS[number % len(MAKERS)](rng, SOUND_SECONDS), RATE)
        yield watcher.finish()


def _plates(rng: np.random.Generator, folder: Path | None) -> list[Image.Image]:
    """Grey pictures, four kinds drawn and, where there is a folder, photographs."""
    makers = (photograph, photograph, cartoon, slide, sky)
    plates = [makers[number % 5](rng, *PLATE).convert("L") for number in range(PLATES)]
    for path in sorted(folder.iterdir()) if folder else ():
        if path.suffix.lower() in PICTURES:
            with Image.open(path) as image:
                plates.append(ImageOps.fit(image.convert("L"), PLATE))
    return plates
