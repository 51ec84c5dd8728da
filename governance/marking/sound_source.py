"""Reads the sound of a file as a stream of blocks of samples; all of it in one pass."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from governance.kernel.errors import InvalidRequest

MAX_CHANNELS = 16
RATES = (8_000, 384_000)
FLOAT_LIMIT = 16.0  # +24 dB over full scale: the headroom that float files use; more is garbage

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Sound:
    """A sound track; `blocks` can be taken once: samples (channels, n), about a second each.

    Full scale is -1…1, which float files may exceed. codec: FFmpeg's name; bit_rate: of the
    compressed stream, per second, 0 where unknown.
    """

    rate: int
    channels: int
    layout: str
    codec: str
    bit_rate: int
    blocks: Iterator[Floats]


@contextmanager
def opened(path: Path) -> Iterator[Sound | None]:
    """The first sound track of a wav, mp3, mp4 or mov file; None when it has none.

    Raises InvalidRequest (`media_corrupt`, `media_unsupported`), also while blocks are taken.
    """
    with _translated(), av.open(str(path), format=_container(path)) as container:
        if not container.streams.audio:
            yield None
            return
        stream = container.streams.audio[0]
        context = stream.codec_context
        if context is None:
            raise InvalidRequest(
                "media_unsupported", "The sound is of an unknown codec; convert it to AAC or mp3."
            )
        _check(context.sample_rate, context.channels)
        yield Sound(
            context.sample_rate,
            context.channels,
            context.layout.name,
            context.name,
            stream.bit_rate or context.bit_rate or 0,
            _blocks(container.decode(stream), context.sample_rate, context.channels),
        )


def _container(path: Path) -> str:
    """Named, never guessed by the library: among its formats are playlists of other files."""
    with path.open("rb") as stream:
        head = stream.read(12)
    if head[:4] == b"RIFF":
        return "wav"
    return "mp4" if head[4:8] == b"ftyp" else "mp3"


def _check(rate: int, channels: int) -> None:
    if not RATES[0] <= rate <= RATES[1] or not 1 <= channels <= MAX_CHANNELS:
        raise InvalidRequest(
            "media_unsupported",
            f"The sound has {channels} channels at {rate} Hz; convert it to at most "
            f"{MAX_CHANNELS} channels at {RATES[0]:,} to {RATES[1]:,} Hz.",
        )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except av.error.FFmpegError as error:
        if isinstance(error, OSError):  # the disk, not the file
            raise
        raise InvalidRequest(
            "media_corrupt",
            f"The sound cannot be decoded to its end: {error.strerror}. Deliver it again, whole.",
        ) from error


def _blocks(frames: Iterator[av.AudioFrame], rate: int, channels: int) -> Iterator[Floats]:
    held: list[Floats] = []
    count = 0
    for frame in frames:
        samples = _floats(frame)
        if frame.sample_rate != rate or len(samples) != channels:
            raise InvalidRequest(
                "media_unsupported",
                "The sound changes its sample rate or channels midway; convert it to one of each.",
            )
        held.append(samples)
        count += samples.shape[1]
        if count >= rate:
            yield np.concatenate(held, axis=1)
            held, count = [], 0
    if held:
        yield np.concatenate(held, axis=1)


def _floats(frame: av.AudioFrame) -> Floats:
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise InvalidRequest(
                "media_corrupt", "The sound has samples that are not numbers; export it again."
            )
        return np.clip(values, -FLOAT_LIMIT, FLOAT_LIMIT).astype(np.float32)
    if values.dtype == np.uint8:
        values = values.astype(np.int16) - 128
    scaled: Floats = (values / 2.0 ** (8 * frame.format.bytes - 1)).astype(np.float32)
    return scaled
