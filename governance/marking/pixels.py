"""Draws visible labels into the pixels and encodes once; audio and subtitles are copied untouched.

Video becomes H.264 (4:2:0, 8 bit) in mp4 with its time stamps kept; rotation flags become rotated
pixels, or the label would stand sideways. PNG stays lossless.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from governance.kernel.errors import InvalidRequest
from governance.marking.label import Bytes, Label, LabelSpec, Shares, box, glyphs, place

ENCODER = "libx264"
QUALITY = {"preset": "veryfast", "crf": "18"}
JPEG_QUALITY = 95
KEYFRAME_SECONDS = 2
BLACK, WHITE, NEUTRAL = 16, 235, 128  # studio swing, ITU-R BT.709
LIMITED_RANGE = 1  # AVCOL_RANGE_MPEG
CONTAINER_KEYS = {"major_brand", "minor_version", "compatible_brands", "encoder"}


def label_video(source: Path, target: Path, specs: Sequence[LabelSpec]) -> tuple[Label, ...]:
    """Encode `source` (mp4) to `target` (mp4) with the labels; returns where they lie.

    Raises InvalidRequest (`media_corrupt`) when the source can't be decoded to its end, and what
    `label.place` raises.
    """
    try:
        width, height = _display_size(source)
        labels = place(specs, width, height)
        _encode(source, target, labels, width, height)
    except av.error.FFmpegError as error:
        raise InvalidRequest(
            "media_corrupt", f"The video cannot be decoded to its end: {error.strerror}."
        ) from error
    return labels


def label_image(
    source: Path, target: Path, media_type: str, specs: Sequence[LabelSpec]
) -> tuple[Label, ...]:
    """Draw the labels into a PNG or JPEG; colour profile, EXIF and PNG texts are kept."""
    with Image.open(source) as opened:
        texts = dict(getattr(opened, "text", {}))
        profile = opened.info.get("icc_profile")
        image = ImageOps.exif_transpose(opened)
    labels = place(specs, image.width, image.height)
    exif = image.getexif().tobytes()
    if image.mode not in ("RGB", "RGBA", "L", "LA"):
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    for label in labels:
        _draw_on_image(image, label)
    if media_type == "image/jpeg":
        image.save(
            target, "JPEG", quality=JPEG_QUALITY, subsampling=0, exif=exif, icc_profile=profile
        )
    else:
        image.save(target, "PNG", pnginfo=_png_texts(texts), exif=exif, icc_profile=profile)
    return labels


def upright(frame: VideoFrame) -> VideoFrame:
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
    turned.pts, turned.time_base = frame.pts, frame.time_base
    turned.colorspace, turned.color_range = converted.colorspace, converted.color_range
    return turned


def draw(frame: VideoFrame, label: Label) -> None:
    """Draw into the planes of an upright yuv420p frame, in place."""
    kept, luma = _layers(label)
    _blend(_pixels(frame.planes[0]), label.x, label.y, kept, luma)
    halved = kept.reshape(label.height // 2, 2, label.width // 2, 2).mean(axis=(1, 3))
    for plane in frame.planes[1:]:
        _blend(_pixels(plane), label.x // 2, label.y // 2, halved, NEUTRAL * (1 - halved))


def _encode(
    source: Path, target: Path, labels: Sequence[Label], width: int, height: int
) -> None:
    with (
        av.open(str(source)) as reading,
        # Without use_metadata_tags the muxer drops keys that it doesn't know, such as AIGC.
        av.open(
            str(target), "w", "mp4", options={"movflags": "+faststart+use_metadata_tags"}
        ) as writing,
    ):
        video = reading.streams.video[0]
        video.thread_type = "AUTO"
        writing.metadata.update(
            {key: value for key, value in reading.metadata.items() if key not in CONTAINER_KEYS}
        )
        encoder = writing.add_stream(ENCODER, rate=video.average_rate, options=QUALITY)
        context = encoder.codec_context
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base = video.time_base
        context.gop_size = max(1, round(KEYFRAME_SECONDS * (video.average_rate or 25)))
        context.sample_aspect_ratio = _aspect(video.sample_aspect_ratio, video, width)
        context.color_range = LIMITED_RANGE
        context.colorspace = video.codec_context.colorspace
        context.color_primaries = video.codec_context.color_primaries
        context.color_trc = video.codec_context.color_trc
        copies = {}
        for stream in reading.streams:
            if stream.type in ("audio", "subtitle"):
                copies[stream.index] = writing.add_stream_from_template(stream)
                copies[stream.index].metadata.update(stream.metadata)
        start = None
        for packet in reading.demux(video, *(reading.streams[index] for index in copies)):
            if packet.stream_index != video.index:
                if packet.dts is not None:  # the demuxer's flush
                    packet.stream = copies[packet.stream_index]
                    writing.mux(packet)
                continue
            for frame in packet.decode():
                start = frame.time if start is None else start
                writing.mux(encoder.encode(_labelled(frame, labels, frame.time - start)))
        writing.mux(encoder.encode(None))


def _labelled(frame: VideoFrame, labels: Sequence[Label], seconds: float) -> VideoFrame:
    drawn = upright(frame)
    drawn.make_writable()
    drawn.pict_type = 0  # the encoder decides
    for label in labels:
        if label.covers(seconds):
            draw(drawn, label)
    return drawn


def _display_size(source: Path) -> tuple[int, int]:
    with av.open(str(source)) as container:
        frame: VideoFrame = next(container.decode(video=0))
    width, height = frame.width // 2 * 2, frame.height // 2 * 2
    return (height, width) if frame.rotation % 180 else (width, height)
