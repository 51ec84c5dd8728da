"""Any sound as one channel at one rate, in a stream."""

import av
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Mono:
    """Mixes the channels down, weighing them alike, and resamples to `rate` hertz."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._resampler = av.AudioResampler("fltp", "mono", rate)

    def feed(self, samples: Floats, rate: int) -> Floats:
        """Samples (channels, n) at `rate`, the same in every call; gives (m,), some of it later."""
        mono: Floats = samples.mean(axis=0, dtype=np.float32)
        if rate == self._rate or not mono.size:
            return mono
        frame = av.AudioFrame.from_ndarray(mono[None], "fltp", "mono")
        frame.sample_rate = rate
        return _joined(self._resampler.resample(frame))

    def finish(self) -> Floats:
        """What is still held."""
        return _joined(self._resampler.resample(None))


def _joined(frames: list[av.AudioFrame]) -> Floats:
    pieces = [frame.to_ndarray()[0] for frame in frames]
    return np.concatenate([np.zeros(0, np.float32), *pieces])
