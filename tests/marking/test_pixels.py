"""Labelling encodes once and keeps everything else as it was."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image

from governance.domain import Asset
from governance.kernel.errors import InvalidRequest
from governance.marking.encode import label_image, label_video
from governance.marking.label.read import look
from governance.marking.label.visible import spec
from governance.marking.probe import inspect
from governance.marking.read import read
from governance.marking.write import MarkContext, mark
from tests.marking import samples
from tests.marking.samples import METADATA_DUTY, label_duty
from tests.marking.test_round_trip import facts, found

LABEL = spec(label_duty().parameters)


def times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [frame.time for frame in container.decode(video=0)]


def packets(path: Path, kind: str) -> list[tuple[bytes, float]]:
    with av.open(str(path)) as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        return [
            (bytes(packet), float((packet.pts or 0) * packet.time_base))
            for packet in container.demux(stream)
            if packet.dts is not None
        ]


def luma(path: Path, index: int = 0) -> NDArray[np.uint8]:
    with av.open(str(path)) as container:
        frame = list(container.decode(video=0))[index]
        return np.asarray(frame.to_ndarray(format="gray"), np.uint8)


def test_variable_time_stamps_are_kept_exactly(tmp_path: Path) -> None:
    stamps = [0, 25, 30, 90, 100, 300, 310, 480]
    source = samples.video(tmp_path / "source.mp4", times=stamps)
    label_video(source, tmp_path / "target.mp4", LABEL)
    assert times(tmp_path / "target.mp4") == times(source) == [stamp / 600 for stamp in stamps]


def test_sound_is_copied_packet_by_packet(clip: Asset, tmp_path: Path) -> None:
    label_video(clip.path, tmp_path / "target.mp4", LABEL)
    assert packets(tmp_path / "target.mp4", "audio") == packets(clip.path, "audio")


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
    label_video(source, tmp_path / "target.mp4", LABEL)
    assert (b"\x00\x05Hello", 0.1) in packets(tmp_path / "target.mp4", "subtitle")
    with av.open(str(tmp_path / "target.mp4")) as container:
        assert container.streams[1].metadata["language"] == "eng"


def test_a_rotated_clip_is_delivered_upright_with_an_upright_label(
    context: MarkContext, tmp_path: Path
) -> None:
    def marked_corner(index: int) -> NDArray[np.uint8]:
        picture = samples.scene(index) // 2
        picture[:40, :40] = 255  # top left as stored
        return picture

    source = inspect(samples.video(tmp_path / "source.mp4", picture=marked_corner, rotation=-90))
    assert (source.width, source.height) == (180, 320)
    target, duties = tmp_path / "target.mp4", [METADATA_DUTY, label_duty(placement="bottom_left")]
    written = mark(source, target, duties, context)
    delivered = inspect(target)
    assert (delivered.width, delivered.height) == (180, 320)
    picture = luma(target)
    assert picture.shape == (320, 180)
    assert picture[5:35, 145:175].min() > 200  # a quarter turn clockwise: now top right
    label = found(read(target, "video/mp4", written, context.authority.ca_pem), "label")
    assert label.state == "present"


def test_pixels_outside_the_label_stay_what_they_were(clip: Asset, tmp_path: Path) -> None:
    label_video(clip.path, tmp_path / "target.mp4", LABEL)
    before, after = luma(clip.path)[60:], luma(tmp_path / "target.mp4")[60:]
    assert np.abs(before.astype(int) - after).mean() < 2


def test_full_range_video_keeps_its_brightness(tmp_path: Path) -> None:
    source = samples.video(
        tmp_path / "source.mp4",
        picture=lambda index: np.full((180, 320, 3), 250, np.uint8),
        pix_fmt="yuvj420p",
    )
    label_video(source, tmp_path / "target.mp4", LABEL)
    with av.open(str(tmp_path / "target.mp4")) as container:
        shown = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert abs(int(shown[150, 10, 0]) - 250) <= 3


def test_an_opening_label_ends_after_three_seconds(context: MarkContext, tmp_path: Path) -> None:
    source = inspect(samples.video(tmp_path / "source.mp4", seconds=4, rate=8))
    target, duties = tmp_path / "target.mp4", [label_duty(duration="opening")]
    written = mark(source, target, duties, context)
    label = found(read(target, "video/mp4", written, context.authority.ca_pem), "label")
    assert label.state == "present"
    assert facts(label)["coverage"] == "opening"
    assert facts(label)["seconds"] == "3.000"


def test_a_label_that_ends_too_early_is_reported_with_the_time(
    context: MarkContext, tmp_path: Path
) -> None:
    source = inspect(samples.video(tmp_path / "source.mp4", seconds=4, rate=8))
    target = tmp_path / "target.mp4"
    mark(source, target, [label_duty(duration="opening")], context)
    throughout = mark(source, tmp_path / "other.mp4", [label_duty()], context)
    label = found(read(target, "video/mp4", throughout, context.authority.ca_pem), "label")
    assert label.state == "absent"
    assert label.detail == "Found until 3.000 s only."


def test_a_label_is_found_again_after_the_picture_was_resized(png: Asset, tmp_path: Path) -> None:
    label = label_image(png.path, tmp_path / "big.png", "image/png", LABEL)
    with Image.open(tmp_path / "big.png") as image:
        half = np.asarray(image.convert("L").resize((240, 136)))
    assert look(iter([(0.0, half)]), label).score > 0.8


def test_metadata_of_the_container_is_kept(tmp_path: Path) -> None:
    source = samples.video(
        tmp_path / "source.mp4", metadata={"AIGC": '{"Label":"1"}', "title": "Sea"}
    )
    label_video(source, tmp_path / "target.mp4", LABEL)
    with av.open(str(tmp_path / "target.mp4")) as container:
        assert container.metadata["AIGC"] == '{"Label":"1"}'
        assert container.metadata["title"] == "Sea"


def test_an_image_is_turned_upright_and_keeps_profile_and_texts(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Artist] = "Somebody"
    picture = Image.fromarray(samples.scene(0))
    picture.save(tmp_path / "a.jpg", exif=exif, icc_profile=b"profile")
    label_image(tmp_path / "a.jpg", tmp_path / "b.jpg", "image/jpeg", LABEL)
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.size == (180, 320)
        assert image.getexif().get(ExifTags.Base.Orientation, 1) == 1
        assert image.getexif()[ExifTags.Base.Artist] == "Somebody"
        assert image.info["icc_profile"] == b"profile"


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
def test_every_colour_mode_of_png_can_be_labelled(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "source.png"
    Image.fromarray(samples.scene(0)).convert(mode).save(path)
    label = label_image(path, tmp_path / "target.png", "image/png", LABEL)
    with Image.open(tmp_path / "target.png") as image:
        grey = np.asarray(image.convert("RGB").convert("L"))
    assert look(iter([(0.0, grey)]), label).score > 0.8


def test_a_label_is_opaque_enough_on_a_transparent_picture(tmp_path: Path) -> None:
    Image.new("RGBA", (320, 180), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    label = label_image(tmp_path / "clear.png", tmp_path / "target.png", "image/png", LABEL)
    with Image.open(tmp_path / "target.png") as image:
        alpha = np.asarray(image)[..., 3]
    inside = alpha[label.y + 3 : label.y + label.height - 3, label.x + 3 : label.x + 40]
    assert inside.min() > 150


def test_a_video_that_breaks_off_is_refused(clip: Asset, tmp_path: Path) -> None:
    content = bytearray(clip.path.read_bytes())
    start = content.index(b"mdat") + 4
    content[start + 100 : start + 30_000] = bytes(29_900)
    clip.path.write_bytes(content)
    with pytest.raises(InvalidRequest) as caught:
        label_video(clip.path, tmp_path / "target.mp4", LABEL)
    assert caught.value.code == "media_corrupt"


def test_non_square_pixels_stay_so(tmp_path: Path) -> None:
    path = tmp_path / "source.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        for index in range(5):
            frame = av.VideoFrame.from_ndarray(samples.scene(index), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    label_video(path, tmp_path / "target.mp4", LABEL)
    with av.open(str(tmp_path / "target.mp4")) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(4, 3)
