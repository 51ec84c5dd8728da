"""Loudness (ITU-R BS.1770, by FFmpeg's ebur128), silence and clipping, over the whole sound."""

import math
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from av.audio.frame import AudioFrame

from governance import __version__
from governance.domain import Finding

SILENT = 0.001  # peak; -60 dBFS
FULL_SCALE = 0.999
CLIPPED_SHARE = 0.001
QUIETEST, LOUDEST = -40.0, -5.0  # LUFS, integrated
GATE_SECONDS = 0.4  # BS.1770: the shortest stretch that can be measured

LOUDNESS = ("ebur128", av.ffmpeg_version_info)
LEVELS = ("audio levels", __version__)


class Sound:
    """Is fed decoded audio of one stream and says at the end what it heard."""

    def __init__(self, rate: int, channels: int) -> None:
        layout = "mono" if channels == 1 else "stereo"
        self._rate = rate
        self._resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate)
        self._graph = _graph(rate, layout)
        self._samples = 0
        self._clipped = 0
        self._peak = 0.0
        self._loudness = float("-inf")

    @property
    def seconds(self) -> float:
        return self._samples / self._rate

    @property
    def peak(self) -> float:
        """The loudest sample, 0 to 1 and beyond."""
        return self._peak

    @property
    def loudness(self) -> float | None:
        """LUFS, integrated; None where there was too little to measure."""
        return self._loudness if math.isfinite(self._loudness) else None

    @property
    def is_clipped(self) -> bool:
        return self._clipped > CLIPPED_SHARE * self._samples

    def feed(self, frame: AudioFrame | None) -> None:
        """None: the end."""
        for part in self._resampler.resample(frame):
            levels = np.abs(part.to_ndarray()).max(axis=0)
            part.pts, part.time_base = self._samples, Fraction(1, self._rate)
            self._samples += part.samples
            self._clipped += int((levels >= FULL_SCALE).sum())
            self._peak = max(self._peak, float(levels.max(initial=0.0)))
            self._graph.push(part)
            self._measure()
        if frame is None:
            self._graph.push(None)
            self._measure()

    def findings(self) -> list[Finding]:
        return list(self._found())

    def _measure(self) -> None:
        while True:
            try:
                measured = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            if loudness := measured.metadata.get("lavfi.r128.I"):  # every 100 ms
                self._loudness = float(loudness)

    def _found(self) -> Iterator[Finding]:
        if self._peak < SILENT:
            yield _finding("silent_audio", LEVELS, "Nothing is louder than -60 dBFS.")
            return
        if self.is_clipped:
            share = self._clipped / self._samples
            yield _finding("clipped_audio", LEVELS, f"{share:.2%} of samples at full scale.")
        if self.seconds >= GATE_SECONDS and not QUIETEST <= self._loudness <= LOUDEST:
            yield _finding(
                "loudness_unusual",
                LOUDNESS,
                f"{self._loudness:.1f} LUFS, expected {QUIETEST:.0f} to {LOUDEST:.0f}.",
            )


def _graph(rate: int, layout: str) -> av.filter.Graph:
    graph = av.filter.Graph()
    source = graph.add_abuffer(
        sample_rate=rate, format="fltp", layout=layout, time_base=Fraction(1, rate)
    )
    meter = graph.add("ebur128", "metadata=1:framelog=quiet")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    return graph


def _finding(code: str, detector: tuple[str, str], detail: str) -> Finding:
    return Finding(code, "warn", *detector, detail)
