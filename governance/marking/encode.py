"""Encodes a video once, with what painters paint; sound and subtitles are copied packet by packet.

The picture becomes H.264 (4:2:0, 8 bit, studio swing) with its time stamps kept. Rotation flags
become turned pixels, or a label would stand sideways; odd sides lose their last row or column.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.codec.context import Flags
from av.container import InputContainer, OutputContainer
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from governance.kernel.errors import InvalidRequest
from governance.marking.frames import (
    LIMITED_RANGE,
    Painter,
    Watcher,
    decoded,
    open_video,
    picture_of,
    pixels,
    planar,
    quarter_turns,
)

Painters = Callable[[int, int], Sequence[Painter]]  # for the sides of the displayed picture

QUALITY = {"preset": "veryfast", "crf": "18"}
# The encoder holds some frames for each thread: past this, memory grows and time hardly falls.
THREADS = min(8, (os.cpu_count() or 1) * 3 // 2 + 1)
KEYFRAME_SECONDS = 2
BT709, RGB_MATRIX = 1, 0  # ITU-T H.273 matrix coefficients
COPIED = ("audio", "subtitle")
CONTAINERS = {"video/mp4": "mp4", "video/quicktime": "mov"}
CONTAINER_KEYS = {"major_brand", "minor_version", "compatible_brands", "encoder"}


def encode_video(
    source: Path,
    target: Path,
    media_type: str,
    painters: Painters,
    watchers: Sequence[Watcher] = (),
) -> None:
    """Encode `source` to `target` (both mp4 or mov): painters paint, then watchers see the result.

    Raises InvalidRequest: `media_corrupt` when the source can't be decoded to its end,
    `media_unsupported` for a sound track that the container can't hold; and what painters raise.
    """
    # Without use_metadata_tags the muxer drops keys that it doesn't know, such as AIGC.
    options = {"movflags": "+faststart+use_metadata_tags"}
    kind = CONTAINERS[media_type]
    try:
        geometry = _geometry(source)
        painting = painters(geometry.width, geometry.height)
        with open_video(source) as reading, av.open(str(target), "w", kind, options) as writing:
            _encode(reading, writing, geometry, painting, watchers)
    except av.error.FFmpegError as error:
        if isinstance(error, OSError):  # the disk, not the file
            raise
        raise _corrupt(error.strerror or "unknown") from error


@dataclass(frozen=True)
class _Geometry:
    """The picture as displayed: even sides in pixels, shape of a pixel."""

    width: int
    height: int
    sample_aspect: Fraction


def _geometry(source: Path) -> _Geometry:
    with open_video(source) as container:
        stream = picture_of(container)
        _, frame = next(decoded(container, stream))
        aspect = stream.sample_aspect_ratio or Fraction(1)
    width, height = frame.width // 2 * 2, frame.height // 2 * 2
    if quarter_turns(frame) % 2:
        return _Geometry(height, width, 1 / aspect)
    return _Geometry(width, height, aspect)


def _encode(
    reading: InputContainer,
    writing: OutputContainer,
    geometry: _Geometry,
    painters: Sequence[Painter],
    watchers: Sequence[Watcher],
) -> None:
    video = picture_of(reading)
    writing.metadata.update(
        {key: value for key, value in reading.metadata.items() if key not in CONTAINER_KEYS}
    )
    encoder = _encoder(writing, video, geometry)
    copies = _copies(reading, writing)
    start: float | None = None
    for frame in _frames(reading, video, writing, copies):
        if frame.is_corrupt:
            raise _corrupt("frames are damaged")
        start = frame.time if start is None else start
        seconds = frame.time - start
        upright = _upright(frame, geometry)
        luma, *chroma = map(pixels, upright.planes)
        for painter in painters:
            painter.paint(seconds, luma, (chroma[0], chroma[1]))
        for watcher in watchers:
            watcher.feed(seconds, luma)
        writing.mux(encoder.encode(upright))
    writing.mux(encoder.encode(None))


def _frames(
    reading: InputContainer,
    video: VideoStream,
    writing: OutputContainer,
    copies: Mapping[int, Stream],
) -> Iterator[VideoFrame]:
    """The frames of the picture; packets of the other tracks are copied as they come by."""
    video.thread_type = "AUTO"
    for packet in reading.demux(video, *(reading.streams[index] for index in copies)):
        if packet.stream.index not in copies:
            yield from video.decode(packet)
        elif packet.dts is not None:  # None: the demuxer's flush
            packet.stream = copies[packet.stream.index]
            writing.mux(packet)


def _copies(reading: InputContainer, writing: OutputContainer) -> dict[int, Stream]:
    """Index of every track that is copied, and its place in the new file."""
    copies: dict[int, Stream] = {}
    for stream in reading.streams:
        if stream.type not in COPIED:
            continue
        try:
            copy = writing.add_stream_from_template(stream)
        except ValueError as error:
            raise InvalidRequest(
                "media_unsupported",
                f"The file has a {stream.type} track that cannot be kept ({error}); "
                "encode sound as AAC.",
            ) from error
        copy.metadata.update(stream.metadata)
        copy.disposition = stream.disposition
        copies[stream.index] = copy
    return copies


def _encoder(writing: OutputContainer, video: VideoStream, geometry: _Geometry) -> VideoStream:
    rate = video.average_rate or Fraction(25)
    encoder = writing.add_stream("libx264", rate=rate, options=QUALITY)
    encoder.metadata.update(video.metadata)
    source, context = video.codec_context, encoder.codec_context
    context.width, context.height = geometry.width, geometry.height
    context.pix_fmt = "yuv420p"
    context.time_base = video.time_base or 1 / rate
    context.gop_size = max(1, round(KEYFRAME_SECONDS * rate))
    context.thread_count = THREADS
    context.flags |= Flags.frame_duration  # or the last frame stays as long as the one before it
    context.sample_aspect_ratio = geometry.sample_aspect
    context.color_range = LIMITED_RANGE
    context.colorspace = BT709 if source.colorspace == RGB_MATRIX else source.colorspace
    context.color_primaries = source.color_primaries
    context.color_trc = source.color_trc
    return encoder


def _upright(frame: VideoFrame, geometry: _Geometry) -> VideoFrame:
    """The frame as it is displayed, for painting: yuv420p in studio swing, of even sides."""
    whole = planar(frame)
    quarters = quarter_turns(frame)
    sides = (geometry.height, geometry.width)
    stored = sides[::-1] if quarters % 2 else sides
    if (whole.height // 2 * 2, whole.width // 2 * 2) != stored:
        raise _corrupt("the picture changes its size")
    if not quarters and (whole.height, whole.width) == stored:
        whole.make_writable()
        whole.pict_type = 0  # the encoder decides
        return whole
    upright = VideoFrame(geometry.width, geometry.height, "yuv420p")
    for before, after in zip(whole.planes, upright.planes, strict=True):
        into = pixels(after)
        height, width = into.shape[::-1] if quarters % 2 else into.shape
        into[:] = np.rot90(pixels(before)[:height, :width], quarters)
    upright.pts, upright.time_base, upright.duration = frame.pts, frame.time_base, frame.duration
    upright.colorspace, upright.color_range = whole.colorspace, whole.color_range
    return upright


def _corrupt(reason: str) -> InvalidRequest:
    return InvalidRequest(
        "media_corrupt",
        f"The video cannot be decoded to its end: {reason}; deliver it again, whole.",
    )
