"""What a file really is: judged by its bytes, never by its name or by what a caller says."""

import re
import struct
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar, cast

import av
from av.container import InputContainer
from av.sidedata.sidedata import SideData
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import ExifTags, Image

from governance.domain import Asset
from governance.kernel.errors import InvalidRequest, TooLarge
from governance.kernel.media import sha256_file
from governance.marking.containers import end_of
from governance.marking.frames import MAX_VIDEO_PIXELS, open_video, picture_of
from governance.marking.stills import BROKEN

# Against files that are small on disk and vast once decoded.
MAX_PIXELS = 50_000_000
MAX_SECONDS = 12 * 3600
MAX_FRAMES = MAX_SECONDS * 60

T = TypeVar("T")
IMAGE_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
SOUND_FORMATS = {"audio/wav": "wav", "audio/mpeg": "mp3"}
IMAGE_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")
SIDEWAYS = (5, 6, 7, 8)  # Exif orientations that swap the sides
MP4_BRANDS = (
    *(b"isom", *(b"iso%d" % n for n in range(2, 10))),
    *(b"mp41", b"mp42", b"avc1", b"dash", b"M4V "),
)
QUICKTIME_BRAND = b"qt  "
# ISO media of other kinds: what to convert them to.
OTHER_BRANDS = {b"M4A ": "wav or mp3", b"heic": "jpeg", b"mif1": "jpeg", b"avif": "png or jpeg"}
HDR_TRANSFERS = {16: "PQ", 18: "HLG"}  # ITU-T H.273 transfer characteristics
DOLBY_VISION = ("dvh1", "dvhe", "dvav", "dva1", "dav1")
# ISO/IEC 11172-3: eleven bits of sync, layer III.
MPEG_AUDIO = re.compile(rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]")
DISPLAY_MATRIX = SideDataType.DISPLAYMATRIX
HEAD = 1024  # a PDF may begin this far inside another file (ISO 32000-2, annex I)

# (offset, magic) → what it is, for files that we refuse by name.
REFUSED = (
    (0, b"\x1a\x45\xdf\xa3", "WebM or Matroska", "mp4"),
    (0, b"OggS", "Ogg", "wav or mp3"),
    (0, b"\xff\xf1", "AAC without a container", "wav or mp3"),
    (0, b"\xff\xf9", "AAC without a container", "wav or mp3"),
    (0, b"fLaC", "FLAC", "wav or mp3"),
    (0, b"RF64", "RF64", "wav below 4 GB or mp3"),
    (0, b"GIF8", "GIF", "mp4 or png"),
    (8, b"AVI ", "AVI", "mp4"),
    (0, b"FORM", "AIFF", "wav or mp3"),
    (0, b"BM", "BMP", "png"),
    (0, b"II*\x00", "TIFF", "png or jpeg"),
    (0, b"MM\x00*", "TIFF", "png or jpeg"),
    (4, b"moov", "QuickTime without a file type", "mp4 or mov with an ftyp box"),
    (4, b"mdat", "QuickTime without a file type", "mp4 or mov with an ftyp box"),
    (4, b"wide", "QuickTime without a file type", "mp4 or mov with an ftyp box"),
)


def inspect(path: Path) -> Asset:
    """Describe a media file: type, sides as displayed, duration, sound, digest.

    The first picture or sample is decoded. Raises InvalidRequest `media_unsupported` for a format
    that can't be marked, `media_corrupt` for one that breaks off or can't be decoded, TooLarge
    `media_too_large` past `MAX_PIXELS`, `MAX_VIDEO_PIXELS`, `MAX_SECONDS` or `MAX_FRAMES`.
    """
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    media_type = _sniff(head)
    try:
        end_of(path, media_type)
        width, height, seconds, sound = _described(path, media_type)
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


def _described(path: Path, media_type: str) -> tuple[int, int, float, bool]:
    """Width, height, seconds, whether there is sound."""
    if media_type in IMAGE_FORMATS:
        return *_image(path, media_type), 0.0, False
    if media_type in SOUND_FORMATS:
        return 0, 0, _sound(path, SOUND_FORMATS[media_type]), True
    return _video(path)


def _sniff(head: bytes) -> str:
    if b"%PDF-" in head:
        raise _unsupported("a PDF as well", "a plain picture or video")
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head[:4] == b"RIFF" and head[8:12] in (b"WAVE", b"WEBP"):
        return "audio/wav" if head[8:12] == b"WAVE" else "image/webp"
    if MPEG_AUDIO.match(head):
        return "audio/mpeg"
    if head[4:8] == b"ftyp":
        return _sniff_brand(head[8:12])
    for offset, magic, name, instead in REFUSED:
        if head[offset:].startswith(magic):
            raise _unsupported(name, instead)
    raise _unsupported("of an unknown format", "mp4, mov, png, jpeg, webp, wav or mp3")


def _sniff_brand(brand: bytes) -> str:
    if brand in MP4_BRANDS:
        return "video/mp4"
    if brand == QUICKTIME_BRAND:
        return "video/quicktime"
    name = brand.decode("ascii", "replace").strip()
    raise _unsupported(
        f"an ISO media file of brand “{name}”",
        OTHER_BRANDS.get(brand, "mp4 (brand isom or mp42)"),
    )


def _image(path: Path, media_type: str) -> tuple[int, int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # limited below
        try:
            image = Image.open(path, formats=[IMAGE_FORMATS[media_type]])
        except Image.DecompressionBombError as error:
            raise _too_many_pixels(MAX_PIXELS) from error
    with image:
        _check_pixels(image.width, image.height, MAX_PIXELS)
        if getattr(image, "n_frames", 1) > 1 and media_type != "image/jpeg":
            raise _unsupported("an animated image", "mp4")
        if image.mode not in IMAGE_MODES:
            raise _unsupported(f"an image of colour mode {image.mode}", "8-bit RGB")
        if _is_deep(path, media_type):
            raise _unsupported("a PNG of 16 bits per channel", "8 bits per channel")
        turned = image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
        image.load()
        return (image.height, image.width) if turned else image.size


def _sound(path: Path, kind: str) -> float:
    with av.open(str(path), format=kind) as container:
        stream = container.streams.audio[0]
        if kind == "mp3" and not stream.codec_context.name.startswith("mp3"):
            raise _unsupported(f"an MP3 file with {stream.codec_context.name} inside", "mp3 or wav")
        _first(container.decode(stream))
        return _seconds(container)


def _video(path: Path) -> tuple[int, int, float, bool]:
    with open_video(path) as container:
        if not container.streams.video:
            raise _unsupported("a video file without a picture", "wav or mp3")
        stream = picture_of(container)
        _check_pixels(stream.width, stream.height, MAX_VIDEO_PIXELS)
        if stream.frames > MAX_FRAMES:
            raise TooLarge("media_too_large", f"The video has more than {MAX_FRAMES:,} frames.")
        _check_tracks(container, stream)
        frame = _first(container.decode(stream))
        _check_frame(frame)
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


def _check_tracks(container: InputContainer, stream: VideoStream) -> None:
    """A second picture would go out without marks."""
    cover = av.stream.Disposition.attached_pic
    if sum(not track.disposition & cover for track in container.streams.video) > 1:
        raise _unsupported("a video with several pictures side by side", "one video track")
    transfer = HDR_TRANSFERS.get(int(stream.codec_context.color_trc))
    if stream.codec_context.codec_tag in DOLBY_VISION:
        transfer = "Dolby Vision"
    if transfer:
        raise _unsupported(f"an HDR video ({transfer})", "SDR (BT.709)")


def _check_frame(frame: VideoFrame) -> None:
    if frame.interlaced_frame:
        raise _unsupported("an interlaced video", "progressive frames")
    for data in cast(Iterable[SideData], frame.side_data):
        if data.type == DISPLAY_MATRIX and _mirrors(bytes(data)):
            raise _unsupported("a video that players are to mirror", "frames as they are shown")


def _mirrors(matrix: bytes) -> bool:
    """Whether an ISO/IEC 14496-12 transformation (a, b, u, c, d, …) has a negative determinant."""
    a, b, _, c, d = struct.unpack_from("<5i", matrix)
    return bool(a * d < b * c)


def _check_pixels(width: int, height: int, limit: int) -> None:
    if width * height > limit:
        raise _too_many_pixels(limit)


def _too_many_pixels(limit: int) -> TooLarge:
    return TooLarge(
        "media_too_large", f"The picture has more than {limit:,} pixels; scale it down."
    )


def _is_deep(path: Path, media_type: str) -> bool:
    """Whether a PNG has 16 bits per channel (byte 24), which the decoder cuts to 8 silently."""
    with path.open("rb") as stream:
        return media_type == "image/png" and stream.read(25)[24] > 8


def _unsupported(what: str, instead: str) -> InvalidRequest:
    return InvalidRequest(
        "media_unsupported",
        f"The file is {what}, which cannot carry our marks; convert it to {instead}.",
    )
