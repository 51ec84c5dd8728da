"""Writes mp3: new MPEG frames of the source's bit rate between the source's own ID3 tags."""

import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np

from governance.kernel.errors import InvalidRequest
from governance.marking.sound_source import Floats, Sound

# Bits per second that frames can have (ISO/IEC 11172-3, 13818-3), from 32 kHz on and below.
KILOBITS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
KILOBITS_LOW = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
FULL_RATE = 32_000
CHANNELS = 2
HEADER, FOOTER_FLAG, FIRST_TAG, LAST_TAG = 10, 0x10, b"ID3", 128


class Mp3File:
    """An mp3 file like `source`, whose samples come by `write`; finished when the block is left.

    A file without a constant bit rate gets the next one above its mean.
    Raises InvalidRequest (`media_unsupported`).
    """

    def __init__(self, target: Path, source: Path, sound: Sound) -> None:
        if not sound.codec.startswith("mp3") or sound.channels > CHANNELS:
            raise InvalidRequest(
                "media_unsupported",
                f"The MP3 file holds {sound.codec} in {sound.channels} channels; convert it to wav "
                "or to plain mp3.",
            )
        self._target, self._source = target, source
        self._layout, self._rate = sound.layout, sound.rate
        self._frames = target.with_name(target.name + ".frames")
        self._container = av.open(
            str(self._frames), "w", format="mp3", options={"id3v2_version": "0"}
        )
        self._encoder = self._container.add_stream("libmp3lame", rate=sound.rate)
        self._encoder.layout = sound.layout
        self._encoder.bit_rate = bit_rate(sound)

    def __enter__(self) -> Self:
        return self

    def write(self, samples: Floats) -> None:
        """Samples of shape (channels, n); what exceeds full scale is clipped."""
        block = np.ascontiguousarray(np.clip(samples, -1, 1))
        frame = av.AudioFrame.from_ndarray(block, "fltp", self._layout)
        frame.sample_rate = self._rate
        self._container.mux(self._encoder.encode(frame))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._container.mux(self._encoder.encode(None))
            self._container.close()
            if kind is None:
                self._assemble()
        finally:
            self._frames.unlink(missing_ok=True)

    def _assemble(self) -> None:
        first, last = _tags(self._source)
        with self._target.open("wb") as target, self._frames.open("rb") as frames:
            target.write(first)
            shutil.copyfileobj(frames, target)
            target.write(last)


def bit_rate(sound: Sound) -> int:
    """The least bit rate, per second, that an encoder knows and that does not cut the source's."""
    known = KILOBITS if sound.rate >= FULL_RATE else KILOBITS_LOW
    return next((each for each in known if each * 1000 >= sound.bit_rate), known[-1]) * 1000


def _tags(path: Path) -> tuple[bytes, bytes]:
    """The ID3v2 tag before the sound and the ID3v1 tag behind it; empty where there is none."""
    with path.open("rb") as stream:
        header = stream.read(HEADER)
        length = 0
        if header[:3] == FIRST_TAG:
            size = header[6] << 21 | header[7] << 14 | header[8] << 7 | header[9]
            length = HEADER + size + (HEADER if header[5] & FOOTER_FLAG else 0)
        stream.seek(0)
        first = stream.read(length)
        end = stream.seek(0, 2)
        stream.seek(max(0, end - LAST_TAG))
        last = stream.read()
    return first, last if last[:3] == b"TAG" else b""
