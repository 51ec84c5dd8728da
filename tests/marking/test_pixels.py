"""Painting into a video encodes once and keeps everything else as it was."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from governance.domain import Asset
from governance.kernel.errors import InvalidRequest
from governance.marking.decode import pictures, watch
from governance.marking.encode import encode_video
from governance.marking.frames import Bytes, Painter
from governance.marking.probe import inspect
from tests.marking import samples

SQUARE = 20  # of the corner that is painted


class Corner:
    """Paints the top right corner white, and remembers what it saw."""

    def __init__(self, width: int, height: int) -> None:
        self.sides = (width, height)
        self.seconds: list[float] = []

    def paint(self, seconds: float, luma: Bytes, chroma: tuple[Bytes, Bytes]) -> None:
        self.seconds.append(seconds)
        assert luma.shape == (self.sides[1], self.sides[0])
        luma[:SQUARE, -SQUARE:] = 235
        for plane in chroma:
            assert plane.shape == (self.sides[1] // 2, self.sides[0] // 2)
            plane[: SQUARE // 2, -SQUARE // 2 :] = 128


class Eye:
    """Remembers what it is shown."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, Bytes]] = []

    def feed(self, seconds: float, luma: Bytes) -> None:
        self.seen.append((seconds, luma.copy()))


def painters(width: int, height: int) -> Sequence[Painter]:
    return [Corner(width, height)]


def encode(source: Path, media_type: str = "video/mp4") -> Path:
    target = source.with_name("target" + source.suffix)
    encode_video(source, target, media_type, painters)
    return target


def times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [frame.time for frame in container.decode(video=0)]


def packets(path: Path, index: int) -> list[tuple[bytes, float]]:
    with av.open(str(path)) as container:
        return [
            (bytes(packet), float((packet.pts or 0) * packet.time_base))
            for packet in container.demux(container.streams[index])
            if packet.dts is not None
        ]


def luma(path: Path, index: int = 0) -> Bytes:
    return list(pictures(path, "video/mp4"))[index][1]


def written(
    path: Path, frames: int = 5, prepare: Callable[[av.VideoStream], None] = lambda stream: None
) -> Path:
    """A short mp4 whose video stream was prepared in some way."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        prepare(stream)
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(samples.scene(index), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_painters_paint_every_frame_and_watchers_see_the_result(clip: Asset) -> None:
    made: list[Corner] = []
    eye, target = Eye(), clip.path.with_name("target.mp4")

    def make(width: int, height: int) -> Sequence[Painter]:
        made.append(Corner(width, height))
        return made

    encode_video(clip.path, target, "video/mp4", make, [eye])
    (corner,) = made
    assert corner.seconds == [seconds for seconds, _ in eye.seen] == times(target)
    assert all((picture[:SQUARE, -SQUARE:] == 235).all() for _, picture in eye.seen)
    assert luma(target, 3)[:SQUARE, -SQUARE:].min() > 200


def test_variable_time_stamps_are_kept_exactly(tmp_path: Path) -> None:
    stamps = [0, 25, 30, 90, 100, 300, 310, 480]
    source = samples.video(tmp_path / "source.mp4", times=stamps)
    assert times(encode(source)) == times(source) == [stamp / 600 for stamp in stamps]


@pytest.mark.parametrize("rate", [24, 30])
def test_a_clip_lasts_as_long_as_before(tmp_path: Path, rate: int) -> None:
    source = samples.video(tmp_path / "source.mp4", rate=rate)
    assert inspect(encode(source)).seconds == inspect(source).seconds == 1


def test_frames_before_an_edit_are_not_delivered_and_a_late_start_is_kept(tmp_path: Path) -> None:
    """What an edit list hides stays hidden; seconds count from the first frame that is shown."""
    early = samples.video(tmp_path / "early.mp4", times=[-300, -200, -100, 0, 100, 200])
    assert times(encode(early)) == times(early)
    late = samples.video(tmp_path / "late.mp4", times=[600, 700, 800])
    eye = Eye()
    encode_video(late, tmp_path / "target.mp4", "video/mp4", painters, [eye])
    assert times(tmp_path / "target.mp4") == times(late)
    assert [seconds for seconds, _ in eye.seen] == pytest.approx([0, 1 / 6, 1 / 3])


def test_sound_is_copied_packet_by_packet(clip: Asset) -> None:
    assert packets(encode(clip.path), 1) == packets(clip.path, 1)


def test_every_sound_track_is_kept_with_its_language(tmp_path: Path) -> None:
    source = samples.video(tmp_path / "source.mp4", sounds={"deu": 0.2, "fra": 0.0, "eng": 0.4})
    target = encode(source)
    with av.open(str(target)) as container:
        languages = [track.metadata["language"] for track in container.streams.audio]
    assert languages == ["deu", "fra", "eng"]
    for index in (1, 2, 3):
        assert packets(target, index) == packets(source, index)


def test_captions_are_copied(tmp_path: Path) -> None:
    source = tmp_path / "source.mp4"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        captions = container.add_mux_stream("mov_text")
        captions.time_base, captions.metadata["language"] = Fraction(1, 1000), "eng"
        for index in range(12):
            frame = av.VideoFrame.from_ndarray(samples.scene(index), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        caption = av.Packet(b"\x00\x05Hello")
        caption.stream, caption.time_base = captions, Fraction(1, 1000)
        caption.pts = caption.dts = 100
        caption.duration = 300
        container.mux(caption)
    target = encode(source)
    assert (b"\x00\x05Hello", 0.1) in packets(target, 1)
    with av.open(str(target)) as container:
        assert container.streams[1].metadata["language"] == "eng"


@pytest.mark.parametrize("rotation", [-90, 90, 180])
def test_a_rotated_clip_is_delivered_upright(tmp_path: Path, rotation: int) -> None:
    def bright_corner(index: int) -> NDArray[np.uint8]:
        picture = samples.scene(index) // 2
        picture[:40, :40] = 255  # top left as stored
        return picture

    source = samples.video(tmp_path / "source.mp4", picture=bright_corner, rotation=rotation)
    shown, delivered = luma(source), luma(encode(source))
    assert delivered.shape == shown.shape == ((180, 320) if rotation == 180 else (320, 180))
    with av.open(str(tmp_path / "target.mp4")) as container:
        assert next(container.decode(video=0)).rotation == 0
    assert np.abs(shown.astype(int) - delivered)[60:-60].mean() < 2
    assert delivered[:SQUARE, -SQUARE:].min() > 200


def test_pixels_that_nobody_paints_stay_what_they_were(clip: Asset) -> None:
    before, after = luma(clip.path)[60:], luma(encode(clip.path))[60:]
    assert np.abs(before.astype(int) - after).mean() < 2


def test_full_range_video_keeps_its_brightness(tmp_path: Path) -> None:
    source = samples.video(
        tmp_path / "source.mp4",
        picture=lambda index: np.full((180, 320, 3), 250, np.uint8),
        pix_fmt="yuvj420p",
    )
    with av.open(str(encode(source))) as container:
        shown = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert abs(int(shown[150, 10, 0]) - 250) <= 3


@pytest.mark.parametrize("pix_fmt", ["yuv444p", "yuv422p", "yuv420p10le", "yuv444p10le"])
def test_more_colour_and_more_bits_become_what_every_player_shows(
    tmp_path: Path, pix_fmt: str
) -> None:
    source = samples.video(tmp_path / "source.mp4", seconds=0.3, pix_fmt=pix_fmt)
    target = encode(source)
    with av.open(str(target)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
    assert np.abs(luma(source)[40:].astype(int) - luma(target)[40:]).mean() < 2


@pytest.mark.parametrize(("width", "height"), [(321, 181), (320, 181), (321, 180)])
def test_odd_sides_lose_their_last_row_or_column_and_nothing_else(
    tmp_path: Path, width: int, height: int
) -> None:
    source = samples.video(
        tmp_path / "source.mp4",
        seconds=0.3,
        picture=lambda index: samples.scene(index, width, height),
        pix_fmt="yuv444p",
    )
    before, after = luma(source), luma(encode(source))
    assert before.shape == (height, width)
    assert after.shape == (180, 320)
    assert np.abs(before[40:180, :320].astype(int) - after[40:]).mean() < 2


def test_colours_are_described_as_before(tmp_path: Path) -> None:
    def describe(stream: av.VideoStream) -> None:
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = 1

    target = encode(written(tmp_path / "source.mp4", prepare=describe))
    with av.open(str(target)) as container:
        context = container.streams.video[0].codec_context
        told = (context.colorspace, context.color_primaries, context.color_trc)
    assert tuple(map(int, told)) == (1, 1, 1)


def test_non_square_pixels_stay_so(tmp_path: Path) -> None:
    def stretch(stream: av.VideoStream) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)

    target = encode(written(tmp_path / "source.mp4", prepare=stretch))
    with av.open(str(target)) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(4, 3)


def test_metadata_of_the_container_is_kept(tmp_path: Path) -> None:
    source = samples.video(tmp_path / "source.mp4", metadata={"vendor_key": "x", "title": "Sea"})
    with av.open(str(encode(source))) as container:
        assert container.metadata["vendor_key"] == "x"
        assert container.metadata["title"] == "Sea"


def test_a_quicktime_file_stays_one_with_the_sound_that_mp4_cannot_hold(tmp_path: Path) -> None:
    source = samples.video(tmp_path / "source.mov", sound=samples.tone(), sound_codec="pcm_s24le")
    target = encode(source, "video/quicktime")
    assert target.read_bytes()[4:12] == b"ftypqt  "
    assert packets(target, 1) == packets(source, 1)


def test_a_cover_image_is_not_taken_for_the_picture(tmp_path: Path) -> None:
    source = samples.with_cover(samples.video(tmp_path / "source.mp4", seconds=0.3))
    assert luma(encode(source)).shape == (180, 320)


def test_a_video_that_breaks_off_is_refused(clip: Asset) -> None:
    content = bytearray(clip.path.read_bytes())
    start = content.index(b"mdat") + 4
    content[start + 100 : start + 30_000] = bytes(29_900)
    clip.path.write_bytes(content)
    with pytest.raises(InvalidRequest) as caught:
        encode(clip.path)
    assert caught.value.code == "media_corrupt"


def test_what_a_watcher_raises_ends_the_pass(clip: Asset) -> None:
    class Enough(Exception):
        pass

    class Impatient:
        def feed(self, seconds: float, luma: Bytes) -> None:
            raise Enough

    with pytest.raises(Enough):
        watch(clip.path, "video/mp4", [Impatient()])
