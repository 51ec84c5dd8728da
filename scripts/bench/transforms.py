"""What happens to files after they leave: each change is a function from file to file.

Everything goes through real codecs. A change of the picture's shape is encoded again as H.264
CRF 23, as a platform would.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame
from PIL import Image, ImageDraw, ImageFont
from plates import shown

Change = Callable[[Path, Path], object]

FAST = {"preset": "veryfast"}
PLATFORM = {**FAST, "crf": "23"}
H265 = {**FAST, "crf": "28", "x265-params": "log-level=none"}
VP9 = {"crf": "33", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"}


def video(
    source: Path,
    target: Path,
    *filters: str,
    codec: str = "libx264",
    options: dict[str, str] = PLATFORM,
    draw: Callable[[VideoFrame], VideoFrame] | None = None,
    part: tuple[float, float] = (0.0, 1.0),
) -> None:
    """Decode, filter (FFmpeg's syntax, `name=arguments`), encode; sound and metadata are dropped.

    draw: changes each filtered frame; part: from where to where in the clip, as shares.
    """
    with av.open(str(source)) as reading, av.open(str(target), "w") as writing:
        stream = reading.streams.video[0]
        length = float((stream.duration or 0) * (stream.time_base or 1))
        rate = _rate(filters) or stream.average_rate
        encoder: Any = None
        for frame in _filtered(reading, filters, (part[0] * length, part[1] * length)):
            shown = draw(frame) if draw else frame
            if encoder is None:
                encoder = writing.add_stream(codec, rate=rate, options=options)
                encoder.width, encoder.height = shown.width // 2 * 2, shown.height // 2 * 2
                encoder.pix_fmt = "yuv420p"
                encoder.codec_context.time_base = frame.time_base
            even = shown.reformat(encoder.width, encoder.height, "yuv420p")
            even.pts, even.time_base, even.pict_type = frame.pts, frame.time_base, 0
            writing.mux(encoder.encode(even))
        writing.mux(encoder.encode(None))


def caption(frame: VideoFrame) -> VideoFrame:
    """Two lines of subtitles on a dark band across the lower sixth."""
    image = shown(frame)
    width, height = image.size
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height * 0.82, width, height * 0.97), fill=(12, 12, 12))
    font = ImageFont.load_default(height // 18)
    for line, text in enumerate(("And when the harbour fell silent,", "nobody asked who had left")):
        place = (width / 2, height * (0.86 + 0.07 * line))
        draw.text(place, text, (245, 245, 245), font, anchor="mm")
    return VideoFrame.from_ndarray(np.asarray(image), "rgb24")


def screenshot(source: Path, target: Path, quality: int = 50) -> None:
    """The frame in the middle, as a JPEG."""
    with av.open(str(source)) as container:
        frames = container.streams.video[0].frames
        for index, frame in enumerate(container.decode(video=0)):
            if index == frames // 2:
                shown(frame).save(target, "JPEG", quality=quality)
                return
    raise ValueError(f"{source.name} has no frame in the middle.")


def sound(
    source: Path, target: Path, codec: str, rate: int = 0, bit_rate: int = 0, *filters: str
) -> None:
    """Encode the first sound track anew. rate: 0 keeps the source's."""
    with av.open(str(source)) as reading, av.open(str(target), "w") as writing:
        stream = reading.streams.audio[0]
        encoder: Any = writing.add_stream(codec, rate=rate or stream.rate)
        layout = "mono" if stream.channels == 1 else "stereo"
        encoder.layout = layout
        if bit_rate:
            encoder.bit_rate = bit_rate
        encoder.codec_context.open()  # only then is the size of its frames known
        graph = Graph()
        resample = f"aresample={encoder.rate}"
        shape = f"aformat=sample_fmts={encoder.format.name}:channel_layouts={layout}"
        _link(graph, graph.add_abuffer(template=stream), (*filters, resample, shape), "a")
        graph.set_audio_frame_size(encoder.codec_context.frame_size or 1024)
        for frame in _through(graph, reading.decode(audio=0)):
            writing.mux(encoder.encode(frame))
        writing.mux(encoder.encode(None))


def picture(
    source: Path, target: Path, change: Callable[[Image.Image], Image.Image], **saved: Any
) -> None:
    """Open an image, change it, save it in the format of the target's suffix."""
    with Image.open(source) as image:
        change(image.convert("RGB")).save(target, **saved)


def _cropped(share: float) -> str:
    """Cuts `share` of both sides, more on the left and top than on the right and bottom."""
    left = 1 - share
    return f"crop=trunc(iw*{left}/2)*2:trunc(ih*{left}/2)*2:iw*{share * 0.65}:ih*{share * 0.7}"


def _cut(image: Image.Image, share: float) -> Image.Image:
    width, height = image.size
    box = (share * 0.65 * width, share * 0.7 * height)
    size = (round(width * (1 - share)), round(height * (1 - share)))
    left, top = round(box[0]), round(box[1])
    return image.crop((left, top, left + size[0], top + size[1]))


SCREEN = ("scale=trunc(iw*0.36)*2:trunc(ih*0.36)*2", "crop=iw*0.94:ih*0.92")

# The changes that the goal names.
VIDEO: dict[str, Change] = {
    "h264_crf23": video,
    "h264_crf28": partial(video, options={**FAST, "crf": "28"}),
    "h264_crf35": partial(video, options={**FAST, "crf": "35"}),
    "h265": partial(video, codec="libx265", options=H265),
    "vp9": partial(video, codec="libvpx-vp9", options=VP9),
    "half_size": lambda source, target: video(source, target, "scale=iw/2:ih/2"),
    "crop_10": lambda source, target: video(source, target, _cropped(0.10)),
    "crop_20": lambda source, target: video(source, target, _cropped(0.20)),
    "fps_15": lambda source, target: video(source, target, "fps=15"),
    "fps_30": lambda source, target: video(source, target, "fps=30"),
    "speed_125": lambda source, target: video(source, target, "setpts=PTS/1.25", "fps=24"),
    "trim": lambda source, target: video(source, target, part=(0.25, 0.75)),
    "pad": lambda source, target: video(source, target, "pad=iw:ih*4/3:0:(oh-ih)/2"),
    "mirror": lambda source, target: video(source, target, "hflip"),
    "brightness": lambda source, target: video(source, target, "lutyuv=y=val*0.9+28"),
    "caption": partial(video, draw=caption),
    "rotate_2": lambda source, target: video(source, target, "rotate=2*PI/180"),
    "aspect": lambda source, target: video(source, target, "scale=iw*3/4:ih"),
    "screenshot_q50": screenshot,
}

# Reported beside the goal and not counted in it: none at all, and harder ones, several at once.
BESIDE: dict[str, Change] = {
    "unchanged": lambda source, target: target.write_bytes(source.read_bytes()),
    "half_crf35": lambda source, target: video(
        source, target, "scale=iw/2:ih/2", options={**FAST, "crf": "35"}
    ),
    "mirror_rotate_aspect": lambda source, target: video(
        source, target, "hflip", "rotate=2*PI/180", "scale=iw*3/4:ih"
    ),
    "rescreened": lambda source, target: video(
        source, target, *SCREEN, options={**FAST, "crf": "28"}
    ),
    "vertical": lambda source, target: video(source, target, "crop=ih*9/16:ih"),
    "gray": lambda source, target: video(source, target, "format=gray"),
}

SOUND: dict[str, Change] = {
    "aac_128k": lambda source, target: sound(source, target, "aac", 0, 128_000),
    "mp3_128k": lambda source, target: sound(source, target, "libmp3lame", 0, 128_000),
    "mp3_64k": lambda source, target: sound(source, target, "libmp3lame", 0, 64_000),
    "resample_22k": lambda source, target: sound(source, target, "pcm_s16le", 22_050),
    "resample_44k": lambda source, target: sound(source, target, "pcm_s16le", 44_100),
    "quieter": lambda source, target: sound(source, target, "pcm_s16le", 0, 0, "volume=0.4"),
    "trim": lambda source, target: sound(source, target, "pcm_s16le", 0, 0, "atrim=start=2.3"),
}
SOUND_SUFFIX = {"aac_128k": ".m4a", "mp3_128k": ".mp3", "mp3_64k": ".mp3"}

IMAGE: dict[str, Change] = {
    "jpeg_q75": partial(picture, change=Image.Image.copy, format="JPEG", quality=75),
    "jpeg_q50": partial(picture, change=Image.Image.copy, format="JPEG", quality=50),
    "webp_q60": partial(picture, change=Image.Image.copy, format="WEBP", quality=60),
    "half_size": partial(picture, change=lambda image: image.reduce(2), format="JPEG"),
    "crop_20": partial(picture, change=partial(_cut, share=0.2), format="JPEG"),
    "mirror": partial(
        picture,
        change=lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        format="JPEG",
    ),
    "rotate_2": partial(
        picture,
        change=lambda image: image.rotate(2, Image.Resampling.BICUBIC),
        format="JPEG",
    ),
    "aspect": partial(
        picture,
        change=lambda image: image.resize((image.width * 3 // 4, image.height)),
        format="JPEG",
    ),
}


def _filtered(
    reading: Any, filters: tuple[str, ...], part: tuple[float, float]
) -> Iterator[VideoFrame]:
    frames = (frame for frame in reading.decode(video=0) if part[0] <= frame.time <= part[1])
    if not filters:
        yield from frames
        return
    graph = Graph()
    _link(graph, graph.add_buffer(template=reading.streams.video[0]), filters, "")
    yield from _through(graph, frames)


def _link(graph: Graph, source: Any, filters: tuple[str, ...], kind: str) -> None:
    nodes = [source]
    nodes += [graph.add(*wanted.split("=", 1)) for wanted in filters]
    nodes.append(graph.add(f"{kind}buffersink"))
    graph.link_nodes(*nodes).configure()


def _through(graph: Graph, frames: Iterator[Any]) -> Iterator[Any]:
    for frame in (*frames, None):
        graph.push(frame)
        while True:
            try:
                yield graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                break


def _rate(filters: tuple[str, ...]) -> Fraction | None:
    for wanted in filters:
        if wanted.startswith("fps="):
            return Fraction(wanted.removeprefix("fps="))
    return None
