"""Writes wav: new samples in the source's format, and every other chunk of the source as it was."""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from governance.kernel.errors import InvalidRequest, TooLarge
from governance.marking.containers import end_of
from governance.marking.sound_source import Floats, Sound

WAV_BYTES = 2**32 - 2**24  # sizes have 32 bits; leave room for metadata
COPY_BYTES = 1 << 20

Packed = NDArray[np.generic]
Chunk = tuple[bytes, int, int]  # name, start of the content, length


def _as_u8(samples: Floats) -> Packed:
    return (np.clip(np.round(samples * 128), -128, 127) + 128).astype("u1")


def _as_s16(samples: Floats) -> Packed:
    return np.clip(np.round(samples * 2**15), -(2**15), 2**15 - 1).astype("<i2")


def _as_s24(samples: Floats) -> Packed:
    wide = np.clip(np.round(samples.astype(np.float64) * 2**23), -(2**23), 2**23 - 1).astype("<i4")
    return np.ascontiguousarray(wide).view(np.uint8).reshape(*wide.shape, 4)[..., :3]


def _as_s32(samples: Floats) -> Packed:
    wide = samples.astype(np.float64) * 2**31
    return np.clip(np.round(wide), -(2**31), 2**31 - 1).astype("<i4")


PCM: dict[str, Callable[[Floats], Packed]] = {
    "pcm_u8": _as_u8,
    "pcm_s16le": _as_s16,
    "pcm_s24le": _as_s24,
    "pcm_s32le": _as_s32,
    "pcm_f32le": lambda samples: samples.astype("<f4"),
    "pcm_f64le": lambda samples: samples.astype("<f8"),
}


class WavFile:
    """A wav file like `source`, whose samples come by `write`; finished when the block is left.

    Raises InvalidRequest (`media_unsupported`, `media_corrupt`), TooLarge (`media_too_large`).
    """

    def __init__(self, target: Path, source: Path, sound: Sound) -> None:
        if sound.codec not in PCM:
            raise InvalidRequest(
                "media_unsupported",
                f"The WAV file holds {sound.codec}, not plain samples (PCM); convert it to PCM.",
            )
        self._pack = PCM[sound.codec]
        self._chunks = _riff_chunks(source)
        self._source = source
        self._frames = 0
        self._data_at = 0
        self._fact_at = 0
        self._stream = target.open("wb")

    def __enter__(self) -> Self:
        self._stream.write(b"RIFF\0\0\0\0WAVE")
        names = [name for name, _, _ in self._chunks]
        self._copy(self._chunks[: names.index(b"data")])
        self._stream.write(b"data\0\0\0\0")
        self._data_at = self._stream.tell()
        return self

    def write(self, samples: Floats) -> None:
        packed = self._pack(np.ascontiguousarray(samples.T))
        if self._stream.tell() + packed.nbytes > WAV_BYTES:
            raise TooLarge("media_too_large", "The marked WAV file would exceed 4 GB; cut it.")
        self._stream.write(packed.tobytes())
        self._frames += samples.shape[1]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        with self._stream as stream:
            if kind:
                return
            length = stream.tell() - self._data_at
            stream.write(b"\0" * (length % 2))
            names = [name for name, _, _ in self._chunks]
            self._copy(self._chunks[names.index(b"data") + 1 :])
            end = stream.tell()
            self._patch(4, end - 8)
            self._patch(self._data_at - 4, length)
            if self._fact_at:
                self._patch(self._fact_at, self._frames)

    def _copy(self, chunks: Sequence[Chunk]) -> None:
        with self._source.open("rb") as source:
            for name, start, length in chunks:
                self._stream.write(struct.pack("<4sI", name, length))
                if name == b"fact" and length >= 4:
                    self._fact_at = self._stream.tell()
                _copy(source, self._stream, start, length)
                self._stream.write(b"\0" * (length % 2))

    def _patch(self, at: int, value: int) -> None:
        self._stream.seek(at)
        self._stream.write(struct.pack("<I", value))


def _riff_chunks(path: Path) -> list[Chunk]:
    """The chunks of the file, but nothing that lies behind its end.

    Raises InvalidRequest (`media_corrupt`) without `fmt ` and `data`, or when it breaks off.
    """
    chunks = []
    try:
        end = end_of(path, "audio/wav")
    except ValueError as error:
        raise InvalidRequest("media_corrupt", f"The WAV file is broken: {error}.") from error
    with path.open("rb") as stream:
        at = 12
        while at + 8 <= end:
            stream.seek(at)
            name, length = struct.unpack("<4sI", stream.read(8))
            length = min(length, end - at - 8)
            chunks.append((name, at + 8, length))
            at += 8 + length + length % 2
    names = [name for name, _, _ in chunks]
    if b"fmt " not in names or b"data" not in names:
        raise InvalidRequest("media_corrupt", "The WAV file has no samples; export it again.")
    return chunks


def _copy(source: BinaryIO, target: BinaryIO, start: int, length: int) -> None:
    source.seek(start)
    while length > 0:
        piece = source.read(min(length, COPY_BYTES))
        target.write(piece)
        length -= len(piece)
