"""Whatever arrives is marked or refused with a sentence, and the master stays what it was."""

import hashlib
import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from governance.domain import Asset, Duty
from governance.kernel.errors import GovernanceError, TooLarge, Unavailable
from governance.marking.containers import end_of
from governance.marking.credentials.authority import Authority
from governance.marking.decode import pictures
from governance.marking.duties import unmet
from governance.marking.probe import MAX_SECONDS, inspect
from governance.marking.write import MarkContext, mark
from tests.marking import samples
from tests.marking.conftest import KINDS, read_back
from tests.marking.samples import METADATA_DUTY, WATERMARK_DUTY, label_duty
from tests.marking.test_pixels import times
from tests.marking.test_round_trip import facts, found

Make = Callable[[str], Asset]
DUTIES = [METADATA_DUTY, WATERMARK_DUTY, label_duty()]
IDENTITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def refusal(path: Path, context: MarkContext) -> GovernanceError:
    """The error with which the file is refused; the file is unchanged and nothing else is left."""
    before, target = sha256(path), path.with_name("target")
    with pytest.raises(GovernanceError) as caught:
        mark(inspect(path), target, DUTIES, context)
    assert sha256(path) == before
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name]
    assert caught.value.message.endswith(".") and len(caught.value.message) > 40
    return caught.value


def patched(path: Path, change: Callable[[bytearray], None]) -> Path:
    content = bytearray(path.read_bytes())
    change(content)
    path.write_bytes(content)
    return path


def halved(content: bytearray) -> None:
    del content[len(content) // 2 :]


def without_index(content: bytearray) -> None:
    content[content.rindex(b"moov") : content.rindex(b"moov") + 4] = b"free"


def garbled(content: bytearray) -> None:
    start = content.index(b"mdat") + 300
    content[start : start + 20_000] = bytes(20_000)


def endless_track(content: bytearray) -> None:
    """A sample table that claims four thousand million samples."""
    at = content.index(b"stsz") + 12
    content[at : at + 4] = b"\xff\xff\xff\xff"


def mirrored(content: bytearray) -> None:
    at = content.index(IDENTITY, content.index(b"tkhd"))
    content[at : at + 4] = struct.pack(">i", -0x10000)


def dolby_vision(content: bytearray) -> None:
    at = content.rindex(b"avc1")
    content[at : at + 4] = b"dva1"


def pdf_inside(content: bytearray) -> None:
    """A PDF header in a box of its own behind the file type."""
    end = struct.unpack_from(">I", content)[0]
    content[end:end] = struct.pack(">I4s", 24, b"free") + b"%PDF-1.7\n%\xe2\xe3\xcf\xd3 "


@pytest.mark.parametrize(
    ("change", "code", "advice"),
    [
        (halved, "media_corrupt", "deliver it again, whole"),
        (without_index, "media_corrupt", "deliver it again, whole"),
        (garbled, "media_corrupt", "deliver it again, whole"),
        (endless_track, "media_corrupt", "deliver it again, whole"),
        (mirrored, "media_unsupported", "frames as they are shown"),
        (dolby_vision, "media_unsupported", "SDR (BT.709)"),
        (pdf_inside, "media_unsupported", "plain picture or video"),
    ],
)
def test_a_broken_or_foreign_video_is_refused_with_advice(
    clip: Asset,
    context: MarkContext,
    change: Callable[[bytearray], None],
    code: str,
    advice: str,
) -> None:
    error = refusal(patched(clip.path, change), context)
    assert (error.code, advice in error.message) == (code, True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.3, 0.95])
def test_a_truncated_file_of_any_kind_is_refused(
    make: Make, context: MarkContext, kind: str, share: float
) -> None:
    path = make(kind).path
    if kind == "audio/mpeg" and share > 0.5:
        pytest.skip("an MP3 has no length of its own: one that ends early is a shorter one")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    if kind == "audio/mpeg":
        path.write_bytes(path.read_bytes()[:40])
    assert refusal(path, context).code == "media_corrupt"


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")], ids=["PQ", "HLG"])
def test_hdr_is_refused_with_advice(
    context: MarkContext, tmp_path: Path, transfer: int, name: str
) -> None:
    path = samples.video(tmp_path / "a.mp4", seconds=0.1, pix_fmt="yuv420p10le", transfer=transfer)
    error = refusal(path, context)
    assert error.code == "media_unsupported"
    assert f"HDR video ({name})" in error.message and "SDR (BT.709)" in error.message


def test_interlaced_video_is_refused_with_advice(context: MarkContext, tmp_path: Path) -> None:
    path = samples.video(tmp_path / "a.mp4", seconds=0.2, options={"x264-params": "tff=1"})
    assert "progressive frames" in refusal(path, context).message


def test_a_second_picture_track_is_refused_for_it_would_go_out_unmarked(
    context: MarkContext, tmp_path: Path
) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("libx264", rate=24) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for stream in streams:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(samples.scene(0), "rgb24")))
            container.mux(stream.encode(None))
    assert "one video track" in refusal(path, context).message


def test_a_picture_that_changes_its_size_midway_is_refused(
    context: MarkContext, tmp_path: Path
) -> None:
    path = samples.joined(
        tmp_path / "a.mp4",
        samples.video(tmp_path / "one.mp4", seconds=0.3),
        samples.video(
            tmp_path / "two.mp4", seconds=0.3, picture=lambda n: samples.scene(n, 640, 360)
        ),
    )
    for name in ("one.mp4", "two.mp4"):
        (tmp_path / name).unlink()
    assert "changes its size" in refusal(path, context).message


def test_a_video_of_too_many_pixels_is_refused_before_it_is_decoded(
    context: MarkContext, tmp_path: Path
) -> None:
    path = samples.video(
        tmp_path / "a.mp4",
        seconds=0.04,
        picture=lambda n: np.zeros((2400, 4096, 3), np.uint8),
        options={"preset": "ultrafast"},
    )
    assert isinstance(refusal(path, context), TooLarge)


@pytest.mark.parametrize(("mode", "name"), [("I;16", "a.png"), ("CMYK", "a.jpg")])
def test_deep_and_printers_colours_are_refused(
    context: MarkContext, tmp_path: Path, mode: str, name: str
) -> None:
    Image.new(mode, (64, 64)).save(tmp_path / name)
    assert refusal(tmp_path / name, context).code == "media_unsupported"


def test_a_png_of_16_bits_per_channel_is_refused_rather_than_cut_to_8(
    context: MarkContext, tmp_path: Path
) -> None:
    frame = av.VideoFrame.from_ndarray(samples.scene(0), "rgb24").reformat(format="rgb48be")
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 320, 180, "rgb48be"
    encoder.time_base = Fraction(1)
    (tmp_path / "a.png").write_bytes(b"".join(map(bytes, encoder.encode(frame))))
    assert "8 bits per channel" in refusal(tmp_path / "a.png", context).message


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "audio/mpeg"])
@pytest.mark.parametrize("duties", [[METADATA_DUTY], DUTIES], ids=["copied", "encoded"])
def test_what_hides_behind_the_end_of_a_file_is_not_delivered(
    make: Make, context: MarkContext, tmp_path: Path, kind: str, duties: list[Duty]
) -> None:
    path, target = make(kind).path, tmp_path / "target"
    clean, hidden = path.read_bytes(), archive()
    path.write_bytes(clean + hidden)
    source = inspect(path)
    assert end_of(path, kind) == len(clean)
    marked = mark(source, target, duties, context)
    assert b"<script>" not in target.read_bytes()
    assert not zipfile.is_zipfile(target)
    assert path.read_bytes() == clean + hidden
    assert found(read_back(target, marked, context), "c2pa").state == "present"


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        zipped.writestr("index.html", "<script>alert(1)</script>")
    return buffer.getvalue()


def test_an_image_with_a_pdf_header_is_refused(context: MarkContext, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(samples.scene(0)).save(path, comment=b"%PDF-1.4 1 0 obj")
    assert "PDF" in refusal(path, context).message


def test_eight_hours_are_marked_and_read_back(context: MarkContext, tmp_path: Path) -> None:
    """As a slide show has it: few frames, long ones."""
    stamps = [hour * 3600 * 600 for hour in range(9)]
    source = inspect(samples.video(tmp_path / "a.mp4", times=stamps))
    assert source.seconds >= 8 * 3600
    duties = [METADATA_DUTY, label_duty(duration="interval", seconds=5, every=1800)]
    marked = mark(source, tmp_path / "target", duties, context)
    assert times(tmp_path / "target") == times(source.path) == [hour * 3600 for hour in range(9)]
    assert unmet(duties, read_back(tmp_path / "target", marked, context)) == []


def test_more_than_half_a_day_is_refused(context: MarkContext, tmp_path: Path) -> None:
    path = samples.video(tmp_path / "a.mp4", times=[0, 600, (MAX_SECONDS + 60) * 600])
    assert refusal(path, context).code == "media_too_large"


def test_a_label_that_does_not_fit_leaves_nothing_behind(
    context: MarkContext, tmp_path: Path
) -> None:
    path = samples.image(tmp_path / "a.png", width=60, height=32)
    assert refusal(path, context).code == "label_too_large"


def test_a_signature_that_fails_leaves_nothing_behind(
    clip: Asset, context: MarkContext, authority: Authority
) -> None:
    def fail(data: bytes) -> bytes:
        raise OSError("the key store does not answer")

    broken = replace(context, authority=Unsigned(authority, fail))  # type: ignore[arg-type]
    before = sha256(clip.path)
    with pytest.raises(Unavailable):
        mark(clip, clip.path.with_name("target"), [METADATA_DUTY], broken)
    assert [file.name for file in clip.path.parent.iterdir()] == [clip.path.name]
    assert sha256(clip.path) == before


class Unsigned:
    """An authority whose key store is down."""

    def __init__(self, authority: Authority, sign: Callable[[bytes], bytes]) -> None:
        self._authority, self.sign = authority, sign

    def __getattr__(self, name: str) -> object:
        return getattr(self._authority, name)


def test_a_file_of_ours_that_comes_back_keeps_its_history_and_gets_one_label(
    context: MarkContext, tmp_path: Path
) -> None:
    first = inspect(samples.image(tmp_path / "a.png", picture=samples.noise))
    once, twice = tmp_path / "once.png", tmp_path / "twice.png"
    mark(first, once, DUTIES, context)
    edit = replace(
        context, record_id="gen_" + "1" * 32, watermark_id=context.watermark_id + 1, edited=True
    )
    marked = mark(inspect(once), twice, DUTIES, edit)
    marks = read_back(twice, marked, edit)
    assert unmet(DUTIES, marks) == []
    manifest = facts(found(marks, "c2pa"))
    assert (manifest["manifests"], manifest["validation"]) == ("2", "Trusted")
    assert facts(found(marks, "iptc"))["record_id"] == edit.record_id
    (_, before), (_, after) = (next(pictures(path, "image/png")) for path in (once, twice))
    x, y, width, height = map(int, facts(found(marked.marks, "label"))["box"].split(","))
    changed = np.abs(before.astype(int) - after)
    changed[y : y + height, x : x + width] = 0
    assert changed.mean() < 3 and changed.max() < 40


@pytest.mark.parametrize("kind", ["video/mp4", "image/jpeg"])
def test_a_file_that_another_service_marked_keeps_that_mark_as_its_parent(
    make: Make, context: MarkContext, tmp_path: Path, vendor: Authority, kind: str
) -> None:
    path = samples.by_vendor(make(kind).path, kind, vendor)
    marked = mark(inspect(path), tmp_path / "target", DUTIES, context)
    manifest = facts(found(read_back(tmp_path / "target", marked, context), "c2pa"))
    assert (manifest["manifests"], manifest["validation"]) == ("2", "Trusted")


def test_the_label_of_a_chinese_service_is_carried_on_once(
    context: MarkContext, tmp_path: Path
) -> None:
    text = '{"Label":"1","ContentProducer":"001191310000","ProduceID":"abc"}'
    source = inspect(samples.video(tmp_path / "a.mp4", seconds=0.5, metadata={"AIGC": text}))
    marked = mark(source, tmp_path / "target", [METADATA_DUTY, label_duty()], context)
    assert found(marked.marks, "aigc").state == "present"
    assert found(read_back(tmp_path / "target", marked, context), "aigc").state == "present"
    assert (tmp_path / "target").read_bytes().count(b'"ContentProducer"') <= 2
