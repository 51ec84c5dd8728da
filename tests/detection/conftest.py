"""A house whose generations stand at every point of the road, and the files that belong to them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from governance.evidence.story import State
from governance.kernel import ids
from governance.lifecycle import commands
from governance.lifecycle.context import Context
from governance.marking import registry
from governance.marking.fingerprint.picture import PictureFingerprinter
from governance.marking.watermark.picture import PictureWatermark
from governance.simulators.openai_videos import SimulatedVendor
from tests.house import DOUBTFUL, PICTURE, House, opened_house
from tests.platform import ORGANISATION

WIDTH, HEIGHT = 480, 270
# Where the law asks for no mark in the picture, so that each test says which one there is.
PLAIN = replace(PICTURE, territories=("JP",))
Pixels = NDArray[np.uint8]


@dataclass
class Press:
    """A house, and marked pictures in its name."""

    house: House
    folder: Path
    released: str
    draft: str
    recalled: str

    @property
    def context(self) -> Context:
        return self.house.service.context

    def marked(self, generation: str, name: str = "picture.png") -> Path:
        """A picture with a watermark that is registered for a generation, and nothing else."""
        watermark_id = int.from_bytes(ids.random_bytes(8), "big")
        pixels = textured(watermark_id % 1000)
        luma = np.asarray(Image.fromarray(pixels).convert("L"))
        keys = self.context.watermark_keys
        delta = PictureWatermark(keys, ORGANISATION, watermark_id, WIDTH, HEIGHT).delta(luma)
        marked = np.clip(pixels.astype(np.int16) + delta[..., None], 0, 255).astype(np.uint8)
        path = self.folder / name
        Image.fromarray(marked).save(path)
        self.register(generation, watermark_id=watermark_id)
        return path

    def alike(self, generation: str, seed: int) -> Path:
        """A picture whose fingerprint alone is registered for a generation."""
        pixels = textured(seed)
        fingerprinter = PictureFingerprinter()
        fingerprinter.feed(0.0, np.asarray(Image.fromarray(pixels).convert("L")))
        self.register(generation, fingerprint=fingerprinter.finish())
        path = self.folder / f"alike-{seed}.jpg"
        Image.fromarray(pixels).save(path, quality=80)
        return path

    def register(self, generation: str, **facts: object) -> None:
        given = {"digest": ids.random_bytes(32).hex(), "media_type": "image/png", **facts}
        self.context.database.write(
            lambda c: registry.register(
                c,
                generation=generation,
                organisation=ORGANISATION,
                **given,  # type: ignore[arg-type]
            )
        )

    def delivered(self, generation: str) -> Path:
        """The file as it was delivered, or would be."""
        file = self.house.service.story(generation).delivered_file
        assert file is not None
        with self.context.database.read() as session:
            known = registry.by_digest(session, file["digest"])
        if known is None:
            self.register(generation, digest=file["digest"])
        return self.context.media.path(generation, file["digest"])


def textured(seed: int) -> Pixels:
    """A picture with broad shapes and fine detail, another one for each seed."""
    random = np.random.default_rng(seed)
    noise = random.normal(0, 14, (HEIGHT, WIDTH, 1))
    coarse = random.uniform(0, 255, (5, 8, 3)).astype(np.uint8)
    shapes = Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    pixels: Pixels = (np.asarray(shapes) + noise).clip(0, 255).astype(np.uint8)
    return pixels


@pytest.fixture(scope="session")
def opened_press(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Press]:
    folder = tmp_path_factory.mktemp("press")
    with SimulatedVendor() as vendor, opened_house(folder, "", vendor) as house:
        released, recalled = (house.made(State.RELEASED, PLAIN) for _ in range(2))
        commands.recall(house.service.context, recalled, house.officer, "quality")
        draft = house.made(State.IN_REVIEW, replace(DOUBTFUL, territories=("JP",)))
        house.service.platform.publisher.publish()
        yield Press(house, folder, released, draft, recalled)


@pytest.fixture
def press(opened_press: Press, tmp_path: Path) -> Press:
    opened_press.folder = tmp_path
    return opened_press
