"""A copy of a file as platforms make them: smaller, compressed again, metadata gone."""

from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import cast

import av
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from PIL import Image, ImageOps

from governance.marking.frames import decoded, picture_of

SCALE = Fraction(2, 3)
VIDEO = {"preset": "veryfast", "crf": "28"}
JPEG_QUALITY = 70
SOUND_RATE = 44100
SOUND_BIT_RATE = 96_000
FORMATS = {"video/mp4": "mp4", "video/quicktime": "mov", "audio/wav": "wav", "audio/mpeg": "mp3"}
IMAGES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}


def transcode(source: Path, target: Path, media_type: str, scale: Fraction = SCALE) -> None:
    """Write such a copy of `source`, in the same kind of container. scale: of a picture's sides.

    Raises FFmpegError, OSError.
    """
    if media_type in IMAGES:
        _image(source, target, IMAGES[media_type], scale)
    elif media_type.startswith("audio/"):
        _sound(source, target, FORMATS[media_type])
    else:
        _video(source, target, FORMATS[media_type], scale)


def _image(source: Path, target: Path, kind: str, scale: Fraction) -> None:
    with Image.open(source) as opened:
        image = ImageOps.exif_transpose(opened).convert("RGB")
    smaller = image.resize((_scaled(image.width, scale), _scaled(image.height, scale)))
    smaller.save(target, kind, quality=JPEG_QUALITY)


def _video(source: Path, target: Path, container: str, scale: Fraction) -> None:
    with av.open(str(source)) as reading, av.open(str(target), "w", format=container) as writing:
        stream = picture_of(reading)
        coded = writing.add_stream("libx264", stream.average_rate or 25, options=VIDEO)
        coded.width = _scaled(stream.width, scale)
        coded.height = _scaled(stream.height, scale)
        coded.pix_fmt = "yuv420p"
        coded.codec_context.time_base = stream.time_base or Fraction(1, 1000)
        for _, frame in decoded(reading, stream):
            smaller = frame.reformat(coded.width, coded.height, "yuv420p")
            smaller.pict_type = 0
            writing.mux(coded.encode(smaller))
        writing.mux(coded.encode(None))


def _sound(source: Path, target: Path, container: str) -> None:
    """wav keeps PCM samples, at another rate: there is nothing to compress."""
    codec = "libmp3lame" if container == "mp3" else "pcm_s16le"
    with av.open(str(source)) as reading, av.open(str(target), "w", format=container) as writing:
        stream = reading.streams.audio[0]
        coded = cast(AudioStream, writing.add_stream(codec, SOUND_RATE))
        coded.codec_context.layout = "stereo" if stream.channels > 1 else "mono"
        if container == "mp3":
            coded.codec_context.bit_rate = SOUND_BIT_RATE
        resampler = AudioResampler(
            format=coded.codec_context.format, layout=coded.codec_context.layout, rate=SOUND_RATE
        )
        for frame in chain(reading.decode(stream), [None]):
            for piece in resampler.resample(frame):
                writing.mux(coded.encode(piece))
        writing.mux(coded.encode(None))


def _scaled(side: int, scale: Fraction) -> int:
    """Even, as 4:2:0 needs."""
    return max(16, int(side * scale) // 2 * 2)
