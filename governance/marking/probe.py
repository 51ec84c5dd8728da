"""What a file really is: judged by its bytes, never by its name or by what a caller says."""

import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import av
from av.container import InputContainer
from PIL import ExifTags, Image

from governance.domain import Asset
from governance.kernel.errors import InvalidRequest, TooLarge
from governance.kernel.media import sha256_file

# Against files that are small on disk and vast once decoded.
MAX_PIXELS = 50_000_000
MAX_SECONDS = 3600

T = TypeVar("T")
IMAGE_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG"}
IMAGE_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")
SIDEWAYS = (5, 6, 7, 8)  # Exif orientations that swap the sides
MP4_BRANDS = (b"isom", *(b"iso%d" % n for n in range(2, 10)), b"mp41", b"mp42", b"avc1", b"dash")
# What Pillow and PyAV raise for broken files; PyAV's own errors are ValueError or OSError.
BROKEN = (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error)

# (offset, magic) → what it is, for files that we refuse by name.
REFUSED = (
    (0, b"\x1a\x45\xdf\xa3", "WebM or Matroska", "mp4"),
    (0, b"OggS", "Ogg", "wav"),
    (0, b"ID3", "MP3", "wav"),
    (0, b"\xff\xfb", "MP3", "wav"),
    (0, b"fLaC", "FLAC", "wav"),
    (0, b"RF64", "RF64", "wav below 4 GB"),
    (0, b"GIF8", "GIF", "mp4 or png"),
    (8, b"WEBP", "WebP", "png or jpeg"),
    (8, b"AVI ", "AVI", "mp4"),
    (0, b"FORM", "AIFF", "wav"),
)


def inspect(path: Path) -> Asset:
    """Describe a media file: type, sides as displayed, duration, sound, digest.

    The first picture or sample is decoded. Raises InvalidRequest `media_unsupported` for a format
    that can't be marked, `media_corrupt` for one that can't be decoded, TooLarge
    `media_too_large` past `MAX_PIXELS` or `MAX_SECONDS`.
    """
    with path.open("rb") as stream:
        head = stream.read(16)
    media_type = _sniff(head)
    try:
        if media_type in IMAGE_FORMATS:
            width, height, seconds, sound = *_image(path, media_type), 0.0, False
        elif media_type == "audio/wav":
            width, height, seconds, sound = 0, 0, _wav(path), True
        else:
            width, height, seconds, sound = _video(path)
    except BROKEN as error:
        raise InvalidRequest(
            "media_corrupt",
            f"The file says it is {media_type}, but it cannot be decoded; deliver it again, whole.",
        ) from error
    return Asset(
        digest=sha256_file(path),
        media_type=media_type,
        size=path.stat().st_size,
        path=path,
        width=width,
        height=height,
        seconds=seconds,
        has_audio=sound,
    )


def _sniff(head: bytes) -> str:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "audio/wav"
    if head[4:8] == b"ftyp":
        if head[8:12] in MP4_BRANDS:
            return "video/mp4"
        brand = head[8:12].decode("ascii", "replace").strip()
        raise _unsupported(f"an ISO media file of brand “{brand}”", "mp4 (brand isom or mp42)")
    for offset, magic, name, instead in REFUSED:
        if head[offset:].startswith(magic):
            raise _unsupported(name, instead)
    raise _unsupported("of an unknown format", "mp4, png, jpeg or wav")


def _image(path: Path, media_type: str) -> tuple[int, int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # limited below
        try:
            image = Image.open(path, formats=[IMAGE_FORMATS[media_type]])
        except Image.DecompressionBombError as error:
            raise _too_many_pixels() from error
    with image:
        _check_pixels(image.width, image.height)
        if getattr(image, "n_frames", 1) > 1 and media_type == "image/png":
            raise _unsupported("an animated PNG", "mp4")
        if image.mode not in IMAGE_MODES:
            raise _unsupported(f"an image of colour mode {image.mode}", "8-bit RGB")
        turned = image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
        image.load()
        return (image.height, image.width) if turned else image.size


def _wav(path: Path) -> float:
    with av.open(str(path), format="wav") as container:
        stream = container.streams.audio[0]
        _first(container.decode(stream))
        return _seconds(container)


def _video(path: Path) -> tuple[int, int, float, bool]:
    with av.open(str(path), format="mp4") as container:
        if not container.streams.video:
            raise _unsupported("an mp4 file without a picture", "wav")
        stream = container.streams.video[0]
        _check_pixels(stream.width, stream.height)
        frame = _first(container.decode(stream))
        width, height = frame.width, frame.height
        if frame.rotation % 180:
            width, height = height, width
        return width, height, _seconds(container), bool(container.streams.audio)


def _first(frames: Iterator[T]) -> T:
    for frame in frames:
        return frame
    raise ValueError("nothing to decode")


def _seconds(container: InputContainer) -> float:
    if not container.duration:
        raise ValueError("no duration")
    seconds = container.duration / av.time_base
    if seconds > MAX_SECONDS:
        raise TooLarge("media_too_large", f"The file lasts longer than {MAX_SECONDS} s; cut it.")
    return seconds


def _check_pixels(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise _too_many_pixels()


def _too_many_pixels() -> TooLarge:
    return TooLarge(
        "media_too_large", f"The picture has more than {MAX_PIXELS:,} pixels; scale it down."
    )


def _unsupported(what: str, instead: str) -> InvalidRequest:
    return InvalidRequest(
        "media_unsupported",
        f"The file is {what}, which cannot carry our marks; convert it to {instead}.",
    )
