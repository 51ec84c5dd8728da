"""China's label of AI-generated content (GB 45438-2025): one in each file, where the guides say."""

import json
import shutil
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from governance.domain import Asset
from governance.kernel.errors import InvalidRequest
from governance.marking.context import MarkContext
from governance.marking.metadata import aigc, write, xmp
from governance.marking.metadata.aigc_read import AigcLabel, labels, parse, read_aigc
from governance.marking.metadata.xmp_read import packets
from governance.marking.probe import inspect
from tests.marking import samples
from tests.marking.conftest import KINDS, RECORD

Make = Callable[[str], Asset]
FIELDS = [
    "Label",
    "ContentProducer",
    "ProduceID",
    "ReservedCode1",
    "ContentPropagator",
    "PropagateID",
    "ReservedCode2",
]
VENDOR = AigcLabel("2", "001191110102MAD55U9H0F10002", "98ae6b12", "code", "platform", "77", "c2")
OTHER = replace(VENDOR, produce_id="another")
VIDEOS = ("video/mp4", "video/quicktime")


def labelled(path: Path, kind: str, label: AigcLabel) -> None:
    """As a vendor does who follows the guides."""
    text = label.text()
    if kind.startswith("image/"):
        write.put(path, kind, xmp=xmp.with_label(None, text))
    else:
        write.put(path, kind, aigc=text.encode())


@pytest.mark.parametrize("kind", KINDS)
def test_a_label_is_written_into_every_format_and_found_again(
    make: Make, context: MarkContext, kind: str
) -> None:
    asset = make(kind)
    mark = aigc.embed(asset.path, kind, replace(context, aigc_producer="0011"), asset.path)
    assert mark.state == "present"
    found = read_aigc(asset.path, kind, RECORD)
    assert found.state == "present"
    assert dict(found.facts) == {
        "label": "1",
        "producer": "0011",
        "propagator": "0011",
        "produce_id": RECORD,
        "propagate_id": RECORD,
    }
    inspect(asset.path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_writing_replaces_the_first(make: Make, context: MarkContext, kind: str) -> None:
    path = make(kind).path
    for number in ("gen_" + "0" * 32, RECORD):
        aigc.embed(path, kind, replace(context, record_id=number), path)
    (label,) = labels(path, kind)
    assert label is not None
    assert (label.produce_id, label.propagate_id) == ("gen_" + "0" * 32, RECORD)
    inspect(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_vendors_label_keeps_its_producer_and_we_become_the_propagator(
    make: Make, context: MarkContext, kind: str
) -> None:
    path = make(kind).path
    labelled(path, kind, VENDOR)
    mark = aigc.embed(path, kind, context, path)
    assert "producer is the source's" in mark.detail
    (label,) = labels(path, kind)
    assert label == AigcLabel(
        "1", VENDOR.producer, VENDOR.produce_id, "code", context.producer, RECORD
    )
    assert read_aigc(path, kind, RECORD).state == "present"


def test_what_others_only_suspect_stays_a_suspicion_in_a_file_from_outside(
    make: Make, context: MarkContext
) -> None:
    path = make("image/png").path
    labelled(path, "image/png", VENDOR)
    aigc.embed(path, "image/png", replace(context, edited=True), path)
    (label,) = labels(path, "image/png")
    assert label is not None and label.label == "2"


@pytest.mark.parametrize("kind", KINDS)
def test_labels_that_contradict_each_other_become_one(
    make: Make, context: MarkContext, kind: str
) -> None:
    path = make(kind).path
    labelled(path, kind, VENDOR)
    existing = next(iter(packets(path, kind)), None)
    root = xmp.packet(context, existing).decode()
    second = f"<rdf:li>{OTHER.text()}</rdf:li>".replace('"', "&quot;")
    if kind.startswith("image/"):
        inside = f"<TC260:AIGC><rdf:Bag>{second}<rdf:li>{VENDOR.text()}</rdf:li></rdf:Bag>"
        root = root.replace(f"<TC260:AIGC>{VENDOR.text()}", inside)
        write.put(path, kind, xmp=root.encode())
    else:
        write.put(path, kind, xmp=xmp.with_label(root.encode(), OTHER.text()))
    assert len(labels(path, kind)) == 2
    assert "the standard allows one" in read_aigc(path, kind).detail
    mark = aigc.embed(path, kind, context, path)
    assert "contradict each other" in mark.detail
    assert dict(mark.facts)["labels_found"] == "2"
    assert len(labels(path, kind)) == 1


def test_a_label_in_a_text_chunk_of_a_png_moves_into_xmp(
    context: MarkContext, tmp_path: Path
) -> None:
    texts = PngInfo()
    texts.add_text("AIGC", VENDOR.text(), zip=True)
    path = tmp_path / "a.png"
    Image.new("RGB", (20, 20)).save(path, pnginfo=texts)
    assert labels(path, "image/png") == (VENDOR,)
    aigc.embed(path, "image/png", context, path)
    assert len(labels(path, "image/png")) == 1
    assert b"AIGC\x00" not in path.read_bytes()


@pytest.mark.parametrize("kind", ["image/jpeg", "image/png", "image/webp"])
def test_a_label_in_an_exif_comment_moves_into_xmp(
    context: MarkContext, tmp_path: Path, kind: str
) -> None:
    notes = Image.Exif()
    notes[0x0131] = "a generator"
    wrapped = json.dumps({"AIGC": json.loads(VENDOR.text())})
    notes.get_ifd(0x8769)[0x9286] = b"ASCII\x00\x00\x00" + wrapped.encode()
    path = tmp_path / f"a.{kind[6:]}"
    Image.new("RGB", (20, 20)).save(path, exif=notes)
    assert labels(path, kind) == (VENDOR,)
    aigc.embed(path, kind, context, path)
    (label,) = labels(path, kind)
    assert label is not None and label.produce_id == VENDOR.produce_id
    with Image.open(path) as picture:
        assert not picture.getexif().get_ifd(0x8769)[0x9286].strip(b" ")[8:]


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_a_label_that_ffmpeg_wrote_is_read_and_replaced(
    context: MarkContext, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"clip{suffix}"
    plain = samples.video(tmp_path / f"plain{suffix}", seconds=0.3)
    options = {"movflags": "use_metadata_tags+faststart"}
    with av.open(str(plain)) as reading, av.open(str(path), "w", options=options) as writing:
        writing.metadata.update({"AIGC": VENDOR.text(), "comment": "kept"})
        copy = writing.add_stream_from_template(reading.streams.video[0])
        for packet in reading.demux(reading.streams.video[0]):
            if packet.dts is not None:
                packet.stream = copy
                writing.mux(packet)
    kind = inspect(path).media_type
    assert labels(path, kind) == (VENDOR,)
    before = frames(path)
    aigc.embed(path, kind, context, path)
    assert labels(path, kind) != (VENDOR,) and len(labels(path, kind)) == 1
    with av.open(str(path)) as reading:
        assert json.loads(reading.metadata["AIGC"])["PropagateID"] == RECORD
        assert reading.metadata["comment"] == "kept"
    assert frames(path) == before


@pytest.mark.parametrize(
    "flags", ["write_colr", "faststart", "frag_keyframe+empty_moov", "frag_keyframe"]
)
def test_no_frame_is_lost_when_what_follows_the_movie_box_moves(
    context: MarkContext, tmp_path: Path, flags: str
) -> None:
    plain = samples.video(tmp_path / "plain.mp4", seconds=1, sound=samples.tone())
    path = tmp_path / "clip.mp4"
    with av.open(str(plain)) as reading, av.open(str(path), "w", options={"movflags": flags}) as to:
        copies = {stream.index: to.add_stream_from_template(stream) for stream in reading.streams}
        for packet in reading.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                to.mux(packet)
    before = frames(path)
    xmp.embed(path, "video/mp4", context, None)
    aigc.embed(path, "video/mp4", context, path)
    assert frames(path) == before
    assert read_aigc(path, "video/mp4", RECORD).state == "present"
    assert len(packets(path, "video/mp4")) == 1


def frames(path: Path) -> list[tuple[str, int, int]]:
    """Checksums of everything that decodes, in order, also after a jump into the middle."""
    with av.open(str(path)) as container:
        found = [checksum(frame) for frame in container.decode()]
        container.seek(500_000)
        return found + [checksum(frame) for frame in container.decode()]


def checksum(frame: object) -> tuple[str, int, int]:
    array = frame.to_ndarray()  # type: ignore[attr-defined]
    return type(frame).__name__, frame.pts, zlib.crc32(array.tobytes())  # type: ignore[attr-defined]


def test_the_text_is_the_standards_seven_strings_in_their_order() -> None:
    assert list(json.loads(VENDOR.text())) == FIELDS
    assert VENDOR.text().isascii()


@given(st.lists(st.text(min_size=1, max_size=20), min_size=6, max_size=6))
def test_what_is_written_is_read(values: list[str]) -> None:
    label = AigcLabel("1", *values)
    assert parse(label.text().encode()) == label
    assert parse(json.dumps({"AIGC": json.loads(label.text())}).encode()) == label


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "AIGC",
        '{"Label":"1"}',
        '{"Label":"4","ContentProducer":"a","ProduceID":"b"}',
        '{"Label":1,"ContentProducer":"a","ProduceID":"b"}',
        '{"Label":"1","Label":"3","ContentProducer":"a","ProduceID":"b"}',
        '{"Label":"1","ContentProducer":"","ProduceID":"b"}',
        "[" * 5000,
        '{"Label":"1","ContentProducer":"' + "a" * 20_000 + '","ProduceID":"b"}',
    ],
)
def test_what_is_not_as_the_standard_wants_it_is_no_label(text: str) -> None:
    assert parse(text.encode()) is None


def test_a_label_that_cannot_be_read_is_replaced_and_the_mark_says_so(
    make: Make, context: MarkContext
) -> None:
    path = make("audio/wav").path
    write.put(path, "audio/wav", aigc=b'{"Label":"1"}')
    assert "not as the standard wants it" in read_aigc(path, "audio/wav").detail
    mark = aigc.embed(path, "audio/wav", context, path)
    assert "could not be read and was replaced" in mark.detail
    assert read_aigc(path, "audio/wav", RECORD).state == "present"


def test_a_label_of_another_record_is_not_ours(make: Make, context: MarkContext) -> None:
    path = make("audio/mpeg").path
    aigc.embed(path, "audio/mpeg", context, path)
    found = read_aigc(path, "audio/mpeg", "gen_" + "0" * 32)
    assert found.state == "absent" and "another record" in found.detail


def test_no_number_of_a_stranger_is_taken_over(make: Make) -> None:
    path = make("audio/wav").path
    labelled(path, "audio/wav", VENDOR)
    assert dict(read_aigc(path, "audio/wav").facts) == {
        "label": "2",
        "producer": VENDOR.producer,
        "propagator": "platform",
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_without_a_label_has_none(make: Make, kind: str) -> None:
    assert read_aigc(make(kind).path, kind).detail == "No AIGC label in the file."


def test_the_vendors_xmp_gives_way_where_a_jpeg_has_no_room_for_both(
    context: MarkContext, tmp_path: Path
) -> None:
    path = tmp_path / "a.jpg"
    Image.new("RGB", (20, 20)).save(path)
    filler = (
        xmp.with_label(None, "")
        .decode()
        .replace("<rdf:RDF ", '<rdf:RDF xmlns:v="https://vendor.example/" ')
    )
    filler = filler.replace("/>\n</x:", f"><rdf:Description v:a='{'a' * 64_500}'/></rdf:RDF></x:")
    xmp.embed(path, "image/jpeg", context, filler.encode())
    aigc.embed(path, "image/jpeg", context, path)
    assert read_aigc(path, "image/jpeg", RECORD).state == "present"
    inspect(path)


@pytest.mark.parametrize("kind", VIDEOS)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        struct.pack(">I4s4s", 12, b"ftyp", b"isom"),
        struct.pack(">I4s4s", 12, b"ftyp", b"isom")
        + struct.pack(">I4sI4s", 16, b"moov", 9, b"trak"),
        struct.pack(">I4sQ", 1, b"moov", 16),
    ],
)
def test_a_broken_movie_is_refused(
    context: MarkContext, tmp_path: Path, kind: str, content: bytes
) -> None:
    path = tmp_path / "broken"
    path.write_bytes(content)
    with pytest.raises(InvalidRequest) as caught:
        aigc.embed(path, kind, context, path)
    assert caught.value.code == "media_corrupt"
    assert path.read_bytes() == content


def test_a_failed_writing_leaves_no_draft(context: MarkContext, tmp_path: Path) -> None:
    path = samples.video(tmp_path / "clip.mp4", seconds=0.2)
    shutil.copyfile(path, tmp_path / "copy.mp4")
    aigc.embed(path, "video/mp4", context, path)
    assert not list(tmp_path.glob("*.moov"))
