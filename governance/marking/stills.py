"""Images: taken apart for painting, and written anew in their own format.

Profile, EXIF, PNG texts and transparency stay; PNG and lossless WebP stay lossless; an EXIF
orientation becomes turned pixels.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from governance.kernel.errors import InvalidRequest
from governance.marking.frames import Bytes

QUALITY = 95  # of JPEG and lossy WebP
PAINTABLE = ("RGB", "RGBA", "L", "LA")
XMP_TEXT = "XML:com.adobe.xmp"  # written by metadata.xmp
BROKEN = (
    *(OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error),
    av.error.FFmpegError,
)


@dataclass
class Still:
    """An upright image in one of the modes `PAINTABLE`, and what is saved along with it."""

    image: Image.Image
    media_type: str
    lossless: bool
    profile: bytes | None
    exif: bytes
    texts: dict[str, str]

    def luma(self) -> Bytes:
        """Shape (height, width), full range."""
        return luma_of(self.image)

    def add(self, delta: NDArray[np.int16]) -> None:
        """Add `delta` (height, width) to the luma, that is to each colour; opacity stays."""
        bands = list(self.image.split())
        for index in range(len(bands) - ("A" in self.image.mode)):
            changed = np.asarray(bands[index], np.int16) + delta
            bands[index] = Image.fromarray(changed.clip(0, 255, out=changed).astype(np.uint8))
        self.image = Image.merge(self.image.mode, bands)

    def save(self, target: Path) -> None:
        common: dict[str, Any] = {"exif": self.exif, "icc_profile": self.profile}
        match self.media_type:
            case "image/jpeg":
                self.image.save(target, "JPEG", quality=QUALITY, subsampling=0, **common)
            case "image/webp":
                common |= {"lossless": True, "exact": True} if self.lossless else {}
                self.image.save(target, "WEBP", **{"quality": QUALITY, **common})
            case _:
                self.image.save(target, "PNG", pnginfo=_png_texts(self.texts), **common)


def load(path: Path, media_type: str) -> Still:
    """Raises InvalidRequest (`media_corrupt`) when the image can't be decoded to its end."""
    try:
        with Image.open(path) as opened:
            texts = dict(getattr(opened, "text", {}))
            profile = opened.info.get("icc_profile")
            image = ImageOps.exif_transpose(opened)
            image.load()
        lossless = media_type != "image/webp" or _is_lossless(path)
    except BROKEN as error:
        raise InvalidRequest(
            "media_corrupt",
            f"The image cannot be decoded to its end: {str(error)[:150]}; deliver it again, whole.",
        ) from error
    exif = image.getexif().tobytes()
    if "transparency" in image.info:
        image = image.convert("RGBA")
    elif image.mode not in PAINTABLE:
        image = image.convert("RGBA" if image.mode == "PA" else "RGB")
    return Still(image, media_type, lossless, profile, exif, texts)


def luma_of(image: Image.Image) -> Bytes:
    """Luma of an image of any mode, whatever its transparency; shape (height, width)."""
    return np.asarray(image.convert("RGB").convert("L"))


def _is_lossless(path: Path) -> bool:
    """Whether a WebP holds its picture in a chunk `VP8L` (RFC 9649 section 2.6)."""
    with path.open("rb") as stream:
        stream.seek(12)
        while len(header := stream.read(8)) == 8:
            kind, length = struct.unpack("<4sI", header)
            if kind in (b"VP8L", b"VP8 "):
                return bool(kind == b"VP8L")
            stream.seek(length + length % 2, 1)
    return False


def _png_texts(texts: dict[str, str]) -> PngInfo:
    """Whatever the vendor wrote, except XMP, which is written with ours."""
    kept = PngInfo()
    for key, text in texts.items():
        if key != XMP_TEXT:
            kept.add_itxt(key, str(text))
    return kept
