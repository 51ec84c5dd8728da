"""What passes over the frames of a file: painters change them, watchers only look.

Every frame is decoded once, whoever wants to paint or to look. `luma` is a view of shape
(height, width), bytes, upright as displayed; in video in studio swing (16 to 235).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.stream import VideoStream
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

# A codec holds dozens of frames, and a stream may change its sides midway.
MAX_VIDEO_PIXELS = 4096 * 2304
LIMITED_RANGE = 1  # AVCOL_RANGE_MPEG
FULL_RANGE = 2  # AVCOL_RANGE_JPEG


class Painter(Protocol):
    """Paints into frames in place, before they are encoded."""

    def paint(self, seconds: float, luma: Bytes, chroma: tuple[Bytes, Bytes]) -> None:
        """seconds: from the first frame; chroma: Cb and Cr at half the sides (4:2:0)."""


class Watcher(Protocol):
    """Looks at frames; skips, cheaply, those that it doesn't need."""

    def feed(self, seconds: float, luma: Bytes) -> None: ...


def open_video(path: Path) -> InputContainer:
    """An mp4 or mov (one demuxer); the file can't make the library take it for anything else."""
    return av.open(str(path), format="mp4")


def picture_of(container: InputContainer) -> VideoStream:
    """The track with the moving picture; a cover image is none. Raises ValueError for no track.

    Whatever its frames say of their sides, larger ones than `MAX_VIDEO_PIXELS` are not decoded.
    """
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            codec = getattr(stream, "codec_context", None)  # None: nobody here knows it
            if codec is None:
                break
            codec.options = {"max_pixels": str(MAX_VIDEO_PIXELS)}
            return stream
    raise ValueError("no picture")


def decoded(container: InputContainer, stream: VideoStream) -> Iterator[tuple[float, VideoFrame]]:
    """Seconds from the first frame, and the frame."""
    stream.thread_type = "AUTO"
    start: float | None = None
    for frame in container.decode(stream):
        start = frame.time if start is None else start
        yield frame.time - start, frame


def planar(frame: VideoFrame) -> VideoFrame:
    """The frame as yuv420p in studio swing; itself where it is that already."""
    if frame.format.name == "yuv420p" and frame.color_range != FULL_RANGE:
        return frame
    return frame.reformat(format="yuv420p", dst_color_range=LIMITED_RANGE)


def pixels(plane: VideoPlane) -> Bytes:
    """The plane's samples, without a copy; rows are padded to `line_size`."""
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    samples: Bytes = rows[: plane.height, : plane.width]
    return samples


def quarter_turns(frame: VideoFrame) -> int:
    """How often the picture is to be turned counter-clockwise by 90° to stand upright, 0 to 3."""
    return int(frame.rotation) // 90 % 4


def upright_luma(frame: VideoFrame) -> Bytes:
    """The luma as displayed; a view wherever the frame's format allows it."""
    return np.rot90(pixels(planar(frame).planes[0]), quarter_turns(frame))
