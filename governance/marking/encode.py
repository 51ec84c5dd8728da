"""Draws the visible label into the pixels and encodes once; sound and subtitles stay untouched.

Video becomes H.264 (4:2:0, 8 bit) in mp4 with its time stamps kept; rotation flags become rotated
pixels, or the label would stand sideways. PNG stays lossless.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.stream import VideoStream
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from governance.kernel.errors import InvalidRequest
from governance.marking.label.visible import Bytes, Label, LabelSpec, Shares, box, glyphs, place

QUALITY = {"preset": "veryfast", "crf": "18"}
JPEG_QUALITY = 95
KEYFRAME_SECONDS = 2
BLACK, WHITE, NEUTRAL = 16, 235, 128  # studio swing, ITU-R BT.709
LIMITED_RANGE = 1  # AVCOL_RANGE_MPEG
COPIED = ("audio", "subtitle")
CONTAINER_KEYS = {"major_brand", "minor_version", "compatible_brands", "encoder"}


def label_video(source: Path, target: Path, wanted: LabelSpec) -> Label:
    """Encode `source` (mp4) to `target` (mp4) with the label; returns where it lies.

    Raises InvalidRequest (`media_corrupt`) when the source can't be decoded to its end, and what
    `label.place` raises.
    """
    try:
        geometry = _geometry(source)
        label = place(wanted, geometry.width, geometry.height)
        _encode(source, target, label, geometry)
    except av.error.FFmpegError as error:
        if isinstance(error, OSError):  # the disk, not the file
            raise
        raise InvalidRequest(
            "media_corrupt", f"The video cannot be decoded to its end: {error.strerror}."
        ) from error
    return label


def label_image(source: Path, target: Path, media_type: str, wanted: LabelSpec) -> Label:
    """Draw the label into a PNG or JPEG; colour profile, EXIF and PNG texts are kept."""
    with Image.open(source) as opened:
        texts = dict(getattr(opened, "text", {}))
        profile = opened.info.get("icc_profile")
        image = ImageOps.exif_transpose(opened)
    label = place(wanted, image.width, image.height)
    exif = image.getexif().tobytes()
    if image.mode not in ("RGB", "RGBA", "L", "LA"):
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    _draw_on_image(image, label)
    if media_type == "image/jpeg":
        image.save(
            target, "JPEG", quality=JPEG_QUALITY, subsampling=0, exif=exif, icc_profile=profile
        )
    else:
        image.save(target, "PNG", pnginfo=_png_texts(texts), exif=exif, icc_profile=profile)
    return label


def _upright(frame: VideoFrame) -> VideoFrame:
    """The frame as it is displayed, yuv420p in studio swing, with even sides."""
    converted = frame.reformat(
        width=frame.width // 2 * 2,
        height=frame.height // 2 * 2,
        format="yuv420p",
        dst_color_range=LIMITED_RANGE,
    )
    quarters = frame.rotation // 90 % 4
    if not quarters:
        return converted
    size = (converted.width, converted.height)
    turned = VideoFrame(*(size if quarters == 2 else size[::-1]), "yuv420p")
    for before, after in zip(converted.planes, turned.planes, strict=True):
        _pixels(after)[:] = np.rot90(_pixels(before), quarters)
    turned.pts, turned.time_base, turned.duration = frame.pts, frame.time_base, frame.duration
    turned.colorspace, turned.color_range = converted.colorspace, converted.color_range
    return turned


def _draw(frame: VideoFrame, label: Label) -> None:
    """Draw into the planes of an upright yuv420p frame, in place."""
    kept, luma = _layers(label)
    _blend(_pixels(frame.planes[0]), label.x, label.y, kept, luma)
    halved = kept.reshape(label.height // 2, 2, label.width // 2, 2).mean(axis=(1, 3))
    for plane in frame.planes[1:]:
        _blend(_pixels(plane), label.x // 2, label.y // 2, halved, NEUTRAL * (1 - halved))


def _encode(source: Path, target: Path, label: Label, geometry: "_Geometry") -> None:
    # Without use_metadata_tags the muxer drops keys that it doesn't know, such as AIGC.
    options = {"movflags": "+faststart+use_metadata_tags"}
    with av.open(str(source)) as reading, av.open(str(target), "w", "mp4", options) as writing:
        video = reading.streams.video[0]
        video.thread_type = "AUTO"
        writing.metadata.update(
            {key: value for key, value in reading.metadata.items() if key not in CONTAINER_KEYS}
        )
        encoder = _encoder(writing, video, geometry)
        copies = {
            stream.index: writing.add_stream_from_template(stream)
            for stream in reading.streams
            if stream.type in COPIED
        }
        for index, copy in copies.items():
            copy.metadata.update(reading.streams[index].metadata)
        start: float | None = None
        for packet in reading.demux(video, *(reading.streams[index] for index in copies)):
            if packet.stream.index in copies:
                if packet.dts is not None:  # None: the demuxer's flush
                    packet.stream = copies[packet.stream.index]
                    writing.mux(packet)
                continue
            for frame in video.decode(packet):
                start = frame.time if start is None else start
                writing.mux(encoder.encode(_labelled(frame, label, frame.time - start)))
        writing.mux(encoder.encode(None))


def _encoder(writing: OutputContainer, video: VideoStream, geometry: "_Geometry") -> VideoStream:
    rate = video.average_rate or Fraction(25)
    encoder = writing.add_stream("libx264", rate=rate, options=QUALITY)
    source, context = video.codec_context, encoder.codec_context
    context.width, context.height = geometry.width, geometry.height
    context.pix_fmt = "yuv420p"
    context.time_base = video.time_base or 1 / rate
    context.gop_size = max(1, round(KEYFRAME_SECONDS * rate))
    context.sample_aspect_ratio = geometry.sample_aspect
    context.color_range = LIMITED_RANGE
    context.colorspace = source.colorspace
    context.color_primaries = source.color_primaries
    context.color_trc = source.color_trc
    return encoder


@dataclass(frozen=True)
class _Geometry:
    """The picture as displayed: even sides in pixels, shape of a pixel."""

    width: int
    height: int
    sample_aspect: Fraction


def _geometry(source: Path) -> _Geometry:
    with av.open(str(source)) as container:
        frame = next(container.decode(video=0))
        aspect = container.streams.video[0].sample_aspect_ratio or Fraction(1)
    width, height = frame.width // 2 * 2, frame.height // 2 * 2
    if frame.rotation % 180:
        return _Geometry(height, width, 1 / aspect)
    return _Geometry(width, height, aspect)


def _labelled(frame: VideoFrame, label: Label, seconds: float) -> VideoFrame:
    drawn = _upright(frame)
    drawn.make_writable()
    drawn.pict_type = 0  # the encoder decides
    if label.covers(seconds):
        _draw(drawn, label)
    return drawn


@lru_cache(maxsize=8)
def _layers(label: Label) -> tuple[Shares, Shares]:
    """Share of the picture that stays, and the luma that is added; shape of the label's box."""
    dark = box(label.width, label.height, label.text_height)
    white = glyphs(label.text, label.text_height, label.width, label.height)
    return (1 - dark) * (1 - white), BLACK * dark * (1 - white) + WHITE * white


def _blend(pixels: Bytes, x: int, y: int, kept: Shares, added: Shares) -> None:
    height, width = kept.shape
    region = pixels[y : y + height, x : x + width]
    region[:] = np.rint(region * kept + added).astype(np.uint8)


def _pixels(plane: VideoPlane) -> Bytes:
    """The plane's samples, writable; rows are padded to `line_size`."""
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    samples: Bytes = rows[: plane.height, : plane.width]
    return samples


def _draw_on_image(image: Image.Image, label: Label) -> None:
    for share, colour in (
        (box(label.width, label.height, label.text_height), "black"),
        (glyphs(label.text, label.text_height, label.width, label.height), "white"),
    ):
        stencil = Image.fromarray(np.rint(share * 255).astype(np.uint8))
        layer = Image.new("RGBA", stencil.size, colour)
        layer.putalpha(stencil)
        corner = (label.x, label.y)
        below = image.crop((*corner, label.x + label.width, label.y + label.height))
        image.paste(Image.alpha_composite(below.convert("RGBA"), layer).convert(image.mode), corner)


def _png_texts(texts: dict[str, str]) -> PngInfo:
    """Whatever the vendor wrote, except XMP, which is written with ours."""
    kept = PngInfo()
    for key, text in texts.items():
        if key != "XML:com.adobe.xmp":
            kept.add_itxt(key, str(text))
    return kept
