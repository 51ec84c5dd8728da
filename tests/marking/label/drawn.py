"""Pictures with and without a label, as a clip shows them and as a codec leaves them."""

import io
from collections.abc import Mapping, Sequence
from functools import lru_cache

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from governance.marking.frames import pixels
from governance.marking.label.paint import LabelPainter
from governance.marking.label.visible import Label, LabelSpec, place, spec
from tests.marking.samples import label_duty

Bytes = NDArray[np.uint8]
WIDTH, HEIGHT = 640, 360
PLACEMENTS = ("top_right", "top_left", "bottom_right", "bottom_left")


def wanted(wording: str = "AI GENERATED", **parameters: object) -> LabelSpec:
    return spec({**label_duty(wording).parameters, **parameters})


def label(wording: str = "AI GENERATED", **parameters: object) -> Label:
    return place(wanted(wording, **parameters), WIDTH, HEIGHT)


@lru_cache
def backgrounds() -> Mapping[str, Bytes]:
    """Luma, studio swing: flat, sloping, striped and busy; to be copied before it is painted on."""
    width, height = WIDTH, HEIGHT
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    noise = np.random.default_rng(1).integers(0, 256, (height, width), np.uint8)
    blobs = np.asarray(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(6)), np.float32)
    blobs = (blobs - blobs.mean()) / blobs.std() * 45 + 126
    pictures = {
        "dark": np.full((height, width), 25.0),
        "light": np.full((height, width), 228.0),
        "slope": 16 + 219 * columns / width,
        "stripes": np.where((columns // 12) % 2, 220.0, 30.0),
        "tiles": np.where((columns // 20 + rows // 20) % 2, 220.0, 30.0),
        "blobs": blobs,
        "noise": noise,
    }
    lumas = {name: picture.clip(16, 235).astype(np.uint8) for name, picture in pictures.items()}
    for luma in lumas.values():
        luma.setflags(write=False)
    return lumas


def painted(background: Bytes, shown: Label, seconds: float = 0.0) -> Bytes:
    """A copy of the luma with the label."""
    luma = background.copy()
    LabelPainter(shown).paint(seconds, luma, chroma(luma))
    return luma


def chroma(luma: Bytes, level: int = 128) -> tuple[Bytes, Bytes]:
    height, width = luma.shape[0] // 2, luma.shape[1] // 2
    return np.full((height, width), level, np.uint8), np.full((height, width), level, np.uint8)


def encoded(lumas: Sequence[Bytes], crf: int) -> list[Bytes]:
    """What x264 leaves of these frames."""
    buffer = io.BytesIO()
    options = {"crf": str(crf), "preset": "veryfast"}
    with av.open(buffer, "w", "mp4") as container:
        stream = container.add_stream("libx264", rate=24, options=options)
        stream.height, stream.width = lumas[0].shape
        stream.pix_fmt = "yuv420p"
        for luma in lumas:
            frame = av.VideoFrame(stream.width, stream.height, "yuv420p")
            for plane, samples in zip(frame.planes, (luma, *chroma(luma)), strict=True):
                pixels(plane)[:] = samples
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    buffer.seek(0)
    with av.open(buffer, "r") as container:
        return [
            np.asarray(frame.to_ndarray(format="yuv420p"), np.uint8)[: frame.height, : frame.width]
            for frame in container.decode(video=0)
        ]
