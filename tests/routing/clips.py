"""What a player would find in a file: every frame and every sample, decoded."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Clip:
    """frames: (count, height, width) luma; samples: (channels, count); seconds: by stream."""

    frames: NDArray[np.uint8]
    samples: NDArray[np.float32]
    codecs: tuple[str, str]
    video_seconds: float
    audio_seconds: float


def decode(path: Path) -> Clip:
    with av.open(str(path)) as container:
        video: Any = container.streams.video[0]
        audio: Any = container.streams.audio[0]
        frames, samples = [], []
        for frame in container.decode(video, audio):
            if isinstance(frame, av.VideoFrame):
                frames.append(frame.to_ndarray(format="gray"))
            elif isinstance(frame, av.AudioFrame):
                samples.append(frame.to_ndarray())
        return Clip(
            np.stack(frames),
            np.concatenate(samples, axis=1),
            (video.codec_context.name, audio.codec_context.name),
            float(video.duration * video.time_base),
            float(audio.duration * audio.time_base),
        )
